"""Figures and sliders of the steps from raw video to training windows, for notebooks/06_from_raw_video_to_windows."""
from __future__ import annotations

from pathlib import Path

import numpy as np

from tfg import vocabulary
from tfg.course.explore.widgets import sliders
from tfg.plot_style import COLOURS, EMOTION_COLOURS, figure


def film(take, identity, path, *, fps: float = 30.0, size: int = 300, hidden: tuple = ()) -> Path:
    """Film a take as with a hand-held phone: another frame rate, from farther away, shaking, not square. Writes an mp4
    with sound; returns its path.

    take: `tfg.actors.take.Performance`.  identity: `tfg.actors.identity.Identity` of its actor.  size: px; the
    picture is 0.92 x 0.84 of it.  hidden: start and stop in seconds of a stretch in which something covers the face.
    """
    from dataclasses import replace

    from tfg.actors.virtual import VirtualActor
    from tfg.media.video import write_video

    actor = VirtualActor(replace(identity, camera=replace(identity.camera, head=.3)), size=size)
    seconds = len(take.motion) / take.motion.fps
    at = (np.arange(round(seconds * fps)) + .5) / fps                          # the middle of each picture's time
    known = (np.arange(len(take.motion)) + .5) / take.motion.fps
    does, pose = (np.stack([np.interp(at, known, c) for c in x.T], 1) for x in
                  (actor.personal(take.motion.expression), take.motion.pose))
    h, w = 2 * round(.42 * size), 2 * round(.46 * size)
    x0 = (size - w) / 2 * (1 + .6 * np.sin(2 * np.pi * at / 2.3))
    y0 = (size - h) / 2 * (1 + .6 * np.sin(2 * np.pi * at / 1.7 + 1))
    frames = []
    for k, t in enumerate(at):
        picture = actor.render(does[k], pose[k])
        if hidden and hidden[0] <= t < hidden[1]:
            picture = _covered(picture, actor.landmarks(does[k], pose[k])[:, :2])
        x, y = round(x0[k]), round(y0[k])
        frames.append(np.ascontiguousarray(picture[y:y + h, x:x + w]))
    write_video(Path(path), frames, take.audio, fps=fps)
    return Path(path)


def _covered(picture, points):
    """The picture with a sheet of paper before the face, as light as the face, so that it is not taken for a cut.
    points: (478, 2) px."""
    import cv2

    low, high = (points.min(0) - (5, 15)).round().astype(int), (points.max(0) + (5, 3)).round().astype(int)
    light = int(picture[low[1]:high[1], low[0]:high[0]].mean())
    return cv2.rectangle(picture.copy(), low.tolist(), high.tolist(), (light, light, light), -1)


def draw_clocks(source_fps: float, chosen, n: int = 12):
    """Source frames on their clock above the output frames (25 per second) that show them.

    source_fps: frames/s.  chosen: (T,) source frame per output frame.  n: output frames to draw.
    """
    chosen = np.asarray(chosen)[:n]
    fig, ax = figure(9.5, 1.9)
    last = int(max(chosen.max(), np.ceil(len(chosen) / 25 * source_fps) - 1))
    for k in range(last + 1):
        used = k in chosen
        ax.broken_barh([(1000 * k / source_fps, 1000 / source_fps)], (1.1, .7), lw=.8, edgecolor="white",
                       facecolor=COLOURS[0] if used else COLOURS[7], alpha=.85 if used else .35)
        ax.text(1000 * (k + .5) / source_fps, 1.45, str(k), ha="center", va="center", fontsize=7.5, color="white")
    for i, k in enumerate(chosen):
        ax.broken_barh([(40 * i, 40)], (0, .7), facecolor=COLOURS[1], alpha=.85, edgecolor="white", lw=.8)
        ax.text(40 * i + 20, .35, str(i), ha="center", va="center", fontsize=7.5, color="white")
        ax.plot([40 * i + 20, np.clip(40 * i + 18, 1000 * k / source_fps, 1000 * (k + 1) / source_fps)], [.7, 1.1],
                color=COLOURS[1], lw=1)
    ax.set(yticks=[.35, 1.45], yticklabels=["25 a second", f"{source_fps:g} a second"], xlabel="time [ms]",
           xlim=(0, 40 * len(chosen)))
    ax.spines["left"].set_visible(False)
    return fig


