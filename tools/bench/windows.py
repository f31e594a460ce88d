"""Windows per second: tfg's packed store against a folder of JPEG files, the way most published loaders read.

The same 50,000 frames (96 px, JPEG quality 92, byte for byte the same files), sound, window (5 frames, mel of 16
columns) and reference (5 frames of another clip of the actor), in random order over all frames; everything is in the
system's file cache for all of them. The two other loaders are written here as plainly and as fast as their scheme
allows: no retry loops, no resizing, our own mel (faster than librosa's), OpenCV's decoder.
"""
from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import wave
from pathlib import Path

import numpy as np

from tfg import paths
from tfg.corpora.augment import Augment
from tfg.corpora.splits import Person, Splits
from tfg.corpora.store import Row, Store, StoreWriter, encode
from tfg.corpora.windows import Windows, collate
from tfg.media import audio
from tools.bench.common import ROOT, machine

SIZE, T, BATCH, WORKERS = 96, 5, 32, 2
ACTORS, CLIPS, FRAMES = 64, 12, 66                                     # 50,688 frames of 2.6 s clips


def run(*, actors: int = ACTORS, clips: int = CLIPS, frames: int = FRAMES, items: int = 128) -> dict:
    """Print windows/s of each loader, plain and behind torch's DataLoader, and the memory of random access."""
    folder = Path(tempfile.mkdtemp(prefix="tfg-windows-"))
    try:
        return _run(folder, actors, clips, frames, items)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(folder: Path, actors: int, clips: int, frames: int, items: int) -> dict:
    splits = make(folder, actors, clips, frames)
    store = Store.open(folder / "store")
    start = time.perf_counter()
    make_windows = lambda **more: Windows(store, splits, T=T, labels=(), **more)           # noqa: E731
    windows = make_windows(cache=True)
    decoding_s = time.perf_counter() - start
    n = len(windows)
    everything = Windows(store, splits, T=T, negative=True, per_frame_mel=True, augment=Augment(),
                         labels=("expression", "aus", "pose", "points", "intensity"))
    loaders = {
        "JPEG files, mel of the clip per item": Folder(folder / "files", frames, cached=False),
        "JPEG files, cached mel": Folder(folder / "files", frames, cached=True),
        "tfg, decoding JPEGs (no decoded file)": make_windows(cache=False),
        "tfg": windows,
        "tfg, all labels, negatives, augmentation": everything,
    }
    print(f"Windows of {T} frames of {SIZE} px, reference of {T}, mel; random access over {store.n_frames:,} frames "
          f"({n:,} places); {machine()}")
    print(f"  decoding the store once: {decoding_s:.1f} s, {store.n_frames / decoding_s:,.0f} frames/s, "
          f"{windows.pixels.path.stat().st_size / 1e6:,.0f} MB on disk")
    found: dict = {"frames": store.n_frames, "decoding_s": decoding_s}
    found["plain"] = _table("one process, plain calls", {k: _plain(v, n, items) for k, v in loaders.items()})
    through = {k: _loader(v, n, items) for k, v in loaders.items()}
    through["tfg, by tfg.training.batches (a thread, no workers)"] = _feed(windows, items)
    found["loader"] = _table(f"torch DataLoader, {WORKERS} workers, batches of {BATCH}", through)
    found["decoding_share"] = _share(loaders["tfg, decoding JPEGs (no decoded file)"], n, items)
    print(f"  without the decoded file, decoding is {found['decoding_share']:.0%} of the time")
    code = (f"import json; from tools.bench.windows import memory\n"
            f"print(json.dumps(memory({str(folder)!r}, {n // BATCH})))")
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    found["memory"] = m = json.loads(said.stdout.splitlines()[-1])
    print(f"  memory while a fresh process and {WORKERS} workers read {m['windows']:,} random windows with all labels: "
          f"{m['rss_mb']:,.0f} MB RSS,\n    summed over the {WORKERS + 1} processes; {m['pss_mb']:,.0f} MB with shared "
          f"pages counted once; {m['base_mb']:,.0f} MB of that is Python with torch and tfg")
    return found


