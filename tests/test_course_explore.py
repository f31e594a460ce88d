"""Every figure draws at the ends of its sliders; every explorer opens without an error."""
from __future__ import annotations

import asyncio
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure

from tfg import paths, vocabulary
from tfg.course import explore
from tfg.media import audio
from tfg.media.clip import Motion
from tfg.plot_style import style


@pytest.fixture(scope="module")
def y():
    t = np.arange(16_000) / audio.SR
    return (0.3 * np.sin(2 * np.pi * 220 * t) * (t > 0.2)).astype(np.float32)


@pytest.fixture(scope="module")
def mel(y):
    return audio.mel_spectrogram(y)


@pytest.fixture(scope="module")
def points():
    from tfg.head.model import Head, project

    xy, depth = project(Head.load().landmark_points(), np.eye(3), 900.0, np.array([128.0, 110.0]))
    return np.column_stack([xy, depth * 900]).astype(np.float32)


@pytest.fixture(scope="module")
def image():
    return np.full((256, 256, 3), 90, np.uint8)


@pytest.fixture(scope="module")
def motions():
    rng = np.random.default_rng(0)
    return {e: Motion(rng.uniform(0, 1, (20 + i, 52)).astype(np.float32)) for i, e in enumerate(vocabulary.EMOTIONS)}


def drawn(figure):
    """A Figure that renders, opaque and light."""
    assert isinstance(figure, Figure)
    figure.canvas.draw()
    red, green, blue, alpha = figure.get_facecolor()
    assert alpha == 1 and min(red, green, blue) > 0.9
    return figure


def similarity(a, b):
    from tfg.faces import align

    return align.similarity(a, b)


@pytest.mark.parametrize("start_s, duration_s, frames",
                         [(0, 0.02, True), (0.95, 1.0, True), (0, 1.0, False), (5, None, True)])
def test_wave(y, start_s, duration_s, frames):
    drawn(explore.draw_wave(y, start_s, duration_s, frames))


@pytest.mark.parametrize("window_ms, hop_ms, top_hz",
                         [(4, 2.5, 1000), (200, 40, 8000), (4, 40, 8000), (200, 2.5, 1000)])
def test_spectrogram(y, window_ms, hop_ms, top_hz):
    drawn(explore.draw_spectrogram(y, window_ms, hop_ms, top_hz))


def test_spectrogram_shows_the_tone(y):
    ax = explore.draw_spectrogram(y, 50).axes[0]
    rows = ax.images[0].get_array().mean(1)
    assert abs(np.argmax(rows) * audio.SR / 2 / len(rows) - 220) < 30


@pytest.mark.parametrize("frame, width", [(0, 4), (0, 32), (24, 4), (24, 32), (999, 16)])
def test_frame_map(mel, y, frame, width):
    drawn(explore.draw_frame_map(mel, y, frame, width))


def test_other_sound_figures(mel, y):
    drawn(explore.draw_mel(mel, frames=(0, 25)))
    drawn(explore.draw_filterbank(audio.mel_filters(), 0))
    drawn(explore.draw_filterbank(audio.mel_filters(n_mels=10), 9))
    drawn(explore.draw_slice(y[:800], np.abs(np.fft.rfft(y[:800]))))
    for k in (-12, 0, 12):
        drawn(explore.draw_offset(np.zeros(25), audio.loudness(y), k))
    drawn(explore.draw_lag_curve(np.arange(-3, 4), np.arange(7.0)))
    mouth = np.random.default_rng(0).random(60)
    lags, scores = explore.lag_curve(mouth, np.roll(mouth, 4), 10)
    assert lags[np.argmax(scores)] == 4 and lags[0] == -10 and len(lags) == len(scores) == 21


@pytest.mark.parametrize("yaw", [-90, 0, 90])
@pytest.mark.parametrize("group", ["all 478", "lips", "irises"])
def test_points(image, points, group, yaw):
    drawn(explore.draw_points(image, points, group, True, yaw))


@pytest.mark.parametrize("angle, scale", [(-90, 0.3), (90, 1.2), (0, 1.0)])
def test_alignment(image, points, angle, scale):
    drawn(explore.draw_alignment(image, points, similarity, angle, scale))


