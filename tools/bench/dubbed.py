"""Dubbed films at their own resolution, before and after: sharpness, identity, face-FID, lips in silence, frames/s.

    python -m tools.bench.dubbed [--checkpoint DIR ...] [--films FILM ...] [--emotions HAP,FEA]

Films: the four faces that ship, as films of 512 px in which they speak and move; where the real clips are there, one of
CREMA-D and one of GRID besides. Each is dubbed with silence, a sentence, silence. Rows: *before*, the network's answer
put together at 96 px and enlarged, each frame its own reference; *full size*, flow, colour and trust applied to the
film's pixels, each frame its own reference; *lips at rest*, as it is shipped: lips of a calm frame laid in first.

    sharpness   gradient energy (mean squared gradient) of the drawn face, as a share of the film's own
    identity    1 - cosine of the face with the film's, by the identity judge
    face-FID    of the faces, by the judge's encoder, against the film's (all films and emotions together)
    r sound     correlation of the lip gap with the opening that `graphics`' network hears in the sentence
    silence     mean lip gap in the two pauses, in eye distances; leak: its correlation with the film's own gap there
    frames/s    drawing alone, on all cores
"""
from __future__ import annotations

import tempfile
import time
import warnings
from pathlib import Path
from unittest import mock

import numpy as np

from tfg import paths
from tools.bench.common import real_clips, table

PAUSE_S, SIDE = 1.2, 512
EMOTIONS = ("ANG", "FEA", "HAP", "NEU")
FACES = ("default", "portrait_1", "portrait_2", "portrait_3")
CROP = 256
"""Side in px of the crops that are measured; sharpness is measured in the film's own pixels."""


def soft_painter():
    """A painter as it was: put together at the network's size, then enlarged."""
    from tfg.compose import draw
    from tfg.systems.emogen.paint import Painter

    class Soft(Painter):
        def lay(self, answer, frame, seen, k):
            colour, flow, trust = answer[:3]
            copy = draw.moved(seen.reference.astype(np.float32) / 255, flow)
            face = colour + trust[..., None] * (copy - colour)
            draw.lay(255 * np.clip(seen.place.enlarged(face), 0, 1), frame, seen.place)

    return Soft


def rows_of(checkpoints: list) -> dict:
    """Name -> (checkpoint, patches to be in force while it is prepared and drawn)."""
    from tfg.systems.emogen import paint
    from tfg.systems.film import calm_lips

    own = mock.patch.object(calm_lips.CalmLips, "settle", lambda self, cuts: None)
    soft = mock.patch.object(paint, "Painter", soft_painter())
    out = {"before": (None, [own, soft]), "full size": (None, [own]), "lips at rest": (None, [])}
    return out | {f"lips at rest, {Path(c).name}": (c, []) for c in checkpoints}


def films(folder: Path) -> dict[str, Path]:
    """Name -> film."""
    import tfg

    out = {}
    for k, face in enumerate(FACES):
        out[face] = folder / f"{face}.mp4"
        tfg.animate(paths.data("faces", f"{face}.jpg"), paths.data("audio", "ITH.wav"), system="expression", size=SIDE,
                    seed=k, out=out[face], progress=False, badge=False)
    clips = real_clips()
    return out | {path.stem: path for name in ("crema_d", "grid") for path in clips.get(name, [])[:1]}


def dub(film, speech, emotion: str, checkpoint, patches) -> tuple[list[np.ndarray], float]:
    """The frames, and how many are drawn in a second."""
    from contextlib import ExitStack

    from tfg.systems.base import Speech
    from tfg.systems.emogen.dub import prepare
    from tfg.systems.emogen.options import EmogenOptions

    with warnings.catch_warnings(), ExitStack() as stack:
        warnings.simplefilter("ignore", UserWarning)
        for patch in patches:
            stack.enter_context(patch)
        take = prepare(film, Speech(speech), EmogenOptions(emotion=emotion, checkpoint=checkpoint))
        started = time.perf_counter()
        frames = list(take.frames)
    return frames, len(frames) / (time.perf_counter() - started)


def energy(frame: np.ndarray, mask: np.ndarray) -> float:
    """Mean squared gradient within a mask, of grey levels."""
    grey = frame.astype(np.float32) @ np.float32([.299, .587, .114])
    dy, dx = np.gradient(grey)
    return float(((dx ** 2 + dy ** 2) * mask).sum() / mask.sum())


def measured(frames: list[np.ndarray], points: np.ndarray, matrix: np.ndarray, judges) -> dict:
    """Of some frames of a film: sharpness (n,), identity vectors, pooled features, lip gaps."""
    import cv2

    from tfg.faces import align
    from tfg.faces.face_region import face_region
    from tfg.faces.geometry import lip_gap
    from tfg.scores.face_distance import pooled

    height, width = frames[0].shape[:2]
    mask = cv2.warpAffine(face_region(CROP), align.invert(matrix), (width, height))
    crops = np.stack([align.warp(frame, matrix, CROP) for frame in frames])
    inside = np.stack([align.transform(p, matrix) for p in points])
    return {"energy": np.array([energy(frame, mask) for frame in frames]),
            "identity": judges.identity.embed(crops, inside),
            "pooled": pooled(crops, judges.networks["judge_encoder"]), "gap": lip_gap(points)}


