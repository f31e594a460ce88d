"""The system `expression` beside the baseline `graphics`, the true film and a still picture, on the 14 test actors.

Each actor says one sentence in each of the six emotions, acted at level HI (NEU has no level). A system is given the
actor's picture at rest, the take's sound, its emotion and intensity. Its frames (256 px) are measured by the
landmarker and judged by the networks of `tfg score`, which were trained on other people. `tfg score --system
expression` measures the same on the crops of a store; here the whole head is drawn at the size that users get, and
several models of emotion stand in one table.
"""
from __future__ import annotations

import time

import numpy as np

from tfg.media.audio import mel_spectrogram, mel_windows
from tfg.metrics import aperture_r, paired, sync_scores
from tfg.metrics.stats import mean
from tfg.vocabulary import EMOTIONS, SENTENCES
from tools.bench.common import track

SIZE = 256
TIGHT = 96
EMOTION_MODELS = ("linear", "transformer")


def run(actors: int | None = None) -> dict:
    """Scores by row, their means over actors, paired differences; all by judges trained on other people."""
    from tfg.actors import cast, take
    from tfg.scores import judges as js

    held = js.load()
    rows: list[dict] = []
    people = [m for m in cast.members("cpu") if m.split == "test"][:actors]
    js.check(held, {f"actors/{m.name}" for m in people})
    clock = time.perf_counter()
    for k, member in enumerate(people):
        actor = cast.build(member, SIZE)
        rest = actor.render(actor.neutral)
        for e, emotion in enumerate(EMOTIONS):
            said = list(SENTENCES)[(k + 2 * e) % len(SENTENCES)]
            played = take.make_take(member.name, member.seed, sentence=said, emotion=emotion,
                                    level="XX" if emotion == "NEU" else "HI")
            rows += _clip(member, emotion, played, actor, rest, held)
        print(f"  {member.name} {member.kind}: {time.perf_counter() - clock:.0f} s", flush=True)
    return summary(rows)


def _clip(member, emotion: str, played, actor, rest: np.ndarray, held) -> list[dict]:
    """A row of scores for each way of drawing one take."""
    from tfg.scores import judges as js

    truth = actor.personal(played.motion.expression)
    frames = {"true": [actor.render(e, p) for e, p in zip(truth, played.motion.pose)],
              "still": [rest] * len(truth), **drawn(rest, played, emotion)}
    points = {name: np.repeat(track(f[:1]), len(f), 0) if name == "still" else track(f) for name, f in frames.items()}
    sync, mood = held.networks["judge_sync"], held.networks["judge_emotion"]
    sound = js.sync_sound(sync, mel_windows(mel_spectrogram(played.audio), len(truth), 16))
    out = []
    for name, drawn_frames in frames.items():
        found = sync_scores(js.sync_faces(sync, tight(drawn_frames, points[name])), sound)
        odds = js.emotion(mood, points[name])
        out.append(dict(row=name, actor=member.name, kind=member.kind, emotion=emotion, lse_d=found.lse_d,
                        lse_c=found.lse_c, offset=abs(found.offset) <= 1,
                        accuracy=float(js.named(odds) == emotion), named=js.named(odds),
                        aperture_r=aperture_r(points[name], points["true"]) if name not in ("true", "still") else
                        float("nan")))
    return out


def drawn(rest: np.ndarray, played, emotion: str) -> dict[str, list[np.ndarray]]:
    """Frames of each system, given the picture at rest, the take's sound, emotion and intensity."""
    from tfg import registry
    from tfg.systems.base import Speech

    def frames(system: str, **options):
        its = registry.system(system)
        return list(its.prepare(rest, speech, its.Options(**options, **how)).frames)

    how = dict(emotion=emotion, intensity=float(played.intensity), seed=played.seed % 2 ** 31, size=SIZE)
    speech = Speech(played.audio)
    out = {"graphics": frames("graphics")}
    for model in EMOTION_MODELS:
        out[f"expression, {model}"] = frames("expression", emotion_model=model if emotion != "NEU" else None)
    return out


def tight(frames, points: np.ndarray) -> np.ndarray:
    """Crops as the judge of lips and sound was trained on, (T, 96, 96, 3) uint8."""
    import cv2

    from tfg.faces.face_region import MARGIN
    from tfg.faces.steady_crop import matrices

    ok = np.isfinite(points[:, 0, 0])
    at = matrices(points, ok, TIGHT, frames[0].shape[:2], margin=MARGIN)
    return np.stack([cv2.warpAffine(f, m, (TIGHT, TIGHT), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
                     for f, m in zip(frames, at)])


def summary(rows: list[dict]) -> dict:
    """Tables of means, of emotions at HI, and of paired differences against the baseline."""
    names = list(dict.fromkeys(r["row"] for r in rows))
    of = {n: [r for r in rows if r["row"] == n] for n in names}
    felt = {n: [r for r in of[n] if r["emotion"] != "NEU"] for n in names}

    def told(group, key):
        values = np.array([r[key] for r in group], float)
        return str(mean(values, [r["actor"] for r in group])) if np.isfinite(values).any() else ""

    out = {n: {"aperture r": told(of[n], "aperture_r"), "LSE-D": told(of[n], "lse_d"),
               "emotion at HI": told(felt[n], "accuracy"),
               "built": told([r for r in felt[n] if r["kind"] == "virtual"], "accuracy"),
               "portraits": told([r for r in felt[n] if r["kind"] == "portrait"], "accuracy"),
               **{e: f"{np.mean([r['accuracy'] for r in of[n] if r['emotion'] == e]):.2f}" for e in EMOTIONS}}
           for n in names}
    differences = {}
    for n in names:
        if n.startswith("expression"):
            differences[n] = {key: str(paired([r[key] for r in group[n]], [r[key] for r in group["graphics"]],
                                              [r["actor"] for r in group[n]]))
                              for key, group in (("aperture_r", of), ("lse_d", of), ("accuracy", felt))}
    for title, part in (("14 test actors, six emotions", out), ("less the baseline's", differences)):
        print(f"\n{title}")
        for name, row in part.items():
            print(f"  {name}: " + "; ".join(f"{k} {v}" for k, v in row.items() if v))
    return {"means": out, "less graphics": differences, "clips": len(of[names[0]])}
