"""PoseVAE: its parts, and the motions of the network that ships."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from tfg import paths
from tfg.errors import InputError
from tfg.media.audio import load_audio, mel_spectrogram, mel_window
from tfg.metrics.motion import accents, beat_alignment, difference, response
from tfg.networks.blocks import n_parameters
from tfg.speech.features import speech_mean
from tfg.systems.expression.posevae import network as p
from tfg.systems.expression.posevae.data import PARTS, Chunks, Way, corpus, move, ways
from tfg.systems.expression.posevae.evaluate import seam_speed
from tfg.systems.expression.posevae.parts import PoseJudge
from tfg.systems.expression.posevae.sound import heard_by
from tfg.systems.expression.posevae.train import divergence, train_posevae

SR = 16000


@pytest.fixture(scope="module")
def voice() -> np.ndarray:
    """20 s of the two sentences that ship, with pauses between them."""
    parts = [load_audio(paths.data("audio", name)) for name in ("DFA.wav", "ITH.wav")]
    pieces = [np.concatenate([parts[k % 2], np.zeros(2000 * (k % 3), np.float32)]) for k in range(12)]
    return np.concatenate(pieces)[:20 * SR]


@pytest.fixture(scope="module")
def all_styles(voice) -> np.ndarray:
    """(46, 500, 6) one motion of each style."""
    network, _ = p.load()
    return p.generate(network, mel_spectrogram(voice), range(p.STYLES), range(p.STYLES), 500)


# ---- parts ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("profile", p.PROFILES)
def test_shapes(profile):
    config = p.PROFILES[profile]
    network = p.PoseVAE(config).eval()
    before, chunk = torch.randn(2, config.context, 6), torch.randn(2, p.CHUNK, 6)
    style = torch.tensor([0, 45])
    heard = torch.randn(2, p.CHUNK, 80, 16)
    stress, answer, drawn, new, middle, mean, logvar = network(heard, style, before, chunk)
    assert stress.shape == (2, p.CHUNK, config.features)
    assert answer.shape == drawn.shape == new.shape == middle.shape == (2, p.CHUNK, 6)
    assert mean.shape == logvar.shape == (2, config.latent)
    assert torch.isfinite(drawn).all() and not torch.equal(drawn, new)
    assert PoseJudge(config.judge)(torch.randn(2, config.context + p.CHUNK, 6)).ndim == 2


def test_the_large_one_has_the_published_sizes():
    network = p.PoseVAE()
    assert network.encoder[0].in_features == 454 and network.encoder[0].out_features == 128
    assert (network.decoder[0].in_features, network.decoder[2].in_features, network.decoder[2].out_features) == \
        (262, 128, 192)
    assert network.mean.out_features == network.logvar.out_features == 64 and network.style.shape == (46, 64)
    assert 5e6 < n_parameters(network) < 6.5e6


def test_logvar_has_a_layer_of_its_own():
    torch.manual_seed(0)
    network = p.PoseVAE(p.PROFILES["ci"]).eval()
    given = (torch.randn(3, 32, 6), torch.randn(3, 4, 6), torch.randn(3, 32, 4), torch.tensor([1, 2, 3]))
    mean, logvar = network.encode(*given)
    assert not torch.allclose(mean, logvar)
    with torch.no_grad():
        network.logvar.weight.zero_()
        network.logvar.bias.fill_(.5)
    again, constant = network.encode(*given)
    assert torch.equal(mean, again) and (constant == .5).all()


def test_a_frame_hears_what_the_one_map_of_time_says(voice):
    mel = mel_spectrogram(voice)
    mean = speech_mean(mel)
    heard = p.hear(mel, mean, np.arange(-2, 40))
    for frame in (0, 1, 7, 39):
        np.testing.assert_allclose(heard[frame + 2], mel_window(mel, frame, 16) - mean, atol=1e-6)


def test_poses_are_kept_within_reach():
    network = p.PoseVAE(p.PROFILES["ci"])
    network.reach.copy_(torch.tensor([4.0, 4, 4, 2, 2, 2]))
    x = torch.linspace(-50, 50, 2001)[:, None].expand(-1, 6)
    y = network.limit(x)
    assert (y.abs() <= network.reach).all() and (y.diff(dim=0) >= 0).all()
    inside = x.abs() <= .75 * network.reach
    torch.testing.assert_close(y[inside], x[inside])


def test_every_style_is_another_and_reaches_the_motion():
    """Each bias has an effect of its own on what is drawn, and a gradient."""
    network = p.load()[0]
    before, heard = torch.zeros(46, network.config.context, 6), torch.zeros(46, 32, network.config.features)
    with torch.no_grad():
        drawn = network.decode(torch.ones(46, network.config.latent), before, heard, torch.arange(46))
    away = torch.cdist(drawn.flatten(1), drawn.flatten(1)) + torch.eye(46)
    assert away.min() > .1


# ---- motions ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("samples, frames", [(1, 1), (640, 1), (641, 2), (31 * 640, 31), (32 * 640, 32), (33 * 640, 33),
                                             (24 * 640, 24), (100 * 640 - 5, 100)])
def test_any_length(voice, samples, frames):
    pose = p.predict(voice[:samples])
    assert pose.shape == (frames, 6) and pose.dtype == np.float32 and np.isfinite(pose).all()


def test_same_seed_same_bytes(voice, tmp_path):
    from tfg.media.audio import write_wav

    a, b = (p.predict(voice[:6 * SR], style=7, seed=5) for _ in range(2))
    assert a.tobytes() == b.tobytes()
    for other in (p.predict(voice[:6 * SR], style=7, seed=6), p.predict(voice[:6 * SR], style=8, seed=5)):
        assert np.abs(a - other)[:, :3].max() > .3
    write_wav(tmp_path / "v.wav", voice[:6 * SR])
    read = p.predict(tmp_path / "v.wav", style=7, seed=5)
    assert read.shape == a.shape and np.abs(read - a).max() < .2                         # 16 bits a sample
    np.testing.assert_array_equal(p.predict(mel_spectrogram(voice[:6 * SR]), style=7, seed=5), a)


def test_a_clip_in_blocks_is_the_clip_in_one_piece(voice, monkeypatch):
    whole = p.predict(voice, style=3)
    heard, given = [], p.hear

    def counted(mel, mean, frames):
        heard.append(len(frames))
        return given(mel, mean, frames)

    monkeypatch.setattr(p, "hear", counted)
    monkeypatch.setattr(p, "BLOCK", 10 * (p.CHUNK - p.OVERLAP))
    np.testing.assert_allclose(p.predict(voice, style=3), whole, atol=1e-4)
    assert max(heard) <= 10 * 24 + 8 and sum(heard) < 1.15 * len(whole)                  # memory and time a frame


def test_it_starts_near_rest_and_stays_near_for_minutes(voice):
    long = np.tile(voice, 9)                                                             # 3 minutes
    pose = p.predict(long, style=0, seed=2)
    assert pose.shape == (4500, 6) and np.abs(pose[0, :3]).max() < .5 and np.abs(pose[0, 3:]).max() < .003
    assert np.abs(pose[:, :3]).max() < 9 and np.abs(pose[:, 3:]).max() < .05
    minutes = pose.reshape(3, 1500, 6)
    assert np.abs(minutes.mean(1)[:, :3]).max() < 1.2                                    # no wandering off
    assert (minutes[2].std(0) > .5 * minutes[0].std(0)).all() and (minutes[2].std(0) < 2 * minutes[0].std(0)).all()


def test_all_styles_begin_at_rest_and_leave_it_gently(all_styles):
    assert np.abs(all_styles[:, 0]).max() < 1e-5
    assert np.abs(np.diff(all_styles[:, :16, :3], axis=1)).max() < 1.5


def test_styles_move_as_they_were_taught(all_styles):
    """Sway of the 46 ways, axis by axis, and their answers to stress."""
    taught = np.log([way.sway for way in ways()])
    made = np.log(all_styles.std(1))
    assert np.corrcoef((made - made.mean(0)).ravel(), (taught - taught.mean(0)).ravel())[0, 1] > .6
    calm, lively = np.argsort(taught[:, 0])[[0, -1]]
    assert all_styles[lively, :, 0].std() > 2 * all_styles[calm, :, 0].std()
    assert difference(all_styles)[:3].min() > .3


def test_seams_are_not_faster_than_the_rest(all_styles):
    assert .8 < seam_speed(all_styles) < 1.15
    jerk = np.linalg.norm(np.diff(all_styles[..., :3], 2, axis=1), axis=2)
    at = np.arange(1, 499) % (p.CHUNK - p.OVERLAP)
    assert jerk[:, at < p.OVERLAP].max() < 1.5 * jerk[:, at >= p.OVERLAP].max()


def test_the_head_answers_stressed_syllables(voice, all_styles):
    """Averaged over styles that dip the chin, the head goes down at a stressed syllable, and not at other moments."""
    nods = [k for k, way in enumerate(ways()) if way.nod[1] < -.8]
    beats = accents(voice)
    assert len(beats) > 8 and len(nods) > 8
    curve = np.mean([response(all_styles[k], beats)[:, 1] for k in nods], 0)             # pitch
    assert curve.argmin() in range(10, 16) and curve.min() < -.3
    moved = np.nanmean([beat_alignment(all_styles[k], beats) for k in nods])
    elsewhere = np.nanmean([beat_alignment(all_styles[k], (beats + 7.77) % 20) for k in nods])
    assert moved > elsewhere + .05


def test_a_silent_room_still_has_a_living_head():
    pose = p.predict(np.zeros(20 * SR, np.float32), seed=1)
    assert .1 < pose[:, :3].std(0).mean() < 3 and np.abs(np.diff(pose[:, :3], axis=0)).max() < 1.5


@pytest.mark.parametrize("style", [46, -1, True, 1.5, "lively", None])
def test_what_is_no_style(voice, style):
    with pytest.raises(InputError, match="pose style is .* from 0 to 45"):
        p.predict(voice[:SR], style=style)


@pytest.mark.parametrize("audio, seed, word", [
    (np.zeros(0), 0, "shape"), (np.zeros((3, 5)), 0, "shape"), (np.array([0, np.nan]), 0, "not numbers"),
    (np.zeros(640), -1, "seed is -1"), (np.zeros(640), .5, "seed is 0.5")])
def test_what_else_is_refused(audio, seed, word):
    with pytest.raises(InputError, match=word):
        p.predict(audio, seed=seed)


def test_weights_that_are_not_there(tmp_path):
    with pytest.raises(InputError, match="posevae"):
        p.predict(np.zeros(640), folder=tmp_path)


# ---- the rules it learned from --------------------------------------------------------------------------------------
def test_there_are_46_ways_and_the_first_is_the_actors_own():
    assert len(set(ways())) == 46 == p.STYLES and ways()[0] == Way()


def test_ways_mark_stress_in_their_own_directions():
    level = np.full(200, -40.0)
    for at in (50, 110, 170):
        level[at - 4:at + 5] = -30 + 30 * np.exp(-.5 * (np.arange(-4, 5) / 1.5) ** 2)
    still = (0.0,) * 6
    for axis in range(3):
        nod = tuple(2.0 * (k == axis) for k in range(6))
        pose = move(Way(sway=still, nod=nod, lift=0.0), level, 200, seed=1)
        moved = np.abs(pose).max(0)
        assert moved[axis] > .5 and moved[[k for k in range(6) if k != axis]].max() == 0
        assert min(abs(pose[:, axis].argmax() - at) for at in (50, 110, 170)) <= 1
    assert (move(Way(sway=still), None, 200) == 0).all()
    assert (move(Way(), level, 200, seed=1)[0] == 0).all()


def test_faster_ways_are_faster():
    slow, fast = (move(Way(hz=hz), None, 3000, seed=4) for hz in (.2, .6))
    assert np.abs(np.diff(fast, axis=0)).mean() > 2 * np.abs(np.diff(slow, axis=0)).mean()


def test_divergence_is_that_of_two_normals():
    mean, logvar = torch.randn(5, 3), torch.randn(5, 3)
    true = torch.distributions.kl_divergence(torch.distributions.Normal(mean, (.5 * logvar).exp()),
                                             torch.distributions.Normal(torch.zeros(5, 3), torch.ones(5, 3)))
    torch.testing.assert_close(divergence(mean, logvar), true)


# ---- other ears -----------------------------------------------------------------------------------------------------
def test_the_one_that_ships_hears_mels_as_before_there_was_a_choice(voice):
    network, card = p.load()
    assert "hearing" not in card["config"] and network.config.hearing == "mel" and p.profile("cpu") == p.PROFILES["cpu"]
    mel = mel_spectrogram(voice)
    sound, total = heard_by("mel", voice)
    np.testing.assert_array_equal(sound, mel)
    assert total == 500 and heard_by("mel", mel)[1] == 500
    torch.manual_seed(3)
    first = p.PoseVAE(p.PROFILES["ci"]).ear[1].weight
    torch.manual_seed(3)
    assert torch.equal(first, torch.nn.Linear(80 * 16, 16).weight)                       # a seed draws the same network


@pytest.mark.parametrize("profile", p.PROFILES)
def test_shapes_of_speech_features(profile, voice):
    config = p.profile(profile, "speech")
    network = p.PoseVAE(config).eval()
    found, total = heard_by("speech", voice[:100 * 640 - 5])
    assert found.shape == (100, 768) and total == 100
    heard = p.hear(found, None, np.arange(90, 122))
    assert heard.shape == (p.CHUNK, 768) and heard.dtype == np.float32
    np.testing.assert_array_equal(heard[:10], found[90:])
    np.testing.assert_array_equal(heard[10:], np.repeat(found[-1:], 22, 0))              # beyond the end: the last
    assert network.hear(torch.from_numpy(heard[None])).shape == (1, p.CHUNK, config.features)
    if profile != "gpu":                                       # one sound, several heads, frames of its own number
        assert p.generate(network, found, [0, 9], [1, 2], total).shape == (2, 100, 6)


def test_what_no_posevae_can_hear():
    with pytest.raises(InputError, match="no profile 'cpu' that hears 'smell'"):
        p.profile("cpu", "smell")
    with pytest.raises(InputError, match="pass the sound"):
        heard_by("speech", np.zeros((80, 100)))
    with pytest.raises(ValueError, match="hearing must be one of mel, speech"):
        p.PoseVAE(replace(p.PROFILES["ci"], hearing="smell"))
    with pytest.raises(ValueError, match="five widths hear mel windows"):
        p.PoseVAE(p.PoseVAEConfig(hearing="speech"))


@pytest.fixture(scope="module")
def listener(tmp_path_factory):
    """A network trained on speech features in seconds: its folder, its card, and the clips it learned from."""
    size = dict(voices=(2, 1, 1), motions=2, copies=1, seconds=4.0)
    clips = {part: corpus("ci", 0, part, hearing="speech", size=size) for part in PARTS}
    out = tmp_path_factory.mktemp("listener")
    return out, train_posevae(out, profile="ci", steps=4, hearing="speech", clips=clips, progress=False)[1], clips


def test_a_network_learns_from_speech_features_and_says_so(listener, voice):
    out, card, _ = listener
    network, _ = p.load(out)
    assert network.config.hearing == card["config"]["hearing"] == "speech" and "Whisper" in card["task"]
    assert "--hearing speech" in card["command"] and "Whisper" in card["licence"]
    pose = p.predict(voice[:6 * SR], style=7, seed=5, folder=out)
    assert pose.shape == (150, 6) and np.isfinite(pose).all()
    with pytest.raises(InputError, match="pass the sound"):
        p.predict(mel_spectrogram(voice), folder=out)


def test_features_are_cut_with_their_frames(listener):
    clips = listener[2]
    train = clips["train"][0]
    assert len(train.heard) == 2 and len(clips["val"][0].heard) == 1                     # as it was, and degraded
    assert all(x.shape == (100, 768) for x in train.heard) and not np.array_equal(*train.heard)
    np.testing.assert_allclose(train.sound("speech"), heard_by("speech", train.audio)[0], atol=5e-3)
    batch = Chunks([train], 4, np.ones((46, 6), np.float32), 0, hearing="speech").batch(0, np.arange(12))
    assert batch["windows"].shape == (12, p.CHUNK, 768)
    for windows, stress in zip(batch["windows"], batch["stress"]):
        start = [k for k in range(69) if np.array_equal(train.stress[k:k + p.CHUNK], stress)]
        assert any(np.array_equal(windows, x[k:k + p.CHUNK].astype(np.float32)) for k in start for x in train.heard)
    other = corpus("ci", 0, "val", size=dict(voices=(2, 1, 1), motions=2, copies=1, seconds=4.0))
    np.testing.assert_array_equal(other[0].poses, clips["val"][0].poses)                 # the same but for the ears
    with pytest.raises(InputError, match="no speech features"):
        Chunks(other, 4, np.ones((46, 6), np.float32), 0, hearing="speech").batch(0, [0])


def test_a_stream_refuses_a_network_that_needs_what_comes(listener):
    from tfg.systems.expression.live import LiveMotion
    from tfg.systems.expression.options import ExpressionOptions

    with pytest.raises(InputError, match="PoseVAE in .* train posevae --hearing mel"):
        LiveMotion(np.zeros(52, np.float32), ExpressionOptions(posevae=listener[0]))


def test_the_command_line_says_how_to_hear(monkeypatch):
    from tfg.cli import main
    from tfg.systems.expression.posevae import train as t

    given = {}
    monkeypatch.setattr(t, "train_posevae", lambda **kw: given.update(kw) or (None, {"scores": {}}))
    assert main(["train", "posevae", "--out", "o", "--hearing", "speech"]) == 0 and given["hearing"] == "speech"
    assert main(["train", "posevae", "--out", "o", "--hearing", "smell"]) == 2