# ---- data ---------------------------------------------------------------------------------------------------------
def make(folder: Path, actors: int, clips: int, frames: int) -> Splits:
    """A store and a folder of the same JPEGs: four portraits that move a little, another light and sound per clip."""
    import cv2

    from tfg.media.image import read_image

    faces = [read_image(paths.data("faces", f"{name}.jpg")) for name in ("default", "portrait_1", "portrait_2",
                                                                        "portrait_3")]
    faces = [cv2.resize(f, (SIZE + 16, SIZE + 16), interpolation=cv2.INTER_AREA) for f in faces]
    speech = audio.load_audio(paths.data("audio", "DFA.wav"))
    emotions = ("ANG", "DIS", "FEA", "HAP", "NEU", "SAD")
    with StoreWriter(folder / "store", size=SIZE) as writer:
        for a in range(actors):
            for c in range(clips):
                rng = np.random.default_rng([a, c])
                face = cv2.convertScaleAbs(faces[a % 4], alpha=rng.uniform(.8, 1.1), beta=rng.uniform(-10, 10))
                at = np.clip(np.cumsum(rng.integers(-1, 2, (frames, 2)), 0) + 8, 0, 16)
                jpegs = [encode(face[y:y + SIZE, x:x + SIZE]) for y, x in at]
                sound = np.resize(np.roll(speech, rng.integers(len(speech))), frames * audio.SAMPLES_PER_FRAME)
                mel = audio.mel_spectrogram(sound)
                writer.append(Row(f"actors/V{a}_{c}", "actors", f"V{a}", emotion=emotions[c % 6], level="HI"), jpegs,
                              mel.T, expression=rng.uniform(0, 1, (frames, 52)), aus=rng.uniform(0, 5, (frames, 17)),
                              pose=rng.normal(size=(frames, 6)), points=rng.uniform(0, SIZE, (frames, 478, 3)))
                own = folder / "files" / f"V{a}" / f"{c}"
                own.mkdir(parents=True)
                for i, data in enumerate(jpegs):
                    (own / f"{i}.jpg").write_bytes(data)
                audio.write_wav(own / "audio.wav", sound)
                np.save(own / "mel.npy", mel)
    return Splits(tuple(Person("actors", f"V{a}", "train") for a in range(actors)))


