"""A new system is one folder and one line: here it animates, trains, fits, scores, and shows in help and tables."""
from __future__ import annotations

import json
import sys

import numpy as np
import pytest

import scored_store as bars
import tfg
from tfg import paths, registry
from tfg.cli import main
from tfg.faces import crops
from tfg.media.audio import load_audio
from tfg.media.video import FrameReader

TOY = '''
"""A toy: the photo, brighter while somebody speaks."""
from pathlib import Path

import numpy as np

from tfg.options import number, option_class, path
from tfg.systems.base import EmotionOptions, Footage, System, Take
from tfg.systems.portrait import read_source
from tfg.training.part import RunOptions, Training


@option_class
class ToyOptions(EmotionOptions):
    glow: float = number("how much brighter", default=.5, low=0, high=1)
    person: str | None = path("folder that tfg fit wrote", default=None)


def train(*, out, profile="cpu", seed=0, steps=None, resume=True, progress=True, **_):
    from tfg.files import atomic, make_folder
    import json

    card = {"system": "toy", "seed": seed, "scores": {"glow": .25}}
    with atomic(make_folder(out) / "toy.json") as part:
        part.write_text(json.dumps(card))
    return None, card


class Toy(System):
    name, about, Options, can_fit = "toy", "the photo, brighter while somebody speaks", ToyOptions, True
    trainings = (Training("toy", "Train the toy.", __name__ + ":train", RunOptions),)

    def prepare(self, source, speech, options, *, progress=False):
        from tfg.media.audio import n_frames

        photo, _ = read_source(source, face=options.face)
        n = n_frames(len(speech.audio))
        level = np.abs(np.resize(speech.audio, n * 640))
        level = level.reshape(n, 640).max(1)
        frames = (np.clip(photo * (1 + options.glow * v), 0, 255).astype(np.uint8) for v in level)
        return Take(frames, n, photo.shape[:2], meta={"fitted": options.person})

    def fit(self, source, options, out, *, progress=False):
        from tfg.files import make_folder

        photo, _ = read_source(source)
        (make_folder(out) / "person.txt").write_text(str(photo.mean()))
        return Path(out)


SYSTEM = Toy()
'''
TOY_FILM = '''
"""A toy that dubs: the lower half of each crop is hidden, and drawn as bright as the sound is loud."""
import numpy as np

from tfg.options import option_class, number
from tfg.systems.base import EmotionOptions, System, Take


@option_class
class ToyOptions(EmotionOptions):
    low: float = number("how dark silence is", default=40, low=0, high=255)


class Toy(System):
    name, about, Options, task = "toy_film", "the lower half as bright as the sound is loud", ToyOptions, "film"

    def prepare(self, source, speech, options, *, progress=False):
        half = source.frames.shape[1] // 2
        source.frames[:, half:] = 0
        level = np.abs(speech.audio.reshape(-1, 640)).max(1)

        def frames():
            for frame, v in zip(source.frames, level):
                frame[half:, 4:] = round(options.low + 180 * v)
                yield frame

        return Take(frames(), len(level), source.frames.shape[1:3], meta={"felt": options.emotion})

    def drawn_mask(self, size):
        mask = np.zeros((size, size), np.float32)
        mask[size // 2:] = 1
        return mask


SYSTEM = Toy()
'''
PHOTO = str(paths.data("faces", "default.jpg"))


def installed(name: str, code: str, tmp_path, monkeypatch) -> None:
    """Write the folder of a system, and its line in the registry."""
    folder = tmp_path / "package" / f"{name}_system"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(code)
    monkeypatch.syspath_prepend(str(folder.parent))
    monkeypatch.setitem(registry.SYSTEMS, name, f"{name}_system")


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """The toy system, installed."""
    installed("toy", TOY, tmp_path, monkeypatch)
    yield
    sys.modules.pop("toy_system", None)


@pytest.fixture
def toy_film(tmp_path, monkeypatch):
    """The toy system that dubs, installed."""
    installed("toy_film", TOY_FILM, tmp_path, monkeypatch)
    yield
    sys.modules.pop("toy_film_system", None)


def test_it_animates(toy, tmp_path):
    sound = load_audio(paths.data("audio", "DFA.wav"))[:16000]
    clip = tfg.animate(PHOTO, sound, system="toy", glow=1.0, out=tmp_path / "toy.mp4", progress=False)
    assert len(clip) == 25 and clip.meta["system"] == "toy" and clip.meta["settings"]["glow"] == 1.0
    still = tfg.animate(PHOTO, sound, system="toy", glow=0.0, progress=False)
    assert np.mean(clip.frames[12]) > np.mean(still.frames[12]) + .5
    with pytest.raises(tfg.InputError, match="the glow is 2, but it must be a number from 0 to 1"):
        tfg.animate(PHOTO, sound, system="toy", glow=2)
    with pytest.raises(tfg.InputError, match="toy does not use --pads; leave it out, or choose --system emogen"):
        tfg.animate(PHOTO, sound, system="toy", pads=(1, 2, 3, 4))
    with pytest.raises(tfg.InputError, match="expression does not use --glow.*--system toy"):
        tfg.animate(PHOTO, sound, glow=.5)


