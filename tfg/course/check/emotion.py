"""Checks of notebooks/08_emotion_discriminator."""
from __future__ import annotations

import numpy as np

from tfg.course.check.core import Wrong, exercise, same
from tfg.course.check.layers import same_network
from tfg.course.check.steps import Scene, not_cleared, optimiser_of, same_step
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


@exercise(network=True)
def FrameNet(answer):
    """FrameNet(widths, hidden, size, dropout, groups) -> a network from (N, 3, size, size) to (N, hidden[1])."""
    import torch

    from tfg.experts.emotion.network import EmotionConfig, EmotionNet

    for config in (EmotionConfig((4, 4, 8, 8, 6), (12, 7), 64, .3, 2),
                   EmotionConfig((6, 6, 3, 9, 9), (8, 5), 48, .5, 3)):
        want, side = EmotionNet(config).frame, config.size
        x = 2 * torch.rand(4, 3, side, side, generator=torch.Generator().manual_seed(side)) - 1
        got = answer(config.widths, config.hidden, side, config.dropout, config.groups)
        same_network(got, want, (x,), what="the network", mistakes={
            text: _frames_answer(x, **how) for text, how in FRAMES.items()})
        _drops(got, want, x, config.dropout)


FRAMES = {
    "the last activation is missing: each of the two linear layers is followed by one": {"last": False},
    "only the convolutions have an activation: each of the two linear layers is followed by one": {"linear": False},
    "only the linear layers have an activation: each convolution's norm is followed by one": {"maps": False},
    "the activation is a plain ReLU: nn.LeakyReLU(.3) lets three tenths through below 0": {"slope": 0.0},
    "nn.LeakyReLU() has its default slope, .01: give it .3": {"slope": .01},
    "the activation stands before the norm: convolution, norm, activation": {"norm_last": True},
    "the norms are made, but `forward` does not use them": {"norm": False},
}
"""Mistakes in the network of single frames: message -> keywords of `_frames_answer`."""


def _frames_answer(x, *, slope=.3, norm=True, norm_last=False, maps=True, linear=True, last=True):
    """A function from the package's layers to their answer on x, with a mistake."""
    import torch.nn.functional as F
    from torch import nn

    def act(y):
        return F.leaky_relu(y, slope)

    def of(layers):
        y, held = x, [part for part in layers if any(True for _ in part.parameters())]
        for part in held:
            if isinstance(part, nn.Conv2d):
                y = part(y)
            elif isinstance(part, nn.GroupNorm):
                y = part(act(y)) if norm_last else part(y) if norm else y
                y = act(y) if maps and not norm_last else y
            else:
                y = part(y.flatten(1))
                y = act(y) if linear and (last or part is not held[-1]) else y
        return y

    return of


def _drops(network, want, x, share: float) -> None:
    """Raise Wrong unless the network in train mode hides that share at random, and what `want` (same weights) hides."""
    import torch
    from torch import nn

    network.train()
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        if torch.equal(network(x), network(x)):
            raise Wrong(f"there is no dropout: nn.Dropout(dropout) after the flattening hides {share:.0%} of the "
                        "numbers at random while the network learns")
    for name, part in network.named_modules():
        if isinstance(part, nn.Dropout) and part.p != share:
            raise Wrong(f"your `{name}` hides {part.p:.0%}, expected {share:.0%}")
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        answers = []
        for part in (network, want.train()):
            torch.manual_seed(1)                            # both hide the same numbers, if they hide at one place
            answers.append(part(x))
    if not torch.allclose(*answers, atol=1e-4):
        raise Wrong("dropout hides other numbers than it should while the network learns: one nn.Dropout(dropout), not "
                    "Dropout2d, right behind nn.Flatten()")


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
    for people, share in ((10, .2), (4, .5), (5, .05), (9, .3), (9, .25)):
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
        few = [len(some) for some in chosen if len(some) != want]
        if few:
            raise Wrong(f"most seeds give {want} of {people} people, some {few[0]}: a person was drawn twice. "
                        "Draw from np.unique(actors), and each once")
        if len(chosen) == 1:
            raise Wrong("every seed gives the same people: the draw must depend on the seed")
        chosen = set()


