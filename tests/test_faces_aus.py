"""Action Units are the documented function of the coefficients."""
from __future__ import annotations

import numpy as np
import pytest

from tfg import vocabulary
from tfg.faces import aus


def expression(**values):
    e = np.zeros(52, np.float32)
    for name, value in values.items():
        e[vocabulary.index(name)] = value
    return e


def test_rest_is_zero_and_shapes():
    assert (aus.action_units(np.zeros((7, 52))) == 0).all() and aus.action_units(np.zeros((7, 52))).shape == (7, 17)
    assert aus.action_units(np.zeros(52)).shape == (17,)
    with pytest.raises(ValueError, match="52"):
        aus.action_units(np.zeros((7, 51)))


@pytest.mark.parametrize("name,au", [("mouthSmile", 12), ("browDown", 4), ("cheekSquint", 6), ("eyeBlink", 45),
                                     ("mouthFrown", 15), ("noseSneer", 9), ("browInnerUp", 1), ("eyeWide", 5)])
def test_one_coefficient_one_unit(name, au):
    out = aus.action_units(expression(**{name: .6}))
    assert out[aus.AUS.index(au)] == pytest.approx(3) and np.count_nonzero(out) == 1


def test_sides_are_averaged_and_range_is_kept():
    one_side = np.zeros(52)
    one_side[vocabulary.INDEX["mouthSmileLeft"]] = 1
    assert aus.action_units(one_side)[aus.AUS.index(12)] == pytest.approx(2.5)
    assert aus.action_units(np.full(52, 3.0)).max() == 5 and aus.action_units(np.full(52, -1.0)).min() == 0


def test_lips_part_unless_mouth_close_holds_them():
    au25, au26 = aus.AUS.index(25), aus.AUS.index(26)
    opened, held = aus.action_units(expression(jawOpen=.5)), aus.action_units(expression(jawOpen=.5, mouthClose=.5))
    assert opened[au25] == pytest.approx(2.5) and held[au25] == 0 and held[au26] == pytest.approx(2.5)


def test_what_the_meter_cannot_see_is_missing_not_zero():
    out = aus.action_units(np.zeros((3, 52)), measured=True)
    assert [au for au, column in zip(aus.AUS, out.T) if np.isnan(column).all()] == [5, 6, 9, 15]
    assert np.isfinite(np.delete(out, [aus.AUS.index(a) for a in aus.UNSEEN], axis=1)).all()
