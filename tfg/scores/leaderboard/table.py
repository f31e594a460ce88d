"""The leaderboard as Markdown, CSV and JSON."""
from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from tfg.metrics.compare import LEVEL, pairs_p, rank_ranges
from tfg.scores.columns import SCORES, TASKS
from tfg.scores.leaderboard.protocol import fingerprint
from tfg.scores.leaderboard.work import BESIDE
from tfg.scores.results import Scores, value_of
from tfg.scores.table import KINDS, TITLES, cell, judges_table

if TYPE_CHECKING:
    from tfg.scores.leaderboard.run import Board

COLUMNS = ("aperture_r", "lse_d", "in_sync", "accuracy", "accuracy_published", "csim", "found")
"""Scores of the table; those that this version or this run does not have are left out."""
RANKED = ("aperture_r", "lse_d", "accuracy", "accuracy_published", "csim")
FLOORS = ("still", "shuffled")
"""Rows that a system must beat: a score on which it does not says nothing about it."""
WORDS = {"true": "true film", "still": "still picture", "shuffled": "another sentence", "copy": "the film, undubbed"}


def columns(result: Scores) -> list[str]:
    """Scores of a task's table, in order."""
    return [k for k in COLUMNS if k in SCORES and any(np.isfinite(c.get(k, np.nan)) for c in result.clips)]


def systems(result: Scores) -> list[str]:
    """Rows of a task that are systems."""
    return [row for row in result.rows if row not in BESIDE[result.task]]


def standing(result: Scores, score: str, group: str) -> dict:
    """How rows stand in one score: {"p": {(a, b): corrected p}, "ranks": {system: (best, worst) or None}}.

    All pairs of systems and of the rows FLOORS are one family for Holm's correction. Lips that do not move count as
    r = 0. Ranks are those of the systems alone.
    """
    rows = systems(result) + [r for r in FLOORS if r in result.rows]
    ids = [c["clip"] for c in result.where("true", group)]
    actors = [c["actor"] for c in result.where("true", group)]
    values = {}
    for row in rows:
        known = {c["clip"]: value_of(c, score) for c in result.where(row, group)}
        values[row] = [known.get(id, np.nan) for id in ids]
    p = pairs_p(values, actors)
    if 2 / 2 ** len(set(actors)) * len(p) >= LEVEL:          # even if all people agreed, nothing could be told
        p = dict.fromkeys(p, float("nan"))
    p = {(a, b): value for (a, b), value in p.items() if not {a, b} <= set(FLOORS)}
    means = {row: m.value for row in systems(result) if (m := result.summary(row, score, group)) is not None}
    among = {pair: value for pair, value in p.items() if set(pair) <= set(means)}
    return {"p": p, "ranks": rank_ranges(means, among, SCORES[score].better)}


# ---- Markdown -------------------------------------------------------------------------------------------------------
def markdown(board: Board) -> str:
    """The page: protocol, judges, a table for each task and group, what the intervals allow, speed."""
    lines = ["# Leaderboard", "", *_protocol(board), ""]
    for task, result in board.scores.items():
        lines += [f"## {KINDS[task].capitalize()}", "", f"{TASKS[task].capitalize()}.", ""]
        for group in result.groups:
            clips, actors = result.n(group)
            lines += [f"### {TITLES[group].capitalize()}: {clips} clips of {actors} people", "",
                      *_table(result, group), "", *allowed(result, group), ""]
        lines += [f"- {key}: {why}" for key, why in sorted(result.refused.items())]
    if board.scores and (first := next(iter(board.scores.values()))).card:
        lines += ["", *judges_table(first), ""]              # of the true films, which are the same in all tasks
    return "\n".join(lines + _costs(board) + _legend(board)) + "\n"


def _protocol(board: Board) -> list[str]:
    known = board.protocol
    crops = ", ".join(f"{s['size']} px, {s['crop'].get('crop')} crops with the margins "
                      f"{' '.join(map(str, s['crop'].get('margin') or ()))}" for s in known["stores"][:1])
    judges = ", ".join(f"{name} {str(sha)[:12]}" for name, sha in known["judges"].items())
    return [f"- Protocol `{fingerprint(known)}`: {crops}, 25 frames/s, split {known['split']}, seed {known['seed']}, "
            f"at most {known['clips_per_actor'] or 'all'} clips of a person; tfg {known['tfg']}.",
            f"- Judges: {judges}; identity: {known['identity']}; landmarks: MediaPipe, each frame alone.",
            "- Cells: mean over people [95 % interval, people drawn anew] · ranks that the differences allow. A system "
            "is surely better where a test over people (changes of sign), corrected for all pairs of the column "
            f"(Holm), has p < {LEVEL:g}.",
            "- ° is not surely better than the still picture; † not surely better than a film of another sentence."]


def _table(result: Scores, group: str) -> list[str]:
    keys = columns(result)
    stand = {k: standing(result, k, group) for k in keys if k in RANKED}
    arrow = {1: " ↑", -1: " ↓", 0: ""}
    lines = ["| row | " + " | ".join(SCORES[k].title + arrow[SCORES[k].better] for k in keys) + " | face-FID (N) ↓ |",
             "|---|" + "---|" * (len(keys) + 1)]
    for row in result.rows:
        cells = [_cell(result, row, k, group, stand.get(k)) for k in keys]
        value, n = result.fid(row, group)
        cells.append("–" if row == "true" else f"{value:.3f} ({n})" if np.isfinite(value) else f"too few ({n})")
        name = WORDS.get(row) if row in BESIDE[result.task] else f"**{row}**"
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def _cell(result: Scores, row: str, key: str, group: str, stand: dict | None) -> str:
    if not result.defined(row, key):
        return "–"
    m = result.summary(row, key, group)
    if m is None:
        still = key == "aperture_r" and any(not c["moves"] for c in result.where(row, group))
        return "0, lips do not move" if still else "not measured"
    text, lost = cell(m, SCORES[key].digits - (SCORES[key].digits > 2)), result.undefined(row, key, group)
    text += f" ({m.clips} of {len(result.where(row, group))})" if lost else ""
    if stand is None or stand["ranks"].get(row) is None:
        return text
    best, worst = stand["ranks"][row]
    marks = "".join(mark for floor, mark in zip(FLOORS, "°†")
                    if floor in result.rows and not _beats(result, row, floor, key, group, stand["p"]))
    return f"{text}{marks} · {best if best == worst else f'{best}–{worst}'}"


