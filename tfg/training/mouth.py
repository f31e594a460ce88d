"""Train the mouth network on synthetic speech whose phone times are known.

    tfg train mouth --out build/mouth --profile cpu
or `train("build/mouth")`. The targets are the coarticulated curves of tfg/actors/visemes.py, which know the phones; the
network has to find them in the sound alone. Every step draws its clips and their disturbances from (seed, step), so a
run that was killed goes on from its last checkpoint exactly as it would have.
"""
from __future__ import annotations

import time
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from tfg.actors import visemes
from tfg.audio import mel_windows
from tfg.errors import InputError
from tfg.files import atomic, make_folder
from tfg.models import checkpoint
from tfg.models.mouth import N_MELS, MouthConfig, MouthNet, finish, normalise
from tfg.training import lip_scores
from tfg.training import mouth_corpus as corpus
from tfg.training.disturb import FLOOR, disturb, noise
from tfg.training.stop import asked_to_stop, stopped

LICENCE = ("Weights: Apache-2.0. Trained on the sound of espeak-ng (its output is free of its GPL), and of flite and "
           "festival voices (CMU, free for any use with notice) where the list of engines names them. No recordings of "
           "real clips were used.")


@dataclass(frozen=True)
class MouthRun:
    """What a run is made of. frames: length of a training crop (25 a second)."""

    steps: int = 9000
    batch: int = 24
    frames: int = 100
    lr: float = 2e-3
    weight_decay: float = 0.02
    velocity: float = 1.0                             # weight of the loss on frame-to-frame change
    opening: float = 1.0                              # ... on the opening between the lips
    visemes: float = 0.02                             # ... of naming the viseme, an aid in training
    closed: float = 1.0                               # extra weight of frames whose lips are closed by p, b, m
    average: float = 0.998                            # exponential moving average of the weights


PROFILES = {"ci": MouthRun(steps=30, batch=4, frames=50), "cpu": MouthRun(), "gpu": MouthRun(steps=30000, batch=64)}


@dataclass
class Example:
    """One clip, ready to learn from or to be scored on."""

    mel: np.ndarray                                   # (80, M) float16
    target: np.ndarray                                # (T, 13) float16
    viseme: np.ndarray                                # (T,) uint8
    closures: list[tuple[float, float]]               # p, b, m: start and stop in seconds
    voice: str
    split: str


def build_corpus(profile: str, seed: int, use: tuple[str, ...], progress: bool = True) -> list[Example]:
    """All examples of a profile in memory: about 25 kB per second of speech."""
    from tqdm.auto import tqdm
    rng, out = np.random.default_rng(seed + 1), []
    for take in tqdm(corpus.takes(profile, seed, use), desc="speaking", unit=" clips", disable=not progress):
        for _ in range(corpus.SIZES[profile]["copies"] if take.split == "train" else 1):
            varied = corpus.vary(take, rng)
            mel, target = corpus.example(varied)
            out.append(Example(mel, visemes.gather(target).astype(np.float16),
                               corpus.labels(varied.phones, len(target)), corpus.closures(varied.phones), take.voice,
                               take.split))
    if not out:
        raise InputError('no speech engine was found to make training speech with: pip install espeakng-loader')
    return out


def make_batch(examples: list[Example], groups: list[np.ndarray], run: MouthRun, width: int, seed: int, step: int):
    """windows (B, T, 80, width), targets (B, T, 13), viseme labels (B, T), mask (B, T): a function of (seed, step)."""
    rng = np.random.default_rng([seed, step])
    x = np.full((run.batch, run.frames, N_MELS, width), 0, np.float32)
    y = np.zeros((run.batch, run.frames, len(visemes.CHANNELS)), np.float32)
    v, mask = np.zeros((run.batch, run.frames), np.int64), np.zeros((run.batch, run.frames), np.float32)
    for b in range(run.batch):
        pick = lambda: examples[rng.choice(groups[rng.integers(len(groups))])]  # noqa: E731
        e = pick()
        mel, target, label = disturb(e.mel, rng, pick().mel), e.target, e.viseme
        if rng.random() < .06:                        # noise or silence alone: the lips stay closed
            mel = np.clip(noise(e.mel.shape, rng.uniform(FLOOR - .5, .5), rng), FLOOR, 4).astype(np.float32)
            target, label = np.zeros_like(target), np.zeros_like(label)
        windows = mel_windows(normalise(mel), len(target), width)             # (T, 80, width)
        a = int(rng.integers(max(len(target) - run.frames, 0) + 1))
        n = min(run.frames, len(target))
        x[b, :n], y[b, :n], v[b, :n], mask[b, :n] = windows[a:a + n], target[a:a + n], label[a:a + n], 1
    return torch.from_numpy(x), torch.from_numpy(y), torch.from_numpy(v), torch.from_numpy(mask)


