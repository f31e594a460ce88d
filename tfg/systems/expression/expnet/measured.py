"""Measured clips of real people to train ExpNet on, beside virtual ones. No shipped weights were trained on any.

    tfg measure ANN/hello.mp4 --out clips/ANN/hello.npz      and beside it clips/ANN/hello.wav, or hello.mp4
    tfg train expnet --out build/expnet --measured clips

The speaker is in the file name in CREMA-D's form (1003_DFA_HAP_HI), else it is the first folder below the root. A
motion and its sound belong together by their name, never by their place in a list. Motions at any rate are resampled in
time to 25 frames/s, and each pair's lengths are compared. People are dealt to splits, not clips and not windows; those
kept for testing (CREMA-D's 1001 and 1002, and clips without a known speaker) are not read.
"""
from __future__ import annotations

from pathlib import Path

import numpy as np

from tfg.corpora import scan
from tfg.corpora.names import CREMA_D, Item
from tfg.corpora.splits import Splits, kept_for_testing, make_splits
from tfg.errors import InputError
from tfg.faces.geometry import person_neutral
from tfg.media.audio import FPS, check_audible, load_audio, mel_spectrogram, n_frames
from tfg.media.motion import Motion
from tfg.systems.expression.expnet.data import UNKNOWN, FaceExample
from tfg.vocabulary import index

SOUND = (".wav", ".flac", ".mp3", ".m4a", ".mp4", ".mov", ".mkv", ".flv", ".mpg", ".avi", ".webm")
"""Suffixes of files with a motion's sound, in the order of the search."""
TOLERANCE_S = .12
"""Largest difference in seconds between the lengths of a motion and its sound: three frames."""
SHARES = {"train": .85, "val": .15}
MOST_REST = .4


def read(root, splits: Splits | None = None) -> list[FaceExample]:
    """Examples of the people in the splits train and val below a folder; val's are for scores.

    splits: the table of splits; None deals the people (`make_splits`).
    Raises InputError: no motions, a motion without sound or of another length, nobody in train, a table that has a
    test speaker in training.
    """
    pairs = pairs_below(root)
    if splits is None:
        free = {i.actor for i, _ in pairs if not kept_for_testing(i.corpus, i.actor)}
        splits = make_splits([i for i, _ in pairs], SHARES if len(free) > 1 else {"train": 1.0})
    rows = [i for i, _ in pairs]
    taught = {id(i): split for split in SHARES for i in splits.select(rows, split, purpose="train")}
    if "train" not in taught.values():
        splits.check(rows, purpose="train")           # names who may not be trained on
        raise InputError(f"{root} has nobody in the split train; add clips of other people.")
    of: dict[str, list] = {}
    for item, sound in pairs:
        if id(item) in taught:
            of.setdefault(str(item.actor), []).append((item, sound, at_25(Motion.load(item.path), item.path)))
    out = []
    for actor, clips in sorted(of.items()):
        rest = np.nan_to_num(person_neutral(np.concatenate([m.expression for *_, m in clips])))
        for item, sound, motion in clips:
            out.append(example(motion, load_audio(sound), rest, actor, taught[id(item)], item.path))
    return out


def pairs_below(root) -> list[tuple[Item, Path]]:
    """Pairs (Item of a motion, path of its sound) for each .npz below a folder, sorted by path; both have one name.

    Raises InputError: no such folder, no motions, a motion without sound.
    """
    root = scan.folder(root)
    out = []
    for path in sorted(root.rglob("*.npz")):
        sound = next((s for suffix in SOUND if (s := path.with_suffix(suffix)).is_file()), None)
        if sound is None:
            raise InputError(f"{path} has no sound beside it; put {path.stem}.wav, or the video, into {path.parent}.")
        match, inside = CREMA_D.fullmatch(path.stem), path.relative_to(root).parts[:-1]
        actor = match.group(1) if match else inside[0] if inside else None
        out.append((Item(path, "folder", actor, audio=sound), sound))
    if not out:
        raise InputError(f"{root} holds no motions (.npz); make them with `tfg measure VIDEO --out NAME.npz`.")
    return out


def at_25(motion: Motion, path) -> Motion:
    """The motion at 25 frames/s: each new frame's middle is looked up in time between the old frames' middles.

    Coefficients that are never measured stay NaN; a gap is NaN where the nearer of both neighbours is.
    """
    if len(motion) < 2:
        raise InputError(f"{path} has {len(motion)} frames; a motion to train on needs two or more.")
    if motion.fps == FPS:
        return motion
    total = max(int(round(len(motion) / motion.fps * FPS)), 1)
    old, new = (np.arange(len(motion)) + .5) / motion.fps, (np.arange(total) + .5) / FPS
    near = np.clip(np.round(new * motion.fps - .5).astype(int), 0, len(motion) - 1)

    def resampled(x: np.ndarray) -> np.ndarray:
        out = np.full((total, x.shape[1]), np.nan, np.float32)
        for k in range(x.shape[1]):
            known = np.isfinite(x[:, k])
            if known.any():
                out[:, k] = np.where(known[near], np.interp(new, old[known], x[known, k]), np.nan)
        return out

    return Motion(resampled(motion.expression), resampled(motion.pose), float(FPS), motion.identity, motion.meta)


def example(motion: Motion, audio: np.ndarray, rest: np.ndarray, actor: str, split: str, path) -> FaceExample:
    """A measured clip as an example. motion: at 25 frames/s, absolute.  rest: (52,) of the speaker.  The blink signal
    is the motion's own lids.

    Raises InputError if motion and sound differ by more than TOLERANCE_S, or the sound is silent.
    """
    check_audible(audio, str(path))
    total, frames = n_frames(len(audio)), len(motion)
    if abs(frames - len(audio) / 640) > TOLERANCE_S * FPS + 1:
        raise InputError(f"{path} lasts {frames / FPS:.2f} s and its sound {len(audio) / 16000:.2f} s; they do not "
                         "belong together, or one of them was cut: measure the video again.")
    expression = np.full((total, motion.expression.shape[1]), np.nan, np.float32)
    n = min(total, frames)
    expression[:n] = motion.expression[:n]
    rest = np.clip(rest, 0, MOST_REST).astype(np.float32)
    asked = (expression - rest) / (1 - rest)
    lids = np.nan_to_num(np.clip(asked[:, index("eyeBlink")].mean(1), 0, 1))
    return FaceExample(mel_spectrogram(audio).astype(np.float16), asked.astype(np.float16), lids.astype(np.float16),
                       rest, np.full(total, UNKNOWN, np.uint8), [], f"measured:{actor}",
                       split if split == "train" else "val")
