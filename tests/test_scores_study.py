"""The study: films without names, balanced sheets, known preferences found again, liars left out."""
from __future__ import annotations

import csv
import json
from collections import Counter

import numpy as np
import pytest

from study_people import STRENGTH, answer, key_of, page_data, write_films
from tfg.cli import main
from tfg.errors import InputError
from tfg.media.audio import load_audio
from tfg.media.video import FrameReader, probe
from tfg.scores.study import advice, agreement
from tfg.scores.study.analyse import analyse
from tfg.scores.study.answers import Answer, read
from tfg.scores.study.design import pairs_of, sheets
from tfg.scores.study.films import emotion_in, find
from tfg.scores.study.make import make
from tfg.scores.study.strength import Pair, corrected, fit, strengths


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    return write_films(tmp_path_factory.mktemp("films") / "clips")


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """Films of two systems alone."""
    return write_films(tmp_path_factory.mktemp("few") / "clips", ("good", "still"), 3)


@pytest.fixture(scope="module")
def study(films, tmp_path_factory):
    out = tmp_path_factory.mktemp("study") / "study"
    made = make(films, out, pairs_per_person=20, no_difference=True, seed=3)
    assert (made.films, made.broken, made.pairs, made.each) == (20, 5, 6, 20)
    return out


@pytest.fixture(scope="module")
def answered(study, tmp_path_factory):
    """Files of 60 people who attend and of two who do not."""
    folder = tmp_path_factory.mktemp("results")
    files = [answer(study, folder, f"p{k}", k, tie=-.8) for k in range(60)]
    return files + [answer(study, folder, f"liar{k}", k, tie=-.8, liar=True) for k in range(2)]


# ---- the page and its films -----------------------------------------------------------------------------------------
def test_nothing_that_is_served_names_a_system(study, films):
    served = sorted(p.relative_to(study / "page").as_posix() for p in (study / "page").rglob("*") if p.is_file())
    assert served[-1] == "index.html" and len(served) == 1 + 20 + 5
    names = [*STRENGTH, "V1_S", "by good"]
    for path in (study / "page").rglob("*"):
        if path.is_file():
            text = path.read_bytes()
            found = [n for n in names if n.encode() in text and not (path.suffix == ".html" and n in ("good", "still"))]
            assert not found, (path, found)
    assert "title" not in str(probe(study / "page" / served[0])).lower()
    text = (study / "page" / "index.html").read_text()
    assert "http://" not in text and "https://" not in text and "generated" in text and 'src="/' not in text


def test_the_key_knows_each_film_and_broken_ones_are_broken(study, films):
    key = key_of(study)
    assert {p.name for p in (study / "page" / "films").iterdir()} == set(key)
    assert {(row["system"], row["clip"]) for row in key.values()} == {(f.system, f.clip) for f in find(films)}
    broken = {row["kind"]: row for row in key.values() if row["kind"]}
    assert set(broken) == {"late", "frozen"} and {row["system"] for row in broken.values()} <= {"good", "fair", "poor"}
    for kind, row in broken.items():
        whole = next(n for n, r in key.items() if (r["system"], r["clip"]) == (row["system"], row["clip"])
                     and not r["kind"])
        a, b = (FrameReader(study / "page" / "films" / n) for n in (whole, row["film"]))
        moves = [float(np.abs(np.diff(np.stack(list(r)).astype(int), axis=0)).mean()) for r in (a, b)]
        assert len(a) == len(b) == 16 and moves[0] > 3
        sound = [load_audio(study / "page" / "films" / n)[:16 * 640] for n in (whole, row["film"])]
        if kind == "late":
            assert abs(moves[1] - moves[0]) < .5
            shift = np.argmax(np.fft.irfft(np.fft.rfft(sound[1]) * np.conj(np.fft.rfft(sound[0]))))
            assert abs(shift - 5120) < 20                              # half of it, as it is shorter than two seconds
        else:
            assert moves[1] < .2 and np.corrcoef(sound[0], sound[1])[0, 1] > .99


