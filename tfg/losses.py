"""What a drawn face should be: like the true one, in time with the sound, of the right emotion, like a photograph.

Frames are (B, T, 3, S, S) RGB in [0, 1], folded to (B * T, 3, S, S) and never otherwise: a reshape of (B, 3, T, S, S)
would show an expert three moments of one colour plane as one picture. Experts come frozen and in eval mode; every loss
is a mean, so that its weight means the same at any batch and size.
"""
from __future__ import annotations

import logging

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from tfg.models.syncnet import agreement, lower_half, sync_loss

MOUTH = (.5, .77, .27, .17)
"""Centre and radii (x, y) of where the mouth is in the crop of `tfg.models.emogen`, in its sides."""
VGG19_URL = "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth"
VGG19_SHA256 = "dcbb9e9d"
"""The first digits of its sha256, as torch's hub names it."""
VGG19_LAYERS = (3, 8, 13, 22, 31)
"""relu1_2, relu2_2, relu3_2, relu4_2, relu5_2, counted as torchvision counts `features`."""
TIMEOUT_S = 4.0


def mouth_area(size: int) -> np.ndarray:
    """(size, size) float32, 1 about the mouth and falling to 0 at the edge of an ellipse."""
    at = (np.arange(size) + .5) / size
    away = ((at[None] - MOUTH[0]) / MOUTH[2]) ** 2 + ((at[:, None] - MOUTH[1]) / MOUTH[3]) ** 2
    return np.clip(1.5 - 1.5 * away, 0, 1).astype(np.float32)


