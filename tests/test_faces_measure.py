"""Measuring over time: distances, gaps, neutral, the best frame, the shipped curves, and real clips where they are."""
from __future__ import annotations

import warnings

import cv2
import numpy as np
import pytest

from conftest import SHARED
from tfg import vocabulary
from tfg.errors import InputError
from tfg.faces import curves, geometry, one_face
from tfg.faces.measure import best_frontal_frame, measure, sharpness, track
from tfg.media.clip import Motion
from tfg.media.video import FrameReader


@pytest.fixture(scope="module")
def crema():
    clips = sorted((SHARED / "crema_d" / "VideoFlash").glob("1001_DFA_*.flv"))
    if not clips:
        pytest.skip("the CREMA-D test clips are not beside this checkout")
    return {clip.stem.split("_")[2]: clip for clip in clips}


def test_distances_do_not_depend_on_size_place_or_roll(astronaut):
    points = one_face(astronaut).points
    a = np.radians(30)
    turned = points[:, :2] @ np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]).T * 3 + 70
    for distance in (geometry.lip_gap, geometry.mouth_width, geometry.eye_aperture, geometry.brow_height):
        value = distance(points)
        assert value > 0 and distance(turned) == pytest.approx(value, rel=1e-4)
        assert distance(np.stack([points, turned3(turned)])).shape == (2,)
    assert geometry.eye_aperture(points, "left") != geometry.eye_aperture(points, "right")
    assert geometry.brow_height(points) == pytest.approx(
        (geometry.brow_height(points, "left") + geometry.brow_height(points, "right")) / 2)
    with pytest.raises(ValueError, match="side"):
        geometry.eye_aperture(points, "L")


def turned3(xy):
    return np.column_stack([xy, np.zeros(len(xy))])


def test_lip_gap_and_brow_height_known_values():
    points = np.zeros((478, 3))
    points[33], points[263] = [0, 50, 0], [100, 50, 0]
    for up, low in geometry._INNER_LIPS:
        points[up, 1], points[low, 1] = 100, 120
    points[list(geometry._BROWS["left"] + geometry._BROWS["right"])] = [50, 20, 0]
    assert geometry.lip_gap(points) == pytest.approx(.2)
    assert geometry.brow_height(points) == pytest.approx(.3)                     # above the eyes is positive


def test_missing_frames_are_nan_and_reported(astronaut):
    small, blank = cv2.resize(astronaut, (256, 256)), np.full((256, 256, 3), 90, np.uint8)
    done = []
    with pytest.warns(UserWarning, match=r"no face in 2 of 5 frames \(the first at 0.04 s\)"):
        motion = measure([small, blank, small, small, blank], progress=lambda i, n: done.append((i, n)))
    assert isinstance(motion, Motion) and motion.meta["missing"] == [1, 4] and done[-1] == (5, 5)
    assert motion.expression.shape == (5, 52) and motion.pose.shape == (5, 6) and motion.landmarks.shape == (5, 478, 3)
    assert np.isnan(motion.pose[1]).all() and np.isfinite(motion.pose[[0, 2, 3]]).all()
    assert np.abs(motion.pose[[0, 2, 3], 3:]).max() < .01                        # from the median place


def test_motion_survives_its_file(astronaut, tmp_path):
    motion = measure([astronaut] * 3, smooth=3)
    motion.save(tmp_path / "m.npz")
    again = Motion.load(tmp_path / "m.npz")
    assert np.allclose(again.expression, motion.expression, equal_nan=True) and again.meta["measured"] == "mediapipe"


def test_no_face_anywhere_and_unknown_method(astronaut):
    blank = np.full((120, 160, 3), 90, np.uint8)
    with pytest.raises(InputError, match="any of the 4 frames"):
        track([blank] * 4)
    with pytest.raises(InputError, match="no face"):
        best_frontal_frame([blank] * 4)
    with pytest.raises(InputError, match="blendshapes"):
        measure([astronaut], method="magic")
    with pytest.raises(InputError, match="uint8 RGB"):
        track([astronaut[..., 0]])


