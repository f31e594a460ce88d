"""tfg.media.delta_codec: rounding to whole steps and back."""
from __future__ import annotations

import numpy as np
import pytest

from tfg.media.delta_codec import pack, unpack


def test_values_come_back_within_half_a_step():
    x = np.cumsum(np.random.default_rng(0).normal(size=(30, 5, 3)), 0) * 9
    again = unpack(pack("x", x, 1 / 64) | {"other": np.arange(3)})
    assert np.abs(again["x"] - x).max() <= 1 / 128 + 1e-5 and again["x"].dtype == np.float32
    assert again["x"].shape == x.shape and (again["other"] == np.arange(3)).all() and set(again) == {"x", "other"}


def test_unknown_and_infinite_values_are_kept():
    x = np.array([[1.0, np.nan, np.inf], [np.nan, 2.0, -3.0], [np.inf, np.inf, np.nan]])
    np.testing.assert_array_equal(unpack(pack("x", x, 1 / 4))["x"], x.astype(np.float32))


def test_the_whole_range_survives_the_differences():
    x = np.array([-32766, 32766, -32766, 0, 32766.0])
    np.testing.assert_array_equal(unpack(pack("x", x, 1.0))["x"], x)


def test_slow_curves_become_small(tmp_path):
    t = np.arange(60)[:, None] / 25
    x = 64 + 3 * np.sin(t + np.linspace(0, 6, 1434))                        # a head that sways, 478 points in 3D
    np.savez_compressed(tmp_path / "plain.npz", x=x.astype(np.float32))
    np.savez_compressed(tmp_path / "packed.npz", **pack("x", x, 1 / 64))
    assert (tmp_path / "packed.npz").stat().st_size < 0.3 * (tmp_path / "plain.npz").stat().st_size


def test_too_small_steps_and_empty_arrays():
    with pytest.raises(ValueError, match="take larger ones"):
        pack("x", np.array([0, 600.0]), 1 / 64)
    with pytest.raises(ValueError, match="x reaches"):
        pack("x", np.array([0, -np.inf]), 1.0)
    assert unpack(pack("x", np.zeros((0, 4)), 1.0))["x"].shape == (0, 4)


def test_names_that_only_look_like_parts():
    held = {"pass__low": np.arange(3), "x__high": np.arange(2)}
    assert set(unpack(held | pack("y", np.zeros(4), 1.0))) == {*held, "y"}


def test_parts_that_do_not_fit():
    parts = pack("x", np.zeros((3, 2)), 1.0)
    with pytest.raises(KeyError):
        unpack({k: v for k, v in parts.items() if not k.endswith("high")})
    with pytest.raises(ValueError):
        unpack(parts | {"x__high": np.zeros((2, 2), np.uint8)})