def test_other_face_figures(image, points):
    from tfg.faces.points68 import to_68

    drawn(explore.draw_68(image, to_68(points)))
    drawn(explore.draw_backends(image, {"a": to_68(points), "b": to_68(points)}))
    drawn(explore.draw_faces({"a": image, "b": image}))
    drawn(explore.draw_jitter(np.zeros((9, 2)), 60.0))
    drawn(explore.draw_pairs(np.arange(5.0), np.arange(5.0)))
    drawn(explore.draw_smoothing(None, np.zeros(9), {}))
    assert "error 1.000" in drawn(explore.draw_smoothing(np.zeros(9), np.zeros(9), {"a": np.ones(9)})
                                  ).axes[0].get_legend().get_texts()[2].get_text()


@pytest.mark.parametrize("amount", [0.0, 1.0])
@pytest.mark.parametrize("yaw", [-60, 60])
def test_head(amount, yaw):
    drawn(explore.draw_head(explore.coefficients(jawOpen=amount, mouthSmile=amount, browInnerUp=amount), yaw))


def test_people_are_drawn_with_their_eyes_at_the_same_place():
    from tfg.faces.landmarks import one_face
    from tfg.head.model import Head

    large = 2.5 * Head.load().identity_std * np.random.default_rng(4).choice([-1, 1], len(Head.load().identity_std))
    figure = explore.draw_people({"mean": (None, None), "other": (large, None)}, yaw=20)
    for picture in (ax.images[0].get_array() for ax in figure.axes):
        size = len(picture)
        eyes = one_face(np.asarray(picture)).points[[33, 263], :2]
        assert np.abs(eyes.mean(0) / size - (0.5, 0.4)).max() < 0.03
        assert 0.3 < np.linalg.norm(eyes[1] - eyes[0]) / size < 0.42


def test_other_head_figures(image, points, motions):
    rest = np.zeros(52)
    drawn(explore.draw_units((1, 12), 0.0))
    drawn(explore.draw_emotions({"HAP": rest, "SAD": rest}, {"HAP": rest, "SAD": rest}))
    drawn(explore.draw_people({"mean": (None, rest)}, 20))
    drawn(explore.draw_fit(image, points, points + 3, "fit"))
    drawn(explore.draw_fits(image, points, {"a": points, "b": points + 9}))
    drawn(explore.draw_curves(motions, ("jawOpen",)))
    drawn(explore.draw_curves(motions))
    drawn(explore.draw_changes({"HAP": np.linspace(-1, 1, 52), "SAD": np.full(52, np.nan)}))


def test_coefficients_mean_both_sides():
    both = explore.coefficients(mouthSmile=0.4, jawOpen=1)
    assert np.isclose(both.sum(), 1.8) and np.allclose(both[vocabulary.index("mouthSmile")], 0.4)


def test_start_figures(image, motions):
    drawn(explore.draw_sheet({e: image for e in vocabulary.EMOTIONS}))
    drawn(explore.draw_strip([image] * 5, (0, 4)))
    drawn(explore.draw_motion(motions["HAP"], at=3))
    high = motions["HAP"].override(jawOpen=np.full(len(motions["HAP"]), 1.6))
    top = drawn(explore.draw_motion(high)).axes[0]
    assert top.get_ylim()[1] > 1.6 and [line.get_ydata()[0] for line in top.lines if line.get_ls() == "--"] == [1]


@pytest.fixture
def opened(monkeypatch):
    """Open an explorer and move its sliders to both ends, without a browser; no figure may stay open in pyplot."""
    import matplotlib.pyplot as plt
    from IPython import display

    shown = []
    monkeypatch.setattr(display, "display", shown.append)

    def open_explorer(run):
        shown.clear()
        open_figures = plt.get_fignums()
        run()
        *controls, sign, page = shown[-1].children
        assert 1 <= len(controls) <= 4 and "data:image/png" in page.value
        for end in ("min", "max"):
            for control in controls:
                if hasattr(control, end):
                    assert control.continuous_update is False
                    control.value = getattr(control, end)
                    assert "Traceback" not in page.value, page.value
        for control in controls:
            for k in range(min(2, len(getattr(control, "options", ())))):
                control.index = k
                assert "Traceback" not in page.value, page.value
        assert "drawing …" not in sign.value and plt.get_fignums() == open_figures

    return open_explorer


def test_a_wrong_figure_stops_the_cell_and_a_wrong_slider_shows_why():
    from tfg.course.explore.widgets import panel

    with pytest.raises(ZeroDivisionError):
        panel(lambda k: 1 / k, {"k": (0, 3)})
    box = panel(lambda k: explore.draw_pairs(np.arange(4.0), np.arange(4.0) ** (1 / k)), {"k": (0, 3, 1, 2)})
    box.children[0].value = 0
    assert "ZeroDivisionError" in box.children[-1].value


