"""Scores of one clip's rows by the judges: sync, emotion, identity, and distances on the face encoder."""
from __future__ import annotations

import numpy as np

from tfg.scores import judges as js
from tfg.scores import measure
from tfg.scores.columns import SCORES
from tfg.scores.results import Scores
from tfg.scores.targets import Target


def judge_clip(result: Scores, judges: js.Judges, target: Target, frames: dict, points: dict, scores: dict) -> None:
    """Add the judges' scores of one clip's rows, and their own accuracy on the true row, to the result."""
    from tfg.metrics import sync_curve, sync_scores

    about = {"clip": target.id, "actor": target.actor, "kind": target.kind, "emotion": target.emotion,
             "level": target.level, "intensity": round(target.intensity, 4), "frames": len(target.frames)}
    sync = judges.networks.get("judge_sync")
    sound = js.sync_sound(sync, target.mel) if sync is not None else None
    faces = _Faces(judges, target.frames, points["true"])
    own = {"meter": measure.lips(points["true"], target.points), "person": faces.person}
    for row in result.rows:
        got = dict(scores[row], moves=measure.moves(points[row]))
        if sound is not None:
            picture = js.sync_faces(sync, frames[row])
            found, curve = sync_scores(picture, sound), sync_curve(picture, sound)
            got |= {"lse_d": found.lse_d, "lse_c": found.lse_c, "offset": float(found.offset),
                    "in_sync": float(abs(found.offset) <= 1), "d0": float(curve[len(curve) // 2])}
            result.curves.setdefault(row, []).append(curve)
            if row == "true":
                own["shifts"] = js.found_shifts(picture, sound)
        got |= emotions(judges, target, row, frames[row], points[row])
        got |= faces.scores(row, frames[row], points[row], result)
        got = {key: value for key, value in got.items() if key not in SCORES or result.task in SCORES[key].tasks}
        result.clips.append({**about, "row": row, **got})
    result.own.append({**about, **own})


def emotions(judges: js.Judges, target: Target, row: str, frames: np.ndarray, points: np.ndarray) -> dict:
    """What the emotion judges say of a row of a clip; nothing where the clip's emotion is not known.

    accuracy, probability, named: our own judge.  accuracy_NAME, named_NAME: the published judges; the first of them,
    which alone judges drawn rows, also gives the scores accuracy_published and probability_published.
    """
    out: dict = {}
    if target.emotion is None:
        return out
    asked = js.EMOTIONS.index(target.emotion)
    if (mood := judges.networks.get("judge_emotion")) is not None:
        odds = js.emotion(mood, points)
        out |= {"accuracy": float(js.named(odds) == target.emotion), "named": js.named(odds),
                "probability": float(odds[asked])}
    for k, name in enumerate(js.PUBLISHED):
        network = judges.networks.get(name)
        if network is None or (k and row != "true"):
            continue
        odds = js.emotion_published(network, frames, points)
        out |= {f"accuracy_{name}": float(js.named(odds) == target.emotion), f"named_{name}": js.named(odds)}
        if k == 0:
            out |= {"accuracy_published": out[f"accuracy_{name}"], "probability_published": float(odds[asked])}
    return out


class _Faces:
    """Scores by the face encoder and the identity judge: the truth is encoded once, then each row."""

    def __init__(self, judges: js.Judges, frames: np.ndarray, points: np.ndarray):
        self.encoder, self.identity = judges.networks.get("judge_encoder"), judges.identity
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
        """Scores csim and face_lpips of a row; its features for face-FID are added to the result."""
        from tfg.experts.encoder.network import map_distance, pool
        from tfg.scores.identity import csim

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
