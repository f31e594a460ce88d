"""Figures and sliders of emotion that is added to expression vectors, for notebooks/11_expression_vectors."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tfg.course.explore.widgets import remembered, sliders
from tfg.plot_style import COLOURS, EMOTION_COLOURS, GRID, figure
from tfg.vocabulary import EMOTION_NAMES, EMOTIONS, index

SHOWN = {"ANG": ("browDown", "mouthPress"), "DIS": ("noseSneer", "mouthUpperUp"), "FEA": ("browInnerUp", "eyeWide"),
         "HAP": ("mouthSmile", "cheekSquint"), "NEU": ("mouthSmile", "browInnerUp"),
         "SAD": ("browInnerUp", "mouthFrown")}
"""Two coefficients by which each emotion is recognised."""


# ---- values ---------------------------------------------------------------------------------------------------
def along(source, change) -> np.ndarray:
    """Cosine between a change and its source in each frame: (T,), NaN where one is zero.  source, change: (T, 52)."""
    s, d = np.nan_to_num(source).astype(float), np.nan_to_num(change).astype(float)
    size = np.linalg.norm(s, axis=-1) * np.linalg.norm(d, axis=-1)
    return np.divide((s * d).sum(-1), size, out=np.full(len(s), np.nan), where=size > 1e-9)


def face_of(portrait, offsets) -> np.ndarray:
    """A frame's offsets (52,) on a portrait, clipped as rendering does: (h, w, 3) uint8."""
    return portrait.render(portrait.personal(np.clip(np.nan_to_num(offsets), 0, 1)))


# ---- figures --------------------------------------------------------------------------------------------------
def draw_added(source, results: dict, names: Sequence[str], fps: float = 25.0):
    """Curves before and after: a panel for each coefficient and one for the lips, with where the source closes them.

    source: (T, 52) offsets.  results: name -> (T, 52).  names: coefficients; a name without side means both, averaged.
    """
    from tfg.speech.visemes import opening

    t = (np.arange(len(source)) + .5) / fps
    fig, axes = figure(8.5, 1.35 * (len(names) + 1) + .3, len(names) + 1, 1, sharex=True)
    gaps = {k: opening(np.clip(np.nan_to_num(v), 0, 1)) for k, v in {"source": source, **results}.items()}
    for ax, name in zip(axes, [*names, None]):
        for k, (who, values) in enumerate({"source": source, **results}.items()):
            curve = gaps[who] if name is None else np.asarray(values)[:, index(name)].mean(1)
            colour, width = (COLOURS[7], 2.2) if k == 0 else (COLOURS[(k - 1) % 7], 1.4)
            ax.plot(t, curve, color=colour, lw=width, label=who)
        ax.axhline(0, color=GRID, lw=.8, zorder=0)
        ax.set_title("opening of the lips" if name is None else name)
    shut = gaps["source"] <= .02
    axes[-1].fill_between(t, 0, 1, where=shut, color=GRID, alpha=.6, lw=0, step="mid",
                          transform=axes[-1].get_xaxis_transform())
    axes[-1].set_xlabel("time [s]; grey: the source's lips are closed")
    axes[0].legend(loc="upper left", bbox_to_anchor=(1, 1))
    return fig


def draw_along(source, changes: dict, fps: float = 25.0):
    """Cosine of each change to its source over time.  source: (T, 52).  changes: name -> (T, 52)."""
    fig, ax = figure(8.5, 2.1)
    t = (np.arange(len(source)) + .5) / fps
    for k, (name, change) in enumerate(changes.items()):
        ax.plot(t, along(source, change), color=COLOURS[k], label=name)
    ax.axhline(0, color=GRID, lw=.8, zorder=0)
    ax.set(xlabel="time [s]", ylabel="cosine to the source", ylim=(-1.05, 1.05))
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return fig


def draw_faces_row(portrait, rows: dict):
    """Rows of faces.  portrait: has render and personal.  rows: name -> {title: offsets (52,)}."""
    most = max(map(len, rows.values()))
    fig, axes = figure(1.5 * most + .7, 1.62 * len(rows) + .2, len(rows), most, squeeze=False)
    for line, (name, faces) in zip(axes, rows.items()):
        for ax in line:
            ax.axis("off")
        for ax, (title, offsets) in zip(line, faces.items()):
            ax.imshow(face_of(portrait, offsets))
            ax.set_title(title, loc="center", fontsize=9)
        line[0].text(-.04, .5, name, transform=line[0].transAxes, rotation=90, ha="right", va="center", fontsize=9)
    return fig


