"""What a notebook writes out by hand is what the package does: both run on the same input."""
from __future__ import annotations

import copy
from types import SimpleNamespace

import numpy as np
import pytest

from notebook_tools import function
from tfg import paths, vocabulary
from tfg.faces import align, aus, geometry, points68, smooth
from tfg.head.model import CAMERA_M, Head
from tfg.head.model import project as package_project
from tfg.media import audio

SOUND, FACES, HEAD = "01_sound_and_time", "02_faces", "03_action_units_and_expression"
ACTORS, WINDOWS = "05_virtual_actors", "06_from_raw_video_to_windows"
EMOTION = "08_emotion_discriminator"


@pytest.fixture
def y(rng):
    return (0.2 * rng.normal(size=9_777) * np.hanning(9_777)).astype(np.float32)


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def test_mel_spectrogram(y):
    stft, bank = function(SOUND, "stft"), function(SOUND, "mel_filterbank")
    mine = function(SOUND, "my_mel_spectrogram", stft=stft, mel_filterbank=bank)(y)
    assert np.abs(mine - audio.mel_spectrogram(y)).max() < 2e-3


@pytest.mark.parametrize("n_mels", [20, 80])
def test_mel_filterbank(n_mels):
    assert np.abs(function(SOUND, "mel_filterbank")(n_mels) - audio.mel_filters(n_mels=n_mels)).max() < 1e-6


def test_mel_scale_and_its_inverse(rng):
    hz = rng.uniform(20, 8000, 50)
    mel = function(SOUND, "hz_to_mel")(hz)
    assert np.allclose(function(SOUND, "mel_to_hz")(mel), hz)
    assert np.allclose(function(SOUND, "hz_to_mel")(np.array([1000.0, 6400.0])), [15.0, 42.0])


def test_frames_and_windows(y):
    mel = audio.mel_spectrogram(y)
    window = function(SOUND, "mel_window")
    T = audio.n_frames(len(y))
    assert function(SOUND, "count_frames")(len(y)) == T
    for width in (5, 16):
        assert np.array_equal(np.stack([window(mel, i, width) for i in range(T)]), audio.mel_windows(mel, T, width))


def test_similarity_and_its_inverse(rng):
    a, b = rng.normal(size=(2, 6, 2)) * 40
    mine = function(FACES, "similarity")(a, b)
    assert np.allclose(mine, align.similarity(a, b))
    assert np.allclose(function(FACES, "invert_similarity")(mine), align.invert(mine))


def test_arc_length(rng):
    line = np.cumsum(rng.uniform(0, 5, (13, 2)), 0)
    assert np.allclose(function(FACES, "resample")(line, 9), points68.along(line, 9))


def test_lip_gap(rng):
    points = rng.uniform(0, 300, (478, 3))
    assert np.isclose(function(FACES, "lip_gap")(points), geometry.lip_gap(points))


def test_one_euro(rng):
    x = np.cumsum(rng.normal(size=60)) * 0.05
    mine = function(FACES, "one_euro")(x, 25, 1.0, 8.0)
    assert np.allclose(mine, smooth.one_euro(x, 25, min_cutoff_hz=1.0, beta=8.0), atol=1e-6)


def test_action_units(rng):
    expression = rng.uniform(0, 1, (5, 52)).astype(np.float32)
    mine = function(HEAD, "action_unit")
    package = aus.action_units(expression)
    for au, names in aus.COEFFICIENT.items():
        if len(names) == 1:
            assert np.allclose(mine(expression, names[0]), package[:, aus.AUS.index(au)], atol=1e-5)


def test_blendshapes(rng):
    head = Head.load()
    amounts = rng.uniform(0, 1, len(vocabulary.EXPRESSION))
    mine = function(HEAD, "move")(head.mean, head.expression, amounts)
    assert np.allclose(mine, head.vertices(expression=amounts), atol=1e-6)


def test_projection(rng):
    import torch

    points, shift = rng.uniform(-0.1, 0.1, (30, 3)), np.array([120.0, 90.0])
    want = package_project(points, np.eye(3), 1500.0, shift)[0]
    mine = function(HEAD, "project")(*map(torch.tensor, (points, 1500.0, shift)), CAMERA_M)
    camera = function(HEAD, "camera", CAMERA_M=CAMERA_M)
    turned = camera(torch.tensor(points).float(), torch.zeros(3), torch.tensor(1500.0).log(),
                    torch.tensor(shift).float())
    assert np.allclose(mine, want) and np.allclose(turned, want, atol=1e-2)


def test_fit_by_gradient_descent_is_as_good_as_least_squares(rng):
    """Landmarks of a head with a known smile: both fits find them, and find the smile."""
    import torch

    from tfg.head.fit import fit_landmarks
    from tfg.head.model import rotation

    head = Head.load()
    truth = np.zeros(52)
    truth[vocabulary.index("mouthSmile", "jawOpen")] = 0.5
    xy, depth = package_project(head.landmark_points(None, truth), rotation(8, -4, 3), 1400.0, np.array([160.0, 150.0]))
    target = np.column_stack([xy, depth * 1400]).astype(np.float32)
    eye_px = float(np.linalg.norm(xy[33] - xy[263]))
    tensors = dict(mean=torch.tensor(head.landmark_points()), std=torch.tensor(head.identity_std, dtype=torch.float32),
                   identity_basis=torch.tensor(head.at_landmarks(head.identity)),
                   expression_basis=torch.tensor(head.at_landmarks(head.expression)))
    shape = function(HEAD, "shape", **tensors)
    fit = function(HEAD, "fit", shape=shape, camera=function(HEAD, "camera", CAMERA_M=CAMERA_M), eye_px=eye_px,
                   goal=torch.tensor(target[:, :2]))
    found, losses, stages = fit(200)
    error = np.linalg.norm(list(stages.values())[-1] - target[:, :2], axis=1).mean() / eye_px
    package = fit_landmarks(head, target)
    smile = vocabulary.index("mouthSmile")
    assert error < 0.01 and package.error < 0.01 and losses[-1] < losses[0] / 50
    assert abs(found["c"].numpy()[smile].mean() - package.expression[smile].mean()) < 0.25


def test_notebook_prototypes_are_the_vocabulary():
    """The emotions' Action Units of notebook 03 move the same muscles as the package's recipes do."""
    from tfg.acting import emotion
    from tfg.course.explore.heads import UNIT_COEFFICIENTS

    smile = vocabulary.index("mouthSmile")
    assert emotion.actions("HAP", 1.0)[smile].min() > 0.3
    for au, names in aus.COEFFICIENT.items():
        assert UNIT_COEFFICIENTS[au] == names
    assert paths.data("emotion_curves", "crema_d_1001.npz").is_file()


