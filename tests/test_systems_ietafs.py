"""`ietafs` as users call it: Action Units of sound, emotion, file and hand; a photo, a film, an edit, a folder."""
from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from conftest import swelling_noise
from tfg import paths, registry
from tfg.errors import InputError
from tfg.faces.aus import AUS
from tfg.media.image import read_image
from tfg.systems.base import Speech
from tfg.systems.ietafs import act, batch, edit, shown, units
from tfg.systems.ietafs.aunet.network import Heard
from tfg.systems.ietafs.options import IetafsOptions

TRAINED = (paths.data("ietafs") / "ietafs.json").is_file()
REGISTERED = "ietafs" in registry.SYSTEMS
draws = pytest.mark.skipif(not TRAINED, reason="the generator of ietafs has no weights yet")
T = 25
SOUND = swelling_noise(T / 25)


@pytest.fixture
def ears(monkeypatch):
    """An AUnet that hears AU26 at 2 and a feeling of AU4 at 3 in every sound."""
    from tfg.systems.ietafs.aunet import network

    def hear(audio, *, model=None):
        speech, feeling = np.zeros((2, T, 17), np.float32)
        speech[:, AUS.index(26)], feeling[:, AUS.index(4)] = 2, 3
        return Heard(speech, feeling, np.full(6, 1 / 6, np.float32))

    monkeypatch.setattr(network, "hear", hear)
    monkeypatch.setattr(network, "load", lambda folder=None: None)


def curve(**options):
    return {au: column for au, column in zip(AUS, units.curve_of(SOUND, IetafsOptions(blink=False, **options)).T)}


def test_auto_shows_what_the_voice_sounds_like(ears):
    found = curve()
    assert (found[26] == 2).all() and (found[4] == 3).all()
    assert (curve(intensity=.5)[4] == 1.5).all()
    assert (curve(listen=0.0)[4] == 0).all()


def test_an_emotion_replaces_it_or_is_added_to_it(ears):
    happy, added = curve(emotion="HAP"), curve(emotion="hap", listen=1.0)
    assert happy[12].max() > 2 and (happy[4] < .5).all() and (happy[26] >= 1.9).all()
    np.testing.assert_allclose(added[4] - happy[4], 3, atol=1e-5)
    assert (curve(emotion="HAP", intensity=.3)[12] < happy[12] + 1e-6).all()
    assert curve(emotion="NEU")[12].max() == 0


def test_units_by_hand_keep_their_value(ears):
    found = curve(emotion="HAP", au="AU12=1.5, au4=0")
    assert (found[12] == 1.5).all() and (found[4] == 0).all()


def test_blinks_close_the_eyes(ears):
    shut = units.curve_of(SOUND, IetafsOptions(blink=True))[:, AUS.index(45)]
    assert shut.max() > 4 and (shut == 0).any()


def test_curves_of_a_file(ears, tmp_path):
    path = tmp_path / "curves.csv"
    path.write_text("frame, AU12, AU04_r\n0, 1, 5\n1, 2, 0\n")
    found = curve(au_file=path)
    assert found[12].tolist() == [1, *[2] * 24] and found[4].tolist() == [5, *[0] * 24]
    assert (found[26] == 2).all()


@pytest.mark.parametrize("text, said", [("a,b\n1,2\n", "no column of Action Units"), ("AU12\nx\n", "no number"),
                                        ("AU12\n", "empty")])
def test_files_without_curves_are_refused(tmp_path, text, said):
    path = tmp_path / "curves.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        units.read_curves(path, T)


@pytest.mark.parametrize("au, said", [("AU3=1", "no AU3"), ("AU12=6", "from 0 to 5"), ("smile", "does not say which"),
                                      ("AU12=", "does not say which")])
def test_units_that_do_not_exist_are_refused(au, said):
    with pytest.raises(InputError, match=said):
        IetafsOptions(au=au)


def test_frames_at_other_rates_lie_between():
    two = np.zeros((2, 17), np.float32)
    two[1] = 4
    np.testing.assert_allclose(units.at(two, np.array([-1, .25, 3]))[:, 0], [0, 1, 4])


# ---- what a source shows already ------------------------------------------------------------------------------------
class Reads:
    """A face of the landmarker that the stand-in reader reads as so much of AU 12 and AU 4."""

    def __init__(self, smile: float, frown: float):
        self.points, self.blendshapes, self.pose = np.zeros((478, 3)), np.zeros(52), np.zeros(6)
        self.points[0, 0], self.points[1, 0] = smile, frown


@pytest.fixture
def reader(monkeypatch):
    from tfg.faces import au_readers

    def read(track):
        out = np.zeros((len(track.points), 17), np.float32)
        out[:, AUS.index(12)], out[:, AUS.index(4)] = track.points[:, 0, 0], track.points[:, 1, 0]
        return out

    monkeypatch.setattr(au_readers, "measure_aus", read)
    monkeypatch.setattr(shown, "crop", lambda frame, points: np.zeros((64, 64, 3), np.uint8))


