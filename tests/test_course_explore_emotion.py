"""Figures and sliders of notebooks/08_emotion_discriminator, and the values that they show."""
from __future__ import annotations

import numpy as np
import pytest
import torch

from test_course_explore import drawn, opened  # noqa: F401  (a fixture)
from tfg import vocabulary
from tfg.acting.emotion import actions
from tfg.course import explore
from tfg.course.explore import emotion
from tfg.experts.emotion.network import PROFILES, EmotionNet


class Grey:
    """An actor without a face: brighter the more it smiles."""

    name = "G"

    def personal(self, expression):
        return np.asarray(expression, np.float32)

    def render(self, expression, pose=None):
        return np.full((128, 128, 3), 60 + 150 * expression[vocabulary.index("mouthSmile")].mean(), np.uint8)

    def landmarks(self, expression, pose=None):
        points = np.random.default_rng(0).uniform(40, 90, (478, 3))
        points[13] += 30 * expression.max()
        return points


def bright(frames):
    """Logits of a network that calls bright windows happy and dark ones neutral."""
    light = frames.mean((1, 2, 3, 4))
    logits = torch.zeros(len(frames), 6)
    logits[:, vocabulary.EMOTIONS.index("HAP")] = 20 * light
    logits[:, vocabulary.EMOTIONS.index("NEU")] = 20 * (1 - light)
    return logits


@pytest.fixture(scope="module")
def six():
    return np.random.default_rng(1).dirichlet(np.ones(6), 40)


def test_figures(six):
    pictures = {"a": np.zeros((20, 20, 3), np.uint8), "b": np.full((20, 20, 3), 250, np.uint8)}
    window = np.zeros((5, 3, 16, 16), np.uint8)
    drawn(explore.draw_fold(window, torch.zeros(5, 3, 16, 16)))
    assert len(drawn(explore.draw_named(pictures)).axes) == 2
    assert len(drawn(explore.draw_named({"one": pictures["a"]}, {"net": six[:1]})).axes) == 2
    bars = drawn(explore.draw_named(pictures, {"net": six[:2], "people": np.stack([six[0], np.full(6, np.nan)])})).axes
    assert len(bars) == 6 and len(bars[2].patches) == 6 and not bars[5].patches
    assert [t.get_text() for t in bars[2].get_yticklabels()] == list(vocabulary.EMOTIONS)
    for shares in ((1.0,), (1.0, .5), (.67, .9, .5)):
        drawn(explore.draw_loss(shares))
    drawn(explore.draw_progress({"a": [(1, .2), (2, .4)], "b": []}))
    matrix = np.eye(6)
    matrix[2] = np.nan
    drawn(explore.draw_confusion({"one": matrix}))
    assert len(drawn(explore.draw_confusion({"one": matrix, "two": np.full((6, 6), 1 / 6)})).axes) == 2
    drawn(explore.draw_levels({"people": {"LO": .4, "HI": .7}, "network": {"LO": .5, "MD": .6, "HI": .7, "XX": 1.0}}))
    drawn(explore.draw_levels({"nobody": {}}))
    maps = {"HAP": (pictures["a"], np.zeros((3, 3)), 6), "SAD": (pictures["b"], -np.eye(3), 6)}
    for given, bar in (((), "fall of the probability"), (("log-odds",), "fall of the log-odds")):
        assert drawn(explore.draw_occlusion(maps, *given)).axes[-1].get_ylabel() == bar
    drawn(explore.draw_course(np.zeros((40, 20, 20, 3), np.uint8), six, np.linspace(0, 1, 40)))
    drawn(explore.draw_course(np.zeros((3, 20, 20, 3), np.uint8), six[:3]))


def test_shares_come_from_the_network(six):
    pictures = np.random.default_rng(0).integers(0, 255, (70, 5, 64, 64, 3), np.uint8)
    network = EmotionNet(PROFILES["ci"]).eval()
    shares = explore.emotion_shares(network, pictures)
    frames = torch.from_numpy(pictures[65:]).movedim(-1, 2).float() / 255
    assert shares.shape == (70, 6) and np.allclose(shares.sum(1), 1, atol=1e-5)
    assert np.allclose(shares[65:], network(frames).softmax(1).detach().numpy(), atol=1e-5)


def test_sliding_windows_are_around_their_frame():
    windows = explore.sliding(np.arange(9), 5)
    assert windows.tolist()[4] == [2, 3, 4, 5, 6] and windows.tolist()[0] == [0, 0, 0, 1, 2]
    assert windows.tolist()[8] == [6, 7, 8, 8, 8] and len(windows) == 9


