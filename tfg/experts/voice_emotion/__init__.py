"""The emotion of a voice, for `--emotion auto`: network, training, evaluation."""
from __future__ import annotations

from tfg.options import StrPath, option_class, path
from tfg.training.part import RunOptions, Training


@option_class
class VoiceEmotionTraining(RunOptions):
    """Options of `tfg train voice-emotion`."""

    takes: StrPath | None = path("folder of the file with the voices' statistics, which is made if it is missing; "
                                 "default: out", default=None)
    recordings: StrPath | None = path("sounds of real people to learn from as well, named as CREMA-D's: "
                                      "1001_DFA_ANG_XX.wav", default=None)


TRAININGS = (Training("voice-emotion", "Train the network that hears the emotion of a voice, for --emotion auto (needs "
                      "the extra: voice).", "tfg.experts.voice_emotion.train:train_voice_emotion", VoiceEmotionTraining,
                      "  tfg train voice-emotion --takes build/voices --out build/voice_emotion\n"
                      "  tfg train voice-emotion --out build/voice_emotion --profile ci    seconds\n"
                      "  tfg train voice-emotion --recordings crema_d/AudioWAV --takes build/voices --out build/mine"),)
