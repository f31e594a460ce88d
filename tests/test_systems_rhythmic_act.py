"""`rhythmic` as users call it: a photo, a film, poses and faces of others.  Letters: see test_systems_rhythmic.py."""
from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from conftest import swelling_noise
from tfg import paths
from tfg.actors.portrait import PortraitActor
from tfg.errors import InputError
from tfg.faces.landmarks import one_face
from tfg.media.image import read_image
from tfg.media.motion import Motion
from tfg.media.video import write_video
from tfg.networks import checkpoint
from tfg.systems.animate import options_for
from tfg.systems.base import Footage, Speech
from tfg.systems.rhythmic import act, network, paint, person, plan, pose
from tfg.systems.rhythmic.motion import network as motion
from tfg.systems.rhythmic.options import RhythmicOptions, numbers
from tfg.systems.rhythmic.points import network as points
from tfg.vocabulary import index

pytestmark = pytest.mark.filterwarnings("ignore:the sound .* is longer than the video")
T = 9
SOUND = swelling_noise(T / 25)


def save(folder, temporal: bool = False, broken: bool = False):
    """A generator that copies what landmarks say, in its folder."""
    torch.manual_seed(0)
    made = network.Rhythmic(network.variant(network.PROFILES["ci"], temporal=temporal))
    with torch.no_grad():
        made.flow_ref.head.bias[2] = made.flow_ani.head.bias[2] = 3.0
        made.blocks[-1].conv2.weight.mul_(8)
    checkpoint.save(made, folder, "rhythmic", {})
    if broken:
        made.flow_ref.head.bias.data[0] = 1e30
        checkpoint.save(made, folder, "rhythmic", {})
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Networks that move something, in one folder."""
    torch.set_num_threads(1)
    folder = save(tmp_path_factory.mktemp("rhythmic"))
    torch.manual_seed(0)
    nods = motion.MotionNet(motion.PROFILES["ci"])
    nods.std.copy_(torch.tensor([4, 2, 1, .01, .01, .01]))
    checkpoint.save(nods, folder, "rhythmic_motion", {})
    says = points.PointsNet(points.PROFILES["ci"])
    says.basis[0, 55:60, 1] = says.basis[0, 65:68, 1] = .8
    says.basis[1, 17:27, 1] = .5
    with torch.no_grad():
        says.out.weight.mul_(20)
        says.out.bias[0] = 1.0
    checkpoint.save(says, folder, "rhythmic_points", {})
    return folder


@pytest.fixture(scope="module")
def photo():
    return cv2.resize(read_image(paths.data("faces", "default.jpg")), (192, 192), interpolation=cv2.INTER_AREA)


@pytest.fixture(scope="module")
def film(photo, tmp_path_factory):
    """Ten frames at 30 a second of a head that turns from one side to the other; in the eighth the mouth is wide open.
    """
    actor, frames = PortraitActor.from_image(photo, size=192), []
    for k in range(10):
        shown = actor.neutral.copy()
        shown[index("jawOpen")] = .8 * (k == 7)
        frames.append(actor.render(shown, np.array([2.5 * (k - 4.5), 0, 0, 0, 0, 0])))
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    write_video(path, iter(frames), None, fps=30.0)
    return path


def options(trained, **given) -> RhythmicOptions:
    nets = {"checkpoint": trained} | ({} if "ref_pose" in given else {"motionnet": trained}) \
        | ({} if "ref_expression" in given else {"pointsnet": trained})
    return RhythmicOptions(**nets | given)


def frames_of(source, trained, seconds: float | None = None, **given) -> np.ndarray:
    audio = SOUND if seconds is None else swelling_noise(seconds)
    return np.stack(list(act.prepare(source, Speech(audio), options(trained, **given)).frames))


def plan_of(source, trained, monkeypatch, **given) -> tuple[plan.Plan, person.Person]:
    """What is to be drawn; nothing is."""
    found: list = []
    with monkeypatch.context() as patch:
        patch.setattr(paint, "Painter", lambda net, who, planned, *others, **more: found.extend([planned, who])
                      or _Still())
        act.prepare(source, Speech(SOUND), options(trained, **given))
    return found[0], found[1]


class _Still:
    batch = asked = 1


def yaw_of(planned: plan.Plan, who: person.Person) -> np.ndarray:
    return pose.pose_of(planned.rigid, who.rigid.at([0]))[:, 0]


@pytest.fixture(scope="module")
def plain(trained, photo):
    return frames_of(photo, trained)


# ---- a photo --------------------------------------------------------------------------------------------------------
def test_a_photo_speaks_and_its_head_moves(plain, photo):
    assert plain.shape == (T, *photo.shape)
    away = np.abs(plain.astype(int) - photo).max(-1)
    assert (away[:, :3, :3] == 0).all() and away[-1, 60:150, 50:140].mean() > 2
    assert np.abs(np.diff(plain.astype(int), axis=0)).mean() > .05


@pytest.mark.parametrize("changed", [{"emotion": "SAD"}, {"seed": 3}, {"head_motion": False}])
def test_options_reach_the_face(plain, photo, trained, changed):
    assert np.abs(frames_of(photo, trained, **changed).astype(int) - plain).max() > 3


def test_a_head_moves_blinks_and_speaks_as_it_is_told(photo, trained, monkeypatch):
    moving, who = plan_of(photo, trained, monkeypatch)
    still, _ = plan_of(photo, trained, monkeypatch, head_motion=False, blink=False)
    assert np.ptp(yaw_of(moving, who)) > .1 and np.ptp(yaw_of(still, who)) == 0
    opened = still.points[:, person.LOWER, 1] - still.points[:, person.UPPER, 1]
    assert np.ptp(opened) > .2 and (still.ref == plan.OWN).all()
    monkeypatch.setattr(plan, "lids_of", lambda audio, n, *others: (np.arange(n) == 4).astype(np.float32))
    shut, _ = plan_of(photo, trained, monkeypatch, head_motion=False)
    lids = shut.points[:, 41, 1] - shut.points[:, 37, 1]
    assert lids[4] < .3 * lids[0] and lids[3] == pytest.approx(lids[0], abs=.05)


def test_eyes_shut_in_the_picture(photo, trained, monkeypatch):
    """A blink is seen on the drawn frames, and without one the eyes stay as they are, whichever way the head looks."""
    from tfg.faces.geometry import eye_aperture

    monkeypatch.setattr(plan, "lids_of", lambda audio, n, *others: (np.arange(n) == 4).astype(np.float32))
    turned = Motion.still(T)
    turned.pose[:, 0] = 6
    for more in ({"head_motion": False}, {"ref_pose": turned}):
        gaps = [eye_aperture(one_face(frame).points) for frame in frames_of(photo, trained, **more)[[0, 4, 8]]]
        assert gaps[1] < .55 * gaps[0] and gaps[2] > .85 * gaps[0]


def test_another_films_pose_turns_the_head(photo, trained, monkeypatch):
    """By twelve degrees as the plan says, and as a landmarker sees on the drawn frame."""
    turned = Motion.still(T)
    turned.pose[:, 0] = np.linspace(0, 12, T)
    planned, who = plan_of(photo, trained, monkeypatch, ref_pose=turned, blink=False)
    np.testing.assert_allclose(yaw_of(planned, who), turned.pose[:, 0], atol=.01)
    drawn = frames_of(photo, trained, ref_pose=turned, blink=False)
    seen = [one_face(frame).pose[0] for frame in (photo, drawn[-1])]
    assert seen[1] - seen[0] > 5


def test_another_films_face_speaks_instead_of_the_voice(photo, trained, monkeypatch):
    jaw = Motion.still(T)
    jaw.expression[:, index("jawOpen")] = np.linspace(0, .8, T)[:, None]
    asked = dict(ref_expression=jaw, head_motion=False, blink=False)
    planned, who = plan_of(photo, trained, monkeypatch, **asked)
    opened = planned.points[:, person.LOWER, 1] - planned.points[:, person.UPPER, 1]
    assert opened[-1] - opened[0] > 5 and (np.diff(opened) > 0).all()
    with pytest.raises(InputError, match="--emotion would have no effect"):               # the voice has no say
        plan_of(photo, trained, monkeypatch, emotion="SAD", **asked)
    nobody = Motion.still(T)
    nobody.expression[:] = np.nan
    with pytest.raises(InputError, match="no face to take the expression of"):
        plan_of(photo, trained, monkeypatch, ref_expression=nobody)
    wide = Motion.still(T)
    wide.expression[:, index("eyeWide")] = np.linspace(0, 1, T)[:, None]
    planned, _ = plan_of(photo, trained, monkeypatch, ref_expression=wide, head_motion=False, blink=False)
    lids = planned.points[:, 41, 1] - planned.points[:, 37, 1]
    assert lids[-1] > 1.2 * lids[0]                                       # eyes feel, too


@pytest.mark.parametrize("batch", [1, 4])
def test_the_batch_size_changes_nothing(plain, photo, trained, batch):
    assert np.abs(frames_of(photo, trained, batch_size=batch).astype(int) - plain).max() <= 1


def test_a_temporal_network_sees_the_frame_before(photo, trained, tmp_path, monkeypatch):
    """One frame after the other, each with the last one's picture, whatever the batch."""
    asked: list = []
    plain = network.Rhythmic.draw
    monkeypatch.setattr(network.Rhythmic, "draw", lambda self, who, at: asked.append(at.before) or plain(self, who, at))
    drawn = frames_of(photo, trained, checkpoint=save(tmp_path, temporal=True))
    assert len(asked) == T == len(drawn) and asked[0] is None and all(x.shape == (1, 3, 64, 64) for x in asked[1:])


