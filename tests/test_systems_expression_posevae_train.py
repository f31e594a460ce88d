"""Training PoseVAE: its data, losses, runs, scores."""
from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
import torch

from tfg.errors import InputError
from tfg.media.audio import mel_window
from tfg.systems.expression.posevae import data as d
from tfg.systems.expression.posevae import evaluate as s
from tfg.systems.expression.posevae import network as p
from tfg.systems.expression.posevae import train as t
from tfg.training.log import read
from tfg.training.loop import At

STEPS = 12


@pytest.fixture(scope="module", autouse=True)
def spoken():
    """Speech is made once for all tests."""
    with pytest.MonkeyPatch.context() as patch:
        made = lru_cache(d.corpus)
        patch.setattr(t, "corpus", lambda profile, seed, part, progress=False, hearing="mel":
                      made(profile, seed, part, **({} if hearing == "mel" else {"hearing": hearing})))
        yield made


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A short run: its folder and card."""
    out = tmp_path_factory.mktemp("posevae")
    return out, t.train_posevae(out, profile="ci", steps=STEPS, progress=False)[1]


def clip(frames: int = 100) -> d.PoseClip:
    """A clip whose poses and sound both say their own frame number."""
    mel = np.repeat(np.arange(frames * 16 // 5 + 1) / 100, 80).reshape(-1, 80).T
    poses = np.tile(np.arange(frames)[None, :, None], (2, 1, 6))
    return d.PoseClip(np.zeros(640 * frames, np.float32), [mel.astype(np.float32)], [np.zeros((80, 1), np.float32)],
                  poses.astype(np.float32), np.array([5, 9]), np.arange(4 * frames).reshape(-1, 4))


# ---- data ---------------------------------------------------------------------------------------------------------
def test_pose_and_sound_count_frames_alike():
    """Frame t of a chunk's pose and window t of its sound are the same frame, also at the ends of a clip."""
    source = clip()
    data = d.Chunks([source], 4, np.full((46, 6), 2.0, np.float32), 0, starts=.3)
    batch = data.batch(0, np.arange(len(data)))
    seen = set()
    for windows, before, chunk, stress in zip(*(batch[k] for k in ("windows", "before", "chunk", "stress"))):
        start = int(2 * before[-1, 0]) + 1 if before[-1, 0] else 0
        absolute = 2 * (chunk + before[-1])
        if start == 0:                                         # the clip begins: the head has been at rest
            start = int(absolute[0, 0])
        assert (absolute[:, 0] == start + np.arange(32)).all()
        for k in (0, 13, 31):
            np.testing.assert_allclose(windows[k], mel_window(source.mels[0], start + k, 16), atol=1e-6)
        assert (stress == 4 * (start + np.arange(32))[:, None] + np.arange(4)).all()
        past = np.maximum(np.arange(start - 4, start), 0)
        assert (2 * before[:, 0] == past).all()
        seen.add(start)
    assert 0 in seen and len(seen) > 3 and max(seen) <= 68


def test_batches_are_a_function_of_their_key():
    data = d.Chunks([clip(), clip()], 4, np.ones((46, 6), np.float32), 3)
    one, two, later = data.batch(0, [1, 2, 5]), data.batch(0, [5, 1]), data.batch(1, [1, 2, 5])
    np.testing.assert_array_equal(one["chunk"][[2, 0]], two["chunk"])
    np.testing.assert_array_equal(one["windows"][[2, 0]], two["windows"])
    assert (one["before"] != later["before"]).any()
    assert set(data.batch(0, np.arange(len(data)))["style"]) == {5, 9}


def test_the_corpus(spoken):
    train, val = spoken("ci", 0, "train"), spoken("ci", 0, "val")
    assert len(train) == 4 and len(val) == 2
    assert all((np.sort(c.styles) == np.arange(46)).all() for c in val)
    assert all(len(set(c.styles)) == 6 and c.poses.shape == (6, 125, 6) and len(c.mels) == 2 for c in train)
    assert max(np.abs(c.poses[:, 0]).max() for c in (*train, *val)) == 0                   # from rest
    assert [np.abs(c.audio).max() < .05 for c in train] == [False, False, False, True]     # one in 17 is silent
    again = d.corpus("ci", 0, "val")
    assert all((a.poses == b.poses).all() and (a.audio == b.audio).all() for a, b in zip(val, again))
    scale, reach = d.spread(train)
    assert scale.shape == (46, 6) and (scale > 0).all() and (reach > 1.5).all() and (reach < 10).all()


