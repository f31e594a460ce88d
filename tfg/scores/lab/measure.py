"""All scores of the lab for the films of one clip: those of `tfg.scores` and those that only the lab has."""
from __future__ import annotations

import numpy as np

from tfg.faces.face_region import WIDE_OVAL, face_region
from tfg.faces.geometry import eye_aperture, lip_gap
from tfg.faces.pose import from_points
from tfg.metrics.motion import beat_alignment, blink_rate, onsets
from tfg.metrics.sync import MAX_SHIFT
from tfg.scores import judges as js
from tfg.scores import measure
from tfg.scores.judge_clip import judge_clip
from tfg.scores.lab.columns import LAB_SCORES
from tfg.scores.results import Scores
from tfg.scores.targets import Target

MOUTH_OVAL = (.5, .75, .26, .16)
"""Centre and radii (x, y) of the mouth in a crop for dubbing, in sides of the crop."""
KEPT = .15
"""Part of the true gap's range by which a closure's gap may exceed the true one and still count as kept."""
TILES = 4


def scores_of(target: Target, films: dict[str, np.ndarray], points: dict[str, np.ndarray], judges: js.Judges,
              closures: list[tuple[float, float]]) -> tuple[dict[str, dict], dict[str, np.ndarray]]:
    """Scores of some films of a clip, and their features for face-FID, both by film.

    films: name -> (T, S, S, 3) uint8.  points: name -> (T, 478, 3) px, measured; "true": those of the true film.
    closures: start and stop in seconds of each p, b, m.
    """
    true, size = target.frames, target.size
    masks = {"mask": face_region(size), "mouth": face_region(size, MOUTH_OVAL),
             "around": 1 - face_region(size, WIDE_OVAL)}
    plain = {name: measure.lips(points[name], points["true"]) | measure.pictures(f, true, masks)
             for name, f in films.items()}
    result = Scores("lab", tuple(films), judges=judges)
    judge_clip(result, judges, target, films, points, plain)
    heard, turned = onsets(target.wave), poses(points["true"], size)
    out = {}
    for record in result.clips:
        name = record["row"]
        own = motion_scores(poses(points[name], size), turned, heard)
        own |= lip_scores(points[name], points["true"], closures)
        own |= {"flicker": flicker(films[name]), "blinks": blink_rate(eye_aperture(points[name]))}
        if "judge_sync" in judges.networks:
            own["lse_c_padded"] = padded_lse_c(js.sync_faces(judges.networks["judge_sync"], films[name]),
                                               js.sync_sound(judges.networks["judge_sync"], target.mel))
        if not record["moves"] and record["found"] > 0:                      # as in tables: still lips follow nothing
            own["aperture_r"] = 0.0
        out[name] = {k: float(v) for k, v in (record | own).items() if k in LAB_SCORES}
    return out, {name: features(f, judges) for name, f in films.items()}


def mean_of(found: list[dict[str, float]]) -> dict[str, float]:
    """Mean of each score over pieces of a clip; pieces without a value are left out."""
    names = {k for f in found for k in f}
    values = {k: np.array([f[k] for f in found if np.isfinite(f.get(k, np.nan))]) for k in names}
    return {k: float(v.mean()) if len(v) else float("nan") for k, v in sorted(values.items())}


def features(frames: np.ndarray, judges: js.Judges) -> np.ndarray:
    """Features (N, P) float32 of frames for face-FID; (N, 0) without a face encoder."""
    from tfg.scores.face_distance import pooled

    encoder = judges.networks.get("judge_encoder")
    return np.zeros((len(frames), 0), np.float32) if encoder is None else pooled(frames, encoder).astype(np.float32)


# ---- the lab's own scores ----------------------------------------------------------------------------------------
def poses(points: np.ndarray, size: int) -> np.ndarray:
    """Measured poses (T, 6) of landmarks (T, 478, 3) px; NaN where no face was found."""
    return np.stack([from_points(p, (size, size)) if np.isfinite(p).all() else np.full(6, np.nan) for p in points])


def motion_scores(pose: np.ndarray, true: np.ndarray, heard: np.ndarray) -> dict[str, float]:
    """head_error, head_range and beats of measured poses (T, 6).  true: those of the true film.  heard: (K,) seconds of
    the sound's onsets.  NaN where no frame has a face."""
    known = np.isfinite(pose).all(1)
    both = known & np.isfinite(true).all(1)
    if not both.any():
        return dict.fromkeys(("head_error", "head_range", "beats"), float("nan"))
    t = np.arange(len(pose))
    whole = np.stack([np.interp(t, t[known], column[known]) for column in pose.T], 1)
    return {"head_error": float(np.abs(pose - true)[both, :3].mean()),
            "head_range": float(pose[known, :3].std(0).mean()), "beats": beat_alignment(whole, heard)}


def lip_scores(points: np.ndarray, true: np.ndarray, closures: list[tuple[float, float]]) -> dict[str, float]:
    """lip_range and closed of measured landmarks (T, 478, 2 or 3); NaN where the true lips hardly move, or the sentence
    has no p, b, m."""
    gap, right = lip_gap(points), lip_gap(true)
    seen = np.isfinite(gap) & np.isfinite(right)
    if seen.sum() < 3:
        return {"lip_range": float("nan"), "closed": float("nan")}
    span, full = (float(np.diff(np.percentile(g[seen], (5, 95)))[0]) for g in (gap, right))
    if full < 1e-6:
        return {"lip_range": float("nan"), "closed": float("nan")}
    kept = []
    for start, stop in closures:
        at = slice(max(int(start * 25 - .5), 0), int(np.ceil(stop * 25 + .5)))          # half a frame on both sides
        if seen[at].any():
            kept.append(np.nanmin(gap[at]) <= np.nanmin(right[at]) + KEPT * full)
    return {"lip_range": span / full, "closed": float(np.mean(kept)) if kept else float("nan")}


def flicker(frames: np.ndarray) -> float:
    """Change of brightness that comes and goes between frames: for each of 16 tiles the rms of x(t-1) - 2 x(t) +
    x(t+1), x the tile's mean of 255, and of these the median, so that moving lips and lids do not count.
    frames: (T, S, S, 3) uint8.  NaN below three frames."""
    if len(frames) < 3:
        return float("nan")
    side = frames.shape[1] // TILES * TILES
    x = frames[:, :side, :side].mean(3).reshape(len(frames), TILES, side // TILES, TILES, side // TILES).mean((2, 4))
    return float(np.median(np.sqrt(np.mean(np.diff(x, 2, axis=0) ** 2, 0))))


def padded_lse_c(picture: np.ndarray, sound: np.ndarray, max_shift: int = MAX_SHIFT) -> float:
    """LSE-C as usual elsewhere: where a shift leads beyond the clip, the sound's embedding is zero and its distance
    counts.  picture, sound: (N, E)."""
    n = len(picture)
    wide = np.pad(np.asarray(sound, float), ((max_shift, max_shift), (0, 0)))
    curve = [np.linalg.norm(picture - wide[s:s + n], axis=1).mean() for s in range(2 * max_shift + 1)]
    return float(np.median(curve) - np.min(curve))
