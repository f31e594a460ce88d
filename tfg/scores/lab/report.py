"""The lab's result as Markdown, CSV and JSON, and its figures."""
from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np

from tfg.files import atomic, make_folder
from tfg.metrics.stats import Mean
from tfg.scores.lab.columns import LAB_SCORES
from tfg.scores.lab.defects import DEFECTS
from tfg.scores.lab.matrix import LITTLE, MUCH, STEADY, Cell, Lab, halves

FILES = ("lab.md", "lab.csv", "lab.json", "lab.png", "curves.png")
SHORT = {"ok": "ok", "uneven": "uneven", "blind": "BLIND", "wrong way": "WRONG WAY", "moved": "moved", "still": "",
         "too few": "?", "none": "–"}


def write(result: Lab, out) -> Path:
    """Write FILES into a folder, each atomically. Returns the folder."""
    from tfg.scores.lab import figures

    out, content = make_folder(out), as_json(result)
    for name, text in (("lab.md", markdown(result, content)), ("lab.json", json.dumps(content, indent=1) + "\n")):
        with atomic(out / name) as part:
            part.write_text(text, encoding="utf-8")
    with atomic(out / "lab.csv") as part, open(part, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows(result))
    for name, fig in (("lab.png", figures.heat_map(content)), ("curves.png", figures.curves(content))):
        with atomic(out / name) as part:
            fig.savefig(part, dpi=110)
    return out


def as_json(result: Lab) -> dict:
    """Card, matrix, means and bias as JSON-able dict; all figures are drawn from it."""
    matrix, scores = result.matrix, {}
    for key, its in LAB_SCORES.items():
        values = result.column(key)
        usual = result.fid("none", 0) if key == "face_fid" else _mean(values)
        scores[key] = {"title": its.title, "group": its.group, "sees": its.sees, "may": list(its.may),
                       "about": its.about, "marked": result.marked(key), "none": _plain(usual),
                       "sd": _plain(np.nanstd(values)) if np.isfinite(values).any() else None,
                       "cells": {d: _cell(c) for d, c in matrix[key].items()}}
    true = list(result.true.values())
    return {"card": result.card, "scores": scores,
            "defects": {d: {"doses": DEFECTS[d].doses, "labels": [DEFECTS[d].label(k) for k in
                                                                  range(len(DEFECTS[d].doses))],
                            "about": DEFECTS[d].about} for d in result.defects},
            "fid_of_halves": halves(np.concatenate(true)) if true else halves(np.zeros((0, 1)))}


def _mean(values) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")


def _cell(c: Cell) -> dict:
    return {"word": c.word, "rho": None if c.rho is None else _plain(c.rho.value), "sds": _plain(c.sds),
            "share": _plain(c.share), "least": c.least, "differences": [_interval(m) for m in c.differences]}


def _interval(m: Mean | None) -> dict | None:
    return None if m is None else {k: _plain(v) for k, v in vars(m).items()}


def _plain(x):
    if isinstance(x, (int, np.integer)):
        return int(x)
    return round(float(x), 6) if x is not None and np.isfinite(x) else None


def rows(result: Lab):
    """Lines of the CSV: a value for each clip, defect, dose and score; empty where there is none."""
    yield ["clip", "actor", "defect", "dose", "score", "value"]
    for clip, films in result.values.items():
        for (defect, k), values in sorted(films.items()):
            dose = f"{DEFECTS[defect].doses[k]:g}" if defect in DEFECTS else "0"
            for score in LAB_SCORES:
                value = values.get(score, float("nan"))
                if score != "face_fid":
                    yield [clip, result.people[clip], defect, dose, score, f"{value:.6g}" if np.isfinite(value) else ""]


