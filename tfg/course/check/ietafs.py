"""Checks of notebooks/12_speech_to_action_units_to_gan."""
from __future__ import annotations

import numpy as np

from tfg.course.check.core import Wrong, exercise, same
from tfg.course.check.watch import reaches
from tfg.faces.aus import AUS, MOST

BLINK = AUS.index(45)


@exercise(learns="found")
def unit_loss(answer):
    """unit_loss(found, true (N, 17), std (17,), least) -> (): mean of ((found - true) / max(std, least))^2."""
    import torch

    for N, seed in ((6, 1), (9, 2)):
        g = torch.Generator().manual_seed(seed)
        found, true = torch.rand(N, 17, generator=g), torch.rand(N, 17, generator=g)
        std, least = .05 + .3 * torch.rand(17, generator=g), .04
        std[3], std[8] = 0., .01                                          # units that the data hardly move
        found.requires_grad_()
        away, floor = (found - true).detach(), std.clamp(min=least)
        own = true.std(0, unbiased=False).clamp(min=least)
        want = ((away / floor) ** 2).mean()
        got = answer(found, true.clone(), std.clone(), least)
        same(got, want, what="unit_loss", rtol=1e-3, mistakes={
            "every unit counts alike: divide by its standard deviation, or the jaw drowns the brows":
            (away ** 2).mean(),
            "a unit that the data never move is divided by 0: a deviation below `least` counts as `least`":
            ((away / std) ** 2).mean(),
            "`least` is added to every deviation: it takes the place of those below it, std.clamp(min=least)":
            ((away / (std + least)) ** 2).mean(),
            "the error is squared before the division: square the deviation, too": (away ** 2 / floor).mean(),
            "you multiply by the deviations: units that move little would count even less":
            ((away * floor) ** 2).mean(),
            "the error is not squared": (away / floor).abs().mean(),
            "positive and negative errors cancel out: square them": (away / floor).mean(),
            "the errors are added: take their mean": 17 * N * want,
            "the units are added: take their mean": 17 * want,
            "the pictures are added: take their mean": N * want,
            "a root is taken: the squared error itself is the loss": want.sqrt(),
            "the deviations are those of this batch: use those of all the data, or a batch of still faces explodes":
            ((away / own) ** 2).mean(),
            "deviations above `least` are cut off: it is the smallest one":
            ((away / std.clamp(max=least)) ** 2).mean()})


