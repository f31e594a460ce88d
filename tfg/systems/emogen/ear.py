"""Give a trained generator that hears mels an ear of speech features, without learning from a picture.

The new ear learns two things from sounds alone. What the old ear says of a synthetic voice as it is, it says of the
same voice through another microphone, with noise or music (Hinton et al. 2015): so the generator, which stays as it
is, goes on drawing as it learned to. And how far the lips open: a probe tells the opening of the lips that a code of
the sound draws, and this opening shall follow a given curve. That needs no pictures either, so that recordings of real
people can be learned from, whose old codes are not worth copying.

`tools/emogen_ear.py` makes the sounds, and made the ear that ships in data/emogen_ear. Its card names the generator
that it is for.
"""
from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from tfg.errors import InputError
from tfg.faces import crops
from tfg.faces.geometry import lip_gap
from tfg.media.audio import mel_spectrogram, mel_windows, n_frames
from tfg.networks import checkpoint
from tfg.systems.emogen.network import (
    HEARD,
    EarConfig,
    Emogen,
    SpeechEar,
    compose,
    face_mask,
    feeling,
    hide,
    shape_of,
    with_ear,
)

NAME = "emogen_ear"
RATE, DECAY, AT_ONCE, FRAMES = 2e-3, .02, 8, 80
"""Learning rate, weight decay, clips and frames of each in a step."""
STILL = .02
"""Standard deviation of an opening below which nobody speaks: such clips teach no lips."""
DRAWS, PROBE_STEPS, PROBE_BATCH = 120, 600, 128


@dataclass(frozen=True)
class Sound:
    """A clip to learn from.  heard: (T, 768) features, of the sound as it was degraded.  opening: (T,) how far the lips
    shall open, any unit.  code: (T, E) what the old ear says of the sound before, None where that is not asked for."""

    heard: np.ndarray
    opening: np.ndarray
    code: np.ndarray | None = None


@torch.no_grad()
def codes(network: Emogen, sound: np.ndarray) -> np.ndarray:
    """What a generator that hears mels makes of a sound (N,) at 16 kHz: (T, E) float32."""
    windows = mel_windows(mel_spectrogram(sound), n_frames(len(sound))).astype(np.float32)
    return network.sound(torch.from_numpy(windows)[:, None])[:, :, 0, 0].numpy()


def along(ear: SpeechEar, heard: torch.Tensor) -> torch.Tensor:
    """What an ear says of each frame of a clip, (T, E). Beyond its ends stand its first and last frame. heard: (T,
    768)."""
    each, k = ear.frame(heard), HEARD // 2
    each = torch.cat([each[:1].expand(k, -1), each, each[-1:].expand(k, -1)])
    return ear.around(each.unfold(0, HEARD, 1).transpose(1, 2).flatten(1))


def given(network: Emogen, checksum: str, hearing: str | None = None) -> Emogen:
    """The generator as it shall hear: with the ear that ships if that is for it, unless hearing is "mel".

    checksum: sha256 of the generator's weights.  hearing: None for the best that there is.  Raises InputError: it shall
    hear otherwise than it can.
    """
    if not isinstance(network, Emogen) or network.config.hearing == hearing:
        return network
    if network.config.hearing == "mel":
        ear, card = checkpoint.load(NAME, SpeechEar, EarConfig, again="take data/emogen_ear anew")
        if card["generator"] == checksum and hearing != "mel":
            return with_ear(network, copy.deepcopy(ear).to(next(network.parameters()).device))
    if hearing is not None:
        raise InputError(f"this generator hears {network.config.hearing}, and no ear of another kind is there for it: "
                         "leave --hearing out, or give another --checkpoint.")
    return network


# ---- how far a code opens the lips ------------------------------------------------------------------------------
class Probe(nn.Module):
    """Codes (N, E) -> opening (N,), in a unit of its own.  mean, spread: (E,) of codes."""

    def __init__(self, mean: torch.Tensor, spread: torch.Tensor):
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("spread", spread)
        self.read = nn.Sequential(nn.Linear(len(mean), 32), nn.GELU(), nn.Linear(32, 1))

    def forward(self, code: torch.Tensor) -> torch.Tensor:
        return self.read((code - self.mean) / self.spread)[:, 0]


