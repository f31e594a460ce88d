"""The networks of `expression` with what belongs to them at inference, as modules that `torch.onnx` can write."""
from __future__ import annotations

import torch
from torch import nn

from tfg.acting.performance import JAW_SHARE
from tfg.speech import visemes
from tfg.systems.expression.emotion import linear
from tfg.systems.expression.emotion.features import AHEAD, FRAMES
from tfg.systems.expression.expnet.network import ExpNet
from tfg.systems.expression.posevae.network import NODS, PoseVAE
from tfg.vocabulary import EXPRESSION, INDEX, index


class Speak(nn.Module):
    """ExpNet, its answer made offsets from rest, half-closed lips shut as `expnet.network.finish` does."""

    def __init__(self, network: ExpNet):
        super().__init__()
        self.network = network
        gap = torch.zeros(len(EXPRESSION))
        for name, weight in visemes.GAP.items():
            gap[index(name)] = weight / len(index(name))
        self.register_buffer("gap", gap)
        self.register_buffer("jaw", torch.eye(len(EXPRESSION))[INDEX["jawOpen"]])
        self.register_buffer("close", torch.eye(len(EXPRESSION))[INDEX["mouthClose"]])

    def forward(self, windows: torch.Tensor, neutral: torch.Tensor, lids: torch.Tensor) -> torch.Tensor:
        """windows (1, T, 80, 16), neutral (1, 52), lids (1, T) -> offsets (1, T, 52)."""
        face = self.network(windows, neutral, lids)
        offsets = (face - neutral[:, None]) / (1 - neutral[:, None])
        press = offsets[..., index("mouthPress")].mean(-1) / visemes.SHAPES["PP"]["mouthPress"]
        sure = ((press - .40) / .35).clamp(0, 1)
        opening = (offsets.clamp(0, 1) * self.gap).sum(-1).clamp(min=0)
        missing = sure * sure * (3 - 2 * sure) * opening                      # (1, T)
        lifted = JAW_SHARE * torch.minimum(offsets[..., INDEX["jawOpen"]].clamp(min=0), missing)
        was = offsets[..., INDEX["mouthClose"]]
        closer = was.clamp(min=0) + missing - lifted - was
        return offsets - lifted[..., None] * self.jaw + closer[..., None] * self.close


class Turn(nn.Module):
    """One chunk of PoseVAE's motion from a drawn code, as a step of `posevae.network.generate`."""

    def __init__(self, network: PoseVAE):
        super().__init__()
        self.network = network

    def forward(self, windows, before, noise, style) -> torch.Tensor:
        """windows (1, 32, 80, 16), before (1, context, 6), noise (1, 64), style (1,) -> poses (1, 32, 6), in standard
        deviations of the style."""
        net = self.network
        heard = net.hear(windows)
        answer = NODS * net.respond(net.stress(heard), style)
        return net.limit(net.decode(net.code(noise, before), before, heard, style, answer) + before[:, -1:])


class Feel(nn.Module):
    """The linear model's change of each frame, as `emotion.linear.change`.  weight: (5, POWERS * WIDTH, 52)."""

    def __init__(self, weight: torch.Tensor):
        super().__init__()
        self.register_buffer("weight", weight)

    def forward(self, source, when, emotion, intensity) -> torch.Tensor:
        """source (T, 52), when (T, 10), emotion: number in `FELT`, intensity in [0, 1] -> change (T, 52)."""
        before = FRAMES - 1 - AHEAD
        padded = torch.cat([source[:1]] * before + [source] + [source[-1:]] * AHEAD)
        around = [padded[k:padded.shape[0] - (FRAMES - 1 - k)] for k in range(FRAMES)]
        x = torch.cat([torch.ones_like(when[:, :1]), when, *around], 1)       # (T, WIDTH)
        x = torch.cat([intensity ** p * x for p in range(1, linear.POWERS + 1)], 1)
        return x @ self.weight[emotion]
