"""Second search for faces, which MediaPipe's detector for selfies misses: with a margin, in tiles, in close-ups.

A `landmarker` here is an open `tfg.faces.landmarks.Landmarker`.
"""
from __future__ import annotations

import numpy as np

MIN_TILE_PX = 120                   # side of the smallest tiles that are searched


def shrink(image: np.ndarray, side: int) -> np.ndarray:
    """Shrink an image (H, W, C) so that its longer side is `side` px; a smaller image is returned as it is."""
    factor = side / max(image.shape[:2])
    if factor >= 1:
        return image
    import cv2
    return cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)


def search(landmarker, image: np.ndarray) -> list:
    """Search with a margin around the picture, then in ever smaller tiles. Returns faces, largest first.

    A face counts only if it is found again in a close-up.  image: (H, W, 3) uint8.
    """
    h, w = image.shape[:2]
    margin = max(h, w) // 3
    found = _confirm(landmarker, image, look_in(landmarker, image, (-margin, -margin, w + 2 * margin, h + 2 * margin)))
    side = max(h, w) // 2
    while not found and side >= MIN_TILE_PX:
        tw, th = min(side, w), min(side, h)
        candidates = [face for y in _starts(h, th) for x in _starts(w, tw)
                      for face in look_in(landmarker, image, (x, y, tw, th))]
        found = _confirm(landmarker, image, candidates)
        side //= 2
    return sorted(found, key=lambda face: -face.size_px)


def _starts(length: int, tile: int) -> np.ndarray:
    """First pixels of tiles that cover `length` and overlap by half."""
    return np.linspace(0, length - tile, 1 + int(np.ceil((length - tile) / (tile / 2)))).astype(int)


def look_in(landmarker, image: np.ndarray, window: tuple, side: int = 640) -> list:
    """Find faces in a window (x, y, width, height px), which may reach beyond the picture; it is grey there.

    side: longest side in px to which the window is shrunk.  Returns faces in pixels of the whole picture.
    """
    h, w = image.shape[:2]
    x, y, ww, wh = window
    x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + ww, w), min(y + wh, h)
    piece = image[y0:y1, x0:x1]
    if (x0, y0, x1, y1) != (x, y, x + ww, y + wh):
        piece = np.pad(piece, ((y0 - y, y + wh - y1), (x0 - x, x + ww - x1), (0, 0)), constant_values=128)
    return landmarker.look(shrink(np.ascontiguousarray(piece), side), window, (h, w))


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union, in [0, 1], of two boxes (x0, y0, x1, y1)."""
    side = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None)
    shared = side.prod()
    return float(shared / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - shared + 1e-9))


def _confirm(landmarker, image: np.ndarray, candidates: list) -> list:
    """Measure each candidate again in a close-up, and keep it if it is found there too; doubles are left out."""
    kept: list = []
    for candidate in sorted(candidates, key=lambda face: -face.size_px):
        if any(_overlap(candidate.box, face.box) > 0.3 for face in kept):
            continue
        centre, side = (candidate.box[:2] + candidate.box[2:]) / 2, 2.2 * (candidate.box[2:] - candidate.box[:2]).max()
        x, y = np.round(centre - side / 2).astype(int)
        again = look_in(landmarker, image, (int(x), int(y), int(side), int(side)))
        again = [face for face in again if _overlap(face.box, candidate.box) > 0.5]
        kept += [face for face in again[:1] if not any(_overlap(face.box, other.box) > 0.3 for other in kept)]
    return kept
