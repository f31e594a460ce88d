"""Figures and sliders of turning heads, for notebooks/14_rhythmic_heads."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tfg.course.explore.deformable import _arrow, _bare, _box
from tfg.course.explore.turning import Frames, Sitter, drawn_frames, face_area, lent, lip_gap, with_coefficients
from tfg.course.explore.widgets import remembered, sliders
from tfg.plot_style import COLOURS, GRID, INK, figure
from tfg.systems.rhythmic.sketch import LINES, RING

AXES = ("yaw", "pitch", "roll")
ORIGINS = ("the reference", "the render", "paint")
FARTHEST = 50
"""Most that the sliders turn a head, degrees."""


# ---- poses and landmarks --------------------------------------------------------------------------------------
def draw_turned(rows: dict):
    """Frames with their landmarks.  rows: name -> (pictures (n, S, S, 3), points (n, 68, 3) px)."""
    n = max(len(pictures) for pictures, _ in rows.values())
    fig, axes = figure(1.5 * n + .8, 1.55 * len(rows), len(rows), n, squeeze=False)
    for ax_row, (name, (pictures, points)) in zip(axes, rows.items()):
        for ax, picture, one in zip(ax_row, pictures, points):
            _bare(ax, picture)
            _face_lines(ax, one, "white", .9)
        ax_row[0].set_ylabel(name, rotation=0, ha="right", va="center", labelpad=6)
    return fig


def draw_poses(time, asked, found, mouth: dict):
    """Poses that were found against those that were asked for, and how a mouth disturbs them.

    time: (T,) s.  asked, found: (T, 6) degrees.  mouth: name -> (n,) pitch that was found while the jaw drops from 0 to
    1 and the head stands still.
    """
    fig, (left, right) = figure(9.6, 2.8, 1, 2, width_ratios=(2, 1))
    for k, name in enumerate(AXES):
        left.plot(time, np.asarray(asked)[:, k], color=COLOURS[k], label=f"{name}, as asked")
        left.plot(time, np.asarray(found)[:, k], "o", ms=3, color=COLOURS[k], label=f"{name}, found")
    left.set(xlabel="time [s]", ylabel="degrees", title="a head that turns")
    left.legend(ncols=3, loc="upper center", bbox_to_anchor=(.5, -.2))
    for k, (name, pitch) in enumerate(mouth.items()):
        right.plot(np.linspace(0, 1, len(pitch)), pitch, color=COLOURS[3 + k], marker="o", ms=3, label=name)
    right.axhline(0, color=COLOURS[7], ls="--", lw=1)
    right.set(xlabel="jaw", ylabel="pitch found [degrees]", title="a head that stands still and speaks")
    right.legend()
    return fig


def draw_canonical(points, faces):
    """Landmarks of a film laid over each other: as seen, (T, 68, 3) px, and without their pose, (T, 68, 3) cm."""
    fig, axes = figure(6.4, 3.5, 1, 2)
    for ax, many, title in zip(axes, (points, faces), ("as seen [px]", "without the pose [cm]")):
        for k, one in enumerate(many):
            _face_lines(ax, one, COLOURS[k % len(COLOURS)], .6)
        spread = np.asarray(many)[..., :2].std(0).mean()
        ax.set(title=f"{title}: spread {spread:.2f}", aspect="equal")
        ax.invert_yaxis()
    return fig


def draw_best_guess(poses, best: dict | None = None):
    """Several heads to one sound, thin, and their mean, the best guess of a squared error.

    poses: (n, T, 6).  best: more curves, name -> (T, 6).
    """
    poses = np.asarray(poses, float)
    time = (np.arange(poses.shape[1]) + .5) / 25
    fig, axes = figure(9, 2.6, 1, 2, sharex=True)
    for k, ax in enumerate(axes):
        ax.plot(time, poses[..., k].T, color=COLOURS[7], lw=.7, alpha=.7)
        ax.plot([], [], color=COLOURS[7], lw=.7, label=f"{len(poses)} heads, each moves by {_moves(poses)[k]:.1f}")
        for j, (name, curve) in enumerate(({"their mean": poses.mean(0)} | (best or {})).items()):
            ax.plot(time, curve[:, k], color=COLOURS[1 - j], lw=2, label=f"{name}, {_moves(curve)[k]:.1f}")
        ax.set(xlabel="time [s]", ylabel="degrees", title=AXES[k])
        ax.legend(loc="upper center", bbox_to_anchor=(.5, -.22))
    return fig


def draw_nods(level, stress, poses: dict):
    """Loudness of a voice with its stressed syllables, and head motion to it.

    level: (T,) dB.  stress: numbers of frames.  poses: name -> (T, 6).
    """
    time = (np.arange(len(level)) + .5) / 25
    fig, axes = figure(8.6, 4.2, 3, 1, sharex=True)
    axes[0].fill_between(time, level, -60, color=COLOURS[5], alpha=.4)
    axes[0].set(ylabel="loudness\n[dB]", ylim=(-60, 3))
    for k, ax in enumerate(axes[1:]):
        for j, (name, pose) in enumerate(poses.items()):
            ax.plot(time, pose[:, k], color=COLOURS[j], label=name)
        ax.set(ylabel=f"{AXES[k]}\n[degrees]")
    for ax in axes:
        for t in stress:
            ax.axvline(time[t], color=COLOURS[4], lw=1, ls="--")
    axes[1].legend(loc="upper left", bbox_to_anchor=(1, 1))
    axes[0].plot([], [], color=COLOURS[4], ls="--", lw=1, label="stressed")
    axes[0].legend(loc="upper left", bbox_to_anchor=(1, 1))
    axes[2].set_xlabel("time [s]")
    return fig


def draw_lips(faces: dict, at: Sequence[int]):
    """How far the lips are open, and faces at some moments.  faces: name -> (T, 68, 3) cm.  at: numbers of frames."""
    fig = figure(10, 3.4)[0]
    fig.clear()
    grid = fig.add_gridspec(2, len(at), height_ratios=(1.2, 1))
    top = fig.add_subplot(grid[0, :])
    first = lip_gap(next(iter(faces.values())))
    for j, (name, many) in enumerate(faces.items()):
        gap = lip_gap(many)
        r = np.corrcoef(gap, first)[0, 1] if gap.std() > 1e-6 and first.std() > 1e-6 else 0.0
        top.plot((np.arange(len(gap)) + .5) / 25, gap, color=COLOURS[j],
                 label=name if not j else f"{name}, r = {r:.2f}")
    for k, t in enumerate(at):
        top.axvline((t + .5) / 25, color=GRID, zorder=0)
        ax = fig.add_subplot(grid[1, k])
        for j, many in enumerate(faces.values()):
            _face_lines(ax, many[t], COLOURS[j], .9)
        ax.set(xticks=[], yticks=[], aspect="equal")
        ax.spines[:].set_visible(False)
        ax.invert_yaxis()
    top.set(xlabel="time [s]", ylabel="lips open [cm]")
    top.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return fig


def draw_swap(network, people: dict, who: str, face: str, pose: str, moment: int):
    """A person with the expression of one and the pose of another.

    people: name -> (Sitter, Played), two of them.  who, face, pose: names.  moment: number of the frame, in both films.
    """
    other = next(name for name in people if name != who)
    (a, film), (b, strange) = people[who], people[other]
    t = slice(moment, moment + 1)
    points = lent(a, b, film.points[t], strange.points[t], face=face != who, pose=pose != who)
    picture = drawn_frames(network, a, points).picture[0]
    fig, axes = figure(9.4, 2.6, 1, 4)
    for ax, shown, marks, title in zip(axes, (film.pictures[moment], strange.pictures[moment],
                                              np.full_like(film.pictures[0], 245), picture),
                                       (film.points[moment], strange.points[moment], points[0], None),
                                       (who, other, f"face: {face}, pose: {pose}", f"{who}, drawn")):
        _bare(ax, shown, title)
        if marks is not None:
            _face_lines(ax, marks, COLOURS[1], 1)
    return fig


# ---- the network ----------------------------------------------------------------------------------------------
def draw_generator(config):
    """The generator's parts as boxes, with the sides and channels of a `RhythmicConfig`."""
    c = config
    widths = [min(c.ngf * 2 ** k, c.most) for k in range(c.downs + 1)]
    blocks = [(c.size >> c.downs - k, w) for k, w in enumerate([*widths[-2::-1], widths[0]])]
    fig, ax = figure(10.5, 4.0)
    ax.set(xlim=(0, 10.5), ylim=(.2, 4.5))
    ax.axis("off")
    calm, green, bent, kept = "#cfdcec", "#d8e8dc", "#f0c9b8", "#f6e3b4"
    quarter, wide = f"{c.size // 4} px, {widths[2]}", 1.3
    person = (("K shots", f"{c.size} px, and sketches", GRID), ("two encoders", quarter, calm),
              ("cross fusion", quarter, calm), ("self-attention", "across shots" if c.atten else "off", kept),
              ("maps and keys", "of each shot", kept))
    for k, (name, about, colour) in enumerate(person):
        _box(ax, .8 + 1.75 * k, 4.1, name, about, colour, wide)
        if k:
            _arrow(ax, (.8 + 1.75 * (k - 1) + wide / 2, 4.1), (.8 + 1.75 * k - wide / 2, 4.1))
    ax.text(9.6, 4.1, "once for a person", va="center", ha="center", fontsize=7.5, color=INK)
    _box(ax, .8, 2.6, "landmarks", f"{c.size} px, 3", green, wide)
    _box(ax, 2.4, 2.6, "mix" if c.atten else "mean", "softmax over K" if c.atten else "over K", kept, wide)
    _arrow(ax, (.8 + wide / 2, 2.6), (2.4 - wide / 2, 2.6))
    _arrow(ax, (.8 + 7.0, 3.82), (2.4, 2.88), COLOURS[4])
    _box(ax, 3.85, 2.6, "halvings", f"{blocks[0][0]} px, {widths[-1]}", calm, 1.1)
    _arrow(ax, (2.4 + wide / 2, 2.6), (3.3, 2.6))
    step = 5.2 / len(blocks)
    at = [4.95 + step * k for k in range(len(blocks))]
    from tfg.systems.rhythmic.network import LAST

    for k, (x, (side, width)) in enumerate(zip(at, blocks)):
        _box(ax, x, 2.6, "SPADE", f"{side} px, {width}", bent if c.combine and k >= len(at) - LAST else green,
             step - .15)
        _arrow(ax, (4.4 if not k else at[k - 1] + (step - .15) / 2, 2.6), (x - (step - .15) / 2, 2.6))
    for j, (on, name, y) in enumerate(((c.warp_ref, "reference", 1.35), (c.warp_ani, "rendered head", .55))):
        if not on:
            continue
        _box(ax, 2.4, y, name, f"{c.size} px", GRID, wide)
        _box(ax, 4.1, y, "flow net", f"{c.size // c.flow_step} px", calm, wide)
        _box(ax, 5.8, y, "moved", f"with its mask {('m_ref', 'm_ani')[j]}", bent, wide)
        _arrow(ax, (2.4 + wide / 2, y), (4.1 - wide / 2, y))
        _arrow(ax, (4.1 + wide / 2, y), (5.8 - wide / 2, y))
        _arrow(ax, (5.8 + wide / 2, y), (9.0, .95), COLOURS[1])
        if c.combine:
            for x in at[-LAST:]:
                _arrow(ax, (5.8 + wide / 2, y), (x, 2.32), COLOURS[1])
    _box(ax, 9.65, .95, "the frame", "laid over each other", kept, wide)
    _arrow(ax, (at[-1], 2.32), (9.65, 1.23))
    ax.text(9.75, 1.75, "colour", fontsize=7.5, color=INK)
    return fig


