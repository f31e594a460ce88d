"""Checks of notebooks/11_expression_vectors."""
from __future__ import annotations

import numpy as np

from tfg.course.check.core import Wrong, exercise, parts, same
from tfg.course.check.layers import same_network
from tfg.course.check.wrong import Stopped
from tfg.vocabulary import EXPRESSION, POSE, index

LIDS = index("eyeBlink")


@exercise
def to_25fps(answer):
    """to_25fps(curves (T, C), fps) -> (round(25 T / fps), C): the same curves, read off every 1/25 s."""
    rng = np.random.default_rng(10)
    for T, fps in ((31, 30.0), (23, 24.0), (18, 59.94), (12, 25.0), (1, 30.0)):
        curves = np.cumsum(rng.normal(size=(T, 3)), 0)
        n, old = max(1, round(T * 25 / fps)), np.arange(T) / fps
        new = np.arange(n) / 25
        same(answer(curves.copy(), fps), _read(new, old, curves), what=f"to_25fps of {T} frames at {fps}", mistakes={
            "the frames were only relabelled: as many as before, so that everything happens in slow motion (or too "
            "fast) and drifts away from the sound": curves if n != T else np.nan,
            "each moment takes the frame before it, so that lips come up to 33 ms late; read between two frames":
            curves[np.clip((new * fps + 1e-9).astype(int), 0, T - 1)],
            "each moment takes the nearest frame: read between two frames, np.interp does it":
            curves[np.clip(np.round(new * fps).astype(int), 0, T - 1)],
            "first and last frames are laid on each other and the rest is stretched: then a second is no second. New "
            "moments are k / 25, old ones i / fps": _read(np.linspace(0, T - 1, n), np.arange(T), curves),
            "the moments are exchanged: you brought it from 25 to fps": _exchanged(T, fps, curves),
            "a frame is missing: the length is rounded, not cut off": _read(new, old, curves)[:int(T * 25 / fps)]})


def _read(new, old, curves) -> np.ndarray:
    return np.stack([np.interp(new, old, c) for c in curves.T], 1)


def _exchanged(T: int, fps: float, curves) -> np.ndarray:
    return _read(np.arange(max(1, round(T * fps / 25))) / fps, np.arange(T) / 25, curves)


@exercise(network=True)
def TimeBlock(answer):
    """TimeBlock(hidden, dilation) -> a network from (B, T, hidden) to (B, T, hidden).

    x + conv(norm(gelu(conv(norm(x))))), as `tfg.networks.blocks.TemporalBlock`.
    """
    import torch
    import torch.nn.functional as F

    from tfg.networks.blocks import TemporalBlock

    def other(x, *, gelu=F.gelu, first=True, add=lambda x, b: x, late=False):
        """A function from the block to its answer with a mistake."""
        def run(b):
            h = b.conv1((b.norm1(x) if first else x).transpose(1, 2)).transpose(1, 2)
            h = gelu(b.norm2(h)) if late else b.norm2(gelu(h))
            return add(x, b) + b.conv2(h.transpose(1, 2)).transpose(1, 2)
        return run

    for hidden, dilation in ((6, 1), (8, 4)):
        x = torch.randn(2, 13, hidden, generator=torch.Generator().manual_seed(dilation))
        want = _as_used(TemporalBlock(hidden, 3, dilation, 0.0))
        same_network(answer(hidden, dilation), want, (x,), what=f"TimeBlock({hidden}, {dilation})", mistakes={
            "x itself is not added at the end: a block changes what it gets, it does not replace it":
            other(x, add=lambda x, b: 0 * x),
            "the normed x is added at the end, not x as it came in": other(x, add=lambda x, b: b.norm1(x)),
            "there is no GELU between the two convolutions": other(x, gelu=lambda h: h),
            "that is a ReLU; here it is a GELU, F.gelu": other(x, gelu=F.relu),
            "the GELU comes after the second norm: it stands before it": other(x, late=True),
            "there is a GELU at the end, too: the sum goes on as it is": lambda b, x=x: F.gelu(b(x))})


def _as_used(block):
    """A TemporalBlock whose parts stand in the order in which they are used, as learners make them."""
    block._modules = {name: block._modules[name] for name in ("norm1", "conv1", "norm2", "conv2", "drop")}
    return block


