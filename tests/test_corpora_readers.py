"""Readers of official layouts, on generated trees with the faults that real copies have, and on real clips."""
from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from tfg.corpora import READERS, crema_d, grid, lrs3, read
from tfg.errors import InputError
from tfg.vocabulary import EMOTIONS

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n"


def plant(root: Path, *names: str, empty: tuple = (), pointer: tuple = ()) -> Path:
    """Files with a few bytes; readers never decode."""
    for name in (*names, *empty, *pointer):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"" if name in empty else POINTER if name in pointer else b"clip")
    return root


def names(found, root: Path) -> list[str]:
    return [entry.path.relative_to(root).as_posix() for entry in found]


def reasons(reading, root: Path) -> dict[str, str]:
    return {path.relative_to(root).as_posix(): reason for path, reason in reading.skipped}


@pytest.mark.parametrize("corpus", READERS)
def test_missing_folder_is_the_only_error(corpus, tmp_path):
    with pytest.raises(InputError, match="there is no folder"):
        read(tmp_path / "no", corpus)
    file = tmp_path / "file"
    file.write_bytes(b"x")
    with pytest.raises(InputError, match="is a file"):
        read(file, corpus)


def test_unknown_corpus(tmp_path):
    with pytest.raises(InputError, match="'imdb'.*crema-d"):
        read(tmp_path, "imdb")


# ---- CREMA-D --------------------------------------------------------------------------------------------------
@pytest.fixture
def crema(tmp_path) -> Path:
    return plant(tmp_path, "VideoFlash/1003_DFA_HAP_XX.flv", "VideoFlash/1003_IEO_SAD_LO.flv",
                 "VideoFlash/1004_DFA_HAP_XX.flv", "VideoFlash/1004_DFA_HAP_XX.mp4", "VideoFlash/holiday.flv",
                 "VideoFlash/._1003_DFA_HAP_XX.flv", "VideoFlash/readme.txt", "AudioWAV/1003_DFA_HAP_XX.wav",
                 "AudioWAV/1005_DFA_ANG_XX.wav", "AudioWAV/1006_TIE_HAP_XX.wav", "AudioMP3/1003_DFA_HAP_XX.mp3",
                 "AudioMP3/1003_IEO_SAD_LO.mp3", empty=("VideoFlash/1003_DFA_ANG_XX.flv",),
                 pointer=("VideoFlash/1003_DFA_DIS_XX.flv", "AudioWAV/1004_DFA_HAP_XX.wav"))


def test_crema_d_videos(crema):
    reading = read(crema, "crema-d")
    assert names(reading.items, crema) == ["VideoFlash/1003_DFA_HAP_XX.flv", "VideoFlash/1003_IEO_SAD_LO.flv",
                                           "VideoFlash/1004_DFA_HAP_XX.flv"]
    first, second, third = reading.items
    assert first.audio == crema / "AudioWAV/1003_DFA_HAP_XX.wav"                # preferred to the mp3
    assert second.audio == crema / "AudioMP3/1003_IEO_SAD_LO.mp3" and third.audio is None
    why = reasons(reading, crema)
    assert set(why) == {"VideoFlash/1003_DFA_ANG_XX.flv", "VideoFlash/1003_DFA_DIS_XX.flv", "VideoFlash/holiday.flv",
                        "VideoFlash/1004_DFA_HAP_XX.mp4", "AudioWAV/1004_DFA_HAP_XX.wav",
                        "AudioWAV/1005_DFA_ANG_XX.wav", "AudioWAV/1006_TIE_HAP_XX.wav"}
    assert "0 bytes" in why["VideoFlash/1003_DFA_ANG_XX.flv"] and "git-lfs" in why["VideoFlash/1003_DFA_DIS_XX.flv"]
    assert "same clip" in why["VideoFlash/1004_DFA_HAP_XX.mp4"] and "not named" in why["VideoFlash/holiday.flv"]
    assert "without its video" in why["AudioWAV/1005_DFA_ANG_XX.wav"]
    assert "1006_TIE_NEU_XX" in why["AudioWAV/1006_TIE_HAP_XX.wav"]


def test_crema_d_sound_and_both(crema):
    sounds = read(crema, "crema-d", kind="audio")
    assert names(sounds.items, crema) == ["AudioMP3/1003_IEO_SAD_LO.mp3", "AudioWAV/1003_DFA_HAP_XX.wav",
                                          "AudioWAV/1005_DFA_ANG_XX.wav"]
    both = read(crema, "crema-d", kind="both")
    assert [i.path.stem for i in both.items] == ["1003_DFA_HAP_XX", "1003_IEO_SAD_LO"]
    assert "without its sound" in reasons(both, crema)["VideoFlash/1004_DFA_HAP_XX.flv"]
    with pytest.raises(InputError, match="'film'"):
        read(crema, "crema-d", kind="film")


