"""Write our networks under the names that IETaFS' README gives its checkpoints.

    python -m tfg.systems.ietafs.export --aunet build/aunet --ietafs build/ietafs --out build/published

EPOCH-ITER-G.ckpt, -AU.ckpt and, where the training's state.pt is beside the weights, -D.ckpt and -AV.ckpt (both sync
networks: published are -audionet and -videonet, which are parts of ours). Each is a dict of tensors that
`torch.load(path, weights_only=True)` reads. The code of IETaFS itself writes ITER-EPOCH; its README and this module do
not. Keys and shapes are those of our networks: with the profile `gpu` the sizes are the published ones.
"""
from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from tfg.errors import InputError
from tfg.files import atomic, make_folder
from tfg.training.state import STATE

PARTS = {"critic": "D", "sync": "AV"}
"""Networks of a state.pt beside the generator, and their published letters."""


def export(out: str | os.PathLike, *, ietafs: str | os.PathLike | None = None,
           aunet: str | os.PathLike | None = None) -> list[Path]:
    """Write what is in the folders.  Returns the files.

    ietafs, aunet: folders that `tfg train ietafs` and `tfg train aunet` wrote; None: those that ship.
    Raises InputError: folders without networks, a state.pt that cannot be read.
    """
    import torch

    from tfg.networks import checkpoint
    from tfg.systems.ietafs.aunet.network import AUNet, AUNetConfig
    from tfg.systems.ietafs.gan.network import Ietafs, IetafsConfig

    found = {}
    network, card = checkpoint.load("ietafs", Ietafs, IetafsConfig, ietafs)
    found["G"] = network.state_dict()
    found["AU"] = checkpoint.load("aunet", AUNet, AUNetConfig, aunet)[0].state_dict()
    if ietafs is not None and (state := Path(ietafs) / STATE).is_file():
        try:
            networks = torch.load(state, weights_only=True, map_location="cpu")["networks"]
        except Exception as error:                    # torch raises many kinds for files that are no checkpoints
            raise InputError(f"{state} cannot be read ({type(error).__name__}).") from error
        found |= {letter: networks[name] for name, letter in PARTS.items() if name in networks}
    steps = card["steps"]
    pairs = max(1, 2 * card.get("data", {}).get("pairs", 1) // card.get("batch", 1))
    folder, written = make_folder(out), []
    for letter, weights in found.items():
        path = folder / f"{steps // pairs}-{steps}-{letter}.ckpt"
        with atomic(path) as part:
            torch.save(weights, part)
        written.append(path)
    return written


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    import argparse

    p = argparse.ArgumentParser(prog="python -m tfg.systems.ietafs.export", description=__doc__.split("\n")[0])
    p.add_argument("--ietafs", metavar="DIR", help="folder of tfg train ietafs (default: the network that ships)")
    p.add_argument("--aunet", metavar="DIR", help="folder of tfg train aunet (default: the network that ships)")
    p.add_argument("--out", metavar="DIR", required=True, help="folder to write into; made if it is not there")
    for path in export(**vars(p.parse_args(arguments))):
        print(path)


if __name__ == "__main__":
    main()
