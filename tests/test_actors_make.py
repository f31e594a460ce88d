"""tfg.actors.make: the same bytes whoever makes them, and nothing broken whatever happens."""
from __future__ import annotations

import errno
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tfg import paths
from tfg.actors import make as making
from tfg.actors.cast import Member, Planned
from tfg.actors.make import make
from tfg.actors.manifest import manifest, read_manifest
from tfg.actors.record import is_recorded
from tfg.cli import main
from tfg.errors import InputError
from tfg.files import locked
from tfg.media.clip import Clip

pytest.importorskip("espeakng_loader", reason="no voice: pip install espeakng-loader")
SMALL = dict(profile="ci", actors=2, clips=2, size=32, text="Oh no.", emotions=["FEA", "NEU"])
"""A photo and a built face, two short clips of each."""
ALONE = SMALL | dict(actors=1, portraits=0)
KILLED = """
import os, signal, sys
real = os.replace
def replace(source, target):
    if str(target).endswith(".mp4") and ".part" not in str(target):
        os.kill(os.getpid(), signal.SIGKILL)
    real(source, target)
os.replace = replace
from tfg.actors.make import make
make(sys.argv[1], workers=1, progress=False, **{options!r})
"""

INTERRUPTED = """
import os, signal, sys, threading, time
from pathlib import Path
def interrupt():
    while not list(Path(sys.argv[1]).glob(".V*.part.*")):       # a clip's, not the manifest's
        time.sleep(.002)
    os.kill(os.getpid(), signal.SIGINT)
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)      # also where tests run in the background
    from tfg.actors import make as making
    from tfg.cli import main
    import tfg.actors.cli as cli
    def run(given):
        threading.Thread(target=interrupt, daemon=True).start()
        making.make(sys.argv[1], workers=2, progress=False, **{options!r})
    cli.run_make = run
    sys.exit(main(["actors", "make", "--out", sys.argv[1]]))
"""


def files(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.name != making.LOCK}


def copy(folder: Path, to: Path) -> None:
    for path in folder.iterdir():
        shutil.copy(path, to)


def quick(out, **options):
    return make(out, **SMALL | dict(workers=1, progress=False) | options)


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    """The set that one worker makes."""
    out = tmp_path_factory.mktemp("sets") / "small"
    report = quick(out)
    assert len(report.made) == 4 and not report.failed and not report.kept and report.frames > 60
    return out


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> Path:
    """The set of a built face alone, as one worker makes it."""
    out = tmp_path_factory.mktemp("sets") / "alone"
    quick(out, **ALONE)
    return out


def test_what_is_in_a_set(small):
    held = files(small)
    names = sorted({n.split(".")[0] for n in held} - {"set"})
    assert [n[:5] for n in names] == ["V001_", "V001_", "V002_", "V002_"]
    assert sorted(held) == sorted(["set.json", *(n + end for n in names for end in (".mp4", ".npz", ".wav"))])
    manifest = read_manifest(small)
    assert manifest["size"] == 32 and manifest["seed"] == 0
    assert manifest["split"] == {"train": ["V001"], "val": [], "test": ["V002"], "judge": []}
    assert [m["kind"] for m in manifest["members"]] == ["portrait", "virtual"]
    assert sorted("_".join(c[k] for k in ("actor", "sentence", "emotion", "level")) for c in manifest["clips"]) == names
    clips = [Clip.open(small / f"{n}.mp4") for n in names]
    assert {c.meta["kind"] for c in clips} == {"virtual", "portrait"} and all(len(c) > 15 for c in clips)
    assert {c.meta["text"] for c in clips} == {"Oh no."} and {c.emotion for c in clips} == {"FEA", "NEU"}


def test_two_workers_make_the_same_bytes(small, tmp_path):
    quick(tmp_path / "two", workers=2)
    assert files(tmp_path / "two") == files(small)


