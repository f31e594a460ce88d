"""tfg.media.audio: reading anything, the frame map, mel, bad input."""
from __future__ import annotations

import subprocess
import sys
import tracemalloc
import wave

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import tone, write_frames, write_sound
from tfg.errors import InputError
from tfg.media import audio
from tfg.media.audio import SR, load_audio


def envelope(y, n=40):
    """Loudness shape: what survives any codec and rate."""
    return np.sqrt([np.mean(b**2) for b in np.array_split(y, n)])


@pytest.mark.parametrize("suffix, codec, sr, layout", [
    ("wav", "pcm_s16le", 8000, "mono"), ("wav", "pcm_s16le", 44100, "stereo"), ("wav", "pcm_f32le", 48000, "5.1"),
    ("wav", "pcm_u8", 11025, "mono"), ("wav", "pcm_s24le", 96000, "stereo"), ("mp3", "libmp3lame", 44100, "stereo"),
    ("m4a", "aac", 44100, "stereo"), ("m4a", "aac", 48000, "5.1"), ("ogg", "libopus", 48000, "stereo"),
    ("flac", "flac", 44100, "stereo"), ("flac", "flac", 16000, "mono"), ("mka", "aac", 16000, "mono"),
    ("webm", "libopus", 48000, "mono"), ("mp3", "libmp3lame", 8000, "mono"),
])
def test_reads_any_format_in_time(tmp_path, suffix, codec, sr, layout):
    channels = {"mono": 1, "stereo": 2, "5.1": 6}[layout]
    path = write_sound(tmp_path / f"a.{suffix}", tone(1.5, sr, channels=channels), sr, codec, layout)
    y = load_audio(path)
    assert y.dtype == np.float32 and y.ndim == 1 and y.flags.c_contiguous
    assert abs(len(y) - 1.5 * SR) < 0.07 * SR  # lossy codecs pad the end
    assert np.abs(y).max() <= 1
    reference, got = envelope(tone(1.5)[0]), envelope(y[: int(1.5 * SR)])
    assert np.corrcoef(reference, got)[0, 1] > 0.995  # the same shape at the same time
    pitch = np.argmax(np.abs(np.fft.rfft(y[8000:16000]))) * SR / 8000
    assert abs(pitch - 440) < 4


@pytest.mark.parametrize("suffix, codec, sr", [
    ("wav", "pcm_s16le", 44100), ("mp3", "libmp3lame", 44100), ("m4a", "aac", 44100), ("ogg", "libopus", 48000),
    ("flac", "flac", 8000), ("mka", "aac", 48000)])
