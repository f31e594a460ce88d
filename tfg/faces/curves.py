"""Measured curves of one actor's six emotions: small data for the figures of notebook 03, not for training.

    python -m tfg.faces.curves --source CREMA-D/VideoFlash --out data/emotion_curves/crema_d_1001.npz

measures six official CREMA-D clips (Cao et al. 2014; ODbL 1.0 / DbCL 1.0) at 25 frames/s. The file holds no picture and
no sound.
"""
from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

from tfg import files, paths, vocabulary
from tfg.errors import InputError
from tfg.faces import geometry
from tfg.faces.measure import track

DISTANCES = {"lip_gap": geometry.lip_gap, "mouth_width": geometry.mouth_width, "eye_aperture": geometry.eye_aperture,
             "brow_height": geometry.brow_height}
SHIPPED = ("emotion_curves", "crema_d_1001.npz")


def build(source: str | Path, out: str | Path, *, actor: str = "1001", sentence: str = "DFA") -> Path:
    """Measure one sentence in six emotions and write the curves as one npz.

    The arrays, float16, with T frames at 25 per second, are `EMO_expression` (T, 52), `EMO_pose` (T, 6) and
    `EMO_distances` (T, 4), and the names of the columns.  source: folder of the clips.  actor, sentence: CREMA-D's
    codes.  Returns out.  Raises InputError if a clip is missing.
    """
    arrays: dict[str, Any] = {
        "expression_names": np.array(vocabulary.EXPRESSION), "pose_names": np.array(vocabulary.POSE),
        "distance_names": np.array(list(DISTANCES)), "fps": np.float32(25)}
    for emotion in vocabulary.EMOTIONS:
        found = sorted(Path(source).glob(f"{actor}_{sentence}_{emotion}_*.*"))
        if not found:
            raise InputError(f"no clip {actor}_{sentence}_{emotion}_* in {source}: give the folder VideoFlash "
                             "of CREMA-D.")
        result = track(found[0])
        distances = np.stack([measure(result.points) for measure in DISTANCES.values()], 1)
        for name, values in (("expression", result.expression), ("pose", result.pose), ("distances", distances)):
            arrays[f"{emotion}_{name}"] = values.astype(np.float16)
    with files.atomic(out) as beside:
        np.savez_compressed(beside, **arrays)
    return Path(out)


def load(path: str | Path | None = None) -> dict[str, dict[str, np.ndarray]]:
    """Read measured curves: {emotion: {"expression": (T, 52), "pose": (T, 6), each distance: (T,)}}, float32, 25 fps.

    path: a file of `build`; None: the shipped one.  Raises InputError if it is missing or has other coefficients.
    """
    path = Path(path or paths.data(*SHIPPED))
    if not path.is_file():
        raise InputError(f"the measured curves {path} are missing: restore the file, or make it with tfg.faces.curves.")
    with np.load(path, allow_pickle=False) as stored:
        if tuple(stored["expression_names"]) != vocabulary.EXPRESSION:
            raise InputError(f"{path} was written with other coefficient names: make it again with tfg.faces.curves.")
        names = [str(name) for name in stored["distance_names"]]
        out = {}
        for emotion in vocabulary.EMOTIONS:
            one = {name: stored[f"{emotion}_{name}"].astype(np.float32) for name in ("expression", "pose")}
            out[emotion] = one | dict(zip(names, stored[f"{emotion}_distances"].astype(np.float32).T))
    return out


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tfg.faces.curves", description=__doc__.splitlines()[0])
    parser.add_argument("--source", required=True, help="folder VideoFlash of CREMA-D")
    parser.add_argument("--out", default=str(paths.data(*SHIPPED)))
    options = parser.parse_args(argv)
    try:
        out = build(options.source, options.out)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{out}: {out.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
