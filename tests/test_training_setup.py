"""Beginning and end of trainings: warm starts, frozen parts, the best weights, and the card's entries on them."""
from __future__ import annotations

import inspect
import json
import shutil
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from tfg import registry
from tfg.errors import InputError
from tfg.networks import checkpoint
from tfg.training.loop import Run, train
from tfg.training.part import RunOptions
from tfg.training.setup import finish, run_of

RUNS = {"ci": Run(phases=(("learn", 8),), batch=4, evaluate_every=2, best="score", accelerator="cpu", checkpoint_s=0.0)}


@dataclass(frozen=True)
class Config:
    """Sizes of `Net`."""

    hidden: int = 6


class Net(torch.nn.Module):
    """A network (B, 2) -> (B, 1) of two parts, `ear` with batch norm, and `mouth`."""

    def __init__(self, config: Config = Config()):
        super().__init__()
        self.config = config
        self.ear = torch.nn.Sequential(torch.nn.Linear(2, config.hidden), torch.nn.BatchNorm1d(config.hidden))
        self.mouth = torch.nn.Linear(config.hidden, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.mouth(torch.relu(self.ear(x)))


class Sums:
    """Examples (x, x_0 - x_1)."""

    def __len__(self):
        return 16

    def batch(self, epoch, indices):
        x = np.stack([np.random.default_rng(int(i)).normal(size=2) for i in indices]).astype(np.float32)
        return {"x": x, "y": x[:, :1] - x[:, 1:]}


class Task:
    """The first evaluation scores best."""

    def __init__(self, network: Net, until: int = 99):
        self.networks, self.data, self.until = {"net": network}, Sums(), until
        self.optimisers = {"net": torch.optim.AdamW(network.parameters(), .01, weight_decay=.1)}

    def losses(self, batch, at):
        if at.step == self.until:
            raise KeyboardInterrupt
        yield "net", (self.networks["net"](batch["x"]) - batch["y"]).square().mean(), {}

    def evaluate(self, at):
        return {"score": -at.step}


def learn(out, *, seed: int = 0, until: int = 99, hidden: int = 6, resume: bool = True, **options):
    """Train as the train_* functions do.  Returns the network, its first position, and the card."""
    run = run_of(RUNS, "ci", seed=seed, name="net", **options)
    torch.manual_seed(seed)
    network = Net(Config(hidden))
    began = {k: v.clone() for k, v in network.state_dict().items()}
    at = train(Task(network, until), run, out, what="net", resume=resume, progress=False)
    card = finish(out, "net", network, run, at, lambda: {"val": 1.0}, command="tfg train net")
    return network, began, card


# ---- the best weights -----------------------------------------------------------------------------------------------
def test_the_best_weights_are_kept_and_not_the_last(tmp_path):
    network, _, card = learn(tmp_path)
    best, last = (load_file(tmp_path / part / "net.safetensors") for part in ("best", "last"))
    assert not torch.equal(best["mouth.weight"], last["mouth.weight"])
    assert all(torch.equal(v, best[k]) for k, v in network.state_dict().items()) and not network.training
    kept = checkpoint.load("net", Net, Config, tmp_path)[0].state_dict()
    torch.testing.assert_close(kept["mouth.weight"], best["mouth.weight"], atol=1e-3, rtol=1e-3)      # float16
    assert card["scores"] == {"val": 1.0} and "init" not in card and "frozen" not in card


def test_a_run_whose_best_weights_are_gone_does_not_keep_the_last_in_silence(tmp_path):
    learn(tmp_path)
    written = (tmp_path / "net.safetensors").read_bytes()
    (tmp_path / "best" / "net.safetensors").unlink()
    with pytest.raises(InputError, match=r"best/net.safetensors is missing, .* put it back, or .*--no-resume"):
        learn(tmp_path)
    assert (tmp_path / "net.safetensors").read_bytes() == written
    learn(tmp_path, resume=False)


# ---- warm starts ----------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def before(tmp_path_factory):
    """A folder that a training has finished."""
    out = tmp_path_factory.mktemp("before")
    learn(out, seed=3)
    return out


def first_step(out, **options):
    """The weights that a run begins with, as its first evaluation would see them."""
    seen = {}
    task_losses = Task.losses

    def losses(self, batch, at):
        if at.step == 0:
            seen.update({k: v.clone() for k, v in self.networks["net"].state_dict().items()})
        yield from task_losses(self, batch, at)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Task, "losses", losses)
        card = learn(out, **options)[2]
    return {k.removeprefix("module.").removeprefix("_forward_module."): v for k, v in seen.items()}, card


