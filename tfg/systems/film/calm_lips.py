"""Lips at rest, laid into each frame of a film before the network sees it.

The network copies what it can, so the jaw of the film itself would shine through: lips that open while the new sound is
silent. Here the lower face of every frame is replaced by that of a frame of the same shot whose lips are closed and
whose head is turned alike, moved to where the head is now by points that speech does not move. All else stays the
frame's own: pose, light, eyes, blinks. So a network is asked what it learned: how lips at rest move to a sound.

    calm = CalmLips()
    places = track.find(frames, ..., watch=calm.watch)
    calm.settle(places.cuts)
    Painter(..., source=calm.source, face=calm.face)
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tfg.compose import grain
from tfg.compose.features import INNER_LIPS, LIDS, SKULL, Features, assemble, irises
from tfg.faces import align
from tfg.faces.geometry import lip_gap
from tfg.faces.points68 import to_68
from tfg.head.openings import CHEEKS, light_on_cheeks

JAW = (58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288)
MOUTH = (61, 291, 0)
"""The lower outline of the face; corners and top of the mouth."""
KEPT = SKULL + JAW + MOUTH
"""Eyes, nose and cheekbones carry the lower face along; its outlines say what is laid in."""
LAID_IN = [*range(4, 13), *range(48, 68)]
"""Of the classic landmarks those that come with what is laid in: the chin and the lips."""
BIN_DEG = 8.0
"""One calm frame is kept for so many degrees of turning and nodding."""
CLOSED = .02
"""Gap between the inner lips, in eye distances, below which lips are at rest."""
KEEP_BYTES = 256 << 20
POINTS_SIGMA, CHANGE_SIGMA = 1.0, 2.5
"""Frames: smoothing of the points in time, and how slowly one calm frame gives way to another."""


@dataclass
class Key:
    """A calm frame.  t: its number.  gap: of its lips.  pose: (3,) degrees.  points: (K, 2) px of `pixels`, which is
    cut out around the face.  lips: (2, 11, 2) px of these, the lips' inner edges.  marks: (68, 2) px of these."""

    t: int
    gap: float
    pose: np.ndarray
    points: np.ndarray
    pixels: np.ndarray
    lips: np.ndarray
    marks: np.ndarray


