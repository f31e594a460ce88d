"""The mean of the speech, of a whole sound and of one that goes on."""
from __future__ import annotations

import numpy as np

from tfg import paths
from tfg.media.audio import load_audio, mel_spectrogram
from tfg.speech.features import mean_so_far, speech_mean

VOICE = load_audio(paths.data("audio", "ITH.wav"))


def away(mel) -> float:
    return float(np.abs(mean_so_far(mel) - speech_mean(mel)).mean())


def test_it_becomes_the_mean_of_the_sound_itself():
    once, often = (mel_spectrogram(np.tile(VOICE, n)) for n in (1, 8))
    assert away(often) < .05 and away(often) < away(once) < .5


def test_before_anybody_spoke_it_is_that_of_the_known_voices():
    silence = np.full((80, 100), -4, np.float32)
    assert np.array_equal(mean_so_far(silence), mean_so_far(silence[:, :0]))
    known = np.mean([speech_mean(mel_spectrogram(load_audio(p))) for p in paths.data("audio").glob("*.wav")], 0)
    assert np.allclose(mean_so_far(silence), known, atol=1e-5)


def test_a_quiet_beginning_gets_known_voices_as_quiet():
    """With the first syllables heard, the guess is nearer to the whole sentence's mean than these syllables alone."""
    for gain in (1.0, .1):
        mel = mel_spectrogram(gain * VOICE)
        begun = mel[:, :40]
        whole = speech_mean(mel)
        assert np.abs(mean_so_far(begun) - whole).mean() < np.abs(speech_mean(begun) - whole).mean()
