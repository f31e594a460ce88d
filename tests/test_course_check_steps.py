"""Training steps that learners write: what they leave out, and in which order they do it, is named."""
from __future__ import annotations

import numpy as np
import pytest
import torch

from tfg.course import check
from tfg.course.check.steps import Scene, optimiser_of, out_of_order, same_step, two_steps
from tfg.course.check.wrong import Wrong

NAMES = ("the loss", "the first weight")


def scene() -> Scene:
    layer = torch.nn.Linear(3, 1)
    with torch.no_grad():
        layer.weight[:], layer.bias[:] = torch.tensor([[1., -2, 3]]), .5
    learning = {"the layer": list(layer.parameters())}
    optimiser, noted = optimiser_of(learning, .1)
    return Scene((layer, torch.ones(2, 3), optimiser), learning, (noted,))


def step(layer, x, optimiser, *, calls=("zero_grad", "backward", "step"), scale=1.0, added=0.0):
    loss = (scale * layer(x)).square().mean()
    for name in calls:
        (loss if name == "backward" else optimiser).__getattribute__(name)()
    return loss.item() + added, float(layer.weight[0, 0])


def judged(answer) -> str:
    try:
        same_step(answer, scene, step, names=NAMES, mistakes={"clear first": {"calls": ("backward", "step")},
                                                              "twice too much": {"scale": 2.0},
                                                              "one too much": {"added": 1.0}},
                  returned={"that is minus the loss": lambda _, right: (-right[0], right[1])})
    except Wrong as wrong:
        return str(wrong)
    return "right"


def with_calls(*calls, **how):
    return lambda *given: step(*given, calls=calls, **how)


def uphill(layer, x, optimiser):
    loss = layer(x).square().mean()
    optimiser.zero_grad(), (-loss).backward(), optimiser.step()
    return loss.item(), float(layer.weight[0, 0])


def cleared_elsewhere(layer, x, optimiser):
    loss = layer(x).square().mean()
    loss.backward(), layer.zero_grad(), optimiser.step()
    return loss.item(), float(layer.weight[0, 0])


def by_closure(layer, x, optimiser):
    def closure():
        optimiser.zero_grad()
        loss = layer(x).square().mean()
        loss.backward()
        return loss
    return optimiser.step(closure).item(), float(layer.weight[0, 0])


def by_hand(layer, x, optimiser):
    loss = layer(x).square().mean()
    layer.zero_grad(), loss.backward()
    for p in layer.parameters():
        p.data -= .1 * p.grad
    return loss.item(), float(layer.weight[0, 0])


def other_loss(layer, x, optimiser):
    loss = layer(x).square().mean() + layer.bias.square().sum()
    optimiser.zero_grad(), loss.backward(), optimiser.step()
    return loss.item(), float(layer.weight[0, 0])


@pytest.mark.parametrize("answer, word", [
    (step, "right"), (with_calls("backward", "step", "zero_grad"), "right"),
    (with_calls("backward", "step"), "clear first"), (with_calls("zero_grad", "backward"), "step() is missing"),
    (with_calls("zero_grad"), "backward() is missing"), (with_calls("step", "zero_grad", "backward"), "stands before"),
    (with_calls("backward", "zero_grad", "step"), "stands between"),
    (with_calls("zero_grad", "backward", "step", scale=2.0), "twice too much"),
    (with_calls("zero_grad", "backward", "step", scale=1.5), "2.25 times as far"),
    (with_calls("zero_grad", "backward", "step", "step"), "called 2 times"), (uphill, "uphill"),
    (cleared_elsewhere, "as network.zero_grad() does"), (by_closure, "right"), (by_hand, "call optimiser.step()"),
    (other_loss, "the weights of the layer are wrong"),
    (with_calls("zero_grad", "backward", "step", added=1.0), "one too much"),
    (lambda *given: step(*given)[::-1], "exchanged"), (lambda *given: (-step(*given)[0], 0.0), "minus the loss"),
    (lambda *given: (torch.tensor(step(*given)[0], requires_grad=True), 0.0), "still carries its graph"),
    (lambda *given: step(*given)[0], "return both")])
def test_what_is_wrong_with_a_step_is_named(answer, word):
    assert word in judged(answer)


def test_two_steps_begin_anew_each_time():
    one, other = two_steps(step, scene), two_steps(step, scene)
    assert np.array_equal(one.weights["the layer"], other.weights["the layer"])
    assert one.weights["the layer"].shape == (2, 4) and one.optimisers[0].events == ["zero_grad", "backward", "step"]
    assert one.told[0][0] > one.told[1][0]


def test_weights_that_move_by_other_means_are_seen():
    with pytest.raises(Wrong, match="without a gradient"):
        out_of_order(["step"], moved=True)
    with pytest.raises(Wrong, match="not by the optimiser that was given"):
        out_of_order(["backward"], moved=True)


def test_gradients_of_another_loss_do_not_hide_what_is_missing():
    with pytest.raises(Wrong, match=r"b.zero_grad\(\) and b.step\(\) there is no backward\(\) of its own loss"):
        out_of_order(["backward", "zero_grad", "step", "backward"], moved=False, name="b", alone=False)
    with pytest.raises(Wrong, match="both and more do not move: b.step.. is missing, after its own loss"):
        out_of_order(["backward"], moved=False, name="b", who="both and more", alone=False)


def test_a_share_may_be_counted_in_any_way():
    def by_the_largest(network, faces, mels, loss, optimiser, K):
        v, a = (x.unflatten(0, (-1, K)) for x in network(faces, mels))
        fit = v @ a.transpose(1, 2)
        cost = loss(fit)
        optimiser.zero_grad(), cost.backward(), optimiser.step()
        return cost.item(), (fit.diagonal(dim1=1, dim2=2) == fit.amax(2)).float().mean().item()

    assert check.judge(check.sync_step, by_the_largest) == ("✓", "")