def test_dominance(rng):
    """The package blends with the same function around the core of each phone; smoothing and gates come on top."""
    from tfg.speech import visemes

    mine, t = function(ACTORS, "dominance_blend"), np.arange(0, 1.2, visemes.STEP_S)
    phones = [visemes.Phone("", a, a + .12, v) for a, v in zip((.1, .22, .34, .5), ("AA", "TN", "IY", "KK"))]
    starts, stops = (np.array([p.start_s + share * .12 for p in phones]) for share in (.25, .65))
    strengths, targets = rng.uniform(.3, 2, len(phones)), rng.uniform(0, 1, (len(phones), 3))
    total, weight = np.zeros((len(t), 3)), np.zeros(len(t))
    for p, strength, target in zip(phones, strengths, targets):
        a, b, d = visemes._dominance(p, t, (.06, .06))
        total[a:b] += strength * d[:, None] * target
        weight[a:b] += strength * d
    reach = (t > .1) & (t < .7)                                                # beyond 0.6 s the package stops counting
    want = total[reach] / weight[reach, None]
    assert np.abs(mine(t, starts, stops, targets, strengths, .06)[reach] - want).max() < 1e-3


def test_envelope():
    from tfg.acting import emotion

    mine = function(ACTORS, "envelope")
    for code in vocabulary.EMOTIONS:
        by_hand = mine(90, emotion.ONSET_S[code], emotion.DECAY_S[code], emotion.START, emotion.END)
        assert np.allclose(by_hand, emotion.envelope(90, code), atol=1e-6)


def test_agreement(rng):
    from tfg.course.explore.meter import agreement

    a, b = rng.normal(size=(2, 50))
    b, a[4] = b + a, np.nan
    assert np.isclose(function(ACTORS, "pearson")(a, b), agreement(a, b)[0])
    assert np.isnan(agreement(np.ones(9), b[:9])[0])


@pytest.mark.parametrize("fps", [24.0, 25.0, 30.0, 30000 / 1001, 50.0, 59.94, 60.0, 12.0])
def test_conversion_in_time(fps):
    from tfg.media.film_index import schedule

    for n in (1, 30, 91):
        mine = function(WINDOWS, "source_frames")(n, fps)
        assert np.array_equal(mine, schedule(np.arange(n) / fps, 1 / fps, 25.0))


def test_crop(rng):
    box = np.array([3.5, -7, 203.5, 193])
    assert np.allclose(function(WINDOWS, "crop_matrix")(box, 96), align.box_matrix(box, 96))


def test_negatives_are_what_windows_takes():
    """Windows of T frames see 16 mel columns; those that share none begin at least T = 5 frames away."""
    mine = function(WINDOWS, "negative_starts")
    columns = [set(range(audio.mel_start(s + 2), audio.mel_start(s + 2) + 16)) for s in range(50)]
    for first in range(50):
        apart = {s for s in range(50) if not columns[s] & columns[first]}
        assert set(mine(54, first, 5)) == apart


def test_leaks_are_what_splits_refuse():
    from tfg.corpora.splits import Person, Splits
    from tfg.errors import InputError

    leaks = function(WINDOWS, "leaks")
    people = [("V1", None), ("V2", "photo/a"), ("V3", "photo/a"), ("V4", "photo/b")]
    splits = Splits(tuple(Person("actors", a, "train", who) for a, who in people))
    rows = [dict(clip=f"{a}_x", corpus="actors", actor=a, photo=who) for a, who in people]
    for k, train in enumerate(rows):
        for j, test in enumerate(rows):
            found = leaks([train], [test])
            assert bool(found) == (k == j or {k, j} == {1, 2})
            if found:
                with pytest.raises(InputError):
                    splits.check_disjoint([train], [test])
            else:
                splits.check_disjoint([train], [test])


PHOTO = "04_how_a_photo_moves"


def test_a_moved_mesh_is_the_rasterisers(rng):
    """With the package's compiled function: the same pixels, each from the same place."""
    from tfg.head.raster import source_map

    n = 24
    rest = np.stack(np.meshgrid(np.linspace(-3, n + 2, 6), np.linspace(-2, n + 3, 6)), -1).reshape(-1, 2)
    triangles = np.array([[k, k + 1, k + 6] for k in range(29) if k % 6 < 5]
                         + [[k + 1, k + 7, k + 6] for k in range(29) if k % 6 < 5], np.int32)
    xy = (rest + rng.normal(0, .8, rest.shape)).astype(np.float32)
    order = rng.permutation(len(triangles)).astype(np.int32)
    barycentric = function(PHOTO, "barycentric")
    mine = function(PHOTO, "fill_map", barycentric=barycentric)(xy, triangles, rest, order, n, n)
    theirs, covered = np.zeros((n, n, 2), np.float32), np.zeros((n, n), bool)
    source_map(xy, triangles, rest.astype(np.float32), order, theirs, covered)
    known = ~np.isnan(mine[..., 0])
    assert (known == covered).mean() > .99 and known.mean() > .9
    assert np.abs(mine - theirs)[known & covered].max() < .01


def test_motion_is_spread_as_in_the_template(rng):
    from tfg.head.template import cotangent_laplacian, extend

    xy = rng.uniform(0, 1, (30, 2))
    from scipy.spatial import Delaunay

    laplacian, known = cotangent_laplacian(xy, Delaunay(xy).simplices), rng.random(30) < .4
    values = rng.normal(size=(known.sum(), 3))
    mine = function(PHOTO, "spread")(laplacian.toarray(), known, values)
    assert np.allclose(mine, extend(laplacian, known, values), atol=1e-6)
    assert mine.max() <= values.max() + 1e-6                                  # no peak of its own


def test_the_opening_of_the_lips_is_the_packages(rng):
    """Edges with a point in the middle of each column: there the package's samples have the same mean."""
    from tfg.head.openings import coverage

    x, top = np.arange(9.), rng.uniform(2, 4, 9)
    bottom = top + rng.uniform(0, 4, 9)
    mine = function(PHOTO, "between_lips")(top, bottom, 10)
    theirs = coverage(np.stack([x, top], 1), np.stack([x, bottom], 1), (0, 0, 9, 10), columns=1)
    assert np.allclose(mine, theirs)


SYNCNET = "07_syncnet"


