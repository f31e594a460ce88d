"""EmoGen's generator: a masked face, a reference of another emotion, a sound and an emotion make a new face.

Goyal et al. 2023 (EmoGen) on Wav2Lip's U-Net (Prajwal et al. 2020, sec. 3.2). Encoders for the pictures (masked target
and reference, six channels), the mel window and the emotion; sound and emotion meet the picture's code at the
bottleneck; a decoder with skip connections draws the face. The whole face of the target is masked, not only its lower
half, for an emotion shows in brows and lids, too. Frames of a window are examples of their own here; what ties them is
the losses.

What is hidden is a soft oval at a fixed place of the crop. The crop follows the skull and never the jaw, so the oval
tells nothing about the mouth, while hair, ears and neck around it tell how the head is turned: the drawn face fits
where it is pasted back (`compose`). As published, with mask="crop", everything is hidden, and pose has to be guessed.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from tfg.compose.answer import Answer
from tfg.corpora.prepared import check_margin
from tfg.errors import InputError
from tfg.experts.syncnet.network import MEL_WIDTH
from tfg.faces.face_region import MARGIN, face_region
from tfg.media.audio import N_MELS, mel_spectrogram, mel_windows
from tfg.networks import hearing as ears
from tfg.networks.blocks import Conv, Up, fold_time, stage, unfold_time
from tfg.networks.warp import applied
from tfg.vocabulary import EMOTIONS

MASKS = ("face", "crop")
HEARINGS = ("mel", "speech")
"""What the network hears of a frame: a window of the mel spectrogram, or the frozen features of `tfg.networks.hearing`
of HEARD frames around it."""
HEARD, FEATURES, EAR = 9, 768, 64
FLOW = .1
"""How far a unit of the last layer reaches, in half sides of the crop: at first a pixel is copied from nearby."""


@dataclass(frozen=True)
class EmogenConfig:
    """widths: channels of the picture's scales, from full size down to 3 x 3, then the code's.  repeat: residual blocks
    at each scale.  size: side of the face, 3 * 2^k px, one doubling for each scale.  mask: "face" or "crop".
    hearing: of HEARINGS."""

    widths: tuple[int, ...] = (16, 32, 64, 128, 256, 512, 512)
    up: tuple[int, ...] = (512, 512, 384, 256, 128, 64)
    repeat: int = 2
    sound: tuple[int, ...] = (32, 64, 128, 256, 512)
    emotion: int = 512
    size: int = 96
    mask: str = "face"
    copy: bool = False
    hearing: str = "mel"


PROFILES = {"ci": EmogenConfig((4, 4, 8, 8, 8, 8), (8, 8, 8, 8, 4), 0, (4, 8, 8, 8, 16), 16, 48),
            "cpu": EmogenConfig((8, 16, 32, 64, 96, 128, 160), (160, 128, 96, 64, 32, 16), 1, (16, 24, 48, 64, 128),
                                64, copy=True),
            "gpu": EmogenConfig()}


def check_crops(store) -> None:
    """Raises InputError if a store's crops were prepared with other margins than the generator's: it would be asked for
    faces of another size in the crop than it learned. Stores that do not say are taken."""
    check_margin(store, MARGIN, "emogen's")


class Emogen(nn.Module):
    """mel, emotion, masked target, reference -> faces; shapes at `forward`."""

    def __init__(self, config: EmogenConfig = EmogenConfig()):
        super().__init__()
        scales = len(config.widths) - 1                                   # full size ... 3 x 3
        if config.size != 3 * 2 ** (scales - 1) or len(config.up) != scales:
            raise ValueError(f"{scales} scales need size {3 * 2 ** (scales - 1)} and as many widths up, got size "
                             f"{config.size} and {len(config.up)}")
        if config.mask not in MASKS:
            raise ValueError(f"mask must be one of {', '.join(MASKS)}, got {config.mask!r}")
        if config.hearing not in HEARINGS:
            raise ValueError(f"hearing must be one of {', '.join(HEARINGS)}, got {config.hearing!r}")
        self.config = config
        w, n = config.widths, config.repeat
        self.face = nn.ModuleList([Conv(6, w[0], 7, 1, 3)])               # S
        self.face += [stage(a, b, 2, n) for a, b in zip(w[:-2], w[1:-1])]         # S / 2 ... 3
        self.face.append(nn.Sequential(Conv(w[-2], w[-1], 3, 1, 0), Conv(w[-1], w[-1], 1, 1, 0)))     # 1
        a, b, c, d, e = config.sound
        self.sound: nn.Module = SpeechEar(EarConfig(e)) if config.hearing == "speech" else nn.Sequential(     # 80 x 16
            stage(1, a, 1, n), stage(a, b, (3, 1), n), stage(b, c, 3, n), stage(c, d, (3, 2), n),     # ... 3 x 3
            Conv(d, e, 3, 1, 0), Conv(e, e, 1, 1, 0))                     # 1
        self.emotion = nn.Sequential(nn.Linear(len(EMOTIONS), config.emotion), nn.LeakyReLU(.2),
                                     nn.Linear(config.emotion, config.emotion), nn.LeakyReLU(.2))
        layers, c_in = [], e + config.emotion + w[-1]
        for k, width in enumerate(config.up):
            layers.append(nn.Sequential(Up(c_in, width, first=k == 0),
                                        *(Conv(width, width, residual=True) for _ in range(n))))
            c_in = width + w[-2 - k]                                      # with the skip of that scale
        self.draw = nn.ModuleList(layers)
        self.last = nn.Sequential(Conv(c_in, max(config.up[-1] // 2, 8)),
                                  nn.Conv2d(max(config.up[-1] // 2, 8), 6 if config.copy else 3, 1))

    def forward(self, mel: torch.Tensor, emotion: torch.Tensor, masked: torch.Tensor, reference: torch.Tensor,
                apart: bool = False):
        """mel (B, T, 80, 16), one window for each frame, or (B, T, HEARD, 768) of features (`heard_by`); emotion (B, 6)
        as `feeling` gives it; masked, what `hide` leaves of the target, and reference (B, T, 3, S, S) in [0, 1].
        Returns whole crops (B, T, 3, S, S) in [0, 1], of which `compose` takes the face; with apart, these and the
        parts that they are put together from.

        As published, every pixel is drawn. With `config.copy`, the network says for each pixel from where the reference
        may be copied, and how far to trust that (Siarohin et al. 2019): out = a warp(reference) + (1 - a) drawn. Skin,
        brows and beard move along and stay sharp after minutes of training; what the reference does not show, an open
        mouth, is drawn.
        """
        answer = self.parts(mel, emotion, masked, reference)
        faces = applied(answer, fold_time(reference)) if self.config.copy else answer.colour
        faces = unfold_time(faces, mel.shape[1])
        return (faces, answer) if apart else faces

    def parts(self, mel: torch.Tensor, emotion: torch.Tensor, masked: torch.Tensor, reference: torch.Tensor) -> Answer:
        """What `forward` puts together, apart: colour (B * T, 3, S, S), flow into the reference (B * T, 2, S, S), trust
        (B * T, 1, S, S). Without `config.copy` flow and trust are 0."""
        frames = mel.shape[1]
        asked = shape_of(self.config.hearing)
        if mel.shape[-2:] != asked or masked.shape != reference.shape or masked.shape[1] != frames:
            raise ValueError(f"mel {tuple(mel.shape)}, masked {tuple(masked.shape)} and reference "
                             f"{tuple(reference.shape)} do not fit together: (B, T, {asked[0]}, {asked[1]}) and twice "
                             "(B, T, 3, S, S)")
        feelings = self.emotion(emotion).repeat_interleave(frames, 0)     # (B * T, E): for any T, also 1
        x, skips = fold_time(torch.cat([masked, reference], 2)), []       # (B * T, 6, S, S)
        for layer in self.face:
            x = layer(x)
            skips.append(x)
        sound = self.sound(fold_time(mel)[:, None])                       # (B * T, A, 1, 1)
        x = torch.cat([sound, feelings[:, :, None, None], skips.pop()], 1)
        for layer in self.draw:
            x = torch.cat([layer(x), skips.pop()], 1)
        x = self.last(x).float()
        colour = torch.sigmoid(x[:, :3])
        if not self.config.copy:
            return Answer(colour, torch.zeros_like(x[:, :2]), torch.zeros_like(x[:, :1]))
        return Answer(colour, x[:, 3:5] * FLOW, torch.sigmoid(x[:, 5:]))


@dataclass(frozen=True)
class EarConfig:
    """width: length of the sound's code."""

    width: int = 128


