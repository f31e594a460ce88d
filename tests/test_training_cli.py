"""`tfg train ...`: every part's options reach its function, and the last line gives the scores."""
from __future__ import annotations

import sys

import pytest

from tfg import registry
from tfg.cli import main
from tfg.training.cli import in_words
from tfg.training.part import StoreOptions

PARTS = [name for name, t in registry.trainings().items() if issubclass(t.Options, StoreOptions)]

COMMON = "--profile ci --seed 3 --steps 7 --no-resume --devices 2 --precision bf16-mixed".split()
GIVEN = {"profile": "ci", "seed": 3, "steps": 7, "resume": False, "devices": 2, "precision": "bf16-mixed"}


@pytest.fixture
def parts(monkeypatch):
    """Stand-ins for the functions that train: the arguments of each call, by name."""
    seen = {}
    where = {t.run: name for name, t in registry.trainings().items()}

    def stand_in(run):
        def train(**given):
            seen[where[run]] = given
            return "at", {"scores": {"val": {"accuracy": .75, "levels": {"HI": .875}, "confusion": [[1]]}}}
        return train

    monkeypatch.setattr(registry, "function", lambda run, real=registry.function: stand_in(run) if run in where
                        else real(run))
    return seen


@pytest.mark.parametrize("name", PARTS)
def test_options_that_were_given_are_passed_and_no_others(name, parts, capsys):
    assert main(["train", name, "--store", "s", "--out", "o"]) == 0
    assert parts[name] == {"store": "s", "out": "o", "progress": sys.stderr.isatty()}
    assert main(["train", name, "--store", "s", "--out", "o", *COMMON]) == 0
    assert parts[name] == {"store": "s", "out": "o", "progress": sys.stderr.isatty(), **GIVEN}
    last = capsys.readouterr().out.splitlines()[-1]
    assert f"o/{name}.safetensors and {name}.json" in last and last.endswith("val: 75.0% right; val levels: HI 0.875")


def test_only_the_first_of_several_processes_speaks(parts, capsys, monkeypatch):
    import torch

    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    for rank in (1, 0):
        monkeypatch.setattr(torch.distributed, "get_rank", lambda rank=rank: rank)
        assert main(["train", "emotion", "--store", "s", "--out", "o"]) == 0
        assert bool(capsys.readouterr().out) == (rank == 0)


@pytest.mark.parametrize("name, written", [("syncnet", "judge_sync"), ("emotion", "judge_emotion"),
                                           ("encoder", "judge_encoder")])
def test_judges_are_the_same_parts_with_another_name(name, written, parts, capsys):
    assert main(["train", name, "--judge", "--store", "s", "--out", "o"]) == 0
    assert parts[name]["judge"] is True and f"o/{written}.safetensors" in capsys.readouterr().out


@pytest.mark.parametrize("model, written", [("linear", "linear.safetensors"), ("automl", "automl.json.gz")])
def test_models_that_add_emotion_are_one_part(model, written, parts, capsys):
    assert main(["train", "emotion-add", "--model", model, "--out", "o"]) == 0
    assert parts["emotion-add"]["model"] == model and f"o/{written} and {model}.json" in capsys.readouterr().out
    assert main(["train", "emotion-add", "--model", model, "--out", "o", "--steps", "3"]) == 2
    assert "leave --steps out" in capsys.readouterr().err
    assert main(["train", "emotion-add", "--out", "o"]) == 2 and "--model" in capsys.readouterr().err


def test_the_generator_takes_its_experts(parts):
    assert main(["train", "emogen", "--store", "s", "--out", "o", "--syncnet", "a", "--emotion", "b", "--encoder", "c",
                 "--perceptual", "encoder", "--no-quality"]) == 0
    given = {k: parts["emogen"][k] for k in ("syncnet", "emotion", "encoder", "perceptual", "quality")}
    assert given == {"syncnet": "a", "emotion": "b", "encoder": "c", "perceptual": "encoder", "quality": False}


@pytest.mark.parametrize("argv, word", [
    (["emotion", "--out", "o"], "--store"), (["emotion", "--store", "s"], "--out"), (["emogen", "--judge"], "--judge"),
    (["emotion", "--devices", "0"], "'0' is no number of devices"),
    (["emotion", "--devices", "x"], "1 or more, or auto"),
    (["syncnet", "--precision", "8"], "32-true"), (["emogen", "--perceptual", "eye"], "vgg19"),
    (["mouth", "--store", "s"], "--store")])
def test_what_cannot_be_asked_for(argv, word, parts, capsys):
    more = [] if word in ("--store", "--out") else ["--store", "s", "--out", "o"]
    assert main(["train", *argv, *more, *(["--out", "o"] if argv[0] == "mouth" else [])]) == 2
    told = capsys.readouterr()
    assert word in told.err and told.err.count("\n") == 1 and not parts


def test_help_shows_every_part_without_loading_torch():
    import subprocess

    code = ("import sys; from tfg.cli import main; "
            "assert main(['train', 'emogen', '--help']) == 0; assert 'torch' not in sys.modules")
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "--perceptual" in out and "None" not in out


def test_scores_in_words():
    assert in_words({}) == "no scores"
    assert in_words({"offset_1": .953, "note": "text", "wide": True}) == \
        "95.3% of known shifts of the sound found within a frame"
    assert in_words({"test": {"accuracy": .8125, "HI": {"accuracy": .95}}, "lse_d": 6.5}) == \
        "test: 81.2% right; test HI: 95.0% right; lse_d 6.5"
