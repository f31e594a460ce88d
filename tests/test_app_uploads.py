"""Uploads: known by their bytes, limited, named by chance, gone at the end."""
from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from conftest import numbered, write_frames
from tfg import InputError, paths
from tfg.app import uploads
from tfg.app.uploads import Visit, check_words, kind_of
from tfg.media.audio import write_wav
from tfg.media.image import write_image

PHOTO = paths.data("faces", "default.jpg").read_bytes()
VOICE = paths.data("audio", "DFA.wav").read_bytes()


@pytest.fixture
def visit(tmp_path, monkeypatch):
    monkeypatch.setattr(uploads, "private_folder", lambda name: tmp_path)
    visit = Visit()
    yield visit
    visit.end()


def film(tmp_path, seconds: float = 1.0, size=(48, 64)) -> bytes:
    n = round(seconds * 10)
    return write_frames(tmp_path / "f.mp4", numbered(n, *size), [k / 10 for k in range(n)]).read_bytes()


def test_kinds_are_known_by_their_first_bytes(tmp_path):
    assert (kind_of(PHOTO), kind_of(VOICE), kind_of(film(tmp_path))) == ("photo", "sound", "film")
    for suffix in (".png", ".webp", ".bmp", ".tiff"):
        path = tmp_path / f"p{suffix}"
        from PIL import Image

        Image.new("RGB", (8, 8)).save(path)
        assert kind_of(path.read_bytes()) == "photo", suffix


@pytest.mark.parametrize("data", [b"", b"#EXTM3U\nfile:///etc/passwd\n", b"ffconcat version 1.0\nfile /etc/passwd\n",
                                  b"<svg onload=alert(1)>", b"<html>", b"GIF", b"\x7fELF", b"PK\x03\x04", b"\0" * 64,
                                  b"#EXTM3U\nAVI file:///etc/passwd\n", b'<MPD a="AVI "></MPD>', b"#EXTftypM4A \n"])
@pytest.mark.parametrize("wanted", [("photo", "film"), ("sound", "film")])
def test_playlists_pages_and_programs_are_refused_before_anything_reads_them(visit, data, wanted):
    with pytest.raises(InputError, match="is wanted, but the file is nothing"):
        visit.keep(data, wanted)
    assert list(visit.folder.iterdir()) == []


def test_another_kind_is_refused_by_name(visit):
    with pytest.raises(InputError, match="a photo or a film is wanted, but the file is a sound; send a JPEG"):
        visit.keep(VOICE, ("photo", "film"))


def test_names_are_ours_and_hard_to_guess(visit):
    one, _ = visit.keep(PHOTO, ("photo",))
    two, _ = visit.keep(PHOTO, ("photo",))
    assert one != two and one.parent == visit.folder and len(one.stem) == 32
    assert os.stat(visit.folder).st_mode & 0o077 == 0
    assert one.read_bytes() == PHOTO


def test_what_is_too_large_or_too_long_is_refused(visit, tmp_path, monkeypatch):
    monkeypatch.setitem(uploads.MOST_MB, "photo", .01)
    with pytest.raises(InputError, match="the limit is 0.01 MB"):
        visit.keep(PHOTO, ("photo",))
    monkeypatch.setattr(uploads, "MOST_S", .5)
    with pytest.raises(InputError, match="the film lasts 1 s"):
        visit.keep(film(tmp_path), ("photo", "film"))
    path, _ = visit.keep(VOICE, ("sound",))
    with pytest.raises(InputError, match="longer than 0 s"):
        visit.sound(path)
    monkeypatch.setattr(uploads, "MOST_S", 60)
    monkeypatch.setattr(uploads, "MOST_PIXELS", 1000)
    with pytest.raises(InputError, match="64 x 48 pixels"):
        visit.keep(film(tmp_path), ("film",))
    assert [p for p in visit.folder.iterdir() if p != path] == []


def test_sounds_are_read_and_silent_or_broken_ones_refused_without_our_names(visit, tmp_path):
    path, _ = visit.keep(VOICE, ("sound", "film"))
    assert abs(len(visit.sound(path)) / 16000 - 1.98) < .05
    write_wav(tmp_path / "s.wav", np.zeros(16000))
    for data, word in (((tmp_path / "s.wav").read_bytes(), "silent"), (VOICE[:40], "file"), (PHOTO, "wanted")):
        with pytest.raises(InputError, match=word) as caught:
            visit.sound(visit.keep(data, ("sound",))[0])
        assert str(visit.folder) not in str(caught.value) and ".bin" not in str(caught.value)
    with_sound, _ = visit.keep(film(tmp_path), ("sound", "film"))           # a film without a sound
    with pytest.raises(InputError, match="sound"):
        visit.sound(with_sound)


def test_the_folder_goes_with_the_visit_and_with_the_process(tmp_path, monkeypatch):
    monkeypatch.setattr(uploads, "private_folder", lambda name: tmp_path)
    visit = Visit()
    visit.keep(PHOTO, ("photo",))
    visit.end()
    assert not visit.folder.exists()
    code = ("from pathlib import Path\nfrom tfg.app import uploads\nimport os, sys\n"
            f"uploads.private_folder = lambda name: Path({str(tmp_path)!r})\n"
            "visit = uploads.Visit()\nprint(visit.folder)\nsys.stdout.flush()\n")
    gone = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert gone and not os.path.exists(gone)
    killed = subprocess.run([sys.executable, "-c", code + "os.kill(os.getpid(), 9)"], capture_output=True, text=True)
    left = killed.stdout.strip()
    assert os.path.isdir(left)
    alive, other = Visit(), Visit()                                         # sweeps the dead, spares the living
    assert not os.path.exists(left) and alive.folder.is_dir() and other.folder.is_dir()
    with monkeypatch.context() as few, pytest.raises(InputError, match="2 visitors already"):
        few.setattr(uploads, "MOST_VISITORS", 2)
        Visit()
    alive.end(), other.end()
    assert [p.name for p in tmp_path.iterdir()] == ["desk"]


def test_only_files_of_the_visit_are_forgotten(visit, tmp_path):
    kept = tmp_path / "photo.png"
    write_image(np.zeros((4, 4, 3), np.uint8), kept)
    visit.forget(kept)
    visit.forget(None)
    assert kept.exists()


@pytest.mark.parametrize("text, word", [("", "no words"), (" \n", "no words"), ("a" * 501, "501 characters")])
def test_words_have_limits(text, word):
    with pytest.raises(InputError, match=word):
        check_words(text)


def test_words_need_the_voice(monkeypatch):
    monkeypatch.setattr("tfg.speech.voice.available", lambda: False)
    with pytest.raises(InputError, match="extra"):
        check_words("hello")


