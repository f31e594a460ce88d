"""Draw new faces in batches and lay them back into the frames they were cut from.

Only the oval that the generator was asked for changes; all other pixels of a frame stay what they were, bit for bit.
"""
from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from tfg.audio import mel_windows
from tfg.cores import cores
from tfg.errors import InputError
from tfg.faces import align
from tfg.models.emogen import face_mask, hide

BATCH = {"cpu": 16, "cuda": 128}
BLOCK_BYTES = 128 << 20
"""Frames that wait for their batch; the default batch is made smaller for large pictures."""
FINE = 4
"""The oval is drawn so many times finer than the crop, so that its edge is smooth at any size."""


class Painter:
    """Draws faces with one generator and one emotion.

    network: an Emogen in eval mode, where it shall run.  feeling: (6,) as `tfg.models.emogen.feeling`.  batch: frames
    at a time, halved when memory runs out; None for a usual number.
    """

    def __init__(self, network, feeling: np.ndarray, *, batch: int | None = None):
        self.network, self.size = network, network.config.size
        self.device = next(network.parameters()).device
        self.feeling = torch.from_numpy(feeling)[None].to(self.device)                            # (1, 6)
        self.mask = torch.from_numpy(face_mask(self.size, network.config.mask)).to(self.device)
        self.oval = face_mask(FINE * self.size)           # pasted, whatever was hidden: a crop's corners would show
        self.asked, self.batch = batch, batch or BATCH[self.device.type]
        self._placed = (None, None)

    def block(self, frame_bytes: int) -> int:
        """How many frames wait for each other."""
        return self.batch if self.asked else int(np.clip(BLOCK_BYTES // frame_bytes, 1, self.batch))

    def draw(self, crops: np.ndarray, mels: np.ndarray) -> np.ndarray:
        """New faces: (n, S, S, 3) uint8 for crops (n, S, S, 3) uint8 and mels (n, 80, 16).

        When memory runs out the batch is halved, with a note, for good.  Raises InputError if one frame is too many.
        """
        out, done = np.empty_like(crops), 0
        while done < len(crops):
            part = slice(done, done + self.batch)
            try:
                out[part] = self._draw(crops[part], mels[part])
            except (RuntimeError, MemoryError) as error:
                if not out_of_memory(error):
                    raise
                if self.batch == 1:
                    raise InputError(f"there is not enough memory to draw a single face of {self.size} px; close other "
                                     "programs or choose a smaller network with --checkpoint.") from error
            else:
                done += self.batch
                continue
            self.batch = min(self.batch, len(crops) - done) // 2 or 1     # outside of `except`, which holds its tensors
            if self.device.type == "cuda":
                torch.cuda.empty_cache()
            warnings.warn(f"out of memory; going on with batches of {self.batch}, as --batch-size {self.batch} does at "
                          "once", UserWarning, stacklevel=2)
        return out

    def _draw(self, crops: np.ndarray, mels: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            whole = torch.from_numpy(crops).to(self.device).permute(0, 3, 1, 2)[None].float() / 255   # (1, n, 3, S, S)
            mels = torch.from_numpy(mels).to(self.device)[None]                                       # (1, n, 80, 16)
            faces = self.network(mels, self.feeling, hide(whole, self.mask), whole)[0]
            return (faces.float().clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()

    def cut(self, frame: np.ndarray, matrix: np.ndarray) -> np.ndarray:
        return align.warp(frame, matrix, self.size)

    def paste(self, face: np.ndarray, frame: np.ndarray, matrix: np.ndarray) -> np.ndarray:
        """The frame with the drawn face in it, in place: the oval and nothing else."""
        import cv2

        where, back, alpha = self._place(matrix, frame.shape[:2])
        if alpha is None:
            return frame
        if back[0, 0] < .6:                               # a small face in the picture: by areas, or it would sparkle
            new = align.warp(face, back, alpha.shape[:2])
        else:
            new = cv2.warpAffine(face, back, alpha.shape[1::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        old = frame[where]
        old[:] = np.rint(old + alpha * (new.astype(np.float32) - old))
        return frame

    def _place(self, matrix: np.ndarray, picture: tuple[int, int]):
        """Rows and columns of the frame that change, crop -> them, and how much: (h, w, 1), or None if it is outside.
        The last one is kept, for a head at rest has one crop."""
        import cv2

        key = matrix.tobytes()
        if self._placed[0] != key:
            rows, columns = np.nonzero(self.oval)
            low, high = ((v / FINE + .5 / FINE - .5) for v in (np.array([columns.min(), rows.min()]) - 1,
                                                              np.array([columns.max(), rows.max()]) + 1))
            back = align.invert(matrix)
            ends = align.transform(np.array([low, high]), back)           # crops are upright: two corners will do
            x0, y0 = np.clip(np.floor(ends[0]).astype(int), 0, picture[::-1])
            x1, y1 = np.clip(np.ceil(ends[1]).astype(int) + 1, 0, picture[::-1])
            back = back - [[0, 0, x0], [0, 0, y0]]
            alpha = None
            if x1 > x0 and y1 > y0:
                fine = back @ np.array([[1 / FINE, 0, .5 / FINE - .5], [0, 1 / FINE, .5 / FINE - .5], [0, 0, 1]])
                alpha = cv2.warpAffine(self.oval, fine, (int(x1 - x0), int(y1 - y0)), flags=cv2.INTER_LINEAR,
                                       borderValue=0)[..., None]
            self._placed = key, ((slice(y0, y1), slice(x0, x1)), back, alpha)
        return self._placed[1]


def dubbed(frames: Iterable[np.ndarray], order: np.ndarray, at: np.ndarray, mel: np.ndarray, places,
           painter: Painter) -> Iterator[list[np.ndarray]]:
    """The frames with new faces, those without a face as they came; in blocks, as they are drawn.

    frames: (H, W, 3) uint8, each of its own memory, in the order that `order` numbers them.  at: their frame numbers on
    the map of time (`tfg.audio.frame_at`).  mel: (80, M).  places: `dub_track.Places`.
    """
    numbered = enumerate(frames)
    for first in numbered:
        block = [first, *itertools.islice(numbered, painter.block(first[1].nbytes) - 1)]
        todo = [(k, frame, places.matrix[order[k]]) for k, frame in block if places.drawn[order[k]]]
        if todo:
            crops = np.stack([painter.cut(frame, matrix) for _, frame, matrix in todo])
            faces = painter.draw(crops, mel_windows(mel, at[[k for k, *_ in todo]]))
            for face, (_, frame, matrix) in zip(faces, todo):
                painter.paste(face, frame, matrix)
        yield [frame for _, frame in block]


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