@torch.no_grad()
def drawn_lips(network: Emogen, faces: Sequence[np.ndarray], known: np.ndarray, seed: int = 0, draws: int = DRAWS
               ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw faces with codes by chance and measure their lips: codes (N, E), gaps (N,), NaN where no face is found,
    and numbers of the faces (N,).

    faces: calm ones, (S, S, 3) uint8 as the generator sees them.  known: codes (K, E) to choose from.
    """
    rng, size = np.random.default_rng([seed, 65]), network.config.size
    mask, own = torch.from_numpy(face_mask(size, network.config.mask)), network.sound
    chosen, gaps = [], []
    try:
        for face in faces:
            some = known[rng.integers(0, len(known), draws)].astype(np.float32)
            for part in np.array_split(some, -(-draws // 24)):
                picture = torch.from_numpy(face).permute(2, 0, 1).float()[None, None].expand(1, len(part), -1, -1, -1)
                network.sound = _Said(torch.from_numpy(part)[:, :, None, None])
                given = torch.zeros(1, len(part), *shape_of(network.config.hearing))
                drawn = network(given, torch.from_numpy(feeling("NEU"))[None], hide(picture / 255, mask), picture / 255)
                seen = 255 * compose(drawn, picture / 255, mask)[0].clamp(0, 1).permute(0, 2, 3, 1)
                gaps.append(lip_gap(crops.landmarks(seen.round().byte().numpy())))
            chosen.append(some)
    finally:
        network.sound = own
    return np.concatenate(chosen), np.concatenate(gaps), np.repeat(np.arange(len(faces)), draws)


class _Said(nn.Module):
    """An ear that says what it was given, whatever it hears."""

    def __init__(self, code: torch.Tensor):
        super().__init__()
        self.code = code

    def forward(self, _: torch.Tensor) -> torch.Tensor:
        return self.code


def probe_of(code: np.ndarray, gap: np.ndarray, face: np.ndarray, seed: int = 0, steps: int = PROBE_STEPS
             ) -> tuple[Probe, float]:
    """A probe learned from drawn lips (`drawn_lips`), and its Pearson's r on every eighth of them, which it did not
    learn from. Each face opens its lips from a rest and by a factor of its own."""
    seen = np.isfinite(gap)
    x, y = torch.from_numpy(code[seen]), torch.from_numpy((gap[seen] / gap[seen].std()).astype(np.float32))
    which, kept = torch.from_numpy(face[seen]), torch.arange(int(seen.sum())) % 8 != 0
    torch.manual_seed(seed)
    probe = Probe(x[kept].mean(0), x[kept].std(0).clamp(min=.05))
    rest, gain = (nn.Parameter(torch.full((int(face.max()) + 1,), v)) for v in (0.0, 1.0))
    optimiser = torch.optim.AdamW([*probe.parameters(), rest, gain], 3e-3, weight_decay=.1)
    places = torch.where(kept)[0]
    for _ in range(steps):
        b = places[torch.randint(len(places), (PROBE_BATCH,))]
        loss = F.mse_loss(probe(x[b]) * gain[which[b]] + rest[which[b]], y[b])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        found = probe(x) * gain[which] + rest[which]
        r = alike(found[~kept], y[~kept])
    return probe.requires_grad_(False), float(r)


def alike(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Pearson's r of two curves (T,), 0 where one of them is flat."""
    a, b = a - a.mean(), b - b.mean()
    return (a * b).sum() / (a.norm() * b.norm() + 1e-3)


# ---- learning ---------------------------------------------------------------------------------------------------
def learn(sounds: Sequence[Sound], probe: Probe, *, steps: int = 1500, lips: float = 1.0, seed: int = 0, told=None
          ) -> SpeechEar:
    """An ear of speech features that learned from these sounds, in eval mode.

    lips: what the opening weighs beside the old codes.  told: function of (step, loss) every 250 steps.
    """
    torch.manual_seed(seed)
    rng, groups = np.random.default_rng([seed, 66]), [[s for s in sounds if (s.code is None) == real]
                                                      for real in (False, True)]
    known = np.concatenate([s.code for s in groups[0]]).astype(np.float32)
    spread = torch.from_numpy(np.maximum(known.std(0), .1 * known.std()))
    ear = SpeechEar(EarConfig(known.shape[1]))
    optimiser = torch.optim.AdamW(ear.parameters(), RATE, weight_decay=DECAY)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = RATE * min(1, (step + 1) / 100) * (.5 + .5 * np.cos(np.pi * step / steps))
        loss = torch.zeros(())
        for k in range(AT_ONCE):                                       # a quarter are of real people
            some = groups[1] if k < AT_ONCE // 4 and groups[1] else groups[0]
            one = some[rng.integers(len(some))]
            start = int(rng.integers(max(len(one.heard) - FRAMES, 0) + 1))
            part = slice(start, start + FRAMES)
            said = along(ear, torch.from_numpy(one.heard[part].astype(np.float32)))
            if one.code is not None:
                loss = loss + (((said - torch.from_numpy(one.code[part].astype(np.float32))) / spread) ** 2).mean()
            if one.opening[part].std() > STILL:
                loss = loss + lips * (1 - alike(probe(said), torch.from_numpy(one.opening[part].astype(np.float32))))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if told is not None and step % 250 == 0:
            told(step, float(loss.detach()))
    return ear.eval()
