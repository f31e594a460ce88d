"""The networks that judge: never part of a loss, trained on other people, each with its own accuracy beside its scores.

A system that was trained against a network is adapted to that network. So a judge is refused unless by its card it was
trained on the split `judge` alone, and if its card names a person who is scored, or if it is one of the scored
checkpoint's own experts. The published judges (`tfg.experts.published`) learned elsewhere, from no store of ours: they
have no split, are always those that ship, and are refused only as an expert of the checkpoint.
"""
from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tfg import paths
from tfg.errors import InputError
from tfg.media.image import resized
from tfg.vocabulary import EMOTIONS

NAMES = ("judge_sync", "judge_emotion", "judge_encoder")
PUBLISHED = ("mini_xception", "face_api")
"""Emotion judges that others trained. The first gives the scores; its training data are known (docs/judges.md)."""
FRAMES = 5
"""Frames of the sync judge's windows, as in its training."""
FACES_EVERY = 5
IDENTITY_EVERY = 16
"""Step between the frames that the face encoder and the identity judge encode: neighbouring frames are nearly equal,
and dlib takes longer for a frame than all other steps together."""
SHIFTS = (-9, -4, 0, 3, 7)
"""Shifts in frames of the true sound that the sync judge should find."""


@dataclass
class Judges:
    """The judges.  networks: name of NAMES or PUBLISHED -> network in eval mode.  cards: likewise.  missing: name ->
    reason why it is missing; its scores are then shown as missing.  identity: an `IdentityJudge`, or None."""

    networks: dict = field(default_factory=dict)
    cards: dict = field(default_factory=dict)
    missing: dict = field(default_factory=dict)
    identity: object = None

    def about(self, name: str) -> str:
        """One line on a judge: its network and its training data."""
        if name == "identity":
            return getattr(self.identity, "name", "none: " + self.missing.get("identity", ""))
        if name not in self.networks:
            return f"none: {self.missing.get(name, 'not asked for')}"
        card = self.cards[name]
        return f"{name} {str(card.get('sha256', ''))[:12]}, {card.get('parameters', '?')} numbers, {_data(card)}"


def load(folder=None) -> Judges:
    """The judges in a folder (NAME.json, or NAME/NAME.json), each of which may be missing; None: those that ship. The
    published ones are those that ship in either case.

    Raises InputError: no such folder, a damaged judge.
    """
    from tfg.experts import published
    from tfg.networks import checkpoint
    from tfg.scores.identity import identity_judge

    if folder is not None and not Path(folder).is_dir():
        raise InputError(f"there is no folder of judges {folder}; train them with --judge, or leave it out.")
    out = Judges()
    for name in NAMES:
        places = [paths.data(name)] if folder is None else [Path(folder), Path(folder) / name]
        place = next((p for p in places if (p / f"{name}.json").is_file()), None)
        if place is None:
            out.missing[name] = f"no {name}.json in {'tfg/data' if folder is None else folder}"
            continue
        network, config = _classes(name)
        out.networks[name], out.cards[name] = checkpoint.load(name, network, config, place)
    for name in PUBLISHED:
        out.networks[name], out.cards[name] = published.load(name)
    try:
        out.identity = identity_judge(encoder=out.networks.get("judge_encoder"))
    except InputError as error:
        out.missing["identity"] = str(error)
    return out


def _classes(name: str):
    if name == "judge_sync":
        from tfg.experts.syncnet.judge import SyncJudge, SyncJudgeConfig

        return SyncJudge, SyncJudgeConfig
    if name == "judge_emotion":
        from tfg.experts.emotion.judge import EmotionJudge, EmotionJudgeConfig

        return EmotionJudge, EmotionJudgeConfig
    from tfg.experts.encoder.network import EncoderConfig, FaceEncoder

    return FaceEncoder, EncoderConfig


# ---- circular scores --------------------------------------------------------------------------------------------
def check(judges: Judges, actors, card: dict | None = None) -> None:
    """Refuse circular scores.  actors: corpus/actor of everybody who is scored.  card: the scored checkpoint's.

    Raises InputError that names the judge and the reason.
    """
    experts = set(checksums((card or {}).get("experts", {})))
    for name, its in judges.cards.items():
        split = trained_split(its)
        if name in PUBLISHED:
            if its.get("kind") != "published" or split is not None or its.get("actors"):
                raise InputError(f"the card of {name} is not that of a network which others published: it names "
                                 f"{'the split ' + repr(split) if split else 'people of ours, or no source'}; take "
                                 "the one that ships.")
        elif split != "judge":
            learned = f"names the split {split!r}" if split else "does not name the split of its training"
            raise InputError(f"the card of {name} {learned}; scores need a judge of the split 'judge': train it with "
                             "--judge.")
        known = sorted(set(its.get("actors", ())) & set(actors))
        if known:
            raise InputError(f"{name} learned from {', '.join(known[:5])}, who would be scored by it; take another "
                             "judge, or score others.")
        if its.get("sha256") in experts:
            raise InputError(f"{name} ({its['sha256'][:12]}) is an expert that this checkpoint was trained against: "
                             "scored by it, it would score itself; take a judge that no loss has used.")


