"""Train one of the three emotion models: `tfg train emotion-add`.

One set of virtual actors is trained on, a second one selects, a third one scores; no person is in two of them
(tfg.systems.expression.emotion.pairs). Splits are by person, never by window.
"""
from __future__ import annotations

import time
from functools import partial
from pathlib import Path

from tfg.errors import InputError
from tfg.files import make_folder
from tfg.networks import checkpoint
from tfg.systems.expression.emotion import automl, baselines, linear, transformer
from tfg.systems.expression.emotion import learn as learning
from tfg.systems.expression.emotion.evaluate import report
from tfg.systems.expression.emotion.features import FELT
from tfg.systems.expression.emotion.files import load_arrays, save_arrays
from tfg.systems.expression.emotion.pairs import Pair, iterate, people
from tfg.systems.expression.options import EmotionAddTraining
from tfg.training.setup import run_of, started_from
from tfg.training.warm_start import names_of

SIZES = {"ci": dict(train=(3, 1), val=(1, 1), test=(3, 1)), "cpu": dict(train=(500, 2), val=(75, 1), test=(14, 8)),
         "gpu": dict(train=(555, 12), val=(83, 3), test=(14, 12))}
"""Profile -> split -> (people, sentences of each)."""


def pairs_of(profile: str, split: str, *, seed: int = 0, progress: bool = False) -> list[Pair]:
    """Pairs of a split of a profile. Each split has sentences of its own."""
    from tqdm.auto import tqdm

    most, takes = SIZES[profile][split]
    who = people(profile, split, most)
    made = iterate(who, takes, seed=10 * seed + list(SIZES[profile]).index(split))
    return list(tqdm(made, f"pairs, {split}", len(who) * takes, disable=not progress))


def train_emotion_add(model: str, out, *, profile: str = "cpu", seed: int = 0, steps: int | None = None,
                      budget: float | None = None, resume: bool = True, progress: bool = True,
                      pairs: dict[str, list[Pair]] | None = None, init=None, freeze=None) -> dict:
    """Train a model, write it and its card into `out`, return the card.

    model: linear, transformer or automl.  profile: ci (seconds), cpu (minutes), gpu.  steps: steps of the
    transformer.  budget: seconds of automl's search.  resume: continue the transformer's training.  pairs: split ->
    `pairs_of`, if they have been made already, for several models.  init, freeze: for the transformer, see
    `tfg.training.setup.run_of`.  The three may share a folder.
    Raises InputError: unknown model or profile, options that the model does not have, an extra that is missing.
    """
    EmotionAddTraining(model=model, out=out, profile=profile, seed=seed, steps=steps, budget=budget, init=init,
                       freeze=",".join(names_of(freeze)) or None)           # refuses what excludes each other
    if profile not in SIZES:
        raise InputError(f"unknown profile {profile!r}: take one of {', '.join(SIZES)}")
    if model == "automl":
        automl.packages("flaml", "lightgbm")
    run = run_of(learning.RUNS, profile, seed=seed, steps=steps, init=init, freeze=freeze, name="transformer")
    out = make_folder(Path(out))
    learn, unseen, test = (pairs[split] if pairs else pairs_of(profile, split, seed=seed, progress=progress)
                           for split in SIZES[profile])
    started = time.perf_counter()
    means = baselines.fit_mean(learn)
    command = f"tfg train emotion-add --model {model} --out DIR --profile {profile} --seed {seed}"
    card = {"profile": profile, "seed": seed, "emotions": list(FELT), "split": "train",
            "data": f"{sum(len(p.played) for p in learn)} replays of {len({p.actor for p in learn})} virtual actors, "
                    f"split train; {len({p.actor for p in unseen})} of val choose"}
    if model == "linear":
        weights = linear.fit(learn)
        keep = partial(save_arrays, out, "linear", weights | {"mean": means})
        change = partial(linear.change, {k: v.astype("float16") for k, v in weights.items()})
        card |= {"config": {"powers": linear.POWERS, "noise": linear.NOISE}, "command": command}
    elif model == "transformer":
        keep, change, entries = _transformer(learn, unseen, out, run, profile, resume, progress)
        card |= entries | {"command": f"{command} --steps {run.steps}{' --init CHECKPOINT' * (run.init is not None)}"
                                      + f" --freeze {','.join(run.freeze)}" * bool(run.freeze)}
    else:
        keep, change, entries = _automl(learn, unseen, out, profile, seed, budget, progress)
        card |= entries | {"command": f"{command} --budget {entries['budget_s']:g}"}
    card["minutes_of_fitting"] = round((time.perf_counter() - started) / 60, 1)
    card["scores"] = report({"identity": baselines.identity, "mean": partial(baselines.mean_offset, means),
                             "table": baselines.table, model: change}, test, model)
    keep(card)
    return card


def shipped_mean(folder=None):
    """Mean offset of each emotion, (5, 52), over the people the linear model was trained on."""
    return load_arrays("linear", folder, shapes={"mean": linear.SHAPE[::2]})[0]["mean"]


def _transformer(learn, unseen, out, run, profile, resume, progress):
    network, at = learning.fit(learn, unseen, out, run, profile=profile, resume=resume, progress=progress)
    return (partial(checkpoint.save, network, out, "transformer"), partial(transformer.change, network),
            {"steps": run.steps, "batch": run.batch, "best_val_rmse": at.best, **started_from(run, at)})


def _automl(learn, unseen, out, profile, seed, budget, progress):
    import lightgbm

    options = automl.BUDGETS[profile] | ({"budget_s": float(budget), "trials": None} if budget else {})
    texts, entries = automl.fit(learn, unseen, seed=seed, progress=progress, **options)
    forests = {name: lightgbm.Booster(model_str=text) for name, text in texts.items()}
    return partial(automl.save, out, texts), partial(automl.change, forests), \
        {"budget_s": options["budget_s"]} | entries
