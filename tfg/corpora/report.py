"""Report on the contents of a store: report.md, report.json, montage.png and distributions.png in its folder."""
from __future__ import annotations

import html
import json
import os
import re
from collections import Counter
from pathlib import Path

import numpy as np

from tfg import vocabulary
from tfg.corpora.store import Store
from tfg.corpora.store_format import committed
from tfg.corpora.sync import pooled_offset
from tfg.errors import InputError
from tfg.faces.aus import AUS
from tfg.faces.geometry import lip_gap
from tfg.files import atomic
from tfg.media.image import write_image

MAX_SAMPLE = 20_000
"""Most frames that distributions are computed from, evenly spread over the store."""
SHOWN = ("browInnerUp", "browDown", "eyeBlink", "eyeSquint", "mouthSmile", "mouthPucker", "mouthUpperUp", "jawOpen")
QUANTILES = (5, 50, 95)


def write_report(path: str | os.PathLike, run=None) -> Path:
    """Write the four files into a store. Returns the page's path.

    run: the `tfg.corpora.prepare.PrepareReport` of the run that ends, whose counts and reasons go in.
    Raises InputError if the store holds no clip or its folder cannot be written.
    """
    store = Store.open(path)
    if not store.clips:
        raise InputError(f"{store.path} holds no clip yet; there is nothing to report.")
    facts = summary(store)
    if run is not None:
        facts["run"] = {"files": run.items, "kept": run.kept, "clips": run.clips, "resumed": run.resumed,
                        "frames": run.frames, "seconds": round(run.seconds, 1),
                        **{k: [[str(p), r] for p, r in getattr(run, k)] for k in ("dropped", "reports", "skipped")}}
    with atomic(store.path / "report.json") as part:
        part.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    write_image(montage(store, points=False), store.path / "montage.png")
    figure = draw_distributions(store, facts)
    with atomic(store.path / "distributions.png") as part:
        figure.savefig(part, dpi=90)
    page = store.path / "report.md"
    with atomic(page) as part:
        part.write_text(_page(facts, store), encoding="utf-8", errors="backslashreplace")
    return page


# ---- numbers ----------------------------------------------------------------------------------------------------
def sample(store: Store, n: int = MAX_SAMPLE) -> np.ndarray:
    """Numbers of at most n frames, evenly spread over the store, (K,) int."""
    return np.unique(np.linspace(0, store.n_frames - 1, min(n, store.n_frames)).astype(int))


def face_px(store: Store, at: np.ndarray) -> np.ndarray:
    """Height of the face in the original picture, px, (K,) of frames `at` (K,); NaN where no face was found."""
    points = store.arrays["points"][at, :, 1].astype(np.float32)
    scale = np.sqrt(np.abs(np.linalg.det(store.arrays["matrix"][at][:, :, :2].astype(float))))
    return (points.max(1) - points.min(1)) / scale


def summary(store: Store) -> dict:
    """Counts and quantiles, for JSON: clips, frames, hours; counts per label; quantiles 5, 50, 95 % of measured values;
    per emotion the mean of each coefficient."""
    rows, at = store.clips, sample(store)
    counts = {name: dict(Counter(str(getattr(r, name)) for r in rows))
              for name in ("corpus", "actor", "emotion", "level", "sentence", "labels")}
    pose = store.arrays["pose"][at]
    offsets = [r.offset_ms for r in rows if r.labels == "measured" and r.offset_ms is not None]
    measured = {"face_px": _quantiles(face_px(store, at))}
    measured |= {f"{n}": _quantiles(pose[:, i]) for i, n in enumerate(vocabulary.POSE)}
    if any(r.labels == "measured" for r in rows):
        measured["offset_ms"] = _quantiles(np.array(offsets, float))
    aus = store.arrays["aus"][at]
    pooled = {c: sound_offset(store, c) for c in sorted({r.corpus for r in rows if r.labels == "measured"})}
    return {"clips": len(rows), "frames": store.n_frames, "size": store.size, "hours": store.n_frames / 25 / 3600,
            "ok_frames": int(store.arrays["ok"].sum()), "bytes": sum(committed(store.clips, store.schema).values()),
            "with_sound": sum(r.n_wave > 0 for r in rows),
            "counts": {k: dict(sorted(v.items())) for k, v in counts.items()},
            "soft_labels": sum(r.soft is not None for r in rows),
            "offsets_measured": len(offsets), "corpus_offset": pooled, "quantiles": measured,
            "aus": {f"AU{au:02d}": _quantiles(aus[:, k]) for k, au in enumerate(AUS)},
            "coefficients": _by_emotion(store, at)}


