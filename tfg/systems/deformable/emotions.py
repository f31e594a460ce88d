"""Every photo of a folder in all emotions, and how near each film comes to the true film of *that* emotion.

The published script compared the happy and the sad result with one and the same true film, and so measured how alike
the two results are, not how true. Here a film is compared with the true one of its own emotion, or not at all.
"""
from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tfg.errors import InputError
from tfg.files import atomic, files_of, make_folder
from tfg.vocabulary import EMOTIONS

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".heic")
FILMS = (".mp4", ".mov", ".m4v", ".flv", ".avi", ".mkv", ".webm", ".mpg")
SOUNDS = (".wav", ".mp3", ".m4a", ".flac", ".ogg", ".aac", ".opus", *FILMS)
TABLE = "scores.csv"


def all_emotions(images: str | os.PathLike, audio: str | os.PathLike, out: str | os.PathLike, *, truth=None,
                 emotions: Sequence[str] = EMOTIONS, intensity: float = 1.0, noise_seed: int = 0, checkpoint=None,
                 progress: bool = False) -> list[dict[str, Any]]:
    """Animate every picture of a folder with each emotion: PICTURE_HAP.mp4, ...  Returns a row for each film.

    images: folder.  audio: a sound for all, or a folder: of each picture and emotion it gives PICTURE_HAP.wav, else
    PICTURE.wav.  truth: folder of true films, PICTURE_HAP.mp4; of pictures named as in CREMA-D (1001_DFA_NEU_XX), also
    1001_DFA_HAP_XX.flv.  Rows hold picture, emotion, file, and with a true film of that emotion truth, frames, psnr,
    ssim: means over frames; they are written to scores.csv, too.
    Raises InputError: no pictures, a picture without a sound, a true film of another shape.
    """
    from tqdm.auto import tqdm

    from tfg.acting.emotion import check_emotion
    from tfg.systems.animate import animate

    codes = [check_emotion(e, intensity) for e in emotions]
    pictures, jobs = files_of(images, PICTURES, "pictures"), []
    sounds = files_of(audio, SOUNDS, "sounds") if Path(audio).is_dir() else [Path(audio)]
    films = [] if truth is None else files_of(truth, FILMS, "films")
    for picture in pictures:                                              # all that can be refused is refused first
        for code in codes:
            sound = sounds[0] if not Path(audio).is_dir() else \
                named(sounds, f"{picture.stem}_{code}") or named(sounds, picture.stem)
            if sound is None:
                raise InputError(f"there is no sound {picture.stem}_{code} nor {picture.stem} in {audio}; add it, or "
                                 "give one sound for all pictures.")
            jobs.append((picture, code, sound, true_film(films, picture.stem, code)))
    folder, rows = make_folder(out), []
    for picture, code, sound, true in tqdm(jobs, desc="films", disable=not progress):
        target = folder / f"{picture.stem}_{code}.mp4"
        animate(picture, sound, system="deformable", out=target, emotion=code, intensity=intensity,
                noise_seed=noise_seed, checkpoint=checkpoint, overwrite=True, progress=False,
                badge=None if true is None else False)                    # a badge is no part of the true film
        row: dict[str, Any] = {"picture": picture.name, "emotion": code, "file": target.name}
        rows.append(row if true is None else row | {"truth": true.name} | compared(target, true))
    names = ["picture", "emotion", "file", "truth", "frames", "psnr", "ssim"]
    with atomic(folder / TABLE) as path, open(path, "w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, names, restval="")
        table.writeheader()
        table.writerows(rows)
    return rows


def compared(drawn: str | os.PathLike, true: str | os.PathLike) -> dict[str, float]:
    """frames, psnr and ssim of a drawn film against a true one, both at 25 frames/s, as far as the shorter one goes.

    Raises InputError: pictures of different sizes.
    """
    from tfg.media.video import FrameReader
    from tfg.metrics.pictures import psnr, ssim

    films = [FrameReader(path) for path in (drawn, true)]
    values: list[tuple[float, float]] = []
    for a, b in zip(*films):
        if a.shape != b.shape:
            raise InputError(f"{true} is {b.shape[1]} x {b.shape[0]} px and {drawn} {a.shape[1]} x {a.shape[0]}; "
                             "give true films of the picture's own size, or leave --truth out.")
        values.append((min(float(psnr(a, b)[0]), 99.0), float(ssim(a, b)[0])))
    means = np.mean(values, 0)
    return {"frames": len(values), "psnr": round(float(means[0]), 3), "ssim": round(float(means[1]), 4)}


def true_film(films: Sequence[Path], stem: str, emotion: str) -> Path | None:
    """The film of a picture's person with this emotion, None where there is none."""
    exact = named(films, f"{stem}_{emotion}")
    parts = stem.split("_")
    if exact is not None or len(parts) < 4 or parts[2] not in EMOTIONS:
        return exact
    return next((f for f in films if f.stem.split("_")[:3] == [*parts[:2], emotion]), None)


def named(files: Sequence[Path], stem: str) -> Path | None:
    """The file of that name, whatever its suffix."""
    return next((f for f in files if f.stem == stem), None)


def in_words(rows: Sequence[dict[str, Any]]) -> str:
    """Means of the scores for each emotion, one line each; how many films there are where nothing was compared."""
    lines = []
    for code in dict.fromkeys(row["emotion"] for row in rows):
        scored = [row for row in rows if row["emotion"] == code and "psnr" in row]
        if scored:
            lines.append(f"{code}: PSNR {np.mean([r['psnr'] for r in scored]):.2f} dB, SSIM "
                         f"{np.mean([r['ssim'] for r in scored]):.3f} against {len(scored)} true films of {code}")
    return "\n".join(lines) or f"{len(rows)} films; no true film of their emotion to compare with"
