"""The generator of `deformable`: a photo, raw speech, noise and an emotion make the frames of a talking face.

Eskimez et al. 2021 (speech, photo, noise and emotion are encoded apart, joined for each frame, and decoded with the
photo's maps beside; the fourth level of the decoder remembers) with the layers that the UCLA project added to it:
deformable convolution and attention. There they acted on a map of 1 x 1, where nothing can deform; here they act where
there is space: in the photo's encoder (`space`), and in the decoder (`look`), where the offsets follow from the frame
that is being drawn: the kernel looks in the photo's maps where this frame's lips were.

A photo is encoded once (`see`), a sound is heard at 25 vectors a second (`hear`), and each frame is drawn from both
(`draw`). What a call leaves is handed to the next as `State`, so that a sound of any length is drawn piece by piece,
and the pieces equal the whole.

With `flow` the network says what merely moved, for a picture of 128 px is a soft patch in a photo of 512 px:

    flow(t) = FLOW (sum over k of c_k(t) (common_k + particular_k(photo)) + residual(t))

The common fields are principal components of true flows, found before the training (`data.common_fields`) and laid onto
each photo by its landmarks (`tfg.networks.anchored`); so from the first step a frame's flow is a matter of some numbers
c_k, and not of four thousand places. Without flow a pixel is what the tanh picture says, as published.
"""
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from tfg.compose.answer import Answer
from tfg.networks.anchored import laid
from tfg.networks.blocks import n_parameters
from tfg.systems.deformable.ears import Ears
from tfg.systems.deformable.layers import ConvLSTM, Sampled, block
from tfg.systems.deformable.sound import CONTEXT
from tfg.vocabulary import EMOTIONS, MOUTH, index

FLOW = .1
"""How far a unit of the fields reaches, in half sides of the picture."""
OWN = .1
"""Factor on what a face's fields and a frame's flow have of their own: it learns more slowly than the common part, or
the first steps would tear a face to pieces."""
LOUD = 3.0
"""Factor on what lips do where frames are drawn by it: most coefficients are small, mostly."""
BASE = 4
"""Side of the map from which a picture grows."""


@dataclass(frozen=True)
class DeformableConfig:
    """Sizes.  ears: channels of the convolutions over sound; bands: of the features they end in; context: features on
    both sides; speech: entries of a frame's vector; tuned: as `Ears`.  noise, emotion: entries of the vectors made of
    them.  widths: channels of the photo's maps, each half the side of the one before; code: entries of its vector.
    up: channels of the decoder's maps, from 8 px up to the picture; memory: the one that remembers, counted from 0.
    deform, attention: what the layers at maps of sides `space` (encoder) and `look` (decoder) do; inner: the most
    channels that they sample.  flow: with heads for flow and trust; fields: number of common fields; laid: by
    each photo's landmarks.  told: the first
    columns of the noise are movements (`tfg.systems.deformable.moves`).  lips: with a head for what lips do, learned
    from speech that nobody draws, too; frames are drawn by its answer and by the speech's vector.  size: side of the
    picture, px.  As published: the defaults."""

    ears: tuple[int, ...] = (64, 128, 256, 512)
    bands: int = 16
    context: int = CONTEXT
    speech: int = 512
    tuned: bool = False
    noise: int = 128
    emotion: int = 512
    widths: tuple[int, ...] = (64, 128, 256, 512, 512)
    code: int = 512
    start: int = 512
    up: tuple[int, ...] = (512, 256, 128, 64, 32)
    memory: int = 3
    deform: bool = True
    attention: bool = True
    space: tuple[int, ...] = (32, 16, 8)
    inner: int = 512
    look: tuple[int, ...] = (16,)
    flow: bool = False
    fields: int = 0
    laid: bool = False
    told: bool = False
    lips: bool = False
    size: int = 128


