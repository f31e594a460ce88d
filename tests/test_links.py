"""Links between notebooks, files of the repository and, weekly (marker `slow` and TFG_ONLINE=1), the web."""
from __future__ import annotations

import os
import re
import urllib.request

import pytest

from notebook_tools import NAMES, ROOT, cells

LINK = re.compile(r"\]\(([^)\s]+)\)")


def links():
    found = []
    for name in NAMES:
        for cell in cells(name):
            if cell["cell_type"] == "markdown":
                found += [(name, target) for target in LINK.findall(cell["source"])]
    return found


def test_notebooks_link_to_notebooks_that_exist():
    targets = [(n, t) for n, t in links() if not t.startswith(("http", "#"))]
    assert targets
    for name, target in targets:
        assert (ROOT / "notebooks" / target.split("#")[0]).is_file(), f"{name} links to {target}"


def test_links_into_the_repository_exist():
    inside = [(n, t) for n, t in links() if "/blob/main/" in t or "/tree/main/" in t]
    assert len(inside) >= len(NAMES)
    for name, target in inside:
        assert (ROOT / re.split(r"/(?:blob|tree)/main/", target)[1]).exists(), f"{name} links to {target}"


def test_files_named_in_the_text_exist():
    for name in NAMES:
        for cell in cells(name):
            if cell["cell_type"] == "markdown":
                for path in re.findall(r"`((?:tfg|data|solutions|tools)/[\w/.]*)`", cell["source"]):
                    assert (ROOT / path).exists(), f"{name} names {path}"


@pytest.mark.slow
@pytest.mark.skipif(os.environ.get("TFG_ONLINE") != "1", reason="asks the web: set TFG_ONLINE=1")
@pytest.mark.parametrize("address", sorted({t for _, t in links() if t.startswith("http")}))
def test_the_web_answers(address):
    if "/OWNER/" in address:
        pytest.skip("the notebooks still name OWNER instead of the account that publishes them")
    request = urllib.request.Request(address, headers={"User-Agent": "tfg link test"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200
