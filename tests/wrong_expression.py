"""Wrong answers to the exercises of notebooks/11_expression_vectors: name -> [(answer, a word of the message)], for
test_course_check. Several are mistakes of SadTalker's fork."""
from __future__ import annotations

import numpy as np
import torch

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
