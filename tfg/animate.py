"""The main job: a portrait, or a person in a video, says something with a chosen emotion. `tfg.animate` and
`tfg animate` both end here.

Everything that can be wrong is checked before the long work starts, and the long work streams: frames are drawn,
badged, encoded and forgotten, a few at a time, so an hour of sound needs no more memory than its samples.
"""
from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import time
from functools import lru_cache
from pathlib import Path

import numpy as np

from tfg import systems
from tfg.errors import InputError
from tfg.files import check_file, check_writable
from tfg.systems import Speech, dub_options, expression_options

PREPROCESS = ("crop", "resize", "full")
MIN_SIZE, MAX_SIZE = 64, 2048
BADGE = "AI-generated"
VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov")
DEFAULTS = dict(emotion="NEU", intensity=1.0, preprocess="crop", pose_scale=1.0, expression_scale=1.0, blink=True,
                size=256, face=None, seed=0, motion=None, **expression_options.DEFAULTS, **dub_options.DEFAULTS)


def animate(source, audio=None, *, text: str | None = None, emotion: str = "NEU", intensity: float = 1.0,
            system: str = systems.DEFAULT, preprocess: str = "crop", pose_scale: float = 1.0,
            expression_scale: float = 1.0, blink: bool = True, size: int = 256, face: int | None = None, seed: int = 0,
            badge: bool | None = None, motion=None, save_motion=None, out=None, overwrite: bool = False,
            progress: bool = True, pose_style: int = 0, yaw=None, pitch=None, roll=None, ref_blink=None,
            ref_pose=None, still: bool = False, idle: float | None = None,
            emotion_model: str = expression_options.DEFAULTS["emotion_model"],
            alpha: float = expression_options.DEFAULTS["alpha"], ortho: bool = False, expnet=None, posevae=None,
            emotion_add=None, pads=None, smooth: bool = True, resize_factor: int = 1, crop_box=None, box=None,
            rotate: bool = False, static: bool = False, batch_size: int | None = None, fps: float | None = None,
            checkpoint=None):
    """Make a portrait speak, or dub a video.

    source: a photo (any format Pillow reads), a video, or (H, W, 3) uint8 RGB. Of a video the best frontal frame is
    used; `emogen` dubs it: its frames stay at their own times, rate and size, and only the face is drawn anew.
    audio: any file with sound, a video too, or (N,) float32 at 16 kHz.  text: spoken instead (extra `voice`).
    emotion: ANG DIS FEA HAP NEU SAD.  intensity: 0..1.  system: a name in `tfg.systems.SYSTEMS`.
    preprocess: "crop" cuts the head out, square, `size` px; "resize" keeps the picture, its longer side `size` px;
    "full" pastes the moving head back into the picture at its own size.
    pose_scale, expression_scale: factors on head motion and on mouth and emotion, 0..3.  blink: False for none.
    face: which face if there are several, 0 is the largest.  seed: same seed, same performance.
    badge: draw "AI-generated" into a corner; None: yes, except on the synthetic faces that ship with tfg.  The file's
    metadata says so in any case.
    motion: a Motion or its .npz: replaces the performance, cut or held to the length of the sound, which may be missing
    (a silent video); `blink` and `seed` have no part then, and giving them is an error; so are `emotion` and
    `intensity` for graphics, while expression adds the emotion to it.
    save_motion: write the coefficients there (.npz).  out: the .mp4; None: a temporary file, gone when Python ends.
    overwrite: whether existing files may be replaced.  progress: a bar on stderr.

    For expression:
    pose_style: 0..45, a way of moving the head.  yaw, pitch, roll: one angle in degrees, or several that are spread
    over the clip and joined smoothly; they replace the head's own.  ref_pose, ref_blink: a video or Motion whose head
    motion or blinks are taken over.  still: the head does not move.  idle: so many seconds without sound, alive.
    emotion_model, alpha, ortho: how the emotion is added, see `tfg.adding.add`.  expnet, posevae, emotion_add: folders
    with those networks; None: those that ship.

    For emogen, which uses of the above emotion, intensity and face, and ends with the sound (a shorter video runs to
    and fro; frames without a usable face stay as they are, and are reported):
    pads: top, bottom, left, right px added around the found face (Wav2Lip needs 0 10 0 0 to hold the chin; here it is
    in already), the square around that is used.  smooth: False places each frame's crop by itself.  box: top, bottom,
    left, right px of a face that stays where it is, hairline to chin; nothing is searched for then.
    resize_factor, rotate, crop_box, in this order: the picture so many times smaller; turned by 90 degrees clockwise;
    cut to top, bottom, left, right px (-1: its edge).  static: only the first frame, as a photo.  fps: of a photo,
    default 25.  batch_size: frames drawn at a time; halved when memory runs out.  checkpoint: folder with emogen's
    weights and card; None: those that ship.

    Returns a path-backed `tfg.Clip` with its `motion` (None for emogen), at 25 frames/s as all clips; `meta` holds the
    settings, the seconds that each step took, and of a dubbed file its frames, fps (None: variable), untouched (frames
    without a face), turns, cuts, faces, batch_size.
    Raises InputError, one sentence, before anything is written.
    """
    started = time.perf_counter()
    options = dict(emotion=emotion, intensity=intensity, preprocess=preprocess, pose_scale=pose_scale,
                   expression_scale=expression_scale, blink=blink, size=size, face=face, seed=seed, motion=motion,
                   pose_style=pose_style, yaw=yaw, pitch=pitch, roll=roll, ref_blink=ref_blink, ref_pose=ref_pose,
                   still=still, idle=idle, emotion_model=emotion_model, alpha=alpha, ortho=ortho, expnet=expnet,
                   posevae=posevae, emotion_add=emotion_add, pads=pads, smooth=smooth, resize_factor=resize_factor,
                   crop_box=crop_box, box=box, rotate=rotate, static=static, batch_size=batch_size, fps=fps,
                   checkpoint=checkpoint)
    given = [name for name, value in options.items() if not _same(value, DEFAULTS[name])]
    given += ["save_motion"] * (save_motion is not None)
    options = check_options(system, options, given)
    out, save_motion = check_places(source, audio, motion, out, save_motion, overwrite)
    check_source(source)
    options["motion"] = _load_motion(motion)
    for name in ("ref_blink", "ref_pose"):
        if isinstance(options[name], (str, os.PathLike)):
            check_file(options[name], "video or motion")
    if idle is not None and (audio is not None or text is not None):
        raise InputError("idle is a stretch without sound, but a sound or text was given as well; leave one out.")
    speech = read_speech(audio, text, needed=motion is None and idle is None)
    seconds = {"read": time.perf_counter() - started}

    options = {name: value for name, value in options.items() if name in systems.get(system).options}
    take = systems.load(system).prepare(source, speech, progress=progress, **options)
    seconds.update(take.seconds)
    badge = not is_ours(source) if badge is None else badge
    rolling = time.perf_counter()
    path = Path(out) if out is not None else _temporary()
    _write(path, take, speech.audio, badge=badge, progress=progress)
    seconds["render"] = time.perf_counter() - rolling
    if save_motion is not None:
        take.motion.save(save_motion)
    seconds["total"] = time.perf_counter() - started
    return _clip(path, take, speech, options, dict(system=system, badge=badge, seconds=seconds))


