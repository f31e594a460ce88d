"""A photo as an actor: its labels must move as its pixels do. The face ships with tfg."""
import json

import numpy as np
import pytest

from tfg import paths
from tfg.actors import portrait as module
from tfg.actors.actor import LAYER, UNKNOWN, Actor
from tfg.actors.binding import bind_landmarks
from tfg.actors.portrait import PortraitActor, suitable
from tfg.corpora import sfhq
from tfg.errors import InputError
from tfg.head.openings import IRIS
from tfg.head.template import EYE_LEFT, EYE_RIGHT, LIPS
from tfg.vocabulary import index

PHOTO = paths.data("faces", "default.jpg")
POSE = np.array([8.0, -4, 6, 0.05, 0, 0])


def asked(**values):
    e = np.zeros(52, np.float32)
    for name, value in values.items():
        e[index(name)] = value
    return e


@pytest.fixture(scope="module")
def actor():
    return PortraitActor.from_image(PHOTO, name="V007", size=128)


def gap(points, upper, lower):
    return np.linalg.norm(points[upper, :2] - points[lower, :2])


def eye_span(points):
    return np.linalg.norm(points[33, :2] - points[263, :2])


def test_it_is_an_actor(actor):
    assert isinstance(actor, Actor)
    assert actor.kind == "portrait" and actor.name == "V007" and actor.size == (128, 128)
    assert (actor.neutral == actor.personal(np.zeros(52))).all()
    assert actor.shape.ndim == 1 and np.isfinite(actor.shape).all()
    assert json.loads(json.dumps(actor.about))["photo"] == "default.jpg"
    assert json.loads(json.dumps(actor.camera)) == actor.camera


def test_personal_takes_many_frames_and_stays_in_range(actor):
    many = np.random.default_rng(0).random((5, 52)).astype(np.float32)
    out = actor.personal(many)
    assert out.shape == (5, 52) and out.min() >= 0 and out.max() <= 1
    assert (out >= many - 1e-6).all()                       # a frowning person who frowns frowns more


def test_landmarks_of_the_photo_are_where_they_were_measured(actor):
    p = actor.portrait
    points = actor.landmarks(p.rest_expression)
    wrong = np.linalg.norm(points[:, :2] - (p.landmarks[:, :2] - p.window[:2]), axis=1)
    edges = sorted({i for chains in (LIPS, EYE_LEFT, EYE_RIGHT) for c in chains for i in c})
    others = np.setdiff1d(np.arange(478), edges)
    assert points.shape == (478, 3) and points.dtype == np.float32
    assert wrong[others].max() < 0.01
    assert wrong[edges].max() < 0.03 * eye_span(points)      # closed lips lie on the dark line between them


def test_the_landmarker_agrees(actor):
    from tfg.faces.landmarks import detect

    for e, pose in ((asked(), None), (asked(jawOpen=0.5, mouthSmile=0.5), POSE), (asked(mouthPucker=0.7), -POSE)):
        absolute = actor.personal(e)
        seen = detect(actor.render(absolute, pose))[0].points
        points = actor.landmarks(absolute, pose)
        assert np.linalg.norm(seen[:, :2] - points[:, :2], axis=1).mean() < 0.04 * eye_span(points)
        assert np.corrcoef(seen[:, 2], points[:, 2])[0, 1] > 0.95
        assert abs(seen[:, 2] - points[:, 2]).mean() < 0.12 * eye_span(points)


def test_inner_lips_open_and_close(actor):
    closed, opened = (actor.landmarks(actor.personal(asked(**v))) for v in ({}, {"jawOpen": 0.6}))
    assert gap(closed, 13, 14) < 0.01 * eye_span(closed)
    assert gap(opened, 13, 14) > 0.15 * eye_span(closed)
    held = actor.landmarks(actor.personal(asked(jawOpen=0.4, mouthClose=0.5)), POSE)
    assert gap(held, 13, 14) < 0.01 * eye_span(closed)


def test_each_lip_keeps_its_landmarks(actor):
    """From the inner edge outwards, points of the upper lip stay above, those of the lower lip below."""
    points = actor.landmarks(actor.personal(asked(jawOpen=0.5)))
    assert (np.diff(points[[0, 11, 12, 13, 14, 15, 16, 17], 1]) > 0).all()


def test_lids_close(actor):
    for upper, lower in ((159, 145), (386, 374)):
        still = actor.landmarks(actor.neutral)
        shut = actor.landmarks(actor.personal(asked(eyeBlink=1)), POSE)
        assert abs(shut[lower, 1] - shut[upper, 1]) < 0.15 * gap(still, upper, lower)


def test_irises_follow_the_gaze(actor):
    still, left = (actor.landmarks(actor.personal(asked(**v))) for v in
                   ({}, {"eyeLookOutLeft": 0.8, "eyeLookInRight": 0.8}))
    for first in IRIS.values():
        assert left[first, 0] - still[first, 0] > 0.01 * eye_span(still)      # the person's left is the picture's right
    moved = np.abs(left - still)[:468].max()
    assert moved < 0.02 * eye_span(still)


def test_no_landmark_hangs_across_an_opening(actor):
    weights, edges = bind_landmarks(actor.portrait.triangles)
    assert np.allclose(weights.sum(1), 1, atol=1e-5) and weights.min() >= 0
    openings = actor.portrait.openings.parts
    for part in openings.values():
        upper, lower = part.upper[1:-1], part.lower[1:-1]
        both = (weights[:468, upper].sum(1) > 0) & (weights[:468, lower].sum(1) > 0)
        assert not both.any()
    assert {k: len(v) for k, v in edges.items()} == {"mouth": 20, "eye_right": 16, "eye_left": 16}


