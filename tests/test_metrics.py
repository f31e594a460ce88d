"""Scores against values known by hand, and against the traps that are known from other people's scripts."""
from __future__ import annotations

import numpy as np
import pytest

from tfg import metrics


def test_psnr_of_a_known_error_also_for_bytes():
    a = np.full((2, 16, 16, 3), 200, np.uint8)
    b = a.copy()
    b[1] = 180                                          # squares of bytes would wrap around: 400 % 256
    got = metrics.psnr(a, b)
    assert got[0] == np.inf and got[1] == pytest.approx(20 * np.log10(255 / 20))
    assert metrics.psnr(a / 255, b / 255)[1] == pytest.approx(got[1])


def test_ssim_is_one_for_itself_and_falls_with_noise():
    rng = np.random.default_rng(0)
    a = rng.uniform(.2, .8, (1, 32, 32, 3))
    noisy = [np.clip(a + rng.normal(0, s, a.shape), 0, 1) for s in (.02, .1, .3)]
    got = [metrics.ssim(a, x)[0] for x in (a, *noisy)]
    assert got[0] == pytest.approx(1) and got == sorted(got, reverse=True) and got[-1] < .6


def test_ssim_is_scikit_images():
    from skimage.metrics import structural_similarity

    rng = np.random.default_rng(2)
    a = rng.uniform(size=(3, 30, 41, 3))
    b = np.stack([a[0], np.clip(a[1] + rng.normal(0, .1, a[1].shape), 0, 1), np.full_like(a[2], .5)])
    wanted = [structural_similarity(x, y, data_range=1.0, channel_axis=-1, gaussian_weights=True, sigma=1.5,
                                    use_sample_covariance=False) for x, y in zip(a, b)]
    assert metrics.ssim(a, b) == pytest.approx(wanted, abs=1e-12)


def test_weights_say_where_pictures_are_compared():
    a = np.random.default_rng(3).uniform(.2, .8, (2, 40, 40, 3))
    b = a.copy()
    b[:, :20] += .1
    top = np.zeros((40, 40))
    top[:20] = 1
    assert metrics.psnr(a, b, top) == pytest.approx([20, 20]) and np.isinf(metrics.psnr(a, b, 1 - top)).all()
    below = np.zeros((40, 40))
    below[26:] = 3                                      # windows that end below row 20
    assert metrics.ssim(a, b, below) == pytest.approx([1, 1]) and (metrics.ssim(a, b, top) < 1).all()
    assert metrics.ssim(a, b, np.ones((40, 40))) == pytest.approx(metrics.ssim(a, b))
    with pytest.raises(ValueError, match="weights must be"):
        metrics.psnr(a, b, np.zeros((40, 40)))


@pytest.mark.parametrize("a, b, what", [
    (np.zeros((1, 16, 16, 3)), np.zeros((1, 16, 17, 3)), "different shapes"), (np.zeros((16, 16)),) * 2 + ("T, H, W",),
    (np.full((1, 16, 16, 3), 255.0), np.zeros((1, 16, 16, 3)), r"in \[0, 1\]")])
def test_pictures_that_cannot_be_compared(a, b, what):
    with pytest.raises(ValueError, match=what):
        metrics.psnr(a, b)


def faces(n=6):
    points = np.random.default_rng(1).uniform(0, 100, (1, 478, 3)).repeat(n, 0)
    points[:, 33, :2], points[:, 263, :2] = (10, 50), (90, 50)
    return points


def test_landmark_distance_is_in_eye_distances_whatever_the_picture_size():
    a = faces()
    b = a.copy()
    b[..., 1] += 8                                      # 8 px of 80 between the eyes
    assert metrics.landmark_distance(b, a) == pytest.approx(.1)
    assert metrics.landmark_distance(2 * b, 2 * a, "face") == pytest.approx(.1)
    small = (metrics.lips.all_68(x) for x in (b[..., :2], a[..., :2]))
    assert metrics.landmark_distance(*small) == pytest.approx(.1)
    b[2, 0] = np.nan
    got = metrics.landmark_distance(b, a, "eyes")
    assert np.isnan(got[2]) and np.isfinite(np.delete(got, 2)).all()
    with pytest.raises(ValueError, match="nostril"):
        metrics.landmark_distance(a, a, "nostril")


def test_correlation_by_hand_with_gaps():
    t = np.arange(40.0)
    a, b = np.sin(t), np.sin(t) * 3 + 1
    b[5] = np.nan
    assert metrics.correlation(a, b) == pytest.approx(1)
    assert metrics.correlation(a, np.append(b, [100, 200])) == pytest.approx(1)      # cut, not stretched
    assert np.isnan(metrics.correlation(a, np.ones(40))) and np.isnan(metrics.correlation(a[:2], b[:2]))


