from __future__ import annotations

import numpy as np
import pytest

from tfg.acting import emotion as em
from tfg.errors import InputError
from tfg.vocabulary import EMOTIONS, EXPRESSION, INDEX, index

PROTOTYPES = {      # Action Units that EMFACS asks for, as coefficients (VOCABULARY: names of the 52)
    "HAP": ("mouthSmile", "cheekSquint"),
    "SAD": ("browInnerUp", "browDown", "mouthFrown", "mouthShrugLower", "eyeLookDown"),
    "ANG": ("browDown", "eyeWide", "eyeSquint", "mouthRollUpper", "mouthPress"),
    "DIS": ("noseSneer", "mouthFrown", "mouthUpperUp"),
    "FEA": ("browInnerUp", "browOuterUp", "browDown", "eyeWide", "mouthStretch", "jawOpen"),
}


def test_every_emotion_has_a_row_and_every_name_exists():
    assert set(em.TABLE) == set(EMOTIONS) == set(em.MANNERS) == set(em.ONSET_S) == set(em.DECAY_S)
    for row in [*em.TABLE.values(), *em.VARIANTS.values()]:
        for name, value in row.items():
            assert index(name) and 0 <= value <= 1


@pytest.mark.parametrize("emotion,names", PROTOTYPES.items())
def test_prototype_actions_are_there(emotion, names):
    apex = em.actions(emotion)
    assert apex.shape == (52,) and apex.dtype == np.float32
    for name in names:
        assert (apex[index(name)] > .1).all(), name


def test_neutral_and_zero_intensity_do_nothing():
    assert not em.actions("NEU").any()
    assert not em.actions("ANG", 0).any()


def test_intensity_is_linear():
    np.testing.assert_allclose(em.actions("FEA", .5), em.actions("FEA") / 2, atol=1e-6)


def test_emotions_are_distinct():
    """No two displays point the same way: cosine at most 0.75."""
    apex = {e: em.actions(e) for e in EMOTIONS if e != "NEU"}
    for a in apex:
        assert np.linalg.norm(apex[a]) > 1.5
        for b in apex:
            if a < b:
                cosine = apex[a] @ apex[b] / np.linalg.norm(apex[a]) / np.linalg.norm(apex[b])
                assert cosine < .75, (a, b, cosine)


def test_asymmetry_favours_one_side():
    left = em.actions("DIS", .8, asymmetry=1.0)
    assert left[INDEX["noseSneerLeft"]] > left[INDEX["noseSneerRight"]]
    sad = em.actions("SAD", asymmetry=-1.0)
    assert sad[INDEX["eyeBlinkLeft"]] == sad[INDEX["eyeBlinkRight"]]
    np.testing.assert_array_equal(em.actions("DIS", asymmetry=0.0), em.actions("DIS"))


def test_variants():
    teeth = em.actions("ANG", variant="teeth")
    assert teeth[INDEX["mouthUpperUpLeft"]] > em.actions("ANG")[INDEX["mouthUpperUpLeft"]]
    with pytest.raises(InputError, match="teeth"):
        em.actions("ANG", variant="smirk")


@pytest.mark.parametrize("emotion,intensity,words", [("JOY", 1, "ANG.*DIS.*FEA.*HAP.*NEU.*SAD"), ("HAP", 1.2, "0.*1"),
                                                     ("HAP", float("nan"), "0.*1"), ("HAP", "much", "0.*1")])
def test_bad_input(emotion, intensity, words):
    with pytest.raises(InputError, match=words):
        em.actions(emotion, intensity)


def test_lower_case_is_understood():
    assert em.check_emotion("hap") == "HAP"


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_envelope_rises_holds_and_falls(emotion):
    e = em.envelope(100, emotion)
    assert e.shape == (100,) and 0 < e[0] < .6 and e.max() == pytest.approx(1, abs=1e-3) and e[-1] < .85
    top = int(np.argmax(e))
    assert (np.diff(e[:top]) >= -1e-6).all() and (e[30:70] > .99).all()


@pytest.mark.parametrize("n", [1, 2, 5, 12])
def test_short_clips(n):
    e = em.envelope(n, "SAD")
    assert e.shape == (n,) and np.isfinite(e).all() and (e > 0).all()
    assert em.trajectory(n, "SAD").shape == (n, 52)


def test_trajectory_is_seeded_and_alive():
    a, b, c = (em.trajectory(200, "HAP", .8, seed=s) for s in (0, 0, 1))
    np.testing.assert_array_equal(a, b)
    assert np.abs(a - c).max() > .01
    smile = a[60:140, INDEX["mouthSmileLeft"]]
    assert smile.std() > .003 and np.abs(smile - smile.mean()).max() < .3      # alive, but the same display
    assert a.min() >= 0 and a.max() <= 1
    assert np.abs(np.diff(a, axis=0)).max() < .12                              # no jumps


def test_trajectory_without_variation_is_the_prototype():
    plain = em.trajectory(100, "ANG", variation=0.0)
    np.testing.assert_allclose(plain[50], em.actions("ANG"), atol=2e-3)


def test_slow_noise_has_unit_size_and_no_fast_part():
    noise = em.slow_noise(20000, np.random.default_rng(0), .5)
    assert .8 < noise.std() < 1.2 and abs(noise.mean()) < .2
    power = np.abs(np.fft.rfft(noise)) ** 2
    hz = np.fft.rfftfreq(20000, 1 / 25)
    assert power[hz > 1.5].sum() < .02 * power.sum()


def test_manner_blends_with_intensity():
    assert em.manner("ANG", 0) == em.MANNERS["NEU"]
    full, half = em.manner("SAD"), em.manner("SAD", .5)
    assert half.pose[1] == pytest.approx(full.pose[1] / 2) and full.pose[1] < 0          # sadness looks down
    assert em.manner("FEA").blinks_per_min > em.manner("NEU").blinks_per_min > em.manner("ANG").blinks_per_min


def test_columns_cover_the_vocabulary():
    assert em.actions("NEU").shape == (len(EXPRESSION),)
