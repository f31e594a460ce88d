"""What every system offers, and what passes between it and `tfg.animate`, the scorer and the command line.

    class Emogen(System):
        name, about = "emogen", "dub a film: a network draws its face anew"
        Options, task = EmogenOptions, "film"

        def prepare(self, source, speech, options, *, progress=False):
            from tfg.systems.emogen.dub import prepare            # heavy: only when it is used

            return prepare(source, speech, options, progress=progress)

    SYSTEM = Emogen()

One line in `tfg.registry` adds it to `tfg animate`, `fit`, `score`, `systems`, `train` and to the README's tables.
"""
from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tfg.errors import InputError
from tfg.options import Options, choice, curve, flags, number, option_class, switch, text, thing, whole

if TYPE_CHECKING:
    from tfg.media.motion import Motion
    from tfg.training.part import Training

PREPROCESS = ("crop", "resize", "full")
MIN_SIZE, MAX_SIZE = 64, 2048
OptionsClass = type[Options]
AUTO = "auto"
"""The emotion that stands for what the voice sounds like (`tfg.systems.listen`)."""


@dataclass(frozen=True)
class Speech:
    """What is said: audio (N,) float32 at 16 kHz or None (no sound), phones with exact times where they are known."""

    audio: Any = None
    phones: Any = None


@dataclass(frozen=True)
class Footage:
    """A person on film, in memory: a source that `System.prepare` takes beside paths and pictures; the scorer gives it.

    frames: (T, H, W, 3) uint8 RGB at 25 frames/s, what a film system dubs.  photo: (H, W, 3) uint8, what a portrait
    system animates.  reference: (K, H, W, 3) uint8, other frames of the person that a system may look at; a film
    system that hides the face takes the person's looks from these.  crop: whether the frames are crops of the face
    already, placed as `tfg.corpora.prepare` places them, so that nothing is searched for.  dub: whether the frames are
    to be dubbed by a system that can do both, which else takes the photo; the true lips in them are then another
    sentence's, or the score would be of what was given.
    """

    frames: np.ndarray
    photo: np.ndarray
    reference: np.ndarray | None = None
    crop: bool = True
    dub: bool = False


@dataclass
class Take:
    """What a system hands back, ready to roll: n frames of size (h, w), made one at a time while `frames` is read.

    frames: (h, w, 3) uint8; (h, w, 4) from a system that knows the person's opacity, if another background is wanted.
    fps: frames per second.  times: (n,) seconds at which they begin, if not at a constant rate.  meta: what is to be
    known of them, for the clip's `meta`; it may still grow while the frames are read.
    """

    frames: Iterator[np.ndarray]
    n: int
    size: tuple[int, int]
    motion: Motion | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    fps: float = 25.0
    times: Any = None
    meta: dict[str, Any] = field(default_factory=dict)


class Live(ABC):
    """A system that follows a sound as it arrives: `hear` takes what came, and gives the frames that can be drawn.

    size: (h, w) of the frames.  options: what holds now.  ahead: frames of sound that must have been heard after a
    frame before it is drawn. The frames are the same in whatever pieces the sound comes.
    """

    size: tuple[int, int]
    options: Any
    ahead: int

    @abstractmethod
    def hear(self, samples: np.ndarray, sr: int) -> Iterator[np.ndarray]:
        """The frames (h, w, 3) uint8 that more sound, (N,) at sr per second, lets it draw.  Raises InputError."""

    @abstractmethod
    def finish(self) -> Iterator[np.ndarray]:
        """The frames that are left when the sound has ended."""

    @abstractmethod
    def change(self, options) -> None:
        """Go on with other options, eased in.  Raises InputError for those that are settled at the start."""

    @abstractmethod
    def again(self, options) -> None:
        """Begin a new stream with the same face and other options.  Raises InputError."""

    @abstractmethod
    def still(self, options) -> np.ndarray:
        """A frame (h, w, 3) uint8 of the face as these options leave it while nothing is said; the stream goes on as it
        was.  Raises InputError as `change`."""


