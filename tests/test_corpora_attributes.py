"""Tables of pictures and Action Units: what is written comes back, and each fault is said with its line."""
from __future__ import annotations

import numpy as np
import pytest

from tfg.corpora import attributes
from tfg.corpora.attributes import NAMES, read_attributes, read_pictures, write_attributes
from tfg.errors import InputError
from tfg.faces.aus import AUS


@pytest.fixture
def aus() -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 5, (3, 17)).astype(np.float32)


FILES = ["a.jpg", "sub/b c.png", "d.jpg"]


def table(path, rows, head=None, count=None):
    first = [] if count is None else [str(count)]
    path.write_text("\n".join([*first, head or " ".join(NAMES), *rows]) + "\n")
    return path


def row(name, values):
    return " ".join([name, *map(str, values)])


def test_what_is_written_comes_back(tmp_path, aus):
    path = write_attributes(tmp_path / "a.txt", FILES, aus)
    lines = path.read_text().splitlines()
    assert lines[0] == "3" and lines[1].split() == list(NAMES) and lines[2].startswith("a.jpg ") and len(lines) == 5
    names, found = read_attributes(path)
    assert names == FILES and found.dtype == np.float32 and np.array_equal(found, aus)
    small = write_attributes(tmp_path / "b.txt", FILES, aus, top=1)
    assert max(float(v) for v in small.read_text().splitlines()[2].split()[1:]) <= 1
    np.testing.assert_allclose(read_attributes(small, top=1)[1], aus, rtol=1e-6)
    assert np.nanmax(read_attributes(small)[1]) <= 1         # said to be from 0 to 5: taken as they are


def test_a_folder_with_its_table(tmp_path, aus):
    (tmp_path / "in" / "sub").mkdir(parents=True)
    for name in (*FILES, "other.jpg"):
        (tmp_path / "in" / name).write_bytes(b"x")
    rows = [row(name, values) for name, values in zip(["d", "sub/b c", "a.jpg"], aus)]       # names without suffix
    paths, found = read_pictures(tmp_path / "in", table(tmp_path / "a.txt", rows))
    assert [p.name for p in paths] == ["d.jpg", "b c.png", "a.jpg"] and all(p.is_file() for p in paths)
    assert np.array_equal(found, aus)
    with pytest.raises(InputError, match="line 5 of .*names z.jpg, which is not in"):
        read_pictures(tmp_path / "in", table(tmp_path / "b.txt", [*rows, row("z.jpg", aus[0])]))
    with pytest.raises(InputError, match="no folder"):
        read_pictures(tmp_path / "out", tmp_path / "a.txt")


@pytest.mark.parametrize("head", [" ".join(f"AU{a}" for a in AUS), "\t".join(map(str, AUS)),
                                  "image_path, " + ", ".join(NAMES)])
@pytest.mark.parametrize("count", [None, 3])
def test_names_in_other_spellings(tmp_path, aus, head, count):
    rows = [row(name, values) for name, values in zip(FILES, aus)]
    names, found = read_attributes(table(tmp_path / "a.txt", rows, head, count))
    assert names == FILES and np.array_equal(found, aus)


def test_columns_in_another_order_and_others_between(tmp_path, aus):
    head = "AU28_c AU45_c " + " ".join(NAMES[::-1])
    rows = [row(name, [1, 0, *values[::-1]]) for name, values in zip(FILES, aus)]
    assert np.array_equal(read_attributes(table(tmp_path / "a.txt", rows, head))[1], aus)


ZEROS = row("a.jpg", [0] * 17)


@pytest.mark.parametrize("rows, head, count, words", [
    ([ZEROS], " ".join(NAMES[:-1]), None, "line 1 of .* does not name AU45"),
    ([ZEROS], " ".join((*NAMES, "AU1")), 1, "line 2 of .* names AU1 twice"),
    ([ZEROS, row("b.jpg", [0] * 16)], " ".join(NAMES), None, "line 3 of .* does not hold"),
    ([ZEROS, row("b.jpg", ["x", *[0] * 16])], " ".join(NAMES), None, "line 3 of .* does not hold"),
    ([row("b.jpg", [0] * 18)], " ".join(NAMES), 1, "line 3 of .* more values than"),
    ([ZEROS, row("b.jpg", [0, 5.5, *[0] * 15])], " ".join(NAMES), None, "line 3 of .* has 5.5 for AU2"),
    ([row("b.jpg", [-.1, *[0] * 16])], " ".join(NAMES), None, "line 2 of .* has -0.1 for AU1"),
    ([row("b.jpg", ["nan", *[0] * 16])], " ".join(NAMES), None, "line 2 of .* has nan for AU1"),
    ([ZEROS], " ".join(NAMES), 4, "line 1 of .* announces 4 pictures, but 1 rows"),
    ([], " ".join(NAMES), None, "no row below"),
    ([], "7", None, "names no Action Units"),
    ([ZEROS], ZEROS, None, "does not name AU"),
])
def test_faults_are_said_with_their_line(tmp_path, rows, head, count, words):
    with pytest.raises(InputError, match=words):
        read_attributes(table(tmp_path / "a.txt", rows, head, count))


def test_values_above_what_they_were_said_to_reach(tmp_path, aus):
    path = write_attributes(tmp_path / "a.txt", FILES, aus)
    with pytest.raises(InputError, match="line 3 of .* said to go from 0 to 1"):
        read_attributes(path, top=1)
    with pytest.raises(InputError, match="give 5"):
        read_attributes(path, top=0)


def test_what_cannot_be_written(tmp_path, aus):
    for wrong in (np.nan, -1, 5.1):
        aus[1, 3] = wrong
        with pytest.raises(InputError, match="b c.png has an Action Unit"):
            write_attributes(tmp_path / "a.txt", FILES, aus)
    with pytest.raises(ValueError, match="17"):
        write_attributes(tmp_path / "a.txt", FILES, aus[:, :16])
    with pytest.raises(InputError, match="comma"):
        write_attributes(tmp_path / "a.txt", ["a,b.jpg"], aus[:1])
    assert not list(tmp_path.iterdir())


def test_photos_of_a_folder_are_measured(tmp_path, monkeypatch):
    """Photos without a face are named; the others stand in the order of their names."""
    from tfg.faces import au_readers

    def measured(photo, method):
        if photo.stem == "b":
            raise InputError("no face was found")
        return np.full((1, 17), 1 + (photo.stem == "c"), np.float32)

    monkeypatch.setattr(au_readers, "measure_aus", measured)
    for name in ("c.jpg", "b.png", "a.jpg", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    seen = []
    names, aus, left_out = attributes.measure_pictures(tmp_path, progress=lambda *n: seen.append(n))
    assert names == ["a.jpg", "c.jpg"] and aus[:, 0].tolist() == [1, 2] and left_out == [("b.png", "no face was found")]
    assert seen == [(1, 3), (2, 3), (3, 3)]
    (tmp_path / "a.jpg").unlink(), (tmp_path / "c.jpg").unlink()
    with pytest.raises(InputError, match="none of the 1 photos"):
        attributes.measure_pictures(tmp_path)
    with pytest.raises(InputError, match="no folder"):
        attributes.measure_pictures(tmp_path / "x")
    with pytest.raises(InputError, match="best, blendshapes"):
        attributes.measure_pictures(tmp_path, "magic")