# ---- Markdown ----------------------------------------------------------------------------------------------------
def markdown(result: Lab, content: dict) -> str:
    """The page: how to read it, the matrix, effects of every cell that matters, length, and the bias of FID."""
    card, defects = content["card"], list(content["defects"])
    lines = ["# Metric lab", "",
             f"{card['clips']} clips of {card['actors']} virtual actors whom no judge learned from, crops of "
             f"{card['crop']} px, seed {card['seed']}. One thing is broken at a time; every film, the unbroken one "
             "too, went through H.264 at CRF 18, the true film did not.", "",
             "Judges: " + "; ".join(card["judges"].values()) + ".", "", "## Matrix", "",
             "**ok**: sees what it should: the strongest dose differs from none (95 % interval of paired differences, "
             f"actors drawn anew), and the mean rank correlation with the dose is {STEADY:g} or more; the number is "
             "the smallest dose from which on all are told from none. **uneven**: seen, but not the more the stronger. "
             "**BLIND**: not seen. **moved**: it should leave this alone and does not; the effect in units of its own "
             f"defect's (below {LITTLE:g} is left empty; from {MUCH:g} on the score is marked) and in standard "
             "deviations between unbroken clips, and the smallest dose from which on it moves. "
             "(brackets): it may move. Empty: no move seen. ?: too few actors.", "",
             "| score | " + " | ".join(defects) + " | marked |", "|---|" + "---|" * (len(defects) + 1)]
    for its in content["scores"].values():
        cells = [_said(its["cells"][d], content["defects"][d]) for d in defects]
        lines.append(f"| {its['title']} | " + " | ".join(cells) + f" | {'; '.join(its['marked'])} |")
    lines += ["", "## Size of the effects", "", "Strongest dose against none: mean difference [95 % interval]; ρ, the "
              "rank correlation with the dose. Only what should be seen, and what should not and moved.", "",
              "| score | none | defect, strongest dose | difference | ρ | |", "|---|---|---|---|---|---|"]
    for key, its in content["scores"].items():
        for d in defects:
            c, digits = its["cells"][d], LAB_SCORES[key].digits
            if c["word"] in ("ok", "uneven", "blind", "wrong way", "moved") and c["differences"][-1]:
                lines.append(f"| {its['title']} | {_number(its['none'], digits)} | {d}, "
                             f"{content['defects'][d]['labels'][-1]} | {_difference(c['differences'][-1], digits)} | "
                             f"{_number(c['rho'], 2)} | {c['word']} |")
    lines += length(content) + bias(content)
    lines += ["", "## Defects", ""] + [f"- **{d}** ({', '.join(v['labels'])}): {v['about']}."
                                       for d, v in content["defects"].items()]
    lines += ["", "## Scores", ""] + [f"- **{s['title']}**: {s['about'] or s['title']}; should see: "
                                      f"{', '.join(s['sees']) or 'nothing here'}." for s in content["scores"].values()]
    return "\n".join(lines) + "\n"


def _said(c: dict, defect: dict) -> str:
    if c["word"] == "may":
        return f"({_number(c['sds'], 1, True)} sd)" if c["sds"] is not None and c["least"] else ""
    if c["word"] == "moved":
        sd = "" if c["sds"] is None else f", {_number(c['sds'], 1, True)} sd"
        since = f", from {defect['labels'][c['least']]}" if c["least"] else ""
        return (f"moved {_number(c['share'], 2)}{sd}" if c["share"] is not None else f"moved{sd}") + since
    return SHORT[c["word"]] + (f" {defect['labels'][c['least']]}" if c["word"] == "ok" and c["least"] else "")


def length(content: dict) -> list[str]:
    """Table of what a shorter clip does to LSE, with and without zeros beyond the ends."""
    if "length" not in content["defects"]:
        return []
    labels = content["defects"]["length"]["labels"]
    lines = ["", "## LSE on short clips", "", "Each clip in pieces of equal length: the mean over the pieces "
             "less the whole clip's score [95 % interval]. The usual script fills up "
             "with zeros beyond the clip's ends; ours leaves such windows out.", "",
             "| score | whole | " + " | ".join(labels[1:]) + " |", "|---|---|" + "---|" * (len(labels) - 1)]
    for key in ("lse_c", "lse_c_padded", "lse_d"):
        its = content["scores"][key]
        cells = [_difference(m, 4) if m else "–" for m in its["cells"]["length"]["differences"]]
        lines.append(f"| {its['title']} | {_number(its['none'], 4)} | " + " | ".join(cells) + " |")
    return lines


def bias(content: dict) -> list[str]:
    """Table of face-FID between two halves of the same frames, against their number."""
    curve = content["fid_of_halves"]
    if not curve["n"]:
        return ["", "## Bias of face-FID", "", "Too few frames for two halves."]
    return ["", "## Bias of face-FID", "", "Two random sets of the same true frames, whose distance is 0 in truth, "
            f"on the first {curve['axes']} principal axes of the features; mean of five draws. The "
            "last column is the straight line over 1/N at its end (FID-infinity).", "",
            "| N on each side | " + " | ".join(str(n) for n in curve["n"]) + " | ∞ |", "|---|" + "---|" * (
                len(curve["n"]) + 1),
            "| face-FID | " + " | ".join(f"{v:.4g}" for v in curve["value"]) + f" | {curve['infinite']:.2g} |"]


def _number(x: float | None, digits: int, sign: bool = False) -> str:
    return "–" if x is None else f"{x:{'+' if sign else ''}.{digits}f}".replace("-", "−")


def _difference(m: dict, digits: int) -> str:
    ends = "" if m["low"] is None else f" [{_number(m['low'], digits, True)}, {_number(m['high'], digits, True)}]"
    return _number(m["value"], digits, True) + ends
