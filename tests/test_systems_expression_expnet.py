"""ExpNet: sizes, chunks, its three inputs, shut lips, weights, and the shipped network's motion for a voice."""
from __future__ import annotations

import inspect
import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from conftest import swelling_noise  # noqa: E402
from tfg import paths  # noqa: E402
from tfg.errors import InputError  # noqa: E402
from tfg.media.audio import load_audio, mel_spectrogram, mel_window  # noqa: E402
from tfg.networks.blocks import n_parameters  # noqa: E402
from tfg.speech import visemes, voice  # noqa: E402
from tfg.speech.features import speech_mean  # noqa: E402
from tfg.systems.expression.expnet import network as expnet  # noqa: E402
from tfg.systems.expression.expnet.network import PROFILES, ExpNet, predict  # noqa: E402
from tfg.vocabulary import INDEX, index  # noqa: E402

needs_espeak = pytest.mark.skipif(not voice.available(), reason="espeak-ng is missing: pip install espeakng-loader")
LIDS, GAZE = index("eyeBlink"), index("eyeLookDown", "eyeLookIn", "eyeLookOut", "eyeLookUp")
pytestmark = pytest.mark.usefixtures("one_thread")


def asked(frames: int = 20, batch: int = 2):
    """Random inputs of the network."""
    torch.manual_seed(0)
    return torch.randn(batch, frames, 80, 16), .2 * torch.rand(batch, 52), torch.rand(batch, frames)


# ---- the network ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("profile, least, most", [("ci", 5e3, 5e4), ("cpu", 2.5e5, 5e5), ("gpu", 2.5e6, 3.2e6)])
def test_sizes_and_shapes(profile, least, most):
    network = ExpNet(PROFILES[profile]).eval()
    assert least < n_parameters(network) < most
    out, codes = network(*asked(6), codes=True)
    assert out.shape == (2, 6, 52) and codes.shape == (2, 6, network.config.hidden)
    assert network.out.in_features == network.config.hidden + 52 + 1 and torch.isfinite(out).all()
    with pytest.raises(ValueError, match="windows are"):
        network(asked()[0][..., :6], *asked()[1:])


def test_the_large_one_is_wav2lips_encoder_and_one_linear_layer():
    network = ExpNet(PROFILES["gpu"])
    convs = [m for m in network.encoder.modules() if isinstance(m, torch.nn.Conv2d)]
    assert [c.out_channels for c in convs] == [32] * 3 + [64] * 3 + [128] * 3 + [256] * 2 + [512] * 2
    assert [c.stride for c in convs if c.stride != (1, 1)] == [(3, 1), (3, 3), (3, 2)]
    assert not len(network.blocks) and network.config.reach == 0 and not network.config.over_rest
    assert network.encoder(torch.zeros(3, 1, 80, 16)).shape == (3, 512, 1, 1)


@pytest.mark.parametrize("profile", ["ci", "cpu", "gpu"])
def test_a_frame_depends_on_its_reach_on_both_sides_alike_and_no_further(profile):
    network, (windows, rest, blink) = ExpNet(PROFILES[profile]).eval(), asked(100, 1)
    touched = windows.clone()
    touched[:, 50] += 1
    moved = (network(touched, rest, blink) != network(windows, rest, blink)).any(-1)[0]
    reach = network.config.reach
    assert moved.nonzero().flatten().tolist() == list(range(50 - reach, 50 + reach + 1))


def test_a_rest_that_was_never_seen_stays_as_it_is():
    network, (windows, rest, blink) = ExpNet(PROFILES["cpu"]).eval(), asked()
    torch.nn.init.zeros_(network.out.weight)
    torch.testing.assert_close(network(windows, rest, blink), rest[:, None].expand(-1, 20, -1))


def test_the_blink_of_a_frame_is_that_frames_alone():
    network, (windows, rest, blink) = ExpNet(PROFILES["cpu"]).eval(), asked()
    shut = blink.clone()
    shut[1, 7] = 1 - shut[1, 7]
    moved = (network(windows, rest, shut) != network(windows, rest, blink)).any(-1)
    assert moved.nonzero().tolist() == [[1, 7]]


