"""An answer corrected by the source's landmarks: lips' edges, teeth, irises, and the rim of what is drawn."""
from __future__ import annotations

import numpy as np
import pytest

from tfg import paths
from tfg.compose import calm
from tfg.compose.eyes import MEET, SKIN, STRETCH, THICK, held, near_irises, round_irises, shut, shutting
from tfg.compose.features import IRISES, SKULL, Features, features
from tfg.compose.mouth import on_the_lips, one_opening, own_opening, painted
from tfg.faces.landmarks import one_face
from tfg.head.model import Head, to_pixels
from tfg.media.image import read_image

SIDE = 96


def face(scale: float = 1.0) -> Features:
    """A face that looks straight on in an answer of 96 px: closed lips at row 66, 1 px is 2 mm."""
    x = np.linspace(34, 62, 11)
    lips = np.stack([np.stack([x, np.full(11, 66.0)], 1)] * 2)
    return Features(lips, np.array([[34.0, 40, 3], [62.0, 40, 3]]), np.array([48.0, 66]), 500 * np.eye(2),
                    np.ones(3)).scaled(scale)


def opening(top: float, bottom: float, side: int = SIDE) -> np.ndarray:
    """Trust (side, side): 0 between two rows in the columns 36 to 60 (of 96), 1 elsewhere."""
    rows = (np.arange(side) + .5) * SIDE / side - .5
    columns = np.abs(rows - 48) < 12
    part = np.clip(np.minimum(rows - top, bottom - rows) + .5, 0, 1)
    return (1 - part[:, None] * columns).astype(np.float32)


def test_features_of_a_drawn_head_are_where_it_was_projected():
    scale, shift = 900.0, np.array([200.0, 180])
    head = Head.load().landmark_points()
    q = head / (1 - head[:, 2:] / 1.0)                                    # a camera far away sees the same
    points = to_pixels(head, scale, shift)
    got = features(points, np.full((400, 400, 3), 160, np.uint8))
    np.testing.assert_allclose(got.axes, scale * np.eye(2), atol=.08 * scale)
    lips = to_pixels(q[[13, 14]].mean(0, keepdims=True), scale, shift)[0]
    np.testing.assert_allclose(got.teeth, lips, atol=.01 * scale)
    assert got.irises[:, 2] == pytest.approx(.0058 * scale, rel=.15)
    assert len(SKULL) == 27 and len(IRISES) == 2


def test_features_follow_a_larger_and_a_moved_picture():
    points = one_face(read_image(paths.data("faces", "default.jpg"))).points
    picture = np.full((2048, 2048, 3), 150, np.uint8)
    one, moved, large = (features(p, picture) for p in (points, points + [7, -3, 0], (points + .5) * 2 - .5))
    for name in ("lips", "irises", "teeth", "axes", "lids", "marks", "brows"):
        np.testing.assert_allclose(getattr(one.shifted([-7, 3]), name), getattr(moved, name), atol=1e-4)
        np.testing.assert_allclose(getattr(one.scaled(2.0), name), getattr(large, name), atol=1e-3)


@pytest.mark.parametrize("miss", [-2.0, 1.5])
def test_the_edges_of_the_opening_show_the_lips_of_the_source(miss):
    """Lips part about row 68, by 8 px in the middle; the network's flow misses the closed lips by some px."""
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    half = 4 * np.sqrt(np.clip(1 - ((columns - 48) / 12) ** 2, 0, 1))
    trust = 1 - np.clip(half - np.abs(rows - 68) + .5, 0, 1) * (half > 0)
    to = rows + np.where(rows < 68, half, -half) - 2 + miss               # both edges come from row 66, but for miss
    flow = np.stack([np.zeros_like(rows), (to - rows) * 2 / SIDE], -1)
    new = on_the_lips(flow, trust, face().lips)
    shown = rows + new[..., 1] * SIDE / 2
    for column in (42, 45, 48, 51, 54):
        for side in (-1, 1):
            edge = 68 + side * half[0, column]
            assert np.interp(edge, rows[:, 0], shown[:, column]) == pytest.approx(66, abs=.6), (column, side)
    change = (new - flow)[..., 1] * SIDE / 2
    assert (change[:30] == 0).all() and (new[..., 0] == flow[..., 0]).all()
    outside = (trust[:, 1:] == 1) & (trust[:, :-1] == 1)
    assert np.abs(np.diff(change, axis=1))[outside].max() < .8, "a step beside the corner of the mouth"


