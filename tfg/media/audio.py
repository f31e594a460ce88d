"""Sound, its mel spectrogram, and the map between video frames and audio samples.

All sound inside tfg is mono, 16 kHz, float32 in [-1, 1], beside video at 25 frames/s: 640 samples per frame. Frame i
covers the samples [640 i, 640 (i + 1)). The mel spectrogram has a hop of 200 samples, 80 columns/s, so 3.2 columns per
frame; column j is centred on sample 200 j. Training, animation and scoring all use the functions below.
Taught in notebooks/01_sound_and_time.
"""
from __future__ import annotations

import os
from functools import lru_cache

import numpy as np

from tfg.errors import InputError

SR = 16000
FPS = 25
SAMPLES_PER_FRAME = SR // FPS
HOP_LENGTH = 200
N_FFT = 800
N_MELS = 80
FMIN, FMAX = 55.0, 7600.0
PREEMPHASIS = 0.97
MEL_FLOOR = -4.0
"""Value of silence in a mel spectrogram; windows are padded with it beyond the ends of the sound."""
MIN_SECONDS = 0.2
"""Shortest sound that is accepted: five frames of video."""


def load_audio(path: str | os.PathLike, *, start_s: float = 0.0, duration_s: float | None = None) -> np.ndarray:
    """Read the sound of any file that FFmpeg can read, also a video's sound track, and resample it in time.

    start_s, duration_s: the part to read, in seconds of the file's own clock. Second 0 is the start of the earliest of
    its streams, so that sound which starts later than the picture keeps its delay (as leading silence).
    Of several sound tracks the default one is read, as players do.
    Returns (N,) float32 mono at 16 kHz in [-1, 1].  An hour of sound takes 230 MB of memory in any format.
    A UserWarning is given for several tracks, for stereo whose channels cancel each other (one is used), and for float
    samples at the scale of integers (they are divided) or above full scale (they are clipped).
    Raises InputError if the file is missing, corrupt, cut off, has no sound, or holds samples that are not numbers.
    """
    from tfg.media.sound import read_sound

    return read_sound(path, sr=SR, start_s=start_s, duration_s=duration_s)


def check_audible(y: np.ndarray, name: str = "audio") -> None:
    """Check that a sound can drive a face.

    y: (N,) at 16 kHz.  name: its name in messages, for instance the file name.
    Raises InputError if it is empty, not mono, shorter than 0.2 s, not finite, or silent (peak under -60 dB).
    """
    y = np.asarray(y)
    if y.ndim != 1:
        raise InputError(f"{name} has the shape {y.shape}; give mono samples (N,) at 16 kHz.")
    if len(y) == 0:
        raise InputError(f"{name} is empty; give a sound of at least {MIN_SECONDS} s.")
    if not np.isfinite(np.dot(y, y)):
        raise InputError(f"{name} holds samples that are not numbers (NaN or infinite); export the sound again.")
    if len(y) < MIN_SECONDS * SR:
        raise InputError(f"{name} lasts {len(y) / SR:.2f} s; give a sound of at least {MIN_SECONDS} s.")
    if max(y.max(), -y.min()) < 1e-3:
        raise InputError(f"{name} is silent ({len(y) / SR:.1f} s, peak under -60 dB); give a sound with speech in it.")