PROFILES = {"ci": DeformableConfig((8, 8, 8, 8), 4, CONTEXT, 16, True, 8, 8, (8, 8, 16, 16), 16, 16, (16, 16, 8, 8), 0,
                                   space=(16, 8), look=(16,), flow=True, fields=6, laid=True, told=True, lips=True,
                                   size=64),
            "cpu": DeformableConfig((32, 48, 64, 64), 16, CONTEXT, 144, True, 16, 32, (16, 32, 64, 96, 96), 128, 64,
                                    (64, 64, 40, 24, 16), 0, space=(16, 8), inner=24, look=(16,), flow=True, fields=32,
                                    laid=True, told=True, lips=True),
            "gpu": DeformableConfig()}


class State(NamedTuple):
    """What one call hands to the next: states of the LSTMs of speech and noise, and of the decoder's memory."""

    speech: Any = None
    noise: Any = None
    picture: Any = None


START = State()
"""Nothing was heard and drawn before."""


class Photo(NamedTuple):
    """What is known of B photos: code (B, code); maps, of the sides S / 2, S / 4, ...; picture (B, 3, S, S) in
    [-1, 1]; fields (B, K, 2, S / 2, S / 2), how this face moves, in units of FLOW, or None without flow."""

    code: torch.Tensor
    maps: list[torch.Tensor]
    picture: torch.Tensor
    fields: torch.Tensor | None

    def of(self, numbers) -> Photo:
        """The photos of these numbers."""
        return Photo(self.code[numbers], [m[numbers] for m in self.maps], self.picture[numbers],
                     None if self.fields is None else self.fields[numbers])


class Heard(NamedTuple):
    """What was heard: speech (B, T, speech), a vector for each frame; lips (B, T, 28), what lips do, 0..1, or None."""

    speech: torch.Tensor
    lips: torch.Tensor | None


class Drawn(NamedTuple):
    """What a call answers.  answer: of B x K pictures, all frames of the first example, then those of the second; None
    without a photo.  weights: (B, T, fields) of the common fields, also of frames that are not drawn, or None.  voice:
    (B, 6) logits of the voice's emotion.  lips: (B, T, 28) what lips do, by the sound alone, or None.  moved:
    (B, T, 2, S / 2, S / 2) half sides, the flow without its residual, where not all people are drawn."""

    answer: Any
    weights: torch.Tensor | None = None
    voice: torch.Tensor | None = None
    lips: torch.Tensor | None = None
    moved: torch.Tensor | None = None