def _beats(result: Scores, a: str, b: str, key: str, group: str, p: dict) -> bool:
    """Whether row a is surely better than row b."""
    d = result.difference(key, b, row=a, group=group)
    value = p.get((a, b), p.get((b, a), 1.0))
    return d is not None and bool(value < LEVEL) and d.value * SCORES[key].better > 0


def allowed(result: Scores, group: str) -> list[str]:
    """What may be said of each score, in sentences."""
    out = []
    for key in (k for k in columns(result) if k in RANKED):
        stand, rows = standing(result, key, group), systems(result)
        if len(rows) < 2:
            continue
        if any(r is None for r in stand["ranks"].values()):
            return [f"Too few people for ranks: even if all {result.n(group)[1]} agreed, p would not fall below "
                    f"{LEVEL:g} after the correction. Means and intervals are all there is."]
        pairs = [(a, b) for a, b in itertools.permutations(rows, 2) if _beats(result, a, b, key, group, stand["p"])]
        better = {a: [b for x, b in pairs if x == a] for a in rows}
        said = [f"{a} is surely better than {_and(better[a])}" for a in rows if better[a]]
        out.append(f"- {SCORES[key].title}: {'; '.join(said) or 'no system is surely better than another'}.")
    return out


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _costs(board: Board) -> list[str]:
    if not board.costs:
        return []
    machine = next(iter(board.costs.values()))["machine"]
    lines = ["## Speed and memory", "",
             f"One face of 256 px, alone on this machine ({machine}). Once: networks and compiling, in each process. "
             "Each film: before its first frame, such as finding and fitting the face.", "",
             "| system | once, s | each film, s | frames/s | x real time | memory at most, GB | weights, MB |",
             "|---|---|---|---|---|---|---|"]
    for name, c in board.costs.items():
        rate = c["frames_per_s"]
        lines.append(f"| **{name}** | {c['load_s']:.1f} | {c['source_s']:.1f} | {rate:.0f} | {rate / 25:.1f} | "
                     f"{c['memory_gb']:.1f} | {c['weights_mb']:.1f} |")
    return [*lines, ""]


def _legend(board: Board) -> list[str]:
    used = dict.fromkeys(k for result in board.scores.values() for k in columns(result))
    lines = ["## What the scores are", ""] + [f"- **{SCORES[k].title}**: {SCORES[k].about}." for k in used]
    return lines + ["- **face-FID**: Fréchet distance of all frames' features in our own face encoder, N frames a "
                    "side; biased upwards where N is small, and not comparable with published FID."]


# ---- CSV and JSON --------------------------------------------------------------------------------------------------
def rows_of(board: Board):
    """Lines of leaderboard.csv: a score of a clip and row each."""
    yield ["task", "row", "clip", "actor", "kind", "emotion", "level", "score", "value"]
    for task, result in board.scores.items():
        for c in result.clips:
            for key in columns(result):
                if np.isfinite(value := value_of(c, key)):
                    yield [task, *(c[k] for k in ("row", "clip", "actor", "kind", "emotion", "level")), key,
                           f"{value:.6g}"]


def pairs_of(board: Board):
    """Lines of pairs.csv: a paired difference with its interval and its corrected p each."""
    yield ["task", "group", "score", "a", "b", "difference a - b", "low", "high", "p, corrected"]
    for task, result in board.scores.items():
        for group, key in itertools.product(result.groups, [k for k in columns(result) if k in RANKED]):
            for (a, b), p in standing(result, key, group)["p"].items():
                d = result.difference(key, b, row=a, group=group)
                if d is not None:
                    yield [task, group, key, a, b, *(f"{v:.6g}" for v in (d.value, d.low, d.high, p))]


def as_json(board: Board) -> dict:
    """The table for programs: protocol, networks, costs, means with intervals and ranks, and each clip's scores."""
    def plain(m):
        return None if m is None else {k: v if np.isfinite(v) else None for k, v in vars(m).items()}

    tasks = {}
    for task, result in board.scores.items():
        groups = {}
        for group in result.groups:
            ranks = {k: standing(result, k, group)["ranks"] for k in columns(result) if k in RANKED}
            groups[group] = {row: {k: {"mean": plain(result.summary(row, k, group)),
                                       "ranks": ranks.get(k, {}).get(row)} for k in columns(result)}
                             for row in result.rows}
        clips = [{k: round(v, 6) if isinstance(v, float) else v for k, v in c.items()
                  if not isinstance(v, float) or np.isfinite(v)} for c in result.clips]
        tasks[task] = {"rows": list(result.rows), "systems": systems(result), "groups": groups, "clips": clips,
                       "refused": result.refused, "networks": board.networks.get(task, {})}
    return {"protocol": board.protocol, "fingerprint": fingerprint(board.protocol), "costs": board.costs,
            "tasks": tasks}
