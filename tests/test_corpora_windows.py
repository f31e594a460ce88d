"""Windows: index, reference, sound and negative, and the forerunners' mistakes that cannot happen here."""
from __future__ import annotations

import gc
import os
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest

from conftest import number
from small_store import acted, clip_sound, make_store, splits_of
from tfg.corpora import seeded
from tfg.corpora.augment import Augment
from tfg.corpora.frame_cache import Pixels
from tfg.corpora.store import Store
from tfg.corpora.windows import Windows, collate
from tfg.errors import InputError
from tfg.media import audio
from tfg.vocabulary import EMOTIONS

PEOPLE = (acted("V1", "HAP", "SAD", "HAP", "ANG") + acted("V2", "NEU", "FEA") + acted("V3", "HAP", "SAD")
          + acted("V4", "DIS", "HAP"))
SPLITS = splits_of(V1="train", V2="train", V3="val", V4="test")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return make_store(tmp_path_factory.mktemp("windows") / "store", PEOPLE)


@pytest.fixture(scope="module")
def windows(store):
    return Windows(store, SPLITS, "train")


def numbers(frames: np.ndarray) -> np.ndarray:
    """(..., 3, S, S) -> (...) the number that each frame shows; frame i of the store shows 1 + i."""
    flat = np.moveaxis(frames.reshape(-1, *frames.shape[-3:]), 1, -1)
    return np.array([number(f) for f in flat]).reshape(frames.shape[:-3])


def whole(windows, epoch=0):
    return windows.batch(epoch, np.arange(len(windows)))


def same(a: dict, b: dict) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[k], b[k], equal_nan=a[k].dtype.kind == "f") for k in a)


# ---- the sound ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_sound_that_is_not_finite_is_refused_before_the_training(tmp_path, value):
    """A store of another origin, or one that was written before its writer refused this."""
    store = make_store(tmp_path / "store", PEOPLE)
    row = store.clips[1]
    columns = np.memmap(store.path / "mel.float16", np.float16, "r+").reshape(-1, 80)
    columns[row.mel_stop - 1, 7] = value
    columns.flush()
    with pytest.raises(InputError, match=f"the sound of clip {row.id} in .*mel.float16 holds numbers that are not"):
        Windows(Store.open(store.path), SPLITS, "train")
    Windows(Store.open(store.path), SPLITS, "val")           # of other clips


# ---- the index ------------------------------------------------------------------------------------------------
def test_every_index_is_its_own_place_and_all_places_are_there(windows, store):
    """Mistake (c): the index was ignored."""
    batch = whole(windows)
    starts = [row.start + s for row in store.clips if row.actor in ("V1", "V2") for s in range(row.n_frames - 4)]
    assert len(windows) == len(starts)
    assert np.array_equal(numbers(batch["frames"]), np.array(starts)[:, None] + np.arange(5) + 1)
    rows = [windows.clips[c] for c in batch["clip"]]
    assert [r.start + s for r, s in zip(rows, batch["start"])] == starts


def test_train_and_validation_hold_other_people(store):
    """Mistake (c) made them one; split by clip would share actors."""
    pictures = {}
    for split in ("train", "val"):
        batch = whole(Windows(store, SPLITS, split))
        pictures[split] = set(numbers(batch["frames"]).ravel()) | set(numbers(batch["reference"]).ravel())
    first = {actor: min(r.start for r in store.clips if r.actor == actor) for actor in ("V3", "V4")}
    assert pictures["train"] == set(range(1, first["V3"] + 1))
    assert pictures["val"] == set(range(first["V3"] + 1, first["V4"] + 1))


def test_index_out_of_range_and_from_the_end(windows):
    assert same(windows[-1], windows[len(windows) - 1])
    for bad in (len(windows), -len(windows) - 1):
        with pytest.raises(IndexError):
            windows[bad]
    assert len(windows.batch(0, [])["frames"]) == 0