@exercise(network=True)
def VoiceToFace(answer):
    """VoiceToFace(filters, hidden, dilations) -> a network: windows (B, T, 80, 16), rest (B, 52), blink (B, T) to faces
    (B, T, 52).

    As `tfg.systems.expression.expnet.network.ExpNet` with the small encoder.
    """
    import torch
    import torch.nn.functional as F

    from tfg.systems.expression.expnet.network import ExpNet, ExpNetConfig

    def other(windows, rest, blink, *, ear=F.gelu, blocks=True, gelu=F.gelu, order=(0, 1, 2), over=lambda r, o:
              r + (1 - r) * o):
        """A function from the network to its answer with a mistake."""
        def run(net):
            patches = windows.unfold(2, 8, 4).flatten(3)
            x = net.encoder.out(ear(net.encoder.filter(patches)).flatten(2))
            for block in net.blocks if blocks else ():
                x = block(x)
            r = rest[:, None].expand(-1, x.shape[1], -1)
            told = (net.norm(gelu(x)), r, blink[..., None])
            return over(r, net.out(torch.cat([told[k] for k in order], -1)))
        return run

    for filters, hidden, dilations in ((4, 6, (1, 2)), (3, 8, (1, 2, 4))):
        g = torch.Generator().manual_seed(hidden)
        given = (torch.randn(2, 9, 80, 16, generator=g), .2 + .6 * torch.rand(2, len(EXPRESSION), generator=g),
                 torch.rand(2, 9, generator=g))
        want = ExpNet(ExpNetConfig((), filters, hidden, dilations, 3, 0.0, True))
        torch.nn.init.normal_(want.out.weight, std=.05)
        for block in want.blocks:
            _as_used(block)
        same_network(answer(filters, hidden, dilations), want, given, what="VoiceToFace", mistakes={
            "the rest is missing at the end: what the linear layer says is an offset from it":
            other(*given, over=lambda r, o: o),
            "the offset is added to the rest as it is: it is a share of what is left up to 1, rest + (1 - rest) * "
            "offset": other(*given, over=lambda r, o: r + o),
            "the blocks over time are made, but the frames never meet": other(*given, blocks=False),
            "the GELU after the filters is missing": other(*given, ear=lambda h: h),
            "the GELU before the norm is missing": other(*given, gelu=lambda h: h),
            "the last layer takes them in another order: code, rest, blink": other(*given, order=(1, 0, 2)),
            "the last layer takes them in another order: the code first, then rest, then blink":
            other(*given, order=(0, 2, 1)),
            "the last layer takes them in another order: code before rest before blink":
            other(*given, order=(1, 2, 0)),
            "the last layer takes them in another order: blink is the last": other(*given, order=(2, 0, 1))})


@exercise
def shut_lids(answer):
    """shut_lids(face (T, 52), blink (T,)) -> (T, 52): each lid goes the share `blink` of its way to shut (1)."""
    rng = np.random.default_rng(2)
    for T in (9, 6):
        face, blink = rng.uniform(.1, .6, (T, len(EXPRESSION))), rng.uniform(.1, .9, T)
        blink[:2] = 0, 1

        def lids(values, columns=LIDS, face=face):
            out = face.copy()
            out[:, columns] = values
            return out

        now, b = face[:, LIDS], blink[:, None]
        want = now + (1 - now) * b
        same(answer(face.copy(), blink.copy()), lids(want), what="shut_lids", mistakes={
            "the lids are replaced by the signal: whose eyes are narrow at rest, or squint, opens them wide": lids(
                b * np.ones(2)),
            "the signal is added: the lids go beyond shut (1). They go a share of what is still open": lids(now + b),
            "the signal is added and cut off at 1: a half blink of narrow eyes would be more than half. They go a "
            "share of what is still open": lids(np.minimum(now + b, 1)),
            "the larger of the two is taken: the lids go a share of what is still open": lids(np.maximum(now, b)),
            "the lids are multiplied: where nobody blinks the eyes would be wide open": lids(now * b),
            "the eyes open where they should shut: 1 is shut": lids(now * (1 - b)),
            "the signal is turned round: 1 is shut": lids(now + (1 - now) * (1 - b)),
            "only the left lid moves": lids(want[:, :1], LIDS[:1]), "only the right lid moves": lids(
                want[:, 1:], LIDS[1:]),
            "the whole face goes to 1: only the columns of eyeBlink do": face + (1 - face) * b,
            "only the lids came back: the rest of the face belongs to the target, too": want,
            "nothing has changed": face})


