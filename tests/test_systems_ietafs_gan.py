"""The GAN of `ietafs`: edits, networks, losses, the training.

What the published code got wrong, by its letters in our list, and the test that holds ours to something else:

    c  tested on frames of training videos        test_splits_are_of_different_people
    d  batch statistics while animating           test_the_fused_network_draws_the_same_and_is_in_eval_mode
    e  the lowest checkpoint is loaded            weights are one file with a card (test_networks_checkpoint)
    i  the penalty between still input and drawn  test_the_penalty_is_taken_between_what_the_critic_is_shown
    j  deviations of another vector               test_systems_ietafs_aunet
"""
from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from tfg.compose.answer import Answer
from tfg.corpora.augment import Augment
from tfg.errors import InputError
from tfg.faces.aus import AUS
from tfg.networks.critics import gradient_penalty
from tfg.networks.inference import fused
from tfg.networks.warp import applied
from tfg.systems.ietafs.gan import critic, edits, network, sync, train
from tfg.systems.ietafs.gan.pairs import Pairs, common_fields, mean_points

S = 64


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Seven built actors: for training, one to choose by, one to test on."""
    return edits.make(tmp_path_factory.mktemp("edits"), actors=12, portraits=0, pairs=3, takes=1, size=S, workers=1)


@pytest.fixture(scope="module")
def trained(folder, tmp_path_factory):
    """A generator after a few steps, in its folder."""
    out = tmp_path_factory.mktemp("ietafs")
    return out, train.train_ietafs(out, edits=folder, profile="ci", progress=False)


def moved(picture, flow):
    y, x = np.mgrid[:S, :S].astype(np.float32)
    flow = cv2.resize(np.nan_to_num(flow.astype(np.float32)), (S, S)) * (S / 2)
    return cv2.remap(picture, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR)


# ---- data -----------------------------------------------------------------------------------------------------------
def test_the_flow_leads_from_one_picture_to_the_other(folder):
    pairs = Pairs(folder, "train", S)
    batch = pairs.batch(0, np.arange(8))
    better = 0
    for source, target, flow in zip(batch["source"], batch["target"], batch["flow"]):
        known = cv2.resize(np.isfinite(flow[..., 0]).astype(np.float32), (S, S)) > .99
        source, target = (x.transpose(1, 2, 0).astype(np.float32) for x in (source, target))
        before, after = (np.abs(x - target)[known].mean() for x in (source, moved(source, flow)))
        better += after < before
    assert better >= 7


def test_odd_numbers_lead_back(folder):
    there, back = (Pairs(folder, "train", S).batch(0, [k]) for k in (6, 7))
    for a, b in (("source", "target"), ("aus_source", "aus"), ("flow", "back")):
        np.testing.assert_array_equal(there[a], back[b])
    assert not back["spoken"].any() and there["aus"].shape == (1, len(AUS)) and there["aus"].max() <= 1


def test_a_pair_keeps_what_is_not_the_face(folder):
    batch = Pairs(folder, "train", S).batch(0, np.arange(8))
    away = np.abs(batch["source"].astype(int) - batch["target"])
    assert away[..., :6, :].mean() < 1 and away[..., 24:60, 16:48].mean() > 2


def test_splits_are_of_different_people(folder):
    names = [set(Pairs(folder, split, S).actors) for split in ("train", "val", "test")]
    assert all(names) and not (names[0] & names[1] or names[0] & names[2] or names[1] & names[2])


def test_batches_are_a_function_of_their_numbers(folder):
    pairs = Pairs(folder, "train", S, augment=Augment(), seed=3)
    whole, part = pairs.batch(1, [0, 5, 9]), pairs.batch(1, [9])
    for name in whole:
        np.testing.assert_array_equal(whole[name][2:], part[name])
    assert (pairs.batch(2, [9])["source"] != part["source"]).any()


def test_random_units_are_a_few_and_within_range():
    some = edits.random_units(200, np.random.default_rng(0))
    assert some.min() == 0 and .9 < some.max() <= 1 and (some > 0).any(1).all()


@pytest.mark.parametrize("size, said", [(96, "96 px"), (S, "nobody")])
def test_edits_that_do_not_fit_are_refused(folder, size, said):
    with pytest.raises(InputError, match=said):
        Pairs(folder, "judge" if size == S else "train", size)


def test_another_folder_is_not_overwritten(folder):
    with pytest.raises(InputError, match="other edits"):
        edits.make(folder, actors=12, portraits=0, pairs=5, takes=1, size=S)


# ---- networks -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("profile", ["ci", "cpu", "gpu"])
def test_networks_have_their_shapes(profile, one_thread):
    config = network.PROFILES[profile]
    pictures, aus = torch.rand(2, 3, config.size, config.size), torch.rand(2, 17)
    edit = network.Ietafs(config)(pictures, aus)
    assert edit.answer.colour.shape == pictures.shape and edit.answer.flow.shape == (2, 2, config.size, config.size)
    assert edit.attention.shape == edit.answer.trust.shape == (2, 1, config.size, config.size)
    true, units = critic.Critic(critic.PROFILES[profile])(pictures)
    assert true.ndim == 3 and units.shape == (2, 17)
    mouth, sound = sync.AudioVisual(sync.PROFILES[profile])(pictures, torch.rand(2, 80, 16))
    assert mouth.shape == sound.shape and torch.allclose(mouth.norm(dim=1), torch.ones(2), atol=1e-5)


def test_without_flow_the_published_rule_holds():
    """out = (1 - A) C + A x."""
    torch.manual_seed(0)
    config = network.IetafsConfig(8, 16, 2, 1, 3, size=32)
    x = torch.rand(1, 3, 32, 32)
    edit = network.Ietafs(config)(x, torch.rand(1, 17))
    out = applied(edit.answer, x)
    want = (1 - edit.attention) * edit.answer.colour + edit.attention * x
    torch.testing.assert_close(out, want, atol=1e-5, rtol=0)


def test_where_attention_is_one_nothing_changes():
    x = torch.rand(1, 3, 32, 32)
    stays = Answer(torch.zeros_like(x), torch.zeros(1, 2, 32, 32), torch.ones(1, 1, 32, 32))
    torch.testing.assert_close(applied(stays, x), x, atol=1e-5, rtol=0)


def test_an_untrained_generator_with_flow_copies():
    torch.manual_seed(0)
    x = torch.rand(2, 3, S, S)
    out = applied(network.Ietafs(network.PROFILES["ci"])(x, torch.rand(2, 17)).answer, x)
    assert (out - x).abs().mean() < .03


def test_the_fused_network_draws_the_same_and_is_in_eval_mode():
    torch.manual_seed(0)
    plain = network.Ietafs(network.PROFILES["ci"])
    for _ in range(3):
        plain(torch.rand(4, 3, S, S), torch.rand(4, 17))                  # moves the running statistics
    ready, plain = fused(plain), plain.eval()
    x, aus = torch.rand(2, 3, S, S), torch.rand(2, 17)
    for a, b in zip((*ready(x, aus).answer,), (*plain(x, aus).answer,)):
        torch.testing.assert_close(a, b, atol=1e-4, rtol=0)
    alone = ready(x[:1], aus[:1]).answer.colour
    torch.testing.assert_close(alone, ready(x, aus).answer.colour[:1], atol=1e-5, rtol=0)
    assert not ready.training and not any(isinstance(m, torch.nn.BatchNorm2d) and m.training for m in ready.modules())


def test_the_penalty_is_taken_between_what_the_critic_is_shown():
    """A linear critic has the same gradient everywhere; a kinked one shows where it was asked."""
    seen = []

    def ask(x):
        seen.append(x.detach())
        return 3 * x.flatten(1).sum(1) / x[0].numel() ** .5, None

    true, drawn = torch.ones(2, 3, 4, 4), torch.zeros(2, 3, 4, 4)
    penalty = gradient_penalty(ask, true, drawn, torch.tensor([.25, .75]))
    assert float(penalty) == pytest.approx(4.0, rel=1e-5)                 # |gradient| is 3
    assert seen[0][0].unique().tolist() == [.25] and seen[0][1].unique().tolist() == [.75]


def test_contrastive_pulls_pairs_and_pushes_others():
    a, b = torch.tensor([[1.0, 0], [1, 0]]), torch.tensor([[0.0, 1], [1, 0]])
    yes, no = torch.ones(2), torch.zeros(2)
    assert float(sync.contrastive(a, b, yes)) == pytest.approx(1.0, rel=1e-3)           # d^2 is 2 and 0
    assert float(sync.contrastive(a, b, no)) == pytest.approx(.5, rel=1e-2)             # beyond the margin; 1


# ---- training -------------------------------------------------------------------------------------------------------
def test_a_run_writes_weights_card_and_pictures(trained):
    out, (at, card) = trained
    assert at.step == train.RUNS["ci"].steps and (out / "ietafs.safetensors").is_file()
    assert {"l1", "l1_still", "units", "units_true", "attention"} <= set(card["scores"])
    assert list((out / "samples").glob("*_edits.png")) and card["data"]["scored_on"].startswith("1 actors")
    loaded, _ = network.load(out)
    assert not loaded.training


def test_the_same_seed_gives_the_same_bytes(trained, folder, tmp_path):
    train.train_ietafs(tmp_path, edits=folder, profile="ci", progress=False)
    assert (tmp_path / "ietafs.safetensors").read_bytes() == (trained[0] / "ietafs.safetensors").read_bytes()


def task_of(folder, **changes):
    weights = changes.pop("weights", train.SMALL)
    pairs = Pairs(folder, "train", S)
    torch.manual_seed(0)
    return train.IetafsTask(network.Ietafs(network.PROFILES["ci"]), pairs, pairs, train.RUNS["ci"], weights,
                            (1e-3, 1e-3), profile="ci", evaluated=4, **changes)


def turns(task, step: int = 0) -> dict[str, dict]:
    from tfg.training.batches import tensors
    from tfg.training.state import At

    batch = tensors(task.data.batch(0, np.arange(0, 12, 2)))
    return {name: values | {"loss": float(loss.detach())} for name, loss, values in task.losses(batch, At(step=step))}


@pytest.mark.parametrize("part, gone", [("critic", "fools"), ("units", "units"), ("cycle", "cycle"), ("sync", "sync"),
                                        ("pair", "pair")])
def test_each_part_can_be_left_out(folder, part, gone):
    assert gone in turns(task_of(folder))["ietafs"]
    without = turns(task_of(folder, without=(part,)))
    assert gone not in without["ietafs"] and (part != "sync" or "sync" not in without)


def test_the_published_weights_need_no_pairs(folder):
    found = turns(task_of(folder, weights=train.Weights()))
    assert set(found["ietafs"]) == {"attention", "variation", "fools", "units", "cycle", "loss"}
    assert "penalty" in found["critic"]


def test_the_generator_steps_once_for_several_of_the_critic(folder):
    task = task_of(folder, n_critic=2)
    assert "ietafs" in turns(task, 0) and "ietafs" not in turns(task, 1) and "critic" in turns(task, 1)


def test_it_learns_its_pairs(folder, one_thread):
    """On one batch the picture's error falls well below that of the source itself."""
    from tfg.training.batches import tensors
    from tfg.training.state import At

    task = task_of(folder, without=("critic", "sync", "cycle", "units"))
    batch = tensors(task.data.batch(0, np.arange(0, 8, 2)))
    task.network.train()
    first = last = None
    for step in range(60):
        for _, loss, values in task.losses(batch, At(step=step)):
            task.optimisers["ietafs"].zero_grad()
            loss.backward()
            task.optimisers["ietafs"].step()
            last = float(values["pair"].detach())
            first = last if first is None else first
    assert last < .7 * first


