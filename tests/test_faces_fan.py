"""FAN behind the same function: with a stand-in network always, with the real one where its weights are."""
from __future__ import annotations

import urllib.error

import numpy as np
import pytest

from tfg.errors import InputError
from tfg.faces import detect, fan

face_alignment = pytest.importorskip("face_alignment")
torch = pytest.importorskip("torch")
skimage_data = pytest.importorskip("skimage.data")


@pytest.fixture
def fresh():
    fan.network.cache_clear()
    yield
    fan.network.cache_clear()


class Diagonal(torch.nn.Module):
    """Heat maps (B, 68, 64, 64) whose peak i lies at (x, y) = (10 + i // 2, 20 + i // 4), for any picture."""

    def forward(self, crop):
        heat = torch.zeros(len(crop), 68, 64, 64)
        for i in range(68):
            heat[:, i, 20 + i // 4, 10 + i // 2] = 0.5
        return heat


@pytest.fixture
def stand_in(fresh, monkeypatch):
    # the flipped picture is measured too, with left and right points exchanged; the stand-in is not symmetric
    def network(self, *_):
        self.flip_input = False
        return Diagonal()
    monkeypatch.setattr(face_alignment.FaceAlignment, "_load_native", network)
    monkeypatch.setattr(fan, "check_weights", lambda path: None)


def test_stand_in_points_land_where_the_heat_maps_peak(stand_in):
    image = skimage_data.astronaut()
    plain, found = detect(image)[0], detect(image, backend="fan")[0]
    assert found.points68.shape == (68, 2) and found.score == pytest.approx(.5, abs=.05)
    assert np.array_equal(found.points, plain.points)                            # the rest stays MediaPipe's
    # face-alignment's crop: 200 px at scale (w + h) / 195 around the box's centre, moved up by 12 % of its height
    x0, y0, x1, y1 = plain.box
    side = 200 * (x1 - x0 + y1 - y0) / 195
    corner = np.array([(x0 + x1) / 2, y1 - (y1 - y0) / 2 - .12 * (y1 - y0)]) - side / 2
    expected = [corner + (np.array([10 + i // 2, 20 + i // 4]) + .5) / 64 * side for i in range(68)]
    assert np.abs(found.points68 - expected).max() < side / 64 * 1.5


def test_two_faces_at_once(stand_in):
    image = np.hstack([skimage_data.astronaut()] * 2)
    found = detect(image, backend="fan")
    assert len(found) == 2 and abs(found[0].points68[:, 0].mean() - found[1].points68[:, 0].mean()) > 300


def test_offline_says_what_to_do(fresh, monkeypatch, tmp_path):
    def offline(*_):
        raise urllib.error.URLError("no network")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(face_alignment.FaceAlignment, "_load_native", offline)
    with pytest.raises(InputError, match='weights of FAN.*connect.*backend="mediapipe"'):
        detect(skimage_data.astronaut(), backend="fan")


def test_wrong_weights_are_refused(fresh, monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    fan.weights_path().parent.mkdir(parents=True)
    fan.weights_path().write_bytes(b"not weights")
    with pytest.raises(InputError, match="wrong checksum"):
        fan.network()


@pytest.mark.skipif(not fan.weights_path().exists(), reason="FAN's weights (96 MB) are not in torch.hub's folder")
def test_real_network_agrees_with_mediapipe(fresh):
    image = skimage_data.astronaut()
    found, plain = detect(image, backend="fan")[0], detect(image)[0]
    eyes = np.linalg.norm(plain.points68[36] - plain.points68[45])
    error = np.linalg.norm(found.points68 - plain.points68, axis=1) / eyes
    assert error[17:].mean() < .06 and error[:17].mean() < .12