def test_crema_d_in_another_layout_or_with_bad_links(tmp_path):
    with pytest.raises(InputError, match="neither VideoFlash nor AudioWAV"):
        read(plant(tmp_path, "1003_DFA_HAP_XX.flv"), "crema-d")
    plant(tmp_path, "VideoFlash/1003_DFA_HAP_XX.flv")
    os.symlink(tmp_path / "gone", tmp_path / "VideoFlash/1003_DFA_SAD_XX.flv")
    os.symlink(tmp_path / "VideoFlash", tmp_path / "VideoFlash/again")          # a ring of folders ends
    reading = read(tmp_path, "crema-d")
    assert len(reading.items) == 1 and "link" in reading.skipped[0].reason


def test_crema_d_real_clips(shared):
    items, skipped = read(shared / "crema_d", "crema-d")
    assert [i.emotion for i in items] == list(EMOTIONS) and {i.actor for i in items} == {"1001"}
    assert len(skipped) == 6 and all(i.audio.parent.name == "audio_resampled" for i in items)
    assert len(read(shared / "crema_d", "crema-d", kind="audio").items) == 12


def test_votes():
    table = crema_d.votes()
    assert len(table) == 7442 and set(table) == {Path(o.path).stem for o in crema_d.manifest()}
    clip = table["1001_IEO_SAD_HI"]
    assert clip.face == {"ANG": 30.67, "FEA": 51.0} and clip.voice == {"NEU": 60.14}
    np.testing.assert_allclose(clip.soft_label(), [1 / 6, 0, 1 / 6, 0, 2 / 3, 0], atol=1e-6)
    np.testing.assert_allclose(clip.soft_label("face"), [.5, 0, .5, 0, 0, 0])
    soft = np.stack([v.soft_label() for v in table.values()])
    assert soft.shape == (7442, 6) and soft.dtype == np.float32
    np.testing.assert_allclose(soft.sum(1), 1, atol=1e-6)
    with pytest.raises(InputError, match="'ear'"):
        clip.soft_label("ear")


def test_votes_from_a_copy(tmp_path):
    table = tmp_path / "processedResults" / "summaryTable.csv"
    with pytest.raises(InputError, match="no summaryTable.csv"):
        crema_d.votes(tmp_path)
    table.parent.mkdir()
    head = '"","FileName","VoiceVote","VoiceLevel","FaceVote","FaceLevel","MultiModalVote","MultiModalLevel"\n'
    table.write_text(head + '"1","1003_DFA_HAP_XX","N","50","H","60","H:N","40:30"\n'
                     '"2","1003_DFA_SAD_XX","N","50","Q","60","H","40"\n"3","1003_DFA_ANG_XX","N:A","50"\n')
    with pytest.warns(UserWarning, match="2 rows.*line 3"):
        held = crema_d.votes(tmp_path)
    assert held == {"1003_DFA_HAP_XX": crema_d.Votes({"NEU": 50}, {"HAP": 60}, {"HAP": 40, "NEU": 30})}
    table.write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="no column 'FileName'"):
        crema_d.votes(table)
    table.write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(InputError, match="cannot be read"):
        crema_d.votes(table)


def test_demographics_and_tables(shared):
    people = crema_d.demographics()
    assert len(people) == 91 and people["1001"] == (51, "Male", "Caucasian", "Not Hispanic")
    assert people == crema_d.demographics(shared / "crema_d") and crema_d.votes() == crema_d.votes(shared / "crema_d")
    assert len(crema_d.manifest()) == 2 * 7442 and len(crema_d.twins()) == 6
    assert set(crema_d.TEST_ONLY) == {i.actor for i in read(shared / "crema_d", "crema-d", kind="audio").items}


# ---- RAVDESS --------------------------------------------------------------------------------------------------
@pytest.fixture
def ravdess(tmp_path) -> Path:
    video, sound = "Video_Speech_Actor_01/Actor_01/", "Audio_Speech_Actors_01-24/Actor_01/"
    return plant(tmp_path, video + "01-01-03-01-01-01-01.mp4", video + "02-01-03-01-01-01-01.mp4",
                 video + "01-01-02-01-01-01-01.mp4", video + "01-01-08-01-01-01-01.mp4",
                 video + "01-01-03-01-01-01-02.mp4", video + "01-02-03-01-01-01-01.mp4", video + "notes.mp4",
                 video + "03-01-04-01-01-01-01.mp4", "copy/01-01-03-01-01-01-01.mp4",
                 sound + "03-01-03-01-01-01-01.wav", sound + "03-01-05-01-01-01-01.wav",
                 empty=(video + "01-01-04-01-01-01-01.mp4",))


