"""The matrix of the lab: for each score and defect whether it moves, how far, how steadily, and from which dose on.

A score is held against its declaration in `tfg.scores.lab.columns`. Differences are paired with the unbroken film of
the same clip, and their 95 % intervals draw actors, not clips (`tfg.metrics.stats.paired`).
"""
from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tfg.metrics.stats import FEWEST, Mean, mean, paired
from tfg.scores.lab.columns import LAB_SCORES
from tfg.scores.lab.defects import DEFECTS

STEADY = .5
"""Least mean rank correlation with the dose of a score that sees its defect."""
LITTLE, MUCH = .1, .5
"""Shares of the effect of a score's own defect: an effect of another defect below the first is not worth a word, one
above the second is as large as what the score is for, and the score is marked."""
WORDS = ("ok", "uneven", "blind", "wrong way", "may", "still", "moved", "too few", "none")


@dataclass(frozen=True)
class Cell:
    """One score under one defect.

    word: "ok" (it sees what it should, steadily), "uneven" (it sees it, but not the more the stronger), "blind",
    "wrong way"; "may" (it may move or not); "still" (no move seen, or below LITTLE), "moved" (it should not);
    "too few" (below three actors there is no interval); "none" (nothing was measured).
    differences: of each dose but none, against none.  rho: mean rank correlation of score and dose in a clip.  sds: the
    strongest dose's difference in standard deviations between unbroken clips.  share: the same over the largest effect
    of the score's own defects.  least: number of the smallest dose from which on all are told from none, or None.
    """

    word: str
    differences: tuple[Mean | None, ...]
    rho: Mean | None
    sds: float
    share: float
    least: int | None


@dataclass
class Lab:
    """All records of a run.  defects: names.  values: clip -> (defect, dose number) -> score -> value; the unbroken
    film is ("none", 0).  features: likewise -> (N, P).  true: clip -> (T, P), every frame of the true film.
    people: clip -> actor."""

    defects: tuple[str, ...]
    values: dict[str, dict[tuple[str, int], dict[str, float]]] = field(default_factory=dict)
    features: dict[str, dict[tuple[str, int], np.ndarray]] = field(default_factory=dict)
    true: dict[str, np.ndarray] = field(default_factory=dict)
    people: dict[str, str] = field(default_factory=dict)
    card: dict = field(default_factory=dict)
    _kept: dict = field(default_factory=dict, repr=False)

    def add(self, clip: str, actor: str, defect: str, scores: dict[int, dict], features: dict[str, np.ndarray]) -> None:
        """Enter one record, as `run.read` returns it."""
        self.people[clip] = actor
        self.values.setdefault(clip, {}).update({(defect, k): v for k, v in scores.items()})
        for k, x in features.items():
            if k == "true":
                self.true[clip] = x
            else:
                self.features.setdefault(clip, {})[defect, int(k)] = x

    @property
    def clips(self) -> tuple[str, ...]:
        """Names of the clips."""
        return tuple(self.people)

    def column(self, score: str, defect: str = "none", dose: int = 0) -> np.ndarray:
        """Values of a score, one for each clip, NaN where there is none."""
        at = ("none", 0) if dose == 0 else (defect, dose)
        return np.array([self.values[c].get(at, {}).get(score, np.nan) for c in self.clips])

    # ---- cells ----
    def difference(self, score: str, defect: str, dose: int) -> Mean | None:
        """Mean paired difference of a dose against none, None where no clip has both."""
        key = score, defect, dose
        if key not in self._kept:
            if score == "face_fid":
                self._kept[key] = self.fid_difference(defect, dose)
            else:
                a, b = self.column(score, defect, dose), self.column(score)
                both = np.isfinite(a - b)
                self._kept[key] = paired(a, b, list(self.people.values())) if both.any() else None
        return self._kept[key]

    def rho(self, score: str, defect: str) -> Mean | None:
        """Mean over clips of Spearman's rank correlation of score and dose; 0 where a clip's score does not change."""
        if score == "face_fid":
            values = [0.0] + [d.value for k in range(1, len(DEFECTS[defect].doses))
                              if (d := self.difference(score, defect, k))]
            r = spearman(np.array(values))
            return None if len(values) < 3 else Mean(r, float("nan"), float("nan"), len(self.clips), 1)
        table = np.stack([self.column(score, defect, k) for k in range(len(DEFECTS[defect].doses))], 1)
        found = [spearman(row) for row in table]
        return mean(found, list(self.people.values())) if np.isfinite(found).any() else None

    def cell(self, score: str, defect: str) -> Cell:
        """One cell of the matrix, computed once."""
        if (score, defect) not in self._kept:
            self._kept[score, defect] = self._cell(score, defect)
        return self._kept[score, defect]

    def _cell(self, score: str, defect: str) -> Cell:
        its = LAB_SCORES[score]
        n = len(DEFECTS[defect].doses)
        found = tuple(self.difference(score, defect, k) for k in range(1, n))
        last, rho = found[-1], self.rho(score, defect)
        if last is None:
            return Cell("none", found, rho, float("nan"), float("nan"), None)
        own, spread = self.own_effect(score), np.nanstd(self.column(score)) if score != "face_fid" else float("nan")
        sds = float(last.value / spread) if spread > 1e-9 else float("nan")
        share = abs(last.value) / own if own > 1e-12 else float("nan")
        least = smallest(found)
        if not np.isfinite(last.low):
            word = "too few"
        elif defect in its.sees:
            way = its.sees[defect]
            steady = rho is not None and rho.value * way >= STEADY
            right = "ok" if steady else "uneven"
            word = "blind" if not told(last) else right if last.value * way > 0 else "wrong way"
        elif defect in its.may:
            word = "may"
        else:
            word = "moved" if told(last) and not share < LITTLE else "still"
        return Cell(word, found, rho, sds, float(share), least)

    def own_effect(self, score: str) -> float:
        """Largest effect of the strongest dose of the defects that a score should see, of those run; NaN if none."""
        ends = [self.difference(score, d, len(DEFECTS[d].doses) - 1) for d in LAB_SCORES[score].sees
                if d in self.defects]
        return max((abs(m.value) for m in ends if m is not None), default=float("nan"))

    @property
    def matrix(self) -> dict[str, dict[str, Cell]]:
        """Score -> defect -> cell."""
        return {s: {d: self.cell(s, d) for d in self.defects} for s in LAB_SCORES}

    def marked(self, score: str) -> list[str]:
        """Reasons why a score must not be read alone, as texts; empty for a score that does what it declares."""
        out = []
        for defect in self.defects:
            c = self.cell(score, defect)
            if c.word in ("blind", "wrong way", "uneven"):
                out.append(f"{c.word}: {defect}")
            elif c.word == "moved" and not c.share < MUCH:
                out.append(f"moved: {defect}")
        return out

    # ---- face-FID ----
    def fid(self, defect: str, dose: int, without: str | None = None) -> float:
        """face-FID of a dose's frames against the true ones of the same clips, NaN where there are too few.  without:
        an actor who is left out."""
        from tfg.scores.face_distance import frechet

        at = ("none", 0) if dose == 0 else (defect, dose)
        clips = [c for c in self.clips if at in self.features.get(c, {}) and self.people[c] != without]
        if not clips:
            return float("nan")
        a, b = (np.concatenate(x) for x in ([self.features[c][at] for c in clips],
                                            [self.true[c] for c in clips]))
        return frechet(a, b).value if 0 < a.shape[1] < min(len(a), len(b)) else float("nan")

    def fid_difference(self, defect: str, dose: int) -> Mean | None:
        """face-FID of a dose less that of the unbroken films, with the jackknife's 95 % interval over actors."""
        from scipy.stats import t

        def less(without=None):
            key = "fid none", without
            if key not in self._kept:
                self._kept[key] = self.fid("none", 0, without)
            return self.fid(defect, dose, without) - self._kept[key]

        value, actors = less(), sorted(set(self.people.values()))
        if not np.isfinite(value):
            return None
        n, half = len(actors), float("nan")
        if n >= FEWEST:
            each = np.array([less(actor) for actor in actors])
            half = float(t.ppf(.975, n - 1) * np.sqrt((n - 1) / n * ((each - each.mean()) ** 2).sum()))
        return Mean(float(value), value - half, value + half, len(self.clips), n)


