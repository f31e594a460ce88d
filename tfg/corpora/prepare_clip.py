"""Prepare one clip of a corpus, from its file to frames, sound and arrays; `tfg.corpora.prepare` calls it per clip.

Nothing here raises for a bad clip: the reason is in its `Outcome`.
"""
from __future__ import annotations

import itertools
import time
import warnings
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from tfg.corpora import openface as of
from tfg.corpora.names import Item
from tfg.corpora.prepare_sound import announced_s, hear, mel_of, n_heard, sound_of
from tfg.corpora.store import Row, encode
from tfg.corpora.sync import audio_offset
from tfg.errors import InputError
from tfg.faces import shots as cuts
from tfg.faces import steady_crop as crops
from tfg.media.audio import SR

MIN_FRAMES = 10
MIN_SHARE = 0.5
"""Least share of a clip's frames in which the face is seen; a clip with less is dropped."""
MAX_GAP = 25
"""Most frames in a row without a face; a clip with more is split there."""
SHORT_SOUND = 5
"""Most frames without sound at the end that are filled with silence; with more, the picture is cut."""
KEEP_BYTES = 256 << 20
"""Bytes of decoded frames that are kept in memory; longer clips are decoded three times."""


@dataclass(frozen=True)
class PrepareOptions:
    """Options of the preparation of clips.

    size: px of a crop's side.  crop, margin: as `tfg.faces.steady_crop.matrices`.  smooth: frames of the filter without
    delay for measured points, pose and coefficients; 0 for none.  labels: "true" (of a virtual actor) or "measured".
    openface: name -> CSV, or None to keep the AUs of the coefficients.
    """

    size: int = 128
    crop: str = "face"
    margin: tuple[float, ...] = crops.MARGIN
    smooth: int = 5
    labels: str = "measured"
    openface: dict[str, Path] | None = None


@dataclass
class ClipPart:
    """A clip for the store: one shot of a file, or the whole file.

    jpegs: T frames as JPEG files.  mel: (M, 80) float16, time first.  wave: (N,) float32 at 16 kHz.  arrays: name ->
    (T, ...), as `store_format.ARRAYS`.
    """

    row: Row
    jpegs: list[bytes]
    mel: np.ndarray
    wave: np.ndarray
    arrays: dict[str, np.ndarray]


@dataclass
class Outcome:
    """Result of preparing one file.  parts: its clips.  reports: remarks on them, sentences without subject ("shows 2
    faces; ...").  dropped: the reason why nothing was kept, or None.  frames: length of the file, at 25 per second."""

    path: Path
    id: str
    parts: list[ClipPart] = field(default_factory=list)
    reports: list[str] = field(default_factory=list)
    dropped: str | None = None
    frames: int = 0
    seconds: float = 0.0


def work(item: Item, id: str, options: PrepareOptions) -> Outcome:
    """Prepare one clip. Any error ends this clip alone."""
    start = time.perf_counter()
    out = Outcome(item.path, id)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")                  # the tracker's warnings are counted and reported here
            (_true if options.labels == "true" else _measured)(item, options, out)
        for number, part in enumerate(out.parts, 1):
            notes = part.row.notes | {"file": item.path.name, "bytes": item.path.stat().st_size, "reports": out.reports}
            if len(out.parts) > 1:
                notes |= {"part": [number, len(out.parts)]}
            name = id if len(out.parts) == 1 else f"{id}:{number}"
            part.row = replace(part.row, id=name, notes=notes)
    except InputError as error:
        out.parts, out.dropped = [], _reason(error, item.path)
    except Exception as error:  # noqa: BLE001  a library that stumbles over one file must not end the run
        out.parts, out.dropped = [], f"cannot be prepared ({type(error).__name__}: {str(error)[:200]})"
    if not out.parts and not out.dropped:
        out.dropped = "; ".join(out.reports) or "holds no frames that can be used"
    out.seconds = time.perf_counter() - start
    return out


