"""Pairs to learn edits from: an actor in one pose and light, with two expressions whose Action Units are known.

GANimation (Pumarola et al. 2018) learns from pictures that have no partner, because nobody can be filmed twice in the
same moment. Our actors can: so what an edit should look like is known, and so is the true flow from one to the other.
A third of the expressions are single Action Units at random, for these occur alone in no performance; the others are
moments of takes with speech and feeling.

    python -m tfg.systems.ietafs.gan.edits --out build/edits        # some minutes; run it again to go on
    tfg train ietafs --edits build/edits --out build/ietafs

A folder of edits holds edits.json (what was asked for, who is in it) and for each actor NAME.npz, N pairs:

    a, b (N, S, S, 3) uint8         the two pictures
    points_a, points_b (N, 68, 2) float32   landmarks of the two, px of the crop
    aus_a, aus_b (N, 17) float16    their Action Units 0..5 against the person at rest, in the order of AUS
    a_in_b, b_in_a (N, F, F, 2)     float16, F = S / 2: where in b lies each place of a, from here, half sides of the
                                    crop, x then y, and the other way round; NaN where it shows nowhere
    mels (N, 80, 16) float16        sound of b's moment
    spoken (N,) bool                whether b's mouth says it
"""
from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from tfg.actors import cast as casting
from tfg.actors import examples
from tfg.actors.actor import landmarks68
from tfg.actors.flows import crop_flow
from tfg.actors.take import replay
from tfg.faces import align, steady_crop
from tfg.faces.aus import AUS, COEFFICIENT, action_units
from tfg.faces.face_region import MARGIN
from tfg.faces.measure import subtract_neutral
from tfg.media.audio import mel_spectrogram, mel_windows
from tfg.vocabulary import EMOTIONS, EXPRESSION, MOUTH, index

KIND = examples.Kind("edits", 2, "python -m tfg.systems.ietafs.gan.edits")
SPLITS = ("train", "val", "test")
DRAWN_PX = 224
"""Side of the frames that the crops are cut out of."""
SINGLE, CALM = .35, .3
"""Shares of expressions that are Action Units at random, and that are calm; the others are moments of takes."""
MOST_AUS = 4
"""Action Units that are drawn at random at once."""


def make(out, *, actors: int = 72, portraits: int = 66, pairs: int = 160, takes: int = 4, size: int = 128,
         seed: int = 0, workers: int | None = None, progress: bool = False) -> Path:
    """Make a folder of edits, or go on with one.  Returns the folder.

    actors, portraits: of the whole cast (`tfg.actors.cast.cast`).  pairs: of each, from so many takes.  size: side S of
    a crop, px.  Raises InputError: a folder with other edits, photos that cannot be had.
    """
    return examples.make(KIND, out, partial(_play, pairs=pairs, size=size, seed=seed), splits=SPLITS, actors=actors,
                         portraits=portraits, takes=takes, seed=seed, workers=workers, progress=progress, pairs=pairs,
                         size=size)


def _play(out: Path, member, texts: Sequence[str], k: int, *, pairs: int, size: int, seed: int) -> None:
    actor = casting.build(member, DRAWN_PX)
    each = np.diff(np.linspace(0, pairs, len(texts) + 1).astype(int))
    played = zip(examples.takes_of(actor, member, texts, k, seed), each)
    examples.save(out, member, [moments(actor, take, int(n), size, rng) for (take, rng), n in played])


def moments(actor, take, n: int, size: int, rng: np.random.Generator) -> dict:
    """n pairs of one take: the arrays of the module's docstring."""
    T = len(take.motion)
    at = np.sort(rng.choice(T, n, replace=n > T))
    spoken = rng.uniform(size=n) >= SINGLE
    asked_b = np.where(spoken[:, None], take.motion.expression[at], random_units(n, rng))
    asked_a = _others(take, at, rng)
    pose = take.motion.pose[at]
    a, b = actor.personal(asked_a), actor.personal(asked_b)
    points = {name: np.stack([actor.landmarks(e, p) for e, p in zip(x, pose)]) for name, x in (("a", a), ("b", b))}
    matrix = steady_crop.matrices(points["b"], np.ones(n, bool), size, actor.size, margin=MARGIN)
    out = {name: np.stack([align.warp(actor.render(e, p), m, size) for e, p, m in zip(x, pose, matrix)])
           for name, x in (("a", a), ("b", b))}
    for name, x, y in (("a_in_b", a, b), ("b_in_a", b, a)):
        out[name] = np.stack([crop_flow(actor.flow((x[t], pose[t]), (y[t], pose[t])), matrix[t], matrix[t], size)
                              for t in range(n)])
    out |= {f"points_{name}": np.stack([align.transform(landmarks68(p)[:, :2], m) for p, m in zip(x, matrix)]
                                       ).astype(np.float32) for name, x in points.items()}
    mels = mel_windows(mel_spectrogram(take.audio), T)[at]
    return out | {"aus_a": _units(actor, a), "aus_b": _units(actor, b), "mels": mels.astype(np.float16),
                  "spoken": spoken}


def random_units(n: int, rng: np.random.Generator) -> np.ndarray:
    """(n, 52) expressions of one to `MOST_AUS` Action Units at random strengths; 0 elsewhere."""
    out = np.zeros((n, len(EXPRESSION)), np.float32)
    for row in out:
        for au in rng.choice(AUS, rng.integers(1, MOST_AUS + 1), replace=False):
            row[index(*COEFFICIENT.get(int(au), ("mouthLowerDown", "mouthUpperUp")))] = rng.uniform(.15, 1)
    return out


def _others(take, at: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(n, 52) the expressions that partner those of a take at frames `at`: calm, units at random, other moments."""
    n, mouth = len(at), index(*MOUTH)
    plain = replay(take, "NEU").motion.expression[at].copy()
    plain[:, mouth] = 0
    felt = replay(take, EMOTIONS[rng.integers(len(EMOTIONS))], "HI").motion.expression
    other = felt[rng.integers(0, len(felt), n)]
    kind = rng.uniform(size=(n, 1))
    return np.where(kind < CALM, plain, np.where(kind < CALM + SINGLE, random_units(n, rng), other))


def _units(actor, expression: np.ndarray) -> np.ndarray:
    return action_units(subtract_neutral(expression, actor.neutral)).astype(np.float16)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    import argparse

    p = argparse.ArgumentParser(prog="python -m tfg.systems.ietafs.gan.edits", description=__doc__.split("\n")[0])
    p.add_argument("--out", required=True, metavar="DIR", help="folder; made if it is not there")
    for name, default, words in (("actors", 72, "of the whole cast"), ("portraits", 66, "of these, photos"),
                                 ("pairs", 160, "of each"), ("takes", 4, "of each that they come from"),
                                 ("size", 128, "side of a crop, px"), ("seed", 0, "same seed, same edits"),
                                 ("workers", None, "processes; default: one for each core")):
        p.add_argument(f"--{name}", type=int, default=default, metavar="N",
                       help=words + ("" if default is None else f" (default: {default})"))
    print(make(progress=True, **vars(p.parse_args(arguments))))


if __name__ == "__main__":
    main()
