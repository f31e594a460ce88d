"""Emotion networks of other people, with the weights that they published: judges that nothing here was trained against.

    network, card = load("mini_xception")
    network.of_clip(frames, points)         # (6,) log-probabilities of a clip, in the order of EMOTIONS

Our own emotion judge (`tfg.experts.emotion.judge`) learned from the same kind of actors that systems are trained on.
These two learned from photographs of people, and look at pixels, not at landmarks. They say how far our judge's opinion
is shared. Weights, licences, accuracy and what was tried: docs/judges.md.

Both know a seventh emotion, surprise, which no corpus here has: it is left out, and the other six are scaled to sum 1.
A clip's answer is the mean of its frames' probabilities, not of their logarithms, by which a few sure frames of a
speaking mouth would decide.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from tfg import paths
from tfg.errors import InputError
from tfg.experts.published.crop import cut
from tfg.experts.published.face_api import FaceApi, FaceApiConfig
from tfg.experts.published.mini_xception import MiniXception, MiniXceptionConfig
from tfg.vocabulary import EMOTIONS

FOLDER = "judge_published"
"""Folder of data/ with the weights and cards of all networks of NETWORKS."""
EVERY = 6
"""Step between the frames that are looked at; neighbouring frames are nearly equal."""
LEAST = 3
"""Least number of frames with a face in a clip, as for our own judge."""


@dataclass(frozen=True)
class Published:
    """A network as published, and the crop it wants.  title: its name in tables.  scale: side of its square crop, as a
    multiple of the longer side of the box of 68 landmarks.  shift: of its centre, in such sides, below 0: up."""

    title: str
    network: type[FaceApi] | type[MiniXception]
    config: type
    scale: float
    shift: float


NETWORKS = {"mini_xception": Published("mini-XCEPTION", MiniXception, MiniXceptionConfig, 1.15, 0.0),
            "face_api": Published("face-api", FaceApi, FaceApiConfig, 1.3, 0.0)}
"""The networks. Their crops were chosen on photographs (SFHQ), on no clip that is scored: docs/judges.md."""


class PublishedJudge(nn.Module):
    """A published network with its crop.  name: of NETWORKS.  network: with `classes`, the order of its answers."""

    def __init__(self, name: str, network: nn.Module):
        super().__init__()
        self.name, self.network = name, network
        self.order = [network.classes.index(e) for e in EMOTIONS]

    @torch.inference_mode()
    def of_frames(self, frames: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Probabilities of each frame's emotions, (T, 6); rows of NaN where there is no face.  frames: (T, S, S, 3)
        uint8.  points: (T, 478, 2 or 3) px, NaN where there is no face."""
        seen = np.isfinite(points).all((1, 2))
        out = np.full((len(frames), len(EMOTIONS)), np.nan)
        if seen.any():
            size: int = self.network.config.size
            its = NETWORKS[self.name]
            faces = cut(frames[seen], points[seen], size, its.scale, its.shift)
            x = torch.from_numpy(faces.transpose(0, 3, 1, 2).astype(np.float32) / 255)
            out[seen] = self.network(x)[:, self.order].softmax(1).numpy()
        return out

    def of_clip(self, frames: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Log-probabilities of a clip's emotions, (6,), from the mean over every EVERY-th frame; arguments as
        `of_frames`. With a face in fewer than LEAST of these frames, all are equal."""
        if len(frames) != len(points):
            raise ValueError(f"each frame needs its landmarks, got {len(frames)} frames, {len(points)} sets of them")
        found = self.of_frames(frames[::EVERY], points[::EVERY])
        found = found[np.isfinite(found).all(1)]
        if len(found) < LEAST:
            return np.full(len(EMOTIONS), -np.log(len(EMOTIONS)))
        return np.log(found.mean(0).clip(1e-12))


def load(name: str, folder=None) -> tuple[PublishedJudge, dict]:
    """A published network in eval mode, and its card.  name: of NETWORKS.  folder: None for data/judge_published.

    Raises InputError: no such network, missing or damaged files.
    """
    from tfg.networks import checkpoint

    if name not in NETWORKS:
        raise InputError(f"there is no published network {name!r}; choose {', '.join(NETWORKS)}.")
    its = NETWORKS[name]
    network, card = checkpoint.load(name, its.network, its.config, paths.data(FOLDER) if folder is None else folder,
                                    again="its weights ship in data/judge_published; restore them, or make them with "
                                          "tools/published.py")
    return PublishedJudge(name, network).eval(), card
