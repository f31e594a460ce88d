"""Virtual actors: the sets that `tfg actors make` writes, whose labels are true.

Source and licence: tfg makes them; what it makes is yours (portrait actors: the licence of the photo; SFHQ's is MIT).
Layout (`tfg.actors.record` lists what the npz holds):

    set.json                        members with their splits, the plan
    .../V001_DFA_HAP_HI.mp4, .wav, .npz
"""
from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np

from tfg.corpora import scan
from tfg.corpora.names import CREMA_D, Item, Reading, Skipped
from tfg.errors import InputError
from tfg.media.clip import Clip
from tfg.vocabulary import SENTENCES

SET = "set.json"


NAME = re.compile(rf"{CREMA_D.pattern}(?:_(\d+))?")
"""File name of a clip without suffix: as in CREMA-D, and from the second take on with the take's number."""


def read(root: str | os.PathLike) -> Reading:
    """List the clips of a set.

    Returns items sorted by path, and what was left out: empty files, other names than ACTOR_SENTENCE_EMOTION_LEVEL,
    clips without their npz.  Raises InputError if the folder is missing or holds no set.json.
    """
    root = scan.folder(root)
    if not (root / SET).is_file():
        raise InputError(f"{root} holds no {SET}; give the folder that `tfg actors make` wrote, or use the reader "
                         "'folder'.")
    good, skipped = scan.walk(root, {".mp4"})
    items = scan.unique(scan.parse_all(good, _parse, skipped), skipped)
    skipped += [Skipped(i.path, f"has no {i.path.stem}.npz with its labels; make the set again to complete it")
                for i in items if not i.path.with_suffix(".npz").is_file()]
    return scan.reading([i for i in items if i.path.with_suffix(".npz").is_file()], skipped)


def _parse(path: Path) -> Item:
    match = NAME.fullmatch(path.stem)
    if not match:
        raise InputError("is not named ACTOR_SENTENCE_EMOTION_LEVEL, as in V001_DFA_HAP_HI")
    actor, sentence, emotion, level, take = match.groups()
    return Item(path, "actors", actor, sentence, emotion, level, take=int(take or 1), text=SENTENCES.get(sentence))


def truth(path: str | os.PathLike) -> tuple[Clip, dict[str, np.ndarray]]:
    """A clip, and its true labels by name: expression (T, 52), pose (T, 6), and aus (T, 17), intensity (T,) if
    recorded.

    Raises InputError if its files are damaged, or differ in their number of frames.
    """
    clip = Clip.open(path)
    if clip.motion is None or clip.landmarks is None:
        raise InputError(f"{path} has no true labels in its npz; make the clip again, or prepare it with --labels "
                         "measured.")
    known: dict[str, np.ndarray] = {"expression": clip.motion.expression, "pose": clip.motion.pose}
    known |= {k: clip.arrays[k] for k in ("aus", "intensity") if k in clip.arrays}
    T = len(clip)
    for name, values in {**known, "landmarks": clip.landmarks}.items():
        if len(values) != T:
            raise InputError(f"{path} has {T} frames, but its npz {len(values)} of {name}; make the clip again.")
    if clip.landmarks.shape[1:] != (478, 3) or not np.isfinite(clip.landmarks).all():
        raise InputError(f"{path} has landmarks of shape {clip.landmarks.shape} or some that are not numbers; make the "
                         "clip again.")
    return clip, known