def draw_over_shots(shots, share, targets, titles: Sequence[str], drawn=None, width: int | None = None):
    """How much each shot counts where, over the shot itself, and its mean.

    shots: (K, S, S, 3).  share: (n, K, h, w) in [0, 1].  targets: (n, S, S, 3), what is to be drawn.  drawn: the same,
    what was drawn, in a last column, or None.  width: number of shots that there is room for; None: K.
    """
    n, K = share.shape[:2]
    S, many = len(shots[0]), (width or K) + 1 + (drawn is not None)
    fig, axes = figure(1.45 * many + .7, 1.6 * n + .2, n, many, squeeze=False)
    for ax in axes.flat:
        ax.axis("off")
    for k, picture in enumerate(() if drawn is None else drawn):
        _bare(axes[k, -1], picture, "drawn" if not k else "")
    for ax_row, target, one, title, first in zip(axes, targets, share, titles, [True] + [False] * n):
        _bare(ax_row[0], target, "to be drawn" if first else "")
        ax_row[0].axis("on")
        ax_row[0].set_ylabel(title, rotation=0, ha="right", va="center", labelpad=6)
        for k, ax in enumerate(ax_row[1:K + 1]):
            _bare(ax, np.asarray(shots[k], float).mean(-1) / (255 if np.max(shots) > 1 else 1))
            ax.imshow(one[k], extent=(-.5, S - .5, S - .5, -.5), vmin=0, vmax=1, alpha=.6, interpolation="bilinear")
            ax.set_title(f"{one[k].mean():.0%}", loc="center", fontsize=8.5)
    return fig


