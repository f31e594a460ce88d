"""tfg.media.clip: Motion and Clip, and their files."""
from __future__ import annotations

import os
import pickle

import numpy as np
import pytest

from conftest import number, numbered, tone
from tfg.errors import InputError
from tfg.media.clip import Clip, Motion
from tfg.media.video import AI_TAG, FrameReader, probe, write_video
from tfg.vocabulary import EXPRESSION, INDEX, POSE


def some_motion(T=20, seed=0):
    rng = np.random.default_rng(seed)
    return Motion(rng.random((T, 52)), rng.normal(size=(T, 6)) * 10, identity=rng.normal(size=7), meta={"by": "test"})


def test_motion_round_trip(tmp_path):
    motion = some_motion()
    motion.expression[:, INDEX["tongueOut"]] = np.nan
    again = Motion.load(motion.save(tmp_path / "m.npz"))
    np.testing.assert_array_equal(again.expression, motion.expression)
    np.testing.assert_array_equal(again.pose, motion.pose)
    np.testing.assert_array_equal(again.identity, motion.identity.astype(np.float32))
    assert again.meta == {"by": "test"} and again.fps == 25 and again.expression.dtype == np.float32
    assert [p.name for p in tmp_path.iterdir()] == ["m.npz"]
    assert Motion.load(Motion.still(1).save(tmp_path / "s.npz")).identity is None


def test_motion_columns_are_found_by_name(tmp_path):
    motion, order = some_motion(), np.random.default_rng(1).permutation(52)
    arrays = motion.arrays() | {"expression": motion.expression[:, order],
                                "expression_names": np.array(EXPRESSION)[order]}
    np.savez(tmp_path / "m.npz", version=1, **arrays)
    np.testing.assert_array_equal(Motion.load(tmp_path / "m.npz").expression, motion.expression)


