"""The metric lab: one thing of a virtual actor is broken by a known amount, and scores must say so; and systems."""
from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

import scored_store as bars
from tfg.errors import InputError
from tfg.faces import crops
from tfg.faces.geometry import eye_distance
from tfg.models.emogen import PROFILES, Emogen, face_mask
from tfg.scores import judges, measure
from tfg.scores.systems import emogen, system
from tfg.scores.targets import targets
from tfg.vocabulary import EXPRESSION, INDEX

FRAMES, SIZE = 14, 128


@pytest.fixture(scope="module")
def actor():
    from tfg.actors.identity import Identity
    from tfg.actors.virtual import VirtualActor

    return VirtualActor(Identity.from_seed(5), name="V001", size=SIZE)


def speech(actor, by: float = 1.0) -> np.ndarray:
    """(FRAMES, 52): a jaw that opens and closes, `by` times as far."""
    out = np.zeros((FRAMES, len(EXPRESSION)), np.float32)
    out[:, INDEX["jawOpen"]] = by * .5 * (1 - np.cos(np.arange(FRAMES) * 2 * np.pi / 7)) / 2
    return actor.personal(out)


def video(actor, by: float = 1.0) -> np.ndarray:
    return np.stack([actor.render(e) for e in speech(actor, by)])


@pytest.fixture(scope="module")
def truth(actor):
    """Frames, and what the meter sees in them."""
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
    mask = face_mask(SIZE)
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
    got = measure.pictures(true - np.uint8(20), true, np.ones((16, 16)))
    assert got["psnr"] == got["psnr_mask"] == pytest.approx(20 * np.log10(255 / 20))     # bytes would say more


def test_pictures_equal_to_the_truth_are_left_out_of_psnr():
    true = np.full((3, 16, 16, 3), 200, np.uint8)
    drawn = true.copy()
    drawn[1:] -= 20
    got = measure.pictures(drawn, true, np.ones((16, 16)))
    assert got["psnr"] == pytest.approx(20 * np.log10(255 / 20)) and measure.pictures(true, true, np.ones(
        (16, 16)))["psnr"] == np.inf


def test_lips_that_were_not_measured_are_nan():
    points = np.full((5, 478, 2), np.nan, np.float32)
    got = measure.lips(points, points)
    assert got["found"] == 0 and np.isnan(got["lmd_mouth"]) and np.isnan(got["aperture_r"])
    assert not measure.moves(points)
    still = np.repeat(np.random.default_rng(0).uniform(0, 90, (1, 478, 2)), 5, 0).astype(np.float32)
    assert not measure.moves(still) and measure.lips(still, still)["found"] == 1


# ---- systems ----------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return targets(bars.make_store(tmp_path_factory.mktemp("bars") / "store", actors=2))[0]


class Mixer(torch.nn.Module):
    """Draws all that it is given, beside and over each other: nothing that reaches it stays unseen."""

    config = PROFILES["ci"]

    def forward(self, mel, emotion, masked, reference):
        heard = torch.sigmoid(mel.mean((2, 3)))[..., None, None, None]                     # (1, T, 1, 1, 1)
        felt = (emotion * torch.arange(1, 7)).sum() / 6
        return (.4 * masked.roll(12, -1) + .2 * reference + .2 * heard + .2 * felt).expand_as(masked)


@pytest.fixture(scope="module")
def network():
    return Mixer()


def test_what_is_hidden_cannot_be_seen(clip, network):
    """The target's face may be anything: what is drawn of it stays the same."""
    mask = face_mask(clip.size)
    other = clip.frames.copy()
    other[:, mask > 0] = np.random.default_rng(0).integers(0, 255, other[:, mask > 0].shape, np.uint8)
    a, b = (emogen(network)(replace(clip, frames=frames)) for frames in (clip.frames, other))
    assert a.shape == clip.frames.shape and a.dtype == np.uint8
    assert np.array_equal(a[:, mask == 1], b[:, mask == 1])
    assert np.array_equal(a[:, mask == 0], clip.frames[:, mask == 0])          # and around it nothing is drawn
    assert not np.array_equal(a[:, mask == 1], clip.frames[:, mask == 1])


