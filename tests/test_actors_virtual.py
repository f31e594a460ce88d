"""The virtual actor: pictures that follow expression and pose, and a truth that fits the pictures."""
from __future__ import annotations

import json

import numpy as np
import pytest

from tfg.actors.actor import LAYER, Actor
from tfg.actors.identity import Identity
from tfg.actors.look import draw
from tfg.actors.virtual import VirtualActor
from tfg.errors import InputError
from tfg.vocabulary import index

SIZE = 96


@pytest.fixture(scope="module")
def actor() -> VirtualActor:
    return VirtualActor(Identity.from_seed(5), name="V006", size=SIZE)


def face(actor, **values) -> np.ndarray:
    out = actor.neutral.copy()
    for name, value in values.items():
        out[index(name)] = value
    return out


def share(actor, name, **values) -> float:
    return float((actor.layers(face(actor, **values)).labels == LAYER[name]).mean())


def test_it_is_an_actor(actor):
    assert isinstance(actor, Actor)
    assert actor.kind == "virtual" and actor.name == "V006" and actor.seed == 5 and actor.size == (SIZE, SIZE)
    json.dumps([actor.about, actor.camera])
    assert actor.camera["scale_px_per_m"] > 0 and len(actor.camera["shift_px"]) == 2
    np.testing.assert_allclose(actor.personal(np.zeros((3, 52)))[1], actor.neutral)
    np.testing.assert_allclose(actor.personal(np.ones(52)), 1, atol=1e-6)


def test_same_seed_same_bytes(actor):
    again = VirtualActor(Identity.from_dict(json.loads(json.dumps(actor.identity.to_dict()))), size=SIZE)
    e, pose = face(actor, jawOpen=.4, mouthSmile=.3), np.array([8., -4, 2, .01, 0, .02])
    picture = actor.render(e, pose)
    assert picture.shape == (SIZE, SIZE, 3) and picture.dtype == np.uint8
    actor.render(face(actor, eyeBlink=1.))                                      # what came between does not matter
    assert np.array_equal(actor.render(e, pose), picture)
    assert np.array_equal(again.render(e, pose), picture)
    assert np.array_equal(again.landmarks(e, pose), actor.landmarks(e, pose))
    assert not np.array_equal(VirtualActor(Identity.from_seed(6), size=SIZE).render(e, pose), picture)


def test_eyes_close_and_lips_part_and_seal(actor):
    assert share(actor, "eyes") > 0.001
    assert share(actor, "eyes", eyeBlink=1.) < 0.1 * share(actor, "eyes")
    assert share(actor, "eyes", eyeBlink=1., eyeWide=1.) < 0.1 * share(actor, "eyes")
    inside = share(actor, "mouth", jawOpen=.6) + share(actor, "teeth", jawOpen=.6)
    assert inside > 0.002
    sealed = dict(jawOpen=.6, mouthClose=.6)
    assert share(actor, "mouth", **sealed) + share(actor, "teeth", **sealed) < 0.1 * inside
    assert share(actor, "teeth", mouthUpperUp=1., mouthLowerDown=1.) > 0.001


def test_layers(actor):
    labels, depth = actor.layers(actor.neutral)
    assert labels.shape == depth.shape == (SIZE, SIZE)
    for name in ("background", "skin", "lips", "eyes", "hair", "clothes"):
        assert (labels == LAYER[name]).any(), name
    assert np.array_equal(np.isinf(depth), labels == LAYER["background"])
    near = depth[np.isfinite(depth)]
    assert abs(near.min() - actor.camera["distance_m"]) < 0.1                   # the nose
    row, col = np.unravel_index(np.argmin(depth), depth.shape)
    nose = actor.landmarks(actor.neutral)[1]
    assert np.hypot(col - nose[0], row - nose[1]) < 0.06 * SIZE


def test_lashes_count_as_eyes():
    person = Identity.from_seed(40)
    assert person.hair.style == "bald" and person.beard.style == "none"
    bald = VirtualActor(person, size=SIZE)
    assert (bald.mesh.material == draw.LASH).any()
    open_eyes, shut = (bald.layers(e).labels for e in (bald.neutral, face(bald, eyeBlink=1.)))
    assert (open_eyes == LAYER["eyes"]).any()
    assert not (open_eyes == LAYER["hair"]).any() and not (shut == LAYER["hair"]).any()


