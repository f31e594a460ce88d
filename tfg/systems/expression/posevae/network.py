"""PoseVAE, from sound and a style to head motion: a conditional variational autoencoder over chunks of 32 frames.

Zhang et al. 2023 (SadTalker, sec. 3.2). A chunk is 32 poses relative to the last pose before it, in standard deviations
of its style's training motion. The encoder gets the chunk, the sound, the poses before it, and the style; the decoder
gets a code z instead of the chunk. Each of the 46 styles is a bias on z. A new motion needs the decoder and drawn codes
alone: chunk by chunk, each continues from the poses before it, whose distance from rest it gets, so that the head stays
near rest.

Differences from the published code: logvar is a layer of its own; pose and sound have the same frames, through
tfg.media.audio.mel_windows; chunks continue each other and overlap, where theirs all start from the first frame; the
U-net convolves over time only, as yaw and roll are no neighbours; each style has a size of its own on each axis; sound
has a direct path to the head (`respond`), where a style sets the direction of its nods; and codes are drawn from a
density fitted to the chunks' codes (`code`).

References
- Kingma & Welling 2014 (VAE); Sohn et al. 2015 (with conditions); Kingma et al. 2016, app. C (free bits)
- Ghosh et al. 2020 (drawing codes by a density fitted after training)
- Zhang et al. 2018, Road extraction by deep residual U-net (ResUnet)
"""
from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from tfg.errors import InputError
from tfg.networks.blocks import fold_time, unfold_time
from tfg.systems.expression.posevae.parts import ResUnet, ear, fade, smooth
from tfg.systems.expression.posevae.sound import HEARINGS, hear, heard_by, mean_of
from tfg.vocabulary import POSE, POSE_STYLES

STYLES = POSE_STYLES
CHUNK, OVERLAP = 32, 8
"""Frames of a chunk, and the number of its last frames that the next chunk replaces: their sound windows end with the
chunk, and a nod begins a third of a second before its syllable."""
START = 12
"""Frames over which a motion fades in from exact rest, as the first predicted pose is only near it."""
NODS = 1.5
"""Factor on the motion from the sound alone, in a new motion, as an expectation is smaller than single samples. Set on
the validation voices: 1, 1.3, 1.6 give nods of .56, .72, .86 of their true size there."""
BLOCK = 1500                                                              # frames encoded at once
N = len(POSE)


@dataclass(frozen=True)
class PoseVAEConfig:
    """Sizes of the network.

    context: frames before a chunk at its input; it continues from the last.  latent: length of z.  hidden: width of
    both perceptrons.  sound: one number for a perceptron on each mel window, five for Wav2Lip's convolutions.
    features: length of the sound's code per frame.  unet: channels of the refinement.  judge: channels of the
    discriminator, which training alone needs.  hearing: of HEARINGS; with "speech" sound has one number.
    """

    context: int = 1
    latent: int = 64
    hidden: int = 128
    sound: tuple[int, ...] = (32, 64, 128, 256, 512)
    features: int = 6
    unet: tuple[int, ...] = (32, 64, 128, 256)
    judge: tuple[int, ...] = (64, 128, 256)
    hearing: str = "mel"


PROFILES = {"ci": PoseVAEConfig(4, 16, 32, (16,), 4, (8, 12), (8, 12)),
            "cpu": PoseVAEConfig(6, 64, 256, (96,), 6, (24, 32, 48), (24, 32, 48)),
            "gpu": PoseVAEConfig()}


def profile(name: str, hearing: str = "mel") -> PoseVAEConfig:
    """Sizes of the network of a profile that hears in this way.  Raises InputError: no such way, or profile."""
    if hearing not in HEARINGS or name not in PROFILES:
        raise InputError(f"there is no profile {name!r} that hears {hearing!r}; profiles are {', '.join(PROFILES)}, "
                         f"ways to hear {', '.join(HEARINGS)}.")
    found = PROFILES[name]
    return found if hearing == "mel" else replace(found, hearing=hearing, sound=found.sound[-1:])


