"""Virtual actors as measured by the landmarker: faces found, curves, landmarks, speed; and a classifier of real
ones."""
from __future__ import annotations

import time

import numpy as np

from tfg.faces import aus, landmarks
from tfg.head.fit import FACE_OVAL
from tfg.head.openings import BROWS
from tfg.head.template import EYE_LEFT, EYE_RIGHT, LIPS
from tfg.metrics import correlation
from tfg.vocabulary import AU_NAMES, EMOTIONS, SENTENCES, index
from tools.bench.common import SHARED, aligned, span, table

CURVES = ("jawOpen", "mouthSmile", "mouthPucker", "browInnerUp", "browDown", "browOuterUp", "eyeBlink")
PARTS = {"all 478": range(478), "inner lips": sorted({i for c in LIPS for i in c}),
         "lids": sorted({i for c in EYE_LEFT + EYE_RIGHT for i in c}), "brows": BROWS, "outline": FACE_OVAL}
ACTORS, EVERY = 12, 4           # of each kind; every fourth frame
MOVES = 0.05                    # a curve with less than this standard deviation is not correlated
RIDGE = 0.02


def run() -> dict:
    """Both kinds of actors: single coefficients swept, then six takes each (all emotions), strong and as in a set."""
    out = {}
    for kind, actors in (("virtual", virtual(ACTORS)), ("portrait", portraits(ACTORS))):
        if not actors:
            print(f"\n{kind} actors: none here")
            continue
        swept = sweeps(kind, actors)
        out[kind] = report(kind, actors, [watch(actor, takes(actor.seed)) for actor in actors])
        mixed = [watch(actor, takes(actor.seed, ("LO", "MD", "HI"))) for actor in actors]
        out[kind] |= dict(sweeps=swept, mixed=pooled(kind, mixed))
    if (SHARED / "sfhq").is_dir():
        from tools.bench import real_or_not

        out["real_or_not"] = real_or_not.run()
    return out


def virtual(n: int) -> list:
    from tfg.actors.identity import Identity
    from tfg.actors.virtual import VirtualActor

    return [VirtualActor(Identity.from_seed(500 + k), name=f"V{k:03d}") for k in range(n)]


