"""tfg.files: names, links, files that appear whole or not at all, one process at a time, disks that are full."""
from __future__ import annotations

import errno
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tfg.errors import InputError
from tfg.files import atomic, check_file, check_place, check_writable, disk_errors, locked, reserved

ROOT = Path(__file__).resolve().parents[1]
LONG = "あ" * 80                                          # 240 bytes: legal, 255 is the most


def elsewhere(code: str, *given) -> subprocess.Popen:
    """Another Python, whose first line of output is awaited."""
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code), *map(str, given)], cwd=ROOT, text=True,
                               stdout=subprocess.PIPE, stdin=subprocess.PIPE)
    assert process.stdout.readline().strip() == "ready"
    return process


# ---- names ----------------------------------------------------------------------------------------------------------
def test_a_name_of_80_letters_of_three_bytes(tmp_path):
    path = check_place(tmp_path / f"{LONG}.mp4", (".mp4",))
    with reserved(path), atomic(path) as part:
        part.write_text("whole")
    assert [p.name for p in tmp_path.iterdir()] == [f"{LONG}.mp4"] and path.read_text() == "whole"


@pytest.mark.parametrize("name", ["あ" * 90 + ".mp4", "a\0b.mp4"])
def test_names_that_are_none_are_refused_before_the_work(tmp_path, name):
    for check in (check_writable, lambda path: check_place(path, (".mp4",)), lambda path: check_file(path, "video")):
        with pytest.raises(InputError, match="is no name of a file"):
            check(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_link_to_itself(tmp_path):
    ring = tmp_path / "ring.mp4"
    ring.symlink_to(ring)
    for check in (check_writable, lambda path: check_file(path, "video")):
        with pytest.raises(InputError, match="ring.mp4.*is no name of a file"):
            check(ring)
    with pytest.raises(InputError, match="is no name of a file"), atomic(ring):
        pass
    assert ring.is_symlink()


# ---- links ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("there", [True, False])
def test_a_link_is_followed_and_stays(tmp_path, there):
    (tmp_path / "far").mkdir()
    target, link = tmp_path / "far" / "target.mp4", tmp_path / "link.mp4"
    if there:
        target.write_text("old")
    link.symlink_to(target)
    with reserved(link, overwrite=True), atomic(link) as part:
        assert part.parent.samefile(target.parent), "renaming works within a folder only"
        part.write_text("new")
    assert link.is_symlink() and target.read_text() == "new"
    assert [p.name for p in target.parent.iterdir()] == ["target.mp4"]


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="needs a device")
def test_a_link_to_a_device(tmp_path):
    link = tmp_path / "link.mp4"
    link.symlink_to("/dev/null")
    for path in (link, Path("/dev/null")):
        with pytest.raises(InputError, match="is a device"), atomic(path):
            pass
    assert link.is_symlink() and not Path("/dev/null").is_file()


def test_a_link_into_no_folder(tmp_path):
    link = tmp_path / "link.mp4"
    link.symlink_to(tmp_path / "gone" / "target.mp4")
    with pytest.raises(InputError, match="gone does not exist"):
        check_writable(link)


# ---- the disk -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_a_disk_that_refuses(tmp_path, number):
    with pytest.raises(InputError, match="a.mp4 cannot be written"), atomic(tmp_path / "a.mp4") as part:
        part.write_text("half")
        raise OSError(number, os.strerror(number))
    assert not list(tmp_path.iterdir())


def test_a_full_disk_inside_another_librarys_error(tmp_path):
    with pytest.raises(InputError, match="No space left"), disk_errors(tmp_path / "a"):
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError:
            raise RuntimeError("unexpected pos 704 vs 598")  # noqa: B904  (as torch.save does)


@pytest.mark.parametrize("error", [RuntimeError("sizes do not fit"), OSError(errno.EIO, "Input/output error")])
def test_other_errors_stay_what_they_are(tmp_path, error):
    with pytest.raises(type(error)) as caught, atomic(tmp_path / "a"):
        raise error
    assert caught.value is error


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_torch_on_a_full_disk(tmp_path):
    torch = pytest.importorskip("torch")
    with pytest.raises(InputError, match="state.pt cannot be written .No space left"), \
            disk_errors(tmp_path / "state.pt"), open("/dev/full", "wb") as file:
        torch.save({"a": torch.zeros(100_000)}, file)


# ---- one at a time --------------------------------------------------------------------------------------------------
HOLD = """
    import sys
    from tfg.files import {how}
    with {how}(sys.argv[1]):
        print("ready", flush=True)
        sys.stdin.readline()
"""


def test_a_folder_has_one_writer_even_after_a_kill(tmp_path):
    other = elsewhere(HOLD.format(how="locked"), tmp_path)
    with pytest.raises(InputError, match="another process is writing to"), locked(tmp_path):
        pass
    other.kill()
    other.wait()
    with locked(tmp_path), pytest.raises(InputError, match="another process"), locked(tmp_path):
        pass


def test_a_name_is_written_by_one_process(tmp_path):
    path = tmp_path / "a.mp4"
    other = elsewhere(HOLD.format(how="reserved"), path)
    with pytest.raises(InputError, match="another process is writing .*a.mp4; wait"), reserved(path):
        pass
    with reserved(tmp_path / "b.mp4", None, tmp_path / "a.npz"):
        pass
    other.communicate("\n")
    assert other.returncode == 0 and not list(tmp_path.iterdir()), "the lock's file goes with the lock"
    with reserved(path):
        pass


def test_what_was_made_meanwhile_is_not_replaced(tmp_path):
    path = check_place(tmp_path / "a.mp4", (".mp4",))
    path.write_text("somebody else's")
    with pytest.raises(InputError, match="exists already"), reserved(path):
        pass
    with reserved(path, overwrite=True):
        pass
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="nowhere does not exist"), locked(tmp_path / "nowhere"):
        pass


@pytest.mark.parametrize("error", [OSError(errno.EOPNOTSUPP, "no locks"), NotImplementedError("no flock here")])
def test_a_drive_without_locks_is_written_to_all_the_same(tmp_path, monkeypatch, error):
    def refuse(*_, **__):
        raise error

    monkeypatch.setattr("filelock.FileLock.acquire", refuse)
    with locked(tmp_path), reserved(tmp_path / "clip.mp4"):
        (tmp_path / "clip.mp4").write_bytes(b"x")
    assert (tmp_path / "clip.mp4").is_file()
    error = OSError(errno.EACCES, "no")
    with pytest.raises(InputError, match="cannot be written to"), locked(tmp_path):
        pass