@exercise
def gradient_penalty(answer):
    """gradient_penalty(critic, true, drawn (B, 3, S, S), share (B,), still) -> (): mean (|gradient| - 1)^2 between."""
    import torch

    from tfg.networks.critics import gradient_penalty as reference

    for B, S, seed in ((4, 7, 1), (6, 6, 2)):
        g = torch.Generator().manual_seed(seed)
        true, drawn, still = (torch.rand(B, 3, S, S, generator=g) for _ in "tds")
        share = torch.rand(B, generator=g)
        weight = torch.randn(3, S, S, generator=g, requires_grad=True)

        steep = torch.linspace(.02, .6, B).reshape(B, 1, 1)               # slopes below 1, and above

        def critic(x, weight=weight, steep=steep):
            seen = (x * weight).sum(1) * steep                            # (B, S, S): an answer for each patch
            return torch.stack([seen[:, ::2, ::2], seen[:, ::2, ::2] ** 2 / 9]).sum(0), x.mean((2, 3))

        def slopes(x, y, share=share, reduce=torch.sum, critic=critic):
            share = share.reshape(-1, 1, 1, 1) if share.ndim == 1 else share
            between = (share * x + (1 - share) * y).requires_grad_(True)
            return torch.autograd.grad(reduce(critic(between)[0]), between)[0]

        def penalty(norm):
            return ((norm - 1) ** 2).mean().detach()

        each = slopes(true, drawn)                                        # (B, 3, S, S)
        norm = each.flatten(1).norm(dim=1)
        drawn.requires_grad_()
        want = reference(critic, true, drawn, share)
        fixed = drawn.detach()
        got = answer(critic, true.clone(), drawn, share.clone(), still.clone())
        same(got, want.detach(), what=f"gradient_penalty of {B} pictures", rtol=1e-3, mistakes={
            "the line runs from the still input to the drawn picture, as in the published code. The critic is never "
            "shown the still as true: begin at `true`": penalty(slopes(still, fixed).flatten(1).norm(dim=1)),
            "the line runs from the still input to the true picture: it runs from `true` to `drawn`":
            penalty(slopes(true, still).flatten(1).norm(dim=1)),
            "the slope is measured at the true pictures: the penalty is for what lies between":
            penalty(slopes(true, fixed, torch.ones(B)).flatten(1).norm(dim=1)),
            "the slope is measured at the drawn pictures: the penalty is for what lies between":
            penalty(slopes(true, fixed, torch.zeros(B)).flatten(1).norm(dim=1)),
            "share and 1 - share are exchanged: `share` belongs to the true picture": penalty(
                slopes(fixed, true).flatten(1).norm(dim=1)),
            "the norm runs over the colours alone: it is one number for each pixel. A picture's gradient is ONE "
            "vector; flatten it": penalty(each.norm(dim=1)),
            "the norm runs over a colour's pixels alone, three numbers for each picture. A picture's gradient is ONE "
            "vector; flatten it": penalty(each.flatten(2).norm(dim=2)),
            "the norm runs over the whole batch: each picture has its own": penalty(each.norm()),
            "the norm runs over the batch: pictures are the first axis; flatten(1), then norm(dim=1)":
            penalty(each.flatten(1).norm(dim=0)),
            "the mean of the answers was differentiated: the slope is then as many times too small as there are "
            "answers. Add them up": penalty(slopes(true, fixed, reduce=torch.mean).flatten(1).norm(dim=1)),
            "each column of pixels got the share of another picture: share needs the shape (B, 1, 1, 1)": penalty(
                slopes(true, fixed, share[None, None, None]).flatten(1).norm(dim=1)) if B == S else np.nan,
            "the penalties are added: take their mean": B * penalty(norm),
            "slopes are pulled to 0: the wanted slope is 1": (norm ** 2).mean().detach(),
            "the distance from 1 is not squared": (norm - 1).abs().mean(),
            "distances from 1 cancel out: square them": (norm - 1).mean(),
            "the mean was taken before the square: each picture has its own penalty": ((norm - 1).mean() ** 2).detach(),
            "only slopes above 1 are punished: here those below cost, too": ((norm - 1).clamp(min=0) ** 2).mean(),
            "the norm was squared before the 1 was taken off": penalty(norm ** 2)})
        if not reaches(got, weight):
            raise Wrong("no gradient comes back to the critic, so the penalty teaches it nothing: "
                        "torch.autograd.grad(..., create_graph=True)")
        if reaches(got, drawn):
            raise Wrong("the penalty reaches the generator through the drawn pictures: detach the pictures between")


@exercise(learns="picture colour attention flow trust")
def compose(answer):
    """compose(picture, colour, attention, flow, trust, warp) -> (B, 3, S, S): t warp(x, (1 - A) flow) + (1 - t) C."""
    import torch

    from tfg.compose.answer import Answer
    from tfg.networks.warp import applied

    def warp(picture, flow):
        return applied(Answer(picture, flow, torch.ones(len(picture), 1, *picture.shape[2:])), picture)

    for B, S, seed in ((3, 8, 1), (2, 11, 2)):
        g = torch.Generator().manual_seed(seed)
        picture, colour = (torch.rand(B, 3, S, S, generator=g) for _ in "pc")
        A, trust = (.1 + .8 * torch.rand(B, 1, S, S, generator=g) for _ in "at")
        flow = .5 * torch.randn(B, 2, S, S, generator=g)
        colour.requires_grad_()

        def mixed(t, copy, paint=colour):
            return (t * copy + (1 - t) * paint).detach()

        free = 1 - A
        t, copy = 1 - free * (1 - trust), warp(picture, free * flow)
        got = answer(picture.clone(), colour, A.clone(), flow.clone(), trust.clone(), warp)
        same(got, mixed(t, copy), what="compose", atol=1e-5, mistakes={
            "A is read the wrong way round: where it is 1 the picture STAYS": mixed(
                1 - A * (1 - trust), warp(picture, A * flow)),
            "what attention holds moves all the same: only 1 - A of the flow counts": mixed(t, warp(picture, flow)),
            "the flow counts by A: it counts by what may change, 1 - A": mixed(t, warp(picture, A * flow)),
            "nothing moves: copy along (1 - A) flow": mixed(t, picture),
            "trust has no effect: that is the published rule": mixed(A, picture),
            "trust has no effect: A alone decides between copy and colour": mixed(A, copy),
            "attention has no effect on the share of the copy: t = 1 - (1 - A)(1 - trust)": mixed(trust, copy),
            "the share of the copy is A times trust: where A is 1 all must stay, whatever the trust": mixed(
                A * trust, copy),
            "trust is read the wrong way round: 1 copies": mixed(1 - free * trust, copy),
            "copy and colour are exchanged: t is the copy's share": mixed(1 - t, copy),
            "the colour is warped: it is painted where it stands": mixed(t, copy, warp(colour, free * flow)),
            "the result is the copy alone: the colour is missing": copy})


