"""Training the mouth network: its speech, its losses, its best weights, and runs that are stopped and go on."""
from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tfg.errors import InputError
from tfg.speech import visemes, voice
from tfg.systems.graphics import data, evaluate, losses
from tfg.systems.graphics import network as mouth
from tfg.systems.graphics import train as t
from tfg.training.log import read

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def examples():
    if not voice.available():
        pytest.skip("espeak-ng is missing: pip install espeakng-loader")
    return data.build_corpus("ci", 0, ("espeak",), progress=False)


@pytest.fixture(autouse=True)
def on_a_cpu(monkeypatch):
    """On any machine, and with a state after every step."""
    monkeypatch.setattr(t, "RUNS", {k: replace(r, accelerator="cpu", checkpoint_s=0.0) for k, r in t.RUNS.items()})


SMALL = dict(profile="ci", use=("espeak",), progress=False, config=mouth.MouthConfig(hidden=32, dilations=(1, 2)))


# ---- data -----------------------------------------------------------------------------------------------------------
def test_corpus_holds_out_voices_and_a_language(examples):
    heard = {e.voice for e in examples if e.split == "train"}
    assert not any(v.endswith(("f5", "m7")) or v.startswith("espeak:it") for v in heard)
    assert {e.split for e in examples} == {"train", "voice", "language"}
    for e in examples:
        assert e.mel.shape[0] == 80 and e.target.shape[1] == 13 and len(e.viseme) == len(e.target)
        assert abs(e.mel.shape[1] - 3.2 * len(e.target)) < 5


def test_a_crop_and_its_target_are_the_same_moment_and_the_rest_is_masked(monkeypatch):
    """Each frame's sound and target say its own number; a clip that is too short is filled up."""
    monkeypatch.setattr(data, "augment_sound", lambda mel, rng, other: mel.astype(np.float32))
    monkeypatch.setattr(data, "normalise", lambda mel: mel)
    monkeypatch.setattr(data, "SILENT", 0)
    number = np.arange(100, dtype=np.float32)
    mel = np.tile(np.arange(321, dtype=np.float32)[None], (80, 1))
    long = data.MouthExample(mel, np.repeat(number[:, None], 13, 1), number.astype(np.uint8), [], "espeak:en+m1",
                             "train")
    short = data.MouthExample(mel[:, :97], long.target[:30], long.viseme[:30], [], "espeak:en+m2", "train")
    crops = data.Crops([long, short], 50, 6, 0)
    batch, seen = crops.batch(0, range(len(crops))), set()
    for windows, target, viseme, mask in zip(*(batch[k] for k in ("windows", "target", "viseme", "mask"))):
        n = int(mask.sum())
        first = int(target[0, 0])
        assert (target[:n, 0] == first + np.arange(n)).all() and (viseme[:n] == target[:n, 0]).all()
        middle = windows[:n, 0].mean(1)                                        # columns around the frame's middle
        assert np.abs(middle[1:-1] - 3.2 * (first + np.arange(n) + .5)[1:-1]).max() < 1.1
        assert n in (30, 50) and not mask[n:].any() and not target[n:].any() and not windows[n:].any()
        seen.add(n)
    assert seen == {30, 50}


def test_a_batch_is_a_function_of_its_key(examples):
    crops = [data.Crops([e for e in examples if e.split == "train"], 50, 6, seed) for seed in (0, 0, 1)]
    a, b, c = (x.batch(2, [3, 1]) for x in crops)
    other = crops[0].batch(3, [3, 1])
    assert all(np.array_equal(a[k], b[k]) for k in a)
    assert not np.array_equal(a["windows"], c["windows"]) and not np.array_equal(a["windows"], other["windows"])
    with pytest.raises(InputError, match="no clip to train on"):
        data.Crops([], 50, 6, 0)


