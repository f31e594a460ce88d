"""Losses: known values, their inputs, and that whole frames with whole colours reach every expert."""
from __future__ import annotations

import logging
import math
import urllib.error

import numpy as np
import pytest
import torch

from tfg.errors import InputError
from tfg.experts import losses
from tfg.experts.encoder import network as encoder
from tfg.experts.syncnet import network as syncnet
from tfg.networks import checkpoint
from tfg.systems.emogen.network import face_mask


class Spy(torch.nn.Module):
    """An expert that keeps what it was shown."""

    def __init__(self, answer):
        super().__init__()
        self.answer, self.config, self.shown = answer, syncnet.SyncNetConfig(size=8), []

    def forward(self, *shown):
        self.shown += shown
        return self.answer


def test_reconstruction_by_hand():
    target, drawn = torch.zeros(2, 3, 4, 4), torch.zeros(2, 3, 4, 4)
    drawn[0, :, 0, 0], drawn[1, 0, 3, 3], drawn[0, :, 2, 2] = .6, .9, 1.0
    weight = torch.zeros(4, 4)
    weight[0, 0], weight[3, 3] = 1, 3                         # (2, 2) does not count
    assert float(losses.reconstruction(drawn, target, weight)) == pytest.approx((.6 * 1 + .3 * 3) / (4 * 2))
    windows = losses.reconstruction(drawn[None], target[None], weight)
    assert float(windows) == pytest.approx(.1875)              # the same for (B, T, 3, S, S)


def test_the_mouth_lies_in_the_face():
    area = losses.mouth_area(96)
    assert area.max() == 1 and area[:50].max() == 0 and area[70:80, 40:56].min() > .8
    assert (face_mask(96)[area > .3] == 1).all()


def test_sync_looks_at_the_lower_half_of_whole_frames():
    unit = torch.nn.functional.normalize(torch.tensor([[1.0, 1.0], [1.0, 0.0]]), dim=1)
    spy = Spy((unit, torch.tensor([[1.0, 0.0], [1.0, 0.0]])))
    frames = torch.rand(2, 5, 3, 8, 8)
    mel = torch.rand(2, 80, 16)
    loss = losses.sync(spy, frames, mel)
    assert float(loss) == pytest.approx((-math.log(math.sqrt(.5)) + 0) / 2, abs=1e-5)      # label 1 for both
    assert torch.equal(spy.shown[0][1, 6:9], frames[1, 2, :, 4:]) and torch.equal(spy.shown[1][:, 0], mel)


def test_emotion_is_asked_of_frames_in_their_order_and_weighed():
    logits = torch.tensor([[0.0] * 6, [9.0] + [0.0] * 5, [0.0] * 6])
    spy, frames = Spy(logits), torch.rand(3, 5, 3, 8, 8)
    loss = losses.emotion(spy, frames, torch.tensor([2, 1, -1]), torch.tensor([1.0, .5, 1.0]))
    wrong = 9 + math.log(1 + 5 * math.exp(-9))
    assert float(loss) == pytest.approx((math.log(6) + .5 * wrong) / 1.5, abs=1e-4)       # -1 does not count
    assert torch.equal(spy.shown[0], frames)                   # (B, T, 3, S, S), nothing turned or reshaped
    assert float(losses.emotion(spy, frames, torch.full((3,), -1))) == 0


def test_frames_of_another_size_are_shrunk_whole():
    frames = torch.zeros(2, 5, 3, 16, 16)
    frames[1, 3, 2, :8, 8:] = 1                                # one colour of one frame, the upper right
    small = losses.sized(frames, 8)
    assert small.shape == (2, 5, 3, 8, 8) and small[1, 3, 2, :3, 5:].min() > .99
    small[1, 3, 2] = 0
    assert small.abs().max() == 0


def test_balance_of_the_quality_discriminator_is_ln_2():
    zero = torch.zeros(7)
    assert float(losses.looks_true(zero, 1.0)) == pytest.approx(math.log(2))
    assert losses.looks_true(zero + 3, 1.0) < .1 < 2 < losses.looks_true(zero + 3, 0.0)


def test_an_expert_gives_gradients_and_takes_none_and_its_batch_norm_sees_no_batch(tmp_path):
    torch.manual_seed(0)
    checkpoint.save(syncnet.SyncNet(syncnet.PROFILES["ci"]), tmp_path, "syncnet", {})
    expert = checkpoint.load("syncnet", syncnet.SyncNet, syncnet.SyncNetConfig, tmp_path)[0]
    before = {k: v.clone() for k, v in expert.state_dict().items()}
    frames, mel = torch.rand(4, 5, 3, 48, 48, requires_grad=True), torch.randn(4, 80, 16)
    losses.sync(expert, frames, mel).backward()
    assert frames.grad.abs().sum() > 0 and all(p.grad is None for p in expert.parameters())
    assert all(torch.equal(before[k], v) for k, v in expert.state_dict().items())
    with torch.no_grad():
        alone = losses.cosines(expert, frames[:1], mel[:1])
        torch.testing.assert_close(losses.cosines(expert, frames, mel)[:1], alone)      # whoever else is in the batch


