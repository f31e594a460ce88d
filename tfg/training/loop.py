"""The training loop of every network: on a CPU, a GPU, or several of them, through Lightning Fabric.

The parts that differ between networks are a *task*: a plain object with

    networks     dict of modules, by name; the first is the result of the training, to which `Run.init` and
                 `Run.freeze` apply
    optimisers   dict of optimisers, by name
    data         anything with len() and batch(epoch, indices) -> dict of arrays: a pure function of its arguments
    losses(batch, at)   a generator: yields (optimiser's name, loss, {name in the log: tensor or number}); after each
                        yield the loop has computed gradients of the loss, clipped them, and stepped that optimiser.
                        A GAN yields twice.
    evaluate(at)        optional: {score: number}, networks in eval mode, without gradients
    pictures(at)        optional: {name: (H, W, 3) uint8}, written beside the log
    lr(name, at)        optional: factor on that optimiser's learning rate

All random numbers are drawn from (seed, step), and batches are a function of (seed, epoch, index). So weights,
optimisers and counters are the whole state of a run, and a resumed run equals one without interruption, on a CPU bit
for bit.
"""
from __future__ import annotations

import math
import time
from contextlib import closing, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from tfg.errors import InputError
from tfg.files import locked, make_folder
from tfg.training.average import averaged
from tfg.training.batches import feed
from tfg.training.interrupt import asked_to_stop, stopped
from tfg.training.log import Log
from tfg.training.state import STATE, At, keep, restore, save_networks
from tfg.training.warm_start import Init, freeze, frozen_modules, take_over


@dataclass(frozen=True)
class Run:
    """Settings of a training. phases: (name, steps) in order.

    batch: examples per device and batch.  accumulate: batches per step.  clip: largest norm of an optimiser's gradient.
    average: decay of the moving average of weights that is evaluated and kept, 0 for none.  best: the score that
    selects the best weights, with "-" before it if less is better.  evaluate_every: steps between evaluations.
    devices, nodes, accelerator, strategy, precision ("32-true", "bf16-mixed", "16-mixed"): as in Lightning Fabric.
    channels_last: memory layout of convolutions' weights with channels last, which is 1.3 times as fast on CPUs.
    init: weights to start from.  freeze: names of the parts to freeze.
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
    init: Init | None = None
    freeze: tuple[str, ...] = ()

    @property
    def steps(self) -> int:
        """Total number of steps of all phases."""
        return sum(n for _, n in self.phases)


def train(task, run: Run, out, *, what: str = "", resume: bool = True, progress: bool = True) -> At:
    """Train `task` with the settings `run`. Writes into the folder `out`:

    state.pt (the state for a resumed run), last/ and best/ (NETWORK.safetensors), log.csv, samples/.
    what: text that identifies data and networks; a folder with another run's state is refused unless resume=False.
    Returns the last position; the networks have the last weights (the averaged ones if `run.average`).
    Raises InputError: nothing to train, another run's state, an unreadable state, another training in the folder, a
    full disk; FloatingPointError: a loss that is not finite (the state of the last checkpoint is still there);
    KeyboardInterrupt: Ctrl-C, SIGTERM or SIGHUP, after the step and with its state kept (several processes: at once, as
    of the last checkpoint).
    """
    if run.steps < 1 or run.batch < 1 or run.accumulate < 1 or run.seed < 0:
        raise InputError(f"cannot train {run.steps} steps of {run.accumulate} x {run.batch} examples with the seed "
                         f"{run.seed}: take at least one of each, and a seed from 0 up.")
    fabric = _fabric(run)
    with locked(make_folder(out)) if fabric.is_global_zero else nullcontext():
        return _train(task, run, Path(out), fabric, what, resume, progress)


def _train(task, run: Run, out: Path, fabric, what: str, resume: bool, progress: bool) -> At:
    """The work of `train`, with the folder's lock taken."""
    originals, at = dict(task.networks), At()
    network = next(iter(originals.values()))
    if run.init is not None:
        at.init = take_over(network, run.init, note=fabric.is_global_zero)
    freeze(network, run.freeze)
    still = frozen_modules(network) if run.freeze else []
    _set_up(task, run, fabric)
    mean = {n: averaged(m, run.average, lambda: at.step) for n, m in originals.items()} if run.average else {}
    tag = f"{what} {_lasting(run)}"
    if resume and (out / STATE).exists():
        restore(out / STATE, tag, originals, task.optimisers, mean, at, fabric)
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
            _step(task, run, fabric, at, examples, log, still)
            at.step += 1
            for name, weights in mean.items():
                weights.update_parameters(originals[name])
            last = at.step == run.steps
            if at.step % run.evaluate_every == 0 or last:
                _evaluate(task, run, fabric, at, originals, mean, log, out)
            stop = asked()
            if last or stop or time.monotonic() - saved > run.checkpoint_s:
                log.row()                             # raises if a value is not finite, before the state is written
                if fabric.is_global_zero:
                    keep(out, tag, originals, task.optimisers, mean, at, fabric)
                saved = time.monotonic()
            if stop and not last:
                raise stopped(at.step, run.steps, stop)
    for name, weights in mean.items():
        originals[name].load_state_dict(weights.module.state_dict())
    if fabric.is_global_zero:
        save_networks(originals, out / "last")
    fabric.barrier()
    task.networks = originals
    return at