@exercise(learns=("mean logvar", "mean logvar"))
def code_and_price(answer):
    """code_and_price(mean, logvar, noise (B, D)) -> (z (B, D), KL ()): z = mean + std noise, KL to N(0, 1)."""
    import torch

    for B, D in ((5, 4), (3, 7)):
        g = torch.Generator().manual_seed(B)
        mean, logvar, noise = (torch.randn(B, D, generator=g) for _ in "mln")
        mean.requires_grad_(), logvar.requires_grad_()
        m, v, e = (x.detach() for x in (mean, logvar, noise))
        got = answer(mean, logvar, noise.clone())
        z, kl = parts(got, "the code z", "its price KL")
        if not _alike(z, answer(mean, logvar, noise.clone())[0]):
            raise Wrong("another call gives another z: use the noise that you are given")
        each = (m ** 2 + v.exp() - 1 - v) / 2                                              # (B, D), 0 or more
        same(z, m + (v / 2).exp() * e, what="z", mistakes={
            "the noise is as large as the variance: logvar is the logarithm of the VARIANCE, its root is "
            "exp(logvar / 2)": m + v.exp() * e,
            "logvar itself is taken for the standard deviation: it may be negative; exp(logvar / 2)": m + v * e,
            "the noise is not scaled: exp(logvar / 2) times the noise": m + e,
            "the noise is missing: then the code is a place, not a cloud, and nobody can sample later": m,
            "it is multiplied: mean + exp(logvar / 2) * noise": m * (v / 2).exp() * e})
        same(kl, each.sum(1).mean(), what="the KL", mistakes={
            "the sign is wrong: the KL is never below 0": -each.sum(1).mean(),
            "the half is missing": 2 * each.sum(1).mean(),
            "it is averaged over the D numbers of a code: add them, each must be sent": each.mean(),
            "it is averaged over the D numbers of a code: add them, each must be sent, and average over the chunks":
            each.mean(1).sum(),
            "it is added up over the chunks of the batch: take their mean, or the price grows with the batch":
            each.sum(),
            "the - 1 is missing: a code that is N(0, 1) would not be free": each.sum(1).mean() + D / 2,
            "the variance in it is exp(logvar), not exp(logvar / 2)":
            ((m ** 2 + (v / 2).exp() - 1 - v) / 2).sum(1).mean(),
            "logvar comes in with the wrong sign: mean^2 + exp(logvar) - 1 - logvar":
            ((m ** 2 + v.exp() - 1 + v) / 2).sum(1).mean(),
            "the mean has no price: mean^2 is missing": ((v.exp() - 1 - v) / 2).sum(1).mean(),
            "there is one price for each chunk: take their mean": each.sum(1)})


def _alike(a, b) -> bool:
    """Whether two results are equal; what is no tensor is judged elsewhere."""
    return not hasattr(a, "detach") or np.allclose(a.detach(), b.detach(), atol=1e-5, equal_nan=True)


FRAMES, HEARD, N_POSE = 32, 4, len(POSE)
"""Frames of a chunk of `ToyVAE`, curves of its sound, numbers of its pose."""


@exercise(network=True)
def ToyVAE(answer):
    """ToyVAE(latent, hidden) -> a network: chunk (B, 32, 6), heard (B, 32, 4), noise (B, latent) to (chunk, KL ()).

    `decode(z, heard)` alone gives a chunk.  Its layers are those of PoseVAE's perceptrons (encoder, mean, logvar,
    decoder), without style and frames before.
    """
    import torch

    for latent, hidden in ((3, 10), (5, 8)):
        g = torch.Generator().manual_seed(latent)
        chunk, heard, noise = (torch.randn(4, *shape, generator=g)
                               for shape in ((FRAMES, N_POSE), (FRAMES, HEARD), (latent,)))
        net, want = answer(latent, hidden), _toy_vae(latent, hidden)
        same_network(net, want, (chunk, heard, noise), what="ToyVAE", mistakes={
            "logvar comes from the layer of the mean, as in the published code: half of the clouds cannot be asked for":
            lambda v, x=(chunk, heard, noise): v(*x, logvar=v.mean),
            "the noise is missing: the decoder sees the middle of each cloud only, and cannot draw from others later":
            lambda v, x=(chunk, heard, 0 * noise): v(*x),
            "the encoder takes them in another order: the chunk, then what is heard":
            lambda v, x=(chunk, heard, noise): v(*x, order=-1),
            "the decoder takes them in another order: z, then what is heard":
            lambda v, x=(chunk, heard, noise): v(*x, decoded=-1),
            "the noise alone is decoded: z = mean + std noise": lambda v, x=(chunk, heard, noise): (
                v.decode(x[2], x[1]), v(*x)[1])})
        _same_decode(net, want, torch.randn(4, latent, generator=g), heard)


