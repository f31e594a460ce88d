"""Scoring from end to end on faces that are bars: rows, intervals, differences, splits, judges that may not judge."""
from __future__ import annotations

import csv
import hashlib
import io
import json
from dataclasses import replace

import numpy as np
import pytest

import scored_store as bars
from tfg.corpora.store import Row, Store, StoreWriter
from tfg.errors import InputError
from tfg.faces import crops
from tfg.scores import score, table
from tfg.scores.judges import check
from tfg.scores.results import better
from tfg.scores.targets import targets
from tfg.vocabulary import EMOTIONS


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    return bars.make_store(tmp_path_factory.mktemp("bars") / "store")


@pytest.fixture(autouse=True)
def meter(monkeypatch):
    monkeypatch.setattr(crops, "landmarks", bars.read_landmarks)


def level_of(target) -> np.ndarray:
    """Loudness (T,) of the sound that a system is given."""
    return bars.heard(target.wave)


def level_of_mel(target) -> np.ndarray:
    """Loudness (T,) of the mel that judges are given."""
    return (target.mel[:, :, 7:9].mean((1, 2)) + 3) / 6


def who(target) -> int:
    return int(target.actor[-1])


def listens(target):
    """A system without errors: it draws lips by the sound and brows by the emotion."""
    return bars.picture(np.clip(level_of(target), 0, 1), target.emotion, who(target))


def run(draw, store, **how):
    return score(draw, store, **{"workers": 1, "judges": bars.knowing(), **how})


@pytest.fixture(scope="module")
def found(store):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crops, "landmarks", bars.read_landmarks)
        return run(listens, store)


def value(found, row, key, group=None):
    return found.summary(row, key, group).value


def test_a_system_that_listens_beats_still_and_shuffled_with_intervals_that_say_so(found):
    for key in ("lmd_mouth", "aperture_r", "lse_d", "lse_c", "d0", "ssim", "psnr"):
        for other in ("shuffled", "still")[:1 if key == "ssim" else 2]:
            assert better(key, found.difference(key, other)) == "better", (key, other)
    assert better("accuracy", found.difference("accuracy", "copy")) == "better"
    assert value(found, "listens", "aperture_r") > .95 and abs(value(found, "listens", "offset")) < .2
    clips, actors = found.n()
    assert (clips, actors) == (12, 4) and found.groups == ("all", "virtual", "portrait")
    assert found.n("virtual")[1] == 2 and found.n("portrait")[1] == 2
    m = found.summary("listens", "lse_d")
    assert m.low < m.value < m.high and (m.clips, m.actors) == (12, 4)


def test_what_draws_the_truth_has_the_best_scores_there_are(store):
    got = run(lambda target: target.frames, store, name="perfect")
    assert value(got, "perfect", "lmd_face") == 0 and value(got, "perfect", "ssim") == pytest.approx(1)
    assert value(got, "perfect", "aperture_r") == pytest.approx(1)
    assert got.summary("perfect", "psnr") is None and "| equal |" in table.markdown(got)
    assert value(got, "perfect", "lse_d") == value(got, "true", "lse_d")


def test_a_still_picture_has_no_correlation_and_counts_as_none(found):
    assert found.summary("still", "aperture_r") is None and found.undefined("still", "aperture_r") == 12
    assert "lips do not move" in table.markdown(found)
    d = found.difference("aperture_r", "still")
    assert d.clips == 12 and d.value == pytest.approx(value(found, "listens", "aperture_r"))


def test_still_leaves_its_own_frame_out_of_psnr(store, found):
    still = found.where("still")
    assert all(np.isfinite(c["psnr"]) for c in still)