def test_a_face_at_rest_shows_nothing_and_frames_without_one_neither(reader):
    watched = shown.Shown()
    for face in (Reads(.5, 2.0), None, Reads(3.6, 2.17)):
        watched.watch(np.zeros((8, 8, 3), np.uint8), face)
    found = watched.units()
    assert found.shape == (3, 17) and (found[:2] == 0).all()
    assert found[2, AUS.index(12)] == pytest.approx(3.0) and found[2, AUS.index(4)] == pytest.approx(0, abs=1e-6)
    assert shown.Shown().units().shape == (0, 17)


def test_shots_and_long_films_are_read_in_parts(reader, monkeypatch):
    monkeypatch.setattr(shown, "BLOCK", 4)
    watched, parts = shown.Shown(), []
    monkeypatch.setattr(watched, "_read", lambda: (parts.append(len(watched._faces)), shown.Shown._read(watched)))
    for k in range(11):
        watched.watch(np.zeros((8, 8, 3), np.uint8), Reads(1.0 + k / 4, 0), fresh=k in (0, 2))
    assert watched.units()[:, AUS.index(12)] == pytest.approx(1.0 + np.arange(11) / 4 - .6, abs=1e-5)
    assert parts == [2, 4, 4, 1]


# ---- pictures -------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def photo():
    return read_image(paths.data("faces", "default.jpg"))


@pytest.fixture(scope="module")
def editor(photo):
    return edit.Editor(photo)


@draws
def test_an_edit_changes_the_face_and_nothing_else(editor, photo):
    smile = editor("AU12=4,AU6=3")
    away = np.abs(smile.astype(int) - photo).max(-1)
    inside = np.zeros(away.shape, bool)
    place = editor.seen.place
    inside[place.rows, place.columns] = True
    assert away[inside].max() > 30 and away[~inside].max() == 0
    assert (editor(np.zeros(17, np.float32)) != smile).any()


@draws
def test_each_unit_does_something_else(editor):
    pictures = [p.astype(int) for p in editor.many(4 * np.eye(17, dtype=np.float32))]
    for a, b in ((1, 4), (12, 15), (26, 12), (45, 5)):
        assert np.abs(pictures[AUS.index(a)] - pictures[AUS.index(b)]).max() > 20, (a, b)


@draws
def test_units_that_are_not_named_stay_as_they_are(editor, photo):
    editor.painter.shown[0, AUS.index(12)] = 2.5
    try:
        assert editor.asked("AU4=1")[AUS.index(12)] == 2.5 and editor.asked({12: 0.0})[AUS.index(12)] == 0
        assert np.abs(editor("AU45=0").astype(int) - photo).mean() < np.abs(editor("AU12=0").astype(int) - photo).mean()
    finally:
        editor.painter.shown[0, AUS.index(12)] = 0


@draws
def test_the_mask_is_a_share(editor):
    mask = editor.attention({12: 4.0})
    assert mask.shape == (editor.painter.size,) * 2 and 0 <= mask.min() < .5 < mask.max() <= 1


@draws
def test_a_grid_has_a_row_for_each_unit(photo):
    sheet = edit.grid(photo, (12, 4, 26), intensities=(1, 4), side=48)
    assert sheet.shape == (2 * 48, 2 * (24 + 2 * 48), 3)


@draws
def test_a_photo_speaks_and_keeps_its_pose(ears, photo):
    take = act.prepare(photo, Speech(SOUND), IetafsOptions(emotion="HAP"))
    frames = list(take.frames)
    assert len(frames) == T and frames[0].shape == photo.shape
    assert (frames[12][:40] == photo[:40]).all() and (frames[12] != photo).any()


@draws
def test_a_folder_of_pictures(ears, photo, tmp_path):
    (tmp_path / "images").mkdir()
    Image.fromarray(photo[::2, ::2]).save(tmp_path / "images" / "a.png")
    table = tmp_path / "attributes.txt"
    table.write_text(" ".join(f"AU{au:02d}_r" for au in AUS) + "\n" + "smile.jpg " + " ".join(
        "4" if au == 12 else "0" for au in AUS) + "\n" + "rest.jpg " + " ".join("0" for _ in AUS) + "\n")
    written = batch.animate_batch(tmp_path / "images", tmp_path / "out", attributes=table)
    assert [p.name for p in written] == ["a_smile.png", "a_rest.png"]
    assert (read_image(written[0]) != read_image(written[1])).any()
    with pytest.raises(InputError, match="either sounds"):
        batch.animate_batch(tmp_path / "images", tmp_path / "out")
    with pytest.raises(InputError, match="no pictures"):
        batch.animate_batch(tmp_path / "out2", tmp_path / "out", attributes=table)


@pytest.mark.skipif(not (TRAINED and REGISTERED), reason="ietafs is not registered yet")
def test_the_command_writes_a_picture(tmp_path, capsys):
    from tfg.cli import main

    out = tmp_path / "smile.png"
    assert main(["edit", str(paths.data("faces", "default.jpg")), "--au", "AU12=4", "--out", str(out)]) == 0
    assert read_image(out).ndim == 3
    assert main(["edit", str(out), "--out", str(tmp_path / "b.png")]) == 2
    assert "--grid" in capsys.readouterr().err and not (tmp_path / "b.png").exists()
