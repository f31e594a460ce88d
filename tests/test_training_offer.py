"""The line that a bar shows after a minute; the clock is a number that the test sets."""
import pytest
import torch

from tfg.course import kept, machine
from tfg.training import offer
from tfg.training.log import Log


@pytest.fixture
def clock(monkeypatch):
    """Seconds, in a list of one, in the place of time.monotonic; no offer is left over."""
    now = [1000.0]
    monkeypatch.setattr(offer.time, "monotonic", lambda: now[0])
    yield now
    offer.offer("")


class Bar:
    """A tqdm bar that notes what is written below it."""

    def __init__(self, disable=False):
        self.disable, self.written = disable, []

    def write(self, text):
        self.written.append(text)


def test_it_is_shown_once_and_not_before_its_time(clock):
    bar = Bar()
    offer.remind(bar, left=True)                                          # nobody offered anything
    offer.offer("there is a way", after_s=60)
    clock[0] += 59
    offer.remind(bar, left=True)
    assert bar.written == []
    clock[0] += 1
    for _ in range(3):
        offer.remind(bar, left=True)
    assert bar.written == ["there is a way"]


def test_a_training_that_is_done_offers_nothing(clock):
    bar, hidden = Bar(), Bar(disable=True)
    offer.offer("there is a way")
    clock[0] += 100
    offer.remind(bar, left=False)
    offer.remind(hidden, left=True)
    assert bar.written == hidden.written == []
    offer.offer("")                                                       # taken back
    offer.remind(bar, left=True)
    assert bar.written == []


def test_a_new_offer_waits_anew(clock):
    bar = Bar()
    offer.offer("old")
    clock[0] += 50
    offer.offer("new")
    clock[0] += 50
    offer.remind(bar, left=True)
    assert bar.written == []
    clock[0] += 10
    offer.remind(bar, left=True)
    assert bar.written == ["new"]


def lines(capsys) -> int:
    out = capsys.readouterr()
    return (out.out + out.err).count("set TRAIN = False")


@pytest.mark.parametrize("seconds, shown", [(70, 1), (10, 0)])
def test_a_loop_of_a_chapter_shows_it(clock, capsys, seconds, shown):
    machine.offer_shipped()
    for step in kept.Kept("", "loop", torch.nn.Linear(1, 1)).steps(4):
        if step == 2:
            clock[0] += seconds
    assert lines(capsys) == shown


@pytest.mark.parametrize("late_step, shown", [(1, 1), (3, 0)])
def test_a_training_of_the_package_shows_it(clock, capsys, tmp_path, late_step, shown):
    machine.offer_shipped()
    log = Log(tmp_path, 0, 4)
    for step in range(4):
        if step == late_step:                                             # step 3 is the last one
            clock[0] += 70
        log.tick(step)
    log.close()
    assert lines(capsys) == shown