def test_windows_lie_around_the_middle_of_their_frame():
    mel = mel_spectrogram(swelling_noise(3))
    mean = speech_mean(mel)
    windows = expnet.frame_windows(mel, mean, np.array([40, 0, 74]))
    for k, frame in enumerate((40, 0, 74)):
        np.testing.assert_array_equal(windows[k], mel_window(mel, frame) - mean)
    np.testing.assert_array_equal(expnet.frame_windows(mel, mean, 75)[[40, 0, 74]], windows)


# ---- shut lips ----------------------------------------------------------------------------------------------------
def test_finish_shuts_half_shut_lips_with_the_jaws_help_and_leaves_open_ones():
    offsets = np.zeros((3, 52), np.float32)
    offsets[:, INDEX["jawOpen"]] = .2
    offsets[0, index("mouthPress")] = .3
    offsets[2, INDEX["browInnerUp"]] = 1.4
    out = expnet.finish(offsets)
    gap = visemes.opening(out)
    assert gap[0] < .005 and gap[1] == pytest.approx(.2, abs=1e-6)
    assert .04 < out[0, INDEX["jawOpen"]] < .1 and out[0, INDEX["mouthClose"]] > 0
    np.testing.assert_array_equal(out[1:], offsets[1:])                  # nothing is clipped
    assert offsets[0, INDEX["jawOpen"]] == np.float32(.2)                # in its own copy


