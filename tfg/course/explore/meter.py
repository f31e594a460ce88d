"""Figures of a meter beside the truth, for notebooks/05_virtual_actors."""
from __future__ import annotations

import numpy as np

from tfg import vocabulary
from tfg.plot_style import COLOURS, figure

METER = ("jawOpen", "mouthSmile", "mouthPucker", "browInnerUp", "browDown", "browOuterUp", "eyeBlink")
"""The curves that a landmarker must measure well for the face to count as seen; a name without side means both."""


def draw_true_and_seen(true, seen, names=("jawOpen", "mouthSmile", "browInnerUp", "eyeBlink"), fps: float = 25.0):
    """True and measured coefficients over time.  true, seen: (T, 52), NaN allowed.  names: one panel each."""
    fig, axes = figure(9.5, 1.35 * len(names) + .4, len(names), 1, sharex=True, squeeze=False)
    t = (np.arange(len(true)) + .5) / fps
    for ax, name in zip(axes[:, 0], names):
        columns = vocabulary.index(name)
        ax.plot(t, true[:, columns].mean(1), color=COLOURS[0], label="true")
        ax.plot(t, seen[:, columns].mean(1), color=COLOURS[1], lw=1.1, label="seen by the landmarker")
        ax.set(title=name, ylim=(0, None))
    axes[0, 0].legend(ncols=2, loc="lower right", bbox_to_anchor=(1, .98))
    axes[-1, 0].set_xlabel("time [s]")
    return fig


def agreement(true, seen) -> tuple[float, float, float]:
    """Pearson's r of two curves (T,), NaN left out, and the range (5 % to 95 %) of the seen and of the true one."""
    both = np.isfinite(true) & np.isfinite(seen)
    true, seen = np.asarray(true, float)[both], np.asarray(seen, float)[both]
    moves = len(true) > 2 and min(true.std(), seen.std()) > 1e-6
    r = float(np.corrcoef(true, seen)[0, 1]) if moves else float("nan")

    def extent(x: np.ndarray) -> float:
        return float(np.percentile(x, 95) - np.percentile(x, 5)) if len(x) else 0.

    return r, extent(seen), extent(true)


def draw_meter(tables: dict, wanted: float = .8):
    """Quality of a meter: each curve's correlation with the truth, and its measured range as a share of the true one.

    tables: label -> {coefficient: (r, measured range, true range)}, as `agreement` gives them.
    """
    names = list(next(iter(tables.values())))
    y, height = np.arange(len(names))[::-1], .8 / len(tables)
    fig, (left, right) = figure(9.5, .3 * len(names) + 1.1, 1, 2, sharey=True)
    for k, (label, table) in enumerate(tables.items()):
        r, seen, there = np.array([table[n] for n in names], float).T
        at = y + .4 - (k + .5) * height
        share = np.where(there > .03, seen / np.maximum(there, .03), np.nan)
        left.barh(at, np.nan_to_num(r), height=height, color=COLOURS[k], label=label)
        right.barh(at, np.nan_to_num(np.minimum(share, 1.5)), height=height, color=COLOURS[k], label=label)
    left.axvline(wanted, color=COLOURS[7], lw=1, ls="--")
    left.axvline(0, color=COLOURS[7], lw=.8)
    left.set(yticks=y, yticklabels=names, xlim=(-1, 1), xticks=(-1, -.5, 0, .5, 1))
    left.set_xlabel("Pearson's r, true against seen")
    left.tick_params(axis="y", labelsize=7.5)
    right.set(xlabel="range seen / true range")
    right.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return fig


def draw_spectra(kinds: dict):
    """Fine detail of pictures: mean power over spatial frequency, one line per kind of picture.

    kinds: label -> list of (n, n, 3) uint8 crops, all of one size.
    """
    fig, ax = figure(7, 2.9)
    for label, pictures in kinds.items():
        frequency, power = spectrum(pictures)
        ax.loglog(frequency, power, label=f"{label} ({len(pictures)})")
    ax.set(xlabel="waves per picture", ylabel="power", title="detail by size: coarse on the left, pores on the right")
    ax.legend()
    return fig


def spectrum(pictures):
    """Radially averaged power of grey pictures (n, n, 3).  Returns frequencies (n // 2 - 1,) and power."""
    grey = np.stack([np.asarray(p, float) @ [.299, .587, .114] for p in pictures])
    n = grey.shape[1]
    window = np.outer(np.hanning(n), np.hanning(n))
    grey = (grey - grey.mean((1, 2), keepdims=True)) / grey.std((1, 2), keepdims=True).clip(1e-6)
    power = (np.abs(np.fft.fft2(grey * window)) ** 2).mean(0)
    k = np.fft.fftfreq(n, 1 / n)
    radius = np.hypot(*np.meshgrid(k, k)).round().astype(int)
    mean = np.bincount(radius.ravel(), power.ravel()) / np.bincount(radius.ravel())
    return np.arange(1, n // 2), mean[1:n // 2]
