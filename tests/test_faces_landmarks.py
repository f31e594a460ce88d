"""Faces in pictures: found landmarks with their units and signs, and the messages for pictures without a usable
face."""
from __future__ import annotations

import csv
import subprocess
import sys
import warnings

import cv2
import numpy as np
import pytest

from conftest import SHARED
from tfg import paths, vocabulary
from tfg.errors import InputError
from tfg.faces import landmarks, pose, to_68
from tfg.faces.points68 import GROUPS, along
from tfg.media.video import read_image

PORTRAITS = ("default.jpg", "portrait_1.jpg", "portrait_2.jpg", "portrait_3.jpg")


@pytest.fixture(scope="module")
def face(astronaut):
    return landmarks.one_face(astronaut)


def on_canvas(image, size, width, x, y):
    """`image` scaled to `width` px on a grey canvas of size (h, w)."""
    canvas = np.full((*size, 3), 90, np.uint8)
    small = cv2.resize(image, (width, width * image.shape[0] // image.shape[1]), interpolation=cv2.INTER_AREA)
    canvas[y:y + small.shape[0], x:x + small.shape[1]] = small
    return canvas


def test_one_face_shapes_units_and_ranges(face, astronaut):
    assert face.points.shape == (478, 3) and face.points.dtype == np.float32
    assert face.box == pytest.approx([180, 72, 270, 177], abs=5)                 # px of the picture
    assert face.size_px == pytest.approx(face.box[3] - face.box[1])
    assert face.points[1, 2] < face.points[234, 2]                               # nose nearer than ear: smaller z
    e = dict(zip(vocabulary.EXPRESSION, face.blendshapes))
    assert np.isnan(e.pop("tongueOut")) and all(0 <= v <= 1 for v in e.values())
    assert e["mouthSmileLeft"] > .7 and e["mouthSmileRight"] > .7 and e["eyeBlinkLeft"] < .3
    assert np.abs(face.pose[:3]).max() < 8


@pytest.mark.parametrize("name", PORTRAITS)
def test_shipped_portraits_are_usable(name):
    image = read_image(paths.data("faces", name))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = landmarks.one_face(image)
    assert found.size_px > 230 and np.abs(found.pose[:3]).max() < 15
    smile = found.blendshapes[vocabulary.index("mouthSmile")].mean()
    assert smile > .7 if name == "portrait_2.jpg" else smile < .4


def test_strided_arrays_give_the_same_face(face, astronaut):
    wide = np.zeros((512, 700, 3), np.uint8)
    wide[:, 50:562] = astronaut
    assert not wide[:, 50:562].flags.c_contiguous
    again = landmarks.one_face(wide[:, 50:562])
    assert np.allclose(again.points, face.points) and np.allclose(again.pose, face.pose)


def test_mirroring_swaps_sides_and_negates_yaw_and_roll(face):
    image = read_image(paths.data("faces", "portrait_3.jpg"))                    # its head is turned
    here, there = landmarks.one_face(image), landmarks.one_face(image[:, ::-1])
    assert abs(here.pose[0]) > 4
    assert there.pose[0] == pytest.approx(-here.pose[0], abs=2.5)
    assert there.pose[1] == pytest.approx(here.pose[1], abs=2.5)
    assert there.pose[2] == pytest.approx(-here.pose[2], abs=2)
    assert there.pose[3] == pytest.approx(-here.pose[3], abs=.05)
    swapped = [vocabulary.INDEX[n.replace("Left", "#").replace("Right", "Left").replace("#", "Right")]
               for n in vocabulary.EXPRESSION]
    assert np.nanmean(np.abs(there.blendshapes[swapped] - here.blendshapes)) < .05


def test_roll_is_positive_clockwise(astronaut, face):
    turn = cv2.getRotationMatrix2D((225, 125), -20, 1)                           # OpenCV: negative is clockwise
    rolled = landmarks.one_face(cv2.warpAffine(astronaut, turn, (512, 512)))
    assert rolled.pose[2] - face.pose[2] == pytest.approx(20, abs=3)
    assert rolled.pose[:2] == pytest.approx(face.pose[:2], abs=4)


def test_nose_points_where_yaw_and_pitch_say(face):
    looked = {}
    for name in PORTRAITS:
        found = landmarks.one_face(read_image(paths.data("faces", name)))
        p = found.points
        looked[name] = found.pose[0], (p[1, 0] - (p[234, 0] + p[454, 0]) / 2) / found.size_px
    yaw, nose = np.array(list(looked.values())).T
    assert np.corrcoef(yaw, nose)[0, 1] > .9                                     # nose to the right: yaw > 0
    lifted = pose.rotation_matrix(0, 20, 0) @ [0, 0, 1]
    assert lifted[1] > 0                                                         # chin up: the face looks up (y up)


def test_pose_of_turned_heads_agrees_with_the_list():
    """tiles.csv gives angles by another reading of the same meter, its pitch positive downwards."""
    shared = SHARED / "sfhq"
    if not (shared / "tiles.csv").is_file():
        pytest.skip("the SFHQ sheets are not beside this checkout")
    with open(shared / "tiles.csv", newline="") as file:
        tiles = [row for row in csv.DictReader(file) if row["sheet"].endswith("SFHQ_sample_4x8.jpg")]
    sheet, measured = read_image(shared / tiles[0]["sheet"]), []
    for tile in tiles:
        x, y, w, h = (int(tile[k]) for k in "xywh")
        measured.append(landmarks.one_face(sheet[y:y + h, x:x + w]).pose[:2])
    listed = np.array([[float(tile["yaw_deg"]), float(tile["pitch_deg"])] for tile in tiles])
    measured = np.array(measured)
    assert np.corrcoef(measured[:, 0], listed[:, 0])[0, 1] > .97
    assert np.corrcoef(measured[:, 1], listed[:, 1])[0, 1] < -.97


def test_pose_matrix_round_trip_and_fit():
    rng = np.random.default_rng(0)
    for angles in rng.uniform(-60, 60, (20, 3)):
        assert pose.angles(pose.rotation_matrix(*angles)) == pytest.approx(angles, abs=1e-6)
    points = np.zeros((478, 3))
    turn = pose.rotation_matrix(25, -10, 5)
    points[pose._INDEX] = (pose._HEAD @ turn.T * 7 + [300, -200, 0]) * [1, -1, -1]
    rotation, scale, at = pose.rigid_fit(points)
    assert np.allclose(rotation, turn) and scale == pytest.approx(7) and at[:2] == pytest.approx([300, -200])
    assert pose.from_points(points, (480, 640))[:3] == pytest.approx([25, -10, 5], abs=1e-4)


def test_pose_does_not_depend_on_the_place_in_the_picture(astronaut, face):
    moved = landmarks.one_face(np.pad(astronaut, ((0, 300), (300, 0), (0, 0))))
    assert moved.pose[:3] == pytest.approx(face.pose[:3], abs=2.5)
    assert moved.pose[3] > face.pose[3] + .5                                     # further right


@pytest.mark.parametrize("share", [.08, .3])
def test_small_faces_are_found(astronaut, share):
    width = int(share * 1280 / .18)                                              # the face is 18 % of the astronaut
    crop = astronaut if width < 700 else astronaut[:300, 60:400]
    width = min(width, 700)
    found = landmarks.detect(on_canvas(crop, (960, 1280), width, 400, 200))
    assert len(found) == 1 and 400 < found[0].box[0] < 1100


def test_large_pictures_and_faces_that_fill_the_picture(astronaut, face):
    big = landmarks.one_face(cv2.resize(astronaut, (2560, 2560)))
    assert np.abs(big.points[:, :2] / 5 - face.points[:, :2]).max() < 4
    x0, y0, x1, y1 = face.box.astype(int)
    assert len(landmarks.detect(astronaut[y0:y1, x0 - 2:x1 + 2])) == 1


@pytest.mark.parametrize("bad", [np.zeros((64, 64), np.uint8), np.zeros((64, 64, 4), np.uint8),
                                 np.zeros((64, 64, 3), np.float32), np.zeros((0, 0, 3), np.uint8)])
def test_other_arrays_are_refused(bad):
    with pytest.raises(InputError, match="uint8 RGB"):
        landmarks.detect(bad)


def test_no_face_small_face_profile_and_index(astronaut, monkeypatch):
    with pytest.raises(InputError, match="no face was found"):
        landmarks.one_face(np.full((300, 400, 3), 128, np.uint8))
    with pytest.raises(InputError, match=r"only [45]\d px"):
        landmarks.one_face(on_canvas(astronaut, (512, 512), 250, 100, 100))
    with pytest.raises(InputError, match="face 3 was asked for"):
        landmarks.one_face(astronaut, face=3)
    with pytest.raises(InputError, match="mediapipe, fan"):
        landmarks.detect(astronaut, backend="dlib")
    turned = landmarks.one_face(astronaut)
    turned.pose[0] = -62
    monkeypatch.setattr(landmarks, "detect", lambda *_, **__: [turned])
    with pytest.raises(InputError, match="62 degrees to the left"):
        landmarks.one_face(astronaut)


def test_several_faces_largest_and_a_notice(astronaut):
    head = astronaut[20:260, 100:340]
    both = np.full((400, 800, 3), 90, np.uint8)
    both[80:320, 40:280] = head
    both[40:360, 420:740] = cv2.resize(head, (320, 320))
    with pytest.warns(UserWarning, match="2 faces found; using the largest"):
        found = landmarks.one_face(both)
    assert found.box[0] > 420
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert landmarks.one_face(both, face=1).box[2] < 300


def test_video_mode_and_closed(astronaut, face):
    with landmarks.Landmarker(video=True) as landmarker:
        for t in (0, 40, 80):
            found = landmarker(astronaut, t)
            assert len(found) == 1 and np.abs(found[0].points - face.points).max() < 6
        with pytest.raises(ValueError, match="timestamp_ms"):
            landmarker(astronaut)
    with pytest.raises(RuntimeError, match="closed"):
        landmarker(astronaut, 120)


def test_68_points(face):
    points = to_68(face.points)
    assert points.shape == (68, 2) and {i for g in GROUPS.values() for i in g} == set(range(68))
    jaw, mouth, eyes = points[:17], points[48:], points[36:48]
    assert np.argmax(points[:, 1]) == 8                                          # the chin is lowest
    assert (np.diff(jaw[:, 0])[2:-2] > 0).all()                                  # from the picture's left to its right
    steps = np.linalg.norm(np.diff(jaw, axis=0), axis=1)
    assert steps[:8].std() / steps[:8].mean() < .1 and steps[8:].std() / steps[8:].mean() < .1
    assert mouth[0, 0] < mouth[6, 0] and eyes[:6, 0].max() < eyes[6:, 0].min()
    assert points[17:27, 1].max() < eyes[:, 1].min() < points[33, 1] < mouth[:, 1].min()
    assert np.allclose(to_68(np.stack([face.points] * 2))[1], points)
    with pytest.raises(ValueError, match="478"):
        to_68(np.zeros((68, 2)))


def test_along_is_even_by_length():
    bent = along(np.array([[0, 0], [3, 0], [3, 1]]), 5)
    assert np.allclose(bent, [[0, 0], [1, 0], [2, 0], [3, 0], [3, 1]])


def test_process_is_quiet_and_exits_cleanly():
    code = ("import skimage.data, numpy as np; from tfg.faces import detect; "
            "print(len(detect(skimage.data.astronaut())))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stdout.strip() == "1"
    assert done.stderr.strip() == ""
