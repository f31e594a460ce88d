"""AUnet, from sound to 17 Action Units a frame: what the words do, what the voice's emotion adds, and which emotion.

As published (IETaFS; after Pham, Wang & Pavlovic 2018) a frame is heard through the 32 mel columns around its middle,
0.4 s in 128 bands: five convolutions with stride over frequency, three with stride over time, each with batch norm and
LeakyReLU, then two linear layers, tanh between and a sigmoid at the end. Inside the network a unit is a fifth of its
intensity. Profile `gpu` has these sizes (widths were not published; ours end in its 8192 numbers).

Ours: in the profile `cpu` dilated convolutions over the frames' codes (`context`), about 2 s on either side, for
coarticulation. And the feeling is apart from the words, as a caller may replace it by another: it is heard in
statistics of the voice over `pool` frames on either side (`Manner`), because 0.4 s tell a sound and no emotion, and an
emotion does not flicker.

An output depends on `reach` and `pool` frames around it and on the mean of each band, so an hour of sound in chunks is
the same as in one piece. Published code left batch statistics and dropout on
when animating; here `hear` sets eval mode.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from tfg import cancel
from tfg.faces.aus import AUS, MOST
from tfg.media.audio import MEL_FLOOR, mel_spectrogram, mel_start, n_frames
from tfg.networks import checkpoint
from tfg.networks.blocks import TemporalBlock
from tfg.options import StrPath
from tfg.speech.features import speech_mean
from tfg.vocabulary import EMOTIONS

N_MELS, WIDTH = 128, 32                              # mel bands and columns of a frame's window
STEP, STEP_COLUMNS = 5, 16                           # 5 frames are exactly 16 columns
CHUNK = 1000                                         # frames per chunk of a long sound
RESOLVE = 3.0
"""Power by which the probabilities of emotions are sharpened before a face shows them: .4 and .3 become .7 and .3."""


class Heard(NamedTuple):
    """What AUnet hears. speech: (T, 17) float32 in 0..5, units that the words move.  feeling: (T, 17) float32 in
    -5..5, what the voice's emotion adds to them.  emotion: (6,) probabilities of the whole sound, EMOTIONS' order."""

    speech: np.ndarray
    feeling: np.ndarray
    emotion: np.ndarray


@dataclass(frozen=True)
class AUNetConfig:
    """over_frequency: channels of the convolutions with stride 2 over frequency.  over_time: of those over time.
    hidden: length of a frame's code.  context: dilations of the blocks over frames, () for none.  pool: frames on
    either side over which the feeling is averaged, 0 for none.  mood: length of the feeling's code."""

    over_frequency: tuple[int, ...] = (32, 64, 128, 256, 512)
    over_time: tuple[int, ...] = (512, 512, 512)
    hidden: int = 1024
    dropout: float = .2
    context: tuple[int, ...] = ()
    kernel: int = 3
    block_dropout: float = .1
    pool: int = 50
    mood: int = 128
    mood_dropout: float = .5

    @property
    def reach(self) -> int:
        """Number of frames on either side that a frame's code depends on, besides its own window."""
        return sum(self.context) * (self.kernel - 1)


PROFILES = {"ci": AUNetConfig((4, 4, 4, 6, 6), (6, 6, 6), 16, context=(1, 2), pool=10, mood=8),
            "cpu": AUNetConfig((8, 16, 32, 32, 32), (48, 48, 48), 128, context=(1, 2, 4, 8, 10), pool=75),
            "gpu": AUNetConfig()}


