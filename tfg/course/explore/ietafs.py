"""Figures and sliders of faces edited by Action Units, for notebooks/12_speech_to_action_units_to_gan."""
from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tfg.course.explore.emogen import draw_grid
from tfg.course.explore.widgets import WAIT_S, follow, framed, once, picture_html, sliders
from tfg.faces.aus import AUS, MOST
from tfg.plot_style import COLOURS, GRID, INK, figure, finish_grid
from tfg.vocabulary import AU_NAMES, EMOTION_NAMES, EMOTIONS

SIDE = 256
"""Side of the pictures that follow a slider, px: larger ones would lag behind."""


# ---- values ---------------------------------------------------------------------------------------------------
def cut(editor, picture: np.ndarray, side: int = SIDE) -> np.ndarray:
    """The face's surroundings in a picture of an `Editor`, (side, side, 3) uint8."""
    return editor.cut(picture, side)


def quick_editor(photo, side: int = SIDE, checkpoint=None):
    """An `Editor` of a photo that was made so small that its face's surroundings are `side` px wide: fast enough for
    sliders.  photo: path or (H, W, 3) uint8."""
    import cv2

    from tfg.faces import align
    from tfg.faces.face_region import MARGIN
    from tfg.faces.landmarks import one_face
    from tfg.media.image import read_image
    from tfg.systems.ietafs.edit import Editor

    photo = photo if isinstance(photo, np.ndarray) else read_image(photo)
    box = align.crop_box(one_face(photo).points[:, :2], MARGIN)
    scale = min(1.0, side / (box[2] - box[0]))
    small = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return Editor(small, checkpoint=checkpoint)


def moved_by(editor, au: int, intensity: float = 4.0) -> float:
    """Mean change of the face's surroundings when one unit is asked for, in grey values."""
    rest, moved = editor.many(np.stack([_asked({}), _asked({au: intensity})]))
    return float(np.abs(cut(editor, moved).astype(float) - cut(editor, rest)).mean())


# ---- figures --------------------------------------------------------------------------------------------------
def draw_edit_units(editor, intensity: float = 4.0, side: int = 128):
    """All 17 units on a photo, one picture for each, and the photo itself."""
    shown = [cut(editor, p, side) for p in editor.many(intensity * np.eye(len(AUS), dtype=np.float32))]
    pictures = [cut(editor, editor.photo, side), *shown]
    fig, axes = figure(9.5, 5.6, 3, 6)
    titles = ["the photo"] + [f"AU{au} {AU_NAMES[au]}" for au in AUS]
    for ax, picture, title in zip(axes.flat, pictures, titles):
        ax.imshow(picture)
        ax.axis("off")
        ax.set_title(title, loc="center", fontsize=7.5)
    return fig


def draw_spread(std):
    """How much each unit varies, a bar for each.  std: (17,) standard deviations, on the units' scale of 0 to 5."""
    fig, ax = figure(9.5, 2.4)
    ax.bar(range(len(std)), std, color=COLOURS[0], width=.7)
    ax.set(xticks=range(len(std)), xticklabels=[f"AU{au}" for au in AUS], ylabel="standard deviation")
    return fig


def draw_critics(true, drawn, critics: dict):
    """Answers of critics along a line, over the places of true and drawn examples.

    true, drawn: (n,) places.  critics: title -> (places (m,), answers (m,)).
    """
    fig, axes = figure(3.2 * len(critics), 2.5, 1, len(critics), squeeze=False)
    for ax, (title, (x, y)) in zip(axes[0], critics.items()):
        y = np.asarray(y)
        ax.plot(x, y, color=INK)
        low, high = np.min(y), max(np.max(y), np.min(y) + 1e-6)
        for k, (name, places) in enumerate((("true", true), ("drawn", drawn))):
            ax.plot(places, np.full(len(places), low - (.08 + .08 * k) * (high - low)), "|", ms=7, color=COLOURS[k],
                    label=name)
        ax.set(title=title, xlabel="the only pixel's value", ylabel="the critic's answer")
    axes[0, 0].legend(loc="best")
    return fig


