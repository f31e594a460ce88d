"""`python -m tools.pictures` draws the README's pictures: docs/emotions.jpg (portraits) and docs/actors.jpg."""
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


def actors() -> Image.Image:
    """Two rows of virtual actors at rest, then four of them in each emotion."""
    from tfg.actors.identity import Identity
    from tfg.actors.virtual import VirtualActor

    side, across = 121, 12
    people = [VirtualActor(Identity.from_seed(seed), size=2 * side) for seed in range(2 * across)]

    def picture(person, expression) -> np.ndarray:
        frame = person.render(person.personal(expression), np.zeros(6))
        return np.asarray(Image.fromarray(frame).resize((side, side), Image.LANCZOS))

    cells = [picture(person, actions("NEU")) for person in people]
    for one, two in (people[2:4], people[9:11]):
        cells += [picture(person, actions(e, 1.0)) for person in (one, two) for e in EMOTIONS]
    rows = [np.hstack(cells[k:k + across]) for k in range(0, len(cells), across)]
    return Image.fromarray(np.vstack(rows))


if __name__ == "__main__":
    for name, draw in (("emotions", sheet), ("actors", actors)):
        target = Path(__file__).resolve().parent.parent / "docs" / f"{name}.jpg"
        target.parent.mkdir(exist_ok=True)
        draw().save(target, quality=88)
        print(f"{target} ({target.stat().st_size / 1000:.0f} kB)")