def n_frames(n_samples: int) -> int:
    """Number of video frames that cover n_samples: ceil(n / 640), at least 1."""
    return max(1, -(-int(n_samples) // SAMPLES_PER_FRAME))


def frame_to_samples(i):
    """The samples that frame i covers, as (start, stop), stop excluded.  i: int or integer array."""
    return i * SAMPLES_PER_FRAME, (i + 1) * SAMPLES_PER_FRAME


def sample_to_frame(s):
    """Number of the frame that covers sample s.  s: int or integer array."""
    return s // SAMPLES_PER_FRAME


@lru_cache(maxsize=8)
def mel_filters(sr: int = SR, n_fft: int = N_FFT, n_mels: int = N_MELS, fmin: float = FMIN, fmax: float = FMAX):
    """Triangular filters, evenly spaced in mel, each of unit area: (n_mels, 1 + n_fft // 2) float32, read-only.

    fmin, fmax: Hz.  The scale is that of Slaney 1998, Auditory Toolbox: linear below 1 kHz (3 mel per 200 Hz) and
    logarithmic above (27 mel per factor 6.4). The values equal those of `librosa.filters.mel` (tested), whose import
    takes a second.
    """
    def to_mel(hz):
        return np.where(hz < 1000, hz * 3 / 200, 15 + 27 * np.log(np.maximum(hz, 1e-9) / 1000) / np.log(6.4))

    def to_hz(mel):
        return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))

    edges = to_hz(np.linspace(to_mel(fmin), to_mel(fmax), n_mels + 2))  # (n_mels + 2,): filter k spans k .. k + 2
    left, peak, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    hz = np.fft.rfftfreq(n_fft, 1 / sr)
    triangles = np.maximum(0, np.minimum((hz - left) / (peak - left), (right - hz) / (right - peak)))
    filters = (triangles * 2 / (right - left)).astype(np.float32)
    filters.flags.writeable = False  # the cache returns the same array to all callers
    return filters


def mel_spectrogram(y: np.ndarray, n_mels: int = N_MELS) -> np.ndarray:
    """Log-mel spectrogram of a sound.

    y: (N,) float in [-1, 1] at 16 kHz.  n_mels: number of bands between 55 and 7600 Hz.
    Returns (n_mels, M) float32 with M = 1 + N // 200; column j is centred on sample 200 j, and silence surrounds the
    sound. A value is 20 log10 of the mel magnitude after pre-emphasis 0.97, of which
    the range -80..+20 dB is mapped to [-4, 4] and clipped (Prajwal et al. 2020, Wav2Lip, audio.py).
    The sound is processed in blocks: an hour needs 92 MB for the result and a few MB more.
    """
    y = np.asarray(y, dtype=np.float32)
    if y.ndim != 1:
        raise ValueError(f"mel_spectrogram needs samples of shape (N,), got {y.shape}")
    columns, half, block = 1 + len(y) // HOP_LENGTH, N_FFT // 2, 1024
    window = np.hanning(N_FFT + 1)[:-1].astype(np.float32)  # periodic Hann
    filters = mel_filters(n_mels=n_mels)
    out = np.empty((n_mels, columns), np.float32)
    for first in range(0, columns, block):
        last = min(first + block, columns)
        start, stop = first * HOP_LENGTH - half, (last - 1) * HOP_LENGTH + half  # samples that these columns see
        piece = np.zeros(stop - start + 1, np.float32)  # one sample more on the left, for the pre-emphasis
        a, b = max(start - 1, 0), min(stop, len(y))
        piece[a - (start - 1): b - (start - 1)] = y[a:b]
        piece = piece[1:] - PREEMPHASIS * piece[:-1]
        if stop > len(y):
            piece[len(y) - start:] = 0  # else the pre-emphasis of the last sample would follow the end of the sound
        frames = np.lib.stride_tricks.sliding_window_view(piece, N_FFT)[::HOP_LENGTH]  # (columns here, 800)
        magnitude = np.abs(np.fft.rfft(frames * window))  # (columns here, 401)
        db = 20 * np.log10(np.maximum(filters @ magnitude.T, 1e-6))
        out[:, first:last] = np.clip((db + 80) * (8 / 100) - 4, MEL_FLOOR, 4)
    return out


def mel_start(frame, width: int = 16):
    """First mel column of a frame's window of `width` columns; it is negative at the start of a clip.

    frame: int or integer array, or the fractional numbers that `frame_at` returns for times between frames' middles.
    The middle of frame i is sample 640 i + 320, column 3.2 i + 1.6. The window's own centre is (width - 1) / 2 columns
    after its start, so start = round(3.2 i + 1.6 - (width - 1) / 2): at most half a column (3 ms) from exact.
    """
    tenths = 32 * frame + 16 - 5 * (width - 1) + 5            # tenths of a column; + 5 rounds half up
    if np.issubdtype(np.asarray(frame).dtype, np.floating):
        return np.floor(np.asarray(tenths) / 10 + 1e-6).astype(np.int64)  # 1e-6: rounding of the seconds
    return tenths // 10


