"""What a chapter's first cells say of the machine, the profile they choose, and trainings that outlive a session."""
from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import types
from pathlib import Path

import numpy as np
import pytest
import torch

from tfg.course import kept, machine
from tfg.errors import InputError

CARD = ("Some card", 15.8)


@pytest.fixture
def colab(monkeypatch, tmp_path):
    """A stand-in for Colab with a Drive that is not connected yet; returns the list of what is connected."""
    mounted: list[str] = []
    drive = types.SimpleNamespace(mount=mounted.append)
    package = types.ModuleType("google.colab")
    package.drive = drive
    monkeypatch.setitem(sys.modules, "google.colab", package)
    monkeypatch.setitem(sys.modules, "google.colab.drive", drive)
    monkeypatch.setattr(machine, "DRIVE", tmp_path / "drive")
    return mounted


@pytest.mark.parametrize("asked, card, work, hours, chosen", [
    ("auto", None, False, False, "cpu"), ("auto", CARD, False, False, "gpu"), ("auto", CARD, False, True, "cpu"),
    ("auto", ("Old card", 2.0), True, False, "cpu"), ("auto", CARD, True, True, "gpu"),
    ("cpu", CARD, True, False, "cpu"), ("gpu", CARD, False, True, "gpu"), ("ci", None, False, False, "ci")])
def test_the_profile(monkeypatch, tmp_path, capsys, asked, card, work, hours, chosen):
    monkeypatch.setattr(machine, "found_gpu", lambda: card)
    assert machine.preflight(asked, tmp_path / "work" if work else "", hours=hours) == chosen
    told = capsys.readouterr().out
    assert (card[0] if card else "none") in told and f"profile: {chosen}" in told
    assert ("kept in" if work else "name a folder in WORK") in told


def test_what_the_machine_has(capsys):
    machine.preflight()
    total, free = machine.memory_gb()
    assert .5 < total < 10_000 and (free != free or 0 < free < total)
    assert f"memory: {total:.1f} GB" in capsys.readouterr().out


def test_hours_of_a_session_in_colab(colab, monkeypatch):
    monkeypatch.setattr(machine, "session_h", lambda: 1.25)
    assert machine.time_left().startswith("10 h 45 min left")
    monkeypatch.setattr(machine, "session_h", lambda: None)
    assert "12 h at the latest" in machine.time_left()


def test_no_limit_is_invented_elsewhere():
    assert "no limit known" in machine.time_left()


def test_a_session_is_as_old_as_the_first_process():
    if not Path("/proc/1/stat").is_file():
        pytest.skip("only Linux says when its first process began")
    assert 0 <= machine.session_h() <= float(Path("/proc/uptime").read_text().split()[0]) / 3600 + .01


def test_the_drive_is_connected_before_the_folder_is_made(colab, tmp_path):
    machine.preflight("cpu", tmp_path / "drive" / "MyDrive" / "tfg")
    assert colab == [str(tmp_path / "drive")] and (tmp_path / "drive" / "MyDrive" / "tfg").is_dir()
    machine.preflight("cpu", tmp_path / "elsewhere")
    assert len(colab) == 1


def test_a_drive_that_the_learner_refuses(colab, tmp_path, monkeypatch):
    def refuse(place):
        raise ValueError("mount failed")

    monkeypatch.setattr(sys.modules["google.colab"].drive, "mount", refuse)
    with pytest.raises(InputError, match="Google Drive, which could not be connected.*leave WORK empty"):
        machine.preflight("cpu", tmp_path / "drive" / "tfg")
    assert not (tmp_path / "drive").exists()


@pytest.mark.parametrize("profile, words", [("fast", "one of auto, ci, cpu, gpu"), ("gpu", "Change runtime type")])
def test_profiles_that_cannot_be(monkeypatch, profile, words):
    monkeypatch.setattr(machine, "found_gpu", lambda: None)
    with pytest.raises(InputError, match=words):
        machine.preflight(profile)


