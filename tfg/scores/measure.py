"""Measurements of one clip's frames: landmarks (cached beside the store for true clips), pictures, lips.

All functions run in worker processes and take plain arrays.
"""
from __future__ import annotations

from pathlib import Path

import numpy as np

from tfg import metrics
from tfg.faces import crops
from tfg.faces.geometry import lip_gap
from tfg.metrics.lips import all_68
from tfg.metrics.pictures import pooled_ssim, ssim_maps


def pictures(drawn: np.ndarray, true: np.ndarray, masks: dict[str, np.ndarray]) -> dict[str, float]:
    """Picture scores of a clip: psnr and ssim, and for each mask (S, S) psnr_NAME and ssim_NAME: means of frames.
    Frames that are equal to the truth have no PSNR and are left out of it; inf where all are."""
    def usual(values: np.ndarray) -> float:
        finite = np.isfinite(values)
        return float(values[finite].mean()) if finite.any() else float("inf")

    alike = ssim_maps(drawn, true)
    out = {"psnr": usual(metrics.psnr(drawn, true)), "ssim": float(pooled_ssim(alike).mean())}
    for name, mask in masks.items():
        out |= {f"psnr_{name}": usual(metrics.psnr(drawn, true, mask)),
                f"ssim_{name}": float(pooled_ssim(alike, mask).mean())}
    return out


def lips(drawn: np.ndarray, true: np.ndarray) -> dict[str, float]:
    """Lip scores lmd_mouth, lmd_face, aperture_r, found from landmarks (T, 478, 2 or 3) by x and y; NaN without
    faces."""
    drawn, true = drawn[..., :2], true[..., :2]
    drawn_68, true_68 = all_68(drawn), all_68(true)
    seen = np.isfinite(drawn).all((1, 2))
    out = {"found": float(seen.mean()), "lmd_mouth": float("nan"), "lmd_face": float("nan"),
           "aperture_r": metrics.aperture_r(drawn, true)}
    if (seen & np.isfinite(true).all((1, 2))).any():
        out["lmd_mouth"] = float(np.nanmean(metrics.landmark_distance(drawn_68, true_68, "mouth")))
        out["lmd_face"] = float(np.nanmean(metrics.landmark_distance(drawn_68, true_68, "face")))
    return out


def moves(points: np.ndarray) -> bool:
    """Whether the lips' measured gap changes at all.  points: (T, 478, 2 or 3)."""
    gap = lip_gap(points[..., :2])
    return bool(np.isfinite(gap).sum() >= 3 and np.nanmax(gap) - np.nanmin(gap) > 1e-6)


def work(true: np.ndarray, rows: dict[str, np.ndarray], masks: dict[str, np.ndarray],
         folder: Path | None) -> tuple[dict, dict]:
    """Landmarks and scores of a clip that need no network of ours.

    true: (T, S, S, 3) uint8.  rows: name -> frames.  masks: for `pictures`; empty where pixels do not correspond.
    Landmarks of the rows that are not drawn ("true", "copy" and "still") are cached.
    Returns landmarks (T, 478, 3) and scores, by row.
    """
    truth = crops.kept_landmarks(true, folder)
    points, scores = {"true": truth}, {}
    for name, frames in rows.items():
        if name == "true":
            points[name] = truth
        elif name == "still":
            photo = frames[:1]
            first = truth[:1] if np.array_equal(photo, true[:1]) else crops.kept_landmarks(photo, folder)
            points[name] = np.repeat(first, len(true), 0)
        else:
            points[name] = crops.kept_landmarks(frames, folder) if name == "copy" else crops.landmarks(frames)
        scores[name] = lips(points[name], truth)
        if name != "true" and masks:
            scores[name] |= pictures(frames, true, masks)
    return points, scores
