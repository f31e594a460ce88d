"""Another background in the films of any system, and films that keep transparency."""
from __future__ import annotations

import numpy as np
import pytest

import tfg
from test_media_background import opacity
from tfg import paths, registry
from tfg.cli import build_parser
from tfg.errors import InputError
from tfg.media.image import read_image, resized
from tfg.media.motion import Motion
from tfg.systems.background import Behind

PHOTO = paths.data("faces", "portrait_1.jpg")


@pytest.fixture(scope="module")
def short():
    """A motion of four frames in which the head turns."""
    pose = np.zeros((4, 6), np.float32)
    pose[:, 0] = (0, 5, 10, 15)
    return Motion(np.zeros((4, 52), np.float32), pose, fps=25.0)


@pytest.fixture(scope="module")
def animate(short):
    return lambda **how: tfg.animate(PHOTO, system="graphics", motion=short, size=128, progress=False, **how)


def test_every_system_has_the_option():
    assert all("background" in its.Options.names() for its in registry.systems().values())


def test_a_transparent_webm(animate, tmp_path):
    clip = animate(background="transparent", out=tmp_path / "a.webm")
    alpha = opacity(clip.path)
    assert alpha.shape == (4, 128, 128) and alpha[:, :6, :6].max() <= 2 and alpha[:, :6, -6:].max() <= 2
    assert alpha[:, 40:90, 50:78].min() >= 253 and len(clip) == 4 and clip.frames[0].shape == (128, 128, 3)


def test_a_folder_of_pictures(animate, tmp_path):
    clip = animate(background="transparent", out=tmp_path / "frames", badge=True)
    assert clip.path == tmp_path / "frames" and len(clip) == 4 and clip.frames[3].shape == (128, 128, 4)
    assert (clip.frames[0][:6, :6, 3] == 0).all() and (clip.frames[0][40:90, 50:78, 3] == 255).all()
    corner = clip.frames[0][-20:, :60, 3]
    assert corner.max() > 200, "the badge is there, too"


def test_without_a_place_it_is_a_webm(animate):
    assert animate(background="transparent").path.suffix == ".webm"


@pytest.mark.parametrize("value, corner", [("#1e78ff", (30, 120, 255)), ("picture", (9, 200, 40))])
def test_a_colour_or_picture_in_an_mp4(animate, tmp_path, value, corner):
    if value == "picture":
        value = np.full((40, 90, 3), corner, np.uint8)
    frame = animate(background=value, out=tmp_path / "a.mp4").frames[2].astype(int)
    assert np.abs(frame[4, 4] - corner).max() < 12
    plain = animate().frames[2].astype(int)
    assert np.abs(frame[50:80, 54:74] - plain[50:80, 54:74]).mean() < 4, "the face is as it was"


def test_the_opacity_moves_with_the_head(animate, tmp_path):
    """It is the photo's, moved as the pixels are: the outline goes to the side to which the head turns."""
    alpha = np.stack([f[..., 3] for f in animate(background="transparent", out=tmp_path / "frames").frames]) / 255.0
    columns = np.arange(128)
    middle = [(row[20:50].sum(0) * columns).sum() / row[20:50].sum() for row in alpha]
    assert middle[3] > middle[0] + 1 and (np.diff(middle) > 0).all()


def test_the_whole_picture(short, tmp_path):
    photo = np.ascontiguousarray(read_image(PHOTO)[:, :, ::-1])
    clip = tfg.animate(photo, system="graphics", motion=short, preprocess="full", background="transparent",
                       out=tmp_path / "frames", progress=False)
    height, width = photo.shape[:2]
    alpha = clip.frames[3][..., 3]
    assert alpha.shape == (height - height % 2, width - width % 2) or alpha.shape == (height, width)
    assert alpha[:8, :8].max() == 0 and alpha[height // 2, width // 2] == 255


def test_frames_of_a_system_that_knows_no_opacity():
    """Systems that draw films give plain frames: the person is searched for in each."""
    frame = resized(read_image(PHOTO), 128, 128)
    cut = Behind("transparent", (128, 128))(frame)
    assert cut.shape == (128, 128, 4) and cut[:6, :6, 3].max() < 8 and (cut[40:90, 50:78, 3] > 250).all()
    blue = Behind("blue", (128, 128))(frame)
    assert (blue[:6, :6] > (-1, -1, 240)).all() and blue[:6, :6, :2].max() < 12
    np.testing.assert_array_equal(blue[60:70, 60:70], frame[60:70, 60:70])


def test_an_mp4_cannot_be_transparent(animate, tmp_path):
    with pytest.raises(InputError, match=r"a.mp4 cannot keep a transparent background; give a name that ends in .webm, "
                                         "or one without an ending for a folder"):
        animate(background="transparent", out=tmp_path / "a.mp4")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("value", ["nowhere.jpg", "bleu", 3])
def test_no_background(animate, value):
    with pytest.raises(InputError, match="background"):
        animate(background=value)


def test_a_stream(tmp_path):
    live = tfg.stream(PHOTO, background="transparent", size=64)
    frames = list(live.push(np.zeros(16000 // 2, np.float32)))
    assert frames and frames[0].shape == (64, 64, 4) and frames[0][0, 0, 3] == 0 and frames[0][32, 32, 3] == 255
    with pytest.raises(InputError, match="background cannot change"):
        live.change(background="white")


def test_the_help_says_what_to_write(capsys):
    with pytest.raises(SystemExit):
        build_parser(["animate", "--help"]).parse_args(["animate", "--help"])
    assert "transparent|COLOUR|IMAGE" in capsys.readouterr().out


def test_scores_refuse_it():
    from tfg.scores.draw import Drawer

    with pytest.raises(InputError, match="--background cannot be"):
        Drawer("graphics", {"background": "white"})
