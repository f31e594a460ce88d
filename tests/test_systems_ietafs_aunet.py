"""AUnet: what it hears of a take, time, chunks, targets, splits, losses, training, and the network that ships."""
from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from conftest import swelling_noise
from tfg import paths
from tfg.acting.voices import Voice
from tfg.errors import InputError
from tfg.faces.aus import AUS, action_units
from tfg.media.audio import MEL_FLOOR, SAMPLES_PER_FRAME, mel_spectrogram, mel_windows, n_frames
from tfg.systems.ietafs.aunet import data, evaluate, losses, network, takes, train
from tfg.training.augment_sound import augment_sound, warp
from tfg.vocabulary import EMOTIONS

pytestmark = pytest.mark.usefixtures("one_thread")
shipped = pytest.mark.skipif(not (paths.data("aunet") / "aunet.json").is_file(), reason="no weights of AUnet here")


def net(**sizes) -> network.AUNet:
    torch.manual_seed(0)
    made = network.AUNet(replace(network.PROFILES["ci"], **sizes))
    torch.manual_seed(1)                              # whatever the sizes of the parts before
    with torch.no_grad():                             # heads start near nothing: let them say something
        for head in (made.speech, made.manner.feeling, made.manner.emotion):
            head.weight.normal_(0, 1)
    return made.eval()


# ---- the network --------------------------------------------------------------------------------------------------
def test_what_is_heard_has_its_shapes_and_ranges():
    for samples in (1, 640, 9 * 640 + 1, 30_000):
        heard = network.hear(swelling_noise(3)[:samples], model=net())
        assert heard.speech.shape == heard.feeling.shape == (n_frames(samples), 17)
        assert heard.speech.dtype == heard.feeling.dtype == np.float32
        assert heard.speech.min() >= 0 and heard.speech.max() <= 5 and np.abs(heard.feeling).max() <= 5
        assert heard.emotion.shape == (len(EMOTIONS),) and heard.emotion.sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("chunk", [7, 50, 173])
def test_chunks_give_what_the_whole_gives(chunk):
    y, model = swelling_noise(12), net()
    parts, whole = network.hear(y, model=model, chunk=chunk), network.hear(y, model=model, chunk=10**9)
    for a, b in zip(parts, whole):
        assert np.abs(a - b).max() < 1e-4
    assert whole.speech.std(0).max() > .1             # a network that says nothing would pass


def test_codes_are_those_of_the_published_windows():
    model, mel = net(context=()), mel_spectrogram(swelling_noise(3), network.N_MELS)
    windows = torch.from_numpy(mel_windows(mel, 40, network.WIDTH))[:, None]                # (40, 1, 128, 32)
    columns = torch.from_numpy(network.columns_of(mel, np.zeros((128, 1), np.float32), 0, 40))[None]
    found, asked = model.codes(columns, torch.ones(1, 40))[0], model.window_codes(windows)
    assert torch.allclose(found, asked, atol=1e-5)
    assert asked.std(0).max() > 20 * (found - asked).abs().max()


def test_a_burst_moves_the_units_around_its_frame():
    model, frame = net(context=(), pool=0), 40
    quiet = np.zeros(80 * SAMPLES_PER_FRAME, np.float32)
    loud = quiet.copy()
    loud[frame * SAMPLES_PER_FRAME + SAMPLES_PER_FRAME // 2] = .5             # the middle of the frame

    def codes(y):
        mel = mel_spectrogram(y, network.N_MELS)
        columns = torch.from_numpy(network.columns_of(mel, np.zeros((128, 1), np.float32), 0, 80))[None]
        return model.codes(columns, torch.ones(1, 80))[0]

    changed = torch.where((codes(loud) - codes(quiet)).abs().amax(1) > 1e-6)[0]
    assert abs((changed[0] + changed[-1]).item() - 2 * frame) <= 1            # shifted by one frame, it would be 2
    assert 9 <= len(changed) <= 13                                           # 0.4 s, and the mel's own 50 ms


def test_a_later_sound_moves_the_same_units_later():
    model, word = net(), swelling_noise(1.2)
    heard = [network.hear(np.concatenate([np.zeros(a * 640), word, np.zeros((60 - a) * 640)]).astype(np.float32),
                          model=model) for a in (25, 30)]
    assert np.abs(heard[0].speech[15:60] - heard[1].speech[20:65]).max() < 1e-4
    assert np.abs(heard[0].speech[15:60] - heard[1].speech[19:64]).max() > .01


def test_columns_of_a_part_are_those_of_the_whole():
    mel, mean = mel_spectrogram(swelling_noise(4), network.N_MELS), np.full((128, 1), .3, np.float32)
    whole = network.columns_of(mel, mean, 0, 100)
    part = network.columns_of(mel, mean, 35, 20)
    start = 35 // 5 * 16
    assert np.array_equal(part, whole[:, start:start + part.shape[1]])
    assert np.allclose(whole[:, :14], MEL_FLOOR - .3)                         # silence before the sound
    with pytest.raises(ValueError, match="multiple of 5"):
        network.columns_of(mel, mean, 3, 20)


def test_statistics_are_frozen_and_nothing_is_dropped_when_hearing():
    model, y = net(dropout=.5).train(), swelling_noise(2)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    first, second = network.hear(y, model=model), network.hear(y, model=model)
    assert all(np.array_equal(a, b) for a, b in zip(first, second)) and not model.training
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())


