"""Figures and sliders of the metric lab: its matrix, a score against the dose, and a broken film beside its scores."""
from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tfg.course.explore.widgets import remembered, sliders
from tfg.errors import InputError
from tfg.plot_style import COLOURS, GRID, INK, figure
from tfg.scores.judges import Judges
from tfg.scores.lab import figures, run, spoil
from tfg.scores.lab.columns import LAB_SCORES
from tfg.scores.lab.defects import DEFECTS
from tfg.scores.lab.measure import mean_of, scores_of
from tfg.scores.lab.stage import Stage, stage

SHOWN = ("psnr_mask", "ssim_mouth", "psnr_around", "face_lpips", "flicker", "csim", "lmd_mouth", "aperture_r",
         "lip_range", "closed", "head_error", "d0", "offset", "lse_c", "probability")
"""Scores beside a broken film."""


def lab_result(path) -> dict:
    """What a run of the lab found: the content of lab.json or lab.json.gz, or of the folder that holds it.  Raises
    InputError."""
    path = Path(path)
    path = path / "lab.json" if path.is_dir() else path
    try:
        content = path.read_bytes()
        return json.loads(gzip.decompress(content) if path.suffix == ".gz" else content)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise InputError(f"{path} is no result of the metric lab ({error}); make one with tfg lab.") from error


def draw_matrix(content: dict):
    """The lab's matrix as a heat map.  content: of `lab_result`."""
    return figures.heat_map(content)


def draw_dose(content: dict, score: str, defect: str):
    """One score's mean difference from the unbroken films over the doses of a defect, with 95 % intervals.

    content: of `lab_result`.  Raises InputError for a score or defect that it does not have.
    """
    for name, known in ((score, content["scores"]), (defect, content["defects"])):
        if name not in known:
            raise InputError(f"this result has no {name!r}; choose of {', '.join(known)}.")
    its, labels = content["scores"][score], content["defects"][defect]["labels"]
    fig, ax = figure(6.4, 2.8)
    figures.draw_curve(ax, content, score, defect, COLOURS[0])
    ax.axhline(0, color=INK, lw=.8, zorder=0)
    ax.set_xticks(np.linspace(0, 1, len(labels)), labels)
    word = {"may": "it may move", "still": "it should not move"}.get(its["cells"][defect]["word"],
                                                                     its["cells"][defect]["word"])
    ax.set(xlabel=defect.replace("_", " "), ylabel="difference from none", title=f"{its['title']}: {word}")
    return fig


# ---- a broken film beside its scores -----------------------------------------------------------------------------
@dataclass
class Bench:
    """One clip of the lab, to be broken by hand.  on: the clip.  judges: who scores it."""

    on: Stage
    judges: Judges
    known: dict = field(default_factory=dict)

    @property
    def whole(self) -> np.ndarray:
        """The unbroken film after the codec, (T, 96, 96, 3) uint8."""
        if "whole" not in self.known:
            self.known["whole"] = spoil.coded(self.on.target.frames)
        return self.known["whole"]

    def film(self, defect: str, k: int) -> np.ndarray:
        """The film with a defect at dose number k; 0 is none."""
        return np.concatenate([piece.film for piece in run.at_dose(self.on, self.whole, defect, k)])

    def scores(self, defect: str, k: int) -> dict[str, float]:
        """Score -> value of that film, computed once; NaN where there is none."""
        from tfg.faces import crops

        key = (defect, k) if k else ("", 0)
        if key not in self.known:
            found = []
            if "points" not in self.known:
                self.known["points"] = crops.landmarks(self.on.target.frames)
            same = DEFECTS[defect].how in ("sound", "length") or not k
            if same and "whole points" not in self.known:
                self.known["whole points"] = crops.landmarks(self.whole)
            for piece in run.at_dose(self.on, self.whole, defect, k):
                points = self.known["whole points"][piece.at] if same else crops.landmarks(piece.film)
                seen = {"true": self.known["points"][piece.at], "film": points}
                found.append(scores_of(piece.against, {"film": piece.film}, seen, self.judges, piece.closures))
            means = mean_of([got["film"] for got, _ in found])
            self.known[key] = {s: means.get(s, float("nan")) for s in SHOWN}
        return self.known[key]


def bench(person: int = 1, seed: int = 0) -> Bench:
    """A clip of the lab's own cast, scored by the judges that ship.  person: number of the actor, from 0."""
    from tfg.scores.judges import load

    member, planned, other = run.own_cast(person + 1, 1, seed)[person]
    return Bench(stage(member, planned, other), load())


def draw_broken(on: Bench, defect: str = "lips_small", k: int = 2, n: int = 8):
    """Frames of the unbroken and of the broken film, and beside them each score: unbroken, broken, and whether it
    should see this defect."""
    its, film, none, now = DEFECTS[defect], on.film(defect, k), on.scores(defect, 0), on.scores(defect, k)
    at = np.linspace(0, len(film) - 1, n + 2)[1:-1].astype(int)
    fig, (top, below) = figure(8.6, 5.6, 2, 1, height_ratios=(1, 1.45))
    top.imshow(np.concatenate([np.concatenate(list(f), 1) for f in (on.whole[at], film[at])]))
    size = film.shape[1]
    top.set(xticks=[], yticks=(size / 2, 3 * size / 2), yticklabels=("unbroken", "broken"))
    top.set_title(f"{defect.replace('_', ' ')}: {its.label(k)} ({its.about})", fontsize=9)
    for row, s in enumerate(SHOWN):
        score = LAB_SCORES[s]
        should = "should see it" if defect in score.sees else "may move" if defect in score.may else "should not move"
        changed = none[s] == none[s] and abs(now[s] - none[s]) > 10.0 ** -score.digits
        below.axhline(row + .5, color=GRID, lw=.6)
        values = _said(none[s], score.digits), "→  " + _said(now[s], score.digits)
        for x, text in ((0, score.title), (.34, values[0]), (.47, values[1]), (.68, should)):
            below.text(x, row, text, va="center", fontsize=8.5, fontweight="bold" if changed and x == .47 else "normal",
                       color=COLOURS[0] if should.endswith("it") and x == .68 else INK)
    below.set(xlim=(0, 1), ylim=(len(SHOWN) - .5, -.5), xticks=[], yticks=[])
    for ax in (top, below):
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
    return fig


def _said(value: float, digits: int) -> str:
    return "–" if value != value else f"{value:.{digits}f}".replace("-", "−")


def break_one(on: Bench) -> None:
    """A menu of defects and a slider of doses over `draw_broken`. The first drawing of each takes a few seconds."""
    def draw(what: str, dose: int):
        return draw_broken(on, what, min(dose, len(DEFECTS[what].doses) - 1))

    sliders(remembered(draw), what=list(DEFECTS), dose=(0, 4, 1, 2))
