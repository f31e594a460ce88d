"""Flows that follow a face's landmarks: one from points to points, and fields of a mean face laid onto each face.

Crops bring faces to one place and size, but mouths are higher in one face than in the next, eyes farther apart, lips
open. A field that says at each place of a crop how a smile moves it is right for the mean face alone: laid down by
landmarks (`laid`), it moves this face's lips and not the skin beside them.
"""
from __future__ import annotations

import torch
import torch.nn.functional as F

REACHES = ((.42, .03, slice(None)), (.16, .4, slice(None)), (.05, .4, slice(17, 68)))
"""How far a point's step reaches, half sides of the picture, the weight of standing still, and the points that count:
from the head as a whole to its lips, which are close to each other and move apart. The outline of a turned face is
hidden on one side, and must not pull at what hides it."""
RIM = 24
"""Points on the picture's edge that stand still, so that a turned head stays joined to its surroundings."""


def flow_by_landmarks(here: torch.Tensor, there: torch.Tensor, side: int) -> torch.Tensor:
    """The smooth flow that takes points to points: (B, 2, side, side) half sides.

    here, there: (B, P, 2) half sides, of the picture that is drawn and of the one that is copied from: 68 landmarks,
    and further points if there are any. A weighted mean of the points' steps (Nadaraya 1964), and then of what it
    leaves of them, at finer and finer reach. So a network has only to correct it: on a turned head
    it is right to a few pixels, where a network of three million weights needs hours to find a face's turn by itself.
    """
    at = (torch.arange(side, device=here.device) + .5) * (2 / side) - 1
    around = torch.linspace(0, 2 * torch.pi, RIM + 1, device=here.device)[:-1]
    rim = torch.stack([around.cos(), around.sin()], -1)
    rim = (rim / rim.abs().amax(-1, keepdim=True)).expand(len(here), -1, -1)              # on a square
    points, left = torch.cat([here, rim], 1), torch.cat([there - here, torch.zeros_like(rim)], 1)
    away = (points[:, :, None] - points[:, None]).square().sum(-1)                        # (B, P + RIM, P + RIM)
    flow = here.new_zeros(len(here), 2, side, side)
    for reach, still, which in REACHES:
        step = torch.cat([left, torch.ones_like(left[..., :1])], -1)[:, which].transpose(1, 2)    # (B, 3, Q)
        x, y = (torch.exp(-(at - points[:, which, k, None]) ** 2 / (2 * reach ** 2)) for k in (0, 1))
        total = (step[..., None] * y[:, None]).transpose(2, 3) @ x[:, None]               # (B, 3, side, side)
        flow = flow + total[:, :2] / (total[:, 2:] + still)
        near = torch.exp(-away[:, :, which] / (2 * reach ** 2)) @ step.transpose(1, 2)    # the same at the points
        left = left - near[..., :2] / (near[..., 2:] + still)
    return flow


def laid(fields: torch.Tensor, mean: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    """Fields of the mean face as they are on other faces: (B, K, 2, F, F).

    fields: (K, 2, F, F), x then y.  mean: (68, 2) half sides, landmarks of the mean face.  points: (B, 68, 2), those
    of each face. A field is fetched from where the place lies in the mean face, and turned and stretched as the face
    is.
    """
    B, (K, _, side, _) = len(points), fields.shape
    mean = mean.expand(B, -1, -1)
    grid = centres(side, points.device) + flow_by_landmarks(points, mean, side).permute(0, 2, 3, 1)     # (B, F, F, 2)
    fetched = F.grid_sample(fields.flatten(0, 1).expand(B, -1, -1, -1), grid, align_corners=False)      # (B, 2 K, F, F)
    ones = torch.ones_like(mean[..., :1])
    onto = torch.linalg.lstsq(torch.cat([mean, ones], -1), points).solution[:, :2]                      # (B, 2, 2)
    return torch.einsum("bkiyx,bij->bkjyx", fetched.unflatten(1, (K, 2)), onto)


def onto_mean(flow: torch.Tensor, mean: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    """Flows of faces as they would be on the mean face, (B, 2, F, F): the inverse of `laid`, to within its smoothness.

    flow: (B, 2, F, F).  Others as `laid`.
    """
    B, side = len(points), flow.shape[-1]
    mean = mean.expand(B, -1, -1)
    grid = centres(side, points.device) + flow_by_landmarks(mean, points, side).permute(0, 2, 3, 1)
    fetched = F.grid_sample(flow, grid, align_corners=False)
    ones = torch.ones_like(mean[..., :1])
    onto = torch.linalg.lstsq(torch.cat([points, ones], -1), mean).solution[:, :2]
    return torch.einsum("biyx,bij->bjyx", fetched, onto)


def centres(side: int, device=None) -> torch.Tensor:
    """(side, side, 2) half sides, x then y: the middles of a picture's pixels."""
    at = (torch.arange(side, device=device) + .5) * (2 / side) - 1
    return torch.stack(torch.meshgrid(at, at, indexing="xy"), -1)
