"""Speech that nobody draws: what actors say, how their heads move with it, and where their canonical landmarks are.

The networks of sound learn from it, and both need hours: one take costs a fraction of a second, for no picture is made.
Poses are known, and landmarks come from the actor's own head without a camera's turn. Besides their own takes actors
play to other voices (`tfg.speech.corpus`), some of them built from recorded people, and with feelings that these voices
do not have: so a face follows what is asked for, and the lips any voice.

    python -m tfg.systems.rhythmic.speeches --out build/speeches
    tfg train rhythmic-motion --speeches build/speeches --out build/rhythmic_motion
    tfg train rhythmic-points --speeches build/speeches --out build/rhythmic_points

A folder holds speeches.json (what was asked for, who is in it) and for each actor NAME.npz, N takes of T1 .. TN frames,
one after the other (T is their sum):

    frames (N,) int32                   T1 .. TN
    wave (T 640,) int16                 16 kHz
    pose (T, 6) float16                 as `tfg.vocabulary.POSE`, relative to rest
    offset (T, 68, 3) float16           canonical points less those at rest, cm
    rest (N, 68, 3) float32             canonical points at rest, cm; the same for all takes of a person
    curve (T,) float16                  intensity of the emotion, 0..1
    emotion (N,) int16                  places in EMOTIONS
"""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tfg.acting.emotion import envelope
from tfg.acting.performance import perform
from tfg.actors import cast as casting
from tfg.actors import examples
from tfg.actors.actor import landmarks68
from tfg.actors.photos import voice_of
from tfg.actors.take import Performance, make_take
from tfg.media.audio import SAMPLES_PER_FRAME, n_frames
from tfg.media.motion import Motion
from tfg.speech import corpus
from tfg.speech.visemes import coarticulate
from tfg.systems.rhythmic.pose import canonical, fit
from tfg.vocabulary import EMOTIONS

KIND = examples.Kind("speeches", 1, "python -m tfg.systems.rhythmic.speeches")
SPLITS = ("train", "val", "test")
SIZE = 64
"""Side of the actors' frames, px; none is drawn."""
JOINED = 2
"""Sentences of a take: the head's motion needs some seconds."""
RECORDED = .5
"""Share of the other voices that are built from recorded people, where their engines are installed."""
FULL = 32767


class Said(NamedTuple):
    """Another voice's sentence as an actor plays it; what `speech` needs of a `tfg.actors.take.Performance`."""

    audio: np.ndarray
    motion: Motion
    curve: np.ndarray
    emotion: str


def make(out, *, actors: int = 84, portraits: int = 42, takes: int = 16, others: int = 24, seed: int = 0,
         workers: int | None = None, progress: bool = False) -> Path:
    """Make a folder of speeches, or go on with one.  Returns the folder.

    actors, portraits: of the whole cast (`tfg.actors.cast.cast`).  takes: of each, of two sentences.  others: sentences
    of other voices that each plays to.
    Raises InputError: a folder with other speeches, photos that cannot be had.
    """
    play = partial(_play, others=others, seed=seed)
    return examples.make(KIND, out, play, splits=SPLITS, actors=actors, portraits=portraits, takes=takes * JOINED,
                         seed=seed, workers=workers, progress=progress, others=others)


