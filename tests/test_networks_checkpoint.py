"""Files of networks: a right checksum is not enough, and every fault ends in one sentence, for every network."""
from __future__ import annotations

import gzip
import hashlib
import io
import json
import pickle
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load as from_bytes
from safetensors.torch import save as to_bytes

from tfg import paths
from tfg.errors import InputError
from tfg.networks import checkpoint


@dataclass(frozen=True)
class TinyConfig:
    """Sizes of a network for these tests."""

    hidden: int = 4
    widths: tuple[int, ...] = (3, 5)
    dropout: float = 0.1
    bias: bool = True
    kind: str = "plain"


class Tiny(torch.nn.Module):
    """Two layers and a counter."""

    def __init__(self, config: TinyConfig = TinyConfig()):
        super().__init__()
        self.config = config
        self.one = torch.nn.Linear(config.widths[0], config.hidden, bias=config.bias)
        self.two = torch.nn.Linear(config.hidden, config.widths[1])
        self.norm = torch.nn.BatchNorm1d(config.hidden)


@pytest.fixture
def folder(tmp_path) -> Path:
    torch.manual_seed(0)
    checkpoint.save(Tiny(), tmp_path, "tiny", {})
    return tmp_path


def load(folder):
    return checkpoint.load("tiny", Tiny, TinyConfig, folder)


def put(folder: Path, raw: bytes, name: str = "tiny", suffix: str = ".safetensors") -> None:
    """Write other bytes under that name, with their checksum in the card."""
    (folder / f"{name}{suffix}").write_bytes(raw)
    card = json.loads((folder / f"{name}.json").read_text())
    card["sha256"] = hashlib.sha256(raw).hexdigest()
    (folder / f"{name}.json").write_text(json.dumps(card))


def change(folder: Path, alter, name: str = "tiny") -> None:
    held = from_bytes((folder / f"{name}.safetensors").read_bytes())
    alter(held)
    put(folder, to_bytes({k: v.contiguous() for k, v in held.items()}), name)


def pickled() -> bytes:
    file = io.BytesIO()
    torch.save({"a": torch.zeros(2)}, file)
    return file.getvalue()


def test_there_and_back(folder):
    network, card = load(folder)
    assert card["config"]["widths"] == [3, 5] and network.config == TinyConfig() and not network.training
    torch.manual_seed(0)
    for name, x in Tiny().state_dict().items():
        torch.testing.assert_close(network.state_dict()[name], x, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("config", [
    {"hidden": 5}, {"hidden": -4}, {"hidden": 4.0}, {"hidden": "4"}, {"hidden": None}, {"hidden": True},
    {"hidden": [4]}, {"hidden": 10**6}, {"hidden": 10**15}, {"widths": [3]}, {"widths": [3, 6]}, {"widths": 3},
    {"widths": [3, "5"]}, {"widths": [3, [5]]}, {"widths": []}, {"dropout": float("nan")}, {"dropout": -1},
    {"bias": False}, {"bias": 1}, {"kind": 3}, {"unknown": 3},
])
def test_a_config_with_another_value(folder, config):
    card = json.loads((folder / "tiny.json").read_text())
    card["config"] |= config
    (folder / "tiny.json").write_text(json.dumps(card))
    with pytest.raises(InputError, match=r"tiny.*(no card of tiny|gives no network|does not fit its card)"):
        load(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", '{"sha256": 3}',
                                  '{"sha256": null, "config": {}}', "[" * 9999])
def test_cards_that_are_none(folder, text):
    (folder / "tiny.json").write_text(text)
    with pytest.raises(InputError, match="tiny"):
        load(folder)


@pytest.mark.parametrize("config", [[], 3, None, "hidden"])
def test_a_card_without_a_config(folder, config):
    card = json.loads((folder / "tiny.json").read_text())
    (folder / "tiny.json").write_text(json.dumps(card | {"config": config}))
    with pytest.raises(InputError, match="is no card of tiny"):
        load(folder)


