"""Wrong answers to the exercises of notebooks/14_rhythmic_heads: name -> [(answer, a word of the message)], for
test_course_check."""
from __future__ import annotations

import numpy as np
import torch

from tfg.course.check.rhythmic import _fitted


def _posed(a, b, fit, *, undo=True, twice=False, back=False, sizes=True, place=True):
    """The face of a in the pose of b, or with one mistake."""
    (ra, sa, ta), (rb, sb, tb) = fit(a), fit(b)
    face = (a - ta) @ ((ra.T if twice else ra) if undo else np.eye(3))
    face = face / sa * sb if sizes else face
    return face @ (rb if back else rb.T) + (tb if place else ta)


def _in_place(a, b, fit):
    (ra, sa, ta), (rb, sb, tb) = fit(a), fit(b)
    a -= ta
    return sb * (a @ ra / sa) @ rb.T + tb


def _fit_in_place(points, face):
    found = _fitted(points, face)
    points -= points.mean(0)
    return found


def _fit(**wrong):
    return lambda points, face: _fitted(points, face, **wrong)


def _shift(value):
    """The right rotation and scale with another shift.  value: function of points, face, rotation, scale."""
    def answer(points, face):
        rotation, scale, _ = _fitted(points, face)
        return rotation, scale, value(points, face, rotation, scale)
    return answer


def _look(query, keys, maps, *, root=.5, axis=0, how=None, weigh=True):
    """Attention over shots, or with one mistake."""
    like = (query * keys).sum(1)
    share = (like / query.shape[0] ** root).softmax(axis) if how is None else how(like)
    return (share[:, None] * maps).sum(0) if weigh else maps.mean(0), share


def _numpy(query, keys, maps):
    return tuple(x.detach().numpy() for x in _look(query, keys, maps))


def _maps_in_place(query, keys, maps):
    mixed, share = _look(query, keys, maps)
    maps.data *= share[:, None].detach()
    return mixed, share


def _everywhere(like):
    return like.flatten(1).softmax(1).view_as(like)


def _over(top, mask, below):
    return mask * top + (1 - mask) * below


def _colour_in_place(colour, ani, m_ani, ref, m_ref):
    out = _over(ref, m_ref, _over(ani, m_ani, colour))
    colour.data *= 1 - m_ani.data
    return out


WRONG = {
    "rigid_fit": [(lambda p, f: _fitted(f, p), "transposed"),
                  (lambda p, f: (lambda r, s, t: (r.T, s, t))(*_fitted(p, f)), "transposed"),
                  (_fit(mirror=True), "reflection"), (_fit(first=True), "LAST one"), (_fit(centred=False), "means"),
                  (lambda p, f: (_fitted(p, f)[0], 1.0, _fitted(p, f)[2]), "forgotten"),
                  (lambda p, f: (_fitted(p, f)[0], 1 / _fitted(p, f)[1], _fitted(p, f)[2]), "other way round"),
                  (_fit(ratio=True), "noise"), (_fit(of_points=True), "POINTS' squares"), (_fit(unsigned=True), "plus"),
                  (_shift(lambda p, f, r, s: p.mean(0) - f.mean(0)), "turned and scaled"),
                  (_shift(lambda p, f, r, s: p.mean(0)), "own mean went"),
                  (_shift(lambda p, f, r, s: p.mean(0) - r @ f.mean(0)), "not scaled"),
                  (lambda p, f: _fitted(p, f)[0], "return all three"), (_fit_in_place, "in place")],
    "in_pose_of": [(lambda a, b, fit: _posed(b, a, fit), "exchanged"), (lambda a, b, fit: b, "nothing of a"),
                   (lambda a, b, fit: _posed(a, b, fit, undo=False), "not undone"),
                   (lambda a, b, fit: _posed(a, b, fit, twice=True), "done twice"),
                   (lambda a, b, fit: _posed(a, b, fit, back=True), "b's rotation is transposed"),
                   (lambda a, b, fit: _posed(a, b, fit, sizes=False), "scales are forgotten"),
                   (lambda a, b, fit: _posed(a, b, fit, place=False), "a's place"), (_in_place, "`a` in place"),
                   (lambda a, b, fit: None, "return")],
    "attend": [(lambda q, k, m: _look(q, k, m, root=0), "square root of d is missing"),
               (lambda q, k, m: _look(q, k, m, root=1), "not by its square root"),
               (lambda q, k, m: _look(q, k, m, axis=1), "over rows"),
               (lambda q, k, m: _look(q, k, m, axis=2), "over columns"),
               (lambda q, k, m: _look(q, k, m, how=lambda x: _everywhere(x / len(q) ** .5)), "all places of a shot"),
               (lambda q, k, m: _look(q, k, m, how=lambda x: x / len(q) ** .5), "no softmax"),
               (lambda q, k, m: _look(q, k, m, how=lambda x: torch.sigmoid(x / len(q) ** .5)), "sigmoid"),
               (lambda q, k, m: _look(q, k, m, how=lambda x: torch.full_like(x, 1 / len(x))), "mean"),
               (lambda q, k, m: _look(q, k, m, how=lambda x: (-x / len(q) ** .5).softmax(0)), "sign"),
               (lambda q, k, m: _look(q, k, m, weigh=False), "weigh them"),
               (lambda q, k, m: _look(q.detach(), k, m), "reaches `query`"),
               (lambda q, k, m: _look(q, k, m.detach()), "reaches `maps`"), (_numpy, "NumPy array"),
               (_maps_in_place, "`maps` in place"), (lambda q, k, m: _look(q, k, m)[0], "return both"),
               (lambda q, k, m: _look(q, k, m)[::-1], "map first")],
    "lay_over": [(lambda c, a, ma, r, mr: _over(a, ma, _over(r, mr, c)), "order"),
                 (lambda c, a, ma, r, mr: _over(r, ma, _over(a, mr, c)), "masks are exchanged"),
                 (lambda c, a, ma, r, mr: _over(r, 1 - mr, _over(a, 1 - ma, c)), "turned round"),
                 (lambda c, a, ma, r, mr: mr * r + ma * a + (1 - mr - ma) * c, "below 0"),
                 (lambda c, a, ma, r, mr: mr * r + ma * a + c, "added up"),
                 (lambda c, a, ma, r, mr: _over(r, mr, c), "render is missing"),
                 (lambda c, a, ma, r, mr: mr * r + (1 - mr) * ma * a, "paint is missing"),
                 (lambda c, a, ma, r, mr: _over(r, mr.detach(), _over(a, ma, c)), "reaches `m_ref`"),
                 (lambda c, a, ma, r, mr: _over(r, mr, _over(a, ma, c)).detach().numpy(), "NumPy array"),
                 (_colour_in_place, "`colour` in place")],
}