@exercise(learns="source aus aus_source")
def cycle_loss(answer):
    """cycle_loss(generator, source (B, 3, S, S), aus, aus_source (B, 17)) -> (): mean |there and back - source|."""
    import torch

    for B, S, seed in ((3, 6, 1), (2, 9, 2)):
        g = torch.Generator().manual_seed(seed)
        source = torch.rand(B, 3, S, S, generator=g)
        aus, aus_source = (torch.rand(B, 17, generator=g) for _ in "ab")
        weight = torch.randn(17, generator=g, requires_grad=True)

        def generator(x, units, weight=weight):
            return torch.sin(2 * x + (units @ weight)[:, None, None, None] / 4)

        there = generator(source, aus)
        back = generator(there, aus_source)
        want = (back - source).abs().mean()
        got = answer(generator, source.clone(), aus.clone(), aus_source.clone())
        with torch.no_grad():
            wrong = {
                "the way back is asked for the NEW units again: it needs those that the source had":
                (generator(there, aus) - source).abs().mean(),
                "there is no way back: that is the distance between the edit and the source, which forbids editing":
                (there - source).abs().mean(),
                "the way back begins at the source: it begins at the edit": (generator(source, aus_source)
                                                                            - source).abs().mean(),
                "the units are exchanged: there with `aus`, back with `aus_source`":
                (generator(generator(source, aus_source), aus) - source).abs().mean(),
                "the result is held against the edit: it must be the source again": (back - there).abs().mean(),
                "differences are squared: that is L2, which blurs more": ((back - source) ** 2).mean(),
                "positive and negative differences cancel out: take |...| first": (back - source).mean(),
                "the differences are added: take their mean": (back - source).abs().sum()}
        same(got, want.detach(), what="cycle_loss", mistakes=wrong)
        if not reaches(got, weight):
            raise Wrong("no gradient comes back to the generator: stay with torch, without .detach() and no_grad()")
        mine, = torch.autograd.grad(got, weight, retain_graph=True)
        full, = torch.autograd.grad(want, weight)
        if not torch.allclose(mine, full, atol=1e-5):
            raise Wrong("only one of the two ways learns: the edit was detached, so the way there never hears whether "
                        "it kept what the way back needs")


@exercise
def frame_units(answer):
    """frame_units(speech, feeling (T, 17), listen, shut (T,)) -> (T, 17) in 0..5: what the face shows."""
    rng = np.random.default_rng(11)
    for T, listen in ((8, .7), (5, 1.5)):
        speech, feeling = rng.uniform(0, 4, (T, 17)), rng.uniform(-4, 4, (T, 17))
        shut = np.r_[0, 1, rng.uniform(.2, .8, T - 2)]
        speech[:, BLINK], feeling[:, BLINK] = .3, rng.uniform(-.5, 1.5, T)

        def lids(base, how=np.maximum, amount=MOST * shut, column=BLINK):
            out = base.copy()
            out[:, column] = how(out[:, column], amount)
            return out

        def shown(base, how=np.maximum, amount=MOST * shut, lids=lids):
            return np.clip(lids(base, how, amount), 0, MOST)

        both = speech + listen * feeling
        same(answer(speech.copy(), feeling.copy(), listen, shut.copy()), shown(both), what="frame_units", mistakes={
            "units below 0 and above 5 are left: nobody relaxes a muscle beyond rest": lids(both),
            "units above 5 are left: clip at both ends": np.maximum(lids(both), 0),
            "the feeling has no effect: add `listen` times what it changes": shown(speech),
            "the feeling counts fully, whatever `listen` says": shown(speech + feeling),
            "the feeling replaces the speech: it is added, for lips go on speaking": shown(listen * feeling),
            "the speech fades as the feeling comes: the feeling is a change, so it is added": shown(
                (1 - listen) * speech + listen * feeling),
            "a shut lid is 1: an intensity of Action Units goes up to 5": shown(both, amount=shut),
            "the blink replaces lids that the feeling has narrowed: take the larger of the two": shown(both, _second),
            "the blink is added: take the larger of the two, a shut eye cannot shut more": shown(both, np.add),
            "nobody blinks: column AUS.index(45)": np.clip(both, 0, MOST),
            "nobody blinks, and units above 5 are left: column AUS.index(45), then clip": np.maximum(both, 0),
            "the blink went into another column: the place of AU 45 is AUS.index(45)": np.clip(
                lids(both, column=BLINK - 1), 0, MOST)})


def _second(first, second):
    return second
