"""Wrong answers to the exercises of notebooks/11_expression_vectors: name -> [(answer, a word of the message)], for
test_course_check. Several are mistakes of SadTalker's fork."""
from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from tfg.vocabulary import index

LIDS = index("eyeBlink")


def _times(n, fps):
    return np.arange(max(1, round(n * 25 / fps))) / 25


def _interp(new, old, x):
    return np.stack([np.interp(new, old, c) for c in x.T], 1)


def _lids(face, new):
    out = face.copy()
    out[:, LIDS] = new(face[:, LIDS])
    return out


def _in_place(face, blink):
    face[:, LIDS] += (1 - face[:, LIDS]) * blink[:, None]
    return face


def _kl(m, v):
    return ((m ** 2 + v.exp() - 1 - v) / 2).sum(1).mean()


def _vae(z=lambda m, v, e: m + (v / 2).exp() * e, kl=_kl):
    return lambda m, v, e: (z(m, v, e), kl(m, v))


def _fade(chunks, n, weight):
    x = weight(n)[:, None]
    out = chunks[0]
    for chunk in chunks[1:]:
        out = np.concatenate([out[:-n], (1 - x) * out[-n:] + x * chunk[:n], chunk[n:]])
    return out


def _ease(x):
    return 3 * x ** 2 - 2 * x ** 3


def _part(c, s, power, axis=1):
    with np.errstate(invalid="ignore", divide="ignore"):
        return (c * s).sum(axis, keepdims=True) / (s ** 2).sum(axis, keepdims=True) ** (power / 2) * s


WRONG = {
    "to_25fps": [(lambda x, fps: x, "relabelled"),
                 (lambda x, fps: x[(_times(len(x), fps) * fps + 1e-9).astype(int)], "frame before"),
                 (lambda x, fps: x[np.minimum(np.round(_times(len(x), fps) * fps).astype(int), len(x) - 1)], "nearest"),
                 (lambda x, fps: _interp(np.linspace(0, 1, len(_times(len(x), fps))), np.linspace(0, 1, len(x)), x),
                  "stretched"),
                 (lambda x, fps: _interp(np.arange(round(len(x) * fps / 25)) / fps, np.arange(len(x)) / 25, x),
                  "exchanged"),
                 (lambda x, fps: _interp(np.arange(int(len(x) * 25 / fps)) / 25, np.arange(len(x)) / fps, x),
                  "rounded")],
    "shut_lids": [(lambda f, b: _lids(f, lambda now: b[:, None]), "replaced"),
                  (lambda f, b: _lids(f, lambda now: now + b[:, None]), "beyond shut"),
                  (lambda f, b: _lids(f, lambda now: np.clip(now + b[:, None], 0, 1)), "cut off"),
                  (lambda f, b: _lids(f, lambda now: np.maximum(now, b[:, None])), "larger"),
                  (lambda f, b: _lids(f, lambda now: now * (1 - b[:, None])), "1 is shut"),
                  (lambda f, b: f + (1 - f) * b[:, None], "whole face"), (lambda f, b: f, "nothing"),
                  (lambda f, b: (f + (1 - f) * b[:, None])[:, LIDS], "only the lids came back"),
                  (_in_place, "changed its argument")],
    "code_and_price": [(_vae(lambda m, v, e: m + v.exp() * e), "VARIANCE"),
                       (_vae(lambda m, v, e: m + v * e), "negative"),
                       (_vae(lambda m, v, e: m + e), "not scaled"), (_vae(lambda m, v, e: m), "missing"),
                       (_vae(lambda m, v, e: m + (v / 2).exp() * torch.randn_like(m)), "noise that you are given"),
                       (_vae(kl=lambda m, v: -_kl(m, v)), "sign"), (_vae(kl=lambda m, v: 2 * _kl(m, v)), "half"),
                       (_vae(kl=lambda m, v: _kl(m, v) / m.shape[1]), "add them"),
                       (_vae(kl=lambda m, v: _kl(m, v) * len(m)), "batch"),
                       (_vae(kl=lambda m, v: ((m ** 2 + v.exp() - v) / 2).sum(1).mean()), "- 1 is missing"),
                       (_vae(kl=lambda m, v: _kl(m, v).detach()), "gradient"),
                       (lambda m, v, e: m + (v / 2).exp() * e, "return both")],
    "join_chunks": [(lambda c, n: np.concatenate(c), "twice"),
                    (lambda c, n: _fade(c, n, np.zeros), "old chunk goes on"),
                    (lambda c, n: _fade(c, n, np.ones), "at once"),
                    (lambda c, n: _fade(c, n, lambda k: np.full(k, .5)), "half and half"),
                    (lambda c, n: _fade(c, n, lambda k: np.arange(1, k + 1) / (k + 1)), "straight"),
                    (lambda c, n: _fade(c, n, lambda k: np.linspace(0, 1, k)), "straight and reaches"),
                    (lambda c, n: _fade(c, n, lambda k: _ease(np.linspace(0, 1, k))), "do not fade"),
                    (lambda c, n: _fade(c, n, lambda k: _ease(1 - np.arange(1, k + 1) / (k + 1))), "wrong way")],
    "five_frames": [(lambda x: np.stack([x[t - 2:t + 3] for t in range(2, len(x) - 2)]), "four frames are lost"),
                    (lambda x: np.stack([np.pad(x, ((4, 0), (0, 0)), "edge")[t:t + 5] for t in range(len(x))]),
                     "end with their frame"),
                    (lambda x: np.stack([np.pad(x, ((0, 4), (0, 0)), "edge")[t:t + 5] for t in range(len(x))]),
                     "begin with their frame"),
                    (lambda x: np.stack([np.pad(x, ((2, 2), (0, 0)))[t:t + 5] for t in range(len(x))]), "zeros"),
                    (lambda x: np.stack([np.roll(x, k, 0) for k in (2, 1, 0, -1, -2)], 1), "other end"),
                    (lambda x: np.stack([np.pad(x, ((2, 2), (0, 0)), "edge")[t:t + 5].T for t in range(len(x))]),
                     "exchanged"),
                    (lambda x: np.stack([np.pad(x, ((2, 2), (0, 0)), "edge")[t:t + 5].ravel() for t in range(len(x))]),
                     "flat")],
    "orthogonal": [(lambda c, s: _part(c, s, 1), "fork's"), (lambda c, s: np.nan_to_num(_part(c, s, 2)), "ALONG"),
                   (lambda c, s: c - _part(c, s, 1), "square belongs there"),
                   (lambda c, s: c - _part(c, s, 2), "0 / 0"),
                   (lambda c, s: c - _part(c, s, 0), "not divided"),
                   (lambda c, s: c - (c * s).sum() / (s * s).sum() * s, "whole clip"),
                   (lambda c, s: c - _part(c, s, 2, axis=0), "time"), (lambda c, s: s - _part(s, c, 2), "exchanged")],
}


