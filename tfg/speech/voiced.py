"""Does somebody speak? A share in [0, 1] for each frame, from the sound itself, a quarter of a second ahead of it.

A frame is speech if it is loud enough, has a pitch of 70 to 400 Hz, and ends a second whose loudness goes up and down
as syllables do. Noise has no pitch, a held chord no syllables. Consonants have no pitch either: they count because of
the vowels around them. What cannot be told apart in this way: a singer, a melody of single notes that fade quickly, and
the first second of any music after silence.
"""
from __future__ import annotations

import numpy as np

from tfg.media.audio import SAMPLES_PER_FRAME, SR

AHEAD = 7
"""Frames after a frame that its share depends on."""
AROUND, EASE = 5, 2
"""Frames around a voiced one that count as speech, and frames on either side over which the share rises and falls."""
LAGS = slice(SR // 400, SR // 70)
N = 1024                                             # samples in which a pitch is looked for: 64 ms
PITCHED = (.44, .56)                                 # autocorrelation at which a frame has no pitch, and surely one
SWING_DB, SWING_FRAMES = (3.5, 5.5), 30              # standard deviation of the loudness over the last 1.2 s
QUIET_DB, UNDER_DB = -55.0, 32.0                     # silent below the first, or so far below the loudest of late
FORGET_DB = .08                                      # by which the loudest of late falls in a frame: 2 dB a second


class Voiced:
    """The shares of speech of a sound that arrives frame by frame.

        share = Voiced()
        share.hear(samples, db)         # of each frame: the last 1024 samples up to its end, its loudness
        share.of(frame)
    """

    def __init__(self) -> None:
        self._marks: dict[int, float] = {}
        self._levels: list[float] = []
        self._loudest, self._n = -100.0, 0

    def hear(self, samples: np.ndarray, db: float) -> None:
        """The next frame.  samples: up to 1024 that end with it.  db: its loudness, 0 is full scale."""
        self._levels = [*self._levels[1 - SWING_FRAMES:], max(float(db), -80.0)]
        self._loudest = max(self._loudest - FORGET_DB, float(db))
        mark = 0.0
        if db > max(QUIET_DB, self._loudest - UNDER_DB):
            swing = float(np.std(self._levels)) if len(self._levels) > 5 else np.inf
            mark = _rise(pitch_strength(samples), *PITCHED) * _rise(swing, *SWING_DB)
        self._marks[self._n] = mark
        self._marks.pop(self._n - 4 * AHEAD, None)
        self._n += 1

    def of(self, frame: int) -> float:
        """Share of speech in a frame that lies at most `AHEAD` frames before the last one; frames to come count as it
        does."""
        marks = [self._marks.get(min(frame + d, self._n - 1), 0.0) for d in range(-AHEAD - 1, AHEAD + 1)]
        pairs = np.minimum(marks[1:], marks[:-1])               # a vowel lasts two frames, a drum's beat does not
        return float(np.mean([pairs[k:k + 2 * AROUND + 1].max() for k in range(2 * EASE + 1)]))


def pitch_strength(samples: np.ndarray) -> float:
    """How well a piece of sound repeats itself with a period of 70 to 400 Hz: 1 exactly, noise about 0.3.

    samples: (N,) at 16 kHz, up to 1024.  The highest peak of the autocorrelation between 60 and 1200 Hz, corrected for
    the window (Boersma 1993).
    """
    window = np.hanning(N)
    x = np.pad(np.asarray(samples[-N:], float), (N - min(N, len(samples)), 0))
    spectrum = np.fft.rfft((x - x.mean()) * window, 2 * N)
    hz = np.fft.rfftfreq(2 * N, 1 / SR)
    r = np.fft.irfft(np.where((hz > 60) & (hz < 1200), np.abs(spectrum) ** 2, 0))[:N]
    shape = np.fft.irfft(np.abs(np.fft.rfft(window, 2 * N)) ** 2)[:N]
    r = r / shape * shape[0]
    part = r[LAGS.start - 1:LAGS.stop + 1]
    peaks = (part[1:-1] >= part[:-2]) & (part[1:-1] >= part[2:])
    return float(np.max(part[1:-1], where=peaks, initial=0.0) / max(r[0], 1e-12))


def share_of_speech(audio: np.ndarray) -> np.ndarray:
    """Share of speech in each frame of a whole sound: (T,) in [0, 1].  audio: (N,) float32 at 16 kHz."""
    from tfg.media.audio import loudness

    share, out, db = Voiced(), [], loudness(audio)
    for k, level in enumerate(db):
        stop = (k + 1) * SAMPLES_PER_FRAME
        share.hear(audio[max(0, stop - N):stop], level)
        if k >= AHEAD:
            out.append(share.of(k - AHEAD))
    return np.array(out + [share.of(k) for k in range(len(out), len(db))], np.float32)


def _rise(x: float, low: float, high: float) -> float:
    return min(max((x - low) / (high - low), 0.0), 1.0)