@pytest.mark.parametrize("late", [-4, 2, 5])
def test_lips_that_are_late_are_found_by_the_offset_and_by_nothing_that_cannot_know(store, found, late):
    def lagging(target):
        return np.roll(listens(target), late, 0)

    got = run(lagging, store, rows=("true",))
    assert all(c["offset"] == -late for c in got.where("lagging"))       # frame i fits the sound of frame i - late
    assert value(got, "lagging", "in_sync") == 0 and value(got, "true", "in_sync") == 1
    assert value(got, "lagging", "lse_d") < value(got, "lagging", "d0")  # LSE-D alone forgives the lag
    assert value(got, "lagging", "accuracy") == 1
    assert value(got, "lagging", "aperture_r") < .8


def test_another_emotion_is_seen_by_the_emotion_judge_alone(store, found):
    def moody(target):
        return bars.picture(np.clip(level_of(target), 0, 1), EMOTIONS[(EMOTIONS.index(target.emotion) + 1) % 6],
                            who(target))

    got = run(moody, store, rows=("true",))
    assert value(got, "moody", "accuracy") == 0 and value(found, "listens", "accuracy") == 1
    for key in ("lmd_mouth", "aperture_r", "lse_d", "lse_c", "offset"):
        assert value(got, "moody", key) == pytest.approx(value(found, "listens", key), abs=1e-6), key
    confusion = got.confusion("moody")
    assert np.trace(confusion) == 0 and confusion.sum() == 12


def test_wider_mouths_score_worse_the_wider_they_are(store):
    def wide(by):
        def draw(target):
            return bars.picture(np.clip(level_of(target) * by, 0, 1.19), target.emotion, who(target))
        return value(run(draw, store, rows=("true",), name="wide"), "wide", "lmd_mouth")

    got = [wide(by) for by in (1, .7, .4, .1)]
    assert got == sorted(got) and got[-1] > 3 * got[0]


def test_frames_without_a_face_are_counted_and_shown(store):
    def gaps(target):
        out = listens(target)
        out[10:15] = 0
        return out if who(target) else np.zeros_like(out)

    got = run(gaps, store, rows=("true", "still"))
    assert got.undefined("gaps", "lmd_mouth") == 3 and "(9 of 12)" in table.markdown(got)
    assert value(got, "gaps", "found", "virtual") == pytest.approx(31 / 36)
    assert got.difference("aperture_r", "still").clips == 9               # not measured is not the same as not moving


def test_the_judges_own_accuracy_is_in_the_table(found):
    own = found.judged()
    assert own["shifts"].value == 1 and own["emotion"].value == 1 and own["emotion_HI"].clips == 4
    assert own["identity"] is None and own["lmd_mouth"].value < .02 and own["aperture_r"].value > .99
    text = table.markdown(found)
    assert "known shifts of the sound found within 1 frame | 1.000" in text and "none: none for tests" in text
    for line in [x for x in text.splitlines() if x.startswith("*")]:
        assert "split test" in line and "48 px" in line


def test_faces_are_compared_by_the_encoder(store):
    from tfg.experts.encoder.network import JUDGES, FaceEncoder
    from tfg.scores.identity import identity_judge

    held, network = bars.knowing(), FaceEncoder(JUDGES["ci"]).eval()
    held.networks["judge_encoder"], held.identity = network, identity_judge("encoder", network)

    def half(target):
        return target.frames if who(target) % 2 else target.reference

    got = run(half, store, judges=held, rows=("true", "copy"))
    assert value(got, "half", "face_lpips", "virtual") == 0 < value(got, "half", "face_lpips", "portrait")
    assert value(got, "half", "face_lpips", "portrait") == value(got, "copy", "face_lpips", "portrait")
    assert value(got, "half", "csim", "virtual") > value(got, "half", "csim", "portrait")
    assert got.fid("half", "virtual") == (pytest.approx(0, abs=1e-6), 48)
    assert got.fid("half")[0] > 0 and got.judged()["identity"].clips == 12
    assert "| **half** | " in table.markdown(got) and got.summary("true", "csim") is None


