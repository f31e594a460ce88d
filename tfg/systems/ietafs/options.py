"""Options of the system `ietafs`. Light: asked before anything heavy."""
from __future__ import annotations

from typing import Any

from tfg.errors import InputError
from tfg.options import StrPath, number, option_class, path, switch, text, whole
from tfg.systems.base import AUTO, emotion_or_auto
from tfg.systems.film.options import FilmOptions
from tfg.vocabulary import AU_MOST as MOST
from tfg.vocabulary import AU_NAMES


def units(value: Any) -> dict[int, float]:
    """{number: intensity} of a text such as "AU12=3,AU4=0", or of a dict; {} of None.  Raises InputError."""
    if value is None:
        return {}
    pairs = value.items() if isinstance(value, dict) else [part.partition("=")[::2] for part in str(value).split(",")]
    out = {}
    for name, amount in pairs:
        digits = str(name).strip().upper().removeprefix("AU")
        try:
            au, intensity = int(digits), float(amount)
        except ValueError:
            raise InputError(f"{value!r} does not say which Action Units: write AU12=3,AU4=0, with intensities from 0 "
                             f"to {MOST:g}.") from None
        if au not in AU_NAMES:
            listed = ", ".join(f"AU{number} {words}" for number, words in AU_NAMES.items())
            raise InputError(f"there is no AU{digits}; there is {listed}.")
        if not 0 <= intensity <= MOST:
            raise InputError(f"AU{au} is {intensity:g}; give an intensity from 0 to {MOST:g}.")
        out[au] = intensity
    return out


@option_class
class IetafsOptions(FilmOptions):
    """Options of editing by Action Units."""

    emotion: str = text("auto: what the voice sounds like; or ANG anger, DIS disgust, FEA fear, HAP happiness, NEU "
                        "neutral, SAD sadness", default=AUTO, convert=emotion_or_auto)
    listen: float | None = number("how much of what the voice sounds like is shown beside a given emotion; default: 0, "
                                  "and 1 for auto", default=None, low=0, high=1)
    au: Any = text("Action Units that keep one intensity, 0 to 5, such as AU12=3,AU4=0", default=None, convert=units,
                   parts=tuple((f"AU{number}", words) for number, words in AU_NAMES.items()), low=0, high=MOST)
    au_file: StrPath | None = path("CSV of OpenFace, or with columns AU12 ... and a row for each frame, 25 a second: "
                                   "these units follow it instead of the sound", default=None)
    blink: bool = switch("whether the eyes blink", default=True)
    seed: int = whole("same seed, same blinks", default=0, low=0)
    aunet: StrPath | None = path("folder with aunet.safetensors and its card; default: the one that ships",
                                 default=None)
    checkpoint: StrPath | None = path("folder with ietafs.safetensors and its card; default: the one that ships",
                                      default=None)
