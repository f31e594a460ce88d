"""`python -m tools.pictures` draws the README's picture, docs/emotions.jpg: synthetic people in six emotions."""
from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from tfg import paths
from tfg.actors.emotion import actions
from tfg.head.portrait import Portrait
from tfg.video import read_image
from tfg.vocabulary import EMOTION_NAMES, EMOTIONS

FACES = ("default", "portrait_1", "portrait_2", "portrait_3")
SIZE, LABEL = 208, 22


def sheet() -> Image.Image:
    """Rows: the photo, then the same person in each emotion at full intensity."""
    columns = ["photo", *(EMOTION_NAMES[e] for e in EMOTIONS)]
    out = Image.new("RGB", (SIZE * len(columns), LABEL + SIZE * len(FACES)), "white")
    draw = ImageDraw.Draw(out)
    for k, name in enumerate(columns):
        draw.text((SIZE * k + SIZE // 2, LABEL // 2), name, fill="black", anchor="mm", font_size=14)
    for row, face in enumerate(FACES):
        portrait = Portrait.from_image(read_image(paths.data("faces", f"{face}.jpg")), size=SIZE)
        frames = [portrait.source, *(portrait.render(portrait.personal(actions(e, 1.0))) for e in EMOTIONS)]
        out.paste(Image.fromarray(np.hstack(frames)), (0, LABEL + SIZE * row))
    return out


if __name__ == "__main__":
    target = Path(__file__).resolve().parent.parent / "docs" / "emotions.jpg"
    target.parent.mkdir(exist_ok=True)
    sheet().save(target, quality=88)
    print(f"{target} ({target.stat().st_size / 1000:.0f} kB)")
