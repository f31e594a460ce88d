"""What a visitor can do, without any page: choose a face and words, see a still, stream, render, cancel.

Methods may be called from any thread; one that takes long is told by `Event`s when to stop. What is wrong is said by
InputError in one sentence, which holds nothing of what was sent.
"""
from __future__ import annotations

import io
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tfg import cancel, paths, registry
from tfg.app import controls
from tfg.app.turns import turn
from tfg.app.uploads import MOST_S, Visit, check_words
from tfg.errors import InputError
from tfg.media.audio import FPS, SAMPLES_PER_FRAME, SR, check_audible
from tfg.systems.base import Live, Speech, System
from tfg.vocabulary import SENTENCES

PREVIEW_PX = 256
CONSENT = ("I have the consent of the people whose face or voice this is, and I will not pass the film off as a real "
           "recording.")
Report = Callable[[float, str], None]
"""Receives how much of a film is done, 0 to 1, and a sentence."""


class Cancelled(Exception):
    """The visitor pressed Cancel."""


@dataclass(frozen=True)
class Wish:
    """What the page's controls say.

    system: a name.  other: a second one for the same sound, or "".  emotion: a code or "auto".  intensity: 0..1.
    values: system -> {option: value}.  consent: whether the sentence was ticked.
    """

    system: str = registry.DEFAULT
    other: str = ""
    emotion: str = "NEU"
    intensity: float = 1.0
    values: dict[str, dict[str, Any]] = field(default_factory=dict)
    consent: bool = False

    @classmethod
    def of(cls, sent: dict[str, Any]) -> Wish:
        """From a message of the page.  Raises InputError if it is none."""
        try:
            wish = cls(**{name: sent[name] for name in cls.__dataclass_fields__ if name in sent.keys()})
            fine = all(isinstance(v, dict) for v in wish.values.values()) and isinstance(wish.consent, bool)
        except (AttributeError, TypeError):
            fine = False
        if not fine:
            raise InputError("the page sent settings that cannot be understood; load it again.")
        return wish


@dataclass(frozen=True)
class Film:
    """A film that was made.  title: the system.  data: the .mp4.  seconds: it took."""

    title: str
    data: bytes
    seconds: float


