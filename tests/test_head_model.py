import numpy as np
import pytest

from tfg import paths
from tfg.errors import InputError
from tfg.faces import mirror
from tfg.head.model import IRIS_M, Head, angles, project, rotation
from tfg.vocabulary import EXPRESSION, index


@pytest.fixture(scope="module")
def head():
    return Head.load()


def one(**values):
    e = np.zeros(52, np.float32)
    for name, value in values.items():
        e[index(name)] = value
    return e


def test_shapes_and_size_on_disk(head):
    v, k = len(head.mean), len(head.identity_names)
    assert head.identity.shape == (k, v, 3) and head.expression.shape == (52, v, 3)
    assert head.triangles.max() == v - 1 and len(head.part) == len(head.triangles) == len(head.triangles_uv)
    assert head.landmark_points().shape == (478, 3)
    assert paths.data("head", "head.npz").stat().st_size < 7e6
    assert "gender-male" in head.identity_names and "african" in head.identity_names


def test_units_are_metres_and_axes_as_documented(head):
    p = head.landmark_points()
    assert 0.08 < np.linalg.norm(p[33] - p[263]) < 0.11            # between the outer eye corners
    assert p[263, 0] > 0 > p[33, 0]                                # the person's left is on the picture's right
    assert p[10, 1] > p[1, 1] > p[152, 1]                          # forehead, nose, chin
    assert p[1, 2] > p[234, 2]                                     # the nose is nearer than the ear


def test_landmarks_are_symmetric_and_weights_sum_to_one(head):
    np.testing.assert_allclose(head.landmark_weights.sum(1), 1, atol=1e-5)
    p = head.landmark_points()
    off = np.linalg.norm(p[mirror.POINTS] * [-1, 1, 1] - p, axis=1)
    assert off.max() < 1e-3, off.argmax()


def test_irises_lie_on_the_middle_of_the_eyeballs(head):
    p = head.landmark_points()
    for first, part in ((468, "eye_right"), (473, "eye_left")):
        ball = head.mean[np.unique(head.triangles[head.part_mask(part)])]
        middle = (ball.min(0) + ball.max(0)) / 2
        np.testing.assert_allclose(p[first, :2], middle[:2], atol=1e-4)
        ring = p[first + 1:first + 5, :2] - middle[:2]
        np.testing.assert_allclose(ring, IRIS_M * np.array([[1, 0], [0, 1], [-1, 0], [0, -1]]), atol=1e-4)
        assert (p[first:first + 5, 2] > middle[2] + 0.7 * np.ptp(ball[:, 2]) / 2).all()


def test_the_sexes_are_what_they_are_called(head):
    male, female = (head.mean + head.identity[head.identity_names.index(n)] for n in ("gender-male", "gender-female"))
    x, y, z = head.mean.T
    neck = (np.abs(y + 0.12) < 0.02) & (z < 0)
    assert np.ptp(male[neck, 0]) > 1.15 * np.ptp(female[neck, 0])                 # men have the wider neck


@pytest.mark.parametrize("name,landmark,axis,sign", [
    ("jawOpen", 152, 1, -1), ("mouthSmile", 61, 1, 1), ("browInnerUp", 107, 1, 1), ("browDown", 105, 1, -1),
    ("mouthPucker", 61, 0, 1), ("eyeBlink", 159, 1, -1), ("mouthFrown", 61, 1, -1)])
def test_actions_move_the_right_landmark_the_right_way(head, name, landmark, axis, sign):
    moved = head.landmark_points(None, one(**{name: 1.0})) - head.landmark_points()
    assert sign * moved[landmark, axis] > 1.5e-3


def test_left_is_the_persons_left(head):
    moved = head.landmark_points(None, one(mouthSmileLeft=1.0)) - head.landmark_points()
    assert np.linalg.norm(moved[291]) > 4 * np.linalg.norm(moved[61])


def test_mouth_close_shuts_an_open_jaw(head):
    gap = lambda e: np.linalg.norm(head.landmark_points(None, e)[13] - head.landmark_points(None, e)[14])  # noqa: E731
    assert gap(one(jawOpen=0.5, mouthClose=0.5)) < 0.25 * gap(one(jawOpen=0.5))


@pytest.mark.parametrize("yaw,pitch,roll", [(20, 0, 0), (0, -10, 0), (0, 0, 30), (15, 8, -12)])
def test_angles_invert_rotation(yaw, pitch, roll):
    np.testing.assert_allclose(angles(rotation(yaw, pitch, roll)), (yaw, pitch, roll), atol=1e-4)


def test_pose_signs(head):
    nose = np.array([[0, 0, 0.05]])
    x, y = project(nose, rotation(yaw=20), 1000.0, np.zeros(2))[0][0]
    assert x > 10 and abs(y) < 1                                   # to the picture's right
    assert project(nose, rotation(pitch=20), 1000.0, np.zeros(2))[0][0, 1] < -10     # up
    top = np.array([[0, 0.1, 0]])
    assert project(top, rotation(roll=20), 1000.0, np.zeros(2))[0][0, 0] > 10        # clockwise


def test_expression_names_are_the_shipped_order():
    with np.load(paths.data("head", "head.npz"), allow_pickle=False) as f:
        assert tuple(f["expression_names"]) == EXPRESSION


def test_missing_and_broken_files_are_input_errors(monkeypatch, tmp_path):
    monkeypatch.setattr(paths, "data", lambda *p: tmp_path.joinpath(*p))
    load = Head.load.__wrapped__
    with pytest.raises(InputError, match="missing"):
        load()
    (tmp_path / "head").mkdir()
    (tmp_path / "head" / "head.npz").write_bytes(b"not a zip")
    with pytest.raises(InputError, match="cannot be read"):
        load()
