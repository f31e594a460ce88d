import numpy as np

from tfg.head.model import Head
from tfg.head.raster import depth_map, rasterise, sample, source_map
from tfg.head.render import render_head


def test_a_square_covers_its_pixels_and_the_nearer_triangle_wins():
    xy = np.array([[1, 1], [6, 1], [6, 6], [1, 6]], float)
    tri = np.array([[0, 1, 2], [0, 2, 3]])
    face, bary, zbuf = rasterise(np.concatenate([xy, xy]), np.array([2.0] * 4 + [1.0] * 4),
                                 np.concatenate([tri, tri + 4]), 8, 9)
    assert (face >= 0).sum() == 36 and face[1:7, 1:7].min() >= 2
    np.testing.assert_allclose(bary[3, 3].sum(), 1, atol=1e-5)
    np.testing.assert_allclose(zbuf[3, 3], 1)
    assert np.isinf(zbuf[0, 0])


def test_a_depth_map_is_the_z_buffer_of_the_drawn_head():
    head = Head.load()
    xy, depth = head.mean[:, :2] * [400, -400] + 80, -head.mean[:, 2]
    _, _, drawn = rasterise(xy, depth, head.triangles, 160, 160)
    found = np.full((160, 160), 1e9, np.float32)
    depth_map(xy, depth, head.triangles, found)
    inside = np.isfinite(drawn)
    assert inside.mean() > .1 and (found[inside] < 1e9).all()
    same = found[inside] == drawn[inside]
    assert same.mean() > .99 and (found[inside] <= drawn[inside]).all()       # edges reach a little further
    before = found.copy()
    depth_map(xy, depth + 1, head.triangles, found)                           # what is behind changes nothing
    np.testing.assert_array_equal(found, before)


def test_identity_warp_returns_the_texture_and_a_shift_shifts_it():
    rng = np.random.default_rng(0)
    texture = rng.integers(0, 255, (12, 16, 3), dtype=np.uint8)
    corners = np.array([[0, 0], [15, 0], [15, 11], [0, 11]], np.float32)
    tri = np.array([[0, 1, 2], [0, 2, 3]], np.int32)

    def draw(at):
        where, covered = np.zeros((12, 16, 2), np.float32), np.zeros((12, 16), bool)
        source_map(at.astype(np.float32), tri, corners, np.arange(2, dtype=np.int32), where, covered)
        return sample(texture, where), covered

    out, covered = draw(corners)
    assert covered.all()
    np.testing.assert_allclose(out, texture, atol=0.6)
    out, covered = draw(corners + [2, 0])
    assert not covered[:, :2].any()
    np.testing.assert_allclose(out[:, 2:], texture[:, :-2], atol=0.6)


def test_render_head_is_a_picture_and_is_deterministic():
    head = Head.load()
    a, b = render_head(head, size=96), render_head(head, size=96)
    assert a.shape == (96, 96, 3) and a.dtype == np.uint8
    assert (a == b).all()
    smile = np.zeros(52)
    smile[43:45] = 1
    turned = render_head(head, None, smile, [20, 0, 0, 0, 0, 0], 96)
    assert np.abs(a.astype(int) - turned).mean() > 2


def test_translations_are_head_widths():
    head = Head.load()
    eyes = lambda pose: np.argwhere(render_head(head, None, None, pose, 200).max(2) < 60).mean(0)   # noqa: E731
    still, moved = eyes(None), eyes([0, 0, 0, 0.1, 0.05, 0])
    np.testing.assert_allclose(moved - still, [-0.05 * 0.48 * 200, 0.1 * 0.48 * 200], atol=1.5)