def test_towers_are_the_smallest_syncnet():
    """With the same weights both give the same embeddings."""
    import torch

    from tfg.experts.syncnet.network import SyncNet, SyncNetConfig

    torch.manual_seed(0)
    network, tower = SyncNet(SyncNetConfig((8, 16, 24, 32, 48), 0, 64, 48)).eval(), function(SYNCNET, "Tower")
    face = tower(15, [(8, 7, 1), (16, 5, (1, 2)), (24, 3, 2), (32, 3, 2), (48, 3, 2), (48, 3, 2)], 64).eval()
    sound = tower(1, [(8, 3, 1), (16, 3, (3, 1)), (24, 3, 3), (32, 3, (3, 2))], 64).eval()
    for mine, theirs, x in ((face, network.face, torch.rand(3, 15, 24, 48)),
                            (sound, network.sound, torch.rand(3, 1, 80, 16))):
        weights = list(theirs.state_dict().values())
        mine.load_state_dict(dict(zip(mine.state_dict(), weights, strict=True)))
        assert torch.allclose(mine(x), theirs(x), atol=1e-5)


def test_lips_and_losses(rng):
    import torch

    from tfg.experts.syncnet import network as syncnet
    from tfg.experts.syncnet.train import TEMPERATURE, choice_loss

    frames = torch.rand(2, 5, 3, 8, 8)
    assert torch.equal(function(SYNCNET, "lower_half")(frames), syncnet.lower_half(frames))
    v, a = (torch.tensor(rng.uniform(0, 1, (6, 9))) for _ in "va")
    label = torch.tensor([1., 0, 0, 1, 1, 0])
    unit = [torch.nn.functional.normalize(x, dim=1) for x in (v, a)]
    assert torch.allclose(function(SYNCNET, "sync_loss")(v, a, label).float(), syncnet.sync_loss(*unit, label))
    fit = torch.rand(3, 8, 8)
    assert torch.allclose(function(SYNCNET, "choice_loss")(fit, TEMPERATURE), choice_loss(fit))


def test_a_step_of_syncnet_is_the_packages():
    """The same weights after one step of the learner's and of the package's losses."""
    import copy

    import torch

    from tfg.experts.syncnet import network as syncnet
    from tfg.experts.syncnet.train import MOMENTS, TEMPERATURE, choice_loss

    torch.manual_seed(0)
    mine = syncnet.SyncNet(syncnet.PROFILES["ci"])
    theirs = copy.deepcopy(mine)
    faces, mels = torch.rand(2 * MOMENTS, 15, 24, 48), torch.rand(2 * MOMENTS, 1, 80, 16)
    adams = [torch.optim.Adam(network.parameters(), .01) for network in (mine, theirs)]
    own = function(SYNCNET, "choice_loss")
    loss, right = function(SYNCNET, "sync_step")(mine, faces, mels, lambda fit: own(fit, TEMPERATURE), adams[0],
                                                 MOMENTS)
    v, a = theirs(faces, mels)
    fit = v.unflatten(0, (-1, MOMENTS)) @ a.unflatten(0, (-1, MOMENTS)).transpose(1, 2)
    want = choice_loss(fit)
    want.backward()
    adams[1].step()
    assert loss == pytest.approx(want.item(), abs=1e-5) and 0 <= right <= 1
    assert all(torch.allclose(x, y, atol=1e-4) for x, y in zip(mine.parameters(), theirs.parameters()))


def test_moments_are_where_the_package_takes_its_windows(tmp_path):
    from small_store import acted, make_store, splits_of
    from tfg.experts.syncnet.train import MOMENTS, Moments, windows_of

    store = make_store(tmp_path / "s", acted("V1", "HAP", n_frames=70))
    data = Moments(windows_of(store, splits_of(V1="train"), "train", 48), disturbed=False)
    mine, n = function(SYNCNET, "moments"), int(data.count[0])
    for epoch in range(3):
        index = data.batch(epoch, [0])["index"]
        assert any(np.array_equal(mine(n, MOMENTS, start), index) for start in np.linspace(0, 1, 200, endpoint=False))


def test_offset_curve_and_its_scores(rng):
    from tfg.metrics import sync_curve, sync_scores

    for n in (12, 40):
        v, a = rng.uniform(0, 1, (2, n, 5))
        mine = function(SYNCNET, "sync_curve")(v, a, 15)
        assert np.allclose(mine, sync_curve(v, a), equal_nan=True)
        want = sync_scores(v, a)
        assert np.allclose(function(SYNCNET, "sync_scores")(mine), (want.lse_d, want.lse_c, want.offset))


def test_folding_and_memory_are_the_discriminators():
    import torch

    from tfg.experts.emotion.network import PROFILES, EmotionNet
    from tfg.networks.blocks import fold_time

    frames = torch.rand(2, 5, 3, 48, 48, generator=torch.Generator().manual_seed(0))
    assert torch.equal(function(EMOTION, "fold_frames")(frames.movedim(1, 2)), fold_time(frames))
    network = EmotionNet(PROFILES["ci"]).eval()
    lstm = network.time
    state = function(EMOTION, "remember")(network.codes(frames), lstm.weight_ih_l0, lstm.weight_hh_l0,
                                          lstm.bias_ih_l0 + lstm.bias_hh_l0)
    assert torch.allclose(network.name(state), network(frames), atol=1e-5)


def test_single_frames_and_a_step_are_the_discriminators():
    """With the same weights the same codes; the step's loss is that of the package's training, but for its weight."""
    import torch

    from tfg.experts.emotion.network import PROFILES, EmotionNet

    torch.manual_seed(0)
    c, frames = PROFILES["cpu"], torch.rand(4, 5, 3, 64, 64)
    network = EmotionNet(c).eval()
    mine = function(EMOTION, "FrameNet")(c.widths, c.hidden, c.size, c.dropout, c.groups).eval()
    weights = list(network.frame.state_dict().values())
    mine.load_state_dict(dict(zip(mine.state_dict(), weights, strict=True)))
    assert torch.allclose(mine(2 * frames[:, 0] - 1), network.codes(frames)[:, 0], atol=1e-5)

    teller, emotion, expression = torch.nn.Linear(network.dim, 52), torch.tensor([0, 3, 2, 5]), torch.rand(4, 5, 52)
    logits, codes = network(frames, codes=True)
    want = torch.nn.functional.cross_entropy(logits, emotion) + 3 * (teller(codes) - expression).square().mean()
    adam, before = torch.optim.Adam([*network.parameters(), *teller.parameters()], .01), teller.weight.detach().clone()
    loss, right = function(EMOTION, "emotion_step")(network, teller, frames, emotion, expression, 3.0, adam)
    assert loss == pytest.approx(want.item(), abs=1e-5) and not torch.equal(teller.weight, before)
    assert right == pytest.approx((logits.argmax(1) == emotion).float().mean().item())


