"""The generator that hears speech features: windows, training on stores and twins, an ear learned from sounds."""
from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from conftest import swelling_noise
from tfg.actors import cast
from tfg.corpora.splits import Person, Splits
from tfg.corpora.store import Row, Store, StoreWriter
from tfg.errors import InputError
from tfg.networks import checkpoint, hearing
from tfg.systems.emogen import data, ear, train, twins
from tfg.systems.emogen.network import (
    HEARD,
    PROFILES,
    EarConfig,
    Emogen,
    EmogenConfig,
    SpeechEar,
    heard_by,
    shape_of,
)
from tfg.systems.emogen.twin_data import TwinWindows

S, N = 48, 24
WITHOUT = {"perceptual": "none", "syncnet": "none", "emotion": "none", "progress": False, "profile": "ci"}
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    """Three people with two clips each, whose pictures are noise; two of them to learn from."""
    path, rng = tmp_path_factory.mktemp("ear") / "store", np.random.default_rng(0)
    with StoreWriter(path, size=S) as writer:
        for k in range(3):
            for m, mood in enumerate(("NEU", "HAP")):
                frames = rng.integers(0, 255, (N, S, S, 3)).astype(np.uint8)
                sound = swelling_noise(1)[:N * 640] * (1 + m)
                writer.append(Row(f"actors/V{k}_{mood}", "actors", f"V{k}", emotion=mood, level="HI", labels="true"),
                              list(frames), np.zeros((80, 80)), sound, intensity=np.full(N, .5 * m))
    Splits(tuple(Person("actors", f"V{k}", "train" if k < 2 else "val") for k in range(3)), {}).save_in(path)
    return Store.open(path)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """Twins with features, of four built actors who say one word."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(twins, "DRAWN_PX", 96)
        patched.setattr(cast, "varied", lambda n, seed: ["Tomorrow."] * n)
        return twins.make(tmp_path_factory.mktemp("twins"), actors=6, portraits=0, takes=2, size=S, workers=1,
                          hearing="speech")


# ---- what is heard ----------------------------------------------------------------------------------------------
def test_windows_of_features_stand_around_their_frames():
    heard = np.arange(20, dtype=np.float32)[:, None].repeat(768, 1)
    found = hearing.windows(heard, [0, 7, 7.25, 19], 5)[..., 0]
    assert found.tolist() == [[0, 0, 0, 1, 2], [5, 6, 7, 8, 9], [5.25, 6.25, 7.25, 8.25, 9.25], [17, 18, 19, 19, 19]]


@pytest.mark.parametrize("kind", ["mel", "speech"])
def test_a_frame_is_heard_in_the_network_s_shape(kind):
    sound = swelling_noise(2)
    listen = heard_by(kind, sound)
    assert listen(np.array([0, 10.5, 49])).shape == (3, *shape_of(kind))
    if kind == "speech":
        np.testing.assert_array_equal(listen(np.array([20]))[0, HEARD // 2], hearing.features(sound)[20])


def test_the_generator_draws_by_features_and_refuses_mels():
    network = Emogen(replace(PROFILES["ci"], hearing="speech")).eval()
    picture, emotion = torch.rand(1, 3, 3, S, S), torch.eye(6)[:1]
    drawn = network(torch.rand(1, 3, HEARD, 768), emotion, picture, picture)
    drawn.mean().backward()
    assert drawn.shape == picture.shape and network.sound.frame[1].weight.grad.abs().max() > 0
    with pytest.raises(ValueError, match=r"\(B, T, 9, 768\)"):
        network(torch.rand(1, 3, 80, 16), emotion, picture, picture)
    with pytest.raises(ValueError, match="hearing must be one of mel, speech"):
        Emogen(EmogenConfig(hearing="touch"))


# ---- training with pictures -------------------------------------------------------------------------------------
def test_windows_of_a_store_are_heard_whole_and_degraded(store):
    windows = data.windows_of(store, None, "train", S)
    as_it_is = data.Faces(windows, disturbed=False, hearing="speech").batch(0, [3])
    clip, start = int(as_it_is["clip"][0]), int(as_it_is["start"][0])
    true = hearing.features(store.wave(windows.clips[clip]))
    np.testing.assert_allclose(as_it_is["mels"][0, :, HEARD // 2], true[start:start + 5], atol=4e-3)
    faces = data.Faces(windows, hearing="speech")
    some = [faces.batch(epoch, [3])["mels"] for epoch in range(8)]
    assert 0 < sum(np.array_equal(x, as_it_is["mels"]) for x in some) < 8
    np.testing.assert_array_equal(some[2], data.Faces(windows, hearing="speech").batch(2, [3])["mels"])


@pytest.mark.parametrize("kind", ["store", "pairs"])
def test_it_learns_from_scratch_by_features(kind, request, tmp_path):
    _, card = train.train_emogen(request.getfixturevalue(kind), tmp_path, hearing="speech", steps=2, **WITHOUT)
    assert card["config"]["hearing"] == "speech" and "--hearing speech" in card["command"]
    assert np.isfinite(list(card["scores"].values())).all()
    assert checkpoint.load("emogen", Emogen, EmogenConfig, tmp_path)[0].config.hearing == "speech"


def test_twins_are_heard_within_their_take_and_without_features_refused(pairs, tmp_path):
    windows = TwinWindows(pairs, "train", S, disturbed=False, hearing="speech")
    one = windows.people[0]
    last = int(np.flatnonzero(one["take"] == 0)[-1])
    index = int(np.flatnonzero((windows.place == (0, last - 4)).all(1))[0])
    found = windows.batch(0, [index])["mels"][0, -1]                        # of the take's last frame
    np.testing.assert_array_equal(found[HEARD // 2:], np.repeat(one["heard"][last:last + 1], HEARD // 2 + 1, 0))
    for path in pairs.iterdir():
        if path.suffix == ".npz":
            kept = dict(np.load(path))
            np.savez(tmp_path / path.name, **{k: v for k, v in kept.items() if k not in ("heard", "worse")})
        else:
            (tmp_path / path.name).write_bytes(path.read_bytes())
    with pytest.raises(InputError, match="make the twins in another folder with --hearing speech"):
        TwinWindows(tmp_path, "train", S, hearing="speech")


# ---- an ear from sounds -----------------------------------------------------------------------------------------
def test_along_a_clip_is_window_by_window():
    heard, own = torch.randn(12, 768), SpeechEar(EarConfig(16)).eval()
    windows = torch.from_numpy(hearing.windows(heard.numpy(), np.arange(12), HEARD))
    torch.testing.assert_close(ear.along(own, heard), own(windows[:, None])[:, :, 0, 0], atol=1e-5, rtol=1e-4)


def test_a_probe_reads_openings_in_spite_of_faces():
    rng = np.random.default_rng(0)
    code, face = rng.normal(size=(600, 16)).astype(np.float32), np.repeat(np.arange(3), 200)
    gap = (code[:, 0] * np.array([1, .5, 2])[face] + np.array([3, 0, -3])[face]).astype(np.float32)
    gap[::50] = np.nan
    probe, r = ear.probe_of(code, gap, face, steps=300)
    assert r > .85 and np.corrcoef(probe(torch.from_numpy(code)), code[:, 0])[0, 1] > .9


def test_lips_are_drawn_by_the_given_codes_and_the_ear_comes_back(monkeypatch):
    network = Emogen(PROFILES["ci"]).eval()
    own, seen = network.sound, []
    monkeypatch.setattr(ear.crops, "landmarks", lambda x: seen.append(x) or np.zeros((len(x), 478, 3), np.float32))
    known = np.stack([np.zeros(16), np.full(16, 2000)]).astype(np.float32)
    code, gap, face = ear.drawn_lips(network, [np.full((S, S, 3), v, np.uint8) for v in (60, 200)], known, draws=30)
    assert code.shape == (60, 16) and len(gap) == 60 and face.tolist() == [0] * 30 + [1] * 30
    drawn = np.concatenate(seen)[:30]
    same = [np.ptp(drawn[(code[:30] == k).all(1)], axis=0).max() for k in known]
    assert max(same) <= 1 and np.ptp(drawn, axis=0).max() > 1 and network.sound is own


# ---- the ear that ships -----------------------------------------------------------------------------------------
def test_the_shipped_ear_is_for_the_shipped_generator_and_for_no_other():
    network, card = checkpoint.load("emogen", Emogen, EmogenConfig)
    own = network.sound
    new = ear.given(copy.deepcopy(network), card["sha256"])
    assert new.config.hearing == "speech" and isinstance(new.sound, SpeechEar)
    assert network.sound is own and network.config.hearing == "mel"                 # the kept one stays as it was
    assert ear.given(network, card["sha256"], "mel") is network and ear.given(network, "0" * 64) is network
    with pytest.raises(InputError, match="this generator hears mel, and no ear"):
        ear.given(network, "0" * 64, "speech")
    with pytest.raises(InputError, match="this generator hears speech"):
        ear.given(new, card["sha256"], "mel")
