"""Checks of notebooks/07_syncnet."""
from __future__ import annotations

import numpy as np

from tfg.course.check.core import Wrong, exercise, parts, same, same_parts
from tfg.course.check.layers import same_network
from tfg.course.check.steps import Scene, not_cleared, optimiser_of, same_step
from tfg.metrics.sync import sync_curve as curve_of


@exercise(learns="frames")
def lower_half(answer):
    """lower_half(frames (B, T, 3, S, S)) -> (B, 3 T, S / 2, S): lips and jaw, the frames of a window as channels."""
    import torch

    for B, T, S in ((2, 5, 8), (3, 4, 12), (1, 5, 6)):
        frames = torch.rand(B, T, 3, S, S, generator=torch.Generator().manual_seed(S))
        h = S // 2
        same(answer(frames.clone()), frames[..., h:, :].flatten(1, 2),
             what=f"lower_half of frames {tuple(frames.shape)}", atol=0, rtol=0, mistakes={
                 "this is the upper half: rows count from the top": frames[..., :h, :].flatten(1, 2),
                 "this is the right half: the second last axis is the rows": frames[..., h:].flatten(1, 2),
                 "this is the left half: the second last axis is the rows": frames[..., :h].flatten(1, 2),
                 "the whole face is still there": frames.flatten(1, 2),
                 "the time went into the batch: it belongs into the channels": frames[..., h:, :].flatten(0, 1),
                 "time and colour are still two axes: join them": frames[..., h:, :],
                 "time and colour are exchanged: first all channels of frame 0, then those of frame 1":
                 frames[..., h:, :].transpose(1, 2).flatten(1, 2)})


@exercise
def moments(answer):
    """moments(n, K, start) -> (K,) int: K of a clip's n windows, spread evenly; start in [0, 1) shifts the first."""
    for n, K, start in ((71, 8, .98), (40, 8, .5), (63, 8, 0.), (52, 6, .37), (100, 8, .13)):
        k = np.arange(K)
        what = f"moments({n}, {K}, {start})"
        same(answer(n, K, start), np.floor((k + start) / K * n).astype(int), what=what, atol=0, rtol=0, mistakes={
            "indices must be whole: round down": (k + start) / K * n,
            "you rounded to the nearest, and the last one may lie beyond the clip: round down":
            np.round((k + start) / K * n),
            "the start is missing: every epoch would bring the same windows": np.floor(k / K * n),
            "the start is counted in windows, not in K-ths of the clip": np.floor(k / K * n + start),
            "they lie side by side: spread them over the whole clip": 5 * k,
            "the last one is n - 1 whatever the start": np.floor(np.linspace(0, n - 1, K))})


@exercise(network=True)
def Tower(answer):
    """Tower(c_in, layers, embedding) -> a network from (B, c_in, H, W) to (B, embedding), no entry below 0."""
    import torch

    from tfg.experts.syncnet.network import SyncNet, SyncNetConfig

    for a, b, c, d, e, embedding in ((4, 6, 8, 10, 12, 16), (3, 4, 4, 8, 8, 9)):
        whole = SyncNet(SyncNetConfig((a, b, c, d, e), 0, embedding, 48))
        picture = [(a, 7, 1), (b, 5, (1, 2)), (c, 3, 2), (d, 3, 2), (e, 3, 2), (e, 3, 2)]
        sound = [(a, 3, 1), (b, 3, (3, 1)), (c, 3, 3), (d, 3, (3, 2))]
        for c_in, layers, want, shape in ((15, picture, whole.face, (24, 48)), (1, sound, whole.sound, (80, 16))):
            x = torch.rand(3, c_in, *shape, generator=torch.Generator().manual_seed(a))
            same_network(answer(c_in, layers, embedding), want, (x,), what="the tower", mistakes={
                text: _towers_answer(x, **how) for text, how in TOWERS.items()})


TOWERS = {
    "there is no ReLU at the end: entries below 0 are left, and a cosine may be negative": {"end": lambda z: z},
    "the ReLU is missing after each norm": {"between": lambda block, x: block.norm(block.conv(x))},
    "the ReLU stands before the norm: convolution, norm, ReLU": {
        "between": lambda block, x: block.norm(block.conv(x).relu())},
    "the norms are made, but `forward` does not use them": {"between": lambda block, x: block.conv(x).relu()},
    "the pooling takes the largest value of each field: nn.AdaptiveAvgPool2d takes the mean": {"most": True},
    "the end is still (B, embedding, 1, 1): nn.Flatten() is missing": {"flat": False},
    "it is divided by its length already: that comes later, for both towers alike": {"unit": True},
}
"""Mistakes in a tower: message -> keywords of `_towers_answer`."""


