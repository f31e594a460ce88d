"""Figures and sliders of networks that name emotions, for notebooks/08_emotion_discriminator."""
from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tfg.course.explore.widgets import remembered, sliders
from tfg.plot_style import COLOURS, EMOTION_COLOURS, GRID, figure
from tfg.vocabulary import EMOTION_NAMES, EMOTIONS, LEVELS


# ---- values ---------------------------------------------------------------------------------------------------
def emotion_shares(network, pictures) -> np.ndarray:
    """A network's probabilities of the six emotions for windows of pictures: (N, 6).

    network: takes (N, T, 3, S, S) in [0, 1], gives logits.  pictures: (N, T, S, S, 3) uint8.
    """
    import torch

    frames = torch.from_numpy(np.ascontiguousarray(np.moveaxis(np.asarray(pictures), -1, 2)))
    with torch.no_grad():
        return torch.cat([network(part.float() / 255).softmax(1) for part in frames.split(64)]).numpy()


def judge_shares(judge, clips) -> np.ndarray:
    """Probabilities of the six emotions by the judge of landmarks: (N, 6).  clips: N of (T, S, S, 3) uint8."""
    return np.stack([np.exp(judge.of_frames(clip)) for clip in clips])


def played(actor, asked, n: int = 10, pose=None, size: int = 96) -> np.ndarray:
    """Clip of a display that comes and goes: (n, size, size, 3) uint8, `close_up`s.  asked: (52,) expression at the
    peak.

    The judge reads how landmarks move; a still picture gives it half of a clip's information.
    """
    rise = np.sin(np.pi * np.arange(n) / (n - 1)) ** 1.5                           # 0 ... 1 ... 0
    return np.stack([close_up(actor, r * np.asarray(asked), pose, size) for r in rise])


def sliding(frames, T: int = 5) -> np.ndarray:
    """Windows of a clip, one around each frame: (n, h, w, 3) -> (n, T, h, w, 3). First and last frame repeat."""
    at = np.arange(len(frames))[:, None] + np.arange(T) - T // 2
    return np.asarray(frames)[np.clip(at, 0, len(frames) - 1)]


def confusion_matrix(true, said) -> np.ndarray:
    """Confusion matrix, (6, 6) shares: row = true emotion, column = answer; a row without examples is NaN.

    true, said: (N,) int, true emotions and answers.
    """
    counts = np.zeros((len(EMOTIONS), len(EMOTIONS)))
    np.add.at(counts, (np.asarray(true), np.asarray(said)), 1)
    with np.errstate(invalid="ignore"):
        return counts / counts.sum(1, keepdims=True)


def rater_confusion(votes: dict, modality: str = "face") -> tuple[np.ndarray, dict[str, float]]:
    """Answers of CREMA-D's raters: (6, 6) as `confusion_matrix`, and the share right at each level; ties are divided.

    votes: clip name -> `tfg.corpora.crema_d.Votes`.
    """
    counts = np.zeros((len(EMOTIONS), len(EMOTIONS)))
    right: dict[str, list] = {level: [] for level in LEVELS}
    for name, vote in votes.items():
        _, _, emotion, level = name.split("_")
        said = getattr(vote, modality)
        for winner in said:
            counts[EMOTIONS.index(emotion), EMOTIONS.index(winner)] += 1 / len(said)
        right[level if level in right else "XX"].append((emotion in said) / len(said))     # 1040_ITH_SAD_X: a misprint
    return counts / counts.sum(1, keepdims=True), {k: float(np.mean(v)) for k, v in right.items() if v}


def occlusion(probability: Callable, frames, patch: int, step: int) -> np.ndarray:
    """Fall of the probability (or of another value) when a square is hidden, (n, n), row = down, column = right.

    probability: (B, T, 3, S, S) -> (B,).  frames: (T, 3, S, S) in [0, 1].  patch: px, hidden in every frame by the
    window's mean colour.  step: px from one place to the next.  Zeiler and Fergus 2014, §4.2.
    """
    import torch

    S = frames.shape[-1]
    mean = frames.mean((0, 2, 3))[:, None, None]
    starts = range(0, S - patch + 1, step)
    hidden = []
    for y in starts:
        for x in starts:
            hidden.append(frames.clone())
            hidden[-1][:, :, y:y + patch, x:x + patch] = mean
    with torch.no_grad():
        seen = torch.cat([probability(torch.stack(hidden[k:k + 64])) for k in range(0, len(hidden), 64)])
        return (probability(frames[None])[0] - seen).reshape(len(starts), len(starts)).numpy()


def mixture(a: str, b: str, weight: float, intensity: float) -> np.ndarray:
    """A mixture of two emotions' displays: (52,) actions, intensity x ((1 - weight) a + weight b)."""
    from tfg.acting.emotion import actions

    return ((1 - weight) * actions(a, intensity) + weight * actions(b, intensity)).astype(np.float32)