def test_a_still_picture_is_the_source_of_footage(photo, trained, plain):
    again = frames_of(Footage(photo[None], photo, crop=False), trained)
    np.testing.assert_array_equal(again, plain)


def test_bad_weights_and_options_are_refused(photo, trained, tmp_path):
    torch.manual_seed(0)
    with pytest.raises(InputError, match="no number|not finite"):
        frames_of(photo, trained, checkpoint=save(tmp_path, broken=True))
    with pytest.raises(InputError, match="does not use --box"):           # landmarks are what it draws by
        options_for("rhythmic", {"box": (20, 160, 30, 150)})
    for given, words in (({"n_shot": 2, "ref_img_id": "1,2,3"}, "names 3"), ({"ref_img_id": "a"}, "which frames"),
                         ({"ref_img_id": "-1"}, "from 0 up"), ({"n_shot": 33}, "32"),
                         ({"ref_pose": "x.npz", "head_motion": False}, "--no-head-motion")):
        with pytest.raises(InputError, match=words):
            RhythmicOptions(**given)
    assert numbers("0, 12,40") == (0, 12, 40) and numbers(None) == ()


# ---- a film ---------------------------------------------------------------------------------------------------------
def test_a_film_keeps_its_own_frame_rate(film, trained):
    """(e) 30 frames a second in and out: as many as the sound is long."""
    take = act.prepare(film, Speech(SOUND), options(trained))
    assert take.fps == pytest.approx(30) and take.n == np.ceil(T / 25 * 30)
    assert len(list(take.frames)) == take.n


