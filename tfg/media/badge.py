"""The visible badge "AI-generated" in the corner of a picture."""
from __future__ import annotations

from functools import lru_cache

import numpy as np

BADGE = "AI-generated"


def draw_badge(frame: np.ndarray) -> np.ndarray:
    """Draw "AI-generated" into the lower left corner of a frame, in place if it is writable, and return it.

    frame: (H, W, 3) uint8, or (H, W, 4) with its opacity.
    """
    cover, ink = _badge(frame.shape[0], frame.shape[1])
    frame = frame if frame.flags.writeable else frame.copy()
    h, w = cover.shape[:2]
    gap = max(2, frame.shape[0] // 64)
    y, x = max(0, frame.shape[0] - gap - h), gap
    area = frame[y:y + h, x:x + w]
    if frame.shape[2] == 3:
        area[:] = (area * (1 - cover) + ink).astype(np.uint8)
        return frame
    rest = area[..., 3:] / np.float32(255) * (1 - cover)      # what is left of the frame's own, where it is opaque
    opaque = cover + rest
    area[..., :3] = ((ink + area[..., :3] * rest) / np.maximum(opaque, 1e-6)).astype(np.uint8)
    area[..., 3:] = (opaque * 255 + .5).astype(np.uint8)
    return frame


@lru_cache(maxsize=8)
def _badge(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Opacity (h, w, 1) and premultiplied colour (h, w, 3) of the badge for frames of that size."""
    from PIL import Image, ImageDraw, ImageFont

    points = int(np.clip(min(height, width) * .05, 9, 28))
    font = ImageFont.load_default(points)
    left, top, right, bottom = font.getbbox(BADGE)
    pad = max(2, points // 4)
    picture = Image.new("RGBA", (int(right - left) + 2 * pad, int(bottom - top) + 2 * pad), (0, 0, 0, 140))
    ImageDraw.Draw(picture).text((pad - left, pad - top), BADGE, font=font, fill=(255, 255, 255, 235))
    picture.thumbnail((max(1, width - 4), max(1, height - 2)))
    rgba = np.asarray(picture, np.float32)
    alpha = rgba[..., 3:] / 255
    return alpha, rgba[..., :3] * alpha
