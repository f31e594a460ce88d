"""The emotion of a voice: what it is heard by, who is held out, when it abstains, and a small training."""
from __future__ import annotations

import numpy as np
import pytest
import torch

from tfg import paths
from tfg.errors import InputError
from tfg.experts.voice_emotion import compare, data, evaluate, network, sound, train
from tfg.experts.voice_emotion.data import Voices
from tfg.experts.voice_emotion.network import Heard, VoiceEmotion, VoiceEmotionConfig
from tfg.media.audio import SR, load_audio
from tfg.speech import voice
from tfg.vocabulary import EMOTIONS

NEU = EMOTIONS.index("NEU")
speaks = pytest.mark.skipif(not voice.available(), reason="needs the extra voice")
shipped = pytest.mark.skipif(not (paths.data("voice_emotion") / "voice_emotion.json").is_file(), reason="no weights")


def hum(hz, seconds: float = 1.0) -> np.ndarray:
    """A voiced sound with this pitch, a number or (N,)."""
    phase = 2 * np.pi * np.cumsum(np.broadcast_to(hz, int(seconds * SR))) / SR
    return (.1 * sum(np.sin(k * phase) / k for k in (1, 2, 3, 4))).astype(np.float32)


def toy(n: int = 8, *, shift: float = 3.0, seed: int = 0, split: str | None = None) -> Voices:
    """Statistics of n people of each split, two sentences an emotion: the emotion shifts one number of the pitch's, and
    each person has an own offset on all of the mel's."""
    rng, rows = np.random.default_rng(seed), []
    for part in data.SPLITS if split is None else (split,):
        for k in range(n):
            own = rng.normal(0, 5, sound.KINDS["mel"])
            for e in range(6):
                for level in ("LO", "HI"):
                    stats = {kind: rng.normal(0, 1, size).astype(np.float32) for kind, size in sound.KINDS.items()}
                    stats["pitch"][e] += shift * (2 if level == "HI" else 1)
                    stats["mel"] = (stats["mel"] + own).astype(np.float32)
                    rows.append((stats, e, .5, level, f"{part}{k:03d}:en-us", part))
    return data.gathered(rows)


# ---- statistics -----------------------------------------------------------------------------------------------------
def test_statistics_have_their_sizes_and_heed_no_loudness():
    audio = load_audio(paths.data("audio", "DFA.wav"))
    found = sound.describe(audio)
    assert {kind: x.shape for kind, x in found.items()} == {kind: (n,) for kind, n in sound.KINDS.items()}
    quiet = sound.describe(.25 * audio)
    for kind, x in found.items():
        assert np.isfinite(x).all() and x.dtype == np.float32
        assert np.corrcoef(x, quiet[kind])[0, 1] > .97, kind
        assert np.abs(x - quiet[kind]).mean() < .2 * x.std(), kind
    assert list(sound.describe(audio, ("pitch",))) == ["pitch"]


@pytest.mark.parametrize("hz", [90, 150, 220, 380])
def test_a_hum_has_its_pitch(hz):
    found = sound.pitches(hum(hz))[3:-3]
    assert np.isfinite(found).all() and np.abs(12 * np.log2(found / hz)).max() < .3
    assert sound.of_pitch(hum(hz))[0] == pytest.approx(np.log2(hz / 150), abs=.03)


def test_noise_has_no_pitch_and_a_glide_a_range():
    noise = np.random.default_rng(0).normal(0, .1, SR).astype(np.float32)
    assert np.isfinite(sound.pitches(noise)).mean() < .1
    flat, glide = (sound.of_pitch(hum(hz)) for hz in (150, 150 * 2 ** np.linspace(0, 1, SR)))
    assert glide[3] == pytest.approx(.8, abs=.1) and flat[3] < .05 and glide[6] > .1 > abs(flat[6])


@pytest.mark.parametrize("audio", [np.zeros(3200, np.float32), np.full(700, .1, np.float32)])
def test_hardly_any_sound_has_statistics_too(audio):
    assert all(np.isfinite(x).all() for x in sound.describe(audio).values())


# ---- voices ---------------------------------------------------------------------------------------------------------
def test_held_out_people_are_those_of_aunet():
    from tfg.systems.ietafs.aunet import takes

    assert data.HELD_OUT == takes.HELD_OUT
    for split in data.SPLITS:
        assert data.people(split, 3, 0) == takes.people(split, 3, 0)


