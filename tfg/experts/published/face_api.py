"""The expression network of face-api.js (Mühler 2019), as its own code runs it: depthwise separable, densely added.

    net(x)      x: (B, 3, 112, 112) RGB in [0, 1]  ->  logits (B, 7) in the order of CLASSES

Four blocks halve the picture, 112 -> 56 -> 28 -> 14 -> 7 px, with 32, 64, 128 and 256 channels; the mean over the last
7 x 7 px goes into one linear layer. A block has four convolutions of 3 x 3; the input of the third and of the fourth is
the sum of all before it:

    a = relu(conv0(x)),  b = conv1(a),  c = conv2(relu(a + b)),  d = conv3(relu(a + b + c)),  out = relu(a + b + c + d)

All but the very first are separable: a filter for each channel, then a mix of the channels. The package ships its
weights in 256 steps, an affine code for each array; they are kept as they are and decoded for use.
"""
from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

CLASSES = ("NEU", "HAP", "SAD", "ANG", "FEA", "DIS", "surprise")
MEAN = (122.782, 117.001, 104.298)
"""Mean colour that the network's own code subtracts, RGB of 0 to 255."""


@dataclass(frozen=True)
class FaceApiConfig:
    """size: side of the picture, px.  channels: of the four blocks."""

    size: int = 112
    channels: tuple[int, ...] = (32, 64, 128, 256)


class Coded(nn.Module):
    """An array of weights in 256 steps: value = low + step * code.  code: uint8 in the array's shape."""

    code: torch.Tensor
    affine: torch.Tensor

    def __init__(self, *shape: int):
        super().__init__()
        self.register_buffer("code", torch.zeros(shape, dtype=torch.uint8))
        self.register_buffer("affine", torch.zeros(2))                # low, step

    def forward(self) -> torch.Tensor:
        return self.affine[0] + self.affine[1] * self.code


class Conv(nn.Module):
    """A 3 x 3 convolution, the plain one of the first block: (B, inputs, H, W) -> (B, outputs, H / step, W / step)."""

    def __init__(self, inputs: int, outputs: int, step: int):
        super().__init__()
        self.step = step
        self.filters = Coded(outputs, inputs, 3, 3)
        self.register_buffer("bias", torch.zeros(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.conv2d(same(x, self.step), self.filters(), self.bias, self.step)


class Separable(nn.Module):
    """A 3 x 3 filter for each channel, then a mix of the channels; shapes as `Conv`."""

    def __init__(self, inputs: int, outputs: int, step: int):
        super().__init__()
        self.step = step
        self.depthwise, self.pointwise = Coded(inputs, 1, 3, 3), Coded(outputs, inputs, 1, 1)
        self.register_buffer("bias", torch.zeros(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.conv2d(same(x, self.step), self.depthwise(), None, self.step, groups=x.shape[1])
        return F.conv2d(x, self.pointwise(), self.bias)


class Block(nn.Module):
    """Four convolutions with sums between them: (B, inputs, H, W) -> (B, outputs, H / 2, W / 2)."""

    def __init__(self, inputs: int, outputs: int, first: bool):
        super().__init__()
        self.conv0: nn.Module = (Conv if first else Separable)(inputs, outputs, 2)
        self.conv1, self.conv2, self.conv3 = (Separable(outputs, outputs, 1) for _ in range(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a = self.conv0(x).relu()
        b = self.conv1(a)
        c = self.conv2((a + b).relu())
        return (a + b + c + self.conv3((a + b + c).relu())).relu()


class FaceApi(nn.Module):
    """The network.  x: (B, 3, size, size) RGB in [0, 1] -> logits (B, 7)."""

    classes = CLASSES

    def __init__(self, config: FaceApiConfig = FaceApiConfig()):
        super().__init__()
        self.config = config
        sides = (3, *config.channels)
        self.blocks = nn.ModuleList(Block(a, b, k == 0) for k, (a, b) in enumerate(zip(sides, sides[1:])))
        self.weight = Coded(len(CLASSES), sides[-1])
        self.register_buffer("bias", torch.zeros(len(CLASSES)))
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1) / 255, persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x - self.mean
        for block in self.blocks:
            x = block(x)                                     # (B, 32, 56, 56) ... (B, 256, 7, 7)
        return F.linear(x.mean((2, 3)), self.weight(), self.bias)


def same(x: torch.Tensor, step: int) -> torch.Tensor:
    """x with a border of zeros for a 3 x 3 filter, as TensorFlow's "same" lays it: at step 2 and even sides it lies at
    the right and below only, (B, C, H, W) -> (B, C, H + 1, W + 1); at step 1 all around."""
    if step == 1:
        return F.pad(x, (1, 1, 1, 1))
    high, wide = (max(0, (-(-n // 2) - 1) * 2 + 3 - n) for n in x.shape[2:])
    return F.pad(x, (wide // 2, wide - wide // 2, high // 2, high - high // 2))