def test_layers_show_what_is_drawn(actor):
    opened = actor.layers(actor.personal(asked(jawOpen=0.7, mouthUpperUp=0.6)), POSE)
    closed = actor.layers(actor.personal(asked(eyeBlink=1)))
    assert opened.labels.shape == opened.depth.shape == (128, 128)
    assert opened.labels.dtype == np.uint8 and opened.depth.dtype == np.float32
    count = {k: (opened.labels == v).sum() for k, v in LAYER.items()}
    assert all(count[k] > 8 for k in ("skin", "lips", "teeth", "eyes", "mouth", "background"))
    assert set(np.unique(opened.labels)) <= set(LAYER.values()) | {UNKNOWN}
    assert (closed.labels == LAYER["mouth"]).sum() == (closed.labels == LAYER["teeth"]).sum() == 0
    assert (closed.labels == LAYER["eyes"]).sum() < 0.2 * count["eyes"]


def test_lips_lie_around_the_mouth_and_the_nose_is_nearest(actor):
    e = actor.personal(asked(jawOpen=0.6))
    labels, depth = actor.layers(e, POSE)
    points = actor.landmarks(e, POSE)
    rows, cols = np.nonzero(np.isin(labels, [LAYER[k] for k in ("lips", "teeth", "mouth")]))
    low, high = points[[61, 0, 17, 291], :2].min(0), points[[61, 0, 17, 291], :2].max(0)
    inside = (cols > low[0] - 2) & (cols < high[0] + 2) & (rows > low[1] - 2) & (rows < high[1] + 2)
    assert inside.all()
    y, x = np.unravel_index(np.argmin(depth), depth.shape)
    assert np.linalg.norm([x, y] - points[4, :2]) < 0.2 * eye_span(points)
    assert 0.7 < depth.min() < 1.0 and np.isinf(depth[labels == LAYER["background"]]).all()
    assert np.isfinite(depth[labels == LAYER["skin"]]).all()


def test_flow_carries_one_frame_to_the_other(actor):
    import cv2

    a, b = (actor.neutral, np.zeros(6)), (actor.personal(asked(mouthSmile=0.7, jawOpen=0.2)), POSE)
    flow = actor.flow(a, b)
    assert flow.shape == (128, 128, 2) and flow.dtype == np.float32
    points, there = actor.landmarks(*a)[:, :2], actor.landmarks(*b)[:, :2]
    skin = [1, 4, 6, 9, 50, 280, 152, 199, 10]
    at = np.round(points[skin]).astype(int)
    assert np.abs(flow[at[:, 1], at[:, 0]] - (there - points)[skin]).max() < 1.5
    back = actor.flow(b, a)                                   # where each pixel of b was in a
    x, y = np.meshgrid(np.arange(128, dtype=np.float32), np.arange(128, dtype=np.float32))
    known = np.isfinite(back[..., 0])
    source = np.nan_to_num(np.stack([x, y], 2) + back).astype(np.float32)
    first, second = actor.render(*a).astype(np.float32), actor.render(*b).astype(np.float32)
    carried = cv2.remap(first, source, None, cv2.INTER_LINEAR)
    difference = np.abs(carried - second).mean(2)[known]
    assert difference.mean() < 0.5 * np.abs(first - second).mean(2)[known].mean()


def test_the_photo_keeps_its_look_unless_asked(actor):
    again = PortraitActor.from_image(PHOTO, name="V007", size=128, seed=9)
    assert (again.render(again.neutral) == actor.render(actor.neutral)).all()


def test_variation_is_seeded_and_its_labels_follow():
    from tfg.media.image import read_image

    image = read_image(PHOTO)
    a, same, b = (PortraitActor.from_image(image, size=96, seed=s, vary=1.0) for s in (3, 3, 4))
    assert a.size == b.size == (96, 96)
    assert (a.render(a.neutral) == same.render(same.neutral)).all()
    pa, pb = a.landmarks(a.neutral), b.landmarks(b.neutral)
    assert (a.render(a.neutral) != b.render(b.neutral)).mean() > 0.5
    assert np.abs(pa - pb).max() > 1
    from tfg.faces.landmarks import detect

    seen = detect(b.render(b.neutral))[0].points
    assert np.linalg.norm(seen[:, :2] - pb[:, :2], axis=1).mean() < 0.04 * eye_span(pb)
    assert b.about["vary"] == 1.0 and b.about["zoom"] != a.about["zoom"]


def test_bad_photos_are_reported(tmp_path):
    with pytest.raises(InputError, match="no face"):
        PortraitActor.from_image(np.full((64, 64, 3), 90, np.uint8))
    with pytest.raises(InputError, match="gone.jpg"):
        PortraitActor.from_image(tmp_path / "gone.jpg")
    with pytest.raises(InputError, match="vary is 2"):
        PortraitActor.from_image(PHOTO, vary=2)
    for size in (33, 16, 2048):
        with pytest.raises(InputError, match=f"size is {size}"):
            PortraitActor.from_image(PHOTO, size=size)


def test_suitable_faces():
    good = [t for t in sfhq.tiles() if suitable(t)]
    assert len(good) >= 130
    one = good[0]
    assert not suitable(one._replace(yaw_deg=-40.0))
    assert not suitable(one._replace(jaw_open=0.5))
    assert not suitable(one._replace(smile=0.95))
    assert not suitable(one._replace(face_px=60))
    assert all(t.face_px >= module.MIN_FACE_PX for t in good)
