"""Sliders in front of a figure function, made with the API common to ipywidgets 7 and 8."""
from __future__ import annotations

import base64
import functools
import html
import io
import traceback
from collections.abc import Callable
from typing import Any

import numpy as np

WAIT_S = .04
"""How long controls must rest before a figure is drawn again, seconds: moves that already wait in the kernel's queue
arrive in this time, and only the last of them is drawn."""
STYLE = """<style>
.tfg-page.tfg-old { opacity: .4; transition: opacity .1s .25s; }
.tfg-sign { visibility: hidden; animation: tfg-sign 0s .25s forwards; font-size: 12px; }
@keyframes tfg-sign { to { visibility: visible; } }
.tfg-page :is(img, video) { max-width: 100%; height: auto; }
@media (max-width: 600px) {
  .tfg-page > .widget-html-content { overflow-x: auto; }
  .tfg-page img { max-width: none; width: max(100%, min(var(--tfg-wide, 100%), 520px)); }
}
</style>"""
"""Style of the busy sign, which shows when a drawing takes more than 0.25 s, and of what is drawn: on a phone a wide
figure is moved sideways, as its words would be too small to read if it were squeezed."""


def sliders(draw, **controls) -> None:
    """Show what `draw(**values)` returns under one control per keyword; redraws when a slider is let go.

    draw: returns a Figure, a player (anything with `_repr_html_`), or a list of them.
    controls: (low, high) or (low, high, step) or (low, high, step, start) makes a slider of ints or floats;
    a list or a dict makes a menu; a bool a box to tick.
    The first drawing happens in the cell itself, so that an error in it stops the notebook; later ones show as text.
    """
    from IPython.display import display

    display(panel(draw, controls))


def panel(draw, controls: dict):
    """A VBox of the controls, the busy sign and, last, the page that they redraw."""
    width = f"{8 * max(map(len, controls)) + 12}px"       # of the names, so that all sliders begin at one place
    boxes = {name: _control(name, spec, width) for name, spec in controls.items()}

    def drawn() -> str:
        values = {name: box.value for name, box in boxes.items()}
        shown = ", ".join(f"{name.replace('_', ' ')} {box.label if hasattr(box, 'label') else box.value}"
                          for name, box in boxes.items())
        return as_html(draw(**values), shown)

    sign, page = follow(drawn, list(boxes.values()))
    return framed([*boxes.values(), sign, page])


def framed(children):
    """A VBox, never wider than its page, of controls, the busy sign and the page."""
    import ipywidgets

    box = ipywidgets.VBox(children, layout={"max_width": "100%"})
    box.add_class("tfg-panel")
    return box


def follow(draw: Callable[[], str], boxes: list, wait_s: float = WAIT_S):
    """The busy sign and the page of some controls: HTML widgets. The page shows `draw()`, and again after each move.

    draw: gives HTML; it is called once here, so that an error in it stops the cell.  boxes: controls; the moves that
    come while a drawing is made are answered by one drawing of the last values.  wait_s: see WAIT_S.
    The page is an HTML widget, not `interact`'s Output: an Output answers the kernel, which makes nbclient (and so
    papermill) lose the reply of a cell now and then and wait for ever (jupyter/nbclient issue 312); it also passes over
    errors there.
    """
    import ipywidgets

    sign, page = (ipywidgets.HTML(layout=layout) for layout in ({"height": "20px", "margin": "0 2px"},
                                                                {"max_width": "100%"}))
    page.add_class("tfg-page")
    count = 0

    def put(content: str) -> None:
        nonlocal count
        count += 1                                            # tests and `tools.bench` wait for the next number
        page.value = f'<div data-drawn="{count}">{content}</div>'

    def redraw() -> None:
        try:
            put(draw())
        except Exception:
            put(f"<pre>{html.escape(traceback.format_exc())}</pre>")
        finally:
            page.remove_class("tfg-old")
            sign.value = STYLE

    def busy() -> None:
        sign.value = f'{STYLE}<span class="tfg-sign" role="status">drawing …</span>'
        page.add_class("tfg-old")

    later = Latest(redraw, busy, wait_s)
    sign.value = STYLE
    put(draw())
    for box in boxes:
        box.observe(lambda change: later(), "value")
    return sign, page


