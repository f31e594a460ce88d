"""face-LPIPS, face-FID and CSIM: known values, and a metric lab, which breaks one thing of a virtual actor by known
amounts and looks at which scores move."""
from __future__ import annotations

import numpy as np
import pytest
import torch

from tfg import paths
from tfg.errors import InputError
from tfg.experts.encoder.network import JUDGES, FaceEncoder, load_encoder
from tfg.scores import face_distance as faces
from tfg.scores import identity
from tfg.vocabulary import INDEX, index

SIZE = 96
MARGIN = (.05, .15, .05, .08)


TRAINED = (paths.data("judge_encoder") / "judge_encoder.json").is_file()


@pytest.fixture(scope="module")
def judge() -> FaceEncoder:
    """The judge that ships; where there is none, one that knows nobody but sees: its distances move, too."""
    if TRAINED:
        return load_encoder(judge=True)[0]
    torch.manual_seed(0)
    return FaceEncoder(JUDGES["cpu"]).eval().requires_grad_(False)


class Face:
    """A virtual actor in the crop of a store, which follows the head at rest and never the jaw."""

    def __init__(self, seed: int):
        from tfg.actors.identity import Identity
        from tfg.actors.virtual import VirtualActor
        from tfg.faces.align import box_matrix, crop_box

        self.actor = VirtualActor(Identity.from_seed(seed), size=128)
        self.matrix = box_matrix(crop_box(self.actor.landmarks(self.actor.neutral)[:, :2], MARGIN), SIZE)

    def see(self, **values) -> tuple[np.ndarray, np.ndarray]:
        """(96, 96, 3) uint8 and landmarks (478, 2) with these coefficients and the rest neutral."""
        from tfg.faces.align import transform, warp

        expression = self.actor.neutral.copy()
        for name, value in values.items():
            expression[index(name)] = value
        return (warp(self.actor.render(expression), self.matrix, SIZE),
                transform(self.actor.landmarks(expression)[:, :2], self.matrix))

    def clip(self, n: int, seed: int) -> np.ndarray:
        """n frames of random mouths and eyes."""
        draw = np.random.default_rng(seed).uniform(0, 1, (n, 3))
        return np.stack([self.see(jawOpen=.4 * a, mouthSmile=.6 * b, eyeBlink=c ** 4)[0] for a, b, c in draw])


@pytest.fixture(scope="module")
def people() -> list[Face]:
    return [Face(5), Face(8)]


def blurred(x: np.ndarray, sigma: float) -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(x.astype(float), (0, sigma, sigma, 0)) / 255


def rises(values) -> bool:
    return bool((np.diff(values) > 0).all())


# ---- the metric lab -------------------------------------------------------------------------------------------------
def test_lab_face_lpips_rises_with_each_kind_of_damage(people, judge):
    still = people[0].see()[0][None]
    score = {
        "blur": [faces.face_lpips(blurred(still, s), still / 255, judge)[0] for s in (.01, .7, 1.4, 2.8)],
        "mouth": [faces.face_lpips(people[0].see(jawOpen=j)[0], still, judge)[0] for j in (0, .15, .3, .6)],
        "shift": [faces.face_lpips(np.roll(still, k, 2), still, judge)[0] for k in (0, 1, 2, 4)],
    }
    for name, values in score.items():
        assert values[0] < 1e-3 and rises(values), (name, values)
    other = faces.face_lpips(people[1].see()[0], still, judge)[0]
    assert other > score["mouth"][-1]                   # another person differs more than an open mouth


def test_lab_face_fid_sees_blur_and_strangers_but_not_the_order_of_frames(people, judge):
    n = judge.dim + 20
    few = people[0].clip(10, 0)                         # few drawings, many pictures of them: light and noise differ
    rng = np.random.default_rng(1)

    def many(x):
        light = rng.normal(0, .04, (n, 1, 1, 3)) + rng.normal(0, .02, (n, *x.shape[1:]))
        return (x[rng.integers(0, len(x), n)] / 255 + light).clip(0, 1)

    true = faces.pooled(many(few), judge)
    again = faces.face_fid(true, faces.pooled(many(few), judge), judge)
    assert again.n_a == n and again.dim == judge.dim and f"N {n}" in str(again)
    assert faces.frechet(true, true[::-1]).value < 1e-6
    blur = [faces.frechet(true, faces.pooled(blurred(255 * many(few), s), judge)).value for s in (.7, 1.4, 2.8)]
    assert again.value < blur[0] and rises(blur)
    assert faces.frechet(true, faces.pooled(many(people[1].clip(10, 0)), judge)).value > 2 * again.value


def test_lab_csim_sees_strangers_and_not_expressions_shifts_or_blur(people, judge):
    kinds = ["encoder"] * TRAINED + ["dlib"] * identity.dlib_available()[0]
    if not kinds:
        pytest.skip("neither a trained judge_encoder in data/ nor dlib")
    for kind in (identity.identity_judge(k, judge) for k in kinds):
        def embed(frame, points, kind=kind):
            return kind.embed(np.asarray(frame)[None], points[None])

        picture, points = people[0].see()
        still = embed(picture, points)
        assert identity.csim(still, still) == pytest.approx(1)
        same = [embed(*people[0].see(jawOpen=.4)), embed(*people[0].see(mouthSmile=.6)),
                embed(blurred(picture[None], .7)[0], points),
                embed(np.roll(picture, 2, 1), points + np.array([2, 0]))]
        stranger = float(identity.csim(embed(*people[1].see()), still)[0])
        assert stranger < min(float(identity.csim(s, still)[0]) for s in same) - .01, kind.name
        mixed = [float(identity.csim(embed(k * people[1].see()[0] / 255 + (1 - k) * picture / 255, points), still)[0])
                 for k in (0, .3, .6, .9)]
        assert rises(mixed[::-1]), (kind.name, mixed)   # the more of another person, the less


