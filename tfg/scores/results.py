"""Results of a scoring run: a record for each clip and row, and means, intervals and differences of them."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tfg.metrics.stats import Mean, mean, paired, verdict
from tfg.scores.columns import DRAWN, SCORES
from tfg.scores.judges import PUBLISHED
from tfg.vocabulary import EMOTIONS

GROUPS = {"all": ("virtual", "portrait"), "virtual": ("virtual",), "portrait": ("portrait",), "real": ("real",)}
"""Groups of clips that are averaged together, by kind. Real clips are never mixed with made ones."""


@dataclass
class Scores:
    """All records of a run.

    clips: a dict for each clip and row (clip, actor, kind, emotion, level, row, and a number for each score, NaN or
    absent where it is not defined).  task: of TASKS, the system's.  masked: whether it gives a mask of its
    drawing.  refused: id of a clip that the system refused -> its reason; such a clip is in no row.  own: for each clip
    the scores of the judges and the meter on the truth.  curves: row -> D(s) of each clip, (31,).  features: row -> (n,
    P) of each clip, for face-FID; None in either where the row lacks the clip.  pictures: frames of a few clips.
    card: settings to repeat the run.
    """

    system: str
    rows: tuple[str, ...]
    judges: Any = None
    task: str = "film"
    masked: bool = False
    refused: dict[str, str] = field(default_factory=dict)
    clips: list[dict] = field(default_factory=list)
    own: list[dict] = field(default_factory=list)
    curves: dict[str, list[np.ndarray | None]] = field(default_factory=dict)
    features: dict[str, list[np.ndarray | None]] = field(default_factory=dict)
    pictures: list[dict] = field(default_factory=list)
    card: dict = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """Keys of SCORES in the run's tables."""
        return tuple(key for key in SCORES if self.masked or key not in DRAWN)

    def defined(self, row: str, score: str) -> bool:
        """Whether a score is defined for a row."""
        return SCORES[score].defined(row, self.task)

    # ---- groups ----
    @property
    def groups(self) -> tuple[str, ...]:
        """The groups that have clips; "all" only where it is more than one kind."""
        kinds = {c["kind"] for c in self.own}
        return tuple(g for g, members in GROUPS.items()
                     if kinds & set(members) and (len(members) == 1 or len(kinds & set(members)) > 1))

    def _group(self, group: str | None) -> tuple[str, ...]:
        if group is None:
            group = self.groups[0]
        if group not in GROUPS:
            raise ValueError(f"there is no group {group!r}: choose one of {', '.join(GROUPS)}")
        return GROUPS[group]

    def where(self, row: str | None = None, group: str | None = None, **labels) -> list[dict]:
        """The records of a row (None: of the judges' own, one a clip) in a group, e.g. with level="HI"."""
        kinds = self._group(group)
        return [c for c in (self.own if row is None else self.clips) if c["kind"] in kinds
                and (row is None or c["row"] == row) and all(c[k] == v for k, v in labels.items())]

    def n(self, group: str | None = None) -> tuple[int, int]:
        """Numbers of clips and of actors in a group."""
        mine = self.where(None, group)
        return len(mine), len({c["actor"] for c in mine})

    # ---- numbers ----
    def summary(self, row: str, score: str, group: str | None = None, **labels) -> Mean | None:
        """Mean over actors of a score with its interval, None where no clip has it."""
        mine = self.where(row, group, **labels)
        return _mean([c.get(score, np.nan) for c in mine], [c["actor"] for c in mine])

    def undefined(self, row: str, score: str, group: str | None = None) -> int:
        """Number of the row's clips without a finite value of a score."""
        return sum(not np.isfinite(c.get(score, np.nan)) for c in self.where(row, group))

    def difference(self, score: str, other: str, row: str | None = None, group: str | None = None) -> Mean | None:
        """Mean paired difference row - other (row None: the system), None where there is none.

        Lips that do not move have no correlation; here they count as r = 0, as a still picture does not follow the
        truth.
        """
        a, b = ({c["clip"]: c for c in self.where(name, group)} for name in (row or self.system, other))
        both = [k for k in a if k in b]
        if not both:
            return None
        left, right = (np.array([value_of(side[k], score) for k in both]) for side in (a, b))
        left[~np.isfinite(left)] = right[~np.isfinite(right)] = np.nan          # inf: equal to the truth
        if not np.isfinite(left - right).any():
            return None
        return paired(left, right, [a[k]["actor"] for k in both])

    def fid(self, row: str, group: str | None = None) -> tuple[float, int]:
        """face-FID of a row's frames against the true ones, NaN if there are too few for its features; and the number
        of frames: the distance is biased upwards where they are few."""
        from tfg.scores.face_distance import frechet

        kinds = self._group(group)
        chosen = [k for k, c in enumerate(self.own) if c["kind"] in kinds]
        if row not in self.features or not chosen:
            return float("nan"), 0
        chosen = [k for k in chosen if self.features[row][k] is not None]
        if not chosen:
            return float("nan"), 0
        drawn, true = (np.concatenate([self.features[r][k] for k in chosen]) for r in (row, "true"))
        if len(true) <= true.shape[1]:
            return float("nan"), len(true)
        return frechet(drawn, true).value, len(true)

    def curve(self, row: str, group: str | None = None) -> np.ndarray | None:
        """Mean D(s) over actors, (31,); NaN at shifts for which all clips are too short."""
        import warnings

        kinds = self._group(group)
        by_actor: dict[str, list] = {}
        for c, curve in zip(self.own, self.curves.get(row, [])):
            if c["kind"] in kinds and curve is not None:
                by_actor.setdefault(c["actor"], []).append(curve)
        if not by_actor:
            return None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)        # all NaN: stays NaN
            return np.nanmean([np.nanmean(c, 0) for c in by_actor.values()], 0)

    def confusion(self, row: str, group: str | None = None, **labels) -> np.ndarray:
        """Counts of clips, (6, 6): row = emotion asked for, column = emotion named."""
        out = np.zeros((len(EMOTIONS), len(EMOTIONS)), int)
        for c in self.where(row, group, **labels):
            if c.get("named") in EMOTIONS:
                out[EMOTIONS.index(c["emotion"]), EMOTIONS.index(c["named"])] += 1
        return out

    # ---- the judges themselves ----
    def judged(self, group: str | None = None) -> dict[str, Mean | None]:
        """Accuracy of the judges and of the meter on the true clips of a group.

        shifts: share of known shifts of the true sound that the sync judge finds within a frame.  emotion, emotion_HI:
        share of true clips whose emotion is named, of all and of those at HI; emotion_NAME,
        emotion_NAME_HI: the same of the published judges.  identity: share of clips nearer to their
        actor's other clips than to anybody else's.  lmd_mouth, lmd_face, aperture_r: measured landmarks against the
        store's own.
        """
        mine = self.where(None, group)
        actors = [c["actor"] for c in mine]
        out = {"shifts": _mean([c.get("shifts", np.nan) for c in mine], actors)}
        out |= {"emotion": self.summary("true", "accuracy", group),
                "emotion_HI": self.summary("true", "accuracy", group, level="HI")}
        for name in PUBLISHED:
            out |= {f"emotion_{name}": self.summary("true", f"accuracy_{name}", group),
                    f"emotion_{name}_HI": self.summary("true", f"accuracy_{name}", group, level="HI")}
        out["identity"] = _mean(_known_again(mine), actors)
        return out | {k: _mean([c["meter"][k] for c in mine], actors) for k in ("lmd_mouth", "lmd_face", "aperture_r",
                                                                               "found")}


