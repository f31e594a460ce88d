"""Train `deformable` in its phases, in one command that can be stopped and resumed, or phase by phase.

    tfg train deformable --scenes build/scenes --out build/deformable
    tfg train deformable --scenes build/scenes --out build/pre --phase pre                 # as published: one by one
    tfg train deformable --scenes build/scenes --out build/g --phase generator
    tfg train deformable --scenes build/scenes --out build/joint --phase joint --init build/g \\
        --model-disc-emo build/pre/last/emotion.safetensors
    tfg train deformable --store build/cremad --out build/cremad_deformable --init build/deformable

What the published README calls its flags, and what they are here:

    -i -v            --scenes or --store; who is in which split is written there, by person
    -o               --out
    -m -mde -mdf     --init, --model-disc-emo, --model-disc-frame: weights to start from
    --pre_train 1    --phase pre
    --disc_emo --disc_frame --disc_pair --disc_video          the same, yes or no
    --disc_frame_gp --lr_g --lr_emo --lr_frame --lr_pair --lr_video --num_frames --context --batch-size --seed
                     the same; --disc_emo_gp was never used
    --deform         the same; --attention apart from it
    --num_epochs     the same, for each phase
    --plot_interval  steps between scores and pictures
    --gpu-no         --devices
    --fs --fps       25 frames/s and 8 kHz, always
"""
from __future__ import annotations

import logging
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from tfg.corpora.augment import Augment
from tfg.corpora.store import Store
from tfg.errors import InputError
from tfg.experts import losses
from tfg.faces.face_region import face_region
from tfg.networks import checkpoint
from tfg.systems.deformable import critics
from tfg.systems.deformable.data import Clips, Scenes, common_fields, mean_points
from tfg.systems.deformable.network import FLOW, PROFILES, Deformable, DeformableConfig, variant
from tfg.systems.deformable.sound import CONTEXT
from tfg.systems.deformable.task import CRITICS, PHASES, DeformableTask, Weights
from tfg.training.holdout import learn_and_choose
from tfg.training.loop import At, Run, train
from tfg.training.setup import finish, run_of

RUNS = {"ci": Run(phases=(("ears", 2), ("pre", 1), ("generator", 2), ("joint", 2)), batch=2, evaluate_every=5),
        "cpu": Run(phases=(("ears", 1500), ("pre", 1000), ("generator", 1000), ("joint", 600)), batch=8,
                   evaluate_every=500, average=.995),
        "gpu": Run(phases=(("pre", 20_000), ("generator", 100_000), ("joint", 100_000)), batch=4, evaluate_every=5000,
                   average=.999, workers=8)}
RATES = {"ci": (1e-3, 1e-3), "cpu": (1e-3, 4e-4), "gpu": (1e-4, 1e-4)}
"""Of the generator and of the critics."""
SMALL = Weights(l1=40.0, sigma=13.0, floor=.03, face=.25, perceptual=.1, voice=.05, frame=.005, emotion=.1, flow=2.0,
                trust=.5, weights=2.0, lips=20.0)
WEIGHTS = {"ci": SMALL, "cpu": SMALL, "gpu": Weights()}
"""gpu: as published. cpu: a small network that has minutes, and exact flows to learn from."""
DRAWN = {"ci": 2, "cpu": 4, "gpu": None}
PEOPLE = {"ci": None, "cpu": 3, "gpu": None}
"""Frames of a run, and people of a batch, whose pictures are drawn in a step; what the sound does is learned on all."""
FRAMES = {"ci": 6, "cpu": 16, "gpu": 25}


