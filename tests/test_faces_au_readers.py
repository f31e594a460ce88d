"""Action Units of films and photos: from which reader each comes, and the way to a CSV, a table and a store."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tfg import paths
from tfg.cli import main
from tfg.corpora.openface import read_csv
from tfg.errors import InputError
from tfg.faces import au_readers, measure
from tfg.faces.au_readers import AU_METHODS, BEST, measure_aus
from tfg.faces.aus import AUS, UNSEEN, action_units
from tfg.faces.readers import METHODS, read
from tfg.media.audio import load_audio
from tfg.media.clip import Motion
from tfg.media.video import read_image, write_video

BLIND = [AUS.index(au) for au in UNSEEN]


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    """12 frames (T, 160, 160, 3) of the shipped face, which slides to the left."""
    import cv2

    face = cv2.resize(read_image(paths.data("faces", "default.jpg")), (160, 160), interpolation=cv2.INTER_AREA)
    return np.stack([np.roll(face, -round(.4 * t), axis=1) for t in range(12)])


@pytest.fixture(scope="module")
def followed(frames) -> measure.Track:
    return measure.track(frames, crops=True)


@pytest.fixture(scope="module")
def film(frames, tmp_path_factory):
    return write_video(tmp_path_factory.mktemp("film") / "me.mp4", frames, load_audio(paths.data("audio", "DFA.wav"))
                       [:640 * len(frames)], generated=False)


def test_each_method_is_the_function_of_its_readers_coefficients(followed):
    for method in METHODS:
        out = measure_aus(followed, method, fill=False)
        assert out.shape == (12, 17) and out.dtype == np.float32 and np.nanmin(out) >= 0 and np.nanmax(out) <= 5
        np.testing.assert_array_equal(out, action_units(read(followed, method), measured=method == "blendshapes"))
        missing = np.flatnonzero(np.isnan(out).all(0)).tolist()
        assert missing == (BLIND if method == "blendshapes" else []) and np.isfinite(np.delete(out, missing, 1)).all()


def test_what_blendshapes_do_not_show_is_filled_in(followed):
    filled, learned = measure_aus(followed, "blendshapes"), measure_aus(followed, "learned")
    bare = measure_aus(followed, "blendshapes", fill=False)
    np.testing.assert_array_equal(filled[:, BLIND], learned[:, BLIND])
    np.testing.assert_array_equal(np.delete(filled, BLIND, 1), np.delete(bare, BLIND, 1))
    assert np.isfinite(filled).all()


def test_best_takes_each_unit_from_its_reader(followed, monkeypatch):
    assert set(BEST) == set(AUS) and set(BEST.values()) <= set(METHODS)
    assert all(BEST[au] != "blendshapes" for au in UNSEEN)
    mixed = {au: METHODS[k % 3] for k, au in enumerate(AUS)}
    monkeypatch.setattr(au_readers, "BEST", mixed)
    out = measure_aus(followed)
    for k, au in enumerate(AUS):
        np.testing.assert_array_equal(out[:, k], measure_aus(followed, mixed[au], fill=False)[:, k])


def test_lost_frames_are_nan_and_smoothing_stays_in_range(followed):
    lost = replace(followed, points=followed.points.copy(), expression=followed.expression.copy(),
                   pose=followed.pose.copy(), found=followed.found.copy())
    for values in (lost.points, lost.expression, lost.pose):
        values[4] = np.nan
    lost.found[4] = False
    out = measure_aus(lost, smooth=5)
    assert np.isnan(out[4]).all() and np.isfinite(np.delete(out, 4, 0)).all() and np.nanmin(out) >= 0
    plain = measure_aus(lost)
    assert np.nanmax(abs(np.diff(out, axis=0, n=2))) < np.nanmax(abs(np.diff(plain, axis=0, n=2)))


def test_one_picture_is_a_film_of_one_frame(frames, tmp_path):
    from PIL import Image

    one = measure_aus(frames[0])
    assert one.shape == (1, 17) and np.isfinite(one).all()
    Image.fromarray(frames[0]).save(tmp_path / "me.png")
    np.testing.assert_array_equal(measure_aus(tmp_path / "me.png"), one)


def test_what_it_cannot_use(followed):
    with pytest.raises(InputError, match="best, blendshapes, fit, learned"):
        measure_aus(followed, "magic")
    with pytest.raises(ValueError, match="crops=True"):
        measure_aus(replace(followed, crops=None), "learned")
    assert np.isfinite(measure_aus(replace(followed, crops=None), "fit")).all()
    assert not au_readers.needs_crops("fit") and au_readers.needs_crops("blendshapes")
    assert not au_readers.needs_crops("blendshapes", fill=False) and AU_METHODS[0] == "best"


def test_the_command_writes_what_openface_writes_and_prepare_reads_it(film, tmp_path, capsys):
    """From a film by `tfg measure --aus` to the AUs of a store by `tfg corpora prepare --openface`."""
    from tfg.corpora.store import Store

    (tmp_path / "tables").mkdir()
    csv, npz = tmp_path / "tables" / "me.csv", tmp_path / "me.npz"
    assert main(["measure", str(film), "--aus", str(csv), "--out", str(npz)]) == 0
    assert f"{npz} and {csv}: 12 frames" in capsys.readouterr().out
    table, wanted = read_csv(csv), measure_aus(film)
    assert np.array_equal(table.aus.astype(np.float32), wanted) and table.times[3] == .12
    assert csv.read_text().startswith("frame,face_id,timestamp,confidence,success,AU01_r,AU02_r,")
    assert np.array_equal(Motion.load(npz).expression, measure.measure(film).expression, equal_nan=True)
    assert main(["measure", str(film), "--aus", str(csv)]) == 2                                   # no --overwrite
    assert main(["corpora", "prepare", str(film.parent), "--corpus", "folder", "--out", str(tmp_path / "store"),
                 "--size", "64", "--workers", "1", "--openface", str(tmp_path / "tables")]) == 0
    store = Store.open(tmp_path / "store")
    np.testing.assert_allclose(store.arrays["aus"], wanted, atol=1e-5)


def test_the_command_measures_photos(frames, tmp_path, capsys):
    from PIL import Image

    from tfg.corpora.attributes import read_pictures

    photos = tmp_path / "photos"
    photos.mkdir()
    Image.fromarray(frames[0]).save(photos / "me.png")
    Image.fromarray(np.full_like(frames[0], 90)).save(photos / "wall.png")
    table = tmp_path / "attributes.txt"
    assert main(["measure", str(photos), "--attributes", str(table)]) == 0
    said = capsys.readouterr().out
    assert "left out wall.png: no face" in said and "1 photos" in said
    found, aus = read_pictures(photos, table)
    assert found == [photos / "me.png"] and np.array_equal(aus, measure_aus(frames[0]))


@pytest.mark.parametrize("words, said", [
    ([], "say what to write"), (["--aus", "a.txt"], "call it a.csv"), (["--aus", "A.csv", "--method", "magic"], "best"),
    (["--out", "M.npz", "--method", "best"], "blendshapes, fit, learned"),
    (["--attributes", "T.txt", "--face", "0"], "--face is for one film"),
    (["--attributes", "T.txt", "--aus", "A.csv"], "--aus is for one film"), (["--attributes", "T.txt"], "no folder"),
])
def test_commands_that_make_no_sense(film, tmp_path, capsys, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    assert main(["measure", str(film), *words]) == 2
    error = capsys.readouterr().err
    assert said in error and len(error.strip().splitlines()) == 1 and not list(tmp_path.iterdir())
