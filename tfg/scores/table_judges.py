"""The table of the judges: how often each is right on the true clips, raters beside them, and how far judges agree.

    python -m tfg.scores.table_judges --store build/dub --real build/dub_real     the emotion judges alone, no system
"""
from __future__ import annotations

import argparse

import numpy as np

from tfg.errors import InputError
from tfg.metrics.stats import Mean
from tfg.scores.agreement import NAMED, agreements
from tfg.scores.judges import PUBLISHED
from tfg.scores.raters import ceiling
from tfg.scores.results import Scores
from tfg.training.cli import in_words
from tfg.vocabulary import EMOTIONS

TITLES = {"all": "virtual and portrait actors", "virtual": "virtual actors", "portrait": "portrait actors",
          "real": "real clips"}


def judges_table(result: Scores) -> list[str]:
    """Table of the judges with their accuracy on the true clips of each group, as lines of Markdown."""
    groups = result.groups
    found = {g: result.judged(g) for g in groups}
    about = result.card["judges"]
    missing = result.card["missing"]

    def line(name, what, key, digits=3):
        who = about.get(name, {}).get("about") or (f"none: {missing[name]}" if name in missing else name)
        return f"| {who} | {what} | " + " | ".join(cell(found[g][key], digits) for g in groups) + " |"

    meter = "landmarks by MediaPipe, each frame alone"
    identity = result.card["identity"]
    about = about | {"meter": {"about": meter}, "identity": {"about": identity}}
    cards = [f"- {name}, as its card says: {in_words(its['scores'])}." for name, its in result.card["judges"].items()
             if its.get("scores")]
    return ["## The judges on the true clips", "",
            "| judge | right | " + " | ".join(TITLES[g] for g in groups) + " |", "|---|---|" + "---|" * len(groups),
            line("judge_sync", "known shifts of the sound found within 1 frame", "shifts"),
            line("judge_emotion", "emotion named", "emotion"),
            line("judge_emotion", "emotion named at HI", "emotion_HI"),
            *(line(name, what, f"emotion_{name}{end}") for name in PUBLISHED
              for what, end in (("emotion named", ""), ("emotion named at HI", "_HI"))),
            *raters_line(result),
            line("identity", "clips nearest to their own actor's others", "identity"),
            line("meter", "LMD mouth from the store's points", "lmd_mouth", 4),
            line("meter", "lip-aperture r with the store's points", "aperture_r"),
            line("meter", "frames in which it finds a face", "found"), *agreement_lines(result),
            *([""] + cards if cards else [])]


def raters_line(result: Scores) -> list[str]:
    """Row of the table of judges with the raters of CREMA-D on the same clips; none where there is no clip of it."""
    cells = []
    for group in result.groups:
        m, ties = ceiling([c["clip"] for c in result.where(None, group)])
        cells.append("–" if m is None else f"{cell(m, 3)}{f' ({ties} of {m.clips} tied)' if ties else ''}")
    if set(cells) <= {"–"}:
        return []
    return ["| human raters, visual only | emotion named by most, of the film as it was | " + " | ".join(cells) + " |"]


def agreement_lines(result: Scores) -> list[str]:
    """A line for each group on how far the emotion judges agree on the true clips."""
    out = []
    for group in result.groups:
        if found := agreements(result, group):
            pairs = [f"{a.one} and {a.other} {cell(a.alike, 2)}, kappa "
                     + (f"{a.kappa:.2f}".replace("-", "−") if np.isfinite(a.kappa) else "not defined") for a in found]
            out.append(f"- Agreement of the emotion judges, {TITLES[group]}, {found[0].clips} true clips, share named "
                       f"alike: {'; '.join(pairs)}.")
    return [""] + out if out else []


def cell(m: Mean | None, digits: int, sign: bool = False) -> str:
    """Text of a mean, as in "0.123 [0.100, 0.150]"; without an interval where there are too few actors."""
    if m is None:
        return "not measured"
    how = f"{'+' if sign else ''}.{digits}f"
    few = " [1 actor]" if m.actors == 1 else f" [{m.actors} actors]"
    ends = f" [{m.low:{how}}, {m.high:{how}}]" if np.isfinite(m.low) else few
    return f"{m.value:{how}}{ends}".replace("-", "−")


# ---- the emotion judges alone -----------------------------------------------------------------------------------
def emotion_judges(stores, split: str = "test", judges=None) -> Scores:
    """The emotion judges on the true clips of stores, without any system: a result with the row "true" alone.

    stores: of crops for dubbing, opened.  judges: folder, None for those that ship.  Raises InputError.
    """
    from tfg.corpora.prepared import check_margin
    from tfg.faces import crops
    from tfg.faces.face_region import MARGIN
    from tfg.scores import judges as js
    from tfg.scores.judge_clip import emotions
    from tfg.scores.targets import targets

    loaded = js.load(judges)
    result = Scores("true", ("true",), judges=loaded)
    for store in stores:
        check_margin(store, MARGIN, "the judges'")
        chosen = targets(store, split)
        js.check(loaded, {f"{r.corpus}/{r.actor}" for r in chosen.clips})
        for target in chosen:
            about = {"clip": target.id, "actor": target.actor, "kind": target.kind, "emotion": target.emotion,
                     "level": target.level}
            points = crops.kept_landmarks(target.frames, crops.folder_for(store))
            result.clips.append({**about, "row": "true", **emotions(loaded, target, "true", target.frames, points)})
            result.own.append(about)
    return result


def emotion_table(result: Scores) -> list[str]:
    """Lines of Markdown: accuracy of each emotion judge in each group, of all clips and at HI, raters, what each named,
    and agreement."""
    keys = {"judge_emotion": "accuracy"} | {name: f"accuracy_{name}" for name in PUBLISHED}
    lines = ["| judge | " + " | ".join(TITLES[g] for g in result.groups) + " |", "|---|" + "---|" * len(result.groups)]
    for judge, key in keys.items():
        for end, labels in (("", {}), (", at HI", {"level": "HI"})):
            found = [result.summary("true", key, g, **labels) for g in result.groups]
            lines.append(f"| {judge}{end} | " + " | ".join("–" if m is None else cell(m, 3) for m in found) + " |")
    lines += [line.replace(" emotion named by most, of the film as it was |", "") for line in raters_line(result)]
    for judge, key in NAMED.items():
        counts = [[sum(c.get(key) == e for c in result.where("true", g)) for e in EMOTIONS] for g in result.groups]
        lines.append(f"| {judge} named {'/'.join(EMOTIONS)} | " + " | ".join("/".join(map(str, c)) for c in counts)
                     + " |")
    return lines + agreement_lines(result)


def main(argv: list[str] | None = None) -> None:
    """Print the table of the emotion judges."""
    from tfg.corpora.store import Store

    parser = argparse.ArgumentParser(prog="python -m tfg.scores.table_judges",
                                     description="Accuracy and agreement of the emotion judges on true clips.")
    parser.add_argument("--store", required=True, metavar="DIR", help="crops for dubbing of virtual actors")
    parser.add_argument("--real", metavar="DIR", help="another store, of real clips")
    parser.add_argument("--split", default="test", help="test (default) or val")
    given = parser.parse_args(argv)
    stores = [Store.open(folder) for folder in (given.store, given.real) if folder]
    print("\n".join(emotion_table(emotion_judges(stores, given.split))))


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        raise SystemExit(f"tfg: {error}") from None