def moving(draw, moves, seconds=.5):
    """Put moves to a slider inside an event loop, as a kernel does, each `moves` seconds after the one before it.
    Returns what was drawn, the states of the busy sign after each move, and the panel's children."""
    from tfg.course.explore.widgets import panel

    drawn_values, signs = [], []

    def keeping(k):
        drawn_values.append(k)
        return draw(k)

    async def move():
        slider, sign, page = box.children
        for value, wait in moves:
            slider.value = value
            signs.append("drawing …" in sign.value)
            await asyncio.sleep(wait)
        await asyncio.sleep(seconds)

    box = panel(keeping, {"k": (0, 9, 1, 0)})
    asyncio.run(move())
    return drawn_values, signs, box.children


def test_the_last_of_many_moves_is_drawn_and_a_sign_says_that_it_is():
    picture = SimpleNamespace(_repr_html_=lambda: "a player")
    drawn_values, signs, (_, sign, page) = moving(lambda k: picture, [(k, .002) for k in range(1, 8)])
    assert drawn_values == [0, 7] and signs == [True] * 7
    assert "drawing …" not in sign.value and "a player" in page.value and "tfg-old" not in page._dom_classes
    assert 'data-drawn="2"' in page.value


def test_moves_during_a_slow_drawing_are_answered_by_one():
    """A kernel is busy while it draws; what came meanwhile waits in its queue, and comes in one go."""
    import time

    def slow(k):
        time.sleep(.1)
        return SimpleNamespace(_repr_html_=lambda: f"number {k}")

    drawn_values, _, (_, _, page) = moving(slow, [(1, .06), (2, .001), (3, .001), (4, .001)])
    assert drawn_values == [0, 1, 4] and "number 4" in page.value


