"""Figures and sliders of notebooks/07_syncnet."""
from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure

from tfg.course import explore
from tfg.metrics import sync_curve

N = 40


@pytest.fixture(scope="module")
def vectors():
    """Embeddings of a clip whose sound fits: neighbours are alike, and far windows are not."""
    angle = np.cumsum(np.random.default_rng(0).uniform(.05, .3, N))
    unit = np.stack([np.cos(angle), np.sin(angle)], 1)
    return unit, unit.copy()


@pytest.fixture(scope="module")
def parts():
    rng = np.random.default_rng(1)
    return {"frames": rng.integers(0, 255, (N, 12, 24, 3), np.uint8), "mel": rng.uniform(-4, 4, (80, 150))}


def drawn(figure) -> Figure:
    assert isinstance(figure, Figure)
    figure.canvas.draw()
    return figure


@pytest.mark.parametrize("s, late, at", [(-15, -8, 0), (15, 8, N), (0, 0, 5)])
def test_slide_at_the_ends_of_its_sliders(vectors, parts, s, late, at):
    strip, below, curve = drawn(explore.draw_slide(**parts, picture=vectors[0], sound=vectors[1], s=s, late=late,
                                                   at=at)).axes
    assert f"offset {late}" in curve.get_title() and strip.get_xlim() == below.get_xlim()


def test_slide_puts_the_right_sound_below_a_frame(vectors, parts):
    """Held against sound s frames later, the sound of frame i + s stands below frame i; late sound begins later."""
    left = [drawn(explore.draw_slide(**parts, picture=vectors[0], sound=vectors[1], s=s, late=late)).axes[1].images[0]
            .get_extent()[0] for s, late in ((0, 0), (3, 0), (0, 5))]
    assert left == [0, -3, 5]


def test_diagonals_and_curves(vectors):
    for s in (-15, 0, 15):
        matrix, curve = drawn(explore.draw_diagonals(*vectors, s)).axes[:2]
        assert "offset 0" in curve.get_title() and matrix.images[0].get_array().diagonal().max() < 1e-9
    curves = {"a": sync_curve(*vectors), "b": sync_curve(vectors[0][:10], vectors[1][:10])}      # b: NaN at its ends
    ax = drawn(explore.draw_sync(curves, "title")).axes[0]
    assert "offset 0" in ax.get_legend().get_texts()[1].get_text()


def test_found_says_how_many_are_within_a_frame():
    assert "75 %" in drawn(explore.draw_found([-9, 0, 0, 4], [-8, 0, 2, 4], "x")).axes[0].get_title()


def test_learning_takes_values_or_steps_and_values():
    figure = drawn(explore.draw_learning({"a": {"x": [3, 2, 1], "y": (np.array([4, 8]), np.array([1., np.nan]))},
                                          "b": {"y": [1]}}, chance={"a": .7}))
    assert [len(ax.lines) for ax in figure.axes] == [3, 1]


class Windows:
    """Two clips of a store; windows of the second begin at its frame 2."""

    store = SimpleNamespace(mel=np.arange(300 * 80, dtype=np.float16).reshape(300, 80) % 7)
    clips = [SimpleNamespace(mel_start=0, n_mel=100), SimpleNamespace(mel_start=100, n_mel=180)]

    def clip_of_index(self):
        return np.repeat([0, 1], [5, N])

    def batch(self, epoch, indices):
        frames = np.zeros((len(indices), 5, 3, 8, 8), np.uint8)
        frames[:, 2, :, 4:] = 9
        return {"frames": frames, "start": np.arange(len(indices)) + 2}


def test_parts_are_the_middle_frames_and_the_sound_from_there_on(vectors):
    parts = explore.clip_parts(Windows(), 1)
    assert parts["frames"].shape == (N, 4, 8, 3) and (parts["frames"] == 9).all()
    assert np.array_equal(parts["mel"].T, Windows.store.mel[113:280])                 # 100 + 3.2 * 4, to 100 + 180


def test_the_explorer_opens(vectors, monkeypatch):
    opened = []
    monkeypatch.setattr("tfg.course.explore.syncnet.sliders",
                        lambda draw, **c: opened.append((drawn(draw(**{k: v[3] for k, v in c.items()})), c)))
    explore.slide(Windows(), 1, *vectors)
    assert set(opened[0][1]) == {"s", "late", "at"}
