"""The astronaut smiles with her teeth shown: the hard case. Her photo ships with scikit-image (public domain)."""
import numpy as np
import pytest

from tfg.errors import InputError
from tfg.head import template as tp
from tfg.head.portrait import Portrait
from tfg.head.template import signed_areas
from tfg.vocabulary import index


def asked(**values):
    e = np.zeros(52, np.float32)
    for name, value in values.items():
        e[index(name)] = value
    return e


@pytest.fixture(scope="module")
def photo():
    from skimage import data

    return data.astronaut()


@pytest.fixture(scope="module")
def portrait(photo):
    return Portrait.from_image(photo, size=256)


def gap(portrait, name, expression):
    """The widest opening, pixels along the face's vertical."""
    xy, _ = portrait.vertices(expression)
    part = portrait.openings.parts[name]
    return ((xy[part.lower] - xy[part.upper]) @ portrait.openings.down).max()


def psnr(a, b):
    return 10 * np.log10(255 ** 2 / max(((a.astype(float) - b) ** 2).mean(), 1e-9))


def test_rest_gives_the_photo_back(portrait):
    frame = portrait.render(portrait.rest_expression)
    assert frame.shape == portrait.source.shape == (256, 256, 3)
    assert psnr(frame, portrait.source) > 40


POSES = [(15, 0, 0, 0, 0, 0), (-15, 0, 0, 0, 0, 0), (0, 12, 0, 0, 0, 0), (0, -12, 8, 0, 0, 0)]


@pytest.mark.parametrize("pose", POSES)
def test_turned_no_fold(portrait, pose):
    expression = portrait.rest_expression
    xy, _ = portrait.vertices(expression, np.array(pose, float))
    rest, now = (signed_areas(p, portrait.triangles) for p in (portrait.rest_xy.astype(float), xy))
    at = portrait.rest_xy[portrait.triangles].mean(1)
    mouth = portrait.rest_xy[portrait.openings.parts["mouth"].upper]
    away = np.linalg.norm(at - mouth.mean(0), axis=1) > 0.8 * np.ptp(mouth[:, 0])
    away &= np.abs(rest) > 0.3                                     # square pixels; slivers have no say
    folded = np.abs(now[away & (now / rest <= 0)]) / 2             # the warp's Jacobian keeps its sign, but for what
    assert folded.sum() < 1 and len(folded) < 4                    # a turned cheek hides at its edge (square pixels)
    frame = portrait.render(expression, np.array(pose, float))
    assert psnr(frame, portrait.source) < 30                       # and it did move


@pytest.mark.parametrize("pose", POSES)
def test_every_pixel_outside_the_openings_is_covered(portrait, pose):
    from tfg.head.raster import source_map

    xy, depth = portrait.vertices(asked(jawOpen=0.4), np.array(pose, float))
    x, y, w, h = portrait.window
    covered, where = np.zeros((h, w), bool), np.zeros((h, w, 2), np.float32)
    order = np.argsort(-depth[portrait.triangles].max(1)).astype(np.int32)
    source_map((xy - [x, y]).astype(np.float32), portrait.triangles, portrait.rest_xy, order, where, covered)
    holes = np.zeros((h, w), bool)
    for part in portrait.openings.parts.values():
        polygon = np.concatenate([xy[part.upper], xy[part.lower][-2:0:-1]]) - [x, y]
        low, high = np.floor(polygon.min(0)).astype(int) - 1, np.ceil(polygon.max(0)).astype(int) + 2
        holes[low[1]:high[1], low[0]:high[0]] = True
    assert covered[~holes].all()


def test_a_toothy_smile_can_close_its_lips(portrait):
    assert gap(portrait, "mouth", portrait.rest_expression) > 4
    assert gap(portrait, "mouth", asked()) < 0.5
    assert gap(portrait, "mouth", asked(jawOpen=0.3, mouthClose=0.4)) < 0.5
    assert gap(portrait, "mouth", asked(jawOpen=0.5)) > 11.5


