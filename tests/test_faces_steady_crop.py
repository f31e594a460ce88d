"""Crops: points map back, the jaw does not move them, they stay calm and inside the picture."""
from __future__ import annotations

import numpy as np
import pytest

from tfg.errors import InputError
from tfg.faces import align
from tfg.faces import steady_crop as crop
from tfg.faces.pose import _HEAD, _INDEX

PICTURE = 360, 480


@pytest.fixture(scope="module")
def face() -> np.ndarray:
    """(478, 3) px: a cloud in the shape of a face, about 150 px high, whose rigid points are exact."""
    rng = np.random.default_rng(0)
    points = rng.uniform([-60, -75, -20], [60, 75, 20], (478, 3))
    points[_INDEX] = _HEAD * [8, -8, -8]
    points[152] = [0, 95, 0]                                 # the chin is the lowest point
    return (points + [240, 170, 0]).astype(np.float32)


def shaken(face, shifts, jaw=None):
    track = np.stack([face + [dx, dy, 0] for dx, dy in shifts])
    if jaw is not None:
        track[:, 152, 1] += jaw
    return track.astype(np.float32)


def boxes(matrix, size=128):
    """(T, 2) middle and (T,) side of the crops, px from the picture's edge."""
    corners = np.stack([align.transform(np.array([[-.5, -.5], [size - .5, size - .5]]), align.invert(m)) + .5
                        for m in matrix])
    return corners.mean(1), (corners[:, 1] - corners[:, 0])[:, 0]


def test_points_map_there_and_back(face):
    track = shaken(face, np.random.default_rng(1).normal(0, 20, (30, 2)).cumsum(0) * .1)
    ok = np.ones(30, bool)
    for kind in crop.CROPS:
        matrix = crop.matrices(track, ok, 128, PICTURE, crop=kind)
        there = crop.moved(track, matrix)
        for t in (0, 13, 29):
            back = align.transform(there[t], align.invert(matrix[t]))
            assert np.abs(back - track[t]).max() < 1e-3, kind


def test_the_jaw_does_not_move_the_crop(face):
    jaw = 30 * np.abs(np.sin(np.arange(40)))
    still = np.zeros((40, 2))
    matrix = crop.matrices(shaken(face, still, jaw), np.ones(40, bool), 128, PICTURE)
    assert np.ptp(matrix, axis=0).max() == 0
    low = align.crop_box(face, crop.MARGIN)
    assert boxes(matrix)[1][0] == pytest.approx(low[2] - low[0], rel=.15)      # the median jaw is in it


def test_a_calm_head_gets_one_crop_and_a_walking_one_is_followed(face):
    t = np.arange(60)
    nod = np.stack([4 * np.sin(t / 3), 3 * np.cos(t / 4)], 1)
    calm = crop.matrices(shaken(face, nod), np.ones(60, bool), 128, PICTURE)
    assert np.ptp(calm, axis=0).max() == 0
    walk = np.stack([2.0 * t - 60, 3 * np.sin(2.5 * t)], 1)  # 2 px a frame, and a tremble
    centre, side = boxes(crop.matrices(shaken(face, walk), np.ones(60, bool), 128, PICTURE, margin=.1))
    inner = slice(15, 45)                                    # a filter without delay: in the middle it is exact
    assert np.abs(np.diff(centre[inner, 0]) - 2).max() < .1
    assert np.abs(np.diff(centre[:, 1])).max() < .3, "the tremble is gone"
    assert np.ptp(side) < 1e-4


def test_bad_frames_do_not_count(face):
    track = shaken(face, np.zeros((20, 2)))
    track[7:9] += 500
    track[12] = np.nan
    ok = np.ones(20, bool)
    ok[[7, 8, 12]] = False
    matrix = crop.matrices(track, ok, 128, PICTURE)
    assert np.isfinite(matrix).all() and np.ptp(matrix, axis=0).max() == 0
    with pytest.raises(ValueError, match="no frame is ok"):
        crop.matrices(track, np.zeros(20, bool), 128, PICTURE)


def test_the_crop_stays_inside_the_picture(face):
    for shift in ([0, -60], [150, 0], [-150, 90]):
        track = shaken(face, np.tile(shift, (15, 1)))
        centre, side = boxes(crop.matrices(track, np.ones(15, bool), 128, PICTURE))
        assert (centre - side[:, None] / 2 >= -1e-6).all()
        assert (centre + side[:, None] / 2 <= np.array(PICTURE[::-1]) + 1e-6).all()
    near = (face - [240, 170, 0]) * 2.4 + [240, 180, 0]      # fills the picture
    centre, side = boxes(crop.matrices(near[None].astype(np.float32), np.ones(1, bool), 128, PICTURE))
    assert side[0] == pytest.approx(360) and centre[0, 1] == pytest.approx(180)


def test_aligned_crops_keep_eyes_and_nose_in_place(face):
    track = []
    for t in range(30):                                      # slow roll, approach and drift
        c, s = np.cos(.01 * t), np.sin(.01 * t)
        turned = (face - [240, 170, 0]) * (1 + .01 * t) @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
        track.append(turned + [240 + 2 * t, 170 - t, 0])
    matrix = crop.matrices(np.array(track, np.float32), np.ones(30, bool), 128, PICTURE, crop="aligned")
    fixed = crop.moved(np.array(track, np.float32), matrix)[:, list(align.STABLE), :2]
    assert np.ptp(fixed[5:25], axis=0).max() < .5


def test_whole_pictures(face):
    matrix = crop.matrices(face[None], np.zeros(1, bool), 128, PICTURE, crop="whole")
    centre, side = boxes(matrix)
    assert side[0] == pytest.approx(480) and centre[0] == pytest.approx([240, 180])


def test_z_is_scaled_along(face):
    matrix = np.array([[[.5, 0, 3], [0, .5, 4]]])
    assert np.allclose(crop.moved(face[None], matrix)[0], face * .5 + [3, 4, 0], atol=1e-4)


@pytest.mark.parametrize("kind, margin, words", [("nose", .2, "choose one of face"), ("face", (1, 2), "one number, or"),
                                                 ("face", 9, "from -0.3 to 3"), ("face", float("nan"), "from -0.3")])
def test_choices_that_cannot_be(kind, margin, words):
    with pytest.raises(InputError, match=words):
        crop.check(kind, margin)


def test_margins():
    assert crop.check("face", .2) == (.2,) * 4
    assert crop.check("face", [.1, .2, .3, .4]) == (.1, .2, .3, .4)