def test_ravdess(ravdess):
    reading = read(ravdess, "ravdess")
    assert [(i.path.name, i.emotion, i.level) for i in reading.items] == [
        ("01-01-02-01-01-01-01.mp4", "NEU", "LO"), ("01-01-03-01-01-01-01.mp4", "HAP", "MD")]
    assert reading.items[1].audio.name == "03-01-03-01-01-01-01.wav"
    said = " | ".join(reason for _, reason in reading.skipped)
    for word in ("no sound", "surprised", "names actor 02 but lies in Actor_01", "song", "seven pairs", "modality 03",
                 "same clip", "without its video", "0 bytes"):
        assert word in said, word
    assert len(reading.skipped) == 9 and len(reading.items) + 9 + 1 == 12         # the wav that is paired is neither


def test_ravdess_options(ravdess):
    assert "SUR" in {i.emotion for i in read(ravdess, "ravdess", surprised=True).items}
    assert [i.path.suffix for i in read(ravdess, "ravdess", kind="audio").items] == [".wav", ".wav"]
    assert [i.emotion for i in read(ravdess, "ravdess", kind="both").items] == ["HAP"]


# ---- GRID -----------------------------------------------------------------------------------------------------
def test_grid(tmp_path):
    plant(tmp_path, "s1/video/mpg_6000/bbaf2n.mpg", "s1/video/mpg_vcd/bbaf2n.mpg", "s2/bbaf2n.mpg", "s2/bbaf2.mpg",
          "s34_processed/lbax4n.mpg", "lbbc2a.mpg", "s1/align/bbaf2n.align", "alignments/s2/bbaf2n.align",
          "s35/bbaf3s.mpg", "s1/align/bbaf3s.align", empty=("s2/bbaf3s.mpg",))
    reading = read(tmp_path, "grid")
    assert {(i.actor, i.sentence) for i in reading.items} == {("s1", "bbaf2n"), ("s2", "bbaf2n"), ("s34", "lbax4n"),
                                                             (None, "lbbc2a"), (None, "bbaf3s")}
    by_actor = {i.actor: i for i in reading.items if i.actor}
    assert by_actor["s1"].path.parent.name == "mpg_6000"
    assert by_actor["s2"].transcript == tmp_path / "alignments/s2/bbaf2n.align"
    assert by_actor["s34"].transcript is None
    assert {n: r.split(" ")[1] for n, r in reasons(reading, tmp_path).items()} == {
        "s1/align/bbaf3s.align": "an", "s1/video/mpg_vcd/bbaf2n.mpg": "the", "s2/bbaf2.mpg": "not",
        "s2/bbaf3s.mpg": "empty"}
    assert [i.actor for i in read(tmp_path / "s2", "grid").items] == ["s2"]      # the root itself names the speaker


def test_grid_words(tmp_path):
    path = tmp_path / "bbaf2n.align"
    path.write_text("0 23750 sil\n23750 29500 bin\n29500 34000 blue\n\n")
    assert grid.words(path)[1] == ("bin", .95, 1.18)
    for text, reason in (("0 23750\n", "not 'start stop word'"), ("0 a sil\n", "line 1"), ("9 5 sil\n", "backwards"),
                         ("0 9 sil\n5 12 bin\n", "line 2.*backwards")):
        path.write_text(text)
        with pytest.raises(InputError, match=reason):
            grid.words(path)
    with pytest.raises(InputError, match="cannot be read"):
        grid.words(tmp_path / "no.align")


def test_grid_real_clips(shared):
    items, skipped = read(shared / "grid", "grid")
    assert [i.text for i in items][0] == "bin blue at f two now" and len(items) == 4 and not skipped


# ---- VoxCeleb and LRS3 ----------------------------------------------------------------------------------------
def test_voxceleb(tmp_path):
    plant(tmp_path, "dev/mp4/id00012/21Uxsk56VDQ/00001.mp4", "dev/aac/id00012/21Uxsk56VDQ/00001.m4a",
          "dev/aac/id00012/21Uxsk56VDQ/00002.m4a", "test/mp4/id00017/_mjZ87sK6cA/00003.mp4",
          "dev/mp4/id12/21Uxsk56VDQ/00001.mp4", "dev/mp4/id00012/short/00001.mp4", "vox2_meta.csv",
          "dev/mp4/copy/id00012/21Uxsk56VDQ/00001.mp4", empty=("dev/mp4/id00012/21Uxsk56VDQ/00009.mp4",))
    reading = read(tmp_path, "voxceleb")
    assert [(i.actor, i.sentence, i.take) for i in reading.items] == [
        ("id00012", "21Uxsk56VDQ_00001", 1), ("id00017", "_mjZ87sK6cA_00003", 3)]
    assert reading.items[0].audio.suffix == ".m4a" and reading.items[1].audio is None
    assert len(reading.skipped) == 5
    assert len(read(tmp_path, "voxceleb", kind="audio").items) == 2
    assert len(read(tmp_path, "voxceleb", kind="both").items) == 1


