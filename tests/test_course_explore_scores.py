"""Figures and sliders of notebooks/10_scores, and the values that they show."""
from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import scored_store as bars
from test_course_explore import drawn, opened  # noqa: F401  (a fixture)
from tfg.course import explore
from tfg.course.explore import scores
from tfg.faces import crops
from tfg.metrics import mean
from tfg.scores import score, score_clip, targets

T, S = 20, 48


@pytest.fixture
def film():
    rng = np.random.default_rng(0)
    ramp = np.linspace(30, 200, S)[None, :, None] + np.zeros((S, 1, 3))
    moving = ramp + 6 * np.arange(T)[:, None, None, None]
    return np.clip(moving + rng.normal(0, 9, (T, S, S, 3)), 0, 255).astype(np.uint8)


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """Bars for faces, and judges that can read them; see scored_store."""
    monkeypatch.setattr(crops, "landmarks", bars.read_landmarks)
    clips = targets(bars.make_store(tmp_path / "store", actors=3))
    return explore.Lab(clips[0], clips[4].frames, bars.knowing())


# ---- spoiling --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", list(explore.SPOILS))
def test_spoilings_begin_with_nothing_and_grow(film, name):
    how, other = explore.SPOILS[name], film[::-1].copy()
    films = [how.do(film, k, other) for k in how.strengths]
    away = [float(((f.astype(float) - film) ** 2).mean()) for f in films]
    assert len(films) == 5 and all(f.shape == film.shape and f.dtype == np.uint8 for f in films)
    assert away[0] == 0 and away == sorted(away) and away[1] > 0
    assert how.said.format(how.strengths[2]) and "{" not in how.said.format(1)


