"""Figures and sliders of notebooks/00_start_here."""
from __future__ import annotations

import numpy as np

from tfg import vocabulary
from tfg.course.explore.widgets import remembered, sliders
from tfg.plot_style import COLOURS, figure


def draw_sheet(pictures: dict, columns: int = 3):
    """Pictures on a contact sheet.  pictures: title -> (H, W, 3) uint8; emotion codes become words."""
    rows = -(-len(pictures) // columns)
    fig, axes = figure(2.7 * columns, 2.95 * rows, rows, columns, squeeze=False)
    for ax in axes.flat:
        ax.axis("off")
    for ax, (title, picture) in zip(axes.flat, pictures.items()):
        ax.imshow(picture)
        ax.set_title(vocabulary.EMOTION_NAMES.get(title, title), loc="center")
    return fig


def draw_strip(frames, numbers, fps: float = 25.0):
    """Some frames of a clip side by side with their times.  frames: sequence of (H, W, 3); numbers: which ones."""
    pictures = {f"frame {i}, {i / fps:.2f} s": frames[int(i)] for i in numbers}
    return draw_sheet(pictures, columns=len(pictures))


def draw_motion(motion, names=("jawOpen", "mouthClose", "mouthSmileLeft", "eyeBlinkLeft"), at: int | None = None):
    """The motion of a clip: some coefficients, and the head's angles in degrees.

    motion: a Motion.  names: coefficients.  at: a frame to mark.
    """
    t = np.arange(len(motion)) / motion.fps
    fig, (top, bottom) = figure(9, 4.0, 2, 1, sharex=True)
    for name in names:
        top.plot(t, motion.curve(name), label=name)
    low, high = top.get_ylim()
    top.set(title="expression", ylim=(min(low, -.05), max(high, 1.05)))
    if high > 1.05:                                       # a motion may pass 1; what is drawn is cut there
        top.axhline(1, color=COLOURS[7], ls="--", lw=1)
    top.legend(ncols=4, loc="lower right", bbox_to_anchor=(1, 1))
    for k in range(3):
        bottom.plot(t, motion.pose[:, k], label=vocabulary.POSE[k])
    bottom.set(title="head, degrees", xlabel="time [s]")
    bottom.legend(ncols=3, loc="lower right", bbox_to_anchor=(1, 1))
    if at is not None:
        for ax in (top, bottom):
            ax.axvline(at / motion.fps, color=COLOURS[7], lw=1)
    return fig


def emotion_face(portrait, actions) -> None:
    """A still portrait under an emotion and its strength.

    portrait: has render(expression (52,), pose (6,)).  actions(emotion, intensity) -> (52,).
    """
    def draw(emotion, intensity, yaw):
        pose = np.zeros(6, np.float32)
        pose[0] = yaw
        return draw_sheet({f"{vocabulary.EMOTION_NAMES[emotion]}, {intensity:.2f}":
                           portrait.render(actions(emotion, intensity), pose)}, columns=1)

    sliders(draw, emotion={vocabulary.EMOTION_NAMES[e]: e for e in vocabulary.EMOTIONS},
            intensity=(0.0, 1.0, 0.05, 0.8), yaw=(-15, 15, 5, 0))


def speak(animate) -> None:
    """Menu of emotions and slider of strength over the animated clip.  animate(emotion, intensity) -> Clip."""
    from tfg.media.show import show

    sliders(remembered(lambda emotion, intensity: show(animate(emotion, intensity), width=256)),
            emotion={vocabulary.EMOTION_NAMES[e]: e for e in vocabulary.EMOTIONS}, intensity=(0.0, 1.0, 0.25, 1.0))
