"""Figures and sliders of virtual actors, for notebooks/05_virtual_actors."""
from __future__ import annotations

import numpy as np

from tfg import vocabulary
from tfg.course.explore.heads import coefficients
from tfg.course.explore.widgets import sliders
from tfg.plot_style import COLOURS, EMOTION_COLOURS, figure

LAYER_COLOURS = ("#dcd9d0", "#e3ae8d", "#c0392b", "#ffffff", "#2f5d9b", "#6b4a2f", "#3a1518", "#3f8f5b")
"""One colour per value of the label map, in the order of `tfg.actors.actor.LAYERS`."""


def draw_actor(actor, expression=None, pose=None, *, title: str = "", points: bool = False):
    """One frame of an actor; with `points` the same frame again under its true landmarks.

    actor: has personal, render, landmarks (see `tfg.actors.actor`).  expression: (52,) in [0, 1] before the actor's
    own habits, 0 is relaxed.  pose: (6,) of `tfg.vocabulary.POSE`.
    """
    does = actor.personal(np.zeros(52, np.float32) if expression is None else np.asarray(expression, np.float32))
    pose = np.zeros(6, np.float32) if pose is None else np.asarray(pose, np.float32)
    picture = actor.render(does, pose)
    fig, axes = figure(3.4 * (1 + points), 3.6, 1, 1 + points, squeeze=False)
    for ax in axes.flat:
        ax.imshow(picture)
        ax.axis("off")
    axes[0, 0].set_title(title or actor.name, loc="center")
    if points:
        xy = actor.landmarks(does, pose)[:, :2]
        axes[0, 1].plot(*xy.T, ".", ms=1.6, color=COLOURS[4])
        axes[0, 1].set(xlim=(-.5, picture.shape[1] - .5), ylim=(picture.shape[0] - .5, -.5))
        axes[0, 1].set_title("478 true points", loc="center")
    return fig


def draw_speech(y, phones, curves: dict | None = None, visemes: bool = True):
    """A sound under its phones and, below, curves at 25 frames/s under the same phones.

    y: (N,) at 16 kHz.  phones: have symbol, viseme, start_s, stop_s.  curves: label -> (T,), a dict of such dicts for
    one panel each.
    """
    curves = curves or {}
    panels = list(curves.items()) if curves and all(isinstance(c, dict) for c in curves.values()) else \
        [("", curves)] * bool(curves)
    fig, axes = figure(9.5, 1.9 + 1.5 * len(panels), 1 + len(panels), 1, sharex=True, squeeze=False)
    top = axes[0, 0]
    top.plot(np.arange(len(y)) / 16_000, y, lw=.5, color=COLOURS[0])
    top.set(ylabel="pressure", yticks=[])
    for k, p in enumerate(p for p in phones if p.viseme != "sil"):
        middle = (p.start_s + p.stop_s) / 2
        top.text(middle, 1.02, p.symbol, ha="center", va="bottom", fontsize=7.5, transform=top.get_xaxis_transform())
        if visemes:
            top.text(middle, .02, p.viseme, ha="center", va="bottom", fontsize=5.5, color=COLOURS[7],
                     transform=top.get_xaxis_transform())
        for ax in axes[:, 0]:
            ax.axvspan(p.start_s, p.stop_s, color=COLOURS[4], alpha=.16 if k % 2 else .06, lw=0)
    for ax, (title, lines) in zip(axes[1:, 0], panels):
        for label, values in lines.items():
            ax.plot((np.arange(len(values)) + .5) / 25, values, label=label, color=EMOTION_COLOURS.get(label))
        ax.set_title(title)
        ax.legend(ncols=4, loc="lower right", bbox_to_anchor=(1, .98))
    axes[-1, 0].set(xlabel="time [s]", xlim=(0, len(y) / 16_000))
    return fig


def draw_blend(t, starts, stops, names, steps, curves: dict, label: str = "jawOpen"):
    """Targets of phones as steps, and the curves that blending makes of them.

    t: (n,) seconds.  starts, stops: (P,) seconds.  names: P phones.  steps: (P,) targets.  curves: label -> (n,).
    """
    fig, ax = figure(9.5, 2.7)
    ax.hlines(steps, starts, stops, color=COLOURS[7], lw=3, alpha=.6, label="target of each phone")
    for k, (a, b, name) in enumerate(zip(starts, stops, names)):
        ax.axvspan(a, b, color=COLOURS[4], alpha=.16 if k % 2 else .06, lw=0)
        ax.text((a + b) / 2, 1.02, name if name not in ("", "pause") else "·", ha="center", va="bottom", fontsize=8,
                transform=ax.get_xaxis_transform())
    for name, values in curves.items():
        ax.plot(t, values, label=name)
    ax.set(xlabel="time [s]", ylabel=label, xlim=(t[0], t[-1]))
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return fig


def draw_envelopes(curves: dict, title: str = "", fps: float = 25.0):
    """Curves over a clip's time.  curves: label -> (T,); emotion codes get their colours and names."""
    fig, ax = figure(8.5, 2.4)
    for label, values in curves.items():
        ax.plot((np.arange(len(values)) + .5) / fps, values, color=EMOTION_COLOURS.get(label),
                label=vocabulary.EMOTION_NAMES.get(label, label))
    ax.set(xlabel="time [s]", ylabel="share of the display", ylim=(0, 1.08), title=title)
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return fig