# ---- predict ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("samples", [1, 639, 640, 641, 16000, 40321])
def test_one_frame_for_every_640_samples_begun(samples):
    out = predict(swelling_noise(3)[:samples])
    assert out.shape == (-(-samples // 640), 52) and out.dtype == np.float32 and np.isfinite(out).all()


def test_a_mel_and_a_file_do_as_well_as_their_sound():
    path = paths.data("audio", "DFA.wav")
    y = load_audio(path)
    by_mel = predict(y, folder=paths.data("expnet"))
    assert np.array_equal(by_mel, predict(mel_spectrogram(y))) and np.array_equal(predict(y), predict(path))
    assert not np.array_equal(by_mel, predict(y))                # a whole sound is heard by the other network


@pytest.mark.parametrize("chunk", [11, 50, 173])
def test_chunks_give_what_the_whole_gives(chunk):
    y = swelling_noise(8)
    blink = np.random.default_rng(0).uniform(0, 1, 200)
    assert np.abs(predict(y, blink=blink, chunk=chunk) - predict(y, blink=blink, chunk=10**9)).max() < 1e-4


def test_of_an_hour_the_network_sees_a_piece_at_a_time(monkeypatch):
    network, seen = expnet.load_expnet()[0], []
    hook = network.register_forward_pre_hook(lambda module, given: seen.append(given[0].shape[1]))
    try:
        out = predict(np.full((80, 1 + 16 * 800), -4, np.float32))               # 160 s
    finally:
        hook.remove()
    assert len(out) == 4000 and max(seen) <= expnet.CHUNK + 2 * network.config.reach and len(seen) == 4


def test_lids_follow_the_signal_and_leave_the_mouth_alone():
    y = load_audio(paths.data("audio", "ITH.wav"))
    open_eyes = predict(y)
    blink = np.zeros(len(open_eyes))
    blink[20:27] = [.5, 1, 1, .78, .45, .18, .04]
    shut = predict(y, blink=blink)
    assert np.abs(open_eyes[:, LIDS]).max() < .15
    assert np.corrcoef(shut[:, LIDS].mean(1), blink)[0, 1] > .97 and shut[21:23, LIDS].min() > .8
    others = [i for i in range(52) if i not in LIDS]
    assert np.abs(shut - open_eyes)[:, others].max() < .08


def test_offsets_start_from_the_speakers_rest():
    y = load_audio(paths.data("audio", "ITH.wav"))
    rest = np.zeros(52, np.float32)
    rest[index("browDown", "eyeSquint")] = .3
    plain, other = predict(y), predict(y, neutral=rest)
    assert not np.array_equal(plain, other)
    assert np.abs(plain - other).max() < .1                      # what is said does not depend on the brows' rest
    assert np.abs(plain[:, index("cheekPuff", "noseSneer")]).max() < .03


def test_level_and_microphone_do_not_matter():
    y = load_audio(paths.data("audio", "ITH.wav"))
    difference = np.abs(predict(y) - predict(.3 * y))            # not zero: the scale of the mel has a floor
    assert difference.mean() < .01 and difference.max() < .2


@pytest.mark.parametrize("given, said", [
    (dict(neutral=np.zeros(51)), "neutral has the shape"), (dict(neutral=np.full(52, 1.0)), "neutral holds values"),
    (dict(neutral=np.full(52, np.nan)), "neutral holds"), (dict(blink=np.zeros(4)), "blink has the shape"),
    (dict(blink=np.full(50, 1.2)), "blink holds values outside 0..1")])
def test_what_is_refused(given, said):
    with pytest.raises(InputError, match=said):
        predict(swelling_noise(2), **given)


def test_bad_sound_is_refused(tmp_path):
    from tfg.media.audio import write_wav

    with pytest.raises(InputError, match="there is no sound file"):
        predict(tmp_path / "no.wav")
    write_wav(tmp_path / "quiet.wav", np.zeros(16000))
    with pytest.raises(InputError, match="silent"):
        predict(tmp_path / "quiet.wav")


def test_everything_but_the_sound_is_given_by_name():
    kinds = [p.kind for p in inspect.signature(predict).parameters.values()]
    assert kinds[0] is inspect.Parameter.POSITIONAL_OR_KEYWORD
    assert set(kinds[1:]) == {inspect.Parameter.KEYWORD_ONLY}


# ---- the weights that ship ----------------------------------------------------------------------------------------
def test_the_shipped_card_says_what_it_learned_from():
    folder = paths.data("expnet")
    card = json.loads((folder / "expnet.json").read_text())
    assert card["system"] == "expnet" and card["profile"] == "cpu" and "it" not in card["data"]["languages"]
    assert len(card["data"]["languages"]) >= 12 and "people who read (LibriSpeech" in card["licence"]
    assert sum(f.stat().st_size for f in folder.iterdir()) < 2e6
    scores = card["scores"]
    for name, least in (("unseen espeak-ng voices", .88), ("unseen recorded voice", .86), ("unseen language", .85),
                        ("English beside it", .85)):
        assert scores[name]["opening_r"] > least and scores[name]["blink_r"] > .97


@needs_espeak
def test_lips_shut_for_p_b_m_of_a_voice_never_heard():
    hits, gaps = [], []
    for text in ("Bring me a big bowl of brown beans, please.", "My mother may move the piano on Monday."):
        y, phones = voice.speak(text, "en-us+f5")
        gap = visemes.opening(np.clip(predict(np.pad(y, 8000)), 0, 1))
        gaps.append(gap)
        for p in (p for p in phones if p.viseme == "PP"):
            a, b = (p.start_s + .5) * 25, (p.stop_s + .5) * 25
            hits.append(gap[int(a - .5):int(np.ceil(b + .5))].min() < .05)
    gap = np.concatenate(gaps)
    assert np.mean(hits) > .8 and (gap > .12).mean() > .15


@needs_espeak
def test_a_pause_shuts_the_mouth_and_an_open_vowel_opens_it():
    y, phones = voice.speak("Father calls the cars.", "en-us+m7")
    out = predict(np.pad(y, 16000))
    p = max((p for p in phones if p.viseme == "AA"), key=lambda p: p.stop_s - p.start_s)
    at = int((1 + (p.start_s + p.stop_s) / 2) * 25)
    assert out[at - 1:at + 2, INDEX["jawOpen"]].max() > .18
    assert np.abs(out[:10, INDEX["jawOpen"]]).max() < .05


def test_real_lips_move_as_predicted(crema_d):
    from tfg.faces.geometry import lip_gap
    from tfg.faces.measure import track
    from tfg.metrics import correlation

    path = next(p for p in crema_d if "NEU" in p.name)
    gap = visemes.opening(np.clip(predict(path), 0, 1))
    assert correlation(gap, lip_gap(track(path).points)) > .5
