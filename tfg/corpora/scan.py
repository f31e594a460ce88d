"""Shared by all readers: walk a folder, look at each file once, and report faults instead of raising."""
from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from tfg.corpora.names import Item, Reading, Skipped
from tfg.errors import InputError

VIDEO = frozenset({".flv", ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".wmv"})
AUDIO = frozenset({".wav", ".m4a", ".aac", ".mp3", ".flac", ".ogg"})
KINDS = ("video", "audio", "both")
_POINTER = b"version https://git-lfs"


def folder(root: str | os.PathLike) -> Path:
    """The path of a folder that is there. Raises InputError otherwise."""
    root = Path(root)
    if not root.exists():
        raise InputError(f"there is no folder {root}; check its name and the folder you are in.")
    if not root.is_dir():
        raise InputError(f"{root} is a file; give the folder that holds the corpus.")
    return root


def check_kind(kind: str) -> str:
    """`kind`, if it is one of KINDS. Raises InputError otherwise."""
    if kind not in KINDS:
        raise InputError(f"kind is {kind!r}; choose one of {', '.join(KINDS)}.")
    return kind


def fault(path: Path) -> str | None:
    """Reason why a file cannot hold a clip, without decoding it: unreadable, empty, or a git-lfs pointer; else None."""
    try:
        size = path.stat().st_size
        if size == 0:
            return "is empty (0 bytes); copy or download it again"
        if size < 300 and path.read_bytes().startswith(_POINTER):
            return "is a git-lfs pointer and not the file itself; run git lfs pull there, or fetch it again"
        if not os.access(path, os.R_OK):
            return "may not be read; change its permissions"
    except FileNotFoundError:
        return "is a link to a file that is not there"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return None


def walk(root: str | os.PathLike, suffixes: Iterable[str]) -> tuple[list[Path], list[Skipped]]:
    """Files below `root` with one of the suffixes (lower case), sorted; hidden ones are left out.

    Links to folders are followed, each folder once.  Returns the good files, and the faulty ones with reasons.
    Raises InputError if root is no folder.
    """
    suffixes, good, skipped, seen = frozenset(suffixes), [], [], set()

    def unreadable(error: OSError) -> None:
        skipped.append(Skipped(Path(error.filename), f"cannot be read ({error.strerror})"))

    for here, folders, files in os.walk(folder(root), followlinks=True, onerror=unreadable):
        if os.path.realpath(here) in seen:
            folders.clear()
            continue
        seen.add(os.path.realpath(here))
        folders[:] = sorted(f for f in folders if not f.startswith(".") and f != "__MACOSX")
        for name in files:
            path = Path(here, name)
            if name.startswith(".") or path.suffix.lower() not in suffixes:
                continue
            reason = fault(path)
            if reason:
                skipped.append(Skipped(path, reason))
            else:
                good.append(path)
    return sorted(good, key=Path.as_posix), skipped


def parse_all(paths: Iterable[Path], parse: Callable[[Path], Item], skipped: list[Skipped]) -> list[Item]:
    """`parse` of each path; an InputError becomes an entry of `skipped`."""
    items = []
    for path in paths:
        try:
            items.append(parse(path))
        except InputError as error:
            skipped.append(Skipped(path, str(error)))
    return items


def key(item: Item) -> tuple:
    """Labels of a clip; two files with equal labels are the same clip."""
    return item.corpus, item.actor, item.sentence, item.emotion, item.level, item.take


def unique(items: Iterable[Item], skipped: list[Skipped]) -> list[Item]:
    """The first file of each clip; further files of the same clip become entries of `skipped`."""
    first: dict[tuple, Item] = {}
    for item in items:
        chosen = first.setdefault(key(item), item)
        if chosen is not item:
            skipped.append(Skipped(item.path, f"is the same clip as {chosen.path}"))
    return list(first.values())


def pair(videos: list[Item], sounds: list[Item], kind: str, skipped: list[Skipped]) -> list[Item]:
    """Items of one kind; a half that has no use without the other is an entry of `skipped`.

    video: each video, with its separate sound where there is one.  audio: each sound.  both: videos that have one.
    """
    if check_kind(kind) == "audio":
        return sounds
    heard = {key(item): item.path for item in sounds}
    seen = {key(item) for item in videos}
    skipped += [Skipped(i.path, "is sound without its video; list kind audio to use it")
                for i in sounds if key(i) not in seen]
    if kind == "both":
        skipped += [Skipped(i.path, "is video without its sound file; list kind video to use it")
                    for i in videos if key(i) not in heard]
        videos = [i for i in videos if key(i) in heard]
    return [replace(i, audio=heard.get(key(i))) for i in videos]


def reading(items: Iterable[Item], skipped: Iterable[Skipped]) -> Reading:
    """A `Reading` of both lists, each sorted by path."""
    return Reading(sorted(items, key=lambda i: i.path.as_posix()), sorted(skipped, key=lambda s: s.path.as_posix()))
