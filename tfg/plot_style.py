"""Style of the figures: an opaque light background, so that they stay readable on a dark notebook page."""
from __future__ import annotations

INK, PAPER, GRID = "#22262e", "#fbfaf7", "#dcd9d0"
COLOURS = ("#2f5d9b", "#d1603d", "#3f8f5b", "#8a5a9e", "#c99a2e", "#4a9aa8", "#8c5d48", "#777d87")
"""Colours of lines in their order; with labels they are distinguishable in the common forms of colour blindness."""
EMOTION_COLOURS = {"ANG": "#c0392b", "DIS": "#5f8f3a", "FEA": "#8a5a9e", "HAP": "#d9982b", "NEU": "#777d87",
                   "SAD": "#2f5d9b"}

DPI = 90
RC = {
    "figure.facecolor": PAPER, "savefig.facecolor": PAPER, "axes.facecolor": "white", "figure.dpi": DPI,
    "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": INK, "xtick.color": INK, "ytick.color": INK,
    "axes.spines.top": False, "axes.spines.right": False, "axes.linewidth": 0.8, "axes.titlesize": 10.5,
    "axes.titlelocation": "left", "axes.labelsize": 9.5, "xtick.labelsize": 8.5, "ytick.labelsize": 8.5,
    "legend.fontsize": 8.5, "legend.frameon": False, "font.size": 9.5, "grid.color": GRID, "lines.linewidth": 1.5,
    "image.cmap": "magma", "figure.constrained_layout.use": True,
}


def style() -> None:
    """Set Matplotlib's style for this session, and let notebooks show a Figure that is the last value of a cell."""
    import matplotlib
    from cycler import cycler

    matplotlib.rcParams.update(RC)
    matplotlib.rcParams["axes.prop_cycle"] = cycler(color=COLOURS)
    try:
        from IPython import get_ipython
        from IPython.core.pylabtools import select_figure_formats
    except ImportError:                     # a plain script, which shows no figures
        return
    shell = get_ipython()
    if shell is not None and hasattr(shell, "kernel"):
        import matplotlib.pyplot  # noqa: F401  (lets the inline backend set itself up first)

        select_figure_formats(shell, {"png"}, facecolor=PAPER, bbox_inches=None)


def figure(width: float = 8.0, height: float = 2.6, rows: int = 1, cols: int = 1, **grid):
    """Make a figure and its axes without pyplot, so that it need not be closed and is not shown twice.

    width, height: inches.  rows, cols: number of axes.  grid: keywords of `Figure.subplots` (sharex, width_ratios,
    ...).  Returns (figure, axes) as `plt.subplots` does.
    """
    import matplotlib
    from cycler import cycler
    from matplotlib.figure import Figure

    with matplotlib.rc_context(RC | {"axes.prop_cycle": cycler(color=COLOURS)}):
        fig = Figure(figsize=(width, height), layout="constrained", dpi=DPI, facecolor=PAPER)
        return fig, fig.subplots(rows, cols, **grid)


def finish_grid(fig, axes, n: int):
    """Hide the axes after the first n of a grid, name the time below, and put one legend on top.  Returns the figure.

    axes: (rows, cols), as `figure(..., squeeze=False)` gives them.
    """
    for ax in axes.flat[n:]:
        ax.axis("off")
    for ax in axes[-1]:
        ax.set_xlabel("time [s]")
    handles, labels = axes.flat[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside upper right", ncols=len(labels))
    return fig
