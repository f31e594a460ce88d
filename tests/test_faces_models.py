"""The model file: where it is found, and that a wrong one is never used."""
from __future__ import annotations

import importlib.util
import urllib.error

import pytest

from tfg.errors import InputError
from tfg.faces import models


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TFG_CACHE", str(tmp_path))
    return tmp_path / "models" / "face_landmarker.task"


def test_found_and_right():
    path = models.face_landmarker_path()
    assert models.sha256(path) == models.FACE_LANDMARKER_SHA256


def test_wrong_file_in_the_cache_is_an_error(empty_cache):
    empty_cache.parent.mkdir()
    empty_cache.write_bytes(b"not a model")
    with pytest.raises(InputError, match="wrong checksum.*delete it"):
        models.face_landmarker_path()


def test_change_after_the_first_check_is_noticed(tmp_path):
    path = tmp_path / "m"
    path.write_bytes(b"right")
    expected = models.sha256(path)
    assert models.verify(path, expected) == path
    path.write_bytes(b"wrong!")
    with pytest.raises(InputError, match="wrong checksum"):
        models.verify(path, expected)
    path.unlink()
    with pytest.raises(InputError, match="missing"):
        models.verify(path, expected)


def test_download_is_atomic_and_checked(tmp_path):
    source = tmp_path / "source"
    source.write_bytes(b"weights")
    target = tmp_path / "deep" / "weights"
    with pytest.raises(InputError, match="another file than expected"):
        models.download(source.as_uri(), target, "0" * 64)
    assert list(target.parent.iterdir()) == []                                   # nothing half-written
    assert models.download(source.as_uri(), target, models.sha256(source)).read_bytes() == b"weights"
    assert [p.name for p in target.parent.iterdir()] == ["weights"]


def test_offline_without_any_copy_says_what_to_do(empty_cache, monkeypatch):
    def offline(*_, **__):
        raise urllib.error.URLError("no network")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(models.urllib.request, "urlopen", offline)
    with pytest.raises(InputError, match="cannot be reached.*put the file at"):
        models.face_landmarker_path()
    assert list(empty_cache.parent.iterdir()) == []