def _reason(error: InputError, path: Path) -> str:
    """An InputError's sentence without the path that it begins with."""
    text = " ".join(str(error).split())
    for name in (f"the video file {path} ", f"the sound file {path} ", f"{path} "):
        text = text.removeprefix(name)
    return text.rstrip(".")


# ---- virtual actors: true labels ---------------------------------------------------------------------------------
def _true(item: Item, options: PrepareOptions, out: Outcome) -> None:
    from tfg.corpora.actors import truth

    clip, known = truth(item.path)
    frames = list(clip.frames)
    out.frames = len(frames)
    if clip.audio is None or clip.landmarks is None:
        raise InputError("has no sound or no landmarks; make the clip again")
    matrix = crops.matrices(clip.landmarks, np.ones(len(frames), bool), options.size, frames[0].shape[:2],
                           crop=options.crop, margin=options.margin)
    known["points"] = crops.moved(clip.landmarks, matrix)
    known["matrix"] = matrix
    row = _row(item, options, {"offset_ms": 0.0, "offset_error_ms": 0.0})
    out.parts = [_part(row, frames, matrix, sound_of(clip.audio, 0, len(frames)), known, options.size)]


# ---- recordings: measured labels ----------------------------------------------------------------------------------
def _measured(item: Item, options: PrepareOptions, out: Outcome) -> None:
    from tfg.media.video import FrameReader

    reader = FrameReader(item.path)
    T, picture = len(reader), (reader.height, reader.width)
    out.frames = T
    y, announced = hear(item), announced_s(item.path)
    if announced * 25 > T * 1.1 + 12:                        # (MP4 is refused by the reader)
        out.reports.append(f"is cut off: it announces {announced:.1f} s and holds {T / 25:.1f} s, which are used")
    if n_heard(y) + SHORT_SOUND < T:
        out.reports.append(f"has {len(y) / SR:.1f} s of sound for {T / 25:.1f} s of picture; the rest is left out")
        T = n_heard(y)
    if T < MIN_FRAMES:
        raise InputError(f"holds {T} frames with sound; {MIN_FRAMES} are needed")
    source: FrameReader | list[np.ndarray] = reader
    if T * picture[0] * picture[1] * 3 <= KEEP_BYTES:
        source = list(itertools.islice(reader, T))
    shots = [0, *cuts.find_cuts(np.stack([cuts.thumbnail(f) for f in itertools.islice(source, T)])), T]
    for a in shots[1:-1]:
        out.reports.append(f"has a cut at {a / 25:.2f} s and is divided there")
    aus = _imported(item, options, T, out)
    tracks, iterator = [], iter(source)
    for a, b in zip(shots[:-1], shots[1:]):
        tracks += _follow(itertools.islice(iterator, b - a), a, b, picture, options, out)
    seen = sum(int(t["ok"].sum()) for t in tracks)
    if seen < MIN_SHARE * T:
        raise InputError(f"shows a face in only {seen} of {T} frames" if seen else "shows no face in any frame")
    if seen < T:
        out.reports.append(f"shows no usable face in {T - seen} of {T} frames; they are left out at the ends, marked "
                           "not ok elsewhere")
    iterator, at = iter(source), 0
    for t in sorted(tracks, key=lambda t: t["start"]):
        a, b = t["start"], t["stop"]
        if b - a < MIN_FRAMES:
            out.reports.append(f"has a piece of {b - a} frames at {a / 25:.2f} s, too short to keep")
            continue
        frames = itertools.islice(iterator, a - at, b - at)
        at = b
        matrix = t.pop("matrix")
        if aus is not None:
            t["aus"] = aus[a:b]
        wave = sound_of(y, a, b - a)
        offset, error = audio_offset(t.pop("gap"), mel_of(wave))
        measured = {} if np.isnan(offset) else {"offset_ms": round(offset, 1), "offset_error_ms": round(error, 1)}
        notes = {"first_frame": a, "origin": t.pop("origin")}
        arrays = {k: v for k, v in t.items() if k not in ("start", "stop")} | {"matrix": matrix}
        out.parts.append(_part(_row(item, options, measured, notes), frames, matrix, wave, arrays, options.size))