def test_rater_confusion_counts_ties_in_parts():
    from tfg.corpora.crema_d import Votes

    table = {"1003_DFA_SAD_LO": Votes({}, {"SAD": 50.0, "NEU": 50.0}, {}),
             "1003_DFA_SAD_HI": Votes({}, {"SAD": 9.0}, {}), "1003_DFA_ANG_XX": Votes({}, {"FEA": 9.0}, {})}
    with np.errstate(invalid="ignore"):
        matrix, levels = explore.rater_confusion(table)
    sad, neutral, anger, fear = (vocabulary.EMOTIONS.index(e) for e in ("SAD", "NEU", "ANG", "FEA"))
    assert matrix[sad, sad] == .75 and matrix[sad, neutral] == .25 and matrix[anger, fear] == 1
    assert levels == {"LO": .5, "HI": 1.0, "XX": 0.0} and np.isnan(matrix[fear]).all()


def test_all_raters():
    from tfg.corpora.crema_d import votes

    matrix, levels = explore.rater_confusion(votes())
    assert np.allclose(matrix.sum(1), 1) and .47 < levels["LO"] < .48 and .72 < levels["HI"] < .74


def test_occlusion_finds_the_place():
    weight = torch.zeros(2, 3, 16, 16)
    weight[:, :, 4:8, 8:12] = 1
    frames = torch.full((2, 3, 16, 16), .2)
    frames[:, :, 4:8, 8:12] = 1
    fall = explore.occlusion(lambda x: (x * weight).mean((1, 2, 3, 4)), frames, 4, 4)
    assert fall.shape == (4, 4) and np.unravel_index(fall.argmax(), (4, 4)) == (1, 2)
    assert np.abs(np.delete(fall.ravel(), 6)).max() < 1e-6 < fall[1, 2]


def test_mixtures_lie_between():
    happy, sad = actions("HAP", .8), actions("SAD", .8)
    assert np.allclose(explore.mixture("HAP", "SAD", 0, .8), happy)
    assert np.allclose(explore.mixture("HAP", "SAD", 1, .8), sad)
    assert np.allclose(explore.mixture("HAP", "SAD", .25, .8), .75 * happy + .25 * sad, atol=1e-6)


def test_close_up_is_placed_by_the_relaxed_face():
    """An expression moves points, never the crop: else a network would read the crop instead of the face."""
    seen = []

    class Watched(Grey):
        def landmarks(self, expression, pose=None):
            seen.append(np.asarray(expression).max())
            return super().landmarks(expression, pose)

    face = explore.close_up(Watched(), np.ones(52), size=48)
    assert face.shape == (48, 48, 3) and face.dtype == np.uint8 and seen == [0] and face.mean() > 200


class Motion:
    """A judge that calls what moves HAP, and what stands still NEU."""

    def of_frames(self, frames):
        assert frames.dtype == np.uint8 and frames.shape[1:] == (96, 96, 3)
        logs = np.full(6, -9.0)
        logs[vocabulary.EMOTIONS.index("HAP" if frames.std(0).max() > 0 else "NEU")] = 0
        return logs


def test_the_judge_is_shown_a_display_that_comes_and_goes():
    clip = explore.played(Grey(), np.ones(52), n=7)
    level = clip.mean((1, 2, 3))
    assert len(clip) == 7 and level.argmax() == 3 and abs(level[0] - level[-1]) < 1 and level[3] > level[1] + 5
    shares = explore.judge_shares(Motion(), [clip, np.repeat(clip[:1], 5, 0)])
    assert shares.argmax(1).tolist() == [vocabulary.EMOTIONS.index(e) for e in ("HAP", "NEU")]
    figure = drawn(emotion.draw_mix(Grey(), {"judge": Motion()}, "HAP", "SAD", 0.0, 1.0))
    assert [bar.get_width() for bar in figure.axes[1].patches][vocabulary.EMOTIONS.index("HAP")] == 1


def test_explorers(opened, monkeypatch):  # noqa: F811
    figure = emotion.draw_mix(Grey(), {"judge": bright, "other": bright}, "HAP", "SAD", 0.0, 1.0)
    widths = [bar.get_width() for bar in drawn(figure).axes[1].patches]
    assert vocabulary.EMOTIONS[int(np.argmax(widths))] == "HAP"
    opened(lambda: explore.mix_emotions(Grey(), {"judge": bright}))
    opened(lambda: explore.loss_of_share())
