"""tfg.media.colour: wide and bright films and photos with a profile look like the scene they show."""
from __future__ import annotations

import io
import struct
import warnings
from fractions import Fraction

import av
import numpy as np
import pytest

from tfg.media import colour
from tfg.media.colour import HLG, PQ, nits_of, pq_of, to_srgb
from tfg.media.video import FrameReader, read_image

Image = pytest.importorskip("PIL.Image")


def scene() -> np.ndarray:
    """(64, 96, 3) uint8 sRGB: skin, greys, colours of medium brightness."""
    colours = [(224, 172, 105), (141, 85, 36), (90, 90, 90), (170, 60, 60), (60, 120, 70), (40, 60, 140), (20, 20, 20),
               (120, 110, 100), (60, 40, 30), (160, 120, 90), (100, 140, 160), (150, 150, 40)]
    return np.repeat(np.repeat(np.array(colours, np.uint8).reshape(3, 4, 3), 21, 0), 24, 1)[:62].copy()


def light(srgb: np.ndarray) -> np.ndarray:
    v = srgb / 255
    return np.where(v <= .04045, v / 12.92, ((v + .055) / 1.055) ** 2.4)


def hlg_of(scene_light: np.ndarray) -> np.ndarray:
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    bright = a * np.log(np.maximum(12 * scene_light - b, 1e-9)) + c
    return np.where(scene_light <= 1 / 12, np.sqrt(3 * scene_light), bright)


# published in ITU-R BT.2087, from BT.709 to BT.2020
TO_2020 = np.array([[.6274, .3293, .0433], [.0691, .9195, .0114], [.0164, .0880, .8956]])


def signal(srgb: np.ndarray, transfer: int, primaries: int) -> np.ndarray:
    """The scene as a film stores it, white at 203 cd/m2 in bright ones: (H, W, 3) in [0, 1]."""
    y = light(srgb)
    y = y @ TO_2020.T if primaries == 9 else y
    if transfer == PQ:
        return pq_of(y * 203)
    if transfer == HLG:
        nits = y * 203
        luminance = nits @ [.2627, .6780, .0593]
        return hlg_of(nits / 1000 * (np.maximum(luminance, 1e-6) / 1000)[..., None] ** (1 / 1.2 - 1))
    return np.where(y <= .0031308, y * 12.92, 1.055 * np.maximum(y, 1e-9) ** (1 / 2.4) - .055)


@pytest.mark.parametrize("transfer,primaries", [(PQ, 9), (HLG, 9), (1, 9), (PQ, 1)])
def test_a_film_shows_the_scene(tmp_path, transfer, primaries):
    stored = np.round(signal(scene(), transfer, primaries) * 65535).astype(np.uint16)
    with av.open(str(tmp_path / "a.mp4"), "w") as out:
        stream = out.add_stream("libx265", rate=25)
        stream.height, stream.width, stream.pix_fmt = *stored.shape[:2], "yuv420p10le"
        stream.options = {"x265-params": "log-level=error:qp=4"}
        context = stream.codec_context
        context.color_trc, context.color_primaries, context.colorspace, context.color_range = transfer, primaries, 9, 1
        for k in range(3):
            frame = av.VideoFrame.from_ndarray(stored, format="rgb48le")
            frame = frame.reformat(format="yuv420p10le", dst_colorspace=9, dst_color_range=1, threads=1)
            frame.color_trc, frame.color_primaries, frame.colorspace, frame.color_range = transfer, primaries, 9, 1
            frame.pts, frame.time_base = k, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    seen = FrameReader(tmp_path / "a.mp4")[1].astype(int)
    middles = np.ix_([10, 31, 52], [12, 36, 60, 84])                      # chroma is halved at the colours' edges
    away = np.abs(seen - scene())[middles]
    # Above a third of white the curve makes room for brighter light: the palest skin loses some.
    assert np.median(away) <= 1 and away.max() <= (10 if transfer in (PQ, HLG) else 2)
    assert abs(seen.std() - scene().std()) < 3                                                  # not grey


def test_bright_light_keeps_its_order():
    nits = np.geomspace(.1, 10_000, 400)
    grey = np.round(pq_of(nits) * 65535).astype(np.uint16)[None, :, None].repeat(3, 2)
    out = to_srgb(grey, PQ, 1)[0, :, 0].astype(int)
    assert (np.diff(out) >= 0).all() and out[-1] == 255 and out[nits > 1000].min() >= 253
    assert 190 < out[np.abs(nits - 203).argmin()] < 245  # white paper stays bright
    np.testing.assert_allclose(nits_of(pq_of(nits)), nits, rtol=1e-9)
    assert pq_of(100.0) == pytest.approx(.5081, abs=1e-4)                                      # as published


def test_primaries_agree_with_the_published_matrix():
    np.testing.assert_allclose(np.linalg.inv(colour._to_709(9)), TO_2020, atol=2e-4)


# ---- photos with a profile ----
def s15(*values) -> bytes:
    return b"".join(struct.pack(">i", round(v * 65536)) for v in values)


