"""`deformable` as users call it: a photo, a film, all emotions of a folder, the studies."""
from __future__ import annotations

import csv

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from conftest import swelling_noise
from tfg import paths, registry
from tfg.errors import InputError
from tfg.media.audio import write_wav
from tfg.media.image import read_image
from tfg.media.video import write_video
from tfg.networks import checkpoint
from tfg.systems.animate import animate
from tfg.systems.base import Footage, Speech
from tfg.systems.deformable import act, emotions, network, paint, sound, study
from tfg.systems.deformable.options import DeformableOptions
from tfg.vocabulary import EMOTIONS

T = 15
SOUND = swelling_noise(T / 25)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A generator that moves a face by random fields and paints a little, in its folder."""
    torch.manual_seed(0)
    made = network.Deformable(network.PROFILES["ci"])
    side = network.PROFILES["ci"].size // 2
    fields = torch.nn.functional.interpolate(torch.randn(6, 2, 4, 4), (side, side), mode="bicubic")
    made.common.copy_(.4 * fields)
    with torch.no_grad():
        made.heads.bias[3] = 1.0
        for part in (made.weights[-1].weight, made.noise.weight_ih_l0, made.speech.weight_ih_l0, made.ears.join.weight):
            part.mul_(5)                                                  # so that whatever comes in is seen
    folder = tmp_path_factory.mktemp("deformable")
    checkpoint.save(made, folder, "deformable", {})
    return folder


@pytest.fixture(scope="module")
def photo():
    return cv2.resize(read_image(paths.data("faces", "default.jpg")), (256, 256), interpolation=cv2.INTER_AREA)


def frames_of(source, trained, seconds: float | None = None, **options) -> np.ndarray:
    audio = SOUND if seconds is None else swelling_noise(seconds)
    take = act.prepare(source, Speech(audio), DeformableOptions(checkpoint=trained, **options))
    return np.stack(list(take.frames))


@pytest.fixture(scope="module")
def plain(trained, photo):
    return frames_of(photo, trained)


def test_a_photo_speaks_and_only_its_face_changes(plain, photo):
    assert plain.shape == (T, *photo.shape)
    away = np.abs(plain.astype(int) - photo).max(-1)
    assert (away[:, :8] == 0).all() and (away[:, :, :8] == 0).all()
    assert away[:, 90:220, 70:190].mean() > .5 and np.abs(np.diff(plain.astype(int), axis=0)).mean() > .05


@pytest.mark.parametrize("changed", [{"emotion": "SAD"}, {"noise_seed": 3}, {"blink": False}])
def test_options_reach_the_face(plain, photo, trained, changed):
    other = frames_of(photo, trained, **changed)
    assert np.abs(other.astype(int) - plain).max() > 3


def test_intensity_0_is_neutral(plain, photo, trained):
    calm = frames_of(photo, trained, emotion="HAP", intensity=0.0)
    assert np.abs(calm.astype(int) - plain).max() <= 1


def test_eyes_shut_when_the_noise_says_so(photo, trained, monkeypatch):
    """By landmarks of the lids, whatever the network makes of it; a film keeps its own blinks."""
    asked = []
    chance_of = act.chance_of

    def blinking(*given, blink, **others):
        asked.append(blink)
        found = chance_of(*given, blink=blink, **others)
        found[:, 0] = blink * (np.arange(len(found)) == 6)
        return found

    monkeypatch.setattr(act, "chance_of", blinking)
    lay, shares = paint.Painter.lay, []
    monkeypatch.setattr(paint.Painter, "lay", lambda self, answer, *others: shares.append(answer.shut)
                        or lay(self, answer, *others))
    frames_of(photo, trained)
    assert shares[6] == 1 and max(np.delete(shares, 6)) < .7 and min(shares) >= paint.WIDEST
    frames_of(Footage(np.stack([photo] * 3), photo), trained, blink=False)
    assert asked == [True, False]


@pytest.mark.parametrize("batch", [1, 4])
def test_the_batch_size_changes_nothing(plain, photo, trained, batch):
    assert np.abs(frames_of(photo, trained, batch_size=batch).astype(int) - plain).max() <= 1


def test_memory_that_runs_out_is_asked_again(plain, photo, trained, monkeypatch):
    """The painter's memory is that of before: the frames are the same."""
    draw, failed = network.Deformable.draw, []

    def fails_once(self, photo, told, *others):
        out = draw(self, photo, told, *others)
        if told.shape[1] == sound.LEAD + T and not failed:
            failed.append(True)
            raise MemoryError
        return out

    monkeypatch.setattr(network.Deformable, "draw", fails_once)
    with pytest.warns(UserWarning, match="out of memory"):
        again = frames_of(photo, trained)
    assert failed and np.abs(again.astype(int) - plain).max() <= 1


