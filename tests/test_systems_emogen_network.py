"""The networks of `emogen`: shapes, ranges, what depends on what, and the paper's size in one training step."""
from __future__ import annotations

import numpy as np
import pytest
import torch

from tfg.experts import quality
from tfg.experts.emotion import network as emotion
from tfg.experts.emotion.network import EmotionNet
from tfg.experts.quality import QualityNet
from tfg.experts.syncnet import network as syncnet
from tfg.experts.syncnet.network import SyncNet, agreement, lower_half, sync_loss
from tfg.networks.blocks import fold_time, n_parameters, unfold_time
from tfg.systems.emogen import network as emogen
from tfg.systems.emogen.network import Emogen


def parts(config, batch=2, frames=5, seed=0):
    g = torch.Generator().manual_seed(seed)
    s = config.size
    return (torch.rand(batch, frames, 80, 16, generator=g), torch.eye(6)[torch.arange(batch) % 6],
            torch.rand(batch, frames, 3, s, s, generator=g), torch.rand(batch, frames, 3, s, s, generator=g))


def test_folding_keeps_frames_whole():
    x = torch.arange(2 * 3 * 4 * 2 * 2).reshape(2, 3, 4, 2, 2)
    folded = fold_time(x)
    assert torch.equal(folded[4], x[1, 1]) and torch.equal(unfold_time(folded, 3), x)
    with pytest.raises(ValueError, match="not a whole number"):
        unfold_time(folded, 4)


@pytest.mark.parametrize("frames", [1, 3, 5])
def test_the_generator_draws_any_number_of_frames(frames):
    config = emogen.PROFILES["ci"]
    out = Emogen(config)(*parts(config, 3, frames))
    assert out.shape == (3, frames, 3, config.size, config.size) and 0 <= out.min() and out.max() <= 1


def test_a_frame_depends_on_its_own_sound_and_reference_only():
    config = emogen.PROFILES["ci"]
    network = Emogen(config).eval()
    mel, feeling, masked, reference = parts(config)
    before = network(mel, feeling, masked, reference)
    changed = mel.clone()
    changed[1, 3] += 1
    moved = (network(changed, feeling, masked, reference) - before).abs().amax((2, 3, 4)) > 0
    assert moved.nonzero().tolist() == [[1, 3]]
    moved = (network(mel, feeling.flip(1), masked, reference) - before).abs().amax((2, 3, 4)) > 0
    assert moved.all()                                  # each frame hears the emotion


def test_every_input_matters_to_the_gradient():
    config = emogen.PROFILES["ci"]
    inputs = [x.requires_grad_() for x in parts(config)]
    Emogen(config)(*inputs).square().mean().backward()
    assert all(x.grad.abs().sum() > 0 for x in inputs)


def test_shapes_that_do_not_fit_are_named():
    config = emogen.PROFILES["ci"]
    mel, feeling, masked, reference = parts(config)
    with pytest.raises(ValueError, match=r"\(2, 4, 80, 16\)"):
        Emogen(config)(mel[:, :4], feeling, masked, reference)
    with pytest.raises(ValueError, match=r"\(1, 1, 16, 80\)"):
        SyncNet(syncnet.PROFILES["ci"]).embed_sound(torch.zeros(1, 1, 16, 80))
    with pytest.raises(ValueError, match=r"\(2, 3, 5, 48, 48\)"):
        EmotionNet(emotion.PROFILES["ci"])(torch.zeros(2, 3, 5, 48, 48))
    with pytest.raises(ValueError, match="size 96"):
        Emogen(emogen.EmogenConfig(size=128))
    with pytest.raises(ValueError, match="face, crop"):
        Emogen(emogen.EmogenConfig(mask="half"))
    with pytest.raises(ValueError, match=r"\(2, 5, 3, 48, 48\)"):
        QualityNet(quality.PROFILES["ci"])(torch.zeros(2, 5, 3, 48, 48))


