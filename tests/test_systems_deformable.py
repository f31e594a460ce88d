"""The parts of `deformable` that need no training: sound, noise, scenes, data, layers, generator, critics.

What the published code got wrong, by its letters in our list, and the test that holds ours to something else
(TRAIN: tests/test_systems_deformable_train.py, ACT: tests/test_systems_deformable_act.py):

    a  the deformable layer acts on a map of 1 x 1     test_deformable_layers_act_where_there_is_space,
                                                       test_offsets_follow_from_the_frame_that_is_drawn
    b  one and the same frame throughout               TRAIN test_it_learns_to_move_its_lips_by_the_sound
    c  the saved truth is the prediction               TRAIN test_the_sheet_shows_the_truth_beside_what_was_drawn
    d  one truth for the films of two emotions         ACT test_a_film_is_compared_with_the_truth_of_its_own_emotion
    e  the photo is frame 0 of the target clip         test_the_photo_is_of_another_take_and_neutral,
                                                       test_a_store_gives_photos_of_other_neutral_clips
    f  VGG sees BGR in [-1, 1]                         tests/test_experts_losses.py: RGB in [0, 1], normalised
    g  critics that cannot run or never step           test_critics_have_their_shapes,
                                                       TRAIN test_each_critic_steps_and_reaches_the_generator
    h  a file overrides the command line               TRAIN test_options_reach_the_run
    i  output folders are deleted, bool flags lie      TRAIN test_a_run_can_be_stopped_and_resumed,
                                                       TRAIN test_flags_are_read_as_they_are_meant
    j  splits are folders made by hand                 test_splits_are_of_different_people
    k  frames without a face shift the landmarks       ACT test_frames_without_a_face_stay_and_shift_nothing
"""
from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torchvision.ops import deform_conv2d

import small_scenes
from small_store import acted, make_store, splits_of
from tfg.actors.cast import Member
from tfg.corpora.augment import Augment
from tfg.errors import InputError
from tfg.networks.anchored import laid
from tfg.networks.blocks import n_parameters
from tfg.networks.warp import applied, warp
from tfg.systems.deformable import critics, data, ears, layers, moves, network, scenes, sound
from tfg.vocabulary import EMOTIONS

