"""A small answer applied at the source's own resolution: what is copied stays, what moves moves right, grain fits."""
from __future__ import annotations

import numpy as np
import pytest
import torch

from tfg.compose import calm, draw, grain
from tfg.compose.answer import Answer, checked
from tfg.compose.place import Place
from tfg.errors import InputError

S = 24
PICTURE = (240, 320)
MATRIX = np.array([[.15, 0, -6.2], [0, .15, -4.1]])              # a crop of 160 px, asked 24 x 24


@pytest.fixture(scope="module")
def picture():
    return np.random.default_rng(0).integers(0, 256, (*PICTURE, 3)).astype(np.uint8)


def answer(colour=.5, flow=(0, 0), trust=1.0):
    return (np.full((S, S, 3), colour, np.float32), np.tile(np.float32(flow), (S, S, 1)),
            np.full((S, S), trust, np.float32))


def source_of(picture, place):
    return picture[place.rows, place.columns].copy()


def test_no_flow_and_full_trust_give_the_source_back_to_the_byte(picture):
    place = Place(MATRIX, (S, S), PICTURE)
    new = draw.drawn(source_of(picture, place), place, *answer(), grain_seed=1)
    np.testing.assert_array_equal(draw.lay(new, picture.copy(), place), picture)


@pytest.mark.parametrize("step_px", [(.5, 0), (-3.25, 0), (0, 2.75), (1.6, -4.4)])
def test_a_known_flow_moves_a_known_edge_by_the_right_subpixel(step_px):
    """Edges 24 px wide, 10 levels a px, tell where they are sampled. The flow is in half sides of the answer, whose px
    are 1 / .15 px of the picture."""
    y, x = np.mgrid[:PICTURE[0], :PICTURE[1]]
    picture = np.stack([np.clip(10 * (x - 110), 0, 255), np.clip(10 * (y - 100), 0, 255), 0 * x], -1).astype(np.uint8)
    place = Place(MATRIX, (S, S), PICTURE)
    new = draw.drawn(source_of(picture, place), place, *answer(flow=np.array(step_px) * .15 / (S / 2)))
    moved = draw.lay(new, picture.copy(), place).astype(float) - picture
    np.testing.assert_allclose(moved[90:150, 116:129, 0] / 10, step_px[0], atol=1 / 32 + .06)
    np.testing.assert_allclose(moved[106:119, 90:150, 1] / 10, step_px[1], atol=1 / 32 + .06)


def test_a_flow_of_a_turned_answer_goes_where_its_axes_point():
    """An answer that lies turned by 90 degrees in the picture: its x is the picture's y."""
    turned = np.array([[0, .15, -4.0], [-.15, 0, 30.0]])
    y, x = np.mgrid[:PICTURE[0], :PICTURE[1]]
    place = Place(turned, (S, S), PICTURE)
    source = np.stack([x % 256, y, 0 * x], -1).astype(np.uint8)[place.rows, place.columns]
    moved = draw.drawn(source, place, *answer(flow=(3 * .15 / (S / 2), 0))) - source[place.inner]
    middle = moved[40:80, 40:80]
    np.testing.assert_allclose(np.median(middle[..., 1]), 3, atol=.05)
    np.testing.assert_allclose(np.median(middle[..., 0]), 0, atol=.05)


def test_no_trust_gives_the_enlarged_colour(picture):
    place = Place(MATRIX, (S, S), PICTURE)
    colour, flow, trust = answer(trust=0.0)
    colour[:] = np.linspace(.2, .8, S, dtype=np.float32)[None, :, None]
    new = draw.drawn(source_of(picture, place), place, colour, flow, trust)
    columns = np.arange(place.columns.start, place.columns.stop) + 0.0
    expected = 255 * np.interp(columns[place.inner[1]] * .15 - 6.2, np.arange(S), colour[0, :, 0])
    np.testing.assert_allclose(new[:, 10:-10].mean((0, 2)), expected[10:-10], atol=.6)


def test_a_face_that_is_small_in_the_picture_is_drawn_by_areas(picture):
    small = np.array([[3.0, 0, -60], [0, 3.0, -60]])               # 8 px in the picture for 24 of the answer
    place = Place(small, (S, S), PICTURE)
    colour, flow, trust = answer(trust=0.0)
    colour[::2], colour[1::2] = 0, 1                                # finer than the picture: neither black nor white
    new = draw.drawn(source_of(picture, place), place, colour, flow, trust)
    assert place.scale == pytest.approx(1 / 3) and 60 < new[3:-3, 3:-3].min() and new[3:-3, 3:-3].max() < 195


def test_only_the_mask_changes_and_its_edge_is_soft():
    mask = np.zeros((4 * S, 4 * S), np.float32)
    mask[24:72, 24:72] = 1
    place = Place(MATRIX, (S, S), PICTURE, mask)
    flat = np.full((*PICTURE, 3), 100, np.uint8)
    new = draw.lay(draw.drawn(source_of(flat, place), place, *answer(.8, trust=0.0)), flat.copy(), place)
    rows, columns = np.nonzero((new != 100).any(2))
    low, high = (6 - .5 + 4.1) / .15, (18 - .5 + 4.1) / .15
    assert low - 4 < rows.min() < low + 4 and high - 4 < rows.max() < high + 4
    assert (new[120, 120] == 204).all() and len(np.unique(columns)) < 100


