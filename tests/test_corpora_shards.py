"""Shards: what is read from them is what the store holds, for windows too; damage is named, never trained on."""
from __future__ import annotations

import io
import json
import pickle
import shutil
import tarfile

import numpy as np
import pytest

from small_store import acted, make_store, splits_of
from tfg.cli import main
from tfg.corpora.augment import Augment
from tfg.corpora.shard_files import read_index
from tfg.corpora.shards import shard
from tfg.corpora.store import Row, Store, StoreWriter
from tfg.corpora.windows import Windows
from tfg.errors import InputError

SIZE_MB = .35


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    clips = [*acted("V1", "HAP", "SAD", "ANG"), *acted("V2", "HAP", "NEU", n_frames=23, bad=(9,)),
             *acted("V3", "FEA", "SAD")]
    out = make_store(tmp_path_factory.mktemp("store") / "s", clips)
    splits_of(V1="train", V2="train", V3="val").save_in(out.path)
    return Store.open(out.path)


@pytest.fixture(scope="module", params=[None, 5], ids=["in order", "shuffled"])
def shards(request, store, tmp_path_factory):
    out = tmp_path_factory.mktemp("shards") / "d"
    made = shard(store, out, size_mb=SIZE_MB, shuffle=request.param)
    assert 2 < len(made) < len(store.clips) and sorted(k for s in made for k in s["clips"]) == list(range(7))
    assert ([k for s in made for k in s["clips"]] == list(range(7))) == (request.param is None)
    return Store.open(out)


def same(a: dict, b: dict) -> None:
    assert set(a) == set(b)
    for name in a:
        assert a[name].dtype == b[name].dtype, name
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


def test_everything_is_as_in_the_store(store, shards):
    assert shards.sharded and not store.sharded
    assert [r.id for r in shards.clips] == [r.id for r in store.clips] and shards.n_frames == store.n_frames
    assert shards.size == store.size and shards.schema == store.schema
    for i in (0, 19, 20, store.n_frames - 1):
        assert shards.jpeg(i) == store.jpeg(i)
    np.testing.assert_array_equal(shards.frames(15, 45), store.frames(15, 45))
    for name, values in [("mel", store.mel), *store.arrays.items()]:
        mine = shards.mel if name == "mel" else shards.arrays[name]
        assert len(mine) == len(values) and mine.shape == values.shape and mine.dtype == values.dtype
        keys = [5, -1, slice(3, 60), slice(50, 3, -7), np.array([[0, 70], [21, 3]]), [4, 4, 90],
                np.arange(len(values)) % 9 == 0]
        keys += [(slice(15, 30), 1), (np.array([60, 2]), slice(None, 2)), (3, -1)] if values.ndim > 1 else []
        for key in keys:
            np.testing.assert_array_equal(mine[key], values[key], err_msg=f"{name} {key}")
        np.testing.assert_array_equal(np.asarray(mine), values)
        with pytest.raises(IndexError):
            mine[len(values)]
    for row in store.clips:
        np.testing.assert_array_equal(shards.wave(row), store.wave(row))
    shards.check()
    with pytest.raises(IndexError):
        shards.jpeg(shards.n_frames)


@pytest.mark.parametrize("how", [dict(T=5), dict(T=3, reference=None, negative=True, per_frame_mel=True, size=32),
                                 dict(T=5, size=24, reference="other_clip", labels=("points", "pose"),
                                      augment=Augment(flip_p=0.0))])
@pytest.mark.parametrize("cache", [True, False])
def test_windows_from_shards_are_those_of_the_store(store, shards, how, cache):
    a, b = (Windows(s, seed=11, cache=cache, **how) for s in (store, shards))
    assert len(a) == len(b) > 30 and a.fallbacks == b.fallbacks and a.dropped == b.dropped
    order = np.random.default_rng(2).permutation(len(a))[:24]
    for epoch in (0, 3):
        same(a.batch(epoch, order), b.batch(epoch, order))
    same(a.at(1, 7), pickle.loads(pickle.dumps(b)).at(1, 7))           # as a worker of a DataLoader does


def test_a_sample_is_webdatasets(store, shards):
    """The layout by the standard library alone: members of a sample follow each other and share the key."""
    seen: dict[str, list[str]] = {}
    for entry in read_index(shards.path):
        with tarfile.open(shards.path / entry["name"]) as tar:
            for member in tar:
                key, _, what = member.name.partition(".")
                assert not seen or key == list(seen)[-1] or key not in seen
                seen.setdefault(key, []).append(what)
                row = store.clips[int(key)]
                if what == "json":
                    assert json.loads(tar.extractfile(member).read())["emotion"] == row.emotion
                if what == "pose.npy":
                    got = np.load(io.BytesIO(tar.extractfile(member).read()))
                    np.testing.assert_array_equal(got, store.arrays["pose"][row.start:row.stop])
        assert (shards.path / entry["name"]).stat().st_size <= SIZE_MB * 1e6
    assert sorted(seen) == [f"{k:09d}" for k in range(7)]
    assert all(sum(w.endswith(".jpg") for w in names) == store.clips[int(k)].n_frames for k, names in seen.items())


