"""Framing of a photo for animation: a crop, the whole picture made small, or the whole with the face pasted back."""
from __future__ import annotations

import warnings

import numpy as np

from tfg.errors import InputError
from tfg.media.encode import SHOWN_BLOCKS, n_blocks
from tfg.media.image import resized

CROP = 2.05                 # side of the crop, in face heights
MARGIN = 0.25               # share of the crop's side that is kept around it: moving hair uncovers real background
FULL_MAX_PX = 1280          # longest side of the region that `full` draws; larger ones are shrunk to it
LARGE = 4_000_000           # photos with more pixels are cut to the head's part before they are processed
NEAR = (0.45, 0.45, 0.45, 0.15)
"""Smallest distances, in face heights, of the face's landmarks from the photo's left, top, right and bottom edge. If
one is smaller, the photo cuts the head off there (hair, ears, chin), and the picture is continued beyond that edge."""


def frame(image, points, size, preprocess):
    """Choose the part of a photo that becomes the texture, and the window of it that is the output.

    image: (H, W, 3) uint8.  points: (478, 3) px.  size, preprocess: as in `Portrait.from_image`.
    Returns texture (h, w, 3); window (x, y, w, h) in it; points in px of the texture; the numbers of the texture's
    columns and rows beyond the photo's left, top, right and bottom edge; and for `full` the place to paste back,
    (photo, x, y, w, h), else None.  A UserWarning is given if `full` shrinks the photo.  Raises InputError for an
    unknown preprocess.
    """
    paste = None
    if preprocess == "crop":
        texture, window, points, ends = _crop(image, points, size)
    elif preprocess == "resize":
        texture, window, points, ends = _whole(image, points, size)
    elif preprocess == "full":
        texture, window, points, ends, paste = _region(*_showable(image, points))
    else:
        raise InputError(f"Unknown preprocess {preprocess!r}; it is one of crop, resize, full.")
    return (*_continued(texture, window, points, ends), paste)


def _face(points):
    """Height of the face's landmarks, and the middle (2,) of a picture that shows the head, in px."""
    low, high = points[:, :2].min(0), points[:, :2].max(0)
    tall = max(high - low)
    return tall, (low + high) / 2 - [0, 0.06 * CROP * tall]


def _whole(image, points, size):
    """Shrink or enlarge the whole photo so that its longer side is `size` px."""
    height, width = image.shape[:2]
    scale = size / max(height, width)
    scale_xy = (max(2, 2 * round(width * scale / 2)), max(2, 2 * round(height * scale / 2)))
    ratio = np.array([scale_xy[0] / width, scale_xy[1] / height])
    return resized(image, *scale_xy), (0, 0, *scale_xy), _scale_points(points, ratio, np.zeros(2)), [True] * 4


def _showable(image, points):
    """Return the photo, shrunk to the largest film that players show, and the points in it."""
    height, width = image.shape[:2]
    if n_blocks(height, width) <= SHOWN_BLOCKS:
        return image, points
    scale = np.sqrt(256 * SHOWN_BLOCKS / (height * width))
    while n_blocks(round(height * scale), round(width * scale)) > SHOWN_BLOCKS:
        scale *= 0.999
    size_xy = round(width * scale), round(height * scale)
    warnings.warn(f"the photo is {width} x {height} pixels, more than players show of a film; it is made "
                  f"{size_xy[0]} x {size_xy[1]}", UserWarning, stacklevel=4)
    ratio = np.array(size_xy) / [width, height]
    return resized(image, *size_xy), _scale_points(points, ratio, np.zeros(2))


def _region(image, points):
    """Cut out the head and the surroundings that its motion reaches, at the photo's own size, to paste it back."""
    height, width = image.shape[:2]
    tall, (cx, cy) = _face(points)
    side = 1.25 * CROP * tall
    x0, y0 = int(max(cx - side / 2, 0)), int(max(cy - side / 2, 0))
    x1, y1 = int(min(cx + side / 2, width)), int(min(cy + side / 2, height))
    region = np.ascontiguousarray(image[y0:y1, x0:x1])
    ratio = min(1.0, FULL_MAX_PX / max(region.shape[:2]))
    texture = region if ratio == 1 else resized(region, round((x1 - x0) * ratio), round((y1 - y0) * ratio))
    real = np.array(texture.shape[1::-1]) / [x1 - x0, y1 - y0]
    photo = np.ascontiguousarray(image[:height - height % 2, :width - width % 2])
    paste = (photo, x0, y0, min(x1, photo.shape[1]) - x0, min(y1, photo.shape[0]) - y0)
    window = (0, 0, texture.shape[1], texture.shape[0])
    if ratio == 1:
        window = (0, 0, paste[3], paste[4])
    ends = [x0 == 0, y0 == 0, x1 == width, y1 == height]
    return texture, window, _scale_points(points, real, np.array([x0, y0])), ends, paste


