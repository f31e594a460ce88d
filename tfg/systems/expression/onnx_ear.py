"""`tfg export onnx --hearing speech`: the ear that has heard people, and the ExpNet that hears by it, as ONNX.

    log_mel.onnx         sound (1, T, 640), the samples of T frames at 16 kHz -> mel (1, 80, 4 T), log10 of the power
    hearing.onnx         mel (1, 80, 4 T), top () -> heard (1, T, 768), as `tfg.networks.hearing.features`
    expnet_speech.onnx   windows (1, T, 768), which is heard, neutral (1, 52), lids (1, T) -> offsets
                         (1, T, 52), as `expnet.predict`
    ear.json             the numbers that a program around them needs, by name

T is free, 2 or more. A sound is filled up with zeros to whole frames. Its whole spectrogram's largest number, but not
less than `quietest`, is `top`. hearing.onnx gets at most `piece` frames at once with `around` more on either side where
there are some, which are cut off its answer; so a sound of any length is what Python hears (the test shows how).
The weights stay in eight bits in the file.
"""
from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from tfg.media.audio import SAMPLES_PER_FRAME, SR, mel_filters
from tfg.networks import hearing
from tfg.networks.hearing import HOP, N_FFT, N_MELS, PER_FRAME, Hearing

NETWORKS = ("log_mel.onnx", "hearing.onnx", "expnet_speech.onnx")
CONSTANTS = "ear.json"
BLOCK = 80
"""A window of N_FFT samples is five blocks, and the next one starts two blocks later."""


class Spectrogram(nn.Module):
    """`hearing.log_mel`. The Fourier transform is a product of matrices: ONNX's own is a thousand times less exact for
    windows of 400 samples. Samples that mirror each other meet first, which halves the matrices."""

    def __init__(self):
        super().__init__()
        half = N_FFT // 2
        angle = 2 * np.pi / N_FFT * np.arange(half + 1)[:, None] * np.arange(half + 1)
        parts = {"window": np.hanning(N_FFT + 1)[:-1], "filters": mel_filters(SR, N_FFT, N_MELS, 0.0, SR / 2),
                 "cosines": np.cos(angle), "sines": np.sin(angle)[1:half]}
        for name, values in parts.items():
            self.register_buffer(name, torch.from_numpy(values.astype(np.float32)))

    def forward(self, sound: torch.Tensor) -> torch.Tensor:
        """sound (1, T, 640) -> (1, 80, 4 T)."""
        columns, half = SAMPLES_PER_FRAME // HOP * sound.shape[1], N_FFT // 2
        blocks = F.pad(sound.reshape(-1), (half, half)).reshape(-1, BLOCK)          # (8 T + 5, 80)
        step = HOP // BLOCK
        x = torch.cat([blocks[k:k + step * columns:step] for k in range(N_FFT // BLOCK)], 1) * self.window
        one, other = x[:, 1:half], x[:, half + 1:].flip(1)                          # sample n and sample N_FFT - n
        real = torch.cat([x[:, :1], one + other, x[:, half:half + 1]], 1) @ self.cosines
        imaginary = (one - other) @ self.sines
        return (self.filters @ (real ** 2 + imaginary ** 2).T).clamp(min=1e-10).log10()[None]


class Listen(nn.Module):
    """`hearing.features` of one piece."""

    def __init__(self, network: Hearing):
        super().__init__()
        self.network = network

    def forward(self, mel: torch.Tensor, top: torch.Tensor) -> torch.Tensor:
        """mel (1, 80, 4 T), top () -> (1, T, 768)."""
        places = hearing.sines(torch.arange(mel.shape[-1] // 2), self.network.config.width)
        heard = self.network.encode(hearing.heard_mel(mel, top), places)            # (1, 2 T, 384)
        return heard.reshape(1, -1, PER_FRAME * self.network.config.width)


def networks() -> dict[str, tuple]:
    """File name -> the network, example inputs by name, the inputs' axes whose length is free, the answer's name."""
    from tfg.systems.expression.expnet import network as expnet
    from tfg.systems.expression.onnx_parts import Speak

    ear, face = hearing.load()[0], expnet.load_expnet(hearing="speech")[0]
    frames, some, per = torch.export.Dim("T", min=2, max=100_000), 70, SAMPLES_PER_FRAME // HOP
    mel = torch.zeros(1, N_MELS, per * some)
    return {
        "log_mel.onnx": (Spectrogram(), {"sound": torch.zeros(1, some, SAMPLES_PER_FRAME)}, {"sound": {1: frames}},
                         "mel"),
        "hearing.onnx": (Listen(ear), {"mel": mel, "top": torch.tensor(0.0)}, {"mel": {2: per * frames}, "top": None},
                         "heard"),
        "expnet_speech.onnx": (Speak(face), {
            "windows": torch.zeros(1, some, *expnet.HEARINGS["speech"]), "neutral": torch.zeros(1, expnet.N_OUT),
            "lids": torch.zeros(1, some)}, {"windows": {1: frames}, "neutral": None, "lids": {1: frames}}, "offsets"),
    }


def constants() -> dict:
    """What ear.json holds."""
    from tfg.vocabulary import EXPRESSION

    return {"sr": SR, "samples_per_frame": SAMPLES_PER_FRAME, "columns_per_frame": SAMPLES_PER_FRAME // HOP,
            "n_mels": N_MELS, "quietest": hearing.QUIETEST, "piece": hearing.PIECE, "around": hearing.AROUND,
            "expression": list(EXPRESSION)}
