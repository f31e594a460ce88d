"""Dubbing: the time of sound and picture, the place of the face, the drawn frames, and refused input.

The generator is a stand-in in tests that do not depend on its drawing: it shows the place of the sound in its window.
"""
from __future__ import annotations

import gc
import warnings

import numpy as np
import pytest
import torch

import tfg
from conftest import number, numbered, write_frames
from tfg import paths
from tfg.cli import main
from tfg.compose.answer import Answer
from tfg.errors import InputError
from tfg.media import audio
from tfg.media.video import FrameReader, read_image, write_video
from tfg.networks import checkpoint, inference
from tfg.networks.inference import fused
from tfg.systems.base import Speech
from tfg.systems.emogen import dub as emogen
from tfg.systems.emogen import network as model
from tfg.systems.emogen.options import EmogenOptions
from tfg.systems.emogen.paint import Painter
from tfg.systems.film import draw as dub_draw
from tfg.systems.film import source as dub_source
from tfg.systems.film import track as dub_track
from tfg.systems.film.paint import Drawn

PHOTO = paths.data("faces", "default.jpg")
VOICE = paths.data("audio", "DFA.wav")
CI = model.PROFILES["ci"]
BOX = dict(box=(8, 56, 8, 56))


class StandIn(torch.nn.Module):
    """A generator whose frames are as bright as the loudest moment is near the window's middle; `seen` keeps its
    inputs."""

    def __init__(self, limit: int | None = None):
        super().__init__()
        self.config, self.limit, self.seen = CI, limit, []
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def forward(self, mel, emotion, masked, reference):
        if self.limit is not None and mel.shape[1] > self.limit:
            raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB")
        self.seen.append((mel.numpy().copy(), emotion.numpy().copy(), masked.numpy().copy(), reference.numpy().copy()))
        energy = mel.mean(2) - audio.MEL_FLOOR                                                # (1, T, 16)
        middle = (energy * torch.arange(16)).sum(2) / energy.sum(2).clamp(min=1e-6)
        value = (1 - (middle - 7.5).abs() / 8) * (energy.amax(2) > .5)
        return value[..., None, None, None].expand_as(reference)

    def parts(self, mel, emotion, masked, reference):
        colour = self(mel, emotion, masked, reference)[0]
        return Answer(colour, torch.zeros_like(colour[:, :2]), torch.zeros_like(colour[:, :1]))


@pytest.fixture
def stand_in(monkeypatch):
    network = StandIn()
    monkeypatch.setattr(inference, "ready", lambda *asked: (network, {"sha256": "0" * 64}))
    return network


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with a network that was never trained."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("network")
    checkpoint.save(model.Emogen(CI).eval(), folder, "emogen", {})
    return folder


@pytest.fixture(scope="module")
def photo():
    return read_image(PHOTO)[::3, ::3].copy()                                                 # 256 x 256


def click(at_s: float, seconds: float) -> np.ndarray:
    y = np.zeros(round(seconds * audio.SR), np.float32)
    y[round(at_s * audio.SR)] = .9
    return y


def noise(seconds: float) -> np.ndarray:
    return np.random.default_rng(0).normal(0, .1, round(seconds * audio.SR)).astype(np.float32)


