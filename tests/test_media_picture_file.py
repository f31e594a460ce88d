"""tfg.media.picture_file, image and animation: each picture file is read by the reader that knows it, as what it is."""
from __future__ import annotations

import io
import struct
import zlib
from fractions import Fraction

import av
import numpy as np
import pytest

from tfg.errors import InputError
from tfg.media.picture_file import photo_pages, picture_kind, still_container
from tfg.media.video import FrameReader, is_image, is_video, probe, read_image

Image = pytest.importorskip("PIL.Image")
TILE = 64


def box(name: bytes, *parts: bytes, full: int | None = None) -> bytes:
    """A box of an ISO file; full: the version of a full box."""
    body = b"".join(parts)
    head = b"" if full is None else struct.pack(">I", full << 24)
    return struct.pack(">I4s", 8 + len(head) + len(body), name) + head + body


def hevc_picture(tile: np.ndarray) -> tuple[bytes, bytes]:
    """The decoder's settings (hvcC, ISO 14496-15) and the data of a picture, HEVC."""
    coder = av.CodecContext.create("libx265", "w")
    coder.width, coder.height, coder.pix_fmt, coder.time_base = tile.shape[1], tile.shape[0], "yuv420p", Fraction(1, 1)
    coder.options = {"x265-params": "log-level=error:info=0:qp=8:repeat-headers=1"}
    frame = av.VideoFrame.from_ndarray(tile, format="rgb24").reformat(format="yuv420p", threads=1)
    stream = b"".join(bytes(packet) for packet in coder.encode(frame) + coder.encode(None))
    units = [unit.rstrip(b"\0") for unit in stream.split(b"\0\0\1") if unit.rstrip(b"\0")]
    kinds = {unit[0] >> 1 & 63: unit for unit in units}
    sets = [kinds[kind] for kind in (32, 33, 34)]                             # VPS, SPS, PPS
    profile = sets[1].replace(b"\0\0\3", b"\0\0")[3:15]
    settings = b"\1" + profile + b"\xf0\0\xfc\xfd\xf8\xf8\0\0\x0f" + bytes([len(sets)])
    for kind, unit in zip((32, 33, 34), sets):
        settings += struct.pack(">BHH", 0x80 | kind, 1, len(unit)) + unit
    return settings, b"".join(struct.pack(">I", len(u)) + u for u in units if u[0] >> 1 & 63 < 32)


def heic_of_tiles(picture: np.ndarray, quarter_turns: int = 0) -> bytes:
    """A HEIC as phones write it: a grid of tiles, turned counterclockwise on display.  picture: (H, W, 3)."""
    rows, columns = picture.shape[0] // TILE, picture.shape[1] // TILE
    tiles = [hevc_picture(np.ascontiguousarray(picture[r * TILE:(r + 1) * TILE, c * TILE:(c + 1) * TILE]))
             for r in range(rows) for c in range(columns)]
    grid = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, columns * TILE, rows * TILE)
    data, n = [grid, *(d for _, d in tiles)], len(tiles) + 1

    def infe(number: int, kind: bytes) -> bytes:
        hidden = int(number > 1)
        return box(b"infe", struct.pack(">HH4sB", number, 0, kind, 0), full=2).replace(
            b"infe\x02\x00\x00\x00", b"infe\x02\x00\x00" + bytes([hidden]))

    properties = box(b"ipco", box(b"hvcC", tiles[0][0]), box(b"ispe", struct.pack(">II", TILE, TILE), full=0),
                     box(b"ispe", struct.pack(">II", columns * TILE, rows * TILE), full=0),
                     box(b"irot", bytes([quarter_turns])))
    uses = [struct.pack(">HB", 1, 2) + bytes([3, 4 | 0x80])]
    uses += [struct.pack(">HB", k, 2) + bytes([1 | 0x80, 2]) for k in range(2, n + 1)]

    def meta(at: int) -> bytes:
        places = []
        for k, piece in enumerate(data, 1):
            places.append(struct.pack(">HHHII", k, 0, 1, at, len(piece)))
            at += len(piece)
        return box(b"meta", box(b"hdlr", b"\0\0\0\0pict" + bytes(13), full=0), box(b"pitm", b"\0\1", full=0),
                   box(b"iloc", b"\x44\x00", struct.pack(">H", n), *places, full=0),
                   box(b"iinf", struct.pack(">H", n), infe(1, b"grid"), *(infe(k, b"hvc1") for k in range(2, n + 1)),
                       full=0),
                   box(b"iref", box(b"dimg", struct.pack(f">HH{n - 1}H", 1, n - 1, *range(2, n + 1))), full=0),
                   box(b"iprp", properties, box(b"ipma", struct.pack(">I", n), *uses, full=0)), full=0)

    head = box(b"ftyp", b"heic", bytes(4), b"mif1", b"heic")
    return head + meta(len(head) + len(meta(0)) + 8) + box(b"mdat", *data)


