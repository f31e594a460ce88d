"""EmoGen: dub a film; a network draws its face anew."""
from __future__ import annotations

from tfg.options import StrPath, choice, option_class, path, switch
from tfg.systems.base import System
from tfg.systems.emogen.options import EmogenOptions
from tfg.training.part import StoreOptions, Training


@option_class
class EmogenTraining(StoreOptions):
    """Options of `tfg train emogen`."""

    syncnet: StrPath | None = path("folder of the expert of lips and sound, of tfg train syncnet --teacher; default: "
                                   "the one that ships", default=None)
    emotion: StrPath | None = path("folder of the emotion discriminator; default: the one that ships", default=None)
    encoder: StrPath | None = path("folder of the face encoder; default: the one that ships", default=None)
    perceptual: str = choice("what compares pictures; auto: in the profile gpu vgg19 if its weights can be had, else "
                             "the encoder", default="auto", choices=("auto", "vgg19", "encoder"))
    hearing: str = choice("what the generator hears: mel spectrograms, or speech features of data/whisper",
                          default="mel", choices=("mel", "speech"))
    quality: bool | None = switch("a discriminator of true and drawn faces besides; default: the profile's",
                                  default=None)


class Emogen(System):
    """See the module."""

    name = "emogen"
    about = "dub a video or photo: a trained network draws its face anew, frame by frame"
    Options = EmogenOptions
    task, dubs = "film", True
    networks = {"checkpoint": "emogen"}
    trainings = (Training("emogen", "Train the generator that dubs a face with sound and emotion.",
                          "tfg.systems.emogen.train:train_emogen", EmogenTraining,
                          "  tfg train emogen --store build/store --out build/emogen\n"
                          "  tfg train emogen --store build/store --out build/emogen --profile ci    seconds\n"
                          "  tfg train emogen --store build/store --out build/emogen --syncnet build/syncnet "
                          "--quality"),)

    def prepare(self, source, speech, options, *, progress=False):
        """See `System.prepare`."""
        from tfg.systems.emogen.dub import prepare

        return prepare(source, speech, options, progress=progress)

    def drawn_mask(self, size):
        """See `System.drawn_mask`."""
        from tfg.faces.face_region import face_region

        return face_region(size)


SYSTEM = Emogen()
