"""The defects of the lab: what is broken, by which known amounts, from none to strong."""
from __future__ import annotations

from dataclasses import dataclass

from tfg.errors import InputError


@dataclass(frozen=True)
class Defect:
    """One thing that is broken.

    doses: amounts from none (the first) to strong.  said: text of an amount, with {} for its number.  how: "acted" (the
    virtual actor plays and is drawn anew), "frames" (the film is changed), "sound" (the picture stays as it is) or
    "length" (film, sound and truth are cut into pieces).  about: one line under the table.
    """

    doses: tuple[float, ...]
    said: str
    how: str
    about: str

    def label(self, k: int) -> str:
        """Text of dose number k."""
        return self.said.format(f"{self.doses[k]:g}")


DEFECTS: dict[str, Defect] = {
    "late": Defect((0, 1, 2, 4, 8), "{} frames", "sound", "the sound comes later than the picture"),
    "lips_small": Defect((1, .75, .5, .25, 0), "x {}", "acted", "the mouth's movements of speech are made smaller; the "
                         "emotion's display stays"),
    "lips_large": Defect((1, 1.25, 1.5, 2), "x {}", "acted", "the same movements are made larger"),
    "closures": Defect((0, .34, .67, 1), "{} of p b m", "acted", "so many of the sentence's p, b, m are spoken with "
                       "open lips, like a k"),
    "emotion": Defect((0, .25, .5, .75, 1), "{} of another", "acted", "the coefficients are mixed with those of the "
                      "same take in another emotion"),
    "head": Defect((0, .33, .67, 1), "{} removed", "acted", "this share of the head's motion is taken away"),
    "identity": Defect((0, .25, .5, .75, 1), "{} of another", "acted", "bones, skin, lips, brows and eyes are mixed "
                       "with another actor's; hair, clothes, light and camera stay"),
    "blur": Defect((0, .5, 1, 2, 3), "sigma {} px", "frames", "a Gaussian blur of the crop"),
    "flicker": Defect((0, 1, 2, 4, 8), "sd {} of 255", "frames", "each frame's brightness is changed by chance"),
    "background": Defect((0, 1, 2, 4, 8), "{} px", "acted", "the background, and nothing else, is moved to the right, "
                         "px of the 128 px frame"),
    "codec": Defect((18, 26, 32, 38, 44), "CRF {}", "frames", "H.264 at a lower quality; every other film has CRF 18"),
    "length": Defect((1, 2, 3, 4), "in {} pieces", "length", "film, sound and truth are cut into pieces of equal "
                     "length, of which each is scored: nothing is worse, so no mean over the pieces should follow"),
}
"""Name -> defect. The order is that of tables."""


def chosen(names) -> tuple[str, ...]:
    """Names of defects, in the order of `DEFECTS`, all for None.  Raises InputError for an unknown one, or none."""
    if names is None:
        return tuple(DEFECTS)
    names = [n.strip() for n in (names.split(",") if isinstance(names, str) else names) if n.strip()]
    for name in names:
        if name not in DEFECTS:
            raise InputError(f"there is no defect {name!r}; choose of {', '.join(DEFECTS)}.")
    if not names:
        raise InputError(f"no defect was named; choose of {', '.join(DEFECTS)}, or leave the option out for all.")
    return tuple(name for name in DEFECTS if name in names)