def test_a_dask_cluster_makes_the_same_bytes(alone, tmp_path):
    pytest.importorskip("distributed", reason='no Dask: pip install "dask[distributed]"')
    import joblib
    from distributed import Client, LocalCluster

    with LocalCluster(n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None,
                      local_directory=str(tmp_path / "dask")) as cluster, Client(cluster):
        with joblib.parallel_config("dask"):
            report = quick(tmp_path / "set", **ALONE | dict(workers=None))
    assert len(report.made) == 2 and files(tmp_path / "set") == files(alone)


def test_workers_write_where_the_run_is(small, tmp_path, monkeypatch):
    """joblib's workers live on, in the folder that they were started in."""
    for place in ("a", "b"):
        (tmp_path / place).mkdir()
        monkeypatch.chdir(tmp_path / place)
        report = quick("set", workers=2)
        assert len(report.made) == 4 and files(tmp_path / place / "set") == files(small)


def test_interrupted_with_two_workers(tmp_path):
    """Ctrl-C while both write: no temporary file is left, and none comes later."""
    more = ALONE | dict(actors=2, clips=4)
    out, code = tmp_path / "set", INTERRUPTED.format(options=more)
    done = subprocess.run([sys.executable, "-c", code, str(out)], capture_output=True, text=True)
    assert done.returncode == 130 and done.stderr.count("\n") == 1, done.stderr
    there = [p.name for p in out.iterdir()]
    assert "set.json" in there and not [n for n in there if ".part" in n]
    assert all(is_recorded(out, p.stem) for p in out.glob("*.mp4"))
    quick(out, **more)
    assert len(list(out.glob("*.mp4"))) == 8 and all(is_recorded(out, p.stem) for p in out.glob("*.mp4"))


def test_another_order_makes_the_same_bytes(small, tmp_path):
    """A clip does not depend on those before it: make the last, then the others."""
    copy(small, tmp_path)
    for path in tmp_path.glob("V001*"):
        path.unlink()
    first = min(tmp_path.glob("V002*.mp4"))
    first.unlink()
    report = quick(tmp_path)
    assert len(report.made) == 3 and len(report.kept) == 1 and files(tmp_path) == files(small)


def test_nothing_is_made_twice(small):
    before = {p: p.stat().st_mtime_ns for p in small.glob("V*")}
    report = quick(small)
    assert len(report.kept) == 4 and not report.made
    assert {p: p.stat().st_mtime_ns for p in small.glob("V*")} == before


def test_damaged_clips_are_made_again(small, tmp_path):
    copy(small, tmp_path)
    cut, gone, empty = sorted(tmp_path.glob("V*.mp4"))[:3]
    cut.write_bytes(cut.read_bytes()[:-50])
    gone.with_suffix(".wav").unlink()
    empty.with_suffix(".npz").write_bytes(b"")
    report = quick(tmp_path)
    assert set(report.made) == {cut.stem, gone.stem, empty.stem} and files(tmp_path) == files(small)


