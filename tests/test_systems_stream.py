"""`tfg.stream`: the frames of `tfg.animate` while the sound arrives, and a calm face while none does."""
from __future__ import annotations

import numpy as np
import pytest

import tfg
from tfg import InputError, paths, registry
from tfg.head.portrait import Portrait
from tfg.media.audio import load_audio
from tfg.media.image import read_image
from tfg.systems.base import Speech
from tfg.systems.expression.act import act
from tfg.systems.expression.live import AHEAD, LiveMotion, LivePortrait
from tfg.systems.expression.options import ExpressionOptions
from tfg.vocabulary import EXPRESSION, INDEX, MOUTH, index

PHOTO = paths.data("faces", "default.jpg")
MEL = paths.data("expnet")
"""The network that streams hear with; a whole sound is heard by another one."""
LIPS = index(*MOUTH)
LIDS = index("eyeBlink")
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def voice():
    """Two sentences with a pause between them, (N,): 5 s."""
    a, b = (load_audio(paths.data("audio", f"{name}.wav")) for name in ("DFA", "ITH"))
    return np.concatenate([a, b])


def played(audio, piece: int = 640, changes=None, **options) -> tuple[np.ndarray, np.ndarray]:
    """Expression (T, 52) and pose (T, 6) of a stream. changes: frame -> options from then on."""
    live, out = LiveMotion(np.zeros(52, np.float32), ExpressionOptions(**options)), []

    def draw():
        while live.ready:
            if live.frame in (changes or {}):
                live.change(live.options.replace(**changes[live.frame]))
            out.append(live.step())

    for start in range(0, len(audio), piece):
        live.hear(audio[start:start + piece])
        draw()
    live.finish()
    draw()
    return np.stack([e for e, _ in out]), np.stack([p for _, p in out])


def rms(x) -> float:
    return float(np.sqrt(np.mean(np.square(x))))


@pytest.mark.parametrize("emotion, lips, face", [("NEU", .02, .01), ("HAP", .045, .07), ("SAD", .05, .07)])
def test_it_moves_as_the_whole_sound_would(voice, emotion, lips, face):
    """Stated tolerance: root mean square of the difference of coefficients; lips move by .07 when calm, and a display
    of emotion is up to 1. The rise and fall at the ends of a clip, which a stream does not know, are left out."""
    options = dict(emotion=emotion, blink=False)
    offline = act(Speech(voice), neutral=np.zeros(52, np.float32), options=ExpressionOptions(expnet=MEL, **options))
    expression, pose = played(voice, **options)
    assert expression.shape == offline.expression.shape
    middle = slice(15, -15)
    off = (expression - offline.expression)[middle]
    assert rms(off[:, LIPS]) < lips
    assert rms(off[:, index("browDown", "browInnerUp", "browOuterUp", "cheekSquint", "noseSneer")]) < face
    assert np.corrcoef(expression[:, INDEX["jawOpen"]], offline.expression[:, INDEX["jawOpen"]])[0, 1] > .95
    assert (np.sqrt(np.mean((pose - offline.pose)[middle, :3] ** 2, 0)) < [.4, .9, .6]).all()       # degrees


def test_lips_are_not_late(voice):
    """A shift by one frame either way fits the offline lips less well."""
    offline = act(Speech(voice), neutral=np.zeros(52, np.float32), options=ExpressionOptions(expnet=MEL, blink=False))
    live = played(voice, blink=False)[0][20:-20, LIPS]
    error = {k: rms(live - offline.expression[20 + k:len(offline) - 20 + k, LIPS]) for k in (-1, 0, 1)}
    assert min(error, key=error.__getitem__) == 0 and error[0] < .6 * min(error[-1], error[1])


@pytest.mark.parametrize("piece", [160, 1000, 16000])
def test_the_pieces_of_the_sound_do_not_matter(voice, piece):
    one, other = played(voice[:32000]), played(voice[:32000], piece)
    assert all(np.allclose(a, b, atol=1e-5) for a, b in zip(one, other))


def test_no_frame_waits_for_more_than_is_promised(voice):
    """The frame n can be had when (n + 8) * 40 ms were heard, and does not depend on what comes later."""
    live = LiveMotion(np.zeros(52, np.float32), ExpressionOptions())
    for heard in range(1, 30):
        live.hear(voice[(heard - 1) * 640:heard * 640])
        assert live.ready == max(0, heard - AHEAD)
    other = voice.copy()
    other[30 * 640:] = 0
    assert np.allclose(played(voice)[0][:30 - AHEAD], played(other)[0][:30 - AHEAD], atol=1e-5)


@pytest.mark.parametrize("kind", ["silence", "noise", "chord"])
def test_lips_are_calm_while_nobody_speaks(kind):
    rng, t = np.random.default_rng(0), np.arange(5 * 16000) / 16000
    y = {"silence": 0 * t, "noise": rng.normal(0, .08, len(t)),
         "chord": sum(.05 * np.sin(2 * np.pi * f * k * t) / k for f in (220, 277, 330) for k in range(1, 6))}[kind]
    expression, pose = played(y.astype(np.float32))
    settled = slice(40, None)
    assert np.abs(expression[settled][:, LIPS]).max() < .01
    assert expression[:, LIDS].max() > .9                          # it blinks
    assert pose[settled, :3].std(0).max() > .1                     # and moves a little, without a jerk
    assert np.abs(np.diff(pose[:, :3], axis=0)).max() < 1.0