def sound_offset(store: Store, corpus: str, *, most: int = 500) -> dict | None:
    """Delay of a corpus's sound after its picture, {"ms", "error_ms", "clips"}, from up to `most` clips together
    (`tfg.corpora.sync.pooled_offset`); None where it cannot be measured."""
    rows = [r for r in store.clips if r.corpus == corpus and r.labels == "measured"]
    rows = [rows[i] for i in np.unique(np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(int))]
    pairs = ((lip_gap(store.arrays["points"][r.start:r.stop].astype(np.float32)),
              store.mel[r.mel_start:r.mel_stop]) for r in rows)
    offset, error, clips = pooled_offset(pairs)
    return None if np.isnan(offset) else {"ms": round(offset, 1), "error_ms": round(error, 1), "clips": clips}


def _quantiles(values: np.ndarray) -> list | None:
    values = values[np.isfinite(values)]
    return [round(float(q), 3) for q in np.percentile(values, QUANTILES)] if len(values) else None


def _by_emotion(store: Store, at: np.ndarray) -> dict:
    """Mean coefficients: emotion -> coefficient (left and right averaged) -> mean."""
    emotions = np.array([str(r.emotion) for r in store.clips])
    which = emotions[np.searchsorted([r.stop for r in store.clips], at, side="right")]
    expression = store.arrays["expression"][at]
    out: dict = {}
    for emotion in sorted(set(which)):
        mine = expression[which == emotion]
        mine = mine[np.isfinite(mine[:, 0])]
        if len(mine):
            out[emotion] = {n: round(float(mine[:, vocabulary.index(n)].mean()), 3) for n in SHOWN}
    return out


