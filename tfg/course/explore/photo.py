"""Figures and sliders of a photo that is moved by a mesh, for notebooks/04_how_a_photo_moves."""
from __future__ import annotations

import numpy as np

from tfg.course.explore.widgets import sliders
from tfg.plot_style import COLOURS, figure

FAR = 2.0
"""Stretch at which a triangle is drawn in the strongest colour."""


def window_xy(portrait, expression=None, pose=None) -> np.ndarray:
    """Vertices of a portrait in px of what it draws: (N, 2).  expression: (52,), None as in the photo.  pose: (6,)."""
    xy, _ = portrait.vertices(portrait.rest_expression if expression is None else expression, pose)
    return xy - np.array(portrait.window[:2])


def mouth_box(portrait, xy=None, room: float = .35) -> tuple[int, int, int, int]:
    """Box (x, y, w, h) in px around the lips of a portrait's frame.  xy: (N, 2) of `window_xy`.  room: share of the
    mouth's width around it."""
    xy = window_xy(portrait) if xy is None else xy
    mouth = portrait.openings.parts["mouth"]
    points = xy[np.concatenate([mouth.upper, mouth.lower])]
    low, high = points.min(0), points.max(0)
    pad = room * (high - low)[0]
    x, y = np.floor(low - pad).astype(int)
    w, h = np.ceil(high - low + 2 * pad).astype(int)
    return int(x), int(y), int(w), int(h)


def _lines(ax, xy, triangles, width):
    from matplotlib.collections import LineCollection

    pairs = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), 1)
    ax.add_collection(LineCollection(xy[np.unique(pairs, axis=0)], colors="white", linewidths=width, alpha=.7))


def draw_mesh(portrait, picture=None, xy=None):
    """The mesh on a picture, whole, and near the mouth with the two edges of its opening.

    picture: (h, w, 3), None for the photo.  xy: (N, 2) px of its vertices there, None as in the photo.
    """
    picture = portrait.source if picture is None else picture
    xy = window_xy(portrait) if xy is None else xy
    box = mouth_box(portrait, xy)
    fig, (left, right) = figure(9, 4.4, 1, 2)
    for ax, width in ((left, .4), (right, .8)):
        ax.imshow(picture)
        _lines(ax, xy, portrait.triangles, width)
        ax.axis("off")
    h, w = picture.shape[:2]
    left.set(xlim=(-.5, w - .5), ylim=(h - .5, -.5))
    left.set_title(f"{len(portrait.triangles):,} triangles, {len(xy):,} corners")
    mouth = portrait.openings.parts["mouth"]
    for chain, colour, name in ((mouth.upper, COLOURS[4], "upper lip's edge"), (mouth.lower, COLOURS[1], "lower's")):
        right.plot(*xy[chain].T, color=colour, lw=5 if chain is mouth.upper else 1.8, label=name)
    x, y, bw, bh = box
    right.set(xlim=(x, x + bw), ylim=(y + bh, y))
    right.legend(loc="lower right", labelcolor="white", facecolor="#22262e", framealpha=.6, frameon=True)
    right.set_title("near the mouth")
    return fig


def draw_triangle(photo, rest, now, drawn):
    """One triangle in the photo, and where it goes to.

    photo: (h, w, 3).  rest, now: (3, 2) px of its corners.  drawn: (h, w, 3), the photo with the moved triangle on it.
    """
    fig, axes = figure(8, 4.0, 1, 2)
    for ax, picture, corners, title in zip(axes, (photo, drawn), (rest, now), ("in the photo", "moved")):
        ax.imshow(picture)
        ax.plot(*np.vstack([corners, corners[:1]]).T, color=COLOURS[1], lw=1.5)
        for k, (x, y) in enumerate(corners):
            ax.annotate("abc"[k], (x, y), color="white", fontsize=11, ha="center", va="center",
                        bbox=dict(boxstyle="circle,pad=.15", fc=COLOURS[0], ec="none"))
        ax.set_title(title, loc="center")
        ax.axis("off")
    return fig


def draw_arrows(portrait, fields: dict):
    """Arrows of the vertices on the photo, one picture for each field: title -> (N, 2) px, y down."""
    xy = window_xy(portrait)
    fig, axes = figure(4.0 * len(fields), 4.2, 1, len(fields), squeeze=False)
    h, w = portrait.source.shape[:2]
    for ax, (title, arrows) in zip(axes.flat, fields.items()):
        ax.imshow(portrait.source, alpha=.55)
        far = np.linalg.norm(arrows, axis=1)
        moved = far > .15
        ax.plot(*xy[~moved].T, ".", ms=1.5, color=COLOURS[7])
        ax.quiver(*xy[moved].T, *arrows[moved].T, angles="xy", scale_units="xy", scale=1, color=COLOURS[1], width=.003)
        ax.set(xlim=(-.5, w - .5), ylim=(h - .5, -.5))
        ax.set_title(f"{title}: {moved.sum():,} corners move", loc="center")
        ax.axis("off")
    return fig


