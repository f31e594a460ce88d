"""Each check passes the solution of its notebook and fails wrong answers, naming the mistake where it can."""
from __future__ import annotations

import numpy as np
import pytest

import wrong_deformable
import wrong_emogen
import wrong_emotion
import wrong_expression
import wrong_ietafs
import wrong_rhythmic
import wrong_scores
import wrong_syncnet
from notebook_tools import DRAFTS, NAMES, exercises, function
from tfg import vocabulary
from tfg.acting.emotion import smoothstep
from tfg.course import check
from tfg.course.check.core import exercise, judge, same
from tfg.faces import align, geometry
from tfg.faces.points68 import along
from tfg.media import audio

WRONG = {   # name -> [(wrong answer, a word of the message)]
    "frame_at": [(lambda t: round(t * 25), "rounded"), (lambda t: int(t * 25) + 1, "count from 0"),
                 (lambda t: int(t * 30), "30 frames"), (lambda t: t * 25, "whole"),
                 (lambda t: int(t * 25), "1.16 * 25 is 28.99999"), (lambda t: int(t / 0.04), "rounding error")],
    "at_intensity": [(lambda a, i: i * a, "clip"), (lambda a, i: np.clip(a + i, 0, 1), "scale"),
                     (lambda a, i: np.clip(np.multiply(a, i, out=a), 0, 1), "changed its argument")],
    "mix": [(lambda a, b, w: w * a + (1 - w) * b, "swapped"), (lambda a, b, w: a + w * b, "1 - weight"),
            (lambda a, b, w: (a + b) / 2, "average")],
    "count_frames": [(lambda n: n // 640, "dropped"), (lambda n: n // 640 + 1, "added"), (lambda n: n / 640, "whole")],
    "hz_to_mel": [(lambda hz: np.asarray(hz) * 3 / 200, "above 1000"),
                  (lambda hz: 2595 * np.log10(1 + np.asarray(hz) / 700), "2595")],
    "mel_window": [(lambda m, f, w: audio.mel_window(m, f + 1, w), ""), (lambda m, f, w: _cut(m, f, w, 0), "repeated"),
                   (lambda m, f, w: np.where(audio.mel_window(m + 9, f, w) == -4, 0, audio.mel_window(m, f, w)),
                    "zero"), (lambda m, f, w: _cut(m, f, w, 1), "late"),
                   (lambda m, f, w: audio.mel_window(m, f, w).T, "transposed")],
    "shift_sound": [(lambda y, k: np.roll(y, 640 * k), "np.roll"), (lambda y, k: _late(y, k), "samples"),
                    (lambda y, k: _late(y, -640 * k), "direction")],
    "find_offset": [(lambda m, s, lag: -_lag(m, s, lag), "sign"), (lambda m, s, lag: _lag(m, s, lag) + lag, "max_lag"),
                    (lambda m, s, lag: _lag(m, s, lag) + 1, "one lag")],
    "head_tilt": [(lambda p: np.arctan2(*(p[263, 1::-1] - p[33, 1::-1])), "radians"),
                  (lambda p: -np.degrees(np.arctan2(*(p[263, 1::-1] - p[33, 1::-1]))), "sign"),
                  (lambda p: np.degrees(np.arctan2(*(p[263, :2] - p[33, :2]))), "swapped")],
    "resample": [(lambda line, n: along(line, n)[:, ::-1], ""), (lambda line, n: along(line, n + 1)[:n], ""),
                 (lambda line, n: np.stack([np.interp(np.linspace(0, len(line) - 1, n), np.arange(len(line)), c)
                                            for c in line.T], 1), "point number")],
    "invert_similarity": [(lambda m: np.column_stack([np.linalg.inv(m[:, :2]), -m[:, 2]]), "only negated"),
                          (lambda m: m, ""), (lambda m: np.column_stack([m[:, :2].T, -m[:, :2].T @ m[:, 2]]), "scale")],
    "lip_gap": [(lambda p: geometry.lip_gap(p) * geometry.eye_distance(p), "pixels"),
                (lambda p: 3 * geometry.lip_gap(p), "average them"),
                (lambda p: np.linalg.norm(p[13, :2] - p[14, :2]) / geometry.eye_distance(p), "middle pair")],
    "jitter": [(lambda t, eye: np.sqrt(((t - t.mean(0)) ** 2).sum(2).mean()), "pixels"),
               (lambda t, eye: np.sqrt(((t - t.mean(0)) ** 2).mean()) / eye, "x and y"),
               (lambda t, eye: ((t - t.mean(0)) ** 2).sum(2).mean() / eye, "root")],
    "moving_average": [(lambda x, w: np.convolve(x, np.ones(w) / w, "same"), "zeros"),
                       (lambda x, w: np.convolve(x, np.ones(w) / w, "valid"), "shorter")],
    "action_unit": [(lambda e, name: e[:, vocabulary.index(name)].mean(1), "0 to 5"),
                    (lambda e, name: 5 * e[:, vocabulary.index(name)].sum(1), "added"),
                    (lambda e, name: 5 * e[:, vocabulary.index(name)].mean(), "time")],
    "move": [(lambda m, b, a: np.tensordot(a, b, 1), "mean shape"), (lambda m, b, a: m + b.sum(0), "weight"),
             (lambda m, b, a: np.add(m, np.tensordot(a, b, 1), out=m), "changed")],
    "project": [(lambda p, s, t, d: p[:, :2] / (1 - p[:, 2:] / d) * s + t, "points up"),
                (lambda p, s, t, d: p[:, :2] * p.new_tensor([1, -1]) * s + t, "perspective"),
                (lambda p, s, t, d: (p[:, :2] / (1 - p[:, 2:] / d) * p.new_tensor([1, -1]) * s + t).numpy(), "tensor")],
    "fit_loss": [(lambda x, y, e, i, c, w: ((x - y) ** 2).sum(1).mean() / e ** 2, "prior"),
                 (lambda x, y, e, i, c, w: ((x - y) ** 2).sum(1).mean() / e ** 2 + (i ** 2).mean() + (c ** 2).mean(),
                  "weight"),
                 (lambda x, y, e, i, c, w: (((x - y) ** 2).sum(1).mean() / e ** 2
                                            + w * ((i ** 2).mean() + (c ** 2).mean())).detach(), "gradient")],
    "emotion_change": [(lambda e, n: np.nanmean(n, 0) - np.nanmean(e, 0), "sign"),
                       (lambda e, n: np.nanmean(e, 0), "subtracted"), (lambda e, n: e.mean(0) - n.mean(0), "NaN")],
    "dominance_blend": [(lambda *a: _blend(*a, norm=False), "divided by the sum"),
                        (lambda *a: _blend(*a, strong=False), "strengths"),
                        (lambda *a: _blend(*a, middle=True), "middle"), (lambda *a: _blend(*a).T, "transposed"),
                        (lambda t, a, b, x, s, tau: _blend(t, b, b, x, s, tau), "")],
    "envelope": [(lambda n, on, off, a, b: _rise(np.arange(n) / 25 / on, a), "no decay"),
                 (lambda n, on, off, a, b: _flanks(n, on, off, a, b, ease=lambda x: np.clip(x, 0, 1)), "straight"),
                 (lambda n, on, off, a, b: _flanks(n, off, on, a, b), "onset and decay are exchanged"),
                 (lambda n, on, off, a, b: _flanks(n, on, off, b, a), "first and last"),
                 (lambda n, on, off, a, b: _flanks(n, on / 25, off / 25, a, b), "frames"),
                 (lambda n, on, off, a, b: _flanks(n, on, off, a, b)[:-1], "shape")],
    "landmark_error": [(lambda s, t: np.nanmean(_far(s, t)), "pixels"),
                       (lambda s, t: np.nanmean(np.linalg.norm(s - t, axis=-1) / _eyes(t)), "depth"),
                       (lambda s, t: np.mean(_far(s, t) / _eyes(t)), "nanmean"),
                       (lambda s, t: np.nanmean(_far(s, t)) / _eyes(t).mean(), "one eye"),
                       (lambda s, t: np.mean(np.nan_to_num(_far(s, t)) / _eyes(t)), "perfect")],
    "pearson": [(lambda a, b: np.corrcoef(a, b)[0, 1], "NaN"),
                (lambda a, b: np.corrcoef(np.nan_to_num(a), np.nan_to_num(b))[0, 1], "filled with 0"),
                (lambda a, b: _r(a, b) ** 2, "squared"),
                (lambda a, b: 0.0 if np.nanstd(a) == 0 else _r(a, b), "constant")],
    "source_frames": [(lambda n, fps: np.arange(n), "slow motion"),
                      (lambda n, fps: _screen(n, fps, 0, 0), "beginning"),
                      (lambda n, fps: _screen(n, fps, .5, 0), "2 ms"),
                      (lambda n, fps: _screen(n, fps, .5, .002)[:-1], "shape")],
    "crop_matrix": [(lambda box, n: _square(box, n, 0, 0), "half pixel"),
                    (lambda box, n: _square(box, n, 0, .5), "half"),
                    (lambda box, n: _square(box, n, .5, 0), "half"),
                    (lambda box, n: align.invert(align.box_matrix(box, n)), "other way"),
                    (lambda box, n: align.box_matrix(box, n).T, "transposed")],
    "negative_starts": [(lambda n, f, T: np.delete(np.arange(n - T + 1), f), "only the window itself"),
                        (lambda n, f, T: _away(n - T + 1, f, T + 1), "T frames away is enough"),
                        (lambda n, f, T: _away(n, f, T), "beyond the clip"),
                        (lambda n, f, T: np.arange(f + T, n - T + 1), "earlier ones"),
                        (lambda n, f, T: _away(n - T, f, T), "last possible start")],
    "leaks": [(lambda a, b: _pairs(a, b, "actor"), "not people"), (lambda a, b: _pairs(a, b, "photo"), "None"),
              (lambda a, b: [p[::-1] for p in _pairs(a, b, "actor")], "turned round"), (lambda a, b: [], "missing"),
              (lambda a, b: [(x["clip"], y["clip"]) for x in a for y in b], "None"),
              (lambda a, b: _pairs(a, b, "actor") + _pairs([r for r in a if r["photo"]], b, "photo"), "twice"),
              (lambda a, b: [r["clip"] for r in a], "pairs")],
} | wrong_syncnet.WRONG | wrong_emotion.WRONG | wrong_scores.WRONG | wrong_emogen.WRONG | wrong_expression.WRONG \
    | wrong_ietafs.WRONG | wrong_deformable.WRONG | wrong_rhythmic.WRONG


def _blend(t, starts, stops, targets, strengths, tau, *, norm=True, strong=True, middle=False):
    away = np.maximum(np.maximum(starts - t[:, None], t[:, None] - stops), 0)
    away = np.abs(t[:, None] - (starts + stops) / 2) if middle else away
    weight = np.exp(-away / tau) * (strengths if strong else 1)
    return weight @ targets / (weight.sum(1, keepdims=True) if norm else 1)


def _rise(x, start, ease=None):
    return start + (1 - start) * (ease or smoothstep)(x)


def _flanks(n, onset, decay, first, last, ease=None):
    t = np.arange(n) / 25
    return _rise(t / onset, first, ease) * _rise((n / 25 - t) / decay, last, ease)


def _far(seen, true):
    return np.linalg.norm((seen - true)[..., :2], axis=-1)


def _eyes(true):
    return np.linalg.norm(true[:, 33, :2] - true[:, 263, :2], axis=-1)[:, None]


def _r(a, b):
    both = np.isfinite(a) & np.isfinite(b)
    return np.corrcoef(a[both], b[both])[0, 1]


def _screen(n, fps, middle, early):
    i = np.arange(max(1, round(n / fps * 25)))
    return np.clip(np.floor(((i + middle) / 25 - early) * fps + 1e-9), 0, n - 1).astype(int)


def _square(box, n, into, out):
    s = n / (box[2] - box[0])
    return np.array([[s, 0, (into - box[0]) * s - out], [0, s, (into - box[1]) * s - out]])


def _away(n, first, least):
    starts = np.arange(n)
    return starts[np.abs(starts - first) >= least]


def _pairs(train, test, what):
    return [(a["clip"], b["clip"]) for a in train for b in test if a[what] == b[what]]


def _cut(mel, frame, width, late):
    columns = audio.mel_start(frame, width) + late + np.arange(width)
    if late == 0:
        return mel[:, np.clip(columns, 0, mel.shape[1] - 1)]
    padded = np.pad(mel, ((0, 0), (50, 50)), constant_values=-4)
    return padded[:, columns + 50]


def _late(y, n):
    out = np.zeros_like(y)
    if n >= 0:
        out[n:] = y[:max(len(y) - n, 0)]
    else:
        out[:n] = y[-n:]
    return out


def _lag(mouth, sound, max_lag):
    T, scores = len(mouth), {}
    for lag in range(-max_lag, max_lag + 1):
        a, b = (mouth[:T - lag], sound[lag:]) if lag >= 0 else (mouth[-lag:], sound[:T + lag])
        scores[lag] = np.corrcoef(a, b)[0, 1]
    return max(scores, key=scores.get)


@pytest.mark.parametrize("notebook, name", exercises([*NAMES, *DRAFTS]))
def test_solution_passes(notebook, name):
    assert judge(getattr(check, name), function(notebook, name)) == ("✓", "")


@pytest.mark.parametrize("notebook, name", exercises([*NAMES, *DRAFTS]))
def test_two_wrong_answers_fail(notebook, name):
    assert len(WRONG[name]) >= 2
    for answer, word in WRONG[name]:
        mark, message = judge(getattr(check, name), answer)
        assert mark == "✗" and word in message, f"{name}: {mark} {message!r} lacks {word!r}"


def test_every_check_has_an_exercise():
    helpers = {"judge", "Wrong", "exercise", "same", "solution"}
    assert set(check.__all__) - helpers == {name for _, name in exercises([*NAMES, *DRAFTS])} == set(WRONG)


def test_not_done_and_broken_answers(capsys, monkeypatch):
    def todo(n_samples):
        raise NotImplementedError

    def broken(n_samples):
        return 1 / 0

    monkeypatch.delenv("TFG_STRICT", raising=False)
    check.count_frames(todo)
    check.count_frames(broken)
    check.count_frames(lambda n: None)
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "○ count_frames: not done" and "ZeroDivisionError" in out[1] and "return" in out[2]


def test_strict_raises(monkeypatch):
    monkeypatch.setenv("TFG_STRICT", "1")
    with pytest.raises(AssertionError, match="dropped"):
        check.count_frames(lambda n: n // 640)
    check.count_frames(audio.n_frames)


def test_same_names_shape_type_and_place():
    @exercise
    def shape(answer):
        """shape() -> (2, 3)."""
        same(answer(), want)

    want = np.array([[1., 2, 4], [9, 5, 11]])
    assert "transposed" in judge(shape, lambda: np.zeros((3, 2)))[1]
    assert "shape (4,)" in judge(shape, lambda: np.zeros(4))[1]
    assert "expected numbers: shape()" in judge(shape, lambda: "text")[1]
    assert "NaN" in judge(shape, lambda: np.full((2, 3), np.nan))[1]
    assert "[0, 2]: 44 instead of 4" in judge(shape, lambda: want * [[-3, 5, 11], [2, 2, 1]])[1]


def test_unknown_check():
    with pytest.raises(AttributeError, match="count_frames"):
        check.no_such_check
