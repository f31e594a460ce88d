"""Hair and beards of virtual actors: structure, where they may not be, and what follows the skin."""
from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from tfg.actors.look import hair as h
from tfg.actors.look.beard import build_beard
from tfg.actors.look.hair_style import BEARDS, STYLES, Beard, Hair, tones
from tfg.actors.look.haircuts import depth_of
from tfg.actors.look.scalp import cap_mesh
from tfg.errors import InputError
from tfg.head.model import Head
from tfg.vocabulary import INDEX

HEAD = Head.load()
REST = HEAD.vertices()
HAIRY = [s for s in STYLES if s != "bald"]
GROWN = ["moustache", "goatee", "short", "long"]


def person(style, seed, **kwargs):
    rng = np.random.default_rng([seed, 3])
    return dataclasses.replace(Hair.from_rng(rng, seed % 2, 30, (0.2, 0.3, 0.5), style=style), **kwargs)


def points(pieces):
    return np.concatenate([p.rest(REST) for p in pieces])


def test_from_rng_is_deterministic_and_survives_json():
    a, b = (Hair.from_rng(np.random.default_rng(4), 0.2, 40, (0.1, 0.2, 0.7)) for _ in range(2))
    assert a == b and Hair.from_dict(json.loads(json.dumps(a.to_dict()))) == a
    other = Hair.from_rng(np.random.default_rng(5), 0.2, 40, (0.1, 0.2, 0.7))
    assert other != a
    beard = Beard.from_rng(np.random.default_rng(4), "male", 40, {"asian": 1.0}, a)
    assert Beard.from_dict(json.loads(json.dumps(beard.to_dict()))) == beard


def test_people_differ():
    rng = np.random.default_rng(0)
    hairs = [Hair.from_rng(rng, i % 2, 20 + i / 4, np.eye(3)[i % 3]) for i in range(240)]
    beards = [Beard.from_rng(rng, i % 2, 20 + i / 4, np.eye(3)[i % 3]) for i in range(240)]
    assert {x.style for x in hairs} == set(STYLES)
    assert {x.style for x in beards} == set(BEARDS)
    assert all(b.style == "none" for b in beards[::2])                      # women
    light = np.array([sum(x.colour) / 3 for x in hairs])
    assert light.min() < 0.12 and light.max() > 0.45
    assert max(x.grey for x in hairs[:40]) == 0 and max(x.grey for x in hairs[-60:]) > 0.5


def test_unknown_styles_are_refused():
    with pytest.raises(InputError, match="mullet"):
        Hair(style="mullet")
    with pytest.raises(InputError, match="goat"):
        Beard(style="goat")


def test_grey_hair_is_paler():
    rng = np.random.default_rng
    dark, grey = (tones((0.2, 0.14, 0.1), (0.25, 0.18, 0.12), g, rng(1)).mean() for g in (0.0, 0.9))
    assert grey > 2 * dark


@pytest.mark.parametrize("style", HAIRY)
def test_pieces_are_whole(style):
    pieces = h.build_hair(HEAD, person(style, 1), REST)
    assert sum(len(p.triangles) for p in pieces) <= 6500
    for p in pieces:
        m = len(p.offset)
        assert p.triangles.min() >= 0 and p.triangles.max() < m
        assert p.bind_vertices.min() >= 0 and p.bind_vertices.max() < len(REST)
        assert np.isfinite(p.offset).all() and np.abs(p.offset).max() < 0.5
        assert p.uv.min() >= 0 and p.uv.max() <= 1
        normal, tangent = p.frame(REST)
        assert np.allclose(np.linalg.norm(normal, axis=1), 1, atol=1e-3)
        assert np.median(np.linalg.norm(tangent, axis=1)) == pytest.approx(1, abs=1e-3)
        assert (p.follow == 1).all() and p.shade.min() >= 0 and p.shade.max() <= 1


def test_bald_has_no_geometry():
    assert h.build_hair(HEAD, Hair(style="bald"), REST) == []
    assert build_beard(HEAD, Beard(style="none"), REST) == build_beard(HEAD, Beard(style="stubble"), REST) == []


@pytest.mark.parametrize("style", ["crop", "wavy", "bun"])
def test_same_seed_same_bytes(style):
    a, b = (h.build_hair(HEAD, person(style, 2), REST) for _ in range(2))
    for p, q in zip(a, b, strict=True):
        assert p.offset.tobytes() == q.offset.tobytes() and p.texture.tobytes() == q.texture.tobytes()
    c = h.build_hair(HEAD, dataclasses.replace(person(style, 2), seed=99), REST)
    assert c[0].offset.tobytes() != a[0].offset.tobytes()


def occupied(pieces, x, y, cell=0.006):
    """(120, 120) bool: where hair is, seen along an axis."""
    parts = [(p.rest(REST), p.triangles) for p in pieces]
    at = np.concatenate([np.concatenate([v, v[t].mean(1)]) for v, t in parts])[:, [x, y]]
    out = np.zeros((120, 120), bool)
    out[tuple(np.clip(np.floor(at / cell).astype(int) + 60, 0, 119).T)] = True
    return out


def test_styles_differ_in_silhouette():
    same = dict(seed=5, colour=(0.2, 0.2, 0.2), tip=(0.2, 0.2, 0.2), grey=0, length=0.5, volume=0.5, curl=0.5)
    seen = {s: np.stack([occupied(h.build_hair(HEAD, Hair(style=s, **same), REST), *axes)
                         for axes in ((0, 1), (2, 1))]) for s in HAIRY}
    for i, a in enumerate(HAIRY):
        for b in HAIRY[i + 1:]:
            share = (seen[a] & seen[b]).sum() / (seen[a] | seen[b]).sum()
            assert share < 0.93, (a, b, share)
    span = {s: np.argwhere(seen[s][0])[:, 1] for s in HAIRY}
    assert span["long"].min() < span["bob"].min() < span["crop"].min() + 1     # how far down each hangs
    assert seen["afro"][0].sum() > 1.5 * seen["buzz"][0].sum()


