"""tfg.actors.record: the files contain the take as played, and `Clip.open` reads all of it back."""
from __future__ import annotations

import json

import numpy as np
import pytest

from tfg import paths
from tfg.actors.actor import LAYERS, UNKNOWN
from tfg.actors.record import EXTRAS, LAYOUT, camera_points, check_extras, head_points, is_recorded, record
from tfg.errors import InputError
from tfg.faces.aus import action_units
from tfg.media.audio import SAMPLES_PER_FRAME
from tfg.media.clip import Clip, Motion
from tfg.media.video import AI_TAG, probe

pytest.importorskip("espeakng_loader", reason="no voice: pip install espeakng-loader")
SIZE = 64


@pytest.fixture(scope="module")
def virtual():
    from tfg.actors.identity import Identity
    from tfg.actors.virtual import VirtualActor

    return VirtualActor(Identity.from_seed(5), name="V001", size=SIZE)


@pytest.fixture(scope="module")
def portrait():
    from tfg.actors.portrait import PortraitActor

    return PortraitActor.from_image(paths.data("faces", "default.jpg"), name="V002", size=SIZE, seed=6)


def a_take(actor, **how):
    from tfg.actors.take import make_take

    return make_take(actor.name, actor.seed, **dict(text="Oh no.", emotion="FEA", level="HI") | how)


@pytest.fixture(scope="module")
def recorded(virtual, tmp_path_factory):
    """A take of the virtual actor, with all extras: (take, clip)."""
    take = a_take(virtual)
    return take, Clip.open(record(take, virtual, tmp_path_factory.mktemp("clip"), extras=EXTRAS))


@pytest.fixture(scope="module")
def photographed(portrait, tmp_path_factory):
    take = a_take(portrait, sentence="TSI", text=None, emotion="HAP", level="MD")
    return take, Clip.open(record(take, portrait, tmp_path_factory.mktemp("clip"), extras=EXTRAS))


def test_files_and_names(recorded):
    take, clip = recorded
    assert clip.path.name == "V001_TXT_FEA_HI.mp4" == f"{take.name}.mp4"
    assert sorted(p.name for p in clip.path.parent.iterdir()) == \
        [f"V001_TXT_FEA_HI.{end}" for end in ("layers.npz", "mp4", "npz", "wav")]
    assert (clip.actor, clip.sentence, clip.emotion, clip.level) == ("V001", "TXT", "FEA", "HI")
    info = probe(clip.path)
    assert info["metadata"]["comment"] == AI_TAG and info["has_audio"]


