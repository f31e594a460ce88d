"""The metric lab: one property of a virtual actor is changed by a known amount, and scores must react."""
from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

import scored_store as bars
from tfg.faces import crops
from tfg.faces.face_region import face_region
from tfg.faces.geometry import eye_distance
from tfg.scores import judges, measure
from tfg.vocabulary import EXPRESSION, INDEX

FRAMES, SIZE = 14, 128


@pytest.fixture(scope="module")
def actor():
    from tfg.actors.identity import Identity
    from tfg.actors.virtual import VirtualActor

    return VirtualActor(Identity.from_seed(5), name="V001", size=SIZE)


def speech(actor, by: float = 1.0) -> np.ndarray:
    """Expression (FRAMES, 52) of a jaw that opens and closes, `by` times as far."""
    out = np.zeros((FRAMES, len(EXPRESSION)), np.float32)
    out[:, INDEX["jawOpen"]] = by * .5 * (1 - np.cos(np.arange(FRAMES) * 2 * np.pi / 7)) / 2
    return actor.personal(out)


def video(actor, by: float = 1.0) -> np.ndarray:
    return np.stack([actor.render(e) for e in speech(actor, by)])


@pytest.fixture(scope="module")
def truth(actor):
    """Frames, and the landmarks measured in them."""
    frames = video(actor)
    return frames, crops.landmarks(frames)[..., :2]


def test_the_meter_sees_tight_crops_where_their_points_are(actor, truth):
    frames, points = truth
    x, y, side = 20, 16, 92                                    # cut so tight that hair and chin touch the edge
    tight = np.stack([cv2.resize(f[y:y + side, x:x + side], (96, 96)) for f in frames])
    found = crops.landmarks(tight)[..., :2] * side / 96 + [x, y]
    true = np.stack([actor.landmarks(e)[:, :2] for e in speech(actor)])
    for got in (found, points):
        assert np.isfinite(got).all()
        assert (np.linalg.norm(got - true, axis=2).mean(1) / eye_distance(true)).max() < .07
        assert measure.lips(got.astype(np.float32), true)["aperture_r"] > .8


def test_mouths_that_open_less_score_worse_the_less_they_open(actor, truth):
    frames, points = truth
    got = [measure.lips(crops.landmarks(video(actor, by)), points) for by in (.75, .4, 0)]
    lmd = [g["lmd_mouth"] for g in got]
    assert 0 < lmd[0] < lmd[1] < lmd[2] and got[2]["lmd_face"] < lmd[2]
    assert got[0]["aperture_r"] > .9


def test_blur_lowers_ssim_and_psnr_step_by_step_and_hardly_moves_landmarks(truth):
    frames, points = truth
    mask = {"mask": face_region(SIZE)}
    blurred = [np.stack([cv2.GaussianBlur(f, (0, 0), s) for f in frames]) for s in (.5, 1, 2)]
    got = [measure.pictures(b, frames, mask) for b in blurred]
    for key in ("ssim", "ssim_mask", "psnr", "psnr_mask"):
        values = [g[key] for g in got]
        assert values == sorted(values, reverse=True), key
    assert measure.lips(crops.landmarks(blurred[0]), points)["lmd_mouth"] < .03


def test_late_lips_lower_r_and_not_the_pictures_of_a_still_background(truth):
    frames, points = truth
    r = [measure.lips(np.roll(points, k, 0), points)["aperture_r"] for k in (0, 1, 2, 3)]
    assert r == sorted(r, reverse=True) and r[3] < 0 < r[0] == pytest.approx(1)


def test_psnr_is_of_floats():
    true = np.full((3, 16, 16, 3), 200, np.uint8)
    got = measure.pictures(true - np.uint8(20), true, {"mask": np.ones((16, 16))})
    assert got["psnr"] == got["psnr_mask"] == pytest.approx(20 * np.log10(255 / 20))     # bytes would say more


