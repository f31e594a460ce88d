"""Splits are by person, recorded, and enforced; nobody who is scored on is trained on, under whatever name."""
from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from small_store import acted, make_store, splits_of
from tfg import paths
from tfg.corpora import sfhq, splits_deal
from tfg.corpora import splits as splits_module
from tfg.corpora.names import Item
from tfg.corpora.splits import SHIPPED, SPLITS, Person, Splits, make_splits, of_set, tiles
from tfg.errors import InputError

COUNTS = {"train": 212, "val": 24, "test": 60, "judge": 59}


def item(actor, corpus="actors", **more):
    return Item(Path(f"{actor}.mp4"), corpus, actor, **more)


def crema_d(*actors):
    return [item(str(a), "crema_d") for a in actors]


# ---- the tiles of SFHQ ----------------------------------------------------------------------------------------
def test_recorded_tiles_follow_their_rule():
    persons = {tile: person for tile, (_, person) in tiles().items()}
    dealt = splits_deal.tiles(persons, SHIPPED.values())
    assert dealt == {tile: split for tile, (split, _) in tiles().items()}
    assert list(tiles()) == [t.id for t in sfhq.tiles()]
    assert {s: list(dealt.values()).count(s) for s in SPLITS} == COUNTS


def test_no_face_of_sfhq_is_in_two_splits():
    seen = {}
    for split, person in tiles().values():
        assert seen.setdefault(person, split) == split
    assert len(seen) == 307
    assert tiles()["P253"][1] == tiles()["P262"][1]              # one woman, photographed twice by the generator


def test_portraits_that_the_course_shows_are_train_and_are_those_of_the_readme():
    readme = paths.data("faces", "README.md").read_text()
    table = {(t.sheet.removeprefix("images/"), t.x, t.y): t.id for t in sfhq.tiles()}
    for name, tile in SHIPPED.items():
        assert tiles()[tile][0] == "train"
        line = next(x for x in readme.splitlines() if x.startswith(f"| `{name}`"))
        (id,) = [t for (sheet, x, y), t in table.items() if f"`{sheet}`, tile x {x}, y {y} " in line]
        assert id == tile


@pytest.mark.parametrize("split, least", [("train", 111), ("val", 17), ("test", 39), ("judge", 33)])
def test_enough_faces_of_each_split_can_act(split, least):
    """The gpu profile casts 200 portrait actors in the shares 40, 6, 14, 12."""
    able = {tiles()[t.id][1] for t in sfhq.tiles() if splits_deal.suits(t) and tiles()[t.id][0] == split}
    assert len(able) >= least


def test_sheets_are_shared_alike():
    for sheet in {t.sheet for t in sfhq.tiles()}:
        ids = [t.id for t in sfhq.tiles() if t.sheet == sheet]
        test = sum(tiles()[i][0] == "test" for i in ids)
        assert abs(test - len(ids) * 60 / 355) < 6


# ---- making splits --------------------------------------------------------------------------------------------
def test_make_splits_is_by_actor_and_in_shares():
    rows = crema_d(*range(1001, 1092)) * 3
    splits = make_splits(rows)
    assert splits.counts() == {"train": 50, "val": 7, "test": 20, "judge": 14}      # 89 dealt, 1001 and 1002 to test
    assert splits.of(crema_d(1001)[0]) == splits.of(crema_d(1002)[0]) == "test"
    assert make_splits(rows[::-1]) == splits and make_splits(rows[:91]) == splits
    assert make_splits(rows, seed=1).people != splits.people


def test_make_splits_shares_each_sex_alike():
    from tfg.corpora.crema_d import demographics

    people = demographics()
    splits = make_splits(crema_d(*range(1001, 1092)))
    women = {s: [people[p.actor].sex for p in splits.people if p.split == s].count("Female") for s in SPLITS}
    for s, n in splits.counts().items():
        assert abs(women[s] / n - 43 / 91) < .1, (s, women[s], n)


def test_make_splits_with_other_shares_and_too_few_people():
    rows = [item(f"A{k}", "folder") for k in range(10)]
    assert make_splits(rows, {"train": 8, "val": 2}).counts() == {"train": 8, "val": 2, "test": 0, "judge": 0}
    assert min(make_splits(rows[:4]).counts().values()) == 1
    with pytest.raises(InputError, match="3 actors cannot be dealt to 4"):
        make_splits(rows[:3])
    with pytest.raises(InputError, match="share of val is -1"):
        make_splits(rows, {"train": 1, "val": -1})
    with pytest.raises(InputError, match="no split 'dev'"):
        make_splits(rows, {"dev": 1})