def test_attention_is_told_where_nothing_changes():
    source = torch.zeros(1, 3, 16, 16)
    target = source.clone()
    target[..., 8, 8] = .5
    still = train.unchanged(source, target)
    assert still[0, 0, 8, 8] == 0 and still[0, 0, 0, 0] == 1 and 0 < still.mean() < 1


@pytest.mark.parametrize("mean, said", [(.99, "lambda_cls"), (.01, "lambda_rec"), (.4, None)])
def test_a_saturated_mask_is_reported(mean, said):
    advice = train.saturated(mean)
    assert (said in advice) if said else advice is None


def test_options_reach_the_run(folder, tmp_path):
    at, card = train.train_ietafs(tmp_path, edits=folder, profile="ci", num_epochs=1, batch_size=24, use_virtual=False,
                                  lambda_cls=7.0, progress=False)
    assert card["losses"]["cls"] == 7 and card["without"] == ["cycle"] and card["losses"]["rec"] == 0
    assert at.step == len(Pairs(folder, "train", S)) // 24
    with pytest.raises(InputError, match="no part 'gan'"):
        train.train_ietafs(tmp_path, edits=folder, without="gan")


def test_the_rate_falls_by_a_tenth_an_epoch_at_the_end(folder):
    from tfg.training.state import At

    task = task_of(folder, decay_from=10)
    epoch = len(task.data) // task.run.batch
    rates = [task.lr("ietafs", At(step=s)) for s in (0, 10, 10 + epoch, 10 + 2 * epoch)]
    assert rates == pytest.approx([1, 1, .9, .81])


