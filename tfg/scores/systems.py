"""From a system to a function that draws a target's face: `draw(target) -> (T, S, S, 3) uint8`."""
from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tfg.errors import InputError

SYSTEMS = ("emogen",)
BATCH = 16


def system(name: str, checkpoint=None) -> tuple[Callable, dict]:
    """A system by its name: its draw function and the checkpoint's card.

    checkpoint: folder, None for the one that ships.  Raises InputError.
    """
    if name != "emogen":
        raise InputError(f"there is no system {name!r} to score yet: choose {', '.join(SYSTEMS)}.")
    from tfg.models import checkpoint as checkpoints
    from tfg.models.emogen import Emogen, EmogenConfig

    network, card = checkpoints.load("emogen", Emogen, EmogenConfig, checkpoint)
    return emogen(network), card


def emogen(network) -> Callable:
    """The generator's draw function.  network: an `Emogen` in eval mode.

    The target's face is hidden before the network sees it, and drawn at the network's size; what lies around the mask
    stays the target's own.
    """
    import torch

    from tfg.models.emogen import compose, face_mask, feeling, hide
    from tfg.scores.judges import sized

    size, kind = network.config.size, network.config.mask
    mask = torch.from_numpy(face_mask(size, kind))

    def draw(target) -> np.ndarray:
        felt = torch.from_numpy(feeling(target.emotion or "NEU", target.intensity))[None]
        masked = hide(torch.from_numpy(sized(target.frames, size)), mask)
        reference, mel = torch.from_numpy(sized(target.reference, size)), torch.from_numpy(target.mel)
        whole = torch.from_numpy(face_mask(target.size, kind))
        true = torch.from_numpy(sized(target.frames, target.size))
        out = []
        with torch.inference_mode():
            for k in range(0, len(true), BATCH):
                part = slice(k, k + BATCH)
                drawn = network(mel[part][None], felt, masked[part][None], reference[part][None])[0].float()
                drawn = torch.from_numpy(_enlarged(drawn.numpy(), target.size))
                out.append((compose(drawn, true[part], whole).clamp(0, 1) * 255).round().byte())
        return np.ascontiguousarray(torch.cat(out).permute(0, 2, 3, 1).numpy())

    return draw


def _enlarged(faces: np.ndarray, size: int) -> np.ndarray:
    """(n, 3, s, s) float32 -> (n, 3, size, size)."""
    import cv2

    if faces.shape[-1] == size:
        return faces
    how = cv2.INTER_CUBIC if size > faces.shape[-1] else cv2.INTER_AREA
    return np.stack([cv2.resize(np.ascontiguousarray(f.transpose(1, 2, 0)), (size, size), interpolation=how)
                     .transpose(2, 0, 1) for f in faces])
