"""What `deformable` learns from, as batches: scenes that actors played, or clips of a store such as CREMA-D's.

Batches of B examples of N frames, of which the network hears LEAD frames more, hold

    photo (B, 3, S, S), frames (B, N, 3, S, S) uint8
    points (B, 68, 2) float32         the photo's landmarks, half sides
    flow (B, N, F, F, 2) float32      from each frame into the photo, half sides; NaN where it is not known
    wave (B, n_samples(LEAD + N)) float32, noise (B, LEAD + N, Z) float32
    feeling (B, 6) float32            what is asked for, as `feeling` gives it
    emotion, voice (B,) int64         places in EMOTIONS of the face and of the sound; -1 where not known
    shown (K,) int64                  numbers of the frames whose pictures are drawn, in order; the same for the batch
    share (B,) float32                uniform numbers for the critics' penalty
    said_wave (B, n_samples(M)), said (B, M, 28), said_voice (B,)       pieces of speech; of scenes alone
"""
from __future__ import annotations

from copy import copy

import numpy as np

from tfg.actors import examples
from tfg.corpora import seeded
from tfg.corpora.augment import Augment
from tfg.corpora.splits import Splits
from tfg.corpora.store import Store
from tfg.corpora.windows import Windows
from tfg.errors import InputError
from tfg.faces import mirror
from tfg.faces.points68 import half_sides, to_68
from tfg.systems.deformable import moves, scenes, sound
from tfg.vocabulary import EMOTIONS, INTENSITY, LEVELS

NEUTRAL = EMOTIONS.index("NEU")
"""Intensity of a store's clips; that of neutral ones is 0."""
SOFT, LOUD, HISS = .3, 1.0, .02
"""A voice is made so much softer at most, and gets so much noise at most, of its peak."""
_STREAM = 1200


def feeling(emotion, strength) -> np.ndarray:
    """(..., 6) float32, what the network is asked for: the emotion at its strength, the rest neutral.

    emotion: places in EMOTIONS; those that are not known count as neutral.  strength: 0..1, of the same shape.
    """
    one, neutral = np.eye(len(EMOTIONS))[np.asarray(emotion)], np.eye(len(EMOTIONS))[NEUTRAL]
    s = np.asarray(strength)[..., None]
    return (s * one + (1 - s) * neutral).astype(np.float32)


class Scenes:
    """Scenes of one split of a folder.

    folder: as `scenes.make` wrote it; people whose file is not there yet are left out.  split: train, val or test.
    noise: Z, columns of the noise.  told: whether its first ones are the movements of the take.  context: as
    `tfg.systems.deformable.sound`.  drawn: K, frames whose pictures are drawn; None for all.  augment: None for none.
    Raises InputError: nobody of that split, pictures of another size than the network's, fewer frames than `frames`.
    """

    def __init__(self, folder, split: str, size: int, *, noise: int = 16, told: bool = True,
                 context: int = sound.CONTEXT, frames: int | None = None, drawn: int | None = None,
                 augment: Augment | None = None, seed: int = 0):
        people = examples.read(scenes.KIND, folder, split, size)
        self.size, self.seed, self.augment, self.noise, self.told, self.context = size, seed, augment, noise, told, \
            context
        self.actors, parts = list(people), list(people.values())
        self.actor = np.repeat(np.arange(len(parts)), [len(p["photo"]) for p in parts])
        self.arrays = {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}
        there = self.arrays["frames"].shape[1]
        self.frames = there if frames is None else frames
        if self.frames > there:
            raise InputError(f"{folder} has scenes of {there} frames, and {frames} are asked for; make longer ones "
                             "with --num-frames, or ask for fewer.")
        self.drawn = min(drawn or self.frames, self.frames)

    def __len__(self) -> int:
        return len(self.actor)

    def batch(self, epoch: int, indices) -> dict[str, np.ndarray]:
        """Scenes of these indices; a function of (seed, epoch, index), and `shown` of the first index."""
        i, x, N = np.asarray(indices, np.int64).reshape(-1), self.arrays, self.frames
        both = np.concatenate([x["photo"][i][:, None], x["frames"][i][:, :N]], 1)
        both = np.ascontiguousarray(both.transpose(0, 1, 4, 2, 3))                        # (B, 1 + N, 3, S, S)
        flow, free = x["flow"][i][:, :N].astype(np.float32), x["moves"][i].astype(np.float32)
        points = x["points"][i].copy()
        if self.augment is not None:
            draws = self.augment.draw(self.seed, epoch, i)
            self.augment.frames(both, draws, 0)
            turned = np.flatnonzero(draws["flip"])
            flow[turned] = flow[turned][:, :, :, ::-1] * np.array([-1, 1], np.float32)
            free[turned] *= np.array(moves.MIRRORED, np.float32)
            points[turned] = mirror.points(points[turned], self.size)
        heard = sound.LEAD + N
        noise = normal(self.seed, epoch, i, heard, self.noise)
        if self.told:
            noise[:, :, :free.shape[2]] = free[:, :heard]
        piece = seeded.whole(self.seed, epoch, _STREAM + 2, i, len(x["said"]))
        waves = {"wave": x["wave"][i][:, :sound.n_samples(heard)], "said_wave": x["said_wave"][piece]}
        emotion, strength = x["emotion"][i].astype(np.int64), x["strength"][i]
        return {"photo": both[:, 0], "frames": both[:, 1:], "flow": flow, "noise": noise, "emotion": emotion,
                "points": half_sides(points, self.size),
                "voice": x["voice"][i].astype(np.int64), "feeling": feeling(emotion, strength),
                "said": x["said"][piece].astype(np.float32), "said_voice": x["said_voice"][piece].astype(np.int64),
                "shown": chosen(self.seed, epoch, int(i[0]), N, self.drawn),
                "share": seeded.uniform(self.seed, epoch, _STREAM + 1, i).astype(np.float32)} | {
                    name: sound.cut(self._varied(wave, epoch, i, 40 * k), self.context)
                    for k, (name, wave) in enumerate(waves.items())}

    def _varied(self, wave: np.ndarray, epoch: int, index: np.ndarray, stream: int) -> np.ndarray:
        """Waves of int16 as float32, with another loudness and some noise where examples are varied."""
        out = wave.astype(np.float32) / scenes.FULL
        if self.augment is None:
            return out
        gain, hiss = (seeded.uniform(self.seed, epoch, _STREAM + 3 + stream + k, index)[:, None] for k in (0, 1))
        for row, i in zip(out, index):
            row += np.random.default_rng([self.seed, 71, epoch, int(i), stream]).standard_normal(
                len(row), np.float32) * np.float32(HISS * hiss[index == i][0, 0] ** 3)
        return (out * (SOFT + (LOUD - SOFT) * gain)).astype(np.float32)