def test_lrs3(tmp_path):
    talk = "trainval/00j9bKdiOjk/"
    plant(tmp_path, *(talk + n for n in ("50001.mp4", "50002.mp4", "50003.mp4", "50004.mp4", "x.mp4")),
          "pretrain/00j9bKdiOjk/50001.mp4", "else/00j9bKdiOjk/50001.mp4", talk + "50009.txt",
          empty=(talk + "50005.mp4", talk + "50004.txt"))
    (tmp_path / talk / "50001.txt").write_text("Text:  SO THAT'S IT\nConf:  3\n")
    (tmp_path / talk / "50003.txt").write_bytes(b"Conf: 3\n")
    (tmp_path / "pretrain/00j9bKdiOjk/50001.txt").write_text(
        "Text:  WE NEED\nConf:  2\n\nWORD START END ASDSCORE\nWE 0.08 0.21 7.3\nNEED 0.21 0.49 6.0\n")
    reading = read(tmp_path, "lrs3")
    assert [(i.sentence, i.text, i.actor) for i in reading.items] == [
        ("pretrain_50001", "WE NEED", "00j9bKdiOjk"), ("trainval_50001", "SO THAT'S IT", "00j9bKdiOjk")]
    why = reasons(reading, tmp_path)
    assert set(why) == {talk + n for n in ("50002.mp4", "50003.mp4", "50004.mp4", "50004.txt", "50005.mp4", "50009.txt",
                                           "x.mp4")} | {"else/00j9bKdiOjk/50001.mp4"}
    assert "without its transcript" in why[talk + "50002.mp4"] and '"Text:"' in why[talk + "50003.mp4"]
    assert "without its video" in why[talk + "50009.txt"]
    assert lrs3.words(reading.items[0].transcript) == [("WE", .08, .21), ("NEED", .21, .49)]
    assert lrs3.words(reading.items[1].transcript) == []
    broken = tmp_path / "w.txt"
    broken.write_text("Text: A\nWORD START END ASDSCORE\nA 0.1\n")
    with pytest.raises(InputError, match="'A 0.1'"):
        lrs3.words(broken)


# ---- any folder, tiles ----------------------------------------------------------------------------------------
def test_folder(tmp_path):
    plant(tmp_path, "ann/smile.mp4", "ann/2024/hello.MOV", "loose.webm", "set/V001_DFA_HAP_HI.mp4", "ann/notes.docx",
          ".hidden/x.mp4", "ann/b.mp4", "ann/c.mp4", empty=("ann/empty.mp4",))
    (tmp_path / "ann/smile.txt").write_text("Say\n cheese ")
    (tmp_path / "ann/b.txt").write_bytes(b"\xff\xfe\xfa")
    (tmp_path / "ann/c.txt").write_text("a" * 20_000)
    reading = read(tmp_path, "folder")
    assert {(i.path.name, i.actor, i.text) for i in reading.items} == {
        ("smile.mp4", "ann", "Say cheese"), ("hello.MOV", "ann", None), ("loose.webm", None, None),
        ("V001_DFA_HAP_HI.mp4", "V001", "Don't forget a jacket")}
    assert sorted(p.name for p, _ in reading.skipped) == ["b.mp4", "c.mp4", "empty.mp4"]
    assert reading.items == sorted(reading.items, key=lambda i: i.path.as_posix())
    (tmp_path / "set/set.json").write_text("{}")                       # a set: who is in which split would be lost
    reading = read(tmp_path, "folder")
    assert "V001" not in {i.actor for i in reading.items} and len(reading.items) == 3
    reason = next(r for p, r in reading.skipped if p.name == "V001_DFA_HAP_HI.mp4")
    assert reason.startswith("belongs to the virtual actors")


def test_sfhq_tiles(tmp_path):
    with pytest.raises(InputError, match="tfg corpora fetch sfhq"):
        read(tmp_path, "sfhq")
    plant(tmp_path, "tiles/P000.png", "tiles/P000.jpg", "tiles/P999.png", "tiles/P354.jpg", empty=("tiles/P001.png",))
    reading = read(tmp_path, "sfhq")
    assert [i.actor for i in reading.items] == ["P000", "P354"] and len(reading.skipped) == 3
