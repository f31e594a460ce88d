"""Train the generator of `rhythmic`.

    tfg train rhythmic --scenes build/turns --out build/rhythmic
    tfg train rhythmic --scenes build/turns --out build/film --init build/rhythmic --n-frames 3

What became of the published flags that have other names here, or none:

    --name --dataset_name        --out and --scenes
    --niter --niter_decay        phases niter and niter_decay of the profile, in steps; --steps scales them
    --niter_single               phase single: one frame at a time, before n_frames; there with --n-frames 2 and more
    --n_frames_G                 --n-frames
    --batchSize                  --batch-size
    --no_atten --no_warp         --no-atten; --no-warp-ref --no-warp-ani
    --continue_train             a second call with the same --out goes on
    --load_pretrain              --init
    --no_flow_gt                 scenes bring the true flow
    --crop_ref                   shots are crops already
    --use_new --transfer_initial the hybrid embedding is the only one; --init
    --fp16                       --precision 16-mixed
"""
from __future__ import annotations

import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from tfg.corpora.augment import Augment
from tfg.experts import losses
from tfg.systems.rhythmic import critics, pose
from tfg.systems.rhythmic.data import Turns, read
from tfg.systems.rhythmic.network import PROFILES, Rhythmic, variant
from tfg.systems.rhythmic.task import RhythmicTask, Weights
from tfg.training.loop import At, Run, train
from tfg.training.setup import finish, run_of

RUNS = {"ci": Run(phases=(("niter", 2), ("niter_decay", 2)), batch=2, evaluate_every=4),
        "cpu": Run(phases=(("niter", 3500), ("niter_decay", 1500)), batch=4, evaluate_every=500, average=.99),
        "gpu": Run(phases=(("niter", 100_000), ("niter_decay", 100_000)), batch=8, evaluate_every=5000, average=.999,
                   workers=8, strategy="ddp")}
RATES = {"ci": 1e-3, "cpu": 2e-3, "gpu": 4e-4}
SMALL = Weights(l1=10.0, raw=5.0, critic=.1, matching=1.0, perceptual=1.0, flow=2.0, warp=4.0, mouth=4.0, mask=1.0)
WEIGHTS = {"ci": SMALL, "cpu": SMALL, "gpu": Weights()}
"""gpu: as published. cpu: a small network that has minutes, and exact flows to learn from."""
SHOTS = {"ci": 2, "cpu": 4, "gpu": 8}
SINGLE = .5
"""Share of the steps with single frames, where several follow."""


def train_rhythmic(out, *, scenes, profile: str = "cpu", seed: int = 0, steps: int | None = None, resume: bool = True,
                   progress: bool = True, devices=None, precision: str | None = None, init=None, freeze=None,
                   n_shot: int | None = None, n_frames: int | None = None, atten: bool | None = None,
                   warp_ref: bool | None = None, warp_ani: bool | None = None, spade_combine: bool | None = None,
                   adaptive_spade: bool | None = None, add_raw_loss: bool = True, worst_ref_prob: float | None = None,
                   batch_size: int | None = None, perceptual: str = "auto") -> tuple[At, dict]:
    """Train on the split `train`, score on `val`; writes rhythmic.safetensors and its card.  Returns where it ended,
    and the card.

    scenes: folder of `tfg.systems.rhythmic.scenes`.  Others: as the options say; None for the profile's.
    Raises InputError: unknown profile, data of another size, more shots or frames than they have.
    """
    started = time.perf_counter()
    frames = n_frames or 1
    run = run_of({name: _phases(run, frames) for name, run in RUNS.items()}, profile, seed=seed, steps=steps,
                 devices=devices, precision=precision, init=init, freeze=freeze, name="rhythmic")
    run = replace(run, batch=batch_size or run.batch, strategy="ddp" if run.devices != 1 else "auto")
    config = variant(PROFILES[profile], atten=atten, warp_ref=warp_ref, warp_ani=warp_ani, combine=spade_combine,
                     adaptive=0 if adaptive_spade is False else None, temporal=frames > 1 or None)
    weights = WEIGHTS[profile] if add_raw_loss else replace(WEIGHTS[profile], raw=0.0)
    worst = pose.WORST_P if worst_ref_prob is None else worst_ref_prob
    shots = n_shot or SHOTS[profile]
    size = config.size
    learned = Turns(read(scenes, "train", size), size, n_shot=shots, n_frames=frames, worst_p=worst, augment=Augment(),
                    seed=seed)
    unseen = Turns(read(scenes, "val", size), size, n_shot=shots, n_frames=frames)
    which = ("none" if profile == "ci" else "encoder") if perceptual == "auto" and profile != "gpu" else perceptual
    seen = losses.perceptual(which)
    torch.manual_seed(seed)
    network = Rhythmic(config)
    task = RhythmicTask(network, learned, unseen, run, weights, RATES[profile], critics.PROFILES[profile], seen,
                        4 if profile == "ci" else 24)
    used: dict[str, Any] = {"perceptual": seen.name if seen else "none", "n_shot": shots, "n_frames": frames,
                            "worst_ref_prob": worst}
    at = train(task, run, out, what=f"rhythmic {config} {weights} {used} {len(learned)}", resume=resume,
               progress=progress)

    @torch.no_grad()
    def scores() -> dict[str, float]:
        return {name: round(value, 5) for name, value in task.evaluate(at).items()}

    command = f"tfg train rhythmic --scenes SCENES --out DIR --profile {profile} --seed {seed} --steps {run.steps}" \
              + f" --n-shot {shots} --n-frames {frames} --worst-ref-prob {worst:g} --perceptual {perceptual}" \
              + (f" --batch-size {batch_size}" if batch_size else "")
    for name, on in (("atten", atten), ("warp-ref", warp_ref), ("warp-ani", warp_ani), ("spade-combine", spade_combine),
                     ("adaptive-spade", adaptive_spade), ("add-raw-loss", add_raw_loss)):
        command += f" --no-{name}" * (on is False)
    return at, finish(out, "rhythmic", network, run, at, scores, profile=profile, losses=asdict(weights),
                      phases=dict(run.phases), seconds=round(time.perf_counter() - started, 1), command=command,
                      data={"scenes": Path(scenes).name, "examples": len(learned), "actors": len(learned.actors),
                            "scored_on": f"{len(unseen.actors)} actors it never saw"}, **used)


def _phases(run: Run, frames: int) -> Run:
    """The run, begun with single frames where several follow."""
    if frames == 1:
        return run
    single = max(1, round(SINGLE * run.steps))
    return replace(run, phases=(("single", single), *((name, max(1, round(n * (1 - SINGLE)))) for name, n in
                                                      run.phases)))