def whole(folder) -> bytes:
    return (folder / "tiny.safetensors").read_bytes()


@pytest.mark.parametrize("make, word", [
    (lambda f: b"", "empty"), (lambda f: b"\0", "no safetensors"), (lambda f: whole(f)[:40], "no safetensors"),
    (lambda f: whole(f)[:-1], "cut off"), (lambda f: b"\xff" * 8 + whole(f)[8:], "no safetensors"),
    (lambda f: pickled(), "a pickle, which is never opened"),
    (lambda f: pickle.dumps({"a": 1}), "a pickle, which is never opened"),
])
def test_bytes_that_are_no_weights(folder, make, word):
    put(folder, make(folder))
    with pytest.raises(InputError, match=f"tiny.safetensors is .*{word}"):
        load(folder)


def other_shape(held):
    held["two.weight"] = held["two.weight"].T


def nan(held):
    held["one.bias"][1] = float("nan")


def inf(held):
    held["norm.running_var"][0] = float("inf")


@pytest.mark.parametrize("alter, words", [
    (lambda held: held.pop("one.bias"), "no weights 'one.bias'"), (dict.clear, "no weights"),
    (lambda held: held.update(more=torch.zeros(2)), "weights 'more'"), (other_shape, r"shape \(4, 5\)"),
    (nan, "'one.bias' with numbers that are not finite"), (inf, "not finite"),
])
def test_weights_that_do_not_fit(folder, alter, words):
    change(folder, alter)
    with pytest.raises(InputError, match=f"does not fit its card: it holds .*{words}"):
        load(folder)


@pytest.mark.parametrize("alter, words", [
    (lambda held: held.pop("one.bias"), "no weights 'one.bias'"), (nan, "not finite"), (other_shape, "of shape")])
def test_best_weights_of_a_training(tmp_path, alter, words):
    path = tmp_path / "best" / "tiny.safetensors"
    checkpoint.save_weights(Tiny(), path)
    checkpoint.load_weights(Tiny(), path, again="train anew.")
    held = from_bytes(path.read_bytes())
    alter(held)
    path.write_bytes(to_bytes({k: v.contiguous() for k, v in held.items()}))
    with pytest.raises(InputError, match=f"{path.name} holds .*{words}.*: train anew"):
        checkpoint.load_weights(Tiny(), path, again="train anew.")
    path.write_bytes(b"")
    with pytest.raises(InputError, match="is empty"):
        checkpoint.load_weights(Tiny(), path, again="train anew.")
    path.unlink()
    with pytest.raises(InputError, match="cannot be read .No such file"):
        checkpoint.load_weights(Tiny(), path, again="train anew.")


# ---- the networks that ship -----------------------------------------------------------------------------------------
def loaders() -> dict:
    """Loaders of the networks: name of the files -> (folder that ships, function of a folder)."""
    from tfg.experts.emotion.network import load_emotion
    from tfg.experts.encoder.network import load_encoder
    from tfg.experts.extractor.network import load_extractor
    from tfg.experts.voice_emotion.network import load as load_voice_emotion
    from tfg.scores.judges import _classes
    from tfg.systems.emogen.network import Emogen, EmogenConfig
    from tfg.systems.expression.emotion import transformer
    from tfg.systems.expression.expnet.network import load_expnet
    from tfg.systems.expression.posevae.network import load as load_posevae
    from tfg.systems.graphics.network import load as load_mouth

    found = {"emogen": lambda f: checkpoint.load("emogen", Emogen, EmogenConfig, f), "emotion": load_emotion,
             "encoder": load_encoder, "extractor": load_extractor, "expnet": load_expnet, "posevae": load_posevae,
             "mouth": load_mouth, "voice_emotion": load_voice_emotion}
    found |= {n: (lambda f, n=n: checkpoint.load(n, *_classes(n), f)) for n in ("judge_sync", "judge_encoder",
                                                                               "judge_emotion")}
    return {k: (paths.data(k), v) for k, v in found.items()} | {"transformer": (paths.data("emotion_add"),
                                                                               transformer.load)}


