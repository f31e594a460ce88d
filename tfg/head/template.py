"""The flat mesh that carries a portrait's pixels: landmarks, dense lips and lids with real openings, and a grid around.

The mesh is laid out on the mean head seen from the front with its mouth and eyes open, so that lips and lids are
edges of holes and can part and close without tearing. On a photo, landmark vertices take the measured positions; all
other vertices follow by harmonic extension (cotangent weights, which cannot overshoot), so that no seam appears.
"""
from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from tfg.head.model import Head
from tfg.vocabulary import index

LIPS = ((78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308), (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308))
OUTER_LIPS = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146)
EYE_RIGHT = ((33, 246, 161, 160, 159, 158, 157, 173, 133), (33, 7, 163, 144, 145, 153, 154, 155, 133))
EYE_LEFT = ((263, 466, 388, 387, 386, 385, 384, 398, 362), (263, 249, 390, 373, 374, 380, 381, 382, 362))
OPENINGS = {"mouth": (LIPS, 4), "eye_right": (EYE_RIGHT, 3), "eye_left": (EYE_LEFT, 3)}
GRID_M = 0.010              # spacing of the vertices between and around the landmarks
APART_M = 0.0012            # landmarks closer than this are one vertex


@dataclass(frozen=True)
class Template:
    """The vertices of the template. landmarks: (L, 478), each row gives a vertex as a weighted sum of landmarks.
    layout: (L, 2) metres, x right, y up.  upper, lower: opening -> vertex numbers along its edge, corner to corner;
    both edges share the corners."""

    landmarks: np.ndarray
    layout: np.ndarray
    upper: dict[str, np.ndarray]
    lower: dict[str, np.ndarray]


def spline_rows(n_knots: int, per: int) -> np.ndarray:
    """Catmull-Rom weights of a smooth curve through n knots, with `per` points between two of them:
    (per * (n - 1) + 1, n)."""
    rows = []
    for i in range(n_knots - 1):
        for t in np.arange(per) / per:
            row = np.zeros(n_knots)
            w = 0.5 * np.array([-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, -t**2 + t**3])
            for k, value in zip(range(i - 1, i + 3), w, strict=True):
                if k < 0:                                       # ends: the knot beyond is a mirror image
                    row[0] += 2 * value
                    row[1] -= value
                elif k >= n_knots:
                    row[-1] += 2 * value
                    row[-2] -= value
                else:
                    row[k] += value
            rows.append(row)
    return np.array(rows + [np.eye(n_knots)[-1]])


def open_face() -> np.ndarray:
    """Landmarks of the mean head seen from the front, mouth and eyes open: (478, 2) metres, x right, y up."""
    head = Head.load()
    expression = np.zeros(len(head.expression), np.float32)
    expression[index("jawOpen")] = 0.45
    expression[index("eyeWide")] = 0.8
    return head.landmark_points(None, expression)[:, :2]


@functools.lru_cache(maxsize=1)
def load() -> Template:
    """The template of the shipped head, computed once per process."""
    points = open_face()
    rows: list[np.ndarray] = []
    upper: dict[str, np.ndarray] = {}
    lower: dict[str, np.ndarray] = {}
    for name, ((top, bottom), per) in OPENINGS.items():
        for chain, out in ((top, upper), (bottom, lower)):
            spline = spline_rows(len(chain), per if chain is top else 40)
            full = np.zeros((len(spline), 478))
            full[:, list(chain)] = spline
            if chain is top:
                across = full @ points[:, 0]
                out[name] = np.arange(len(rows), len(rows) + len(full))
                rows += list(full)
            else:                                               # each lower vertex lies below an upper one
                full = full[np.abs((full @ points[:, 0])[None] - across[:, None]).argmin(1)]
                first = len(rows)                               # corners are shared with the upper edge
                rows += list(full[1:-1])
                out[name] = np.concatenate([[upper[name][0]], np.arange(first, len(rows)), [upper[name][-1]]])
    on_edge = {i for chains, _ in OPENINGS.values() for chain in chains for i in chain}
    layout = np.array(rows) @ points
    for i in range(468):
        if i in on_edge or np.linalg.norm(layout - points[i], axis=1).min() < APART_M:
            continue
        if any(inside(points[i:i + 1], opening_polygon(layout, upper, lower, n))[0] for n in OPENINGS):
            continue
        rows.append(np.eye(1, 478, i)[0])
        layout = np.concatenate([layout, points[i:i + 1]])
    return Template(np.array(rows, np.float32), layout.astype(np.float32), upper, lower)


def opening_polygon(xy: np.ndarray, upper: dict, lower: dict, name: str) -> np.ndarray:
    """Outline (P, 2) of an opening: along its upper edge and back along the lower one. xy: (N, 2) vertices."""
    return np.concatenate([xy[upper[name]], xy[lower[name]][-2:0:-1]])


