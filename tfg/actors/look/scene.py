"""The scene around an actor: light, background and camera."""
from __future__ import annotations

import numpy as np

BACKGROUNDS = ("wall", "gradient", "room", "bokeh", "window", "outdoors")


def draw(rng: np.random.Generator, *, melanin: float) -> tuple[dict, dict, dict]:
    """Draw the arguments of identity.Light, Background and Camera. melanin: of the skin; darker skin is exposed longer.
    """
    u = rng.random(30)
    warm = rng.normal(0, 0.07)
    key = np.array([1 + warm, 1.0, 1 - warm])
    cool = np.array([1 - 0.6 * warm, 1.0, 1 + 0.7 * warm])
    soft = float(0.25 + 0.75 * u[0])
    ratio = 0.55 + 0.45 * soft + 0.25 * (u[1] - .5)                  # strength of the other light relative to the key
    side = -1 if u[2] < 0.5 else 1
    light = {"azimuth": round(float(side * (8 + 52 * u[3])), 2), "elevation": round(float(12 + 38 * u[4]), 2),
             "key": _rgb(key * (1.30 - 0.35 * soft)), "fill": _rgb(cool * 0.17 * ratio),
             "sky": _rgb(cool * 0.40 * ratio), "ground": _rgb(np.array([1.08, 1, .9]) * 0.18 * ratio),
             "softness": round(soft, 4), "exposure": round(float((0.66 + 0.20 * u[5]) * (1 + 0.75 * melanin)), 4),
             "contrast": round(float(u[6]), 4)}
    kind = BACKGROUNDS[int(u[7] * len(BACKGROUNDS))]
    hue = rng.random((3, 3))
    value = 0.06 + 0.5 * u[8] ** 1.3
    grey = np.clip(value * (0.75 + 0.5 * hue), 0.01, 0.9)
    mix = 0.25 + 0.6 * u[9]
    colours = tuple(_rgb(mix * g + (1 - mix) * value * (0.8 + 0.4 * hue[k, 0])) for k, g in enumerate(grey))
    background = {"kind": kind, "colours": colours, "seed": int(rng.integers(2**31))}
    head = 0.415 + 0.085 * u[10]
    camera = {"head": round(float(head), 4), "x": round(float(0.5 + 0.03 * (u[11] - .5)), 4),
              "y": round(float(0.465 + 0.04 * (u[12] - .5)), 4), "distance_m": round(float(0.75 + 0.9 * u[13]), 4),
              "yaw": round(float(np.clip(rng.normal(0, 4), -9, 9)), 3),
              "pitch": round(float(np.clip(rng.normal(0, 3), -7, 7)), 3),
              "roll": round(float(np.clip(rng.normal(0, 1.5), -4, 4)), 3),
              "blur": round(float(0.25 + 0.45 * u[14]), 4), "noise": round(float(0.5 + 2.0 * u[15] ** 2), 4),
              "vignette": round(float(0.30 * u[16]), 4), "seed": int(rng.integers(2**31))}
    return light, background, camera


def _rgb(x) -> tuple[float, float, float]:
    """A colour rounded to 4 decimals."""
    r, g, b = (round(float(v), 4) for v in np.asarray(x, float))
    return r, g, b


def key(light) -> tuple[np.ndarray, np.ndarray]:
    """Unit vector (3,) towards the key light in the camera's frame, and its linear colour (3,)."""
    a, e = np.deg2rad([light.azimuth, light.elevation])
    direction = np.array([np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)], np.float32)
    return direction, np.array(light.key, np.float32)