def test_emotion_loss_and_scores(rng):
    import torch
    import torch.nn.functional as F

    from tfg.course import explore

    logits, target = torch.randn(9, 6), torch.rand(9, 6).softmax(1)
    assert torch.isclose(function(EMOTION, "soft_cross_entropy")(logits, target), F.cross_entropy(logits, target))
    true, said = rng.integers(0, 5, (2, 40))
    assert np.allclose(function(EMOTION, "confusion")(true, said), explore.confusion_matrix(true, said), equal_nan=True)
    frames, probability = torch.rand(2, 3, 12, 12), lambda x: x[:, :, 0, 2:7, 3:5].mean((1, 2, 3))
    mine = function(EMOTION, "occlusion_map")(probability, frames, 4, 2)
    assert np.allclose(mine, explore.occlusion(probability, frames, 4, 2), atol=1e-6)


SCORES = "10_scores"


def test_picture_scores(rng):
    from tfg.metrics import psnr, ssim
    from tfg.metrics.pictures import ssim_maps

    a, b = rng.integers(0, 256, (2, 3, 11, 11, 3)).astype(np.uint8)
    assert np.allclose(function(SCORES, "psnr")(a, b), psnr(a, b))
    ramp = np.exp(-np.arange(-5, 6) ** 2 / (2 * 1.5 ** 2))
    w, one = np.outer(ramp, ramp) / ramp.sum() ** 2, function(SCORES, "window_ssim")
    by_hand = [np.mean([one(x[..., c] / 255, y[..., c] / 255, w) for c in range(3)]) for x, y in zip(a, b)]
    assert np.allclose(by_hand, ssim(a, b)) and np.allclose(by_hand, ssim_maps(a, b)[:, 0, 0])


def test_landmark_and_frechet_distances(rng):
    from tfg.metrics import landmark_distance
    from tfg.scores.face_distance import frechet

    a, b = rng.uniform(0, 96, (2, 4, 68, 2))
    a[2] = np.nan
    assert np.allclose(function(SCORES, "lmd")(a, b), landmark_distance(a, b), equal_nan=True)
    x, y = rng.normal(size=(30, 5)), 1 + 2 * rng.normal(size=(40, 5))
    assert np.isclose(function(SCORES, "frechet")(x, y), frechet(x, y).value)


def test_intervals_and_pairs(rng):
    from tfg.metrics import mean, paired

    actors = np.array(list("aaabbcccccd"))
    values, other = rng.normal(size=(2, len(actors)))
    drawn, want = function(SCORES, "bootstrap")(values, actors, 3, 2000), mean(values, actors, seed=3, draws=2000)
    assert np.allclose(np.percentile(drawn, (2.5, 97.5)), (want.low, want.high))
    other[[0, 10]] = np.nan
    mine = function(SCORES, "paired_difference")(values, other, actors)
    assert len(mine) == 3 and np.isclose(mine.mean(), paired(values, other, actors).value)


EMOGEN = "09_emogen_gan"


def test_hiding_and_feelings_are_the_generators():
    import torch

    from tfg.systems.emogen import network as emogen
    from tfg.systems.emogen.data import feelings

    frames, mask = torch.rand(2, 5, 3, 48, 48), torch.from_numpy(emogen.face_mask(48))
    assert torch.equal(function(EMOGEN, "hide_face")(frames, mask), emogen.hide(frames, mask))
    emotion, intensity = np.arange(6), np.linspace(0, 1, 6)
    mine = function(EMOGEN, "feelings")(emotion, intensity)
    assert np.allclose(mine, feelings(emotion, intensity))
    assert np.allclose(mine, [emogen.feeling(e, i) for e, i in zip(vocabulary.EMOTIONS, intensity)])


def test_references_are_those_that_windows_takes(tmp_path):
    from small_store import acted, make_store, splits_of
    from tfg.systems.emogen.data import windows_of

    store = make_store(tmp_path / "s", acted("V1", "HAP", "SAD", "HAP", "ANG") + acted("V2", "HAP", "NEU"))
    windows = windows_of(store, splits_of(V1="train", V2="train"), "train", 48)
    actor, emotion = (np.array([getattr(row, name) for row in windows.clips]) for name in ("actor", "emotion"))
    taken = {}
    for epoch in range(3):
        batch = windows.batch(epoch, np.arange(len(windows)))
        for clip, reference in zip(batch["clip"], batch["reference_clip"]):
            taken.setdefault(int(clip), set()).add(int(reference))
    mine = function(EMOGEN, "may_refer")
    assert taken == {i: set(mine(actor, emotion, i)) for i in range(len(actor))}


def test_the_generator_by_hand():
    import torch

    from tfg.networks.warp import warp
    from tfg.systems.emogen.network import FLOW, Emogen, EmogenConfig

    torch.manual_seed(0)
    network = Emogen(EmogenConfig((4, 4, 8, 8, 8, 8), (8, 8, 8, 8, 4), 0, (4, 8, 8, 8, 16), 16, 48, copy=True)).eval()
    mel, feeling, (masked, reference) = torch.rand(2, 5, 80, 16), torch.rand(2, 6), torch.rand(2, 2, 5, 3, 48, 48)
    with torch.no_grad():
        maps = function(EMOGEN, "draw_by_hand")(network, mel, feeling, masked, reference)
        a, drawn = torch.sigmoid(maps[:, 5:]), torch.sigmoid(maps[:, :3])
        out = a * warp(reference.flatten(0, 1), FLOW * maps[:, 3:5]) + (1 - a) * drawn
        assert torch.allclose(out.unflatten(0, (2, 5)), network(mel, feeling, masked, reference), atol=1e-5)
    kept = {}
    hook = network.draw[0].register_forward_pre_hook(lambda _, x: kept.update(code=x[0]))
    network(mel, feeling, masked, reference)
    hook.remove()
    sound, picture = kept["code"][:, :16], kept["code"][:, 32:]
    mine = function(EMOGEN, "at_bottleneck")(sound, network.emotion(feeling), picture)
    assert torch.allclose(mine, kept["code"])


def test_losses_of_the_generator():
    import torch

    from tfg.experts import losses

    drawn, target, weight = torch.rand(4, 3, 12, 12), torch.rand(4, 3, 12, 12), torch.rand(12, 12)
    mine = function(EMOGEN, "weighted_l1")(drawn, target, weight)
    assert torch.allclose(mine, losses.reconstruction(drawn, target, weight))

    def quality(x):
        return 5 * (x.mean((1, 2, 3)) - .5)

    of_drawer, of_judge = function(EMOGEN, "gan_losses")(quality, target, drawn)
    assert torch.allclose(of_drawer, losses.looks_true(quality(drawn), 1.0))
    assert torch.allclose(of_judge, (losses.looks_true(quality(target), 1.0)
                                     + losses.looks_true(quality(drawn), 0.0)) / 2)


