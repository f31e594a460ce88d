"""What is known of the person in a source: shots, the face at rest, its pose in each frame, the 3D head."""
from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tfg.errors import InputError
from tfg.faces.smooth import fill_gaps
from tfg.systems.rhythmic.options import MOST_SHOTS, SHOTS
from tfg.systems.rhythmic.pose import Rigid, canonical, fit, of_478
from tfg.systems.rhythmic.render import Head3D

UPPER, LOWER = 62, 66
"""Middles of the inner lips."""
UPPERS, LOWERS = [*range(49, 54), *range(61, 64)], [*range(55, 60), *range(65, 68)]
"""Points of the upper and of the lower lip, without the corners."""
UPPER_SHARE = .35
"""Of a gap that is closed, what the upper lip does."""
CHIN, CHIN_FOLLOWS = [5, 6, 7, 8, 9, 10, 11], np.array([.2, .5, .8, .9, .8, .5, .2])
"""Points of the outline that go with the lower lip, and how far."""
CALM = .1
"""Share of a film's frames, those with the smallest gap between the lips, whose mean is the face at rest."""
POSE_SIGMA, FACE_SIGMA = 1.5, .7
"""Frames: smoothing of a film's poses and faces in time; landmarks tremble."""


class Shot(NamedTuple):
    """A frame that the network looks at.  number: its number in the source.  frame: (H, W, 3) uint8.  points:
    (478, 3) px.  expression: (52,) as measured.  aside: how far it looks aside, |yaw| + |pitch|, degrees."""

    number: int
    frame: np.ndarray
    points: np.ndarray
    expression: np.ndarray
    aside: float

    @property
    def gap(self) -> float:
        """How far the lips are open, of the face's size."""
        points = of_478(self.points)
        return float((points[LOWER, 1] - points[UPPER, 1]) / np.ptp(points[:, 1]))


BEST = {"front": lambda shot: -shot.aside, "mouth": lambda shot: shot.gap}
"""What the largest value of is kept: the frame that looks most nearly ahead, the widest open mouth."""


def spread(n: int, many: int) -> np.ndarray:
    """Up to `many` of the numbers 0 .. n - 1, evenly spread, the first and the last among them."""
    return np.unique(np.linspace(0, n - 1, min(many, n)).astype(int))


class Watch:
    """Looks on while a face is followed (`tfg.systems.film.stage.set_up`), and keeps what a `Person` is made of.

    wanted: numbers of frames to keep; () keeps about `many`, spread evenly over whatever comes, and the frames that
    look most nearly ahead and whose mouth is open most widely.
    """

    def __init__(self, wanted: tuple[int, ...] = (), many: int = SHOTS):
        self.wanted, self.many = wanted, many
        self.points: list[np.ndarray] = []                                # (68, 3) each, NaN without a face
        self.shots: dict[int, Shot] = {}
        self.best: dict[str, Shot] = {}
        self.step = 1

    def watch(self, frame: np.ndarray, face, fresh: bool = False) -> None:
        """frame: (H, W, 3) uint8.  face: `tfg.faces.landmarks.Face`, or None where there is none."""
        index = len(self.points)
        if face is None:
            self.points.append(np.full((68, 3), np.nan, np.float32))
            return
        self.points.append(of_478(face.points))
        shot = Shot(index, frame, np.asarray(face.points, np.float32), np.nan_to_num(face.blendshapes),
                    float(np.abs(face.pose[:2]).sum()))
        for name, value in BEST.items():
            if name not in self.best or value(shot) > value(self.best[name]):
                self.best[name] = shot._replace(frame=frame.copy())
        if index in self.wanted if self.wanted else index % self.step == 0:
            self.shots[index] = shot._replace(frame=frame.copy())
        if not self.wanted and len(self.shots) > 2 * self.many:
            self.step *= 2
            self.shots = {k: s for k, s in self.shots.items() if k % self.step == 0}

    def keep(self, drawn: np.ndarray) -> None:
        """Forget faces that are not drawn: profiles, and what was taken for a face by mistake.  drawn: (n,) bool.

        Raises InputError: none is left.
        """
        for k in np.flatnonzero(~np.asarray(drawn[:len(self.points)], bool)):
            self.points[k] = np.full((68, 3), np.nan, np.float32)
            self.shots.pop(int(k), None)
        lost = [name for name, shot in self.best.items() if not drawn[shot.number]]
        left = [self.shots[k] for k in sorted(self.shots)]
        if lost and not left:
            raise InputError("the source shows no face that can be drawn; give one that is seen more from the front.")
        for name in lost:
            self.best[name] = max(left, key=BEST[name])