def test_a_slow_figure_that_fails_takes_its_sign_away():
    _, _, (_, sign, page) = moving(lambda k: explore.draw_pairs(np.arange(4.0), np.arange(4.0) * (10 // (5 - k))),
                                   [(5, .01)])
    assert "ZeroDivisionError" in page.value and "drawing …" not in sign.value


def test_pictures_say_what_they_show():
    from tfg.course.explore.widgets import panel

    box = panel(lambda who, k: explore.draw_pairs(np.arange(4.0), np.arange(4.0)),
                {"who": {'the "first"': 1, "second": 2}, "k": (0, 3, 1, 2)})
    assert 'alt="who the &quot;first&quot;, k 2"' in box.children[-1].value


def test_what_is_computed_once_is_not_computed_again():
    from tfg.course.explore.widgets import once

    seen = []
    known = once(lambda k: seen.append(k) or 2 * k, keep=2)
    assert [known(k) for k in (1, 2, 1, 3, 1)] == [2, 4, 2, 6, 2] and seen == [1, 2, 3]


def test_explorers_at_both_ends(opened, y, mel, image, points, motions):
    opened(lambda: explore.wave(y))
    opened(lambda: explore.resolution(y))
    opened(lambda: explore.frame_map(mel, y))
    opened(lambda: explore.points(image, points))
    opened(lambda: explore.alignment(image, points, similarity))
    opened(lambda: explore.smoothing(np.zeros(30), np.ones(30), lambda x, w: x, lambda x, fps, c, b: x))
    opened(lambda: explore.head())
    opened(lambda: explore.face_units())
    opened(lambda: explore.fit_strength(lambda w: (points[:, :2], None, np.zeros(52)), image, points))
    opened(lambda: explore.curves(motions))
    portrait = SimpleNamespace(render=lambda expression, pose: image)
    opened(lambda: explore.emotion_face(portrait, lambda emotion, intensity: np.zeros(52)))


# ---- virtual actors and corpora -------------------------------------------------------------------------------
@pytest.fixture
def actor(image, points):
    return SimpleNamespace(name="V001", size=(256, 256), personal=lambda e: e, render=lambda e, p: image,
                           landmarks=lambda e, p: points)


PHONES = [SimpleNamespace(symbol=s, viseme=v, start_s=a, stop_s=b)
          for s, v, a, b in (("", "sil", 0, .2), ("m", "PP", .2, .3), ("ˈɑ", "AA", .3, .6), ("", "sil", .6, 1))]


def test_actor_figures(actor, image, y, motions):
    assert len(drawn(explore.draw_actor(actor)).axes) == 1
    assert len(drawn(explore.draw_actor(actor, np.ones(52), np.zeros(6), points=True, title="x")).axes) == 2
    assert len(drawn(explore.draw_speech(y, PHONES)).axes) == 1
    assert len(drawn(explore.draw_speech(y, PHONES, {"a": np.zeros(25), "HAP": np.ones(25)})).axes) == 2
    assert len(drawn(explore.draw_speech(y, PHONES, {"p": {"a": np.zeros(25)}, "q": {"b": np.ones(25)}})).axes) == 3
    drawn(explore.draw_blend(np.linspace(0, 1, 9), [0, .5], [.5, 1], ["", "a"], [.1, .4], {"c": np.zeros(9)}))
    drawn(explore.draw_envelopes({"HAP": np.ones(30), "mine": np.zeros(30)}, "title"))
    drawn(explore.draw_overlap({"LO": [(e, m.expression.mean(0)) for e, m in motions.items()], "HI": []}))
    for name in ("HAP", "SAD"):
        drawn(explore.draw_true_and_seen(motions[name].expression, np.full_like(motions[name].expression, np.nan)))
    table = {"jawOpen": (.9, .5, .6), "noseSneer": (np.nan, 0., .4), "browDown": (-.3, .1, 0.)}
    drawn(explore.draw_meter({"alone": table}))
    drawn(explore.draw_meter({"alone": table, "acted": table}, wanted=.5))


def test_agreement_leaves_out_what_is_not_known():
    a = np.linspace(0, 1, 21)
    b = 3 - 2 * a
    b[4] = np.nan
    r, seen, true = explore.agreement(a, b)
    assert np.isclose(r, -1) and np.isclose(seen, 2 * true) and 0.85 < true < 0.95
    assert np.isnan(explore.agreement(a, np.zeros(21))[0]) and explore.agreement(a, np.zeros(21))[1] == 0


def test_layers_and_flow(image):
    labels, depth = np.zeros((256, 256), np.uint8), np.full((256, 256), np.inf, np.float32)
    drawn(explore.draw_layers(image, labels, depth))                            # nothing but background
    labels[50:90, 60:120], labels[0, 0], depth[50:90, 60:120] = 1, 255, 1.2
    flow = np.full((256, 256, 2), np.nan, np.float32)
    assert "0.0 px" in drawn(explore.draw_layers(image, labels, depth, flow)).axes[3].get_title()
    flow[50:90, 60:120] = 3, 4
    assert "5.0 px" in drawn(explore.draw_layers(image, labels, depth, flow)).axes[3].get_title()


def test_flow_colours_tell_direction():
    from tfg.course.explore.actors import flow_colours

    flow = np.array([[[1, 0], [-1, 0], [0, 0], [np.nan, 1]]], float)
    right, left, still, unknown = flow_colours(flow)[0]
    assert np.allclose(right, (1, 0, 0)) and np.allclose(left, (0, 1, 1)) and np.allclose(still, 1)
    assert np.allclose(unknown, .75)


def test_spectrum_finds_the_wave():
    from tfg.course.explore.meter import spectrum

    wave = 128 + 100 * np.sin(2 * np.pi * 9 * np.arange(64) / 64)
    picture = np.repeat(np.tile(wave, (64, 1))[..., None], 3, -1).astype(np.uint8)
    frequency, power = spectrum([picture, picture])
    assert frequency[np.argmax(power)] == 9
    drawn(explore.draw_spectra({"waves": [picture], "flat": [np.full((64, 64, 3), 9, np.uint8)]}))


def test_actor_explorers(opened, actor):
    opened(lambda: explore.direct(actor, lambda emotion, intensity: np.full(52, intensity)))
    opened(lambda: explore.blending(np.array([0, .2]), np.array([.2, .5]), ["", "m"], np.array([0, .3]), np.ones(2)))


def test_blending_opens_on_the_phone_that_is_asked_about(monkeypatch):
    from tfg.course.explore import actors

    shown = {}
    monkeypatch.setattr(actors, "sliders", lambda draw, **controls: shown.update(controls))
    ends = np.cumsum(np.full(4, .1))
    given = (ends - .1, ends, ["", "a", "m", "a"], np.zeros(4), np.ones(4))
    explore.blending(*given, first="m")
    assert list(shown["phone"].items())[0] == ("2: m", 2) and sorted(shown["phone"].values()) == [0, 1, 2, 3]
    explore.blending(*given)
    assert list(shown["phone"])[0] == "0: pause"
    with pytest.raises(ValueError, match="x"):
        explore.blending(*given, first="x")


def test_corpora_figures(image, points, motions):
    from tfg.faces import align

    for fps in (10, 25, 30, 60):
        drawn(explore.draw_clocks(fps, explore.source_frames(fps, fps)))
    boxes = np.tile([40., 30, 200, 190], (20, 1))
    boxes[3] = np.nan
    drawn(explore.draw_boxes(image, boxes, boxes + 2, at=5))
    matrix = align.box_matrix(np.array([40., 30, 200, 190]), 96)
    drawn(explore.draw_crop(image, points, matrix, align.warp(image, matrix, 96)))
    drawn(explore.draw_crop(image, np.full((478, 3), np.nan), matrix, align.warp(image, matrix, 96)))
    drawn(explore.draw_sizes({"frames": 3_000_000, "index": 400}, "store"))
    drawn(explore.draw_starts(60, 0, 5, range(5, 56)))
    drawn(explore.draw_starts(9, 3, 5, []))
    drawn(explore.draw_scores({"by window": [.9, .95], "by person": .5}, chance=1 / 6))
    x = np.concatenate([m.expression for m in motions.values()])
    groups = np.concatenate([[e] * len(m) for e, m in motions.items()])
    drawn(explore.draw_ranges(x, groups))
    drawn(explore.draw_ranges(x[:5], ["V002"] * 5, ("jawOpen",)))


def test_window_figures(opened, image):
    item = {"frames": np.zeros((5, 3, 32, 32), np.uint8), "mel": np.zeros((80, 16), np.float32),
            "reference": np.zeros((5, 3, 32, 32), np.uint8), "sync_mel": np.ones((80, 16), np.float32), "label": 0.0}
    assert len(drawn(explore.draw_window(**explore.window_parts(item), title="all")).axes) == 8
    assert len(drawn(explore.draw_window(**explore.window_parts(item | {"label": 1.0}))).axes) == 7
    assert len(drawn(explore.draw_window(**explore.window_parts({k: item[k] for k in ("frames", "mel")}))).axes) == 6

    class Windows:
        at = staticmethod(lambda epoch, i: item)
        __len__ = lambda self: 30  # noqa: E731

    opened(lambda: explore.windows(Windows()))
    opened(lambda: explore.clocks())


def test_film_is_a_video_of_another_rate(tmp_path):
    from tfg.actors.identity import Identity
    from tfg.media.clip import Motion
    from tfg.media.video import FrameReader

    take = SimpleNamespace(motion=Motion.still(20), audio=np.zeros(20 * 640, np.float32))
    path = explore.film(take, Identity.from_seed(3), tmp_path / "a.mp4", fps=30.0, size=64, hidden=(.4, .5))
    reader = FrameReader(path)
    assert abs(reader.source_fps - 30) < .1 and len(reader.source_times) == 24 and len(reader) == 20
    assert reader.width > reader.height
    frames = reader[:]
    step = np.abs(np.diff(frames.astype(float), axis=0)).mean((1, 2, 3))
    assert step.argmax() in (9, 12)                                   # paper before the face from 0.4 to 0.5 s


def test_style_sets_an_opaque_face():
    import matplotlib

    with matplotlib.rc_context():
        style()
        assert matplotlib.rcParams["savefig.facecolor"] == matplotlib.rcParams["figure.facecolor"] != "white"


def test_importing_explore_and_check_is_cheap():
    code = "import sys, tfg.course.explore, tfg.course.check; " \
        "print([m for m in ('matplotlib', 'torch', 'av') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_every_name_resolves():
    for name in explore.__all__:
        assert getattr(explore, name) is not None
    with pytest.raises(AttributeError, match="draw_wave"):
        explore.no_such_figure


def test_seed_repeats_everything():
    import random

    import torch

    from tfg.seeding import seed

    def draw():
        seed(3)
        return random.random(), float(np.random.rand()), float(torch.rand(1))

    assert draw() == draw()
    assert paths.data("head").is_dir()


def test_no_name_stands_for_two_figures():
    names = [name for listed in explore._WHERE.values() for name in listed]
    assert len(names) == len(set(names))
