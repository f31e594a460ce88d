"""AUnet: network from sound to 17 Action Units a frame, with the words' part and the emotion's part apart."""
from __future__ import annotations

from tfg.options import StrPath, option_class, path, switch
from tfg.training.part import MachineOptions


@option_class
class AUNetTraining(MachineOptions):
    """Options of `tfg train aunet`."""

    takes: StrPath | None = path("folder in which the acted takes are kept, and made once; default: that of --out",
                                 default=None)
    context: bool | None = switch("hear two seconds on either side of a frame, not its 0.4 s alone; default: the "
                                  "profile's", default=None)
