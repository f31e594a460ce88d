"""Clips of a store drawn by a system, to look at: for each a folder with the reference, the truth and the result.

    tfg samples --system rhythmic --store build/dub --how-many 8 --out build/samples

What few-shot vid2vid calls its demo test: clips by chance, drawn through the protocol that the scores use.
"""
from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np

from tfg.corpora.store import Store
from tfg.errors import InputError
from tfg.files import atomic, make_folder
from tfg.media.audio import FPS
from tfg.media.image import write_image
from tfg.media.video import write_video
from tfg.scores.draw import Drawer, NotDrawn, checked
from tfg.scores.films import slug
from tfg.scores.targets import targets


def samples(system: str, store, out, *, how_many: int = 8, split: str = "test", seed: int = 0, progress: bool = False,
            **options) -> list[Path]:
    """Draw clips by chance.  Returns their folders, below `out`: reference.png (the photo that a portrait system moves;
    of a film system a frame of another take), truth.mp4, drawn.mp4, side_by_side.mp4 (all three) and clip.json.

    how_many: clips, of as many people as there are.  options: the system's, but for those that the clip sets.
    Raises InputError: no such store or system, nobody of that split, no clip that the system draws.
    """
    from tqdm.auto import tqdm

    if how_many < 1:
        raise InputError(f"how_many is {how_many}, but it must be 1 or more.")
    draw = Drawer(system, options, seed)
    every = targets(Store.open(store), split=split, seed=seed)
    chosen = by_chance([f"{row.corpus}/{row.actor}" for row in every.clips], how_many, seed)
    folder, done = make_folder(out), []
    for k in tqdm(chosen, desc="clips", unit="clip", disable=not progress):
        target = every[k]
        try:
            drawn = checked(draw(target), target)
        except NotDrawn as error:
            warnings.warn(f"{system} does not draw {target.id}: {error}", UserWarning, stacklevel=2)
            continue
        shown = target.photo if draw.its.task == "portrait" else target.reference[0]
        place = make_folder(folder / slug(target.id))
        write_image(shown, place / "reference.png")
        for name, frames in (("truth", target.frames), ("drawn", drawn), ("side_by_side", np.concatenate(
                [np.repeat(shown[None], len(drawn), 0), target.frames, drawn], 2))):
            write_video(place / f"{name}.mp4", iter(frames), target.wave, fps=FPS)
        about = {"clip": target.id, "system": system, "emotion": target.emotion, "intensity": target.intensity,
                 "photo": target.photo_id, "reference": target.reference_id,
                 "networks": {name: card.get("sha256") for name, card in draw.cards.items()}}
        with atomic(place / "clip.json") as part:
            part.write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
        done.append(place)
    if not done:
        raise InputError(f"{system} drew none of {len(chosen)} clips; the notes say why.")
    return done


def by_chance(people: list[str], many: int, seed: int) -> list[int]:
    """Numbers of `many` clips (all, if there are fewer): one of each person in turn, by chance."""
    rng = np.random.default_rng([seed, 71])
    order = rng.permutation(len(people))
    nth: dict[str, int] = {}
    rank = []
    for k in order:
        nth[people[k]] = nth.get(people[k], 0) + 1
        rank.append(nth[people[k]])
    return sorted(int(k) for k in order[np.argsort(rank, kind="stable")][:many])