def _clip(path, take, speech, options, meta):
    from tfg.clip import Clip
    from tfg.video import FrameReader

    settings = {name: None if hasattr(value, "expression") else value          # a Motion is no setting
                for name, value in options.items() if name != "motion"}
    acted = options.get("motion") is None or options.get("emotion", "NEU") != "NEU"
    return Clip(frames=FrameReader(path), audio=speech.audio, path=path, motion=take.motion,
                emotion=options.get("emotion") if acted else None, meta={**meta, **take.meta, "settings": settings})


# ---- checks, all before the long work -------------------------------------------------------------------------
def check_options(system: str, options: dict, given=()) -> dict:
    """The options with the emotion's code in capitals. InputError for unknown names, wrong ranges, unused options.

    given: the names that the caller set; one that the system (or a given motion) does not use is an error.
    """
    from tfg.actors.emotion import check_emotion

    systems.check_options(system, given)
    options = {**options, "emotion": check_emotion(options["emotion"], options["intensity"])}
    options = dub_options.check(expression_options.check(options, given), given)
    if options["preprocess"] not in PREPROCESS:
        raise InputError(f"unknown preprocess {options['preprocess']!r}; choose one of {', '.join(PREPROCESS)}.")
    if not _whole(options["size"]) or options["size"] % 2 or not MIN_SIZE <= options["size"] <= MAX_SIZE:
        raise InputError(f"the size is {options['size']!r}, but it must be an even number of pixels from {MIN_SIZE} to "
                         f"{MAX_SIZE}.")
    if options["preprocess"] == "full" and "size" in given:
        raise InputError("preprocess full keeps the picture's own size, so size has no use; leave it out, or choose "
                         "crop or resize.")
    for name in ("pose_scale", "expression_scale"):
        if not isinstance(options[name], (int, float, np.number)) or not 0 <= options[name] <= 3:
            raise InputError(f"the {name} is {options[name]!r}, but it must be a number from 0 (none) to 3.")
    if not _whole(options["seed"]) or options["seed"] < 0:
        raise InputError(f"the seed is {options['seed']!r}, but it must be a whole number from 0 up.")
    if options["face"] is not None and (not _whole(options["face"]) or options["face"] < 0):
        raise InputError(f"the face is {options['face']!r}, but it must be a whole number from 0, the largest, up.")
    if options["motion"] is not None:
        unused = [name for name in systems.get(system).replaced if name in given]
        if unused:
            raise InputError(f"a given motion replaces the performance, so {' and '.join(unused)} would have no "
                             "effect; leave it out.")
    return options


