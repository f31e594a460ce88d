"""Figures of faces and their landmarks, for notebooks/02_faces."""
from __future__ import annotations

import numpy as np

from tfg.course.explore.widgets import sliders
from tfg.plot_style import COLOURS, figure

GROUPS_478 = {
    "all 478": range(478),
    "lips": (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146,
             78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95),
    "eyes": (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7,
             263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249),
    "irises": range(468, 478),
    "brows": (70, 63, 105, 66, 107, 46, 53, 52, 65, 55, 336, 296, 334, 293, 300, 276, 283, 282, 295, 285),
    "outline": (10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148,
                176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
}
"""MediaPipe's landmark numbers by region."""
_CHAINS_68 = (range(0, 17), range(17, 22), range(22, 27), range(27, 31), range(31, 36), (*range(36, 42), 36),
              (*range(42, 48), 42), (*range(48, 60), 48), (*range(60, 68), 60))


def _zoom(ax, image, points, margin=0.2):
    ax.imshow(image)
    lo, hi = points[:, :2].min(0), points[:, :2].max(0)
    room = margin * (hi - lo).max()
    ax.set(xlim=(lo[0] - room, hi[0] + room), ylim=(hi[1] + room, lo[1] - room))
    ax.axis("off")


def draw_points(image, points, group: str = "all 478", numbers: bool = False, yaw: float = 90.0):
    """Landmarks on the picture and, beside it, the same points seen from another side.

    image: (H, W, 3).  points: (478, 3) px.  group: a key of GROUPS_478.  yaw: degrees, 0 from the front.
    """
    chosen = np.array(list(GROUPS_478[group]))
    fig, (left, right) = figure(8, 4.2, 1, 2)
    _zoom(left, image, points[chosen] if group != "all 478" else points, 0.35 if group != "all 478" else 0.15)
    left.scatter(*points[chosen, :2].T, s=6 if len(chosen) > 100 else 16, color=COLOURS[1], edgecolors="white", lw=0.4)
    if numbers and len(chosen) < 100:
        for i in chosen:
            left.annotate(str(i), points[i, :2], (2, 2), textcoords="offset points", fontsize=6, color="white")
    left.set_title(f"{group}, {len(chosen)} points")
    a = np.radians(yaw)
    centred = points - points.mean(0)
    side = centred[:, 0] * np.cos(a) - centred[:, 2] * np.sin(a)
    near = centred[:, 2] * np.cos(a) + centred[:, 0] * np.sin(a)
    order = np.argsort(-near)
    right.scatter(side[order], -centred[order, 1], c=near[order], s=6, cmap="viridis_r", edgecolors="none")
    right.scatter(side[chosen], -centred[chosen, 1], s=8, color=COLOURS[1], edgecolors="none",
                  alpha=0 if len(chosen) > 100 else 1)
    right.set(aspect="equal", xticks=[], yticks=[], title=f"the same points turned by {yaw:.0f} degrees")
    return fig


def draw_68(image, points68, title: str = ""):
    """The classic 68 points, joined as they are numbered.  points68: (68, 2) px."""
    return draw_backends(image, {title: points68})


def draw_backends(image, found: dict):
    """68 points by several methods side by side.  found: title -> (68, 2) px."""
    fig, axes = figure(min(4.2 * len(found), 9), 4.2, 1, len(found), squeeze=False)
    for ax, (title, points) in zip(axes.flat, found.items()):
        _zoom(ax, image, points, 0.25)
        for chain in _CHAINS_68:
            ax.plot(*points[list(chain)].T, color="white", lw=1, alpha=0.8)
        ax.scatter(*points.T, s=10, color=COLOURS[1], zorder=3)
        for i in (0, 8, 16, 17, 26, 30, 36, 45, 48, 54):
            ax.annotate(str(i), points[i], (3, 3), textcoords="offset points", fontsize=7, color="white")
        ax.set_title(title)
    return fig


def draw_faces(pictures: dict):
    """Pictures in a row.  pictures: title -> (H, W, 3) uint8."""
    fig, axes = figure(min(3.0 * len(pictures), 10), 3.3, 1, len(pictures), squeeze=False)
    for ax, (title, picture) in zip(axes.flat, pictures.items()):
        ax.imshow(picture)
        ax.set_title(title, loc="center")
        ax.axis("off")
    return fig


def draw_alignment(image, points, fit_similarity, angle_deg: float = 25.0, scale: float = 0.7, size: int = 200):
    """A photo that was turned and scaled, and the crop that alignment makes of it.

    points: (478, 2 or 3) px.  fit_similarity(a (N, 2), b (N, 2)) -> (2, 3) matrix that takes a to b.
    """
    import cv2

    h, w = image.shape[:2]
    turn = cv2.getRotationMatrix2D((w / 2, h / 2), -angle_deg, scale)
    turned = cv2.warpAffine(image, turn, (w, h), borderValue=(128, 128, 128))
    moved = points[:, :2] @ turn[:, :2].T + turn[:, 2]
    anchors = [33, 263, 1, 61, 291]
    frame = size * np.array([[.30, .36], [.70, .36], [.50, .56], [.37, .73], [.63, .73]])
    matrix = fit_similarity(moved[anchors], frame)
    crop = cv2.warpAffine(turned, np.asarray(matrix, float), (size, size), borderValue=(128, 128, 128))
    corners = (np.array([[0, 0], [size, 0], [size, size], [0, size], [0, 0]]) - matrix[:, 2]) @ np.linalg.inv(
        matrix[:, :2]).T
    fig, (left, right) = figure(7.2, 3.6, 1, 2)
    left.imshow(turned)
    left.plot(*corners.T, color=COLOURS[4])
    left.plot(*moved[anchors].T, "o", ms=4, color=COLOURS[1])
    left.set(xlim=(0, w), ylim=(h, 0))
    left.set_title(f"turned by {angle_deg:.0f} degrees, scaled by {scale:.2f}")
    right.imshow(crop)
    right.plot(*frame.T, "o", ms=4, color=COLOURS[1])
    right.set_title("aligned")
    left.axis("off"), right.axis("off")
    return fig


def draw_jitter(tracks, eye_px: float, labels=("x", "y")):
    """Reported places of a landmark in frames of a still face.  tracks: (T, 2) px.  eye_px: outer-eye distance, px."""
    away = (tracks - tracks.mean(0)) / eye_px * 100
    fig, (left, right) = figure(8, 2.5, 1, 2, width_ratios=(2, 1))
    for column, label in zip(away.T, labels):
        left.plot(column, label=label, lw=1)
    left.set(xlabel="frame", ylabel="% of eye distance", title="a face that stands still")
    left.legend()
    right.plot(*away.T, ".", ms=3)
    reach = max(1.0, np.abs(away).max() * 1.2)
    right.set(aspect="equal", xlim=(-reach, reach), ylim=(reach, -reach), title="the same points")
    return fig


def draw_smoothing(truth, raw, smooth: dict):
    """A measured curve, the truth, and smoothed versions.

    truth: (T,) or None.  raw: (T,).  smooth: label -> (T,).
    """
    def named(label, values):
        return label if truth is None else f"{label} (error {np.sqrt(np.mean((values - truth) ** 2)):.3f})"

    t = np.arange(len(raw)) / 25
    fig, ax = figure(9, 2.7)
    ax.plot(t, raw, color=COLOURS[7], lw=0.8, label=named("measured", raw))
    if truth is not None:
        ax.plot(t, truth, color="black", lw=1, ls="--", label="truth")
    for k, (label, values) in enumerate(smooth.items()):
        ax.plot(t, values, color=COLOURS[k], label=named(label, values))
    ax.set(xlabel="time [s]", ylabel="mouth opening")
    ax.legend(ncols=1, loc="upper left", bbox_to_anchor=(1, 1))
    return fig


def draw_pairs(asked, measured, asked_label: str = "asked", measured_label: str = "measured"):
    """Measured against asked, with Pearson's r.  asked, measured: (T,)."""
    fig, ax = figure(4.2, 3.2)
    ax.plot(asked, measured, "o-", ms=4)
    r = np.corrcoef(asked, measured)[0, 1]
    ax.set(xlabel=asked_label, ylabel=measured_label, title=f"r = {r:.2f}")
    return fig


def points(image, points) -> None:
    """Controls over `draw_points`: the region, its numbers, and the direction of view."""
    sliders(lambda **v: draw_points(image, points, **v), group=list(GROUPS_478), numbers=False,
            yaw=(-90.0, 90.0, 5.0, 90.0))


def alignment(image, points, fit_similarity) -> None:
    """Sliders over `draw_alignment`."""
    sliders(lambda **v: draw_alignment(image, points, fit_similarity, **v), angle_deg=(-90.0, 90.0, 5.0, 25.0),
            scale=(0.1, 1.2, 0.05, 0.7))


def smoothing(truth, raw, moving_average, one_euro) -> None:
    """Sliders over two filters.  moving_average(x, window), one_euro(x, fps, min_cutoff, beta): (T,) -> (T,)."""
    def draw(window, min_cutoff, beta):
        return draw_smoothing(truth, raw, {f"average of {window}": moving_average(raw, window),
                                           f"One-Euro {min_cutoff:.1f} Hz, {beta:.1f}":
                                           one_euro(raw, 25, min_cutoff, beta)})

    sliders(draw, window=(1, 15, 2, 5), min_cutoff=(0.2, 6.0, 0.2, 1.0), beta=(0.0, 40.0, 1.0, 8.0))
