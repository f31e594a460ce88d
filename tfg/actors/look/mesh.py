"""The mesh of an actor, which joins skin, eyes, tongue, teeth, lashes, clothes and hair.

Vertices that expressions move come first, then those that only turn with the head. Each vertex has a place in a texture
and a share of the head's turning; each triangle has a material.
"""
from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from tfg.actors.look import draw, hair, teeth
from tfg.actors.look.chart import chart
from tfg.actors.look.colour import linear
from tfg.actors.look.part import MeshPart
from tfg.head.model import Head

KIND_MATERIAL = {"hair": draw.HAIR, "cloth": draw.CLOTH, "teeth": draw.TEETH, "lash": draw.LASH}
BODY_M = 0.22               # length by which the body is extended below the lower edge of the head's mesh
EYE_R_M = 0.0156            # radius of the eyeball


@dataclass
class Mesh:
    """Vertices, triangles and textures of an actor.

    base: (N, 3) metres at expression 0.  offsets: (52, M, 3) metres by which each coefficient moves the first M.
    turn: (N,) share of the head's turning.  uv: (N, 2) place in the texture.  aux: (N,) of skin metres below the
    neckline, of teeth and tongue 0 in front .. 1 far back.  inside: (N,) 1 inside the mouth.
    triangles: (F, 3); material: (F,), of tfg.actors.look.draw; two_sided: (F,); solid: (F,) True if it casts shadows;
    place: (F, 3) offset, height and width of its texture in `atlas`, and gloss: (F,).  atlas: flat RGBA, square roots
    of linear colour, and alpha.  opaque: number of triangles, from the first, that need no alpha.  n_skin: number of
    those without the body's lower end.  edge: (E, 2) vertices at the body's lower end, and those whose normals they
    take.  first: number of the first vertex of the pieces, which have fixed unit normals normal: (P, 3) and directions
    of hairs tangent: (P, 3), both turning with the head, and light: (P,), a factor in [0, 1] on their light.
    """

    base: np.ndarray
    offsets: np.ndarray
    turn: np.ndarray
    uv: np.ndarray
    aux: np.ndarray
    inside: np.ndarray
    triangles: np.ndarray
    material: np.ndarray
    two_sided: np.ndarray
    place: np.ndarray
    gloss: np.ndarray
    atlas: np.ndarray
    opaque: int
    n_skin: int
    solid: np.ndarray
    edge: np.ndarray
    first: int
    normal: np.ndarray
    tangent: np.ndarray
    light: np.ndarray


@functools.lru_cache(maxsize=1)
def neck_turn() -> np.ndarray:
    """Share of the head's turning at each vertex: (V,) float32, 1 above the throat, 0 at the shoulders."""
    p = Head.load().mean
    t = np.clip((p[:, 1] + 0.5 * p[:, 2] + 0.232) / 0.085, 0, 1)
    t = np.maximum(t, (p[:, 1] > -0.118) & (p[:, 2] > -0.06))
    return (t * t * (3 - 2 * t)).astype(np.float32)


@functools.lru_cache(maxsize=1)
def body_edge() -> np.ndarray:
    """Edges of the mesh's open end below the neck: (E, 2) vertex numbers."""
    head = Head.load()
    tri = head.triangles[head.part == 0]
    edges = np.concatenate([tri[:, [0, 1]], tri[:, [1, 2]], tri[:, [2, 0]]])
    key = np.sort(edges, 1)
    _, first, count = np.unique(key[:, 0].astype(np.int64) * 100000 + key[:, 1], return_index=True, return_counts=True)
    open_edges = edges[first[count == 1]]
    return open_edges[head.mean[open_edges][..., 1].max(1) < -0.15]


def eye_uv(head: Head) -> np.ndarray:
    """Place of each vertex in the eye's texture, seen from the front: (V, 2); (0.5, 0.5) is the pupil, 0 and 1 are the
    ball's edges."""
    out = np.zeros((len(head.mean), 2), np.float32)
    for side in ("eye_left", "eye_right"):
        ball = np.unique(head.triangles[head.part_mask(side)])
        p = head.mean[ball]
        middle = (p.min(0) + p.max(0)) / 2
        out[ball] = 0.5 + (p[:, :2] - middle[:2]) * [1, -1] / (2 * EYE_R_M)
    return out


def _roots(texture: np.ndarray) -> np.ndarray:
    """Convert the sRGB of a texture (h, w, 4) uint8 to square roots of linear colour, which kernels decode by a square;
    alpha stays."""
    out = texture.copy()
    out[..., :3] = np.round(255 * np.sqrt(linear(np.arange(256) / 255))).astype(np.uint8)[texture[..., :3]]
    return out


