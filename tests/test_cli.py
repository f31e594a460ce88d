"""The command line in-process: what it prints, returns and writes."""
from __future__ import annotations

import importlib
import subprocess
import sys

import numpy as np
import pytest

import tfg
from tfg import paths, registry
from tfg.cli import build_parser, main
from tfg.media.audio import load_audio, write_wav
from tfg.media.clip import Motion
from tfg.media.video import FrameReader, probe

PHOTO = str(paths.data("faces", "default.jpg"))


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    """0.6 s of the shipped sentence, as a file."""
    path = tmp_path_factory.mktemp("sound") / "short.wav"
    write_wav(path, load_audio(paths.data("audio", "DFA.wav"))[4800:14400])
    return str(path)


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == f"tfg {tfg.__version__}"


@pytest.mark.parametrize("command", ["", "animate", "measure", "train", "train mouth", "head derive", "demo"])
def test_help(command, capsys):
    assert main([*command.split(), "--help"]) == 0
    out = capsys.readouterr().out
    assert "usage: tfg" in out and "None" not in out


@pytest.mark.parametrize("system", registry.SYSTEMS)
def test_help_of_animate_shows_the_systems_options_and_no_others(system, capsys):
    main(["animate", "--system", system, "--help"])
    out, _, examples = capsys.readouterr().out.partition("examples:")
    its = registry.system(system)
    others = {n for s in registry.systems().values() for n in s.Options.names()} - set(its.Options.names())
    for name in its.Options.names():
        assert f"--{name.replace('_', '-')}" in out, name
    for name in others:
        assert f"--{name.replace('_', '-')} " not in out, name
    for word in ("--source", "--audio", "--text", "--no-badge", "--overwrite", "--save-motion", "ANG", "SAD",
                 *registry.SYSTEMS):
        assert word in out, word
    assert "tfg animate" in examples


def test_an_option_of_another_system_is_refused_with_its_systems(capsys, tmp_path):
    for words, said in ((["--pads", "0", "10", "0", "0"],
                         "does not use --pads; leave it out, or choose --system emogen"),
                        (["--no-smooth"], "does not use --smooth"), (["--colour", "3"], "unrecognized arguments")):
        assert main(["animate", "--source", PHOTO, "--audio", PHOTO, "--out", str(tmp_path / "x.mp4"), *words]) == 2
        assert said in capsys.readouterr().err


def test_every_option_reaches_the_system_as_it_was_given(monkeypatch, tmp_path):
    """Each flag of each system, parsed and taken by its dataclass."""
    values = {"number": ["1"], "whole": ["2"], "switch": [], "text": ["HAP"], "path": ["p"], "object": ["m.npz"],
              "box": ["1", "40", "3", "50"], "angles": ["-1", "2"], "curve": ["3", "-2"]}
    for system, its in registry.systems().items():
        for name, (_, option) in its.Options.declared().items():
            words = values.get(option.kind) or ([option.choices[-1]] if option.choices else [])
            flag = f"--{name.replace('_', '-')}"
            argv = ["animate", "--system", system, "--source", "a", "--out", "b.mp4", flag, *words]
            given = vars(build_parser(argv).parse_args(argv))
            assert set(given) == {"command", "run", "its", "system", "source", "out", name}, (name, given)


def test_systems_lists_options_and_networks(capsys):
    assert main(["systems"]) == 0
    out = capsys.readouterr().out
    for system, its in registry.systems().items():
        assert f"{system}" in out and its.about in out
    assert "--pads" in out and "networks: there" in out and "default: 1.4" in out
    assert main(["systems", "emogen"]) == 0
    assert "--alpha" not in capsys.readouterr().out
    assert main(["systems", "nobody"]) == 2


def test_nothing_can_be_fitted_where_nothing_is_to_fit(capsys, tmp_path):
    assert main(["fit", "--system", "graphics", "--source", PHOTO, "--out", str(tmp_path / "f")]) == 2
    assert "nothing to fit" in capsys.readouterr().err


def test_animate_writes_and_reports(short, tmp_path, capsys):
    out, motion = tmp_path / "x.mp4", tmp_path / "x.npz"
    assert main(["animate", "--source", PHOTO, "--audio", short, "--emotion", "sad", "--intensity", "0.7",
                 "--size", "96", "--out", str(out), "--save-motion", str(motion), "--no-blink"]) == 0
    printed = capsys.readouterr()
    assert f"wrote {out}: 0.6 s of video in" in printed.out and "x real time" in printed.out
    assert len(FrameReader(out)) == len(Motion.load(motion)) == 15
    assert probe(out)["width"] == 96 and sorted(p.name for p in tmp_path.iterdir()) == ["x.mp4", "x.npz"]