def run(checkpoints: list | None = None, only: list | None = None, emotions=EMOTIONS) -> dict:
    """Print the table.  checkpoints: folders to compare besides.  only: films instead of those above."""
    from tfg.faces.align import box_matrix, crop_box
    from tfg.faces.face_region import MARGIN
    from tfg.faces.measure import track
    from tfg.media.audio import SR, load_audio
    from tfg.scores.face_distance import face_fid
    from tfg.scores.identity import csim
    from tfg.scores.judges import load
    from tfg.systems.film.source import Source

    judges = load()
    words = load_audio(paths.data("audio", "DFA.wav"))
    quiet = np.zeros(round(PAUSE_S * SR), np.float32)
    speech = np.concatenate([quiet, words, quiet])
    opening = heard(words)
    sums: dict[str, dict[str, list]] = {}
    with tempfile.TemporaryDirectory() as folder:
        sources = {Path(f).stem: Path(f) for f in only} if only else films(Path(folder))
        for name, film in sources.items():
            source = Source(film)
            schedule = source.schedule(len(speech) / SR)
            own = list(source.shown(schedule))
            fps = schedule.fps or source.fps
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                truth = track(own).points
            matrix = box_matrix(crop_box(np.nanmedian(truth, 0), MARGIN), CROP)
            base = measured(own, truth, matrix, judges)
            pause, spoken = parts(len(own), fps, len(words) / SR)
            for row, (checkpoint, patches) in rows_of(checkpoints or []).items():
                into = sums.setdefault(row, {})
                for emotion in emotions:
                    frames, rate = dub(film, speech, emotion, checkpoint, patches)
                    with warnings.catch_warnings():
                        warnings.simplefilter("ignore", UserWarning)
                        got = measured(frames, track(frames).points, matrix, judges)
                    said = np.interp(np.flatnonzero(spoken) / fps - PAUSE_S, np.arange(len(opening)) / 25, opening)
                    values = {"sharpness": got["energy"].mean() / base["energy"].mean(),
                              "identity": 1 - np.nanmean(csim(got["identity"], base["identity"])),
                              "r sound": _r(got["gap"][spoken], said), "silence": np.nanmean(got["gap"][pause]),
                              "leak": abs(_r(got["gap"][pause], base["gap"][pause])), "frames/s": rate,
                              "pooled": got["pooled"], "own": base["pooled"]}
                    for key, value in values.items():
                        into.setdefault(key, []).append(value)
                print(f"  {name}, {row}: " + ", ".join(f"{k} {np.mean(v[-len(emotions):]):.3f}" for k, v in into.items()
                                                       if k not in ("pooled", "own")), flush=True)
    out = {}
    for row, values in sums.items():
        apart = face_fid(np.concatenate(values.pop("pooled")), np.concatenate(values.pop("own")),
                         judges.networks["judge_encoder"])
        out[row] = {k: float(np.mean(v)) for k, v in values.items()} | {"face-FID": apart.value}
    table(f"Dubbed films ({len(sources)} films, {len(emotions)} emotions; identity by {judges.identity.name})", out)
    return out


def parts(n: int, fps: float, seconds: float) -> tuple[np.ndarray, np.ndarray]:
    """(n,) bool twice: frames in the pauses, but for .2 s next to the sentence, and frames in the sentence."""
    at = (np.arange(n) + .5) / fps
    spoken = (at >= PAUSE_S) & (at < PAUSE_S + seconds)
    return (at < PAUSE_S - .2) | (at > PAUSE_S + seconds + .2), spoken


def heard(words: np.ndarray) -> np.ndarray:
    """(T,) how far the lips part in a sentence, as the network of the system `graphics` hears it, 25 a second."""
    from tfg.systems.graphics.network import predict
    from tfg.vocabulary import INDEX

    return predict(words)[:, INDEX["jawOpen"]]


def _r(a: np.ndarray, b: np.ndarray) -> float:
    ok = np.isfinite(a) & np.isfinite(b)
    if ok.sum() < 3 or np.std(a[ok]) < 1e-6 or np.std(b[ok]) < 1e-6:
        return 0.0
    return float(np.corrcoef(a[ok], b[ok])[0, 1])


if __name__ == "__main__":
    import argparse

    p = argparse.ArgumentParser(prog="python -m tools.bench.dubbed", description=__doc__.split("\n")[0])
    p.add_argument("--checkpoint", nargs="+", default=[], metavar="DIR", help="networks to compare besides")
    p.add_argument("--films", nargs="+", metavar="FILM", help="films instead of those of the module's docstring")
    p.add_argument("--emotions", default=",".join(EMOTIONS), help="which ones")
    given = p.parse_args()
    run(given.checkpoint, given.films, given.emotions.split(","))
