"""Which Action Units a source shows already, so that an edit is the way from these to those that are asked for.

The units are read as `tfg measure --aus` reads them (`tfg.faces.au_readers`), which includes the face at rest: low
brows read as AU 4. What a face at rest may read as is therefore taken off (`AT_REST`), and a face that shows no more is
left as it is.
"""
from __future__ import annotations

import numpy as np

from tfg.faces.aus import AUS, MOST
from tfg.faces.face_crop import crop
from tfg.faces.landmarks import Face
from tfg.faces.measure import Track

AT_REST = np.array([.95, 1.04, 2.17, 1.62, .94, 2.14, 1.82, .26, .60, .59, .59, .44, .28, .45, .42, .19, .15],
                   np.float32)
"""(17,) what nine of ten training actors at rest read as at most, portraits or built (`python -m tools.bench.edits
--at-rest`)."""
UPPER = np.array([au in (1, 2, 4, 5, 6, 7, 9, 45) for au in AUS])
"""(17,) units of the face above the mouth."""
BLOCK = 400
"""Frames that are read at once; more are not kept."""


class Shown:
    """Reads the frames of a source while they pass: `watch` goes to `tfg.systems.film.stage.set_up`."""

    def __init__(self):
        self._done: list[np.ndarray] = []
        self._faces: list[tuple | None] = []

    def watch(self, frame: np.ndarray, face: Face | None, fresh: bool = False) -> None:
        """frame: (H, W, 3) uint8.  face: what was found in it.  fresh: whether another shot may begin."""
        if len(self._faces) == BLOCK or (fresh and self._faces):
            self._read()
        self._faces.append(None if face is None else (face.points.astype(np.float32), face.blendshapes, face.pose,
                                                      crop(frame, face.points)))

    def units(self) -> np.ndarray:
        """(n, 17) of the frames so far, 0..5 above a face at rest; 0 where no face was found."""
        if self._faces:
            self._read()
        return np.concatenate(self._done) if self._done else np.zeros((0, len(AUS)), np.float32)

    def _read(self) -> None:
        """Read what has come, and let go of it."""
        from tfg.faces.au_readers import measure_aus

        faces, self._faces = self._faces, []
        out = np.zeros((len(faces), len(AUS)), np.float32)
        seen = [k for k, face in enumerate(faces) if face is not None]
        if seen:
            points, blendshapes, pose, crops = (np.stack(part) for part in zip(*(faces[k] for k in seen)))
            track = Track(points, blendshapes, pose, np.ones(len(seen), bool), 25.0, (0, 0), crops=crops)
            out[seen] = np.nan_to_num(np.clip(measure_aus(track) - AT_REST, 0, MOST))
        self._done.append(out)
