"""The extractor's data, scores and training: the measured clips, and small runs."""
from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest
import torch

from tfg.actors.cast import Member, Planned
from tfg.actors.manifest import VERSION
from tfg.corpora.augment import Augment
from tfg.errors import InputError
from tfg.experts.extractor import data
from tfg.experts.extractor import network as extractor
from tfg.experts.extractor import train as e
from tfg.experts.extractor.evaluate import group, score, summary, within
from tfg.experts.extractor.network import load_extractor
from tfg.faces import mirror
from tfg.training.log import read as read_log
from tfg.training.loop import At
from tfg.vocabulary import INDEX, index

EVERY = {"train": 1, "val": 1, "test": 1}
SPLIT = ["train"] * 4 + ["val"] * 2 + ["test"] * 2
CLIPS, FRAMES = 6, 8


def write_set(folder):
    """Write set.json of eight people with six clips each; the clips are empty files, as their measurements are
    given."""
    who = [Member(f"V{a}", ("virtual", "portrait")[a % 2], a, split) for a, split in enumerate(SPLIT)]
    said = [Planned(m.name, s, "HAP", "HI") for m in who for s in ("IEO", "TIE", "IOM", "IWW", "TAI", "MTI")]
    folder.mkdir()
    (folder / "set.json").write_text(json.dumps(dict(version=VERSION, members=[asdict(m) for m in who],
                                                     clips=[asdict(c) for c in said])))
    for c in said:
        (folder / f"{c.name}.mp4").touch()
    return folder


