"""The automl model: LightGBM's trees (Ke et al. 2017), whose settings FLAML (Wang et al. 2021) searches in a budget.

The fork let auto-sklearn choose among all its models for twelve hours, and those can only be pickled. Here FLAML's
cost-frugal search (CFO; Wu et al. 2021) chooses the settings of one kind of estimator that has a text format, one
gradient-boosted forest per coefficient that emotions move. Only `flaml.tune` is used, as
FLAML's AutoML class needs pandas and XGBoost besides. Imported only when used; the extra is `automl`.

Both sides of a face share a forest, which predicts change / intensity: at intensity 0 the change is 0.
"""
from __future__ import annotations

import gzip
import json
import time
import warnings
import zlib
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec

import numpy as np

from tfg.errors import InputError
from tfg.networks import cards as carded
from tfg.systems.expression.emotion.features import AHEAD, FELT, FRAMES, N_TIMES, times, windows
from tfg.systems.expression.emotion.pairs import Pair
from tfg.vocabulary import EXPRESSION, index

NAMES = tuple(dict.fromkeys(n.removesuffix("Left").removesuffix("Right") for n in EXPRESSION))
"""Names of the coefficients, left and right as one."""
BUDGETS = {"ci": dict(budget_s=20.0, trials=2, rounds=6), "cpu": dict(budget_s=300.0, trials=None, rounds=80),
           "gpu": dict(budget_s=3600.0, trials=None, rounds=400)}
"""Profile -> limits: seconds of the search, or settings that it may try; most trees of a forest."""
STILL = .012
"""Coefficients that change less than this (root mean square) get no forest."""
SEARCHED = 4
"""Number of coefficients, those that change most, on which settings are compared; all forests use the best settings."""
EVERY = 3
"""Step between the frames that are used for training, as neighbouring frames are nearly equal."""
PATIENCE = 8
N_INPUTS = 2 + N_TIMES + 3 * len(NAMES)
"""Number of inputs of a forest: emotion, intensity, and `inputs`."""


def packages(*names: str) -> None:
    """Raises InputError if one of the packages of the extra is not installed."""
    gone = [n for n in names if find_spec(n) is None]
    if gone:
        raise InputError(f"the model automl needs {' and '.join(gone)}, which {'are' if gone[1:] else 'is'} not "
                         f"installed: pip install {' '.join(gone)}, or take the model linear.")


def inputs(source: np.ndarray, when: np.ndarray | None = None) -> np.ndarray:
    """Inputs of the forests from a source (T, 52): (T, 10 + 3 * len(NAMES)) float32: the times, and of both sides' mean
    the frame itself and the differences of the two frames before and of the two after it.  when: the times (T, 10),
    as `features.times` gives them; None: the source is a whole clip."""
    when = times(len(source)) if when is None else when
    w = windows(source)
    sides = np.stack([w[..., index(n)].mean(-1) for n in NAMES], -1)                     # (T, 5, C)
    now, at = sides[:, FRAMES - 1 - AHEAD], FRAMES - 1 - AHEAD
    return np.concatenate([when, now, sides[:, :at].mean(1) - now, sides[:, at + 1:].mean(1) - now], 1)


