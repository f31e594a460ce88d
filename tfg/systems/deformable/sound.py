"""The raw wave that `deformable` hears: 8 kHz, 320 samples a frame, with what surrounds the frames on both sides.

The published speech encoder (Eskimez et al. 2021) has four convolutions over time and no padding: a feature sees 695
samples (87 ms), and there are 125 features a second, five for each frame. A frame is heard by the feature in its middle
and the 17 before and after it: 0.15 s to each side. So T frames need 320 T samples and 2551 more, and what is known of
a frame does not depend on how a sound is cut: `part` gives the same samples to training and to streaming.
"""
from __future__ import annotations

import numpy as np

from tfg.corpora.store import resampled
from tfg.media.audio import FPS, SAMPLES_PER_FRAME, SR

RATE = 8000
"""Samples per second that the network hears."""
PER_FRAME = RATE // FPS
KERNELS, STRIDES = (63, 31, 17, 9), (4, 4, 2, 2)
"""Lengths and steps of the speech encoder's convolutions, as published."""
STEP = 64
"""Samples from one feature to the next: the product of the strides."""
FIELD = 695
"""Samples that one feature sees: 63 + 4 (31 - 1) + 16 (17 - 1) + 32 (9 - 1)."""
CONTEXT = 17
"""Features before and after a frame's own that it is heard with."""
LEAD = 8
"""Frames that are heard before the first one that is drawn, in training: so that the LSTMs have heard something."""


def around(context: int = CONTEXT) -> tuple[int, int]:
    """Samples before the first frame and after the last one that a network with this context needs.

    Feature 5 t + context has its middle in that of frame t: 64 context + 187 + 320 t + 160 = 64 (5 t + context) + 347.
    """
    return STEP * context + 187, STEP * context + 188


def n_samples(frames: int, context: int = CONTEXT) -> int:
    """Samples that so many frames need."""
    return PER_FRAME * frames + sum(around(context))


def heard(audio: np.ndarray) -> np.ndarray:
    """A sound as the network hears it: (N,) at 16 kHz -> (M,) float32 at 8 kHz, its peak at 1.

    Silence at the end fills the last frame.
    """
    audio = np.asarray(audio, np.float32)
    audio = np.pad(audio, (0, -len(audio) % SAMPLES_PER_FRAME))
    return levelled(resampled(audio, RATE)) if len(audio) else np.zeros(0, np.float32)


def levelled(sound: np.ndarray) -> np.ndarray:
    """A sound whose peak is 1, as published; silence stays silence."""
    return (sound / max(float(np.abs(sound).max(initial=0)), 1e-4)).astype(np.float32)


def part(sound: np.ndarray, first: int, stop: int, context: int = CONTEXT) -> np.ndarray:
    """The samples that frames first .. stop - 1 need, (n_samples(stop - first),) float32; silence beyond the ends.

    sound: (M,) of `heard`.  first: may be negative.
    """
    before, after = around(context)
    start, end = PER_FRAME * first - before, PER_FRAME * stop + after
    out = np.zeros(end - start, np.float32)
    a, b = max(start, 0), min(end, len(sound))
    if b > a:
        out[a - start:b - start] = sound[a:b]
    return out


def cut(waves, context: int):
    """Waves (..., n) that were kept with CONTEXT, cut to what a network with a smaller context needs."""
    less = STEP * (CONTEXT - context)
    return waves[..., less:waves.shape[-1] - less] if less else waves


assert SR == 2 * RATE