@speaks
def test_nobody_of_val_and_test_has_a_speaker_or_sentence_of_train():
    from tfg.acting.voices import Voice

    speakers = {split: {Voice.from_seed(p).speaker.partition("+")[2] for p in data.people(split, 20, 0)}
                for split in data.SPLITS}
    assert not speakers["train"] & (speakers["val"] | speakers["test"]) and not speakers["val"] & speakers["test"]
    pools = {split: set(texts) for split, texts in data.sentences(100, 0).items()}
    assert sum(map(len, pools.values())) == 100 == len(set.union(*pools.values()))


def test_a_file_of_voices_comes_back_and_a_damaged_one_is_refused(tmp_path):
    voices = toy(1)
    data.write(tmp_path / "v.npz", voices)
    back = data.read(tmp_path / "v.npz")
    np.testing.assert_array_equal(back.of(("pitch", "mel")), voices.of(("pitch", "mel")))
    assert (back.voice == voices.voice).all() and (back.split == voices.split).all() and len(back) == 36
    (tmp_path / "v.npz").write_bytes(b"no")
    with pytest.raises(InputError, match="delete it"):
        data.read(tmp_path / "v.npz")


def test_recordings_need_names_that_say_the_emotion(tmp_path):
    from tfg.media.audio import write_wav

    with pytest.raises(InputError, match="1001_DFA_ANG_XX"):
        data.recordings_of(tmp_path)
    write_wav(tmp_path / "1001_DFA_SAD_XX.wav", hum(150))
    write_wav(tmp_path / "other.wav", hum(150))
    found = data.recordings_of(tmp_path, progress=False)
    assert len(found) == 1 and EMOTIONS[found.emotion[0]] == "SAD" and found.voice[0] == "1001"


# ---- answers --------------------------------------------------------------------------------------------------------
def test_it_abstains_where_nothing_is_likely_enough():
    net = VoiceEmotion(VoiceEmotionConfig(("pitch",), 0))
    net.sure.fill_(.5)
    p = np.array([.1, .1, .1, .55, .1, .05], np.float32)
    assert net.answer(p).emotion == "HAP" and str(net.answer(p)) == "heard: happiness, p .55" and net.answer(p).sure
    net.sure.fill_(.6)
    unsure = net.answer(p)
    assert unsure.emotion == "NEU" and not unsure.sure and str(unsure) == "unsure: neutral"
    emotion, probabilities = unsure
    assert emotion == "NEU" and (probabilities == p).all()
    calm = Heard("NEU", np.array([0, 0, 0, 0, 1, 0], np.float32))
    assert calm.sure and str(calm) == "heard: neutral, p 1.00"


def test_the_least_probability_is_the_smallest_with_enough_right_ones():
    p = np.full((10, 6), .02)
    true = np.zeros(10, int)
    p[:, 0] = np.linspace(.35, .8, 10)                       # all are called ANG, and the likely ones are
    true[:6] = 1
    least = train.least_sure(p, true)
    named = p[:, 0] >= least
    assert (true[named] == 0).mean() >= train.RIGHT > (true[p[:, 0] >= least - .05] == 0).mean()
    assert train.least_sure(p, np.ones(10, int)) <= .8       # none is right: still a number


def test_settling_makes_probabilities_those_of_val():
    voices = toy(6, shift=1.0)
    net = VoiceEmotion(VoiceEmotionConfig(("pitch",), 0))
    with torch.no_grad():
        net.emotion.weight.zero_()
        net.emotion.weight[:, :6] = 12 * torch.eye(6)        # right in kind, but much too sure
        net.emotion.bias.zero_()
    before = net.probabilities(voices.part("val").of(("pitch",))).max(1).mean()
    train.settle(net, voices.part("val"))
    after = net.probabilities(voices.part("test").of(("pitch",)))
    right = (after.argmax(1) == voices.part("test").emotion).mean()
    assert net.temperature > 1 and before > right + .15 and abs(after.max(1).mean() - right) < .12


def test_scores_of_known_answers():
    voices = toy(3, split="test")
    net = VoiceEmotion(VoiceEmotionConfig(("pitch",), 0))
    with torch.no_grad():
        net.emotion.weight.zero_()
        net.emotion.bias.copy_(torch.tensor([0., 0, 0, 2, 0, 0]))                # always HAP
    found = evaluate.score(net, voices)
    assert found["accuracy"] == pytest.approx(1 / 6, abs=.001) and found["interval"] == [.167, .167]
    assert found["by_emotion"]["HAP"] == 1 and found["by_emotion"]["SAD"] == 0 and found["named"] == 1
    assert found["calm_named"] == 1 and np.array(found["confusion"])[:, 3].tolist() == [1] * 6
    net.sure.fill_(.99)
    quiet = evaluate.score(net, voices)
    assert quiet["named"] == 0 == quiet["calm_named"] and "right" not in quiet
    assert quiet["answered"] == pytest.approx(1 / 6, abs=.001)                   # calm ones, by saying NEU