def test_syncnet_gives_cosines_that_cross_entropy_can_take():
    config = syncnet.PROFILES["ci"]
    network = SyncNet(config)
    faces = lower_half(torch.rand(6, 5, 3, config.size, config.size))
    assert faces.shape == (6, 15, config.size // 2, config.size)
    a, b = network(faces, torch.randn(6, 1, 80, 16))
    cosine = agreement(a, b)
    torch.testing.assert_close(a.norm(dim=1), torch.ones(6))
    assert (cosine >= 0).all() and (cosine <= 1 + 1e-5).all()
    right, wrong = (sync_loss(a, a, torch.full((6,), v)) for v in (1.0, 0.0))
    assert right < .01 < 5 < wrong


def test_grey_frames_see_movement_and_neither_colour_nor_light():
    torch.manual_seed(0)
    config = syncnet.PROFILES["cpu"]
    network = SyncNet(config).eval()
    frames = torch.rand(4, 5, 3, 64, 64) * .5 + .2
    luma = torch.tensor(syncnet.LUMA)[:, None, None]
    grey = (frames * luma).sum(2, keepdim=True).expand(-1, -1, 3, -1, -1)
    here = network.embed_faces(lower_half(frames))
    assert here.shape == (4, 128) and here.min() >= 0
    for same in (grey, frames + .1):
        torch.testing.assert_close(network.embed_faces(lower_half(same)), here, atol=1e-4, rtol=1e-3)
    for other in (frames.flip(1), frames[:, [0, 1, 3, 2, 4]], frames.roll(2, -1)):
        assert (network.embed_faces(lower_half(other)) - here).abs().max() > 1e-3
    alone = SyncNet(config).face                          # each part learns, and the batch does not mix
    alone(lower_half(frames)).sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in alone.parameters() if p.ndim > 1)
    torch.testing.assert_close(network.embed_faces(lower_half(frames[2:3])), here[2:3], atol=1e-5, rtol=1e-4)


def test_lower_half_is_the_lower_half():
    frames = torch.zeros(1, 5, 3, 8, 8)
    frames[:, 2, 1, 4:] = 1
    out = lower_half(frames)
    assert out[0, 7].min() == 1 and out.sum() == 32      # channel 3 * 2 + 1, all of its 4 x 8


def test_emotion_hears_the_order_of_frames():
    config = emotion.PROFILES["ci"]
    network = EmotionNet(config).eval()
    frames = torch.rand(2, 5, 3, config.size, config.size)
    assert network(frames).shape == (2, 6)
    assert not torch.allclose(network(frames), network(frames.flip(1)), atol=1e-7)


# ---- what is hidden -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("size", [48, 96])
def test_the_mask_is_a_soft_oval_over_the_face(size):
    mask = emogen.face_mask(size)
    at = [int(v * size) for v in (.02, .3, .5, .7, .93)]
    assert mask.shape == (size, size) and mask.dtype == np.float32 and mask.min() == 0 and mask.max() == 1
    assert (mask == mask[:, ::-1]).all()
    assert mask[at[4], at[2]] == 1 and mask[at[1], at[1]] == 1        # an open jaw's chin; a brow
    assert mask[0].max() == 0 and mask[-1].max() < .15 and mask[:, at[0]].max() == 0      # hair, below, ears
    assert np.abs(np.diff(mask)).max() < 33 / size                           # no hard edge
    assert (emogen.face_mask(size, "crop") == 1).all()
    with pytest.raises(ValueError, match="'nose'"):
        emogen.face_mask(size, "nose")


def test_nothing_of_the_face_is_left_and_all_around_it_stays():
    mask = torch.from_numpy(emogen.face_mask(96))
    frames = torch.rand(2, 5, 3, 96, 96) + .1
    hidden = emogen.hide(frames, mask)
    assert (hidden[..., mask > 0] == 0).all() and torch.equal(hidden[..., mask == 0], frames[..., mask == 0])
    assert .3 < (mask == 0).float().mean() < .6
    drawn = torch.rand(2, 5, 3, 96, 96)
    placed = emogen.compose(drawn, frames, mask)
    assert torch.equal(placed[..., mask == 0], frames[..., mask == 0])
    torch.testing.assert_close(placed[..., mask == 1], drawn[..., mask == 1])
    assert (emogen.hide(frames, torch.ones(96, 96)) == 0).all()       # as published: everything


