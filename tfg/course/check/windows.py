"""Checks of notebooks/06_from_raw_video_to_windows."""
from __future__ import annotations

import numpy as np

from tfg.course.check.core import Wrong, exercise, same
from tfg.faces.align import box_matrix


@exercise
def source_frames(answer):
    """source_frames(n_source, source_fps) -> (T,) int: source frame on screen in the middle of each 1/25 s."""
    for n, fps in ((90, 30.0), (48, 24.0), (75, 25.0), (61, 60.0), (121, 30000 / 1001), (20, 12.5), (1, 60.0)):
        T = max(1, round(n / fps * 25))
        i = np.arange(T)
        want = _at((i + .5) / 25 - .002, fps, n)
        edge = _at((i + .5) / 25, fps, n) if fps != 12.5 else want
        same(answer(n, fps), want, what=f"source_frames({n}, {fps:.6g})", atol=0, rtol=0, mistakes={
            "the frames are only given another number: 30 a second read as 25 is slow motion":
            np.arange(n) if fps != 25 else np.nan,
            "you looked at the beginning of each 1/25 s; its middle is (i + 0.5) / 25": _at(i / 25, fps, n),
            "you looked just before the beginning of each 1/25 s; its middle is (i + 0.5) / 25":
            _at(i / 25 - .002, fps, n),
            "you looked at the end of each 1/25 s; its middle is (i + 0.5) / 25": _at((i + 1) / 25, fps, n),
            "you looked just before the end of each 1/25 s; its middle is (i + 0.5) / 25":
            _at((i + 1) / 25 - .002, fps, n),
            "a very short film gives no frame: it gives one at least, max(1, ...)":
            np.zeros(0) if n / fps * 25 < .5 else np.nan,
            "the 2 ms are missing: where the middle is a boundary of the source, rounding decides": edge,
            "you took the nearest source frame; on screen is the one that began last":
            np.clip(np.round(((i + .5) / 25 - .002) * fps), 0, n - 1),
            "the last index lies beyond the source: clip to n_source - 1": np.floor(((i + .5) / 25 - .002) * fps),
            "indices must be whole: round down": np.clip(((i + .5) / 25 - .002) * fps, 0, n - 1),
            "the two rates are exchanged: multiply the time by the source's rate":
            np.clip(np.floor(((i + .5) / fps - .002) * 25), 0, n - 1)})


def _at(times, fps, n):
    return np.clip(np.floor(times * fps + 1e-9), 0, n - 1).astype(int)


@exercise
def crop_matrix(answer):
    """crop_matrix(box (4,), size) -> (2, 3): the square x0, y0, x1, y1 px to size x size pixels, edge to edge."""
    rng = np.random.default_rng(2)
    for size in (128, 96, 256):
        x0, y0 = rng.uniform(-20, 200, 2)
        side = float(rng.uniform(60, 400))
        box = np.array([x0, y0, x0 + side, y0 + side])
        s = size / side
        want = box_matrix(box, size)
        same(answer(box.copy(), size), want, what=f"crop_matrix of a box of {side:.0f} px to {size}", atol=1e-6,
             rtol=1e-7, mistakes={
                 "the half pixel is missing: the box's edge is the crop's edge, which lies at -0.5":
                 [[s, 0, -x0 * s], [0, s, -y0 * s]],
                 "the half pixel is missing on one side: + 0.5 before scaling and - 0.5 after it":
                 [[s, 0, -x0 * s - .5], [0, s, -y0 * s - .5]],
                 "the half pixel is subtracted in the crop but not added in the picture (or the other way round)":
                 [[s, 0, (.5 - x0) * s], [0, s, (.5 - y0) * s]],
                 "the matrix goes the other way, from crop to picture":
                 [[1 / s, 0, x0 + (.5 / s - .5)], [0, 1 / s, y0 + (.5 / s - .5)]],
                 "the scale is upside down": [[1 / s, 0, (.5 - x0) / s - .5], [0, 1 / s, (.5 - y0) / s - .5]],
                 "x and y of the shift are exchanged": [[s, 0, (.5 - y0) * s - .5], [0, s, (.5 - x0) * s - .5]],
                 "the shift is not scaled": [[s, 0, .5 - x0 - .5], [0, s, .5 - y0 - .5]]})


