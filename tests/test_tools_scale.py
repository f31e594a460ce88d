"""The cost model is multiplication that can be checked by hand."""
from __future__ import annotations

import pytest

from tools.bench.scale import Stage, cost


def test_cost_by_hand():
    """A million clips of 3 s are 75 million frames; 4.8 ms each are 100 core-hours, 10,000 bytes each 750 GB."""
    got = cost({"a": Stage(.0048, 10_000), "b": Stage(.0048, times=5), "c": Stage(1.0, times=0)}, cores=50)
    assert got["a"]["core-hours"] == pytest.approx(100) and got["a"]["hours/50"] == pytest.approx(2)
    assert got["a"]["GB"] == pytest.approx(750) and got["b"]["core-hours"] == pytest.approx(500)
    assert got["c"]["core-hours"] == 0 and got["all"]["core-hours"] == pytest.approx(600)
    assert cost({"a": Stage(.0048)}, clips=500_000, seconds=6)["a"]["core-hours"] == pytest.approx(100)
