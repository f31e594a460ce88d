"""Checks of notebooks/14_rhythmic_heads."""
from __future__ import annotations

import numpy as np

from tfg.course.check.core import Wrong, exercise, parts, same
from tfg.course.check.watch import kind


@exercise
def rigid_fit(answer):
    """rigid_fit(points (N, 3), face (N, 3)) -> (rotation, scale, shift): points = scale rotation face + shift."""
    for seed, mirrored in ((1, False), (2, False), (3, True)):
        points, face = _pair(seed, mirrored)
        got = parts(answer(points.copy(), face.copy()), "rotation (3, 3)", "scale", "shift (3,)")
        found = _fitted(points, face)

        def part(k, points=points, face=face, **wrong):
            return _fitted(points, face, **wrong)[k]

        where = "of points that a mirror has changed (noise in depth does that to a flat face)" if mirrored else ""
        same(got[0], found[0], what=f"rotation {where}".strip(), mistakes={
            "it is transposed: yours leads from the points to the face. svd(b.T @ a), and U S Vt": found[0].T,
            "svd gives V transposed already: U S Vt, with no .T": _turned_once_more(points, face),
            "a reflection is not excluded: its determinant is -1, so it turns a face inside out": part(0, mirror=True),
            "the sign stands at the first singular value: the LAST one costs least": part(0, first=True),
            "the whole matrix is negated against the reflection: only the last column of U changes its sign":
            -part(0, mirror=True),
            "the means were not taken off before the products were added up": part(0, centred=False),
            "the scale is still in it: a rotation has no size": found[0] * found[1]})
        same(got[1], found[1], what=f"scale {where}".strip(), mistakes={
            "the scale is forgotten: a face that is nearer is larger": 1.0,
            "it is the other way round: px for each cm, so divide by the FACE's squares": 1 / found[1],
            "the singular values are divided by the POINTS' squares: divide by the face's": part(1, of_points=True),
            "both sizes are compared: that is right without noise alone, for noise has a size, too": part(
                1, ratio=True),
            "the last singular value counts with a plus, although the last column was turned: sum(D S)":
            part(1, unsigned=True),
            "the singular values are averaged: add them up": found[1] / 3})
        same(got[2], found[2], what=f"shift {where}".strip(), mistakes={
            "the two means are subtracted: the face's mean is turned and scaled first": points.mean(0) - face.mean(0),
            "it is the mean of the points: take off where the face's own mean went": points.mean(0),
            "the face's mean is turned, but not scaled": points.mean(0) - found[0] @ face.mean(0),
            "the face's mean is scaled, but not turned": points.mean(0) - found[1] * face.mean(0),
            "the sign is turned round": -found[2]})


def _turned_once_more(points, face):
    u, _, vt = np.linalg.svd((points - points.mean(0)).T @ (face - face.mean(0)))
    return u * [1, 1, np.linalg.det(u @ vt)] @ vt.T


@exercise
def in_pose_of(answer):
    """in_pose_of(a (68, 3), b (68, 3), fit) -> (68, 3): the face of a in the pose of b."""
    from tfg.systems.rhythmic import pose

    for seed in (1, 2):
        a, b = _two_people(seed)
        got = answer(a.copy(), b.copy(), lambda points: tuple(pose.fit(points)))
        (ra, sa, ta), (rb, sb, tb) = pose.fit(a), pose.fit(b)
        face = (a - ta) @ ra / sa
        same(got, sb * face @ rb.T + tb, what="in_pose_of", atol=1e-3, mistakes={
            "the two are exchanged: the FACE is a's, the pose is b's": sa * ((b - tb) @ rb / sb) @ ra.T + ta,
            "nothing of a is left: fit takes the pose of b, the face comes from a": b,
            "a still has its own pose": a,
            "a's rotation is not undone, so b's comes on top of it": sb * ((a - ta) / sa) @ rb.T + tb,
            "a's rotation is done twice, not undone: of rows, (a - shift) @ rotation": sb * ((a - ta) @ ra.T / sa)
            @ rb.T + tb,
            "b's rotation is transposed: of rows, face @ rotation.T": sb * face @ rb + tb,
            "b's rotation is forgotten": sb * face + tb,
            "both scales are forgotten: a keeps the size it had": sa * face @ rb.T + tb,
            "a's size is multiplied once more: divide by a's scale": sb * (face * sa * sa) @ rb.T + tb,
            "the face is still in centimetres: multiply by b's scale": face @ rb.T + tb,
            "the face stays in a's place: the shift is b's": sb * face @ rb.T + ta,
            "the shift of b is forgotten": sb * face @ rb.T})


