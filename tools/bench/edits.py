"""Photos of unknown actors edited to asked Action Units, and read again.

    python -m tools.bench.edits [--checkpoint DIR]
    python -m tools.bench.edits --response            # the factors of tfg/systems/ietafs/paint.py
    python -m tools.bench.edits --at-rest             # the levels of tfg/systems/ietafs/shown.py

Actors of the split test, half of them portraits. For each one photo at rest, and two kinds of targets: one unit alone
at the intensity 4, for each of the 17, and moments of takes with feeling. Errors are mean |read - asked| on the scale
from 0 to 5 over an actor's targets; then means over actors with 95 % intervals from a bootstrap over actors. Three
tables, for a reader of single pictures is mistaken about a person's rest and takes one unit for another:

    units               asked are the units that the actor was played with, the face at rest included
    change of units     the same, less what is read of the photo itself
    read from the true  asked are the units read from the actor's own true picture, by the same reader, as where targets
                        are pictures of people of whom nothing else is known (Pumarola et al. 2018)

Rows of the comparison:

    edit            the photo as `tfg edit` changes it
    no edit         the photo itself
    nearest photo   of all other people's photos at rest the one whose units, as read, are nearest to those asked
    true            the actor himself showing what is asked: what reading alone costs

Besides: the share of pixels outside the face's oval that differ (0), and the cosine of the edited face with the photo
by the identity judge, beside that of the true frames.
"""
from __future__ import annotations

import argparse
import warnings

import numpy as np

from tfg.actors import cast, make
from tfg.faces import au_readers
from tfg.faces.aus import AUS, COEFFICIENT, MOST, action_units
from tfg.faces.face_region import MARGIN, WIDE_OVAL, face_region
from tfg.faces.measure import subtract_neutral, track
from tfg.metrics import stats
from tfg.scores.identity import csim
from tfg.vocabulary import AU_NAMES, EXPRESSION, index
from tools.bench.aus import people, single
from tools.bench.common import table

KINDS = ("units", "change of units", "read from the true")
SIZE, ALONE, FELT = 256, 4.0, 12
"""Side of the photos, px; intensity of a unit alone; moments of takes for each actor."""


