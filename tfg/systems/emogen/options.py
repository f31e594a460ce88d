"""Options of the system `emogen`. Light: asked before anything heavy."""
from __future__ import annotations

from tfg.options import StrPath, option_class, path
from tfg.systems.film.options import FilmOptions


@option_class
class EmogenOptions(FilmOptions):
    """Options of dubbing."""

    checkpoint: StrPath | None = path("folder with emogen.safetensors and its card; default: the one that ships",
                                      default=None)
