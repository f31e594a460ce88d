"""Speech features from a network that has heard people: the first layers of Whisper's encoder (Radford et al. 2022).

    features(sound)  ->  (T, 768), 25 a second

Whisper tiny.en learned to write down 438,000 hours of English speech. What its middle layers keep of a sound is what
tells words apart, and little of voice, room and microphone, so that networks on top of it need less speech of their
own. The weights are frozen, ship in data/whisper (int8, see its card), and are never trained here.

Attention looks at a whole piece of sound at once. So that an hour of sound costs little memory, and nothing depends on
what comes much later, a sound is encoded in pieces of 8 s with 2 s around them. Only its loudest moment counts
everywhere: it sets the level.
"""
from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from tfg import cancel
from tfg.media.audio import SAMPLES_PER_FRAME, SR, mel_filters, n_frames

N_FFT, HOP, N_MELS = 400, 160, 80                    # Whisper's own spectrogram: 100 columns a second
PIECE, AROUND = 200, 50                              # frames of a piece, and of its surroundings on either side
PER_FRAME = 2                                        # outputs of the encoder in a frame of 40 ms
QUIETEST = -2.0                                      # a sound with less power anywhere is silence, and stays it


@dataclass(frozen=True)
class HearingConfig:
    """layers: how many of the encoder's layers.  width, heads, inner: their sizes; those of tiny.en."""

    layers: int = 2
    width: int = 384
    heads: int = 6
    inner: int = 1536


