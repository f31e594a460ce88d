"""What the generator learns from, as batches: scenes that actors played.

Batches of B examples of K shots and T frames hold

    shots (B, K, 3, S, S), shot_sketches (B, K, 3, S, S) uint8
    shot_points (B, K, P, 2) float32  landmarks and points of the skull, half sides of the crop
    frames, sketches (B, T, 3, S, S) uint8, points (B, T, P, 2)
    ref (B,) int64                    number of the shot that is copied from, the same for all frames
    flow (B, T, F, F, 2) float32      from each frame into that shot, half sides; NaN where it is not known
    ani (B, T, 4, S, S) uint8, ani_points (B, T, P, 2)       the render
"""
from __future__ import annotations

import numpy as np

from tfg.actors import examples
from tfg.corpora import seeded
from tfg.corpora.augment import Augment
from tfg.errors import InputError
from tfg.faces.points68 import half_sides
from tfg.systems.rhythmic import pose, scenes, sketch

_STREAM = 1500


def read(folder, split: str, size: int) -> dict[str, dict[str, np.ndarray]]:
    """The arrays of each person of a split (train, val or test) of a folder that `scenes.make` or `films.make` wrote;
    people whose file is not there yet are left out.

    Raises InputError: nobody of that split, pictures of another size than `size`, px.
    """
    return examples.read(scenes.KIND, folder, split, size)


class Turns:
    """Scenes of some people.

    people: their arrays by name, as `read` reads them.  size: side S of their crops, px.
    n_shot: K; of more shots that a scene has, others are taken in each epoch.  n_frames: T.  worst_p: share of examples
    whose reference is the shot with the most different pose (`pose.WORST_P` in training); of the others it is the one
    with the closest.  augment: colours and light, None for none.
    Raises InputError: fewer shots or frames than asked for.
    """

    def __init__(self, people: dict[str, dict[str, np.ndarray]], size: int, *, n_shot: int = 4, n_frames: int = 1,
                 worst_p: float = 0.0, augment: Augment | None = None, seed: int = 0):
        self.size, self.seed, self.augment, self.worst_p = size, seed, augment, worst_p
        self.actors, parts = list(people), list(people.values())
        self.arrays = {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}
        self.n_shot, self.n_frames = n_shot, n_frames
        for asked, there, what in ((n_shot, self.arrays["shots"].shape[1], "shots"),
                                   (n_frames, self.arrays["frames"].shape[1], "frames")):
            if not 1 <= asked <= there:
                raise InputError(f"the scenes have {there} {what}, and {asked} are asked for; make the scenes again "
                                 "with more, or ask for fewer.")
        self.rigid = {name: pose.fit(self.arrays[name]) for name in ("points", "shot_points")}

    def __len__(self) -> int:
        return len(self.arrays["shots"])

    def batch(self, epoch: int, indices) -> dict[str, np.ndarray]:
        """Scenes of these indices; a function of (seed, epoch, index)."""
        i, x = np.asarray(indices, np.int64).reshape(-1), self.arrays
        N, K, S = x["frames"].shape[1], x["shots"].shape[1], self.size
        first = seeded.whole(self.seed, epoch, _STREAM, i, N - self.n_frames + 1)
        at = first[:, None] + np.arange(self.n_frames)                                    # (B, T)
        order = np.argsort(np.stack([seeded.uniform(self.seed, epoch, _STREAM + 10 + k, i) for k in range(K)], 1), 1)
        which = order[:, :self.n_shot]                                                    # (B, K)
        worst = seeded.uniform(self.seed, epoch, _STREAM + 1, i) < self.worst_p
        here, there = self.rigid["points"], self.rigid["shot_points"]
        ref = np.array([pose.choose(here.at(b, t[0]), there.at(b, w), worst=bool(bad))
                        for b, t, w, bad in zip(i, at, which, worst)])
        row = i[:, None]
        pictures = np.concatenate([x["shots"][row, which], x["frames"][row, at], x["render"][row, at][..., :3]], 1)
        pictures = np.ascontiguousarray(pictures.transpose(0, 1, 4, 2, 3))
        if self.augment is not None:
            draws = self.augment.draw(self.seed, epoch, i)
            draws["flip"] = np.zeros(len(i), bool)                        # landmarks and flow are not mirrored
            self.augment.frames(pictures, draws, 0)
        mask = x["render"][row, at][..., 3][:, :, None]
        shots, frames, ani = np.split(pictures, [self.n_shot, self.n_shot + self.n_frames], 1)
        points = {name: pose.with_skull(x[f"{name}points"][row, w], self.rigid[of].at(row, w)) for name, w, of in
                  (("", at, "points"), ("shot_", which, "shot_points"), ("render_", at, "points"))}
        return {"shots": shots, "frames": frames, "ani": np.concatenate([ani * (mask > 127), mask], 2), "ref": ref,
                "shot_sketches": sketch.many(points["shot_"], S), "sketches": sketch.many(points[""], S),
                "shot_points": half_sides(points["shot_"], S), "points": half_sides(points[""], S),
                "ani_points": half_sides(points["render_"], S),
                "flow": x["flow"][row, at, which[np.arange(len(i)), ref][:, None]].astype(np.float32)}