def test_overwrite(short, tmp_path, capsys):
    out = tmp_path / "x.mp4"
    out.write_bytes(b"old")
    command = ["animate", "--source", PHOTO, "--audio", short, "--size", "64", "--out", str(out)]
    assert main(command) == 2 and out.read_bytes() == b"old" and "--overwrite" in capsys.readouterr().err
    assert main([*command, "--overwrite"]) == 0 and len(FrameReader(out)) == 15


def test_measure_then_animate_with_it(short, tmp_path, capsys):
    video, motion = tmp_path / "v.mp4", tmp_path / "m.npz"
    assert main(["animate", "--source", PHOTO, "--audio", short, "--size", "192", "--emotion", "HAP",
                 "--out", str(video)]) == 0
    assert main(["measure", str(video), "--out", str(motion)]) == 0
    assert "frames/s" in capsys.readouterr().out
    measured = Motion.load(motion)
    assert len(measured) == 15 and np.nanmax(measured.curve("mouthSmile")) > .3
    assert main(["measure", str(video), "--out", str(motion)]) == 2                  # no --overwrite
    assert main(["animate", "--source", PHOTO, "--motion", str(motion), "--size", "64",
                 "--out", str(tmp_path / "again.mp4")]) == 0
    assert not probe(tmp_path / "again.mp4")["has_audio"]


def test_notes_are_one_line(monkeypatch, short, tmp_path, capsys):
    import warnings

    module = importlib.import_module("tfg.systems.animate")
    original = module.check_source

    def noisy(source, **_):
        warnings.warn_explicit("2 faces found; using the largest", UserWarning, "x.py", 1, module="tfg.faces.landmarks")
        warnings.warn_explicit("noise of a library", UserWarning, "x.py", 1, module="torch.nn")
        original(source)

    monkeypatch.setattr(module, "check_source", noisy)
    assert main(["animate", "--source", PHOTO, "--audio", short, "--size", "64", "--out", str(tmp_path / "a.mp4")]) == 0
    err = capsys.readouterr().err
    assert "tfg: note: 2 faces found; using the largest\n" in err and "noise" not in err


def test_interrupt_leaves_nothing(monkeypatch, short, tmp_path, capsys):
    from tfg.head.portrait import Portrait

    def render(self, *_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Portrait, "render", render)
    command = ["animate", "--source", PHOTO, "--audio", short, "--size", "64", "--out", str(tmp_path / "a.mp4")]
    assert main(command) == 130
    assert not list(tmp_path.iterdir()) and "interrupted" in capsys.readouterr().err


def test_our_own_errors_are_not_dressed_up(monkeypatch, short, tmp_path):
    """A bug is a traceback, not a polite sentence; and it leaves nothing behind either."""
    from tfg.head.portrait import Portrait

    monkeypatch.setattr(Portrait, "render", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(["animate", "--source", PHOTO, "--audio", short, "--size", "64", "--out", str(tmp_path / "a.mp4")])
    assert not list(tmp_path.iterdir())


def test_demo(short, tmp_path, capsys):
    assert main(["demo", "--out-dir", str(tmp_path / "build"), "--audio", short, "--size", "64"]) == 0
    info = probe(tmp_path / "build" / "demo.mp4")
    assert info["has_audio"] and info["width"] == 3 * 64 and info["height"] == 2 * (64 + 16)
    from PIL import Image
    with Image.open(tmp_path / "build" / "demo.png") as picture:
        assert picture.size == (32 + 6 * 64, 6 * 64)
    assert sorted(p.name for p in (tmp_path / "build").iterdir()) == ["demo.mp4", "demo.png"]
    assert "six emotions" in capsys.readouterr().out


def test_train_mouth_passes_its_options(monkeypatch, tmp_path, capsys):
    import tfg.systems.graphics.train as training

    seen = {}
    monkeypatch.setattr(training, "train_mouth", lambda **given: seen.update(given) or {})
    assert main(["train", "mouth", "--out", str(tmp_path), "--profile", "ci", "--steps", "3", "--no-resume"]) == 0
    assert seen == dict(out=str(tmp_path), profile="ci", steps=3, resume=False, progress=False)


def test_head_derive_without_anny(monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["head", "derive"]) == 2
    assert "pip install anny" in capsys.readouterr().err


def test_as_a_module_exit_code_and_no_traceback():
    command = [sys.executable, "-m", "tfg.cli", "animate", "--source", "nowhere.jpg", "--text", "hi", "--out", "x.txt"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.startswith("tfg: ") and done.stderr.count("\n") == 1
    assert done.stdout == ""
