"""Training of `emogen`: a small GAN from end to end, and the original's mistakes, each prevented by a test.

The published code's mistakes, and the tests that ours does not make them:

    a  emotion repeated five times, whatever T    test_systems_emogen_network: draws_any_number_of_frames; here:
                                                  batches_of_any
    b  (N, C, T, H, W) viewed as frames           test_systems_emogen_network: folding_keeps_frames_whole;
                                                  test_experts_losses: emotion_is_asked_of_frames_in_their_order,
                                                  perceptual_is_a_mean
    c  the index ignored, 95/5 split void         test_corpora_windows: every_index_is_its_own_place,
                                                  train_and_validation_hold_other_people
    d  reference of the same clip and emotion     test_corpora_windows: reference_is_the_same_actor; here: references
    e  mel of frame i - 1 in training             test_corpora_windows: mel_is_that_of_the_middle_frame; here: sound_of
    f  the video's own fps at inference           test_systems_emogen_dub
    g  options that do nothing                    test_cli, test_systems_emogen_dub, test_training_cli
    h  SyncNet in train mode                      test_experts_losses: batch_norm_sees_no_batch; here: experts_stay
    i  VGG19 given BGR, not normalised            test_experts_losses: vgg19_gets_rgb
    j  PSNR of bytes wraps, sums not averaged     test_metrics: psnr_of_a_known_error_also_for_bytes
    k  joint discriminator cannot be resumed      here: resumed_is_the_same_bytes
    l  output deleted, no accuracy, circular      here: nothing_is_deleted; accuracy: test_experts_emotion; scores by
                                                  judges: test_scores_run
    m  CUDA_VISIBLE_DEVICES set in the code       here: no_device_is_chosen_by_the_package
"""
from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import tfg
from tfg.corpora.splits import Person, Splits
from tfg.corpora.store import Row, Store, StoreWriter
from tfg.errors import InputError
from tfg.experts import quality
from tfg.experts.emotion import network as emotion
from tfg.experts.encoder import network as encoder
from tfg.experts.syncnet import network as syncnet
from tfg.networks import checkpoint
from tfg.systems.emogen import data as emogen_data
from tfg.systems.emogen import train as e
from tfg.systems.emogen.network import PROFILES, Emogen, EmogenConfig, feeling
from tfg.training.log import read
from tfg.training.loop import At
from tfg.vocabulary import EMOTIONS

SIZE, FRAMES = 48, 24


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    """Four people, three clips each (NEU, HAP at two levels). The mouth is as bright as the sound is loud, the brow as
    the emotion; the first HAP has a curve of intensity, the second none."""
    path = tmp_path_factory.mktemp("emogen") / "store"
    rng = np.random.default_rng(0)
    with StoreWriter(path, size=SIZE) as writer:
        for k in range(4):
            for name, level, strength in (("NEU", "XX", 0.0), ("HAP", "MD", .5), ("HAP", "HI", np.nan)):
                loud = np.interp(np.arange(FRAMES), np.arange(0, FRAMES, 3), rng.uniform(0, 1, 8))
                frames = np.full((FRAMES, SIZE, SIZE, 3), 60 + 30 * (0, 2, 3, 1)[k], np.uint8)
                frames[:, 32:42, 14:34] = (40 + 180 * loud).astype(np.uint8)[:, None, None, None]
                frames[:, 10:16] = 250 if name == "HAP" else 10
                mel = np.interp((np.arange(80) - 1.6) / 3.2, np.arange(FRAMES), loud)[:, None] * 6 - 3
                writer.append(Row(f"actors/V{k}_{name}_{level}", "actors", f"V{k}", emotion=name, level=level,
                                  labels="true"), list(frames), np.repeat(mel, 80, 1),
                              intensity=np.full(FRAMES, strength))
    Splits(tuple(Person("actors", f"V{k}", "train" if k < 3 else "val") for k in range(4)), {}).save_in(path)
    return Store.open(path)


@pytest.fixture(scope="module")
def experts(tmp_path_factory) -> dict:
    """Folders of untrained experts, as `train_emogen` takes them."""
    folder = tmp_path_factory.mktemp("experts")
    torch.manual_seed(1)
    for name, network in (("syncnet", syncnet.SyncNet(syncnet.PROFILES["ci"])),
                          ("emotion", emotion.EmotionNet(emotion.PROFILES["ci"])),
                          ("encoder", encoder.FaceEncoder(encoder.PROFILES["ci"]))):
        checkpoint.save(network, folder, name, {})
    return {"syncnet": folder, "emotion": folder, "encoder": folder}


