"""How well each of the 17 Action Units is read on unknown people, by each reader: python -m tools.bench.aus

Actors of the splits val and test play six takes, one of each emotion; what they do is known. Every few frames a picture
is drawn and measured. For each AU: Pearson's r over all frames of an actor, and mean absolute error on the scale from 0
to 5, absolute (the face at rest included); then means over actors with 95 % intervals from a bootstrap over actors.
The table `tfg.faces.au_readers.BEST` is chosen on val; test is only scored. Portrait actors are faces of SFHQ: without
$TFG_SHARED there are virtual ones alone. Readings are kept in build/aus, to be removed when a reader changes.
"""
from __future__ import annotations

import warnings

import numpy as np

from tfg.actors import cast, make
from tfg.errors import InputError
from tfg.experts.extractor.evaluate import within
from tfg.faces import au_readers, landmarks, measure
from tfg.faces.aus import AUS, MOST, UNSEEN, action_units
from tfg.faces.face_crop import crop
from tfg.faces.readers import METHODS
from tfg.files import atomic, make_folder
from tfg.metrics import stats
from tfg.vocabulary import AU_NAMES
from tools.bench.common import ROOT, table

ACTORS = {"val": 120, "test": 72}
"""Split -> actors of the set whose members of that split are used, half of them portraits: 10 people, and 14."""
TAKES, EVERY = 6, 7
"""Takes of each actor; step between the frames that are drawn."""
KINDS = {"film": 1, "photo": 3}
"""What is read at once, a take or one picture, and the step between the frames that are read so."""
CLEARLY = .02
"""Advantage in r, mean over val actors, for which a reader replaces the one with the least error."""
KEPT = "build/aus"


def people(split: str) -> list:
    """Members of the split; virtual ones alone where there are no photos."""
    try:
        return [m for m in cast.cast(ACTORS[split]) if m.split == split]
    except InputError:
        return [m for m in cast.cast(ACTORS[split], 0) if m.split == split]


def seen(member, plan, look) -> list[tuple[measure.Track, np.ndarray]]:
    """(Track with crops, true AUs (n, 17)) of each planned clip, of the frames in which a face is found."""
    actor, out = cast.build(member), []
    for clip in plan:
        motion = make._take(member, clip, actor).motion
        found, true = [], []
        for e, p in zip(actor.personal(motion.expression)[2::EVERY], motion.pose[2::EVERY]):
            picture = actor.render(e, p)
            faces = look(picture)
            if faces:
                found.append((faces[0].points, faces[0].blendshapes, faces[0].pose, crop(picture, faces[0].points)))
                true.append(action_units(e))
        if found:
            points, blendshapes, pose, crops = map(np.stack, zip(*found))
            out.append((measure.Track(points, blendshapes, pose, np.ones(len(points), bool), 25.0, actor.size,
                                      crops=crops), np.stack(true)))
    return out


def single(track: measure.Track, step: int) -> list[measure.Track]:
    """Every `step`-th frame of a track as a track of its own."""
    crops = track.crops
    assert crops is not None
    return [measure.Track(*(x[t:t + 1] for x in (track.points, track.expression, track.pose, track.found)), track.fps,
                          track.size, crops=crops[t:t + 1]) for t in range(0, len(track), step)]


def read_actor(member, plan, look) -> dict[str, np.ndarray]:
    """An actor's true AUs and those of each method, (N, 17), by "KIND WHAT"; read from build/aus if they are there."""
    path = ROOT / KEPT / f"{member.split}_{member.kind}_{member.seed}.npz"
    if not path.is_file():
        parts: dict[str, list] = {f"{kind} {what}": [] for kind in KINDS for what in ("true", *METHODS)}
        for film, true in seen(member, plan, look):
            for kind, step in KINDS.items():
                parts[f"{kind} true"].append(true[::step])
                tracks = [film] if kind == "film" else single(film, step)
                for m in METHODS:
                    parts[f"{kind} {m}"] += [au_readers.measure_aus(t, m, fill=False) for t in tracks]
        make_folder(path.parent)
        with atomic(path) as part:
            np.savez_compressed(part, **{k: np.concatenate(v) for k, v in parts.items()})  # type: ignore[arg-type]
    with np.load(path, allow_pickle=False) as file:
        return dict(file)


