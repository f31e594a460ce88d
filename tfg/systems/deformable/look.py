"""Scores and pictures of `deformable` on people it never saw, while it is trained and for its card."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from tfg.experts import losses
from tfg.networks.warp import applied
from tfg.systems.deformable import scenes as scenes_of
from tfg.systems.deformable.sound import LEAD
from tfg.training.batches import tensors
from tfg.vocabulary import index

if TYPE_CHECKING:
    from tfg.systems.deformable.task import DeformableTask

JAW = [scenes_of.LIPS.index(i) for i in index("jawOpen")]
AT_A_TIME = 4
"""Scenes that are drawn at a time."""
SHOWN = 5
"""Frames of a scene on a sheet."""


def scenes(task: DeformableTask) -> dict[str, Any]:
    """The scenes that are scored, evenly chosen of the unseen people's; read once."""
    if not task.shown:
        which = np.unique(np.linspace(0, len(task.unseen) - 1, task.evaluated).astype(int))
        task.shown = tensors(task.unseen.batch(0, which))
    return task.shown


def drawn(task: DeformableTask, part: dict[str, Any]):
    """All frames of scenes: true and drawn (B, N, 3, S, S) in [0, 1], and what the network answered."""
    photo, true = part["photo"].float() / 255, part["frames"].float() / 255
    N = true.shape[1]
    answer, _ = task.networks["deformable"](photo, part["wave"], part["feeling"], part["noise"], None,
                                            LEAD + torch.arange(N, device=photo.device), points=part["points"])
    return true, applied(answer.answer, photo.repeat_interleave(N, 0)).unflatten(0, (-1, N)), answer


def scores(task: DeformableTask) -> dict[str, float]:
    """On unseen people, means over scenes.  l1, psnr: of the face, and l1_still of the photo itself; mouth and
    mouth_still: L1 of the mouth.  energy: change from frame to frame in the face, of the true one.  voice: share of
    voices whose emotion is heard.  jaw_r: correlation over time of the jaw's opening, by the sound alone, with the true
    one.  face, face_true: share of drawn and of true runs whose emotion the critic names.  With known flow: weights, a
    share of the flow's energy that is missed (1 is a still picture); r, the correlation over time of the weights of the
    first three common fields with the true ones; trust: its mean over the face."""
    every, total = scenes(task), 0
    sums: dict[str, float] = {}
    network = task.networks["deformable"]
    device = next(network.parameters()).device
    task.move(device)
    fixed = task.fixed
    tall: dict[str, list[float]] = {}
    for first in range(0, len(every["emotion"]), AT_A_TIME):
        part = {k: v.to(device) if k == "shown" else v[first:first + AT_A_TIME].to(device) for k, v in every.items()}
        true, runs, answer = drawn(task, part)
        photo = (part["photo"].float() / 255)[:, None].expand_as(true)
        n = len(true)
        square = (((runs - true) ** 2).mean(2) * fixed["face"]).sum((2, 3)) / fixed["face"].sum()
        values = {"l1": losses.reconstruction(runs, true, fixed["face"]),
                  "l1_still": losses.reconstruction(photo, true, fixed["face"]),
                  "mouth": losses.reconstruction(runs, true, fixed["mouth"]),
                  "mouth_still": losses.reconstruction(photo, true, fixed["mouth"]),
                  "psnr": (-10 * torch.log10(square + 1e-10)).mean(),
                  "voice": (answer.voice.argmax(1) == part["voice"]).float().mean()}
        for name, frames in (("energy", runs), ("energy_true", true)):
            values[name] = losses.reconstruction(frames[:, 1:], frames[:, :-1], fixed["face"])
        if "emotion" in task.critics:
            for name, frames in (("face", runs), ("face_true", true)):
                named = task.networks["emotion"](frames, photo[:, 0])[:, :-1].argmax(1)
                values[name] = (named == part["emotion"]).float().mean()
        if task.fields is not None:
            weights, known = answer.weights[:, LEAD:].float(), task.known_weights(part["flow"], part["points"])
            values["weights"] = task.field_error(weights, part["flow"], part["points"])
            tall.setdefault("r", []).extend(correlations(weights[..., :3], known[..., :3]))
        if "said" in part and network.config.lips:
            lips = network(None, part["said_wave"])[0].lips.float()
            tall.setdefault("jaw_r", []).extend(correlations(lips[..., JAW], part["said"][..., JAW]))
        if network.config.flow:
            values["trust"] = (answer.answer.trust[:, 0] * fixed["face"]).sum((1, 2)).mean() / fixed["face"].sum()
        for name, value in values.items():
            sums[name] = sums.get(name, 0.0) + float(value) * n
        total += n
    out = {name: value / total for name, value in sums.items()}
    out["energy"] /= max(out.pop("energy_true"), 1e-9)
    return out | {name: float(np.mean(values)) for name, values in tall.items() if values}


def correlations(a: torch.Tensor, b: torch.Tensor) -> list[float]:
    """Correlation over time of curves (B, N, K), those of a constant left out."""
    a, b = (x - x.mean(1, keepdim=True) for x in (a, b))
    size = a.norm(dim=1) * b.norm(dim=1)
    return ((a * b).sum(1) / size.clamp(min=1e-9))[size > 1e-6].tolist()


def sheet(task: DeformableTask, rows: int = 6) -> np.ndarray:
    """Two rows for each of some scenes, true above drawn, after the photo: (H, W, 3) uint8."""
    every = scenes(task)
    device = next(task.networks["deformable"].parameters()).device
    out = []
    for k in np.unique(np.linspace(0, len(every["emotion"]) - 1, rows).astype(int)):
        part = {n: v.to(device) if n == "shown" else v[k:k + 1].to(device) for n, v in every.items()}
        true, runs, answer = drawn(task, part)
        at = np.linspace(0, true.shape[1] - 1, SHOWN).astype(int)
        trust = answer.answer.trust[at[-1]].expand(3, -1, -1)             # of the last, in the corner below the photo
        for first, frames in ((part["photo"][0].float() / 255, true[0]), (trust, runs[0])):
            out.append(torch.cat([first, *(frames[t] for t in at)], -1))
    picture = torch.cat(out, 1).permute(1, 2, 0).clamp(0, 1)
    return (picture * 255).round().byte().cpu().numpy()
