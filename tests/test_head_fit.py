import numpy as np
import pytest

from tfg.head.fit import fit_landmarks
from tfg.head.model import Head, project, rotation
from tfg.vocabulary import index


@pytest.fixture(scope="module")
def head():
    return Head.load()


def picture(head, identity, expression, pose, scale=1500.0):
    points = head.landmark_points(identity, expression)
    xy, depth = project(points, rotation(*pose), scale, np.array([250.0, 240.0]))
    return np.c_[xy, depth * scale]


@pytest.mark.parametrize("pose", [(0, 0, 0), (18, -5, 7), (-25, 10, -15)])
def test_recovers_pose_and_expression_of_a_known_head(head, pose):
    rng = np.random.default_rng(1)
    identity = rng.normal(0, 0.2, len(head.identity)).astype(np.float32)
    expression = np.zeros(52, np.float32)
    expression[index("jawOpen")] = 0.5
    expression[index("mouthSmile")] = 0.6
    points = picture(head, identity, expression, pose)
    fit = fit_landmarks(head, points, expression_prior=expression)
    np.testing.assert_allclose(fit.pose, pose, atol=3)
    assert fit.error < 0.01
    assert abs(fit.expression[index("jawOpen")[0]] - 0.5) < 0.15
    assert (fit.expression >= 0).all() and (fit.expression <= 1).all()


def test_scale_and_shift_do_not_change_the_shape(head):
    a = fit_landmarks(head, picture(head, None, None, (5, 5, 5)))
    b = fit_landmarks(head, picture(head, None, None, (5, 5, 5)) * 0.5 + [30, 10, 0])
    np.testing.assert_allclose(a.identity, b.identity, atol=1e-3)
    np.testing.assert_allclose(b.scale, a.scale / 2, rtol=1e-3)


def test_left_out_landmarks_do_not_matter(head):
    points = picture(head, None, None, (0, 0, 0))
    use = np.ones(478, bool)
    use[::5] = False
    spoiled = points.copy()
    spoiled[::5] += 40
    np.testing.assert_allclose(fit_landmarks(head, points, use=use).identity,
                               fit_landmarks(head, spoiled, use=use).identity, atol=1e-6)
