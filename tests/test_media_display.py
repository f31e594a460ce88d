"""tfg.media.display and film_index: films are read as players show them, whole and in the right shape."""
from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest

from conftest import number, numbered, tone
from tfg.errors import InputError
from tfg.media.audio import load_audio
from tfg.media.display import square_size
from tfg.media.video import FrameReader, probe, write_video

TURNS = [(1, 0, 0, 1), (-1, 0, 0, 1), (1, 0, 0, -1), (-1, 0, 0, -1), (0, 1, 1, 0), (0, 1, -1, 0), (0, -1, 1, 0),
         (0, -1, -1, 0)]


def corners(h: int = 48, w: int = 80) -> np.ndarray:
    """A picture whose four corners differ."""
    y, x = np.mgrid[:h, :w]
    return np.stack([x * 255 // (w - 1), y * 255 // (h - 1), np.full((h, w), 90)], -1).astype(np.uint8)


def shown(picture: np.ndarray, a: int, b: int, c: int, d: int) -> np.ndarray:
    """Pixel (x, y) goes to (a x + c y, b x + d y): the display matrix by its definition (ISO/IEC 14496-12)."""
    y, x = np.mgrid[:picture.shape[0], :picture.shape[1]]
    to_x, to_y = a * x + c * y, b * x + d * y
    to_x, to_y = to_x - to_x.min(), to_y - to_y.min()
    out = np.zeros((to_y.max() + 1, to_x.max() + 1, 3), np.uint8)
    out[to_y, to_x] = picture
    return out


@pytest.mark.parametrize("matrix", TURNS)
def test_the_display_matrix_is_followed_mirrored_ones_too(tmp_path, matrix):
    path = write_video(tmp_path / "a.mp4", [corners()] * 4, crf=5)
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 44
    values = np.zeros((3, 3), np.int64)
    values[:2, :2], values[2, 2] = np.array(matrix).reshape(2, 2) * 65536, 1 << 30
    data[at:at + 36] = values.astype(">i4").tobytes()
    path.write_bytes(data)
    reader, want = FrameReader(path), shown(corners(), *matrix)
    assert (reader.height, reader.width) == want.shape[:2] and reader[1].flags.c_contiguous
    assert np.abs(reader[1].astype(int) - want).mean() < 4
    turned = probe(path)["rotation"]
    mirrored = corners()[:, ::-1] if np.linalg.det(np.array(matrix).reshape(2, 2)) < 0 else corners()
    assert np.array_equal(np.rot90(mirrored, turned // 90), want)


def write_pixels(path, frames, aspect):
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = *frames[0].shape[:2], "yuv420p"
        stream.codec_context.sample_aspect_ratio = aspect
        for k, array in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(array, format="rgb24")
            picture.pts, picture.time_base = k, Fraction(1, 25)
            out.mux(stream.encode(picture))
        out.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("aspect,size", [(Fraction(4, 3), (96, 128)), (Fraction(1, 2), (192, 96)),
                                         (Fraction(1), (96, 96)), (Fraction(900), (96, 96))])
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_pixels_become_square(tmp_path, aspect, size, suffix):
    y, x = np.mgrid[:96, :96]
    stored = np.zeros((96, 96, 3), np.uint8)
    round_on_screen = np.array(size)
    stored[((y - 47.5) * size[0] / 96) ** 2 + ((x - 47.5) * size[1] / 96) ** 2 < 30 ** 2] = 220
    reader = FrameReader(write_pixels(tmp_path / f"a.{suffix}", [stored] * 3, aspect))
    assert (reader.height, reader.width) == size
    lit = np.argwhere(reader[1][..., 1] > 110)
    assert np.abs(np.ptp(lit, axis=0) - 59).max() <= 3 and np.abs(lit.mean(0) - (round_on_screen - 1) / 2).max() < 1.5
    assert square_size(96, 96, None) == (96, 96)


def test_a_trimmed_film_is_whole(tmp_path):
    """Cut without encoding: the file keeps all frames back to the key frame, and its edit list hides those before."""
    whole = tmp_path / "whole.mp4"
    write_video(whole, numbered(200), tone(8.0)[0])
    long = tmp_path / "long.mp4"
    with av.open(str(whole)) as source, av.open(str(long), "w") as out:      # one key frame alone, so all is kept
        video, sound = out.add_stream("libx264", rate=25), out.add_stream_from_template(source.streams.audio[0])
        video.height, video.width, video.pix_fmt, video.options = 48, 64, "yuv420p", {"g": "250", "crf": "10"}
        for frame in source.decode(video=0):
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        source.seek(0)
        for packet in source.demux(source.streams.audio[0]):
            if packet.dts is not None:
                packet.stream = sound
                out.mux(packet)
    trimmed = tmp_path / "trimmed.mp4"
    with av.open(str(long)) as source, av.open(str(trimmed), "w") as out:
        copies = {stream: out.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.dts is None or packet.pts * packet.time_base >= 8:
                continue
            stream = packet.stream
            packet.pts -= round(5 / packet.time_base)
            packet.dts -= round(5 / packet.time_base)
            packet.stream = copies[stream]
            out.mux(packet)
    with av.open(str(trimmed)) as container:
        assert container.streams.video[0].frames == 200                     # the header's truth is not the film's
    reader = FrameReader(trimmed)
    assert len(reader) == 75 and [number(f) for f in reader] == list(range(125, 200))
    assert number(reader[40]) == 165 and number(reader[3]) == 128
    assert len(FrameReader(trimmed, fps=None)) == 75
    y, want = load_audio(trimmed), load_audio(whole)[5 * 16000:]
    n = min(len(y), len(want))
    assert abs(len(y) - len(want)) < 2000 and np.corrcoef(y[:n], want[:n])[0, 1] > .98
    cut = tmp_path / "cut.mp4"
    data = trimmed.read_bytes()
    at, end = data.index(b"mdat"), data.index(b"moov")
    if at < end:                                                            # index last: put it first, then cut
        write_video(cut, numbered(200))
        data = cut.read_bytes()
    cut.write_bytes(data[:len(data) // 2])
    with pytest.raises(InputError, match="cut off: it announces 200 frames"):
        FrameReader(cut)


def test_an_8k_film_says_how_to_make_it_smaller(tmp_path):
    path = write_video(tmp_path / "wide.mp4", [np.full((64, 7700, 3), 90, np.uint8)] * 2)
    with pytest.raises(InputError, match="7700 x 64 pixels; the limit is 7679.*--resize-factor 2"):
        FrameReader(path)
    reader = FrameReader(path, resize_factor=2)
    assert (reader.height, reader.width) == (32, 3850) and reader[0].shape == (32, 3850, 3)
    with pytest.raises(InputError, match="--resize-factor 2"):
        next(iter(FrameReader(path)))


def test_films_larger_than_h264_knows_are_refused_before_they_are_written(tmp_path):
    from tfg.media.encode import MAX_BLOCKS, check_size, n_blocks

    with pytest.raises(InputError, match="7600 x 5200 pixels, more than H.264 films can have"):
        write_video(tmp_path / "a.mp4", (np.broadcast_to(np.uint8(0), (5200, 7600, 3)) for _ in range(2)))
    assert not list(tmp_path.iterdir())
    with pytest.raises(InputError, match="--resize-factor 2"):
        check_size(16, 16_896, "the film")
    check_size(4352, 8192, "the film")
    assert n_blocks(4352, 8192) == MAX_BLOCKS and n_blocks(17, 16) == 2