def test_beside_their_own_calm_voice_people_are_alike():
    voices = toy(4)
    known = compare.beside_calm(voices)
    assert len(known) == len(voices)

    def apart(v: Voices) -> float:                           # how far people's means lie from each other
        mel = v.stats["mel"]
        return float(np.std([mel[v.voice == p].mean(0) for p in sorted(set(v.voice))], axis=0).mean())

    assert apart(voices) > 3 > 1.5 > apart(known)
    k = int(np.flatnonzero(voices.emotion == NEU)[0])        # a calm sentence is compared with the others alone
    others = (voices.voice == voices.voice[k]) & (voices.emotion == NEU)
    others[k] = False
    np.testing.assert_allclose(known.stats["mel"][k], voices.stats["mel"][k] - voices.stats["mel"][others].mean(0),
                               rtol=1e-5)


# ---- training -------------------------------------------------------------------------------------------------------
def trained(out, **more):
    return train.train_voice_emotion(out, profile="ci", steps=150, voices=toy(8), progress=False,
                                     config=VoiceEmotionConfig(("pitch",), 8, .1), **more)[1]


def test_a_training_learns_what_is_there_and_the_same_again(tmp_path):
    card = trained(tmp_path / "a")
    assert card["scores"]["test"]["accuracy"] > .6 and card["scores"]["test"]["by_level"]["HI"] > .75
    assert card["scores"]["test"]["right"] >= .6 and card["data"]["train"] == {"sentences": 96, "people": 8}
    trained(tmp_path / "b")
    assert (tmp_path / "a" / "voice_emotion.safetensors").read_bytes() == \
        (tmp_path / "b" / "voice_emotion.safetensors").read_bytes()
    assert trained(tmp_path / "c", seed=1)["sha256"] != card["sha256"]
    back, kept = network.load(tmp_path / "a")
    voices = toy(8).part("test")
    assert evaluate.score(back, voices)["accuracy"] == pytest.approx(card["scores"]["test"]["accuracy"], abs=.03)
    assert float(back.sure) == pytest.approx(kept["scores"]["sure"], abs=.01)


def test_every_emotion_comes_alike_often():
    voices = toy(2)
    keep = np.ones(len(voices), bool)
    keep[np.flatnonzero(voices.emotion == 3)[1:]] = False
    sentences = train.Sentences(voices.part(keep), ("pitch",))
    batch = sentences.batch(0, np.arange(60))
    assert np.bincount(batch["emotion"], minlength=6).tolist() == [10] * 6


@speaks
@pytest.mark.slow
def test_the_profile_ci_from_voices_to_an_answer(tmp_path):
    card = train.train_voice_emotion(tmp_path, profile="ci", progress=False)[1]
    assert card["scores"]["test"]["clips"] == 6 and card["config"]["hidden"] == 4
    assert [p.name for p in tmp_path.glob("voices_ci_*.npz")]
    emotion, probabilities = network.heard(load_audio(paths.data("audio", "DFA.wav")), folder=tmp_path)
    assert emotion in EMOTIONS and probabilities.shape == (6,) and probabilities.sum() == pytest.approx(1, abs=1e-4)


def test_an_unknown_profile_is_refused(tmp_path):
    with pytest.raises(InputError, match="ci, cpu, gpu"):
        train.train_voice_emotion(tmp_path, profile="big")
    with pytest.raises(InputError, match="ci, cpu, gpu"):
        data.voices_of(tmp_path, "big")


# ---- the network that ships -----------------------------------------------------------------------------------------
@shipped
def test_the_network_that_ships_is_small_and_better_than_chance_on_unseen_people():
    folder = paths.data("voice_emotion")
    assert sum(p.stat().st_size for p in folder.iterdir()) < 250_000
    net, card = network.load()
    test = card["scores"]["test"]
    assert test["interval"][0] > 1 / 6 and test["accuracy"] > test["answered"] - .2
    assert 0 < float(net.sure) < 1 and test["calm_named"] < .5
    emotion, probabilities = network.heard(load_audio(paths.data("audio", "DFA.wav")))
    assert emotion in EMOTIONS and probabilities.sum() == pytest.approx(1, abs=1e-4)


@shipped
def test_only_the_first_minute_counts():
    rng = np.random.default_rng(0)
    minute = np.resize(load_audio(paths.data("audio", "DFA.wav")), int(network.MOST_S * SR))
    more = np.concatenate([minute, rng.normal(0, .2, SR).astype(np.float32)])
    np.testing.assert_array_equal(network.heard(minute).probabilities, network.heard(more).probabilities)
