"""What is put behind a person, and the kinds of film that keep transparency: .webm, and folders of pictures."""
from __future__ import annotations

import av
import numpy as np
import pytest
from PIL import Image

from tfg.errors import InputError
from tfg.media import background as bg
from tfg.media.badge import draw_badge
from tfg.media.film_names import folder_and_name, is_sequence
from tfg.media.picture_sequence import PictureFrames, check_sequence, write_pictures
from tfg.media.video import FrameReader, probe, write_video


@pytest.fixture
def rgba():
    """Five frames of a red square that moves over nothing, (5, 64, 48, 4)."""
    frames = np.zeros((5, 64, 48, 4), np.uint8)
    frames[..., 0] = 200
    for k in range(5):
        frames[k, 16:48, 8 + k:32 + k, 3] = 255
    return frames


def opacity(path) -> np.ndarray:
    """The opacity in a .webm, (T, H, W)."""
    decoder = av.CodecContext.create("libvpx-vp9", "r")
    with av.open(str(path)) as film:
        packets = list(film.demux(film.streams.video[0]))
        return np.stack([f.to_ndarray(format="rgba")[..., 3] for p in packets for f in decoder.decode(p)])


# ---- backgrounds ----------------------------------------------------------------------------------------------------
def test_what_is_a_background(tmp_path):
    picture = tmp_path / "sea.png"
    Image.new("RGB", (8, 8)).save(picture)
    for value in (None, "transparent", "white", "#00ff00", "rgb(1, 2, 3)", picture, str(picture),
                  np.zeros((4, 4, 3), np.uint8)):
        assert bg.check_background(value) is value
    assert bg.colour_of("#0f0") == (0, 255, 0) and bg.colour_of("sea") is None and bg.colour_of(picture) is None


@pytest.mark.parametrize("value", ["sea", "nowhere.jpg", "#12", np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3))])
def test_what_is_none(value):
    with pytest.raises(InputError, match="background"):
        bg.check_background(value)


def test_a_picture_covers_the_frame_and_its_middle_is_shown():
    wide = np.zeros((50, 200, 3), np.uint8)
    wide[:, 75:125] = 255
    shown = bg.background_picture(wide, 100, 100)
    assert shown.shape == (100, 100, 3) and (shown[:, 2:-2] > 250).all()
    assert (bg.background_picture("lime", 3, 5) == (0, 255, 0)).all()


def test_over_and_with_alpha():
    person, behind = np.full((2, 3, 3), 200, np.uint8), np.zeros((2, 3, 3), np.uint8)
    alpha = np.array([[0, .5, 1]] * 2, np.float32)
    assert bg.over(person, alpha, behind)[0, :, 0].tolist() == [0, 100, 200]
    assert bg.with_alpha(person, alpha)[0].tolist() == [[200, 200, 200, 0], [200, 200, 200, 128], [200, 200, 200, 255]]


def test_the_badge_is_as_visible_over_nothing():
    frame = np.zeros((96, 160, 4), np.uint8)
    badged = draw_badge(frame.copy())
    assert (badged[..., 3] > 100).any() and badged[..., :3].max() > 200 and not badged[:40].any()
    solid = draw_badge(np.dstack([np.full((96, 160, 3), 90, np.uint8), np.full((96, 160), 255, np.uint8)]))
    plain = draw_badge(np.full((96, 160, 3), 90, np.uint8))
    assert np.abs(solid[..., :3].astype(int) - plain).max() <= 1 and (solid[..., 3] == 255).all()


# ---- .webm ----------------------------------------------------------------------------------------------------------
def test_a_webm_keeps_opacity_colour_and_sound(tmp_path, rgba):
    sound = np.sin(np.arange(3200) / 8).astype(np.float32)
    path = write_video(tmp_path / "a.webm", rgba, sound)
    kept = opacity(path).astype(int)
    assert kept.shape == (5, 64, 48) and kept[:, :8].max() <= 2 and kept[2, 24:40, 16:28].min() >= 250
    told = probe(path)
    assert told["has_audio"] and told["fps"] == 25 and "AI-generated" in str(told["metadata"])
    frames = FrameReader(path)
    assert len(frames) == 5 and np.abs(frames[2][32, 20].astype(int) - (200, 0, 0)).max() < 12


def test_the_same_bytes_twice(tmp_path, rgba):
    a, b = (write_video(tmp_path / name, rgba, np.ones(3200, np.float32) / 9).read_bytes() for name in
            ("a.webm", "b.webm"))
    assert a == b


def test_a_webm_without_opacity_and_odd_sizes(tmp_path, rgba):
    path = write_video(tmp_path / "a.webm", rgba[:, :63, :47, :3], None)
    with av.open(str(path)) as film:
        assert film.streams.video[0].codec_context.name == "vp9" and "alpha_mode" not in film.streams.video[0].metadata
    assert FrameReader(path)[0].shape == (64, 48, 3)


def test_an_mp4_cannot_keep_opacity(tmp_path, rgba):
    with pytest.raises(InputError, match="cannot keep transparent pictures; give a name that ends in .webm"):
        write_video(tmp_path / "a.mp4", rgba)
    with pytest.raises(InputError, match="ends in .mp4 or .webm"):
        write_video(tmp_path / "a.avi", rgba)
    assert not list(tmp_path.iterdir())


# ---- pictures -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name, folder, pattern", [("frames", "frames", "%05d.png"),
                                                   ("frames/face_%03d.png", "frames", "face_%03d.png")])
def test_a_folder_of_pictures(tmp_path, rgba, name, folder, pattern):
    assert is_sequence(tmp_path / name) and folder_and_name(tmp_path / name) == (tmp_path / folder, pattern)
    told: list[int] = []
    made = write_pictures(check_sequence(tmp_path / name), rgba, np.zeros(3200, np.float32), progress=told.append)
    assert made == tmp_path / folder and told == [1, 2, 3, 4, 5]
    assert sorted(p.name for p in made.iterdir()) == sorted([*(pattern % k for k in range(1, 6)), "sound.wav"])
    frames = PictureFrames(tmp_path / name)
    np.testing.assert_array_equal(frames[:], rgba)
    np.testing.assert_array_equal(frames[-1], rgba[-1])
    with Image.open(frames.paths[0]) as image:
        assert image.text["Comment"] == "AI-generated (tfg)"


@pytest.mark.parametrize("name", ["a.mp4", "a.webm", "a.png", "a_%d_%d.png"])
def test_names_of_no_sequence(name):
    assert not is_sequence(name)


def test_a_folder_is_not_replaced_unasked_and_other_files_in_it_stay(tmp_path, rgba):
    folder = write_pictures(tmp_path / "frames", rgba)
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="exists already"):
        check_sequence(folder)
    write_pictures(check_sequence(folder, overwrite=True), rgba[:2, :32])
    assert sorted(p.name for p in folder.iterdir()) == ["00001.png", "00002.png", "notes.txt"]
    assert PictureFrames(folder)[0].shape == (32, 48, 4)


def test_after_an_error_nothing_is_left(tmp_path, rgba):
    def broken():
        yield rgba[0]
        raise RuntimeError("the network fell over")

    with pytest.raises(RuntimeError, match="fell over"):
        write_pictures(tmp_path / "frames", broken())
    with pytest.raises(InputError, match="no frames"):
        write_pictures(tmp_path / "frames", [])
    assert not list(tmp_path.iterdir())


def test_places_where_no_folder_can_be(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="is a file"):
        check_sequence(tmp_path / "file")
    with pytest.raises(InputError, match="does not exist"):
        check_sequence(tmp_path / "nowhere" / "frames")