class Studio:
    """One visitor's face, words and films. Begins with the default face and the first example sentence."""

    def __init__(self, visit: Visit | None = None):
        self.visit = visit or Visit()
        self._lock = threading.Lock()                       # of the face that previews draw
        self._choice = threading.Lock()                     # of face and words: a film takes both at one time
        self._live: tuple[Any, Live] | None = None
        self.source: Path = faces()["default"]
        self.speech: Speech = Speech()
        self.own_face = self.own_voice = False
        self.say_example(next(iter(examples())))

    # ---- what is chosen -----------------------------------------------------------------------------------------
    def show_face(self, name: str) -> None:
        """One of the faces of nobody that ship.  Raises InputError."""
        if name not in faces():
            raise InputError(f"there is no face of that name; choose one of {', '.join(faces())}.")
        self._new_source(faces()[name], own=False)

    def take_picture(self, data: bytes) -> str:
        """A photo or a film of the visitor's: "photo" or "film".  Raises InputError: not readable, no face, too large.
        """
        path, kind = self.visit.keep(data, ("photo", "film"))
        try:
            if kind == "photo":
                _look_for_a_face(path)
        except InputError as error:
            self.visit.forget(path)
            raise self.visit.without_names(error) from error
        self._new_source(path, own=True)
        return kind

    def say_example(self, name: str) -> None:
        """One of the sentences that ship.  Raises InputError."""
        from tfg.media.audio import load_audio

        if name not in examples():
            raise InputError(f"there is no example of that name; choose one of {', '.join(examples())}.")
        self._new_speech(Speech(load_audio(paths.data("audio", f"{name}.wav"))), own=False)

    def say_words(self, text: str) -> None:
        """A typed text, spoken once for all that follows.  Raises InputError."""
        from tfg.speech.voice import speak

        audio, phones = speak(check_words(text))
        check_audible(audio, "the spoken text")
        if len(audio) > MOST_S * SR:
            raise InputError(f"the text takes {len(audio) / SR:.0f} s to say; the limit here is {MOST_S:.0f} s.")
        self._new_speech(Speech(audio, phones), own=False)

    def take_sound(self, data: bytes) -> float:
        """A file with sound: its length in seconds.  Raises InputError."""
        path, _ = self.visit.keep(data, ("sound", "film"))
        try:
            audio = self.visit.sound(path)
        finally:
            self.visit.forget(path)
        self._new_speech(Speech(audio), own=True)
        return len(audio) / SR

    def take_recording(self, data: bytes, sr: int) -> float:
        """Samples of a microphone, 16-bit little endian, at sr per second: their length in seconds. Raises InputError.
        """
        from tfg.media.live_sound import Pieces

        too_long = f"the recording lasts longer than {MOST_S:.0f} s, the limit here."
        if sr > 0 and len(data) > 2 * sr * (MOST_S + 1):
            raise InputError(too_long)
        pieces = Pieces()
        pieces.push(samples_of(data), sr)
        pieces.finish()
        audio = pieces.take(pieces.n)
        check_audible(audio, "the recording")
        if len(audio) > MOST_S * SR + SAMPLES_PER_FRAME:
            raise InputError(too_long)
        self._new_speech(Speech(audio), own=True)
        return len(audio) / SR

    def wave(self, audio: np.ndarray | None = None) -> bytes:
        """A sound as a WAV file; None: what is said."""
        from tfg.media.audio import write_wav

        path = self.visit.place(".wav")
        write_wav(path, self.speech.audio if audio is None else audio)
        data = path.read_bytes()
        self.visit.forget(path)
        return data

    # ---- previews -----------------------------------------------------------------------------------------------
    def still(self, wish: Wish) -> bytes:
        """The face with these settings and nothing said, a JPEG.  Raises InputError."""
        with self._lock:
            live, options = self._face(wish)
            return jpeg(live.still(options))

    def play(self, wish: Wish, stop: threading.Event, wishes: Callable[[], Wish],
             audio: np.ndarray | None = None) -> Iterator[bytes]:
        """A sound as a stream of JPEGs, as fast as they are made, up to a second ahead of the sound's own time.

        stop: ends it.  wishes: the settings now, which may change while it plays.  audio: None is what is said now.
        """
        started, n = time.perf_counter(), 0
        audio = self.speech.audio if audio is None else audio
        for k in range(0, len(audio), SAMPLES_PER_FRAME):
            piece = audio[k:k + SAMPLES_PER_FRAME]
            last = k + SAMPLES_PER_FRAME >= len(audio)
            for frame in self._streamed(wish, piece, SR, first=not k, last=last, wishes=wishes):
                if stop.is_set():
                    return
                yield jpeg(frame)
                n += 1
            stop.wait(max(0.0, n / FPS - 1.0 - (time.perf_counter() - started)))

    def follow(self, wish: Wish, sounds: Callable[[], tuple[bytes, int] | None],
               wishes: Callable[[], Wish]) -> Iterator[bytes]:
        """A microphone as a stream of JPEGs.  sounds: waits for the next piece, 16-bit samples and their rate; None
        ends it.  wishes: the settings now."""
        first = True
        while (piece := sounds()) is not None:
            for frame in self._streamed(wish, samples_of(piece[0]), piece[1], first=first, last=False, wishes=wishes):
                yield jpeg(frame)
            first = False

    def _streamed(self, wish: Wish, samples, sr: int, *, first: bool, last: bool, wishes) -> list[np.ndarray]:
        with self._lock:
            now = wish if first else wishes()
            live, options = self._face(now)
            if first:
                live.again(options)
            elif options != live.options:
                live.change(options)
            frames = list(live.hear(samples, sr))
            return frames + (list(live.finish()) if last else [])

    def _face(self, wish: Wish) -> tuple[Live, Any]:
        """The face that previews draw, made when the source or the system is another, and its options. With the emotion
        auto it is calm: only a film hears the whole sound before it begins."""
        its = _system(wish.system)
        if not its.can_stream:
            raise InputError(f"the system {its.name} needs the whole sound, so there is no preview; press Render.")
        emotion = "NEU" if wish.emotion == controls.AUTO else wish.emotion     # the whole sound is yet to be heard
        given = controls.given(its, emotion, wish.intensity, wish.values.get(its.name, {}))
        given = {k: v for k, v in given.items() if k not in ("size", "preprocess", "idle")}
        options = its.Options(**given, **({"size": PREVIEW_PX} if "size" in its.Options.names() else {}))
        source = self.source
        which = source, its.name, given.get("face")
        if self._live is None or self._live[0] != which:
            try:
                self._live = which, its.live(source, options)
            except InputError as error:
                raise self.visit.without_names(error) from error
        return self._live[1], options

    # ---- films --------------------------------------------------------------------------------------------------
    def render(self, wish: Wish, report: Report, stop: threading.Event) -> list[Film]:
        """The film, or two of the same sound, when it is this visitor's turn.

        report: hears of the place in the queue and of the progress.  stop: raises Cancelled at the next frame or look,
        or at the next step of the preparation (a picture searched for the face, a piece of the sound, a network).
        Raises InputError: no consent where it is needed; settings or sources that do not fit.
        """
        jobs = self._jobs(wish)
        with self._choice:
            if (self.own_face or self.own_voice) and not wish.consent:
                raise InputError("a face or voice of your own needs the sentence of consent below to be ticked.")
            speech, source = self.speech, self.source
            if self.own_face:                               # a copy: the visitor may choose another face meanwhile
                source = self.visit.place(".bin")
                shutil.copyfile(self.source, source)

        def wait(before: int) -> None:
            _go_on(stop)
            report(0.0, f"Waiting: {before} film{'s' * (before > 1)} before yours.")

        try:
            with turn(wait):
                return [self._film(its, given, speech, source, k, len(jobs), report, stop)
                        for k, (its, given) in enumerate(jobs)]
        finally:
            self.visit.forget(source)

    def _jobs(self, wish: Wish) -> list[tuple[System, dict[str, Any]]]:
        names = [wish.system, *([wish.other] if wish.other and wish.other != wish.system else [])]
        first, out = wish.values.get(wish.system, {}), []
        for name in names:
            its = _system(name)
            values = controls.shared(its, first) | wish.values.get(name, {})
            out.append((its, controls.given(its, wish.emotion, wish.intensity, values)))
        return out

    def _film(self, its: System, given: dict, speech: Speech, source: Path, k: int, of: int, report: Report,
              stop: threading.Event) -> Film:
        from tfg.systems.animate import animate

        started, place = time.perf_counter(), self.visit.place(".mp4")
        report(k / of, f"{its.name}: looking at the face and listening.")

        def progress(done: int, total: int) -> None:
            _go_on(stop)
            report((k + done / max(total, 1)) / of, f"{its.name}: {done} of {total} frames.")

        try:
            with cancel.heard(lambda: _go_on(stop)):        # in the preparation, too, before there is any progress
                animate(source, speech, system=its.name, out=place, badge=True, progress=progress, **given)
            return Film(its.name, place.read_bytes(), time.perf_counter() - started)
        except InputError as error:
            raise self.visit.without_names(error) from error
        finally:
            self.visit.forget(place)

    def _new_source(self, path: Path, *, own: bool) -> None:
        with self._choice:
            old, self.source, self.own_face = self.source, path, own
            self.visit.forget(old)

    def _new_speech(self, speech: Speech, *, own: bool) -> None:
        with self._choice:
            self.speech, self.own_voice = speech, own