def test_files(found, tmp_path):
    table.write(found, tmp_path / "out")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == sorted(table.FILES)
    lines = list(csv.DictReader(io.StringIO((tmp_path / "out" / "scores.csv").read_text())))
    per = {(x["clip"], x["row"]) for x in lines}
    assert len(per) == 12 * 5 and {x["score"] for x in lines if x["row"] == "still"} == set(found.columns)
    one = next(x for x in lines if x["row"] == "still" and x["score"] == "aperture_r")
    assert one["value"] == ""                                             # shown, and empty
    data = json.loads((tmp_path / "out" / "scores.json").read_text())
    assert data["card"]["stores"][0]["references"] == {"other emotion": 12} and data["card"]["split"] == "test"
    assert data["groups"]["all"]["rows"]["listens"]["lse_d"]["clips"] == 12
    assert len(data["groups"]["all"]["curves"]["true"]) == 31


def test_the_same_seed_gives_the_same_files(store, tmp_path):
    sums = []
    for name in ("a", "b"):
        run(listens, store, out=tmp_path / name, clips=1)
        sums.append([hashlib.sha256((tmp_path / name / f).read_bytes()).hexdigest() for f in table.FILES])
    assert sums[0] == sums[1]
    ids = [[(t.reference_id, t.other_id) for t in targets(store, seed=seed)] for seed in (0, 0, 1)]
    assert ids[0] == ids[1] != ids[2]


def test_a_second_store_is_a_group_of_its_own(store, tmp_path):
    """Real clips: kept for testing, so that they need no table of splits; of some nobody knows who they are."""
    with StoreWriter(tmp_path / "real", size=bars.SIZE) as writer:
        for k, (corpus, actor, mood) in enumerate((("crema_d", "1001", "ANG"), ("crema_d", "1001", "HAP"),
                                                   ("grid", None, None), ("grid", None, None))):
            level = bars.loudness(90 + k)
            writer.append(Row(f"{corpus}/x{k}", corpus, actor, emotion=mood, level="XX"),
                          list(bars.picture(level, mood or "NEU", 9)), bars.mel_of(level), bars.sound_of(level))

    def knows(target):
        return bars.picture(np.clip(level_of(target), 0, 1), target.emotion or "NEU", 9)

    got = run(knows, store, real=tmp_path / "real", clips=1)
    assert got.groups == ("all", "virtual", "portrait", "real") and got.n("real") == (3, 2)
    assert got.card["stores"][1]["references"] == {"other emotion": 1, "same clip": 2}
    assert got.summary("knows", "accuracy", "real").clips == 1             # two have no emotion to be named
    assert got.judged("real")["shifts"].value == 1 and got.judged("real")["emotion_HI"] is None
    alone = run(knows, tmp_path / "real")
    assert alone.groups == ("real",) and "## Real clips: 4 clips, 2 actors" in table.markdown(alone)


# ---- who may be scored, and who may judge -----------------------------------------------------------------------
def test_judge_actors_are_never_scored(store):
    with pytest.raises(InputError, match="judge"):
        run(listens, store, split="judge")
    assert not {c["actor"] for c in run(listens, store, clips=1, rows=("true",)).clips} & {"actors/V4"}


@pytest.mark.parametrize("card, checkpoint, what", [
    ({"data": "9 clips, split train"}, None, "names the split 'train'"),
    ({"data": "some"}, None, "does not name the split of its training"),
    ({"data": {"split": "judge"}, "actors": ["actors/V1", "actors/V9"]}, None, "learned from actors/V1"),
    ({"sha256": "a" * 64}, {"experts": {"syncnet": "a" * 64}}, "trained against"),
    ({"sha256": "a" * 64}, {"experts": {"emotion": {"sha256": "a" * 64}}}, "trained against")])
def test_circular_judges_are_refused(store, card, checkpoint, what):
    with pytest.raises(InputError, match=what):
        run(listens, store, judges=bars.knowing(judge_emotion=card), card=checkpoint)