def readings_of(source: data.Source, seed: int) -> dict[str, np.ndarray]:
    """A face whose lower lip hangs as low as its jaw is open, and whose brows, which only pixels show, are bright."""
    rng = np.random.default_rng(seed)
    expression = np.full((FRAMES, 52), .1, np.float32)
    expression[:, INDEX["jawOpen"]], brow = rng.uniform(0, 1, FRAMES), rng.uniform(0, 1, FRAMES)
    expression[:, index("browDown")] = brow[:, None]
    points = np.random.default_rng(5).normal(60, 20, (478, 3)) + rng.normal(0, .1, (FRAMES, 478, 3))
    points[:, [14, 17, 87, 317], 1] += 15 * expression[:, [INDEX["jawOpen"]]]
    crops = np.full((FRAMES, 64, 64, 3), 90, np.uint8)
    crops[:, 4:24, 8:56] = (40 + 180 * brow).astype(np.uint8)[:, None, None, None]
    return {"frame": np.arange(FRAMES, dtype=np.int32), "points": points.astype(np.float32), "crops": crops,
            "blendshapes": np.full((FRAMES, 52), .2, np.float32), "pose": np.zeros((FRAMES, 6), np.float32),
            "expression": expression, "true_pose": np.zeros((FRAMES, 6), np.float32)}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(set, readings): a set of people, and the measurements of their clips."""
    root = tmp_path_factory.mktemp("extractor")
    folder, readings = write_set(root / "people"), root / "readings"
    (readings / "people").mkdir(parents=True)
    for k, source in enumerate(data.sources([folder], clips={})):
        np.savez(readings / f"{source.key}.npz", every=1, **readings_of(source, k))
    return folder, readings


@pytest.fixture(scope="module")
def trained(made, tmp_path_factory):
    out = tmp_path_factory.mktemp("trained") / "extractor"
    return out, e.train_extractor([made[0]], out, readings=made[1], profile="ci", steps=60, every=EVERY,
                                  progress=False)[1]


# ---- measuring ------------------------------------------------------------------------------------------------
def test_sources_are_spread_over_an_actors_clips_and_keep_to_splits(made):
    clips = data.sources([made[0]], ("train", "val"), clips={"train": 2})
    assert {c.split for c in clips} == {"train", "val"} and {c.kind for c in clips} == {"virtual", "portrait"}
    assert [c.key for c in clips if c.actor == "people/V1"] == ["people/V1_IEO_HAP_HI", "people/V1_IWW_HAP_HI"]
    assert len([c for c in clips if c.actor == "people/V4"]) == CLIPS
    assert data.CLIPS["train"] < CLIPS == len([c for c in data.sources([made[0]], ("test",)) if c.actor == "people/V6"])


def test_sets_that_cannot_be_read(made, tmp_path):
    with pytest.raises(InputError, match="two sets are called people"):
        data.sources([made[0], made[0]])
    folder = write_set(tmp_path / "other")
    (folder / "V0_IEO_HAP_HI.mp4").unlink()
    with pytest.raises(InputError, match="never made"):
        data.sources([folder])
    with pytest.raises(InputError, match="set.json"):
        data.sources([tmp_path])
    with pytest.raises(InputError, match="none of 8 clips"):
        data.load(data.sources([made[0]], ("train",), clips={"train": 2}), tmp_path)


def test_a_clip_is_read_once_and_again_if_its_file_is_damaged(made, tmp_path, monkeypatch):
    clips, asked = data.sources([made[0]], ("val",)), []
    monkeypatch.setattr(data, "read", lambda path, meter, every: asked.append(path.stem) or readings_of(None, 0))
    data.read_all(clips[:2], tmp_path, progress=False)
    data.read_all(clips[:3], tmp_path, progress=False)
    assert asked == [c.path.stem for c in clips[:3]]
    path = tmp_path / f"{clips[1].key}.npz"
    path.write_bytes(path.read_bytes()[:1000])
    data.read_all(clips[:3], tmp_path, progress=False)
    data.read_all(clips[:1], tmp_path, every={"val": 7}, progress=False)               # of another density
    assert asked[3:] == [clips[1].path.stem, clips[0].path.stem]
    assert len(data.load(clips[1:3], tmp_path)) == 2 * FRAMES


def test_readings_are_measured_beside_the_truth(tmp_path):
    """Measured on a clip of a photo without a visible face at one moment."""
    skimage_data = pytest.importorskip("skimage.data")
    from tfg.faces.landmarks import Landmarker
    from tfg.media.clip import Clip, Motion

    face = np.ascontiguousarray(skimage_data.astronaut()[:256, 80:336])
    frames = [face] * 7
    frames[4] = np.full_like(face, 90)
    motion = Motion(np.arange(7)[:, None] / 10 + np.zeros((7, 52)), np.arange(7)[:, None] + np.zeros((7, 6)))
    path = Clip(frames, motion=motion, landmarks=np.zeros((7, 478, 3))).save(tmp_path / "V001_TSI_ANG_HI.mp4")
    with Landmarker() as meter:
        found = data.read(path, meter, every=2)
    assert found["frame"].tolist() == [0, 2, 6]
    assert {k: v.shape for k, v in found.items()} == {
        "frame": (3,), "points": (3, 478, 3), "blendshapes": (3, 52), "pose": (3, 6), "crops": (3, 64, 64, 3),
        "expression": (3, 52), "true_pose": (3, 6)}
    np.testing.assert_array_equal(found["expression"], motion.expression[[0, 2, 6]])
    np.testing.assert_array_equal(found["true_pose"], motion.pose[[0, 2, 6]])
    assert found["crops"].dtype == np.uint8 and found["crops"].std() > 20 and np.ptp(found["points"][..., 0]) > 50


# ---- batches --------------------------------------------------------------------------------------------------
def test_a_visit_is_of_one_clip_spread_over_it_and_a_function_of_its_key(made):
    learn = data.load(data.sources([made[0]], ("train",)), made[1], every=EVERY)
    none = {k: 0 for k in ("brightness", "contrast", "gamma", "colour", "noise", "blur", "jpeg", "flip_p")}
    visits = e.ExtractorData(learn, augment=Augment(**none))
    batch = visits.batch(0, np.arange(len(visits)))
    assert batch["crops"].shape == (len(visits), e.FRAMES, 3, 64, 64) and batch["angles"].shape[2] == 3
    for k in range(len(visits)):
        rows = learn.rows(k % len(learn.clips))
        at = [np.flatnonzero((learn.arrays["expression"][rows] == x).all(1))[0] for x in batch["expression"][k]]
        assert (np.diff(at) >= 0).all() and at[0] < 2 and at[-1] >= FRAMES - 2
        np.testing.assert_array_equal(batch["crops"][k].transpose(0, 2, 3, 1), learn.arrays["crops"][rows][at])
    again, later = visits.batch(0, [5, 3]), visits.batch(1, np.arange(len(visits)))
    np.testing.assert_array_equal(again["expression"][0], batch["expression"][5])
    assert (later["expression"] != batch["expression"]).any()


def test_a_mirrored_face_has_all_its_sides_changed(made):
    learn = data.load(data.sources([made[0]], ("train",)), made[1], every=EVERY)
    learn.arrays["expression"][:, INDEX["browDownLeft"]] += 1
    learn.arrays["pose"][:] = [10, 5, -3, 0, 0, 0]
    none = dict.fromkeys(("brightness", "contrast", "gamma", "colour", "noise", "blur", "jpeg"), 0)
    plain, flipped = (e.ExtractorData(learn, augment=Augment(**none, flip_p=p)).batch(0, [0, 1]) for p in (0, 1))
    np.testing.assert_array_equal(flipped["crops"], plain["crops"][..., ::-1])
    np.testing.assert_array_equal(flipped["points"], plain["points"][:, :, mirror.POINTS] * np.float32([-1, 1, 1]))
    np.testing.assert_array_equal(flipped["expression"], mirror.expression(plain["expression"]))
    assert (flipped["angles"] == [-10, 5, 3]).all() and (plain["angles"] == [10, 5, -3]).all()
    assert (plain["expression"] != flipped["expression"]).any()


# ---- scores ---------------------------------------------------------------------------------------------------
def test_r_is_within_actors():
    """Two people who differ at rest: values that do not follow a person's movement get no credit for their
    difference."""
    rng = np.random.default_rng(0)
    true = np.zeros((200, 52))
    true[:, 3] = rng.uniform(0, .5, 200) + np.repeat([0, .5], 100)
    actors = np.repeat(["a", "b"], 100)
    found = np.repeat([0.0, .5], 100)[:, None] + rng.normal(0, .01, (200, 52))
    r, error, names = within(found, true, actors)
    assert names == ["a", "b"] and np.abs(r[:, 3]).max() < .3 and np.isnan(r[:, 4]).all()      # 4 never moves in truth
    found[:, 3] = 2 * true[:, 3] - .1
    found[5] = np.nan
    r, error, _ = within(found, true, actors)
    assert r[:, 3] == pytest.approx(1) and error[0, 3] == pytest.approx(np.abs(np.delete(true[:100, 3], 5) - .1).mean())
    found[:, 7] = np.nan
    r, error, _ = within(found, true, actors)
    assert np.isnan(r[:, 7]).all() and np.isnan(error[:, 7]).all()


def test_scores_by_kind(made):
    held = data.load(data.sources([made[0]], ("val",)), made[1], every=EVERY)
    found = held.arrays["expression"].copy()
    found[:, INDEX["jawOpen"]] *= -1
    scores = score(held, found)
    assert {k: (s["actors"], s["frames"]) for k, s in scores.items()} == {
        "portrait": (1, CLIPS * FRAMES), "virtual": (1, CLIPS * FRAMES)}
    assert group(scores["portrait"]["r"], "browDown") == 1 and group(scores["virtual"]["r"], "jawOpen") == -1
    told = summary(scores)
    assert told["r_browDown_virtual"] == 1 and told["worst"] == -1 and told["r"] == 0 and 0 < told["error"] < .1
    assert np.isnan(group(scores["virtual"]["r"], "mouthSmile"))


# ---- training -------------------------------------------------------------------------------------------------
def test_the_large_one_takes_a_step(made):
    torch.manual_seed(0)
    network = extractor.Extractor(extractor.PROFILES["gpu"])
    learn, unseen = (data.load(data.sources([made[0]], (s,)), made[1], every=EVERY) for s in ("train", "val"))
    task = e.ExtractorTask(network, e.ExtractorData(learn), unseen, e.RUNS["gpu"], e.RATE["gpu"])
    batch = {k: torch.from_numpy(v) for k, v in task.data.batch(0, np.arange(3)).items()}
    before = [p.detach().clone() for p in network.parameters()]
    (name, loss, values), = task.losses(batch, At(step=e.ALONE - 1))
    loss.backward()
    task.optimisers[name].step()
    assert torch.isfinite(loss) and all((a != b).any() for a, b in zip(before, network.parameters()))


def test_a_small_run_learns_from_points_and_pixels(made, trained):
    out, card = trained
    assert (out / "expression_prior.npz").is_file() and not list(out.glob(".*part*"))
    network, again = load_extractor(out)
    assert again == card and card["split"] == "train" and card["actors"] == [f"people/V{a}" for a in range(4)]
    assert set(card["scores"]) == {"val", "test"} and set(card["scores"]["test"]["each"]) == {"virtual", "portrait"}
    losses = [value for _, name, value in read_log(out / "log.csv") if name == "extractor"]
    assert losses[-1] < .3 * losses[0] and card["scores"]["val"]["worst"] > .4
    moved = set(index("jawOpen", "browDown"))
    assert set(network.config.unread) == {n for n, k in INDEX.items() if k not in moved}
    test = data.load(data.sources([made[0]], ("test",)), made[1], every=EVERY)
    found = e.read_all(network, test)
    assert np.isfinite(found[:, sorted(moved)]).all() and np.isnan(found).all(0).sum() == 52 - len(moved)


def test_a_killed_run_goes_on_as_if_nothing_had_been(made, tmp_path, monkeypatch):
    def run(out, steps_before=None):
        give = dict(readings=made[1], profile="ci", steps=8, every=EVERY, progress=False)
        if steps_before is not None:
            losses, left = e.ExtractorTask.losses, [steps_before]

            def killed(self, batch, at):
                left[0] -= 1
                if left[0] < 0:
                    raise KeyboardInterrupt
                return losses(self, batch, at)

            with monkeypatch.context() as m:
                m.setattr(e.ExtractorTask, "losses", killed)
                m.setattr(e, "RUNS", {"ci": e.Run(phases=(("learn", 8),), batch=4, checkpoint_s=0)})
                with pytest.raises(KeyboardInterrupt):
                    e.train_extractor([made[0]], out, **give)
        with monkeypatch.context() as m:
            m.setattr(e, "RUNS", {"ci": e.Run(phases=(("learn", 8),), batch=4, checkpoint_s=0)})
            e.train_extractor([made[0]], out, **give)
        return (out / "extractor.safetensors").read_bytes()

    assert run(tmp_path / "whole") == run(tmp_path / "killed", 5)


def test_wrong_arguments(made, tmp_path):
    with pytest.raises(InputError, match="unknown profile"):
        e.train_extractor([made[0]], tmp_path, profile="huge")


def test_a_set_without_anybody_to_choose_by_says_so(made, tmp_path, monkeypatch):
    """The smallest set has three actors, and none of them in val."""
    some = [c for c in data.sources([made[0]]) if c.split != "val"]
    monkeypatch.setattr(data, "sources", lambda sets: some)
    with pytest.raises(InputError, match="split val.*--actors 12"):
        e.train_extractor([made[0]], tmp_path, profile="ci")


def test_on_the_command_line(monkeypatch, capsys):
    from tfg.cli import main

    seen, card = {}, {"scores": {"val": {"r": .9}}}
    monkeypatch.setattr(e, "train_extractor", lambda **given: seen.update(given) or ("at", card))
    assert main("train extractor --sets a b --readings r --out o --steps 7 --no-resume".split()) == 0
    del seen["progress"]
    assert seen == {"sets": ("a", "b"), "readings": "r", "out": "o", "steps": 7, "resume": False}
    assert "o/extractor.safetensors" in (last := capsys.readouterr().out) and last.rstrip().endswith("val: r 0.9")
