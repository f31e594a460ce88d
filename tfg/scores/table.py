"""Scores as Markdown, CSV, JSON and figures.

Every table names crop, size, split and judge; undefined scores are dashes, and clips that were not measured are
counted.
"""
from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tfg.files import atomic, make_folder
from tfg.metrics.stats import Mean
from tfg.scores.agreement import agreements
from tfg.scores.columns import SCORES, TASKS, about
from tfg.scores.raters import ceiling
from tfg.scores.results import GROUPS, Scores, better
from tfg.scores.table_judges import TITLES, cell, judges_table
from tfg.vocabulary import EMOTIONS

HEADINGS = {"pictures": "Pictures", "lips": "Lips", "sync": "Sound and lips", "emotion": "Emotion"}
KINDS = {"film": "dubbing of a film", "portrait": "from one photo", "redub": "dubbing of another take"}
LEVELS = ("HI", "MD", "LO", "XX")
LABELS = ("clip", "actor", "kind", "emotion", "level", "intensity", "frames", "row")
FILES = ("scores.md", "scores.csv", "scores.json", "scores.png", "curves.png", "frames.png")


def write(result: Scores, out) -> Path:
    """Write FILES into a folder, each atomically. Returns the folder.  Raises InputError."""
    from tfg.scores import figures

    out = make_folder(out)
    texts = {"scores.md": markdown(result), "scores.json": json.dumps(as_json(result), indent=1) + "\n"}
    for name, text in texts.items():
        with atomic(out / name) as part:
            part.write_text(text, encoding="utf-8")
    with atomic(out / "scores.csv") as part, open(part, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows(result))
    figures.write(result, out)
    return out


# ---- Markdown ---------------------------------------------------------------------------------------------------
def markdown(result: Scores) -> str:
    """The page in Markdown: settings, the judges' own accuracy, then tables for each group."""
    card, lines = result.card, [f"# Scores of `{result.system}`, {KINDS[result.task]}", ""]
    lines.append(f"- Task {result.task}: {TASKS[result.task]}.")
    if card["options"]:
        lines.append(f"- Options: {', '.join(f'{k} {v}' for k, v in card['options'].items())}.")
    for s in card["stores"]:
        margin = s["crop"].get("margin")
        crop = s["crop"].get("crop", "?") + (f", margins {', '.join(f'{m:g}' for m in margin)}" if margin else "")
        name = "references" if result.task == "film" else "photos"
        counts = ", ".join(f"{n} {k}" for k, n in s[name].items())
        lines.append(f"- Store `{s['store']}`, split {card['split']}: {s['clips']} clips of {s['actors']} actors, "
                     f"crops of {s['size']} px ({crop}); {name}: {counts}.")
        if s["own_sound_as_other"]:
            lines.append(f"- {s['own_sound_as_other']} clips have no other clip's sound to be shuffled with, and keep "
                         "their own.")
        lines += [f"- Left out: {id} {why}." for id, why in s["left_out"]]
    lines += [f"- Refused by the system, and so in none of the rows: {id} ({why.rstrip('.')})."
              for id, why in result.refused.items()]
    used = [f"{name} {str(its.get('sha256', ''))[:12]}" + (f", steps {its['steps']}" if "steps" in its else "")
            for name, its in card["networks"].items()]
    lines += [f"- Networks: {'; '.join(used) or 'none'}. Seed {card['seed']}.",
              "- Rows: " + "; ".join(f"**{r}**: {about(r, result.task)}" for r in result.rows) + ".",
              "- Cells: mean over actors [95 % interval, actors drawn anew]; – is not defined for that row; "
              "a number of clips in brackets: only so many could be measured."]
    silent = [SCORES[k].title for k in result.columns if result.task not in SCORES[k].tasks]
    if silent:
        lines.append("- Not defined for one photo, whose head moves otherwise than the true film's: "
                     f"{', '.join(silent)}.")
    lines.append("")
    lines += judges_table(result)
    for group in result.groups:
        clips, actors = result.n(group)
        lines += ["", f"## {TITLES[group].capitalize()}: {clips} clips, {actors} actors", ""]
        for name, heading in HEADINGS.items():
            lines += [f"### {heading}", "", caption(result, group, name), "", *score_table(result, name, group), ""]
            if name == "emotion":
                lines += emotion_tables(result, group)
        lines += ["### Paired differences", "", caption(result, group), "", *paired_table(result, group), ""]
    lines += ["## What the scores are", ""]
    lines += [f"- **{SCORES[k].title}**: {SCORES[k].about}." for k in result.columns]
    lines += ["- **face-FID**: Fréchet distance of all frames' features in our own face encoder, N frames a side; "
              "biased upwards where N is small, and not comparable with published FID."]
    return "\n".join(lines) + "\n"