def test_the_feeling_is_smooth():
    model, y = net(pool=40), swelling_noise(6)
    felt = network.hear(y, model=model).feeling
    flickering = network.hear(y, model=net(pool=0)).feeling
    assert np.abs(np.diff(felt, axis=0)).max() < .2 * np.abs(np.diff(flickering, axis=0)).max()
    assert felt.std(0).max() > 1e-3


def test_context_widens_the_view():
    for context, reach in (((), 0), ((1, 2), 6)):
        model = net(context=context)
        columns = torch.zeros(1, 128, network.n_columns(60))
        other = columns.clone()
        other[..., 96:112] = 1                                                # columns of frames 30 to 35
        mask = torch.ones(1, 60)
        moved = torch.where((model.codes(other, mask) - model.codes(columns, mask))[0].abs().amax(1) > 1e-6)[0]
        assert len(moved) == pytest.approx(15 + 2 * reach, abs=2) and model.config.reach == reach


def test_the_published_sizes():
    model = network.AUNet()
    assert model.code.in_features == 8192 and model.code.out_features == 1024 and model.drop.p == .2
    assert len(model.over_frequency) == 5 and len(model.over_time) == 3 and not len(model.blocks)
    assert model.speech.out_features == 17


def test_wrong_sizes_are_refused():
    with pytest.raises(ValueError, match="nothing"):
        network.AUNet(replace(network.PROFILES["ci"], over_time=(4,) * 6))
    with pytest.raises(ValueError, match="columns are"):
        net()(torch.zeros(1, 128, 40), torch.ones(1, 20))
    with pytest.raises(InputError):
        network.load("/no/such/folder")


def test_128_bands_cover_what_80_do_and_are_augmented_alike():
    y = swelling_noise(2)
    few, many = mel_spectrogram(y), mel_spectrogram(y, network.N_MELS)
    assert many.shape == (128, few.shape[1]) and np.corrcoef(few.mean(0), many.mean(0))[0, 1] > .98
    assert np.array_equal(few, mel_spectrogram(y, 80))
    ramp = np.linspace(-3, 1, 128)[:, None].repeat(200, 1).astype(np.float32)
    warped = warp(ramp, 1.15)
    assert warped.shape == ramp.shape and warped[100, 0] > ramp[100, 0] + .1  # the top band is reached as well
    assert augment_sound(many, np.random.default_rng(0), many).shape == many.shape


# ---- takes --------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def take():
    pytest.importorskip("espeakng_loader")
    from tfg.actors.take import make_take

    return make_take("A", 7, text="Maybe my family will move.", emotion="SAD", level="HI")


def test_targets_are_the_units_without_the_emotion_and_what_it_adds(take):
    from tfg.acting.style import display
    from tfg.actors.take import replay
    from tfg.faces.geometry import subtract_neutral

    speech, feeling = takes.targets(take)
    n = len(take.motion)
    still = display(take.style, "NEU", 0.0, n, seed=take.seed, looseness=1 - take.moves[1])
    assert speech.shape == feeling.shape == (n, 17) and np.ptp(still, axis=0).max() == 0
    neutral = action_units(subtract_neutral(replay(take, "NEU").motion.expression, still[0]))
    felt = action_units(subtract_neutral(take.motion.expression, still[0]))
    seen = [k for k in range(17) if k != takes.BLINK]
    assert np.allclose(speech[:, seen], neutral[:, seen]) and not speech[:, takes.BLINK].any()
    assert np.allclose(feeling, felt - neutral, atol=1e-6)
    assert feeling[:, AUS.index(15)].mean() > 1                              # sadness draws the lips' corners down
    assert np.abs(speech[:, [AUS.index(au) for au in (4, 5, 6, 7, 9, 15)]]).max() < 1e-4


