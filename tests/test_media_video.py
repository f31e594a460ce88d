"""tfg.media.video: pictures in, frames by time, files that play; sound and picture stay together."""
from __future__ import annotations

import os
import pickle

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import number, numbered, tone, write_frames
from tfg.errors import InputError
from tfg.media.audio import load_audio, loudness, n_frames
from tfg.media.video import AI_TAG, FrameReader, is_image, is_video, probe, read_image, write_video

Image = pytest.importorskip("PIL.Image")


# ---- still pictures ----

def ramp(h=40, w=60):
    y, x = np.mgrid[:h, :w]
    return np.stack([x * 255 // (w - 1), y * 255 // (h - 1), np.full((h, w), 90)], -1).astype(np.uint8)


def save(folder, name, array, mode=None, **kw):
    image = Image.fromarray(array) if not isinstance(array, Image.Image) else array
    if mode:
        image = image.convert(mode)
    image.save(folder / name, **kw)
    return folder / name


def test_common_images_are_exact(tmp_path):
    for name in ("a.png", "a.bmp", "a.tiff"):
        image = read_image(save(tmp_path, name, ramp()))
        assert image.dtype == np.uint8 and image.flags.c_contiguous and np.array_equal(image, ramp())
    for name in ("a.jpg", "a.webp"):
        assert np.abs(read_image(save(tmp_path, name, ramp(), quality=95)).astype(int) - ramp()).mean() < 4


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation(tmp_path, orientation):
    upright = ramp()
    stored = {1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1], 5: upright.transpose(1, 0, 2),
              6: np.rot90(upright, 1), 7: upright[::-1, ::-1].transpose(1, 0, 2), 8: np.rot90(upright, -1)}[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(tmp_path, "a.png", np.ascontiguousarray(stored), exif=exif)
    assert np.array_equal(read_image(path), upright)


def test_every_kind_of_pixel(tmp_path):
    grey = ramp()[..., 0]
    assert np.array_equal(read_image(save(tmp_path, "l.png", grey)), np.repeat(grey[..., None], 3, 2))
    deep = (grey.astype(np.uint16) * 257)
    for name in ("i16.png", "i16.tiff"):
        assert np.array_equal(read_image(save(tmp_path, name, deep))[..., 0], grey)
    assert np.array_equal(read_image(save(tmp_path, "f.tiff", grey.astype(np.float32) / 255))[..., 1], grey)
    rgba = np.dstack([ramp(), np.where(np.arange(60) < 30, 0, 255)[None].repeat(40, 0).astype(np.uint8)])
    over = read_image(save(tmp_path, "rgba.png", rgba))
    assert (over[:, :30] == 255).all() and np.array_equal(over[:, 30:], ramp()[:, 30:])
    assert (read_image(save(tmp_path, "la.png", rgba, "LA"))[:, :30] == 255).all()
    assert np.abs(read_image(save(tmp_path, "p.png", ramp(), "P")).astype(int) - ramp()).mean() < 30
    assert read_image(save(tmp_path, "one.png", ramp(), "1")).shape == (40, 60, 3)
    cmyk = read_image(save(tmp_path, "cmyk.jpg", ramp(), "CMYK", quality=95))
    assert np.abs(cmyk.astype(int) - ramp()).mean() < 12
    still_gif = read_image(save(tmp_path, "still.gif", ramp()))
    assert still_gif.shape == (40, 60, 3)
    transparent = Image.fromarray(ramp()).convert("P")
    path = save(tmp_path, "t.png", transparent, transparency=transparent.getpixel((5, 5)))
    assert read_image(path)[5, 5].min() == 255


def test_bad_images_are_one_clear_sentence(tmp_path):
    noisy = np.random.default_rng(0).integers(0, 255, (90, 90, 3), dtype=np.uint8)
    for name in ("cut.png", "cut.jpg", "cut.webp"):
        whole = save(tmp_path, name, noisy).read_bytes()
        (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.jpg").write_text("not a picture")
    (tmp_path / "empty.png").write_bytes(b"")
    frames = [Image.fromarray(np.roll(noisy, k, 0)) for k in range(4)]
    for name in ("a.gif", "a.png", "a.webp"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
    Image.new("L", (7680, 4320)).save(tmp_path / "8k.png")
    Image.new("1", (20000, 20000)).save(tmp_path / "huge.png")
    write_frames(tmp_path / "video.mp4", numbered(5), [k / 25 for k in range(5)])
    for name, message in {
        "cut.png": "cut off or corrupt", "cut.jpg": "cut off or corrupt", "cut.webp": "cut off|no image",
        "text.jpg": "no image", "empty.png": "is empty", "missing.png": "there is no image file", ".": "is a folder",
        "a.gif": "animation of 4 frames", "a.png": "animation of 4 frames", "a.webp": "animation of 4 frames",
        "8k.png": "7680 x 4320 pixels; the limit is 7679", "huge.png": "too large|limit", "video.mp4": "no image",
    }.items():
        with pytest.raises(InputError, match=message) as caught:
            read_image(tmp_path / name)
        assert "\n" not in str(caught.value) and str(caught.value).endswith(".")
    assert is_image(tmp_path / "8k.png") and not is_image(tmp_path / "a.gif") and not is_image(tmp_path / "missing.png")
    assert is_video(tmp_path / "video.mp4") and is_video(tmp_path / "a.gif")
    for name in ("8k.png", "text.jpg", "missing.png", "."):
        assert not is_video(tmp_path / name)


# ---- reading videos ----

def test_same_rate_is_one_to_one(tmp_path):
    path = write_video(tmp_path / "a.mp4", numbered(60))
    reader = FrameReader(path)
    assert len(reader) == 60 and [number(f) for f in reader] == list(range(60))
    frame = reader[7]
    assert frame.shape == (48, 64, 3) and frame.dtype == np.uint8 and frame.flags.c_contiguous
    np.testing.assert_allclose(reader.timestamps, np.arange(60) / 25)


@pytest.mark.parametrize("rate", [10, 12.5, 15, 23.976, 24, 25, 29.97, 30, 48, 50, 59.94, 60])
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_any_rate_becomes_25_by_time(tmp_path, rate, suffix):
    n = int(rate * 2)
    times = np.arange(n) / rate
    reader = FrameReader(write_frames(tmp_path / f"a.{suffix}", numbered(n), times))
    assert abs(len(reader) - 50) <= 2  # containers differ in how long the last frame lasts
    seen = np.array([number(f) for f in reader])
    shown_s = times[seen] + 0.5 / rate  # the middle of what is shown
    middle_s = np.arange(len(reader)) / 25 + 0.02
    assert np.abs(shown_s - middle_s)[:48].max() <= 0.5 / rate + 0.003  # no other source frame is nearer
    assert (np.diff(seen) >= 0).all()
    if rate in (50, 12.5):
        assert len(set(np.diff(seen)[:-1])) <= (1 if rate == 50 else 2)  # even steps


def test_variable_rate_shows_what_is_on_screen(tmp_path):
    times = [0, 0.04, 0.08, 0.5, 0.52, 0.54, 0.56, 1.2, 1.24]
    reader = FrameReader(write_frames(tmp_path / "a.mkv", numbered(9), times))
    want = np.searchsorted(times, np.arange(len(reader)) / 25 + 0.02, side="right") - 1
    seen = np.array([number(f) for f in reader])
    assert len(reader) >= 31 and np.mean(seen == want) > 0.9
    assert seen[0] == 0 and (seen[3:12] == 2).all() and (seen[15:29] == 6).all()


@settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(8, 120), min_size=3, max_size=25))
def test_hypothesis_variable_rate(tmp_path, steps_ms):
    times = np.concatenate([[0], np.cumsum(steps_ms)]) / 1000
    reader = FrameReader(write_frames(tmp_path / "h.mkv", numbered(len(times)), times))
    seen = np.array([number(f) for f in reader])
    middles = np.arange(len(reader)) / 25 + 0.02
    on_screen = np.clip(np.searchsorted(times, middles, side="right") - 1, 0, None)
    if np.abs(np.array(steps_ms) - 40).max() > 3:  # else it is taken one to one
        assert (np.diff(seen) >= 0).all()
        near = np.min(np.abs(times[:, None] - middles), axis=0) < 0.0035  # a boundary: both are right
        assert (seen == on_screen)[~near].all()


def test_random_access_equals_iteration(tmp_path):
    for suffix, codec in (("mp4", "libx264"), ("mkv", "libx264"), ("avi", "mpeg4"), ("mpg", "mpeg2video")):
        times = np.arange(90) / 30
        reader = FrameReader(write_frames(tmp_path / f"a.{suffix}", numbered(90), times, codec))
        frames = list(reader)
        assert len(frames) == len(reader) and abs(len(reader) - 75) <= 1
        for i in np.random.default_rng(0).permutation(len(reader))[:25]:
            assert np.array_equal(reader[int(i)], frames[i]), (suffix, i)
        assert np.array_equal(reader[-1], frames[-1]) and np.array_equal(reader[3:6], np.stack(frames[3:6]))
        with pytest.raises(IndexError):
            reader[len(reader)]
        again = pickle.loads(pickle.dumps(reader))
        assert len(again) == len(reader) and np.array_equal(again[4], frames[4])


def test_frames_are_not_shared(tmp_path):
    reader = FrameReader(write_frames(tmp_path / "a.mp4", numbered(10), np.arange(10) / 10))
    reader[3][:] = 0
    assert reader[3].any()


def test_drawing_on_a_frame_leaves_its_repetition_alone(tmp_path):
    write_video(tmp_path / "slow.mp4", [np.full((64, 64, 3), v, np.uint8) for v in (50, 150)], fps=12.5)
    seen = []
    for frame in FrameReader(tmp_path / "slow.mp4"):
        seen.append(int(frame.mean()))
        frame[:] = 0
    assert seen == pytest.approx([50, 50, 150, 150], abs=3)


def test_two_passes_at_once(tmp_path):
    reader = FrameReader(write_video(tmp_path / "a.mp4", numbered(20)))
    assert [(number(a), number(b)) for a, b in zip(reader, reader)] == [(k, k) for k in range(20)]


@pytest.mark.parametrize("rotation", [0, 90, 180, -90])
def test_rotated_phone_videos_are_upright(tmp_path, rotation):
    picture = ramp(48, 64)
    path = write_frames(tmp_path / "a.mp4", [picture] * 5, np.arange(5) / 25, rotation=rotation)
    reader = FrameReader(path)
    with av.open(str(path)) as container:
        stored = next(container.decode(video=0))
        assert round(stored.rotation) % 360 == rotation % 360
    assert np.abs(reader[0].astype(int) - np.rot90(picture, rotation // 90)).mean() < 6
    assert (reader.height, reader.width) == ((64, 48) if rotation % 180 else (48, 64)) and reader[0].flags.c_contiguous
    info = probe(path)
    assert (info["height"], info["width"], info["rotation"] % 360) == (reader.height, reader.width, rotation % 360)


def test_memory_stays_small(tmp_path):
    import tracemalloc
    path = write_video(tmp_path / "a.mp4", (np.full((240, 320, 3), k % 250, np.uint8) for k in range(700)))
    tracemalloc.start()
    reader = FrameReader(path)
    count = sum(1 for _ in reader)
    for i in range(0, 700, 2):
        reader[i]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 700 and peak < 80e6  # all frames would be 161 MB


def test_animated_gif_is_a_video(tmp_path):
    frames = [Image.fromarray(f) for f in numbered(10)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=80)
    reader = FrameReader(tmp_path / "a.gif")
    assert abs(len(reader) - 20) <= 2 and [number(f) for f in reader][::2][:9] == list(range(9))


def test_bad_videos_are_one_clear_sentence(tmp_path):
    from conftest import write_sound
    noise = [np.random.default_rng(k).integers(0, 255, (96, 96, 3), dtype=np.uint8) for k in range(60)]
    whole = write_video(tmp_path / "good.mp4", noise, tone(2.4)[0]).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "head.mp4").write_bytes(whole[:200])
    (tmp_path / "text.mp4").write_text("no video\n" * 100)
    (tmp_path / "note.txt").write_text("no video\n" * 100)
    (tmp_path / "empty.mp4").write_bytes(b"")
    write_sound(tmp_path / "sound.mp3", tone(1.0), 16000, "libmp3lame")
    save(tmp_path, "photo.jpg", ramp())
    for name, message in {"cut.mp4": "cut off", "head.mp4": "no video that can be read|no pictures",
                          "text.mp4": "no video that", "note.txt": "no video|still|no pictures",
                          "empty.mp4": "is empty", "missing.mp4": "there is no", ".": "is a folder",
                          "sound.mp3": "no pictures", "photo.jpg": "still picture"}.items():
        with pytest.raises(InputError, match=message) as caught:
            FrameReader(tmp_path / name)
        assert "\n" not in str(caught.value) and str(caught.value).endswith(".")
    with pytest.raises(InputError, match="cut off"):
        load_audio(tmp_path / "cut.mp4")


def test_broken_packets_do_not_end_it(tmp_path):
    path = write_video(tmp_path / "a.mp4", [np.random.default_rng(k).integers(0, 255, (64, 64, 3), dtype=np.uint8)
                                            for k in range(80)])
    content = bytearray(path.read_bytes())
    content[len(content) // 2: len(content) // 2 + 300] = bytes(300)
    path.write_bytes(content)
    reader = FrameReader(path)
    assert len(list(reader)) == len(reader) == 80 and reader[60].shape == (64, 64, 3)


# ---- writing ----

def test_what_is_written_plays_in_browsers(tmp_path):
    path = write_video(tmp_path / "a.mp4", numbered(30, 45, 63), tone(1.2)[0],
                       metadata={"title": "x", "emotion": "HAP"})
    content = path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")  # the index comes first
    with av.open(str(path)) as container:
        video, sound = container.streams.video[0], container.streams.audio[0]
        assert video.codec_context.name == "h264" and video.codec_context.pix_fmt == "yuv420p"
        assert (video.width, video.height) == (64, 46) and video.average_rate == 25 and video.frames == 30
        assert sound.codec_context.name == "aac" and sound.codec_context.sample_rate in (44100, 48000)
        assert video.start_time == 0 and sound.start_time == 0
    info = probe(path)
    assert info["metadata"]["comment"] == AI_TAG and info["metadata"]["title"] == "x"
    assert info["metadata"]["emotion"] == "HAP"
    assert (info["fps"], info["n_frames"], info["duration_s"], info["has_audio"]) == (25, 30, 1.2, True)
    plain = write_video(tmp_path / "b.mp4", numbered(3), generated=False, metadata={"comment": "mine"})
    assert probe(plain)["metadata"]["comment"] == "mine" and not probe(plain)["has_audio"]
    tagged = write_video(tmp_path / "c.mp4", numbered(3), metadata={"comment": "mine"})
    assert AI_TAG in probe(tagged)["metadata"]["comment"]


@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (128, 128, 128), (224, 172, 105)])
def test_colours_come_back(tmp_path, colour):
    path = write_video(tmp_path / "a.mp4", [np.full((32, 32, 3), colour, np.uint8)] * 3)
    assert np.abs(FrameReader(path)[1].astype(int) - colour).max() <= 3


@settings(deadline=None, max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_flash_and_click_meet_after_a_round_trip(tmp_path, data):
    """frame -> file -> frame: a white frame and a click on it are found at the same frame, codec delays and all."""
    T = data.draw(st.integers(5, 80))
    at = data.draw(st.integers(0, T - 1))
    y = np.zeros(T * 640, np.float32)
    y[at * 640 + 220: at * 640 + 420] = 0.9 * np.sin(np.arange(200) * 0.9)
    frames = (np.full((32, 32, 3), 250 if k == at else 5, np.uint8) for k in range(T))
    path = write_video(tmp_path / "sync.mp4", frames, y)
    heard, reader = load_audio(path), FrameReader(path)
    assert len(heard) == len(y) and n_frames(len(heard)) == len(reader) == T
    assert np.argmax([f.mean() for f in reader]) == at == loudness(heard).argmax()
    lag = np.argmax(np.correlate(heard, y, "full")) - (len(y) - 1)
    assert abs(lag) <= 2  # to an eighth of a millisecond


def test_sound_shorter_or_longer_than_the_pictures(tmp_path):
    for seconds in (0.5, 3.7):
        path = write_video(tmp_path / f"{seconds}.mp4", numbered(50), tone(seconds)[0])
        assert len(FrameReader(path)) == 50 and abs(len(load_audio(path)) - seconds * 16000) <= 1


def test_other_rates_can_be_written(tmp_path):
    path = write_video(tmp_path / "a.mp4", numbered(60), fps=30)
    assert probe(path)["fps"] == pytest.approx(30) and len(FrameReader(path)) == 50


def test_own_frames_and_times_come_back(tmp_path):
    """A file's own frames at their own times, irregular ones too."""
    times = np.array([0, .03, .08, .12, .5, .54, .6])
    write_video(tmp_path / "v.mp4", numbered(7), tone(.8)[0], times=times)
    reader = FrameReader(tmp_path / "v.mp4", fps=None)
    assert [number(f) for f in reader] == list(range(7)) and number(reader[4]) == 4 and reader.end_s >= .6
    np.testing.assert_allclose(reader.source_times, times, atol=1e-4)
    assert reader.fps == reader.source_fps == pytest.approx(10) and reader.timestamps is reader.source_times


def test_nothing_half_written_is_left(tmp_path):
    def failing():
        yield from numbered(5)
        raise RuntimeError("out of ideas")

    with pytest.raises(RuntimeError, match="out of ideas"):
        write_video(tmp_path / "a.mp4", failing(), tone()[0])
    old = write_video(tmp_path / "old.mp4", numbered(3)).read_bytes()
    with pytest.raises(RuntimeError):
        write_video(tmp_path / "old.mp4", failing())
    assert (tmp_path / "old.mp4").read_bytes() == old  # the earlier file is untouched
    with pytest.raises(ValueError, match="size of the first"):
        write_video(tmp_path / "a.mp4", numbered(2) + numbered(1, 20, 20))
    with pytest.raises(ValueError, match="uint8"):
        write_video(tmp_path / "a.mp4", [np.zeros((8, 8, 3))])
    for frames, audio, name, message in (
        ([], None, "a.mp4", "no frames"), (numbered(2), None, "a.avi", "ends in .mp4"),
        (numbered(2), None, "no/a.mp4", "does not exist"), (numbered(2), np.full(99, np.nan), "a.mp4", "NaN"),
    ):
        with pytest.raises(InputError, match=message):
            write_video(tmp_path / name, frames, audio)
    assert [p.name for p in tmp_path.iterdir()] == ["old.mp4"]


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs a folder that even root cannot write to")
def test_unwritable_folder():
    with pytest.raises(InputError, match="/proc cannot be written"):
        write_video("/proc/a.mp4", numbered(2))


def test_a_full_disk(tmp_path):
    def frames():
        yield from numbered(2)
        raise OSError(28, "No space left on device")

    with pytest.raises(InputError, match="No space left"):
        write_video(tmp_path / "a.mp4", frames())
    assert not list(tmp_path.iterdir())


def test_frames_are_taken_one_by_one(tmp_path):
    alive, most = [], 0
    import weakref

    def frames():
        nonlocal most
        for _ in range(120):
            frame = np.zeros((32, 32, 3), np.uint8)
            alive.append(weakref.ref(frame))
            most = max(most, sum(r() is not None for r in alive))
            yield frame
            del frame

    counts = []
    write_video(tmp_path / "a.mp4", frames(), progress=counts.append)
    assert counts == list(range(1, 121)) and most <= 6


# ---- real clips ----

def test_real_clips(crema_d, grid):
    for path in crema_d[:2] + grid[:2]:
        reader, y = FrameReader(path), load_audio(path)
        frames = list(reader)
        assert len(frames) == len(reader) and abs(len(reader) - n_frames(len(y))) <= 1
        assert frames[0].shape == ((360, 480, 3) if path.suffix == ".flv" else (288, 360, 3))
        assert all(f.flags.c_contiguous for f in frames) and np.array_equal(reader[20], frames[20])
        assert probe(path)["has_audio"] and is_video(path) and not is_image(path)