def test_stride_leaves_starts_out_but_not_references(store):
    every, third = Windows(store, SPLITS, "train"), Windows(store, SPLITS, "train", stride=3)
    assert len(third) == -(-len(every) // 3)
    assert same({k: v for k, v in third.at(0, 2).items() if k in ("frames", "mel", "start")},
                {k: v for k, v in every.at(0, 6).items() if k in ("frames", "mel", "start")})


def test_iteration_ends(windows):
    assert sum(1 for _ in windows) == len(windows)


# ---- a function of (seed, epoch, index) -----------------------------------------------------------------------
def test_one_by_one_in_any_order_and_in_batches_it_is_the_same(store):
    make = lambda: Windows(store, SPLITS, "train", negative=True, augment=Augment(noise_p=1, blur_p=.5, jpeg_p=.5),
                           labels=("expression", "points", "pose"), per_frame_mel=True)
    windows, other = make(), make()
    batch = whole(windows, 3)
    order = np.random.default_rng([0, 1]).permutation(len(windows))
    shuffled = other.batch(3, order)
    for k in batch:
        assert np.array_equal(batch[k][order], shuffled[k]), k
    for i in (0, 7, len(windows) - 1):
        assert same(other.at(3, i), {k: v[i] for k, v in batch.items()})


def test_epoch_and_seed_change_what_is_drawn_and_nothing_else(store):
    a, b = (Windows(store, SPLITS, "train", seed=s, augment=Augment()) for s in (0, 1))
    for one, two in ((whole(a, 0), whole(a, 1)), (whole(a, 0), whole(b, 0))):
        assert np.mean(one["reference_start"] != two["reference_start"]) > .7
        assert not np.array_equal(one["frames"], two["frames"])
        for k in ("clip", "start", "mel", "intensity"):
            assert np.array_equal(one[k], two[k]), k


def test_set_epoch_and_keys(windows):
    try:
        windows.set_epoch(2)
        assert same(windows[4], windows.at(2, 4)) and same(windows[5, 4], windows.at(5, 4))
        assert same(windows.__getitems__([4, 5])[1], windows.at(2, 5))
        assert same(windows.__getitems__([(1, 4), (2, 4)])[0], windows.at(1, 4))
    finally:
        windows.set_epoch(0)


def test_another_process_draws_the_same(store, tmp_path):
    windows = Windows(store, SPLITS, "train", negative=True, augment=Augment())
    (tmp_path / "windows.pickle").write_bytes(pickle.dumps(windows))
    code = ("import pickle, sys, zlib; w = pickle.load(open(sys.argv[1], 'rb')); b = w.batch(1, [3, 1, 9]);"
            "print([zlib.crc32(b[k].tobytes()) for k in sorted(b)])")
    out = subprocess.run([sys.executable, "-c", code, str(tmp_path / "windows.pickle")], capture_output=True, text=True)
    import zlib

    batch = windows.batch(1, [3, 1, 9])
    assert out.stdout.strip() == str([zlib.crc32(batch[k].tobytes()) for k in sorted(batch)]), out.stderr


@pytest.mark.parametrize("workers", [0, 2])
def test_dataloader(store, workers):
    from torch.utils.data import DataLoader, default_collate

    windows = Windows(store, SPLITS, "train", negative=True)
    batch = whole(windows)
    for function in (collate, default_collate) if workers == 0 else (collate,):
        seen = []
        gc.collect()                                                 # as tfg.training.batches does before it forks
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)      # fork in a process that has threads
            for items in DataLoader(windows, batch_size=7, num_workers=workers, collate_fn=function):
                seen.append(items)
        assert sum(len(s["frames"]) for s in seen) == len(windows)
        for name in ("frames", "reference", "sync_mel", "emotion"):
            assert np.array_equal(np.concatenate([s[name].numpy() for s in seen]), batch[name]), name


