"""Mirror tables: proved on the mesh, on the 68 points, and on a photo that is measured twice."""
from __future__ import annotations

import numpy as np
import pytest

from tfg import paths
from tfg.faces import mirror
from tfg.faces.points68 import INNER, to_68
from tfg.vocabulary import EXPRESSION, INDEX, POSE


def test_each_table_undoes_itself():
    for table, n in ((mirror.POINTS, 478), (mirror.POINTS68, 68), (mirror.EXPRESSION_ORDER, 52)):
        assert table.shape == (n,) and np.array_equal(table[table], np.arange(n))
    assert (mirror.POINTS == np.arange(478)).sum() == 28


def test_points_carry_the_mesh_onto_itself():
    """A wrong pair tears about six edges. Six in all, single diagonals, are drawn differently on both sides."""
    connections = pytest.importorskip("mediapipe.tasks.python.vision").FaceLandmarksConnections
    edges = {frozenset((e.start, e.end)) for e in connections.FACE_LANDMARKS_TESSELATION}
    torn = [e for e in edges if frozenset(mirror.POINTS[list(e)].tolist()) not in edges]
    assert len(edges) == 1322 and len(torn) == 6
    for eye, other in (("LEFT", "RIGHT"),):
        for part in ("EYE", "EYEBROW", "IRIS"):
            a, b = ({frozenset((e.start, e.end)) for e in getattr(connections, f"FACE_LANDMARKS_{side}_{part}")}
                    for side in (eye, other))
            assert {frozenset(mirror.POINTS[list(e)].tolist()) for e in a} == b


def test_68_points_agree_with_478():
    inner = np.array(INNER)
    assert np.array_equal(mirror.POINTS[inner], inner[mirror.POINTS68[17:] - 17])
    p = np.random.default_rng(0).uniform(0, 100, (3, 478, 3)).astype(np.float32)
    assert np.allclose(to_68(mirror.points(p, 100)), mirror.points(to_68(p), 100), atol=1e-3)


def test_sides_change_places():
    e = np.arange(52.0)
    out = mirror.expression(e)
    assert out[INDEX["eyeBlinkLeft"]] == INDEX["eyeBlinkRight"] and out[INDEX["jawLeft"]] == INDEX["jawRight"]
    assert out[INDEX["jawOpen"]] == INDEX["jawOpen"] and out[INDEX["mouthLeft"]] == INDEX["mouthRight"]
    assert sum(out != e) == sum(n.endswith(("Left", "Right")) for n in EXPRESSION)
    assert dict(zip(POSE, mirror.pose(np.ones(6)))) == dict(yaw=-1, pitch=1, roll=-1, tx=-1, ty=1, tz=1)


def test_a_photo_and_its_mirror_image_are_measured_alike():
    """default.jpg is frontal; its mirror image's points, pose and coefficients are the mirrored ones."""
    from tfg.faces.landmarks import Landmarker
    from tfg.media.image import read_image

    image = read_image(paths.data("faces", "portrait_3.jpg"))               # head turned, hair to one side
    with Landmarker() as landmarker:
        (face,), (other,) = landmarker(image), landmarker(np.ascontiguousarray(image[:, ::-1]))
    span = np.linalg.norm(face.points[33, :2] - face.points[263, :2])
    apart = np.linalg.norm(mirror.points(face.points, image.shape[1]) - other.points, axis=1)[:, None]
    assert np.median(apart) < .03 * span and apart.max() < .12 * span
    assert np.abs(mirror.pose(face.pose) - other.pose)[:3].max() < 3 and abs(face.pose[0]) > 3
