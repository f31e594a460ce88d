"""The extractor: the inputs on which its output may and may not depend."""
from __future__ import annotations

import numpy as np
import pytest
import torch

from tfg.experts.extractor import network as extractor
from tfg.experts.extractor.network import Extractor, predict
from tfg.networks.blocks import n_parameters
from tfg.vocabulary import INDEX, index


def given(B=2, T=5, seed=0):
    g = torch.Generator().manual_seed(seed)
    return (torch.rand(B, T, 3, 64, 64, generator=g), torch.randn(B, T, 478, 3, generator=g),
            torch.rand(B, T, 52, generator=g), 5 * torch.randn(B, T, 3, generator=g))


@pytest.fixture(scope="module")
def small():
    torch.manual_seed(0)
    return Extractor(extractor.PROFILES["ci"]).eval()


@pytest.mark.parametrize("profile, least, most", [("ci", 1e4, 1e5), ("cpu", 5e5, 7e5), ("gpu", 1.5e6, 4e6)])
def test_sizes(profile, least, most):
    network = Extractor(extractor.PROFILES[profile]).eval()
    assert least < n_parameters(network) < most
    assert network(*given(1, 2)).shape == (1, 2, 52)


def test_frames_are_read_by_themselves_but_for_the_mean_of_their_clip(small):
    x = given()
    out, order = small(*x), [3, 0, 4, 1, 2]
    torch.testing.assert_close(small(*(v[:, order] for v in x)), out[:, order])
    torch.testing.assert_close(small(*(v[1:] for v in x)), out[1:])                    # clips know nothing of others
    touched = [v.clone() for v in x]
    touched[0][0, 2] = 1 - touched[0][0, 2]
    moved = (small(*touched) - out).abs().amax(2)
    assert moved[0].min() > 0 and moved[1].max() == 0 and moved[0].argmax() == 2


def test_tongue_out_is_not_taken_for_it_was_never_measured(small):
    x = given()
    other = [v.clone() for v in x]
    other[2][..., INDEX["tongueOut"]] = 7
    torch.testing.assert_close(small(*other), small(*x), rtol=0, atol=0)
    other[2][..., INDEX["jawOpen"]] += 1
    assert (small(*other) - small(*x)).abs().max() > 0 or (small.direct.weight == 0).all()


def test_it_knows_what_it_learns_from():
    network = Extractor(extractor.PROFILES["ci"]).eval()
    rng = np.random.default_rng(0)
    points, expression = rng.normal(3, 1, (50, 478, 3)), rng.uniform(0, 1, (50, 52))
    network.know(points, expression)
    np.testing.assert_allclose(network.mean, expression.mean(0), atol=1e-6)
    with torch.no_grad():
        for layer in (network.hidden[-1], network.direct):
            layer.weight.zero_(), layer.bias.zero_()
    np.testing.assert_allclose(network(*given(1, 1)).detach()[0, 0], expression.mean(0), atol=1e-5)


def test_predict_leaves_out_what_was_not_seen_or_cannot_be_told():
    from dataclasses import replace

    torch.manual_seed(0)
    network = Extractor(replace(extractor.PROFILES["ci"], unread=("cheekPuff", "jawLeft"))).eval()
    rng = np.random.default_rng(1)
    crops = rng.integers(0, 255, (7, 64, 64, 3), np.uint8)
    points = rng.normal(60, 20, (7, 478, 3)).astype(np.float32)
    blendshapes, pose = rng.uniform(0, 1, (7, 52)).astype(np.float32), np.zeros((7, 6), np.float32)
    blendshapes[:, INDEX["tongueOut"]] = np.nan
    points[3] = blendshapes[3] = pose[3] = np.nan
    out = predict(crops, points, blendshapes, pose, network=network)
    assert out.shape == (7, 52) and out.dtype == np.float32 and np.isnan(out[3]).all()
    blind = index("cheekPuff", "jawLeft")
    rest = np.delete(np.delete(out, 3, 0), blind, 1)
    assert np.isnan(out[:, blind]).all() and (rest >= 0).all() and (rest <= 1).all()
    without = predict(*(np.delete(x, 3, 0) for x in (crops, points, blendshapes, pose)), network=network)
    np.testing.assert_allclose(np.delete(out, 3, 0), without, atol=1e-6)
    alone = predict(crops[:1], points[:1], blendshapes[:1], pose[:1], network=network)
    assert np.isfinite(np.delete(alone, blind, 1)).all()
    nobody = predict(crops, np.full_like(points, np.nan), blendshapes, pose, network=network)
    assert np.isnan(nobody).all()