def faces() -> dict[str, Path]:
    """Faces of nobody that ship with tfg: name -> photo."""
    return {path.stem: path for path in sorted(paths.data("faces").glob("*.jpg"))}


def examples() -> dict[str, str]:
    """Sentences that ship with tfg as sound: name -> words."""
    return {path.stem: SENTENCES[path.stem] for path in sorted(paths.data("audio").glob("*.wav"))}


def samples_of(data: bytes) -> np.ndarray:
    """16-bit little-endian samples as (N,) int16.  Raises InputError."""
    if len(data) % 2:
        raise InputError("the microphone's sound is cut off in the middle of a sample; record it again.")
    return np.frombuffer(data, "<i2")


def jpeg(frame: np.ndarray, quality: int = 85) -> bytes:
    """A frame (H, W, 3) uint8 with the badge, as JPEG."""
    from PIL import Image

    from tfg.media.badge import draw_badge

    out = io.BytesIO()
    Image.fromarray(draw_badge(frame)).save(out, "JPEG", quality=quality)
    return out.getvalue()


def _system(name: str) -> System:
    if name not in registry.SYSTEMS:
        raise InputError(f"there is no system of that name; choose one of {', '.join(registry.SYSTEMS)}.")
    return registry.system(name)


def _look_for_a_face(path: Path) -> None:
    from tfg.faces.landmarks import one_face
    from tfg.media.image import read_image

    one_face(read_image(path))


def _go_on(stop: threading.Event) -> None:
    if stop.is_set():
        raise Cancelled