def trained_split(card: dict) -> str | None:
    """The split that the network was trained on by its card; None if the card does not name it."""
    if isinstance(card.get("split"), str):
        return card["split"]
    data = card.get("data")
    if isinstance(data, dict) and isinstance(data.get("split"), str):
        return data["split"]
    named_splits = re.findall(r"\bsplit (\w+)", data if isinstance(data, str) else "")
    return named_splits[0] if named_splits else None


def checksums(value) -> list[str]:
    """Every text in nested dicts and lists that looks like a sha256."""
    if isinstance(value, dict):
        return [s for v in value.values() for s in checksums(v)]
    if isinstance(value, (list, tuple)):
        return [s for v in value for s in checksums(v)]
    return [value] if isinstance(value, str) and re.fullmatch(r"[0-9a-f]{64}", value) else []


def _data(card: dict) -> str:
    data = card.get("data")
    return data if isinstance(data, str) else ", ".join(f"{k} {v}" for k, v in (data or {}).items())


# ---- answers ----------------------------------------------------------------------------------------------------
def sync_sound(network, mel: np.ndarray) -> np.ndarray:
    """Unit vectors of the sound of windows (that of their middle frames), (T - 4, E).  mel: (T, 80, 16)."""
    import torch

    with torch.inference_mode():
        middle = np.ascontiguousarray(mel[FRAMES // 2:len(mel) - FRAMES // 2], np.float32)
        return network.embed_sound(torch.from_numpy(middle)[:, None]).numpy()


def sync_faces(network, frames: np.ndarray) -> np.ndarray:
    """Unit vectors of the faces of windows of 5 frames, stride 1, (T - 4, E).  frames: (T, S, S, 3) uint8, of any
    size."""
    import torch

    from tfg.experts.syncnet.network import lower_half

    with torch.inference_mode():
        x = torch.from_numpy(sized(frames, network.config.size))                       # (T, 3, S, S)
        windows = torch.stack([x[t:t + FRAMES] for t in range(len(x) - FRAMES + 1)])
        return np.concatenate([network.embed_faces(lower_half(part)).numpy() for part in windows.split(64)])


def found_shifts(picture: np.ndarray, sound: np.ndarray, within: int = 1) -> float:
    """Share of SHIFTS of a true clip's sound that the judge's embeddings find within `within` frames; NaN if the clip
    is too short for any."""
    from tfg.metrics import sync_scores

    hits = []
    for shift in SHIFTS:
        keep = slice(max(0, shift), len(sound) + min(0, shift))
        moved = slice(max(0, -shift), len(sound) + min(0, -shift))
        if keep.stop - keep.start >= 20:
            hits.append(abs(sync_scores(picture[keep], sound[moved]).offset - shift) <= within)
    return float(np.mean(hits)) if hits else float("nan")


def emotion(network, points: np.ndarray) -> np.ndarray:
    """Probabilities of a clip's emotions, (6,) in the order of EMOTIONS, from its landmarks (T, 478, 3) px."""
    return np.exp(network.of_clip(points))


def emotion_published(network, frames: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Probabilities of a clip's emotions by a published judge, (6,): from frames (T, S, S, 3) uint8 and landmarks (T,
    478, 3) px."""
    return np.exp(network.of_clip(frames, points))


def named(probabilities: np.ndarray) -> str:
    """The likeliest emotion."""
    return EMOTIONS[int(np.argmax(probabilities))]


def sized(frames: np.ndarray, size: int) -> np.ndarray:
    """Frames (T, S, S, 3) uint8 as (T, 3, size, size) float32 in [0, 1], resized as by `tfg.corpora.frame_cache`."""
    if frames.shape[1] != size:
        frames = np.stack([resized(frame, size, size) for frame in frames])
    return np.ascontiguousarray(frames.transpose(0, 3, 1, 2), np.float32) / 255
