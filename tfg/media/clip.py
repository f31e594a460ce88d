"""`Clip`: pictures and sound with their labels, `Motion`, landmarks and further arrays; reading and writing it."""
from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from tfg.errors import InputError
from tfg.files import atomic, check_writable
from tfg.media.audio import FPS
from tfg.media.delta_codec import pack, unpack
from tfg.media.motion import VERSION, Motion, motion_of, read_npz
from tfg.vocabulary import EMOTIONS, LEVELS

__all__ = ["Clip", "Motion", "is_recording"]

LABELS = ("actor", "sentence", "emotion", "level")
_MORE = "array_"           # prefix of the names of `Clip.arrays` in the .npz
APART = ("masks", "depth", "flow")
"""Arrays with a picture for each frame. They are written to NAME.layers.npz, so that NAME.npz stays small."""
CREMA_NAME = re.compile(rf"([A-Za-z0-9]+)_([A-Z]{{3}})_({'|'.join(EMOTIONS)})_({'|'.join(LEVELS)})")


class Frames(Protocol):
    """Type of a clip's pictures: a sequence of (H, W, 3) uint8 with a length, such as a list, array or reader."""

    def __len__(self) -> int: ...

    def __getitem__(self, i: Any, /) -> Any: ...

    def __iter__(self) -> Iterator[np.ndarray]: ...


@dataclass(repr=False)
class Clip:
    """Pictures at 25 frames/s and sound at 16 kHz, with labels and measurements.

    frames: a sequence of (H, W, 3) uint8 RGB; from a file, a lazy `video.FrameReader`.  audio: (N,) float32 in [-1, 1],
    sample 0 at frame 0; None without sound.  actor, sentence, emotion, level: CREMA-D's codes.  landmarks: (T, K, 2 or
    3) px.  meta: a dict for JSON.
    arrays: further arrays by name, of any type but Python objects; those of a virtual actor's clip are listed in
    `tfg.actors.record`. Arrays named in `APART` are large, and are written to a file of their own.
    """

    frames: Frames
    audio: np.ndarray | None = None
    fps: float = float(FPS)
    path: Path | None = None
    actor: str | None = None
    sentence: str | None = None
    emotion: str | None = None
    level: str | None = None
    motion: Motion | None = None
    landmarks: np.ndarray | None = None
    meta: dict = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)

    @staticmethod
    def open(path: str | os.PathLike) -> Clip:
        """Open a video file, or a folder in which `save` wrote one. Frames are decoded when used; sound is read now.

        Labels, motion and arrays come from the .npz that `save` wrote beside the video, the exact sound from its .wav.
        Without an .npz, the labels come from a name such as 1001_DFA_HAP_XX.  Raises InputError as `video.FrameReader`
        does, and for a damaged .npz.
        """
        from tfg.media.audio import load_audio
        from tfg.media.video import FrameReader, probe

        path = _video_in(Path(path))
        info = probe(path)
        npz, wav = path.with_suffix(".npz"), path.with_suffix(".wav")
        data = read_npz(npz, "clip") if npz.is_file() else {}
        arrays = {}
        if "clip" in data:  # without it, a .wav of that name may be another sound
            audio = load_audio(wav) if wav.is_file() else None
            labels, meta = (_notes(data, k, npz) for k in ("clip", "clip_meta"))
            data = _unpacked(data, npz)
            arrays = {k.removeprefix(_MORE): v for k, v in data.items() if k.startswith(_MORE)}
            if (layers := layers_path(path)).is_file():
                arrays |= {k: v for k, v in _unpacked(read_npz(layers, "clip"), layers).items() if k in APART}
        else:
            audio = load_audio(path) if info["has_audio"] else None
            match = CREMA_NAME.fullmatch(path.stem)
            labels, meta = dict(zip(LABELS, match.groups())) if match else {}, {}
        if audio is not None and not len(audio):
            audio = None
        return Clip(FrameReader(path), audio, path=path, motion=motion_of(data, npz) if "expression" in data else None,
                    landmarks=data.get("landmarks"), meta=meta, arrays=arrays, actor=labels.get("actor"),
                    sentence=labels.get("sentence"), emotion=labels.get("emotion"), level=labels.get("level"))

    def __repr__(self) -> str:
        what = [f"{len(self)} frames, {self.duration_s:.2f} s"]
        if self.audio is None:
            what.append("no sound")
        what += [str(v) for v in (self.actor, self.sentence, self.emotion, self.level, self.path) if v is not None]
        return f"Clip({', '.join(what)})"

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def duration_s(self) -> float:
        """Duration of the pictures in seconds."""
        return len(self.frames) / self.fps

    def save(self, path: str | os.PathLike, *, overwrite: bool = False, steps: dict[str, float] | None = None) -> Path:
        """Write NAME.mp4, NAME.wav (if there is sound) and NAME.npz (labels and arrays). Returns the path of the mp4.

        path: a name that ends in .mp4, or a folder (made if its parent is there), in which NAME is made of the labels,
        as V001_DFA_HAP_HI, else "clip". The files appear together, after all are written, the mp4 last, so that an mp4
        is never without the others.  steps: name -> step; "landmarks" and arrays are rounded to multiples of it, which
        makes their file several times smaller (`tfg.media.delta_codec`).
        Raises InputError if the folder is missing or not writable, or a file exists and overwrite is False.
        """
        from tfg.media.audio import write_wav
        from tfg.media.video import write_video

        mp4 = self._place(Path(path))
        places = [mp4, mp4.with_suffix(".wav"), mp4.with_suffix(".npz"), layers_path(mp4)]
        there = [p.name for p in places if p.exists()]
        if there and not overwrite:
            raise InputError(f"{mp4.parent} already holds {', '.join(there)}; choose another name or pass "
                             "overwrite=True.")
        labels = {k: getattr(self, k) for k in LABELS}
        with ExitStack() as stack:
            video, sound, rest = (stack.enter_context(atomic(p)) for p in places[:3])
            write_video(video, self.frames, self.audio, fps=self.fps, metadata=labels,
                        generated=not is_recording(self.frames))
            write_wav(sound, self.audio if self.audio is not None else np.zeros(0, np.float32))
            sizes = {p.suffix: p.stat().st_size for p in (video, sound)}
            arrays: dict[str, Any] = self.motion.arrays() if self.motion is not None else {}
            arrays |= _packed({_MORE + k: v for k, v in self.arrays.items() if k not in APART}, steps)
            if self.landmarks is not None:
                arrays |= _packed({"landmarks": self.landmarks}, steps, np.float32)
            np.savez_compressed(rest, version=VERSION, clip=np.array(json.dumps(labels)), **arrays,
                                clip_meta=np.array(json.dumps(self.meta, default=str)),
                                clip_bytes=np.array(json.dumps(sizes)))
            layers = {k: v for k, v in self.arrays.items() if k in APART}
            if layers:
                np.savez_compressed(stack.enter_context(atomic(places[3])), version=VERSION, **_packed(layers, steps))
            elif places[3].exists():
                places[3].unlink()
        if self.audio is None:
            places[1].unlink()
        return mp4

    def _place(self, path: Path) -> Path:
        """Path of the mp4 that `save(path)` writes; a folder is made. Raises InputError for another kind of name."""
        if path.suffix.lower() == ".mp4":
            return check_writable(path)
        if path.suffix and not path.is_dir():
            raise InputError(f"cannot write {path.name}: clips are written as MP4; give a name that ends in .mp4, or a "
                             "folder.")
        if not path.is_dir():
            check_writable(path).mkdir()
        labels = [getattr(self, k) for k in LABELS]
        return check_writable(path / ("_".join(labels) + ".mp4" if all(labels) else "clip.mp4"))