def _towers_answer(x, *, between=lambda block, x: block(x), end=lambda z: z.relu(), most=False, flat=True, unit=False):
    """A function from the package's tower to its answer on x, with a mistake."""
    import torch.nn.functional as F
    from torch import nn

    from tfg.networks.blocks import Conv

    def of(tower):
        y = x
        for block in (part for part in tower.modules() if isinstance(part, Conv)):
            y = between(block, y)
        last = next(part for part in tower if isinstance(part, nn.Conv2d))
        y = end(last((F.adaptive_max_pool2d if most else F.adaptive_avg_pool2d)(y, 3)))
        y = y.flatten(1) if flat else y
        return F.normalize(y, dim=1) if unit else y

    return of


@exercise(learns="v a")
def sync_loss(answer):
    """sync_loss(v (B, E), a (B, E), label (B,)) -> binary cross entropy of the cosines; no entry is negative."""
    import torch

    draw = torch.Generator().manual_seed(3)
    for B, E in ((6, 8), (9, 16)):
        v, a = torch.rand(B, E, generator=draw), torch.rand(B, E, generator=draw) ** 3
        label = (torch.arange(B) % 3 == 0).float()
        length = v.norm(dim=1) * a.norm(dim=1)
        cosine = (v * a).sum(1) / length

        def bce(p, y=label):
            p = p.clamp(1e-6, 1 - 1e-6)
            return -(y * p.log() + (1 - y) * (1 - p).log())

        same(answer(v.clone(), a.clone(), label.clone()), bce(cosine).mean(), what="the loss", mistakes={
            "the vectors are not made unit vectors: a dot product is a cosine only if both have length 1":
            bce((v * a).sum(1)).mean(),
            "only one of the two vectors is made a unit vector": bce((v * a).sum(1) / v.norm(dim=1)).mean(),
            "label 1 means that they belong together: true and false are exchanged": bce(cosine, 1 - label).mean(),
            "true pairs alone are counted: false ones cost - log(1 - cosine)": -(label * cosine.log()).mean(),
            "the losses of the pairs are added: take their mean": bce(cosine).sum(),
            "the losses of the pairs are not averaged": bce(cosine),
            "the sign is missing: a loss is above 0": -bce(cosine).mean(),
            "the cosine is moved from [-1, 1] to [0, 1]: without negative entries it lies there already":
            bce((1 + cosine) / 2).mean(),
            "one length is taken of all vectors together: each pair has its own, norm(dim=1)":
            bce((v * a).sum(1) / (v.norm() * a.norm())).mean(),
            "it is divided by the squares of the lengths: divide by the lengths":
            bce((v * a).sum(1) / length ** 2).mean(),
            "false pairs alone are counted: true ones cost - log(cosine)":
            -((1 - label) * (1 - cosine).log()).mean(),
            "the cosine went through a sigmoid (binary_cross_entropy_with_logits): it is a probability already":
            bce(cosine.sigmoid()).mean(),
            "that is the squared difference to the label: the price is a logarithm": ((cosine - label) ** 2).mean(),
            "that is 1 - cosine, which asks for agreement of false pairs, too": (1 - cosine).mean()})
    edge = torch.eye(2)
    got = answer(edge, edge, torch.zeros(2))
    if not np.isfinite(float(got)):
        raise Wrong("a false pair with cosine 1 costs infinity: clamp the cosine to [1e-6, 1 - 1e-6] before the log")
    if not 13 < float(got) < 14.7:                                    # - log(1e-6) is 13.8, in float32 13.7 to 13.9
        raise Wrong(f"a false pair with cosine 1 costs {float(got):.3g}, expected 13.8: clamp the cosine to [1e-6, 1 - "
                    "1e-6], no more and no less")