def draw_feelings_of(portrait, source, frame: int, models: Sequence[str] = ("linear",), intensity: float = 1.0,
                     **options):
    """One frame of calm speech, and the same with every emotion, a row for each model.  source: (T, 52) offsets.
    options: keyword arguments of `tfg.systems.expression.emotion.add`."""
    from tfg.systems.expression.emotion import all_emotions

    rows = {}
    for model in models:
        found = all_emotions(source, intensity, model=model, **options)
        rows[model] = {"source": source[frame], **{EMOTION_NAMES[e]: found[e][frame] for e in EMOTIONS if e != "NEU"}}
    return draw_faces_row(portrait, rows)


def draw_errors(scores: dict):
    """Errors of the emotion models, by emotion and by level.  scores: scores as
    `tfg.systems.expression.emotion.evaluate.report` returns them; a card's `scores`."""
    groups = {"all": {n: v["rmse"][0] for n, v in scores.items() if isinstance(v, dict) and "rmse" in v},
              **scores["emotions"], **scores["levels"]}
    names = list(groups["all"])
    fig, ax = figure(8.5, 2.6)
    width = .8 / len(names)
    for k, name in enumerate(names):
        colour = COLOURS[7] if name == "identity" else COLOURS[k % 7]
        ax.bar(np.arange(len(groups)) + (k - (len(names) - 1) / 2) * width, [g[name] for g in groups.values()], width,
               label="doing nothing" if name == "identity" else name, color=colour)
    ax.set_xticks(range(len(groups)), list(groups))
    ax.set_ylabel("error (RMSE)")
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return fig


def draw_own_table(cosines, emotions: Sequence[str]):
    """Cosines between the added change (row) and that of an actor's own emotional clip (column).

    cosines: (E, E).  A row whose largest number is on the diagonal moves towards the actor's own emotion.
    """
    cosines = np.asarray(cosines, float)
    fig, ax = figure(5.6, 3.8)
    picture = ax.imshow(cosines, cmap="RdBu_r", vmin=-1, vmax=1)
    for (i, j), value in np.ndenumerate(cosines):
        ax.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=9, weight="bold" if i == j else "normal",
                color="white" if abs(value) > .7 else "black")
    ax.set(xticks=range(len(emotions)), yticks=range(len(emotions)), xlabel="his own clip", ylabel="added")
    ax.set_xticklabels(emotions)
    ax.set_yticklabels(emotions)
    fig.colorbar(picture, ax=ax, label="cosine")
    return fig


def draw_added_emotion(source, portrait=None, *, emotion: str = "HAP", intensity: float = 1.0, alpha: float = 1.0,
                       ortho: bool = False, model: str = "linear", frame: int | None = None, folder=None) -> list:
    """One setting: the curves before and after, and a frame of the portrait before and after.

    source: (T, 52) offsets.  portrait: None draws curves only.  frame: None is the middle.
    """
    from tfg.systems.expression.emotion import add

    result = add(source, emotion, intensity, alpha=alpha, ortho=ortho, model=model, folder=folder)
    out = [draw_added(source, {EMOTION_NAMES[emotion]: result}, SHOWN[emotion])]
    if portrait is not None:
        at = len(source) // 2 if frame is None else frame
        fig, axes = figure(4.4, 2.4, 1, 2)
        for ax, name, offsets in zip(axes, ("source", EMOTION_NAMES[emotion]), (source[at], result[at])):
            ax.imshow(face_of(portrait, offsets))
            ax.set_title(name, loc="center", color=EMOTION_COLOURS[emotion if name != "source" else "NEU"])
            ax.axis("off")
        out.append(fig)
    return out


# ---- sliders --------------------------------------------------------------------------------------------------
def add_emotion(source, portrait=None, *, model: str = "linear", frame: int | None = None) -> None:
    """Sliders over `draw_added_emotion`: emotion, intensity, alpha, ortho."""
    menu = {name: code for code, name in EMOTION_NAMES.items() if code != "NEU"}

    def draw(emotion, intensity, alpha, ortho):
        return draw_added_emotion(source, portrait, emotion=emotion, intensity=intensity, alpha=alpha, ortho=ortho,
                                  model=model, frame=frame)

    sliders(remembered(draw), emotion=menu, intensity=(0.0, 1.0, .1, .9), alpha=(-1.0, 2.0, .1, 1.0), ortho=False)
