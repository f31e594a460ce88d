"""The offset of sound and picture: found where syllables tell it, NaN where they do not."""
from __future__ import annotations

import numpy as np
import pytest

from tfg.corpora.sync import COLUMN_MS, audio_offset, pooled_offset


def spoken(seed: int, seconds: float = 4.0, delay_ms: float = 0.0, noise: float = .1):
    """A lip gap (T,) at 25 per second and a mel (M, 80) whose loudness follows it, `delay_ms` later."""
    rng = np.random.default_rng(seed)
    onsets = np.cumsum(rng.uniform(.15, .45, 40))

    def syllables(t):
        return sum(np.exp(-.5 * ((t - o) / .05) ** 2) for o in onsets)

    T = round(25 * seconds)
    frames, columns = (np.arange(T) + .5) / 25, np.arange(1 + T * 16 // 5) / 80
    gap = syllables(frames) + rng.normal(0, noise, T)
    mel = -3 + 4 * syllables(columns - delay_ms / 1000)[:, None] + rng.normal(0, .1, (len(columns), 80))
    return gap, mel


@pytest.mark.parametrize("delay", [-150, -40, 0, 40, 150])
def test_a_known_delay_is_found(delay):
    offset, error = audio_offset(*spoken(1, delay_ms=delay))
    assert abs(offset - delay) <= COLUMN_MS and error < 30


def test_unit_and_gaps_do_not_matter():
    gap, mel = spoken(2, delay_ms=50)
    whole = audio_offset(gap, mel)[0]
    assert audio_offset(gap * 37 + 5, mel)[0] == whole
    gap[20:24] = np.nan
    assert abs(audio_offset(gap, mel)[0] - whole) <= COLUMN_MS


def test_the_error_grows_with_noise():
    quiet = np.nanmean([audio_offset(*spoken(s, noise=.1))[1] for s in range(6)])
    loud = np.nanmean([audio_offset(*spoken(s, noise=.6))[1] for s in range(6)])
    assert quiet < loud


def test_what_cannot_be_told_is_nan():
    gap, mel = spoken(3)
    other = spoken(4)[0]
    for name, (a, b) in {"short": (gap[:20], mel[:65]), "silent": (gap, np.full_like(mel, -4)),
                         "still lips": (np.zeros_like(gap), mel), "no face": (np.full_like(gap, np.nan), mel),
                         "another speech": (np.random.default_rng(0).normal(size=len(other)), mel)}.items():
        assert np.isnan(audio_offset(a, b)).all(), name


def test_many_clips_together_tell_more_than_one():
    clips = [spoken(s, seconds=2, delay_ms=60, noise=1.0) for s in range(40)]
    alone = [audio_offset(*c)[0] for c in clips]
    assert np.isnan(alone).sum() > 5, "the clips are meant to be too noisy one by one"
    offset, error, n = pooled_offset(clips)
    assert n == 40 and abs(offset - 60) <= 2 * COLUMN_MS and error < 30


def test_too_few_clips():
    offset, error, n = pooled_offset([spoken(0), spoken(1)])
    assert np.isnan(offset) and np.isnan(error) and n == 2
