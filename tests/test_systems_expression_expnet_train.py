"""ExpNet's training. The letters (a) to (m) are mistakes of a forerunner, SadTalker's fork; each is held by a test."""
from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from tfg import paths
from tfg.corpora.splits import Person, Splits
from tfg.errors import InputError
from tfg.head.model import Head
from tfg.media.audio import mel_window, mel_windows, n_frames, write_wav
from tfg.media.motion import Motion
from tfg.speech.corpus import Utterance
from tfg.speech.features import speech_mean
from tfg.speech.visemes import Phone, with_effort
from tfg.systems.expression.expnet import data, losses, measured
from tfg.systems.expression.expnet import evaluate as scores
from tfg.systems.expression.expnet import network as expnet
from tfg.systems.expression.expnet import train as t
from tfg.systems.expression.expnet.network import PROFILES, ExpNet, load_expnet, predict
from tfg.training.batches import keys
from tfg.training.log import read as read_log
from tfg.training.loop import At
from tfg.vocabulary import INDEX, index

LIDS, STEPS = index("eyeBlink"), 60
HZ = {"AA": 900, "IY": 2400, "UW": 400, "SZ": 5000}


def spoken(seed: int, voice: str, split: str = "train", n: int = 14) -> Utterance:
    """A sound that a network can learn from without a speech engine: each vowel has its tone, s hisses, p is silent."""
    rng = np.random.default_rng(seed)
    phones, at, parts = [], .2, [np.zeros(3200)]
    for _ in range(n):
        kind = str(rng.choice(["AA", "IY", "UW", "SZ", "PP"]))
        length = int(rng.uniform(.1, .25) * 16000)
        time = np.arange(length) / 16000
        tone = .3 * np.sin(2 * np.pi * HZ.get(kind, 0) * time)
        y = tone + (kind != "PP") * .01 * rng.normal(size=length)
        phones.append(Phone("p" if kind == "PP" else "a", at, at + length / 16000, kind, 2))
        parts.append(y)
        at += length / 16000
    audio = np.concatenate([*parts, np.zeros(3200)]).astype(np.float32)
    return Utterance(audio, with_effort(phones, audio), voice, split)


@pytest.fixture(scope="module")
def examples() -> list[data.FaceExample]:
    """Three groups of unequal size to learn from, and somebody unseen."""
    voices = [("espeak:en-us+f1", 5), ("espeak:de", 2), ("flite:slt", 3)]
    out = [data.virtual_example(spoken(10 * k + i, voice), 100 * k + i)
           for k, (voice, n) in enumerate(voices) for i in range(n)]
    return out + [data.virtual_example(spoken(90 + i, voice, split), 900 + i)
                  for i, (voice, split) in enumerate([("espeak:en-us+f5", "voice"), ("festival:ked", "recorded")])]


@pytest.fixture(scope="module")
def trained(examples, tmp_path_factory):
    out = tmp_path_factory.mktemp("trained") / "expnet"
    return out, t.train_expnet(out, profile="ci", steps=3 * STEPS, examples=examples, progress=False)[1]


def batch_of(examples, n: int = 3, frames: int = 40) -> dict:
    return {k: torch.from_numpy(v) for k, v in data.ExpNetData(examples, frames, 0).batch(0, range(n)).items()}


# ---- hearing ----------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def listeners(tmp_path_factory):
    """A network trained on speech features in seconds, its card, and what it learned from."""
    learn = [data.virtual_example(spoken(10 + i, "flite:slt"), i, "speech") for i in range(4)]
    unseen = [data.virtual_example(spoken(90, "festival:ked", "recorded"), 900, "speech")]
    out = tmp_path_factory.mktemp("trained") / "listens"
    return out, t.train_expnet(out, profile="ci", steps=STEPS, examples=learn + unseen, progress=False,
                               hearing="speech")[1], learn


