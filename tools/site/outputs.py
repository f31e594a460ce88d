"""Outputs of executed cells as HTML: figures and films become files, widgets their first figure and their settings."""
from __future__ import annotations

import base64
import hashlib
import html
import re
from pathlib import Path

DATA_ADDRESS = re.compile(r"data:(?P<kind>(?:image|video|audio)/[\w.+-]+)(?:;[\w=.-]+)*;base64,"
                          r"(?P<data>[A-Za-z0-9+/=\s]+)")
ENDING = {"jpeg": "jpg", "svg+xml": "svg", "x-wav": "wav", "mpeg": "mp3", "vnd.wave": "wav"}
MAX_LINES = 40
"""Lines of printed text that are shown at once; the rest scrolls."""
MAX_CHOICES = 8
"""Largest menu of an explorer whose choices are all named."""


class Media:
    """Files of a page: what was embedded in a notebook, each content once."""

    def __init__(self, folder: Path, address: str):
        """folder: where the files are written; address: the folder as the page's links name it, relative."""
        self.folder, self.address = folder, address

    def file(self, kind: str, data: bytes) -> str:
        """Write a file and return its address.  kind: its media type, as in "image/png"."""
        ending = kind.split("/")[1]
        name = f"{hashlib.sha256(data).hexdigest()[:16]}.{ENDING.get(ending, ending)}"
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / name
        if not path.exists():
            path.write_bytes(data)
        return f"{self.address}/{name}"

    def moved(self, page: str) -> str:
        """HTML with its embedded pictures, sounds and films replaced by the addresses of files."""
        page = DATA_ADDRESS.sub(lambda m: self.file(m["kind"], base64.b64decode(m["data"])), page)
        page = re.sub(r"<video(?![^>]*\bpreload=)", '<video preload="metadata"', page)
        return re.sub(r"<video(?![^>]*\bplaysinline)", "<video playsinline", page)


def shown(outputs: list[dict], widgets: dict, media: Media, alt: str) -> list[str]:
    """HTML of a cell's outputs, in order; those that show nothing are left out.

    widgets: the notebook's stored state of widgets, id -> model.
    alt: what a figure shows, for those who cannot see it.
    """
    parts = [_one(output, widgets, media, alt) for output in outputs]
    return [part for part in parts if part]


def _one(output: dict, widgets: dict, media: Media, alt: str) -> str:
    if output["output_type"] == "stream":
        return "" if output["name"] == "stderr" else printed("".join(output["text"]))
    if output["output_type"] == "error":
        return printed(f"{output['ename']}: {output['evalue']}", "error")
    data = {kind: "".join(value) if isinstance(value, list) else value for kind, value in output["data"].items()}
    if "application/vnd.jupyter.widget-view+json" in data:
        return widget(data["application/vnd.jupyter.widget-view+json"]["model_id"], widgets, media, alt)
    if "text/html" in data:
        return f'<div class="html">{media.moved(data["text/html"])}</div>'
    if "image/svg+xml" in data:
        return picture(media.file("image/svg+xml", data["image/svg+xml"].encode()), alt)
    for kind in ("image/png", "image/jpeg"):
        if kind in data:
            return picture(media.file(kind, base64.b64decode(data[kind])), alt)
    return printed(data.get("text/plain", ""))


def printed(text: str, name: str = "out") -> str:
    """Printed text; of a line that was written over, as progress bars do, its last state."""
    lines = [line.rstrip("\r").rpartition("\r")[2] for line in re.sub(r"\x1b\[[\d;]*m", "", text).split("\n")]
    text = "\n".join(lines).strip("\n")
    if not text.strip() or re.match(r"<(Figure|IPython|matplotlib)\b", text.strip()):
        return ""
    long = " long" if len(lines) > MAX_LINES else ""
    return f'<pre class="{name}{long}" tabindex="0">{html.escape(text)}</pre>'


def picture(address: str, alt: str) -> str:
    """A figure with its description."""
    return f'<figure><img src="{address}" alt="{html.escape(alt)}" loading="lazy"></figure>'


def widget(model_id: str, widgets: dict, media: Media, alt: str) -> str:
    """An explorer as it first stands: its figure, and its controls with their values. Progress bars show nothing."""
    controls, pages = [], []
    _walk(model_id, widgets, controls, pages)
    if not pages or any(kind == "progress" for kind, _ in controls):
        return ""
    settings = "".join(f"<li>{html.escape(name)}</li>" for _, name in controls)
    body = "".join(re.sub(r"<img (?![^>]*\balt=)", f'<img alt="{html.escape(alt)}" loading="lazy" ', media.moved(page))
                   for page in pages)
    note = ('<p class="note">In the notebook these can be moved:</p>'
            f'<ul class="controls">{settings}</ul>') if settings else ""
    return f'<div class="explorer">{body}{note}</div>'


def _walk(model_id: str, widgets: dict, controls: list, pages: list) -> None:
    """Collect a widget's controls, (kind, text), and its pages, HTML, from top to bottom."""
    model = widgets.get(model_id, {})
    state, kind = model.get("state", {}), model.get("model_name", "")
    for child in state.get("children", []):
        _walk(child.removeprefix("IPY_MODEL_"), widgets, controls, pages)
    if kind == "HTMLModel" and state.get("value"):
        pages.append(state["value"])
    elif kind == "OutputModel":
        pages += [part for output in state.get("outputs", []) for part in _stored(output)]
    elif "Progress" in kind:
        controls.append(("progress", ""))
    elif state.get("description"):
        controls.append(("control", f"{state['description']}: {_value(state)}".removesuffix(": ")))


def _stored(output: dict) -> list[str]:
    """Pages within an output that an Output widget stored."""
    data = output.get("data", {})
    if "text/html" in data:
        return ["".join(data["text/html"])]
    return [f'<img src="data:image/png;base64,{"".join(data["image/png"])}">'] if "image/png" in data else []


def _value(state: dict) -> str:
    """What a control stands at, as text."""
    if "_options_labels" in state:
        index = state.get("index")
        labels = state["_options_labels"]
        rest = ", ".join(map(str, labels)) if len(labels) <= MAX_CHOICES else str(len(labels))
        return f"{labels[index] if index is not None else 'none'} (of {rest})"
    value = state.get("value")
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        value = f"{value:.3g}"
    return f"{value} ({state['min']:g} to {state['max']:g})" if "min" in state else "" if value is None else str(value)
