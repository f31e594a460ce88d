"""`deformable`: one photo, raw speech, noise and an emotion, end to end, with deformable convolution and attention."""
from __future__ import annotations

from tfg.options import StrPath, choice, number, option_class, path, switch, text, whole
from tfg.systems.base import System
from tfg.systems.deformable.options import DeformableOptions
from tfg.training.part import MachineOptions, Training

PHASES = ("all", "ears", "pre", "generator", "joint")


@option_class
class DeformableTraining(MachineOptions):
    """Options of `tfg train deformable`; names as published where there is one (`tfg.systems.deformable.train` lists
    what became of the others)."""

    scenes: StrPath | None = path("folder that python -m tfg.systems.deformable.scenes wrote", default=None)
    store: StrPath | None = path("instead: folder that tfg corpora prepare wrote, such as CREMA-D's", default=None)
    phase: str = choice("one phase alone, or all after each other", default="all", choices=PHASES)
    model_disc_emo: StrPath | None = path("weights of the emotion critic to start from: last/emotion.safetensors of a "
                                          "training, or its folder", default=None)
    model_disc_frame: StrPath | None = path("likewise of the frame critic: last/frame.safetensors", default=None)
    deform: bool = switch("deformable convolutions; without, ordinary ones in their place", default=True)
    attention: bool = switch("attention in the same layers", default=True)
    equal: bool = switch("as many weights as with both, for ablations", default=False)
    flow: bool | None = switch("heads that say what merely moved; default: the profile's", default=None)
    disc_frame: bool = switch("the critic of single frames in the phase joint", default=True)
    disc_emo: bool = switch("the emotion critic in the phases pre and joint", default=True)
    disc_pair: bool = switch("a critic of frames and sound in the phase joint", default=False)
    disc_video: bool = switch("a critic of movement in the phase joint", default=False)
    disc_frame_gp: float | None = number("weight of the gradient penalty", default=None, low=0, high=10_000)
    emotions: str | None = text("emotions of a store's clips that are learned, such as HAP,SAD; default: all",
                                default=None)
    num_frames: int | None = whole("frames of a run", default=None, low=2, high=250)
    context: int | None = whole("features of sound before and after a frame's own, 125 a second", default=None, low=2,
                                high=17)
    num_epochs: int | None = whole("length of each phase in epochs, instead of steps", default=None, low=1)
    batch_size: int | None = whole("runs a step", default=None, low=1)
    plot_interval: int | None = whole("steps between scores and pictures", default=None, low=1)
    lr_g: float | None = number("learning rate of the generator", default=None, low=0, high=1)
    lr_emo: float | None = number("learning rate of the emotion critic", default=None, low=0, high=1)
    lr_frame: float | None = number("learning rate of the frame critic", default=None, low=0, high=1)
    lr_pair: float | None = number("learning rate of the critic of frames and sound", default=None, low=0, high=1)
    lr_video: float | None = number("learning rate of the critic of movement", default=None, low=0, high=1)
    perceptual: str = choice("what compares pictures; auto: in the profile gpu vgg19 if its weights can be had, else "
                             "our face encoder", default="auto", choices=("auto", "vgg19", "encoder", "none"))


class DeformableSystem(System):
    """See the module."""

    name = "deformable"
    about = "one photo, raw speech, noise and an emotion, end to end, with deformable convolution and attention"
    Options, dubs = DeformableOptions, True
    networks = {"checkpoint": "deformable"}
    trainings = (Training("deformable", "Train the generator that draws a talking face from raw speech.",
                          "tfg.systems.deformable.train:train_deformable", DeformableTraining,
                          "  tfg train deformable --scenes build/scenes --out build/deformable\n"
                          "  tfg train deformable --scenes build/scenes --out build/plain --no-deform --no-attention "
                          "--equal\n"
                          "  tfg train deformable --scenes build/scenes --out build/pre --phase pre",
                          writes=(("phase", "pre", "deformable_emotion.safetensors"),)),)

    def prepare(self, source, speech, options, *, progress=False):
        """See `System.prepare`."""
        from tfg.systems.deformable.act import prepare

        return prepare(source, speech, options, progress=progress)


SYSTEM = DeformableSystem()
