"""The leaderboard on faces that are bars: rows, ranks, resuming, other tables beside it, adapters and films."""
from __future__ import annotations

import csv
import json
import re
import shutil

import numpy as np
import pytest

import scored_store as bars
from tfg.cli import main
from tfg.corpora.store import Store
from tfg.errors import InputError
from tfg.faces import crops
from tfg.media.video import FrameReader, write_video
from tfg.scores import films, judges
from tfg.scores.leaderboard import Board, entries, leaderboard, protocol, records, report, table, work
from tfg.scores.targets import targets

ADAPTER = """
import numpy as np
import scored_store as bars
NAME, TASK, WEIGHTS = "{name}", "portrait", ["{name}.txt"]

def draw(target):
    late = int(open({file!r}).read())
    level = np.roll(np.clip(bars.heard(target.wave), 0, 1), late)
    return bars.picture(level, target.emotion, int(target.actor[-1]))
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    return bars.make_store(tmp_path_factory.mktemp("bars") / "store", actors=10, moods=("HAP", "NEU"))


@pytest.fixture(autouse=True)
def bars_judges(monkeypatch):
    bars_meter(monkeypatch)


def bars_meter(monkeypatch):
    monkeypatch.setattr(crops, "landmarks", bars.read_landmarks)
    monkeypatch.setattr(judges, "load", lambda folder=None: bars.knowing())
    for cached in (work._judges, work._targets, work._drawer, entries.adapter):
        cached.cache_clear()


def model(folder, name: str, late: int):
    """An adapter that draws the sound's bars, so many frames late."""
    (folder / f"{name}.txt").write_text(str(late))
    path = folder / f"{name}.py"
    path.write_text(ADAPTER.format(name=name, file=str(folder / f"{name}.txt")))
    return path


def board(out, store, add, **how):
    return leaderboard(out, **{"store": store.path, "systems": (), "add": add, "tasks": ("portrait",), "clips": 1,
                               "workers": 1, "cost": False, **how})


@pytest.fixture(scope="module")
def first(tmp_path_factory, store):
    """A table that was made once: its folder, the board, the models."""
    folder = tmp_path_factory.mktemp("first")
    models = [model(folder, "prompt", 0), model(folder, "tardy", 3)]
    with pytest.MonkeyPatch.context() as patch:
        bars_meter(patch)
        return folder, board(folder / "out", store, models), models


@pytest.fixture
def made(first, tmp_path):
    """The table and its models; a copy of its folder lies in `tmp_path`."""
    folder, found, models = first
    shutil.copytree(folder / "out", tmp_path / "out")
    return found, models


def test_a_late_system_ranks_below_a_prompt_one_and_the_page_says_so(made, tmp_path):
    found, _ = made
    result = found.scores["portrait"]
    assert result.rows == ("true", "still", "shuffled", "prompt", "tardy") and result.n("all") == (9, 9)
    assert result.summary("prompt", "aperture_r").value > .95 > result.summary("tardy", "aperture_r").value
    assert table.standing(result, "aperture_r", "all")["ranks"] == {"prompt": (1, 1), "tardy": (2, 2)}
    text = found.text
    assert "prompt is surely better than tardy" in text
    line = next(x for x in text.splitlines() if x.startswith("| **prompt**"))
    assert re.search(r"0?\.99.*· 1 ", line) or "1.00" in line
    assert "Too few people for ranks" in text, "four or five people of one kind allow none"
    for name in report.FILES:
        assert (tmp_path / "out" / name).stat().st_size > 200
    with open(tmp_path / "out" / "leaderboard.csv", newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["row"] == "still" and r["score"] == "aperture_r"]
    assert len(rows) == 9 and {r["value"] for r in rows} == {"0"}, "lips that do not move count as r = 0"


def test_films_of_every_row_are_there_and_the_page_names_them(made, tmp_path):
    found, _ = made
    page = (tmp_path / "out" / "index.html").read_text()
    clip = found.scores["portrait"].own[0]["clip"]
    for row in found.scores["portrait"].rows:
        film = work.film(tmp_path / "out", "portrait", row, clip)
        assert len(FrameReader(film)) == bars.FRAMES
        assert film.relative_to(tmp_path / "out").as_posix() in page
    assert "http" not in re.sub(r"https?://www.w3.org", "", page), "the page asks no other server"


def test_a_second_run_draws_nothing_and_new_weights_draw_one_row_anew(made, tmp_path, store, monkeypatch):
    found, models = made
    before = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "out/records").iterdir()}
    monkeypatch.setattr(work, "_work", lambda job: pytest.fail("it was scored already"))
    again = board(tmp_path / "out", store, models)
    assert table.as_json(again) == table.as_json(found)
    monkeypatch.undo()
    bars_meter(monkeypatch)
    mended = board(tmp_path / "out", store, [models[0], model(tmp_path, "tardy", 0)])
    new = {p.name for p in (tmp_path / "out/records").iterdir()} - set(before)
    assert len(new) == 2 * 9 and mended.scores["portrait"].summary("tardy", "aperture_r").value > .95
    assert all((tmp_path / "out/records" / n).stat().st_mtime_ns == t for n, t in before.items())