def test_a_click_stays_where_it_is(tmp_path, suffix, codec, sr):
    y = np.zeros((1, sr * 2), np.float32)
    y[0, sr: sr + sr // 100] = 0.9  # 10 ms, from second 1
    heard = load_audio(write_sound(tmp_path / f"a.{suffix}", y, sr, codec))
    onset = np.argmax(np.abs(heard) > 0.45)
    assert abs(onset - SR) <= 0.002 * SR


def test_full_scale_channels_do_not_overflow(tmp_path):
    y = np.ones((2, 16000), np.float32) * 0.99
    heard = load_audio(write_sound(tmp_path / "a.wav", y, 16000, "pcm_f32le", "stereo"))
    assert 0.97 < heard[8000] <= 1  # the mean of the channels, not 1.41 times it


def test_part_of_a_sound(tmp_path):
    y = np.linspace(-0.9, 0.9, 20 * SR).astype(np.float32)
    for name, codec in (("a.wav", "pcm_s16le"), ("a.flac", "flac"), ("a.mka", "flac")):
        path = write_sound(tmp_path / name, y[None], SR, codec)
        for start, seconds in ((0, 1), (0.5, 2), (7.25, 3), (19, 5)):
            part = load_audio(path, start_s=start, duration_s=seconds)
            want = y[int(start * SR): int((start + seconds) * SR)]
            assert part.shape == want.shape
            assert np.abs(part - want).max() < 2e-4
    with pytest.raises(InputError, match="ends before second 30"):
        load_audio(path, start_s=30)


def test_sound_that_starts_late_keeps_its_delay(tmp_path):
    click = np.zeros(32000, np.float32)
    click[8000:8160] = 0.9
    path = tmp_path / "late.mkv"
    from fractions import Fraction

    import av
    with av.open(str(path), "w") as out:
        video, sound = out.add_stream("libx264", rate=25), out.add_stream("pcm_s16le", rate=SR, layout="mono")
        video.width = video.height = 32
        video.pix_fmt = "yuv420p"
        for _ in range(75):
            out.mux(video.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")))
        out.mux(video.encode(None))
        frame = av.AudioFrame.from_ndarray((click[None] * 32767).astype(np.int16), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = SR, round(0.72 * SR), Fraction(1, SR)
        out.mux(sound.encode(frame))
        out.mux(sound.encode(None))
    heard = load_audio(path)
    assert abs(np.argmax(np.abs(heard) > 0.5) - (0.72 * SR + 8000)) <= 16  # to the millisecond of Matroska's clock
    assert not heard[: int(0.7 * SR)].any()


def test_a_hole_in_the_time_stamps_is_silence(tmp_path):
    from fractions import Fraction

    import av
    path = tmp_path / "hole.mka"
    with av.open(str(path), "w") as out:
        sound = out.add_stream("pcm_s16le", rate=SR, layout="mono")
        for start_s in (0, 2):
            frame = av.AudioFrame.from_ndarray(np.full((1, SR), 9000, np.int16), format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = SR, start_s * SR, Fraction(1, SR)
            out.mux(sound.encode(frame))
        out.mux(sound.encode(None))
    y = load_audio(path)
    assert len(y) == 3 * SR
    assert not y[SR + 100: 2 * SR - 100].any() and y[SR // 2] > 0.2 and y[5 * SR // 2] > 0.2


def test_real_clips_agree_with_their_official_sound(crema_d, shared):
    for flv in crema_d:
        y, official = load_audio(flv), load_audio(shared / "crema_d" / "audio_resampled" / f"{flv.stem}.wav")
        assert len(y) == len(official)
        assert np.abs(y - official).max() < 0.01  # the flv plays this very sound, without a shift


def test_names_that_look_like_addresses(tmp_path, monkeypatch):
    path = tmp_path / "a: 50% of http:.wav"
    audio.write_wav(path, tone()[0])
    assert len(load_audio(path)) == SR
    monkeypatch.chdir(tmp_path)
    assert len(load_audio("a: 50% of http:.wav")) == SR


def test_wav_round_trip_and_clipping(tmp_path):
    y = np.random.default_rng(0).uniform(-1.2, 1.2, 5000).astype(np.float32)
    audio.write_wav(tmp_path / "a.wav", y)
    assert np.abs(load_audio(tmp_path / "a.wav") - np.clip(y, -1, 1)).max() <= 1 / 32768
    assert [p.name for p in tmp_path.iterdir()] == ["a.wav"]


# ---- bad input ----

def bad_inputs(folder):
    """name -> (path, what the message must say)."""
    speech = write_sound(folder / "good.wav", tone(3.0), SR, "pcm_s16le").read_bytes()
    flac = write_sound(folder / "good.flac", tone(3.0), SR, "flac").read_bytes()
    mp3 = write_sound(folder / "good.mp3", tone(3.0), SR, "libmp3lame").read_bytes()
    m4a = write_sound(folder / "good.m4a", tone(3.0), SR, "aac").read_bytes()
    files = {
        "empty.wav": (b"", "empty"), "text.wav": (b"this is a note, no sound\n" * 50, "no sound that can be read"),
        "noise.mp3": (np.random.default_rng(1).bytes(20000), "corrupt|no sound"),
        "cut.wav": (speech[:30000], "cut off"), "cut.flac": (flac[: len(flac) // 2], "cut off"),
        "cut.mp3": (mp3[: len(mp3) // 2], "cut off"), "cut.m4a": (m4a[: len(m4a) // 2], "cut off|no sound"),
        "header.wav": (speech[:44], "no sound|cut off|empty"), "note.txt": (b"hello", "no sound|without sound"),
    }
    for name, (content, _) in files.items():
        (folder / name).write_bytes(content)
    nan = tone(1.0)
    nan[0, 777] = np.nan
    write_sound(folder / "nan.wav", nan, SR, "pcm_f32le")
    write_frames(folder / "mute.mp4", [np.zeros((32, 32, 3), np.uint8)] * 10, [k / 25 for k in range(10)])
    expected = {name: message for name, (_, message) in files.items()}
    return expected | {"nan.wav": "not numbers", "mute.mp4": "video without a sound track",
                       "missing.wav": "there is no", ".": "is a folder"}


def test_bad_input_is_one_clear_sentence(tmp_path):
    import re
    for name, message in bad_inputs(tmp_path).items():
        with pytest.raises(InputError) as caught:
            load_audio(tmp_path / name)
        text = str(caught.value)
        assert re.search(message, text), f"{name}: {text}"
        assert text.endswith(".") and "\n" not in text and len(text) < 400
    for name in ("good.wav", "good.flac", "good.mp3", "good.m4a"):
        assert abs(len(load_audio(tmp_path / name)) - 3 * SR) < 0.07 * SR
    streamed = bytearray((tmp_path / "good.wav").read_bytes())  # as a pipe writes it: the length is not known
    at = streamed.index(b"data") + 4
    streamed[4:8] = streamed[at: at + 4] = b"\xff" * 4
    (tmp_path / "piped.wav").write_bytes(streamed)
    assert abs(len(load_audio(tmp_path / "piped.wav")) - 3 * SR) < 100
    with pytest.raises(InputError, match="duration"):
        load_audio(tmp_path / "good.wav", duration_s=0)


@pytest.mark.parametrize("y, message", [
    (np.zeros(0), "empty"), (np.zeros(SR), "silent"), (tone(0.1)[0], "lasts 0.10 s"), (np.full(SR, 1e-5), "silent"),
    (np.where(np.arange(SR) == 5, np.nan, 0.1), "NaN"), (tone(1.0, channels=2), "shape"),
])
def test_check_audible_refuses(y, message):
    with pytest.raises(InputError, match=message) as caught:
        audio.check_audible(y, "voice.wav")
    assert "voice.wav" in str(caught.value)


def test_check_audible_accepts_quiet_speech():
    audio.check_audible(tone(0.2)[0] * 0.01)


def test_writing_where_it_cannot(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        audio.write_wav(tmp_path / "no" / "a.wav", tone()[0])
    with pytest.raises(InputError, match="is a folder"):
        audio.write_wav(tmp_path, tone()[0])
    with pytest.raises(InputError, match="NaN"):
        audio.write_wav(tmp_path / "a.wav", np.array([np.nan]))
    assert not list(tmp_path.iterdir())


# ---- the map between frames and samples ----

@given(st.integers(0, 10**7))
def test_every_sample_lies_in_its_frame(s):
    start, stop = audio.frame_to_samples(audio.sample_to_frame(s))
    assert start <= s < stop and stop - start == audio.SAMPLES_PER_FRAME
    assert audio.n_frames(s + 1) == audio.sample_to_frame(s) + 1  # as many frames as it takes to cover sample s


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_a_click_is_found_in_its_frame(data):
    """frame -> audio -> frame, by three roads: the map, loudness, and the mel windows."""
    T = data.draw(st.integers(3, 60), label="T")
    frame = data.draw(st.integers(0, T - 1), label="frame")
    offset = data.draw(st.integers(0, 639), label="offset")
    y = np.zeros(T * 640, np.float32)
    s = audio.frame_to_samples(frame)[0] + offset
    y[s] = 1
    assert audio.sample_to_frame(s) == frame
    assert audio.loudness(y).argmax() == frame and len(audio.loudness(y)) == audio.n_frames(len(y)) == T
    windows = audio.mel_windows(audio.mel_spectrogram(y), T, width=16)
    column = (windows + 4).sum(1)  # (T, 16): energy per column
    heard = column.sum(1) > 0
    assert heard[frame]
    # the click's place inside the window of its own frame is its offset from the middle, to the nearest column
    centre = (column[frame] * np.arange(16)).sum() / column[frame].sum()
    start = audio.mel_start(frame, 16)
    inside = 2 <= s // 200 - start <= 13 and 400 < s < len(y) - 400
    if inside:
        assert abs((start + centre) * 200 - s) < 160


@given(st.integers(0, 10**6), st.integers(1, 64))
def test_windows_are_centred_on_the_middle_of_the_frame(frame, width):
    centre = audio.mel_start(frame, width) + (width - 1) / 2
    assert abs(centre - (3.2 * frame + 1.6)) <= 0.5 + 1e-9


@given(st.integers(0, 400), st.integers(1, 120), st.integers(1, 30))
def test_mel_windows_agree_with_mel_window(columns, T, width):
    mel = np.random.default_rng(0).normal(size=(5, columns)).astype(np.float32)
    windows = audio.mel_windows(mel, T, width)
    assert windows.shape == (T, 5, width) and windows.dtype == np.float32
    for i in {0, T // 2, T - 1}:
        assert np.array_equal(windows[i], audio.mel_window(mel, i, width))


@given(st.integers(0, 10**6))
def test_a_second_has_the_window_of_its_frame(frame):
    """The middle of a frame, said in seconds, is that frame: to the bit, however 1/25 is rounded."""
    for seconds in ((frame + .5) / 25, (2 * frame + 1) * .02, (frame / 25 + (frame + 1) / 25) / 2):
        assert audio.mel_start(audio.frame_at(seconds)) == audio.mel_start(frame)


def test_windows_of_any_moments_in_any_order():
    mel = np.random.default_rng(0).normal(size=(5, 300)).astype(np.float32)
    at = audio.frame_at(np.array([2.5, .01, 1 / 60, 3.74, 9]))
    windows = audio.mel_windows(mel, at)
    for window, seconds in zip(windows, (2.5, .01, 1 / 60, 3.74, 9)):
        start = int(np.floor(80 * seconds - 7.5 + .5 + 1e-6))
        held = [mel[:, c] if 0 <= c < 300 else np.full(5, audio.MEL_FLOOR) for c in range(start, start + 16)]
        np.testing.assert_array_equal(window, np.stack(held, 1).astype(np.float32))


def test_windows_far_outside_hold_the_floor():
    mel = np.zeros((80, 20), np.float32)
    assert (audio.mel_window(mel, 1000) == audio.MEL_FLOOR).all()
    assert (audio.mel_window(mel, -50) == audio.MEL_FLOOR).all()


# ---- mel ----

def test_filters_are_librosas():
    librosa = pytest.importorskip("librosa")
    for kwargs in (dict(sr=16000, n_fft=800, n_mels=80, fmin=55, fmax=7600),
                   dict(sr=22050, n_fft=1024, n_mels=40, fmin=0, fmax=8000)):
        np.testing.assert_allclose(audio.mel_filters(**kwargs), librosa.filters.mel(**kwargs), atol=2e-8)


@pytest.mark.filterwarnings("ignore:n_fft=800 is too large")
@pytest.mark.parametrize("n", [1, 150, 799, 16000, 16001, 300_000])
def test_mel_is_librosas(n):
    librosa = pytest.importorskip("librosa")
    y = (np.random.default_rng(n).normal(size=n) * np.linspace(0, 0.3, n)).astype(np.float32)
    y[: n // 3] = 0
    emphasised = np.append(y[:1], y[1:] - np.float32(0.97) * y[:-1])
    magnitude = librosa.feature.melspectrogram(y=emphasised, sr=SR, n_fft=800, hop_length=200, n_mels=80, fmin=55,
                                               fmax=7600, power=1, center=True, pad_mode="constant")
    expected = np.clip((20 * np.log10(np.maximum(1e-6, magnitude)) + 80) * 0.08 - 4, -4, 4)
    mel = audio.mel_spectrogram(y)
    assert mel.shape == (80, 1 + n // 200) and mel.dtype == np.float32
    np.testing.assert_allclose(mel, expected, atol=2e-3)


def test_mel_of_silence_is_the_floor_and_a_tone_is_where_it_should_be():
    assert (audio.mel_spectrogram(np.zeros(16000)) == audio.MEL_FLOOR).all()
    mel = audio.mel_spectrogram(tone(1.0, hz=1000)[0])
    low, high = mel.mean(1)[:20].mean(), mel.mean(1).max()
    assert high - low > 3 and mel.mean(1).argmax() == audio.mel_filters()[:, 50].argmax()  # bin 50 is 1000 Hz


def test_loudness_in_db():
    y = np.concatenate([np.ones(640), np.full(640, 0.1), np.zeros(640), np.full(10, 0.1)])
    np.testing.assert_allclose(audio.loudness(y), [0, -20, -100, -20], atol=1e-4)


# ---- long sound ----

def test_long_sound_in_bounded_memory(tmp_path):
    path, minutes = tmp_path / "long.wav", 5
    second = (tone(1.0, 8000)[0] * 32767).astype("<i2").tobytes()
    with wave.open(str(path), "wb") as file:  # 8 kHz, so that it is resampled on the way
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(second * 60 * minutes)
    tracemalloc.start()
    y = load_audio(path)
    peak_load = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    held = tracemalloc.get_traced_memory()[0]
    mel = audio.mel_spectrogram(y)
    peak_mel = tracemalloc.get_traced_memory()[1] - held
    tracemalloc.stop()
    assert len(y) == minutes * 60 * SR and mel.shape == (80, minutes * 4800 + 1)
    assert peak_load < 1.2 * y.nbytes  # the result and little else
    assert peak_mel < mel.nbytes + 40e6  # the result and a block


def test_import_is_light():
    code = "import sys, tfg.media.audio; print(sorted({'torch', 'librosa', 'scipy', 'numba', 'av'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
