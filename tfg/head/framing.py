"""Which part of a photo is animated: a crop, the whole picture small, or the whole with the face pasted back."""
from __future__ import annotations

import numpy as np

from tfg.errors import InputError

CROP = 2.05                 # side of the crop, in face heights
MARGIN = 0.25               # of the crop's side: pixels kept around it, so that moving hair brings in real background
FULL_MAX_PX = 1280          # side of the region that `full` re-draws; larger ones are brought down to it


def frame(image, points, size, preprocess):
    """Which part of the photo becomes the texture, and which window of it the output.

    image: (H, W, 3) uint8; points: (478, 3) px; size, preprocess: as `Portrait.from_image`.
    Returns texture (h, w, 3), window (x, y, w, h) in it, points in texture pixels, and for `full` where to paste back:
    (photo, x, y, w, h), else None.
    """
    import cv2

    height, width = image.shape[:2]
    low, high = points[:, :2].min(0), points[:, :2].max(0)
    side = CROP * max(high - low)
    cx, cy = (low + high) / 2 - [0, 0.06 * side]
    if preprocess == "resize":
        scale = size / max(height, width)
        scale_xy = (max(2, 2 * round(width * scale / 2)), max(2, 2 * round(height * scale / 2)))
        texture = _resize(image, scale_xy)
        ratio = np.array([scale_xy[0] / width, scale_xy[1] / height])
        return texture, (0, 0, *scale_xy), _scale_points(points, ratio, np.zeros(2)), None
    if preprocess == "full":
        side *= 1.25
        x0, y0 = int(max(cx - side / 2, 0)), int(max(cy - side / 2, 0))
        x1, y1 = int(min(cx + side / 2, width)), int(min(cy + side / 2, height))
        region = np.ascontiguousarray(image[y0:y1, x0:x1])
        ratio = min(1.0, FULL_MAX_PX / max(region.shape[:2]))
        texture = region if ratio == 1 else _resize(region, (round((x1 - x0) * ratio), round((y1 - y0) * ratio)))
        real = np.array(texture.shape[1::-1]) / [x1 - x0, y1 - y0]
        photo = np.ascontiguousarray(image[:height - height % 2, :width - width % 2])
        paste = (photo, x0, y0, min(x1, photo.shape[1]) - x0, min(y1, photo.shape[0]) - y0)
        window = (0, 0, texture.shape[1], texture.shape[0])
        if ratio == 1:
            window = (0, 0, paste[3], paste[4])
        return texture, window, _scale_points(points, real, np.array([x0, y0])), paste
    if preprocess != "crop":
        raise InputError(f"Unknown preprocess {preprocess!r}; it is one of crop, resize, full.")
    size = max(2, 2 * round(size / 2))
    side = min(side, height, width)
    cx, cy = np.clip(cx, side / 2, width - side / 2), np.clip(cy, side / 2, height - side / 2)
    ratio = size / side
    pad = [int(min(MARGIN * size, max(0, d))) for d in ((cx - side / 2) * ratio, (cy - side / 2) * ratio,
           (width - cx - side / 2) * ratio, (height - cy - side / 2) * ratio)]            # left, top, right, bottom
    origin = np.array([cx - side / 2, cy - side / 2]) - np.array(pad[:2]) / ratio
    out_size = (size + pad[0] + pad[2], size + pad[1] + pad[3])
    blur = max(0.0, 0.5 / ratio - 0.5) * 0.8
    image = cv2.GaussianBlur(image, (0, 0), blur) if blur > 0.15 else image
    m = np.array([[ratio, 0, (0.5 - origin[0]) * ratio - 0.5], [0, ratio, (0.5 - origin[1]) * ratio - 0.5]])
    texture = cv2.warpAffine(image, m, out_size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    points = _scale_points(points, np.array([ratio, ratio]), origin)
    return texture, (pad[0], pad[1], size, size), points, None


def _resize(image, size_xy):
    import cv2

    down = size_xy[0] < image.shape[1]
    return cv2.resize(image, size_xy, interpolation=cv2.INTER_AREA if down else cv2.INTER_CUBIC)


def _scale_points(points, ratio, origin):
    """Pixels of the photo -> pixels of a picture scaled by ratio (2,) from origin (2,); pixel centres are whole."""
    out = points.copy()
    out[:, :2] = (points[:, :2] + 0.5 - origin) * ratio - 0.5
    out[:, 2] = points[:, 2] * ratio.mean()
    return out
