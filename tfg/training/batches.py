"""Batches for the loop, made ahead of time by a thread or by workers; each is determined by (seed, step)."""
from __future__ import annotations

import gc
import queue
import signal
import threading
from collections.abc import Iterator

import numpy as np
import torch

from tfg.errors import InputError

AHEAD = 4


def keys(n: int, batch: int, *, seed: int, start: int = 0, rank: int = 0, world: int = 1) -> Iterator[tuple]:
    """Endless pairs (epoch, indices), from batch number `start` on. Each epoch has a new order, divided among `world`
    devices without overlap; a rest of an epoch that fills no batch is left out.

    Raises InputError if there are fewer than batch * world examples.
    """
    per_epoch = n // (batch * world)
    if not per_epoch:
        raise InputError(f"{n} examples do not fill a batch of {batch} on each of {world} devices: take a smaller "
                         "batch, or more data.")
    step, ordered, order = start, -1, np.empty(0, np.int64)
    while True:
        epoch, at = divmod(step, per_epoch)
        if epoch != ordered:
            ordered, order = epoch, np.random.default_rng([seed, 77, epoch]).permutation(n)
        first = (at * world + rank) * batch
        yield epoch, order[first:first + batch]
        step += 1


def tensors(batch: dict) -> dict:
    """The batch with arrays as tensors; other values stay."""
    return {k: torch.from_numpy(np.ascontiguousarray(v)) if isinstance(v, np.ndarray) else v for k, v in batch.items()}


def feed(data, batch: int, *, seed: int, start: int = 0, rank: int = 0, world: int = 1, workers: int = 0):
    """Batches as dicts of tensors, an iterator with close(). workers: processes; 0 is one thread of this process, which
    is as fast for batches made by numpy, and copies less."""
    order = keys(len(data), batch, seed=seed, start=start, rank=rank, world=world)
    return _threaded(data, order) if workers == 0 else _by_workers(data, order, workers)


def _threaded(data, order) -> Iterator[dict]:
    made: queue.Queue = queue.Queue(AHEAD)
    stop = threading.Event()

    def put(item) -> bool:
        while not stop.is_set():
            try:
                made.put(item, timeout=0.2)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        try:
            for epoch, indices in order:
                if not put(tensors(data.batch(epoch, indices))):
                    return
        except BaseException as error:  # noqa: BLE001  (raised again where the batch is asked for)
            put(error)

    thread = threading.Thread(target=work, daemon=True, name="feed")
    thread.start()
    try:
        while True:
            item = made.get()
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()
        thread.join(timeout=10)


def _left_to_the_loop(worker: int) -> None:
    """Ignore Ctrl-C, which reaches every process of a terminal: the loop needs batches until its step is finished."""
    for name in ("SIGINT", "SIGHUP"):                       # a closing terminal sends it to all its processes, too
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


class _Keyed(torch.utils.data.Dataset):
    def __init__(self, data):
        self.data = data

    def __getitem__(self, key):
        return tensors(self.data.batch(*key))


class _Order(torch.utils.data.Sampler):
    def __init__(self, order):
        self.order = order

    def __iter__(self):
        return iter(self.order)


def _by_workers(data, order, workers: int) -> Iterator[dict]:
    from torch.utils.data import DataLoader

    gc.collect()              # a forked worker must not free what libraries' threads, which it does not have, belong to
    loader = DataLoader(_Keyed(data), sampler=_Order(order), batch_size=None, num_workers=workers,
                        pin_memory=torch.cuda.is_available(), prefetch_factor=AHEAD, worker_init_fn=_left_to_the_loop,
                        generator=torch.Generator())         # the loop's random numbers must not depend on workers
    yield from loader
