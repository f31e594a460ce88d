"""Dealing people to splits: the same shares in every stratum, and an order that a hash fixes once and for all."""
from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

TILES_TEST = 60


def order(*parts) -> str:
    """Sort key of a shuffled order that depends on the parts alone: their sha256."""
    return hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()


def deal(units: Iterable[tuple[str, int, tuple, str]], wanted: Mapping[str, float]) -> dict[str, str]:
    """Deal units (name, size, stratum, order) so that every stratum is shared alike.  Returns name -> split.

    wanted: split -> its total size; made whole numbers by largest remainder.  Unit after unit, stratum by stratum in
    their order, goes to the split that is furthest behind its share among those with room for it; the totals come out
    exactly where the last ones have size 1.
    """
    units = sorted(units, key=lambda u: (u[2], u[3]))
    room = _whole(wanted, sum(u[1] for u in units))
    total, have, dealt, seen = sum(room.values()), dict.fromkeys(room, 0), {}, 0
    for name, size, _, _ in units:
        seen += size
        fits = [s for s in room if have[s] + size <= room[s]] or list(room)
        best = max(fits, key=lambda s: room[s] * seen / total - have[s])
        dealt[name] = best
        have[best] += size
    return dealt


def _whole(wanted: Mapping[str, float], total: int) -> dict[str, int]:
    """Round so that the sum is `total` and no wanted split is empty while another has more than one."""
    out = {s: int(w) for s, w in wanted.items()}
    for s in sorted(wanted, key=lambda s: out[s] - wanted[s])[:max(0, total - sum(out.values()))]:
        out[s] += 1
    for s in out:
        if out[s] == 0 and wanted[s] > 0 and max(out.values()) > 1:
            out[max(out, key=out.__getitem__)] -= 1
            out[s] = 1
    return out


def tiles(persons: Mapping[str, str], keep_in_train: Iterable[str]) -> dict[str, str]:
    """The rule behind data/sfhq/splits.csv.  persons: tile -> person.  Returns tile -> split.

    60 tiles are test; of the others 72 % train, 8 % val, 20 % judge; a person is in one split; the people of
    `keep_in_train` (whose portraits the course shows) are train. Faces that suit as actors (frontal, mouth closed)
    and others are each dealt in these shares, and so is each sheet; the order is sha256 of the id.
    """
    from tfg.corpora import sfhq

    table = {t.id: t for t in sfhq.tiles()}
    members: dict[str, list[str]] = {}
    for tile in table:
        members.setdefault(persons[tile], []).append(tile)
    kept = {persons[t] for t in keep_in_train}
    n_kept = sum(len(members[p]) for p in kept)
    rest = len(table) - TILES_TEST
    units = [(p, len(m), (not suits(table[p]), table[p].sheet), order("sfhq", p)) for p, m in members.items()
             if p not in kept]
    dealt = dict.fromkeys(kept, "train") | deal(units, {"train": 0.72 * rest - n_kept, "val": 0.08 * rest,
                                                        "test": TILES_TEST, "judge": 0.20 * rest})
    return {t: dealt[persons[t]] for t in table}


def suits(tile) -> bool:
    """Whether a face can be an actor: frontal (yaw under 20 degrees, pitch under 16, roll under 12), lips closed, no
    broad smile. (As `tfg.actors.portrait.suitable` was when the splits were recorded; they do not change with it.)"""
    return (abs(tile.yaw_deg) <= 20 and abs(tile.pitch_deg) <= 16 and abs(tile.roll_deg) <= 12
            and tile.jaw_open <= 0.06 and tile.smile <= 0.5)
