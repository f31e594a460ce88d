"""`make bench`: the figures that README and cards quote, measured here and now. Nothing in it is a test.

    python -m tools.bench [fit] [seen] [emotions] [lips] [speed]     (all of them without a name)

The real clips are read from $TFG_SHARED or ../shared (a folder with crema_d/, grid/ and sfhq/); a part that needs them
says so and is left out where they are absent. They are for measuring only: nothing is trained or chosen on them.
"""
from __future__ import annotations

import csv
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "2")

import numpy as np  # noqa: E402

from tfg import paths  # noqa: E402
from tfg.audio import load_audio, loudness  # noqa: E402
from tfg.faces import measure
from tfg.faces.geometry import lip_gap  # noqa: E402
from tfg.faces.landmarks import detect  # noqa: E402
from tfg.vocabulary import EMOTIONS, index  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("TFG_SHARED", ROOT.parent / "shared"))
SENTENCE = paths.data("audio")
STABLE = (33, 133, 263, 362, 168, 6, 197, 195, 10, 151, 9)     # eye corners, bridge of the nose, forehead
BROWS = {"inner": (55, 107, 285, 336), "outer": (46, 53, 276, 283)}


def machine() -> str:
    """The processor's name and the number of cores in use."""
    name = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                name = line.split(":")[1].strip()
                break
    except OSError:
        pass
    return f"{name}, {len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()} cores"


def astronaut() -> np.ndarray:
    """(512, 512, 3) a real portrait with a toothy smile (NASA, public domain)."""
    from skimage import data

    return data.astronaut()