def test_a_film_keeps_its_own_motion(film, trained, monkeypatch):
    """Its own pose, eyes and brows; jaw and lips are the voice's. Each frame is copied from itself."""
    planned, who = plan_of(film, trained, monkeypatch)
    order = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 8][:len(planned.points)]
    np.testing.assert_allclose(planned.rigid.shift, who.rigid.shift[order])
    own = pose.recompose(who.face[order], who.rigid.at(order))
    np.testing.assert_allclose(planned.points[:, 36:48], own[:, 36:48], atol=1e-3)
    assert np.abs(planned.points[:, 48:] - own[:, 48:]).max() > 1 and (planned.ref == plan.OWN).all()
    assert np.ptp(yaw_of(planned, who)) > 8


def test_a_film_may_move_by_the_voice_in_its_own_manner(film, trained, monkeypatch):
    """The network sees the film's own poses, 25 of them for 30 frames, and each frame is copied from the closest."""
    seen: list = []
    plainly = act.moved
    monkeypatch.setattr(act, "moved", lambda audio, n, o, poses: seen.append(poses) or plainly(audio, n, o, poses))
    planned, who = plan_of(film, trained, monkeypatch, own_motion=False)
    assert seen[0].shape == (9, 6) and np.ptp(seen[0][:, 0]) > 8
    assert np.abs(planned.rigid.shift - who.rigid.shift[0]).max() > .1 and (planned.ref != plan.OWN).all()
    moved = pose.pose_of(planned.rigid, plan.usual(who.rigid))
    np.testing.assert_allclose(moved[0], seen[0][-1], atol=1.5)           # it goes on from where the film was


