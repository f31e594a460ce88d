"""Log of a training: a progress bar, a table (log.csv), sample pictures, and TensorBoard where it is installed."""
from __future__ import annotations

import csv
import time
from contextlib import contextmanager
from pathlib import Path

from tfg.files import atomic, disk_errors, make_folder
from tfg.media.image import write_image
from tfg.training.offer import remind

EVERY = 20
"""Steps between two rows of the table; reading a value waits for the GPU, so it is not read at each step."""
COLUMNS = ("step", "name", "value")


class Log:
    """The log.  log.csv has one row for each value: step, name, value.  Rows beyond `step` (of a run that was killed
    after its last checkpoint) are dropped when a run continues."""

    def __init__(self, out: Path, step: int, steps: int, *, show: bool = True, write: bool = True):
        from tqdm.auto import tqdm

        self.out, self.write = out, write
        self.path = out / "log.csv"
        self.sums: dict[str, list] = {}
        self.waited = 0.0
        self.since = time.perf_counter()
        self.board = None
        if write:
            rows = [r for r in read(self.path) if r[0] <= step] if self.path.exists() and step else []
            with atomic(self.path) as part, part.open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([COLUMNS, *rows])
            self.board = _board(out, step)
        self.bar = tqdm(total=steps, initial=step, desc=out.name, disable=not show)
        self.last, self.from_step = step - 1, step

    def add(self, values: dict) -> None:
        """Note values of a batch: tensors (detached here) or numbers."""
        for name, value in values.items():
            self.sums.setdefault(name, []).append(value.detach() if hasattr(value, "detach") else value)

    @contextmanager
    def waiting(self):
        """Context that measures the time spent waiting for data."""
        start = time.perf_counter()
        yield
        self.waited += time.perf_counter() - start

    def tick(self, step: int) -> None:
        """Count a step of the optimisers; every EVERY steps, write a row."""
        if step == self.last:
            return
        self.last = step
        self.bar.update()
        remind(self.bar, left=step + 1 < self.bar.total)
        if (step + 1) % EVERY == 0:
            self.row()

    def row(self) -> None:
        """Write means since the last row. Raises FloatingPointError when one is not finite."""
        if not self.sums:
            return
        step, steps, self.from_step = self.last, self.last + 1 - self.from_step, self.last + 1
        values = {name: sum(float(v) for v in each) / len(each) for name, each in self.sums.items()}
        self.sums.clear()
        seconds = time.perf_counter() - self.since
        values["wait"] = self.waited / max(seconds, 1e-9)
        values["steps/s"] = steps / max(seconds, 1e-9)
        self.waited, self.since = 0.0, time.perf_counter()
        self._rows(step + 1, values)
        self.bar.set_postfix({k: f"{v:.3g}" for k, v in list(values.items())[:4]})
        odd = [name for name, value in values.items() if not abs(value) < float("inf")]
        if odd:
            raise FloatingPointError(f"{odd[0]} is not finite at step {step + 1}: lower the learning rate, or use "
                                     "precision 32-true; the last checkpoint in state.pt is from before")

    def scores(self, step: int, scores: dict[str, float], pictures: dict) -> None:
        """Write scores of an evaluation, and its pictures as samples/STEP_NAME.png."""
        self._rows(step, scores)
        if scores:
            self.bar.write(f"step {step}: " + ", ".join(f"{k} {v:.4g}" for k, v in scores.items()))
        for name, picture in pictures.items():
            write_image(picture, make_folder(self.out / "samples") / f"{step:07d}_{name}.png")
            if self.board is not None:
                self.board.add_image(name, picture, step, dataformats="HWC")

    def _rows(self, step: int, values: dict) -> None:
        if not self.write:
            return
        with disk_errors(self.path), self.path.open("a", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([step, name, f"{value:.6g}"] for name, value in values.items())
        if self.board is not None:
            for name, value in values.items():
                self.board.add_scalar(name, value, step)

    def close(self) -> None:
        """Close the progress bar and TensorBoard."""
        self.bar.close()
        if self.board is not None:
            self.board.close()


def read(path: Path) -> list[tuple[int, str, float]]:
    """Rows of a log.csv; a last line that was cut off is left out."""
    rows = []
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.reader(file):
            if len(row) == 3 and row[0].isdecimal():
                try:
                    rows.append((int(row[0]), row[1], float(row[2])))
                except ValueError:
                    continue
    return rows


def _board(out: Path, step: int):
    from importlib.util import find_spec

    if find_spec("tensorboard") is None:
        return None
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(out / "board"), purge_step=step)
