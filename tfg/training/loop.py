"""The one loop that every network is trained by: on a CPU, a GPU, or several of them, through Lightning Fabric.

What is particular to a network is a *task*: a plain object with

    networks     dict of modules, by name
    optimisers   dict of optimisers, by name
    data         anything with len() and batch(epoch, indices) -> dict of arrays: a pure function of its arguments
    losses(batch, at)   a generator: yields (optimiser's name, loss, {what to log: tensor or number}); after each
                        yield the loop has gone back through the loss, clipped, and stepped that optimiser. A GAN
                        yields twice.
    evaluate(at)        optional: {score: number}, networks in eval mode, without gradients
    pictures(at)        optional: {name: (H, W, 3) uint8}, written beside the log
    lr(name, at)        optional: factor on that optimiser's learning rate

Everything random is drawn from (seed, step), and batches are a function of (seed, epoch, index). So nothing but
weights, optimisers and the counters has to be kept for a killed run to go on, on a CPU bit for bit, as if it had not
been.
"""
from __future__ import annotations

import math
import time
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch

from tfg.errors import InputError
from tfg.files import atomic, make_folder
from tfg.training.feed import feed
from tfg.training.log import Log
from tfg.training.stop import asked_to_stop, stopped

STATE = "state.pt"


@dataclass(frozen=True)
class Run:
    """How a training is run. phases: (name, steps) in order.

    batch: examples a device takes at once.  accumulate: such batches a step.  clip: largest norm of an optimiser's
    gradient.  average: decay of the moving average of weights that is evaluated and kept, 0 for none.  best: the score
    that says which weights are best, with "-" before it if more is worse.  evaluate_every: steps.  devices, nodes,
    accelerator, strategy, precision ("32-true", "bf16-mixed", "16-mixed"): as Lightning Fabric takes them.
    channels_last: weights of convolutions lie in memory as pictures do, which is 1.3 times as fast on CPUs.
    """

    phases: tuple[tuple[str, int], ...]
    batch: int = 16
    accumulate: int = 1
    clip: float = 1.0
    average: float = 0.0
    best: str | None = None
    evaluate_every: int = 500
    seed: int = 0
    workers: int = 0
    checkpoint_s: float = 60.0
    accelerator: str = "auto"
    devices: int | str = 1
    nodes: int = 1
    strategy: str = "auto"
    precision: str = "32-true"
    compile: bool = False
    channels_last: bool = True

    @property
    def steps(self) -> int:
        """All steps of all phases."""
        return sum(n for _, n in self.phases)


@dataclass
class At:
    """Where the training stands. state: a dict for the task's own counters and switches, kept in checkpoints."""

    step: int = 0
    phase: str = ""
    phase_step: int = 0
    state: dict = field(default_factory=dict)
    best: float | None = None


def train(task, run: Run, out, *, what: str = "", resume: bool = True, progress: bool = True) -> At:
    """Train `task` as `run` says. Writes into the folder `out`:

    state.pt (all that a resumed run needs), last/ and best/ (NETWORK.safetensors), log.csv, samples/.
    what: names the data and networks; a folder that holds another run's state is refused unless resume=False.
    Returns where it ended; the networks hold the last weights (the averaged ones if `run.average`).
    Raises InputError: nothing to train, another run's state, an unreadable state; FloatingPointError: a loss that is
    not finite (the state of the last checkpoint is still there); KeyboardInterrupt: Ctrl-C or SIGTERM, after the step
    and with its state kept (several processes: at once, as of the last checkpoint).
    """
    if run.steps < 1 or run.batch < 1 or run.accumulate < 1 or run.seed < 0:
        raise InputError(f"cannot train {run.steps} steps of {run.accumulate} x {run.batch} examples with the seed "
                         f"{run.seed}: take at least one of each, and a seed from 0 up.")
    fabric = _fabric(run)
    out = make_folder(out)
    originals = dict(task.networks)
    _set_up(task, run, fabric)
    mean = {n: _copy(m) for n, m in originals.items()} if run.average else {}
    tag, at = f"{what} {_lasting(run)}", At()
    if resume and (out / STATE).exists():
        _restore(out / STATE, tag, originals, task.optimisers, mean, at, fabric)
    rates = {name: [g.get("initial_lr", g["lr"]) for g in o.param_groups] for name, o in task.optimisers.items()}
    batches = feed(task.data, run.batch, seed=run.seed, start=at.step * run.accumulate, rank=fabric.global_rank,
                   world=fabric.world_size, workers=run.workers)
    log = Log(out, at.step, run.steps, show=progress and fabric.is_global_zero, write=fabric.is_global_zero)
    saved = time.monotonic()
    with closing(batches), closing(log), asked_to_stop(heed=fabric.world_size == 1) as asked:
        while at.step < run.steps:
            at.phase, at.phase_step = _phase(run, at.step)
            _seed(run.seed, at.step, fabric.global_rank)
            _set_rates(task, rates, at)
            with log.waiting():
                examples = [_to(next(batches), fabric.device) for _ in range(run.accumulate)]
            _step(task, run, fabric, at, examples, log)
            at.step += 1
            _average(originals, mean, run.average, at.step)
            last = at.step == run.steps
            if at.step % run.evaluate_every == 0 or last:
                _evaluate(task, run, fabric, at, originals, mean, log, out)
            stop = asked()
            if last or stop or time.monotonic() - saved > run.checkpoint_s:
                log.row()                             # raises rather than keep what is not finite
                if fabric.is_global_zero:
                    _keep(out, tag, originals, task.optimisers, mean, at, fabric)
                saved = time.monotonic()
            if stop and not last:
                raise stopped(at.step, run.steps)
    for name, weights in mean.items():
        originals[name].load_state_dict(weights)
    if fabric.is_global_zero:
        save_networks(originals, out / "last")
    fabric.barrier()
    task.networks = originals
    return at


