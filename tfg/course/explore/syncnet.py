"""Figures and sliders for notebooks/07_syncnet: a network that judges whether lips and sound belong together."""
from __future__ import annotations

import numpy as np

from tfg.course.explore.widgets import sliders
from tfg.media import audio
from tfg.metrics.sync import MAX_SHIFT, sync_curve
from tfg.plot_style import COLOURS, GRID, figure

PER_FRAME = audio.SAMPLES_PER_FRAME / audio.HOP_LENGTH                             # mel columns: 3.2


def clip_parts(windows, clip: int) -> dict:
    """Arguments of `draw_slide` from a clip of `tfg.corpora.windows.Windows`: the middle frames of its windows in
    order, and the sound from the beginning of the first of them on.

    Returns frames (N, S / 2, S, 3) uint8, the lower halves, and mel (80, M), column 3.2 i at the beginning of frame i.
    """
    places = np.flatnonzero(windows.clip_of_index() == clip)
    batch, row = windows.batch(0, places), windows.clips[clip]
    middle = batch["frames"].shape[1] // 2
    first = row.mel_start + round(PER_FRAME * (int(batch["start"][0]) + middle))
    frames = np.moveaxis(batch["frames"][:, middle], 1, -1)
    return {"frames": frames[:, frames.shape[1] // 2:],
            "mel": windows.store.mel[first:row.mel_start + row.n_mel].astype(np.float32).T}


def draw_learning(panels: dict, chance: dict | None = None):
    """Curves of a training, one panel for each measure.

    panels: title -> {label: (steps (n,), values (n,))} or {label: values (n,)}.  chance: title -> value of guessing.
    """
    fig, axes = figure(4.6 * len(panels), 2.5, 1, len(panels), squeeze=False)
    labels = list(dict.fromkeys(label for curves in panels.values() for label in curves))
    for ax, (title, curves) in zip(axes[0], panels.items()):
        for label, curve in curves.items():
            x, y = curve if isinstance(curve, tuple) else (np.arange(1, len(curve) + 1), curve)
            ax.plot(x, y, color=COLOURS[labels.index(label) % len(COLOURS)], label=label,
                    marker="o" if len(x) < 9 else "", ms=3)
        if chance and title in chance:
            ax.axhline(chance[title], color=COLOURS[7], ls="--", lw=1)
            ax.annotate("chance", (1, chance[title]), xycoords=("axes fraction", "data"), ha="right", va="bottom",
                        fontsize=8, color=COLOURS[7])
        ax.set(title=title, xlabel="step", ylim=(0, None))
        ax.legend(loc="best")
    return fig


def draw_sync(curves: dict, title: str = ""):
    """Curves D(s) with their minima.  curves: label -> (2 R + 1,), R the same for all."""
    fig, ax = figure(9, 2.7)
    for k, (label, curve) in enumerate(curves.items()):
        shifts = np.arange(len(curve)) - len(curve) // 2
        best = int(np.nanargmin(curve))
        score = f"LSE-D {curve[best]:.2f}, LSE-C {np.nanmedian(curve) - curve[best]:.2f}, offset {shifts[best]}"
        ax.plot(shifts, curve, color=COLOURS[k % len(COLOURS)], marker="o", ms=3, label=f"{label}: {score}")
        ax.plot(shifts[best], curve[best], "o", ms=9, mfc="none", color=COLOURS[k % len(COLOURS)])
    ax.set(xlabel="s [frames]: frame i is compared with the sound of frame i + s", ylabel="D(s)", title=title,
           xlim=(shifts[0] - .5, shifts[-1] + .5))
    ax.grid(axis="x", color=GRID)
    ax.legend(loc="upper left", bbox_to_anchor=(0, -.28), ncols=1)
    return fig


def draw_diagonals(picture, sound, s: int = 0):
    """Every picture of a clip against every sound of it, and D(s): the means along the diagonals.

    picture, sound: (N, E) unit vectors.  s: the diagonal to mark.
    """
    apart = np.linalg.norm(np.asarray(picture)[:, None] - np.asarray(sound)[None], axis=2)
    n = len(apart)
    fig, (left, right) = figure(9.5, 3.3, 1, 2, width_ratios=(1, 1.5))
    image = left.imshow(apart, origin="lower", cmap="magma_r", interpolation="nearest")
    fig.colorbar(image, ax=left, label="distance", pad=.02)
    ends = np.array([max(0, -s), min(n, n - s) - 1])
    left.plot(ends + s, ends, color=COLOURS[5], lw=1.5)
    left.set(xlabel="sound of window j", ylabel="picture of window i",
             title=f"j = i {'-' if s < 0 else '+'} {abs(s)}")
    _curve(right, sync_curve(picture, sound), s)
    return fig


def draw_found(known, found, title: str = ""):
    """Known shifts of the sound against those that were found.  known, found: (n,) frames.  The band marks errors of at
    most one frame."""
    known, found = np.asarray(known), np.asarray(found)
    fig, ax = figure(5.2, 3.4)
    ends = np.array([min(known.min(), -MAX_SHIFT), max(known.max(), MAX_SHIFT)])
    ax.fill_between(ends, ends - 1.5, ends + 1.5, color=COLOURS[2], alpha=.2, lw=0)
    places, many = np.unique(np.stack([known, found]), axis=1, return_counts=True)
    ax.scatter(*places, s=12 * many, color=COLOURS[0], alpha=.75, lw=0)
    share = np.mean(np.abs(found - known) <= 1)
    ax.set(xlabel="the sound was moved by [frames]", ylabel="found [frames]", xlim=ends + (-1, 1), ylim=ends + (-1, 1),
           title=f"{title}: {100 * share:.0f} % within a frame".removeprefix(": "))
    return fig


def draw_slide(frames, mel, picture, sound, s: int = 0, late: int = 0, at: int = 0, shown: int = 14):
    """A clip whose sound was moved by `late` frames, its sound slid by s frames against the picture, and D(s).

    frames, mel: see `clip_parts`.  picture, sound: (N, E) of the same N windows.  at: the first of `shown` frames.
    Below frame i stands the sound that it is compared with, that of frame i + s.
    """
    n, height, width = frames.shape[:3]
    shown = min(shown, n)
    at = int(np.clip(at, 0, n - shown))
    fig, (strip, below, curve) = figure(9.5, 5.0, 3, 1, height_ratios=(.62, .9, 1.7))
    strip.imshow(np.concatenate(list(frames[at:at + shown]), 1), extent=(at, at + shown, 0, shown * height / width / 9),
                 aspect="auto")
    for k in range(at, at + shown + 1):
        strip.axvline(k, color="white", lw=1)
    to = (late - s) + np.array([0, mel.shape[1]]) / PER_FRAME
    below.imshow(mel, origin="lower", aspect="auto", interpolation="nearest", vmin=-4, vmax=4,
                 extent=(to[0], to[1], 0, len(mel)))
    below.set_facecolor("black")
    moved = "is where it was" if late == 0 else f"comes {abs(late)} frames {'late' if late > 0 else 'early'}"
    strip.set(xticks=[], yticks=[], xlim=(at, at + shown), title=f"the picture; the sound {moved}")
    below.set(yticks=[], xlim=(at, at + shown), xticks=np.arange(at, at + shown) + .5, ylim=(0, len(mel)),
              xticklabels=np.arange(at, at + shown),
              title=f"below frame i the sound of frame i {'-' if s < 0 else '+'} {abs(s)}")
    for ax in (strip, below):
        ax.spines[:].set_visible(False)
    _curve(curve, _moved(picture, sound, late), s)
    return fig


def slide(windows, clip: int, picture, sound) -> None:
    """Sliders over `draw_slide` for a clip of `windows`.  picture, sound: (N, E), its embeddings."""
    parts = clip_parts(windows, clip)
    sliders(lambda s, late, at: draw_slide(**parts, picture=picture, sound=sound, s=s, late=late, at=at),
            s=(-MAX_SHIFT, MAX_SHIFT, 1, 0), late=(-8, 8, 1, 0), at=(0, max(1, len(picture) - 14), 1, 0))


def _moved(picture, sound, late: int):
    """D(s) after the sound was moved by `late` frames, from the windows that still have sound."""
    n = len(picture)
    return sync_curve(picture[max(0, late):n + min(0, late)], sound[max(0, -late):n + min(0, -late)])


def _curve(ax, curve, s: int) -> None:
    shifts = np.arange(len(curve)) - len(curve) // 2
    best = int(np.nanargmin(curve))
    middle = np.nanmedian(curve)
    ax.plot(shifts, curve, color=COLOURS[0], marker="o", ms=3)
    ax.axhline(middle, color=COLOURS[7], ls=":", lw=1)
    ax.annotate("median", (1, middle), xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=8,
                color=COLOURS[7])
    ax.annotate("", (shifts[best], curve[best]), (shifts[best], middle), arrowprops={"arrowstyle": "<->", "color":
                                                                                  COLOURS[2], "lw": 1.2})
    here = curve[s + len(curve) // 2]
    if np.isfinite(here):
        ax.plot(s, here, "o", ms=10, mfc="none", mew=2, color=COLOURS[1])
    ax.axvline(s, color=COLOURS[1], lw=1)
    ax.set(xlabel="s [frames]", ylabel="D(s)", xlim=(shifts[0] - .5, shifts[-1] + .5),
           title=f"D({s}) = {here:.2f};  LSE-D {curve[best]:.2f}, LSE-C {middle - curve[best]:.2f}, "
                 f"offset {shifts[best]}")
