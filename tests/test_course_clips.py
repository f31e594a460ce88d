"""The clips that several chapters share."""
from __future__ import annotations

import threading

import pytest

from tfg.course import clips


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A cache with one small set in it."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TFG_CACHE", str(folder))
        store = clips.store(3, 1, workers=1, progress=False)
    return folder, store


def test_a_store_is_made_with_its_films(kept):
    folder, store = kept
    assert str(store.path).startswith(str(folder)) and store.size == clips.SIZE and len(store.clips) == 3
    assert all(clips.film(store, row.id).is_file() for row in store.clips)
    assert {row.actor for row in store.clips} == {"V001", "V002", "V003"}


def test_it_is_made_once(kept, monkeypatch):
    from tfg.actors import make

    folder, store = kept
    monkeypatch.setenv("TFG_CACHE", str(folder))
    monkeypatch.setattr(make, "make", lambda *_, **__: pytest.fail("made again"))
    assert [row.id for row in clips.store(3, 1, progress=False).clips] == [row.id for row in store.clips]


def test_what_was_interrupted_goes_on(kept, monkeypatch):
    """Without the mark that all is there, nothing that is there is made again and nothing is added twice."""
    folder, store = kept
    monkeypatch.setenv("TFG_CACHE", str(folder))
    film = clips.film(store, store.clips[0].id)
    before = film.stat().st_mtime_ns
    (film.parent.parent / clips.DONE).unlink()
    again = clips.store(3, 1, workers=1, progress=False)
    assert len(again.clips) == 3 and film.stat().st_mtime_ns == before


def test_who_comes_second_waits(kept, monkeypatch):
    from filelock import FileLock

    folder, store = kept
    monkeypatch.setenv("TFG_CACHE", str(folder))
    found: list = []
    asking = threading.Thread(target=lambda: found.append(clips.store(3, 1, progress=False)))
    with FileLock(store.path.parent / ".lock"):
        asking.start()
        asking.join(.3)
        assert asking.is_alive() and not found
    asking.join(20)
    assert len(found) == 1