def test_spoilings_do_what_they_say(film):
    assert np.array_equal(explore.shifted(film, 3)[:, :, 3:], film[:, :, :-3])
    assert np.array_equal(explore.late(film, 4)[4:], film[:-4]) and np.array_equal(explore.late(film, 4)[2], film[0])
    assert (explore.held(film, len(film)) == film[0]).all() and np.array_equal(explore.held(film, 5)[7], film[5])
    assert explore.brighter(film, 300).min() == 255 and explore.brighter(film, -300).max() == 0
    pasted = explore.other_mouth(film, .5, film[::-1] // 2)
    changed = (pasted != film).any(3).any(0)
    assert changed[round(.75 * S), S // 2] and not changed[:S // 2].any() and not changed[:, :6].any()
    at = slice(round(.7 * S), round(.8 * S))                               # brought to the colours of the place
    assert abs(pasted[:, at, 20:28].mean() - film[:, at, 20:28].mean()) < 12


# ---- the lab ---------------------------------------------------------------------------------------------------
def test_the_lab_scores_what_was_spoiled(lab):
    true, late = lab.scores(), lab.scores("late", 2)
    assert true["offset"] == 0 and late["offset"] == -2 and late["aperture_r"] < true["aperture_r"] == pytest.approx(1)
    assert true["psnr_mask"] == np.inf and late["psnr_mask"] < 60 and true["lmd_mouth"] == 0 < late["lmd_mouth"]
    assert np.isnan(true["face_lpips"]) and set(true) == set(scores.SEEN)           # no encoder: missing, not 0
    assert lab.scores("blur", 0) is lab.scores("late", 0) and len(lab.known) == 2   # nothing spoiled: one film
    harm = lab.harm("late", 2)
    assert harm["offset"] == .25 and 0 < harm["d0"] <= 1 and harm["lse_d"] < harm["d0"] and np.isnan(harm["csim"])
    assert all(not v > 0 for v in lab.harm("blur", 0).values())
    assert lab.harm("held", 4)["lse_d"] > 0


def test_objections_are_the_dark_cells(lab):
    """A score that the true film itself does not reach fully is held against the true film, not against 1."""
    fresh = explore.Lab(lab.target, lab.other, lab.judges)
    values = {"": dict.fromkeys(scores.SEEN, .9), "blur": {"csim": .4}, "late": {"csim": .84, "aperture_r": 0.0}}
    fresh.known = {(spoil, 3 if spoil else 0): values[""] | values.get(spoil, {}) for spoil in ("", *explore.SPOILS)}
    titles = dict(zip(scores.SEEN, scores.titles()))
    found = fresh.objections(3)
    assert found[titles["csim"]] == ["blur"] and found[titles["aperture_r"]] == ["late"]
    assert list(found) == scores.titles() and fresh.harm("shift", 3)["csim"] == 0
    assert fresh.objections(3, .3)[titles["csim"]] == ["blur", "late"]


def test_a_clip_is_scored_as_tables_score_it(lab, tmp_path):
    target = lab.target
    got = score_clip(target, {"true": target.frames, "mine": lab.film("late", 2)}, lab.judges)
    table = score(lambda t: explore.late(t.frames, 2), tmp_path / "store", judges=lab.judges, workers=1, rows=("true",),
                  name="mine")
    for row in ("true", "mine"):
        one, other = (next(c for c in r.clips if c["row"] == row and c["clip"] == target.id) for r in (got, table))
        assert set(one) == set(other) and all(one[k] == other[k] or one[k] != one[k] for k in one)


def test_the_clearest_clip_is_in_sync(lab):
    clip = lab.target
    clips = [SimpleNamespace(frames=explore.late(clip.frames, k), mel=clip.mel) for k in (3, 0, 6)]
    assert explore.clearest(clips, lab.judges) == 1
    assert explore.clearest(clips, SimpleNamespace(networks={})) == 0


def test_lab_figures(lab, opened):  # noqa: F811
    cells = [t.get_text() for t in drawn(explore.draw_lab(lab, 2)).axes[0].texts]
    assert len(cells) == len(explore.SPOILS) * len(scores.SEEN) and "–" in cells and "-2" in cells
    assert "2 frames" in drawn(explore.draw_spoiled(lab, "late", 2)).axes[0].get_title()
    opened(lambda: explore.spoil(lab))


def test_values_are_said_as_in_tables():
    said = scores.said
    assert said("lmd_mouth", .1234) == "0.12" and said("offset", -3.0) == "-3" and said("csim", float("nan")) == "–"
    assert said("psnr_mask", float("inf")) == "equal" and said("aperture_r", -.5) == "−0.50"
    assert "LMD mouth ↓" in scores.titles() and "offset" in scores.titles()


# ---- other figures ---------------------------------------------------------------------------------------------
def test_figures(film):
    films = {"a": film, "b": film[::-1]}
    assert [t.get_text() for t in drawn(explore.draw_films(films, notes={"b": "late"})).axes[0].get_yticklabels()] == [
        "a", "b\nlate"]
    bars_ = drawn(explore.draw_values({"x": {"a": 1.5, "b": np.nan}, "y": {"a": -2.0, "b": np.inf}}))
    assert [t.get_text().strip() for ax in bars_.axes for t in ax.texts] == ["1.5", "not defined", "−2", "not defined"]
    maps = {"a": np.zeros((S - 10, S - 10)), "b": np.ones((S - 10, S - 10))}
    assert "SSIM 1.00" in {ax.get_title(loc="center") for ax in drawn(explore.draw_structure(film[0], {
        k: f[0] for k, f in films.items()}, maps)).axes}
    drawn(explore.draw_structure(film[0], film[1], maps["a"]))
    drawn(explore.draw_masks(film[0], np.eye(S), maps["a"]))
    drawn(explore.draw_gaps({"true": np.linspace(0, 1, T), "mine": np.full(T, np.nan)}))
    drawn(explore.draw_bias((80, 160), {"same": (.5, .2), "other": (2, 1)}))
    ax = drawn(explore.draw_by_actor({"a": [1, 2, 3.], "b": [4, np.nan, 6]}, ["p/V1", "p/V1", "p/V2"], "x")).axes[0]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["V1", "V2"]


# ---- how sure --------------------------------------------------------------------------------------------------
def test_studies_are_the_packages_intervals_and_clips_promise_too_much():
    found = explore.studies(8, 10, .6, n=120, draws=200)
    hit = {name: ((ends[:, 0] <= 0) & (0 <= ends[:, 1])).mean() for name, ends in found.items()}
    assert hit["clips drawn anew"] < .7 < hit["actors drawn anew"]
    alone = explore.studies(30, 4, 0.0, n=30)                                 # nothing in common: both are right
    assert all(((e[:, 0] <= 0) & (0 <= e[:, 1])).mean() > .8 for e in alone.values())
    first = np.random.default_rng(0)
    values = .6 ** .5 * first.normal(size=8)[np.repeat(np.arange(8), 10)] + .4 ** .5 * first.normal(size=80)
    want = mean(values, np.repeat(np.arange(8), 10), seed=0, draws=200)
    assert np.allclose(found["actors drawn anew"][0], (want.low, want.high))


def test_study_figures(opened):  # noqa: F811
    figure = drawn(explore.draw_studies({"a": np.array([[-1, 1], [.5, 1], [-2, 3], [0, 1]])}))
    assert "75 % hold the truth" in figure.axes[0].get_title()
    opened(lambda: explore.interval(12))