def test_late_lips_score_lower():
    points = faces(60)
    gap = np.abs(np.sin(np.arange(60) / 3)) * 10
    for upper, lower in ((82, 87), (13, 14), (312, 317)):
        points[:, upper, :2] = (50, 70)
        points[:, lower, 0], points[:, lower, 1] = 50, 70 + gap
    scores = [metrics.aperture_r(points, np.roll(points, k, 0)) for k in (0, 1, 2)]
    assert scores[0] == pytest.approx(1) and scores[0] > scores[1] > scores[2]


def embeddings(n=60, width=16, seed=0):
    x = np.random.default_rng(seed).normal(size=(n, width))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


@pytest.mark.parametrize("shift", [-15, -3, 0, 4, 15])
def test_a_known_shift_is_found(shift):
    v = embeddings(90)
    picture, sound = v[20:70], v[20 - shift:70 - shift]     # sound i is the picture's of i - shift: late by shift
    got = metrics.sync_scores(picture, sound)
    assert got.offset == shift and got.lse_d == pytest.approx(0, abs=1e-12) and got.lse_c > 1 and got.windows == 50


def test_the_mean_distance_of_one_shift_by_hand():
    picture, sound = np.array([[0.0], [1.0], [2.0]]), np.array([[1.0], [1.0], [5.0]])
    curve = metrics.sync_curve(picture, sound, 1)
    assert curve == pytest.approx([((1 - 1) + (2 - 1)) / 2, (1 + 0 + 3) / 3, (1 + 4) / 2])


def test_short_clips_are_not_padded_with_zeros():
    """LSE-C of a clip and of its half agree: windows at the ends are dropped, no zeros drawn in."""
    v, noise = embeddings(200, 64), embeddings(200, 64, seed=1)
    a = v + .5 * noise
    whole, half = metrics.sync_scores(v, a), metrics.sync_scores(v[:40], a[:40])
    assert half.lse_c == pytest.approx(whole.lse_c, rel=.05) and half.offset == whole.offset == 0
    assert np.isnan(metrics.sync_curve(v[:10], a[:10])[0])
    with pytest.raises(ValueError, match="shorter than one window"):
        metrics.sync_scores(v[:0], a[:0])


def test_the_interval_knows_that_clips_of_one_actor_are_alike():
    rng = np.random.default_rng(0)
    actor = np.repeat(np.arange(10), 30)
    value = rng.normal(0, 1, 10)[actor] + rng.normal(0, .1, 300)
    clustered, naive = metrics.mean(value, actor), metrics.mean(value, np.arange(300))
    assert clustered.actors == 10 and clustered.clips == 300
    assert clustered.high - clustered.low > 3 * (naive.high - naive.low)
    assert clustered.low < clustered.value < clustered.high
    assert metrics.mean(value, actor) == clustered


def test_actors_count_alike_and_nan_is_left_out():
    got = metrics.mean([1, 1, 1, 3, np.nan], ["a", "a", "a", "b", "b"])
    assert got.value == 2 and got.clips == 4
    alone = metrics.mean([1, 2], ["a", "a"])
    assert alone.value == 1.5 and np.isnan(alone.low)
    with pytest.raises(ValueError, match="none"):
        metrics.mean([np.nan], ["a"])


def test_pairs_see_what_means_do_not():
    rng = np.random.default_rng(0)
    actor = np.repeat(np.arange(12), 5)
    base = rng.normal(0, 1, 60)
    a, b = base + .1 + rng.normal(0, .02, 60), base
    got = metrics.paired(a, b, actor)
    assert got.low > 0 and got.value == pytest.approx(.1, abs=.02)
    apart = metrics.mean(a, actor), metrics.mean(b, actor)
    assert apart[0].low < apart[1].high
    with pytest.raises(ValueError, match="same clips"):
        metrics.paired(a, b[:-1], actor[:-1])


@pytest.mark.parametrize("low, high, word", [(.1, .3, "more"), (-.3, -.1, "less"), (-.1, .3, "no difference seen"),
                                             (0., .3, "no difference seen"), (np.nan, np.nan, "too few actors")])
def test_a_verdict_claims_only_what_leaves_out_zero(low, high, word):
    assert metrics.verdict(metrics.Mean(.1, low, high, 9, 4)) == word


def test_a_verdict_of_pairs():
    actors, rng = np.repeat(list("abcdef"), 10), np.random.default_rng(0)
    b = rng.normal(size=60)
    assert metrics.verdict(metrics.paired(b + .5 + .1 * rng.normal(size=60), b, actors)) == "more"
    assert metrics.verdict(metrics.paired(b, b + .5, actors), ("better", "worse")) == "worse"
    assert metrics.verdict(metrics.paired(b + .01 * rng.normal(size=60), b, actors)) == "no difference seen"
    assert metrics.verdict(metrics.paired(b[:20] + 1, b[:20], actors[:20])) == "too few actors"