def draw_edit(source, colour, attention, flow, trust, out):
    """Parts of one edit, in the order in which they are put together.

    source, colour, out: (S, S, 3) in [0, 1].  attention, trust: (S, S).  flow: (2, S, S) in half sides, x then y, from
    where a pixel is fetched.
    """
    S = len(source)
    named = {"source x": source, "attention A: 1 stays": attention, "flow, where A lets it": None,
             "trust in the copy": trust, "colour C": colour, "edit": out}
    fig, axes = figure(10.5, 2.2, 1, len(named))
    for ax, (title, picture) in zip(axes, named.items()):
        ax.set_title(title, loc="center", fontsize=8.5)
        ax.set(xticks=[], yticks=[], xlim=(-.5, S - .5), ylim=(S - .5, -.5))
        ax.spines[:].set_visible(False)
        if picture is not None:
            ax.imshow(np.clip(picture, 0, 1), cmap="gray", vmin=0, vmax=1)
    axes[2].imshow(np.asarray(source).mean(-1), cmap="gray", vmin=0, vmax=1, alpha=.45)
    step = max(1, S // 20)
    y, x = np.mgrid[step // 2:S:step, step // 2:S:step]
    dx, dy = np.asarray(flow)[:, y, x] * S / 2
    axes[2].quiver(x + dx, y + dy, -dx, -dy, angles="xy", scale_units="xy", scale=1, color=COLOURS[1], width=.009)
    return fig


def draw_attention(editor, au: int = 12, intensity: float = 4.0):
    """A photo, one unit on it, the attention, and the attention laid over the photo (red: may change)."""
    import cv2

    source = cut(editor, editor.photo)
    mask = cv2.resize(editor.attention({au: intensity}), (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    over = source / 255 * mask[..., None] + np.array([.82, .38, .24]) * (1 - mask[..., None])
    return draw_grid({f"AU{au} at {intensity:.1f}": [source, cut(editor, editor({au: intensity})), mask, over]},
                     ["the photo", AU_NAMES[au], f"A, mean {mask.mean():.2f}", "may change"], side=1.9)


def draw_mask_means(runs: dict, limits=(.1, .95)):
    """Attention while generators train: its mean over the steps, and the mask of one picture now and then.

    runs: name -> (means (n,), masks {step: (S, S)}).  limits: beyond these a mask counts as saturated.
    """
    shown = max(len(masks) for _, masks in runs.values())
    fig = figure(9.5, 2.5 + .95 * len(runs))[0]
    fig.clear()
    grid = fig.add_gridspec(1 + len(runs), shown, height_ratios=(2.4, *[1] * len(runs)))
    top = fig.add_subplot(grid[0, :])
    for limit in limits:
        top.axhline(limit, color=COLOURS[7], ls="--", lw=1)
    for k, (name, (means, masks)) in enumerate(runs.items()):
        top.plot(np.arange(1, len(means) + 1), means, color=COLOURS[k], label=name)
        for j, (step, mask) in enumerate(masks.items()):
            ax = fig.add_subplot(grid[1 + k, j])
            ax.imshow(mask, cmap="gray", vmin=0, vmax=1)
            ax.set(xticks=[], yticks=[])
            ax.set_title(f"step {step}", loc="center", fontsize=7.5, pad=2)
            if not j:
                ax.set_ylabel(name, rotation=0, ha="right", va="center", color=COLOURS[k], fontsize=8.5)
    top.set(xlabel="step", ylabel="mean of A", ylim=(-.03, 1.03))
    top.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return fig


def draw_frame_window(mel, window, frame: int, start: int):
    """A spectrogram, the columns that one frame is heard through, and these alone.

    mel: (128, M).  window: (128, 32).  start: first column of the window.
    """
    fig, (left, right) = figure(9.5, 2.5, 1, 2, width_ratios=(3.4, 1))
    left.imshow(mel, origin="lower", aspect="auto", vmin=-4, vmax=4, extent=(0, mel.shape[1] / 80, 0, len(mel)))
    left.axvspan(start / 80, (start + window.shape[1]) / 80, fill=False, ec="white", lw=1.5)
    left.set(xlabel="time [s]", ylabel="mel band", title="the voice")
    right.imshow(window, origin="lower", aspect="auto", vmin=-4, vmax=4)
    right.set(xlabel="column", title=f"frame {frame}: {' x '.join(map(str, window.shape))}")
    return fig


def draw_unit_curves(curves: dict, true=None, units=(26, 25, 12, 4), fps: float = 25.0):
    """Action Units over time, a panel for each.

    curves: name -> (T, 17).  true: (T, 17), drawn broad and grey; None for none.  units: numbers.
    """
    rows = -(-len(units) // 2)
    fig, axes = figure(10, 1.6 * rows + .7, rows, 2, sharex=True, squeeze=False)
    for ax, au in zip(axes.flat, units):
        k = AUS.index(au)
        if true is not None:
            ax.plot((np.arange(len(true)) + .5) / fps, np.asarray(true)[:, k], color=GRID, lw=5, label="true",
                    solid_capstyle="round")
        for j, (name, values) in enumerate(curves.items()):
            ax.plot((np.arange(len(values)) + .5) / fps, np.asarray(values)[:, k], color=COLOURS[j], lw=1.4, label=name)
        ax.set_title(f"AU{au} {AU_NAMES[au]}")
        low, high = ax.get_ylim()
        ax.set_ylim(min(low, -.1), max(high, 1.0))
    return finish_grid(fig, axes, len(units))


def draw_heard(rows: dict):
    """Which emotion a voice sounds like, a row for each sound.  rows: title -> (6,) probabilities, EMOTIONS' order."""
    table = np.stack(list(rows.values()))
    fig, ax = figure(6.4, .42 * len(rows) + 1.1)
    ax.imshow(table, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (r, c), value in np.ndenumerate(table):
        ax.text(c, r, f"{value:.2f}", ha="center", va="center", fontsize=8.5, color="white" if value > .55 else INK)
    ax.set(xticks=range(len(EMOTIONS)), xticklabels=[EMOTION_NAMES[e] for e in EMOTIONS], yticks=range(len(rows)),
           yticklabels=[EMOTION_NAMES.get(name, name) for name in rows], title="heard", ylabel="played")
    return fig


def draw_voice(audio, heard, listen: float = 1.0):
    """What AUnet hears in a voice: each unit over time as a strip, and the emotion's probabilities.

    audio: (N,) at 16 kHz.  heard: `tfg.systems.ietafs.aunet.network.Heard`.  listen: how much of the feeling is shown.
    """
    shown = np.clip(heard.speech + listen * heard.feeling, 0, MOST)
    seconds = len(shown) / 25
    fig, axes = figure(9.5, 4.4, 2, 2, height_ratios=(1, 4), width_ratios=(4, 1))
    axes[0, 0].plot(np.arange(len(audio)) / 16_000, audio, color=COLOURS[0], lw=.5)
    axes[0, 0].set(xlim=(0, seconds), yticks=[], title="the voice")
    axes[1, 0].imshow(shown.T, aspect="auto", vmin=0, vmax=MOST, extent=(0, seconds, len(AUS), 0))
    axes[1, 0].set(yticks=np.arange(len(AUS)) + .5, yticklabels=[f"AU{au}" for au in AUS], xlabel="time [s]")
    axes[1, 0].tick_params(axis="y", labelsize=6.5)
    axes[0, 1].axis("off")
    axes[1, 1].barh(range(len(EMOTIONS)), heard.emotion, color=COLOURS[1], height=.65)
    axes[1, 1].set(yticks=range(len(EMOTIONS)), yticklabels=[EMOTION_NAMES[e] for e in EMOTIONS], xlim=(0, 1),
                   title="sounds like")
    axes[1, 1].invert_yaxis()
    return fig


# ---- sliders --------------------------------------------------------------------------------------------------
def unit_sliders(editor) -> None:
    """A slider for each of the 17 units above the face, which follows while a slider is drawn along."""
    from IPython.display import display

    display(unit_panel(editor))


def unit_panel(editor, wait_s: float = WAIT_S):
    """A box of 17 sliders in two columns, the busy sign and, last, the page with the face.  wait_s: see WAIT_S."""
    import ipywidgets

    boxes = [ipywidgets.FloatSlider(value=0, min=0, max=MOST, step=.25, description=f"AU{au} {AU_NAMES[au]}",
                                    style={"description_width": "176px"}, layout={"width": "366px", "max_width": "98%"})
             for au in AUS]

    def draw() -> str:
        asked = {au: box.value for au, box in zip(AUS, boxes) if box.value}
        picture = cut(editor, editor(np.array([box.value for box in boxes], np.float32)))
        return picture_html(picture, ", ".join(f"AU{au} {v:.2f}" for au, v in asked.items()) or "the photo",
                            2 * picture.shape[1])

    sign, page = follow(draw, boxes, wait_s)
    half = (len(boxes) + 1) // 2
    columns = ipywidgets.HBox([ipywidgets.VBox(part) for part in (boxes[:half], boxes[half:])],
                              layout={"flex_flow": "row wrap"})
    return framed([columns, sign, page])


def attention_of(editor) -> None:
    """A menu and a slider over `draw_attention`."""
    sliders(lambda unit, intensity: draw_attention(editor, unit, intensity),
            unit={f"AU{au} {AU_NAMES[au]}": au for au in AUS}, intensity=(0.0, MOST, .5, 4.0))


def voices(sounds: dict, hear: Callable) -> None:
    """A menu and a slider over `draw_voice`.  sounds: name -> (N,) at 16 kHz.  hear: as in tfg.systems.ietafs.aunet;
    each sound is heard once."""
    heard = once(lambda voice: hear(sounds[voice]))
    sliders(lambda voice, listen: draw_voice(sounds[voice], heard(voice), listen), voice=list(sounds),
            listen=(0.0, 2.0, .25, 1.0))


def _asked(units: dict) -> np.ndarray:
    return np.array([units.get(au, 0.0) for au in AUS], np.float32)
