"""Degraded speech: same length and time, seeded, and degraded indeed."""
from __future__ import annotations

import numpy as np
import pytest

from conftest import swelling_noise
from tfg.speech import degrade as D


def test_nothing_moves_in_time():
    y = swelling_noise(2)
    for seed in range(12):
        z = D.degrade(y, np.random.default_rng(seed), y[::-1])
        assert z.shape == y.shape and z.dtype == np.float32 and np.abs(z).max() <= 1
        spectrum = np.fft.rfft(y, 2 * len(y)) * np.conj(np.fft.rfft(z, 2 * len(y)))
        lag = int(np.fft.irfft(spectrum / (np.abs(spectrum) + 1e-3)).argmax())
        assert lag in (0, 2 * len(y) - 1, 1), (seed, lag)


def test_the_same_seed_gives_the_same_sound_and_another_another():
    y = swelling_noise(1)
    one, same, other = (D.degrade(y, np.random.default_rng(s)) for s in (3, 3, 4))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_a_telephone_has_no_bass_and_no_treble():
    z = D.telephone(np.random.default_rng(0).normal(0, .1, 16000).astype(np.float32))
    power, hz = np.abs(np.fft.rfft(z)) ** 2, np.fft.rfftfreq(len(z), 1 / 16000)
    inside = power[(hz > 400) & (hz < 3300)].mean()
    assert power[hz < 200].mean() < .02 * inside and power[hz > 4000].mean() < .02 * inside


@pytest.mark.parametrize("sound", [D.noise, D.music])
def test_noise_and_music_have_a_level_of_one(sound):
    y = sound(32000, np.random.default_rng(1))
    assert y.shape == (32000,) and .95 < np.sqrt(np.mean(y ** 2)) < 1.05