def surroundings(light, d: np.ndarray, lamp: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Light that arrives from directions d (D, 3) of the camera's frame.

    light: identity.Light.  lamp: (3,) direction of the key light.  Returns the linear colours (D, 3) of the
    surroundings, and the share of the key light that comes from each direction, (D,), sum 1.
    """
    up = (0.5 + 0.5 * d[:, 1:2])
    env = up * np.array(light.sky) + (1 - up) * np.array(light.ground)
    other = np.array([-lamp[0], 0.25, 0.6])
    other /= np.linalg.norm(other)
    env = env + 3.0 * np.array(light.fill) * np.clip(d @ other, 0, 1)[:, None] ** 3
    weight = np.exp((20 - 14 * light.softness) * (d @ lamp - 1))
    return env.astype(np.float32), (weight / weight.sum()).astype(np.float32)


def background(look, light, size: int) -> np.ndarray:
    """Draw the background, out of focus: (size, size, 3) float32 linear light.

    look: identity.Background.  light: identity.Light.
    """
    import cv2

    rng = np.random.default_rng([look.seed, 9])
    c = np.array(look.colours, np.float32)
    at = (np.arange(size, dtype=np.float32) + 0.5) / size
    x, y = np.meshgrid(at, at)
    out = np.empty((size, size, 3), np.float32)
    out[:] = c[0] * (1 - y[..., None]) + c[1] * y[..., None]
    blur = rng.uniform(0.015, 0.05)
    if look.kind == "wall":
        for _ in range(rng.integers(0, 3)):                                     # a picture, a door frame
            x0, y0, w, h = rng.uniform(-0.1, 0.8), rng.uniform(-0.2, 0.5), rng.uniform(0.15, 0.4), rng.uniform(0.2, 0.7)
            _box(out, x0, y0, w, h, c[2] * rng.uniform(0.4, 1.2))
            _box(out, x0 + .02, y0 + .02, w - .04, h - .04, c[rng.integers(2)] * rng.uniform(0.6, 1.4))
        blur *= 0.5
    elif look.kind == "gradient":
        r = np.hypot(x - rng.uniform(.3, .7), y - rng.uniform(.3, .6))
        out[:] = c[0] * 1.25 + (c[1] * 0.55 - c[0] * 1.25) * np.clip(r / 0.85, 0, 1)[..., None]
    elif look.kind == "room":
        for _ in range(rng.integers(6, 13)):
            _box(out, rng.uniform(-.2, 1), rng.uniform(-.1, .9), rng.uniform(.06, .5), rng.uniform(.05, .5),
                 c[rng.integers(3)] * rng.uniform(0.3, 1.7))
    elif look.kind == "bokeh":
        out *= 0.35
        for _ in range(rng.integers(14, 34)):
            k = int(size * rng.uniform(0.015, 0.06))
            glow = np.zeros_like(out)
            cv2.circle(glow, (int(rng.integers(size)), int(rng.integers(size))), k,
                       [float(v) for v in (c[rng.integers(3)] + 0.15) * rng.uniform(0.5, 1.8)], -1)
            out += glow
        blur = 0.006
    elif look.kind == "window":
        x0 = rng.choice([-0.25, 0.65])
        _box(out, x0, -0.1, 0.55, 0.8, np.array([.9, .95, 1.0]) * rng.uniform(0.5, 0.9))
        for bar in (0.26, 0.0):
            _box(out, x0 + bar, -0.1, 0.03, 0.8, c[1] * 0.6)
        _box(out, x0, 0.3, 0.55, 0.025, c[1] * 0.6)
        blur *= 0.6
    else:
        sky = np.array([.55, .68, .85]) * rng.uniform(.45, 1.0)
        ground = np.array([[.16, .24, .08], [.30, .26, .20], [.22, .30, .14]])[rng.integers(3)] * rng.uniform(.6, 1.2)
        horizon = rng.uniform(0.25, 0.6)
        edge = horizon + 0.07 * _fog(rng, size, 0.08)[size // 2][None]
        mask = np.clip((y - edge) / 0.02 + 0.5, 0, 1)[..., None]
        out[:] = sky * (1 - mask) + ground * mask * (1 + 0.35 * _fog(rng, size, 0.03)[..., None])
    out *= (1 + 0.06 * _fog(rng, size, 0.12) + 0.03 * _fog(rng, size, 0.02))[..., None]
    out *= (1 + 0.22 * np.sin(np.deg2rad(light.azimuth)) * (2 * x - 1))[..., None]      # brighter on the key's side
    out = cv2.GaussianBlur(np.maximum(out, 0.004), (0, 0), blur * size, borderType=cv2.BORDER_REFLECT)
    return np.ascontiguousarray(out, np.float32)


def _box(out, x, y, w, h, colour) -> None:
    """Fill a rectangle of a square picture in place; x, y, w, h are shares of its side."""
    n = len(out)
    x0, y0, x1, y1 = (int(np.clip(v, 0, 1) * n) for v in (x, y, x + w, y + h))
    out[y0:y1, x0:x1] = colour


def _fog(rng, size: int, radius: float) -> np.ndarray:
    """Smooth noise: (size, size), mean 0, standard deviation 1. radius: width of its spots as a share of the side."""
    import cv2

    step = max(1, int(radius * size / 3))
    n = size // step + 3
    small = cv2.GaussianBlur(rng.standard_normal((n, n), np.float32), (0, 0), max(radius * size / step, 0.6))
    out = cv2.resize(small, (size, size), interpolation=cv2.INTER_CUBIC)
    return (out - out.mean()) / (out.std() + 1e-6)


def film(camera, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Grain (size, size, 3) in 8-bit levels, and vignette (size, size), a factor on the light; both float32.

    camera: identity.Camera.
    """
    rng = np.random.default_rng([camera.seed, 2])
    grain = rng.normal(0, camera.noise, (size, size, 3)).astype(np.float32)
    at = (np.arange(size) + 0.5) / size * 2 - 1
    r2 = at[:, None] ** 2 + at[None] ** 2
    return grain, (1 - camera.vignette * r2 / 2).astype(np.float32)


def curve(light) -> np.ndarray:
    """Tone curve of the film: (4096,) float32, the 8-bit value of linear light 0..1.5.

    It has a shoulder, so that highlights keep their colour.  light: identity.Light, whose contrast is used.
    """
    x = np.linspace(0, 1.5, 4096)
    knee = 0.62
    x = np.where(x < knee, x, knee + (1 - knee) * (1 - np.exp(-(x - knee) / (1 - knee))))
    s = np.where(x <= 0.0031308, 12.92 * x, 1.055 * np.maximum(x, 1e-6) ** (1 / 2.4) - 0.055)
    bent = s * s * (3 - 2 * s)
    return (255 * ((1 - 0.35 * light.contrast) * s + 0.35 * light.contrast * bent)).astype(np.float32)


def room(light) -> np.ndarray:
    """Linear colour (3,) of the light that falls into an open mouth: a mean of the surroundings and a part of the key.
    """
    return np.array(0.55 * np.array(light.sky) + 0.35 * np.array(light.ground) + 0.3 * np.array(light.fill)
                    + 0.35 * np.array(light.key) * max(np.cos(np.deg2rad(light.azimuth)), 0.3), np.float32)
