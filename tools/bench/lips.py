"""Real voice, real lips: a portrait is driven by a real clip's sound, and its lips compared with the clip's own."""
from __future__ import annotations

from pathlib import Path

import numpy as np

from tfg import paths
from tfg.audio import load_audio, loudness
from tfg.faces.geometry import lip_gap
from tfg.metrics import correlation
from tools.bench.common import interval, real_clips, table, track


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


def run() -> dict:
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
