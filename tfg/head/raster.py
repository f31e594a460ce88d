"""A small software rasteriser: it draws triangles with a z-buffer, and meshes that carry a photo.

Coordinates are pixels, x right and y down; the centre of the pixel in column j and row i is (j, i).
"""
from __future__ import annotations

import numpy as np

from tfg.jit import jit


@jit
def _rasterise(xy, depth, tri, slack, zbuf, face, bary):
    """The kernel of `rasterise` and `depth_map`; it writes zbuf, face and bary in place, the last two unless None."""
    height, width = zbuf.shape
    for t in range(tri.shape[0]):
        a, b, c = tri[t, 0], tri[t, 1], tri[t, 2]
        x0, y0, x1, y1, x2, y2 = xy[a, 0], xy[a, 1], xy[b, 0], xy[b, 1], xy[c, 0], xy[c, 1]
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if abs(area) < 1e-9:
            continue
        top = max(int(np.ceil(min(y0, y1, y2))), 0)
        bottom = min(int(np.floor(max(y0, y1, y2))), height - 1)
        left = max(int(np.ceil(min(x0, x1, x2))), 0)
        right = min(int(np.floor(max(x0, x1, x2))), width - 1)
        if top > bottom or left > right:                      # most triangles of a small picture lie between pixels
            continue
        inv = 1.0 / area
        z0, z1, z2 = depth[a], depth[b], depth[c]
        for y in range(top, bottom + 1):
            for x in range(left, right + 1):
                w0 = ((x1 - x) * (y2 - y) - (x2 - x) * (y1 - y)) * inv
                w1 = ((x2 - x) * (y0 - y) - (x0 - x) * (y2 - y)) * inv
                w2 = 1 - w0 - w1
                if w0 >= -slack and w1 >= -slack and w2 >= -slack:
                    z = w0 * z0 + w1 * z1 + w2 * z2
                    if z < zbuf[y, x]:
                        zbuf[y, x] = z
                        if face is not None:
                            face[y, x] = t
                            bary[y, x, 0] = w0
                            bary[y, x, 1] = w1
                            bary[y, x, 2] = w2


def rasterise(xy, depth, tri, height, width):
    """Find the visible triangle at each pixel and the pixel's place in it.

    xy: (V, 2) px.  depth: (V,), smaller is nearer.  tri: (F, 3).
    Returns face (H, W) int32, the triangle, -1 where there is none; bary (H, W, 3) float32, barycentric coordinates;
    zbuf (H, W) float32, the depth, inf where there is none.
    """
    zbuf = np.full((height, width), np.inf, np.float32)
    face = np.full((height, width), -1, np.int32)
    bary = np.zeros((height, width, 3), np.float32)
    _rasterise(np.ascontiguousarray(xy, np.float32), np.ascontiguousarray(depth, np.float32),
               np.ascontiguousarray(tri, np.int32), 1e-6, zbuf, face, bary)
    return face, bary, zbuf


def depth_map(xy, depth, tri, zbuf):
    """Write into zbuf (H, W) float32 the least depth of the triangles at each pixel, where it is less than zbuf's own.

    xy, depth, tri: as `rasterise`; triangles reach over their edges by 1e-4 of their size, so that no pixel between two
    of them stays open.
    """
    _rasterise(np.ascontiguousarray(xy, np.float32), np.ascontiguousarray(depth, np.float32),
               np.ascontiguousarray(tri, np.int32), 1e-4, zbuf, None, None)


@jit
def source_map(xy, tri, source, order, map_xy, covered):
    """Draw a moved mesh so that each output pixel gets the source position from which it comes.

    xy: (V, 2) px of the vertices now.  tri: (F, 3).  source: (V, 2) px of the vertices in the source.  order: numbers
    of triangles, far to near; a later triangle overwrites an earlier one.  map_xy: (H, W, 2) source positions, and
    covered: (H, W) bool, are written in place.
    """
    height, width = covered.shape
    for k in range(order.shape[0]):
        t = order[k]
        a, b, c = tri[t, 0], tri[t, 1], tri[t, 2]
        x0, y0, x1, y1, x2, y2 = xy[a, 0], xy[a, 1], xy[b, 0], xy[b, 1], xy[c, 0], xy[c, 1]
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if abs(area) < 1e-7:
            continue
        inv = 1.0 / area
        top = max(int(np.ceil(min(y0, y1, y2) - 1e-3)), 0)
        bottom = min(int(np.floor(max(y0, y1, y2) + 1e-3)), height - 1)
        left = max(int(np.ceil(min(x0, x1, x2) - 1e-3)), 0)
        right = min(int(np.floor(max(x0, x1, x2) + 1e-3)), width - 1)
        for y in range(top, bottom + 1):
            for x in range(left, right + 1):
                w0 = ((x1 - x) * (y2 - y) - (x2 - x) * (y1 - y)) * inv
                w1 = ((x2 - x) * (y0 - y) - (x0 - x) * (y2 - y)) * inv
                w2 = 1 - w0 - w1
                if w0 >= -1e-4 and w1 >= -1e-4 and w2 >= -1e-4:
                    map_xy[y, x, 0] = w0 * source[a, 0] + w1 * source[b, 0] + w2 * source[c, 0]
                    map_xy[y, x, 1] = w0 * source[a, 1] + w1 * source[b, 1] + w2 * source[c, 1]
                    covered[y, x] = True


def sample(texture, map_xy):
    """Sample a texture (h, w, 3) uint8 at map_xy (H, W, 2), bicubic, with repeated edges: (H, W, 3) float32."""
    import cv2

    return cv2.remap(texture, map_xy, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)


def sample_plain(values, map_xy):
    """Sample values (h, w) float32 at map_xy (H, W, 2), bilinear, which never leaves their range: (H, W) float32."""
    import cv2

    return cv2.remap(values, map_xy, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
