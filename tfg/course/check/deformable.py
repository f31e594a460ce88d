"""Checks of notebooks/13_deformable_synthesis."""
from __future__ import annotations

from tfg.course.check.core import Wrong, exercise, parts, same, same_parts
from tfg.course.check.watch import reaches
from tfg.systems.deformable.critics import DRAWN
from tfg.vocabulary import EMOTIONS

TAPS = [divmod(k, 3) for k in range(9)]
"""Row and column of each tap of a kernel of 3 x 3."""


@exercise(learns="grid y x")
def bilinear(answer):
    """bilinear(grid (C, H, W), y, x) -> (C, *y.shape): the value between four pixels; outside of the grid all are 0."""
    import torch

    for C, H, W, seed in ((3, 6, 9, 1), (2, 8, 5, 2)):
        g = torch.Generator().manual_seed(seed)
        grid = torch.randn(C, H, W, generator=g)
        rows, columns = torch.rand(4, 7, generator=g), torch.rand(4, 7, generator=g)
        y, x = (H - 1) * rows, (W - 1) * columns                          # inside
        want = _between(grid, y, x)
        same(answer(grid.clone(), y.clone(), x.clone()), want, what="bilinear, inside of the grid", mistakes={
            "y and x are exchanged: y counts rows, the SECOND axis of (C, H, W), and x the third": _between(
                grid, x, y, edge=True),
            "the nearest pixel answers alone: that moves in jumps, and no gradient tells where to look":
            _pixel(grid, y.round(), x.round()),
            "the four pixels count alike: the nearer one counts more": _between(grid, y, x, even=True),
            "near and far are exchanged: a pixel counts by 1 - its distance": _between(grid, y, x, far=True),
            "only rows are mixed: columns lie between pixels, too": _between(grid, y, x.floor()),
            "only columns are mixed: rows lie between pixels, too": _between(grid, y.floor(), x),
            "half a pixel is taken off: in this grid 0 is the MIDDLE of the first pixel": _between(grid, y - .5,
                                                                                                  x - .5),
            "half a pixel is added: in this grid 0 is the MIDDLE of the first pixel": _between(grid, y + .5, x + .5)})
        y, x = (H + 4) * rows - 2.5, (W + 4) * columns - 2.5              # some of them outside
        y[0, :4], x[0, :4] = torch.tensor([-.4, -.7, H - .5, 2.]), torch.tensor([1., 2.25, 0., -.3])
        y.requires_grad_(), x.requires_grad_()
        got, want = answer(grid.clone(), y, x), _between(grid, y, x).detach()
        same(got, want, what="bilinear, partly outside of the grid", mistakes={
            "beyond the edge the last pixel is repeated: padding is ZEROS here": _between(grid, y, x, edge=True
                                                                                         ).detach(),
            "an index below 0 counts from the other end, as Python does: what lies outside is 0": _between(
                grid, y, x, wrap=True).detach(),
            "numbers below 0 were cut towards 0: torch.floor, not .long() or int()": _between(
                grid, y, x, cut=True).detach(),
            "-0.4 was cut to 0, so rows 0 and 1 were mixed: torch.floor gives -1, .long() and int() do not": _between(
                grid, y, x, cut=True, apart=True).detach(),
            "a place that lies outside by less than a pixel is 0: one of its four pixels may be inside": want
            * ((y >= 0) & (y <= H - 1) & (x >= 0) & (x <= W - 1))})