def test_lids_close_over_the_eyes_and_open_wide(portrait):
    relaxed = portrait.personal(asked())
    for eye in ("eye_left", "eye_right"):
        assert gap(portrait, eye, portrait.personal(asked(eyeBlink=1))) < 0.6
        assert gap(portrait, eye, portrait.personal(asked(eyeWide=1))) > 1.1 * gap(portrait, eye, relaxed)


def test_chin_moves_over_the_neck(portrait):
    still, _ = portrait.vertices(asked())
    moved, _ = portrait.vertices(asked(jawOpen=0.6))
    down = (moved - still)[:, 1]
    chin = np.argmax(tp.load().landmarks[:, 152])
    below = portrait.rest_xy[:, 1] > portrait.rest_xy[chin, 1] + 6
    under = below & (np.abs(portrait.rest_xy[:, 0] - portrait.rest_xy[chin, 0]) < 10)
    assert down[chin] > 5
    assert (down[under] < down[chin]).all() and down[under].max() > 1   # the neck follows, less and less


def test_the_frame_of_the_picture_stays(portrait):
    xy, _ = portrait.vertices(asked(jawOpen=0.5, mouthSmile=1), np.array([10.0, 5, 5, 0.1, 0, 0]))
    height, width = portrait.texture.shape[:2]
    x, y = portrait.rest_xy.T
    border = (x == 0) | (y == 0) | (x == width - 1) | (y == height - 1)
    assert border.sum() > 50
    assert np.abs(xy - portrait.rest_xy)[border].max() < 0.01


@pytest.mark.parametrize("preprocess,shape", [("crop", (200, 200)), ("resize", (200, 200)), ("full", (512, 512))])
def test_preprocess(photo, preprocess, shape):
    p = Portrait.from_image(photo, size=200, preprocess=preprocess)
    frame = p.render(p.personal(asked(jawOpen=0.4)))
    assert frame.shape[:2] == p.size == shape
    if preprocess == "full":
        changed = np.abs(frame.astype(int) - photo).max(2) > 8
        rows, cols = np.nonzero(changed)
        assert changed.any() and cols.min() > 100 and cols.max() < 350       # only around the face


def test_unknown_preprocess_is_an_input_error(photo):
    with pytest.raises(InputError, match="crop, resize, full"):
        Portrait.from_image(photo, preprocess="zoom")


def test_same_input_same_bytes(photo, portrait):
    again = Portrait.from_image(photo, size=256)
    e, pose = asked(jawOpen=0.3, eyeBlink=0.5, mouthSmile=0.4), np.array([5.0, 2, 1, 0, 0, 0])
    assert (again.render(e, pose) == portrait.render(e, pose)).all()


def test_template_lies_flat_with_three_openings():
    t = tp.load()
    layout, tri, border = tp.triangulate(t, np.array([[-0.17, 0.17], [0.17, 0.17], [0.17, -0.2], [-0.17, -0.2]]))
    assert (signed_areas(layout * [1, -1], tri) < 0).all()
    for name in tp.OPENINGS:
        polygon = tp.opening_polygon(t.layout, t.upper, t.lower, name)
        assert not tp.inside(layout[tri].mean(1), polygon).any()
        assert t.upper[name][0] == t.lower[name][0] and t.upper[name][-1] == t.lower[name][-1]


def test_harmonic_extension_keeps_the_maximum_principle():
    t = tp.load()
    layout, tri, border = tp.triangulate(t, np.array([[-0.17, 0.17], [0.17, 0.17], [0.17, -0.2], [-0.17, -0.2]]))
    lap = tp.cotangent_laplacian(layout, tri)
    known = border.copy()
    known[:50] = True
    values = np.where(border[known], 0.0, 1.0)[:, None]
    out = tp.extend(lap, known, values)
    assert out.min() > -1e-6 and out.max() < 1 + 1e-6