@exercise(learns=("query keys maps", "query keys"))
def attend(answer):
    """attend(query (C, h, w), keys (K, C, h, w), maps (K, E, h, w)) -> (mixed (E, h, w), share (K, h, w))."""
    import torch

    for K, C, E, h, w, seed in ((3, 6, 4, 5, 7, 1), (5, 4, 3, 6, 5, 2)):
        g = torch.Generator().manual_seed(seed)
        query, keys, maps = (torch.randn(*n, h, w, generator=g, requires_grad=True) for n in ((C,), (K, C), (K, E)))
        start = [x.detach().clone() for x in (query, keys, maps)]
        got = answer(query, keys, maps)
        mixed, share = _tensors(parts(got, "the mixed map", "the shares"), ("the mixed map", "the share"))
        like = (start[0] * start[1]).sum(1)                               # (K, h, w)
        right = (like / C ** .5).softmax(0)
        if share.shape == (E, h, w) and mixed.shape == (K, h, w):
            raise Wrong("map and shares are exchanged: return the mixed map first")
        same(share, right, what="the share", mistakes={
            "the square root of d is missing: with many channels one shot takes all. Divide by C ** .5":
            like.softmax(0),
            "it is divided by C, not by its square root": (like / C).softmax(0),
            "it is divided by the root of the number of SHOTS: d is the length of a key, C": (
                like / K ** .5).softmax(0),
            "the softmax runs over rows: at each place the SHOTS' shares add up to 1, so softmax over axis 0":
            (like / C ** .5).softmax(1),
            "the softmax runs over columns: at each place the SHOTS' shares add up to 1, so softmax over axis 0":
            (like / C ** .5).softmax(2),
            "the softmax runs over all places of a shot: at each place the SHOTS' shares add up to 1":
            (like / C ** .5).flatten(1).softmax(1).view_as(like),
            "the softmax runs over shots and places together: at each PLACE the shots' shares add up to 1":
            (like / C ** .5).flatten().softmax(0).view_as(like),
            "there is no softmax: shares are positive and add up to 1": like / C ** .5,
            "a sigmoid stands for the softmax: then they do not add up to 1": torch.sigmoid(like / C ** .5),
            "one shot takes all: a maximum has no gradient": torch.nn.functional.one_hot(
                like.argmax(0), K).movedim(-1, 0),
            "all shots count alike, that is their mean: where is the query?": torch.full_like(like, 1 / K),
            "what is unlike counts most: the sign is turned": (-like / C ** .5).softmax(0)})
        same(mixed, (right[:, None] * start[2]).sum(0), what="the mixed map", mistakes={
            "it is the mean of the shots: weigh them by the shares": start[2].mean(0),
            "the sum is divided by K: shares add up to 1 already": (right[:, None] * start[2]).mean(0),
            "all shots are added up without their shares": start[2].sum(0)})


