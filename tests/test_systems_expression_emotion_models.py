"""The three emotion models: functions that each can learn, and the fork's mistakes that none of them makes."""
from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import torch

from tfg.errors import InputError
from tfg.networks import checkpoint
from tfg.networks.blocks import n_parameters
from tfg.systems.expression.emotion import add, automl, learn, linear, transformer
from tfg.systems.expression.emotion import files as keep
from tfg.systems.expression.emotion.features import FELT, FRAMES, N_TIMES, times, windows
from tfg.systems.expression.emotion.pairs import Pair, Played
from tfg.systems.expression.emotion.transformer import EmotionTransformer, TransformerConfig, causal_mask
from tfg.training.setup import run_of
from tfg.vocabulary import INDEX, index

SMILE, BROW, JAW = INDEX["mouthSmileLeft"], INDEX["browInnerUp"], INDEX["jawOpen"]


def toy(n: int, seed: int = 0) -> list[Pair]:
    """Pairs by a rule: HAP lifts the smile by i (1 - jaw), half as far in the first frame; SAD lifts the brow by i."""
    rng, out = np.random.default_rng(seed), []
    for k in range(n):
        T = int(rng.integers(20, 40))
        source = np.zeros((T, 52), np.float32)
        source[:, JAW] = .5 + .5 * np.sin(np.arange(T) * rng.uniform(.3, .9) + rng.uniform(0, 6.28))
        played = []
        for emotion in FELT:
            for level, i in (("LO", .3), ("HI", float(rng.uniform(.8, 1)))):
                target = source.copy()
                if emotion == "HAP":
                    rise = (1 - .5 * np.exp(-np.arange(T) / 25 / .4)) * i * (1 - source[:, JAW])
                    target[:, index("mouthSmile")] += rise[:, None]
                if emotion == "SAD":
                    target[:, BROW] += i
                played.append(Played(emotion, level, i, target))
        out.append(Pair(f"A{k}", "", source, tuple(played), ()))
    return out


def rmse(change, pairs) -> float:
    return float(np.sqrt(np.mean([np.mean((change(p.source, q.emotion, q.intensity) - (q.target - p.source)) ** 2)
                                  for p in pairs for q in p.played])))


def nothing(source, emotion, intensity):
    return np.zeros_like(source)


@pytest.fixture(scope="module")
def unseen():
    return toy(4, seed=9)


# ---- linear ---------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def held():
    return linear.fit(toy(12))


def test_linear_learns_what_is_linear(held, unseen):
    error = rmse(lambda *a: linear.change(held, *a), unseen)
    assert error < .15 * rmse(nothing, unseen)


def test_linear_uses_intensity_jaw_and_time(held):
    still, open_ = np.zeros((30, 52), np.float32), np.zeros((30, 52), np.float32)
    open_[:, JAW] = 1
    weak, strong = (linear.change(held, still, "HAP", i)[:, SMILE] for i in (.3, .9))
    assert 2 < strong.mean() / weak.mean() < 4
    assert strong[15] > 1.15 * strong[0]
    assert linear.change(held, open_, "HAP", .9)[:, SMILE].mean() < .3 * strong.mean()
    assert np.abs(linear.change(held, still, "HAP", .9)[:, BROW]).max() < .05      # each emotion has its own weights


def test_linear_is_none_at_intensity_none(held):
    assert not linear.change(held, np.ones((9, 52), np.float32), "SAD", 0.0).any()


def test_linear_with_more_noise_is_calmer():
    """The penalty is what it says: sources with noise are answered with less of it."""
    pairs, rng = toy(6), np.random.default_rng(0)
    noisy = (.05 * rng.standard_normal((60, 52))).astype(np.float32)

    def jitter(noise):
        return np.diff(linear.change(linear.fit(pairs, noise=noise), noisy, "HAP", 1.0)[:, SMILE]).std()

    assert jitter(.2) < jitter(.001)


def test_linear_file_and_back(held, tmp_path, unseen):
    keep.save_arrays(tmp_path, "linear", held, {"note": 1})
    loaded, card = keep.load_arrays("linear", tmp_path)
    assert card["note"] == 1 and card["parameters"] == held["weight"].size and len(card["sha256"]) == 64
    source = unseen[0].source
    assert np.allclose(linear.change(loaded, source, "HAP", .8), linear.change(held, source, "HAP", .8), atol=2e-3)
    assert np.array_equal(add(source, "HAP", .8, folder=tmp_path),
                          source + linear.change(loaded, source, "HAP", .8))


