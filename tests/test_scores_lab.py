"""The metric lab: films are broken by their dose and in nothing else, planted scores get the words they deserve."""
from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import scored_store as bars
from tfg.actors.identity import Identity
from tfg.cli import main
from tfg.errors import InputError
from tfg.faces import crops
from tfg.faces.face_region import face_region
from tfg.metrics.lip_curves import closed
from tfg.metrics.stats import Mean
from tfg.scores.lab import DEFECTS, LAB_SCORES, Lab, figures, lab, matrix, measure, report, run, spoil, stage
from tfg.speech.visemes import opening


@pytest.fixture(scope="module")
def on():
    """One clip on the stage: an actor of the split test says a sentence with three p, b, m."""
    member, planned, other = run.own_cast(2, 1, 0)[1]
    return stage.stage(member, planned, other)


# ---- what is broken ----------------------------------------------------------------------------------------------
def test_declarations_name_defects_and_directions():
    for its in LAB_SCORES.values():
        assert set(its.sees) | set(its.may) <= set(DEFECTS) and set(its.sees.values()) <= {1, -1}
    assert LAB_SCORES["psnr"].sees["blur"] == -1 and LAB_SCORES["lmd_mouth"].sees["lips_small"] == 1
    assert all("length" not in (*s.sees, *s.may) for s in LAB_SCORES.values())       # a nuisance for every score
    assert all(len(set(d.doses)) == len(d.doses) >= 4 for d in DEFECTS.values())


def test_a_take_played_again_is_the_take(on):
    expression, pose = stage.performed(on.take)
    assert np.array_equal(expression, on.take.motion.expression) and np.array_equal(pose, on.take.motion.pose)
    assert np.array_equal(stage.felt_otherwise(on.take, 0), on.take.motion.expression)


def test_closures_open_and_lips_shrink(on):
    assert len(on.closures) == 3
    shares = [np.mean(closed(opening(stage.performed(on.take, opened=s)[0]), on.closures)) for s in (0, .34, 1)]
    assert shares[0] == 1 and shares[0] > shares[1] > shares[2]
    gaps = [np.ptp(opening(stage.performed(on.take, lips=s)[0])) for s in (0, .5, 1, 2)]
    assert gaps == sorted(gaps) and gaps[0] < .5 * gaps[2]
    few, many = ({k for k, p in enumerate(stage.unclosed(on.take.phones, s, 0)) if p.viseme == stage.CLOSED}
                 for s in (.34, .67))
    assert many < few                                                   # a larger share has those of a smaller one


def test_only_the_background_moves(on):
    true = on.target.frames
    moved = stage.acted(on, "background", 8)
    away = np.abs(moved.astype(int) - true).max((0, 3))
    assert away.max() > 15 and away[face_region(stage.CROP, (.5, .55, .3, .3)) > .99].max() == 0
    again = stage.acted(on, "head", 0)
    assert np.array_equal(again, true)                                   # and it has been put back
    still = stage.acted(on, "head", 1)
    assert np.abs(np.diff(still.astype(int), axis=0)).mean() < np.abs(np.diff(true.astype(int), axis=0)).mean()


def test_identities_between_two():
    a, b = Identity.from_seed(1), Identity.from_seed(2)
    assert stage.mixed(a, b, 0) == a
    whole, half = stage.mixed(a, b, 1), stage.mixed(a, b, .5)
    assert np.allclose(whole.shape, b.shape) and whole.skin.melanin == pytest.approx(b.skin.melanin)
    assert half.iris.colour[0] == pytest.approx((a.iris.colour[0] + b.iris.colour[0]) / 2)
    assert whole.hair == a.hair and whole.camera == a.camera and whole.skin.seed == a.skin.seed
    assert whole.light.exposure == b.light.exposure and whole.light.key == a.light.key


def test_sound_comes_late_and_clips_get_short(on):
    target = on.target
    later = stage.later(target, 3)
    assert not later.wave[:3 * 640].any() and np.array_equal(later.wave[3 * 640:], target.wave[:-3 * 640])
    assert later.mel.shape == target.mel.shape and np.array_equal(later.frames, target.frames)
    parts = stage.pieces(target, 3)
    assert np.array_equal(np.concatenate([p.frames for p, _ in parts]), target.frames)
    assert np.array_equal(np.concatenate([p.wave for p, _ in parts]), target.wave)
    assert all(len(p.mel) == len(p.frames) == at.stop - at.start for p, at in parts)
    assert measure.mean_of([{"a": 1.0, "b": 2.0}, {"a": 3.0, "b": np.nan}]) == {"a": 2, "b": 2}


def test_films_flicker_and_are_coded(on):
    grey = np.full((60, 32, 32, 3), 120, np.uint8)
    assert np.array_equal(spoil.flickering(grey, 0), grey)
    found = spoil.flickering(grey, 6).mean((1, 2, 3))
    assert found.std() == pytest.approx(6, rel=.3) and measure.flicker(grey) == 0
    assert measure.flicker(spoil.flickering(grey, 6)) == pytest.approx(6 * 6 ** .5, rel=.35)  # 1 + 4 + 1 variances
    true = on.target.frames[:12]
    away = [np.abs(spoil.coded(true, crf).astype(int) - true).mean() for crf in (18, 32, 44)]
    assert 0 < away[0] < away[1] < away[2]