def targets(actor, member) -> np.ndarray:
    """(n, 52) coefficients over the person at rest: each unit alone, then moments of takes with feeling."""
    alone = np.zeros((len(AUS), len(EXPRESSION)), np.float32)
    for row, au in zip(alone, AUS):
        row[index(*COEFFICIENT.get(au, ("mouthLowerDown", "mouthUpperUp")))] = ALONE / MOST
    felt = []
    for clip in cast.plan([member], 6):
        motion = make._take(member, clip, actor).motion.expression
        felt.append(motion[np.linspace(0, len(motion) - 1, FELT // 6 + 2).astype(int)[1:-1]])
    return np.concatenate([alone, *felt])


def read(pictures) -> tuple[np.ndarray, np.ndarray]:
    """Units (n, 17), NaN where no face is found, and landmarks of pictures (n, H, W, 3), each read as a photo."""
    followed = track(np.stack(pictures), crops=True)
    return np.concatenate([au_readers.measure_aus(one) for one in single(followed, 1)]), followed.points


def played(actor, member) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """An actor's targets, and at the end the actor at rest: units asked for over the face at rest (n, 17), absolute
    units (n, 17), and the n + 1 pictures."""
    shown = actor.personal(np.concatenate([targets(actor, member), np.zeros((1, len(EXPRESSION)), np.float32)]))
    asked = action_units(subtract_neutral(shown[:-1], actor.neutral))
    return asked, action_units(shown[:-1]), [actor.render(e) for e in shown]


def outside(photo: np.ndarray, edited: list[np.ndarray], points: np.ndarray) -> float:
    """Share of pixels beyond the face's oval that differ from the photo's."""
    import cv2

    from tfg.faces import align

    matrix = align.box_matrix(align.crop_box(points[:, :2], MARGIN), SIZE)
    drawn = (face_region(SIZE, WIDE_OVAL) > 0).astype(np.float32)
    mask = cv2.warpAffine(drawn, align.invert(matrix), photo.shape[1::-1])
    beyond = cv2.dilate(mask, np.ones((9, 9))) == 0
    return float(np.mean([(one != photo).any(-1)[beyond].mean() for one in edited]))


def of_actor(member, checkpoint) -> dict:
    """Everything that is compared, of one actor."""
    from tfg.scores.judges import load
    from tfg.systems.ietafs.edit import Editor

    asked, whole, frames = played(cast.build(member, SIZE), member)
    photo, truth = frames[-1], frames[:-1]
    edited = Editor(photo, checkpoint=checkpoint).many(asked)
    judge = load().identity
    (by_edit, edit_points), (by_truth, true_points), (by_photo, points) = map(read, (edited, truth, [photo]))
    person = judge.embed(np.stack([photo]), points)
    return {"asked": whole, "change": asked, "edit": by_edit, "true": by_truth, "photo": by_photo[0],
            "csim": np.nanmean(csim(judge.embed(np.stack(edited), edit_points), person)),
            "csim true": np.nanmean(csim(judge.embed(np.stack(truth), true_points), person)),
            "outside": outside(photo, edited, points[0])}


def run(checkpoint=None) -> dict:
    """Print the tables.  Returns {table: {unit: {row: [mean, low, high]}}} and the means of the rest."""
    members = people("test")
    with make.one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        each = {f"{m.kind} {m.name}": of_actor(m, checkpoint) for m in members}
    out: dict = {kind: compared(each, kind) for kind in KINDS}
    rest = {name: float(np.mean([one[name] for one in each.values()])) for name in ("csim", "csim true", "outside")}
    print("\n", rest)
    return out | {"rest": rest}


def compared(each: dict[str, dict], kind: str) -> dict:
    """Print one table.  each: name -> `of_actor`.  kind: of KINDS."""
    photos = {name: one["photo"] for name, one in each.items()}
    errors: dict[str, list] = {"edit": [], "no edit": [], "nearest photo": [], "true": []}
    for name, one in each.items():
        others = np.stack([p for other, p in photos.items() if other != name])
        asked, rest = {"units": (one["asked"], 0), "change of units": (one["change"], one["photo"]),
                       "read from the true": (np.nan_to_num(one["true"]), 0)}[kind]
        sought = one["asked"] if kind == "change of units" else asked
        near = others[((sought[:, None] - others[None]) ** 2).sum(-1).argmin(1)]
        for row, found in (("edit", one["edit"]), ("no edit", one["photo"][None]), ("nearest photo", near),
                           ("true", one["true"])):
            errors[row].append(np.nanmean(np.abs(found - rest - asked), 0))                       # (17,)
    by = {row: np.stack(value) for row, value in errors.items()}                                  # (actors, 17)
    names, better = list(each), {"no edit": 0, "nearest photo": 0}
    out: dict = {}
    for k, what in [*enumerate(AU_NAMES.values()), (slice(None), "mean")]:
        label = what if isinstance(k, slice) else f"AU{AUS[k]:02d} {what}"[:26]
        column = {row: value[:, k] if isinstance(k, int) else value.mean(1) for row, value in by.items()}
        out[label] = {row: _cell(stats.mean(value, names)) for row, value in column.items()}
        for other in better:
            less = stats.paired(column["edit"], column[other], names)
            out[label][f"less {other}"] = _cell(less)
            better[other] += isinstance(k, int) and less.high < 0
    table(f"test, {len(each)} actors, {len(each[names[0]]['asked'])} edits of each: mean |error| of 0 to 5"
          f", {kind}",
          {label: {row: " ".join(f"{v:.2f}".replace("0.", ".") for v in cell) for row, cell in row_of.items()}
           for label, row_of in out.items()})
    print("\nunits whose error falls, intervals without zero:", better)
    return out | {"better": better}


def response(checkpoint=None, kept: int = 6) -> np.ndarray:
    """Print and return (17,): how much of each unit edits of `kept` val actors show, of what the actors show.

    Slopes through 0 of the read change on the change that was asked for, of edits and of the true frames.
    """
    from tfg.systems.ietafs.edit import Editor

    asked, edited, true = [], [], []
    with make.one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for member in [m for m in cast.cast(72, 66) if m.split == "val"][:kept]:
            units, _, frames = played(cast.build(member, SIZE), member)
            asked.append(units)
            rest = read(frames[-1:])[0]
            edited.append(read(Editor(frames[-1], checkpoint=checkpoint).many(asked[-1]))[0] - rest)
            true.append(read(frames[:-1])[0] - rest)
    x, *both = (np.concatenate(part) for part in (asked, edited, true))
    slopes = [np.nansum(x * y, 0) / np.nansum(x ** 2 * np.isfinite(y), 0) for y in both]
    table("how much of each unit shows, val actors", {
        f"AU{au:02d}": {"edit": float(a), "true": float(b), "ratio": float(a / b)} for au, a, b in zip(AUS, *slopes)})
    return slopes[0] / slopes[1]


def at_rest(actors: int = 72, portraits: int = 66, share: float = 90) -> np.ndarray:
    """Print and return (17,): what `share` per cent of training actors at rest read as at most, the greater one of
    portraits and as many virtual actors as there are in a cast of half of them."""
    levels = []
    with make.one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for kind, number in (("portrait", portraits), ("virtual", actors // 2)):
            members = [m for m in cast.cast(actors, number) if m.split == "train" and m.kind == kind]
            built = [cast.build(m, SIZE) for m in members]
            found = [read([a.render(a.personal(np.zeros(len(EXPRESSION), np.float32)))])[0][0] for a in built]
            levels.append(np.nanpercentile(found, share, 0))
    out = np.max(levels, 0)
    print({f"AU{au:02d}": round(float(level), 2) for au, level in zip(AUS, out)})
    return out


def _cell(found) -> list[float]:
    return [found.value, found.low, found.high]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tools.bench.edits", description=__doc__.split("\n")[0])
    parser.add_argument("--checkpoint", help="folder of the generator; default: the one that ships")
    parser.add_argument("--response", action="store_true", help="instead: how much of each unit edits show")
    parser.add_argument("--at-rest", action="store_true", help="instead: what faces at rest read as")
    given = vars(parser.parse_args())
    rest, show = given.pop("at_rest"), given.pop("response")
    at_rest() if rest else response(**given) if show else run(**given)
