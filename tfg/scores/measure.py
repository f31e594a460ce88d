"""What is measured on the frames of one clip: landmarks (kept beside the store for true clips), pictures, lips.

All of it runs in the workers: plain functions of arrays.
"""
from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np

from tfg import metrics
from tfg.faces.geometry import lip_gap
from tfg.files import atomic
from tfg.metrics.lips import all_68
from tfg.metrics.pictures import pooled_ssim, ssim_maps

BORDER = 1 / 3
"""Around a crop for the meter, of its side: the last pixels repeated. Crops for dubbing are tighter than what its
detector learned on. Without it, it loses 6 % of the faces blurred by 3 px; with it, none."""
VERSION = 1


def landmarks(frames: np.ndarray) -> np.ndarray:
    """(T, 478, 2) float32 px of crops (T, S, S, 3) uint8, each frame by itself; NaN where no face is found.

    On the 96 px crops of virtual actors: 0.02 outer-eye distances from the true points on average, r = 0.89 of the
    lips' gap. Both sides of a score are measured alike, so that the meter's own bias cancels.
    """
    import cv2

    from tfg.faces.landmarks import Landmarker

    edge = round(BORDER * frames.shape[1])
    out = np.full((len(frames), 478, 2), np.nan, np.float32)
    last = None
    with Landmarker() as meter:
        for t, frame in enumerate(frames):
            if last is not None and np.array_equal(frame, frames[last]):       # a picture that stands still
                out[t] = out[last]
                continue
            found = meter(cv2.copyMakeBorder(frame, edge, edge, edge, edge, cv2.BORDER_REPLICATE))
            if found:
                out[t] = found[0].points[:, :2] - edge
            last = t
    return out


def kept_landmarks(frames: np.ndarray, folder: Path | None) -> np.ndarray:
    """`landmarks`, measured once: kept under the checksum of the frames, in `folder` where that can be written."""
    if folder is None:
        return landmarks(frames)
    name = hashlib.sha256(np.ascontiguousarray(frames).tobytes() + repr((VERSION, frames.shape)).encode()).hexdigest()
    path = folder / f"{name[:24]}.npy"
    try:
        found = np.load(path, allow_pickle=False)
        if found.shape == (len(frames), 478, 2):
            return found
    except (OSError, ValueError, EOFError):                  # not there, or of a run that was killed
        pass
    found = landmarks(frames)
    with atomic(path) as part:
        np.save(part, found)
    return found


def folder_for(store) -> Path | None:
    """Where landmarks of a store's true clips are kept, None if its folder cannot be written."""
    folder = Path(store.path) / "landmarks"
    try:
        folder.mkdir(exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None


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
    """lmd_mouth, lmd_face, aperture_r, found of landmarks (T, 478, 2); NaN where nothing can be said."""
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
    gap = lip_gap(points)
    return bool(np.isfinite(gap).sum() >= 3 and np.nanmax(gap) - np.nanmin(gap) > 1e-6)


def work(true: np.ndarray, rows: dict[str, np.ndarray], mask: np.ndarray, folder: Path | None) -> tuple[dict, dict]:
    """Everything of a clip that needs no network of ours.

    true: (T, S, S, 3).  rows: name -> frames.  Landmarks of what is not drawn (rows "true" and "copy") are kept.
    Returns landmarks (T, 478, 2) and scores, by row.
    """
    truth = kept_landmarks(true, folder)
    points, scores = {"true": truth}, {}
    for name, frames in rows.items():
        if name == "true":
            points[name] = truth
        elif name == "still":
            points[name] = np.repeat(truth[:1], len(true), 0)
        else:
            points[name] = kept_landmarks(frames, folder) if name == "copy" else landmarks(frames)
        scores[name] = lips(points[name], truth)
        if name != "true":
            scores[name] |= pictures(frames, true, mask)
    return points, scores
