"""Batches of twins (`tfg.systems.emogen.twins`): what to draw, what to look at, and the true flow between them."""
from __future__ import annotations

from pathlib import Path

import numpy as np

from tfg.actors import examples
from tfg.corpora import seeded
from tfg.corpora.augment import Augment
from tfg.errors import InputError
from tfg.experts.syncnet.network import FRAMES
from tfg.experts.syncnet.train import another_line
from tfg.networks import hearing as ears
from tfg.systems.emogen.data import WORSE, feelings
from tfg.systems.emogen.network import HEARD, face_mask
from tfg.systems.emogen.twins import KIND
from tfg.vocabulary import EMOTIONS, LEVELS

NEUTRAL = EMOTIONS.index("NEU")
TWIN, OTHER_MOMENT = .5, .25
"""Shares of windows whose reference is the twin of each frame, and another moment of the same take. The rest see
another take of the person with another emotion, as windows of a store do; no flow is known of these."""
TINTED, TINT = .3, .8
"""How often, and how much at most, what lies around the face is painted over with one colour: a green wall behind a
person must not colour the lips."""
_STREAM = 80


class TwinWindows:
    """Windows of FRAMES frames of all twins of a split; data for the loop, as `tfg.systems.emogen.data.Faces`.

    folder: as `twins.make` wrote it; people whose file is not there yet are left out.  split: "train" or "val".
    augment: None for none.  disturbed: whether the sound is.  hearing: as `Faces`.  Batches hold what `Faces` gives,
    and flow (B, FRAMES, F, F, 2) in half sides of the crop from each target into its reference, NaN where it is not
    known.
    Raises InputError: nobody of that split, crops of another size than the network's, no features of its sounds.
    """

    def __init__(self, folder, split: str, size: int, *, augment: Augment | None = None, disturbed: bool = True,
                 seed: int = 0, hearing: str = "mel"):
        people = examples.read(KIND, folder, split, size)
        self.path, self.size, self.seed, self.augment, self.disturbed = Path(folder), size, seed, augment, disturbed
        self.actors, self.people, self.hearing = list(people), list(people.values()), hearing
        if hearing == "speech" and any("heard" not in one for one in self.people):
            raise InputError(f"{folder} holds no speech features; make the twins in another folder with --hearing "
                             "speech.")
        starts = [(p, t) for p, one in enumerate(self.people) for t in _starts(one["take"])]
        self.place = np.array(starts, np.int64)                                                    # (N, 2)
        self.around = 1 - face_mask(size)

    def __len__(self) -> int:
        return len(self.place)

    def batch(self, epoch: int, indices) -> dict[str, np.ndarray]:
        """Windows of these indices; a function of (seed, epoch, index) alone."""
        indices = np.asarray(indices, np.int64).reshape(-1)
        draw = [seeded.uniform(self.seed, epoch, _STREAM + k, indices) for k in range(8)]
        items = [self._window(*self.place[i], kind=draw[0][b], which=draw[1][b]) for b, i in enumerate(indices)]
        out = {name: np.stack([item[name] for item in items]) for name in items[0]}
        if self.augment is not None:
            self._change(out, epoch, indices, draw)
        out["mel"] = out["mels"][:, FRAMES // 2].copy()
        out["index"], out["level"] = indices, np.full(len(indices), LEVELS.index("XX"))
        out["strength"] = (out["intensity"].mean(1) * (out["emotion"] != NEUTRAL)).astype(np.float32)
        out["feeling"] = feelings(out["emotion"], out["strength"])
        if self.hearing == "speech":
            out["mels"] = np.stack([self._heard(*self.place[i], worse=self.disturbed and draw[7][b] < WORSE)
                                    for b, i in enumerate(indices)])
        elif self.disturbed:
            for mels, index in zip(out["mels"], indices):
                mels[:] = another_line(mels, np.random.default_rng([self.seed, 62, epoch, int(index)]))
        return out

    def _window(self, person: int, start: int, *, kind: float, which: float) -> dict:
        one = self.people[person]
        part = slice(start, start + FRAMES)
        flow = np.full((FRAMES, *one["flow"].shape[1:]), np.nan, np.float16)
        if kind < TWIN:
            reference, flow = one["calm"][part], one["flow"][part]
        elif kind < TWIN + OTHER_MOMENT:
            reference, flow = one["calm"][one["other"][part]], one["other_flow"][part]
        else:
            others = np.flatnonzero(one["emotion"] != one["emotion"][start])
            first = int(others[int(which * len(others))]) if len(others) else start
            reference = one["target"][np.minimum(first + np.arange(FRAMES), len(one["target"]) - 1)]
        pictures = {name: np.ascontiguousarray(x.transpose(0, 3, 1, 2))
                    for name, x in (("frames", one["target"][part]), ("reference", reference))}
        return pictures | {"flow": flow.astype(np.float32), "mels": one["mels"][part].astype(np.float32),
                           "intensity": one["intensity"][part], "emotion": np.int64(one["emotion"][start])}

    def _heard(self, person: int, start: int, *, worse: bool) -> np.ndarray:
        """Features of a window, (FRAMES, HEARD, 768), of its take alone."""
        one = self.people[person]
        first, stop = np.searchsorted(one["take"], one["take"][start] + np.arange(2))
        return ears.windows(one["worse" if worse else "heard"][first:stop], start - first + np.arange(FRAMES), HEARD)

    def _change(self, out: dict, epoch: int, indices: np.ndarray, draw: list) -> None:
        """Colours, a mirror, other surroundings, in place; alike for a window and its reference."""
        for b in np.flatnonzero(draw[2] < TINTED):
            colour = np.array([draw[k][b] for k in (3, 4, 5)], np.float32)[:, None, None] * 255
            share = self.around * np.float32(TINT * draw[6][b])
            for name in ("frames", "reference"):
                out[name][b] = np.rint(out[name][b] + share * (colour - out[name][b])).astype(np.uint8)
        assert self.augment is not None                     # asked before this is called
        draws = self.augment.draw(self.seed, epoch, indices)
        self.augment.frames(out["frames"], draws, 0)
        self.augment.frames(out["reference"], draws, 1)
        turned = np.flatnonzero(draws["flip"])
        out["flow"][turned] = out["flow"][turned][:, :, :, ::-1] * np.array([-1, 1], np.float32)


def _starts(take: np.ndarray) -> np.ndarray:
    """First frames of windows that lie in one take."""
    n = len(take) - FRAMES + 1
    return np.flatnonzero(take[:n] == take[FRAMES - 1:]) if n > 0 else np.zeros(0, np.int64)
