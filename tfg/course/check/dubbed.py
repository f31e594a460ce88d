"""Checks of notebooks/09_emogen_gan: what goes into the generator."""
from __future__ import annotations

import numpy as np

from tfg.course.check.core import exercise, same
from tfg.course.check.wrong import Wrong
from tfg.vocabulary import EMOTIONS

NEU = EMOTIONS.index("NEU")


@exercise(learns="frames")
def hide_face(answer):
    """hide_face(frames (..., 3, S, S), mask (S, S)) -> the same shape: 0 wherever the mask is not 0."""
    import torch

    for shape, seed in (((2, 5, 3, 8, 8), 1), ((3, 6, 6), 2)):
        g = torch.Generator().manual_seed(seed)
        frames, mask = .2 + .8 * torch.rand(*shape, generator=g), oval(shape[-1])
        same(answer(frames.clone(), mask.clone()), frames * (mask <= 0), what=f"hide_face of {shape}", mistakes={
            "the soft edge still shows the face, only darker: hide wherever the mask is not 0": frames * (1 - mask),
            "the edge is left as it was: hide wherever the mask is not 0, not only where it is 1": frames * (mask < 1),
            "you hid what is around the face and kept the face": frames * (mask > 0),
            "you kept the face, and hid the rest": frames * mask,
            "all of the picture is hidden: hair, ears and neck stay": torch.zeros_like(frames),
            "nothing is hidden": frames,
            "hidden pixels are 1; make them 0": torch.where(mask > 0, torch.ones(()), frames)})


def oval(size: int):
    """A soft disc, (size, size)."""
    import torch

    at = (torch.arange(size) + .5) / size - .5
    return ((.45 - (at[None] ** 2 + at[:, None] ** 2).sqrt()) / .15).clamp(0, 1)


@exercise
def feelings(answer):
    """feelings(emotion (B,) int, intensity (B,)) -> (B, 6): so much of the emotion, the rest neutral."""
    rng = np.random.default_rng(5)
    for B in (9, 4):
        emotion = rng.integers(0, 6, B)
        emotion[:2] = NEU, (NEU + 1) % 6
        intensity = np.round(rng.uniform(.1, .9, B), 2)
        one, neutral, i = np.eye(6)[emotion], np.eye(6)[NEU], intensity[:, None]
        first, second = (1 - i) * neutral, (1 - i) * neutral
        first[np.arange(B), emotion] = intensity
        second[np.arange(B), emotion] = intensity
        second[:, NEU] = 1 - intensity
        same(answer(emotion.copy(), intensity.copy()), i * one + (1 - i) * neutral, what="feelings", atol=1e-6,
             mistakes={
            "the rest is missing: what is not felt is neutral, and each row sums to 1": i * one,
            "the intensity has no effect": one,
            "a neutral clip has only `intensity` in its row, not 1: the rest was overwritten; add to it": first,
            "a neutral clip has only 1 - intensity in its row, not 1: the emotion was overwritten; add to it": second,
            "the shares are exchanged: `intensity` belongs to the emotion, the rest to neutral":
            (1 - i) * one + i * neutral,
            "the rest is spread over all six: it belongs to neutral": i * one + (1 - i) / 6,
            "the rest is spread over the other five: it belongs to neutral": i * one + (1 - i) * (1 - one) / 5})


@exercise
def may_refer(answer):
    """may_refer(actor (N,), emotion (N,), i) -> clips that clip i may have as reference, in order: (n,) int."""
    rng = np.random.default_rng(8)
    for N in (14, 30):
        actor = np.array([f"V{k:03d}" for k in rng.integers(0, 3, N)])
        emotion = np.array(EMOTIONS)[rng.integers(0, 4, N)]
        actor[:4], emotion[:4] = "V000", ("HAP", "HAP", "SAD", "ANG")
        index = np.arange(N)
        for i in (0, N // 2):
            own, alike = actor == actor[i], emotion == emotion[i]
            want = np.flatnonzero(own & ~alike)
            got = answer(actor.copy(), emotion.copy(), i)
            if np.asarray(got).dtype.kind == "b":
                raise Wrong("that is True or False for each clip: np.flatnonzero gives the places of the True ones")
            same(got, want, what=f"may_refer of clip {i}", mistakes={
                "the reference may feel the same as the target: then it gives away the emotion that is an input":
                np.flatnonzero(own & (index != i)),
                "the clip itself and its emotion are among them": np.flatnonzero(own),
                "other people are among them: nobody would know whose face to draw": np.flatnonzero(~alike),
                "it is somebody else: take the same actor": np.flatnonzero(~own & ~alike),
                "the emotion is the same; it should be another one": np.flatnonzero(own & alike),
                "all other clips are there, whoever plays and feels": np.flatnonzero(index != i)})