@pytest.mark.parametrize("file", [False, True])
def test_it_starts_from_the_weights_that_were_given(before, tmp_path, file, recwarn):
    given = load_file(before / "net.safetensors")
    began, card = first_step(tmp_path, init=before / "net.safetensors" if file else before)
    for name, value in given.items():
        assert torch.equal(began[name], value.to(began[name].dtype)), name
    assert card["init"] == {"sha256": json.loads((before / "net.json").read_text())["sha256"], "taken": len(given),
                            "left": []}
    assert card["command"].endswith(" --init CHECKPOINT") and not recwarn


def test_what_does_not_fit_is_left_and_named(before, tmp_path):
    """Weights of another size, of the file alone and of the network alone: one note, and all of them in the card."""
    given = load_file(before / "net.safetensors")
    given["nose"], given["mouth.bias"] = given.pop("ear.1.bias"), torch.zeros(2)
    save_file(given, str(tmp_path / "other.safetensors"))
    with pytest.warns(UserWarning, match="--init gave 7 of 9 weights; not taken over: ear.1.bias, mouth.b") as notes:
        began, card = first_step(tmp_path / "out", init=tmp_path / "other.safetensors", seed=5)
    assert len(notes) == 1 and card["init"]["taken"] == 7
    assert card["init"]["left"] == ["ear.1.bias", "mouth.bias", "nose"]
    torch.manual_seed(5)
    fresh = Net()
    assert torch.equal(began["mouth.bias"], fresh.mouth.bias) and not torch.equal(began["mouth.weight"],
                                                                                  fresh.mouth.weight)


def test_a_state_in_the_folder_wins_and_another_start_is_another_run(before, tmp_path):
    """Killed after 5 steps and taken up with the same --init, it is the same bytes; with another one it is refused."""
    whole = learn(tmp_path / "whole", init=before)[0]
    with pytest.raises(KeyboardInterrupt):
        learn(tmp_path / "parts", init=before, until=5)
    learn(tmp_path / "other", seed=4)
    for more in ({}, {"init": tmp_path / "other"}, {"init": before, "freeze": "ear"}):
        with pytest.raises(InputError, match="another run .*--init or --freeze"):
            learn(tmp_path / "parts", **more)
    parts, _, card = learn(tmp_path / "parts", init=before)
    assert all(torch.equal(v, whole.state_dict()[k]) for k, v in parts.state_dict().items())
    assert load_file(tmp_path / "parts" / "last" / "net.safetensors")["mouth.bias"] == \
        load_file(tmp_path / "whole" / "last" / "net.safetensors")["mouth.bias"]
    assert card["init"]["taken"] == 9


def test_what_cannot_be_started_from(before, tmp_path):
    def refused(init, match):
        with pytest.raises(InputError, match=match) as error:
            learn(tmp_path / "out", init=init)
        assert "\n" not in str(error.value) and not list(tmp_path.glob("out/**/*.safetensors"))

    shutil.copytree(before, tmp_path / "net")
    refused(tmp_path / "nowhere", "--init is .*nowhere, but it must be")
    refused(before / "net.json", "must be a folder that tfg train has finished, or a .safetensors")
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", "holds no net.safetensors to start from; --init takes")
    shutil.copy(before / "net.safetensors", tmp_path / "empty" / "ear.safetensors")
    refused(tmp_path / "empty", "but ear.safetensors: name the file itself")
    card = json.loads((before / "net.json").read_text())
    (tmp_path / "net" / "net.json").write_text(json.dumps({**card, "system": "nose"}))
    refused(tmp_path / "net", "holds the network nose, and net is to be trained")
    (tmp_path / "net" / "net.json").write_text(json.dumps({**card, "sha256": "0" * 64}))
    refused(tmp_path / "net", "its card says 000")
    (tmp_path / "empty" / "net.safetensors").write_bytes(b"no weights")
    refused(tmp_path / "empty", "is no safetensors file, or cut off")
    save_file({"nose": torch.zeros(2)}, str(tmp_path / "empty" / "net.safetensors"))
    refused(tmp_path / "empty", "none of the 1 weights")
    save_file({"mouth.bias": torch.full((1,), float("nan"))}, str(tmp_path / "empty" / "net.safetensors"))
    refused(tmp_path / "empty", r"not finite \(first in mouth.bias\)")