def _step(network, teller, frames, emotion, expression, hint, optimiser, *, clears=True, names=1.0, weight=None,
          reduction="mean", squared=True, cut=False, twice=False, late=False, alone=False):
    """One step; the arguments after the star make the mistakes that `emotion_step` names."""
    import torch.nn.functional as F

    def look():
        logits, codes = network(frames, codes=True)
        named = F.cross_entropy(logits.softmax(1) if twice else logits, emotion)
        away = F.mse_loss if squared else F.l1_loss
        told = away(teller(codes.detach() if cut else codes), expression, reduction=reduction)
        return logits, named, names * named + (hint if weight is None else weight(hint)) * told

    logits, named, loss = look()
    if clears:
        optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    if late:
        logits, named, loss = look()
    return (named if alone else loss).item(), (logits.argmax(1) == emotion).float().mean().item()


def _scene(B: int, T: int, hint: float, seed: int) -> Scene:
    """A small network with its teller, and a batch of windows."""
    import torch

    from tfg.experts.emotion.network import EmotionConfig, EmotionNet

    class Small(EmotionNet):
        def forward(self, frames, codes=False):
            if not self.training:
                raise Wrong("the network is in eval mode while it learns: leave its mode as it is")
            return super().forward(frames, codes)

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network, teller = Small(EmotionConfig((4, 4, 4, 4, 6), (8, 7), 16, 0.0, 2)), torch.nn.Linear(7, 52)
        network.name.weight.data *= 4
        frames, expression = torch.rand(B, T, 3, 16, 16), torch.rand(B, T, 52)
        emotion = torch.randint(0, 6, (B,))
    learning = {"the network": list(network.parameters()), "the teller": list(teller.parameters())}
    optimiser, noted = optimiser_of(learning, .5)
    return Scene((network, teller, frames, emotion, expression, hint, optimiser), learning, (noted,))


@exercise
def emotion_step(answer):
    """emotion_step(network, teller, frames (B, T, 3, S, S), emotion (B,), expression (B, T, 52), hint, optimiser) ->
    (loss, share right).

    Both are plain numbers, of before the step.
    """
    for B, T, hint, seed in ((8, 3, 5.0, 0), (6, 2, .5, 1)):
        same_step(answer, lambda B=B, T=T, hint=hint, seed=seed: _scene(B, T, hint, seed), _step,
                  names=("the loss", "the share of right names"),
                  asked="cross entropy + hint * mean squared error", mistakes={
                      not_cleared("optimiser"): {"clears": False},
                      "the hint is missing: hint times the squared error of teller(codes)": {
                          "weight": lambda hint: 0.0},
                      "`hint` has no effect: the squared error is multiplied by it": {"weight": lambda hint: 1.0},
                      "`hint` stands before the wrong loss: names have the weight 1": {
                          "names": hint, "weight": lambda hint: 1.0},
                      "`hint` stands before both losses: names have the weight 1": {"names": hint},
                      "the names are missing: the cross entropy of logits and emotion": {"names": 0.0},
                      "the hint teaches the teller alone: codes go into it with their gradient, without .detach()": {
                          "cut": True},
                      "the softmax is taken twice: F.cross_entropy takes logits": {"twice": True},
                      "the squared errors are added: F.mse_loss takes their mean": {"reduction": "sum"},
                      "the errors are not squared: F.mse_loss, not F.l1_loss": {"squared": False},
                      "that is what the network says after the step: return what it said before": {"late": True},
                      "that is the cross entropy alone: the loss has the hint, too": {"alone": True}},
                  returned={
                      "that is how many are right: divide by all": lambda _, right, n=B: (right[0], n * right[1]),
                      "that is the share of wrong names": lambda _, right: (right[0], 1 - right[1])})


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
            "each frame is hidden by its own mean: take that of the window, of all its frames":
            _hidden(probability, frames, patch, step, frames.mean((2, 3))[:, :, None, None], T) if T > 1 else np.nan,
            "the colour is the first frame's mean: take that of the window, of all its frames":
            _hidden(probability, frames, patch, step, frames[0].mean((1, 2))[:, None, None], T) if T > 1 else np.nan,
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