def frame_at(seconds):
    """Number of the frame whose middle is at that time; a fraction between two middles.  seconds: float or array.

    Pictures at other rates get their sound by it, from the time at which they are on screen.
    """
    return np.asarray(seconds, np.float64) * FPS - 0.5


def mel_window(mel: np.ndarray, frame: int, width: int = 16) -> np.ndarray:
    """The mel columns around the middle of one video frame: (80, width), a copy.

    mel: (80, M).  Columns beyond the ends of the sound are filled with the mel floor, -4.
    """
    start = mel_start(int(frame), width)
    out = np.full((mel.shape[0], width), MEL_FLOOR, mel.dtype)
    a, b = max(start, 0), min(start + width, mel.shape[1])
    if b > a:
        out[:, a - start: b - start] = mel[:, a:b]
    return out


def mel_windows(mel: np.ndarray, frames, width: int = 16) -> np.ndarray:
    """The mel columns around the middles of T video frames: (T, 80, width), see `mel_window`.

    mel: (80, M).  frames: T for the frames 0 .. T - 1, or an array of frame numbers (see `mel_start`) in any order.
    """
    starts = mel_start(np.arange(frames) if np.ndim(frames) == 0 else np.asarray(frames), width)
    first, stop = int(starts.min(initial=0)), int(starts.max(initial=0)) + width
    piece = mel[:, max(first, 0): max(stop, 0)]               # copy only the columns that these frames need
    left = max(0, -first)
    padded = np.pad(piece, ((0, 0), (left, max(0, stop - first - left - piece.shape[1]))), constant_values=MEL_FLOOR)
    views = np.lib.stride_tricks.sliding_window_view(padded, width, axis=1)  # (80, M', width)
    return np.ascontiguousarray(views[:, starts - first].transpose(1, 0, 2))


def loudness(y: np.ndarray) -> np.ndarray:
    """Loudness of each video frame, (T,): root mean square in dB (0 is full scale), at least -100.  y: (N,)."""
    y = np.asarray(y, dtype=np.float32)
    T, whole = n_frames(len(y)), len(y) // SAMPLES_PER_FRAME
    power = np.zeros(T, np.float64)
    blocks = y[: whole * SAMPLES_PER_FRAME].reshape(whole, SAMPLES_PER_FRAME)
    power[:whole] = np.einsum("ts,ts->t", blocks, blocks) / SAMPLES_PER_FRAME
    rest = y[whole * SAMPLES_PER_FRAME:]
    if len(rest):
        power[-1] = np.mean(rest**2)  # the mean of the samples that exist, so that a short last frame is not quieter
    return (10 * np.log10(np.maximum(power, 1e-10))).astype(np.float32)


def write_wav(path: str | os.PathLike, y: np.ndarray, sr: int = SR) -> None:
    """Write a mono WAV with 16-bit samples (atomically).  y: (N,) float; samples beyond [-1, 1] are clipped.

    sr: sample rate in Hz.  Raises InputError if the folder is missing or not writable, or a sample is not a number.
    """
    import wave

    from tfg.files import atomic

    y = np.asarray(y)
    if y.ndim != 1:
        raise ValueError(f"write_wav needs samples of shape (N,), got {y.shape}")
    if not np.isfinite(np.dot(y, y)):
        raise InputError(f"the sound for {path} holds samples that are not numbers (NaN or infinite); nothing written.")
    with atomic(path) as part, wave.open(str(part), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(int(sr))
        for start in range(0, len(y), 1 << 20):  # in blocks: an hour needs no second copy
            block = np.clip(np.round(y[start: start + (1 << 20)] * 32768.0), -32768, 32767)
            file.writeframes(block.astype("<i2").tobytes())
