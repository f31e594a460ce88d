"""Fetching: from the mirror with the real checksums, and from addresses that fail in every way. No network."""
from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import time
import urllib.error
from pathlib import Path

import numpy as np
import pytest

from tfg import paths
from tfg.cli import main
from tfg.corpora import crema_d, read, sfhq, transfer
from tfg.corpora.cli import numbers
from tfg.corpora.fetch import choose, fetch_crema_d, fetch_sfhq
from tfg.corpora.transfer import Wanted, fetch
from tfg.errors import InputError


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Nothing answers, at once; tests that want an answer replace it. No waiting between tries."""
    def away(address, timeout=None):
        raise urllib.error.URLError("no network in tests")
    monkeypatch.setattr(transfer.urllib.request, "urlopen", away)
    monkeypatch.setattr(transfer, "WAIT_S", 0)
    monkeypatch.delenv("TFG_MIRROR", raising=False)


def answers(monkeypatch, content: dict):
    """Addresses -> bytes, a stream, or an error to raise. Returns the list of addresses asked for."""
    asked = []

    def urlopen(address, timeout=None):
        asked.append(address)
        answer = content[address]
        if isinstance(answer, list):
            answer = answer.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return io.BytesIO(answer) if isinstance(answer, bytes) else answer
    monkeypatch.setattr(transfer.urllib.request, "urlopen", urlopen)
    return asked


def want(name: str, content: bytes) -> Wanted:
    return Wanted(name, f"https://example.org/{name}", hashlib.sha256(content).hexdigest(), len(content))


def files(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


# ---- the mirror, real checksums -------------------------------------------------------------------------------
def test_crema_d_from_the_mirror_and_again(shared, tmp_path):
    seen = []
    report = fetch_crema_d(tmp_path, actors=[1001], sentences=["DFA"], emotions=["HAP", "SAD"], mirror=shared,
                           progress=lambda done, total: seen.append((done, total)))
    assert [p.name for p in report.copied] == ["1001_DFA_HAP_XX.flv", "1001_DFA_SAD_XX.flv"] and not report.failed
    assert files(tmp_path) == {"VideoFlash/1001_DFA_HAP_XX.flv", "VideoFlash/1001_DFA_SAD_XX.flv", "LICENSE.txt"}
    assert seen == [(1, 2), (2, 2)] and report.n_bytes == 233278 + 249426
    assert [i.emotion for i in read(tmp_path, "crema-d").items] == ["HAP", "SAD"]
    first = tmp_path / "VideoFlash/1001_DFA_HAP_XX.flv"
    before = first.stat().st_mtime_ns
    (tmp_path / "VideoFlash/1001_DFA_SAD_XX.flv").write_bytes(b"damaged")         # the right one is kept, this one not
    again = fetch_crema_d(tmp_path, actors=["1001"], sentences=["DFA"], emotions=["HAP", "SAD"],
                          mirror=shared / "crema_d")
    assert again.kept == [first] and len(again.copied) == 1 and first.stat().st_mtime_ns == before
    assert len(read(tmp_path, "crema-d").items) == 2


def test_mirror_by_environment_and_what_it_lacks(shared, tmp_path, monkeypatch):
    monkeypatch.setenv("TFG_MIRROR", str(shared))
    report = fetch_crema_d(tmp_path, actors=["1001"], sentences=["DFA"], emotions=["HAP"], kind="both")
    assert [p.name for p in report.copied] == ["1001_DFA_HAP_XX.flv"]
    path, reason = report.failed[0]                            # audio_resampled/ is another cut, not the official wav
    assert path.name == "1001_DFA_HAP_XX.wav" and "no network" in reason and not path.exists()


def test_sfhq_from_the_mirror(shared, tmp_path):
    from PIL import Image

    ids, seen = ["P000", "P001", "P002"], []
    report = fetch_sfhq(tmp_path, ids=ids, mirror=shared, progress=lambda *x: seen.append(x))
    assert [p.stem for p in report.made] == ids and len(report.copied) == 2 and seen[-1] == (5, 5)
    assert {"LICENSE", "tiles.csv", "images/SFHQ_sample_1x2.jpg", "tiles/P002.png"} <= files(tmp_path)
    tile = sfhq.tiles()[2]
    with Image.open(shared / "sfhq" / tile.sheet) as sheet, Image.open(tmp_path / "tiles/P002.png") as cut:
        box = (tile.x, tile.y, tile.x + tile.w, tile.y + tile.h)
        assert np.array_equal(np.asarray(sheet.convert("RGB").crop(box)), np.asarray(cut))
    (tmp_path / "tiles/P001.png").write_bytes((tmp_path / "tiles/P001.png").read_bytes()[:5000])
    again = fetch_sfhq(tmp_path, ids=ids, mirror=shared)
    assert [p.stem for p in again.made] == ["P001"] and len(again.kept) == 2
    assert [i.actor for i in read(tmp_path, "sfhq").items] == ids
    small = fetch_sfhq(tmp_path, ids=["P354"], suffix=".jpg", mirror=shared)
    assert [p.name for p in small.made] == ["P354.jpg"]


def test_sfhq_without_a_sheet_cuts_nothing(tmp_path):
    report = fetch_sfhq(tmp_path, ids=["P000"])
    assert len(report.failed) == 1 and not report.made and not (tmp_path / "tiles").exists()
    for wrong, reason in (({"ids": ["P999"]}, "P999"), ({"ids": []}, "no tile"), ({"suffix": ".gif"}, "gif")):
        with pytest.raises(InputError, match=reason):
            fetch_sfhq(tmp_path, **wrong)


def test_sfhq_tables():
    assert len(sfhq.sheets()) == 11 and len(sfhq.tiles()) == 355
    assert {t.sheet for t in sfhq.tiles()} == {s.path for s in sfhq.sheets()}
    assert sum(p.stat().st_size for name in ("crema_d", "sfhq") for p in paths.data(name).iterdir()) < 1.5e6


# ---- what to fetch --------------------------------------------------------------------------------------------
def test_choose():
    assert len(choose()) == 7442 and len(choose(kind="both")) == 2 * 7442
    assert {o.path.split("/")[0] for o in choose(kind="audio")} == {"AudioWAV"}
    some = choose(actors=range(1003, 1005), emotions=["HAP"], levels=["XX"])
    assert {Path(o.path).stem[:4] for o in some} == {"1003", "1004"} and len(some) == 22
    for wrong in ({"actors": ["999"]}, {"emotions": ["JOY"]}, {"sentences": ["X"]}, {"levels": ["UP"]},
                  {"kind": "film"}, {"emotions": ["NEU"], "levels": ["HI"]}, {"actors": []}):
        with pytest.raises(InputError):
            choose(**wrong)


def test_the_address_is_the_official_one(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(transfer.urllib.request, "urlopen",
                        lambda address, timeout=None: asked.append(address) or io.BytesIO(b""))
    fetch_crema_d(tmp_path, actors=[1003], sentences=["DFA"], emotions=["HAP"], workers=1)
    assert set(asked) == {"https://media.githubusercontent.com/media/CheyneyComputerScience/CREMA-D/"
                          "1658cd342dff90010aa843eaeebd53610a08b1dc/VideoFlash/1003_DFA_HAP_XX.flv"}
    assert crema_d.ADDRESS in asked[0]


# ---- what can go wrong ----------------------------------------------------------------------------------------
def test_download_resume_and_faults(tmp_path, monkeypatch):
    good = {n: n.encode() * 1000 for n in ("a.flv", "b.flv", "c.flv", "d.flv")}
    wanted = [want("V/" + n, c) for n, c in good.items()]
    at = [w.address for w in wanted]
    asked = answers(monkeypatch, {
        at[0]: good["a.flv"],
        at[1]: b"x" * len(good["b.flv"]),                                         # right size, wrong content
        at[2]: [good["c.flv"][:100], ConnectionResetError("reset"), good["c.flv"]],    # third time lucky
        at[3]: urllib.error.HTTPError(at[3], 404, "Not Found", None, None)})
    report = fetch(tmp_path, wanted, workers=2)
    assert [p.name for p in report.downloaded] == ["a.flv", "c.flv"]
    assert ["another checksum" in report.failed[0].reason, "404" in report.failed[1].reason] == [True, True]
    assert files(tmp_path) == {"V/a.flv", "V/c.flv"} and asked.count(at[3]) == 1   # a refusal is not asked again
    assert "2 downloaded" in str(report) and "2 failed" in str(report)
    asked = answers(monkeypatch, {at[1]: good["b.flv"], at[3]: good["d.flv"]})
    again = fetch(tmp_path, wanted)
    assert len(again.kept) == 2 and len(again.downloaded) == 2 and sorted(asked) == [at[1], at[3]]
    assert (tmp_path / "V/b.flv").read_bytes() == good["b.flv"]


def test_too_much_is_cut_off(tmp_path, monkeypatch):
    endless = want("e.flv", b"1234")

    class Endless(io.RawIOBase):
        def read(self, n=-1):
            return b"z" * n
    answers(monkeypatch, {endless.address: Endless()})
    report = fetch(tmp_path, [endless])
    assert "another checksum" in report.failed[0].reason and files(tmp_path) == set()


def test_wrong_file_in_the_mirror_is_downloaded_instead(tmp_path, monkeypatch):
    wanted, mirror = want("a.flv", b"right"), tmp_path / "mirror"
    mirror.mkdir()
    (mirror / "a.flv").write_bytes(b"wrong")
    failed = fetch(tmp_path / "out", [wanted], mirror=mirror).failed
    assert "no network" in failed[0].reason and "in the mirror it has another checksum" in failed[0].reason
    answers(monkeypatch, {wanted.address: b"right"})
    report = fetch(tmp_path / "out", [wanted], mirror=mirror)
    assert report.downloaded and (tmp_path / "out/a.flv").read_bytes() == b"right"


def test_interruption_leaves_nothing_half_written(tmp_path, monkeypatch):
    """Ctrl-C arrives while one file is done and the next is half there."""
    first, second = want("1.flv", b"1" * 10), want("2.flv", b"2" * 600_000)

    class Half(io.RawIOBase):
        n = 0

        def read(self, n=-1):
            self.n += 1
            if self.n == 2:
                raise KeyboardInterrupt
            return b"2" * n
    answers(monkeypatch, {first.address: b"1" * 10, second.address: Half()})
    with pytest.raises(KeyboardInterrupt):
        fetch(tmp_path, [first, second], workers=1)
    assert files(tmp_path) == {"1.flv"}
    answers(monkeypatch, {second.address: b"2" * 600_000})
    assert len(fetch(tmp_path, [first, second]).kept) == 1 and files(tmp_path) == {"1.flv", "2.flv"}


def test_what_a_killed_run_left_is_swept_after_an_hour(tmp_path):
    old, young, other = (tmp_path / n for n in (".a.0123abcd.part.flv", ".b.0123abcd.part.flv", ".mine.part.flv"))
    for path in (old, young, other):
        path.write_bytes(b"half")
    for path in (old, other):
        os.utime(path, (time.time() - 7200,) * 2)
    fetch(tmp_path, [want("a.flv", b"a")])
    assert files(tmp_path) == {young.name, other.name}


def test_without_a_network_it_gives_up_early(tmp_path):
    wanted = [want(f"{k}.flv", bytes([k])) for k in range(20)]
    report = fetch(tmp_path, wanted, workers=1)
    assert len(report.failed) == 20 and sum("not tried" in reason for _, reason in report.failed) == 14


def test_full_disk_and_bad_folders(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="disk of"):
        fetch(tmp_path, [Wanted("a.flv", "https://example.org", "0", 10**18)])
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(InputError, match="cannot be made"):
        fetch(tmp_path / "file" / "out", [want("a.flv", b"a")])
    with pytest.raises(InputError, match="no mirror"):
        fetch_crema_d(tmp_path, actors=[1003], mirror=tmp_path / "gone")
    with pytest.raises(InputError, match="workers is 0"):
        fetch(tmp_path, [want("a.flv", b"a")], workers=0)
    answers(monkeypatch, {"https://example.org/a.flv": b"a"})

    def full(*_):
        raise OSError(28, "No space left on device")
    monkeypatch.setattr("tfg.files.os.replace", full)                              # noticed at the very end
    with pytest.raises(InputError, match="No space left"):
        fetch(tmp_path / "out", [want("a.flv", b"a")])
    assert files(tmp_path / "out") == set()


# ---- the command line -----------------------------------------------------------------------------------------
def test_command_fetch_and_list(shared, tmp_path, capsys):
    out = str(tmp_path / "c")
    command = ["corpora", "fetch", "crema-d", "--out", out, "--actors", "1001", "--sentences", "dfa", "--mirror",
               str(shared)]
    assert main(command) == 0
    assert "6 files, 1.6 MB" in (said := capsys.readouterr().out) and "6 from the mirror" in said
    (tmp_path / "c/VideoFlash/party.flv").write_bytes(b"x")
    assert main(["corpora", "list", out, "--corpus", "crema-d"]) == 0
    said = capsys.readouterr().out
    for words in ("6 clips of 1 actors, 1 files skipped", "actor  1001 6", "HAP 1", "level  XX 6",
                  "party.flv is not named", "for testing only"):
        assert words in said, words


def test_command_says_what_is_missing(shared, tmp_path, capsys):
    words = ["corpora", "fetch", "crema-d", "--out", str(tmp_path), "--actors", "1001-1002", "--sentences", "DFA",
             "--emotions", "HAP", "--mirror", str(shared)]
    assert main(words) == 2
    said = capsys.readouterr()
    assert "1 from the mirror" in said.out and "1 failed" in said.out
    assert "1 files are missing" in said.err and "1002_DFA_HAP_XX.flv" in said.err and "again" in said.err


@pytest.mark.parametrize("words, reason", [
    (["fetch", "lrs3", "--out", "x"], "cannot be fetched"),
    (["fetch", "sfhq", "--out", "x", "--actors", "1"], "crema-d"),
    (["fetch", "crema-d", "--out", "x", "--actors", "1005-1001"], "ranges"),
    (["fetch", "crema-d", "--out", "x", "--actors", "1001-99999"], "no actor"),
    (["fetch", "crema-d", "--out", "x", "--emotions", ","], "names nothing"), (["fetch", "crema-d"], "--out"),
    (["list", "x", "--corpus", "crema-d"], "no folder"), (["list", "x", "--corpus", "imdb"], "no reader"),
    (["list", "x", "--corpus", "grid", "--kind", "audio"], "--kind"), (["list", "x"], "--corpus"),
    (["list", "x", "--corpus", "grid", "--surprised"], "ravdess")])
def test_command_faults(words, reason, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["corpora", *words]) == 2
    assert reason in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_list_groups_reasons(tmp_path, capsys):
    from test_corpora_readers import plant

    plant(tmp_path, "s1/bbaf2n.mpg", *(f"s1/x{k}.mpg" for k in range(5)))
    assert main(["corpora", "list", str(tmp_path), "--corpus", "grid"]) == 0
    said = capsys.readouterr().out
    assert "skipped  5:" in said and "and 2 more (--all" in said and "actor  s1 1" in said and "emotion" not in said
    assert main(["corpora", "list", str(tmp_path), "--corpus", "grid", "--all"]) == 0
    assert "x4.mpg" in capsys.readouterr().out


def test_names_that_the_terminal_cannot_show_are_escaped(tmp_path):
    (tmp_path / "東京.mpg").write_bytes(b"x")
    run = subprocess.run([sys.executable, "-m", "tfg.cli", "corpora", "list", str(tmp_path), "--corpus", "grid"],
                         env=os.environ | {"PYTHONIOENCODING": "ascii"}, capture_output=True, text=True)
    assert run.returncode == 0 and r"\u6771\u4eac.mpg" in run.stdout, run.stderr


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path):
    for k in range(3000):
        (tmp_path / f"no clip of GRID {k}.mpg").write_bytes(b"x")
    run = subprocess.Popen([sys.executable, "-m", "tfg.cli", "corpora", "list", str(tmp_path), "--corpus", "grid",
                            "--all"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    run.stdout.readline()
    run.stdout.close()
    assert b"Traceback" not in run.stderr.read() and run.wait() == 141


def test_numbers():
    assert numbers("1001-1003, 1010") == ["1001", "1002", "1003", "1010"]
    for wrong in ("a", "1-", "3-1", "", "1001-99999999"):
        with pytest.raises(InputError):
            numbers(wrong)