def draw_close(pictures: dict, box):
    """The same box (x, y, w, h) of several pictures, enlarged so that pixels show.  pictures: title -> (h, w, 3)."""
    x, y, w, h = box
    rows = 2 if len(pictures) > 3 else 1
    columns = -(-len(pictures) // rows)
    fig, axes = figure(9, rows * (9 / columns * h / w + .35), rows, columns, squeeze=False)
    for ax, (title, picture) in zip(axes.flat, pictures.items()):
        ax.imshow(np.clip(picture, 0, 255).astype(np.uint8)[max(y, 0):y + h, max(x, 0):x + w], interpolation="nearest")
        ax.set_title(title, loc="center")
        ax.axis("off")
    return fig


def draw_stretch(portrait, poses: dict, measure):
    """Turned frames above, and below them the mesh, coloured by how far its triangles are stretched.

    poses: title -> (6,).  measure(rest (F, 3, 2), now (F, 3, 2)) -> (F,).
    """
    from matplotlib.collections import PolyCollection
    from matplotlib.colors import Normalize

    fig, axes = figure(2.4 * len(poses), 5.4, 2, len(poses), squeeze=False)
    rest = window_xy(portrait)[portrait.triangles]
    h, w = portrait.source.shape[:2]
    faces = None
    for (top, low), (title, pose) in zip(axes.T, poses.items()):
        xy, depth = portrait.vertices(portrait.rest_expression, np.asarray(pose, np.float32))
        now = (xy - np.array(portrait.window[:2]))[portrait.triangles]
        order = np.argsort(-depth[portrait.triangles].max(1), kind="stable")
        top.imshow(portrait.render(portrait.rest_expression, np.asarray(pose, np.float32)))
        top.set_title(title, loc="center")
        faces = PolyCollection(now[order], array=measure(rest, now)[order], norm=Normalize(1, FAR), cmap="magma",
                               edgecolors="face", linewidths=.3)
        low.add_collection(faces)
        low.set(xlim=(-.5, w - .5), ylim=(h - .5, -.5), aspect="equal")
        top.axis("off"), low.axis("off")
    fig.colorbar(faces, ax=axes[1].tolist(), label="stretch", shrink=.8, extend="max")
    return fig


def draw_turned_too_far(angles, shares: dict, folded):
    """Shares of stretched triangles, and numbers of folded ones, over the angle.

    angles: (K,) degrees.  shares: label -> (K,) in 0..1.  folded: (K,) numbers of triangles.
    """
    fig, (left, right) = figure(9, 2.8, 1, 2)
    for label, values in shares.items():
        left.plot(angles, 100 * np.asarray(values), ".-", label=label)
    left.set(xlabel="yaw [degrees]", title="stretched triangles of the head, %")
    left.legend()
    right.plot(angles, folded, ".-", color=COLOURS[3])
    right.set(xlabel="yaw [degrees]", title="triangles that fold over")
    return fig


def photo_moves(portrait) -> None:
    """Sliders: jaw, smile, yaw and pitch of a portrait, with its mesh beside it."""
    from tfg.course.explore.heads import coefficients

    def draw(jaw, smile, yaw, pitch):
        expression = portrait.rest_expression + coefficients(jawOpen=jaw, mouthSmile=smile)
        expression = np.clip(expression, 0, 1)
        pose = np.array([yaw, pitch, 0, 0, 0, 0], np.float32)
        frame, xy = portrait.render(expression, pose), window_xy(portrait, expression, pose)
        fig, (left, right) = figure(8, 4.1, 1, 2)
        h, w = frame.shape[:2]
        for ax in (left, right):
            ax.imshow(frame)
            ax.axis("off")
        _lines(right, xy, portrait.triangles, .4)
        right.set(xlim=(-.5, w - .5), ylim=(h - .5, -.5))
        return fig

    sliders(draw, jaw=(0.0, 1.0, .1, .4), smile=(0.0, 1.0, .1, .0), yaw=(-40, 40, 5, 0), pitch=(-30, 30, 5, 0))