def test_fair_judges_are_not(store):
    fair = {"data": {"split": "judge"}, "actors": ["actors/V4"], "sha256": "b" * 64}
    check(bars.knowing(judge_sync=fair), {"actors/V0"}, {"experts": {"syncnet": "a" * 64}})


@pytest.mark.parametrize("how, what", [
    (dict(rows=("best",)), "no row 'best'"), (dict(rows=()), 'must hold "true"'),
    (dict(workers=0), "workers is 0"), (dict(clips=0), "nothing to score"),
    (dict(judges="/nowhere"), "no folder of judges"), (dict(task="song"), "no task 'song'; choose film or portrait"),
    (dict(name="still"), "row cannot be called still")])
def test_bad_input(store, how, what):
    with pytest.raises(InputError, match=what):
        run(listens, store, **how)


def test_clips_that_a_system_refuses_are_in_no_row(store):
    from tfg.scores.draw import NotDrawn

    def shy(target):
        if target.emotion == "HAP":
            raise NotDrawn("no face was found.")
        return listens(target)

    for workers in (1, 2):
        got = run(shy, store, workers=workers)
        assert got.n() == (8, 4) and not [c for c in got.clips if c["emotion"] == "HAP"]
        assert list(got.refused) == [f"actors/V{k}_HAP" for k in range(4)]
    assert "- Refused by the system, and so in none of the rows: actors/V0_HAP (no face was found)." in \
        table.markdown(got)

    def never(target):
        raise NotDrawn("no face was found.")

    with pytest.raises(InputError, match="never refused all 12 clips; of actors/V0_ANG it says: no face was found"):
        run(never, store)


def test_systems_that_draw_something_else(store):
    with pytest.raises(InputError, match=r"drew \(36, 48, 48, 3\) float64 .* but \(36, 48, 48, 3\) uint8 is needed"):
        run(lambda target: target.frames / 255, store)
    with pytest.raises(InputError, match="unknown system 'magic'; there is expression"):
        score("magic", store)


# ---- the clips --------------------------------------------------------------------------------------------------
def test_targets(store):
    ours = targets(store, clips=2)
    assert len(ours) == 8 and len(targets(store)) == 12
    for t in targets(store):
        own, of = t.id.split("/")[1].split("_"), t.reference_id.split("/")[1].split("_")
        assert own[0] == of[0] and own[1] != of[1] and t.reference_from == "other emotion"
        assert t.other_id.split("_")[0] == t.id.split("_")[0] and t.other_id != t.id
        assert not np.array_equal(t.wave, t.other_wave) and t.wave.shape == t.other_wave.shape == (36 * 640,)
        assert t.mel.shape == (36, 80, 16) and np.abs(level_of_mel(t) - level_of(t)).mean() < .03
        assert (t.photo_from, t.photo_id) == ("first frame", t.id) and np.array_equal(t.photo, t.frames[0])
        assert t.intensity == pytest.approx({"HI": .8, "MD": .6, "LO": .4}[t.level])
        assert t.frames.shape == t.reference.shape and not np.array_equal(t.frames, t.reference)
    per_actor = [t.emotion for t in ours if t.actor == "actors/V0"]
    assert len(set(per_actor)) == 2