def test_lips_open_again_when_somebody_speaks(voice):
    y = np.concatenate([np.zeros(32000, np.float32), voice[:24000], np.zeros(32000, np.float32)])
    jaw = played(y)[0][:, INDEX["jawOpen"]]
    assert jaw[50:85].max() > .1 and np.abs(jaw[:40]).max() < .01 and np.abs(jaw[-30:]).max() < .01


def test_an_emotion_that_changes_is_eased_in(voice):
    smile = index("mouthSmile")
    expression, _ = played(voice, changes={50: dict(emotion="HAP")}, blink=False)
    curve = expression[:, smile].mean(1)
    assert curve[:50].max() < .25 and curve[75:100].mean() > .5
    assert np.abs(np.diff(curve[45:75])).max() < .25               # not in one frame
    back, _ = played(voice, changes={30: dict(emotion="SAD"), 31: dict(emotion="SAD", intensity=.5)}, emotion="HAP")
    assert back[80:100, smile].mean() < .2 and back[80:100, index("browInnerUp")].mean() > .2


def test_the_head_turns_to_an_angle_that_is_given(voice):
    _, pose = played(voice, changes={40: dict(yaw=(15.0,))})
    assert abs(pose[90:, 0].mean() - 15) < .5 and np.abs(np.diff(pose[:, 0])).max() < 3
    _, still = played(voice[:32000], still=True)
    assert np.abs(still).max() < 1e-6


@pytest.mark.parametrize("options, word", [(dict(idle=3.0), "idle"), (dict(yaw=(0, 20)), "yaw"),
                                           (dict(motion=PHOTO), "motion"), (dict(size=100001), "size"),
                                           (dict(nonsense=1), "nonsense")])
def test_options_that_need_an_end_are_refused(options, word):
    with pytest.raises(InputError, match=word) as caught:
        tfg.stream(PHOTO, **options)
    assert "\n" not in str(caught.value)


def test_systems_that_hear_the_whole_sound_first_are_refused():
    with pytest.raises(InputError, match="choose expression"):
        tfg.stream(PHOTO, system="emogen")


@pytest.fixture(scope="module")
def live():
    return tfg.stream(PHOTO, size=128, emotion="HAP")


def test_frames_are_those_of_the_motion(live, voice):
    """Pixels, at 25 for each second of sound of any rate, equal the portrait that plays the stream's motion."""
    frames = [f for k in range(0, 24000, 700) for f in live.push(voice[k:min(k + 700, 24000)])]
    frames += live.finish()
    assert len(frames) == 38 and {f.shape for f in frames} == {(128, 128, 3)} and live.delay_ms == 320
    portrait = Portrait.from_image(read_image(PHOTO), size=128)
    neutral = portrait.personal(np.zeros(len(EXPRESSION), np.float32))
    motion = LiveMotion(neutral, ExpressionOptions(size=128, emotion="HAP"))
    motion.hear(voice[:24000])
    motion.finish()
    drawn = [portrait.render(portrait.personal(np.clip(e, 0, 1)), p) for e, p in (motion.step() for _ in frames)]
    assert all(np.array_equal(a, b) for a, b in zip(frames, drawn))
    with pytest.raises(InputError, match="ended"):
        live.push(voice)
    assert list(live.finish()) == []


def test_frames_are_near_those_of_animate(voice):
    """Stated tolerance: 1.5 grey values on average, of pictures that differ from the photo by several."""
    y = voice[:32000]
    its, options = registry.system("expression"), ExpressionOptions(size=128, blink=False)
    film = np.stack(list(its.prepare(PHOTO, Speech(y), options).frames)).astype(float)
    live = tfg.stream(PHOTO, size=128, blink=False)
    frames = np.stack([*live.push(y), *live.finish()]).astype(float)
    assert frames.shape == film.shape
    away = np.abs(frames - film).mean((1, 2, 3))
    moved = np.abs(film - film[0]).mean((1, 2, 3))
    assert away.mean() < 1.5 and away.mean() < .5 * moved[10:].mean()


def test_what_is_settled_cannot_change():
    live = tfg.stream(PHOTO, size=64)
    live.change(emotion="sad", intensity=.5)
    assert (live.options.emotion, live.options.intensity, live.options.size) == ("SAD", .5, 64)
    with pytest.raises(InputError, match="--size cannot change"):
        live.change(size=128)
    with pytest.raises(InputError, match="intensity"):
        live.change(intensity=2)
    with pytest.raises(InputError, match="resize-factor"):
        live.change(resize_factor=2)
    live.change(emotion=None)
    assert live.options.emotion == "NEU"


def test_a_real_photo_gets_the_badge_and_a_face_of_nobody_none():
    y = np.zeros(16 * 640, np.float32)
    photo = read_image(PHOTO)
    plain, marked = (next(tfg.stream(p, size=128, seed=1).push(y)) for p in (PHOTO, photo))
    differs = np.abs(plain.astype(int) - marked).max(-1) > 8
    assert differs[100:, :90].any() and not differs[:100].any()


def test_torch_has_its_threads_back_between_frames(voice):
    import torch

    torch.set_num_threads(2)
    live = LiveMotion(np.zeros(52, np.float32), ExpressionOptions())
    live.hear(voice[:16000])
    live.step()
    assert torch.get_num_threads() == 2


def test_an_unread_frame_comes_with_the_next_piece():
    live = LivePortrait(PHOTO, ExpressionOptions(size=64))
    live.hear(np.zeros(20 * 640, np.float32), 16000)
    assert len(list(live.hear(np.zeros(640, np.float32), 16000))) == 21 - AHEAD
