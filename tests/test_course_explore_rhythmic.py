"""Figures and sliders of notebooks/14_rhythmic_heads, and the values that they show."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb

from test_course_explore import drawn, opened  # noqa: F401  (a fixture)
from tfg import paths
from tfg.course import explore
from tfg.plot_style import COLOURS
from tfg.systems.rhythmic import network as rhythmic
from tfg.systems.rhythmic import pose
from tfg.vocabulary import index

CI = rhythmic.PROFILES["ci"]
S, T = CI.size, 5
AHEAD, LEFT, RIGHT = (np.array([yaw, 0, 0, 0, 0, 0], float) for yaw in (0, -20, 20))


@pytest.fixture(scope="module")
def net():
    """An untrained generator that trusts its copies, and paints by what it is given."""
    torch.manual_seed(0)
    made = rhythmic.Rhythmic(CI)
    with torch.no_grad():
        made.flow_ref.head.bias[2], made.flow_ani.head.bias[2] = 1.0, 2.0
        made.blocks[-1].conv2.weight.mul_(8)
        made.landmark[1][0].weight.mul_(4)
    return made.eval()


@pytest.fixture(scope="module")
def ada():
    return explore.sitter(102, (AHEAD, LEFT, RIGHT), size=S)


@pytest.fixture(scope="module")
def ben():
    return explore.sitter(108, (AHEAD,), size=S)


@pytest.fixture(scope="module")
def films(ada, ben):
    return explore.look_around(ada, frames=T), explore.look_around(ben, emotion="ANG", seed=2, frames=T)


@pytest.fixture(scope="module")
def people(ada, ben, films):
    return {"Ada": (ada, films[0]), "Ben": (ben, films[1])}


@pytest.fixture(scope="module")
def turned(ada):
    """Landmarks of three turns, (3, 68, 3) px."""
    return np.stack([ada.true(p)[1] for p in (LEFT, AHEAD, RIGHT)])


# ---- people ---------------------------------------------------------------------------------------------------
def test_shots_show_the_poses_that_were_asked_for(ada):
    assert ada.shots.shape == (3, S, S, 3) and ada.points.shape == (3, 68, 3) and ada.shots.dtype == np.uint8
    yaw = pose.pose_of(ada.rigid, ada.still)[:, 0]
    assert np.abs(yaw - [0, -20, 20]).max() < 3
    assert np.array_equal(ada.true(LEFT)[0], ada.shots[1]) and np.allclose(ada.true(LEFT)[1], ada.points[1])
    assert np.array_equal(ada.head.picture, ada.shots[0])                 # the most frontal one is its texture


def test_a_sitter_may_be_known_by_fewer_shots(ada):
    less = ada.only([2])
    assert np.array_equal(less.shots[0], ada.shots[2]) and len(less.rigid.scale) == 1 and less.head is ada.head


def test_faces_are_put_into_any_pose(ada):
    points = ada.at(ada.rest, np.stack([AHEAD, RIGHT]))
    assert np.abs(points[0] - ada.points[0]).max() < .5
    assert np.abs(points[1] - ada.points[2])[:, :2].max() < 1.5           # an actor's camera sees in perspective
    laughs = ada.face(explore.with_coefficients(jawOpen=.8))
    assert explore.lip_gap(laughs) > explore.lip_gap(ada.face()) + 1


def test_a_film_turns_speaks_and_fits_its_landmarks(ada, films):
    film = films[0]
    assert film.pictures.shape == (T, S, S, 3) and film.points.shape == (T, 68, 3) and len(film.audio) == 640 * T
    found = pose.pose_of(pose.fit(film.points), ada.still)
    assert np.ptp(film.pose[:, 0]) > 20 and np.abs(found - film.pose)[:, :2].max() < 4
    assert film.expression[:, index("mouthSmile")].mean() > .2


def test_face_and_pose_are_lent_by_themselves(ada, ben, films):
    own, other = (f.points for f in films)
    turns = [pose.pose_of(pose.fit(p), who.still)[:, :3] for p, who in ((own, ada), (other, ben))]
    added = [pose.canonical(p, pose.fit(p)) - who.rest for p, who in ((own, ada), (other, ben))]
    for face in (False, True):
        for turn in (False, True):
            points = explore.lent(ada, ben, own, other, face=face, pose=turn)
            rigid = pose.fit(points)
            assert np.allclose(pose.canonical(points, rigid) - ada.rest, added[face], atol=.25)
            assert np.allclose(pose.pose_of(rigid, ada.still)[:, :3], turns[turn], atol=2.5)


def test_a_falling_jaw_is_taken_for_a_nod_by_all_points_alone(ada):
    points = np.stack([ada.true(AHEAD, explore.with_coefficients(jawOpen=a))[1] for a in (0, 1)])
    every, some = (explore.pitch_by(points, which)[1] for which in (range(68), pose.STABLE))
    assert abs(every) > 3 and abs(some) < 1
    nods = np.stack([ada.true(np.array([0, p, 0, 0, 0, 0.]))[1] for p in (0, 10)])
    assert abs(explore.pitch_by(nods, pose.STABLE)[1] - 10) < 1.5


def test_a_photo_is_a_sitter_of_one_shot():
    who = explore.sitter_of_photo(paths.data("faces", "default.jpg"), S)
    assert who.shots.shape == (1, S, S, 3) and who.actor is None and np.allclose(who.rest, who.face())
    assert np.allclose(who.at(who.rest, AHEAD[None])[0], who.points[0], atol=.1)


# ---- drawing --------------------------------------------------------------------------------------------------
def test_frames_are_the_networks_and_their_parts_add_up(net, ada, turned):
    out = explore.drawn_frames(net, ada, turned)
    assert list(out.ref) == [1, 0, 2]                                     # the closest pose
    parts = [share[..., None] * p for share, p in ((out.from_ref, out.moved_ref), (out.from_ani, out.moved_ani),
                                                   (out.from_paint, out.colour))]
    assert np.abs(sum(parts) - out.picture).max() < 1e-5 and out.from_paint.min() > -1e-6
    assert out.share.shape == (3, 3, S // 4, S // 4) and np.allclose(out.share.sum(1), 1, atol=1e-5)
    assert np.allclose(out.reference[0], ada.shots[1] / 255)
    other = explore.drawn_frames(net, ada, turned, ref=[0, 1, 2])
    assert np.allclose(other.reference[0], ada.shots[0] / 255) and np.abs(other.picture - out.picture)[0].max() > .05


def test_a_blind_decoder_paints_by_landmarks_alone(net, ada, turned):
    seeing, blind = (explore.drawn_frames(net, ada, turned[:1], hidden=hidden) for hidden in (False, True))
    other = explore.drawn_frames(net, ada, turned[:1], hidden=True, ref=[2])
    assert np.abs(blind.colour - seeing.colour).max() > .01
    assert np.abs(other.colour - blind.colour).max() < 1e-6               # another copy: the same paint
    assert np.array_equal(blind.from_ref, seeing.from_ref) and np.array_equal(blind.moved_ani, seeing.moved_ani)
    assert not net.blocks[-1]._forward_pre_hooks


def test_where_a_face_comes_from(net, ada, turned):
    out = explore.drawn_frames(net, ada, turned)
    area = explore.face_area(turned, S)
    assert area.shape == (3, S, S) and .05 < area.mean() < .6
    whole, face = explore.origins(out), explore.origins(out, area)
    assert np.allclose(whole.sum(1), 1) and np.allclose(face.sum(1), 1) and (face[:, 1] > whole[:, 1]).all()
    pure = out._replace(from_ref=np.zeros_like(out.from_ref), from_ani=np.ones_like(out.from_ani),
                        from_paint=np.zeros_like(out.from_paint), picture=.5 * np.ones_like(out.picture))
    colour = explore.painted_origins(pure)[0, 0, 0]
    assert np.allclose(colour / colour.max(), np.array(to_rgb(COLOURS[1])) / max(to_rgb(COLOURS[1])), atol=.02)


# ---- figures --------------------------------------------------------------------------------------------------
def test_landmarks_are_drawn_where_they_are(people):
    axes = drawn(explore.draw_turned({name: (film.pictures, film.points) for name, (_, film) in people.items()})).axes
    assert len(axes) == 2 * T and axes[T].get_ylabel() == "Ben"
    film = people["Ada"][1]
    assert np.allclose(axes[0].lines[0].get_xydata(), film.points[0, :17, :2])
    faces = pose.canonical(film.points, pose.fit(film.points))
    titles = [ax.get_title() or ax.get_title("left") for ax in drawn(explore.draw_canonical(film.points, faces)).axes]
    assert float(titles[0].split()[-1]) > 3 > float(titles[1].split()[-1])


def test_poses_and_best_guesses():
    asked = np.arange(30.0).reshape(5, 6)
    left, right = drawn(explore.draw_poses(np.arange(5), asked, asked + 1, {"all": [0, -3], "some": [0, 0]})).axes
    assert len(left.lines) == 6 and np.allclose(left.lines[3].get_ydata(), asked[:, 1] + 1) and len(right.lines) == 3
    heads = np.stack([np.sin(np.arange(20) + k)[:, None] * np.ones(6) for k in (0, np.pi)])
    yaw, _ = drawn(explore.draw_best_guess(heads)).axes
    assert [line.get_label() for line in yaw.lines[-2:]] == ["2 heads, each moves by 0.7", "their mean, 0.0"]


def test_nods_and_lips(films, ada):
    poses = {"a": np.zeros((T, 6)), "b": np.ones((T, 6))}
    axes = drawn(explore.draw_nods(np.full(T, -20.0), [1, 3], poses)).axes
    assert [line.get_xdata()[0] for line in axes[2].lines[-2:]] == [1.5 / 25, 3.5 / 25] and len(axes[1].lines) == 4
    faces = pose.canonical(films[0].points, pose.fit(films[0].points))
    axes = drawn(explore.draw_lips({"true": faces, "same": faces}, [0, 2])).axes
    assert len(axes) == 3 and axes[0].lines[1].get_label() == "same, r = 1.00"


@pytest.mark.parametrize("who, face, turn", [("Ada", "Ada", "Ada"), ("Ada", "Ben", "Ben"), ("Ben", "Ben", "Ada")])
def test_a_swap_shows_its_landmarks_and_a_frame(net, people, who, face, turn):
    axes = drawn(explore.draw_swap(net, people, who, face, turn, T - 1)).axes
    assert axes[2].get_title() == f"face: {face}, pose: {turn}" and axes[3].get_title() == f"{who}, drawn"
    outline = axes[2].lines[0].get_xydata()
    same = np.abs(outline - people[who][1].points[T - 1, :17, :2]).max() < 2.5
    assert same == ({face, turn} == {who})


@pytest.mark.parametrize("profile", ["ci", "cpu", "gpu"])
def test_the_diagram_names_every_part(profile):
    config = rhythmic.PROFILES[profile]
    texts = [t.get_text() for t in drawn(explore.draw_generator(config)).axes[0].texts]
    assert texts.count("SPADE") == config.downs + 1 and texts.count("flow net") == 2 and "softmax over K" in texts
    assert f"{config.size} px, {config.ngf}" in texts
    less = [t.get_text() for t in explore.draw_generator(replace(config, atten=False, warp_ani=False)).axes[0].texts]
    assert less.count("flow net") == 1 and "mean" in less and "softmax over K" not in less


def test_shares_lie_over_their_shots(ada):
    share = np.zeros((2, 3, 4, 4))
    share[0, 1], share[1, 2] = 1, 1
    axes = drawn(explore.draw_over_shots(ada.shots, share, ada.shots[:2], ("a", "b"))).axes
    assert [ax.get_title() for ax in axes] == ["to be drawn", "0%", "100%", "0%", "", "0%", "0%", "100%"]
    wide = drawn(explore.draw_over_shots(ada.shots[:1], share[:1, :1], ada.shots[:1], ("a",), ada.shots[:1], 3)).axes
    assert len(wide) == 5 and wide[-1].get_title() == "drawn" and not wide[3].images


@pytest.mark.parametrize("shots, yaw", [(1, -40), (3, 40)])
def test_further_shots_are_asked(net, ada, shots, yaw):
    figure = drawn(explore.draw_shots(net, ada, shots, yaw))
    assert figure._suptitle.get_text().endswith(f"copied from shot {1 if shots == 1 else 3}")
    shown = [ax for ax in figure.axes if ax.get_title().endswith("%")]
    assert len(shown) == shots


@pytest.mark.parametrize("yaw, pitch, jaw", [(-50, -15, .0), (50, 15, .8)])
def test_a_turn_shows_its_sources(net, ada, yaw, pitch, jaw):
    figure = drawn(explore.draw_turn(net, ada, yaw, pitch, jaw))
    assert [ax.get_title() for ax in figure.axes[:6]] == ["reference", "render", "paint", "where from", "drawn", "true"]
    assert abs(sum(patch.get_width() for patch in figure.axes[-1].patches) - 1) < 1e-4
    photo = replace(ada, actor=None)
    titles = [ax.get_title() for ax in drawn(explore.draw_turn(net, photo, yaw, pitch, jaw)).axes]
    assert "true" not in titles and "drawn" in titles


def test_a_photos_jaw_drops_as_the_mean_heads(net, ada):
    marks = []
    for jaw in (0, .6):
        figure = explore.draw_turn(net, replace(ada, actor=None), 0, 0, jaw)
        marks.append(figure.axes[4].images[0].get_array())
    assert np.abs(marks[1] - marks[0]).max() > .02


def test_origins_over_turns():
    shares = np.array([[.5, .3, .2], [.2, .3, .5]])
    left, right = drawn(explore.draw_origins([-10, 10], shares, {"drawn": [1, 2]})).axes
    assert len(left.collections) == 3 and list(right.lines[0].get_ydata()) == [1, 2]
    assert len(drawn(explore.draw_origins([-10, 10], shares)).axes) == 1


# ---- sliders --------------------------------------------------------------------------------------------------
def test_the_explorers_open(opened, net, ada, people):  # noqa: F811
    opened(lambda: explore.swap(net, people))
    opened(lambda: explore.shots(net, ada))
    opened(lambda: explore.turn(net, {"Ada": ada, "a photo": replace(ada, actor=None)}))