def test_the_photo_is_of_a_neutral_take_where_there_is_one(tmp_path):
    """The frame nearest to rest of another take that is neutral; else the clip's own first frame."""
    from tfg.scores.targets import rest_frame

    calm = np.full((bars.FRAMES, 52), .2)
    calm[7] = .01
    store = bars.make_store(tmp_path / "store", actors=3, moods=("NEU", "HAP"), expression=calm,
                            bad={"actors/V1_NEU": [7]})
    by_id = {t.id: t for t in targets(store)}
    happy, neutral, gap = (by_id[f"actors/{name}"] for name in ("V0_HAP", "V0_NEU", "V1_HAP"))
    assert (happy.photo_id, happy.photo_from) == (neutral.id, "neutral take")
    assert np.array_equal(happy.photo, neutral.frames[7])
    assert (neutral.photo_id, neutral.photo_from) == (neutral.id, "first frame")
    assert np.array_equal(neutral.photo, neutral.frames[0])
    start = store.by_id["actors/V1_NEU"].start
    assert rest_frame(store, store.by_id["actors/V1_NEU"]) == start + 8          # not the frame that is not ok
    assert np.array_equal(gap.photo, store.frame(start + 8))
    card = run(listens, store, rows=("true",)).card["stores"][0]
    assert card["photos"] == {"first frame": 2, "neutral take": 2}


def test_stores_that_keep_no_sound_are_refused(tmp_path):
    from test_corpora_store import as_of_version_1

    old = as_of_version_1(bars.make_store(tmp_path / "store", actors=2).path)
    with pytest.raises(InputError, match="prepared by an older tfg.*prepare it again with `tfg corpora prepare`"):
        run(listens, old)


def test_stores_of_other_crops_are_refused(tmp_path):
    store = bars.make_store(tmp_path / "store", actors=2)
    (store.path / "prepare.json").write_text('{"margin": [0.35, 0.55, 0.35, 0.25]}')
    with pytest.raises(InputError, match="margins 0.35, 0.55, 0.35, 0.25, but the judges' crops have 0.05, 0.15"):
        run(listens, store)


# ---- one photo ----------------------------------------------------------------------------------------------------
def test_systems_that_animate_one_photo_have_their_own_still_and_no_pixel_scores(store):
    got = run(listens, store, task="portrait")
    assert got.task == "portrait" and value(got, "listens", "aperture_r") > .95
    for row in got.rows:
        for key in ("psnr", "ssim_mask", "face_lpips", "lmd_mouth", "lmd_face"):
            assert got.summary(row, key) is None and not got.defined(row, key), (row, key)
    assert better("lse_d", got.difference("lse_d", "shuffled")) == "better"
    text = table.markdown(got)
    assert text.startswith("# Scores of `listens`, from one photo") and "**still**: the photo, held" in text
    assert "Not defined for one photo, whose head moves otherwise than the true film's: PSNR, dB, SSIM," in text
    row = next(x for x in text.splitlines() if x.startswith("| **listens** | – |"))
    assert row.count("–") >= 5 and "PSNR, dB ↑ | no clip" not in text
    assert "psnr" not in table.as_json(got)["groups"]["all"]["rows"]["listens"]


def test_still_is_the_photo_or_the_first_frame(store):
    from tfg.scores.draw import rows_of

    target = replace(targets(store)[0], photo=np.full((bars.SIZE, bars.SIZE, 3), 9, np.uint8))
    film, photo = (rows_of(target, listens, ("still",), task)["still"] for task in ("film", "portrait"))
    assert (film == target.frames[0]).all() and (photo == 9).all() and film.shape == photo.shape == target.frames.shape


def test_only_the_longest_run_of_usable_frames_is_scored(tmp_path):
    store = bars.make_store(tmp_path / "store", actors=3,
                            bad={"actors/V0_ANG": [30], "actors/V0_HAP": range(5, 31), "actors/V1_ANG": range(5)})
    ours = targets(store)
    assert [id for id, _ in ours.left_out] == ["actors/V0_HAP"] and len(ours) == 5
    first = ours[0]
    assert len(first.frames) == 30 and first.dropped == 6
    late = next(t for t in ours if t.id == "actors/V1_ANG")
    assert np.abs(level_of(late) - bars.loudness(3)[5:]).max() < 1e-4         # its sound is cut with it
    assert np.abs(level_of_mel(late) - level_of(late)).mean() < .03
    text = table.markdown(run(listens, store, rows=("true", "still")))
    assert "Left out: actors/V0_HAP has 5 usable frames" in text
