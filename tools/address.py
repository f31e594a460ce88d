"""The repository's address and release, kept in one place and written to all others.

    python -m tools.address       writes them into solutions/, notebooks/, CITATION.cff and mkdocs.yml
    python -m tools.address --check     lists the files that differ, with exit code 1

The address is `Repository` of [project.urls] in pyproject.toml, the release is `tfg.__version__`. To publish elsewhere,
change the one line there and run this.
"""
from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import tfg

ROOT = Path(__file__).resolve().parent.parent
GITHUB = "https://github.com/"
OWNER_AND_NAME = r"[\w.-]+/[\w.-]+?"
NOTEBOOK_PLACES = (rf"(colab\.research\.google\.com/github/){OWNER_AND_NAME}(?=/blob/)",        # the badge
                   rf"((?<!git\+)https://github\.com/){OWNER_AND_NAME}(?=/(?:blob|tree)/)",      # links to the code
                   rf"(git\+https://github\.com/){OWNER_AND_NAME}(?=@)")                         # the Colab cell
RELEASE = r"(git\+https://github\.com/[\w.-]+/[\w.-]+@v)[\w.]+"


def repository() -> str:
    """The address that pyproject.toml names, as in https://github.com/OWNER/tfg."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    address = project["urls"]["Repository"]
    if not re.fullmatch(rf"{GITHUB}{OWNER_AND_NAME}", address):
        raise SystemExit(f"pyproject.toml names the repository {address}; badges and Colab cells need one of {GITHUB}.")
    return address


def in_notebook(text: str, address: str, version: str) -> str:
    """A notebook's JSON with badge, links and Colab cell naming this address and release."""
    for place in NOTEBOOK_PLACES:
        text = re.sub(place, rf"\g<1>{address.removeprefix(GITHUB)}", text)
    return re.sub(RELEASE, rf"\g<1>{version}", text)


def in_settings(text: str, address: str, version: str) -> str:
    """CITATION.cff or mkdocs.yml with this address and release."""
    text = re.sub(r"^(repository-code|repo_url): .*$", rf"\g<1>: {address}", text, flags=re.M)
    return re.sub(r"^( *)version: .*$", rf"\g<1>version: {version}", text, flags=re.M)


def written() -> dict[Path, str]:
    """Correct text of each file with the address: path -> text."""
    address = repository()
    notebooks = [*sorted((ROOT / "solutions").glob("*.ipynb")), *sorted((ROOT / "notebooks").glob("*.ipynb"))]
    out = {p: in_notebook(p.read_text(encoding="utf-8"), address, tfg.__version__) for p in notebooks}
    for path in (ROOT / "CITATION.cff", ROOT / "mkdocs.yml"):
        out[path] = in_settings(path.read_text(encoding="utf-8"), address, tfg.__version__)
    return out


def main(words: list[str]) -> int:
    differ = {path: text for path, text in written().items() if path.read_text(encoding="utf-8") != text}
    if "--check" in words:
        for path in differ:
            print(f"{path.relative_to(ROOT)} names another address or release than pyproject.toml and tfg/__init__.py")
        return 1 if differ else 0
    for path, text in differ.items():
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