class Linear8(nn.Module):
    """A linear layer whose weights are kept as int8 with a scale for each row: (..., inputs) -> (..., outputs)."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.register_buffer("weight", torch.zeros(outputs, inputs, dtype=torch.int8))
        self.register_buffer("scale", torch.zeros(outputs))
        self.register_buffer("bias", torch.zeros(outputs))

    def full(self) -> torch.Tensor:
        """The weights as float: (outputs, inputs)."""
        return self.weight * self.scale[:, None]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.linear(x, self.full(), self.bias)

    @torch.no_grad()
    def keep(self, weight: torch.Tensor, bias: torch.Tensor) -> None:
        """Take these weights (outputs, inputs), rounded to 255 steps a row."""
        self.scale.copy_(weight.abs().amax(1) / 127)
        self.weight.copy_((weight / self.scale[:, None]).round().to(torch.int8))
        self.bias.copy_(bias)


class Layer(nn.Module):
    """A layer of the encoder: attention over time, then two linear layers, each added to its input. (B, N, width)."""

    def __init__(self, c: HearingConfig):
        super().__init__()
        self.heads = c.heads
        self.norm, self.inner_norm = nn.LayerNorm(c.width), nn.LayerNorm(c.width)
        self.qkv, self.mix = Linear8(c.width, 3 * c.width), Linear8(c.width, c.width)
        self.up, self.down = Linear8(c.width, c.inner), Linear8(c.inner, c.width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = (t.unflatten(-1, (self.heads, -1)).transpose(1, 2)                # (B, heads, N, width / heads)
                   for t in self.qkv(self.norm(x)).chunk(3, -1))
        x = x + self.mix(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))
        return x + self.down(F.gelu(self.up(self.inner_norm(x))))


class Hearing(nn.Module):
    """The network: Whisper's log-mel (B, 80, 2 N) -> (B, N, width), 50 a second."""

    def __init__(self, config: HearingConfig = HearingConfig()):
        super().__init__()
        self.config = c = config
        self.first, self.second = Linear8(3 * N_MELS, c.width), Linear8(3 * c.width, c.width)
        self.layers = nn.ModuleList(Layer(c) for _ in range(c.layers))

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        return self.encode(mel, positions(mel.shape[-1] // 2, self.config.width))

    def encode(self, mel: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
        """As `forward`, with the sines of the N places, (N, width): `positions`, or what an export computes."""
        x = F.gelu(_convolved(mel, self.first, 1))
        x = F.gelu(_convolved(x, self.second, 2)).transpose(1, 2)                   # (B, N, width)
        x = x + places.to(x)
        for layer in self.layers:
            x = layer(x)
        return F.layer_norm(x, x.shape[-1:])                  # a few channels are 100 times louder than the others


def _convolved(x: torch.Tensor, layer: Linear8, stride: int) -> torch.Tensor:
    """Convolution over three columns with a layer whose inputs are channels x 3: (B, C, N) -> (B, width, N /
    stride)."""
    return F.conv1d(x, layer.full().unflatten(1, (-1, 3)), layer.bias, stride=stride, padding=1)


@lru_cache(maxsize=4)
def positions(n: int, width: int) -> torch.Tensor:
    """Sines of the place in the sound: (n, width).  Vaswani et al. 2017, sec. 3.5, as Whisper lays them out."""
    return sines(torch.arange(n), width)


def sines(places: torch.Tensor, width: int) -> torch.Tensor:
    """The sines of these places (n,): (n, width)."""
    rate = torch.exp(-np.log(10_000) / (width // 2 - 1) * torch.arange(width // 2))
    at = places[:, None] * rate
    return torch.cat([at.sin(), at.cos()], 1)


def heard_mel(mel, top):
    """The spectrogram as the network takes it: the loudest moment at 1.3, where a usual recording has it, and what is
    80 dB softer at the floor.  mel: log10 power, an array or a tensor.  top: its most, not under QUIETEST."""
    return (mel.clip(min=top - 8) - top + 5.2) / 4


def log_mel(y: np.ndarray) -> np.ndarray:
    """Whisper's spectrogram, log10 of the mel power: (N,) at 16 kHz -> (80, N / 160) float32. Column j is centred on
    sample 160 j."""
    padded = np.pad(np.asarray(y, np.float32), N_FFT // 2)
    columns, window = len(y) // HOP, np.hanning(N_FFT + 1)[:-1].astype(np.float32)
    filters = mel_filters(SR, N_FFT, N_MELS, 0.0, SR / 2)
    out = np.empty((N_MELS, columns), np.float32)
    for a in range(0, columns, 4096):
        b = min(a + 4096, columns)
        frames = np.lib.stride_tricks.sliding_window_view(padded[a * HOP:(b - 1) * HOP + N_FFT], N_FFT)[::HOP]
        power = np.abs(np.fft.rfft(frames * window)) ** 2                           # (b - a, 201)
        out[:, a:b] = np.log10(np.maximum(filters @ power.T, 1e-10))
    return out


@torch.no_grad()
def features(audio: np.ndarray, folder=None) -> np.ndarray:
    """What the network hears in each frame of 40 ms: (T, 768) float32, T = ceil(N / 640).

    audio: (N,) float32 at 16 kHz.  folder: with other weights than those that ship (`tools/whisper.py`). The two
    outputs of a frame stand side by side; each has mean 0 and variance 1 over its 384 numbers.
    Raises InputError: the weights are missing or damaged.
    """
    network, total = load(folder)[0], n_frames(len(audio))
    wide = PER_FRAME * network.config.width
    if not total:
        return np.empty((0, wide), np.float32)
    mel = log_mel(np.pad(audio, (0, total * SAMPLES_PER_FRAME - len(audio))))       # (80, 4 T)
    mel = heard_mel(mel, max(float(mel.max()), QUIETEST))
    out, columns = np.empty((total, wide), np.float32), SAMPLES_PER_FRAME // HOP
    for start in range(0, total, PIECE):
        cancel.point()
        a, b = max(start - AROUND, 0), min(start + PIECE + AROUND, total)
        heard = network(torch.from_numpy(mel[None, :, a * columns:b * columns]))[0].numpy().reshape(b - a, wide)
        stop = min(start + PIECE, total)
        out[start:stop] = heard[start - a:stop - a]
    return out


def windows(heard: np.ndarray, frames, width: int) -> np.ndarray:
    """What is heard around the middles of n frames: (n, width, 768) float32, `width` (odd) frames side by side.

    heard: (T, 768) of `features`.  frames: numbers of the frames (n,), whole or not: between two frames stands what
    lies between them, as a film has its own times. Before the first and after the last frame stand these.
    """
    at = np.asarray(frames, float)[:, None] + np.arange(width) - width // 2
    at = np.clip(at, 0, len(heard) - 1)
    before = np.floor(at).astype(int)
    share = (at - before)[..., None].astype(np.float32)
    first, second = (heard[k].astype(np.float32) for k in (before, np.minimum(before + 1, len(heard) - 1)))
    return first + share * (second - first)


def load(folder=None) -> tuple[Hearing, dict]:
    """The network in eval mode and its card. folder: None for the one that ships.  Raises InputError."""
    from tfg.networks.checkpoint import load as loaded

    return loaded("whisper", Hearing, HearingConfig, folder, again="run tools/whisper.py, or take data/whisper anew")
