"""Published emotion judges beside our own: loading, circular scores, columns, the table of judges, agreement."""
from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest
import torch

import scored_store as bars
import tfg
from tfg.errors import InputError
from tfg.experts import published
from tfg.faces import crops
from tfg.scores import judges as js
from tfg.scores import score, table
from tfg.scores.agreement import agreements, kappa
from tfg.scores.columns import SCORES
from tfg.scores.results import Scores
from tfg.scores.table_judges import emotion_judges, emotion_table
from tfg.vocabulary import EMOTIONS

CARD = {"kind": "published", "data": "photographs", "sha256": "f" * 64, "parameters": 1}


class Reads(torch.nn.Module):
    """A published judge of bars: it names the emotion of the upper half's brightness; `always` one word, if given."""

    def __init__(self, always: str | None = None):
        super().__init__()
        self.always = always

    def of_clip(self, frames, points):
        found = round((float(frames[:, :bars.SIZE // 2, 8:].mean()) - 40) / 30)
        odds = np.full(len(EMOTIONS), .02)
        odds[EMOTIONS.index(self.always) if self.always else found] = .9
        return np.log(odds)


def judges(always: str | None = None, **cards) -> js.Judges:
    """Our own judges of bars and both published ones; the second says one word alone, if `always` is given."""
    out = bars.knowing()
    out.networks |= {"mini_xception": Reads(), "face_api": Reads(always)}
    out.cards |= {name: CARD | cards.get(name, {}) for name in js.PUBLISHED}
    return out


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return bars.make_store(tmp_path_factory.mktemp("bars") / "store", actors=4)


@pytest.fixture(scope="module")
def found(store):
    def copies(target):
        return target.reference

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crops, "landmarks", bars.read_landmarks)
        return score(copies, store, workers=1, judges=judges("HAP"), rows=("true", "still"))


def test_the_judges_that_load_have_both_published_ones_wherever_the_others_come_from(tmp_path):
    for folder in (None, tmp_path):
        got = js.load(folder)
        assert set(js.PUBLISHED) <= set(got.networks) and tuple(published.NETWORKS) == js.PUBLISHED
    assert got.missing.keys() >= set(js.NAMES)
    js.check(js.load(), {"actors/V001", "crema_d/1001"}, {"experts": {"emotion": "a" * 64}})


@pytest.mark.parametrize("card, checkpoint, what", [
    ({"kind": "trained"}, None, "not that of a network which others published"),
    ({"split": "train"}, None, "names the split 'train'"), ({"split": "judge"}, None, "names the split 'judge'"),
    ({"actors": ["actors/V9"]}, None, "people of ours"),
    ({}, {"experts": {"emotion": "f" * 64}}, "is an expert that this checkpoint was trained against")])
def test_a_judge_that_only_calls_itself_published_and_an_expert_are_refused(card, checkpoint, what):
    with pytest.raises(InputError, match=what):
        js.check(judges(mini_xception=card), {"actors/V0"}, checkpoint)


def test_our_own_judges_still_need_the_split_judge():
    own = judges()
    own.cards["judge_emotion"] = CARD
    with pytest.raises(InputError, match="does not name the split"):
        js.check(own, {"actors/V0"})


def test_each_row_has_the_published_scores(found):
    assert SCORES["accuracy_published"].title == "emotion accuracy, published judge"
    assert found.summary("true", "accuracy_published").value == 1
    assert found.summary("still", "accuracy_published").value == 1
    assert found.summary("copies", "accuracy_published").value == 0          # the reference shows another emotion
    assert found.summary("true", "probability_published").value == pytest.approx(.9)
    assert found.summary("copies", "probability_published").value == pytest.approx(.02)


def test_the_table_of_judges_has_their_accuracy_and_agreement(found):
    own = found.judged("all")
    assert own["emotion_mini_xception"].value == 1 and own["emotion_face_api"].value == pytest.approx(1 / 3)
    assert own["emotion_face_api_HI"].value == 0 and own["emotion_mini_xception_HI"].clips == 3
    text = table.markdown(found)
    assert "| mini_xception ffffffffffff, 1 numbers, photographs | emotion named | 1.000" in text
    assert "Agreement of the emotion judges" in text and "emotion accuracy, published judge ↑" in text
    assert "human raters" not in text                        # no clip of CREMA-D
    as_json = table.as_json(found)["groups"]["all"]
    assert as_json["agreement"][0] == {"judges": ["judge_emotion", "mini_xception"], "kappa": 1.0, "alike": {
        "value": 1.0, "low": 1.0, "high": 1.0, "clips": 9, "actors": 3}} and as_json["raters"] is None


def test_agreement_by_habit_alone_has_no_kappa(found):
    pairs = {(a.one, a.other): a for a in agreements(found, "all")}
    assert set(pairs) == {("judge_emotion", "mini_xception"), ("judge_emotion", "face_api"),
                          ("mini_xception", "face_api")}
    lazy = pairs["mini_xception", "face_api"]
    assert lazy.alike.value == pytest.approx(1 / 3) and lazy.kappa == pytest.approx(0) and lazy.clips == 9


def test_kappa_is_cohens():
    one, other = ["a"] * 25 + ["b"] * 25, ["a"] * 20 + ["b"] * 5 + ["a"] * 10 + ["b"] * 15
    assert kappa(one, other) == pytest.approx(.4)            # Cohen's textbook case: p .7, e .5
    assert kappa(one, one) == 1 and kappa(["a", "b"], ["b", "a"]) == -1
    assert np.isnan(kappa(["a", "a"], ["a", "a"])) and np.isnan(kappa([], []))
    with pytest.raises(ValueError, match="same clips"):
        kappa(["a"], ["a", "b"])


def test_real_clips_of_crema_d_have_their_raters_beside_the_judges():
    result = Scores("true", ("true",), judges=judges())
    for emotion in EMOTIONS:
        about = {"clip": f"crema_d/1001_DFA_{emotion}_XX", "actor": "crema_d/1001", "kind": "real", "emotion": emotion,
                 "level": "XX"}
        result.own.append(about)
        result.clips.append({**about, "row": "true", "accuracy_mini_xception": 1.0, "named_mini_xception": emotion})
    lines = emotion_table(result)
    assert "| human raters, visual only | 0.500 [1 actor] |" in lines and "| mini_xception | 1.000 [1 actor] |" in lines
    assert any("named ANG/DIS/FEA/HAP/NEU/SAD | 1/1/1/1/1/1 |" in line for line in lines)


def test_the_emotion_judges_alone_need_no_system(store, monkeypatch):
    monkeypatch.setattr(crops, "landmarks", bars.read_landmarks)
    monkeypatch.setattr(js, "load", lambda folder=None: judges("HAP"))
    result = emotion_judges([store])
    assert result.n() == (9, 3) and result.summary("true", "accuracy_mini_xception").value == 1
    assert any(line.startswith("| face_api | 0.333") for line in emotion_table(result))


def test_no_loss_can_use_a_published_judge_or_dlib():
    """Only the room of scores, and the published networks themselves, import them: a training that did would be found
    here. dlib is imported by the identity judge alone."""
    root = Path(tfg.__file__).parent
    users: dict[str, set[str]] = {"tfg.experts.published": set(), "dlib": set()}
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else \
                [f"{node.module}.{a.name}" for a in node.names] if isinstance(node, ast.ImportFrom) else []
            for wanted, files in users.items():
                if any(name == wanted or name.startswith(wanted + ".") for name in names):
                    files.add(str(path.relative_to(root)).replace("\\\\", "/"))
    assert {f for f in users["tfg.experts.published"] if not f.startswith("experts/published/")} == {"scores/judges.py"}
    assert users["dlib"] == {"scores/identity.py"}
    assert not [f for f in root.rglob("*.py") if "scores.identity" in f.read_text(encoding="utf-8")
                and f.relative_to(root).parts[0] in ("experts", "systems", "training", "networks")]
