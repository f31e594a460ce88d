"""`emogen`: dub a video, or a photo, with another sound and an emotion. A trained network draws the face anew.

Goyal et al. 2023. For each frame the face is cut out, hidden, and drawn again by `tfg.systems.emogen.network` from the
sound of that moment, the emotion, and the frame itself, which shows who it is; then it is laid back into the frame.
That takes two passes: one to follow the face, one to draw. Hair, head motion and all around the face stay as they were
filmed.

How the published code lost its timing, and this one does not: it was trained with the sound of frame i - 1 and asked
with that of frame i, and it took a video's frames for 25 a second, whatever its rate. Here training, scoring and
dubbing get their sound from the same map of time, `tfg.media.audio.mel_start`, by the second at which a frame is on
screen.
"""
from __future__ import annotations

import copy
import itertools
import time
import warnings

import numpy as np

from tfg.compose.features import features
from tfg.errors import InputError
from tfg.media.audio import SR, frame_at, mel_spectrogram
from tfg.systems.base import Footage, Speech, Take
from tfg.systems.film.source import Source

LIVELY = 1.35
"""Factor on the intensity. Small networks draw the mean of what might be felt, which is milder than what actors play;
without it the judge names fewer emotions than on true clips (docs/emogen.md)."""


def prepare(source, speech: Speech, options, *, progress: bool = False) -> Take:
    """Follow the face and place its crops; faces are drawn while `Take.frames` is read.

    source, errors: as `System.prepare`.  options: `EmogenOptions`.
    `Take.meta`: frames, fps (None: variable), untouched (frames without a usable face), turns (how often the video
    turns round), cuts, faces, network (its checksum), batch_size (in the end).
    """
    from tfg.systems.emogen.calm_lips import CalmLips
    from tfg.systems.emogen.network import MARGIN, feeling
    from tfg.systems.emogen.paint import Painter
    from tfg.systems.film import draw, track

    o, clock = options, time.perf_counter()
    network, card = _network(o.checkpoint)
    seconds = {"load": time.perf_counter() - clock}
    clock = time.perf_counter()
    pictures = Source(source, resize_factor=o.resize_factor, rotate=o.rotate, crop_box=o.crop_box, static=o.static,
                      fps=o.fps)
    schedule = pictures.schedule(len(speech.audio) / SR)
    mel = checked(mel_spectrogram(speech.audio))
    needed, size = int(schedule.order.max()) + 1, network.config.size
    looks, face_of = None, None                           # what is copied from: the frame itself
    if isinstance(source, Footage) and source.crop:
        places = track.whole(needed, pictures.size, size)
        references = References(source, pictures.size)
        looks, face_of = references.source, references.face
    elif o.box is not None:
        places = track.constant(o.box, needed, pictures.size, size, MARGIN, o.pads)
    else:
        calm = CalmLips()
        places = track.find(_watched(pictures, needed, progress), pictures.size, size, MARGIN, fps=pictures.fps,
                            face=o.face, smooth=o.smooth, pads=o.pads, name=pictures.name, watch=calm.watch)
        looks, face_of = calm.source if calm.settle(places.cuts) else None, calm.face
    seconds["track"] = time.perf_counter() - clock
    untouched = ~places.drawn[schedule.order]
    _report(untouched, schedule)
    felt = feeling(o.emotion, LIVELY * o.intensity)
    painter = Painter(network, felt, places.matrix, source=looks, face=face_of, batch=o.batch_size)
    meta = {"frames": len(schedule.order), "fps": schedule.fps, "untouched": int(untouched.sum()),
            "turns": schedule.turns, "cuts": len(places.cuts), "faces": places.faces, "network": card["sha256"][:12]}
    blocks = draw.dubbed(pictures.shown(schedule), schedule.order, frame_at(schedule.middles), mel, places.drawn,
                         painter)
    return Take(frames=_told(draw.ahead(blocks), painter, meta), n=len(schedule.order), size=pictures.size,
                seconds=seconds, fps=schedule.fps or pictures.fps, times=None if schedule.fps else schedule.times[:-1],
                meta=meta)


class References:
    """A person's looks from other frames of theirs, for `Painter`: the one whose lips are most at rest.

    footage: its `reference` frames, or its photo where there are none; the face of its own frames stays hidden.
    picture: height, width of its own frames, px.
    """

    def __init__(self, footage: Footage, picture: tuple[int, int]):
        frames = footage.photo[None] if footage.reference is None else footage.reference
        chosen, face = calmest(frames)
        self.frame = frames[chosen]
        self._face = None
        if face is not None:
            self._face = features(face.points, self.frame).scaled(picture[1] / self.frame.shape[1])

    def source(self, frame: np.ndarray, index: int, place) -> np.ndarray:
        """(H, W, 3) uint8 in the place's rectangle."""
        import cv2

        picture = self.frame
        if picture.shape[:2] != frame.shape[:2]:
            picture = cv2.resize(picture, frame.shape[1::-1], interpolation=cv2.INTER_CUBIC)
        return picture[place.rows, place.columns].copy()


    def face(self, index: int, place):
        """As `CalmLips.face`. Crops follow the skull, so the reference's are where the frame's own would be."""
        if self._face is None:
            return None
        return self._face.shifted([place.columns.start, place.rows.start])


def calmest(frames: np.ndarray, most: int = 50) -> tuple:
    """The number of the frame whose lips are closed best, of `most` evenly chosen ones, and its face; 0 and None where
    no face is found."""
    from tfg.faces.geometry import lip_gap
    from tfg.faces.landmarks import Landmarker

    best: tuple = (np.inf, 0, None)
    with Landmarker() as landmarker:
        for k in np.unique(np.linspace(0, len(frames) - 1, most).astype(int)):
            for face in landmarker(np.ascontiguousarray(frames[k]))[:1]:
                best = min(best, (float(lip_gap(face.points)), int(k), face), key=lambda one: one[0])
    return best[1:]


def _network(checkpoint):
    """The generator, ready to draw, and its card."""
    import torch

    from tfg.networks import checkpoint as checkpoints
    from tfg.systems.emogen.network import Emogen, EmogenConfig

    network, card = checkpoints.load("emogen", Emogen, EmogenConfig, checkpoint)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return fused(network).to(device, memory_format=torch.channels_last), card


def fused(network):
    """A copy that draws the same in half the time: at inference a batch norm is a factor and a shift of each channel,
    and the convolution before it can take both over."""
    from torch import nn
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    from tfg.networks.blocks import Conv, Up

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
