"""Curves, and another video's pose and blinks."""
from __future__ import annotations

import numpy as np
import pytest

from tfg.acting import performance
from tfg.errors import InputError
from tfg.media.motion import Motion
from tfg.systems import pose_curves as c
from tfg.vocabulary import index

LIDS = index("eyeBlink")


# ---- curves -----------------------------------------------------------------------------------------------------
def test_numbers_are_spread_evenly_and_met():
    y = c.curve("0,20,-10,0", 301)
    assert y.shape == (301,) and y.dtype == np.float32
    np.testing.assert_allclose(y[[0, 100, 200, 300]], [0, 20, -10, 0], atol=1e-5)
    assert y.max() == 20 and y.min() == -10                                  # nothing beyond what was asked for
    assert np.abs(np.diff(y, 2)).max() < .05                                 # and no corners
    np.testing.assert_array_equal(c.curve("0 20  -10, 0", 301), y)
    np.testing.assert_array_equal(c.curve((0, 20, -10, 0), 301), y)


@pytest.mark.parametrize("values", ["7.5", 7.5, [7.5], np.float32(7.5)])
def test_one_number_holds(values):
    np.testing.assert_array_equal(c.curve(values, 5), np.full(5, 7.5, np.float32))


def test_short_clips():
    assert c.curve("3,9", 1).tolist() == [3] and c.curve("3,9", 2).tolist() == [3, 9]
    assert c.curve("0,1,2,3,4,5", 3).shape == (3,)


@pytest.mark.parametrize("values", ["", "a", "1,b", "1;2", None, [], "nan", "inf,0", [None]])
def test_what_is_no_curve(values):
    with pytest.raises(InputError, match=r"the pitch is .* --pitch 0,20,-10,0"):
        c.curve(values, 10, "pitch")


# ---- to and fro ---------------------------------------------------------------------------------------------------
def test_to_and_fro():
    values = np.arange(4)
    assert c.to_and_fro(values, 12).tolist() == [0, 1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1]
    assert c.to_and_fro(values, 3).tolist() == [0, 1, 2] and c.to_and_fro(values[:1], 3).tolist() == [0, 0, 0]


# ---- pose -------------------------------------------------------------------------------------------------------
def moving(n: int = 120, fps: float = 30.0, measured: bool = True) -> Motion:
    """A head that is turned by 15 degrees and sways slowly around that."""
    pose = np.zeros((n, 6), np.float32)
    pose[:, 0] = 15 + 5 * np.sin(2 * np.pi * np.arange(n) / fps)
    return Motion(np.zeros((n, 52), np.float32), pose, fps, meta={"measured": "test"} if measured else {})


def test_a_measured_head_turns_from_its_usual_direction_at_25_fps():
    pose = c.ref_pose(moving(), 100)
    assert pose.shape == (100, 6) and pose.dtype == np.float32
    np.testing.assert_allclose(pose[:, 0], 5 * np.sin(2 * np.pi * np.arange(100) / 25), atol=.1)
    assert c.ref_pose(moving(measured=False), 100)[0, 0] == pytest.approx(15)


def test_lengths_and_no_jumps():
    source = moving(fps=25.0)
    assert len(c.ref_pose(source, 40)) == 40
    longer = c.ref_pose(source, 500)
    assert len(longer) == 500
    assert np.abs(np.diff(longer[:, 0])).max() <= np.abs(np.diff(source.pose[:, 0])).max() + 1e-4
    np.testing.assert_array_equal(longer[119:239], longer[119::-1][:120])


def test_gaps_are_bridged_and_files_are_read(tmp_path):
    source = moving(fps=25.0)
    source.pose[30:34] = np.nan
    source.expression[30:34] = np.nan
    path = source.save(tmp_path / "m.npz")
    pose = c.ref_pose(path, 120)
    assert np.isfinite(pose).all() and np.abs(np.diff(pose[:, 0])).max() < 2
    np.testing.assert_array_equal(pose, c.ref_pose(str(path), 120))


def test_what_holds_no_head_motion(tmp_path):
    nothing = Motion(np.zeros((5, 52)), np.full((5, 6), np.nan))
    with pytest.raises(InputError, match="no head motion"):
        c.ref_pose(nothing, 10)
    with pytest.raises(InputError, match="no frames"):
        c.ref_pose(Motion.still(0), 10)
    with pytest.raises(InputError, match="no video file"):
        c.ref_pose(tmp_path / "no.mp4", 10)
    with pytest.raises(InputError, match="no motion file"):
        c.ref_blink(tmp_path / "no.npz", 10)


# ---- blinks -----------------------------------------------------------------------------------------------------
def lidded(curve: np.ndarray, fps: float = 25.0) -> Motion:
    expression = np.zeros((len(curve), 52), np.float32)
    expression[:, LIDS] = curve[:, None]
    return Motion(expression, fps=fps)


@pytest.mark.parametrize("rest, shut, fps", [(.05, .6, 25.0), (.2, .95, 30.0), (0.0, 1.0, 25.0), (.35, .7, 25.0)])
def test_blinks_go_between_this_faces_open_and_shut(rest, shut, fps):
    true = performance.blinks(500, 17, seed=4, fps=fps)
    noise = .01 * np.random.default_rng(0).standard_normal(500)
    made = c.ref_blink(lidded(rest + (shut - rest) * true + noise, fps), 400)
    assert made.dtype == np.float32 and made.min() == 0 and .9 < made.max() <= 1
    there = np.interp(np.arange(400) / 25, np.arange(500) / fps, true)
    assert np.corrcoef(made, there)[0, 1] > .95 and (made[there < .05] < .05).all()
    from tfg.metrics.motion import blink_rate

    assert blink_rate(1 - made) == pytest.approx(blink_rate(1 - there), abs=8)


@pytest.mark.parametrize("curve", [np.full(200, .1), np.full(200, .9), .1 + .02 * np.sin(np.arange(200)),
                                   .1 + .3 * (np.abs(np.arange(200) - 100) < 40)])
def test_without_blinks_there_are_none(curve):
    """Open eyes, shut eyes, eyes that tremble, eyes that look down for seconds."""
    assert (c.ref_blink(lidded(curve), 300) == 0).all()


def test_a_blink_at_the_very_end_counts():
    curve = np.full(100, .1)
    curve[-3:] = .5, .9, .9
    assert c.ref_blink(lidded(curve), 100)[-1] == 1


def test_one_lid_is_enough_and_none_is_refused():
    motion = lidded(.1 + .8 * performance.blinks(300, 20, seed=1))
    both = c.ref_blink(motion, 300)
    motion.expression[:, LIDS[0]] = np.nan
    np.testing.assert_allclose(c.ref_blink(motion, 300), both, atol=1e-6)
    motion.expression[:, LIDS[1]] = np.nan
    with pytest.raises(InputError, match="has no values of the lids"):
        c.ref_blink(motion, 300)


def test_a_real_video(shared, monkeypatch):
    """Measured once for both; the pose starts near rest and its sway is the speaker's."""
    from tfg.faces import measure

    video, times, given = shared / "grid" / "bbaf2n.mpg", [], measure.measure
    monkeypatch.setattr(measure, "measure", lambda path: times.append(path) or given(path))
    pose, lids = c.ref_pose(video, 150), c.ref_blink(str(video), 150)
    assert len(times) == 1 and pose.shape == (150, 6) and lids.shape == (150,)
    assert np.abs(np.median(pose[:75], 0)[:3]).max() < .5 and .1 < pose[:, :3].std() < 6
    assert lids.min() == 0 and lids.max() <= 1 and np.abs(np.diff(pose[:, :3], axis=0)).max() < 4