def test_it_shows_in_help_and_lists(toy, capsys):
    assert main(["animate", "--system", "toy", "--help"]) == 0
    out = capsys.readouterr().out
    assert "--glow" in out and "how much brighter (from 0 to 1, default: 0.5)" in " ".join(out.split())
    assert "--pads" not in out
    assert main(["systems"]) == 0
    assert "toy: the photo, brighter while somebody speaks" in capsys.readouterr().out
    assert main(["train", "--help"]) == 0 and "Train the toy." in capsys.readouterr().out
    assert main(["fit", "--help"]) == 0
    assert "for systems that can (rhythmic, toy)" in " ".join(capsys.readouterr().out.split())


def test_the_readmes_table_would_have_it(toy):
    from tools.readme import options_table

    assert "`--glow`" in options_table() and "toy" in options_table()


def test_the_types_for_editors_would_have_it(toy):
    from tools.stubs import stub

    assert 'system: Literal["toy"]' in stub() and "glow: float = ..." in stub()


def test_it_trains_and_fits_from_the_command_line(toy, tmp_path, capsys):
    assert main(["train", "toy", "--out", str(tmp_path / "t"), "--seed", "3"]) == 0
    assert json.loads((tmp_path / "t" / "toy.json").read_text())["seed"] == 3
    assert "glow 0.25" in capsys.readouterr().out
    assert main(["fit", "--system", "toy", "--source", PHOTO, "--out", str(tmp_path / "f")]) == 0
    assert (tmp_path / "f" / "person.txt").exists()
    assert main(["animate", "--system", "toy", "--source", PHOTO, "--audio", str(paths.data("audio", "DFA.wav")),
                 "--person", str(tmp_path / "f"), "--out", str(tmp_path / "toy.mp4")]) == 0
    assert len(FrameReader(tmp_path / "toy.mp4")) > 25


def test_it_scores(toy, toy_film, tmp_path, monkeypatch, capsys):
    """The same call and the same tables for a system that moves one photo and for one that dubs; nothing names them."""
    from tfg.scores import score, table

    monkeypatch.setattr(crops, "landmarks", bars.read_landmarks)
    store = bars.make_store(tmp_path / "store", actors=4, moods=("NEU", "HAP"))
    how = dict(judges=bars.knowing(), workers=1)
    photo = score("toy", store, tmp_path / "photo", glow=1.0, **how)
    assert photo.task == "portrait" and photo.rows == ("true", "copy", "still", "shuffled", "toy")
    assert photo.summary("toy", "aperture_r").value > .8 > .6 > photo.summary("shuffled", "aperture_r").value
    assert photo.summary("still", "aperture_r") is None and photo.card["stores"][0]["photos"]["neutral take"] == 3
    assert photo.card["options"] == {"glow": "1.0"} and "psnr_mask" not in photo.where("toy")[0]
    film = score("toy_film", store, tmp_path / "film", low=bars.LOW, **how)
    assert film.task == "film" and film.summary("toy_film", "lmd_mouth").value < .01
    assert film.summary("toy_film", "lmd_mouth").value < film.summary("shuffled", "lmd_mouth").value
    assert film.summary("toy_film", "accuracy").value == 1                # what it does not draw stays as filmed
    assert film.summary("shuffled", "psnr_drawn").value < film.summary("shuffled", "psnr").value
    assert "psnr_drawn" not in photo.columns and "PSNR drawn" in table.markdown(film)
    for kind in ("from one photo", "dubbing of a film"):
        assert kind in (tmp_path / kind.split()[-1] / "scores.md").read_text().splitlines()[0]
    true = [{c["clip"]: c["lse_d"] for c in found.where("true")} for found in (photo, film)]
    assert true[0] == true[1] and len(true[0]) == 6                       # the same clips, the same judge

    with pytest.raises(tfg.InputError, match="takes emotion, sound and size from each clip, so --emotion cannot"):
        score("toy", store, emotion="HAP", **how)
    with pytest.raises(tfg.InputError, match="toy does not use --pads"):
        score("toy", store, pads=(0, 0, 0, 0), **how)
    assert main(["score", "--system", "toy", "--help"]) == 0
    out = capsys.readouterr().out
    assert "--glow" in out and "--person" in out and "--emotion" not in out and "--alpha" not in out
    given = ["score", "--system", "toy", "--store", str(store.path), "--out", str(tmp_path / "x")]
    assert main([*given, "--emotion", "HAP"]) == 2 and "so --emotion cannot be chosen" in capsys.readouterr().err
    assert main([*given, "--alpha", "1"]) == 2 and "--system expression" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()