def test_clips_without_actor_are_nobodys_split_but_test():
    splits = make_splits([item(f"s{k}", "grid") for k in range(8)] + [item(None, "grid")])
    assert len(splits.people) == 8 and splits.of(item(None, "grid")) == "test"


def test_deal_gives_whole_numbers_that_sum_up():
    units = [(f"u{k}", 1, (k % 3,), splits_deal.order(k)) for k in range(11)]
    dealt = splits_deal.deal(units, {"a": 5.5, "b": 5.5})
    assert sorted(list(dealt.values()).count(s) for s in "ab") == [5, 6]
    for stratum in range(3):                                     # each stratum is shared, not only the sum
        a = sum(dealt[f"u{k}"] == "a" for k in range(stratum, 11, 3))
        assert 1 <= a <= 3
    assert splits_deal.deal(units[::-1], {"a": 5.5, "b": 5.5}) == dealt


# ---- enforcing ------------------------------------------------------------------------------------------------
TABLE = splits_of(V1="train", V2="val", V3="test", V4="judge", V5="train")


def test_check_lets_train_and_val_pass_and_names_others():
    TABLE.check([item("V1"), item("V2"), item("V5")], purpose="train")
    with pytest.raises(InputError, match=r"actors/V3 \(test\), actors/V4 \(judge\) may not be read to train"):
        TABLE.check([item("V1"), item("V3"), item("V4"), item("V3")], purpose="train")


def test_judges_see_judge_alone_and_nobody_else_does():
    TABLE.check([item("V4")], purpose="judge")
    for other in ("V1", "V2", "V3"):
        with pytest.raises(InputError, match=f"actors/{other} .* may not be read to judge"):
            TABLE.check([item("V4"), item(other)], purpose="judge")
    for purpose in ("train", "evaluate"):
        with pytest.raises(InputError, match="V4"):
            TABLE.check([item("V4")], purpose=purpose)
    TABLE.check([item("V1"), item("V3")], purpose="evaluate")


def test_select_refuses_a_split_that_the_purpose_may_not_read():
    rows = [item("V1"), item("V3"), item("V5")]
    assert TABLE.select(rows, "train", purpose="train") == [rows[0], rows[2]]
    with pytest.raises(InputError, match="test may not be read to train"):
        TABLE.select(rows, "test", purpose="train")
    with pytest.raises(InputError, match="no split 'dev'"):
        TABLE.select(rows, "dev", purpose="train")
    with pytest.raises(InputError, match="no purpose 'fun'"):
        TABLE.select(rows, "train", purpose="fun")


def test_real_people_kept_for_testing_cannot_be_trained_on():
    """1001 and 1002 of CREMA-D, and GRID's clips of unknown speakers: by no table and by no purpose but evaluate."""
    for wanted in ("train", "val", "judge"):
        with pytest.raises(InputError, match="crema_d/1001 is kept for testing"):
            Splits((Person("crema_d", "1001", wanted),))
    table = splits_of(crema_d__1005="train", crema_d__1001="test")
    for purpose in ("train", "judge"):
        with pytest.raises(InputError, match="kept for testing"):
            table.check(crema_d(1001), purpose=purpose)
        with pytest.raises(InputError, match=r"bbaf2n.mpg \(nobody knows who that is\)"):
            table.check([Item(Path("bbaf2n.mpg"), "grid")], purpose=purpose)
    assert table.select(crema_d(1001, 1005), "train", purpose="train") == crema_d(1005)
    table.check(crema_d(1001), purpose="evaluate")


def test_the_reader_of_folders_is_no_way_round():
    """Files that are named like CREMA-D's give the same actors, whichever reader finds them."""
    with pytest.raises(InputError, match="folder/1002 is kept for testing"):
        Splits((Person("folder", "1002", "train"),))
    people = make_splits([item(str(a), "folder") for a in range(1001, 1031)])
    assert people.of(item("1001", "folder")) == people.of(item("1002", "folder")) == "test"
    with pytest.raises(InputError, match="folder/1001"):
        people.check([item("1001", "folder")], purpose="train")
    with pytest.raises(InputError, match="crema_d/1003 in test and folder/1003 in train are the same person"):
        splits_of(crema_d__1003="test") | splits_of(folder__1003="train")
    assert splits_of(folder__ANN="train", crema_d__1003="test").counts()["train"] == 1


