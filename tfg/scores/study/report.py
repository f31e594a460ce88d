"""The report of a study: study.md, study.json, strengths.csv, pairs.csv and study.png."""
from __future__ import annotations

import csv
import json
import math
from dataclasses import asdict
from pathlib import Path

import numpy as np

from tfg.files import atomic
from tfg.plot_style import COLOURS, INK, figure
from tfg.scores.study.answers import rule
from tfg.scores.study.make import QUESTIONS
from tfg.scores.study.result import Question, Result
from tfg.scores.study.strength import FEWEST, Pair, Strengths


def write(result: Result, out: Path) -> None:
    """Write the report into a folder that is there."""
    with atomic(out / "study.md") as part:
        part.write_text("\n".join(markdown(result)) + "\n", encoding="utf-8")
    with atomic(out / "study.json") as part:
        part.write_text(json.dumps(_plain(as_json(result)), indent=1) + "\n", encoding="utf-8")
    for name, rows in (("strengths", _strengths(result)), ("pairs", _pairs(result))):
        with atomic(out / f"{name}.csv") as part, open(part, "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)
    with atomic(out / "study.png") as part:
        draw(result).savefig(part, dpi=110)


# ---- Markdown -------------------------------------------------------------------------------------------------------
def markdown(result: Result) -> list[str]:
    """Lines of study.md."""
    got = result.read
    lines = ["# A comparison of films by people", "",
             f"Participants that count: {len(got.people)}; excluded: {len(got.excluded)}. {rule(result.least)}", ""]
    for who, why in got.excluded.items():
        lines.append(f"- excluded: {who}, {why}")
    lines += [f"- note: {note}" for note in got.notes]
    for q in result.questions:
        lines += ["", f"## {QUESTIONS.get(q.key, q.key)}", "", *_table(q.strengths), "", *_rates(q.strengths), "",
                  *_differences(q.strengths), "", *_agreement(q)]
    lines += ["", "## How many answers", "", *(f"- {sentence}" for sentence in result.advice), "",
              "## How it was made", "",
              "Strengths: Davidson's model of pairs with ties (1970), of which Bradley and Terry's (1952) is the case "
              "without ties, as natural logarithms whose sum is 0. Intervals: 95 %, percentiles of a bootstrap that "
              f"draws participants and clips ({result.draws} draws, seed {result.seed}); none with fewer than {FEWEST} "
              "participants. p: two-sided, from the same draws, by Holm's correction over the pairs of a question. "
              "Preferred: expected share of answers for the system against each other one, no difference counted half. "
              "A pair's second showing counts for consistency alone."]
    return lines


def _table(s: Strengths) -> list[str]:
    lines = ["| system | strength | 95 % | preferred |", "|---|---|---|---|"]
    for k in np.argsort(-s.b):
        lines.append(f"| {s.systems[k]} | {_n(s.b[k])} | {_span(s.low[k], s.high[k])} | {s.share[k]:.0%} |")
    return lines


def _rates(s: Strengths) -> list[str]:
    order, rates, n = np.argsort(-s.b), s.rates(), s.wins + s.wins.T + s.ties
    names = [s.systems[k] for k in order]
    lines = ["Share of answers in which the row was preferred to the column (number of answers):", "",
             f"| | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for i in order:
        cells = [f"{rates[i, j]:.2f} ({n[i, j]:.0f})" if n[i, j] else "–" for j in order]
        lines.append(f"| {s.systems[i]} | {' | '.join(cells)} |")
    return lines


def _differences(s: Strengths) -> list[str]:
    lines = ["| pair | difference of strengths | 95 % | p (Holm) | |", "|---|---|---|---|---|"]
    for p in sorted(s.pairs, key=lambda p: -abs(p.difference)):
        lines.append(f"| {p.first} − {p.second} | {_n(p.difference)} | {_span(p.low, p.high)} | "
                     f"{'–' if math.isnan(p.holm) else f'{p.holm:.3f}'} | {verdict(p)} |")
    return lines


def verdict(p: Pair) -> str:
    """What a pair's difference allows to say."""
    if math.isnan(p.holm):
        return "too few participants"
    if p.holm >= .05:
        return "no difference seen"
    return f"{p.first if p.difference > 0 else p.second} is preferred"


def _agreement(q: Question) -> list[str]:
    share, n = q.repeats
    again = f"{share:.0%} of {n} pairs seen twice were answered alike" if n else "no pair was seen twice"
    tie = "" if math.isnan(q.strengths.tie) else f"; {q.strengths.ties.sum() / 2:.0f} said no difference"
    agree = "not defined" if math.isnan(q.alpha) else f"{q.alpha:.2f}"
    return [f"{q.answers} answers of {q.strengths.people} people to {q.strengths.clips} clips{tie}. {again}; "
            f"Krippendorff's alpha (nominal) {agree}; film A was chosen in {q.left:.0%}; median time "
            f"{q.seconds:.1f} s."]


def _n(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def _span(low: float, high: float) -> str:
    return "–" if math.isnan(low) else f"[{_n(low)}, {_n(high)}]"


# ---- CSV and JSON ---------------------------------------------------------------------------------------------------
def _strengths(result: Result):
    yield ["question", "system", "strength", "low", "high", "preferred"]
    for q in result.questions:
        s = q.strengths
        for k, name in enumerate(s.systems):
            yield [q.key, name, *(_cell(v[k]) for v in (s.b, s.low, s.high, s.share))]


def _pairs(result: Result):
    yield ["question", "first", "second", "first_preferred", "second_preferred", "no_difference", "difference", "low",
           "high", "p", "holm"]
    for q in result.questions:
        s = q.strengths
        for p in s.pairs:
            i, j = s.systems.index(p.first), s.systems.index(p.second)
            yield [q.key, p.first, p.second, *(int(v) for v in (s.wins[i, j], s.wins[j, i], s.ties[i, j])),
                   *(_cell(v) for v in (p.difference, p.low, p.high, p.p, p.holm))]


def _cell(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.5g}"


def as_json(result: Result) -> dict:
    """The report as a dict, for programs; values that are not there are None once it is written."""
    got = result.read
    return {"participants": got.people, "excluded": got.excluded, "rule": rule(result.least), "checks": got.checks,
            "notes": got.notes, "draws": result.draws, "seed": result.seed, "advice": result.advice,
            "questions": {q.key: asdict(q) for q in result.questions}}


def _plain(value):
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(v) for v in value]
    if isinstance(value, (float, np.floating)):
        return round(float(value), 6) if math.isfinite(value) else None
    return value


# ---- figure ---------------------------------------------------------------------------------------------------------
def draw(result: Result):
    """Figure: a line for each question, with strengths and intervals, and the matrix of preferred shares."""
    most = max(len(q.strengths.systems) for q in result.questions)
    size = .42 * most + 1.3
    fig, axes = figure(9.5, size * len(result.questions) + .2, len(result.questions), 2, squeeze=False,
                       width_ratios=[1.25, 1])
    for (left, right), q in zip(axes, result.questions):
        s = q.strengths
        order = np.argsort(s.b)
        for y, k in enumerate(order):
            if np.isfinite(s.low[k]):
                left.plot([s.low[k], s.high[k]], [y, y], color=COLOURS[0], lw=2.4, solid_capstyle="butt")
            left.plot([s.b[k]], [y], "o", color=COLOURS[0], ms=7)
        left.set_yticks(range(len(order)), [s.systems[k] for k in order])
        left.set_ylim(-.6, len(order) - .4)
        left.axvline(0, color=INK, lw=.6)
        left.grid(axis="x", lw=.5)
        left.set_xlabel("strength (log), 95 % interval")
        left.set_title(QUESTIONS.get(q.key, q.key), fontsize=9.5)
        rates = s.rates()[np.ix_(order[::-1], order[::-1])]
        right.imshow(np.ma.masked_invalid(rates), vmin=0, vmax=1, cmap="RdBu", aspect="auto")
        names = [s.systems[k] for k in order[::-1]]
        for i, j in np.ndindex(*rates.shape):
            if np.isfinite(rates[i, j]):
                right.text(j, i, f"{rates[i, j]:.2f}", ha="center", va="center", fontsize=8,
                           color="white" if abs(rates[i, j] - .5) > .33 else INK)
        right.set_xticks(range(len(names)), names, rotation=30, ha="right")
        right.set_yticks(range(len(names)), names)
        right.set_title("row preferred to column", fontsize=9.5)
    return fig
