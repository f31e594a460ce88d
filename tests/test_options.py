"""Options: one declaration gives checks, flags, help and tables."""
from __future__ import annotations

import argparse
import pickle
from pathlib import Path

import numpy as np
import pytest

from tfg import options as o
from tfg.errors import InputError


@o.option_class
class Few(o.Options):
    """Options for these tests."""

    size: int = o.whole("how large", default=256, unit="pixels", low=64, high=2048, multiple_of=2)
    share: float = o.number("how much", default=.5, low=0, high=1)
    on: bool = o.switch("whether", default=True)
    way: str = o.choice("which way", default="left", choices=("left", "right"))
    pads: tuple[int, int, int, int] | None = o.rectangle("added", default=None, low=-10, high=10)
    yaw: tuple[float, ...] | None = o.angles("turned", default=None, most=60)
    folder: str | None = o.path("where", default=None)
    anything: object = o.thing("a file or an object", default=None)

    def check(self) -> None:
        if self.way == "right" and self.unused("share"):
            raise InputError(f"to the right {o.flags(self.unused('share'))} would have no effect.")


@o.option_class
class More(Few):
    """Options of a system beside shared ones."""

    more: int = o.whole("more of it", default=3, low=0)


def test_defaults_and_what_was_given():
    few = Few()
    assert few.values() == dict(size=256, share=.5, on=True, way="left", pads=None, yaw=None, folder=None,
                                anything=None)
    assert few.given == frozenset() and Few(share=.5, pads=None).given == {"share"}     # also at its default; not None
    assert Few(share=None, on=None, way=None).values() == few.values()                  # None stands for the default
    assert More(more=1, size=64).given == {"more", "size"} and More.names()[-1] == "more"


@pytest.mark.parametrize("given, said", [
    (dict(size=65), "the size is 65, but it must be an even number of pixels from 64 to 2048."),
    (dict(size=66.0), "the size is 66.0"), (dict(size=True), "the size is True"),
    (dict(share=2), "the share is 2, but it must be a number from 0 to 1."), (dict(share=float("nan")), "share is nan"),
    (dict(share=1j), "share is 1j"), (dict(on=1), "the on is 1, but it must be True or False."),
    (dict(way="up"), "the way is 'up', but it must be one of left, right."),
    (dict(pads=(1, 2, 3)), "four whole numbers: top bottom left right"), (dict(pads=(0, 0, 0, 11)), "from -10 to 10"),
    (dict(pads="0 1 2 3"), "four whole numbers"), (dict(pads=5), "four whole numbers"),
    (dict(yaw=[0, 61]), "angles from -60 to 60 degrees, spread over the clip, such as --yaw 0 20 -10 0."),
    (dict(yaw="a"), "the yaw is 'a'"), (dict(yaw=[np.inf]), "angles"), (dict(folder=3), "must be a path"),
    (dict(way="right", share=.1), "to the right --share would have no effect"), (dict(size=np.zeros(99)), "a ndarray"),
])
def test_refused(given, said):
    with pytest.raises(InputError) as error:
        Few(**given)
    assert said in str(error.value) and "\n" not in str(error.value)


def test_values_are_brought_into_shape():
    few = Few(pads=[1, 2.0, np.int64(3), -4], yaw="0,20 -10", size=np.int64(128), folder=Path("x"),
              anything=np.zeros(2))
    assert few.pads == (1, 2, 3, -4) and few.yaw == (0, 20, -10) and few.folder == Path("x")
    assert Few(yaw=5).yaw == (5.0,)


def test_they_are_frozen_copied_and_pickled():
    few = Few(share=.25)
    with pytest.raises(AttributeError):
        few.share = 1
    other = few.replace(size=64)
    assert (other.share, other.size, other.on) == (.25, 64, True) and other.given == {"share", "size"}
    again = pickle.loads(pickle.dumps(few))
    assert again == few and again.given == few.given


def test_flags_parse_to_what_was_given_only():
    parser = argparse.ArgumentParser()
    o.add_arguments(parser, More)
    given = vars(parser.parse_args("--share .2 --no-on --pads 1 -2 3 4 --yaw -1 2 --more 5".split()))
    assert given == dict(share=.2, on=False, pads=[1, -2, 3, 4], yaw=[-1.0, 2.0], more=5)
    assert More(**given).given == set(given)
    text = " ".join(parser.format_help().split())
    for words in ("how large (pixels from 64 to 2048, default: 256)", "which way: left, right (default: left)",
                  "whether (default: yes)", "--pads T B L R"):
        assert words in text


def test_table():
    assert o.table(More)[0] == ("--size", "how large", "pixels from 64 to 2048", "256")
    assert ("--way", "which way", "left, right", "left") in o.table(More)


def test_unknown_names_go_to_the_caller():
    def refuse(unknown):
        raise InputError(f"not {unknown}")

    with pytest.raises(InputError, match="colour"):
        o.of_call(Few, dict(colour=3, size=64), refuse)
    assert o.of_call(Few, dict(size=64), refuse).size == 64
