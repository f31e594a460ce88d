"""Networks of `rhythmic` on unseen people, and what each part is worth.

    python -m tools.bench.rhythmic figures --scenes build/turns [--checkpoint DIR]
    python -m tools.bench.rhythmic turned [--actors N] [--checkpoint DIR]
    python -m tools.bench.rhythmic motion --speeches build/speeches [--motionnet DIR]
    python -m tools.bench.rhythmic spoken --speeches build/speeches [--pointsnet DIR]
    python -m tools.bench.rhythmic fitted --out build/rhythmic_fitted [--actors N] [--steps N]
    python -m tools.bench.rhythmic ablation --scenes build/turns --out build/rhythmic_ablation [--steps N]
    python -m tools.bench.rhythmic speed [--checkpoint DIR]
    python -m tools.bench.rhythmic study --scenes build/turns --speeches build/speeches --out build/rhythmic_study

*figures*: the network itself (128 px), scenes of the split test: the closest shot as it is (still), moved by landmarks
alone, and drawn from 1, 2, 4 ... shots.  *turned*: a photo of a test actor says a sentence with its head turned by 20
degrees, drawn by `rhythmic` from the photo alone and from eight shots, and by the portrait warp of `expression`, all
given the same coefficients, beside the truth.  *motion*: spread of the head's angles and closeness of its beats to
stressed syllables, against the sound of another speech.  *fitted*: films of test actors, and the real clips where they
are there: adapted to the first half, scored on the second.  *ablation*: the network without each part, at equal steps,
from one seed.  *speed*: frames a second.  *spoken*: landmarks of the mouth, beside a face at rest and another take's
sound.  *study*: all of these but speed, one after the other.

Intervals (95 %) are bootstraps over people; differences are paired by scene.
"""
from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch

from tfg import metrics
from tfg.faces import crops
from tfg.faces.geometry import lip_gap
from tfg.files import make_folder
from tfg.metrics import motion as moves
from tfg.metrics import stats
from tfg.networks.anchored import flow_by_landmarks
from tfg.networks.warp import warp
from tfg.scores import measure
from tfg.scores.identity import csim, identity_judge
from tfg.systems.rhythmic.data import Turns, read
from tfg.systems.rhythmic.network import Rhythmic, load
from tfg.systems.rhythmic.task import joined, moments_of, mouths, unit
from tfg.training.batches import tensors
from tools.bench.common import real_clips, table

SCORES = ("ssim", "psnr", "mouth_l1", "lmd_mouth", "gap")
VARIANTS: dict[str, dict] = {
    "all": {}, "mean of shots": {"atten": False}, "linear": {"spade_combine": False},
    "no warp": {"warp_ref": False, "warp_ani": False}, "reference alone": {"warp_ani": False},
    "render alone": {"warp_ref": False}}
YAW = 20.0
EVERY = 1
"""Of a sentence's frames one in so many is scored, turned to one side and the other in turn; face-FID needs many."""