def layers_path(mp4: Path) -> Path:
    """Path of the file with the arrays of `APART`, beside the mp4."""
    return mp4.with_name(f"{mp4.stem}.layers.npz")


def _packed(arrays: dict, steps: dict[str, float] | None, dtype=None) -> dict[str, Any]:
    """Entries of an .npz for arrays; those that `steps` names (without the prefix) are packed in whole steps."""
    out: dict[str, Any] = {}
    for key, x in arrays.items():
        if np.asarray(x, dtype).dtype.hasobject:
            raise ValueError(f"the array {key.removeprefix(_MORE)} holds Python objects; give numbers or text")
        step = (steps or {}).get(key.removeprefix(_MORE))
        out |= {key: np.asarray(x, dtype)} if step is None else pack(key, x, step)
    return out


def _unpacked(data: dict[str, np.ndarray], path: Path) -> dict[str, np.ndarray]:
    """Arrays of an .npz with packed ones restored. Raises InputError for an incomplete file."""
    try:
        return unpack(data)
    except (KeyError, ValueError, TypeError) as error:
        raise InputError(f"{path} is a clip file that is not complete ({error}); make or copy it again.") from error


def _notes(data: dict[str, np.ndarray], key: str, path: Path) -> dict:
    """A dict that is stored as JSON in an .npz. Raises InputError for an incomplete file."""
    try:
        notes = json.loads(str(data[key]))
    except (KeyError, ValueError) as error:
        raise InputError(f"{path} is a clip file that is not complete ({error}); make or copy it again.") from error
    return notes if isinstance(notes, dict) else {}


def _video_in(path: Path) -> Path:
    """Return the path, or for a folder the one mp4 in it. Raises InputError if it does not hold exactly one."""
    if not path.is_dir():
        return path
    found = sorted(p for p in path.glob("*.mp4") if not p.name.startswith("."))
    if len(found) != 1:
        raise InputError(f"{path} is a folder with {len(found)} mp4 files; give the name of one video.")
    return found[0]


def is_recording(frames) -> bool:
    """True if frames come unchanged from a file without the tag "AI-generated"; tfg tags all other films it writes."""
    from tfg.media.video import AI_TAG, FrameReader, probe

    return isinstance(frames, FrameReader) and AI_TAG not in probe(frames.path)["metadata"].get("comment", "")