def sfhq(n: int, *, side: int = 512) -> list[np.ndarray]:
    """Every k-th of the synthetic portraits in shared/sfhq, so that n come from all sheets."""
    from PIL import Image

    table = SHARED / "sfhq" / "tiles.csv"
    if not table.is_file():
        return []
    rows = [r for r in csv.DictReader(table.open()) if abs(float(r["yaw_deg"])) < 25 and float(r["face_px"]) > 180]
    out = []
    for r in rows[:: max(1, len(rows) // n)][:n]:
        x, y, w, h = (int(r[k]) for k in "xywh")
        with Image.open(SHARED / "sfhq" / r["sheet"]) as sheet:
            tile = sheet.crop((x, y, x + w, y + h)).convert("RGB")
        tile.thumbnail((side, side))
        out.append(np.asarray(tile))
    return out


def real_clips() -> dict[str, list[Path]]:
    """The ten real clips by corpus."""
    found = {"crema_d": (SHARED / "crema_d" / "VideoFlash").glob("*.flv"), "grid": (SHARED / "grid").glob("*.mpg")}
    return {k: sorted(v) for k, v in found.items() if any(True for _ in (SHARED / k).rglob("*"))}


def interval(values, n: int = 2000) -> tuple[float, float]:
    """95 % bootstrap interval of a mean."""
    rng = np.random.default_rng(0)
    values = np.asarray(values, float)
    means = values[rng.integers(0, len(values), (n, len(values)))].mean(1)
    return float(np.percentile(means, 2.5)), float(np.percentile(means, 97.5))


def track(video) -> np.ndarray:
    """(T, 478, 3) landmarks of each frame of a path or of frames, NaN where no face is found.

    Frame by frame: MediaPipe's own video mode smooths the lips and delays them by about half a frame.
    """
    return measure.track(video).points


# ---- fit ------------------------------------------------------------------------------------------------------
def bench_fit() -> dict:
    """Landmark error of the fit on landmarks left out of it, in outer-eye distances; no residual warp."""
    from tfg.head.fit import fit_landmarks
    from tfg.head.model import Head
    from tfg.video import FrameReader

    head = Head.load()
    use = np.ones(478, bool)
    use[::5] = False
    groups = {"astronaut": [astronaut()], "sfhq (20 faces)": sfhq(20)}
    groups["crema_d (every 10th frame)"] = [f for p in real_clips().get("crema_d", [])
                                            for i, f in enumerate(FrameReader(p)) if i % 10 == 0]
    out = {}
    for name, images in groups.items():
        errors, seconds = [], []
        for image in images:
            faces = detect(image)
            if not faces:
                continue
            start = time.perf_counter()
            fit = fit_landmarks(head, faces[0].points, expression_prior=faces[0].blendshapes, use=use)
            seconds.append(time.perf_counter() - start)
            points = faces[0].points
            xy = fit.project(head.landmark_points(fit.identity, fit.expression))
            span = np.linalg.norm(points[33, :2] - points[263, :2])
            errors.append(np.linalg.norm(xy - points[:, :2], axis=1)[~use].mean() / span)
        if errors:
            out[name] = {"n": len(errors), "mean_%": 100 * float(np.mean(errors)),
                         "worst_%": 100 * float(np.max(errors)),
                         "ms": 1000 * float(np.median(seconds))}
    table("Fit: error on left-out landmarks, % of the outer-eye distance", out)
    return out


# ---- asked and seen ---------------------------------------------------------------------------------------------
def aligned(points: np.ndarray, onto: np.ndarray) -> np.ndarray:
    """(..., 478, 2): points moved onto another face by a similarity in 3D over places that expressions do not move."""
    def one(p):
        a, b = p[list(STABLE)], onto[list(STABLE)]
        ca, cb = a.mean(0), b.mean(0)
        u, s, vt = np.linalg.svd((b - cb).T @ (a - ca))
        d = np.array([1, 1, np.sign(np.linalg.det(u @ vt))])
        r = (u * d) @ vt
        return ((p - ca) @ r.T * (s * d).sum() / ((a - ca) ** 2).sum() + cb)[:, :2]

    return np.array([one(p) for p in points]) if points.ndim == 3 else one(points)


def span(points: np.ndarray) -> float:
    """Outer-eye distance."""
    return float(np.linalg.norm(points[33, :2] - points[263, :2]))


def brow_travel(moved: np.ndarray, still: np.ndarray, part: str) -> float:
    """Vertical travel of the brows in outer-eye distances, up positive; both (478, 2 or 3), aligned."""
    which = list(BROWS[part])
    return float((still[which, 1] - moved[which, 1]).mean())


def portraits() -> dict:
    """The astronaut and ten synthetic people."""
    from tfg.head.portrait import Portrait

    images = {"astronaut": astronaut(), **{f"sfhq {i}": im for i, im in enumerate(sfhq(10))}}
    return {name: Portrait.from_image(image, size=256) for name, image in images.items()}


def bench_seen() -> dict:
    """A scripted 0..1 sweep of single coefficients on portraits, re-measured by the landmarker."""
    asked = np.linspace(0, 1, 9)
    rows: dict = {}
    psnr = []
    for portrait in portraits().values():
        still = None
        error = (portrait.render(portrait.rest_expression).astype(float) - portrait.source) ** 2
        psnr.append(10 * np.log10(255 ** 2 / max(error.mean(), 1e-6)))
        for name in ("jawOpen", "mouthSmile", "mouthPucker", "eyeBlink", "browInnerUp", "browDown", "browOuterUp"):
            seen, last = [], None
            for value in asked:
                e = np.zeros(52, np.float32)
                e[index(name)] = value
                faces = detect(portrait.render(portrait.personal(e)))
                seen.append(faces[0].blendshapes[index(name)].mean() if faces else np.nan)
                last = faces[0].points if faces else last
                still = last if still is None else still
            moved = aligned(last, still) / span(still)
            part = "outer" if name == "browOuterUp" else "inner"
            rows.setdefault(name, []).append((np.corrcoef(asked, seen)[0, 1], np.nanmax(seen) - np.nanmin(seen),
                                              brow_travel(moved, still / span(still), part)))
    out = {}
    for name, r in rows.items():
        r = np.array(r)
        out[name] = {"faces": len(r), "r mean": r[:, 0].mean(), "r worst": r[:, 0].min(), "range mean": r[:, 1].mean(),
                     "range worst": r[:, 1].min(), "brow travel": r[:, 2].mean() if "brow" in name else np.nan}
    table("Asked and seen (re-measured)", out)
    print(f"a still face against its photo: {np.mean(psnr):.1f} dB PSNR, worst {np.min(psnr):.1f}")
    real = real_brows()
    if real:
        table("Brow travel in the six CREMA-D clips, outer-eye distances (5th to 95th percentile)", real)
    return {"sweep": out, "real_brows": real}


def real_measurements() -> dict[str, np.ndarray]:
    """emotion -> (T, 478, 3) landmarks of actor 1001's clip."""

    return {p.stem.split("_")[2]: track(p) for p in real_clips().get("crema_d", [])}


def real_brows() -> dict:
    clips = real_measurements()
    if not clips:
        return {}
    neutral = np.nanmedian(clips["NEU"], 0)
    out: dict = {}
    for part in BROWS:
        travel = np.array([brow_travel(p, neutral[:, :2], part) / span(neutral) for e in clips
                           for p in aligned(clips[e][np.isfinite(clips[e][:, 0, 0])], neutral)])
        out[part] = {"down": float(np.percentile(travel, 5)), "up": float(np.percentile(travel, 95))}
    return out


def bench_emotions() -> dict:
    """How far each emotion moves the landmarks, and whether it can be told from the others."""
    from tfg.actors.emotion import actions

    shown: dict = {}
    for name, portrait in portraits().items():
        points = {}
        for emotion in EMOTIONS:
            e = portrait.personal(np.clip(actions(emotion, 1.0), 0, 1))
            faces = detect(portrait.render(e))
            if faces:
                points[emotion] = faces[0].points
        still = points["NEU"]
        shown[name] = {e: (aligned(p, still) - still[:, :2]) / span(still) for e, p in points.items()}
    clips = real_measurements()
    real = {}
    if clips:
        neutral = np.nanmedian(clips["NEU"], 0)
        real = {e: (aligned(np.nanmedian(p, 0), neutral) - neutral[:, :2]) / span(neutral) for e, p in clips.items()}
    out: dict = {}
    names = [n for n in shown if n != "astronaut"] or list(shown)
    right = {n: 0 for n in names}
    for emotion in EMOTIONS:
        hits = 0
        for n in names:
            others = {e: np.mean([shown[m][e] for m in names if m != n and e in shown[m]], 0) for e in EMOTIONS}
            if emotion in shown[n]:
                guess = min(others, key=lambda e: np.linalg.norm(shown[n][emotion] - others[e]))
                hits += guess == emotion
                right[n] += guess == emotion
        size = np.mean([np.linalg.norm(shown[n][emotion], axis=1).mean() for n in shown if emotion in shown[n]])
        out[emotion] = {"moved %": 100 * size, "named of": f"{hits}/{len(names)}"}
        if real:
            out[emotion]["actor 1001 %"] = 100 * float(np.linalg.norm(real[emotion], axis=1).mean())
    table("Emotions: mean landmark travel from neutral (% of eye distance); nearest prototype of other faces", out)
    print(f"  emotions named on each face: {', '.join(str(v) for v in right.values())} of {len(EMOTIONS)}")
    return {"emotions": out, "named_per_face": right}


# ---- real voice, real lips ----------------------------------------------------------------------------------------
def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson r over frames where both are measured."""
    n = min(len(a), len(b))
    a, b = a[:n], b[:n]
    ok = np.isfinite(a) & np.isfinite(b)
    return float(np.corrcoef(a[ok], b[ok])[0, 1])


def known_phones(path: Path, y: np.ndarray, truth: np.ndarray) -> float:
    """r of our viseme curves when the words are known and aligned by force, without network or rendering: what the
    table of visemes can reach. NaN without pocketsphinx."""
    try:
        from tfg.actors.visemes import coarticulate, opening, with_effort
        from tools.align import align, grid_sentence
        words = "don't forget a jacket" if path.suffix == ".flv" else grid_sentence(path.stem)
        return correlation(opening(coarticulate(with_effort(align(y, words), y), len(truth))), truth)
    except ImportError:
        return float("nan")


def other_ways(y: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """r of the network's opening before rendering, as it is and after simple changes. Printed, never chosen by."""
    from scipy.ndimage import gaussian_filter1d

    from tfg.actors.visemes import opening
    from tfg.models import mouth

    gap = opening(mouth.predict(y))
    level = loudness(y)
    envelope = gaussian_filter1d(np.clip((level - np.percentile(level, 95) + 35) / 35, 0, 1.2), 1.0)
    n = min(len(gap), len(envelope))
    gap, envelope = gap[:n], envelope[:n]
    ways = {"network": gap, "smoothed by 1 frame": gaussian_filter1d(gap, 1), "by 2 frames": gaussian_filter1d(gap, 2),
            "times loudness": gap * (0.4 + 0.6 * envelope),
            "plus loudness": gap / gap.std() + 0.5 * envelope / envelope.std()}
    return {name: correlation(curve, truth) for name, curve in ways.items()}


def bench_lips() -> dict:
    """Lip gap of a portrait driven by each real clip's sound against the gap in that clip's own video; no shift."""
    from tfg.actors.performance import perform
    from tfg.head.portrait import Portrait
    from tfg.models import mouth
    from tfg.video import read_image

    portrait = Portrait.from_image(read_image(paths.data("faces", "default.jpg")), size=256)
    out: dict = {}
    for corpus, files in real_clips().items():
        rows, ways = [], []
        for path in files:
            y = load_audio(path)
            truth = lip_gap(track(path))
            motion = perform(mouth.predict(y), y, "NEU", 1.0, seed=0, blink=False)
            gap = lip_gap(track(portrait.render_motion(motion)))
            ways.append(other_ways(y, truth))
            rows.append((correlation(gap, truth), correlation(loudness(y), truth), known_phones(path, y, truth)))
            print(f"  {path.stem}: r {rows[-1][0]:.2f}, loudness alone {rows[-1][1]:.2f}, "
                  f"phones known {rows[-1][2]:.2f}")
        r = np.array(rows)
        low, high = interval(r[:, 0])
        means = {name: np.mean([w[name] for w in ways]) for name in ways[0]}
        print(f"  {corpus} before rendering: " + ", ".join(f"{name} {value:.2f}" for name, value in means.items()))
        out[corpus] = {"clips": len(r), "r mean": r[:, 0].mean(), "interval": f"{low:.2f} to {high:.2f}",
                       "worst": r[:, 0].min(), "loudness": r[:, 1].mean(), "phones known": r[:, 2].mean()}
    if out:
        table("Real voice, real lips: Pearson r of the inner-lip gap", out)
    return out


# ---- speed ----------------------------------------------------------------------------------------------------------
SPEED = """
import json, resource, time, warnings
start = time.perf_counter()
import tfg
from tfg import paths
from tfg.audio import load_audio
import numpy as np
y = np.tile(load_audio({audio!r}), {repeat})
from tfg.audio import write_wav
write_wav({wav!r}, y)
times = {{}}
clip = tfg.animate({image!r}, {wav!r}, emotion="HAP", size=256, out={out!r}, overwrite=True, progress=False)
wall = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({{"wall_s": wall, "frames": len(clip), "peak_mb": peak}}))
"""


def bench_speed() -> dict:
    """`tfg animate` at 256 px: one-time cost and frames/s, from two lengths of sound in new processes; measurement."""
    sound = sorted(p for p in SENTENCE.iterdir() if p.suffix in (".wav", ".flac", ".ogg"))[0]
    out: dict = {}
    with tempfile.TemporaryDirectory() as folder:
        runs = {}
        for repeat in (1, 12):
            code = SPEED.format(audio=str(sound), repeat=repeat, wav=f"{folder}/y.wav", out=f"{folder}/o.mp4",
                                image=str(paths.data("faces", "default.jpg")))
            for _ in range(2):                                        # the second has numba's compiled code
                done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
                runs[repeat] = json.loads(done.stdout.strip().splitlines()[-1])
        a, b = runs[1], runs[12]
        per_frame = (b["wall_s"] - a["wall_s"]) / (b["frames"] - a["frames"])
        out["animate, 256 px"] = {"frames/s": 1 / per_frame, "x real time": 1 / per_frame / 25,
                                  "one-time s": a["wall_s"] - a["frames"] * per_frame, "peak MB": b["peak_mb"]}
        from tfg.video import FrameReader

        frames = list(FrameReader(f"{folder}/o.mp4")[:300])
    start = time.perf_counter()
    track(frames)
    out["face measurement, 256 px"] = {"frames/s": len(frames) / (time.perf_counter() - start)}
    table("Speed", out)
    return out


def table(title: str, rows: dict) -> None:
    """Print a dict of dicts as a table."""
    columns = list(dict.fromkeys(k for r in rows.values() for k in r))
    show = lambda v: "" if v is None or v == "" or v != v else f"{v:.3g}" if isinstance(v, float) else str(v)  # noqa: E731
    width = max([len(k) for k in rows] + [10])
    print(f"\n{title}\n" + " " * width + "".join(f"{c:>14}" for c in columns))
    for name, row in rows.items():
        print(f"{name:<{width}}" + "".join(f"{show(row.get(c, '')):>14}" for c in columns))


def main(names: list[str]) -> int:
    """Run the named parts (all without names) and write build/bench.json."""
    parts = {"fit": bench_fit, "seen": bench_seen, "emotions": bench_emotions, "lips": bench_lips, "speed": bench_speed}
    unknown = [n for n in names if n not in parts]
    if unknown:
        print(f"bench: no part {unknown[0]!r}; there are {', '.join(parts)}", file=sys.stderr)
        return 2
    print(f"{machine()}; Python {platform.python_version()}")
    if not SHARED.is_dir():
        print(f"{SHARED} is not there: parts that need real clips or portraits are left out (set TFG_SHARED).")
    results: dict = {"machine": machine()}
    for name in names or parts:
        start = time.perf_counter()
        results[name] = parts[name]()
        print(f"  [{name}: {time.perf_counter() - start:.0f} s]")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\npeak memory of this run {peak:.0f} MB")
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / "build" / "bench.json").write_text(json.dumps(results, indent=1, default=float) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
