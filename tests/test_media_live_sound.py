"""A sound in pieces has the samples and the spectrogram of the whole."""
from __future__ import annotations

import numpy as np
import pytest

from conftest import swelling_noise, tone
from tfg import InputError
from tfg.media.audio import mel_spectrogram, mel_windows
from tfg.media.live_sound import KEEP_S, LiveSound, Pieces


def pieces(y, sizes) -> LiveSound:
    live, at = LiveSound(), 0
    while at < len(y):
        n = next(sizes)
        live.push(y[at:at + n])
        at += n
    return live


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_columns_and_windows_are_those_of_the_whole_sound(seed):
    y, rng = swelling_noise(3.1, seed), np.random.default_rng(seed)
    live = pieces(y, iter(lambda: int(rng.integers(1, 2500)), None))
    whole = mel_spectrogram(y)
    known = live.mel.shape[1]
    assert whole.shape[1] - 3 <= known < whole.shape[1]              # the last ones wait for their samples
    assert np.allclose(live.mel, whole[:, :known], atol=1e-4)
    live.finish()
    assert np.allclose(live.mel, whole, atol=1e-4) and live.frames == len(y) // 640
    at = np.arange(60, 90)                                           # beyond the end: silence
    assert np.allclose(live.windows(at), mel_windows(whole, at), atol=1e-4)


def test_what_is_old_is_forgotten_and_time_stays():
    y = swelling_noise(KEEP_S + 7.3)
    live = pieces(y, iter(lambda: 6400, None))
    assert live.first > 0 and len(live.samples) <= (KEEP_S + 2) * 16000 + 6400 and live.n == len(y)
    at = np.arange(live.first + 10, live.frames - 5)
    assert np.allclose(live.windows(at), mel_windows(mel_spectrogram(y), at), atol=1e-4)


def test_columns_to_come_repeat_the_last():
    live = pieces(swelling_noise(1.0), iter(lambda: 640, None))
    later = live.windows(np.array([live.frames + 20]))[0]
    assert np.array_equal(later, np.repeat(live.mel[:, -1:], 16, 1))


@pytest.mark.parametrize("sr", [8000, 16000, 44100, 48000])
def test_another_rate_is_resampled_in_time_without_seams(sr):
    y, rng, sound, at = tone(1.5, sr)[0], np.random.default_rng(0), Pieces(), 0
    while at < len(y):
        n = int(rng.integers(10, 3000))
        sound.push(y[at:at + n], sr)
        at += n
    sound.finish()
    heard, wanted = sound.take(10 ** 9), tone(1.5, 16000)[0]
    assert len(heard) == sound.n and sound.n % 640 == 0 and 0 <= sound.n - len(wanted) < 640 + 200
    off = [np.abs(heard[300 + lag:20000 + lag] - wanted[300:20000]).max() for lag in range(-16, 17)]     # 1 ms
    assert min(off) < .03 < max(off)


def test_pieces_are_taken_in_other_lengths():
    y, sound = swelling_noise(.2), Pieces()
    sound.push(y[:1000])
    first = sound.take(640)
    sound.push(y[1000:])
    assert np.array_equal(np.concatenate([first, sound.take(100), sound.take(10 ** 6)]), y) and not len(sound.take(5))


@pytest.mark.parametrize("bad, word", [(np.zeros((2, 5)), "mono"), (np.array([0, np.nan]), "NaN"), (["a"], "mono")])
def test_what_is_no_sound_is_refused(bad, word):
    with pytest.raises(InputError, match=word):
        Pieces().push(bad)


@pytest.mark.parametrize("sr", [0, -1, 100, 44100.5, "44100", True])
def test_a_rate_that_no_microphone_has_is_refused(sr):
    with pytest.raises(InputError, match="rate"):
        Pieces().push(np.zeros(10, np.float32), sr)


def test_whole_numbers_are_taken_at_full_scale():
    sound = Pieces()
    sound.push(np.array([0, 16384, -32768], np.int16))
    assert np.allclose(sound.take(3), [0, .5, -1], atol=1e-4)
