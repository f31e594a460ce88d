"""tfg.show: players that stand on their own, and contact sheets."""
from __future__ import annotations

import base64
import importlib
import re

import numpy as np
import pytest

from conftest import number, numbered, tone, write_frames, write_sound
from tfg.errors import InputError
from tfg.media.clip import Clip
from tfg.media.video import AI_TAG, FrameReader, probe, write_video

show_module = importlib.import_module("tfg.media.show")  # `tfg.show` itself is the function
show, show_frames = show_module.show, show_module.show_frames
IPython = pytest.importorskip("IPython")


def embedded(shown, folder):
    """The file inside a player."""
    kind, data = re.search(r'src="data:\w+/(\w+);base64,([^"]+)"', shown.data).groups()
    path = folder / f"embedded.{kind}"
    path.write_bytes(base64.b64decode(data))
    return path


def test_a_file_is_embedded_as_it_is(tmp_path):
    path = write_video(tmp_path / "a.mp4", numbered(10), tone(0.4)[0])
    shown = show(path)
    assert isinstance(shown, IPython.display.HTML) and "<video controls" in shown.data
    assert embedded(shown, tmp_path).read_bytes() == path.read_bytes()
    assert show(Clip.open(path)).data == show(str(path)).data == shown.data
    assert 'width="64"' in shown.data and 'width="300"' in show(path, width=300).data
    assert shown._repr_html_() == shown.data  # what an exported page holds


def test_frames_in_memory_are_encoded(tmp_path):
    shown = show(Clip(numbered(10), tone(0.4)[0]))
    path = embedded(shown, tmp_path)
    assert [number(f) for f in FrameReader(path)] == list(range(10))
    assert probe(path)["has_audio"] and probe(path)["metadata"]["comment"] == AI_TAG
    assert "<video" in show(numbered(3)).data and "<video" in show(np.stack(numbered(3))).data


def test_edited_frames_are_shown_instead_of_the_file(tmp_path):
    clip = Clip.open(write_video(tmp_path / "a.mp4", numbered(10)))
    clip.frames = list(clip.frames)[::-1]
    assert [number(f) for f in FrameReader(embedded(show(clip), tmp_path))] == list(range(10))[::-1]


@pytest.mark.parametrize("suffix, codec", [("mkv", "libx264"), ("avi", "mpeg4"), ("mp4", "mpeg4")])
def test_what_browsers_do_not_play_is_converted(tmp_path, suffix, codec):
    path = write_frames(tmp_path / f"a.{suffix}", numbered(20), np.arange(20) / 25, codec)
    shown = embedded(show(path), tmp_path)
    import av
    with av.open(str(shown)) as container:
        assert container.streams.video[0].codec_context.name == "h264"
    assert len(FrameReader(shown)) == pytest.approx(20, abs=1)


def test_real_clips_play(crema_d, grid, tmp_path):
    for path in (crema_d[0], grid[0]):
        info = probe(embedded(show(path), tmp_path))
        assert info["has_audio"] and "comment" not in info["metadata"]  # a recording is not called generated


def test_sounds_and_pictures(tmp_path):
    write_sound(tmp_path / "a.ogg", tone(0.5, 48000), 48000, "libopus")
    assert "<audio controls" in show(tmp_path / "a.ogg").data
    from PIL import Image
    Image.fromarray(numbered(1)[0]).save(tmp_path / "a.png")
    assert "<img" in show(tmp_path / "a.png").data


def test_too_large_says_so(tmp_path, monkeypatch):
    path = write_video(tmp_path / "a<b>.mp4", numbered(10))
    monkeypatch.setattr(show_module, "MAX_MB", 1e-4)
    for shown in (show(path), show(Clip(numbered(10)))):
        assert "too large" in shown.data and "base64" not in shown.data
    assert "a&lt;b&gt;.mp4" in show(path).data


def test_bad_input(tmp_path):
    for bad, message in ((tmp_path / "no.mp4", "there is no"), (tmp_path, "folder"), (3, "cannot show a int")):
        with pytest.raises(InputError, match=message):
            show(bad)
    (tmp_path / "note.mp4").write_text("text")
    with pytest.raises(InputError):
        show(tmp_path / "note.mp4")


def test_contact_sheet():
    figure = show_frames(numbered(10), titles=[str(k) for k in range(10)], columns=4)
    assert len(figure.axes) == 12 and figure.axes[3].get_title() == "3"
    assert len(show_frames([np.zeros((8, 8))]).axes) == 1
    figure.savefig("/dev/null", format="png")
    with pytest.raises(InputError, match="no frames"):
        show_frames([])
    with pytest.raises(ValueError, match="titles"):
        show_frames(numbered(2), titles=["one"])
