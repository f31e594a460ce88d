"""Identities: the same seed is the same person, different seeds differ, and nobody is a monster."""
from __future__ import annotations

import json

import numpy as np
import pytest

from tfg.actors.identity import PARTS, Identity
from tfg.actors.look import phenotypes as people
from tfg.errors import InputError
from tfg.head.model import Head

SEEDS = range(200)


@pytest.fixture(scope="module")
def crowd():
    return [Identity.from_seed(s) for s in SEEDS]


def test_a_seed_is_a_person(crowd):
    assert Identity.from_seed(7) == crowd[7]
    assert crowd[7] != crowd[8]
    assert Identity.from_seed(np.int64(7)) == crowd[7]


def test_identity_survives_json(crowd):
    for person in crowd[:20]:
        assert Identity.from_dict(json.loads(json.dumps(person.to_dict()))) == person


def test_from_dict_names_what_is_missing(crowd):
    d = crowd[0].to_dict()
    del d["iris"]
    with pytest.raises(InputError, match="iris"):
        Identity.from_dict(d)


@pytest.mark.parametrize("seed", [-1, 1.5, "3", True, None])
def test_bad_seeds(seed):
    with pytest.raises(InputError, match="seed"):
        Identity.from_seed(seed)


def test_sex_and_age_can_be_chosen():
    for seed in range(12):
        assert Identity.from_seed(seed, sex="male").sex > 0.5 > Identity.from_seed(seed, sex="female").sex
        assert Identity.from_seed(seed, age=71).age == 71
    with pytest.raises(InputError, match="sex"):
        Identity.from_seed(1, sex="robot")
    with pytest.raises(InputError, match="age|years"):
        Identity.from_seed(1, age=3)


def test_the_crowd_is_varied(crowd):
    assert 0.35 < np.mean([p.sex > 0.5 for p in crowd]) < 0.65
    ages = np.array([p.age for p in crowd])
    assert ages.min() >= 16 and ages.max() <= 80 and ages.std() > 10
    melanin = np.array([p.skin.melanin for p in crowd])
    assert melanin.min() < 0.1 and melanin.max() > 0.7 and melanin.std() > 0.15
    for value in ([p.hair.style for p in crowd], [p.clothes.kind for p in crowd], [p.background.kind for p in crowd]):
        assert len(set(value)) >= 6
    shapes = np.array([p.shape for p in crowd])
    far = np.linalg.norm(shapes[:, None] - shapes[None], axis=-1) + 9 * np.eye(len(crowd))
    assert far.min() > 0.8                                                      # no two faces alike


def test_nobody_is_a_monster(crowd):
    head = Head.load()
    for person in crowd[::10]:
        moved = head.landmark_points(np.array(person.shape)) - head.landmark_points()
        assert np.linalg.norm(moved - moved.mean(0), axis=1).max() < 0.030
        eyes = head.landmark_points(np.array(person.shape))[[33, 263], 0]
        assert 0.075 < eyes[1] - eyes[0] < 0.108


def test_faces_are_nearly_symmetric(crowd):
    names = Head.load().identity_names
    left = [i for i, n in enumerate(names) if n.startswith("l-")]
    right = [names.index("r-" + names[i][2:]) for i in left]
    for person in crowd[:20]:
        shape = np.array(person.shape)
        assert 0 < np.abs(shape[left] - shape[right]).mean() < 0.1


def test_neutral_and_parts_are_in_range(crowd):
    for person in crowd[:30]:
        neutral = np.array(person.neutral)
        assert neutral.shape == (52,) and neutral.min() >= 0 and neutral.max() < 0.3
        for name, cls in PARTS.items():
            assert isinstance(getattr(person, name), cls)
        for colour in (person.lips.colour, person.brows.colour, person.iris.colour, person.clothes.colour):
            assert 0 <= min(colour) and max(colour) <= 1


def test_skin_tone_darkens_with_melanin():
    tones = np.array([people.tone(m) for m in np.linspace(0, 1, 9)])
    assert (np.diff(tones, axis=0) < 0).all()
    assert people.tone(0.3, 1.0)[2] < people.tone(0.3, -1.0)[2]                  # golden skin has less blue