# ---- loss, loop, score ---------------------------------------------------------------------------------------------

_SCALE = torch.tensor([1 / s for s in (.10, .06, .07, .16, .10, .07, .14, .05, .13, .07, .02, .04, .06)])
_GAP = torch.tensor([visemes.GAP.get(c, 0.0) for c in visemes.CHANNELS])


def loss_of(out: torch.Tensor, logits: torch.Tensor, y, v, mask, run: MouthRun) -> torch.Tensor:
    """Squared error of articulators in units of their usual spread, of their velocity, and of the lip opening."""
    pressed = y[..., visemes.PRESS] / visemes.SHAPES["PP"]["mouthPress"]                      # (B, T) 1 when closed
    weight = mask * (1 + run.closed * pressed)
    error = (out - y) * _SCALE.to(out)
    total = (weight[..., None] * error ** 2).mean()
    total = total + run.velocity * (weight[:, 1:, None] * error.diff(dim=1) ** 2).mean()
    gap = ((out * _GAP.to(out)).sum(-1).clamp(min=0) - (y * _GAP.to(out)).sum(-1).clamp(min=0)) / .10
    total = total + run.opening * (weight * gap ** 2).mean()
    named = F.cross_entropy(logits.flatten(0, 1), v.flatten(), reduction="none", label_smoothing=.05)
    return total + run.visemes * (named * mask.flatten()).mean()


def train(out: str | Path, *, profile: str = "cpu", seed: int = 0, use: tuple[str, ...] | None = None,
          resume: bool = True, config: MouthConfig | None = None, examples: list[Example] | None = None,
          progress: bool = True, checkpoint_s: float = 60.0, steps: int | None = None) -> dict:
    """Train, and write `out`/mouth.safetensors + mouth.json (the card, which is also returned).

    profile: ci (seconds), cpu (20 minutes on one core), gpu. `use`: engines to make speech with, those installed by
    default. steps: fewer or more than the profile's. A checkpoint is written every minute; a call with the same
    arguments goes on from it, one with others raises InputError unless resume=False. InputError too: unknown profile,
    fewer than one step, a negative seed, a folder that cannot be made, no speech engine.
    """
    from tqdm.auto import tqdm
    if profile not in PROFILES:
        raise InputError(f"unknown profile {profile!r}: take one of {', '.join(PROFILES)}")
    run = PROFILES[profile] if steps is None else replace(PROFILES[profile], steps=steps)
    if run.steps < 1 or seed < 0:
        raise InputError(f"cannot train {run.steps} steps with the seed {seed}: take 1 step or more, and a seed "
                         "from 0 up.")
    out, use = make_folder(out), corpus.engines() if use is None else tuple(use)
    device = "cuda" if profile == "gpu" and torch.cuda.is_available() else "cpu"
    examples = build_corpus(profile, seed, use, progress) if examples is None else examples
    learn = [e for e in examples if e.split == "train"]
    groups = corpus.groups_of(learn)

    torch.manual_seed(seed)
    model = MouthNet(config).to(device)
    mean = {k: t.detach().clone() for k, t in model.state_dict().items()}
    optimiser = torch.optim.AdamW(model.parameters(), lr=run.lr, weight_decay=run.weight_decay)
    what = repr((profile, seed, use, asdict(run), asdict(model.config), len(examples)))
    step, losses, state_path = 0, [], out / "state.pt"
    if resume and state_path.exists():
        try:
            state = torch.load(state_path, weights_only=True, map_location=device)
        except Exception as e:                        # torch raises many kinds for a file that is no checkpoint
            raise InputError(f"{state_path} cannot be read ({type(e).__name__}): delete it or use resume=False") from e
        if state["what"] != what:
            raise InputError(f"{state_path} belongs to another run: choose another folder, or use resume=False")
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        step, mean, losses = state["step"], state["mean"], list(state["losses"])

    saved = time.monotonic()
    bar = tqdm(total=run.steps, initial=step, desc="mouth", disable=not progress)
    with closing(bar), asked_to_stop() as asked:
        while step < run.steps:
            x, y, v, mask = (t.to(device) for t in make_batch(learn, groups, run, model.config.width, seed, step))
            torch.manual_seed(seed * 1_000_003 + step)    # dropout too depends on the step alone
            model.train()
            for group in optimiser.param_groups:
                rise, fall = min(1, (step + 1) / 200), .5 + .5 * np.cos(np.pi * step / run.steps)
                group["lr"] = float(run.lr * rise * fall + 1e-6)
            optimiser.zero_grad()
            loss = loss_of(*model(x), y, v, mask, run)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            step += 1
            keep = min(run.average, (1 + step) / (10 + step))
            with torch.no_grad():
                for k, t in model.state_dict().items():
                    mean[k].lerp_(t, 1 - keep)
            losses.append(loss.item())
            bar.update()
            if step % 20 == 0:
                bar.set_postfix(loss=f"{np.mean(losses[-100:]):.3f}")
            stop = asked()
            if step == run.steps or stop or time.monotonic() - saved > checkpoint_s:
                _write_state(state_path, dict(what=what, step=step, model=model.state_dict(), mean=mean,
                                              optimiser=optimiser.state_dict(), losses=losses[-100:]))
                saved = time.monotonic()
            if stop and step < run.steps:
                raise stopped(step, run.steps)
    model.load_state_dict(mean)
    card = _card(model.cpu().eval(), examples, learn, run, profile, seed, use, losses)
    checkpoint.save(model, out, "mouth", card)
    return card