@exercise(learns="x offset mask weight")
def deform_conv(answer):
    """deform_conv(x (C, H, W), offset (18, H, W), mask (9, H, W), weight (M, C, 3, 3), sample) -> (M, H, W)."""
    import torch
    from torchvision.ops import deform_conv2d

    for C, M, H, W, seed in ((3, 4, 7, 6, 1), (2, 3, 5, 8, 2)):
        g = torch.Generator().manual_seed(seed)
        x, weight = torch.randn(C, H, W, generator=g), torch.randn(M, C, 3, 3, generator=g)
        offset, mask = 1.3 * torch.randn(18, H, W, generator=g), .2 + torch.rand(9, H, W, generator=g)
        offset.requires_grad_()
        plain = torch.zeros(18, H, W)

        def of(x=x, offset=offset, mask=mask, weight=weight, **wrong):
            return _deformed(x, offset, mask, weight, **wrong).detach()

        got = answer(x.clone(), offset, mask.clone(), weight.clone(), _between)
        want = deform_conv2d(x[None], offset.detach()[None], weight, padding=1, mask=mask[None])[0]
        same(got, want, what="deform_conv", mistakes={
            "x comes before y: torchvision's offsets are y, then x, for each tap": of(offset=_turned(offset)),
            "the first nine numbers are all y and the last nine all x: they take turns, y and x of tap 0, of tap 1 ...":
            of(offset=torch.stack([offset[:9], offset[9:]], 1).flatten(0, 1)),
            "the mask has no effect: it weighs what each tap saw": of(mask=torch.ones_like(mask)),
            "the offsets have no effect: that is an ordinary convolution with a mask": of(offset=plain),
            "offsets are taken off: they are added to the tap's place": of(offset=-offset),
            "the kernel hangs to the lower right: its middle tap, i = j = 1, lies ON the place, so take 1 off": of(
                middle=0),
            "all nine taps begin at the place itself: tap k begins at its own cell of the 3 x 3": of(spread=0),
            "the taps run down the columns: k = 3 i + j, i counts rows": of(columns=True),
            "the kernel is turned round: tap (i, j) has weight[:, :, i, j]": of(weight=weight.flip(2, 3)),
            "the kernel's rows and columns are exchanged: tap (i, j) has weight[:, :, i, j]": of(
                weight=weight.transpose(2, 3)),
            "the offset is where to look, from the map's corner: it is added to the place and the tap": of(start=0),
            "the nine answers are averaged: add them up": want / 9,
            "each tap's mask was put through a sigmoid: the layer did that before": of(mask=torch.sigmoid(mask))})


@exercise(learns=("comes h c", "comes h c"))
def remember(answer):
    """remember(comes (B, 4 W, h, w), own, h, c (B, W, h, w)) -> (h, c): one step of a ConvLSTM."""
    import torch

    for B, W, side, seed in ((2, 3, 5, 1), (3, 2, 4, 2)):
        g = torch.Generator().manual_seed(seed)
        comes = torch.randn(B, 4 * W, side, side, generator=g)
        h, c = (k * torch.tanh(torch.randn(B, W, side, side, generator=g)) for k in (1, 2))
        weight = torch.randn(4 * W, W, 3, 3, generator=g) / 3

        def own(h, weight=weight):
            return torch.nn.functional.conv2d(h, weight, padding=1)

        whole = comes + own(h)

        def step(order=(0, 1, 2, 3), gates=whole, gate=torch.sigmoid, write=torch.tanh, read=torch.tanh,
                 kept=None, shown=None, c=c):
            let, keep, show, new = (gates.chunk(4, 1)[k] for k in order)
            after = (gate(keep) if kept is None else kept(let)) * c + gate(let) * write(new)
            return torch.stack([gate(show) * read(after if shown is None else shown), after])

        got = parts(answer(comes.clone(), own, h.clone(), c.clone()), "h", "c")
        if any(tuple(getattr(part, "shape", ())) == (B, 4 * W, side, side) for part in got):
            raise Wrong(f"h and c are maps (B, W, h, w) = {(B, W, side, side)}, got one of {(B, 4 * W, side, side)}: "
                        "chunk(4, 1) cuts the CHANNELS into four")
        same_parts(got, step(), ("h", "c"), what="one step", mistakes={
            "h and c are exchanged: return h first": step().flip(0),
            "let and keep are exchanged: the first quarter lets in, the second keeps": step((1, 0, 2, 3)),
            "keep and show are exchanged: the second quarter keeps, the third shows": step((0, 2, 1, 3)),
            "the last two are exchanged: the third quarter shows, the fourth is new": step((0, 1, 3, 2)),
            "its own last answer has no effect: add own(h) to what comes": step(gates=comes),
            "`own` was given c: what it has shown last is h": step(gates=comes + own(c)),
            "the old c has no effect, so nothing is remembered: keep * c": step(c=torch.zeros_like(c)),
            "all of the old c stays: multiply it by the gate `keep`": step(kept=torch.ones_like),
            "what is kept is 1 - let, as in a GRU: an LSTM has a gate of its own": step(
                kept=lambda let: 1 - torch.sigmoid(let)),
            "what is new went through a sigmoid: tanh, or the memory can only grow": step(write=torch.sigmoid),
            "what is new went in as it is: tanh, or one step can write as much as it likes": step(write=lambda x: x),
            "the memory is shown as it is: h is show * tanh(c)": step(read=lambda x: x),
            "the OLD memory is shown: first c, then h": step(shown=c),
            "the gates are no gates: put let, keep and show through a sigmoid": step(gate=lambda x: x),
            "the gates went through tanh: a gate lies between 0 and 1": step(gate=torch.tanh)})