def test_everything_comes_back(recorded, virtual):
    take, clip = recorded
    T = len(take.motion)
    assert len(clip) == T == len(clip.motion) and clip.frames[0].shape == (SIZE, SIZE, 3)
    assert T == -(-len(clip.audio) // SAMPLES_PER_FRAME)
    assert np.abs(clip.audio - take.audio).max() < 1 / 32000
    shapes = {k: v.shape for k, v in clip.arrays.items()}
    assert shapes == {"landmarks68": (T, 68, 3), "asked": (T, 52), "neutral": (52,), "aus": (T, 17), "intensity": (T,),
                      "phones": (len(take.phones),), "masks": (T, SIZE, SIZE), "depth": (T, SIZE, SIZE),
                      "flow": (T - 1, SIZE, SIZE, 2)}
    np.testing.assert_allclose(clip.arrays["asked"], take.motion.expression, atol=1e-4)
    np.testing.assert_allclose(clip.motion.expression, virtual.personal(take.motion.expression), atol=1e-4)
    np.testing.assert_allclose(clip.motion.pose, take.motion.pose, atol=1e-4)
    np.testing.assert_allclose(clip.arrays["intensity"], take.curve, atol=1e-4)
    np.testing.assert_array_equal(clip.motion.identity, virtual.shape)
    np.testing.assert_array_equal(clip.arrays["neutral"], virtual.neutral)
    assert clip.meta["layout"] == LAYOUT and clip.meta["kind"] == "virtual" and clip.meta["text"] == "Oh no."
    assert clip.meta["camera"] == json.loads(json.dumps(virtual.camera)) and clip.meta["seed"] == take.seed
    assert clip.meta["intensity"] == take.intensity > 0.5 and clip.meta["voice"] == take.voice.to_dict()
    assert len(Motion.load(clip.path.with_suffix(".npz"))) == T


def test_phones_come_back_with_their_times(recorded):
    take, clip = recorded
    phones = clip.arrays["phones"]
    assert list(phones["symbol"]) == [p.symbol for p in take.phones]
    assert list(phones["viseme"]) == [p.viseme for p in take.phones]
    np.testing.assert_allclose(phones["start_s"], [p.start_s for p in take.phones], atol=1e-6)
    np.testing.assert_allclose(phones["stop_s"], [p.stop_s for p in take.phones], atol=1e-6)


def test_the_truth_is_what_was_drawn(recorded, virtual):
    """Drawing the recorded coefficients again gives the decoded frames, but for the codec; other frames do not."""
    _, clip = recorded
    frames = np.stack(list(clip.frames)).astype(float)
    drawn = np.stack([virtual.render(e, p) for e, p in zip(clip.motion.expression, clip.motion.pose)]).astype(float)
    error = np.abs(frames - drawn).mean((1, 2, 3))
    assert error.max() < 5
    still = np.abs(frames - drawn[:1]).mean((1, 2, 3))
    assert still.max() > 1.3 * error[still.argmax()]


def test_labels_belong_to_their_frame_and_to_no_neighbour(recorded, virtual):
    """A decoded frame's share of the difference to the frame drawn with its neighbour's labels: 0; it would be 1 if
    labels were a frame early or late."""
    _, clip = recorded
    frames = np.stack(list(clip.frames)).astype(float)
    drawn = np.stack([virtual.render(e, p) for e, p in zip(clip.motion.expression, clip.motion.pose)]).astype(float)
    error = (frames - drawn) - (frames - drawn).mean(0)                       # without what the codec does to all
    for shift in (-1, 1):
        way = np.roll(drawn, shift, 0) - drawn
        gone = ((error * way).sum((1, 2, 3)) / (way ** 2).sum((1, 2, 3)))[1:-1]
        assert abs(np.median(gone)) < .45


def test_landmarks_are_the_actors_to_a_part_of_a_pixel(recorded, virtual):
    _, clip = recorded
    true = np.stack([virtual.landmarks(e, p) for e, p in zip(clip.motion.expression, clip.motion.pose)])
    assert np.abs(clip.landmarks - true).max() <= SIZE / 8192 / 2 + 1e-4
    from tfg.faces.points68 import to_68

    assert np.abs(clip.arrays["landmarks68"][..., :2] - to_68(true)).max() <= SIZE / 8192 / 2 + 1e-3


def test_action_units_are_against_the_person_at_rest(recorded):
    _, clip = recorded
    from tfg.faces.geometry import subtract_neutral

    rest = subtract_neutral(clip.motion.expression, clip.arrays["neutral"])
    np.testing.assert_allclose(clip.arrays["aus"], action_units(rest), atol=2e-3)
    np.testing.assert_allclose(rest, np.clip(clip.arrays["asked"], 0, 1), atol=2e-3)       # asking is from rest, too


def test_landmarks_in_metres(recorded, virtual):
    """In the head's axes they are points of the face before it turns (irises lie on the eyeballs, not on the face)."""
    _, clip = recorded
    head, true = virtual.head, []
    for e, p in zip(clip.motion.expression, clip.motion.pose):
        virtual.landmarks(e, p)
        true.append(head.at_landmarks(virtual._v[:len(head.mean)]))
    assert np.abs(head_points(clip) - np.array(true))[:, :468].max() < 2e-4
    assert np.ptp(camera_points(clip)[:, 6], axis=0).max() > 2 * np.ptp(head_points(clip)[:, 6], axis=0).max()


def test_a_portraits_head_stands_still_in_its_own_axes(photographed):
    _, clip = photographed
    bridge = head_points(clip)[:, [6, 168, 197]]
    assert np.ptp(bridge, axis=0).max() < 1.5e-3 < 3 * np.ptp(camera_points(clip)[:, [6, 168, 197]], axis=0).max()
    assert clip.meta["kind"] == "portrait" and clip.meta["about"]["photo"] == "default.jpg"


def test_masks_depth_and_flow(recorded, virtual):
    _, clip = recorded
    masks, depth, flow = (clip.arrays[k] for k in EXTRAS)
    state = [(e, p) for e, p in zip(clip.motion.expression, clip.motion.pose)]
    layers = virtual.layers(*state[3])
    np.testing.assert_array_equal(masks[3], layers.labels)
    near = np.isfinite(layers.depth)
    np.testing.assert_array_equal(np.isfinite(depth[3]), near)
    assert np.abs(depth[3][near] - layers.depth[near]).max() < 2e-4
    assert set(np.unique(masks)) <= {*range(len(LAYERS)), UNKNOWN}
    true = virtual.flow(state[3], state[4])
    np.testing.assert_array_equal(np.isnan(flow[3]), np.isnan(true))
    assert np.nanmax(np.abs(flow[3] - true)) <= 1 / 64 + 1e-5


def test_portraits_have_the_same_labels(photographed):
    _, clip = photographed
    assert set(np.unique(clip.arrays["masks"])) >= {LAYERS.index(k) for k in ("background", "skin", "lips", "eyes")}
    assert np.isfinite(clip.arrays["flow"][..., 0]).mean() > 0.5
    assert clip.landmarks.shape == (len(clip), 478, 3) and len(clip.arrays["phones"]) > 10


def test_small_on_disk(recorded, photographed):
    """500 MB for 50,000 frames at 128 px are 10,000 bytes a frame; a frame of 64 px must stay well below."""
    for _, clip in (recorded, photographed):
        size = sum(clip.path.with_suffix(end).stat().st_size for end in (".mp4", ".wav", ".npz"))
        assert size / len(clip) < 6000


def test_a_clip_that_is_not_whole_is_noticed(virtual, tmp_path):
    take = a_take(virtual, text="No.")
    record(take, virtual, tmp_path)
    assert is_recorded(tmp_path, take.name) and not is_recorded(tmp_path, "V001_DFA_HAP_HI")
    assert not is_recorded(tmp_path, take.name, ["masks"])
    for end in (".mp4", ".wav", ".npz"):
        path = tmp_path / f"{take.name}{end}"
        whole = path.read_bytes()
        for damaged in (whole[:-100], b"", None):
            path.unlink() if damaged is None else path.write_bytes(damaged)
            assert not is_recorded(tmp_path, take.name), (end, damaged and len(damaged))
        path.write_bytes(whole)
    assert is_recorded(tmp_path, take.name)
    record(take, virtual, tmp_path, extras=["masks"])
    assert is_recorded(tmp_path, take.name, ["masks"]) and not is_recorded(tmp_path, take.name, ["masks", "flow"])
    np.savez(tmp_path / f"{take.name}.npz", version=1)
    assert not is_recorded(tmp_path, take.name)
    record(take, virtual, tmp_path)
    assert sorted(Clip.open(tmp_path).arrays) == ["asked", "aus", "intensity", "landmarks68", "neutral", "phones"]


def test_unknown_extras_and_clips_without_a_camera(virtual, tmp_path):
    assert check_extras(["flow", "masks", "flow"]) == ("masks", "flow")
    with pytest.raises(InputError, match="'colour'.*masks, depth, flow"):
        record(a_take(virtual), virtual, tmp_path, extras=["colour"])
    with pytest.raises(InputError, match="no landmarks"):
        head_points(Clip([np.zeros((4, 4, 3), np.uint8)]))
    assert not list(tmp_path.iterdir())
