"""Kernels that shade each sample and turn linear light into a photo (numba)."""
from __future__ import annotations

import numpy as np

from tfg.actors.look.draw import CLOTH, EYE, FLESH, HAIR, LASH, SKIN, TEETH
from tfg.jit import jit

N_ATTR = 11
"""Number of values of a vertex that pixels interpolate: normal 0-2, light of the surroundings 3-5, visibility of the
key 6, uv 7-8, metres below the neckline 9, inside of the mouth 10."""


@jit
def fill_attributes(n, light, uv, cloth, inside, out):
    """Write into out (N, N_ATTR) the normals n (N, 3), light (N, 4), uv (N, 2), cloth (N,) and inside (N,)."""
    for i in range(n.shape[0]):
        out[i, 0], out[i, 1], out[i, 2] = n[i, 0], n[i, 1], n[i, 2]
        out[i, 3], out[i, 4], out[i, 5], out[i, 6] = light[i, 0], light[i, 1], light[i, 2], light[i, 3]
        out[i, 7], out[i, 8], out[i, 9], out[i, 10] = uv[i, 0], uv[i, 1], cloth[i], inside[i]


@jit
def shade(face, bary, tri, material, place, gloss, attr, tangent, skin, detail, folds, region, fold_depth, eye, atlas,
          key, key_dir, room, mouth, per_px, rot, cloth, pattern, out):
    """Shade the samples: write linear light into out (H, W, 3) where face (H, W) has a triangle.

    skin (S, S, 4), eye (E, E, 4) uint8: square roots of linear colour, and gloss.  detail (S, S, 4) int8: changes of
    the normals.  folds, region, fold_depth: from `wrinkles`.  key (3,): colour of the key light, key_dir (3,): unit
    vector towards it.  room (3,): light on eyes.  mouth (4,): light inside the mouth, and its opening.  per_px: metres
    of a sample.  rot (3, 3): from the head's frame to the camera's.  cloth (2, 3): linear colours.  pattern: number in
    clothes.PATTERNS.  face, bary, tri, material, place, gloss, attr, tangent, atlas: as in `draw.raster` and `Mesh`.
    Eyes and the inside of the mouth are darkened below the lid or lip above them, which is found in each column.
    """
    height, width = face.shape
    size, esize = skin.shape[0], eye.shape[0]
    a = np.zeros(N_ATTR, np.float32)
    one = np.float32(1)
    hx, hy, hz = key_dir[0], key_dir[1], key_dir[2] + one
    s = one / np.sqrt(hx * hx + hy * hy + hz * hz)
    hx, hy, hz = hx * s, hy * s, hz * s
    inv255, inv127 = np.float32(1 / 255), np.float32(1 / 127)
    edge = np.full(width, -1000, np.int32)                      # row of the last pixel that was neither eye nor mouth
    for y in range(height):
        for x in range(width):
            t = face[y, x]
            if t < 0:
                edge[x] = y
                continue
            w0, w1 = bary[y, x, 0], bary[y, x, 1]
            w2 = one - w0 - w1
            i, j, k = tri[t, 0], tri[t, 1], tri[t, 2]
            for m in range(N_ATTR):
                a[m] = w0 * attr[i, m] + w1 * attr[j, m] + w2 * attr[k, m]
            nx, ny, nz = a[0], a[1], a[2]
            mat = material[t]
            r = g = b = np.float32(0)
            spec = np.float32(0)
            power = np.float32(20)
            if mat == HAIR or mat == CLOTH or (mat == SKIN and a[10] < np.float32(0.5)):
                edge[x] = y
            below = (y - edge[x]) * per_px
            if mat == SKIN and a[9] < 0:
                fu, fv = a[7] * size - np.float32(0.5), a[8] * size - np.float32(0.5)
                iu, iv = min(max(int(fu), 0), size - 2), min(max(int(fv), 0), size - 2)
                fu, fv = min(max(fu - iu, np.float32(0)), one), min(max(fv - iv, np.float32(0)), one)
                c00, c01, c10, c11 = (one - fu) * (one - fv), fu * (one - fv), (one - fu) * fv, fu * fv
                p, q, pp, qq = skin[iv, iu], skin[iv, iu + 1], skin[iv + 1, iu], skin[iv + 1, iu + 1]
                r = (c00 * p[0] + c01 * q[0] + c10 * pp[0] + c11 * qq[0]) * inv255
                g = (c00 * p[1] + c01 * q[1] + c10 * pp[1] + c11 * qq[1]) * inv255
                b = (c00 * p[2] + c01 * q[2] + c10 * pp[2] + c11 * qq[2]) * inv255
                r, g, b = r * r, g * g, b * b
                spec = (c00 * p[3] + c01 * q[3] + c10 * pp[3] + c11 * qq[3]) * inv255
                d0, d1, d2, d3 = detail[iv, iu], detail[iv, iu + 1], detail[iv + 1, iu], detail[iv + 1, iu + 1]
                dx = (c00 * d0[0] + c01 * d1[0] + c10 * d2[0] + c11 * d3[0]) * inv127
                dy = (c00 * d0[1] + c01 * d1[1] + c10 * d2[1] + c11 * d3[1]) * inv127
                dz = (c00 * d0[2] + c01 * d1[2] + c10 * d2[2] + c11 * d3[2]) * inv127
                fold = region[iv, iu]
                if fold > 0:
                    f = fold_depth[fold] * inv127
                    dx, dy, dz = dx + f * folds[iv, iu, 0], dy + f * folds[iv, iu, 1], dz + f * folds[iv, iu, 2]
                    f = max(one - np.float32(0.30) * f * folds[iv, iu, 3], np.float32(0.3))
                    r, g, b = r * f, g * f * f, b * f * f
                nx += rot[0, 0] * dx + rot[0, 1] * dy + rot[0, 2] * dz
                ny += rot[1, 0] * dx + rot[1, 1] * dy + rot[1, 2] * dz
                nz += rot[2, 0] * dx + rot[2, 1] * dy + rot[2, 2] * dz
                ins = a[10]
                if ins > 0:
                    r += ins * (np.float32(.30) - r)
                    g += ins * (np.float32(.075) - g)
                    b += ins * (np.float32(.065) - b)
                    f = np.float32(0.22) * (one - np.float32(0.8) * np.exp(-below / np.float32(0.006)))
                    for m in range(3):
                        a[3 + m] = a[3 + m] + ins * (mouth[m] * f - a[3 + m])
                    a[6] *= one - ins
                    spec = spec * (one - ins)
            elif mat == SKIN:
                f = np.float32(0)
                if pattern > 0:
                    f = np.sin(a[9] * np.float32(520))
                    if pattern == 1:
                        f = np.float32(0.10) * np.sin(a[9] * np.float32(1800)) * np.sin(a[7] * np.float32(700))
                    elif pattern == 2:
                        f = one if f > np.float32(0.45) else np.float32(0)
                    else:
                        f = (np.float32(0.5) if f > np.float32(0.3) else np.float32(0)) + (
                            np.float32(0.4) if np.sin(a[7] * np.float32(150)) > np.float32(0.3) else np.float32(0))
                f = f * np.float32(0.8)
                r = cloth[0, 0] + f * (cloth[1, 0] - cloth[0, 0])
                g = cloth[0, 1] + f * (cloth[1, 1] - cloth[0, 1])
                b = cloth[0, 2] + f * (cloth[1, 2] - cloth[0, 2])
                s = one - np.float32(0.45) * np.exp(-a[9] / np.float32(0.004))
                r, g, b = r * s, g * s, b * s
                spec = np.float32(0.02)
            elif mat == EYE:
                iu = min(max(int(a[7] * esize), 0), esize - 1)
                iv = min(max(int(a[8] * esize), 0), esize - 1)
                r, g, b = eye[iv, iu, 0] * inv255, eye[iv, iu, 1] * inv255, eye[iv, iu, 2] * inv255
                r, g, b = r * r, g * g, b * b
                f = one - np.float32(0.62) * np.exp(-below / np.float32(0.0022))
                for m in range(3):
                    a[3 + m] = (np.float32(0.35) * a[3 + m] + np.float32(0.50) * room[m]) * f
                a[6] = (np.float32(0.3) + np.float32(0.7) * a[6]) * f
                spec, power = np.float32(0.9), np.float32(160)
            elif mat == FLESH:
                r, g, b = np.float32(.40), np.float32(.125), np.float32(.115)
                f = (one - np.float32(0.8) * a[9]) * (one - np.float32(0.75) * np.exp(-below / np.float32(0.007)))
                for m in range(3):
                    a[3 + m] = mouth[m] * f * np.float32(0.75)
                a[6] = np.float32(0.25) * f * mouth[3]
                spec, power = np.float32(0.12), np.float32(30)
            elif mat == TEETH:
                off, th, tw = place[t, 0], place[t, 1], place[t, 2]
                iv, iu = min(max(int(a[8] * th), 0), th - 1), min(max(int(a[7] * tw), 0), tw - 1)
                o = off + (iv * tw + iu) * 4
                r, g, b = atlas[o] * inv255, atlas[o + 1] * inv255, atlas[o + 2] * inv255
                r, g, b = r * r, g * g, b * b
                f = (one - np.float32(0.85) * a[9]) * (one - np.float32(0.50) * np.exp(-below / np.float32(0.0035)))
                for m in range(3):
                    a[3 + m] = mouth[m] * f * np.float32(0.80)
                a[6] = np.float32(0.45) * f * mouth[3]
                spec, power = np.float32(0.25) * f, np.float32(40)
            else:
                off, th, tw = place[t, 0], place[t, 1], place[t, 2]
                iv, iu = min(max(int(a[8] * th), 0), th - 1), min(max(int(a[7] * tw), 0), tw - 1)
                o = off + (iv * tw + iu) * 4
                r, g, b = atlas[o] * inv255, atlas[o + 1] * inv255, atlas[o + 2] * inv255
                r, g, b = r * r, g * g, b * b
            if nz < 0:
                nx, ny, nz = -nx, -ny, -nz
            s = one / (np.sqrt(nx * nx + ny * ny + nz * nz) + np.float32(1e-9))
            nx, ny, nz = nx * s, ny * s, nz * s
            nl = nx * key_dir[0] + ny * key_dir[1] + nz * key_dir[2]
            nh = max(nx * hx + ny * hy + nz * hz, np.float32(0))
            if mat == EYE:                                  # the cornea is curved twice as strongly as the ball
                ex, ey, ez = 2 * nx - rot[0, 2], 2 * ny - rot[1, 2], 2 * nz - rot[2, 2]
                nh = max((ex * hx + ey * hy + ez * hz) / np.sqrt(ex * ex + ey * ey + ez * ez), np.float32(0))
            sh = a[6]
            if mat == HAIR or mat == LASH:
                tx = w0 * tangent[i, 0] + w1 * tangent[j, 0] + w2 * tangent[k, 0]
                ty = w0 * tangent[i, 1] + w1 * tangent[j, 1] + w2 * tangent[k, 1]
                tz = w0 * tangent[i, 2] + w1 * tangent[j, 2] + w2 * tangent[k, 2]
                s = one / (np.sqrt(tx * tx + ty * ty + tz * tz) + np.float32(1e-9))
                tl = (tx * key_dir[0] + ty * key_dir[1] + tz * key_dir[2]) * s
                th_ = (tx * hx + ty * hy + tz * hz) * s
                d = np.float32(0.45) * np.sqrt(max(one - tl * tl, np.float32(0))) + np.float32(0.55) * max(
                    np.float32(0.35) + np.float32(0.65) * nl, np.float32(0))
                st = max(one - th_ * th_, np.float32(0))
                st = st * st * st
                st = st * st * st
                hi = gloss[t] * sh * max(nl + np.float32(.35), np.float32(0)) * st
                for m in range(3):
                    alb = r if m == 0 else (g if m == 1 else b)
                    f = np.float32(0.012) + np.float32(0.38) * np.sqrt(alb)
                    out[y, x, m] = alb * (a[3 + m] + key[m] * sh * d) + hi * key[m] * f
                continue
            wr = np.float32(0.28) if mat == SKIN else np.float32(0.12)
            wb = np.float32(0.10)
            dr = max((nl + wr) / (one + wr), np.float32(0))
            db = max((nl + wb) / (one + wb), np.float32(0))
            f = nh * nh
            f = f * f
            f = f * f
            f = f * f                                       # 16th power, the skin's; lips and teeth start from it
            if power > 20:
                f = f * f
            if power > 50:
                f = f * f
                f = f * f
            hl = spec * sh * f * np.sqrt(max(nl, np.float32(0)))
            f = (one - nz) * (one - nz)
            rim = spec * np.float32(0.25) * f * f
            out[y, x, 0] = r * (a[3] + key[0] * sh * dr) + hl * key[0] + rim * a[3]
            dg = np.float32(.4) * dr + np.float32(.6) * db
            out[y, x, 1] = g * (a[4] + key[1] * sh * dg) + hl * key[1] + rim * a[4]
            out[y, x, 2] = b * (a[5] + key[2] * sh * db) + hl * key[2] + rim * a[5]


