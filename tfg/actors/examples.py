"""Folders of examples that actors play for a network: one file of arrays for each actor, made once, gone on with, read.

What an example is, is a system's own: it gives a function `play(out, member, texts, k)`, which ends with `save`.
"""
from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tfg.actors import cast as casting
from tfg.actors.photos import fetch_photos, voice_of
from tfg.actors.take import Performance, make_take
from tfg.errors import InputError
from tfg.files import atomic, make_folder
from tfg.vocabulary import EMOTIONS
from tfg.workers import parallel
from tfg.workers import workers as how_many


@dataclass(frozen=True)
class Kind:
    """A kind of examples.  name: in the plural, "twins".  version: of the files.  command: what makes them."""

    name: str
    version: int
    command: str

    @property
    def manifest(self) -> str:
        """Name of the file that says what was asked for and who is in the folder."""
        return f"{self.name}.json"


def make(kind: Kind, out, play: Callable, *, splits: Sequence[str], actors: int, portraits: int, takes: int, seed: int,
         workers: int | None, progress: bool, **settings) -> Path:
    """Make a folder of examples, or go on with one.  Returns the folder.

    play: can be pickled; called with the folder, a member of the cast, `takes` texts and the member's number.  splits:
    whose people play.  actors, portraits: of the whole cast (`tfg.actors.cast.cast`).  settings: what else `play` was
    given; with the numbers above they tell one folder from another.
    Raises InputError: a folder with other examples, photos that cannot be had.
    """
    from joblib import delayed
    from tqdm.auto import tqdm

    from tfg.workers import one_thread_each

    members = [m for m in casting.cast(actors, portraits, seed=seed) if m.split in splits]
    wanted = {kind.name: kind.version, "actors": actors, "portraits": portraits, "takes": takes, "seed": seed,
              **settings, "members": [asdict(m) for m in members]}
    out = make_folder(out)
    if (out / kind.manifest).is_file():
        if read_manifest(kind, out) != wanted:
            raise InputError(f"{out} holds other {kind.name} than these; choose another folder, or the options that it "
                             "was made with.")
    else:
        with atomic(out / kind.manifest) as part:
            part.write_text(json.dumps(wanted, indent=1) + "\n", encoding="utf-8")
    missing = [(k, m) for k, m in enumerate(members) if not (out / f"{m.name}.npz").is_file()]
    fetch_photos([m for _, m in missing])
    texts = casting.varied(takes * len(members), seed)
    jobs = (delayed(play)(out, m, texts[k * takes:(k + 1) * takes], k) for k, m in missing)
    with one_thread_each():
        done = parallel(how_many(workers, max(len(missing), 1)), return_as="generator_unordered")(jobs)
        for _ in tqdm(done, total=len(missing), desc=kind.name, unit=" actor", disable=not progress):
            pass
    return out


def takes_of(actor, member, texts: Sequence[str], k: int, seed: int
             ) -> Iterator[tuple[Performance, np.random.Generator]]:
    """A take of each text, with the six emotions in turn from number k on, and random numbers for what comes of it."""
    voice = voice_of(member, actor)
    for j, text in enumerate(texts):
        emotion = EMOTIONS[(k + j) % len(EMOTIONS)]
        level = "XX" if emotion == "NEU" else ("MD", "HI", "HI")[(k + j) % 3]
        yield (make_take(member.name, member.seed, text=text, emotion=emotion, level=level, voice=voice),
               np.random.default_rng([seed, k, j]))


def save(out: Path, member, parts: Sequence[dict[str, np.ndarray]]) -> None:
    """Write a member's file: the arrays of several takes, one after the other."""
    arrays: dict[str, Any] = {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}
    with atomic(out / f"{member.name}.npz") as path:
        np.savez(path, **arrays)


def read_manifest(kind: Kind, folder) -> dict:
    """What a folder of examples is.  Raises InputError if it is none, or one of another version."""
    path = Path(folder) / kind.manifest
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        version, members = manifest[kind.name], manifest["members"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder} is no folder of {kind.name} ({path.name}: {error}); make one: {kind.command} --out "
                         "DIR") from error
    if version != kind.version or not isinstance(members, list):
        raise InputError(f"{path} is of version {version}, but this version of tfg reads version {kind.version}; make "
                         f"the {kind.name} again.")
    return manifest


def read(kind: Kind, folder, split: str, size: int | None) -> dict[str, dict[str, np.ndarray]]:
    """The arrays of each person of a split, by name; people whose file is not there yet are left out.

    size: side of the network's pictures, px; None: the examples have none.  Raises InputError: nobody of that split,
    pictures of another size, a file that cannot be read.
    """
    manifest = read_manifest(kind, folder)
    files = [Path(folder) / f"{m['name']}.npz" for m in manifest["members"] if m["split"] == split]
    files = [path for path in files if path.is_file()]
    if not files:
        raise InputError(f"{folder} has {kind.name} of nobody in the split {split!r}; make more actors.")
    if size is not None and manifest["size"] != size:
        raise InputError(f"{folder} has crops of {manifest['size']} px, but the network draws {size} px; make the "
                         f"{kind.name} again with --size {size}.")
    return {path.stem: _arrays(kind, path) for path in files}


def _arrays(kind: Kind, path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path} cannot be read ({error}); remove it and make the {kind.name} again.") from error