def _same(value, default) -> bool:
    """Whether an option was left at its default. Also for arrays, whose == is no answer."""
    return value is default or (isinstance(value, (str, int, float, np.number)) and value == default)


def _whole(value) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def check_places(source, audio, motion, out, save_motion, overwrite: bool = False):
    """(out, save_motion) as paths. InputError if one cannot be written, exists already, or is also read from."""
    out = None if out is None else check_place(out, VIDEO_SUFFIXES, overwrite)
    save_motion = None if save_motion is None else check_place(save_motion, (".npz",), overwrite)
    read = {Path(p).resolve() for p in (source, audio, motion) if isinstance(p, (str, os.PathLike))}
    for place in (out, save_motion):
        if place is not None and place.resolve() in read:
            raise InputError(f"{place} is read from and cannot be written to at the same time; choose another name.")
    return out, save_motion


def check_place(path, suffixes: tuple[str, ...], overwrite: bool = False) -> Path:
    """The path, once a file can be written there: right suffix, folder there and writable, nothing overwritten."""
    path = Path(path)
    if path.suffix.lower() not in suffixes:
        ending = f"ends in {path.suffix}" if path.suffix else "has no suffix"
        better = path.with_suffix(suffixes[0]).name if path.name else "something" + suffixes[0]
        raise InputError(f"the name {path} {ending}, but {suffixes[0]} is what will be written; call it {better}.")
    check_writable(path)
    if path.exists() and not overwrite:
        raise InputError(f"{path} exists already; add --overwrite (overwrite=True) or choose another name.")
    return path


def check_source(source) -> None:
    """InputError if the source is no picture array and no file that is there."""
    if isinstance(source, np.ndarray):
        return
    if not isinstance(source, (str, os.PathLike)):
        raise InputError(f"the source is a {type(source).__name__}; give the path of a photo or video, or an array "
                         "(height, width, 3) uint8 RGB.")
    check_file(source, "photo or video")