@exercise(learns="fit")
def choice_loss(answer):
    """choice_loss(fit (B, K, K), temperature) -> cross entropy of choosing the right sound, and the right picture."""
    import torch

    draw = torch.Generator().manual_seed(4)
    for B, K, t in ((3, 8, .07), (2, 5, .2)):
        fit = torch.rand(B, K, K, generator=draw)

        def way(dim, x):
            return -torch.log_softmax(x, dim).diagonal(dim1=1, dim2=2).mean()

        z = fit / t
        want = (way(2, z) + way(1, z)) / 2
        same(answer(fit.clone(), t), want, what=f"the loss of {B} clips x {K} moments", mistakes={
            "only the sounds compete for each picture: let the pictures compete for each sound, too": way(2, z),
            "only the pictures compete for each sound: let the sounds compete for each picture, too": way(1, z),
            "the temperature is missing": (way(2, fit) + way(1, fit)) / 2,
            "you multiplied by the temperature: divide": (way(2, fit * t) + way(1, fit * t)) / 2,
            "the two ways are added: take their mean": 2 * want,
            "the minus sign is missing": -want,
            "the probability is not turned into its logarithm":
            -(z.softmax(2) + z.softmax(1)).diagonal(dim1=1, dim2=2).mean() / 2,
            "clips compete with each other: dimension 0 is the clips": way(0, z),
            "all pairs are counted, wrong ones, too: the true ones stand on the diagonal":
            -(torch.log_softmax(z, 2) + torch.log_softmax(z, 1)).mean() / 2,
            "all pairs of a clip compete with each other: one softmax for each row, one for each column":
            -torch.log_softmax(z.flatten(1), 1).unflatten(1, z.shape[1:]).diagonal(dim1=1, dim2=2).mean(),
            "the first sound counts as the true one of every picture: picture k belongs to sound k":
            -(torch.log_softmax(z, 2)[:, :, 0].mean() + torch.log_softmax(z, 1)[:, 0].mean()) / 2,
            "the diagonal is taken over clips and pictures: dim1=1, dim2=2":
            -(torch.log_softmax(z, 2).diagonal(dim1=0, dim2=1).mean()
              + torch.log_softmax(z, 1).diagonal(dim1=0, dim2=1).mean()) / 2,
            "the logarithm is taken of the mean: take the mean of the logarithms":
            -sum(z.softmax(dim).diagonal(dim1=1, dim2=2).mean().log() for dim in (1, 2)) / 2,
            "the temperature counts twice": (way(2, z / t) + way(1, z / t)) / 2,
            "the losses are added up: take their mean": want * B * K})


def _step(network, faces, mels, loss, optimiser, K, *, clears=True, own=False, turned=False, late=False, dim=2,
          mixed=False):
    """One step; the arguments after the star make the mistakes that `sync_step` names."""
    import torch

    def look():
        v, a = (x.unflatten(0, (K, -1)).transpose(0, 1) if mixed else x.unflatten(0, (-1, K))
                for x in network(faces, mels))
        fit = v @ a.transpose(1, 2)
        fit = fit.transpose(1, 2) if turned else fit
        z = fit / .07
        ways = [-torch.log_softmax(z, k).diagonal(dim1=1, dim2=2).mean() for k in (1, 2)]
        return fit, sum(ways) / 2 if own else loss(fit)

    fit, cost = look()
    if clears:
        optimiser.zero_grad()
    cost.backward()
    optimiser.step()
    if late:
        fit, cost = look()
    return cost.item(), (fit.argmax(dim) == torch.arange(K)).float().mean().item()


def _scene(B: int, K: int, seed: int) -> Scene:
    """A small network of two towers, a batch of B clips, and a loss that tells rows from columns."""
    import torch
    import torch.nn.functional as F
    from torch import nn

    g = torch.Generator().manual_seed(seed)

    class Towers(nn.Module):
        def __init__(self):
            super().__init__()
            self.face, self.sound = nn.Linear(15 * 8, 12), nn.Linear(80 * 16, 12)
            for p in self.parameters():
                p.data = torch.randn(p.shape, generator=g) / p.shape[-1] ** .5

        def forward(self, faces, mels):
            if not self.training:
                raise Wrong("the network is in eval mode while it learns: leave its mode as it is")
            return tuple(F.normalize(tower(x.flatten(1)).relu(), dim=1)
                         for tower, x in ((self.face, faces), (self.sound, mels)))

    def loss(fit):
        if tuple(fit.shape) != (B, K, K):
            raise Wrong(f"`loss` is given {tuple(fit.shape)}, expected {(B, K, K)} for {B} clips of {K} windows: "
                        f"unflatten(0, (-1, K)) makes (B, K, E) of each tower's answer, and only windows of one clip "
                        "are compared")
        return (-torch.log_softmax(fit / .5, 2).diagonal(dim1=1, dim2=2)).mean() + (fit[:, 0] ** 2).mean()

    network = Towers()
    learning = {"the network": list(network.parameters())}
    faces, mels = torch.rand(B * K, 15, 2, 4, generator=g), torch.randn(B * K, 1, 80, 16, generator=g)
    optimiser, noted = optimiser_of(learning, .5)
    return Scene((network, faces, mels, loss, optimiser, K), learning, (noted,))


