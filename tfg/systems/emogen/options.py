"""Options of the system `emogen`. Light: asked before anything heavy."""
from __future__ import annotations

from tfg.options import StrPath, choice, option_class, path
from tfg.systems.film.options import FilmOptions


@option_class
class EmogenOptions(FilmOptions):
    """Options of dubbing."""

    checkpoint: StrPath | None = path("folder with emogen.safetensors and its card; default: the one that ships",
                                      default=None)
    hearing: str | None = choice("mel: a mel spectrogram; speech: frozen features of Whisper's encoder; default: "
                                 "speech where the network has an ear for it, as the one that ships does",
                                 default=None, choices=("mel", "speech"))
