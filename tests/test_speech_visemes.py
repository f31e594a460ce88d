"""The viseme table and coarticulation: what lips must do, checked on made-up phones with known times."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tfg.speech import visemes as V
from tfg.speech.phones import _ARPA, parse
from tfg.vocabulary import EXPRESSION, INDEX, MOUTH


def phones(words: str, start_s: float = .5, each_s: float = .12) -> list[V.Phone]:
    """"p ˈæ t" -> phones of equal length after `start_s` of silence."""
    out = []
    for i, symbol in enumerate(words.split()):
        out += V.make_phones(symbol, start_s + i * each_s, start_s + (i + 1) * each_s)
    return out


def curves(words: str, seconds: float = 2.0, **kwargs) -> np.ndarray:
    return V.coarticulate(phones(words, **kwargs), int(seconds * 25))


def at(expression: np.ndarray, second: float) -> np.ndarray:
    return expression[int(second * 25)]


def test_table_covers_14_visemes_within_range_and_on_the_mouth_alone():
    table = V.table()
    assert table.shape == (14, 52) and len(V.VISEMES) == 14 and table.dtype == np.float32
    assert table.min() >= 0 and table.max() <= 1
    others = [i for i, n in enumerate(EXPRESSION) if n not in MOUTH]
    assert not table[:, others].any()
    gap = dict(zip(V.VISEMES, V.opening(table)))
    assert gap["sil"] == gap["PP"] == 0 and gap["FF"] < .06
    assert gap["AA"] > gap["EH"] > gap["IY"] > gap["UW"] > gap["FF"]
    pucker = dict(zip(V.VISEMES, table[:, INDEX["mouthPucker"]]))
    assert pucker["UW"] > pucker["AO"] > pucker["EH"] == 0


def test_sides_move_alike_and_gather_undoes_spread():
    x = np.random.default_rng(0).random((5, len(V.CHANNELS))).astype(np.float32)
    full = V.spread(x)
    assert full.shape == (5, 52)
    assert np.array_equal(full[:, INDEX["mouthPressLeft"]], full[:, INDEX["mouthPressRight"]])
    assert np.allclose(V.gather(full), x)


def test_opening_known_values():
    e = np.zeros(52, np.float32)
    assert V.opening(e) == 0
    e[INDEX["jawOpen"]] = .5
    assert V.opening(e) == pytest.approx(.5)
    e[INDEX["mouthClose"]] = .5
    assert V.opening(e) == pytest.approx(0)


@pytest.mark.parametrize("symbol, expected, stress", [
    ("p", ["PP"], 0), ("ˈaɪ", ["AA", "IY"], 2), ("ˌoʊ", ["AO", "UW"], 1), ("tʃ", ["CH"], 0), ("ɑːɹ", ["AA", "RR"], 0),
    ("", ["sil"], 0), ("ɲ", ["TN"], 0), ("ʏ", ["UW"], 0), ("aɪə", ["AA", "IY", "AA"], 0)])
def test_ipa(symbol, expected, stress):
    parts, found = parse(symbol, strict=True)
    assert [p.viseme for p in parts] == expected and found == stress


def test_arpabet_knows_every_phone_and_its_own_r_and_y():
    for symbol in _ARPA:
        assert parse(symbol, arpabet=True, strict=True)[0][0].viseme in V.VISEMES
    assert parse("r", arpabet=True)[0][0].viseme == "RR" and parse("r")[0][0].viseme == "TN"
    assert parse("y", arpabet=True)[0][0].viseme == "IY" and parse("y")[0][0].viseme == "UW"
    assert parse("ay1", arpabet=True)[1] == 2


def test_unknown_letters_give_way_or_raise_when_strict():
    assert parse("☃")[0][0].insist < .2
    with pytest.raises(KeyError, match="☃"):
        parse("☃", strict=True)


@pytest.mark.parametrize("lips", ["p", "b", "m"])
@pytest.mark.parametrize("each_s", [.04, .06, .12])
@pytest.mark.parametrize("start_s", [.50, .51, .52, .53])
def test_every_bilabial_is_seen_closed_at_25_fps(lips, each_s, start_s):
    made = phones(f"ˈɑ {lips} ˈɑ", start_s, each_s)
    gap = V.opening(V.coarticulate(made, 40))
    inside = gap[int(made[1].start_s * 25) - 1:int(made[1].stop_s * 25) + 2]
    assert inside.min() < .005
    assert gap.max() > .12


def test_closed_lips_keep_the_jaw_open_between_open_vowels():
    e = at(curves("ˈɑː m ˈɑː"), .5 + .18)
    assert V.opening(e) < .01
    assert e[INDEX["jawOpen"]] > .06 and e[INDEX["mouthClose"]] > .06 and e[INDEX["mouthPressLeft"]] > .2


def test_lower_lip_meets_the_teeth_on_f_and_v():
    for symbol in "fv":
        e = at(curves(f"ˈa {symbol} ˈa"), .5 + .18)
        assert e[INDEX["mouthRollLower"]] > .4 and 0 < V.opening(e) < .08


def test_rounding_comes_early_and_spreads_into_consonants():
    who, he = curves("s t ˈuː"), curves("s t ˈiː")
    on_s = .5 + .06
    assert at(who, on_s)[INDEX["mouthPucker"]] > .15 > .05 > at(he, on_s)[INDEX["mouthPucker"]]
    assert at(who, .5 + .30)[INDEX["mouthPucker"]] > .4


def test_lips_leave_rest_before_the_sound_and_return_after_it():
    gap = V.opening(curves("ˈɑː", each_s=.3))
    assert gap[int(.20 * 25)] < .01                                  # at rest
    assert gap[int(.46 * 25)] > .03                                  # open before the sound at 0.5 s
    assert gap[int(.82 * 25)] > .05 and gap[int(1.15 * 25)] < .02    # still open at its end at 0.8 s, closed later


def test_stress_length_and_effort_open_wider():
    def widest(made):
        return V.opening(V.coarticulate(made, 40)).max()
    stressed, plain = phones("t ˈa t"), phones("t a t")
    assert widest(stressed) > 1.05 * widest(plain)
    assert widest(phones("t ˈa t", each_s=.2)) > 1.1 * widest(phones("t ˈa t", each_s=.06))
    assert widest([replace(p, effort=1.4) for p in stressed]) > 1.2 * widest(stressed)
    assert widest(phones("t ə t")) < .6 * widest(plain)


def test_effort_follows_loudness_within_the_clip():
    made = phones("t ˈa t ˈa t")
    rng = np.random.default_rng(0)
    y = rng.normal(0, .05, 2 * 16000).astype(np.float32)
    y[:int(.82 * 16000)] *= 2                                        # the first vowel is 6 dB louder
    out = V.with_effort(made, y)
    assert out[1].effort > 1.1 * out[3].effort
    louder = V.with_effort(made, 3 * y)
    assert [p.effort for p in louder] == pytest.approx([p.effort for p in out])
    assert [p.effort for p in V.with_effort(made, np.zeros_like(y))] == [1.0] * len(made)


def test_silence_and_empty_input_stay_closed():
    assert not V.coarticulate([], 30).any()
    assert V.coarticulate([], 1).shape == (1, 52)


def test_smooth_in_range_and_independent_of_far_phones():
    e = curves("h ə l ˈoʊ f ˈa m b ə s ˈuː p ɚ", 3.0)
    assert e.shape == (75, 52) and e.dtype == np.float32 and e.min() >= 0 and e.max() <= 1
    assert np.abs(np.diff(e, axis=0)).max() < .55
    later = phones("h ə l ˈoʊ f ˈa m b ə s ˈuː p ɚ") + phones("m ˈa m ˈa", start_s=5.0)
    assert np.allclose(V.coarticulate(later, 75), e, atol=1e-3)