@exercise
def right_truth(answer):
    """right_truth(drawn, truth {emotion: (T, H, W, 3)}, score) -> {emotion: mean score}, each against its own truth."""
    import numpy as np

    def score(a, b):
        if np.shape(a) != np.shape(b):
            raise Wrong(f"films of {len(a)} and {len(b)} frames cannot be compared: stop where the shorter one ends")
        return -np.log(((np.asarray(a) - np.asarray(b)) ** 2).mean((1, 2, 3)))

    for names, seed in ((("HAP", "SAD", "ANG"), 8), (("SAD", "FEA", "HAP"), 10)):
        rng = np.random.default_rng(seed)
        drawn = {e: rng.uniform(0, 1, (5 + k, 4, 4, 3)) for k, e in enumerate(names)}
        truth = {e: rng.uniform(0, 1, (7 - 2 * k, 4, 4, 3)) for k, e in enumerate((*names[:2], "NEU"))}

        def mean(a, b, end=False, how=np.mean):
            n = min(len(a), len(b))
            return float(how(score(a[-n:], b[-n:]) if end else score(a[:n], b[:n])))

        got = answer({e: x.copy() for e, x in drawn.items()}, {e: x.copy() for e, x in truth.items()}, score)
        both = names[:2]
        if not isinstance(got, dict):
            raise Wrong(f"the result is a {type(got).__name__}: give one score for each emotion, a dict")
        if set(got) != set(both):
            extra, missing = set(got) - set(both), set(both) - set(got)
            raise Wrong(f"a score of {', '.join(sorted(extra))} is there, but one of the two films is not: an emotion "
                        "without a true film has no score, not another emotion's" if extra else
                        f"no score of {', '.join(sorted(missing))}, of which both films are there")
        first = next(iter(truth.values()))
        values = np.array([got[e] for e in both])
        same(values, [mean(drawn[e], truth[e]) for e in both], what=f"scores of {' and '.join(both)}", mistakes={
            "all films are compared with ONE true film, as published: that tells how alike they are to each other":
            [mean(drawn[e], first) for e in both],
            "each film is compared with the true film of the OTHER emotion":
            [mean(drawn[e], truth[o]) for e, o in zip(both, both[::-1])],
            "all films are compared with the neutral truth": [mean(drawn[e], truth["NEU"]) for e in both],
            "the best true film is chosen for each: then no emotion can be wrong":
            [max(mean(drawn[e], t) for t in truth.values()) for e in both],
            "scores against all true films are averaged: only that of its own emotion counts":
            [np.mean([mean(drawn[e], t) for t in truth.values()]) for e in both],
            "the drawn films are compared with each other: where is the truth?":
            [mean(drawn[both[0]], drawn[both[1]])] * 2,
            "films are laid together by their last frames: they begin together": [mean(drawn[e], truth[e], True)
                                                                                  for e in both],
            "the frames' scores are added: take their mean": [mean(drawn[e], truth[e], how=np.sum) for e in both],
            "the best frame is shown: take the mean over frames": [mean(drawn[e], truth[e], how=np.max)
                                                                   for e in both]})