@jit
def resolve(big, grain, vignette, blur, exposure, curve, small, out):
    """Turn linear light at twice the size, big (2h, 2w, 3), into a photo out (h, w, 3) uint8: blur, film curve, grain.

    grain (h, w, 3) float32 in 8-bit levels; vignette (h, w): factor; blur 0..0.25: share of each of four neighbours;
    exposure: factor; curve (4096,) float32: 8-bit value of linear light 0..1.5; small (h, w, 3): working memory.
    """
    h, w = out.shape[:2]
    for y in range(h):
        for x in range(w):
            f = np.float32(0.25 * 4095 / 1.5) * exposure * vignette[y, x]
            for c in range(3):
                small[y, x, c] = f * (big[2 * y, 2 * x, c] + big[2 * y, 2 * x + 1, c] + big[2 * y + 1, 2 * x, c]
                                      + big[2 * y + 1, 2 * x + 1, c])
    centre = 1 - 4 * blur
    for y in range(h):
        yu, yd = max(y - 1, 0), min(y + 1, h - 1)
        for x in range(w):
            xl, xr = max(x - 1, 0), min(x + 1, w - 1)
            for c in range(3):
                value = centre * small[y, x, c] + blur * (small[yu, x, c] + small[yd, x, c] + small[y, xl, c]
                                                          + small[y, xr, c])
                k = min(max(int(value), 0), 4095)
                out[y, x, c] = np.uint8(min(max(curve[k] + grain[y, x, c] + np.float32(0.5), np.float32(0)),
                                            np.float32(255)))
