"""Figures and sliders for notebooks/10_scores: films spoiled by a known amount, and the scores they get."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tfg.course.explore.widgets import remembered, sliders
from tfg.metrics.stats import mean
from tfg.plot_style import COLOURS, GRID, INK, figure
from tfg.scores.columns import SCORES
from tfg.scores.judges import Judges
from tfg.scores.lab.spoil import SPOILS, blurred, brighter, held, late, other_mouth, shifted  # noqa: F401
from tfg.scores.targets import Target

SEEN = {"psnr_mask": 25, "ssim": .6, "ssim_mask": .6, "lmd_mouth": .12, "aperture_r": 1, "lse_d": .25, "d0": .25,
        "offset": 8, "probability": 1, "face_lpips": 1, "csim": .15}
"""Score of the lab -> the loss that draws a full bar, in the score's unit."""
BEST = {"psnr_mask": 45, "ssim": 1, "ssim_mask": 1, "lmd_mouth": 0, "aperture_r": 1, "face_lpips": 0}
"""Scores of a film with itself. Above 45 dB no difference can be seen. CSIM is not among them: it compares a frame with
the mean of the true ones, so that the true film has less than 1, too."""


# ---- the lab ---------------------------------------------------------------------------------------------------
@dataclass
class Lab:
    """A clip to be spoiled and scored.  target: a `tfg.scores.Target`.  other: frames of another person's clip.
    judges: `tfg.scores.judges.Judges`; scores whose judge is missing are NaN.  folder: cache of the truth's landmarks.
    """

    target: Target
    other: np.ndarray
    judges: Judges
    folder: Path | None = None
    known: dict = field(default_factory=dict)

    def film(self, spoil: str, k: int) -> np.ndarray:
        """The clip, spoiled with strength number k (0 to 4)."""
        how = SPOILS[spoil]
        return how.do(self.target.frames, how.strengths[k], self.other)

    def scores(self, spoil: str = "blur", k: int = 0) -> dict[str, float]:
        """Score -> value of one film; NaN where there is none. Computed once for each film."""
        from tfg.scores.run import score_clip

        key = (spoil, k) if k else ("", 0)
        if key not in self.known:
            row = score_clip(self.target, {"film": self.film(spoil, k)}, self.judges, self.folder).clips[0]
            self.known[key] = {s: float(row.get(s, np.nan)) for s in SEEN}
        return self.known[key]

    def objections(self, k: int, least: float = .5) -> dict[str, list[str]]:
        """Title of a score -> the spoilings at strength k that cost it more than this share of a full bar."""
        harm = {spoil: self.harm(spoil, k) for spoil in SPOILS}
        return {title: [spoil for spoil in SPOILS if harm[spoil][s] > least] for s, title in zip(SEEN, titles())}

    def harm(self, spoil: str, k: int) -> dict[str, float]:
        """Loss of each score against the true film: 0 is none, 1 a full bar; NaN where the score is missing."""
        true, now, out = self.scores(), self.scores(spoil, k), {}
        for s, full in SEEN.items():
            if s == "offset":
                worse = abs(now[s] - true[s])
            else:
                best = BEST[s] if s in BEST else true[s]
                worse = SCORES[s].better * (best - now[s])
            out[s] = float(np.clip(worse / full, 0, 1)) if worse == worse else float("nan")
        return out