@pytest.fixture(scope="module")
def trained(store, experts, tmp_path_factory):
    """A whole run with everything in it, and its folder."""
    out = tmp_path_factory.mktemp("run")
    (out / "mine.txt").write_text("keep me")
    return *run(store, experts, out), out


def run(store, experts, out, **more):
    return e.train_emogen(store, out, profile="ci", quality=True, joint=True, progress=False, **experts, **more)


def task_of(store, experts, profile="ci", **more) -> e.EmogenTask:
    torch.manual_seed(0)
    parts = {"syncnet": checkpoint.load("syncnet", syncnet.SyncNet, syncnet.SyncNetConfig, experts["syncnet"])[0],
             "emotion": checkpoint.load("emotion", emotion.EmotionNet, emotion.EmotionConfig, experts["emotion"])[0]}
    size = PROFILES[profile].size
    return e.EmogenTask(Emogen(PROFILES[profile]), e.windows_of(store, None, "train", size),
                        e.windows_of(store, None, "val", size), e.RUNS[profile], 1e-3, e.WEIGHTS[profile],
                        **{"evaluated": 4, **parts, **more})


def batch_of(task, n=2) -> dict:
    from tfg.training.batches import tensors

    return tensors(task.data.batch(0, np.arange(n)))


def take(task, batch, phase="gan", **state) -> dict:
    """All turns of one step without the optimisers: name -> (loss, what is logged)."""
    return {name: (loss, told) for name, loss, told in task.losses(batch, At(phase=phase, state=state))}


# ---- a whole run ----------------------------------------------------------------------------------------------------
def test_a_run_writes_network_card_log_and_pictures(trained, store):
    at, card, out = trained
    assert at.step == e.RUNS["ci"].steps and at.phase == "gan"
    network, held = checkpoint.load("emogen", Emogen, EmogenConfig, out)
    assert set(held["experts"]) == {"syncnet", "emotion", "encoder"} and len(held["experts"]["syncnet"]) == 64
    assert held["scores"] == card["scores"] and held["perceptual"] == "encoder" and held["quality"] and held["joint"]
    assert set(card["scores"]) == {"l1", "psnr", "mouth", "mouth_other", "heard", "felt", "sync_loss",
                                   "sync_loss_true", "emotion_accuracy", "emotion_accuracy_true"}
    assert network.config == PROFILES["ci"] and json.loads((out / "emogen.json").read_text())["data"]["actors"] == 3
    names = {name for _, name, _ in read(out / "log.csv")}
    assert {"l1", "perceptual", "emotion_ce", "fools", "real", "fake", "wait", "sync_loss"} <= names
    assert sorted(p.name for p in (out / "samples").iterdir()) == ["0000004_faces.png", "0000008_faces.png"]


def test_nothing_is_deleted(trained):
    assert (trained[2] / "mine.txt").read_text() == "keep me"


def test_stopped_and_resumed_is_the_same_bytes(trained, store, experts, tmp_path, monkeypatch):
    """The joint emotion discriminator and the quality discriminator, too."""
    whole = trained[2]
    losses, seen = e.EmogenTask.losses, []

    def stop(self, batch, at):
        if at.step == 6:
            raise KeyboardInterrupt
        seen.append(at.step)
        yield from losses(self, batch, at)

    monkeypatch.setitem(e.RUNS, "ci", replace(e.RUNS["ci"], checkpoint_s=0))
    monkeypatch.setattr(e.EmogenTask, "losses", stop)
    with pytest.raises(KeyboardInterrupt):
        run(store, experts, tmp_path)
    monkeypatch.setattr(e.EmogenTask, "losses", losses)
    monkeypatch.setitem(e.RUNS, "ci", replace(e.RUNS["ci"], checkpoint_s=120.0))
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    assert state["at"]["step"] == 6 and seen[-1] == 5
    state["tag"] = torch.load(whole / "state.pt", weights_only=True)["tag"]     # checkpoint_s is free to change
    run(store, experts, tmp_path)
    for name in ("emogen", "emotion", "quality"):
        assert (tmp_path / "last" / f"{name}.safetensors").read_bytes() == \
            (whole / "last" / f"{name}.safetensors").read_bytes(), name
    assert (tmp_path / "emogen.safetensors").read_bytes() == (whole / "emogen.safetensors").read_bytes()