def test_foreign_and_damaged_motions_are_refused(tmp_path):
    good = some_motion(200).save(tmp_path / "good.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(good[: len(good) // 2])
    flipped = bytearray(good)
    flipped[len(good) // 3] ^= 0xFF
    (tmp_path / "flipped.npz").write_bytes(flipped)
    (tmp_path / "text.npz").write_text("hello")
    (tmp_path / "pickle.npz").write_bytes(pickle.dumps({"version": 1}))
    np.savez(tmp_path / "foreign.npz", a=np.zeros(3))
    np.savez(tmp_path / "objects.npz", version=1, expression=np.array([{}], dtype=object))
    np.save(tmp_path / "array.npz", np.zeros((3, 52)))
    os.rename(tmp_path / "array.npz.npy", tmp_path / "array.npz")
    arrays = some_motion().arrays()
    np.savez(tmp_path / "newer.npz", version=99, **arrays)
    np.savez(tmp_path / "names.npz", version=1, **arrays | {"expression_names": np.array(["x"] * 52)})
    np.savez(tmp_path / "partial.npz", version=1, expression=arrays["expression"])
    np.savez(tmp_path / "lengths.npz", version=1, **arrays | {"pose": arrays["pose"][:5]})
    np.savez(tmp_path / "clip.npz", version=1, clip=np.array("{}"))
    for name, message in {"cut": "damaged", "flipped": "damaged", "text": "no motion file", "pickle": "no motion file",
                          "foreign": "no motion file", "objects": "no motion file", "array": "no motion|damaged",
                          "newer": "newer tfg", "names": "other names", "partial": "not complete",
                          "lengths": "not complete", "clip": "holds no motion",
                          "missing": "there is no motion file"}.items():
        with pytest.raises(InputError, match=message) as caught:
            Motion.load(tmp_path / f"{name}.npz")
        assert "\n" not in str(caught.value) and str(caught.value).endswith("."), name
    with pytest.raises(InputError, match=".npz"):
        Motion.still(3).save(tmp_path / "m.mp4")
    with pytest.raises(InputError, match="does not exist"):
        Motion.still(3).save(tmp_path / "no" / "m.npz")


def test_motion_shapes_are_checked():
    assert Motion(np.zeros((4, 52))).pose.shape == (4, 6)
    for expression, pose in ((np.zeros((4, 51)), None), (np.zeros((4, 52)), np.zeros((3, 6))), (np.zeros(52), None)):
        with pytest.raises(ValueError, match="Motion needs"):
            Motion(expression, pose)


def test_motion_parts_and_curves():
    motion = some_motion()
    assert len(motion) == 20 and len(motion[5:12]) == 7 and len(motion[-1]) == 1
    np.testing.assert_array_equal(motion[5:12].pose, motion.pose[5:12])
    with pytest.raises(IndexError):
        motion[20]
    np.testing.assert_array_equal(motion.curve("yaw"), motion.pose[:, 0])
    both = motion.expression[:, [INDEX["mouthSmileLeft"], INDEX["mouthSmileRight"]]]
    np.testing.assert_allclose(motion.curve("mouthSmile"), both.mean(1))
    with pytest.raises(KeyError, match="smirk"):
        motion.curve("smirk")


def test_motion_override_leaves_the_rest():
    motion = some_motion()
    ramp = np.linspace(0, 1, 20)
    changed = motion.override(jawOpen=ramp, mouthSmile=0.5, yaw=3, eyeBlinkLeft=0)
    np.testing.assert_allclose(changed.curve("jawOpen"), ramp, atol=1e-6)
    assert (changed.expression[:, INDEX["mouthSmileRight"]] == 0.5).all() and (changed.curve("yaw") == 3).all()
    untouched = [i for i, n in enumerate(EXPRESSION) if n not in ("jawOpen", "mouthSmileLeft", "mouthSmileRight",
                                                                   "eyeBlinkLeft")]
    np.testing.assert_array_equal(changed.expression[:, untouched], motion.expression[:, untouched])
    assert changed is not motion and not np.shares_memory(changed.expression, motion.expression)
    with pytest.raises(ValueError, match="jawOpen"):
        motion.override(jawOpen=ramp[:5])


def test_motion_mix():
    a, b = some_motion(seed=0), some_motion(seed=1)
    np.testing.assert_allclose(a.mix(b, 0).expression, a.expression)
    np.testing.assert_allclose(a.mix(b, 1).pose, b.pose)
    w = np.linspace(0, 1, 20)
    np.testing.assert_allclose(a.mix(b, w).pose[:, 0], (1 - w) * a.pose[:, 0] + w * b.pose[:, 0], rtol=1e-5)
    a.expression[:, 3], b.expression[:, 4] = np.nan, np.nan
    mixed = a.mix(b, 0.5)
    np.testing.assert_array_equal(mixed.expression[:, 3], b.expression[:, 3])  # only b has measured it
    np.testing.assert_array_equal(mixed.expression[:, 4], a.expression[:, 4])
    with pytest.raises(ValueError, match="20 and 5"):
        a.mix(b[:5], 0.5)


def test_motion_smooth_keeps_time_shape_and_gaps():
    t = np.arange(60)
    clean = 0.5 + 0.4 * np.sin(t / 6)
    noisy = clean + np.random.default_rng(0).normal(size=60) * 0.05
    motion = Motion.still(60).override(jawOpen=noisy, mouthPucker=0.3)
    motion.expression[20:24, INDEX["jawOpen"]] = np.nan
    motion.expression[:, INDEX["tongueOut"]] = np.nan
    smooth = motion.smooth(7).curve("jawOpen")
    assert np.isnan(smooth[20:24]).all() and np.isfinite(np.delete(smooth, np.s_[20:24])).all()
    ok = np.isfinite(smooth)
    assert np.std((smooth - clean)[ok]) < 0.8 * np.std((noisy - clean)[ok])
    np.testing.assert_allclose(motion.smooth(7).curve("mouthPucker"), 0.3, atol=1e-6)
    assert np.isnan(motion.smooth(7).curve("tongueOut")).all()
    pulse = Motion.still(41).override(jawOpen=np.exp(-((np.arange(41) - 20) / 2.5)**2)).smooth(5).curve("jawOpen")
    assert pulse.argmax() == 20 and pulse.max() > 0.95  # no delay, and a short closure survives
    for n in (1, 2, 3):
        assert np.isfinite(Motion.still(n).smooth(9).pose).all()
    np.testing.assert_array_equal(some_motion().smooth(1).pose, some_motion().pose)


def whole_clip(T=20):
    return Clip(numbered(T), tone(T / 25)[0], actor="V001", sentence="DFA", emotion="HAP", level="HI",
                motion=some_motion(T), landmarks=np.random.default_rng(0).normal(size=(T, 68, 2)), meta={"offset": 2})


def test_clip_round_trip(tmp_path):
    clip = whole_clip()
    path = clip.save(tmp_path / "set")
    assert path == tmp_path / "set" / "V001_DFA_HAP_HI.mp4"
    assert sorted(p.suffix for p in path.parent.iterdir()) == [".mp4", ".npz", ".wav"]
    for place in (path, path.parent, str(path)):
        again = Clip.open(place)
        assert isinstance(again.frames, FrameReader) and [number(f) for f in again.frames] == list(range(20))
        assert np.abs(again.audio - clip.audio).max() < 1 / 32000 and len(again) == 20 and again.duration_s == 0.8
        assert (again.actor, again.sentence, again.emotion, again.level) == ("V001", "DFA", "HAP", "HI")
        np.testing.assert_array_equal(again.motion.expression, clip.motion.expression)
        np.testing.assert_allclose(again.landmarks, clip.landmarks, rtol=1e-6)
        assert again.meta == {"offset": 2} and again.path == path
    assert len(Motion.load(path.with_suffix(".npz"))) == 20  # its motion can be used alone
    tags = probe(path)["metadata"]
    assert tags["comment"] == AI_TAG and tags["emotion"] == "HAP"


def test_clip_without_anything(tmp_path):
    path = Clip(np.stack(numbered(5))).save(tmp_path / "bare.mp4")
    again = Clip.open(path)
    assert again.audio is None and again.motion is None and again.actor is None and len(again) == 5
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bare.mp4", "bare.npz"]
    assert Clip(numbered(2)).save(tmp_path).name == "clip.mp4"


def test_clip_of_a_plain_video(tmp_path):
    path = write_video(tmp_path / "1001_IEO_SAD_LO.mp4", numbered(25), tone(1.0)[0])
    np.savez(path.with_suffix(".npz"), version=1, mine=np.zeros(3))  # somebody else's files beside it
    path.with_suffix(".wav").write_bytes(b"not ours")
    clip = Clip.open(path)
    assert (clip.actor, clip.sentence, clip.emotion, clip.level) == ("1001", "IEO", "SAD", "LO")
    assert len(clip.audio) == 16000 and clip.motion is None


def test_clip_save_does_not_overwrite_or_leave_halves(tmp_path):
    clip = whole_clip()
    path = clip.save(tmp_path / "a.mp4")
    with pytest.raises(InputError, match="already holds a.mp4, a.wav, a.npz"):
        clip.save(path)
    clip.audio = clip.audio / 2
    assert np.abs(Clip.open(clip.save(path, overwrite=True)).audio - clip.audio).max() < 1 / 32000
    for place, message in ((tmp_path / "no" / "way" / "a", "does not exist"), (tmp_path / "a.avi", "ends in .mp4"),
                           (tmp_path / "no" / "a.mp4", "does not exist")):
        with pytest.raises(InputError, match=message):
            clip.save(place)
    clip.audio = np.full(100, np.nan)
    with pytest.raises(InputError, match="NaN"):
        clip.save(tmp_path / "b.mp4")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.mp4", "a.npz", "a.wav"]
    with pytest.raises(InputError, match="folder with 0 mp4"):
        (tmp_path / "empty").mkdir()
        Clip.open(tmp_path / "empty")


def test_real_recordings_are_not_called_generated(tmp_path, crema_d):
    clip = Clip.open(crema_d[3])
    assert (clip.actor, clip.sentence, clip.emotion, clip.level) == ("1001", "DFA", "HAP", "XX")
    copy = Clip.open(clip.save(tmp_path))
    assert "comment" not in probe(copy.path)["metadata"] and len(copy) == len(clip)
    assert copy.emotion == "HAP" and np.abs(copy.audio - clip.audio).max() < 1 / 32000
    clip.frames = [255 - f for f in clip.frames]  # no longer what was recorded
    assert probe(clip.save(tmp_path / "changed.mp4"))["metadata"]["comment"] == AI_TAG


def test_pose_names_are_the_vocabularys():
    assert len(POSE) == Motion.still(2).pose.shape[1]


def test_arrays_of_any_kind_come_back(tmp_path):
    clip, rng = whole_clip(), np.random.default_rng(0)
    phones = np.array([("ˈɪ", 0.5)], np.dtype([("symbol", "U8"), ("start_s", "f4")]))
    clip.arrays = {"aus": rng.random((20, 17)), "phones": phones, "depth": np.full((20, 4, 4), np.inf),
                   "masks": rng.integers(0, 8, (20, 4, 4)).astype(np.uint8)}
    path = clip.save(tmp_path, steps={"aus": 2 ** -9, "landmarks": 2 ** -6, "depth": 1.0})
    assert (tmp_path / f"{path.stem}.layers.npz").is_file()
    again = Clip.open(path)
    assert np.abs(again.arrays["aus"] - clip.arrays["aus"]).max() <= 2 ** -10 + 1e-7
    assert np.abs(again.landmarks - clip.landmarks).max() <= 2 ** -7 + 1e-6
    np.testing.assert_array_equal(again.arrays["phones"], phones)
    np.testing.assert_array_equal(again.arrays["masks"], clip.arrays["masks"])
    assert np.isinf(again.arrays["depth"]).all() and set(again.arrays) == set(clip.arrays)
    again.save(tmp_path / "again.mp4")
    assert set(Clip.open(tmp_path / "again.mp4").arrays) == set(clip.arrays)
    clip.arrays = {"aus": clip.arrays["aus"]}
    clip.save(path, overwrite=True)
    assert not (tmp_path / f"{path.stem}.layers.npz").exists() and set(Clip.open(path).arrays) == {"aus"}


def test_arrays_of_objects_are_refused_and_damaged_ones_named(tmp_path):
    clip = whole_clip()
    clip.arrays = {"odd": np.array([{}])}
    with pytest.raises(ValueError, match="odd"):
        clip.save(tmp_path / "a.mp4")
    assert not list(tmp_path.iterdir())
    clip.arrays = {"masks": np.zeros((20, 2, 2), np.uint8)}
    path = clip.save(tmp_path / "a.mp4", steps={"landmarks": 1.0})
    layers = tmp_path / "a.layers.npz"
    layers.write_bytes(layers.read_bytes()[:100])
    with pytest.raises(InputError, match="a.layers.npz"):
        Clip.open(path)
    layers.unlink()
    with np.load(tmp_path / "a.npz") as held:
        np.savez(tmp_path / "a.npz", **{k: held[k] for k in held.files if k != "landmarks__high"})
    with pytest.raises(InputError, match="not complete"):
        Clip.open(path)
    for odd in (dict(clip=np.array("{}")), dict(clip=np.array("{"), clip_meta=np.array("{}"))):
        np.savez(tmp_path / "a.npz", version=1, **odd)
        with pytest.raises(InputError, match="a.npz is a clip file that is not complete"):
            Clip.open(path)