class SpeechEar(nn.Module):
    """Sound encoder over speech features: (N, 1, HEARD, 768) -> (N, width, 1, 1), none below 0, as the other's."""

    def __init__(self, config: EarConfig = EarConfig()):
        super().__init__()
        self.config, width = config, config.width
        self.frame = nn.Sequential(nn.Dropout(.1), nn.Linear(FEATURES, EAR), nn.GELU())
        self.around = nn.Sequential(nn.Linear(HEARD * EAR, width), nn.GELU(), nn.Linear(width, width), nn.ReLU())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.around(self.frame(x[:, 0]).flatten(1))[:, :, None, None]


def with_ear(network: Emogen, ear: SpeechEar) -> Emogen:
    """The generator itself, hearing from now on by this ear."""
    network.sound, network.config = ear, replace(network.config, hearing="speech")
    return network


def shape_of(hearing: str) -> tuple[int, int]:
    """Shape of what is heard of a frame."""
    return (HEARD, FEATURES) if hearing == "speech" else (N_MELS, MEL_WIDTH)


def heard_by(hearing: str, audio: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """A function that gives what is heard of the frames with these numbers (n,), 25 a second and whole or not: (n,
    *`shape_of`).  audio: (N,) at 16 kHz.  Raises InputError if the sound's spectrogram is none."""
    mel = mel_spectrogram(audio)
    if not np.isfinite(mel).all():             # the network would draw black faces from it
        raise InputError("the sound's spectrogram holds values that are not numbers; export the sound again, as 16-bit "
                         "WAV if need be.")
    if hearing == "mel":
        return lambda frames: mel_windows(mel, frames)
    found = ears.features(audio)
    return lambda frames: ears.windows(found, frames, HEARD)


def init_sound_encoder(network: Emogen, syncnet: nn.Module) -> int:
    """Give the generator the ears of the sync expert: its sound encoder's weights, where layers are of the same shape.

    They know speech sounds apart already; from scratch, that takes most of a short training. Returns how many numbers
    were taken over, of the order of `network.sound`'s.
    """
    pairs = [(mine.state_dict(), theirs.state_dict()) for mine, theirs in zip(network.sound[:4], syncnet.sound[:4])]
    embedding = next(layer for layer in syncnet.sound if isinstance(layer, nn.Conv2d))
    pairs.append(({"weight": network.sound[4].conv.weight.data}, {"weight": embedding.weight}))
    taken = 0
    for mine, theirs in pairs:
        for name, value in mine.items():
            if name in theirs and theirs[name].shape == value.shape:
                value.copy_(theirs[name].detach())
                taken += value.numel()
    return taken


def feeling(emotion: str, intensity: float = 1.0) -> np.ndarray:
    """(6,) float32 weights in the order of EMOTIONS: so much of the emotion, and the rest neutral. They sum to 1, as
    in training, where intensity is the mean of the window's curve: 0 is neutral, 1 the strongest moment of an actor at
    the level HI. Weighted sums of two feelings are mixtures."""
    out = np.zeros(len(EMOTIONS), np.float32)
    out[EMOTIONS.index("NEU")] = 1 - intensity
    out[EMOTIONS.index(emotion)] += intensity
    return out


def face_mask(size: int, kind: str = "face") -> np.ndarray:
    """(size, size) float32 in [0, 1]: how much of each pixel is drawn. 1 in the face, 0 around it, smooth between;
    1 everywhere for kind "crop"."""
    if kind not in MASKS:
        raise ValueError(f"mask must be one of {', '.join(MASKS)}, got {kind!r}")
    if kind == "crop":
        return np.ones((size, size), np.float32)
    return face_region(size)


def hide(frames: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """(..., 3, S, S) -> the same with 0 wherever mask (S, S) is not 0: its soft edge shows nothing of the jaw, either.
    """
    return frames * (mask <= 0)


def compose(drawn: torch.Tensor, target: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The drawn face in the target's surroundings: (..., 3, S, S) each, mask (S, S)."""
    return target + mask * (drawn - target)
