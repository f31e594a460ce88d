"""Networks of `deformable` on scenes of unseen actors, and what deformation and attention are worth.

    python -m tools.bench.deformable figures --scenes build/scenes [--checkpoint DIR]
    python -m tools.bench.deformable long [--checkpoint DIR]
    python -m tools.bench.deformable ablation --scenes build/scenes --store build/dub --out build/deformable_ablation

*figures*: pictures of the network itself (128 px), from a neutral photo of another take of the person, beside still
(the photo), shuffled (the sound of another scene) and the truth: SSIM, PSNR of the face, LMD of the mouth, r of the lip
gap, and energy, the change from frame to frame in the face as a share of the true one.

*long*: one photo speaks for a minute: frames a second, similarity of the person and sharpness in the first and the last
five seconds, and how far two seeds of the noise are apart.

*ablation*: the network without deformation and attention, with either and with both, at equal weights and steps,
several seeds each, all from one start that has heard speech (phase ears). The same scores, and from clips of a store
(`tfg score`) the judge's LSE-D and r of the lip gap of faces that are drawn whole. Differences from "orig" are paired:
by clip, mean over seeds, intervals over actors. Writes OUT/NAME_SEED for each; the same command goes on where it
stopped. OUT/offsets.png shows where the deformable layer looks.
"""
from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from tfg import metrics
from tfg.faces import crops
from tfg.faces.face_region import face_region
from tfg.files import atomic
from tfg.media.image import write_image
from tfg.metrics import stats
from tfg.networks.warp import applied
from tfg.scores import measure
from tfg.systems.deformable.data import Scenes
from tfg.systems.deformable.network import Deformable, load
from tfg.systems.deformable.sound import LEAD
from tfg.systems.deformable.train import RUNS, train_deformable
from tfg.training.batches import tensors
from tools.bench.common import table

VARIANTS = {"orig": (False, False), "+attention": (False, True), "+deform": (True, False), "+both": (True, True)}
SCORES = ("ssim", "psnr", "lmd_mouth", "aperture_r", "energy")
ON_FILM = ("lse_d", "film_aperture_r")
SPREAD = 37
"""A shuffled scene hears the one so many further on."""


# ---- scores ---------------------------------------------------------------------------------------------------------
def energy(frames: np.ndarray, mask: np.ndarray) -> float:
    """Mean change from frame to frame of frames (T, S, S, 3) uint8 where the mask (S, S) is, 0..1."""
    away = np.abs(np.diff(frames.astype(np.float32), axis=0)).mean(-1) / 255
    return float((away * mask).sum() / (mask.sum() * len(away)))


