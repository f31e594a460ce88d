"""Upright crops, and points in the head's own axes."""
from __future__ import annotations

import numpy as np
import pytest

from tfg.faces import face_crop as upright
from tfg.faces import one_face
from tfg.faces.align import transform, warp
from tfg.faces.pose import rotation_matrix


@pytest.fixture(scope="module")
def points(astronaut):
    return one_face(astronaut).points


@pytest.mark.parametrize("degrees, zoom", [(25, 1.0), (-40, 1.4), (0, .7)])
def test_a_turned_or_larger_picture_gives_the_same_crop(astronaut, points, degrees, zoom):
    a = np.radians(degrees)
    linear = zoom * np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    middle = points[:, :2].mean(0)
    matrix = np.column_stack([linear, [300, 300] - linear @ middle])
    moved = transform(points, matrix)
    one, other = upright.crop(astronaut, points), upright.crop(warp(astronaut, matrix, 600), moved)
    assert one.shape == (64, 64, 3) and one.dtype == np.uint8
    assert np.abs(one.astype(float) - other).mean() < 6 < np.abs(one.astype(float) - one[::-1]).mean()


def test_the_face_fills_the_crop_and_looks_up(points):
    """Where the crop puts points: dots painted on an empty picture come out in places that an upright face has."""
    def place(k):
        picture = np.zeros((512, 512, 3), np.uint8)
        x, y = points[k, :2].round().astype(int)
        picture[y - 2:y + 3, x - 2:x + 3] = 255
        grey = upright.crop(picture, points)[..., 0].astype(float)
        return np.array([(grey * np.indices(grey.shape)[k]).sum() / grey.sum() for k in (1, 0)])      # x, y

    right, left, lip, brow = place(33), place(263), place(17), place(105)
    assert right[0] < 20 and left[0] > 44 and abs(right[1] - left[1]) < 3            # the outer corners of the eyes
    assert 0 < brow[1] < right[1] < 30 and 44 < lip[1] < 60


def test_points_in_the_head_neither_turn_nor_move_nor_grow(points):
    centre = points.mean(0)
    turned = (points - centre) * [1, -1, -1] @ rotation_matrix(20, -10, 15).T * [1, -1, -1]
    there = np.stack([points, 2.5 * turned + [40, 70, 3], np.full((478, 3), np.nan)])
    found = upright.in_head(there)
    assert np.abs(found[0] - found[1]).max() < 1e-3 and np.isnan(found[2]).all()
    assert abs(np.linalg.norm(found[0, 33] - found[0, 263]) - 8.9) < 1.0             # cm of MediaPipe's canonical head
    assert found[0, 152, 1] < found[0, 1, 1] < found[0, 10, 1]                       # chin, nose, forehead: y is up
