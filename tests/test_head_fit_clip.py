"""One identity for a clip, expression and pose for each of its frames."""
from __future__ import annotations

import numpy as np
import pytest

from tfg.errors import InputError
from tfg.head.fit_clip import Prior, fit_clip
from tfg.head.model import Head, project, rotation
from tfg.vocabulary import index

T = 12


@pytest.fixture(scope="module")
def head():
    return Head.load()


@pytest.fixture(scope="module")
def clip(head):
    """(identity, expression (T, 52), angles (T, 3), points (T, 478, 3)) of somebody who speaks, sneers and turns."""
    rng = np.random.default_rng(3)
    identity = rng.normal(0, .2, len(head.identity)).astype(np.float32)
    t = np.arange(T) / T
    expression = np.zeros((T, 52), np.float32)
    for name, curve in {"jawOpen": .3 + .3 * np.sin(9 * t), "noseSneer": .5 + .4 * np.cos(5 * t),
                        "eyeWide": .4 * (t > .5), "mouthFrown": .7 * t, "eyeBlink": .9 * (np.arange(T) == 4)}.items():
        expression[:, index(name)] = curve[:, None]
    angles = np.stack([20 * np.sin(6 * t), 8 * t, -10 + 12 * t], 1)
    points = []
    for k in range(T):
        xy, depth = project(head.landmark_points(identity, expression[k]), rotation(*angles[k]), 1500 + 20 * k,
                            np.array([250.0, 240.0 + k]))
        points.append(np.c_[xy, depth * 1500])
    return identity, expression, angles, np.array(points)


@pytest.fixture(scope="module")
def fitted(head, clip):
    return fit_clip(head, clip[3])


def test_what_moves_the_points_is_found(clip, fitted):
    _, expression, angles, _ = clip
    assert fitted.expression.shape == (T, 52) and fitted.identity.shape == clip[0].shape
    assert (fitted.expression >= 0).all() and (fitted.expression <= 1).all() and fitted.error.max() < .01
    for name, least in dict(jawOpen=.97, noseSneer=.8, eyeWide=.6, mouthFrown=.9, eyeBlink=.97).items():
        x, y = fitted.expression[:, index(name)].mean(1), expression[:, index(name)].mean(1)
        assert np.corrcoef(x, y)[0, 1] > least, name
    assert np.abs(fitted.angles - angles).max() < 3
    assert np.abs(np.corrcoef(fitted.scale, np.arange(T))[0, 1]) > .95


def test_lost_frames_stay_lost_and_change_no_other(head, clip, fitted):
    points = np.insert(clip[3], 5, np.nan, axis=0)
    found = fit_clip(head, points)
    assert np.isnan(found.expression[5]).all() and np.isnan(found.angles[5]).all() and np.isnan(found.error[5])
    np.testing.assert_allclose(np.delete(found.expression, 5, 0), fitted.expression, atol=1e-6)


def test_place_and_size_in_the_picture_do_not_matter(head, clip, fitted):
    found = fit_clip(head, clip[3] * .25 + [30, -10, 0])
    np.testing.assert_allclose(found.expression, fitted.expression, atol=1e-3)
    np.testing.assert_allclose(found.scale, fitted.scale / 4, rtol=1e-3)


def test_the_prior_pulls(head, clip, fitted):
    mean = np.full(52, .4)
    sure = fit_clip(head, clip[3], prior=Prior(mean, np.eye(52) * 1e-9 - np.eye(52) * .03 ** 2 + np.eye(52) * 1e-6))
    free = fit_clip(head, clip[3], prior=Prior(mean, np.eye(52)))
    assert np.abs(sure.expression - .4).max() < .1 < np.abs(free.expression - .4).max()
    assert free.error.mean() < sure.error.mean()


def test_a_prior_is_kept(tmp_path):
    x = np.random.default_rng(0).uniform(0, 1, (200, 52))
    prior = Prior.of(x)
    again = Prior.load(prior.save(tmp_path))
    np.testing.assert_allclose(again.mean, x.mean(0), atol=1e-6)
    np.testing.assert_allclose(again.covariance, np.cov(x.T), atol=1e-6)
    with pytest.raises(InputError, match="missing or damaged"):
        Prior.load(tmp_path / "none.npz")
    Prior(np.zeros(3), np.eye(3)).save(tmp_path)
    with pytest.raises(InputError, match="not of the 52"):
        Prior.load(tmp_path / "expression_prior.npz")


def test_nothing_to_fit(head):
    with pytest.raises(InputError, match="none of 3 frames"):
        fit_clip(head, np.full((3, 478, 3), np.nan))
