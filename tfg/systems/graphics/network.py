"""Network from sound to mouth: from log-mel to 52 expression coefficients (jaw and lips) at 25 frames/s.

A temporal convolution network: each video frame sees the six mel columns around its middle, then residual blocks with
growing dilation widen the view to about a second on either side, enough for coarticulation in both directions.
Without recurrence the output depends on that neighbourhood alone, so an hour of sound in overlapping chunks gives
exactly the same result as in one piece.

References
- van den Oord et al. 2016, WaveNet (dilated convolution); Bai, Kolter & Koltun 2018 (the residual TCN block)
- Cohen & Massaro 1993 (coarticulation, from which tfg/speech/visemes.py makes the training targets)
- Jaitly & Hinton 2013 (vocal tract length perturbation, tfg/training/augment_sound.py)
"""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from tfg import cancel
from tfg.media.audio import HOP_LENGTH, check_audible, load_audio, mel_spectrogram, mel_windows, n_frames
from tfg.networks import checkpoint
from tfg.networks.blocks import TemporalBlock
from tfg.speech import visemes
from tfg.speech.features import N_MELS, speech_mean

CHUNK = 1500                                         # frames per chunk of a long sound


@dataclass(frozen=True)
class MouthConfig:
    """Sizes of the network; a card keeps them beside the weights."""

    width: int = 6                                   # mel columns per video frame (75 ms)
    hidden: int = 96
    kernel: int = 3
    dilations: tuple[int, ...] = (1, 2, 4, 8, 1)
    dropout: float = 0.1
    n_out: int = len(visemes.CHANNELS)
    n_visemes: int = len(visemes.VISEMES)

    @property
    def reach(self) -> int:
        """Number of frames on either side that an output frame depends on."""
        return sum(self.dilations) * (self.kernel - 1)


class MouthNet(nn.Module):
    """The network: mel windows (B, T, 80, width) -> articulators (B, T, 13), viseme logits (B, T, 14; for training)."""

    def __init__(self, config: MouthConfig | None = None):
        super().__init__()
        self.config = c = config or MouthConfig()
        self.embed = nn.Linear(N_MELS * c.width, c.hidden)
        self.blocks = nn.ModuleList(TemporalBlock(c.hidden, c.kernel, d, c.dropout) for d in c.dilations)
        self.norm = nn.LayerNorm(c.hidden)
        self.out = nn.Linear(c.hidden, c.n_out)
        self.viseme = nn.Linear(c.hidden, c.n_visemes)
        nn.init.normal_(self.out.weight, std=.005)                            # coefficients are small: start near rest
        nn.init.zeros_(self.out.bias)

    def forward(self, windows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = self.embed(windows.flatten(2))                                    # (B, T, H)
        for block in self.blocks:
            x = block(x)
        x = self.norm(F.gelu(x))
        return self.out(x), self.viseme(x)


def finish(channels: np.ndarray) -> np.ndarray:
    """Raw articulators (T, 13) as coefficients (T, 52) in [0, 1], with half-closed lips shut fully.

    A network that minimises squared error answers a likely p, b, m with a half-closed mouth, which viewers notice. The
    lip press, which only closures have, measures the network's certainty of a closure.
    """
    channels = np.clip(channels, 0, 1)
    sure = np.clip((channels[:, visemes.PRESS] / visemes.SHAPES["PP"]["mouthPress"] - .40) / .35, 0, 1)
    sure = sure * sure * (3 - 2 * sure)
    left = visemes.opening(visemes.spread(channels))
    channels[:, visemes.CLOSE] = np.clip(channels[:, visemes.CLOSE] + sure * left, 0, 1)
    return visemes.spread(channels)


@torch.no_grad()
def predict(audio: np.ndarray | str | Path, *, model: MouthNet | None = None, chunk: int = CHUNK) -> np.ndarray:
    """Mouth coefficients of a voice: (T, 52) float32 in [0, 1], 25 a second, 0 for all but jaw and lips.

    audio: (N,) float32 at 16 kHz, or a file, or a log-mel (80, M) of tfg.media.audio. T = ceil(N / 640); a mel stands
    for 200 (M - 1) samples. The network sees `chunk` frames at a time, so beyond the mel (92 MB an hour) memory does
    not grow with the clip. Raises InputError for bad sound (tfg.media.audio.load_audio) and for missing or damaged
    weights.
    """
    if isinstance(audio, (str, Path)):
        audio = load_audio(audio)
        check_audible(audio)
    model = load() if model is None else model
    model.eval()
    mel = audio if np.ndim(audio) == 2 else mel_spectrogram(audio)            # (80, M)
    total, reach = n_frames(len(audio) if np.ndim(audio) == 1 else HOP_LENGTH * (mel.shape[1] - 1)), model.config.reach
    mean = speech_mean(mel)
    out = np.zeros((total, len(visemes.EXPRESSION)), np.float32)
    for start in range(0, total, chunk):
        cancel.point()
        lo, hi = max(start - reach, 0), min(start + chunk + reach, total)
        windows = torch.from_numpy(_windows(mel, mean, lo, hi, total, model.config.width))
        channels = model(windows[None])[0][0].numpy()                         # (hi - lo, 13)
        out[start:start + chunk] = finish(channels)[start - lo:start - lo + chunk]
    return out


def _windows(mel: np.ndarray, mean: np.ndarray, lo: int, hi: int, total: int, width: int) -> np.ndarray:
    """Normalised windows of frames [lo, hi) through tfg.media.audio's one map: (hi - lo, 80, width). 5 frames are
    exactly 16 columns, so cutting at a multiple of 5 frames shifts no column."""
    first = max(lo // 5 * 5 - 5, 0)
    last = min(hi + 5, total)
    part = mel[:, first // 5 * 16:last // 5 * 16 + 32] if last < total else mel[:, first // 5 * 16:]
    return np.ascontiguousarray(mel_windows(part - mean, last - first, width)[lo - first:hi - first], dtype=np.float32)


# ---- weights ------------------------------------------------------------------------------------------------------
def load(folder: str | Path | None = None) -> MouthNet:
    """The network with its trained weights (those that ship by default): `tfg.networks.checkpoint.load`."""
    return checkpoint.load("mouth", MouthNet, MouthConfig, folder)[0]
