"""The emotion judge: its inputs, its training people, that no gradient leads through it, and a small fit."""
from __future__ import annotations

import numpy as np
import pytest
import torch

from tfg.corpora.splits import Person, Splits
from tfg.corpora.store import Row, Store, StoreWriter
from tfg.errors import InputError
from tfg.experts.emotion import judge as j
from tfg.experts.emotion import train as e
from tfg.experts.emotion import train_judge as t
from tfg.faces import crops
from tfg.faces.pose import _HEAD, _INDEX
from tfg.vocabulary import EMOTIONS

SIZE, FRAMES = 16, 24
FACE = np.random.default_rng(0).uniform(-8, 8, (478, 3))
FACE[_INDEX] = _HEAD                                                   # a head, as far as its rigid part goes


def turned(points: np.ndarray, yaw: float, scale: float = 3.0) -> np.ndarray:
    """Landmarks (478, 3) px of a head (cm, y up) that is turned by `yaw` rad."""
    c, s = np.cos(yaw), np.sin(yaw)
    return (scale * points @ np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]]) + [5, -5, 0]) * [1, -1, -1]


def read(frames: np.ndarray) -> np.ndarray:
    """Landmarks of frames whose first pixels encode the emotion, the person and the turn of the head. In each
    emotion another part of the face moves, in a rhythm. Black frames show no face."""
    out = np.full((len(frames), 478, 3), np.nan, np.float32)
    for i, frame in enumerate(frames):
        if frame.max():
            emotion, person, yaw = frame[0, 0] - 1.0
            face = FACE + .4 * np.random.default_rng(int(person)).normal(0, 1, FACE.shape) * ~np.isin(
                np.arange(478), _INDEX)[:, None]
            face[150 + 20 * int(emotion):170 + 20 * int(emotion)] += .6 * np.sin(i)
            out[i] = turned(face, (yaw - 10) / 30)
    return out


def write(path, people: list[str]) -> Store:
    """Two clips of each emotion of each person."""
    rng = np.random.default_rng(0)
    with StoreWriter(path, size=SIZE) as writer:
        for a in range(len(people)):
            for k, name in enumerate(EMOTIONS):
                frames = np.zeros((FRAMES, SIZE, SIZE, 3), np.uint8)
                frames[:] = [k + 1, a + 1, 0]
                frames[..., 2] = rng.integers(1, 20, FRAMES)[:, None, None]
                writer.append(Row(f"actors/V{a}_{name}", "actors", f"V{a}", emotion=name, labels="true",
                                  level="XX" if name == "NEU" else "HI"), list(frames), np.zeros((FRAMES * 4, 80)))
    Splits(tuple(Person("actors", f"V{a}", split) for a, split in enumerate(people)), {}).save_in(path)
    return Store.open(path)


@pytest.fixture(autouse=True)
def meter(monkeypatch):
    """Stand-in of the landmarker; frames went through JPEG, so their codes are rounded back."""
    monkeypatch.setattr(crops, "landmarks", lambda frames: read(np.round(frames.astype(float))))


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    return write(tmp_path_factory.mktemp("judge") / "store", ["judge"] * 12 + ["test"] * 2)


def test_a_turned_or_larger_head_is_the_same_face():
    face = np.stack([turned(FACE, 0.0)] * 4)
    other = np.stack([turned(FACE, .5, 4.0)] * 4)
    np.testing.assert_allclose(j.describe(face), j.describe(other), atol=1e-3)
    moved = FACE.copy()
    moved[200:210] += 1
    assert np.abs(j.describe(np.stack([turned(moved, .5)] * 4)) - j.describe(face)).max() > .5


def test_frames_without_a_face_are_left_out_and_too_few_say_nothing():
    clip = np.stack([turned(FACE + .1 * k, 0.0) for k in range(5)])
    holes = np.concatenate([clip, np.full((3, 478, 3), np.nan)])
    np.testing.assert_array_equal(j.describe(clip), j.describe(holes))
    assert j.describe(holes[3:]) is None
    network = j.EmotionJudge()
    network.bias += torch.arange(6.0)
    np.testing.assert_allclose(np.exp(network.of_clip(holes[3:])), 1 / 6, atol=1e-6)
    assert network.of_clip(clip).argmax() == 5