def dub(source, y, **options):
    """(Take, its frames) without a file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        take = emogen.prepare(source, Speech(y), EmogenOptions(**options))
        return take, list(take.frames)


# ---- time ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("fps", [25, 30, 30000 / 1001, 50, 12])
def test_a_click_is_seen_in_the_frame_in_which_it_is_heard(stand_in, tmp_path, fps):
    """Mistake (f): the original takes the frames of any video for 25 a second; at 30 the lips soon run late."""
    source = tmp_path / "source.mp4"
    write_video(source, [np.full((64, 64, 3), 60, np.uint8)] * round(1.5 * fps), fps=fps)
    for frame in (1, round(1.3 * fps)):
        for phase in (.35, .65):
            take, frames = dub(source, click((frame + phase) / fps, 1.5), **BOX)
            assert take.fps == pytest.approx(fps, rel=1e-6) and len(frames) == take.n == round(1.5 * fps)
            assert np.argmax([f[32, 32].mean() for f in frames]) == frame


def test_the_file_keeps_the_rate_and_the_click_its_place(stand_in, tmp_path):
    write_video(tmp_path / "source.mp4", [np.full((64, 64, 3), 60, np.uint8)] * 45, fps=30)
    clip = tfg.animate(tmp_path / "source.mp4", click(1.05, 1.5), system="emogen", out=tmp_path / "out.mp4",
                       progress=False, badge=False, **BOX)
    own = FrameReader(tmp_path / "out.mp4", fps=None)
    assert own.source_fps == pytest.approx(30) and len(own) == 45 and clip.meta["fps"] == 30
    assert np.argmax([f[32, 32].mean() for f in own]) == 31                                   # 1.033 .. 1.067 s
    assert len(clip) == 38 and np.argmax([f[32, 32].mean() for f in clip.frames]) == 26       # the clip's 25 a second


def test_training_and_dubbing_hear_the_same_sound(stand_in, tmp_path):
    """Mistake (e): the original trains with the sound of frame i - 1 and dubs with that of frame i. Training windows
    are `mel_windows` of whole frames (held in test_corpora_windows); these are the same at 25 frames/s, to the bit."""
    y = noise(1)
    write_video(tmp_path / "source.mp4", [np.full((64, 64, 3), 60, np.uint8)] * 25)
    dub(tmp_path / "source.mp4", y, batch_size=7, **BOX)
    heard = np.concatenate([mel[0] for mel, *_ in stand_in.seen])
    np.testing.assert_array_equal(heard, audio.mel_windows(audio.mel_spectrogram(y), 25))
    hour = dub_source.Source(np.zeros((64, 64, 3), np.uint8)).schedule(3600)
    np.testing.assert_array_equal(audio.mel_start(audio.frame_at(hour.middles)), audio.mel_start(np.arange(90_000)))


def test_longer_sound_turns_the_video_round_and_shorter_ends_it(stand_in, tmp_path):
    source = tmp_path / "source.mp4"
    write_video(source, numbered(6, 64, 96), crf=0)
    take, frames = dub(source, noise(13 / 25), box=(40, 60, 40, 60))
    assert [number(f) for f in frames] == [0, 1, 2, 3, 4, 5, 4, 3, 2, 1, 0, 1, 2] and take.meta["turns"] == 2
    with pytest.warns(UserWarning, match="to and fro and turns round 2 times"):
        emogen.prepare(source, Speech(noise(13 / 25)), EmogenOptions(**BOX))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        take = emogen.prepare(source, Speech(noise(5 / 25)), EmogenOptions(box=(40, 60, 40, 60)))
    assert [number(f) for f in take.frames] == [0, 1, 2, 3, 4]


def test_backwards_in_pieces_is_backwards(monkeypatch, tmp_path):
    monkeypatch.setattr(dub_source, "KEEP_BYTES", 1)                                          # pieces of 8 frames
    write_video(tmp_path / "source.mp4", numbered(30, 48, 64), crf=0)
    source = dub_source.Source(tmp_path / "source.mp4")
    schedule = source.schedule(3.0)
    assert [number(f) for f in source.shown(schedule)] == schedule.order.tolist()
    assert schedule.order[[28, 29, 30, 57, 58, 59]].tolist() == [28, 29, 28, 1, 0, 1] and len(schedule.order) == 75


def test_irregular_times_are_kept_and_held_frames_drawn_again(stand_in, tmp_path):
    """Lips would stand still with a frame that is on screen for half a second."""
    times = [0, .03, .08, .12, .62, .66, .7]
    write_frames(tmp_path / "source.mp4", numbered(7, 64, 96), times)
    take, frames = dub(tmp_path / "source.mp4", noise(.73), box=(40, 60, 40, 60))
    shown = [number(f) for f in frames]
    assert shown[:4] == [0, 1, 2, 3] and shown.count(3) == 13 and shown[-3:] == [4, 5, 6]
    np.testing.assert_allclose(take.times[[0, 1, 2, 3, -3, -2, -1]], times, atol=1e-4)
    clip = tfg.animate(tmp_path / "source.mp4", noise(.73), system="emogen", progress=False, **BOX)
    np.testing.assert_allclose(FrameReader(clip.path, fps=None).source_times, take.times, atol=1e-3)
    assert clip.meta["fps"] is None


def test_jitter_of_a_container_is_no_variable_rate():
    k = np.arange(90)
    assert dub_source.constant_rate(np.round(k / 30, 3) + .027, 29.97) == 30
    assert dub_source.constant_rate(np.round(np.arange(3000) * 1001 / 30000, 3), 29.97) == pytest.approx(30000 / 1001)
    assert dub_source.constant_rate(k / 17.5, 17.5) == 17.5
    assert dub_source.constant_rate(np.delete(k / 30, 40), 29.7) is None


def test_a_picture_late_in_the_file_waits_for_its_time(tmp_path):
    write_frames(tmp_path / "late.mkv", numbered(10, 48, 64), [.2 + k / 25 for k in range(10)])
    schedule = dub_source.Source(tmp_path / "late.mkv").schedule(.5)
    reader = FrameReader(tmp_path / "late.mkv")
    assert schedule.order.tolist()[:len(reader)] == [number(f) for f in reader][:len(schedule.order)]


# ---- the source -----------------------------------------------------------------------------------------------------
def test_resized_then_turned_then_cut(tmp_path):
    frame = np.zeros((200, 300, 3), np.uint8)
    frame[:100, 150:] = 250                                                                   # the upper right quarter
    source = dub_source.Source(frame, resize_factor=2, rotate=True, crop_box=(10, -1, 20, 90))
    got = next(source.forward())
    assert source.size == got.shape[:2] == (140, 70) and got.flags.c_contiguous
    whole = np.rot90(frame[::2, ::2], -1)                                                     # clockwise
    np.testing.assert_array_equal(got, whole[10:, 20:90])
    assert got[-1, -1].max() == 250 and got[0, 0].max() == 0


def test_static_uses_the_first_frame_at_any_rate(stand_in, tmp_path):
    write_video(tmp_path / "source.mp4", numbered(6, 64, 96), crf=0)
    take, frames = dub(tmp_path / "source.mp4", noise(.5), static=True, box=(40, 60, 40, 60))
    assert take.fps == 25 and [number(f) for f in frames] == [0] * 13
    take, frames = dub(tmp_path / "source.mp4", noise(.5), static=True, fps=50, box=(40, 60, 40, 60))
    assert take.fps == 50 and len(frames) == 25
    assert len(dub(np.full((64, 64, 3), 60, np.uint8), noise(.5), fps=10, **BOX)[1]) == 5
    with pytest.raises(InputError, match="keeps its own 25 frames/s.*--static"):
        emogen.prepare(tmp_path / "source.mp4", Speech(noise(.5)), EmogenOptions(fps=50, **BOX))


# ---- where the face is ----------------------------------------------------------------------------------------------
def film(photo, n: int = 18) -> list[np.ndarray]:
    """The photo's person walks through a larger picture."""
    frames = []
    for k in range(n):
        frame = np.full((300, 420, 3), 110, np.uint8)
        frame[20:276, 20 + 4 * k:276 + 4 * k] = photo
        frames.append(frame)
    return frames


