"""Training of `deformable`: losses, phases, critics, options.  Letters: see tests/test_systems_deformable.py."""
from __future__ import annotations

import argparse
import signal
from dataclasses import replace

import numpy as np
import pytest
import torch

import small_scenes
from small_store import acted, make_store, splits_of
from tfg.errors import InputError
from tfg.options import add_arguments
from tfg.systems.deformable import PHASES, SYSTEM, DeformableTraining, critics, look, network, sound, task, train
from tfg.systems.deformable.data import Scenes, common_fields, mean_points
from tfg.training.batches import tensors
from tfg.training.interrupt import stopped
from tfg.training.state import At

S = 64


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return small_scenes.make(tmp_path_factory.mktemp("scenes"), S)


@pytest.fixture(scope="module")
def trained(folder, tmp_path_factory):
    """A generator after a few steps of each phase, in its folder."""
    out = tmp_path_factory.mktemp("deformable")
    return out, train.train_deformable(out, scenes=folder, profile="ci", progress=False)


def task_of(folder, *, weights=train.SMALL, names=("frame", "emotion"), people=None, config=network.PROFILES["ci"]):
    """A task with common fields, as `train_deformable` sets it up."""
    from tfg.faces.face_region import face_region

    some = Scenes(folder, "train", S, noise=config.noise, drawn=4)
    torch.manual_seed(0)
    made = network.Deformable(config)
    if config.flow:
        made.mean.copy_(torch.from_numpy(mean := mean_points(some)))
        fields = common_fields(some, config.fields, face_region(S // 2), mean)
        made.common[:len(fields)] = torch.from_numpy(fields) / network.FLOW
    return task.DeformableTask(made, some, Scenes(folder, "val", S, noise=config.noise), train.RUNS["ci"], weights,
                               dict.fromkeys(("deformable", *task.CRITICS), 4e-3), critics.PROFILES["ci"], names,
                               people=people, evaluated=3)


def turns(made, phase: str, which=(0, 4, 8)) -> dict[str, dict]:
    """name of the network -> values of its turn in one step of a phase."""
    batch = tensors(made.data.batch(0, np.array(which)))
    return {name: values | {"loss": loss} for name, loss, values in made.losses(batch, At(phase=phase))}


def learn(made, phase: str, steps: int, which) -> list[dict[str, dict]]:
    """Steps on one batch, as the loop makes them; the values of the first and the last."""
    batch, out = tensors(made.data.batch(0, np.array(which))), []
    for step in range(steps):
        found = {}
        for name, loss, values in made.losses(batch, At(step=step, phase=phase)):
            for optimiser in made.optimisers.values():
                optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(made.networks[name].parameters(), 1.0)
            made.optimisers[name].step()
            found[name] = {k: float(v.detach()) for k, v in values.items()}
        out = [*out[:1], found]
    return out


# ---- a run ----------------------------------------------------------------------------------------------------------
def test_a_run_writes_weights_card_and_pictures(trained):
    out, (at, card) = trained
    assert at.step == train.RUNS["ci"].steps and (out / "deformable.safetensors").is_file()
    assert {"l1", "l1_still", "mouth", "energy", "weights", "r", "face", "voice"} <= set(card["scores"])
    assert card["perceptual"] == "none" and card["critics"] == ["frame", "emotion"]
    assert card["data"]["scored_on"].startswith("2 actors") and list((out / "samples").glob("*_runs.png"))
    assert {p.stem for p in (out / "last").glob("*.safetensors")} == {"deformable", "emotion", "frame"}
    loaded, _ = network.load(out)
    assert not loaded.training and loaded.common.any()


def test_each_phase_has_its_own_rise_and_fall(folder):
    """The generator's rate ends low in each phase and begins anew in the next; critics keep theirs."""
    made = task_of(folder)
    made.run = replace(made.run, phases=(("ears", 1000), ("generator", 600)))
    first, middle, last = (made.lr("deformable", At(step=s, phase="ears", phase_step=s)) for s in (0, 500, 999))
    assert first < .1 and .4 < middle < .6 and last < .05
    assert made.lr("deformable", At(step=1300, phase="generator", phase_step=300)) == pytest.approx(.51, abs=.02)
    assert made.lr("emotion", At(step=999, phase="ears", phase_step=999)) == 1.0


def test_the_same_seed_gives_the_same_bytes(trained, folder, tmp_path):
    train.train_deformable(tmp_path, scenes=folder, profile="ci", progress=False)
    assert (tmp_path / "deformable.safetensors").read_bytes() == (trained[0] / "deformable.safetensors").read_bytes()


def test_a_run_can_be_stopped_and_resumed(trained, folder, tmp_path, monkeypatch):
    """Interrupted in the phase generator, the run goes on bit for bit; what else is in the folder stays."""
    (tmp_path / "mine.txt").write_text("mine")
    plain = task.DeformableTask.losses

    def stop(self, batch, at):
        if at.step == 4:
            raise stopped(4, 7, signal.SIGINT)
        yield from plain(self, batch, at)

    runs = {"ci": replace(train.RUNS["ci"], checkpoint_s=0.0)}
    monkeypatch.setattr(train, "RUNS", runs)
    monkeypatch.setattr(task.DeformableTask, "losses", stop)
    with pytest.raises(KeyboardInterrupt):
        train.train_deformable(tmp_path, scenes=folder, profile="ci", progress=False)
    monkeypatch.setattr(task.DeformableTask, "losses", plain)
    at, _ = train.train_deformable(tmp_path, scenes=folder, profile="ci", progress=False)
    a, b = (torch.load(p / "state.pt", weights_only=True) for p in (tmp_path, trained[0]))
    assert at.step == 7 and set(a) == set(b)
    assert (tmp_path / "deformable.safetensors").read_bytes() == (trained[0] / "deformable.safetensors").read_bytes()
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_each_phase_can_be_called_alone(folder, tmp_path):
    """As the published README does it: the critic first, then the generator, then both, from the others' weights."""
    def alone(phase, **more):
        return train.train_deformable(tmp_path / phase, scenes=folder, profile="ci", phase=phase, steps=1,
                                      progress=False, **more)

    _, card = alone("pre")
    assert card["system"] == "deformable_emotion" and (tmp_path / "pre" / "deformable_emotion.safetensors").is_file()
    alone("ears")
    alone("generator", init=tmp_path / "ears")
    at, card = alone("joint", init=tmp_path / "generator", model_disc_emo=tmp_path / "pre", lr_emo=1e-12)
    assert at.phase == "joint" and card["init"]["taken"] > 10
    from safetensors.torch import load_file

    a, b = (load_file(tmp_path / p / "last" / "emotion.safetensors") for p in ("pre", "joint"))
    assert all(torch.allclose(a[k], b[k], atol=1e-6) for k in a)
    with pytest.raises(InputError, match="does not take part"):
        alone("generator", model_disc_emo=tmp_path / "pre", disc_emo=False)
    with pytest.raises(InputError, match="no-disc-emo"):
        alone("pre", disc_emo=False)


def test_options_reach_the_run(folder, tmp_path):
    at, card = train.train_deformable(tmp_path, scenes=folder, profile="ci", num_epochs=1, batch_size=7, context=9,
                                      num_frames=5, deform=False, equal=True, disc_frame=False, disc_video=True,
                                      disc_frame_gp=3.0, lr_g=1e-4, progress=False)
    assert card["config"]["context"] == 9 and not card["config"]["deform"] and card["losses"]["gp"] == 3
    assert card["config"]["start"] > network.PROFILES["ci"].start and card["critics"] == ["emotion", "video"]
    assert at.step == 4 * (15 // 7) and "--no-deform --equal" in card["command"].replace("--no-attention ", "")


@pytest.mark.parametrize("given, said", [({}, "either --scenes"), ({"scenes": 1, "store": 1}, "either --scenes"),
                                         ({"scenes": 1, "phase": "gan"}, "no phase 'gan'"),
                                         ({"scenes": 1, "profile": "tpu"}, "unknown profile"),
                                         ({"scenes": 1, "context": 30}, "the context is 30"),
                                         ({"scenes": 1, "emotions": "HAP"}, "leave --emotions out")])
def test_what_cannot_be_trained_is_refused(folder, tmp_path, given, said):
    given = given | {name: folder for name in ("scenes", "store") if name in given}
    with pytest.raises(InputError, match=said):
        train.train_deformable(tmp_path, **{"profile": "ci"} | given, progress=False)


def test_a_store_is_learned_from_by_the_same_command(tmp_path):
    clips = [*acted("V1", "NEU", "HAP", "SAD"), *acted("V2", "NEU", "HAP", "SAD")]
    store = make_store(tmp_path / "store", clips, size=S)
    splits_of(V1="train", V2="val").save_in(store.path)
    at, card = train.train_deformable(tmp_path / "out", store=store.path, profile="ci", emotions="HAP,SAD", steps=4,
                                      progress=False)
    assert at.step == 4 and "ears" not in card["phases"] and card["data"]["store"] == "store"
    assert np.isfinite(list(card["scores"].values())).all() and "weights" not in card["scores"]
    with pytest.raises(InputError, match="ears needs speech"):
        train.train_deformable(tmp_path / "out", store=store.path, profile="ci", phase="ears", progress=False)


def test_flags_are_read_as_they_are_meant():
    """The published flags were type=bool, which takes "False" for yes."""
    parser = argparse.ArgumentParser()
    add_arguments(parser, DeformableTraining)
    given = vars(parser.parse_args(["--scenes", "s", "--out", "o", "--no-deform", "--disc-pair", "--lr-emo", "1e-5",
                                    "--phase", "pre"]))
    chosen = DeformableTraining(**given)
    assert (chosen.deform, chosen.attention, chosen.disc_pair, chosen.lr_emo, chosen.phase) == (False, True, True, 1e-5,
                                                                                               "pre")
    import inspect

    takes = inspect.signature(train.train_deformable).parameters
    assert set(DeformableTraining.names()) <= set(takes) and set(PHASES) == {"all", *task.PHASES}
    assert SYSTEM.trainings[0].run == "tfg.systems.deformable.train:train_deformable"


def test_the_penalty_is_taken_in_mixed_precision_too(folder, tmp_path):
    """Fabric's wrapper of a critic refuses a gradient of a gradient, and torchvision's layer knows one type."""
    at, _ = train.train_deformable(tmp_path, scenes=folder, profile="ci", phase="joint", steps=1, disc_pair=True,
                                   disc_video=True, precision="bf16-mixed", progress=False)
    assert at.step == 1


# ---- losses ---------------------------------------------------------------------------------------------------------
def test_it_learns_to_move_its_lips_by_the_sound(folder, one_thread):
    """(b) The published training gave one frame throughout. On one batch the error falls well below that of the still
    photo, the flow's weights follow the sound, and what is drawn moves from frame to frame."""
    made = task_of(folder, names=(), config=replace(network.PROFILES["ci"], fields=2, noise=6))
    learn(made, "ears", 40, (0, 4, 8))
    first, last = learn(made, "generator", 70, (0, 4, 8))
    assert last["deformable"]["weights"] < .35 < .7 < first["deformable"]["weights"]
    assert last["deformable"]["flow"] < .6 * first["deformable"]["flow"]
    made.shown = tensors(made.data.batch(0, [0, 4, 8]))
    made.network.eval()
    with torch.no_grad():
        found = made.evaluate(At())
    assert found["r"] > .6 and found["energy"] > .4 and found["l1"] < .8 * found["l1_still"]


def test_each_critic_steps_and_reaches_the_generator(folder):
    """(g) One step of the phase joint: four critics have turns, and their gradients reach the generator."""
    made = task_of(folder, names=("frame", "emotion", "pair", "video"),
                   weights=replace(train.SMALL, pair=.01, video=.01))
    found = turns(made, "joint")
    assert list(found) == ["emotion", "frame", "video", "pair", "deformable"]
    for name in ("frame", "pair", "video"):
        assert f"{name}_penalty" in found[name] and f"{name}_fools" in found["deformable"]
    assert "emotion" in found["deformable"] and "emotion_drawn" in found["emotion"]
    for name in ("frame_fools", "pair_fools", "video_fools", "emotion"):
        made.network.zero_grad()
        turns(made, "joint")["deformable"][name].backward()
        assert made.network.start.weight.grad.abs().sum() > 0, name


def test_critics_do_not_teach_the_generator_in_their_own_turn(folder):
    made = task_of(folder)
    for name, found in turns(made, "joint").items():
        made.network.zero_grad()
        if name != "deformable":
            found["loss"].backward(retain_graph=True)
            assert all(p.grad is None or not p.grad.any() for p in made.network.parameters()), name


@pytest.mark.parametrize("phase, names", [("ears", ["deformable"]), ("pre", ["emotion"]),
                                          ("generator", ["deformable"])])
def test_phases_have_their_turns(folder, phase, names):
    assert list(turns(task_of(folder), phase)) == names


def test_the_emotion_critic_learns_six_emotions_and_drawn(folder, one_thread):
    made = task_of(folder)
    first, last = learn(made, "pre", 40, tuple(range(12)))
    assert last["emotion"]["emotion_true"] < .8 * first["emotion"]["emotion_true"]
    loss, values = made._emotion(torch.rand(2, 3, 3, S, S), torch.rand(2, 3, 3, S, S),
                                 {"emotion": torch.tensor([1, -1]), "photo": torch.zeros(2, 3, S, S)})
    torch.testing.assert_close(loss, (values["emotion_true"] + values["emotion_drawn"]) / 2)


def test_ears_learn_without_a_picture(folder, one_thread):
    made = task_of(folder)
    first, last = learn(made, "ears", 60, tuple(range(8)))
    assert last["deformable"]["lips"] < .6 * first["deformable"]["lips"]
    assert made.network.start.weight.grad is None


def test_the_published_losses_need_no_actor(folder):
    config = replace(network.PROFILES["ci"], flow=False, fields=0, lips=False, told=False)
    found = turns(task_of(folder, weights=task.Weights(), config=config), "joint")["deformable"]
    assert set(found) == {"l1", "voice", "emotion", "frame_fools", "loss"}


def test_people_that_are_not_drawn_teach_what_sound_does(folder):
    """The loss of pictures is that of the first two alone, that of the weights of all."""
    few, two = task_of(folder, people=2), task_of(folder)
    a, b = turns(few, "generator", (0, 4, 8, 12))["deformable"], turns(two, "generator", (0, 4))["deformable"]
    c = turns(two, "generator", (0, 4, 8, 12))["deformable"]
    torch.testing.assert_close(a["l1"], b["l1"])
    torch.testing.assert_close(a["weights"], c["weights"])
    assert a["l1"] != c["l1"] and "moved" not in c
    few.network.zero_grad()
    few.flow_error(few.networks["deformable"](*_three(few), people=1)[0].moved[:, sound.LEAD:],
                   tensors(few.data.batch(0, [0, 4, 8]))["flow"]).backward()
    assert few.network.particular.weight.grad.abs().sum() > 0


def _three(made):
    batch = tensors(made.data.batch(0, [0, 4, 8]))
    return batch["photo"].float() / 255, batch["wave"], batch["feeling"], batch["noise"]


def test_the_error_of_a_flow_is_that_of_its_known_places(folder):
    made = task_of(folder)
    flow = tensors(made.data.batch(0, [0, 4]))["flow"]
    true = flow.nan_to_num(9.0).permute(0, 1, 4, 2, 3)
    assert made.flow_error(true, flow) == 0
    shifted = true + torch.tensor([.3, .4])[:, None, None] * network.FLOW
    assert float(made.flow_error(shifted, flow)) == pytest.approx(.5, rel=1e-4)


def test_the_mouth_counts_most():
    weights = task.pixel_weights(128, task.Weights())
    at = np.unravel_index(weights.argmax(), weights.shape)
    assert abs(at[0] / 128 - .77) < .01 and abs(at[1] / 128 - .5) < .01
    assert weights.max() == pytest.approx(1.01, abs=.01) and weights[0, 0] == pytest.approx(.01)
    assert weights[98, 64 + 9] == pytest.approx(.01 + np.exp(-.5), abs=.05)


def test_emotions_and_flows_that_are_not_known_cost_nothing(folder):
    made = task_of(folder)
    batch = tensors(made.data.batch(0, [0, 4]))
    batch["flow"] = torch.full_like(batch["flow"], float("nan"))
    batch["emotion"], batch["voice"] = torch.tensor([-1, -1]), torch.tensor([-1, -1])
    found = list(made.losses(batch, At(phase="joint")))
    assert all(torch.isfinite(loss) for _, loss, _ in found)
    values = found[-1][2]
    assert values["weights"] == 0 and values["flow"] == 0


# ---- scores and pictures --------------------------------------------------------------------------------------------
def test_the_sheet_shows_the_truth_beside_what_was_drawn(folder):
    """(c) The published truth was a copy of the prediction. The true frames are the data's own, byte for byte."""
    made = task_of(folder)
    made.network.eval()
    with torch.no_grad():
        sheet = look.sheet(made, rows=2)
    assert sheet.shape == (2 * 2 * S, (1 + look.SHOWN) * S, 3)
    last = look.scenes(made)["frames"][0][-1].permute(1, 2, 0).numpy()
    np.testing.assert_array_equal(sheet[:S, -S:], last)
    assert (sheet[S:2 * S, -S:] != last).any()


def test_a_still_picture_scores_as_one(folder):
    """Without movement: the photo's own error, no energy, all of the flow missed."""
    made = task_of(folder, names=())
    for part in (made.network.weights[-1], made.network.residual):
        torch.nn.init.zeros_(part.weight)
        torch.nn.init.zeros_(part.bias)
    made.network.heads.bias.data[3] = 30.0
    made.network.heads.weight.data[3] = 0
    made.network.eval()
    with torch.no_grad():
        found = made.evaluate(At())
    assert found["energy"] < 1e-3 and found["l1"] == pytest.approx(found["l1_still"], rel=1e-2)
    assert .5 < found["weights"] < 2 and "r" not in found or abs(found["r"]) < 1e-3


def test_correlations_leave_constants_out():
    t = torch.arange(8.0)
    a = torch.stack([t, -t, torch.ones(8)], 1)[None]
    b = torch.stack([t * 2 + 1, t, t], 1)[None]
    np.testing.assert_allclose(look.correlations(a, b), [1, -1], atol=1e-5)


def test_waves_of_the_run_begin_before_its_first_frame(folder):
    """What is drawn at the run's frame t is heard at LEAD + t: where it is louder, the lips are opened more."""
    batch = Scenes(folder, "train", S, noise=8).batch(0, [0])
    loud = np.abs(batch["wave"][0, sound.around()[0]:][:320 * (sound.LEAD + small_scenes.N)]).reshape(-1, 320).max(1)
    dropped = -np.nan_to_num(batch["flow"][0, :, 26:, :, 1]).min((1, 2))
    assert np.corrcoef(loud[sound.LEAD:], dropped)[0, 1] > .95
    assert np.corrcoef(loud[:small_scenes.N], dropped)[0, 1] < .9
