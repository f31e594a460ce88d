"""Figures and sliders of expression vectors and head motion, for notebooks/11_expression_vectors."""
from __future__ import annotations

import numpy as np

from tfg.course.explore.widgets import once, remembered, sliders
from tfg.plot_style import COLOURS, GRID, INK, figure, finish_grid
from tfg.vocabulary import EXPRESSION, POSE, index


# ---- values ---------------------------------------------------------------------------------------------------
def blink_signal(T: int, seed: int, per_min: float = 40.0) -> np.ndarray:
    """Blinks at random moments, independent of the speech: (T,) float32 in [0, 1], cut out of a longer signal."""
    from tfg.acting.performance import blinks

    rng = np.random.default_rng([int(seed), 10])
    start = int(rng.integers(25, 250))
    return blinks(start + T, per_min, seed=int(rng.integers(2 ** 31)))[start:].astype(np.float32)


def with_blinks(face: np.ndarray, blink: np.ndarray) -> np.ndarray:
    """The face (T, 52) with both lids moved towards shut by the share blink (T,) of their remaining way."""
    out, lids = np.array(face), index("eyeBlink")
    out[:, lids] += (1 - out[:, lids]) * np.asarray(blink, out.dtype)[:, None]
    return out


def separate_chunks(audio, step: int, n: int = 5, *, style: int = 0, seed: int = 1, folder=None) -> np.ndarray:
    """PoseVAE's motion in independent chunks, as SadTalker draws them: (n, 32, 6); one begins every `step` frames, each
    from rest and with a code of its own.  audio: (N,) at 16 kHz."""
    from tfg.media.audio import SAMPLES_PER_FRAME
    from tfg.systems.expression.posevae.network import CHUNK, predict

    audio = np.pad(np.asarray(audio, np.float32), (0, SAMPLES_PER_FRAME * (n * step + CHUNK)))
    parts = [audio[SAMPLES_PER_FRAME * k * step:][:SAMPLES_PER_FRAME * CHUNK] for k in range(n)]
    return np.stack([predict(part, style=style, seed=1000 * seed + k, folder=folder) for k, part in enumerate(parts)])