def save_networks(networks: dict[str, torch.nn.Module], folder: Path) -> None:
    """folder/NAME.safetensors of each network, atomically."""
    from safetensors.torch import save_file

    make_folder(folder)
    for name, network in networks.items():
        with atomic(folder / f"{name}.safetensors") as part:
            save_file({k: v.detach().cpu().contiguous() for k, v in network.state_dict().items()}, str(part))


# ---- one step -----------------------------------------------------------------------------------------------------
def _step(task, run, fabric, at, examples, log) -> None:
    """All optimisers once, each over all accumulated batches."""
    running = [task.losses(batch, at) for batch in examples]
    for network in task.networks.values():
        network.train()
    while True:
        turns = [next(generator, None) for generator in running]
        if turns[0] is None:
            return
        name = turns[0][0]
        for k, (_, loss, values) in enumerate(turns):
            with _unsynced(task, fabric, k + 1 < len(turns)):
                fabric.backward(loss / len(turns))
            log.add({f"{name}": loss, **values})
        optimiser = task.optimisers[name]
        if run.clip:                                  # by Fabric, which knows how much 16-mixed has scaled them
            fabric.clip_gradients(None, optimiser, max_norm=run.clip, error_if_nonfinite=False)
        optimiser.step()
        for other in task.optimisers.values():        # a generator's loss leaves gradients in the discriminator, too
            other.zero_grad(set_to_none=True)
        log.tick(at.step)


def _unsynced(task, fabric, unsynced: bool):
    """Several devices exchange gradients only with the last of the accumulated batches."""
    from contextlib import ExitStack

    stack = ExitStack()
    for network in task.networks.values():
        if unsynced and fabric.world_size > 1 and any(p.requires_grad for p in network.parameters()):
            stack.enter_context(fabric.no_backward_sync(network))
    return stack


def _evaluate(task, run, fabric, at, originals, mean, log, out) -> None:
    """Scores and pictures with the averaged weights, by the first process; the best weights are kept."""
    if not fabric.is_global_zero or not hasattr(task, "evaluate"):
        return
    wrapped, task.networks = task.networks, originals
    held = {n: _copy(originals[n]) for n in mean}
    try:
        for name, weights in mean.items():
            originals[name].load_state_dict(weights)
        for network in originals.values():
            network.eval()
        with torch.no_grad():
            scores = task.evaluate(at)
            pictures = task.pictures(at) if hasattr(task, "pictures") else {}
        log.scores(at.step, scores, pictures)
        if run.best:
            if run.best.lstrip("-") not in scores:
                raise ValueError(f"run.best is {run.best!r}, but the task's scores are {', '.join(scores)}")
            value = (-1 if run.best[0] == "-" else 1) * scores[run.best.lstrip("-")]
            if at.best is None or math.isnan(at.best) or value > at.best:
                at.best = value
                save_networks(originals, out / "best")
    finally:
        for name, weights in held.items():
            originals[name].load_state_dict(weights)
        task.networks = wrapped


# ---- setting up, keeping, restoring ---------------------------------------------------------------------------------
def _fabric(run: Run):
    from lightning_fabric import Fabric
    from lightning_fabric.strategies import DDPStrategy

    strategy = DDPStrategy(find_unused_parameters=True) if run.strategy == "ddp" else run.strategy
    fabric = Fabric(accelerator=run.accelerator, devices=run.devices, num_nodes=run.nodes, strategy=strategy,
                    precision=run.precision)
    fabric.launch()
    return fabric


