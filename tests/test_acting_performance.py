from __future__ import annotations

import numpy as np
import pytest

from tfg.acting import performance as pf
from tfg.acting.emotion import MANNERS, actions
from tfg.errors import InputError
from tfg.speech import visemes
from tfg.vocabulary import EMOTIONS, INDEX, index

N = 250


@pytest.fixture(scope="module")
def voice():
    """10 s of noise bursts, a syllable each 0.4 s, with a pause of 2 s."""
    rng, t = np.random.default_rng(0), np.arange(N * 640) / 16000
    loud = np.clip(np.sin(2 * np.pi * 2.5 * t), 0, 1) * (1 + .8 * np.sin(2 * np.pi * .4 * t)) / 2
    loud[(t > 4) & (t < 6)] = 0
    return (rng.standard_normal(len(t)) * loud * .1).astype(np.float32)


@pytest.fixture(scope="module")
def mouth():
    """Syllables pa-pa-pa: one closed frame in ten among open ones, smooth."""
    phase = np.arange(N) % 10
    opening = np.clip(np.sin(np.pi * phase / 10), 0, None)[:, None]
    table = dict(zip(visemes.VISEMES, visemes.table()))
    closed = np.exp(-.5 * (np.minimum(phase, 10 - phase) / .8) ** 2)[:, None]
    return (opening * table["AA"] * (1 - closed) + closed * table["PP"]).astype(np.float32)


def still_mouth(shape: str, n: int = 3) -> np.ndarray:
    return np.tile(visemes.table()[visemes.VISEMES.index(shape)], (n, 1))


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_ranges_and_no_jumps(mouth, voice, emotion):
    m = pf.perform(mouth, voice, emotion, 1.0, seed=3)
    assert m.expression.shape == (N, 52) and m.pose.shape == (N, 6) and m.fps == 25
    assert m.expression.min() >= 0 and m.expression.max() <= 1 and np.isfinite(m.pose).all()
    assert np.abs(m.pose[:, :3]).max() < 20 and np.abs(m.pose[:, 3:]).max() < .12
    step = np.abs(np.diff(m.expression, axis=0)).max(0)
    free = np.ones(52, bool)
    free[index("eyeBlink", "eyeWide", "jawOpen", "mouthClose")] = False
    assert step[free].max() < .40 and step[index("eyeBlink")].max() <= .8
    assert np.abs(np.diff(m.pose[:, :3], axis=0)).max() < 1.3          # degrees per frame
    assert np.abs(np.diff(m.pose[:, 3:], axis=0)).max() < .008


def test_same_seed_same_performance(mouth, voice):
    a, b, c = (pf.perform(mouth, voice, "HAP", .7, seed=s) for s in (5, 5, 6))
    np.testing.assert_array_equal(a.expression, b.expression)
    np.testing.assert_array_equal(a.pose, b.pose)
    assert np.abs(a.pose - c.pose).max() > .3


def test_neutral_leaves_the_mouth_alone(mouth, voice):
    m = pf.perform(mouth, voice, "NEU")
    columns = [i for n, i in INDEX.items() if n.startswith(("mouth", "jaw"))]
    np.testing.assert_allclose(m.expression[:, columns], mouth[:, columns], atol=1e-6)


@pytest.mark.parametrize("emotion", [e for e in EMOTIONS if e != "NEU"])
@pytest.mark.parametrize("shape", ["PP", "FF"])
def test_an_emotion_does_not_open_closed_lips(emotion, shape):
    feeling = np.tile(actions(emotion), (3, 1))
    mouth = still_mouth(shape)
    alone, both = visemes.opening(mouth), visemes.opening(pf.blend(mouth, feeling))
    assert (both <= alone + (.005 if shape == "PP" else .03)).all()


def test_a_smile_stays_on_closed_lips():
    out = pf.blend(still_mouth("PP"), np.tile(actions("HAP"), (3, 1)))
    assert (out[:, index("mouthSmile")] > .75).all() and (out[:, index("cheekSquint")] > .75).all()


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_vowels_stay_open(emotion):
    """Pressed lips and raised chins may not swallow an open vowel."""
    mouth = still_mouth("AA")
    out = pf.blend(mouth, np.tile(actions(emotion), (3, 1)))
    assert (visemes.opening(out) > .85 * visemes.opening(mouth)).all()


def test_rounding_wins_over_stretch():
    free = pf.blend(still_mouth("sil"), np.tile(actions("FEA"), (3, 1)))
    rounded = pf.blend(still_mouth("UW"), np.tile(actions("FEA"), (3, 1)))
    assert (rounded[:, INDEX["mouthStretchLeft"]] < .7 * free[:, INDEX["mouthStretchLeft"]]).all()


def test_pauses_may_part_the_lips():
    out = pf.blend(still_mouth("sil"), np.tile(actions("FEA"), (3, 1)), np.zeros(3))
    assert (visemes.opening(out) > .08).all()


