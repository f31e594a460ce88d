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


# ---- hair that the photo's edge cuts off ----------------------------------------------------------------------------
UP, DOWN = np.array([0, 0, 0, 0, .1, 0.]), np.array([0, 0, 0, 0, -.1, 0.])


@pytest.fixture(scope="module")
def cut_off():
    """A shipped portrait whose dark hair touches the upper edge, the face's points, and its coefficients."""
    from tfg import paths
    from tfg.faces.landmarks import one_face
    from tfg.media.image import read_image

    photo = read_image(paths.data("faces", "portrait_2.jpg"))
    found = one_face(photo)
    top = int(found.points[:, 1].min() - .2 * np.ptp(found.points[:, 1]))
    points = found.points - [0, top, 0]
    return np.ascontiguousarray(photo[top:]), points, found.blendshapes


@pytest.mark.parametrize("preprocess", ["crop", "resize", "full"])
def test_hair_at_the_edge_leaves_the_picture(cut_off, preprocess):
    """It is not pressed into a dark bar there: what is seen is the photo, moved up."""
    image, points, blendshapes = cut_off
    p = Portrait.from_image(image, size=256, preprocess=preprocess, landmarks=points, blendshapes=blendshapes)
    rest = p.personal(asked())
    still, frame = (p.render(rest, pose)[..., 1].astype(float) for pose in (None, UP))
    rows = p.vertices(rest, UP)[0][:, 1] - p.vertices(rest)[0][:, 1]
    brow = np.argmax(tp.load().landmarks[:, 9])
    step = round(-rows[brow] * (p.paste[4] / p.window[3] if p.paste else 1))
    assert step > 4
    x = round(p.landmarks[[9, 10], 0].mean() - p.window[0] + (p.paste[1] if p.paste else 0))
    wide = slice(x - 20, x + 20)
    away = np.abs(frame[:40, wide] - still[step:40 + step, wide]).mean()
    assert away < 2.5                                           # 4 to 16 where the mesh is held at the edge
    assert psnr(p.render(p.rest_expression), p.source) > 36


@pytest.mark.parametrize("preprocess", ["crop", "full"])
def test_nothing_beyond_the_photo_comes_in(cut_off, preprocess, monkeypatch):
    """When the head comes back from the edge, the photo is drawn out: of what lies beyond, hardly a line is shown."""
    from tfg.head import framing

    def red_outside(texture, window, points, ends, continued=framing._continued):
        texture, window, points, more = continued(texture, window, points, ends)
        left, top, right, bottom = more
        texture = texture.copy()
        outside = np.ones(texture.shape[:2], bool)
        outside[top:texture.shape[0] - bottom, left:texture.shape[1] - right] = False
        texture[outside] = (255, 0, 0)
        return texture, window, points, more

    monkeypatch.setattr(framing, "_continued", red_outside)
    image, points, blendshapes = cut_off
    p = Portrait.from_image(image, size=256, preprocess=preprocess, landmarks=points, blendshapes=blendshapes)
    assert p.beyond[1] > 20 and (p.texture[0] == (255, 0, 0)).all()
    for pose in (DOWN, UP, *np.array([[0, -10, 0, 0, 0, 0], [12, 0, 6, 0, 0, 0], [-12, 5, 0, .1, 0, 0.]])):
        frame = p.render(p.personal(asked(browInnerUp=1)), pose).astype(int)
        red = (frame[..., 0] > 200) & (frame[..., 1:].max(2) < 90)
        rim = round(.02 * max(red.shape))
        assert red.mean() < .01 and not red[rim:-rim, rim:-rim].any(), pose


def test_a_head_far_from_the_edges_is_framed_as_before(photo, portrait):
    assert portrait.beyond == (0, 0, 0, 0) and portrait.inward is None
    assert portrait.texture.shape[0] <= 256 * 1.5 + 1


def test_the_strip_at_the_edge_is_mirrored_back_and_forth():
    from tfg.head.framing import _mirrored

    assert _mirrored(9, 5, 2, 3, 4).tolist() == [0, 0, 1, 1, 0, *range(9), 8, 7, 6]


def test_a_large_photo_is_shown_as_large_as_players_can(photo, monkeypatch):
    """On a small scale: the limit is put down, so that the 512 px photo counts as large."""
    from tfg.head import framing
    from tfg.media.encode import n_blocks

    monkeypatch.setattr(framing, "SHOWN_BLOCKS", 400)
    with pytest.warns(UserWarning, match="photo is 512 x 512 pixels, more than players show of a film; it is made 320"):
        p = Portrait.from_image(photo, preprocess="full")
    assert p.size == (320, 320) and n_blocks(*p.size) == 400
    assert psnr(p.render(p.rest_expression), p.source) > 34


def test_of_a_large_photo_only_the_head_is_worked_on(photo, monkeypatch):
    import cv2

    from tfg.faces.landmarks import one_face
    from tfg.head import framing

    points = one_face(photo).points
    large = cv2.resize(photo, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    scaled = points * [4, 4, 4]
    whole = framing.frame(large, scaled, 128, "crop")
    seen = []
    blur = cv2.GaussianBlur
    monkeypatch.setattr(cv2, "GaussianBlur", lambda image, *a: seen.append(image.shape) or blur(image, *a))
    monkeypatch.setattr(framing, "LARGE", 1_000_000)
    part = framing.frame(large, scaled, 128, "crop")
    assert seen and seen[0][0] * seen[0][1] < .7 * large.shape[0] * large.shape[1]
    assert part[0].shape == whole[0].shape and np.abs(part[0].astype(int) - whole[0]).max() <= 2
    np.testing.assert_array_equal(part[2], whole[2])
