"""`rhythmic`: landmarks and head motion from sound; a film from these, several pictures and a 3D head."""
from __future__ import annotations

from tfg.options import StrPath, choice, number, option_class, path, switch, whole
from tfg.systems.base import System
from tfg.systems.rhythmic.motion import MotionTraining
from tfg.systems.rhythmic.options import MOST_SHOTS, FitOptions, RhythmicOptions
from tfg.systems.rhythmic.points import PointsTraining
from tfg.training.part import MachineOptions, Training


@option_class
class RhythmicTraining(MachineOptions):
    """Options of `tfg train rhythmic`; names as published where there is one."""

    scenes: StrPath | None = path("folder that python -m tfg.systems.rhythmic.scenes wrote", default=None, needed=True)
    n_shot: int | None = whole("pictures of a person; default: the profile's", default=None, low=1, high=MOST_SHOTS)
    n_frames: int | None = whole("frames after each other; with 2 and more each sees the one before", default=None,
                                 low=1, high=32)
    atten: bool | None = switch("mix the pictures by attention, else their mean", default=None)
    warp_ref: bool | None = switch("copy from the reference", default=None)
    warp_ani: bool | None = switch("copy from the rendered head", default=None)
    spade_combine: bool | None = switch("non-linear composition, else linear", default=None)
    adaptive_spade: bool | None = switch("SPADE whose weights are made from the pictures", default=None)
    add_raw_loss: bool = switch("what is painted is compared with the truth by itself, too", default=True)
    worst_ref_prob: float | None = number("share of examples whose reference has the most different pose", default=None,
                                          low=0, high=1)
    batch_size: int | None = whole("scenes a step", default=None, low=1)
    perceptual: str = choice("what compares pictures; auto: in the profile gpu vgg19 if its weights can be had, else "
                             "our face encoder", default="auto", choices=("auto", "vgg19", "encoder", "none"))


class RhythmicSystem(System):
    """See the module."""

    name = "rhythmic"
    about = "landmarks and head motion from sound; a film from several pictures and a 3D head"
    Options, FitOptions, can_fit, takes_folders, dubs = RhythmicOptions, FitOptions, True, True, True
    networks = {"checkpoint": "rhythmic", "motionnet": "rhythmic_motion", "pointsnet": "rhythmic_points"}
    trainings = (
        Training("rhythmic-motion", "Train the network of head motion, from raw sound and poses seen before.",
                 "tfg.systems.rhythmic.motion.train:train_motion", MotionTraining,
                 "  tfg train rhythmic-motion --speeches build/speeches --out build/rhythmic_motion\n"
                 "  tfg train rhythmic-motion --speeches build/speeches --out build/lstm --encoder lstm"),
        Training("rhythmic-points", "Train the network of canonical landmarks, from sound and emotion.",
                 "tfg.systems.rhythmic.points.train:train_points", PointsTraining,
                 "  tfg train rhythmic-points --speeches build/speeches --out build/rhythmic_points"),
        Training("rhythmic", "Train the generator that draws a turning head from several pictures.",
                 "tfg.systems.rhythmic.train:train_rhythmic", RhythmicTraining,
                 "  tfg train rhythmic --scenes build/turns --out build/rhythmic\n"
                 "  tfg train rhythmic --scenes build/turns --out build/mean --no-atten\n"
                 "  tfg train rhythmic --scenes build/turns --out build/film --init build/rhythmic --n-frames 3"))

    def prepare(self, source, speech, options, *, progress=False):
        """See `System.prepare`."""
        from tfg.systems.rhythmic.act import prepare

        return prepare(source, speech, options, progress=progress)

    def fit(self, source, options, out, *, progress=False):
        """See `System.fit`."""
        from tfg.systems.rhythmic.adapt import fit

        return fit(source, options, out, progress=progress)


SYSTEM = RhythmicSystem()