# ---- the lab's own scores ----------------------------------------------------------------------------------------
def test_lip_scores_see_size_and_closures():
    level = np.tile([0, .2, .8, 1, .6, .1], 6)
    true = bars.opened(np.repeat(bars.FACE[None], 36, 0) * 48, level)
    half = bars.opened(true, .5 * level)
    shut = [(k / 25, (k + 1) / 25) for k in range(0, 36, 6)]
    assert measure.lip_scores(true, true, shut) == {"lip_range": 1, "closed": 1}
    assert measure.lip_scores(half, true, shut)["lip_range"] == pytest.approx(.5)
    apart = bars.opened(true, np.maximum(level, .5))
    assert measure.lip_scores(apart, true, shut)["closed"] == 0
    assert np.isnan(measure.lip_scores(true, true, [])["closed"])
    assert np.isnan(measure.lip_scores(np.full_like(true, np.nan), true, shut)["lip_range"])


def test_head_scores():
    turn = np.zeros((40, 6))
    turn[:, 0] = 5 * np.sin(np.arange(40) / 3)
    same, still = (measure.motion_scores(p, turn, np.array([.5])) for p in (turn, np.zeros((40, 6))))
    assert same["head_error"] == 0 < still["head_error"] and still["head_range"] == 0 < same["head_range"]
    assert np.isnan(measure.motion_scores(np.full((40, 6), np.nan), turn, np.array([.5]))["head_error"])


def test_zeros_at_the_ends_make_lse_c_depend_on_length():
    from tfg.metrics.sync import sync_scores

    def unit(seed):
        x = np.random.default_rng(seed).normal(size=(400, 128))
        return x / np.linalg.norm(x, axis=1, keepdims=True)

    ours, usual = [], []
    for seed in range(5):
        sound = unit(seed)
        picture = sound + .5 * unit(9 + seed)
        picture /= np.linalg.norm(picture, axis=1, keepdims=True)
        ours.append([sync_scores(picture[:n], sound[:n]).lse_c for n in (40, 400)])
        usual.append([measure.padded_lse_c(picture[:n], sound[:n]) for n in (40, 400)])
    (short, whole), (short_0, whole_0) = np.mean(ours, 0), np.mean(usual, 0)
    assert abs(short / whole - 1) < .01 and short_0 / whole_0 < .95


# ---- the matrix --------------------------------------------------------------------------------------------------
def planted() -> Lab:
    """Records of 5 actors with 2 clips each: lip range sees lips, closures kept is blind, in sync is right unevenly,
    d0 goes the wrong way, CSIM is moved by blur, and the offset is moved a little by it."""
    defects, rng = ("late", "lips_small", "closures", "identity", "blur"), np.random.default_rng(0)
    out = Lab(defects, card={"actors": 5, "clips": 10, "seed": 0, "crop": 96, "judges": {"identity": "none"}})
    for c in range(10):
        clip = f"V{c // 2}_{c}"
        first = {k: float(rng.normal()) for k in LAB_SCORES if k != "face_fid"}
        out.add(clip, f"V{c // 2}", "none", {0: first}, {})
        for d in defects:
            films = {}
            for k in range(1, len(DEFECTS[d].doses)):
                noise = {s: v + float(.01 * rng.normal()) for s, v in first.items()}
                if d == "lips_small":
                    noise["lip_range"] -= .2 * k
                if d == "late":
                    noise |= {"d0": first["d0"] - .1 * k, "offset": first["offset"] + k,
                              "in_sync": first["in_sync"] - (.4, .9, .4, .3)[k - 1]}
                if d == "identity":
                    noise["csim"] -= .1 * k
                if d == "blur":
                    noise |= {"csim": noise["csim"] - .08 * k, "offset": noise["offset"] + .05 * k}
                films[k] = noise
            out.add(clip, f"V{c // 2}", d, films, {})
    return out


def test_planted_scores_get_their_words():
    found = planted()
    words = {s: {d: found.cell(s, d).word for d in found.defects} for s in LAB_SCORES}
    assert words["lip_range"]["lips_small"] == "ok" and found.cell("lip_range", "lips_small").least == 1
    assert words["closed"]["closures"] == "blind" and "blind: closures" in found.marked("closed")
    assert words["d0"]["late"] == "wrong way" and words["offset"]["late"] == "ok"
    assert words["in_sync"]["late"] == "uneven"
    assert words["csim"]["identity"] == "ok" and words["csim"]["blur"] == "moved"
    assert found.cell("csim", "blur").share == pytest.approx(.8, rel=.1) and "moved: blur" in found.marked("csim")
    assert words["offset"]["blur"] == "still"                       # told from none, but a twentieth of its own defect
    assert words["face_fid"]["blur"] == "none" and found.marked("lip_range") == []


