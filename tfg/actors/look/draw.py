"""Kernels that move the vertices of a frame and rasterise it (numba; all are float32 and write in place).

Spaces: "head" is tfg.head.model's frame before the head turns; "camera" is that frame after turning, z to the camera.
"""
from __future__ import annotations

import numpy as np

from tfg.jit import jit

SKIN, EYE, TEETH, FLESH, CLOTH, HAIR, LASH = range(7)
"""Numbers of the triangles' materials."""


@jit
def deform(base, offsets, weights, out):
    """Write vertices: out (N, 3) = base (N, 3) + weights (K,) . offsets (K, M, 3). Vertices from M on do not move."""
    m = offsets.shape[1]
    out[:] = base
    for k in range(offsets.shape[0]):
        w = weights[k]
        if w != 0:
            for i in range(m):
                out[i, 0] += w * offsets[k, i, 0]
                out[i, 1] += w * offsets[k, i, 1]
                out[i, 2] += w * offsets[k, i, 2]


@jit
def view(v, turn, r, pivot, shift_m, rc, distance, scale, sx, sy, q, xy):
    """Turn the head on its neck, shift it, and project it: writes q (N, 3) camera metres and xy (N, 2) px.

    v: (N, 3) head metres.  turn: (N,) share of the head's turning.  r, rc: (3, 3) rotations of the head and of the
    whole person.  pivot: (3,) the neck.  shift_m: (3,).  distance: camera's, metres.  scale: px per metre.  sx, sy: px
    of the origin.
    """
    for i in range(v.shape[0]):
        w = turn[i]
        x, y, z = v[i, 0] - pivot[0], v[i, 1] - pivot[1], v[i, 2] - pivot[2]
        a = r[0, 0] * x + r[0, 1] * y + r[0, 2] * z
        b = r[1, 0] * x + r[1, 1] * y + r[1, 2] * z
        c = r[2, 0] * x + r[2, 1] * y + r[2, 2] * z
        x = x + w * (a - x) + pivot[0] + w * shift_m[0]
        y = y + w * (b - y) + pivot[1] + w * shift_m[1]
        z = z + w * (c - z) + pivot[2] + w * shift_m[2]
        a = rc[0, 0] * x + rc[0, 1] * y + rc[0, 2] * z
        b = rc[1, 0] * x + rc[1, 1] * y + rc[1, 2] * z
        c = rc[2, 0] * x + rc[2, 1] * y + rc[2, 2] * z
        f = scale / (1 - c / distance)
        q[i, 0], q[i, 1], q[i, 2] = a, b, c
        xy[i, 0], xy[i, 1] = a * f + sx, -b * f + sy


@jit
def normals(q, tri, n):
    """Write into n (N, 3) the area-weighted unit normals of vertices q (N, 3) with triangles tri (F, 3)."""
    n[:] = 0
    for t in range(tri.shape[0]):
        i, j, k = tri[t, 0], tri[t, 1], tri[t, 2]
        ax, ay, az = q[j, 0] - q[i, 0], q[j, 1] - q[i, 1], q[j, 2] - q[i, 2]
        bx, by, bz = q[k, 0] - q[i, 0], q[k, 1] - q[i, 1], q[k, 2] - q[i, 2]
        x, y, z = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
        for m in (i, j, k):
            n[m, 0] += x
            n[m, 1] += y
            n[m, 2] += z
    for i in range(n.shape[0]):
        s = 1 / (np.sqrt(n[i, 0] ** 2 + n[i, 1] ** 2 + n[i, 2] ** 2) + np.float32(1e-12))
        n[i, 0] *= s
        n[i, 1] *= s
        n[i, 2] *= s


@jit
def turn_frame(normal, tangent, r, n, t):
    """Write into n, t (P, 3) the pieces' fixed normals and hair directions (P, 3), turned by the rotation r (3, 3)."""
    for i in range(normal.shape[0]):
        for a in range(3):
            n[i, a] = r[a, 0] * normal[i, 0] + r[a, 1] * normal[i, 1] + r[a, 2] * normal[i, 2]
            t[i, a] = r[a, 0] * tangent[i, 0] + r[a, 1] * tangent[i, 1] + r[a, 2] * tangent[i, 2]


