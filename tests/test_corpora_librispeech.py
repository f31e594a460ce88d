"""The sample of LibriSpeech: its table, and fetching from a mirror with checksums."""
from __future__ import annotations

import pytest

from tfg.corpora import librispeech
from tfg.corpora.fetch import fetch_librispeech
from tfg.errors import InputError


def test_the_table():
    found = librispeech.recordings()
    assert len(found) == 351 and len({r.speaker for r in found}) == 261
    assert sorted(found) == list(found) and all(len(r.sha256) == 64 and r.words for r in found)
    assert sum(r.path.startswith(librispeech.HELD_OUT) for r in found) == 100
    assert found[0].address.endswith("/audio_data/librispeech_test-other/1688/1688-142285-0000.flac")


def test_a_mirror_is_copied_and_a_changed_file_is_not_taken(tmp_path, monkeypatch):
    few = [r for r in librispeech.recordings()][:2]
    monkeypatch.setattr(librispeech, "recordings", lambda: tuple(few))
    def no_network(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr("tfg.corpora.transfer.WAIT_S", 0)
    monkeypatch.setattr("urllib.request.urlopen", no_network)
    mirror = tmp_path / "mirror" / "librispeech"
    for r in few:
        (mirror / r.path).parent.mkdir(parents=True, exist_ok=True)
        (mirror / r.path).write_bytes(b"not the recording")
    report = fetch_librispeech(tmp_path / "out", mirror=tmp_path / "mirror")
    assert len(report.failed) == 2 and not list((tmp_path / "out").rglob("*.flac"))
    with pytest.raises(InputError, match="fetch librispeech"):
        librispeech.present(tmp_path / "out")


def test_the_mirror_of_all(shared, tmp_path, monkeypatch):
    few = librispeech.recordings()[::100]
    monkeypatch.setattr(librispeech, "recordings", lambda: few)
    report = fetch_librispeech(tmp_path, mirror=shared)
    assert len(report.copied) == 4 and not report.failed
    assert [r for r, _ in librispeech.present(tmp_path)] == list(few)
    assert (tmp_path / "recordings.csv").is_file()