class Latest:
    """Calls `run` once no further call has come for `wait_s` seconds, and `busy` at the first of these calls; at once,
    and without `busy`, where no event loop runs."""

    def __init__(self, run: Callable[[], None], busy: Callable[[], None], wait_s: float = WAIT_S):
        self.run, self.busy, self.wait_s = run, busy, wait_s
        self.timer: Any = None                                # the next run, which another call puts off

    def __call__(self) -> None:
        import asyncio

        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return self.run()
        if self.timer is None:
            self.busy()
        else:
            self.timer.cancel()
        self.timer = loop.call_later(self.wait_s, self._due)

    def _due(self) -> None:
        self.timer = None
        self.run()


def once(function: Callable, keep: int = 64) -> Callable:
    """The function, its last `keep` results remembered by its arguments, which must be hashable: for what several
    places of a slider have in common."""
    return functools.lru_cache(maxsize=keep)(function)


def remembered(draw: Callable, keep: int = 64) -> Callable:
    """`draw` of `sliders`, its last `keep` pages remembered: where a drawing is slow, a slider that comes back to a
    place shows it at once."""
    pages = once(lambda *items: Page(as_html(draw(**dict(items)), ", ".join(f"{k} {v}" for k, v in items))), keep)
    return lambda **values: pages(*values.items())


class Page:
    """Something drawn already.  content: HTML."""

    def __init__(self, content: str):
        self.content = content

    def _repr_html_(self) -> str:
        return self.content


def as_html(result, title: str = "") -> str:
    """A Figure as a PNG inside the page, a player as its own HTML, a list of them one below the other.  title: what a
    screen reader says of a figure."""
    if isinstance(result, (list, tuple)):
        return "".join(f"<div>{as_html(part, title)}</div>" for part in result)
    if not hasattr(result, "savefig"):
        return result._repr_html_()
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(result)
    canvas.draw()                                         # savefig draws a figure with a layout twice
    return picture_html(np.asarray(canvas.buffer_rgba())[..., :3], title)


def picture_html(picture, title: str = "", width: int | None = None) -> str:
    """A picture (H, W, 3) uint8 as a PNG inside the page.  title: what a screen reader says.  width: px on the page,
    less on a narrow one; None: its own, as befits a figure with words."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(picture).save(file, format="png", compress_level=1)
    code = base64.b64encode(file.getvalue()).decode()
    size = f'width="{width}"' if width else f'style="--tfg-wide:{picture.shape[1]}px"'
    return (f'<img {size} alt="{html.escape(title, quote=True)}" '
            f'src="data:image/png;base64,{code}">')


def listen(y, sr: int = 16_000):
    """A small sound player.  y: (N,) in [-1, 1], played as loud as it is (not normalised)."""
    from IPython.display import Audio

    return Audio(y, rate=sr, normalize=False)


def _control(name, spec, width):
    import ipywidgets

    label = {"description": name.replace("_", " "), "style": {"description_width": width}}
    if isinstance(spec, bool):
        return ipywidgets.Checkbox(value=spec, **label)
    if isinstance(spec, (list, dict)):
        return ipywidgets.Dropdown(options=spec, layout={"max_width": "98%"}, **label)
    low, high, step, start = (tuple(spec) + (None, None))[:4]
    kind = ipywidgets.IntSlider if all(isinstance(v, int) for v in spec) else ipywidgets.FloatSlider
    step = step if step is not None else (1 if kind is ipywidgets.IntSlider else (high - low) / 100)
    return kind(value=low if start is None else start, min=low, max=high, step=step, continuous_update=False,
                layout={"width": "420px", "max_width": "98%"}, **label)
