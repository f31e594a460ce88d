"""Checks of notebooks/12_speech_to_action_units_to_gan: the networks that edit and judge, as learners write them."""
from __future__ import annotations

from functools import partial

from tfg.course.check.core import Wrong, exercise
from tfg.course.check.layers import same_network
from tfg.course.check.steps import Scene, not_cleared, optimiser_of, same_step, two_steps

CRITICS, GENERATORS = 'adams["critic"]', 'adams["generator"]'


@exercise(network=True)
def AttentionGenerator(answer):
    """AttentionGenerator(width, blocks) -> a network from (B, 3, S, S), (B, 17) to (B, 3, S, S), (B, 1, S, S).

    The reference is the package's generator with the published settings, in small.
    """
    import torch

    for width, blocks, size in ((4, 1, 16), (6, 2, 24)):
        g = torch.Generator().manual_seed(width)
        inputs = torch.rand(2, 3, size, size, generator=g), torch.rand(2, 17, generator=g)
        same_network(answer(width, blocks), _published(width, blocks, size), inputs, mistakes={
            "the picture goes in as it is, in 0..1: the layers expect -1..1, 2 * picture - 1": partial(
                _drawn, inputs, scale=lambda x: x),
            "the planes are scaled like the picture: units stay in 0..1": partial(_drawn, inputs, units=lambda y:
                                                                                 2 * y - 1),
            "the residual blocks add nothing to x: x = x + block(x)": partial(_drawn, inputs, residual=False),
            "a residual block ends in ReLU: its second norm is the last": partial(_drawn, inputs, last=torch.relu),
            "a ReLU stands behind the sum x + block(x): nothing follows it": partial(_drawn, inputs, behind=torch.relu),
            "the planes come first: the picture's three channels, then the 17 planes": partial(_drawn, inputs,
                                                                                              planes_first=True),
            "the colour is left in -1..1: pictures lie in 0..1": partial(_drawn, inputs, paint=torch.tanh),
            "the colour went through a sigmoid: tanh, then from -1..1 to 0..1": partial(_drawn, inputs,
                                                                                        paint=torch.sigmoid),
            "the attention has no sigmoid: it is a share": partial(_drawn, inputs, share=lambda x: x),
            "the attention is turned round: A is where the picture STAYS": partial(
                _drawn, inputs, share=lambda x: torch.sigmoid(-x)),
            "the attention is the first of the four maps: three of colour come first": partial(_drawn, inputs,
                                                                                              first=True),
            "the two answers are exchanged: colour first": lambda net, inputs=inputs: _drawn(inputs, net)[::-1]})


