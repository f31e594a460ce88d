"""Figures and sliders for notebooks/16_five_systems_compared: the leaderboard, pair by pair and person by person."""
from __future__ import annotations

import numpy as np

from tfg.course.explore.widgets import remembered, sliders
from tfg.metrics.compare import LEVEL, pairs_p, rank_ranges
from tfg.plot_style import COLOURS, INK, figure
from tfg.scores.columns import SCORES
from tfg.scores.leaderboard import figures, table
from tfg.scores.results import Scores, value_of


def people_of(result: Scores, score: str, group: str = "all") -> tuple[dict[str, np.ndarray], list[str]]:
    """Each system's mean for each person: system -> (A,), NaN where none; and the people's names, in that order."""
    people = sorted({c["actor"] for c in result.where("true", group)})
    out = {}
    for row in table.systems(result):
        mine = [(c["actor"], value_of(c, score)) for c in result.where(row, group)]
        out[row] = np.array([_mean([v for who, v in mine if who == person]) for person in people])
    return out, people


def _mean(values: list[float]) -> float:
    known = [v for v in values if np.isfinite(v)]
    return float(np.mean(known)) if known else float("nan")


def draw_board(result: Scores, group: str = "all"):
    """Means and intervals of every row, a panel for each score."""
    return figures.means(result, group)


def draw_by_person(result: Scores, score: str, group: str = "all"):
    """A line for each person across the systems: where lines cross, systems change places from face to face."""
    values, people = people_of(result, score, group)
    fig, ax = figure(8.2, 3)
    order = sorted(values, key=lambda row: np.nanmean(values[row]))
    for k in range(len(people)):
        ax.plot(range(len(order)), [values[row][k] for row in order], "o-", lw=1, ms=4, alpha=.6,
                color=COLOURS[k % len(COLOURS)])
    ax.plot(range(len(order)), [np.nanmean(values[row]) for row in order], "s-", color=INK, lw=2.5, ms=7, label="mean")
    ax.set_xticks(range(len(order)), order)
    ax.set(ylabel=SCORES[score].title, title=f"{SCORES[score].title}: a line is a person")
    ax.legend()
    return fig


def draw_differences(result: Scores, score: str, group: str = "all"):
    """Table of all pairs: the row's advantage over the column, and p as corrected; dark where it is sure."""
    rows, stand = table.systems(result), table.standing(result, score, group)
    fig, ax = figure(1.25 * len(rows) + 2, .55 * len(rows) + 1.2)
    sure = np.zeros((len(rows), len(rows)))
    for (i, a), (j, b) in ((x, y) for x in enumerate(rows) for y in enumerate(rows) if x != y):
        d = result.difference(score, b, row=a, group=group)
        p = stand["p"].get((a, b), stand["p"].get((b, a), np.nan))
        ahead = float("nan") if d is None else d.value * SCORES[score].better
        sure[i, j] = np.sign(ahead) * (p < LEVEL) if np.isfinite(p) else 0
        if d is not None:
            ax.text(j, i, f"{d.value:+.3f}\np {p:.3f}".replace("-", "−"), ha="center", va="center", fontsize=8.5,
                    color="white" if sure[i, j] else INK)
    ax.imshow(sure, cmap="RdBu", vmin=-1.25, vmax=1.25, aspect="auto")
    ax.set_xticks(range(len(rows)), rows)
    ax.set_yticks(range(len(rows)), rows)
    ax.xaxis.tick_top()
    ax.set_title(f"{SCORES[score].title}: row minus column; blue: the row is surely better, red: surely worse")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return fig


def draw_ranks(ranges: dict, title: str = ""):
    """Bars from the best to the worst rank that each system may have.  ranges: system -> (best, worst), or None."""
    fig, ax = figure(7, .36 * len(ranges) + 1)
    order = sorted(ranges, key=lambda row: ranges[row] or (0, 0), reverse=True)
    for y, row in enumerate(order):
        if ranges[row] is None:
            ax.text(len(order) / 2 + .5, y, "too few people for ranks", ha="center", va="center", fontsize=9)
            continue
        best, worst = ranges[row]
        ax.barh(y, worst - best + .8, left=best - .4, height=.55, color=COLOURS[0])
    ax.set(yticks=range(len(order)), yticklabels=order, xticks=range(1, len(order) + 1), xlabel="rank",
           xlim=(.4, len(order) + .6), title=title)
    return fig


def ranks_of(result: Scores, score: str, people: int, seed: int = 0, group: str = "all") -> dict:
    """Ranks that the same study would allow with other `people`: that many are drawn anew from those there are."""
    values, names = people_of(result, score, group)
    drawn = np.random.default_rng(seed).integers(0, len(names), people)
    chosen = {row: v[drawn] for row, v in values.items()}
    who = [f"{k}" for k in range(people)]
    means = {row: float(np.nanmean(v)) for row, v in chosen.items()}
    return rank_ranges(means, pairs_p(chosen, who), SCORES[score].better)


def draw_cost(board, task: str, score: str, group: str = "all"):
    """Quality against speed, systems as points; the line is real time."""
    result = board.scores[task]
    fig, ax = figure(7, 3.2)
    for k, row in enumerate(table.systems(result)):
        m, cost = result.summary(row, score, group), board.costs.get(row)
        if m is None or cost is None:
            continue
        x = cost["frames_per_s"] / 25
        ax.plot([x, x], [m.low, m.high], color=COLOURS[k % len(COLOURS)], lw=1.5)
        ax.scatter([x], [m.value], s=60 + 120 * cost["memory_gb"], color=COLOURS[k % len(COLOURS)], alpha=.8)
        ax.annotate(row, (x, m.value), xytext=(9, 4), textcoords="offset points", fontsize=9)
    ax.axvline(1, color=INK, lw=.8, ls=":")
    ax.set(xscale="log", xlabel="speed, times real time (256 px); larger dots take more memory",
           ylabel=SCORES[score].title)
    ax.set_xticks((.25, .5, 1, 2, 4, 8), ("1/4", "1/2", "1", "2", "4", "8"))
    ax.minorticks_off()
    ax.margins(x=.2)
    return fig


def draw_preferences(strength: dict[str, float], title: str = "log strength"):
    """Bars of systems' log strengths."""
    fig, ax = figure(6.5, .34 * len(strength) + .9)
    order = sorted(strength, key=strength.__getitem__)
    ax.barh(range(len(order)), [strength[row] for row in order], color=COLOURS[0], height=.6)
    ax.axvline(0, color=INK, lw=.8)
    ax.set(yticks=range(len(order)), yticklabels=order, xlabel=title)
    return fig


def other_people(result: Scores) -> None:
    """A menu of scores and a slider of the number of people over `draw_ranks(ranks_of(...))`."""
    keys = {SCORES[k].title: k for k in table.columns(result) if k in table.RANKED}
    sliders(remembered(lambda score, people, seed: draw_ranks(
        ranks_of(result, score, people, seed), f"{people} people, drawn anew from those of the table")),
        score=keys, people=(4, 40, 2, 14), seed=(0, 9, 1, 0))
