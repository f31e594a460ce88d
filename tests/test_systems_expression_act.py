"""The system expression: the inputs of each part, the options that replace parts, and refused input.

The networks are stand-ins in tests that do not depend on their results: they note their inputs.
"""
from __future__ import annotations

import warnings

import numpy as np
import pytest

import tfg
from tfg import paths
from tfg.acting import performance
from tfg.errors import InputError
from tfg.media.clip import Motion
from tfg.media.video import FrameReader
from tfg.systems.base import Speech
from tfg.systems.expression import act as expression
from tfg.systems.graphics import act as graphics
from tfg.vocabulary import EXPRESSION, INDEX, POSE, index

PHOTO = paths.data("faces", "default.jpg")
VOICE = paths.data("audio", "DFA.wav")
N = 50
LIDS = index("eyeBlink")
SMILE = index("mouthSmile")


@pytest.fixture
def parts(monkeypatch):
    """Stand-ins for the three networks; returns the arguments of each call."""
    from tfg.systems.expression import emotion as adding
    from tfg.systems.expression.expnet import network as expnet
    from tfg.systems.expression.posevae import network as posevae

    calls: dict[str, dict] = {}

    def speak(audio, *, neutral=None, blink=None, folder=None):
        calls["expnet"] = dict(audio=audio, neutral=neutral, blink=blink, folder=folder)
        out = np.zeros((len(blink), 52), np.float32)
        out[:, INDEX["jawOpen"]] = .4 + .8 * (np.arange(len(blink)) % 2)              # beyond 1: not clipped
        out[:, LIDS] = blink[:, None]
        return out

    def move(audio, *, style=0, seed=0, folder=None):
        calls["posevae"] = dict(audio=audio, style=style, seed=seed, folder=folder)
        return np.full((-(-len(audio) // 640), 6), 2.0, np.float32)

    def add(offsets, emotion, intensity=1.0, *, alpha=1.0, ortho=False, model="linear", folder=None):
        calls["add"] = dict(offsets=offsets.copy(), emotion=emotion, intensity=intensity, alpha=alpha, ortho=ortho,
                            model=model, folder=folder)
        out = offsets.copy()
        if emotion != "NEU":
            out[:, SMILE] += alpha * intensity
        return out

    monkeypatch.setattr(expnet, "predict", speak)
    monkeypatch.setattr(posevae, "predict", move)
    monkeypatch.setattr(adding, "add", add)
    return calls


def sound(n: int = N) -> np.ndarray:
    return np.random.default_rng(0).normal(0, .1, n * 640).astype(np.float32)


def act(**how):
    return expression.act(Speech(sound()), **how)


# ---- inputs -----------------------------------------------------------------------------------------------------
def test_each_network_gets_its_own_folder_and_arguments(parts):
    """Mistake (a): SadTalker's fork hands one checkpoint to two parameters, and other values to that slot."""
    rest = np.full(52, .1, np.float32)
    motion = act(neutral=rest, emotion="HAP", intensity=.5, alpha=.7, ortho=True, emotion_model="transformer",
                 pose_style=7, seed=3, expnet="a", posevae="b", emotion_add="c")
    assert (parts["expnet"]["folder"], parts["posevae"]["folder"], parts["add"]["folder"]) == ("a", "b", "c")
    assert parts["expnet"]["neutral"] is rest
    assert {k: parts["add"][k] for k in ("emotion", "intensity", "alpha", "ortho", "model")} == dict(
        emotion="HAP", intensity=.5, alpha=.7, ortho=True, model="transformer")
    assert parts["posevae"]["style"] == 7 and parts["posevae"]["seed"] == 3
    assert np.array_equal(parts["posevae"]["audio"], parts["expnet"]["audio"])
    assert len(motion) == N and motion.fps == 25 and motion.meta["emotion"] == "HAP"


def test_the_lids_that_expnet_hears_of_are_the_lids_that_are_played(parts):
    """Mistake (d): there, the blink signal and the target had nothing to do with each other."""
    motion = act(seed=1)
    blink = parts["expnet"]["blink"]
    assert blink.shape == (N,) and blink.max() > .9
    assert np.allclose(motion.expression[:, LIDS], blink[:, None], atol=1e-6)
    assert not np.any(act(seed=1, blink=False).expression[:, LIDS])


def test_nothing_is_clipped_before_it_is_drawn(parts):
    motion = act(emotion="HAP", alpha=2.0)
    assert motion.curve("jawOpen").max() > 1.1 and motion.curve("mouthSmile").max() > 1.9
    assert parts["add"]["offsets"][:, INDEX["jawOpen"]].max() > 1.1           # what is added to is not clipped either


def test_the_scale_leaves_blinks_alone(parts):
    usual, small = act(emotion="HAP", seed=1), act(emotion="HAP", seed=1, expression_scale=.25)
    assert np.allclose(small.curve("jawOpen"), .25 * usual.curve("jawOpen"), atol=1e-6)
    assert np.allclose(small.expression[:, LIDS], usual.expression[:, LIDS])


def test_known_phones_move_the_mouth(parts):
    from tfg.speech import voice
    from tfg.speech.visemes import coarticulate, opening, with_effort
    from tfg.systems.expression import articulation

    if not voice.available():
        pytest.skip("needs the extra: voice")
    y, phones = voice.speak("Maybe tomorrow it will be cold.")
    motion = expression.act(Speech(y, phones))
    said = coarticulate(with_effort(phones, y), len(motion), articulation=articulation.load())
    assert np.corrcoef(opening(motion.expression), opening(said))[0, 1] > .99
    assert motion.curve("jawOpen").max() < .9                                 # the stand-in's 1.2 is gone


# ---- the head -------------------------------------------------------------------------------------------------
def test_head(parts):
    free = act().pose
    assert np.allclose(free, 2.0)                                             # as the network says, no lean in NEU
    assert np.allclose(act(pose_scale=.5).pose, 1.0)
    assert not act(still=True, emotion="SAD").pose.any()
    lean = act(emotion="SAD").pose - free
    assert lean[N // 2, POSE.index("pitch")] < -4 and not lean[:, POSE.index("ty")].max() > 0      # looks down
    turned = act(yaw=[0, 20, 0], roll=-5).pose
    yaw, roll = turned[:, POSE.index("yaw")], turned[:, POSE.index("roll")]
    assert abs(yaw[0]) < 1 and abs(yaw[-1]) < 1 and abs(yaw.max() - 20) < 1 and np.allclose(roll, -5)
    assert np.allclose(turned[:, POSE.index("pitch")], 2.0)                   # what is not asked for stays


def test_eyes_stay_on_the_viewer(parts):
    left = act(yaw=15, blink=False).curve("eyeLookInLeft").mean()
    right = act(yaw=-15, blink=False).curve("eyeLookInLeft").mean()
    assert left > right + .3                                                  # the head to its left: eyes to its right


def test_reference_videos(parts, tmp_path):
    t = np.arange(80)
    pose = np.zeros((80, 6), np.float32)
    pose[:, 0] = 8 * np.sin(t / 6)
    lids = np.zeros((80, 52), np.float32)
    lids[20:24, LIDS] = .9
    path = Motion(lids, pose, meta={"measured": "mediapipe"}).save(tmp_path / "other.npz")
    followed = act(ref_pose=path)
    assert np.corrcoef(followed.pose[:, 0], pose[:N, 0])[0, 1] > .99 and "posevae" not in parts
    blinking = act(ref_blink=path)
    assert 19 <= int(np.argmax(blinking.expression[:, LIDS[0]])) <= 24
    assert np.allclose(parts["expnet"]["blink"], blinking.expression[:, LIDS[0]], atol=1e-6)


def test_idle(parts):
    motion = expression.act(Speech(), idle=4.0, seed=2)
    assert len(motion) == 100 and "expnet" not in parts                       # nothing is said
    assert motion.expression[:, LIDS].max() > .8 and not motion.curve("jawOpen").any()
    assert motion.meta["kind"] == "idle" and len(parts["posevae"]["audio"]) == 64000


# ---- a given motion ---------------------------------------------------------------------------------------------
def test_an_emotion_is_added_to_a_given_motion(parts):
    given = Motion.still(30).override(jawOpen=np.linspace(-.2, 1.3, 30).astype(np.float32))
    plain = expression.act(Speech(), motion=given)
    happy = expression.act(Speech(), motion=given, emotion="HAP", alpha=1.0)
    assert "expnet" not in parts and "posevae" not in parts and len(plain) == 30
    assert np.allclose(plain.expression, given.expression, atol=1e-6)         # unclipped, both ways
    assert np.allclose(happy.expression - plain.expression, np.where(np.isin(np.arange(52), SMILE), 1, 0), atol=1e-6)


def test_saved_and_played_again(parts, tmp_path):
    first = act(emotion="ANG", seed=4)
    again = expression.act(Speech(), motion=Motion.load(first.save(tmp_path / "m.npz")))
    assert np.allclose(again.expression, first.expression, atol=1e-6) and np.allclose(again.pose, first.pose, atol=1e-5)


def test_a_measured_motion_loses_that_persons_rest(parts):
    measured = np.full((40, 52), .3, np.float32)
    measured[20:25, INDEX["jawOpen"]] = .8
    measured[:, INDEX["tongueOut"]] = np.nan
    motion = expression.act(Speech(), motion=Motion(measured, meta={"measured": "mediapipe"}))
    assert abs(motion.curve("browInnerUp")).max() < 1e-6 and motion.curve("jawOpen").max() > .6
    assert np.isfinite(motion.expression).all()


# ---- refused ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("options, words", [
    (dict(pose_style=46), "pose style.*46.*0 to 45"), (dict(pose_style=1.5), "pose style"),
    (dict(yaw=[0, 90]), "yaw.*-60 to 60"), (dict(pitch="up"), "pitch.*'up'"), (dict(roll=[]), "roll"),
    (dict(yaw=float("nan")), "yaw"), (dict(alpha=3), "alpha.*-2 to 2"), (dict(idle=0), "idle"),
    (dict(emotion_model="magic"), "magic.*linear"), (dict(ref_pose=5), "ref pose is 5, but it must be a path"),
    (dict(still=True, yaw=5), "--still.*--yaw"), (dict(ref_pose="a", pose_style=2), "--ref-pose.*--pose-style"),
    (dict(ref_blink="a", blink=False), "--no-blink and --ref-blink"), (dict(still=1), "still is 1"),
    (dict(motion=Motion.still(3), pose_style=2), "motion replaces.*--pose-style"),
    (dict(alpha=1.0), "without an emotion.*--alpha"), (dict(ortho=True, intensity=.5), "without an emotion.*--ortho"),
    (dict(motion=Motion.still(0)), "no frames"),
    (dict(motion=Motion(np.full((4, 52), np.nan), np.full((4, 6), np.nan))), "4 in all"),
])
def test_refused(options, words, tmp_path):
    with pytest.raises(InputError, match=words):
        tfg.animate(PHOTO, None if "idle" in options or "motion" in options else VOICE, system="expression",
                    out=tmp_path / "x.mp4", progress=False, **options)
    assert not list(tmp_path.iterdir())


def test_what_is_missing_shows_before_the_face_is_fitted(tmp_path, monkeypatch):
    from tfg.head.portrait import Portrait

    monkeypatch.setattr(Portrait, "from_image", lambda *a, **k: pytest.fail("the face was fitted first"))
    empty = Motion.still(0).save(tmp_path / "empty.npz")
    for options in (dict(expnet=tmp_path), dict(posevae=tmp_path), dict(emotion_add=tmp_path, emotion="HAP"),
                    dict(ref_pose=empty), dict(ref_blink=empty)):
        with pytest.raises(InputError, match="is not in|has no frames"):
            tfg.animate(PHOTO, VOICE, system="expression", **options)


def test_idle_and_sound_contradict_each_other(tmp_path):
    with pytest.raises(InputError, match="idle.*without sound"):
        tfg.animate(PHOTO, VOICE, idle=2.0, system="expression", out=tmp_path / "x.mp4")
    with pytest.raises(InputError, match="no_such.mp4"):
        tfg.animate(PHOTO, VOICE, ref_pose=tmp_path / "no_such.mp4", system="expression", out=tmp_path / "x.mp4")


# ---- with the networks that ship ----------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def happy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return tfg.animate(PHOTO, VOICE, emotion="HAP", size=128, system="expression", out=folder / "happy.mp4",
                           save_motion=folder / "happy.npz", progress=False)


def test_a_portrait_speaks(happy):
    """Mistake (k): as many frames as the sound has, not four less."""
    from tfg.media.audio import load_audio, n_frames

    n = n_frames(len(load_audio(VOICE)))
    assert len(FrameReader(happy.path)) == len(happy.motion) == n
    assert happy.meta["system"] == "expression" and happy.emotion == "HAP"
    assert np.isfinite(happy.motion.expression).all() and np.isfinite(happy.motion.pose).all()
    assert happy.motion.curve("mouthSmile").mean() > .3 and happy.motion.pose[:, :3].std(0).max() > .2
    assert np.abs(happy.motion.pose[:, :3]).max() < 25


def test_lips_hear_the_sound(happy):
    """The mouth as the baseline has it, which knows neither this network nor its training."""
    from tfg.media.audio import load_audio
    from tfg.speech.visemes import opening

    neutral = expression.act(Speech(load_audio(VOICE)), seed=0)
    baseline = graphics.act(Speech(load_audio(VOICE)), emotion="NEU", seed=0)
    assert np.corrcoef(opening(np.clip(neutral.expression, 0, 1)), opening(baseline.expression))[0, 1] > .7
    level = performance.speech_level(load_audio(VOICE), len(neutral))
    quiet = level < -40
    assert opening(np.clip(neutral.expression[quiet], 0, 1)).mean() < .08


def test_same_seed_same_bytes(happy, tmp_path):
    again = tfg.animate(PHOTO, VOICE, emotion="HAP", size=128, system="expression", out=tmp_path / "again.mp4",
                        save_motion=tmp_path / "again.npz", progress=False)
    assert np.array_equal(again.motion.expression, happy.motion.expression)
    assert again.path.read_bytes() == happy.path.read_bytes()
    other = tfg.animate(PHOTO, VOICE, emotion="HAP", size=128, system="expression", seed=1, progress=False)
    assert not np.array_equal(other.motion.pose, happy.motion.pose)


def test_pose_styles_differ(happy):
    from tfg.media.audio import load_audio

    y = np.tile(load_audio(VOICE), 3)
    moved = [expression.act(Speech(y), pose_style=k).pose[:, :3].std(0) for k in range(8)]
    assert np.ptp(np.array(moved).sum(1)) > .5                                # degrees


def test_a_playing_names_its_columns(happy):
    assert len(happy.motion.expression[0]) == len(EXPRESSION)
    assert Motion.load(happy.path.with_suffix(".npz")).meta["system"] == "expression"
