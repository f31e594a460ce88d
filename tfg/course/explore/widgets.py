"""Sliders in front of a figure function, made with the API common to ipywidgets 7 and 8."""
from __future__ import annotations

import base64
import html
import io
import traceback

import numpy as np


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
    """A VBox of the controls and, last, the page that they redraw.

    The page is an HTML widget, not `interact`'s Output: an Output answers the kernel, which makes nbclient (and so
    papermill) lose the reply of a cell now and then and wait for ever (jupyter/nbclient issue 312); it also passes over
    errors there.
    """
    import ipywidgets

    boxes = {name: _control(name, spec) for name, spec in controls.items()}
    page = ipywidgets.HTML()

    def redraw(change=None):
        try:
            page.value = as_html(draw(**{name: box.value for name, box in boxes.items()}))
        except Exception:
            if change is None:
                raise
            page.value = f"<pre>{html.escape(traceback.format_exc())}</pre>"

    for box in boxes.values():
        box.observe(redraw, "value")
    redraw()
    return ipywidgets.VBox([*boxes.values(), page])


def as_html(result) -> str:
    """A Figure as a PNG inside the page, a player as its own HTML, a list of them one below the other."""
    if isinstance(result, (list, tuple)):
        return "".join(f"<div>{as_html(part)}</div>" for part in result)
    if not hasattr(result, "savefig"):
        return result._repr_html_()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    canvas, picture = FigureCanvasAgg(result), io.BytesIO()
    canvas.draw()                                         # savefig draws a figure with a layout twice
    Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3]).save(picture, format="png", compress_level=1)
    return f'<img style="max-width:100%" src="data:image/png;base64,{base64.b64encode(picture.getvalue()).decode()}">'


def listen(y, sr: int = 16_000):
    """A small sound player.  y: (N,) in [-1, 1], played as loud as it is (not normalised)."""
    from IPython.display import Audio

    return Audio(y, rate=sr, normalize=False)


def _control(name, spec):
    import ipywidgets

    label = {"description": name.replace("_", " "), "style": {"description_width": "initial"}}
    if isinstance(spec, bool):
        return ipywidgets.Checkbox(value=spec, **label)
    if isinstance(spec, (list, dict)):
        return ipywidgets.Dropdown(options=spec, **label)
    low, high, step, start = (tuple(spec) + (None, None))[:4]
    kind = ipywidgets.IntSlider if all(isinstance(v, int) for v in spec) else ipywidgets.FloatSlider
    step = step if step is not None else (1 if kind is ipywidgets.IntSlider else (high - low) / 100)
    return kind(value=low if start is None else start, min=low, max=high, step=step, continuous_update=False,
                layout={"width": "420px"}, **label)
