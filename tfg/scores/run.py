"""Score a system: draw every clip anew, draw what it must be compared with, measure all of them alike.

The protocol "reconstruct". For each clip of the split: the target's face is hidden; the reference is another take of
the same actor with another emotion; the clip's own sound, emotion and intensity are given; what is drawn is compared
with the clip. Beside it the rows of `names.BESIDE`, measured by the same meter and judges in the same run.
"""
from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

import tfg
from tfg import cores
from tfg.corpora.store import Store
from tfg.errors import InputError
from tfg.faces import crops
from tfg.scores import judges as js
from tfg.scores import measure
from tfg.scores.names import BESIDE
from tfg.scores.results import Scores
from tfg.scores.targets import Target, Targets, targets

SHEET = 6
"""Clips whose frames are kept for the picture."""


def score(system: str | Callable, store, out=None, *, real=None, checkpoint=None, split: str = "test",
          clips: int | None = None, judges=None, workers: int | None = None, seed: int = 0,
          rows: Sequence[str] = BESIDE, splits=None, name: str | None = None, card: dict | None = None,
          progress: Callable | None = None) -> Scores:
    """Scores of a system on a split of a store, and beside it those of the true, still, shuffled and copied clips.

    system: a name ("emogen"), or a function `draw(target) -> (T, S, S, 3) uint8`.  store: folder or Store of tight
    crops.  out: folder for the tables, None to write nothing.  real: another store, of real clips, that is scored in
    the same run.  checkpoint: the system's folder, None for the one that ships.  clips: at most so many of each actor.
    judges: folder, None for those that ship, or a `judges.Judges`.  workers: processes for measuring, None for one a
    core.  rows: of `BESIDE`.  name: of the system's row.  card: of a function's checkpoint, if it has one.
    progress: function of (clips done, of all).
    Raises InputError: nothing to score, a split that may not be read, a judge that would judge itself (`judges.check`).
    """
    unknown = [r for r in rows if r not in BESIDE]
    if unknown:
        raise InputError(f"there is no row {unknown[0]!r}; choose among {', '.join(BESIDE)}.")
    if isinstance(system, str):
        from tfg.scores.systems import system as by_name

        draw, card = by_name(system, checkpoint)
        name = name or system
    else:
        draw, name = system, name or getattr(system, "__name__", "system")
    stores = [store if isinstance(store, Store) else Store.open(Path(store))]
    stores += [real if isinstance(real, Store) else Store.open(Path(real))] if real is not None else []
    if isinstance(system, str):
        from tfg.models.emogen import check_crops

        for each in stores:
            check_crops(each)
    parts = [targets(s, split, splits=splits if k == 0 else None, clips=clips, seed=seed)
             for k, s in enumerate(stores)]
    held = judges if isinstance(judges, js.Judges) else js.load(judges)
    js.check(held, {f"{r.corpus}/{r.actor}" for part in parts for r in part.clips}, card)
    result = Scores(name, tuple(r for r in BESIDE if r in rows) + (name,), judges=held)
    n = sum(map(len, parts))
    for k, (key, points, scores, frames) in enumerate(_measured(parts, draw, result.rows, cores.workers(workers, n))):
        target, folder = key
        _judge(result, held, target, frames, points, scores)
        if k % max(1, -(-n // SHEET)) == 0:
            result.pictures.append(_sheet(target, frames))
        if progress:
            progress(k + 1, n)
    result.card = _card(name, card, parts, held, split, clips, seed)
    if out is not None:
        from tfg.scores.table import write

        write(result, out)
    return result


def score_clip(target: Target, rows: dict[str, np.ndarray], held: js.Judges, folder: Path | None = None) -> Scores:
    """All scores of one clip that was drawn in several ways, as `score` makes them, for looking closely.

    rows: name -> frames (T, S, S, 3) uint8; "true", "copy" and "still" mean what they mean in tables.  folder: where
    landmarks of the truth are kept, None to measure them anew.
    """
    from tfg.models.emogen import face_mask

    result = Scores("clip", tuple(rows), judges=held)
    points, scores = measure.work(target.frames, rows, face_mask(target.size), folder)
    _judge(result, held, target, rows, points, scores)
    return result


# ---- drawing and measuring --------------------------------------------------------------------------------------
def drawn(target: Target, draw: Callable, rows: Sequence[str]) -> dict[str, np.ndarray]:
    """Frames of each row (T, S, S, 3) uint8.  Raises InputError if the system returns anything else."""
    out = {}
    for row in rows:
        if row in BESIDE and row != "shuffled":
            out[row] = {"true": target.frames, "copy": target.reference,
                        "still": np.repeat(target.frames[:1], len(target.frames), 0)}[row]
            continue
        frames = draw(replace(target, mel=target.other_mel) if row == "shuffled" else target)
        if not isinstance(frames, np.ndarray) or frames.shape != target.frames.shape or frames.dtype != np.uint8:
            raise InputError(f"the system drew {getattr(frames, 'shape', type(frames))} "
                             f"{getattr(frames, 'dtype', '')} for clip {target.id}; a draw function returns "
                             f"{target.frames.shape} uint8.")
        out[row] = frames
    return out


def _measured(parts: list[Targets], draw: Callable, rows, workers: int):
    """((target, folder), landmarks by row, scores by row, frames by row) of each clip, in order. Workers measure while
    this process draws the next clips."""
    from tfg.models.emogen import face_mask

    def jobs():
        for part in parts:
            folder = crops.folder_for(part.store)
            mask = face_mask(part.store.size)
            for target in part:
                yield (target, folder), drawn(target, draw, rows), mask

    if workers == 1:
        for key, frames, mask in jobs():
            yield key, *measure.work(key[0].frames, frames, mask, key[1]), frames
        return
    from joblib.externals.loky import get_reusable_executor

    pool, waiting = get_reusable_executor(max_workers=workers), deque()
    for key, frames, mask in jobs():
        waiting.append((key, pool.submit(measure.work, key[0].frames, frames, mask, key[1]), frames))
        if len(waiting) > 2 * workers:
            key, future, frames = waiting.popleft()
            yield key, *future.result(), frames
    while waiting:
        key, future, frames = waiting.popleft()
        yield key, *future.result(), frames


def _judge(result: Scores, held: js.Judges, target: Target, frames: dict, points: dict, scores: dict) -> None:
    """Add what the judges say of one clip's rows, and of themselves."""
    from tfg.metrics import sync_curve, sync_scores

    about = {"clip": target.id, "actor": target.actor, "kind": target.kind, "emotion": target.emotion,
             "level": target.level, "intensity": round(target.intensity, 4), "frames": len(target.frames)}
    sync, mood = held.networks.get("judge_sync"), held.networks.get("judge_emotion")
    sound = js.sync_sound(sync, target.mel) if sync is not None else None
    faces = _Faces(held, target.frames, points["true"])
    own = {"meter": measure.lips(points["true"], target.points), "person": faces.person}
    for row in result.rows:
        got = dict(scores[row], moves=measure.moves(points[row]))
        if sync is not None:
            picture = js.sync_faces(sync, frames[row])
            found, curve = sync_scores(picture, sound), sync_curve(picture, sound)
            got |= {"lse_d": found.lse_d, "lse_c": found.lse_c, "offset": float(found.offset),
                    "in_sync": float(abs(found.offset) <= 1), "d0": float(curve[len(curve) // 2])}
            result.curves.setdefault(row, []).append(curve)
            if row == "true":
                own["shifts"] = js.found_shifts(picture, sound)
        if mood is not None and target.emotion is not None:
            odds = js.emotion(mood, points[row])
            got |= {"accuracy": float(js.named(odds) == target.emotion), "named": js.named(odds),
                    "probability": float(odds[js.EMOTIONS.index(target.emotion)])}
        got |= faces.scores(row, frames[row], points[row], result)
        result.clips.append({**about, "row": row, **got})
    result.own.append({**about, **own})


class _Faces:
    """What needs the face encoder and the identity judge: once for the truth, then for each row."""

    def __init__(self, held: js.Judges, frames: np.ndarray, points: np.ndarray):
        self.encoder, self.identity = held.networks.get("judge_encoder"), held.identity
        self.at = slice(None, None, js.FACES_EVERY)
        self.maps = self._maps(frames)
        self.vectors, self.person = self._identities(frames, points), None
        if self.vectors is not None and np.isfinite(self.vectors).all(1).any():
            known = self.vectors[np.isfinite(self.vectors).all(1)]
            self.person = (known / np.linalg.norm(known, axis=1, keepdims=True)).mean(0)

    def _maps(self, frames):
        if self.encoder is None:
            return None
        import torch

        with torch.inference_mode():
            return self.encoder.features(torch.from_numpy(js.sized(frames[self.at], frames.shape[1])))

    def _identities(self, frames, points):
        if self.identity is None:
            return None
        at = slice(None, None, js.IDENTITY_EVERY)
        if np.array_equal(frames[at], np.broadcast_to(frames[:1], frames[at].shape)):        # a still picture
            at = slice(0, 1)
        return self.identity.embed(frames[at], points[at])

    def scores(self, row: str, frames, points, result: Scores) -> dict[str, float]:
        """csim, face_lpips; the features for face-FID go into the result."""
        from tfg.metrics.identity import csim
        from tfg.models.encoder import map_distance, pool

        out = {}
        if self.encoder is not None:
            maps = self.maps if row == "true" else self._maps(frames)
            result.features.setdefault(row, []).append(pool(maps).numpy())
            if row != "true":
                out["face_lpips"] = float(map_distance(maps, self.maps).mean())
        if self.person is not None and row != "true":
            values = csim(self._identities(frames, points), self.vectors)
            out["csim"] = float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")
        return out


# ---- the record of the run --------------------------------------------------------------------------------------
def _sheet(target: Target, frames: dict, n: int = 5) -> dict:
    """A few frames of each row, for the picture."""
    at = np.linspace(0, len(target.frames) - 1, n + 2)[1:-1].astype(int)
    return {"clip": target.id, "kind": target.kind, "emotion": target.emotion, "level": target.level,
            "rows": {row: f[at] for row, f in frames.items()}}


def _card(name, card, parts: list[Targets], held: js.Judges, split, clips, seed) -> dict:
    """What one must know to make this table again."""
    from tfg.corpora import prepare

    stores = []
    for part in parts:
        references = Counter(part.reference(row)[1] for row in part.clips)
        options = part.store.path / prepare.OPTIONS
        stores.append({
            "store": part.store.path.name, "size": part.store.size, "clips": len(part),
            "actors": len({r.actor for r in part.clips}), "references": dict(sorted(references.items())),
            "own_sound_as_other": sum(part.other(row).id == row.id for row in part.clips),
            "left_out": [list(e) for e in part.left_out], "crop": _read(options)})
    kept = ("sha256", "parameters", "data", "profile", "steps", "seed", "scores", "perceptual", "experts")
    return {"protocol": "reconstruct", "system": name, "tfg": tfg.__version__, "split": split, "seed": seed,
            "clips_per_actor": clips, "stores": stores,
            "checkpoint": {k: card[k] for k in kept if k in card} if card else None,
            "judges": {k: {"about": held.about(k), "sha256": c.get("sha256"), "scores": c.get("scores")}
                       for k, c in held.cards.items()},
            "identity": held.about("identity"), "missing": held.missing}


def _read(path: Path) -> dict:
    import json

    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