def read_speech(audio=None, text: str | None = None, *, needed: bool = True) -> Speech:
    """What is said, from exactly one of a sound (path or samples) and a text; neither is fine if not `needed`.

    Raises InputError: both, none, not readable, too short, silent, extra `voice` missing.
    """
    from tfg.audio import check_audible, load_audio

    if audio is not None and text is not None:
        raise InputError("both a sound and a text were given; leave one of them out.")
    if text is not None:
        from tfg.actors.voice import speak

        y, phones = speak(text)
        check_audible(y, "the spoken text")
        return Speech(y, phones)
    if audio is None:
        if needed:
            raise InputError("there is nothing to say: give a sound (--audio), a text (--text) or a motion (--motion).")
        return Speech()
    if isinstance(audio, (str, os.PathLike)):
        y, name = load_audio(audio), Path(audio).name
    else:
        y, name = np.asarray(audio), "the sound"
        if np.issubdtype(y.dtype, np.integer):               # 16-bit samples and their kind
            y = y / -float(np.iinfo(y.dtype).min or -np.iinfo(y.dtype).max)
        y = y.astype(np.float32)
        if y.ndim != 1 or len(y) and np.abs(y).max() > 2:
            raise InputError(f"the sound is an array of shape {y.shape} with values up to {np.abs(y).max():.3g}; give "
                             "(N,) samples in [-1, 1] at 16 kHz.")
    check_audible(y, name)
    return Speech(y)


def _load_motion(motion):
    from tfg.clip import Motion

    if motion is None:
        return None
    held = motion if isinstance(motion, Motion) else Motion.load(motion)
    if not np.isfinite(held.expression).any() and not np.isfinite(held.pose).any():
        raise InputError(f"the motion has no frames in which anything was measured ({len(held)} in all); make one with "
                         "`tfg measure VIDEO --out M.npz`.")
    return held


def is_ours(source) -> bool:
    """Whether the source is one of the synthetic faces that ship with tfg."""
    from tfg import paths

    return not isinstance(source, np.ndarray) and Path(source).resolve().is_relative_to(paths.data("faces").resolve())


# ---- writing --------------------------------------------------------------------------------------------------
def _write(path: Path, take, audio, *, badge: bool, progress: bool) -> None:
    from tqdm.auto import tqdm

    from tfg.video import write_video

    frames = (draw_badge(frame) for frame in take.frames) if badge else take.frames
    with tqdm(total=take.n, desc="frames", unit="frame", disable=not progress, leave=False, delay=.5) as bar:
        write_video(path, frames, audio, fps=take.fps, times=take.times, progress=lambda done: bar.update(done - bar.n))


def draw_badge(frame: np.ndarray) -> np.ndarray:
    """The frame with "AI-generated" in its lower left corner; (H, W, 3) uint8, drawn in place where possible."""
    cover, ink = _badge(frame.shape[0], frame.shape[1])
    frame = frame if frame.flags.writeable else frame.copy()
    h, w = cover.shape[:2]
    gap = max(2, frame.shape[0] // 64)
    y, x = max(0, frame.shape[0] - gap - h), gap
    area = frame[y:y + h, x:x + w]
    area[:] = (area * (1 - cover) + ink).astype(np.uint8)
    return frame


@lru_cache(maxsize=8)
def _badge(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Opacity (h, w, 1) and premultiplied colour (h, w, 3) of the badge for frames of that size."""
    from PIL import Image, ImageDraw, ImageFont

    points = int(np.clip(min(height, width) * .05, 9, 28))
    font = ImageFont.load_default(points)
    left, top, right, bottom = font.getbbox(BADGE)
    pad = max(2, points // 4)
    picture = Image.new("RGBA", (int(right - left) + 2 * pad, int(bottom - top) + 2 * pad), (0, 0, 0, 140))
    ImageDraw.Draw(picture).text((pad - left, pad - top), BADGE, font=font, fill=(255, 255, 255, 235))
    picture.thumbnail((max(1, width - 4), max(1, height - 2)))
    rgba = np.asarray(picture, np.float32)
    alpha = rgba[..., 3:] / 255
    return alpha, rgba[..., :3] * alpha


@lru_cache(maxsize=1)
def _temporary_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="tfg-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _temporary() -> Path:
    handle, name = tempfile.mkstemp(suffix=".mp4", dir=_temporary_folder())
    os.close(handle)
    return Path(name)
