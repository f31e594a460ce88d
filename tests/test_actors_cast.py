"""tfg.actors.cast: the actors of a set and their sentences, dealt as evenly as documented."""
from __future__ import annotations

import hashlib
import re
import urllib.error
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from notebook_tools import NAMES, cells
from tfg import paths
from tfg.actors import cast as casting
from tfg.actors import photos
from tfg.actors.cast import EMOTIONS, LEVELS, PROFILES, SENTENCES, Member, apportion, cast, members, plan
from tfg.actors.photos import fetch_photos, photo_path, voice_sex
from tfg.corpora import sfhq, splits
from tfg.corpora.fetch import fetch_sfhq
from tfg.errors import InputError


@pytest.fixture(scope="module")
def cpu() -> list[Member]:
    return members("cpu")


def somebody(n: int) -> list[Member]:
    return [Member(f"V{k + 1:03d}", "virtual", k, "train") for k in range(n)]


# ---- people ---------------------------------------------------------------------------------------------------
def test_the_cpu_cast(cpu):
    assert [m.name for m in cpu] == [f"V{k:03d}" for k in range(1, 73)]
    assert Counter(m.split for m in cpu) == {"train": 40, "val": 6, "test": 14, "judge": 12}
    for split, n in casting.SPLITS.items():
        assert sum(m.split == split and m.kind == "portrait" for m in cpu) == n // 2
    assert len({m.seed for m in cpu}) == 72
    assert cpu == members("cpu") and members("cpu", seed=1) != cpu


def test_photos_keep_their_recorded_split_and_show_each_person_once(cpu):
    portraits = [m for m in cpu if m.kind == "portrait"]
    tiles = [m.photo.removeprefix("sfhq:") for m in portraits]
    assert all(m.photo.startswith("sfhq:P") for m in portraits)
    assert all(m.photo is None for m in cpu if m.kind == "virtual")
    assert [splits.tiles()[t][0] for t in tiles] == [m.split for m in portraits]
    assert len({splits.tiles()[t][1] for t in tiles}) == 36
    assert not set(tiles) & set(sum(photos.LEFT_OUT.values(), ()))
    assert {m.photo for m in portraits} != {m.photo for m in members("cpu", seed=1)}


def test_the_recorded_splits_accept_the_casts():
    for name in PROFILES:
        people = [splits.Person("actors", m.name, m.split, splits._who(vars(m), {})) for m in members(name)]
        assert len(splits.Splits(tuple(people)).people) == PROFILES[name]["actors"]


def test_seeds_are_all_different():
    seeds = {casting.actor_seed(seed, split, k) for seed in (0, 1) for split in casting.SPLITS for k in range(50)}
    assert len(seeds) == 400


def test_who_is_tested_on_in_a_small_set_is_not_trained_on_in_a_large_one():
    sets = [cast(n, 0) for n in (9, 72, 400)]
    where = {}
    for member in [m for one in sets for m in one]:
        assert where.setdefault(member.seed, member.split) == member.split
    assert {m.seed for m in sets[0]} <= {m.seed for m in sets[1]} <= {m.seed for m in sets[2]}


def test_ci_needs_no_download():
    three = members("ci")
    assert [m.kind for m in three] == ["virtual", "portrait", "virtual"] and [m.split for m in three] == \
        ["train", "train", "test"]
    assert photo_path(three[1].photo).is_file()
    assert all(m.kind == "virtual" for m in members("ci", portraits=0))
    assert len(members("ci", actors=2)) == 2 and sum(m.kind == "portrait" for m in members("ci", actors=2)) == 1


