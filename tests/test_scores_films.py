"""Films of other programs: names and manifests, films of the crops' size and of any size, a truth that is films."""
from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

import scored_store as bars
import tfg
from tfg import paths
from tfg.cli import main
from tfg.errors import InputError
from tfg.faces import crops
from tfg.media.audio import SR, load_audio
from tfg.media.video import write_video
from tfg.scores import films, judges
from tfg.scores.draw import NotDrawn
from tfg.scores.targets import targets


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return bars.make_store(tmp_path_factory.mktemp("bars") / "store", actors=4)


@pytest.fixture
def theirs(tmp_path, store, monkeypatch):
    """A folder of films, one of each clip, that draws what the sound says."""
    monkeypatch.setattr(crops, "landmarks", bars.read_landmarks)
    monkeypatch.setattr(judges, "load", lambda folder=None: bars.knowing())
    folder = tmp_path / "theirs"
    folder.mkdir()
    for target in targets(store):
        level = np.clip(bars.heard(target.wave), 0, 1)
        write_video(folder / f"{films.slug(target.id)}.mp4",
                    iter(bars.picture(level, target.emotion, int(target.actor[-1]))), crf=1)
    return folder


def test_films_are_scored_by_the_protocol_of_systems(theirs, store, tmp_path, capsys):
    assert main(["score", str(theirs), "--against", str(store.path), "--workers", "1", "--task", "portrait", "--out",
                 str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert "against still: better" in said and "shuffled" not in said
    assert "# Scores of `theirs`" in (tmp_path / "out/scores.md").read_text()


def test_a_clip_without_a_film_is_named_and_left_out(theirs, store, tmp_path):
    next(theirs.iterdir()).unlink()
    found = films.score_films(theirs, store.path, tmp_path / "out", task="portrait", workers=1)
    assert len(found.refused) == 1 and "no film of it" in next(iter(found.refused.values()))


def test_a_film_that_is_too_short_is_refused_and_one_frame_is_forgiven(theirs, store):
    target = next(iter(targets(store)))
    draw = films.Films(theirs)
    assert draw(target).shape == target.frames.shape
    longer = replace(target, frames=np.concatenate([target.frames, target.frames[:1]]))
    assert np.array_equal(draw(longer)[-1], draw(longer)[-2])
    with pytest.raises(NotDrawn, match="36 frames at 25 a second, but 72 are needed"):
        draw(replace(target, frames=np.concatenate([target.frames] * 2)))


@pytest.mark.parametrize(("text", "says"), [
    ("film,name\na.mp4,x\n", "has the columns film, name, but needs file and clip"),
    ("file,clip\nnone.mp4,x\n", "names none.mp4, which is not there"),
    ("file,clip\na.mp4,x\nb.mp4,x\n", "two films of the clip x")])
def test_a_manifest_that_makes_no_sense_is_refused(tmp_path, text, says):
    for name in "ab":
        (tmp_path / f"{name}.mp4").write_bytes(b"film")
    (tmp_path / "manifest.csv").write_text(text)
    with pytest.raises(InputError, match=says):
        films.lines(tmp_path)


@pytest.mark.parametrize(("given", "says"), [
    (["score", "films", "--out", "x"], "say which films are true"),
    (["score", "films", "--against", "t", "--system", "emogen", "--out", "x"], "--system has no use"),
    (["score", "--task", "film", "--system", "emogen", "--store", "s", "--out", "x"], "--task is for films"),
    (["score", "--out", "x"], "--system and --store is missing"),
    (["score", "no_such_folder", "--against", "t", "--out", "x"], "there is no folder of films")])
def test_what_does_not_go_together_is_one_sentence(tmp_path, monkeypatch, capsys, given, says):
    monkeypatch.chdir(tmp_path)
    assert main(given) == 2 and says in capsys.readouterr().err


def test_whole_films_are_cut_as_their_truth_is(tmp_path):
    """A film is its own truth; a paler copy is in the same place, but has other pixels."""
    truth, same, paler = (tmp_path / name for name in ("truth", "same", "paler"))
    for folder in (truth, same, paler):
        folder.mkdir()
    audio = load_audio(paths.data("audio") / "DFA.wav")[:SR * 3 // 2]
    clip = tfg.animate(paths.data("faces") / "default.jpg", audio, system="graphics", size=128, badge=False,
                       out=truth / "hello.mp4", progress=False)
    shutil.copy(truth / "hello.mp4", same / "first.mp4")
    (same / "manifest.csv").write_text("file,clip,actor,emotion,level\nfirst.mp4,hello,Ann,HAP,HI\n")
    write_video(paler / "hello.mp4", (255 - (255 - frame) // 2 for frame in clip.frames), audio)
    found = films.score_films(same, truth, tmp_path / "out", workers=1)
    record, = found.where("same", "real")
    assert record["psnr"] > 38 and record["lmd_face"] < .02, "all but equal: stores keep their crops as JPEG files"
    assert record["emotion"] == "HAP"
    assert record["actor"] == "folder/Ann"
    record, = films.score_films(paler, truth, tmp_path / "out2", workers=1).where("paler", "real")
    assert record["psnr"] < 20 and record["lmd_face"] < .05, "the same place, other colours"
    assert record["actor"] == "folder/hello" and "accuracy" not in record, "nobody said what it should feel"