def test_what_an_ear_should_know():
    level = np.full(200, -40.0)
    for at in (50, 120):
        level[at - 4:at + 5] = -30 + 30 * np.exp(-.5 * (np.arange(-4, 5) / 1.5) ** 2)
    stress = d.stress_of(level, 200)
    assert stress.shape == (200, 4) and stress.min() >= 0 and stress.max() <= 1
    for at in (50, 120):
        assert stress[at, :2].min() > .95 and stress[at - 8, 2] > .95 and (stress[at + 10, 0] < stress[at + 10, 1])
    assert (stress[80:90, :2] < .1).all() and stress[50, 3] > .5 > stress[199, 3]
    assert (d.stress_of(None, 7) == 0).all()


def test_silence_is_learned_too():
    rng = np.random.default_rng(0)
    levels = [np.abs(d.hush(8000, rng)).max() for _ in range(20)]
    assert min(levels) == 0 and 0 < max(levels) < .05


# ---- losses ---------------------------------------------------------------------------------------------------------
@pytest.fixture
def task(spoken) -> t.PoseTask:
    torch.manual_seed(0)
    return t.PoseTask(p.PoseVAE(p.PROFILES["ci"]), spoken("ci", 0, "train"), spoken("ci", 0, "val"), t.RUNS["ci"], 1e-3)


def batch_of(task, n: int = 6) -> dict:
    return {k: torch.from_numpy(v) for k, v in task.data.batch(0, np.arange(n)).items()}


def test_the_judge_steps_every_second_time(task):
    names = [[name for name, _, _ in task.losses(batch_of(task), At(k, "learn", k))] for k in range(4)]
    assert names == [["posevae"], ["posevae", "judge"]] * 2


def test_at_first_the_ear_learns_alone(task):
    (name, loss, _), = task.losses(batch_of(task), At(1, "hear", 1))
    loss.backward()
    learned = {k.split(".")[0] for k, v in task.network.named_parameters() if v.grad is not None and v.grad.any()}
    assert name == "posevae" and learned == {"ear", "feature", "answer", "manner"}


def test_the_code_does_not_talk_the_ear_out_of_what_it_hears(task):
    """Neither reconstruction nor judge reach the sound's own way to the head."""
    batch = batch_of(task)
    network = task.network
    stress, answer, *others = network(batch["windows"], batch["style"], batch["before"], batch["chunk"])
    sum(x.square().sum() for x in others).backward()
    assert not any(v.grad is not None and v.grad.any() for k, v in network.named_parameters()
                   if k.startswith(("ear", "feature", "answer", "manner")))
    assert all(v.grad is not None for k, v in network.named_parameters() if k.startswith(("mean", "refine", "decoder")))


def test_free_bits_and_a_weight_that_rises(task):
    """While little is said by the code, saying more costs nothing; and KL counts more as the run goes on."""
    batch = batch_of(task)

    def parts(step, **weights):
        torch.manual_seed(1)
        return next(replace(task, **weights).losses(batch, At(step, "learn", step)))

    with torch.no_grad():
        for layer in (task.network.mean, task.network.logvar):
            layer.weight.zero_()
            layer.bias.zero_()
        _, loss, told = parts(0, gan=0.0)
        _, free, _ = parts(0, gan=0.0, kl=0.0)
    assert float(told["kl"]) == 0
    price = float(loss - free)                                  # the floor: FREE of each dimension, which nothing moves
    rise = 1 / (t.RISE * dict(task.run.phases)["learn"])
    assert price == pytest.approx(rise * t.FREE * task.network.config.latent / 192, rel=.02)
    _, early, _ = parts(0, gan=0.0)
    gradient = torch.autograd.grad(early, task.network.logvar.bias)[0]
    _, unpriced, _ = parts(0, gan=0.0, kl=0.0)
    torch.testing.assert_close(gradient, torch.autograd.grad(unpriced, task.network.logvar.bias)[0])
    with torch.no_grad():
        task.network.mean.bias.fill_(1.0)                       # half a nat each
        costs = [float(parts(k, gan=0.0)[1] - parts(k, gan=0.0, kl=0.0)[1]) for k in (0, task.run.steps)]
    assert costs[1] == pytest.approx(.5 * task.network.config.latent / 192, rel=.01) and costs[0] < costs[1]