@pytest.mark.parametrize("lips_follow", [False, True])
def test_the_whole_loss_and_a_step_of_the_duel(lips_follow):
    """The sum as `tfg.systems.emogen.train` writes it (the chapter itself compares with the package's on a batch), and
    a critic that has learned from its own loss alone, from the pictures as they were before the generator moved."""
    import torch

    from tfg.experts import losses
    from tfg.experts.quality import PROFILES as CRITICS
    from tfg.experts.quality import QualityNet
    from tfg.systems.emogen.train import Weights

    torch.manual_seed(0)
    w, critic, true = Weights(mouth=3), QualityNet(CRITICS["ci"]), torch.rand(3, 3, 48, 48)
    drawn = torch.rand(3, 3, 48, 48).requires_grad_()
    five = {name: torch.rand(()) for name in ("l1", "perceptual", "sync", "emotion")}
    five["fools"] = losses.looks_true(critic(drawn), 1.0)
    share = w.sync if lips_follow else 0.0
    package = (1 - share - w.emotion - w.perceptual) * five["l1"] + w.perceptual * five["perceptual"]
    package = package + share * five["sync"] + w.emotion * five["emotion"] + w.quality * five["fools"]
    mine = function(EMOGEN, "whole_loss")(**five, w=w, lips_follow=lips_follow)
    assert torch.allclose(mine, package)

    alone = copy.deepcopy(critic)
    before = drawn.detach().clone()
    adams = [torch.optim.Adam(x, .01) for x in ([drawn], critic.parameters())]
    step = function(EMOGEN, "train_step")
    told = step(lambda: drawn.clone(), lambda x: losses.looks_true(critic(x), 1.0), critic, true, *adams)
    optimiser = torch.optim.Adam(alone.parameters(), .01)
    loss = (losses.looks_true(alone(true), 1.0) + losses.looks_true(alone(before), 0.0)) / 2
    loss.backward()
    optimiser.step()
    assert told[1] == pytest.approx(loss.item(), abs=1e-6) and not torch.equal(drawn, before)
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(critic.parameters(), alone.parameters()))
    assert told[0] == pytest.approx(five["fools"].item(), abs=1e-6)


VECTORS = "11_expression_vectors"


@pytest.mark.parametrize("fps", [25.0, 24.0, 30000 / 1001, 59.94])
def test_vectors_in_time(rng, fps):
    from tfg.media.motion import Motion
    from tfg.systems.portrait import retimed

    for n in (1, 31, 90):
        motion = Motion(rng.uniform(0, 1, (n, 52)), rng.uniform(-9, 9, (n, 6)), fps=fps)
        mine, package = function(VECTORS, "to_25fps"), retimed(motion)
        assert np.allclose(mine(motion.expression, fps), package.expression, atol=1e-6)
        assert np.allclose(mine(motion.pose, fps), package.pose, atol=1e-5)


def test_lids_shut_as_actors_shut_theirs(rng):
    from tfg.acting.emotion import manner
    from tfg.acting.performance import act, blinks
    from tfg.course import explore

    mouth, feeling = rng.uniform(0, .3, (2, 60, 52)).astype(np.float32)
    how = manner("NEU")
    face, _ = act(mouth, feeling, how, seed=4, blink=False)
    blinking, _ = act(mouth, feeling, how, seed=4)
    lids, told = vocabulary.index("eyeBlink"), blinks(60, how.blinks_per_min, seed=4)
    mine = function(VECTORS, "shut_lids")(face, told)
    assert told.max() == 1 and np.allclose(mine[:, lids], blinking[:, lids], atol=1e-6)
    assert np.array_equal(np.delete(mine, lids, 1), np.delete(face, lids, 1))
    assert np.allclose(mine, explore.with_blinks(face, told), atol=1e-6)


def test_expnet_by_hand():
    import torch

    from tfg.systems.expression.expnet.network import PROFILES, ExpNet

    torch.manual_seed(0)
    network = ExpNet(PROFILES["ci"]).eval()
    torch.nn.init.normal_(network.out.weight)
    given = torch.rand(2, 7, 80, 16), torch.rand(2, 52), torch.rand(2, 7)
    with torch.no_grad():
        assert torch.allclose(function(VECTORS, "face_by_hand")(network, *given), network(*given), atol=1e-5)


def test_code_and_price_are_those_of_a_normal_distribution():
    import torch

    mean, logvar, noise = torch.randn(3, 6, 5, generator=torch.Generator().manual_seed(1))
    z, price = function(VECTORS, "code_and_price")(mean, logvar, noise)
    cloud, prior = (torch.distributions.Normal(m, s) for m, s in ((mean, (logvar / 2).exp()), (0. * mean, 1.)))
    assert torch.allclose(price, torch.distributions.kl_divergence(cloud, prior).sum(1).mean(), atol=1e-5)
    density = -noise ** 2 / 2 - logvar / 2 - np.log(2 * np.pi) / 2
    assert torch.allclose(cloud.log_prob(z), density, atol=1e-4)


def test_chunks_join_as_posevae_joins_its_own(rng, monkeypatch):
    """Fed with chunks that are what they are, whatever came before, the package fades as the learner does. What it does
    besides has no part in this: it leaves rest slowly, and a filter takes out tremor."""
    import torch

    from tfg.systems.expression.posevae import network as posevae

    class Chunks(posevae.PoseVAE):
        """Draws prepared chunks, and no limit holds them."""

        def decode(self, z, before, heard, style, answer=None):
            drawn.append(len(drawn))
            return torch.tensor(chunks[drawn[-1]])[None].float() - before[:, -1:]

        def limit(self, pose):
            return pose

    chunks, drawn = rng.normal(size=(5, posevae.CHUNK, 6)), []
    network = Chunks(posevae.PROFILES["ci"]).eval()
    monkeypatch.setattr(posevae, "smooth", lambda pose: pose)
    package = posevae.generate(network, np.zeros((80, 40), np.float32), [0], [0], 4 * 24 + 8)[0]
    mine = function(VECTORS, "join_chunks")(chunks, posevae.OVERLAP)
    assert len(drawn) == 5 and mine.shape == (4 * 24 + 32, 6)
    assert np.allclose(mine[posevae.START:len(package)], package[posevae.START:], atol=1e-5)


def test_five_frames_and_orthogonal_parts(rng):
    from tfg.systems.expression.emotion import features
    from tfg.systems.expression.emotion.apply import orthogonal

    for n in (1, 3, 40):
        source, change = rng.normal(size=(2, n, 52)).astype(np.float32)
        source[0] = 0
        assert np.array_equal(function(VECTORS, "five_frames")(source), features.windows(source))
        assert np.allclose(function(VECTORS, "orthogonal")(change, source), orthogonal(change, source), atol=1e-5)


