"""Checks of notebooks/08_emotion_discriminator."""
from __future__ import annotations

import numpy as np

from tfg.course.check.core import Wrong, exercise, same
from tfg.course.explore.emotion import confusion_matrix, occlusion


@exercise(learns="x")
def fold_frames(answer):
    """fold_frames(x (B, C, T, H, W)) -> (B * T, C, H, W): whole frames, those of a window one after the other."""
    import torch

    for B, C, T, H, W in ((2, 3, 5, 4, 6), (3, 3, 2, 5, 5), (1, 3, 7, 3, 4)):
        x = torch.rand(B, C, T, H, W, generator=torch.Generator().manual_seed(T))
        frames = x.movedim(2, 1)                                                                # (B, T, C, H, W)
        same(answer(x.clone()), frames.reshape(B * T, C, H, W), what=f"fold_frames of {tuple(x.shape)}", mistakes={
            'the axes are only renamed: each "frame" is three time steps of one colour. Move T before C first':
            x.reshape(B * T, C, H, W),
            "the windows alternate (first frames of all windows, then second ones): B comes before T":
            x.permute(2, 0, 1, 3, 4).reshape(B * T, C, H, W) if B > 1 else np.nan,
            "T moved, but is not folded into the batch yet": frames,
            "height and width are exchanged": frames.reshape(B * T, C, H, W).transpose(2, 3)})


@exercise(learns="logits")
def soft_cross_entropy(answer):
    """soft_cross_entropy(logits (B, 6), target (B, 6)) -> scalar: mean over B of -sum(target * log softmax)."""
    import torch

    rng = torch.Generator().manual_seed(4)
    for B, strength in ((4, 1.0), (7, 3.0)):
        logits = (strength * torch.randn(B, 6, generator=rng)).requires_grad_()
        target = torch.rand(B, 6, generator=rng).softmax(1) ** 3
        target[0] = torch.eye(6)[2]
        target = target / target.sum(1, keepdim=True)
        log_p, p = logits.log_softmax(1).detach(), logits.softmax(1).detach()
        each = -(target * log_p).sum(1)
        entropy = -(target * target.clamp_min(1e-12).log()).sum(1)
        got = answer(logits, target.clone())
        same(got, each.mean(), what="soft_cross_entropy", atol=1e-5, rtol=1e-5, mistakes={
            "the minus is missing": -each.mean(), "the losses of the batch are added: take their mean": each.sum(),
            "you took the mean over the six classes, too: add these up": each.mean() / 6,
            "the loss is per example: take the mean over the batch": each,
            "only the largest share counts, as if the label were hard":
            -log_p[torch.arange(B), target.argmax(1)].mean(),
            "target and prediction are exchanged": -(p * target.clamp_min(1e-12).log()).sum(1).mean(),
            "the softmax runs over the batch; it belongs over the six classes, dim=1":
            -(target * logits.log_softmax(0).detach()).sum(1).mean(),
            "the logits are no log-probabilities yet: subtract their logsumexp":
            -(target * logits.detach()).sum(1).mean(),
            "the logarithm is missing": -(target * p).sum(1).mean(),
            "the softmax is taken twice: F.cross_entropy takes logits": -(target * p.log_softmax(1)).sum(1).mean(),
            "the logarithm is to base 2: use the natural one": each.mean() / np.log(2),
            "that is the KL divergence: the entropy of the target is missing": (each - entropy).mean()})
    large = answer(torch.tensor([[1000.0, 0, 0, 0, 0, 0]]), torch.eye(6)[1:2])
    if not np.isclose(float(large), 1000.0):
        raise Wrong(f"logits of 1000 and 0 give {float(large)}, expected 1000: exp(1000) overflows and log(0) is -inf. "
                    "torch.logsumexp (or log_softmax) does not compute them")


@exercise
def split_by_actor(answer):
    """split_by_actor(actors (N,), share, seed) -> (N,) bool: True for clips of max(1, round(share * people)) people."""
    rng, chosen = np.random.default_rng(3), set()
    for people, share in ((10, .2), (4, .5), (5, .05), (9, .3)):
        names = np.array([f"V{k:03d}" for k in range(people)])
        actors = rng.permutation(np.repeat(names, rng.integers(3, 9, people)))
        got = answer(actors.copy(), share, 1)
        got = np.asarray(got)
        if got.dtype != bool or got.shape != actors.shape:
            raise Wrong(f"expected one True or False for each of {len(actors)} clips, got {got.dtype} of shape "
                        f"{got.shape}: np.isin(actors, the test people) gives that")
        both = sorted(set(actors[got]) & set(actors[~got]))
        if both:
            raise Wrong(f"{both[0]} is on both sides: draw people, not clips")
        want, n = max(1, round(share * people)), len(set(actors[got]))
        if n == people - want and n != want:
            raise Wrong(f"{n} of {people} people are True at a share of {share}: True is the test side")
        if n != want:
            raise Wrong(f"{n} of {people} people are in the test at a share of {share}, expected {want}: round, and "
                        "take at least one")
        if not np.array_equal(got, answer(actors.copy(), share, 1)):
            raise Wrong("the same seed gave another split: draw from np.random.default_rng(seed)")
        chosen |= {tuple(sorted(set(actors[np.asarray(answer(actors.copy(), share, s))]))) for s in range(6)}
        if len(chosen) == 1:
            raise Wrong("every seed gives the same people: the draw must depend on the seed")
        chosen = set()


