"""IETaFS: speech becomes 17 Action Units a frame; a GAN with attention edits a photo to them, or a film's frames."""
from __future__ import annotations

from tfg.options import StrPath, number, option_class, path, switch, text, whole
from tfg.systems.base import System
from tfg.systems.ietafs.aunet import AUNetTraining
from tfg.systems.ietafs.options import IetafsOptions
from tfg.training.part import MachineOptions, Training


@option_class
class IetafsTraining(MachineOptions):
    """Options of `tfg train ietafs`; names as published where there is one."""

    edits: StrPath | None = path("folder that python -m tfg.systems.ietafs.gan.edits wrote", default=None, needed=True)
    flow: bool | None = switch("heads that say what merely moved; default: the profile's", default=None)
    without: str | None = text("parts to leave out, a comma between two: critic, units, sync, cycle, pair",
                               default=None)
    use_virtual: bool = switch("the cycle back to the source", default=True)
    pairs_first: bool = switch("begin with pairs alone, before critics judge", default=True)
    n_critic: int | None = whole("steps of the critic for one of the generator", default=None, low=1)
    num_epochs: int | None = whole("length of the run in epochs, instead of steps", default=None, low=1)
    num_epochs_decay: int | None = whole("epochs at the end in which the learning rate falls by a tenth each",
                                         default=None, low=0)
    g_lr: float | None = number("learning rate of the generator", default=None, low=0, high=1)
    d_lr: float | None = number("learning rate of critic and sync networks", default=None, low=0, high=1)
    batch_size: int | None = whole("pictures a step", default=None, low=1)
    image_size: int | None = whole("side of the pictures", default=None, unit="pixels", low=32, high=512, multiple_of=8)
    lambda_cls: float | None = number("weight of the Action Units' error", default=None, low=0, high=10_000)
    lambda_rec: float | None = number("weight of the cycle", default=None, low=0, high=10_000)
    lambda_gp: float | None = number("weight of the gradient penalty", default=None, low=0, high=10_000)
    lambda_sat: float | None = number("weight of the attention's mean", default=None, low=0, high=10_000)
    lambda_smooth: float | None = number("weight of the attention's variation", default=None, low=0, high=10_000)
    lambda_sync: float | None = number("weight of a drawn mouth's distance from its sound", default=None, low=0,
                                       high=10_000)


class IetafsSystem(System):
    """See the module."""

    name = "ietafs"
    about = "speech to 17 Action Units to an AU-conditioned GAN with attention; also edits photos by hand"
    Options, dubs = IetafsOptions, True
    hears_emotion = True
    networks = {"aunet": "aunet", "checkpoint": "ietafs"}
    trainings = (Training("aunet", "Train the network from sound to Action Units on acted takes (needs the extra: "
                          "voice).", "tfg.systems.ietafs.aunet.train:train_aunet", AUNetTraining,
                          "  tfg train aunet --takes build/takes --out build/aunet\n"
                          "  tfg train aunet --no-context --out build/no_context",
                          quiet=("speech", "feeling", "by_level", "by_emotion", "chance", "clips", "voices")),
                 Training("ietafs", "Train the generator that edits a face by Action Units, against its critic.",
                          "tfg.systems.ietafs.gan.train:train_ietafs", IetafsTraining,
                          "  tfg train ietafs --edits build/edits --out build/ietafs\n"
                          "  tfg train ietafs --edits build/edits --out build/no_cycle --no-use-virtual"),)

    def prepare(self, source, speech, options, *, progress=False):
        """See `System.prepare`."""
        from tfg.systems.ietafs.act import prepare

        return prepare(source, speech, options, progress=progress)


SYSTEM = IetafsSystem()
