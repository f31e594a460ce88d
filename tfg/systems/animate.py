"""The main job: a portrait, or a person in a video, says something with a chosen emotion. `tfg.animate` and
`tfg animate` both end here.

Everything that can be wrong is checked before the long work starts, and the long work streams: frames are drawn,
badged, encoded and forgotten, a few at a time, so an hour of sound needs no more memory than its samples.
"""
from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfg import cancel, registry
from tfg.errors import InputError
from tfg.files import check_file, reserved
from tfg.options import Options, flags, of_call
from tfg.systems.background import Behind, check_transparent, chosen_background, suffix_for, write_film
from tfg.systems.base import Speech, System, Take
from tfg.systems.inputs import (
    check_places,
    check_source,
    is_shipped_face,
    load_motion,
    read_speech,
    temporary_video,
)
from tfg.systems.listen import felt

if TYPE_CHECKING:
    from tfg.media.clip import Clip

Progress = Callable[[int, int], None]


def animate(source, audio=None, *, text: str | None = None, system: str = registry.DEFAULT, out=None, save_motion=None,
            badge: bool | None = None, overwrite: bool = False, progress: bool | Progress = True, **options) -> Clip:
    """Make a portrait speak, or dub a video.

    source: a photo (any format Pillow reads), a video, or (H, W, 3) uint8 RGB. Of a video the best frontal frame is
    used; `emogen` dubs it: its frames stay at their own times, rate and size, and only the face is drawn anew.
    audio: any file with sound, a video too, (N,) float32 at 16 kHz, or a `tfg.systems.base.Speech`.  text: spoken
    instead (extra `voice`).
    system: a name in `tfg.registry.SYSTEMS`.  options: those of the system, such as emotion="HAP": the fields of
    `tfg.registry.system(NAME).Options`. `tfg systems` lists them all with ranges and defaults, and editors complete
    them.
    out: the .mp4; or a .webm, or a folder of PNG pictures (a name without an ending, or a pattern such as
    frames/%04d.png), which keep a transparent background; None: a temporary file, gone when Python ends.
    overwrite: whether existing files may be replaced.
    save_motion: write there (.npz) the coefficients that were played, by systems that play some.
    badge: draw "AI-generated" into a corner; None: yes, except on the synthetic faces that ship with tfg.  The file's
    metadata says so in any case.  progress: a bar on stderr, or a function of the number of frames done and of all;
    what it raises stops the work, and leaves no file. `tfg.cancel.heard` ends the preparation before it, too.

    emotion="auto" is what the voice sounds like, heard once in its first minute (`tfg.systems.listen`); `meta["heard"]`
    says what that was.

    A given `motion` replaces the performance, cut or held to the length of the sound, which may be missing (a silent
    video).

    Returns a path-backed `tfg.Clip` with its `motion` (None for emogen), at 25 frames/s as all clips; `meta` holds the
    settings, the seconds that each step took, and what the system notes of its take.
    Raises InputError, one sentence, before anything is written.
    """
    started = time.perf_counter()
    its, chosen = options_for(system, options)
    check_result(its, save_motion)
    motion = getattr(chosen, "motion", None)
    out, save_motion = check_places(source, audio, motion, out, save_motion, overwrite)
    check_transparent(chosen_background(chosen), out)
    with reserved(out, save_motion, overwrite=overwrite):
        return _animate(source, audio, text, its, chosen, out, save_motion, badge, progress, started)


def _animate(source, audio, text, its: System, chosen, out: Path | None, save_motion: Path | None, badge: bool | None,
             progress: bool | Progress, started: float) -> Clip:
    """`animate`, once this process is the only one that writes these files.  started: `time.perf_counter` at the call.
    """
    check_source(source, folders=its.takes_folders)
    motion = getattr(chosen, "motion", None)
    chosen = _loaded(chosen)
    idle = getattr(chosen, "idle", None)
    if idle is not None and (audio is not None or text is not None):
        raise InputError("idle is a stretch without sound, but a sound or text was given as well; leave one out.")
    speech = read_speech(audio, text, needed=motion is None and idle is None)
    seconds = {"read": time.perf_counter() - started}
    cancel.point()
    chosen, heard = felt(its, chosen, speech)
    take = its.prepare(source, speech, chosen, progress=progress is True)
    seconds.update(take.seconds)
    cancel.point()
    background = chosen_background(chosen)
    if background is not None:
        take.frames = map(Behind(background, take.size), take.frames)
    badge = not is_shipped_face(source) if badge is None else badge
    rolling = time.perf_counter()
    path = Path(out) if out is not None else temporary_video(suffix_for(background))
    _write(path, take, speech.audio, badge=badge, progress=progress)
    seconds["render"] = time.perf_counter() - rolling
    if save_motion is not None and take.motion is not None:
        take.motion.save(save_motion)
    seconds["total"] = time.perf_counter() - started
    return _clip(path, take, speech, chosen, dict(system=its.name, badge=badge, seconds=seconds)
                 | ({} if heard is None else {"heard": heard}))