def test_closed_lips_are_left_alone():
    flow = np.random.default_rng(0).normal(0, .01, (SIDE, SIDE, 2)).astype(np.float32)
    np.testing.assert_array_equal(on_the_lips(flow, np.ones((SIDE, SIDE), np.float32), face().lips), flow)
    beyond = face().shifted([500, 0]).lips
    np.testing.assert_array_equal(on_the_lips(flow, opening(64, 72), beyond), flow)


def inside_of(top: float, bottom: float, scale: int = 4) -> np.ndarray:
    """What is painted between two rows at `scale` times the size, over grey."""
    share = 1 - opening(top, bottom, scale * SIDE)
    paint = np.full((*share.shape, 3), 128, np.float32)
    painted(paint, share, (0, 0), face(scale))
    return paint


def test_a_wide_open_mouth_shows_upper_teeth_over_a_dark_cavity():
    paint = inside_of(63, 75)
    column = paint[:, 4 * 46].mean(-1)
    assert column[4 * 66] > 150, "no tooth where the upper teeth stand"
    assert column[4 * 69] < 80, "no dark below their edge (3.4 mm, 1.7 px, below the closed lips)"
    assert (paint[:4 * 60] == 128).all() and (paint[:, :4 * 30] == 128).all()
    across = paint[4 * 66, 4 * 40:4 * 56].mean(-1)
    assert (np.diff(np.sign(np.diff(across))) != 0).sum() > 4, "one band instead of teeth"


@pytest.mark.parametrize("share", [.25, .75])
def test_between_lips_paint_is_seen_or_not(share):
    """Half a tooth over half a lip is neither."""
    all_of_it = np.full((SIDE, SIDE), share, np.float32)
    painted(np.full((SIDE, SIDE, 3), 128, np.float32), all_of_it, (0, 0), face())
    assert all_of_it[67, 48] == pytest.approx(round(share), abs=.03) and all_of_it[20, 48] == np.float32(share)


def test_a_narrow_gap_is_dark():
    wide, narrow = inside_of(63, 75), inside_of(66, 66.6)
    assert narrow[4 * 66 + 2, 4 * 46].mean() < .5 * wide[4 * 66 + 2, 4 * 46].mean()


def test_paint_far_from_the_mouth_stays_as_the_network_made_it():
    share = np.zeros((4 * SIDE, 4 * SIDE), np.float32)
    share[100:120, 150:200] = .8                                          # between the brows
    paint = np.full((*share.shape, 3), 90, np.float32)
    painted(paint, share, (0, 0), face(4))
    assert (paint == 90).all() and share[110, 170] == np.float32(.8)


@pytest.mark.parametrize("stretch", [1.5, .7])
def test_an_iris_is_carried_whole_and_stays_round(stretch):
    """The network stretches the eyes about row 38; an iris moves along, but is not made an oval."""
    rows = np.arange(SIDE, dtype=np.float32)[:, None].repeat(SIDE, 1)
    source_row = 38 + (rows - 38) / stretch
    flow = np.stack([np.zeros_like(rows), (source_row - rows) * 2 / SIDE], -1)
    irises = face().irises
    new = round_irises(flow, irises)
    columns = np.arange(SIDE, dtype=np.float32)[None].repeat(SIDE, 0)
    shown = np.stack([columns, rows], -1) + new * SIDE / 2                # where each pixel looks
    size = np.clip(np.sqrt(stretch), *STRETCH)
    for x, y, radius in irises:
        within = np.linalg.norm(shown - [x, y], axis=-1) < .95 * radius
        ys, xs = np.nonzero(within)
        assert np.ptp(xs) + 1 == pytest.approx(2 * radius * size, abs=1.2)
        assert np.ptp(ys) == pytest.approx(np.ptp(xs), abs=1)
        assert ys.mean() == pytest.approx(38 + (y - 38) * stretch, abs=.8)
    away = np.min([np.linalg.norm(np.stack([columns, rows], -1) - i[:2], axis=-1) for i in irises], 0) > 12
    np.testing.assert_array_equal(new[away], flow[away])