@exercise
def confusion(answer):
    """confusion(true (N,), said (N,)) -> (6, 6): row = acted, column = said, each row sums to 1; NaN without clips."""
    rng = np.random.default_rng(6)
    for N, present in ((60, 6), (25, 5), (9, 2)):
        true = rng.integers(0, present, N)
        said = np.where(rng.random(N) < .5, true, rng.integers(0, 6, N))
        counts = np.zeros((6, 6))
        np.add.at(counts, (true, said), 1)
        want = confusion_matrix(true, said)
        once = (counts > 0).astype(float)
        with np.errstate(invalid="ignore"):
            same(answer(true.copy(), said.copy()), want, what=f"confusion of {N} clips", atol=1e-6, mistakes={
                "those are counts: divide each row by its sum": counts,
                "rows and columns are exchanged: rows are what was acted": want.T,
                "rows are what was said; they should be what was acted": confusion_matrix(said, true),
                "each column sums to 1; each row should": counts / counts.sum(0),
                "you divided by all clips, not by those of the row": counts / N,
                "pairs that come several times are counted once: counts[true, said] += 1 does that; use np.add.at":
                once / once.sum(1, keepdims=True),
                "a row without clips is 0, as if every answer had been wrong: nothing is known there, so NaN":
                np.nan_to_num(want) if present < 6 else counts * np.nan,
                "the result is in per cent; give shares": 100 * want})


@exercise
def occlusion_map(answer):
    """occlusion_map(probability, frames (T, 3, S, S), patch, step) -> (n, n): how far the probability falls."""
    import torch

    rng = torch.Generator().manual_seed(8)
    for T, S, patch, step in ((5, 12, 4, 4), (2, 10, 4, 2), (1, 9, 3, 3)):
        frames = torch.rand(T, 3, S, S, generator=rng)
        weight = torch.randn(T, 3, S, S, generator=rng)

        def probability(batch, weight=weight):
            if batch.ndim != 5:
                raise Wrong(f"probability wants windows of shape (B, T, 3, S, S), it was given {tuple(batch.shape)}: "
                            "frames[None] is a batch of one")
            return (batch * weight).mean((1, 2, 3, 4)).mul(20).sigmoid()

        want = occlusion(probability, frames, patch, step)
        got = answer(probability, frames.clone(), patch, step)
        same(got, want, what=f"occlusion_map ({S} px, patch {patch}, step {step})", atol=1e-5, mistakes={
            "the sign is wrong: before minus after, so that important places are positive": -want,
            "x and y are exchanged: rows go down": want.T,
            "you returned the probability that is left, not how far it fell":
            float(probability(frames[None])[0]) - want,
            "the patches stay: hide one, look, and start again from the whole picture (clone)":
            _stay(probability, frames, patch, step),
            "only the first frame is hidden: hide the patch in all of them":
            _hidden(probability, frames, patch, step, frames.mean((0, 2, 3))[:, None, None], 1) if T > 1 else np.nan,
            "you hide with black, which is a feature, too: use the window's mean colour":
            _hidden(probability, frames, patch, step, torch.zeros(3, 1, 1), T),
            "one grey for all three colours: take the mean of each": _hidden(probability, frames, patch, step,
                                                                             frames.mean(), T)})


def _places(frames, patch, step):
    starts = range(0, frames.shape[-1] - patch + 1, step)
    return len(starts), [(y, x) for y in starts for x in starts]


def _hidden(probability, frames, patch, step, colour, first):
    """The map if `colour` hides patches in the `first` frames."""
    n, places = _places(frames, patch, step)
    out, whole = [], float(probability(frames[None])[0])
    for y, x in places:
        changed = frames.clone()
        changed[:first, :, y:y + patch, x:x + patch] = colour
        out.append(whole - float(probability(changed[None])[0]))
    return np.array(out).reshape(n, n)


def _stay(probability, frames, patch, step):
    """The map if no patch is taken away again."""
    n, places = _places(frames, patch, step)
    out, whole, changed = [], float(probability(frames[None])[0]), frames.clone()
    for y, x in places:
        changed[:, :, y:y + patch, x:x + patch] = frames.mean((0, 2, 3))[:, None, None]
        out.append(whole - float(probability(changed[None])[0]))
    return np.array(out).reshape(n, n)
