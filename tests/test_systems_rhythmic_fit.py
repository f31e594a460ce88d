"""`rhythmic` learns from film: measured flow, scenes of a store, adapting to one person, several photos."""
from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
import torch

import tfg
from conftest import swelling_noise
from tfg import paths
from tfg.actors.portrait import PortraitActor
from tfg.corpora.store import Row, StoreWriter
from tfg.errors import InputError
from tfg.faces.landmarks import one_face
from tfg.media.audio import mel_spectrogram
from tfg.media.image import read_image, write_image
from tfg.media.video import write_video
from tfg.networks import checkpoint
from tfg.systems.base import Footage, Speech
from tfg.systems.rhythmic import act, adapt, album, films, network, person, plan, pose, speeches
from tfg.systems.rhythmic.data import Turns, read
from tfg.systems.rhythmic.options import FitOptions, RhythmicOptions
from tfg.systems.rhythmic.scenes import Seen
from tfg.vocabulary import index

S = 128
N = 24


@pytest.fixture(scope="module")
def actor():
    photo = cv2.resize(read_image(paths.data("faces", "default.jpg")), (192, 192), interpolation=cv2.INTER_AREA)
    return PortraitActor.from_image(photo, size=192)


def state(actor, yaw: float, jaw: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    shown = actor.neutral.copy()
    shown[index("jawOpen")] = jaw
    return shown, np.array([yaw, 0, 0, 0, 0, 0])


def seen(actor, yaw: float, jaw: float = 0.0) -> Seen:
    """A state in a crop of S px."""
    e, p = state(actor, yaw, jaw)
    factor = S / actor.size[0]
    return Seen(cv2.resize(actor.render(e, p), (S, S), interpolation=cv2.INTER_AREA),
                (actor.landmarks(e, p) * factor).astype(np.float32), e)


@pytest.fixture(scope="module")
def film(actor, tmp_path_factory):
    """A head that turns from one side to the other while its mouth opens and shuts."""
    frames = [actor.render(*state(actor, 12 * np.sin(k / 4), .4 * (k % 4 == 2))) for k in range(N)]
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    write_video(path, iter(frames), swelling_noise(N / 25), fps=25.0)
    return path


@pytest.fixture(scope="module")
def general(tmp_path_factory):
    """A small generator for pictures of 64 px, untrained."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("general")
    checkpoint.save(network.Rhythmic(network.PROFILES["ci"]), folder, "rhythmic", {})
    return folder


# ---- flow -----------------------------------------------------------------------------------------------------------
def test_measured_flow_is_near_the_actors_own(actor):
    """On the face it is closer to the truth than standing still, and than landmarks alone where they differ most."""
    a, b = state(actor, -8.0), state(actor, 6.0)
    true = cv2.resize(actor.flow(a, b), (S // 2, S // 2), interpolation=cv2.INTER_AREA) * (2 / actor.size[0])
    found = films.flow_between(seen(actor, -8.0), seen(actor, 6.0))
    points = pose.of_478(seen(actor, -8.0).points)[:, :2] / 2
    face = cv2.fillConvexPoly(np.zeros((S // 2, S // 2), np.uint8), cv2.convexHull(points.astype(np.int32)), 1) > 0
    face = cv2.erode(face.astype(np.uint8), np.ones((3, 3))) > 0
    known = face & np.isfinite(found[..., 0]) & np.isfinite(true[..., 0])
    away = np.linalg.norm(found - true, axis=-1)[known]
    assert known.sum() > .6 * face.sum()
    assert np.median(away) < .25 * np.median(np.linalg.norm(true, axis=-1)[known])


def test_what_a_shot_does_not_show_is_not_known(actor):
    """A grey bar hides the forehead in the shot: nothing there leads there and back, or looks alike."""
    moment, shot = seen(actor, 0.0), seen(actor, 0.0)
    hidden = shot.picture.copy()
    rng = np.random.default_rng(0)
    hidden[38:50, 40:88] = rng.integers(0, 255, (12, 48, 3), dtype=np.uint8)
    made = films.scene([moment], [shot, shot._replace(picture=hidden)])
    plain, covered = (np.isfinite(made["flow"][0, 0, k, 20:24, 22:42, 0]).mean() for k in (0, 1))
    assert plain > .9 and covered < .4
    assert np.abs(made["flow"][0, 0, 0][np.isfinite(made["flow"][0, 0, 0])]).max() < .02     # nothing moved


# ---- scenes and speeches of a store ---------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def store(actor, tmp_path_factory):
    """Two clips of one person, with landmarks, whose head turns by 12 degrees; the face of some frames was not found.
    """
    folder = tmp_path_factory.mktemp("store") / "store"
    with StoreWriter(folder, size=S) as writer:
        for clip in range(2):
            some = [seen(actor, 12 * np.sin(k / 4 + clip), .5 * (k % 5 == 3)) for k in range(16)]
            points, ok, wave = np.stack([s.points for s in some]), np.ones(16, bool), swelling_noise(16 / 25)
            ok[-2:], points[-2:] = False, np.nan
            writer.append(Row(f"folder/clip{clip}", "folder", "one", emotion=("HAP", "NEU")[clip],
                              level=("HI", "XX")[clip]), [s.picture for s in some], mel_spectrogram(wave).T, wave,
                          points=points, ok=ok, expression=np.stack([s.expression for s in some]))
    return folder


def test_a_store_becomes_scenes_and_speeches(store, tmp_path):
    out = films.make(store, tmp_path / "turns", spoken=tmp_path / "said", takes=2, shots=3, num_frames=2)
    data = Turns(read(out, "train", S), S, n_shot=3, n_frames=2)
    batch = data.batch(0, [0, 1])
    assert len(data) == 2 and batch["shots"].shape == (2, 3, 3, S, S) and batch["frames"].shape == (2, 2, 3, S, S)
    assert np.isfinite(batch["flow"][..., 0]).mean() > .5 and batch["ani"][:, :, 3].mean() > 10
    said = speeches.read(tmp_path / "said", "train")
    assert [len(t["pose"]) for t in said] == [16, 16] and len(said[0]["wave"]) == 16 * 640
    yaw = said[0]["pose"][:14, 0]
    true = 12 * np.sin(np.arange(14) / 4)
    assert np.corrcoef(yaw, true)[0, 1] > .98 and np.ptp(yaw) == pytest.approx(np.ptp(true), rel=.35)
    gap = said[0]["offset"][:14, 66, 1] - said[0]["offset"][:14, 62, 1]
    assert set(np.argsort(gap)[-3:]) == {3, 8, 13} and np.abs(gap[[0, 1, 2]]).max() < .3
    assert said[0]["curve"].max() == pytest.approx(.8, abs=.01) and said[1]["curve"].max() == 0
    with pytest.raises(InputError, match="already"):
        films.make(store, out, takes=2, shots=3, num_frames=2)
    with pytest.raises(InputError, match="20 usable frames"):
        films.make(store, tmp_path / "more", shots=18, num_frames=2)


# ---- one person -----------------------------------------------------------------------------------------------------
def test_fit_learns_from_the_part_it_may_see(film, general, tmp_path, monkeypatch):
    """Weights change, the card tells what was seen, and only the first half of the film was looked at."""
    looked: list = []
    plainly = person.Watch.watch
    monkeypatch.setattr(person.Watch, "watch", lambda self, frame, face, fresh=False: looked.append(1)
                        or plainly(self, frame, face, fresh))
    options = FitOptions(checkpoint=general, steps=3, shots=8, first_seconds=.48)
    out = adapt.fit(str(film), options, tmp_path / "me")
    assert len(looked) == 12
    card = json.loads((out / "rhythmic.json").read_text())
    assert card["person"]["shots"] == 8 and card["person"]["frames"][1] < 12 and card["steps"] == 3
    assert card["person"]["seconds"] == pytest.approx(.48) and card["person"]["before"]["l1"] > 0
    before, after = (checkpoint.load("rhythmic", network.Rhythmic, network.RhythmicConfig, folder)[0].state_dict()
                     for folder in (general, out))
    assert any((before[k] != after[k]).any() for k in before)


def test_another_film_is_another_training(film, general, tmp_path, actor):
    """The folder of one person is not taken for that of another whose film is as long."""
    other = tmp_path / "other.mp4"
    write_video(other, (actor.render(*state(actor, 9 * np.cos(k / 4), .3)) for k in range(N)), None, fps=25.0)
    options = FitOptions(checkpoint=general, steps=2, shots=6)
    adapt.fit(str(film), options, tmp_path / "me")
    with pytest.raises(InputError):
        adapt.fit(str(other), options, tmp_path / "me")


def test_fit_makes_a_person_better(film, general, tmp_path):
    """Frames that it did not learn from are drawn with a smaller error after some steps."""
    card = json.loads((adapt.fit(str(film), FitOptions(checkpoint=general, steps=40, shots=12), tmp_path / "me")
                       / "rhythmic.json").read_text())
    assert card["scores"]["l1"] < .9 * card["person"]["before"]["l1"]


def test_fit_refuses_what_it_cannot_learn_from(film, general, tmp_path, actor):
    photo = tmp_path / "photo.png"
    write_image(actor.render(*state(actor, 0)), photo)
    with pytest.raises(InputError, match="is a photo"):
        adapt.fit(str(photo), FitOptions(checkpoint=general), tmp_path / "me")
    grey = tmp_path / "grey.mp4"
    write_video(grey, iter(np.full((8, 96, 96, 3), 128, np.uint8)), None, fps=25.0)
    with pytest.raises(InputError, match="face"):
        adapt.fit(str(grey), FitOptions(checkpoint=general), tmp_path / "me")
    with pytest.raises(InputError, match="leave one"):
        RhythmicOptions(person="a", checkpoint="b")


# ---- several photos -------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def photos(actor, tmp_path_factory):
    """A frontal photo, one that looks aside in another size and place, one without a face."""
    folder = tmp_path_factory.mktemp("photos")
    write_image(actor.render(*state(actor, 0)), folder / "a.png")
    aside = np.pad(actor.render(*state(actor, 18)), ((40, 0), (0, 60), (0, 0)), mode="edge")
    write_image(cv2.resize(aside, None, fx=1.5, fy=1.5), folder / "b.jpg")
    write_image(np.full((90, 90, 3), 90, np.uint8), folder / "c.png")
    (folder / "notes.txt").write_text("no picture")
    return folder


def test_further_photos_are_brought_to_the_first_ones_place(photos):
    first, *others = album.read(photos)
    assert len(others) == 2
    watched = person.Watch()
    watched.watch(first, one_face(first))
    with pytest.warns(UserWarning, match="picture 3 shows no face"):
        album.watch(watched, others)
    assert len(watched.points) == 2
    a, b = (pose.fit(watched.points[k]) for k in (0, 1))
    assert b.scale == pytest.approx(a.scale, rel=.02) and np.abs(a.shift - b.shift)[:2].max() < 2
    assert one_face(watched.shots[1].frame).pose[0] - one_face(first).pose[0] > 10
    assert [len(album.read(photos, k)) for k in ((1,), (1, 0))] == [1, 2]
    with pytest.raises(InputError, match="holds 3"):
        album.read(photos, (3,))


def test_a_folder_of_photos_speaks(photos, monkeypatch, tmp_path):
    """The first photo is what moves; the others are shots, and do not move its usual pose."""
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match="no picture"):
        album.read(tmp_path / "none")
    found: list = []
    only = act.opened(photos, RhythmicOptions(ref_img_id="1"))            # one picture of a folder is a photo
    assert len(only[1]) == 0 and only[3] == ()
    monkeypatch.setattr("tfg.systems.rhythmic.paint.Painter", lambda net, who, planned, *others, **more:
                        found.extend([who, planned]) or _Still())
    monkeypatch.setattr(act, "said", lambda audio, n, rest, o: np.repeat(0 * rest[None], n, 0))
    monkeypatch.setattr(act, "moved", lambda audio, n, o, before: np.zeros((n, 6), np.float32))
    made = network.Rhythmic(network.PROFILES["ci"])
    checkpoint.save(made, tmp_path, "rhythmic", {})
    with pytest.warns(UserWarning, match="no face"):
        act.prepare(photos, Speech(swelling_noise(.3)), RhythmicOptions(checkpoint=tmp_path, blink=False))
    who, planned = found
    assert len(who.shots) == 2 and who.n == 1 and (planned.ref == 0).all()
    np.testing.assert_allclose(planned.rigid.shift[0], who.rigid.shift[0], atol=.01)
    photo = who.shots[0].frame
    with pytest.warns(UserWarning, match="no face"):
        act.prepare(Footage(photo[None], photo, np.stack([photo, who.shots[1].frame, 0 * photo])),
                    Speech(swelling_noise(.3)), RhythmicOptions(checkpoint=tmp_path, blink=False))
    assert len(found[2].shots) == 3 and found[2].n == 1


class _Still:
    batch = asked = 1


def test_a_reference_stays_until_another_is_clearly_closer():
    """Poses that tremble about the middle between two shots do not change the shot with each frame."""
    def turned(yaw):
        at = pose.Rigid(np.eye(3)[None], np.ones(1), np.zeros((1, 3)))
        return pose.turned(at, np.array([[y, 0, 0, 0, 0, 0] for y in yaw]))

    shots = turned([-10, 10])
    trembling = turned([-9, -1, 1, -1, 1, -1, 9, 1, -1, 1, -9])
    assert plan.closest(trembling, shots).tolist() == [0] * 6 + [1] * 4 + [0]


# ---- from outside ---------------------------------------------------------------------------------------------------
def test_fit_has_its_own_options(tmp_path):
    from tfg import registry
    from tfg.systems.animate import options_of

    its = registry.system("rhythmic")
    assert "shots" in options_of(its, fitting=True).names() and "shots" not in options_of(its).names()
    with pytest.raises(InputError, match="does not use --n-shot"):
        tfg.fit("x.mp4", system="rhythmic", out=tmp_path / "me", n_shot=3)
