"""The app in a browser: from a slider's move to the new still on the screen, and frames/s of the moving preview.

Measured where the visitor is: in headless Chromium, which draws without a graphics card and shares the cores with
Python. Asked for on two free cores: a still within 150 ms, at least 15 frames/s.
"""
from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np

from tools.bench.common import table
from tools.browser import CHROMIUM, FLAGS, served

MOVES = 40
PATIENCE = 120_000                                   # ms
DRAWN = "document.querySelector('.screen canvas').dataset.drawn"
MOVE = """async ([name, value]) => {
  const slider = [...document.querySelectorAll(".tfg-app input[type=range]")].find((e) =>
    (e.getAttribute("aria-label") || e.labels?.[0]?.textContent || "").trim().startsWith(name));
  const canvas = document.querySelector(".screen canvas"), started = performance.now();
  const drawn = new Promise((done) => {
    const watch = new MutationObserver(() => {
      watch.disconnect();
      requestAnimationFrame(() => done(performance.now()));
    });
    watch.observe(canvas, { attributes: true, attributeFilter: ["data-drawn"] });
  });
  slider.value = value;
  slider.dispatchEvent(new Event("input", { bubbles: true }));
  slider.dispatchEvent(new Event("change", { bubbles: true }));
  return (await drawn) - started;
}"""
"""Moves a slider as a hand does; returns the ms until the screen shows what it asked for."""
COUNT = """async (many) => {
  const canvas = document.querySelector(".screen canvas"), times = [];
  const streams = () => [...document.querySelectorAll(".preview button")].some((b) => b.textContent === "Stop");
  await new Promise((done) => {
    const watch = new MutationObserver(() => {
      if (streams()) times.push(performance.now());
      if (times.length >= many) done();
    });
    watch.observe(canvas, { attributes: true, attributeFilter: ["data-drawn"] });
    const look = setInterval(() => { if (!streams()) { clearInterval(look); watch.disconnect(); done(); } }, 100);
  });
  return times;
}"""
"""Times, ms, at which the first frames of a stream were drawn, until so many are seen or the stream ends."""


def run() -> dict:
    """Print the table; returns {} with a note where there is no browser."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        print("app: Playwright is not installed, so there is no browser to measure in.")
        return {}
    if CHROMIUM is None:
        print("app: no Chromium was found (TFG_CHROMIUM names one), so nothing is measured.")
        return {}
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as address, sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_context(viewport={"width": 1280, "height": 900}, permissions=["microphone"]).new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(address)
        page.wait_for_selector(".screen canvas", state="attached")
        page.wait_for_function(f"{DRAWN} > 0")
        busy = os.getloadavg()[0]
        out = {"still, a part of the face": stills(page, "Jaw open", np.linspace(.1, 1, MOVES)),
               "still, the head": stills(page, "Yaw", np.linspace(-20, 20, MOVES)),
               "the words play": moving(page, "Play", 45), "a microphone": moving(page, "Speak live", 120)}
        browser.close()
    table("the app in headless Chromium, 256 px, system expression", out)
    print(f"  asked: stills within 150 ms, 15 frames/s or more, on free cores; load of this machine was {busy:.1f}")
    return out | {"load": busy}


def stills(page, name: str, values) -> dict:
    """Milliseconds from a slider's move to its still, over all values.  name: how the slider's label begins."""
    for summary in page.locator("summary").all():
        summary.evaluate("(s) => { s.parentElement.open = true; }")
    took = [page.evaluate(MOVE, [name, round(float(value), 3)]) for value in values]
    page.evaluate(MOVE, [name, 0])
    return {"median_ms": float(np.median(took)), "tenth_ms": float(np.quantile(took, .9)),
            "slowest_ms": float(np.max(took))}


def moving(page, button: str, many: int) -> dict:
    """Frames/s that a stream shows, from its first frame on.  many: frames to look at, fewer where it ends before.

    frames/s counts the gaps between frames drawn; slowest_ms is the longest of them.
    """
    first = int(page.evaluate(DRAWN))
    page.get_by_role("button", name=button, exact=True).click()
    page.wait_for_function(f"{DRAWN} > {first}")
    gaps = np.diff(page.evaluate(COUNT, many))
    stop = page.get_by_role("button", name="Stop", exact=True)
    if stop.count():
        stop.click()
    page.get_by_role("button", name=button, exact=True).wait_for()
    page.wait_for_function("!document.querySelector('.screen').hasAttribute('aria-busy')")
    shown = {"frames/s": 1000 / float(gaps.mean()), "slowest_ms": float(gaps.max())} if len(gaps) else \
        {"frames/s": 0.0, "slowest_ms": float("nan")}
    return shown | {"frames": len(gaps) + 1}
