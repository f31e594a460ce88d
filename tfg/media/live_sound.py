"""A sound that arrives in pieces: its samples at 16 kHz, its loudness and its mel spectrogram up to now.

The columns of the spectrogram are those that `tfg.media.audio.mel_spectrogram` gives for the whole sound; the last
`KEEP_S` seconds are kept, so that a stream may last for hours.
"""
from __future__ import annotations

import numpy as np

from tfg.errors import InputError
from tfg.media.audio import HOP_LENGTH, N_FFT, N_MELS, SAMPLES_PER_FRAME, SR, mel_spectrogram, mel_windows

KEEP_S = 20
BLOCK = 16 * HOP_LENGTH
"""Samples after which frames and mel columns coincide again: 5 frames, 16 columns. What is forgotten is cut there."""
LEAST_SR, MOST_SR = 4000, 384_000


class LiveSound:
    """Samples, loudness and mel columns of a sound so far, the oldest of them forgotten.

    first: number of the first frame that is kept, a multiple of 5.  n: samples heard so far.  samples: those from frame
    `first` on.  mel: (80, M) columns from frame `first` on whose windows of 800 samples lie within what was heard.
    """

    def __init__(self) -> None:
        self.first, self.n, self.ended = 0, 0, False
        self.samples = np.zeros(0, np.float32)
        self.mel = np.zeros((N_MELS, 0), np.float32)

    @property
    def frames(self) -> int:
        """Frames whose 640 samples were all heard."""
        return self.n // SAMPLES_PER_FRAME

    def finish(self) -> None:
        """Hear the end: silence follows."""
        whole = mel_spectrogram(self._from(self.mel.shape[1]))[:, self._margin:]
        self.mel, self.ended = np.concatenate([self.mel, whole], 1), True

    def windows(self, frames: np.ndarray, width: int = 16) -> np.ndarray:
        """Mel windows (T, 80, width) around the middles of frames, as `tfg.media.audio.mel_windows`; columns that were
        not heard yet repeat the last one: of all simple guesses the one that leads ExpNet least astray."""
        at = np.asarray(frames) - self.first
        if self.ended or not self.mel.shape[1]:
            return mel_windows(self.mel, at, width)
        last = self.mel[:, -1:]
        missing = max(0, 4 * (int(at.max()) + 1) + width - self.mel.shape[1])
        return mel_windows(np.concatenate([self.mel, np.repeat(last, missing, 1)], 1), at, width)

    def push(self, y: np.ndarray) -> None:
        """Hear more.  y: (N,) float32 at 16 kHz."""
        self.samples = np.concatenate([self.samples, y])
        self.n += len(y)
        had = self.mel.shape[1]
        whole = (len(self.samples) - N_FFT // 2) // HOP_LENGTH + 1                 # columns whose windows were heard
        if whole > had:
            fresh = mel_spectrogram(self._from(had))[:, self._margin:]
            self.mel = np.concatenate([self.mel, fresh[:, :whole - had]], 1)
        if len(self.samples) > (KEEP_S + 2) * SR:
            drop = (len(self.samples) - KEEP_S * SR) // BLOCK
            self.samples, self.mel = self.samples[drop * BLOCK:], self.mel[:, drop * 16:]
            self.first += 5 * drop

    def _from(self, column: int) -> np.ndarray:
        """The samples that columns from this one on see; the first `_margin` columns of their spectrogram are others.
        """
        self._margin = min(column, 3)                                              # 3 hops are more than half a window
        return self.samples[(column - self._margin) * HOP_LENGTH:]


class Pieces:
    """Pieces of sound of any rate and length, to be taken again at 16 kHz in pieces of another length.

    n: samples at 16 kHz that came so far.
    """

    def __init__(self) -> None:
        self.n = 0
        self._waiting = np.zeros(0, np.float32)
        self._resampler: Resampler | None = None

    def push(self, samples: np.ndarray, sr: int = SR) -> None:
        """More sound.  samples: (N,) float in [-1, 1], or integers at their full scale.  sr: samples per second.

        Raises InputError: another shape, samples that are not numbers, a rate that no microphone has.
        """
        y = checked(samples)
        if sr != SR or self._resampler is not None:
            if self._resampler is None or self._resampler.sr != sr:
                self._resampler = Resampler(sr)
            y = self._resampler(y)
        self._add(y)

    def finish(self) -> None:
        """The end: what a change of rate held back, and silence up to the end of the last frame."""
        if self._resampler is not None:
            self._add(self._resampler.rest())
        self._add(np.zeros(-self.n % SAMPLES_PER_FRAME, np.float32))

    def take(self, n: int) -> np.ndarray:
        """The next n samples, or all there are, (N,) float32 at 16 kHz."""
        taken, self._waiting = self._waiting[:n], self._waiting[n:]
        return taken

    def _add(self, y: np.ndarray) -> None:
        self._waiting, self.n = np.concatenate([self._waiting, y]), self.n + len(y)


class Resampler:
    """Sound of any rate to 16 kHz, piece by piece without gaps (FFmpeg's resampler).  sr: samples per second."""

    def __init__(self, sr: int):
        import av

        if isinstance(sr, bool) or not isinstance(sr, (int, np.integer)) or not LEAST_SR <= sr <= MOST_SR:
            raise InputError(f"the rate is {sr!r}, but it must be a whole number of samples a second from {LEAST_SR} "
                             f"to {MOST_SR}.")
        self.sr = int(sr)
        self._made = av.AudioResampler(format="flt", layout="mono", rate=SR)

    def __call__(self, y: np.ndarray) -> np.ndarray:
        import av

        if not len(y):
            return y
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(y[None]), format="flt", layout="mono")
        frame.sample_rate = self.sr
        return self._joined(self._made.resample(frame))

    def rest(self) -> np.ndarray:
        """The samples that were held back."""
        return self._joined(self._made.resample(None))

    @staticmethod
    def _joined(frames) -> np.ndarray:
        parts = [frame.to_ndarray().reshape(-1) for frame in frames]
        return np.concatenate([np.zeros(0, np.float32), *parts]).astype(np.float32)


def checked(samples) -> np.ndarray:
    """Samples as (N,) float32 in [-1, 1].  Raises InputError."""
    y = np.asarray(samples)
    if np.issubdtype(y.dtype, np.integer):
        y = y / float(np.iinfo(y.dtype).max)
    if y.ndim != 1 or not np.issubdtype(y.dtype, np.floating):
        raise InputError(f"a piece of sound has the shape {y.shape} and type {y.dtype}; give mono samples (N,) in "
                         "[-1, 1].")
    y = y.astype(np.float32)
    if not np.isfinite(np.dot(y, y)):
        raise InputError("a piece of sound holds samples that are not numbers (NaN or infinite).")
    return np.clip(y, -1, 1)