def test_what_is_heard_does_not_depend_on_the_pieces(trained):
    made, _ = network.load(trained)
    chance = act.chance_of(made, SOUND, emotion="HAP")
    whole, pieces = (act.listen(made, SOUND, chance, "HAP", piece=n) for n in (1000, 3))
    assert whole.shape[0] == sound.LEAD + T
    torch.testing.assert_close(whole, pieces, atol=1e-5, rtol=0)


def test_a_long_sound_ends_as_it_began(trained, photo):
    """A quarter of a minute of the same noise: the last seconds stay as near to the photo as the first."""
    crop = cv2.resize(photo, (64, 64), interpolation=cv2.INTER_AREA)
    film = frames_of(Footage(crop[None], crop), trained, seconds=16.0).astype(int)
    first, last = (np.abs(part - crop).mean() for part in (film[25:125], film[-100:]))
    assert last == pytest.approx(first, rel=.3)


def test_frames_without_a_face_stay_and_shift_nothing(trained, photo, tmp_path, monkeypatch):
    """(k) Frame 3 shows nobody: it stays, and frames 4 and on are drawn by their own sound, not by that of 3 and on."""
    film, asked = [photo] * 8, []
    film[3] = np.zeros_like(photo)
    between = paint.Painter._between
    monkeypatch.setattr(paint.Painter, "_between", lambda self, at: asked.extend(at) or between(self, at))
    write_video(tmp_path / "film.mp4", iter(film), swelling_noise(8 / 25), fps=25.0)
    with pytest.warns(UserWarning, match="no usable face in 1 of 8 frames"):
        drawn = frames_of(tmp_path / "film.mp4", trained, seconds=8 / 25)
    assert [round(k) for k in asked] == [0, 1, 2, 4, 5, 6, 7] and drawn[3].max() < 30
    assert len(drawn) == 8 and np.abs(drawn[5].astype(int) - drawn[4]).mean() > .01


def test_other_rates_are_drawn_by_what_lies_between(trained):
    made, _ = network.load(trained)
    told = torch.arange(sound.LEAD + 4.0)[:, None].expand(-1, 8)
    painter = paint.Painter(made, told, np.zeros(4), np.eye(2, 3)[None])
    found = painter._between(np.array([-.5, .25, 2.0, 9.0]))[:, 0] - sound.LEAD
    torch.testing.assert_close(found, torch.tensor([0, .25, 2, 3]))


# ---- all emotions ---------------------------------------------------------------------------------------------------
@pytest.fixture
def registered(monkeypatch):
    monkeypatch.setitem(registry.SYSTEMS, "deformable", "tfg.systems.deformable")


