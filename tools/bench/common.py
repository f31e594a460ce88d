"""Shared by the parts of the benchmark: paths of clips, the machine's name, tables, intervals."""
from __future__ import annotations

import csv
import os
import platform
from pathlib import Path

import numpy as np

from tfg.faces import measure

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("TFG_SHARED", ROOT.parent / "shared"))
STABLE = (33, 133, 263, 362, 168, 6, 197, 195, 10, 151, 9)     # eye corners, bridge of the nose, forehead


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
    """A real portrait with a toothy smile (NASA, public domain), (512, 512, 3) uint8."""
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
    """Landmarks of each frame of a video, (T, 478, 3) px, NaN where no face is found.  video: a path, or frames.

    Frame by frame: MediaPipe's own video mode smooths the lips and delays them by about half a frame.
    """
    return measure.track(video).points


def aligned(points: np.ndarray, onto: np.ndarray) -> np.ndarray:
    """Points moved onto another face by a similarity in 3D over points that expressions do not move: (..., 478, 2)."""
    def one(p):
        a, b = p[list(STABLE)], onto[list(STABLE)]
        ca, cb = a.mean(0), b.mean(0)
        u, s, vt = np.linalg.svd((b - cb).T @ (a - ca))
        d = np.array([1, 1, np.sign(np.linalg.det(u @ vt))])
        r = (u * d) @ vt
        return ((p - ca) @ r.T * (s * d).sum() / ((a - ca) ** 2).sum() + cb)[:, :2]

    return np.array([one(p) for p in points]) if points.ndim == 3 else one(points)


def span(points: np.ndarray) -> float:
    """Outer-eye distance of points (478, 2 or 3), in their unit."""
    return float(np.linalg.norm(points[33, :2] - points[263, :2]))


def portraits() -> dict:
    """The astronaut and ten synthetic people."""
    from tfg.head.portrait import Portrait

    images = {"astronaut": astronaut(), **{f"sfhq {i}": im for i, im in enumerate(sfhq(10))}}
    return {name: Portrait.from_image(image, size=256) for name, image in images.items()}


def real_measurements() -> dict[str, np.ndarray]:
    """Landmarks of actor 1001's clips: emotion -> (T, 478, 3)."""

    return {p.stem.split("_")[2]: track(p) for p in real_clips().get("crema_d", [])}


def table(title: str, rows: dict) -> None:
    """Print a dict of dicts as a table."""
    columns = list(dict.fromkeys(k for r in rows.values() for k in r))
    show = lambda v: "" if v is None or v == "" or v != v else f"{v:.3g}" if isinstance(v, float) else str(v)  # noqa: E731
    width = max([len(k) for k in rows] + [10])
    print(f"\n{title}\n" + " " * width + "".join(f"{c:>14}" for c in columns))
    for name, row in rows.items():
        print(f"{name:<{width}}" + "".join(f"{show(row.get(c, '')):>14}" for c in columns))
