"""From raw video to store: good clips are kept, each fault is reported by file name, and nothing written is lost."""
from __future__ import annotations

import errno
import json
import os
import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tfg import paths
from tfg.cli import main
from tfg.corpora import prepare as preparing
from tfg.corpora import store_writer
from tfg.corpora.prepare import prepare
from tfg.corpora.prepare_clip import Outcome, PrepareOptions, work
from tfg.corpora.splits import Splits
from tfg.corpora.store import Store
from tfg.errors import InputError
from tfg.faces import align
from tfg.faces.aus import AUS, UNSEEN
from tfg.media.audio import frame_to_samples, load_audio, mel_spectrogram, sample_to_frame
from tfg.media.clip import Clip, Motion
from tfg.media.video import read_image, write_video

DATA = ("clips.jsonl", "frames.jpegs", "frames.uint64", "mel.float16", "wave.int16", "expression.float32",
        "points.float16", "matrix.float32", "ok.bool", "aus.float32", "pose.float32")


def person(name: str, side: int = 160) -> np.ndarray:
    import cv2

    return cv2.resize(read_image(paths.data("faces", name)), (side, side), interpolation=cv2.INTER_AREA)


@pytest.fixture(scope="module")
def ann() -> np.ndarray:
    return person("default.jpg")


@pytest.fixture(scope="module")
def voice() -> np.ndarray:
    return load_audio(paths.data("audio", "DFA.wav"))


def drifting(image: np.ndarray, T: int, speed: float = .4) -> list[np.ndarray]:
    """T frames in which the picture slides to the left."""
    return [np.roll(image, -round(speed * t), axis=1) for t in range(T)]


def blank(T: int, side: int = 160) -> list[np.ndarray]:
    row = np.linspace(60, 190, side).astype(np.uint8)
    return [np.repeat(np.repeat(row[None, :, None], side, 0), 3, 2)] * T


def film(path: Path, frames, y) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_video(path, frames, None if y is None else y[:640 * len(frames)], generated=False)


def unfocused(frame: np.ndarray) -> np.ndarray:
    """The same picture, its face so blurred that none is found; no cut, for the rest stays."""
    import cv2

    out = frame.copy()
    out[30:145, 30:125] = cv2.GaussianBlur(frame[30:145, 30:125], (0, 0), 12)
    return out