def test_no_flow_leaves_an_iris_as_it_is():
    flow = np.zeros((SIDE, SIDE, 2), np.float32)
    assert np.abs(round_irises(flow, face().irises)).max() < 1e-6


def test_a_flow_fades_towards_the_rim_of_the_mask():
    mask = np.zeros((40, 40), np.float32)
    mask[5:35, 5:35] = 1
    fade = calm.inwards(mask, np.full((40, 1), 8.0))
    assert fade[20, 20] == 1 and fade[20, 5] == 0 and fade[20, 2] == 0
    assert (np.diff(fade[20, 5:20]) >= 0).all() and .3 < fade[20, 9] < .7


def test_near_irises_are_the_eyes_and_not_the_brows():
    eyes = near_irises(SIDE, face().irises)
    assert eyes[40, 34] == eyes[40, 62] == 1 and eyes[40, 38] > .5
    assert (eyes[:30] == 0).all() and (eyes[:, 48] == 0).all() and (eyes[55:] == 0).all()


# ---- openings of small networks ------------------------------------------------------------------------------------
def test_a_mouth_has_one_opening():
    """What is unknown below the nose, where the upper lip hides it, is no mouth; a soft rim goes with its own place."""
    lips = face().lips
    both = np.minimum(opening(64, 70), 1 - .6 * (1 - opening(50, 53)))
    both[54] = np.minimum(both[54], .9)                                   # the rim of what is unknown below the nose
    got = one_opening(both.astype(np.float32), lips)
    np.testing.assert_array_equal(got[:56], 1)
    np.testing.assert_array_equal(got[60:], both[60:].astype(np.float32))
    alone = opening(64, 70).astype(np.float32)
    assert one_opening(alone, lips) is alone


def test_a_photos_own_open_mouth_is_painted_over():
    """The flow shows the photo's teeth four pixels further down: nothing is copied there. Closed lips change nothing.
    """
    lips = face().lips.copy()
    trust, flow = np.ones((SIDE, SIDE), np.float32), np.zeros((SIDE, SIDE, 2), np.float32)
    flow[..., 1] = -4 / (SIDE / 2)
    assert own_opening(trust, flow, lips) is trust
    lips[0, 1:-1, 1] -= 4
    lips[1, 1:-1, 1] += 4
    got = own_opening(opening(80, 86).astype(np.float32), flow, lips)    # what the network took for an opening
    assert (got[68:73, 42:55] < .05).all() and got[64, 48] > .95 and (got[:, :30] == 1).all() and (got[80:] == 1).all()


# ---- lids -----------------------------------------------------------------------------------------------------------
def lids(turn_deg: float = 0.0) -> np.ndarray:
    """Two eyes of 40 px, 16 px open in the middle, at (40, 60) and (120, 60) and turned about (100, 60)."""
    t = np.linspace(0, 1, 9)
    up, low = (np.stack([40 * t, side * 32 * t * (1 - t)], 1) for side in (-1, 1))
    both = np.array([[edge + [x, 60] for edge in (up, low)] for x in (40, 120)])
    c, s = np.cos(np.deg2rad(turn_deg)), np.sin(np.deg2rad(turn_deg))
    return (both - [100, 60]) @ np.array([[c, s], [-s, c]]) + [100, 60]


