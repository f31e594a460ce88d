"""Display in notebooks: players for clips and sounds (`show`), and contact sheets of frames."""
from __future__ import annotations

import base64
import html
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tfg.errors import InputError

MAX_MB = 20
"""Largest file that is embedded in a page; a larger one would make the notebook slow to open and save."""


def show(clip, width: int | None = None):
    """Embed a player in the page, which works in JupyterLab, Colab and exported HTML without a server or another file.

    clip: a Clip, its frames, or the path of a video, sound or picture. Files that browsers do not play (flv, mpg, mkv,
    ...) are converted; frames in memory are encoded.  width: px on the page; None: the clip's own, 480 at most.
    Returns an IPython.display.HTML; for a file above 20 MB, it is a sentence with the file's path.  Raises InputError
    for files that cannot be read.
    """
    from IPython.display import HTML

    from tfg.files import check_file
    from tfg.media.clip import Clip
    from tfg.media.video import FrameReader, is_image, is_video, read_image

    if isinstance(clip, (str, os.PathLike)):
        path = check_file(clip, "video")
        if is_image(path):
            return HTML(_picture(read_image(path), width))
        if not is_video(path):
            return HTML(_sound(path))
        if _plays(path):
            return HTML(_video(path.read_bytes(), width or min(480, FrameReader(path).width), path)
                        if _fits(path) else _too_large(path))
        clip = Clip.open(path)
    if isinstance(clip, np.ndarray) or isinstance(clip, Sequence):
        clip = Clip(clip)
    if not isinstance(clip, Clip):
        raise InputError(f"cannot show a {type(clip).__name__}; give a Clip, its frames, or the path of a video or "
                         "sound.")
    if isinstance(clip.frames, FrameReader) and clip.path is not None and _plays(clip.path) \
            and Path(clip.frames.path) == Path(clip.path):
        return show(clip.path, width)
    return HTML(_encoded(clip, width))


def _encoded(clip, width: int | None) -> str:
    """HTML of a player for a clip, which is encoded first."""
    from tfg.media.clip import is_recording
    from tfg.media.video import FrameReader, write_video

    with tempfile.TemporaryDirectory(prefix="tfg_show_") as folder:
        path = write_video(Path(folder, "clip.mp4"), clip.frames, clip.audio, fps=clip.fps,
                           generated=not is_recording(clip.frames))
        if not _fits(path):
            return _too_large(clip.path or path, saved=clip.path is not None)
        return _video(path.read_bytes(), width or min(480, FrameReader(path).width), clip.path)


def _fits(path: Path) -> bool:
    """True if a file is small enough to be embedded."""
    return path.stat().st_size <= MAX_MB * 1e6


def _plays(path: str | os.PathLike) -> bool:
    """True if browsers play this file as it is: H.264 yuv420p in MP4, with AAC, MP3 or no sound."""
    from tfg.media.decode import main_stream, opened

    with opened(path, "video") as container:
        video, sound = main_stream(container, "video"), main_stream(container, "audio")
        return ("mp4" in container.format.name and Path(path).suffix.lower() in (".mp4", ".m4v", ".mov")
                and video.codec_context.name == "h264" and video.codec_context.pix_fmt == "yuv420p"
                and (sound is None or sound.codec_context.name in ("aac", "mp3", "mp3float")))


def _video(data: bytes, width: int, name) -> str:
    """HTML of a player for the bytes of an MP4."""
    title = html.escape(Path(name).name) if name else "clip"
    return (f'<video controls loop playsinline preload="auto" width="{int(width)}" title="{title}" '
            f'style="max-width:100%;height:auto" src="data:video/mp4;base64,{base64.b64encode(data).decode()}">'
            "This page's viewer cannot play video.</video>")


def _sound(path: Path) -> str:
    """HTML of a player for a sound file, converted to a 16 kHz WAV, which networks use and all browsers play."""
    from tfg.media.audio import load_audio, write_wav

    y = load_audio(path)
    if len(y) * 2 > MAX_MB * 1e6:
        return _too_large(path)
    with tempfile.TemporaryDirectory(prefix="tfg_show_") as folder:
        wav = Path(folder, "sound.wav")
        write_wav(wav, y)
        data = base64.b64encode(wav.read_bytes()).decode()
    title = html.escape(path.name)
    return f'<audio controls preload="auto" title="{title}" src="data:audio/wav;base64,{data}"></audio>'


def _picture(image: np.ndarray, width: int | None) -> str:
    """HTML of a picture (H, W, 3) uint8 as PNG."""
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<img width="{width or min(480, image.shape[1])}" src="data:image/png;base64,{data}">'


def _too_large(path, saved: bool = True) -> str:
    """HTML of a sentence in place of a clip that is too large. saved: True if the clip has a file."""
    size = f"{Path(path).stat().st_size / 1e6:.0f} MB" if Path(path).exists() else f"more than {MAX_MB} MB"
    advice = (f"Open <code>{html.escape(str(path))}</code> in a player" if saved else
              "Save it with <code>clip.save(...)</code> and open the file in a player")
    return (f"<p><b>This clip is {size}, too large to put into a page (the limit is {MAX_MB} MB).</b> {advice}, or "
            "show a part of it: <code>tfg.show(clip.frames[:250])</code>.</p>")


def show_frames(frames: Sequence, titles: Sequence[str] | None = None, *, columns: int | None = None,
                height: float = 2.2):
    """Draw frames side by side on a matplotlib Figure, which is returned.

    frames: pictures (H, W, 3) uint8, or float in [0, 1].  titles: one for each frame, or None.  columns: frames in a
    row; None: all in one row, 8 at most.  height: of a row, inches.  Raises InputError if there are no frames.
    """
    from tfg.plot_style import figure

    frames = [np.asarray(f) for f in frames]
    if not frames:
        raise InputError("there are no frames to show; give at least one.")
    if titles is not None and len(titles) != len(frames):
        raise ValueError(f"{len(frames)} frames need as many titles, got {len(titles)}")
    columns = min(columns or 8, len(frames))
    rows = -(-len(frames) // columns)
    widest = max(f.shape[1] / f.shape[0] for f in frames)
    fig, axes = figure(columns * height * widest, rows * (height + (0.3 if titles else 0)), rows, columns)
    for axis in np.ravel(axes):
        axis.axis("off")
    for k, (axis, frame) in enumerate(zip(np.ravel(axes), frames)):
        axis.imshow(frame, cmap="gray", vmin=0, vmax=255 if frame.dtype == np.uint8 else 1)
        if titles is not None:
            axis.set_title(titles[k])
    return fig
