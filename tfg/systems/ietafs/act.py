"""`ietafs`: the sound becomes Action Units (AUnet), and each frame of the source is edited to show them (the GAN).

A photo keeps its pose: this system moves what muscles move. A film keeps its own head motion, too.
"""
from __future__ import annotations

import time

import numpy as np

from tfg.faces.aus import AUS
from tfg.media.audio import SR, frame_at
from tfg.systems.base import Footage, Speech, Take


def prepare(source, speech: Speech, options, *, progress: bool = False) -> Take:
    """Listen, and follow the face; faces are drawn while `Take.frames` is read.

    source, errors: as `System.prepare`; of a `Footage` the photo counts, unless it is to be dubbed.  options:
    `IetafsOptions`.
    """
    from tfg.systems.film.stage import set_up
    from tfg.systems.ietafs.gan.network import load
    from tfg.systems.ietafs.paint import Painter
    from tfg.systems.ietafs.shown import UPPER, Shown
    from tfg.systems.ietafs.units import at, curve_of

    if isinstance(source, Footage) and not source.dub:
        source = source.photo
    clock = time.perf_counter()
    network, card = load(options.checkpoint)
    loaded = time.perf_counter()
    curve = curve_of(speech.audio, options)
    heard = time.perf_counter()
    watched = Shown()
    stage = set_up(source, len(speech.audio) / SR, options, network.config.size, watch=watched.watch,
                   progress=progress)
    shown = np.zeros((len(stage.crops.matrix), len(AUS)), np.float32)
    read = watched.units()                                # nothing, where no face had to be searched for
    shown[:len(read)] = read if stage.looks is None else read * UPPER     # a calm mouth is laid in
    stage.seconds |= {"load": loaded - clock, "listen": heard - loaded}
    frames = frame_at(stage.schedule.middles)
    painter = Painter(network, stage.crops.matrix, shown, source=stage.looks, face=stage.face, aligned=stage.aligned,
                      batch=options.batch_size)
    return stage.roll(painter, lambda numbers: at(curve, frames[numbers]), {"network": card["sha256"][:12]})