def table(pairs: Sequence[Pair], every: int = EVERY, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Training rows: inputs (N, F) with emotion and intensity in front, change / intensity of `NAMES` (N, C), and
    weights (N,), intensity^2, which make the error that of the change."""
    rows, rates, weights = [], [], []
    for number, pair in enumerate(pairs):
        x = inputs(pair.source)[number % every::every]
        for p in pair.played:
            change = (p.target - pair.source)[number % every::every]
            rates.append(np.stack([change[:, index(n)].mean(1) for n in NAMES], 1) / p.intensity)
            rows.append(_rows(x, p.emotion, p.intensity))
            weights.append(np.full(len(x), p.intensity ** 2, np.float32))
    return np.concatenate(rows), np.concatenate(rates).astype(np.float32), np.concatenate(weights)


def _rows(x: np.ndarray, emotion: str, intensity: float) -> np.ndarray:
    columns = np.tile(np.array([[FELT.index(emotion), intensity]], np.float32), (len(x), 1))
    return np.concatenate([columns, x], 1)


def fit(pairs: Sequence[Pair], unseen: Sequence[Pair], *, budget_s: float, trials: int | None = None,
        rounds: int = 60, seed: int = 0, progress: bool = False) -> tuple[dict[str, str], dict]:
    """Search settings, then grow a forest for each coefficient that changes. `unseen`: other people, whose error
    decides the number of trees.

    budget_s: seconds of the search; its result depends on the machine.  trials: most settings to try; if they end the
    search, the same seed gives the same forests.  rounds: most trees of a forest.
    Returns {name: text} and entries of the card.  Raises InputError: flaml or lightgbm is not installed.
    """
    packages("flaml", "lightgbm")
    learn, hold = table(pairs, seed=seed), table(unseen)
    power = np.sqrt((learn[2][:, None] * learn[1] ** 2).mean(0))
    moved = [n for n, p in zip(NAMES, power) if p >= STILL]
    most = [NAMES[k] for k in np.argsort(-power)[:SEARCHED]]
    started = time.perf_counter()
    settings, tried = _search(learn, hold, most, budget_s, trials, rounds, seed)
    spent = time.perf_counter() - started
    texts, sizes = {}, {}
    for n in _bar(moved, progress):
        booster = _grow(learn, hold, n, settings, rounds, seed)
        texts[n] = booster.model_to_string(num_iteration=booster.best_iteration or None)
        sizes[n] = booster.best_iteration or booster.current_iteration()
    return texts, {"settings": settings, "search": {"settings_tried": tried, "seconds": round(spent, 1),
                                                    "coefficients": most}, "trees": sizes}


def _bar(items, progress: bool):
    from tqdm.auto import tqdm

    return tqdm(items, desc="forests", disable=not progress)


def _search(learn, hold, names, budget_s, trials, rounds, seed) -> tuple[dict, int]:
    """Settings with the least error on `hold`, and the number of settings tried."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")                     # FLAML warns of parts that are not used here
        from flaml import tune
        from flaml.tune.searcher import CFO
    few = tuple(a[::EVERY].copy() for a in learn)           # a third of the rows is enough to compare settings
    seen = []

    def error(config) -> dict:
        total = 0.0
        for n in names:
            k = NAMES.index(n)
            booster = _grow(few, hold, n, config, rounds, seed)
            total += float(np.mean(hold[2] * (booster.predict(hold[0]) - hold[1][:, k]) ** 2))
        seen.append(config)
        return {"error": total}

    space = {"num_leaves": tune.lograndint(4, 32), "learning_rate": tune.loguniform(.05, .3),
             "min_data_in_leaf": tune.lograndint(20, 2000), "feature_fraction": tune.uniform(.2, 1.0),
             "lambda_l2": tune.loguniform(1e-3, 100.0)}
    start = {"num_leaves": 8, "learning_rate": .15, "min_data_in_leaf": 200, "feature_fraction": .5, "lambda_l2": 1.0}
    finder = CFO(metric="error", mode="min", space=space, points_to_evaluate=[start], seed=seed,
                 low_cost_partial_config={"num_leaves": 4})
    found = tune.run(error, search_alg=finder, metric="error", mode="min", verbose=0,
                     time_budget_s=budget_s, num_samples=trials or -1)
    return {k: (int(v) if k in ("num_leaves", "min_data_in_leaf") else float(v))
            for k, v in found.best_config.items()}, len(seen)


def _grow(learn, hold, name: str, settings: dict, rounds: int, seed: int):
    """Train the forest of one coefficient."""
    import lightgbm

    k = NAMES.index(name)
    data, other = (lightgbm.Dataset(x, np.ascontiguousarray(rate[:, k]), weight=weight, categorical_feature=[0],
                                    params={"verbose": -1}) for x, rate, weight in (learn, hold))
    other.set_reference(data)
    params = {"objective": "regression", "num_threads": 1, "deterministic": True, "force_row_wise": True, "seed": seed,
              "verbose": -1, **{k: int(v) if k in ("num_leaves", "min_data_in_leaf") else float(v)
                                for k, v in settings.items()}}
    return lightgbm.train(params, data, rounds, [other],
                          callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False)])


def change(forests: dict, source: np.ndarray, emotion: str, intensity: float,
           when: np.ndarray | None = None) -> np.ndarray:
    """Change that the emotion adds to each frame: (T, 52) float32.  forests: name -> Booster.  when: as `inputs`."""
    x, out = _rows(inputs(source, when), emotion, intensity), np.zeros((len(source), len(EXPRESSION)), np.float32)
    for name, forest in forests.items():
        out[:, index(name)] = intensity * forest.predict(x, num_threads=1)[:, None]
    return out


# ---- files ------------------------------------------------------------------------------------------------------
def save(folder, texts: dict[str, str], card: dict):
    """Write folder/automl.json.gz, LightGBM's text of each forest by its coefficient's name, and the card.

    Zipped, as the text is four times as large.  Returns the card's path.
    """
    raw = gzip.compress(json.dumps(texts).encode(), 9, mtime=0)
    return carded.write(folder, "automl", ".json.gz", raw, {"system": "automl", "forests": len(texts), **card})


def load(folder=None) -> tuple[dict, dict]:
    """Forests {name: Booster}, and the card.  Raises InputError: missing, damaged, or LightGBM is not installed."""
    from tfg.systems.expression.emotion.files import folder_of, load_raw, way_out

    packages("lightgbm")
    raw, card = load_raw("automl", ".json.gz", folder)
    return _boosters(raw, str(folder_of(folder) / "automl.json.gz"), way_out("automl", folder_of(folder))), card


@lru_cache(maxsize=4)
def _boosters(raw: bytes, path: str, again: str) -> dict:
    import lightgbm

    try:
        texts = json.loads(gzip.decompress(raw))
        forests = {name: lightgbm.Booster(model_str=text) for name, text in texts.items()}
    except (OSError, EOFError, ValueError, AttributeError, TypeError, zlib.error,
            lightgbm.basic.LightGBMError) as error:
        raise InputError(f"{path} holds no forests, or is cut off ({' '.join(str(error).split())[:120]}): "
                         f"{again}") from error
    for name, forest in forests.items():
        if name not in NAMES or forest.num_feature() != N_INPUTS:
            raise InputError(f"{path} holds a forest {name!r} of {forest.num_feature()} inputs, where one of a known "
                             f"coefficient has {N_INPUTS}: {again}")
    return forests
