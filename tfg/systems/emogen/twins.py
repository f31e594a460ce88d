"""Exact pairs to learn a flow from: an actor plays a moment with feeling and speech, and the same moment calmly.

A twin is the same frame of the same take with lips at rest and no emotion: same pose, light, gaze and blink
(`tfg.actors.take.replay`). Of each pair the true flow is known, which no film can tell: where in the calm picture lies
what the other one shows, and which pixels (an open mouth) lie nowhere. A film that is dubbed is asked the same
question: `tfg.systems.film.calm_lips` lays lips at rest into each of its frames, and the network says how they move.

    python -m tfg.systems.emogen.twins --out build/twins                # some minutes; run it again to go on
    tfg train emogen --store build/twins --out build/emogen

A folder of twins holds twins.json (what was asked for, who is in it) and for each actor NAME.npz, N frames:

    target (N, S, S, 3) uint8       with feeling and speech
    calm (N, S, S, 3) uint8         the twin. One in three is less than calm: lips a little open, a trace of emotion
    flow (N, F, F, 2) float16       where in `calm` each place of `target` lies, from here, half sides of the crop,
                                    x then y; F = S / 2; NaN where `calm` does not show it
    other (N,) int32                another moment of the same take, which serves as a reference as well
    other_flow                      as `flow`, into calm[other]
    mels (N, 80, 16) float16        the sound of each frame
    emotion, take (N,) int16        place in EMOTIONS; number of the take
    intensity (N,) float32          how much of the emotion the face shows
    heard, worse (N, 768) float16   speech speech features of the sound, and of it degraded, with --hearing speech
"""
from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from tfg.actors import cast as casting
from tfg.actors import examples
from tfg.actors.flows import crop_flow
from tfg.actors.take import replay
from tfg.faces import align, steady_crop
from tfg.media.audio import mel_spectrogram, mel_windows
from tfg.networks import hearing as ears
from tfg.speech.degrade import degrade
from tfg.systems.emogen.network import HEARINGS, MARGIN
from tfg.vocabulary import EMOTIONS, MOUTH, index

KIND = examples.Kind("twins", 1, "python -m tfg.systems.emogen.twins")
SPLITS = ("train", "val")
DRAWN_PX = 192
"""Side of the frames that the crops are cut out of."""
CALM = .67
"""Share of twins that are wholly calm."""
TRACE, PARTED = .5, .7
"""The most that another twin shows of some emotion, and of some other moment's mouth."""


def make(out, *, actors: int = 112, portraits: int = 92, takes: int = 4, size: int = 96, seed: int = 0,
         workers: int | None = None, progress: bool = False, hearing: str = "mel") -> Path:
    """Make a folder of twins, or go on with one.  Returns the folder.

    actors, portraits: of the whole cast (`tfg.actors.cast.cast`); of these, the people of the splits train and val
    play.  takes: of each, with the six emotions in turn and everyday sentences.  size: side S of a crop, px.
    hearing: "speech" adds the features that a generator needs which hears these.
    Raises InputError: a folder with other twins, photos that cannot be had.
    """
    more = {"hearing": hearing} if hearing != "mel" else {}          # folders of mels alone are what they were
    return examples.make(KIND, out, partial(_play, size=size, seed=seed, hearing=hearing), splits=SPLITS, actors=actors,
                         portraits=portraits, takes=takes, seed=seed, workers=workers, progress=progress, size=size,
                         **more)


def is_twins(folder) -> bool:
    """Whether a folder says that it holds twins."""
    return (Path(folder) / KIND.manifest).is_file()


def _play(out: Path, member, texts: Sequence[str], k: int, size: int, seed: int, hearing: str = "mel") -> None:
    actor, parts = casting.build(member, DRAWN_PX), []
    for take, rng in examples.takes_of(actor, member, texts, k, seed):
        parts.append(pairs(actor, take, size, rng))
        if hearing == "speech":
            sounds = {"heard": take.audio, "worse": degrade(take.audio, rng)}
            parts[-1] |= {name: ears.features(y)[:len(take.motion)].astype(np.float16) for name, y in sounds.items()}
    first = np.cumsum([0, *(len(p["target"]) for p in parts)])
    for j, part in enumerate(parts):
        part["other"] = (part["other"] + first[j]).astype(np.int32)
        part["take"] = np.full(len(part["target"]), j, np.int16)
    examples.save(out, member, parts)


def pairs(actor, take, size: int, rng: np.random.Generator) -> dict:
    """One take and its twins: the arrays of the module's docstring but `take`; `other` counts within the take."""
    n = len(take.motion)
    pose, felt = take.motion.pose, actor.personal(take.motion.expression)
    calm = actor.personal(_calm(take, rng))
    points = np.stack([actor.landmarks(e, p) for e, p in zip(felt, pose)])
    matrix = steady_crop.matrices(points, np.ones(n, bool), size, actor.size, margin=MARGIN)
    other = (np.arange(n) + rng.integers(1, n, n)) % n
    out = {"target": np.stack([align.warp(actor.render(e, p), m, size) for e, p, m in zip(felt, pose, matrix)]),
           "calm": np.stack([align.warp(actor.render(e, p), m, size) for e, p, m in zip(calm, pose, matrix)])}
    for name, where in (("flow", np.arange(n)), ("other_flow", other)):
        out[name] = np.stack([crop_flow(actor.flow((felt[t], pose[t]), (calm[s], pose[s])), matrix[t], matrix[s], size)
                              for t, s in enumerate(where)])
    return out | {"other": other.astype(np.int32), "intensity": np.asarray(take.curve, np.float32),
                  "mels": mel_windows(mel_spectrogram(take.audio), n).astype(np.float16),
                  "emotion": np.full(n, EMOTIONS.index(take.emotion), np.int16)}


def _calm(take, rng: np.random.Generator) -> np.ndarray:
    """(T, 52) asked: the take without emotion and with lips at rest; CALM of the frames so, the others nearly."""
    n, mouth = len(take.motion), index(*MOUTH)
    plain = replay(take, "NEU").motion.expression.copy()
    felt = replay(take, EMOTIONS[rng.integers(len(EMOTIONS))], "HI").motion.expression
    moved = plain[(np.arange(n) + rng.integers(1, n, n)) % n][:, mouth]              # some other moment's mouth
    less = rng.uniform(size=(n, 1)) >= CALM
    trace, parted = (rng.uniform(0, most, (n, 1)) * less for most in (TRACE, PARTED))
    out = plain + trace * (felt - plain)
    out[:, mouth] = parted * moved
    return out


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    import argparse

    p = argparse.ArgumentParser(prog="python -m tfg.systems.emogen.twins", description=__doc__.split("\n")[0])
    p.add_argument("--out", required=True, metavar="DIR", help="folder; made if it is not there")
    for name, default, words in (("actors", 112, "of the whole cast"), ("portraits", 92, "of these, photos"),
                                 ("takes", 4, "of each actor"), ("size", 96, "side of a crop, px"), ("seed", 0, "")):
        p.add_argument(f"--{name}", type=int, default=default, metavar="N", help=f"{words} (default: {default})")
    p.add_argument("--hearing", choices=HEARINGS, default="mel",
                   help="speech: with the features that `tfg train emogen --hearing speech` needs")
    p.add_argument("--workers", type=int, metavar="W", help="processes (default: all cores)")
    given = vars(p.parse_args(arguments))
    print(make(given.pop("out"), **given, progress=True))


if __name__ == "__main__":
    main()