def _write_state(path: Path, state: dict) -> None:
    with atomic(path) as part:
        torch.save(state, part)


@torch.no_grad()
def score(model: MouthNet, examples: list[Example]) -> dict:
    """How near the network's curves come to the targets: r of the opening per clip, r per coefficient, closures.

    closures: share of p, b, m with the lips shut (opening under 0.05, 1.7 mm) on some frame of theirs. false_closures:
    share of frames well open in truth (over 0.15) that are shut.
    """
    model.eval()
    made, true, per_clip, hits, shut, wide = [], [], [], [], 0, 0
    for e in examples:
        target = e.target.astype(np.float32)
        windows = mel_windows(normalise(e.mel.astype(np.float32)), len(target), model.config.width)
        channels = model(torch.from_numpy(np.ascontiguousarray(windows, np.float32))[None])[0][0].numpy()
        expression = finish(channels)
        gap, gap_true = visemes.opening(expression), visemes.opening(visemes.spread(target))
        per_clip.append(lip_scores.r(gap, gap_true))
        hits += lip_scores.closed(gap, e.closures)
        wrongly, of = lip_scores.mistaken(gap, gap_true)
        shut, wide = shut + wrongly, wide + of
        made.append(np.clip(channels, 0, 1))
        true.append(target)
    made, true = np.concatenate(made), np.concatenate(true)
    return {"clips": len(examples), "opening_r": round(float(np.mean(per_clip)), 3),
            "closure_recall": round(float(np.mean(hits)), 3), "false_closures": round(shut / max(wide, 1), 4),
            "r": {c: round(lip_scores.r(made[:, k], true[:, k]), 3) for k, c in enumerate(visemes.CHANNELS)}}


def _card(model, examples, learn, run, profile, seed, use, losses) -> dict:
    unseen = {"voice": "unseen espeak-ng voices", "recorded": "unseen recorded voice", "language": "unseen language"}
    scores = {f"{name} ({', '.join(sorted({e.voice for e in part})[:3])})": score(model, part)
              for split, name in unseen.items() if (part := [e for e in examples if e.split == split])}
    longer = f" --steps {run.steps}" if run.steps != PROFILES[profile].steps else ""
    return {"task": "log-mel (80 x 80/s) to articulators of jaw and lips at 25/s", "channels": list(visemes.CHANNELS),
            "data": {"engines": list(use), "clips": len(learn), "voices": len({e.voice for e in learn}),
                     "hours": round(sum(len(e.target) for e in learn) / 25 / 3600, 2),
                     "languages": sorted({e.voice.split(":")[1].split("+")[0] for e in learn if "espeak:" in e.voice})},
            "profile": profile, "steps": run.steps, "seed": seed, "run": asdict(run),
            "final_loss": round(float(np.mean(losses[-100:])), 4) if losses else None, "held_out": scores,
            "command": f"tfg train mouth --profile {profile} --seed {seed}{longer}", "licence": LICENCE}