def test_webdataset_reads_them(store, shards):
    wds = pytest.importorskip("webdataset", reason="no webdataset: pip install webdataset")
    files = [str(shards.path / entry["name"]) for entry in read_index(shards.path)]
    got = list(wds.WebDataset(files, shardshuffle=False).decode("rgb8"))
    assert len(got) == 7
    for sample in got:
        row = store.clips[int(sample["__key__"])]
        assert sample["json"]["id"] == row.id
        np.testing.assert_array_equal(sample["expression.npy"], store.arrays["expression"][row.start:row.stop])
        assert np.abs(sample["00003.jpg"].astype(int) - store.frame(row.start + 3)).max() <= 3       # another decoder


def test_the_same_bytes_again_and_after_a_stop(store, tmp_path, monkeypatch):
    shard(store, tmp_path / "a", size_mb=SIZE_MB)
    files = {p.name: p.read_bytes() for p in (tmp_path / "a").iterdir()}

    def stop(done, total):
        if done > 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shard(store, tmp_path / "b", size_mb=SIZE_MB, progress=stop)
    with pytest.raises(InputError):
        Store.open(tmp_path / "b")                                       # not there before all is written
    shard(store, tmp_path / "b", size_mb=SIZE_MB)
    assert {p.name: p.read_bytes() for p in (tmp_path / "b").iterdir()} == files


@pytest.mark.parametrize("where", ["header", "json", "00004.jpg", "pose.npy", "end"])
def test_a_damaged_byte_is_named(store, tmp_path, where, capsys):
    """In a header, in the JSON, in a picture, in an array, in the padding: the shard is named, and the clip if it is
    hit."""
    made = shard(store, tmp_path / "d", size_mb=SIZE_MB)
    path = tmp_path / "d" / made[1]["name"]
    data = bytearray(path.read_bytes())
    with tarfile.open(path) as tar:
        members = {m.name.partition(".")[2]: m for m in tar if int(m.name.partition(".")[0]) == made[1]["clips"][0]}
    hit = members[where if where in members else "00004.jpg"]
    data[{"header": hit.offset, "end": len(data) - 3}.get(where, hit.offset_data + hit.size // 2)] ^= 0x5A
    path.write_bytes(data)
    assert main(["corpora", "check", str(tmp_path / "d")]) == 2
    assert made[1]["name"] in capsys.readouterr().out
    broken = Store.open(tmp_path / "d")
    rows, raised = [broken.clips[k] for k in made[1]["clips"]], 0
    for row in rows:
        try:
            frames, pose = broken.frames(row.start, row.stop), broken.arrays["pose"][row.start:row.stop]
        except InputError as error:
            raised += 1
            assert made[1]["name"] in str(error) and row.id in str(error)
        else:
            np.testing.assert_array_equal(frames, store.frames(row.start, row.stop))
            np.testing.assert_array_equal(pose, store.arrays["pose"][row.start:row.stop])
    assert raised == (where not in ("json", "end"))                       # nothing of these is used


def test_what_is_missing_or_refused(store, shards, tmp_path, capsys):
    def copy(name):
        shutil.copytree(shards.path, tmp_path / name, ignore=shutil.ignore_patterns("decoded*"))
        return tmp_path / name

    cut = copy("cut")
    path = cut / read_index(cut)[0]["name"]
    path.write_bytes(path.read_bytes()[:-512])
    with pytest.raises(InputError, match="shard-000000.tar has"):
        Store.open(cut)
    path.unlink()
    with pytest.raises(InputError, match="has 0 bytes"):
        Store.open(cut)
    for text, word in (("{", "damaged"), ('{"format": "tfg shards", "version": 9, "shards": []}', "newer tfg"),
                       ('{"format": "tfg shards", "version": 1, "shards": []}', "in none of the shards")):
        (cut / "shards.json").write_text(text)
        with pytest.raises(InputError, match=word):
            Store.open(cut)
    other = copy("ok")
    (other / "ok.bool").write_bytes(b"\1")
    with pytest.raises(InputError, match="ok.bool"):
        Store.open(other)
    with pytest.raises(InputError, match="nothing can be added"):
        StoreWriter(shards.path)
    for out, size in ((shards.path, 1), (store.path, 1), (tmp_path / "new", 0)):
        assert main(["corpora", "shard", str(store.path), "--out", str(out), "--size-mb", str(size)]) == 2
    assert not (tmp_path / "new").exists()
    with StoreWriter(tmp_path / "none", size=48):
        pass
    with pytest.raises(InputError, match="no clip"):
        shard(tmp_path / "none", tmp_path / "new")
    assert main(["corpora", "shard", str(store.path), "--out", str(tmp_path / "one")]) == 0
    assert "7 clips in 1 shards" in capsys.readouterr().out


def test_a_store_without_ok_and_clips_without_sound(tmp_path):
    with StoreWriter(tmp_path / "s", size=32, arrays={"pose": ("<f4", (6,))}) as writer:
        for k in range(2):
            writer.append(Row(f"x/{k}", "x", f"A{k}"), [np.full((32, 32, 3), 40 * k, np.uint8)] * 4, np.zeros((12, 80)),
                          pose=np.full((4, 6), k))
    shard(tmp_path / "s", tmp_path / "d")
    got = Store.open(tmp_path / "d")
    assert (got.arrays["pose"][:, 0] == [0, 0, 0, 0, 1, 1, 1, 1]).all() and list(got.arrays) == ["pose"]
    with pytest.raises(InputError, match="no sound of clip x/1"):
        got.wave(got.clips[1])
    got.check()