def _follow(frames, a: int, b: int, picture, options: PrepareOptions, out: Outcome) -> list[dict]:
    """Track one shot, frames a .. b - 1 of the file. Returns the pieces that can be used."""
    from tfg.faces.aus import action_units
    from tfg.faces.geometry import lip_gap
    from tfg.faces.measure import motion, track
    from tfg.faces.smooth import smooth_points

    try:
        result = track(frames)
    except InputError:
        if a or b < out.frames:
            out.reports.append(f"shows no face from {a / 25:.2f} to {b / 25:.2f} s; that piece is left out")
        return []
    if result.faces > 1:
        out.reports.append(f"shows {result.faces} faces; the largest of the first frame is followed")
    where = crops.place(result.points)
    ok = cuts.trusted(result.pose, where[1])
    breaks = cuts.jumps(*where)
    out.reports.extend(f"has a face that jumps at {(a + k) / 25:.2f} s and is divided there" for k in breaks)
    pieces = []
    for c, d in cuts.spans(len(ok), breaks, ok, max_gap=MAX_GAP):
        part = replace(result, points=result.points[c:d], expression=result.expression[c:d], pose=result.pose[c:d],
                       found=result.found[c:d])
        good = ok[c:d]
        lost = ~good
        measured = motion(part, smooth=options.smooth)
        points = smooth_points(part.points, options.smooth)
        matrix = crops.matrices(points, good, options.size, picture, crop=options.crop, margin=options.margin,
                               where=(where[0][c:d], where[1][c:d]))
        expression, pose, moved = measured.expression, measured.pose, crops.moved(points, matrix)
        for values in (expression, pose, moved):
            values[lost] = np.nan
        gap = lip_gap(part.points)
        gap[lost] = np.nan
        pieces.append({"start": a + c, "stop": a + d, "ok": good, "expression": expression, "pose": pose,
                       "points": moved, "aus": action_units(expression, measured=True), "matrix": matrix, "gap": gap,
                       "origin": measured.meta["origin"]})
    return pieces


def _imported(item: Item, options: PrepareOptions, T: int, out: Outcome) -> np.ndarray | None:
    """OpenFace's AUs of this clip, (T, 17); NaN and a report where OpenFace has no usable file for it."""
    if options.openface is None:
        return None
    path = options.openface.get(item.path.stem)
    try:
        if path is None:
            raise InputError(f"has no {item.path.stem}.csv from OpenFace")
        table = of.read_csv(path)
    except InputError as error:
        out.reports.append(f"{_reason(error, item.path)}; its AUs are NaN")
        return np.full((T, len(of.AUS)), np.nan, np.float32)
    if table.faces > 1:
        out.reports.append(f"has {table.faces} faces in {path.name}; the one that is seen most is taken")
    return of.at_25(table, T)


# ---- both -----------------------------------------------------------------------------------------------------------
def _row(item: Item, options: PrepareOptions, more: dict, notes: dict | None = None) -> Row:
    soft = None
    if item.corpus == "crema_d":
        from tfg.corpora.crema_d import votes

        raters = votes().get(item.path.stem)
        soft = None if raters is None else tuple(round(float(v), 4) for v in raters.soft_label())
    return Row(id="", corpus=item.corpus, actor=item.actor, sentence=item.sentence, emotion=item.emotion,
               level=item.level, take=item.take, labels=options.labels, soft=soft, text=item.text, notes=notes or {},
               **more)


def _part(row: Row, frames, matrix: np.ndarray, wave: np.ndarray, arrays: dict, size: int) -> ClipPart:
    from tfg.faces.align import warp

    jpegs = [encode(warp(frame, m, size)) for frame, m in zip(frames, matrix)]
    arrays = {k: np.asarray(v, bool if k == "ok" else np.float32) for k, v in arrays.items()}
    return ClipPart(row, jpegs, mel_of(wave), wave, arrays)