def test_the_smallest_dose_is_that_from_which_all_are_told():
    def m(low, high):
        return Mean((low + high) / 2, low, high, 9, 4)

    assert matrix.smallest((m(-1, 1), m(.1, 2), m(1, 3))) == 2
    assert matrix.smallest((m(.1, 1), m(-1, 2), m(1, 3))) == 3 and matrix.smallest((m(1, 2), m(-1, 1))) is None
    assert matrix.smallest((m(-2, -1), m(1, 2))) == 2
    assert matrix.spearman(np.array([1, 2, 3, 9.])) == pytest.approx(1) and matrix.spearman(np.ones(4)) == 0
    assert np.isnan(matrix.spearman(np.array([1, np.nan, 2])))


def test_frechet_distance_of_halves_falls_and_its_line_ends_near_zero():
    x = np.random.default_rng(3).normal(size=(700, 8))
    found = matrix.halves(x)
    assert found["value"][0] > 2 * found["value"][-1] > 0 and abs(found["infinite"]) < .5 * found["value"][-1]
    assert matrix.halves(x[:20])["n"] == []


def test_reports_say_what_the_matrix_says(tmp_path):
    out = report.write(planted(), tmp_path / "lab")
    assert {p.name for p in out.iterdir()} == set(report.FILES)
    page = (out / "lab.md").read_text()
    line = next(x for x in page.splitlines() if x.startswith("| closures kept |"))
    assert "BLIND" in line and "blind: closures" in line and "| lip range |" in page
    content = json.loads((out / "lab.json").read_text())
    assert content["scores"]["lip_range"]["cells"]["lips_small"]["word"] == "ok"
    signs = [t.get_text() for t in figures.heat_map(content).axes[0].texts]
    assert len(signs) == len(LAB_SCORES) * 5 and {"✓", "blind", "!", "~", "wrong"} <= set(signs)
    table = (out / "lab.csv").read_text().splitlines()
    assert table[0] == "clip,actor,defect,dose,score,value" and len(table) > 1000


# ---- the run -----------------------------------------------------------------------------------------------------
def test_a_run_is_resumed_and_damaged_records_are_made_again(tmp_path, monkeypatch):
    monkeypatch.setattr(crops, "landmarks", bars.read_landmarks)
    monkeypatch.setattr(report, "write", lambda *a: None)
    for name, doses in (("late", (0, 2, 8)), ("flicker", (0, 2, 8))):                     # fewer doses, in less time
        monkeypatch.setitem(DEFECTS, name, replace(DEFECTS[name], doses=doses))
    done = []
    real = run.work
    monkeypatch.setattr(run, "work", lambda *a: (done.append(a[0].defect), real(*a))[1])
    ways = dict(actors=1, clips=1, defects="late, flicker", judges=bars.knowing(), workers=1)
    first = lab(tmp_path / "lab", **ways)
    assert done == ["none", "late", "flicker"] and first.cell("flicker", "flicker").word == "too few"
    assert first.difference("flicker", "flicker", 2).value > first.difference("flicker", "flicker", 1).value > 0
    assert first.difference("psnr", "late", 2).value == 0           # the picture is as it was
    done.clear()
    path = next((tmp_path / "lab/records").glob("*flicker*"))
    path.write_bytes(path.read_bytes()[:100])
    again = lab(tmp_path / "lab", **ways)
    assert done == ["flicker"] and again.values.keys() == first.values.keys()
    assert again.difference("flicker", "flicker", 2).value == first.difference("flicker", "flicker", 2).value
    other = bars.knowing(judge_sync={"sha256": "1" * 64})
    files = {run._unit(*run.own_cast(1, 1, 0)[0], "late", js).file for js in (ways["judges"], other)}
    assert len(files) == 2 and sum((tmp_path / "lab/records" / f).exists() for f in files) == 1


def test_who_plays(tmp_path):
    cast = run.own_cast(4, 2, 0)
    assert len({m.seed for m, _, _ in cast}) == 4 and all(o != m.seed for m, _, o in cast)
    assert {p.emotion for _, p, _ in cast} == {"ANG", "DIS", "FEA", "HAP", "NEU", "SAD"}
    from tfg.actors.make import manifest

    (tmp_path / "set.json").write_text(json.dumps(manifest(actors=6, portraits=0, clips=3, size=64)))
    mine = run.set_cast(tmp_path, 2)
    assert all(m.split == "test" for m, _, _ in mine) and len(mine) == 2 * len({m.name for m, _, _ in mine})
    (tmp_path / "set.json").write_text(json.dumps(manifest(actors=9, portraits=0, clips=3, size=64, only=("train",))))
    with pytest.raises(InputError, match="0 built faces of the split test"):
        run.set_cast(tmp_path, 2)


def test_bad_input_is_refused(tmp_path, capsys):
    assert main(["lab", "--out", str(tmp_path), "--defects", "blur,hair"]) == 2
    assert "there is no defect 'hair'" in capsys.readouterr().err and not list(tmp_path.iterdir())
    with pytest.raises(InputError, match="0 actors"):
        run.own_cast(0, 1, 0)
