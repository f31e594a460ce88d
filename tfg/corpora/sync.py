"""Delay of the sound after the picture, estimated from lip landmarks and mel in a store.

A mouth opens with each syllable. The lip gap is correlated with the loudness (mean of the log-mel's 80 bands) at a
shifted time, both without their slow part (slower than a syllable: a mouth that stays open, a pause); the shift with
the highest correlation is the offset. It is a coarse measure: one sentence of two seconds gives it with a standard
error of 30 to 90 ms, or not at all, while viewers notice sound that is 45 ms early or 125 ms late (ITU-R BT.1359).
`pooled_offset` adds up the correlations of many clips, whose syllables differ and whose offset does not.
"""
from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from tfg.faces.smooth import fill_gaps
from tfg.media.audio import FPS, HOP_LENGTH, SR

COLUMN_MS = 1000 * HOP_LENGTH / SR
SHIFTS = np.arange(-24, 25)
"""Shifts that are tried, in mel columns of 12.5 ms: 300 ms either way."""
SLOW_MS = 160.0
"""Standard deviation of the Gaussian whose result is subtracted, which removes changes slower than about 1.5 Hz."""
MIN_R = 0.35
MAX_ERROR_MS = 100.0
BLOCK = 10
NOT_KNOWN = float("nan"), float("nan")


def audio_offset(gap: np.ndarray, mel: np.ndarray, *, draws: int = 60) -> tuple[float, float]:
    """(offset_ms, error_ms) of one clip; offset > 0: the sound comes later than the picture. NaN where it cannot be
    measured: less than a second, silence, still lips, correlation under 0.35, a peak at the end of the range, an error
    above 100 ms.

    gap: (T,) lip gap at 25 frames/s in any unit, NaN where not measured.  mel: (M, 80), time first.  The error is the
    standard deviation over bootstrap draws of blocks of 0.4 s.
    """
    found = _products(gap, mel)
    if found is None:
        return NOT_KNOWN
    products, frames = found
    r = products.mean(1)
    best = int(r.argmax())
    if not r[best] >= MIN_R or best in (0, len(SHIFTS) - 1):
        return NOT_KNOWN
    blocks = np.unique(frames // BLOCK, return_inverse=True)[1]
    sums = np.stack([products[:, blocks == b].sum(1) for b in range(blocks.max() + 1)])      # (blocks, S)
    error = _bootstrap(sums, draws)
    return NOT_KNOWN if error > MAX_ERROR_MS else (float(SHIFTS[best] * COLUMN_MS), error)


def pooled_offset(clips: Iterable[tuple[np.ndarray, np.ndarray]], *, draws: int = 200) -> tuple[float, float, int]:
    """(offset_ms, error_ms, number of clips used) of clips from one recording setup; NaN with fewer than five.

    clips: (gap, mel) of each, as `audio_offset`.  The error is that of a bootstrap over clips.
    """
    curves = [found[0].mean(1) for found in (_products(gap, mel) for gap, mel in clips) if found is not None]
    if len(curves) < 5:
        return *NOT_KNOWN, len(curves)
    best = int(np.mean(curves, 0).argmax())
    if best in (0, len(SHIFTS) - 1):
        return *NOT_KNOWN, len(curves)
    return float(SHIFTS[best] * COLUMN_MS), _bootstrap(np.stack(curves), draws), len(curves)


def _products(gap: np.ndarray, mel: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Products (S, n) of standardised loudness at each shift and gap, whose mean over frames is r; and the frames
    (n,)."""
    gap, loud = np.asarray(gap, float), np.asarray(mel, np.float32).mean(1).astype(float)
    ok = np.isfinite(gap)
    if ok.sum() < FPS or len(loud) < 80 or np.ptp(gap[ok]) < 1e-6 or np.ptp(loud) < 0.2:
        return None
    loud = _fast(loud, SLOW_MS / COLUMN_MS)
    frames = np.flatnonzero(ok)
    seen = _fast(fill_gaps(gap), SLOW_MS * FPS / 1000)[frames]
    columns = np.rint((frames + .5) * 3.2).astype(int)[None] + SHIFTS[:, None]       # (S, n)
    heard = loud[np.clip(columns, 0, len(loud) - 1)]
    spread = heard.std(1, keepdims=True)
    if spread.min() < 1e-6 or seen.std() < 1e-9:
        return None
    return (heard - heard.mean(1, keepdims=True)) / spread * (seen - seen.mean()) / seen.std(), frames


def _bootstrap(parts: np.ndarray, draws: int) -> float:
    """Standard error in ms of the peak of the sum over parts.  parts: (n, S)."""
    rng = np.random.default_rng(0)
    counts = rng.multinomial(len(parts), np.full(len(parts), 1 / len(parts)), draws)         # (draws, n)
    peaks = SHIFTS[(counts @ parts).argmax(1)] * COLUMN_MS
    return max(float(peaks.std()), COLUMN_MS / np.sqrt(12))


def _fast(values: np.ndarray, sigma: float) -> np.ndarray:
    from scipy.ndimage import gaussian_filter1d

    return values - gaussian_filter1d(values, sigma, mode="nearest")
