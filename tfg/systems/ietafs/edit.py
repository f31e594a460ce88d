"""Edit a photo by hand: `tfg edit photo.jpg --au AU12=4 --out smile.png`, or a grid of units and intensities."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfg.compose.features import features
from tfg.errors import InputError
from tfg.faces import align
from tfg.faces.aus import AUS, MOST
from tfg.faces.face_region import MARGIN
from tfg.systems.ietafs.options import units

GRID = (1.0, 2.5, 4.0)
"""Intensities of a grid, from left to right."""


class Editor:
    """One photo, ready to be edited again and again: the face is searched once.

    photo: path or (H, W, 3) uint8.  face: which one, 0 is the largest.  checkpoint: folder of the generator; None: the
    one that ships.  Raises InputError: no photo, no face, no weights.
    """

    def __init__(self, photo: Any, *, face: int | None = None, checkpoint=None):
        from tfg.faces.landmarks import one_face
        from tfg.media.image import read_image
        from tfg.systems.ietafs.gan.network import load
        from tfg.systems.ietafs.paint import Painter
        from tfg.systems.ietafs.shown import Shown

        self.photo = photo if isinstance(photo, np.ndarray) else read_image(photo)
        found = one_face(self.photo, face)
        size = (network := load(checkpoint)[0]).config.size
        matrix = align.box_matrix(align.crop_box(found.points[:, :2], MARGIN), size)
        known = features(found.points, self.photo)
        watched = Shown()
        watched.watch(self.photo, found)

        def face_in(index, place):
            return known.shifted([place.columns.start, place.rows.start])

        self.painter = Painter(network, matrix[None], watched.units(), face=face_in)
        seen = self.painter.see(self.photo, 0)
        if seen is None:
            raise InputError("the face lies outside of the picture; give a picture that shows all of it.")
        self.seen = seen

    def __call__(self, au: str | Mapping[int, float] | np.ndarray) -> np.ndarray:
        """The photo with these Action Units, (H, W, 3) uint8.  au: "AU12=3,AU4=0", {12: 3}, or (17,) in the order of
        AUS; units that are not named stay as the photo shows them (`shown`)."""
        return self.many(self.asked(au)[None])[0]

    @property
    def shown(self) -> np.ndarray:
        """(17,) the units that the photo shows beyond a face at rest."""
        return self.painter.shown[0]

    def asked(self, au) -> np.ndarray:
        """(17,) float32 intensities in the order of AUS, all of them.  au: as when called."""
        if isinstance(au, np.ndarray):
            return np.clip(au, 0, MOST).astype(np.float32)
        named = units(au)
        return np.array([named.get(number, old) for number, old in zip(AUS, self.shown)], np.float32)

    def many(self, aus: np.ndarray) -> list[np.ndarray]:
        """Pictures for (n, 17) Action Units."""
        out = []
        for k, answer in enumerate(self.painter.draw([self.seen] * len(aus), np.asarray(aus, np.float32))):
            picture = self.photo.copy()
            self.painter.lay(answer, picture, self.seen, k)
            out.append(picture)
        return out

    def cut(self, picture: np.ndarray, side: int) -> np.ndarray:
        """The face's surroundings in one of its pictures, (side, side, 3) uint8."""
        import cv2

        place = self.seen.place
        return cv2.resize(picture[place.rows, place.columns], (side, side), interpolation=cv2.INTER_AREA)

    def attention(self, au) -> np.ndarray:
        """(S, S) in [0, 1]: 1 where the network leaves the picture as it is."""
        import torch

        with torch.inference_mode():
            units = (torch.from_numpy(x[None] / np.float32(MOST)).to(self.painter.device)
                     for x in (self.asked(au), self.shown))
            picture = self.painter.pictures([self.seen.reference])
            return self.painter.network(picture, *units, self.painter.points([self.seen])).attention[0, 0].cpu().numpy()


def edit(photo: Any, au: Any, *, face: int | None = None, checkpoint=None) -> np.ndarray:
    """A photo with other Action Units, (H, W, 3) uint8.  Arguments as `Editor`."""
    return Editor(photo, face=face, checkpoint=checkpoint)(au)


def grid(photo: Any, aus: Sequence[int] = AUS, *, intensities: Sequence[float] = GRID, side: int = 192,
         face: int | None = None, checkpoint=None) -> np.ndarray:
    """A row for each Action Unit, a column for each intensity: a picture of the face's surroundings, `side` px each."""
    import cv2

    editor = Editor(photo, face=face, checkpoint=checkpoint)
    asked = np.tile(editor.shown, (len(aus), len(intensities), 1))
    for k, au in enumerate(aus):
        asked[k, :, AUS.index(au)] = intensities
    rows = []
    for number, row in zip(aus, asked):
        cut = [editor.cut(picture, side) for picture in editor.many(row)]
        label = np.full((side, side // 2, 3), 255, np.uint8)
        cv2.putText(label, f"AU{number}", (8, side // 2), cv2.FONT_HERSHEY_SIMPLEX, side / 300, (40, 40, 40), 1,
                    cv2.LINE_AA)
        rows.append(np.hstack([label, *cut]))
    half = (len(rows) + 1) // 2                               # two halves beside each other
    rows += [np.full_like(rows[0], 255)] * (2 * half - len(rows))
    return np.hstack([np.vstack(rows[:half]), np.vstack(rows[half:])])
