"""Landmarks of crops are measured once, and again where what was kept is damaged."""
from __future__ import annotations

import numpy as np

from tfg.faces import crops


def test_landmarks_of_true_clips_are_measured_once(tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(crops, "landmarks", lambda frames: calls.append(1) or np.full((len(frames), 478, 3), 7.0))
    frames = np.zeros((4, 16, 16, 3), np.uint8)
    for _ in range(3):
        assert (crops.kept_landmarks(frames, tmp_path) == 7).all()
    assert len(calls) == 1
    crops.kept_landmarks(frames + 1, tmp_path)                       # another picture
    assert len(calls) == 2 and len(list(tmp_path.iterdir())) == 2
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[:50])                       # a damaged one is measured again
    assert (crops.kept_landmarks(frames, tmp_path) == 7).all() and len(calls) == 3
    crops.kept_landmarks(frames, None)
    assert len(calls) == 4


# ---- systems ----------------------------------------------------------------------------------------------------
