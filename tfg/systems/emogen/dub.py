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

import time

from tfg.media.audio import SR, frame_at
from tfg.systems.base import Speech, Take

LIVELY = 1.25
"""Factor on the intensity. Small networks draw the mean of what might be felt, which is milder than what actors play.
Chosen on actors of the split val (docs/emogen.md)."""


def prepare(source, speech: Speech, options, *, progress: bool = False) -> Take:
    """Follow the face and place its crops; faces are drawn while `Take.frames` is read.

    source, errors: as `System.prepare`.  options: `EmogenOptions`.
    `Take.meta`: frames, fps (None: variable), untouched (frames without a usable face), turns (how often the video
    turns round), cuts, faces, network (its checksum), batch_size (in the end).
    """
    from tfg.networks.inference import ready
    from tfg.systems.emogen import ear
    from tfg.systems.emogen.network import Emogen, EmogenConfig, feeling, heard_by
    from tfg.systems.emogen.paint import Painter
    from tfg.systems.film.stage import set_up

    o, clock = options, time.perf_counter()
    network, card = ready("emogen", Emogen, EmogenConfig, o.checkpoint)
    network = ear.given(network, card["sha256"], o.hearing)
    load = time.perf_counter() - clock
    heard = heard_by(network.config.hearing, speech.audio)
    stage = set_up(source, len(speech.audio) / SR, o, network.config.size, progress=progress)
    stage.seconds["load"] = load
    at = frame_at(stage.schedule.middles)
    painter = Painter(network, feeling(o.emotion, LIVELY * o.intensity), stage.crops.matrix, source=stage.looks,
                      face=stage.face, aligned=stage.aligned, batch=o.batch_size)
    return stage.roll(painter, lambda frames: heard(at[frames]), {"network": card["sha256"][:12]})