def test_a_neutral_take_adds_nothing(take):
    from tfg.actors.take import make_take

    speech, feeling = takes.targets(make_take("A", 7, text="Maybe.", emotion="NEU"))
    assert not feeling.any() and speech[:, AUS.index(25)].max() > .5


def test_voices_and_sentences_of_the_splits_are_disjoint(monkeypatch):
    made = []

    def stub(name, person, *, text, emotion, level):
        made.append((person, text))
        return SimpleNamespace(audio=np.zeros(6400, np.float32), voice=Voice.from_seed(person))

    monkeypatch.setattr(takes, "make_take", stub)
    monkeypatch.setattr(takes, "targets", lambda take: (np.zeros((10, 17)),) * 2)
    monkeypatch.setitem(takes.SIZES, "ci", takes.SIZES["ci"] | dict(train=30, val=6, test=8))
    examples = list(takes.acted("ci", 0))
    assert len(examples) == 44 * 6
    for kind in (lambda e: e.text, lambda e: e.voice.partition("+")[2], lambda e: e.voice.partition(":")[0]):
        parts = [{kind(e) for e in examples if e.split == split} for split in takes.SPLITS]
        if "." in str(parts[0]):                                             # sentences, one or two of them
            parts = [{s.strip() for t in part for s in t.replace("!", ".").replace("?", ".").split(".")} - {""}
                     for part in parts]
        assert all(parts) and not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])
    assert {e.emotion for e in examples} == set(range(6))
    seeds = [set(takes.people(split, 5, 0)) for split in takes.SPLITS]
    assert len(set.union(*seeds)) == 15


def test_other_speech_is_never_by_a_speaker_that_is_for_testing():
    assert takes.split_of("en-us+f5") == "test" and takes.split_of("espeak:fr+m3") == "val"
    assert takes.split_of("en-us+f2") == takes.split_of("en-us") == "train"


def test_packed_sound_and_the_file_give_back_what_was_put_in(tmp_path):
    mel = mel_spectrogram(swelling_noise(1), takes.N_MELS)
    assert np.abs(takes.unpack(takes.pack(mel)) - mel).max() < .017
    made = [example(1, split="val"), example(2, emotion=takes.UNKNOWN)]
    takes.write(tmp_path / "a.npz", made)
    for a, b in zip(made, takes.read(tmp_path / "a.npz"), strict=True):
        assert all(np.array_equal(getattr(a, k), getattr(b, k)) for k in ("mel", "speech", "feeling"))
        assert (a.emotion, a.voice, a.level, a.split) == (b.emotion, b.voice, b.level, b.split)
    (tmp_path / "a.npz").write_bytes(b"no file")
    with pytest.raises(InputError, match="delete it"):
        takes.read(tmp_path / "a.npz")
    with pytest.raises(InputError, match="unknown profile"):
        takes.examples_of(tmp_path, "huge")


# ---- crops and losses ---------------------------------------------------------------------------------------------
def example(k: int, *, emotion: int = 0, split: str = "train", seconds: float = 2.4) -> takes.AuExample:
    rng = np.random.default_rng(k)
    y = swelling_noise(seconds) * rng.uniform(.2, 1)
    n = n_frames(len(y))
    speech = np.abs(np.sin(np.arange(n) / 3 + k))[:, None] * np.linspace(.5, 3, 17)
    felt = rng.normal(0, 1, 17) * (emotion != takes.UNKNOWN) * np.ones((n, 1))
    return takes.AuExample(takes.pack(mel_spectrogram(y, takes.N_MELS)), speech.astype(np.float16),
                           felt.astype(np.float16), emotion, "HI", f"{split}{k % 3}:en+m1", f"text {k}", split)


def examples() -> list[takes.AuExample]:
    return ([example(k, emotion=k % 6) for k in range(9)] + [example(20 + k, emotion=takes.UNKNOWN) for k in range(3)]
            + [example(30 + k, emotion=k, split="val") for k in range(6)]
            + [example(40 + k, emotion=k, split="test") for k in range(6)])


def test_crops_are_functions_of_their_place_and_say_what_is_known():
    crops = data.AuCrops([e for e in examples() if e.split == "train"], 40, 0)
    assert len(crops) == 12
    first, again = crops.batch(3, [0, 9]), crops.batch(3, [0, 9])
    assert all(np.array_equal(first[k], again[k]) for k in first)
    assert not np.array_equal(first["columns"], crops.batch(4, [0, 9])["columns"])
    assert first["columns"].shape == (2, 128, network.n_columns(40)) and first["speech"].shape == (2, 40, 17)
    assert first["mask"].all() and first["feeling_known"][0].all()
    other = next(b for b in (crops.batch(epoch, [9]) for epoch in range(9)) if b["emotion"][0] == takes.UNKNOWN)
    assert not other["feeling_known"].any() and set(np.flatnonzero(other["speech_known"][0])) == set(takes.MOUTH)


