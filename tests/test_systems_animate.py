"""tfg.animate end to end, small and short."""
from __future__ import annotations

import importlib
import warnings

import av
import numpy as np
import pytest

import tfg
from tfg import paths, registry
from tfg.errors import InputError
from tfg.faces import one_face
from tfg.media.audio import load_audio
from tfg.media.badge import draw_badge
from tfg.media.clip import Clip, Motion
from tfg.media.video import FrameReader, read_image, write_video
from tfg.systems.base import Speech, Take
from tfg.systems.graphics import act as graphics
from tfg.vocabulary import EMOTIONS

animate_module = importlib.import_module("tfg.systems.animate")         # tfg.animate itself is the function
PHOTO = paths.data("faces", "default.jpg")
VOICE = paths.data("audio", "DFA.wav")
SMALL = dict(size=96, progress=False)


@pytest.fixture(scope="module")
def sound():
    return load_audio(VOICE)[:16000]


@pytest.fixture(scope="module")
def happy(tmp_path_factory, sound):
    folder = tmp_path_factory.mktemp("happy")
    return tfg.animate(PHOTO, sound, emotion="HAP", out=folder / "happy.mp4", save_motion=folder / "happy.npz", **SMALL)


def test_the_clip(happy, sound):
    assert isinstance(happy, Clip) and happy.path.name == "happy.mp4" and happy.emotion == "HAP"
    assert len(happy) == len(happy.motion) == 25 and happy.frames[0].shape == (96, 96, 3)
    np.testing.assert_array_equal(happy.audio, sound)
    assert happy.meta["system"] == registry.DEFAULT == "expression" and happy.meta["seconds"]["total"] > 0
    assert happy.meta["settings"]["size"] == 96


def test_the_file(happy):
    with av.open(str(happy.path)) as f:
        video, audio = f.streams.video[0], f.streams.audio[0]
        assert (video.codec_context.name, video.codec_context.pix_fmt, video.average_rate) == ("h264", "yuv420p", 25)
        assert audio.codec_context.name == "aac"
        assert any("AI-generated" in value for value in f.metadata.values())
        assert sum(1 for _ in f.decode(video)) == 25
    assert not [p for p in happy.path.parent.iterdir() if p.name.startswith(".")]


def test_saved_motion_is_what_was_played(happy):
    saved = Motion.load(happy.path.with_suffix(".npz"))
    np.testing.assert_array_equal(saved.expression, happy.motion.expression)
    assert saved.curve("mouthSmile").max() > .5


def test_same_seed_same_pixels_and_motion_replays(happy, sound, tmp_path):
    """A saved motion, played again, gives the frames of the run that saved it; so does the same seed."""
    again = tfg.animate(PHOTO, sound, motion=happy.path.with_suffix(".npz"), out=tmp_path / "again.mp4", **SMALL)
    for i in (0, 12, 24):
        np.testing.assert_array_equal(again.frames[i], happy.frames[i])
    assert again.emotion is None


def test_emotions_look_different(happy, sound):
    angry = tfg.animate(PHOTO, sound, emotion="ANG", **SMALL)
    assert np.abs(angry.frames[15].astype(int) - happy.frames[15]).mean() > 2
    assert angry.path.exists() and not angry.path.samefile(happy.path)


def test_motion_without_sound_is_a_silent_video(tmp_path):
    clip = tfg.animate(PHOTO, motion=Motion.still(6), out=tmp_path / "still.mp4", **SMALL)
    assert len(clip) == 6 and clip.audio is None
    with av.open(str(clip.path)) as f:
        assert not f.streams.audio


def test_full_returns_the_whole_photo(sound):
    image = np.full((600, 700, 3), 120, np.uint8)
    face = read_image(PHOTO)[::2, ::2]
    image[100:484, 150:534] = face
    clip = tfg.animate(image, sound[:8000], preprocess="full", badge=False, progress=False)
    assert clip.frames[0].shape == (600, 700, 3)
    assert np.abs(clip.frames[5][:60].astype(int) - image[:60]).mean() < 3       # far from the head nothing changes


def test_resize_keeps_the_shape(sound):
    image = read_image(PHOTO)[:, 100:668]
    clip = tfg.animate(image, sound[:6400], preprocess="resize", **SMALL)
    assert clip.frames[0].shape[0] == 96 and clip.frames[0].shape[1] == pytest.approx(72, abs=2)


def test_badge_on_photos_not_on_shipped_faces(happy, sound):
    plain = tfg.animate(read_image(PHOTO), sound[:6400], badge=False, emotion="HAP", **SMALL)
    badged = tfg.animate(read_image(PHOTO), sound[:6400], emotion="HAP", **SMALL)
    assert happy.meta["badge"] is False and plain.meta["badge"] is False and badged.meta["badge"] is True
    changed = np.abs(badged.frames[3].astype(int) - plain.frames[3]).mean(2)
    assert changed[80:, :50].mean() > 8 and changed[:60].mean() < 2


@pytest.mark.parametrize("shape", [(64, 64), (256, 256), (1080, 1920), (480, 200)])
def test_badge_is_small_and_inside(shape):
    frame = np.zeros((*shape, 3), np.uint8)
    drawn = draw_badge(frame.copy())
    assert drawn.shape == frame.shape and drawn.max() > 150
    changed = np.argwhere(drawn.any(2))
    height = changed[:, 0].max() - changed[:, 0].min() + 1
    assert height <= max(16, .12 * shape[0]) and changed[:, 0].min() > .75 * shape[0]


