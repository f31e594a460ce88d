"""The human ceiling: known values of CREMA-D's table, ties, and counts of single raters."""
from __future__ import annotations

import numpy as np
import pytest

from tfg.errors import InputError
from tfg.scores import raters

HEAD = '"","A","D","F","H","N","S","fileName","numResponses"\n'


@pytest.fixture(scope="module")
def known() -> dict[str, raters.Rated]:
    return raters.rated()


def test_a_clip_has_the_winners_of_the_official_table(known):
    clip = known["1001_DFA_SAD_XX"]
    assert (clip.actor, clip.emotion, clip.level) == ("1001", "SAD", "XX")
    assert clip.winners["face"] == clip.winners["multimodal"] == ("NEU",) and clip.majority("face") == 0
    assert known["1001_DFA_HAP_XX"].majority("face") == 1 and known["1001_DFA_HAP_XX"].majority("voice") == 0
    assert np.isnan(clip.single("face"))                     # the shipped table has no counts


def test_accuracy_of_the_majority_on_all_clips_is_that_of_the_official_table(known):
    assert len(known) == 7442 and len({c.actor for c in known.values()}) == 91
    for modality, value, ties in (("face", .685, 470), ("multimodal", .744, 420), ("voice", .446, 644)):
        m = raters.accuracy(known.values(), modality)
        assert round(m.value, 3) == value and m.low < m.value < m.high and (m.clips, m.actors) == (7442, 91)
        assert sum(c.tied(modality) for c in known.values()) == ties


def test_stronger_levels_are_recognised_more_often(known):
    low, middle, high = (raters.accuracy([c for c in known.values() if c.level == v]) for v in ("LO", "MD", "HI"))
    assert low.value < middle.value < high.value and low.high < high.low
    assert low.clips == middle.clips == high.clips == 455


def test_a_tie_counts_as_what_drawing_lots_gives():
    def clip(*winners):
        return raters.Rated("c", "a", "ANG", "XX", {"face": winners}, {})

    assert [clip("ANG").majority("face"), clip("ANG", "DIS").majority("face"), clip("DIS", "FEA").majority("face"),
            clip("DIS", "ANG", "SAD").majority("face")] == [1, .5, 0, pytest.approx(1 / 3)]
    assert clip("ANG", "DIS").tied("face") and not clip("ANG").tied("face") and np.isnan(clip("ANG").majority("voice"))


def test_the_six_clips_of_actor_1001_have_half_their_emotions_seen(known):
    ids = [f"crema_d/1001_DFA_{e}_XX" for e in ("ANG", "DIS", "FEA", "HAP", "NEU", "SAD")]
    seen, ties = raters.ceiling(ids)
    assert seen.value == .5 and seen.clips == 6 and seen.actors == 1 and np.isnan(seen.low) and ties == 0
    both, _ = raters.ceiling(ids, "multimodal")
    assert both.value == pytest.approx(5 / 6)
    assert raters.ceiling(["actors/V001_DFA_HAP_HI", "crema_d/9999_DFA_HAP_XX"]) == (None, 0)


def test_single_raters_are_read_from_the_official_counts(tmp_path):
    path = tmp_path / "tabulatedVotes.csv"
    path.write_text(HEAD + '"100001",0,0,0,1,10,0,"1001_IEO_NEU_XX",11\n"200001",2,0,0,0,6,2,"1001_IEO_NEU_XX",10\n'
                    '"200002",3,0,0,3,3,1,"1002_IEO_HAP_LO",10\n')
    found = raters.rated(path)
    assert found["1001_IEO_NEU_XX"].single("voice") == pytest.approx(10 / 11)
    assert found["1001_IEO_NEU_XX"].single("face") == pytest.approx(.6)
    assert found["1001_IEO_NEU_XX"].winners["face"] == ("NEU",) and "multimodal" not in found["1001_IEO_NEU_XX"].winners
    assert found["1002_IEO_HAP_LO"].winners["face"] == ("ANG", "HAP", "NEU")
    assert raters.accuracy(found.values(), single=True).value == pytest.approx((.6 + .3) / 2)
    assert raters.accuracy(found.values(), "multimodal") is None


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", HEAD + '"900001",1,0,0,0,0,0,"1001_IEO_NEU_XX",1\n',
                                  HEAD + '"200001",x,0,0,0,0,0,"1001_IEO_NEU_XX",1\n',
                                  HEAD + '"200001",1,0,0,0,0,0,"1001_IEO_XYZ_XX",1\n'])
def test_another_file_is_refused(tmp_path, text):
    path = tmp_path / "votes.csv"
    path.write_text(text)
    with pytest.raises(InputError, match="tabulatedVotes.csv"):
        raters.rated(path)


def test_a_modality_that_does_not_exist_is_refused(known):
    with pytest.raises(InputError, match="no modality 'smell'"):
        raters.accuracy(known.values(), "smell")


def test_the_table_has_each_level_and_emotion_and_single_raters_where_they_are_known(known, capsys):
    raters.main(["--actors", "1001"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| all", *(f"| level {v}" for v in raters.LEVELS),
                                                            "| ANG", "| DIS", "| FEA", "| HAP", "| NEU", "| SAD"]
    assert "one rater" not in lines[0]
    counted = raters.Rated("c", "a", "ANG", "XX", {"face": ("ANG",)}, {"face": np.array([.7, .3, 0, 0, 0, 0])})
    assert "one rater, visual only" in raters.markdown([counted]) and "0.700" in raters.markdown([counted])
    with pytest.raises(InputError, match="no actor 7"):
        raters.main(["--actors", "7"])
