"""Figures and sliders for notebooks/09_emogen_gan: a generator that draws a hidden face from sound and emotion."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tfg.course.explore.widgets import remembered, sliders
from tfg.plot_style import COLOURS, figure
from tfg.vocabulary import EMOTION_NAMES, EMOTIONS

FELT = tuple(e for e in EMOTIONS if e != "NEU")
INTENSITIES = (.25, .5, .75, 1.0)


# ---- values ---------------------------------------------------------------------------------------------------
def dub_crops(network, crops, mels, feelings) -> np.ndarray:
    """New faces in their surroundings, each crop being its own reference, as in dubbing: (N, S, S, 3) uint8.

    network: `tfg.systems.emogen.network.Emogen` in eval mode.  crops: (N, S, S, 3) uint8, or one of them for all.
    mels: (N, 80, 16), or one.  feelings: (N, 6) as `tfg.systems.emogen.network.feeling`, or one.
    """
    import torch

    from tfg.systems.emogen.network import compose, face_mask, hide

    crops, mels, feelings = np.asarray(crops), np.asarray(mels, np.float32), np.asarray(feelings, np.float32)
    crops, mels, feelings = (x[None] if x.ndim == d else x for x, d in ((crops, 3), (mels, 2), (feelings, 1)))
    n = max(map(len, (crops, mels, feelings)))
    crops, mels, feelings = (np.broadcast_to(x, (n, *x.shape[1:])) for x in (crops, mels, feelings))
    mask, out = torch.from_numpy(face_mask(network.config.size, network.config.mask)), []
    with torch.no_grad():
        for k in range(0, n, 16):
            part = slice(k, k + 16)
            whole = torch.tensor(np.moveaxis(crops[part], -1, 1))[:, None].float() / 255          # (n, 1, 3, S, S)
            mel, feeling = (torch.tensor(x[part]) for x in (mels, feelings))
            drawn = compose(network(mel[:, None], feeling, hide(whole, mask), whole), whole, mask)[:, 0]
            out.append((drawn.clamp(0, 1) * 255).round().byte().movedim(1, -1).numpy())
    return np.concatenate(out)


def asked(hears, feels, frames, mel, emotion, *, train: bool = False) -> np.ndarray:
    """What two experts say of each window, asked about it alone: (2, B), cosine with the sound and loss of the emotion.

    hears: a `SyncNet`.  feels: an `EmotionNet`.  frames: (B, T, 3, S, S) in [0, 1].  mel: (B, 80, 16).  emotion: (B,).
    train: in train mode. The experts are copied, for that mode changes their statistics.
    """
    import copy

    import torch
    import torch.nn.functional as F

    from tfg.experts import losses

    hears, feels = (copy.deepcopy(network).train(train) for network in (hears, feels))
    with torch.no_grad():
        return np.array([(losses.cosines(hears, x, sound).item(), F.cross_entropy(feels(x), e).item())
                         for x, sound, e in zip(frames.split(1), mel.split(1), emotion.split(1))]).T


def breathing_crop(crop, points, margin) -> np.ndarray:
    """The crop again as a detector of whole faces would have cut it, chin included: (S, S, 3) uint8.

    crop: (S, S, 3) uint8, placed by the skull.  points: (478, 2 or more), the face's landmarks in px of the crop.
    margin: as `tfg.faces.align.crop_box` takes it. What lies beyond the crop is continued from its edge.
    """
    import cv2

    from tfg.faces import align

    matrix = align.box_matrix(align.crop_box(points, margin), len(crop))
    return cv2.warpAffine(crop, matrix, crop.shape[:2], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


# ---- figures --------------------------------------------------------------------------------------------------
def draw_grid(rows: dict, columns: Sequence[str] | None = None, side: float = 1.25):
    """Small pictures in rows.  rows: name -> pictures (h, w, 3), or (h, w) from 0 to 1; None leaves a gap.  columns:
    titles.  side: side of a picture, inches."""
    width = max(map(len, rows.values()))
    first = next(p for pictures in rows.values() for p in pictures if p is not None)
    tall = side * np.shape(first)[0] / np.shape(first)[1]
    fig, axes = figure(side * width + 1.1, (tall + .06) * len(rows) + .35, len(rows), width, squeeze=False)
    for ax_row, (name, pictures) in zip(axes, rows.items()):
        for ax in ax_row:
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_visible(False)
            ax.patch.set_visible(False)
        for ax, picture in zip(ax_row, pictures):
            if picture is not None:
                ax.imshow(np.asarray(picture), cmap="gray", vmin=0, vmax=1)
        ax_row[0].set_ylabel(name, rotation=0, ha="right", va="center", labelpad=6)
    for ax, title in zip(axes[0], columns or ()):
        ax.set_title(EMOTION_NAMES.get(title, title), loc="center", fontsize=9)
    return fig


def draw_breathing(gap, sides: dict):
    """Size of crops against the opening of the mouth: a correlation would give the opening away.

    gap: (T,) opening of the lips, in eye distances.  sides: name -> (T,) side of the crop in px.
    """
    gap = np.asarray(gap)
    fig, ax = figure(7.5, 2.8)
    for k, (name, side) in enumerate(sides.items()):
        side = np.asarray(side) / np.median(side)
        r = np.corrcoef(gap, side)[0, 1] if side.std() > 1e-6 else 0.0
        ax.plot(gap, side, "o", ms=3.5, color=COLOURS[1 - k % 2], label=f"{name}: r = {r:.2f}")
    ax.set(xlabel="opening of the lips, in eye distances", ylabel="side of the crop, 1 = its median")
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return fig


def draw_copy(reference, flow, trust, fetched, drawn, out):
    """The copied and the drawn part of one face, and how both are mixed.

    reference, fetched, drawn, out: (S, S, 3) in [0, 1].  flow: (2, S, S) px, x then y: where a pixel is fetched from,
    relative to its own place.  trust: (S, S) in [0, 1], share of the copy.
    """
    flow, S = np.asarray(flow), len(reference)
    fig, axes = figure(10.5, 2.15, 1, 6)
    named = {"reference": reference, "how far pixels move": None, "the copy": fetched, "the drawing": drawn,
             "trust in the copy": None, "both together": out}
    for ax, (name, picture) in zip(axes, named.items()):
        ax.set_title(name, loc="center", fontsize=9)
        ax.set(xticks=[], yticks=[], xlim=(-.5, S - .5), ylim=(S - .5, -.5))
        ax.spines[:].set_visible(False)
        if picture is not None:
            ax.imshow(np.clip(picture, 0, 1))
    axes[4].imshow(trust, cmap="gray", vmin=0, vmax=1)
    axes[1].imshow(np.asarray(reference).mean(-1), cmap="gray", vmin=0, vmax=1, alpha=.45)
    step = max(1, S // 16)
    y, x = np.mgrid[step // 2:S:step, step // 2:S:step]
    dx, dy = flow[:, y, x]
    axes[1].quiver(x + dx, y + dy, -dx, -dy, angles="xy", scale_units="xy", scale=1, color=COLOURS[1], width=.009)
    return fig


def draw_wishes(face, wishes: dict):
    """Gradients of losses with respect to a face.  face: (S, S, 3) in [0, 1].  wishes: loss -> (S, S) size of its
    gradient; each is drawn relative to its own largest value."""
    fig, axes = figure(1.75 * (len(wishes) + 1) + .3, 2.15, 1, len(wishes) + 1)
    axes[0].imshow(np.clip(face, 0, 1))
    axes[0].set_title("drawn", loc="center", fontsize=9)
    for ax, (name, wish) in zip(axes[1:], wishes.items()):
        wish = np.asarray(wish, float)
        ax.imshow(np.asarray(face).mean(-1), cmap="gray", vmin=0, vmax=1)
        ax.imshow(wish, cmap="magma", vmin=0, vmax=max(wish.max(), 1e-12), alpha=.7)
        ax.set_title(name, loc="center", fontsize=9)
    for ax in axes:
        ax.axis("off")
    return fig


def draw_feelings(network, crop, mel, intensities: Sequence[float] = INTENSITIES):
    """A face dubbed with each emotion at each intensity, beside the original, and without emotion.

    crop: (S, S, 3) uint8.  mel: (80, 16).
    """
    from tfg.systems.emogen.network import feeling

    asked = [feeling("NEU"), *(feeling(e, i) for i in intensities for e in FELT)]
    faces = dub_crops(network, crop, mel, np.stack(asked))
    left = [crop, faces[0], *[None] * len(intensities)]
    rows = {f"{i:.2f}": [left[k], *faces[1 + k * len(FELT):][:len(FELT)]] for k, i in enumerate(intensities)}
    fig = draw_grid(rows, ["as filmed", *FELT])
    if len(intensities) > 1:
        fig.axes[len(FELT) + 1].set_title("neutral", loc="center", fontsize=9)
    return fig


def draw_duel(log: Sequence[dict], weights: dict):
    """A generator's losses and its critic's over the steps of a training.

    log: for each step, loss -> value; `real` and `fake` are the critic's and share a panel, the others have one each.
    weights: loss -> its weight, for the titles of those that have one.
    """
    steps, names = np.arange(1, len(log) + 1), [name for name in log[0] if name not in ("real", "fake")]
    panels = {name: (name,) for name in names} | {"critic: real and fake": ("real", "fake")}
    columns = -(-len(panels) // 2)
    fig, axes = figure(2.7 * columns, 4.2, 2, columns, squeeze=False, sharex=True)
    for ax, (title, lines) in zip(axes.flat, panels.items()):
        for k, name in enumerate(lines):
            value = np.array([step[name] for step in log])
            wide = max(1, len(value) // 12)                              # a window of steps, for the calm line
            calm = [value[max(0, i - wide):i + wide + 1].mean() for i in range(len(value))]
            ax.plot(steps, value, color=COLOURS[k], lw=.7, alpha=.4)
            ax.plot(steps, calm, color=COLOURS[k], label=name)
        if name in ("fools", "fake"):
            ax.axhline(np.log(2), color=COLOURS[7], ls="--", lw=1)
            ax.annotate("ln 2", (1, np.log(2)), xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=8,
                        color=COLOURS[7])
        if len(lines) > 1:
            ax.legend(loc="best")
        ax.set(title=f"{title}, weight {weights[title]:g}" if title in weights else title, ylim=(0, None))
    for ax in axes.flat[len(panels):]:
        ax.axis("off")
    for ax in axes[-1]:
        ax.set_xlabel("step")
    return fig


# ---- sliders --------------------------------------------------------------------------------------------------
def feel(network, crops, mels) -> None:
    """Sliders over `draw_feelings`: moment of the picture, moment of the sound, strongest intensity.

    crops: (N, S, S, 3) uint8.  mels: (M, 80, 16).
    """
    def draw(seen, heard, strongest):
        return draw_feelings(network, crops[seen], mels[heard], [k * strongest / 4 for k in (1, 2, 3, 4)])

    sliders(remembered(draw),
            seen=(0, len(crops) - 1, 1, len(crops) // 2), heard=(0, len(mels) - 1, 1, len(mels) // 2),
            strongest=(.2, 1.5, .1, 1.0))