def test_a_crop_is_cut_from_one_place_of_sound_and_units():
    e = example(1, seconds=8)
    e.speech[:] = np.arange(len(e.speech))[:, None] / 50                      # the units tell the frame's number
    e.mel[:] = 0
    e.mel[:, 320] = 255                                                       # middle of frame 100 is column 321.6
    crop = next(c for c in (data.AuCrops([e], 60, 0)._crop(k, 0) for k in range(200))
                if 40 < 100 - crop_start(c) < 50 and c["feeling_known"].all() and c["emotion"] == 0)
    at = int(crop["columns"].mean(0).argmax())
    frame = crop_start(crop) + (at + network.mel_start(0, 32) - 1.6) / 3.2
    assert frame == pytest.approx(99.5, abs=.6)


def crop_start(crop: dict) -> int:
    return round(float(crop["speech"][0, 0]) * 5 * 50)


def batch_of(n: int = 2) -> dict:
    crops = data.AuCrops([e for e in examples() if e.split == "train"], 40, 0)
    return {k: torch.from_numpy(v) for k, v in crops.batch(0, range(n)).items()}


def test_losses_count_deviations_and_leave_out_what_is_unknown():
    batch, spread = batch_of(), losses.Spread((.1,) * 17, (.2,) * 17)

    def both(speech, feeling):
        return (losses.words_losses(speech, batch, spread, losses.Weights())
                | losses.feeling_losses(feeling, torch.zeros(2, 6), batch, spread, losses.Weights()))

    none = both(batch["speech"], batch["feeling"])
    assert none["speech"] == none["velocity"] == none["feeling"] == 0 and none["emotion"] > 0
    off = both(batch["speech"] + .1, batch["feeling"] + .2)
    assert off["speech"].item() == pytest.approx(1, abs=1e-4) and off["feeling"].item() == pytest.approx(1, abs=1e-4)
    batch["speech_known"][:, 0], batch["feeling_known"][0] = 0, 0
    wrong = batch["speech"].clone()
    wrong[..., 0] += 1
    felt = batch["feeling"].clone()
    felt[0] += 1
    found = both(wrong, felt)
    assert found["speech"] == found["velocity"] == found["feeling"] == 0


def test_deviations_come_from_the_clips_and_from_known_units():
    made = [e for e in examples() if e.split == "train"]
    spread = losses.Spread.of(made)
    true = np.concatenate([e.speech.astype(float) for e in made])[:, AUS.index(25)].std() / 5
    assert spread.speech[AUS.index(25)] == pytest.approx(true, abs=1e-3)
    felt = np.concatenate([e.feeling.astype(float) for e in made if e.emotion != takes.UNKNOWN])
    assert np.allclose(spread.feeling, felt.std(0).clip(.1) / 5, atol=1e-3)
    assert len(set(spread.speech)) > 5                                       # not one number for all


# ---- training -----------------------------------------------------------------------------------------------------
def run(out, profile="ci", **options):
    return train.train_aunet(out, profile=profile, examples=examples(), progress=False, **options)


@pytest.mark.parametrize("profile", ["ci", "cpu", "gpu"])
def test_a_step_of_each_profile(tmp_path, monkeypatch, profile):
    monkeypatch.setitem(train.FRAMES, profile, 10)
    monkeypatch.setitem(train.RUNS, profile, replace(train.RUNS[profile], batch=2, workers=0,
                                                     phases=(("words", 1), ("feeling", 1))))
    monkeypatch.setattr(train, "score", lambda *_: {"loss": 1.0, "speech_r": None, "feeling_r": 0.0,
                                                    "emotion": {"accuracy": 0}})
    at, card = run(tmp_path, profile, steps=2)
    assert at.step == 2 and card["profile"] == profile and card["data"]["acted_takes"] == 9
    assert network.load(tmp_path).config == network.PROFILES[profile]