def test_a_killed_run_goes_on_where_it_was(made, tmp_path, store, monkeypatch):
    found, models = made
    kept = sorted((tmp_path / "out/records").glob("*.json"))
    kept[0].unlink()
    kept[1].with_suffix(".npz").write_bytes(b"half")
    with pytest.raises(InputError, match="run the same command again"):
        board(tmp_path / "out", store, models)
    again = board(tmp_path / "out", store, models)
    assert again.scores["portrait"].summary("prompt", "lse_d") == found.scores["portrait"].summary("prompt", "lse_d")


def test_the_code_marks_what_it_measured_and_drew(first):
    _, found, _ = first
    assert protocol.differences(found.protocol, dict(found.protocol, code="0" * 16))
    assert len({records.code(), records.code("emogen"), records.code("ietafs")}) == 3


def test_another_table_stands_beside_it_or_is_refused_with_the_reason(made, tmp_path, store):
    found, models = made
    third = model(tmp_path, "third", 1)
    both = board(tmp_path / "both", store, [third], beside=[tmp_path / "out/leaderboard.json"])
    assert both.scores["portrait"].rows[-3:] == ("third", "prompt", "tardy")
    assert table.standing(both.scores["portrait"], "aperture_r", "all")["ranks"]["prompt"] == (1, 1)
    with pytest.raises(InputError, match="cannot stand beside this table.*seed: 1 here, 0 there"):
        board(tmp_path / "seeded", store, [third], seed=1, beside=[tmp_path / "out/leaderboard.json"])
    with pytest.raises(InputError, match="is no leaderboard.json"):
        (tmp_path / "bad.json").write_text("[]")
        board(tmp_path / "both", store, [third], beside=[tmp_path / "bad.json"])


def test_a_clip_that_a_system_refuses_is_missing_in_its_row_alone(tmp_path, store):
    path = model(tmp_path, "picky", 0)
    path.write_text(path.read_text().replace("    late =", "    from tfg.scores.draw import NotDrawn\n"
                                             "    if target.actor.endswith('1'):\n"
                                             "        raise NotDrawn('not this one')\n    late ="))
    found = board(tmp_path / "out", store, [path])
    result = found.scores["portrait"]
    assert len(result.where("picky")) == 8 and len(result.where("true")) == 9
    assert "not this one" in found.text and "not this one" in (tmp_path / "out/index.html").read_text()


def test_films_of_another_program_are_an_entry(tmp_path, store):
    every = targets(Store.open(store.path), clips=1)
    their = tmp_path / "theirs"
    their.mkdir()
    for target in every:
        level = np.clip(bars.heard(target.wave), 0, 1)
        write_video(their / f"{films.slug(target.id)}.mp4", iter(bars.picture(level, target.emotion,
                                                                              int(target.actor[-1]))), crf=1)
    found = board(tmp_path / "out", store, [their])
    assert found.scores["portrait"].rows[-1] == "theirs"
    assert found.scores["portrait"].summary("theirs", "aperture_r").value > .9


@pytest.mark.parametrize(("given", "says"), [
    ({"systems": ["nobody"]}, "unknown system"), ({"tasks": ["film"]}, "there is no task 'film'"),
    ({"add": ["missing.py"]}, "there is no file missing.py"), ({"add": ["missing"]}, "neither a Python file"),
    ({}, "no system to compare")])
def test_what_cannot_be_scored_is_refused(tmp_path, store, given, says):
    with pytest.raises(InputError, match=says):
        board(tmp_path / "out", store, given.pop("add", []), **given)


@pytest.mark.parametrize(("text", "says"), [("NAME = 'x'", "has no TASK"), ("1 +", "cannot be read: SyntaxError"),
                                            ("NAME, TASK, draw = 'x', 'dance', 1", "names the task 'dance'")])
def test_an_adapter_that_is_none_is_refused(tmp_path, store, text, says):
    (tmp_path / "x.py").write_text(text)
    with pytest.raises(InputError, match=says):
        board(tmp_path / "out", store, [tmp_path / "x.py"])


def test_the_command_prints_the_table(tmp_path, store, capsys):
    path = model(tmp_path, "prompt", 0)
    assert main(["leaderboard", "--store", str(store.path), "--systems", "none", "--add", str(path), "--clips", "1",
                 "--tasks", "portrait", "--workers", "1", "--no-cost", "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert "# Leaderboard" in said and "index.html" in said
    assert main(["leaderboard", "--store", str(store.path), "--inputs", str(tmp_path / "inputs"), "--clips", "1"]) == 0
    lines = (tmp_path / "inputs/clips.csv").read_text().splitlines()
    assert len(lines) == 10 and (tmp_path / "inputs" / lines[1].split(",")[0] / "photo.png").is_file()


def test_json_holds_what_a_program_needs(made, tmp_path):
    found, _ = made
    again = Board.read(tmp_path / "out/leaderboard.json")
    assert again.scores["portrait"].groups == ("all", "virtual", "portrait")
    assert table.standing(again.scores["portrait"], "aperture_r", "all")["ranks"] == {"prompt": (1, 1), "tardy": (2, 2)}
    assert again.scores["portrait"].summary("tardy", "aperture_r").value == pytest.approx(
        found.scores["portrait"].summary("tardy", "aperture_r").value, abs=1e-5)
    known = json.loads(json.dumps(table.as_json(found)))
    row = known["tasks"]["portrait"]["groups"]["all"]["prompt"]["aperture_r"]
    assert row["ranks"] == [1, 1] and row["mean"]["actors"] == 9
