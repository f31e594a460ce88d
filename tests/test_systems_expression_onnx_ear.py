"""`tfg export onnx --hearing speech`: the ear and its ExpNet in onnxruntime are those of torch, for any length."""
from __future__ import annotations

import json

import numpy as np
import pytest

from conftest import swelling_noise
from tfg import paths
from tfg.errors import InputError
from tfg.media.audio import load_audio, n_frames
from tfg.networks import hearing
from tfg.systems.expression import export as exported
from tfg.vocabulary import EXPRESSION

needs = [pytest.importorskip(name, reason="the extra export is not installed")
         for name in ("torch", "onnx", "onnxscript", "onnxruntime")]
pytestmark = pytest.mark.usefixtures("one_thread")
MOST_HEARD, MOST = 3e-4, 2e-5
"""Largest differences from torch that are allowed: of features, whose variance is 1, and of coefficients."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("onnx_ear")
    exported.export(out, "speech")
    return out


@pytest.fixture(scope="module")
def answer(folder):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    sessions = {path.stem: onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
                for path in folder.glob("*.onnx")}
    return lambda name, **inputs: sessions[name].run(None, inputs)[0]


@pytest.fixture(scope="module")
def listen(folder, answer):
    """What a program around the files does: a sound (N,) -> what is heard (T, 768)."""
    ear = json.loads((folder / "ear.json").read_text())

    def listened(sound: np.ndarray) -> np.ndarray:
        T, columns, out = -(-len(sound) // ear["samples_per_frame"]), ear["columns_per_frame"], []
        whole = np.pad(sound, (0, T * ear["samples_per_frame"] - len(sound))).reshape(1, T, -1)
        mel = answer("log_mel", sound=whole)
        top = np.float32(max(mel.max(), ear["quietest"]))
        for start in range(0, T, ear["piece"]):
            a, b = max(start - ear["around"], 0), min(start + ear["piece"] + ear["around"], T)
            heard = answer("hearing", mel=mel[:, :, columns * a:columns * b], top=np.array(top))
            out.append(heard[0, start - a:start - a + ear["piece"]])
        return np.concatenate(out)[:T]

    return listened


@pytest.fixture(scope="module")
def voice() -> np.ndarray:
    return load_audio(paths.data("audio", "DFA.wav"))


@pytest.mark.parametrize("seconds", [.1, 3, 21])
def test_it_hears_what_python_hears(listen, voice, seconds):
    sound = np.resize(voice, int(seconds * 16000) + 17) + .001 * swelling_noise(22)[:int(seconds * 16000) + 17]
    found, true = listen(sound.astype(np.float32)), hearing.features(sound.astype(np.float32))
    assert found.shape == true.shape and np.abs(found - true).max() < MOST_HEARD


def test_silence_is_silence(listen):
    silent = np.zeros(20 * 640, np.float32)
    np.testing.assert_allclose(listen(silent), hearing.features(silent), atol=MOST_HEARD)


def test_faces_are_those_of_python(answer, listen, voice):
    from tfg.systems.expression.expnet import network as expnet

    T, rng = n_frames(len(voice)), np.random.default_rng(0)
    neutral, lids = (rng.uniform(0, most, n).astype(np.float32) for most, n in ((.35, len(EXPRESSION)), (1, T)))
    found = answer("expnet_speech", windows=listen(voice)[None], neutral=neutral[None], lids=lids[None])[0]
    true = expnet.predict(voice, neutral=neutral, blink=lids)
    assert true.std() > .02 and found.shape == true.shape and np.abs(found - true).max() < MOST


def test_weights_stay_in_eight_bits(folder):
    import onnx

    kept = {one.name: one for one in onnx.load(folder / "hearing.onnx").graph.initializer}
    large = [one for one in kept.values() if len(one.raw_data) > 5e4]
    assert len(large) == 10 and {one.data_type for one in large} == {onnx.TensorProto.INT8}
    assert sum(path.stat().st_size for path in folder.iterdir()) < 6.5e6


def test_another_way_to_hear_is_refused(tmp_path):
    with pytest.raises(InputError, match="no export that hears 'touch'; choose mel or speech"):
        exported.export(tmp_path / "out", "touch")
    assert not (tmp_path / "out").exists()