def portraits(n: int) -> list:
    """Portrait actors of n people of SFHQ, evenly over the table, including those that a set leaves out as hard to
    read."""
    from tfg.actors.portrait import PortraitActor, suitable
    from tfg.corpora import sfhq

    if not (SHARED / "sfhq").is_dir():
        return []
    good = [t for t in sfhq.tiles() if suitable(t, unread=True)]
    chosen = good[:: max(1, len(good) // n)][:n]
    return [PortraitActor.from_image(photo(t), name=t.id, seed=500 + k) for k, t in enumerate(chosen)]


def photo(tile) -> np.ndarray:
    """A tile cut from its sheet, (h, w, 3) uint8."""
    from PIL import Image

    with Image.open(SHARED / "sfhq" / tile.sheet) as sheet:
        return np.asarray(sheet.crop((tile.x, tile.y, tile.x + tile.w, tile.y + tile.h)).convert("RGB"))


def takes(seed: int, levels: tuple[str, ...] = ("HI",)) -> list:
    """Six takes, another sentence for each emotion; levels in turn. Strong ones move brows and corners of the mouth."""
    from tfg.actors.take import make_take

    codes = list(SENTENCES)
    return [make_take("V001", seed, sentence=codes[(5 * seed + 2 * k) % 12], emotion=emotion,
                      level=levels[(seed + k) % len(levels)], recorded=False) for k, emotion in enumerate(EMOTIONS)]


def sweeps(kind: str, actors: list) -> dict:
    """Single coefficients swept from 0 to 1, all others at rest: r and range of the landmarker's values."""
    asked, rows = np.linspace(0, 1, 9), {}
    for name in CURVES:
        found = []
        for actor in actors:
            seen = []
            for value in asked:
                e = np.zeros(52, np.float32)
                e[index(name)] = value
                faces = landmarks.detect(actor.render(actor.personal(e), np.zeros(6)))
                seen.append(faces[0].blendshapes[index(name)].mean() if faces else np.nan)
            seen = np.array(seen)
            ok = np.isfinite(seen)
            found.append((correlation(asked[ok], seen[ok]), np.ptp(seen[ok])))
        r, reach = np.array(found).T
        rows[name] = {"r": r.mean(), "worst": r.min(), "range": reach.mean(), "its worst": reach.min()}
    table(f"{kind}: one coefficient at a time, from 0 to 1, as measured", rows)
    return rows


def pooled(kind: str, seen: list[dict]) -> dict:
    """The same correlations where weak, middling and strong takes are mixed, as in a set."""
    side = lambda x, name: x[:, index(name)].mean(1)                                         # noqa: E731
    guessed = calibrated(seen)
    rows = {}
    for name in CURVES:
        row = _row([(side(s["true"], name), side(s["seen"], name), side(g, name), s["clip"])
                    for s, g in zip(seen, guessed, strict=True)])
        rows[name] = {k: row[k] for k in ("pooled", "worst", "calibrated") if k in row}
    table(f"{kind}: the same with levels mixed, as in a set", rows)
    return rows


def watch(actor, performed) -> dict:
    """Measurements of an actor: true, seen (N, 52) coefficients; moved (N, 956), travel of its points from the face at
    rest without head motion; error (N, 478) of its points; both in outer-eye distances; clip (N,); found, frames."""
    true, seen, moved, error, clip, frames = [], [], [], [], [], 0
    with landmarks.Landmarker() as look:
        rest = (look(actor.render(actor.neutral)) or landmarks.detect(actor.render(actor.neutral)))[0].points
        for k, take in enumerate(performed):
            absolute = actor.personal(take.motion.expression)
            for t in range(0, len(absolute), EVERY):
                frames += 1
                picture = actor.render(absolute[t], take.motion.pose[t])
                faces = look(picture) or landmarks.detect(picture)
                if not faces:
                    continue
                points = actor.landmarks(absolute[t], take.motion.pose[t])
                true.append(absolute[t])
                moved.append(((aligned(faces[0].points, rest) - rest[:, :2]) / span(rest)).ravel())
                seen.append(np.nan_to_num(faces[0].blendshapes))
                error.append(np.linalg.norm(faces[0].points[:, :2] - points[:, :2], axis=1) / span(points))
                clip.append(k)
    return dict(true=np.array(true), seen=np.array(seen), moved=np.array(moved), error=np.array(error),
                clip=np.array(clip), frames=frames, found=len(true))


def report(kind: str, actors: list, seen: list[dict]) -> dict:
    """Print the tables of one kind."""
    frames, found = sum(s["frames"] for s in seen), sum(s["found"] for s in seen)
    error = 100 * np.concatenate([s["error"] for s in seen]).mean(0)
    speed = [rate(a, takes(a.seed)[0]) for a in actors[:3]]
    print(f"\n{kind} actors: {len(actors)}, {frames} frames at {actors[0].size[0]} px; a face is found in "
          f"{found / frames:.2%}; {np.median(speed):.0f} frames/s on one core with the landmarks")
    print("  landmarks, % of the outer-eye distance: " +
          ", ".join(f"{name} {error[list(rows)].mean():.2f}" for name, rows in PARTS.items()))
    guessed = calibrated(seen)
    both = list(zip(seen, guessed, strict=True))
    side = lambda x, name: x[:, index(name)].mean(1)                                         # noqa: E731
    curves = {c: _row([(side(s["true"], c), side(s["seen"], c), side(g, c), s["clip"]) for s, g in both])
              for c in CURVES}
    table(f"{kind}: true and seen curves, Pearson r", curves)
    units, read = [], []
    for s, g in both:
        units.append([aus.action_units(s["true"]), aus.action_units(s["seen"], measured=True), s["clip"]])
        read.append(aus.action_units(np.clip(g, 0, 1)))
    rows = {}
    for k, number in enumerate(aus.AUS):
        name = f"AU{number:02d} {AU_NAMES[number]}"
        if number in aus.UNSEEN:
            rows[name] = {"pooled": "missing"}
            continue
        rows[name] = _row([(u[:, k], m[:, k], r[:, k], c) for (u, m, c), r in zip(units, read, strict=True)])
    table(f"{kind}: Action Units, Pearson r (missing: MediaPipe does not read them)", rows)
    print("  pooled: an actor's six takes after one another, nothing subtracted, mean and worst of the actors; "
          "in a clip: takes in\n  which the curve moves; calibrated: pooled, read linearly from the landmarks' travel, "
          "set on other actors")
    return dict(actors=len(actors), frames=frames, found=found / frames, fps=float(np.median(speed)), curves=curves,
                aus=rows, landmark_error={name: float(error[list(r)].mean()) for name, r in PARTS.items()})


def _row(actors: list[tuple]) -> dict:
    """Row of the table: correlations over actors.  actors: (true, seen, calibrated, clip) of each."""
    scale = 5 if max(a.max() for a, _, _, _ in actors) > 1 else 1           # Action Units run from 0 to 5
    actors = [row for row in actors if row[0].std() > MOVES * scale]
    pooled = [correlation(a, b) for a, b, _, _ in actors]
    within = [correlation(a[c == k], b[c == k]) for a, b, _, c in actors for k in np.unique(c)
              if a[c == k].std() > MOVES * scale]
    better = [correlation(a, g) for a, _, g, _ in actors]
    if not pooled:
        return {"pooled": "still"}
    return {"pooled": float(np.mean(pooled)), "worst": float(np.min(pooled)),
            "in a clip": float(np.mean(within)) if within else float("nan"), "clips": len(within),
            "calibrated": float(np.mean(better)), "its worst": float(np.min(better))}


def calibrated(seen: list[dict]) -> list[np.ndarray]:
    """Calibrated coefficients of each actor, (N, 52), by ridge regression from the landmarks' travel, fitted on
    others."""
    out = []
    for k, one in enumerate(seen):
        x = np.concatenate([s["moved"] for j, s in enumerate(seen) if j != k])
        y = np.concatenate([s["true"] for j, s in enumerate(seen) if j != k])
        kernel = x @ x.T
        kernel[np.diag_indices(len(x))] += RIDGE
        out.append(one["moved"] @ (x.T @ np.linalg.solve(kernel, y - y.mean(0))) + y.mean(0))
    return out


def rate(actor, take) -> float:
    """Frames per second of drawing a take with its landmarks."""
    absolute, pose = actor.personal(take.motion.expression), take.motion.pose
    for _ in range(3):
        actor.render(absolute[0], pose[0])
    start = time.perf_counter()
    for e, p in zip(absolute, pose, strict=True):
        actor.render(e, p)
        actor.landmarks(e, p)
    return len(absolute) / (time.perf_counter() - start)
