"""Options of the system `deformable`. Light: asked before anything heavy."""
from __future__ import annotations

from tfg.options import StrPath, option_class, path, switch, whole
from tfg.systems.film.options import FilmOptions


@option_class
class DeformableOptions(FilmOptions):
    """Options of drawing a face from raw speech, noise and an emotion."""

    noise_seed: int = whole("another seed gives other movements for the same sound: blinks, glances, the head",
                            default=0, low=0)
    blink: bool = switch("whether the eyes blink", default=True)
    checkpoint: StrPath | None = path("folder with deformable.safetensors and its card; default: the one that ships",
                                      default=None)