def test_files_that_do_not_belong_together_are_refused(held, tmp_path):
    keep.save_arrays(tmp_path, "linear", held, {})
    raw = tmp_path / "linear.safetensors"
    raw.write_bytes(raw.read_bytes()[:-1] + b"x")
    with pytest.raises(InputError, match="sha256"):
        keep.load_arrays("linear", tmp_path)
    (tmp_path / "linear.json").write_text("{}")
    with pytest.raises(InputError, match="no card"):
        keep.load_arrays("linear", tmp_path)


# ---- transformer ----------------------------------------------------------------------------------------------
def test_the_mask_hides_the_future_and_nothing_else():
    mask = causal_mask(5)
    future = np.triu(np.ones((5, 5), bool), 1)
    assert np.isneginf(mask.numpy()[future]).all() and not mask.numpy()[~future].any()


@pytest.fixture(scope="module")
def random_network():
    torch.manual_seed(0)
    network = EmotionTransformer(transformer.PROFILES["ci"]).eval()
    torch.nn.init.normal_(network.out.weight, std=.1)
    return network


def given(n: int, seed: int = 0):
    rng = np.random.default_rng(seed)
    return (torch.from_numpy(rng.random((n, FRAMES, 52), np.float32)), torch.arange(n) % 5,
            torch.linspace(.1, 1, n), torch.from_numpy(rng.random((n, N_TIMES), np.float32)))


@torch.no_grad()
def test_positions_do_not_see_the_future(random_network):
    window, *told = given(4)
    before = random_network.positions(window, *told)
    for k in range(FRAMES):
        other = window.clone()
        other[:, k] += 1
        after = random_network.positions(other, *told)
        assert torch.allclose(after[:, :k], before[:, :k], atol=1e-6)
        assert (after[:, k:] - before[:, k:]).abs().amax(2).min() > 1e-4           # from k on, everybody sees it


@torch.no_grad()
def test_the_transformer_gives_vectors_in_proportion_to_the_intensity(random_network):
    window, emotion, _, when = given(6)
    out = random_network(window, emotion, torch.ones(6), when)
    assert out.shape == (6, 52) and out.std(1).min() > 0
    assert not random_network(window, emotion, torch.zeros(6), when).any()


@torch.no_grad()
def test_the_transformer_hears_of_emotion_intensity_and_time(random_network):
    window, emotion, intensity, when = given(4)
    first = random_network(window, emotion, intensity, when)
    assert not torch.allclose(first, random_network(window, (emotion + 1) % 5, intensity, when), atol=1e-4)
    assert not torch.allclose(first, random_network(window, emotion, intensity, 1 - when), atol=1e-4)


def test_the_gpu_network_has_the_published_sizes_and_takes_a_step():
    """16 layers of width 64, 8 heads, feed-forward 256."""
    torch.manual_seed(0)
    network = EmotionTransformer(transformer.PROFILES["gpu"])
    c = network.config
    assert (c.layers, c.dim, c.heads, c.inner) == (16, 64, 8, 256)
    layer = 4 * 64 * 64 + 4 * 64 + 2 * 64 * 256 + 256 + 64 + 4 * 64
    rest = 52 * 64 + 64 + FRAMES * 64 + 5 * 64 + (N_TIMES + 1) * 64 + 64 + 64 * 64 + 64 + 2 * 64 + 64 * 52 + 52
    assert n_parameters(network) == 16 * layer + rest
    task = learn.Task(network, toy(1), toy(1), learn.RUNS["gpu"], 1e-3)
    batch = {k: torch.from_numpy(np.ascontiguousarray(v)) for k, v in task.data.batch(0, np.arange(8)).items()}
    name, loss, _ = next(task.losses(batch, None))
    loss.backward()
    assert name == "transformer" and torch.isfinite(loss) and network.out.weight.grad.abs().sum() > 0
    before = network.out.weight.detach().clone()
    task.optimisers["transformer"].step()
    assert not torch.equal(before, network.out.weight)


