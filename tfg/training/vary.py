"""Changes of faces that are made on the device, a window at a time: how a crop is placed, how sharp it is, what hides
a part of it, how colourful it is. `tfg.corpora.augment` has light, noise, compression and the mirror.

All draws are made on the CPU from torch's generator, which the loop seeds with (seed, step): any device sees the same,
and a resumed run what the killed one would have seen.
"""
from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F


@dataclass(frozen=True)
class Vary:
    """The largest changes.  shift: share of the side.  zoom, squeeze: of all of the face, of its width, as |ln|.  turn:
    degrees.  hide: how often a part is hidden.  grey: how far colours fade, 0..1.  coarse: how often a window loses
    resolution, and least: the share of its side that is left at worst."""

    shift: float = .05
    zoom: float = .1
    turn: float = 6.0
    squeeze: float = .05
    hide: float = .3
    grey: float = .5
    coarse: float = 0.0
    least: float = .4

    def __call__(self, frames: torch.Tensor) -> torch.Tensor:
        """(B, T, 3, S, S) in [0, 1] -> the same shape; all frames of a window are changed alike."""
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
        """One resolution a batch, for some of its windows."""
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
        """A box of one colour, up to 0.35 of the side high and wide, in some windows."""
        draw, size = torch.rand(len(x), 8), x.shape[-1]
        at = (torch.arange(size) + .5) / size
        half = .05 + .125 * draw[:, 2:4]
        inside = [(at - draw[:, k, None]).abs() < half[:, k, None] for k in (0, 1)]
        box = inside[0][:, :, None] & inside[1][:, None] & (draw[:, 4, None, None] < self.hide)     # (B, S, S)
        return torch.where(box[:, None, None].to(x.device), draw[:, None, 5:8, None, None].to(x.device), x)
