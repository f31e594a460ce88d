"""Checks of notebooks/01_sound_and_time."""
from __future__ import annotations

import numpy as np

from tfg.course.check.core import exercise, same
from tfg.media import audio


@exercise
def count_frames(answer):
    """count_frames(n_samples) -> int, 640 samples per frame, the last frame may be a part of one."""
    rng = np.random.default_rng(1)
    for n in [16_000, 1, 639, 640, 641, 4480, *rng.integers(700, 10**6, 5).tolist()]:
        want = audio.n_frames(n)
        same(answer(n), want, what=f"count_frames({n})", atol=0, rtol=0, mistakes={
            f"you rounded up a rounding error: {n} / 16000 * 25 is {n / 16000 * 25!r} in floats; divide whole numbers, "
            "as in hint 2": want + 1 if n == 4480 else np.nan,
            "the last, incomplete frame was dropped: its samples would never be seen": n // 640,
            "a frame was added although the last one was full": n // 640 + 1,
            "you used 16000 / 24 samples per frame; these are 25 frames per second": -(-n // 667),
            "you forgot to round up: frames are whole": n / 640,
            "you counted mel columns (200 samples), not frames (640)": -(-n // 200)})


@exercise
def hz_to_mel(answer):
    """hz_to_mel(hz) -> mel, elementwise: linear below 1000 Hz, logarithmic above (Slaney's scale)."""
    hz = np.sort(np.random.default_rng(3).uniform(20, 8000, 40))
    linear = hz * 3 / 200
    high = np.maximum(hz, 1000.0)
    want = np.where(hz < 1000, linear, 15 + np.log(high / 1000) * 27 / np.log(6.4))
    same(answer(hz), want, what="hz_to_mel", mistakes={
        "the part above 1000 Hz is missing": linear,
        "you used the other formula, 2595 log10(1 + f / 700)": 2595 * np.log10(1 + hz / 700),
        "you used log10 where the natural logarithm is meant":
        np.where(hz < 1000, linear, 15 + np.log10(high / 1000) * 27 / np.log(6.4)),
        "the logarithm starts at 0 instead of 15 mel": np.where(hz < 1000, linear,
                                                               np.log(high / 1000) * 27 / np.log(6.4)),
        "the part below 1000 Hz is missing": 15 + np.log(high / 1000) * 27 / np.log(6.4),
        "the two parts are exchanged: the straight one is for what is below 1000 Hz":
        np.where(hz < 1000, 15 + np.log(high / 1000) * 27 / np.log(6.4), linear),
        "the slope is upside down: it is 3 / 200": np.where(hz < 1000, hz * 200 / 3, want)})
    same(answer(440.0), 6.6, what="hz_to_mel(440.0), one number,")


@exercise
def mel_window(answer):
    """mel_window(mel (80, M), frame, width) -> (80, width), -4 (silence) outside the sound."""
    rng = np.random.default_rng(4)
    for columns, width, frames in ((64, 16, (13, 10, 8, 0, 1, 19)), (40, 8, (5, 0, 11)), (50, 5, (6, 15))):
        mel = rng.uniform(-3, 4, (80, columns)).astype(np.float32)
        for frame in frames:
            want = audio.mel_window(mel, frame, width)
            mistakes = {
                "the window starts at the frame's middle instead of being centred on it":
                _shifted(mel, frame, width, (width - 1) / 2),
                "the window belongs to the frame's first sample: its middle is column 3.2 i + 1.6":
                _shifted(mel, frame, width, -1.6),
                "the frame starts at column 3 i; it is 3.2 i, and the difference grows":
                _shifted(mel, frame, width, -0.2 * frame),
                "the padding moved every column by width: add it to the first column as well":
                _shifted(mel, frame, width, -width),
                "your window is one column late": _shifted(mel, frame, width, 1),
                "your window is one column early": _shifted(mel, frame, width, -1),
                "you padded with zeros outside the sound: zero is loud, silence is -4":
                _shifted(mel, frame, width, 0, floor=0.0),
                "you repeated the outermost column: outside the sound there is silence, -4":
                _shifted(mel, frame, width, 0, mode="edge")}
            same(answer(mel, frame, width), want, what=f"mel_window(mel, frame={frame}, width={width})",
                 mistakes=mistakes)


def _shifted(mel, frame, width, columns, floor=-4.0, mode="constant"):
    """The window that starts `columns` too late; beyond the ends `floor` (mode "constant") or the edge."""
    first = int(round(3.2 * frame + 1.6 - (width - 1) / 2 + columns)) + 64
    padded = np.pad(mel, ((0, 0), (64, 64)), **({"mode": mode} if mode == "edge" else {"constant_values": floor}))
    return padded[:, first:first + width]


@exercise
def shift_sound(answer):
    """shift_sound(y, k) -> as long as y, k video frames later (earlier if k < 0), silence where no sound is left."""
    rng = np.random.default_rng(5)
    y = rng.uniform(-1, 1, 9000).astype(np.float32)         # longer than the largest move
    for k in (3, 1, 0, -2, 12):
        want = _delayed(y, 640 * k)
        same(answer(y.copy(), k), want, what=f"shift_sound(y, {k})", mistakes={
            "the end of the sound came back at its beginning (np.roll): fill with zeros": np.roll(y, 640 * k),
            "you moved by k samples, not by k frames of 640 samples": _delayed(y, k),
            "you moved by k mel columns of 200 samples, not by k frames of 640": _delayed(y, 200 * k),
            "the direction is the wrong one: k > 0 means later": _delayed(y, -640 * k),
            "the result became longer: cut it to the length of y": np.concatenate([np.zeros(640 * max(k, 0)), y])})


def _delayed(y, n):
    out = np.zeros_like(y)
    if abs(n) >= len(y):
        return out
    if n >= 0:
        out[n:] = y[:len(y) - n]
    else:
        out[:n] = y[-n:]
    return out


@exercise
def find_offset(answer):
    """find_offset(mouth (T,), sound (T,), max_lag) -> int: how many frames the sound lags behind the mouth."""
    rng = np.random.default_rng(6)
    for true, against in ((4, 0), (0, 0), (-3, 6), (7, -2), (-7, 0), (8, 0)):
        _same_lag(answer, *_curves(rng, 100, true, against), true)
    _same_lag(answer, *_curves(np.random.default_rng(87), 30, -5, 0), -5)       # so short that the overlap decides


def _curves(rng, frames, true, against):
    """Mouth and sound, `true` frames late; at the lag `against` (0: none) one rises where the other falls."""
    smooth = np.convolve(rng.normal(size=frames + 40), np.hanning(7) / 3, "same")
    mouth, sound = (smooth[20 - late:20 - late + frames] for late in (0, true))
    opposite = 0.5 * smooth[20 - against:20 - against + frames] if against else 0
    return 5 + mouth, 0.3 * sound - opposite - 40 + 0.02 * rng.normal(size=frames)


def _same_lag(answer, mouth, sound, true, max_lag=8):
    lags, T = range(-max_lag, max_lag + 1), len(mouth)

    def best(score, among=lags):
        return max(among, key=lambda k: score(mouth[max(0, -k):T - max(0, k)], sound[max(0, k):T - max(0, -k)]))

    def r(a, b):
        return np.corrcoef(a, b)[0, 1]

    whole = [(x - x.mean()) / x.std() for x in (mouth, sound)]
    same(answer(mouth, sound, max_lag), true, what="find_offset", atol=0, rtol=0, mistakes={
        "max_lag itself is not tried: a range ends before its last number": best(r, lags[:-1]),
        "the sign is the wrong one: positive means that the sound comes late": -true,
        "you returned a position in the list of lags: subtract max_lag": true + max_lag,
        "your lag is one too late": true + 1, "your lag is one too early": true - 1,
        "you returned the best correlation: return the lag that has it": max(
            r(mouth[max(0, -k):T - max(0, k)], sound[max(0, k):T - max(0, -k)]) for k in lags),
        "you took the largest correlation of either sign (abs): where one curve falls as the other rises, they do not "
        "agree": best(lambda a, b: abs(r(a, b))),
        "the curves are multiplied as they are: take off the means of the part that overlaps and divide by its "
        "spreads, anew for each lag, as np.corrcoef does": best(lambda a, b: (a * b).sum()),
        "that is a covariance, or its spreads are those of the whole curves: divide by the spreads of the part that "
        "overlaps, anew for each lag":
        best(lambda a, b: np.cov(a, b)[0, 1]),
        "means and spreads are those of the whole curves: take those of the part that overlaps, anew for each lag":
        max(lags, key=lambda k: (whole[0][max(0, -k):T - max(0, k)] * whole[1][max(0, k):T - max(0, -k)]).sum()),
        "means and spreads are those of the whole curves, and you took a mean: take those of the part that overlaps":
        max(lags, key=lambda k: (whole[0][max(0, -k):T - max(0, k)] * whole[1][max(0, k):T - max(0, -k)]).mean()),
        "the end came back at the beginning (np.roll): correlate only where both exist":
        max(lags, key=lambda k: r(mouth, np.roll(sound, -k))),
        "only lags from 0 on are tried: the sound may come early": best(r, lags[max_lag:])})
