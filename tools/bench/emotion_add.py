"""Emotion added to calm speech: error to the true emotional vectors, lips that close, and a real person's own clips."""
from __future__ import annotations

from functools import partial

import numpy as np

from tfg.errors import InputError
from tfg.systems.expression.emotion import baselines
from tfg.systems.expression.emotion.apply import MODELS, change
from tfg.systems.expression.emotion.features import FELT
from tools.bench.common import table

INTENSITY = .68
"""Mean intensity of takes of unspecified level, as actor 1001's are."""


def run() -> dict:
    """Test actors of the course's cast, then actor 1001's measured curves (testing only)."""
    return {"test actors": on_test_actors(), "actor 1001": on_actor_1001()}


def models() -> list[str]:
    """Names of the emotion models that can be loaded here."""
    out = []
    for model in MODELS:
        try:
            change(np.zeros((3, 52), np.float32), "HAP", 1.0, model=model)
            out.append(model)
        except InputError as error:
            print(f"  {model} is left out: {error}")
    return out


def on_test_actors() -> dict:
    """RMSE over 52 offsets of each model and baseline, by actor, with intervals and paired differences."""
    from tfg.systems.expression.emotion.evaluate import difference, figure, score
    from tfg.systems.expression.emotion.train import pairs_of, shipped_mean

    pairs = pairs_of("cpu", "test")
    ways = {"identity": baselines.identity, "mean": partial(baselines.mean_offset, shipped_mean()),
            "table": baselines.table, **{m: partial(change, model=m) for m in models()}}
    found = {name: score(way, pairs) for name, way in ways.items()}
    whole = figure(found["identity"]).value
    out = {}
    for name, rows in found.items():
        m = figure(rows)
        half, mean = (difference(rows, found["identity"], share=.5), difference(rows, found["mean"]))
        out[name] = {"rmse": m.value, "interval": f"{m.low:.4f}-{m.high:.4f}", "of identity": m.value / whole,
                     "less half": half.value, "  interval": f"{half.low:+.4f} {half.high:+.4f}",
                     "less mean": mean.value, "   interval": f"{mean.low:+.4f} {mean.high:+.4f}",
                     "mae": figure(rows, "mae").value, "lips kept": figure(rows, "closures").value}
    table(f"Emotion models: error on {len({p.actor for p in pairs})} unseen actors, {len(pairs)} calm takes, 15 "
          "replays of each", out)
    by = {name: {**{v: figure(rows, level=v).value for v in ("LO", "MD", "HI")},
                 **{e: figure(rows, emotion=e).value for e in FELT},
                 **{f"{e} kept": figure(rows, "closures", emotion=e).value for e in FELT}}
          for name, rows in found.items()}
    table("  the same by level and emotion; p, b, m that stay closed", by)
    return {"all": out, "parts": by}


def on_actor_1001() -> dict:
    """Motion of actor 1001's measured calm clip towards his own emotional ones. Testing only."""
    from tfg.faces.curves import load
    from tfg.systems.expression.emotion.measured import towards_own

    curves = {e: held["expression"] for e, held in load().items()}
    out = {}
    for model in models():
        own = towards_own(curves, INTENSITY, model=model)
        best = own.cosines.argmax(1)
        rows = {f"+ {e}": {**{f"own {o}": float(own.cosines[i, j]) for j, o in enumerate(FELT)},
                           "before": float(own.before[i]), "after": float(own.after[i])} for i, e in enumerate(FELT)}
        table(f"Actor 1001, {model}: cosine of added and own mean offsets ({len(own.names)} coefficients); distance to "
              "his own", rows)
        print(f"  towards his own: {int((np.diag(own.cosines) > 0).sum())} of 5; nearer than before: "
              f"{int((own.after < own.before).sum())} of 5; most like his own of that name: "
              f"{int((best == np.arange(len(FELT))).sum())} of 5")
        out[model] = rows
    return out
