"""Checks of notebooks/09_emogen_gan."""
from __future__ import annotations

import re
from functools import partial

import numpy as np

from tfg.course.check.core import exercise, parts, same
from tfg.course.check.dubbed import oval
from tfg.course.check.layers import described, no_plain_lists, same_network, with_weights
from tfg.course.check.steps import Scene, not_cleared, optimiser_of, same_step, two_steps
from tfg.course.check.watch import reaches
from tfg.course.check.wrong import Stopped, Wrong


@exercise(learns="sound emotion picture")
def at_bottleneck(answer):
    """at_bottleneck(sound (B * T, A, 1, 1), emotion (B, E), picture (B * T, P, 1, 1)) -> (B * T, A + E + P, 1, 1)."""
    import torch

    for B, T, A, E, P in ((3, 5, 4, 6, 7), (4, 1, 2, 3, 2), (2, 3, 5, 4, 6)):
        g = torch.Generator().manual_seed(T)
        sound, picture = (torch.rand(B * T, n, 1, 1, generator=g) for n in (A, P))
        emotion = torch.rand(B, E, generator=g)
        each, tiled = (x[:, :, None, None] for x in (emotion.repeat_interleave(T, 0), emotion.repeat(T, 1)))
        try:
            got = answer(sound.clone(), emotion.clone(), picture.clone())
        except Stopped as stopped:
            if T == 5:
                raise
            raise Wrong(f"it works for windows of 5 frames, but not of {T}: {stopped.error}. T is len(sound) // "
                        "len(emotion)") from stopped
        same(got, torch.cat([sound, each, picture], 1), what=f"at_bottleneck with B = {B}, T = {T}", mistakes={
            "frames get the emotion of another window: `repeat` gives windows 0 1 2 0 1 2 ..., repeat_interleave "
            "0 0 0 1 1 1 ..., as frames are folded": torch.cat([sound, tiled, picture], 1) if T > 1 else np.nan,
            "the order is another one: sound, emotion, picture": torch.cat([each, sound, picture], 1),
            "the order is another one: sound, emotion, then the picture": torch.cat([picture, sound, each], 1),
            "the order is another one: the emotion comes second": torch.cat([sound, picture, each], 1),
            "the order is another one: the sound comes first": torch.cat([picture, each, sound], 1),
            "the emotion is missing": torch.cat([sound, picture], 1),
            "height and width are missing: end with (B * T, A + E + P, 1, 1)":
            torch.cat([sound, each, picture], 1)[..., 0, 0]})