# ---- losses ---------------------------------------------------------------------------------------------------------
def told(wrong=0.0, *, at=slice(None), press=0.0, gap=0.0, weights=None, mask=None):
    """Losses of one clip of 4 frames whose articulator mouthSmile is wrong by so much on some frames."""
    true = torch.zeros(1, 4, 13)
    true[..., visemes.PRESS] = press
    out = true.clone()
    out[0, at, visemes.CHANNELS.index("mouthSmile")] += wrong
    out[0, at, visemes.JAW] += gap
    batch = {"target": true, "viseme": torch.zeros(1, 4, dtype=torch.int64), "mask": torch.ones(1, 4)}
    if mask is not None:
        batch["mask"] = torch.tensor(mask)[None]
    found = losses.mouth_losses(out, torch.zeros(1, 4, 14), batch, weights or losses.Weights())
    return {k: float(v) for k, v in found.items()}


def test_no_error_is_no_loss_and_each_loss_sees_its_own():
    none = told()
    assert none.pop("viseme") == pytest.approx(.02 * np.log(14)) and not any(none.values())
    steady = told(.04)                                          # one articulator of 13, off by its usual spread
    assert steady["articulators"] == pytest.approx(1 / 13) and steady["velocity"] == steady["opening"] == 0
    assert told(.04, at=slice(1, 2))["velocity"] > .05
    assert told(gap=.10)["opening"] == pytest.approx(1.0, rel=.01)
    assert told(.04, mask=[1., 1, 0, 0])["articulators"] == pytest.approx(.5 / 13)


def test_frames_whose_lips_are_closed_weigh_twice():
    """p, b and m are few; people notice a mouth that stays open on them."""
    closed = visemes.SHAPES["PP"]["mouthPress"]
    for name, how in (("articulators", dict(wrong=.07)), ("opening", dict(gap=.10)),
                      ("velocity", dict(wrong=.07, at=slice(2, None)))):
        shut, alike = (told(**how, press=closed, weights=losses.Weights(closed=w))[name] for w in (1.0, 0.0))
        assert shut == pytest.approx(2 * alike, rel=.01) and alike > 0, name
        assert told(**how, press=closed)[name] == shut
    assert told(.04)["articulators"] == pytest.approx(.5 * told(.04, press=closed)["articulators"])
    assert losses.Weights().closed == 1.0                       # as the shipped weights learned


# ---- runs -----------------------------------------------------------------------------------------------------------
def test_a_small_run_learns_and_writes_its_card(tmp_path, examples):
    at, card = t.train_mouth(tmp_path, examples=examples, steps=60, **SMALL)
    rows = read(tmp_path / "log.csv")
    learned = [v for _, name, v in rows if name == "mouth"]
    unseen = [v for _, name, v in rows if name == "loss"]
    assert at.step == 60 and learned[-1] < .8 * learned[0] and len(unseen) == 4 and unseen[-1] < unseen[0]
    assert {"articulators", "velocity", "opening", "viseme", "opening_r voice", "closure_recall voice",
            "false_closures language"} <= {name for _, name, _ in rows}
    assert {"mouth.json", "mouth.safetensors", "state.pt", "log.csv"} <= {p.name for p in tmp_path.iterdir()}
    assert mouth.load(tmp_path).config.hidden == 32 and card == json.loads((tmp_path / "mouth.json").read_text())
    assert sorted(k.split(" (")[0] for k in card["scores"]) == ["unseen espeak-ng voices", "unseen language"]
    assert card["steps"] == 60 and card["losses"]["closed"] == 1.0 and card["data"]["engines"] == ["espeak"]
    assert "espeak-ng voices chose its weights" in card["scored_on"] and "--steps 60" in card["command"]


def test_the_weights_with_the_least_loss_on_unseen_voices_are_kept(tmp_path, examples, monkeypatch):
    given = iter([.5, .3, .4, .6])
    monkeypatch.setattr(t.MouthTask, "evaluate", lambda self, at: kept.append(
        {k: v.clone() for k, v in self.network.state_dict().items()}) or {"loss": next(given)})
    kept = []
    at, _ = t.train_mouth(tmp_path, examples=examples, steps=60, **SMALL)
    best = load_file(tmp_path / "best" / "mouth.safetensors")
    assert at.best == -.3 and all(torch.equal(v, kept[1][k]) for k, v in best.items())
    written = load_file(tmp_path / "mouth.safetensors")
    assert all(torch.equal(v, kept[1][k].half()) for k, v in written.items())


