"""Two studies of `deformable`: a face of one emotion with a voice of another, and movements of several seeds.

    python -m tfg.systems.deformable.study --store build/store --out build/mismatch.json

Mismatch (Eskimez et al. 2021, sec. V): does who watches follow the face or the voice? The judge here is the emotion
judge (`tfg.experts.emotion.judge`), which sees landmarks of the drawn face alone and was trained on other people. A
generator that took its emotion from the sound would make it name the voice's.
"""
from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from tfg.errors import InputError
from tfg.metrics import stats
from tfg.systems.base import Footage, Speech
from tfg.vocabulary import EMOTIONS


@dataclass(frozen=True)
class Case:
    """A voice and a face that shall speak with it.  actor: name.  photo: (S, S, 3) uint8 crop.  audio: (N,) at 16 kHz.
    voice: the emotion of the sound."""

    actor: str
    photo: np.ndarray
    audio: np.ndarray
    voice: str


@dataclass(frozen=True)
class Verdict:
    """What the judge said of one film.  voice, face: the emotions of the sound and of what was asked for."""

    actor: str
    voice: str
    face: str
    said: str


def cases_of(store, splits=None, split: str = "test", *, most: int | None = None) -> Iterator[Case]:
    """Clips of a store whose person has a neutral clip besides, for the photo; `most` of each person."""
    from tfg.corpora.splits import Splits

    splits = Splits.of_store(store) if splits is None else splits.for_store(store)
    rows = splits.select(store.clips, split, purpose="evaluate")
    used: dict[tuple[str, str], int] = {}
    for row in rows:
        key = row.corpus, row.actor
        calm = next((r for r in rows if (r.corpus, r.actor) == key and r.emotion == "NEU" and r.id != row.id), None)
        if calm is None or row.emotion not in EMOTIONS or used.get(key, 0) == most:
            continue
        used[key] = used.get(key, 0) + 1
        yield Case(f"{row.corpus}/{row.actor}", store.frame(calm.start), store.wave(row), row.emotion)


def mismatch(cases: Sequence[Case] | Iterator[Case], *, faces: Sequence[str] = EMOTIONS, checkpoint=None,
             judge: Callable[[np.ndarray], str] | None = None, noise_seed: int = 0) -> list[Verdict]:
    """Draw each voice with each of the faces' emotions, and ask the judge.

    judge: function of frames (T, S, S, 3) uint8 -> the emotion's code; None: the emotion judge that ships.
    """
    from tfg.systems.deformable.act import prepare
    from tfg.systems.deformable.options import DeformableOptions

    judge, out = judge or _shipped(), []
    for case in cases:
        for face in faces:
            options = DeformableOptions(emotion=face, noise_seed=noise_seed, checkpoint=checkpoint)
            take = prepare(Footage(case.photo[None], case.photo), Speech(case.audio), options)
            out.append(Verdict(case.actor, case.voice, face, judge(np.stack(list(take.frames)))))
    return out


def summary(verdicts: Sequence[Verdict]) -> dict:
    """Shares of films whose judged emotion is the face's and the voice's, where the two differ, with intervals over
    actors, and of those where they agree; faces: {emotion of the face: {judged: share}}.

    Raises InputError without a film in which they differ.
    """
    apart = [v for v in verdicts if v.voice != v.face]
    if not apart:
        raise InputError("in no film do face and voice differ; give cases of several emotions.")
    agree = [v for v in verdicts if v.voice == v.face]
    who = [v.actor for v in apart]
    out: dict = {"films": len(verdicts), "apart": len(apart),
                 "follows_face": asdict(stats.mean([v.said == v.face for v in apart], who)),
                 "follows_voice": asdict(stats.mean([v.said == v.voice for v in apart], who)),
                 "face_less_voice": asdict(stats.paired([v.said == v.face for v in apart],
                                                        [v.said == v.voice for v in apart], who))}
    if agree:
        out["agree"] = asdict(stats.mean([v.said == v.face for v in agree], [v.actor for v in agree]))
    out["faces"] = {face: {said: float(np.mean([v.said == said for v in verdicts if v.face == face]))
                           for said in EMOTIONS} for face in dict.fromkeys(v.face for v in verdicts)}
    return out


def diversity(photo: np.ndarray, audio: np.ndarray, *, seeds: Sequence[int] = (0, 1, 2, 3), emotion: str = "NEU",
              checkpoint=None) -> dict[str, float]:
    """How far films of one sound by several seeds are apart.  photo: (S, S, 3) uint8 crop.  audio: (N,) at 16 kHz.

    apart: mean |difference| of two films, 0..1.  share: of how far the frames of a film are apart from its first.
    """
    from tfg.systems.deformable.act import prepare
    from tfg.systems.deformable.options import DeformableOptions

    films = []
    for seed in seeds:
        take = prepare(Footage(photo[None], photo), Speech(audio),
                       DeformableOptions(emotion=emotion, noise_seed=seed, checkpoint=checkpoint))
        films.append(np.stack(list(take.frames)).astype(np.float32) / 255)
    pairs = [np.abs(a - b).mean() for k, a in enumerate(films) for b in films[k + 1:]]
    moved = np.mean([np.abs(film - film[:1]).mean() for film in films])
    return {"apart": float(np.mean(pairs)), "share": float(np.mean(pairs) / max(moved, 1e-9))}


def _shipped() -> Callable[[np.ndarray], str]:
    from tfg.experts.emotion.judge import load_judge_emotion

    judge, _ = load_judge_emotion()
    return lambda frames: EMOTIONS[int(np.argmax(judge.of_frames(frames)))]


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line: print the mismatch table of a store's test people, and write it."""
    import argparse

    from tfg.corpora.store import Store
    from tfg.files import atomic

    p = argparse.ArgumentParser(prog="python -m tfg.systems.deformable.study", description=__doc__.split("\n")[0])
    p.add_argument("--store", required=True, metavar="DIR", help="prepared clips with sound")
    p.add_argument("--split", default="test", metavar="NAME", help="whose clips (default: test)")
    p.add_argument("--most", type=int, metavar="N", help="clips of each person (default: all)")
    p.add_argument("--checkpoint", metavar="DIR", help="folder of the generator (default: the one that ships)")
    p.add_argument("--out", metavar="FILE", help="write the numbers there, too (.json)")
    given = p.parse_args(arguments)
    found = summary(mismatch(cases_of(Store.open(given.store), split=given.split, most=given.most),
                             checkpoint=given.checkpoint))
    for name in ("follows_face", "follows_voice", "face_less_voice", "agree"):
        if name in found:
            print(f"{name:16} {stats.Mean(**found[name])}")
    if given.out:
        with atomic(Path(given.out)) as path:
            path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