@pytest.fixture(scope="module")
def tree(tmp_path_factory, ann, voice) -> Path:
    """A folder with one clip of each kind."""
    root = tmp_path_factory.mktemp("corpus")
    other = person("portrait_2.jpg")
    good = drifting(ann, 26)
    film(root / "ANN" / "good.mp4", good, voice)
    film(root / "ANN" / "nobody.mp4", blank(15), voice)
    film(root / "ANN" / "gap.mp4", [unfocused(f) if 10 <= t < 14 else f for t, f in enumerate(good)], voice)
    film(root / "ANN" / "late.mp4", [unfocused(f) if t < 8 else f for t, f in enumerate(good)], voice)
    film(root / "ANN" / "rarely.mp4", [f if t < 11 else unfocused(f) for t, f in enumerate(good)], voice)
    film(root / "ANN" / "cut.mp4", good[:14] + drifting(other, 14), voice)
    film(root / "ANN" / "cutaway.mp4", good[:14] + blank(12), voice)
    film(root / "ANN" / "short_sound.mp4", good, voice[:640 * 13])
    film(root / "ANN" / "silent.mp4", good[:12], None)
    film(root / "ANN" / "brief.mp4", good[:6], voice)
    two = np.full((160, 280, 3), 120, np.uint8)
    two[:, :160], two[30:130, 175:275] = ann, person("portrait_2.jpg", 100)
    film(root / "BOB" / "two.mp4", [two] * 12, voice)
    whole = (root / "ANN" / "good.mp4").read_bytes()
    (root / "BOB" / "truncated.mp4").write_bytes(whole[:len(whole) // 2])
    (root / "BOB" / "empty.mp4").write_bytes(b"")
    (root / "BOB" / "text.mp4").write_text("this is no video\n" * 50)
    (root / "BOB" / "same.mp4").write_bytes(whole)
    (root / "BOB" / "same.mov").write_bytes(whole)
    (root / "takes").mkdir()
    (root / "takes" / "V001_DFA_HAP_HI.mp4").write_bytes(whole)
    (root / "again").mkdir()
    (root / "again" / "V001_DFA_HAP_HI.mp4").write_bytes(whole)
    return root


@pytest.fixture(scope="module")
def prepared(tree, tmp_path_factory):
    """The report and the store of that folder, size 64."""
    out = tmp_path_factory.mktemp("out") / "store"
    counts = []
    report = prepare(tree, "folder", out, size=64, workers=1, progress=lambda done, total: counts.append((done, total)))
    assert counts[-1][0] == counts[-1][1] == len(counts)
    return report, Store.open(out)


def told(entries, name: str) -> str:
    return "; ".join(reason for path, reason in entries if path.name == name)


# ---- what is good comes through -----------------------------------------------------------------------------------
def test_a_good_clip(prepared, tree, voice):
    report, store = prepared
    row = store.by_id["folder/ANN/good"]
    assert (row.corpus, row.actor, row.sentence, row.labels, row.n_frames) == ("folder", "ANN", "good", "measured", 26)
    assert row.notes["file"] == "good.mp4" and row.notes["reports"] == [] and row.notes["first_frame"] == 0
    at = slice(row.start, row.stop)
    assert store.arrays["ok"][at].all() and np.isfinite(store.arrays["points"][at]).all()
    mel = mel_spectrogram(load_audio(tree / "ANN" / "good.mp4")[:26 * 640])
    assert row.n_mel == mel.shape[1]
    assert np.abs(store.mel[row.mel_start:row.mel_stop].T - mel).max() < .01
    assert abs(np.nanmedian(store.arrays["pose"][at][:, 3:], 0)).max() < .02, "translations are from the clip's median"
    expression = store.arrays["expression"][at]
    assert np.isnan(expression).all(0).sum() == 1            # tongueOut, which MediaPipe does not measure
    unseen = np.isnan(store.arrays["aus"][at]).all(0)
    assert [au for au, u in zip(AUS, unseen) if u] == list(UNSEEN)
    assert "good.mp4" not in {p.name for p, _ in report.dropped + report.reports}


def test_points_and_matrix_agree_with_the_original_frames(prepared, tree):
    """The landmarker on the video's own frame, moved by the matrix, gives the stored points; so does the picture."""
    from tfg.faces.measure import track
    from tfg.media.video import FrameReader

    store = prepared[1]
    row = store.by_id["folder/ANN/good"]
    frames = list(FrameReader(tree / "ANN" / "good.mp4"))
    points = track(frames).points
    for t in (3, 20):
        matrix = store.arrays["matrix"][row.start + t]
        assert np.abs(align.transform(points[t][:, :2], matrix)
                      - store.arrays["points"][row.start + t][:, :2]).max() < 1.0
        assert np.abs(align.warp(frames[t], matrix, 64).astype(int) - store.frame(row.start + t)).mean() < 4
    inside = store.arrays["points"][row.start:row.stop, :, :2]
    assert (inside > 0).all() and (inside < 64).all()


def test_labels_come_from_the_name(prepared):
    row = prepared[1].by_id["folder/again/V001_DFA_HAP_HI"]
    assert (row.actor, row.sentence, row.emotion, row.level) == ("V001", "DFA", "HAP", "HI")
    assert row.text == "Don't forget a jacket"


def test_the_number_of_workers_changes_nothing(three, undisturbed, tmp_path):
    prepare(three, "folder", tmp_path / "two", size=64, workers=2, report=False)
    same_data(tmp_path / "two", undisturbed)


# ---- each fault by file name --------------------------------------------------------------------------------------
@pytest.mark.parametrize("name, words", [
    ("nobody.mp4", "shows no face in any frame"),
    ("rarely.mp4", "shows a face in only 11 of 26 frames"),
    ("silent.mp4", "has no sound"),
    ("brief.mp4", "holds 6 frames with sound; 10 are needed"),
    ("truncated.mp4", "cut off"),
    ("text.mp4", "no video that can be read"),
])
def test_dropped_with_the_reason(prepared, name, words):
    report, store = prepared
    assert words in told(report.dropped, name)
    assert name not in {row.notes["file"] for row in store.clips}


def test_empty_files_are_not_read(prepared):
    assert "is empty (0 bytes)" in told(prepared[0].skipped, "empty.mp4")


def test_a_gap_is_marked(prepared):
    report, store = prepared
    row = store.by_id["folder/ANN/gap"]
    assert row.n_frames == 26 and "no usable face in 4 of 26 frames" in told(report.reports, "gap.mp4")
    at = slice(row.start, row.stop)
    assert np.flatnonzero(~store.arrays["ok"][at]).tolist() == [10, 11, 12, 13]
    for name in ("expression", "points", "pose", "aus"):
        lost = np.isnan(store.arrays[name][at].reshape(26, -1).astype(float)).all(1)
        assert np.flatnonzero(lost).tolist() == [10, 11, 12, 13], name
    assert np.isfinite(store.arrays["matrix"][at]).all(), "the crop is bridged"


def test_ends_without_a_face_are_trimmed_with_their_sound(prepared, tree):
    report, store = prepared
    row = store.by_id["folder/ANN/late"]
    assert row.n_frames == 18 and row.notes["first_frame"] == 8
    assert "no usable face in 8 of 26 frames" in told(report.reports, "late.mp4")
    y = load_audio(tree / "ANN" / "late.mp4")[8 * 640:26 * 640]
    assert np.abs(store.mel[row.mel_start:row.mel_stop].T - mel_spectrogram(y)).max() < .01
    assert row.n_wave == len(y) and np.abs(store.wave(row) - np.clip(y, -1, 1)).max() <= .5 / 32768 + 1e-7


@pytest.mark.parametrize("frame", [9, 17, 25])
def test_a_click_is_in_the_sound_of_its_frame(ann, tmp_path, frame):
    """Frame t's sound in the store is what `tfg.media.audio` says of it, also where the clip's beginning was cut."""
    y = np.zeros(26 * 640, np.float32)
    start, stop = frame_to_samples(frame)
    y[(start + stop) // 2] = .9
    frames = [unfocused(f) if t < 8 else f for t, f in enumerate(drifting(ann, 26))]
    film(tmp_path / "in" / "ANN" / "click.mp4", frames, y)
    prepare(tmp_path / "in", "folder", tmp_path / "s", size=64, workers=1, report=False)
    store = Store.open(tmp_path / "s")
    row = store.clips[0]
    assert row.notes["first_frame"] == 8 and row.n_wave == 640 * row.n_frames
    for sr in (16000, 8000):
        loud = int(np.abs(store.wave(row, sr=sr)).argmax()) * 16000 / sr
        assert sample_to_frame(int(loud)) + 8 == frame and abs(loud + 8 * 640 - (start + stop) // 2) < 40, sr
    heard = store.mel[row.mel_start:row.mel_stop].astype(np.float32).mean(1)
    assert abs(int(heard.argmax()) - 3.2 * (frame - 8) - 1.6) <= 2.5         # the mel agrees with the sound


def test_a_cut_divides_a_clip(prepared):
    report, store = prepared
    rows = [store.by_id[f"folder/ANN/cut:{k}"] for k in (1, 2)]
    assert [r.n_frames for r in rows] == [14, 14] and [r.notes["part"] for r in rows] == [[1, 2], [2, 2]]
    assert "has a cut at 0.56 s" in told(report.reports, "cut.mp4")
    assert rows[1].n_mel == 1 + 14 * 640 // 200


def test_a_shot_without_a_face_is_left_out(prepared):
    report, store = prepared
    assert store.by_id["folder/ANN/cutaway"].n_frames == 14
    assert "shows no face from 0.56 to 1.04 s" in told(report.reports, "cutaway.mp4")


def test_two_people(prepared):
    report, store = prepared
    assert "shows 2 faces; the largest" in told(report.reports, "two.mp4")
    row = store.by_id["folder/BOB/two"]
    middle = align.transform(store.arrays["points"][row.start][:, :2].astype(float).mean(0),
                             align.invert(store.arrays["matrix"][row.start]))
    assert middle[0] < 140, "the larger face is on the left"


def test_sound_shorter_than_the_picture(prepared):
    report, store = prepared
    row = store.by_id["folder/ANN/short_sound"]
    assert 12 <= row.n_frames <= 16                          # AAC pads the last block
    assert "of sound for 1.0 s of picture; the rest is left out" in told(report.reports, "short_sound.mp4")


def test_duplicate_names(prepared):
    report, store = prepared
    assert "has the same name as" in told(report.dropped, "same.mp4") + told(report.dropped, "same.mov")
    assert sum(row.id == "folder/BOB/same" for row in store.clips) == 1
    assert "has the same name as" in told(report.dropped, "V001_DFA_HAP_HI.mp4")
    assert sum(row.emotion == "HAP" for row in store.clips) == 1


def test_the_report_counts_every_file(prepared, tree):
    report, store = prepared
    files = [p for p in tree.rglob("*") if p.is_file()]
    assert report.kept + len(report.dropped) + len(report.skipped) == len(files)
    assert report.items == report.kept + len(report.dropped) and report.clips == len(store.clips) == report.kept + 1
    written = json.loads((store.path / "report.json").read_text())
    assert {Path(p).name for p, _ in written["run"]["dropped"]} == {p.name for p, _ in report.dropped}
    page = (store.path / "report.md").read_text()
    for path, reason in report.dropped + report.reports + report.skipped:
        assert f"`{path}` {reason}" in page
    store.check()


def test_a_recording_that_breaks_off(crema_d, tmp_path):
    """FLV says its length at the start: what is there is used, and reported."""
    whole = crema_d[0].read_bytes()
    (tmp_path / "in" / "VideoFlash").mkdir(parents=True)
    (tmp_path / "in" / "VideoFlash" / crema_d[0].name).write_bytes(whole[:len(whole) // 2])
    report = prepare(tmp_path / "in", "crema-d", tmp_path / "out", workers=1, report=False)
    assert "cut off: it announces" in told(report.reports, crema_d[0].name)
    row = Store.open(tmp_path / "out").clips[0]
    assert row.id == "crema_d/1001_DFA_ANG_XX" and 15 <= row.n_frames <= 45


def test_real_clips(crema_d, tmp_path):
    (tmp_path / "VideoFlash").mkdir()
    shutil.copy(crema_d[3], tmp_path / "VideoFlash")
    report = prepare(tmp_path, "crema-d", tmp_path / "out", workers=1, report=False)
    row = Store.open(tmp_path / "out").clips[0]
    assert report.kept == 1 and not report.reports
    assert (row.actor, row.emotion) == ("1001", "HAP") and row.soft[3] == max(row.soft) and sum(row.soft) > .99
    assert Store.open(tmp_path / "out").arrays["ok"].all()


def test_a_bug_in_a_library_ends_one_clip(tree, monkeypatch):
    from tfg.corpora.names import Item

    def stumbles(*_):
        raise RuntimeError("segment 7 of the graph")

    monkeypatch.setattr("tfg.corpora.prepare_clip._follow", stumbles)
    out = work(Item(tree / "ANN" / "good.mp4", "folder"), "x", PrepareOptions())
    assert out.parts == [] and out.dropped == "cannot be prepared (RuntimeError: segment 7 of the graph)"


def deadly(item, id, options):
    """Like `_alone`, but a file called cut.mp4 kills its process."""
    if item.path.name == "cut.mp4":
        os._exit(1)
    return Outcome(item.path, id, dropped="was looked at")


def test_a_clip_that_kills_its_process(tree, tmp_path, monkeypatch):
    monkeypatch.setattr(preparing, "_alone", deadly)
    report = prepare(tree, "folder", tmp_path / "out", workers=2, report=False)
    assert "ends the process that prepares it" in told(report.dropped, "cut.mp4")
    rest = [reason for path, reason in report.dropped if path.name != "cut.mp4" and "same name" not in reason]
    assert len(rest) > 8 and set(rest) == {"was looked at"}


# ---- interruptions ------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def three(tree, tmp_path_factory) -> Path:
    here = tmp_path_factory.mktemp("three")
    for name in ("cut", "gap", "good"):
        shutil.copy(tree / "ANN" / f"{name}.mp4", here / f"{name}.mp4")
    return here


@pytest.fixture(scope="module")
def undisturbed(three, tmp_path_factory) -> Path:
    """The store of these three that one run makes."""
    out = tmp_path_factory.mktemp("undisturbed") / "store"
    prepare(three, "folder", out, size=64, workers=1, report=False)
    return out


def same_data(a: Path, b: Path) -> None:
    for name in DATA:
        assert (a / name).read_bytes() == (b / name).read_bytes(), name


def test_an_interrupted_run_goes_on(three, undisturbed, tmp_path):
    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(three, "folder", tmp_path / "a", size=64, workers=1, progress=stop)
    assert len(Store.open(tmp_path / "a").clips) == 2        # both parts of cut.mp4
    report = prepare(three, "folder", tmp_path / "a", size=64, workers=1, report=False)
    assert report.resumed == 1 and report.kept == 3 and "cut at 0.56 s" in told(report.reports, "cut.mp4")
    same_data(tmp_path / "a", undisturbed)
    again = prepare(three, "folder", tmp_path / "a", size=64, workers=1, report=False)
    assert again.resumed == 3 and again.frames == 0
    same_data(tmp_path / "a", undisturbed)


def test_another_file_under_a_name_that_the_store_holds_is_reported(three, tmp_path):
    shutil.copytree(three, tmp_path / "in")
    for name in ("cut", "gap"):
        (tmp_path / "in" / f"{name}.mp4").unlink()
    good = tmp_path / "in" / "good.mp4"
    prepare(tmp_path / "in", "folder", tmp_path / "s", size=64, workers=1, report=False)
    before = (tmp_path / "s" / "clips.jsonl").read_bytes()
    with open(good, "ab") as file:
        file.write(b"more")
    report = prepare(tmp_path / "in", "folder", tmp_path / "s", size=64, workers=1, report=False)
    assert "is another file than the one" in told(report.reports, "good.mp4") and report.frames == 0
    assert (tmp_path / "s" / "clips.jsonl").read_bytes() == before


def test_killed_between_the_parts_of_a_clip(three, undisturbed, tmp_path):
    shutil.copytree(undisturbed, tmp_path / "a")
    table = (tmp_path / "a" / "clips.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "a" / "clips.jsonl").write_bytes(table[0])
    report = prepare(three, "folder", tmp_path / "a", size=64, workers=1, report=False)
    assert report.resumed == 0 and report.kept == 3
    same_data(tmp_path / "a", undisturbed)


def test_a_full_disk(three, undisturbed, tmp_path, monkeypatch):
    write, left = os.write, [(undisturbed / "points.float16").stat().st_size]

    def filling(file, data):
        left[0] -= len(data)
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, data)

    monkeypatch.setattr(store_writer.os, "write", filling)
    with pytest.raises(InputError, match="cannot be written.*No space left.*safe"):
        prepare(three, "folder", tmp_path / "a", size=64, workers=1)
    monkeypatch.undo()
    held = Store.open(tmp_path / "a")
    assert 0 < len(held.clips) < 4
    held.check()
    prepare(three, "folder", tmp_path / "a", size=64, workers=1, report=False)
    same_data(tmp_path / "a", undisturbed)


# ---- virtual actors -----------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def actors(tmp_path_factory, ann, voice) -> Path:
    """A set of two clips whose labels are invented."""
    from tfg.faces.landmarks import one_face

    root = tmp_path_factory.mktemp("set")
    rng = np.random.default_rng(0)
    points = one_face(ann).points
    for name in ("V001_DFA_HAP_HI", "V002_IEO_SAD_LO"):
        actor, sentence, emotion, level = name.split("_")
        frames = drifting(ann, 20, .5)
        shift = np.array([[-round(.5 * t), 0, 0] for t in range(20)])[:, None]
        Clip(frames, voice[:640 * 20], actor=actor, sentence=sentence, emotion=emotion, level=level,
             landmarks=points + shift, motion=Motion(rng.random((20, 52)), rng.normal(size=(20, 6))),
             arrays={"aus": rng.random((20, 17)) * 5, "intensity": np.linspace(0, 1, 20)}).save(root / f"{name}.mp4")
    members = [{"name": n, "kind": "virtual", "seed": k, "split": s} for k, (n, s) in
               enumerate((("V001", "train"), ("V002", "test")))]
    (root / "set.json").write_text(json.dumps({"version": 1, "members": members}))
    return root


def test_true_labels_come_through_without_detection(actors, tmp_path, monkeypatch):
    def never(*_, **__):
        raise AssertionError("nothing must be detected")

    monkeypatch.setattr("tfg.faces.measure.track", never)
    report = prepare(actors, "actors", tmp_path / "s", workers=1, report=False)
    assert report.kept == 2 and not report.dropped
    store = Store.open(tmp_path / "s")
    row = store.by_id["actors/V001_DFA_HAP_HI"]
    assert [Splits.of_store(store).of(r) for r in store.clips] == ["train", "test"]           # brought along
    assert (row.corpus, row.actor, row.emotion, row.labels, row.offset_ms) == ("actors", "V001", "HAP", "true", 0)
    at, clip = slice(row.start, row.stop), Clip.open(actors / "V001_DFA_HAP_HI.mp4")
    assert np.array_equal(store.arrays["expression"][at], clip.motion.expression)
    assert np.array_equal(store.arrays["pose"][at], clip.motion.pose)
    assert np.allclose(store.arrays["aus"][at], clip.arrays["aus"])
    assert np.allclose(store.arrays["intensity"][at], np.linspace(0, 1, 20))
    for t in (0, 19):
        there = align.transform(clip.landmarks[t], store.arrays["matrix"][row.start + t])
        assert np.abs(there - store.arrays["points"][row.start + t]).max() < .1
    assert np.array_equal(store.wave(row), clip.audio[:20 * 640])
    store.check()


def test_measured_labels_of_virtual_actors(actors, tmp_path):
    prepare(actors, "actors", tmp_path / "s", workers=1, labels="measured", actors=["V002"], report=False)
    store = Store.open(tmp_path / "s")
    assert [r.actor for r in store.clips] == ["V002"] and store.clips[0].labels == "measured"
    assert np.isnan(store.arrays["aus"][:, AUS.index(5)]).all()


def test_faulty_sets(actors, tmp_path):
    here = tmp_path / "set"
    shutil.copytree(actors, here)
    (here / "V002_IEO_SAD_LO.npz").unlink()
    (here / "smile.mp4").write_bytes((here / "V001_DFA_HAP_HI.mp4").read_bytes())
    clip = Clip.open(here / "V001_DFA_HAP_HI.mp4")
    replace(clip, sentence="IEO", frames=list(clip.frames)[:15]).save(here / "V001_IEO_HAP_HI.mp4")
    data = (here / "V001_DFA_HAP_HI.npz").read_bytes()
    for suffix in ("mp4", "wav"):
        shutil.copy(here / f"V001_DFA_HAP_HI.{suffix}", here / f"V001_TIE_HAP_HI.{suffix}")
    (here / "V001_TIE_HAP_HI.npz").write_bytes(data[:len(data) // 2])
    report = prepare(here, "actors", tmp_path / "s", workers=1, report=False)
    assert report.kept == 1
    assert "has no V002_IEO_SAD_LO.npz" in told(report.skipped, "V002_IEO_SAD_LO.mp4")
    assert "is not named ACTOR_SENTENCE" in told(report.skipped, "smile.mp4")
    assert "has 15 frames, but its npz 20 of" in told(report.dropped, "V001_IEO_HAP_HI.mp4")
    assert "V001_TIE_HAP_HI.npz" in told(report.dropped, "V001_TIE_HAP_HI.mp4")
    with pytest.raises(InputError, match="no set.json"):
        prepare(tmp_path, "actors", tmp_path / "t")
    (here / "set.json").write_text('{"version": 1, "mem')
    with pytest.raises(InputError, match="set.json cannot be read"):
        prepare(here, "actors", tmp_path / "t", workers=1)
    assert Store.open(tmp_path / "t").clips == []


# ---- OpenFace -----------------------------------------------------------------------------------------------------
def test_openface_replaces_the_aus(tree, tmp_path):
    from tfg.corpora.openface import COLUMNS

    here, tables = tmp_path / "in", tmp_path / "tables"
    here.mkdir()
    tables.mkdir()
    for name in ("good", "late"):
        shutil.copy(tree / "ANN" / f"{name}.mp4", here)
    lines = ["frame, face_id, timestamp, confidence, success, " + ", ".join(COLUMNS)]
    lines += [f"{i + 1}, 0, {i / 25:.3f}, 0.98, 1, " + ", ".join([f"{i / 10:.2f}"] * 17) for i in range(26)]
    (tables / "late.csv").write_text("\n".join(lines) + "\n")
    report = prepare(here, "folder", tmp_path / "s", size=64, workers=1, openface=tables, report=False)
    store = Store.open(tmp_path / "s")
    late = store.by_id["folder/late"]
    assert np.allclose(store.arrays["aus"][late.start:late.stop], np.arange(8, 26)[:, None] / 10, atol=.011)
    good = store.by_id["folder/good"]
    assert np.isnan(store.arrays["aus"][good.start:good.stop]).all()
    assert "has no good.csv from OpenFace; its AUs are NaN" in told(report.reports, "good.mp4")


# ---- options ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("given, words", [
    (["--corpus", "sfhq"], "holds pictures"), (["--corpus", "nothing"], "no reader for 'nothing'"),
    (["--corpus", "folder", "--size", "8"], "the size is 8 px"),
    (["--corpus", "folder", "--workers", "0"], "workers is 0"),
    (["--corpus", "folder", "--labels", "good"], "choose true or measured"),
    (["--corpus", "grid", "--labels", "true"], "the true labels of grid are not known"),
    (["--corpus", "folder", "--crop", "nose"], "choose one of face"),
    (["--corpus", "folder", "--margin", "a"], "--margin"),
    (["--corpus", "folder", "--margin", "1,2"], "left, top, right, bottom"),
    (["--corpus", "folder", "--smooth", "99"], "99 frames"), (["--corpus", "folder", "--actors", "EVE"], "actor EVE"),
    (["--corpus", "folder", "--actors", ","], "names or ranges"),
    (["--corpus", "folder", "--openface", "nowhere"], "no folder nowhere"),
])
def test_options_that_make_no_sense(tree, tmp_path, capsys, given, words):
    assert main(["corpora", "prepare", str(tree), "--out", str(tmp_path / "s"), *given]) == 2
    printed = capsys.readouterr()
    assert words in printed.err and len(printed.err.strip().splitlines()) == 1
    assert not (tmp_path / "s" / "clips.jsonl").exists() or not Store.open(tmp_path / "s").clips


def test_the_commands(three, tmp_path, capsys):
    out, here = tmp_path / "s", shutil.copytree(three, tmp_path / "in")
    (here / "bad.mp4").write_text("nothing\n" * 99)
    assert main(["corpora", "prepare", str(here), "--corpus", "folder", "--out", str(out), "--size", "64",
                 "--workers", "1", "--margin", ".2,.3,.2,.1"]) == 0
    printed = capsys.readouterr().out
    assert "4 files: 3 kept as 4 clips, 1 dropped" in printed and "dropped" in printed and "bad.mp4" in printed
    assert main(["corpora", "check", str(out)]) == 0 and "4 clips" in capsys.readouterr().out
    with open(out / "mel.float16", "r+b") as file:
        file.write(b"\x01\x02")
    assert main(["corpora", "check", str(out)]) == 2
    printed = capsys.readouterr()
    assert "clip folder/cut:1 is damaged" in printed.out and "1 fault;" in printed.err
    assert main(["corpora", "check", str(tmp_path)]) == 2


def test_surprise_is_prepared_when_it_is_asked_for(tree, tmp_path):
    here = tmp_path / "in" / "Actor_01"
    here.mkdir(parents=True)
    for name in ("01-01-08-01-01-01-01", "01-01-03-01-01-01-01"):
        shutil.copy(tree / "ANN" / "good.mp4", here / f"{name}.mp4")
    run = ["corpora", "prepare", str(tmp_path / "in"), "--corpus", "ravdess", "--out", str(tmp_path / "s")]
    assert main(run) == 0
    assert [row.emotion for row in Store.open(tmp_path / "s").clips] == ["HAP"]
    assert main([*run, "--surprised"]) == 0
    assert [row.emotion for row in Store.open(tmp_path / "s").clips] == ["HAP", "SUR"]
    with pytest.raises(InputError, match="ravdess alone"):
        prepare(tmp_path / "in", "folder", tmp_path / "s", surprised=True)


def test_a_store_is_prepared_in_one_way(three, undisturbed, tmp_path):
    shutil.copytree(undisturbed, tmp_path / "s")
    for options in (dict(crop="aligned"), dict(smooth=0), dict(margin=.1)):
        with pytest.raises(InputError, match=f"prepared with {next(iter(options))}"):
            prepare(three, "folder", tmp_path / "s", size=64, workers=1, **options)
    with pytest.raises(InputError, match="frames of 64 px, not 128"):
        prepare(three, "folder", tmp_path / "s")


def test_nothing_to_prepare(tmp_path):
    (tmp_path / "in").mkdir()
    with pytest.raises(InputError, match="holds no clip that can be prepared"):
        prepare(tmp_path / "in", "folder", tmp_path / "s")
    with pytest.raises(InputError, match="there is no folder"):
        prepare(tmp_path / "nowhere", "folder", tmp_path / "s")
    assert not (tmp_path / "s").exists()


def test_long_clips_are_not_held_in_memory(three, undisturbed, tmp_path, monkeypatch):
    monkeypatch.setattr("tfg.corpora.prepare_clip.KEEP_BYTES", 0)
    prepare(three, "folder", tmp_path / "read", size=64, workers=1, report=False)
    same_data(tmp_path / "read", undisturbed)


def test_other_frame_rates_are_converted_by_time(ann, tmp_path):
    """30 frames/s, 44.1 kHz: as many frames as 25 per second make, and the sound still beside them."""
    frames = drifting(ann, 36, .3)
    (tmp_path / "in").mkdir()
    with av.open(str(tmp_path / "in" / "a.mkv"), "w") as out:
        stream = out.add_stream("libx264", rate=30)
        stream.height, stream.width, stream.pix_fmt = 160, 160, "yuv420p"
        sound = out.add_stream("pcm_s16le", rate=44100, layout="mono")
        y = (np.sin(np.arange(44100 * 36 // 30) * .05) * 9000).astype(np.int16)
        block = av.AudioFrame.from_ndarray(y[None], format="s16", layout="mono")
        block.sample_rate, block.pts, block.time_base = 44100, 0, Fraction(1, 44100)
        out.mux(sound.encode(block))
        for t, frame in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            picture.pts, picture.time_base = t, Fraction(1, 30)
            out.mux(stream.encode(picture))
        out.mux(stream.encode(None))
        out.mux(sound.encode(None))
    prepare(tmp_path / "in", "folder", tmp_path / "s", workers=1, report=False)
    assert Store.open(tmp_path / "s").clips[0].n_frames == 30
