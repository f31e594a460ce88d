"""The film of `make demo`: one portrait speaks one sentence in six emotions, side by side."""
from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from tfg import paths
from tfg.files import atomic, check_writable, make_folder, reserved
from tfg.vocabulary import EMOTION_NAMES, EMOTIONS

COLUMNS = 3
MOMENTS = (.06, .25, .40, .55, .70, .85)         # moments of the contact sheet, as shares of the sentence


def demo(source=None, audio=None, *, out_dir="build", size: int = 256, seed: int = 0, progress: bool = True) -> dict:
    """Write `out_dir`/demo.mp4 (a grid of the six emotions, with sound) and demo.png (six moments of each).

    source: a photo, the shipped synthetic face by default.  audio: a sound file, the shipped sentence by default.
    size: side of a tile in px.  Frames are drawn, laid side by side and encoded one at a time.
    Returns {"video": path, "picture": path, "duration_s": seconds of the film, "seconds": time it took}.  Raises
    InputError as `tfg.animate` does.
    """
    from tfg.head.portrait import Portrait
    from tfg.media.badge import draw_badge
    from tfg.media.video import write_video
    from tfg.systems.expression.act import act
    from tfg.systems.expression.options import ExpressionOptions
    from tfg.systems.inputs import check_source, is_shipped_face, read_speech
    from tfg.systems.portrait import read_source

    started = time.perf_counter()
    ExpressionOptions(size=size, seed=seed)                          # raises InputError for values out of range
    source = paths.data("faces", "default.jpg") if source is None else source
    check_source(source)
    speech = read_speech(paths.data("audio", "ITH.wav") if audio is None else audio)
    image, face = read_source(source)
    portrait = Portrait.from_image(image, size=size, face=face)
    size, badge = portrait.size[1], not is_shipped_face(source)
    folder = make_folder(out_dir)
    video, picture = check_writable(folder / "demo.mp4"), check_writable(folder / "demo.png")
    rest = portrait.personal(np.zeros(len(portrait.rest_expression), np.float32))
    motions = {e: act(speech, neutral=rest, emotion=e, seed=seed) for e in EMOTIONS}
    n = len(motions["NEU"])
    keep, kept = {int(m * (n - 1)) for m in MOMENTS}, []
    labels = {e: label(f"{e}  {EMOTION_NAMES[e]}", size) for e in EMOTIONS}

    def frames():
        from tqdm.auto import tqdm

        takes = [portrait.render_motion(motions[e]) for e in EMOTIONS]
        for i, tiles in enumerate(tqdm(zip(*takes), total=n, desc="frames", disable=not progress, leave=False)):
            if i in keep:
                kept.append([draw_badge(frame.copy()) if badge else frame for frame in tiles])
            grid = tile([np.vstack([labels[e], frame]) for e, frame in zip(EMOTIONS, tiles)], COLUMNS)
            yield draw_badge(grid) if badge else grid

    with reserved(video, picture, overwrite=True):
        write_video(video, frames(), speech.audio)
        _sheet(kept, picture, size)
    return dict(video=video, picture=picture, duration_s=n / 25, seconds=time.perf_counter() - started)


def tile(pictures: list[np.ndarray], columns: int) -> np.ndarray:
    """Join pictures (h, w, 3) of one size, row by row: (rows * h, columns * w, 3)."""
    rows = [np.hstack(pictures[i:i + columns]) for i in range(0, len(pictures), columns)]
    return np.vstack(rows)


def label(text: str, width: int) -> np.ndarray:
    """Draw white text on a dark strip: (h, width, 3) uint8 with an even h."""
    from PIL import Image, ImageDraw, ImageFont

    height = max(16, width // 10) // 2 * 2
    strip = Image.new("RGB", (width, height), (28, 30, 36))
    ImageDraw.Draw(strip).text((width // 2, height // 2), text, font=ImageFont.load_default(int(height * .62)),
                               fill=(245, 245, 245), anchor="mm")
    return np.asarray(strip)


def _sheet(moments: list[list[np.ndarray]], path: Path, size: int) -> None:
    """Write the contact sheet: one row per emotion, one column per moment, at most 1400 px wide."""
    from PIL import Image, PngImagePlugin

    from tfg.media.video import AI_TAG

    names = [label(e, size) for e in EMOTIONS]
    rows = [np.hstack([column[k] for column in moments]) for k in range(len(EMOTIONS))]
    half = (size - names[0].shape[0]) // 2
    pad = np.full((half, size, 3), names[0][0, 0], np.uint8)
    side = [np.vstack([pad, name, pad])[:, size // 4:size - size // 4] for name in names]
    picture = Image.fromarray(np.vstack([np.hstack([s, row[:len(s)]]) for s, row in zip(side, rows)]))
    picture.thumbnail((1400, 1400))
    tag = PngImagePlugin.PngInfo()
    tag.add_text("Comment", AI_TAG)
    with atomic(path) as part:
        picture.save(part, pnginfo=tag)