def measured(split: str) -> dict[str, dict[str, np.ndarray]]:
    """By kind: true AUs (N, 17), "actor" names (N,), and AUs by each method (N, 17)."""
    each, members = {}, people(split)
    plan = cast.plan(members, TAKES)                                          # other levels for each actor
    with landmarks.Landmarker() as look, make.one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for member in members:
            mine = [clip for clip in plan if clip.actor == member.name]
            each[f"{member.kind} {member.name}"] = read_actor(member, mine, look)
    out = {}
    for kind in KINDS:
        out[kind] = {what: np.concatenate([a[f"{kind} {what}"] for a in each.values()]) for what in ("true", *METHODS)}
        out[kind]["actor"] = np.repeat(list(each), [len(a[f"{kind} true"]) for a in each.values()])
    return out


def scores(values: dict, method: str) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """r (A, 17) and mean absolute error (A, 17) on the scale 0 to 5 of each actor, NaN where undefined; their names."""
    found = values[method] if method != "best" else \
        np.stack([values[au_readers.BEST[au]][:, k] for k, au in enumerate(AUS)], 1)
    r, error, names = within(found / MOST, values["true"] / MOST, values["actor"])
    return r, MOST * error, names


def choose(values: dict) -> dict[int, str]:
    """AU -> reader: the one with the least mean error, unless another one's r is higher by `CLEARLY` or more."""
    each = {m: [np.nanmean(x, 0) for x in scores(values, m)[:2]] for m in METHODS}
    out = {}
    for k, au in enumerate(AUS):
        able = [m for m in METHODS if not (m == "blendshapes" and au in UNSEEN)]
        nearest, surest = min(able, key=lambda m: each[m][1][k]), max(able, key=lambda m: each[m][0][k])
        out[au] = surest if each[surest][0][k] >= each[nearest][0][k] + CLEARLY else nearest
    return out


def shown(values: dict, title: str) -> dict:
    """Print the table; returns [mean, low, high, actors] of each cell."""
    rows: dict[str, dict] = {}
    out: dict[str, dict] = {}
    for m in (*METHODS, "best"):
        *both, names = scores(values, m)
        for what, each in zip(("r", "error"), both):
            columns = {f"AU{au:02d} {AU_NAMES[au]}"[:26]: each[:, k] for k, au in enumerate(AUS)}
            for name, column in (columns | {"mean": np.nanmean(each, 1)}).items():
                cell = f"{what} {m[:5]}"
                out.setdefault(name, {})[cell] = rows.setdefault(name, {})[cell] = None
                if np.isfinite(column).any():
                    mean = stats.mean(column, names)
                    out[name][cell] = [mean.value, mean.low, mean.high, mean.actors]
                    rows[name][cell] = " ".join(f"{v:.2f}".replace("0.", ".") for v in out[name][cell][:3])
    order = [f"{what} {m[:5]}" for what in ("r", "error") for m in (*METHODS, "best")]
    table(title, {name: {cell: row[cell] for cell in order} for name, row in rows.items()})
    return out


def run() -> dict:
    """Print a table for each split and kind; returns them."""
    data = {split: measured(split) for split in ACTORS}
    out: dict = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)                       # an AU that a method does not read
        for kind in KINDS:
            for split, values in ((s, d[kind]) for s, d in data.items()):
                actors, frames = len(set(values["actor"].tolist())), len(values["true"])
                out[f"{split} {kind}"] = shown(values, f"{split}, {kind}s, {actors} actors, {frames} frames: r in an "
                                                       "actor, mean |error| of 0 to 5; 95 % intervals over actors")
            out[f"chosen by {kind}s"] = choose(data["val"][kind])
            print(f"\nbest reader of each AU, {kind}s of val:", out[f"chosen by {kind}s"])
    return out


if __name__ == "__main__":
    run()