class Clips:
    """Windows of a store (`tfg corpora prepare`), real clips too: the photo is a neutral moment of another take of the
    person, as `Scenes` otherwise; flow is not known, no speech is kept apart, and the noise's first columns, where a
    network knows them as movements (`told`), are 0: those of real people are not known.

    store: `Store` of version 2, which keeps its clips' sound.  emotions: codes of those that are learned; None: all.
    The crop is what the store was prepared with: `--crop face` is one transform for a clip (the published mode 1),
    `--crop aligned` one for each frame (mode 0).  Others as `Scenes`.
    Raises InputError: a store without sound, no window, nobody with a neutral clip.
    """

    def __init__(self, store: Store, splits: Splits | None, split: str, size: int, *, noise: int = 16,
                 told: bool = True, context: int = sound.CONTEXT, frames: int = 16, drawn: int | None = None,
                 emotions=None, augment: Augment | None = None, seed: int = 0):
        store.need_sound()
        self.store, self.size, self.seed, self.augment = store, size, seed, augment
        self.noise, self.told, self.context = noise, told, context
        self.frames, self.drawn = frames, min(drawn or frames, frames)
        neutral: dict[tuple[str, str | None], list] = {}
        for row in store.clips:
            if row.emotion == "NEU" and row.n_wave:
                neutral.setdefault((row.corpus, row.actor), []).append(row)

        def keep(row) -> bool:
            others = [r for r in neutral.get((row.corpus, row.actor), ()) if r.id != row.id]
            return bool(row.n_wave and others) and (emotions is None or row.emotion in emotions)

        self.windows = Windows(store, splits, split, T=frames, size=size, reference=None, labels=(), keep=keep,
                               augment=None, stride=4, seed=seed)
        self.actors, self.neutral = self.windows.actors, neutral

    def __len__(self) -> int:
        return len(self.windows)

    def batch(self, epoch: int, indices) -> dict[str, np.ndarray]:
        """Windows of these indices; a function of (seed, epoch, index), and `shown` of the first index."""
        i = np.asarray(indices, np.int64).reshape(-1)
        one = self.windows.batch(epoch, i)
        rows = [self.windows.clips[c] for c in one["clip"]]
        u = [seeded.uniform(self.seed, epoch, _STREAM + k, i) for k in (6, 7)]
        photos = np.array([self._photo(row, a, b) for row, a, b in zip(rows, *u)])
        both = np.concatenate([self.windows.pixels.read(photos, 1), one["frames"]], 1)
        if self.augment is not None:
            draws = self.augment.draw(self.seed, epoch, i)
            self.augment.frames(both, draws, 0)
        heard, first = sound.LEAD + self.frames, one["start"] - sound.LEAD
        wave = np.stack([sound.part(sound.levelled(self.store.wave(row, sound.RATE)), int(a), int(a) + heard,
                                    self.context) for row, a in zip(rows, first)])
        noise = normal(self.seed, epoch, i, heard, self.noise)
        noise[:, :, :len(moves.COLUMNS)] *= not self.told
        level = np.array([INTENSITY[name] for name in LEVELS], np.float32)[one["level"]]
        known = (one["emotion"] >= 0) & (one["emotion"] != NEUTRAL)
        side = self.size // 2
        marks = np.stack([to_68(p) for p in self.store.arrays["points"][photos].astype(np.float32)])
        points = half_sides(marks, self.store.size)
        if self.augment is not None:
            turned = np.flatnonzero(draws["flip"])
            points[turned] = mirror.points(points[turned], 1)             # half sides: x becomes -x
        return {"photo": both[:, 0], "frames": both[:, 1:], "wave": wave, "points": points,
                "flow": np.full((len(i), self.frames, side, side, 2), np.nan, np.float32),
                "noise": noise, "emotion": one["emotion"],
                "voice": one["emotion"], "feeling": feeling(one["emotion"], level * known),
                "shown": chosen(self.seed, epoch, int(i[0]), self.frames, self.drawn),
                "share": seeded.uniform(self.seed, epoch, _STREAM + 1, i).astype(np.float32)}

    def _photo(self, row, which: float, when: float) -> int:
        """Number in the store of a frame of a neutral clip of the same person, but not of this one."""
        others = [r for r in self.neutral[row.corpus, row.actor] if r.id != row.id]
        other = others[int(which * len(others))]
        ok = np.flatnonzero(self.store.arrays["ok"][other.start:other.stop])
        return other.start + (int(ok[int(when * len(ok))]) if len(ok) else 0)


