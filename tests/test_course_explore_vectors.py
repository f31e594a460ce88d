"""Figures and sliders of notebooks/11_expression_vectors, and the values that they show."""
from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from test_course_explore import drawn, opened  # noqa: F401  (a fixture)
from tfg.course import explore
from tfg.networks.checkpoint import save
from tfg.systems.expression.posevae.network import CHUNK, PROFILES, PoseVAE, predict
from tfg.vocabulary import EXPRESSION, index


@pytest.fixture(scope="module")
def faces():
    return np.random.default_rng(0).uniform(0, .6, (40, 52)).astype(np.float32)


@pytest.fixture(scope="module")
def posevae(tmp_path_factory):
    """A folder with an untrained network, which moves nevertheless."""
    torch.manual_seed(0)
    folder, network = tmp_path_factory.mktemp("posevae"), PoseVAE(PROFILES["ci"])
    save(network, folder, "posevae", {})
    return folder


@pytest.fixture(scope="module")
def voice():
    t = np.arange(3 * 16_000) / 16_000
    return (.3 * np.sin(2 * np.pi * 180 * t) * np.clip(np.sin(2 * np.pi * 1.3 * t), 0, 1)).astype(np.float32)


@pytest.fixture
def portrait():
    """Its picture's colours tell the first coefficients and the yaw."""
    def render(expression, pose=None):
        assert np.shape(expression) == (52,) and (pose is None or np.shape(pose) == (6,))
        return np.full((8, 8, 3), 255 * np.clip(expression[24], 0, 1), np.uint8)

    return SimpleNamespace(render=render, personal=lambda e: e)


# ---- values ---------------------------------------------------------------------------------------------------
def test_blink_signals_are_independent_of_each_other():
    many = np.stack([explore.blink_signal(40, seed) for seed in range(1500)])
    assert many.shape == (1500, 40) and many.dtype == np.float32 and many.min() == 0 and many.max() == 1
    assert np.array_equal(many[7], explore.blink_signal(40, 7))
    often = many.mean(0)
    assert often.min() > .6 * often.max() > .01                              # as likely at any moment
    assert np.abs(np.corrcoef(many[:750].ravel(), many[750:].ravel())[0, 1]) < .05


def test_lids_go_their_share_of_the_way(faces):
    blink = np.linspace(0, 1, len(faces)).astype(np.float32)
    given, lids = faces.copy(), index("eyeBlink")
    out = explore.with_blinks(faces, blink)
    assert np.array_equal(faces, given) and out.dtype == faces.dtype
    assert np.allclose(1 - out[:, lids], (1 - faces[:, lids]) * (1 - blink[:, None]), atol=1e-6)
    assert np.array_equal(np.delete(out, lids, 1), np.delete(faces, lids, 1))


def test_separate_chunks_know_nothing_of_each_other(posevae, voice):
    """The same codes and sound give the same chunk, whatever came before."""
    three, five = (explore.separate_chunks(voice, 24, n, folder=posevae) for n in (3, 5))
    assert five.shape == (5, CHUNK, 6) and np.allclose(three, five[:3], atol=1e-5)
    assert np.ptp(five[:, :, :3]) > 0
    assert not np.allclose(five, explore.separate_chunks(voice, 24, 5, style=3, folder=posevae))


# ---- figures --------------------------------------------------------------------------------------------------
def test_told_names_who_cannot_see(faces):
    blind = faces.copy()
    blind[:, index("jawOpen")] = np.nan
    fig = drawn(explore.draw_against(faces, {"meter": blind, "other": faces}, ("jawOpen", "mouthSmile", "eyeBlink")))
    assert [t.get_text() for t in fig.axes[0].texts] == ["missing in meter"] and not fig.axes[1].texts
    assert not fig.axes[3].axison
    assert fig.legends[0].get_texts()[0].get_text() == "true"
    assert drawn(explore.draw_against(faces, {}, ("jawOpen",), label="angry")).legends[0].get_texts()[0].get_text() == \
        "angry"


def test_agreements_leave_out_what_is_not_told():
    fig = drawn(explore.draw_agreements({"a": {"x": .5, "y": np.nan}, "b": {"x": -1., "y": 1.}}))
    assert [t.get_text() for t in fig.axes[0].texts] == ["0.50", "–", "-1.00", "1.00"]


def test_bars_darken_the_lowest_or_those_that_are_named():
    values = {"a": [3., 5.], "b": 1., "c": 2.}
    for dark, wanted in ((("low",), "b"), (("c",), "c")):
        bars = drawn(explore.draw_bars(values, "error", dark)).axes[0].patches
        assert [bar.get_width() for bar in bars] == [4, 1, 2]
        colours = [bar.get_facecolor() for bar in bars]
        k = "abc".index(wanted)
        assert colours.count(colours[k]) == 1 and len(set(colours)) == 2


def test_heads():
    pose = np.random.default_rng(1).normal(size=(30, 6))
    fig = drawn(explore.draw_heads({"a": pose, "b": pose[:20]}, (.2, .5), (8, 16), ("yaw", "tz")))
    assert len(fig.axes) == 2 and np.allclose(fig.axes[1].lines[-2].get_ydata(), pose[:, 5])
    drawn(explore.draw_heads({"a": pose}))


def test_reachable_codes_lie_on_one_line():
    line = drawn(explore.draw_reachable()).axes[0].lines[0]
    assert np.allclose(np.log(line.get_ydata()) * 2, line.get_xdata())


@pytest.mark.parametrize("source, change", [((2., 0, 0), (1., 1, 0)), ((.3, 0, 0), (-.1, 0, .2))])
def test_parts_of_a_change(source, change):
    """The drawn parts add up to the change, and the fork's lies on the source."""
    texts = drawn(explore.draw_parts(source, change)).axes[0].texts
    (whole, along, across, fork) = (np.subtract(t.xy, t.xyann) for t in texts[1:])
    assert np.allclose(along + across, whole) and along[1] == across[0] == fork[1] == 0
    assert np.allclose(np.linalg.norm(whole), np.linalg.norm(change))
    assert np.allclose(fork[0], np.dot(source, change))


# ---- sliders --------------------------------------------------------------------------------------------------
def test_vector_explorers_at_both_ends(opened, portrait, posevae, voice):  # noqa: F811
    opened(lambda: explore.one_coefficient(portrait))
    opened(lambda: explore.styles(portrait, voice, posevae))


def test_the_menu_holds_each_coefficient_once(monkeypatch, portrait):
    from tfg.course.explore import vectors

    held = {}
    monkeypatch.setattr(vectors, "sliders", lambda draw, **controls: held.update(controls, draw=draw))
    explore.one_coefficient(portrait)
    columns = [i for name in held["coefficient"] for i in index(name)]
    assert sorted(columns) == list(range(len(EXPRESSION)))
    pictures = [ax.images[0].get_array() for ax in drawn(held["draw"]("jawOpen", 1.0, 5)).axes]
    assert pictures[0].max() == 0 and pictures[1].min() == 255


def test_style_figure_shows_the_motion(portrait, posevae, voice):
    fig = drawn(explore.draw_style(portrait, voice, 7, 2, posevae))
    assert len(fig.axes) == 9 and sum(bool(ax.images) for ax in fig.axes) == 6
    assert np.allclose(fig.axes[0].lines[-1].get_ydata(), predict(voice, style=7, seed=2, folder=posevae)[:, 0])