def test_the_penalty_is_taken_in_mixed_precision_too(folder, tmp_path):
    """Fabric's wrapper of the critic refuses a gradient of a gradient."""
    at, _ = train.train_ietafs(tmp_path, edits=folder, profile="ci", steps=1, precision="bf16-mixed", progress=False)
    assert at.step == 1


def test_units_move_what_is_seen_by_fields_that_add_up():
    torch.manual_seed(0)
    net = network.Ietafs(network.PROFILES["ci"]).eval()
    for part in (net.fields.weight, net.common):
        torch.nn.init.normal_(part, std=.1)
    torch.nn.init.zeros_(net.correction.weight)
    torch.nn.init.constant_(net.heads.bias, -20.0)                        # attention 0: all may move
    torch.nn.init.zeros_(net.heads.weight)
    picture, change = torch.rand(1, 3, S, S), torch.rand(2, 17)
    apart = [net(picture, c[None]).answer.flow for c in change]
    torch.testing.assert_close(net(picture, change.sum(0, keepdim=True)).answer.flow, apart[0] + apart[1])
    assert net(picture, torch.zeros(1, 17)).answer.flow.abs().max() == 0 and apart[0].abs().max() > .01


def test_a_photo_is_looked_at_once():
    torch.manual_seed(0)
    net = network.Ietafs(network.PROFILES["cpu"]).eval()
    torch.nn.init.normal_(net.fields.weight, std=.1)
    photo, aus, shown = torch.rand(1, 3, 128, 128), torch.rand(3, 17), torch.rand(3, 17)
    with torch.no_grad():
        looked = net.look(photo)
        once = net.changed(network.Looked(*(x.expand(3, *x.shape[1:]) for x in looked)), aus, shown)
        each = net(photo.expand(3, -1, -1, -1), aus, shown)
    for a, b in zip((*once.answer, once.attention), (*each.answer, each.attention)):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("make", [lambda net: net.eval(), fused], ids=["as trained", "fused"])