def told(m: Mean | None) -> bool:
    """Whether a difference's interval is without 0."""
    return m is not None and (m.low > 0 or m.high < 0)


def smallest(found: tuple[Mean | None, ...]) -> int | None:
    """Number (from 1) of the smallest dose from which on all are told from none in the same direction; None if the
    strongest is not."""
    out = None
    for k in range(len(found), 0, -1):
        m = found[k - 1]
        if m is None or not told(m) or m.value * found[-1].value < 0:       # type: ignore[union-attr]
            break
        out = k
    return out


def spearman(values: np.ndarray) -> float:
    """Rank correlation of values (D,) with 0, 1, 2 ..; 0 where they are all the same, NaN if fewer than three are
    finite."""
    from scipy.stats import rankdata

    known = np.isfinite(values)
    if known.sum() < 3:
        return float("nan")
    ranks, order = rankdata(values[known]), np.arange(len(values))[known]
    return float(np.corrcoef(ranks, order)[0, 1]) if ranks.std() > 0 else 0.0


# ---- bias of the Frechet distance ---------------------------------------------------------------------------------
def halves(features: np.ndarray, *, axes: int = 40, seed: int = 0, draws: int = 5) -> dict:
    """Frechet distance of two random sets of the same frames against their size N, (a distance of 0 in truth).

    features: (M, P).  axes: the features are reduced to so many principal axes of all frames, so that the small sets of
    a lab have more frames than features.
    Returns n (numbers of frames on each side), value (their mean distances), and infinite: the straight line in 1 / N
    at 1 / N = 0 (FID-infinity: Chong and Forsyth 2020, on fewer sizes); n is empty if M is small.
    """
    from tfg.scores.face_distance import frechet

    axes = min(axes, features.shape[1])
    most, least = len(features) // 2, axes + 20
    if axes == 0 or most < least + 20:
        return {"n": [], "value": [], "infinite": None, "axes": axes}
    centred = np.asarray(features, np.float64) - features.mean(0)
    features = centred @ np.linalg.eigh(centred.T @ centred)[1][:, -axes:]
    sizes = np.unique(np.round(1 / np.linspace(1 / least, 1 / most, 6)).astype(int))
    rng = np.random.default_rng([seed, 61])
    value = []
    for n in sizes:
        drawn = [rng.permutation(len(features))[:2 * n] for _ in range(draws)]
        value.append(float(np.mean([frechet(features[d[:n]], features[d[n:]]).value for d in drawn])))
    slope, at_zero = np.polyfit(1 / sizes, value, 1)
    return {"n": [int(n) for n in sizes], "value": value, "infinite": float(at_zero), "axes": axes}