IETAFS = "12_speech_to_action_units_to_gan"


@pytest.fixture
def edit_pair():
    """Two pictures of each of three people, and their Action Units."""
    import torch

    g = torch.Generator().manual_seed(0)
    return (*(torch.rand(3, 3, 64, 64, generator=g) for _ in "ab"), *(torch.rand(3, 17, generator=g) for _ in "ab"))


def wild_ietafs(**sizes):
    """A small generator whose heads answer at random, so that nothing is 0 or 1."""
    from dataclasses import replace

    import torch

    from tfg.systems.ietafs.gan.network import PROFILES, Ietafs

    torch.manual_seed(0)
    network = Ietafs(replace(PROFILES["ci"], **sizes)).eval()
    torch.nn.init.normal_(network.heads.weight, std=.3)
    if hasattr(network, "fields"):
        torch.nn.init.normal_(network.fields.weight, std=.3)
    return network


def test_unit_loss_is_aunets():
    import torch

    from tfg.systems.ietafs.aunet.losses import LEAST, Spread, Weights, words_losses
    from tfg.systems.ietafs.aunet.network import MOST

    found, true, std = torch.rand(2, 9, 17), torch.rand(2, 9, 17), torch.rand(17) / 5
    spread = Spread(*[tuple(std.clamp(min=LEAST / MOST).tolist())] * 2)
    batch = {"speech": true, "speech_known": torch.ones(2, 17), "mask": torch.ones(2, 9)}
    package = words_losses(found, batch, spread, Weights())["speech"]
    mine = function(IETAFS, "unit_loss")(found.flatten(0, 1), true.flatten(0, 1), std, LEAST / MOST)
    assert torch.allclose(mine, package, rtol=1e-3)


def test_the_penalty_is_the_critics(edit_pair):
    import torch

    from tfg.networks.critics import gradient_penalty
    from tfg.systems.ietafs.gan import critic as critics

    true, drawn, _, _ = edit_pair
    critic, share = critics.Critic(critics.PROFILES["ci"]), torch.rand(3)
    mine = function(IETAFS, "gradient_penalty")(critic, true, drawn, share)
    assert torch.allclose(mine, gradient_penalty(critic, true, drawn, share))


def test_the_editing_generator_by_hand(edit_pair):
    import torch

    from tfg.compose.answer import Answer
    from tfg.networks.warp import applied

    def warp(x, flow):
        return applied(Answer(x, flow, torch.ones(len(x), 1, 64, 64)), x)

    picture, _, aus, _ = edit_pair
    compose, none = function(IETAFS, "compose"), torch.zeros(3, 2, 64, 64)
    network = wild_ietafs(flow=False, skip=False, norm="instance", down=2, width=4, most=16, kernel=7, repeat=2)
    mine = function(IETAFS, "AttentionGenerator")(4, 2)
    mine.load_state_dict(dict(zip(mine.state_dict(), network.state_dict().values())))
    with torch.no_grad():
        colour, attention = mine(picture, aus)
        want = applied(network(picture, aus).answer, picture)
    assert torch.allclose(compose(picture, colour, attention, none, none[:, :1], warp), want, atol=1e-4)

    maps = []
    network = wild_ietafs()
    network.heads.register_forward_hook(lambda module, given, answer: maps.append(answer))
    with torch.no_grad():
        edit = network(picture, aus)
    flow, trust = edit.answer.flow / (1 - edit.attention), torch.sigmoid(maps[0][:, -1:])
    mine = compose(picture, edit.answer.colour, edit.attention, flow, trust, warp)
    assert edit.answer.flow.abs().max() > .01
    assert torch.allclose(mine, applied(edit.answer, picture), atol=1e-4)


def test_published_losses_are_the_trainings(edit_pair):
    """The notebook's critic and generator losses, and the cycle, without what our own pairs teach besides."""
    from dataclasses import asdict, replace

    import torch
    import torch.nn.functional as F

    from tfg.networks.critics import gradient_penalty
    from tfg.networks.warp import applied
    from tfg.systems.ietafs.gan.train import RUNS, SMALL, IetafsTask

    source, target, aus, aus_source = edit_pair
    weights = replace(SMALL, pair=0.0, flow=0.0, trust=0.0, still=0.0, sync=0.0)
    network = wild_ietafs(flow=False, skip=False, norm="instance", down=2)
    task = IetafsTask(network, None, None, RUNS["ci"], weights, (1e-3, 1e-3), profile="ci")
    critic, w = task.networks["critic"], asdict(weights)
    batch = {"aus": aus, "aus_source": aus_source, "chance": 2 * torch.rand(3, 17) - 1,
             "points_source": torch.zeros(3, 68, 2)}
    edit = network(source, aus)
    drawn = applied(edit.answer, source)

    def penalty(critic, true, drawn):
        return gradient_penalty(critic, true, drawn, (batch["chance"][:, 0] + 1) / 2)

    want, values = task._critic(target, drawn.detach(), batch)
    rate, before = .01, [p.detach().clone() for p in critic.parameters()]
    slopes = torch.autograd.grad(want, list(critic.parameters()))
    adams = {"critic": torch.optim.SGD(critic.parameters(), rate)}
    told = function(IETAFS, "critic_step")(critic, adams, target, drawn, aus, penalty, w)
    assert np.allclose(told, [values[name].item() for name in ("apart", "penalty", "units_true")], rtol=1e-4)
    for old, slope, new in zip(before, slopes, critic.parameters()):
        assert torch.allclose(old - rate * slope, new, atol=1e-6)

    def maps(x, y):
        edit = network(x, y)
        return edit.answer.colour, edit.attention

    mine, _, _ = function(IETAFS, "generator_loss", F=F)(maps, critic, source, target, aus, aus_source, w)
    calm, _ = task._generator(source, target, edit, drawn, batch)
    judged, values = task._judged(source, aus, drawn, batch, torch.zeros(3))
    assert torch.allclose(mine, calm + judged, rtol=1e-4)
    cycle = function(IETAFS, "cycle_loss")(lambda x, y: applied(network(x, y).answer, x), source, aus, aus_source)
    assert torch.allclose(cycle, values["cycle"], rtol=1e-4)


