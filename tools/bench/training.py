"""Training throughput: `tfg.training.loop` on the packed store against a plain loop written as EmoGen's is.

Both have the same networks, batches and losses (the pairs' loss for SyncNet, L1 for the generator), the same frames,
sound and machine. The plain loop reads JPEG files one by one, makes the mel of the whole clip with librosa for
each item, has its batches made by a DataLoader with as many workers as there are cores, and keeps the networks in
memory as they come; its items are drawn at random, as in EmoGen. Ours is the loop that trains the shipped networks,
with its clipping, averaging and log: with the profile's numbers of 32 bits, and with `--precision bf16-mixed`, which
pays on processors that multiply such numbers themselves (AVX512-BF16, AMX).
"""
from __future__ import annotations

import csv
import os
import shutil
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from tfg.corpora.store import Store
from tfg.corpora.windows import Windows
from tfg.experts.syncnet import network as syncnet
from tfg.media import audio
from tfg.systems.emogen import network as emogen
from tfg.training.loop import At, Run, train
from tools.bench.common import machine
from tools.bench.windows import make

T, SIZE, ACTORS, CLIPS, FRAMES = 5, 96, 8, 6, 66
PARTS = {"SyncNet, cpu": (syncnet.SyncNet(syncnet.TEACHERS["cpu"]), 96, 12),
         "generator, cpu": (emogen.Emogen(emogen.PROFILES["cpu"]), 16, 6),
         "generator, paper size": (emogen.Emogen(emogen.PROFILES["gpu"]), 4, 3)}
"""Cases: network, windows per batch, timed steps."""


def run(rounds: int = 3) -> dict:
    """Print windows/s of all, their ratios to the plain one, and how long ours waits for data. Medians of rounds."""
    folder = Path(tempfile.mkdtemp(prefix="tfg-training-"))
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    try:
        splits = make(folder, ACTORS, CLIPS, FRAMES)
        store, found = Store.open(folder / "store"), {}
        print(f"Training, windows of {T} frames of {SIZE} px a second, loader included; {machine()}")
        print(f"  {'':26s}{'plain loop':>12s}{'this one':>12s}{'ratio':>8s}{'waits':>8s}"
              f"{'bf16-mixed':>12s}{'ratio':>8s}{'waits':>8s}")
        for name, (network, batch, steps) in PARTS.items():
            sync = isinstance(network, syncnet.SyncNet)
            windows = Windows(store, splits, T=T, size=network.config.size, reference=None if sync else "other_emotion",
                              negative=sync, per_frame_mel=not sync, labels=())
            files = Files(folder / "files", network.config.size, sync=sync)
            plain, ours = [], {"32-true": [], "bf16-mixed": []}
            for _ in range(rounds):
                plain.append(_plain(network, files, batch, steps))
                for precision, rates in ours.items():
                    rates.append(_ours(network, windows, batch, steps, folder / "run", precision))
                    shutil.rmtree(folder / "run")
            base, line = float(np.median(plain)), f"  {name:26s}{np.median(plain):12.1f}"
            found[name] = {"plain": base}
            for precision, rates in ours.items():
                rate, wait = np.median(rates, 0)
                found[name][precision] = {"rate": float(rate), "ratio": float(rate / base), "wait": float(wait)}
                line += f"{rate:12.1f}{rate / base:7.1f}x{wait:8.1%}"
            print(line)
        return found
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# ---- the loss of both loops ---------------------------------------------------------------------------------------
def loss_of(network, batch: dict) -> torch.Tensor:
    """SyncNet: binary cross entropy of a true or false pair. Generator: L1 of all five drawn frames."""
    frames = batch["frames"].float() / 255
    if isinstance(network, syncnet.SyncNet) or "sync_mel" in batch:
        faces, sound = network(syncnet.lower_half(frames), batch["sync_mel"][:, None])
        return syncnet.sync_loss(faces, sound, batch["label"])
    feeling = F.one_hot(batch["emotion"].clamp(min=0), 6).float()
    drawn = network(batch["mels"], feeling, torch.zeros_like(frames), batch["reference"].float() / 255)
    return (drawn - frames).abs().mean()