def quadrants(h: int = 2 * TILE, w: int = 2 * TILE) -> np.ndarray:
    picture = np.zeros((h, w, 3), np.uint8)
    picture[:h // 2, :w // 2], picture[:h // 2, w // 2:] = (200, 40, 40), (40, 180, 40)
    picture[h // 2:, :w // 2], picture[h // 2:, w // 2:] = (40, 40, 200), (220, 220, 60)
    return picture


# ---- HEIC ----
@pytest.mark.parametrize("turns", [0, 1, 3])
def test_heic_is_read_whole_and_turned(tmp_path, turns):
    picture = quadrants(4 * TILE, 2 * TILE)
    (tmp_path / "phone.heic").write_bytes(heic_of_tiles(picture, turns))
    (tmp_path / "phone.jpg").write_bytes((tmp_path / "phone.heic").read_bytes())       # the name does not matter
    for name in ("phone.heic", "phone.jpg"):
        read = read_image(tmp_path / name)
        assert read.shape == np.rot90(picture, turns).shape
        assert np.abs(read.astype(int) - np.rot90(picture, turns)).mean() < 5
        assert is_image(tmp_path / name) and not is_video(tmp_path / name)
        with pytest.raises(InputError, match="still picture"):
            FrameReader(tmp_path / name)


def test_a_picture_that_pillow_cannot_read_is_never_a_film(tmp_path, monkeypatch):
    """As without the plugin: FFmpeg opens HEIC and AVIF as a film of one tile."""
    from tfg.media import picture_file

    path = tmp_path / "phone.heic"
    path.write_bytes(heic_of_tiles(quadrants()))
    with av.open(str(path)) as container:
        assert container.streams.video                         # it would
    refuse = lambda *a, **k: (_ for _ in ()).throw(OSError("no plugin"))
    monkeypatch.setattr(picture_file, "_opened", refuse)
    assert still_container(path) and not is_video(path)
    with pytest.raises(InputError, match="still picture"):
        FrameReader(path)
    with pytest.raises(InputError, match="HEIC, AVIF or akin.*save it as JPEG or PNG") as caught:
        read_image(path)
    assert "\n" not in str(caught.value)


def test_films_are_no_still_containers(tmp_path):
    from conftest import numbered
    from tfg.media.video import write_video

    path = write_video(tmp_path / "a.mp4", numbered(3))
    assert not still_container(path) and picture_kind(path) is None and is_video(path)
    (tmp_path / "short.heic").write_bytes(b"\0\0\0\x18ftypheic")
    (tmp_path / "endless.heic").write_bytes(box(b"ftyp", b"heic") + b"\0\0\0\0free")
    for name in ("short.heic", "endless.heic", "missing.heic"):
        assert not still_container(tmp_path / name) and not is_video(tmp_path / name)


# ---- PNG with long texts, TIFF with pages, layers ----
@pytest.mark.parametrize("after", [False, True])
def test_png_with_megabytes_of_text(tmp_path, after):
    """What image generators write: the prompt and the whole graph of nodes, compressed; before or after the pixels."""
    memory = io.BytesIO()
    Image.fromarray(quadrants()).save(memory, "PNG")
    png = memory.getvalue()
    text = b"zTXt" + b"workflow\0\0" + zlib.compress(b"node " * 500_000)
    chunk = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
    at = png.index(b"IEND") - 4 if after else 33
    path = tmp_path / "generated.png"
    path.write_bytes(png[:at] + chunk + png[at:])
    with pytest.raises(ValueError, match="too large"):
        Image.open(path).load()
    assert np.array_equal(read_image(path), quadrants()) and is_image(path)


def tiff(path, pages, marks):
    from PIL import TiffImagePlugin

    images = [Image.fromarray(page) for page in pages]
    for image, mark in zip(images, marks):
        image.encoderinfo = {}
        info = TiffImagePlugin.ImageFileDirectory_v2()
        if mark:
            info[254] = mark
        image.encoderinfo["tiffinfo"] = info
    first = images[0].encoderinfo["tiffinfo"]
    images[0].save(path, save_all=True, append_images=images[1:], tiffinfo=first)
    return path


def test_tiff_thumbnails_are_no_animation(tmp_path):
    photo, small = quadrants(), np.full((24, 24, 3), 7, np.uint8)
    unmarked = tiff(tmp_path / "a.tiff", [photo, small], [0, 0])
    first = tiff(tmp_path / "b.tiff", [small, photo], [0, 0])
    marked = tiff(tmp_path / "c.tiff", [photo[::-1], photo], [1, 0])
    for path in (unmarked, first, marked):
        assert np.array_equal(read_image(path), photo), path.name
        assert is_image(path) and not is_video(path)
    two = tiff(tmp_path / "d.tiff", [photo, photo[::-1]], [0, 0])
    with Image.open(two) as image:
        assert photo_pages(image) == [0, 1]
    with pytest.raises(InputError, match="document of 2 pages; save the one"):
        read_image(two)


@pytest.mark.parametrize("tags", [{254: 1, 330: 8}, {50706: b"\1\4\0\0"}])
def test_a_raw_file_is_not_taken_for_its_thumbnail(tmp_path, tags):
    from PIL import TiffImagePlugin

    info = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, value in tags.items():
        info[tag] = value
        info.tagtype[tag] = 1 if isinstance(value, bytes) else 4
    Image.fromarray(quadrants()).save(tmp_path / "photo.dng", "TIFF", tiffinfo=info)
    with pytest.raises(InputError, match="camera's raw file; export"):
        read_image(tmp_path / "photo.dng")
    assert not is_video(tmp_path / "photo.dng")


# ---- animations ----
@pytest.mark.parametrize("suffix", ["gif", "png", "webp", "avif"])
def test_animations_are_films_to_every_command(tmp_path, suffix):
    frames = [Image.fromarray(np.full((48, 64, 3), 20 * k + 20, np.uint8)) for k in range(10)]
    path = tmp_path / f"a.{suffix}"
    try:
        frames[0].save(path, save_all=True, append_images=frames[1:], duration=[80] * 5 + [160] * 5)
    except (KeyError, OSError):
        pytest.skip(f"this Pillow does not write {suffix}")
    assert is_video(path) and not is_image(path) and picture_kind(path) == "animation"
    reader = FrameReader(path)
    levels = np.round([(frame.mean() - 20) / 20 for frame in reader]).astype(int)
    assert levels.tolist() == np.repeat(range(10), [2] * 5 + [4] * 5).tolist()
    assert np.array_equal(reader[21], list(reader)[21]) and probe(path)["duration_s"] == pytest.approx(1.2)
    own = FrameReader(path, fps=None)
    np.testing.assert_allclose(own.source_times, np.cumsum([0] + [.08] * 5 + [.16] * 4), atol=1e-6)
    with pytest.raises(InputError, match="animation of 10 frames"):
        read_image(path)


def test_frames_without_a_time_last_as_in_browsers(tmp_path):
    frames = [Image.fromarray(np.full((48, 64, 3), 60 * k, np.uint8)) for k in range(3)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=0)
    assert FrameReader(tmp_path / "a.gif").duration_s == pytest.approx(.3, abs=.05)
