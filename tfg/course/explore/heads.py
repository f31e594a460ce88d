"""Figures of the head, its coefficients and Action Units, for notebooks/03_action_units_and_expression."""
from __future__ import annotations

import numpy as np

from tfg import vocabulary
from tfg.course.explore.widgets import Page, as_html, once, remembered, sliders
from tfg.faces.aus import AUS, COEFFICIENT
from tfg.plot_style import COLOURS, EMOTION_COLOURS, figure

UNIT_COEFFICIENTS = {au: COEFFICIENT.get(au, ("mouthLowerDown", "mouthUpperUp")) for au in AUS}
"""The 17 Action Units that OpenFace measures, and the coefficients that move the same muscles."""


def coefficients(**amounts: float) -> np.ndarray:
    """Expression (52,) from names; a name without its side means both: `coefficients(mouthSmile=0.8, jawOpen=0.2)`."""
    out = np.zeros(len(vocabulary.EXPRESSION), np.float32)
    for name, amount in amounts.items():
        out[vocabulary.index(name)] = amount
    return out


def _picture(expression=None, yaw=0.0, pitch=0.0, size=240, identity=None):
    """The rendered head, cut to the face: (h, w, 3)."""
    from tfg.head.model import Head
    from tfg.head.render import render_head

    image = render_head(Head.load(), identity, expression, np.array([yaw, pitch, 0, 0, 0, 0]), int(size / 0.66))
    n = image.shape[0]
    return image[int(.06 * n):int(.86 * n), int(.17 * n):int(.83 * n)]


def _close_up(identity=None, expression=None, yaw=0.0, size=240):
    """The rendered head with the middle of its eyes always at the same place, at the same distance: (size, size, 3)."""
    import cv2

    from tfg.head.model import HEAD_WIDTH_M, Head, project, rotation
    from tfg.head.render import render_head

    head, n = Head.load(), 2 * size
    image = render_head(head, identity, expression, np.array([yaw, 0, 0, 0, 0, 0]), n)
    eyes = head.landmark_points(identity, expression)[[33, 263]]
    scale = 0.48 * n / HEAD_WIDTH_M                                              # as render_head draws it
    middle = project(eyes, rotation(yaw, 0, 0), scale, np.array([0.5 * n, 0.42 * n]))[0].mean(0)
    zoom = 0.4 * size / (scale * np.linalg.norm(eyes[1] - eyes[0]))
    move = np.column_stack([zoom * np.eye(2), np.array([0.5, 0.4]) * size - zoom * middle])
    return cv2.warpAffine(image, move, (size, size), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)