def draw_boxes(picture, boxes, calm, at: int = 0):
    """Squares around a face: measured in each frame by itself, and steadied over time.

    picture: (H, W, 3), frame `at`.  boxes, calm: (T, 4) x0, y0, x1, y1 px, measured and steadied.
    """
    fig, (left, right) = figure(9.5, 3.0, 1, 2, width_ratios=(1, 1.7))
    left.imshow(picture)
    for label, b, colour in (("each frame by itself", boxes, COLOURS[1]), ("calm", calm, COLOURS[4])):
        x0, y0, x1, y1 = b[at]
        left.plot([x0, x1, x1, x0, x0], [y0, y0, y1, y1, y0], color=colour, lw=1.6)
        right.plot(np.arange(len(b)) / 25, (b[:, 1] + b[:, 3]) / 2, color=colour, label=f"{label}: middle")
        right.plot(np.arange(len(b)) / 25, b[:, 3] - b[:, 1], color=colour, ls=":", label=f"{label}: side")
    left.axis("off")
    left.set_title(f"frame {at}", loc="center")
    right.set(xlabel="time [s]", ylabel="px")
    right.legend(ncols=2, loc="lower right", bbox_to_anchor=(1, 1))
    return fig


def draw_crop(picture, points, matrix, crop):
    """A frame with the square that is cut out, and the crop, with the same landmarks on both.

    points: (N, 2 or 3) px of the picture.  matrix: (2, 3), picture to crop.  crop: (n, n, 3).
    """
    from tfg.faces.align import invert, transform

    n = len(crop)
    square = transform(np.array([[0, 0], [n, 0], [n, n], [0, n], [0, 0]]) - .5, invert(matrix))
    fig, (left, right) = figure(7.5, 3.6, 1, 2)
    left.imshow(picture)
    left.plot(*square.T, color=COLOURS[4])
    left.plot(*np.asarray(points)[:, :2].T, ".", ms=1.2, color=COLOURS[1])
    left.set(xlim=(-.5, picture.shape[1] - .5), ylim=(picture.shape[0] - .5, -.5))
    left.set_title(f"{picture.shape[1]} x {picture.shape[0]}", loc="center")
    right.imshow(crop)
    right.plot(*transform(points, matrix)[:, :2].T, ".", ms=1.2, color=COLOURS[1])
    right.set(xlim=(-.5, n - .5), ylim=(n - .5, -.5))
    right.set_title(f"{n} x {n}", loc="center")
    left.axis("off"), right.axis("off")
    return fig


def draw_sizes(sizes: dict, title: str = ""):
    """Sizes as bars.  sizes: name -> bytes."""
    fig, ax = figure(8.5, .27 * len(sizes) + .9)
    names, values = list(sizes), np.array(list(sizes.values()), float)
    ax.barh(range(len(names)), values / 1e6, color=COLOURS[0], height=.65)
    for k, v in enumerate(values):
        ax.text(v / 1e6, k, f"  {v / 1e6:.2f} MB" if v >= 1e4 else f"  {v / 1e3:.2f} kB", va="center", fontsize=8)
    ax.set(yticks=range(len(names)), yticklabels=names, xlabel="MB", title=title,
           xlim=(0, 1.18 * max(values.max() / 1e6, 1e-6)))
    ax.invert_yaxis()
    return fig


def draw_window(frames, mel, reference=None, negative=None, title: str = ""):
    """A training window: frames above their sound, a reference frame, and the sound of another moment.

    frames: (T, n, n, 3) uint8.  mel, negative: (80, W), right and wrong sound.  reference: (n, n, 3).
    """
    pictures = [(f"frame {k}", f) for k, f in enumerate(frames)]
    pictures += [] if reference is None else [("reference", reference)]
    sounds = [("the sound that belongs to them", mel)]
    sounds += [] if negative is None else [("a sound that does not (negative)", negative)]
    n = len(pictures) * len(sounds)
    fig, first = figure(9.5, 3.6)
    first.remove()
    grid = fig.add_gridspec(2, n)
    for k, (name, picture) in enumerate(pictures):
        ax = fig.add_subplot(grid[0, k * len(sounds):(k + 1) * len(sounds)])
        ax.imshow(picture)
        ax.axis("off")
        ax.set_title(name, loc="center", fontsize=8)
    for k, (name, values) in enumerate(sounds):
        ax = fig.add_subplot(grid[1, k * len(pictures):(k + 1) * len(pictures)])
        ax.imshow(values, origin="lower", aspect="auto", vmin=-4, vmax=4, interpolation="nearest")
        ax.set(xlabel="mel column", yticks=[])
        ax.set_title(name, fontsize=9)
    if title:
        fig.suptitle(title, fontsize=10)
    return fig