def pieces(head: Head, identity, rest: np.ndarray, offsets: np.ndarray, neutral: np.ndarray) -> list[MeshPart]:
    """Teeth, lashes, hair and beard of a person as parts for `build`.

    rest: (V, 3) vertices at expression 0.  offsets: (52, V, 3).  neutral: (52,) expression of the face at rest, on
    which the hair is built.
    """
    at_rest = (rest + np.tensordot(neutral, offsets, 1)).astype(np.float32)
    strands = [MeshPart.of(p, rest, offsets) for p in hair.build(head, identity, at_rest)]
    return teeth.build(head, rest, offsets, identity) + teeth.lashes(head, rest, offsets, identity) + strands


def build(head: Head, rest: np.ndarray, offsets: np.ndarray, cloth: np.ndarray, parts: list[MeshPart]) -> Mesh:
    """Join head and parts into one `Mesh`.

    rest: (V, 3) vertices of the head at expression 0.  offsets: (52, V, 3).  cloth: (V,) metres below the neckline.
    """
    v = len(rest)
    drawn = ~head.part_mask("lash_left", "lash_right", "teeth_upper", "teeth_lower")
    tri = head.triangles[drawn].astype(np.int32)
    part = head.part[drawn]
    names = head.part_names
    material = np.full(len(tri), draw.SKIN, np.uint8)
    material[np.isin(part, [names.index("eye_left"), names.index("eye_right")])] = draw.EYE
    material[part == names.index("tongue")] = draw.FLESH
    uv = chart().uv.copy()
    balls = np.unique(tri[material == draw.EYE])
    uv[balls] = eye_uv(head)[balls]

    base, off, turn, uvs = [rest], [offsets], [neck_turn()], [uv]
    tris, mats, sides, places, glosses, solids = ([tri], [material], [np.zeros(len(tri), bool)],
                                                  [np.zeros((len(tri), 3), np.int32)],
                                                  [np.zeros(len(tri), np.float32)], [np.ones(len(tri), bool)])
    edge = body_edge()
    rim, where = np.unique(edge, return_inverse=True)
    a, b = edge.T
    c, d = (v + where.reshape(-1, 2)).T
    skirt = np.concatenate([np.stack([a, b, c], 1), np.stack([b, d, c], 1)]).astype(np.int32)
    base.append(rest[rim] + np.array([0, -BODY_M, 0], np.float32))
    off.append(offsets[:, rim])
    turn.append(np.zeros(len(rim), np.float32))
    uvs.append(uv[rim])
    n_moving = v + len(rim)
    tris.append(skirt)
    mats.append(np.full(len(skirt), draw.SKIN, np.uint8))
    sides.append(np.ones(len(skirt), bool))
    places.append(np.zeros((len(skirt), 3), np.int32))
    glosses.append(np.zeros(len(skirt), np.float32))
    solids.append(np.zeros(len(skirt), bool))
    n_skin, opaque = len(tri), len(tri) + len(skirt)

    cloth = np.array(cloth, np.float32)
    flesh = np.unique(tri[material == draw.FLESH])
    cloth[flesh] = np.clip((0.016 - head.mean[flesh, 2]) / 0.050, 0, 1)                 # how far back in the mouth
    aux = [cloth, cloth[rim] + np.float32(BODY_M)]
    atlas, frames, at, n = [], [(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0))], 0, n_moving
    for p in sorted(parts, key=lambda p: p.offsets is None):            # parts that expressions move come first
        base.append(p.base)
        if p.offsets is not None:
            off.append(p.offsets)
        turn.append(p.turn)
        uvs.append(p.uv)
        aux.append(p.aux)
        frames.append((p.normal, p.tangent, p.light))
        tris.append(p.triangles + n)
        n += len(p.base)
        h, w = p.texture.shape[:2]
        f = len(p.triangles)
        mats.append(np.full(f, KIND_MATERIAL[p.kind], np.uint8))
        sides.append(np.full(f, p.two_sided))
        places.append(np.tile(np.array([at, h, w], np.int32), (f, 1)))
        glosses.append(np.full(f, p.gloss, np.float32))
        solids.append(np.full(f, p.solid))
        atlas.append(_roots(p.texture).ravel())
        at += p.texture.size
    inside = np.zeros(n, np.float32)
    inside[:v] = head.masks["inside_mouth"]
    cat = np.concatenate
    return Mesh(base=cat(base).astype(np.float32), offsets=np.ascontiguousarray(cat(off, 1), np.float32),
                turn=cat(turn).astype(np.float32), uv=cat(uvs).astype(np.float32),
                aux=cat(aux).astype(np.float32), inside=inside,
                triangles=cat(tris).astype(np.int32), material=cat(mats), two_sided=cat(sides), place=cat(places),
                gloss=cat(glosses), atlas=cat(atlas) if atlas else np.zeros(4, np.uint8), opaque=opaque, n_skin=n_skin,
                solid=cat(solids), edge=np.stack([v + np.arange(len(rim)), rim], 1).astype(np.int32), first=n_moving,
                **{k: cat([f[i] for f in frames]).astype(np.float32)
                   for i, k in enumerate(("normal", "tangent", "light"))})
