"""Preparing on a Dask cluster: a worker that is killed in the middle costs nothing, byte for byte."""
from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tfg.cli import main
from tfg.corpora.prepare import prepare
from tfg.corpora.store import Store
from tfg.media.clip import Clip, Motion

distributed = pytest.importorskip("distributed", reason='no Dask: pip install "dask[distributed]"')
CLIPS = 10


@pytest.fixture(scope="module")
def set_of_clips(tmp_path_factory) -> Path:
    """Virtual actors' clips of noise, whose labels are invented; nothing is detected in them."""
    root = tmp_path_factory.mktemp("set")
    rng = np.random.default_rng(0)
    square = np.stack(np.meshgrid(np.linspace(25, 75, 24), np.linspace(25, 75, 20)), -1).reshape(-1, 2)[:478]
    for k in range(CLIPS):
        frames = [rng.integers(0, 255, (96, 96, 3), dtype=np.uint8) for _ in range(14)]
        clip = Clip(frames, rng.uniform(-.3, .3, 640 * 14).astype(np.float32), actor=f"V{k:03d}", sentence="DFA",
                    emotion="HAP", level="HI", landmarks=np.repeat(np.c_[square, np.zeros(478)][None], 14, 0),
                    motion=Motion(rng.random((14, 52)), rng.normal(size=(14, 6))),
                    arrays={"aus": rng.random((14, 17)) * 5, "intensity": np.linspace(0, 1, 14)})
        clip.save(root / f"V{k:03d}_DFA_HAP_HI.mp4")
    members = [{"name": f"V{k:03d}", "kind": "virtual", "seed": k, "split": "train"} for k in range(CLIPS)]
    (root / "set.json").write_text(json.dumps({"version": 1, "members": members}))
    return root


def contents(store: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in store.iterdir() if p.name != "writer.lock"}


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_nothing(set_of_clips, tmp_path, monkeypatch):
    prepare(set_of_clips, "actors", tmp_path / "calm", workers=1, report=False)
    monkeypatch.chdir(set_of_clips.parent)                               # relative paths reach workers elsewhere, too
    from tfg.workers import cluster

    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None,
                                  local_directory=str(tmp_path / "dask")) as local:
        killed: list[int] = []
        with distributed.Client(local) as watch:
            pids = watch.run(os.getpid)

            def kill_one(done: int, total: int) -> None:
                busy = [w for w, jobs in watch.processing().items() if jobs and w in pids]
                if not killed and busy and done < total - 2:
                    killed.append(pids[busy[0]])
                    os.kill(killed[0], signal.SIGKILL)

            with cluster(local.scheduler_address):
                report = prepare(set_of_clips.name, "actors", tmp_path / "store", report=False, progress=kill_one)
            assert killed, "no worker was at work while clips were missing: the rehearsal rehearsed nothing"
            assert killed[0] not in watch.run(os.getpid).values()
    assert report.kept == CLIPS and not report.dropped and report.frames == 14 * CLIPS
    assert contents(tmp_path / "store") == contents(tmp_path / "calm")
    Store.open(tmp_path / "store").check()


def test_a_cluster_that_does_not_answer(set_of_clips, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("tfg.workers.CONNECT_S", .5)
    for words in (["corpora", "prepare", str(set_of_clips), "--corpus", "actors"], ["actors", "make"]):
        assert main([*words, "--out", str(tmp_path / "s"), "--dask", "tcp://127.0.0.1:9"]) == 2
        assert "no Dask scheduler answers at tcp://127.0.0.1:9" in capsys.readouterr().err
        assert not (tmp_path / "s").exists()


def test_without_dask_it_says_what_to_install():
    code = ("import sys; sys.modules['distributed'] = None\n"
            "from tfg.workers import cluster\n"
            "with cluster('tcp://a:1'): pass")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and "pip install 'dask[distributed]'" in done.stderr
