"""Conversion of the colours of films and photos to sRGB, which screens, networks and the rest of tfg expect.

High dynamic range of films (PQ and HLG, ITU-R BT.2100) is tone-mapped by the curve of ITU-R BT.2390, section 5.4, and
wide primaries (BT.2020, Display P3) are converted to those of BT.709. Photos are converted by their ICC profile with
LittleCMS.
"""
from __future__ import annotations

import io
import warnings
from functools import lru_cache

import numpy as np

# code points of ITU-T H.273, as in films and HEIC photos
PQ, HLG = 16, 18
WIDE_PRIMARIES = {
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),      # BT.2020
    11: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),     # DCI P3; its greenish white counts as D65
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),     # Display P3
}
"""H.273 number -> chromaticities x, y of red, green and blue. White is D65 (also for 11, as in players)."""
BT709 = ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060))
D65 = (0.3127, 0.3290)
PEAK_NITS = 1000.0
"""Brightest light of a high-dynamic-range film in cd/m2: that of BT.2100's nominal display, for all films."""
WHITE_NITS = 203.0
"""Light of white paper in such a film in cd/m2 (ITU-R BT.2408), which becomes sRGB's white."""
LEVELS = 65535


def is_plain(transfer: int, primaries: int) -> bool:
    """True if a film's colours need no conversion.  transfer, primaries: H.273 numbers."""
    return transfer not in (PQ, HLG) and primaries not in WIDE_PRIMARIES


def to_srgb(rgb: np.ndarray, transfer: int, primaries: int) -> np.ndarray:
    """Convert the colours of a film to sRGB: (H, W, 3) uint8.

    rgb: (H, W, 3) uint16, full range.  transfer, primaries: H.273 numbers; transfers other than PQ and HLG are treated
    as sRGB's own curve.
    """
    light = _linear(transfer)[rgb]                            # (H, W, 3) float32, 1 is sRGB's white
    if transfer == HLG:                                       # the display's gamma acts on luminance (BT.2100, table 5)
        luminance = light @ np.array([0.2627, 0.6780, 0.0593], np.float32)
        light *= (np.maximum(luminance, 1e-6) ** np.float32(0.2))[..., None] * np.float32(PEAK_NITS / WHITE_NITS)
    if transfer in (PQ, HLG):
        brightest = light.max(2)
        steps = np.minimum(np.sqrt(brightest / (10000 / WHITE_NITS)) * LEVELS, LEVELS).astype(np.uint16)
        light *= _gain()[steps][..., None]
    if primaries in WIDE_PRIMARIES:
        light = light @ _to_709(primaries).T
    return _code()[np.clip(np.sqrt(np.clip(light, 0, 1)) * LEVELS + 0.5, 0, LEVELS).astype(np.uint16)]


def pq_of(nits):
    """PQ signal in [0, 1] of light in cd/m2 (SMPTE ST 2084)."""
    y = (np.clip(nits, 0, 10000) / 10000) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * y) / (1 + 18.6875 * y)) ** 78.84375


def nits_of(signal):
    """Light in cd/m2 of a PQ signal in [0, 1] (SMPTE ST 2084)."""
    p = np.asarray(signal) ** (1 / 78.84375)
    return 10000 * (np.maximum(p - 0.8359375, 0) / (18.8515625 - 18.6875 * p)) ** (1 / 0.1593017578125)


def _srgb_light(signal):
    """Linear light in [0, 1] of an sRGB signal in [0, 1]."""
    return np.where(signal <= 0.04045, signal / 12.92, ((signal + 0.055) / 1.055) ** 2.4)


def _srgb_signal(light):
    """sRGB signal in [0, 1] of linear light in [0, 1]."""
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055)


