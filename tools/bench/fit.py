"""The fit of the head to a face: its error on landmarks that were left out of it."""
from __future__ import annotations

import time

import numpy as np

from tfg.faces.landmarks import detect
from tools.bench.common import astronaut, real_clips, sfhq, table


def run() -> dict:
    """Print the fit's error on left-out landmarks, in outer-eye distances, without the residual warp."""
    from tfg.head.fit import fit_landmarks
    from tfg.head.model import Head
    from tfg.media.video import FrameReader

    head = Head.load()
    use = np.ones(478, bool)
    use[::5] = False
    groups = {"astronaut": [astronaut()], "sfhq (20 faces)": sfhq(20)}
    groups["crema_d (every 10th frame)"] = [f for p in real_clips().get("crema_d", [])
                                            for i, f in enumerate(FrameReader(p)) if i % 10 == 0]
    out = {}
    for name, images in groups.items():
        errors, seconds = [], []
        for image in images:
            faces = detect(image)
            if not faces:
                continue
            start = time.perf_counter()
            fit = fit_landmarks(head, faces[0].points, expression_prior=faces[0].blendshapes, use=use)
            seconds.append(time.perf_counter() - start)
            points = faces[0].points
            xy = fit.project(head.landmark_points(fit.identity, fit.expression))
            span = np.linalg.norm(points[33, :2] - points[263, :2])
            errors.append(np.linalg.norm(xy - points[:, :2], axis=1)[~use].mean() / span)
        if errors:
            out[name] = {"n": len(errors), "mean_%": 100 * float(np.mean(errors)),
                         "worst_%": 100 * float(np.max(errors)),
                         "ms": 1000 * float(np.median(seconds))}
    table("Fit: error on left-out landmarks, % of the outer-eye distance", out)
    return out
