"""ExpNet, from sound to a whole face: mel windows, the speaker's rest and a blink signal to 52 coefficients a frame.

SadTalker's ExpNet (Zhang et al. 2023, sec. 3.2) in our vocabulary, without emotion: each frame's window of 16 mel
columns goes through an audio encoder; its code, the speaker's neutral vector (the paper's beta_0) and the blink signal
meet in one linear layer, which gives the frame's coefficients. Profile `gpu` has the paper's encoder, that of
Wav2Lip, to 512 numbers.

Ours: in the profile `cpu` the encoder is a small one, and dilated convolutions over time follow it (those of
tfg/systems/graphics/network.py), as a window of 0.2 s is shorter than coarticulation; and the linear layer gives
the offset from the rest, so that an unseen rest is kept (`over_rest`). An output depends
on `reach` frames around it and on nothing else, so an hour of sound in chunks is exactly the whole.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from tfg import cancel
from tfg.acting.performance import JAW_SHARE
from tfg.errors import InputError
from tfg.media.audio import HOP_LENGTH, check_audible, load_audio, mel_spectrogram, mel_windows, n_frames
from tfg.networks.blocks import Conv, TemporalBlock, stage
from tfg.options import StrPath
from tfg.speech import visemes
from tfg.speech.features import speech_mean
from tfg.vocabulary import EXPRESSION, INDEX, index

N_MELS, WIDTH, CHUNK = 80, 16, 1000                  # mel bands and columns of a window; frames per chunk
HEARINGS = {"mel": (N_MELS, WIDTH), "speech": (768,)}
"""Ways to hear, with the shape of what is heard in a frame: a window of the mel spectrogram, or the frozen features of
`tfg.networks.hearing`."""
SHIPPED = {"mel": "expnet", "speech": "expnet_speech"}
"""Folder in data/ of the network that ships, by what it hears. A whole sound is heard by "speech"; "mel" needs a third
of a second of what comes and little time: it is that of streams and of the page without installation."""
N_OUT = len(EXPRESSION)
_PRESS, _JAW, _CLOSE = index("mouthPress"), INDEX["jawOpen"], INDEX["mouthClose"]


@dataclass(frozen=True)
class ExpNetConfig:
    """widths: channels of Wav2Lip's five scales, or () for the small encoder.  filters: number in the small encoder,
    each over 8 mel bands and all 16 columns.  hidden: length of a frame's code.  dilations: of the blocks over time, ()
    for none. over_rest: the linear layer gives offsets from the rest; False, as published: the coefficients
    themselves.  hearing: of HEARINGS; with "speech" a linear layer stands in the place of the encoder."""

    widths: tuple[int, ...] = (32, 64, 128, 256, 512)
    filters: int = 0
    hidden: int = 512
    dilations: tuple[int, ...] = ()
    kernel: int = 3
    dropout: float = 0.0
    over_rest: bool = False
    hearing: str = "mel"

    @property
    def reach(self) -> int:
        """Number of frames on either side that an output frame depends on, besides its own window."""
        return sum(self.dilations) * (self.kernel - 1)


PROFILES = {"ci": ExpNetConfig((), 8, 24, (1, 2), 3, 0.0, True),
            "cpu": ExpNetConfig((), 24, 96, (1, 2, 4, 8, 1), 3, .1, True),
            "gpu": ExpNetConfig()}


def profile(name: str, hearing: str = "mel") -> ExpNetConfig:
    """Sizes of the network of a profile that hears in this way.  Raises InputError: no such way, or profile."""
    if hearing not in HEARINGS or name not in PROFILES:
        raise InputError(f"there is no profile {name!r} that hears {hearing!r}; profiles are {', '.join(PROFILES)}, "
                         f"ways to hear {', '.join(HEARINGS)}.")
    if hearing == "mel":
        return PROFILES[name]
    small = PROFILES[name] if name == "ci" else PROFILES["cpu"]
    return replace(small, hearing=hearing, dropout=.2 if name != "ci" else 0.0, filters=0)


class ExpNet(nn.Module):
    """The network: windows (B, T, 80, 16), neutral (B, 52), blink (B, T) -> absolute coefficients (B, T, 52).

    windows: `frame_windows`, or features (B, T, 768) of `tfg.networks.hearing` where the config says so.  neutral: the
    speaker's rest, absolute.  blink: 0 open .. 1 shut.
    """

    def __init__(self, config: ExpNetConfig = ExpNetConfig()):
        super().__init__()
        self.config = c = config
        if c.hearing not in HEARINGS:
            raise ValueError(f"hearing must be one of {', '.join(HEARINGS)}, got {c.hearing!r}")
        self.encoder: nn.Module
        if c.hearing == "speech":
            self.encoder = nn.Sequential(nn.Dropout(c.dropout), nn.Linear(*HEARINGS["speech"], c.hidden))
        else:
            self.encoder = wav2lip_encoder(c.widths) if c.widths else SmallEncoder(c.filters, c.hidden)
        if c.widths and c.widths[-1] != c.hidden:
            raise ValueError(f"the encoder ends with {c.widths[-1]} channels, the code has {c.hidden}")
        self.blocks = nn.ModuleList(TemporalBlock(c.hidden, c.kernel, d, c.dropout) for d in c.dilations)
        self.norm = nn.LayerNorm(c.hidden) if c.dilations else nn.Identity()
        self.out = nn.Linear(c.hidden + N_OUT + 1, N_OUT)                     # the paper's 512 + 64 + 1 -> 64
        nn.init.normal_(self.out.weight, std=.005)                            # coefficients are small: start near rest
        nn.init.zeros_(self.out.bias)

    def codes(self, windows: torch.Tensor) -> torch.Tensor:
        """Code of the sound at each frame, (B, T, hidden)."""
        wanted = HEARINGS[self.config.hearing]
        if windows.ndim != 2 + len(wanted) or windows.shape[2:] != wanted:
            raise ValueError(f"windows are (B, T, {', '.join(map(str, wanted))}), got {tuple(windows.shape)}")
        if self.config.hearing == "speech":
            x = self.encoder(windows)
        else:
            x = self.encoder(windows.flatten(0, 1)[:, None]).flatten(1).unflatten(0, windows.shape[:2])
        for block in self.blocks:
            x = block(x)
        return self.norm(F.gelu(x)) if self.config.dilations else x

    def forward(self, windows: torch.Tensor, neutral: torch.Tensor, blink: torch.Tensor, codes: bool = False):
        """Absolute coefficients (B, T, 52).  codes: return the frames' codes (B, T, hidden), too."""
        x = self.codes(windows)
        rest = neutral[:, None].expand(-1, x.shape[1], -1)                    # (B, T, 52)
        out = self.out(torch.cat([x, rest, blink[..., None]], -1))
        out = rest + (1 - rest) * out if self.config.over_rest else out
        return (out, x) if codes else out