@torch.inference_mode()
def drawn(network: Deformable, scenes: Scenes, k: int, *, heard: int | None = None
          ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Photo (S, S, 3), true and drawn frames (T, S, S, 3) uint8 of scene k.  heard: the scene whose sound is heard."""
    batch = tensors(scenes.batch(0, [k]))
    wave = batch["wave"] if heard is None else tensors(scenes.batch(0, [heard]))["wave"]
    photo, T = batch["photo"].float() / 255, batch["frames"].shape[1]
    answer, _ = network(photo, wave, batch["feeling"], batch["noise"], None, LEAD + torch.arange(T),
                        points=batch["points"])
    frames = applied(answer.answer, photo.expand(T, -1, -1, -1))
    true = batch["frames"][0].permute(0, 2, 3, 1).numpy()
    return batch["photo"][0].permute(1, 2, 0).numpy(), true, \
        (frames.permute(0, 2, 3, 1) * 255).round().byte().numpy()


def opened(folder: Path, network: Deformable, split: str = "test") -> Scenes:
    """The scenes of unseen people, whole."""
    c = network.config
    return Scenes(folder, split, c.size, noise=c.noise, told=c.told, context=c.context)


def scored(rows: dict[str, Deformable | None], scenes: Scenes, cache: Path | None, *, shuffled: str | None = None,
           every: int = 1) -> dict[str, list[dict]]:
    """A record for each scene and row.  rows: name -> network, None for the photo itself.  shuffled: the row whose
    network draws by another scene's sound, too.  cache: of true landmarks.  every: so many scenes are left out."""
    mask = face_region(scenes.size)
    out: dict[str, list[dict]] = {name: [] for name in rows} | ({"shuffled": []} if shuffled else {})
    for k in range(0, len(scenes), every):
        found = {name: drawn(network, scenes, k) for name, network in rows.items() if network is not None}
        photo, true, _ = next(iter(found.values()))
        frames = {name: found[name][2] if name in found else np.repeat(photo[None], len(true), 0) for name in rows}
        network = rows[shuffled] if shuffled else None
        if network is not None:
            frames["shuffled"] = drawn(network, scenes, k, heard=(k + SPREAD) % len(scenes))[2]
        cache.mkdir(exist_ok=True)
        points, moved = crops.kept_landmarks(true, cache), energy(true, mask)
        for name, shown in frames.items():
            record = {"actor": scenes.actors[scenes.actor[k]], "scene": k, "energy": energy(shown, mask) / moved}
            record |= {"ssim": float(metrics.ssim(shown, true, mask).mean()),
                       "psnr": float(metrics.psnr(shown, true, mask).mean())}
            measured = crops.landmarks(shown)
            record |= {n: v for n, v in measure.lips(measured, points).items() if n in SCORES}
            if not measure.moves(measured):
                record["aperture_r"] = 0.0                    # lips that do not move follow nothing
            out[name].append(record)
    return out


def means(records: list[dict], scores=SCORES) -> dict[str, str]:
    """Means over actors with their intervals."""
    actors = [r["actor"] for r in records]
    return {s: str(stats.mean([r.get(s, np.nan) for r in records], actors)) for s in scores}


def figures(scenes: Path, checkpoint: Path | None = None) -> dict[str, list[dict]]:
    """Print the table of the network that ships, or of a checkpoint, and what it gains on still and shuffled."""
    network = load(checkpoint)[0]
    found = scored({"still": None, "deformable": network}, opened(scenes, network), scenes / "landmarks",
                   shuffled="deformable")
    table("scenes of unseen actors", {name: means(records) for name, records in found.items()})
    actors = [r["actor"] for r in found["still"]]
    table("deformable less the row", {name: {s: str(stats.paired([r[s] for r in found["deformable"]],
                                                                 [r[s] for r in found[name]], actors))
                                             for s in SCORES[:-1]} for name in ("still", "shuffled")})
    return found


# ---- a minute -------------------------------------------------------------------------------------------------------
def long(checkpoint: Path | None = None, seconds: float = 60.0, size: int = 256) -> dict:
    """Print and return what becomes of a face that speaks for a minute, of each photo in data/faces."""
    import time

    import cv2

    from tfg import paths
    from tfg.media.audio import SR, load_audio
    from tfg.media.image import read_image
    from tfg.scores.identity import csim
    from tfg.scores.judges import load as judges
    from tfg.systems.base import Speech
    from tfg.systems.deformable.act import prepare
    from tfg.systems.deformable.options import DeformableOptions
    from tfg.systems.deformable.study import diversity

    sound = np.concatenate([load_audio(paths.data("audio", name)) for name in ("DFA.wav", "ITH.wav")])
    sound = np.tile(sound, int(np.ceil(seconds * SR / len(sound))))[:int(seconds * SR)]
    identity, rows = judges().identity, {}
    for path in sorted(paths.data("faces").glob("*.jpg")):
        photo = cv2.resize(read_image(path), (size, size), interpolation=cv2.INTER_AREA)
        take = prepare(photo, Speech(sound), DeformableOptions(checkpoint=checkpoint))
        clock = time.perf_counter()
        frames = np.stack(list(take.frames))
        rate = len(frames) / (time.perf_counter() - clock)
        person = identity.embed(photo[None], None)
        parts = {"first": frames[:125:5], "last": frames[-125::5]}
        row = {"frames/s": rate} | {f"CSIM {name}": float(np.nanmean(csim(identity.embed(part, None), person)))
                                    for name, part in parts.items()}
        row |= {f"sharpness {name}": float(np.mean([cv2.Laplacian(f, cv2.CV_32F).std() for f in part]))
                for name, part in parts.items()}
        rows[path.stem] = row | {f"noise {k}": v for k, v in diversity(photo, sound[:4 * SR],
                                                                       checkpoint=checkpoint).items()}
    table(f"{seconds:.0f} s of speech, {size} px", rows)
    return rows


# ---- ablation -------------------------------------------------------------------------------------------------------
def ablation(scenes: Path, store: str | None, out: Path, *, profile: str = "cpu", steps: int | None = None,
             hearing: int | None = None, seeds: int = 3, clips: int = 1) -> dict:
    """Train all variants, or go on; print their scores and paired differences from "orig".  Returns the records."""
    phases = dict(RUNS[profile].phases)
    start = out / "start"
    train_deformable(start, scenes=scenes, profile=profile, phase="ears", steps=hearing or phases["ears"],
                     equal=True, deform=False, attention=False)
    found: dict[str, list[list[dict]]] = {name: [] for name in VARIANTS}
    for seed in range(seeds):
        for name, (deform, attention) in VARIANTS.items():
            folder = out / f"{name.strip('+')}_{seed}"
            record = folder / "records.json"
            if not record.is_file():
                train_deformable(folder, scenes=scenes, profile=profile, phase="generator", seed=seed,
                                 steps=steps or phases["generator"], deform=deform, attention=attention, equal=True,
                                 init=_fitting(start, folder, deform, attention, profile, seed))
                network = load(folder)[0]
                its = opened(scenes, network)
                records = scored({name: network}, its, scenes / "landmarks")[name]
                with atomic(record) as path:
                    path.write_text(json.dumps({"scenes": records, "film": _on_film(folder, store, clips)}) + "\n")
            found[name].append(json.loads(record.read_text()))
        _print(found)
    network = load(out / "both_0")[0]
    write_image(offsets_on(network, opened(scenes, network)), out / "offsets.png")
    return found


def _fitting(start: Path, folder: Path, deform: bool, attention: bool, profile: str, seed: int) -> Path:
    """A checkpoint of the variant whose ears are those of the start: its pictures have learned nothing yet."""
    from tfg.networks import checkpoint
    from tfg.systems.deformable.network import PROFILES, variant

    ready = folder.with_name(folder.name + "_start")
    if not (ready / "deformable.safetensors").is_file():
        config = variant(PROFILES[profile], deform=deform, attention=attention)
        torch.manual_seed(seed)
        made, heard = Deformable(config), load(start)[0].state_dict()
        kept = {k: v for k, v in heard.items() if k.split(".")[0] in ("ears", "speech", "lips", "voice", "voice_name")}
        made.load_state_dict(made.state_dict() | kept | {name: heard[name] for name in ("common", "mean")})
        checkpoint.save(made, ready, "deformable", {})
    return ready


def _on_film(folder: Path, store: str | None, clips: int) -> list[dict]:
    """Records of whole faces drawn for a store's clips, by `tfg score`."""
    if store is None:
        return []
    from tfg.scores.run import score

    result = score("deformable", store, rows=("true",), clips=clips, checkpoint=folder, workers=1)
    return [{"actor": r["actor"], "clip": r["clip"], "lse_d": r.get("lse_d", np.nan),
             "film_aperture_r": r.get("aperture_r", np.nan)} for r in result.where("deformable")]


def _print(found: dict[str, list[dict]]) -> None:
    """Means over the seeds so far, and differences from "orig", paired by clip."""
    rows, apart = {}, {}
    many = min(len(runs) for runs in found.values())
    for name, runs in found.items():
        rows[name], apart[name] = {}, {}
        for kind, scores in (("scenes", SCORES), ("film", ON_FILM)):
            if not runs[0][kind]:
                continue
            actors = [r["actor"] for r in runs[0][kind]]
            for s in scores:
                mine, orig = (np.mean([[r[s] for r in run[kind]] for run in its[:many]], 0)
                              for its in (runs, found["orig"]))
                rows[name][s] = str(stats.mean(mine, actors))
                if name != "orig":
                    apart[name][s] = str(stats.paired(mine, orig, actors))
    table(f"variants, unseen actors, {many} seeds", rows)
    table("less orig", {name: cells for name, cells in apart.items() if cells})


def offsets_on(network: Deformable, scenes: Scenes, many: int = 3, side: int = 16) -> np.ndarray:
    """Where the decoder's deformable layer looks in the photo while lips are widest open: a picture of `many` people,
    for each the photo with the nine taps of places at the mouth and the eyes, and the frame drawn."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, many, figsize=(3.2 * many, 6.6), layout="constrained")
    chosen = [int(np.flatnonzero(scenes.actor == a)[0]) for a in np.linspace(0, len(scenes.actors) - 1, many,
                                                                             dtype=int)]
    for column, k in enumerate(chosen):
        batch = tensors(scenes.batch(0, [k]))
        with torch.no_grad():
            photo = batch["photo"].float() / 255
            told, _, _ = network.hear(batch["wave"], batch["feeling"], batch["noise"])
            seen = network.see(photo, batch["points"])
            where = network.offsets(seen, told, side)[0, LEAD:].numpy()   # (T, 9, 2, side, side) y, x
        still, _, own = drawn(network, scenes, k)
        t = int(np.abs(own.astype(int) - still).mean((1, 2, 3)).argmax())
        scale = scenes.size / side
        for row, picture in enumerate((still, own[t])):
            axes[row, column].imshow(picture)
            axes[row, column].set_axis_off()
        for y, x in ((12, 8), (11, 6), (11, 9), (6, 5), (6, 10)):
            taps = np.array([[y + i // 3 - 1, x + i % 3 - 1] for i in range(9)]) + where[t, :, :, y, x]
            at = (taps + .5) * scale - .5
            axes[0, column].scatter(at[:, 1], at[:, 0], s=7, zorder=3)
            axes[1, column].plot((x + .5) * scale - .5, (y + .5) * scale - .5, "s", ms=5, mfc="none",
                                 color=axes[0, column].collections[-1].get_facecolor()[0])
    axes[0, 0].set_title("the photo, and where the kernel looks", fontsize=9, loc="left")
    axes[1, 0].set_title("the frame, and the places it is drawn for", fontsize=9, loc="left")
    figure.canvas.draw()
    picture = np.asarray(figure.canvas.buffer_rgba())[..., :3].copy()      # type: ignore[attr-defined]
    plt.close(figure)
    return picture


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tools.bench.deformable", description=__doc__.split("\n")[0])
    parts = parser.add_subparsers(required=True)
    p = parts.add_parser("figures")
    p.set_defaults(run=figures)
    p.add_argument("--scenes", required=True, type=Path, help="folder of tfg.systems.deformable.scenes")
    p.add_argument("--checkpoint", type=Path, help="folder of the generator (default: the one that ships)")
    p = parts.add_parser("long")
    p.set_defaults(run=long)
    p.add_argument("--checkpoint", type=Path, help="folder of the generator (default: the one that ships)")
    p = parts.add_parser("ablation")
    p.set_defaults(run=ablation)
    p.add_argument("--scenes", required=True, type=Path, help="folder of tfg.systems.deformable.scenes")
    p.add_argument("--store", help="prepared clips, to judge sync by; without, the sync is left out")
    p.add_argument("--out", required=True, type=Path, help="folder to write into")
    p.add_argument("--profile", default="cpu", choices=list(RUNS))
    p.add_argument("--steps", type=int, help="steps of each variant's generator (default: the profile's)")
    p.add_argument("--hearing", type=int, help="steps of the phase ears, shared by all (default: the profile's)")
    p.add_argument("--seeds", type=int, default=3)
    p.add_argument("--clips", type=int, default=1, help="clips of each actor of the store")
    given = vars(parser.parse_args())
    given.pop("run")(**given)