def test_only_the_oval_changes_and_faceless_frames_not_at_all(stand_in, photo, tmp_path):
    frames = film(photo)
    frames[6:10] = [np.full((300, 420, 3), 90, np.uint8)] * 4
    write_video(tmp_path / "source.mp4", frames)
    read = list(FrameReader(tmp_path / "source.mp4", fps=None))
    with pytest.warns(UserWarning, match=r"no usable face in 4 of 18 frames \(from 0.24 s\); they stay"):
        take = emogen.prepare(tmp_path / "source.mp4", Speech(noise(18 / 25)), EmogenOptions())
    for k, (new, old) in enumerate(zip(take.frames, read, strict=True)):
        changed = (new != old).any(2)
        if 6 <= k < 10:
            assert not changed.any()
            continue
        rows, columns = np.nonzero(changed)
        assert .03 < changed.mean() < .3
        assert 20 + 4 * k < columns.min() and columns.max() < 276 + 4 * k and rows.min() > 60
    assert take.meta["untouched"] == 4 and take.meta["frames"] == 18 and take.meta["batch_size"] == 16


def test_nothing_is_smeared_over_a_cut(photo, tmp_path):
    """Two shots with the same person at different places: placed together as each is alone."""
    here, there = film(photo, 14), [np.ascontiguousarray(f[:, ::-1]) // 2 for f in film(photo, 14)]
    both = dub_track.find(here + there, (300, 420), 96, model.MARGIN, fps=25)
    assert both.cuts == (14,) and both.drawn.all()
    for part, alone in ((both.matrix[:14], here), (both.matrix[14:], there)):
        np.testing.assert_allclose(part, dub_track.find(alone, (300, 420), 96, model.MARGIN, fps=25).matrix)


def test_smoothing_is_calm_and_can_be_left_out():
    """A head that trembles by a pixel and walks."""
    rng, n = np.random.default_rng(0), 60
    centre = np.stack([100 + 2 * np.arange(n), np.full(n, 120)], 1) + rng.normal(0, 1, (n, 2))
    corners = centre[:, None] + np.array([[-40, -50], [40, 50]])
    where = np.concatenate([centre, np.full((n, 1), 80.0)], 1)

    def tremble(smooth):
        placed = dub_track.measured(corners, where, np.zeros((n, 6)), [], (300, 400), 96, model.MARGIN, smooth=smooth)
        return np.abs(np.diff(placed.matrix[10:-10, 0, 2], 2)).mean()

    assert tremble(False) > 10 * tremble(True)


def test_pads_grow_the_crop_to_a_square_around_them():
    crops = dub_track.constant((100, 180, 200, 260), 2, (400, 500), 96, model.MARGIN)
    wide = dub_track.constant((100, 180, 200, 260), 2, (400, 500), 96, model.MARGIN, (0, 10, 0, 0)).matrix

    def box(matrix):
        return dub_track.align.transform(np.array([[-.5, -.5], [95.5, 95.5]]), dub_track.align.invert(matrix)).ravel()

    np.testing.assert_allclose(box(wide[1]) - box(crops.matrix[1]), [-5, 0, 5, 10], atol=1e-9)
    x0, y0, x1, y1 = box(crops.matrix[0])
    assert x0 < 200 and y0 < 100 and x1 > 260 and y1 > 180 and x1 - x0 == pytest.approx(y1 - y0)
    with pytest.raises(InputError, match="pads 0 0 -60 -60 .* leave"):
        dub_track.constant((100, 180, 200, 260), 2, (400, 500), 96, model.MARGIN, (0, 0, -60, -60))
    with pytest.raises(InputError, match="pads 0 40 0 0 .* grow the crop from .* at most a tenth of the face"):
        dub_track.constant((100, 180, 200, 260), 2, (400, 500), 96, model.MARGIN, (0, 40, 0, 0))


def test_the_chosen_of_two_faces(stand_in, photo, tmp_path):
    frame = np.full((256, 480, 3), 110, np.uint8)
    frame[:, :256] = photo
    frame[30:222, 280:472] = read_image(PHOTO)[::4, ::4]
    write_video(tmp_path / "two.mp4", [frame] * 5)
    for face, inside in ((0, slice(0, 256)), (1, slice(280, 472))):
        take, frames = dub(tmp_path / "two.mp4", noise(.2), face=face)
        changed = (frames[2] != list(FrameReader(tmp_path / "two.mp4", fps=None))[2]).any(2)
        assert changed[:, inside].any() and not np.delete(changed, np.r_[inside], 1).any()
        assert take.meta["faces"] == 2
    with pytest.warns(UserWarning, match="2 faces found; dubbing the largest"):
        emogen.prepare(tmp_path / "two.mp4", Speech(noise(.2)), EmogenOptions())


# ---- drawing --------------------------------------------------------------------------------------------------------
def test_what_the_generator_gets(stand_in, photo):
    """The frame whole as reference, the same hidden, and the feeling in the terms of training, a little livelier."""
    _, frames = dub(photo, noise(.2), emotion="HAP", intensity=.5)
    mel, emotion, masked, reference = stand_in.seen[0]
    np.testing.assert_array_equal(emotion[0], model.feeling("HAP", .5 * emogen.LIVELY))
    hidden = model.face_mask(CI.size) > 0
    assert not masked[0, :, :, hidden].any() and masked.shape == reference.shape == (1, 5, 3, CI.size, CI.size)
    np.testing.assert_array_equal(masked[..., ~hidden], reference[..., ~hidden])
    assert reference[..., hidden].std() > .05


def test_fused_draws_the_same():
    torch.manual_seed(1)
    network = model.Emogen(CI)
    parts = (torch.rand(2, 3, 80, 16), torch.eye(6)[:2], torch.rand(2, 3, 3, 48, 48), torch.rand(2, 3, 3, 48, 48))
    network.train()(*parts)                                                                   # moves the statistics
    network.eval()
    with torch.no_grad():
        torch.testing.assert_close(fused(network)(*parts), network(*parts), atol=1e-5, rtol=1e-4)
    assert any(isinstance(m, torch.nn.BatchNorm2d) for m in network.modules())                # a copy: this one stays


def test_inference_uses_the_kept_statistics_so_batches_do_not_matter(trained, photo):
    """Mistake (h), where it would be heard: a network in train mode draws a frame by its neighbours in the batch."""
    first = dub(photo, noise(.4), checkpoint=trained, batch_size=10)[1]
    other = dub(photo, noise(.4), checkpoint=trained, batch_size=3)[1]
    assert len(first) == 10 and max(np.abs(a.astype(int) - b).max() for a, b in zip(first, other)) <= 1


def test_out_of_memory_halves_the_batch(stand_in, tmp_path):
    frame = np.full((64, 64, 3), 60, np.uint8)
    expected = dub(frame, click(.3, .8), **BOX)[1]
    stand_in.limit = 3
    take = emogen.prepare(frame, Speech(click(.3, .8)), EmogenOptions(batch_size=12, **BOX))
    with pytest.warns(UserWarning, match="out of memory; going on with batches of") as told:
        frames = list(take.frames)
    assert [str(w.message).split("batches of ")[1][0] for w in told] == ["6", "3"]
    assert take.meta["batch_size"] == 3
    np.testing.assert_array_equal(frames, expected)
    stand_in.limit = 0
    with pytest.warns(UserWarning), pytest.raises(InputError, match="not enough memory to draw a single face of 48 px"):
        tfg.animate(frame, click(.3, .8), system="emogen", out=tmp_path / "x.mp4", progress=False, **BOX)
    assert not list(tmp_path.iterdir())


def test_other_errors_are_not_taken_for_it(stand_in):
    assert dub_draw.out_of_memory(MemoryError()) and dub_draw.out_of_memory(torch.OutOfMemoryError("x"))
    assert dub_draw.out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"))
    assert not dub_draw.out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    stand_in.forward = lambda *_: (_ for _ in ()).throw(RuntimeError("shapes"))
    with pytest.raises(RuntimeError, match="shapes"):
        dub(np.full((64, 64, 3), 60, np.uint8), noise(.3), **BOX)


def test_the_seam_is_smooth_and_the_pixels_around_are_the_same(stand_in, photo):
    """A face a little brighter than the frame: no step between neighbours that was not there before."""
    old = dub_source.Source(photo)
    crops = dub_track.constant((40, 230, 50, 210), 1, old.size, CI.size, model.MARGIN)
    painter = Painter(stand_in, model.feeling("HAP"), crops.matrix)
    flat = np.full((256, 256, 3), 100, np.uint8)
    new = flat.copy()
    S = CI.size
    answer = Drawn(np.full((S, S, 3), 120 / 255, np.float32), np.zeros((S, S, 2), np.float32),
                   np.zeros((S, S), np.float32))
    painter.lay(answer, new, painter.see(flat, 0), 0)
    assert set(np.unique(new[120:150, 110:150])) == {120} and (new[0] == 100).all() and (new[:, 0] == 100).all()
    steps = max(np.abs(np.diff(new[..., 0].astype(int), axis=axis)).max() for axis in (0, 1))
    assert steps <= 6                                                                         # of 20, over some pixels


def test_memory_does_not_grow_with_the_length(stand_in):
    """Of 200 frames, those of a few batches are there at a time."""
    alive, most = [0], [0]

    class Frame(np.ndarray):
        def __del__(self):
            alive[0] -= 1

    def frames():
        for _ in range(200):
            alive[0] += 1
            most[0] = max(most[0], alive[0])
            yield np.full((64, 64, 3), 60, np.uint8).view(Frame)

    crops = dub_track.constant((8, 56, 8, 56), 1, (64, 64), CI.size, model.MARGIN)
    painter = Painter(stand_in, model.feeling("HAP"), crops.matrix, batch=8)
    mel = audio.mel_spectrogram(noise(1))
    drawn = dub_draw.ahead(dub_draw.redrawn(frames(), np.zeros(200, int), crops.drawn, painter,
                                            lambda k: audio.mel_windows(mel, np.array(k) % 25)))
    gc.collect()
    assert sum(1 for _ in drawn) == 200 and most[0] <= 4 * 8


def test_large_frames_wait_in_smaller_batches(stand_in):
    painter = Painter(stand_in, model.feeling("HAP"), np.zeros((1, 2, 3)))
    assert [dub_draw.block(painter, n) for n in (64 * 64 * 3, 2160 * 3840 * 3, 1 << 30)] == [16, 5, 1]
    asked = Painter(stand_in, model.feeling("HAP"), np.zeros((1, 2, 3)), batch=40)
    assert dub_draw.block(asked, 2160 * 3840 * 3) == 40


def test_a_real_clip(trained, crema_d):
    """30 frames/s, 480 x 360, in a container that counts in milliseconds."""
    y = audio.load_audio(VOICE)[:8000]
    clip = tfg.animate(crema_d[0], y, system="emogen", emotion="ANG", checkpoint=trained, progress=False)
    assert clip.meta["untouched"] == 0 and clip.meta["fps"] == pytest.approx(30, rel=.002)
    assert clip.frames[0].shape == (360, 480, 3) and clip.emotion == "ANG" and clip.motion is None
    assert {"read", "load", "track", "render", "total"} <= set(clip.meta["seconds"])
    assert "AI-generated" in tfg.media.video.probe(clip.path)["metadata"]["comment"]


# ---- the command line and what is refused ---------------------------------------------------------------------------
def test_by_the_command_line(trained, tmp_path, capsys):
    """Mistake (g): the original ignores --outfile, takes any word after --static for true, and finds a file's kind
    between its first two dots."""
    folder = tmp_path / "with.a.dot"
    folder.mkdir()
    write_video(folder / "the.source.v2.mp4", numbered(8, 96, 128), fps=30)
    command = ["animate", "--system", "emogen", "--source", str(folder / "the.source.v2.mp4"), "--audio", str(VOICE),
               "--checkpoint", str(trained), "--box", "20", "80", "30", "90"]
    out = folder / "the.result.v2.mp4"
    assert main([*command, "--out", str(out), "--pads", "0", "-4", "0", "2"]) == 0
    printed = capsys.readouterr()
    assert sorted(p.name for p in folder.iterdir()) == ["the.result.v2.mp4", "the.source.v2.mp4"]
    own = FrameReader(out, fps=None)
    assert (own.height, own.width) == (96, 128) and own.source_fps == pytest.approx(30)
    assert number(list(own)[3]) == 3 and "at 30 frames/s" in printed.out and "to and fro" in printed.err
    still = tmp_path / "still.mp4"
    assert main([*command, "--out", str(still), "--static", "--fps", "10", "--batch-size", "4", "--resize-factor", "1",
                 "--rotate", "--crop-box", "0", "-1", "0", "-1"]) == 0
    own = FrameReader(still, fps=None)
    assert (own.height, own.width) == (128, 96) and own.source_fps == pytest.approx(10)
    frames = list(own)
    assert np.abs(frames[0].astype(int) - frames[9])[:, :8].max() < 12                        # always the first frame


@pytest.fixture
def refused(tmp_path, capsys, trained, monkeypatch):
    """Call the command with good options besides the given words; returns the sentence it ends with."""
    source = tmp_path / "source.mp4"
    write_video(source, [np.full((96, 128, 3), 90, np.uint8)] * 4, fps=30)
    monkeypatch.setattr(dub_track, "find", lambda *_, **__: pytest.fail("the long work began"))

    def run(*words, source=source, checkpoint=trained):
        command = ["animate", "--system", "emogen", "--source", source, "--audio", VOICE, "--out", tmp_path / "o.mp4",
                   "--checkpoint", checkpoint, *words]
        assert main([str(word) for word in command]) == 2
        lines = capsys.readouterr().err.strip().splitlines()
        assert len(lines) == 1 and lines[0].startswith("tfg: ") and not (tmp_path / "o.mp4").exists()
        return lines[0]

    return run


@pytest.mark.parametrize("words, said", [
    (["--pads", 0, 10, 0], "--pads"), (["--pads", 0, 10, 0, "x"], "--pads"), (["--pads", 0, 9999, 0, 0], "9999"),
    (["--crop-box", 0, 500, 0, -1], "96 px high and 128 px wide"), (["--crop-box", 50, 40, 0, -1], "50 40 0 -1"),
    (["--crop-box", -3, 40, 0, -1], "-3 40 0 -1"), (["--crop-box", 0, 20, 0, -1], "32 x 32"),
    (["--box", 0, 300, 0, 60], "beyond the picture"), (["--box", 50, 20, 0, 60], "50 20 0 60"),
    (["--box", 0, 90, 0, 60, "--face", 0], "--face"), (["--box", 0, 90, 0, 60, "--no-smooth"], "--no-smooth"),
    (["--resize-factor", 0], "resize factor is 0"), (["--resize-factor", 1.5], "1.5"),
    (["--resize-factor", 4], "32 x 32"),
    (["--batch-size", 0], "batch size is 0"), (["--batch-size", "many"], "many"),
    (["--fps", 0], "fps is 0"), (["--fps", "nan"], "fps is nan"), (["--fps", 50], "--static"),
    (["--static", "no"], "no"), (["--rotate", "yes"], "yes"), (["--face", -1], "-1"),
    (["--intensity", 2], "2"), (["--emotion", "JOY"], "JOY"),
    (["--pose-scale", 1], "--pose-scale"), (["--size", 128], "--size"), (["--seed", 1], "--seed"),
    (["--save-motion", "m.npz"], "--save-motion"), (["--motion", "m.npz"], "--motion"), (["--no-blink"], "--blink")])
def test_bad_values_end_with_one_sentence(refused, words, said):
    assert said in refused(*words)


def test_a_missing_or_foreign_checkpoint(refused, tmp_path, trained):
    assert "is not in" in refused(checkpoint=tmp_path / "nowhere")
    foreign = tmp_path / "foreign"
    checkpoint.save(model.Emogen(CI), foreign, "emogen", {})
    (foreign / "emogen.json").write_text("{}")
    assert "no card of emogen" in refused(checkpoint=foreign)


def test_a_video_without_a_face(trained, tmp_path, capsys):
    write_video(tmp_path / "grey.mp4", [np.full((128, 128, 3), 90, np.uint8)] * 4)
    assert main(["animate", "--system", "emogen", "--source", str(tmp_path / "grey.mp4"), "--audio", str(VOICE),
                 "--checkpoint", str(trained), "--out", str(tmp_path / "o.mp4")]) == 2
    assert "no face was found in any of the 4 frames of grey.mp4" in capsys.readouterr().err


def test_other_systems_do_not_dub():
    with pytest.raises(InputError, match="expression does not use --fps and --pads.*--system emogen"):
        tfg.animate(PHOTO, noise(1), pads=(0, 10, 0, 0), fps=30, progress=False)


@pytest.mark.parametrize("name, value", [("pads", 5), ("pads", (0, 1.5, 0, 0)), ("box", "0 1 2 3"), ("smooth", "no"),
                                         ("static", 2), ("fps", True), ("batch_size", 2.0), ("crop_box", (0, 1, 2))])
def test_bad_values_in_python(name, value):
    with pytest.raises(InputError, match="must be"):
        EmogenOptions(**{name: value})


def test_a_spectrogram_with_nan_is_refused(stand_in, monkeypatch):
    monkeypatch.setattr(model, "mel_spectrogram", lambda y: np.full((80, 90), np.nan, np.float32))
    with pytest.raises(InputError, match="not numbers"):
        emogen.prepare(np.full((64, 64, 3), 60, np.uint8), Speech(noise(.5)), EmogenOptions(**BOX))