def test_windows_to_learn_from_are_those_of_applying():
    """A batch without noise holds just what `change` will show the network, for the frame whose change it holds."""
    pairs = toy(3)
    data = learn.Windows(pairs)
    assert len(data) == sum(len(p.source) for p in pairs) * len(pairs[0].played)
    rng = np.random.default_rng(0)
    indices = rng.integers(0, len(data), 200)
    learn_noise, learn_dead = learn.NOISE, learn.DEAD
    try:
        learn.NOISE = learn.DEAD = 0.0
        batch = data.batch(0, indices)
    finally:
        learn.NOISE, learn.DEAD = learn_noise, learn_dead
    starts = np.cumsum([0, *(len(p.source) for p in pairs)])
    frame, k = np.divmod(indices, len(pairs[0].played))
    for row, (f, j) in enumerate(zip(frame, k)):
        p = int(np.searchsorted(starts, f, "right")) - 1
        t, played = f - starts[p], pairs[p].played[j]
        assert np.array_equal(batch["window"][row], windows(pairs[p].source)[t])
        assert np.array_equal(batch["times"][row], times(len(pairs[p].source))[t])
        assert FELT[batch["emotion"][row]] == played.emotion
        assert batch["intensity"][row] == np.float32(played.intensity)
        assert np.allclose(batch["change"][row], (played.target - pairs[p].source)[t], atol=1e-3)


def test_batches_are_a_function_of_seed_epoch_and_indices():
    data, indices = learn.Windows(toy(2), seed=3), np.arange(7, 40)
    a, b, c = data.batch(1, indices), data.batch(1, indices), data.batch(2, indices)
    assert np.array_equal(a["window"], b["window"]) and not np.array_equal(a["window"], c["window"])
    assert not np.array_equal(a["window"], learn.Windows(toy(2), seed=4).batch(1, indices)["window"])


def test_the_transformer_learns(tmp_path, unseen):
    network, at = learn.fit(toy(12), unseen, tmp_path, run_of(learn.RUNS, "ci", steps=150), profile="ci",
                            progress=False)
    assert at.step == 150 and (tmp_path / "transformer" / "log.csv").is_file()
    error = rmse(lambda *a: transformer.change(network, *a), unseen)
    assert error < .6 * rmse(nothing, unseen)
    checkpoint.save(network, tmp_path, "transformer", {})
    loaded, card = transformer.load(tmp_path)
    assert card["config"]["layers"] == 2 and not loaded.training
    source = unseen[0].source
    assert np.allclose(add(source, "HAP", .8, model="transformer", folder=tmp_path),
                       source + transformer.change(network, source, "HAP", .8), atol=5e-3)


def test_the_transformer_starts_from_given_weights_and_says_so(tmp_path):
    """Frozen parts stay as they were given; the card names the start. The other models have no steps to start from."""
    from tfg.systems.expression.emotion.train import train_emotion_add as train

    pairs = {split: toy(2, seed=k) for k, split in enumerate(("train", "val", "test"))}
    how = dict(profile="ci", steps=4, pairs=pairs, progress=False)
    train("transformer", tmp_path / "a", **how)
    card = train("transformer", tmp_path / "b", seed=1, init=tmp_path / "a", freeze="out", **how)
    a, b = (transformer.load(tmp_path / n)[0].state_dict() for n in "ab")
    same = {name for name in a if torch.equal(a[name], b[name])}
    assert {"out.weight", "out.bias"} <= same != set(a)
    assert card["init"]["taken"] == len(a) and card["init"]["left"] == [] and card["frozen"] == ["out"]
    assert card["command"].endswith("--steps 4 --init CHECKPOINT --freeze out")
    with pytest.raises(InputError, match="linear is not trained in steps; leave --init out"):
        train("linear", tmp_path / "c", init=tmp_path / "a", pairs=pairs)


def test_the_same_seed_gives_the_same_transformer(tmp_path):
    def run(folder):
        network, *_ = learn.fit(toy(3), toy(1), tmp_path / folder, run_of(learn.RUNS, "ci", steps=3), profile="ci",
                               progress=False)
        return torch.cat([p.flatten() for p in network.parameters()])

    assert torch.equal(run("a"), run("b"))


# ---- automl ---------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def forests():
    for package in ("flaml", "lightgbm"):
        pytest.importorskip(package, reason=f"no {package}: pip install flaml lightgbm")
    return automl.fit(toy(10), toy(3, seed=5), budget_s=60, trials=3, rounds=40)


def test_automl_learns_what_changes_and_leaves_the_rest(forests, unseen):
    import lightgbm

    texts, told = forests
    assert set(texts) == {"mouthSmile", "browInnerUp"}
    assert told["search"]["settings_tried"] == 3 and set(told["trees"]) == set(texts)
    boosters = {n: lightgbm.Booster(model_str=t) for n, t in texts.items()}
    assert rmse(lambda *a: automl.change(boosters, *a), unseen) < .5 * rmse(nothing, unseen)
    change = automl.change(boosters, unseen[0].source, "HAP", .8)
    assert np.array_equal(change[:, index("mouthSmile")[0]], change[:, index("mouthSmile")[1]])
    assert not automl.change(boosters, unseen[0].source, "HAP", 0.0).any()


