"""How far lips open for each viseme, learned from measured video: an articulation model in the place of a table.

    tfg train articulation --store build/real --out build/articulation

A clip of a store whose words are known gives the times of its phones (`tfg.speech.align`) and the measured gap between
the inner lips. The curves of `tfg.speech.visemes.coarticulate` are what they were; learned are 28 factors: how far each
of 14 visemes opens, and how much it insists among its neighbours. They maximise Pearson's r with the measured gap while
someone speaks, less a penalty for leaving the table. Few numbers, so that a few minutes of video of a few people
suffice.

Every score is of a fold: the factors are learned anew without a person, and tested on that person's clips alone.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from tfg.corpora.store import Store
from tfg.errors import InputError
from tfg.faces.geometry import lip_gap
from tfg.metrics import correlation
from tfg.networks import cards
from tfg.speech.align import NotAligned, align
from tfg.speech.visemes import VISEMES, Articulation, Phone, coarticulate, opening, with_effort

NAME, KINDS = "articulation", ("openness", "insist")
PENALTY = .01
"""Weight of the squared logarithms of the factors against 1 - r."""
ROUND_S = .15
"""Seconds around the words that count as speech: before and after them lips do what nobody can hear."""
MOST = 400
"""Clips that are learned from at most, drawn evenly over a store; more change nothing in 28 factors."""


@dataclass(frozen=True)
class Spoken:
    """A clip with known words.  phones: with effort.  gap: (T,) between the inner lips, eye distances, NaN where no
    face was found.  person: who speaks; one for all clips of a corpus that does not say."""

    phones: list[Phone]
    gap: np.ndarray
    person: str
    id: str

    def curve(self, articulation: Articulation) -> np.ndarray:
        """The opening that these factors play, (T,)."""
        return opening(coarticulate(self.phones, len(self.gap), articulation=articulation))

    def speaks(self) -> np.ndarray:
        """(T,) True within the words and ROUND_S around them, where the gap was measured."""
        t = (np.arange(len(self.gap)) + .5) / 25
        return np.isfinite(self.gap) & (t > self.phones[0].start_s - ROUND_S) & (t < self.phones[-1].stop_s + ROUND_S)


def spoken(store: Store) -> tuple[list[Spoken], list[str]]:
    """The clips of a store whose words are known and can be aligned, and a sentence for each that was left out.

    Raises InputError: nothing is left, or pocketsphinx is missing.
    """
    clips, out = [], []
    for row in store.clips:
        sound = store.wave(row)
        if not row.text or not len(sound):
            out.append(f"{row.id}: its {'words are' if not row.text else 'sound is'} not known")
            continue
        points = store.arrays["points"][row.start:row.stop].astype(np.float32)
        ok = store.arrays["ok"][row.start:row.stop]
        try:
            phones = with_effort(align(sound, row.text), sound)
        except NotAligned as error:
            out.append(f"{row.id}: {error}")
            continue
        gap = np.where(ok, lip_gap(points), np.nan)
        if phones and np.isfinite(gap).sum() > 10:
            clips.append(Spoken(phones, gap, f"{row.corpus}/{row.actor or '?'}", row.id))
    if not clips:
        raise InputError(f"{store.path} has no clip whose words are known; prepare a corpus that tells them "
                         "(crema-d, grid), or name files as it does.")
    return clips, out


def fit(clips: Sequence[Spoken], penalty: float = PENALTY) -> Articulation:
    """The factors that follow these clips best. The same clips give the same factors."""
    from scipy.optimize import minimize

    n = len(VISEMES)
    chosen = [clips[k] for k in np.unique(np.linspace(0, len(clips) - 1, min(len(clips), MOST)).astype(int))]
    seen = [c.speaks() for c in chosen]

    def loss(logs: np.ndarray) -> float:
        factors = of(logs)
        r = [correlation(c.curve(factors)[m], c.gap[m]) for c, m in zip(chosen, seen, strict=True)]
        return 1 - float(np.mean(np.nan_to_num(r))) + penalty * float(logs @ logs)

    found = minimize(loss, np.zeros(2 * n), method="L-BFGS-B", options={"maxiter": 30, "eps": 1e-3},
                     bounds=[(-1.6, 1.6)] * (2 * n))
    return of(found.x)


def of(logs: np.ndarray) -> Articulation:
    """Factors of their logarithms (28,)."""
    both = np.exp(np.asarray(logs, float)).round(4)
    return Articulation(tuple(map(float, both[:len(VISEMES)])), tuple(map(float, both[len(VISEMES):])))


def scores(clips: Sequence[Spoken], articulation: Articulation) -> dict[str, float]:
    """Pearson's r with the measured gap, mean of the clips: over whole clips, and while someone speaks."""
    curves = [c.curve(articulation) for c in clips]
    whole = [correlation(y[m], c.gap[m]) for c, y in zip(clips, curves, strict=True) for m in [np.isfinite(c.gap)]]
    said = [correlation(y[m], c.gap[m]) for c, y in zip(clips, curves, strict=True) for m in [c.speaks()]]
    return {"clips": len(clips), "r": round(float(np.mean(whole)), 3), "r_in_speech": round(float(np.mean(said)), 3)}


