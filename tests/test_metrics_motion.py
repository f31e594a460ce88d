"""Scores of a head's motion on motion that is known; and the metric lab: break one thing, and the right one moves."""
from __future__ import annotations

import numpy as np
import pytest

from tfg import paths
from tfg.media.audio import load_audio
from tfg.metrics import motion as m

SR = 16000


def clicks(at_s, seconds: float = 10.0) -> np.ndarray:
    """Syllables of noise, 0.16 s long with a peak in the middle, at known times."""
    rng, t = np.random.default_rng(0), np.arange(round(seconds * SR)) / SR
    loud = sum(np.exp(-.5 * ((t - s) / .05) ** 2) for s in at_s)
    return (.2 * loud * rng.standard_normal(len(t)) + 1e-4 * rng.standard_normal(len(t))).astype(np.float32)


def nods(at_s, seconds: float = 10.0, size: float = 2.0) -> np.ndarray:
    """(T, 6) the chin goes down and up again around each time."""
    t = (np.arange(round(seconds * 25)) + .5) / 25
    pose = np.zeros((len(t), 6))
    pose[:, 1] = -size * sum(np.exp(-.5 * ((t - s) / .13) ** 2) for s in at_s)
    return pose


TIMES = np.arange(1.0, 9.5, .93)


def test_diversity_is_the_spread_within_a_clip():
    pose = np.zeros((2000, 6))
    pose[:, 2] = 3 * np.sin(np.arange(2000) / 10)
    assert m.diversity([pose, pose + 50])[2] == pytest.approx(3 / np.sqrt(2), rel=.01)
    assert m.diversity([pose, np.zeros_like(pose)])[2] == pytest.approx(1.5 / np.sqrt(2), rel=.01)
    assert m.diversity([pose])[[0, 1, 3, 4, 5]].max() == 0


def test_difference_of_independent_motions_is_their_spread():
    rng = np.random.default_rng(0)
    poses = rng.normal(0, 2.0, (5, 4000, 6))
    np.testing.assert_allclose(m.difference(poses), 2.0, rtol=.05)
    assert m.difference(np.repeat(poses[:1], 3, 0)).max() < 1e-12
    with pytest.raises(ValueError, match="two motions"):
        m.difference(poses[:1])


def test_accents_and_onsets_are_found_where_they_are():
    sound = clicks(TIMES)
    accents, onsets = m.accents(sound), m.onsets(sound)
    assert len(accents) == len(TIMES) == len(onsets)
    assert np.abs(accents - TIMES).max() < .045                              # a frame
    assert ((TIMES - onsets) > -.02).all() and ((TIMES - onsets) < .15).all()  # it sets in before its peak
    assert len(m.accents(clicks([]))) < 12 and len(m.onsets(np.zeros(SR))) == 0


def test_beats_of_a_motion_are_its_turning_points():
    beats = m.motion_beats(nods(TIMES))
    for at in TIMES:
        assert np.abs(beats - at).min() < .045
    assert len(m.motion_beats(np.zeros((100, 6)))) == 0 and len(m.motion_beats(np.zeros((2, 6)))) == 0
    circle = np.zeros((100, 6))
    circle[:, 0] = np.arange(100)                                            # turning at a constant speed
    assert len(m.motion_beats(circle)) == 0


def test_alignment_by_its_definition():
    pose = nods([2.0, 5.0])
    beats = m.motion_beats(pose)
    assert m.beat_alignment(pose, beats) == pytest.approx(1)
    assert m.beat_alignment(pose, beats + .05) == pytest.approx(np.exp(-.5), abs=1e-6)
    assert np.isnan(m.beat_alignment(pose, [])) and np.isnan(m.beat_alignment(np.zeros((100, 6)), beats))


def test_lab_a_delay_of_the_head_lowers_alignment_and_nothing_else():
    sound = m.accents(clicks(TIMES))
    delays = (0, 2, 4, 6)
    poses = [np.roll(nods(TIMES), k, 0) for k in delays]
    aligned = [m.beat_alignment(pose, sound) for pose in poses]
    nod = [-m.response(pose, sound)[12, 1] for pose in poses]
    assert (np.diff(aligned[:3]) < 0).all() and (np.diff(nod) < 0).all()
    np.testing.assert_allclose([m.diversity([pose])[1] for pose in poses], m.diversity(poses[:1])[1], rtol=1e-3)


def test_lab_a_larger_nod_is_a_larger_answer():
    sound = m.accents(clicks(TIMES))
    answers = [m.response(nods(TIMES, size=size), sound) for size in (1.0, 2.0)]
    np.testing.assert_allclose(answers[1], 2 * answers[0])
    assert answers[0][:, 1].argmin() == 12 and answers[0][:, 0].max() == 0
    swaying = nods(TIMES, size=1.0)
    swaying[:, 1] += 2 * np.sin(np.arange(250) / 250 * 2 * np.pi)
    assert np.abs(m.response(swaying, sound) - answers[0])[:, 1].max() < .5
    assert np.isnan(m.response(nods(TIMES), [])).all() and np.isnan(m.response(nods(TIMES), [.1])).all()


def test_real_speech_has_accents_and_more_onsets():
    sound = load_audio(paths.data("audio", "ITH.wav"))
    seconds = len(sound) / SR
    assert 1 <= len(m.accents(sound)) <= 2 * seconds + 1 and len(m.accents(sound)) < len(m.onsets(sound)) < 10 * seconds


def test_blinks_are_counted_and_nothing_else():
    eyes = np.full(1500, .3)                                                 # a minute
    assert m.blink_rate(eyes) == 0
    for at in (100, 400, 700, 1100):
        eyes[at:at + 7] *= 1 - np.array([.5, 1, 1, .8, .4, .2, .1])
    assert m.blink_rate(eyes) == 4 and m.blink_rate(eyes, fps=50) == 8
    eyes[1200:1260] = .02                                                    # held shut for 2.4 s
    eyes[900:905] *= .7                                                      # a squint
    assert m.blink_rate(eyes) == 4
    eyes[50:60] = np.nan
    assert m.blink_rate(eyes) == 4 and np.isnan(m.blink_rate(np.full(20, np.nan)))
    from tfg.acting.performance import blinks

    lids = blinks(15_000, 17, seed=3)
    assert m.blink_rate(1 - lids) == pytest.approx(17, rel=.2)


def test_real_blinks(shared):
    """A GRID speaker who blinks: measured aperture, a plausible rate."""
    from tfg.faces.geometry import eye_aperture
    from tfg.faces.measure import track

    rate = m.blink_rate(eye_aperture(track(shared / "grid" / "bbaf2n.mpg").points))
    assert 0 <= rate <= 60
