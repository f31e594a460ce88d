"""Controls are the systems' options, and nothing else: a new system or option shows by itself."""
from __future__ import annotations

import json

import pytest

from tfg import InputError, registry
from tfg.app import controls
from tfg.options import Options, choice, number, option_class, path
from tfg.systems.base import EmotionOptions, System

EVERY = pytest.mark.parametrize("name", list(registry.SYSTEMS))


@EVERY
def test_every_option_that_names_no_file_is_offered_with_its_own_words(name):
    its = registry.system(name)
    shown = {c["name"]: c for c in controls.describe(its)["options"]}
    declared = its.Options.declared()
    assert set(shown) == {n for n, (_, o) in declared.items() if n not in ("emotion", "intensity", "idle")
                          and o.kind not in ("path", "paths", "object", "curve")}       # those may be files
    for n, control in shown.items():
        default, option = declared[n]
        assert (control["help"], control["low"], control["high"], control["unit"]) == (
            option.help, option.low, option.high, option.unit)
        assert control["choices"] == list(option.choices) and control["default"] in (default, None)
    json.dumps(controls.describe(its))


@EVERY
def test_what_stays_at_its_default_is_not_given(name):
    its = registry.system(name)
    values = {c["name"]: c["default"] for c in controls.describe(its)["options"]}
    assert controls.given(its, "NEU", 1.0, values) == {"emotion": "NEU"}


@option_class
class NewOptions(EmotionOptions):
    glow: float = number("how much it glows", default=.5, low=0, high=1)
    folder: str | None = path("a folder", default=None)


class New(System):
    name, about, Options = "new", "a system that nobody knew of", NewOptions

    def prepare(self, source, speech, options, *, progress=False):
        raise NotImplementedError


def test_a_new_system_shows_without_an_edit(monkeypatch):
    import sys
    from types import ModuleType

    module = ModuleType("new_system")
    module.SYSTEM = New()
    monkeypatch.setitem(sys.modules, "new_system", module)
    monkeypatch.setitem(registry.SYSTEMS, "new", "new_system")
    found = {s["name"]: s for s in controls.describe_systems()}
    assert [o["name"] for o in found["new"]["options"]] == ["face", "glow"]
    assert next(iter(found)) == registry.DEFAULT
    assert controls.given(New(), "SAD", .5, {"glow": .25}) == {"emotion": "SAD", "intensity": .5, "glow": .25}


@pytest.mark.parametrize("values, word", [
    ({"expnet": "/etc"}, "expnet"), ({"idle": 2.0}, "idle"), ({"motion": "a.npz"}, "motion"),
    ({"emotion": "SAD"}, "emotion"),
    ({"x" * 99: 1}, "x"), ({"size": 33}, "even"), ({"size": "<b>"}, "size"), ({"pose_scale": 9}, "pose scale"),
    ({"offsets": {"nose": 1}}, "nose"), ({"yaw": "90"}, "yaw"), ({"still": True, "yaw": "10"}, "still")])
def test_what_the_page_may_not_set_is_refused(values, word):
    with pytest.raises(InputError, match=word) as caught:
        controls.given(registry.system("expression"), "HAP", 1.0, values)
    assert "\n" not in str(caught.value)


def test_values_arrive_as_the_options_take_them():
    given = controls.given(registry.system("expression"), "HAP", .5, {
        "yaw": "10", "size": 128, "pose_scale": 2, "blink": False, "seed": None,
        "offsets": {"lookUp": .3, "jawOpen": 0}})
    assert given == {"emotion": "HAP", "intensity": .5, "yaw": "10", "size": 128, "pose_scale": 2.0, "blink": False,
                     "offsets": {"lookUp": .3}}
    given = controls.given(registry.system("ietafs"), "auto", 1.0, {"au": {"AU12": 3}, "pads": "1 2, 3 4"})
    options = registry.system("ietafs").Options(**given)
    assert options.au == {12: 3.0} and options.pads == (1, 2, 3, 4) and options.emotion == "auto"
    given = controls.given(registry.system("rhythmic"), "HAP", 1.0, {"ref_img_id": "0,12"})
    assert registry.system("rhythmic").Options(**given).ref_img_id == (0, 12)


@EVERY
def test_every_system_takes_what_the_voice_sounds_like(name):
    its = registry.system(name)
    assert controls.takes_auto(its) and controls.given(its, "auto", 1.0, {})["emotion"] == "auto"


@option_class
class FixedOptions(Options):
    emotion: str = choice("one of two", default="HAP", choices=("HAP", "NEU"))


class Fixed(New):
    name, Options = "fixed", FixedOptions


def test_auto_is_not_for_a_system_whose_emotion_is_another_kind_of_option():
    assert not controls.takes_auto(Fixed())
    with pytest.raises(InputError, match="does not listen"):
        controls.given(Fixed(), "auto", 1.0, {})


def test_a_second_system_takes_what_it_has_too():
    assert controls.shared(registry.system("graphics"), {"size": 128, "yaw": "9", "motion": "x"}) == {"size": 128}


def test_a_sound_that_was_read_already_and_a_text_are_one_too_many():
    import numpy as np

    from tfg.systems.base import Speech
    from tfg.systems.inputs import read_speech

    with pytest.raises(InputError, match="both a sound and a text"):
        read_speech(Speech(np.ones(16000, np.float32)), "hello")
