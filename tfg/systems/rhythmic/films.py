"""Scenes and speeches of real film, measured where those of actors are known.

The original needs three files beside each clip (landmarks, landmarks seen from the front, poses), and its program for
them was never released. Here a store of any corpus (`tfg corpora prepare`: actors, CREMA-D, GRID, VoxCeleb, LRS3) has
the landmarks already, and one step makes of it what both parts learn from:

    tfg corpora prepare GRID --corpus grid --out build/grid --size 128 --margin .2,.36,.2,.14
    python -m tfg.systems.rhythmic.films --store build/grid --out build/grid_turns --speeches build/grid_speeches
    tfg train rhythmic --scenes build/grid_turns --out build/grid_rhythmic --init build/rhythmic

Poses are fitted to the landmarks (`tfg.systems.rhythmic.pose.fit`). Flow into each shot is what landmarks tell and,
on top of it, the optical flow that is left (DIS, Kroeger et al. 2016, by OpenCV), where it leads there and back.
"""
from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tfg.actors import examples
from tfg.actors.cast import Member
from tfg.corpora.splits import FRACTIONS, make_splits
from tfg.corpora.splits_table import TABLE, Splits, kept_for_testing
from tfg.corpora.store import Store
from tfg.errors import InputError
from tfg.faces.points68 import half_sides
from tfg.files import atomic, make_folder
from tfg.media.audio import SAMPLES_PER_FRAME
from tfg.systems.rhythmic import scenes, speeches
from tfg.systems.rhythmic.person import resting
from tfg.systems.rhythmic.pose import canonical, fit, of_478, with_skull
from tfg.systems.rhythmic.scenes import Seen, arrays
from tfg.vocabulary import EMOTIONS, INTENSITY

BACK_PX = 1.5
"""A place is known if its flow there and back ends at most so far from where it began, px of the crop."""
COMMAND = "python -m tfg.systems.rhythmic.films"