def _toy_vae(latent: int, hidden: int):
    """The reference of `ToyVAE`."""
    import torch
    from torch import nn

    class Plain(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = nn.Sequential(nn.Linear(FRAMES * (N_POSE + HEARD), hidden), nn.ReLU())
            self.mean, self.logvar = nn.Linear(hidden, latent), nn.Linear(hidden, latent)
            self.decoder = nn.Sequential(nn.Linear(latent + FRAMES * HEARD, hidden), nn.ReLU(),
                                         nn.Linear(hidden, FRAMES * N_POSE))

        def decode(self, z, heard, order=1):
            return self.decoder(torch.cat([z, heard.flatten(1)][::order], 1)).unflatten(1, (FRAMES, N_POSE))

        def forward(self, chunk, heard, noise, logvar=None, order=1, decoded=1):
            x = self.encoder(torch.cat([chunk.flatten(1), heard.flatten(1)][::order], 1))
            m, v = self.mean(x), (logvar or self.logvar)(x)
            kl = (m ** 2 + v.exp() - 1 - v).sum(1).mean() / 2
            return self.decode(m + (v / 2).exp() * noise, heard, decoded), kl

    return Plain()


def _same_decode(net, want, z, heard) -> None:
    """Raise Wrong unless `decode` of the learner's network, whose weights are now the reference's, answers as it."""
    if not callable(getattr(net, "decode", None)):
        raise Wrong("`forward` is right, but there is no `decode(z, heard)`: new heads are drawn with it alone")
    try:
        got = net.decode(z.clone(), heard.clone())
    except NotImplementedError:
        raise
    except Exception as error:
        raise Stopped(error) from error
    right = want.decode(z, heard)
    same(got, right, what="decode(z, heard)", mistakes={"the chunks are flat: (B, 32, 6)": right.flatten(1)})


@exercise
def join_chunks(answer):
    """join_chunks(chunks (N, L, 6), overlap) -> (N (L - overlap) + overlap, 6): shared frames fade over, eased."""
    rng = np.random.default_rng(32)
    for N, L, n in ((3, 32, 8), (5, 10, 3), (1, 12, 4)):
        chunks = rng.normal(size=(N, L, 6)) + np.arange(N)[:, None, None]
        x = (np.arange(n) + 1) / (n + 1)
        straight, ends = x[:, None], np.linspace(0, 1, n)[:, None]
        want = _joined(chunks, n, _ease(straight))
        same(answer(chunks.copy(), n), want, what=f"join_chunks of {N} chunks", mistakes={
            "chunks stand one after the other: the shared frames come twice, and the head jumps": chunks.reshape(-1, 6)
            if N > 1 else np.nan,
            "the old chunk goes on to its end, then the new one takes over: there the head jumps. Fade": _joined(
                chunks, n, 0 * straight),
            "the new chunk takes over at once: there the head jumps. Fade": _joined(chunks, n, 0 * straight + 1),
            "shared frames are half and half: half of the jump stays at both ends of them. Fade": _joined(
                chunks, n, 0 * straight + .5),
            "the fade runs the wrong way: at first the old chunk counts": _joined(chunks, n, 1 - _ease(straight)),
            "the fade is straight, so the speed jumps at both ends: ease it, 3 x^2 - 2 x^3": _joined(
                chunks, n, straight),
            "the fade is straight and reaches 0 and 1 within the shared frames: x = (k + 1) / (n + 1), then 3 x^2 - 2 "
            "x^3": _joined(chunks, n, ends),
            "the fade reaches 0 and 1 within the shared frames: two of them do not fade. x = (k + 1) / (n + 1)":
            _joined(chunks, n, _ease(ends)),
            "shared frames are added: the weights of old and new sum to 1": _joined(chunks, n, 1 + 0 * straight, 1)})


def _ease(x):
    return x * x * (3 - 2 * x)


def _joined(chunks, n: int, new, old=None) -> np.ndarray:
    """Chunks joined with weights of the shared frames: old for the chunk before, new for the next; old: 1 - new."""
    out = chunks[0]
    for chunk in chunks[1:]:
        shared = (1 - new if old is None else old) * out[len(out) - n:] + new * chunk[:n]
        out = np.concatenate([out[:len(out) - n], shared, chunk[n:]])
    return out


@exercise
def five_frames(answer):
    """five_frames(x (T, C)) -> (T, 5, C): around each frame, two before to two after; the ends repeat."""
    rng = np.random.default_rng(5)
    for T in (11, 6, 2, 1):
        x = rng.normal(size=(T, 4))
        at = np.arange(T)[:, None] + np.arange(-2, 3)
        want, far = x[np.clip(at, 0, T - 1)], (at < 0) | (at >= T)
        same(answer(x.copy()), want, what=f"five_frames of {T} frames", mistakes={
            "four frames are lost, and the result no longer fits its sound: there is a window around EACH frame, the "
            "first and last frames repeat": want[2:-2] if T > 4 else np.nan,
            "windows end with their frame, so that nothing is known of what comes: two before, two after": x[
                np.clip(at - 2, 0, T - 1)],
            "windows begin with their frame: two before, two after": x[np.clip(at + 2, 0, T - 1)],
            "beyond the ends there are zeros, a face that suddenly relaxes: repeat the first and the last frame":
            np.where(far[..., None], 0, want),
            "beyond the ends comes the other end of the clip: repeat the first and the last frame": x[at % T],
            "the frames of a window run backwards": want[:, ::-1] if T > 1 else np.nan,
            "the axes are exchanged: (T, 5, C)": want.swapaxes(1, 2),
            "the windows are flat: (T, 5, C)": want.reshape(T, -1)})


@exercise
def orthogonal(answer):
    """orthogonal(change, source (T, C)) -> (T, C): the change without its part along the source, frame by frame."""
    rng = np.random.default_rng(90)
    for T, C in ((7, 5), (4, 52)):
        change, source = rng.normal(size=(2, T, C))
        source[1] = 0                                                      # a face at rest: no direction to project on
        dot, norm2 = (change * source).sum(1, keepdims=True), (source ** 2).sum(1, keepdims=True)
        safe = np.where(norm2 == 0, 1, norm2)
        along = dot / safe * source
        with np.errstate(invalid="ignore", divide="ignore"):
            undefined = change - dot / norm2 * source
            fork = dot / np.sqrt(norm2) * source
        back = (change ** 2).sum(1, keepdims=True)
        same(answer(change.copy(), source.copy()), change - along, what="orthogonal", mistakes={
            "the frame in which the source is at rest became 0 / 0: the change has no part along it and stays":
            undefined,
            "that is the part ALONG the source, which the speech does anyway: take it off the change": along,
            "that is the fork's: the part along the source, divided by its length instead of the length's square. "
            "Divide by source . source, and take it OFF the change": np.nan_to_num(fork),
            "that is the fork's (and 0 / 0 at rest): the part along the source, divided by its length instead of the "
            "length's square. Divide by source . source, and take it OFF the change": fork,
            "it is divided by the source's length; its square belongs there, source . source":
            change - dot / np.sqrt(safe) * source,
            "it is divided by the source's length (and 0 / 0 at rest); its square belongs there, source . source":
            change - fork,
            "it is not divided by source . source": change - dot * source,
            "the whole clip was taken for one vector: each frame has its own source": change
            - (change * source).sum() / (source ** 2).sum() * source,
            "the sums run over time: they run over the coefficients of a frame (axis 1)": change
            - (change * source).sum(0) / (source ** 2).sum(0) * source,
            "change and source are exchanged": source - dot / back * change,
            "the two parts are added: subtract": change + along})
