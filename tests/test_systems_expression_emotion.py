"""Emotion models: the arithmetic around any model, and the models that ship."""
from __future__ import annotations

import numpy as np
import pytest

from tfg.errors import InputError
from tfg.media.motion import Motion
from tfg.systems.expression.emotion import MODELS, add, add_to_motion, all_emotions, apply
from tfg.systems.expression.emotion.apply import orthogonal
from tfg.systems.expression.emotion.features import AHEAD, FELT, FRAMES, N_TIMES, times, windows
from tfg.vocabulary import EMOTIONS, EXPRESSION, INDEX, index

T = 40


@pytest.fixture
def source() -> np.ndarray:
    """(T, 52) offsets that leave [0, 1] on both sides."""
    return np.random.default_rng(0).normal(.1, .3, (T, 52)).astype(np.float32)


@pytest.fixture
def ones(monkeypatch):
    """A model that adds 0.5 times the intensity to everything."""
    monkeypatch.setattr(apply, "change", lambda source, emotion, intensity, **_: np.full_like(source, .5 * intensity))


# ---- windows --------------------------------------------------------------------------------------------------
def test_windows_are_as_many_as_frames_and_their_third_is_the_frame(source):
    w = windows(source)
    assert w.shape == (T, FRAMES, 52) and FRAMES == 5
    assert np.array_equal(w[:, FRAMES - 1 - AHEAD], source)
    assert np.array_equal(w[10], source[8:13])


def test_the_ends_of_windows_repeat(source):
    w = windows(source)
    assert np.array_equal(w[0], source[[0, 0, 0, 1, 2]]) and np.array_equal(w[-1], source[[-3, -2, -1, -1, -1]])


@pytest.mark.parametrize("n", (0, 1, 2, 4))
def test_windows_of_short_clips(source, n):
    assert windows(source[:n]).shape == (n, FRAMES, 52) and times(n).shape == (n, N_TIMES)


def test_windows_take_the_unmeasured_for_rest(source):
    source[:, 7] = np.nan
    assert np.isfinite(windows(source)).all() and not windows(source)[..., 7].any()


def test_windows_refuse_other_shapes():
    with pytest.raises(ValueError, match="52"):
        windows(np.zeros((5, 51)))


def test_times_know_start_end_and_length():
    a, b = times(50), times(100)
    assert np.array_equal(a[0, :3], (1, 1, 1)) and np.array_equal(a[-1, 3:6], (1, 1, 1))
    assert np.allclose(a[:, :3], a[::-1, 3:6])                                      # fades from both ends are alike
    assert np.allclose(a[:20, :3], b[:20, :3]) and not np.allclose(a[:20, 3:6], b[:20, 3:6], atol=1e-9)
    assert np.allclose(times(50, 50.0)[::2, 0], times(25)[:, 0])                    # in seconds, not in frames


# ---- the sum --------------------------------------------------------------------------------------------------
def test_the_sum_is_source_plus_alpha_times_change(source, ones):
    assert np.allclose(add(source, "HAP"), source + .5)
    assert np.allclose(add(source, "HAP", .4, alpha=2.0), source + .4)
    assert np.allclose(add(source, "HAP", alpha=-1), source - .5)


def test_nothing_is_clipped(source, ones):
    assert source.min() < 0 and add(source, "HAP", alpha=2).max() > 1.2
    assert add(source, "HAP", alpha=-2).min() < -1


@pytest.mark.parametrize("asked", (dict(emotion="NEU"), dict(emotion="HAP", intensity=0), dict(emotion="SAD", alpha=0),
                                   dict(emotion="NEU", alpha=2, ortho=True)))
@pytest.mark.parametrize("model", ("linear", "transformer"))
def test_neutral_and_nothing_give_the_source_exactly(source, asked, model):
    source[3, 4] = np.nan
    assert np.array_equal(add(source, **asked, model=model), source, equal_nan=True)
    assert add(source, **asked, model=model) is not source


@pytest.mark.parametrize("n", (0, 1, 2, 3, 5, 77))
@pytest.mark.parametrize("model", ("linear", "transformer"))
def test_length_is_preserved(model, n):
    result = add(np.zeros((n, 52)), "ANG", model=model)
    assert result.shape == (n, 52) and result.dtype == np.float32


@pytest.mark.parametrize("model", ("linear", "transformer"))
def test_unmeasured_coefficients_stay_so_and_poison_no_others(source, model):
    blind = source.copy()
    blind[:, INDEX["tongueOut"]] = np.nan
    blind[10, INDEX["jawOpen"]] = np.nan
    result = add(blind, "FEA", model=model)
    assert np.array_equal(np.isnan(result), np.isnan(blind))
    zero = np.nan_to_num(blind)
    assert np.allclose(result[np.isfinite(blind)], add(zero, "FEA", model=model)[np.isfinite(blind)], atol=1e-5)
    result = add(blind, "FEA", ortho=True, model=model)
    assert np.array_equal(np.isnan(result), np.isnan(blind))