def test_automl_saved_files_predict_as_at_training(forests, tmp_path, unseen):
    import lightgbm

    texts, told = forests
    automl.save(tmp_path, texts, told)
    loaded, card = automl.load(tmp_path)
    x = automl._rows(automl.inputs(unseen[0].source), "HAP", .8)
    for name, text in texts.items():
        assert np.array_equal(loaded[name].predict(x), lightgbm.Booster(model_str=text).predict(x))
    assert card["forests"] == len(texts) and card["settings"] == told["settings"]
    assert np.array_equal(add(unseen[0].source, "HAP", .8, model="automl", folder=tmp_path),
                          unseen[0].source + automl.change(loaded, unseen[0].source, "HAP", .8))


def test_automl_text_is_the_forest_that_was_grown():
    """The text, read again, predicts bit by bit what the booster in memory did."""
    pytest.importorskip("lightgbm", reason="no LightGBM: pip install lightgbm")
    import lightgbm

    rows = automl.table(toy(5))
    settings = {"num_leaves": 7, "learning_rate": .2, "min_data_in_leaf": 20, "feature_fraction": .5, "lambda_l2": 1.0}
    grown = automl._grow(rows, automl.table(toy(2, seed=3)), "mouthSmile", settings, 15, 0)
    again = lightgbm.Booster(model_str=grown.model_to_string(num_iteration=grown.best_iteration or None))
    assert np.array_equal(again.predict(rows[0]), grown.predict(rows[0], num_iteration=grown.best_iteration or None))


def test_automl_files_hold_no_pickle(forests, tmp_path):
    import gzip

    automl.save(tmp_path, forests[0], forests[1])
    texts = json.loads(gzip.decompress((tmp_path / "automl.json.gz").read_bytes()))
    assert all(text.startswith("tree\n") for text in texts.values())
    first = (tmp_path / "automl.json.gz").read_bytes()
    automl.save(tmp_path, forests[0], forests[1])
    assert (tmp_path / "automl.json.gz").read_bytes() == first                     # no time of day in it


def test_the_same_seed_and_trials_give_the_same_forests(forests):
    assert automl.fit(toy(10), toy(3, seed=5), budget_s=60, trials=3, rounds=40)[0] == forests[0]


def test_a_search_ends_with_its_budget():
    for package in ("flaml", "lightgbm"):
        pytest.importorskip(package, reason=f"no {package}: pip install flaml lightgbm")
    _, told = automl.fit(toy(3), toy(1, seed=5), budget_s=.5, rounds=5)
    assert told["search"]["settings_tried"] >= 1


def test_rows_weigh_a_rate_as_its_change():
    """intensity^2 (rate - predicted rate)^2 is the squared error of the change itself."""
    pairs = toy(2)
    x, rate, weight = automl.table(pairs, every=1)
    n = automl.NAMES.index("mouthSmile")
    change = np.concatenate([(q.target - p.source)[:, SMILE] for p in pairs for q in p.played])
    assert np.allclose(np.sqrt(weight) * rate[:, n], change, atol=1e-5)
    assert np.array_equal(np.unique(x[:, 0]), np.arange(5)) and np.allclose(np.sqrt(weight), x[:, 1])


def test_automl_without_lightgbm_says_what_to_install(monkeypatch):
    monkeypatch.setattr(automl, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install flaml lightgbm"):
        automl.packages("flaml", "lightgbm")
    with pytest.raises(InputError, match="lightgbm, which is not installed"):
        add(np.zeros((5, 52)), "HAP", model="automl")


def test_nothing_heavy_is_imported_before_it_is_used():
    """Mistake g of the fork: AutoML was imported always."""
    code = ("import sys, numpy as np; from tfg.systems.expression.emotion import add; add(np.zeros((5, 52)), 'HAP'); "
            "import tfg.systems.expression.emotion.cli;"
            "print([m for m in ('torch', 'flaml', 'lightgbm') if m in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_transformer_config_is_made_of_plain_numbers():
    assert TransformerConfig(**json.loads(json.dumps(transformer.PROFILES["cpu"].__dict__))) == \
        transformer.PROFILES["cpu"]
