"""The store: clips are read as written, a crash costs one clip at most, and damaged clips are named."""
from __future__ import annotations

import errno
import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
import warnings
import zlib
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

from tfg.corpora import store_format, store_writer
from tfg.corpora.store import ARRAYS, Row, Store, StoreWriter, encode
from tfg.errors import InputError

SIZE = 32


def picture(seed: int) -> np.ndarray:
    """A smooth picture, so that JPEG keeps it."""
    y, x = np.mgrid[:SIZE, :SIZE] / SIZE
    return np.stack([128 + 100 * np.sin(seed + 3 * x), 128 + 100 * np.cos(seed + 2 * y), 40 + 150 * x * y], -1) \
        .astype(np.uint8)


def clip(k: int, T: int = 4):
    """Row, frames, mel and arrays of clip number k."""
    rng = np.random.default_rng(k)
    arrays = {"expression": rng.random((T, 52)), "pose": rng.normal(size=(T, 6)),
              "points": rng.random((T, 478, 3)) * SIZE, "matrix": rng.normal(size=(T, 2, 3)) * 300}
    row = Row(f"test/{k}", "test", "AB"[k % 2], "DFA", "HAP", "HI", k + 1, soft=(0, 0, .5, .5, 0, 0), text="Don't",
              notes={"file": f"{k}.mp4"})
    return row, [picture(10 * k + t) for t in range(T)], rng.uniform(-4, 4, (1 + T * 16 // 5, 80)), arrays


def sound(k: int, T: int = 4) -> np.ndarray:
    """The sound of clip number k: a 16-bit file's samples."""
    return np.random.default_rng([k, 1]).integers(-2 ** 15, 2 ** 15, 640 * T).astype(np.float32) / 2 ** 15


def fill(path, n: int, **options):
    with StoreWriter(path, size=SIZE, **options) as writer:
        for k in range(len(writer.clips), n):
            row, frames, mel, arrays = clip(k)
            writer.append(row, frames, mel, sound(k), **arrays)
    return path


def as_of_version_1(path):
    """The store as the tfg before this one wrote it: no sound, and nothing about it in header and table."""
    (path / "wave.int16").unlink()
    header = json.loads((path / "store.json").read_text())
    (path / "store.json").write_text(json.dumps(header | {"version": 1}))
    lines = b""
    for line in (path / "clips.jsonl").read_bytes().splitlines():
        row = json.loads(line.rpartition(b"\t")[0])
        del row["wave_start"], row["n_wave"], row["sums"]["wave.int16"]
        text = json.dumps(row, separators=(",", ":")).encode()
        lines += b"%s\t%08x\n" % (text, zlib.crc32(text))
    (path / "clips.jsonl").write_bytes(lines)
    return path


@pytest.fixture
def store(tmp_path):
    return fill(tmp_path / "store", 3)


def damage(path, at: int, value: bytes | None = None):
    with open(path, "r+b") as file:
        file.seek(at)
        old = file.read(1)
        file.seek(at)
        file.write(value or bytes([old[0] ^ 0xFF]))


# ---- what goes in comes out ---------------------------------------------------------------------------------------
def test_round_trip(store):
    held = Store.open(store)
    assert (len(held.clips), held.n_frames, held.size) == (3, 12, SIZE)
    for k, row in enumerate(held.clips):
        given, frames, mel, arrays = clip(k)
        for name in ("id", "corpus", "actor", "sentence", "emotion", "level", "take", "soft", "text", "notes"):
            assert getattr(row, name) == getattr(given, name), name
        assert (row.start, row.stop) == (4 * k, 4 * k + 4)
        seen = held.frames(row.start, row.stop)
        assert seen.dtype == np.uint8 and np.abs(seen.astype(int) - np.stack(frames)).mean() < 2
        assert np.abs(held.mel[row.mel_start:row.mel_stop] - mel).max() <= 0.001       # the error the docstring states
        at = slice(row.start, row.stop)
        for name in ("expression", "pose", "matrix"):
            assert np.array_equal(held.arrays[name][at], arrays[name].astype(np.float32)), name
        assert np.array_equal(held.wave(row), sound(k)) and row.n_wave == 640 * row.n_frames
        assert np.abs(held.arrays["points"][at] - arrays["points"]).max() <= 1 / 32
        assert np.isnan(held.arrays["aus"][at]).all() and held.arrays["ok"][at].all()
    held.check()


def test_points_are_as_exact_as_stated():
    x = np.random.default_rng(0).uniform(64, 128, 20000)
    assert np.abs(x.astype("<f2") - x).max() <= 1 / 32
    x = np.random.default_rng(0).uniform(128, 256, 20000)
    assert 1 / 32 < np.abs(x.astype("<f2") - x).max() <= 1 / 16


def test_one_frame_and_the_clip_it_belongs_to(store):
    held = Store.open(store)
    for i in (0, 3, 4, 11):
        assert held.row_of(i).id == f"test/{i // 4}"
        assert np.array_equal(held.frame(i), held.frames(i, i + 1)[0])
        assert held.jpeg(i) == encode(picture(10 * (i // 4) + i % 4))
    for wrong in (-1, 12):
        with pytest.raises(IndexError, match=f"frame {wrong} of a store of 12"):
            held.jpeg(wrong)
        with pytest.raises(IndexError):
            held.row_of(wrong)
    assert held.frames(5, 5).shape == (0, SIZE, SIZE, 3)
    assert held.by_id["test/2"] == held.clips[2]


def test_files_are_as_the_docstring_says(store):
    """A reader of its own, from the specification alone."""
    header = json.loads((store / "store.json").read_text())
    assert header["format"] == "tfg store" and header["version"] == 2
    rows = [json.loads(line.rpartition("\t")[0]) for line in (store / "clips.jsonl").read_text().splitlines()]
    ends = np.fromfile(store / "frames.uint64", "<u8")
    data = (store / "frames.jpegs").read_bytes()
    row = rows[1]
    i = row["start"] + 2
    assert data[int(ends[i - 1]):int(ends[i])] == encode(picture(12))
    mel = np.fromfile(store / "mel.float16", "<f2").reshape(-1, 80)
    assert np.allclose(mel[row["mel_start"]:row["mel_start"] + row["n_mel"]], clip(1)[2], atol=.001)
    y = np.fromfile(store / "wave.int16", "<i2")[row["wave_start"]:][:row["n_wave"]]
    assert np.array_equal(y / 32768, sound(1)) and row["wave_start"] == 640 * row["start"]
    for name, (dtype, shape) in header["arrays"].items():
        values = np.fromfile(store / f"{name}.{np.dtype(dtype).name}", dtype).reshape(-1, *shape)
        assert len(values) == 12, name


def test_arrays_cannot_be_written_and_nothing_is_read_early(store):
    held = Store.open(store)
    with pytest.raises(ValueError, match="read-only"):
        held.arrays["pose"][0] = 1
    assert not held.mel.flags.owndata


def test_an_empty_store(tmp_path):
    held = Store.open(fill(tmp_path / "s", 0))
    assert held.n_frames == 0 and held.clips == [] and held.mel.shape == (0, 80)
    assert held.arrays["points"].shape == (0, 478, 3)
    held.check()


def test_other_arrays(tmp_path):
    with StoreWriter(tmp_path / "s", size=SIZE, arrays={"viseme": ("|u1", ()), "ok": ("|b1", ())}) as writer:
        row, frames, mel, _ = clip(0)
        writer.append(row, frames, mel, viseme=np.arange(4))
    assert Store.open(tmp_path / "s").arrays["viseme"].tolist() == [0, 1, 2, 3]


def test_what_does_not_fit_is_refused_and_leaves_nothing(store):
    before = {p.name: p.read_bytes() for p in store.iterdir()}
    row, frames, mel, arrays = clip(3)
    with StoreWriter(store) as writer:
        with pytest.raises(ValueError, match="pose must be"):
            writer.append(row, frames, mel, pose=arrays["pose"][:2])
        with pytest.raises(ValueError, match="no array 'visemes'"):
            writer.append(row, frames, mel, visemes=np.zeros(4))
        with pytest.raises(ValueError, match="at least one frame"):
            writer.append(row, [], mel)
        with pytest.raises(ValueError, match="mel"):
            writer.append(row, frames, mel.T)
        with pytest.raises(ValueError, match=r"wave must be finite floats \(N,\), got float64 \(2, 640\)"):
            writer.append(row, frames, mel, np.zeros((2, 640)))
        with pytest.raises(ValueError, match="wave must be finite"):
            writer.append(row, frames, mel, np.full(640, np.nan))
        with pytest.raises(ValueError, match="wave must be finite floats .* got int16"):
            writer.append(row, frames, mel, np.zeros(640, np.int16))
        with pytest.raises(ValueError, match="frames must be"):
            writer.append(row, [f[:16] for f in frames], mel)
        with pytest.raises(InputError, match="already holds a clip test/1"):
            writer.append(*clip(1)[:3])
    assert {p.name: p.read_bytes() for p in store.iterdir()} == before
    with pytest.raises(InputError, match="frames of 32 px, not 64"):
        StoreWriter(store, size=64)


# ---- sound --------------------------------------------------------------------------------------------------------
def test_sound_is_read_at_other_rates(tmp_path):
    """A tone keeps its pitch, its loudness and its moment; what a rate cannot hold goes."""
    row, frames, mel, _ = clip(0, 25)
    t = np.arange(16000) / 16000
    burst = np.exp(-((t - .5) / .05) ** 2)
    with StoreWriter(tmp_path / "s", size=SIZE) as writer:
        writer.append(row, frames, mel, .5 * np.sin(2 * np.pi * 440 * t) * burst)
        writer.append(clip(1, 25)[0], frames, mel, .5 * np.sin(2 * np.pi * 6000 * t))
    held = Store.open(tmp_path / "s")
    for sr in (8000, 22050, 44100, 48000):
        y, t = held.wave(held.clips[0], sr=sr), np.arange(sr) / sr
        wanted = .5 * np.sin(2 * np.pi * 440 * t) * np.exp(-((t - .5) / .05) ** 2)
        assert y.dtype == np.float32 and y.shape == (sr,) and np.abs(y - wanted).max() < .003, sr
    assert np.abs(held.wave(held.clips[1], sr=8000)[200:-200]).max() < .01
    for rate in (0, -8000, 22050.5, 500_000):
        with pytest.raises(InputError, match="from 1000 to 192000"):
            held.wave(held.clips[0], sr=rate)


def test_sound_beyond_full_scale_is_clipped(tmp_path):
    row, frames, mel, _ = clip(0)
    with StoreWriter(tmp_path / "s", size=SIZE) as writer:
        writer.append(row, frames, mel, np.repeat([-2.0, -1.0, 0.0, 1.0, 2.0], 512))
    y = Store.open(tmp_path / "s").wave(Store.open(tmp_path / "s").clips[0]).reshape(5, 512)
    assert (y == y[:, :1]).all() and y[:, 0].tolist() == [-1, -1, 0, 32767 / 32768, 32767 / 32768]


def test_a_clip_without_sound(tmp_path):
    with StoreWriter(tmp_path / "s", size=SIZE) as writer:
        writer.append(*clip(0)[:3])
        writer.append(*clip(1)[:3], sound(1))
    held = Store.open(tmp_path / "s")
    with pytest.raises(InputError, match="holds no sound of clip test/0; give it to"):
        held.wave(held.clips[0])
    assert np.array_equal(held.wave(held.clips[1]), sound(1))
    held.check()


def test_stores_of_version_1_are_read_and_not_added_to(store):
    new = Store.open(store)
    frames, mel = new.frames(0, 12), new.mel.copy()
    old = Store.open(as_of_version_1(store))
    assert (old.version, new.version) == (1, 2) and [r.id for r in old.clips] == [r.id for r in new.clips]
    assert np.array_equal(old.frames(0, 12), frames) and np.array_equal(old.mel, mel)
    old.check()
    assert pickle.loads(pickle.dumps(old)).n_frames == 12
    before = {p.name: p.read_bytes() for p in store.iterdir()}
    for refused in (old.need_sound, lambda: old.wave(old.clips[0])):
        with pytest.raises(InputError, match="prepared by an older tfg.*prepare it again with `tfg corpora prepare`"):
            refused()
    with pytest.raises(InputError, match=r"older tfg \(store version 1, this one writes 2\).*into a new folder"):
        StoreWriter(store)
    assert {p.name: p.read_bytes() for p in store.iterdir()} == before


# ---- many readers, one writer -------------------------------------------------------------------------------------
def test_a_reader_keeps_its_view_while_a_writer_appends(store):
    held = Store.open(store)
    before = held.frames(0, 12), held.mel.copy()
    fill(store, 6)
    assert held.n_frames == 12 and len(held.clips) == 3
    assert np.array_equal(held.frames(0, 12), before[0]) and np.array_equal(held.mel, before[1])
    copy = pickle.loads(pickle.dumps(held))
    assert len(copy.clips) == 3, "a worker must see what its parent saw"
    assert Store.open(store).n_frames == 24


def _mean(store, i):
    return float(store.frame(i).mean()), float(store.arrays["pose"][i].sum())


def test_processes_read_a_pickled_store(store):
    held = Store.open(store)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        seen = list(pool.map(_mean, [held] * 6, range(6)))
    assert seen == [_mean(held, i) for i in range(6)]


def test_one_writer_at_a_time(store):
    with StoreWriter(store):
        with pytest.raises(InputError, match="another process is writing"):
            StoreWriter(store)
        Store.open(store)                                    # readers are not kept out
    StoreWriter(store).close()


# ---- crashes ------------------------------------------------------------------------------------------------------
def test_killed_after_any_byte(tmp_path):
    """Every state between two clips that a crash can leave, in the order of writing: the clip is there or is not."""
    one, two = fill(tmp_path / "one", 1), fill(tmp_path / "two", 2)
    names = [*store_format.committed([], Store.open(one).schema), store_format.TABLE]
    before = {n: (one / n).read_bytes() for n in names}
    after = {n: (two / n).read_bytes() for n in names}
    added = [(n, k) for n in names for k in np.unique(np.linspace(1, len(after[n]) - len(before[n]), 7).astype(int))]
    for name, k in added:
        here = tmp_path / "crashed"
        shutil.copytree(one, here)
        for other in names:                                  # files are written one after the other, the table last
            extra = after[other][len(before[other]):]
            done = names.index(other) < names.index(name)
            (here / other).write_bytes(before[other] + (extra if done else extra[:k] if other == name else b""))
        whole = name == store_format.TABLE and k == len(after[name]) - len(before[name])
        held = Store.open(here)
        assert len(held.clips) == (2 if whole else 1), (name, k)
        held.check()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")                  # of the torn line; see the next test
            fill(here, 2)
        assert {n: (here / n).read_bytes() for n in names} == after, (name, k)
        shutil.rmtree(here)


def test_a_torn_line_is_reported(store):
    with open(store / "clips.jsonl", "ab") as file:
        file.write(b'{"id": "test/3", "cor')
    assert len(Store.open(store).clips) == 3
    with pytest.warns(UserWarning, match="not finished"):
        StoreWriter(store).close()
    assert (store / "clips.jsonl").read_bytes().endswith(b"\n")


APPENDING = """
import sys
import numpy as np
from tfg.corpora.store import Row, StoreWriter
with StoreWriter(sys.argv[1], size=32) as writer:
    for k in range(len(writer.clips), 100000):
        rng = np.random.default_rng(k)
        frames = list(rng.integers(0, 255, (20, 32, 32, 3), np.uint8))
        writer.append(Row(f"test/{k}", "test"), frames, np.zeros((64, 80)))
        print(k, flush=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
def test_kill_9_while_appending(tmp_path):
    path, told = tmp_path / "s", 0
    for attempt in range(4):
        process = subprocess.Popen([sys.executable, "-c", APPENDING, str(path)], stdout=subprocess.PIPE, text=True)
        while (told := int(process.stdout.readline())) < 5 * (attempt + 1):
            pass
        time.sleep(0.003 * attempt)
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().split()
        process.wait()
        told = int(rest[-1]) if rest else told
        held = Store.open(path)
        assert told + 1 <= len(held.clips) <= told + 2, "what append returned from must be there"
        held.check()


@pytest.mark.parametrize("value", [np.nan, -np.inf, 1e6])
def test_a_mel_that_is_not_finite_is_refused(store, value):
    """1e6 is beyond the half precision of the file."""
    before = {p.name: p.read_bytes() for p in store.iterdir()}
    row, frames, mel, arrays = clip(3)
    mel = np.array(mel, np.float64)
    mel[2, 7] = value
    with StoreWriter(store) as writer, pytest.raises(InputError, match="sound of a clip holds numbers that are not"):
        writer.append(row, frames, mel, sound(3), **arrays)
    assert {p.name: p.read_bytes() for p in store.iterdir()} == before


def test_full_disk(store, monkeypatch):
    write, left = os.write, [9000]

    def nearly_full(file, data):
        if left[0] <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        n = min(len(data), left[0], 1000)                    # a short write first, as real disks do
        left[0] -= n
        return write(file, data[:n])

    before = {p.name: p.read_bytes() for p in store.iterdir()}
    with StoreWriter(store) as writer:
        monkeypatch.setattr(store_writer.os, "write", nearly_full)
        with pytest.raises(InputError, match="test/3 cannot be written.*No space left.*3 clips before it are safe"):
            writer.append(*clip(3)[:3], sound(3))
        assert {p.name: p.read_bytes() for p in store.iterdir()} == before
        monkeypatch.undo()
        row, frames, mel, arrays = clip(3)
        writer.append(row, frames, mel, sound(3), **arrays)  # somebody made room
    held = Store.open(store)
    assert len(held.clips) == 4
    held.check()


# ---- damage -------------------------------------------------------------------------------------------------------
def test_a_corrupt_picture_is_named(store):
    held = Store.open(store)
    first = int(held._ends[4])                               # frame 5: the second of clip 1
    for k in range(2):
        damage(store / "frames.jpegs", first + k, b"\0")
    held = Store.open(store)
    with pytest.raises(InputError, match="frame 1 of clip test/1 in .*frames.jpegs is corrupt"):
        held.frame(5)
    held.frame(4), held.frame(6)
    assert [p for p in held.problems()] == [f"clip test/1 is damaged in {store / 'frames.jpegs'}: frame 1 is no JPEG "
                                           "picture"]
    with pytest.raises(InputError, match="test/1 is damaged.*prepare it anew"):
        held.check()


@pytest.mark.parametrize("name", ["frames.jpegs", "frames.uint64", "mel.float16", "wave.int16", "points.float16",
                                  "ok.bool"])
def test_check_sees_a_changed_byte_in_any_file(store, name):
    held = Store.open(store)
    first, n = store_format.clip_bytes(held.clips[1], held.schema)[name]
    damage(store / name, first + n // 2)
    with pytest.raises(InputError, match=f"clip test/1 is damaged in .*{name}"):
        Store.open(store).check()


@pytest.mark.parametrize("name", ["frames.jpegs", "frames.uint64", "mel.float16", "wave.int16", "pose.float32"])
def test_a_file_that_is_cut_off_is_named_with_its_clip(store, name):
    size = (store / name).stat().st_size
    os.truncate(store / name, size - 3)
    with pytest.raises(InputError, match=f"{name} is cut off.*clip test/2"):
        Store.open(store)
    with pytest.raises(InputError, match=f"{name} is cut off.*clip test/2"):
        StoreWriter(store)
    assert (store / name).stat().st_size == size - 3, "damage must not be made worse"
    (store / name).unlink()
    with pytest.raises(InputError, match="clip test/0"):
        Store.open(store)


def test_a_wrong_index_is_named(store):
    damage(store / "frames.uint64", 8 * 11)
    with pytest.raises(InputError, match="index .*frames.uint64 .*clip test/2"):
        Store.open(store)


def test_a_damaged_table(store):
    table = (store / "clips.jsonl").read_bytes()
    lines = table.splitlines(keepends=True)
    (store / "clips.jsonl").write_bytes(lines[0] + lines[1].replace(b"HAP", b"SAD") + lines[2])
    for what in (Store, StoreWriter):
        with pytest.raises(InputError, match="line 2 of .*clips.jsonl is damaged"):
            what(store)
    (store / "clips.jsonl").write_bytes(lines[0] + lines[2])
    with pytest.raises(InputError, match="test/2 in line 2 .* does not begin where the clip before it ends"):
        Store.open(store)
    (store / "clips.jsonl").write_bytes(lines[0] + lines[1] + lines[2].replace(b"HAP", b"SAD"))
    assert len(Store.open(store).clips) == 2                 # the last line may be a clip that was not finished


def test_headers_that_cannot_be_read(tmp_path, store):
    with pytest.raises(InputError, match="there is no store"):
        Store.open(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="is no store: it has no store.json"):
        Store.open(tmp_path / "empty")
    header = json.loads((store / "store.json").read_text())
    (store / "store.json").write_text(json.dumps(header | {"version": 3}))
    with pytest.raises(InputError, match="newer tfg .store version 3, this one reads 2"):
        Store.open(store)
    for text in ("", "[1]", '{"format": "other"}', '{"format": "tfg store", "version": 1}'):
        (store / "store.json").write_text(text)
        with pytest.raises(InputError, match="store.json is damaged"):
            Store.open(store)
    (store / "store.json").unlink()
    with pytest.raises(InputError, match="has a table of clips but no store.json"):
        StoreWriter(store)


def test_rows_of_a_later_tfg_keep_what_is_not_known(store):
    row = Store.open(store).clips[0]
    text = json.loads(store_format.line_of(row).rpartition(b"\t")[0]) | {"mood": "good"}
    raw = json.dumps(text).encode()
    again = store_format.row_of(b"%s\t%08x" % (raw, zlib.crc32(raw)))
    assert again.notes["mood"] == "good" and again.id == row.id
    assert set(ARRAYS) == set(Store.open(store).arrays)
