"""A face that speaks while the sound arrives: `tfg.stream`.

    live = tfg.stream("photo.jpg", emotion="HAP")
    for piece in microphone:                        # pieces of any length
        for frame in live.push(piece, sr=48_000):   # (h, w, 3) uint8, 25 for each second of sound
            show(frame)
    live.change(emotion="SAD", intensity=.6)        # while it runs; eased in

Push silence while nobody speaks: the face waits, blinks, and looks about.
"""
from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tfg import registry
from tfg.errors import InputError
from tfg.media.audio import FPS, SR
from tfg.options import Options
from tfg.systems.animate import options_for
from tfg.systems.background import Behind, chosen_background
from tfg.systems.base import Live
from tfg.systems.inputs import check_source, is_shipped_face
from tfg.systems.listen import refuse_auto


def stream(source, *, system: str = registry.DEFAULT, badge: bool | None = None, **options) -> Stream:
    """Begin a stream: everything that comes before the first sound is done when this returns.

    source, system, badge, options: as `tfg.animate`. A stream has no end, so options that need one are refused, among
    them a motion, a length, angles that are spread over a clip, and the emotion "auto".

    Returns a `Stream`.  Raises InputError: what `tfg.animate` refuses; a system that needs the whole sound.
    """
    its, chosen = options_for(system, options)
    check_source(source)
    refuse_auto(chosen)
    if not its.can_stream:
        having = " or ".join(name for name, other in registry.systems().items() if other.can_stream)
        raise InputError(f"the system {its.name} needs the whole sound before its first frame; choose {having} for a "
                         "stream, or use tfg.animate.")
    return Stream(system, its.live(source, chosen), badge=not is_shipped_face(source) if badge is None else badge)


class Stream:
    """What `tfg.stream` returns.  size: (h, w) of the frames.  fps: 25.  delay_ms: sound that must have been pushed
    from the beginning of a frame on before the frame can be drawn; the time of drawing comes on top."""

    fps = FPS

    def __init__(self, system: str, live: Live, *, badge: bool):
        self._system, self._live, self._badge, self._ended = system, live, badge, False
        background = chosen_background(live.options)
        self._behind = None if background is None else Behind(background, live.size)
        self.size = live.size
        self.delay_ms = round(1000 * (live.ahead + 1) / FPS)

    @property
    def options(self) -> Options:
        """The options that hold now."""
        return self._live.options

    def push(self, samples: np.ndarray, sr: int = SR) -> Iterator[np.ndarray]:
        """The frames that more sound lets it draw, (h, w, 3) uint8 each; what is not read comes with the next piece.
        With a transparent background they are (h, w, 4), the last the opacity.

        samples: (N,) float in [-1, 1] or whole numbers at full scale, N of any size.  sr: samples per second.
        Frames do not depend on how the sound was cut into pieces.  Raises InputError: no such samples; the end was
        pushed already.
        """
        if self._ended:
            raise InputError("this stream has ended; begin another one with tfg.stream.")
        return self._shown(self._live.hear(samples, sr))

    def finish(self) -> Iterator[np.ndarray]:
        """The frames that are left: as many come in all as `tfg.animate` gives for the same sound."""
        if self._ended:
            return iter(())
        self._ended = True
        return self._shown(self._live.finish())

    def change(self, **options) -> None:
        """Other options from the next frame on, such as emotion="SAD"; None takes one back. They are eased in.

        Raises InputError: no such option or value; an option that is settled at the start, such as the size.
        """
        kept = {name: getattr(self.options, name) for name in self.options.given}
        chosen = options_for(self._system, kept | options)[1]
        refuse_auto(chosen)
        self._live.change(chosen)

    def _shown(self, frames: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        from tfg.media.badge import draw_badge

        frames = frames if self._behind is None else map(self._behind, frames)
        return (draw_badge(frame) for frame in frames) if self._badge else frames