@pytest.mark.parametrize("size", [48, 96])
def test_the_system_is_asked_with_sound_emotion_and_reference(clip, network, size):
    big = {k: np.stack([cv2.resize(f, (size, size)) for f in getattr(clip, k)]) for k in ("frames", "reference")}
    clip = replace(clip, **big)
    draw = emogen(network)
    drawn = draw(clip)
    assert drawn.shape == clip.frames.shape
    assert np.array_equal(drawn, draw(clip))
    centre = (slice(None), slice(size // 2 - 4, size // 2 + 4), slice(size // 2 - 4, size // 2 + 4))
    for change in (dict(mel=clip.other_mel), dict(emotion="SAD"), dict(intensity=.1),
                   dict(reference=255 - clip.reference)):
        assert not np.array_equal(draw(replace(clip, **change))[centre], drawn[centre]), change
    one = replace(clip, frames=clip.frames[20:21], mel=clip.mel[20:21], reference=clip.reference[20:21])
    assert np.array_equal(draw(one)[0], drawn[20])                             # whatever batch it is in


def test_unknown_emotions_are_drawn_as_neutral(clip, network):
    draw = emogen(network)
    assert np.array_equal(draw(replace(clip, emotion=None, intensity=0.0)),
                          draw(replace(clip, emotion="NEU", intensity=0.0)))


# ---- the whole way ----------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Folders of a generator and of judges, all as they are born."""
    from tfg.models import checkpoint
    from tfg.models.encoder import JUDGES, FaceEncoder
    from tfg.models.judge_sync import PROFILES as SYNC
    from tfg.models.judge_sync import SyncJudge

    folder = tmp_path_factory.mktemp("networks")
    torch.manual_seed(1)
    fair = {"data": "1 clip of 1 actor, split judge"}
    checkpoint.save(Emogen(PROFILES["ci"]), folder / "emogen", "emogen", {"data": "nothing", "steps": 0})
    checkpoint.save(SyncJudge(SYNC["ci"]), folder / "judges", "judge_sync", fair)
    checkpoint.save(FaceEncoder(JUDGES["ci"]), folder / "judges" / "judge_encoder", "judge_encoder", fair)
    return folder


def test_judges_are_found_in_either_place_and_missed_where_they_are_not(trained, tmp_path):
    got = judges.load(trained / "judges")
    assert set(got.networks) == {"judge_sync", "judge_encoder"} and list(got.missing) == ["judge_emotion"]
    assert "split judge" in got.about("judge_sync") and got.about("judge_emotion").startswith("none")
    assert got.identity is not None
    empty = judges.load(tmp_path)
    assert set(empty.missing) >= set(judges.NAMES)


def test_the_command_and_its_workers(trained, tmp_path, capsys):
    from tfg.cli import main
    from tfg.scores import score

    store = bars.make_store(tmp_path / "store", actors=3)
    given = ["score", "--system", "emogen", "--store", str(store.path), "--checkpoint", str(trained / "emogen"),
             "--judges", str(trained / "judges"), "--clips", "1", "--out", str(tmp_path / "out"), "--workers", "1"]
    assert main(given) == 0
    said = capsys.readouterr().out
    assert "LSE-D" in said and "against shuffled" in said and "note: no scores by judge_emotion" in said
    page = (tmp_path / "out" / "scores.md").read_text()
    assert "face-LPIPS" in page and "too few (" in page and "not measured" in page      # bars are no faces
    again = score("emogen", store, checkpoint=trained / "emogen", judges=trained / "judges", clips=1, workers=2,
                  out=tmp_path / "two")
    assert (tmp_path / "two" / "scores.csv").read_bytes() == (tmp_path / "out" / "scores.csv").read_bytes()
    assert again.summary("emogen", "face_lpips").clips == 2 and again.fid("copy")[1] == 2 * 8
    assert main([*given, "--split", "judge"]) == 2
    with pytest.raises(InputError, match="emogen is not in"):
        system("emogen", tmp_path)