# ---- the network itself ---------------------------------------------------------------------------------------------
@torch.inference_mode()
def drawn(network: Rhythmic, data: Turns, k: int) -> dict[str, np.ndarray]:
    """Frames (T, S, S, 3) uint8 of scene k: true, still, moved by landmarks, and drawn; and mouth (T, S, S)."""
    batch = tensors(data.batch(0, [k]))
    moments = moments_of(batch)
    person = network.see(unit(batch["shots"]), unit(batch["shot_sketches"]))
    at = joined(moments)
    pictures = torch.cat([network.draw(person, m).picture for m in moments])
    told = torch.nn.functional.interpolate(flow_by_landmarks(at.points, at.ref_points, data.size // 2), data.size,
                                           mode="bilinear", align_corners=False)

    def shown(x: torch.Tensor) -> np.ndarray:
        return (x.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).numpy()

    return {"true": batch["frames"][0].permute(0, 2, 3, 1).numpy(), "still": shown(at.ref),
            "landmarks": shown(warp(at.ref, told)), "drawn": shown(pictures),
            "mouth": mouths(at.points, data.size).numpy()}


def record(frames: np.ndarray, true: np.ndarray, mouth: np.ndarray, points: np.ndarray) -> dict[str, float]:
    """Scores of frames (T, S, S, 3) beside the true ones, whose landmarks are points (T, 478, 2)."""
    away = np.abs(frames.astype(np.float32) - true).mean(-1) / 255
    seen = crops.landmarks(frames)
    found = measure.lips(seen, points)
    return {"ssim": float(metrics.ssim(frames, true).mean()), "psnr": float(metrics.psnr(frames, true).mean()),
            "mouth_l1": float((away * mouth).sum() / mouth.sum()), "lmd_mouth": found.get("lmd_mouth", np.nan),
            "gap": float(np.nanmean(np.abs(lip_gap(seen[..., :2]) - lip_gap(points[..., :2]))))}


def scored(networks: dict[str, Rhythmic], people: dict, shots: dict[str, int], cache: Path | None
           ) -> dict[str, list[dict]]:
    """A record for each scene and row.  networks: row -> network.  people: of one split.  shots: row -> K."""
    out: dict[str, list[dict]] = {name: [] for name in ("still", "landmarks", *networks)}
    names = [name for name, arrays in people.items() for _ in arrays["shots"]]
    for row, network in networks.items():
        data = Turns(people, network.config.size, n_shot=shots[row])
        for k, who in enumerate(names):
            frames = drawn(network, data, k)
            points = crops.kept_landmarks(frames["true"], cache)
            for name in ("still", "landmarks", "drawn") if row == next(iter(networks)) else ("drawn",):
                out[row if name == "drawn" else name].append(
                    {"actor": who, "scene": k} | record(frames[name], frames["true"], frames["mouth"], points))
    return out


def means(records: list[dict], scores=SCORES) -> dict[str, str]:
    """Means over people with their intervals; of scores that are known."""
    who = [r["actor"] for r in records]
    return {s: str(stats.mean([r[s] for r in records], who)) for s in scores
            if np.isfinite([r.get(s, np.nan) for r in records]).any()}


def less(records: dict[str, list[dict]], row: str, others, scores=SCORES) -> dict[str, dict[str, str]]:
    """Paired differences of a row less each of the others."""
    def all_of(name: str, s: str) -> list[float]:
        return [r.get(s, np.nan) for r in records[name]]

    who = [r["actor"] for r in records[row]]
    return {name: {s: str(stats.paired(all_of(row, s), all_of(name, s), who)) for s in scores
                   if np.isfinite(all_of(row, s)).any()} for name in others}


def figures(scenes: Path, checkpoint: Path | None = None, split: str = "test") -> dict[str, list[dict]]:
    """Scores of the network by the number of shots."""
    network = load(checkpoint)[0]
    people = read(scenes, split, network.config.size)
    most = next(iter(people.values()))["shots"].shape[1]
    counts = sorted({k for k in (32, 8, 4, 2, 1) if k <= most} | ({most} if most < 8 else set()),
                    reverse=True)
    rows = {f"{k} shots": network for k in counts}
    found = scored(rows, people, {f"{k} shots": k for k in counts}, make_folder(scenes / "landmarks"))
    table(f"scenes of unseen people ({split})", {name: means(r) for name, r in found.items()})
    table(f"{counts[0]} shots less the row", less(found, f"{counts[0]} shots",
                                                  ["still", "landmarks", *list(rows)[1:]]))
    return found


# ---- a turned head --------------------------------------------------------------------------------------------------
def turned(actors: int | None = None, checkpoint: Path | None = None, size: int = 256) -> dict[str, list[dict]]:
    """Test actors at a yaw of 20 degrees, by `rhythmic` and by the portrait warp."""
    from tfg import registry
    from tfg.actors import cast, take
    from tfg.media.motion import Motion
    from tfg.scores import judges
    from tfg.scores.face_distance import frechet, pooled
    from tfg.systems.base import Footage, Speech
    from tfg.vocabulary import EMOTIONS, SENTENCES

    encoder = judges.load().networks["judge_encoder"]
    judge = identity_judge()
    found: dict[str, list[dict]] = {}
    features: dict[str, list[np.ndarray]] = {}
    rng = np.random.default_rng(5)
    for k, member in enumerate([m for m in cast.members("cpu") if m.split == "test"][:actors]):
        actor = cast.build(member, size)
        emotion = EMOTIONS[k % len(EMOTIONS)]
        played = take.make_take(member.name, member.seed, sentence=list(SENTENCES)[k % len(SENTENCES)], emotion=emotion,
                                level="XX" if emotion == "NEU" else "HI")
        expression = played.motion.expression[::EVERY]
        T = len(expression)
        pose = np.zeros((T, 6), np.float32)
        pose[:, 0] = YAW * np.where(np.arange(T) % 2, 1, -1)
        asked = Motion(expression, pose, fps=25.0)
        true = np.stack([actor.render(e, p) for e, p in zip(actor.personal(expression), pose)])
        photo = actor.render(actor.neutral)
        other = take.make_take(member.name, member.seed, sentence=list(SENTENCES)[(k + 5) % len(SENTENCES)],
                               emotion="NEU", level="XX")
        most = 13 if actor.kind == "portrait" else 25
        shots = [actor.render(actor.personal(other.motion.expression[None, int(rng.integers(len(other.motion)))])[0],
                              np.array([yaw, rng.uniform(-6, 6), 0, 0, 0, 0]))
                 for yaw in np.linspace(-most, most, 7)]
        speech = Speech(np.zeros(640 * T, np.float32))
        ours = dict(ref_pose=asked, ref_expression=asked, blink=False, checkpoint=checkpoint)
        rows = {"true": true, "still": np.repeat(photo[None], T, 0)}
        for name, system, source, options in (
                ("rhythmic, photo", "rhythmic", photo, ours),
                ("rhythmic, 8 shots", "rhythmic", Footage(photo[None], photo, np.stack(shots), crop=False), ours),
                ("expression", "expression", photo, dict(motion=asked, size=size))):
            its = registry.system(system)
            rows[name] = np.stack(list(its.prepare(source, speech, its.Options(**options)).frames))
        points = crops.landmarks(true)
        person = judge.embed(true, points)
        for name, frames in rows.items():
            seen = points if name == "true" else crops.landmarks(frames)
            features.setdefault(name, []).append(pooled(frames, encoder))
            if name == "true":
                continue
            found.setdefault(name, []).append(
                {"actor": member.name, "kind": actor.kind, "ssim": float(metrics.ssim(frames, true).mean()),
                 "psnr": float(metrics.psnr(frames, true).mean()),
                 "csim": float(np.nanmean(csim(judge.embed(frames, seen), person))),
                 "nme": float(np.nanmean(np.linalg.norm(seen[..., :2] - points[..., :2], axis=-1)) / size)})
        print(f"  {member.name} {actor.kind}", flush=True)
    scores = ("ssim", "psnr", "csim", "nme")
    kinds = [r["kind"] for r in found["still"]]
    for kind, title in (("virtual", "built heads"), ("portrait", "photos that play, whose truth is a portrait warp")):
        which = [k for k, it in enumerate(kinds) if it == kind]
        if not which:
            continue
        part = {name: [r[k] for k in which] for name, r in found.items()}
        rows_of = {name: means(r, scores) for name, r in part.items()}
        for name in rows_of:
            both = [np.concatenate([features[n][k] for k in which]) for n in (name, "true")]
            if len(both[0]) > both[0].shape[1]:
                rows_of[name]["face-FID"] = f"{float(frechet(*both).value):.3f}"
        table(f"yaw of {YAW:g} degrees, {len(which)} test actors, {title} ({judge.name})", rows_of)
        for name in ("rhythmic, photo", "rhythmic, 8 shots"):
            table(f"{name} less the row", less(part, name, [n for n in part if n != name], scores))
    return found


# ---- head motion ----------------------------------------------------------------------------------------------------
def motion(speeches: Path, motionnet: Path | None = None, split: str = "test") -> dict[str, dict]:
    """Spread and timing of head motion, beside the true one."""
    from tfg.systems.rhythmic import speeches as said
    from tfg.systems.rhythmic.motion.network import load as load_motion
    from tfg.systems.rhythmic.motion.roll import roll

    network = load_motion(motionnet)[0]
    takes = [t for t in said.read(speeches, split) if len(t["pose"]) >= 64]
    rows: dict[str, list[np.ndarray]] = {"true": [], "rhythmic": [], "rhythmic, seen": []}
    sounds = [t["wave"] / np.float32(said.FULL) for t in takes]
    for k, (take, sound) in enumerate(zip(takes, sounds)):
        n = len(take["pose"])
        rows["true"].append(take["pose"])
        rows["rhythmic"].append(roll(network, sound, n, seed=k))
        before = [t["pose"] for t in takes if t["actor"] == take["actor"] and t is not take][:1]
        rows["rhythmic, seen"].append(roll(network, sound, n, observed=before[0][:64] if before else None, seed=k))
    who = [str(t["actor"]) for t in takes]
    out = {}
    for name, poses in rows.items():
        spread = moves.diversity(poses)
        aligned = [moves.beat_alignment(p, moves.accents(s)) for p, s in zip(poses, sounds)]
        # the sound of another take: as long at least, else its beats end before the motion does
        order = np.argsort([len(p) for p in poses], kind="stable")
        longer = {int(a): int(b) for a, b in zip(order, [*order[1:], order[-2]])}
        beside = [moves.beat_alignment(poses[k], moves.accents(sounds[longer[k]])) for k in range(len(poses))]
        out[name] = {"yaw": spread[0], "pitch": spread[1], "roll": spread[2],
                     "stress": str(stats.mean(aligned, who)), "another sound": str(stats.mean(beside, who)),
                     "difference": str(stats.paired(aligned, beside, who))}
    table("head motion: spread in degrees, closeness of beats to stressed syllables", out)
    return out


# ---- landmarks ------------------------------------------------------------------------------------------------------
def spoken(speeches: Path, pointsnet: Path | None = None, split: str = "test") -> dict[str, list[dict]]:
    """Canonical landmarks from sound, beside a face at rest and another take's sound."""
    from tfg.faces.points68 import GROUPS
    from tfg.systems.rhythmic import speeches as said
    from tfg.systems.rhythmic.points.network import load as load_points
    from tfg.systems.rhythmic.points.network import speak
    from tfg.vocabulary import EMOTIONS

    network, lips = load_points(pointsnet)[0], list(GROUPS["mouth"])
    takes = [t for t in said.read(speeches, split) if len(t["pose"]) >= 64]
    out: dict[str, list[dict]] = {"rhythmic": [], "still": [], "shuffled": []}
    for k, take in enumerate(takes):
        other = takes[(k + len(takes) // 2) % len(takes)]
        n, felt = len(take["pose"]), dict(emotion=EMOTIONS[int(take["emotion"])], intensity=float(take["curve"].mean()))
        rows = {"still": np.zeros_like(take["offset"])}
        for name, heard in (("rhythmic", take), ("shuffled", other)):
            wave = np.resize(heard["wave"], n * 640) / np.float32(said.FULL)
            rows[name] = speak(network, wave, n, take["rest"], **felt) - take["rest"]
        gap = take["offset"][:, 66, 1] - take["offset"][:, 62, 1]
        for name, offset in rows.items():
            own = offset[:, 66, 1] - offset[:, 62, 1]
            r = float(np.corrcoef(own, gap)[0, 1]) if np.ptp(own) > 1e-6 and np.ptp(gap) > 1e-6 else 0.0
            far = np.linalg.norm((offset - take["offset"])[:, lips], axis=-1).mean()
            out[name].append({"actor": str(take["actor"]), "mouth_cm": float(far), "r": r})
    scores = ("mouth_cm", "r")
    table("landmarks of the mouth: distance in cm, r of the lips' gap", {name: means(x, scores) for name, x in
                                                                      out.items()})
    table("rhythmic less the row", less(out, "rhythmic", ("still", "shuffled"), scores))
    return out


# ---- one person -----------------------------------------------------------------------------------------------------
def fitted(out: Path, *, actors: int | None = 6, steps: int = 300, checkpoint: Path | None = None,
           size: int = 256) -> dict[str, list[dict]]:
    """Films adapted to their first half, drawn in their second, beside the network that ships."""
    from tfg.actors import cast, take
    from tfg.media.video import FrameReader, write_video
    from tfg.systems.rhythmic.adapt import fit
    from tfg.systems.rhythmic.options import FitOptions
    from tfg.vocabulary import SENTENCES

    films: dict[str, Path] = {}
    out.mkdir(parents=True, exist_ok=True)
    for member in [m for m in cast.members("cpu") if m.split == "test"][:actors]:
        path = out / f"{member.name}.mp4"
        if not path.is_file():
            played = take.make_take(member.name, member.seed, text=" ".join(list(SENTENCES.values())[:4]),
                                    emotion="HAP", level="MD")
            actor = cast.build(member, size)
            pose = played.motion.pose * 1.5
            frames = (actor.render(e, p) for e, p in zip(actor.personal(played.motion.expression), pose))
            write_video(path, frames, played.audio, fps=25.0)
        films[member.name] = path
    films |= {f"{corpus} {p.stem}": p for corpus, paths in real_clips().items() for p in paths[:2]}
    general, records = load(checkpoint)[0], {"ships": [], "adapted": []}
    for name, path in films.items():
        seconds = len(FrameReader(path)) / FrameReader(path).fps
        folder = fit(str(path), FitOptions(steps=steps, first_seconds=max(.2, seconds / 2), checkpoint=checkpoint),
                     out / path.stem)
        people = {name: second_half(path, general.config.size)}
        for row, network in (("ships", general), ("adapted", load(folder)[0])):
            data = Turns(people, network.config.size, n_shot=people[name]["shots"].shape[1])
            for k in range(len(data)):
                frames = drawn(network, data, k)
                points = crops.landmarks(frames["true"])
                records[row].append({"actor": name, "scene": k} | record(frames["drawn"], frames["true"],
                                                                         frames["mouth"], points))
    for title, chosen in (("test actors", lambda n: " " not in n), ("real clips", lambda n: " " in n)):
        part = {row: [r for r in all_of if chosen(r["actor"])] for row, all_of in records.items()}
        if part["ships"]:
            table(f"second half of films, {title}", {row: means(r) for row, r in part.items()})
            table("adapted less ships", less(part, "adapted", ["ships"]))
    return records


def second_half(path: Path, size: int, shots: int = 8, moments: int = 12) -> dict[str, np.ndarray]:
    """Scenes of one frame each from the second half of a film, with shots of the first half, in the moment's crop."""
    from tfg.media.video import FrameReader
    from tfg.systems.film.stage import set_up
    from tfg.systems.rhythmic.films import scene
    from tfg.systems.rhythmic.options import RhythmicOptions
    from tfg.systems.rhythmic.person import Watch, spread
    from tfg.systems.rhythmic.scenes import ROOM, Seen

    film = FrameReader(path)
    n = len(film)
    watched = Watch(tuple(range(n)))
    stage = set_up(str(path), n / film.fps, RhythmicOptions(), size, watch=watched.watch, margin=ROOM)
    known = sorted(watched.shots)
    first, last = ([k for k in known if (k < n / 2) == which] for which in (True, False))
    some = [first[i] for i in spread(len(first), shots)]
    parts = []
    for k in [last[i] for i in spread(len(last), moments)]:
        seen = [Seen.cut(s.frame, s.points, s.expression, stage.crops.matrix[k], size)
                for s in (watched.shots[i] for i in (k, *some))]
        parts.append(scene(seen[:1], seen[1:]))
    return {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}


# ---- what each part is worth ----------------------------------------------------------------------------------------
def ablation(scenes: Path, out: Path, steps: int, split: str = "test") -> dict[str, list[dict]]:
    """Train the network without each part, or go on; print scores and paired differences from the whole."""
    from tfg.systems.rhythmic.train import train_rhythmic

    for name, switches in VARIANTS.items():
        folder = out / name.replace(" ", "_")
        if not (folder / "rhythmic.json").is_file():
            train_rhythmic(folder, scenes=scenes, steps=steps, **switches)
    networks = {name: load(out / name.replace(" ", "_"))[0] for name in VARIANTS}
    people = read(scenes, split, networks["all"].config.size)
    many = min(8, next(iter(people.values()))["shots"].shape[1])
    found = scored(networks, people, {name: many for name in networks}, make_folder(scenes / "landmarks"))
    table(f"unseen people, {steps} steps each", {name: means(r) for name, r in found.items()})
    table("all less the row", less(found, "all", [n for n in found if n != "all"]))
    (out / "records.json").write_text(json.dumps(found) + "\n", encoding="utf-8")
    return found


def speed(checkpoint: Path | None = None, seconds: float = 4.0) -> dict[str, float]:
    """Frames a second of the default portrait at 256 and 512 px, networks and drawing, without reading and writing."""
    from tfg import paths, registry
    from tfg.media.image import read_image, resized
    from tfg.systems.base import Speech

    its, photo = registry.system("rhythmic"), read_image(paths.data("faces", "default.jpg"))
    rng, out = np.random.default_rng(0), {}
    for size in (256, 512):
        take = its.prepare(resized(photo, size, size), Speech(rng.normal(0, .1, int(16000 * seconds)).astype(
            np.float32)), its.Options(checkpoint=checkpoint))
        clock = time.perf_counter()
        n = sum(1 for _ in take.frames)
        out[f"{size} px"] = n / (time.perf_counter() - clock)
    table("frames a second", {"rhythmic": out})
    return out


def study(scenes: Path, speeches: Path, out: Path) -> None:
    """Everything but speed."""
    figures(scenes)
    turned()
    spoken(speeches)
    motion(speeches)
    ablation(scenes, out / "ablation", 600)
    fitted(out / "fitted", actors=3)


def main() -> None:
    """The command line."""
    p = argparse.ArgumentParser(prog="python -m tools.bench.rhythmic", description=__doc__.split("\n")[0])
    parts = p.add_subparsers(dest="part", required=True)
    for name, run, needs in (("figures", figures, ("scenes",)), ("turned", turned, ()),
                             ("motion", motion, ("speeches",)), ("spoken", spoken, ("speeches",)),
                             ("study", study, ("scenes", "speeches", "out")), ("fitted", fitted, ("out",)),
                             ("ablation", ablation, ("scenes", "out")), ("speed", speed, ())):
        one = parts.add_parser(name, help=(run.__doc__ or "").split("\n")[0], argument_default=argparse.SUPPRESS)
        for need in needs:
            one.add_argument(f"--{need}", type=Path, required=True)
        if name in ("motion", "spoken"):
            one.add_argument("--motionnet" if name == "motion" else "--pointsnet", type=Path)
        elif name not in ("ablation", "study"):
            one.add_argument("--checkpoint", type=Path)
        if name in ("turned", "fitted"):
            one.add_argument("--actors", type=int)
        if name in ("fitted", "ablation"):
            one.add_argument("--steps", type=int, default=300 if name == "fitted" else 600)
        if name in ("figures", "motion", "spoken", "ablation"):
            one.add_argument("--split", default="test")
        one.set_defaults(run=run)
    given = vars(p.parse_args())
    given.pop("part")
    given.pop("run")(**given)


if __name__ == "__main__":
    main()