def test_a_film_is_compared_with_the_truth_of_its_own_emotion(registered, trained, photo, tmp_path):
    """(d) The true sad film is what was drawn: it scores as equal. The happy one, which would not, is not scored."""
    (tmp_path / "images").mkdir()
    Image.fromarray(photo).save(tmp_path / "images" / "1001_DFA_NEU_XX.png")
    write_wav(tmp_path / "voice.wav", SOUND)
    asked = dict(images=tmp_path / "images", audio=tmp_path / "voice.wav", emotions=("HAP", "SAD"), checkpoint=trained)
    rows = emotions.all_emotions(out=tmp_path / "first", **asked)                   # with a badge in the corner
    assert [row["file"] for row in rows] == ["1001_DFA_NEU_XX_HAP.mp4", "1001_DFA_NEU_XX_SAD.mp4"]
    assert "psnr" not in rows[0] and "no true film" in emotions.in_words(rows)
    truth = tmp_path / "truth"
    truth.mkdir()
    for code, place in (("HAP", tmp_path / "happy.mp4"), ("SAD", truth / "1001_DFA_SAD_HI.mp4")):
        animate(photo, SOUND, system="deformable", emotion=code, checkpoint=trained, out=place, badge=False)
    wrong = emotions.compared(tmp_path / "happy.mp4", truth / "1001_DFA_SAD_HI.mp4")
    rows = emotions.all_emotions(out=tmp_path / "second", truth=truth, **asked)
    assert "psnr" not in rows[0] and rows[1]["truth"] == "1001_DFA_SAD_HI.mp4" and rows[1]["frames"] == T
    assert rows[1]["psnr"] > wrong["psnr"] + 3 and rows[1]["ssim"] > wrong["ssim"]
    with open(tmp_path / "second" / "scores.csv", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert table[0]["psnr"] == "" and float(table[1]["psnr"]) == rows[1]["psnr"]
    assert emotions.in_words(rows).startswith("SAD: PSNR")


def test_truths_are_those_of_the_person_and_the_emotion(tmp_path):
    films = [tmp_path / name for name in ("1001_DFA_HAP_XX.flv", "1002_DFA_HAP_XX.flv", "me_SAD.mp4", "me_HAP.mp4")]
    assert emotions.true_film(films, "1002_DFA_NEU_XX", "HAP") == films[1]
    assert emotions.true_film(films, "1001_DFA_NEU_XX", "SAD") is None
    assert emotions.true_film(films, "me", "SAD") == films[2] and emotions.true_film(films, "you", "SAD") is None


def test_films_of_other_sizes_are_not_compared(tmp_path):
    for name, size in (("a.mp4", 64), ("b.mp4", 96)):
        write_video(tmp_path / name, iter([np.zeros((size, size, 3), np.uint8)] * 3), None, fps=25.0)
    with pytest.raises(InputError, match="96 x 96"):
        emotions.compared(tmp_path / "a.mp4", tmp_path / "b.mp4")


def test_pictures_without_a_sound_are_refused_before_anything_is_drawn(registered, photo, tmp_path):
    (tmp_path / "sounds").mkdir()
    Image.fromarray(photo).save(tmp_path / "me.png")
    write_wav(tmp_path / "sounds" / "you.wav", SOUND)
    with pytest.raises(InputError, match="no sound me_HAP nor me"):
        emotions.all_emotions(tmp_path, tmp_path / "sounds", tmp_path / "out", emotions=("HAP",))
    with pytest.raises(InputError, match="no pictures"):
        emotions.all_emotions(tmp_path / "sounds", tmp_path / "sounds", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_command_hands_on_what_it_is_given(monkeypatch, capsys):
    import argparse

    from tfg.cli import _command, _Parser
    from tfg.systems.deformable import cli

    parser = argparse.ArgumentParser()
    cli.add(parser.add_subparsers(parser_class=_Parser), _command, _Parser)
    given = vars(parser.parse_args(["animate-emotions", "--images", "i", "--audio", "a", "--out", "o", "--emotions",
                                    "HAP, SAD", "--noise-seed", "4"]))
    seen = {}
    monkeypatch.setattr(emotions, "all_emotions", lambda **asked: seen.update(asked) or [])
    given.pop("run")(given)
    assert seen == dict(images="i", audio="a", out="o", emotions=["HAP", "SAD"], noise_seed=4, progress=True)
    assert "wrote 0 films" in capsys.readouterr().out


# ---- studies --------------------------------------------------------------------------------------------------------
def test_every_voice_is_drawn_with_every_face(trained, photo):
    crop = cv2.resize(photo, (64, 64), interpolation=cv2.INTER_AREA)
    cases = [study.Case("A", crop, SOUND, "HAP"), study.Case("B", crop, SOUND, "SAD")]
    seen = []

    def judge(frames):
        seen.append(frames)
        return "ANG"

    found = study.mismatch(cases, faces=("HAP", "SAD", "ANG"), checkpoint=trained, judge=judge)
    assert [(v.actor, v.voice, v.face) for v in found] == [(a, v, f) for a, v in (("A", "HAP"), ("B", "SAD"))
                                                           for f in ("HAP", "SAD", "ANG")]
    assert seen[0].shape == (T, 64, 64, 3) and (seen[0] != seen[1]).any()


def test_a_judge_that_follows_the_face_is_told_from_one_that_follows_the_voice():
    def verdicts(says):
        return [study.Verdict(f"A{k}", voice, face, says(voice, face)) for k in range(4) for voice in EMOTIONS[:3]
                for face in EMOTIONS[:3]]

    face, voice = (study.summary(verdicts(f)) for f in (lambda v, f: f, lambda v, f: v))
    assert (face["follows_face"]["value"], face["follows_voice"]["value"]) == (1, 0)
    assert (voice["follows_face"]["value"], voice["follows_voice"]["value"]) == (0, 1)
    assert face["face_less_voice"]["low"] > 0 > voice["face_less_voice"]["high"] and face["agree"]["value"] == 1
    assert face["apart"] == 24 and face["faces"]["ANG"]["ANG"] == 1
    with pytest.raises(InputError, match="in no film"):
        study.summary([study.Verdict("A", "HAP", "HAP", "HAP")])


def test_seeds_differ_and_the_same_seed_does_not(trained, photo):
    crop = cv2.resize(photo, (64, 64), interpolation=cv2.INTER_AREA)
    apart = study.diversity(crop, SOUND, seeds=(0, 1, 2), checkpoint=trained)
    assert apart["apart"] > 1e-4 and 0 < apart["share"] < 2
    assert study.diversity(crop, SOUND, seeds=(1, 1), checkpoint=trained)["apart"] == 0


def test_cases_are_of_people_with_a_neutral_clip(tmp_path):
    from small_store import acted, make_store, splits_of

    store = make_store(tmp_path / "s", [*acted("V1", "NEU", "HAP", "SAD"), *acted("V2", "HAP", "SAD")], size=64)
    splits_of(V1="test", V2="test").save_in(store.path)
    cases = list(study.cases_of(store))
    assert [(c.actor, c.voice) for c in cases] == [("actors/V1", "HAP"), ("actors/V1", "SAD")]
    assert cases[0].photo.shape == (64, 64, 3) and len(cases[0].audio) == 21 * 640
    assert len(list(study.cases_of(store, most=1))) == 1
