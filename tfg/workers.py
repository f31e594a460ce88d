"""Worker processes: their number, and a watch that ends them when the process that started them ends."""
from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tfg.errors import InputError

WATCH_S = 0.5
"""Seconds between two checks whether the parent process still runs."""
CONNECT_S = 15
"""Seconds in which a cluster's scheduler must answer."""
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_SYNCHRONIZE = 0x100000                                   # Windows: the right to wait for a process


def cores() -> int:
    """Number of cores that this process may use; in a container it can be smaller than the machine's."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def workers(asked: int | None, jobs: int) -> int:
    """Number of workers to start: `asked`, or one per core if None, but not more than there are jobs.

    Within `cluster`, None stands for all threads of the cluster.  Raises InputError if fewer than 1 are asked for.
    """
    if asked is None and elsewhere():
        from joblib import effective_n_jobs

        asked = effective_n_jobs(-1)
    asked = cores() if asked is None else int(asked)
    if asked < 1:
        raise InputError(f"the number of workers is {asked}; give 1 or more.")
    return max(1, min(asked, jobs))


def elsewhere() -> bool:
    """Whether joblib's work goes to another backend than worker processes of this machine (`cluster`)."""
    from joblib.parallel import get_active_backend

    return type(get_active_backend()[0]).__name__ != "LokyBackend"


@contextmanager
def cluster(address: str | None) -> Iterator[None]:
    """Let joblib's work within the block be done by a Dask cluster.

    address: of its scheduler, as tcp://10.0.0.5:8786; None changes nothing. The cluster's machines need tfg and the
    same files under the same paths. A worker that is lost costs no result: its work is given to another one.
    Raises InputError if Dask is not installed, or nobody answers at the address.
    """
    if address is None:
        yield
        return
    try:
        from distributed import Client
    except ImportError as error:
        raise InputError("--dask needs Dask, which is not installed: pip install 'dask[distributed]'") from error
    from joblib import parallel_config

    try:
        client = Client(address, timeout=CONNECT_S)
    except (OSError, TimeoutError, ValueError) as error:
        raise InputError(f"no Dask scheduler answers at {address} ({' '.join(str(error).split())[:80]}); start one "
                         "with `dask scheduler`, or leave --dask out.") from error
    with client, parallel_config("dask"):
        yield


def killed() -> tuple[type[BaseException], ...]:
    """Errors that mean that a job ended the processes that did it: loky's, and Dask's where it is in use."""
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    if "distributed" not in sys.modules:
        return (TerminatedWorkerError,)
    from distributed.scheduler import KilledWorker

    return TerminatedWorkerError, KilledWorker


def parallel(n: int, **how):
    """joblib's Parallel with n worker processes, which end when this process ends in any way.

    A killed process cannot end its workers, and without a watch they would keep hundreds of megabytes for ever. Within
    `cluster` or `joblib.parallel_config` for another backend, the workers are that backend's own.
    how: further keywords of joblib.Parallel.
    """
    from joblib import Parallel

    ours = not elsewhere()
    if ours and n > 1:
        _quiet_tracker()
    return Parallel(n_jobs=n, **(_tied() if ours and n > 1 else {}), **how)


@contextmanager
def executor(n: int) -> Iterator[Any]:
    """loky's executor with n worker processes, for work that is handed over piece by piece.

    The workers end when this process ends, and at once when the block is left by an error, an interrupt too.
    """
    from joblib.externals.loky import get_reusable_executor

    _quiet_tracker()
    pool = get_reusable_executor(max_workers=n, **_tied())
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=True, kill_workers=True)
        raise


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Set the environment so that worker processes started within it use one thread each; restore it afterwards."""
    before = {k: os.environ.get(k) for k in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for k, v in before.items():
            os.environ.pop(k) if v is None else os.environ.update({k: v})


def _quiet_tracker() -> None:
    """Start loky's resource tracker in such a way that it cleans up without a word.

    This process of loky's removes semaphores that an interrupt left behind, which is as it should be, and on some
    interrupts warns about it: lines beside the one sentence that a command ends with. It reads its filters when it
    starts.
    """
    from joblib.externals.loky.backend.resource_tracker import ensure_running

    before = os.environ.get("PYTHONWARNINGS")
    ours = "ignore:resource_tracker:UserWarning"
    os.environ["PYTHONWARNINGS"] = f"{before},{ours}" if before else ours
    try:
        ensure_running()
    finally:
        if before is None:
            del os.environ["PYTHONWARNINGS"]
        else:
            os.environ["PYTHONWARNINGS"] = before


def _tied() -> dict:
    """Keywords that make new workers end with this process."""
    return {"initializer": tie, "initargs": (os.getpid(),)}


def tie(parent: int) -> None:
    """Let this worker process end when the process `parent`, which started it, ends."""
    if os.name != "nt" and os.getppid() != parent:        # the parent has ended already
        os._exit(1)
    threading.Thread(target=_end_with, args=(parent,), daemon=True, name="parent watch").start()


def _end_with(parent: int) -> None:
    """Wait until the process `parent` has ended, then end this one at once."""
    if sys.platform == "win32":                           # there, getppid still returns the number of an ended parent
        import _winapi

        handle = _winapi.OpenProcess(_SYNCHRONIZE, False, parent)
        _winapi.WaitForSingleObject(handle, _winapi.INFINITE)
    while os.name != "nt" and os.getppid() == parent:
        time.sleep(WATCH_S)
    os._exit(1)