def test_the_reference_is_the_one_with_the_closest_pose(film, trained, monkeypatch):
    """(d) Of the frames that are asked for: those of the first half are copied from the first."""
    planned, who = plan_of(film, trained, monkeypatch, ref_img_id="0,9")
    assert [s.number for s in who.shots] == [0, 9]
    assert planned.ref[:4].tolist() == [0] * 4 and planned.ref[6:10].tolist() == [1] * 4
    with pytest.raises(InputError, match="frame 99"):
        plan_of(film, trained, monkeypatch, ref_img_id="99")
    drawn = frames_of(film, trained, ref_img_id="0,9")
    assert len(drawn) == len(planned.points)


def test_shots_are_spread_over_the_film(film, trained, monkeypatch):
    _, who = plan_of(film, trained, monkeypatch, n_shot=3)
    assert [s.number for s in who.shots] == [0, 4, 8]
    _, who = plan_of(film, trained, monkeypatch, n_shot=2, find_largest_mouth=True)
    assert who.shots[-1].number == 7 and len(who.shots) == 3
    _, who = plan_of(film, trained, monkeypatch)
    assert len(who.shots) == person.SHOTS
    gap = [who.rest[person.LOWER, 1] - who.rest[person.UPPER, 1], np.ptp(who.face[:, person.LOWER, 1])]
    assert gap[0] < .3 < gap[1]                                           # cm: lips at rest are nearly shut


def test_frames_without_a_face_are_bridged(photo):
    """Poses and landmarks of a frame without a face lie between its neighbours'."""
    watched = person.Watch()
    found = one_face(photo)
    for k in range(5):
        watched.watch(photo, found if k != 2 else None)
    cut = person.Person.of(watched, cuts=(2, 3))                          # a shot that shows nobody
    assert np.isfinite(cut.face).all() and np.isfinite(cut.rigid.shift).all()
    who = person.Person.of(watched)
    assert np.isfinite(who.face).all() and np.isfinite(who.rigid.shift).all()
    np.testing.assert_allclose(who.rigid.shift[2], who.rigid.shift[1], atol=.1)
    assert [s.number for s in who.shots] == [0, 1, 3, 4]


# ---- two sources ----------------------------------------------------------------------------------------------------
def test_the_second_source_shows_where_the_first_is_not_trusted():
    from tfg.compose import draw
    from tfg.compose.place import Place

    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 255, (2, 64, 64, 3), dtype=np.uint8)
    place = Place(np.array([[.5, 0, -.25], [0, .5, -.25]]), (32, 32), (64, 64))
    none, colour = np.zeros((32, 32, 2), np.float32), np.full((32, 32, 3), .5, np.float32)
    half = np.repeat(np.arange(32)[None] < 16, 32, 0).astype(np.float32)
    ones = np.ones((32, 32), np.float32)
    drawn = draw.drawn(first, place, colour, none, half, under=(second, none, ones, np.ones((64, 64), np.float32)))
    np.testing.assert_array_equal(drawn[:, :28], first[:, :28])
    np.testing.assert_allclose(drawn[:, 36:], second[:, 36:], atol=1e-3)
    shows = np.repeat(np.arange(64)[:, None] < 32, 64, 1).astype(np.float32)
    drawn = draw.drawn(first, place, colour, none, 0 * ones, under=(second, none, half, shows))
    np.testing.assert_allclose(drawn[:31, :28], second[:31, :28], atol=1e-3)
    np.testing.assert_allclose(drawn[:, 36:], 127.5, atol=1e-3)
    np.testing.assert_allclose(drawn[33:], 127.5, atol=1e-3)              # it shows nothing there


