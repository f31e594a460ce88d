"""Expression vectors and head motion from sound, emotion added; the photo's own pixels follow."""
from __future__ import annotations

from tfg.options import Options, StrPath, choice, option_class, path
from tfg.systems.base import System
from tfg.systems.expression.options import EmotionAddTraining, ExpressionOptions
from tfg.training.part import MachineOptions, Training

HEARINGS = ("mel", "speech")
HEARING = "mel: a mel spectrogram; speech: frozen features of Whisper's encoder"


@option_class
class ExpNetTraining(MachineOptions):
    """Options of `tfg train expnet`."""

    measured: StrPath | None = path("motions of real people (tfg measure) with their sound beside them, to train "
                                    "on as well", default=None)
    hearing: str = choice(HEARING, default="mel", choices=HEARINGS)
    recorded: StrPath | None = path("recordings of people who read (tfg corpora fetch librispeech), to train on as "
                                    "well (needs the extra: align, or a teacher)", default=None)
    teacher: StrPath | None = path("folder of an ExpNet of speech features, whose faces the recordings get, instead of "
                                   "those of their aligned words", default=None)


@option_class
class PoseVAETraining(MachineOptions):
    """Options of `tfg train posevae`."""

    hearing: str = choice(HEARING, default="mel", choices=HEARINGS)


@option_class
class ArticulationTraining(Options):
    """Options of `tfg train articulation`."""

    out: StrPath | None = path("folder for the factors and their card", default=None, needed=True)
    store: StrPath | None = path("folder that tfg corpora prepare wrote, of clips whose words are known; several with "
                                 "commas between", default=None, needed=True)


class Expression(System):
    """The system `expression`; its parts are in `tfg.systems.expression.act`."""

    name = "expression"
    about = "networks from sound to expression and head motion, emotion added to them; the photo's own pixels follow"
    Options = ExpressionOptions
    plays_motion = can_stream = True
    networks = {"expnet": "expnet_speech", "posevae": "posevae", "emotion_add": "emotion_add"}
    trainings = (
        Training("expnet", "Train the network from sound to a whole face, emotion off, on virtual people.",
                 "tfg.systems.expression.expnet.train:train_expnet", ExpNetTraining,
                 "  tfg train expnet --out build/expnet --profile cpu", quiet=("r", "clips")),
        Training("articulation", "Learn how far lips open for each viseme from measured video (needs the extra: "
                 "align).",
                 "tfg.systems.expression.articulation:train_articulation", ArticulationTraining,
                 "  tfg train articulation --store build/real --out build/articulation"),
        Training("posevae", "Train the network from sound to head motion on motion made by rules.",
                 "tfg.systems.expression.posevae.train:train_posevae", PoseVAETraining,
                 "  tfg train posevae --out build/posevae --profile cpu"),
        Training("emotion-add", "Train a model that adds emotion to calm speech, on virtual actors' aligned pairs "
                 "(needs the extra: voice).", "tfg.systems.expression.emotion.train:train_emotion_add",
                 EmotionAddTraining,
                 "  tfg train emotion-add --model linear --out build/emotion_add\n"
                 "  tfg train emotion-add --model automl --budget 600 --out build/emotion_add\n"
                 "  tfg train emotion-add --model transformer --out build/emotion_add --profile ci",
                 writes=(("model", "linear", "linear.safetensors"), ("model", "automl", "automl.json.gz"),
                         ("model", "transformer", "transformer.safetensors")),
                 quiet=("closures_kept", "emotions", "levels", "replays")),
    )

    def prepare(self, source, speech, options, *, progress=False):
        """See `System.prepare`."""
        from tfg.systems.expression.act import prepare

        return prepare(source, speech, options, progress=progress)

    def live(self, source, options):
        """See `System.live`."""
        from tfg.systems.expression.live import LivePortrait

        return LivePortrait(source, options)


SYSTEM = Expression()