@pytest.mark.parametrize("style", HAIRY)
def test_nothing_hangs_before_eyes_nose_or_mouth(style):
    for seed in range(4):
        hair = person(style, seed, length=[0.0, 1.0, 0.3, 0.7][seed], volume=[1.0, 0.0, 0.5, 1.0][seed])
        p = points(h.build_hair(HEAD, hair, REST))
        low = p[(p[:, 1] < 0.020) & (p[:, 1] > -0.10) & (np.abs(p[:, 0]) < 0.047) & (p[:, 2] > -0.03)]
        assert len(low) == 0, (seed, low[:3])


def test_ears_are_free_under_short_hair_and_covered_by_a_bob():
    ears = REST[HEAD.masks["ears"] > 0.5]
    low, high = ears.min(0), ears.max(0)

    def over(style):
        p = points(h.build_hair(HEAD, person(style, 1, length=0.5, ears=0.0), REST))
        at = (p[:, 1] > low[1]) & (p[:, 1] < high[1] - 0.012) & (p[:, 2] > low[2] + 0.005) & (p[:, 2] < high[2])
        return int((at & (np.abs(p[:, 0]) > 0.078)).sum())

    assert max(over("crop"), over("buzz"), over("receding"), over("ponytail")) < 25 < over("bob")


@pytest.mark.parametrize("style", ["crop", "side_part", "bob", "long", "ponytail"])
def test_locks_start_on_the_scalp(style):
    from scipy.spatial import cKDTree

    hair = person(style, 3)
    locks = h.build_hair(HEAD, hair, REST)[0]
    root = locks.rest(REST)[locks.uv[:, 1] == 0].reshape(-1, 2, 3).mean(1)
    dense = REST[HEAD.triangles[HEAD.part == 0]]
    dense = np.concatenate([dense.mean(1), *np.moveaxis(dense, 1, 0), (dense[:, 0] + dense[:, 1]) / 2])
    assert np.percentile(cKDTree(dense).query(root)[0], 99) < 0.012


@pytest.mark.parametrize("style", ["crop", "long", "curly", "bun"])
def test_under_layer_is_closed_inside_and_ragged_at_the_hairline(style):
    hair = person(style, 2)
    cap = h.build_hair(HEAD, hair, REST)[-1]
    vertex, _, uv = cap_mesh()
    depth = depth_of(hair, HEAD.mean[vertex])
    size = cap.texture.shape[0]
    at = np.clip((uv * size).astype(int), 0, size - 1)
    alpha = cap.texture[at[:, 1], at[:, 0], 3]
    assert np.percentile(alpha[depth > 0.018], 2) > 229                     # solid for every dithered threshold
    assert alpha[depth < -0.008].max() < 26
    edge = alpha[np.abs(depth) < 0.004]
    assert edge.std() > 40


@pytest.mark.parametrize("style", GROWN)
def test_beards_leave_the_mouth_open_and_follow_the_jaw(style):
    from matplotlib.path import Path

    jaw = np.zeros(52, np.float32)
    jaw[INDEX["jawOpen"]] = 0.6
    inner = [78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95]
    for seed in range(3):
        beard = dataclasses.replace(Beard.from_rng(np.random.default_rng(seed), 1, 30, "caucasian", style=style),
                                    length=[0.0, 1.0, 0.5][seed], density=1.0)
        (piece,) = build_beard(HEAD, beard, REST)
        assert len(piece.triangles) <= 3600 and (piece.follow == 0).all()
        moved = []
        for expression in (None, jaw):
            now = HEAD.vertices(None, expression)
            p = now[piece.bind_vertices] + piece.offset
            mouth = Path(HEAD.at_landmarks(now)[inner][:, :2])
            covering = mouth.contains_points(p[:, :2]) & (p[:, 2] > 0)
            assert covering.mean() < 0.004, (seed, covering.sum())
            moved.append(p)
        drop = moved[0][:, 1] - moved[1][:, 1]
        if style == "moustache":
            assert np.abs(drop).max() < 0.008
        else:
            assert drop.max() > 0.008


def test_densities_are_where_hair_grows():
    lips = HEAD.mean[HEAD.masks["lips"] > 0.8]
    lips = lips[lips[:, 2] > 0.02]
    forehead, chin, crown = np.array([[0, 0.045, 0.02]]), np.array([[0.0, -0.110, 0.02]]), np.array([[0, 0.11, -0.08]])
    for style in BEARDS:
        b = Beard(style=style, density=1.0)
        d = h.beard_density(b, HEAD.mean)
        assert d.shape == (len(HEAD.mean),) and d.min() >= 0 and d.max() <= 1
        assert h.beard_density(b, lips).mean() < 0.12 and h.beard_density(b, forehead)[0] == 0
    assert h.beard_density(Beard(style="short"), chin)[0] > 0.5 > h.beard_density(Beard(style="stubble"), chin)[0] > 0.1
    for style in STYLES:
        hair = Hair(style=style)
        d = h.scalp_density(hair, HEAD.mean)
        assert d.min() >= 0 and d.max() <= 1 and h.scalp_density(hair, forehead)[0] < 0.01
    assert h.scalp_density(Hair(style="crop"), crown)[0] > 0.5


def test_receding_hair_bares_the_front():
    front = np.array([[0.0, 0.088, -0.02]])
    assert depth_of(Hair(style="crop"), front)[0] > 0.005
    assert depth_of(Hair(style="receding", length=0.9, volume=0.9), front)[0] < 0