class PoseVAE(nn.Module):
    """The network; shapes are in `encode` and `decode`.  scale, reach (6,), code_mean, code_root, code_from: buffers
    set by the training, see `limit` and `code`."""

    def __init__(self, config: PoseVAEConfig = PoseVAEConfig()):
        super().__init__()
        self.config = c = config
        before, heard = N * c.context, CHUNK * c.features
        if c.hearing not in HEARINGS:
            raise ValueError(f"hearing must be one of {', '.join(HEARINGS)}, got {c.hearing!r}")
        self.ear = ear(c.sound, HEARINGS[c.hearing])
        self.feature = nn.Linear(c.sound[-1], c.features)
        self.style = nn.Parameter(torch.randn(STYLES, c.latent))
        self.read = ResUnet(N, N, c.unet)
        self.encoder = nn.Sequential(nn.Linear(CHUNK * N + before + heard + c.latent, c.hidden), nn.ReLU())
        self.mean = nn.Linear(c.hidden, c.latent)
        self.logvar = nn.Linear(c.hidden, c.latent)          # the published code shares the mean's layer
        self.decoder = nn.Sequential(nn.Linear(c.latent + before + heard, c.hidden), nn.ReLU(),
                                     nn.Linear(c.hidden, CHUNK * N))
        self.refine = ResUnet(N + c.features, N, c.unet)
        self.answer = ResUnet(c.features, c.features, c.unet)
        self.manner = nn.Parameter(torch.zeros(STYLES, c.features, N))
        self.register_buffer("code_mean", torch.zeros(c.latent))
        self.register_buffer("code_root", torch.eye(c.latent))
        self.register_buffer("code_from", torch.zeros(c.latent, before))
        self.register_buffer("scale", torch.ones(STYLES, N))
        self.register_buffer("reach", torch.full((N,), 4.0))

    def forward(self, windows, style, before=None, chunk=None) -> tuple[torch.Tensor, ...]:
        """Outputs that the losses need: `stress`, and the motion from the sound alone (`respond`); with a chunk also
        three chunks (B, 32, 6), decoded from its own code, from a drawn code and from the prior's middle, and mean and
        logvar.  windows: as `hear`.  The rest: as `encode`.
        """
        heard = self.hear(windows)
        stress = self.stress(heard)
        answer = self.respond(stress, style)
        if chunk is None:
            return stress, answer
        heard, fixed = heard.detach(), answer.detach()      # losses of the code must not change the sound's path
        mean, logvar = self.encode(chunk, before, heard, style)
        z = mean + torch.randn_like(mean) * (.5 * logvar).exp()
        codes = torch.cat([z, torch.randn_like(mean), 0 * mean])
        again = [x.repeat(3, *[1] * (x.ndim - 1)) for x in (before, heard, style, fixed)]
        drawn, new, middle = self.decode(codes, *again).chunk(3)
        return stress, answer, drawn, new, middle, mean, logvar

    def hear(self, windows: torch.Tensor) -> torch.Tensor:
        """Code of the sound at each frame, (B, T, features), of what the function `hear` gives: mel windows
        (B, T, 80, 16), or speech features (B, T, 768)."""
        x = fold_time(windows)
        x = self.ear(x[:, None] if len(self.config.sound) > 1 else x)
        return unfold_time(self.feature(x.flatten(1)), windows.shape[1])

    def encode(self, chunk, before, heard, style) -> tuple[torch.Tensor, torch.Tensor]:
        """The code of a chunk: mean and logvar (B, latent).

        chunk: (B, 32, 6) relative to the last of before, scaled.  before: (B, context, 6) poses relative to rest,
        scaled.  heard: (B, 32, features).  style: (B,) int.
        """
        read = self.read(chunk.transpose(1, 2)).flatten(1)
        x = torch.cat([read, flat_before(before), heard.flatten(1), self.style[style]], 1)
        x = self.encoder(x)
        return self.mean(x), self.logvar(x).clamp(-8, 8)

    def stress(self, heard) -> torch.Tensor:
        """Stress of the sound: (B, 32, features), the first columns as
        `tfg.systems.expression.posevae.data.stress_of` returns them. heard: as `encode`."""
        return self.answer(heard.transpose(1, 2)).transpose(1, 2)

    def respond(self, stress, style) -> torch.Tensor:
        """Motion of this style's head from the sound alone: (B, 32, 6)."""
        return stress @ (20 * self.manner[style])                                # 20: the table learns that much faster

    def decode(self, z, before, heard, style, answer=None) -> torch.Tensor:
        """Chunk (B, 32, 6) of a code z (B, latent).  answer: result of `respond`, if known.  Others: as `encode`."""
        answer = self.respond(self.stress(heard), style) if answer is None else answer
        rough = self.decoder(torch.cat([z + self.style[style], flat_before(before), heard.flatten(1)], 1))
        rough = rough.unflatten(1, (CHUNK, N))
        moved = self.refine(torch.cat([rough, heard], 2).transpose(1, 2)).transpose(1, 2)
        return rough + moved + answer

    def code(self, noise: torch.Tensor, before: torch.Tensor) -> torch.Tensor:
        """Codes (B, latent) distributed as those of chunks, from noise (B, latent) of N(0, 1); `losses.settle` fits the
        density."""
        return self.code_mean + flat_before(before) @ self.code_from.T + noise @ self.code_root.T

    def limit(self, pose: torch.Tensor) -> torch.Tensor:
        """Poses relative to rest, in units of `scale` (the style's standard deviation), kept within `reach`:
        values beyond 3/4 of it are compressed, so that the head cannot drift away."""
        free = .75 * self.reach
        over = (pose.abs() - free).clamp(min=0)
        return pose.sign() * (pose.abs() - over + (self.reach - free) * torch.tanh(over / (self.reach - free)))