def test_pictures_equal_to_the_truth_are_left_out_of_psnr():
    true = np.full((3, 16, 16, 3), 200, np.uint8)
    drawn = true.copy()
    drawn[1:] -= 20
    got = measure.pictures(drawn, true, {})
    assert got["psnr"] == pytest.approx(20 * np.log10(255 / 20)) and measure.pictures(true, true, {})["psnr"] == np.inf


def test_each_mask_has_its_own_columns(truth):
    frames, _ = truth
    left = np.zeros((SIZE, SIZE))
    left[:, :SIZE // 2] = 1
    spoiled = frames.copy()
    spoiled[:, :, :SIZE // 2] //= 2
    got = measure.pictures(spoiled, frames, {"mask": 1 - left, "drawn": left})
    assert got["psnr_mask"] == np.inf and got["psnr_drawn"] < got["psnr"] < 40
    assert got["ssim_mask"] > .95 > got["ssim"] > got["ssim_drawn"]     # windows at the edge see both halves


def test_lips_that_were_not_measured_are_nan():
    points = np.full((5, 478, 2), np.nan, np.float32)
    got = measure.lips(points, points)
    assert got["found"] == 0 and np.isnan(got["lmd_mouth"]) and np.isnan(got["aperture_r"])
    assert not measure.moves(points)
    still = np.repeat(np.random.default_rng(0).uniform(0, 90, (1, 478, 2)), 5, 0).astype(np.float32)
    assert not measure.moves(still) and measure.lips(still, still)["found"] == 1


# ---- the whole way ----------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder of untrained judges."""
    from tfg.experts.encoder.network import JUDGES, FaceEncoder
    from tfg.experts.syncnet.judge import PROFILES as SYNC
    from tfg.experts.syncnet.judge import SyncJudge
    from tfg.networks import checkpoint

    folder = tmp_path_factory.mktemp("networks")
    torch.manual_seed(1)
    fair = {"data": "1 clip of 1 actor, split judge"}
    checkpoint.save(SyncJudge(SYNC["ci"]), folder / "judges", "judge_sync", fair)
    checkpoint.save(FaceEncoder(JUDGES["ci"]), folder / "judges" / "judge_encoder", "judge_encoder", fair)
    return folder


def test_judges_are_found_in_either_place_and_missed_where_they_are_not(trained, tmp_path):
    got = judges.load(trained / "judges")
    assert set(got.networks) == {"judge_sync", "judge_encoder", *judges.PUBLISHED}      # those others trained ship
    assert list(got.missing) == ["judge_emotion"]
    assert "split judge" in got.about("judge_sync") and got.about("judge_emotion").startswith("none")
    assert got.identity is not None
    empty = judges.load(tmp_path)
    assert set(empty.missing) >= set(judges.NAMES)


def test_the_command_and_its_workers(trained, tmp_path, monkeypatch, capsys):
    from test_toy_system import TOY_FILM, installed
    from tfg.cli import main
    from tfg.scores import score

    installed("toy_film", TOY_FILM, tmp_path, monkeypatch)
    store = bars.make_store(tmp_path / "store", actors=3)
    given = ["score", "--system", "toy_film", "--store", str(store.path), "--low", "50",
             "--judges", str(trained / "judges"), "--clips", "1", "--out", str(tmp_path / "out"), "--workers", "1"]
    assert main(given) == 0
    said = capsys.readouterr().out
    assert "LSE-D" in said and "against shuffled" in said and "note: no scores by judge_emotion" in said
    page = (tmp_path / "out" / "scores.md").read_text()
    assert "face-LPIPS" in page and "too few (" in page and "not measured" in page      # bars are no faces
    assert "- Options: low 50.0." in page
    again = score("toy_film", store, low=50, judges=trained / "judges", clips=1, workers=2, out=tmp_path / "two")
    assert (tmp_path / "two" / "scores.csv").read_bytes() == (tmp_path / "out" / "scores.csv").read_bytes()
    assert again.summary("toy_film", "face_lpips").clips == 2 and again.fid("copy")[1] == 2 * 8
    assert main([*given, "--split", "judge"]) == 2