@exercise
def negative_starts(answer):
    """negative_starts(n_frames, first, T) -> starts of all windows of T frames without a frame of the window at
    `first`."""
    for n, first, T in ((60, 20, 5), (40, 0, 5), (30, 25, 5), (12, 4, 5), (50, 47, 3), (9, 3, 5)):
        s = np.arange(n - T + 1)
        want = s[np.abs(s - first) >= T]
        every = np.arange(n)
        what = f"negative_starts({n}, {first}, {T})"
        got = answer(n, first, T)
        got = np.sort(np.asarray(list(got)).reshape(-1))
        same(got, want, what=what, atol=0, rtol=0, mistakes={
            "only the window itself is left out: its neighbours share frames with it": s[s != first],
            "a window that begins right where this one ends shares no frame with it: T frames away is enough":
            s[np.abs(s - first) > T],
            "windows one frame apart from touching are in: they still share a frame": s[np.abs(s - first) > T - 2],
            "some of these windows end beyond the clip: the last start is n_frames - T": every[np.abs(every - first)
                                                                                             >= T],
            "the last possible start, n_frames - T, is missing": want[want < n - T] if n - T in want else np.nan,
            "starts are negative: they count from the beginning of the clip": -want[::-1],
            "only later windows are in: earlier ones are as good": s[s >= first + T],
            "only earlier windows are in: later ones are as good": s[s <= first - T]})


@exercise
def leaks(answer):
    """leaks(train, test) -> pairs (clip of train, clip of test) that show the same person: same actor or same photo."""
    row = "clip actor photo".split()
    train = [dict(zip(row, r)) for r in (("A1", "V001", None), ("A2", "V001", None), ("B1", "V002", "face_7.png"),
                                         ("C1", "V003", "face_9.png"), ("D1", "V004", None))]
    test = [dict(zip(row, r)) for r in (("A3", "V001", None), ("E1", "V005", "face_7.png"), ("F1", "V006", None),
                                        ("C2", "V003", "face_9.png"), ("G1", "V007", "face_3.png"),
                                        ("C3", "V003", "face_9.png"))]
    want = {("A1", "A3"), ("A2", "A3"), ("B1", "E1"), ("C1", "C2"), ("C1", "C3")}
    got = answer([dict(r) for r in train], [dict(r) for r in test])
    try:
        pairs = [() if isinstance(p, str) else tuple(map(str, p)) for p in got]
    except TypeError:
        pairs = [()]
    if any(len(p) != 2 for p in pairs):
        raise Wrong("leaks must give pairs of two names, (clip of train, clip of test), as in ('A1', 'A3')")
    found, swapped = set(pairs), {p[::-1] for p in want}
    no_photo = {(a["clip"], b["clip"]) for a in train for b in test if a["photo"] == b["photo"]}
    if found and found <= swapped and not found & want:
        raise Wrong("the pairs are turned round: the clip of train comes first")
    if found & (no_photo - want):
        raise Wrong("two clips without a photo (None) do not share one: ask for a photo first")
    if ("C1", "C2") in found and len(pairs) != len(found):
        raise Wrong("a pair that shares both actor and photo is listed twice: it is one leak")
    if found == want - {("B1", "E1")}:
        raise Wrong("one photo plays under two actor names (V002 and V005): names are not people, compare photos too")
    if found == want - {("A1", "A3"), ("A2", "A3")}:
        raise Wrong("only photos are compared: actors without a photo (None) can leak, too")
    if found in (want - {("C1", "C3")}, want - {("A2", "A3")}):
        raise Wrong("one clip may leak into several of the other side: do not stop at the first that is found")
    if found - want:
        raise Wrong(f"{sorted(found - want)[0]} is listed, but these two share neither actor nor photo")
    if want - found:
        raise Wrong(f"{sorted(want - found)[0]} is missing: these two show the same person")
    still = answer(train[:1], test[1:3])
    if len(list(still)):
        raise Wrong(f"two sets without a common person gave {list(still)[:1]}: expected an empty list")
