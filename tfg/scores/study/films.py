"""The films that are compared: found in a folder, and written anew so that nothing in a file names its system.

All films pass through the same decoder and encoder: 25 frames/s, mono sound, H.264 and AAC, one comment for all.
"""
from __future__ import annotations

import csv
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfg.errors import InputError
from tfg.files import check_file
from tfg.media.audio import SR, load_audio
from tfg.media.film_names import MP4_SUFFIXES
from tfg.media.video import FrameReader, write_video
from tfg.vocabulary import EMOTIONS

COLUMNS = ("system", "clip", "file")
COMMENT = "a film of a comparison; it may be AI-generated (tfg)"
"""Comment in the metadata of every film of a study, recordings too, so that it does not tell them apart."""
LATE_S = 1.0
"""Seconds by which the sound of a broken film is late; half the film where it is shorter than twice that."""
COARSE = 6
"""Blocks along a side of a film whose face is hidden."""
BROKEN = ("late", "frozen", "hidden")
_NO_LETTERS = re.compile(r"[^A-Za-z]+")


@dataclass(frozen=True)
class Film:
    """A film that was found.  system, clip: its names.  emotion: of EMOTIONS, None if the name does not say."""

    system: str
    clip: str
    path: Path
    emotion: str | None


def find(folder) -> list[Film]:
    """Films of FOLDER/manifest.csv (columns system, clip, file, optionally emotion), else FOLDER/SYSTEM/CLIP.mp4.

    Without the column, the emotion is read from the clip's name, as in V001_IEO_HAP_HI.
    Raises InputError: no films, a manifest without its columns, a file that is missing, two files of one name.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}; give one with films as SYSTEM/CLIP.mp4, or with a "
                         "manifest.csv.")
    manifest = folder / "manifest.csv"
    films = _listed(manifest) if manifest.is_file() else [
        Film(path.parent.name, path.stem, path, emotion_in(path.stem))
        for path in sorted(folder.glob("*/*")) if path.suffix.lower() in MP4_SUFFIXES and not path.name.startswith(".")]
    seen: dict[tuple, Path] = {}
    for film in films:
        first = seen.setdefault((film.system, film.clip), film.path)
        if first is not film.path:
            raise InputError(f"{first} and {film.path} are both clip {film.clip} of {film.system}; leave one out.")
    if not films:
        raise InputError(f"{folder} holds no films; put them there as SYSTEM/CLIP.mp4, or list them in a "
                         "manifest.csv with the columns system, clip, file.")
    return films


def _listed(manifest: Path) -> list[Film]:
    with open(manifest, newline="", encoding="utf-8-sig") as opened:
        table = csv.DictReader(opened)
        missing = [name for name in COLUMNS if name not in (table.fieldnames or ())]
        if missing:
            raise InputError(f"{manifest} has no column {missing[0]}; its columns are system, clip, file and, if you "
                             "like, emotion.")
        rows = list(table)
    out = []
    for n, row in enumerate(rows, 2):
        if not all((row[name] or "").strip() for name in COLUMNS):
            raise InputError(f"line {n} of {manifest} lacks a system, a clip or a file; complete it.")
        system, clip, file = (row[name].strip() for name in COLUMNS)
        felt = (row.get("emotion") or "").strip().upper() or emotion_in(clip)
        if felt is not None and felt not in EMOTIONS:
            raise InputError(f"line {n} of {manifest} has the emotion {felt!r}; choose {', '.join(EMOTIONS)}.")
        out.append(Film(system, clip, check_file(manifest.parent / file, "video"), felt))
    return out


def emotion_in(name: str) -> str | None:
    """The emotion that a clip's name gives as a word of its own, as HAP in V001_IEO_HAP_HI; None if there is not
    exactly one."""
    found = set(_NO_LETTERS.split(name)) & set(EMOTIONS)
    return found.pop() if len(found) == 1 else None


def write(film: Film, folder: Path, kind: str = "") -> tuple[str, float, float]:
    """Write a film into a folder under a name made of its content, a further one if two systems drew the same film.

    kind: "" for the film as it is, or one of BROKEN.  Returns the name, its seconds, and how much its picture moves
    (mean change of a pixel from frame to frame, of 255).  Raises InputError for a film that cannot be read, is shorter
    than half a second, or has no sound.
    """
    frames, sound = FrameReader(film.path), load_audio(film.path)
    if len(frames) < 12 or not len(sound):
        raise InputError(f"{film.path} has {len(frames)} frames and {len(sound) / SR:.1f} s of sound; give films of "
                         "half a second or more, with sound.")
    sound = np.resize(np.pad(sound, (0, max(0, len(frames) * 640 - len(sound)))), len(frames) * 640)
    if kind == "late":
        sound = np.roll(sound, min(round(LATE_S * SR), len(sound) // 2))
    moved: list[float] = []
    part = folder / "being_written.mp4"
    try:
        write_video(part, _shown(frames, kind, moved), sound, generated=False, metadata={"comment": COMMENT})
        name, content, again = "", part.read_bytes(), 0
        while not name or (folder / name).exists():
            name = f"{hashlib.sha256(content + b'+' * again).hexdigest()[:16]}.mp4"
            again += 1
        part.replace(folder / name)
    finally:
        part.unlink(missing_ok=True)
    return name, len(frames) / frames.fps, float(np.mean(moved)) if moved else 0.0


def _shown(frames: FrameReader, kind: str, moved: list[float]):
    """Frames of the film, broken as asked; `moved` gains the mean change from each frame to the next."""
    first = frames[0]
    if kind == "hidden":
        first = _coarse(first)
    if kind in ("frozen", "hidden"):
        yield from (first for _ in range(len(frames)))
        return
    before = None
    for frame in frames:
        if before is not None:
            moved.append(float(np.abs(frame[::4, ::4].astype(np.int16) - before[::4, ::4]).mean()))
        before = frame
        yield frame


def _coarse(frame: np.ndarray) -> np.ndarray:
    """The frame in so few blocks that no face can be made out, (H, W, 3) uint8."""
    import cv2

    few = cv2.resize(frame, (COARSE, COARSE), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(cv2.resize(few, frame.shape[1::-1], interpolation=cv2.INTER_NEAREST))
