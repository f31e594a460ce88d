"""Landmarks found on drawn heads, put back on the surface; the landmarker is played by the known answer."""
from __future__ import annotations

import numpy as np
import pytest

from tfg.faces import mirror
from tfg.head import correspond, render
from tfg.head.model import HEAD_WIDTH_M, Head, project, rotation

WRONG = (34, 50, 101)


@pytest.fixture(scope="module")
def head():
    return Head.load()


@pytest.fixture(scope="module")
def found(head):
    """(478, 3) where landmarks come to lie if three of them are seen wrongly on one side."""
    def drawn(head, identity, expression, pose, size):
        xy, _ = project(head.landmark_points(identity, expression), rotation(*pose[:3]), size * 0.48 / HEAD_WIDTH_M,
                        np.array([size * 0.5, size * 0.42]))
        xy[list(WRONG)] += (np.arange(3) - 1)[:, None] * 9 * (pose[0] > 0)          # on half of the heads
        return np.c_[xy, np.zeros(478)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(render, "render_head", drawn)
        triangles, weights = correspond.correspondences(head, lambda points: points, phenotypes=10, size=200)
    assert triangles.shape == weights.shape == (478, 3)
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-5)
    return (head.mean[triangles] * weights[..., None]).sum(1)


def test_every_landmark_finds_its_place(head, found):
    off = np.linalg.norm(found - head.landmark_points(), axis=1)
    assert np.median(off) < 0.7e-3 and off[468:].max() < 1e-6
    assert off[[33, 133, 263, 362, 61, 291, 1, 4, 152, *WRONG, *mirror.POINTS[list(WRONG)]]].max() < 4e-3


def test_both_sides_are_alike(found):
    assert np.linalg.norm(found[mirror.POINTS] * [-1, 1, 1] - found, axis=1).max() < 1e-3


def test_irises_are_the_shipped_ones(head):
    triangles, weights = correspond.irises(head)
    np.testing.assert_array_equal(triangles, head.landmark_triangles[468:])
    np.testing.assert_allclose(weights, head.landmark_weights[468:], atol=1e-6)
