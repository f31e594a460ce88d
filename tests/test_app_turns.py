"""One at a time, in order, over threads and processes; the dead hold nobody up."""
from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest

from tfg.app import turns
from tfg.app.turns import turn


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(turns, "LOOK_S", .02)


def test_one_at_a_time_in_the_order_of_coming(tmp_path):
    running, most, order, places = 0, 0, [], {}

    go = threading.Event()

    def work(name):
        nonlocal running, most
        with turn(lambda before: places.setdefault(name, []).append(before), folder=tmp_path):
            running += 1
            most = max(most, running)
            order.append(name)
            assert go.wait(20)
            time.sleep(.05)                                         # another one would come in now, if it could
            running -= 1

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for n, thread in enumerate(threads, 1):
        thread.start()
        while len(list(tmp_path.glob("*.ticket"))) < n:
            time.sleep(.01)
    while len(places) < 3:
        time.sleep(.01)
    go.set()
    for thread in threads:
        thread.join(10)
    assert most == 1 and order == [0, 1, 2, 3]
    assert 0 not in places and places[3][0] == 3 and places[3][-1] == 1
    assert places[3] == sorted(places[3], reverse=True)
    assert not list(tmp_path.glob("*.ticket"))


def test_who_leaves_while_waiting_gives_the_ticket_back(tmp_path):
    class Left(Exception):
        pass

    def leave(before):
        raise Left

    with turn(folder=tmp_path):
        with pytest.raises(Left), turn(leave, folder=tmp_path):
            raise AssertionError("it was not its turn")
        assert len(list(tmp_path.glob("*.ticket"))) == 1


HOLD = """
import sys, time
from pathlib import Path
from tfg.app.turns import turn
with turn(folder=Path(sys.argv[1])):
    print("mine", flush=True)
    time.sleep(60)
"""


def test_another_process_is_waited_for_and_a_killed_one_is_not(tmp_path):
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline().strip() == "mine"
        seen = []

        def waiting(before):
            seen.append(before)
            if len(seen) == 5:
                holder.kill()

        with turn(waiting, folder=tmp_path):
            assert seen[:5] == [1] * 5
    finally:
        holder.kill()
        holder.wait()
