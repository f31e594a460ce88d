"""Build the course as a site: chapters, slides, glossary, course map, teaching guide and API reference.

    python -m tools.site                    executes all chapters in profile cpu first, 40 min by their headers
    python -m tools.site --profile ci       with the sizes of the tests: some minutes
    python -m tools.site --executed build/papermill                 with notebooks that were executed already
    python -m tools.site --executed solutions --out build/docs      without figures and films, in seconds

The result, build/site, opens from the disk and from any static host and asks nothing of another server. It takes its
place at once, when all of it is built and every link leads somewhere.
"""
from __future__ import annotations

import argparse
import html
import shutil
import subprocess
import sys
from pathlib import Path

import tfg
from tools import chapters
from tools.site import guide, links, outputs, pages, run, slides, text
from tools.site import map as course_map

ROOT = chapters.ROOT
SOURCE = ROOT / "docs" / "site"


def layouts():
    """The templates of docs/site/theme, by name."""
    import jinja2

    return jinja2.Environment(loader=jinja2.FileSystemLoader(SOURCE / "theme")).get_template


def build(out: Path, executed: Path, api: bool = True) -> list[str]:
    """Build the site into the new folder `out`.  Returns the faults of its links.

    executed: a folder with the executed chapters.  api: False leaves the API reference out (its links are then faults).
    """
    course = chapters.all_chapters()
    terms = text.read_glossary((ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"))
    get = layouts()
    shutil.copytree(SOURCE / "static", out / "static")
    (out / "static" / "style.css").write_text(
        (SOURCE / "static" / "style.css").read_text(encoding="utf-8") + pages.styles(), encoding="utf-8")
    used: dict[str, list[str]] = {}
    for k, chapter in enumerate(course):
        media = outputs.Media(out / "media" / chapter.number, f"../media/{chapter.number}")
        parts = pages.parts(chapter, run.read(executed, chapter.name), media)
        page = pages.chapter_page(chapter, parts, (course[k - 1] if k else None, (course + [None])[k + 1]))
        body, keys = text.link_terms(page.body, terms, "../glossary.html")
        for key in keys:
            used.setdefault(key, []).append(chapter.name)
        _write(out / "chapters" / f"{chapter.name}.html", get("layout.html").render(
            root="../", title=page.title, body=body, contents=page.contents, version=tfg.__version__))
        _write(out / "slides" / f"{chapter.name}.html", get("slides.html").render(
            root="../", title=page.title, body=slides.page(slides.slides(chapter, parts)),
            chapter=f"../chapters/{chapter.name}.html"))
    for name, active, (title, body) in (
            ("index", "Course", (guide.NAME, "".join(make(course) for make in (
                guide.start, course_map.drawing, course_map.cards)))),
            ("glossary", "Glossary", ("Glossary", guide.glossary(terms, used))),
            ("teaching", "Teaching", ("Teaching with it", guide.teaching(course)))):
        body, contents = pages.with_ids(body) if name == "teaching" else (body, [])
        _write(out / f"{name}.html", get("layout.html").render(
            root="", title=title, body=body, contents=contents, active=active, version=tfg.__version__))
    if api:
        subprocess.run([sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir",
                        str((out / "api").resolve())], cwd=ROOT, check=True)
    return links.faults(out)


def _write(path: Path, page: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.site", description=__doc__.splitlines()[0])
    parser.add_argument("--profile", default="cpu", choices=("ci", "cpu", "gpu"), help="sizes of the chapters' runs")
    parser.add_argument("--executed", type=Path, help="folder of executed chapters; left out: they are executed")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "site", help="folder of the site")
    parser.add_argument("--jobs", type=int, default=2, help="chapters executed at a time")
    given = parser.parse_args(words)
    executed = given.executed or run.executed(given.profile, given.jobs)
    partial = given.out.with_name(given.out.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    faults = build(partial, executed)
    if faults:
        print(*faults, f"{len(faults)} faults; what was built lies in {partial}", sep="\n", file=sys.stderr)
        return 1
    shutil.rmtree(given.out, ignore_errors=True)
    partial.rename(given.out)
    size = sum(path.stat().st_size for path in given.out.rglob("*") if path.is_file())
    print(f"Open {html.escape(str(given.out / 'index.html'))} ({size / 1e6:.0f} MB); every link leads somewhere.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