@dataclass
class Person:
    """shots: 1 to 32, the first is copied from where a single one is asked for.  rest: (68, 3) cm, canonical points
    with the lips at rest.  rigid: the pose in each of the frames that were seen.  face: (frames, 68, 3) cm, canonical
    points in each.  head: of the most frontal frame.  n: frames of the source; those after them are further pictures of
    the person.  cuts: first frames of new scenes of the source."""

    shots: list[Shot]
    rest: np.ndarray
    rigid: Rigid
    face: np.ndarray
    head: Head3D
    n: int
    cuts: tuple[int, ...] = ()

    @property
    def scenes(self) -> list[np.ndarray]:
        """Numbers of the source's frames, scene by scene."""
        return np.split(np.arange(self.n), list(self.cuts))

    def scene_of(self, numbers) -> np.ndarray:
        """Numbers of the scenes of frames; of further pictures -1, for they belong to each."""
        numbers = np.asarray(numbers)
        return np.where(numbers < self.n, np.searchsorted(self.cuts, numbers, side="right"), -1)

    @classmethod
    def of(cls, watched: Watch, *, cuts: tuple[int, ...] = (), largest_mouth: bool = False, n: int | None = None
           ) -> Person:
        """cuts: first frames of new shots of the film; nothing is smoothed across them.  n: frames of the source, if
        not all that were seen.

        Raises InputError: a frame that is asked for has no face, or is not there.
        """
        shots = _chosen(watched, largest_mouth)
        points = np.stack(watched.points)
        seen = np.isfinite(points[:, 0, 0])
        n = n or len(points)
        edges = [0, *cuts, *range(n, len(points) + 1)]
        rigid = _smooth(fit(points), edges)
        face = canonical(fill_gaps(points), rigid)
        rest = resting(face[seen])
        face = _calm(face, FACE_SIGMA, edges)
        front = watched.best["front"]
        head = Head3D.of(front.frame, front.points, front.expression)
        return cls(shots, shut(rest), rigid, face, head, n, cuts)


def resting(face: np.ndarray) -> np.ndarray:
    """The face at rest, (68, 3) cm: the mean of those frames (n, 68, 3) whose lips are least apart."""
    gap = face[:, LOWER, 1] - face[:, UPPER, 1]
    return face[np.argsort(gap, kind="stable")[:max(1, round(CALM * len(gap)))]].mean(0)


def shut(face: np.ndarray) -> np.ndarray:
    """A face with its lips together: (68, 3) cm, canonical.  What a voice says is added to a mouth at rest, and a photo
    that laughs, or a film in which nobody is silent, never shows it."""
    out = face.copy()
    inner = [60, 61, 62, 63, 64]
    gap = np.array([0, *(face[b, 1] - face[a, 1] for a, b in ((61, 67), (62, 66), (63, 65))), 0])
    order = np.argsort(face[inner, 0])

    def at(points: list[int]) -> np.ndarray:
        return np.interp(face[points, 0], face[inner, 0][order], np.maximum(gap, 0)[order])

    out[UPPERS, 1] += UPPER_SHARE * at(UPPERS)
    out[LOWERS, 1] -= (1 - UPPER_SHARE) * at(LOWERS)
    out[CHIN, 1] -= (1 - UPPER_SHARE) * max(gap[2], 0) * CHIN_FOLLOWS
    return out


def _chosen(watched: Watch, largest_mouth: bool) -> list[Shot]:
    if watched.wanted:
        missing = [k for k in watched.wanted if k not in watched.shots]
        if missing:
            raise InputError(f"ref_img_id asks for frame {missing[0]}, but of the {len(watched.points)} frames that "
                             "the sound needs that one is not there or shows no face; choose another.")
        shots = [watched.shots[k] for k in watched.wanted]
    else:
        every = [watched.shots[k] for k in sorted(watched.shots)] or [watched.best["front"]]
        shots = [every[k] for k in spread(len(every), watched.many)]
    widest = watched.best["mouth"]
    if largest_mouth and widest.number not in [s.number for s in shots]:
        shots = [*shots[:MOST_SHOTS - 1], widest]
    return shots


def _smooth(rigid: Rigid, edges: list[int]) -> Rigid:
    """Poses of a film without trembling; frames without a face get what lies between their neighbours.

    edges: first frames of its shots, and its length.
    """
    n = len(rigid.scale)
    parts = fill_gaps(np.concatenate([rigid.rotation.reshape(n, 9), np.log(rigid.scale)[:, None], rigid.shift], 1))
    parts = _calm(parts, POSE_SIGMA, edges)
    u, _, vt = np.linalg.svd(parts[:, :9].reshape(n, 3, 3))               # the nearest rotation
    return Rigid(u @ vt, np.exp(parts[:, 9]), parts[:, 10:])


def _calm(values: np.ndarray, sigma: float, edges: list[int]) -> np.ndarray:
    """Values (n, ...) smoothed in time, each shot by itself."""
    from scipy.ndimage import gaussian_filter1d

    return np.concatenate([gaussian_filter1d(values[a:b], sigma, axis=0, mode="nearest")
                           for a, b in zip(edges, edges[1:])])
