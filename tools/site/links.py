"""Check a built site: every link inside it leads somewhere, and no page asks another server for anything.

    python -m tools.site.links build/site
"""
from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {("img", "src"), ("video", "src"), ("video", "poster"), ("audio", "src"), ("source", "src"),
          ("script", "src"), ("link", "href"), ("iframe", "src"), ("embed", "src"), ("object", "data"),
          ("track", "src"), ("image", "href")}
"""(tag, attribute) of what a browser loads by itself."""
PASSIVE = ("canonical", "prev", "next", "alternate")
"""Relations of a <link> that a browser does not load."""


class _Reader(HTMLParser):
    """Collects a page's ids, its links, and what it loads."""

    def __init__(self):
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids |= {given[key] for key in ("id", "name") if given.get(key)}
        for key in ("href", "src", "poster", "data"):
            if given.get(key):
                self.links.append((given[key], (tag, key) in LOADED and given.get("rel") not in PASSIVE))


def faults(site: Path) -> list[str]:
    """A sentence for each broken link and each thing that a page loads from elsewhere; [] if all is well.

    site: the folder of the site.
    """
    pages = {path.resolve(): _read(path) for path in sorted(site.rglob("*.html"))}
    site = site.resolve()
    out = [] if pages else [f"{site} holds no page; run make site first."]
    for path, page in pages.items():
        for link, loaded in page.links:
            where = f"{path.relative_to(site)}: {link}"
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                if loaded and parts.scheme != "data":
                    out.append(f"{where} is loaded from another server")
                elif parts.scheme not in ("http", "https", "mailto", "data"):
                    out.append(f"{where} is no link that leads anywhere")
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.is_relative_to(site):
                out.append(f"{where} leads out of the site")
            elif not target.is_file():
                out.append(f"{where} leads to no file")
            elif parts.fragment and target.suffix == ".html" and unquote(parts.fragment) not in pages[target].ids:
                out.append(f"{where} leads to no place on that page")
    for path in [*sorted(site.rglob("*.css")), *sorted(site.rglob("*.js"))]:
        if "url(http" in (style := path.read_text(encoding="utf-8")) or "@import" in style or "importScripts" in style:
            out.append(f"{path.relative_to(site)} loads something from elsewhere")
    return out


def _read(path: Path) -> _Reader:
    reader = _Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    return reader


if __name__ == "__main__":
    found = faults(Path(sys.argv[1] if len(sys.argv) > 1 else "build/site"))
    print("\n".join(found) or "every link leads somewhere, and nothing is loaded from elsewhere")
    sys.exit(1 if found else 0)