def train_deformable(out, *, scenes=None, store=None, profile: str = "cpu", phase: str = "all", seed: int = 0,
                     steps: int | None = None, resume: bool = True, progress: bool = True, devices=None,
                     precision: str | None = None, init=None, freeze=None, model_disc_emo=None, model_disc_frame=None,
                     deform: bool = True, attention: bool = True, equal: bool = False, flow: bool | None = None,
                     disc_frame: bool = True, disc_emo: bool = True, disc_pair: bool = False, disc_video: bool = False,
                     disc_frame_gp: float | None = None, emotions: str | None = None, num_frames: int | None = None,
                     context: int | None = None, num_epochs: int | None = None, batch_size: int | None = None,
                     plot_interval: int | None = None, lr_g: float | None = None, lr_emo: float | None = None,
                     lr_frame: float | None = None, lr_pair: float | None = None, lr_video: float | None = None,
                     perceptual: str = "auto", splits=None) -> tuple[At, dict]:
    """Train on the split `train`, score on `val`. Writes what `loop.train` writes, then deformable.safetensors and its
    card; with phase "pre" the emotion critic's weights and card instead, deformable_emotion.  Returns where it ended,
    and the card.

    scenes: folder of `tfg.systems.deformable.scenes`; or store: folder or `Store` of prepared clips.  phase: one of
    PHASES, or all.  deform, attention: what the layers of that name do.  equal: as many weights as with both
    (`network.variant`).  flow: with heads for flow and trust; None: as the profile does.  emotions: codes with commas
    of a store's clips that are learned.  num_epochs: length of each phase.  disc_...: which critics take part;
    disc_pair and disc_video weigh as much as the frame critic.  Others: as the options say; None for the profile's.
    Raises InputError: unknown profile or phase, neither or both kinds of data, data of another size.
    """
    started = time.perf_counter()
    if phase not in (*PHASES, "all"):
        raise InputError(f"there is no phase {phase!r} of deformable; there is {', '.join(PHASES)} and all.")
    run = run_of({name: _phases(run, phase, store) for name, run in RUNS.items()},
                 profile, seed=seed, steps=steps, devices=devices, precision=precision, init=init, freeze=freeze,
                 name="deformable")
    if (scenes is None) == (store is None):
        raise InputError("give what to learn from: either --scenes, a folder of tfg.systems.deformable.scenes, or "
                         "--store, one of tfg corpora prepare.")
    config = _config(profile, deform, attention, equal, flow, context)
    run = replace(run, batch=batch_size or run.batch, evaluate_every=plot_interval or run.evaluate_every,
                  strategy="ddp" if run.devices != 1 else run.strategy)
    learned, unseen, about = _data(scenes, store, splits, config, profile, num_frames, emotions, seed)
    if num_epochs is not None:
        each = num_epochs * max(1, len(learned) // run.batch)
        run = replace(run, phases=tuple((name, each) for name, _ in run.phases))
    names = tuple(n for n, on in zip(CRITICS, (disc_frame, disc_emo, disc_pair, disc_video)) if on)
    _check(phase, names, store)
    weights = WEIGHTS[profile]
    weights = replace(weights, gp=weights.gp if disc_frame_gp is None else disc_frame_gp,
                      pair=weights.frame if disc_pair else 0.0, video=weights.frame if disc_video else 0.0)
    rates = {"deformable": lr_g or RATES[profile][0]} | {
        n: given or RATES[profile][1] for n, given in zip(CRITICS, (lr_frame, lr_emo, lr_pair, lr_video))}
    seen = _perceptual(perceptual, profile)
    torch.manual_seed(seed)
    network = Deformable(config)
    if config.flow and scenes is not None:
        mean = mean_points(learned) if config.laid else None
        if mean is not None:
            network.mean.copy_(torch.from_numpy(mean))
        fields = common_fields(learned, config.fields, face_region(config.size // 2), mean, seed=seed)
        network.common.data[:len(fields)] = torch.from_numpy(fields) / FLOW
    task = DeformableTask(network, learned, unseen, run, weights, rates,
                          replace(critics.PROFILES[profile], size=config.size, context=config.context), names, seen,
                          PEOPLE[profile], 4 if profile == "ci" else 24)
    for name, given in (("emotion", model_disc_emo), ("frame", model_disc_frame)):
        if given is not None:
            _take(task, name, given)
    used = {"perceptual": seen.name if seen else "none", "critics": list(names)}
    logging.getLogger("tfg").info("perceptual loss: %s", used["perceptual"])
    at = train(task, run, out, what=f"deformable {config} {weights} {rates} {used} {len(learned)} examples "
                                    f"{model_disc_emo} {model_disc_frame}", resume=resume, progress=progress)

    @torch.no_grad()
    def scores() -> dict[str, float]:
        for other in task.networks.values():
            other.eval()
        return {name: round(value, 5) for name, value in task.evaluate(at).items()}

    whole = f"tfg train deformable {'--scenes SCENES' if store is None else '--store STORE'} --out DIR --profile " \
            f"{profile} --seed {seed} --steps {run.steps}" + f" --phase {phase}" * (phase != "all") \
            + " --no-deform" * (not deform) + " --no-attention" * (not attention) + " --equal" * equal
    card: dict[str, Any] = dict(profile=profile, losses=asdict(weights), phases=dict(run.phases), data=about,
                                seconds=round(time.perf_counter() - started, 1), command=whole, **used)
    if phase == "pre":                                    # the generator has learned nothing
        return at, finish(out, "deformable_emotion", task.networks["emotion"], replace(run, init=None), at, scores,
                          part="emotion", **card)
    return at, finish(out, "deformable", network, run, at, scores, **card)


# ---- parts of it ----------------------------------------------------------------------------------------------------
def _phases(run: Run, phase: str, store) -> Run:
    """The run with one phase alone, or with all that there are data for: the lips of speech that nobody draws are known
    of actors, and not of a store's people."""
    if phase == "all":
        return replace(run, phases=tuple(p for p in run.phases if p[0] != "ears" or store is None))
    return replace(run, phases=tuple(p for p in run.phases if p[0] == phase) or ((phase, 1000),))


def _config(profile: str, deform: bool, attention: bool, equal: bool, flow: bool | None, context: int | None
            ) -> DeformableConfig:
    config = PROFILES[profile]
    if context is not None:
        if context > CONTEXT:
            raise InputError(f"the context is {context} features, but data are kept with {CONTEXT}; give as many or "
                             "fewer.")
        config = replace(config, context=context)
    if flow is not None:
        config = replace(config, flow=flow, fields=config.fields if flow and config.fields else 24 if flow else 0)
    return variant(config, deform=deform, attention=attention) if equal else \
        replace(config, deform=deform, attention=attention)


def _data(scenes, store, splits, config: DeformableConfig, profile: str, num_frames: int | None, emotions: str | None,
          seed: int) -> tuple[Any, Any, dict]:
    """What is learned from, what it is scored on, and entries of the card."""
    common: dict[str, Any] = dict(noise=config.noise, told=config.told, context=config.context, drawn=DRAWN[profile])
    learned: Any
    unseen: Any
    if scenes is not None:
        if emotions is not None:
            raise InputError("scenes are made with their emotions (python -m tfg.systems.deformable.scenes "
                             "--emotions); leave --emotions out, or give a --store.")
        common |= dict(frames=num_frames)
        learned = Scenes(scenes, "train", config.size, augment=Augment(), seed=seed, **common)
        unseen, name = Scenes(scenes, "val", config.size, **common), Path(scenes).name
    else:
        from tfg.acting.emotion import check_emotion

        codes = None if emotions is None else tuple(check_emotion(e.strip()) for e in emotions.split(","))
        opened = store if isinstance(store, Store) else Store.open(store)
        common |= dict(frames=num_frames or FRAMES[profile], emotions=codes)
        sides = [side.split for side in learn_and_choose(opened, splits, False)]
        learned = Clips(opened, splits, sides[0], config.size, augment=Augment(), seed=seed, **common)
        unseen, name = Clips(opened, splits, sides[1], config.size, **common), Path(opened.path).name
    return learned, unseen, {"scenes" if scenes is not None else "store": name, "examples": len(learned),
                             "actors": len(learned.actors), "scored_on": f"{len(unseen.actors)} actors it never saw"}


def _check(phase: str, names: tuple[str, ...], store) -> None:
    if phase == "pre" and "emotion" not in names:
        raise InputError("the phase pre trains the emotion critic, which --no-disc-emo leaves out; leave out one of "
                         "the two.")
    if phase == "ears" and store is not None:
        raise InputError("the phase ears needs speech whose lips are known, which scenes have and a store has not; "
                         "give --scenes.")


def _perceptual(which: str, profile: str):
    """The perceptual loss; "auto" is our own encoder in the profile cpu, where VGG19 would take most of the time, and
    none in ci."""
    if which == "auto" and profile != "gpu":
        which = "none" if profile == "ci" else "encoder"
    return losses.perceptual(which)


def _take(task: DeformableTask, name: str, given) -> None:
    """Give a critic the weights of another training: last/NAME.safetensors, or a folder that has it."""
    if name not in task.networks:
        raise InputError(f"weights were given for the {name} critic, which does not take part; leave them out.")
    path = Path(given)
    if path.is_dir():
        path = next((p for p in (path / "last" / f"{name}.safetensors", path / f"{name}.safetensors") if p.is_file()),
                    path / "last" / f"{name}.safetensors")
    checkpoint.load_weights(task.networks[name], path, again=f"give last/{name}.safetensors of a training of "
                                                             "deformable in the same profile.")