# ---- figures --------------------------------------------------------------------------------------------------
def draw_against(true, curves: dict, names=("jawOpen", "mouthSmile", "browInnerUp", "eyeBlink"), label: str = "true",
              fps: float = 25.0):
    """True coefficients over time and those of other sources, a panel for each coefficient.

    true: (T, 52).  curves: source -> (T, 52), NaN where it has no value; the panel then names it.  names: coefficients;
    a name without side means both.  label: legend of `true`.
    """
    t, rows = (np.arange(len(true)) + .5) / fps, -(-len(names) // 2)
    fig, axes = figure(10.5, 1.55 * rows + .6, rows, 2, sharex=True, squeeze=False)
    for ax, name in zip(axes.flat, names):
        columns = index(name)
        ax.plot(t, np.asarray(true)[:, columns].mean(1), color=GRID, lw=5, label=label, solid_capstyle="round")
        blind = []
        for k, (who, values) in enumerate(curves.items()):
            curve = np.asarray(values, float)[:, columns].mean(1)
            ax.plot(t, curve, color=COLOURS[k], lw=1.3, label=who)
            blind += [who] if not np.isfinite(curve).any() else []
        if blind:
            ax.text(.99, .95, f"missing in {', '.join(blind)}", transform=ax.transAxes, ha="right", va="top",
                    fontsize=8)
        low, high = ax.get_ylim()
        ax.set_ylim(min(low, 0), max(high, .2))
        ax.set_title(name)
    return finish_grid(fig, axes, len(names))


def draw_agreements(tables: dict):
    """Pearson's r with the truth as a table of colours; missing values stay empty.  tables: source -> {coefficient:
    r}."""
    names = list(next(iter(tables.values())))
    values = np.array([[table[n] for n in names] for table in tables.values()], float)
    fig, ax = figure(.52 * len(names) + 2.0, .42 * len(tables) + 1.5)
    ax.imshow(np.ma.masked_invalid(values), cmap="RdYlGn", vmin=-.2, vmax=1, aspect="auto")
    for (r, c), v in np.ndenumerate(values):
        ax.text(c, r, f"{v:.2f}" if np.isfinite(v) else "–", ha="center", va="center", fontsize=8,
                color="white" if v > .75 or v < .05 else INK)
    ax.set(xticks=range(len(names)), yticks=range(len(tables)), yticklabels=list(tables))
    ax.set_xticklabels(names, rotation=40, ha="right")
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    return fig


def draw_bars(values: dict, label: str, dark=("low",)):
    """One bar for each name.  values: name -> number, or (N,) numbers (mean, dots).  dark: names of bars to be drawn
    darker; "low" is the lowest one."""
    means = {name: float(np.mean(v)) for name, v in values.items()}
    dark = [min(means, key=means.__getitem__) if name == "low" else name for name in dark]
    fig, ax = figure(8.5, .42 * len(values) + .9)
    for k, (name, v) in enumerate(values.items()):
        ax.barh(k, means[name], height=.62, color=COLOURS[0] if name in dark else "#9fb3cc")
        if np.ndim(v):
            ax.plot(v, np.linspace(k - .18, k + .18, len(v)), "o", ms=2.5, color=INK, alpha=.5, mew=0)
        ax.text(.01, k, f"{means[name]:.3g}", va="center", fontsize=9, color="white" if name in dark else INK,
                transform=ax.get_yaxis_transform())
    ax.set(yticks=range(len(values)), yticklabels=list(values), xlabel=label)
    ax.invert_yaxis()
    return fig


def draw_heads(motions: dict, beats_s=(), seams=(), parts=("yaw", "pitch", "roll"), fps: float = 25.0):
    """Head motions over time, a panel for each of `parts`.  motions: name -> (T, 6) of tfg.vocabulary.POSE.

    beats_s: moments to mark, such as stressed syllables.  seams: frames at which a chunk begins.
    """
    fig, axes = figure(10, 1.35 * len(parts) + .6, len(parts), 1, sharex=True, squeeze=False)
    for ax, part in zip(axes[:, 0], parts):
        for beat in beats_s:
            ax.axvline(beat, color=GRID, lw=3)
        for seam in seams:
            ax.axvline(seam / fps, color=COLOURS[7], lw=.8, ls="--")
        for k, (name, pose) in enumerate(motions.items()):
            pose = np.asarray(pose, float)
            ax.plot((np.arange(len(pose)) + .5) / fps, pose[:, POSE.index(part)], color=COLOURS[k % len(COLOURS)],
                    lw=1.3, label=name)
        ax.set_ylabel(part + (" [°]" if part in POSE[:3] else ""))
    axes[-1, 0].set_xlabel("time [s]" + ("; grey: stressed syllables" if len(beats_s) else ""))
    axes[0, 0].legend(loc="upper left", bbox_to_anchor=(1, 1))
    return fig


def draw_reachable():
    """Codes that a VAE may use: mean and standard deviation of one number with its KL, and the line that remains where
    one layer computes both mean and logvar."""
    mean, std = np.linspace(-3, 3, 121), np.linspace(.05, 3, 100)
    m, s = np.meshgrid(mean, std)
    price = (m ** 2 + s ** 2 - 1 - 2 * np.log(s)) / 2
    fig, ax = figure(7.2, 3.2)
    lines = ax.contour(m, s, price, levels=(.1, .5, 1, 2, 4), colors=COLOURS[7], linewidths=.8)
    ax.clabel(lines, fmt="%g", fontsize=7)
    ax.plot(mean, np.exp(mean / 2), color=COLOURS[1], label="one layer for both: std = exp(mean / 2)")
    ax.plot(0, 1, "o", color=COLOURS[0], label="N(0, 1): costs and tells nothing")
    ax.plot((-2, 2), (.25, .25), "s", color=COLOURS[2], label="two clear messages: far apart, little noise")
    ax.set(xlabel="mean of the code", ylabel="its standard deviation", ylim=(0, 3), xlim=(-3, 3))
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return fig


def draw_parts(source, change):
    """A change and its parts, in the plane of source and change: one frame.  source, change: (C,), neither 0 nor
    parallel."""
    source, change = (np.asarray(x, float) for x in (source, change))
    length = np.linalg.norm(source)
    along = source @ change / length
    across = np.linalg.norm(change - along * source / length)
    fig, ax = figure(8.2, 3.2)
    arrows = {"source: what speech does": (length, 0), "change: what the emotion adds": (along, across),
              "its part along the source": (along, 0), "its orthogonal part": (0, across),
              "the fork's \"orthogonal\" one": (along * length, 0)}
    for k, (name, (x, y)) in enumerate(arrows.items()):
        low = {2: -.035, 4: -.07}.get(k, 0) * max(length, across)                    # beside each other, not over
        ax.annotate("", (x, y + low), (0, low), arrowprops=dict(arrowstyle="-|>", color=COLOURS[k], lw=2, shrinkA=0,
                                                               shrinkB=0))
        ax.plot([], [], color=COLOURS[k], lw=2, label=name)
    xs, ys = zip(*arrows.values())
    ax.plot((along, along), (0, across), color=COLOURS[7], lw=.8, ls=":")
    pad = .12 * max(np.ptp((0, *xs)), np.ptp((0, *ys)))
    ax.set(xlim=(min(0, *xs) - pad, max(0, *xs) + pad), ylim=(-1.5 * pad, max(ys) + pad), aspect="equal",
           xlabel="along the source", ylabel="across it")
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return fig


def draw_style(portrait, audio, style: int = 0, seed: int = 0, folder=None):
    """A pose style on a sound: six moments of a portrait, and the head's angles beside the stressed syllables.

    portrait: has render(expression (52,), pose (6,)) and personal.  audio: (N,) at 16 kHz.
    """
    from tfg.metrics.motion import accents
    from tfg.systems.expression.posevae.network import predict

    pose = predict(audio, style=style, seed=seed, folder=folder)
    fig = draw_heads({f"style {style}": pose}, accents(audio))
    fig.set_size_inches(10, 6.2)
    top = fig.add_gridspec(2, 6, height_ratios=(1, 2.3))
    for ax, spec in zip(fig.axes[:3], top[1, :].subgridspec(3, 1)):
        ax.set_subplotspec(spec)
    for k, t in enumerate(np.linspace(0, len(pose) - 1, 7)[1:].round().astype(int)):
        ax = fig.add_subplot(top[0, k])
        ax.imshow(portrait.render(portrait.personal(np.zeros(len(EXPRESSION), np.float32)), pose[t]))
        ax.axis("off")
        ax.set_title(f"{t / 25:.1f} s", loc="center", fontsize=9)
    return fig


# ---- sliders --------------------------------------------------------------------------------------------------
def one_coefficient(portrait) -> None:
    """A menu and two sliders: a single coefficient on a portrait, its relaxed face beside it."""
    from tfg.course.explore.start import draw_sheet

    names = list(dict.fromkeys(n.removesuffix("Left").removesuffix("Right") if n.removesuffix("Left") + "Right"
                               in EXPRESSION or n.removesuffix("Right") + "Left" in EXPRESSION else n
                               for n in EXPRESSION))

    rest = np.zeros(len(EXPRESSION), np.float32)
    relaxed = once(lambda yaw: portrait.render(portrait.personal(rest), np.array([yaw, 0, 0, 0, 0, 0], np.float32)))

    def draw(coefficient, amount, yaw):
        asked, pose = rest.copy(), np.zeros(6, np.float32)
        pose[0] = yaw
        asked[index(coefficient)] = amount
        return draw_sheet({"relaxed": relaxed(yaw), f"{coefficient} {amount:.2f}": portrait.render(
            portrait.personal(asked), pose)}, columns=2)

    sliders(draw, coefficient=names, amount=(0.0, 1.0, 0.05, 1.0), yaw=(-20, 20, 5, 0))


def styles(portrait, audio, folder=None) -> None:
    """Two sliders over `draw_style`: the style, and the seed of its motion."""
    sliders(remembered(lambda style, seed: draw_style(portrait, audio, style, seed, folder)), style=(0, 45, 1, 0),
            seed=(0, 9, 1, 0))
