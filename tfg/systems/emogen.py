"""`emogen`: dub a video, or a photo, with another sound and an emotion. A trained network draws the face anew.

Goyal et al. 2023. For each frame the face is cut out, hidden, and drawn again by `tfg.models.emogen` from the sound of
that moment, the emotion, and the frame itself, which shows who it is; then it is laid back into the frame. That takes
two passes: one to follow the face, one to draw. Hair, head motion and all around the face stay as they were filmed.

How the published code lost its timing, and this one does not: it was trained with the sound of frame i - 1 and asked
with that of frame i, and it took a video's frames for 25 a second, whatever its rate. Here training, scoring and
dubbing get their sound from the same map of time, `tfg.audio.mel_start`, by the second at which a frame is on screen.
"""
from __future__ import annotations

import copy
import itertools
import time
import warnings

import numpy as np

from tfg.audio import SR, frame_at, mel_spectrogram
from tfg.errors import InputError
from tfg.systems import Speech, Take
from tfg.systems.dub_source import Source


def prepare(source, speech: Speech, *, emotion: str = "NEU", intensity: float = 1.0, face: int | None = None, pads=None,
            smooth: bool = True, resize_factor: int = 1, crop_box=None, box=None, rotate: bool = False,
            static: bool = False, batch_size: int | None = None, fps: float | None = None, checkpoint=None,
            progress: bool = False) -> Take:
    """Follow the face and place its crops; faces are drawn while `Take.frames` is read.

    source: a video's or photo's path, or (H, W, 3) uint8 RGB.  The other options: `tfg.animate`.
    `Take.meta`: frames, fps (None: variable), untouched (frames without a usable face), turns (how often the video
    turns round), cuts, faces, network (its checksum), batch_size (in the end).
    Raises InputError: no network there, no usable face, options that do not fit the source.
    """
    from tfg.models.emogen import MARGIN, feeling
    from tfg.systems import dub_draw, dub_track

    clock = time.perf_counter()
    network, card = _network(checkpoint)
    seconds = {"load": time.perf_counter() - clock}
    clock = time.perf_counter()
    pictures = Source(source, resize_factor=resize_factor, rotate=rotate, crop_box=crop_box, static=static, fps=fps)
    schedule = pictures.schedule(len(speech.audio) / SR)
    mel = checked(mel_spectrogram(speech.audio))
    needed, size = int(schedule.order.max()) + 1, network.config.size
    if box is not None:
        places = dub_track.constant(box, needed, pictures.size, size, MARGIN, pads)
    else:
        places = dub_track.find(_watched(pictures, needed, progress), pictures.size, size, MARGIN, fps=pictures.fps,
                                face=face, smooth=smooth, pads=pads, name=pictures.name)
    seconds["track"] = time.perf_counter() - clock
    untouched = ~places.drawn[schedule.order]
    _report(untouched, schedule)
    painter = dub_draw.Painter(network, feeling(emotion, intensity), batch=batch_size)
    meta = {"frames": len(schedule.order), "fps": schedule.fps, "untouched": int(untouched.sum()),
            "turns": schedule.turns, "cuts": len(places.cuts), "faces": places.faces, "network": card["sha256"][:12]}
    blocks = dub_draw.dubbed(pictures.shown(schedule), schedule.order, frame_at(schedule.middles), mel, places, painter)
    return Take(frames=_told(dub_draw.ahead(blocks), painter, meta), n=len(schedule.order), size=pictures.size,
                seconds=seconds, fps=schedule.fps or pictures.fps, times=None if schedule.fps else schedule.times[:-1],
                meta=meta)


def _network(checkpoint):
    """The generator, ready to draw, and its card."""
    import torch

    from tfg.models import checkpoint as checkpoints
    from tfg.models.emogen import Emogen, EmogenConfig

    network, card = checkpoints.load("emogen", Emogen, EmogenConfig, checkpoint)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return fused(network).to(device, memory_format=torch.channels_last), card


def fused(network):
    """A copy that draws the same in half the time: at inference a batch norm is a factor and a shift of each channel,
    and the convolution before it can take both over."""
    from torch import nn
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    from tfg.models.blocks import Conv, Up

    network = copy.deepcopy(network)
    for module in network.modules():
        if isinstance(module, (Conv, Up)) and isinstance(module.norm, nn.BatchNorm2d):
            module.conv = fuse_conv_bn_eval(module.conv, module.norm, transpose=isinstance(module, Up))
            module.norm = nn.Identity()
    return network


def checked(mel: np.ndarray) -> np.ndarray:
    """The mel spectrogram. InputError if it holds what is no number: the network would draw black faces from it."""
    if not np.isfinite(mel).all():
        raise InputError("the sound's spectrogram holds values that are not numbers; export the sound again, as 16-bit "
                         "WAV if need be.")
    return mel


def _watched(pictures: Source, needed: int, progress: bool):
    """The first frames of the source, decoded ahead, with a bar."""
    from tqdm.auto import tqdm

    from tfg.faces.measure import read_ahead

    frames = itertools.islice(pictures.forward(), needed)
    return tqdm(read_ahead(frames), total=needed, desc="faces", unit="frame", disable=not progress, leave=False,
                delay=.5)


def _report(untouched: np.ndarray, schedule) -> None:
    """Notes: the video turns round, frames without a face."""
    if schedule.turns:
        times = "once" if schedule.turns == 1 else f"{schedule.turns} times"
        warnings.warn(f"the sound ({schedule.times[-1]:.1f} s) is longer than the video, which runs to and fro and "
                      f"turns round {times}", UserWarning, stacklevel=3)
    if untouched.any():
        where = np.flatnonzero(untouched & ~np.append(False, untouched[:-1]))           # beginnings of gaps
        told = ", ".join(f"{schedule.times[k]:.2f}" for k in where[:3]) + (", ..." if len(where) > 3 else "")
        warnings.warn(f"no usable face in {untouched.sum()} of {len(untouched)} frames (from {told} s); they stay as "
                      "they are", UserWarning, stacklevel=3)


def _told(frames, painter, meta: dict):
    """The frames; what drawing them took is put into `meta` when all are there."""
    yield from frames
    meta["batch_size"] = painter.batch