@pytest.mark.parametrize("name", ["emogen", "emotion", "encoder", "extractor", "expnet", "posevae", "mouth",
                                  "judge_sync", "judge_encoder", "judge_emotion", "voice_emotion", "transformer"])
def test_every_network_is_read_by_the_one_reader(name, tmp_path):
    source, read = loaders()[name]
    read(source)
    for suffix in (".safetensors", ".json"):
        shutil.copy(source / f"{name}{suffix}", tmp_path)
    card = json.loads((tmp_path / f"{name}.json").read_text())

    def poison(held):
        first = next(k for k, v in held.items() if v.is_floating_point())
        held[first].view(-1)[0] = float("nan")

    change(tmp_path, poison, name)
    with pytest.raises(InputError, match="not finite"):
        read(tmp_path)
    put(tmp_path, pickled(), name)
    with pytest.raises(InputError, match="a pickle"):
        read(tmp_path)
    shutil.copy(source / f"{name}.safetensors", tmp_path)
    card["config"] |= {k: v + 1 for k, v in card["config"].items() if type(v) is int}
    card["config"] |= {k: v[:-1] for k, v in card["config"].items() if isinstance(v, list)}
    (tmp_path / f"{name}.json").write_text(json.dumps(card))
    with pytest.raises(InputError, match=f"{name}.*(gives no network|does not fit its card|no card)"):
        read(tmp_path)


# ---- the models that are no networks --------------------------------------------------------------------------------
@pytest.fixture
def linear(tmp_path) -> Path:
    for suffix in (".safetensors", ".json"):
        shutil.copy(paths.data("emotion_add", f"linear{suffix}"), tmp_path)
    return tmp_path


def cut(held):
    held["weight"] = held["weight"][:, :-1]


def none(held):
    held["other"] = held.pop("weight")


def no_number(held):
    held["weight"].view(-1)[7] = float("nan")


@pytest.mark.parametrize("alter", [cut, none, no_number, None, b""])
def test_the_linear_model(linear, alter):
    from tfg.systems.expression.emotion import add

    offsets = np.zeros((9, 52), np.float32)
    assert np.isfinite(add(offsets, "HAP", folder=linear)).all()
    if callable(alter):
        change(linear, alter, "linear")
    else:
        put(linear, pickled() if alter is None else alter, "linear")
    with pytest.raises(InputError, match="linear.safetensors .*tfg train emotion-add"):
        add(offsets, "HAP", folder=linear)


def packed(raw: bytes) -> bytes:
    """Gzipped bytes without the time of day, which would name the tests differently in each worker of xdist."""
    return gzip.compress(raw, mtime=0)


def texts(**forests) -> bytes:
    return packed(json.dumps(forests).encode())


@pytest.mark.parametrize("raw", [b"", b"no gzip", texts()[:-9], packed(b"{"), packed(b"[]"),
                                 packed(b'{"jawOpen": 3}'), texts(jawOpen="tree\nversion=v4\n"),
                                 texts(jawOpen="")])
def test_the_forests(raw, tmp_path):
    pytest.importorskip("lightgbm")
    from tfg.systems.expression.emotion import automl

    for suffix in (".json.gz", ".json"):
        shutil.copy(paths.data("emotion_add", f"automl{suffix}"), tmp_path)
    held = json.loads(gzip.decompress((tmp_path / "automl.json.gz").read_bytes()))
    put(tmp_path, raw, "automl", ".json.gz")
    with pytest.raises(InputError, match="automl.json.gz holds no forests"):
        automl.load(tmp_path)
    put(tmp_path, texts(nothing=next(iter(held.values()))), "automl", ".json.gz")
    with pytest.raises(InputError, match="holds a forest 'nothing'"):
        automl.load(tmp_path)