def close_up(actor, asked, pose=None, size: int = 96) -> np.ndarray:
    """The tight crop of an actor's face, as the networks saw faces in training: (size, size, 3) uint8.

    asked: (52,), 0 is relaxed.  The square is placed by the relaxed face: an expression does not move it.
    """
    from tfg.faces import align
    from tfg.systems.emogen.network import MARGIN

    rest = actor.landmarks(actor.personal(np.zeros(52, np.float32)), pose)
    picture = actor.render(actor.personal(np.asarray(asked, np.float32)), pose)
    return align.warp(picture, align.box_matrix(align.crop_box(rest, MARGIN), size), size)


# ---- figures --------------------------------------------------------------------------------------------------
def draw_fold(right, wrong):
    """Frames of a window folded into the batch, and the same folded by a reshape without moving the axes.

    right, wrong: (T, 3, S, S) uint8 or floats in [0, 1], folded rightly and wrongly.
    """
    fig, axes = figure(9.5, 4.4, 2, len(right))
    for row, (name, pictures) in zip(axes, (("frame {}", right), ('"frame" {}', wrong))):
        for k, (ax, picture) in enumerate(zip(row, pictures)):
            ax.imshow(np.moveaxis(np.asarray(picture), 0, -1))
            ax.axis("off")
            ax.set_title(name.format(k), loc="center", fontsize=9)
    return fig


def draw_named(pictures: dict, shares: dict | None = None):
    """Pictures, and under each the shares of the six emotions as bars.

    pictures: title -> (h, w, 3) uint8.  shares: name of a network or of raters -> (K, 6) for the K pictures; rows of
    NaN draw no bars.
    """
    shares = shares or {}
    n, rows = len(pictures), len(shares)
    fig, axes = figure(1.75 * max(n, 2) + .5, 1.9 + 1.35 * rows, 1 + rows, n, squeeze=False, sharey="row",
                       height_ratios=[1.5] + [1] * rows)
    for ax, (title, picture) in zip(axes[0], pictures.items()):
        ax.imshow(picture)
        ax.axis("off")
        ax.set_title(title, loc="center", fontsize=9)
    for row, (name, values) in zip(axes[1:], shares.items()):
        for ax, six in zip(row, np.asarray(values)):
            if np.isnan(six).all():
                ax.axis("off")
                continue
            ax.barh(range(6), six, color=[EMOTION_COLOURS[e] for e in EMOTIONS], height=.75)
            ax.set(xlim=(0, 1), xticks=(0, 1), yticks=range(6), yticklabels=EMOTIONS)
            ax.tick_params(labelsize=7)
        row[0].set_ylabel(name, fontsize=9)
        row[0].invert_yaxis()
    return fig


def draw_loss(shares: Sequence[float] = (1.0, .67)):
    """Cross entropy of the probability p for the first of two answers (1 - p for the second) that share the truth.

    shares: shares of the first answer in the truth, 0 to 1; one curve each.
    """
    p = np.linspace(.005, .995, 300)
    fig, ax = figure(7.5, 2.7)
    for k, q in enumerate(shares):
        loss = -q * np.log(p) - (1 - q) * np.log(1 - p)
        ax.plot(p, loss, color=COLOURS[k], label=f"the truth is {q:.0%} A, {1 - q:.0%} B")
        best = np.clip(q, p[0], p[-1])
        ax.plot(best, -q * np.log(best) - (1 - q) * np.log(1 - best), "o", color=COLOURS[k])
    ax.axhline(np.log(2), color=COLOURS[7], ls="--", lw=1)
    ax.text(.01, np.log(2), 'ln 2: "I do not know"', fontsize=8, va="bottom")
    ax.set(xlabel="p, the probability the network gives to A", ylabel="cross entropy", xlim=(0, 1), ylim=(0, 3))
    ax.legend(loc="upper center")
    return fig


def draw_progress(curves: dict, chance: float = 1 / 6):
    """Share of right answers over the steps of a training.  curves: name -> list of (step, share)."""
    fig, ax = figure(8.0, 2.6)
    for k, (name, values) in enumerate(curves.items()):
        ax.plot(*np.array(values, float).reshape(-1, 2).T, "o-", ms=3, color=COLOURS[k], label=name)
    ax.axhline(chance, color=COLOURS[7], ls="--", lw=1, label="chance")
    ax.set(xlabel="step", ylabel="share that is right", ylim=(0, 1.02))
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return fig


def draw_confusion(matrices: dict):
    """Confusion matrices with their shares in per cent.  matrices: title -> (6, 6), rows true emotions; NaN is
    blank."""
    fig, axes = figure(3.9 * len(matrices), 3.7, 1, len(matrices), squeeze=False)
    for ax, (title, matrix) in zip(axes[0], matrices.items()):
        ax.imshow(np.nan_to_num(matrix), cmap="Blues", vmin=0, vmax=1)
        for (r, c), share in np.ndenumerate(matrix):
            if np.isfinite(share) and share >= .005:
                ax.text(c, r, f"{100 * share:.0f}", ha="center", va="center", fontsize=8.5,
                        color="white" if share > .55 else "black")
        ax.set(xticks=range(6), xticklabels=EMOTIONS, yticks=range(6), yticklabels=EMOTIONS, xlabel="said")
        ax.set_title(title, loc="center")
        for side in ax.spines.values():
            side.set_visible(False)
    axes[0, 0].set_ylabel("acted")
    return fig


