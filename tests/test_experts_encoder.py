"""The face encoder: its shapes, training data, scores and a small run, on drawn faces of known truth."""
from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from tfg.corpora.splits import Person, Splits
from tfg.corpora.store import Row, Store, StoreWriter
from tfg.errors import InputError
from tfg.experts.encoder import network as m
from tfg.experts.encoder import train as e
from tfg.training.holdout import held_out
from tfg.vocabulary import INDEX

SIZE, FRAMES = 32, 24
SPLIT = ["train"] * 5 + ["val"] * 2 + ["judge"] * 7 + ["test"]


def drawn(person: int, jaw: float, blink: float) -> np.ndarray:
    """A skin, two eyes that shut and a mouth that opens, on the person's own background."""
    rng = np.random.default_rng([3, person])
    out = np.full((SIZE, SIZE, 3), rng.integers(20, 230, 3), np.uint8)
    out[5:30, 8:24] = rng.integers(110, 220, 3)
    eye = round(4 * (1 - blink))
    out[11:11 + eye, 10:14] = out[11:11 + eye, 18:22] = 20
    out[22:22 + 1 + round(7 * jaw), 12:20] = (120, 20, 30)
    return out


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    """15 people, two clips in different emotions each."""
    path = tmp_path_factory.mktemp("encoder") / "store"
    with StoreWriter(path, size=SIZE) as writer:
        for k in range(len(SPLIT)):
            for c, emotion in enumerate(("HAP", "SAD")):
                rng = np.random.default_rng([k, c])
                jaw, blink = rng.uniform(0, 1, (2, FRAMES))
                expression, points = np.zeros((FRAMES, 52)), np.full((FRAMES, 478, 3), SIZE / 2)
                expression[:, INDEX["jawOpen"]] = jaw
                expression[:, [INDEX["eyeBlinkLeft"], INDEX["eyeBlinkRight"]]] = blink[:, None]
                points[:, :, 1] += 6 * jaw[:, None]
                writer.append(Row(f"actors/P{k:02}_{emotion}", "actors", f"P{k:02}", emotion=emotion, labels="true"),
                              [drawn(k, a, b) for a, b in zip(jaw, blink)], np.zeros((77, 80)), expression=expression,
                              pose=np.zeros((FRAMES, 6)), points=points)
    Splits(tuple(Person("actors", f"P{k:02}", split) for k, split in enumerate(SPLIT)), {}).save_in(path)
    return Store.open(path)


@pytest.mark.parametrize("profiles", [m.PROFILES, m.JUDGES])
@pytest.mark.parametrize("name", ["ci", "cpu"])
def test_shapes_at_any_size(profiles, name):
    network = m.FaceEncoder(profiles[name]).eval()
    config = network.config
    for side in (config.size, 50):
        x = torch.rand(2, 3, side, side)
        maps, found = network.features(x), network(x)
        assert [tuple(f.shape) for f in maps] == [(2, w, config.size >> k, config.size >> k)
                                                  for k, w in enumerate(config.widths)] and len(maps) in (4, 5)
        assert found["expression"].shape == (2, 52) and found["pose"].shape == (2, 6)
        assert found["pooled"].shape == (2, network.dim)
        assert 0 <= found["expression"].min() and found["expression"].max() <= 1
        torch.testing.assert_close(found["identity"].norm(dim=1), torch.ones(2))
    with pytest.raises(ValueError, match=r"\(B, 3, S, S\)"):
        network(torch.rand(2, 1, 32, 32))


def test_the_judge_is_another_architecture():
    assert all(m.PROFILES[p].kind != m.JUDGES[p].kind for p in m.PROFILES)
    with pytest.raises(ValueError, match="residual or plain"):
        m.FaceEncoder(m.EncoderConfig(kind="vgg"))


def test_distance_of_maps_by_hand():
    a = [torch.tensor([3.0, 4.0]).reshape(1, 2, 1, 1), torch.tensor([1.0, 0.0]).reshape(1, 2, 1, 1).expand(1, 2, 2, 2)]
    b = [torch.tensor([4.0, 3.0]).reshape(1, 2, 1, 1), torch.tensor([0.0, 5.0]).reshape(1, 2, 1, 1).expand(1, 2, 2, 2)]
    assert float(m.map_distance(a, b)) == pytest.approx(2 * .2 ** 2 + 2, abs=1e-5)
    assert float(m.map_distance(a, a)) == 0
    x = torch.zeros(1, 3, 32, 32, requires_grad=True)
    network = m.FaceEncoder(m.PROFILES["ci"]).eval().requires_grad_(False)
    m.map_distance(network.features(x), network.features(torch.rand(1, 3, 32, 32))).sum().backward()
    assert x.grad.abs().sum() > 0                       # a loss can use it