def test_killed_between_the_files_of_a_clip(alone, tmp_path):
    """SIGKILL when a clip's pictures, the last of its three files, are about to get their name."""
    out = tmp_path / "set"
    code = KILLED.format(options=ALONE)
    done = subprocess.run([sys.executable, "-c", code, str(out)], capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    there = [p.name for p in out.iterdir() if p.name[0] == "V"]
    assert sorted(Path(n).suffix for n in there) == [".npz", ".wav"]
    assert any(".part" in p.name for p in out.iterdir())
    report = quick(out, **ALONE)                                  # neither a lock nor a broken clip stands in the way
    assert len(report.made) == 2 and files(out) == files(alone)


def test_two_runs_into_one_folder(small):
    with locked(small, making.LOCK):
        with pytest.raises(InputError, match="another process is writing"):
            quick(small)
    assert len(quick(small).kept) == 4


def test_a_broken_photo_costs_its_own_clips_only(tmp_path, capsys):
    (tmp_path / "broken.jpg").write_bytes(paths.data("faces", "default.jpg").read_bytes()[:5000])
    options = ["--profile", "ci", "--actors", "3", "--portraits", "2", "--portrait", str(tmp_path / "broken.jpg"),
               str(paths.data("faces", "portrait_1.jpg")), "--clips", "1", "--size", "32", "--text", "No.",
               "--workers", "1"]
    for made, kept in ((2, 0), (0, 2)):
        assert main(["actors", "make", "--out", str(tmp_path / "set"), *options]) == 2
        printed = capsys.readouterr()
        assert f"{made} clips made" in printed.out and f"{kept} there already, 1 failed" in printed.out
        assert "broken.jpg" in printed.err and "V00" in printed.err and "cut off" in printed.err
        assert printed.err.count("\n") == 1
    broken = next(m["name"] for m in read_manifest(tmp_path / "set")["members"] if "broken" in str(m["photo"]))
    assert not list((tmp_path / "set").glob(f"{broken}_*")) and len(list((tmp_path / "set").glob("*.mp4"))) == 2


def test_one_bad_clip_is_reported_and_the_rest_goes_on(small, tmp_path, monkeypatch):
    real = making.record

    def record(take, *args, **more):
        if take.name == "V002_TXT_NEU_XX":
            raise ZeroDivisionError("by nought")
        return real(take, *args, **more)
    monkeypatch.setattr(making, "record", record)
    report = quick(tmp_path)
    assert [(n, why) for n, why in report.failed] == [("V002_TXT_NEU_XX", "ZeroDivisionError: by nought")]
    monkeypatch.undo()
    assert quick(tmp_path).made == ["V002_TXT_NEU_XX"] and files(tmp_path) == files(small)


def test_a_full_disk(small, tmp_path, monkeypatch):
    real, made = making.record, []

    def record(take, *args, **more):
        if len(made) == 2:
            raise InputError("it cannot be written") from OSError(errno.ENOSPC, "No space left on device")
        made.append(take.name)
        return real(take, *args, **more)
    monkeypatch.setattr(making, "record", record)
    with pytest.raises(InputError, match="full.*same command again"):
        quick(tmp_path)
    assert {p.stem for p in tmp_path.glob("*.mp4")} == set(made) and not list(tmp_path.glob(".*.part*"))
    monkeypatch.undo()
    assert quick(tmp_path).kept == made and files(tmp_path) == files(small)


def test_a_disk_that_is_too_small_is_noticed_before(tmp_path, monkeypatch):
    monkeypatch.setattr(making.shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))
    with pytest.raises(InputError, match="MB left"):
        quick(tmp_path / "set")
    assert [p.name for p in (tmp_path / "set").iterdir()] == [making.LOCK]


@pytest.mark.parametrize("options, message", [
    (dict(seed=1), "seed differs.*0, not 1"), (dict(size=48), "size differs"), (dict(clips=1), "clips differs"),
    (dict(extras=["masks"]), "extras differs"), (dict(actors=3), "differs"), (dict(text="Oh."), "clips differs"),
])
def test_a_folder_of_another_set_is_refused(small, options, message):
    before = files(small)
    with pytest.raises(InputError, match=message):
        quick(small, **options)
    assert files(small) == before


def test_another_run_that_came_first(small, tmp_path, monkeypatch):
    """Between the look at an empty folder and the lock, somebody else begins and ends another set there."""
    real = making.make_folder

    def slow(out):
        folder = real(out)
        if not any(folder.iterdir()):
            copy(small, folder)
        return folder
    monkeypatch.setattr(making, "make_folder", slow)
    with pytest.raises(InputError, match="another set"):
        quick(tmp_path, seed=1)
    assert files(tmp_path) == files(small)


def test_the_same_picture_twice(tmp_path):
    for name in "ab":
        shutil.copy(paths.data("faces", "default.jpg"), tmp_path / f"{name}.jpg")
    with pytest.raises(InputError, match="a.jpg and .*b.jpg are the same picture"):
        quick(tmp_path / "set", actors=None, portrait=[tmp_path / "a.jpg", tmp_path / "b.jpg"])
    assert not (tmp_path / "set").exists()


