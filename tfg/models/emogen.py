"""EmoGen's generator: a masked face, a reference of another emotion, a sound and an emotion make a new face.

Goyal et al. 2023 (EmoGen) on Wav2Lip's U-Net (Prajwal et al. 2020, sec. 3.2). Encoders for the pictures (masked target
and reference, six channels), the mel window and the emotion; sound and emotion meet the picture's code at the
bottleneck; a decoder with skip connections draws the face. The whole face of the target is masked, not only its lower
half, for an emotion shows in brows and lids, too. Frames of a window are examples of their own here; what ties them is
the losses.
"""
from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from tfg.audio import N_MELS
from tfg.models.blocks import Conv, Up, fold_time, stage, unfold_time
from tfg.models.syncnet import MEL_WIDTH
from tfg.vocabulary import EMOTIONS


@dataclass(frozen=True)
class EmogenConfig:
    """widths: channels of the picture's scales, from full size down to 3 x 3, then the code's.  repeat: residual blocks
    at each scale.  size: side of the face, 3 * 2^k px, one doubling for each scale."""

    widths: tuple[int, ...] = (16, 32, 64, 128, 256, 512, 512)
    up: tuple[int, ...] = (512, 512, 384, 256, 128, 64)
    repeat: int = 2
    sound: tuple[int, ...] = (32, 64, 128, 256, 512)
    emotion: int = 512
    size: int = 96


PROFILES = {"ci": EmogenConfig((4, 4, 8, 8, 8, 8), (8, 8, 8, 8, 4), 0, (4, 8, 8, 8, 16), 16, 48),
            "cpu": EmogenConfig((12, 24, 48, 64, 96, 128, 160), (160, 128, 96, 64, 40, 20), 1, (16, 24, 48, 96, 160),
                                64),
            "gpu": EmogenConfig()}


class Emogen(nn.Module):
    """mel, emotion, masked target, reference -> faces; shapes at `forward`."""

    def __init__(self, config: EmogenConfig = EmogenConfig()):
        super().__init__()
        scales = len(config.widths) - 1                                   # full size ... 3 x 3
        if config.size != 3 * 2 ** (scales - 1) or len(config.up) != scales:
            raise ValueError(f"{scales} scales need size {3 * 2 ** (scales - 1)} and as many widths up, got size "
                             f"{config.size} and {len(config.up)}")
        self.config = config
        w, n = config.widths, config.repeat
        self.face = nn.ModuleList([Conv(6, w[0], 7, 1, 3)])               # S
        self.face += [stage(a, b, 2, n) for a, b in zip(w[:-2], w[1:-1])]         # S / 2 ... 3
        self.face.append(nn.Sequential(Conv(w[-2], w[-1], 3, 1, 0), Conv(w[-1], w[-1], 1, 1, 0)))     # 1
        a, b, c, d, e = config.sound
        self.sound = nn.Sequential(                                       # 80 x 16
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
        self.last = nn.Sequential(Conv(c_in, max(config.up[-1] // 2, 8)), nn.Conv2d(max(config.up[-1] // 2, 8), 3, 1))

    def forward(self, mel: torch.Tensor, emotion: torch.Tensor, masked: torch.Tensor,
                reference: torch.Tensor) -> torch.Tensor:
        """mel (B, T, 80, 16), one window for each frame; emotion (B, 6) weights in the order of EMOTIONS (one-hot times
        intensity; mixtures are fine); masked, reference (B, T, 3, S, S) in [0, 1].  Returns (B, T, 3, S, S) in [0, 1].
        """
        frames = mel.shape[1]
        if mel.shape[-2:] != (N_MELS, MEL_WIDTH) or masked.shape != reference.shape or masked.shape[1] != frames:
            raise ValueError(f"mel {tuple(mel.shape)}, masked {tuple(masked.shape)} and reference "
                             f"{tuple(reference.shape)} do not fit together: (B, T, 80, 16) and twice (B, T, 3, S, S)")
        feelings = self.emotion(emotion).repeat_interleave(frames, 0)     # (B * T, E): for any T, also 1
        x, skips = fold_time(torch.cat([masked, reference], 2)), []       # (B * T, 6, S, S)
        for layer in self.face:
            x = layer(x)
            skips.append(x)
        sound = self.sound(fold_time(mel)[:, None])                       # (B * T, A, 1, 1)
        x = torch.cat([sound, feelings[:, :, None, None], skips.pop()], 1)
        for layer in self.draw:
            x = torch.cat([layer(x), skips.pop()], 1)
        return unfold_time(torch.sigmoid(self.last(x)), frames)
