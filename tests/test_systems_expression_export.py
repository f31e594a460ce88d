"""`tfg export onnx`: what it writes computes what torch computes, for sounds of any length."""
from __future__ import annotations

import json

import numpy as np
import pytest

from tfg import paths
from tfg.errors import InputError
from tfg.media.audio import load_audio, mel_spectrogram, n_frames
from tfg.speech.features import speech_mean
from tfg.systems.expression import export as exported
from tfg.vocabulary import EXPRESSION

MEL = paths.data("expnet")
MOST = 2e-5
"""Largest difference from torch that is allowed; what was measured is a tenth of it, see the assertions."""
needs = [pytest.importorskip(name, reason="the extra export is not installed")
         for name in ("onnx", "onnxscript", "onnxruntime")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("onnx") / "model"
    exported.export(out)
    return out


@pytest.fixture(scope="module", params=["DFA.wav", "ITH.wav"])
def sound(request):
    return load_audio(paths.data("audio", request.param))


def answer(path, **inputs) -> np.ndarray:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return session.run(None, inputs)[0]


def difference(a, b) -> float:
    assert a.shape == b.shape and np.isfinite(a).all()
    return float(np.abs(a - b).max())


def test_expnet_speaks_as_in_torch(folder, sound):
    from tfg.systems.expression.expnet import network as expnet

    T, rng = n_frames(len(sound)), np.random.default_rng(0)
    neutral = rng.uniform(0, .35, len(EXPRESSION)).astype(np.float32)
    lids = rng.uniform(0, 1, T).astype(np.float32)
    mel = mel_spectrogram(sound)
    windows = expnet.frame_windows(mel, speech_mean(mel), T)
    found = answer(folder / "expnet.onnx", windows=windows[None], neutral=neutral[None], lids=lids[None])[0]
    assert difference(found, expnet.predict(sound, neutral=neutral, blink=lids, folder=MEL)) < MOST


@pytest.mark.parametrize("style", [0, 7])
def test_posevae_turns_as_in_torch(folder, sound, style):
    """Chunk by chunk, each from the one before it, as the page does it."""
    from tfg.systems.expression.posevae import network as posevae
    from tfg.systems.expression.posevae.parts import fade, smooth

    T, network = n_frames(len(sound)), posevae.load()[0]
    mel = mel_spectrogram(sound)
    mean, context, step = speech_mean(mel), network.config.context, posevae.CHUNK - posevae.OVERLAP
    out, soft = np.zeros((context + T + posevae.CHUNK, posevae.N), np.float32), fade(posevae.OVERLAP)[:, None]
    codes = exported.page_arrays()["pose_codes"]
    for number, start in enumerate(range(0, T, step)):
        windows = posevae.hear(mel, mean, np.arange(start, start + posevae.CHUNK))
        chunk = answer(folder / "posevae.onnx", windows=windows[None], before=out[None, start:start + context],
                       noise=codes[number][None], style=np.array([style]))[0]
        at = context + start
        if number:
            chunk[:posevae.OVERLAP] = (1 - soft) * out[at:at + posevae.OVERLAP] + soft * chunk[:posevae.OVERLAP]
        out[at:at + posevae.CHUNK] = chunk
    pose = smooth(out[None, context:context + T] * network.scale[style].numpy())[0]
    rise = 1 - np.concatenate([[0], fade(posevae.START - 1)])[:, None]
    pose[:posevae.START] -= pose[:1] * rise
    true = posevae.predict(sound, style=style, seed=0)
    assert np.abs(true).max() > 1 and difference(pose, true) < 10 * MOST        # degrees, of several


@pytest.mark.parametrize("emotion, intensity", [("HAP", 1.0), ("SAD", .3), ("ANG", .6)])
def test_the_emotion_is_added_as_in_numpy(folder, emotion, intensity):
    from tfg.systems.expression.emotion.apply import change
    from tfg.systems.expression.emotion.features import FELT, times

    for T in (2, 57):
        source = np.random.default_rng(T).uniform(-.2, .8, (T, len(EXPRESSION))).astype(np.float32)
        found = answer(folder / "emotion.onnx", source=source, when=times(T),
                       emotion=np.array(FELT.index(emotion)), intensity=np.array(intensity, np.float32))
        true = change(source, emotion, intensity)
        assert np.abs(true).max() > .1 and difference(found, true) < MOST


def test_the_page_finds_each_array_and_constant(folder):
    constants = json.loads((folder / "page.json").read_text())
    blob = (folder / "page.bin").read_bytes()
    arrays = exported.page_arrays()
    assert set(constants["arrays"]) == set(arrays) and constants["expression"] == list(EXPRESSION)
    for name, entry in constants["arrays"].items():
        dtype = np.dtype(entry["dtype"])
        found = np.frombuffer(blob, dtype, int(np.prod(entry["shape"])), entry["offset"]).reshape(entry["shape"])
        assert entry["offset"] % 8 == 0 and np.array_equal(found, arrays[name]), name
    assert sum(path.stat().st_size for path in folder.iterdir()) < 9e6           # what a visitor's browser loads


def test_the_rough_basis_of_the_skin_is_within_half_a_millimetre():
    from tfg.head.model import Head

    head, arrays = Head.load(), exported.page_arrays()
    person = np.random.default_rng(1).normal(0, 1, len(head.identity_std)) * head.identity_std
    skin = np.unique(head.triangles[head.part_mask("skin")])
    rough = arrays["skin_mean"] + np.tensordot(person * arrays["skin_step"], arrays["skin_identity"].astype(float), 1)
    assert np.abs(rough - head.vertices(person)[skin]).max() < 5e-4


def test_without_the_extra_the_sentence_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(exported, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r'onnx and onnxscript, which are not installed: pip install "tfg\[export\]"'):
        exported.export(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_same_bytes_twice(folder, tmp_path):
    for path in exported.export(tmp_path / "again"):
        assert path.read_bytes() == (folder / path.name).read_bytes(), path.name


def test_the_pages_packages_are_pinned_and_their_lock_names_no_registry():
    from pathlib import Path

    web = Path(__file__).resolve().parents[1] / "web"
    package, lock = (json.loads((web / name).read_text()) for name in ("package.json", "package-lock.json"))
    wanted = package["dependencies"] | package["devDependencies"]
    assert wanted["@mediapipe/tasks-vision"] == "0.10.35"                           # 1.x reports usage
    for name, version in wanted.items():
        assert version[0].isdigit() and lock["packages"][f"node_modules/{name}"]["version"] == version, name
    assert len(lock["packages"]) > len(wanted)
    for name, entry in lock["packages"].items():
        assert "resolved" not in entry and (not name or entry["integrity"].startswith("sha512-")), name
