"""Position of a training, and files from which a training resumes: state.pt, and weights as safetensors."""
from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from tfg.errors import InputError
from tfg.files import atomic
from tfg.networks.checkpoint import save_weights

if TYPE_CHECKING:
    from torch.optim.swa_utils import AveragedModel

STATE = "state.pt"


@dataclass
class At:
    """Position of a training.  state: a dict for the task's own counters and switches, kept in checkpoints.  best:
    the best value of `Run.best` so far, greater is better.  init: entries of the card on `Run.init`.
    """

    step: int = 0
    phase: str = ""
    phase_step: int = 0
    state: dict = field(default_factory=dict)
    best: float | None = None
    init: dict | None = None


def keep(out: Path, tag: str, networks: dict, optimisers: dict, mean: dict[str, AveragedModel], at: At, fabric) -> None:
    """Write out/state.pt, the complete state for a resumed run.  tag: identifies the run.  mean: averaged weights, by
    network."""
    state = {"tag": tag, "at": asdict(at), "networks": {n: m.state_dict() for n, m in networks.items()},
             "optimisers": {n: o.state_dict() for n, o in optimisers.items()},
             "mean": {n: m.module.state_dict() for n, m in mean.items()},
             "precision": fabric.strategy.precision.state_dict()}             # the present loss scale of 16-mixed
    with atomic(out / STATE) as part, part.open("wb") as file:
        torch.save(state, file)                       # given a name, torch does not report a full disk


def restore(path: Path, tag: str, networks: dict, optimisers: dict, mean: dict[str, AveragedModel], at: At, fabric
            ) -> None:
    """Read the state that `keep` wrote into the arguments.  Raises InputError: unreadable, or the state of another
    run."""
    again = "delete it, or use resume=False (--no-resume)."
    try:
        state = torch.load(path, weights_only=True, map_location=fabric.device)
        found = state["tag"]
    except Exception as error:                        # torch raises many kinds for files that are no checkpoints
        raise InputError(f"{path} cannot be read ({type(error).__name__}): {again}") from error
    if found != tag:
        raise InputError(f"{path} belongs to another run (other data, networks, sizes, steps, seed, --init or "
                         "--freeze): choose another folder, or use resume=False (--no-resume).")
    try:
        for name, network in networks.items():
            network.load_state_dict(state["networks"][name])
        for name, optimiser in optimisers.items():
            optimiser.load_state_dict(state["optimisers"][name])
        for name, weights in mean.items():
            weights.module.load_state_dict(state["mean"][name])
        if state.get("precision"):                    # empty but for 16-mixed
            fabric.strategy.precision.load_state_dict(state["precision"])
        for name, value in state["at"].items():
            setattr(at, name, value)
    except (KeyError, RuntimeError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path} is damaged or incomplete ({type(error).__name__}): {again}") from error


def save_networks(networks: dict[str, torch.nn.Module], folder: Path) -> None:
    """Write folder/NAME.safetensors of each network, atomically."""
    for name, network in networks.items():
        save_weights(network, folder / f"{name}.safetensors")
