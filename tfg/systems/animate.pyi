"""Written by `python -m tools.stubs` from the systems' options: do not edit."""
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, overload

from tfg.media.clip import Clip
from tfg.options import Options
from tfg.systems.base import System

Box = tuple[int, int, int, int]
StrPath = str | os.PathLike[str]

@overload
def animate(source: Any, audio: Any = ..., *, system: Literal["expression"] = ...,
    text: str | None = ..., out: Any = ..., save_motion: Any = ..., badge: bool | None = ...,
    overwrite: bool = ..., progress: bool | Callable[[int, int], None] = ..., emotion: str = ...,
    intensity: float = ..., face: int | None = ..., background: Any = ..., preprocess: str = ...,
    size: int = ..., pose_scale: float = ..., expression_scale: float = ..., blink: bool = ...,
    seed: int = ..., offsets: Any = ..., gaze: Any = ..., attend: bool = ..., motion: Any = ...,
    pose_style: int = ..., yaw: tuple[float, ...] | None = ..., pitch: tuple[float, ...] | None = ...,
    roll: tuple[float, ...] | None = ..., ref_pose: Any = ..., ref_blink: Any = ..., still: bool = ...,
    idle: float | None = ..., emotion_model: str = ..., alpha: float = ..., ortho: bool = ...,
    expnet: StrPath | None = ..., posevae: StrPath | None = ..., emotion_add: StrPath | None = ...) -> Clip: ...
@overload
def animate(source: Any, audio: Any = ..., *, system: Literal["graphics"], text: str | None = ...,
    out: Any = ..., save_motion: Any = ..., badge: bool | None = ..., overwrite: bool = ...,
    progress: bool | Callable[[int, int], None] = ..., emotion: str = ..., intensity: float = ...,
    face: int | None = ..., background: Any = ..., preprocess: str = ..., size: int = ...,
    pose_scale: float = ..., expression_scale: float = ..., blink: bool = ..., seed: int = ...,
    offsets: Any = ..., gaze: Any = ..., attend: bool = ..., motion: Any = ...) -> Clip: ...
@overload
def animate(source: Any, audio: Any = ..., *, system: Literal["emogen"], text: str | None = ...,
    out: Any = ..., save_motion: Any = ..., badge: bool | None = ..., overwrite: bool = ...,
    progress: bool | Callable[[int, int], None] = ..., emotion: str = ..., intensity: float = ...,
    face: int | None = ..., background: Any = ..., pads: Box | None = ..., smooth: bool = ...,
    resize_factor: int = ..., rotate: bool = ..., crop_box: Box | None = ..., static: bool = ...,
    fps: float | None = ..., batch_size: int | None = ..., box: Box | None = ...,
    checkpoint: StrPath | None = ..., hearing: str | None = ...) -> Clip: ...
@overload
def animate(source: Any, audio: Any = ..., *, system: Literal["ietafs"], text: str | None = ...,
    out: Any = ..., save_motion: Any = ..., badge: bool | None = ..., overwrite: bool = ...,
    progress: bool | Callable[[int, int], None] = ..., emotion: str = ..., intensity: float = ...,
    face: int | None = ..., background: Any = ..., pads: Box | None = ..., smooth: bool = ...,
    resize_factor: int = ..., rotate: bool = ..., crop_box: Box | None = ..., static: bool = ...,
    fps: float | None = ..., batch_size: int | None = ..., box: Box | None = ...,
    listen: float | None = ..., au: Any = ..., au_file: StrPath | None = ..., blink: bool = ...,
    seed: int = ..., aunet: StrPath | None = ..., checkpoint: StrPath | None = ...) -> Clip: ...
@overload
def animate(source: Any, audio: Any = ..., *, system: Literal["deformable"], text: str | None = ...,
    out: Any = ..., save_motion: Any = ..., badge: bool | None = ..., overwrite: bool = ...,
    progress: bool | Callable[[int, int], None] = ..., emotion: str = ..., intensity: float = ...,
    face: int | None = ..., background: Any = ..., pads: Box | None = ..., smooth: bool = ...,
    resize_factor: int = ..., rotate: bool = ..., crop_box: Box | None = ..., static: bool = ...,
    fps: float | None = ..., batch_size: int | None = ..., box: Box | None = ..., noise_seed: int = ...,
    blink: bool = ..., checkpoint: StrPath | None = ...) -> Clip: ...