def test_a_network_learns_from_speech_features_and_says_so(listeners):
    out, card, _ = listeners
    network, _ = load_expnet(out)
    assert network.config.hearing == card["config"]["hearing"] == "speech" and "Whisper" in card["task"]
    assert "--hearing speech" in card["command"] and "Whisper" in card["licence"]
    y = spoken(3, "x").audio
    face = predict(y, folder=out)
    assert face.shape == (-(-len(y) // 640), 52) and np.isfinite(face).all() and face[:, INDEX["jawOpen"]].std() > .005
    with pytest.raises(InputError, match="pass the sound"):
        predict(np.zeros((80, 100), np.float32), folder=out)


def test_speech_features_are_cut_with_their_frames_and_needed(listeners, examples):
    _, _, learn = listeners
    batches = data.ExpNetData(learn, 30, 0, "speech")
    one = batches.batch(0, [0])
    e = learn[batches.clip_of(0)]
    start = next(k for k in range(len(e.asked)) if np.array_equal(e.heard[k].astype(np.float32), one["windows"][0, 0]))
    known = one["neutral"][0] + (1 - one["neutral"][0]) * np.nan_to_num(e.asked[start].astype(np.float32))
    np.testing.assert_allclose(one["absolute"][0, 0], known, atol=1e-6)
    with pytest.raises(InputError, match="no speech features"):
        data.ExpNetData(examples, 30, 0, "speech").batch(0, [0])


def test_a_stream_refuses_a_network_that_needs_what_comes(listeners):
    from tfg.systems.expression.live import LiveMotion
    from tfg.systems.expression.options import ExpressionOptions

    with pytest.raises(InputError, match="hearing mel"):
        LiveMotion(np.zeros(52, np.float32), ExpressionOptions(expnet=listeners[0]))


@pytest.fixture
def recordings(tmp_path, monkeypatch):
    """A folder with four recordings, one of them of a person who is kept for testing, and their sounds."""
    from tfg.corpora import librispeech
    from tfg.media.audio import write_wav

    takes = [spoken(k, "x", n=20) for k in range(4)]
    table = [librispeech.Recording(f"{folder}/{k}-1-000{k}.wav", "0" * 64, 1, "words" if k else "")
             for k, folder in enumerate(("train-clean-100", "train-clean-100", "test-other", "train-clean-100"))]
    for one, take in zip(table, takes, strict=True):
        (tmp_path / one.path).parent.mkdir(exist_ok=True)
        write_wav(tmp_path / one.path, take.audio)
    monkeypatch.setattr(librispeech, "recordings", lambda: tuple(table))
    return tmp_path, takes


def test_recordings_become_clips_and_those_whose_words_do_not_fit_are_left_out(recordings, monkeypatch):
    from tfg.speech.align import NotAligned
    from tfg.systems.expression.expnet import recorded

    folder, takes = recordings
    monkeypatch.setattr(recorded, "align", lambda _, words: takes[0].phones if words else
                        (_ for _ in ()).throw(NotAligned("the words '' were not found in the sound")))
    with pytest.warns(UserWarning, match="1 recordings"):
        found = recorded.recorded_examples(folder, 0, progress=False)
    assert [(e.voice, e.split) for e in found] == [("read:1", "train"), ("read:2", "read"), ("read:3", "train")]
    with pytest.raises(InputError, match="fetch librispeech"):
        recorded.recorded_examples(folder / "nothing", 0, progress=False)


def test_a_teacher_gives_recordings_their_faces(recordings, listeners, monkeypatch):
    """The offsets are those of the teacher for the same lids; nothing is aligned, and nobody kept for testing heard."""
    from tfg.media.audio import load_audio
    from tfg.systems.expression.expnet import recorded

    folder, teacher = recordings[0], listeners[0]
    monkeypatch.setattr(recorded, "align", lambda *_: pytest.fail("words are not needed"))
    found = recorded.taught_examples(folder, 0, teacher, progress=False)
    assert [(e.voice, e.split) for e in found] == [("read:0", "train"), ("read:1", "train"), ("read:3", "train")]
    sound = load_audio(folder / "train-clean-100" / "1-1-0001.wav")
    true = np.clip(predict(sound, blink=found[1].lids.astype(np.float32), folder=teacher), 0, 1)
    eyes = index("eyeBlink")
    np.testing.assert_allclose(np.delete(found[1].asked, eyes, 1), np.delete(true, eyes, 1), atol=2e-3)
    np.testing.assert_array_equal(found[1].asked[:, eyes[0]], found[1].lids)
    assert (found[1].viseme == data.UNKNOWN).all() and found[1].lids.max() > .5


def test_a_network_of_mels_learns_on_from_a_teacher(recordings, listeners, trained, examples, tmp_path):
    first = dict(load_expnet(trained[0])[0].named_parameters())
    _, card = t.train_expnet(tmp_path / "more", profile="ci", examples=examples, progress=False, init=trained[0],
                             freeze="encoder", recorded=recordings[0], teacher=listeners[0])
    now = dict(load_expnet(tmp_path / "more")[0].named_parameters())
    same = {name for name in now if torch.allclose(now[name], first[name], atol=2e-3)}
    assert {name for name in now if name.startswith("encoder.")} <= same and "out.weight" not in same
    assert card["command"].count("--teacher DIR --init") == 1 and "3 people who read" in card["licence"]
    for wrong in ({"teacher": listeners[0]}, {"teacher": listeners[0], "recorded": tmp_path, "hearing": "speech"}):
        with pytest.raises(InputError, match="give --recorded DIR besides"):
            t.train_expnet(tmp_path / "no", profile="ci", examples=examples, progress=False, **wrong)


# ---- the mistakes -----------------------------------------------------------------------------------------------
def test_mistake_a_each_folder_gives_its_own_weights_and_no_others_fit(trained, tmp_path):
    """(a) One checkpoint's path was passed twice, or into another one's place."""
    out, _ = trained
    t.train_expnet(tmp_path / "b", profile="ci", seed=1, examples=[data.virtual_example(spoken(1, "flite:x"), 1)] * 4,
                   progress=False)
    y = spoken(3, "x").audio
    mine, other, shipped = predict(y, folder=out), predict(y, folder=tmp_path / "b"), predict(y)
    assert np.abs(mine - other).max() > .01 and np.abs(mine - shipped).max() > .01
    for wrong in (paths.data("mouth"), paths.data("syncnet"), tmp_path):
        with pytest.raises(InputError, match="expnet is not in"):
            predict(y, folder=wrong)
    with pytest.raises(TypeError):
        predict(y, out)


def test_mistake_b_every_clip_is_learned_from_in_every_epoch(examples):
    """(b) The inner range ended early: a sixteenth of the clips was used, and fewer than a batch divided by zero."""
    learn = [e for e in examples if e.split == "train"]
    batches = data.ExpNetData(learn, 40, 0)
    order = keys(len(batches), 5, seed=0)
    seen = [batches.clip_of(i) for _ in range(len(batches) // 5) for i in next(order)[1]]
    assert set(seen) == set(range(len(learn))) and len(seen) == len(batches) == 15
    group = {clip: k for k, clips in enumerate(batches.groups) for clip in clips}
    assert np.bincount([group[c] for c in seen]).tolist() == [5, 5, 5]     # 5, 2 and 3 clips: visited alike
    with pytest.raises(InputError, match="do not fill a batch"):
        next(keys(len(batches), 16, seed=0))
    with pytest.raises(InputError, match="no clip to train on"):
        data.ExpNetData([], 40, 0)


def test_mistake_c_from_scratch_reads_no_weights(examples, tmp_path, monkeypatch):
    """(c) "From scratch" began with downloaded weights."""
    def refuse(*_, **__):
        raise AssertionError("weights were read")

    monkeypatch.setattr("tfg.networks.cards.read", refuse)
    monkeypatch.setattr(paths, "data", lambda *parts: tmp_path.joinpath("nothing", *parts)
                        if parts[0] != "head" else paths._HERE.parent.joinpath("data", *parts))
    began = {}
    monkeypatch.setattr(t, "train", lambda task, run, out, **_: began.update(
        {k: v.clone() for k, v in task.network.state_dict().items()}) or At())
    monkeypatch.setattr(t, "finish", lambda *_, **__: {})
    t.train_expnet(tmp_path, profile="ci", seed=5, examples=examples, progress=False)
    torch.manual_seed(5)
    fresh = ExpNet(PROFILES["ci"]).state_dict()
    assert began.keys() == fresh.keys() and all(torch.equal(began[k], fresh[k]) for k in fresh)


def test_mistake_c_what_was_saved_loads_back_under_its_own_keys(trained, examples):
    """(c) Saved keys had a prefix that could not be loaded, and the checkpoint that was given was ignored."""
    from safetensors.torch import load_file

    out, card = trained
    network, read_card = load_expnet(out)
    assert set(load_file(out / "expnet.safetensors")) == set(ExpNet(PROFILES["ci"]).state_dict())
    assert read_card["scores"] == card["scores"] and not network.training
    same = ExpNet(PROFILES["ci"]).eval()
    same.load_state_dict(load_file(out / "last" / "expnet.safetensors"))
    b = batch_of(examples)
    inputs = b["windows"], b["neutral"], b["blink"]
    torch.testing.assert_close(network(*inputs), same(*inputs), atol=.005, rtol=.01)       # kept as float16
    fresh = ExpNet(PROFILES["ci"]).eval()
    assert (network(*inputs) - fresh(*inputs)).abs().max() > .05


def test_mistake_d_the_blink_that_goes_in_is_the_targets_own(examples):
    """(d) A random blink ratio went in beside an unrelated target."""
    batches = data.ExpNetData(examples, 60, 0)
    noise_only = 0
    for epoch in range(8):
        b = batches.batch(epoch, range(len(batches)))
        rest = b["neutral"][:, None, LIDS]
        expected = rest + (1 - rest) * b["blink"][..., None]
        np.testing.assert_allclose(b["absolute"][..., LIDS] * b["mask"][..., None], expected * b["mask"][..., None],
                                   atol=2e-3)
        noise_only += sum(not v[m > 0].any() for v, m in zip(b["viseme"], b["mask"]))
        assert b["blink"].max() > .9
    assert noise_only > 0                                            # noise without speech blinks by its own lids, too


def test_mistake_f_motions_at_other_rates_are_resampled_in_time():
    """(f) 30 frames a second stood beside 25 a second of sound."""
    for fps in (30.0, 29.97, 50.0, 24.0):
        time = (np.arange(round(3 * fps)) + .5) / fps
        expression = np.zeros((len(time), 52), np.float32)
        expression[:, INDEX["jawOpen"]] = np.exp(-.5 * ((time - 2.02) / .1) ** 2)
        expression[:, INDEX["tongueOut"]] = np.nan
        expression[:5, INDEX["mouthSmileLeft"]] = np.nan
        out = measured.at_25(Motion(expression, fps=fps), "m.npz")
        assert len(out) == 75 and out.fps == 25
        jaw = out.expression[:, INDEX["jawOpen"]]
        assert jaw.argmax() == 50 and jaw[50] > .95                  # frame 50 is from 2.00 to 2.04 s
        assert np.isnan(out.expression[:, INDEX["tongueOut"]]).all()
        smile = np.isnan(out.expression[:, INDEX["mouthSmileLeft"]])
        assert smile[:3].all() and not smile[8:].any()
    same = Motion(np.random.default_rng(0).random((9, 52)))
    assert measured.at_25(same, "m.npz") is same
    with pytest.raises(InputError, match="has 1 frames"):
        measured.at_25(Motion.still(1), "m.npz")


def test_mistake_f_k_a_motion_of_another_length_than_its_sound_is_refused():
    """(f, k) Lengths were not compared pair by pair, and outputs were four frames short."""
    y = spoken(0, "x").audio
    total, rest = n_frames(len(y)), np.zeros(52, np.float32)
    for missing in (-2, 0, 2):
        e = measured.example(Motion.still(total - missing), y, rest, "ANN", "train", "m.npz")
        assert len(e.asked) == len(e.lids) == len(e.viseme) == total
        assert np.isnan(e.asked).any() == (missing > 0)
    with pytest.raises(InputError, match="m.npz lasts .* s and its sound .* s; they do not belong together"):
        measured.example(Motion.still(total + 12), y, rest, "ANN", "train", "m.npz")


def test_mistake_g_nothing_optional_is_needed_to_import():
    """(g) A missing optional package crashed the import of everything."""
    code = ("import sys\n"
            "for name in 'mediapipe cv2 librosa matplotlib flaml lightgbm sklearn skorch lightning_fabric tensorboard "
            "espeakng_loader joblib numba av ipywidgets'.split(): sys.modules[name] = None\n"
            "import tfg.systems.expression.expnet.network, tfg.systems.expression.expnet.train, tfg.training.cli\n"
            "import tfg.systems.expression.expnet.measured\n"
            "import numpy as np\n"
            "print(tfg.systems.expression.expnet.network.predict(np.random.default_rng(0).normal(0, .1, 9000)).shape)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.strip() == "(15, 52)", done.stderr


def test_mistake_h_voices_and_people_that_score_were_never_learned_from(examples, trained):
    """(h) Windows were split at random: the same speakers, and overlapping frames, on both sides."""
    learn, unseen = ({e.voice for e in examples if (e.split == "train") == side} for side in (True, False))
    assert learn and unseen and not learn & unseen
    assert trained[1]["data"]["clips"] == 10
    assert set(trained[1]["scores"]) == {"unseen espeak-ng voices", "unseen recorded voice"}


@pytest.mark.parametrize("frames", [1, 4, 5, 40, 41])
def test_mistake_k_as_many_frames_come_out_as_went_in(frames):
    """(k) Of N frames, N - 4 came out."""
    for profile in PROFILES:
        out = ExpNet(PROFILES[profile]).eval()(torch.zeros(1, frames, 80, 16), torch.zeros(1, 52),
                                               torch.zeros(1, frames))
        assert out.shape == (1, frames, 52)
    assert len(predict(np.random.default_rng(0).normal(0, .1, 640 * frames))) == frames


def write_clips(root, lengths: dict[str, float], fps: float = 25.0) -> None:
    """A motion and a sound of that many seconds by each name; jawOpen holds the seconds / 10."""
    for name, seconds in lengths.items():
        folder = (root / name).parent
        folder.mkdir(parents=True, exist_ok=True)
        expression = np.full((round(seconds * fps), 52), seconds / 10, np.float32)
        expression[:len(expression) // 4] = .01                        # at rest
        expression[:, INDEX["tongueOut"]] = np.nan
        Motion(expression, fps=fps).save(root / f"{name}.npz")
        rng = np.random.default_rng(len(name))
        write_wav(root / f"{name}.wav", rng.normal(0, .1, round(seconds * 16000)))


def test_mistake_l_a_motion_and_its_sound_are_paired_by_name(tmp_path):
    """(l) Two sorted lists were compared, and then two unsorted ones were paired."""
    write_clips(tmp_path, {"ANN/a": 1.0, "ANN/a.b": 2.0, "ANN/a_b": 3.0, "ANN/B": 4.0, "BOB/a": 5.0})
    write_wav(tmp_path / "ANN" / "0.wav", np.ones(16000) / 9)         # a sound without motion shifts nothing
    pairs = measured.pairs_below(tmp_path)
    assert len(pairs) == 5 and all(s.with_suffix("") == i.path.with_suffix("") for i, s in pairs)
    table = Splits((Person("folder", "ANN", "train"), Person("folder", "BOB", "val")))
    found = measured.read(tmp_path, table)
    for e in found:
        assert np.nanmedian(e.asked[:, INDEX["jawOpen"]]) > .03
        absolute = e.neutral + (1 - e.neutral) * e.asked[-2].astype(float)
        assert len(e.asked) / 25 == pytest.approx(10 * absolute[INDEX["jawOpen"]], abs=.05)
    assert sorted(len(e.asked) for e in found) == [25, 50, 75, 100, 125]
    (tmp_path / "ANN" / "B.wav").unlink()
    with pytest.raises(InputError, match="B.npz has no sound beside it"):
        measured.pairs_below(tmp_path)


def test_mistake_m_frame_0_is_the_first_and_sound_lies_in_the_middle_of_its_window(examples):
    """(m) Frames counted from 1 stood beside coefficients counted from 0, and the mel was two frames early."""
    e = examples[0]
    batches = data.ExpNetData([e], 10**3, 0)
    b = batches.batch(0, [0])
    n = len(e.asked)
    np.testing.assert_allclose(b["absolute"][0, :n], e.neutral + (1 - e.neutral) * e.asked.astype(np.float32),
                               atol=1e-6)
    assert b["mask"][0].sum() == n and (b["viseme"][0, n:] == data.UNKNOWN).all()
    found = [np.corrcoef(b["windows"][0, 20 + s:n - 20 + s, :, 7:9].mean((1, 2)),
                         mel_windows(e.mel.astype(np.float32), n)[20:n - 20, :, 7:9].mean((1, 2)))[0, 1]
             for s in (-2, -1, 0, 1, 2)]
    assert int(np.argmax(found)) == 2 and found[2] > .9
    click = np.zeros(640 * 30)
    click[640 * 12 + 320] = .9                                        # the middle of frame 12
    from tfg.media.audio import mel_spectrogram

    mel = mel_spectrogram(click)
    where = [mel_window(mel, k).mean(0) for k in range(30)]
    loud = [k for k, columns in enumerate(where) if columns.max() > columns.min() + .1]
    assert (min(loud) + max(loud)) / 2 == 12
    np.testing.assert_array_equal(expnet.frame_windows(mel, speech_mean(mel), 30)[12], where_of(mel, 12))


def where_of(mel, frame):
    return mel_window(mel, frame) - speech_mean(mel)


# ---- the truth --------------------------------------------------------------------------------------------------
def test_a_virtual_person_says_it_with_a_whole_face_and_no_emotion():
    take = spoken(1, "x", n=30)
    e = data.virtual_example(take, 7)
    asked = e.asked.astype(np.float32)
    assert asked.shape == (n_frames(len(take.audio)), 52) and len(e.closures) > 2
    for name in ("jawOpen", "mouthClose", "mouthPucker", "browInnerUp", "eyeBlinkLeft", "eyeLookOutLeft"):
        assert asked[:, INDEX[name]].max() > .02, name
    for name in ("noseSneer", "mouthFrown", "browDown", "cheekSquint", "eyeWide"):
        assert not asked[:, index(name)].any(), name
    other = data.virtual_example(take, 8)
    assert not np.array_equal(other.neutral, e.neutral) and not np.array_equal(other.lids, e.lids)
    again = data.virtual_example(take, 7)
    assert np.array_equal(again.asked, e.asked) and np.array_equal(again.neutral, e.neutral)
    rests = np.stack([data.rest_of(k) for k in range(60)])
    assert rests.min() == 0 and rests.max() <= .4 and 1 <= (~rests.any(1)).sum() < 20


def test_rest_is_laid_under_what_is_asked(examples):
    b = data.ExpNetData(examples, 40, 0).batch(0, range(6))
    floor = np.broadcast_to(b["neutral"][:, None], b["absolute"].shape)[b["mask"] > 0]
    assert (b["absolute"][b["mask"] > 0] >= floor - 2e-3).all()


def test_batches_are_a_function_of_epoch_and_index(examples):
    batches = data.ExpNetData(examples, 40, 0)
    all_of_them = batches.batch(0, range(6))
    again, later = batches.batch(0, [4]), batches.batch(1, [4])
    assert all(np.array_equal(again[k][0], all_of_them[k][4]) for k in again)
    assert not np.array_equal(later["windows"][0], again["windows"][0])
    assert again["windows"].shape == (1, 40, 80, 16) and again["windows"].dtype == np.float32


# ---- losses -----------------------------------------------------------------------------------------------------
def test_landmarks_are_where_the_head_has_them():
    head, basis = Head.load(), losses.basis_68()
    assert basis.shape == (52, 68, 2)
    rng = np.random.default_rng(0)
    e = rng.uniform(0, .3, 52).astype(np.float32)
    moved = 1000 * (head.landmark_points(expression=e) - head.landmark_points())
    points = losses.landmarks(torch.from_numpy(e)[None, None])[0, 0].numpy()
    np.testing.assert_allclose(points[17:], moved[list(losses.INNER), :2], atol=.01)
    jaw = losses.landmarks(torch.eye(52))[INDEX["jawOpen"]]
    assert jaw[8, 1] < -15 and abs(jaw[27, 1]) < 1                    # the chin falls, the bridge of the nose does not
    gap = jaw[62, 1] - jaw[66, 1]
    assert 25 < gap < 45


def test_no_error_is_no_loss_and_each_loss_sees_its_own(examples):
    b = batch_of(examples)
    reader, (spread, count) = losses.LipReader(), losses.spread_of(examples)

    def of(out, weights=t.WEIGHTS["cpu"], b=b):
        found = losses.expression_losses(out, b, reader, spread, count, weights)
        return {k: float(v.detach()) for k, v in found.items()}

    right = of(b["absolute"])
    assert all(v == 0 for k, v in right.items() if k != "lipreading") and right["lipreading"] > 0
    lids, smile = b["absolute"].clone(), b["absolute"].clone()
    lids[..., LIDS] += .1
    smile[..., index("browOuterUp")] += .1
    assert of(lids)["blink"] == pytest.approx(4 * .01 * float(b["mask"].mean()), rel=1e-4) and of(smile)["blink"] == 0
    assert of(smile)["opening"] == 0 and of(smile)["coefficients"] > 0 and of(smile)["landmarks"] > 0
    paper = of(smile, losses.PAPER)
    assert set(paper) == {"coefficients", "landmarks", "blink", "lipreading"}
    assert paper["coefficients"] == pytest.approx(2 * .01 * 2 / 52 * float(b["mask"].mean()), rel=1e-4)
    jaw = b["absolute"].clone()
    jaw[..., INDEX["jawOpen"]] += .2
    assert of(jaw)["opening"] > 0 and of(jaw)["lipreading"] > right["lipreading"]
    assert of(jaw)["velocity"] < of(jaw)["coefficients"]              # a constant error moves at the clip's ends alone
    unknown = b | {"known": torch.zeros_like(b["known"])}
    assert all(v == 0 for k, v in of(jaw, b=unknown).items() if k != "lipreading")
    assert of(jaw, b=unknown)["lipreading"] == pytest.approx(right["lipreading"])


def test_spread_counts_gaze_little_and_ignores_what_was_not_measured(examples):
    spread, count = losses.spread_of(examples)
    assert spread.min() == pytest.approx(losses.LEAST_SPREAD) and .05 < spread[INDEX["jawOpen"]] < .4
    assert (count[losses.GAZE] < .1).all() and count[INDEX["jawOpen"]] == 1
    holes = [replace(e, asked=e.asked.copy()) for e in examples]
    for e in holes:
        e.asked[::2, INDEX["jawOpen"]] = np.nan
    other = losses.spread_of(holes)[0]
    jaw = INDEX["jawOpen"]
    assert torch.isfinite(other).all() and other[jaw] == pytest.approx(float(spread[jaw]), rel=.2)


def test_the_lip_reader_learns_first_and_is_frozen_then(examples, tmp_path, monkeypatch):
    run = replace(t.RUNS["ci"], phases=(("read", 40), ("learn", 3)))
    task = t.ExpNetTask(ExpNet(PROFILES["ci"]), examples, [], run, 1e-3, losses.Weights(), 40)
    start = [p.detach().clone() for p in task.network.parameters()]
    seen = []
    keep = t.ExpNetTask.losses

    def spy(self, batch, at):
        seen.append((at.phase, [p.detach().clone() for p in self.networks["reader"].parameters()],
                     [p.detach().clone() for p in self.network.parameters()]))
        yield from keep(self, batch, at)

    monkeypatch.setattr(t.ExpNetTask, "losses", spy)
    t.train(task, run, tmp_path, progress=False)
    learn = [(reader, own) for phase, reader, own in seen if phase == "learn"]
    assert all(torch.equal(a, b) for a, b in zip(start, learn[0][1]))             # ExpNet waits for the reader
    assert all(torch.equal(a, b) for reader, _ in learn[1:] for a, b in zip(learn[0][0], reader))
    assert any(not torch.equal(a, b) for a, b in zip(seen[0][1], learn[0][0]))
    b = batch_of(examples, 6)
    with torch.no_grad():
        trained = losses.reading_loss(task.networks["reader"], b)
        assert trained < .8 * losses.reading_loss(losses.LipReader(), b)


# ---- scores -------------------------------------------------------------------------------------------------------
class Knows(torch.nn.Module):
    """A network that returns given coefficients, whatever the sound."""

    def __init__(self, answers):
        super().__init__()
        self.answers, self.config = list(answers), PROFILES["ci"]

    def forward(self, windows, neutral, blink):
        asked = torch.from_numpy(self.answers.pop(0))[None]
        return neutral[:, None] + (1 - neutral[:, None]) * asked


def test_scores_of_the_truth_of_a_still_face_and_of_another_clip(examples):
    true = [np.nan_to_num(e.asked.astype(np.float32)) for e in examples]
    right = scores.score(Knows(true), examples)
    assert right["opening_r"] > .99 and right["closure_recall"] > .95 and right["false_closures"] < .02
    assert right["blink_r"] > .999 and right["r_mean"] > .98 and right["error"] < .005
    still = scores.score(Knows([np.zeros_like(x) for x in true]), examples)
    assert still["opening_r"] == still["blink_r"] == 0 and still["closure_recall"] == 1 and still["false_closures"] == 1
    open_mouth = [np.zeros_like(x) for x in true]
    for x in open_mouth:
        x[:, INDEX["jawOpen"]] = .3
    assert scores.score(Knows(open_mouth), examples)["closure_recall"] == 0
    late = scores.score(Knows([np.roll(x, 4, 0) for x in true]), examples)
    assert late["opening_r"] < .6 and late["r_mean"] < .6


# ---- measured people ----------------------------------------------------------------------------------------------
def test_test_speakers_are_not_learned_from(tmp_path, shared):
    """CREMA-D's 1001 and 1002, and GRID's clips, whose names tell no speaker."""
    names = [p.stem for p in sorted((shared / "grid").glob("*.mpg"))]
    real = [p.stem for p in sorted((shared / "crema_d" / "VideoFlash").glob("1001*"))]
    assert names and real
    write_clips(tmp_path / "a", {name: 1.0 for name in [*names[:1], real[0], "1002_DFA_HAP_XX"]})
    with pytest.raises(InputError, match="may not be read to train"):
        measured.read(tmp_path / "a")
    write_clips(tmp_path / "a", {"1003_DFA_HAP_XX": 2.0, "1004_DFA_HAP_XX": 2.0})
    assert {e.voice for e in measured.read(tmp_path / "a")} == {"measured:1003", "measured:1004"}
    table = Splits((Person("folder", "1003", "train"), Person("folder", "1004", "test")))
    with pytest.raises(InputError, match="no split is recorded for"):
        measured.read(write_and_return(tmp_path / "c", {"ZOE/x": 1.0}), table)
    with pytest.raises(InputError, match="kept for testing"):
        Splits((Person("folder", "1001", "train"),))


def write_and_return(root, lengths):
    write_clips(root, lengths)
    return root


def test_measured_people_are_split_by_person_with_their_own_rest_and_lids(tmp_path):
    write_clips(tmp_path, {f"{actor}/{k}": 1.0 for actor in ("A", "B", "C", "D", "E", "F", "G") for k in range(3)},
                fps=30.0)
    found = measured.read(tmp_path)
    of = {}
    for e in found:
        of.setdefault(e.voice, set()).add(e.split)
        assert len(e.asked) == 25 and (e.viseme == data.UNKNOWN).all()
        assert np.isnan(e.asked[:, INDEX["tongueOut"]]).all()
        np.testing.assert_allclose(e.lids, np.clip(e.asked[:, LIDS].mean(1), 0, 1), atol=1e-3)
    assert len(of) == 7 and all(len(s) == 1 for s in of.values())
    assert {s for part in of.values() for s in part} == {"train", "val"}
    b = data.ExpNetData([e for e in found if e.split == "train"], 40, 0).batch(0, range(3))
    assert not b["known"][..., INDEX["tongueOut"]].any() and b["known"][:, :25, INDEX["jawOpen"]].all()
    assert all(np.isfinite(v).all() for v in b.values())
    with pytest.raises(InputError, match="no motions"):
        (tmp_path / "empty").mkdir()
        measured.read(tmp_path / "empty")


def test_virtual_and_measured_people_are_learned_from_together(examples, tmp_path):
    write_clips(tmp_path / "clips", {f"{actor}/x": 2.0 for actor in "ABCDEFG"})
    _, card = t.train_expnet(tmp_path / "out", profile="ci", examples=examples, measured=tmp_path / "clips",
                             progress=False)
    assert "measured clips of" in card["licence"] and "unseen people" in card["scores"]
    assert card["data"]["clips"] > 10 and "--measured" in card["command"]


# ---- runs -------------------------------------------------------------------------------------------------------
def test_a_short_run_learns_what_holds_for_voices_it_never_heard(trained):
    out, card = trained
    assert card["scores"]["unseen recorded voice"]["opening_r"] > .6
    assert card["scores"]["unseen recorded voice"]["blink_r"] > .6
    names = {name for _, name, _ in read_log(out / "log.csv")}
    assert {"reader", "expnet", "coefficients", "landmarks", "lipreading", "blink", "velocity", "opening"} <= names
    assert card["losses"]["blink"] == 4 and card["losses"]["landmarks"] == card["losses"]["lipreading"] == .01


def test_stopped_and_resumed_is_the_same_bytes(examples, tmp_path, monkeypatch):
    monkeypatch.setitem(t.RUNS, "ci", replace(t.RUNS["ci"], checkpoint_s=0.0, average=.9))
    t.train_expnet(tmp_path / "whole", profile="ci", examples=examples, progress=False)
    keep = t.ExpNetTask.losses
    for stop in (6, 23):                                             # in each of the two phases

        def failing(self, batch, at, stop=stop):
            if at.step == stop:
                raise KeyboardInterrupt
            yield from keep(self, batch, at)

        monkeypatch.setattr(t.ExpNetTask, "losses", failing)
        with pytest.raises(KeyboardInterrupt):
            t.train_expnet(tmp_path / "stopped", profile="ci", examples=examples, progress=False)
    monkeypatch.setattr(t.ExpNetTask, "losses", keep)
    t.train_expnet(tmp_path / "stopped", profile="ci", examples=examples, progress=False)
    for name in ("expnet.safetensors", "last/expnet.safetensors", "last/reader.safetensors", "last/hint.safetensors"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "stopped" / name).read_bytes(), name
    with pytest.raises(InputError, match="belongs to another run"):
        t.train_expnet(tmp_path / "stopped", profile="ci", seed=1, examples=examples, progress=False)


def test_the_large_one_takes_a_step_as_published(examples):
    torch.manual_seed(0)
    run = t.RUNS["gpu"]
    assert run.batch == 32 and t.RATE["gpu"] == 2e-5 and t.EPOCHS["gpu"] == 300 and t.FRAMES["gpu"] == 5
    task = t.ExpNetTask(ExpNet(PROFILES["gpu"]), examples, [], run, t.RATE["gpu"], t.WEIGHTS["gpu"], t.FRAMES["gpu"],
                        published=True)
    batch = {k: torch.from_numpy(v) for k, v in task.data.batch(0, [0, 1, 2]).items()}
    assert batch["windows"].shape == (3, 5, 80, 16)
    before = [p.detach().clone() for p in task.network.parameters()]
    (name, loss, found), = task.losses(batch, At(phase="learn"))
    loss.backward()
    task.optimisers[name].step()
    assert set(found) == {"coefficients", "landmarks", "lipreading", "blink"} and torch.isfinite(loss)
    moved = [not torch.equal(a, b) for a, b in zip(before, task.network.parameters())]
    assert all(torch.isfinite(p).all() for p in task.network.parameters()) and sum(moved) >= len(moved) - 2
    assert {task.lr("expnet", At(step=k, phase="learn", phase_step=k)) for k in (0, 500, 10**6)} == {1.0}


def test_the_large_ones_steps_are_300_epochs_of_its_data(examples, tmp_path, monkeypatch):
    seen = {}
    monkeypatch.setattr(t, "train", lambda task, run, out, **_: seen.update(run=run, task=task) or At())
    monkeypatch.setattr(t, "finish", lambda *_, **__: {})
    many = examples * 12
    t.train_expnet(tmp_path, profile="gpu", examples=many, progress=False)
    assert dict(seen["run"].phases)["learn"] == 300 * (len(seen["task"].data) // 32) == 1500
    t.train_expnet(tmp_path, profile="gpu", examples=many, steps=7, progress=False)
    assert seen["run"].steps == 7


def test_what_is_refused(examples, tmp_path):
    with pytest.raises(InputError, match="unknown profile 'huge'"):
        t.train_expnet(tmp_path, profile="huge", examples=examples)
    with pytest.raises(InputError, match="no speech engine"):
        t.train_expnet(tmp_path, profile="ci", use=())
    with pytest.raises(InputError, match="no clip to train on"):
        t.train_expnet(tmp_path, profile="ci", examples=[e for e in examples if e.split != "train"])


def test_the_command_line_says_what_came_of_it(examples, tmp_path, capsys, monkeypatch):
    from tfg.cli import main

    monkeypatch.setattr(t, "virtual_examples", lambda *_, **__: list(examples))
    assert main(["train", "expnet", "--out", str(tmp_path), "--profile", "ci", "--steps", "12"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert f"wrote {tmp_path}/expnet.safetensors and expnet.json" in last and "unseen recorded voice: " in last
    assert main(["train", "expnet", "--out", str(tmp_path), "--profile", "huge"]) == 2


def test_the_corpus_holds_a_language_out_and_says_english_beside_it():
    from tfg.speech import voice

    if not voice.available():
        pytest.skip("espeak-ng is missing: pip install espeakng-loader")
    made = data.virtual_examples("ci", 0, ("espeak",), progress=False)
    of = {split: {e.voice for e in made if e.split == split} for split in data.SPLITS}
    assert all(v.startswith("espeak:it") for v in of["language"]) and of["language"]
    assert not any(v.startswith("espeak:it") for v in of["train"])
    assert {v.replace("en-us", "it") for v in of["english"]} == of["language"]
    assert len({v.split(":")[1].split("+")[0] for v in of["train"]}) >= 8