def test_films_of_an_emotion_are_hidden_and_named(few, tmp_path):
    make(few, tmp_path / "s", question=("emotion", "real"), pairs_per_person=3)
    assert {row["kind"] for row in key_of(tmp_path / "s").values()} == {"", "hidden"}
    data = page_data(tmp_path / "s")
    assert set(data["emotions"].values()) == {"happiness", "sadness"} and len(data["questions"]) == 2
    assert emotion_in("1001_DFA_HAP_XX") == "HAP" and emotion_in("HAPPY") is None and emotion_in("HAP_SAD") is None


def test_the_same_study_is_made_twice_and_another_seed_is_another(few, tmp_path):
    one, two, three = (make(few, tmp_path / f"{k}", seed=seed) for k, seed in enumerate((3, 3, 4)))
    assert (one.page / "index.html").read_bytes() == (two.page / "index.html").read_bytes()
    assert one.key.read_bytes() == two.key.read_bytes() and three.version != one.version


def test_a_manifest_and_what_is_refused(few, tmp_path, capsys):
    with open(tmp_path / "manifest.csv", "w") as file:
        file.write("system,clip,file,emotion\n")
        for path in sorted(few.glob("*/*.mp4")):
            file.write(f"{path.parent.name},{path.stem[:5]},{path},ANG\n")
        file.write(f"good,alone,{few / 'good' / 'V1_S0_HAP.mp4'},\n")
    listed = find(tmp_path)
    assert {f.system for f in listed} == {"good", "still"} and listed[0].emotion == "ANG"
    made = make(tmp_path, tmp_path / "s", pairs_per_person=3)
    assert made.pairs == 1 and "alone" in made.notes[0] and made.checked == "good"
    with pytest.raises(InputError, match="key"):
        make(tmp_path, tmp_path / "s")                                 # another study would take the key with it
    for words in (["--question", "beauty"], ["--pairs-per-person", "4"], ["--check-system", "none"],
                  ["--checks", "-1"], ["--check-system", "still"]):
        assert main(["study", "make", str(few), "--out", str(tmp_path / "t"), *words]) == 2, words
        assert not list((tmp_path / "t").iterdir()) if (tmp_path / "t").exists() else True
    assert "it stands still" in capsys.readouterr().err
    (tmp_path / "manifest.csv").write_text(f"system,clip,file\na,x,{few / 'good' / 'V1_S0_HAP.mp4'}\n"
                                           f"b,x,{few / 'still' / 'V1_S0_HAP.mp4'}\n")
    with pytest.raises(InputError, match="emotion of clip x"):
        make(tmp_path, tmp_path / "u", question=("emotion",))
    assert main(["study", "make", str(tmp_path / "nowhere"), "--out", str(tmp_path / "t")]) == 2
    assert "no folder" in capsys.readouterr().err


# ---- the design ------------------------------------------------------------------------------------------------------
def pairs_least(pairs: Counter, systems: int) -> int:
    """Fewest uses of a pair; 0 if one was not used."""
    return min(pairs.values()) if len(pairs) == systems * (systems - 1) // 2 else 0


@pytest.mark.parametrize("systems, clips, each", [(2, 8, 5), (4, 6, 10), (7, 5, 9), (5, 1, 6)])
def test_pairs_clips_and_sides_are_balanced_at_any_number_of_people(systems, clips, each):
    films = {f"k{c}": {f"s{s}": f"{s}.{c}" for s in range(systems)} for c in range(clips)}
    plan = sheets(films, each, how_many=30, seed=1)
    assert len(pairs_of(films)) == systems * (systems - 1) // 2
    for people in (1, 7, 30):
        pairs = Counter(tuple(sorted(p[1:])) for sheet in plan[:people] for p in sheet)
        if sum(pairs.values()) >= systems * (systems - 1) // 2:
            assert max(pairs.values()) - pairs_least(pairs, systems) <= 2
        seen = Counter(p[0] for sheet in plan[:people] for p in sheet)
        assert max(seen.values()) - min(seen.values()) <= max(3, .2 * max(seen.values()))
    left = Counter(p[1] for sheet in plan for p in sheet)
    right = Counter(p[2] for sheet in plan for p in sheet)
    assert all(abs(left[s] - right[s]) <= systems for s in left)
    for sheet in plan:
        assert len({(p[0], *sorted(p[1:])) for p in sheet}) == each                  # nothing twice on a sheet
        often = Counter(s for p in sheet for s in p[1:])
        assert max(often.values()) - min(often.values()) <= 2