def _set_up(task, run, fabric) -> None:
    """Wrap networks and optimisers. A network that nothing trains is only moved, and stays in eval mode."""
    trained = {id(p) for o in task.optimisers.values() for g in o.param_groups for p in g["params"]}
    networks = {}
    for name, network in task.networks.items():
        network.to(fabric.device, memory_format=torch.channels_last if run.channels_last else torch.preserve_format)
        if any(id(p) in trained for p in network.parameters()):
            networks[name] = fabric.setup_module(torch.compile(network) if run.compile else network)
        else:
            networks[name] = _Frozen(network)
    task.networks = networks
    task.optimisers = {name: fabric.setup_optimizers(o) for name, o in task.optimisers.items()}


class _Frozen(torch.nn.Module):
    """An expert that judges: never trained, always in eval mode (its batch norm must not see the batch)."""

    def __init__(self, network):
        super().__init__()
        self.network = network.eval().requires_grad_(False)

    def forward(self, *args, **kwargs):
        return self.network(*args, **kwargs)

    def train(self, mode: bool = True):
        return super().train(False)


def _keep(out: Path, tag: str, networks, optimisers, mean, at: At, fabric) -> None:
    state = {"tag": tag, "at": asdict(at), "networks": {n: m.state_dict() for n, m in networks.items()},
             "optimisers": {n: o.state_dict() for n, o in optimisers.items()}, "mean": mean,
             "precision": fabric.strategy.precision.state_dict()}             # how far 16-mixed scales losses by now
    with atomic(out / STATE) as part:
        torch.save(state, part)


def _restore(path: Path, tag: str, networks, optimisers, mean, at: At, fabric) -> None:
    try:
        state = torch.load(path, weights_only=True, map_location=fabric.device)
        held = state["tag"]
    except Exception as error:                        # torch raises many kinds for a file that is no checkpoint
        raise InputError(f"{path} cannot be read ({type(error).__name__}): delete it, or use resume=False "
                         "(--no-resume).") from error
    if held != tag:
        raise InputError(f"{path} belongs to another run (other data, networks, sizes, steps or seed): choose another "
                         "folder, or use resume=False (--no-resume).")
    for name, network in networks.items():
        network.load_state_dict(state["networks"][name])
    for name, optimiser in optimisers.items():
        optimiser.load_state_dict(state["optimisers"][name])
    if state.get("precision"):                        # empty but for 16-mixed
        fabric.strategy.precision.load_state_dict(state["precision"])
    mean.update(state["mean"])
    for name, value in state["at"].items():
        setattr(at, name, value)


def _lasting(run: Run) -> str:
    """What must not change between a run and its resumption; where it runs may."""
    free = ("workers", "checkpoint_s", "accelerator", "devices", "nodes", "strategy", "precision", "compile",
            "evaluate_every")
    return repr({k: v for k, v in asdict(run).items() if k not in free})


# ---- small parts ----------------------------------------------------------------------------------------------------
def _phase(run: Run, step: int) -> tuple[str, int]:
    for name, steps in run.phases:
        if step < steps:
            return name, step
        step -= steps
    raise IndexError(step)


def _seed(seed: int, step: int, rank: int) -> None:
    """Dropout and other noise inside networks: a function of seed, step and device."""
    torch.manual_seed((seed * 1_000_003 + step) * 1_009 + rank)


def _set_rates(task, rates, at) -> None:
    if not hasattr(task, "lr"):
        return
    for name, optimiser in task.optimisers.items():
        for group, rate in zip(optimiser.param_groups, rates[name]):
            group["initial_lr"], group["lr"] = rate, rate * task.lr(name, at)


def _copy(network) -> dict[str, torch.Tensor]:
    return {k: v.detach().clone() for k, v in network.state_dict().items()}


@torch.no_grad()
def _average(networks, mean, decay: float, step: int) -> None:
    """Exponential moving average of weights, short at first (Tarvainen & Valpola 2017); counters are copied."""
    keep = min(decay, (1 + step) / (10 + step))
    for name, weights in mean.items():
        for k, v in networks[name].state_dict().items():
            if v.is_floating_point():
                weights[k].lerp_(v, 1 - keep)
            else:
                weights[k].copy_(v)


def _to(batch: dict, device) -> dict:
    return {k: v.to(device, non_blocking=True) if isinstance(v, torch.Tensor) else v for k, v in batch.items()}


def cosine(at: At, run: Run, *, warm_up: int = 200, floor: float = 0.02) -> float:
    """A factor on the learning rate: a rise over `warm_up` steps, then half a cosine down to `floor`."""
    rise = min(1.0, (at.step + 1) / max(warm_up, 1))
    return rise * (floor + (1 - floor) * (0.5 + 0.5 * math.cos(math.pi * at.step / run.steps)))