def test_virtual_actors_are_not_dealt_anew():
    with pytest.raises(InputError, match="recorded in their set.json"):
        make_splits([item(f"V{k:03d}") for k in range(20)])


def test_the_shared_clips_cannot_be_trained_on(shared):
    """Six videos of CREMA-D's actor 1001 and four of GRID, as their readers and that of any folder list them."""
    from tfg.corpora import read

    for folder, corpus in (("crema_d", "crema-d"), ("grid", "grid"), ("crema_d", "folder"), ("grid", "folder")):
        items = read(shared / folder, corpus).items
        assert items
        if any(i.actor for i in items):
            assert {p.split for p in make_splits(items).people} == {"test"}
        else:                                                              # GRID's clips here do not say whose they are
            with pytest.raises(InputError, match="0 actors cannot be dealt"):
                make_splits(items)
        table = Splits(tuple({i.actor: Person(i.corpus, i.actor, "test") for i in items if i.actor}.values()))
        for purpose in ("train", "judge"):
            with pytest.raises(InputError, match=f"may not be read to {purpose}"):
                table.check(items, purpose=purpose)
        assert not table.select(items, "train", purpose="train") + table.select(items, "judge", purpose="judge")


def test_the_same_name_in_another_corpus_is_another_person():
    table = splits_of(crema_d__1005="train", ravdess__1005="test")
    table.check(crema_d(1005), purpose="train")
    with pytest.raises(InputError, match="ravdess/1005"):
        table.check([item("1005", "ravdess")], purpose="train")


def test_a_person_without_a_recorded_split_is_refused():
    with pytest.raises(InputError, match="no split is recorded for actors/V9"):
        TABLE.check([item("V9")], purpose="train")


def test_one_face_under_two_names_is_one_person():
    with pytest.raises(InputError, match="actors/V1 in train and actors/V2 in test are the same person"):
        Splits((Person("actors", "V1", "train", "seed/7"), Person("actors", "V2", "test", "seed/7")))
    with pytest.raises(InputError, match="in the table of splits twice"):
        Splits((Person("actors", "V1", "train"), Person("actors", "V1", "train")))
    with pytest.raises(InputError, match="the split 'dev'"):
        Splits((Person("actors", "V1", "dev"),))


def test_a_photo_keeps_its_recorded_split():
    test = next(t for t, (split, _) in tiles().items() if split == "test")
    Splits((Person("actors", "V1", "test", f"sfhq/{test}"),))
    with pytest.raises(InputError, match=f"the photo {test}, which is test .* cannot be train"):
        Splits((Person("actors", "V1", "train", f"sfhq/{test}"),))
    with pytest.raises(InputError, match="P999"):
        Splits((Person("actors", "V1", "train", "sfhq/P999"),))


def test_check_disjoint_finds_people_by_face():
    twins = [t for t, (_, person) in tiles().items() if person == tiles()["P253"][1]]
    split = tiles()["P253"][0]
    table = Splits((Person("actors", "V1", split, f"sfhq/{twins[0]}"),
                    Person("actors", "V2", split, f"sfhq/{twins[1]}"), Person("actors", "V3", "train", "seed/1")))
    table.check_disjoint([item("V1")], [item("V3")])
    with pytest.raises(InputError, match="both sets hold actors/V1"):
        table.check_disjoint([item("V1"), item("V3")], [item("V2")])
    with pytest.raises(InputError, match="both sets hold actors/V3"):
        table.check_disjoint([item("V1"), item("V3")], [item("V3")])


def test_two_tables_are_joined_unless_they_disagree():
    more = splits_of(crema_d__1005="train", V1="train")
    assert (TABLE | more).counts()["train"] == 3
    with pytest.raises(InputError, match="actors/V1"):
        TABLE | splits_of(V1="test")
    with pytest.raises(InputError, match="the same person"):
        Splits((Person("actors", "V1", "train", "seed/3"),)) | Splits((Person("other", "X1", "judge", "seed/3"),))


# ---- files ----------------------------------------------------------------------------------------------------
def test_save_and_load(tmp_path):
    splits = Splits((Person("actors", "V1", "train", "seed/3"), Person("grid", "s1", "test")), {"seed": 3})
    splits.save(tmp_path / "splits.json")
    assert Splits.load(tmp_path / "splits.json") == splits
    assert json.loads((tmp_path / "splits.json").read_text())["version"] == 1