def wav2lip_encoder(widths: tuple[int, ...]) -> nn.Sequential:
    """The audio encoder of Prajwal et al. 2020 (Wav2Lip): (N, 1, 80, 16) -> (N, widths[-1], 1, 1)."""
    a, b, c, d, e = widths
    return nn.Sequential(stage(1, a, 1, 2), stage(a, b, (3, 1), 2), stage(b, c, 3, 2),       # 80x16, 27x16, 9x6
                         stage(c, d, (3, 2), 1), Conv(d, e, 3, 1, 0), Conv(e, e, 1, 1, 0))   # 3x3, 1x1


class SmallEncoder(nn.Module):
    """The small encoder, (N, 1, 80, 16) -> (N, hidden): one convolution whose filters span eight bands and all columns,
    at every fourth band (formants move with the speaker's size), and a linear layer. Written as a product of matrices,
    which is fast on a CPU."""

    def __init__(self, filters: int, hidden: int):
        super().__init__()
        self.filter = nn.Linear(8 * WIDTH, filters)
        self.out = nn.Linear(filters * ((N_MELS - 8) // 4 + 1), hidden)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        patches = x[:, 0].unfold(1, 8, 4).flatten(2)                          # (N, 19, 16 * 8)
        return self.out(F.gelu(self.filter(patches)).flatten(1))


def frame_windows(mel: np.ndarray, mean: np.ndarray, frames) -> np.ndarray:
    """The network's input: mel (80, M), mean (80, 1) of its speech (`tfg.speech.features.speech_mean`),
    frames: T or frame numbers -> (T, 80, 16) float32 around the middles of these frames, by tfg.media.audio's one map
    of time."""
    return mel_windows(np.asarray(mel, np.float32), frames, WIDTH) - mean


def finish(offsets: np.ndarray) -> np.ndarray:
    """Offsets from rest (T, 52) with half-closed lips shut fully.

    As `tfg.systems.graphics.network.finish`: squared error answers a likely p, b, m with a half-closed mouth, and the
    lip press, which only closures have, measures the certainty. The jaw helps to close, as in tfg.acting.performance.
    """
    out = np.array(offsets, np.float32)
    press = offsets[:, _PRESS].mean(1) / visemes.SHAPES["PP"]["mouthPress"]
    sure = np.clip((press - .40) / .35, 0, 1)
    missing = sure * sure * (3 - 2 * sure) * visemes.opening(np.clip(offsets, 0, 1))
    lifted = JAW_SHARE * np.minimum(np.maximum(out[:, _JAW], 0), missing)
    out[:, _JAW] -= lifted
    out[:, _CLOSE] = np.maximum(out[:, _CLOSE], 0) + missing - lifted
    return out


@torch.no_grad()
def predict(audio: np.ndarray | str | Path, *, neutral: np.ndarray | None = None, blink: np.ndarray | None = None,
            folder: str | Path | None = None, chunk: int = CHUNK) -> np.ndarray:
    """Expression for a voice, without emotion: (T, 52) float32 offsets from the speaker's rest, 25 a second.

    audio: (N,) float32 at 16 kHz, or a file, or a log-mel (80, M) of tfg.media.audio. T = ceil(N / 640); a mel stands
    for 200 (M - 1) samples.  neutral: (52,) in [0, 1), the speaker's rest; None: all zero.  blink: (T,) in [0, 1],
    1 is shut; None: eyes open.  folder: written by `tfg train expnet`; None: the weights that ship (for a
    mel: those that hear mels).
    Offsets: absolute = neutral + (1 - neutral) * offset; not clipped, they may leave [0, 1] a little. Gaze cannot be
    heard: its eight coefficients stay near their mean.
    Memory beyond what is heard (an hour: mel 92 MB, speech features 280 MB) and the result does not grow with it.
    Raises InputError: bad sound (tfg.media.audio.load_audio), a neutral or blink of another shape or range, no such
    weights.
    """
    if isinstance(audio, (str, Path)):
        audio = load_audio(audio)
        check_audible(audio)
    network, _ = load_expnet(folder, "mel" if np.ndim(audio) == 2 else "speech")
    heard, total = _heard(audio, network.config.hearing)
    rest, lids = _check(neutral, (N_OUT,), "neutral", .999), _check(blink, (total,), "blink", 1.0)
    reach, out = network.config.reach, np.empty((total, N_OUT), np.float32)
    for start in range(0, total, chunk):
        cancel.point()
        lo, hi = max(start - reach, 0), min(start + chunk + reach, total)
        windows = torch.from_numpy(heard(lo, hi))
        face = network(windows[None], torch.from_numpy(rest)[None], torch.from_numpy(lids[lo:hi])[None])[0].numpy()
        stop = min(start + chunk, total)
        out[start:stop] = finish((face[start - lo:stop - lo] - rest) / (1 - rest))
    return out


def _heard(audio: np.ndarray, hearing: str) -> tuple[Callable[[int, int], np.ndarray], int]:
    """A function that gives the network's input for the frames [lo, hi), and the number of all frames."""
    if hearing == "speech":
        if np.ndim(audio) != 1:
            raise InputError("this ExpNet hears speech features, which a mel spectrogram does not give; pass the "
                             "sound.")
        from tfg.networks.hearing import features

        found = features(audio)
        return (lambda lo, hi: found[lo:hi]), len(found)
    mel = audio if np.ndim(audio) == 2 else mel_spectrogram(audio)            # (80, M)
    mean = speech_mean(mel)
    return (lambda lo, hi: frame_windows(mel, mean, np.arange(lo, hi))), \
        n_frames(len(audio) if np.ndim(audio) == 1 else HOP_LENGTH * (mel.shape[1] - 1))


def load_expnet(folder: StrPath | None = None, hearing: str = "mel") -> tuple[ExpNet, dict]:
    """The trained network in eval mode and its card. folder: None for the one that ships and hears in this way; others
    hear as they were trained.  Raises InputError."""
    from tfg import paths
    from tfg.networks.checkpoint import load

    return load("expnet", ExpNet, ExpNetConfig, paths.data(SHIPPED[hearing]) if folder is None else folder)


def _check(values, shape: tuple[int, ...], name: str, most: float) -> np.ndarray:
    """The values as float32 of `shape`, checked to be in [0, most]; None gives zeros.  Raises InputError."""
    if values is None:
        return np.zeros(shape, np.float32)
    values = np.asarray(values, np.float32)
    if values.shape != shape:
        raise InputError(f"{name} has the shape {values.shape}; give {shape}, one number for each "
                         f"{'coefficient' if name == 'neutral' else 'frame of the sound'}.")
    if not (np.isfinite(values).all() and values.min(initial=0) >= 0 and values.max(initial=0) <= most):
        raise InputError(f"{name} holds values outside 0..{most:g}, or some that are no numbers; clip it first.")
    return values