# ---- flow -----------------------------------------------------------------------------------------------------------
def flow_between(moment: Seen, shot: Seen) -> np.ndarray:
    """Where in the shot each place of the moment lies: (S / 2, S / 2, 2) float32, from here, half sides of the crop.

    NaN where flow there and flow back do not meet.
    """
    import cv2
    import torch

    from tfg.networks.anchored import flow_by_landmarks

    S = len(moment.picture)
    here, there = (torch.from_numpy(half_sides(with_skull(p, fit(p)), S))[None]
                   for p in (of_478(moment.points), of_478(shot.points)))
    told = flow_by_landmarks(here, there, S)[0].permute(1, 2, 0).numpy() * np.float32(S / 2)      # (S, S, 2) px
    at = np.stack(np.meshgrid(np.arange(S), np.arange(S)), -1).astype(np.float32)
    fetched = _fetched(shot.picture, at + told)
    grey = [cv2.cvtColor(x, cv2.COLOR_RGB2GRAY) for x in (moment.picture, fetched)]
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    left, back = (dis.calc(a, b, np.zeros((S, S, 2), np.float32)) for a, b in (grey, grey[::-1]))
    flow = left + _fetched(told, at + left)
    flow[np.linalg.norm(left + _fetched(back, at + left), axis=-1) > BACK_PX] = np.nan
    return flow.reshape(S // 2, 2, S // 2, 2, 2).mean((1, 3)) * np.float32(2 / S)


def _fetched(x: np.ndarray, at: np.ndarray) -> np.ndarray:
    import cv2

    return cv2.remap(x, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def scene(moments: Sequence[Seen], shots: Sequence[Seen]) -> dict[str, np.ndarray]:
    """One scene of frames that were seen in one crop: the arrays of `tfg.systems.rhythmic.scenes`, with R = 1."""
    flows = [[flow_between(moment, shot).astype(np.float16) for shot in shots] for moment in moments]
    return arrays(shots, moments, flows)


# ---- a corpus -------------------------------------------------------------------------------------------------------
def make(store, out, *, spoken=None, takes: int = 4, shots: int = 6, num_frames: int = 3, seed: int = 0,
         progress: bool = False) -> Path:
    """Make a folder of scenes of a store's clips.  Returns the folder.

    store: of `tfg corpora prepare`, with landmarks.  spoken: folder for its speeches, or None.  takes: scenes of each
    person; a scene's shots are of another clip of the person where there is one.  shots: K.  num_frames: N.
    Raises InputError: a folder that is there already, nobody whose person is known and whose face was found.
    """
    from tqdm.auto import tqdm

    source = Store.open(store)
    people: dict[str, list] = defaultdict(list)
    for row in source.clips:
        where = _usable(source, row)
        if row.actor is not None and len(where) >= shots + num_frames and len(_starts(where, num_frames)):
            people[f"{row.corpus}_{row.actor}"].append(row)
    if not people:
        raise InputError(f"{source.path} has no clip of a known person with {shots + num_frames} usable frames.")
    splits = splits_of(source)
    members = [Member(name, "real", 0, splits.of(people[name][0])) for name in sorted(people)]
    for kind, folder in ((scenes.KIND, out), (speeches.KIND, spoken)):
        if folder is not None and (Path(folder) / kind.manifest).exists():
            raise InputError(f"{folder} holds {kind.name} already; choose another folder, or remove it.")
    out = _begun(scenes.KIND, out, members, size=source.size, store=Path(store).name, takes=takes, shots=shots,
                 num_frames=num_frames, seed=seed)
    if spoken is not None:
        spoken = _begun(speeches.KIND, spoken, members, store=Path(store).name)
    for k, member in enumerate(tqdm(members, desc="people", disable=not progress)):
        rng = np.random.default_rng([seed, k])
        rows = people[member.name]
        parts = []
        for j in range(takes):
            a, b = rows[j % len(rows)], rows[(j + 1) % len(rows)]
            where = _usable(source, a)
            moments = where[rng.choice(_starts(where, num_frames)) + np.arange(num_frames)]
            pool = _usable(source, b)
            pool = np.setdiff1d(pool, moments) if b is a else pool        # none of the moments is its own shot
            parts.append(scene([_seen(source, i) for i in moments],
                               [_seen(source, i) for i in rng.choice(pool, shots, replace=False)]))
        examples.save(out, member, parts)
        if spoken is not None:
            examples.save(spoken, member, [speech(source, row) for row in rows])
    return out


def splits_of(store: Store) -> Splits:
    """The recorded splits of a store's people, else new ones; of fewer than three people all are for learning, but for
    those that are kept for testing."""
    if (Path(store.path) / TABLE).is_file():
        return Splits.of_store(store)
    free = {(r.corpus, r.actor) for r in store.clips if r.actor is not None and not kept_for_testing(r.corpus, r.actor)}
    return make_splits(store.clips, FRACTIONS if len(free) >= len(FRACTIONS) else {"train": 1.0})


def speech(store: Store, row) -> dict[str, np.ndarray]:
    """A clip as the arrays of `tfg.systems.rhythmic.speeches`, for N = 1; poses are relative to its usual one."""
    from tfg.faces.smooth import fill_gaps
    from tfg.systems.rhythmic.plan import usual
    from tfg.systems.rhythmic.pose import pose_of

    points = fill_gaps(of_478(np.asarray(store.arrays["points"][row.start:row.stop], np.float32)))
    rigid = fit(points)
    face = canonical(points, rigid)
    rest = resting(face)
    T = len(points)
    wave = np.zeros(T * SAMPLES_PER_FRAME, np.float32)
    heard = store.wave(row)[:len(wave)]
    wave[:len(heard)] = heard
    emotion = row.emotion if row.emotion in EMOTIONS else "NEU"
    curve = np.full(T, INTENSITY.get(row.level or "XX", INTENSITY["XX"]) * (emotion != "NEU"))
    return {"frames": np.array([T], np.int32),
            "wave": np.round(np.clip(wave, -1, 1) * speeches.FULL).astype(np.int16),
            "pose": pose_of(rigid, usual(rigid)).astype(np.float16), "offset": (face - rest).astype(np.float16),
            "rest": rest[None].astype(np.float32), "curve": curve.astype(np.float16),
            "emotion": np.array([EMOTIONS.index(emotion)], np.int16)}


def _usable(store: Store, row) -> np.ndarray:
    """Numbers of a clip's frames in the store whose landmarks are known."""
    known = np.isfinite(np.asarray(store.arrays["points"][row.start:row.stop, 0, 0], np.float32))
    return row.start + np.flatnonzero(known & np.asarray(store.arrays["ok"][row.start:row.stop], bool))


def _starts(where: np.ndarray, n: int) -> np.ndarray:
    """Places in numbers of frames from which n follow each other."""
    return np.flatnonzero(where[n - 1:] - where[:len(where) - n + 1] == n - 1)


def _seen(store: Store, i: int) -> Seen:
    return Seen(store.frame(int(i)), np.asarray(store.arrays["points"][i], np.float32),
                np.nan_to_num(np.asarray(store.arrays["expression"][i], np.float32)))


def _begun(kind: examples.Kind, out, members: Sequence[Member], **settings) -> Path:
    """The folder, with its manifest."""
    out = make_folder(out)
    about = {kind.name: kind.version, "made_by": COMMAND, **settings,
             "members": [{"name": m.name, "split": m.split} for m in members]}
    with atomic(out / kind.manifest) as part:
        part.write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    return out


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    import argparse

    p = argparse.ArgumentParser(prog=COMMAND, description=__doc__.split("\n")[0])
    p.add_argument("--store", required=True, metavar="DIR", help="that tfg corpora prepare wrote")
    p.add_argument("--out", required=True, metavar="DIR", help="folder of scenes to make")
    p.add_argument("--speeches", dest="spoken", metavar="DIR", help="folder of speeches to make, too")
    for name, default, words in (("takes", 4, "scenes of each person"), ("shots", 6, "shots of a scene"),
                                 ("num-frames", 3, "moments of a scene"), ("seed", 0, "same seed, same scenes")):
        p.add_argument(f"--{name}", type=int, default=default, metavar="N", help=f"{words} (default: {default})")
    print(make(progress=True, **vars(p.parse_args(arguments))))


if __name__ == "__main__":
    main()
