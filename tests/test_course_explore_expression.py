"""Figures and sliders of the emotion models, and the values that they show."""
from __future__ import annotations

import json

import numpy as np
import pytest

from test_course_explore import drawn, opened  # noqa: F401  (a fixture)
from tfg.course import explore
from tfg.systems.expression.emotion import add
from tfg.vocabulary import EMOTION_NAMES, INDEX, index


@pytest.fixture(scope="module")
def source() -> np.ndarray:
    """(40, 52) a jaw that opens and shuts."""
    out = np.zeros((40, 52), np.float32)
    out[:, INDEX["jawOpen"]] = np.clip(.3 * np.sin(np.arange(40) / 2), 0, None)
    return out


class Mirror:
    """A "portrait" whose picture is its smile."""

    def personal(self, expression):
        return expression

    def render(self, expression):
        return np.full((16, 16, 3), 255 * expression[index("mouthSmile")].mean(), np.uint8)


def test_along_is_the_cosine():
    source = np.zeros((4, 52))
    source[:3, 0] = 2
    change = np.zeros((4, 52))
    change[0, 0], change[1, 1], change[2, 0], change[3, 0] = 1, 1, -3, 1
    assert np.allclose(explore.along(source, change), (1, 0, -1, np.nan), equal_nan=True)
    change[0, 5] = np.nan
    assert explore.along(source, change)[0] == pytest.approx(1)


def test_faces_are_clipped_and_the_unmeasured_is_at_rest():
    offsets = np.full(52, 1.7)
    assert explore.face_of(Mirror(), offsets).max() == 255
    assert explore.face_of(Mirror(), np.full(52, np.nan)).max() == 0


def test_curves(source):
    results = {"happiness": add(source, "HAP"), "orthogonal": add(source, "HAP", ortho=True)}
    fig = drawn(explore.draw_added(source, results, ("mouthSmile", "jawOpen")))
    smile, jaw, lips = fig.axes
    assert [line.get_label() for line in smile.lines[:3]] == ["source", "happiness", "orthogonal"]
    assert np.allclose(smile.lines[1].get_ydata(), results["happiness"][:, index("mouthSmile")].mean(1))
    assert "grey" in lips.get_xlabel() and lips.lines[0].get_ydata().max() > .25
    drawn(explore.draw_along(source, {k: v - source for k, v in results.items()}))


def test_rows_of_faces(source):
    fig = drawn(explore.draw_feelings_of(Mirror(), source, 20, ("linear", "transformer"), .9))
    titles = [ax.get_title(loc="center") for ax in fig.axes]
    assert titles[0] == "source" and titles[4] == EMOTION_NAMES["HAP"] and len(fig.axes) == 12
    brightness = [ax.images[0].get_array().mean() for ax in fig.axes]
    assert np.argmax(brightness[:6]) == 4 and brightness[4] > 100
    one = drawn(explore.draw_faces_row(Mirror(), {"a": {"x": source[0]}, "b": {"x": source[0], "y": source[1]}}))
    assert sum(len(ax.images) for ax in one.axes) == 3


def test_errors_of_the_shipped_card():
    from tfg.systems.expression.emotion.files import folder_of

    told = json.loads((folder_of() / "linear.json").read_text())["scores"]
    ax = drawn(explore.draw_errors(told)).axes[0]
    heights = [patch.get_height() for patch in ax.patches]
    groups = 1 + 5 + 3
    assert len(heights) == 4 * groups and heights[0] == told["identity"]["rmse"][0]
    assert heights[3 * groups] == told["linear"]["rmse"][0]


def test_own_table():
    table = np.eye(5) - .2
    ax = drawn(explore.draw_own_table(table, ("ANG", "DIS", "FEA", "HAP", "SAD"))).axes[0]
    texts = [t for t in ax.texts]
    assert len(texts) == 25 and sum(t.get_weight() == "bold" for t in texts) == 5 and texts[0].get_text() == "0.80"


@pytest.mark.parametrize("asked", (dict(), dict(emotion="SAD", alpha=-1.0), dict(intensity=0.0),
                                   dict(emotion="ANG", ortho=True, model="transformer", frame=0)))
def test_one_setting(source, asked):
    curves, faces = explore.draw_added_emotion(source, Mirror(), **asked)
    drawn(curves)
    before, after = [ax.images[0].get_array() for ax in drawn(faces).axes]
    assert before.max() == 0
    assert (after.mean() > 100) == (asked == {})
    assert len(explore.draw_added_emotion(source, **asked)) == 1


def test_sliders_at_their_ends(opened, source):  # noqa: F811
    opened(lambda: explore.add_emotion(source, Mirror()))
