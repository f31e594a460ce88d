"""Twins: exact pairs with their true flow, made once, read as batches, learned from."""
from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from tfg.actors import cast
from tfg.actors.examples import read_manifest
from tfg.compose.answer import Answer
from tfg.corpora.augment import Augment
from tfg.errors import InputError
from tfg.experts import losses
from tfg.experts.losses import mouth_area
from tfg.systems.emogen import train, twin_data, twins
from tfg.systems.emogen.network import FLOW, face_mask
from tfg.systems.emogen.twin_data import TwinWindows

S = 48


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Four built actors who say one word: three to learn from, and one to choose by."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(twins, "DRAWN_PX", 96)
        patched.setattr(cast, "varied", lambda n, seed: ["Tomorrow."] * n)
        return twins.make(tmp_path_factory.mktemp("twins"), actors=6, portraits=0, takes=2, size=S, workers=1)


def moved(picture, flow):
    y, x = np.mgrid[:S, :S].astype(np.float32)
    flow = cv2.resize(np.nan_to_num(flow.astype(np.float32)), (S, S)) * (S / 2)
    return cv2.remap(picture, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR)


def test_the_flow_takes_the_calm_frame_to_the_other(folder):
    held = dict(np.load(next(folder.glob("V*.npz"))))
    assert held["flow"].shape == (len(held["target"]), S // 2, S // 2, 2) and held["take"].max() == 1
    face = face_mask(S) > .9
    ratios = []
    for name, which in (("flow", np.arange(len(held["flow"]))), ("other_flow", held["other"])):
        for t in range(0, len(which), 9):
            known = cv2.resize(np.isfinite(held[name][t][..., 0]).astype(np.float32), (S, S)) > .99
            target, source = (x.astype(float) for x in (held["target"][t], held["calm"][which[t]]))
            where = known & face
            after = np.abs(moved(source, held[name][t]) - target)[where].mean()
            ratios.append(after / max(np.abs(source - target)[where].mean(), 1))
    assert np.median(ratios) < .75


def test_other_moments_are_of_the_same_take(folder):
    held = dict(np.load(next(folder.glob("V*.npz"))))
    assert (held["take"][held["other"]] == held["take"]).all() and (held["other"] != np.arange(len(held["take"]))).all()


def test_twins_are_made_once_and_others_are_refused(folder):
    before = {p.name: p.stat().st_mtime_ns for p in folder.iterdir()}
    twins.make(folder, actors=6, portraits=0, takes=2, size=S, workers=1)
    assert {p.name: p.stat().st_mtime_ns for p in folder.iterdir()} == before
    with pytest.raises(InputError, match="holds other twins"):
        twins.make(folder, actors=6, portraits=0, takes=3, size=S)
    with pytest.raises(InputError, match="is no folder of twins .*make one"):
        read_manifest(twins.KIND, folder / "nothing")


def test_batches_are_functions_of_their_index(folder):
    windows = TwinWindows(folder, "train", S, augment=Augment())
    one, two = windows.batch(2, [5, 9, 30]), windows.batch(2, [30, 5, 9])
    for name in one:
        np.testing.assert_array_equal(one[name], two[name][[1, 2, 0]], err_msg=name)
    assert one["frames"].shape == one["reference"].shape == (3, 5, 3, S, S) and one["frames"].dtype == np.uint8
    assert one["mel"].shape == (3, 80, 16) and one["feeling"].sum(1) == pytest.approx(1)
    assert len(TwinWindows(folder, "val", S).actors) >= 1
    with pytest.raises(InputError, match="has crops of 48 px, but the network draws 96 px"):
        TwinWindows(folder, "train", 96)


def test_all_kinds_of_reference_come_and_a_mirror_turns_the_flow(folder):
    plain, turned = (TwinWindows(folder, "train", S, disturbed=False, augment=a) for a in
                     (None, Augment(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, flip_p=1)))
    indices = np.arange(0, len(plain), 7)
    one = plain.batch(0, indices)
    told = np.isfinite(one["flow"]).any((1, 2, 3, 4))
    assert twin_data.TWIN < told.mean() < 1
    k = int(np.flatnonzero(told)[0])
    mirrored = turned.batch(0, indices[[k]])["flow"][0]
    np.testing.assert_array_equal(mirrored[..., ::-1, :], one["flow"][k] * np.float32([-1, 1]))


def test_losses_of_flow_and_trust_know_right_from_wrong():
    mask, mouth = (torch.from_numpy(x) for x in (face_mask(S), mouth_area(S)))
    flow = torch.full((2, S // 2, S // 2, 2), .03)
    flow[0, 17:20, 9:15] = torch.nan                              # an open mouth
    flow[1] = torch.nan                                           # nothing is known of this one
    right = Answer(torch.zeros(2, 3, S, S), torch.full((2, 2, S, S), .03), torch.full((2, 1, S, S), .98))
    right.trust[0, 0, 34:40, 18:30] = .02
    good = losses.known_flow(right, flow, mask, mouth * mask, FLOW)
    wrong = losses.known_flow(Answer(right.colour, -right.flow, 1 - right.trust), flow, mask, mouth * mask, FLOW)
    assert good["flow"] < 1e-4 and float(wrong["flow"]) == pytest.approx(.06 * 2 ** .5 / .1, rel=.01)
    assert good["trust"] < .3 < 2 < wrong["trust"] and good["painted"] < .05 < .9 < wrong["painted"]
    nothing = losses.known_flow(right, torch.full_like(flow, torch.nan), mask, mouth * mask, FLOW)
    assert nothing["flow"] == 0 and nothing["trust"] == 0 and torch.isfinite(nothing["painted"])


def test_a_run_learns_from_twins(folder, tmp_path):
    at, card = train.train_emogen(folder, tmp_path, profile="ci", syncnet="none", emotion="none", progress=False)
    assert card["data"]["twins"] == folder.name
    assert card["data"]["actors"] == len(TwinWindows(folder, "train", S).actors)
    assert at.step == train.RUNS["ci"].steps and {"l1", "heard", "felt"} <= set(card["scores"])
