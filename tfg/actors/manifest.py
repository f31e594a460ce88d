"""The manifest of a set of virtual actors: set.json with its members and clips, written before the first clip is made.

Everything in the manifest follows from the options. A run that continues a folder must be given the same options.
"""
from __future__ import annotations

import json
import os
import re
from dataclasses import asdict
from pathlib import Path

from tfg.actors import cast as casting
from tfg.actors.actor import check_size
from tfg.actors.cast import Member, Planned
from tfg.actors.record import LAYOUT, check_extras
from tfg.errors import InputError
from tfg.faces.models import sha256
from tfg.vocabulary import EMOTIONS

MANIFEST, VERSION = "set.json", 1
LOCK = ".lock"
FRAMES_PER_CLIP = 56                # mean length of a sentence with its silence, about
PART = re.compile(r"\..+\.[0-9a-f]{8}\.part\.(mp4|wav|npz|json)")          # names of `files.atomic`'s temporary files


def manifest(*, profile: str = "cpu", actors=None, portraits=None, portrait=(), clips=None, size=None, text=None,
             varied=None, emotions=EMOTIONS, seed: int = 0, extras=(), only=()) -> dict:
    """The content of set.json for the options of `tfg.actors.make.make`. Raises InputError for bad ones."""
    import tfg

    unknown = [split for split in only if split not in casting.SPLITS]
    if unknown:
        raise InputError(f"there is no split {unknown[0]!r}; choose of {', '.join(casting.SPLITS)}.")

    sizes = casting.profile(profile)
    members = casting.members(profile, actors=actors, portraits=portraits, photos=portrait, seed=seed)
    size = check_size(sizes["size"] if size is None else size)
    if varied is not None:
        if text is not None or not 1 <= varied <= 1000:
            raise InputError(f"{varied} varied sentences were asked for{' beside a text' * (text is not None)}; give 1 "
                             "to 1000 of them, or a text.")
        text = casting.varied(varied, seed)
    if text is not None and not all(t.strip() for t in ([text] if isinstance(text, str) else text)):
        raise InputError("the text is empty; give at least one word, or leave it out for the twelve sentences.")
    clips = min(sizes["clips"], casting.most_clips(emotions, text)) if clips is None else clips
    planned = casting.plan(members, clips, emotions=emotions, text=text, seed=seed)
    if only:                                            # members keep the names that they have in the whole cast
        members = [m for m in members if m.split in only]
        planned = [c for c in planned if c.actor in {m.name for m in members}]
        if not members:
            raise InputError(f"none of so few actors is in {' or '.join(only)}; cast more actors.")
    photos = {m.name: sha256(m.photo) for m in members if m.photo and Path(m.photo).is_file()}
    owner: dict[str, str] = {}                          # checksum of a photo -> the first member with it
    for name, content in photos.items():
        if (other := owner.setdefault(content, name)) != name:
            same = [m.photo for m in members if m.name in (other, name)]
            raise InputError(f"{same[0]} and {same[1]} are the same picture; give each photo once.")
    split: dict[str, list[str]] = {s: [m.name for m in members if m.split == s] for s in casting.SPLITS}
    return dict(what="a set of virtual actors; AI-generated (tfg)", version=VERSION, layout=LAYOUT, tfg=tfg.__version__,
                profile=profile, seed=seed, size=size, extras=list(check_extras(extras)), split=split, photos=photos,
                members=[asdict(m) for m in members], clips=[asdict(c) for c in planned])


def announce(out: Path, members: list[Member], missing: list[Planned], wanted: dict) -> str:
    """One sentence that tells the user how many actors, clips and frames a run will make."""
    photos = sum(m.kind == "portrait" for m in members)
    actors = f"{len(members)} actor{'s' * (len(members) > 1)}"
    return (f"{out}: {actors} ({photos} of them photos), {len(missing)} of {len(wanted['clips'])} clips to "
            f"make at {wanted['size']} px, about {len(missing) * FRAMES_PER_CLIP:,} frames")


def read_manifest(folder: str | os.PathLike) -> dict:
    """Read the set.json of a folder. Raises InputError if it is missing, damaged, or from a newer tfg."""
    path = Path(folder) / MANIFEST
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        version = int(content["version"])
        if version <= VERSION:
            [Member(**m) for m in content["members"]], [Planned(**c) for c in content["clips"]]
    except OSError as error:
        raise InputError(f"{folder} holds no {MANIFEST} that can be read ({error.strerror}); give a folder that "
                         "`tfg actors make` filled.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is damaged ({error}); delete it and run the same `tfg actors make` again in a new "
                         "folder.") from error
    if version > VERSION:
        raise InputError(f"{path} was written by a newer tfg (format {version}, this one reads {VERSION}); update tfg.")
    return content


def check_folder(out: Path, wanted: dict) -> None:
    """Raise InputError unless `out` is missing, empty, or was begun with the manifest `wanted`."""
    if not out.exists():
        return
    if not out.is_dir():
        raise InputError(f"{out} is a file; give a folder.")
    if not (out / MANIFEST).exists():
        there = [p.name for p in out.iterdir() if p.name != LOCK and not PART.fullmatch(p.name)]
        if there:
            raise InputError(f"{out} holds other things ({sorted(there)[0]}) and no {MANIFEST}; give a new or empty "
                             "folder.")
        return
    present = read_manifest(out)
    differs = [k for k in wanted if present.get(k) != wanted[k]]
    if differs:
        k = differs[0]
        if k == "photos":
            raise InputError(f"{out} was begun with other pictures in these files; choose another folder, or put the "
                             "old ones back.")
        shown = f" ({present.get(k)!r}, not {wanted[k]!r})" if isinstance(wanted[k], (int, str)) else ""
        raise InputError(f"{out} holds another set: its {k} differs{shown}; choose another folder, or the options that "
                         "it was begun with.")