def test_expectation_is_a_share_of_the_motion():
    chunk = torch.randn(5, 32, 6)
    assert float(t.expectation(0 * chunk, chunk)) == pytest.approx(1) and float(t.expectation(chunk, chunk)) == 0
    assert float(t.expectation(chunk + 3, chunk, orders=(1, 2))) == pytest.approx(0, abs=1e-6)
    torch.testing.assert_close(t.expectation(.5 * chunk, chunk), torch.tensor(.25))


def test_settled_codes_are_drawn_as_chunks_have_them(task):
    network = task.network
    batch = batch_of(task, 60)
    t.settle(network, [{k: v[half] for k, v in batch.items()} for half in (slice(0, 30), slice(30, 60))])
    with torch.no_grad():
        mean, logvar = network.encode(batch["chunk"], batch["before"], network.hear(batch["windows"]), batch["style"])
        drawn = network.code(torch.randn(200, 60, network.config.latent), batch["before"])
    torch.testing.assert_close(drawn.mean((0, 1)), mean.mean(0), atol=.05, rtol=.05)
    spread = (mean.var(0, correction=0) + logvar.exp().mean(0)).sqrt()
    torch.testing.assert_close(drawn.flatten(0, 1).std(0), spread, atol=.02, rtol=.05)


def test_another_microphone():
    windows = torch.zeros(40, 32, 80, 16)
    torch.manual_seed(0)
    rough = t.roughened(windows)
    assert rough.std() == pytest.approx(.25 * 2**.5, rel=.05) and rough.mean((1, 3)).std() == pytest.approx(.25, rel=.1)


def test_the_judge_sees_the_seam():
    before, chunk = torch.arange(4.0)[None, :, None].expand(2, -1, 6), torch.arange(1.0, 33)[None, :, None]
    motion = t.seam(before, chunk.expand(2, -1, 6))
    assert motion.shape == (2, 36, 6) and (motion[0, :, 0] == torch.arange(-3.0, 33)).all()


def test_the_large_one_takes_a_step(spoken):
    torch.manual_seed(0)
    network = p.PoseVAE(p.PROFILES["gpu"])
    task = t.PoseTask(network, spoken("ci", 0, "train"), spoken("ci", 0, "val")[:1], t.RUNS["gpu"], t.RATE["gpu"])
    assert task.run.batch == 64 and t.RATE["gpu"] == 1e-4
    everything = {**network.state_dict(prefix="p."), **task.networks["judge"].state_dict(prefix="j.")}
    before = {k: v.clone() for k, v in everything.items()}
    for optimiser, loss, _ in task.losses(batch_of(task, 3), At(1, "learn", 1)):
        loss.backward()
        task.optimisers[optimiser].step()
        for other in task.optimisers.values():
            other.zero_grad()
    after = {**network.state_dict(prefix="p."), **task.networks["judge"].state_dict(prefix="j.")}
    assert all(torch.isfinite(v).all() for v in after.values())
    still = [k for k in before if torch.equal(before[k], after[k]) and not k.endswith(("scale", "reach"))]
    assert not [k for k in still if k.endswith("weight")], still
    moved = (after["p.style"] - before["p.style"]).abs().sum(1) > 0                        # the styles of this batch
    assert set(torch.nonzero(moved).flatten().tolist()) == set(batch_of(task, 3)["style"].tolist())


# ---- runs -------------------------------------------------------------------------------------------------------
def test_a_run_writes_weights_and_card(trained):
    out, card = trained
    network, held = p.load(out)
    assert held == card and card["steps"] == STEPS and set(card["scores"]) == {"val", "test"}
    assert (network.scale > 0).all() and not torch.equal(network.scale, torch.ones(46, 6))
    assert p.predict(np.zeros(64000, np.float32), folder=out).shape == (100, 6)
    logged = {name for _, name, _ in read(out / "log.csv")}
    assert {"answer", "mse", "kl", "active", "fooled", "judge", "loss", "blind", "expected", "deaf"} <= logged
    test = card["scores"]["test"]
    assert set(test) >= {"made", "true", "still", "wrong"} and test["still"]["accents"] is None
    assert test["true"]["accents"] > test["wrong"]["accents"] and test["true"]["nod"] > test["wrong"]["nod"]
    assert test["true"]["diversity"] == test["wrong"]["diversity"] and max(test["still"]["diversity"]) == 0