def clearest(clips: Sequence, judges) -> int:
    """The number of the clip whose lips and sound fit best: median of D(s) less D(0), by the sync judge of
    `tfg.scores.judges.Judges`; the first one if there is none.  clips: those of `tfg.scores.targets`."""
    from tfg.metrics import sync_curve
    from tfg.scores.judges import sync_faces, sync_sound

    judge = judges.networks.get("judge_sync")
    if judge is None:
        return 0
    curves = [sync_curve(sync_faces(judge, c.frames), sync_sound(judge, c.mel)) for c in clips]
    return int(np.argmax([np.nanmedian(curve) - curve[len(curve) // 2] for curve in curves]))


def titles(scores: Sequence[str] = tuple(SEEN)) -> list[str]:
    """Names of scores, each with the direction that is better."""
    short = {"probability": "P(emotion)", "offset": "offset", "psnr_mask": "PSNR face"}
    return [short.get(s, SCORES[s].title) + {1: " ↑", -1: " ↓", 0: ""}[SCORES[s].better] for s in scores]


def said(score: str, value: float) -> str:
    """Text of a score's value, as in tables; a dash for NaN."""
    if value != value:
        return "–"
    if np.isinf(value):
        return "equal"
    return f"{value:+.0f}" if score == "offset" else f"{value:.{min(SCORES[score].digits, 2)}f}".replace("-", "−")


def draw_lab(lab: Lab, k: int = 3):
    """Table of every spoiling at strength k against every score: the darker a cell, the larger the score's loss."""
    rows = list(SPOILS)
    harm = np.array([list(lab.harm(s, k).values()) for s in rows])
    fig, ax = figure(9.8, .46 * len(rows) + 1.6)
    ax.imshow(np.ma.masked_invalid(harm), cmap="OrRd", vmin=0, vmax=1.15, aspect="auto")
    for (r, c), worse in np.ndenumerate(harm):
        score = list(SEEN)[c]
        ax.text(c, r, said(score, lab.scores(rows[r], k)[score]), ha="center", va="center", fontsize=8.5,
                color="white" if worse > .75 else INK)
    ax.set_xticks(range(len(SEEN)), titles(), rotation=30, ha="left")
    ax.xaxis.tick_top()
    ax.set_yticks(range(len(rows)), [f"{s}: {SPOILS[s].said.format(SPOILS[s].strengths[k])}" for s in rows])
    ax.tick_params(length=0)
    for side in ax.spines.values():
        side.set_visible(False)
    return fig


def draw_spoiled(lab: Lab, spoil: str = "blur", k: int = 2, n: int = 8):
    """Frames of the true film and of the spoiled one, and the loss of each score."""
    film, true, now, harm = lab.film(spoil, k), lab.scores(), lab.scores(spoil, k), lab.harm(spoil, k)
    at = np.linspace(0, len(film) - 1, n + 2)[1:-1].astype(int)
    fig, (top, below) = figure(8.6, 5.3, 2, 1, height_ratios=(1, 1.25))
    top.imshow(np.concatenate([np.concatenate(list(f[at]), 1) for f in (lab.target.frames, film)]))
    size = len(film[0])
    top.set(xticks=[], yticks=(size / 2, 3 * size / 2), yticklabels=("true", "spoiled"))
    top.set_title(f"{spoil}: {SPOILS[spoil].said.format(SPOILS[spoil].strengths[k])}")
    y = np.arange(len(SEEN))
    below.barh(y, np.ones(len(y)), color=GRID, height=.6)
    below.barh(y, np.nan_to_num(list(harm.values())), color=COLOURS[1], height=.6)
    for at_y, s in zip(y, SEEN):
        below.text(1.02, at_y, f"{said(s, true[s])}  →  {said(s, now[s])}", va="center", fontsize=8.5)
    below.set(yticks=y, yticklabels=titles(), xticks=[], xlim=(0, 1.35))
    below.set_title("how much worse; the numbers: true film → spoiled film")
    for ax in (top, below):
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
    below.invert_yaxis()
    return fig


def spoil(lab: Lab) -> None:
    """A menu of spoilings and a slider of strengths over `draw_spoiled`."""
    sliders(remembered(lambda what, strength: draw_spoiled(lab, what, strength)), what=list(SPOILS),
            strength=(0, 4, 1, 2))


# ---- other figures ---------------------------------------------------------------------------------------------
def draw_films(films: Mapping[str, np.ndarray], n: int = 6, notes: Mapping[str, str] | None = None):
    """Some frames of each film in a row of their own.  films: name -> (T, h, w, 3) uint8.  notes: name -> text."""
    strips = [np.concatenate([f[t] for t in np.linspace(0, len(f) - 1, n + 2)[1:-1].astype(int)], 1)
              for f in films.values()]
    height, width = strips[0].shape[:2]
    fig, ax = figure(8.6, 7.0 * len(strips) * height / width + .1)
    ax.imshow(np.concatenate(strips))
    ax.set(xticks=[], yticks=(np.arange(len(strips)) + .5) * height)
    ax.set_yticklabels([name + (f"\n{notes[name]}" if notes and name in notes else "") for name in films], fontsize=9.5)
    ax.tick_params(length=0)
    for side in ax.spines.values():
        side.set_visible(False)
    return fig


def draw_values(values: Mapping[str, Mapping[str, float]], labels: Mapping[str, str] | None = None):
    """Bars of several films, a panel for each score.  values: score -> film -> value; infinite and NaN draw no bar."""
    fig, axes = figure(3.1 * len(values) + .9, .34 * max(map(len, values.values())) + .9, 1, len(values), squeeze=False,
                       sharey=True)
    for ax, (score, films) in zip(axes[0], values.items()):
        known = np.array([v if np.isfinite(v) else 0 for v in films.values()])
        ax.barh(range(len(films)), known, color=[COLOURS[k % len(COLOURS)] for k in range(len(films))], height=.65)
        low, high = min(known.min(), 0), max(known.max(), 1e-9)
        for y, value in enumerate(films.values()):
            ax.text(max(value, 0) + .02 * (high - low) if np.isfinite(value) else 0, y,
                    f"{value:.3g}".replace("-", "−") if np.isfinite(value) else " not defined", va="center",
                    fontsize=8.5)
        ax.set(yticks=range(len(films)), yticklabels=list(films), xlim=(low, high + .25 * (high - low)),
               title=(labels or {}).get(score, score))
    axes[0, 0].invert_yaxis()
    return fig


def draw_structure(true, film, maps):
    """A true frame, the film's frame, and SSIM around each pixel: light where the windows agree.

    true, film: (S, S, 3) uint8, or name -> film.  maps: (S - 10, S - 10), or name -> map.
    """
    films, maps = (x if isinstance(x, Mapping) else {"film": x} for x in (film, maps))
    fig, axes = figure(2.0 * (1 + len(films)) + .8, 4.0, 2, 1 + len(films), squeeze=False)
    for ax in axes.ravel():
        ax.set_axis_off()
    axes[0, 0].imshow(true)
    axes[0, 0].set_title("true", loc="center")
    for column, (name, picture) in zip(axes.T[1:], films.items()):
        column[0].imshow(picture)
        column[0].set_title(name, loc="center")
        shown = column[1].imshow(np.pad(maps[name], 5, constant_values=np.nan), cmap="gray", vmin=0, vmax=1)
        column[1].set_title(f"SSIM {maps[name].mean():.2f}", loc="center")
    fig.colorbar(shown, ax=axes[1, 0], location="left", label="SSIM", fraction=.5, shrink=.9)
    return fig


def draw_masks(frame, mask, maps):
    """The drawn part of a crop, and where two pictures agree.

    frame: (S, S, 3) uint8.  mask: (S, S), 1 where it is drawn anew.  maps: (S - 10, S - 10) SSIM.
    """
    fig, axes = figure(7.2, 2.5, 1, 3)
    grey = np.asarray(frame, float) * (.35 + .65 * mask[..., None])
    for ax, picture, title in ((axes[0], np.asarray(frame), "the whole crop"),
                               (axes[1], grey.astype(np.uint8), "what is drawn anew"),
                               (axes[2], np.pad(maps, 5, constant_values=np.nan), "SSIM, first frame held")):
        ax.imshow(picture, cmap="gray", vmin=0, vmax=1 if picture.ndim == 2 else 255)
        ax.contour(mask, [.5], colors=[COLOURS[1]], linewidths=1.3)
        ax.set_axis_off()
        ax.set_title(title, loc="center")
    return fig


def draw_gaps(curves: Mapping[str, np.ndarray], fps: float = 25.0):
    """Measured gaps of the inner lips over time.  curves: name -> (T,), in outer-eye distances; NaN leaves a hole."""
    fig, ax = figure(9, 2.4)
    for k, (name, gap) in enumerate(curves.items()):
        ax.plot((np.arange(len(gap)) + .5) / fps, gap, label=name, color=INK if k == 0 else COLOURS[k - 1],
                lw=2.4 if k == 0 else 1.4)
    ax.set(xlabel="time [s]", ylabel="gap of the lips")
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return fig


def draw_bias(ns: Sequence[int], values: Mapping[str, Sequence[float]]):
    """A distance estimated from more and more pictures.  values: name -> one estimate for each number in ns."""
    fig, ax = figure(7.5, 2.6)
    for k, (name, v) in enumerate(values.items()):
        ax.plot(ns, v, "o-", ms=4, color=COLOURS[k], label=name)
    ax.set(xscale="log", xlabel="N, pictures on each side", ylabel="Fréchet distance", ylim=(0, None))
    ax.set_xticks(ns, [str(n) for n in ns], minor=False)
    ax.minorticks_off()
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return fig


def draw_by_actor(rows: Mapping[str, Sequence[float]], actors: Sequence[str], label: str):
    """Scores of single clips, grouped by person.  rows: name -> (N,) in the order of actors (N,)."""
    people = list(dict.fromkeys(actors))
    at = np.array([people.index(a) for a in actors], float)
    fig, ax = figure(8.6, 2.7)
    for k, (name, values) in enumerate(rows.items()):
        y = np.asarray(values, float)
        x = at + (k - (len(rows) - 1) / 2) * .22
        ax.plot(x, y, "o", ms=5, alpha=.75, color=COLOURS[k], label=name)
        for p in range(len(people)):
            if np.isfinite(y[at == p]).any():
                ax.hlines(np.nanmean(y[at == p]), p + (x - at)[0] - .09, p + (x - at)[0] + .09, color=COLOURS[k],
                          lw=2.5)
    ax.set_xticks(range(len(people)), [p.split("/")[-1] for p in people])
    ax.set(ylabel=label, xlabel="person; a dot is a clip, a line the person's mean")
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return fig


# ---- certainty -------------------------------------------------------------------------------------------------
def studies(people: int, clips: int, alike: float, n: int = 60, seed: int = 0, draws: int = 400) -> dict:
    """Imagined studies of which the truth is known to be 0: intervals by clip and by actor, name -> (n, 2).

    people: their number.  clips: clips of each.  alike: share of the scores' variance that lies between people, 0 to 1.
    """
    rng = np.random.default_rng(seed)
    out: dict[str, list] = {"clips drawn anew": [], "actors drawn anew": []}
    who = np.repeat(np.arange(people), clips)
    for k in range(n):
        values = alike ** .5 * rng.normal(size=people)[who] + (1 - alike) ** .5 * rng.normal(size=len(who))
        for name, units in zip(out, (np.arange(len(who)), who)):
            found = mean(values, units, seed=k, draws=draws)
            out[name].append((found.low, found.high))
    return {name: np.array(intervals) for name, intervals in out.items()}


def draw_studies(intervals: Mapping[str, np.ndarray], truth: float = 0.0):
    """95 % intervals of many studies, those that miss the truth in orange.  intervals: name -> (n, 2)."""
    fig, axes = figure(9.5, 2.7, 1, len(intervals), squeeze=False, sharey=True)
    for ax, (name, ends) in zip(axes[0], intervals.items()):
        hit = (ends[:, 0] <= truth) & (truth <= ends[:, 1])
        ax.vlines(np.arange(len(ends)), *ends.T, colors=[COLOURS[0] if h else COLOURS[1] for h in hit], lw=2)
        ax.axhline(truth, color=INK, lw=1)
        ax.set(title=f"{name}: {100 * hit.mean():.0f} % hold the truth", xlabel="study", xlim=(-1, len(ends)))
    axes[0, 0].set_ylabel("95 % interval")
    return fig


def interval(n: int = 60) -> None:
    """Sliders over `draw_studies`: number of people, clips of each, similarity of one person's clips."""
    sliders(remembered(lambda people, clips, alike: draw_studies(studies(people, clips, alike, n))),
            people=(2, 24, 1, 6), clips=(1, 12, 1, 10), alike=(0.0, 1.0, 0.1, 0.5))