def test_no_loss_can_use_it():
    network = j.EmotionJudge()
    assert not list(network.parameters())
    with pytest.raises((TypeError, AttributeError, ValueError, RuntimeError)):     # frames as the discriminator's
        network.of_frames(torch.rand(1, 5, 3, 16, 16, requires_grad=True))


@pytest.fixture(scope="module")
def fitted(store, tmp_path_factory):
    """A judge in its folder, and what its training returned."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(crops, "landmarks", lambda frames: read(np.round(frames.astype(float))))
        out = tmp_path_factory.mktemp("fitted")
        return out, e.train_emotion(store, out, judge=True, profile="ci", progress=False)


def test_it_learns_from_judge_actors_and_names_strangers_emotions(store, fitted):
    tmp_path, (at, card) = fitted
    assert at is None and card["system"] == "judge_emotion" and card["split"] == "judge"
    people = sorted(f"actors/V{k}" for k in range(12))
    assert card["actors"] == [p for k, p in enumerate(people) if k not in (5, 11)]
    assert card["scores"]["val"]["actors"] == 2 and card["scores"]["test"]["actors"] == 2
    assert card["scores"]["val"]["accuracy"] > .7 and card["scores"]["test"]["accuracy"] > .7
    network, kept = j.load_judge_emotion(tmp_path)
    assert kept == card and network.config.every == 6
    assert e.evaluate_emotion(network, store)["confusion"] == card["scores"]["test"]["confusion"]      # kept as float16


def test_the_same_clips_give_the_same_bytes(store, fitted, tmp_path):
    t.fit_judge(store, tmp_path, progress=False)
    first, again = (folder / "judge_emotion.safetensors" for folder in (fitted[0], tmp_path))
    assert first.read_bytes() == again.read_bytes()


def test_calibration_changes_no_decision_and_raises_the_likelihood_on_strangers():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 6, 200)
    logits = torch.tensor(40 * (np.eye(6)[labels] + rng.normal(0, .8, (200, 6))), dtype=torch.float32)
    network = j.EmotionJudge()
    network.weight[:] = 1.0
    logs = logits.log_softmax(1).numpy()
    t.calibrate(network, logs, labels)
    temperature = 1 / float(network.weight[0, 0])
    soft = torch.from_numpy(logs / temperature).log_softmax(1).numpy()
    assert temperature > 5 and (soft.argmax(1) == logs.argmax(1)).all()
    at = np.arange(200), labels
    assert -soft[at].mean() < -logs[at].mean()


def test_one_whose_store_has_no_test_actors_is_rated_on_another(store, tmp_path):
    judges = write(tmp_path / "s", ["judge"] * 4)
    _, card = e.train_emotion(judges, tmp_path / "out", judge=True, profile="ci", progress=False)
    assert set(card["scores"]) == {"val"}
    rated = e.rate(tmp_path / "out", store, judge=True)
    network, card = j.load_judge_emotion(tmp_path / "out")
    assert rated["scores"] == card["scores"] and card["scores"]["test"] == e.evaluate_emotion(network, store)
    with pytest.raises(InputError):
        e.rate(tmp_path / "out", judges, judge=True)


def test_what_is_refused(store, tmp_path, monkeypatch):
    with pytest.raises(InputError, match="unknown profile 'huge'"):
        t.fit_judge(store, tmp_path / "o", profile="huge")
    with pytest.raises(InputError, match="2 judge actors; a judge needs at least 3"):
        t.fit_judge(write(tmp_path / "s", ["judge"] * 2), tmp_path / "o")
    monkeypatch.setattr(crops, "landmarks", lambda frames: np.full((len(frames), 478, 3), np.nan, np.float32))
    with pytest.raises(InputError, match="no clip of judge actors that shows a face for ANG"):
        t.fit_judge(write(tmp_path / "t", ["judge"] * 3), tmp_path / "o", progress=False)
    assert not (tmp_path / "o").exists()
