"""What is measured on the frames of one clip: landmarks (kept beside the store for true clips), pictures, lips.

All of it runs in the workers: plain functions of arrays.
"""
from __future__ import annotations

from pathlib import Path

import numpy as np

from tfg import metrics
from tfg.faces import crops
from tfg.faces.geometry import lip_gap
from tfg.metrics.lips import all_68
from tfg.metrics.pictures import pooled_ssim, ssim_maps


def pictures(drawn: np.ndarray, true: np.ndarray, mask: np.ndarray) -> dict[str, float]:
    """psnr, ssim, psnr_mask, ssim_mask of a clip: means of frames.  Frames that are equal to the truth have no PSNR and
    are left out of it; inf where all are."""
    def usual(values: np.ndarray) -> float:
        finite = np.isfinite(values)
        return float(values[finite].mean()) if finite.any() else float("inf")

    alike = ssim_maps(drawn, true)
    return {"psnr": usual(metrics.psnr(drawn, true)), "ssim": float(pooled_ssim(alike).mean()),
            "psnr_mask": usual(metrics.psnr(drawn, true, mask)), "ssim_mask": float(pooled_ssim(alike, mask).mean())}


def lips(drawn: np.ndarray, true: np.ndarray) -> dict[str, float]:
    """lmd_mouth, lmd_face, aperture_r, found of landmarks (T, 478, 2 or 3) by x and y; NaN where nothing is."""
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
    """Whether the lips' gap changes at all, as far as it was measured."""
    gap = lip_gap(points[..., :2])
    return bool(np.isfinite(gap).sum() >= 3 and np.nanmax(gap) - np.nanmin(gap) > 1e-6)


def work(true: np.ndarray, rows: dict[str, np.ndarray], mask: np.ndarray, folder: Path | None) -> tuple[dict, dict]:
    """Everything of a clip that needs no network of ours.

    true: (T, S, S, 3).  rows: name -> frames.  Landmarks of what is not drawn (rows "true" and "copy") are kept.
    Returns landmarks (T, 478, 3) and scores, by row.
    """
    truth = crops.kept_landmarks(true, folder)
    points, scores = {"true": truth}, {}
    for name, frames in rows.items():
        if name == "true":
            points[name] = truth
        elif name == "still":
            points[name] = np.repeat(truth[:1], len(true), 0)
        else:
            points[name] = crops.kept_landmarks(frames, folder) if name == "copy" else crops.landmarks(frames)
        scores[name] = lips(points[name], truth)
        if name != "true":
            scores[name] |= pictures(frames, true, mask)
    return points, scores