def test_training_learns_scores_and_can_be_loaded(tmp_path):
    at, card = run(tmp_path, steps=80, context=False)
    rows = [float(row.split(",")[2]) for row in (tmp_path / "log.csv").read_text().splitlines() if ",loss," in row]
    assert rows[-1] < rows[0] and card["command"].endswith("--no-context")
    scores = card["scores"]
    assert scores["clips"] == 6 and scores["voices"] == 3 and set(scores["speech"]) == {f"AU{au}" for au in AUS}
    assert scores["speech_r"] == pytest.approx(np.mean([u["r"] for u in scores["speech"].values()]), abs=1e-3)
    low, high = scores["emotion"]["interval"]
    assert 0 <= low <= scores["emotion"]["accuracy"] <= high <= 1
    assert len(card["spread"]["speech"]) == 17 and not network.load(tmp_path).config.context


def test_an_interrupted_run_gives_the_same_bytes(tmp_path, monkeypatch):
    run(tmp_path / "whole", steps=10)                                         # 6 of them on words, 4 on the feeling
    real, calls = train.words_losses, []

    def stop(*args):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr(train, "words_losses", stop)
    monkeypatch.setitem(train.RUNS, "ci", replace(train.RUNS["ci"], checkpoint_s=0))
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "halted", steps=10)
    monkeypatch.setattr(train, "words_losses", lambda *args: (calls.append(1), real(*args))[1])
    at, _ = run(tmp_path / "halted", steps=10)
    assert len(calls) == 4 + 3 and at.step == 10                               # it went on from step 3
    names = "aunet.safetensors"
    assert (tmp_path / "whole" / names).read_bytes() == (tmp_path / "halted" / names).read_bytes()


def test_another_seed_is_another_network(tmp_path):
    cards = [run(tmp_path / str(k), steps=2, seed=seed)[1]["sha256"] for k, seed in enumerate((0, 0, 1))]
    assert cards[0] == cards[1] != cards[2]


def test_wrong_wishes_end_with_a_sentence(tmp_path):
    with pytest.raises(InputError, match="unknown profile"):
        train.train_aunet(tmp_path, profile="huge")
    run(tmp_path, steps=1)
    with pytest.raises(InputError):
        run(tmp_path, steps=2, context=False)


def test_accuracy_is_the_mean_of_the_voices():
    made = [replace(example(k, emotion=k % 6, split="test"), voice=f"v{k // 6}") for k in range(12)]
    probable = np.eye(6)[[e.emotion for e in made]]
    probable[6:9] = np.roll(probable[6:9], 1, 1)                              # half of the second voice is wrong
    found = evaluate.emotion_scores(probable, made)
    assert found["accuracy"] == .75 and found["interval"] == [.5, 1.0] and found["by_level"] == {"HI": .75}
    assert found["by_emotion"]["SAD"] == 1 and found["by_emotion"]["ANG"] == .5


# ---- the network that ships -----------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def heard():
    """{emotion: (takes, what is heard of them)} of two people that the shipped network does not know."""
    pytest.importorskip("espeakng_loader")
    from tfg.actors.take import make_take

    played = {e: [make_take("A", person, text="Maybe my family will move to Miami.", emotion=e, level="HI")
                  for person in takes.people("test", 3, 0)[1:]] for e in ("ANG", "HAP", "SAD")}
    return {e: (made, [network.hear(take.audio) for take in made]) for e, made in played.items()}


@shipped
def test_the_lips_part_when_the_true_lips_part(heard):
    lips, by_lag = AUS.index(25), np.zeros(5)
    for made, found in heard.values():
        for take, h in zip(made, found):
            true = takes.targets(take)[0][:, lips]
            by_lag += [np.corrcoef(np.roll(h.speech[:, lips], -lag)[3:-3], true[3:-3])[0, 1] for lag in range(-2, 3)]
            assert h.speech[:, takes.BLINK].max() < .3
    assert by_lag.argmax() == 2 and by_lag[2] / 6 > .75                       # on the frame, and not one off


@shipped
def test_silence_is_a_calm_face():
    found = network.hear(np.zeros(3 * 16000, np.float32))
    assert found.speech.max() < .3 and np.abs(found.feeling).max() < 1
    assert found.emotion.argmax() == EMOTIONS.index("NEU")


@shipped
def test_what_a_voice_feels_shows_and_does_not_flicker(heard):
    felt = {e: np.mean([h.feeling.mean(0) for h in found], 0) for e, (_, found) in heard.items()}
    au = {number: k for k, number in enumerate(AUS)}
    assert felt["HAP"][au[12]] > felt["SAD"][au[12]] + .15                    # corners of the lips up
    assert felt["ANG"][au[5]] > felt["SAD"][au[5]] + .15                      # eyes wide
    assert felt["SAD"][au[15]] > felt["HAP"][au[15]] + .05                    # corners of the lips down
    assert max(np.abs(np.diff(h.feeling, axis=0)).max() for _, found in heard.values() for h in found) < .1
