"""Sliders in front of a figure function, with what ipywidgets 7 and 8 have in common."""
from __future__ import annotations


def sliders(draw, **controls) -> None:
    """Show `draw(**values)` under one control per keyword; redraws when a slider is let go.

    draw: returns a Figure, an HTML player, or a list of them.
    controls: (low, high) or (low, high, step) or (low, high, step, start) makes a slider of ints or floats;
    a list or a dict makes a menu; a bool a box to tick.
    """
    import ipywidgets
    from IPython.display import display

    def show(**values):
        result = draw(**values)
        for part in result if isinstance(result, (list, tuple)) else [result]:
            display(part)

    ipywidgets.interact(show, **{name: _control(name, spec) for name, spec in controls.items()})


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
    return kind(value=low if start is None else start, min=low, max=high, step=step, continuous_update=False, **label)
