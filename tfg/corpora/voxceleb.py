"""VoxCeleb 1 and 2: celebrities in interviews, more than 7,000 speakers; no sentences, no emotions.

Source: https://www.robots.ox.ac.uk/~vgg/data/voxceleb (Nagrani, Chung & Zisserman 2017; Chung, Nagrani & Zisserman
2018).  Licence: the lists and labels are CC BY 4.0; the clips belong to the owners of the videos on YouTube and are
given to researchers on request. These are real people who gave no consent: the course shows none of them.  Layout:

    dev/mp4/id00012/21Uxsk56VDQ/00001.mp4     VoxCeleb2, 224 x 224, 25 frames/s, with sound; test/mp4 likewise
    dev/aac/id00012/21Uxsk56VDQ/00001.m4a     VoxCeleb2, the sound alone
    wav/id10001/1zcIwhmdeo4/00001.wav         VoxCeleb1, sound only
"""
from __future__ import annotations

import os
import re
from pathlib import Path

from tfg.corpora import scan
from tfg.corpora.names import Item, Reading
from tfg.errors import InputError

_PERSON, _VIDEO, _PART = re.compile(r"id\d{5}"), re.compile(r"[\w-]{11}"), re.compile(r"\d{5}")


def read(root: str | os.PathLike, *, kind: str = "video") -> Reading:
    """List a folder in the official layout; the outer folders may be missing, the inner three may not.

    kind: "video" (its .m4a in `Item.audio` where there is one), "audio", "both".  actor: id00012.  sentence: the
    YouTube id and the part, 21Uxsk56VDQ_00001.  take: the part's number.
    Returns items sorted by path, and what was left out: bad names or places, empty files, second copies, sounds
    without video.  Raises InputError if the folder is missing.
    """
    scan.check_kind(kind)
    good, skipped = scan.walk(root, scan.VIDEO | scan.AUDIO)
    items = scan.parse_all(good, _parse, skipped)
    videos = scan.unique((i for i in items if i.path.suffix.lower() in scan.VIDEO), skipped)
    sounds = scan.unique((i for i in items if i.path.suffix.lower() in scan.AUDIO), skipped)
    return scan.reading(scan.pair(videos, sounds, kind, skipped), skipped)


def _parse(path: Path) -> Item:
    person, video = path.parent.parent.name, path.parent.name
    if not (_PERSON.fullmatch(person) and _VIDEO.fullmatch(video) and _PART.fullmatch(path.stem)):
        raise InputError("is not at idNNNNN/YOUTUBE_ID/NNNNN, as in id00012/21Uxsk56VDQ/00001.mp4")
    return Item(path, "voxceleb", person, f"{video}_{path.stem}", take=int(path.stem))