def test_a_small_face_is_followed(astronaut):
    def frame(x):
        canvas = np.full((720, 1280, 3), 90, np.uint8)
        canvas[200:668, x:x + 468] = cv2.resize(astronaut, (468, 468), interpolation=cv2.INTER_AREA)
        return canvas
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = track([frame(x) for x in (300, 310, 320, 330)])
    assert result.found.all()
    assert np.diff(result.points[:, 1, 0]) == pytest.approx([10] * 3, abs=2)


def test_several_faces_the_largest_is_kept(astronaut):
    head = astronaut[20:260, 100:340]
    frames = []
    for x in range(0, 40, 10):
        canvas = np.full((400, 800, 3), 90, np.uint8)
        canvas[80:320, 20 + x:260 + x] = head
        canvas[40:360, 420:740] = cv2.resize(head, (320, 320))
        frames.append(canvas)
    with pytest.warns(UserWarning, match="2 faces found"):
        largest = track(frames)
    assert (largest.points[:, 1, 0] > 400).all() and largest.faces == 2
    assert (track(frames, face=1).points[:, 1, 0] < 400).all()


def test_best_frontal_frame_is_the_sharp_one(astronaut):
    small = astronaut[20:260, 100:340]
    blurred = cv2.GaussianBlur(small, (0, 0), 3)
    image, i, face = best_frontal_frame([blurred, small, blurred], per_s=25)
    assert i == 1 and np.array_equal(image, small) and face.size_px > 80
    assert sharpness(small, face.box) > 2 * sharpness(blurred, face.box)


def test_neutral_is_taken_off_and_one_stays_one():
    expression = np.full((50, 52), .2)
    expression[25:30, 24] = 1.0
    expression[:, 51] = np.nan
    neutral = geometry.person_neutral(expression)
    assert neutral[24] == pytest.approx(.2) and np.isnan(neutral[51])
    out = geometry.subtract_neutral(expression, neutral)
    assert out[25, 24] == pytest.approx(1) and out[0, :51] == pytest.approx(0) and np.isnan(out[0, 51])


def test_shipped_curves():
    stored = curves.load()
    assert tuple(stored) == vocabulary.EMOTIONS
    for one in stored.values():
        frames = len(one["expression"])
        assert 45 <= frames <= 60 and one["expression"].shape == (frames, 52) and one["pose"].shape == (frames, 6)
        assert np.isfinite(one["lip_gap"]).all() and .1 < one["lip_gap"].max() < .5
    smile = {e: one["expression"][:, vocabulary.index("mouthSmile")].mean() for e, one in stored.items()}
    assert max(smile, key=smile.get) == "HAP"


def test_missing_curves_and_clips(tmp_path):
    with pytest.raises(InputError, match="missing"):
        curves.load(tmp_path / "none.npz")
    with pytest.raises(InputError, match="no clip 1001_DFA_ANG"):
        curves.build(tmp_path, tmp_path / "out.npz")
    assert curves.main(["--source", str(tmp_path), "--out", str(tmp_path / "out.npz")]) == 2
    assert list(tmp_path.iterdir()) == []


def test_real_clip_every_frame_and_as_shipped(crema):
    result = track(crema["HAP"])
    stored = curves.load()["HAP"]
    assert result.found.all() and result.size == (360, 480)
    assert np.abs(result.expression[:, :51] - stored["expression"][:, :51]).mean() < .02
    assert np.corrcoef(geometry.lip_gap(result.points), stored["lip_gap"])[0, 1] > .97


def test_measuring_adds_no_delay_and_sides_are_not_swapped(crema):
    """Against single pictures: the curve of a clip is what `one_face` says of each frame, in the same frame."""
    reader = FrameReader(crema["FEA"])
    result = track(reader)
    for i in range(5, len(reader), 12):
        alone = one_face(reader[i])
        assert np.abs(alone.points - result.points[i]).max() < .5
        assert np.nanmax(np.abs(alone.blendshapes - result.expression[i])) < .02


def test_best_frame_of_a_real_clip(crema):
    image, i, face = best_frontal_frame(crema["NEU"])
    assert image.shape == (360, 480, 3) and np.abs(face.pose[:3]).max() < 10
    e = dict(zip(vocabulary.EXPRESSION, face.blendshapes))
    assert e["eyeBlinkLeft"] < .4 and e["jawOpen"] < .15 and geometry.lip_gap(face.points) < .12
