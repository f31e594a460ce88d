"""The head of a stream: PoseVAE's chunks, one frame at a time."""
from __future__ import annotations

import numpy as np
import pytest

from tfg import InputError, paths
from tfg.media.audio import load_audio, mel_spectrogram
from tfg.media.live_sound import LiveSound
from tfg.speech.features import mean_so_far, speech_mean
from tfg.systems.expression.posevae.live import LiveHead
from tfg.systems.expression.posevae.network import predict

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def voice():
    return np.concatenate([load_audio(paths.data("audio", f"{name}.wav")) for name in ("DFA", "ITH", "DFA")])


@pytest.mark.parametrize("style, seed", [(0, 0), (7, 3)])
def test_with_all_the_sound_the_estimate_is_the_offline_motion(voice, style, seed):
    sound, mean = LiveSound(), speech_mean(mel_spectrogram(voice))
    sound.push(voice)
    sound.finish()
    whole = predict(voice, style=style, seed=seed)
    head = LiveHead(style=style, seed=seed)
    frames = np.stack([head.estimate(k, sound, mean) for k in range(len(whole) - 8)])
    assert np.abs(frames[12:] - whole[12:len(frames)]).max() < .02         # degrees; the first frames fade in there


def test_it_starts_at_rest_and_moves_without_jerks(voice):
    sound, head, poses = LiveSound(), LiveHead(), []
    for k in range(0, len(voice) - 8 * 640, 640):
        sound.push(voice[k:k + 640] if k else voice[:8 * 640])
        poses.append(head.pose(k // 640, sound, mean_so_far(sound.mel)))
    poses = np.stack(poses)
    assert np.abs(poses[0]).max() < 1e-6 and poses[20:, 1].std() > .2
    assert np.abs(np.diff(poses[:, :3], axis=0)).max() < 1.2               # degrees a frame


def test_other_seeds_are_other_motions(voice):
    def motion(seed):
        sound, head = LiveSound(), LiveHead(seed=seed)
        sound.push(voice)
        return np.stack([head.pose(k, sound, mean_so_far(sound.mel)) for k in range(60)])

    assert np.array_equal(motion(1), motion(1)) and np.abs(motion(1) - motion(2)).max() > .5
    with pytest.raises(InputError, match="style"):
        LiveHead(style=99)