def test_a_trained_judge_reads_what_the_actor_does(people, judge):
    if not TRAINED:
        pytest.skip("no trained judge_encoder in data/")
    pictures = np.stack([people[0].see(jawOpen=j)[0] for j in (0, .15, .3, .45)])
    with torch.no_grad():
        jaw = judge(faces.tensor(pictures / 255, judge))["expression"][:, INDEX["jawOpen"]]
    assert rises(jaw.numpy())


# ---- known values and refusals --------------------------------------------------------------------------------------
def test_frechet_of_known_normal_sets():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4000, 5))
    x = (x - x.mean(0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(x, rowvar=False))).T     # exactly mean 0, cov 1
    scale, shift = np.array([1, 2, .5, 3, 1]), np.array([1, 0, 0, -2, 0])
    assert faces.frechet(x, x).value == pytest.approx(0, abs=1e-8)
    assert faces.frechet(x, x * scale + shift).value == pytest.approx(((scale - 1) ** 2).sum() + 5)
    flat = x * [1, 1, 1, 1, 0]                          # a singular covariance is no trouble
    assert faces.frechet(x, flat).value == pytest.approx(1) == faces.frechet(flat, x).value


def test_frechet_does_not_commute_matrices():
    """Against the root of the product itself, for covariances that share no axes."""
    from scipy.linalg import sqrtm

    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(50, 4)) @ rng.normal(size=(4, 4)), rng.normal(size=(60, 4)) @ rng.normal(size=(4, 4))
    cov = [np.cov(x, rowvar=False) for x in (a, b)]
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(cov[0] + cov[1] - 2 * sqrtm(cov[0] @ cov[1]).real)
    assert faces.frechet(a, b).value == pytest.approx(expected)


def test_too_few_pictures_are_refused():
    x = np.random.default_rng(0).normal(size=(6, 5))
    faces.frechet(x, x)
    with pytest.raises(ValueError, match="too few for 5 features"):
        faces.frechet(x, x[:5])
    with pytest.raises(ValueError, match="same P"):
        faces.frechet(x, x[:, :4])
    x[0, 0] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        faces.frechet(x, x)


def test_face_lpips_reads_bytes_and_floats_alike_and_each_frame_by_itself(judge):
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 255, (2, 3, 48, 48, 3), np.uint8)
    d = faces.face_lpips(a, b, judge)
    assert d.shape == (3,) and (d > 0).all()
    np.testing.assert_allclose(faces.face_lpips(a / 255, b / 255, judge), d, rtol=1e-4)
    np.testing.assert_allclose(faces.face_lpips(a[1], b[1], judge), d[1:2], rtol=1e-4)
    assert faces.face_lpips(a, a, judge).max() == 0
    with pytest.raises(ValueError, match="different shapes"):
        faces.face_lpips(a, b[:2], judge)


def test_csim_by_hand():
    b = np.array([[2.0, 0], [0, 1], [np.nan, np.nan]])
    np.testing.assert_allclose(identity.csim([[1.0, 1], [1, 0], [-1, -1], [np.nan, 0]], b), [1, .5 ** .5, -1, np.nan])
    with pytest.raises(ValueError, match="none of the frames"):
        identity.csim(b, b[2:])
    with pytest.raises(ValueError, match=r"\(T, E\)"):
        identity.csim(b, b[:, :1])


def test_names_say_who_judged(monkeypatch, judge):
    assert identity.identity_judge("encoder", judge).name == "face-CSIM"
    monkeypatch.setattr(identity, "find_spec", lambda name: None)
    assert identity.identity_judge("auto", judge).name == "face-CSIM"
    with pytest.raises(InputError, match="pip install --no-deps dlib-bin face-recognition-models"):
        identity.identity_judge("dlib")
    with pytest.raises(InputError, match="no identity judge 'arcface'"):
        identity.identity_judge("arcface")


def test_dlib_needs_landmarks_and_leaves_out_lost_faces():
    if not identity.dlib_available()[0]:
        pytest.skip("the extra judges is not installed")
    frames = np.zeros((1, 96, 96, 3), np.uint8)
    assert np.isnan(identity.embed_dlib(frames, np.full((1, 478, 2), np.nan))).all()
    with pytest.raises(ValueError, match="points must be"):
        identity.embed_dlib(frames, None)


@pytest.mark.parametrize("score", ["lpips", "fid"])
def test_published_scores_are_computed_with_their_own_weights_or_not_at_all(score, monkeypatch, tmp_path):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(faces, "find_spec", lambda name: None)
    ok, why = getattr(faces, f"{score}_available")()
    assert not ok and "is not installed" in why
    monkeypatch.setattr(faces, "find_spec", lambda name: True)
    ok, why = getattr(faces, f"{score}_available")()
    assert not ok and "weights are not at" in why
    (tmp_path / "checkpoints").mkdir()
    for name in faces.FILES[score]:
        (tmp_path / "checkpoints" / name).write_bytes(b"something else")
    ok, why = getattr(faces, f"{score}_available")()
    assert not ok and "not the file that its name says" in why
    with pytest.raises(InputError, match=f"use face_{score}, under that name"):
        getattr(faces, score)(np.zeros((1, 8, 8, 3)), np.zeros((1, 8, 8, 3)))
