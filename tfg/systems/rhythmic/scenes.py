"""Scenes the video part learns from: shots of a person, and moments whose head turns freely, with all that is true.

Shots and moments are of different takes, and each shot looks another way, so that what one does not show another may.
The published code learns from one clip at a time, whose pictures are alike, and gets its flow from FlowNet2; here the
flow from each moment into each shot is that of the actor.

    python -m tfg.systems.rhythmic.scenes --out build/turns           # some minutes; run it again to go on
    tfg train rhythmic --scenes build/turns --out build/rhythmic

A folder holds turns.json (what was asked for, who is in it) and for each actor NAME.npz, R scenes of K shots and N
moments, in crops of S x S px:

    shots (R, K, S, S, 3) uint8, shot_points (R, K, 68, 3) float32 px
    frames (R, N, S, S, 3) uint8, points (R, N, 68, 3) float32 px       one after the other, 25 a second
    flow (R, N, K, F, F, 2) float16     where in each shot each place of a moment lies, from here, half sides of the
                                        crop, x then y; F = S / 2; NaN where it shows nowhere
    render (R, N, S, S, 4) uint8        the 3D head of the most frontal shot in the moment's pose; RGB, and where it is
    render_points (R, N, 68, 3) float32 px      where its landmarks lie
"""
from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tfg.actors import cast as casting
from tfg.actors import examples
from tfg.actors.actor import LAYER
from tfg.actors.flows import crop_flow
from tfg.errors import InputError
from tfg.faces import align, steady_crop
from tfg.systems.rhythmic.pose import angles, fit, of_478, recompose
from tfg.systems.rhythmic.render import Head3D
from tfg.vocabulary import index

KIND = examples.Kind("turns", 1, "python -m tfg.systems.rhythmic.scenes")
SPLITS = ("train", "val", "test")
DRAWN_PX = 176
"""Side of the frames that the crops are cut out of."""
ROOM = (.2, .36, .2, .14)
"""Margins of the crop: left, top, right, bottom, as shares of the face's longer side; a head that turns needs room."""
TURN = {"virtual": np.array([25, 14, 10, .04, .03, .03]), "portrait": np.array([13, 9, 8, .03, .02, .02])}
"""Most that a head is turned, degrees and head widths (POSE). A photo that plays is flat behind its face."""
DRIFT = .08
"""Share of that by which a turn changes from moment to moment, standard deviation."""
FAR = .22
"""Difference of a moment and what its flow fetches, of the range 0..1, from which the place shows nowhere."""
BLINK = index("eyeBlink")


class Seen(NamedTuple):
    """A face in a crop.  picture: (S, S, 3) uint8.  points: (478, 3) px of it.  expression: (52,)."""

    picture: np.ndarray
    points: np.ndarray
    expression: np.ndarray

    @classmethod
    def cut(cls, picture: np.ndarray, points: np.ndarray, expression: np.ndarray, crop: np.ndarray, size: int) -> Seen:
        """Of a picture (H, W, 3) with landmarks (478, 3) px.  crop: (2, 3), picture to crop of `size` px."""
        return cls(align.warp(picture, crop, size), align.transform(points, crop).astype(np.float32), expression)


def make(out, *, actors: int = 84, portraits: int = 36, takes: int = 4, shots: int = 6, num_frames: int = 3,
         size: int = 128, seed: int = 0, workers: int | None = None, progress: bool = False) -> Path:
    """Make a folder of scenes, or go on with one.  Returns the folder.

    actors, portraits: of the whole cast (`tfg.actors.cast.cast`).  takes: of each, two or more, a scene of each.
    shots: K.  num_frames: N.  size: side S of a crop, px.
    Raises InputError: a folder with other scenes, photos that cannot be had, a single take.
    """
    if takes < 2:
        raise InputError(f"{takes} take of an actor gives no shots of another take; make two or more.")
    play = partial(_play, shots=shots, frames=num_frames, size=size, seed=seed)
    return examples.make(KIND, out, play, splits=SPLITS, actors=actors, portraits=portraits, takes=takes, seed=seed,
                         workers=workers, progress=progress, shots=shots, num_frames=num_frames, size=size)


def _play(out: Path, member, texts: Sequence[str], k: int, *, shots: int, frames: int, size: int, seed: int) -> None:
    actor = casting.build(member, DRAWN_PX)
    played = list(examples.takes_of(actor, member, texts, k, seed))
    parts = [scene(actor, take, played[(j + 1) % len(played)][0], shots, frames, size, rng)
             for j, (take, rng) in enumerate(played)]
    examples.save(out, member, parts)