def test_constant_planes_are_what_a_convolution_of_them_is(make):
    """The layer `join` never sees its planes; in the middle, at edges and in corners its answer is the same."""
    values, weight = torch.randn(2, 7), torch.randn(5, 7, 3, 3)
    whole = torch.nn.functional.conv2d(network.planes(values, torch.empty(2, 1, 6, 9)), weight, padding=1)
    torch.testing.assert_close(network.of_planes(values, weight, (6, 9)), whole, atol=1e-5, rtol=1e-5)
    torch.manual_seed(0)
    net = network.Ietafs(network.PROFILES["ci"])
    for part in net.modules():
        if isinstance(part, torch.nn.BatchNorm2d):                        # so that fusing leaves a bias
            part.running_mean.normal_(), part.bias.data.normal_()
    net, seen = make(net), []
    net.correction.register_forward_pre_hook(lambda module, given: seen.append(given[0].clone()))
    photo, aus, shown = torch.rand(2, 3, S, S), torch.rand(2, 17), torch.rand(2, 17)
    with torch.no_grad():
        looked = net.look(photo)
        net.changed(looked, aus, shown)
        x, skips = net._down(2 * photo - 1)
        x, change = net._up(x, skips[:-1]), aus - shown
        moved = torch.einsum("bk,bkchw->bchw", change, looked.fields)
        want = net.join(torch.cat([x, network.planes(aus, x), network.planes(change, x), moved], 1))
    torch.testing.assert_close(seen[0], want, atol=1e-4, rtol=1e-4)