@pytest.mark.parametrize("damage, match", [
    (lambda d: d.update(version=9), "version 9"), (lambda d: d.update(format="zip"), "'zip'"),
    (lambda d: d.pop("people"), "no table of splits"), (lambda d: d["people"].append({"actor": "V7"}), "no table"),
    (lambda d: d["people"].append(d["people"][0]), "twice"),
    (lambda d: d["people"].append({"corpus": "crema_d", "actor": "1002", "split": "train"}), "kept for testing"),
])
def test_a_damaged_or_forbidden_table_is_refused(tmp_path, damage, match):
    path = tmp_path / "splits.json"
    TABLE.save(path)
    data = json.loads(path.read_text())
    damage(data)
    path.write_text(json.dumps(data))
    with pytest.raises(InputError, match=match):
        Splits.load(path)


def test_a_missing_or_cut_off_table_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        Splits.load(tmp_path / "none.json")
    (tmp_path / "half.json").write_text('{"format": "tfg sp')
    with pytest.raises(InputError, match="half.json cannot be read"):
        Splits.load(tmp_path / "half.json")


def test_of_store(tmp_path):
    store = make_store(tmp_path / "s", acted("V1", "HAP", n_frames=6))
    with pytest.raises(InputError, match="holds no splits.json"):
        Splits.of_store(store)
    TABLE.save(store.path / "splits.json")
    assert Splits.of_store(store) == TABLE


def test_of_set_knows_the_faces_behind_the_names(tmp_path):
    test = next(t for t, (split, _) in tiles().items() if split == "test")
    members = [{"name": "V1", "kind": "virtual", "seed": 71, "split": "train", "photo": None},
               {"name": "V2", "kind": "portrait", "seed": 72, "split": "test", "photo": f"sfhq:{test}.png"},
               {"name": "V3", "kind": "portrait", "seed": 73, "split": "train", "photo": "tfg:default.jpg"},
               {"name": "V4", "kind": "portrait", "seed": 74, "split": "judge", "photo": "/photos/face.jpg"}]
    (tmp_path / "set.json").write_text(json.dumps({"members": members}))
    splits = of_set(tmp_path)
    assert [p.who for p in splits.people] == ["seed/71", f"sfhq/{test}", "sfhq/P003", "photo//photos/face.jpg"]
    assert splits.of(item("V2")) == "test" and of_set(tmp_path / "set.json") == splits
    (tmp_path / "set.json").write_text(json.dumps({"members": members, "photos": {"V4": "ab" * 32}}))
    assert of_set(tmp_path).people[3].who == "photo/" + "ab" * 32
    members[1] |= {"split": "train", "photo": f"/elsewhere/{test}.png"}                # a copy of a test tile
    (tmp_path / "set.json").write_text(json.dumps({"members": members}))
    with pytest.raises(InputError, match=f"photo {test}, which is test"):
        of_set(tmp_path)
    (tmp_path / "set.json").write_text("{}")
    with pytest.raises(InputError, match="lists no members"):
        of_set(tmp_path)


def test_the_course_s_own_cast_obeys(tmp_path):
    """What `tfg actors make` would record for each profile is a table that `Splits` accepts."""
    from dataclasses import asdict

    from tfg.actors import cast

    (tmp_path / "set.json").write_text(json.dumps({"members": [asdict(m) for m in cast.cast(72)]}))
    splits = of_set(tmp_path)
    assert splits.counts() == {"train": 40, "val": 6, "test": 14, "judge": 12}
    assert sum(p.who.startswith("sfhq/") for p in splits.people) == 36


def test_the_recorded_table_has_one_row_a_tile():
    with open(paths.data("sfhq", "splits.csv"), newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({r["id"] for r in rows}) == len(rows) == 355
    assert list(rows[0]) == ["id", "split", "person"]
    assert splits_module.tiles()["P000"] == (rows[0]["split"], rows[0]["person"])


def test_save_in_a_store_adds_to_what_lies_there(tmp_path):
    splits_of(V1="train").save_in(tmp_path)
    splits_of(V1="train", V2="test").save_in(tmp_path)
    splits_of(V2="test").save_in(tmp_path)
    assert {p.actor for p in Splits.load(tmp_path / "splits.json").people} == {"V1", "V2"}
    with pytest.raises(InputError, match="actors/V2"):
        splits_of(V2="train").save_in(tmp_path)


def test_people_kept_for_testing_alone_are_test():
    made = make_splits([Item(Path("1001_DFA_HAP_XX.flv"), "crema_d", "1001")])
    assert [(p.actor, p.split) for p in made.people] == [("1001", "test")]
