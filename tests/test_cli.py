"""The command line in-process: what it prints, returns and writes."""
from __future__ import annotations

import importlib
import subprocess
import sys

import numpy as np
import pytest

import tfg
from tfg import paths
from tfg.audio import load_audio, write_wav
from tfg.cli import build_parser, main
from tfg.clip import Motion
from tfg.video import FrameReader, probe

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


def test_help_of_animate_names_every_option_and_emotion(capsys):
    main(["animate", "--help"])
    out = capsys.readouterr().out
    for word in ("--source --audio --text --emotion --intensity --system --preprocess --pose-scale --expression-scale "
                 "--no-blink --size --face --seed --no-badge --overwrite --out --motion --save-motion ANG SAD graphics "
                 "emogen --pads --no-smooth --resize-factor --crop-box --box --rotate --static --batch-size --fps "
                 "--checkpoint expression --pose-style --yaw --pitch --roll --ref-pose --ref-blink --still --idle "
                 "--emotion-model --alpha --ortho --expnet --posevae --emotion-add examples:").split():
        assert word in out, word


def test_options_match_the_function():
    """Every option of the command is a parameter of tfg.animate, and the other way round."""
    import inspect

    module = importlib.import_module("tfg.animate")
    parameters = set(inspect.signature(module.animate).parameters) - {"progress"}
    given = vars(build_parser().parse_args(["animate", "--source", "a", "--audio", "b", "--text", "c", "--emotion", "d",
        "--intensity", "1", "--system", "e", "--preprocess", "f", "--pose-scale", "1", "--expression-scale", "1",
        "--no-blink", "--size", "1", "--face", "1", "--seed", "1", "--no-badge", "--motion", "g", "--save-motion", "h",
        "--overwrite", "--out", "i", "--pads", "0", "1", "-2", "3", "--no-smooth", "--resize-factor", "1", "--crop-box",
        "0", "-1", "0", "-1", "--box", "1", "2", "3", "4", "--rotate", "--static", "--batch-size", "1", "--fps", "1",
        "--checkpoint", "j", "--pose-style", "1", "--yaw", "-1", "2", "--pitch", "1", "--roll", "0", "--ref-pose", "k",
        "--ref-blink", "l", "--still", "--idle", "1", "--emotion-model", "m", "--alpha", "-1", "--ortho", "--expnet",
        "n", "--posevae", "o", "--emotion-add", "p"]))
    assert set(given) - {"command", "run"} == parameters
    assert given["blink"] is False and given["badge"] is False and given["yaw"] == [-1, 2]
    signature = inspect.signature(module.animate).parameters
    assert {k: signature[k].default for k in module.DEFAULTS} == module.DEFAULTS


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

    module = importlib.import_module("tfg.animate")
    original = module.check_source

    def noisy(source):
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
    import tfg.training.mouth as training

    seen = {}
    monkeypatch.setattr(training, "train", lambda **given: seen.update(given))
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