class _Block(nn.Module):
    """`TimeBlock`, with something wrong."""

    def __init__(self, hidden, dilation, pad=None, spread=None, bias=True):
        super().__init__()
        pad, spread = (dilation if pad is None else pad), spread or dilation
        self.norm1, self.conv1 = nn.LayerNorm(hidden), nn.Conv1d(hidden, hidden, 3, 1, pad, spread, bias=bias)
        self.norm2, self.conv2 = nn.LayerNorm(hidden), nn.Conv1d(hidden, hidden, 3, 1, pad, spread, bias=bias)

    def forward(self, x):
        return x + self.around(self.norm1(x))

    def around(self, x, gelu=F.gelu):
        h = self.conv1(x.transpose(1, 2)).transpose(1, 2)
        return self.conv2(self.norm2(gelu(h)).transpose(1, 2)).transpose(1, 2)


def _made(base, forward=None, **settings):
    """The class with another `forward`, or made with other settings."""
    class Answer(base):
        def __init__(self, *sizes):
            super().__init__(*sizes, **settings)

    if forward:
        Answer.forward = forward
    return Answer


class _Voice(nn.Module):
    """`VoiceToFace`, with something wrong."""

    def __init__(self, filters, hidden, dilations, extra=53, plain=False):
        super().__init__()
        self.filter, self.code = nn.Linear(128, filters), nn.Linear(19 * filters, hidden)
        blocks = [_Block(hidden, d) for d in dilations]
        self.blocks = blocks if plain else nn.ModuleList(blocks)
        self.norm, self.out = nn.LayerNorm(hidden), nn.Linear(hidden + extra, 52)

    def heard(self, windows, ear=F.gelu, blocks=True, gelu=F.gelu):
        x = self.code(ear(self.filter(windows.unfold(2, 8, 4).flatten(3))).flatten(2))
        for block in self.blocks if blocks else ():
            x = block(x)
        return self.norm(gelu(x))

    def face(self, x, rest, blink, over=lambda r, o: r + (1 - r) * o, order=(0, 1, 2)):
        rest = rest[:, None].expand(-1, x.shape[1], -1)
        told = x, rest, blink[..., None]
        return over(rest, self.out(torch.cat([told[k] for k in order], -1)))

    def forward(self, windows, rest, blink):
        return self.face(self.heard(windows), rest, blink)


