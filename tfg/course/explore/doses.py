"""Single clips of the metric lab, and figures of its scores over doses, people, lengths and numbers of pictures, for
notebooks/15_metric_lab."""
from __future__ import annotations

import csv
import gzip
import json
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tfg.errors import InputError
from tfg.plot_style import COLOURS, INK, figure

LEFT_OUT = ("found", "in_sync", "blinks")
"""Scores whose single values do not ship."""


def values_of(path) -> dict:
    """Single values of a run's lab.csv, to be written as JSON: people, one for each clip; clips; and values, score ->
    defect -> a list of numbers for each clip, first the unbroken film, then dose by dose (None where there is none)."""
    rows: dict = {}
    people: dict[str, str] = {}
    with open(path, newline="", encoding="utf-8") as file:
        for r in csv.DictReader(file):
            people[r["clip"]] = r["actor"]
            value = float(f"{float(r['value']):.4g}") if r["value"] else None
            rows.setdefault(r["score"], {}).setdefault(r["defect"], {})[r["clip"], float(r["dose"])] = value
    out: dict = {}
    for score, its in rows.items():
        none = {clip: value for (clip, _), value in its["none"].items()}
        for defect, found in its.items():
            if score in LEFT_OUT or defect == "none" or all(v is None for v in found.values()):
                continue
            doses = list(dict.fromkeys(dose for _, dose in found))                      # a CSV has them in their order
            out.setdefault(score, {})[defect] = [[none[c], *(found.get((c, d)) for d in doses)] for c in people]
    return {"clips": list(people), "people": list(people.values()), "values": out}


def lab_values(path) -> tuple[dict[str, dict[str, np.ndarray]], np.ndarray]:
    """Score -> defect -> values (clips, doses), the unbroken film first, NaN where there is none; and the people, one
    for each clip.  path: values.json.gz.  Raises InputError."""
    try:
        found = json.loads(gzip.decompress(Path(path).read_bytes()))
        tables = {score: {defect: np.array(rows, float) for defect, rows in its.items()}
                  for score, its in found["values"].items()}
        return tables, np.array(found["people"])
    except (OSError, EOFError, ValueError, KeyError, TypeError, zlib.error) as error:
        raise InputError(f"{path} holds no values of the metric lab ({error!r}); it ships as "
                         "data/lab/values.json.gz.") from error


# ---- figures -----------------------------------------------------------------------------------------------------
def draw_clips(tables: Mapping[str, np.ndarray], labels: Sequence[str]):
    """A panel for each score: a pale line for each clip over the doses, and their mean.

    tables: title -> (clips, doses), the unbroken film first.  labels: texts of the doses.
    """
    fig, axes = figure(3.0 * len(tables) + .2, 2.5, 1, len(tables), squeeze=False)
    for k, (ax, (title, table)) in enumerate(zip(axes[0], tables.items())):
        x = np.arange(table.shape[1])
        ax.plot(x, table.T, color=COLOURS[k % len(COLOURS)], lw=1, alpha=.35)
        ax.plot(x, np.nanmean(table, 0), "o-", color=INK, lw=2, ms=4)
        ax.set_xticks(x, labels, fontsize=8)
        ax.set_title(title)
    fig.supxlabel("dose; pale: single clips; black: their mean", fontsize=8.5)
    return fig


def draw_told(least: Mapping[str, Sequence[int]], people: Sequence[int], labels: Sequence[str]):
    """The smallest dose told from none against the number of people, a line for each score; 0 ("none told") is on top.

    least: title -> one number (from 1, 0 for none) for each number of people.  labels: texts of all doses, none first.
    """
    fig, ax = figure(7.5, 2.8)
    top = len(labels)
    for k, (title, found) in enumerate(least.items()):
        at = np.array([v or top for v in found]) + .06 * (k - (len(least) - 1) / 2)
        ax.plot(people, at, "o-", color=COLOURS[k % len(COLOURS)], label=title)
    ax.set(xlabel="people", xticks=list(people), ylim=(.5, top + .5))
    ax.set_yticks(range(1, top + 1), [*labels[1:], "none told"])
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return fig


def draw_shares(shares: Mapping[str, float], label: str):
    """Bars from 0 to 1, sorted.  shares: title -> share; NaN is left out."""
    known = dict(sorted(((k, v) for k, v in shares.items() if np.isfinite(v)), key=lambda kv: -kv[1]))
    fig, ax = figure(7.5, .21 * len(known) + .7)
    ax.barh(range(len(known)), list(known.values()), color=COLOURS[0], height=.65)
    for y, v in enumerate(known.values()):
        ax.text(v + .01, y, f"{v:.2f}", va="center", fontsize=8)
    ax.set_yticks(range(len(known)), list(known), fontsize=8.5)
    ax.set(xlim=(0, 1.08), xlabel=label)
    ax.invert_yaxis()
    return fig


def draw_lengths(lengths: Sequence[int], values: Mapping[str, Sequence[float]], label: str = "LSE-C"):
    """A score of the same film in pieces, against the length of the pieces.  lengths: windows.  values: name -> one
    value for each length."""
    fig, ax = figure(7.5, 2.6)
    for k, (name, v) in enumerate(values.items()):
        ax.plot(lengths, v, "o-", color=COLOURS[k % len(COLOURS)], label=name)
        ax.axhline(v[int(np.argmax(lengths))], color=COLOURS[k % len(COLOURS)], lw=.8, ls=":")
    ax.plot([], [], color=INK, lw=.8, ls=":", label="value of the longest")
    ax.set(xlabel="windows in a piece", ylabel=label, xscale="log")
    ax.set_xticks(list(lengths), [str(n) for n in lengths])
    ax.minorticks_off()
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return fig


def draw_infinite(sizes: Sequence[int], values: Mapping[str, Sequence[float]], ends: Mapping[str, float]):
    """Distances against 1 / N, and the straight line through them to 1 / N = 0.

    sizes: N.  values: name -> one for each N.  ends: name -> the line's value at 0.
    """
    x = 1 / np.asarray(sizes, float)
    fig, ax = figure(7.5, 2.8)
    for k, (name, v) in enumerate(values.items()):
        colour = COLOURS[k % len(COLOURS)]
        slope = ((x - x.mean()) * (np.asarray(v) - np.mean(v))).sum() / ((x - x.mean()) ** 2).sum()
        ax.plot(x, v, "o", color=colour, label=name)
        ax.plot([0, x.max()], [ends[name], ends[name] + slope * x.max()], color=colour, lw=1)
        ax.plot(0, ends[name], "D", ms=7, mfc="none", color=colour)
        ax.annotate(f"{ends[name]:.3g}".replace("-", "−"), (0, ends[name]), xytext=(9, -9), textcoords="offset points",
                    fontsize=8.5, color=colour)
    ax.axhline(0, color=INK, lw=.7)
    low, high = ax.get_ylim()
    ax.set(xlabel="1 / N (N pictures on each side)", ylabel="Fréchet distance", ylim=(low - .08 * (high - low), high))
    ax.set_xticks([0, *x], ["0", *(f"1/{n}" for n in sizes)], rotation=45, fontsize=8)
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return fig
