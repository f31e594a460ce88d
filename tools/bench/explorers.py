"""How long each explorer of the course takes to answer a move of a control, for all chapters.

TFG_PROFILE names the profile (cpu without it), TFG_CHAPTERS some of the chapters, such as 03,10. Times are the
processor's, of one thread: what a core of its own would take, however busy the machine is.
"""
from __future__ import annotations

import contextlib
import io
import os
import time
import traceback

import numpy as np

from tools import explorers
from tools.bench.common import table

TARGET_S = .3
"""A slower answer needs the busy sign, which shows after .25 s."""


def run() -> dict:
    """Move each control of each explorer to a few places.  Returns chapter -> explorer -> seconds of each move."""
    import torch

    os.environ.setdefault("TFG_PROFILE", "cpu")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    wanted = tuple(filter(None, os.environ.get("TFG_CHAPTERS", "").split(",")))
    out: dict = {}
    rows: dict = {}
    try:
        for chapter in explorers.CHAPTERS:
            if not chapter.startswith(wanted or ""):
                continue
            out[chapter] = {}
            for name, seconds in _chapter(chapter):
                out[chapter][name] = seconds
                known = np.array(seconds[1:])
                rows[f"{chapter[:2]} {name}"] = {
                    "first": seconds[0], "median": np.median(known), "slowest": known.max(),
                    "": "" if known.max() <= TARGET_S else "busy sign"}
                print(".", end="", flush=True)
    finally:
        torch.set_num_threads(threads)
    table(f"Explorers: processor seconds of an answer, profile {os.environ['TFG_PROFILE']}", rows)
    return out


def _chapter(chapter: str):
    """Name and seconds of the first drawing and of each move, for each explorer of a chapter."""
    from tfg.course.explore import widgets

    shown: list = []
    make = widgets.follow

    def timed(draw, boxes, wait_s=0.0):
        seconds: list[float] = []

        def measured():
            start = time.process_time()
            try:
                return draw()
            finally:
                seconds.append(time.process_time() - start)

        sign, page = make(measured, boxes, 0.0)
        shown.append((boxes, page, seconds))
        return sign, page

    scope: dict = {"__name__": "__main__", "display": lambda *shown: None}
    with _replaced(timed):
        for cell in explorers.excerpt(chapter):
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                exec(compile(cell, chapter, "exec"), scope)
            for boxes, page, seconds in shown:
                for box in boxes:
                    for value in moves(box):
                        box.value = value
                        if "Traceback" in page.value:
                            raise RuntimeError(f"{chapter}: {box.description} at {value} failed:\n{page.value}")
                yield explorers.name_in(cell), seconds
            shown.clear()


def moves(box) -> list:
    """Up to three other values of a control, far from its own, and its own again."""
    now = box.value
    if hasattr(box, "options"):
        values = [value for _, value in box._options_full if value != now]
    elif isinstance(now, bool):
        values = [not now]
    else:
        steps = round((box.max - box.min) / box.step)
        values = [type(now)(box.min + box.step * k) for k in sorted({0, steps // 2, steps})]
    return [v for v in values if v != now][:3] + [now]


@contextlib.contextmanager
def _replaced(timed):
    """`follow` of both modules that use it replaced, and nothing displayed."""
    from IPython import display

    from tfg.course.explore import ietafs, widgets

    kept = widgets.follow, display.display
    widgets.follow = ietafs.follow = timed
    display.display = lambda *shown, **options: None
    try:
        yield
    except Exception:
        traceback.print_exc()
        raise
    finally:
        widgets.follow = ietafs.follow = kept[0]
        display.display = kept[1]
