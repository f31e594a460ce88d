"""Pairs of pictures as batches, in both directions."""
from __future__ import annotations

from pathlib import Path

import numpy as np

from tfg.corpora import seeded
from tfg.corpora.augment import Augment
from tfg.errors import InputError
from tfg.systems.ietafs.gan.edits import read_manifest

FULL = 5.0
"""The largest intensity of an Action Unit; networks are told shares of it."""
_STREAM = 900


class Pairs:
    """Examples of one split of a folder of edits.

    folder: as `edits.make` wrote it; people whose file is not there yet are left out.  split: train, val or test.
    augment: None for none.  Batches hold source, target (B, 3, S, S) uint8; aus_source, aus (B, 17) in 0..1; flow
    (B, F, F, 2), where in the source each place of the target lies, and back (the other way round); mel (B, 80, 16) and
    spoken (B,) bool, whether the target's mouth says it; actor (B,), its number.
    Raises InputError: nobody of that split, pictures of another size than the network's.
    """

    def __init__(self, folder, split: str, size: int, *, augment: Augment | None = None, seed: int = 0):
        manifest = read_manifest(folder)
        files = [Path(folder) / f"{m['name']}.npz" for m in manifest["members"] if m["split"] == split]
        files = [path for path in files if path.is_file()]
        if not files:
            raise InputError(f"{folder} has edits of nobody in the split {split!r}; make more actors.")
        if manifest["size"] != size:
            raise InputError(f"{folder} has pictures of {manifest['size']} px, but the network draws {size} px; make "
                             f"the edits again with --size {size}.")
        self.size, self.seed, self.augment = size, seed, augment
        self.actors = [path.stem for path in files]
        people = [_read(path) for path in files]
        self.actor = np.repeat(np.arange(len(people)), [len(p["a"]) for p in people])
        self.arrays = {name: np.concatenate([p[name] for p in people]) for name in people[0]}

    def __len__(self) -> int:
        return 2 * len(self.actor)

    def batch(self, epoch: int, indices) -> dict[str, np.ndarray]:
        """Pairs of these indices; even ones lead from a to b, odd ones back. A function of (seed, epoch, index)."""
        indices = np.asarray(indices, np.int64).reshape(-1)
        which, back, x = indices // 2, indices % 2 == 1, self.arrays

        def side(first: str, second: str) -> np.ndarray:
            turned = back.reshape(-1, *[1] * (x[first].ndim - 1))
            return np.where(turned, x[second][which], x[first][which])

        source, target = (side(*names).transpose(0, 3, 1, 2) for names in (("a", "b"), ("b", "a")))
        both = np.ascontiguousarray(np.stack([source, target], 1))                                # (B, 2, 3, S, S)
        out = {"aus_source": side("aus_a", "aus_b"), "aus": side("aus_b", "aus_a"), "flow": side("b_in_a", "a_in_b"),
               "back": side("a_in_b", "b_in_a"), "mel": x["mels"][which]}
        out = {name: np.clip(value.astype(np.float32), 0, FULL) / FULL if name.startswith("aus")
               else value.astype(np.float32) for name, value in out.items()}
        if self.augment is not None:
            draws = self.augment.draw(self.seed, epoch, indices)
            self.augment.frames(both, draws, 0)
            turned = np.flatnonzero(draws["flip"])
            for name in ("flow", "back"):
                out[name][turned] = out[name][turned][:, :, ::-1] * np.array([-1, 1], np.float32)
        return out | {"source": both[:, 0], "target": both[:, 1], "spoken": x["spoken"][which] & ~back,
                      "actor": self.actor[which], "chance": _chance(self.seed, epoch, indices)}


def _chance(seed: int, epoch: int, indices: np.ndarray) -> np.ndarray:
    """(B, 17) in [-1, 1): how targets without a partner differ from those of the data."""
    return np.stack([2 * seeded.uniform(seed, epoch, _STREAM + k, indices) - 1 for k in range(17)],
                    1).astype(np.float32)


def _read(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path} cannot be read ({error}); remove it and make the edits again.") from error
