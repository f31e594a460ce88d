"""Scenes to learn from: a neutral photo of a person, and moments of another take whose true flow from it is known.

The published code takes the first frame of the target clip for the photo, which shows the emotion that the network is
asked for. Here the photo is a neutral moment of another take of the same person, in the same light, and each frame of a
scene knows where in that photo lies what it shows. A quarter of the scenes are played with another emotion than their
voice has (`tfg.actors.take.replay`), so that the face can only follow the emotion that is asked for.

Far more speech is kept than is drawn: of every take, and of takes that nobody draws, the sound and what the lips do.
A network that hears raw sound needs hours of it, and these cost no picture.

    python -m tfg.systems.deformable.scenes --out build/scenes        # some minutes; run it again to go on
    tfg train deformable --scenes build/scenes --out build/deformable

A folder of scenes holds scenes.json (what was asked for, who is in it) and for each actor NAME.npz, R scenes of N
frames and V pieces of speech of M frames:

    photo (R, S, S, 3) uint8            neutral, from another take
    points (R, 68, 2) float32           the photo's landmarks, px of the crop
    frames (R, N, S, S, 3) uint8
    flow (R, N, F, F, 2) float16        where in the photo each place of a frame lies, from here, half sides of the
                                        crop, x then y; F = S / 2; NaN where it shows nowhere
    wave (R, n_samples(LEAD + N)) int16 sound from LEAD frames before the first one on, with what surrounds it, 8 kHz
    moves (R, LEAD + N, 6) float16      movements that no sound tells (`tfg.systems.deformable.moves`)
    emotion, voice (R,) int16           places in EMOTIONS: of the face, and of the sound
    strength (R,) float32               how much of the emotion the face shows, 0..1
    said_wave (V, n_samples(M)) int16   sound of a piece of speech
    said (V, M, 28) float16             what the lips do then: coefficients of MOUTH, 0..1
    said_voice (V,) int16               the emotion of that voice
"""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from tfg.actors import cast as casting
from tfg.actors import examples
from tfg.actors.actor import LAYER, landmarks68
from tfg.actors.flows import crop_flow
from tfg.actors.photos import voice_of
from tfg.actors.take import Performance, make_take, replay
from tfg.errors import InputError
from tfg.faces import align, steady_crop
from tfg.faces.face_region import MARGIN
from tfg.systems.deformable import moves, sound
from tfg.vocabulary import EMOTIONS, MOUTH, index

KIND = examples.Kind("scenes", 2, "python -m tfg.systems.deformable.scenes")
SPLITS = ("train", "val", "test")
DRAWN_PX = 192
"""Side of the frames that the crops are cut out of."""
QUIET = .3
"""Share of the head's motion that scenes keep: a photo whose head stays nearly in its place is what is drawn later."""
OTHER = .25
"""Share of scenes whose face shows another emotion than the voice."""
CLOSED = .8
"""Share of photos whose lips are at rest."""
SAID = 48
"""Frames of a piece of speech."""
LIPS = index(*MOUTH)
FULL = 32767


def make(out, *, actors: int = 84, portraits: int = 76, takes: int = 4, runs: int = 2, num_frames: int = 16,
         speeches: int = 24, emotions: Sequence[str] = EMOTIONS, size: int = 128, mode: int = 1, seed: int = 0,
         workers: int | None = None, progress: bool = False) -> Path:
    """Make a folder of scenes, or go on with one.  Returns the folder.

    actors, portraits: of the whole cast (`tfg.actors.cast.cast`).  takes: of each that are drawn, two or more, and
    runs: scenes of each take, of num_frames frames.  speeches: further takes of each of which only the speech is kept.
    emotions: codes of those that are played; as published HAP and SAD.  size: side S of a crop, px.  mode: 1, one
    transform to the crop for a whole scene; 0, one for each frame, which takes the head's motion out, as published.
    Raises InputError: a folder with other scenes, photos that cannot be had, a single take, an unknown emotion.
    """
    from tfg.acting.emotion import check_emotion

    if takes < 2:
        raise InputError(f"{takes} take of an actor gives no photo of another take; make two or more.")
    if mode not in (0, 1):
        raise InputError(f"the mode is {mode}; give 1 (one transform for a scene) or 0 (one for each frame).")
    codes = tuple(check_emotion(e) for e in emotions)
    play = partial(_play, takes=takes, runs=runs, frames=num_frames, emotions=codes, size=size, mode=mode, seed=seed)
    return examples.make(KIND, out, play, splits=SPLITS, actors=actors, portraits=portraits, takes=takes + speeches,
                         seed=seed, workers=workers, progress=progress, drawn=takes, runs=runs, num_frames=num_frames,
                         emotions=list(codes), size=size, mode=mode)


