"""`deformable`: the raw sound is heard piece by piece, and each frame is drawn from the photo and what was heard of it.

A photo keeps its place; blinks, glances and a little of the head's motion come from the noise. Of a film each frame is
a photo of its own.
"""
from __future__ import annotations

import time

import numpy as np
import torch

from tfg import cancel
from tfg.media.audio import SR, frame_at, n_frames
from tfg.systems.base import Footage, Speech, Take
from tfg.systems.deformable import moves, sound
from tfg.systems.deformable.data import feeling
from tfg.vocabulary import EMOTIONS

PIECE = 250
"""Frames that are heard at a time, 10 s: the state is handed on, so the length of a sound is no matter."""


def prepare(source, speech: Speech, options, *, progress: bool = False) -> Take:
    """Listen, and follow the face; faces are drawn while `Take.frames` is read.

    source, errors: as `System.prepare`; of a `Footage` the photo counts, unless it is to be dubbed.  options:
    `DeformableOptions`.
    """
    from tfg.systems.deformable.network import load
    from tfg.systems.deformable.paint import Painter
    from tfg.systems.film.stage import set_up

    if isinstance(source, Footage) and not source.dub:
        source = source.photo
    o, clock = options, time.perf_counter()
    network, card = load(o.checkpoint)
    loaded = time.perf_counter()
    stage = set_up(source, len(speech.audio) / SR, o, network.config.size, progress=progress)
    tracked = time.perf_counter()
    chance = chance_of(network, speech.audio, emotion=o.emotion, intensity=o.intensity, seed=o.noise_seed,
                       blink=o.blink and stage.pictures.n == 1)           # a film has its own blinks
    told = listen(network, speech.audio, chance, o.emotion, o.intensity)
    stage.seconds |= {"load": loaded - clock, "listen": time.perf_counter() - tracked}
    at = frame_at(stage.schedule.middles)
    blinks = chance[:, 0] if network.config.told else np.zeros(len(chance), np.float32)
    painter = Painter(network, told, blinks, stage.crops.matrix, source=stage.looks, face=stage.face,
                      aligned=stage.aligned, batch=o.batch_size)
    return stage.roll(painter, lambda numbers: at[numbers], {"network": card["sha256"][:12]})


def chance_of(network, audio: np.ndarray, *, emotion: str = "NEU", intensity: float = 1.0, seed: int = 0,
              blink: bool = True) -> np.ndarray:
    """(T, Z) float32: the noise that goes with a sound (`tfg.systems.deformable.moves.noise`), of this network."""
    c = network.config
    return moves.noise(audio, n_frames(len(audio)), c.noise, emotion=emotion, intensity=intensity, seed=seed,
                       told=c.told, blink=blink)


@torch.inference_mode()
def listen(network, audio: np.ndarray, chance: np.ndarray, emotion: str = "NEU", intensity: float = 1.0, *,
           piece: int = PIECE) -> torch.Tensor:
    """What each frame is drawn by, (LEAD + T, C), where the network is: after LEAD frames of silence, as in training,
    those of the sound.

    audio: (N,) at 16 kHz.  chance: (T, Z) of `chance_of`.  Others as the options.  piece: frames at a time; the result
    does not depend on it.
    """
    from tfg.systems.deformable.network import State

    c, T, wave = network.config, len(chance), sound.heard(audio)
    device = next(network.parameters()).device
    chance = np.concatenate([np.repeat(chance[:1], sound.LEAD, 0), chance])
    felt = torch.from_numpy(feeling(EMOTIONS.index(emotion), intensity))[None].to(device)
    state, out = State(), []
    for first in range(-sound.LEAD, T, piece):
        cancel.point()
        stop = min(first + piece, T)
        given = (sound.part(wave, first, stop, c.context), chance[first + sound.LEAD:stop + sound.LEAD])
        heard, free = (torch.from_numpy(np.ascontiguousarray(x))[None].to(device) for x in given)
        told, _, state = network.hear(heard, felt, free, state)
        out.append(told[0])
    return torch.cat(out)
