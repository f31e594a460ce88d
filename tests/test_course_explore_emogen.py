"""Figures and sliders of notebooks/09_emogen_gan, and the values that they show."""
from __future__ import annotations

import numpy as np
import pytest
import torch

from test_course_explore import drawn, opened  # noqa: F401  (a fixture)
from tfg.course import explore
from tfg.systems.emogen.network import PROFILES, Emogen, face_mask, feeling
from tfg.vocabulary import EMOTIONS

S = PROFILES["ci"].size


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return Emogen(PROFILES["ci"]).eval()


@pytest.fixture(scope="module")
def crops():
    return np.random.default_rng(0).integers(0, 255, (20, S, S, 3), np.uint8)


@pytest.fixture(scope="module")
def mels():
    return np.random.default_rng(1).uniform(-4, 4, (20, 80, 16)).astype(np.float32)


def test_dubbed_crops_change_in_the_oval_only(network, crops, mels):
    faces = explore.dub_crops(network, crops, mels, feeling("HAP"))
    assert faces.shape == crops.shape and faces.dtype == np.uint8
    outside = face_mask(S) == 0
    assert np.array_equal(faces[:, outside], crops[:, outside]) and not np.array_equal(faces, crops)


def test_one_of_anything_serves_all(network, crops, mels):
    """More of them than are drawn at once; each is the same as if it were drawn alone."""
    six = np.stack([feeling(e) for e in EMOTIONS])
    faces = explore.dub_crops(network, crops[0], mels[0], six)
    assert len(faces) == 6 and len(explore.dub_crops(network, crops[0], mels, six[0])) == 20
    alone = explore.dub_crops(network, crops[0], mels[0], six[3])
    assert np.abs(faces[3].astype(int) - alone[0]).max() <= 1


def test_dubbing_is_what_the_package_does(network, crops, mels):
    """The painter's parts, put together at the network's own size."""
    from tfg.compose.draw import moved
    from tfg.systems.emogen.paint import Painter
    from tfg.systems.film.paint import Seen

    painter = Painter(network, feeling("SAD", .7), np.zeros((1, 2, 3)))
    theirs = []
    for crop, parts in zip(crops, painter.draw([Seen(None, None, crop, crop) for crop in crops[:3]], mels[:3])):
        colour, flow, trust = parts[:3]
        theirs.append(colour + trust[..., None] * (moved(crop.astype(np.float32) / 255, flow) - colour))
    mine = explore.dub_crops(network, crops[:3], mels[:3], feeling("SAD", .7))
    inside = face_mask(S) == 1
    away = np.abs(255 * np.array(theirs)[:, inside] - mine[:, inside])
    assert away.mean() < .7 and away.max() < 6


def test_experts_are_asked_about_each_window_alone():
    """The answer for a window does not depend on its neighbours, is the losses' own, and leaves the experts alone."""
    import torch.nn.functional as F

    from tfg.experts import losses
    from tfg.experts.emotion.network import PROFILES as FEELS
    from tfg.experts.emotion.network import EmotionNet
    from tfg.experts.syncnet.network import PROFILES as HEARS
    from tfg.experts.syncnet.network import SyncNet

    torch.manual_seed(0)
    hears, feels = SyncNet(HEARS["ci"]).eval(), EmotionNet(FEELS["ci"]).eval()
    before = [x.clone() for x in hears.state_dict().values()]
    frames, mel, emotion = torch.rand(4, 5, 3, 64, 64), torch.rand(4, 80, 16) * 8 - 4, torch.tensor([0, 3, 5, 3])
    told = explore.asked(hears, feels, frames, mel, emotion)
    assert told.shape == (2, 4) and np.allclose(told[:, 1:3], explore.asked(hears, feels, frames[1:3], mel[1:3],
                                                                            emotion[1:3]), atol=1e-6)
    with torch.no_grad():
        assert np.allclose(told[0], losses.cosines(hears, frames, mel), atol=1e-5)
        assert np.isclose(told[1].mean(), F.cross_entropy(feels(frames), emotion).item(), atol=1e-5)
    awake = explore.asked(hears, feels, frames, mel, emotion, train=True)
    assert np.abs(awake - told).max() > 1e-3 and not hears.training and not feels.training
    assert all(torch.equal(a, b) for a, b in zip(before, hears.state_dict().values()))


