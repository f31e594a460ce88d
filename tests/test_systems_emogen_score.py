"""EmoGen under the one protocol of scores: what it is asked with, what it may not see, and the whole way to tables."""
from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

import scored_store as bars
from tfg.errors import InputError
from tfg.faces import crops
from tfg.faces.face_region import face_region
from tfg.networks import checkpoint
from tfg.scores import score
from tfg.scores.draw import Drawer
from tfg.scores.targets import targets
from tfg.systems.emogen.network import PROFILES, Emogen


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A generator that has learned nothing, its last layer turned up: all that it is given shows in what it draws."""
    torch.manual_seed(1)
    path, network = tmp_path_factory.mktemp("emogen"), Emogen(PROFILES["ci"])
    with torch.no_grad():
        network.last[-1].weight.mul_(300)
    checkpoint.save(network, path, "emogen", {"data": "nothing", "steps": 0})
    return path


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return targets(bars.make_store(tmp_path_factory.mktemp("bars") / "store", actors=2))[0]


@pytest.fixture(scope="module")
def draw(folder):
    return Drawer("emogen", {"checkpoint": str(folder)})


def test_what_is_hidden_cannot_be_seen(clip, draw):
    """The target's face may be anything: what is drawn of it stays the same."""
    mask = draw.its.drawn_mask(clip.size)
    other = clip.frames.copy()
    other[:, mask > 0] = np.random.default_rng(0).integers(0, 255, other[:, mask > 0].shape, np.uint8)
    a, b = (draw(replace(clip, frames=frames)) for frames in (clip.frames, other))
    assert a.shape == clip.frames.shape and a.dtype == np.uint8
    inside, outside = (cv2.erode(where.astype(np.uint8), np.ones((3, 3))) > 0 for where in (mask == 1, mask == 0))
    assert np.array_equal(a[:, inside], b[:, inside])                          # but for a pixel at the mask's edge
    assert np.array_equal(a[:, outside], clip.frames[:, outside])              # around it nothing is drawn
    assert not np.array_equal(a[:, inside], clip.frames[:, inside])


@pytest.mark.parametrize("size", [48, 96])
def test_it_is_asked_with_sound_emotion_and_reference(clip, draw, size):
    big = {k: np.stack([cv2.resize(f, (size, size)) for f in getattr(clip, k)]) for k in ("frames", "reference")}
    clip = replace(clip, **big)
    drawn = draw(clip)
    assert drawn.shape == clip.frames.shape
    assert np.array_equal(drawn, draw(clip))
    assert np.array_equal(drawn, draw(replace(clip, photo=255 - clip.photo)))           # which is for other systems
    for change in (dict(wave=clip.other_wave), dict(emotion="SAD"), dict(intensity=.1),
                   dict(reference=255 - clip.reference)):
        assert not np.array_equal(draw(replace(clip, **change)), drawn), change


def test_unknown_emotions_are_drawn_as_neutral(clip, draw):
    assert np.array_equal(draw(replace(clip, emotion=None, intensity=0.0)),
                          draw(replace(clip, emotion="NEU", intensity=0.0)))


def test_the_whole_way(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(crops, "landmarks", bars.read_landmarks)
    store = bars.make_store(tmp_path / "store", actors=3)
    found = score("emogen", store, tmp_path / "out", checkpoint=str(folder), judges=bars.knowing(), clips=1, workers=1)
    assert found.task == "film" and not found.refused and found.card["networks"]["emogen"]["steps"] == 0
    assert "PSNR drawn" in (tmp_path / "out" / "scores.md").read_text()
    # what it draws is the face's region, so its own columns say what those of all systems say
    assert found.summary("emogen", "psnr_drawn").value == pytest.approx(found.summary("emogen", "psnr_mask").value)
    assert np.array_equal(draw_mask(store), face_region(store.size))
    with pytest.raises(InputError, match="emogen is not in"):
        Drawer("emogen", {"checkpoint": str(tmp_path)})


def draw_mask(store) -> np.ndarray:
    from tfg import registry

    return registry.system("emogen").drawn_mask(store.size)