def test_photos_of_ones_own(tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.jpg").write_bytes(b"x")
    own = [tmp_path / "a.jpg", tmp_path / "b.jpg"]
    both = members("cpu", photos=own)
    assert [(m.kind, m.photo) for m in both] == [("portrait", str(p.resolve())) for p in own]
    assert [m.kind for m in members("cpu", photos=own, actors=5)].count("portrait") == 2
    more = members("cpu", photos=own, actors=6, portraits=3)
    assert [m.photo.startswith("sfhq:") for m in more if m.photo] == [False, False, True]
    test = next(t for t, (split, _) in splits.tiles().items() if split == "test")
    (tmp_path / f"{test}.png").write_bytes(b"x")
    assert members(photos=[tmp_path / f"{test}.png"])[0].split == "test"


def test_nobody_plays_two_actors(tmp_path):
    """Neither by a second path to the file nor as a tile of the same person: train would share a face with test."""
    shipped = paths.data("faces", "default.jpg")
    assert [m.photo for m in members(photos=[shipped])] == ["tfg:default.jpg"]               # on every machine
    (tmp_path / "a.jpg").write_bytes(b"x")
    (tmp_path / "P003.png").write_bytes(b"y")                     # the tile that tfg:default.jpg was cut from
    a = tmp_path / "a.jpg"
    for twice in ([a, tmp_path / "." / "a.jpg"], [shipped, "tfg:default.jpg"], [shipped, tmp_path / "P003.png"],
                  [shipped, "sfhq:P003"]):
        with pytest.raises(InputError, match="same person"):
            members(photos=twice)
    with pytest.raises(InputError, match="no photo file .*nobody.jpg"):
        members(photos=["tfg:nobody.jpg"])
    person = next(t for t in photos.suitable_tiles()["train"])
    drawn = {m.photo for m in cast(400, 60, photos=[f"sfhq:{person}"]) if m.photo}
    assert f"sfhq:{person}" in drawn and len(drawn) == 60
    assert len({photos.person_of(p) for p in drawn}) == 60


def test_apportion():
    assert apportion(72, casting.SPLITS) == casting.SPLITS
    for n in range(60):
        out = apportion(n, casting.SPLITS)
        assert sum(out.values()) == n and all(abs(out[k] - n * s / 72) < 1 for k, s in casting.SPLITS.items())


@pytest.mark.parametrize("options, message", [
    (dict(actors=0), "1 to 999"), (dict(actors=1000), "1 to 999"), (dict(actors=3, portraits=4), "portrait"),
    (dict(actors=3, portraits=-1), "portrait"), (dict(actors=400, portraits=400), "lower --portraits"),
    (dict(actors=2, portraits=1, photos=["no.jpg"]), "no photo file no.jpg"), (dict(actors=3, seed=-1), "seed"),
])
def test_impossible_casts(options, message):
    with pytest.raises(InputError, match=message):
        cast(**options)


def test_unknown_profile():
    with pytest.raises(InputError, match="'big'.*ci, cpu, gpu"):
        members("big")


# ---- photos ---------------------------------------------------------------------------------------------------
def test_without_network_the_error_says_what_to_do(tmp_path, monkeypatch, cpu):
    from tfg.corpora import transfer

    def away(address, timeout=None):
        raise urllib.error.URLError("no network in tests")
    monkeypatch.setattr(transfer.urllib.request, "urlopen", away)
    monkeypatch.setattr(transfer, "WAIT_S", 0)
    monkeypatch.delenv("TFG_MIRROR", raising=False)
    monkeypatch.setenv("TFG_CACHE", str(tmp_path))
    fetch_photos(cpu)                                                     # they ship: nothing to fetch, nothing asked
    with pytest.raises(InputError, match="--portraits 0"):
        fetch_photos([*cpu, Member("V073", "portrait", 0, "train", "sfhq:P012")])
    assert photo_path("sfhq:P012").is_relative_to(tmp_path)


def test_the_courses_portraits_ship_as_they_were_cut(cpu):
    wanted = {m.photo.removeprefix("sfhq:") for m in cpu if m.photo}
    assert set(photos.shipped_tiles()) == wanted == {p.stem for p in paths.data("sfhq", "tiles").iterdir()}
    sizes = {t.id: (t.w, t.h) for t in sfhq.tiles()}
    for tile, expected in photos.shipped_tiles().items():
        path = photo_path(f"sfhq:{tile}")
        assert hashlib.sha256(path.read_bytes()).hexdigest() == expected
        with Image.open(path) as picture:
            assert picture.size == sizes[tile] and picture.mode == "RGB"


def test_shipped_portraits_are_the_pixels_of_the_official_sheets(shared, tmp_path):
    tile = "P342"
    fetch_sfhq(tmp_path, ids=[tile], mirror=shared)
    with Image.open(tmp_path / "tiles" / f"{tile}.png") as cut, Image.open(photo_path(f"sfhq:{tile}")) as shipped:
        assert np.array_equal(np.asarray(cut), np.asarray(shipped))


@pytest.mark.parametrize("name", NAMES)
def test_no_chapter_fetches_a_portrait_in_ci_and_cpu(name):
    """The casts that the notebooks make, with the numbers of their own table of sizes."""
    sources = [c["source"] for c in cells(name) if c["cell_type"] == "code"]
    calls = [s for s in sources if re.search(r"make\.make\(|members\(", s)]
    table = next((s.partition("=")[2].partition("[PROFILE]")[0] for s in sources if s.startswith("SIZES")), "{}")
    for sizes in (sizes for profile, sizes in eval(table, {"dict": dict}).items() if profile != "gpu"):
        for call in calls:
            given = dict(re.findall(r"(profile|actors|portraits)=([^,)]+)", call))
            options = {key: eval(value, {"SIZES": sizes}) for key, value in given.items()}
            for member in members(options.pop("profile", "cpu"), **options):
                assert photo_path(member.photo or "tfg:default.jpg").is_relative_to(paths.data()), (name, options)


def test_photos_come_from_a_mirror(tmp_path, monkeypatch, shared):
    monkeypatch.setenv("TFG_CACHE", str(tmp_path))
    wanted = [Member("V001", "portrait", 0, "train", "sfhq:P012"), Member("V002", "portrait", 0, "train", "sfhq:P354")]
    fetch_photos(wanted, mirror=shared)
    assert all(photo_path(m.photo).is_file() and str(photo_path(m.photo)).startswith(str(tmp_path)) for m in wanted)


def test_every_tile_has_a_voice():
    assert list(photos._voices()) == [t.id for t in sfhq.tiles()]
    assert set(photos._voices().values()) == {"female", "male"}
    assert voice_sex(Member("V001", "portrait", 0, "train", "tfg:default.jpg")) == "female"
    assert voice_sex(Member("V001", "portrait", 0, "train", "/x/me.jpg")) is None
    assert voice_sex(Member("V001", "virtual", 0, "train")) is None


# ---- sentences ------------------------------------------------------------------------------------------------
def counts(planned, key, cells) -> set[int]:
    found = Counter(map(key, planned))
    assert set(found) <= set(cells)
    return {found[c] for c in cells}


PAIRS = [(s, e) for s in SENTENCES for e in EMOTIONS]
TRIPLES = [(s, e, level) for s in SENTENCES for e in EMOTIONS if e != "NEU" for level in LEVELS]


def test_balance_of_the_cpu_set(cpu):
    planned = plan(cpu)
    assert len(planned) == 864 == len({c.name for c in planned}) and planned == plan(cpu)
    felt = [c for c in planned if c.emotion != "NEU"]
    assert counts(felt, lambda c: (c.sentence, c.emotion, c.level), TRIPLES) == {4}
    assert counts(planned, lambda c: (c.sentence, c.emotion), PAIRS) == {12}
    assert all((c.level == "XX") == (c.emotion == "NEU") for c in planned)
    for split in casting.SPLITS:
        names = {m.name for m in cpu if m.split == split}
        cells = counts([c for c in planned if c.actor in names], lambda c: (c.sentence, c.emotion), PAIRS)
        assert max(cells) - min(cells) <= 1, split
    for member in cpu:
        mine = [c for c in planned if c.actor == member.name]
        assert {c.sentence for c in mine} == set(SENTENCES)
        assert counts(mine, lambda c: c.emotion, EMOTIONS) == {2}
        assert len({(c.emotion, c.level) for c in mine if c.emotion != "NEU"}) == 10       # never twice alike


def test_blocks_of_six_and_eighteen_are_complete():
    planned = plan(somebody(36))
    for block in range(6):
        six = [c for c in planned if 6 * block < int(c.actor[1:]) <= 6 * block + 6]
        assert counts(six, lambda c: (c.sentence, c.emotion), PAIRS) == {1}
    for block in range(2):
        some = [c for c in planned if 18 * block < int(c.actor[1:]) <= 18 * block + 18 and c.emotion != "NEU"]
        assert counts(some, lambda c: (c.sentence, c.emotion, c.level), TRIPLES) == {1}


@pytest.mark.parametrize("clips", [1, 2, 3, 5, 6, 11, 13, 36, 72, 192])
def test_other_numbers_of_clips(clips):
    planned = plan(somebody(12), clips)
    assert len({c.name for c in planned}) == 12 * clips
    if clips < 192:                                               # there, each actor makes every clip that there is
        assert len(counts(planned, lambda c: c.emotion, EMOTIONS)) == 1
    if clips == 36:
        assert counts(planned, lambda c: (c.sentence, c.emotion), PAIRS) == {6}


def test_the_seed_mixes_the_sentences():
    assert [c.name for c in plan(somebody(6), 2)] != [c.name for c in plan(somebody(6), 2, seed=1)]


def test_ones_own_text_and_emotions():
    planned = plan(somebody(2), 7, text="Hello there.", emotions=["HAP", "sad", "HAP", "NEU"])
    assert {c.sentence for c in planned} == {"TXT"} and {c.text for c in planned} == {"Hello there."}
    assert {(c.emotion, c.level) for c in planned if c.actor == "V001"} == \
        {(e, level) for e in ("HAP", "SAD") for level in LEVELS} | {("NEU", "XX")}
    assert planned[0].name.startswith("V001_TXT_") and all(c.text is None for c in plan(somebody(1)))


def test_varied_sentences_are_told_apart_by_takes():
    texts = casting.varied(30)
    assert len(set(texts)) == 30 and texts == casting.varied(30) and texts[:20] == casting.varied(20)
    planned = plan(somebody(6), 12, text=texts)
    assert len({c.name for c in planned}) == len(planned) == 72
    assert {c.text for c in planned} <= set(texts) and {c.sentence for c in planned} == {"TXT"}
    assert all(c.text == texts[c.take - 1] for c in planned)
    assert all(len({c.text for c in planned if c.actor == a}) == 12 for a in {c.actor for c in planned})


@pytest.mark.parametrize("options, message", [
    (dict(clips=0), "1 to 192"), (dict(clips=193), "1 to 192"), (dict(clips=17, text="x"), "1 to 16"),
    (dict(emotions=["JOY"]), "JOY"), (dict(clips=2, text="x", emotions=["NEU"]), "1 to 1 "),
])
def test_impossible_plans(options, message):
    with pytest.raises(InputError, match=message):
        plan(somebody(2), **options)


def test_photos_are_found_by_their_prefix(tmp_path, monkeypatch):
    monkeypatch.setenv("TFG_CACHE", str(tmp_path))
    assert photo_path("sfhq:P342") == paths.data("sfhq", "tiles", "P342.webp")
    assert photo_path("sfhq:P012") == tmp_path / "sfhq" / "tiles" / "P012.png"
    assert photo_path("tfg:default.jpg") == paths.data("faces", "default.jpg")
    assert str(photo_path("/x/me.jpg")) == "/x/me.jpg"


def test_chapters_fetch_no_portrait():
    """Their headers say 0 MB: whatever the profile, the portraits of a chapter's cast are among those that ship."""
    import re

    from notebook_tools import cells
    from tfg.actors.photos import shipped_tiles

    chapters = {"07_syncnet": "actors", "08_emotion_discriminator": "cast", "09_emogen_gan": "people"}
    for name, key in chapters.items():
        code = {c["id"]: c["source"] for c in cells(name)}
        assert f'portraits=SIZES["{key}"] // 3' in code["make"]
        sizes = [int(n) for n in re.findall(rf"\b{key}=(\d+)", code["sizes"])]
        assert len(sizes) >= 2, name                         # profiles may share a number
        for people in sizes:
            photos = [m.photo for m in members("ci", actors=people, portraits=people // 3) if m.photo]
            ids = {photo.split(":")[1] for photo in photos if photo.startswith("sfhq:")}
            assert len(photos) == people // 3 and ids <= set(shipped_tiles()), (name, people)
