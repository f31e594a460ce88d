"""Augmentation: one draw for all frames of a window and for its reference, and labels that follow."""
from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from small_store import acted, make_store, splits_of
from tfg.corpora.augment import MIRRORED, Augment
from tfg.corpora.windows import Windows
from tfg.errors import InputError
from tfg.faces import mirror

NOTHING = Augment(**{f.name: 0 for f in fields(Augment)})
INDEX = np.arange(200)


def only(**values) -> Augment:
    return Augment(**{f.name: 0 for f in fields(Augment)} | values)


def windows_of(n: int, T: int = 4, S: int = 32, seed: int = 0) -> np.ndarray:
    """(n, T, 3, S, S): the same picture in every frame of a window."""
    one = np.random.default_rng([seed]).integers(30, 220, (n, 1, 3, S, S), dtype=np.uint8)
    return np.repeat(one, T, 1)


def test_zero_changes_nothing():
    x = windows_of(5)
    before = x.copy()
    assert np.array_equal(NOTHING.frames(x, NOTHING.draw(0, 0, INDEX[:5])), before)


@pytest.mark.parametrize("kind", [dict(brightness=.1), dict(contrast=.3), dict(gamma=.3), dict(colour=.2),
                                  dict(blur=9, blur_p=1), dict(jpeg=20, jpeg_p=1), dict(flip_p=1)])
def test_all_frames_and_the_reference_change_alike(kind):
    augment = only(**kind)
    draws = augment.draw(0, 0, INDEX[:12])
    window, reference = augment.frames(windows_of(12), draws, 0), augment.frames(windows_of(12), draws, 1)
    assert (window == window[:, :1]).all(), "frames of one window differ: a network would learn flicker"
    assert np.array_equal(window, reference)
    changed = [not np.array_equal(a, b) for a, b in zip(window, windows_of(12))]
    assert sum(changed) >= 8


def test_windows_change_differently():
    augment = only(brightness=.2, contrast=.3, gamma=.3, colour=.2)
    x = np.repeat(windows_of(1), 20, 0)
    out = augment.frames(x, augment.draw(0, 0, INDEX[:20]))
    assert len({w.tobytes() for w in out}) == 20
    assert np.ptp(out.mean((1, 2, 3, 4))) > 20


def test_noise_differs_from_frame_to_frame_and_has_its_strength():
    augment = only(noise=.1, noise_p=1)
    draws = augment.draw(0, 0, INDEX[:40])
    x = np.full((40, 3, 3, 64, 64), 128, np.uint8)
    out, reference = augment.frames(x.copy(), draws, 0), augment.frames(x.copy(), draws, 1)
    error = out.astype(float) - 128
    assert np.allclose(error.std((1, 2, 3, 4)), draws["noise"] * 255, rtol=.05, atol=.4)
    assert np.abs(error.mean((1, 2, 3, 4))).max() < 1
    strong = int(np.argmax(draws["noise"]))
    frames = [*error[strong], *(reference[strong].astype(float) - 128)]
    for a in range(6):
        for b in range(a):
            assert abs(np.corrcoef(frames[a].ravel(), frames[b].ravel())[0, 1]) < .05


def test_noise_saturates_instead_of_wrapping():
    augment = only(noise=.5, noise_p=1)
    draws = augment.draw(0, 0, INDEX[:10])
    for value in (0, 255):
        out = augment.frames(np.full((10, 2, 3, 32, 32), value, np.uint8), draws)
        assert abs(float(np.median(out)) - value) <= 1                    # half the noise is cut off, none comes round
    big = augment.frames(np.full((1, 1, 3, 320, 320), 100, np.uint8), augment.draw(0, 0, [3]))
    assert big.std() > 1                                                  # larger than the bank of noise


def test_shares_and_ranges():
    augment = Augment(noise_p=.3, blur_p=.1, jpeg_p=.2, flip_p=.5)
    draws = augment.draw(1, 2, np.arange(8000))
    for name, share in (("noise", .3), ("blur", .1), ("flip", .5)):
        assert abs((draws[name] > 0).mean() - share) < .02, name
    assert abs((draws["jpeg"] < 100).mean() - .2) < .02 and draws["jpeg"].min() >= 50
    assert np.abs(draws["brightness"]).max() <= .08 and np.abs(draws["contrast"] - 1).max() <= .2
    assert abs(draws["brightness"].mean()) < .002 and draws["colour"].shape == (8000, 3)


def test_draws_are_a_function_of_seed_epoch_and_index():
    a = Augment().draw(0, 3, INDEX)
    b = Augment().draw(0, 3, INDEX[::-1])
    assert all(np.array_equal(a[k], b[k][::-1]) for k in a)
    for other in (Augment().draw(1, 3, INDEX), Augment().draw(0, 4, INDEX)):
        assert not np.array_equal(a["contrast"], other["contrast"])


