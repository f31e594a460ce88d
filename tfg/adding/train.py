"""Train one of the three models: `tfg emotion-add train`.

Pairs of one set of virtual actors are learned from, those of a second choose, those of a third score; nobody is in two
(tfg.adding.pairs). Windows are never split.
"""
from __future__ import annotations

import time
from functools import partial
from pathlib import Path

from tfg.adding import baselines, linear
from tfg.adding.apply import MODELS
from tfg.adding.features import FELT
from tfg.adding.keep import load_arrays, save_arrays
from tfg.adding.pairs import Pair, iterate, people
from tfg.adding.scores import report
from tfg.errors import InputError
from tfg.files import make_folder

SIZES = {"ci": dict(train=(3, 1), val=(1, 1), test=(3, 1)), "cpu": dict(train=(500, 2), val=(75, 1), test=(14, 8)),
         "gpu": dict(train=(555, 12), val=(83, 3), test=(14, 12))}
"""Profile -> split -> (people, sentences of each)."""


def pairs_of(profile: str, split: str, *, seed: int = 0, progress: bool = False) -> list[Pair]:
    """The pairs of a split of a profile. Each split says other sentences."""
    from tqdm.auto import tqdm

    most, takes = SIZES[profile][split]
    who = people(profile, split, most)
    made = iterate(who, takes, seed=10 * seed + list(SIZES[profile]).index(split))
    return list(tqdm(made, f"pairs, {split}", len(who) * takes, disable=not progress))


def train(model: str, out, *, profile: str = "cpu", seed: int = 0, steps: int | None = None,
          budget_s: float | None = None, resume: bool = True, progress: bool = True,
          pairs: dict[str, list[Pair]] | None = None) -> dict:
    """Train a model, write it and its card into `out`, return the card.

    model: linear, transformer or automl.  profile: ci (seconds), cpu (minutes), gpu.  steps: of the transformer.
    budget_s: of automl's search.  resume: the transformer goes on where it was.  pairs: split -> `pairs_of`, where they
    have been made already, for several models.  The three may share a folder.
    Raises InputError: unknown model or profile, numbers that mean nothing to the model, an extra that is missing.
    """
    _check(model, profile, steps, budget_s)
    out = make_folder(Path(out))
    learn, unseen, test = (pairs[split] if pairs else pairs_of(profile, split, seed=seed, progress=progress)
                           for split in SIZES[profile])
    started = time.perf_counter()
    means = baselines.fit_mean(learn)
    command = f"tfg emotion-add train --model {model} --out DIR --profile {profile} --seed {seed}"
    card = {"profile": profile, "seed": seed, "emotions": list(FELT), "split": "train",
            "data": f"{sum(len(p.played) for p in learn)} replays of {len({p.actor for p in learn})} virtual actors, "
                    f"split train; {len({p.actor for p in unseen})} of val choose"}
    if model == "linear":
        held = linear.fit(learn)
        keep = partial(save_arrays, out, "linear", held | {"mean": means})
        change = partial(linear.change, {k: v.astype("float16") for k, v in held.items()})
        card |= {"config": {"powers": linear.POWERS, "noise": linear.NOISE}, "command": command}
    elif model == "transformer":
        keep, change, told = _transformer(learn, unseen, out, profile, seed, steps, resume, progress)
        card |= told | {"command": f"{command} --steps {told['steps']}"}
    else:
        keep, change, told = _automl(learn, unseen, out, profile, seed, budget_s, progress)
        card |= told | {"command": f"{command} --budget {told['budget_s']:g}"}
    card["minutes_of_fitting"] = round((time.perf_counter() - started) / 60, 1)
    card["scores"] = report({"identity": baselines.identity, "mean": partial(baselines.mean_offset, means),
                             "table": baselines.table, model: change}, test, model)
    keep(card)
    return card


def shipped_mean(folder=None):
    """(5, 52) the mean offset of each emotion, from the people the linear model learned from."""
    return load_arrays("linear", folder)[0]["mean"]


def _transformer(learn, unseen, out, profile, seed, steps, resume, progress):
    from tfg.adding import learn as learning
    from tfg.adding import transformer
    from tfg.models import checkpoint

    network, run, at = learning.fit(learn, unseen, out, profile=profile, seed=seed, steps=steps, resume=resume,
                                    progress=progress)
    return (partial(checkpoint.save, network, out, "transformer"), partial(transformer.change, network),
            {"steps": run.steps, "batch": run.batch, "best_val_rmse": at.best})


def _automl(learn, unseen, out, profile, seed, budget_s, progress):
    import lightgbm

    from tfg.adding import automl

    options = automl.BUDGETS[profile] | ({"budget_s": float(budget_s), "trials": None} if budget_s else {})
    texts, told = automl.fit(learn, unseen, seed=seed, progress=progress, **options)
    forests = {name: lightgbm.Booster(model_str=text) for name, text in texts.items()}
    return partial(automl.save, out, texts), partial(automl.change, forests), {"budget_s": options["budget_s"]} | told


def _check(model: str, profile: str, steps, budget_s) -> None:
    if model not in MODELS:
        raise InputError(f"unknown model {model!r}; choose one of {', '.join(MODELS)}.")
    if profile not in SIZES:
        raise InputError(f"unknown profile {profile!r}: take one of {', '.join(SIZES)}")
    if steps is not None and model != "transformer":
        raise InputError(f"the model {model} has no steps; leave --steps out, or train the transformer.")
    if steps is not None and steps < 1:
        raise InputError(f"{steps} steps were asked for; give 1 or more.")
    if budget_s is not None and model != "automl":
        raise InputError(f"the model {model} has no budget; leave --budget out, or train automl.")
    if budget_s is not None and not 0 < budget_s < float("inf"):
        raise InputError(f"the budget is {budget_s!r} s; give a positive number of seconds.")
    if model == "automl":
        from tfg.adding.automl import packages

        packages("flaml", "lightgbm")
