"""Recording: an actor plays a take, and the clip is written together with its truth.

A clip has three files, named as in CREMA-D, that appear together (the mp4 last); `tfg.media.clip.Clip.open(NAME.mp4)`
reads them all:

    V001_DFA_HAP_HI.mp4     pictures (H.264, 25 frames/s) and sound, tagged "AI-generated (tfg)"
    V001_DFA_HAP_HI.wav     the sound without loss, 16 kHz, 640 samples a frame
    V001_DFA_HAP_HI.npz     the truth, below
    V001_DFA_HAP_HI.layers.npz  on request: masks, depth, flow

`LAYOUT` is the version of this list. T is the number of frames; px are those of the frame, x right, y down; "to" gives
the step to which values are rounded. Curves (expression, asked, pose, intensity) are rounded to 1/16384 before the face
is drawn, so that the file holds exactly the drawn values.

    motion.expression   (T, 52)     the face's absolute expression (actor.personal(asked)), as vocabulary.EXPRESSION
    motion.pose         (T, 6)      vocabulary.POSE
    motion.identity     (K,)        coefficients of tfg.head.model.Head
    landmarks           (T, 478, 3) MediaPipe's points in px; smaller z is nearer; to side/8192 (1/64 px of 128)
    arrays["landmarks68"]  (T, 68, 3)  the classic 68 landmarks, rounded alike
    arrays["asked"]     (T, 52)     the expression that the performance asks for: 0 is relaxed
    arrays["neutral"]   (52,)       absolute expression of the face at rest
    arrays["aus"]       (T, 17)     Action Units 0-5, relative to this person at rest (tfg.faces.aus), to 1/512
    arrays["intensity"] (T,)        share of the full emotion that the face shows, 0-1: onset, apex, decay
    arrays["phones"]    (P,)        records: symbol (IPA), viseme, start_s, stop_s, stress
    arrays["masks"]     (T, h, w)   uint8, tfg.actors.actor.LAYERS; 255 is not known
    arrays["depth"]     (T, h, w)   metres from the camera, inf behind the person; to 1/4 mm
    arrays["flow"]      (T-1, h, w, 2)  px from each frame to the next, NaN where not known; to 1/32 px
    meta                            layout, kind, text, intensity, take, seed, size, camera, about, voice, performance

`camera_points` and `head_points` compute 3D landmarks in metres from these, in the camera's axes and in the head's own.
"""
from __future__ import annotations

import json
import os
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from tfg.actors.actor import Z_ORIGIN_M, landmarks68
from tfg.errors import InputError
from tfg.faces.aus import action_units
from tfg.faces.geometry import subtract_neutral
from tfg.files import make_folder
from tfg.head.model import HEAD_WIDTH_M, NECK_PIVOT, rotation
from tfg.media.clip import APART, Clip, Motion, layers_path

LAYOUT = 1
EXTRAS = APART
GRID = 8192                         # landmarks are rounded to the longer side of a frame divided by this
FINE = 2 ** 14                      # curves are rounded to 1 / FINE: floats with many zero bits compress well
PHONE = np.dtype([("symbol", "U8"), ("viseme", "U3"), ("start_s", "f4"), ("stop_s", "f4"), ("stress", "u1")])


def record(take, actor, folder: str | os.PathLike, *, extras: Iterable[str] = ()) -> Path:
    """Render a take and write its files into `folder`, which is made if needed. Returns the path of the mp4.

    take: `tfg.actors.take.Performance`.  actor: `tfg.actors.actor.Actor`.  extras: of "masks", "depth", "flow".
    Existing files of that name are replaced.  Raises InputError for unknown extras and a folder that is not writable.
    """
    extras = check_extras(extras)
    asked, pose = _short(take.motion.expression), _short(take.motion.pose)
    truth = _short(actor.personal(asked))
    points = np.stack([actor.landmarks(e, p) for e, p in zip(truth, pose)])
    arrays = {"landmarks68": landmarks68(points), "asked": asked, "neutral": np.asarray(actor.neutral, np.float32),
              "aus": action_units(subtract_neutral(truth, actor.neutral)), "intensity": _short(take.curve),
              "phones": phone_table(take.phones)}
    arrays |= _pictures(actor, truth, pose, extras)
    meta = dict(layout=LAYOUT, kind=actor.kind, text=take.text, intensity=float(take.intensity), take=int(take.take),
                seed=int(take.seed), size=list(actor.size), camera=actor.camera, about=actor.about,
                extras=list(extras), voice=take.voice.to_dict(), performance=take.meta)
    px = max(actor.size) / GRID
    clip = Clip(_Frames(actor, truth, pose), take.audio, actor=actor.name, sentence=take.sentence,
                emotion=take.emotion, level=take.level, landmarks=points, arrays=arrays, meta=meta,
                motion=Motion(truth, pose, identity=actor.shape, meta=dict(take.motion.meta)))
    return clip.save(make_folder(folder) / f"{take.name}.mp4", overwrite=True,
                     steps={"landmarks": px, "landmarks68": px, "aus": 2 ** -9, "depth": 2 ** -12, "flow": 2 ** -5})