class System(ABC):
    """A way to make a face speak. Light to import: networks are read when `prepare` is called.

    name: as in the registry.  about: one line.  Options: what users may set.  task: "portrait" (moves one photo) or
    "film" (draws the face of a film anew, frame by frame).  dubs: whether it can dub a film, too, as all those of the
    task "film" can.  plays_motion: whether it hands back the Motion it played,
    which `save_motion` writes.  networks: folders under data/ that it needs, by the option that replaces each.
    trainings: what `tfg train` offers of it.  can_fit: whether `fit` is there.  FitOptions: what users may
    set of `fit`; None: the same as of `prepare`.  takes_folders: whether a source may be a folder of photos of one
    person.  can_stream: whether `live` is there.  hears_emotion: whether it listens to the voice's feeling by itself
    where the emotion is "auto"; for the others `tfg.systems.listen` does, before `prepare`.
    """

    name: ClassVar[str]
    about: ClassVar[str]
    Options: ClassVar[type[Options]]
    task: ClassVar[str] = "portrait"
    dubs: ClassVar[bool] = False
    plays_motion: ClassVar[bool] = False
    networks: ClassVar[dict[str, str]] = {}
    trainings: ClassVar[tuple[Training, ...]] = ()
    can_fit: ClassVar[bool] = False
    can_stream: ClassVar[bool] = False
    FitOptions: ClassVar[OptionsClass | None] = None
    takes_folders: ClassVar[bool] = False
    hears_emotion: ClassVar[bool] = False

    @abstractmethod
    def prepare(self, source, speech: Speech, options, *, progress: bool = False) -> Take:
        """Everything that can fail, and the work that comes before the first frame; `Take.frames` draws lazily.

        source: a path, (H, W, 3) uint8 RGB, or a `Footage`.  options: an object of `Options`.
        Raises InputError: no usable face, no networks, options that do not fit the source.
        """

    def fit(self, source, options, out, *, progress: bool = False) -> Path:
        """Adapt to one person: writes a folder that an option of `prepare` takes, and returns it.

        options: an object of `FitOptions`, or of `Options` where there are none.
        Raises InputError where a system has nothing to adapt.
        """
        raise InputError(f"the system {self.name} has nothing to fit to a person: it takes a new source as it is.")

    def live(self, source, options) -> Live:
        """Everything that comes before the first sound of a stream.  source, options, errors: as `prepare`; raises
        InputError where a system needs the whole sound."""
        raise InputError(f"the system {self.name} needs the whole sound before its first frame, so it cannot stream.")

    def drawn_mask(self, size: int) -> np.ndarray | None:
        """(size, size) float32 in [0, 1]: how far each pixel of a crop is drawn anew, for a column of the scores; None
        where there is no such mask."""
        return None

    def folders(self, options=None) -> list[Path]:
        """Folders of the networks: those that the options name, else the ones that ship."""
        from tfg import paths

        return [Path(getattr(options, option, None) or paths.data(folder)) for option, folder in self.networks.items()]

    def missing(self, options=None) -> list[str]:
        """Those of `folders` that hold no card of a network."""
        return [str(folder) for folder in self.folders(options) if not list(folder.glob("*.json"))]


# ---- options that several systems share -----------------------------------------------------------------------------
def emotion_code(value: Any) -> str:
    """The emotion's code in capitals.  Raises InputError."""
    from tfg.acting.emotion import check_emotion

    return check_emotion(value)


def emotion_or_auto(value: Any) -> str:
    """The emotion's code in capitals, or "auto".  Raises InputError."""
    return AUTO if str(value).lower() == AUTO else emotion_code(value)


def background(value: Any) -> Any:
    """The value, if it is a background.  Raises InputError."""
    from tfg.media.background import check_background

    return value if value is None else check_background(value)


def gaze(value: Any) -> Any:
    """A gaze as pairs of angles (`tfg.systems.gaze_given.gaze_of`).  Raises InputError."""
    from tfg.systems.gaze_given import gaze_of

    return value if value is None else gaze_of(value)


@option_class
class EmotionOptions(Options):
    """Which emotion, how much of it, of whom, and before which background."""

    emotion: str = text("ANG anger, DIS disgust, FEA fear, HAP happiness, NEU neutral, SAD sadness; or auto: what the "
                        "voice sounds like, neutral where that is not clear (not for streams)", default="NEU",
                        convert=emotion_or_auto)
    intensity: float = number("how much of the emotion; with auto, times the probability of what is heard",
                              default=1.0, low=0, high=1)
    face: int | None = whole("which face if there are several, 0 is the largest", default=None, low=0)
    background: Any = thing("put behind the person: transparent, a colour such as white or #00ff00, or a picture",
                            default=None, convert=background, metavar="transparent|COLOUR|IMAGE")

    needs_emotion: ClassVar[tuple[str, ...]] = ()
    """Options that have no effect without an emotion, which `check` then refuses."""