def test_it_learns_to_draw_the_face_from_what_it_is_given(store, experts, tmp_path, monkeypatch):
    monkeypatch.setitem(e.RUNS, "ci", replace(e.RUNS["ci"], phases=(("draw", 150),), batch=8, evaluate_every=75))
    monkeypatch.setitem(e.RATE, "ci", .01)
    at, card = e.train_emogen(store, tmp_path, profile="ci", perceptual="none", syncnet="none", emotion="none",
                              progress=False)
    first = next(v for _, name, v in read(tmp_path / "log.csv") if name == "l1")
    assert card["scores"]["l1"] < .6 * first and "sync_loss" not in card["scores"]
    assert card["scores"]["mouth"] < card["scores"]["mouth_other"] and card["scores"]["heard"] > .005


# ---- data -----------------------------------------------------------------------------------------------------------
def test_references_are_of_another_clip_and_emotion(store):
    windows = e.windows_of(store, None, "train", SIZE)
    batch = windows.batch(0, np.arange(len(windows)))
    emotion_of = np.array([row.emotion for row in windows.clips])
    assert (batch["clip"] != batch["reference_clip"]).all()
    assert (emotion_of[batch["clip"]] != emotion_of[batch["reference_clip"]]).all()


def test_sound_of_each_frame_is_its_own_and_the_expert_hears_it_clean(store):
    windows = e.windows_of(store, None, "train", SIZE)
    faces = emogen_data.Faces(windows)
    plain, batch = windows.batch(0, [3, 9]), faces.batch(0, [3, 9])
    np.testing.assert_array_equal(batch["mel"], plain["mels"][:, syncnet.FRAMES // 2])
    assert batch["mels"].shape == (2, 5, 80, 16) and not np.array_equal(batch["mels"], plain["mels"])
    assert np.array_equal(batch["mels"], faces.batch(0, [9, 3])["mels"][::-1])     # a function of the index
    assert not np.array_equal(batch["mels"], faces.batch(1, [3, 9])["mels"])


def test_feelings_of_a_batch_are_those_asked_for_when_dubbing(store):
    faces = emogen_data.Faces(e.windows_of(store, None, "train", SIZE))
    batch = faces.batch(0, np.arange(len(faces)))
    names = [(row.emotion, row.level) for row in faces.windows.clips]
    expected = {("NEU", "XX"): feeling("NEU"), ("HAP", "MD"): feeling("HAP", .5), ("HAP", "HI"): feeling("HAP", .8)}
    for clip, felt in zip(batch["clip"], batch["feeling"]):
        np.testing.assert_allclose(felt, expected[names[clip]], atol=1e-6)


# ---- losses and their schedule --------------------------------------------------------------------------------------
@pytest.mark.parametrize("n", [1, 2, 3])
def test_batches_of_any_number_are_drawn_and_put_in_order(store, experts, n):
    task = task_of(store, experts)
    task.network.eval()                                 # batch norm cannot learn from one picture
    batch = batch_of(task, n)
    for full in (0, n):
        drawn, target, answer = task._draw(batch, full)
        assert len(answer.colour) == len(drawn)
        frames = batch["frames"].float() / 255
        assert drawn.shape == target.shape
        assert torch.equal(target, frames.flatten(0, 1) if full else frames[:, syncnet.FRAMES // 2])
        assert torch.equal(drawn[..., task.mask == 0], target[..., task.mask == 0])


def test_weights_of_the_phases(store, experts):
    task = task_of(store, experts, quality=quality.QualityNet(quality.PROFILES["ci"]))
    batch = batch_of(task)
    drawing = take(task, batch, "draw")
    assert list(drawing) == ["emogen"] and set(drawing["emogen"][1]) == {"l1"}
    gan = take(task, batch, "gan")
    assert list(gan) == ["emogen", "quality"] and "sync" not in gan["emogen"][1]
    loss, told = take(task, batch, "gan", sync=True)["emogen"]
    w = task.weights
    expected = (1 - w.sync - w.emotion) * told["l1"] + w.sync * told["sync"] + w.emotion * told["emotion_ce"] + \
        w.quality * told["fools"]
    torch.testing.assert_close(loss, expected)
    alone = task_of(store, experts)                     # without the GAN: Wav2Lip's smaller weight
    loss, told = take(alone, batch, "gan", sync=True)["emogen"]
    torch.testing.assert_close(loss, (1 - w.sync_alone - w.emotion) * told["l1"] + w.sync_alone * told["sync"] +
                               w.emotion * told["emotion_ce"])


@pytest.mark.parametrize("loss, on", [(.76, False), (.74, True)])
def test_sync_counts_from_when_unseen_lips_follow(store, experts, monkeypatch, loss, on):
    monkeypatch.setattr(e.losses, "sync", lambda expert, frames, mel: torch.tensor(loss))
    task, at = task_of(store, experts), At()
    with torch.no_grad():
        task.networks["emogen"].eval()
        task.evaluate(at)
    assert at.state.get("sync", False) == on            # kept in checkpoints, and never turned off again


def test_experts_stay_as_they_are(store, experts, tmp_path):
    for joint in (False, True):
        task = task_of(store, experts, joint=joint)
        before = {k: v.clone() for part in (task.syncnet, task.emotion) for k, v in part.state_dict().items()}
        at = e.train(task, replace(task.run, phases=(("gan", 2),)), tmp_path / str(joint), progress=False)
        at.state["sync"] = True
        for _, loss, _ in task.losses(batch_of(task), at):
            loss.backward()
        assert not task.syncnet.training and not task.emotion.training
        assert all(torch.equal(before[k], v) for part in (task.syncnet, task.emotion)
                   for k, v in part.state_dict().items())
        assert all(p.grad is None for part in (task.syncnet, task.emotion) for p in part.parameters())
        moved = joint and any(not torch.equal(a, b) for a, b in zip(task.networks["emotion"].parameters(),
                                                                    task.emotion.parameters()))
        assert moved == joint                           # the joint one learns, the frozen one scores


def test_pictures_have_ten_faces_in_a_row(store, experts):
    task = task_of(store, experts)
    with torch.no_grad():
        sheet = task.pictures(At())["faces"]
    assert sheet.shape[1:] == (10 * SIZE, 3) and sheet.dtype == np.uint8 and sheet.shape[0] % SIZE == 0
    assert (sheet[SIZE // 2, SIZE + SIZE // 2] == 0).all()                      # the second is the hidden one


def test_the_gpu_profile_takes_a_step(store, experts):
    """Every network of the paper's size, all losses but VGG19's, one window."""
    task = task_of(store, experts, "gpu", quality=quality.QualityNet(quality.PROFILES["gpu"]), joint=True)
    before = [p.detach().clone() for p in task.network.parameters()]
    batch = {k: v[:1] for k, v in batch_of(task, 1).items()}
    for name, loss, _ in task.losses(batch, At(phase="gan", state={"sync": True})):
        loss.backward()
        task.optimisers[name].step()
        for optimiser in task.optimisers.values():
            optimiser.zero_grad()
        assert torch.isfinite(loss)
    assert sum(not torch.equal(a, b) for a, b in zip(before, task.network.parameters())) > .9 * len(before)
    w = e.WEIGHTS["gpu"]
    assert (w.sync, w.sync_alone, w.emotion, w.perceptual, w.full, w.mouth) == (.03, .01, .01, .01, 1, 0)
    assert e.RATE["gpu"] == 1e-4


# ---- what is refused ------------------------------------------------------------------------------------------------
def test_what_is_refused(store, experts, tmp_path):
    with pytest.raises(InputError, match="unknown profile 'huge'"):
        e.train_emogen(store, tmp_path, profile="huge")
    with pytest.raises(InputError, match="tfg train syncnet"):
        e.train_emogen(store, tmp_path, profile="ci", syncnet=tmp_path / "none")
    with pytest.raises(InputError, match="tfg train emotion"):
        e.train_emogen(store, tmp_path, profile="ci", syncnet=experts["syncnet"], emotion=tmp_path / "none")
    with pytest.raises(InputError, match="no store"):
        e.train_emogen(tmp_path / "nothing", tmp_path, profile="ci", **experts)


def test_no_device_is_chosen_by_the_package():
    for path in Path(tfg.__file__).parent.rglob("*.py"):
        assert "CUDA_VISIBLE_DEVICES" not in path.read_text(encoding="utf-8"), path


def test_emotions_are_those_of_the_vocabulary():
    assert EMOTIONS[e.NEUTRAL] == "NEU" and set(tfg.vocabulary.INTENSITY) == set(tfg.vocabulary.LEVELS)