def options_for(system: str, given: Mapping[str, Any]) -> tuple[System, Any]:
    """The system and its options from keywords.  Raises InputError: no such system; an option that it does not have,
    with the systems that have it; a value out of its range; options that exclude each other."""
    its = registry.system(system)
    return its, of_call(its.Options, given, lambda unknown: refuse(its, unknown))


def options_of(its: System, fitting: bool = False) -> type[Options]:
    """The class of a system's options, of `fit` or of `animate`."""
    return (its.FitOptions if fitting else None) or its.Options


def refuse(its: System, unknown: list[str], *, fitting: bool = False) -> None:
    """Raise InputError for options that a system does not have; it names the systems that have them.

    fitting: the options were given to `fit`, else to `animate`.
    """
    others = {name: options_of(other, fitting).names() for name, other in registry.systems().items()
              if other.can_fit or not fitting}
    having = [name for name, there in others.items() if set(unknown) <= set(there)]
    instead = f", or choose --system {' or '.join(having)}" if having else ""
    if not having and not any(set(unknown) & set(there) for there in others.values()):
        instead = f"; its options are {', '.join(options_of(its, fitting).names())}"
    raise InputError(f"the system {its.name} does not use {flags(sorted(unknown))}; leave it out{instead}.")


def check_result(its: System, save_motion) -> None:
    """Raise InputError if a motion is to be saved by a system that plays none."""
    if save_motion is not None and not its.plays_motion:
        having = " or ".join(name for name, other in registry.systems().items() if other.plays_motion)
        raise InputError(f"the system {its.name} does not use --save-motion, for it plays no coefficients; leave it "
                         f"out, or choose --system {having}.")


def _loaded(chosen: Options) -> Any:
    """The options with the motion read from its file, and reference films known to be there."""
    for name in ("ref_blink", "ref_pose"):
        if isinstance(getattr(chosen, name, None), (str, os.PathLike)):
            check_file(getattr(chosen, name), "video or motion")
    motion = getattr(chosen, "motion", None)
    return chosen if motion is None else chosen.replace(motion=load_motion(motion))


def _clip(path: Path, take: Take, speech: Speech, chosen: Options, meta: dict) -> Clip:
    from tfg.media.clip import Clip
    from tfg.media.film_names import folder_and_name, is_sequence
    from tfg.media.picture_sequence import PictureFrames
    from tfg.media.video import FrameReader

    values = chosen.values()
    folder = is_sequence(path)
    settings = {name: None if hasattr(value, "expression") else value          # a Motion is no setting
                for name, value in values.items() if name != "motion"}
    acted = values.get("motion") is None or values.get("emotion", "NEU") != "NEU"
    return Clip(frames=PictureFrames(path) if folder else FrameReader(path), audio=speech.audio,
                path=folder_and_name(path)[0] if folder else path, motion=take.motion,
                emotion=values.get("emotion") if acted else None, meta={**meta, **take.meta, "settings": settings})


def _write(path: Path, take: Take, audio, *, badge: bool, progress: bool | Progress) -> None:
    from tqdm.auto import tqdm

    from tfg.media.badge import draw_badge

    frames = (draw_badge(frame) for frame in take.frames) if badge else take.frames
    if callable(progress):
        progress(0, take.n)
        write_film(path, frames, audio, fps=take.fps, times=take.times, progress=lambda done: progress(done, take.n))
        return
    with tqdm(total=take.n, desc="frames", unit="frame", disable=not progress, leave=False, delay=.5) as bar:
        write_film(path, frames, audio, fps=take.fps, times=take.times, progress=lambda done: bar.update(done - bar.n))


def fit(source, *, system: str, out, progress: bool = True, **options) -> Path:
    """Adapt a system to one person, so that `animate` with what is written here draws that person better.

    source: photo or film of the person.  out: folder to write.  options: the system's for this (`System.FitOptions`).
    Returns the folder.
    Raises InputError: a system that has nothing to adapt, and what `animate` refuses.
    """
    its = registry.system(system)
    chosen = of_call(options_of(its, fitting=True), options, lambda unknown: refuse(its, unknown, fitting=True))
    check_source(source)
    return its.fit(source, _loaded(chosen), out, progress=progress)