# ---- one step -----------------------------------------------------------------------------------------------------
def _step(task, run, fabric, at, examples, log, still) -> None:
    """One step of every optimiser, each over all accumulated batches.  still: modules that stay in eval mode."""
    running = [task.losses(batch, at) for batch in examples]
    for network in task.networks.values():
        network.train()
    for module in still:
        module.eval()
    while True:
        turns = [turn for generator in running if (turn := next(generator, None)) is not None]
        if not turns:
            return
        name = turns[0][0]
        for k, (_, loss, values) in enumerate(turns):
            with _unsynced(task, fabric, k + 1 < len(turns)):
                fabric.backward(loss / len(turns))
            log.add({f"{name}": loss, **values})
        optimiser = task.optimisers[name]
        if run.clip:                                  # by Fabric, which knows the loss scale of 16-mixed
            fabric.clip_gradients(None, optimiser, max_norm=run.clip, error_if_nonfinite=False)
        optimiser.step()
        for other in task.optimisers.values():        # a generator's loss leaves gradients in the discriminator, too
            other.zero_grad(set_to_none=True)
        log.tick(at.step)


def _unsynced(task, fabric, unsynced: bool):
    """Context without exchange of gradients between devices, for all but the last of the accumulated batches."""
    from contextlib import ExitStack

    stack = ExitStack()
    for network in task.networks.values():
        if unsynced and fabric.world_size > 1 and any(p.requires_grad for p in network.parameters()):
            stack.enter_context(fabric.no_backward_sync(network))
    return stack


def _evaluate(task, run, fabric, at, originals, mean, log, out) -> None:
    """Write scores and pictures with the averaged weights, in the first process, and keep the best weights."""
    if not fabric.is_global_zero or not hasattr(task, "evaluate"):
        return
    wrapped, task.networks = task.networks, originals
    learned = {n: {k: v.clone() for k, v in originals[n].state_dict().items()} for n in mean}
    try:
        for name, weights in mean.items():
            originals[name].load_state_dict(weights.module.state_dict())
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
        for name, weights in learned.items():
            originals[name].load_state_dict(weights)
        task.networks = wrapped


# ---- setting up -----------------------------------------------------------------------------------------------------
def _fabric(run: Run):
    from lightning_fabric import Fabric
    from lightning_fabric.strategies import DDPStrategy

    strategy = DDPStrategy(find_unused_parameters=True) if run.strategy == "ddp" else run.strategy
    fabric = Fabric(accelerator=run.accelerator, devices=run.devices, num_nodes=run.nodes, strategy=strategy,
                    precision=run.precision)
    fabric.launch()
    return fabric


def _set_up(task, run, fabric) -> None:
    """Wrap networks and optimisers. A network without optimiser is only moved, and stays in eval mode."""
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
    """A network that is not trained: always in eval mode, so that its batch norm is not changed by batches."""

    def __init__(self, network):
        super().__init__()
        self.network = network.eval().requires_grad_(False)

    def forward(self, *args, **kwargs):
        return self.network(*args, **kwargs)

    def train(self, mode: bool = True):
        return super().train(False)


def _lasting(run: Run) -> str:
    """Settings that must not change between a run and its resumption, as text; devices may change."""
    free = ("workers", "checkpoint_s", "accelerator", "devices", "nodes", "strategy", "precision", "compile",
            "evaluate_every")
    given = {"init": run.init.sha256 if run.init is not None else None, "freeze": run.freeze}
    return repr({k: v for k, v in asdict(run).items() if k not in (*free, *given)}
                | {k: v for k, v in given.items() if v})


# ---- small parts ----------------------------------------------------------------------------------------------------
def _phase(run: Run, step: int) -> tuple[str, int]:
    for name, steps in run.phases:
        if step < steps:
            return name, step
        step -= steps
    raise IndexError(step)


def _seed(seed: int, step: int, rank: int) -> None:
    """Seed torch's generators for a step, so that dropout and noise are a function of seed, step and device."""
    torch.manual_seed((seed * 1_000_003 + step) * 1_009 + rank)


def _set_rates(task, rates, at) -> None:
    if not hasattr(task, "lr"):
        return
    for name, optimiser in task.optimisers.items():
        for group, rate in zip(optimiser.param_groups, rates[name]):
            group["initial_lr"], group["lr"] = rate, rate * task.lr(name, at)


def _to(batch: dict, device) -> dict:
    return {k: v.to(device, non_blocking=True) if isinstance(v, torch.Tensor) else v for k, v in batch.items()}


def cosine(at: At, run: Run, *, warm_up: int = 200, floor: float = 0.02) -> float:
    """Factor on the learning rate at a position: a rise over `warm_up` steps, then half a cosine down to `floor`."""
    rise = min(1.0, (at.step + 1) / max(warm_up, 1))
    return rise * (floor + (1 - floor) * (0.5 + 0.5 * math.cos(math.pi * at.step / run.steps)))