def check_extras(extras: Iterable[str]) -> tuple[str, ...]:
    """Return the extras in the order of `EXTRAS`, each once. Raises InputError for an unknown one."""
    extras = set(extras)
    unknown = sorted(extras - set(EXTRAS))
    if unknown:
        raise InputError(f"unknown extra {unknown[0]!r}; choose from {', '.join(EXTRAS)}.")
    return tuple(e for e in EXTRAS if e in extras)


class _Frames:
    """Frames of a take, (h, w, 3) uint8, each drawn when it is read, so that a long take needs little memory."""

    def __init__(self, actor, expression: np.ndarray, pose: np.ndarray):
        self.actor, self.expression, self.pose = actor, expression, pose

    def __len__(self) -> int:
        return len(self.pose)

    def __getitem__(self, i: int) -> np.ndarray:
        return self.actor.render(self.expression[i], self.pose[i])

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[i] for i in range(len(self)))


def _pictures(actor, expression, pose, extras) -> dict[str, np.ndarray]:
    """The arrays of the extras: label maps and depth (T, h, w), flow (T - 1, h, w, 2)."""
    out = {}
    if "masks" in extras or "depth" in extras:
        layers = [actor.layers(e, p) for e, p in zip(expression, pose)]
        out["masks"] = np.stack([x.labels for x in layers])
        out["depth"] = np.stack([x.depth for x in layers])
    if "flow" in extras:
        states = list(zip(expression, pose))
        flow = [actor.flow(a, b) for a, b in zip(states, states[1:])]
        out["flow"] = np.stack(flow) if flow else np.zeros((0, *actor.size, 2), np.float32)
    return {k: out[k] for k in extras}


def _short(x) -> np.ndarray:
    """Round to multiples of 1/16384 (an error of 0.00003 at most), which compress well. Returns float32."""
    return (np.rint(np.asarray(x, np.float64) * FINE) / FINE).astype(np.float32)


def phone_table(phones) -> np.ndarray:
    """A list of P `tfg.speech.visemes.Phone` as a structured array (P,) of type `PHONE`."""
    return np.array([(p.symbol, p.viseme, p.start_s, p.stop_s, p.stress) for p in phones], PHONE)


def camera_points(clip: Clip) -> np.ndarray:
    """Landmarks in the camera's axes: (T, 478, 3) metres; x right, y up, z towards the camera, 0 at the eyes' distance.

    The function inverts the projection (tfg.head.model.to_pixels) with the clip's camera, exactly except for the
    rounding of the px.  Raises InputError for a clip without landmarks or camera.
    """
    camera = clip.meta.get("camera")
    if camera is None or clip.landmarks is None:
        raise InputError(f"{clip} holds no landmarks with their camera; take a virtual actor's clip.")
    scale, shift = camera["scale_px_per_m"], np.array(camera["shift_px"])
    z = Z_ORIGIN_M - clip.landmarks[..., 2].astype(float) / scale
    xy = (clip.landmarks[..., :2] - shift) * (1 - z / camera["distance_m"])[..., None] / scale
    return np.stack([xy[..., 0], -xy[..., 1], z], -1).astype(np.float32)


def head_points(clip: Clip) -> np.ndarray:
    """Landmarks in the head's own axes (tfg.head.model), as if it had not turned or moved: (T, 478, 3) metres.

    The function inverts the pose of each frame and the person's pose at rest.  Raises InputError as `camera_points`,
    and for a clip without motion.
    """
    points = camera_points(clip).astype(float)
    if clip.motion is None:
        raise InputError(f"{clip} holds no motion; take a virtual actor's clip.")
    pose = clip.motion.pose.astype(float)
    at_rest = rotation(*clip.meta["camera"].get("turned_deg") or clip.meta["about"]["pose_deg"])
    turned = np.stack([rotation(*p[:3]) for p in pose])
    shift = pose[:, None, 3:] * HEAD_WIDTH_M
    if clip.meta["kind"] == "virtual":                # the camera is turned: rest x (turn x (v - neck) + neck + shift)
        return ((points @ at_rest - NECK_PIVOT - shift) @ turned + NECK_PIVOT).astype(np.float32)
    neck = at_rest @ NECK_PIVOT                       # the photo's head is: turn x (rest x v - neck) + neck + shift
    return (((points - neck - shift) @ turned + neck) @ at_rest).astype(np.float32)


def is_recorded(folder: str | os.PathLike, name: str, extras: Iterable[str] = ()) -> bool:
    """True if a clip is there and complete: its .npz is readable and lists the other files' sizes. Takes about 1 ms."""
    mp4 = Path(folder) / f"{name}.mp4"
    try:
        with np.load(mp4.with_suffix(".npz"), allow_pickle=False) as data:
            sizes = json.loads(str(data["clip_bytes"]))
        if any(mp4.with_suffix(k).stat().st_size != sizes[k] for k in (".mp4", ".wav")):
            return False
        if extras:
            with np.load(layers_path(mp4), allow_pickle=False) as data:
                return all({e, f"{e}__step"} & set(data.files) for e in extras)
        return True
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile, zlib.error):
        return False