# ---- strengths -------------------------------------------------------------------------------------------------------
def test_known_strengths_are_found_again_and_liars_are_left_out(study, answered, tmp_path):
    result = analyse(answered, study / "key.csv", tmp_path, draws=400)
    assert set(result.read.excluded) == {"liar0", "liar1"} and len(result.read.people) == 60
    s = result.questions[0].strengths
    for name, b, low, high in zip(s.systems, s.b, s.low, s.high):
        assert low < STRENGTH[name] < high and high - low < .6, name
        assert low < b < high
    assert abs(s.tie + .8) < .25 and s.people == 60 and s.clips == 5
    found = {(p.first, p.second): p for p in s.pairs}
    assert found["good", "still"].holm < .04 and found["good", "still"].low > .8
    assert all(p.holm >= p.p for p in s.pairs) and sum(p.n for p in s.pairs) == 1200
    assert .3 < result.questions[0].repeats[0] < .8 and result.questions[0].repeats[1] == 120
    assert .02 < result.questions[0].alpha < .5 and result.questions[0].alike < .15
    assert .45 < result.questions[0].left < .55
    rates = s.rates()
    assert np.allclose(s.share, np.nanmean(rates, 1), atol=.03)           # the model's shares are those counted
    assert np.allclose((rates + rates.T)[~np.eye(4, dtype=bool)], 1) and np.isnan(rates).sum() == len(STRENGTH)
    text = (tmp_path / "study.md").read_text()
    assert "liar0, passed 0 of 4 checks" in text and "good is preferred" in text and "Holm" in text
    written = json.loads((tmp_path / "study.json").read_text())
    assert written["questions"]["real"]["strengths"]["systems"] == s.systems and len(written["excluded"]) == 2
    with open(tmp_path / "strengths.csv", newline="") as file:
        assert {row["system"] for row in csv.DictReader(file)} == set(STRENGTH)
    assert (tmp_path / "study.png").stat().st_size > 10_000


def test_liars_would_have_moved_the_strengths(study, answered):
    kept, all_in = (analyse(answered, study / "key.csv", least=least, draws=2) for least in (.75, 0))
    assert len(all_in.read.people) == 62
    top = [r.questions[0].strengths for r in (kept, all_in)]
    assert top[1].b[top[1].systems.index("good")] < top[0].b[top[0].systems.index("good")]


def test_fit_is_the_maximum_of_the_likelihood():
    """Two systems: without ties the strength is the log odds; with ties Davidson's closed form holds."""
    pairs = np.array([[0, 1]])
    b, t = fit(np.array([[[3000., 1000., 0.]]]), pairs, 2)
    assert abs(b[0, 0] - b[0, 1] - np.log(3)) < .002 and np.isnan(t[0])
    b, t = fit(np.array([[[4000., 1000., 2000.]]]), pairs, 2)
    assert abs(b[0, 0] - b[0, 1] - np.log(4)) < .002 and abs(t[0] - np.log(2000 / np.sqrt(4e6))) < .002
    b, _ = fit(np.array([[[10., 0., 0.]]]), pairs, 2)
    assert 1 < b[0, 0] < 10                                                         # always preferred, and yet finite


def test_holm_by_hand():
    pairs = [Pair("a", "b", 0, 0, 0, p, float("nan"), 9) for p in (.01, .04, .03)]
    assert [round(p.holm, 3) for p in corrected(pairs)] == [.03, .06, .06]


