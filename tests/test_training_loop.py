"""The loop: a killed run continues bit for bit; two processes; phases, accumulation, frozen experts."""
from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tfg.errors import InputError
from tfg.signals import Ended, exit_code
from tfg.training import batches as feeds
from tfg.training.log import read
from tfg.training.loop import At, Run, cosine, train


class Numbers:
    """Examples (x, 3 x_0 - x_1 + noise that depends on the epoch): a pure function of (epoch, index)."""

    def __len__(self):
        return 40

    def batch(self, epoch, indices):
        x = np.stack([np.random.default_rng([int(i), int(epoch)]).normal(size=2) for i in indices]).astype(np.float32)
        return {"x": x, "y": (3 * x[:, :1] - x[:, 1:]).astype(np.float32), "index": np.asarray(indices)}


class Pair:
    """A generator and a critic that is trained beside it, and an expert that must stay as it is."""

    def __init__(self, slow_s: float = 0.0):
        torch.manual_seed(0)
        self.networks = {"g": torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Dropout(.3), torch.nn.Linear(8, 1)),
                         "d": torch.nn.Linear(1, 1), "expert": torch.nn.BatchNorm1d(1)}
        self.optimisers = {"g": torch.optim.Adam(self.networks["g"].parameters(), 1e-2),
                           "d": torch.optim.SGD(self.networks["d"].parameters(), 1e-2)}
        self.data, self.seen, self.slow_s = Numbers(), [], slow_s

    def losses(self, batch, at):
        self.seen.append((at.step, at.phase, batch["index"].tolist()))
        time.sleep(self.slow_s * (1 if at.step < 10 else 3))               # once signals come: time for them
        made = self.networks["g"](batch["x"])
        assert not self.networks["expert"].training
        judged = self.networks["expert"](made).mean()
        yield "g", (made - batch["y"]).square().mean() + .01 * judged, {"made": made.mean()}
        if at.phase == "gan":
            at.state["turns"] = at.state.get("turns", 0) + 1
            yield "d", self.networks["d"](made.detach()).square().mean(), {}

    def evaluate(self, at):
        x = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
        return {"error": float((self.networks["g"](x) - torch.tensor([[3.0], [-1.0]])).abs().mean())}

    def pictures(self, at):
        return {"flat": np.full((4, 6, 3), 9, np.uint8)}

    def lr(self, name, at):
        return cosine(at, RUN, warm_up=3)


RUN = Run(phases=(("warm", 12), ("gan", 18)), batch=8, best="-error", evaluate_every=10, accelerator="cpu", average=.9,
          checkpoint_s=0.0)


def weights(folder):
    from safetensors.torch import load_file

    return {name: load_file(folder / "last" / f"{name}.safetensors") for name in ("g", "d", "expert")}


def same(a, b):
    return all(torch.equal(a[n][k], b[n][k]) for n in a for k in a[n])


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that nobody disturbed."""
    out = tmp_path_factory.mktemp("whole")
    task = Pair()
    return out, task, train(task, RUN, out, progress=False)


def test_it_learns_and_writes_what_it_says(whole):
    out, task, at = whole
    rows = read(out / "log.csv")
    errors = [v for _, name, v in rows if name == "error"]
    assert len(errors) == 3 and errors[-1] < errors[0] < 3
    assert at.step == 30 and at.state["turns"] == 18 and at.best == pytest.approx(-min(errors), rel=1e-4)
    assert [p for _, p, _ in task.seen] == ["warm"] * 12 + ["gan"] * 18
    assert {"g", "made", "wait", "steps/s"} <= {name for _, name, _ in rows}
    assert sorted(p.name for p in (out / "samples").iterdir())[0] == "0000010_flat.png"
    assert (out / "best" / "g.safetensors").is_file() and not list(out.rglob("*.part*"))


def test_an_expert_is_left_alone(whole):
    expert = weights(whole[0])["expert"]
    assert torch.equal(expert["running_mean"], torch.zeros(1)) and int(expert["num_batches_tracked"]) == 0


def test_each_example_once_an_epoch(whole):
    for epoch in range(0, 30, 5):                       # 40 examples, batches of 8
        seen = [i for step, _, indices in whole[1].seen[epoch:epoch + 5] for i in indices]
        assert sorted(seen) == list(range(40))


def test_stopped_and_resumed_is_the_same_bytes(whole, tmp_path):
    class Stop(Exception):
        pass

    task = Pair()
    losses = task.losses

    def until(batch, at):
        if at.step == 17:
            raise Stop
        yield from losses(batch, at)

    task.losses = until
    with pytest.raises(Stop):
        train(task, RUN, tmp_path, progress=False)
    again = Pair()
    at = train(again, RUN, tmp_path, progress=False)
    assert again.seen[0][0] == 17 and at.state["turns"] == 18
    assert same(weights(tmp_path), weights(whole[0]))
    scores = lambda folder: [r for r in read(folder / "log.csv") if r[1] == "error"]  # noqa: E731
    assert scores(tmp_path) == scores(whole[0])


SCRIPT = textwrap.dedent("""
    import signal, sys
    signal.signal(signal.SIGINT, signal.default_int_handler)      # a shell's background starts with it ignored
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_DFL)              # and nohup with this
    sys.path.insert(0, {tests!r})
    from dataclasses import replace
    import test_training_loop as t
    if __name__ == "__main__":
        t.train(t.Pair(slow_s={slow}), replace(t.RUN, {more}), sys.argv[1], progress=False)
