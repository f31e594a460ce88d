"""A store whose faces are bars, and judges that read them exactly, for the tests of scores.

The lower half of a frame is as bright as its sound is loud, the upper half encodes the emotion, a column the person.
Each frame's sound is a tone whose peak is that loudness, so that a system that hears it can draw the frame.
"""
from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from tfg.corpora.splits import Person, Splits
from tfg.corpora.store import Row, Store, StoreWriter
from tfg.scores.judges import Judges
from tfg.vocabulary import EMOTIONS

SIZE, FRAMES = 48, 36
MOODS = ("ANG", "HAP", "SAD")
LOW, SPAN = 40, 180


def loudness(k: int, frames: int = FRAMES) -> np.ndarray:
    """Loudness of clip k in each frame, (frames,) in [0, 1]."""
    rng = np.random.default_rng([3, k])
    return np.interp(np.arange(frames), np.arange(0, frames + 3, 3), rng.uniform(0, 1, frames // 3 + 1 + 1)[:len(
        np.arange(0, frames + 3, 3))])


def picture(level: np.ndarray, emotion: str, who: int) -> np.ndarray:
    """Frames of a clip, (T, SIZE, SIZE, 3) uint8.  level: (T,) loudness.  who: number of the person."""
    out = np.full((len(level), SIZE, SIZE, 3), 40 + 30 * EMOTIONS.index(emotion), np.uint8)
    out[:, SIZE // 2:] = np.round(LOW + SPAN * level).astype(np.uint8)[:, None, None, None]
    out[:, :, :4] = 20 * who
    return out


def sound_of(level: np.ndarray) -> np.ndarray:
    """Sound of a clip, (640 T,) float: in each frame a tone whose peak is the level (T,)."""
    return np.repeat(level, 640) * np.tile([1.0, -1.0], 320 * len(level))


def heard(wave: np.ndarray) -> np.ndarray:
    """The level (T,) from which `sound_of` made this sound."""
    return np.abs(wave.reshape(-1, 640)).max(1)


def mel_of(level: np.ndarray) -> np.ndarray:
    """Mel of a clip, (M, 80): loudness at the frames' middles."""
    columns = 1 + len(level) * 16 // 5
    return np.repeat(np.interp((np.arange(columns) - 1.6) / 3.2, np.arange(len(level)), level)[:, None] * 6 - 3, 80, 1)


def make_store(path: Path, *, actors: int = 5, corpus: str = "actors", bad: dict | None = None, moods=MOODS,
               **arrays) -> Store:
    """Write a store of `actors` people with a clip of each of the moods, all but the last in the split test.  bad: clip
    -> frames that are not ok.  arrays: further arrays of each clip."""
    with StoreWriter(path, size=SIZE) as writer:
        for k in range(actors):
            for m, mood in enumerate(moods):
                level, id = loudness(len(moods) * k + m), f"{corpus}/V{k}_{mood}"
                ok = np.ones(FRAMES, bool)
                ok[list((bad or {}).get(id, ()))] = False
                points = np.repeat(FACE[None], FRAMES, 0) * [SIZE, SIZE, SIZE]
                writer.append(Row(id, corpus, f"V{k}", sentence=f"S{m}", emotion=mood, level=("HI", "MD", "LO")[m],
                                  labels="true"), list(picture(level, mood, k)), mel_of(level), sound_of(level), ok=ok,
                              intensity=np.full(FRAMES, .8 - .2 * m), points=opened(points, level), **arrays)
    people = [Person(corpus, f"V{k}", "test" if k < actors - 1 else "judge", who=f"seed/{k}" if k % 2 else f"photo/{k}")
              for k in range(actors)]
    Splits(tuple(people), {}).save_in(path)
    return Store.open(path)


# ---- a meter that reads bars ------------------------------------------------------------------------------------
FACE = np.random.default_rng(1).uniform(.3, .7, (478, 3))
FACE[33, :2], FACE[263, :2] = (.2, .3), (.8, .3)
LIPS = ((82, 87), (13, 14), (312, 317))


def opened(points: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Points (T, 478, 3) whose lips are open in proportion to the level (T,)."""
    points = points.copy()
    for upper, lower in LIPS:
        points[:, upper, :2] = (.5 * SIZE, .7 * SIZE)
        points[:, lower, 0], points[:, lower, 1] = .5 * SIZE, (.7 + .2 * level) * SIZE
    return points


def read_landmarks(frames: np.ndarray) -> np.ndarray:
    """Stand-in of `measure.landmarks` for bars. A black frame shows no face; the depth of the first point is the
    brightness of the upper half."""
    level = (frames[:, SIZE // 2 + 4:, 8:].mean((1, 2, 3)) - LOW) / SPAN
    out = opened(np.repeat(FACE[None], len(frames), 0) * SIZE, level).astype(np.float32)
    out[:, 0, 2] = frames[:, :SIZE // 2, 8:].mean((1, 2, 3))
    out[frames.max((1, 2, 3)) == 0] = np.nan
    return out


# ---- judges that know -------------------------------------------------------------------------------------------
class Loud(torch.nn.Module):
    """Sync: brightness of the lower half against the level of the sound, as angles."""

    class config:
        size = SIZE

    def _code(self, x):
        angle = torch.stack([x, 1 - x], 1).clamp(0, 1) * torch.pi / 2
        return torch.nn.functional.normalize(torch.cat([angle.sin(), angle.cos()], 1), dim=1)

    def embed_faces(self, faces):
        level = [(faces[:, 3 * t:3 * t + 3, 4:, 8:].mean((1, 2, 3)) * 255 - LOW) / SPAN for t in range(5)]
        return torch.cat([self._code(x) for x in level], 1) / 5 ** .5

    def embed_sound(self, mel):
        level = [(mel[:, 0, :, round(1.6 + 3.2 * t)].mean(1) + 3) / 6 for t in range(5)]
        return torch.cat([self._code(x) for x in level], 1) / 5 ** .5


class Moody(torch.nn.Module):
    """Emotion: brightness of the upper half, as `read_landmarks` returns it."""

    def of_clip(self, points):
        far = (np.nanmean(points[:, 0, 2]) - np.array([40 + 30 * k for k in range(len(EMOTIONS))])) / 10
        return -far ** 2 - np.log(np.exp(-far ** 2).sum())


def knowing(**cards) -> Judges:
    """Judges of sync and emotion that are always right; no encoder.  cards: name -> further entries of its card."""
    fair = {"data": "some clips, split judge", "sha256": "0" * 64, "parameters": 1}
    return Judges({"judge_sync": Loud(), "judge_emotion": Moody()},
                  {k: fair | cards.get(k, {}) for k in ("judge_sync", "judge_emotion")},
                  {"judge_encoder": "none for tests", "identity": "none for tests"})
