"""The scores: pictures, lips, sound against picture, motion, and means over clips with their intervals.

Definitions and pitfalls are in each function's docstring. Nothing here is a loss, and nothing here is trained.
"""
from __future__ import annotations

from tfg.metrics.lips import aperture_r, correlation, landmark_distance
from tfg.metrics.pictures import psnr, ssim
from tfg.metrics.stats import Mean, mean, paired, verdict
from tfg.metrics.sync import Sync, sync_curve, sync_scores

__all__ = ["Mean", "Sync", "aperture_r", "correlation", "landmark_distance", "mean", "paired", "psnr", "ssim",
           "sync_curve", "sync_scores", "verdict"]