def draw_shots(network, who: Sitter, shots: int, yaw: int):
    """A turned head drawn from the first so many shots of a person, and how much each counts where."""
    pose = np.array([[yaw, 0, 0, 0, 0, 0]], float)
    true, points = who.true(pose[0])
    out = drawn_frames(network, who.only(range(shots)), points[None])
    away = 255 * np.abs(out.picture[0] - true / 255).mean()
    fig = draw_over_shots(who.shots[:shots], out.share, true[None], [f"yaw {yaw}"], out.picture, len(who.shots))
    fig.set_size_inches(fig.get_size_inches() + [0, .3])
    fig.suptitle(f"error {away:.2f} grey values; copied from shot {out.ref[0] + 1}", fontsize=9)
    return fig


def origins(frames: Frames, area: np.ndarray | None = None) -> np.ndarray:
    """(n, 3): shares of the reference, the render and the paint, means over the picture or an area (n, S, S)."""
    parts = np.stack([frames.from_ref, frames.from_ani, frames.from_paint], 1)              # (n, 3, S, S)
    weight = np.ones_like(parts[:, 0]) if area is None else np.asarray(area, float)
    return (parts * weight[:, None]).sum((2, 3)) / weight.sum((1, 2))[:, None]


def painted_origins(frames: Frames) -> np.ndarray:
    """(n, S, S, 3): each place in the colour of where it comes from, as light as the drawn picture is."""
    from matplotlib.colors import to_rgb

    colours = np.array([to_rgb(COLOURS[k]) for k in range(3)])
    parts = np.stack([frames.from_ref, frames.from_ani, frames.from_paint], -1)
    light = .35 + .65 * frames.picture.mean(-1, keepdims=True)
    return np.clip(parts @ colours * light * 1.3, 0, 1)