@pytest.mark.parametrize("share", [.5, 1.0])
def test_a_lid_is_drawn_down_over_its_eye(share):
    y, x = np.mgrid[:140, :200].astype(np.float32)
    got_x, got_y = shut(x, y, lids(), share)
    column, top, bottom = got_y[:, 60], 52, 68                            # through the middle of the left eye
    edge = top + share * MEET * 16
    assert (got_x == x).all() and (np.diff(column) >= -1e-3).all()        # nothing is turned over
    np.testing.assert_allclose(column[int(edge)], int(edge) - share * MEET * 16, atol=.6)      # the lid's own edge
    between = np.arange(int(edge) + 2, int(bottom - share * (1 - MEET) * 16) - 1)
    np.testing.assert_array_equal(column[between], between)               # what is still open stays as it is
    away = np.abs(got_y - y)
    assert max(away[:20].max(), away[100:].max(), away[:, 90:110].max()) < .02


def test_eyes_widen_and_what_is_between_the_lids_comes_along():
    y, x = np.mgrid[:140, :200].astype(np.float32)
    column = shut(x, y, lids(), -.3)[1][:, 60]
    edge = 52 - .3 * MEET * 16                                            # the upper lid's new edge
    at = np.arange(140)
    np.testing.assert_allclose(np.interp(edge, at, column), 52, atol=.6)  # the old edge is shown there
    assert (np.diff(column) > 0).all() and column[60] == pytest.approx(60, abs=.2)


@pytest.mark.parametrize("share, turn_deg", [(.6, 0.0), (-.25, 0.0), (.6, 20.0)])
def test_how_far_a_flow_shuts_the_eyes(share, turn_deg):
    """Both edges are drawn towards their middle by that share, along the face's own axes."""
    edges, flow = lids(turn_deg), np.zeros((140, 200, 2), np.float32)
    down = np.array([-np.sin(np.deg2rad(turn_deg)), np.cos(np.deg2rad(turn_deg))])
    y, x = np.mgrid[:140, :200]
    for eye in edges:
        middle = eye.mean((0, 1))
        away = (np.stack([x, y], -1) - middle) @ down                     # (140, 200) px below the eye's middle
        near = np.linalg.norm(np.stack([x, y], -1) - middle, axis=-1) < 30
        open_ = 32 * .25                                                  # half the opening in its middle
        flow[near] = (np.clip(away, -open_, open_)[..., None] * share * down / (100, 70))[near]
    assert shutting(flow, edges) == pytest.approx(share, abs=.12)
    assert shutting(flow, np.full_like(edges, np.nan)) == 0
    assert shutting(np.full_like(flow, .1), edges) == pytest.approx(0, abs=.02)       # a head that only moves


def test_brows_that_rise_do_not_lift_the_lids():
    flow = np.zeros((140, 200, 2), np.float32)
    flow[..., 1] = .1
    got = held(flow, lids())
    assert np.abs(got[54:66, 50:70]).max() < .01                          # in the eye
    assert got[20, 60, 1] == pytest.approx(.1) and got[60, 190, 1] == pytest.approx(.1)
    above = got[24:52, 60, 1]
    assert (np.diff(above) <= 0).all() and above[0] > .08                 # from the brow to the lid less and less


def brows(height: float) -> np.ndarray:
    """(2, 5, 2) px: brows so far above the middle of the lids' upper edges."""
    return np.array([np.stack([np.linspace(x, x + 40, 5), np.full(5, 52 - height)], 1) for x in (40, 120)])


@pytest.mark.parametrize("rise", [.02, .15, .5, -.3])
def test_a_low_brow_moves_as_a_whole_and_turns_nothing_over(rise):
    """20 px above its lid, of which 10.4 are its hair: below it 9.6 px of skin are there to be stretched."""
    flow = np.zeros((140, 200, 2), np.float32)
    flow[..., 1] = rise
    free = 20 - THICK[2] * 40
    got = held(flow, lids(), brows(20))[:, 60, 1] * 70                    # px that each row is fetched from below
    rows = np.diff(np.arange(53) + got[:53])
    assert (rows[10:] > 0).all()                                          # rows stay in their order
    most = SKIN[rise < 0] * free
    by = np.clip(70 * rise, -most, most)
    hair = got[int(np.ceil(32 - by)):int(52 - free - by) + 1]             # where the brow is shown
    assert len(hair) >= 10 and hair == pytest.approx(by, rel=.1, abs=.05)
    assert abs(got[52]) < .02
    assert rows[int(52 - free - by):].min() > .45                         # no row of skin is smeared over more than two
    plain = held(flow, lids())[:, 60, 1] * 70
    assert abs(plain[40]) < .8 * abs(70 * rise)                           # without brows it would be smeared


