"""Checks of notebooks/07_syncnet."""
from __future__ import annotations

import numpy as np

from tfg.course.check.core import Wrong, exercise, parts, same, same_parts
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