def _crop(image, points, size):
    """Cut out the head as a square of `size` px, with a margin."""
    import cv2

    height, width = image.shape[:2]
    tall, (cx, cy) = _face(points)
    size = max(2, 2 * round(size / 2))
    side = min(CROP * tall, height, width)
    cx, cy = np.clip(cx, side / 2, width - side / 2), np.clip(cy, side / 2, height - side / 2)
    ratio = size / side
    room = [max(0, d) for d in ((cx - side / 2) * ratio, (cy - side / 2) * ratio,
            (width - cx - side / 2) * ratio, (height - cy - side / 2) * ratio)]            # left, top, right, bottom
    pad = [int(min(MARGIN * size, d)) for d in room]
    origin = np.array([cx - side / 2, cy - side / 2]) - np.array(pad[:2]) / ratio
    out_size = (size + pad[0] + pad[2], size + pad[1] + pad[3])
    blur = max(0.0, 0.5 / ratio - 0.5) * 0.8
    corner = origin
    if height * width > LARGE:                                # keep only the pixels that the crop and its blur use
        reach = int(4 * blur) + 8
        x0, y0 = (max(0, int(v) - reach) for v in origin)
        x1, y1 = (int(o + n / ratio) + reach for o, n in zip(origin, out_size))
        image, corner = image[y0:y1, x0:x1], origin - [x0, y0]
    image = cv2.GaussianBlur(image, (0, 0), blur) if blur > 0.15 else image
    m = np.array([[ratio, 0, (0.5 - corner[0]) * ratio - 0.5], [0, ratio, (0.5 - corner[1]) * ratio - 0.5]])
    texture = cv2.warpAffine(image, m, out_size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    points = _scale_points(points, np.array([ratio, ratio]), origin)
    return texture, (pad[0], pad[1], size, size), points, [d < MARGIN * size for d in room]


def _continued(texture, window, points, ends):
    """Continue the picture beyond those edges of the photo that cut the head off.

    The outer border of the mesh does not move. If it were the photo's edge, hair that touches the edge would be pressed
    into a dark bar when the head moves up; so the border is put further out, and the hair can leave the picture. The
    strip next to the edge, mirrored back and forth, fills the space between. It hardly becomes visible, for a head that
    moves inwards stretches the photo instead (`tfg.head.mesh.inward`).

    ends: True for each of the texture's left, top, right and bottom edges that is the photo's.  Returns texture,
    window, points, and the numbers of columns and rows that were added at these edges.
    """
    height, width = texture.shape[:2]
    low, high = points[:, :2].min(0), points[:, :2].max(0)
    tall, _ = _face(points)
    gaps = [low[0], low[1], width - 1 - high[0], height - 1 - high[1]]
    inner = [window[0], window[1], width - window[0] - window[2], height - window[1] - window[3]]
    more = [int(max(0, MARGIN * CROP * tall - have)) if end and gap < near * tall else 0
            for end, gap, near, have in zip(ends, gaps, NEAR, inner)]
    if not any(more):
        return texture, window, points, more
    strips = [int(np.clip(0.6 * gap, 0.04 * tall, 0.3 * tall)) + 1 for gap in gaps]
    columns = _mirrored(width, more[0], strips[0], more[2], strips[2])
    rows = _mirrored(height, more[1], strips[1], more[3], strips[3])
    points = points.copy()
    points[:, :2] += more[:2]
    window = (window[0] + more[0], window[1] + more[1], *window[2:])
    return np.ascontiguousarray(texture[np.ix_(rows, columns)]), window, points, more


def _mirrored(n, before, strip_before, after, strip_after):
    """Row numbers (before + n + after,): 0 .. n - 1, surrounded by the strips at both ends, mirrored back and forth."""
    def beyond(many, strip):
        k = np.arange(many) % (2 * strip)
        return np.minimum(k, 2 * strip - 1 - k)

    return np.concatenate([beyond(before, strip_before)[::-1], np.arange(n), n - 1 - beyond(after, strip_after)])




def _scale_points(points, ratio, origin):
    """Move landmarks (N, 3) from px of the photo to px of a picture that starts at origin (2,), scaled by ratio (2,).

    Pixel centres have integer coordinates.
    """
    out = points.copy()
    out[:, :2] = (points[:, :2] + 0.5 - origin) * ratio - 0.5
    out[:, 2] = points[:, 2] * ratio.mean()
    return out