def value_of(record: dict, score: str) -> float:
    """A record's score for paired comparisons: NaN where there is none, and 0 for the r of lips that do not move."""
    value = record.get(score, np.nan)
    if score == "aperture_r" and not np.isfinite(value) and not record["moves"] and record["found"] > 0:
        return 0.0
    return value


def _mean(values, actors) -> Mean | None:
    return mean(values, actors) if np.isfinite(np.asarray(values, float)).any() else None


def _known_again(own: list[dict]) -> list[float]:
    """For each clip 1 if its identity is nearer to the mean of its actor's other clips than to that of any other actor,
    else 0; NaN where its actor has no other clip."""
    def unit(x):
        return x / np.linalg.norm(x)

    out = []
    for k, c in enumerate(own):
        near: dict = {}
        for j, other in enumerate(own):
            if j != k and other["person"] is not None:
                near.setdefault(other["actor"], []).append(other["person"])
        if c["person"] is None or c["actor"] not in near or len(near) < 2:
            out.append(np.nan)
            continue
        likeness = {actor: float(unit(c["person"]) @ unit(np.mean(people, 0))) for actor, people in near.items()}
        out.append(float(max(likeness, key=likeness.__getitem__) == c["actor"]))
    return out


def better(score: str, difference: Mean | None) -> str:
    """Verdict of a paired difference: "better", "worse" or "no difference seen"."""
    way = SCORES[score].better
    if difference is None or way == 0:
        return "too few actors"
    return verdict(difference, ("better", "worse") if way > 0 else ("worse", "better"))