def normal(seed: int, epoch: int, index: np.ndarray, frames: int, width: int) -> np.ndarray:
    """(B, frames, width) float32 normal numbers, a function of (seed, epoch, index)."""
    return np.stack([np.random.default_rng([seed, 72, epoch, int(i)]).standard_normal((frames, width), np.float32)
                     for i in index])


def chosen(seed: int, epoch: int, index: int, frames: int, drawn: int) -> np.ndarray:
    """(drawn,) int64 numbers of frames, ascending, one at random in each of as many equal stretches."""
    edges = np.linspace(0, frames, drawn + 1).astype(int)
    u = seeded.uniform(seed, epoch, _STREAM + 5, index + np.arange(drawn) * 100_003)
    return (edges[:-1] + u * np.diff(edges)).astype(np.int64)


def mean_points(data: Scenes) -> np.ndarray:
    """(68, 2) float32 half sides: the mean of all photos' landmarks and their mirror images."""
    every = data.arrays["points"].mean(0)
    return half_sides((every + mirror.points(every, data.size)) / 2, data.size)


def common_fields(data: Scenes, many: int, mask: np.ndarray, mean: np.ndarray | None = None, *, most: int = 1600,
                  seed: int = 0) -> np.ndarray:
    """(many, 2, F, F) float32: the fields, in half sides, of which the true flows are best made as weighted sums.

    Principal components about 0, which is the photo itself, of `most` frames at random and of their mirror images; each
    is scaled so that its weights have variance 1.  mask: (F, F), how much a place counts.  Where a place of a frame
    shows nowhere in its photo, it counts as unmoved.  mean: (68, 2) of `mean_points`; flows are brought onto the face
    with these landmarks first. None: places are those of the crops.
    """
    import torch

    from tfg.networks.anchored import onto_mean

    plain = copy(data)
    plain.augment = None
    rng = np.random.default_rng([seed, 73])
    scene = np.sort(rng.permutation(len(data))[:most])
    batches = [plain.batch(0, part) for part in np.array_split(scene, max(1, len(scene) // 32))]
    flow = np.nan_to_num(np.concatenate([b["flow"] for b in batches]))                            # (n, N, F, F, 2)
    points = np.concatenate([b["points"] for b in batches]).repeat(flow.shape[1], 0)
    flow = flow.reshape(-1, *flow.shape[2:])
    some = np.sort(rng.permutation(len(flow))[:most])
    flow = flow[some]
    if mean is not None:
        on = onto_mean(*(torch.from_numpy(x) for x in (flow.transpose(0, 3, 1, 2), mean, points[some])))
        flow = on.permute(0, 2, 3, 1).numpy()
    flow = np.concatenate([flow, flow[:, :, ::-1] * np.array([-1, 1], np.float32)])
    rows = torch.from_numpy(flow.reshape(len(flow), -1))                                          # (n, F F 2)
    weight = torch.from_numpy(np.repeat(np.sqrt(mask).reshape(-1), 2))
    many = min(many, len(rows) - 1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        left, size, _ = torch.svd_lowrank(rows * weight, q=many, niter=4)
    weights = left * len(rows) ** .5                                                              # variance 1
    fields = (weights.T @ rows) / len(rows)                       # least squares, for the weights are orthogonal
    return fields.reshape(many, *flow.shape[1:]).permute(0, 3, 1, 2).contiguous().numpy()