def inside(points: np.ndarray, polygon: np.ndarray) -> np.ndarray:
    """Mask of the points (N, 2) inside a polygon (P, 2) by the even-odd rule: (N,) bool."""
    x, y = points[:, :1], points[:, 1:]
    a, b = polygon, np.roll(polygon, -1, 0)
    crosses = (a[:, 1] > y) != (b[:, 1] > y)
    with np.errstate(divide="ignore", invalid="ignore"):
        at = a[:, 0] + (y - a[:, 1]) / (b[:, 1] - a[:, 1]) * (b[:, 0] - a[:, 0])
    return (crosses & (x < at)).sum(1) % 2 == 1


def signed_areas(xy: np.ndarray, tri: np.ndarray) -> np.ndarray:
    """Twice the signed area of each triangle: (F,); in a picture (y down) it is negative for front faces.

    xy: (N, 2).  tri: (F, 3).
    """
    a, b, c = (xy[tri[:, k]] for k in range(3))
    return (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (c[:, 0] - a[:, 0]) * (b[:, 1] - a[:, 1])


def triangulate(template: Template, frame: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fill the picture's frame around the landmarks with a grid, and triangulate all vertices.

    frame: (4, 2) corners of the picture on the template's plane (metres, x right, y up), in order around.
    Returns layout (N, 2), the template's vertices first; triangles (F, 3), none across an opening; border (N,) bool.
    """
    from scipy.spatial import Delaunay, cKDTree

    edge_a, edge_b = frame[1] - frame[0], frame[3] - frame[0]
    nu = max(int(np.ceil(np.linalg.norm(edge_a) / GRID_M)), 8)
    nv = max(int(np.ceil(np.linalg.norm(edge_b) / GRID_M)), 8)
    u, v = np.meshgrid(np.arange(nu + 1) / nu, np.arange(nv + 1) / nv)
    grid = frame[0] + u.reshape(-1, 1) * edge_a + v.reshape(-1, 1) * edge_b
    rim = ((u == 0) | (u == 1) | (v == 0) | (v == 1)).ravel()
    clear = cKDTree(template.layout).query(grid)[0] > 0.55 * GRID_M
    polygons = [opening_polygon(template.layout, template.upper, template.lower, n) for n in OPENINGS]
    for polygon in polygons:
        clear &= ~inside(grid, polygon)
    keep = clear | rim
    layout = np.concatenate([template.layout, grid[keep]])
    border = np.concatenate([np.zeros(len(template.layout), bool), rim[keep]])
    tri = Delaunay(layout).simplices
    centroid = layout[tri].mean(1)
    for name, polygon in zip(OPENINGS, polygons, strict=True):
        edge = np.zeros(len(layout), bool)
        edge[template.upper[name]] = edge[template.lower[name]] = True
        hole = edge[tri].all(1)
        hole[hole] = inside(centroid[hole], polygon)
        tri, centroid = tri[~hole], centroid[~hole]
    area = signed_areas(layout, tri)
    tri[area < 0] = tri[area < 0][:, [0, 2, 1]]
    return layout.astype(np.float32), tri[np.abs(area) > 1e-10].astype(np.int32), border


def cotangent_laplacian(layout: np.ndarray, tri: np.ndarray):
    """Cotangent Laplacian of a flat mesh: (N, N) sparse, positive semi-definite (Pinkall & Polthier 1993).

    layout: (N, 2).  tri: (F, 3). Off-diagonals are clipped to be negative, so that extensions obey the maximum
    principle.
    """
    from scipy.sparse import coo_matrix, diags

    n = len(layout)
    rows, cols, vals = [], [], []
    for k in range(3):
        i, j, o = tri[:, k], tri[:, (k + 1) % 3], tri[:, (k + 2) % 3]
        p, q = layout[i] - layout[o], layout[j] - layout[o]
        cot = (p * q).sum(1) / (np.abs(p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0]) + 1e-12)
        rows += [i, j]
        cols += [j, i]
        vals += [cot / 2, cot / 2]
    w = coo_matrix((np.concatenate(vals), (np.concatenate(rows), np.concatenate(cols))), (n, n)).tocsr()
    w.data = np.maximum(w.data, 1e-4)
    return (diags(np.asarray(w.sum(1)).ravel()) - w).tocsc()


def extend(laplacian, known: np.ndarray, values: np.ndarray, *, screen: float | np.ndarray = 0.0) -> np.ndarray:
    """Extend values (known.sum(), C) from the known vertices harmonically to all vertices: (N, C).

    laplacian: from `cotangent_laplacian`.  known: (N,) bool.  screen: >= 0, pulls unknown vertices to zero; the larger
    it is, the sooner the values fade.
    """
    from scipy.sparse import diags
    from scipy.sparse.linalg import splu

    free = ~known
    out = np.zeros((len(known), values.shape[1]))
    out[known] = values
    matrix = laplacian[free][:, free] + diags(np.broadcast_to(screen, known.shape)[free] + 1e-9)
    out[free] = splu(matrix.tocsc()).solve(-(laplacian[free][:, known] @ values))
    return out
