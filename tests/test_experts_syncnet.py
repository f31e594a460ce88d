"""SyncNet: its data, losses, scores and a small run, on a store whose sound and lips are known to belong together."""
from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch

from tfg.corpora.splits import Person, Splits
from tfg.corpora.store import Row, Store, StoreWriter
from tfg.errors import InputError
from tfg.experts.syncnet import train as s
from tfg.experts.syncnet.judge import PROFILES as JUDGES
from tfg.experts.syncnet.judge import SyncJudge, SyncJudgeConfig
from tfg.experts.syncnet.network import PROFILES, SyncNet, SyncNetConfig, agreement
from tfg.networks.blocks import n_parameters
from tfg.networks.checkpoint import load

SIZE, FRAMES = 48, 60


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    """Eight people, one clip each. The lower half of a frame is as bright as its sound is loud."""
    path = tmp_path_factory.mktemp("sync") / "store"
    rng = np.random.default_rng(0)
    with StoreWriter(path, size=SIZE) as writer:
        for k in range(8):
            level = np.interp(np.arange(FRAMES), np.arange(0, FRAMES, 3), rng.uniform(0, 1, 20))
            frames = np.full((FRAMES, SIZE, SIZE, 3), 60 + 9 * k, np.uint8)
            frames[:, SIZE // 2:] = (40 + 180 * level).astype(np.uint8)[:, None, None, None]
            mel = np.interp((np.arange(193) - 1.6) / 3.2, np.arange(FRAMES), level)[:, None] * 6 - 3
            writer.append(Row(f"actors/V{k}", "actors", f"V{k}", emotion="NEU", labels="true"), list(frames),
                          np.repeat(mel, 80, 1))
    Splits(tuple(Person("actors", f"V{k}", "train" if k < 6 else "val") for k in range(8)), {}).save_in(path)
    return Store.open(path)


def windows(store, split="train"):
    return s.windows_of(store, None, split, SIZE)


def test_moments_are_of_one_clip_and_do_not_overlap(store):
    data = s.Moments(windows(store))
    seen = set()
    for epoch in (0, 1):
        batch = data.batch(epoch, np.arange(len(data)))
        clip, start = (batch[k].reshape(-1, s.MOMENTS) for k in ("clip", "start"))
        assert (clip == clip[:, :1]).all() and len(np.unique(clip)) == 6
        assert (np.diff(start, axis=1) >= s.FRAMES).all() and start.min() >= 0
        seen.add(start.tobytes())
    assert len(seen) == 2                               # another epoch, other places
    again = data.batch(1, [3])
    assert (again["start"] == start[3]).all()           # and the same for the same key


def test_lips_run_ahead_of_their_sound_or_after_it(store):
    """A clip's windows all by about as much, each by a little of its own, none by more than asked; pictures stay."""
    wide = s.windows_of(store, None, "train", SIZE, lead=4)
    data = s.Moments(wide, disturbed=False, lead=4)
    moved, by = data.batch(0, np.arange(24)), []
    assert moved["mel"].shape == (24 * s.MOMENTS, 80, 16)
    for clip, start, mel in zip(moved["clip"], moved["start"], moved["mel"]):
        at = wide.batch(0, wide.indices_of(int(clip)))
        held = at["mel"][int(np.flatnonzero(at["start"] == start)[0])]                 # (80, 24)
        fits = [k for k in range(9) if np.array_equal(held[:, k:k + 16], mel)]
        assert fits, "it is no window of this clip's sound"
        by.append(fits[0] - 4)
    by = np.array(by).reshape(-1, s.MOMENTS)
    assert set(by.ravel()) == set(range(-4, 5)) and (np.ptp(by, axis=1) <= 4).all() and by.mean(1).std() > .8
    assert np.array_equal(data.batch(0, [5])["mel"], moved["mel"][5 * s.MOMENTS:6 * s.MOMENTS])
    with pytest.raises(ValueError, match="may move by 4"):
        s.Moments(windows(store), lead=4)


def test_only_the_expert_that_measures_learns_from_lips_out_of_step(store, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(s, "train", lambda task, *a, **k: asked.append((task.lead, task.windows.mel_width)) or 1 / 0)
    for options in ({}, {"teacher": True}):
        with pytest.raises(ZeroDivisionError):
            s.train_syncnet(store, tmp_path, profile="ci", progress=False, **options)
    assert asked == [(4, 24), (0, 16)]


def test_clips_that_are_too_short_are_named(store, tmp_path):
    with StoreWriter(tmp_path / "short", size=SIZE) as writer:
        frame = np.zeros((SIZE, SIZE, 3), np.uint8)
        writer.append(Row("actors/V1", "actors", "V1", labels="true"), [frame] * 20, np.zeros((64, 80)))
    Splits((Person("actors", "V1", "train"),), {}).save_in(tmp_path / "short")
    with pytest.raises(InputError, match="usable windows to train on"):
        s.Moments(s.windows_of(Store.open(tmp_path / "short"), None, "train", SIZE))


def test_a_store_without_people_to_choose_by_is_refused_at_once(tmp_path):
    with StoreWriter(tmp_path / "all", size=SIZE) as writer:
        writer.append(Row("actors/V1", "actors", "V1", labels="true"), [np.zeros((SIZE, SIZE, 3), np.uint8)] * FRAMES,
                      np.zeros((192, 80)))
    Splits((Person("actors", "V1", "train"),), {}).save_in(tmp_path / "all")
    with pytest.raises(InputError, match=r"nobody in the split 'val'.*--actors 6"):
        s.train_syncnet(tmp_path / "all", tmp_path / "out", profile="ci", progress=False)
    assert not (tmp_path / "out").exists()


def test_losses_prefer_the_diagonal():
    true = torch.eye(4)[None]
    flat = torch.full((1, 4, 4), .5)
    wrong = 1 - true
    for loss in (s.choice_loss, s.pair_loss):
        assert loss(true) < loss(flat) < loss(wrong)
    assert float(s.pair_loss(flat)) == pytest.approx(np.log(2), abs=1e-5)
    assert float(s.choice_loss(flat)) == pytest.approx(np.log(4), abs=1e-5)


class Loud(torch.nn.Module):
    """A network that knows: brightness of the lower half against level of the sound, as angles."""

    def __init__(self):
        super().__init__()
        self.unused = torch.nn.Parameter(torch.zeros(1))

    def _code(self, x):
        angle = torch.stack([x, 1 - x], 1).clamp(0, 1) * torch.pi / 2
        return torch.nn.functional.normalize(torch.cat([angle.sin(), angle.cos()], 1), dim=1)

    def embed_faces(self, faces):
        return torch.cat([self._code((faces[:, 3 * t].mean((1, 2)) * 255 - 40) / 180) for t in range(5)], 1) / 5 ** .5

    def embed_sound(self, mel):
        column = [(mel[:, 0, :, round(1.6 + 3.2 * t)].mean(1) + 3) / 6 for t in range(5)]
        return torch.cat([self._code(c) for c in column], 1) / 5 ** .5

    def forward(self, faces, mel):
        return self.embed_faces(faces), self.embed_sound(mel)


def test_offsets_are_found_by_a_network_that_knows_and_not_by_one_that_does_not(store):
    unseen = windows(store, "val")
    assert s.offsets(Loud(), unseen)["offset_1"] == 1
    torch.manual_seed(0)
    assert s.offsets(SyncNet(PROFILES["ci"]).eval(), unseen)["offset_1"] < .6


def test_a_small_run_learns_and_is_the_same_again(store, tmp_path):
    from tfg.training.log import read

    results = []
    for name in ("a", "b"):
        at, card = s.train_syncnet(store, tmp_path / name, profile="ci", steps=60, progress=False)
        rows = read(tmp_path / name / "log.csv")
        results.append([v for step, n, v in rows if n == "choice"])
        assert at.step == 60 and (tmp_path / name / "last" / "syncnet.safetensors").is_file()
        assert {"loss", "accuracy", "offset_1", "lse_d", "lse_c"} <= {n for _, n, _ in rows}
    assert results[0] == results[1] and results[0][-1] < results[0][0] - .2
    assert card["scores"]["val"]["actors"] == 2 and "test" not in card["scores"] and "6 actors" in card["data"]
    kept, held = load("syncnet", SyncNet, SyncNetConfig, tmp_path / "a")
    assert held == card | held and not kept.training
    assert s.score_syncnet(kept, windows(store, "val"))["loss"] == pytest.approx(card["scores"]["val"]["loss"], abs=.01)


def test_the_judge_learns_from_judges_alone(store, tmp_path):
    people = [Person("actors", f"V{k}", "train" if k < 2 else "test" if k == 2 else "judge") for k in range(8)]
    splits = Splits(tuple(people), {})
    other = Store.open(shutil.copytree(store.path, tmp_path / "store"))
    (other.path / "splits.json").unlink()
    splits.save_in(other.path)
    at, card = s.train_syncnet(other, tmp_path / "out", judge=True, profile="ci", steps=4, progress=False)
    assert card["system"] == "judge_sync" and "4 clips of 4 actors, split judge" in card["data"]
    assert card["scores"]["val"]["actors"] == 1 and card["scores"]["test"]["actors"] == 1
    judge, _ = load("judge_sync", SyncJudge, SyncJudgeConfig, tmp_path / "out")
    assert isinstance(judge, SyncJudge)
    with pytest.raises(InputError, match="has 0 judge actors; a judge needs at least 3"):
        s.train_syncnet(store, tmp_path / "none", judge=True, profile="ci", progress=False)


def test_the_judge_is_another_network_of_the_same_use():
    torch.manual_seed(0)
    for config in JUDGES.values():
        judge = SyncJudge(config).eval()
        faces, mel = torch.rand(2, 15, config.size // 2, config.size), torch.randn(2, 1, 80, 16)
        v, a = judge(faces, mel)
        assert v.shape == a.shape == (2, config.embedding) and (v >= 0).all() and (a >= 0).all()
        assert torch.allclose(v.norm(dim=1), torch.ones(2), atol=1e-5)
        again = judge.embed_faces((faces + .1) / 2)                 # light: what is added to all pixels says nothing
        assert torch.allclose(again, judge.embed_faces(faces / 2), atol=1e-4)
        with pytest.raises(ValueError, match="a sound window is"):
            judge.embed_sound(mel[..., :8])
    assert 3e6 < n_parameters(judge) < 4e6                          # gpu
    loss = 1 - agreement(*judge.train()(faces, mel)).mean()
    loss.backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in judge.parameters())


def test_what_is_refused(store, tmp_path):
    with pytest.raises(InputError, match="unknown profile 'huge'"):
        s.train_syncnet(store, tmp_path, profile="huge")
    with pytest.raises(InputError, match="no store"):
        s.train_syncnet(tmp_path / "nothing", tmp_path)


def test_the_teacher_is_the_published_tower_and_the_shipped_generator_had_it(store, tmp_path):
    import json

    from tfg import paths
    from tfg.experts.syncnet.network import TEACHERS
    from tfg.systems.emogen.train import TEACHER

    card = s.train_syncnet(store, tmp_path, teacher=True, profile="ci", steps=1, progress=False)[1]
    assert card["command"].startswith("tfg train syncnet --teacher ")
    assert load("syncnet", SyncNet, SyncNetConfig, tmp_path)[0].config == TEACHERS["ci"] != PROFILES["ci"]
    told = json.loads((paths.data("emogen") / "emogen.json").read_text(encoding="utf-8"))["experts"]["syncnet"]
    shipped, card = load("syncnet", SyncNet, SyncNetConfig, paths.data(TEACHER))
    assert card["sha256"] == told and shipped.config == TEACHERS["cpu"] and not shipped.config.grey
    with pytest.raises(InputError, match="use --judge or --teacher, not both"):
        s.train_syncnet(store, tmp_path, teacher=True, judge=True, profile="ci")


def test_the_card_tells_the_command_with_the_precision_that_was_asked_for(store, tmp_path):
    commands = [s.train_syncnet(store, tmp_path / str(precision), profile="ci", steps=1, precision=precision,
                                progress=False)[1]["command"] for precision in (None, "bf16-mixed")]
    assert commands[0].endswith("--steps 1") and commands[1] == commands[0] + " --precision bf16-mixed"


def test_the_command_line_says_what_came_of_it(store, tmp_path, capsys):
    from tfg.cli import main

    assert main(["train", "syncnet", "--store", str(store.path), "--out", str(tmp_path), "--profile", "ci"]) == 0
    assert "of known shifts of the sound found within a frame" in capsys.readouterr().out
    assert main(["train", "syncnet", "--store", str(tmp_path / "no"), "--out", str(tmp_path)]) == 2
