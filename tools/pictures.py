"""`python -m tools.pictures [NAME ...]` draws the README's pictures: docs/emotions.jpg (portraits), actors.jpg,
dubbed.jpg, edits.jpg, deformable.jpg, rhythmic.jpg and app.jpg (from screenshots of the app's tests)."""
from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from tfg import paths
from tfg.acting.emotion import actions
from tfg.head.portrait import Portrait
from tfg.media.video import FrameReader, read_image
from tfg.vocabulary import EMOTION_NAMES, EMOTIONS

FACES = ("default", "portrait_1", "portrait_2", "portrait_3")
SIZE, LABEL = 208, 22
EDITS = {"AU 12, 6": "AU12=4,AU6=3", "AU 4, 7": "AU4=4,AU7=2", "AU 1, 2, 5": "AU1=4,AU2=4,AU5=3",
         "AU 15, 17, 1": "AU15=4,AU17=2,AU1=2", "AU 25, 26": "AU25=3,AU26=3", "AU 45": "AU45=5"}
"""What `edits` asks for, by the heading of the column."""


def headed(columns, rows: int) -> Image.Image:
    """An empty sheet for so many rows of pictures of SIZE px, with the columns' names above them."""
    out = Image.new("RGB", (SIZE * len(columns), LABEL + SIZE * rows), "white")
    draw = ImageDraw.Draw(out)
    for k, name in enumerate(columns):
        draw.text((SIZE * k + SIZE // 2, LABEL // 2), name, fill="black", anchor="mm", font_size=14)
    return out


def sheet(source: str = "ITH.wav", at_s: float | None = None, faces=FACES) -> Image.Image:
    """Rows: the photo, then the same person in the middle of the same word in each emotion, drawn as by `tfg animate`.

    at_s: the moment in seconds; None: where the mouth is open widest.  faces: names in data/faces, or paths.
    """
    from tfg.media.audio import load_audio
    from tfg.speech.visemes import opening
    from tfg.systems.base import Speech
    from tfg.systems.expression import act as expression

    y = load_audio(paths.data("audio", source))
    columns = ["photo", *(EMOTION_NAMES[e] for e in EMOTIONS)]
    out = headed(columns, len(faces))
    for row, face in enumerate(faces):
        path = paths.data("faces", f"{face}.jpg") if isinstance(face, str) else face
        portrait = Portrait.from_image(read_image(path), size=SIZE)
        rest = portrait.personal(np.zeros(len(portrait.rest_expression), np.float32))
        motions = {e: expression.act(Speech(y), neutral=rest, emotion=e, blink=False, seed=row) for e in EMOTIONS}
        said = opening(np.clip(motions["NEU"].expression, 0, 1))
        at = int(np.argmax(said)) if at_s is None else int(at_s * 25)
        frames = [portrait.source, *(next(portrait.render_motion(motions[e][at])) for e in EMOTIONS)]
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


def dubbed(faces=("default", "portrait_2"), across: int = 4) -> Image.Image:
    """Films of two people, and the same films with another sentence in each emotion; across: frames per film."""
    import tempfile

    import tfg

    rows: dict[str, list[np.ndarray]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for face in faces:
            film = Path(folder, f"{face}.mp4")
            tfg.animate(paths.data("faces", f"{face}.jpg"), paths.data("audio", "ITH.wav"), size=2 * SIZE, out=film)
            clips = {"the film": list(FrameReader(film))}
            for e in EMOTIONS:
                clips[EMOTION_NAMES[e]] = tfg.animate(film, paths.data("audio", "DFA.wav"), system="emogen",
                                                      emotion=e).frames
            at = np.linspace(8, min(map(len, clips.values())) - 8, across).astype(int)
            for name, frames in clips.items():
                rows.setdefault(name, []).extend(frame.reshape(SIZE, 2, SIZE, 2, 3).mean((1, 3)).astype(np.uint8)
                                                 for frame in np.asarray(frames)[at])
    out = Image.new("RGB", (LABEL * 4 + SIZE * across * len(faces), SIZE * len(rows)), "white")
    draw = ImageDraw.Draw(out)
    for k, (name, frames) in enumerate(rows.items()):
        draw.text((2 * LABEL, SIZE * k + SIZE // 2), name, fill="black", anchor="mm", font_size=14)
        out.paste(Image.fromarray(np.hstack(frames)), (4 * LABEL, SIZE * k))
    return out.resize((out.width * 3 // 4, out.height * 3 // 4), Image.LANCZOS)


def edits(faces=FACES[:3]) -> Image.Image:
    """Rows: the photo, then what `tfg edit` makes of it for each of `EDITS`."""
    from tfg.systems.ietafs.edit import Editor

    columns = ["photo", *EDITS]
    out = headed(columns, len(faces))
    for row, face in enumerate(faces):
        editor = Editor(paths.data("faces", f"{face}.jpg"))
        pictures = [editor.photo, *(editor(asked) for asked in EDITS.values())]
        out.paste(Image.fromarray(np.hstack([editor.cut(p, SIZE) for p in pictures])), (0, LABEL + SIZE * row))
    return out


def deformable(faces=FACES[:3], source: str = "ITH.wav") -> Image.Image:
    """Rows: the photo, then the same person in the middle of the same word in each emotion, drawn by `deformable`."""
    import tfg
    from tfg.media.audio import load_audio
    from tfg.speech.visemes import opening
    from tfg.systems.base import Speech
    from tfg.systems.expression import act as expression

    heard = opening(np.clip(expression.act(Speech(load_audio(paths.data("audio", source)))).expression, 0, 1))
    at = int(np.argmax(heard))
    columns = ["photo", *(EMOTION_NAMES[e] for e in EMOTIONS)]
    out = headed(columns, len(faces))
    for row, face in enumerate(faces):
        photo = read_image(paths.data("faces", f"{face}.jpg"))
        frames = [photo, *(tfg.animate(photo, paths.data("audio", source), system="deformable", emotion=e, blink=False
                                       ).frames[at] for e in EMOTIONS)]
        small = [np.asarray(Image.fromarray(frame).resize((SIZE, SIZE), Image.LANCZOS)) for frame in frames]
        out.paste(Image.fromarray(np.hstack(small)), (0, LABEL + SIZE * row))
    return out


def app() -> Image.Image:
    """The app's page as `tests/test_app_browser.py` left it in build/app, at a desktop's width and at a phone's."""
    folder = Path(__file__).resolve().parent.parent / "build" / "app"
    desktop, phone = (Image.open(folder / f"{name}.png").convert("RGB") for name in ("desktop_light", "phone_dark"))
    height = 1100
    out = Image.new("RGB", (desktop.width + phone.width + 24, height), "white")
    out.paste(desktop.crop((0, 0, desktop.width, height)), (0, 0))
    out.paste(phone.crop((0, 0, phone.width, height)), (desktop.width + 24, 0))
    return out.resize((out.width * 6 // 10, height * 6 // 10), Image.LANCZOS)


def rhythmic(faces=FACES[:3], source: str = "ITH.wav", yaws=(-22, -11, 0, 11, 22)) -> Image.Image:
    """Rows: the photo, then the same person turned by these angles while it speaks, drawn by `rhythmic`."""
    import tfg
    from tfg.media.audio import load_audio, n_frames
    from tfg.media.motion import Motion

    audio = load_audio(paths.data("audio", source))
    turning = Motion.still(n_frames(len(audio)))
    at = np.linspace(4, len(turning) - 8, len(yaws)).astype(int)
    turning.pose[:, 0] = np.interp(np.arange(len(turning)), at, yaws)
    out = headed(["photo", *(f"{abs(y)}° {('to the left', '', 'to the right')[np.sign(y) + 1]}".strip() for y in yaws)],
                 len(faces))
    for row, face in enumerate(faces):
        photo = read_image(paths.data("faces", f"{face}.jpg"))
        clip = tfg.animate(paths.data("faces", f"{face}.jpg"), audio, system="rhythmic", ref_pose=turning, blink=False,
                           progress=False)
        small = [np.asarray(Image.fromarray(frame).resize((SIZE, SIZE), Image.LANCZOS))
                 for frame in (photo, *(clip.frames[int(k)] for k in at))]
        out.paste(Image.fromarray(np.hstack(small)), (0, LABEL + SIZE * row))
    return out


if __name__ == "__main__":
    for name, draw in (("emotions", sheet), ("actors", actors), ("dubbed", dubbed), ("edits", edits),
                       ("deformable", deformable), ("rhythmic", rhythmic), ("app", app)):
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        target = Path(__file__).resolve().parent.parent / "docs" / f"{name}.jpg"
        target.parent.mkdir(exist_ok=True)
        draw().save(target, quality=88)
        print(f"{target} ({target.stat().st_size / 1000:.0f} kB)")