def test_few_people_have_no_interval(study, answered):
    s = analyse(answered[:4], study / "key.csv").questions[0].strengths
    assert np.isnan(s.low).all() and all(np.isnan(p.holm) for p in s.pairs) and np.isfinite(s.b).all()


# ---- agreement and advice --------------------------------------------------------------------------------------------
def said(who: str, clip: str, value: float) -> Answer:
    return Answer(who, 1, clip, "real", "x", "y", value, True, 1.0, False)


def test_alpha_by_hand():
    """Krippendorff's nominal alpha of four units by two people: agreement in three of them."""
    rows = [said(w, c, v) for c, vs in (("1", (0, 0)), ("2", (1, 1)), ("3", (0, 0)), ("4", (0, 1)))
            for w, v in zip("AB", vs)]
    # n_x = 5, n_y = 3, observed disagreement 2 of 8, expected 2 * 5 * 3 / (8 * 7)
    assert abs(agreement.alpha(rows) - (1 - (2 / 8) / (30 / 56))) < 1e-9
    assert abs(agreement.alpha(rows[:6]) - 1) < 1e-9
    assert np.isnan(agreement.alpha(rows[:1]))
    assert agreement.repeats([(0, 0), (1, 0)]) == (.5, 2)


def test_people_who_agree_with_themselves_alone_are_correlated():
    rows = [said(w, c, v) for w, v in zip("ABCDEFGH", (0, 1) * 4) for c in "123"]
    assert agreement.alike(rows, strengths(rows, draws=2)) > .95


def test_advice_has_the_power_that_it_promises():
    n = advice.answers(.6)
    assert n == 194 and advice.answers(.55) == 783                         # by hand
    rng = np.random.default_rng(0)
    z = (rng.binomial(n, .6, 20_000) / n - .5) / (.5 / np.sqrt(n))
    assert abs(np.mean(np.abs(z) > 1.96) - .8) < .02
    assert advice.answers(.6, tests=6) > n
    assert advice.people(.6, 1, 20, 0) == (n, 10) and advice.people(.6, 1, 20, .1)[0] > 2 * n


# ---- bad files -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("old, new, word", [
    ("page", "leaf", "no column page"), ("left", "up", "no column left"), (",none,", ",perhaps,", "'perhaps'"),
    ("\np3,", "\n,", "'"), (",broken,", ",,", ""), ("real", "real", "")])
def test_files_that_were_changed(study, answered, tmp_path, old, new, word):
    text = answered[3].read_text()
    (tmp_path / "a.csv").write_text(text.replace(old, new, 1))
    if not word:                                                     # the key says which pairs are checks
        assert read([tmp_path / "a.csv"], study / "key.csv").checks["p3"] == (4, 4)
        return
    with pytest.raises(InputError, match=word):
        read([tmp_path / "a.csv"], study / "key.csv")


def test_files_of_another_study_or_of_two_people_of_one_name(study, answered, few, tmp_path):
    other = make(few, tmp_path / "other")
    with pytest.raises(InputError, match="own key"):
        read(answered[:2], other.key)
    with pytest.raises(InputError, match="no key"):
        read(answered[:2], answered[0])
    two = tmp_path / "two.csv"
    two.write_text(answered[1].read_text().replace("\np1,", "\np0,"))
    with pytest.raises(InputError, match="same name"):
        read([answered[0], two], study / "key.csv")
    same = tmp_path / "same.csv"
    same.write_bytes(answered[0].read_bytes())
    assert "twice" in read([answered[0], same], study / "key.csv").notes[0]
    liars = [f for f in answered if "liar" in f.name]
    with pytest.raises(InputError, match="no answer is left"):
        read(liars, study / "key.csv")


def test_commands(study, answered, tmp_path, capsys):
    code = main(["study", "analyse", *map(str, answered[:8]), "--key", str(study / "key.csv"), "--out",
                 str(tmp_path / "r"), "--draws", "50"])
    out = capsys.readouterr().out
    assert code == 0 and "participants that count: 8; excluded: 0" in out and "good against still" in out
    assert (tmp_path / "r" / "pairs.csv").is_file()