def _play(out: Path, member, texts: Sequence[str], k: int, *, others: int, seed: int) -> None:
    actor = casting.build(member, SIZE)
    voice = voice_of(member, actor)
    parts = []
    for j in range(len(texts) // JOINED):
        emotion = EMOTIONS[(k + j) % len(EMOTIONS)]
        level = "XX" if emotion == "NEU" else ("LO", "MD", "HI")[(k + j) % 3]
        text = " ".join(texts[j * JOINED:(j + 1) * JOINED])
        parts.append(speech(actor, make_take(member.name, member.seed + 1000 * seed, text=text, emotion=emotion,
                                             level=level, voice=voice)))
    parts += [speech(actor, one) for one in other_voices(others, seed=member.seed + seed)]
    examples.save(out, member, parts)


def other_voices(many: int, *, seed: int) -> Iterator[Said]:
    """Sentences of the synthetic corpus, varied in tempo, room and loudness, each played with a feeling by chance."""
    rng, engines = np.random.default_rng([seed, 61]), corpus.engines()
    recorded = round(RECORDED * many) if len(engines) > 1 else 0
    size = dict(english_voices=2 * (many - recorded), characters=0, english=1, other_voices=0, other=0,
                recorded=1 if recorded else 0, copies=0, unseen=0)
    every = [u for u in corpus.takes("cpu", seed, engines, size) if u.split == "train"]
    kinds = [[u for u in every if u.voice.startswith("espeak") == plain] for plain in (True, False)]
    some = kinds[0][:many - len(kinds[1][:recorded])] + [kinds[1][i] for i in rng.permutation(len(kinds[1]))[:recorded]]
    for spoken in some:
        one = corpus.vary(spoken, rng)
        n, emotion = n_frames(len(one.audio)), EMOTIONS[rng.integers(len(EMOTIONS))]
        intensity = 0.0 if emotion == "NEU" else float(rng.uniform(.3, 1))
        motion = perform(coarticulate(one.phones, n), one.audio, emotion, intensity, seed=int(rng.integers(2 ** 31)))
        yield Said(one.audio, motion, intensity * envelope(n, emotion), emotion)


def speech(actor, take: Performance | Said) -> dict[str, np.ndarray]:
    """A take as the arrays of the module's docstring, for N = 1."""
    T = len(take.motion)
    rest = landmarks68(actor.landmarks(actor.personal(np.zeros(take.motion.expression.shape[1], np.float32))))
    still = fit(rest)                                         # without a pose the actor's head keeps this one
    face = canonical(rest, still)
    said = np.stack([canonical(landmarks68(actor.landmarks(e)), still)
                     for e in actor.personal(take.motion.expression)])
    wave = np.zeros(T * SAMPLES_PER_FRAME, np.float32)
    n = min(len(wave), len(take.audio))
    wave[:n] = take.audio[:n]
    return {"frames": np.array([T], np.int32), "wave": np.round(np.clip(wave, -1, 1) * FULL).astype(np.int16),
            "pose": take.motion.pose.astype(np.float16), "offset": (said - face).astype(np.float16),
            "rest": face[None].astype(np.float32), "curve": np.asarray(take.curve, np.float16),
            "emotion": np.array([EMOTIONS.index(take.emotion)], np.int16)}


def read(folder, split: str) -> list[dict[str, np.ndarray]]:
    """All takes of a split, each with the arrays above but `frames`, of its own length, and `actor`, its person's
    number.  Raises InputError as `examples.read`."""
    out = []
    for who, arrays in enumerate(examples.read(KIND, folder, split, None).values()):
        edges = np.concatenate([[0], np.cumsum(arrays["frames"])])
        for j, (a, b) in enumerate(zip(edges, edges[1:])):
            out.append({"wave": arrays["wave"][a * SAMPLES_PER_FRAME:b * SAMPLES_PER_FRAME], "actor": np.int64(who),
                        **{name: arrays[name][a:b].astype(np.float32) for name in ("pose", "offset", "curve")},
                        "rest": arrays["rest"][j], "emotion": arrays["emotion"][j]})
    return out


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    import argparse

    p = argparse.ArgumentParser(prog="python -m tfg.systems.rhythmic.speeches", description=__doc__.split("\n")[0])
    p.add_argument("--out", required=True, metavar="DIR", help="folder; made if it is not there")
    for name, default, words in (("actors", 84, "of the whole cast"), ("portraits", 42, "of these, photos"),
                                 ("takes", 16, "of each actor, of two sentences"),
                                 ("others", 24, "sentences of other voices that each actor plays to"),
                                 ("seed", 0, "same seed, same speeches"),
                                 ("workers", None, "processes; default: one for each core")):
        p.add_argument(f"--{name}", type=int, default=default, metavar="N",
                       help=words + ("" if default is None else f" (default: {default})"))
    print(make(progress=True, **vars(p.parse_args(arguments))))


if __name__ == "__main__":
    main()
