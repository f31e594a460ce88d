"""The human ceiling: how often people name the emotion that an actor of CREMA-D intended.

    python -m tfg.scores.raters                              from the table that ships: what most raters chose
    python -m tfg.scores.raters --votes tabulatedVotes.csv   from CREMA-D's own counts: single raters, too

2,443 people rated 7,442 clips (Cao et al. 2014), each by sound alone, picture alone, and both; six emotions to choose
from, so that chance is 1/6. A clip counts as its majority: 1 if the intended emotion has most votes, 1/n if n emotions
share first place and it is among them (what drawing lots would give on average), else 0. The shipped table names the
winners alone. How many raters chose what stands in processedResults/tabulatedVotes.csv of CREMA-D, which does not ship
(4 MB); with it, a single rater's accuracy is the share of a clip's votes for the intended emotion.
"""
from __future__ import annotations

import argparse
import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfg.corpora import crema_d
from tfg.errors import InputError
from tfg.metrics.stats import Mean, mean
from tfg.vocabulary import EMOTIONS

MODALITIES = {"face": "visual only", "multimodal": "audio-visual", "voice": "audio only"}
"""Modalities of `tfg.corpora.crema_d.Votes` and their names in tables."""
LEVELS = ("LO", "MD", "HI", "XX")
LETTERS = {e[0]: e for e in EMOTIONS}
QUERY = {"1": "voice", "2": "face", "3": "multimodal"}
"""First digit of a row's number in tabulatedVotes.csv."""


@dataclass(frozen=True)
class Rated:
    """A clip and its raters.  winners: modality -> emotions with most votes.  shares: modality -> (6,) shares of the
    votes in the order of EMOTIONS, where they are known."""

    clip: str
    actor: str
    emotion: str
    level: str
    winners: dict[str, tuple[str, ...]]
    shares: dict[str, np.ndarray]

    def majority(self, modality: str) -> float:
        """Whether most raters chose the intended emotion: 1, 0, or 1/n if it shares first place with n - 1 others; NaN
        without votes."""
        first = self.winners.get(modality, ())
        return (self.emotion in first) / len(first) if first else float("nan")

    def tied(self, modality: str) -> bool:
        """Whether several emotions share first place."""
        return len(self.winners.get(modality, ())) > 1

    def single(self, modality: str) -> float:
        """Share of the raters who chose the intended emotion; NaN where the counts are not known."""
        share = self.shares.get(modality)
        return float("nan") if share is None else float(share[EMOTIONS.index(self.emotion)])


def rated(votes: str | Path | None = None) -> dict[str, Rated]:
    """All clips of CREMA-D by name (1001_DFA_HAP_XX).  votes: its tabulatedVotes.csv; None: the table that ships, which
    knows the winners alone.  Raises InputError if the file cannot be read as that table."""
    if votes is not None:
        return _tabulated(Path(votes))
    return {name: Rated(name, *_labels(name), {m: tuple(getattr(its, m)) for m in MODALITIES}, {})
            for name, its in crema_d.votes().items()}


def _labels(name: str) -> tuple[str, str, str]:
    """Actor, intended emotion and level of a clip's name.  Raises ValueError."""
    actor, _, emotion, level = name.split("_")
    if emotion not in EMOTIONS:
        raise ValueError(f"{name} names no emotion of {', '.join(EMOTIONS)}")
    return actor, emotion, "XX" if level == "X" else level


def _tabulated(path: Path) -> dict[str, Rated]:
    counts: dict[str, dict[str, np.ndarray]] = {}
    try:
        with open(path, newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                count = np.array([int(row[e[0]]) for e in EMOTIONS], float)
                counts.setdefault(row["fileName"], {})[QUERY[row[""][0]]] = count
        out = {name: Rated(name, *_labels(name),
                           {m: tuple(np.array(EMOTIONS)[c == c.max()].tolist()) for m, c in its.items() if c.sum()},
                           {m: c / c.sum() for m, c in its.items() if c.sum()}) for name, its in counts.items()}
    except (OSError, ValueError, KeyError, TypeError, IndexError, csv.Error) as error:
        raise InputError(f"{path} is not CREMA-D's tabulatedVotes.csv ({error!r}); give that file of its folder "
                         "processedResults.") from error
    if not out:
        raise InputError(f"{path} has no row of votes; give CREMA-D's processedResults/tabulatedVotes.csv.")
    return out


def accuracy(clips: Iterable[Rated], modality: str = "face", *, single: bool = False) -> Mean | None:
    """Accuracy of the majority (single: of one rater) over clips, mean of actors with an interval clustered by actor;
    None where no clip has votes.  modality: face (seen alone), voice (heard alone), multimodal (both)."""
    if modality not in MODALITIES:
        raise InputError(f"there is no modality {modality!r}; choose {', '.join(MODALITIES)}.")
    mine = list(clips)
    values = np.array([c.single(modality) if single else c.majority(modality) for c in mine], float)
    return mean(values, [c.actor for c in mine]) if np.isfinite(values).any() else None


def of_clips(ids: Iterable[str]) -> list[Rated]:
    """The raters of clips of a store by their ids (crema_d/1001_DFA_HAP_XX); clips of other corpora are left out."""
    known = rated()
    return [known[name] for corpus, _, name in (id.partition("/") for id in ids)
            if corpus == "crema_d" and name in known]


def ceiling(ids: Iterable[str], modality: str = "face") -> tuple[Mean | None, int]:
    """Accuracy of the majority of raters on a store's clips, and how many of these are ties."""
    mine = of_clips(ids)
    return accuracy(mine, modality), sum(c.tied(modality) for c in mine)


# ---- the printed table ------------------------------------------------------------------------------------------
def markdown(clips: Iterable[Rated]) -> str:
    """Accuracy by level and by emotion for each modality, as Markdown."""
    mine = list(clips)
    known = any(c.shares for c in mine)
    kinds = [(m, False) for m in MODALITIES] + [(m, True) for m in MODALITIES if known]
    titles = [f"{'one rater' if one else 'majority'}, {MODALITIES[m]}" for m, one in kinds]
    lines = ["| clips | n | " + " | ".join(titles) + " | ties, visual only |",
             "|---|---|" + "---|" * (len(kinds) + 1)]
    groups = [("all", mine)]
    groups += [(f"level {v}", [c for c in mine if c.level == v]) for v in LEVELS]
    groups += [(v, [c for c in mine if c.emotion == v]) for v in EMOTIONS]
    for name, some in groups:
        if some:
            cells = [_cell(accuracy(some, m, single=one)) for m, one in kinds]
            lines.append(f"| {name} | {len(some)} | " + " | ".join(cells)
                         + f" | {sum(c.tied('face') for c in some)} |")
    return "\n".join(lines)


def _cell(m: Mean | None) -> str:
    if m is None:
        return "–"
    return f"{m.value:.3f} [{m.low:.3f}, {m.high:.3f}]" if np.isfinite(m.low) else f"{m.value:.3f}"


def main(argv: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tfg.scores.raters", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--votes", metavar="FILE", help="CREMA-D's processedResults/tabulatedVotes.csv, for single "
                                                        "raters (default: the table that ships, the majority)")
    parser.add_argument("--actors", metavar="A,B", help="only these actors, e.g. 1001 (default: all 91)")
    given = parser.parse_args(argv)
    clips = rated(given.votes).values()
    chosen = [c for c in clips if given.actors is None or c.actor in given.actors.split(",")]
    if not chosen:
        raise InputError(f"CREMA-D has no actor {given.actors}; its actors are 1001 to 1091.")
    print(markdown(chosen))


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        raise SystemExit(f"tfg: {error}") from None
