"""The cast of a set of virtual actors, and the plan of its clips: sentence, emotion and level of each.

A set is a function of a few numbers: `cast` names its members, `plan` its clips, and both return the same for the same
arguments, anywhere. `tfg.actors.make` then makes the clips.

Members are numbered split by split (train, val, test, judge), and within a split those with a built face come before
those with a photographed one. Judges, which score the systems that others train, learn from the split `judge` alone.
"""
from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tfg.actors.photos import SHIPPED, SPLITS, Tiles, named, person_of, photo_path, split_of
from tfg.actors.take_name import TEXT_CODE, take_name
from tfg.errors import InputError
from tfg.vocabulary import EMOTIONS, SENTENCES

PROFILES = {
    "ci": dict(actors=3, portraits=1, photos=(SHIPPED + "default.jpg",), clips=2, size=64),       # seconds, offline
    "cpu": dict(actors=72, portraits=36, photos=(), clips=12, size=128),                          # minutes
    "gpu": dict(actors=400, portraits=160, photos=(), clips=36, size=256),                        # hours
}
"""Profile -> number of actors; number of portraits among them; their photos (none listed: faces of SFHQ); clips of each
actor; side of a frame in px. The course trains on `cpu`."""
LEVELS = ("LO", "MD", "HI")
"""Levels of a clip with an emotion: low, medium, high."""
NO_LEVEL = "XX"
"""Level of a neutral clip, as in CREMA-D: it has no strength."""
_STREAMS = {"faces": 11, "plan": 13, "texts": 17}


@dataclass(frozen=True)
class Member:
    """An actor of a set. name: such as V001.  kind: "virtual" or "portrait".  seed: seed of face and voice.  split: a
    key of `SPLITS`.  photo: of a portrait, as `tfg.actors.photos.SFHQ` says; else None."""

    name: str
    kind: str
    seed: int
    split: str
    photo: str | None = None


@dataclass(frozen=True)
class Planned:
    """A clip that is to be made. actor: a member's name.  sentence: a code of `tfg.vocabulary.SENTENCES`, or TXT with
    the sentence in `text` (else None).  take: number that distinguishes clips of different texts."""

    actor: str
    sentence: str
    emotion: str
    level: str
    text: str | None = None
    take: int = 1

    @property
    def name(self) -> str:
        """Name of the clip in CREMA-D's format, such as V001_DFA_HAP_HI, with the take's number from the second on."""
        return take_name(self.actor, self.sentence, self.emotion, self.level, self.take)


def profile(name: str) -> dict:
    """Sizes of a profile, a copy of its entry in `PROFILES`. Raises InputError for an unknown one."""
    if name not in PROFILES:
        raise InputError(f"unknown profile {name!r}; choose one of {', '.join(PROFILES)}.")
    return dict(PROFILES[name])


def members(profile_name: str = "cpu", *, actors: int | None = None, portraits: int | None = None,
            photos: Sequence[str | os.PathLike] = (), seed: int = 0) -> list[Member]:
    """The cast of a profile; numbers that are given replace the profile's.

    photos, seed, and errors: as in `cast`. Photos without a number of actors are the whole cast.
    """
    sizes = profile(profile_name)
    if photos and actors is None:
        actors = max(len(photos), portraits or 0)
    if actors is None:
        actors, portraits = sizes["actors"], sizes["portraits"] if portraits is None else portraits
    if not photos and portraits != 0:
        photos = sizes["photos"][:actors]
        portraits = min(sizes["portraits"], actors) if photos and portraits is None else portraits
    return cast(actors, portraits, photos=photos, seed=seed)