def test_a_work_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="cannot be made"):
        machine.preflight("cpu", tmp_path / "file" / "work")


def test_folders_of_trainings(tmp_path):
    assert machine.folder(tmp_path / "work", "09_cpu") == tmp_path / "work" / "09_cpu"
    code = "from tfg.course import machine; print(machine.folder('', '09_cpu'), flush=True)"
    gone = Path(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip())
    assert gone.name.startswith("tfg_09_cpu_") and not gone.exists()


# ---- trainings that a chapter writes out -----------------------------------------------------------------------------
LOOP = """
import sys, time
import numpy as np, torch
from tfg.course import kept
kept.EVERY_S = 0.0

def learn(work, steps, slow=0.0):
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Dropout(.5), torch.nn.Linear(4, 1))
    rng = np.random.default_rng(0)
    adam = torch.optim.Adam(net.parameters(), 1e-2)
    state = kept.Kept(work, "loop", net, adam, rng, loss=[], pairs=[])
    for step in state.steps(steps):
        adam.param_groups[0]["lr"] = 1e-2 * np.cos(.001 * step)                        # NumPy's number, no Python's
        loss = net(torch.from_numpy(rng.standard_normal((8, 3), np.float32))).square().mean()
        adam.zero_grad(), loss.backward(), adam.step()
        state["loss"].append(loss.item())
        state["pairs"].append((step, np.float64(loss.item())))
        time.sleep(slow)
    return [p.detach().numpy() for p in net.parameters()], state

if len(sys.argv) > 1:
    learn(sys.argv[1], 400, slow=.02)
"""


@pytest.fixture
def learn(monkeypatch):
    monkeypatch.setattr(kept, "EVERY_S", 0.0)
    scope: dict = {"sys": types.SimpleNamespace(argv=["loop"])}
    exec(LOOP.replace("import sys, time", "import time"), scope)
    return scope["learn"]


def same(a, b) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a[0], b[0], strict=True)) and a[1]["loss"] == b[1]["loss"]


def test_a_killed_training_goes_on_and_ends_as_if_nothing_had_been(learn, tmp_path, capsys):
    script = tmp_path / "loop.py"
    script.write_text(LOOP)
    process = subprocess.Popen([sys.executable, str(script), str(tmp_path / "work")], stderr=subprocess.DEVNULL)
    state, began = tmp_path / "work" / "loop.pt", time.monotonic()
    while not state.is_file():
        assert process.poll() is None and time.monotonic() - began < 60
        time.sleep(.02)
    time.sleep(.3)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert 0 < torch.load(state, weights_only=True)["step"] < 400
    resumed = learn(tmp_path / "work", 400)
    assert "going on after step" in capsys.readouterr().out
    assert same(resumed, learn("", 400)) and [k for k, _ in resumed[1]["pairs"]] == list(range(1, 401))


def test_a_finished_one_is_not_done_again(learn, tmp_path, capsys):
    first = learn(tmp_path, 5)
    again = learn(tmp_path, 5)
    assert "all 5 steps were done before" in capsys.readouterr().out and same(first, again)
    assert len(again[1]["loss"]) == 5


def test_without_a_folder_nothing_is_kept(learn, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert same(learn("", 3), learn("", 3)) and not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"", b"nonsense", None])
def test_a_state_that_does_not_fit_is_replaced(learn, tmp_path, capsys, content):
    if content is None:                                   # another network's
        other = torch.nn.Linear(2, 2)
        torch.save({"step": 2, "curves": {}, "rng": torch.get_rng_state(), "parts": [other.state_dict()]},
                   tmp_path / "loop.pt")
    else:
        (tmp_path / "loop.pt").write_bytes(content)
    assert same(learn(tmp_path, 4), learn("", 4))
    assert "does not fit this training" in capsys.readouterr().out
    assert torch.load(tmp_path / "loop.pt", weights_only=True)["step"] == 4