def draw_origins(turns, shares, errors: dict | None = None):
    """Where a face comes from at each turn of the head, and how wrong it is.

    turns: (n,) degrees.  shares: (n, 3).  errors: name -> (n,) grey values, or None.
    """
    fig, axes = figure(9.4, 2.7, 1, 2 if errors else 1, squeeze=False)
    axes[0, 0].stackplot(turns, np.asarray(shares).T, colors=COLOURS[:3], labels=ORIGINS, alpha=.85)
    axes[0, 0].set(xlabel="yaw [degrees]", ylabel="share of the face", ylim=(0, 1), xlim=(min(turns), max(turns)))
    axes[0, 0].legend(loc="upper center", ncols=3, bbox_to_anchor=(.5, -.2))
    for k, (name, values) in enumerate((errors or {}).items()):
        axes[0, 1].plot(turns, values, color=COLOURS[k], marker="o", ms=3, label=name)
    if errors:
        axes[0, 1].set(xlabel="yaw [degrees]", ylabel="error [grey values]")
        axes[0, 1].set_ylim(bottom=0)
        axes[0, 1].legend(loc="upper left", bbox_to_anchor=(1, 1))
    return fig


def draw_turn(network, who: Sitter, yaw: int, pitch: int, jaw: float = 0.0):
    """A turned head, and what of it comes from the reference, from the render, and from paint.

    jaw: how far it drops, 0 to 1.
    """
    pose = np.array([[yaw, pitch, 0, 0, 0, 0]], float)
    asked = with_coefficients(jawOpen=jaw)
    if who.actor is not None:
        true, points = who.true(pose[0], asked)
    else:
        true, points = None, who.at(_dropped(who.rest, jaw), pose)[0]
    out = drawn_frames(network, who, points[None])
    pictures = {"reference": out.reference[0], "render": out.render[0], "paint": out.colour[0],
                "where from": painted_origins(out)[0], "drawn": out.picture[0]}
    pictures |= {} if true is None else {"true": true}
    fig = figure(1.65 * len(pictures) + 2.2, 2.0)[0]
    fig.clear()
    grid = fig.add_gridspec(1, len(pictures) + 1, width_ratios=[*[1] * len(pictures), .9])
    for k, (name, picture) in enumerate(pictures.items()):
        _bare(fig.add_subplot(grid[0, k]), picture, name)
    ax = fig.add_subplot(grid[0, -1])
    shares = origins(out, face_area(points[None], len(who.shots[0])))[0]
    ax.bar_label(ax.barh(ORIGINS, shares, color=COLOURS[:3], height=.6), [f"{v:.0%}" for v in shares], padding=2)
    ax.set(xlim=(0, 1.25), xticks=[], title="of the face")
    ax.invert_yaxis()
    return fig


