"""Scores of head motion and blinks: size, variety, timing with the sound, and rate of blinks.

None of these compares frame by frame with a true motion: many motions suit one sound.
"""
from __future__ import annotations

import numpy as np

from tfg.media.audio import FPS, HOP_LENGTH, SR, loudness, mel_spectrogram

BEAT_S = .05
"""Tolerance of `beat_alignment` in seconds: sigma is 3 frames of 60 a second in Li et al. 2021."""
SHUT, LASTS_S = .35, .5
"""A blink is a dip below this share of the clip's open eye; a longer one is eyes held shut."""


def diversity(poses) -> np.ndarray:
    """Mean standard deviation of pose within a clip, (6,), degrees and head widths.  poses: list of (T, 6)."""
    return np.mean([np.nanstd(np.asarray(p, float), axis=0) for p in poses], axis=0)


def difference(poses) -> np.ndarray:
    """Distance between motions for one sound, (6,): the mean distance of two of them, over sqrt(2), so that independent
    ones score their own standard deviation.  poses: (K, T, 6), K >= 2, of several seeds or styles.

    Raises ValueError for other shapes.
    """
    poses = np.asarray(poses, float)
    if poses.ndim != 3 or len(poses) < 2:
        raise ValueError(f"give two motions or more, (K, T, 6), got {poses.shape}")
    return np.sqrt(np.nanmean(poses.var(0, ddof=1), axis=0))


def onsets(audio: np.ndarray) -> np.ndarray:
    """Times of onsets in the sound, (K,) seconds: peaks of spectral flux (Bello et al. 2005), 0.1 s apart at least.

    audio: (N,) at 16 kHz. Flux is the rise of the log-mel spectrogram over two columns (25 ms), bands added up.
    """
    from scipy.ndimage import gaussian_filter1d
    from scipy.signal import find_peaks

    mel = np.asarray(mel_spectrogram(audio), float)
    mel = np.maximum(mel, mel.max() - 4)                         # sounds 50 dB below the loudest do not count
    flux = np.zeros(mel.shape[1])
    flux[2:] = np.maximum(mel[:, 2:] - mel[:, :-2], 0).mean(0)
    flux = gaussian_filter1d(flux, 1.5)
    peaks, _ = find_peaks(flux, height=.06, prominence=.04, distance=8)
    return (peaks - 1) * HOP_LENGTH / SR


def accents(audio: np.ndarray) -> np.ndarray:
    """Times of the stressed syllables, (K,) seconds: peaks of loudness half a second apart at least, all of those that
    a virtual actor may mark (`tfg.acting.performance.stressed` leaves some out)."""
    from scipy.ndimage import gaussian_filter1d
    from scipy.signal import find_peaks

    db = np.asarray(loudness(audio), float)
    level = gaussian_filter1d(np.maximum(db - np.percentile(db, 97), -60), 1.0)
    peaks, _ = find_peaks(level, height=-14, prominence=2.5, distance=12)
    return (peaks + .5) / FPS


def motion_beats(pose: np.ndarray, fps: float = FPS) -> np.ndarray:
    """Times of the motion's beats, (K,) seconds: local minima of the head's speed (Li et al. 2021, sec. 6.1).

    pose: (T, 6); speed is that of its three angles, in degrees, smoothed by a Gaussian of one frame. A still head
    has none.
    """
    from scipy.ndimage import gaussian_filter1d
    from scipy.signal import find_peaks

    if len(pose) < 4:
        return np.zeros(0)
    speed = np.linalg.norm(np.diff(np.asarray(pose, float)[:, :3], axis=0), axis=1) * fps
    speed = gaussian_filter1d(speed, 1.0)
    valleys, _ = find_peaks(-speed, prominence=max(.15 * speed.std(), 1e-6))
    return (valleys + 1) / fps                                   # speed t is that between frames t and t + 1


def beat_alignment(pose: np.ndarray, beats_s: np.ndarray, fps: float = FPS, *, sigma_s: float = BEAT_S) -> float:
    """Closeness of the motion's beats to those of the sound, 0..1: the mean over motion beats t of
    exp(-min_j (t - s_j)^2 / (2 sigma^2)) (Li et al. 2021, AI Choreographer, eq. 6).

    pose: (T, 6).  beats_s: (K,) seconds, `onsets` or `accents` of the sound.  NaN where one of the two has no beats.
    Chance is not 0: compare
    with the same motion beside another sound.
    """
    moved, beats_s = motion_beats(pose, fps), np.asarray(beats_s, float)
    if not len(moved) or not len(beats_s):
        return float("nan")
    nearest = np.abs(moved[:, None] - beats_s[None]).min(1)
    return float(np.exp(-nearest**2 / (2 * sigma_s**2)).mean())


def response(pose: np.ndarray, beats_s: np.ndarray, fps: float = FPS, *, reach_s: float = .48) -> np.ndarray:
    """Mean head motion around a beat: (2 reach + 1, 6), the middle row is at the beat, each column has mean 0.

    Sway averages out, nods remain. NaN where no beat is that far from both ends.
    """
    pose, reach = np.asarray(pose, float), round(reach_s * fps)
    at = np.round(np.asarray(beats_s, float) * fps - .5).astype(int)
    at = at[(at >= reach) & (at < len(pose) - reach)]
    if not len(at):
        return np.full((2 * reach + 1, pose.shape[1]), np.nan)
    pieces = pose[at[:, None] + np.arange(-reach, reach + 1)]
    return (pieces - pieces.mean(1, keepdims=True)).mean(0)


def blink_rate(aperture: np.ndarray, fps: float = FPS) -> float:
    """Blinks per minute: dips of the eyes' aperture that come back within half a second.

    aperture: (T,) any measure that is larger the wider the eyes are, `tfg.faces.geometry.eye_aperture` or
    1 - eyeBlink; NaN frames are bridged. A dip counts below 35 % of the clip's own open eye (95th percentile).
    NaN where nothing was measured.
    """
    aperture = np.asarray(aperture, float)
    known = np.isfinite(aperture)
    if not known.any():
        return float("nan")
    t = np.arange(len(aperture))
    shut = np.interp(t, t[known], aperture[known]) < SHUT * np.percentile(aperture[known], 95)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], shut.astype(int), [0]])))
    lasts = edges[1::2] - edges[::2]
    return float((lasts <= round(LASTS_S * fps)).sum() / (len(aperture) / fps / 60))