@pytest.mark.parametrize("height", [14, 20, 28])
def test_make_up_stays_beside_the_lid_in_fear(height):
    """Brows rise as far as they can and eyes widen: 4 px of make-up above the lid are no dark blot below the brow."""
    flow = np.zeros((140, 200, 2), np.float32)
    flow[..., 1] = .5
    flow = held(flow, lids(), brows(height))
    y, x = np.mgrid[:140, :200].astype(np.float32)
    shown = shut(x, y + flow[..., 1] * 70, lids(), -.25, brows(height))[1]
    for column, edge in ((52, 53.3), (60, 52.0), (68, 53.3)):             # the lid's edge, px of the source
        there = (shown[:, column] < edge) & (shown[:, column] > edge - 4)
        assert 3 <= there.sum() <= 7, (column, there.sum())
    assert np.interp(52, shown[:60, 60], np.arange(60)) < 51, "the eye is no wider"


@pytest.mark.parametrize("share", [1.0, -.3])
def test_lids_move_the_skin_up_to_the_brow_and_not_the_brow(share):
    y, x = np.mgrid[:140, :200].astype(np.float32)
    free = 16 - THICK[2] * 40
    column, plain = (shut(x, y, lids(), share, given)[1][:, 60] for given in (brows(16), None))
    above = np.arange(140) < 52 - free - 1
    assert np.abs(column - np.arange(140))[above].max() < .05 < np.abs(plain - np.arange(140))[above].max()
    assert (np.diff(column) >= -1e-3).all() and np.abs(column - np.arange(140)).max() > .8


def test_eyes_shut_along_a_turned_face_and_not_at_all_without_a_share():
    y, x = np.mgrid[:140, :200].astype(np.float32)
    for got, want in zip(shut(x, y, lids(), 0.0), (x, y)):
        np.testing.assert_array_equal(got, want)
    middle = lids(20.0)[0].mean((0, 1))
    column, row = np.rint(middle).astype(int)
    got_x, got_y = shut(x, y, lids(20.0), 1.0)
    step = np.array([got_x[row, column] - column, got_y[row, column] - row])
    up = np.array([np.sin(np.deg2rad(20)), -np.cos(np.deg2rad(20))])
    assert step @ up == pytest.approx(MEET * 16, abs=1.5) and abs(step @ [up[1], -up[0]]) < .1


def test_shut_eyes_show_skin_and_nothing_else_changes():
    from tfg.compose import draw
    from tfg.compose.place import Place
    from tfg.faces.face_region import face_region

    photo = read_image(paths.data("faces", "default.jpg"))
    found = one_face(photo)
    from tfg.faces import align
    from tfg.faces.face_region import MARGIN

    matrix = align.box_matrix(align.crop_box(found.points[:, :2], MARGIN), SIDE)
    place = Place(matrix, (SIDE, SIDE), photo.shape[:2], face_region(4 * SIDE))
    known = features(found.points, photo).shifted([place.columns.start, place.rows.start])
    still = np.zeros((SIDE, SIDE, 3), np.float32), np.zeros((SIDE, SIDE, 2), np.float32), np.ones((SIDE, SIDE))
    part = photo[place.rows, place.columns]
    open_, closed = (draw.drawn(part, place, *still, face=known, shut=share) for share in (0.0, 1.0))
    rows, columns = place.inner
    iris = np.rint(known.irises[:, :2] - [columns.start, rows.start]).astype(int)
    np.testing.assert_array_equal(open_, part[place.inner].astype(np.float32))
    changed = np.abs(closed - open_).max(-1) > 8
    assert all(changed[y, x] for x, y in iris)
    away = np.min([np.hypot(*(np.mgrid[:changed.shape[0], :changed.shape[1]] - iris[k][::-1, None, None]))
                   for k in (0, 1)], 0)
    assert not changed[away > 12 * known.irises[:, 2].max()].any()