def test_scores_of_the_truth_itself(examples):
    """A network that says the truth has r 1 and shuts the lips on all p, b, m that the truth shuts."""
    class Knows(torch.nn.Module):
        config = mouth.MouthConfig()

        def __init__(self, part):
            super().__init__()
            self.unused, self.part = torch.nn.Parameter(torch.zeros(1)), iter(part)

        def forward(self, windows):
            e = next(self.part)
            return torch.from_numpy(e.target.astype(np.float32))[None], torch.zeros(1, len(e.target), 14)

    part = [e for e in examples if e.split == "voice"]
    found = evaluate.score(Knows(part), part)
    assert found["opening_r"] > .97 and found["closure_recall"] > .9 and found["false_closures"] < .02
    assert found["r"]["jawOpen"] > .99 and found["loss"] == pytest.approx(.02 * np.log(14), abs=1e-3)
    turned = evaluate.score(Knows([replace(e, target=e.target[::-1]) for e in part]), part)
    assert turned["opening_r"] < .6 and turned["loss"] > 10 * found["loss"]


def test_same_seed_same_bytes_and_other_seed_others(tmp_path, examples):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        t.train_mouth(tmp_path / name, examples=examples, steps=4, seed=seed, **SMALL)
    a, b, c = ((tmp_path / n / "mouth.safetensors").read_bytes() for n in "abc")
    assert a == b != c


def test_a_killed_run_goes_on_bit_for_bit(tmp_path, examples, monkeypatch):
    t.train_mouth(tmp_path / "whole", examples=examples, steps=6, **SMALL)
    real = t.MouthTask.losses

    def killed(self, batch, at):
        if at.step == 4:
            raise KeyboardInterrupt
        yield from real(self, batch, at)

    monkeypatch.setattr(t.MouthTask, "losses", killed)
    with pytest.raises(KeyboardInterrupt):
        t.train_mouth(tmp_path / "parts", examples=examples, steps=6, **SMALL)
    monkeypatch.setattr(t.MouthTask, "losses", real)
    t.train_mouth(tmp_path / "parts", examples=examples, steps=6, **SMALL)
    whole, parts = ((tmp_path / n / "mouth.safetensors").read_bytes() for n in ("whole", "parts"))
    assert whole == parts


def test_it_starts_from_given_weights_and_leaves_frozen_ones(tmp_path, examples):
    t.train_mouth(tmp_path / "a", examples=examples, steps=4, **SMALL)
    _, card = t.train_mouth(tmp_path / "b", examples=examples, steps=4, seed=1, init=tmp_path / "a", freeze="embed",
                            **SMALL)
    a, b = (load_file(tmp_path / n / "mouth.safetensors") for n in "ab")
    assert torch.equal(a["embed.weight"], b["embed.weight"]) and not torch.equal(a["out.weight"], b["out.weight"])
    assert card["init"]["taken"] == len(a) and card["init"]["left"] == [] and card["frozen"] == ["embed"]


def test_what_is_refused(tmp_path, examples):
    t.train_mouth(tmp_path, examples=examples, steps=2, **SMALL)
    with pytest.raises(InputError, match="another run"):
        t.train_mouth(tmp_path, examples=examples, steps=3, **SMALL)
    t.train_mouth(tmp_path, examples=examples, steps=3, resume=False, **SMALL)
    with pytest.raises(InputError, match="unknown profile"):
        t.train_mouth(tmp_path, profile="huge")
    with pytest.raises(InputError, match="no speech engine"):
        t.train_mouth(tmp_path, profile="ci", use=(), progress=False)
