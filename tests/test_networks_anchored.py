"""Fields of the mean face laid onto other faces."""
from __future__ import annotations

import pytest
import torch

import small_scenes
from tfg.faces.points68 import half_sides
from tfg.networks.anchored import centres, laid, onto_mean

SIDE = 32


@pytest.fixture(scope="module")
def mean() -> torch.Tensor:
    return torch.from_numpy(half_sides(small_scenes.points(128), 128))


def blob(at: torch.Tensor, step: tuple[float, float]) -> torch.Tensor:
    """(1, 2, SIDE, SIDE): a field that moves by `step` about a place, and nothing elsewhere."""
    near = torch.exp(-((centres(SIDE) - at) ** 2).sum(-1) / (2 * .15 ** 2))
    return (near[None] * torch.tensor(step)[:, None, None])[None]


def peak(field: torch.Tensor) -> torch.Tensor:
    """(2,) half sides: where a field (2, SIDE, SIDE) is longest."""
    k = int(field.norm(dim=0).argmax())
    return centres(SIDE).reshape(-1, 2)[k]


def test_on_the_mean_face_fields_are_what_they_were(mean):
    fields = torch.cat([blob(mean[57], (0, .1)), blob(mean[19], (.02, -.1))])
    assert torch.allclose(laid(fields, mean, mean[None])[0], fields, atol=1e-5)


def test_a_field_follows_its_landmark(mean):
    """Of a face whose mouth is lower, the field of the mouth is lower, too; that of the brows stays."""
    points = mean.clone()
    points[48:] += torch.tensor([0, .12])
    mouth, brow = blob(mean[57], (0, .1)), blob(mean[19], (0, -.1))
    found = laid(torch.cat([mouth, brow]), mean, points[None])[0]
    assert torch.allclose(peak(found[0]), points[57], atol=1.5 * 2 / SIDE)
    assert torch.allclose(peak(found[1]), peak(brow[0]), atol=1.5 * 2 / SIDE)
    assert (peak(found[0]) - peak(mouth[0]))[1] > .06


def test_a_turned_and_smaller_face_moves_the_other_way_and_less(mean):
    angle = torch.tensor(.5)
    turn = .7 * torch.stack([torch.stack([angle.cos(), angle.sin()]), torch.stack([-angle.sin(), angle.cos()])])
    found = laid(blob(mean[57], (0, .1)), mean, (mean @ turn)[None])[0, 0]
    at = found.norm(dim=0).argmax()
    assert torch.allclose(found.flatten(1)[:, at], torch.tensor([0, .1]) @ turn, atol=.008)


def test_it_leads_back(mean):
    points = mean + torch.tensor([.02, .05]) * torch.randn(68, 2, generator=torch.Generator().manual_seed(0)) * .3
    points[48:] += torch.tensor([.02, .08])
    field = blob(mean[57], (.03, .1))
    there = laid(field, mean, points[None])[0]
    back = onto_mean(there, mean, points[None])
    missed = lambda x: (x - field).square().sum() / field.square().sum()      # noqa: E731
    assert missed(back) < .03 < missed(there)


def test_several_faces_at_once_are_as_each_alone(mean):
    fields = torch.cat([blob(mean[57], (0, .1)), blob(mean[19], (.02, -.1))])
    faces = torch.stack([mean, mean * .9 + .03, mean * torch.tensor([1.1, 1])])
    both = laid(fields, mean, faces)
    assert both.shape == (3, 2, 2, SIDE, SIDE)
    for k in range(3):
        assert torch.allclose(both[k], laid(fields, mean, faces[k:k + 1])[0], atol=1e-6)
