"""The leaderboard as a page: the table, and all films of a clip side by side; it opens from disk, without a server."""
from __future__ import annotations

import html
import json
import re
from pathlib import Path

import numpy as np

from tfg.files import atomic
from tfg.scores.films import slug
from tfg.scores.leaderboard.table import SCORES, WORDS, columns, markdown
from tfg.scores.leaderboard.work import BESIDE, film

TEMPLATE = Path(__file__).with_name("page.html")


def write(board, out: Path) -> Path:
    """Write index.html into the folder that holds `clips`."""
    with atomic(out / "index.html") as part:
        part.write_text(page(board, out), encoding="utf-8")
    return out / "index.html"


def page(board, out: Path) -> str:
    """The page's text.  Films are named by their places below `out`; rows without a film of a clip show why."""
    tasks = []
    for task, result in board.scores.items():
        known = {(c["clip"], c["row"]): c for c in result.clips}
        clips = []
        for own in result.own:
            rows = []
            for row in result.rows:
                record, path = known.get((own["clip"], row)), film(out, task, row, own["clip"])
                record, beside = record or {}, row in BESIDE[task]
                why = result.refused.get(f"{own['clip']}, {row}", "" if record else "from another table")
                rows.append({"name": WORDS.get(row, row) if beside else row, "system": not beside, "why": why,
                             "film": path.relative_to(out).as_posix() if path.is_file() else None,
                             "scores": {SCORES[k].title: round(record[k], 3) for k in columns(result)
                                        if np.isfinite(record.get(k, np.nan))}, "named": record.get("named")})
            clips.append({"name": slug(own["clip"]), "kind": own["kind"], "emotion": own["emotion"],
                          "level": own["level"], "rows": rows})
        tasks.append({"name": task, "clips": clips})
    data = json.dumps(tasks).replace("</", "<\\/")
    return (TEMPLATE.read_text(encoding="utf-8").replace("{{table}}", _tables(markdown(board)))
            .replace("{{data}}", data))


def _tables(text: str) -> str:
    """The page's Markdown as HTML: headings, paragraphs, lists and tables are all it has."""
    out: list[str] = []
    lines = text.splitlines()
    for k, line in enumerate(lines):
        if line.startswith("#"):
            level = len(line) - len(line.lstrip("#"))
            out.append(f"<h{level}>{_inline(line.lstrip('# '))}</h{level}>")
        elif line.startswith("|---"):
            continue
        elif line.startswith("|"):
            if k == 0 or not lines[k - 1].startswith("|"):
                out.append("<div class=wide><table>")
            tag = "th" if k + 1 < len(lines) and lines[k + 1].startswith("|---") else "td"
            cells = [c.strip() for c in line.strip("|").split(" | ")]
            out.append("<tr>" + "".join(f"<{tag}>{_inline(c)}</{tag}>" for c in cells) + "</tr>")
            if k + 1 == len(lines) or not lines[k + 1].startswith("|"):
                out.append("</table></div>")
        elif line.startswith("- "):
            out.append(f"<p class=item>{_inline(line[2:])}</p>")
        elif line:
            out.append(f"<p>{_inline(line)}</p>")
    return "\n".join(out)


def _inline(text: str) -> str:
    text = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", html.escape(text.strip(" |")))
    return re.sub(r"`(.+?)`", r"<code>\1</code>", text)
