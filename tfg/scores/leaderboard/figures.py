"""The leaderboard as a figure: each score's means and intervals, systems beside the rows that they are held against."""
from __future__ import annotations

from pathlib import Path

import numpy as np

from tfg.media.image import write_image
from tfg.plot_style import COLOURS, INK, figure
from tfg.scores.columns import SCORES
from tfg.scores.leaderboard.table import RANKED, WORDS, columns
from tfg.scores.leaderboard.work import BESIDE
from tfg.scores.results import Scores
from tfg.scores.table import KINDS, TITLES


def write(board, out: Path) -> None:
    """Write leaderboard.png: the first group of each task, one below the other."""
    pictures = [_pixels(means(result, result.groups[0])) for result in board.scores.values()]
    wide = max(p.shape[1] for p in pictures)
    write_image(np.concatenate([np.pad(p, ((0, 8), (0, wide - p.shape[1]), (0, 0)), constant_values=255)
                                for p in pictures]), out / "leaderboard.png")


def means(result: Scores, group: str):
    """Figure with a panel for each score: mean and 95 % interval of each row."""
    keys = [k for k in columns(result) if k in RANKED]
    fig, axes = figure(2.4 * len(keys) + 1.2, .32 * len(result.rows) + 1.1, 1, len(keys), squeeze=False, sharey=True)
    rows = list(result.rows)[::-1]
    for ax, key in zip(axes[0], keys):
        for y, row in enumerate(rows):
            m = result.summary(row, key, group) if result.defined(row, key) else None
            if m is None:
                continue
            beside = row in BESIDE[result.task]
            colour = INK if row == "true" else COLOURS[-1] if beside else COLOURS[0]
            low, high = (m.low, m.high) if np.isfinite(m.low) else (m.value, m.value)
            ax.plot([low, high], [y, y], color=colour, lw=2.4, solid_capstyle="butt")
            ax.plot([m.value], [y], "s" if beside else "o", color=colour, ms=6)
        arrow = {1: " ↑", -1: " ↓", 0: ""}[SCORES[key].better]
        ax.set_title(SCORES[key].title.replace(", ", ",\n") + arrow, fontsize=9.5)
        ax.grid(axis="x", lw=.5)
        ax.margins(x=.1)
    axes[0, 0].set_yticks(range(len(rows)), [WORDS.get(r, r) if r in BESIDE[result.task] else r for r in rows])
    axes[0, 0].set_ylim(-.6, len(rows) - .4)
    clips, actors = result.n(group)
    fig.suptitle(f"{KINDS[result.task].capitalize()}: {TITLES[group]}, {clips} clips of {actors} people; lines: 95 % "
                 "interval over people; squares: what systems are held against", fontsize=9, x=.01, ha="left")
    return fig


def _pixels(fig) -> np.ndarray:
    """A figure's pixels, (H, W, 3) uint8."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    fig.set_dpi(110)
    canvas = FigureCanvasAgg(fig)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
