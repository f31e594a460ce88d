"""Random changes of face crops on the device, a window at a time: place, sharpness, hidden parts, colour strength.

`tfg.corpora.augment` changes light, noise, compression and side. All draws are made on the CPU from torch's generator,
which the loop seeds with (seed, step): they are equal on any device, and equal in a resumed run.
"""
from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F


@dataclass(frozen=True)
class AugmentPixels:
    """Largest random changes.

    shift: share of the side.  zoom, squeeze: |ln| of the factor on size, and on width alone.  turn: degrees.  hide:
    share of windows with a hidden part.  grey: fading of colours, 0..1.  coarse: share of windows that lose
    resolution; least: least resolution, as a share of the side.
    """

    shift: float = .05
    zoom: float = .1
    turn: float = 6.0
    squeeze: float = .05
    hide: float = .3
    grey: float = .5
    coarse: float = 0.0
    least: float = .4

    def __call__(self, frames: torch.Tensor) -> torch.Tensor:
        """Changed frames, (B, T, 3, S, S) in [0, 1]; all frames of a window are changed equally."""
        return self._hide(self._fade(self._coarsen(self._place(frames))))

    def _place(self, x: torch.Tensor) -> torch.Tensor:
        b, t = x.shape[:2]
        draw = 2 * torch.rand(b, 5) - 1
        angle, scale = torch.deg2rad(self.turn * draw[:, 0]), torch.exp(self.zoom * draw[:, 1])
        cos, sin, wide = scale * angle.cos(), scale * angle.sin(), torch.exp(self.squeeze * draw[:, 2])
        matrix = torch.stack([wide * cos, -sin, 2 * self.shift * draw[:, 3],
                              wide * sin, cos, 2 * self.shift * draw[:, 4]], 1).view(b, 2, 3)
        grid = F.affine_grid(matrix, [b, 3 * t, *x.shape[3:]], align_corners=False).to(x.device)
        moved = F.grid_sample(x.flatten(1, 2), grid, mode="bilinear", padding_mode="border", align_corners=False)
        return moved.unflatten(1, (t, 3))

    def _coarsen(self, x: torch.Tensor) -> torch.Tensor:
        """Reduce the resolution of some windows, by one factor for the batch."""
        if not self.coarse:
            return x
        size, chosen = x.shape[-1], torch.rand(len(x)) < self.coarse
        small = max(8, round(size * (self.least + (1 - self.least) * float(torch.rand(())))))
        if small < size and chosen.any():
            some = x[chosen.to(x.device)].flatten(1, 2)
            y = F.interpolate(some, (small, small), mode="bilinear", align_corners=False, antialias=True)
            y = F.interpolate(y, (size, size), mode="bilinear", align_corners=False)
            x = x.clone()
            x[chosen.to(x.device)] = y.unflatten(1, (-1, 3))
        return x

    def _fade(self, x: torch.Tensor) -> torch.Tensor:
        fade = (self.grey * torch.rand(len(x), 1, 1, 1, 1)).to(x.device)
        return torch.lerp(x, x.mean(2, keepdim=True), fade)

    def _hide(self, x: torch.Tensor) -> torch.Tensor:
        """Paint a box of one colour, up to 0.35 of the side high and wide, into some windows."""
        draw, size = torch.rand(len(x), 8), x.shape[-1]
        at = (torch.arange(size) + .5) / size
        half = .05 + .125 * draw[:, 2:4]
        inside = [(at - draw[:, k, None]).abs() < half[:, k, None] for k in (0, 1)]
        box = inside[0][:, :, None] & inside[1][:, None] & (draw[:, 4, None, None] < self.hide)     # (B, S, S)
        return torch.where(box[:, None, None].to(x.device), draw[:, None, 5:8, None, None].to(x.device), x)