class AUNet(nn.Module):
    """The network: columns (B, 128, M), mask (B, T) -> speech, feeling (B, T, 17), emotion logits (B, 6).
    speech in 0..1, feeling in -1..1.

    columns: `columns_of`.  mask: 1 within the clip.
    """

    def __init__(self, config: AUNetConfig = AUNetConfig()):
        super().__init__()
        self.config = c = config
        bands, columns = N_MELS >> len(c.over_frequency), WIDTH >> len(c.over_time)
        if min(bands, columns) < 1:
            raise ValueError(f"{len(c.over_frequency)} and {len(c.over_time)} strides leave nothing of {N_MELS} x "
                             f"{WIDTH}")
        widths = (1, *c.over_frequency, *c.over_time)
        pairs, cut = list(zip(widths, widths[1:])), len(c.over_frequency)
        self.over_frequency = nn.Sequential(*(_over_frequency(a, b) for a, b in pairs[:cut]))
        self.over_time = nn.ModuleList(OverTime(a, b) for a, b in pairs[cut:])
        self.code = nn.Linear(widths[-1] * bands * columns, c.hidden)         # published: 8192 to 1024
        self.drop = nn.Dropout(c.dropout)
        self.blocks = nn.ModuleList(TemporalBlock(c.hidden, c.kernel, d, c.block_dropout) for d in c.context)
        self.norm = nn.LayerNorm(c.hidden) if c.context else nn.Identity()
        self.speech = nn.Linear(c.hidden, len(AUS))
        nn.init.normal_(self.speech.weight, std=.01)                          # start near a face at rest
        nn.init.constant_(self.speech.bias, -3.0)
        self.manner = Manner(c.pool, c.mood, c.mood_dropout)

    def window_codes(self, windows: torch.Tensor) -> torch.Tensor:
        """Codes of single windows (N, 1, 128, 32), as published: (N, hidden), before the blocks."""
        x = self.over_frequency(windows)                                      # (N, C, 4, 32)
        for layer in self.over_time:
            x = layer(x)                                                      # 32, 16, 8, 4 columns
        return torch.tanh(self.code(x.flatten(1)))

    def codes(self, columns: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Code of the sound at each frame, (B, T, hidden).

        Windows of neighbouring frames share nine tenths of their columns. So the convolutions run once over all
        columns, those with stride over time as dilated ones, and each frame takes from the last what its window would
        have given: the same numbers as `window_codes` (tested), at a fifth of the work.
        """
        if columns.ndim != 3 or columns.shape[1] != N_MELS or columns.shape[2] < n_columns(mask.shape[1]):
            raise ValueError(f"columns are (B, {N_MELS}, {n_columns(mask.shape[1])} or more) for {mask.shape[1]} "
                             f"frames, got {tuple(columns.shape)}")
        x = self.over_frequency(columns[:, None])                             # (B, C, 4, M)
        step = 1
        for layer in self.over_time:
            x, step = layer(x, step), 2 * step                                # (B, C, 4, M - step + 1)
        at = starts(mask.shape[1])[:, None] + step * torch.arange(WIDTH // step)
        x = x[..., at.to(x.device)].permute(0, 3, 1, 2, 4).flatten(2)         # (B, T, C * 4 * 4)
        x = self.drop(torch.tanh(self.code(x)))
        for block in self.blocks:
            x = block(x * mask[..., None])
        return self.norm(x)

    def forward(self, columns: torch.Tensor, mask: torch.Tensor, part: str = "", felt: torch.Tensor | None = None):
        """See the class.  part: "words" gives (speech,) alone, "feeling" the other two.  felt: see `Manner`."""
        words = () if part == "feeling" else (self.words(columns, mask),)
        return words if part == "words" else (*words, *self.manner(columns, mask, felt))

    def words(self, columns: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The first of `forward`'s results alone."""
        return torch.sigmoid(self.speech(self.codes(columns, mask)))


def _over_frequency(c_in: int, c_out: int) -> nn.Sequential:
    """Convolution that halves the bands of (N, c_in, bands, columns), norm, LeakyReLU."""
    return nn.Sequential(nn.Conv2d(c_in, c_out, (3, 1), (2, 1), (1, 0), bias=False), nn.BatchNorm2d(c_out),
                         nn.LeakyReLU(.2))


class OverTime(nn.Module):
    """Convolution that halves the columns of windows (N, c_in, bands, columns), norm, LeakyReLU.

    every: None is a stride of 2, for windows. A number is for a whole spectrogram, where this layer's inputs lie so
    many columns apart: the same convolution at every column, dilated.
    """

    def __init__(self, c_in: int, c_out: int):
        super().__init__()
        self.conv = nn.Conv2d(c_in, c_out, (3, 2), bias=False)
        self.norm = nn.BatchNorm2d(c_out)

    def forward(self, x: torch.Tensor, every: int | None = None) -> torch.Tensor:
        stride, dilation = ((1, 2), 1) if every is None else (1, (1, every))
        x = F.conv2d(x, self.conv.weight, None, stride, (1, 0), dilation)
        return F.leaky_relu(self.norm(x), .2)


class Manner(nn.Module):
    """How a voice speaks, and so what it feels: columns (B, 128, M), mask (B, T) -> feeling (B, T, 17) in -1..1,
    emotion logits (B, 6).

    Heard are, of each band, how much it changes from column to column, how far it stands out from its neighbour
    (harmonics, breath), and its deviation over time, as means over the frames with speech; and the share of these
    (statistics pooling, Snyder et al. 2018). The voice's mean spectrum is not: it tells the speaker, and misled the
    network on unseen ones.

    The feeling depends on the emotion, too, `felt` (B, 6): in training the true one, zeros where nobody knows it;
    else the one that is heard, `decided`. Without it a network that is not sure gives the mean of what all emotions
    add, which is a face with none.
    """

    def __init__(self, pool: int, width: int, dropout: float):
        super().__init__()
        self.pool = pool
        self.norm = nn.BatchNorm1d(3 * N_MELS)
        self.drop = nn.Dropout(dropout)
        self.mood = nn.Linear(3 * N_MELS, width)
        self.feeling = nn.Linear(width + len(EMOTIONS), len(AUS))
        self.emotion = nn.Linear(width, len(EMOTIONS))
        nn.init.normal_(self.feeling.weight, std=.01)
        nn.init.zeros_(self.feeling.bias)

    def frames(self, columns: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """What is averaged, already times the frame's weight: (B, T, 4 * 128 + 1), the last of them 1."""
        at = starts(mask.shape[1])[:, None] + torch.arange(WIDTH // 2 - 2, WIDTH // 2 + 3)
        x = columns[..., at.to(columns.device)].transpose(1, 2)               # (B, T, 128, 5) around the middle
        level, change = x[..., 1:].mean(-1), x.diff(dim=-1).abs().mean(-1)
        edges = F.pad(level.diff(dim=-1).abs(), (0, 1))
        weight = (torch.sigmoid(6 * (level.mean(-1, keepdim=True) + 1.2)) + 1e-3) * mask[..., None]   # 1 in speech
        return torch.cat([change, edges, level, level ** 2, torch.ones_like(weight)], -1) * weight

    def statistics(self, sums: torch.Tensor) -> torch.Tensor:
        """Statistics (B, T, 3 * 128) of sums of `frames`."""
        change, edges, level, square = (sums[..., :-1] / sums[..., -1:].clamp(min=1e-6)).chunk(4, -1)
        deviation = ((square - level ** 2).clamp(min=0) + 1e-3).sqrt()
        return torch.cat([change, edges, deviation], -1)

    def moods(self, statistics: torch.Tensor) -> torch.Tensor:
        """Code of the feeling, (B, T, width)."""
        x = self.norm(statistics.transpose(1, 2)).transpose(1, 2)
        return F.gelu(self.mood(self.drop(x)))

    def feelings(self, frames: torch.Tensor, felt: torch.Tensor) -> torch.Tensor:
        """What the emotion adds, (B, T, 17) in -1..1, of `frames` around each.  felt: (B, 6)."""
        return self.added(self.moods(self.statistics(smooth(frames, self.pool))), felt)

    def added(self, mood: torch.Tensor, felt: torch.Tensor) -> torch.Tensor:
        """What an emotion adds, (B, T, 17) in -1..1.  mood: (B, T, width).  felt: (B, 6)."""
        return torch.tanh(self.feeling(torch.cat([mood, felt[:, None].expand(-1, mood.shape[1], -1)], -1)))

    def emotions(self, total: torch.Tensor) -> torch.Tensor:
        """Logits of the emotion, (B, 6), of a clip's sum of `frames`, (B, 513)."""
        return self.emotion(self.moods(self.statistics(total[:, None])))[:, 0]

    def forward(self, columns: torch.Tensor, mask: torch.Tensor, felt: torch.Tensor | None = None):
        x = self.frames(columns, mask)
        near, whole = self.statistics(smooth(x, self.pool)), self.statistics(x.sum(1, keepdim=True))
        mood = self.moods(torch.cat([near, whole], 1))                        # one batch norm sees both
        logits = self.emotion(mood[:, -1])
        return self.added(mood[:, :-1], decided(logits) if felt is None else felt), logits


def decided(logits: torch.Tensor) -> torch.Tensor:
    """The emotion that is acted on, (B, 6) with sum 1: the heard probabilities, sharpened by a power of `RESOLVE`."""
    return torch.softmax(RESOLVE * logits, -1)


def smooth(x: torch.Tensor, pool: int) -> torch.Tensor:
    """Sum of x (B, T, C) over `pool` frames on either side, with Hann's weights; beyond the ends is 0."""
    if not pool:
        return x
    frames = torch.arange(x.shape[1], dtype=x.dtype, device=x.device)
    apart = (frames[:, None] - frames).abs() / (pool + 1)                     # (T, T)
    return torch.where(apart < 1, .5 + .5 * torch.cos(torch.pi * apart), 0.0).to(x.dtype) @ x


# ---- sound in -------------------------------------------------------------------------------------------------------
def starts(frames: int) -> torch.Tensor:
    """First column of each frame's window, (T,), counted from that of the first frame, whose number is a multiple of
    `STEP`: tfg.media.audio's one map of time."""
    return torch.from_numpy(mel_start(np.arange(frames), WIDTH) - mel_start(0, WIDTH))


def n_columns(frames: int) -> int:
    """Number of mel columns that so many frames see."""
    return int(mel_start(frames - 1, WIDTH) - mel_start(0, WIDTH)) + WIDTH


def columns_of(mel: np.ndarray, mean: np.ndarray, first: int, frames: int) -> np.ndarray:
    """The columns that frames `first` .. `first + frames - 1` see: (128, n_columns(frames)) float32, without `mean`.

    mel: (128, M); beyond its ends there is silence.  mean: (128, 1), `tfg.speech.features.speech_mean`.  first: a
    multiple of `STEP`.
    """
    if first % STEP:
        raise ValueError(f"the first frame is {first}, but it must be a multiple of {STEP}")
    start = int(mel_start(first, WIDTH))
    out = np.full((len(mel), n_columns(frames)), MEL_FLOOR, np.float32)
    a, b = max(start, 0), min(start + out.shape[1], mel.shape[1])
    out[:, a - start:max(b, a) - start] = mel[:, a:max(b, a)]
    return out - mean


@torch.no_grad()
def hear(audio: np.ndarray, *, model: AUNet | None = None, chunk: int = CHUNK) -> Heard:
    """Action Units of a voice, 25 frames/s, and its emotion.

    audio: (N,) float32 at 16 kHz; T = tfg.media.audio.n_frames(N).  model: None is the one that ships.  chunk: frames
    that the network sees at a time.  AU 45 of `speech` stays near 0, as blinks cannot be heard.
    Memory grows with the clip by its mel and the voice's statistics: 46 and 185 MB for 15 minutes and an hour.
    """
    model = load() if model is None else model
    model.eval()
    config, total = model.config, n_frames(len(audio))
    mel = mel_spectrogram(audio, N_MELS)
    mean = speech_mean(mel)
    manner, speech = model.manner, np.empty((total, len(AUS)), np.float32)
    frames = torch.empty((1, total, 4 * N_MELS + 1))
    for start in range(0, total, chunk):
        cancel.point()
        lo, hi = max(start - config.reach, 0) // STEP * STEP, min(start + chunk + config.reach, total)
        columns, mask = torch.from_numpy(columns_of(mel, mean, lo, hi - lo))[None], torch.ones(1, hi - lo)
        part = slice(start - lo, start - lo + chunk)
        speech[start:start + chunk] = model.words(columns, mask)[0, part].numpy()
        frames[:, start:start + chunk] = manner.frames(columns, mask)[:, part]
    logits = manner.emotions(frames.sum(1, dtype=torch.float64).float())
    feeling, felt = np.empty_like(speech), decided(logits)
    for start in range(0, total, chunk):
        cancel.point()
        lo, hi = max(start - config.pool, 0), min(start + chunk + config.pool, total)
        feeling[start:start + chunk] = manner.feelings(frames[:, lo:hi], felt)[0, start - lo:start - lo + chunk].numpy()
    return Heard(MOST * speech, MOST * feeling, torch.softmax(logits[0], -1).numpy())


def load(folder: StrPath | None = None) -> AUNet:
    """The trained network in eval mode. folder: None for the one that ships.  Raises InputError: no such weights."""
    return checkpoint.load("aunet", AUNet, AUNetConfig, folder)[0]
