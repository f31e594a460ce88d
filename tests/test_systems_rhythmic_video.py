"""The video part of `rhythmic`: scenes, render, network, losses, training.  Letters: see test_systems_rhythmic.py."""
from __future__ import annotations

import signal
from dataclasses import replace

import numpy as np
import pytest
import torch

import small_turns
from tfg import paths
from tfg.actors.cast import Member
from tfg.errors import InputError
from tfg.faces.points68 import half_sides
from tfg.media.image import read_image
from tfg.networks.anchored import flow_by_landmarks
from tfg.networks.blocks import n_parameters
from tfg.networks.warp import warp
from tfg.systems.rhythmic import critics, network, pose, scenes, sketch, task, train
from tfg.systems.rhythmic.data import Turns, read
from tfg.systems.rhythmic.render import Head3D
from tfg.training.batches import tensors
from tfg.training.interrupt import stopped
from tfg.training.state import At

S = 64
CI = network.PROFILES["ci"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return small_turns.make(tmp_path_factory.mktemp("turns"), S)


@pytest.fixture(scope="module")
def trained(folder, tmp_path_factory):
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("rhythmic")
    return out, train.train_rhythmic(out, scenes=folder, profile="ci", progress=False)


def turns(folder, split: str, size: int, **given) -> Turns:
    return Turns(read(folder, split, size), size, **given)


def net_of(**switches) -> network.Rhythmic:
    torch.manual_seed(0)
    return network.Rhythmic(network.variant(CI, **switches)).eval()


def task_of(folder, weights=train.SMALL, frames: int = 1, **switches) -> task.RhythmicTask:
    data = [turns(folder, split, S, n_shot=3, n_frames=frames) for split in ("train", "val")]
    return task.RhythmicTask(net_of(**switches), *data, replace(train.RUNS["ci"], phases=(("niter", 100),)), weights,
                             4e-3, critics.PROFILES["ci"], evaluated=2)


def learn(made, batch, steps: int, phase: str = "niter") -> list[dict[str, float]]:
    """Steps on one batch, as the loop makes them; the values of the first and the last."""
    out: list[dict[str, float]] = []
    for step in range(steps):
        found = {}
        for name, loss, values in made.losses(batch, At(step=step, phase=phase)):
            loss.backward()
            torch.nn.utils.clip_grad_norm_(made.networks[name].parameters(), 1.0)
            made.optimisers[name].step()
            for optimiser in made.optimisers.values():
                optimiser.zero_grad(set_to_none=True)
            found |= {k: float(v.detach()) for k, v in values.items()}
        out = [*out[:1], found]
    return out


def drawn_of(net, batch, frames: int | None = None):
    with torch.no_grad():
        return net(task.unit(batch["shots"]), task.unit(batch["shot_sketches"]), task.moments_of(batch, frames))


# ---- sketches, flow by landmarks ------------------------------------------------------------------------------------
def test_a_sketch_shows_the_mouth_where_it_is():
    points = pose.recompose(pose.template(), small_turns.rest(S))
    shown = sketch.many(np.stack([points, points + [4, 0, 0]]), S)
    assert shown.shape == (2, 3, S, S) and shown.dtype == np.uint8
    for k, shift in enumerate((0, 4)):
        x = (shown[k, 1, 36:].astype(float).sum(0) * np.arange(S)).sum() / shown[k, 1, 36:].sum()
        assert x == pytest.approx(points[48:60, 0].mean() + shift, abs=.5)
    np.testing.assert_array_equal(shown[1, :, :, 4:], shown[0, :, :, :-4])
    opened = points.copy()
    opened[65:68, 1] += 6
    inside = sketch.draw(opened, S)[..., sketch.INSIDE]
    middle = opened[[62, 66], :2].mean(0)
    assert inside[round(middle[1]), round(middle[0])] == 255 and inside.sum() > 2 * shown[0, sketch.INSIDE].sum()


def test_landmarks_carry_what_is_near_them():
    """The flow ends at the landmarks of the other picture, and stands still far from all of them."""
    a = pose.recompose(pose.template(), small_turns.rest(S))
    b = pose.recompose(pose.template(), pose.turned(small_turns.rest(S), np.array([15, 5, 0, .03, 0, 0])))
    here, there = (torch.from_numpy(half_sides(p, S))[None] for p in (a, b))
    flow = flow_by_landmarks(here, there, S)
    at = np.round(a[:, :2]).astype(int)
    away = flow[0, :, at[:, 1], at[:, 0]].T - (there - here)[0]
    assert away.norm(dim=1).mean() < .3 * (there - here)[0].norm(dim=1).mean()
    assert flow[0, :, 1, 1].norm() < .5 * flow[0, :, S // 2, S // 2].norm()


# ---- the rendered head ----------------------------------------------------------------------------------------------
def test_the_head_turns_and_shows_only_what_was_seen():
    import cv2

    from tfg.faces.landmarks import one_face

    photo = cv2.resize(read_image(paths.data("faces", "default.jpg")), (256, 256), interpolation=cv2.INTER_AREA)
    found = one_face(photo)
    head = Head3D.of(photo, found.points, found.blendshapes)
    still, mask = head.draw(head.rigid, (256, 256))
    inside = cv2.erode(mask, np.ones((5, 5))) > 0
    assert .1 < mask.mean() < .6 and np.abs(still.astype(int) - photo)[inside].mean() < 4
    turned = pose.turned(head.rigid, np.array([20, 0, 0, 0, 0, 0]))
    shown, where = head.draw(turned, (256, 256))
    again = one_face(np.where(where[..., None] > 0, shown, 128).astype(np.uint8))
    assert pose.pose_of(pose.fit(pose.of_478(again.points)), head.rigid)[0] == pytest.approx(20, abs=9)
    assert not shown[where == 0].any()
    larger, _ = head.draw(turned, (512, 512), np.array([[2, 0, .5], [0, 2, .5]]))
    assert np.abs(cv2.resize(larger, (256, 256), interpolation=cv2.INTER_AREA).astype(int) - shown)[
        cv2.erode(where, np.ones((5, 5))) > 0].mean() < 4


# ---- scenes ---------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def played(tmp_path_factory):
    out = tmp_path_factory.mktemp("played")
    scenes._play(out, Member("V001", "virtual", 1, "train"), ["We all went home early.", "The red door is open."], 3,
                 shots=3, frames=2, size=S, seed=0)
    return dict(np.load(out / "V001.npz"))


def test_actors_scenes_have_the_arrays_of_the_tests_own(played, folder):
    ours = dict(np.load(folder / "V001.npz"))
    assert set(played) == set(ours)
    for name in ours:
        assert played[name].dtype == ours[name].dtype and played[name].ndim == ours[name].ndim, name
        assert played[name].shape[3:] == ours[name].shape[3:] or name in ("flow",), name


def test_heads_turn_freely_and_shots_differ(played):
    found = pose.fit(played["shot_points"])
    yaw = pose.pose_of(found, pose.Rigid(np.eye(3), np.array(1.0), np.zeros(3)))[..., 0]
    assert np.ptp(yaw, axis=1).min() > 5 and np.abs(yaw).max() < 45
    assert (np.abs(yaw).min(1) < 12).all()                                # one of them looks ahead


def test_the_flow_leads_from_each_moment_into_each_shot(played):
    """Where it is known it fetches what the moment shows, better than standing still does."""
    import cv2

    flow = played["flow"].astype(np.float32)
    for r in range(2):
        for k in range(3):
            frame, shot = (cv2.resize(x, (S // 2, S // 2), interpolation=cv2.INTER_AREA).astype(np.float32)
                           for x in (played["frames"][r, 0], played["shots"][r, k]))
            f = flow[r, 0, k]
            known = np.isfinite(f[..., 0])
            y, x = np.mgrid[:S // 2, :S // 2].astype(np.float32)
            step = np.nan_to_num(f) * (S // 4)
            fetched = cv2.remap(shot, x + step[..., 0], y + step[..., 1], cv2.INTER_LINEAR)
            assert known.mean() > .4
            assert np.abs(fetched - frame)[known].mean() < .7 * np.abs(shot - frame)[known].mean()


def test_the_render_is_in_the_moments_pose(played):
    apart = np.linalg.norm(played["render_points"] - played["points"], axis=-1)[..., list(pose.STABLE)]
    assert apart.mean() < .03 * S
    assert 0 < (played["render"][..., 3] > 0).mean() < .7


# ---- data -----------------------------------------------------------------------------------------------------------
def test_batches_hold_what_they_say(folder):
    data = turns(folder, "train", S, n_shot=3, n_frames=2)
    one, again = data.batch(0, [1, 5]), data.batch(0, [5])
    for name in one:
        np.testing.assert_array_equal(one[name][1], again[name][0])
    assert one["shots"].shape == (2, 3, 3, S, S) and one["ani"].shape == (2, 2, 4, S, S)
    assert one["flow"].shape == (2, 2, S // 2, S // 2, 2) and one["points"].shape == (2, 2, pose.POINTS, 2)
    assert np.abs(one["points"]).max() < 1.5 and not one["ani"][:, :, :3][one["ani"][:, :, 3:].repeat(3, 2) == 0].any()
    for asked, what in (({"n_shot": 9}, "4 shots, and 9"), ({"n_frames": 4}, "3 frames, and 4")):
        with pytest.raises(InputError, match=what):
            turns(folder, "train", S, **asked)
    with pytest.raises(InputError, match="64 px"):
        turns(folder, "train", 128)


def test_the_flow_belongs_to_the_chosen_shot(folder):
    data = turns(folder, "train", S, n_shot=4, n_frames=1)
    batch = tensors(data.batch(3, np.arange(8)))
    here = batch["points"][:, 0]
    there = batch["shot_points"][torch.arange(8), batch["ref"]]
    told = flow_by_landmarks(here, there, S // 2).permute(0, 2, 3, 1)
    known = torch.isfinite(batch["flow"][:, 0, ..., 0])
    away = (batch["flow"][:, 0] - told)[known]
    assert float((away - torch.tensor([small_turns.BEYOND, 0])).abs().max()) < .01


def test_the_worst_reference_is_drawn_for_training_only(folder):
    """Three quarters of the training's references have the most different pose; without asking it is the closest."""
    far = {}
    for worst in (0.0, pose.WORST_P, 1.0):
        data, count = turns(folder, "train", S, n_shot=4, worst_p=worst), 0
        for epoch in range(12):
            batch = data.batch(epoch, np.arange(len(data)))
            for b in range(len(data)):
                turn = pose.fit(np.concatenate([data.arrays["shot_points"][b], data.arrays["points"][b]]))
                near = [pose.choose(turn.at(4 + t), turn.at(slice(4))) for t in range(3)]
                shot = batch["shots"][b, batch["ref"][b]].transpose(1, 2, 0)
                at = next(k for k in range(4) if (data.arrays["shots"][b, k] == shot).all())
                count += at not in near
        far[worst] = count / (12 * len(data))
    assert far[0.0] == 0 and far[1.0] > .9 and .6 < far[pose.WORST_P] < .88
    assert turns(folder, "val", S).worst_p == 0


# ---- network --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("switches", [{}, {"atten": False}, {"combine": False}, {"warp_ref": False},
                                      {"warp_ani": False}, {"warp_ref": False, "warp_ani": False}, {"adaptive": 0},
                                      {"temporal": True}])
def test_every_switch_draws_and_learns(folder, switches, one_thread):
    """Each variant has all its weights in use, and what is switched off is not trusted."""
    made = task_of(folder, **switches, frames=2 if "temporal" in switches else 1)
    batch = tensors(made.data.batch(0, np.array([0, 3])))
    drawn = drawn_of(made.network, batch)[-1]
    assert drawn.picture.shape == (2, 3, S, S) and 0 <= float(drawn.picture.min()) <= float(drawn.picture.max()) <= 1
    for name in ("ref", "ani"):
        on = switches.get(f"warp_{name}", True)
        assert bool(getattr(drawn, name).trust.any()) == on
    *_, (_, loss, values) = made.losses(batch, At(step=60, phase="niter"))
    loss.backward()
    idle = {name for name, p in made.network.named_parameters() if p.grad is None}
    expected = () if switches.get("atten", True) else ("own", "gain", "key", "query")
    assert all(name.startswith(expected) for name in idle) if expected else not idle
    assert ("warp_ref" in values) == switches.get("warp_ref", True)


def test_attention_looks_at_the_shot_that_fits(folder, one_thread):
    """Shares sum to 1 over the shots; a shot that is put in at another place takes its share along."""
    net = net_of()
    batch = tensors(turns(folder, "train", S, n_shot=4).batch(0, [0, 1]))
    with torch.no_grad():
        net.query.weight.mul_(8), net.key.weight.mul_(8)
        shots, marks = task.unit(batch["shots"]), task.unit(batch["shot_sketches"])
        turned = torch.tensor([2, 0, 3, 1])
        (mixed, share), (other, moved) = (net.mix(net.see(shots[:, order], marks[:, order]),
                                                  task.unit(batch["sketches"][:, 0])) for order in
                                          (torch.arange(4), turned))
    torch.testing.assert_close(share.sum(1), torch.ones_like(share[:, 0]))
    torch.testing.assert_close(moved, share[:, turned])
    torch.testing.assert_close(mixed, other, atol=1e-4, rtol=1e-4)
    assert float(share.std(1).mean()) > .01
    with torch.no_grad():
        flat = net_of(atten=False)
        assert bool((flat.mix(flat.see(shots, marks), task.unit(batch["sketches"][:, 0]))[1] == .25).all())


@pytest.mark.parametrize("shots", [1, 2, 32])
def test_any_number_of_shots_will_do(shots, one_thread):
    net = net_of()
    with torch.no_grad():
        person = net.see(torch.rand(1, shots, 3, S, S), torch.rand(1, shots, 3, S, S))
        share = net.mix(person, torch.rand(1, 3, S, S))[1]
    assert share.shape == (1, shots, S // 4, S // 4)


def test_the_composition_is_what_the_docstring_says(folder, one_thread):
    """The picture is made of both moved pictures and the paint; and with non-linear composition the paint knows
    them."""
    batch = tensors(turns(folder, "train", S, n_shot=2).batch(0, [0]))
    for combine in (True, False):
        net = net_of(combine=combine)
        drawn = drawn_of(net, batch)[0]
        moment = task.moments_of(batch)[0]
        by_hand = drawn.ref.trust * warp(moment.ref, drawn.ref.flow) + (1 - drawn.ref.trust) * (
            drawn.ani.trust * warp(moment.ani[:, :3], drawn.ani.flow) + (1 - drawn.ani.trust) * drawn.colour)
        torch.testing.assert_close(drawn.picture, by_hand)
        other = dict(batch, ani=batch["ani"].clone())
        other["ani"][:, :, :3] //= 2                                      # a darker render
        assert bool((drawn_of(net, other)[0].colour != drawn.colour).any()) == combine
        inside = moment.sketch[:, sketch.INSIDE, None] == 1                # a render never shows the inside of a mouth
        assert bool(inside.any()) and not drawn.ani.trust[inside].any()
        nowhere = dict(batch, ani=torch.zeros_like(batch["ani"]))
        assert not drawn_of(net, nowhere)[0].ani.trust.any()


def test_the_frame_before_enters(folder, one_thread):
    """With several frames each is drawn by the one before; a single frame stands alone."""
    net = net_of(temporal=True)
    batch = tensors(turns(folder, "train", S, n_shot=2, n_frames=3).batch(0, [0]))
    three, one = drawn_of(net, batch), drawn_of(net, batch, 1)
    torch.testing.assert_close(three[0].picture, one[0].picture)
    last = task.moments_of(batch)[1]
    with torch.no_grad():
        person = net.see(task.unit(batch["shots"]), task.unit(batch["shot_sketches"]))
        alone = net.draw(person, last)
        after = net.draw(person, last._replace(before=three[0].picture, before_points=batch["points"][:, 0]))
    torch.testing.assert_close(after.picture, three[1].picture)
    assert bool((alone.colour != after.colour).any())


def test_every_size_works(one_thread):
    for size in (64, 96, 128):
        net = network.Rhythmic(replace(CI, size=size)).eval()
        with torch.no_grad():
            person = net.see(torch.rand(1, 1, 3, size, size), torch.rand(1, 1, 3, size, size))
            at = network.Moment(*(torch.rand(1, *shape) for shape in ((3, size, size), (68, 2), (3, size, size),
                                                                      (3, size, size), (68, 2), (4, size, size),
                                                                      (68, 2))))
            assert net.draw(person, at).picture.shape == (1, 3, size, size)
    with pytest.raises(ValueError, match="halved"):
        network.Rhythmic(replace(CI, size=100))


def test_the_small_profile_is_small():
    assert n_parameters(network.Rhythmic(network.PROFILES["cpu"])) < 3e6


@pytest.mark.slow
def test_the_published_sizes_can_be_built_and_stepped(tmp_path, monkeypatch):
    monkeypatch.setitem(train.RUNS, "gpu", replace(train.RUNS["gpu"], workers=0))     # one step feeds no processes
    folder = small_turns.make(tmp_path / "turns", 256, takes=1, shots=2, frames=1, people=(("train", 1), ("val", 1)))
    at, card = train.train_rhythmic(tmp_path / "out", scenes=folder, profile="gpu", steps=1, n_shot=2, batch_size=1,
                                    perceptual="none", progress=False)
    assert at.step == 1 and card["parameters"] > 5e7


# ---- losses ---------------------------------------------------------------------------------------------------------
def test_it_learns(folder, one_thread):
    """On one batch the picture, the mouth, the flow and what is trusted come closer to the truth."""
    made = task_of(folder)
    batch = tensors(made.data.batch(0, np.array([0, 5])))
    first, last = learn(made, batch, 32)
    assert last["l1"] < .7 * first["l1"] and last["mouth"] < .8 * first["mouth"]
    assert last["flow"] < .8 * first["flow"]
    assert last["mask_ref"] < first["mask_ref"] and last["mask_ani"] < first["mask_ani"]
    with torch.no_grad():
        made.network.eval()
        scores = made.evaluate(At())
    assert {"l1", "l1_ref", "l1_landmarks", "mouth", "flow", "flow_landmarks", "trust_ref"} <= set(scores)


def test_the_critic_judges_what_was_drawn(folder, one_thread):
    made = task_of(folder, weights=task.Weights(0, 0, 1, 0, 0, 0, 0, 0, 0))
    batch = tensors(made.data.batch(0, np.array([0, 2])))
    turns = list(made.losses(batch, At(step=60, phase="niter")))
    assert [name for name, *_ in turns] == ["critic", "rhythmic"]
    turns[0][1].backward()
    assert all(p.grad is None for p in made.network.parameters())         # it is shown, and not asked to change
    turns[1][1].backward()
    assert sum(float(p.grad.abs().sum()) for p in made.network.parameters() if p.grad is not None) > 0
    maps = [[torch.full((1, 1, 2, 2), .25)]] * 2
    assert [float(critics.hinge(maps, true)) for true in (True, False)] == [.75, 1.25]
    assert float(critics.fools(maps)) == -.25


def test_masks_learn_where_the_moved_picture_is_right():
    away, where = torch.tensor([[[0.0, .5], [0.0, .5]]]), torch.tensor([[[1.0, 1], [0, 0]]])
    right = torch.tensor([[[1.0, 0], [0, 0]]])
    assert task.mask_error(right, away, where) < .01 < task.mask_error(1 - right, away, where)


def test_rates_have_two_time_scales(folder):
    made = task_of(folder)
    assert made.optimisers["critic"].param_groups[0]["lr"] == 4 * made.optimisers["rhythmic"].param_groups[0]["lr"]
    assert made.optimisers["rhythmic"].param_groups[0]["betas"] == (0.0, .999)
    made.run = replace(made.run, phases=(("niter", 100), ("niter_decay", 50)))
    assert made.lr("rhythmic", At(step=99, phase="niter")) == 1
    assert made.lr("rhythmic", At(step=140, phase="niter_decay", phase_step=40)) == pytest.approx(.2)


# ---- training -------------------------------------------------------------------------------------------------------
def test_a_run_writes_weights_card_and_pictures(trained):
    out, (at, card) = trained
    assert at.step == 4 and (out / "rhythmic.safetensors").is_file() and list((out / "samples").glob("*_frames.png"))
    assert card["worst_ref_prob"] == pose.WORST_P and card["n_shot"] == 2 and "--n-shot 2" in card["command"]
    assert card["data"]["scored_on"].startswith("2 actors")
    loaded, _ = network.load(out)
    assert not loaded.training


def test_a_run_can_be_stopped_and_resumed(trained, folder, tmp_path, monkeypatch):
    plain = task.RhythmicTask.losses

    def stop(self, batch, at):
        if at.step == 3:
            raise stopped(3, 4, signal.SIGINT)
        yield from plain(self, batch, at)

    monkeypatch.setattr(train, "RUNS", {"ci": replace(train.RUNS["ci"], checkpoint_s=0.0)})
    monkeypatch.setattr(task.RhythmicTask, "losses", stop)
    with pytest.raises(KeyboardInterrupt):
        train.train_rhythmic(tmp_path, scenes=folder, profile="ci", progress=False)
    monkeypatch.setattr(task.RhythmicTask, "losses", plain)
    train.train_rhythmic(tmp_path, scenes=folder, profile="ci", progress=False)
    assert (tmp_path / "rhythmic.safetensors").read_bytes() == (trained[0] / "rhythmic.safetensors").read_bytes()


def test_several_frames_are_trained_after_single_ones(trained, folder, tmp_path):
    """From weights of single frames, too: the layers for the frame before start anew."""
    with pytest.warns(UserWarning, match="not taken over"):
        at, card = train.train_rhythmic(tmp_path, scenes=folder, profile="ci", n_frames=2, init=trained[0],
                                        steps=4, progress=False)
    assert list(card["phases"]) == ["single", "niter", "niter_decay"] and card["config"]["temporal"]
    assert at.init["taken"] > 50


def test_switches_reach_the_run(folder, tmp_path):
    _, card = train.train_rhythmic(tmp_path, scenes=folder, profile="ci", steps=1, atten=False, warp_ani=False,
                                   spade_combine=False, adaptive_spade=False, add_raw_loss=False, worst_ref_prob=0.0,
                                   batch_size=3, n_shot=3, progress=False)
    c = card["config"]
    assert not c["atten"] and not c["warp_ani"] and not c["combine"] and c["adaptive"] == 0 and c["warp_ref"]
    assert card["losses"]["raw"] == 0 and card["batch"] == 3 and card["worst_ref_prob"] == 0
    assert all(f"--no-{name}" in card["command"] for name in ("atten", "warp-ani", "spade-combine", "add-raw-loss"))
