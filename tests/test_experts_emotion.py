"""The emotion discriminator: its training people, its scores, and a small run of it."""
from __future__ import annotations

import numpy as np
import pytest
import torch

from small_store import acted, make_store, splits_of
from tfg.corpora.augment import Augment
from tfg.corpora.splits import Person, Splits
from tfg.corpora.store import Row, Store, StoreWriter
from tfg.errors import InputError
from tfg.experts.emotion import network as emotion
from tfg.experts.emotion import train as e
from tfg.experts.emotion.network import EmotionNet, load_emotion
from tfg.networks.blocks import n_parameters
from tfg.training.augment_pixels import AugmentPixels
from tfg.training.log import read
from tfg.training.loop import At
from tfg.vocabulary import EMOTIONS

SIZE, FRAMES, STEPS = 48, 8, 80
SPLIT = ["train"] * 6 + ["val"] * 2 + ["test"] * 2 + ["judge"] * 6


def bar(k: int) -> slice:
    """Rows of the bar of emotion k."""
    return slice(4 + 15 * (k // 2), 14 + 15 * (k // 2))


def write(path, people: list[str], **more) -> Store:
    """Write a store with one clip of each emotion of each person. A red or blue bar in one of three places encodes the
    emotion (symmetrically), the background the person."""
    rng = np.random.default_rng(0)
    with StoreWriter(path, size=SIZE) as writer:
        for a in range(len(people)):
            for k, name in enumerate(EMOTIONS):
                frames = np.tile((20 + 8 * a + rng.integers(0, 30, 3)).astype(np.uint8), (FRAMES, SIZE, SIZE, 1))
                frames[:, bar(k)] = 10
                frames[:, bar(k), :, 2 * (k % 2)] = 240
                expression = np.zeros((FRAMES, 52), np.float32)
                expression[:, k] = 1
                writer.append(Row(f"actors/V{a}_{name}", "actors", f"V{a}", emotion=name, labels="true",
                                  level="XX" if name == "NEU" else ("LO", "HI")[k % 2], **more), list(frames),
                              np.zeros((26, 80)), expression=expression)
    Splits(tuple(Person("actors", f"V{a}", split) for a, split in enumerate(people)), {}).save_in(path)
    return Store.open(path)


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    return write(tmp_path_factory.mktemp("emotion") / "store", SPLIT)


@pytest.fixture(scope="module")
def trained(store, tmp_path_factory):
    """A short run: its folder and card."""
    out = tmp_path_factory.mktemp("trained") / "emotion"
    out.mkdir()
    (out / "mine.txt").write_text("keep me")
    return out, e.train_emotion(store, out, profile="ci", steps=STEPS, progress=False)[1]


class Bright(torch.nn.Module):
    """A network that knows which of the bars is there; but it takes `wrong` for `taken`."""

    def __init__(self, wrong: int | None = None, taken: int = 0):
        super().__init__()
        self.config, self.unused = emotion.PROFILES["ci"], torch.nn.Parameter(torch.zeros(1))
        self.wrong, self.taken = wrong, taken

    def forward(self, frames):
        colour = [frames[:, 0, 2 * (k % 2), bar(k)] - frames[:, 0, 2 - 2 * (k % 2), bar(k)] for k in range(6)]
        logits = 30 * torch.stack([c.mean((1, 2)) for c in colour], 1)
        if self.wrong is not None:
            logits[:, self.taken] += 60 * (logits.argmax(1) == self.wrong)
        return logits


# ---- data -----------------------------------------------------------------------------------------------------
def test_visits_are_of_the_split_all_emotions_alike_and_a_function_of_their_key(tmp_path):
    clips = acted("V1", *EMOTIONS) + acted("V2", "HAP", "HAP", "NEU") + acted("V3", *EMOTIONS)
    small = make_store(tmp_path / "s", [c | {"id": f"{c['id']}{k}"} for k, c in enumerate(clips)])
    windows = e.windows_of(small, splits_of(V1="train", V2="train", V3="val"), "train", 48, labels=("expression",))
    data = e.EmotionData(windows)
    batch = data.batch(0, np.arange(len(data)))
    assert set(batch["clip"]) == set(range(len(windows.clips))) == set(range(9))
    assert {row.actor for row in windows.clips} == {"V1", "V2"}
    assert len(set(np.bincount(batch["emotion"], minlength=6))) == 1
    first = [windows.clips[c].start + s for c, s in zip(batch["clip"], batch["start"])]
    number = np.round((batch["expression"] - np.arange(52))[:, :, 0] * 1000).astype(int)      # see small_store
    assert (number == np.array(first)[:, None] + 1 + np.arange(5)).all()
    again, other, later = data.batch(0, [7]), data.batch(0, [8]), data.batch(1, np.arange(len(data)))
    assert again["start"] == batch["start"][7] and again["clip"] == batch["clip"][7]
    assert other["clip"] != again["clip"] and (later["start"] != batch["start"]).any()
    looks = e.EmotionData(windows, ((0, 4),)).batch(0, [7])
    assert looks["frames"].shape[:2] == looks["expression"].shape[:2] == (1, 2)
    assert (looks["frames"][0, 1] == again["frames"][0, 4]).all()
    several = e.EmotionData(windows, e.LOOKS)
    lengths = [several.batch(0, [k, 0])["frames"].shape[1] for k in range(24)]
    assert set(lengths) == {1, 2, 3, 5} and lengths == [several.batch(0, [k])["frames"].shape[1] for k in range(24)]


def test_clips_of_no_known_emotion_are_left_out(tmp_path):
    clips = acted("V1", "HAP", "SAD") + [dict(id="actors/x", corpus="actors", actor="V1", n_frames=20)]
    small = make_store(tmp_path / "s", clips)
    assert len(e.windows_of(small, splits_of(V1="train"), "train", 48).clips) == 2
    with pytest.raises(InputError, match="no window of 5 usable frames"):
        e.windows_of(make_store(tmp_path / "t", clips[2:]), splits_of(V1="train"), "train", 48)


# ---- networks -------------------------------------------------------------------------------------------------
def test_planes_of_a_frame_stay_together_and_frames_apart():
    network = EmotionNet(emotion.PROFILES["ci"]).eval()
    frames = torch.rand(2, 5, 3, SIZE, SIZE)
    codes, order = network.codes(frames), [3, 0, 4, 1, 2]
    assert codes.shape == (2, 5, network.dim)
    torch.testing.assert_close(network.codes(frames[:, order]), codes[:, order])
    torch.testing.assert_close(network.codes(frames[:, 2:3]), codes[:, 2:3])
    touched = frames.clone()
    touched[1, 3, 2] = 1 - touched[1, 3, 2]                            # one plane of one frame
    moved = (network.codes(touched) - codes).abs().amax(2) > 1e-6
    assert moved.nonzero().tolist() == [[1, 3]]
    for wrong in (frames.transpose(1, 2), frames[0]):
        with pytest.raises(ValueError, match="frames are"):
            network(wrong)


def test_any_number_of_frames_of_any_size():
    network = EmotionNet(emotion.PROFILES["cpu"]).eval()
    assert network(torch.rand(1, 1, 3, 64, 64)).shape == network(torch.rand(1, 7, 3, 130, 130)).shape == (1, 6)
    large = torch.rand(1, 2, 3, 8, 8).repeat_interleave(16, 3).repeat_interleave(16, 4)
    small = large[..., ::2, ::2]
    assert (network(large).softmax(1) - network(small).softmax(1)).abs().max() < .05


def test_the_large_one_takes_a_step(store):
    torch.manual_seed(0)
    network = EmotionNet(emotion.PROFILES["gpu"])
    assert 14e6 < n_parameters(network) < 18e6
    windows = e.windows_of(store, None, "train", 96, labels=("expression",), augment=Augment())
    task = e.EmotionTask(network, windows, windows, e.RUNS["gpu"], e.RATE["gpu"], published=True)
    batch = {k: torch.from_numpy(v) for k, v in task.data.batch(0, [0, 1]).items()}
    assert batch["frames"].shape == (2, 5, 3, 96, 96)
    before = [p.detach().clone() for p in network.parameters()]
    for optimiser, loss, _ in task.losses(batch, At()):
        loss.backward()
        task.optimisers[optimiser].step()
    assert all(torch.isfinite(p).all() for p in network.parameters())
    assert sum(not torch.equal(a, b) for a, b in zip(before, network.parameters())) >= len(before) - 4
    rates = [task.lr("emotion", At(step=k)) for k in (0, 17_499, 17_500, 34_999)]
    assert rates == [1, 1, .1, .1]


# ---- changes on the device --------------------------------------------------------------------------------------
def test_a_window_is_changed_as_a_whole_and_as_the_seed_says():
    still = torch.rand(6, 1, 3, 40, 40)
    frames = still.expand(-1, 4, -1, -1, -1)
    vary = AugmentPixels(hide=1.0, coarse=1.0)
    torch.manual_seed(1)
    out = vary(frames)
    assert out.shape == frames.shape and out.min() >= 0 and out.max() <= 1 + 1e-6
    torch.testing.assert_close(out, out[:, :1].expand_as(out))
    changed = (out - frames).abs().mean((1, 2, 3, 4))
    assert (changed > .01).all() and len(changed.unique()) == 6
    torch.manual_seed(1)
    assert torch.equal(vary(frames), out)
    nothing = AugmentPixels(0, 0, 0, 0, 0, 0)
    torch.testing.assert_close(nothing(frames), frames, atol=1e-5, rtol=0)


def test_hidden_parts_and_faded_colours_are_small_changes():
    grey = torch.full((64, 2, 3, 40, 40), .5)
    torch.manual_seed(0)
    hidden = (AugmentPixels(0, 0, 0, 0, 1.0, 0)(grey) != grey).float().mean((1, 2, 3, 4))
    assert .005 < hidden.mean() and hidden.max() < .15
    colour = torch.tensor([1.0, .5, 0.0])[None, None, :, None, None].expand(64, 1, 3, 8, 8)
    faded = AugmentPixels(0, 0, 0, 0, 0, .5)(colour)
    torch.testing.assert_close(faded.mean(2), colour.mean(2))
    assert (faded[:, 0, 0] - faded[:, 0, 2]).min() >= .5


# ---- scores -----------------------------------------------------------------------------------------------------
def test_scores_are_of_unseen_people_clip_by_clip(store):
    right = e.evaluate_emotion(Bright(), store, "test", "evaluate")
    assert right["accuracy"] == right["windows"] == 1 and right["clips"] == 12 and right["actors"] == 2
    assert np.array(right["confusion"]).tolist() == (2 * np.eye(6, dtype=int)).tolist()
    happy, sad = EMOTIONS.index("HAP"), EMOTIONS.index("SAD")
    found = e.evaluate_emotion(Bright(happy, sad), store, "val", "train")
    assert found["accuracy"] == pytest.approx(5 / 6) and found["emotions"] == {n: float(n != "HAP") for n in EMOTIONS}
    assert found["levels"] == {"LO": 1.0, "HI": pytest.approx(2 / 3), "XX": 1.0}
    assert found["confusion"][happy][sad] == 2 and found["loss"] > right["loss"]
    with pytest.raises(InputError, match="judge"):
        e.evaluate_emotion(Bright(), store, "judge", "evaluate")
    with pytest.raises(InputError, match="test"):
        e.evaluate_emotion(Bright(), store, "test", "train")


def test_a_clip_is_named_by_the_mean_of_its_windows():
    class Windows:
        clips = [Row("a", "actors", "V1", emotion="ANG", level="HI"), Row("b", "actors", "V2", emotion="DIS")]

        def __len__(self):
            return 6

        def clip_of_index(self):
            return np.array([0, 0, 0, 1, 1, 1])

        def batch(self, epoch, indices):
            return {"frames": np.array([5, 5, 60, 0, 9, 3], np.uint8)[indices].reshape(-1, 1, 1, 1, 1)}

    class Say(torch.nn.Module):
        """The brighter, the less anger, and the more disgust; nobody else."""

        def __init__(self):
            super().__init__()
            self.unused = torch.nn.Parameter(torch.zeros(1))

        def forward(self, frames):
            x = frames[:, 0, 0, 0, 0] * 255
            return torch.stack([10 - x, x - 10, *[torch.full_like(x, -99)] * 4], 1)

    found = e.score(Say(), Windows())
    assert found["accuracy"] == 0 and found["windows"] == pytest.approx(2 / 6)       # 2 of 3 say ANG, but hardly
    assert found["levels"] == {"HI": 0.0}


def test_real_clips_stand_beside_their_raters(tmp_path):
    hap, neu, sad = (EMOTIONS.index(n) for n in ("HAP", "NEU", "SAD"))
    votes = {"HAP": {hap: .75, neu: .25}, "SAD": {neu: 1.0}}
    clips = [c | {"soft": tuple(votes[c["emotion"]].get(k, 0.0) for k in range(6))}
             for c in acted("1001", "HAP", "SAD", corpus="crema_d")]
    clips.append(dict(id="grid/x", corpus="grid", n_frames=20))
    real = make_store(tmp_path / "s", clips)

    class Always(Bright):
        def forward(self, frames):
            return torch.nn.functional.one_hot(torch.full((len(frames),), sad), 6).float()

    found = e.real_clips(Always(), real)
    assert (found["acted"], found["raters"], found["people"]) == (.5, 0.0, .5)
    assert [c["named"] for c in found["clips"]] == ["SAD", "SAD"]
    assert [c["raters"] for c in found["clips"]] == ["HAP", "NEU"] and found["clips"][0]["votes"][hap] == .75
    assert sum(found["clips"][0]["probabilities"]) == pytest.approx(1, abs=.01)
    with pytest.raises(InputError, match="no clip that raters have judged"):
        e.real_clips(Always(), make_store(tmp_path / "t", clips[2:]))


# ---- runs -------------------------------------------------------------------------------------------------------
def test_a_short_run_learns_what_holds_for_people_it_never_saw(trained):
    folder, card = trained
    assert card["scores"]["test"]["accuracy"] > .8 and card["scores"]["val"]["accuracy"] > .8
    assert card["scores"]["test"]["actors"] == 2 and card["steps"] == STEPS
    assert card["data"].startswith("36 clips of 6 actors")
    assert card["scores"]["val"]["actors"] == 2
    assert {"named", "hint", "right", "accuracy", "loss", "accuracy_HI"} <= {n for _, n, _ in read(folder / "log.csv")}


def test_what_was_trained_can_be_loaded(trained, store):
    from safetensors.torch import load_file

    folder, card = trained
    network, read_card = load_emotion(folder)
    assert read_card["scores"] == card["scores"] and not network.training
    same = EmotionNet(emotion.PROFILES["ci"]).eval()
    same.load_state_dict(load_file(folder / "last" / f"{card['system']}.safetensors"))
    frames = torch.rand(3, 5, 3, SIZE, SIZE)
    torch.testing.assert_close(network(frames), same(frames), atol=.02, rtol=.01)             # kept as float16
    assert e.evaluate_emotion(network, store)["confusion"] == card["scores"]["test"]["confusion"]


def test_the_folder_keeps_what_was_in_it_and_a_finished_run_stays(trained, store):
    folder, card = trained
    assert (folder / "mine.txt").read_text() == "keep me"
    rows = read(folder / "log.csv")
    at, again = e.train_emotion(store, folder, profile="ci", steps=STEPS, progress=False)
    assert at.step == STEPS and again["scores"] == card["scores"] and read(folder / "log.csv") == rows
    with pytest.raises(InputError, match="belongs to another run"):
        e.train_emotion(store, folder, profile="ci", steps=STEPS, seed=1, progress=False)


def test_the_same_seed_gives_the_same_network(store, tmp_path):
    for name in ("a", "b"):
        e.train_emotion(store, tmp_path / name, profile="ci", progress=False)
    assert (tmp_path / "a/emotion.safetensors").read_bytes() == (tmp_path / "b/emotion.safetensors").read_bytes()


def test_what_is_refused(store, tmp_path):
    with pytest.raises(InputError, match="unknown profile 'huge'"):
        e.train_emotion(store, tmp_path, profile="huge")
    with pytest.raises(InputError, match="no store"):
        e.train_emotion(tmp_path / "nothing", tmp_path)


def test_the_command_line_says_what_came_of_it(store, tmp_path, capsys):
    from tfg.cli import main

    assert main(["train", "emotion", "--store", str(store.path), "--out", str(tmp_path), "--profile", "ci"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert f"wrote {tmp_path}/emotion.safetensors and emotion.json" in last and "test levels:" in last
    assert main(["train", "emotion", "--store", str(tmp_path / "no"), "--out", str(tmp_path)]) == 2
