"""Signals and killed parents: nothing half-written stays, no worker lives on, shells are told which signal it was."""
from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tfg import paths, signals
from tfg.signals import Ended, heeded

ROOT = Path(__file__).resolve().parents[1]
needs_signals = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")


def start(*command: str) -> subprocess.Popen:
    """A new Python; its own Ctrl-C and hang-up are not ignored, whatever starts the tests."""
    def plain():
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)

    return subprocess.Popen([sys.executable, *command], cwd=ROOT, text=True, preexec_fn=plain, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, env=os.environ | {"OMP_NUM_THREADS": "1"})


def wait_for(found, process: subprocess.Popen, seconds: float = 120.0):
    """Wait until `found` returns something true, and return it."""
    end = time.monotonic() + seconds
    while not (value := found()):
        assert process.poll() is None, process.communicate()[1]
        if time.monotonic() > end:
            process.kill()
            pytest.fail("it takes too long")
        time.sleep(.02)
    return value


# ---- in one process -------------------------------------------------------------------------------------------------
@needs_signals
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_unwinds(name, tmp_path):
    from tfg.files import atomic

    number, before = getattr(signal, name), signal.getsignal(getattr(signal, name))
    signal.signal(number, signal.SIG_DFL)
    try:
        with pytest.raises(KeyboardInterrupt, match=name) as caught, heeded(), atomic(tmp_path / "a") as part:
            part.write_text("half")
            os.kill(os.getpid(), number)
            time.sleep(5)
        assert signals.exit_code(caught.value) == 128 + number
        assert not list(tmp_path.iterdir()) and signal.getsignal(number) == signal.SIG_DFL
    finally:
        signal.signal(number, before)


@needs_signals
def test_a_second_one_does_not_cut_off_the_cleaning_up():
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    cleaned = False
    try:
        with pytest.raises(Ended), heeded():
            try:
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(5)
            finally:
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(.05)
                cleaned = True
        assert cleaned
    finally:
        signal.signal(signal.SIGTERM, before)


@needs_signals
def test_ignored_signals_stay_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)             # as nohup does
    try:
        with heeded():
            os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_ctrl_c_is_130():
    assert signals.exit_code(KeyboardInterrupt()) == 130


# ---- the command line -----------------------------------------------------------------------------------------------
@needs_signals
@pytest.mark.slow
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_animate_leaves_nothing(tmp_path, name):
    out = tmp_path / "a.mp4"
    process = start("-m", "tfg.cli", "animate", "--source", str(paths.data("faces", "default.jpg")), "--idle", "120",
                    "--size", "64", "--out", str(out))
    wait_for(lambda: list(tmp_path.glob(".*.part.mp4")), process)
    process.send_signal(getattr(signal, name))
    error = process.communicate(timeout=60)[1]
    assert process.returncode == 128 + getattr(signal, name)
    assert error.splitlines()[-1].startswith("tfg: interrupted") and "Traceback" not in error
    assert not list(tmp_path.iterdir())


# ---- workers --------------------------------------------------------------------------------------------------------
WORK = """
import os, sys, time
from joblib import delayed
from tfg import signals, workers

def work(k):
    open(os.path.join(sys.argv[1], str(os.getpid())), "w").close()
    time.sleep(600)

if __name__ == "__main__":
    try:
        with signals.heeded():
            if sys.argv[2] == "parallel":
                list(workers.parallel(2, return_as="generator")(delayed(work)(k) for k in range(2)))
            with workers.executor(2) as pool:
                [done.result() for done in [pool.submit(work, k) for k in range(2)]]
    except KeyboardInterrupt as stopped:
        sys.exit(signals.exit_code(stopped))
"""


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    try:
        return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@needs_signals
@pytest.mark.parametrize("name, code, how", [("SIGTERM", 143, "parallel"), ("SIGHUP", 129, "parallel"),
                                             ("SIGKILL", -9, "parallel"), ("SIGTERM", 143, "executor"),
                                             ("SIGKILL", -9, "executor")])
def test_no_worker_outlives_its_parent(tmp_path, name, code, how):
    script, pids = tmp_path / "work.py", tmp_path / "pids"
    script.write_text(WORK)
    pids.mkdir()
    process = start(str(script), str(pids), how)
    wait_for(lambda: len(list(pids.iterdir())) == 2, process)
    workers = [int(p.name) for p in pids.iterdir()]
    assert process.pid not in workers and all(map(alive, workers))
    process.send_signal(getattr(signal, name))
    process.communicate(timeout=60)
    assert process.returncode == code
    end = time.monotonic() + 20
    while any(map(alive, workers)) and time.monotonic() < end:
        time.sleep(.1)
    left = [pid for pid in workers if alive(pid)]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not left


def test_all_workers_are_started_so():
    direct = [str(p) for p in (ROOT / "tfg").rglob("*.py") if p.name != "workers.py"
              and re.search(r"\bParallel\(|ProcessPoolExecutor\(|get_reusable_executor|multiprocessing",
                            p.read_text(encoding="utf-8"))]
    assert not direct, "use tfg.workers.parallel or executor: their workers end with their parent"