def flat_before(before: torch.Tensor) -> torch.Tensor:
    """The poses before a chunk as one vector: (B, context, 6) -> (B, 6 context), the last pose and the steps to it."""
    last = before[:, -1]
    return torch.cat([last, 4 * (before[:, :-1] - last[:, None]).flatten(1)], 1)


# ---- a motion ------------------------------------------------------------------------------------------------------
def predict(audio, *, style: int = 0, seed: int = 0, folder=None) -> np.ndarray:
    """Head motion for a sound: (T, 6) float32, degrees and head widths as tfg.vocabulary.POSE, starting near rest.

    audio: (N,) float32 at 16 kHz, or a file, or a log-mel (80, M) of tfg.media.audio (for a network that hears mels, as
    the one that ships); silence gives a head that idles.
    style: 0..45, a way of moving.  seed: 0 or more, one motion of this style for each.  folder: None for the network
    that ships; others hear as they were trained.  T = ceil(N / 640), 1 at least; time and memory a frame do not grow
    with the clip.
    Raises InputError: another style or seed, bad sound, missing or damaged weights.
    """
    style, seed = check_style(style), check_seed(seed)
    network, _ = load(folder)
    sound, total = heard_by(network.config.hearing, audio)
    return generate(network, sound, [style], [seed], total)[0]


@torch.no_grad()
def generate(network: PoseVAE, sound: np.ndarray, styles, seeds, total: int) -> np.ndarray:
    """Several motions for a sound at once: (B, total, 6) float32. sound: a mel (80, M), or features (T, 768), as the
    network hears.  styles, seeds: (B,).  The code z of a chunk depends on the seed and the chunk's number alone."""
    mean = mean_of(sound, network.config.hearing)
    step, context = CHUNK - OVERLAP, network.config.context
    style = torch.as_tensor(np.asarray(styles, np.int64))
    out = torch.zeros(len(styles), context + total + CHUNK, N)                  # before the clip the head is at rest
    soft = torch.from_numpy(fade(OVERLAP))[None, :, None]
    heard, first = None, 0
    for number, start in enumerate(range(0, total, step)):
        if heard is None or start + CHUNK > first + heard.shape[1]:
            first = start
            frames = np.arange(first, first + step * (BLOCK // step) + OVERLAP)[:total - first + CHUNK]
            heard = network.hear(torch.from_numpy(hear(sound, mean, frames)[None]))
        z = np.stack([np.random.default_rng([int(seed), 46, number]).standard_normal(network.config.latent)
                      for seed in seeds])
        at = context + start
        before = out[:, start:at]
        now = heard[:, start - first:start - first + CHUNK].expand(len(style), -1, -1)
        answer = NODS * network.respond(network.stress(now), style)
        chunk = network.decode(network.code(torch.from_numpy(z).float(), before), before, now, style, answer)
        chunk = network.limit(chunk + before[:, -1:])
        if number:
            chunk[:, :OVERLAP] = (1 - soft) * out[:, at:at + OVERLAP] + soft * chunk[:, :OVERLAP]
        out[:, at:at + CHUNK] = chunk
    pose = smooth((out[:, context:context + total] * network.scale[style][:, None]).numpy())
    rise = 1 - np.concatenate([[0], fade(START - 1)]).astype(np.float32)[:, None]
    pose[:, :START] -= pose[:, :1] * rise[:total]
    return pose


def check_style(style) -> int:
    """The style as an int.  Raises InputError outside 0..45."""
    if isinstance(style, bool) or not isinstance(style, (int, np.integer)) or not 0 <= style < STYLES:
        raise InputError(f"the pose style is {style!r}; give a whole number from 0 to {STYLES - 1}.")
    return int(style)


def check_seed(seed) -> int:
    """The seed as an int.  Raises InputError below 0."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise InputError(f"the seed is {seed!r}; give a whole number from 0 up.")
    return int(seed)


def load(folder=None) -> tuple[PoseVAE, dict]:
    """The trained network in eval mode and its card. folder: None for the one that ships.  Raises InputError."""
    from tfg.networks import checkpoint

    return checkpoint.load("posevae", PoseVAE, PoseVAEConfig, folder)