def test_surroundings_are_exchanged_and_faces_kept():
    x = torch.rand(3, 3, 32, 32)
    y = e.elsewhere(x)
    assert torch.equal(y[:, :, 17, 16], x[:, :, 17, 16])
    assert torch.equal(y[:, :, 0, 0], x.roll(1, 0)[:, :, 0, 0]) and not torch.equal(y[:, :, 0, 0], x[:, :, 0, 0])


def test_jitter_moves_a_landmark_with_its_picture():
    torch.manual_seed(1)
    matrix, x = e.jitters(8), torch.zeros(8, 3, 64, 64)
    x[:, :, 40, 20] = 1
    assert torch.equal(matrix, (torch.manual_seed(1), e.jitters(8))[1])
    where = (torch.tensor([20., 40.]) + .5) * 2 / 64 - 1
    moved = (where - matrix[:, :, 2]) / matrix[:, 0, :1]
    y = e.jittered(x, matrix)[:, 0]
    along = torch.arange(64)
    at = torch.stack([(y.sum(k) * along).sum(1) for k in (1, 2)], 1) / y.sum((1, 2))[:, None]
    assert (at - 20).abs().max() > 1
    torch.testing.assert_close(at, (moved + 1) * 32 - .5, atol=.3, rtol=0)


class Knows(torch.nn.Module):
    """Reads the drawing: how high the mouth is; whose it is by the background's colour, or by the skin's."""

    def __init__(self, corner: bool):
        super().__init__()
        self.unused, self.corner = torch.nn.Parameter(torch.zeros(1)), corner

    def forward(self, x):
        expression = torch.rand(len(x), 52, generator=torch.Generator().manual_seed(0))
        expression[:, INDEX["jawOpen"]] = (x[:, 1, 22:, 16] < .2).float().sum(1)
        colour = x[:, :, 1, 1] if self.corner else x[:, :, 17, 16]
        return {"expression": expression, "pose": torch.ones(len(x), 6),
                "identity": torch.nn.functional.normalize(colour - .5, dim=1)}


def test_scores_tell_knowing_from_guessing(store):
    unseen = e.windows_of(store, None, "judge", SIZE, purpose="judge")
    by_skin, by_corner = (e.score_encoder(Knows(corner), unseen) for corner in (False, True))
    assert by_skin["r_jaw"] > .9 and abs(by_skin["r_blink"]) < .3 and by_skin["pose_deg"] == 1
    assert "r_smile" not in by_skin                     # nobody smiles here
    assert by_skin["auc"] > .97 and by_skin["auc_face"] > .97
    assert by_corner["auc"] > .97 and by_corner["auc_face"] < .7


def test_a_small_run_learns(store, tmp_path):
    at, card = e.train_encoder(store, tmp_path, profile="ci", steps=200, progress=False)
    assert at.step == 200 and json.loads((tmp_path / "encoder.json").read_text())["scores"] == card["scores"]
    assert set(card["scores"]) == {"val", "test"} and "2 unseen actors" in card["scored_on"]
    assert card["scores"]["val"]["r_jaw"] > .75
    network, kept = m.load_encoder(tmp_path)
    assert kept == card and network.config == m.PROFILES["ci"] and not network.training


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(store, tmp_path):
    def weights(name, seed):
        e.train_encoder(store, tmp_path / name, profile="ci", steps=3, seed=seed, progress=False)
        return (tmp_path / name / "encoder.safetensors").read_bytes()

    assert weights("a", 1) == weights("b", 1) != weights("c", 2)


def test_the_judge_learns_from_judges_only(store, tmp_path):
    assert held_out(store, None) == {"actors/P12"}                       # the sixth of seven
    at, card = e.train_encoder(store, tmp_path, judge=True, profile="ci", steps=2, progress=False)
    assert card["system"] == "judge_encoder" and card["use"].startswith("scores only")
    assert card["data"].startswith("12 clips of 6 actors") and "1 unseen actors" in card["scored_on"]
    assert "auc" not in card["scores"]["val"]           # one person cannot be confused
    assert m.load_encoder(tmp_path, judge=True)[0].config.kind == "plain"


def test_what_is_refused(store, tmp_path):
    with pytest.raises(InputError, match="unknown profile 'huge'"):
        e.train_encoder(store, tmp_path, profile="huge")
    with pytest.raises(InputError, match="encoder is not in"):
        m.load_encoder(tmp_path)
    with StoreWriter(tmp_path / "few", size=SIZE) as writer:
        for k in range(2):
            writer.append(Row(f"actors/P{k}", "actors", f"P{k}", labels="true"), [drawn(k, 0, 0)], np.zeros((4, 80)))
    Splits(tuple(Person("actors", f"P{k}", "judge") for k in range(2)), {}).save_in(tmp_path / "few")
    with pytest.raises(InputError, match="2 judge actors; a judge needs at least 3"):
        held_out(Store.open(tmp_path / "few"), None)