def test_codes_may_be_small_letters(source, ones):
    assert np.array_equal(add(source, "hap"), add(source, "HAP"))


@pytest.mark.parametrize("asked, words", (
    (dict(emotion="JOY"), "HAP"), (dict(intensity=1.5), "0 .none. to 1"), (dict(intensity=float("nan")), "intensity"),
    (dict(intensity="high"), "intensity"), (dict(alpha=3), "-2 to 2"), (dict(alpha=float("nan")), "alpha"),
    (dict(model="magic"), "linear, transformer, automl")))
def test_bad_input_is_said_in_a_sentence(source, asked, words):
    with pytest.raises(InputError, match=words):
        add(source, **{"emotion": "HAP", **asked})


@pytest.mark.parametrize("offsets", (np.zeros((5, 51)), np.zeros(52), np.zeros((2, 3, 52))))
def test_other_shapes_are_refused(offsets):
    with pytest.raises(InputError, match="52"):
        add(offsets, "HAP")


def test_infinite_offsets_are_refused(source):
    source[0, 0] = np.inf
    with pytest.raises(InputError, match="infinite"):
        add(source, "HAP")


def test_a_folder_without_the_model_is_named(source, tmp_path):
    for model in MODELS[:2]:
        with pytest.raises(InputError, match=f"{model}.*{tmp_path}.*train emotion-add"):
            add(source, "HAP", model=model, folder=tmp_path)


# ---- ortho ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("shape", ((52,), (30, 52), (8, 5, 52)))
def test_orthogonal_is_orthogonal_in_every_vector(shape):
    rng = np.random.default_rng(1)
    delta, source = rng.normal(size=shape), 3 * rng.normal(size=shape)
    found = orthogonal(delta, source)
    assert found.shape == shape
    assert np.abs((found * source).sum(-1)).max() < 1e-4
    rest = delta - found                                                            # lies along the source
    cosine = (rest * source).sum(-1) / np.linalg.norm(rest, axis=-1) / np.linalg.norm(source, axis=-1)
    assert np.allclose(np.abs(cosine), 1, atol=1e-4)


def test_orthogonal_against_numbers():
    """(1, 1) minus its part along (2, 0) is (0, 1); dividing by the norm instead of its square would leave (-1, 1)."""
    delta, source = np.zeros(52), np.zeros(52)
    delta[:2], source[0] = 1, 2
    assert np.allclose(orthogonal(delta, source)[:3], (0, 1, 0))


def test_orthogonal_twice_is_once_and_knows_no_scale():
    rng = np.random.default_rng(2)
    delta, source = rng.normal(size=(9, 52)), rng.normal(size=(9, 52))
    once = orthogonal(delta, source)
    assert np.allclose(orthogonal(once, source), once, atol=1e-6)
    assert np.allclose(orthogonal(delta, -.01 * source), once, atol=1e-5)


def test_orthogonal_at_zero_is_the_change_itself():
    delta = np.ones((4, 52), np.float32)
    source = np.zeros((4, 52), np.float32)
    source[2] = 1
    found = orthogonal(delta, source)
    assert np.array_equal(found[[0, 1, 3]], delta[[0, 1, 3]]) and np.allclose(found[2], 0, atol=1e-6)


def test_ortho_leaves_the_sources_own_component(source):
    """What speech does along its own direction is the same after an orthogonal addition; after a plain one it is
    not."""
    def own(x):
        return (x * source).sum(1) / (source ** 2).sum(1)

    assert np.allclose(own(add(source, "HAP", ortho=True)), 1, atol=1e-3)
    assert np.abs(own(add(source, "HAP")) - 1).max() > .05


# ---- what ships -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("model", ("linear", "transformer"))
def test_each_emotion_does_what_it_is_known_for(model):
    """On a face at rest, at full intensity."""
    found = {e: x.mean(0) for e, x in all_emotions(np.zeros((60, 52)), model=model).items()}
    assert tuple(found) == EMOTIONS and not found["NEU"].any()
    for emotion, names in {"ANG": ("browDown",), "DIS": ("noseSneer",), "FEA": ("browInnerUp", "eyeWide"),
                           "HAP": ("mouthSmile", "cheekSquint"), "SAD": ("browInnerUp", "mouthFrown")}.items():
        for name in names:
            assert found[emotion][index(name)].mean() > .35, (emotion, name)
    assert found["SAD"][index("mouthSmile")].mean() < .05 and found["HAP"][index("browDown")].mean() < .15