# ---- perceptual -----------------------------------------------------------------------------------------------------
def test_perceptual_is_a_mean_over_maps_and_whole_frames():
    shown = []

    def maps(network, x):
        shown.append(x)
        return [x, 2 * x[..., :1]]

    loss = losses.Perceptual(torch.nn.Linear(1, 1), maps, "two maps")
    drawn, target = torch.full((2, 5, 3, 4, 4), .5, requires_grad=True), torch.full((2, 5, 3, 4, 4), .25)
    value = loss(drawn, target)
    assert value.item() == pytest.approx((.25 + .5) / 2) and shown[0].shape == (10, 3, 4, 4)
    value.backward()
    assert drawn.grad.abs().min() >= 0 and not loss.train().training


def test_vgg19_gets_rgb_with_imagenets_mean_and_deviation():
    network = losses.Vgg19()
    seen = []
    network.features[0].register_forward_hook(lambda layer, given, out: seen.append(given[0]))
    grey = torch.tensor([.485, .456, .406])[None, :, None, None].expand(1, 3, 32, 32)     # R, G, B in this order
    maps = network(grey + torch.tensor([.229, 0, 0])[None, :, None, None])
    torch.testing.assert_close(seen[0][0, :, 0, 0], torch.tensor([1.0, 0, 0]), atol=1e-5, rtol=0)
    assert [m.shape[1:] for m in maps] == [(64, 32, 32), (128, 16, 16), (256, 8, 8), (512, 4, 4), (512, 2, 2)]
    assert all(isinstance(network.features[k], torch.nn.ReLU) for k in losses.VGG19_LAYERS)
    assert min(float(m.min()) for m in maps) == 0               # after the ReLU


def test_vgg19_is_torchvisions():
    import torchvision

    torch.manual_seed(0)
    theirs = torchvision.models.vgg19(weights=None).features[:32].eval()
    ours = losses.Vgg19()
    ours.load_state_dict({f"features.{k}": v for k, v in theirs.state_dict().items()})
    x = torch.rand(1, 3, 32, 32)
    torch.testing.assert_close(ours(x)[-1], theirs((x - ours.mean) / ours.std))


def test_vgg19s_weights_come_by_torchvisions_name_and_checksum(tmp_path, monkeypatch):
    """What torchvision names is taken out of torch's cache, without the layers that are not used and unpickling
    nothing but tensors; nothing is imported before it is asked for."""
    import subprocess
    import sys
    from types import SimpleNamespace

    torch.manual_seed(0)
    ours, asked = losses.Vgg19(), {}
    whole = {f"features.{k}": v for k, v in ours.features.state_dict().items()}
    whole |= {"features.34.weight": torch.zeros(1), "classifier.0.weight": torch.zeros(1)}
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "vgg19-e3b0c442.pth").write_bytes(b"")           # the sha256 of nothing
    entry = SimpleNamespace(url="https://nowhere.example/vgg19-e3b0c442.pth",
                            get_state_dict=lambda **given: asked.update(given) or whole)
    monkeypatch.setattr("torchvision.models.VGG19_Weights", SimpleNamespace(IMAGENET1K_V1=SimpleNamespace(
        transforms=lambda: SimpleNamespace(mean=[0, 0, 0], std=[1, 1, 1]), **vars(entry))))
    loss = losses.vgg19()
    assert loss.name == "vgg19" and asked["check_hash"] and asked["weights_only"]
    assert all(torch.equal(v, ours.features.state_dict()[k]) for k, v in loss.network.features.state_dict().items())
    code = "import sys, tfg.experts.losses; assert 'torchvision' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.fixture
def offline(tmp_path, monkeypatch):
    """No cache, no network; the waits are noted."""
    waits = []

    def refuse(request, timeout=None):
        waits.append(timeout)
        raise urllib.error.URLError("no route")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setattr("urllib.request.urlopen", refuse)
    return waits


def test_offline_our_own_encoder_takes_vgg19s_place_and_the_log_says_so(offline, tmp_path, caplog):
    checkpoint.save(encoder.FaceEncoder(encoder.PROFILES["ci"]), tmp_path, "encoder", {})
    with caplog.at_level(logging.INFO, "tfg"):
        loss = losses.perceptual("auto", tmp_path)
    assert loss.name == "encoder" and "our own face encoder" in caplog.text
    assert len(offline) == 1 and offline[0] <= 5                # it does not hang
    drawn = torch.rand(1, 2, 3, 48, 48, requires_grad=True)
    loss(drawn, torch.rand(1, 2, 3, 48, 48)).backward()
    assert drawn.grad.abs().sum() > 0 and losses.perceptual("none") is None


def test_what_cannot_be_had_is_said(offline, tmp_path):
    with pytest.raises(InputError, match="VGG19's weights are not in .* --perceptual encoder"):
        losses.perceptual("vgg19")
    with pytest.raises(InputError, match="tfg train encoder"):
        losses.perceptual("encoder", tmp_path / "nowhere")
    with pytest.raises(InputError, match="perceptual is 'eye'"):
        losses.perceptual("eye")
    cache = tmp_path / "hub" / "checkpoints"
    cache.mkdir(parents=True)
    (cache / "vgg19-dcbb9e9d.pth").write_bytes(b"something else")
    with pytest.raises(InputError, match="wrong checksum"):
        losses.perceptual("vgg19")


def test_mouths_and_masks_scale_with_the_crop():
    for size in (48, 192):
        assert losses.mouth_area(size).mean() == pytest.approx(losses.mouth_area(96).mean(), abs=.003)
        assert np.isclose(face_mask(size).mean(), face_mask(96).mean(), atol=.003)
