"""Figures and sliders of notebooks/12_speech_to_action_units_to_gan, and the values that they show."""
from __future__ import annotations

import numpy as np
import pytest
import torch

from test_course_explore import drawn, opened  # noqa: F401  (a fixture)
from tfg import paths
from tfg.course import explore
from tfg.course.explore.ietafs import unit_panel
from tfg.faces.aus import AUS
from tfg.networks.checkpoint import save
from tfg.systems.ietafs.aunet.network import Heard
from tfg.systems.ietafs.gan.network import PROFILES, Ietafs
from tfg.vocabulary import EMOTIONS

S = PROFILES["ci"].size


@pytest.fixture(scope="module")
def editor(tmp_path_factory):
    """A small photo and an untrained generator, whose flow and attention move with the units nevertheless."""
    torch.manual_seed(0)
    network = Ietafs(PROFILES["ci"])
    torch.nn.init.normal_(network.heads.weight, std=.3)
    if hasattr(network, "fields"):
        torch.nn.init.normal_(network.fields.weight, std=.3)
    save(network, folder := tmp_path_factory.mktemp("ietafs"), "ietafs", {})
    return explore.quick_editor(paths.data("faces", "default.jpg"), 128, folder)


@pytest.fixture(scope="module")
def heard():
    rng = np.random.default_rng(0)
    return Heard(rng.uniform(0, 3, (25, 17)).astype(np.float32), rng.uniform(-1, 1, (25, 17)).astype(np.float32),
                 np.full(6, 1 / 6, np.float32))


# ---- the face -------------------------------------------------------------------------------------------------
def test_a_quick_editor_is_small(editor):
    place = editor.seen.place
    assert 100 < place.columns.stop - place.columns.start < 160 and editor.photo.shape[0] < 256
    assert explore.cut(editor, editor.photo, 64).shape == (64, 64, 3)


def test_a_unit_moves_the_face(editor):
    assert explore.moved_by(editor, 26) > 0 == explore.moved_by(editor, 26, 0.0)


def test_each_unit_has_its_picture(editor):
    axes = drawn(explore.draw_edit_units(editor, side=32)).axes
    assert len(axes) == 1 + len(AUS) and axes[0].get_title() == "the photo"
    assert [ax.get_title().split()[0] for ax in axes[1:]] == [f"AU{au}" for au in AUS]


def test_the_attention_is_the_editors(editor):
    axes = drawn(explore.draw_attention(editor, 4, 2.0)).axes
    shown = axes[2].images[0].get_array()
    assert abs(shown.mean() - editor.attention("AU4=2").mean()) < .01 and 0 <= shown.min() <= shown.max() <= 1
    assert axes[0].get_ylabel() == "AU4 at 2.0"


def test_seventeen_sliders_move_the_face(editor):
    panel = unit_panel(editor)
    columns, _, page = panel.children
    boxes = [box for column in columns.children for box in column.children]
    assert [box.description.split()[0] for box in boxes] == [f"AU{au}" for au in AUS]
    picture = lambda page: page.value.split("data:image/png")[1]
    picture_before = picture(page)
    boxes[AUS.index(26)].value = 4
    assert picture(page) != picture_before and 'alt="AU26 4.00"' in page.value
    boxes[AUS.index(26)].value = 0
    assert picture(page) == picture_before


# ---- figures --------------------------------------------------------------------------------------------------
def test_figures_of_the_training():
    x = np.linspace(0, 1, 30)
    assert len(drawn(explore.draw_critics(x, x + 2, {"a": (x, x), "flat": (x, 0 * x)})).axes) == 2
    assert len(drawn(explore.draw_spread(np.ones(17))).axes[0].patches) == 17
    picture, one = np.full((S, S, 3), .5), np.full((S, S), .5)
    assert len(drawn(explore.draw_edit(picture, picture, one, np.zeros((2, S, S)), one, picture)).axes) == 6
    runs = {"a": ([.5, .4, .3], {1: one, 3: one}), "b": ([.5, .9, 1.0], {3: one})}
    axes = drawn(explore.draw_mask_means(runs)).axes
    assert len(axes) == 1 + 3 and np.allclose(axes[0].lines[2].get_ydata(), [.5, .4, .3])


def test_the_arrows_end_where_the_pixel_is_put():
    """Fetched from a quarter of the width to the right: content moves to the left."""
    flow, grey = np.zeros((2, S, S)), np.zeros((S, S))
    flow[0] = .5
    colour = np.zeros((S, S, 3))
    arrows = drawn(explore.draw_edit(colour, colour, grey, flow, grey, colour)).axes[2]
    quiver, = [c for c in arrows.collections if hasattr(c, "U")]
    assert (quiver.U == -S / 4).all() and (quiver.V == 0).all()


def test_figures_of_the_voice(heard):
    mel = np.random.default_rng(1).uniform(-4, 4, (128, 90))
    assert len(drawn(explore.draw_frame_window(mel, mel[:, 30:62], 12, 30)).axes) == 2
    curves = drawn(explore.draw_unit_curves({"heard": heard.speech}, heard.speech + 1, (26, 4, 12))).axes
    assert np.allclose(curves[1].lines[0].get_ydata(), heard.speech[:, AUS.index(4)] + 1) and not curves[3].axison
    drawn(explore.draw_unit_curves({"a": heard.speech, "b": heard.feeling}))
    table = drawn(explore.draw_heard({e: heard.emotion for e in EMOTIONS})).axes[0]
    assert len(table.texts) == 36 and table.get_yticklabels()[0].get_text() == "anger"
    strips = drawn(explore.draw_voice(np.zeros(16_000), heard, 2.0)).axes[2].images[0].get_array()
    assert np.allclose(strips, np.clip(heard.speech + 2 * heard.feeling, 0, 5).T)


# ---- sliders --------------------------------------------------------------------------------------------------
def test_the_explorers_open(opened, editor, heard):  # noqa: F811
    opened(lambda: explore.attention_of(editor))
    times = []
    sounds = {name: np.zeros(16_000, np.float32) for name in "ab"}
    opened(lambda: explore.voices(sounds, lambda y: times.append(1) or heard))
    assert len(times) == 2                                                # each sound once


def test_an_error_in_the_first_drawing_stops_the_cell():
    def broken(asked):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        unit_panel(broken)
