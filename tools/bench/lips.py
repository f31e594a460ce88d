"""Lips of a portrait that is driven by a real clip's sound, compared with the clip's own lips."""
from __future__ import annotations

from pathlib import Path

import numpy as np

from tfg import paths
from tfg.faces.geometry import lip_gap
from tfg.media.audio import load_audio, loudness
from tfg.metrics import correlation
from tools.bench.common import interval, real_clips, table, track


def known_phones(path: Path, y: np.ndarray, truth: np.ndarray) -> float:
    """r of our viseme curves with known, force-aligned words, without network or rendering: the limit of the table of
    visemes. NaN without pocketsphinx."""
    try:
        from tfg.speech.align import align, grid_sentence
        from tfg.speech.visemes import coarticulate, opening, with_effort
        words = "don't forget a jacket" if path.suffix == ".flv" else grid_sentence(path.stem)
        return correlation(opening(coarticulate(with_effort(align(y, words), y), len(truth))), truth)
    except ImportError:
        return float("nan")


def other_ways(y: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """r of the networks' openings before rendering, and of the first network's after simple changes. For print only:
    nothing is selected by it."""
    from scipy.ndimage import gaussian_filter1d

    from tfg.speech.visemes import opening
    from tfg.systems.expression.expnet import network as expnet
    from tfg.systems.graphics import network as mouth

    gap, other = opening(mouth.predict(y)), opening(np.clip(expnet.predict(y), 0, 1))
    level = loudness(y)
    envelope = gaussian_filter1d(np.clip((level - np.percentile(level, 95) + 35) / 35, 0, 1.2), 1.0)
    n = min(len(gap), len(envelope))
    gap, envelope = gap[:n], envelope[:n]
    ways = {"ExpNet": other[:n], "first network": gap, "smoothed by 1 frame": gaussian_filter1d(gap, 1),
            "by 2 frames": gaussian_filter1d(gap, 2), "times loudness": gap * (0.4 + 0.6 * envelope),
            "plus loudness": gap / gap.std() + 0.5 * envelope / envelope.std()}
    return {name: correlation(curve, truth) for name, curve in ways.items()}


def driven(portrait, y: np.ndarray) -> dict[str, np.ndarray]:
    """Lip gap of the rendered portrait, (T,) for each network: ExpNet, and the first network through `perform`. The
    head moves equally in both, and the eyes stay open."""
    from tfg.acting.performance import perform
    from tfg.media.motion import Motion
    from tfg.systems.expression.expnet import network as expnet
    from tfg.systems.graphics import network as mouth

    first = perform(mouth.predict(y), y, "NEU", 1.0, seed=0, blink=False)
    rest = portrait.personal(np.zeros(first.expression.shape[1], np.float32))
    motions = {"expnet": Motion(expnet.predict(y, neutral=rest), first.pose), "first": first}
    return {name: lip_gap(track(portrait.render_motion(m))) for name, m in motions.items()}


def differences(rows: dict[str, list[dict]]) -> dict[str, dict]:
    """ExpNet's r minus the others', clip by clip: mean and paired bootstrap interval over the clips.

    The clips are of two people (six of CREMA-D's 1001, four of one GRID speaker), too few for a bootstrap over people:
    the interval holds for more clips of these two, and not for other people.
    """
    out = {}
    for corpus, part in [*rows.items(), ("all", [r for p in rows.values() for r in p])]:
        for other in ("first", "loudness"):
            d = np.array([r["expnet"] - r[other] for r in part])
            low, high = interval(d)
            out[f"{corpus}: less {other}"] = {"clips": len(d), "mean": d.mean(),
                                              "interval": f"{low:+.2f} to {high:+.2f}"}
    return out


def run() -> dict:
    """Lip gap of a portrait driven by each real clip's sound against the gap in that clip's own video; no shift."""
    from tfg.head.portrait import Portrait
    from tfg.media.video import read_image

    portrait = Portrait.from_image(read_image(paths.data("faces", "default.jpg")), size=256)
    out, rows = {}, {}
    for corpus, files in real_clips().items():
        rows[corpus], ways = [], []
        for path in files:
            y = load_audio(path)
            truth = lip_gap(track(path))
            row = {name: correlation(gap, truth) for name, gap in driven(portrait, y).items()}
            row |= {"loudness": correlation(loudness(y), truth), "phones known": known_phones(path, y, truth)}
            rows[corpus].append(row)
            ways.append(other_ways(y, truth))
            print(f"  {path.stem}: " + ", ".join(f"{name} {r:.2f}" for name, r in row.items()))
        means = {name: np.mean([w[name] for w in ways]) for name in ways[0]}
        print(f"  {corpus} before rendering: " + ", ".join(f"{name} {value:.2f}" for name, value in means.items()))
        r = {name: np.array([row[name] for row in rows[corpus]]) for name in rows[corpus][0]}
        low, high = interval(r["expnet"])
        first = interval(r["first"])
        out[corpus] = {"clips": len(files), "ExpNet": r["expnet"].mean(), "interval": f"{low:.2f} to {high:.2f}",
                       "worst": r["expnet"].min(), "first": r["first"].mean(),
                       "its interval": f"{first[0]:.2f} to {first[1]:.2f}", "loudness": r["loudness"].mean(),
                       "phones known": r["phones known"].mean()}
    if out:
        table("Real voice, real lips: Pearson r of the inner-lip gap", out)
        paired = differences(rows)
        table("ExpNet's r minus the other's, paired by clip (clips of two people; not for others)", paired)
        out["paired"] = paired
    return out