@exercise
def emotion_losses(answer):
    """emotion_losses(critic, true, drawn (B, T, 3, S, S), emotion (B,)) -> (of the critic, of the generator)."""
    import torch
    import torch.nn.functional as F

    for B, T, S, seed in ((4, 3, 5, 1), (6, 2, 4, 2)):
        g = torch.Generator().manual_seed(seed)
        true, drawn = (torch.rand(B, T, 3, S, S, generator=g) for _ in "td")
        emotion = torch.randint(0, len(EMOTIONS), (B,), generator=g)
        weight = torch.randn(3 * S * S, DRAWN + 1, generator=g, requires_grad=True)
        drawn.requires_grad_()

        def critic(runs, weight=weight):
            return runs.mean(1).flatten(1) @ weight

        fake = torch.full_like(emotion, DRAWN)
        with torch.no_grad():
            a, b = critic(true), critic(drawn)
            named, caught, fools = F.cross_entropy(a, emotion), F.cross_entropy(b, fake), F.cross_entropy(b, emotion)
            first = {e: F.cross_entropy(b, torch.full_like(emotion, e)) for e in (0, EMOTIONS.index("NEU"))}
        got = answer(critic, true.clone(), drawn, emotion.clone())
        own, other = parts(got, "the critic's loss", "the generator's")
        same(own, (named + caught) / 2, what="the critic's loss", mistakes={
            "the critic's and the generator's are exchanged: the critic's comes first": fools,
            "drawn runs keep the label of their emotion: then the critic never learns what is drawn, and a bad "
            "drawing of a smile counts as a smile. They are the seventh class, number 6": (named + fools) / 2,
            "drawn runs got the first emotion's label: the classes count from 0, so the seventh is number 6":
            (named + first[0]) / 2,
            "drawn runs are labelled neutral: they are the seventh class, number 6":
            (named + first[EMOTIONS.index("NEU")]) / 2,
            "the two halves are added: take half of each": named + caught,
            "the critic learns from true runs alone": named,
            "the critic learns from drawn runs alone": caught,
            "true runs are called drawn": (F.cross_entropy(a, fake) + caught) / 2})
        same(other, fools, what="the generator's loss", mistakes={
            "the generator asks to be called drawn: it wants its runs to be called by their emotion": caught,
            "the generator wants only not to be caught: it must show the RIGHT emotion": -caught,
            "the generator's loss is that of true runs, on which it has no influence": named,
            "the generator's loss is halved: it is one term alone": fools / 2})
        if reaches(own, drawn):
            raise Wrong("the critic's loss reaches the generator through the drawn runs, and would teach it to be "
                        "caught: detach them there")
        if not reaches(own, weight):
            raise Wrong("no gradient of the critic's loss reaches the critic: stay with torch, without .item() and "
                        "no_grad()")
        if not reaches(other, drawn):
            raise Wrong("no gradient of the generator's loss reaches the drawn runs, so it teaches nothing: no "
                        ".detach() there")


# ---- references and variants of them ----------------------------------------------------------------------------
def _pixel(grid, y, x, edge=False, wrap=False):
    """Pixels at whole places: 0 outside; edge: the nearest one of the grid; wrap: counted from the other end."""
    import torch

    _, H, W = grid.shape
    inside = (y >= 0) & (y < H) & (x >= 0) & (x < W)
    if wrap:
        inside = (y >= -H) & (y < H) & (x >= -W) & (x < W)
        y, x = torch.where(y < 0, y + H, y), torch.where(x < 0, x + W, x)
    found = grid[:, y.long().clamp(0, H - 1), x.long().clamp(0, W - 1)]
    return found if edge else found * inside


def _between(grid, y, x, *, edge=False, wrap=False, even=False, far=False, cut=False, apart=False):
    """`bilinear` as it should be, or with one mistake.  apart: a pixel counts by 1 - |its distance|, on both sides."""
    low = [(v.trunc() if cut else v.floor()).detach() for v in (y, x)]
    out = 0
    for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
        row, column = low[0] + i, low[1] + j
        by, bx = (1 - v if k else v for v, k in ((y - low[0], 1 - i), (x - low[1], 1 - j)))       # 1 - distance
        if apart:
            by, bx = 1 - (y - row).abs(), 1 - (x - column).abs()
        if far:
            by, bx = 1 - by, 1 - bx
        weight = .25 if even else by * bx
        out = out + weight * _pixel(grid, row, column, edge, wrap)
    return out


def _deformed(x, offset, mask, weight, *, middle=1, spread=1, columns=False, start=1):
    """`deform_conv` as it should be, or with one mistake."""
    import torch

    _, H, W = x.shape
    y0, x0 = (start * v for v in torch.meshgrid(torch.arange(H), torch.arange(W), indexing="ij"))
    out = 0
    for k, (i, j) in enumerate(TAPS):
        i, j = (j, i) if columns else (i, j)
        seen = _between(x, y0 + spread * start * (i - middle) + offset[2 * k],
                        x0 + spread * start * (j - middle) + offset[2 * k + 1])
        out = out + torch.einsum("mc,chw->mhw", weight[:, :, i, j], mask[k] * seen)
    return out


def _turned(offset):
    return offset.unflatten(0, (9, 2)).flip(1).flatten(0, 1)