def test_nothing_is_smoothed_over_a_cut(photo):
    """After a cut the face is elsewhere at once."""
    watched, found = person.Watch(), one_face(photo)
    for k in range(10):
        moved = found.points + [40 * (k >= 5), 0, 0]
        watched.watch(photo, type(found)(moved, found.blendshapes, found.box, found.pose, found.size_px))
    at = [person.Person.of(watched, cuts=cuts).rigid.shift[:, 0] for cuts in ((5,), ())]
    assert np.abs(np.diff(at[0])).argmax() == 4 and np.diff(at[0])[4] == pytest.approx(40, abs=.1)
    assert np.diff(at[1])[4] < 20


def test_nothing_is_painted_beside_the_face_and_hair_does_not_wave(photo, trained, monkeypatch):
    """Trust of 0 everywhere paints the face alone; a flow that differs from pixel to pixel is smooth around it."""
    made: list = []
    plainly = paint.Painter.__init__
    monkeypatch.setattr(paint.Painter, "__init__", lambda self, *a, **k: plainly(self, *a, **k) or made.append(self))
    list(act.prepare(photo, Speech(SOUND), options(trained, head_motion=False, blink=False)).frames)
    painter = made[0]
    S, matrix = painter.size, painter.matrix[0]
    rng = np.random.default_rng(0)
    flow = (.05 + .02 * rng.standard_normal((S, S, 2))).astype(np.float32)
    nothing, black = np.zeros((S, S), np.float32), np.zeros((S, S, 3), np.float32)
    answer = paint.Both(rng.random((S, S, 3), np.float32), flow, nothing, flow, nothing, black, 0)
    _, settled, trust, _, share = painter.settled(answer, np.zeros((S, S, 3), np.uint8), matrix, 0)
    points = cv2.transform(painter.plan.points[0][None, :, :2].astype(float), matrix)[0]
    face = cv2.fillConvexPoly(np.zeros((S, S), np.uint8), cv2.convexHull(np.round(points).astype(np.int32)), 1)
    around = (cv2.dilate(face, np.ones((13, 13))) == 0) & (painter.inwards.squeeze() > .99)
    assert trust[around].min() == 1 and trust[cv2.erode(face, np.ones((9, 9))) > 0].mean() < .3 and share.max() == 0
    wild = [np.abs(np.diff(settled[..., 0], axis=1))[where[:, 1:]].mean() for where in (around, face > 0)]
    assert wild[0] < .3 * wild[1]


def test_lips_at_rest_are_shut():
    """Of a mouth that is open, the chin follows; a shut one stays as it is, and so do eyes, brows and corners."""
    opened = np.array(pose.template())
    opened[[55, 56, 57, 58, 59, 65, 66, 67], 1] += 1.2
    closed = person.shut(opened)
    gap = [closed[b, 1] - closed[a, 1] for a, b in ((61, 67), (62, 66), (63, 65))]
    np.testing.assert_allclose(gap, 0, atol=.06)
    assert closed[8, 1] < opened[8, 1] - .5 and closed[57, 1] < opened[57, 1] - .5
    still = [*range(5), *range(12, 49), 54, 60, 64]
    np.testing.assert_array_equal(closed[still], opened[still])
    np.testing.assert_allclose(person.shut(closed), closed, atol=.06)


def painter_of(photo, trained, monkeypatch, mouth: float = 0.0) -> paint.Painter:
    """A painter of a photo whose own lips are this far apart, px, and whose result's first frame is wide open."""
    made: list = []
    plainly = paint.Painter.__init__
    monkeypatch.setattr(paint.Painter, "__init__", lambda self, *a, **k: plainly(self, *a, **k) or made.append(self))
    list(act.prepare(photo, Speech(SOUND), options(trained, head_motion=False, blink=False)).frames)
    painter = made[0]
    painter.plan.points[0][[55, 56, 57, 58, 59, 65, 66, 67], 1] += 20
    known = painter._points_of(0)
    known[[65, 66, 67], 1] = known[[63, 62, 61], 1] + mouth
    monkeypatch.setattr(painter, "_points_of", lambda index: known)
    return painter


