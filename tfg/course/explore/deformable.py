"""Figures and sliders of kernels that look elsewhere, for notebooks/13_deformable_synthesis."""
from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tfg.course.explore.speaking import drawn_film, told_of
from tfg.course.explore.widgets import remembered, sliders
from tfg.plot_style import COLOURS, EMOTION_COLOURS, GRID, INK, PAPER, figure
from tfg.vocabulary import EMOTION_NAMES, EMOTIONS

SHOWN = 6
"""Frames of a film in a row of an explorer."""


# ---- figures of kernels ---------------------------------------------------------------------------------------
def draw_reach(photo, frame, was, now, side: int = 16):
    """How far a kernel of 3 x 3 reaches, beside how far a lip moves; the lower faces are shown.

    photo, frame: (S, S, 3) in [0, 1].  was, now: px [x, y] of the lip in both.  side: of the map that the kernel
    works on.
    """
    from matplotlib.patches import Rectangle

    S, (was, now) = len(photo), (np.asarray(p, float) for p in (was, now))
    fig, axes = figure(6.4, 3.5, 1, 2)
    for ax, picture, title in zip(axes, (frame, photo), ("the frame that is drawn", "the photo: where to look for it")):
        _bare(ax, picture, title)
        ax.set(xlim=(.2 * S - .5, .8 * S - .5), ylim=(S - .5, .4 * S - .5))
        ax.plot(*now, "o", ms=5, color=COLOURS[1], mec="white")
    for pixels, colour in ((1, COLOURS[4]), (S / side, COLOURS[0])):
        axes[1].add_patch(Rectangle(now - 1.5 * pixels, 3 * pixels, 3 * pixels, fill=False, ec=colour, lw=1.5))
        name = "pixels of the picture" if pixels == 1 else f"places of a map of {side} px"
        axes[1].plot([], [], "s", mfc="none", color=colour, label=f"3 x 3 {name}")
    axes[1].annotate("", was, now, arrowprops={"arrowstyle": "->", "color": COLOURS[1], "lw": 1.8})
    fig.legend(loc="outside lower center", ncols=2)
    return fig