S = 64
CI = network.PROFILES["ci"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return small_scenes.make(tmp_path_factory.mktemp("scenes"), S)


@pytest.fixture
def net(one_thread):
    """A generator with random fields, so that sound moves something, in eval mode."""
    torch.manual_seed(0)
    made = network.Deformable(CI)
    torch.nn.init.normal_(made.common, std=.3)
    for layer in made.sampled.values():
        torch.nn.init.normal_(layer.where.weight, std=.1)
    return made.eval()


def inputs(frames: int, people: int = 2, seed: int = 0):
    torch.manual_seed(seed)
    felt = torch.softmax(torch.randn(people, 6), 1)
    return torch.rand(people, 3, S, S), .3 * torch.randn(people, sound.n_samples(frames)), felt, \
        torch.randn(people, frames, CI.noise)


# ---- sound ----------------------------------------------------------------------------------------------------------
def test_a_frame_is_heard_in_its_own_middle():
    """A click in the middle of a frame changes the features of that frame alike on both sides."""
    for context in (5, 17):
        made = ears.Ears((4, 4, 4, 4), 2, context, 3, False)
        made.norms = torch.nn.ModuleList([torch.nn.Identity()] * 4)
        frames, at = 9, 4
        middle = sound.around(context)[0] + sound.PER_FRAME * at + sound.PER_FRAME // 2
        reach = sound.STEP * context + sound.FIELD // 2                   # samples that a frame hears on each side
        silent = made(torch.zeros(1, sound.n_samples(frames, context)))
        for shift, hears in ((0, True), (reach - 1, True), (-reach + 1, True), (reach + 1, False), (-reach - 1, False)):
            wave = torch.zeros(1, sound.n_samples(frames, context))
            wave[0, middle + shift] = 100.0
            assert bool((made(wave)[0, at] != silent[0, at]).any()) == hears, (context, shift)


def test_parts_of_a_sound_are_the_same_however_it_is_cut():
    wave = np.random.default_rng(0).normal(size=sound.PER_FRAME * 10).astype(np.float32)
    whole = sound.part(wave, 0, 10)
    before, _ = sound.around()
    np.testing.assert_array_equal(sound.part(wave, 4, 7), whole[4 * 320:4 * 320 + sound.n_samples(3)])
    assert not whole[:before].any() and len(sound.part(wave, -8, 0)) == sound.n_samples(8)
    shorter = sound.cut(sound.part(wave, 4, 7), 5)
    np.testing.assert_array_equal(shorter, sound.part(wave, 4, 7, 5))


def test_what_is_heard_is_at_8_khz_with_its_peak_at_1():
    t = np.arange(16000 + 100) / 16000
    heard = sound.heard((.2 * np.sin(2 * np.pi * 440 * t)).astype(np.float32))
    assert len(heard) == 26 * sound.PER_FRAME and np.abs(heard).max() == pytest.approx(1, abs=1e-6)
    assert np.abs(np.fft.rfft(heard[:8000])).argmax() == 440
    assert not sound.heard(np.zeros(640, np.float32)).any()


def test_tuned_ears_tell_pitch_and_level_from_the_start():
    torch.manual_seed(0)
    bank = ears.tuned_filters(16)
    t = torch.arange(ears.KERNELS[0]) / sound.RATE
    heard = [(bank @ torch.sin(2 * torch.pi * hz * t)).reshape(2, 16).norm(dim=0).argmax().item()
             for hz in (120.0, 400.0, 1000.0, 2500.0)]
    assert heard == sorted(heard) and len(set(heard)) == 4
    with pytest.raises(ValueError, match="320 T"):
        ears.Ears((4, 4, 4, 4), 2, 17, 3, True)(torch.zeros(1, sound.n_samples(2) + 1))


# ---- noise ----------------------------------------------------------------------------------------------------------
def test_noise_blinks_and_another_seed_moves_otherwise():
    audio = np.random.default_rng(0).normal(0, .1, 16000 * 3).astype(np.float32)
    a, again, b = (moves.noise(audio, 75, 10, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(a, again)
    assert a.shape == (75, 10) and a[:, 0].max() == 1 and np.abs(a - b).mean() > .3
    assert moves.noise(audio, 75, 10, seed=1, blink=False)[:, 0].max() == 0
    plain = moves.noise(audio, 75, 10, seed=1, told=False)
    assert abs(plain[:, :6].std() - 1) < .1 and (plain[:, 6:] == a[:, 6:]).all()


# ---- scenes ---------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """A real actor's file: two takes, one scene each, and the speech of a third."""
    out = tmp_path_factory.mktemp("played")
    member = Member("V001", "virtual", 1, "train")
    scenes._play(out, member, ["We all went home early.", "The red door is open.", "Tell me more."], 3, takes=2, runs=1,
                 frames=4, emotions=EMOTIONS, size=S, mode=1, seed=0)
    (out / "scenes.json").write_text(json.dumps({"scenes": scenes.KIND.version, "size": S, "members": [{"name": "V001",
                                                                                     "split": "train"}]}))
    return out


def test_actors_scenes_have_the_arrays_of_the_tests_own(played, folder):
    real, ours = (dict(np.load(f / "V001.npz")) for f in (played, folder))
    assert set(real) == set(ours)
    for name in real:
        assert real[name].dtype == ours[name].dtype and real[name].ndim == ours[name].ndim, name
    assert real["wave"].shape[1] == sound.n_samples(sound.LEAD + 4) and real["said"].shape[1:] == (scenes.SAID, 28)
    assert np.abs(real["wave"]).max() > 1000 and 0 < real["said"].max() <= 1 and len(set(real["said_voice"])) > 1


def test_the_flow_leads_from_each_frame_into_the_photo(played):
    one = data.Scenes(played, "train", S, noise=8).batch(0, [0, 1])
    photo = torch.from_numpy(one["photo"]).float().repeat_interleave(4, 0)
    true = torch.from_numpy(one["frames"]).float().flatten(0, 1)
    flow = torch.from_numpy(one["flow"]).flatten(0, 1).permute(0, 3, 1, 2)
    known = torch.nn.functional.interpolate(torch.isfinite(flow[:, :1]).float(), scale_factor=2)
    flow = torch.nn.functional.interpolate(flow.nan_to_num(0), scale_factor=2, mode="bilinear")
    before, after = (((x - true).abs().mean(1, keepdim=True) * known).sum((1, 2, 3)) / known.sum((1, 2, 3))
                     for x in (photo, warp(photo, flow)))
    assert (after < before).float().mean() > .8 and after.mean() < .75 * before.mean()


def test_the_photo_is_of_another_take_and_neutral(monkeypatch):
    """The photo is asked of the other take, without its emotion; with closed lips its mouth is at rest."""
    asked = []

    class Actor:
        size, neutral = (S, S), np.zeros(52, np.float32)

        def personal(self, expression):
            return expression

    from tfg.actors.take import make_take, replay
    take = make_take("V001", 1, text="Hello there.", emotion="HAP", level="HI")
    calm = replay(take, "NEU").motion.expression
    for k in range(12):
        expression, pose = scenes._photo(Actor(), take, np.random.default_rng(k))
        asked.append(bool((expression[scenes.LIPS] == 0).all()))
        rest = np.delete(expression, [*scenes.LIPS, *scenes.index("eyeBlink")])
        near = np.abs(np.delete(calm, [*scenes.LIPS, *scenes.index("eyeBlink")], 1) - rest).max(1)
        assert near.min() < 1e-6 and pose.shape == (6,)
    assert 6 <= sum(asked) < 12


def test_a_mode_0_scene_holds_the_head_still():
    """The transform of each frame brings eyes and nose to where the photo's are."""
    rng = np.random.default_rng(0)
    still = rng.uniform(20, 40, (478, 3))
    crop = np.array([[1.5, 0, 3], [0, 1.5, -2]])
    turned = still.copy()
    turned[:, :2] = still[:, :2] @ np.array([[.98, -.2], [.2, .98]]) + [4, -3]
    found = scenes._to_photo(turned, still, crop)
    stable = list(scenes.align.STABLE)
    np.testing.assert_allclose(scenes.align.transform(turned[stable, :2], found),
                               scenes.align.transform(still[stable, :2], crop), atol=1e-6)


@pytest.mark.parametrize("given, said", [({"takes": 1}, "another take"), ({"mode": 2}, "the mode is 2"),
                                         ({"emotions": ("JOY",)}, "unknown emotion")])
def test_scenes_that_cannot_be_are_refused(tmp_path, given, said):
    with pytest.raises(InputError, match=said):
        scenes.make(tmp_path / "none", **given)
    assert not (tmp_path / "none").exists()


# ---- data -----------------------------------------------------------------------------------------------------------
def test_splits_are_of_different_people(folder):
    names = [set(data.Scenes(folder, split, S).actors) for split in ("train", "val", "test")]
    assert all(names) and not (names[0] & names[1] or names[0] & names[2] or names[1] & names[2])


def test_batches_are_a_function_of_their_numbers(folder):
    some = data.Scenes(folder, "train", S, noise=8, drawn=3, augment=Augment(), seed=3)
    whole, part = some.batch(1, [0, 5, 9]), some.batch(1, [9])
    for name in set(whole) - {"shown"}:
        np.testing.assert_array_equal(whole[name][2:], part[name])
    again = some.batch(2, [9])
    assert (again["frames"] != part["frames"]).any() and (again["wave"] != part["wave"]).any()
    assert whole["noise"].shape == (3, sound.LEAD + small_scenes.N, 8) and whole["wave"].dtype == np.float32
    shown = np.stack([some.batch(1, [k])["shown"] for k in range(15)])
    assert (np.diff(shown) > 0).all() and set(shown.ravel()) == set(range(small_scenes.N))


def test_a_mirror_image_turns_flow_and_movements(folder):
    same = dict.fromkeys(("brightness", "contrast", "gamma", "colour", "noise", "blur_p", "jpeg_p"), 0.0)
    plain, turned = (data.Scenes(folder, "train", S, noise=8, augment=Augment(**same, flip_p=p)).batch(0, [1])
                     for p in (0.0, 1.0))
    np.testing.assert_array_equal(turned["frames"], plain["frames"][..., ::-1])
    np.testing.assert_array_equal(turned["flow"], plain["flow"][:, :, :, ::-1] * np.array([-1, 1], np.float32))
    np.testing.assert_allclose(turned["noise"][..., :6], plain["noise"][..., :6] * np.array(moves.MIRRORED))


def test_what_is_asked_for_is_the_emotion_at_its_strength():
    found = data.feeling([3, 4, -1], [.6, .9, 0.0])
    np.testing.assert_allclose(found[0], [0, 0, 0, .6, .4, 0], atol=1e-6)
    assert found[1].tolist() == [0, 0, 0, 0, 1, 0] and found[2, 4] == 1


def test_longer_runs_than_there_are_are_refused(folder):
    with pytest.raises(InputError, match="scenes of 8 frames"):
        data.Scenes(folder, "train", S, frames=20)
    with pytest.raises(InputError, match="nobody"):
        data.Scenes(folder, "judge", S)


def test_common_fields_make_the_flows(folder):
    """The tests' flows are sums of two fields: two are enough, their weights have variance 1, and they are found again
    in each flow."""
    from tfg.faces.face_region import face_region
    from tfg.systems.deformable.task import DeformableTask, Weights
    from tfg.training.loop import Run

    some = data.Scenes(folder, "train", S, noise=8)
    fields = data.common_fields(some, 4, face_region(S // 2), mean := data.mean_points(some))
    assert fields.shape == (4, 2, S // 2, S // 2) and fields.dtype == np.float32
    energy = (fields ** 2).sum((1, 2, 3))
    assert energy[:2].sum() > .9 * energy.sum()
    made = network.Deformable(replace(CI, fields=4))
    made.common.copy_(torch.from_numpy(fields) / network.FLOW)
    made.mean.copy_(torch.from_numpy(mean))
    task = DeformableTask(made, some, some, Run((("generator", 1),)), Weights(), {"deformable": 1e-3},
                          critics.PROFILES["ci"], ())
    flow, points = (torch.from_numpy(some.batch(0, np.arange(len(some)))[name]) for name in ("flow", "points"))
    weights = task.known_weights(flow, points)
    assert weights[..., :2].pow(2).mean().item() == pytest.approx(1, abs=.35)
    again = network.FLOW * torch.einsum("bnk,bkcyx->bnyxc", weights, laid(made.common, made.mean, points))
    mask = torch.from_numpy(face_region(S // 2))[..., None]
    missed = ((again - flow.nan_to_num(0)) ** 2 * mask).sum() / (flow.nan_to_num(0) ** 2 * mask).sum()
    assert missed < .1
    assert task.field_error(weights, flow, points) == 0
    assert task.field_error(weights * 0, flow, points).item() == pytest.approx(1, abs=.4)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    clips = [*acted("V1", "NEU", "HAP", "SAD", "NEU"), *acted("V2", "NEU", "ANG"), *acted("V3", "HAP", "SAD"),
             *acted("V4", "NEU", "HAP")]
    made = make_store(tmp_path_factory.mktemp("store") / "s", clips, size=S)
    splits_of(V1="train", V2="train", V3="train", V4="val").save_in(made.path)
    return made


def test_a_store_gives_photos_of_other_neutral_clips(store):
    """V3 has no neutral clip and is left out; the only neutral clip of V2 is no target of its own."""
    from conftest import number

    clips = data.Clips(store, None, "train", S, noise=8, frames=6, drawn=2)
    used = {(row.actor, row.emotion) for row in clips.windows.clips}
    assert used == {("V1", "NEU"), ("V1", "HAP"), ("V1", "SAD"), ("V2", "ANG")}
    batch = clips.batch(0, np.arange(len(clips)))
    for k, photo in enumerate(batch["photo"]):
        row = clips.windows.clips[clips.windows.batch(0, [k])["clip"][0]]
        shown = store.row_of(number(photo.transpose(1, 2, 0)) - 1)
        assert shown.emotion == "NEU" and shown.actor == row.actor and shown.id != row.id
    assert np.isnan(batch["flow"]).all() and batch["wave"].shape[1] == sound.n_samples(sound.LEAD + 6)
    only = data.Clips(store, None, "train", S, noise=8, frames=6, emotions=("HAP", "SAD"))
    assert {row.emotion for row in only.windows.clips} == {"HAP", "SAD"}


def test_a_stores_wave_is_that_of_its_frames(store):
    clips = data.Clips(store, None, "train", S, noise=8, frames=6)
    for k in (0, len(clips) - 1):
        window, batch = clips.windows.batch(0, [k]), clips.batch(0, [k])
        row, first = clips.windows.clips[window["clip"][0]], int(window["start"][0])
        whole = sound.levelled(store.wave(row, sound.RATE))
        before = sound.around()[0] + sound.LEAD * sound.PER_FRAME
        np.testing.assert_array_equal(batch["wave"][0, before:before + 6 * 320],
                                      whole[320 * first:320 * (first + 6)])


# ---- layers ---------------------------------------------------------------------------------------------------------
def test_a_deformable_layer_without_offsets_is_a_convolution():
    torch.manual_seed(0)
    layer = layers.Sampled(6, 5, deform=True, attention=False)
    x, guide = torch.randn(2, 6, 7, 9), torch.randn(2, 5, 7, 9)
    torch.testing.assert_close(layer(x, guide), x + layer.conv(x).relu(), atol=1e-5, rtol=0)


def test_a_deformable_layer_looks_where_its_offsets_lead():
    """Offsets of one place to the right: the layer answers what the convolution answers one place further."""
    torch.manual_seed(0)
    layer = layers.Sampled(4, 4, deform=True, attention=False)
    x = torch.randn(1, 4, 6, 8)
    with torch.no_grad():
        layer.where.bias[1:18:2] = 1.0                                    # y, x of each tap
    moved = layer(x, x) - x
    torch.testing.assert_close(moved[..., 1:-2], layer.conv(x).relu()[..., 2:-1], atol=1e-5, rtol=0)
    offset, mask = layer.offsets(x)
    want = deform_conv2d(x, offset, layer.conv.weight, layer.conv.bias, padding=1, mask=mask).relu()
    torch.testing.assert_close(moved, want, atol=1e-5, rtol=0)
    with torch.no_grad():
        layer.where.bias[18:] = -20.0                                     # masks near 0: nothing is seen
    torch.testing.assert_close(layer(x, x) - x, layer.conv.bias.relu()[None, :, None, None].expand_as(x), atol=1e-4,
                               rtol=0)


def test_attention_weighs_what_was_seen():
    torch.manual_seed(0)
    layer = layers.Sampled(4, 4, deform=False, attention=True, inner=2)
    x = torch.randn(1, 4, 6, 8)
    h = layer.conv(layer.before(x)).relu()
    torch.testing.assert_close(layer(x, x), x + layer.after(layer.gate(h).relu() * h))
    with torch.no_grad():
        layer.gate.weight.zero_()
        layer.gate.bias.fill_(-1.0)
    torch.testing.assert_close(layer(x, x), x + layer.after.bias[None, :, None, None].expand_as(x))


def test_a_memory_goes_on_where_it_stopped():
    torch.manual_seed(0)
    made, x, extra = layers.ConvLSTM(3, 4), torch.randn(2, 7, 3, 5, 5), torch.randn(2, 1, 16, 5, 5)
    whole, _ = made(x, extra)
    first, state = made(x[:, :3], extra)
    second, _ = made(x[:, 3:], extra, state)
    torch.testing.assert_close(torch.cat([first, second], 1), whole)
    alone, _ = made(x[:, 3:], extra)
    assert not torch.allclose(alone, second)


# ---- generator ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("profile", ["ci", "cpu"])
def test_networks_have_their_shapes(profile, one_thread):
    config = network.PROFILES[profile]
    made, size, T = network.Deformable(config), config.size, 3
    drawn, state = made(torch.rand(2, 3, size, size), torch.randn(2, sound.n_samples(T)), torch.rand(2, 6),
                        torch.randn(2, T, config.noise))
    assert drawn.answer.colour.shape == (6, 3, size, size) and drawn.answer.flow.shape == (6, 2, size, size)
    assert drawn.answer.trust.shape == (6, 1, size, size) and drawn.weights.shape == (2, T, config.fields)
    assert drawn.voice.shape == (2, 6) and drawn.lips.shape == (2, T, 28) and state.picture[0].shape[:2] == (2,
                                                                                                            config.up[0])
    assert n_parameters(made) < 2.5e6


def test_the_published_sizes(one_thread):
    """512 + 128 + 512 + 512 entries are joined, the fourth level remembers, and a pixel is what the picture says."""
    config = network.PROFILES["gpu"]
    made = network.Deformable(config)
    assert made.start.in_features == 1664 and isinstance(made.up[3], layers.ConvLSTM)
    assert (config.ears, config.context, config.size) == ((64, 128, 256, 512), 17, 128)
    with torch.no_grad():
        drawn, _ = made(torch.rand(1, 3, 128, 128), torch.randn(1, sound.n_samples(1)))
    assert drawn.answer.trust.abs().max() == 0 and drawn.weights is None and drawn.lips is None
    photo = torch.rand(1, 3, 128, 128)
    torch.testing.assert_close(applied(drawn.answer, photo), drawn.answer.colour)


def test_an_untrained_generator_copies_the_photo(one_thread):
    torch.manual_seed(0)
    photo, wave, felt, noise = inputs(2)
    drawn, _ = network.Deformable(CI)(photo, wave, felt, noise)
    assert (applied(drawn.answer, photo.repeat_interleave(2, 0)) - photo.repeat_interleave(2, 0)).abs().mean() < .05


def test_pieces_of_a_sound_equal_the_whole(net):
    """Whatever the pieces' lengths, also of a single frame, and with the photo encoded once."""
    photo, _, felt, noise = inputs(11)
    wave = np.random.default_rng(0).normal(0, .3, (2, 320 * 11)).astype(np.float32)

    def part(first, stop):
        return torch.from_numpy(np.stack([sound.part(w, first, stop) for w in wave]))

    with torch.no_grad():
        whole, _ = net(photo, part(0, 11), felt, noise)
        seen, state, pieces = net.see(photo), None, []
        for first, stop in ((0, 4), (4, 5), (5, 11)):
            drawn, state = net(seen, part(first, stop), felt, noise[:, first:stop], state)
            pieces.append(drawn.answer.flow.unflatten(0, (2, -1)))
    together = torch.cat(pieces, 1).flatten(0, 1)
    assert together.std() > 1e-3
    torch.testing.assert_close(together, whole.answer.flow, atol=1e-5, rtol=0)


def test_a_long_sound_does_not_drift(net):
    """The same second again and again: the tenth looks like the third."""
    photo, wave, felt, noise = inputs(25, 1)
    with torch.no_grad():
        seen, state, films = net.see(photo), None, []
        for _ in range(10):
            drawn, state = net(seen, wave, felt, noise, state)
            films.append(drawn.answer.flow)
    assert (films[2] - films[9]).abs().max() < 1e-3 * films[2].abs().max() and (films[0] - films[9]).abs().max() > 0


def test_frames_that_are_not_shown_pass_through_the_memory(net):
    photo, wave, felt, noise = inputs(6)
    shown = torch.tensor([1, 4])
    with torch.no_grad():
        whole, some = (net(photo, wave, felt, noise, None, s)[0] for s in (None, shown))
        first = net(photo, wave, felt, noise, None, shown, 1)[0]
    torch.testing.assert_close(some.answer.colour, whole.answer.colour.unflatten(0, (2, 6))[:, shown].flatten(0, 1))
    torch.testing.assert_close(some.weights, whole.weights)
    torch.testing.assert_close(first.answer.flow, some.answer.flow[:2])
    torch.testing.assert_close(first.weights, whole.weights)


def test_people_of_a_batch_do_not_see_each_other(net):
    photo, wave, felt, noise = inputs(3)
    with torch.no_grad():
        both, _ = net(photo, wave, felt, noise)
        alone, _ = net(photo[1:], wave[1:], felt[1:], noise[1:])
    torch.testing.assert_close(both.answer.colour[3:], alone.answer.colour, atol=1e-5, rtol=0)


@pytest.mark.parametrize("which", ["wave", "emotion", "noise"])
def test_each_thing_that_comes_in_moves_the_face(net, which):
    photo, wave, felt, noise = inputs(3)
    other = dict(zip(("wave", "emotion", "noise"), inputs(3, seed=1)[1:]))
    given = dict(wave=wave, emotion=felt, noise=noise)
    with torch.no_grad():
        a, b = (net(photo, **g)[0].answer.flow for g in (given, given | {which: other[which]}))
    assert (a - b).abs().max() > 1e-6


def test_deformable_layers_act_where_there_is_space():
    """The published layer acts on 1 x 1. All of ours see maps of 8 px and more, and move what is seen."""
    for profile, config in network.PROFILES.items():
        assert min((*config.space, *config.look)) >= 8 and config.deform, profile
    made, seen = network.Deformable(CI), []
    for layer in made.sampled.values():
        layer.register_forward_hook(lambda module, given, out: seen.append(out.shape[-1]))
    made(*inputs(2))
    assert len(seen) == len(CI.space) + len(CI.look) and min(seen) >= 8


def test_offsets_follow_from_the_frame_that_is_drawn(net):
    photo, wave, felt, noise = inputs(5)
    with torch.no_grad():
        seen = net.see(photo)
        told, _, _ = net.hear(wave, felt, noise)
        offsets = net.offsets(seen, told, 16)
    assert offsets.shape == (2, 5, 9, 2, 16, 16)
    assert offsets.diff(dim=1).abs().mean() > 1e-4 and not any(m._forward_pre_hooks for m in net.sampled.values())


@pytest.mark.parametrize("deform, attention", [(False, False), (True, False), (False, True), (True, True)])
def test_variants_have_as_many_weights(deform, attention):
    config = network.variant(CI, deform=deform, attention=attention)
    full, made = n_parameters(network.Deformable(CI)), network.Deformable(config)
    assert abs(n_parameters(made) - full) < .01 * full
    assert all((layer.where is not None) == deform and (layer.gate is not None) == attention
               for layer in made.sampled.values())
    assert made(*inputs(2))[0].weights.shape == (2, 2, CI.fields)


def test_gradients_reach_every_weight():
    made = network.Deformable(CI)
    torch.nn.init.normal_(made.common, std=.3)
    photo, wave, felt, noise = inputs(3)
    drawn, _ = made(photo, wave, felt, noise)
    (applied(drawn.answer, photo.repeat_interleave(3, 0)).std() + drawn.voice.std() + drawn.lips.std()).backward()
    assert [n for n, p in made.named_parameters() if p.grad is None or not torch.isfinite(p.grad).all()] == []


def test_lengths_that_do_not_fit_are_refused(net):
    photo, wave, felt, noise = inputs(3)
    with pytest.raises(ValueError, match="noise is"):
        net(photo, wave, felt, noise[:, :2])
    with pytest.raises(ValueError, match="halvings"):
        network.Deformable(replace(CI, size=32))


# ---- critics --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("profile", ["ci", "cpu", "gpu"])
def test_critics_have_their_shapes(profile, one_thread):
    config = critics.PROFILES[profile]
    size = config.size
    runs, wave = torch.rand(2, 3, 3, size, size), torch.randn(2, sound.n_samples(5))
    with torch.no_grad():
        assert critics.FrameCritic(config)(torch.rand(2, 6, size, size)).shape == (2,)
        assert critics.EmotionCritic(config)(runs, runs[:, 0]).shape == (2, 7)
        assert critics.VideoCritic(config)(runs).shape == (2,)
        assert critics.PairCritic(config)(runs, wave, torch.tensor([1, 2, 4])).shape == (2,)


def test_critics_look_at_what_they_judge():
    """Frame and emotion critic see the photo, the pair critic the sound, the video critic the order of frames."""
    torch.manual_seed(0)
    config = critics.PROFILES["ci"]
    both, runs, wave = torch.rand(1, 6, S, S), torch.rand(1, 4, 3, S, S), torch.randn(1, sound.n_samples(4))
    frame, pair, video = critics.FrameCritic(config), critics.PairCritic(config), critics.VideoCritic(config)
    assert frame(both) != frame(torch.cat([both[:, :3], both[:, :3]], 1))
    emotion, photo = critics.EmotionCritic(config), both[:, 3:]
    assert (emotion(runs, photo) - emotion(runs, 1 - photo)).abs().max() > 1e-5
    plain = critics.EmotionCritic(replace(config, differs=False))         # as published
    assert torch.equal(plain(runs, photo), plain(runs, 1 - photo))
    assert pair(runs, wave) != pair(runs, wave.roll(640, 1))
    assert video(runs) != video(runs[:, [1, 0, 3, 2]])