class Folder:
    """The usual loader: `CLIP/0.jpg ...` and a wav beside them; T + T pictures are read and decoded per item."""

    def __init__(self, root: Path, frames: int, *, cached: bool):
        self.clips = sorted(p for p in root.glob("*/*"))
        self.frames, self.cached = frames, cached
        self.siblings = len(self.clips) // len({p.parent for p in self.clips})         # clips of one actor

    def __len__(self):
        return len(self.clips) * (self.frames - T + 1)

    def __getitem__(self, i: int) -> dict:
        clip, start = divmod(i, self.frames - T + 1)
        rng = np.random.default_rng(i)
        other = self.clips[clip // self.siblings * self.siblings + int(rng.integers(self.siblings))]
        there = int(rng.integers(self.frames - T + 1))
        return {"frames": self._pictures(self.clips[clip], start), "reference": self._pictures(other, there),
                "mel": self._mel(self.clips[clip], start)}

    def _pictures(self, clip: Path, start: int) -> np.ndarray:
        import cv2

        frames = [cv2.imread(f"{clip}/{k}.jpg", cv2.IMREAD_COLOR_RGB) for k in range(start, start + T)]
        return np.stack(frames).transpose(0, 3, 1, 2)

    def _mel(self, clip: Path, start: int) -> np.ndarray:
        if self.cached:
            mel = np.load(clip / "mel.npy")
        else:
            with wave.open(str(clip / "audio.wav")) as file:
                sound = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768
            mel = audio.mel_spectrogram(sound)
        return audio.mel_window(mel, start + T // 2)


# ---- measuring ----------------------------------------------------------------------------------------------------
def _plain(data, n: int, items: int, rounds: int = 3) -> float:
    """Windows/s of a loader, median of rounds: one by one for loaders of items, in batches of 32 for loaders of
    batches."""
    rates = []
    for r in range(rounds + 1):
        order = np.random.default_rng([1, r]).integers(0, n, items * (8 if _fast(data) else 1))
        start = time.perf_counter()
        if isinstance(data, Folder):
            for i in order:
                data[int(i)]
        else:
            for b in range(0, len(order), BATCH):
                data.batch(r, order[b:b + BATCH])
        rates.append(len(order) / (time.perf_counter() - start))
    return statistics.median(rates[1:])                                    # the first one warms up


def _loader(data, n: int, items: int) -> float:
    """Windows/s from the second batch of each worker on, so that starting them does not count."""
    from torch.utils.data import DataLoader

    many = items * (60 if _fast(data) else 4)
    order = np.random.default_rng(2).integers(0, n, many).tolist()
    loader = DataLoader(data, batch_size=BATCH, sampler=order, num_workers=WORKERS,
                        collate_fn=None if isinstance(data, Folder) else collate)
    start, seen = None, 0
    for k, batch in enumerate(loader):
        if start is not None:
            seen += len(batch["frames"])
        if k == 2 * WORKERS - 1:
            start = time.perf_counter()
    return seen / (time.perf_counter() - start)


def _feed(data, items: int) -> float:
    """Windows/s of the course's own training loop, which copies nothing between processes."""
    from tfg.training.batches import feed

    batches = feed(data, BATCH, seed=2)
    for _ in range(4):
        next(batches)
    start, many = time.perf_counter(), items * 60 // BATCH
    for _ in range(many):
        next(batches)
    rate = many * BATCH / (time.perf_counter() - start)
    batches.close()
    return rate


def _fast(data) -> bool:
    return isinstance(data, Windows) and data.pixels.decoded


def _table(title: str, rates: dict[str, float]) -> dict[str, float]:
    slow, cached, *_ = rates.values()
    print(f"  {title + ':':53s}windows/s   of the first   of the second")
    for name, rate in rates.items():
        print(f"    {name:50s}{rate:10,.0f}{rate / slow:13.1f} x{rate / cached:14.1f} x")
    return rates


def _share(data: Windows, n: int, items: int) -> float:
    """Share of a window's time that goes into decoding, without the decoded file."""
    order = np.random.default_rng(3).integers(0, n, items)
    spent, read = 0.0, data.pixels.read

    def timed(*args):
        nonlocal spent
        start = time.perf_counter()
        out = read(*args)
        spent += time.perf_counter() - start
        return out

    data.pixels.read = timed
    start = time.perf_counter()
    data.batch(0, order)
    total = time.perf_counter() - start
    data.pixels.read = read
    return spent / total


def memory(folder: str, batches: int) -> dict:
    """Peak memory in MB over all processes while a DataLoader reads random windows: resident, and shared pages once."""
    from torch.utils.data import DataLoader

    base = _memory(os.getpid())[0]
    store = Store.open(Path(folder) / "store")
    splits = Splits(tuple(Person("actors", a, "train") for a in {r.actor for r in store.clips}))
    data = Windows(store, splits, T=T, labels=("expression", "aus", "pose", "points"), negative=True)
    order = np.random.default_rng(4).integers(0, len(data), batches * BATCH).tolist()
    loader = iter(DataLoader(data, batch_size=BATCH, sampler=order, num_workers=WORKERS, collate_fn=collate))
    processes = [os.getpid(), *(w.pid for w in loader._workers)]
    most, most_shared, seen = 0.0, 0.0, 0
    for k, batch in enumerate(loader):
        seen += len(batch["frames"])
        if k % 50 == 49 or k == batches - 5:                               # the workers are still there
            rss, pss = np.sum([_memory(p) for p in processes], 0).tolist()
            most, most_shared = max(most, rss), max(most_shared, pss)
    return {"windows": seen, "rss_mb": most, "pss_mb": most_shared, "base_mb": base}


def _memory(pid: int) -> tuple[float, float]:
    """Memory of a process, (RSS, PSS) in MB; zeros where the system does not report it."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0, 0.0
    found = {line.split(":")[0]: float(line.split()[1]) / 1024 for line in lines if line.startswith(("Rss", "Pss:"))}
    return found.get("Rss", 0.0), found.get("Pss", 0.0)
