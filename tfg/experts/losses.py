"""Losses of a drawn face: distance from the true one, sync with the sound, emotion, quality, perceptual distance.

Frames are (B, T, 3, S, S) RGB in [0, 1], folded to (B * T, 3, S, S) and never otherwise: a reshape of (B, 3, T, S, S)
would show an expert three moments of one colour plane as one picture. Experts are frozen and in eval mode; every loss
is a mean, so that its weight is independent of batch and size.
"""
from __future__ import annotations

import logging

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from tfg.compose.answer import Answer
from tfg.experts.emotion.network import EmotionNet
from tfg.experts.syncnet.network import SyncNet, agreement, lower_half, sync_loss

MOUTH = (.5, .77, .27, .17)
"""Centre and radii (x, y) of the mouth's ellipse in a crop for dubbing, in sides of the crop."""
VGG19_LAYERS = (3, 8, 13, 22, 31)
"""Numbers of relu1_2, relu2_2, relu3_2, relu4_2, relu5_2 in torchvision's `features`."""
TIMEOUT_S = 4.0


def mouth_area(size: int) -> np.ndarray:
    """Weights of the mouth in a crop, (size, size) float32: 1 in its middle, falling to 0 at the edge of an ellipse."""
    at = (np.arange(size) + .5) / size
    away = ((at[None] - MOUTH[0]) / MOUTH[2]) ** 2 + ((at[:, None] - MOUTH[1]) / MOUTH[3]) ** 2
    return np.clip(1.5 - 1.5 * away, 0, 1).astype(np.float32)


