"""`tfg.stream`: when the first frame comes, how fast the rest, how far it is from `tfg.animate`, and the lips while
nobody speaks."""
from __future__ import annotations

import time

import numpy as np

import tfg
from tfg import paths
from tfg.media.audio import SR, load_audio
from tfg.systems.base import Speech
from tfg.systems.expression.act import act
from tfg.systems.expression.live import LiveMotion
from tfg.systems.expression.options import ExpressionOptions
from tfg.vocabulary import INDEX, MOUTH, index
from tools.bench.common import real_clips, table

LIPS, JAW = index(*MOUTH), INDEX["jawOpen"]
EDGE = 15                                            # frames at both ends, where a clip's display rises and falls


def run() -> dict:
    """Print all tables."""
    voices = [load_audio(p) for p in sorted(paths.data("audio").glob("*.wav"))]
    real = [load_audio(p) for clips in real_clips().values() for p in clips]
    out = {"time": speed(np.concatenate(voices * 3)),
           "shipped voices": apart([np.concatenate(voices * 2)]), "no speech": calm()}
    if real:
        out["real voices"] = apart(real)
    table("tfg.stream at 256 px", {"expression": out["time"]})
    table("against tfg.animate, frames within the clip", {f"{k}, {e}": row for k in ("shipped voices", "real voices")
                                                          for e, row in out.get(k, {}).items()})
    table("lips while nobody speaks, largest coefficient after 1.6 s", {"expression": out["no speech"]})
    return out


def speed(audio: np.ndarray) -> dict:
    """Milliseconds until the first frame, from the first sample on, in pieces of 20 ms; then for each frame."""
    started = time.perf_counter()
    live = tfg.stream(paths.data("faces", "default.jpg"), emotion="HAP")
    made, took, heard = time.perf_counter() - started, [], 0.0
    step = SR // 50
    for k in range(0, len(audio), step):
        started = time.perf_counter()
        n = sum(1 for _ in live.push(audio[k:k + step]))
        if n:
            took.append((time.perf_counter() - started) / n)
            heard = heard or (k + step) / SR
    return {"ready_s": made, "first_frame_ms": 1000 * (heard + took[0]), "of_which_sound_ms": 1000 * heard,
            "frame_ms": 1000 * float(np.mean(took)), "slowest_ms": 1000 * float(np.max(took)),
            "frames/s": 1 / float(np.mean(took))}


def played(audio: np.ndarray, options: ExpressionOptions) -> tuple[np.ndarray, np.ndarray]:
    """Expression (T, 52) and pose (T, 6) of a stream."""
    live = LiveMotion(np.zeros(52, np.float32), options)
    live.hear(audio)
    live.finish()
    frames = [live.step() for _ in range(live.ready)]
    return np.stack([e for e, _ in frames]), np.stack([p for _, p in frames])


def apart(voices: list[np.ndarray]) -> dict:
    """Differences to the whole sound's motion: root mean squares, and r of the jaw."""
    rows = {}
    for emotion in ("NEU", "HAP", "SAD"):
        options = ExpressionOptions(emotion=emotion, blink=False)
        lips, moved, pose, r = [], [], [], []
        for audio in voices:
            offline = act(Speech(audio), neutral=np.zeros(52, np.float32), options=options)
            expression, turned = played(audio, options)
            inner = slice(EDGE, -EDGE)
            lips.append(np.square((expression - offline.expression)[inner][:, LIPS]).mean())
            moved.append(offline.expression[inner][:, LIPS].var(0).mean())
            pose.append(np.square((turned - offline.pose)[inner, :3]).mean())
            r.append(np.corrcoef(expression[:, JAW], offline.expression[:, JAW])[0, 1])
        rows[emotion] = {"clips": len(voices), "lips_rms": float(np.sqrt(np.mean(lips))),
                         "lips_move": float(np.sqrt(np.mean(moved))), "jaw_r": float(np.mean(r)),
                         "pose_deg": float(np.sqrt(np.mean(pose)))}
    return rows


def calm() -> dict:
    """Largest coefficient of the lips in sounds without speech."""
    t, rng = np.arange(5 * SR) / SR, np.random.default_rng(0)
    drums = np.zeros(len(t))
    for at in range(0, len(t) - 2000, SR // 3):
        drums[at:at + 2000] += .3 * rng.normal(0, 1, 2000) * np.exp(-np.arange(2000) / 400)
    chord = sum(np.sin(2 * np.pi * f * k * t) / k for f in (220, 277, 330) for k in range(1, 8))
    half = t[:SR // 2]
    melody = np.concatenate([np.exp(-4 * half) * sum(np.sin(2 * np.pi * f * k * half) / k for k in range(1, 8))
                             for f in (262, 330, 392, 523, 440, 349, 294, 392, 330, 262)])
    sounds = {"silence": 0 * t, "noise": rng.normal(0, .08, len(t)), "drums": drums, "chord": .05 * chord,
              "melody": .2 * melody}
    skip = 25 * 16 // 10
    return {name: float(np.abs(played(y.astype(np.float32), ExpressionOptions())[0][skip:, LIPS]).max())
            for name, y in sounds.items()}
