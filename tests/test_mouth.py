"""The mouth network: shapes, chunking, silence, weights and their card, training, and what the shipped lips do."""
from __future__ import annotations

import json
import shutil
import signal
import time
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from conftest import swelling_noise  # noqa: E402
from tfg import paths  # noqa: E402
from tfg.actors import visemes, voice  # noqa: E402
from tfg.audio import mel_spectrogram  # noqa: E402
from tfg.errors import InputError  # noqa: E402
from tfg.models import checkpoint, mouth  # noqa: E402
from tfg.training import disturb  # noqa: E402
from tfg.training import mouth as training  # noqa: E402
from tfg.vocabulary import EXPRESSION, INDEX, MOUTH  # noqa: E402

needs_espeak = pytest.mark.skipif(not voice.available(), reason='espeak-ng is missing: pip install espeakng-loader')
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
    assert np.allclose(mouth.normalise(mel), mouth.normalise(mel + colour), atol=.05)


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


# ---- training ------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def examples():
    if not voice.available():
        pytest.skip('espeak-ng is missing: pip install espeakng-loader')
    return training.build_corpus("ci", 0, ("espeak",), progress=False)


SMALL = dict(profile="ci", use=("espeak",), progress=False, config=mouth.MouthConfig(hidden=32, dilations=(1, 2)))


def test_corpus_holds_out_voices_and_a_language(examples):
    heard = {e.voice for e in examples if e.split == "train"}
    assert not any(v.endswith(("f5", "m7")) or v.startswith("espeak:it") for v in heard)
    assert {e.split for e in examples} == {"train", "voice", "language"}
    for e in examples:
        assert e.mel.shape[0] == 80 and e.target.shape[1] == 13 and len(e.viseme) == len(e.target)
        assert abs(e.mel.shape[1] - 3.2 * len(e.target)) < 5


def test_ci_run_learns_and_writes_a_card(tmp_path, examples):
    card = training.train(tmp_path, examples=examples, steps=60, **SMALL)
    start = training.train(tmp_path / "short", examples=examples, steps=5, **SMALL)
    assert card["final_loss"] < .8 * start["final_loss"]
    assert {"mouth.json", "mouth.safetensors", "state.pt"} == {p.name for p in tmp_path.iterdir() if p.is_file()}
    assert mouth.load(tmp_path).config.hidden == 32


def test_same_seed_same_bytes_and_other_seed_others(tmp_path, examples):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        training.train(tmp_path / name, examples=examples, steps=4, seed=seed, **SMALL)
    a, b, c = ((tmp_path / n / "mouth.safetensors").read_bytes() for n in "abc")
    assert a == b != c


def test_a_killed_run_goes_on_bit_for_bit(tmp_path, examples, monkeypatch):
    training.train(tmp_path / "whole", examples=examples, steps=6, **SMALL)
    real = training.make_batch

    def killed(*args):
        if args[-1] == 4:
            raise KeyboardInterrupt
        return real(*args)
    monkeypatch.setattr(training, "make_batch", killed)
    with pytest.raises(KeyboardInterrupt):
        training.train(tmp_path / "parts", examples=examples, steps=6, checkpoint_s=0, **SMALL)
    monkeypatch.setattr(training, "make_batch", real)
    training.train(tmp_path / "parts", examples=examples, steps=6, **SMALL)
    whole, parts = ((tmp_path / n / "mouth.safetensors").read_bytes() for n in ("whole", "parts"))
    assert whole == parts


def test_ctrl_c_keeps_the_step(tmp_path, examples, monkeypatch, ctrl_c):
    real = training.make_batch

    def interrupted(*args):
        if args[-1] == 3:
            signal.raise_signal(signal.SIGINT)
        return real(*args)
    monkeypatch.setattr(training, "make_batch", interrupted)
    with pytest.raises(KeyboardInterrupt, match="stopped after step 4 of 6"):
        training.train(tmp_path, examples=examples, steps=6, **SMALL)
    assert torch.load(tmp_path / "state.pt", weights_only=True)["step"] == 4


def test_another_run_in_the_same_folder_is_refused(tmp_path, examples):
    training.train(tmp_path, examples=examples, steps=2, **SMALL)
    with pytest.raises(InputError, match="another run"):
        training.train(tmp_path, examples=examples, steps=3, **SMALL)
    training.train(tmp_path, examples=examples, steps=3, resume=False, **SMALL)


def test_bad_requests(tmp_path):
    with pytest.raises(InputError, match="unknown profile"):
        training.train(tmp_path, profile="huge")
    with pytest.raises(InputError, match="no speech engine"):
        training.train(tmp_path, profile="ci", use=(), progress=False)


def test_disturbed_speech_keeps_its_shape_and_range():
    mel = mel_spectrogram(swelling_noise(3))
    for seed in range(20):
        out = disturb.disturb(mel, np.random.default_rng(seed), mel)
        assert out.shape == mel.shape and np.isfinite(out).all() and out.min() >= -4 and out.max() <= 4


def test_warp_moves_a_formant_by_its_factor():
    mels = np.linspace(disturb.hz_to_mel(55), disturb.hz_to_mel(7600), 80)
    hz = 700 * (10 ** (mels / 2595) - 1)
    mel = np.exp(-((hz - 1000) / 150) ** 2)[:, None].astype(np.float32).repeat(3, 1)
    peak = hz[disturb.warp(mel, 1.15)[:, 0].argmax()]
    assert peak == pytest.approx(1000 / 1.15, rel=.06)
