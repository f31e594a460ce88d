"""Figures of a scoring run: means with intervals, D(s) over shifts, frames of each row side by side."""
from __future__ import annotations

from pathlib import Path

import numpy as np

from tfg.files import atomic
from tfg.media.image import write_image
from tfg.metrics.sync import MAX_SHIFT
from tfg.plot_style import COLOURS, INK, figure
from tfg.scores.columns import SCORES
from tfg.scores.results import Scores

SHOWN = {"film": ("ssim_mask", "psnr_mask", "lmd_mouth", "aperture_r", "lse_d", "lse_c", "accuracy", "csim"),
         "portrait": ("aperture_r", "lse_d", "lse_c", "in_sync", "accuracy", "probability", "csim", "found")}
SHOWN["redub"] = SHOWN["portrait"]
ORDER = ("true", "copy", "still", "shuffled")


def write(result: Scores, out: Path) -> None:
    """Write scores.png, curves.png and frames.png into a folder."""
    for name, draw in (("scores", means), ("curves", curves)):
        fig = draw(result)
        with atomic(out / f"{name}.png") as part:
            fig.savefig(part, dpi=110)
    write_image(frames(result), out / "frames.png")


def colour(result: Scores, row: str) -> str:
    """Colour of a row, the same in all figures."""
    return COLOURS[-1 - ORDER.index(row)] if row in ORDER[1:] else INK if row == "true" else COLOURS[1]


def means(result: Scores, group: str | None = None):
    """Figure with a panel for each score of SHOWN: mean and interval of each row."""
    fig, axes = figure(11, 5, 2, 4)
    rows = result.rows[::-1]
    for ax, key in zip(axes.ravel(), SHOWN[result.task]):
        s = SCORES[key]
        for y, row in enumerate(rows):
            m = result.summary(row, key, group) if result.defined(row, key) else None
            if m is None:
                ax.annotate("–", (.02, y), xycoords=("axes fraction", "data"), va="center", color=INK)
                continue
            low, high = (m.low, m.high) if np.isfinite(m.low) else (m.value, m.value)
            ax.plot([low, high], [y, y], color=colour(result, row), lw=2.2, solid_capstyle="butt")
            ax.plot([m.value], [y], "o", color=colour(result, row), ms=7)
        ax.set_yticks(range(len(rows)), rows)
        ax.set_ylim(-.6, len(rows) - .4)
        ax.set_title(s.title + {1: " ↑", -1: " ↓", 0: ""}[s.better], fontsize=10)
        ax.grid(axis="x", lw=.5)
        ax.margins(x=.08)
    clips, actors = result.n(group)
    fig.suptitle(f"{result.system} ({result.task}): {group or result.groups[0]}, {clips} clips of {actors} actors; "
                 "dots: mean over actors, lines: 95 % interval; ↑ more is better, ↓ less", fontsize=9.5, x=.01,
                 ha="left")
    return fig


def curves(result: Scores):
    """Figure of D(s) of each row, a panel for each group. A dip at 0 shows sync."""
    groups = result.groups
    fig, axes = figure(3.6 * len(groups) + .6, 3, 1, len(groups), squeeze=False, sharey=True)
    shifts = np.arange(-MAX_SHIFT, MAX_SHIFT + 1)
    for ax, group in zip(axes[0], groups):
        for row in result.rows:
            curve = result.curve(row, group)
            if curve is not None:
                ax.plot(shifts, curve, color=colour(result, row), label=row, lw=2 if row == result.system else 1.3)
        if not ax.lines:
            ax.text(.5, .5, "no sync judge", transform=ax.transAxes, ha="center")
        ax.axvline(0, color="#999999", lw=.7, zorder=0)
        ax.set_title(f"{group}: {result.n(group)[0]} clips", fontsize=10)
        ax.set_xlabel("shift s of the sound, frames")
    axes[0, 0].set_ylabel("mean distance D(s)")
    if len(axes[0, -1].lines) > 1:
        axes[0, -1].legend(fontsize=8, frameon=False)
    return fig


def frames(result: Scores) -> np.ndarray:
    """Sheet of frames, (H, W, 3) uint8: a block for each kept clip, with a line of frames for each row."""
    import cv2

    blocks = []
    for kept in result.pictures:
        size = next(iter(kept["rows"].values())).shape[1]
        strips = []
        for row in result.rows:
            faces = np.concatenate(list(kept["rows"][row]), 1)                               # (S, n S, 3)
            label = np.full((size, 92, 3), 250, np.uint8)
            cv2.putText(label, row, (4, size // 2), cv2.FONT_HERSHEY_SIMPLEX, .42, (34, 38, 46), 1, cv2.LINE_AA)
            if row == result.rows[0]:
                felt = f"{kept['emotion'] or 'unknown'} {kept['level'] or ''}"
                for k, text in enumerate((kept["clip"].split("/")[-1][:13], felt)):
                    cv2.putText(label, text, (4, 12 + 14 * k), cv2.FONT_HERSHEY_SIMPLEX, .32, (120, 60, 40), 1,
                                cv2.LINE_AA)
            strips.append(np.concatenate([label, faces], 1))
        blocks.append(np.concatenate(strips))
    if not blocks:
        return np.full((16, 16, 3), 250, np.uint8)
    columns = 2 if len(blocks) > 1 else 1
    high, wide = max(b.shape[0] for b in blocks) + 6, max(b.shape[1] for b in blocks) + 6
    sheet = np.full((high * -(-len(blocks) // columns), wide * columns, 3), 255, np.uint8)
    for k, block in enumerate(blocks):
        y, x = k // columns * high, k % columns * wide
        sheet[y:y + block.shape[0], x:x + block.shape[1]] = block
    return sheet