def draw_overlap(levels: dict, x=("mouthSmile", "mouthFrown"), y=("browInnerUp", "browDown")):
    """Clips as points, one panel per level, coloured by emotion: along each axis one mean coefficient less another.

    levels: level -> list of (emotion, (52,) mean coefficients).
    """
    fig, axes = figure(8.5, 3.3, 1, len(levels), sharex=True, sharey=True, squeeze=False)
    pairs = [[vocabulary.index(n) for n in pair] for pair in (x, y)]
    for ax, (level, clips) in zip(axes.flat, levels.items()):
        for emotion in vocabulary.EMOTIONS:
            xy = np.array([[mean[up].mean() - mean[down].mean() for up, down in pairs] for e, mean in clips
                           if e == emotion])
            if len(xy):
                ax.plot(*xy.T, "o", ms=4, alpha=.75, mew=0, color=EMOTION_COLOURS[emotion],
                        label=vocabulary.EMOTION_NAMES[emotion])
        ax.set(title=f"level {level}", xlabel=f"{x[0]} - {x[1]}")
    axes[0, 0].set_ylabel(f"{y[0]} - {y[1]}")
    axes[0, -1].legend(*axes[0, 0].get_legend_handles_labels(), loc="upper left", bbox_to_anchor=(1, 1))
    return fig


def draw_layers(picture, labels, depth, flow=None):
    """A frame and the truth about each of its pixels: label, depth and flow.

    picture: (h, w, 3).  labels: (h, w), values of `tfg.actors.actor.LAYERS`, 255 unknown.  depth: (h, w) metres.
    flow: (h, w, 2) px to the next frame shown, NaN where not known.
    """
    from matplotlib.colors import to_rgb
    from matplotlib.patches import Patch

    from tfg.actors.actor import LAYERS

    table = np.array([to_rgb(c) for c in LAYER_COLOURS] + [to_rgb(COLOURS[7])])
    known = np.isfinite(depth)
    panels = [("picture", picture), ("layers", table[np.minimum(labels, len(LAYERS))]), ("depth", depth)]
    panels += [] if flow is None else [("flow", flow_colours(flow))]
    fig, axes = figure(2.5 * len(panels), 3.1, 1, len(panels), squeeze=False)
    for ax, (title, image) in zip(axes.flat, panels):
        ax.axis("off")
        ax.set_title(title, loc="center")
        if title == "depth":
            low, high = (depth[known].min(), depth[known].max()) if known.any() else (0, 1)
            shown = ax.imshow(np.where(known, depth, np.nan), cmap="viridis_r", vmin=low, vmax=high)
            fig.colorbar(shown, ax=ax, orientation="horizontal", label="m from the camera", pad=.02, shrink=.9)
        else:
            ax.imshow(image)
    if flow is not None:
        speed = np.linalg.norm(flow, axis=-1)
        axes[0, -1].set_title(f"flow, up to {np.nanmax(speed) if np.isfinite(speed).any() else 0:.1f} px", loc="center")
    fig.legend([Patch(facecolor=c, edgecolor=COLOURS[7], lw=.5) for c in LAYER_COLOURS], LAYERS, ncols=len(LAYERS),
               fontsize=7.5, loc="outside lower center", handlelength=1, columnspacing=1)
    return fig


def flow_colours(flow):
    """Flow (h, w, 2) px as colours (h, w, 3) in [0, 1]: direction as hue, length as saturation; grey where it is
    NaN."""
    from matplotlib.colors import hsv_to_rgb

    known = np.isfinite(flow).all(-1)
    u, v = np.moveaxis(np.nan_to_num(flow), -1, 0)
    length = np.hypot(u, v)
    hsv = np.stack([np.arctan2(v, u) / (2 * np.pi) % 1, length / max(length.max(), 1e-6), np.ones_like(u)], -1)
    return np.where(known[..., None], hsv_to_rgb(hsv), .75)


def direct(actor, emotions) -> None:
    """Four sliders that direct an actor.  emotions(emotion, intensity) -> (52,) actions."""
    def draw(emotion, intensity, jawOpen, yaw):
        asked = np.clip(emotions(emotion, intensity) + coefficients(jawOpen=jawOpen), 0, 1)
        return draw_actor(actor, asked, [yaw, 0, 0, 0, 0, 0], points=True,
                          title=f"{vocabulary.EMOTION_NAMES[emotion]}, {intensity:.2f}")

    sliders(draw, emotion={vocabulary.EMOTION_NAMES[e]: e for e in ("HAP", "SAD", "ANG", "DIS", "FEA", "NEU")},
            intensity=(0.0, 1.0, 0.05, 0.7), jawOpen=(0.0, 1.0, 0.05, 0.0), yaw=(-30, 30, 5, 0))


def blending(starts, stops, names, targets, strengths, label: str = "jawOpen", first: str = "") -> None:
    """Sliders over the reach of phones and the strength of one of them.

    starts, stops: (P,) seconds.  targets, strengths: (P,).  names: P phones.  first: the phone that is chosen when it
    opens; "" is the first one.  Raises ValueError if nobody says `first`.
    """
    from tfg.course.check.actors import blended

    t, names = np.arange(0, stops[-1] + .2, .005), [n or "pause" for n in names]
    chosen = names.index(first) if first else 0
    menu = {f"{k}: {names[k]}": k for k in (chosen, *(k for k in range(len(names)) if k != chosen))}

    def draw(tau_ms, phone, strength):
        ruled = np.array(strengths, float)
        ruled[phone] *= strength
        curve = blended(t, starts, stops, np.asarray(targets)[:, None], ruled, tau_ms / 1000)[:, 0]
        curves = {f"{tau_ms} ms, {names[phone]} x {strength:.1f}": curve}
        return draw_blend(t, starts, stops, names, targets, curves, label)

    sliders(draw, tau_ms=(5, 200, 5, 50), phone=menu, strength=(0.1, 10.0, 0.1, 1.0))