def reconstruction(drawn: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Weighted mean of |drawn - target|. weight: (S, S), 0 outside the drawn part."""
    away = (drawn - target).abs().mean(-3)                                # (..., S, S)
    return (away * weight).sum() / (weight.sum() * away[..., 0, 0].numel())


def sized(frames: torch.Tensor, size: int) -> torch.Tensor:
    """Frames resized from (..., 3, S, S) to (..., 3, size, size), smoothed before shrinking, as the stores' own are."""
    if frames.shape[-1] == size:
        return frames
    flat = F.interpolate(frames.flatten(0, -4), (size, size), mode="bilinear", align_corners=False, antialias=True)
    return flat.unflatten(0, frames.shape[:-3])


def sync(expert: SyncNet, frames: torch.Tensor, mel: torch.Tensor) -> torch.Tensor:
    """-log of the frozen expert's cosine between lips and sound (Prajwal et al. 2020, eq. 2): label 1 for every window.

    frames: (B, 5, 3, S, S) composed.  mel: (B, 80, 16) of the middle frame.
    """
    faces, sound = expert(lower_half(sized(frames, expert.config.size)), mel[:, None])
    return sync_loss(faces, sound, torch.ones(len(mel), device=mel.device))


def cosines(expert: SyncNet, frames: torch.Tensor, mel: torch.Tensor) -> torch.Tensor:
    """The expert's cosine of lips and sound, (B,) in [0, 1].  Arguments as `sync`."""
    return agreement(*expert(lower_half(sized(frames, expert.config.size)), mel[:, None]))


def emotion(expert: EmotionNet, frames: torch.Tensor, label: torch.Tensor, weight: torch.Tensor | None = None
            ) -> torch.Tensor:
    """Cross entropy of the discriminator's classes over a window (Goyal et al. 2023).

    frames: (B, T, 3, S, S) composed.  label: (B,) places in EMOTIONS; -1 (not known) is left out.  weight: (B,), None:
    all equal; it lets weak emotions count less.
    """
    each = F.cross_entropy(expert(sized(frames, expert.config.size)).float(), label, ignore_index=-1, reduction="none")
    weight = torch.ones_like(each) if weight is None else weight
    weight = weight * (label >= 0)
    return (each * weight).sum() / weight.sum().clamp(min=1e-6)


def looks_true(logits: torch.Tensor, label: float) -> torch.Tensor:
    """Binary cross entropy of the quality discriminator's logits, label 1 for true faces; ln 2 = 0.69 is balance."""
    return F.binary_cross_entropy_with_logits(logits.float(), torch.full_like(logits, label, dtype=torch.float32))


def known_flow(answer: Answer, flow: torch.Tensor, mask: torch.Tensor, mouth: torch.Tensor, unit: float,
               opened: float = 1.0) -> dict[str, torch.Tensor]:
    """What the true flow teaches.

    answer: of N pictures.  flow: (N, F, F, 2) half sides, NaN where it is not known, everywhere if nothing is.  mask,
    mouth: (S, S).  unit: half sides of the crop that count as 1.  opened: how much more a place in an open mouth counts
    for trust; there are few.
    Returns flow: mean distance to the true one, in units; trust: cross entropy against 1 where a flow is
    known and 0 in an open mouth (lids hide the eyes from the mesh, which is no reason to paint them); painted: mean
    share of paint outside of the mouth.
    """
    size = flow.shape[1]
    small = [F.adaptive_avg_pool2d(part.float(), size) for part in (answer.flow, answer.trust)]
    inside, lips = (F.adaptive_avg_pool2d(part[None, None], size)[:, 0] for part in (mask, mouth))        # (1, F, F)
    known = torch.isfinite(flow[..., 0])
    some = known.flatten(1).any(1)[:, None, None]                          # pictures of which a flow is known
    weight = inside * known * (1 + 2 * lips)
    away = torch.linalg.vector_norm(small[0].permute(0, 2, 3, 1) - flow.nan_to_num(0), dim=-1) / unit
    trust = small[1][:, 0].clamp(1e-4, 1 - 1e-4)
    open_mouth = some & ~known & (lips > .05)
    each = torch.where(known, -torch.log(trust), -torch.log1p(-trust))
    judged = inside * (known + opened * open_mouth)
    out = {"flow": (away * weight).sum() / weight.sum().clamp(min=1e-6),
           "trust": (each * judged).sum() / judged.sum().clamp(min=1e-6)}
    skin = inside * (lips < .05)
    return out | {"painted": ((1 - trust) * skin).sum() / (skin.sum() * len(trust))}


# ---- perceptual -----------------------------------------------------------------------------------------------------
class Perceptual(nn.Module):
    """Mean |difference| of a network's maps, mean over the maps (Johnson et al. 2016; L1 as in EmoGen).

    maps: function (N, 3, S, S) in [0, 1] -> list of maps.  name: the network's name for logs and cards.
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
    """Make the perceptual loss, or None. which: "vgg19"; "encoder", our own face encoder (`encoder`: its folder, None
    for the one that ships); "auto", vgg19 where its weights are on this machine or can be fetched, else the encoder;
    "none".

    Raises InputError: an unknown name, or one whose weights are not available.
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
    from tfg.experts.encoder.network import load_encoder

    return Perceptual(load_encoder(encoder)[0], lambda network, x: network.features(x), "encoder")


def vgg19() -> Perceptual:
    """VGG19 as torchvision trained it on ImageNet: RGB, its mean and deviation, relu1_2 to relu5_2.

    Looked for in torch's hub cache, else fetched (548 MB, checksum), if the address answers within a few seconds.
    Raises InputError where the weights are not available.
    """
    from torchvision.models import VGG19_Weights

    network = Vgg19()
    network.features.load_state_dict(_vgg19_features(VGG19_Weights.IMAGENET1K_V1))
    return Perceptual(network, lambda n, x: n(x), "vgg19")


class Vgg19(nn.Module):
    """The convolutions of torchvision's VGG19 up to relu5_2 (Simonyan & Zisserman 2015), with its normalisation of
    pictures."""

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self):
        from torchvision.models import VGG19_Weights
        from torchvision.models.vgg import cfgs, make_layers  # the whole VGG19 has 120 million more weights

        super().__init__()
        self.features = make_layers(cfgs["E"])[:VGG19_LAYERS[-1] + 1]
        expected = VGG19_Weights.IMAGENET1K_V1.transforms()
        for name in ("mean", "std"):
            self.register_buffer(name, torch.tensor(getattr(expected, name))[:, None, None], persistent=False)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Five maps of pictures (N, 3, S, S), RGB in [0, 1]."""
        x, maps = (x - self.mean) / self.std, []
        for k, layer in enumerate(self.features):
            x = layer(x)
            if k in VGG19_LAYERS:
                maps.append(x)
        return maps


def _vgg19_features(weights) -> dict[str, torch.Tensor]:
    """Weights of the layers that are used.  weights: torchvision's entry, whose address ends in the first digits of its
    sha256.  Not by torchvision itself, which waits long for an address that does not answer and does not check a file
    in the cache."""
    import urllib.request
    from pathlib import Path

    from tfg.errors import InputError
    from tfg.faces.models import sha256

    path = Path(torch.hub.get_dir(), "checkpoints", weights.url.rsplit("/", 1)[1])
    try:
        if not path.is_file():
            with urllib.request.urlopen(urllib.request.Request(weights.url, method="HEAD"), timeout=TIMEOUT_S):
                pass                                                # it answers: the download may take long
        elif not sha256(path).startswith(path.stem.rsplit("-", 1)[1]):
            raise InputError(f"{path} has the wrong checksum: delete it, and it is fetched again.")
        loaded = weights.get_state_dict(progress=False, check_hash=True, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError) as error:
        raise InputError(f"VGG19's weights are not in {path.parent} and cannot be fetched ({error}): put "
                         f"{path.name} there, or use --perceptual encoder.") from error
    named = {k.removeprefix("features."): v for k, v in loaded.items() if k.startswith("features.")}
    return {k: v for k, v in named.items() if int(k.split(".")[0]) <= VGG19_LAYERS[-1]}
