"""Checks of notebooks/03_action_units_and_expression."""
from __future__ import annotations

import warnings

import numpy as np

from tfg import vocabulary
from tfg.course.check.core import Wrong, exercise, same


@exercise
def action_unit(answer):
    """action_unit(expression (T, 52), name) -> (T,) in 0..5, left and right averaged."""
    rng = np.random.default_rng(1)
    for name in ("mouthSmile", "browDown", "jawOpen", "noseSneer"):
        expression = rng.uniform(0, 1, (7, 52)).astype(np.float32)
        picked = expression[:, vocabulary.index(name)]
        want = 5 * picked.mean(1)
        one_sided = {} if picked.shape[1] == 1 else {
            "you added left and right instead of averaging them": 5 * picked.sum(1),
            "only the left side is used": 5 * picked[:, 0], "only the right side is used": 5 * picked[:, 1],
            "you took the stronger side instead of the average": 5 * picked.max(1)}
        same(answer(expression, name), want, what=f"action_unit(expression, {name!r})", mistakes={
            "the scale is 0 to 1; Action Units are given from 0 to 5": want / 5,
            "you averaged over time too: keep one value per frame": want.mean(),
            "the rounding to whole numbers loses what a network needs": np.round(want)} | one_sided)


@exercise
def move(answer):
    """move(mean (V, 3), basis (E, V, 3), amounts (E,)) -> (V, 3)."""
    rng = np.random.default_rng(2)
    for v, e in ((11, 4), (30, 52), (5, 5)):
        mean, basis, amounts = rng.normal(size=(v, 3)), rng.normal(size=(e, v, 3)), rng.normal(size=e)
        offset = np.tensordot(amounts, basis, 1)
        before = mean.copy()
        got = answer(mean, basis, amounts)
        same(got, before + offset, what="move", mistakes={
            "the mean shape is missing": offset, "the offsets are subtracted": before - offset,
            "the offsets are averaged, not summed": before + offset / e,
            "the amounts are limited to 0 to 1: those of an identity go beyond":
            before + np.tensordot(np.clip(amounts, 0, 1), basis, 1),
            "the amounts lose their sign": before + np.tensordot(abs(amounts), basis, 1),
            "every offset is taken in full: weight them by the amounts": before + basis.sum(0),
            "the amounts are normalised to sum to 1": before + offset / amounts.sum()})


@exercise(learns="points scale shift")
def project(answer):
    """project(points (N, 3) m, scale, shift (2,), camera_m) -> (N, 2) px, perspective, y down.  torch tensors."""
    import torch

    rng = np.random.default_rng(3)
    for n in (4, 60):
        points = rng.uniform(-0.12, 0.12, (n, 3))
        scale, shift, far = float(rng.uniform(500, 3000)), rng.uniform(50, 400, 2), float(rng.uniform(0.6, 2))
        nearer = 1 / (1 - points[:, 2:] / far)
        flip = np.array([1, -1])
        tensors = [torch.tensor(x, dtype=torch.float64) for x in (points, scale, shift)]
        got = answer(*tensors, far)
        same(got, torch.tensor(points[:, :2] * nearer * flip * scale + shift), what="project", atol=1e-3, mistakes={
            "y still points up: in pictures it points down": points[:, :2] * nearer * scale + shift,
            "there is no perspective: what is nearer must become larger": points[:, :2] * flip * scale + shift,
            "what is nearer becomes smaller: z points towards the camera, so the distance is camera_m - z":
            points[:, :2] / (1 + points[:, 2:] / far) * flip * scale + shift,
            "you multiplied by 1 - z / d where the text divides": points[:, :2] / nearer * flip * scale + shift,
            "the shift is flipped as well: add it last": (points[:, :2] * nearer * scale + shift) * flip,
            "the shift is scaled as well: add it last": (points[:, :2] * nearer * flip + shift) * scale,
            "the shift is missing": points[:, :2] * nearer * flip * scale})


@exercise(learns="xy identity expression")
def fit_loss(answer):
    """fit_loss(xy (N, 2), target (N, 2), eye_px, identity, expression, weight) -> scalar torch tensor."""
    import torch

    rng = np.random.default_rng(4)
    for n in (5, 40):
        xy, target = (torch.tensor(rng.uniform(0, 256, (n, 2)), requires_grad=r) for r in (True, False))
        identity, expression = (torch.tensor(rng.normal(size=k), requires_grad=True) for k in (9, 52))
        eye, weight = float(rng.uniform(30, 120)), float(rng.uniform(0.05, 0.5))
        square = ((xy - target) ** 2).sum(1)
        prior = (identity ** 2).mean() + (expression ** 2).mean()
        data = square.mean() / eye ** 2
        got = answer(xy, target, eye, identity, expression, weight)
        both = data + weight * prior
        same(got, both.detach(), what="fit_loss", mistakes={k: v.detach() for k, v in {
            "the prior is missing": data, "the weight is missing": data + prior,
            "the distance is still in pixels: divide by the eye distance": square.mean() + weight * prior,
            "you divided by the eye distance once: a squared distance needs its square": square.mean() / eye
            + weight * prior,
            "you averaged distances, not their squares": square.sqrt().mean() / eye + weight * prior,
            "you averaged over x and y as well: sum those two, average over the points": data / 2 + weight * prior,
            "you summed over the points instead of averaging": square.sum() / eye ** 2 + weight * prior,
            "only the identity has a prior": data + weight * (identity ** 2).mean(),
            "only the expression has a prior": data + weight * (expression ** 2).mean(),
            "the weight is for the identity only: put both averages in brackets": data + weight * (identity ** 2).mean()
            + (expression ** 2).mean(),
            "identity and expression share one average: each has its own": data + weight * torch.cat(
                [identity, expression]).square().mean(),
            "the prior sums the squares: average them": data + weight * ((identity ** 2).sum()
                                                                       + (expression ** 2).sum())}.items()})


@exercise
def emotion_change(answer):
    """emotion_change(expression (T, 52), neutral (S, 52)) -> (52,) change of the mean; NaN where not measured."""
    rng = np.random.default_rng(5)
    for t, s in ((30, 44), (12, 9)):
        expression, neutral = rng.uniform(0, 1, (t, 52)), rng.uniform(0, 1, (s, 52))
        expression[:3, 7], neutral[2:4, 20] = np.nan, np.nan
        expression[:, 30] = neutral[:, 30] = np.nan         # in no frame
        zeros = [np.nan_to_num(x) for x in (expression, neutral)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)                             # of the mean of nothing
            got = answer(expression, neutral)
            felt, said = np.nanmean(expression, 0), np.nanmean(neutral, 0)
            peaks = np.nanmax(expression, 0) - np.nanmax(neutral, 0)
        if np.shape(got) == (52,) and np.isnan(np.asarray(got, float)[[7, 20]]).any():
            raise Wrong("one frame that was not measured (NaN) erases a whole coefficient: np.nanmean skips it")
        zeros_kept = zeros[0].mean(0) - zeros[1].mean(0)
        same(got, felt - said, what="emotion_change", mistakes={
            "the sign is the wrong one: what the emotion adds is emotion minus neutral": said - felt,
            "the sign is lost (abs): a coefficient can fall as well": abs(felt - said),
            "the neutral clip was not subtracted": felt,
            "what was not measured counts as 0: leave it out, np.nanmean does": zeros_kept,
            "what was not measured counts as 0: leave it out, np.nanmean does so": np.where(
                np.isnan(felt), np.nan, zeros_kept),
            "you averaged over the coefficients; average over time": np.nanmean(expression) - np.nanmean(neutral),
            "you compared the strongest moments, not the averages": peaks})
