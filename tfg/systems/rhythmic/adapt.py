"""The generator adapted to one person: some hundred steps on frames of a film (few-shot fine-tuning).

    tfg fit --system rhythmic --source me.mp4 --out me --shots 32
    tfg animate --system rhythmic --source me.mp4 --audio words.wav --person me --out said.mp4

The published code tunes on the clip that it then draws and scores. Here `first_seconds` ends what is looked at, and the
card says which frames were seen, so that what comes after can be scored.
"""
from __future__ import annotations

import time
import zlib
from pathlib import Path

import numpy as np
import torch

from tfg import paths
from tfg.errors import InputError
from tfg.systems.film.source import Source
from tfg.systems.film.stage import set_up
from tfg.systems.rhythmic import critics, pose
from tfg.systems.rhythmic.data import Turns
from tfg.systems.rhythmic.films import scene
from tfg.systems.rhythmic.network import PROFILES, Rhythmic, RhythmicConfig
from tfg.systems.rhythmic.options import RhythmicOptions
from tfg.systems.rhythmic.person import Shot, Watch, spread
from tfg.systems.rhythmic.scenes import ROOM, Seen
from tfg.systems.rhythmic.task import RhythmicTask
from tfg.systems.rhythmic.train import SMALL
from tfg.training.loop import At, Run, train
from tfg.training.setup import finish, run_of

RATE = 4e-4
OTHERS = 7
"""Shots beside each frame that is drawn, at most."""
KEPT_BACK = 6
"""Every so many of the frames is not learned from, and tells whether it helps."""
LEAST = 4
"""Frames with a face that a film must have."""
MOST_S = 120.0
"""Seconds of a film that are looked at, at most."""


def fit(source, options, out, *, progress: bool = False) -> Path:
    """Adapt to the person in a film.  Returns the folder `out`, with rhythmic.safetensors and its card.

    source: a film, as `System.prepare`.  options: `FitOptions` of the system.
    Raises InputError: a photo, a film with too few frames that show a face, and what `System.prepare` raises.
    """
    from tfg.experts import losses
    from tfg.networks import checkpoint

    started, o = time.perf_counter(), options
    general, card = checkpoint.load("rhythmic", Rhythmic, RhythmicConfig, o.checkpoint)
    size = general.config.size
    found, seconds = watched(source, o, size, progress=progress)
    shots = [s for s, _ in found]
    parts = [one_scene(found, k, size) for k in range(len(found))]
    rest = np.arange(len(parts)) % KEPT_BACK == KEPT_BACK // 2
    learned, kept = ({"person": {name: np.concatenate([p[name] for p, r in zip(parts, rest) if r == which])
                                 for name in parts[0]}} for which in (False, True))
    many = parts[0]["shots"].shape[1]
    seen_before = zlib.crc32(b"".join(p["frames"].tobytes() for p in parts))          # another film is another training
    run = run_of({"cpu": Run(phases=(("niter", 2), ("niter_decay", 1)), batch=4, evaluate_every=100, average=.98)},
                 "cpu", seed=o.seed, steps=o.steps, init=o.checkpoint or paths.data("rhythmic"), name="rhythmic")
    torch.manual_seed(o.seed)
    network = Rhythmic(general.config)
    small = general.config == PROFILES["ci"]
    task = RhythmicTask(network, Turns(learned, size, n_shot=min(4, many), worst_p=pose.WORST_P, seed=o.seed),
                        Turns(kept, size, n_shot=many), run, SMALL, RATE, critics.PROFILES["ci" if small else "cpu"],
                        losses.perceptual("none" if small else "encoder"))
    network.load_state_dict(general.state_dict())
    with torch.no_grad():
        network.eval()
        before = task.evaluate(At())
    at = train(task, run, out, what=f"rhythmic fitted {card['sha256']} {seen_before}", progress=progress)

    @torch.no_grad()
    def scores() -> dict[str, float]:
        return {name: round(value, 5) for name, value in task.evaluate(at).items()}

    finish(out, "rhythmic", network, run, at, scores, command=_command(o),
           person={"shots": len(shots), "frames": [shots[0].number, shots[-1].number],
                   "seconds": round(seconds, 2), "network": card["sha256"][:12],
                   "before": {name: round(before[name], 5) for name in ("l1", "mouth", "flow")}},
           seconds=round(time.perf_counter() - started, 1))
    return Path(out)


def _command(options) -> str:
    given = "".join(f" --{name.replace('_', '-')} {getattr(options, name)}" for name in
                    ("shots", "first_seconds", "steps", "face", "seed", "checkpoint") if name in options.given)
    return f"tfg fit --system rhythmic --source FILM --out DIR{given}"


def watched(source, options, size: int, *, progress: bool = False) -> tuple[list[tuple[Shot, np.ndarray]], float]:
    """Frames of a film, spread evenly over the part that is looked at, each with the map (2, 3) to its crop; and how
    many seconds that part has."""
    film = Source(source)
    if film.n < 2:
        raise InputError(f"{film.name} is a photo, and a photo has nothing to adapt to; give a film of the person.")
    whole = film.n / film.fps
    seconds = min(options.first_seconds or whole, whole, MOST_S)
    looked = Watch(many=options.shots)
    stage = set_up(source, seconds, RhythmicOptions(face=options.face), size, watch=looked.watch, margin=ROOM,
                   progress=progress)
    looked.keep(stage.crops.drawn)
    every = [looked.shots[k] for k in sorted(looked.shots)]
    if len(every) < LEAST:
        raise InputError(f"{film.name} shows a face in {len(every)} of its first {len(looked.points)} frames, too few "
                         f"to adapt to ({LEAST} are needed); give a longer film.")
    return [(every[k], stage.crops.matrix[every[k].number]) for k in spread(len(every), options.shots)], seconds


def one_scene(found: list[tuple[Shot, np.ndarray]], k: int, size: int) -> dict[str, np.ndarray]:
    """Frame k to be drawn, from others as its shots, in its own crop: arrays as `tfg.systems.rhythmic.films.scene`."""
    others = [j for j in range(len(found)) if j != k]
    some = [found[j][0] for j in (k, *(others[i] for i in spread(len(others), OTHERS)))]
    moment, *shots = (Seen.cut(s.frame, s.points, s.expression, found[k][1], size) for s in some)
    return scene([moment], shots)