def icc(kind: bytes, tags: dict[bytes, bytes]) -> bytes:
    """An ICC file of version 2.  kind: class, space of the colours, space between profiles: 12 bytes."""
    tags = {b"desc": b"desc" + bytes(4) + struct.pack(">I", 5) + b"test\0" + bytes(78),
            b"cprt": b"text" + bytes(4) + b"-\0", b"wtpt": b"XYZ " + bytes(4) + s15(.9642, 1, .8249), **tags}
    at, table, body = 132 + 12 * len(tags), b"", b""
    for name, data in tags.items():
        data += bytes(-len(data) % 4)
        table += name + struct.pack(">II", at + len(body), len(data))
        body += data
    head = struct.pack(">I", at + len(body)) + bytes(4) + b"\x02\x10\0\0" + kind + bytes(12) + b"acsp" + bytes(28) + \
        s15(.9642, 1, .8249)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def wide_profile() -> bytes:
    """RGB with wide primaries, of ProPhoto's kind, and gamma 2.2."""
    tags = {name: b"XYZ " + bytes(4) + s15(*xyz) for name, xyz in
            ((b"rXYZ", (.7977, .2880, 0)), (b"gXYZ", (.1352, .7119, 0)), (b"bXYZ", (.0313, .0001, .8249)))}
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(2.2 * 256)) + bytes(2)
    return icc(b"mntrRGB XYZ ", tags | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve))


PRESS_CYAN = (55, -37, -50)
"""L, a, b of cyan ink on paper; on a screen, cyan is far brighter."""


def press_profile() -> bytes:
    """CMYK of a press, as a table of the 16 mixtures of full inks."""
    ramp, table = bytes(range(256)), b""
    for mix in range(16):                                     # cyan is the slowest index
        cyan, magenta, yellow, black = ((mix >> k) & 1 for k in (3, 2, 1, 0))
        lightness = 95 - 40 * cyan - 35 * magenta - 6 * yellow - 80 * black
        a, b = -37 * cyan + 74 * magenta - 5 * yellow, -50 * cyan - 3 * magenta + 93 * yellow
        table += bytes([max(0, round(lightness * 2.55)), int(np.clip(a + 128, 0, 255)), int(np.clip(b + 128, 0, 255))])
    lut = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + s15(1, 0, 0, 0, 1, 0, 0, 0, 1) + 4 * ramp + table + 3 * ramp
    return icc(b"prtrCMYKLab ", {b"A2B0": lut, b"A2B1": lut})


def in_wide(srgb: np.ndarray) -> np.ndarray:
    """sRGB colours as that profile writes them, by LittleCMS the other way round."""
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(io.BytesIO(wide_profile()))
    return np.asarray(ImageCms.profileToProfile(Image.fromarray(srgb), ImageCms.createProfile("sRGB"), profile))


@pytest.mark.parametrize("suffix", ["png", "jpg", "tiff", "webp"])
def test_photos_are_converted_by_their_profile(tmp_path, suffix):
    how = {"jpg": dict(quality=98, subsampling=0), "webp": dict(lossless=True)}.get(suffix, {})
    wide = Image.fromarray(in_wide(scene()))
    path = tmp_path / f"a.{suffix}"
    wide.save(path, icc_profile=wide_profile(), **how)
    assert np.abs(in_wide(scene()).astype(int) - scene()).mean() > 8  # it matters
    assert np.abs(read_image(path).astype(int) - scene()).mean() < 2.5
    with_alpha = wide.copy()
    with_alpha.putalpha(255)
    if suffix != "jpg":
        with_alpha.save(path, icc_profile=wide_profile(), **how)
        assert np.abs(read_image(path).astype(int) - scene()).mean() < 2.5


def test_srgb_and_no_profile_change_nothing(tmp_path):
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(scene()).save(tmp_path / "a.png", icc_profile=profile)
    assert np.array_equal(read_image(tmp_path / "a.png"), scene())


def test_a_profile_that_cannot_be_used_is_noted(tmp_path):
    grey_in_cmyk = Image.fromarray(scene()).convert("CMYK")
    for name, image, profile in (("a.png", Image.fromarray(scene()), b"no profile at all"),
                                 ("b.jpg", Image.fromarray(scene()), wide_profile()[:200])):
        image.save(tmp_path / name, icc_profile=profile)
        with pytest.warns(UserWarning, match=f"colour profile of {name} cannot be used.*sRGB"):
            out = read_image(tmp_path / name)
        assert np.abs(out.astype(int) - scene()).mean() < 8
    grey_in_cmyk.save(tmp_path / "c.jpg", icc_profile=wide_profile(), quality=98)              # a profile of RGB
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_image(tmp_path / "c.jpg").shape == scene().shape


@pytest.mark.parametrize("suffix", ["jpg", "tiff"])
def test_press_colours_go_through_their_profile(tmp_path, suffix):
    from skimage.color import lab2rgb

    path = tmp_path / f"press.{suffix}"
    Image.new("CMYK", (32, 32), (255, 0, 0, 0)).save(path, icc_profile=press_profile())
    wanted = np.round(lab2rgb(np.array(PRESS_CYAN, float)) * 255)
    read = read_image(path)[16, 16].astype(int)
    assert np.abs(read - wanted).max() < 12 and read[1] < 180                 # without the profile it is 0, 255, 255
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_image(path).shape == (32, 32, 3)


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_a_bright_heic_photo_shows_the_scene(tmp_path, transfer):
    pillow_heif = pytest.importorskip("pillow_heif")
    stored = np.round(signal(scene(), transfer, 9) * 255).astype(np.uint8)
    pillow_heif.from_pillow(Image.fromarray(stored)).save(
        tmp_path / "a.heic", quality=98, chroma=444, color_primaries=9, transfer_characteristics=transfer,
        matrix_coefficients=9, full_range_flag=1)
    seen = read_image(tmp_path / "a.heic")
    middles = np.ix_([10, 31, 52], [12, 36, 60, 84])
    away = np.abs(seen.astype(int) - scene())[middles]
    assert np.median(away) <= 4 and away.max() <= 14                          # 8 bits hold this curve coarsely