def reconstruction(drawn: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Weighted mean of |drawn - target|. weight: (S, S): 0 where nothing is drawn, more where it matters more."""
    away = (drawn - target).abs().mean(-3)                                # (..., S, S)
    return (away * weight).sum() / (weight.sum() * away[..., 0, 0].numel())


def sized(frames: torch.Tensor, size: int) -> torch.Tensor:
    """(..., 3, S, S) -> (..., 3, size, size), smoothed before it shrinks, as the stores' own frames are."""
    if frames.shape[-1] == size:
        return frames
    flat = F.interpolate(frames.flatten(0, -4), (size, size), mode="bilinear", align_corners=False, antialias=True)
    return flat.unflatten(0, frames.shape[:-3])


def sync(expert: nn.Module, frames: torch.Tensor, mel: torch.Tensor) -> torch.Tensor:
    """-log of the frozen expert's cosine between lips and sound (Prajwal et al. 2020, eq. 2): label 1 for every window.

    frames: (B, 5, 3, S, S) composed.  mel: (B, 80, 16) of the middle frame.
    """
    faces, sound = expert(lower_half(sized(frames, expert.config.size)), mel[:, None])
    return sync_loss(faces, sound, torch.ones(len(mel), device=mel.device))


def cosines(expert: nn.Module, frames: torch.Tensor, mel: torch.Tensor) -> torch.Tensor:
    """(B,) the expert's cosine, for looking at it."""
    return agreement(*expert(lower_half(sized(frames, expert.config.size)), mel[:, None]))


def emotion(expert: nn.Module, frames: torch.Tensor, label: torch.Tensor, weight: torch.Tensor | None = None
            ) -> torch.Tensor:
    """Cross entropy of the discriminator's classes over a window (Goyal et al. 2023).

    frames: (B, T, 3, S, S) composed.  label: (B,) places in EMOTIONS; -1, not known, does not count.  weight: (B,), or
    all alike: a hardly felt emotion need not be seen at once.
    """
    each = F.cross_entropy(expert(sized(frames, expert.config.size)).float(), label, ignore_index=-1, reduction="none")
    weight = torch.ones_like(each) if weight is None else weight
    weight = weight * (label >= 0)
    return (each * weight).sum() / weight.sum().clamp(min=1e-6)


def looks_true(logits: torch.Tensor, label: float) -> torch.Tensor:
    """Binary cross entropy of the quality discriminator's logits, label 1 for true faces; ln 2 = 0.69 is balance."""
    return F.binary_cross_entropy_with_logits(logits.float(), torch.full_like(logits, label, dtype=torch.float32))


# ---- perceptual -----------------------------------------------------------------------------------------------------
class Perceptual(nn.Module):
    """Mean |difference| of a network's maps, mean over the maps (Johnson et al. 2016; L1 as in EmoGen).

    maps: function (N, 3, S, S) in [0, 1] -> list of maps.  name: which network it is; logs and cards say it.
    """

    def __init__(self, network: nn.Module, maps, name: str):
        super().__init__()
        self.network, self._maps, self.name = network.eval().requires_grad_(False), maps, name

    def train(self, mode: bool = True):
        return super().train(False)

    def forward(self, drawn: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """drawn, target: (..., 3, S, S). Gradients flow to `drawn` alone."""
        drawn = drawn.flatten(0, -4)
        with torch.no_grad():
            true = self._maps(self.network, target.flatten(0, -4))
        return sum((a - b).abs().mean() for a, b in zip(self._maps(self.network, drawn), true)) / len(true)


def perceptual(which: str = "auto", encoder=None) -> Perceptual | None:
    """The perceptual loss. which: "vgg19"; "encoder", our own face encoder (`encoder`: its folder, None for the one
    that ships); "auto", vgg19 where its weights are on this machine or can be fetched, else the encoder; "none".

    Raises InputError: unknown, or asked for and not to be had.
    """
    from tfg.errors import InputError

    if which not in ("auto", "vgg19", "encoder", "none"):
        raise InputError(f"perceptual is {which!r}; take auto, vgg19, encoder or none.")
    if which == "none":
        return None
    if which in ("auto", "vgg19"):
        try:
            return vgg19()
        except InputError as error:
            if which == "vgg19":
                raise
            logging.getLogger("tfg").info("perceptual loss: %s; our own face encoder takes its place", error)
    from tfg.models.encoder import load_encoder

    return Perceptual(load_encoder(encoder)[0], lambda network, x: network.features(x), "encoder")


def vgg19() -> Perceptual:
    """VGG19 as torchvision trained it on ImageNet: RGB, its mean and deviation, relu1_2 to relu5_2.

    Looked for in torch's hub cache, else fetched (548 MB, checksum), if the place answers within a few seconds.
    Raises InputError where it cannot be had.
    """
    network = Vgg19()
    network.load_state_dict(_vgg19_weights())
    return Perceptual(network, lambda n, x: n(x), "vgg19")


class Vgg19(nn.Module):
    """The convolutions of VGG19 up to relu5_2 (Simonyan & Zisserman 2015), named as torchvision's weights are."""

    def __init__(self):
        super().__init__()
        layers, c_in = [], 3
        for width in (64, 64, "M", 128, 128, "M", 256, 256, 256, 256, "M", 512, 512, 512, 512, "M", 512, 512):
            layers += [nn.MaxPool2d(2)] if width == "M" else [nn.Conv2d(c_in, width, 3, 1, 1), nn.ReLU()]
            c_in = c_in if width == "M" else width
        self.features = nn.Sequential(*layers)
        self.register_buffer("mean", torch.tensor([.485, .456, .406])[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor([.229, .224, .225])[:, None, None], persistent=False)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """(N, 3, S, S) RGB in [0, 1] -> five maps."""
        x, maps = (x - self.mean) / self.std, []
        for k, layer in enumerate(self.features):
            x = layer(x)
            if k in VGG19_LAYERS:
                maps.append(x)
        return maps


def _vgg19_weights() -> dict[str, torch.Tensor]:
    import urllib.request
    from pathlib import Path

    from tfg.errors import InputError
    from tfg.faces.models import sha256

    path = Path(torch.hub.get_dir(), "checkpoints", VGG19_URL.rsplit("/", 1)[1])
    if not path.is_file():
        try:
            with urllib.request.urlopen(urllib.request.Request(VGG19_URL, method="HEAD"), timeout=TIMEOUT_S):
                pass                                                # it answers: then it may take its time
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(VGG19_URL, str(path), hash_prefix=VGG19_SHA256, progress=False)
        except (OSError, RuntimeError) as error:
            raise InputError(f"VGG19's weights are not in {path.parent} and cannot be fetched ({error}): put "
                             f"{path.name} there, or use --perceptual encoder.") from error
    if not sha256(path).startswith(VGG19_SHA256):
        raise InputError(f"{path} has the wrong checksum: delete it, and it is fetched again.")
    held = torch.load(path, weights_only=True, map_location="cpu")
    return {k: v for k, v in held.items() if k.startswith("features.") and int(k.split(".")[1]) <= VGG19_LAYERS[-1]}