def test_a_photo_that_was_changed(tmp_path):
    shutil.copy(paths.data("faces", "portrait_1.jpg"), tmp_path / "a.jpg")
    options = dict(actors=None, portrait=[tmp_path / "a.jpg"], clips=1)
    before = quick(tmp_path / "set", **options).made
    shutil.copy(paths.data("faces", "portrait_2.jpg"), tmp_path / "a.jpg")
    with pytest.raises(InputError, match="begun with other pictures"):
        quick(tmp_path / "set", **options)
    shutil.copy(paths.data("faces", "portrait_1.jpg"), tmp_path / "a.jpg")
    assert quick(tmp_path / "set", **options).kept == before


def test_two_people_on_a_photo(tmp_path, recwarn):
    from PIL import Image

    both = Image.new("RGB", (900, 600))
    for at, side, name in ((0, 300, "portrait_1"), (300, 600, "default")):
        both.paste(Image.open(paths.data("faces", f"{name}.jpg")).resize((side, side)), (at, 0))
    both.save(tmp_path / "two.png")
    photos = (str(tmp_path / "two.png"), "tfg:default.jpg", "tfg:portrait_1.jpg")
    actors = [making.casting.build(Member("V001", "portrait", 1, "train", photo), 32) for photo in photos]
    both, large, small = (a.render(a.neutral).astype(float) for a in actors)
    assert abs(both - large).mean() < .3 * abs(both - small).mean()
    assert not [w for w in recwarn if "--face" in str(w.message)]                  # an option of another command


def test_a_text_without_words(tmp_path):
    report = quick(tmp_path, **ALONE | dict(text="...", clips=1))
    assert [why for _, why in report.failed] == ["the text '...' has no words to speak: give at least one"]


def test_folders_that_hold_something_else(tmp_path):
    (tmp_path / "mine.txt").write_text("do not touch")
    with pytest.raises(InputError, match="mine.txt"):
        quick(tmp_path)
    with pytest.raises(InputError, match="is a file"):
        quick(tmp_path / "mine.txt")
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("content, message", [
    ("{", "damaged"), ("[]", "damaged"), ('{"version": 1}', "damaged"), ("\0\0", "damaged"),
    ('{"version": 99, "members": [], "clips": []}', "newer tfg"),
    ('{"version": 1, "members": [{"nobody": 1}], "clips": []}', "damaged"),
    ('{"version": 2, "members": [{"nobody": 1}], "clips": []}', "newer tfg"),
])
def test_damaged_manifests(tmp_path, content, message):
    (tmp_path / "set.json").write_text(content)
    with pytest.raises(InputError, match=message) as caught:
        quick(tmp_path)
    assert "set.json" in str(caught.value) and "\n" not in str(caught.value)
    with pytest.raises(InputError, match="can be read"):
        read_manifest(tmp_path / "nowhere")


@pytest.mark.parametrize("options, message", [
    (dict(size=33), "even"), (dict(size=8), "32 to 1024"), (dict(workers=0), "workers"), (dict(clips=0), "clips"),
    (dict(extras=["colour"]), "colour"), (dict(profile="tiny"), "tiny"), (dict(emotions=["JOY"]), "JOY"),
    (dict(actors=0), "actors"), (dict(text=" "), "text"), (dict(size=2048), "32 to 1024"), (dict(seed=-1), "seed"),
])
def test_bad_options_leave_nothing_behind(tmp_path, options, message):
    with pytest.raises(InputError, match=message):
        quick(tmp_path / "set", **options)
    assert not (tmp_path / "set").exists()


def test_extras_from_the_command_line(tmp_path, capsys):
    out = tmp_path / "set"
    assert main(["actors", "make", "--profile", "ci", "--actors", "1", "--portraits", "0", "--clips", "1", "--size",
                 "32", "--text", "No.", "--emotions", "hap", "--extras", "masks,depth", "--workers", "1", "--out",
                 str(out)]) == 0
    printed = capsys.readouterr()
    assert "1 actor (0 of them photos), 1 of 1 clips" in printed.out and "1 clips made" in printed.out
    assert not printed.err
    arrays = Clip.open(next(out.glob("*.mp4"))).arrays
    assert {"masks", "depth"} <= set(arrays) and "flow" not in arrays