class Deformable(nn.Module):
    """Photo (B, 3, S, S) in [0, 1], wave (B, n_samples(T)), emotion (B, 6), noise (B, T, Z) -> `Drawn`, `State`.

    common: (fields, 2, S / 2, S / 2), in units of FLOW.  They do not learn: what a photo's face does differently is
    `particular`, and what no sum of fields says is `residual`.
    """

    common: torch.Tensor
    mean: torch.Tensor

    def __init__(self, config: DeformableConfig = DeformableConfig()):
        super().__init__()
        self.config = c = config
        sides = [c.size >> k + 1 for k in range(len(c.widths))]           # S / 2 ...
        if sides[-1] != BASE or len(c.up) != len(c.widths) or not 0 <= c.memory < len(c.up):
            raise ValueError(f"{len(c.widths)} halvings must lead from {c.size} to {BASE} px, with as many widths up")
        self.ears = Ears(c.ears, c.bands, c.context, c.speech, c.tuned)
        self.speech = nn.LSTM(c.speech, c.speech, 2, batch_first=True)
        self.noise = nn.LSTM(c.noise, c.noise, batch_first=True)
        self.emotion = nn.Sequential(nn.Linear(len(EMOTIONS), c.emotion), nn.LeakyReLU(.2),
                                     nn.Linear(c.emotion, c.emotion), nn.LeakyReLU(.2))
        self.voice = nn.LSTM(c.speech, 64, batch_first=True)              # which emotion does the voice have?
        self.voice_name = nn.Linear(64, len(EMOTIONS))
        if c.lips:
            self.lips = nn.Linear(c.speech, len(index(*MOUTH)))
            nn.init.constant_(self.lips.bias, -3.0)                       # most coefficients are near 0, mostly
        # the photo
        self.down, self.sampled, channels = nn.ModuleList(), nn.ModuleDict(), 0
        for side, width in zip(sides, c.widths):
            self.down.append(block(channels + 3, width, 4, 2))
            if side in c.space:
                self.sampled[f"space{side}"] = Sampled(width, width, deform=c.deform, attention=c.attention,
                                                       inner=c.inner)
            channels = width
        self.code = nn.Sequential(nn.Conv2d(channels, c.code, BASE), nn.LeakyReLU(.2))
        # the frames
        joined = c.speech + c.noise + c.emotion + c.code + (len(index(*MOUTH)) if c.lips else 0)
        self.start = nn.Linear(joined, c.start * BASE * BASE)
        self.up, self.beside, channels = nn.ModuleList(), nn.ModuleList(), c.start
        skips = [*c.widths[-2::-1], 3]
        for k, (width, skip) in enumerate(zip(c.up, skips)):
            side = 2 * BASE << k
            if side in c.look:
                self.sampled[f"look{side}"] = Sampled(skip, channels + skip, deform=c.deform, attention=c.attention,
                                                      inner=c.inner)
            outs = 4 * width if k == c.memory else width
            self.up.append(ConvLSTM(channels, width) if k == c.memory else nn.Conv2d(channels, width, 3, padding=1))
            self.beside.append(nn.Conv2d(skip, outs, 3, padding=1, bias=False))   # a convolution of both, in two parts
            channels = width
        self.after = nn.ModuleList(nn.Sequential(nn.GroupNorm(_groups(w), w), nn.LeakyReLU(.2)) for w in c.up)
        self.heads = nn.Conv2d(channels, 3 + c.flow, 3, padding=1)
        if c.flow:
            half = c.size // 2
            self.weights = nn.Sequential(nn.Linear(joined, 128), nn.LeakyReLU(.2), nn.Linear(128, c.fields))
            self.register_buffer("common", torch.zeros(c.fields, 2, half, half))
            if c.laid:
                self.register_buffer("mean", torch.zeros(68, 2))          # landmarks of the mean face, half sides
            self.particular = nn.Conv2d(c.widths[0], 2 * c.fields, 3, padding=1)
            self.residual = nn.Conv2d(c.up[-2], 2, 3, padding=1)
            with torch.no_grad():                                         # at first: the photo, all of it trusted
                for part in (self.particular, self.residual):
                    nn.init.normal_(part.weight, std=1e-2)
                    nn.init.zeros_(part.bias)
                self.weights[-1].weight.mul_(.3)
                self.heads.bias[3] = 3.0

    # ---- the four that come in ----
    def see(self, picture: torch.Tensor, points: torch.Tensor | None = None) -> Photo:
        """What is known of photos (B, 3, S, S) in [0, 1].  points: (B, 68, 2) half sides, their landmarks; None: those
        of the mean face."""
        picture = 2 * picture - 1
        x, small, maps = picture[:, :0], picture, []
        for layer, side in zip(self.down, self._sides()):
            x = layer(torch.cat([x, small], 1))
            small = F.avg_pool2d(small, 2)                                # the photo itself, as small as the map
            if f"space{side}" in self.sampled:
                x = self.sampled[f"space{side}"](x, x)
            maps.append(x)
        fields = None
        if self.config.flow:
            own = OWN * self.particular(maps[0]).float().unflatten(1, (self.config.fields, 2))
            common = self.common if points is None or not self.config.laid else laid(self.common, self.mean, points)
            fields = common + own
        return Photo(self.code(maps[-1]).flatten(1), maps, picture, fields)

    def hear(self, wave: torch.Tensor, emotion: torch.Tensor, noise: torch.Tensor, state: State = START
             ) -> tuple[torch.Tensor, Heard, State]:
        """wave (B, n_samples(T)), emotion (B, 6), noise (B, T, Z) -> what a frame is drawn by (B, T, C), what was heard
        of the speech alone, and the state.  Raises ValueError: lengths that do not fit together."""
        frames = self.ears.frames(wave.shape[-1])
        if noise.shape[1:] != (frames, self.config.noise):
            raise ValueError(f"the wave is heard for {frames} frames, so noise is (B, {frames}, {self.config.noise}), "
                             f"got {tuple(noise.shape)}")
        speech, heard = self.speech(self.ears(wave), state.speech)
        chance, drawn = self.noise(noise, state.noise)
        felt = self.emotion(emotion)[:, None].expand(-1, frames, -1)
        lips = torch.sigmoid(self.lips(speech)) if self.config.lips else None                    # (B, T, 28)
        told = [speech, chance, felt] if lips is None else [speech, chance, felt, LOUD * lips]
        return torch.cat(told, -1), Heard(speech, lips), State(heard, drawn, state.picture)

    def voices(self, speech: torch.Tensor) -> torch.Tensor:
        """Logits (B, 6) of the voice's emotion, of `Heard.speech`."""
        return self.voice_name(self.voice(speech)[0][:, -1])

    # ---- what goes out ----
    def draw(self, photo: Photo, told: torch.Tensor, state: State = START, shown: torch.Tensor | None = None
             ) -> tuple[Drawn, State]:
        """Draw frames.  told: (B, T, C) of `hear`.  shown: (K,) numbers of the frames whose pictures are drawn, None
        for all; the others only pass through the memory."""
        c, (B, T) = self.config, told.shape[:2]
        joined = self._joined(photo, told)
        x = F.leaky_relu(self.start(joined), .2).reshape(B * T, c.start, BASE, BASE)
        memory, small, count = state.picture, None, T
        for k, (layer, beside, after) in enumerate(zip(self.up, self.beside, self.after)):
            if shown is not None and count == T and k == c.memory + 1:
                x, count = x.unflatten(0, (B, T))[:, shown].flatten(0, 1), len(shown)
            x = F.interpolate(x, scale_factor=2.0)
            skip = photo.maps[-2 - k] if k + 1 < len(self.up) else photo.picture
            look = self.sampled[f"look{skip.shape[-1]}"] if f"look{skip.shape[-1]}" in self.sampled else None
            if look is not None:                                          # where this frame looks in the photo's map
                each = skip.repeat_interleave(count, 0)
                skip = look(each, torch.cat([x, each], 1))
            side = beside(skip)                                           # (B or B K, ..., h, w)
            if k == c.memory:
                extra = side[:, None] if look is None else side.unflatten(0, (B, count))
                x, memory = layer(x.unflatten(0, (B, count)), extra, memory)
                x = x.flatten(0, 1)
            else:
                x = layer(x) + (side if look is not None else side.repeat_interleave(count, 0))
            x = after(x)
            if c.flow and k == len(self.up) - 2:
                small = OWN * self.residual(x).float()                    # (B K, 2, S / 2, S / 2)
        if shown is not None and count == T and c.memory + 1 == len(self.up):
            x = x.unflatten(0, (B, T))[:, shown].flatten(0, 1)
        x = self.heads(x).float()
        colour, weights = (torch.tanh(x[:, :3]) + 1) / 2, None
        if not c.flow:
            answer = Answer(colour, torch.zeros_like(colour[:, :2]), torch.zeros_like(colour[:, :1]))
            return Drawn(answer), state._replace(picture=memory)
        weights = self.weights(joined).float()                            # (B, T, K)
        assert photo.fields is not None and small is not None
        mixed = weights if shown is None else weights[:, shown]
        moved = torch.einsum("btk,bkchw->btchw", mixed, photo.fields).flatten(0, 1)
        flow = F.interpolate(FLOW * (moved + small), scale_factor=2, mode="bilinear", align_corners=False)
        return Drawn(Answer(colour, flow, torch.sigmoid(x[:, 3:4])), weights), state._replace(picture=memory)

    def forward(self, photo: torch.Tensor | Photo | None, wave: torch.Tensor, emotion: torch.Tensor | None = None,
                noise: torch.Tensor | None = None, state: State | None = None, shown: torch.Tensor | None = None,
                people: int | None = None, points: torch.Tensor | None = None) -> tuple[Drawn, State]:
        """Draw T frames of B people; a sound that goes on is drawn by the next call with the state of this one.

        photo: (B, 3, S, S) in [0, 1], or what `see` made of it; None: it only listens.  wave: (B, n_samples(T)), as
        `sound.part` cuts it.  emotion: (B, 6), None: neutral.  noise: (B, T, Z), None: zeros.  shown: as `draw`.
        people: only the first so many are drawn; of the others, too, `weights` and `moved` are answered. None: all.
        points: as `see`.
        """
        if emotion is None:
            emotion = wave.new_zeros(len(wave), len(EMOTIONS))
            emotion[:, EMOTIONS.index("NEU")] = 1
        if noise is None:
            noise = wave.new_zeros(len(wave), self.ears.frames(wave.shape[-1]), self.config.noise)
        told, heard, state = self.hear(wave, emotion, noise, START if state is None else state)
        drawn = Drawn(None)
        if photo is not None:
            seen = photo if isinstance(photo, Photo) else self.see(photo, points)
            some = slice(people)
            drawn, state = self.draw(seen if people is None else seen.of(some), told[some], state, shown)
            if people is not None and self.config.flow:
                weights = self.weights(self._joined(seen, told)).float()
                drawn = drawn._replace(weights=weights, moved=FLOW * torch.einsum("btk,bkchw->btchw", weights,
                                                                                  seen.fields))
        return drawn._replace(voice=self.voices(heard.speech), lips=heard.lips), state

    def offsets(self, photo: Photo, told: torch.Tensor, side: int, state: State = START) -> torch.Tensor:
        """Where the decoder's deformable layer at maps of this side looks, for pictures: (B, T, 9, 2, side, side), y
        then x, px of the map, from the place of an undeformed kernel's tap."""
        layer, found = self.sampled[f"look{side}"], []
        hook = layer.register_forward_pre_hook(lambda module, inputs: found.append(module.offsets(inputs[1])[0]))
        try:
            self.draw(photo, told, state)
        finally:
            hook.remove()
        return found[0].unflatten(0, told.shape[:2]).unflatten(2, (-1, 2))

    @staticmethod
    def _joined(photo: Photo, told: torch.Tensor) -> torch.Tensor:
        """(B, T, 1664): what a frame is drawn by, with the photo's vector."""
        return torch.cat([told, photo.code[:, None].expand(-1, told.shape[1], -1)], -1)

    def _sides(self) -> list[int]:
        return [self.config.size >> k + 1 for k in range(len(self.config.widths))]


def _groups(width: int) -> int:
    return next(n for n in (8, 4, 2, 1) if width % n == 0)


def variant(config: DeformableConfig, *, deform: bool, attention: bool) -> DeformableConfig:
    """The config with other layers and, within 1 %, as many weights as with both, for an ablation at equal size.

    What offsets and gates would have is given to the decoder's start, whose maps become wider: that is where sound and
    photo meet, and the only layer that all variants share and none of the compared layers touches.
    """
    most = n_parameters(Deformable(replace(config, deform=True, attention=True)))
    plain = replace(config, deform=deform, attention=attention)
    have = n_parameters(Deformable(plain))
    each = n_parameters(Deformable(replace(plain, start=plain.start + 1))) - have
    return replace(plain, start=plain.start + round((most - have) / each))


def load(folder=None) -> tuple[nn.Module, dict]:
    """The generator with its trained weights (those that ship by default), ready to draw, and its card."""
    from tfg.networks.inference import ready

    return ready("deformable", Deformable, DeformableConfig, folder)
