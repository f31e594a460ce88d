"""A sound of any length becomes head motion, in pieces that hand their state on."""
from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from tfg import cancel
from tfg.acting.emotion import slow_noise, smoothstep
from tfg.media.audio import FPS, SAMPLES_PER_FRAME
from tfg.systems.rhythmic.motion.network import SEED, MotionNet

PIECE = SEED
"""Frames that are moved by one code; the next code follows from them."""
SWAY_HZ = .4
"""Highest frequency of the random curves; heads sway below it."""
BLEND = 20
"""Frames from what was there before, rest or the last pose that was seen, to what the network says; and from one code
to the next."""


class State(NamedTuple):
    """What a piece hands on.  poses: (S, 6), the last ones, S up to 64.  code: (1, code), or None at the start."""

    poses: np.ndarray
    code: torch.Tensor | None = None


def level(audio: np.ndarray) -> np.ndarray:
    """A sound with its peak at 1; silence stays silence."""
    audio = np.asarray(audio, np.float32)
    return audio / max(float(np.abs(audio).max(initial=0)), 1e-3)


def cut(wave: np.ndarray, first: int, stop: int, reach: int) -> np.ndarray:
    """What frames first .. stop - 1 are heard with, ((stop - first + 2 reach) 640,) float32; silence beyond the ends.
    """
    a, b = (first - reach) * SAMPLES_PER_FRAME, (stop + reach) * SAMPLES_PER_FRAME
    out = np.zeros(b - a, np.float32)
    lo, hi = max(a, 0), min(b, len(wave))
    if hi > lo:
        out[lo - a:hi - a] = wave[lo:hi]
    return out


def curves(n: int, many: int, seed: int) -> np.ndarray:
    """(n, many) float32, random curves of variance 1 below `SWAY_HZ`."""
    rng = np.random.default_rng([int(seed), 811])
    return np.stack([np.clip(slow_noise(n, rng, SWAY_HZ, FPS), -2.2, 2.2) for _ in range(many)], 1).astype(np.float32)


@torch.inference_mode()
def roll(network: MotionNet, audio: np.ndarray, n: int, *, observed: np.ndarray | None = None, seed: int = 0
         ) -> np.ndarray:
    """Poses (n, 6) float32 for a sound, relative to rest.

    audio: (N,) at 16 kHz.  observed: (S, 6) poses of the person in frames before the first one, NaN where not known; of
    more than 64 the last count; None: nobody was seen.  seed: another one sways otherwise.
    """
    wave, noise = level(audio), curves(n, network.config.noise, seed)
    before = np.zeros((0, 6), np.float32) if observed is None else np.asarray(observed, np.float32)
    before = before[np.isfinite(before).all(1)][-SEED:]
    state, out = State(before), []
    for first in range(0, n, PIECE):
        cancel.point()
        poses, state = piece(network, wave, first, min(first + PIECE, n), noise, state)
        out.append(poses)
    poses = np.concatenate(out) if out else np.zeros((0, 6), np.float32)
    start = before[-1] if len(before) else np.zeros(6, np.float32)
    share = smoothstep(np.arange(1, n + 1) / BLEND)[:, None]
    return (start + share * (poses - start)).astype(np.float32)


def piece(network: MotionNet, wave: np.ndarray, first: int, stop: int, noise: np.ndarray, state: State
          ) -> tuple[np.ndarray, State]:
    """Poses (stop - first, 6) of frames first .. stop - 1, and the state for those after them.

    wave: (N,) of `level`.  noise: (n, Z) of `curves`, for all frames.  The code passes from the last piece's to this
    one's, or the head would jump between two pieces.
    """
    S = len(state.poses)
    heard = network.ears(torch.from_numpy(cut(wave, first - S, stop, network.config.reach))[None])
    seen = torch.ones(1, S, dtype=torch.bool)
    code = network.code(torch.from_numpy(state.poses)[None], seen, heard[:, :S])
    z = torch.from_numpy(noise[first:stop])[None]
    poses = network.decode(code, heard[:, S:], z).pose[0].numpy()
    if state.code is not None:
        last = network.decode(state.code, heard[:, S:], z).pose[0].numpy()
        poses = last + smoothstep(np.arange(len(poses)) / BLEND)[:, None] * (poses - last)
    poses = poses.astype(np.float32)
    return poses, State(np.concatenate([state.poses, poses])[-SEED:], code)
