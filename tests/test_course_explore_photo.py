"""Figures and sliders of notebooks/04_how_a_photo_moves, and the values that they show."""
from __future__ import annotations

import numpy as np
import pytest

from tfg import paths
from tfg.course import explore
from tfg.head.portrait import Portrait


@pytest.fixture(scope="module")
def portrait():
    from tfg.media.video import read_image

    return Portrait.from_image(read_image(paths.data("faces", "default.jpg")), size=96)


def test_vertices_lie_in_the_frame_and_follow_the_pose(portrait):
    rest = explore.window_xy(portrait)
    assert np.allclose(rest, portrait.rest_xy - portrait.window[:2], atol=.01)
    turned = explore.window_xy(portrait, pose=np.array([15, 0, 0, 0, 0, 0], np.float32))
    nose = np.argmax(portrait.rest_q[:, 2])
    assert turned[nose, 0] - rest[nose, 0] > 3                               # px: a turn to the left of the picture's


def test_the_box_holds_the_lips(portrait):
    x, y, w, h = explore.mouth_box(portrait)
    lips = explore.window_xy(portrait)[portrait.openings.parts["mouth"].upper]
    assert (lips > [x, y]).all() and (lips < [x + w, y + h]).all() and w < 60


def test_the_mesh_shows_all_triangles_and_both_edges(portrait):
    figure = explore.draw_mesh(portrait)
    left, right = figure.axes
    edges = {tuple(sorted(pair)) for t in portrait.triangles.tolist() for pair in (t[:2], t[1:], t[::2])}
    assert len(left.collections[0].get_segments()) == len(edges)
    assert f"{len(portrait.triangles):,} triangles" in left.get_title()
    assert len(right.lines) == 2


def test_triangle_arrows_and_close_ups(portrait):
    corners = np.array([[10, 10], [60, 12], [30, 70]])
    figure = explore.draw_triangle(portrait.source, corners, corners + 5, portrait.source)
    assert [t.get_text() for t in figure.axes[0].texts] == ["a", "b", "c"]
    arrows = np.zeros((len(portrait.rest_xy), 2))
    arrows[:7] = 3
    figure = explore.draw_arrows(portrait, {"some": arrows})
    assert figure.axes[0].get_title() == "some: 7 corners move"
    figure = explore.draw_close({"a": portrait.source, "b": portrait.source}, (-4, 10, 20, 12))
    assert figure.axes[1].images[0].get_array().shape == (12, 16, 3)          # the box, cut at the picture


def test_stretch_is_what_was_measured(portrait):
    poses = {"still": np.zeros(6), "turned": [20, 0, 0, 0, 0, 0]}
    figure = explore.draw_stretch(portrait, poses, lambda rest, now: np.linalg.norm(now - rest, axis=(1, 2)))
    still, turned = (figure.axes[k].collections[0].get_array() for k in (2, 3))
    assert np.allclose(still, 0, atol=.01) and turned.max() > 3
    assert len(turned) == len(portrait.triangles)
    figure = explore.draw_turned_too_far([0, 10], {"over 2": [0, .25]}, [0, 3])
    assert figure.axes[0].lines[0].get_ydata().tolist() == [0, 25]


def test_sliders_draw_at_their_ends(portrait, monkeypatch):
    from tfg.course.explore import photo

    seen = {}
    monkeypatch.setattr(photo, "sliders", lambda draw, **controls: seen.update(draw=draw, controls=controls))
    explore.photo_moves(portrait)
    for k in (0, 1):
        figure = seen["draw"](**{name: spec[k] for name, spec in seen["controls"].items()})
        assert len(figure.axes) == 2 and figure.axes[1].collections