# ---- frozen parts ---------------------------------------------------------------------------------------------------
def test_frozen_parts_stay_to_the_bit_with_what_batch_norm_counts(tmp_path):
    network, began, card = learn(tmp_path, freeze="ear")
    last = load_file(tmp_path / "last" / "net.safetensors")
    for name, value in last.items():
        assert torch.equal(value, began[name]) == name.startswith("ear."), name
    assert card["frozen"] == ["ear"] and card["command"].endswith(" --freeze ear")


def test_a_part_of_a_part_is_named_with_a_full_stop(tmp_path):
    _, began, card = learn(tmp_path, freeze=("mouth", " ear.0"))
    last = load_file(tmp_path / "last" / "net.safetensors")
    stayed = {name for name, value in last.items() if torch.equal(value, began[name])}
    assert stayed == {"ear.0.weight", "ear.0.bias", "mouth.weight", "mouth.bias"}
    assert card["frozen"] == ["ear.0", "mouth"]


def test_parts_that_cannot_be_frozen(tmp_path):
    for given, match in (("nose", "no part 'nose' to freeze; its parts are ear, mouth"), ("ea", "no part 'ea'"),
                         ("ear,mouth", "nothing learns")):
        with pytest.raises(InputError, match=match):
            learn(tmp_path / "out", freeze=given)
        assert not (tmp_path / "out" / "state.pt").exists()


class Elsewhere(torch.nn.Linear):
    """A layer that notes where it is sent; machines without a GPU have no other place."""

    def cpu(self):
        self.seen.append("cpu")
        return super().cpu()

    def to(self, *args, **kwargs):
        self.seen.append(str(args[0]))
        return super().to(*args, **kwargs)


@pytest.mark.parametrize("task, scorer", [("tfg.systems.expression.expnet.train:ExpNetTask", "held_out"),
                                          ("tfg.systems.expression.posevae.train:PoseTask", "known")])
def test_scores_of_numpys_arrays_are_made_on_the_cpu(task, scorer, monkeypatch):
    """The network learns on a GPU where there is one; what it is scored on stays in numpy's arrays."""
    from types import SimpleNamespace

    cls = registry.function(task)
    network = Elsewhere(2, 2)
    network.seen = []

    def scored(given, _):
        assert given is network and network.seen == ["cpu"]
        return {"kl": 1.0, "mse": 1.0} if scorer == "known" else {"voice": dict.fromkeys(
            ("opening_r", "closure_recall", "false_closures", "r_mean"), .5)}

    monkeypatch.setattr(inspect.getmodule(cls), scorer, scored)
    at = SimpleNamespace(phase="learn")
    assert cls.evaluate(SimpleNamespace(network=network, unseen=[], unseen_batch={}), at)
    assert network.seen == ["cpu", str(network.weight.device)]


# ---- every training -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", [n for n, t in registry.trainings().items() if issubclass(t.Options, RunOptions)])
def test_every_training_takes_its_options_and_hands_the_start_on(name, monkeypatch):
    """The options of the command line are parameters of the function, and --init and --freeze reach its run."""
    training, asked = registry.trainings()[name], {}
    function = registry.function(training.run)
    taken = inspect.signature(function).parameters
    assert set(training.Options.names()) <= set(taken) and "progress" in taken
    class Asked(Exception):
        pass

    def run_of(runs, profile, **given):
        asked.update(given)
        raise Asked

    monkeypatch.setattr(inspect.getmodule(function), "run_of", run_of)
    some = {"sets": ["set"], "model": "transformer"}
    needed = [n for n, p in taken.items() if p.default is p.empty and p.kind is not p.VAR_KEYWORD]
    with pytest.raises(Asked):
        function(**{n: some.get(n, "place") for n in needed}, init="here", freeze="ear")
    assert asked["init"] == "here" and asked["freeze"] == "ear"
    assert asked["name"] == (some["model"] if "model" in needed else name.replace("-", "_"))


def test_a_run_with_fewer_steps_keeps_the_names_of_its_phases():
    runs = {"cpu": replace(RUNS["ci"], phases=(("read", 100), ("learn", 300)))}
    assert run_of(runs, "cpu", steps=8, name="net").phases == (("read", 2), ("learn", 6))
