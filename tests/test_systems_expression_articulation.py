"""The articulation model: factors come back from lips that were made with them, person by person, and are kept."""
from __future__ import annotations

import numpy as np
import pytest

from small_store import make_store
from tfg.errors import InputError
from tfg.speech.visemes import VISEMES, Articulation, Phone, coarticulate, make_phones, opening
from tfg.systems.expression import articulation as A

WORDS = ("b aa1 t iy1 n ow1 d eh1 g ah0 m uw1 s", "f aa1 r m iy1 t uw1 l ae1 k ow0 n",
         "w ah1 n t iy1 m aa1 b l uw1 d eh1")


def said(words: str) -> list[Phone]:
    """Phones of words in ARPAbet, .11 s each, after half a second."""
    return [p for k, symbol in enumerate(words.split())
            for p in make_phones(symbol, .5 + .11 * k, .5 + .11 * (k + 1), arpabet=True)]


def factors(**openness: float) -> Articulation:
    return Articulation(tuple(openness.get(v, 1.0) for v in VISEMES))


def clips(truth: Articulation, people: str = "ab") -> list[A.Spoken]:
    rng = np.random.default_rng(0)
    out = []
    for person in people:
        for words in WORDS:
            phones = said(words)
            gap = opening(coarticulate(phones, 65, articulation=truth)) * .7 + .02
            out.append(A.Spoken(phones, (gap + rng.normal(0, .002, 65)).astype(np.float32), person, words))
    return out


def test_all_ones_is_the_table():
    phones = said(WORDS[0])
    np.testing.assert_array_equal(coarticulate(phones, 65), coarticulate(phones, 65, articulation=Articulation()))


def test_a_factor_opens_its_viseme_and_a_closure_stays_closed():
    phones = said(WORDS[0])
    plain, wide = (opening(coarticulate(phones, 65, articulation=a)) for a in (Articulation(), factors(AA=1.6)))
    vowel = next(p for p in phones if p.viseme == "AA")
    at = int((vowel.start_s + vowel.stop_s) / 2 * 25)
    assert wide[at] > 1.25 * plain[at]
    shut = next(p for p in phones if p.viseme == "PP")
    assert wide[int((shut.start_s + shut.stop_s) / 2 * 25)] < .01


def test_what_lips_were_made_with_is_learned():
    truth = factors(AA=1.7, TN=.5, UW=.6)
    made = clips(truth, "a")
    learned = A.fit(made)
    plain, found = A.scores(made, Articulation())["r_in_speech"], A.scores(made, learned)["r_in_speech"]
    assert found > .985 and found > plain + .015
    of = dict(zip(VISEMES, learned.openness, strict=True))
    assert of["AA"] / of["TN"] > 1.8 and of["UW"] < of["AA"]


def test_a_fold_never_sees_its_person(monkeypatch):
    made, seen = clips(Articulation()), []
    monkeypatch.setattr(A, "fit", lambda part: seen.append({c.person for c in part}) or Articulation())
    out = A.folds(made)
    assert seen == [{"b"}, {"a"}] and list(out) == ["a", "b"]
    assert out["a"][1]["table"]["clips"] == 3


def test_frames_without_a_face_count_for_nothing():
    one = clips(Articulation(), "a")[0]
    holes = one.gap.copy()
    holes[20:30] = np.nan
    holed = A.Spoken(one.phones, holes, "a", "x")
    assert not holed.speaks()[20:30].any() and A.scores([holed], Articulation())["r"] > .99


def test_the_factors_that_ship_are_those_of_their_card_and_each_fold_has_its_own():
    everyone = A.load()
    assert all(.2 < f < 5 for f in (*everyone.openness, *everyone.insist))
    without = A.load(without="crema_d/1001")
    assert without != everyone != Articulation()
    with pytest.raises(InputError, match="crema_d/1001"):
        A.load(without="nobody")


def test_a_store_without_words_is_refused(tmp_path):
    store = make_store(tmp_path, [{"id": "x/1", "corpus": "x", "actor": "1", "n_frames": 12}])
    with pytest.raises(InputError, match="words"):
        A.spoken(store)


def test_the_command_takes_stores_and_writes_what_load_reads(tmp_path, monkeypatch, capsys):
    from tfg.cli import main

    made = clips(factors(AA=1.5), "ab")
    monkeypatch.setattr(A, "spoken", lambda store: (made, ["x/1: its words are not known"]))
    monkeypatch.setattr(A.Store, "open", staticmethod(lambda path: path))
    monkeypatch.setattr(A, "fit", lambda part: factors(AA=1.2 if len(part) > 6 else 1.1))
    assert main(["train", "articulation", "--store", "one,two", "--out", str(tmp_path)]) == 0
    assert "articulation.safetensors" in capsys.readouterr().out
    aa = VISEMES.index("AA")
    assert A.load(tmp_path).openness[aa] == pytest.approx(1.2)               # all 12 clips of both stores
    assert A.load(tmp_path, "a").openness[aa] == pytest.approx(1.1)          # the six of the other person