class _Vae(nn.Module):
    """`ToyVAE`, with something wrong."""

    def __init__(self, latent, hidden, told=128, one=False):
        super().__init__()
        self.encoder, self.mean = nn.Sequential(nn.Linear(320, hidden), nn.ReLU()), nn.Linear(hidden, latent)
        if not one:
            self.logvar = nn.Linear(hidden, latent)
        self.decoder = nn.Sequential(nn.Linear(latent + told, hidden), nn.ReLU(), nn.Linear(hidden, 192))

    def decode(self, z, heard):
        return self.decoder(torch.cat([z, heard.flatten(1)], 1)).unflatten(1, (32, 6))

    def cloud(self, *parts):
        x = self.encoder(torch.cat([x.flatten(1) for x in parts], 1))
        return self.mean(x), self.logvar(x)

    def forward(self, chunk, heard, noise):
        m, v = self.cloud(chunk, heard)
        return self.decode(m + (v / 2).exp() * noise, heard), _kl(m, v)


def _logvar_of_the_mean(self, chunk, heard, noise):
    m, _ = self.cloud(chunk, heard)
    return self.decode(m + (m / 2).exp() * noise, heard), _kl(m, m)


class _NoDecode(_Vae):
    decode = None

    def forward(self, chunk, heard, noise):
        m, v = self.cloud(chunk, heard)
        return _Vae.decode(self, m + (v / 2).exp() * noise, heard), _kl(m, v)


class _FlatDecode(_Vae):
    def decode(self, z, heard):
        return super().decode(z, heard).flatten(1)

    def forward(self, *given):
        m, v = self.cloud(*given[:2])
        return _Vae.decode(self, m + (v / 2).exp() * given[2], given[1]), _kl(m, v)


WRONG |= {
    "TimeBlock": [(_made(_Block, lambda s, x: s.around(s.norm1(x))), "x itself is not added"),
                  (_made(_Block, lambda s, x: s.norm1(x) + s.around(s.norm1(x))), "the normed x"),
                  (_made(_Block, lambda s, x: x + s.around(s.norm1(x), gelu=lambda h: h)), "no GELU"),
                  (_made(_Block, lambda s, x: x + s.around(s.norm1(x), gelu=torch.relu)), "that is a ReLU"),
                  (_made(_Block, lambda s, x: F.gelu(x + s.around(s.norm1(x)))), "at the end, too"),
                  (_made(_Block, lambda s, x: x + s.around(s.norm1(x).transpose(1, 2)).transpose(1, 2)), "stopped"),
                  (_made(_Block, pad=0), "padding 0"), (_made(_Block, spread=1), "dilation 1, expected 4"),
                  (_made(_Block, bias=False), "bias")],
    "VoiceToFace": [(_made(_Voice, lambda s, w, r, b: s.face(s.heard(w), r, b, lambda r, o: o)), "rest is missing"),
                    (_made(_Voice, lambda s, w, r, b: s.face(s.heard(w), r, b, lambda r, o: r + o)), "a share of what"),
                    (_made(_Voice, lambda s, w, r, b: s.face(s.heard(w), r, b, order=(1, 0, 2))), "another order"),
                    (_made(_Voice, lambda s, w, r, b: s.face(s.heard(w, blocks=False), r, b)), "frames never meet"),
                    (_made(_Voice, lambda s, w, r, b: s.face(s.heard(w, ear=lambda h: h), r, b)), "after the filters"),
                    (_made(_Voice, lambda s, w, r, b: s.face(s.heard(w, gelu=lambda h: h), r, b)), "before the norm"),
                    (_made(_Voice, plain=True), "plain list"), (_made(_Voice, extra=52), "your `out`")],
    "ToyVAE": [(_made(_Vae, _logvar_of_the_mean), "layer of the mean"), (_made(_Vae, one=True), "lacks layer 2"),
               (_made(_Vae, lambda s, c, h, n: _Vae.forward(s, c, h, 0 * n)), "noise is missing"),
               (_made(_Vae, lambda s, c, h, n: (s.decode(n, h), _kl(*s.cloud(c, h)))), "noise alone"),
               (_made(_Vae, lambda s, c, h, n: (s.decode((m := s.cloud(h, c))[0] + (m[1] / 2).exp() * n, h), _kl(*m))),
                "encoder takes them in another order"),
               (_made(_Vae, told=0), "your `decoder.0`"), (_NoDecode, "no `decode(z, heard)`"),
               (_made(_Vae, lambda s, c, h, n: _Vae.forward(s, c, h, n)[0]), "gives 1 results"),
               (_FlatDecode, "flat")],
}