def test_landmarks_fit_the_labels(actor):
    for e, pose in ((actor.neutral, None), (face(actor, jawOpen=.5), np.array([10., 5, -5, 0, 0, 0]))):
        p = actor.landmarks(e, pose)
        assert p.shape == (478, 3) and p.dtype == np.float32
        labels = actor.layers(e, pose).labels
        for k, names in ((468, ("eyes",)), (473, ("eyes",)), (4, ("skin",)), (50, ("skin",)), (0, ("lips", "skin")),
                         (17, ("lips", "skin"))):
            x, y = np.round(p[k, :2]).astype(int)
            assert labels[y, x] in [LAYER[n] for n in names], k
        assert p[4, 2] < p[234, 2] and p[4, 2] < p[454, 2]                      # the nose is nearer than the ears


def test_landmarks_fit_what_a_landmarker_reads(actor):
    from tfg.faces.landmarks import detect

    e = face(actor, jawOpen=.3)
    found = detect(actor.render(e))
    truth = actor.landmarks(e)
    error = np.linalg.norm(found[0].points[:, :2] - truth[:, :2], axis=1).mean()
    assert error < 0.05 * np.linalg.norm(truth[33, :2] - truth[263, :2])


def test_pose_turns_the_head_and_leaves_the_shoulders(actor):
    rest, turned = (actor.landmarks(actor.neutral, p) for p in (None, np.array([15., 0, 0, 0, 0, 0])))
    assert turned[4, 0] > rest[4, 0] + 0.03 * SIZE                              # yaw > 0: to the right of the picture
    up = actor.landmarks(actor.neutral, np.array([0, 12., 0, 0, 0, 0]))
    assert up[4, 1] < rest[4, 1]
    a, b = actor.render(actor.neutral), actor.render(actor.neutral, np.array([15., 0, 0, 0, 0, 0]))
    corner = np.s_[-4:, :SIZE // 6]
    assert np.array_equal(a[:4, :4], b[:4, :4])                                 # the room stands still
    assert np.abs(a[corner].astype(int) - b[corner]).mean() < 8


def test_flow(actor):
    a, b = (actor.neutral, None), (face(actor, jawOpen=.4), np.array([6., 0, 3, 0, 0, 0]))
    still = actor.flow(a, a)
    seen = np.isfinite(still[..., 0])
    assert np.abs(still[seen]).max() < 1e-4
    assert not seen[actor.layers(*a).labels == LAYER["background"]][:50].any()
    flow = actor.flow(a, b)
    p, q = actor.landmarks(*a), actor.landmarks(*b)
    for k in (4, 50, 280, 9, 199):
        x, y = np.round(p[k, :2]).astype(int)
        assert np.linalg.norm(flow[y, x] - (q - p)[k, :2]) < 0.75, k


def test_people_look_different():
    small = [VirtualActor(Identity.from_seed(s), size=32) for s in range(6)]
    thumbs = np.stack([a.render(a.neutral) for a in small]).astype(float)
    far = np.abs(thumbs[:, None] - thumbs[None]).mean((2, 3, 4)) + 99 * np.eye(len(small))
    assert far.min() > 12


def test_light_comes_from_its_side():
    import dataclasses

    person = Identity.from_seed(7)
    lit = []
    for azimuth in (-55.0, 55.0):
        light = dataclasses.replace(person.light, azimuth=azimuth, softness=0.3)
        a = VirtualActor(dataclasses.replace(person, light=light), size=64)
        p = a.landmarks(a.neutral)
        image = a.render(a.neutral).astype(float).mean(-1)
        left, right = (image[tuple(np.round(p[k, 1::-1]).astype(int))] for k in (50, 280))      # cheeks in the picture
        lit.append(right - left)
    assert lit[1] > 10 and lit[0] < -10


@pytest.mark.parametrize("size", [31, 97, 2048, "128", 96.0])
def test_bad_sizes(size):
    with pytest.raises(InputError, match="size"):
        VirtualActor(Identity.from_seed(1), size=size)


def test_bad_frames(actor):
    with pytest.raises(InputError, match="52"):
        actor.render(np.zeros(51))
    with pytest.raises(InputError, match="pose"):
        actor.landmarks(actor.neutral, np.zeros(3))
    with pytest.raises(InputError, match="NaN|finite"):
        actor.render(np.full(52, np.nan))