def test_teeth_stay_below_the_upper_lip(photo, trained, monkeypatch):
    """What lies between the lips of the source is copied with the head's motion, below the upper lip, as far as it
    reaches; the rest of the open mouth is painted, and all of it where the source's lips are shut."""
    painter = painter_of(photo, trained, monkeypatch, mouth=8.0)
    S, matrix = painter.size, painter.matrix[0]
    none = np.zeros((S, S, 2), np.float32)
    flow, mouth, found = painter._teeth(none, 0, 0, matrix)
    here = cv2.transform(painter.plan.points[0][None, 60:68, :2].astype(float), matrix)[0]
    scale = np.sqrt(np.linalg.det(matrix[:, :2]))
    x = int(round(here[2, 0]))
    column = np.arange(S)
    inside = mouth[:, x] > .5
    copied = inside & (found[:, x] > .5)
    assert inside.sum() >= 18 * scale and 5 * scale < copied.sum() < 13 * scale
    assert copied[inside][0] and not copied[inside][-1]                   # from the upper lip down
    step = flow[column[copied], x] * (S / 2)
    lip = cv2.transform(painter._points_of(0)[None, 62:63, :2].astype(float), matrix)[0, 0] - here[2]
    np.testing.assert_allclose(step, np.repeat(lip[None], len(step), 0), atol=.3)
    painter = painter_of(photo, trained, monkeypatch, mouth=0.0)
    _, mouth, found = painter._teeth(none, 0, 0, matrix)
    assert found.max() == 0 and mouth.max() > .9


def test_narrow_openings_are_dark_and_shut_lips_are_not_painted(photo, trained, monkeypatch):
    painter = painter_of(photo, trained, monkeypatch)
    S, matrix = painter.size, painter.matrix[0]
    scale = np.sqrt(np.linalg.det(matrix[:, :2]))
    for gap, dark, painted in ((0.0, True, 0), (.02, True, 1), (.06, False, 1)):
        there = painter.plan.points[0]
        there[[65, 66, 67], 1] = there[[63, 62, 61], 1] + gap * S / scale
        assert (paint.shade(there, matrix, S) < .7) == dark
        _, mouth, _ = painter._teeth(np.zeros((S, S, 2), np.float32), 0, 0, matrix)
        assert (mouth.max() > .3) == bool(painted), gap


def test_each_scene_of_a_film_keeps_its_place(photo):
    """After a cut the head is elsewhere: it turns there, and is copied from a shot of its own scene."""
    watched, found = person.Watch(), one_face(photo)
    for k in range(12):
        at = found.points + [60 * (k >= 6), 0, 0]
        face = type(found)(at, found.blendshapes, found.box, found.pose, found.size_px)
        watched.watch(photo, face)
    who = person.Person.of(watched, cuts=(6,))
    pose_ = np.zeros((12, 6), np.float32)
    pose_[:, 0] = 5
    made = plan.planned(who, np.arange(12), np.arange(12.0), np.zeros((12, 68, 3), np.float32), pose_, own=False)
    nose = made.points[:, 33, 0]
    assert np.ptp(nose[:6]) < 1 and nose[6:].mean() - nose[:6].mean() == pytest.approx(60, abs=1)
    numbers = np.array([s.number for s in who.shots])
    assert (numbers[made.ref[:6]] < 6).all() and (numbers[made.ref[6:]] >= 6).all()


def test_faces_that_are_not_drawn_are_no_shots(photo):
    """A profile has no crop: it is neither looked at, nor the head that is turned; its pose comes from its neighbours.
    """
    watched, found = person.Watch(), one_face(photo)
    for _ in range(6):
        watched.watch(photo, found)
    watched.keep(np.array([False, True, True, False, True, True]))
    assert sorted(watched.shots) == [1, 2, 4, 5] and watched.best["front"].number != 0
    who = person.Person.of(watched)
    assert np.isfinite(who.face).all() and [s.number for s in who.shots] == [1, 2, 4, 5]
    with pytest.raises(InputError, match="no face that can be drawn"):
        watched.keep(np.zeros(6, bool))
