"""Figures and sliders of notebooks/13_deformable_synthesis, and the values that they show."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgba

from test_course_explore import drawn, opened  # noqa: F401  (a fixture)
from tfg import paths
from tfg.course import explore
from tfg.plot_style import COLOURS
from tfg.systems.deformable import network as deformable
from tfg.systems.deformable.sound import LEAD
from tfg.vocabulary import EMOTIONS, index

CI = deformable.PROFILES["ci"]
S, T = CI.size, 6


@pytest.fixture(scope="module")
def net():
    """An untrained generator whose fields, offsets and memory move with whatever comes in."""
    torch.manual_seed(0)
    made = deformable.Deformable(CI)
    torch.nn.init.normal_(made.common, std=.3)
    with torch.no_grad():
        made.heads.bias[3] = 0                                            # half is painted
        for part in (made.weights[-1].weight, made.noise.weight_ih_l0, made.speech.weight_ih_l0, made.ears.join.weight):
            part.mul_(5)
    for layer in made.sampled.values():
        torch.nn.init.normal_(layer.where.weight, std=.1)
    return made.eval()


@pytest.fixture(scope="module")
def audio():
    return np.random.default_rng(0).normal(0, .1, 640 * T).astype(np.float32)


@pytest.fixture(scope="module")
def photo():
    return explore.face_crop(paths.data("faces", "default.jpg"), S)


@pytest.fixture(scope="module")
def told(net, audio):
    return explore.told_of(net, audio, "HAP")


# ---- values ---------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def jaws():
    return explore.jaws((1,), (.3, .8), 48)


def test_jaws_drop_and_lips_with_them(jaws):
    assert jaws.photo.shape == (1, 48, 48, 3) and jaws.frames.shape == (1, 2, 48, 48, 3) and 0 <= jaws.frames.min()
    assert jaws.lip.shape == (1, 3, 2) and (np.diff(jaws.lip[0, :, 1]) > .5).all() and jaws.lip.max() < 48
    away = np.abs(jaws.frames[0] - jaws.photo[0]).mean((1, 2, 3))
    assert away[1] > away[0] > .001


def test_one_voice_has_several_true_films():
    found = explore.acted(1, ("HAP", "SAD"), size=48, frames=3)
    assert len(found.audio) == 640 * 3 and set(found.films) == {"HAP", "SAD"}
    assert found.films["HAP"].shape == (3, 48, 48, 3) == found.films["SAD"].shape and found.photo.shape == (48, 48, 3)
    smile = {e: x[:, index("mouthSmile")].mean() for e, x in found.expression.items()}
    assert smile["HAP"] > smile["SAD"]


def test_a_face_is_cut_as_film_systems_cut_it(photo):
    assert photo.shape == (S, S, 3) and photo.std() > 20


def test_films_are_the_networks(net, photo, told):
    film = explore.drawn_film(net, photo, told)
    assert told.shape[0] == LEAD + T and film.shape == (T, S, S, 3) and film.dtype == np.uint8
    assert np.abs(np.diff(film.astype(int), axis=0)).max() > 0
    alone = explore.drawn_film(net, photo, told, memory=False)
    assert alone.shape == film.shape and np.abs(alone.astype(int) - film).max() > 0


def test_offsets_are_those_of_the_frame_less_those_of_silence(net, photo, told):
    found, weights = explore.looked(net, photo, told)
    assert weights.shape == (T, 9, 16, 16) and weights.min() >= 0 < weights.std()
    assert found.shape == (T, 9, 2, 16, 16) and np.abs(np.diff(found, axis=0)).max() > 1e-4
    again = explore.looked(net, photo, torch.cat([told[:LEAD], told[LEAD - 1:LEAD].repeat(2, 1)]), 16)[0]
    assert np.abs(again).mean() < np.abs(found).mean()


# ---- figures --------------------------------------------------------------------------------------------------
def test_reach(jaws):
    axes = drawn(explore.draw_reach(jaws.photo[0], jaws.frames[0, 1], *jaws.lip[0, [0, 2]])).axes
    assert [round(patch.get_width()) for patch in axes[1].patches if hasattr(patch, "get_width")] == [3, 9]


@pytest.mark.parametrize("place", [(0, 0), (15, 15), (12, 8)])
def test_taps_are_where_the_offsets_lead(place, photo):
    """One place looks two places up and three to the right, all others stay."""
    offsets = np.zeros((9, 2, 16, 16))
    offsets[:, 0, place[0], place[1]], offsets[:, 1, place[0], place[1]] = -2, 3
    frame, taps, field = drawn(explore.draw_taps(photo, offsets, place, frame=photo)).axes
    start, end = taps.lines[-1].get_xydata(), taps.collections[0].get_offsets()
    px = S / 16
    starts = np.stack([line.get_xydata()[0] for line in taps.lines[:9]])
    assert np.allclose(end - starts, [3 * px, -2 * px]) and np.allclose(start, starts)
    assert np.allclose(starts[4], (np.array(place[::-1]) + .5) * px - .5)
    assert np.allclose(starts[1] - starts[4], [0, -px])                   # tap 1 is above the middle
    arrows, = [c for c in field.collections if hasattr(c, "U")]
    assert np.isclose(arrows.U.max(), 3 * px) and np.isclose(arrows.V.min(), -2 * px)
    only = np.zeros((9, 16, 16))
    only[4] = .3
    offsets[4] = 1
    arrows, = [c for c in drawn(explore.draw_taps(photo, offsets, place, only)).axes[1].collections if hasattr(c, "U")]
    assert np.allclose(arrows.U, px) and np.allclose(arrows.V, px)        # a tap that counts nothing is not seen


def test_large_fields_have_fewer_arrows(photo):
    field = drawn(explore.draw_taps(photo, np.zeros((9, 2, 64, 64)), (0, 63))).axes[-1]
    arrows, = [c for c in field.collections if hasattr(c, "U")]
    assert len(arrows.U) == 16 * 16


def test_other_figures():
    axes = drawn(explore.draw_padding(np.eye(5), 2.5, {1: .9, 2: .5})).axes
    assert [t.get_text() for t in axes[1].texts] == ["90%", "50%"]
    lines = drawn(explore.draw_falls({"a": ([1, 2, 3], [3, 2, 1]), "b": ([1], [2])}, {"still": 4})).axes[0].lines
    assert len(lines) == 3 and lines[2].get_ydata()[0] == 4
    table = np.array([[20.0, 10], [5, 30]])
    axes = drawn(explore.draw_truths({"PSNR": table, "SSIM": table / 50}, ["x", "y"], ("HAP", "SAD"), (0, None))).axes
    assert [t.get_text() for t in axes[0].texts] == ["20.0", "10.0", "5.0", "30.0"] and len(axes[0].patches) == 1
    assert axes[1].texts[0].get_text() == "0.400"


def test_phases_are_named_and_a_value_counts_once_a_step():
    rows = [(5, "mouth", .2), (10, "mouth", .1), (10, "mouth", .1), (10, "jaw_r", .5)]
    axes = drawn(explore.draw_phases({"a": rows}, {"jaw_r": "ears", "mouth": "eyes"}, {"pre": 4, "joint": 6},
                                     {"eyes": ("still", .3)})).axes
    assert [t.get_text() for t in axes[0].texts] == ["pre", "joint"] and len(axes[0].lines) == 1
    assert list(axes[1].lines[0].get_xdata()) == [5, 10] and axes[1].lines[1].get_ydata()[0] == .3


def test_following_tells_mouth_from_the_rest():
    opening, mouth = np.array([0, 1, 0, 1.0]), np.zeros((4, 4))
    mouth[3] = 1
    offsets = np.zeros((4, 9, 2, 4, 4))
    offsets[:, :, 0, 3] = -opening[:, None, None]
    labels = [line.get_label() for line in drawn(explore.draw_following(opening, offsets, mouth)).axes[1].lines]
    assert labels == ["at the mouth, r = 1.00", "elsewhere, r = 0.00"]


@pytest.mark.parametrize("profile", ["ci", "cpu", "gpu"])
def test_the_diagram_names_every_level(profile):
    config = deformable.PROFILES[profile]
    texts = [t.get_text() for t in drawn(explore.draw_deformable(config)).axes[0].texts]
    assert texts.count("deformable") == len(config.space) + len(config.look) and texts.count("ConvLSTM") == 1
    for width, side in zip(config.up, (8 << k for k in range(len(config.up)))):
        assert f"{side} px, {width}" in texts
    plain = [t.get_text() for t in explore.draw_deformable(replace(config, deform=False)).axes[0].texts]
    assert "deformable" not in plain


@pytest.mark.parametrize("seed, emotion", [(0, "NEU"), (9, "ANG")])
def test_another_seed_draws_other_movements(net, photo, audio, seed, emotion):
    axes = drawn(explore.draw_noise(net, photo, audio, seed, emotion)).axes
    assert len(axes) == 1 + 6 and [line.get_label() for line in axes[0].lines] == ["blink", "yaw", "pitch"]
    if seed:
        other = explore.draw_noise(net, photo, audio, 0, emotion).axes[0]
        assert any((a.get_ydata() != b.get_ydata()).any() for a, b in zip(axes[0].lines, other.lines))


def test_a_judge_says_what_it_sees(net, photo, audio):
    shares = np.full(6, 1 / 6)
    axes = drawn(explore.draw_mismatch(net, photo, audio, "SAD", "HAP", lambda film: np.log(shares))).axes
    assert axes[0].get_ylabel() == "voice: happiness\nface: sadness" and len(axes[-1].patches) == 6
    assert len(drawn(explore.draw_mismatch(net, photo, audio, "SAD")).axes) == 6
    assert axes[-1].patches[0].get_facecolor() != to_rgba(COLOURS[0])


# ---- sliders --------------------------------------------------------------------------------------------------
def test_the_explorers_open(opened, net, photo, audio, told):  # noqa: F811
    film, found = explore.drawn_film(net, photo, told), explore.looked(net, photo, told)
    opened(lambda: explore.offset_field(photo, film, *found))
    opened(lambda: explore.noises(net, photo, audio))
    opened(lambda: explore.mismatches(net, photo, {e: audio for e in EMOTIONS[:2]}))