@exercise
def sync_step(answer):
    """sync_step(network, faces (B * K, 15, h, w), mels (B * K, 1, 80, 16), loss, optimiser, K) -> (loss, share right).

    Both are plain numbers, of before the step; `loss` takes the cosines (B, K, K).
    """
    for B, K, seed in ((3, 8, 3), (4, 5, 3)):             # of these no row has two largest cosines
        same_step(answer, lambda B=B, K=K, seed=seed: _scene(B, K, seed), _step,
                  names=("the loss", "the share of right choices"), mistakes={
                      not_cleared("optimiser"): {"clears": False},
                      "you took a loss of your own: it is an argument, loss(fit)": {"own": True},
                      "rows are sounds there: fit[b, i, j] is picture i with sound j": {"turned": True},
                      "windows of several clips stand in one row: a clip's K windows follow each other, so "
                      "unflatten(0, (-1, K))": {"mixed": True},
                      "that is what the network says after the step: return what it said before": {"late": True},
                      "the pictures are chosen for each sound: argmax over the sounds, axis 2, chooses a sound for "
                      "each picture": {"dim": 1}},
                  returned={
                      "that is how many are right: divide by all": lambda _, right, n=B * K: (right[0], n * right[1]),
                      "that is the share of wrong choices": lambda _, right: (right[0], 1 - right[1])})


@exercise
def sync_curve(answer):
    """sync_curve(picture (N, E), sound (N, E), reach) -> (2 reach + 1,): D(s), the mean over i of |v_i - a_(i+s)|."""
    rng = np.random.default_rng(5)
    for N, reach in ((40, 15), (30, 4), (10, 15)):
        picture, sound = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in rng.uniform(0, 1, (2, N, 6)) ** 2)
        want = curve_of(picture, sound, reach)
        near = [_partners(picture, sound, s) for s in range(-reach, reach + 1)]
        rolled = [picture - np.roll(sound, -s, 0) for s in range(-reach, reach + 1)]
        padded = np.pad(sound, ((reach, reach), (0, 0)))
        zeros = [picture - padded[reach + s:reach + s + N] for s in range(-reach, reach + 1)]
        same(answer(picture.copy(), sound.copy(), reach), want, what=f"D(s) of {N} windows, s = -{reach} .. {reach}",
             mistakes={
                 "the direction is wrong: D(s) compares frame i with the sound of i + s": want[::-1],
                 "np.roll brings the end of the sound to the beginning: leave such windows out": _means(rolled),
                 "missing partners count as zeros: leave such windows out of the mean": _means(zeros),
                 "distances are squared: take the root": [d @ d / len(d) if len(d) else np.nan
                                                          for d in (np.linalg.norm(a - b, axis=1) for a, b in near)],
                 "the distances are added: take their mean": want * [len(a) for a, _ in near],
                 "the mean divides by N: divide by the number of windows that have a partner":
                 want * [len(a) / N for a, _ in near],
                 "this is the cosine: D is a distance, small where they agree":
                 [(a * b).sum(1).mean() if len(a) else np.nan for a, b in near],
                 "where no window has a partner, D is not known: np.nan": np.nan_to_num(want),
                 "the last shift, s = reach, is missing": want[:-1]})


def _partners(picture, sound, s: int):
    n = len(picture)
    keep = max(0, n - abs(s))
    return picture[max(0, -s):][:keep], sound[max(0, s):][:keep]


def _means(differences):
    return [np.linalg.norm(d, axis=1).mean() for d in differences]


@exercise
def sync_scores(answer):
    """sync_scores(curve (2 R + 1,)) -> (lse_d, lse_c, offset): the least D, median - least, and where, in frames."""
    rng = np.random.default_rng(6)
    for R, best, blank in ((15, 3, 0), (15, -7, 2), (10, 0, 0)):
        curve = rng.uniform(.9, 1.3, 2 * R + 1) ** 2
        curve[R + best] = .6
        if blank:
            curve[:blank] = curve[-blank:] = np.nan
        low, middle = np.nanmin(curve), np.nanmedian(curve)
        got = answer(curve.copy())
        got = parts(got, "lse_d", "lse_c", "offset")
        what = f"a curve with its minimum at s = {best}" + (", NaN at its ends" if blank else "")
        same_parts(got, [low, middle - low, best], ("lse_d", "lse_c", "offset"), what=what, mistakes={
                 "NaN is not left out: np.nanmin, np.nanmedian, np.nanargmin":
                 [np.min(curve), np.median(curve) - np.min(curve), np.argmin(curve) - R],
                 "the offset is an index: the middle of the curve is s = 0": [low, middle - low, R + best],
                 "the offset has the wrong sign": [low, middle - low, -best],
                 "LSE-C takes the median, not the mean": [low, np.nanmean(curve) - low, best],
                 "LSE-C takes the median, not the maximum": [low, np.nanmax(curve) - low, best],
                 "LSE-C has the wrong sign: more is better": [low, low - middle, best],
                 "LSE-C is a difference, median minus minimum": [low, middle, best],
                 "the first two are exchanged": [middle - low, low, best],
                 "the best shift is where D is least, not where it is greatest":
                 [low, middle - low, np.nanargmax(curve) - R]})