@dataclass
class Task:
    """The smallest training that the loop can run."""

    network: torch.nn.Module
    data: Windows
    networks: dict = field(init=False)

    def __post_init__(self):
        self.networks = {"network": self.network}
        self.optimisers = {"network": torch.optim.Adam(self.network.parameters(), 1e-4, betas=(.5, .999))}

    def losses(self, batch, at: At):
        yield "network", loss_of(self.networks["network"], batch), {}


def _ours(network, windows, batch: int, steps: int, out: Path, precision: str) -> tuple[float, float]:
    """Windows/s after the first 20 steps (rows of the log are means of 20), and the share of waiting."""
    run = Run(phases=(("learn", 20 + max(20, steps)),), batch=batch, average=.99, accelerator="cpu", seed=1,
              precision=precision)
    if steps < 20:                                              # slow networks: rows of the log get fewer steps
        from tfg.training import log

        before, log.EVERY = log.EVERY, steps
        try:
            train(Task(network, windows), _steps(run, 2 * steps), out, progress=False, resume=False)
        finally:
            log.EVERY = before
    else:
        train(Task(network, windows), run, out, progress=False, resume=False)
    with (out / "log.csv").open() as file:
        rows = {(name, int(step)): float(value) for step, name, value in list(csv.reader(file))[1:]}
    last = max(step for name, step in rows if name == "steps/s")
    return rows["steps/s", last] * batch, rows["wait", last]


def _steps(run: Run, n: int) -> Run:
    from dataclasses import replace

    return replace(run, phases=(("learn", n),))


# ---- the plain one --------------------------------------------------------------------------------------------------
class Files(torch.utils.data.Dataset):
    """Items as EmoGen and Wav2Lip read them: a clip and a place drawn at random, independent of the index; JPEG files
    one by one, resized; the wav read and its whole mel made by librosa each time; the reference from another clip."""

    def __init__(self, root: Path, size: int, *, sync: bool):
        self.clips, self.size, self.sync = sorted(root.glob("*/*")), size, sync

    def __len__(self) -> int:
        return len(self.clips) * (FRAMES - T)

    def __getitem__(self, index: int) -> dict:
        import librosa

        rng = np.random.default_rng(index)
        clip, start = self.clips[rng.integers(len(self.clips))], int(rng.integers(T, FRAMES - 2 * T))
        y, _ = librosa.load(clip / "audio.wav", sr=audio.SR)
        power = librosa.feature.melspectrogram(y=y, sr=audio.SR, n_fft=audio.N_FFT, hop_length=audio.HOP_LENGTH,
                                               n_mels=audio.N_MELS, fmin=audio.FMIN, fmax=audio.FMAX, power=1.0)
        mel = np.clip(20 * np.log10(np.maximum(power, 1e-5)) / 12.5 + 2.4, -4, 4).astype(np.float32)
        item = {"frames": self._pictures(clip, start), "emotion": int(rng.integers(6))}
        if self.sync:
            false = rng.random() < .5
            at = int(rng.integers(T, FRAMES - T)) if false else start
            return item | {"sync_mel": audio.mel_window(mel, at + T // 2), "label": np.float32(not false)}
        other = self.clips[rng.integers(len(self.clips))]
        return item | {"mels": np.stack([audio.mel_window(mel, start + k) for k in range(T)]),
                       "reference": self._pictures(other, int(rng.integers(FRAMES - T)))}

    def _pictures(self, clip: Path, start: int) -> np.ndarray:
        import cv2

        frames = [cv2.resize(cv2.imread(f"{clip}/{k}.jpg"), (self.size, self.size)) for k in range(start, start + T)]
        return np.stack(frames).transpose(0, 3, 1, 2)


def _plain(network, files: Files, batch: int, steps: int) -> float:
    """Windows/s from the second step on: the first waits for the workers to start."""
    network.train().to(memory_format=torch.contiguous_format)
    optimiser = torch.optim.Adam(network.parameters(), 1e-4, betas=(.5, .999))
    loader = torch.utils.data.DataLoader(files, batch_size=batch, shuffle=True, num_workers=os.cpu_count() or 1)
    done, start = 0, None
    for items in loader:
        optimiser.zero_grad()
        loss = loss_of(network, items)
        loss.backward()
        optimiser.step()
        loss.item()
        if start is None:
            start = time.perf_counter()
            continue
        done += 1
        if done == steps:
            break
    return done * batch / (time.perf_counter() - start)
