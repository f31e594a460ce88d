"""Faces that speak, as arrays for notebooks/13_deformable_synthesis: true films of actors, and drawn ones."""
from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tfg.vocabulary import index

RENDERED_PX = 192
"""Side of the actors' frames that crops are cut out of."""
LIP = 17
"""Number of the lower lip's lower edge, in its middle, among MediaPipe's landmarks."""


class Jaws(NamedTuple):
    """People whose jaws drop.  photo: (A, S, S, 3) float32 in [0, 1], at rest.  frames: (A, n, S, S, 3), the jaw
    dropped.  lip: (A, 1 + n, 2) px of the lower lip's edge, x then y, of the photo first."""

    photo: np.ndarray
    frames: np.ndarray
    lip: np.ndarray


class Acted(NamedTuple):
    """One voice and several true films with it.  photo: (S, S, 3) uint8, at rest.  audio: (N,) at 16 kHz.  films:
    emotion -> (T, S, S, 3) uint8.  expression: emotion -> (T, 52), what was asked of the actor."""

    photo: np.ndarray
    audio: np.ndarray
    films: dict
    expression: dict


def jaws(seeds: Sequence[int], opened: Sequence[float], size: int = 64) -> Jaws:
    """Built actors of these seeds, their jaws dropped as far as `opened` says, 0..1, in crops of size x size px."""
    photos, frames, lips = [], [], []
    for seed in seeds:
        actor = _actor(seed)
        rest = np.zeros(52, np.float32)
        crop = _crop(actor, rest, size)
        states = [rest, *(_with(rest, jawOpen=amount) for amount in opened)]
        pictures = [_cut(actor, state, None, crop, size) for state in states]
        photos.append(pictures[0])
        frames.append(pictures[1:])
        points = np.stack([actor.landmarks(actor.personal(state))[LIP, :2] for state in states])
        lips.append(points @ crop[:, :2].T + crop[:, 2])
    scaled = [np.asarray(x, np.float32) / 255 for x in (photos, frames)]
    return Jaws(scaled[0], scaled[1], np.asarray(lips, np.float32))


def acted(seed: int, emotions: Sequence[str] = ("HAP", "SAD"), *, sentence: str = "ITS", size: int = 128,
          frames: int | None = None) -> Acted:
    """A person speaks a sentence once, and the face plays it in each emotion, frame by frame alike.

    The voice has the first emotion.  frames: so many from the middle; None: all.
    """
    from tfg.actors.take import make_take, replay

    actor = _actor(seed)
    take = make_take(actor.name, seed, sentence=sentence, emotion=emotions[0], level="HI")
    T = len(take.motion)
    n = T if frames is None else min(frames, T)
    some = slice((T - n) // 2, (T - n) // 2 + n)
    rest = np.zeros(52, np.float32)
    crop, films, asked = _crop(actor, rest, size), {}, {}
    for code in emotions:
        asked[code] = replay(take, code, "HI").motion.expression[some]
        films[code] = np.stack([_cut(actor, one, None, crop, size) for one in asked[code]])
    return Acted(_cut(actor, rest, None, crop, size), take.audio[640 * some.start:640 * some.stop], films, asked)


def face_crop(photo, size: int = 128) -> np.ndarray:
    """The face of a photo in the square that film systems draw, (size, size, 3) uint8.  photo: path or (H, W, 3)."""
    from tfg.faces import align, steady_crop
    from tfg.faces.face_region import MARGIN
    from tfg.faces.landmarks import one_face
    from tfg.media.image import read_image

    photo = photo if isinstance(photo, np.ndarray) else read_image(photo)
    points = one_face(photo).points[None]
    crop = steady_crop.matrices(points, np.ones(1, bool), size, photo.shape[:2], margin=MARGIN)[0]
    return align.warp(photo, crop, size)


def told_of(network, audio: np.ndarray, emotion: str = "NEU", intensity: float = 1.0, seed: int = 0):
    """What a `deformable` network draws each frame of a sound by: LEAD frames of silence, then T, (LEAD + T, C)."""
    from tfg.systems.deformable.act import chance_of, listen

    chance = chance_of(network, audio, emotion=emotion, intensity=intensity, seed=seed)
    return listen(network, audio, chance, emotion, intensity)


def drawn_film(network, photo: np.ndarray, told, *, memory: bool = True) -> np.ndarray:
    """Frames of a `deformable` network, (T, S, S, 3) uint8.

    photo: (S, S, 3) uint8 of the network's size.  told: (LEAD + T, C) of `told_of`.  memory: False forgets after each
    frame.
    """
    import torch

    from tfg.networks.warp import applied
    from tfg.systems.deformable.sound import LEAD

    picture = _tensor(photo).to(told.device)
    with torch.inference_mode():
        seen = network.see(picture)
        if memory:
            parts = [network.draw(seen, told[None], shown=LEAD + torch.arange(len(told) - LEAD))[0].answer]
        else:
            parts = [network.draw(seen, told[None, t:t + 1])[0].answer for t in range(LEAD, len(told))]
        film = torch.cat([applied(part, picture.expand(len(part.colour), -1, -1, -1)) for part in parts])
    return (film.clamp(0, 1) * 255).round().byte().movedim(1, -1).cpu().numpy()


def looked(network, photo: np.ndarray, told, side: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Where the decoder's deformable layer looks for each frame, less where it looks for the silence before the sound,
    (T, 9, 2, side, side), y then x, px of the map; and how much each tap counts, (T, 9, side, side): its mask times
    the size of its weights.

    Arguments as `drawn_film`.  side: of the layer's map; None: the network's first.
    """
    import torch

    from tfg.systems.deformable.sound import LEAD

    side, masks = network.config.look[0] if side is None else side, []
    layer = network.sampled[f"look{side}"]
    hook = layer.register_forward_pre_hook(lambda module, given: masks.append(module.offsets(given[1])[1]))
    try:
        with torch.inference_mode():
            found = network.offsets(network.see(_tensor(photo).to(told.device)), told[None], side)[0].cpu().numpy()
    finally:
        hook.remove()
    size = layer.conv.weight.detach().flatten(2).norm(dim=(0, 1)).cpu().numpy()
    return found[LEAD:] - found[LEAD - 1], masks[0][LEAD:].cpu().numpy() * size[:, None, None]


def _tensor(photo: np.ndarray):
    import torch

    return torch.from_numpy(np.ascontiguousarray(photo)).permute(2, 0, 1)[None].float() / 255


@functools.lru_cache(maxsize=2)
def _actor(seed: int):
    from tfg.actors.identity import Identity
    from tfg.actors.virtual import VirtualActor

    return VirtualActor(Identity.from_seed(seed), name=f"V{seed % 1000:03d}", size=RENDERED_PX)


def _with(expression: np.ndarray, **amounts) -> np.ndarray:
    out = expression.copy()
    for name, amount in amounts.items():
        out[index(name)] = amount
    return out


def _crop(actor, expression: np.ndarray, size: int) -> np.ndarray:
    from tfg.faces import steady_crop
    from tfg.faces.face_region import MARGIN

    points = actor.landmarks(actor.personal(expression))
    return steady_crop.matrices(points[None], np.ones(1, bool), size, actor.size, margin=MARGIN)[0]


def _cut(actor, expression: np.ndarray, pose, crop: np.ndarray, size: int) -> np.ndarray:
    from tfg.faces import align

    return align.warp(actor.render(actor.personal(expression), pose), crop, size)
