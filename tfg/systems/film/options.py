"""Options of systems that draw the face of a film anew, which are Wav2Lip's and mean the same here. Light."""
from __future__ import annotations

from tfg.errors import InputError
from tfg.options import flags, number, option_class, rectangle, switch, whole
from tfg.systems.base import EmotionOptions

Box = tuple[int, int, int, int]
MAX_PAD = 4000


@option_class
class FollowOptions(EmotionOptions):
    """How the face of a film is followed, and how its frames are read."""

    pads: Box | None = rectangle("added around the found face: top bottom left right; the square around that is used",
                                 default=None, low=-MAX_PAD, high=MAX_PAD)
    smooth: bool = switch("whether the crop follows the head calmly", default=True)
    resize_factor: int = whole("the picture so many times smaller", default=1, low=1, high=64)
    rotate: bool = switch("turn the picture by 90 degrees clockwise", default=False)
    crop_box: Box | None = rectangle("then cut it to top bottom left right, -1 is its edge", default=None, low=-1)
    static: bool = switch("use only the first frame of a video", default=False)
    fps: float | None = number("of a photo or with --static; default 25", default=None, unit="frames per second",
                               low=1, high=120)
    batch_size: int | None = whole("frames drawn at a time; default: as many as suit", default=None, low=1, high=4096)


@option_class
class FilmOptions(FollowOptions):
    """Where the face of a film is, and how its frames are read."""

    box: Box | None = rectangle("a face that stays in its place, hairline to chin; nothing is searched for",
                                default=None, low=0)

    def check(self) -> None:
        super().check()
        if self.box is not None:
            top, bottom, left, right = self.box
            if bottom - top < 16 or right - left < 16:
                raise InputError(f"the box is {' '.join(map(str, self.box))}, but its sides are top bottom left right "
                                 "in pixels from 0 up, with at least 16 px between them.")
            unused = (["no_smooth"] if not self.smooth else []) + self.unused("face")
            if unused:
                raise InputError(f"a constant --box replaces the search for the face, so {flags(unused)} would have no "
                                 "effect; leave it out.")