def caption(result: Scores, group: str, name: str | None = None) -> str:
    """Caption of a table in one line: clips, crop, size, split, and its judges with their own accuracy."""
    clips, actors = result.n(group)
    store = result.card["stores"][-1 if group == "real" else 0]
    found, judges = result.judged(group), []
    says = {"judge_sync": ("shifts", "known shifts found"), "judge_emotion": ("emotion_HI", "right at HI, true clips"),
            "mini_xception": ("emotion_mini_xception_HI", "right at HI, true clips"),
            "identity": ("identity", "clips known again"), "landmarks": ("aperture_r", "r with the store's points"),
            "judge_encoder": (None, "")}
    for judge in dict.fromkeys(s.judge for s in SCORES.values() if s.judge and name in (None, s.group)):
        key, what = says[judge]
        known = f" ({what}: {cell(found[key], 2)})" if key and found[key] else ""
        judges.append(judge + (" (missing)" if judge in result.card["missing"] else known))
    return (f"*{KINDS[result.task].capitalize()}; {TITLES[group]}, {clips} clips of {actors} actors, "
            f"split {result.card['split']}, "
            f"{store['crop'].get('crop', '?')} crop of {store['size']} px"
            f"{'; judged by ' + ', '.join(judges) if judges else ''}.*")


def score_table(result: Scores, name: str, group: str) -> list[str]:
    """Table of the rows and the scores of one heading, as lines of Markdown."""
    columns = [k for k in result.columns if SCORES[k].group == name]
    more = ["face-FID (N)"] if name == "pictures" else []
    lines = ["| row | " + " | ".join(_arrow(k) for k in columns) + "".join(f" | {m} ↓" for m in more) + " |",
             "|---|" + "---|" * (len(columns) + len(more))]
    for row in result.rows:
        cells = [_cell(result, row, k, group) if result.defined(row, k) else "–" for k in columns]
        if more:
            value, n = result.fid(row, group)
            cells.append("–" if row == "true" else f"{value:.3f} ({n})" if np.isfinite(value) else f"too few ({n})"
                         if n else "no judge")
        lines.append(f"| {_bold(result, row)} | " + " | ".join(cells) + " |")
    return lines


def emotion_tables(result: Scores, group: str) -> list[str]:
    """Tables of the accuracy by level, and by emotion, as lines of Markdown."""
    out = []
    for title, label, values in (("level", "level", LEVELS), ("emotion", "emotion", EMOTIONS)):
        here = [v for v in values if result.where(result.system, group, **{label: v})]
        if not here:
            continue
        out += [f"| accuracy by {title} | " + " | ".join(
            f"{v} ({len(result.where(result.system, group, **{label: v}))})" for v in here) + " |",
            "|---|" + "---|" * len(here)]
        for row in result.rows:
            out.append(f"| {_bold(result, row)} | " + " | ".join(
                cell(result.summary(row, "accuracy", group, **{label: v}), 2) for v in here) + " |")
        out.append("")
    return out


