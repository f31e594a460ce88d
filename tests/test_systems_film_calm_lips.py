"""Lips at rest: which frame is taken, where it is laid, and that the film's own jaw no longer shines through."""
from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from tfg import paths
from tfg.actors.portrait import PortraitActor
from tfg.compose.place import Place
from tfg.faces.geometry import lip_gap
from tfg.faces.landmarks import Landmarker
from tfg.media.image import read_image
from tfg.systems.base import Footage, Speech
from tfg.systems.emogen import dub
from tfg.systems.emogen.options import EmogenOptions
from tfg.systems.film import calm_lips, stage
from tfg.systems.film.calm_lips import CalmLips
from tfg.vocabulary import EXPRESSION, INDEX

N, SIDE = 24, 256


@pytest.fixture(scope="module")
def film():
    """A portrait that turns its head and opens its jaw three times, and its true landmarks."""
    actor = PortraitActor.from_image(read_image(paths.data("faces", "default.jpg")), size=SIDE)
    frames, points, poses = [], [], []
    for t in range(N):
        asked, pose = np.zeros(len(EXPRESSION), np.float32), np.zeros(6, np.float32)
        asked[INDEX["jawOpen"]] = .6 * np.sin(np.pi * (t % 8) / 7) ** 2
        pose[0] = 8 * np.sin(2 * np.pi * t / N)
        frames.append(actor.render(actor.personal(asked), pose))
        points.append(actor.landmarks(actor.personal(asked), pose))
        poses.append(pose)
    return frames, np.array(points), np.array(poses)


def watched(film, *, without=(), cuts=()) -> CalmLips | None:
    calm = CalmLips()
    for t, (frame, points, pose) in enumerate(zip(*film)):
        calm.watch(frame, None if t in without else SimpleNamespace(points=points, pose=pose), t in cuts)
    return calm.settle(tuple(cuts))


def place():
    k = 96 / SIDE
    return Place(np.array([[k, 0, .5 * k - .5], [0, k, .5 * k - .5]]), (96, 96), (SIDE, SIDE))


def test_lips_rest_in_every_frame_and_the_rest_of_it_stays(film):
    frames, points, _ = film
    calm = watched(film)
    gaps = []
    with Landmarker() as landmarker:
        for t in range(0, N, 3):
            laid = calm.source(frames[t], t, place())
            gaps.append(lip_gap(landmarker(laid)[0].points))
            nose = int(points[t][4, 1])
            np.testing.assert_array_equal(laid[:nose - 12], frames[t][:nose - 12])
    own = lip_gap(points[::3])
    assert own.max() > .12 and max(gaps) < .3 * own.max()
    assert abs(np.corrcoef(gaps, own)[0, 1]) < .6 or np.std(gaps) < .1 * np.std(own)


def test_a_calm_frame_is_laid_where_the_head_is(film):
    """Chin and corners of the mouth of a turned head: from another frame, moved by eyes and nose alone."""
    frames, points, _ = film
    calm = watched(film)
    with Landmarker() as landmarker:
        for t in (5, 18):                                       # turned by 8 degrees to either side
            found = landmarker(calm.source(frames[t], t, place()))[0].points
            away = np.linalg.norm(found[[61, 291], :2] - points[t][[61, 291], :2], axis=1)
            assert away.max() < .1 * np.linalg.norm(points[t][33, :2] - points[t][263, :2])


def test_frames_of_another_shot_are_not_used(film):
    calm = watched(film, cuts=(12,))
    first = np.array([key.t < 12 for key in calm.chosen])
    assert first.any() and not first.all()
    assert not calm.weights[:12, ~first].any() and not calm.weights[12:, first].any()
    np.testing.assert_allclose(calm.weights.sum(1), 1, atol=1e-5)


def test_frames_without_a_face_are_bridged(film):
    calm = watched(film, without=(3, 4))
    assert np.isfinite(np.array(calm.points)).all() and calm.source(film[0][3], 3, place()).shape == (SIDE, SIDE, 3)


def test_a_picture_has_nothing_to_lay_in(film):
    assert watched([part[:1] for part in film]) is None


def test_memory_of_calm_frames_is_bounded(film, monkeypatch):
    monkeypatch.setattr(calm_lips, "KEEP_BYTES", 1)
    assert watched(film) is None


# ---- footage --------------------------------------------------------------------------------------------------------
def test_the_face_of_footage_is_hidden_and_its_references_are_used(film):
    """The scorer's protocol: two films that differ only in the face are drawn alike."""
    frames = np.stack(film[0])[:6, 40:-40, 40:-40]
    reference, other = np.stack(film[0])[16:20, 40:-40, 40:-40], frames.copy()
    other[:, 70:130, 60:116] = 30
    sound = Speech(np.random.default_rng(0).normal(0, .1, 6 * 640).astype(np.float32))
    drawn = [np.stack(list(dub.prepare(Footage(x, x[0], reference), sound, EmogenOptions(emotion="HAP")).frames))
             for x in (frames, other)]
    assert drawn[0].shape == frames.shape
    np.testing.assert_array_equal(drawn[0][:, 75:125, 65:110], drawn[1][:, 75:125, 65:110])
    assert np.abs(drawn[0].astype(int) - frames)[:, 75:125, 65:110].mean() > 1


def test_the_calmest_reference_is_found(film):
    frames, points, _ = film
    gaps = lip_gap(points)
    assert gaps[stage.calmest(np.stack(frames))] < .2 * gaps.max()
    assert stage.calmest(np.full((3, 64, 64, 3), 90, np.uint8)) == 0
