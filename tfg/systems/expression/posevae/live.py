"""PoseVAE on a sound that is still arriving: the pose of one frame at a time, a few frames behind what was heard.

The same chunks, codes and joints as `tfg.systems.expression.posevae.network.generate`. A chunk of 32 frames is decoded
again for each frame, with the sound that is known by then; what is not known yet continues as the last that was heard.
Once all its sound was heard a chunk is what `generate` makes of it. As a chunk changes a little whenever more is heard,
the pose follows it through a filter, from a few frames ahead.
"""
from __future__ import annotations

import numpy as np
import torch

from tfg.errors import InputError
from tfg.media.live_sound import LiveSound
from tfg.systems.expression.posevae.network import (
    CHUNK,
    NODS,
    OVERLAP,
    START,
    N,
    PoseVAE,
    check_seed,
    check_style,
    load,
)
from tfg.systems.expression.posevae.parts import SMOOTH, fade, smooth

STEP, HALF = CHUNK - OVERLAP, SMOOTH // 2
FOLLOW, LEAD = .4, 3
"""Share of the way to the newest estimate that each of two filters goes in a frame, and the frames by which they lag,
which are asked for ahead."""


class LiveHead:
    """The head of a stream.

        head = LiveHead(style=0, seed=0)
        head.pose(frame, sound, mean)       # frame 0, 1, 2 ..., in this order
    """

    def __init__(self, *, style: int = 0, seed: int = 0, folder=None):
        """style, seed, folder, errors: as `tfg.systems.expression.posevae.network.predict`; InputError also for a
        network of speech features, which cannot be had while the sound arrives."""
        self.network: PoseVAE = load(folder)[0]
        if self.network.config.hearing != "mel":
            raise InputError(f"the PoseVAE in {folder} hears speech features, which need two seconds of what comes; "
                             "streams need one that hears mels: tfg train posevae --hearing mel.")
        self.style, self.seed = torch.tensor([check_style(style)]), check_seed(seed)
        context = self.network.config.context
        self._number = 0                                        # of the older of the two chunks that may still change
        self._before = torch.zeros(1, context + OVERLAP, N)     # what precedes it, and the frames it shares with that
        self._settled: torch.Tensor | None = None               # the older chunk, once all its sound was heard
        self._filters = np.zeros((2, N), np.float32)
        self._start = np.zeros(N, np.float32)

    def pose(self, frame: int, sound: LiveSound, mean: np.ndarray) -> np.ndarray:
        """Pose (6,) float32 of a frame, degrees and head widths; it starts at rest.  mean: (80, 1) of the speech."""
        newest = self.estimate(frame + LEAD, sound, mean)
        if not frame:
            self._filters[:] = self._start = newest
        for k in range(2):
            self._filters[k] += FOLLOW * ((newest if k == 0 else self._filters[0]) - self._filters[k])
        rise = 1.0 if frame >= START else float(fade(START - 1)[frame - 1]) if frame else 0.0
        return self._filters[1] - self._start * np.float32(1 - rise)

    @torch.no_grad()
    def estimate(self, frame: int, sound: LiveSound, mean: np.ndarray) -> np.ndarray:
        """What is known of the pose (6,) of a frame, smoothed as a whole motion would be. Frames are asked for in their
        order."""
        last = max(frame + HALF, SMOOTH - 1)                    # the filter's window ends there
        while last >= (self._number + 2) * STEP:                # two chunks reach up to there; older ones are settled
            self._before = self._tail(self._older(sound, mean))
            self._number, self._settled = self._number + 1, None
        context, older = self.network.config.context, self._older(sound, mean)
        newer = self._after(self._tail(older), self._number + 1, sound, mean)
        known = torch.cat([older[:, :context + STEP], newer[:, context:]], 1)       # from `context` frames before on
        at = max(frame - HALF, 0) - self._number * STEP + context
        return smooth((known[:, at:at + SMOOTH] * self.network.scale[self.style][:, None]).numpy())[0, min(frame, HALF)]

    def _older(self, sound: LiveSound, mean: np.ndarray) -> torch.Tensor:
        if self._settled is not None:
            return self._settled
        older = self._after(self._before, self._number, sound, mean)
        if sound.frames >= self._number * STEP + CHUNK + 3:     # a window reaches 3 frames beyond its own
            self._settled = older
        return older

    def _tail(self, chunk: torch.Tensor) -> torch.Tensor:
        """What a chunk leaves to the next: its context and the shared frames."""
        return chunk[:, STEP:][:, :self._before.shape[1]]

    def _after(self, before: torch.Tensor, number: int, sound: LiveSound, mean: np.ndarray) -> torch.Tensor:
        """Poses (1, context + 32, 6) up to the end of a chunk, in units of the style.

        before: (1, context + 8, 6), the context and what the chunk before it says of the first 8 frames.
        """
        net, context, start = self.network, self.network.config.context, number * STEP
        windows = sound.windows(np.arange(start, start + CHUNK)) - mean
        heard = net.hear(torch.from_numpy(windows[None].astype(np.float32)))
        noise = np.random.default_rng([self.seed, 46, number]).standard_normal(net.config.latent)
        past, shared = before[:, :context], before[:, context:]
        answer = NODS * net.respond(net.stress(heard), self.style)
        code = net.code(torch.from_numpy(noise[None]).float(), past)
        chunk = net.limit(net.decode(code, past, heard, self.style, answer) + past[:, -1:])
        if number:
            soft = torch.from_numpy(fade(OVERLAP))[None, :, None]
            chunk = torch.cat([(1 - soft) * shared + soft * chunk[:, :OVERLAP], chunk[:, OVERLAP:]], 1)
        return torch.cat([past, chunk], 1)
