"""Labels in the file names of each corpus, and the messages about names that are not of its form."""
from __future__ import annotations

import pytest

from tfg.corpora.names import parse_crema_d, parse_grid, parse_ravdess
from tfg.errors import InputError
from tfg.vocabulary import SENTENCES


def labels(item):
    return item.actor, item.sentence, item.emotion, item.level, item.take


def test_crema_d():
    item = parse_crema_d("x/VideoFlash/1001_DFA_HAP_XX.flv")
    assert labels(item) == ("1001", "DFA", "HAP", "XX", 1) and item.corpus == "crema_d"
    assert item.text == SENTENCES["DFA"] and item.path.name == "1001_DFA_HAP_XX.flv"
    assert parse_crema_d("1091_IEO_SAD_LO.wav").level == "LO"
    assert parse_crema_d("1040_ITH_SAD_X.wav").level == "XX"


@pytest.mark.parametrize("name, reason", [
    ("1001_DFA_HAP.flv", "not named"), ("1001_DFA_JOY_XX.flv", "not named"), ("1001_DFA_HAP_UP.flv", "not named"),
    ("1001_DFA_HAP_XX (1).flv", "not named"), ("1001_ABC_HAP_XX.flv", "sentence ABC"), (".flv", "not named"),
    ("1000_DFA_HAP_XX.flv", "actor 1000"), ("1092_DFA_HAP_XX.flv", "actor 1092"), ("V001_DFA_HAP_XX.flv", "actor V001"),
])
def test_crema_d_faults(name, reason):
    with pytest.raises(InputError, match=reason):
        parse_crema_d(name)


@pytest.mark.parametrize("name, expected", [
    ("01-01-03-01-01-01-01", ("01", "KID", "HAP", "MD", 1)), ("01-01-05-02-02-02-24", ("24", "DOG", "ANG", "HI", 2)),
    ("03-01-01-01-01-01-07", ("07", "KID", "NEU", "XX", 1)), ("01-01-02-01-01-01-07", ("07", "KID", "NEU", "LO", 1)),
    ("01-01-02-02-01-02-07", ("07", "KID", "NEU", "LO", 4)), ("01-01-04-01-01-01-02", ("02", "KID", "SAD", "MD", 1)),
    ("01-01-06-01-01-01-02", ("02", "KID", "FEA", "MD", 1)), ("02-01-07-01-01-01-02", ("02", "KID", "DIS", "MD", 1)),
])
def test_ravdess(name, expected):
    item = parse_ravdess(f"Actor_01/{name}.mp4")
    assert labels(item) == expected
    assert item.text == ("Kids" if expected[1] == "KID" else "Dogs") + item.text[4:]


def test_ravdess_surprised_only_when_asked_for():
    with pytest.raises(InputError, match="surprised.*surprised=True"):
        parse_ravdess("01-01-08-01-01-01-01.mp4")
    assert parse_ravdess("01-01-08-01-01-01-01.mp4", surprised=True).emotion == "SUR"


@pytest.mark.parametrize("name, reason", [
    ("01-01-03-01-01-01", "seven pairs"), ("1-1-3-1-1-1-1", "seven pairs"), ("01-02-03-01-01-01-01", "song"),
    ("01-01-09-01-01-01-01", "emotion 09"), ("01-01-00-01-01-01-01", "emotion 00"),
    ("01-01-03-03-01-01-01", "intensity"),
    ("01-01-03-01-01-01-25", "actor 25"), ("04-01-03-01-01-01-01", "modality 04"), ("01-01-01-02-01-01-01", "neutral"),
])
def test_ravdess_faults(name, reason):
    with pytest.raises(InputError, match=reason):
        parse_ravdess(name + ".mp4")


@pytest.mark.parametrize("name, text", [("bbaf2n", "bin blue at f two now"),
                                        ("swwzza", "set white with z zero again"),
                                        ("pgib9s", "place green in b nine soon"),
                                        ("LRBQ1P", "lay red by q one please")])
def test_grid(name, text):
    item = parse_grid(name + ".mpg")
    assert item.text == text and item.sentence == name.lower() and item.actor is item.emotion is None


@pytest.mark.parametrize("name, reason", [("bbaf2", "six characters"), ("xbaf2n", "'x' for the command"),
                                          ("bbaw2n", "'w' for the letter"), ("bbaf0n", "'0' for the digit"),
                                          ("bbaf2x", "'x' for the adverb")])
def test_grid_faults(name, reason):
    with pytest.raises(InputError, match=reason):
        parse_grid(name + ".mpg")