def test_feelings_sum_to_one():
    assert emogen.feeling("SAD").tolist() == [0, 0, 0, 0, 0, 1]
    np.testing.assert_allclose(emogen.feeling("HAP", .25), [0, 0, 0, .25, .75, 0])
    for intensity in (0, .4, 1):
        assert emogen.feeling("NEU", intensity).tolist() == [0, 0, 0, 0, 1, 0]


@pytest.mark.parametrize("profile", ["cpu", "gpu"])
def test_the_generator_can_have_the_experts_ears(profile):
    torch.manual_seed(0)
    generator, expert = Emogen(emogen.PROFILES[profile]), SyncNet(syncnet.PROFILES[profile])
    before = [p.clone() for p in generator.face.parameters()]
    taken = emogen.init_sound_encoder(generator, expert)
    assert taken > .9 * sum(v.numel() for v in generator.sound.state_dict().values())
    mel = torch.randn(3, 1, 80, 16)
    torch.testing.assert_close(generator.eval().sound[:4](mel), expert.eval().sound[:4](mel))
    assert all(torch.equal(a, b) for a, b in zip(before, generator.face.parameters()))
    other = SyncNet(syncnet.SyncNetConfig((4, 8, 8, 16, 16), 0, 32))
    assert emogen.init_sound_encoder(generator, other) < .01 * taken             # what does not fit stays


@pytest.mark.parametrize("build, count", [
    (lambda: SyncNet(syncnet.PROFILES["gpu"]), (12e6, 20e6)),
    (lambda: EmotionNet(emotion.PROFILES["gpu"]), (14e6, 18e6)),
    (lambda: QualityNet(quality.PROFILES["gpu"]), (9e6, 13e6)),
    (lambda: Emogen(emogen.PROFILES["gpu"]), (30e6, 50e6))])
def test_the_paper_size_takes_a_step(build, count):
    torch.manual_seed(0)
    network = build()
    assert count[0] < n_parameters(network) < count[1]
    optimiser = torch.optim.Adam(network.parameters(), 1e-4, betas=(.5, .999))
    if isinstance(network, SyncNet):
        loss = sync_loss(*network(torch.rand(2, 15, 48, 96), torch.randn(2, 1, 80, 16)), torch.tensor([1.0, 0.0]))
    elif isinstance(network, EmotionNet):
        loss = torch.nn.functional.cross_entropy(network(torch.rand(2, 5, 3, 96, 96)), torch.tensor([0, 5]))
    elif isinstance(network, QualityNet):
        loss = network(torch.rand(2, 3, 96, 96)).square().mean()
    else:
        loss = network(*parts(network.config, 1, 2)).sub(.5).abs().mean()
    before = [p.detach().clone() for p in network.parameters()]
    loss.backward()
    optimiser.step()
    assert all(torch.isfinite(p).all() for p in network.parameters())
    assert sum(not torch.equal(a, b) for a, b in zip(before, network.parameters())) >= len(before) - 2


def test_a_store_of_looser_crops_is_refused(tmp_path):
    from types import SimpleNamespace

    from tfg.errors import InputError
    from tfg.systems.emogen.network import MARGIN, check_crops

    store = SimpleNamespace(path=tmp_path)
    check_crops(store)                                                    # one that does not say
    (tmp_path / "prepare.json").write_text('{"margin": [0.25, 0.55, 0.25, 0.2]}')
    with pytest.raises(InputError, match="margins 0.25, 0.55.*--size 96 --margin 0.05,0.15,0.05,0.08"):
        check_crops(store)
    (tmp_path / "prepare.json").write_text(f'{{"margin": {list(MARGIN)}}}')
    check_crops(store)
