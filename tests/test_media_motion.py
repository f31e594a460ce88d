"""Files of motions: impossible values, and arrays too large for memory, are refused before playing or unpacking."""
from __future__ import annotations

import time
import zipfile

import numpy as np
import pytest

from tfg.errors import InputError
from tfg.media import motion as m
from tfg.media import npz
from tfg.media.delta_codec import pack, unpack
from tfg.media.motion import Motion
from tfg.systems.inputs import load_motion


@pytest.fixture
def write(tmp_path):
    """An .npz of a motion of ten frames with other arrays in place of some."""
    def run(**other):
        path = tmp_path / "m.npz"
        np.savez_compressed(path, **({"version": 1} | Motion.still(10).arrays() | other))
        return path

    return run


def pose(value: float, column: int = 0) -> np.ndarray:
    out = np.zeros((10, 6), np.float32)
    out[3, column] = value
    return out


def expression(value: float) -> np.ndarray:
    out = np.zeros((10, 52), np.float32)
    out[3, 7] = value
    return out


def test_a_good_one(write):
    held = Motion.load(write(expression=expression(np.nan), pose=pose(-95.0)))
    assert len(held) == 10 and np.isnan(held.expression[3, 7]) and held.pose[3, 0] == -95


ABSURD = [
    (dict(pose=pose(1e30)), r"angles up to 1e\+30"), (dict(pose=pose(np.inf)), "angles up to inf"),
    (dict(pose=pose(-np.inf, 4)), "places up to inf"), (dict(pose=pose(1e4, 5)), r"places up to 1e\+04"),
    (dict(expression=expression(-np.inf)), "expression up to inf"),
    (dict(expression=expression(1e9)), "expression up to"),
    (dict(motion_fps=np.float64(1e9)), "1e[+]09 frames/s"), (dict(motion_fps=np.float64(1e-9)), "1e-09 frames/s"),
    (dict(motion_fps=np.float64(np.nan)), "nan frames/s"), (dict(motion_fps=np.float64(-25)), "-25 frames/s"),
]


@pytest.mark.parametrize("other, words", ABSURD)
def test_absurd_numbers(write, other, words):
    with pytest.raises(InputError, match=f"m.npz (holds|runs at) {words}"):
        Motion.load(write(**other))


@pytest.mark.parametrize("given", [Motion(np.zeros((9, 52)), np.full((9, 6), 1e30)), Motion(expression(np.inf)),
                                   Motion(np.zeros((9, 52)), fps=1e9)])
def test_absurd_motions_from_python(given):
    with pytest.raises(InputError, match="the motion (holds|runs at)"):
        load_motion(given)


@pytest.mark.parametrize("other, words", [
    (dict(expression=np.zeros((10, 52), complex)), "expression as complex128"),
    (dict(motion_fps=np.complex128(25)), "motion_fps as complex128"),
    (dict(pose=np.array([[None] * 6] * 10)), "pose as Python objects"),
    (dict(pose=np.zeros((10, 6), "datetime64[s]")), "pose as datetime64"),
    (dict(pose=np.zeros(10, [("a", "f4"), ("b", "f4")])), "holds pose as"),
    (dict(expression=np.full((10, 52), "x")), "expression as <U1"), (dict(pose=np.zeros((9, 6))), "not complete"),
    (dict(expression=np.zeros((10, 53))), "53 columns"), (dict(motion_meta=np.array("[]")), "meta is a list"),
])
def test_arrays_of_another_kind(write, other, words):
    with pytest.raises(InputError, match=words):
        Motion.load(write(**other))


def test_complex_numbers_from_python():
    with pytest.raises(ValueError, match="real numbers"):
        Motion(np.zeros((9, 52), complex))


# ---- sizes ----------------------------------------------------------------------------------------------------------
def stuffed(path, name: str, shape: tuple, rows: int) -> None:
    """Add an array of zeros to an .npz, `rows` of them for real; the header says `shape`."""
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive, archive.open(f"{name}.npy", "w",
                                                                                  force_zip64=True) as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
        for _ in range(rows // 10_000):
            file.write(bytes(4 * int(np.prod(shape[1:])) * 10_000))


def test_small_files_that_unpack_to_gigabytes(write, monkeypatch):
    monkeypatch.setattr(m, "MOST_FRAMES", 100_000)
    path = write()
    held = {k: v for k, v in np.load(path).items() if k != "expression"}
    np.savez_compressed(path, **held)
    stuffed(path, "expression", (400_000, 52), 400_000)
    assert path.stat().st_size < 200_000
    started = time.perf_counter()
    monkeypatch.setattr(np, "load", lambda *a, **k: pytest.fail("it was unpacked"))
    with pytest.raises(InputError, match=r"m.npz unpacks to 0.1 GB of arrays, where a motion file can have 0.0 GB"):
        Motion.load(path)
    assert time.perf_counter() - started < 2


def test_what_a_motion_does_not_need_is_not_unpacked(write, monkeypatch):
    path = write()
    stuffed(path, "array_masks", (100_000, 52), 100_000)
    monkeypatch.setattr(npz, "MOST_BYTES", 1_000_000)
    assert "array_masks" not in npz.read_npz(path, "motion", m.STORED)
    with pytest.raises(InputError, match="unpacks to"):
        npz.read_npz(path, "clip", most_bytes=1_000_000)


@pytest.mark.parametrize("shape", [(10**12, 52), (2**63, 2**63)])
def test_headers_that_promise_more_than_there_is(write, shape):
    path = write()
    held = {k: v for k, v in np.load(path).items() if k != "expression"}
    np.savez_compressed(path, **held)
    stuffed(path, "expression", shape, 0)
    with pytest.raises(InputError, match="damaged"):
        Motion.load(path)


def test_too_many_frames(monkeypatch, write):
    monkeypatch.setattr(m, "MOST_FRAMES", 9)
    monkeypatch.setattr(m, "read_npz", lambda path, what, only, most_bytes: npz.read_npz(path, what, only))
    with pytest.raises(InputError, match="m.npz has 10 frames; cut it into parts of at most 9"):
        Motion.load(write())


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\x05\x06" + bytes(18), b"\x93NUMPY", b"no archive"])
def test_files_that_are_none(tmp_path, content):
    (tmp_path / "m.npz").write_bytes(content)
    with pytest.raises(InputError, match="m.npz"):
        Motion.load(tmp_path / "m.npz")


@pytest.mark.parametrize("part, value", [
    ("low", np.zeros((100_000, 1), np.uint8)), ("low", np.zeros((10, 3), np.uint16)),
    ("high", np.zeros((10, 3), np.float32)),
    ("low", np.uint8(3)), ("step", np.float64(np.inf)), ("step", np.float64(0)), ("step", np.ones(3)),
])
def test_packed_curves_whose_parts_do_not_fit(part, value):
    held = pack("points", np.ones((10, 3)), .5)
    assert np.array_equal(unpack(dict(held))["points"], np.ones((10, 3)))
    with pytest.raises(ValueError, match="points"):
        unpack(held | {f"points__{part}": value})
