"""Scores of a PoseVAE beside true motion, a still head, and motion of another sound."""
from __future__ import annotations

import numpy as np
import torch

from tfg.metrics.motion import accents, beat_alignment, difference, diversity, onsets, response
from tfg.systems.expression.posevae.data import PoseClip
from tfg.systems.expression.posevae.losses import divergence, expectation
from tfg.systems.expression.posevae.network import CHUNK, OVERLAP, STYLES, N, PoseVAE, generate

ACTIVE = .05
"""Least KL in nats of a dimension of the code that counts as active."""
SEEDS = 2


@torch.no_grad()
def known(network: PoseVAE, batch: dict) -> dict[str, float]:
    """Scores of reconstructed chunks: squared error with the mean code (mse) and with code 0 (blind); KL in nats,
    active dimensions; `expectation` for code 0 (expected), with the sound of other chunks (deaf), and with other styles
    (styleless), where 1 is no better than no motion at all."""
    b = {k: torch.from_numpy(v) if isinstance(v, np.ndarray) else v for k, v in batch.items()}
    heard = network.hear(b["windows"])
    mean, logvar = network.encode(b["chunk"], b["before"], heard, b["style"])
    kl = divergence(mean, logvar).mean(0)

    def drawn(z, heard, style):
        return network.decode(z, b["before"], heard, style)

    blind = drawn(0 * mean, heard, b["style"])
    others = {"expected": blind, "deaf": drawn(0 * mean, heard.roll(1, 0), b["style"]),
              "styleless": drawn(0 * mean, heard, (b["style"] + 17) % STYLES)}
    return {"mse": float((drawn(mean, heard, b["style"]) - b["chunk"]).square().mean()),
            "blind": float((blind - b["chunk"]).square().mean()), "kl": float(kl.sum()),
            "active": int((kl > ACTIVE).sum()), **{k: float(expectation(v, b["chunk"])) for k, v in others.items()}}


def score(network: PoseVAE, clips: list[PoseClip], seeds: int = SEEDS) -> dict:
    """New motions for all clips, all 46 styles, against the clips' own.  clips: each has all 46 styles' poses.

    diversity: mean std within a clip; between_seeds, between_styles: `metrics.motion.difference` (all of yaw, pitch,
    roll in degrees).  accents, onsets: beat alignment with stressed syllables, and with all onsets.  nod: size in
    degrees of the mean motion around a stressed syllable.  nod_r: correlation of these motions of the 46 styles with
    those of the true motion, frame by frame.  sway_r: r of the 46 x 6 logarithmic standard deviations.  seam: speed
    where chunks are joined over speed elsewhere.  far: largest angle, degrees.
    """
    total = min(len(c.poses[0]) for c in clips)
    true = np.stack([c.poses[np.argsort(c.styles), :total] for c in clips]).astype(np.float32)   # (C, 46, T, 6)
    made = np.stack([[generate(network, c.sound(network.config.hearing), range(STYLES),
                               [1000 * k + s for s in range(STYLES)], total) for k in range(seeds)]
                     for c in clips])                                                          # (C, seeds, 46, T, 6)
    beats = {"accents": [accents(c.audio) for c in clips], "onsets": [onsets(c.audio) for c in clips]}
    rows = {"made": _row(made.reshape(len(clips), -1, total, N), beats), "true": _row(true, beats),
            "still": _row(np.zeros_like(true[:, :1]), beats), "wrong": _row(np.roll(true, 1, 0), beats)}
    rows["made"]["between_seeds"] = _angles(np.mean([difference(m[:, s]) for m in made for s in range(STYLES)], 0))
    for name, poses in (("made", made[:, 0]), ("true", true)):
        rows[name]["between_styles"] = _angles(np.mean([difference(p) for p in poses], 0))
        rows[name]["seam"] = _round(seam_speed(poses.reshape(-1, total, N)))
    answers = [np.stack([_answer(p[:, s], beats["accents"]) for s in range(STYLES)]) for p in (made[:, 0], true)]
    sway = [np.log(np.stack([p[:, s].std(1).mean(0) for s in range(STYLES)])) for p in (made[:, 0], true)]
    rows["made"] |= {"nod_r": _round(_r(*answers)), "sway_r": _round(_r(*sway))}
    return rows | {"clips": len(clips), "seconds": total / 25, "seeds": seeds}


def _row(poses: np.ndarray, beats: dict) -> dict:
    """Scores of one kind of motion.  poses: (C, K, T, 6), several motions of each clip.  beats: name -> (N,) s of each
    clip."""
    flat = poses.reshape(-1, *poses.shape[2:]).astype(np.float32)
    out: dict = {"diversity": [_round(v) for v in diversity(list(flat))]}
    for name, at in beats.items():
        found = [beat_alignment(p, at[c]) for c, clip in enumerate(poses) for p in clip]
        out[name] = _round(np.nanmean(found)) if np.isfinite(found).any() else None
    answer = np.stack([_answer(poses[:, k], beats["accents"]) for k in range(poses.shape[1])])
    nod = np.abs(answer[:, :, :3]).max((1, 2)).mean()
    return out | {"nod": _round(nod), "far": _round(np.abs(flat[..., :3]).max())}


def _answer(poses: np.ndarray, beats: list[np.ndarray]) -> np.ndarray:
    """Mean motion around a beat, (reach, 6), over one motion of each clip.  beats: (K,) seconds of each clip."""
    return np.nanmean([response(p, at) for p, at in zip(poses, beats)], 0)


def seam_speed(poses: np.ndarray) -> float:
    """Mean angular speed in the frames where chunks are joined, over that in all others.  poses: (K, T, 6)."""
    speed = np.linalg.norm(np.diff(poses[..., :3].astype(float), axis=1), axis=2).mean(0)         # (T - 1,)
    at = np.arange(1, len(speed) + 1) % (CHUNK - OVERLAP)
    joined = (at < OVERLAP) & (np.arange(1, len(speed) + 1) >= CHUNK - OVERLAP)
    return float(speed[joined].mean() / speed[~joined][10:].mean()) if joined.any() else float("nan")


def _angles(values: np.ndarray) -> float:
    return _round(np.mean(values[:3]))


def _r(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def _round(value) -> float:
    return round(float(value), 4)
