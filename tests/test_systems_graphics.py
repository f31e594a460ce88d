"""The mouth network: shapes, chunking, silence, weights and their card, and the shipped network's lips."""
from __future__ import annotations

import json
import shutil
import time
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from conftest import swelling_noise  # noqa: E402
from tfg import paths  # noqa: E402
from tfg.errors import InputError  # noqa: E402
from tfg.media.audio import mel_spectrogram  # noqa: E402
from tfg.networks import checkpoint  # noqa: E402
from tfg.speech import features, visemes, voice  # noqa: E402
from tfg.systems.graphics import network as mouth  # noqa: E402
from tfg.vocabulary import EXPRESSION, INDEX, MOUTH  # noqa: E402

needs_espeak = pytest.mark.skipif(not voice.available(), reason="espeak-ng is missing: pip install espeakng-loader")
SHIPPED = paths.data("mouth")
pytestmark = pytest.mark.usefixtures("one_thread")


def said(text: str, name: str = "en-us+f5", **kwargs):
    """A voice that training has not heard, with half a second of silence around it, and its phones."""
    y, phones = voice.speak(text, name, **kwargs)
    return np.pad(y, 8000), [replace(p, start_s=p.start_s + .5, stop_s=p.stop_s + .5) for p in phones]


# ---- the network ----------------------------------------------------------------------------------------------------

def test_size_shapes_and_gradient():
    net = mouth.MouthNet()
    assert 250_000 < sum(p.numel() for p in net.parameters()) < 400_000
    x = torch.randn(2, 20, 80, net.config.width, requires_grad=True)
    out, logits = net.eval()(x)
    assert out.shape == (2, 20, 13) and logits.shape == (2, 20, 14)
    out[0, 10].sum().backward()
    assert x.grad[0, 10].abs().sum() > 0 and x.grad[1].abs().sum() == 0


def test_an_output_frame_depends_on_its_reach_and_no_further():
    torch.manual_seed(0)
    net = mouth.MouthNet().eval()
    a = torch.randn(1, 120, 80, net.config.width)
    b = a.clone()
    b[:, 100:] += 1
    same = (net(a)[0] == net(b)[0]).all(-1)[0]
    assert same[:100 - net.config.reach].all() and not same[100 - net.config.reach:].any()