def test_a_known_change():
    """Gamma, then gain, then contrast about mid-grey, then brightness, by the formula; nothing else."""
    augment = only(brightness=.1, contrast=.2, gamma=.2, colour=.1)
    draws = augment.draw(0, 0, [7])
    x = windows_of(1)
    v = (x / 255.0) ** draws["gamma"][0] * draws["colour"][0][:, None, None]
    v = (v - .5) * draws["contrast"][0] + .5 + draws["brightness"][0]
    want = np.clip(np.rint(v * 255), 0, 255)
    assert np.abs(augment.frames(x.copy(), draws) - want).max() <= 1


def test_blur_and_jpeg_stay_within_a_colour_plane():
    """A picture whose red plane alone is not flat: blurred, the others stay flat (no plane bleeds into the next)."""
    x = np.full((1, 2, 3, 32, 32), 90, np.uint8)
    x[:, :, 0, ::2] = 200
    augment = only(blur=3, blur_p=1)
    draws = augment.draw(0, 0, [4]) | {"blur": np.array([2.0])}
    out = augment.frames(x.copy(), draws)
    assert (out[:, :, 1:] == 90).all() and out[:, :, 0].std() < .5 * x[:, :, 0].std()
    grey = np.repeat(np.linspace(40, 200, 32).astype(np.uint8)[None], 32, 0)
    y = np.stack([grey, grey // 2, 255 - grey])[None, None].copy()
    compressed = only(jpeg=80, jpeg_p=1).frames(y.copy(), only(jpeg=80, jpeg_p=1).draw(0, 0, [1]))
    assert 0 < np.abs(compressed.astype(int) - y).mean() < 8               # channels are not exchanged


def test_flipped_windows_flip_their_labels(tmp_path):
    store = make_store(tmp_path / "s", acted("V1", "HAP", "SAD"))
    names = ("expression", "pose", "points", "aus", "intensity")
    plain = Windows(store, splits_of(V1="train"), labels=names, size=32)
    flips = Windows(store, splits_of(V1="train"), labels=names, size=32, augment=only(flip_p=.5))
    a, b = (w.batch(0, np.arange(len(w))) for w in (plain, flips))
    flipped = flips.augment.draw(0, 0, a["index"])["flip"]
    assert .2 < flipped.mean() < .8
    for name in a:
        if name not in ("frames", "reference", "expression", "pose", "points"):
            assert np.array_equal(a[name], b[name]), name                   # AUs are means of both sides
        assert np.array_equal(a[name][~flipped], b[name][~flipped]), name
    assert np.array_equal(b["frames"][flipped], a["frames"][flipped][..., ::-1])
    assert np.array_equal(b["reference"][flipped], a["reference"][flipped][..., ::-1])
    assert np.allclose(b["expression"][flipped], mirror.expression(a["expression"][flipped]))
    assert np.allclose(b["pose"][flipped], mirror.pose(a["pose"][flipped]))
    assert np.allclose(b["points"][flipped], mirror.points(a["points"][flipped], 32))


def test_points_still_lie_on_what_they_lay_on():
    """A dot that is painted where a point is, is there in the flipped picture, under its partner's number."""
    x = np.zeros((1, 1, 3, 32, 32), np.uint8)
    points = np.full((1, 1, 478, 3), 5, np.float32)
    points[0, 0, 33, :2] = 9, 20
    x[..., 20, 9] = 255
    augment = only(flip_p=1)
    draws = augment.draw(0, 0, [0])
    out, labels = augment.frames(x, draws), augment.labels({"points": points}, draws, 32)
    px, py = labels["points"][0, 0, mirror.POINTS[33], :2].astype(int)
    assert mirror.POINTS[33] == 263 and out[0, 0, 0, py, px] == 255


def test_matrix_of_a_flipped_crop():
    m = np.random.default_rng(0).normal(size=(3, 2, 3))
    p = np.array([4.0, 7, 1])
    straight, flipped = m @ p, MIRRORED["matrix"](m, 32) @ p
    assert np.allclose(flipped[:, 0], 31 - straight[:, 0]) and np.allclose(flipped[:, 1], straight[:, 1])


def test_labels_that_nobody_can_mirror_are_refused(tmp_path):
    from tfg.corpora.store import ARRAYS, StoreWriter

    with StoreWriter(tmp_path / "s", size=32, arrays=ARRAYS | {"gaze": ("<f4", (2,))}):
        pass
    store = make_store(tmp_path / "s", acted("V1", "HAP", "SAD"), size=32)
    with pytest.raises(InputError, match="'gaze' cannot be mirrored"):
        Windows(store, splits_of(V1="train"), labels=("gaze",), augment=Augment())
    assert "gaze" in Windows(store, splits_of(V1="train"), labels=("gaze",), augment=only(brightness=.1))[0]


@pytest.mark.parametrize("values", [dict(noise=-1), dict(flip_p=1.5), dict(jpeg=101), dict(blur=float("nan"))])
def test_values_that_make_no_picture_are_refused(values):
    with pytest.raises(InputError, match=next(iter(values))):
        Augment(**values)