def _play(out: Path, member, texts: Sequence[str], k: int, *, takes: int, runs: int, frames: int,
          emotions: Sequence[str], size: int, mode: int, seed: int) -> None:
    actor = casting.build(member, DRAWN_PX)
    played = list(takes_of(actor, member, texts, k, emotions))
    parts = []
    for j, take in enumerate(played[:takes]):
        rng = np.random.default_rng([seed, 87, k, j])
        parts.append(scenes(actor, take, played[(j + 1) % takes], runs, frames, emotions, size, mode, rng))
    said = [speech(take) for take in played]
    examples.save(out, member, [a | b for a, b in zip(parts, _joined(said, len(parts)))])


def takes_of(actor, member, texts: Sequence[str], k: int, emotions: Sequence[str]) -> Iterator[Performance]:
    """A take of each text, the emotions in turn from number k on."""
    voice = voice_of(member, actor)
    for j, text in enumerate(texts):
        emotion = emotions[(k + j) % len(emotions)]
        level = "XX" if emotion == "NEU" else ("MD", "HI", "HI")[(k + j) % 3]
        yield make_take(member.name, member.seed, text=text, emotion=emotion, level=level, voice=voice)


def scenes(actor, take: Performance, other: Performance, runs: int, frames: int, emotions: Sequence[str], size: int,
           mode: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """`runs` scenes of a take: the arrays of the module's docstring but those of speech.  other: the photo's take."""
    photo, rest = _photo(actor, other, rng)
    points = actor.landmarks(photo, rest)
    crop = steady_crop.matrices(points[None], np.ones(1, bool), size, actor.size, margin=MARGIN)[0]
    still = align.warp(actor.render(photo, rest), crop, size)
    marks = align.transform(landmarks68(points)[:, :2], crop).astype(np.float32)
    wave, free, T = sound.heard(take.audio), moves.of_take(take), len(take.motion)
    pose = QUIET * moves.head(take.level_db, take.style.manner(*take.moves), T, take.seed) + rest
    out: dict[str, list] = {}
    for _ in range(runs):
        played = take
        if rng.uniform() < OTHER and len(emotions) > 1:
            left = [e for e in emotions if e != take.emotion]
            played = replay(take, left[rng.integers(len(left))], "HI" if take.level == "XX" else None)
        first = int(rng.integers(0, max(T - frames, 0) + 1))
        at = np.minimum(np.arange(first, first + frames), T - 1)
        before = np.clip(np.arange(first - sound.LEAD, first + frames), 0, T - 1)
        shown = actor.personal(played.motion.expression[at])
        matrix = [crop if mode else _to_photo(actor.landmarks(e, p), points, crop) for e, p in zip(shown, pose[at])]
        one = {"photo": still, "points": marks,
               "frames": np.stack([align.warp(actor.render(e, p), m, size)
                                   for e, p, m in zip(shown, pose[at], matrix)]),
               "flow": np.stack([crop_flow(_flow(actor, (e, p), (photo, rest)), m, crop, size)
                                 for e, p, m in zip(shown, pose[at], matrix)]),
               "wave": whole(sound.part(wave, first - sound.LEAD, first + frames)),
               "moves": free[before].astype(np.float16), "emotion": np.int16(EMOTIONS.index(played.emotion)),
               "voice": np.int16(EMOTIONS.index(take.emotion)), "strength": np.float32(played.curve[at].mean())}
        for name, value in one.items():
            out.setdefault(name, []).append(value)
    return {name: np.stack(values) for name, values in out.items()}


def speech(take: Performance) -> dict[str, np.ndarray]:
    """A take's speech in pieces of SAID frames: said_wave, said, said_voice.  A last piece that is cut short reaches
    back into the one before."""
    wave, T = sound.heard(take.audio), len(take.motion)
    starts = [0] if T <= SAID else [*range(0, T - SAID, SAID), T - SAID]
    lips = replay(take, "NEU").motion.expression[:, LIPS]                 # what the words do, whatever is felt
    at = [np.minimum(np.arange(s, s + SAID), T - 1) for s in starts]
    return {"said_wave": np.stack([whole(sound.part(wave, s, s + SAID)) for s in starts]),
            "said": np.stack([lips[a] for a in at]).astype(np.float16),
            "said_voice": np.full(len(starts), EMOTIONS.index(take.emotion), np.int16)}


def whole(wave: np.ndarray) -> np.ndarray:
    """A wave in [-1, 1] as int16."""
    return np.round(np.clip(wave, -1, 1) * FULL).astype(np.int16)


def _photo(actor, take: Performance, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Absolute expression (52,) and pose (6,) of a neutral moment of a take, CLOSED of them with the lips at rest."""
    calm = replay(take, "NEU").motion
    t = int(rng.integers(len(calm)))
    asked = calm.expression[t].copy()
    asked[index("eyeBlink")] = np.minimum(asked[index("eyeBlink")], .1)   # nobody hands in a photo of a blink
    if rng.uniform() < CLOSED:
        asked[LIPS] = 0
    return actor.personal(asked), QUIET * np.asarray(calm.pose[t], float)


def _flow(actor, a: tuple, b: tuple) -> np.ndarray:
    """The actor's flow; NaN in an open mouth, where a built face knows how teeth move behind the photo's lips."""
    flow = actor.flow(a, b)
    if actor.kind == "virtual":
        flow[np.isin(actor.layers(*a).labels, (LAYER["teeth"], LAYER["mouth"]))] = np.nan
    return flow


def _to_photo(points: np.ndarray, still: np.ndarray, crop: np.ndarray) -> np.ndarray:
    """(2, 3), frame to crop: eyes and nose come to lie where the photo's do."""
    stable = list(align.STABLE)
    onto = align.similarity(points[stable, :2], still[stable, :2])
    return np.column_stack([crop[:, :2] @ onto[:, :2], crop[:, :2] @ onto[:, 2] + crop[:, 2]])


def _joined(pieces: list[dict[str, np.ndarray]], n: int) -> list[dict[str, np.ndarray]]:
    """All pieces of speech in n parts, as `examples.save` joins them again."""
    names = pieces[0]
    cuts = np.array_split(np.arange(len(pieces)), n)
    return [{name: np.concatenate([pieces[i][name] for i in part]) for name in names} for part in cuts]


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    import argparse

    p = argparse.ArgumentParser(prog="python -m tfg.systems.deformable.scenes", description=__doc__.split("\n")[0])
    p.add_argument("--out", required=True, metavar="DIR", help="folder; made if it is not there")
    for name, default, words in (("actors", 84, "of the whole cast"), ("portraits", 76, "of these, photos"),
                                 ("takes", 4, "of each actor that are drawn"), ("runs", 2, "scenes of each take"),
                                 ("num-frames", 16, "frames of a scene"),
                                 ("speeches", 24, "further takes of each of which the speech is kept"),
                                 ("size", 128, "side of a crop, px"),
                                 ("mode", 1, "1: one transform to the crop for a scene, 0: one for each frame"),
                                 ("seed", 0, "same seed, same scenes"),
                                 ("workers", None, "processes; default: one for each core")):
        p.add_argument(f"--{name}", type=int, default=default, metavar="N",
                       help=words + ("" if default is None else f" (default: {default})"))
    p.add_argument("--emotions", default=",".join(EMOTIONS), metavar="HAP,SAD",
                   help="those that are played, a comma between two (default: all six)")
    given = vars(p.parse_args(arguments))
    given["emotions"] = [e.strip() for e in given["emotions"].split(",") if e.strip()]
    print(make(progress=True, **given))


if __name__ == "__main__":
    main()