@exercise(learns="colour ani m_ani ref m_ref")
def lay_over(answer):
    """lay_over(colour, ani, m_ani, ref, m_ref) -> (B, 3, S, S): paint, over it the render, over that the reference."""
    import torch

    for B, S, seed in ((2, 5, 1), (1, 6, 2)):
        g = torch.Generator().manual_seed(seed)
        given = [torch.rand(B, n, S, S, generator=g, requires_grad=True) for n in (3, 3, 1, 3, 1)]
        start = [x.detach().clone() for x in given]
        got, = _tensors([answer(*given)], ("the result",))
        colour, ani, ma, ref, mr = start

        def over(top, mask, below):
            return mask * top + (1 - mask) * below

        same(got, over(ref, mr, over(ani, ma, colour)), what="lay_over", mistakes={
            "the order is wrong: the render lies over the reference. Lay the render over the paint FIRST": over(
                ani, ma, over(ref, mr, colour)),
            "the masks are exchanged": over(ref, ma, over(ani, mr, colour)),
            "the masks are turned round: where a mask is 1, its picture shows": over(
                ref, 1 - mr, over(ani, 1 - ma, colour)),
            "the paint gets 1 - m_ref - m_ani, which can be below 0: the render has what the reference LEAVES":
            mr * ref + ma * ani + (1 - mr - ma) * colour,
            "the three are added up without taking shares from what lies below": mr * ref + ma * ani + colour,
            "one mask cuts both: the reference's own is m_ref, the render's m_ani": over(
                ref, mr, over(ani, mr, colour)),
            "the render shows in full where the reference does not: its own mask leaves room for paint": over(
                ref, mr, ani),
            "the render is missing": over(ref, mr, colour), "the reference is missing": over(ani, ma, colour),
            "the paint is missing: where neither is trusted, it shows": mr * ref + (1 - mr) * ma * ani,
            "all three count alike: the masks say where each shows": (ref + ani + colour) / 3})


# ---- references and variants of them ----------------------------------------------------------------------------
def _pair(seed: int, mirrored: bool) -> tuple[np.ndarray, np.ndarray]:
    """A face (N, 3) and its points in a pose, with noise; mirrored: as seen in a mirror, so that the best orthogonal
    matrix is a reflection."""
    rng = np.random.default_rng(seed)
    face = rng.normal(size=(9 + seed, 3)) * [5, 7, 2.5] + [1, 2, -3]
    u, _, vt = np.linalg.svd(rng.normal(size=(3, 3)))
    rotation = u @ vt * np.sign(np.linalg.det(u @ vt))
    seen = face * [1, 1, -1] if mirrored else face
    return (1.5 + seed) * seen @ rotation.T + rng.normal(size=3) * 40 + rng.normal(size=face.shape), face


def _fitted(points, face, *, mirror=False, first=False, centred=True, ratio=False, of_points=False, unsigned=False):
    """`rigid_fit` as it should be, or with one mistake."""
    b, a = (x - x.mean(0) if centred else x for x in (points, face))
    u, d, vt = np.linalg.svd(b.T @ a)
    sign = np.ones(3) if mirror else np.array([1, 1, np.linalg.det(u @ vt)])
    sign = sign[::-1] if first else sign
    rotation = (u * sign) @ vt
    scale = (d if unsigned else d * sign).sum() / ((b if of_points else a) ** 2).sum()
    scale = np.sqrt((b ** 2).sum() / (a ** 2).sum()) if ratio else scale
    return rotation, scale, points.mean(0) - scale * rotation @ face.mean(0)


def _two_people(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Landmarks (68, 3) px of two people in two poses."""
    from tfg.systems.rhythmic import pose

    rng = np.random.default_rng(seed)
    faces = pose.template() * rng.uniform(.9, 1.1, (2, 1, 3)) + rng.normal(size=(2, 68, 3)) * .05
    turns = rng.uniform(-1, 1, (2, 6)) * [30, 20, 15, .1, .1, .1]
    rests = [pose.Rigid(np.eye(3), np.array(4.0 + 3 * k), np.array([60.0 + 30 * k, 55 + 9 * k, 0])) for k in (0, 1)]
    a, b = (pose.recompose(f, pose.turned(r, t)) for f, r, t in zip(faces, rests, turns))
    return a.astype(float), b.astype(float)


def _tensors(values, names) -> list:
    """The values, if all are torch tensors; else raise Wrong."""
    import torch

    for value, name in zip(values, names):
        if not torch.is_tensor(value):
            raise Wrong(f"{name} is {kind(value)}: stay with torch, or no gradient can flow back")
    return list(values)
