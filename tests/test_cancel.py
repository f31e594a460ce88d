"""Long work asks whether it is still wanted, in its own thread and only within the block."""
from __future__ import annotations

import threading

import numpy as np
import pytest

from tfg import cancel


class Enough(Exception):
    pass


def enough():
    raise Enough


def test_a_point_asks_within_the_block_alone():
    cancel.point()
    with pytest.raises(Enough), cancel.heard(enough):
        cancel.point()
    cancel.point()


def test_blocks_are_nested_and_other_threads_are_not_asked():
    asked = []
    with cancel.heard(lambda: asked.append("outer")):
        with cancel.heard(lambda: asked.append("inner")):
            cancel.point()
        cancel.point()
        other = threading.Thread(target=cancel.point)
        other.start()
        other.join()
    assert asked == ["inner", "outer"]


@pytest.mark.parametrize("system", ["expression", "graphics", "ietafs", "deformable", "rhythmic", "emogen"])
def test_every_system_asks_before_its_first_frame(system, tmp_path):
    """The preparation of each system has several places at which it can end; nothing is written then."""
    from tfg import animate, paths

    asked = []

    def third_time():
        asked.append(1)
        if len(asked) == 3:
            raise Enough

    sound = np.sin(np.arange(16000) / 20).astype(np.float32) / 4
    with pytest.raises(Enough), cancel.heard(third_time):
        animate(paths.data("faces", "default.jpg"), sound, system=system, out=tmp_path / "film.mp4",
                progress=lambda *_: pytest.fail("it drew"))
    assert list(tmp_path.iterdir()) == []
