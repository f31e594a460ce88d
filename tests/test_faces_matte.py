"""Where the person is in a picture, and the person's own colours."""
from __future__ import annotations

import hashlib

import numpy as np
import pytest

from tfg import paths
from tfg.errors import InputError
from tfg.faces import matte
from tfg.media.image import read_image, resized

FACES = sorted(paths.data("faces").glob("*.jpg"))


@pytest.fixture(scope="module")
def photo():
    return resized(read_image(paths.data("faces", "portrait_1.jpg")), 256, 256)


@pytest.fixture(scope="module")
def alpha(photo):
    return matte.Matte()(photo)


@pytest.mark.parametrize("path", FACES, ids=lambda p: p.stem)
def test_faces_that_ship(path):
    photo = resized(read_image(path), 256, 256)
    alpha = matte.Matte()(photo)
    assert alpha.shape == (256, 256) and alpha.dtype == np.float32 and alpha.min() >= 0 and alpha.max() <= 1
    assert (alpha[70:190, 100:160] > .99).all(), "the face is the person"
    assert alpha[:12, :12].max() < .05 and alpha[:12, -12:].max() < .05, "the upper corners are not"
    assert .3 < alpha.mean() < .9 and ((alpha > .02) & (alpha < .98)).mean() < .12, "edges are narrow"


def test_any_size_and_shape(photo, alpha):
    large = resized(photo, 640, 360)
    found = matte.Matte()(large)
    assert found.shape == (360, 640)
    assert np.abs(resized(found, 256, 256) - alpha).mean() < .04
    assert matte.Matte()(photo[::4, ::4]).shape == (64, 64)


def test_a_still_film_does_not_flicker_and_a_moving_one_is_followed(photo, alpha):
    film = matte.Matte()
    frames = [film(photo) for _ in range(3)]
    np.testing.assert_allclose(frames[2], frames[0], atol=1e-5)
    moved = np.roll(photo, 40, 1)
    for _ in range(4):
        found = film(moved)
    assert np.abs(found - matte.Matte()(moved)).mean() < .02


def test_the_same_picture_gives_the_same_opacity(photo, alpha):
    np.testing.assert_array_equal(matte.Matte()(photo), alpha)


def test_refining_follows_the_edge_of_the_picture():
    """A coarse, shifted mask of a red square on blue is moved onto the square's own edge."""
    picture = np.full((256, 256, 3), (20, 40, 200), np.uint8)
    picture[64:192, 64:192] = (210, 30, 30)
    truth = (picture[..., 0] > 100).astype(np.float32)
    coarse = np.clip(np.roll(truth, 3, 1), .02, .98)
    coarse[:, 60:72] = coarse[:, 188:200] = .5            # not sure at the edges
    before, after = (np.abs(m - truth)[80:176].mean() for m in (coarse, matte.refined(picture, coarse)))
    assert after < .2 * before


def test_the_backgrounds_colour_is_taken_out():
    truth = np.full((128, 128, 3), (200, 120, 90), np.float32)
    green = np.full((128, 128, 3), (0, 255, 0), np.float32)
    alpha = np.clip((np.arange(128, dtype=np.float32) - 54) / 20, 0, 1)[None].repeat(128, 0)
    mixed = (truth * alpha[..., None] + green * (1 - alpha[..., None])).astype(np.uint8)
    person = matte.foreground(mixed, alpha)
    edge = (alpha > .1) & (alpha < .9)
    assert np.abs(person[edge] - truth[edge]).mean() < 12 < .3 * np.abs(mixed[edge] - truth[edge]).mean()
    np.testing.assert_array_equal(person[alpha == 1], mixed[alpha == 1])


def test_the_network_is_the_one_that_the_readme_names():
    path = paths.data("matting", "selfie_segmentation.tflite")
    assert hashlib.sha256(path.read_bytes()).hexdigest() == matte.SHA256
    assert matte.SHA256 in paths.data("matting", "README.md").read_text(encoding="utf-8")


def test_a_network_that_was_changed_is_refused(monkeypatch):
    monkeypatch.setattr(matte, "SHA256", "0" * 64)
    with pytest.raises(InputError, match="missing or was changed; install tfg again"):
        matte.Matte()
