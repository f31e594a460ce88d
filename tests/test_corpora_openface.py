"""OpenFace's CSV files: columns by name, one face, 25 frames/s by time, nothing made up."""
from __future__ import annotations

import numpy as np
import pytest

from tfg.corpora import openface
from tfg.errors import InputError
from tfg.faces.aus import AUS

HEAD = ["frame", "face_id", "timestamp", "confidence", "success", "pose_Rx", *openface.COLUMNS, "AU28_c"]


def write(path, rows, head=HEAD, join=", "):
    """rows: (face, time, confidence, success, value of AU k as a function of k)."""
    lines = [join.join(head)]
    for n, (face, time, confidence, success, value) in enumerate(rows, 1):
        cells = dict(frame=n, face_id=face, timestamp=f"{time:.3f}", confidence=confidence, success=success, pose_Rx=.1,
                     AU28_c=1.0) | {c: f"{value(k):.4f}" for k, c in enumerate(openface.COLUMNS)}
        lines.append(join.join(str(cells[c]) for c in head))
    path.write_text("\n".join(lines) + "\n")
    return path


def ramp(n: int, fps: float):
    """n frames at fps; AU k is the time of the frame's middle, plus k / 10."""
    return [(0, i / fps, .98, 1, lambda k, i=i: (i + .5) / fps + k / 10) for i in range(n)]


def test_columns_are_found_by_name(tmp_path):
    table = openface.read_csv(write(tmp_path / "a.csv", ramp(5, 25)))
    assert table.aus.shape == (5, 17) and table.faces == 1 and len(openface.COLUMNS) == len(AUS)
    assert openface.COLUMNS[0] == "AU01_r" and openface.COLUMNS[-1] == "AU45_r"
    assert np.allclose(table.aus[2], 2.5 / 25 + np.arange(17) / 10, atol=1e-3)
    turned = HEAD[:5] + HEAD[:4:-1]                          # other order; no blank after the comma
    again = openface.read_csv(write(tmp_path / "b.csv", ramp(5, 25), turned, ","))
    assert np.array_equal(again.aus, table.aus)


@pytest.mark.parametrize("fps", [25, 30, 50, 29.97, 15])
def test_resampled_by_time(tmp_path, fps):
    table = openface.read_csv(write(tmp_path / "a.csv", ramp(round(2 * fps), fps)))
    out = openface.at_25(table, 50)
    wanted = (np.arange(50) + .5) / 25
    inside = (wanted > .5 / fps) & (wanted < 2 - .5 / fps)   # beyond the middles of the end frames the end value holds
    assert out.shape == (50, 17) and out.dtype == np.float32
    assert np.abs(out[inside, 0] - wanted[inside]).max() < 2e-3
    assert np.isfinite(out).all()


def test_nothing_beyond_the_end_or_across_a_gap(tmp_path):
    rows = [r for i, r in enumerate(ramp(50, 25)) if not 20 <= i < 30]
    out = openface.at_25(openface.read_csv(write(tmp_path / "a.csv", rows)), 60)
    assert np.isfinite(out[:20]).all() and np.isfinite(out[30:50]).all()
    assert np.isnan(out[22:28]).all() and np.isnan(out[52:]).all()


def test_lost_frames_are_missing(tmp_path):
    rows = ramp(10, 25)
    rows[4] = (0, 4 / 25, .98, 0, lambda k: 5.0)             # success 0
    rows[7] = (0, 7 / 25, .4, 1, lambda k: 5.0)              # not sure
    out = openface.at_25(openface.read_csv(write(tmp_path / "a.csv", rows)), 10)
    assert np.flatnonzero(np.isnan(out[:, 0])).tolist() == [4, 7]
    assert np.nanmax(out[:, 0]) < 1


def test_of_several_faces_the_one_that_is_seen_most(tmp_path):
    rows = [(face, i / 25, .98, 1, lambda k, face=face: float(face)) for i in range(10) for face in (0, 1)
            if face == 1 or i < 4]
    table = openface.read_csv(write(tmp_path / "a.csv", rows))
    assert table.faces == 2 and len(table.times) == 10 and (table.aus == 1).all()


def test_files_without_face_id(tmp_path):
    head = [h for h in HEAD if h != "face_id"]
    assert openface.read_csv(write(tmp_path / "a.csv", ramp(4, 25), head)).faces == 1


def test_what_is_no_openface_table_is_refused(tmp_path):
    with pytest.raises(InputError, match="no column 'AU12_r'"):
        openface.read_csv(write(tmp_path / "a.csv", ramp(3, 25), [h for h in HEAD if h != "AU12_r"]))
    with pytest.raises(InputError, match="there is no OpenFace file"):
        openface.read_csv(tmp_path / "b.csv")
    path = write(tmp_path / "c.csv", ramp(3, 25))
    path.write_text(path.read_text()[:-40])
    with pytest.raises(InputError, match="line 4 of .*c.csv cannot be read"):
        openface.read_csv(path)
    with pytest.raises(InputError, match="holds no frame"):
        openface.read_csv(write(tmp_path / "d.csv", []))
    (tmp_path / "e.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="e.csv cannot be read"):
        openface.read_csv(tmp_path / "e.csv")


def test_a_folder_of_tables(tmp_path):
    with pytest.raises(InputError, match="no CSV"):
        openface.find(tmp_path)
    write(tmp_path / "a.csv", ramp(2, 25))
    (tmp_path / "sub").mkdir()
    write(tmp_path / "sub" / "b.csv", ramp(2, 25))
    assert sorted(openface.find(tmp_path)) == ["a", "b"]
    write(tmp_path / "sub" / "a.csv", ramp(2, 25))
    with pytest.raises(InputError, match="same name"):
        openface.find(tmp_path)


@pytest.mark.parametrize("fps", [25, 29.97, 50])
def test_what_is_written_is_read_back_exactly(tmp_path, fps):
    aus = np.random.default_rng(1).uniform(0, 5, (40, 17)).astype(np.float32)
    aus[7], aus[9, 3] = np.nan, np.nan                       # no face; one unit that was not measured
    path = openface.write_csv(tmp_path / "a.csv", aus, fps=fps)
    table = openface.read_csv(path)
    assert np.array_equal(table.aus.astype(np.float32), aus, equal_nan=True) and table.faces == 1
    np.testing.assert_allclose(table.times, np.arange(40) / fps, atol=1e-6)
    lines = path.read_text().splitlines()
    assert lines[0].split(",") == [*HEAD[:5], *openface.COLUMNS] and len(lines) == 41
    assert lines[8].startswith("8,0,") and lines[8].split(",")[3:6] == ["0.00", "0", "0.0"]      # as OpenFace has it
    if fps == 25:
        np.testing.assert_array_equal(openface.at_25(table, 40), aus)
    with pytest.raises(ValueError, match="17"):
        openface.write_csv(tmp_path / "b.csv", aus[:, :16])
    assert not (tmp_path / "b.csv").exists()