def cast(actors: int, portraits: int | None = None, *, photos: Sequence[str | os.PathLike] = (), seed: int = 0) -> \
        list[Member]:
    """The members of a set, in the order of their names.

    actors: number of members.  portraits: number of photos among them (None: half, rounded down; if `photos` are given,
    as many as those).  photos: files that become the first portraits; the others are faces of SFHQ, drawn by the seed
    from those that `tfg.actors.portrait.suitable` accepts and data/sfhq/splits.csv assigns to the same split, one for
    each person. A file that is named like a tile of SFHQ goes into that tile's split, whatever its place.
    Raises InputError for numbers that do not fit together, a missing photo, a person who comes twice, or too few faces.
    """
    portraits = (len(photos) or actors // 2) if portraits is None else portraits
    if not 1 <= actors <= 999:
        raise InputError(f"a set has 1 to 999 actors, not {actors}.")
    if not 0 <= portraits <= actors or len(photos) > portraits:
        raise InputError(f"{len(photos)} photos and {portraits} portrait actors were asked for among {actors} actors; "
                         "give at least as many actors as portraits, and as many portraits as photos.")
    if seed < 0:
        raise InputError(f"the seed is {seed}; give 0 or more.")
    own = [named(photo) for photo in photos]
    people = [person_of(photo) for photo in own]
    for k, person in enumerate(people):
        if person in people[:k]:
            raise InputError(f"{photos[k]} and {photos[people.index(person)]} show the same person, who would be two "
                             "actors of the set; give each photo once.")
    many = apportion(actors, SPLITS)
    faces = apportion(portraits, many)
    draw = Tiles(seed, without=people) if portraits > len(own) else None
    members: list[Member] = []
    for split, n in many.items():
        for k in range(n):
            number = len(members) + 1
            kind = "virtual" if k < n - faces[split] else "portrait"
            photo = None
            if kind == "portrait" and own:
                photo = own.pop(0)
            elif kind == "portrait" and draw:
                photo = draw.next(split)
            members.append(Member(f"V{number:03d}", kind, actor_seed(seed, split, k), split_of(photo, split), photo))
    return members


def actor_seed(seed: int, split: str, k: int) -> int:
    """Seed of the k-th actor of a split, 32 bits. It does not depend on the number of actors: no test actor of a
    small set is a training actor of a larger set with the same seed."""
    return int(np.random.default_rng([seed, _STREAMS["faces"], list(SPLITS).index(split), k]).integers(1 << 32))


def apportion(n: int, shares: dict[str, int]) -> dict[str, int]:
    """Divide n in proportion to integer shares by largest remainders (the first of equal ones); the sum is n."""
    total = sum(shares.values())
    out = {k: n * s // total for k, s in shares.items()}
    rest = sorted(shares, key=lambda k: -(n * shares[k] % total))
    for k in rest[:n - sum(out.values())]:
        out[k] += 1
    return out


def varied(n: int, seed: int = 0) -> list[str]:
    """n different sentences of everyday English, for training sets that need more than CREMA-D's twelve."""
    from tfg.speech.texts import english

    rng = np.random.default_rng([seed, _STREAMS["texts"]])
    texts: dict[str, None] = {}
    while len(texts) < n:
        texts[english(rng)] = None
    return list(texts)


def plan(members: Sequence[Member], clips: int = 12, *, emotions: Sequence[str] = EMOTIONS,
         text: str | Sequence[str] | None = None, seed: int = 0) -> list[Planned]:
    """Plan the clips of all members, `clips` of each, actor by actor.

    The plan is balanced. With 12 clips of six emotions, each actor speaks all 12 sentences and shows each emotion
    twice, and no emotion twice at the same level (NEU has only XX). Any 6 actors in a row who begin at the 1st, 7th,
    13th, ... have each pair (sentence, emotion) once; any such 18 have each triple (sentence, emotion, level) once. So
    over 72 actors each triple comes 4 times, and over any split the counts of pairs differ by at most one. With other
    numbers the counts are as even as this order allows.
    text: one text, or several, that replace the twelve sentences; they are distinguished as takes of TXT.
    Raises InputError for an unknown emotion, no clip, or more clips than there are different ones.
    """
    emotions, sentences = _emotions(emotions), tuple(SENTENCES) if text is None else _texts(text)
    most = most_clips(emotions, text)
    if not 1 <= clips <= most:
        raise InputError(f"{clips} clips of an actor were asked for; there are 1 to {most} different ones of "
                         f"{len(sentences)} sentence{'s'[:len(sentences) > 1]} and {len(emotions)} emotions.")
    return [p for k, member in enumerate(members)
            for p in _clips_of(member, k, clips, sentences, emotions, text is not None, seed)]


def _texts(text: str | Sequence[str]) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


def most_clips(emotions: Sequence[str] = EMOTIONS, text: str | Sequence[str] | None = None) -> int:
    """Number of different clips of an actor: one for each sentence, emotion and level."""
    sentences = len(SENTENCES) if text is None else len(_texts(text))
    return sentences * sum(1 if e == "NEU" else len(LEVELS) for e in _emotions(emotions))


def _emotions(emotions: Sequence[str]) -> tuple[str, ...]:
    from tfg.acting.emotion import check_emotion

    return tuple(dict.fromkeys(check_emotion(e) for e in emotions))


def _clips_of(member: Member, k: int, clips: int, sentences, emotions, texts: bool, seed: int) -> list[Planned]:
    """Clips of the k-th member by a Latin square: each actor shifts emotions against sentences by one, and each block
    of as many actors as emotions shifts the levels."""
    S, E = len(sentences), len(emotions)
    block, turn = divmod(k, E)
    order = np.random.default_rng([seed, _STREAMS["plan"], block // len(LEVELS)]).permutation(S)
    again = S % E == 0                                  # a sentence's second round must meet another emotion
    out: dict[str, Planned] = {}
    met: Counter = Counter()
    start = clips * block % S if clips % S else 0       # fewer clips than sentences: the next actors take others
    j = start - 1
    while len(out) < clips:
        j += 1
        s, e = j % S, (j + turn + (j // S if again else 0)) % E
        level = NO_LEVEL if emotions[e] == "NEU" else LEVELS[(s + e + s // E + block + met[s, e]) % len(LEVELS)]
        met[s, e] += 1
        sentence = sentences[order[s]]
        made = Planned(member.name, TEXT_CODE if texts else sentence, emotions[e], level, sentence if texts else None,
                       int(order[s]) + 1 if texts else 1)
        out.setdefault(made.name, made)
    return list(out.values())


def build(member: Member, size: int = 128):
    """Build the `tfg.actors.actor.Actor` of a member, with frames of size x size px.

    Of several faces on a photo, the largest is used.  Raises InputError where the photo is missing or shows no face.
    """
    if member.photo is None:
        from tfg.actors.identity import Identity
        from tfg.actors.virtual import VirtualActor

        return VirtualActor(Identity.from_seed(member.seed), name=member.name, size=size)
    import warnings

    from tfg.actors.portrait import PortraitActor

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"\d+ faces found")       # it names --face, which `tfg actors` lacks
        return PortraitActor.from_image(photo_path(member.photo), name=member.name, size=size, seed=member.seed)