def scene(actor, take, other, shots: int, frames: int, size: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """One scene, the arrays of the module's docstring with R = 1: moments of `take`, shots of `other`."""
    most = TURN[actor.kind]
    rest = actor.landmarks(actor.personal(np.zeros(take.motion.expression.shape[1], np.float32)))
    crop = steady_crop.matrices(rest[None], np.ones(1, bool), size, actor.size, margin=ROOM)[0]
    T = len(other.motion)
    whole = actor.personal(other.motion.expression)
    states = []
    for k in range(shots):                                                # the first looks nearly ahead
        t = int(rng.integers(T))
        asked = whole[t].copy()
        asked[BLINK] = np.minimum(asked[BLINK], .3)
        states.append((asked, rng.uniform(-1, 1, 6) * most * (.15 if k == 0 else 1)))
    rng.shuffle(states)
    pictures = [actor.render(*s) for s in states]
    seen = [actor.landmarks(*s) for s in states]
    labels = [actor.layers(*s).labels for s in states]
    shots_seen = [Seen.cut(p, at, state[0], crop, size) for p, at, state in zip(pictures, seen, states)]
    first = int(rng.integers(0, max(len(take.motion) - frames, 0) + 1))
    at = np.minimum(np.arange(first, first + frames), len(take.motion) - 1)
    turn = np.cumsum(np.concatenate([rng.uniform(-1, 1, (1, 6)), DRIFT * rng.normal(size=(frames - 1, 6))]), 0)
    pose = np.clip(turn, -1, 1) * most + take.motion.pose[at]
    moments, flows = [], []
    for e, p in zip(actor.personal(take.motion.expression[at]), pose):
        moments.append(Seen.cut(actor.render(e, p), actor.landmarks(e, p), e, crop, size))
        here = actor.layers(e, p).labels
        flows.append([crop_flow(_flow(actor, (e, p), state, here, there), crop, crop, size)
                      for state, there in zip(states, labels)])
    return arrays(shots_seen, moments, flows)


def arrays(shots: Sequence[Seen], moments: Sequence[Seen], flows: Sequence[Sequence[np.ndarray]]
           ) -> dict[str, np.ndarray]:
    """One scene, the arrays of the module's docstring with R = 1: what was seen in one crop, put together.

    flows: of each moment into each shot, (F, F, 2); where what they fetch looks different they become NaN.
    """
    size = len(shots[0].picture)
    front = shots[int(np.argmin([np.abs(angles(fit(of_478(s.points)).rotation)[:2]).sum() for s in shots]))]
    head = Head3D.of(*front)
    out: dict[str, list] = {}
    for moment, into in zip(moments, flows):
        points = of_478(moment.points)
        rigid = fit(points)
        picture, mask = head.draw(rigid, (size, size))
        one = {"frames": moment.picture, "points": points,
               "flow": np.stack([_checked(f, moment.picture, shot.picture) for f, shot in zip(into, shots)]),
               "render": np.dstack([picture, np.round(255 * mask).astype(np.uint8)]),
               "render_points": recompose(head.face, rigid)}
        for name, value in one.items():
            out.setdefault(name, []).append(value)
    return {"shots": np.stack([s.picture for s in shots])[None],
            "shot_points": np.stack([of_478(s.points) for s in shots])[None],
            **{name: np.stack(values)[None] for name, values in out.items()}}


def _flow(actor, a: tuple, b: tuple, here: np.ndarray, there: np.ndarray) -> np.ndarray:
    """The actor's flow from a to b, (h, w, 2) px; NaN in an open mouth, 0 where both show the background.

    here, there: label maps of a and b.  A built face knows how teeth move behind lips, and nothing of its background.
    """
    flow = actor.flow(a, b)
    if actor.kind == "virtual":
        flow[(here == LAYER["background"]) & (there == LAYER["background"])] = 0
        flow[np.isin(here, (LAYER["teeth"], LAYER["mouth"]))] = np.nan
    return flow


def _checked(flow: np.ndarray, moment: np.ndarray, shot: np.ndarray) -> np.ndarray:
    """A flow (F, F, 2) that is NaN where the shot shows something else in that place: what a turn has hidden there."""
    import cv2

    F = len(flow)
    small = [cv2.resize(x, (F, F), interpolation=cv2.INTER_AREA).astype(np.float32) / 255 for x in (moment, shot)]
    y, x = np.mgrid[:F, :F].astype(np.float32)
    step = np.nan_to_num(flow.astype(np.float32), nan=9.0) * (F / 2)
    fetched = cv2.remap(small[1], x + step[..., 0], y + step[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    out = flow.copy()
    out[np.abs(fetched - small[0]).max(-1) > FAR] = np.nan
    return out


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    import argparse

    p = argparse.ArgumentParser(prog="python -m tfg.systems.rhythmic.scenes", description=__doc__.split("\n")[0])
    p.add_argument("--out", required=True, metavar="DIR", help="folder; made if it is not there")
    for name, default, words in (("actors", 84, "of the whole cast"), ("portraits", 36, "of these, photos"),
                                 ("takes", 4, "of each actor, a scene of each"), ("shots", 6, "shots of a scene"),
                                 ("num-frames", 3, "moments of a scene"), ("size", 128, "side of a crop, px"),
                                 ("seed", 0, "same seed, same scenes"),
                                 ("workers", None, "processes; default: one for each core")):
        p.add_argument(f"--{name}", type=int, default=default, metavar="N",
                       help=words + ("" if default is None else f" (default: {default})"))
    print(make(progress=True, **vars(p.parse_args(arguments))))


if __name__ == "__main__":
    main()
