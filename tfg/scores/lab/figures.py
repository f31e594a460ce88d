"""Figures of the lab, drawn from what lab.json holds: the matrix as a heat map, and each score against the dose."""
from __future__ import annotations

import numpy as np

from tfg.plot_style import COLOURS, INK, figure

SIGNS = {"ok": "✓", "uneven": "~", "blind": "blind", "wrong way": "wrong", "moved": "!", "too few": "?", "none": "–"}
PALE = "#8a8f98"


def heat_map(content: dict):
    """The matrix: colour is the effect of the strongest dose as a share of the score's largest effect of its own
    defects, where the interval is without 0 (purple falls, orange rises); framed: what the score should see; signs say
    how it does.

    content: what `report.as_json` returned, or lab.json holds.
    """
    scores, defects = content["scores"], list(content["defects"])
    size = np.array([[_size(s["cells"][d]) for d in defects] for s in scores.values()])
    fig, ax = figure(3.2 + .78 * len(defects), 1.9 + .31 * len(scores))
    shown = ax.imshow(size, cmap="PuOr_r", vmin=-1.15, vmax=1.15, aspect="auto")
    for r, s in enumerate(scores.values()):
        for c, d in enumerate(defects):
            cell, should = s["cells"][d], d in s["sees"]
            sign = SIGNS.get(cell["word"], "")
            strong = abs(size[r, c]) > .6
            ax.text(c, r, sign, ha="center", va="center", fontsize=8.5, fontweight="bold" if cell["word"] in (
                "blind", "wrong way", "moved") else "normal", color="white" if strong else INK)
            if should:
                ax.add_patch(_frame(c, r, "white", 3.2))
                ax.add_patch(_frame(c, r, INK, 1.3))
    names = [f"{d.replace('_', ' ')}\n{content['defects'][d]['labels'][-1]}" for d in defects]
    ax.set_xticks(range(len(defects)), names, rotation=40, ha="left", fontsize=8)
    ax.xaxis.tick_top()
    titles = [s["title"] + (" *" if s["marked"] else "") for s in scores.values()]
    ax.set_yticks(range(len(scores)), titles, fontsize=8.5)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    bar = fig.colorbar(shown, ax=ax, shrink=.45, pad=.02, extend="both")
    bar.set_label("effect of the strongest dose; 1: the largest of the score's own defects", fontsize=8)
    ax.set_xlabel("framed: should see it; ✓ does, ~ unevenly, blind: does not; ! moves and should not; white: no move "
                  "told from none; * marked", fontsize=8, loc="left")
    return fig


def _size(cell: dict) -> float:
    """Effect for the colour: 0 where none is told from none; the end of the scale for a score without own defects."""
    last = cell["differences"][-1] if cell["differences"] else None
    if last is None or last["low"] is None or last["low"] <= 0 <= last["high"]:
        return 0.0
    return float(np.sign(last["value"]) * (1.0 if cell["share"] is None else min(cell["share"], 1.15)))


def _frame(x: int, y: int, colour: str, width: float):
    from matplotlib.patches import Rectangle

    return Rectangle((x - .47, y - .45), .94, .9, fill=False, ec=colour, lw=width)


def curves(content: dict):
    """Small multiples: a panel for each score that should see something, its difference from none over the doses.
    Lines with dots: defects that it should see; pale lines: those that it should leave alone."""
    chosen = [key for key, s in content["scores"].items() if any(d in content["defects"] for d in s["sees"])]
    columns = 4
    lines = max(-(-len(chosen) // columns), 1)
    fig, axes = figure(3.1 * columns, 2.15 * lines, lines, columns, squeeze=False)
    names = list(content["defects"])
    for ax, key in zip(axes.ravel(), chosen):
        s = content["scores"][key]
        for d in names:
            should = d in s["sees"]
            if not should and s["cells"][d]["word"] != "moved":
                continue
            draw_curve(ax, content, key, d, COLOURS[names.index(d) % len(COLOURS)] if should else PALE, should)
        ax.axhline(0, color=INK, lw=.7, zorder=0)
        ax.set_title(s["title"] + (" *" if s["marked"] else ""), fontsize=9.5)
        ax.set(xticks=[])
        if ax.lines[:-1]:
            ax.legend(fontsize=6.5, loc="best", handlelength=1.2, labelspacing=.2)
    for ax in axes.ravel()[len(chosen):]:
        ax.axis("off")
    fig.supxlabel("dose, from none to strong; pale and dashed: the score should leave this alone; bars: 95 % interval, "
                  "actors drawn anew; * marked", fontsize=8.5, x=.01, ha="left")
    return fig


def draw_curve(ax, content: dict, score: str, defect: str, colour: str, should: bool = True) -> None:
    """Draw a score's difference from none over the doses of a defect, with intervals, into `ax`; x is 0 (none) to 1."""
    found = content["scores"][score]["cells"][defect]["differences"]
    x = np.linspace(0, 1, len(found) + 1)
    known = [k for k, m in enumerate(found) if m is not None]
    value = np.array([0.0] + [found[k]["value"] for k in known])
    at = np.concatenate([[0.0], x[1:][known]])
    ax.plot(at, value, "o-" if should else "--", ms=3, lw=1.5 if should else 1, color=colour,
            label=defect.replace("_", " "))
    for k in known:
        if found[k]["low"] is not None:
            ax.plot([x[k + 1]] * 2, [found[k]["low"], found[k]["high"]], color=colour, lw=1, alpha=.7)