@pytest.mark.parametrize("samples", [1, 639, 640, 641, 16000, 40321])
def test_one_frame_for_every_640_samples_begun(samples):
    out = mouth.predict(swelling_noise(3)[:samples])
    assert out.shape == (-(-samples // 640), 52) and out.dtype == np.float32
    assert out.min() >= 0 and out.max() <= 1
    assert not out[:, [i for i, n in enumerate(EXPRESSION) if n not in MOUTH]].any()


def test_a_mel_does_as_well_as_its_sound():
    y = swelling_noise(2)
    assert np.array_equal(mouth.predict(y), mouth.predict(mel_spectrogram(y)))


@pytest.mark.parametrize("chunk", [7, 50, 173])
def test_chunks_give_what_the_whole_gives(chunk):
    y = swelling_noise(20)
    assert np.abs(mouth.predict(y, chunk=chunk) - mouth.predict(y, chunk=10**9)).max() < 1e-4


def test_an_hour_is_much_faster_than_real_time_and_equals_its_parts():
    part = swelling_noise(30)
    start = time.perf_counter()
    hour = mouth.predict(np.tile(part, 120))
    taken = time.perf_counter() - start
    assert hour.shape == (90000, 52) and taken < 600
    period = len(part) // 640
    assert np.abs(hour[10 * period:11 * period] - hour[60 * period:61 * period]).max() < 1e-4
    few = mouth.predict(np.tile(part, 4))                    # the same mean spectrum, so the same curves
    assert np.abs(hour[period:2 * period] - few[period:2 * period]).max() < .02


def test_level_does_not_matter():
    y = swelling_noise(4)
    difference = np.abs(mouth.predict(y) - mouth.predict(.3 * y))       # not zero: the scale of the mel has a floor
    assert difference.mean() < .005 and difference.max() < .15


def test_normalise_takes_out_a_constant_colour():
    mel = mel_spectrogram(swelling_noise(4))
    colour = np.linspace(-.3, .3, 80, dtype=np.float32)[:, None]
    assert np.allclose(features.normalise(mel), features.normalise(mel + colour), atol=.05)


def test_finish_shuts_half_shut_lips_and_leaves_open_ones():
    x = np.zeros((2, 13), np.float32)
    x[:, visemes.JAW] = .2
    x[0, visemes.PRESS] = .3
    gap = visemes.opening(mouth.finish(x))
    assert gap[0] < .005 and gap[1] == pytest.approx(.2, abs=1e-6)


# ---- weights and card ----------------------------------------------------------------------------------------------

def test_save_and_load_again(tmp_path):
    torch.manual_seed(1)
    net = mouth.MouthNet(mouth.MouthConfig(hidden=32, dilations=(1, 2))).eval()
    checkpoint.save(net, tmp_path, "mouth", {"steps": 3})
    again = mouth.load(tmp_path)
    x = torch.randn(1, 12, 80, net.config.width)
    assert torch.allclose(net(x)[0], again(x)[0], atol=2e-3) and again.config == net.config      # stored as float16
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mouth.json", "mouth.safetensors"]


@pytest.mark.parametrize("name", ["mouth.safetensors", "mouth.json"])
def test_missing_file(tmp_path, name):
    shutil.copytree(SHIPPED, tmp_path / "m")
    (tmp_path / "m" / name).unlink()
    with pytest.raises(InputError, match="missing.*tfg train mouth"):
        mouth.load(tmp_path / "m")


def test_damaged_weights(tmp_path):
    shutil.copytree(SHIPPED, tmp_path / "m")
    raw = bytearray((tmp_path / "m" / "mouth.safetensors").read_bytes())
    raw[5000] ^= 1
    (tmp_path / "m" / "mouth.safetensors").write_bytes(raw)
    with pytest.raises(InputError, match="sha256"):
        mouth.load(tmp_path / "m")


def test_damaged_card(tmp_path):
    shutil.copytree(SHIPPED, tmp_path / "m")
    (tmp_path / "m" / "mouth.json").write_text("{")
    with pytest.raises(InputError, match="no card"):
        mouth.load(tmp_path / "m")


def test_predict_of_a_file_says_when_it_is_missing(tmp_path):
    with pytest.raises(InputError):
        mouth.predict(tmp_path / "none.wav")


def test_shipped_card_says_what_it_is():
    card = json.loads((SHIPPED / "mouth.json").read_text())
    assert {"system", "task", "data", "steps", "seed", "held_out", "parameters", "licence", "sha256"} <= set(card)
    assert 250_000 < card["parameters"] < 400_000
    assert len(card["held_out"]) == 3 and "it" not in card["data"]["languages"]
    assert (SHIPPED / "mouth.safetensors").stat().st_size < 1_500_000


# ---- what the shipped lips do ---------------------------------------------------------------------------------------

def test_silence_and_hum_keep_the_lips_closed():
    assert visemes.opening(mouth.predict(np.zeros(32000, np.float32))).max() < .03
    hiss = np.random.default_rng(0).normal(0, .003, 48000).astype(np.float32)
    assert visemes.opening(mouth.predict(hiss)).mean() < .04


@needs_espeak
@pytest.mark.parametrize("name", ["en-us+f5", "en-us+m7", "en-gb-x-rp+f5"])
def test_lips_close_on_p_b_m_and_open_on_vowels(name):
    y, phones = said("Papa may bring my mum a big purple umbrella from Bombay.", name, rate=140)
    gap = visemes.opening(mouth.predict(y))
    closed = [gap[int(p.start_s * 25 - .5):int(p.stop_s * 25 + 1.5)].min() < .05 for p in phones if p.viseme == "PP"]
    wide = [gap[int((p.start_s + p.stop_s) / 2 * 25)] for p in phones if p.viseme in ("AA", "EH") and p.stress == 2]
    assert np.mean(closed) >= .8 and np.median(wide) > .12
    assert gap[:6].max() < .05 and gap[-4:].max() < .06


@needs_espeak
def test_rounded_on_who_and_spread_on_he():
    who, he = (mouth.predict(said(t)[0])[:, INDEX["mouthPucker"]].max() for t in ("Who?", "He."))
    assert who > .35 and who > 2 * he


@needs_espeak
def test_lower_lip_goes_to_the_teeth_on_f_and_v():
    y, phones = said("Five very fine vans have fallen off.", rate=130)
    roll = mouth.predict(y)[:, INDEX["mouthRollLower"]]
    near = [roll[int(p.start_s * 25):int(p.stop_s * 25) + 1].max() for p in phones if p.viseme == "FF"]
    assert np.median(near) > .2 > np.median(roll)


@needs_espeak
@pytest.mark.parametrize("name, text", [("en-us+m7", "She remembered to open the window before lunch."),
                                        ("it+f5", "Mia madre prepara una torta molto buona.")])
def test_curves_follow_the_truth_for_unheard_voice_and_language(name, text):
    y, phones = said(text, name)
    made = mouth.predict(y)
    true = visemes.coarticulate(visemes.with_effort(phones, y), len(made))
    assert np.corrcoef(visemes.opening(made), visemes.opening(true))[0, 1] > .75
