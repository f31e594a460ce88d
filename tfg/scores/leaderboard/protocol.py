"""What two tables must agree on to be compared; and the rows of another table beside this one, if they do."""
from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path

import tfg
from tfg.corpora.prepared import options_of
from tfg.errors import InputError
from tfg.files import check_file
from tfg.scores import judges as js
from tfg.scores.leaderboard import records
from tfg.scores.results import Scores


def protocol(stores, parts, judges: js.Judges, split: str, clips: int | None, seed: int) -> dict:
    """What two tables must agree on: people and clips, crops, rate, split, seed, judges and meters."""
    return {"tfg": tfg.__version__, "code": records.code()[:16], "split": split, "seed": seed, "clips_per_actor": clips,
            "fps": 25, "sr": 16000,
            "stores": [{"clips": {row.id: row.sums for row in part.clips}, "size": s.size,
                        "crop": {k: options_of(s).get(k) for k in ("crop", "margin", "smooth")}}
                       for s, part in zip(stores, parts)],
            "judges": {name: card.get("sha256") for name, card in sorted(judges.cards.items())},
            "identity": judges.about("identity")}


def fingerprint(known: dict) -> str:
    """A short name of a protocol, equal for tables that can be compared."""
    return hashlib.sha256(json.dumps(_comparable(known), sort_keys=True).encode()).hexdigest()[:12]


def _comparable(known: dict) -> dict:
    """The part of a protocol that two tables must share; the version's number alone changes nothing."""
    return {k: v for k, v in known.items() if k not in ("tfg", "clips_per_actor")}


def differences(a: dict, b: dict) -> list[str]:
    """What keeps two protocols from being compared, as "judges: X here, Y there"; empty where nothing does."""
    a, b = (json.loads(json.dumps(_comparable(x))) for x in (a, b))
    out = []
    for name in sorted(set(a) | set(b)):
        if a.get(name) != b.get(name):
            here, there = (text if len(text := json.dumps(x.get(name))) < 60 else "other ones" for x in (a, b))
            out.append(f"{name}: {here} here, {there} there")
    return out


def load_json(path) -> dict:
    """What leaderboard.json holds, or the same packed as .json.gz.  Raises InputError where it is none."""
    path = check_file(path, "table")
    try:
        raw = path.read_bytes()
        known = json.loads(gzip.decompress(raw) if path.suffix == ".gz" else raw)
        if not {"protocol", "tasks", "costs"} <= set(known):
            raise ValueError("it has no protocol, tasks and costs")
        return known
    except (OSError, ValueError, TypeError, EOFError) as error:
        raise InputError(f"{path} is no leaderboard.json ({error}); give the file that tfg leaderboard wrote.") \
            from error


def scores_of(task: str, known: dict) -> Scores:
    """The clips of one task of a leaderboard.json as `Scores`: means, differences and ranks can be made of them, but no
    curves and no face-FID, whose features are not in it."""
    clips = [{**c, "moves": c.get("moves", True)} for c in known["clips"]]
    own = [{k: c[k] for k in ("clip", "actor", "kind", "emotion", "level")} | {"person": None}
           for c in clips if c["row"] == "true"]
    return Scores(known["systems"][0], tuple(known["rows"]), task=task, clips=clips, own=own)


def join(board, path: Path) -> None:
    """Add the systems of another table (its leaderboard.json) to this one.

    Raises InputError: no such table, another protocol (each difference is named), a row of a name that is here already
    with other networks.
    """
    known, tasks = (load_json(path)[k] for k in ("protocol", "tasks"))
    if why := differences(board.protocol, known):
        raise InputError(f"{path} cannot stand beside this table, as their protocols differ: {'; '.join(why)}.")
    for task, result in board.scores.items():
        its = tasks.get(task, {"systems": [], "clips": [], "networks": {}})
        mine = board.networks.setdefault(task, {})
        for row in its["systems"]:
            digest = its["networks"].get(row)
            if row in result.rows:
                if mine.get(row) != digest:
                    raise InputError(f"both tables have a row {row} of the task {task}, with other networks; rename "
                                     f"one of them in {path}.")
                continue
            mine[row] = digest
            result.rows += (row,)
            result.clips += [c for c in its["clips"] if c["row"] == row]
            result.curves[row] = result.features[row] = [None] * len(result.own)
