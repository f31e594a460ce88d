"""Layers of `deformable`: a deformable convolution with attention, a convolution with a memory, plain blocks."""
from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn
from torchvision.ops import deform_conv2d

TAPS = 9
"""Places that a kernel of 3 x 3 looks at."""


def block(c_in: int, c_out: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Convolution, group norm, leaky ReLU. No statistics of the batch: a run of four people has none worth keeping."""
    pad = (kernel - 1) // 2
    return nn.Sequential(nn.Conv2d(c_in, c_out, kernel, stride, pad, bias=False),
                         nn.GroupNorm(math.gcd(c_out, 8), c_out), nn.LeakyReLU(.2, inplace=True))


class Sampled(nn.Module):
    """x + relu(conv(x)); the kernel looks where a guide says, and attention weighs what it saw. Shapes at `forward`.

    deform: modulated deformable convolution (Zhu et al. 2019, DCNv2): each of the nine taps of each place is moved by
    an offset and weighed by a mask, both of which a convolution of `guide` answers:

        h(p) = sum_k w_k m_k(p) x(p + p_k + o_k(p))

    At first all offsets are 0 and all masks 1. Without deform the same weights are an ordinary convolution, so that
    variants differ by the 27 (9 guide + 1) weights of the offsets alone.  attention: h becomes relu(a(h)) h with a
    convolution a of 1 x 1, as published, where it acted on a map of 1 x 1 and was a gate of channels; at first it is 1.
    width: channels of x.  guide: channels of the guide.  inner: channels that are sampled, if fewer than width: then a
    convolution of 1 x 1 comes before and one after.
    """

    def __init__(self, width: int, guide: int, *, deform: bool, attention: bool, inner: int | None = None):
        super().__init__()
        narrow = inner is not None and inner < width
        inside = inner if narrow and inner is not None else width
        self.before = nn.Conv2d(width, inside, 1) if narrow else nn.Identity()
        self.conv = nn.Conv2d(inside, inside, 3, padding=1)
        self.after = nn.Conv2d(inside, width, 1) if narrow else nn.Identity()
        self.where = nn.Conv2d(guide, 3 * TAPS, 3, padding=1) if deform else None
        self.gate = nn.Conv2d(inside, inside, 1) if attention else None
        with torch.no_grad():
            if self.where is not None:
                self.where.weight.zero_()
                self.where.bias.zero_()
            if self.gate is not None:
                self.gate.weight.mul_(.1)
                self.gate.bias.fill_(1)

    def forward(self, x: torch.Tensor, guide: torch.Tensor) -> torch.Tensor:
        """x (N, width, h, w) and guide (N, guide, h, w) -> (N, width, h, w)."""
        inside = self.before(x)
        if self.where is None:
            h = self.conv(inside)
        else:
            offset, mask = self.offsets(guide)
            with torch.autocast(x.device.type, enabled=False):            # torchvision's kernel takes one type alone
                h = deform_conv2d(inside.float().contiguous(), offset.contiguous(), self.conv.weight.float(),
                                  self.conv.bias.float(), padding=1, mask=mask.contiguous())
        h = F.relu(h)
        return x + self.after(h if self.gate is None else F.relu(self.gate(h)) * h)

    def offsets(self, guide: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Offsets (N, 18, h, w), y then x of each tap, px of the map, and masks (N, 9, h, w) in (0, 2)."""
        assert self.where is not None, "this layer does not deform"
        found = self.where(guide).float()
        return found[:, :2 * TAPS], 2 * torch.sigmoid(found[:, 2 * TAPS:])


class ConvLSTM(nn.Module):
    """An LSTM whose states are maps (Shi et al. 2015): gates by convolutions of what comes and of its own last answer.

    c_in, width: channels of what comes and of the answer.
    """

    def __init__(self, c_in: int, width: int):
        super().__init__()
        self.width = width
        self.comes = nn.Conv2d(c_in, 4 * width, 3, padding=1)
        self.own = nn.Conv2d(width, 4 * width, 3, padding=1, bias=False)
        with torch.no_grad():
            self.comes.bias[width:2 * width] = 1                          # at first it remembers (Jozefowicz 2015)

    def forward(self, x: torch.Tensor, extra: torch.Tensor, state=None):
        """x (B, T, c_in, h, w); extra (B, T or 1, 4 width, h, w), added to the gates; state of the call before, None
        at first -> (B, T, width, h, w), state."""
        B, T = x.shape[:2]
        comes = self.comes(x.flatten(0, 1)).unflatten(0, (B, T)) + extra
        h, c = state if state is not None else (x.new_zeros(B, self.width, *x.shape[-2:]),) * 2
        out = []
        for t in range(T):
            let, keep, show, new = (comes[:, t] + self.own(h)).chunk(4, 1)
            c = torch.sigmoid(keep) * c + torch.sigmoid(let) * torch.tanh(new)
            h = torch.sigmoid(show) * torch.tanh(c)
            out.append(h)
        return torch.stack(out, 1), (h, c)
