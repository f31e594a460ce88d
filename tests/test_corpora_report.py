"""The page about a store: counts, quantiles, montage, figure."""
from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from tfg.corpora import report
from tfg.corpora.store import Row, Store, StoreWriter
from tfg.errors import InputError
from tfg.faces.aus import AUS, UNSEEN
from tfg.vocabulary import INDEX

SIZE = 48


@pytest.fixture
def store(tmp_path) -> Store:
    """Four clips of two actors; in HAP mouths smile; faces are 60 px high in the video."""
    rng = np.random.default_rng(0)
    with StoreWriter(tmp_path / "store", size=SIZE) as writer:
        for k, emotion in enumerate(("HAP", "SAD", "HAP", None)):
            T = 10 + k
            expression = np.full((T, 52), .1)
            expression[:, INDEX["mouthSmileLeft"]] = expression[:, INDEX["mouthSmileRight"]] = .8 * (emotion == "HAP")
            aus = rng.uniform(0, 5, (T, 17))
            aus[:, [AUS.index(a) for a in UNSEEN]] = np.nan
            points = rng.uniform(9, 39, (T, 478, 3))
            points[:, 0, 1], points[:, 1, 1] = 9, 39
            matrix = np.tile([[.5, 0, 0], [0, .5, 0]], (T, 1, 1))
            ok = np.arange(T) != 3
            expression[~ok] = points[~ok] = np.nan
            row = Row(f"x/{k}", "x", "AB"[k % 2], emotion=emotion, level="HI", offset_ms=20.0 * k or None)
            mel = rng.normal(size=(T * 16 // 5 + 1, 80))
            sound = rng.uniform(-1, 1, 640 * T) if k else None
            writer.append(row, rng.integers(0, 255, (T, SIZE, SIZE, 3), np.uint8), mel, sound,
                          expression=expression, aus=aus, points=points, matrix=matrix, ok=ok,
                          pose=np.tile([5., 0, 0, 0, 0, 0], (T, 1)))
    return Store.open(tmp_path / "store")


def test_summary(store):
    facts = report.summary(store)
    assert (facts["clips"], facts["frames"], facts["ok_frames"]) == (4, 46, 42)
    assert facts["counts"]["emotion"] == {"HAP": 2, "None": 1, "SAD": 1}
    assert facts["counts"]["actor"] == {"A": 2, "B": 2}
    assert facts["quantiles"]["face_px"] == [60, 60, 60] and facts["quantiles"]["yaw"] == [5, 5, 5]
    assert facts["quantiles"]["offset_ms"][1] == 40 and facts["offsets_measured"] == 3
    assert facts["aus"]["AU05"] is None and facts["aus"]["AU12"] is not None
    assert facts["coefficients"]["HAP"]["mouthSmile"] == pytest.approx(.8)
    assert facts["coefficients"]["SAD"]["mouthSmile"] == 0 and facts["coefficients"]["None"]["jawOpen"] == .1
    json.dumps(facts, allow_nan=False)


def test_montage(store):
    sheet = report.montage(store, columns=4, rows=3)
    assert sheet.shape == (3 * SIZE, 4 * SIZE, 3) and sheet.dtype == np.uint8
    assert report.montage(store, columns=100, rows=1).shape[1] <= 46 * SIZE


def test_a_frame_with_its_landmarks(store):
    plain, drawn = report.picture(store, 0, points=False), report.picture(store, 0)
    assert np.array_equal(plain, store.frame(0)) and not np.array_equal(plain, drawn)
    bad = report.picture(store, 3)                           # not ok: a red border, no points
    assert (bad[0, 5] == (230, 40, 40)).all() and np.array_equal(bad[4:-4, 4:-4], store.frame(3)[4:-4, 4:-4])


def test_the_files(store):
    page = report.write_report(store.path)
    text = page.read_text(encoding="utf-8")
    assert "4 clips, 46 frames" in text and "the sound of 3 clips is kept" in text
    assert "sound of x: cannot be measured" in text and "| AU05 | | | |" in text
    assert "The last run" not in text
    assert json.loads((store.path / "report.json").read_text())["clips"] == 4
    for name, width in (("montage.png", 10 * SIZE), ("distributions.png", 1350)):
        with Image.open(store.path / name) as image:
            assert image.width == width and len(np.unique(np.asarray(image.convert("L")))) > 20


def test_names_are_text_and_no_markup(tmp_path):
    from tfg.corpora.names import Skipped
    from tfg.corpora.prepare import PrepareReport

    evil = "<img src=x onerror=alert(1)>"
    with StoreWriter(tmp_path / "<b>store", size=SIZE) as writer:
        writer.append(Row("x/1", f"{evil}", "[a](javascript:b)", emotion="HAP"), np.zeros((5, SIZE, SIZE, 3), np.uint8),
                      np.zeros((17, 80)), None)
    run = PrepareReport(items=2, skipped=[Skipped(tmp_path / f"{evil}`.mp4", f"is {evil}\n# no video")])
    text = report.write_report(tmp_path / "<b>store", run).read_text(encoding="utf-8")
    code = [line for line in text.splitlines() if "no video" in line]
    assert len(code) == 1 and f"``{tmp_path}/{evil}`.mp4``" in code[0], "in code nothing is markup"
    rest = text.replace(f"``{tmp_path}/{evil}`.mp4``", "")
    assert "<" not in rest and "[a\\](java" in rest and "&lt;img src=x onerror=alert(1)&gt;" in rest


def test_nothing_to_report(tmp_path):
    StoreWriter(tmp_path / "s", size=SIZE).close()
    with pytest.raises(InputError, match="holds no clip yet"):
        report.write_report(tmp_path / "s")