def test_sheet_of_a_set(small, tmp_path, capsys):
    from PIL import Image

    for name, more, columns in (("cast.png", [], 1), ("faces.jpg", ["--emotions"], 6),
                                ("two.png", ["--emotions", "hap,sad"], 2)):
        path = tmp_path / name
        assert main(["actors", "sheet", "--set", str(small), "--workers", "1", "--columns", "1", "--out", str(path),
                     *more]) == 0
        assert "2 actors" in capsys.readouterr().out
        with Image.open(path) as image:
            assert image.width == 32 * columns + 8
            assert image.height > 2 * 32
    assert main(["actors", "sheet", "--set", str(small), "--out", str(tmp_path / "cast.png")]) == 2
    assert "exists" in capsys.readouterr().err
    assert main(["actors", "sheet", "--set", str(small), "--out", str(tmp_path / "cast.gif")]) == 2
    assert main(["actors", "sheet", "--set", str(tmp_path), "--out", str(tmp_path / "no.png")]) == 2
    assert "set.json" in capsys.readouterr().err
    for more, message in ((["--seed", "3"], "leave out --seed"), (["--size", "0"], "size is 0"),
                          (["--size", "-6"], "size is -6"), (["--size", "33"], "size is 33")):
        assert main(["actors", "sheet", "--set", str(small), "--out", str(tmp_path / "no.png"), *more]) == 2
        assert message in capsys.readouterr().err and not (tmp_path / "no.png").exists()


def test_a_sheet_survives_a_broken_photo(tmp_path, capsys):
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    assert main(["actors", "sheet", "--portrait", str(tmp_path / "broken.jpg"), "--size", "32", "--workers", "1",
                 "--out", str(tmp_path / "sheet.png")]) == 0
    assert "1 could not be built" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["actors", "actors make", "actors sheet"])
def test_help(command, capsys):
    assert main([*command.split(), "--help"]) == 0
    printed = capsys.readouterr().out
    assert "usage: tfg actors" in printed and "None" not in printed
    if command == "actors make":
        for word in "--actors --portraits --portrait --clips --emotions --extras --workers --mirror set.json".split():
            assert word in printed, word


def test_only_one_split_of_a_cast(tmp_path):
    made = make(tmp_path / "set", actors=12, portraits=0, clips=1, size=48, varied=5, only=["judge"], progress=False)
    held = json.loads((tmp_path / "set" / "set.json").read_text())
    whole = manifest(actors=12, portraits=0, clips=1, size=48, varied=5)
    assert held["members"] == [m for m in whole["members"] if m["split"] == "judge"] and len(held["members"]) == 2
    assert made.made == [Planned(**c).name for c in whole["clips"] if c["actor"] in held["split"]["judge"]]
    assert all("_TXT_" in name and (tmp_path / "set" / f"{name}.mp4").exists() for name in made.made)
    for bad, word in ((dict(only=["jury"]), "jury"), (dict(actors=1, only=["judge"]), "cast more actors"),
                      (dict(varied=0), "1 to 1000"), (dict(varied=3, text="Hello."), "beside a text")):
        with pytest.raises(InputError, match=word):
            manifest(**{"actors": 12, "portraits": 0, **bad})


def test_a_text_has_as_many_clips_as_there_are(small):
    clips = making.manifest(actors=2, portraits=0, text="Oh no.", emotions=["HAP", "NEU"])["clips"]
    assert len(clips) == 2 * 4 and len(making.manifest(actors=2, portraits=0)["clips"]) == 24


def test_the_set_on_disk_says_that_it_is_generated(small):
    assert "AI-generated" in json.loads((small / "set.json").read_text())["what"]
