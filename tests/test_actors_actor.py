"""Shared code of actors: the 68 points with depth, MediaPipe's z, flow through a mesh."""
import numpy as np

from tfg.actors import actor
from tfg.faces.points68 import to_68
from tfg.head.model import Head


def points():
    p = Head.load().landmark_points() * [400, -400, -400] + [64, 64, 0]
    return p.astype(np.float32)


def test_68_points_carry_their_depth():
    p = points()
    got = actor.landmarks68(p)
    assert got.shape == (68, 3) and got.dtype == np.float32
    assert (got[:, :2] == to_68(p)).all()
    assert got[30, 2] == p[4, 2]                     # the tip of the nose: a point of its own
    assert got[8, 2] == p[152, 2]                    # the chin: an end of both sides of the jaw
    jaw = got[:17, 2]
    assert p[[127, 356], 2].min() <= jaw.max() <= p[:, 2].max() and jaw.min() >= p[:, 2].min()
    assert jaw[0] > jaw[8] + 5                       # temples lie behind the chin


def test_68_points_of_many_frames_and_of_none():
    p = points()
    assert actor.landmarks68(np.stack([p, p + 1])).shape == (2, 68, 3)
    assert actor.landmarks68(np.zeros((0, 478, 3))).shape == (0, 68, 3)


def test_z_is_smaller_when_nearer_and_in_pixels():
    z = actor.mediapipe_z(np.array([-0.05, 0.05]), 500.0)
    assert z[0] < z[1] and np.isclose(z[1] - z[0], 50)


def test_flow_moves_pixels_with_their_triangle():
    a = np.array([[2, 2], [12, 2], [2, 12], [12, 12]], float)
    b = a + [3, -1]
    b[3] += [2, 0]
    tri = np.array([[0, 1, 2], [1, 3, 2]], np.int32)
    flow = actor.mesh_flow(a, np.zeros(4), b, tri, (16, 16))
    assert flow.shape == (16, 16, 2) and np.isnan(flow[0, 0]).all() and np.isnan(flow[14, 14]).all()
    assert np.allclose(flow[3, 3], [3, -1], atol=1e-5)
    assert np.allclose(flow[12, 12], [5, -1], atol=1e-5)


def test_flow_shows_the_nearer_of_two_triangles():
    xy = np.array([[0, 0], [10, 0], [0, 10], [0, 0], [10, 0], [0, 10]], float)
    depth = np.array([1, 1, 1, 0, 0, 0.0])
    moved = xy + np.repeat([[1, 0], [0, 2]], 3, 0)
    flow = actor.mesh_flow(xy, depth, moved, np.arange(6, dtype=np.int32).reshape(2, 3), (11, 11))
    assert np.allclose(flow[2, 2], [0, 2])