LOOKS = (("lookSide", "the eyes look to the person's left"), ("lookUp", "the eyes look up"))
"""Names beside the coefficients' that `offsets` takes: directions of the eyes, 1 is about 30 degrees."""


def coefficient_parts() -> tuple[tuple[str, str], ...]:
    """(name, meaning) of what `offsets` may set: the two directions of the eyes, and the other coefficients, one name
    for both sides."""
    from tfg.vocabulary import EXPRESSION

    sided = {n.removesuffix("Left") for n in EXPRESSION if n.endswith("Left")} & \
        {n.removesuffix("Right") for n in EXPRESSION if n.endswith("Right")} - {"jaw", "mouth"}
    names = []
    for name in EXPRESSION:
        base = name.removesuffix("Left").removesuffix("Right")
        names.append(base if base in sided else name)
    return LOOKS + tuple((n, "") for n in dict.fromkeys(names) if not n.startswith("eyeLook"))


def offsets_of(value: Any) -> dict[str, float]:
    """{name: amount} of a text such as "mouthSmile=.4,lookUp=-.2", or of a dict; {} of None.  Raises InputError."""
    if value is None:
        return {}
    pairs = value.items() if isinstance(value, dict) else [part.partition("=")[::2] for part in str(value).split(",")]
    known, out = dict(coefficient_parts()), {}
    for name, amount in pairs:
        name = str(name).strip()
        try:
            number = float(amount)
        except (TypeError, ValueError):
            raise InputError(f"{value!r} does not say how much of which coefficient: write mouthSmile=.4,lookUp=-.2, "
                             "with amounts from -1 to 1.") from None
        if name not in known:
            raise InputError(f"there is no coefficient {name!r} to add to; there is {', '.join(known)}.")
        if not -1 <= number <= 1:
            raise InputError(f"the offset of {name} is {number:g}; give an amount from -1 to 1.")
        out[name] = number
    return out


@option_class
class PortraitOptions(EmotionOptions):
    """What every system takes that moves a photo."""

    preprocess: str = choice("crop: the head, square; resize: the whole picture, scaled; full: the head pasted back "
                             "into the whole picture at its own size", default="crop", choices=PREPROCESS)
    size: int = whole("longer side of the result, even; not for preprocess full", default=256, unit="pixels",
                      low=MIN_SIZE, high=MAX_SIZE, multiple_of=2)
    pose_scale: float = number("factor on the head's motion", default=1.0, low=0, high=3)
    expression_scale: float = number("factor on mouth and emotion", default=1.0, low=0, high=3)
    blink: bool = switch("whether the eyes blink", default=True)
    seed: int = whole("same seed, same performance", default=0, low=0)
    offsets: Any = text("added to every frame, from -1 to 1: coefficients, or where the eyes look, such as "
                        "mouthSmile=.4,lookUp=-.2", default=None, convert=offsets_of, parts=coefficient_parts(),
                        low=-1, high=1)
    gaze: Any = curve("where the eyes look, from where they look in the photo: to the person's left, and up, such as "
                      "10 -5; or a CSV with the columns x and y and a row for each frame", default=None, convert=gaze,
                      unit="degrees", metavar="X Y|CSV")
    attend: bool = switch("a gesture of attention at the beginning: eyes on the viewer, brows up, a small nod",
                          default=False)
    motion: Any = thing("play these coefficients (.npz of tfg measure) instead of a performance", default=None)

    replaced: ClassVar[tuple[str, ...]] = ("emotion", "intensity", "blink", "seed")
    """Options that have no effect beside a given motion."""

    def check(self) -> None:
        super().check()
        if self.preprocess == "full" and "size" in self.given:
            raise InputError("preprocess full keeps the picture's own size, so size has no use; leave it out, or "
                             "choose crop or resize.")
        if self.motion is not None and (unused := self.unused(*self.replaced)):
            raise InputError(f"a given motion replaces the performance, so {flags(unused)} would have no effect; "
                             "leave it out.")
