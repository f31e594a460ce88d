"""Contrast of a page's texts, measured in the browser, for the tests of the app and of the study's page."""
from __future__ import annotations

SCRIPT = """() => {
  const light = (colour) => colour.match(/[\\d.]+/g).slice(0, 3).map((v) => v / 255)
    .map((v) => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, k) => sum + v * [.2126, .7152, .0722][k], 0);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor;
      if (!/, 0\\)$|transparent/.test(colour)) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  return [...document.querySelectorAll("SELECTOR")]
    .filter((e) => e.checkVisibility() && e.textContent.trim())
    .map((e) => { const [a, b] = [light(getComputedStyle(e).color), light(behind(e))].sort((x, y) => y - x);
                  return [e.textContent.slice(0, 40), (a + .05) / (b + .05)]; });
}"""


def contrast(selector: str) -> str:
    """JavaScript that gives [text, contrast with what lies behind it] of each visible element (WCAG 2, 1.4.3)."""
    return SCRIPT.replace("SELECTOR", selector)