def test_figures(crops):
    picture, map_ = crops[0] / 255, np.linspace(0, 1, S * S).reshape(S, S)
    grid = drawn(explore.draw_grid({"a": [crops[0], None, map_], "b": [picture]}, ["HAP", "x"]))
    assert [len(ax.images) for ax in grid.axes] == [1, 0, 1, 1, 0, 0]
    assert grid.axes[0].get_title() == "happiness" and grid.axes[3].get_ylabel() == "b"
    wide = drawn(explore.draw_grid({"mouths": [crops[0][:20]]}))
    assert len(wide.axes) == 1
    assert len(drawn(explore.draw_copy(picture, np.ones((2, S, S)), map_, picture, picture, picture)).axes) == 6
    assert len(drawn(explore.draw_wishes(picture, {"a": map_, "nothing": 0 * map_})).axes) == 3


def test_breathing_says_how_much_the_size_tells():
    gap = np.linspace(0, .3, 30)
    figure = drawn(explore.draw_breathing(gap, {"tight": 90 + 20 * gap, "still": np.full(30, 96.)}))
    assert [t.get_text() for t in figure.axes[0].get_legend().get_texts()] == ["tight: r = 1.00", "still: r = 0.00"]


def test_feelings_have_a_row_for_each_intensity(network, crops, mels):
    figure = drawn(explore.draw_feelings(network, crops[0], mels[0], (.5, 1.0)))
    assert [ax.get_ylabel() for ax in figure.axes[::6]] == ["0.50", "1.00"]
    assert figure.axes[0].get_title() == "as filmed" and figure.axes[6].get_title() == "neutral"
    assert np.array_equal(figure.axes[0].images[0].get_array(), crops[0])
    assert len(drawn(explore.draw_feelings(network, crops[0], mels[0], (1.0,))).axes) == 6


def test_the_arrows_end_where_the_pixel_is_put():
    """Fetched from 3 px to the right: content moves 3 px to the left."""
    flow, black = np.zeros((2, S, S)), np.zeros((S, S, 3))
    flow[0] = 3
    arrows = drawn(explore.draw_copy(black, flow, black[..., 0], black, black, black)).axes[1]
    quiver, = [c for c in arrows.collections if hasattr(c, "U")]
    assert (quiver.U == -3).all() and (quiver.V == 0).all()
    assert np.allclose(quiver.X + quiver.U, np.tile(np.arange(S // 16 // 2, S, S // 16), 16)[:len(quiver.X)])


def test_the_explorer_opens(opened, network, crops, mels):  # noqa: F811
    opened(lambda: explore.feel(network, crops[:3], mels[:4]))


def test_a_crop_around_the_whole_face_shrinks_what_is_in_it_as_the_jaw_drops():
    """A white bar of constant width above the face: in the crop by the face's square it gets narrower."""
    crop = np.zeros((96, 96, 3), np.uint8)
    crop[10:14, 30:60] = 255
    face = np.array([[28, 20, 0], [68, 20, 0], [48, 75, 0]])
    dropped = face + [[0, 0, 0], [0, 0, 0], [0, 12, 0]]
    margin = (.05, .15, .05, .08)
    widths = [(explore.breathing_crop(crop, points, margin).max((0, 2)) > 127).sum() for points in (face, dropped)]
    assert widths[1] < widths[0] - 3 and explore.breathing_crop(crop, face, margin).dtype == np.uint8
    whole = np.array([[0., 0, 0], [96, 96, 0]])
    assert np.array_equal(explore.breathing_crop(crop, whole, 0.0), crop)


def test_the_duel_has_a_panel_for_each_loss_and_one_for_both_of_the_critics():
    log = [{"whole": 1 / k, "l1": .5 / k, "sync": 1.0, "real": .7, "fake": .6 + .01 * k} for k in range(1, 30)]
    panels = [ax for ax in drawn(explore.draw_duel(log, {"sync": .03})).axes if ax.axison]
    titles = [ax.get_title() or ax.get_title(loc="left") for ax in panels]
    assert titles == ["whole", "l1", "sync, weight 0.03", "critic: real and fake"]
    raw = panels[0].lines[0].get_ydata()
    assert np.allclose(raw, [step["whole"] for step in log]) and len(panels[3].lines) == 5      # twice two, and ln 2
    assert len(drawn(explore.draw_duel(log[:1], {})).axes) == 4