def paired_table(result: Scores, group: str) -> list[str]:
    """Table of the paired differences, the system minus each other row, as lines of Markdown."""
    others = [r for r in result.rows if r not in (result.system, "true")]
    lines = ["| score | " + " | ".join(f"{result.system} − {r}" for r in others) + " |", "|---|" + "---|" * len(others)]
    for key in result.columns:
        s = SCORES[key]
        if s.better == 0 or result.task not in s.tasks:
            continue
        cells = []
        for other in others:
            d = result.difference(key, other, group=group)
            lost = f" ({d.clips} of {result.n(group)[0]})" if d and d.clips < result.n(group)[0] else ""
            cells.append(f"{cell(d, s.digits + 1, True)}{lost}: {better(key, d)}" if d else "no clip has both")
        lines.append(f"| {_arrow(key)} | " + " | ".join(cells) + " |")
    return lines + ["", "An interval without 0 is a difference. Lips that do not move count as r = 0."]


def _cell(result: Scores, row: str, key: str, group: str) -> str:
    mine = result.where(row, group)
    got = result.summary(row, key, group)
    if got is None:
        if any(c.get(key) == float("inf") for c in mine):
            return "equal"
        still = key == "aperture_r" and mine and not any(c["moves"] for c in mine)
        return "lips do not move" if still else "not measured"
    lost = result.undefined(row, key, group)
    return cell(got, SCORES[key].digits) + (f" ({got.clips} of {len(mine)})" if lost else "")


def _arrow(key: str) -> str:
    return SCORES[key].title + {1: " ↑", -1: " ↓", 0: ""}[SCORES[key].better]


def _bold(result: Scores, row: str) -> str:
    return f"**{row}**" if row == result.system else row


# ---- CSV and JSON -----------------------------------------------------------------------------------------------
def rows(result: Scores) -> Iterator[list]:
    """Lines of the CSV for each clip, row and score; the value is empty if not finite ("inf": equal to the truth)."""
    yield [*LABELS, "score", "value"]
    for c in result.clips:
        for key in result.columns:
            if result.defined(c["row"], key):
                value = c.get(key, float("nan"))
                yield [*(c[k] for k in LABELS), key, "" if np.isnan(value) else f"{value:.6g}"]


def as_json(result: Scores) -> dict:
    """Card, judges, means, differences and curves as JSON-able dict, for programs (`make bench` reads it)."""
    def plain(m: Mean | None):
        return None if m is None else {k: None if not np.isfinite(v) else round(v, 6) for k, v in vars(m).items()}

    groups = {}
    for g in result.groups:
        others = [r for r in result.rows if r not in (result.system, "true")]
        curves = {r: result.curve(r, g) for r in result.rows}
        groups[g] = {
            "kinds": GROUPS[g], "clips": result.n(g)[0], "actors": result.n(g)[1],
            "judges": {k: plain(m) for k, m in result.judged(g).items()},
            "agreement": [{"judges": [a.one, a.other], "alike": plain(a.alike), "kappa": _number(a.kappa)}
                          for a in agreements(result, g)],
            "raters": plain(ceiling([c["clip"] for c in result.where(None, g)])[0]),
            "rows": {r: {k: plain(result.summary(r, k, g)) for k in result.columns if result.defined(r, k)}
                     | {"face_fid": _fid(result, r, g)} for r in result.rows},
            "levels": {r: {v: plain(result.summary(r, "accuracy", g, level=v)) for v in LEVELS} for r in result.rows},
            "confusion": {r: result.confusion(r, g).tolist() for r in result.rows},
            "differences": {r: {k: plain(result.difference(k, r, group=g)) for k in result.columns
                                if SCORES[k].better and result.defined(result.system, k)} for r in others},
            "curves": {r: [None if np.isnan(v) else round(float(v), 5) for v in c] for r, c in curves.items()
                       if c is not None}}
    return {"card": result.card, "system": result.system, "task": result.task, "groups": groups}


def _number(value: float) -> float | None:
    return round(value, 6) if np.isfinite(value) else None


def _fid(result: Scores, row: str, group: str) -> dict | None:
    value, n = result.fid(row, group)
    return {"value": round(value, 6), "frames": n} if np.isfinite(value) and row != "true" else None
