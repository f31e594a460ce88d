"""Pairs of pictures as batches, in both directions."""
from __future__ import annotations

from copy import copy

import numpy as np
import torch

from tfg.actors import examples
from tfg.corpora import seeded
from tfg.corpora.augment import Augment
from tfg.faces import mirror
from tfg.faces.aus import AUS, MOST
from tfg.faces.points68 import half_sides
from tfg.networks.anchored import onto_mean
from tfg.systems.ietafs.gan.edits import KIND

_STREAM = 900


class Pairs:
    """Examples of one split of a folder of edits.

    folder: as `edits.make` wrote it; people whose file is not there yet are left out.  split: train, val or test.
    augment: None for none.  Batches hold source, target (B, 3, S, S) uint8; aus_source, aus (B, 17) in 0..1; flow
    (B, F, F, 2), where in the source each place of the target lies, and back (the other way round); points_source and
    points (B, 68, 2) half sides, the landmarks of both; mel (B, 80, 16) and
    spoken (B,) bool, whether the target's mouth says it; actor (B,), its number.
    Raises InputError: nobody of that split, pictures of another size than the network's.
    """

    def __init__(self, folder, split: str, size: int, *, augment: Augment | None = None, seed: int = 0):
        people = examples.read(KIND, folder, split, size)
        self.size, self.seed, self.augment = size, seed, augment
        self.actors, parts = list(people), list(people.values())
        self.actor = np.repeat(np.arange(len(parts)), [len(p["a"]) for p in parts])
        self.arrays = {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}

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
               "back": side("a_in_b", "b_in_a"), "mel": x["mels"][which],
               "points_source": side("points_a", "points_b"), "points": side("points_b", "points_a")}
        out = {name: np.clip(value.astype(np.float32), 0, MOST) / MOST if name.startswith("aus")
               else value.astype(np.float32) for name, value in out.items()}
        if self.augment is not None:
            draws = self.augment.draw(self.seed, epoch, indices)
            self.augment.frames(both, draws, 0)
            turned = np.flatnonzero(draws["flip"])
            for name in ("flow", "back"):
                out[name][turned] = out[name][turned][:, :, ::-1] * np.array([-1, 1], np.float32)
            for name in ("points_source", "points"):
                out[name][turned] = mirror.points(out[name][turned], self.size)
        out |= {name: half_sides(out[name], self.size) for name in ("points_source", "points")}
        return out | {"source": both[:, 0], "target": both[:, 1], "spoken": x["spoken"][which] & ~back,
                      "actor": self.actor[which], "chance": _chance(self.seed, epoch, indices)}


def _chance(seed: int, epoch: int, indices: np.ndarray) -> np.ndarray:
    """(B, 17) in [-1, 1): how targets without a partner differ from those of the data."""
    return np.stack([2 * seeded.uniform(seed, epoch, _STREAM + k, indices) - 1 for k in range(len(AUS))],
                    1).astype(np.float32)



def mean_points(pairs: Pairs) -> np.ndarray:
    """(68, 2) float32 half sides: the mean of all landmarks and their mirror images."""
    every = np.concatenate([pairs.arrays["points_a"], pairs.arrays["points_b"]]).mean(0)
    return half_sides((every + mirror.points(every, pairs.size)) / 2, pairs.size)


def common_fields(pairs: Pairs, mean: np.ndarray | None = None, *, most: int = 6000, ridge: float = 1.0, seed: int = 0
                  ) -> np.ndarray:
    """(17, 2, F, F) float32: how far, in half sides of the crop, each unit moves each place of a face at full strength.

    Ridge regression of the true flows on the change of units, over `most` examples at random and their mirror images.
    Where a place of a target shows nowhere in its source, it counts as unmoved.  mean: (68, 2) of `mean_points`; flows
    are brought onto the face with these landmarks first. None: places are those of the crops.
    """
    chosen = np.sort(np.random.default_rng(seed).permutation(len(pairs))[:most])
    plain = copy(pairs)
    plain.augment = None
    squares, products = np.float64(ridge) * np.eye(len(AUS)), 0.0
    for part in np.array_split(chosen, max(1, len(chosen) // 500)):
        batch = plain.batch(0, part)
        change, flow = batch["aus"] - batch["aus_source"], np.nan_to_num(batch["flow"])     # (n, 17), (n, F, F, 2)
        if mean is not None:
            on = onto_mean(*(torch.from_numpy(x) for x in (flow.transpose(0, 3, 1, 2), mean, batch["points_source"])))
            flow = on.permute(0, 2, 3, 1).numpy()
        both = flow + flow[:, :, ::-1] * np.array([-1, 1], np.float32)
        squares = squares + 2 * change.T @ change
        products = products + change.T @ both.reshape(len(part), -1)
    fields = np.linalg.solve(squares, products).reshape(len(AUS), *flow.shape[1:])                # (17, F, F, 2)
    return fields.transpose(0, 3, 1, 2).astype(np.float32)
