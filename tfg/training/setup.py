"""Beginning and end of every training: the run with the given options, and the best weights written with their card."""
from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tfg.errors import InputError
from tfg.networks import checkpoint
from tfg.training.loop import At, Run
from tfg.training.state import STATE
from tfg.training.warm_start import init_of, names_of


def run_of(runs: Mapping[str, Run], profile: str, *, seed: int = 0, steps: int | None = None, devices=None,
           precision: str | None = None, init=None, freeze=None, name: str = "") -> Run:
    """The profile's run with the given values in place of its own.

    steps: total number; several phases are scaled by one factor.  init: folder with NAME.safetensors, or such a file,
    to start from (`tfg.training.warm_start`).  freeze: names of parts that do not learn, a list or a text with commas.
    Raises InputError: unknown profile, no such weights.
    """
    if profile not in runs:
        raise InputError(f"unknown profile {profile!r}: take one of {', '.join(runs)}")
    run = replace(runs[profile], seed=seed)
    if steps is not None:
        done, phases = 0, []
        for k, (phase, n) in enumerate(run.phases):
            part = steps - done if k + 1 == len(run.phases) else round(steps * n / run.steps)
            phases.append((phase, part))
            done += part
        run = replace(run, phases=tuple(p for p in phases if p[1] > 0) or (("learn", steps),))
    run = replace(run, init=None if init is None else init_of(init, name), freeze=names_of(freeze))
    given = {"devices": devices, "precision": precision}
    return replace(run, **{k: v for k, v in given.items() if v is not None})


def is_first() -> bool:
    """Whether this is the first, or the only one, of the processes that train together."""
    import torch

    return not torch.distributed.is_initialized() or torch.distributed.get_rank() == 0


@contextmanager
def on_cpu(network) -> Iterator[None]:
    """Context in which the network is on the CPU, for scores of numpy's arrays; afterwards it is moved back."""
    device = next(network.parameters()).device
    network.cpu()
    try:
        yield
    finally:
        network.to(device)


def started_from(run: Run, at: At) -> dict:
    """Entries of a card on a warm start: init (`warm_start.take_over`) and the frozen parts, where there are any."""
    return ({"init": at.init} if at.init is not None else {}) | ({"frozen": list(run.freeze)} if run.freeze else {})


def load_best(out, part: str, network, run: Run) -> None:
    """Load the best weights of the training into the network and set eval mode; without `run.best` it keeps its own.
    Raises InputError if they are missing."""
    best = Path(out) / "best" / f"{part}.safetensors"
    if run.best and best.is_file():
        checkpoint.load_weights(network, best, again="put a copy back, or train anew with resume=False (--no-resume).")
    elif run.best and is_first():                     # the first process writes them; the others' card has no scores
        raise InputError(f"{best} is missing, which holds the weights that scored best: put it back, or train anew "
                         f"with resume=False (--no-resume); {Path(out) / STATE} has the last weights alone.")
    network.eval()


def finish(out, name: str, network, run: Run, at: At, scores: Callable[[], dict], *, part: str | None = None,
           **card) -> dict:
    """Load the best weights where there are any, score them, write NAME.safetensors and NAME.json. Returns the card.

    scores: called with the best weights in the network.  part: the network's name in the task, if not `name`.
    Only the first of several processes writes and scores; the others get a card without scores.
    """
    load_best(out, part or name, network, run)
    if "command" in card:
        card["command"] += (f" --precision {run.precision}" * (run.precision != "32-true") + " --init CHECKPOINT"
                            * (run.init is not None) + f" --freeze {','.join(run.freeze)}" * bool(run.freeze))
    card = {**card, "steps": at.step, "seed": run.seed, "batch": run.batch * run.accumulate, **started_from(run, at)}
    if not is_first():
        return {"system": name, **card, "scores": {}}
    card["scores"] = scores()
    return json.loads(checkpoint.save(network, out, name, card).read_text(encoding="utf-8"))