@pytest.mark.parametrize("shift", [(-400, 0), (0, 900)])
def test_a_place_outside_of_the_picture_changes_nothing(shift):
    place = Place(MATRIX + np.array([[0, 0, shift[0]], [0, 0, shift[1]]]), (S, S), PICTURE)
    assert place.inner is None


def test_a_place_that_reaches_beyond_the_picture_is_drawn_within_it(picture):
    place = Place(np.array([[.15, 0, 6], [0, .15, 9.0]]), (S, S), PICTURE)
    new = draw.lay(draw.drawn(source_of(picture, place), place, *answer()), picture.copy(), place)
    np.testing.assert_array_equal(new, picture)
    assert (place.rows.start, place.columns.start) == (0, 0) and place.shape[0] < 160


# ---- grain ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("sigma", [2.0, 6.0])
def test_painted_areas_get_the_grain_of_their_surroundings(sigma):
    noisy = np.full((*PICTURE, 3), 120, np.float32)
    noisy += sigma * grain.noise(PICTURE, 5)[..., None]
    noisy = np.rint(noisy).astype(np.uint8)
    place = Place(MATRIX, (S, S), PICTURE)
    colour, flow, trust = answer(120 / 255)
    trust[8:16, 8:16] = 0
    plain, grained = (draw.drawn(source_of(noisy, place), place, colour, flow, trust, grain_seed=seed)
                      for seed in (None, 3))
    patch = np.zeros(plain.shape[:2], bool)
    patch[65:95, 65:95] = True
    around = grain.level(noisy[place.rows, place.columns][place.inner], ~patch)
    assert grain.level(plain, patch) < .1 * around
    assert grain.level(grained, patch) == pytest.approx(around, rel=.15)
    again, other = (draw.drawn(source_of(noisy, place), place, colour, flow, trust, grain_seed=s) for s in (3, 4))
    np.testing.assert_array_equal(again, grained)
    assert np.abs(other - grained)[patch].mean() > .5


def test_grain_is_measured_beside_edges_not_on_them():
    picture = np.full((100, 100, 3), 40, np.float32)
    picture[:, 50:] = 200
    picture += 3 * grain.noise((100, 100), 1)[..., None]
    assert grain.level(picture, np.ones((100, 100), bool)) == pytest.approx(3, rel=.15)
    assert grain.level(picture, np.zeros((100, 100), bool)) == 0


# ---- what is refused ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["colour", "flow", "trust"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_is_refused_in_one_sentence(name, value):
    parts = Answer(torch.rand(2, 3, 8, 8), torch.zeros(2, 2, 8, 8), torch.rand(2, 1, 8, 8))
    assert checked(parts).colour.dtype == np.float32
    getattr(parts, name)[1, 0, 3, 3] = value
    with pytest.raises(InputError, match=f"the checkpoint draws {name} that is no number .*weights are broken"):
        checked(parts, "the checkpoint")


def test_parts_of_different_sizes_are_a_programming_error():
    with pytest.raises(ValueError, match="colour, flow and trust are"):
        checked(Answer(torch.rand(2, 3, 8, 8), torch.zeros(2, 2, 8, 9), torch.rand(2, 1, 8, 8)))


# ---- steadier answers -----------------------------------------------------------------------------------------------
def test_a_flow_is_smoothed_by_those_who_are_trusted():
    flow, trust = np.zeros((S, S, 2), np.float32), np.ones((S, S), np.float32)
    flow[..., 0] = .05
    flow[10:14, 10:14], trust[10:14, 10:14] = .9, 0.0              # where it paints, its flow means nothing
    new = calm.smooth_flow(flow, trust, 1.5, most=.1)
    np.testing.assert_allclose(new[:, :8, 0], .05, atol=.002)
    assert np.linalg.norm(new, axis=-1).max() < .1 + 1e-6
    np.testing.assert_allclose(new[9, 9], [.05, 0], atol=.01)


def test_copies_are_preferred_where_paint_says_the_same():
    copy = np.full((S, S, 3), .5, np.float32)
    colour = copy.copy()
    colour[:, 12:] += .3
    trust = calm.prefer_copy(np.full((S, S), .2, np.float32), colour, copy, near=.05)
    assert (trust[:, :12] == 1).all() and np.allclose(trust[:, 12:], .2)


def test_trust_decides():
    trust = calm.decided(np.float32([0, .2, .3, .6, .9, 1]), .3, .9)
    np.testing.assert_allclose(trust, [0, 0, 0, .5, 1, 1], atol=1e-6)


def test_paint_is_no_bluer_than_the_light_on_the_face():
    skin = np.full((S, S, 3), [.8, .5, .32], np.float32)
    teeth = np.full((S, S, 3), [.4, .45, .5], np.float32)
    new = calm.warmed(teeth, skin, np.ones((S, S), np.float32))
    assert (new[..., 0] > new[..., 1]).all() and (new[..., 1] > new[..., 2]).all()
    np.testing.assert_allclose(new.mean(), teeth.mean(), rtol=.1)
    grey = np.full((S, S, 3), .6, np.float32)
    np.testing.assert_allclose(calm.warmed(grey, grey, np.ones((S, S), np.float32)), grey, atol=1e-3)