def test_what_is_shown_already_does_not_move():
    torch.manual_seed(0)
    net = network.Ietafs(network.PROFILES["ci"]).eval()
    torch.nn.init.normal_(net.common, std=.3)
    picture, aus = torch.rand(2, 3, S, S), torch.rand(2, 17)
    calm, same, none = net(picture, aus), net(picture, aus, aus), net(picture, aus, torch.zeros(2, 17))
    torch.testing.assert_close(calm.answer.flow, none.answer.flow)
    assert same.answer.flow.abs().mean() < .1 * calm.answer.flow.abs().mean()


def test_a_reader_overlooks_some_of_a_unit_and_adds_none():
    aus, chance = torch.rand(200, 17), 2 * torch.rand(200, 17) - 1
    read = train.as_read(aus, chance)
    assert (read <= aus).all() and (read >= 0).all() and (aus - read).max() <= train.OVERLOOKED
    assert .4 < float((read < aus).float().mean()) < .6


def test_common_fields_are_those_that_made_the_flows():
    """Flows that are sums of known fields, mirrored for half of the pairs' reflections, give these fields back."""
    rng = np.random.default_rng(0)
    fields = rng.normal(size=(17, 4, 4, 2))
    fields = (fields + fields[:, :, ::-1] * np.array([-1, 1])) / 2        # a face is alike on both sides

    class Known:
        augment = "none of it is used"

        def __len__(self):
            return 700

        def batch(self, epoch, indices):
            assert self.augment is None
            change = np.random.default_rng(1).uniform(-1, 1, (700, 17))[indices]
            flow = np.einsum("nk,kyxc->nyxc", change, fields)
            flow[:, 0, 0] = np.nan
            return {"aus": np.maximum(change, 0), "aus_source": np.maximum(-change, 0), "flow": flow}

    found = common_fields(Known(), ridge=1e-6)
    np.testing.assert_allclose(found[..., 1:, 1:3], fields.transpose(0, 3, 1, 2)[..., 1:, 1:3], atol=1e-4)
    assert found.shape == (17, 2, 4, 4) and np.allclose(found[..., 0, 0], fields[:, 0, 0] / 2, atol=1e-4)


def test_the_training_starts_from_common_fields_and_pairs_come_first(folder, tmp_path):
    task = task_of(folder)
    from tfg.training.batches import tensors
    from tfg.training.state import At

    batch = tensors(task.data.batch(0, np.arange(0, 12, 2)))
    early = dict((name, values) for name, _, values in task.losses(batch, At(phase="pairs")))
    assert list(early) == ["ietafs"] and "fools" not in early["ietafs"] and "flow" in early["ietafs"]
    train.train_ietafs(tmp_path, edits=folder, profile="ci", steps=1, progress=False)
    common = network.load(tmp_path)[0].common.detach().numpy() * network.FLOW
    pairs = Pairs(folder, "train", S)
    want = common_fields(pairs, mean_points(pairs))
    assert np.abs(want).max() > .02 and np.abs(common - want).max() < .01
