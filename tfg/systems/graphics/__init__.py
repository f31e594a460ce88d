"""The system `graphics`, the baseline: a small network moves the mouth by the sound, rules move the rest."""
from __future__ import annotations

from tfg.options import option_class
from tfg.systems.base import PortraitOptions, System
from tfg.training.part import MachineOptions, Training


@option_class
class GraphicsOptions(PortraitOptions):
    """Options of `graphics`."""


class Graphics(System):
    """The system `graphics`; its work is in `tfg.systems.graphics.act`."""

    name = "graphics"
    about = ("the baseline: a small network for the mouth, a table for the emotion, rules for the head; the photo's "
             "own pixels follow")
    Options = GraphicsOptions
    plays_motion = True
    networks = {"mouth": "mouth"}
    trainings = (Training("mouth", "Train the network from sound to mouth on synthetic speech.",
                          "tfg.systems.graphics.train:train_mouth", MachineOptions,
                          "  tfg train mouth --out build/mouth --profile cpu", quiet=("r", "clips")),)

    def prepare(self, source, speech, options, *, progress=False):
        """See `System.prepare`."""
        from tfg.systems.graphics.act import prepare

        return prepare(source, speech, options, progress=progress)


SYSTEM = Graphics()