def _published(width: int, blocks: int, size: int):
    """The package's generator as published, answering with its two maps."""
    from torch import nn

    from tfg.systems.ietafs.gan.network import Ietafs, IetafsConfig

    class Maps(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = Ietafs(IetafsConfig(width=width, most=4 * width, repeat=blocks, size=size))

        def forward(self, picture, aus):
            edit = self.net(picture, aus)
            return edit.answer.colour, edit.attention

    return Maps()


def _drawn(inputs, maps, *, scale=lambda x: 2 * x - 1, units=lambda y: y, residual=True, last=lambda x: x,
           behind=lambda x: x, planes_first=False, paint=None, share=None, first=False):
    """What a `_published` network answers; the arguments after the star make the mistakes that are named above."""
    import torch

    net, (picture, aus) = maps.net, inputs
    planes = units(aus)[:, :, None, None].expand(-1, -1, *picture.shape[2:])
    x = net.first(torch.cat([planes, scale(picture)] if planes_first else [scale(picture), planes], 1))
    for layer in net.down:
        x = layer(x)
    for block in net.middle:
        x = behind(last(block.layers(x)) + (x if residual else 0))
    for layer in net.up:
        x = layer(x)
    x = net.heads(x)
    x = x.roll(-1, 1) if first else x
    colour = paint(x[:, :3]) if paint else (torch.tanh(x[:, :3]) + 1) / 2
    return colour, share(x[:, 3:]) if share else torch.sigmoid(x[:, 3:])


@exercise
def critic_step(answer):
    """critic_step(critic, adams, true, drawn (B, 3, S, S), aus (B, 17), penalty, w) -> (apart, slope, units)."""
    critics, generators = (noted.events for noted in two_steps(answer, _scene).optimisers)
    if "backward" in generators:
        raise Wrong("the critic's loss reaches the generator through the drawn pictures, and would teach it to be "
                    "caught: critic(drawn.detach())")
    if "step" in generators:
        raise Wrong(f"the generator is moved, too: this step is the critic's alone, {CRITICS}" if "step" in critics else
                    f"that is the optimiser of the wrong network: {GENERATORS} moves the generator, the critic's is "
                    f"{CRITICS}")
    same_step(answer, _scene, _step, names=("apart", "slope", "units"),
              asked='w["cls"] * units - apart + w["gp"] * slope', mistakes={
        not_cleared(CRITICS): {"clears": False},
        'the two weights are exchanged: w["cls"] belongs to the units, w["gp"] to the slope': {"exchanged": True},
        "the signs of the two means are turned round: a loss is made SMALL, and true pictures must stand above "
        "drawn ones, so the loss has - apart": {"sign": -1},
        "the penalty is forgotten, so nothing stops the critic's numbers: + w[\"gp\"] * penalty(...)": {"gp": 0},
        "the penalty is taken off: it is a cost": {"gp": -1},
        'the penalty counts without its weight, w["gp"]': {"bare": True},
        "the units are forgotten: the second answer of critic(true) must be `aus`": {"cls": 0},
        'the units count without their weight, w["cls"]': {"plain": True},
        "the units are learned from drawn pictures: the critic learns them from true ones alone, or it believes "
        "what the generator draws": {"of_drawn": True},
        "the critic never sees drawn pictures: apart is the mean of true minus that of drawn ones": {"half": True},
    }, returned={
        "the three come in another order: apart, slope, units": lambda _, right: right[-1:] + right[:-1],
        "they come in another order: apart, slope, units": lambda _, right: right[1:] + right[:1],
        "the first and the last are exchanged: apart, slope, units": lambda _, right: right[::-1],
        "it was multiplied by its weight: give the value itself":
        lambda args, right: [right[0], args[-1]["gp"] * right[1], args[-1]["cls"] * right[2]],
        "its sign is turned round: apart is true minus drawn": lambda _, right: [-x for x in right]})


def _step(critic, adams, true, drawn, aus, penalty, w, *, clears=True, sign=1, gp=1, cls=1, bare=False,
          plain=False, of_drawn=False, half=False, exchanged=False):
    """The step as it should be; the arguments after the star make the mistakes that `critic_step` names."""
    import torch.nn.functional as F

    w = {"cls": w["gp"], "gp": w["cls"]} if exchanged else w
    answers, found = critic(true)
    fake, other = critic(drawn.detach())
    apart, slope = answers.mean() - (0 if half else 1) * fake.mean(), penalty(critic, true, drawn.detach())
    units = F.mse_loss(other if of_drawn else found, aus)
    loss = cls * (1 if plain else w["cls"]) * units - sign * apart + gp * (1 if bare else w["gp"]) * slope
    if clears:
        adams["critic"].zero_grad()
    loss.backward()
    adams["critic"].step()
    return apart.item(), slope.item(), units.item()


def _scene() -> Scene:
    """A small critic, and pictures that a generator is said to have drawn."""
    import torch
    from torch import nn

    from tfg.networks.critics import gradient_penalty

    g = torch.Generator().manual_seed(3)
    true, drawn = (torch.rand(3, 3, 4, 4, generator=g) for _ in "td")
    aus, share = torch.rand(3, 17, generator=g), torch.rand(3, generator=g)
    drawn.requires_grad_()

    class Small(nn.Module):
        def __init__(self):
            super().__init__()
            self.look, self.true = nn.Conv2d(3, 4, 2, 2), nn.Conv2d(4, 1, 1, bias=False)
            self.units = nn.Conv2d(4, 17, 2, bias=False)

        def forward(self, x):
            seen = torch.tanh(self.look(x))
            return self.true(seen)[:, 0], self.units(seen).flatten(1)

    critic = Small()
    with torch.no_grad():
        for p in critic.parameters():
            p.copy_(torch.randn(p.shape, generator=g) / 2)
    learning = {"the critic": list(critic.parameters()), "the generator": [drawn]}
    adam, its = optimiser_of({"the critic": learning["the critic"]}, .05, CRITICS)
    adams = {"critic": adam}
    adams["generator"], other = optimiser_of({"the generator": [drawn]}, .01, GENERATORS)
    return Scene((critic, adams, true, drawn, aus, lambda critic, true, drawn: gradient_penalty(
        critic, true, drawn, share), {"cls": 4.0, "gp": 10.0}), learning, (its, other))
