"""Augmented speech: its range, formants that move, and that every training uses it."""
from __future__ import annotations

import numpy as np
import pytest

from conftest import swelling_noise
from tfg.media.audio import mel_spectrogram
from tfg.training import augment_sound as sound


def test_disturbed_speech_keeps_its_shape_and_range():
    mel = mel_spectrogram(swelling_noise(3))
    for seed in range(20):
        out = sound.augment_sound(mel, np.random.default_rng(seed), mel)
        assert out.shape == mel.shape and np.isfinite(out).all() and out.min() >= -4 and out.max() <= 4


def test_disturbed_speech_is_another_one_each_time_and_the_same_for_the_same_draw():
    mel = mel_spectrogram(swelling_noise(3))
    made = [sound.augment_sound(mel, np.random.default_rng(seed), mel) for seed in range(12)]
    assert all(np.abs(out - mel).mean() > .05 for out in made)
    assert all(np.abs(a - b).mean() > .05 for a, b in zip(made, made[1:]))
    assert np.array_equal(made[5], sound.augment_sound(mel, np.random.default_rng(5), mel))


def test_warp_moves_a_formant_by_its_factor():
    mels = np.linspace(sound.hz_to_mel(55), sound.hz_to_mel(7600), 80)
    hz = 700 * (10 ** (mels / 2595) - 1)
    mel = np.exp(-((hz - 1000) / 150) ** 2)[:, None].astype(np.float32).repeat(3, 1)
    peak = hz[sound.warp(mel, 1.15)[:, 0].argmax()]
    assert peak == pytest.approx(1000 / 1.15, rel=.06)


# ---- use in trainings -----------------------------------------------------------------------------------------------
def mouth():
    from tfg.systems.graphics.data import Crops, MouthExample

    mel = mel_spectrogram(swelling_noise(4)).astype(np.float16)
    zeros = np.zeros((100, 13), np.float16)
    data = Crops([MouthExample(mel, zeros, np.zeros(100, np.uint8), [], "espeak:en", "train")] * 12, 50, 6, 0)
    return lambda epoch: data.batch(epoch, range(12))["windows"]


def expnet():
    from tfg.systems.expression.expnet.data import ExpNetData, FaceExample

    mel = mel_spectrogram(swelling_noise(4)).astype(np.float16)
    example = FaceExample(mel, np.zeros((100, 52), np.float16), np.zeros(100, np.float16), np.zeros(52, np.float32),
                      np.zeros(100, np.uint8), [], "espeak:en", "train")
    data = ExpNetData([example] * 12, 50, 0)
    return lambda epoch: data.batch(epoch, range(12))["windows"]


def syncnet():
    from tfg.experts.syncnet.train import another_line

    mels = np.stack([mel_spectrogram(swelling_noise(4))[:, k:k + 16] for k in range(0, 160, 20)])
    return lambda epoch: another_line(mels, np.random.default_rng(epoch))


@pytest.mark.parametrize("data, module", [(mouth, "tfg.systems.graphics.data"),
                                          (expnet, "tfg.systems.expression.expnet.data"),
                                          (syncnet, "tfg.experts.syncnet.train")])
def test_what_is_learned_from_is_disturbed_anew_in_each_epoch(data, module, monkeypatch):
    """Beside the same batches with the disturbance taken out, most sound is changed, and otherwise in each epoch."""
    batch = data()
    first, second = batch(0), batch(1)
    monkeypatch.setattr(f"{module}.augment_sound", lambda mel, rng, other=None: np.asarray(mel, np.float32))
    plain = batch(0)
    assert np.abs(first - plain).mean() > .1 and np.abs(first - second).mean() > .1


def test_moments_of_a_clip_are_disturbed_and_all_alike(monkeypatch):
    """SyncNet's batches: each visit of a clip is heard through one other line; `disturbed=False` leaves it as it is."""
    from tfg.experts.syncnet import train

    class Windows:
        """Two clips of 60 windows, each of which sounds like its own number."""

        mel_width, seed, clips = train.MEL_WIDTH, 0, ("a", "b")

        def clip_of_index(self):
            return np.repeat([0, 1], 60)

        def batch(self, epoch, indices):
            level = np.asarray(indices, np.float32)[:, None, None] / 100
            return {"mel": np.broadcast_to(level, (len(indices), 80, train.MEL_WIDTH)).copy()}

    lines = []
    monkeypatch.setattr(train, "another_line", lambda mels, rng: lines.append(mels.copy()) or mels + 1)
    monkeypatch.setattr(train, "FRAMES", 5)
    heard = train.Moments(Windows()).batch(0, [0, 1, 2])["mel"]
    plain = train.Moments(Windows(), disturbed=False).batch(0, [0, 1, 2])["mel"]
    assert np.allclose(heard, plain + 1) and len(lines) == 3 and len(lines[0]) == train.MOMENTS


def test_posevae_hears_disturbed_copies(monkeypatch):
    """Train clips have disturbed copies of their sound beside it, unless nobody speaks; val and test have none."""
    from tfg.systems.expression.posevae import data

    audio = swelling_noise(2)
    monkeypatch.setattr(data, "speech", lambda *args, **kwargs: audio)
    monkeypatch.setattr(data, "move", lambda way, level, frames, seed: np.zeros((frames, 6), np.float32))
    clip = data.corpus("ci", 0, "train")[0]
    assert len(clip.mels) == 1 + data.SIZES["ci"]["copies"] > 1
    assert all(np.abs(copy.astype(np.float32) - clip.mels[0]).mean() > .05 for copy in clip.mels[1:])
    assert all(len(c.mels) == 1 for c in data.corpus("ci", 0, "val"))