def _dropped(face: np.ndarray, jaw: float) -> np.ndarray:
    """A canonical face (68, 3) cm whose jaw drops, 0 to 1, as the mean head's does."""
    from tfg.actors.actor import landmarks68
    from tfg.head.model import Head
    from tfg.systems.rhythmic.pose import CM, FLIP, template

    head = Head.load()
    moved = np.einsum("k,kpc->pc", with_coefficients(jawOpen=jaw), head.at_landmarks(head.expression))
    return face + landmarks68((moved + head.landmark_points()) @ FLIP * CM) - template()


def _moves(poses: np.ndarray) -> np.ndarray:
    """Standard deviation over time of poses (..., T, 6), mean over takes: (6,)."""
    return poses.std(-2).reshape(-1, 6).mean(0)


def _face_lines(ax, points, colour: str, width: float) -> None:
    for plane in LINES:
        for which, how in plane:
            part = [*which, which[0]] if how >= RING else list(which)
            ax.plot(points[part, 0], points[part, 1], color=colour, lw=width)


# ---- sliders --------------------------------------------------------------------------------------------------
def swap(network, people: dict) -> None:
    """Menus of whose looks, face and pose `draw_swap` shows, and a slider over the moment.

    people: name -> (Sitter, Played), two of them.
    """
    last = min(len(film.points) for _, film in people.values()) - 1
    names = list(people)
    sliders(remembered(lambda who, face, pose, moment: draw_swap(network, people, who, face, pose, moment)),
            who=names, face=names, pose=names[::-1], moment=(0, last, 1, last // 2))


def shots(network, who: Sitter) -> None:
    """Sliders over the number of shots and the turn of `draw_shots`."""
    many = len(who.shots)
    sliders(remembered(lambda shots, yaw: draw_shots(network, who, shots, yaw)), shots=(1, many, 1, many),
            yaw=(-40, 40, 5, -20))


def turn(network, people: dict) -> None:
    """Sliders over yaw, pitch and jaw of `draw_turn`, and a menu of people.  people: name -> Sitter."""
    sliders(remembered(lambda who, yaw, pitch, jaw: draw_turn(network, people[who], yaw, pitch, jaw)), who=list(people),
            yaw=(-FARTHEST, FARTHEST, 5, 30), pitch=(-15, 15, 3, 0), jaw=(.0, .8, .1, .0))
