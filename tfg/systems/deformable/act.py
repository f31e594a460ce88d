"""`deformable`: the raw sound is heard piece by piece, and each frame is drawn from the photo and what was heard of it.

A photo keeps its place; blinks, glances and a little of the head's motion come from the noise. Of a film each frame is
a photo of its own.
"""
from __future__ import annotations

import time

import numpy as np
import torch

from tfg.media.audio import SR, frame_at, n_frames
from tfg.systems.base import Footage, Speech, Take
from tfg.systems.deformable import moves, sound
from tfg.systems.deformable.data import feeling
from tfg.vocabulary import EMOTIONS

PIECE = 250
"""Frames that are heard at a time, 10 s: the state is handed on, so the length of a sound is no matter."""


def prepare(source, speech: Speech, options, *, progress: bool = False) -> Take:
    """Listen, and follow the face; faces are drawn while `Take.frames` is read.

    source, errors: as `System.prepare`; of a `Footage` the photo counts.  options: `DeformableOptions`.
    """
    from tfg.systems.deformable.network import load
    from tfg.systems.deformable.paint import Painter
    from tfg.systems.film.stage import set_up

    if isinstance(source, Footage):
        source = Footage(source.photo[None], source.photo, crop=source.crop)
    o, clock = options, time.perf_counter()
    network, card = load(o.checkpoint)
    loaded = time.perf_counter()
    told = listen(network, speech.audio, o.emotion, o.intensity, noise_seed=o.noise_seed, blink=o.blink)
    heard = time.perf_counter()
    stage = set_up(source, len(speech.audio) / SR, o, network.config.size, progress=progress)
    stage.seconds |= {"load": loaded - clock, "listen": heard - loaded}
    at = frame_at(stage.schedule.middles)
    painter = Painter(network, told, stage.crops.matrix, source=stage.looks, face=stage.face, aligned=stage.aligned,
                      batch=o.batch_size)
    return stage.roll(painter, lambda numbers: at[numbers], {"network": card["sha256"][:12]})


@torch.inference_mode()
def listen(network, audio: np.ndarray, emotion: str = "NEU", intensity: float = 1.0, *, noise_seed: int = 0,
           blink: bool = True, piece: int = PIECE) -> torch.Tensor:
    """What each frame is drawn by, (LEAD + T, C), where the network is: after LEAD frames of silence, as in training,
    those of the sound.

    audio: (N,) at 16 kHz.  Others as the options.  piece: frames at a time; the result does not depend on it.
    """
    from tfg.systems.deformable.network import State

    c, T, wave = network.config, n_frames(len(audio)), sound.heard(audio)
    device = next(network.parameters()).device
    noise = moves.noise(audio, T, c.noise, emotion=emotion, intensity=intensity, seed=noise_seed, told=c.told,
                        blink=blink)
    noise = np.concatenate([np.repeat(noise[:1], sound.LEAD, 0), noise])
    felt = torch.from_numpy(feeling(EMOTIONS.index(emotion), intensity))[None].to(device)
    state, out = State(), []
    for first in range(-sound.LEAD, T, piece):
        stop = min(first + piece, T)
        given = (sound.part(wave, first, stop, c.context), noise[first + sound.LEAD:stop + sound.LEAD])
        heard, chance = (torch.from_numpy(np.ascontiguousarray(x))[None].to(device) for x in given)
        told, _, state = network.hear(heard, felt, chance, state)
        out.append(told[0])
    return torch.cat(out)