@lru_cache(maxsize=4)
def _linear(transfer: int) -> np.ndarray:
    """Light of each 16-bit value: (65536,) float32. For HLG it is the scene's, 0 to 1; otherwise 1 is sRGB's white."""
    signal = np.arange(LEVELS + 1) / LEVELS
    if transfer == PQ:
        light = nits_of(signal) / WHITE_NITS
    elif transfer == HLG:
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        light = np.where(signal <= 0.5, signal ** 2 / 3, (np.exp((signal - c) / a) + b) / 12)
    else:
        light = _srgb_light(signal)
    return light.astype(np.float32)


@lru_cache(maxsize=1)
def _gain() -> np.ndarray:
    """Factor on light so that PEAK_NITS becomes white: (65536,) float32, indexed by the square root of the brightest
    channel, 65535 at 10000 cd/m2. Above a knee it follows BT.2390's Hermite spline in PQ; below it is 1."""
    nits = (np.arange(LEVELS + 1) / LEVELS) ** 2 * 10000
    top, target = pq_of(PEAK_NITS), pq_of(WHITE_NITS) / pq_of(PEAK_NITS)
    e = np.minimum(pq_of(nits) / top, 1)
    knee = 1.5 * target - 0.5
    t = np.clip((e - knee) / (1 - knee), 0, 1)
    spline = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (3 * t**2 - 2 * t**3) * target
    mapped = nits_of(np.where(e < knee, e, spline) * top)
    return np.where(nits > 0, mapped / np.maximum(nits, 1e-12), 1).astype(np.float32)


@lru_cache(maxsize=1)
def _code() -> np.ndarray:
    """sRGB value of light: (65536,) uint8, indexed by the square root of light, so that shadows have enough steps."""
    return np.round(255 * _srgb_signal((np.arange(LEVELS + 1) / LEVELS) ** 2)).astype(np.uint8)


def _to_xyz(primaries) -> np.ndarray:
    """Matrix (3, 3) from linear RGB of those primaries to CIE XYZ; white is D65 with Y = 1."""
    xyz = np.array([[x / y, 1, (1 - x - y) / y] for x, y in (*primaries, D65)]).T
    return xyz[:, :3] * np.linalg.solve(xyz[:, :3], xyz[:, 3])


@lru_cache(maxsize=4)
def _to_709(primaries: int) -> np.ndarray:
    """Matrix (3, 3) float32 from linear RGB of those primaries (H.273 number) to linear RGB of BT.709."""
    return np.linalg.solve(_to_xyz(BT709), _to_xyz(WIDE_PRIMARIES[primaries])).astype(np.float32)


# ---- photos ---------------------------------------------------------------------------------------------------------
def by_profile(image, name: str):
    """Convert a Pillow image (mode RGB, L or CMYK) by its ICC profile to sRGB, mode RGB.

    An image without a profile, or in sRGB, is returned as it is.  name: its name in warnings.  A UserWarning is given
    for a profile that cannot be used.
    """
    from PIL import ImageCms

    data = image.info.get("icc_profile")
    if not data:
        return image
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
        space = profile.profile.xcolor_space.strip()
        if space == "RGB":
            if ImageCms.getProfileDescription(profile).strip().lower().startswith("srgb"):
                return image
            image = image.convert("RGB")                      # a grey picture may carry a colour profile
        elif space == "GRAY":
            image = image.convert("L")
        elif space != "CMYK":
            raise ImageCms.PyCMSError(f"it is for {space} pictures")
        # relative colorimetric with black point compensation, as in browsers and photo editors
        return ImageCms.profileToProfile(image, profile, _srgb_profile(), outputMode="RGB",
                                         renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
                                         flags=ImageCms.Flags.BLACKPOINTCOMPENSATION)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        warnings.warn(f"the colour profile of {name} cannot be used ({str(error).strip() or 'damaged'}); its colours "
                      "are taken as sRGB and may look wrong", UserWarning, stacklevel=2)
        return image


@lru_cache(maxsize=1)
def _srgb_profile():
    """The ICC profile of sRGB."""
    from PIL import ImageCms

    return ImageCms.createProfile("sRGB")
