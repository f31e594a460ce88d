"""tfg.media.sound: the choice of a track, channels that cancel, samples at another scale; each choice is noted."""
from __future__ import annotations

import warnings
from fractions import Fraction

import av
import numpy as np
import pytest

from conftest import tone, write_sound
from tfg.errors import InputError
from tfg.media.audio import load_audio, write_wav
from tfg.media.video import probe

SILENCE = np.zeros((1, 16000), np.float32)
NONE, DEFAULT = av.stream.Disposition(0), av.stream.Disposition.default


def tracks(path, sounds, marks, titles=None, codec="aac"):
    """A file with several sound tracks, each (1, N) at 16 kHz, with these marks."""
    with av.open(str(path), "w") as out:
        streams = [out.add_stream(codec, rate=16000, layout="mono") for _ in sounds]
        for k, (stream, mark) in enumerate(zip(streams, marks)):
            stream.disposition = mark
            stream.metadata.update((titles or {}).get(k, {}))
        for stream, y in zip(streams, sounds):
            resampler = av.AudioResampler(format=stream.codec_context.format.name, layout="mono", rate=16000,
                                          frame_size=stream.codec_context.frame_size or 1024)
            frame = av.AudioFrame.from_ndarray(y, format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = 16000, 0, Fraction(1, 16000)
            for piece in resampler.resample(frame) + resampler.resample(None):
                out.mux(stream.encode(piece))
            out.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize("marks,number", [((NONE, DEFAULT), 2), ((DEFAULT, NONE), 1), ((DEFAULT, DEFAULT), 1)])
def test_the_default_track_is_taken_and_the_others_are_noted(tmp_path, suffix, marks, number):
    low, high = tone(1.0, hz=220), tone(1.0, hz=900)
    path = tracks(tmp_path / f"a.{suffix}", [low, high], marks, {1: {"language": "fra"}})
    language = r" \(fra\)" if number == 2 else ""
    with pytest.warns(UserWarning, match=f"a.{suffix} has 2 sound tracks; number {number}{language} is taken"):
        y = load_audio(path)
    wanted = (low, high)[number - 1][0]
    assert np.corrcoef(y[:16000], wanted[:len(y)])[0, 1] > .99


def test_commentary_is_passed_over_where_nothing_is_marked(tmp_path):
    path = tracks(tmp_path / "a.mkv", [tone(1.0, hz=220), tone(1.0, hz=900)], [av.stream.Disposition.comment, NONE])
    with av.open(str(path)) as container:
        if any(stream.disposition & DEFAULT for stream in container.streams):
            pytest.skip("this FFmpeg marks a track by itself")
    with pytest.warns(UserWarning, match="number 2"):
        load_audio(path)


def test_one_track_needs_no_note(tmp_path):
    path = tracks(tmp_path / "a.mp4", [tone(1.0)], [DEFAULT])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(load_audio(path)) == 16000
        for layout in ("mono", "stereo"):
            y = tone(1.0, channels=2 if layout == "stereo" else 1)
            load_audio(write_sound(tmp_path / f"{layout}.wav", y, 16000, "pcm_s16le", layout))
        y = np.stack([tone(1.0)[0], tone(1.0, hz=700)[0]])                       # two voices, one to each side
        load_audio(write_sound(tmp_path / "wide.wav", y, 16000, "pcm_s16le", "stereo"))


@pytest.mark.parametrize("codec,suffix", [("pcm_s16le", "wav"), ("pcm_f32le", "wav"), ("flac", "flac"),
                                          ("pcm_u8", "wav")])
@pytest.mark.parametrize("louder", [0, 1])
def test_channels_that_cancel_each_other(tmp_path, codec, suffix, louder):
    y = tone(1.0)
    both = np.concatenate([y * (1, .8)[louder], -y * (.8, 1)[louder]])
    path = write_sound(tmp_path / f"a.{suffix}", both, 16000, codec, "stereo")
    with pytest.warns(UserWarning, match=f"channels of a.{suffix} cancel.*its {('left', 'right')[louder]} one"):
        heard = load_audio(path)
    assert np.abs(heard).max() == pytest.approx(.5, abs=.02) and abs(np.corrcoef(heard, y[0])[0, 1]) > .99
    with pytest.warns(UserWarning, match="cancel"):
        assert len(load_audio(path, start_s=.5, duration_s=.3)) == 4800


@pytest.mark.parametrize("scale", [2 ** 15, 2 ** 23, 2 ** 31])
def test_float_samples_at_the_scale_of_integers(tmp_path, scale):
    y = tone(1.0)
    path = write_sound(tmp_path / "a.wav", y * scale, 16000, "pcm_f32le")
    with pytest.warns(UserWarning, match=f"a.wav holds samples up to .* divided by {scale}"):
        heard = load_audio(path)
    np.testing.assert_allclose(heard, y[0], atol=1e-5)


def test_float_samples_over_full_scale(tmp_path):
    y = tone(1.0)
    with pytest.warns(UserWarning, match=r"louder than full scale \(up to 1.50\)"):
        heard = load_audio(write_sound(tmp_path / "a.wav", y * 3, 16000, "pcm_f32le"))
    np.testing.assert_allclose(heard, np.clip(y[0] * 3, -1, 1), atol=1e-5)
    with pytest.raises(InputError, match="samples up to .*e.11 where.*export the sound again"):
        load_audio(write_sound(tmp_path / "b.wav", y * 1e12, 16000, "pcm_f32le"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")                                          # a peak or two is no fault
        load_audio(write_sound(tmp_path / "c.wav", y * 2.001, 16000, "pcm_f32le"))


def test_the_size_in_front_of_a_wav_is_not_believed(tmp_path):
    """Recorders that were switched off leave it wrong; what counts is whether the samples are there."""
    write_wav(tmp_path / "a.wav", tone(1.0)[0])
    data = bytearray((tmp_path / "a.wav").read_bytes())
    data[4:8] = (10 * len(data)).to_bytes(4, "little")
    (tmp_path / "a.wav").write_bytes(data)
    assert len(load_audio(tmp_path / "a.wav")) == 16000
    (tmp_path / "a.wav").write_bytes(data[:len(data) // 2])
    with pytest.raises(InputError, match="cut off: it announces 32000 bytes of sound"):
        load_audio(tmp_path / "a.wav")


def test_the_default_picture_track_is_taken(tmp_path):
    from conftest import numbered

    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as out:
        streams = []
        for k, (h, w) in enumerate([(48, 64), (96, 128)]):
            stream = out.add_stream("libx264", rate=25)
            stream.height, stream.width, stream.pix_fmt = h, w, "yuv420p"
            stream.disposition = (NONE, DEFAULT)[k]
            streams.append(stream)
        for stream in streams:
            for frame in numbered(5, stream.height, stream.width):
                out.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            out.mux(stream.encode(None))
    info = probe(path)
    assert (info["height"], info["width"], info["n_frames"]) == (96, 128, 5)