def test_units_of_a_frame_are_the_systems(rng, monkeypatch):
    from tfg.acting import performance
    from tfg.systems.ietafs import units
    from tfg.systems.ietafs.aunet import network

    T = 20
    heard = network.Heard(rng.uniform(0, 4, (T, 17)), rng.uniform(-4, 4, (T, 17)), np.full(6, 1 / 6))
    shut = rng.uniform(0, 1, T)
    monkeypatch.setattr(network, "hear", lambda audio, *, model=None: heard)
    monkeypatch.setattr(network, "load", lambda folder=None: None)
    monkeypatch.setattr(performance, "blinks", lambda *a, **k: shut)
    options = SimpleNamespace(emotion="auto", intensity=1.0, listen=.6, blink=True, seed=0, aunet=None, au=None,
                              au_file=None)
    package = units.curve_of(np.zeros(640 * T, np.float32), options)
    assert np.allclose(function(IETAFS, "frame_units")(heard.speech, heard.feeling, .6, shut), package, atol=1e-5)


DEFORMABLE = "13_deformable_synthesis"


def test_a_deformable_convolution_is_torchvisions_and_the_layers():
    import torch
    from torchvision.ops import deform_conv2d

    from tfg.systems.deformable.layers import Sampled

    g = torch.Generator().manual_seed(0)
    mine, sample = function(DEFORMABLE, "deform_conv"), function(DEFORMABLE, "bilinear")
    for C, M, H, W in ((3, 4, 6, 9), (2, 5, 1, 1), (4, 2, 8, 5)):
        x, weight = torch.randn(2, C, H, W, generator=g), torch.randn(M, C, 3, 3, generator=g)
        offset, mask = 2 * torch.randn(2, 18, H, W, generator=g), torch.rand(2, 9, H, W, generator=g)
        want = deform_conv2d(x, offset, weight, padding=1, mask=mask)
        by_hand = [mine(a, o, m, weight, sample) for a, o, m in zip(x, offset, mask)]
        assert torch.allclose(torch.stack(by_hand), want, atol=1e-4)
        if H > 1:                                                         # grid_sample's shares need two pixels
            assert torch.allclose(function(DEFORMABLE, "nine_looks")(x, offset, mask, weight), want, atol=1e-4)
    layer, x, guide = Sampled(8, 12, deform=True, attention=True, inner=6), *(torch.randn(2, n, 7, 7) for n in (8, 12))
    torch.nn.init.normal_(layer.where.weight, std=.1)
    look = function(DEFORMABLE, "look", deform_conv2d=deform_conv2d)
    assert torch.allclose(look(layer, x, guide), layer(x, guide), atol=1e-5)


def test_a_step_of_memory_is_the_layers():
    import torch

    from tfg.systems.deformable.layers import ConvLSTM

    layer, x, extra = ConvLSTM(3, 4), torch.randn(2, 5, 3, 6, 6), torch.randn(2, 1, 16, 6, 6)
    want, (_, memory) = layer(x, extra)
    step, h, c = function(DEFORMABLE, "remember"), torch.zeros(2, 4, 6, 6), torch.zeros(2, 4, 6, 6)
    for t in range(5):
        h, c = step(layer.comes(x[:, t]) + extra[:, 0], layer.own, h, c)
        assert torch.allclose(h, want[:, t], atol=1e-5)
    assert torch.allclose(c, memory, atol=1e-5)


def test_own_truths_are_the_commands(rng, tmp_path):
    """`tfg animate-emotions` takes the mean over frames, as far as the shorter film goes."""
    from tfg.media.video import FrameReader, write_video
    from tfg.metrics import psnr
    from tfg.systems.deformable.emotions import compared

    films = {}
    for name, n in (("drawn", 4), ("true", 6)):
        frames = rng.integers(0, 255, (n, 4, 4, 3)).astype(np.uint8).repeat(8, 1).repeat(8, 2)
        write_video(tmp_path / f"{name}.mp4", iter(frames), None, fps=25.0)
        films[name] = np.stack(list(FrameReader(tmp_path / f"{name}.mp4")))
    drawn, truth = {e: films["drawn"] for e in ("HAP", "SAD")}, {"HAP": films["true"]}
    mine = function(DEFORMABLE, "right_truth")(drawn, truth, psnr)
    want = compared(tmp_path / "drawn.mp4", tmp_path / "true.mp4")
    assert set(mine) == {"HAP"} and abs(mine["HAP"] - want["psnr"]) < .01


def test_seven_classes_are_the_trainings():
    import torch

    from tfg.systems.deformable.critics import PROFILES, CriticConfig
    from tfg.systems.deformable.network import PROFILES as NETWORKS
    from tfg.systems.deformable.network import Deformable
    from tfg.systems.deformable.task import DeformableTask
    from tfg.systems.deformable.train import RUNS, SMALL

    config: CriticConfig = PROFILES["ci"]
    task = DeformableTask(Deformable(NETWORKS["ci"]), None, None, RUNS["ci"], SMALL,
                          {"deformable": 1e-3, "emotion": 1e-3}, config, ("emotion",))
    true, drawn = torch.rand(2, 3, 2, 3, config.size, config.size)
    batch = {"emotion": torch.tensor([0, 5, 3]), "photo": torch.randint(256, (3, 3, config.size, config.size))}
    photo = batch["photo"] / 255

    def critic(runs):                                                     # the chapter's critic sees the runs alone
        return task.networks["emotion"](runs, photo)

    own, other = function(DEFORMABLE, "emotion_losses")(critic, true, drawn, batch["emotion"])
    assert torch.allclose(own, task._emotion(true, drawn, batch)[0])
    assert torch.allclose(other, task._judged(true, drawn, photo, batch)[1]["emotion"])


RHYTHMIC = "14_rhythmic_heads"


def test_a_rigid_fit_is_the_packages(rng):
    from tfg.systems.rhythmic import pose

    fit, stable = function(RHYTHMIC, "rigid_fit"), list(pose.STABLE)
    turns = rng.uniform(-1, 1, (6, 6)) * [40, 25, 20, .1, .1, .1]
    rest = pose.Rigid(np.eye(3), np.array(5.0), np.array([60.0, 50, 3]))
    points = pose.recompose(pose.template() + rng.normal(0, .2, (6, 68, 3)), pose.turned(rest, turns)).astype(float)
    points[5] = points[5] * [1, 1, -1]                                    # inside out
    want = pose.fit(points)
    for k, one in enumerate(points):
        for mine, true in zip(fit(one[stable], pose.template()[stable].astype(float)), want.at(k)):
            assert np.allclose(mine, true, atol=1e-6)