# ---- pictures ---------------------------------------------------------------------------------------------------
def montage(store: Store, *, columns: int = 10, rows: int = 6, points: bool = True) -> np.ndarray:
    """Contact sheet, (H, W, 3) uint8: frames spread evenly over the clips, each actor and emotion in turn.

    points: draw the landmarks. Frames that are not ok get a red border.
    """
    n = min(columns * rows, store.n_frames)
    per_clip = max(1, -(-n // len(store.clips)))
    chosen = np.linspace(0, len(store.clips) - 1, -(-n // per_clip)).astype(int)
    frames = [int(f) for c in chosen for f in
              np.linspace(store.clips[c].start, store.clips[c].stop - 1, per_clip + 2)[1:-1]][:n]
    columns = min(columns, len(frames))
    sheet = np.full((-(-len(frames) // columns) * store.size, columns * store.size, 3), 255, np.uint8)
    for k, i in enumerate(frames):
        y, x = divmod(k, columns)
        sheet[y * store.size:(y + 1) * store.size, x * store.size:(x + 1) * store.size] = picture(store, i, points)
    return sheet


def picture(store: Store, i: int, points: bool = True) -> np.ndarray:
    """One frame with its landmarks, (size, size, 3) uint8."""
    import cv2

    image = store.frame(i)
    if points:
        for x, y, _ in store.arrays["points"][i].astype(np.float32):
            if np.isfinite(x):
                cv2.circle(image, (round(float(x)), round(float(y))), 0, (60, 255, 120), -1)
    if not store.arrays["ok"][i]:
        cv2.rectangle(image, (0, 0), (store.size - 1, store.size - 1), (230, 40, 40), 3)
    return image


def draw_distributions(store: Store, facts: dict):
    """A figure of eight panels: emotions, levels, clip lengths, face height, pose, offset, coefficients, AUs."""
    from matplotlib.figure import Figure

    at = sample(store)
    figure = Figure(figsize=(15, 7.5), facecolor="white", layout="constrained")
    axes = figure.subplots(2, 4).ravel()
    for ax, name in zip(axes, ("emotion", "level")):
        counts = facts["counts"][name]
        ax.bar(list(counts), list(counts.values()), color="#4477aa")
        ax.set_title(f"clips per {name}")
    axes[2].hist([r.n_frames / 25 for r in store.clips], 30, color="#4477aa")
    axes[2].set_title("length of clips, s")
    axes[3].hist(_finite(face_px(store, at)), 30, color="#4477aa")
    axes[3].set_title("height of the face in the video, px")
    pose = store.arrays["pose"][at]
    for k, name in enumerate(vocabulary.POSE[:3]):
        axes[4].hist(_finite(pose[:, k]), 40, histtype="step", label=name)
    axes[4].set_title("head angles, degrees")
    axes[4].legend()
    offsets = [r.offset_ms for r in store.clips if r.labels == "measured" and r.offset_ms is not None]
    if offsets:
        axes[5].hist(offsets, 20, color="#4477aa")
    else:
        axes[5].text(.5, .5, "not measured", ha="center", transform=axes[5].transAxes)
    axes[5].set_title("sound later than picture, ms")
    _draw_coefficients(axes[6], facts["coefficients"])
    aus = store.arrays["aus"][at]
    columns = [_finite(aus[:, k]) for k in range(aus.shape[1])]
    axes[7].boxplot([c if len(c) else [np.nan] for c in columns], showfliers=False)
    axes[7].set_xticks(range(1, len(AUS) + 1), [str(a) for a in AUS], fontsize=7)
    axes[7].set_title("Action Units, 0-5 (empty: not measured)")
    return figure


def _draw_coefficients(ax, means: dict) -> None:
    table = np.array([[m[n] for n in SHOWN] for m in means.values()]).reshape(len(means), len(SHOWN))
    if len(table):
        ax.imshow(table, vmin=0, vmax=max(.3, table.max()), cmap="Blues", aspect="auto")
        for y, x in np.ndindex(*table.shape):
            ax.text(x, y, f"{table[y, x]:.2f}", ha="center", va="center", fontsize=6)
    ax.set_xticks(range(len(SHOWN)), SHOWN, rotation=40, ha="right", fontsize=7)
    ax.set_yticks(range(len(means)), list(means))
    ax.set_title("mean coefficient per emotion")


def _finite(values: np.ndarray) -> np.ndarray:
    return values[np.isfinite(values)]


# ---- the page ---------------------------------------------------------------------------------------------------
def _page(facts: dict, store: Store) -> str:
    lines = [f"# {_plain(store.path.name)}", "",
             f"{facts['clips']} clips, {facts['frames']} frames of {facts['size']} px ({facts['hours']:.2f} h), "
             f"{facts['bytes'] / 1e6:.0f} MB; {facts['frames'] - facts['ok_frames']} frames are not ok; the sound of "
             f"{'all' if facts['with_sound'] == facts['clips'] else facts['with_sound']} clips is kept.", ""]
    run = facts.get("run")
    if run:
        lines += ["## The last run", "",
                  f"{run['files']} files, {run['kept']} kept as {run['clips']} clips ({run['resumed']} files were "
                  f"there before), {len(run['dropped'])} dropped, {len(run['skipped'])} not read; {run['frames']} "
                  f"frames in {run['seconds']} s.", ""]
        for name, title in (("dropped", "Dropped"), ("skipped", "Not read"), ("reports", "Kept, but")):
            if run[name]:
                lines += [f"### {title} ({len(run[name])})", ""]
                lines += [f"- {_code(path)} {_plain(reason)}" for path, reason in run[name]] + [""]
    lines += ["## Labels", ""]
    for name, counts in facts["counts"].items():
        shown = list(counts.items())[:30]
        lines.append(f"- {name}: " + ", ".join(f"{_plain(k)} {v}" for k, v in shown)
                     + (f" and {len(counts) - 30} more" if len(counts) > 30 else ""))
    for corpus, found in facts["corpus_offset"].items():
        text = "cannot be measured (fewer than five clips, or lips and sound that do not correlate)"
        if found is not None:
            text = f"{found['ms']:g} ± {found['error_ms']:g} ms after the picture ({found['clips']} clips together)"
        lines.append(f"- sound of {_plain(corpus)}: {text}")
    lines += ["", "## Distributions", "", f"| | {' | '.join(f'{q} %' for q in QUANTILES)} |", "|---|---|---|---|"]
    for name, q in (facts["quantiles"] | facts["aus"]).items():
        lines.append(f"| {name} | " + (" | ".join(f"{v:g}" for v in q) if q else "| |") + " |")
    return "\n".join(lines + ["", "![distributions](distributions.png)", "", "![montage](montage.png)", ""])


def _plain(text) -> str:
    """Text escaped for Markdown: names of files and actors may contain its signs, or HTML."""
    text = html.escape(_one_line(text), quote=False)
    return re.sub(r"([\\`*\[\]|])", r"\\\1", text)


def _code(text) -> str:
    """Text as Markdown code, with more backticks around it than are in it."""
    text = _one_line(text)
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    edge = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{edge}{text}{edge}{fence}"


def _one_line(text) -> str:
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(text))
