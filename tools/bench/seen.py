"""Single coefficients swept on portraits, and measured again by the landmarker."""
from __future__ import annotations

import numpy as np

from tfg.faces.landmarks import detect
from tfg.vocabulary import index
from tools.bench.common import aligned, portraits, real_measurements, span, table

BROWS = {"inner": (55, 107, 285, 336), "outer": (46, 53, 276, 283)}


def brow_travel(moved: np.ndarray, still: np.ndarray, part: str) -> float:
    """Vertical travel of the brows in outer-eye distances, up positive; both (478, 2 or 3), aligned."""
    which = list(BROWS[part])
    return float((still[which, 1] - moved[which, 1]).mean())


def run() -> dict:
    """Sweep single coefficients from 0 to 1 on portraits, and print the landmarker's measurements of them."""
    asked = np.linspace(0, 1, 9)
    rows: dict = {}
    psnr = []
    for portrait in portraits().values():
        still = None
        error = (portrait.render(portrait.rest_expression).astype(float) - portrait.source) ** 2
        psnr.append(10 * np.log10(255 ** 2 / max(error.mean(), 1e-6)))
        for name in ("jawOpen", "mouthSmile", "mouthPucker", "eyeBlink", "browInnerUp", "browDown", "browOuterUp"):
            seen, last = [], None
            for value in asked:
                e = np.zeros(52, np.float32)
                e[index(name)] = value
                faces = detect(portrait.render(portrait.personal(e)))
                seen.append(faces[0].blendshapes[index(name)].mean() if faces else np.nan)
                last = faces[0].points if faces else last
                still = last if still is None else still
            moved = aligned(last, still) / span(still)
            part = "outer" if name == "browOuterUp" else "inner"
            rows.setdefault(name, []).append((np.corrcoef(asked, seen)[0, 1], np.nanmax(seen) - np.nanmin(seen),
                                              brow_travel(moved, still / span(still), part)))
    out = {}
    for name, r in rows.items():
        r = np.array(r)
        out[name] = {"faces": len(r), "r mean": r[:, 0].mean(), "r worst": r[:, 0].min(), "range mean": r[:, 1].mean(),
                     "range worst": r[:, 1].min(), "brow travel": r[:, 2].mean() if "brow" in name else np.nan}
    table("Asked and seen (re-measured)", out)
    print(f"a still face against its photo: {np.mean(psnr):.1f} dB PSNR, worst {np.min(psnr):.1f}")
    real = real_brows()
    if real:
        table("Brow travel in the six CREMA-D clips, outer-eye distances (5th to 95th percentile)", real)
    return {"sweep": out, "real_brows": real}


def real_brows() -> dict:
    clips = real_measurements()
    if not clips:
        return {}
    neutral = np.nanmedian(clips["NEU"], 0)
    out: dict = {}
    for part in BROWS:
        travel = np.array([brow_travel(p, neutral[:, :2], part) / span(neutral) for e in clips
                           for p in aligned(clips[e][np.isfinite(clips[e][:, 0, 0])], neutral)])
        out[part] = {"down": float(np.percentile(travel, 5)), "up": float(np.percentile(travel, 95))}
    return out