@exercise(network=True)
def FaceUnet(answer):
    """FaceUnet(widths, up_widths, told) -> a network: pictures (N, 6, S, S), sound (N, A, 1, 1), emotion (B, E) to
    faces (N, 3, S, S).

    The picture encoder, the way up and the last layers of `tfg.systems.emogen.network.Emogen` without residual blocks.
    """
    import torch

    sizes = (((4, 5, 6, 7, 8, 10), (9, 8, 7, 6, 5), 3, 5, 48), ((4, 6, 5, 7), (8, 6, 4), 5, 2, 12))
    for widths, up, a, e, size in sizes:
        g = torch.Generator().manual_seed(size)
        given = (torch.rand(10, 6, size, size, generator=g), torch.rand(10, a, 1, 1, generator=g),
                 torch.rand(5, e, generator=g))                    # no map has a side of 10 or 5
        net, want = answer(widths, up, a + e), _unet(widths, up, a, e, size)
        no_plain_lists(net)
        _has_skips(net, _bare(widths, up, a + e))
        try:
            same_network(net, want, given, what="FaceUnet", atol=1e-5, mistakes={
                "the last activation is missing: colours lie in [0, 1], torch.sigmoid":
                lambda n, x=given: n(*x, last=lambda y: y),
                "the last activation is tanh, which gives -1 to 1: colours lie in [0, 1], torch.sigmoid":
                lambda n, x=given: n(*x, last=torch.tanh),
                "the last activation is a ReLU, which has no upper end: torch.sigmoid":
                lambda n, x=given: n(*x, last=torch.relu),
                "a skip stands before the map that comes up: first what comes up, then its skip":
                lambda n, x=given: n(*x, turned=True),
                "emotions go to the frames in turn: frames of a clip follow each other, repeat_interleave, not repeat":
                lambda n, x=given: n(x[0], x[1], x[2].repeat(len(x[0]) // len(x[2]), 1)),
                "the code of the picture comes first: sound, emotion, picture, as at_bottleneck joins them":
                lambda n, x=given: n(*x, code=lambda s, m, p: [p, s, m])})
        except Stopped as stopped:
            text = str(stopped.error)
            sizes_met = set(re.findall(r"size (\d+)", text))
            if "Sizes of tensors must match" in text and sizes_met == {str(len(given[0])), str(len(given[2]))}:
                raise Wrong("sound and maps have a row for each frame, N, emotion one for each clip, B: at_bottleneck "
                            "repeats it") from stopped
            if "Sizes of tensors must match" in text and sizes_met == {"1", "3"}:       # the code, the map before it
                raise Wrong("a map of 1 x 1 meets one of 3 x 3: is the code among the skips? The last two convolutions "
                            "down are ONE step, an nn.Sequential, whose map is the code") from stopped
            if "Sizes of tensors must match" in text:
                raise Wrong("a map meets a skip of another size: skips come in the wrong order. What was put in last "
                            "comes out first, skips.pop(), and the very last one is the code") from stopped
            if "to have" in text and "channels" in text:
                raise Wrong(f"a layer gets another number of channels than it was made for ({text.split(', but')[-1]}"
                            "): is a skip, or the code of sound and emotion, forgotten in `forward`?") from stopped
            raise


def _unet(widths, up, a: int, e: int, size: int):
    """The reference of `FaceUnet`, of the package's own parts."""
    import torch
    from torch import nn

    from tfg.systems.emogen.network import Emogen, EmogenConfig

    class Plain(nn.Module):
        def __init__(self):
            super().__init__()
            whole = Emogen(EmogenConfig(widths, up, 0, (2, 2, 2, 2, a), e, size))
            self.face, self.draw, self.last = whole.face, whole.draw, whole.last

        def forward(self, x, sound, emotion, *, last=torch.sigmoid, turned=False, code=lambda s, m, p: [s, m, p]):
            skips = []
            for layer in self.face:
                x = layer(x)
                skips.append(x)
            each = emotion.repeat_interleave(len(x) // len(emotion), 0)[:, :, None, None]
            x = torch.cat(code(sound, each, skips.pop()), 1)
            for layer in self.draw:
                both = [layer(x), skips.pop()]
                x = torch.cat(both[::-1] if turned else both, 1)
            return last(self.last(x))

    return Plain()


def _bare(widths, up, told: int) -> list[str]:
    """The layers of a U-Net without skips, in words."""
    from torch import nn

    from tfg.networks.blocks import Up

    ways = [Up(a, b) for a, b in zip((told + widths[-1], *up[:-1]), up)]
    return [described(part) for _, part in with_weights(nn.Sequential(*ways)) if isinstance(part, nn.ConvTranspose2d)]


def _has_skips(net, bare: list[str]) -> None:
    """Raise Wrong where a network never doubles the side of its maps, or has no room for the skips."""
    from torch import nn

    ups = [described(part) for _, part in with_weights(net) if isinstance(part, nn.ConvTranspose2d)]
    if not ups and any(True for _ in with_weights(net)):
        raise Wrong("nothing doubles the side of the maps: the upsampling is missing. Take `up`, whose heart is an "
                    "nn.ConvTranspose2d with stride 2, for each of the widths up")
    if len(bare) > 1 and ups == bare:
        raise Wrong("the skips are forgotten: after the first layer up, each takes the channels of the one before AND "
                    "those of the map of that size from the way down")
    if any(isinstance(part, nn.Upsample) for part in net.modules()):
        raise Wrong("nn.Upsample doubles once more: the transposed convolution does it already")


@exercise(learns="drawn")
def weighted_l1(answer):
    """weighted_l1(drawn, target (N, 3, S, S), weight (S, S)) -> (): sum(weight |drawn - target|) / sum(weight)."""
    import torch

    for N, S in ((4, 6), (2, 9)):
        g = torch.Generator().manual_seed(S)
        drawn, target = (torch.rand(N, 3, S, S, generator=g) for _ in "dt")
        weight = oval(S) * (1 + 3 * torch.rand(S, S, generator=g))
        drawn.requires_grad_()
        away = (drawn - target).detach()
        many = N * 3 * weight.sum()
        want = (away.abs() * weight).sum() / many
        got = answer(drawn, target.clone(), weight.clone())
        same(got, want, what="weighted_l1", atol=1e-6, rtol=1e-4, mistakes={
            "you divide by the number of pixels: divide by the sum of the weights, or the loss falls when less of the "
            "picture counts": (away.abs() * weight).mean(),
            "the weight has no effect": away.abs().mean(),
            "positive and negative differences cancel out: take |...| first": (away * weight).sum() / many,
            "differences are squared: that is L2, which blurs more": (away ** 2 * weight).sum() / many,
            "the colours are added: take their mean": 3 * want,
            "the pictures of the batch are added: take their mean": N * want,
            "colours and pictures are added: take their mean": 3 * N * want,
            "weights are squared: they count once": (away.abs() * weight ** 2).sum() / many,
            "the difference is weighted by where the mask is, not by how much":
            (away.abs() * (weight > 0)).sum() / (N * 3 * (weight > 0).sum())})


@exercise
def gan_losses(answer):
    """gan_losses(quality, true, drawn (N, 3, S, S)) -> (the generator's loss, the discriminator's), both ()."""
    import torch
    import torch.nn.functional as F

    for N, seed in ((5, 1), (3, 2)):
        g = torch.Generator().manual_seed(seed)
        true, drawn = (torch.rand(N, 3, 4, 4, generator=g) for _ in "td")
        w = torch.randn(48, generator=g, requires_grad=True)

        def quality(x, w=w):
            return 2 * (x.flatten(1) - .5) @ w                                            # (N,) logits

        def bce(x, label):
            return F.binary_cross_entropy_with_logits(x, torch.full_like(x, label))

        with torch.no_grad():
            at_true, at_drawn = quality(true), quality(drawn)
            asked, real, fake = bce(at_drawn, 1.0), bce(at_true, 1.0), bce(at_drawn, 0.0)
        drawn.requires_grad_()
        got = answer(quality, true.clone(), drawn)
        generators, judges = parts(got, "the generator's loss", "the discriminator's loss")
        both = torch.stack([real, fake])
        same(generators, asked, what="the generator's loss", atol=1e-5, mistakes={
            "the two are exchanged: the generator's comes first": both.mean(),
            "the generator asks to be found out: drawn faces have the label 1 here": fake,
            "the generator asks for minus the discriminator's loss: its gradient vanishes just where faces are bad. "
            "Ask for label 1": -fake,
            "the sigmoid is taken twice: these are logits already": bce(at_drawn.sigmoid(), 1.0),
            "the losses of the pictures are added: take their mean": N * asked,
            "the true faces are in the generator's loss": asked + real,
            "that is the squared distance to the label (LSGAN); here each loss is a binary cross entropy":
            ((at_drawn - 1) ** 2).mean(),
            "that is minus the logit (a hinge or Wasserstein GAN); here each loss is a binary cross entropy":
            -at_drawn.mean(),
            "the logarithm is taken of the mean: take the mean of the logarithms": -at_drawn.sigmoid().mean().log()})
        same(judges, both.mean(), what="the discriminator's loss", atol=1e-5, mistakes={
            "the losses for true and drawn are added: take their mean": both.sum(),
            "the labels are exchanged: true faces have 1, drawn ones 0": (bce(at_true, 0.0) + asked) / 2,
            "drawn faces have the label 1 here, too: they are to be found out, 0": (real + asked) / 2,
            "it never sees a drawn face": real, "it never sees a true face": fake,
            "that is the squared distance to the labels (LSGAN); here each loss is a binary cross entropy":
            ((at_true - 1).square().mean() + at_drawn.square().mean()) / 2,
            "that is the hinge; here each loss is a binary cross entropy":
            (F.relu(1 - at_true).mean() + F.relu(1 + at_drawn).mean()) / 2,
            "that is a difference of logits (a Wasserstein GAN); here each loss is a binary cross entropy":
            (at_drawn.mean() - at_true.mean()) / 2,
            "the sigmoid is taken twice: these are logits already":
            (bce(at_true.sigmoid(), 1.0) + bce(at_drawn.sigmoid(), 0.0)) / 2})
        if not reaches(generators, drawn):
            raise Wrong("no gradient of the generator's loss reaches the drawn faces: do not detach them there")
        if reaches(judges, drawn):
            raise Wrong("the discriminator's loss reaches the generator through the drawn faces, and would teach it to "
                        "be found out: give it drawn.detach()")
        if not reaches(judges, w):
            raise Wrong("no gradient of the discriminator's loss reaches the discriminator: detach the faces, not its "
                        "answers")


SHARES = dict(perceptual=.05, sync=.03, emotion=.02, quality=.07)
"""Weights in the check of `whole_loss`: each differs from the others, so that two that are exchanged are seen."""


@exercise(learns="l1 perceptual sync emotion fools")
def whole_loss(answer):
    """whole_loss(l1, perceptual, sync, emotion, fools, w, lips_follow) -> (): the weighted sum of five losses, ()."""
    import torch

    from tfg.systems.emogen.train import Weights

    w = Weights(**SHARES)
    for lips_follow, seed in ((True, 1), (False, 2)):
        five = [.2 + torch.rand((), generator=torch.Generator().manual_seed(10 * seed + k)) for k in range(5)]
        l1, perceptual, sync, emotion, fools = five
        share = w.sync * lips_follow
        experts = w.perceptual * perceptual + share * sync + w.emotion * emotion
        rest = 1 - w.perceptual - share - w.emotion
        want = rest * l1 + experts + w.quality * fools
        shut, wide = w.perceptual * perceptual + w.emotion * emotion, experts - share * sync + w.sync * sync
        got = answer(*(x.clone() for x in five), w, lips_follow)
        same(got, want, what=f"whole_loss with lips_follow={lips_follow}", atol=1e-6, rtol=1e-5, mistakes={
            "L1 has the weight 1: it has what the three experts leave of it": l1 + experts + w.quality * fools,
            "the quality discriminator takes from L1's share, too: it comes on top":
            (rest - w.quality) * l1 + experts + w.quality * fools,
            "nobody asks the quality discriminator: `fools` is missing": rest * l1 + experts,
            "that is all losses with the weight 1": sum(five),
            "the sync loss counts although lips do not follow yet: its weight is 0 until then":
            (1 - w.perceptual - w.sync - w.emotion) * l1 + wide + w.quality * fools,
            "the sync loss is left out, but its share is still taken from L1: its weight is 0 in both places":
            (1 - w.perceptual - w.sync - w.emotion) * l1 + shut + w.quality * fools,
            "the sync loss never counts: it does as soon as lips follow":
            (1 - w.perceptual - w.emotion) * l1 + shut + w.quality * fools,
            "the weights of sync and emotion are exchanged":
            rest * l1 + w.perceptual * perceptual + w.emotion * sync + share * emotion + w.quality * fools})


def _step(draw, whole, critic, true, adam, adam_critic, *, critic_first=False, clears=True, clears_critic=True,
          early=False, exchanged=False):
    """One step of both networks; the arguments after the star make the mistakes that `train_step` names."""
    import torch
    import torch.nn.functional as F

    def bce(x, label):
        return F.binary_cross_entropy_with_logits(x, torch.full_like(x, label))

    def judge():
        loss = (bce(critic(true), 1.0) + bce(critic(drawn.detach()), 0.0)) / 2
        if clears_critic:
            adam_critic.zero_grad()
        loss.backward()
        adam_critic.step()
        return loss.item()

    adam, adam_critic = (adam_critic, adam) if exchanged else (adam, adam_critic)
    drawn = draw()
    told = judge() if critic_first else 0.0
    loss = whole(drawn)
    if clears:
        adam.zero_grad()
    if early:
        adam_critic.zero_grad()
    loss.backward()
    adam.step()
    return loss.item(), told if critic_first else judge()


def _scene(drawings: list[str] | None = None) -> Scene:
    """A small drawer and its critic.  drawings: gets a word for each call of `draw`."""
    import torch
    from torch import nn

    g = torch.Generator().manual_seed(4)
    true = torch.rand(5, 3, 4, 4, generator=g)
    drawer = torch.randn(5, 3, 4, 4, generator=g).requires_grad_()
    critic = nn.Sequential(nn.Flatten(), nn.Linear(48, 1), nn.Flatten(0))
    with torch.no_grad():
        for p in critic.parameters():
            p.copy_(torch.randn(p.shape, generator=g) / 3)

    def draw():
        if drawings is not None:
            drawings.append("draw")
        return drawer.sigmoid()

    def whole(drawn):
        logits = critic(drawn)
        return (drawn - true).abs().mean() + nn.functional.softplus(-logits).mean()

    learning = {"the generator": [drawer], "the critic": list(critic.parameters())}
    adam, one = optimiser_of({"the generator": [drawer]}, 9.0, "adam")
    adam_critic, other = optimiser_of({"the critic": learning["the critic"]}, .5, "adam_critic")
    return Scene((draw, whole, critic, true, adam, adam_critic), learning, (one, other))


@exercise
def train_step(answer):
    """train_step(draw, whole, critic, true (..., 3, S, S), adam, adam_critic) -> (generator's loss, critic's)."""
    drawings: list[str] = []
    two_steps(answer, partial(_scene, drawings))
    if len(drawings) > 2:
        raise Wrong(f"draw() was called {len(drawings)} times in two steps: draw once in each, and show the critic the "
                    "same pictures, detached")
    same_step(answer, _scene, _step, partial(_step, critic_first=True),            # either may go first
              names=("the generator's loss", "the critic's loss"),
              asked="its own loss alone: whole(drawn) for adam, gan_losses(...)[1] for adam_critic", mistakes={
        "the two optimisers are exchanged: adam moves the generator": {"exchanged": True},
        not_cleared("adam"): {"clears": False},
        "the critic's gradients still hold what the generator's loss left in the critic, which wants the "
        "opposite: adam_critic.zero_grad() right before its own backward()":
        {"clears_critic": False, "early": True},
        "the critic's gradients are never cleared, and hold what the generator's loss left in the critic, too: "
        "adam_critic.zero_grad() right before its own backward()": {"clears_critic": False},
        "no gradient is ever cleared: zero_grad() of each optimiser before its backward()":
        {"clears": False, "clears_critic": False}})