def test_same_seed_same_network_and_a_killed_run_goes_on(trained, tmp_path, monkeypatch):
    out, _ = trained
    losses, stop = t.PoseTask.losses, 7

    def killed(self, batch, at):
        if at.step == stop:
            raise KeyboardInterrupt
        return losses(self, batch, at)

    monkeypatch.setattr(t.PoseTask, "losses", killed)
    monkeypatch.setitem(t.RUNS, "ci", replace(t.RUNS["ci"], checkpoint_s=0.0))
    monkeypatch.setattr(t, "score", lambda network, clips: {})
    with pytest.raises(KeyboardInterrupt):
        t.train_posevae(tmp_path, profile="ci", steps=STEPS, progress=False)
    assert not (tmp_path / "posevae.json").exists()
    monkeypatch.setattr(t.PoseTask, "losses", losses)
    monkeypatch.setitem(t.RUNS, "ci", replace(t.RUNS["ci"], checkpoint_s=60.0))
    with pytest.raises(InputError, match="belongs to another run"):
        t.train_posevae(tmp_path, profile="ci", steps=STEPS + 1, progress=False)
    at, _ = t.train_posevae(tmp_path, profile="ci", steps=STEPS, progress=False)
    assert at.step == STEPS
    assert (tmp_path / "posevae.safetensors").read_bytes() == (out / "posevae.safetensors").read_bytes()


def test_what_is_refused(tmp_path, capsys):
    from tfg.cli import main

    with pytest.raises(InputError, match="unknown profile 'huge'"):
        t.train_posevae(tmp_path, profile="huge")
    assert main(["train", "posevae", "--profile", "ci"]) == 2 and "--out" in capsys.readouterr().err


def test_the_command_line_passes_options_on(monkeypatch, capsys):
    from tfg.cli import main

    given = {}
    monkeypatch.setattr(t, "train_posevae", lambda **kw: given.update(kw) or (None, {"scores": {"val": {"mse": .25}}}))
    assert main(["train", "posevae", "--out", "o", "--steps", "5", "--seed", "2", "--precision", "bf16-mixed"]) == 0
    del given["progress"]
    assert given == {"out": "o", "steps": 5, "seed": 2, "precision": "bf16-mixed"}
    assert "wrote o/posevae.safetensors and posevae.json" in capsys.readouterr().out


# ---- scores -----------------------------------------------------------------------------------------------------
def test_scores_of_the_truth_itself_are_those_of_the_truth(spoken, monkeypatch):
    clips = spoken("ci", 0, "val")
    poses = iter([c.poses[np.argsort(c.styles)].astype(np.float32) for c in clips for _ in range(2)])
    monkeypatch.setattr(s, "generate", lambda *args: next(poses))
    found = s.score(p.PoseVAE(p.PROFILES["ci"]), clips)
    made, true = found["made"], found["true"]
    assert made["nod_r"] == pytest.approx(1) and made["sway_r"] == pytest.approx(1) and made["between_seeds"] == 0
    assert {k: made[k] for k in true} == true and found["clips"] == 2


def test_seam_speed_finds_seams():
    smooth = np.cumsum(np.ones((3, 240, 6)), 1)
    assert s.seam_speed(smooth) == pytest.approx(1)
    jumps = smooth + 5.0 * (np.arange(240) // 24)[None, :, None]
    assert s.seam_speed(jumps) > 1.4


def test_what_the_shipped_card_promises():
    """The network that ships: sound, style and code all count, and it was scored on unseen voices."""
    _, card = p.load()
    val, test = card["scores"]["val"], card["scores"]["test"]
    made, true, wrong = test["made"], test["true"], test["wrong"]
    assert val["active"] >= 8 and val["mse"] < .2 * val["blind"]                         # the code did not collapse
    assert val["expected"] < .8 and min(val["deaf"], val["styleless"]) > val["expected"] + .1
    assert made["accents"] > wrong["accents"] + .05 and made["nod_r"] > .8 and made["sway_r"] > .8
    ratio = np.array(made["diversity"]) / np.array(true["diversity"])
    assert (ratio > .8).all() and (ratio < 1.25).all()
    assert made["far"] < 1.5 * true["far"] and made["seam"] < 1.1 and test["clips"] >= 20