@jit
def raster(xy, q, tri, first, last, two_sided, uv, atlas, place, zbuf, face, bary):
    """Draw triangles first..last into zbuf (H, W; camera z, larger is nearer), face (triangle or -1), bary (H, W, 2).

    xy: (N, 2) px.  q: (N, 3) camera metres.  tri: (F, 3).  two_sided: (F,), False skips the triangle if its back is
    seen.  place: (F, 3) offset, height and width of the triangle's texture in atlas (flat RGBA); height 0 means no
    alpha. Alpha is compared with a dithered threshold that is fixed on the screen, so that the mean of a 2x2 block
    shows five levels. Backs and alpha keep it apart from `tfg.head.raster`, and its spans make it faster on small
    triangles: it runs for each frame, at twice the size.
    """
    height, width = zbuf.shape
    for t in range(first, last):
        a, b, c = tri[t, 0], tri[t, 1], tri[t, 2]
        x0, y0, x1, y1, x2, y2 = xy[a, 0], xy[a, 1], xy[b, 0], xy[b, 1], xy[c, 0], xy[c, 1]
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if area > -1e-7 and (not two_sided[t] or area < 1e-7):          # front faces are negative: y points down
            continue
        top = max(int(np.ceil(min(y0, y1, y2))), 0)
        bottom = min(int(np.floor(max(y0, y1, y2))), height - 1)
        left = max(int(np.ceil(min(x0, x1, x2))), 0)
        right = min(int(np.floor(max(x0, x1, x2))), width - 1)
        if top > bottom or left > right:
            continue
        inv = np.float32(1) / area
        z0, z1, z2 = q[a, 2], q[b, 2], q[c, 2]
        off, th, tw = place[t, 0], place[t, 1], place[t, 2]
        dx0, dx1 = (y1 - y2) * inv, (y2 - y0) * inv
        dx2 = -dx0 - dx1
        for y in range(top, bottom + 1):
            w0 = ((x1 - left) * (y2 - y) - (x2 - left) * (y1 - y)) * inv
            w1 = ((x2 - left) * (y0 - y) - (x0 - left) * (y2 - y)) * inv
            w2 = 1 - w0 - w1
            lo, hi = np.float32(0), np.float32(right - left)            # the columns where all three weights are >= 0
            for w, d in ((w0, dx0), (w1, dx1), (w2, dx2)):
                if d > 0:
                    lo = max(lo, (-w - np.float32(1e-5)) / d)
                elif d < 0:
                    hi = min(hi, (-w - np.float32(1e-5)) / d)
                elif w < -1e-5:
                    hi = np.float32(-1)
            if lo > hi:
                continue
            first_x, last_x = left + int(np.ceil(lo)), left + int(np.floor(hi))
            w0 += dx0 * (first_x - left)
            w1 += dx1 * (first_x - left)
            for x in range(first_x, last_x + 1):
                w2 = 1 - w0 - w1
                z = w0 * z0 + w1 * z1 + w2 * z2
                if z > zbuf[y, x]:
                    seen = True
                    if th > 0:
                        u = w0 * uv[a, 0] + w1 * uv[b, 0] + w2 * uv[c, 0]
                        v = w0 * uv[a, 1] + w1 * uv[b, 1] + w2 * uv[c, 1]
                        i = min(max(int(v * th), 0), th - 1)
                        j = min(max(int(u * tw), 0), tw - 1)
                        cut = 26 + 51 * ((x & 1) * 2 ^ (y & 1) * 3)
                        seen = atlas[off + (i * tw + j) * 4 + 3] > cut
                    if seen:
                        zbuf[y, x] = z
                        face[y, x] = t
                        bary[y, x, 0] = w0
                        bary[y, x, 1] = w1
                w0 += dx0
                w1 += dx1