def draw_levels(scores: dict):
    """Share of right answers at each level of intensity, as groups of bars.  scores: name -> {level: share}."""
    levels = [x for x in LEVELS if any(x in s for s in scores.values())]
    fig, ax = figure(7.5, 2.5)
    width = .8 / max(1, len(scores))
    for k, (name, shares) in enumerate(scores.items()):
        x = np.arange(len(levels)) + (k - (len(scores) - 1) / 2) * width
        values = np.array([shares.get(level, np.nan) for level in levels], float)
        ax.bar(x, np.nan_to_num(values), width * .9, color=COLOURS[k], label=name)
        for at, v in zip(x, values):
            if np.isfinite(v):
                ax.text(at, v + .01, f"{100 * v:.0f}", ha="center", fontsize=8)
    ax.axhline(1 / 6, color=COLOURS[7], ls="--", lw=1, label="chance")
    ax.set(xticks=range(len(levels)), xticklabels=[x if x != "XX" else "XX (none given)" for x in levels],
           ylim=(0, 1.1), ylabel="share that is right")
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return fig


def draw_occlusion(maps: dict, of: str = "probability"):
    """Maps of the fall of a value when a patch is hidden.  maps: title -> (picture (S, S, 3), (n, n) falls, patch px).
    of: name of the value."""
    fig, axes = figure(2.5 * len(maps) + .8, 2.9, 1, len(maps), squeeze=False)
    top = max(1e-6, *(float(np.abs(fall).max()) for _, fall, _ in maps.values()))
    for ax, (title, (picture, fall, patch)) in zip(axes[0], maps.items()):
        S, half = len(picture), patch / 2
        ax.imshow(picture.mean(-1), cmap="gray", vmin=0, vmax=255)
        shown = ax.imshow(fall, cmap="RdBu_r", vmin=-top, vmax=top, alpha=.55, interpolation="bilinear",
                          extent=(half - .5, S - half - .5, S - half - .5, half - .5))
        ax.set(xlim=(-.5, S - .5), ylim=(S - .5, -.5))
        ax.axis("off")
        ax.set_title(title, loc="center", fontsize=9.5)
    fig.colorbar(shown, ax=axes[0, -1], label=f"fall of the {of}", shrink=.85)
    return fig


def draw_course(frames, shares, intensity=None, n: int = 8, fps: float = 25.0):
    """A clip as a strip of frames, and the shares of the emotions over its time.

    frames: (T, h, w, 3).  shares: (T, 6).  intensity: (T,), strength of the acted emotion.
    """
    T = len(frames)
    fig, (top, bottom) = figure(9.5, 4.0, 2, 1, height_ratios=(1, 1.9))
    top.imshow(np.concatenate([frames[k] for k in np.linspace(0, T - 1, n).round().astype(int)], 1))
    top.axis("off")
    t = (np.arange(T) + .5) / fps
    if intensity is not None:
        bottom.fill_between(t, intensity, color=GRID, label="acted intensity")
    for k, e in enumerate(EMOTIONS):
        bottom.plot(t, np.asarray(shares)[:, k], color=EMOTION_COLOURS[e], label=EMOTION_NAMES[e])
    bottom.set(xlabel="time [s]", ylabel="probability", xlim=(0, T / fps), ylim=(0, 1.02))
    bottom.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return fig


# ---- sliders --------------------------------------------------------------------------------------------------
def draw_mix(actor, networks: dict, a: str, b: str, weight: float, intensity: float):
    """A mixture of two emotions on an actor's face, and each network's shares of the emotions.  networks: name -> a
    discriminator, or the judge."""
    asked = mixture(a, b, weight, intensity)
    face = close_up(actor, asked)

    def said(network):                                  # the judge sees a clip in which the display comes and goes
        return (judge_shares(network, [played(actor, asked)]) if hasattr(network, "of_frames")
                else emotion_shares(network, np.repeat(face[None, None], 5, 1)))

    title = f"{1 - weight:.0%} {a}, {weight:.0%} {b}\nat {intensity:.2f}"
    return draw_named({title: face}, {name: said(network) for name, network in networks.items()})


def mix_emotions(actor, networks: dict) -> None:
    """Two menus and two sliders over `draw_mix`."""
    menu = {EMOTION_NAMES[e]: e for e in EMOTIONS}

    def first(code):                                    # a menu begins with its first entry
        return {k: v for k, v in sorted(menu.items(), key=lambda kv: kv[1] != code)}

    sliders(remembered(lambda a, b, weight, intensity: draw_mix(actor, networks, a, b, weight, intensity)),
            a=first("HAP"), b=first("SAD"), weight=(0.0, 1.0, 0.05, 0.3), intensity=(0.0, 1.0, 0.05, 0.9))


def loss_of_share() -> None:
    """A slider over the share of the truth that the first answer has."""
    sliders(lambda share: draw_loss((1.0, share)), share=(0.5, 1.0, 0.01, 0.67))