def draw_taps(photo, offsets, place: tuple[int, int], weights=None, frame=None):
    """Where the nine taps of one place look, and where all places look on average.

    photo: (S, S, 3) that is looked at.  offsets: (9, 2, h, h), y then x, px of the map.  place: row and column of the
    map.  weights: (9, h, h), how much each tap counts, or None for all alike.  frame: (S, S, 3) that is drawn, or None.
    """
    offsets, (row, column) = np.asarray(offsets, float), place
    S, h = len(photo), offsets.shape[-1]
    px = S / h                                                             # px of the photo for one of the map
    shown = [frame] if frame is not None else []
    fig, axes = figure(3.1 * (2 + len(shown)), 3.4, 1, 2 + len(shown))
    mark = {"marker": "s", "mfc": "none", "mec": COLOURS[0], "ms": 9, "ls": ""}
    if shown:
        _bare(axes[0], frame, "the frame")
        axes[0].plot((column + .5) * px - .5, (row + .5) * px - .5, **mark)
    taps, field = axes[-2:]
    _bare(taps, photo, f"row {row}, column {column} looks here")
    grid = np.stack(np.divmod(np.arange(9), 3), 1) - 1                     # (9, 2) row, column of each tap
    start = (grid + place + .5) * px - .5
    end = start + offsets[:, :, row, column] * px
    weights = np.ones((9, h, h)) if weights is None else np.asarray(weights, float)
    weights = weights / np.maximum(weights.sum(0), 1e-9)                   # shares
    size = 6 + 200 * weights[:, row, column]
    for a, b in zip(start, end):
        taps.plot([a[1], b[1]], [a[0], b[0]], color=COLOURS[1], lw=1)
    taps.plot(start[:, 1], start[:, 0], "+", ms=5, color=COLOURS[0])
    taps.scatter(end[:, 1], end[:, 0], s=size, color=COLOURS[1], ec="white", lw=.6, zorder=3, clip_on=True)
    _bare(field, np.asarray(photo, float).mean(-1) / (255 if np.max(photo) > 1 else 1),
          "all places, weighed mean of the taps")
    some = slice(max(1, h // 16) // 2, None, max(1, h // 16))              # 16 arrows to a side
    at = ((np.arange(h) + .5) * px - .5)[some]
    x, y = np.meshgrid(at, at)
    dy, dx = (offsets * weights[:, None]).sum(0)[:, some, some] * px
    field.quiver(x, y, dx, dy, angles="xy", scale_units="xy", scale=1, color=COLOURS[1], width=.006)
    return fig


def draw_padding(tent, reach: float, shares: dict):
    """What the offsets of a tiny map can do.

    tent: (m, m), what a tap finds of the only pixel of a 1 x 1 map, over its place from -reach to reach.  shares: side
    of a map -> share of taps that see zeros alone.
    """
    fig, (left, right) = figure(7.6, 2.9, 1, 2, width_ratios=(1, 1.3))
    image = left.imshow(tent, extent=(-reach, reach, reach, -reach), vmin=0, vmax=1)
    fig.colorbar(image, ax=left, fraction=.045)
    grid = np.arange(-1, 2)
    left.plot(*np.meshgrid(grid, grid), "+", color=COLOURS[5], ms=7)
    left.set(title="share of the pixel that a tap finds", xlabel="place of the tap, x [px]", ylabel="y [px]")
    bars = right.bar(range(len(shares)), list(shares.values()), width=.65, color=COLOURS[0])
    right.bar_label(bars, [f"{v:.0%}" for v in shares.values()], padding=2)
    right.set(xticks=range(len(shares)), xticklabels=[f"{s} x {s}" for s in shares], ylim=(0, 1.08), xlabel="map",
              title="taps that see nothing but zeros")
    return fig


def draw_falls(curves: dict, levels: dict | None = None, ylabel: str = "L1 on unseen people", width: float = 7.0):
    """Values over training steps.  curves: name -> (steps, values).  levels: name -> value, drawn as a dashed line."""
    fig, ax = figure(width, 2.9)
    for k, (name, (steps, values)) in enumerate(curves.items()):
        ax.plot(steps, values, color=COLOURS[k], label=name, marker="o" if len(steps) < 3 else None)
    for k, (name, value) in enumerate((levels or {}).items()):
        ax.axhline(value, color=COLOURS[7], ls=("--", ":")[k % 2], lw=1.2, label=name)
    ax.set(xlabel="step", ylabel=ylabel)
    ax.set_ylim(bottom=0)
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return fig


def draw_phases(logs: dict, what: dict, phases: dict, levels: dict | None = None):
    """Values of trainings over their steps, a panel for each value, with the phases named.

    logs: name -> rows (step, name, value) of `tfg.training.log.read`.  what: name of a value -> title of its panel.
    phases: name -> steps, in order.  levels: title -> (name, value), a dashed line.
    """
    fig, axes = figure(10, 2.9, 1, len(what), squeeze=False)
    ends = np.cumsum(list(phases.values()))
    for ax, (value, title) in zip(axes[0], what.items()):
        for k, (name, rows) in enumerate(logs.items()):
            found = sorted({step: v for step, n, v in rows if n == value}.items())
            ax.plot([s for s, _ in found], [v for _, v in found], color=COLOURS[k], label=name, marker="o", ms=3)
        if title in (levels or {}):
            name, level = (levels or {})[title]
            ax.axhline(level, color=COLOURS[7], ls="--", lw=1.2, label=name)
        for k, (end, name) in enumerate(zip(ends, phases)):
            ax.axvspan(end - phases[name], end, color=GRID, alpha=.45 * (k % 2), lw=0)
            ax.text(end - phases[name] / 2, 1.01, name, transform=ax.get_xaxis_transform(), ha="center", fontsize=7.5)
        ax.set_title(title, pad=14)
        ax.set(xlabel="step", xlim=(0, ends[-1]))
    axes[0, -1].legend(loc="upper left", bbox_to_anchor=(1, 1))
    return fig


# ---- figures of the network -----------------------------------------------------------------------------------
def draw_deformable(config):
    """The generator's parts as boxes, with the sides and channels of a `DeformableConfig`: the photo's encoder above,
    the decoder below it from right to left, each level under the map of its own size."""
    c, n = config, len(config.widths)
    fig, ax = figure(10.5, 4.0)
    ax.set(xlim=(0, 10.5), ylim=(.35, 4.45))
    ax.axis("off")
    top, low, wide = 4.1, 1.05, 7.4 / (n + 1) - .22
    x_of = {c.size >> k: .75 + 7.4 * k / (n + 1) for k in range(n + 1)}    # photo, S / 2, ..., 4
    code = .75 + 7.4
    calm, bent, kept = "#cfdcec", "#f0c9b8", "#f6e3b4"
    _box(ax, x_of[c.size], top, "photo", f"{c.size} px, 3", GRID, wide)
    for k, width in enumerate(c.widths):
        side = c.size >> k + 1
        bends = side in c.space and c.deform
        _box(ax, x_of[side], top, "deformable" if bends else "convolution", f"{side} px, {width}",
             bent if bends else calm, wide)
        _arrow(ax, (x_of[2 * side] + wide / 2, top), (x_of[side] - wide / 2, top))
    _box(ax, code, top, "vector", f"{c.code}", calm, wide)
    _arrow(ax, (x_of[4] + wide / 2, top), (code - wide / 2, top))
    for k, (name, about) in enumerate((("sound", f"4 convolutions, LSTM: {c.speech}"), ("noise", f"LSTM: {c.noise}"),
                                       ("emotion", f"2 layers: {c.emotion}"))):
        y = low + .75 * (1.4 - k * .95)
        _box(ax, 9.6, y, name, about, "#d8e8dc", 1.6)
        _arrow(ax, (8.8, y), (code + wide / 2, low + .1 * (1 - k)))
    _box(ax, code, low, "joined", "all four", "#e7dcec", wide)
    _arrow(ax, (code, top - .28), (code, low + .28))
    _box(ax, x_of[4], low, "start", f"4 px, {c.start}", calm, wide)
    _arrow(ax, (code - wide / 2, low), (x_of[4] + wide / 2, low))
    for k, width in enumerate(c.up):
        side = 8 << k
        x, looks = x_of[side], side in c.look
        _arrow(ax, (x, top - .28), (x, low + .28), COLOURS[1] if looks else COLOURS[7])
        if looks:
            _box(ax, x, (top + low) / 2, "deformable" if c.deform else "convolution", "what to look at", bent, wide)
            _arrow(ax, (x_of[side // 2] - wide / 3, low + .28), (x + wide / 2, (top + low) / 2), COLOURS[1])
            ax.text(x_of[side // 2] - .06, (top + low) / 2 - .2, "where", ha="right", fontsize=7.5, color=COLOURS[1])
        _box(ax, x, low, "ConvLSTM" if k == c.memory else "convolution", f"{side} px, {width}",
             kept if k == c.memory else calm, wide)
        _arrow(ax, (x_of[side // 2] - wide / 2, low), (x + wide / 2, low))
    ax.text(x_of[c.size] - wide / 2, low - .5, "colour, flow, trust" if c.flow else "colour", fontsize=8.5, color=INK)
    return fig


def draw_following(opening, offsets, mouth):
    """Whether the kernel's places follow the lips.

    opening: (T,) how far the lips are open.  offsets: (T, 9, 2, h, h) px of the map.  mouth: (h, h) in [0, 1], how much
    a place belongs to the mouth.
    """
    far = np.linalg.norm(np.asarray(offsets, float), axis=2).mean(1)       # (T, h, h)
    mouth, time = np.asarray(mouth, float), (np.arange(len(far)) + .5) / 25
    fig, axes = figure(8.5, 3.3, 2, 1, sharex=True)
    axes[0].plot(time, opening, color=COLOURS[0])
    axes[0].set(ylabel="jaw, as played")
    for k, (name, weight) in enumerate((("at the mouth", mouth), ("elsewhere", 1 - mouth))):
        values = (far * weight).sum((1, 2)) / weight.sum()
        r = np.corrcoef(values, opening)[0, 1] if values.std() > 1e-9 and np.std(opening) > 1e-9 else 0.0
        axes[1].plot(time, values, color=COLOURS[1 + k], label=f"{name}, r = {r:.2f}")
    axes[1].set(xlabel="time [s]", ylabel="offsets [px of the map]")
    axes[1].legend(loc="upper left", bbox_to_anchor=(1, 1))
    return fig


def draw_noise(network, photo, audio, seed: int = 0, emotion: str = "NEU"):
    """The movements that one seed draws for a sound, and frames of the film that follows."""
    from tfg.systems.deformable.act import chance_of
    from tfg.systems.deformable.moves import COLUMNS

    chance = chance_of(network, audio, emotion=emotion, seed=seed)
    film = drawn_film(network, photo, told_of(network, audio, emotion, seed=seed))
    at = np.linspace(0, len(film) - 1, SHOWN).astype(int)
    fig = figure(9.5, 4.3)[0]
    fig.clear()
    grid = fig.add_gridspec(2, SHOWN, height_ratios=(1.2, 1))
    ax, time = fig.add_subplot(grid[0, :]), (np.arange(len(chance)) + .5) / 25
    named = COLUMNS if network.config.told else tuple(f"number {k}" for k in range(3))
    for k, name in enumerate(named):
        if name in ("blink", "yaw", "pitch") or not network.config.told:
            ax.plot(time, chance[:, k], label=name, color=COLOURS[k % len(COLOURS)])
    ax.set(xlabel="time [s]", ylabel="noise", title=f"seed {seed}", xlim=(0, len(chance) / 25))
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    for k, t in enumerate(at):
        _bare(fig.add_subplot(grid[1, k]), film[t], f"{t / 25:.2f} s")
    return fig


def draw_mismatch(network, photo, audio, face: str, voice: str = "", judge: Callable | None = None):
    """A face of one emotion that speaks with a voice of another, and what a judge sees in it.

    judge: function of frames (T, S, S, 3) uint8 -> log-probabilities (6,), or None.
    """
    film = drawn_film(network, photo, told_of(network, audio, face))
    at = np.linspace(1, len(film) - 1, SHOWN).astype(int)
    fig = figure(10.5, 2.3)[0]
    fig.clear()
    grid = fig.add_gridspec(1, SHOWN + 1, width_ratios=[*[1] * SHOWN, 1.3])
    for k, t in enumerate(at):
        ax = fig.add_subplot(grid[0, k])
        _bare(ax, film[t], f"{t / 25:.2f} s")
        if not k:
            ax.set_ylabel(f"voice: {EMOTION_NAMES.get(voice, voice)}\nface: {EMOTION_NAMES[face]}", fontsize=8.5)
    if judge is not None:
        ax = fig.add_subplot(grid[0, -1])
        ax.barh(range(6), np.exp(judge(film)), color=[EMOTION_COLOURS[e] for e in EMOTIONS], height=.65)
        ax.set(yticks=range(6), yticklabels=[EMOTION_NAMES[e] for e in EMOTIONS], xlim=(0, 1), title="the judge says")
        ax.tick_params(labelsize=7.5)
        ax.invert_yaxis()
    return fig


def draw_truths(tables: dict, rows: Sequence[str], columns: Sequence[str], right: Sequence[int | None]):
    """Scores of drawn films against true films.

    tables: score -> (R, C) values, larger is better.  rows: the drawn films.  columns: emotions of the true ones.
    right: for each row the column of its own emotion, which is outlined; None for none.
    """
    from matplotlib.patches import Rectangle

    fig, axes = figure(3.4 * len(tables) + 1.6, .37 * len(rows) + 1.0, 1, len(tables), squeeze=False)
    for ax, (name, table) in zip(axes[0], tables.items()):
        table = np.asarray(table, float)
        low, high = table.min(), table.max()
        ax.imshow(table, cmap="Blues", aspect="auto", vmin=low - .2 * (high - low), vmax=high + .6 * (high - low))
        for (r, c), value in np.ndenumerate(table):
            ax.text(c, r, f"{value:.1f}" if high > 2 else f"{value:.3f}", ha="center", va="center", fontsize=9)
        for r, c in enumerate(right):
            if c is not None:
                ax.add_patch(Rectangle((c - .47, r - .44), .94, .88, fill=False, ec=COLOURS[1], lw=2))
        ax.set(xticks=range(len(columns)), xticklabels=[f"true {EMOTION_NAMES[e]}" for e in columns], yticks=[],
               title=name)
    axes[0, 0].set(yticks=range(len(rows)), yticklabels=rows)
    return fig


def _bare(ax, picture, title: str = "") -> None:
    ax.imshow(picture if np.asarray(picture).dtype == np.uint8 else np.clip(picture, 0, 1), cmap="gray", vmin=0, vmax=1)
    ax.set(xticks=[], yticks=[], xlim=(-.5, len(picture) - .5), ylim=(len(picture) - .5, -.5))
    ax.spines[:].set_visible(False)
    ax.set_title(title, loc="center", fontsize=8.5)


def _box(ax, x: float, y: float, name: str, about: str, colour: str, wide: float) -> None:
    from matplotlib.patches import FancyBboxPatch

    ax.add_patch(FancyBboxPatch((x - wide / 2, y - .28), wide, .56, boxstyle="round,pad=0,rounding_size=.06", fc=colour,
                                ec=PAPER, lw=1))
    ax.text(x, y + .1, name, ha="center", va="center", fontsize=7.5, color=INK)
    ax.text(x, y - .12, about, ha="center", va="center", fontsize=6.5, color=INK)


def _arrow(ax, start, end, colour: str = COLOURS[7]) -> None:
    ax.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": colour, "lw": 1, "shrinkA": 0, "shrinkB": 0},
                zorder=0)


# ---- sliders --------------------------------------------------------------------------------------------------
def offset_field(photo, film, offsets, weights) -> None:
    """Sliders over the moment, the row and the column of `draw_taps`.

    film: (T, S, S, 3).  offsets: (T, 9, 2, h, h).  weights: (T, 9, h, h).
    """
    h = np.shape(offsets)[-1]
    sliders(lambda frame, row, column: draw_taps(photo, offsets[frame], (row, column), weights[frame], film[frame]),
            frame=(0, len(film) - 1, 1, len(film) // 2), row=(0, h - 1, 1, 3 * h // 4), column=(0, h - 1, 1, h // 2))


def noises(network, photo, audio) -> None:
    """A slider over the seed of `draw_noise`, and a menu of emotions."""
    sliders(remembered(lambda seed, emotion: draw_noise(network, photo, audio, seed, emotion)), seed=(0, 9, 1, 0),
            emotion={EMOTION_NAMES[e]: e for e in ("NEU", *(e for e in EMOTIONS if e != "NEU"))})


def mismatches(network, photo, voices: dict, judge: Callable | None = None) -> None:
    """Menus of the voice's and the face's emotion over `draw_mismatch`.  voices: emotion -> (N,) at 16 kHz."""
    sliders(remembered(lambda voice, face: draw_mismatch(network, photo, voices[voice], face, voice, judge)),
            voice={EMOTION_NAMES[e]: e for e in voices}, face={EMOTION_NAMES[e]: e for e in EMOTIONS})
