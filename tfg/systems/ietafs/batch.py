"""The original's animation mode: a folder of pictures, and sounds or a table of Action Units; results in a folder."""
from __future__ import annotations

import os
from pathlib import Path

from tfg.errors import InputError
from tfg.files import files_of, make_folder

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".heic")
SOUNDS = (".wav", ".mp3", ".m4a", ".flac", ".ogg", ".aac", ".opus")


def animate_batch(images: str | os.PathLike, results: str | os.PathLike, *, audio: str | os.PathLike | None = None,
                  attributes: str | os.PathLike | None = None, checkpoint=None, progress: bool = False) -> list[Path]:
    """Animate every picture of a folder.  Returns the files that were written.

    images: folder.  audio: a sound or a folder of sounds; each picture says each: PICTURE_SOUND.mp4.  attributes: a
    table with one row of 17 Action Units for each result (`tfg.corpora.attributes.read_attributes`): each picture is
    edited to each row, PICTURE_ROW.png.  results: folder.
    Raises InputError: no pictures, neither sounds nor table, or both.
    """
    from tqdm.auto import tqdm

    from tfg.corpora.attributes import read_attributes
    from tfg.media.image import write_image
    from tfg.systems.animate import animate
    from tfg.systems.ietafs.edit import Editor

    if (audio is None) == (attributes is None):
        raise InputError("give either sounds (--audio) or a table of Action Units (--attributes).")
    pictures = files_of(images, PICTURES, "pictures")
    out = make_folder(results)
    written = []
    if attributes is not None:
        names, aus = read_attributes(attributes)
        for picture in tqdm(pictures, desc="pictures", disable=not progress):
            editor = Editor(picture, checkpoint=checkpoint)
            for name, edited in zip(names, editor.many(aus)):
                written.append(write_image(edited, out / f"{picture.stem}_{Path(name).stem}.png"))
        return written
    assert audio is not None                              # asked above
    sounds = files_of(audio, SOUNDS, "sounds") if Path(audio).is_dir() else [Path(audio)]
    for picture in tqdm(pictures, desc="pictures", disable=not progress):
        for sound in sounds:
            target = out / f"{picture.stem}_{sound.stem}.mp4"
            animate(picture, sound, system="ietafs", out=target, checkpoint=checkpoint, overwrite=True, progress=False)
            written.append(target)
    return written