@pytest.mark.parametrize("model", ("linear", "transformer"))
def test_more_intensity_is_more_emotion(model):
    smile = [add(np.zeros((50, 52)), "HAP", i, model=model)[:, index("mouthSmile")].mean() for i in (.1, .3, .6, 1.0)]
    assert np.all(np.diff(smile) > .03) and smile[0] < .15


@pytest.mark.parametrize("model", ("linear", "transformer"))
def test_displays_come_and_go(model):
    curve = add(np.zeros((75, 52)), "SAD", model=model)[:, INDEX["browInnerUp"]]
    assert curve[30:50].mean() > 1.15 * curve[0] and curve[30:50].mean() > 1.1 * curve[-1]


# ---- motions --------------------------------------------------------------------------------------------------
def test_motions_keep_pose_and_length(source, ones):
    motion = Motion(source, np.ones((T, 6)), meta={"kind": "take"})
    result = add_to_motion(motion, "HAP", .6, alpha=.5)
    assert np.allclose(result.expression, source + .15) and np.array_equal(result.pose, motion.pose)
    assert result.meta["kind"] == "take" and result.meta["added"] == {"emotion": "HAP", "intensity": .6, "alpha": .5}
    assert np.array_equal(motion.expression, source)


def test_measured_motions_get_their_rest_back(ones):
    """A face whose brows rest at 0.4 and whose jaw moves between 0 and 0.5: 0.5 of what is left is added."""
    expression = np.zeros((T, 52), np.float32)
    brow, jaw, blind = INDEX["browInnerUp"], INDEX["jawOpen"], INDEX["tongueOut"]
    expression[:, brow], expression[:, jaw], expression[:, blind] = .4, np.linspace(0, .5, T), np.nan
    result = add_to_motion(Motion(expression, meta={"measured": "mediapipe"}), "FEA").expression
    assert np.allclose(result[:, brow], .4 + .6 * .5, atol=1e-4)
    assert np.isnan(result[:, blind]).all() and np.isfinite(np.delete(result, blind, 1)).all()
    assert result[:, jaw].min() > .45


def test_measured_motions_are_seen_without_their_rest(monkeypatch):
    """The model must see a person at rest as zeros, whatever the meter reads on him."""
    seen = {}

    def change(source, emotion, intensity, **_):
        seen["source"] = source
        return np.zeros_like(source)

    monkeypatch.setattr(apply, "change", change)
    add_to_motion(Motion(np.full((T, 52), .3), meta={"measured": "mediapipe"}), "HAP")
    assert np.abs(seen["source"]).max() < 1e-5
    add_to_motion(Motion(np.full((T, 52), .3)), "HAP")
    assert np.allclose(seen["source"], .3)


def test_a_neutral_addition_leaves_a_measured_motion_bit_by_bit():
    expression = np.random.default_rng(0).random((T, 52)).astype(np.float32)
    motion = Motion(expression, meta={"measured": "mediapipe"})
    assert np.array_equal(add_to_motion(motion, "NEU").expression, expression)
    assert np.array_equal(add_to_motion(motion, "ANG", alpha=0.0).expression, expression)
    assert np.array_equal(add_to_motion(motion, "ANG", 0.0).expression, expression)


def test_an_empty_motion():
    assert len(add_to_motion(Motion.still(0), "HAP")) == 0


def test_the_measured_actor_moves_towards_his_own_smile():
    """Testing only. His own smile is the one that the added smile resembles most, and it comes nearer."""
    from tfg.faces.curves import load
    from tfg.systems.expression.emotion.measured import towards_own

    own = towards_own({e: x["expression"] for e, x in load().items()}, .68)
    assert len(own.names) >= 30 and "tongueOut" not in own.names and "cheekPuff" not in own.names
    assert own.cosines.shape == (5, 5) and np.abs(own.cosines).max() <= 1
    happy = FELT.index("HAP")
    assert own.cosines[happy].argmax() == happy and own.after[happy] < own.before[happy]


def test_towards_own_on_a_made_up_person():
    """Somebody whose own clips are exactly what is added: cosines 1, nothing left to go."""
    from tfg.systems.expression.emotion.measured import towards_own

    calm = np.tile(np.linspace(.1, .5, 52, dtype=np.float32), (T, 1))
    calm[:, INDEX["tongueOut"]], calm[:, INDEX["cheekPuff"]] = np.nan, 0
    motion = Motion(calm, meta={"measured": "made up"})
    curves = {"NEU": calm} | {e: add_to_motion(motion, e, .7).expression for e in FELT}
    own = towards_own(curves, .7)
    assert np.allclose(np.diag(own.cosines), 1, atol=1e-4) and np.allclose(own.after, 0, atol=1e-5)
    assert (own.before > .1).all() and "tongueOut" not in own.names and set(own.names) <= set(EXPRESSION)