def _gallery(pictures, titles, columns, width=9.0):
    rows = -(-len(pictures) // columns)
    h, w = pictures[0].shape[:2]
    tile = width / columns
    fig, axes = figure(width, rows * (tile * h / w + 0.28), rows, columns, squeeze=False)
    for ax in axes.flat:
        ax.axis("off")
    for ax, picture, title in zip(axes.flat, pictures, titles):
        ax.imshow(picture)
        ax.set_title(title, fontsize=7.5 if columns > 4 else 9, loc="center")
    return fig


def draw_head(expression=None, yaw: float = 0.0, pitch: float = 0.0, identity=None, title: str = ""):
    """The head with an expression from the front (at yaw, pitch) and, beside it, how far each point moved.

    expression: (52,).  Angles in degrees.
    """
    from tfg.head.model import Head, rotation

    head = Head.load()
    rest, moved = head.landmark_points(identity), head.landmark_points(identity, expression)
    r = rotation(yaw, pitch, 0)
    a, b = (rest @ r.T)[:, :2] * 1000, (moved @ r.T)[:, :2] * 1000
    far = np.linalg.norm(moved - rest, axis=1) * 1000
    fig, (left, right) = figure(7.5, 3.9, 1, 2)
    fig.set_layout_engine("none")                          # its places are known, and a layout takes most of the time
    left.set_position((.01, .02, .46, .9)), right.set_position((.56, .13, .43, .79))
    left.imshow(_picture(expression, yaw, pitch, identity=identity))
    left.axis("off")
    left.set_title(title)
    right.plot(*a.T, ".", ms=2, color=COLOURS[7])
    right.quiver(*a.T, *(b - a).T, angles="xy", scale_units="xy", scale=1, color=COLOURS[1], width=0.004)
    right.set(aspect="equal", xlabel="mm", xlim=(-90, 90), ylim=(-110, 75),
              title=f"landmarks move up to {far.max():.1f} mm")
    return fig


def draw_units(numbers=tuple(UNIT_COEFFICIENTS), amount: float = 1.0):
    """The Action Units at the given strength (0 to 1), one small head each."""
    pictures = [_picture(coefficients(**{name: amount for name in UNIT_COEFFICIENTS[n]}), size=130) for n in numbers]
    return _gallery([_picture(size=130)] + pictures,
                    ["rest"] + [f"AU{n} {vocabulary.AU_NAMES[n]}" for n in numbers], min(6, len(numbers) + 1))


def draw_emotions(expressions: dict, second: dict | None = None):
    """A row of heads, one per emotion; a second row for comparison.

    expressions, second: emotion -> (52,).
    """
    pictures = [_picture(e, size=140) for e in expressions.values()]
    titles = [vocabulary.EMOTION_NAMES.get(k, k) for k in expressions]
    if second:
        pictures += [_picture(e, size=140) for e in second.values()]
        titles += [f"{vocabulary.EMOTION_NAMES.get(k, k)}, tfg" for k in second]
    return _gallery(pictures, titles, len(expressions))


def draw_people(people: dict, yaw: float = 0.0):
    """Heads of several identities, eyes at the same place.

    people: title -> (identity (K,), expression (52,)).  yaw: degrees.
    """
    pictures = [_close_up(identity, expression, yaw) for identity, expression in people.values()]
    return _gallery(pictures, list(people), len(people), 2.8 * len(people))


def draw_fit(image, target, fitted, title: str = ""):
    """Landmarks of a photo and those of the fitted head on it.

    image: (H, W, 3).  target, fitted: (478, 2 or 3) px.
    """
    return draw_fits(image, target, {title: fitted})


def draw_fits(image, target, stages: dict):
    """The fit at several moments: title -> (478, 2) px of the head's landmarks."""
    fig, axes = figure(min(3.1 * len(stages), 9.5), 3.5, 1, len(stages), squeeze=False)
    lo, hi = target[:, :2].min(0), target[:, :2].max(0)
    margin = 0.25 * (hi - lo).max()
    for ax, (title, points) in zip(axes.flat, stages.items()):
        ax.imshow(image)
        for a, b in zip(target[:, :2], points[:, :2]):
            ax.plot(*np.stack([a, b]).T, color="white", lw=0.5)
        ax.plot(*target[:, :2].T, ".", ms=2.5, color=COLOURS[4])
        ax.plot(*points[:, :2].T, ".", ms=2.5, color=COLOURS[1])
        ax.set(xlim=(lo[0] - margin, hi[0] + margin), ylim=(hi[1] + margin, lo[1] - margin))
        ax.set_title(title, loc="center")
        ax.axis("off")
    return fig


def draw_curves(motions: dict, names=("mouthSmileLeft", "browDownLeft", "jawOpen")):
    """The same coefficients over time in several clips.

    motions: emotion -> Motion.  names: up to six coefficients, one panel each.
    """
    fig, axes = figure(9, 1.5 * len(names) + 0.4, len(names), 1, sharex=True, squeeze=False)
    for ax, name in zip(axes[:, 0], names):
        for emotion, motion in motions.items():
            ax.plot(np.arange(len(motion)) / motion.fps, motion.curve(name), color=EMOTION_COLOURS.get(emotion),
                    label=emotion, lw=1.3)
        ax.set(title=name, ylim=(0, max(0.3, ax.get_ylim()[1])))
    axes[-1, 0].set_xlabel("time [s]")
    axes[0, 0].legend(ncols=6, loc="lower right", bbox_to_anchor=(1, 1))
    return fig


def draw_changes(changes: dict, top: int = 6):
    """Change of each emotion from neutral speech: the coefficients that differ most.

    changes: emotion -> (52,) mean difference from the neutral clip.
    """
    fig, axes = figure(9.5, 2.4, 1, len(changes), sharex=True)
    for ax, (emotion, change) in zip(axes, changes.items()):
        change = np.nan_to_num(change)
        order = np.argsort(-np.abs(change))[:top][::-1]
        ax.barh(range(len(order)), change[order], color=EMOTION_COLOURS.get(emotion))
        ax.set_yticks(range(len(order)), [vocabulary.EXPRESSION[i] for i in order], fontsize=6.5)
        ax.axvline(0, color=COLOURS[7], lw=0.8)
        ax.set_title(vocabulary.EMOTION_NAMES.get(emotion, emotion), loc="center")
    return fig


def head() -> None:
    """Four sliders that move the head."""
    def draw(jawOpen, mouthSmile, browInnerUp, yaw):
        return draw_head(coefficients(jawOpen=jawOpen, mouthSmile=mouthSmile, browInnerUp=browInnerUp), yaw)

    part = (0.0, 1.0, 0.05)
    sliders(draw, jawOpen=(*part, 0.3), mouthSmile=(*part, 0.5), browInnerUp=(*part, 0.0), yaw=(-60, 60, 5, 0))


def face_units() -> None:
    """Any of the 52 coefficients: a menu, an amount, a second one to add, a direction to look from."""
    names = list(dict.fromkeys(_without_side(n) for n in vocabulary.EXPRESSION))

    def draw(coefficient, amount, jawOpen, yaw):
        return draw_head(coefficients(jawOpen=jawOpen) + coefficients(**{coefficient: amount}), yaw, title=coefficient)

    sliders(draw, coefficient=["mouthClose"] + [n for n in names if n != "mouthClose"], amount=(0.0, 1.0, 0.05, 0.6),
            jawOpen=(0.0, 1.0, 0.05, 0.0), yaw=(-60, 60, 5, 0))


def _without_side(name):
    """"mouthSmile" for both sides; "mouthLeft" and "jawRight" are directions and keep their name."""
    bare = name.removesuffix("Left").removesuffix("Right")
    return name if bare in ("mouth", "jaw") else bare


def fit_strength(fit, image, target) -> None:
    """A slider over the strength of the prior.

    fit(weight) -> (points (478, 2) px, identity (K,), expression (52,)); called once for each place of the slider.
    """
    def draw(log10_weight):
        points, identity, expression = fit(10.0 ** log10_weight)
        span = np.linalg.norm(target[33, :2] - target[263, :2])
        error = np.linalg.norm(points - target[:, :2], axis=1).mean() / span
        fig, (left, right) = figure(7.5, 3.6, 1, 2)
        left.imshow(image)
        left.plot(*target[:, :2].T, ".", ms=2, color=COLOURS[4])
        left.plot(*points.T, ".", ms=2, color=COLOURS[1])
        left.axis("off")
        left.set_title(f"error {100 * error:.2f} % of the eye distance")
        right.imshow(_close_up(identity, expression, 20))
        right.axis("off")
        right.set_title("the fitted head, turned by 20 degrees")
        return fig

    sliders(remembered(draw), log10_weight=(-6.0, 0.0, 0.5, -3.0))


def curves(motions: dict) -> None:
    """Menu of coefficients, with their curves in all six emotions, and the head at a moment of one of them."""
    names = [n for n in vocabulary.EXPRESSION if not all(np.isnan(m.curve(n)).all() for m in motions.values())]

    above = once(lambda coefficient: Page(as_html(draw_curves(motions, (coefficient,)), f"curves of {coefficient}")))
    below = once(lambda emotion, frame: Page(as_html(
        draw_head(np.nan_to_num(motions[emotion].expression[frame]), title=f"{emotion}, frame {frame}"),
        f"the head in frame {frame} of {emotion}")))

    def draw(coefficient, emotion, at):
        return [above(coefficient), below(emotion, int(at * (len(motions[emotion]) - 1)))]

    sliders(draw, coefficient=["mouthSmileLeft"] + names, emotion=list(motions), at=(0.0, 1.0, 0.05, 0.5))