@overload
def animate(source: Any, audio: Any = ..., *, system: Literal["rhythmic"], text: str | None = ...,
    out: Any = ..., save_motion: Any = ..., badge: bool | None = ..., overwrite: bool = ...,
    progress: bool | Callable[[int, int], None] = ..., emotion: str = ..., intensity: float = ...,
    face: int | None = ..., background: Any = ..., pads: Box | None = ..., smooth: bool = ...,
    resize_factor: int = ..., rotate: bool = ..., crop_box: Box | None = ..., static: bool = ...,
    fps: float | None = ..., batch_size: int | None = ..., n_shot: int | None = ...,
    ref_img_id: Any = ..., head_motion: bool = ..., own_motion: bool = ..., ref_pose: Any = ...,
    ref_expression: Any = ..., find_largest_mouth: bool = ..., blink: bool = ..., seed: int = ...,
    motionnet: StrPath | None = ..., pointsnet: StrPath | None = ..., checkpoint: StrPath | None = ...,
    person: StrPath | None = ...) -> Clip: ...
@overload
def animate(source: Any, audio: Any = ..., *, system: str, text: str | None = ..., out: Any = ...,
    save_motion: Any = ..., badge: bool | None = ..., overwrite: bool = ...,
    progress: bool | Callable[[int, int], None] = ..., **options: Any) -> Clip: ...
@overload
def fit(source: Any, *, system: Literal["expression"], out: Any, progress: bool = ...,
    emotion: str = ..., intensity: float = ..., face: int | None = ..., background: Any = ...,
    preprocess: str = ..., size: int = ..., pose_scale: float = ..., expression_scale: float = ...,
    blink: bool = ..., seed: int = ..., offsets: Any = ..., gaze: Any = ..., attend: bool = ...,
    motion: Any = ..., pose_style: int = ..., yaw: tuple[float, ...] | None = ...,
    pitch: tuple[float, ...] | None = ..., roll: tuple[float, ...] | None = ..., ref_pose: Any = ...,
    ref_blink: Any = ..., still: bool = ..., idle: float | None = ..., emotion_model: str = ...,
    alpha: float = ..., ortho: bool = ..., expnet: StrPath | None = ..., posevae: StrPath | None = ...,
    emotion_add: StrPath | None = ...) -> Path: ...
@overload
def fit(source: Any, *, system: Literal["graphics"], out: Any, progress: bool = ..., emotion: str = ...,
    intensity: float = ..., face: int | None = ..., background: Any = ..., preprocess: str = ...,
    size: int = ..., pose_scale: float = ..., expression_scale: float = ..., blink: bool = ...,
    seed: int = ..., offsets: Any = ..., gaze: Any = ..., attend: bool = ..., motion: Any = ...) -> Path: ...
@overload
def fit(source: Any, *, system: Literal["emogen"], out: Any, progress: bool = ..., emotion: str = ...,
    intensity: float = ..., face: int | None = ..., background: Any = ..., pads: Box | None = ...,
    smooth: bool = ..., resize_factor: int = ..., rotate: bool = ..., crop_box: Box | None = ...,
    static: bool = ..., fps: float | None = ..., batch_size: int | None = ..., box: Box | None = ...,
    checkpoint: StrPath | None = ..., hearing: str | None = ...) -> Path: ...
@overload
def fit(source: Any, *, system: Literal["ietafs"], out: Any, progress: bool = ..., emotion: str = ...,
    intensity: float = ..., face: int | None = ..., background: Any = ..., pads: Box | None = ...,
    smooth: bool = ..., resize_factor: int = ..., rotate: bool = ..., crop_box: Box | None = ...,
    static: bool = ..., fps: float | None = ..., batch_size: int | None = ..., box: Box | None = ...,
    listen: float | None = ..., au: Any = ..., au_file: StrPath | None = ..., blink: bool = ...,
    seed: int = ..., aunet: StrPath | None = ..., checkpoint: StrPath | None = ...) -> Path: ...
@overload
def fit(source: Any, *, system: Literal["deformable"], out: Any, progress: bool = ...,
    emotion: str = ..., intensity: float = ..., face: int | None = ..., background: Any = ...,
    pads: Box | None = ..., smooth: bool = ..., resize_factor: int = ..., rotate: bool = ...,
    crop_box: Box | None = ..., static: bool = ..., fps: float | None = ...,
    batch_size: int | None = ..., box: Box | None = ..., noise_seed: int = ..., blink: bool = ...,
    checkpoint: StrPath | None = ...) -> Path: ...
@overload
def fit(source: Any, *, system: Literal["rhythmic"], out: Any, progress: bool = ..., shots: int = ...,
    first_seconds: float | None = ..., steps: int = ..., face: int | None = ..., seed: int = ...,
    checkpoint: StrPath | None = ...) -> Path: ...
@overload
def fit(source: Any, *, system: str, out: Any, progress: bool = ..., **options: Any) -> Path: ...

def options_for(system: str, given: Mapping[str, Any]) -> tuple[System, Any]: ...
def options_of(its: System, fitting: bool = ...) -> type[Options]: ...
def refuse(its: System, unknown: list[str], *, fitting: bool = ...) -> None: ...
def check_result(its: System, save_motion: Any) -> None: ...
