"""Write the leaderboard: Markdown, CSV, JSON, a figure, and the page with all films."""
from __future__ import annotations

import csv
import json
from pathlib import Path

from tfg.files import atomic
from tfg.scores.leaderboard import figures, page, table

FILES = ("leaderboard.md", "leaderboard.csv", "leaderboard.json", "pairs.csv", "leaderboard.png", "index.html")


def write(board, out: Path) -> Path:
    """Write FILES into a folder, each atomically."""
    texts = {"leaderboard.md": table.markdown(board),
             "leaderboard.json": json.dumps(table.as_json(board), indent=1) + "\n"}
    for name, text in texts.items():
        with atomic(out / name) as part:
            part.write_text(text, encoding="utf-8")
    for name, rows in (("leaderboard.csv", table.rows_of(board)), ("pairs.csv", table.pairs_of(board))):
        with atomic(out / name) as part, open(part, "w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)
    figures.write(board, out)
    page.write(board, out)
    return out
