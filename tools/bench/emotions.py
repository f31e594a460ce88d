"""Travel of a portrait's landmarks in each emotion, and recognition of the emotions from it."""
from __future__ import annotations

import numpy as np

from tfg.faces.landmarks import detect
from tfg.vocabulary import EMOTIONS
from tools.bench.common import aligned, portraits, real_measurements, span, table


def run() -> dict:
    """Print mean travel of the landmarks by emotion, and the emotions recognised by the nearest prototype."""
    from tfg.acting.emotion import actions

    shown: dict = {}
    for name, portrait in portraits().items():
        points = {}
        for emotion in EMOTIONS:
            e = portrait.personal(np.clip(actions(emotion, 1.0), 0, 1))
            faces = detect(portrait.render(e))
            if faces:
                points[emotion] = faces[0].points
        still = points["NEU"]
        shown[name] = {e: (aligned(p, still) - still[:, :2]) / span(still) for e, p in points.items()}
    clips = real_measurements()
    real = {}
    if clips:
        neutral = np.nanmedian(clips["NEU"], 0)
        real = {e: (aligned(np.nanmedian(p, 0), neutral) - neutral[:, :2]) / span(neutral) for e, p in clips.items()}
    out: dict = {}
    names = [n for n in shown if n != "astronaut"] or list(shown)
    right = {n: 0 for n in names}
    for emotion in EMOTIONS:
        hits = 0
        for n in names:
            others = {e: np.mean([shown[m][e] for m in names if m != n and e in shown[m]], 0) for e in EMOTIONS}
            if emotion in shown[n]:
                guess = min(others, key=lambda e: np.linalg.norm(shown[n][emotion] - others[e]))
                hits += guess == emotion
                right[n] += guess == emotion
        size = np.mean([np.linalg.norm(shown[n][emotion], axis=1).mean() for n in shown if emotion in shown[n]])
        out[emotion] = {"moved %": 100 * size, "named of": f"{hits}/{len(names)}"}
        if real:
            out[emotion]["actor 1001 %"] = 100 * float(np.linalg.norm(real[emotion], axis=1).mean())
    table("Emotions: mean landmark travel from neutral (% of eye distance); nearest prototype of other faces", out)
    print(f"  emotions named on each face: {', '.join(str(v) for v in right.values())} of {len(EMOTIONS)}")
    return {"emotions": out, "named_per_face": right}