def test_blinks_rate_and_shape():
    lids = pf.blinks(25 * 600, 17, seed=1)
    starts = np.flatnonzero((lids[1:] == 1) & (lids[:-1] < 1))
    assert 12 < len(starts) / 10 < 22                                  # per minute
    assert lids.max() == 1 and lids.min() == 0 and np.diff(starts).min() >= 15
    first = np.flatnonzero(pf.blinks(60, 17, seed=2) > .9)
    assert len(first), "a clip of 2.4 s has a blink"


@pytest.mark.parametrize("seed", range(5))
def test_fear_blinks_more_than_anger(seed):
    count = {e: (np.diff(pf.blinks(25 * 300, MANNERS[e].blinks_per_min, seed=seed)) > .4).sum() for e in ("FEA", "ANG")}
    assert count["FEA"] > 1.5 * count["ANG"]


def test_no_blink(mouth, voice):
    on, off = (pf.perform(mouth, voice, "NEU", blink=b, seed=4) for b in (True, False))
    assert on.curve("eyeBlink").max() > .95 and off.curve("eyeBlink").max() == 0
    np.testing.assert_array_equal(on.pose, off.pose)                   # one stream of randomness per part


def test_blinks_move_to_pauses():
    level = np.where(np.arange(500) % 25 < 5, -50.0, 0.0)
    starts = np.flatnonzero(np.diff((pf.blinks(500, 17, level=level, seed=0) > 0).astype(int)) == 1) + 1
    assert (level[starts] == -50).mean() > .6


def test_pose_scale(mouth, voice):
    one, two, none = (pf.perform(mouth, voice, "SAD", pose_scale=s) for s in (1, 2, 0))
    np.testing.assert_allclose(two.pose, 2 * one.pose, atol=1e-5)
    assert not none.pose.any()


def test_expression_scale(mouth, voice):
    none = pf.perform(mouth, voice, "HAP", expression_scale=0, blink=False)
    assert none.expression[:, [i for n, i in INDEX.items() if not n.startswith("eyeLook")]].max() == 0
    small, full = (pf.perform(mouth, voice, "HAP", expression_scale=s).curve("mouthSmile").max() for s in (.5, 1))
    assert small < .65 * full


def test_head_nods_on_stress_and_rests_at_first(voice):
    level = pf.speech_level(voice, N)
    beats = pf.stressed(level)
    assert len(beats) >= 5 and min(np.diff([f for f, _ in beats])) >= 12
    pose = pf.head_motion(N, MANNERS["NEU"], 1.0, beats)
    calm = pf.head_motion(N, MANNERS["NEU"], 1.0, [])
    assert not pose[0].any()
    dips = [pose[f, 1] - calm[f, 1] for f, _ in beats if f > 20]
    assert max(dips) < 0 and min(dips) > -3


def test_head_motion_is_slow():
    pose = pf.head_motion(5000, MANNERS["NEU"])
    power, hz = np.abs(np.fft.rfft(pose[500:, 0])) ** 2, np.fft.rfftfreq(4500, 1 / 25)
    assert power[hz > 1.5].sum() < .02 * power[1:].sum()
    assert .8 < pose[:, 0].std() < 3


def test_sadness_looks_down_and_anger_leans_forward(mouth, voice):
    sad, angry, calm = (pf.perform(mouth, voice, e, seed=0) for e in ("SAD", "ANG", "NEU"))
    assert sad.curve("pitch").mean() < calm.curve("pitch").mean() - 4
    assert sad.curve("eyeLookDown").mean() > calm.curve("eyeLookDown").mean() + .1
    assert angry.curve("tz").mean() > calm.curve("tz").mean() + .02


def test_eyes_stay_on_the_viewer_while_the_head_turns(mouth, voice):
    m = pf.perform(mouth, voice, "NEU", seed=1, pose_scale=3.0)
    to_left = m.expression[:, INDEX["eyeLookOutLeft"]] - m.expression[:, INDEX["eyeLookInLeft"]]
    assert np.corrcoef(to_left, m.pose[:, 0])[0, 1] < -.3


def test_gaze_directions_exclude_each_other():
    expression = np.zeros((4, 52), np.float32)
    pf.write_gaze(expression, np.array([[.3, 0], [-.3, 0], [0, .3], [0, -.3]]))
    assert expression[0, INDEX["eyeLookOutLeft"]] == expression[0, INDEX["eyeLookInRight"]] == np.float32(.3)
    assert expression[1, INDEX["eyeLookInLeft"]] == expression[1, INDEX["eyeLookOutRight"]] == np.float32(.3)
    assert expression[2, INDEX["eyeLookUpLeft"]] > 0 and expression[3, INDEX["eyeLookDownLeft"]] > 0
    assert (expression > 0).sum() == 8


def test_without_sound_and_very_short(mouth):
    assert len(pf.perform(mouth[:1], None, "FEA")) == 1
    assert len(pf.perform(mouth[:7], np.zeros(7 * 640, np.float32), "FEA")) == 7


def test_bad_emotion(mouth):
    with pytest.raises(InputError, match="ANG"):
        pf.perform(mouth, None, "HAPPY")


def test_an_hour_is_quick():
    m = pf.perform(np.zeros((90000, 52), np.float32), None, "HAP")
    assert len(m) == 90000
