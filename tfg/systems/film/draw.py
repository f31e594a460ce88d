"""Draw the faces of a film anew, in batches, and lay them back into their frames; what all film systems share.

What is drawn and how is a painter's business, a system's own:

    painter.size       side of what its network draws, px (for messages)
    painter.device     where its network runs
    painter.asked      frames at a time as the user wants it, or None
    painter.batch      frames at a time; halved here when memory runs out
    painter.see(frame, index)            whatever it needs of frame number `index` of the source to draw its face
    painter.draw(seen, given)            one answer for each of these and what goes with it (n, ...), such as its sound
    painter.lay(answer, frame, seen, k)  the answer laid into the frame (H, W, 3) uint8, in place; k numbers the output

`see` and `lay` are called from several threads at once, for different frames.
"""
from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from tfg.errors import InputError
from tfg.workers import cores

BATCH = {"cpu": 16, "cuda": 128}
BLOCK_BYTES = 128 << 20
"""Frames that wait for their batch; the default batch is made smaller for large pictures."""


def block(painter, frame_bytes: int) -> int:
    """How many frames wait for each other."""
    return painter.batch if painter.asked else int(np.clip(BLOCK_BYTES // frame_bytes, 1, painter.batch))


def draw_all(painter, seen: list, given: np.ndarray) -> list:
    """The painter's answers.  When memory runs out the batch is halved, with a note, for good.

    Raises InputError if one frame is too many.
    """
    out: list = []
    while len(out) < len(seen):
        part = slice(len(out), len(out) + painter.batch)
        try:
            out += painter.draw(seen[part], given[part])
            continue
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            if painter.batch == 1:
                raise InputError(f"there is not enough memory to draw a single face of {painter.size} px; close other "
                                 "programs or choose a smaller network with --checkpoint.") from error
        painter.batch = min(painter.batch, len(seen) - len(out)) // 2 or 1    # outside of `except`, which holds tensors
        if painter.device.type == "cuda":
            torch.cuda.empty_cache()
        warnings.warn(f"out of memory; going on with batches of {painter.batch}, as --batch-size {painter.batch} does "
                      "at once", UserWarning, stacklevel=2)
    return out


def redrawn(frames: Iterable[np.ndarray], order: np.ndarray, drawn: np.ndarray, painter,
            given: Callable[[list[int]], np.ndarray]) -> Iterator[list[np.ndarray]]:
    """The frames with new faces, those without a face as they came; in blocks, as they are drawn.

    frames: (H, W, 3) uint8, each of its own memory, in the order that `order` numbers them.  drawn: (n,) bool, frames
    of the source with a face.  given: numbers of output frames -> what the painter draws them by, (k, ...).
    """
    numbered = enumerate(frames)
    with ThreadPoolExecutor(cores()) as pool:                 # OpenCV works outside of Python's lock
        for first in numbered:
            part = [first, *itertools.islice(numbered, block(painter, first[1].nbytes) - 1)]
            todo = [k for k, _ in part if drawn[order[k]]]
            if todo:
                faces = [part[k - part[0][0]][1] for k in todo]
                seen = list(pool.map(painter.see, faces, (int(order[k]) for k in todo)))
                answers = draw_all(painter, seen, given(todo))
                list(pool.map(painter.lay, answers, faces, seen, todo))
            yield [frame for _, frame in part]


def ahead(blocks: Iterable[list]) -> Iterator:
    """What is in the blocks. The next one is made in a thread of its own while the caller writes this one."""
    with ThreadPoolExecutor(1, initializer=spare_cores) as pool:
        iterator = iter(blocks)
        coming = pool.submit(next, iterator, None)
        while (block := coming.result()) is not None:
            coming = pool.submit(next, iterator, None)
            yield from block


def spare_cores(threads: int = 1) -> None:
    """Leave `threads` cores to others: torch in this thread takes the rest, or less if it was told so."""
    torch.set_num_threads(max(1, min(torch.get_num_threads(), cores() - threads)))


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on whatever device."""
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or \
        any(words in str(error).lower() for words in ("out of memory", "can't allocate memory", "not enough memory"))