def draw_starts(n_frames: int, first: int, T: int, starts):
    """A clip as a row of frames: the window at `first`, and the starts of possible negatives.  starts: (n,) frames."""
    fig, ax = figure(9.5, 1.3)
    for frames, colour in ((range(n_frames), "#dcd9d0"), (starts, COLOURS[2]), (range(first, first + T), COLOURS[1])):
        ax.bar(np.asarray(list(frames), float) + .5, 1, width=1, color=colour, edgecolor="white", lw=.6)
    ax.set(xlim=(0, n_frames), ylim=(0, 1), yticks=[],
           xlabel="frame (orange: the window; green: a negative may begin here)")
    ax.spines["left"].set_visible(False)
    return fig


def draw_scores(scores: dict, chance: float | None = None, label: str = "share that is right"):
    """Share of right answers, one bar per way of splitting.  scores: name -> share, or name -> list of shares (drawn as
    mean and dots)."""
    fig, ax = figure(7.5, .5 * len(scores) + .9)
    for k, values in enumerate(scores.values()):
        values = np.atleast_1d(values)
        ax.barh(k, values.mean(), color=COLOURS[k % len(COLOURS)], height=.6)
        ax.plot(values, np.full(len(values), k), "o", ms=3, color="black", alpha=.5)
        ax.text(.02, k, f"{100 * values.mean():.0f} %", va="center", color="white", fontsize=10)
    if chance is not None:
        ax.axvline(chance, color=COLOURS[7], ls="--", lw=1)
        ax.text(chance, -.6, " chance", fontsize=8, va="bottom")
    ax.set(yticks=range(len(scores)), yticklabels=list(scores), xlim=(0, 1), xlabel=label)
    ax.invert_yaxis()
    return fig


def draw_ranges(expression, groups, names=("jawOpen", "mouthSmile", "browInnerUp", "browDown", "eyeBlink")):
    """Distributions of coefficients by group (an emotion, an actor, a corpus): median and the middle 80 %.

    expression: (N, 52), NaN allowed.  groups: N labels.
    """
    labels = [g for g in (*vocabulary.EMOTIONS, *sorted(set(groups) - set(vocabulary.EMOTIONS))) if g in set(groups)]
    groups = np.asarray(groups)
    fig, ax = figure(9.5, 2.6)
    for k, label in enumerate(labels):
        values = [np.nan_to_num(expression[groups == label][:, vocabulary.index(n)].mean(1)) for n in names]
        low, middle, high = np.array([np.percentile(v, (10, 50, 90)) for v in values]).T
        x = np.arange(len(names)) + (k - (len(labels) - 1) / 2) * .8 / len(labels)
        ax.errorbar(x, middle, (middle - low, high - middle), fmt="o", ms=4, lw=2,
                    color=EMOTION_COLOURS.get(label, COLOURS[k % len(COLOURS)]), label=label)
    ax.set(xticks=range(len(names)), xticklabels=names, ylabel="median, middle 80 %")
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return fig


def source_frames(n_source: int, source_fps: float) -> np.ndarray:
    """Source frame on screen in the middle of each 1/25 s, (T,) int, as `tfg.media.video` chooses them."""
    from tfg.media.video import schedule

    return schedule(np.arange(n_source) / source_fps, 1 / source_fps, 25.0)


def clocks() -> None:
    """A slider over the source's frame rate."""
    sliders(lambda source_fps: draw_clocks(source_fps, source_frames(source_fps, source_fps)),
            source_fps=(10, 60, 1, 50))


def window_parts(item: dict) -> dict:
    """Arguments of `draw_window`, by name, from one item of `tfg.corpora.windows.Windows`."""
    parts = {"frames": np.moveaxis(item["frames"], 1, -1), "mel": item["mel"]}
    if "reference" in item:
        parts["reference"] = np.moveaxis(item["reference"][len(item["reference"]) // 2], 0, -1)
    if "sync_mel" in item and not item["label"]:
        parts["negative"] = item["sync_mel"]
    return parts


def windows(windows) -> None:
    """A slider over the windows and one over the epochs of a `tfg.corpora.windows.Windows`."""
    sliders(lambda index, epoch: draw_window(**window_parts(windows.at(epoch, index))),
            index=(0, len(windows) - 1, 1, 0), epoch=(0, 9, 1, 0))
