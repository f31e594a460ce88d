"""Cuts, jumps and frames that cannot be trusted."""
from __future__ import annotations

import numpy as np

from tfg.faces import shots as cuts


def shot(seed: int, T: int, noise: float = 2.0) -> np.ndarray:
    """(T, 24, 32): one scene with a little noise and something that moves."""
    rng = np.random.default_rng(seed)
    scene = rng.uniform(30, 220, (24, 32))
    film = scene + rng.normal(0, noise, (T, 24, 32))
    for t in range(T):
        film[t, 8:12, (t // 2) % 28:(t // 2) % 28 + 4] = 200
    return film


def test_cuts_are_found_where_they_are():
    film = np.concatenate([shot(1, 20), shot(2, 9), shot(3, 30)])
    assert cuts.find_cuts(film) == [20, 29]


def test_one_shot_has_none():
    assert cuts.find_cuts(shot(1, 60)) == []
    assert cuts.find_cuts(shot(1, 2)) == []
    drift = np.clip(shot(1, 60) + np.arange(60)[:, None, None] * 1.5, 0, 255)      # the light comes up
    assert cuts.find_cuts(drift) == []


def test_a_flash_is_no_cut():
    film = shot(1, 40)
    film[20] += 80
    assert cuts.find_cuts(film) == []


def test_thumbnails():
    frame = np.zeros((48, 64, 3), np.uint8)
    frame[:, 32:] = (255, 0, 0)
    small = cuts.thumbnail(frame)
    assert small.shape == (24, 32) and small[0, 0] == 0 and abs(small[0, 31] - .299 * 255) < 1


def test_jumps_of_a_face():
    centre = np.tile([200.0, 150.0], (30, 1)) + np.arange(30)[:, None] * [4, 1]    # walks
    width = np.full(30, 80.0)
    assert cuts.jumps(centre, width) == []
    there = centre.copy()
    there[12:] += [90, 0]
    assert cuts.jumps(there, width) == [12]
    size = width.copy()
    size[20:] = 130
    assert cuts.jumps(centre, size) == [20]
    lost = width.copy()
    lost[10:12] = np.nan                                     # while it was not seen it moved on
    assert cuts.jumps(centre, lost) == []


def test_trusted_frames():
    pose = np.zeros((30, 6))
    width = np.full(30, 80.0)
    width[5] = np.nan
    width[12] = 110                                          # a wrong fit
    pose[20, 0] = -80                                        # a profile
    assert np.flatnonzero(~cuts.trusted(pose, width)).tolist() == [5, 12, 20]
    growing = 80 * 1.05 ** np.arange(30)                     # somebody walks up to the camera
    assert cuts.trusted(np.zeros((30, 6)), growing).all()
    assert cuts.trusted(np.zeros((3, 6)), np.array([80, np.nan, 80])).tolist() == [True, False, True]


def test_spans():
    ok = np.ones(40, bool)
    assert cuts.spans(40, [], ok, max_gap=5) == [(0, 40)]
    ok[:3] = ok[38:] = False
    ok[10:14] = False                                        # bridged
    assert cuts.spans(40, [], ok, max_gap=5) == [(3, 38)]
    assert cuts.spans(40, [], ok, max_gap=3) == [(3, 10), (14, 38)]
    assert cuts.spans(40, [20], ok, max_gap=5) == [(3, 20), (20, 38)]
    assert cuts.spans(40, [], np.zeros(40, bool), max_gap=5) == []
