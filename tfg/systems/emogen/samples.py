"""How well `emogen` draws people it never saw, in numbers and in pictures, while it learns."""
from __future__ import annotations

import numpy as np
import torch

from tfg.experts import losses
from tfg.experts.syncnet.network import FRAMES
from tfg.systems.emogen.data import Faces
from tfg.systems.emogen.network import hide
from tfg.systems.emogen.twin_data import TwinWindows
from tfg.training.batches import tensors
from tfg.vocabulary import EMOTIONS

AT_ONCE = 16
ROWS = 8


def windows(task) -> dict:
    """`task.evaluated` windows of unseen actors, evenly chosen, the same at each evaluation; `other` is the sound of
    another of them.  task: `emogen.EmogenTask`."""
    if not task.shown:
        which = np.unique(np.linspace(0, len(task.unseen) - 1, task.evaluated).astype(int))
        data = task.unseen if isinstance(task.unseen, TwinWindows) else Faces(
            task.unseen, disturbed=False, hearing=task.network.config.hearing)
        batch = tensors(data.batch(0, which))
        task.shown = batch | {"other": batch["mels"].roll(len(which) // 2, 0)}
    return task.shown


def scores(task, windows: dict) -> dict[str, float]:
    """l1, psnr: of what is drawn.  mouth, mouth_other: L1 about the mouth with the true sound, and with another clip's:
    lips follow the sound if the second is larger.  heard, felt: mean |change| of mouth and face when the sound, or the
    emotion, is another one.  sync_loss, emotion_accuracy: the frozen experts', of drawn faces; ..._true: of true ones.
    """
    sums: dict[str, float] = {}
    network, n = task.networks["emogen"], len(windows["mel"])
    device = next(network.parameters()).device
    for first in range(0, n, AT_ONCE):
        part = {k: v[first:first + AT_ONCE].to(device) for k, v in windows.items()}
        target, reference = part["frames"].float() / 255, part["reference"].float() / 255
        drawn = task.compose(network, part["mels"], part["feeling"], target, reference)
        other = task.compose(network, part["other"], part["feeling"], target, reference)
        turned = task.compose(network, part["mels"], part["feeling"].roll(2, 1), target, reference)
        square = (((drawn - target) ** 2).mean(2) * task.mask).sum((2, 3)) / task.mask.sum()           # (B, T)
        values = {"l1": losses.reconstruction(drawn, target, task.mask),
                  "psnr": (-10 * torch.log10(square + 1e-10)).mean(),
                  "mouth": losses.reconstruction(drawn, target, task.mouth),
                  "mouth_other": losses.reconstruction(other, target, task.mouth),
                  "heard": losses.reconstruction(other, drawn, task.mouth),
                  "felt": losses.reconstruction(turned, drawn, task.mask)}
        for name, frames in (("", drawn), ("_true", target)):
            values |= _experts(task, frames, part, name)
        for name, value in values.items():
            sums[name] = sums.get(name, 0.0) + float(value) * len(target) / n
    return sums


def _experts(task, frames: torch.Tensor, part: dict, name: str) -> dict:
    """Those that are there."""
    values = {}
    if task.syncnet is not None:
        values[f"sync_loss{name}"] = losses.sync(task.syncnet, frames, part["mel"])
    if task.emotion is not None:
        named = task.emotion(losses.sized(frames, task.emotion.config.size)).argmax(1)
        values[f"emotion_accuracy{name}"] = (named == part["emotion"]).float().mean()
    return values


def sheet(task, windows: dict) -> np.ndarray:
    """(rows * S, 10 S, 3) uint8, a row for each of ROWS windows' middle frames: the true face, what is left of it, the
    reference, drawn with the true emotion, and with each of EMOTIONS at full strength."""
    network, rows = task.networks["emogen"], []
    device, middle = next(network.parameters()).device, slice(FRAMES // 2, FRAMES // 2 + 1)
    for b in np.unique(np.linspace(0, len(windows["mel"]) - 1, ROWS).astype(int)):
        target, reference = (windows[k][b:b + 1, middle].to(device).float() / 255 for k in ("frames", "reference"))
        feelings = torch.cat([windows["feeling"][b:b + 1], torch.eye(len(EMOTIONS))]).to(device)
        n = len(feelings)
        mels, many = windows["mels"][b:b + 1, middle].to(device).expand(n, -1, -1, -1), (n, -1, -1, -1, -1)
        drawn = task.compose(network, mels, feelings, target.expand(many), reference.expand(many))
        row = torch.cat([target[0], hide(target[0], task.mask), reference[0], drawn[:, 0]])           # (10, 3, S, S)
        rows.append(row.permute(2, 0, 3, 1).flatten(1, 2))                                            # (S, 10 S, 3)
    return (torch.cat(rows).clamp(0, 1) * 255).round().byte().cpu().numpy()
