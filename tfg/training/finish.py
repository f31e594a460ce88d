"""What every training begins and ends with: the run as asked for, and the best weights kept with their card."""
from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from tfg.errors import InputError
from tfg.models import checkpoint
from tfg.training.loop import At, Run


def run_of(runs: Mapping[str, Run], profile: str, *, seed: int = 0, steps: int | None = None, devices=None,
           precision: str | None = None) -> Run:
    """The profile's run, with what was given in its place. steps: of a run with one phase; of several, they shrink
    alike.  Raises InputError for an unknown profile."""
    if profile not in runs:
        raise InputError(f"unknown profile {profile!r}: take one of {', '.join(runs)}")
    run = replace(runs[profile], seed=seed)
    if steps is not None:
        done, phases = 0, []
        for k, (name, n) in enumerate(run.phases):
            part = steps - done if k + 1 == len(run.phases) else round(steps * n / run.steps)
            phases.append((name, part))
            done += part
        run = replace(run, phases=tuple(p for p in phases if p[1] > 0) or (("learn", steps),))
    given = {"devices": devices, "precision": precision}
    return replace(run, **{k: v for k, v in given.items() if v is not None})


def is_first() -> bool:
    """Whether this is the first, or the only one, of the processes that train together."""
    import torch

    return not torch.distributed.is_initialized() or torch.distributed.get_rank() == 0


def finish(out, name: str, network, run: Run, at: At, scores: Callable[[], dict], *, part: str | None = None,
           **card) -> dict:
    """Take the best weights where there are any, score them, write NAME.safetensors and NAME.json. Returns the card.

    scores: called with the best weights in the network.  part: the network's name in the task, if another one.
    Only the first of several processes writes and scores; the others get a card without scores.
    """
    best = Path(out) / "best" / f"{part or name}.safetensors"
    if run.best and best.is_file():
        from safetensors.torch import load_file

        network.load_state_dict(load_file(best))
    network.eval()
    if "command" in card and run.precision != "32-true":
        card["command"] += f" --precision {run.precision}"
    card = {**card, "steps": at.step, "seed": run.seed, "batch": run.batch * run.accumulate}
    if not is_first():
        return {"system": name, **card, "scores": {}}
    card["scores"] = scores()
    return json.loads(checkpoint.save(network, out, name, card).read_text(encoding="utf-8"))