""")


def script(tmp_path, slow=0.0, more="seed=0"):
    path = tmp_path / "run.py"
    path.write_text(SCRIPT.format(tests=os.path.dirname(__file__), slow=slow, more=more))
    return path


def test_killed_and_resumed_is_the_same_bytes(whole, tmp_path):
    out = tmp_path / "out"
    process = subprocess.Popen([sys.executable, script(tmp_path, slow=.15), out])
    deadline = time.monotonic() + 120
    while not (out / "state.pt").exists() and time.monotonic() < deadline:
        time.sleep(.05)
    time.sleep(.5)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL            # it was killed on its way, not after it
    train(Pair(), RUN, out, progress=False)
    assert same(weights(out), weights(whole[0]))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_asked_to_stop_it_finishes_the_step_and_keeps_it(whole, tmp_path, number):
    """Nothing is lost, though no checkpoint was due for a minute."""
    task, before = Pair(), signal.signal(number, signal.default_int_handler)
    losses = task.losses

    def asks(batch, at):
        if at.step == 13:
            signal.raise_signal(number)
        yield from losses(batch, at)

    task.losses = asks
    try:
        with pytest.raises(Ended, match="stopped after step 14 of 30") as caught:
            train(task, replace(RUN, checkpoint_s=60), tmp_path, progress=False)
        assert exit_code(caught.value) == 128 + number and signal.getsignal(number) is signal.default_int_handler
    finally:
        signal.signal(number, before)
    assert torch.load(tmp_path / "state.pt", weights_only=True)["at"]["step"] == 14
    train(Pair(), RUN, tmp_path, progress=False)
    assert same(weights(tmp_path), weights(whole[0]))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_terminals_signal_reaches_workers_and_they_do_not_end_for_it(whole, tmp_path, number):
    """A terminal sends it to all processes; nothing is lost, and the process says where it stopped."""
    out = tmp_path / "out"
    process = subprocess.Popen([sys.executable, script(tmp_path, slow=.15, more="checkpoint_s=60, workers=1"), out],
                               stderr=subprocess.PIPE, text=True, start_new_session=True)
    deadline = time.monotonic() + 120
    while not (out / "best").exists() and time.monotonic() < deadline:        # 10 steps
        time.sleep(.05)
    os.killpg(process.pid, number)
    said = process.communicate(timeout=60)[1]
    step = torch.load(out / "state.pt", weights_only=True)["at"]["step"]
    assert 10 <= step < 30 and f"Ended: stopped after step {step} of 30" in said and process.returncode != 0
    train(Pair(), RUN, out, progress=False)
    assert same(weights(out), weights(whole[0]))


def test_two_trainings_in_one_folder(tmp_path):
    out = tmp_path / "out"
    process = subprocess.Popen([sys.executable, script(tmp_path, slow=.15, more="checkpoint_s=60"), out],
                               stderr=subprocess.PIPE, text=True, start_new_session=True)
    deadline = time.monotonic() + 120
    while not (out / "log.csv").exists() and time.monotonic() < deadline:
        time.sleep(.05)
    try:
        with pytest.raises(InputError, match=f"another process is writing to {out}; wait until it is done"):
            train(Pair(), RUN, out, progress=False)
    finally:
        process.kill()
        process.communicate()
    at = train(Pair(), replace(RUN, phases=(("warm", 2),)), out, progress=False)     # the lock ended with its process
    assert at.step == 2


def full(*given):
    try:
        raise OSError(errno.ENOSPC, "No space left on device")
    except OSError:
        raise RuntimeError("[enforce fail at inline_container.cc:671] . unexpected pos 704 vs 598")  # noqa: B904


def test_a_disk_that_is_full_when_the_state_is_saved(tmp_path, monkeypatch):
    monkeypatch.setattr(torch, "save", full)                # the error as torch has it
    with pytest.raises(InputError, match="state.pt cannot be written .No space left on device.; free some space"):
        train(Pair(), RUN, tmp_path, progress=False)
    assert not list(tmp_path.rglob("*.part*"))


def test_a_disk_that_is_full_when_the_log_is_written(tmp_path, monkeypatch):
    from tfg.training.log import Log

    class Writer:
        def writerows(self, rows):
            raise OSError(errno.ENOSPC, "No space left on device")

    log = Log(tmp_path, 0, 9, show=False)
    monkeypatch.setattr("csv.writer", lambda file: Writer())
    with pytest.raises(InputError, match="log.csv cannot be written .No space left on device"):
        log.scores(1, {"error": 1.0}, {})
    log.close()


def test_asked_twice_it_stops_at_once(tmp_path, ctrl_c):
    task, before = Pair(), signal.getsignal(signal.SIGINT)
    losses = task.losses

    def twice(batch, at):
        if at.step == 5:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
        yield from losses(batch, at)

    task.losses = twice
    with pytest.raises(KeyboardInterrupt):
        train(task, RUN, tmp_path, progress=False)
    assert torch.load(tmp_path / "state.pt", weights_only=True)["at"]["step"] == 5
    assert signal.getsignal(signal.SIGINT) is before


def test_two_processes_agree_with_one_that_accumulates(tmp_path):
    """Two devices with 4 examples each take the steps of one with 8: the gradients' mean is the same (no dropout)."""
    code = script(tmp_path, more='devices=2, strategy="ddp", batch=4, average=0.0').read_text()
    path = tmp_path / "two.py"
    path.write_text(code.replace("t.Pair(slow_s=0.0)", "quiet()").replace(
        "if __name__", "def quiet():\n    p = t.Pair()\n    p.networks['g'][1].p = 0.0\n    return p\nif __name__"))
    done = subprocess.run([sys.executable, path, tmp_path / "two"], env={**os.environ, "OMP_NUM_THREADS": "1"},
                          capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    task = Pair()
    task.networks["g"][1].p = 0.0
    train(task, replace(RUN, average=0.0), tmp_path / "one", progress=False)
    a, b = weights(tmp_path / "two"), weights(tmp_path / "one")
    for name in ("g", "d"):
        for k in a[name]:
            torch.testing.assert_close(a[name][k], b[name][k], rtol=2e-3, atol=2e-4)


def test_accumulation_is_a_larger_batch(tmp_path):
    results = []
    for batch, accumulate in ((8, 1), (4, 2)):
        task = Pair()
        task.networks["g"][1].p = 0.0
        run = replace(RUN, batch=batch, accumulate=accumulate, average=0.0)
        train(task, run, tmp_path / str(batch), progress=False)
        results.append(weights(tmp_path / str(batch)))
    for k in results[0]["g"]:
        torch.testing.assert_close(results[0]["g"][k], results[1]["g"][k], rtol=1e-3, atol=1e-4)


def test_gradients_of_accumulated_batches_are_averaged(tmp_path):
    """Plain steps of gradient descent, nothing clipped: were the gradients summed, each step would be twice as long."""
    results = []
    for batch, accumulate in ((8, 1), (4, 2), (2, 4)):
        task = Pair()
        task.networks["g"][1].p = 0.0
        task.optimisers["g"] = torch.optim.SGD(task.networks["g"].parameters(), 1e-2)
        run = replace(RUN, batch=batch, accumulate=accumulate, average=0.0, clip=0.0)
        train(task, run, tmp_path / str(batch), progress=False)
        results.append(weights(tmp_path / str(batch)))
    for other in results[1:]:
        for name in ("g", "d"):
            for k in results[0][name]:
                torch.testing.assert_close(results[0][name][k], other[name][k], rtol=1e-3, atol=1e-5)


def test_the_schedule_sets_each_learning_rate(tmp_path):
    """Each optimiser's own rate times its factor, and from the same rate after a resumption."""
    seen = {}

    class Watched(Pair):
        until = 20

        def losses(self, batch, at):
            if at.step == self.until:
                raise InterruptedError
            seen[at.step] = {n: o.param_groups[0]["lr"] for n, o in self.optimisers.items()}
            yield from super().losses(batch, at)

        def lr(self, name, at):
            return 1 / (1 + at.step) if name == "g" else .5

    with pytest.raises(InterruptedError):
        train(Watched(), RUN, tmp_path, progress=False)
    task = Watched()
    task.until = 99
    train(task, RUN, tmp_path, progress=False)
    assert sorted(seen) == list(range(30))
    for step, rates in seen.items():
        assert rates == {"g": pytest.approx(1e-2 / (1 + step)), "d": pytest.approx(.5e-2)}, step


def schedules():
    """(task class, its runs, what else its lr reads) of every training."""
    from tfg.experts.emotion import train as emotion
    from tfg.experts.encoder import train as encoder
    from tfg.experts.extractor import train as extractor
    from tfg.experts.syncnet import train as syncnet
    from tfg.systems.emogen import train as emogen
    from tfg.systems.expression.emotion import learn as transformer
    from tfg.systems.expression.expnet import train as expnet
    from tfg.systems.expression.posevae import train as posevae
    from tfg.systems.graphics import train as mouth

    return {"syncnet": (syncnet.SyncTask, syncnet.RUNS), "emotion": (emotion.EmotionTask, emotion.RUNS),
            "encoder": (encoder.EncoderTask, encoder.RUNS), "extractor": (extractor.ExtractorTask, extractor.RUNS),
            "emogen": (emogen.EmogenTask, emogen.RUNS), "expnet": (expnet.ExpNetTask, expnet.RUNS),
            "posevae": (posevae.PoseTask, posevae.RUNS), "transformer": (transformer.Task, transformer.RUNS),
            "mouth": (mouth.MouthTask, mouth.RUNS)}


@pytest.mark.parametrize("name", ["syncnet", "emotion", "encoder", "extractor", "emogen", "expnet", "posevae",
                                  "transformer", "mouth"])
def test_every_training_warms_up_and_cools_down(name):
    """Profile cpu: the learning rate begins near 0, is full after the warm-up and near 0 at the end."""
    task, runs = schedules()[name]
    run = runs["cpu"]
    begins = run.steps - dict(run.phases)["learn"] if name == "expnet" else 0              # its reader learns before

    def factor(share: float) -> float:
        step = int(share * (run.steps - begins - 1))
        at = At(step=begins + step, phase="learn", phase_step=step)
        return task.lr(SimpleNamespace(run=run, published=False), name, at)

    assert factor(0) < .02 and .9 < factor(.1) <= 1 and .3 < factor(.5) < .7 and factor(1) < .03


def test_the_average_of_weights_is_short_at_first_and_counts_no_counter(tmp_path):
    """What is kept is the mean of the weights after each step, each with its share: min(.9, (1 + step) / (10 + step)).
    Batch norm's statistics are averaged as weights are, its counter is copied."""
    class Normed(Pair):
        def __init__(self):
            super().__init__()
            self.networks["d"] = torch.nn.Sequential(torch.nn.Linear(1, 3), torch.nn.BatchNorm1d(3))
            self.optimisers["d"] = torch.optim.SGD(self.networks["d"].parameters(), 1e-2)
            self.after = {}

        def losses(self, batch, at):
            self.after[at.step] = {k: v.clone() for k, v in self.kept.state_dict().items()}
            yield from super().losses(batch, at)

        def lr(self, name, at):
            return 1.0

    task = Normed()
    task.kept = task.networks["d"]
    steps = 30
    train(task, RUN, tmp_path, progress=False)
    expected = task.after[0]
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    task.after[steps] = state["networks"]["d"]
    for step in range(1, steps + 1):
        keep = min(.9, (1 + step) / (10 + step))
        expected = {k: torch.lerp(expected[k], v, 1 - keep) if v.is_floating_point() else v
                    for k, v in task.after[step].items()}
    last = weights(tmp_path)["d"]
    assert set(state["mean"]["d"]) == set(last)                     # as states of older releases hold it
    for k, v in expected.items():
        assert torch.equal(last[k], v) and torch.equal(state["mean"]["d"][k], v), k
    assert int(last["1.num_batches_tracked"]) == 18 and not torch.equal(last["0.weight"], task.after[steps]["0.weight"])


def test_workers_bring_the_same_batches():
    taken = []
    for workers in (0, 1):
        batches = feeds.feed(Numbers(), 8, seed=3, start=4, workers=workers)
        taken.append([next(batches) for _ in range(4)])
        batches.close()
    for a, b in zip(*taken):
        assert torch.equal(a["x"], b["x"]) and torch.equal(a["index"], b["index"])


def test_devices_share_an_epoch_without_overlap():
    parts = [feeds.keys(40, 4, seed=1, rank=r, world=2) for r in (0, 1)]
    seen = [i for part in parts for _ in range(5) for i in next(part)[1]]
    assert sorted(seen) == list(range(40))
    late = feeds.keys(40, 4, seed=1, start=7)
    early = feeds.keys(40, 4, seed=1)
    for _ in range(7):
        next(early)
    a, b = next(late), next(early)
    assert a[0] == b[0] and (a[1] == b[1]).all()


def test_what_is_refused(whole, tmp_path):
    with pytest.raises(InputError, match="another run"):
        train(Pair(), replace(RUN, seed=5), whole[0], progress=False)
    with pytest.raises(InputError, match="do not fill a batch"):
        train(Pair(), replace(RUN, batch=64), tmp_path, progress=False)
    with pytest.raises(InputError, match="cannot train 0 steps"):
        train(Pair(), replace(RUN, phases=()), tmp_path, progress=False)
    (tmp_path / "state.pt").write_bytes(b"no checkpoint")
    with pytest.raises(InputError, match="cannot be read"):
        train(Pair(), RUN, tmp_path, progress=False)
    state = torch.load(whole[0] / "state.pt", weights_only=True)
    for gone in ("networks", "optimisers", "mean", "at"):
        torch.save({k: v for k, v in state.items() if k != gone}, tmp_path / "state.pt")
        with pytest.raises(InputError, match=r"damaged or incomplete \(KeyError\): delete it"):
            train(Pair(), RUN, tmp_path, progress=False)


def test_an_error_in_the_data_reaches_the_caller(tmp_path):
    task = Pair()
    task.data.batch = lambda epoch, indices: (_ for _ in ()).throw(InputError("frame 7 is broken."))
    with pytest.raises(InputError, match="frame 7"):
        train(task, RUN, tmp_path, progress=False)


def test_half_precision_clips_what_the_gradients_are_and_not_what_they_are_scaled_to(tmp_path, monkeypatch):
    """With 16-mixed a loss is multiplied by a large number first; clipped before that is undone, little is learned."""
    from lightning_fabric import Fabric
    from lightning_fabric.plugins.precision import MixedPrecision

    from tfg.training import loop

    def learned(name, plugins=()):
        monkeypatch.setattr(loop, "_fabric", lambda run: Fabric(accelerator="cpu", devices=1, plugins=list(plugins)))
        task = Pair()
        task.optimisers["g"] = torch.optim.SGD(task.networks["g"].parameters(), .05)
        before = {k: v.clone() for k, v in task.networks["g"].state_dict().items()}
        train(task, RUN, tmp_path / name, progress=False)
        after = weights(tmp_path / name)["g"]
        return torch.cat([(after[k] - before[k]).flatten() for k in before])

    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    exact, half = learned("exact"), learned("half", [MixedPrecision("16-mixed", "cpu", scaler)])
    assert torch.norm(half - exact) < .1 * torch.norm(exact)


def test_half_precision_goes_on_with_the_scale_it_had(tmp_path, monkeypatch):
    from lightning_fabric import Fabric
    from lightning_fabric.plugins.precision import MixedPrecision

    from tfg.training import loop

    def half(steps, name):
        scaler = torch.amp.GradScaler("cpu", init_scale=1024.0, growth_interval=4)
        plugin = MixedPrecision("16-mixed", "cpu", scaler)
        monkeypatch.setattr(loop, "_fabric", lambda run: Fabric(accelerator="cpu", devices=1, plugins=[plugin]))
        task = Pair()
        losses = task.losses

        def until(batch, at):
            if at.step == steps:
                raise KeyboardInterrupt
            yield from losses(batch, at)

        task.losses = until
        try:
            train(task, RUN, tmp_path / name, progress=False)
        except KeyboardInterrupt:
            pass
        return scaler.get_scale()

    once = half(30, "once")
    assert half(17, "twice") > 1024 and half(30, "twice") == once
    assert same(weights(tmp_path / "twice"), weights(tmp_path / "once"))


def test_a_score_that_cannot_be_told_at_first_does_not_stay_the_best(tmp_path):
    task = Pair()
    evaluate = task.evaluate
    task.evaluate = lambda at: evaluate(at) if at.step > 10 else {"error": float("nan")}
    at = train(task, RUN, tmp_path, progress=False)
    errors = [v for _, name, v in read(tmp_path / "log.csv") if name == "error" and v == v]
    assert len(errors) == 2 and at.best == pytest.approx(-min(errors), rel=1e-4)


def test_a_loss_that_explodes_stops_the_run(tmp_path):
    task = Pair()
    losses = task.losses

    def explode(batch, at):
        for name, loss, values in losses(batch, at):
            yield name, loss * (float("nan") if at.step > 14 else 1), values

    task.losses = explode
    with pytest.raises(FloatingPointError, match="not finite at step 16"):
        train(task, RUN, tmp_path, progress=False)
    assert torch.load(tmp_path / "state.pt", weights_only=True)["at"]["step"] == 15      # from before