def folds(clips: Sequence[Spoken]) -> dict[str, tuple[Articulation, dict]]:
    """For each person the factors learned without their clips, and the scores on these beside the table's."""
    out = {}
    for one in sorted({c.person for c in clips}):
        held, rest = [c for c in clips if c.person == one], [c for c in clips if c.person != one]
        if rest:
            learned = fit(rest)
            out[one] = learned, {"learned from others": scores(held, learned), "table": scores(held, Articulation())}
    return out


def train_articulation(out, *, store, progress: bool = True) -> tuple[None, dict]:
    """Learn the factors from all people of one or more stores, score them person by person, and write
    out/articulation.safetensors, with the factors of each fold, and its card.

    store: folder that `tfg corpora prepare` wrote, or several with commas between.
    Raises InputError: see `spoken`, or no folder was given.
    """
    from safetensors.numpy import save

    clips: list[Spoken] = []
    for folder in str(store).split(","):
        found, skipped = spoken(Store.open(folder.strip()))
        clips += found
        if progress and skipped:
            print(f"{len(skipped)} clips of {folder} are left out, such as {skipped[0]}")
    apart = folds(clips)
    learned = fit(clips)
    arrays = {f"{person}/{kind}": np.array(getattr(one, kind), np.float32)
              for person, one in [("all", learned), *((p, a) for p, (a, _) in apart.items())]
              for kind in KINDS}
    raw = save({name: arrays[name] for name in sorted(arrays)})
    card = {"system": NAME, "task": "factors on the openings and weights of 14 visemes, learned from measured lips",
            "data": {"clips": len(clips), "people": sorted({c.person for c in clips}),
                     "seconds": round(sum(len(c.gap) for c in clips) / 25, 1)},
            "factors": {kind: dict(zip(VISEMES, getattr(learned, kind), strict=True)) for kind in KINDS},
            "penalty": PENALTY, "scored_on": "people whose clips the factors of that fold never saw",
            "scores": {person: s for person, (_, s) in apart.items()} | {"all, learned from": scores(clips, learned)},
            "licence": "Factors: Apache-2.0. Learned from the clips named in data, whose licences count too.",
            "command": "tfg train articulation --store STORE --out DIR"}
    cards.write(out, NAME, ".safetensors", raw, card)
    return None, card


@lru_cache(maxsize=4)
def load(folder=None, without: str | None = None) -> Articulation:
    """The learned factors. folder: None for those that ship.  without: a person, "crema_d/1001", for the factors of the
    fold that never saw that person.  Raises InputError: no such files, or person."""
    from tfg import paths

    folder, again = paths.data(NAME) if folder is None else folder, "tfg train articulation --help"
    raw, _ = cards.read(folder, NAME, ".safetensors", again=again)
    arrays = cards.tensors(raw, f"{folder}/{NAME}.safetensors", again=again, numpy=True)
    person = "all" if without is None else without
    found = [np.asarray(arrays.get(f"{person}/{kind}", ()), float) for kind in KINDS]
    if any(x.shape != (len(VISEMES),) or not (np.isfinite(x).all() and (x > 0).all()) for x in found):
        people = sorted({name.rpartition("/")[0] for name in arrays})
        raise InputError(f"{folder} holds no factors {person!r}, only {', '.join(people)}: {again}")
    return Articulation(*(tuple(float(v) for v in x) for x in found))