def test_a_face_in_anothers_pose_is_recomposed(rng):
    from tfg.systems.rhythmic import pose

    rest = pose.Rigid(np.eye(3), np.array(5.0), np.array([60.0, 50, 3]))
    turns = rng.uniform(-20, 20, (2, 6)) * [1, 1, 1, 0, 0, 0]
    a, b = pose.recompose(pose.template() + rng.normal(0, .2, (2, 68, 3)), pose.turned(rest, turns))
    want = pose.recompose(pose.canonical(a, pose.fit(a)), pose.fit(b))
    assert np.allclose(function(RHYTHMIC, "in_pose_of")(a, b, pose.fit), want, atol=1e-3)


def rhythmic_net():
    import torch

    from tfg.systems.rhythmic import network

    torch.manual_seed(0)
    made = network.Rhythmic(network.PROFILES["ci"])
    with torch.no_grad():
        made.landmark[1][0].weight.mul_(4)
    return made


def test_attention_over_shots_is_the_networks():
    import torch

    net = rhythmic_net()
    S = net.config.size
    shots, sketches, asked = torch.rand(1, 3, 3, S, S), torch.rand(1, 3, 3, S, S), torch.rand(1, 3, S, S)
    with torch.no_grad():
        looks = net.see(shots, sketches)
        mixed, share = net.mix(looks, asked)
        mine = function(RHYTHMIC, "attend")(net.query(net.landmark(asked))[0], looks.keys[0], looks.maps[0])
    assert share.std() > .01 and torch.allclose(mine[1], share[0], atol=1e-5)
    assert torch.allclose(mine[0], mixed[0], atol=1e-5)


def test_spade_blocks_are_the_layers_in_training_too():
    import torch

    from tfg.systems.rhythmic.layers import SpadeBlock

    package, mine = SpadeBlock(6, 4, (3, 4, 4), hidden=5), function(RHYTHMIC, "SpadeBlock")(6, 4, (3, 4, 4), 5)
    mine.load_state_dict(package.state_dict())
    x, maps = 3 * torch.randn(2, 6, 8, 8) + 1, [torch.rand(2, c, 8, 8) for c in (3, 4, 4)]
    for part in (package.train(), mine.train()), (package.eval(), mine.eval()):
        want, found = part[0](x, maps, torch.zeros(2, 1)), part[1](x, maps)
        assert torch.allclose(found, want, atol=1e-5)


def test_the_composition_is_the_networks():
    import torch

    from tfg.course import explore

    net = rhythmic_net().eval()
    ada = explore.sitter(102, ((0, 0, 0, 0, 0, 0), (20, 0, 0, 0, 0, 0)), size=net.config.size)
    points = ada.points + 1
    at = explore.moment_of(ada, points, np.array([1, 0]))
    with torch.no_grad():
        looks = net.see(*explore.shots_of(ada))
        out = net.draw(type(looks)(*(x.expand(2, *x.shape[1:]) for x in looks)), at)
        mine = function(RHYTHMIC, "lay_over")(out.colour, out.moved_ani, out.ani.trust, out.moved_ref, out.ref.trust)
    assert .05 < out.ani.trust.max() and torch.allclose(mine, out.picture, atol=1e-5)


def test_the_critics_losses_are_the_trainings(tmp_path):
    import torch
    import torch.nn.functional as F

    import small_speeches
    from tfg.systems.rhythmic.motion.network import PROFILES, SEED, MotionNet
    from tfg.systems.rhythmic.motion.train import RUNS, Motions, MotionTask, Weights
    from tfg.training.batches import tensors

    config = PROFILES["ci"]
    data = Motions(small_speeches.make(tmp_path), "train", 24, config.noise, config.reach)
    torch.manual_seed(0)
    net = MotionNet(config)
    task = MotionTask(net, data, data, RUNS["ci"], 1e-3, Weights(steps=0, spread=0))
    x = tensors(data.batch(0, np.arange(4)))
    want = {who: loss.detach() for who, loss, _ in task.losses(x, None)}
    moved_by = function(RHYTHMIC, "moved_by")
    by_critic = function(RHYTHMIC, "by_critic")
    own = x["wave"][:, 640 * SEED:]
    mine = dict(by_critic(net, task.networks["critic"], x, task.scored, own))
    assert torch.allclose(mine["critic"], want["critic"]) and torch.allclose(mine["net"], want["rhythmic_motion"])
    error, = function(RHYTHMIC, "by_error")(net, None, x, task.scored, own)
    assert torch.allclose(error[1], F.mse_loss(task.scored(moved_by(net, x).pose), task.scored(x["pose"])))


LAB = "15_metric_lab"


def test_the_metric_lab_counts_ranks_doses_and_windows_as_the_package(rng):
    from tfg.metrics.stats import Mean
    from tfg.metrics.sync import sync_scores
    from tfg.scores.lab import matrix, measure

    values = np.round(rng.normal(size=(20, 5)), 1)                                          # with ties
    rank = function(LAB, "rank_correlation")
    assert np.allclose([rank(np.arange(5), v) for v in values], [matrix.spearman(v) for v in values])
    told = function(LAB, "smallest_told")
    for low in rng.normal(0, 1, (20, 4)):
        high = low + rng.uniform(0, .5, 4)
        ends = tuple(Mean((a + b) / 2, a, b, 1, 3) for a, b in zip(low, high))
        assert told(low, high) == (matrix.smallest(ends) or 0)
    picture, sound = rng.normal(size=(2, 40, 16))
    score = function(LAB, "lse_c")
    assert np.isclose(score(picture, sound, 15, False), sync_scores(picture, sound).lse_c)
    assert np.isclose(score(picture, sound, 15, True), measure.padded_lse_c(picture, sound))


def test_the_metric_lab_goes_to_infinity_as_the_package(rng):
    from tfg.scores.lab import matrix

    curve = matrix.halves(rng.normal(size=(200, 8)))
    assert np.isclose(function(LAB, "fid_infinite")(np.array(curve["n"]), np.array(curve["value"])), curve["infinite"])


BOARD = "16_five_systems_compared"


def test_comparisons_are_the_packages(rng):
    from tfg.metrics import compare

    d = rng.normal(.4, 1, 9)
    assert np.isclose(function(BOARD, "sign_flip")(d), compare.sign_flip_p(d))
    p = rng.uniform(0, .1, 15)
    assert np.allclose(function(BOARD, "holm")(p), compare.holm(p))


def test_strengths_are_those_of_the_study(rng):
    from tfg.scores.study.strength import fit

    wins = rng.integers(20, 60, (4, 4)) * (1 - np.eye(4))
    pairs = np.array([(i, j) for i in range(4) for j in range(i + 1, 4)])
    counts = np.array([[[wins[i, j], wins[j, i], 0] for i, j in pairs]])
    assert np.allclose(function(BOARD, "bradley_terry")(wins, 300), fit(counts, pairs, 4)[0][0], atol=.01)
