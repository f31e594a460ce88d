"""How a registered system is asked for a target: which source, which sound, which options; and what may come back."""
from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import scored_store as bars
from tfg import registry
from tfg.errors import InputError
from tfg.options import Option, number, option_class, path
from tfg.scores.draw import Drawer, NotDrawn, multiple
from tfg.scores.targets import targets
from tfg.systems.base import PortraitOptions, System, Take


@option_class
class MirrorOptions(PortraitOptions):
    strength: float = number("with an emotion only", default=1.0, low=0, high=2)
    network: str | None = path("folder")

    def check(self) -> None:
        super().check()
        if self.emotion == "NEU" and "strength" in self.given:
            raise InputError("without an emotion --strength has no effect.")


class Mirror(System):
    """Keeps what it was asked with; draws the photo, or the film, at the size it was asked for."""

    name, about, Options = "mirror", "says what it was asked", MirrorOptions
    asked: list = []
    shape: tuple | None = None
    late = 0

    def prepare(self, source, speech, options, *, progress=False):
        self.asked.append((source, speech, options))
        if options.seed == 13:
            raise InputError("it is unlucky.")
        size = options.size
        frame = np.full(self.shape or (size, size, 3), source.photo.mean(), np.uint8)
        return Take(iter([frame] * (len(speech.audio) // 640 - self.late)), 0, (size, size))


@pytest.fixture
def mirror(monkeypatch):
    """The system `mirror`, registered anew."""
    import sys
    from types import ModuleType

    module = ModuleType("mirror_system")
    module.SYSTEM = type("Mirror", (Mirror,), {"asked": []})()
    monkeypatch.setitem(sys.modules, "mirror_system", module)
    monkeypatch.setitem(registry.SYSTEMS, "mirror", "mirror_system")
    return module.SYSTEM


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    return targets(bars.make_store(tmp_path_factory.mktemp("bars") / "store", actors=2))[0]


def test_the_clip_goes_in_through_prepare(mirror, target):
    drawn = Drawer("mirror", {"strength": .5})(target)
    source, speech, options = mirror.asked[0]
    for name in ("frames", "photo", "reference"):
        assert np.array_equal(getattr(source, name), getattr(target, name)), name
    source.frames[:] = 0                                     # a system may draw into what it is given
    assert target.frames.max() > 0 and source.crop
    assert np.array_equal(speech.audio, target.wave) and speech.phones is None
    assert (options.emotion, options.intensity, options.preprocess) == (target.emotion, target.intensity, "resize")
    assert options.strength == .5 and options.size == 96                     # 2 x 48: at least 64 px are drawn
    assert drawn.shape == target.frames.shape and drawn.dtype == np.uint8    # and come back at the crop's size
    assert (drawn == int(target.photo.mean())).all()


def test_options_for_an_emotion_do_not_stand_in_the_way_of_neutral_clips(mirror, target):
    for emotion in (None, "NEU", "SAD"):
        Drawer("mirror", {"strength": .5})(replace(target, emotion=emotion, intensity=0.0))
    assert [o.emotion for _, _, o in mirror.asked] == ["NEU", "NEU", "SAD"]
    assert {o.strength for _, _, o in mirror.asked} == {.5}


def test_a_clip_is_performed_alike_whatever_its_sound_and_others_otherwise(mirror, target):
    for seed, changed in ((0, {}), (0, {"wave": target.other_wave}), (0, {"id": "actors/other"}), (1, {})):
        Drawer("mirror", seed=seed)(replace(target, **changed))
    seeds = [o.seed for _, _, o in mirror.asked]
    assert seeds[0] == seeds[1] and len(set(seeds)) == 3


def test_sizes():
    def size(low, high, step, crop):
        return multiple(Option("px", "whole", low=low, high=high, multiple_of=step), crop, "x")

    assert [size(64, 2048, 2, c) for c in (96, 48, 32, 75, 128)] == [96, 96, 64, 150, 128]
    assert multiple(Option("px", "whole"), 48, "x") == 48
    with pytest.raises(InputError, match="x draws 64 to 100 px, of which none is a multiple of the crops' 51 px"):
        size(64, 100, 2, 51)


def test_what_does_not_fit_is_refused(mirror, target):
    with pytest.raises(InputError, match="takes emotion, sound and size from each clip, so --emotion and --size"):
        Drawer("mirror", {"size": 128, "emotion": "HAP"})
    with pytest.raises(InputError, match="so --motion cannot be chosen"):
        Drawer("mirror", {"motion": "x.npz"})
    with pytest.raises(InputError, match="strength is 9, but it must be a number from 0 to 2"):
        Drawer("mirror", {"strength": 9})
    with pytest.raises(InputError, match="mirror does not use --glow"):
        Drawer("mirror", {"glow": 1})
    draw = Drawer("mirror")
    draw.seed = (13 - draw._options(target).seed) % 2 ** 31
    with pytest.raises(NotDrawn, match="it is unlucky"):
        draw(target)


@pytest.mark.parametrize("shape, late, what", [((48, 64, 3), 0, r"drew \(36, 48, 64, 3\)"), (None, 2, r"drew \(34, 48"),
                                               ((48, 48, 4), 0, r"drew \(36, 48, 48, 4\)"), (None, 36, r"drew \(0, ")])
def test_other_frames_are_refused(mirror, target, monkeypatch, shape, late, what):
    from tfg.scores.draw import rows_of

    monkeypatch.setattr(mirror, "shape", shape, raising=False)
    monkeypatch.setattr(mirror, "late", late, raising=False)
    with pytest.raises(InputError, match=what) as error:
        rows_of(target, Drawer("mirror"), ("mirror",), "portrait")
    assert not isinstance(error.value, NotDrawn) and "(36, 48, 48, 3) uint8 is needed" in str(error.value)


def test_networks_are_found_before_the_work_and_their_experts_may_not_judge(mirror, target, tmp_path, monkeypatch):
    from tfg.faces import crops
    from tfg.scores import score

    monkeypatch.setattr(type(mirror), "networks", {"network": "mirror"}, raising=False)
    with pytest.raises(InputError, match=f"mirror is not in {tmp_path / 'empty'} "):
        Drawer("mirror", {"network": str(tmp_path / "empty")})
    card = tmp_path / "net" / "mirror.json"
    card.parent.mkdir()
    card.write_text("{")
    with pytest.raises(InputError, match="mirror.json is no card of a network"):
        Drawer("mirror", {"network": str(card.parent)})
    card.write_text(json.dumps({"sha256": "b" * 64, "steps": 7, "experts": {"syncnet": "a" * 64}, "secret": 1}))
    monkeypatch.setattr(crops, "landmarks", bars.read_landmarks)
    store = bars.make_store(tmp_path / "store", actors=2)
    how = dict(network=str(card.parent), workers=1, clips=1)
    with pytest.raises(InputError, match="trained against"):
        score("mirror", store, judges=bars.knowing(judge_sync={"sha256": "a" * 64}), **how)
    found = score("mirror", store, judges=bars.knowing(), **how)
    assert found.card["networks"] == {"mirror": {"sha256": "b" * 64, "steps": 7, "experts": {"syncnet": "a" * 64}}}


def test_samples_lie_beside_their_reference_and_truth(mirror, tmp_path, monkeypatch):
    """One clip of each person in turn; what is drawn, the truth and the photo are in each folder."""
    from tfg.media.audio import load_audio
    from tfg.media.image import read_image
    from tfg.media.video import FrameReader
    from tfg.scores.samples import by_chance, samples

    people = [k // 3 for k in range(12)]
    assert sorted(people[k] for k in by_chance([str(p) for p in people], 4, 0)) == [0, 1, 2, 3]
    assert by_chance([str(p) for p in people], 99, 0) == list(range(12))
    assert by_chance([str(p) for p in people], 4, 0) != by_chance([str(p) for p in people], 4, 1)
    store = bars.make_store(tmp_path / "store", actors=3)
    done = samples("mirror", store.path, tmp_path / "out", how_many=2)
    assert len(done) == 2 and len({p.name[:9] for p in done}) == 2
    clip = targets(store)[next(k for k, row in enumerate(targets(store).clips)
                               if row.id == json.loads((done[0] / "clip.json").read_text())["clip"])]
    np.testing.assert_array_equal(read_image(done[0] / "reference.png"), clip.photo)
    shown = np.stack(list(FrameReader(done[0] / "side_by_side.mp4")))
    S = clip.size
    assert shown.shape == (len(clip.frames), S, 3 * S, 3)
    assert np.abs(shown[:, 4:-4, S + 4:2 * S - 4].astype(int) - clip.frames[:, 4:-4, 4:-4]).mean() < 12
    assert np.abs(shown[:, 4:-4, 2 * S + 4:-4].astype(int) - clip.photo.mean()).mean() < 12
    heard = load_audio(str(done[0] / "drawn.mp4"))
    assert np.corrcoef(heard[:len(clip.wave)], clip.wave[:len(heard)])[0, 1] > .9
    with pytest.raises(InputError, match="1 or more"):
        samples("mirror", store.path, tmp_path / "out", how_many=0)
    monkeypatch.setattr(Mirror, "prepare", lambda *a, **k: (_ for _ in ()).throw(InputError("it is unlucky.")))
    with pytest.warns(UserWarning, match="unlucky"), pytest.raises(InputError, match="none of 2"):
        samples("mirror", store.path, tmp_path / "out2", how_many=2)
