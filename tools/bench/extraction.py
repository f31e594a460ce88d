"""Expression measured in three ways (`tfg measure --method`), against the truth of actors that no network trained on.

The sets are those that `tfg train extractor` takes; the landmarker's measurements of the split test are cached in
build/readings. Real clips have no truth; for them the agreement of the methods is printed.
"""
from __future__ import annotations

import time
import warnings

import numpy as np

from tfg.experts.extractor import data
from tfg.experts.extractor.evaluate import GROUPS, group, score, summary
from tfg.faces import measure
from tfg.faces.readers import METHODS, read
from tools.bench.common import ROOT, real_clips, table

SHORT = {"blendshapes": "blend", "fit": "fit", "learned": "learned"}
SETS, READINGS = ("build/cpu",), "build/readings"
ALSO = ("eyeWide", "cheekSquint", "noseSneer", "mouthPress", "mouthStretch", "eyeSquint", "mouthUpperUp",
        "mouthLowerDown", "mouthFunnel", "eyeLookDown")
"""Coefficients shown besides: those of AUs 5, 6, 9, which blendshapes do not measure, and others that move."""


def readings(split: str = "test", sets=SETS) -> data.Readings | None:
    """Measurements of all actors of a split; None where the sets were not made."""
    if not all((ROOT / s / "set.json").is_file() for s in sets):
        return None
    clips = data.sources([ROOT / s for s in sets], (split,))
    data.read_all(clips, ROOT / READINGS)
    return data.load(clips, ROOT / READINGS)


def found(held: data.Readings, method: str) -> np.ndarray:
    """Coefficients by a method on all frames, (N, 52), clip by clip, as `tfg.faces.measure.measure` computes them."""
    a, parts = held.arrays, []
    for k in range(len(held.clips)):
        rows = held.rows(k)
        parts.append(read(measure.Track(a["points"][rows], a["blendshapes"][rows], a["pose"][rows],
                                        np.ones(rows.stop - rows.start, bool), 25.0, (0, 0), crops=a["crops"][rows]),
                          method))
    return np.concatenate(parts)


def pose_error(held: data.Readings, angles: np.ndarray) -> np.ndarray:
    """Mean |error| of yaw, pitch, roll in degrees, (3,), each clip relative to its own median.  angles: (N, 3)."""
    true = held.arrays["true_pose"][:, :3]
    away = [np.abs((x - np.nanmedian(x, 0)) - (y - np.median(y, 0))) for x, y in
            ((angles[held.rows(k)], true[held.rows(k)]) for k in range(len(held.clips)))]
    return np.nanmean(np.concatenate(away), 0)


def truth(split: str = "test") -> dict:
    """The table of all methods against the truth, and the error of the angles."""
    held = readings(split)
    if held is None:
        print(f"  {' and '.join(SETS)} was not made (tfg actors make): no truth to compare with.")
        return {}
    each = {method: score(held, found(held, method)) for method in METHODS}
    out = {}
    for kind, some in each["learned"].items():
        rows = {}
        for name in (*GROUPS, *ALSO):
            rows[name] = {f"r {SHORT[m]}": group(each[m][kind]["r"], name) for m in METHODS}
            rows[name] |= {f"error {SHORT[m]}": group(each[m][kind]["error"], name) for m in METHODS}
        mean = {m: float(np.nanmean([group(each[m][kind]["r"], n) for n in GROUPS])) for m in METHODS}
        rows["mean of the first 8"] = {f"r {SHORT[m]}": mean[m] for m in METHODS}
        table(f"{some['actors']} {kind} actors of the split {split}, {some['frames']} frames: r within an actor, "
              "mean |error|", rows)
        out[kind] = {"actors": some["actors"], "frames": some["frames"],
                     **{m: {"r": each[m][kind]["r"], "error": each[m][kind]["error"]} for m in METHODS}}
    out["summary"] = {m: {k: v for k, v in summary(each[m]).items() if not k.startswith("r_m")} for m in METHODS}
    from tfg.head.fit_clip import fit_clip
    from tfg.head.model import Head

    a, head = held.arrays, Head.load()
    fitted = np.concatenate([fit_clip(head, a["points"][held.rows(k)]).angles for k in range(len(held.clips))])
    poses = {"points": pose_error(held, a["pose"][:, :3]), "fit": pose_error(held, fitted),
             "not moving": pose_error(held, np.zeros_like(fitted))}
    table("Pose: mean |error| in degrees, from the clip's median", {
        name: dict(zip(("yaw", "pitch", "roll"), map(float, e))) for name, e in poses.items()})
    return out | {"pose": {k: v.tolist() for k, v in poses.items()}}


def agreement() -> dict:
    """Agreement on real clips: r between methods, mean over clips, and the time of each method."""
    rows: dict = {}
    speed: dict[str, list[float]] = {m: [] for m in METHODS}
    pairs: dict = {}
    for path in (p for some in real_clips().values() for p in some):
        curves = {}
        for method in METHODS:
            start = time.perf_counter()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                curves[method] = measure.measure(path, method=method).expression
            speed[method].append(len(curves[method]) / (time.perf_counter() - start))
        for one, other in (("blendshapes", "fit"), ("blendshapes", "learned"), ("fit", "learned")):
            for name in (*GROUPS, *ALSO[:3]):
                from tfg.vocabulary import index

                x, y = (curves[m][:, index(name)].mean(1) for m in (one, other))
                ok = np.isfinite(x) & np.isfinite(y)
                if ok.any() and x[ok].std() > 1e-4 and y[ok].std() > 1e-4:
                    pairs.setdefault((f"{SHORT[one]}/{SHORT[other]}", name), []).append(np.corrcoef(x[ok], y[ok])[0, 1])
    for (who, name), values in pairs.items():
        rows.setdefault(name, {})[who] = float(np.mean(values))
    if rows:
        table("Real clips, no truth: r between methods, mean over clips", rows)
        table("Frames a second", {m: {"median": float(np.median(v)), "clips": len(v)} for m, v in speed.items()})
    return {"r": rows, "frames/s": {m: float(np.median(v)) if v else None for m, v in speed.items()}}


def run() -> dict:
    """Print both tables; returns them."""
    return {"truth": truth(), "real": agreement()}


