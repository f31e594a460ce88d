"""A contact sheet: every member of a cast in one picture."""
from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tfg.actors import cast as casting
from tfg.actors.cast import Member
from tfg.actors.photos import fetch_photos
from tfg.errors import InputError
from tfg.files import atomic, check_writable, reserved
from tfg.workers import parallel

PAPER, INK = (246, 246, 244), (40, 40, 40)
LABEL_PX = 14
SHOW = 0.85                     # intensity of the emotions on a sheet


def sheet(out: str | os.PathLike, *, folder: str | os.PathLike | None = None, emotions: Sequence[str] = (),
          profile: str = "cpu", actors: int | None = None, portraits: int | None = None,
          portrait: Sequence[str | os.PathLike] = (), size: int | None = None, seed: int = 0,
          columns: int | None = None, mirror: str | os.PathLike | None = None, overwrite: bool = False,
          workers: int | None = None, progress: bool = True) -> str:
    """Draw the contact sheet of a cast and write it as PNG or JPEG. Returns one sentence about the written file.

    folder: a set of `tfg actors make`, whose members and size are used; None: those of the other options, which are as
    in `make.make`.  emotions: each gives a picture of every actor at intensity 0.85; none: each actor once, at rest.
    columns: actors in a row.  An actor that cannot be built is left blank and named in the sentence.
    Raises InputError for a file name that is neither PNG nor JPEG, an existing file (unless overwrite is True), and
    options that do not fit together.
    """
    from joblib import cpu_count, delayed
    from tqdm.auto import tqdm

    from tfg.acting.emotion import check_emotion
    from tfg.actors.actor import check_size
    from tfg.actors.manifest import read_manifest
    from tfg.workers import one_thread_each

    out = Path(out)
    if out.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise InputError(f"cannot write {out.name}: a sheet is a picture; give a name that ends in .png or .jpg.")
    if out.exists() and not overwrite:
        raise InputError(f"{out} exists; choose another name or pass --overwrite.")
    check_writable(out)
    emotions = [check_emotion(e) for e in emotions]
    if folder is not None:
        stored = read_manifest(folder)
        members, own = [Member(**m) for m in stored["members"]], stored["size"]
    else:
        members = casting.members(profile, actors=actors, portraits=portraits, photos=portrait, seed=seed)
        own = casting.profile(profile)["size"]
    size = check_size(own if size is None else size)
    if columns is not None and columns < 1:
        raise InputError(f"columns is {columns}; give 1 or more.")
    if workers is not None and workers < 1:
        raise InputError(f"workers is {workers}; give 1 or more.")
    fetch_photos(members, mirror=mirror)
    workers = min(workers or cpu_count(), len(members))
    with reserved(out, overwrite=overwrite), one_thread_each(), \
            tqdm(total=len(members), desc="actors", unit=" actor", leave=False, disable=not progress) as bar:
        rows, failed = [], []
        for member, (pictures, error) in zip(members, parallel(workers, return_as="generator", batch_size=1)(
                delayed(faces)(m, size, tuple(emotions)) for m in members)):
            rows.append(pictures)
            failed += [f"{member.name}: {error}"] if error else []
            bar.update()
        picture = arrange(rows, [_label(m) for m in members], emotions, columns)
        with atomic(out) as part:
            picture.save(part, **({"quality": 92, "subsampling": 0} if out.suffix.lower() != ".png" else {}))
    missing = f"; {len(failed)} could not be built, the first {failed[0]}" if failed else ""
    who = f"{len(members)} actor{'s' * (len(members) > 1)}"
    return f"wrote {out}: {who}, {picture.width} x {picture.height} px{missing}"


def faces(member: Member, size: int, emotions: Sequence[str] = ()) -> tuple[np.ndarray, str | None]:
    """Pictures of one member, (1 or E, size, size, 3) uint8, one for each emotion; and the error if they are blank."""
    from tfg.acting.emotion import actions
    from tfg.actors.make import one_thread

    asked = [actions(e, 0.0 if e == "NEU" else SHOW) for e in emotions] or [np.zeros(52, np.float32)]
    try:
        with one_thread():
            actor = casting.build(member, size)
            return np.stack([actor.render(actor.personal(a), np.zeros(6, np.float32)) for a in asked]), None
    except Exception as error:                        # one bad photo must not cost the sheet
        return np.full((len(asked), size, size, 3), 228, np.uint8), " ".join(str(error).split())


def _label(member: Member) -> str:
    """Name of a member, followed by its photo's name if it has one."""
    return f"{member.name} {Path(member.photo).stem.rpartition(':')[2]}" if member.photo else member.name


def arrange(rows: Sequence[np.ndarray], labels: Sequence[str], emotions: Sequence[str] = (),
            columns: int | None = None):
    """Arrange strips of pictures (E, h, w, 3), each under its label, on one PIL image."""
    from PIL import Image, ImageDraw

    strips = [np.concatenate(list(r), 1) for r in rows]
    h, w = strips[0].shape[:2]
    columns = min(columns or max(1, round(math.sqrt(len(strips) * (h + LABEL_PX) / w * 1.4))), len(strips))
    lines = -(-len(strips) // columns)
    top = LABEL_PX if emotions else 0
    picture = Image.new("RGB", (columns * (w + 4) + 4, top + lines * (h + LABEL_PX + 4) + 4), PAPER)
    draw = ImageDraw.Draw(picture)
    for k in range(columns if emotions else 0):
        for e, name in enumerate(emotions):
            draw.text((4 + k * (w + 4) + e * w // len(emotions) + 4, 1), name, INK)
    for i, (strip, label) in enumerate(zip(strips, labels)):
        x, y = 4 + i % columns * (w + 4), top + 4 + i // columns * (h + LABEL_PX + 4)
        draw.text((x + 2, y), label, INK)
        picture.paste(Image.fromarray(strip), (x, y + LABEL_PX))
    return picture
