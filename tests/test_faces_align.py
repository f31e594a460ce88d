"""Alignment in space and time: known transforms come back, crops go back where they were, filters do not delay."""
from __future__ import annotations

import numpy as np
import pytest

from tfg.faces import align, one_face
from tfg.faces.smooth import fill_gaps, one_euro, smooth_points


@pytest.fixture(scope="module")
def points(astronaut):
    return one_face(astronaut).points


def rotation(degrees, scale=1.0, shift=(0, 0)):
    a = np.radians(degrees)
    return np.column_stack([scale * np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]), shift])


@pytest.mark.parametrize("degrees,scale", [(0, 1), (37, .3), (-170, 4)])
def test_similarity_recovers_a_known_transform(degrees, scale):
    rng = np.random.default_rng(1)
    source, truth = rng.normal(size=(9, 2)) * 50, rotation(degrees, scale, (5, -80))
    found = align.similarity(source, align.transform(source, truth))
    assert np.allclose(found, truth)
    assert np.allclose(align.transform(align.transform(source, truth), align.invert(truth)), source)


def test_similarity_is_never_a_mirror_and_heeds_weights():
    source = np.array([[0, 0], [1, 0], [1, 2], [0, 2]], float)
    assert np.linalg.det(align.similarity(source, source * [-1, 1])[:, :2]) > 0
    target = source.copy()
    target[3] += 50
    assert np.allclose(align.similarity(source, target, weight=[1, 1, 1, 0]), rotation(0))
    with pytest.raises(ValueError, match="coincide"):
        align.similarity(np.ones((3, 2)), source[:3])
    with pytest.raises(ValueError, match=r"\(N, 2\)"):
        align.similarity(np.ones((3, 3)), np.ones((3, 3)))


def test_transform_scales_depth_along():
    assert np.allclose(align.transform(np.array([[1.0, 2, 3]]), rotation(0, 2, (1, 1))), [[3, 5, 6]])


def test_crop_box_is_square_and_holds_the_face(points):
    x0, y0, x1, y1 = align.crop_box(points)
    assert x1 - x0 == pytest.approx(y1 - y0)
    assert x0 < points[:, 0].min() and x1 > points[:, 0].max() and y0 < points[:, 1].min() and y1 > points[:, 1].max()
    tight = align.crop_box(points, 0)
    assert tight[2] - tight[0] == pytest.approx(np.ptp(points[:, :2], axis=0).max())


def test_box_matrix_maps_edge_to_edge():
    image = np.arange(64, dtype=np.uint8).reshape(8, 8, 1).repeat(3, 2)
    assert np.array_equal(align.warp(image, align.box_matrix(np.array([0, 0, 8, 8]) , 8), 8), image)
    assert np.array_equal(align.warp(image, align.box_matrix(np.array([2, 3, 6, 7]), 4), 4), image[3:7, 2:6])


def test_aligned_crops_stand_upright_at_one_place(astronaut, points):
    for turn in (0, 25, -40):
        moved = align.transform(points[:, :2], rotation(turn, 1.7, (30, 60)))
        crop = align.transform(moved, align.aligned_matrix(moved, 256))
        right, left = crop[[33, 133]].mean(0), crop[[263, 362]].mean(0)
        assert (right + left) / 2 == pytest.approx([128, 107], abs=6)
        assert np.degrees(np.arctan2(*(left - right)[::-1])) == pytest.approx(0, abs=4)
    assert one_face(align.warp(astronaut, align.aligned_matrix(points, 256), 256)).size_px > 130


def test_shrinking_does_not_alias_or_shift():
    y, x = np.mgrid[:512, :512]
    checks = ((x + y) % 2 * 255).astype(np.uint8)[..., None].repeat(3, 2)
    assert np.abs(align.warp(checks, align.box_matrix(np.array([0, 0, 512, 512]), 64), 64).astype(int) - 128).max() < 12
    ramp = (x // 2).astype(np.uint8)[..., None].repeat(3, 2)
    small = align.warp(ramp, align.box_matrix(np.array([0, 0, 512, 512]), 128), 128)[5, 10:-10, 0]
    assert np.abs(small - (np.arange(10, 118) * 2 + .75)).max() < 1


def test_paste_back_restores_and_changes_only_its_place(astronaut, points):
    matrix = align.aligned_matrix(points, 256)
    crop = align.warp(astronaut, matrix, 256)
    same = align.paste_back(crop, astronaut, matrix)
    error = np.abs(same.astype(int) - astronaut)
    assert error.mean() < .3 and same is not astronaut
    x0, y0, x1, y1 = align.crop_box(points, .6).astype(int)
    outside = np.ones(astronaut.shape[:2], bool)
    outside[max(y0, 0):y1, x0:x1] = False
    assert error[outside].max() == 0
    black = align.paste_back(np.zeros_like(crop), astronaut, matrix, feather=.2)
    nose = points[4, :2].astype(int)
    assert black[nose[1], nose[0]].max() == 0                                    # the middle is replaced in full
    masked = align.paste_back(np.zeros_like(crop), astronaut, matrix, mask=np.zeros((256, 256)))
    assert np.array_equal(masked, astronaut)
    away = align.paste_back(crop, astronaut, rotation(0, 1, (5000, 5000)))
    assert np.array_equal(away, astronaut)


def test_feather_mask_is_one_inside_and_falls_to_the_edge():
    mask = align.feather_mask(40, 60, .25)
    assert mask[20, 30] == 1 and mask[0, 0] < .01 and (np.diff(mask[20, :10]) >= 0).all()
    assert (align.feather_mask(5, 5, 0) == 1).all()


def test_filters_calm_noise_and_offline_ones_do_not_delay():
    rng = np.random.default_rng(0)
    t = np.arange(200) / 25
    clean = 10 * np.sin(2 * np.pi * .5 * t)[:, None] * np.ones((1, 2))
    noisy = clean + rng.normal(0, .5, clean.shape)
    for method in ("savgol", "one_euro"):
        out = smooth_points(noisy, 7, method=method)
        assert np.diff(out, 2, axis=0).std() < .5 * np.diff(noisy, 2, axis=0).std()
        lag = [np.corrcoef(clean[5:-5, 0], np.roll(out, -k, 0)[5:-5, 0])[0, 1] for k in (-2, -1, 0, 1, 2)]
        assert np.argmax(lag) == 2
    still = one_euro(rng.normal(0, .5, (200, 3)))
    assert still[50:].std() < .25
    step = one_euro(np.r_[np.zeros(20), np.full(20, 100.0)])
    assert step[21] > 60                                                         # fast moves pass
    with pytest.raises(ValueError, match="savgol or one_euro"):
        smooth_points(noisy, 5, method="mean")


def test_gaps_are_bridged_for_the_filter_and_stay_gaps():
    values = np.linspace(0, 9, 10)[:, None].repeat(2, 1)
    values[4:6] = np.nan
    assert np.allclose(fill_gaps(values)[:, 0], np.arange(10))
    out = smooth_points(values, 5)
    assert np.isnan(out[4:6]).all() and np.allclose(out[[0, 3, 6, 9], 0], [0, 3, 6, 9], atol=1e-4)
    live = one_euro(values)
    assert np.isnan(live[4:6]).all() and np.isfinite(live[6:]).all() and live[6, 0] == 6   # starts anew
    assert smooth_points(values, 0).shape == values.shape