def test_a_video_as_source_gives_its_face(sound, tmp_path):
    write_video(tmp_path / "source.mp4", [read_image(PHOTO)[::2, ::2]] * 8)
    clip = tfg.animate(tmp_path / "source.mp4", sound[:6400], size=64, progress=False)
    assert len(clip) == 10 and clip.frames[0].shape == (64, 64, 3)


def test_text_is_spoken():
    pytest.importorskip("espeakng_loader")
    clip = tfg.animate(PHOTO, text="Hello there.", **SMALL)
    assert .4 < clip.duration_s < 2.5 and clip.audio is not None and clip.motion.curve("jawOpen").max() > .05


def test_warns_of_several_faces(sound):
    image = np.full((384, 640, 3), 128, np.uint8)
    image[:, :384] = read_image(PHOTO)[::2, ::2]
    image[80:336, 384:] = read_image(PHOTO)[::3, ::3]
    with pytest.warns(UserWarning, match="2 faces"):
        tfg.animate(image, sound[:6400], **SMALL)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        tfg.animate(image, sound[:6400], face=1, **SMALL)


def test_the_chosen_face_of_a_video_is_the_one_that_is_animated(tmp_path):
    image = np.full((384, 640, 3), 128, np.uint8)
    image[:, :384] = read_image(PHOTO)[::2, ::2]
    image[80:336, 384:] = read_image(PHOTO)[::3, ::3]
    write_video(tmp_path / "two.mp4", [image] * 3)
    sizes = []
    for face in (0, 1):
        picture, number = graphics.read_source(tmp_path / "two.mp4", face=face)
        sizes.append(one_face(picture, number).size_px)
    assert sizes[0] > 1.3 * sizes[1]
    with pytest.raises(InputError, match="face 2 was asked for"):
        graphics.read_source(tmp_path / "two.mp4", face=2)


@pytest.mark.parametrize("size", [(4, 64), (13, 64), (64, 3)])
def test_badge_on_frames_smaller_than_itself(size):
    assert draw_badge(np.zeros((*size, 3), np.uint8)).max() > 0


# ---- graphics, without pictures -------------------------------------------------------------------------------
def test_replay_cuts_and_holds():
    motion = Motion.still(10).override(jawOpen=np.linspace(0, .9, 10))
    short = graphics.replay(motion, np.zeros(4 * 640, np.float32))
    held = graphics.replay(motion, np.zeros(20 * 640, np.float32))
    assert len(short) == 4 and len(held) == 20 and len(graphics.replay(motion)) == 10
    np.testing.assert_allclose(held.curve("jawOpen")[9:], .9, atol=1e-6)


def test_replay_bridges_gaps_and_centres_measured_pose():
    motion = Motion.still(9).override(jawOpen=.5, yaw=12.0)
    motion.expression[3:5] = np.nan
    motion.expression[:, -1] = np.nan
    motion.meta["measured"] = "mediapipe"
    out = graphics.replay(motion)
    np.testing.assert_allclose(out.curve("jawOpen"), .5)
    assert not out.expression[:, -1].any() and not out.pose.any()
    assert graphics.replay(Motion.still(9).override(yaw=12.0), pose_scale=.5).curve("yaw")[0] == 6


def test_replay_at_another_rate_keeps_the_time():
    motion = Motion(np.zeros((60, 52)), fps=30).override(jawOpen=np.linspace(0, 1, 60))
    out = graphics.replay(motion)
    assert len(out) == 50 and out.fps == 25
    np.testing.assert_allclose(out.curve("jawOpen")[25], 30 / 59, atol=.01)


def test_an_hour_is_never_held_as_frames(tmp_path):
    """Frames are made while they are written: at most a few exist at a time."""
    alive, most = [0], [0]

    class Frame(np.ndarray):
        def __del__(self):
            alive[0] -= 1

    def frames():
        for i in range(300):
            alive[0] += 1
            most[0] = max(most[0], alive[0])
            yield np.full((64, 64, 3), i % 255, np.uint8).view(Frame)

    animate_module._write(tmp_path / "a.mp4", Take(frames(), 300, (64, 64)), None, badge=False, progress=False)
    assert most[0] < 20 and len(FrameReader(tmp_path / "a.mp4")) == 300


def test_speech_from_phones_needs_no_network(monkeypatch, sound):
    import tfg.systems.graphics.network as mouth
    from tfg.speech.visemes import make_phones
    monkeypatch.setattr(mouth, "predict", lambda *_: pytest.fail("the network was asked"))
    phones = make_phones("m", .1, .3) + make_phones("ˈɑː", .3, .6)
    motion = graphics.act(Speech(sound, phones), emotion="NEU", intensity=1.0, seed=0, blink=False, pose_scale=1.0,
                          expression_scale=1.0)
    assert motion.curve("jawOpen")[10:14].max() > .15


@pytest.mark.slow
@pytest.mark.parametrize("emotion", EMOTIONS)
def test_each_emotion_on_a_real_photo(emotion, sound, tmp_path):
    """The astronaut smiles with teeth: the hard case."""
    from skimage import data

    clip = tfg.animate(data.astronaut(), sound, emotion=emotion, out=tmp_path / "a.mp4", **SMALL)
    frames = np.stack([clip.frames[i] for i in range(0, 25, 6)])
    assert frames.std() > 20 and np.abs(np.diff(frames.astype(int), axis=0)).mean() > .5