class CalmLips:
    """Looks for calm frames while the face is followed, then lays them in.  See the module."""

    def __init__(self):
        self.keys: dict[tuple, Key] = {}
        self.points: list[np.ndarray] = []
        self.poses: list[np.ndarray] = []
        self.lips: list[np.ndarray] = []                      # (2, 11, 2) px each
        self.irises: list[np.ndarray] = []                    # (2, 3) each
        self.light: list[np.ndarray] = []                     # (3,) each, of a white surface
        self.lids: list[np.ndarray] = []                      # (2, 2, 9, 2) px each
        self.marks: list[np.ndarray] = []                     # (68, 2) px each
        self.shot, self.bytes = 0, 0
        self.weights = np.zeros((0, 0), np.float32)
        self.chosen: list[Key] = []

    def watch(self, frame: np.ndarray, seen, fresh: bool) -> None:
        """See the next frame.  seen: its `tfg.faces.landmarks.Face`, or None.  fresh: whether a shot may begin."""
        self.shot += bool(fresh)
        if seen is None:
            self.points.append(np.full((len(KEPT), 2), np.nan, np.float32))
            self.poses.append(np.full(3, np.nan))
            self.lips.append(np.full((2, 11, 2), np.nan))
            self.irises.append(np.full((2, 3), np.nan))
            self.light.append(np.full(3, np.nan))
            self.lids.append(np.full((2, 2, 9, 2), np.nan))
            self.marks.append(np.full((68, 2), np.nan, np.float32))
            return
        self.points.append(seen.points[list(KEPT), :2].astype(np.float32))
        self.poses.append(np.asarray(seen.pose[:3], float))
        self.lips.append(seen.points[np.array(INNER_LIPS), :2].astype(float))
        self.irises.append(irises(seen.points[:, :2]))
        self.light.append(light_on_cheeks(frame, seen.points[list(CHEEKS), :2]))
        self.lids.append(seen.points[np.array(LIDS), :2].astype(float))
        self.marks.append(to_68(seen.points))
        gap, turned = float(lip_gap(seen.points)), tuple(np.round(self.poses[-1][:2] / BIN_DEG).astype(int))
        kept = self.keys.get((self.shot, *turned))
        if kept is not None and gap > .8 * kept.gap:
            return
        low, high = seen.points[:, :2].min(0), seen.points[:, :2].max(0)
        reach = .35 * (high - low).max()
        x0, y0 = np.maximum(np.floor(low - reach), 0).astype(int)
        x1, y1 = np.ceil(high + reach).astype(int)
        pixels = frame[y0:y1, x0:x1]
        if kept is None and self.bytes + pixels.nbytes > KEEP_BYTES:
            return
        self.bytes += pixels.nbytes - (kept.pixels.nbytes if kept is not None else 0)
        self.keys[self.shot, *turned] = Key(len(self.poses) - 1, gap, self.poses[-1], self.points[-1] - [x0, y0],
                                            pixels.copy(), self.lips[-1] - [x0, y0], self.marks[-1] - [x0, y0])

    def settle(self, cuts: tuple[int, ...]) -> CalmLips | None:
        """Choose for each frame; called when all frames are seen.  cuts: first frames of new shots.  Returns itself, or
        None where nothing can be laid in: a picture, or a film of one frame."""
        from scipy.ndimage import gaussian_filter1d

        n = len(self.poses)
        if n < 2 or not self.keys:
            return None
        self.chosen = sorted(self.keys.values(), key=lambda key: key.t)
        points, poses, lips, light = (np.array(x) for x in (self.points, self.poses, self.lips, self.light))
        self.weights = np.zeros((n, len(self.chosen)), np.float32)
        for a, b in zip((0, *cuts), (*cuts, n)):
            ok = np.isfinite(poses[a:b, 0])
            of_shot = [k for k, key in enumerate(self.chosen) if a <= key.t < b]
            if not of_shot or not ok.any():
                continue
            filled = _filled(points[a:b].reshape(b - a, -1), ok)
            lips[a:b] = _filled(lips[a:b].reshape(b - a, -1), ok).reshape(b - a, 2, 11, 2)
            light[a:b] = np.nanmedian(light[a:b], 0)
            points[a:b] = gaussian_filter1d(filled, POINTS_SIGMA, axis=0, mode="nearest").reshape(points[a:b].shape)
            turned = _filled(poses[a:b], ok)
            away = np.stack([np.linalg.norm(turned - self.chosen[k].pose, axis=1) / BIN_DEG
                             + max(0.0, self.chosen[k].gap - CLOSED) / CLOSED for k in of_shot], 1)
            share = np.exp(-8 * (away - away.min(1, keepdims=True)))
            share = gaussian_filter1d(share / share.sum(1, keepdims=True), CHANGE_SIGMA, axis=0, mode="nearest")
            self.weights[a:b, of_shot] = share
        self.points, self.lips, self.light = list(points), list(lips), list(light)
        return self

    def face(self, index: int, place) -> Features | None:
        """Of what `source` returns, in the same rectangle; None in a frame without a face."""
        if index >= len(self.points) or not np.isfinite(self.points[index]).all():
            return None
        skull, lips, marks = self.points[index][:len(SKULL)], self.lips[index], self.marks[index]
        best = self._best(index)
        if best:
            total = sum(share for _, share in best)
            carried = [align.transform(np.concatenate([key.lips.reshape(-1, 2), key.marks[LAID_IN]]),
                                       affine(key.points[:len(SKULL)], skull)) for key, _ in best]
            laid = np.average(carried, 0, [share / total for _, share in best])
            lips, marks = laid[:lips.size // 2].reshape(lips.shape), marks.copy()
            marks[LAID_IN] = laid[lips.size // 2:]
        face = assemble(skull, lips, self.irises[index], self.light[index], self.lids[index], marks)
        return face.shifted([place.columns.start, place.rows.start])

    def _best(self, index: int) -> list[tuple[Key, np.float32]]:
        """The calm frames that are laid into a frame, two at most, and their shares; none where there are none."""
        share = self.weights[index] if index < len(self.weights) else np.zeros(0, np.float32)
        return [(self.chosen[k], share[k]) for k in np.argsort(share)[:-3:-1] if share[k] > .2]

    def source(self, frame: np.ndarray, index: int, place) -> np.ndarray:
        """The frame with lips at rest, (H, W, 3) uint8 in the rectangle of a `tfg.compose.place.Place`."""
        import cv2

        part = np.ascontiguousarray(frame[place.rows, place.columns])
        best = self._best(index)
        if not best:
            return part.copy()
        here = self.points[index] - [place.columns.start, place.rows.start]
        moved = [(affine(key.points[:len(SKULL)], here[:len(SKULL)]), key, share) for key, share in best]
        outlines = [here, *(align.transform(key.points, matrix) for matrix, key, _ in moved)]
        mask, box = lower_face(outlines, part.shape[:2])
        if mask is None:
            return part.copy()
        old = part[box].astype(np.float32)
        patch = np.zeros_like(old)
        for matrix, key, weight in moved:
            new = cv2.warpAffine(key.pixels, matrix - [[0, 0, box[1].start], [0, 0, box[0].start]], mask.shape[::-1],
                                 flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
            patch = patch + np.float32(weight / sum(w for *_, w in moved)) * new
        patch = grain.restored(patch, old, mask > .5)
        edge = (mask > .1) & (mask < .9)
        if edge.any():
            patch += (old[edge] - patch[edge]).mean(0)
        out = part.copy()
        out[box] = np.clip(np.rint(old + mask[..., None] * (patch - old)), 0, 255)
        return out


def affine(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(2, 3): the affine transform that takes points (K, 2) closest to others."""
    ones = np.column_stack([source, np.ones(len(source))])
    return np.linalg.lstsq(ones, target, rcond=None)[0].T


def lower_face(outlines: list[np.ndarray], shape: tuple[int, int]) -> tuple:
    """The lower face, from under the nose to under the chin: (h, w) float32, soft at its edge, and the rectangle of a
    picture of that shape in which it lies; None and None where it lies outside.

    outlines: points `KEPT` px, of the frame itself and of what is laid into it: both chins are covered.
    """
    import cv2

    corners: list[np.ndarray] = []
    for points in outlines:
        jaw, mouth = points[len(SKULL):-len(MOUTH)], points[-len(MOUTH):]
        nose, cheeks = points[SKULL.index(2)], points[[SKULL.index(50), SKULL.index(280)]]
        middle = mouth[:2].mean(0)
        corners += [middle + 1.07 * (jaw - middle), .45 * cheeks + .55 * mouth[:2], (.8 * nose + .2 * mouth[2])[None]]
    hull = np.concatenate(corners)
    width = float(np.ptp(hull[:, 0]))
    reach = .09 * width                                                        # three deviations of the soft edge
    low = np.clip(np.floor(hull.min(0) - reach).astype(int), 0, shape[::-1])
    high = np.clip(np.ceil(hull.max(0) + reach).astype(int) + 1, 0, shape[::-1])
    if (high <= low).any():
        return None, None
    step = max(1, int(width // 80))
    size = (high - low + step - 1) // step
    small = np.zeros(size[::-1], np.float32)
    cv2.fillConvexPoly(small, cv2.convexHull(np.rint(16 * (hull - low) / step).astype(np.int32)), 1.0, shift=4)
    small = cv2.GaussianBlur(small, (0, 0), .03 * width / step, borderType=cv2.BORDER_REPLICATE)
    mask = cv2.resize(small, tuple(int(v) for v in size * step))[:high[1] - low[1], :high[0] - low[0]]
    return np.ascontiguousarray(mask), (slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0])))


def _filled(x: np.ndarray, ok: np.ndarray) -> np.ndarray:
    """(n, c) with the rows that are not ok interpolated in time."""
    at = np.flatnonzero(ok)
    return np.stack([np.interp(np.arange(len(x)), at, column[at]) for column in x.T], 1)