def test_draws_are_uniform_and_independent():
    u = seeded.uniform(0, 0, 1, np.arange(20000))
    assert abs(u.mean() - .5) < .01 and abs(u.var() - 1 / 12) < .002 and 0 <= u.min() and u.max() < 1
    assert np.abs(np.histogram(u, 20, (0, 1))[0] - 1000).max() < 130
    for other in (seeded.uniform(1, 0, 1, np.arange(20000)), seeded.uniform(0, 1, 1, np.arange(20000)),
                  seeded.uniform(0, 0, 2, np.arange(20000)), np.roll(u, 1)):
        assert abs(np.corrcoef(u, other)[0, 1]) < .03
    k = seeded.whole(0, 0, 5, np.arange(3000), 3)
    assert set(k) == {0, 1, 2} and np.bincount(k).min() > 900


# ---- sound ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("T, width", [(5, 16), (1, 16), (5, 25), (4, 7)])
def test_mel_is_that_of_the_middle_frame_bit_for_bit(store, T, width):
    """Mistake (e): training read frame i - 1. And no column comes from the clip before or after."""
    windows = Windows(store, SPLITS, "train", T=T, mel_width=width, per_frame_mel=True)
    batch = whole(windows)
    for k, row in enumerate(store.clips):
        if row.actor not in ("V1", "V2"):
            continue
        exact = audio.mel_spectrogram(clip_sound(k, row.n_frames))
        held = exact.astype(np.float16).astype(np.float32)               # as the store keeps it
        mine = np.flatnonzero([windows.clips[c].id == row.id for c in batch["clip"]])
        starts = batch["start"][mine]
        assert np.array_equal(batch["mel"][mine], audio.mel_windows(held, row.n_frames, width)[starts + T // 2])
        for i, s in zip(mine, starts):
            assert np.array_equal(batch["mels"][i], audio.mel_windows(held, row.n_frames, width)[s:s + T])
            assert np.abs(batch["mel"][i] - audio.mel_window(exact, s + T // 2, width)).max() <= .001


def test_windows_without_sound_are_dropped(tmp_path):
    clips = acted("V1", "HAP", "SAD", n_frames=20)
    clips[0]["sound"] = 12                                              # the film is longer than its sound
    windows = Windows(make_store(tmp_path / "s", clips), SPLITS, "train")
    batch = whole(windows)
    short = [windows.clips[c].id == clips[0]["id"] for c in batch["clip"]]
    assert batch["start"][short].max() + 2 == 11 and windows.dropped["no sound"] == 6


# ---- references -----------------------------------------------------------------------------------------------
def test_reference_is_the_same_actor_in_another_emotion_and_clip(windows, store):
    """Mistake (d): it was the same clip, so the emotion could be read off it."""
    used = set()
    for epoch in range(4):
        batch = whole(windows, epoch)
        shown = numbers(batch["reference"])
        for c, r, s, frames in zip(batch["clip"], batch["reference_clip"], batch["reference_start"], shown):
            here, there = windows.clips[c], windows.clips[r]
            assert there.actor == here.actor and there.emotion != here.emotion and there.id != here.id
            assert np.array_equal(frames, there.start + s + np.arange(5) + 1)
            assert 0 <= s <= there.n_frames - 5
            used.add((here.id, there.id))
    assert windows.fallbacks == {"other clip": 0, "same clip": 0}
    v1 = [r for r in store.clips if r.actor == "V1"]
    assert {(a.id, b.id) for a in v1 for b in v1 if a.emotion != b.emotion} <= used     # each possible one is drawn


def test_reference_falls_back_and_says_so(tmp_path):
    store = make_store(tmp_path / "s", acted("V1", "HAP", "HAP") + acted("V2", "SAD") + acted("V5", "ANG", n_frames=8)
                       + acted("V6", None, "HAP"))
    splits = splits_of(V1="train", V2="train", V5="train", V6="train")
    windows = Windows(store, splits, "train")
    assert windows.fallbacks == {"other clip": 3, "same clip": 2}       # V1's two and the one without emotion; V2, V5
    batch = whole(windows)
    for c, s, r, rs in zip(*(batch[k] for k in ("clip", "start", "reference_clip", "reference_start"))):
        here, there = windows.clips[c], windows.clips[r]
        assert here.actor == there.actor
        if here.actor in ("V1", "V6"):
            assert here.id != there.id
        else:
            assert here.id == there.id and abs(s - rs) >= 5             # never a frame in common
    assert not any(windows.clips[c].actor == "V5" for c in batch["clip"])   # 8 frames: no two windows apart
    assert windows.dropped["no other moment to refer to"] == 4


def test_reference_of_any_clip_and_none(store):
    batch = whole(Windows(store, SPLITS, "train", reference="other_clip"))
    rows = Windows(store, SPLITS, "train").clips
    pairs = {(rows[a].emotion, rows[b].emotion) for a, b in zip(batch["clip"], batch["reference_clip"])}
    assert ("HAP", "HAP") in pairs and not (batch["clip"] == batch["reference_clip"]).any()
    assert "reference" not in Windows(store, SPLITS, "train", reference=None)[0]


def test_people_nobody_knows_are_not_taken_for_one(tmp_path):
    clips = [dict(id=f"grid/{k}", corpus="grid", actor=None, n_frames=20) for k in range(3)]
    store = make_store(tmp_path / "s", clips)
    batch = whole(Windows(store, SPLITS, "test", purpose="evaluate"))
    assert np.array_equal(batch["clip"], batch["reference_clip"])
    assert (batch["emotion"] == -1).all() and np.isnan(batch["soft"]).all()


# ---- negatives ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("T, width", [(5, 16), (3, 16), (1, 16), (5, 30)])
def test_negatives_share_neither_a_frame_nor_a_column(store, T, width):
    windows = Windows(store, SPLITS, "train", T=T, mel_width=width, negative=True)
    seen = set()
    for epoch in range(3):
        batch = whole(windows, epoch)
        wrong = batch["label"] == 0
        assert .3 < wrong.mean() < .7 and np.array_equal(wrong, batch["shift"] != 0)
        assert np.array_equal(batch["sync_mel"][~wrong], batch["mel"][~wrong])
        first = audio.mel_start(batch["start"] + T // 2, width)
        other = audio.mel_start(batch["start"] + batch["shift"] + T // 2, width)
        assert (np.abs(batch["shift"][wrong]) >= T).all() and (np.abs(other - first)[wrong] >= width).all()
        n_mel = np.array([windows.clips[c].n_mel for c in batch["clip"]])
        assert (first >= 0).all() and (other >= 0).all() and (other + width <= n_mel).all()      # no padding to tell by
        frames = np.array([windows.clips[c].n_frames for c in batch["clip"]])
        begins = batch["start"] + batch["shift"]
        assert (begins >= 0).all() and (begins + T <= frames).all()
        seen |= set(batch["shift"].tolist())
    assert min(seen) < -T and max(seen) > T


def test_negative_is_the_sound_of_the_window_at_shift(store):
    windows = Windows(store, SPLITS, "train", negative=1.0)
    batch = whole(windows)
    assert (batch["label"] == 0).all()
    at = {(c, s): m for c, s, m in zip(batch["clip"], batch["start"], batch["mel"])}
    found = [np.array_equal(at[c, s + k], m) for c, s, k, m in
             zip(batch["clip"], batch["start"], batch["shift"], batch["sync_mel"]) if (c, s + k) in at]
    assert len(found) > 100 and all(found)


def test_negatives_are_drawn_evenly(tmp_path):
    store = make_store(tmp_path / "s", acted("V1", "HAP", n_frames=16))
    windows = Windows(store, SPLITS, "train", negative=1.0, reference=None)
    i = int(np.flatnonzero(whole(windows)["start"] == 5)[0])
    shifts = [int(windows.at(e, i)["shift"]) for e in range(600)]
    # starts 0 to 11 of 16 frames; 5's neighbours 1 to 9 overlap. Sound: starts 0 to 11 have all 16 columns.
    assert set(shifts) == {-5, 5, 6}
    assert min(np.bincount(np.array(shifts) + 5, minlength=12)[[0, 10, 11]]) > 150


def test_clips_too_short_for_a_negative_are_dropped_and_counted(tmp_path):
    store = make_store(tmp_path / "s", acted("V1", "HAP", "SAD", n_frames=9) + acted("V2", "HAP", "SAD"))
    windows = Windows(store, SPLITS, "train", negative=True)
    assert windows.dropped["no other sound in the clip"] > 0
    batch = whole(windows)
    lengths = {windows.clips[c].n_frames for c in batch["clip"]}
    assert 9 not in lengths and {20, 21} <= lengths


def test_known_offsets(store):
    """For LSE: the sound k frames later is that of the window k frames later; what lies beyond the ends is said."""
    windows = Windows(store, SPLITS, "train", reference=None)
    shifts = np.arange(-15, 16)
    batch = whole(windows)
    mel, inside = windows.shifted(np.arange(len(windows)), shifts)
    assert mel.shape == (len(windows), 31, 80, 16) and np.array_equal(mel[:, 15], batch["mel"])
    at = {(c, s): m for c, s, m in zip(batch["clip"], batch["start"], batch["mel"])}
    for b in range(0, len(windows), 7):
        c, s = int(batch["clip"][b]), int(batch["start"][b])
        row = windows.clips[c]
        for k, shift in enumerate(shifts):
            first = audio.mel_start(s + 2 + shift)
            assert inside[b, k] == (first >= 0 and first + 16 <= row.n_mel)
            if (c, s + shift) in at:
                assert np.array_equal(mel[b, k], at[c, s + shift])


# ---- labels and bad frames ------------------------------------------------------------------------------------
def test_bad_frames_are_in_no_window_and_no_reference(tmp_path):
    clips = acted("V1", "HAP", "SAD", n_frames=24)
    clips[0]["bad"], clips[1]["bad"] = (0, 9, 10), (24,)
    store = make_store(tmp_path / "s", clips)
    windows = Windows(store, SPLITS, "train")
    seen = set()
    for epoch in range(5):
        batch = whole(windows, epoch)
        seen |= set(numbers(batch["frames"]).ravel()) | set(numbers(batch["reference"]).ravel())
    bad = np.flatnonzero(~store.arrays["ok"]) + 1
    assert len(bad) == 4 and not seen & set(bad.tolist())
    starts = [s for s in range(44) if not {s, s + 1, s + 2, s + 3, s + 4} & set((bad - 1).tolist()) and not 19 < s < 24]
    assert len(windows) == len(starts) and windows.dropped["a bad frame"] == 40 + 1 - len(starts)


def test_labels_are_those_of_the_frames(store):
    windows = Windows(store, SPLITS, "train", labels=("expression", "aus", "pose", "points", "intensity", "ok"))
    batch = whole(windows)
    rows = [windows.clips[c] for c in batch["clip"]]
    at = np.array([r.start for r in rows])[:, None] + batch["start"][:, None] + np.arange(5)
    for name in ("expression", "aus", "pose", "points", "intensity"):
        assert np.array_equal(batch[name], store.arrays[name][at].astype(np.float32)), name
    assert np.array_equal(np.rint(batch["intensity"] * 1000), numbers(batch["frames"]))
    assert [EMOTIONS[e] for e in batch["emotion"]] == [r.emotion for r in rows]
    assert np.array_equal(batch["soft"].argmax(1), batch["emotion"]) and (batch["soft"].sum(1) == 1).all()
    assert [windows.actors[a] for a in batch["actor"]] == [f"actors/{r.actor}" for r in rows]
    assert (batch["level"] == 2).all()


def test_soft_labels_of_raters(tmp_path):
    clips = acted("V1", "HAP", "SAD")
    clips[0]["soft"] = (.1, 0, .2, .7, 0, 0)
    windows = Windows(make_store(tmp_path / "s", clips), SPLITS, "train")
    assert np.allclose(windows.batch(0, [0])["soft"][0], (.1, 0, .2, .7, 0, 0))


def test_smaller_windows_take_points_and_matrix_along(store):
    """A point on a pixel's centre lies on that centre in the smaller frame: k (x + 0.5) - 0.5."""
    full, half = (Windows(store, SPLITS, "train", size=s, labels=("points", "matrix")) for s in (48, 24))
    a, b = full.batch(0, [3]), half.batch(0, [3])
    assert b["frames"].shape == (1, 5, 3, 24, 24)
    assert np.allclose(b["points"][..., :2], (a["points"][..., :2] + .5) / 2 - .5, atol=1e-5)
    assert np.allclose(b["points"][..., 2], a["points"][..., 2] / 2, atol=1e-5)


def test_matrix_of_a_smaller_window(tmp_path):
    """Crop px = matrix @ (x, y, 1), whatever the size of the window."""
    store = make_store(tmp_path / "s", acted("V1", "HAP", "SAD"))
    store.arrays["matrix"] = np.tile(np.float32([[.5, .1, 3], [-.1, .5, 7]]), (store.n_frames, 1, 1))
    windows = Windows(store, SPLITS, "train", size=24, labels=("matrix",))
    there = windows[0]["matrix"][0] @ np.array([10, 20, 1.0])
    assert np.allclose(there, (np.array([.5 * 10 + .1 * 20 + 3, -.1 * 10 + .5 * 20 + 7]) + .5) / 2 - .5, atol=1e-5)


# ---- pictures -------------------------------------------------------------------------------------------------
def test_decoded_frames_are_those_of_the_store(store):
    for size in (None, 24, 96):
        fast, slow = Pixels(store, size, cache=True), Pixels(store, size, cache=False)
        assert fast.decoded and not slow.decoded
        starts = [0, 17, store.n_frames - 5]
        assert np.array_equal(fast.read(starts, 5), slow.read(starts, 5))
    assert np.array_equal(Pixels(store).read([17], 1)[0, 0], store.frame(17).transpose(2, 0, 1))
    with pytest.raises(IndexError):
        Pixels(store).read([store.n_frames - 4], 5)


def test_decoded_file_follows_the_store(tmp_path):
    """A store that grows or changes gets another file; the one it had is removed; half a file is not believed."""
    from tfg.corpora.store import Store

    make_store(tmp_path / "s", acted("V1", "HAP"))
    first = Pixels(Store.open(tmp_path / "s"), 24, cache=True).path
    store = make_store(tmp_path / "s", acted("V2", "SAD"), start=100)
    pixels = Pixels(store, 24, cache=True)
    assert pixels.path != first and not first.exists()
    assert numbers(pixels.read([20], 1))[0, 0] == 100
    pixels.path.write_bytes(pixels.path.read_bytes()[:-1])
    again = Pixels(store, 24, cache=False)
    assert not again.decoded and Pixels(store, 24, cache=True).decoded
    assert not list(tmp_path.glob("s/.*part*"))


def test_what_a_killed_run_left_is_swept_away(tmp_path):
    store = make_store(tmp_path / "s", acted("V1", "HAP", "SAD"))
    old, fresh = (store.path / f".decoded-48-{k}.00000000.part.uint8" for k in "ab")
    for part in (old, fresh):
        part.write_bytes(b"half")
    os.utime(old, (1e9, 1e9))
    Pixels(store, cache=True)
    assert fresh.exists() and not old.exists()


def test_auto_makes_no_file_that_is_too_large(tmp_path, monkeypatch):
    from tfg.corpora import frame_cache

    store = make_store(tmp_path / "s", acted("V1", "HAP", "SAD"))
    monkeypatch.setattr(frame_cache, "AUTO_BYTES", 1000)
    windows = Windows(store, SPLITS, "train")
    assert not windows.pixels.decoded and not list(store.path.glob("decoded*"))
    assert numbers(windows.at(0, 0)["frames"]).tolist() == [1, 2, 3, 4, 5]


def test_a_corrupt_frame_is_named(tmp_path):
    store = make_store(tmp_path / "s", acted("V1", "HAP", "SAD"))
    row = store.clips[1]
    with open(store.path / "frames.jpegs", "r+b") as file:
        file.seek(row.first_byte)
        file.write(b"\0" * 400)
    with pytest.raises(InputError, match="frame 0 of clip actors/V1_1_SAD"):
        Windows(store, SPLITS, "train", cache=True)
    assert not list(store.path.glob("*decoded*"))


def test_a_decoded_file_that_is_taken_away_is_done_without(tmp_path):
    """Another run that finds the store grown makes a new file and removes the old one, maybe before our first read."""
    store = make_store(tmp_path / "s", acted("V1", "HAP"))
    pixels = Pixels(store, 24, cache=True)
    want = Pixels(store, 24, cache=False).read([3, 0], 4)
    pixels.path.unlink()
    assert np.array_equal(pixels.read([3, 0], 4), want) and not pixels.decoded


def test_without_preadv_it_reads_the_same(store, monkeypatch):
    """As on Windows: one place in the file for all threads."""
    from concurrent.futures import ThreadPoolExecutor

    pixels = Pixels(store, 24, cache=True)
    starts = np.random.default_rng(0).integers(0, store.n_frames - 5, 200)
    want = pixels.read(starts, 5)
    monkeypatch.delattr(os, "preadv")
    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(lambda s: pixels.read(s, 5), np.split(starts, 8)))
    assert np.array_equal(np.concatenate(parts), want)


# ---- who may be read ------------------------------------------------------------------------------------------
def test_test_and_judge_people_cannot_be_trained_on(store):
    with pytest.raises(InputError, match="split test may not be read to train"):
        Windows(store, SPLITS, "test")
    with pytest.raises(InputError, match="split judge may not be read to evaluate"):
        Windows(store, SPLITS, "judge", purpose="evaluate")
    assert Windows(store, SPLITS, "test", purpose="evaluate").actors == ["actors/V4"]


def test_splits_in_the_store_are_found(store):
    with pytest.raises(InputError, match="splits.json"):
        Windows(store)
    try:
        SPLITS.save(store.path / "splits.json")
        assert len(Windows(store)) == len(Windows(store, SPLITS, "train"))
    finally:
        (store.path / "splits.json").unlink()


def test_a_given_table_cannot_overrule_the_store_s(tmp_path):
    store = make_store(tmp_path / "s", PEOPLE)
    SPLITS.save(store.path / "splits.json")
    other = splits_of(V1="val", V2="val", V3="val", V4="train")
    with pytest.raises(InputError, match="actors/V1 is train in .*splits.json and val in the given table"):
        Windows(store, other, "train")
    fewer = splits_of(V1="train", V2="train", V3="val", V4="test", V9="judge")
    assert len(Windows(store, fewer, "train")) == len(Windows(store, split="train"))


def test_keep_leaves_clips_out(store):
    windows = Windows(store, SPLITS, "train", keep=lambda row: row.emotion in ("HAP", "SAD"))
    assert {r.emotion for r in windows.clips} == {"HAP", "SAD"} and windows.actors == ["actors/V1"]


@pytest.mark.parametrize("options, match", [
    (dict(T=0), "T is 0"), (dict(T=2.5), "T is 2.5"), (dict(T=500), "no window of 500 usable frames"),
    (dict(size=4), "windows of 4 px"), (dict(mel_width=0), "mel_width is 0"), (dict(reference="me"), "reference 'me'"),
    (dict(negative=2), "negative is 2"), (dict(labels=("depth",)), "no array 'depth'"), (dict(seed=-1), "seed is -1"),
    (dict(stride=0), "stride is 0"), (dict(cache="ram"), "cache is 'ram'"), (dict(keep=lambda row: False), "no window"),
])
def test_impossible_requests_are_refused(store, options, match):
    with pytest.raises(InputError, match=match):
        Windows(store, SPLITS, "train", **options)


def test_an_empty_split_is_refused(store):
    with pytest.raises(InputError, match="no window of 5 usable frames in the split 'judge'"):
        Windows(store, SPLITS, "judge", purpose="judge")
