"""Two processes that train together with uneven data end, well or with an error, and neither waits for ever."""
from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file

from tfg.training.log import read

HARD_S = 180
"""Seconds after which both processes are killed and the test fails; a run takes about 15 on a busy machine."""
SCRIPT = """
import os, sys
import numpy as np, torch
from tfg.training.loop import Run, train
rank, out = int(os.environ.get("LOCAL_RANK", 0)), sys.argv[1]
class Data:
    n = {examples}[rank]
    def __len__(self):
        return self.n
    def batch(self, epoch, indices):
        if {broken} == (rank, epoch):
            raise OSError("the disk of one machine is gone")
        x = np.stack([np.random.default_rng([rank, int(i)]).normal(size=2) for i in indices]).astype(np.float32)
        return {{"x": x, "y": x[:, :1] - x[:, 1:]}}
class Task:
    def __init__(self):
        torch.manual_seed(0)
        self.networks = {{"g": torch.nn.Linear(2, 1)}}
        self.optimisers = {{"g": torch.optim.SGD(self.networks["g"].parameters(), .3)}}
        self.data = Data()
    def losses(self, batch, at):
        yield "g", (self.networks["g"](batch["x"]) - batch["y"]).square().mean(), {{}}
if __name__ == "__main__":
    run = Run(phases=(("learn", 23),), batch=4, accelerator="cpu", devices=2, strategy="ddp", checkpoint_s=0.0)
    at = train(Task(), run, out, progress=False)
    print(f"rank {{rank}} ended after {{at.step}} steps", flush=True)
"""


def run(folder: Path, examples, broken=None) -> tuple[int, str]:
    """Run the script in two processes. Returns the exit code and all that both said; kills both after HARD_S."""
    path = folder / "script.py"
    path.write_text(SCRIPT.format(examples=tuple(examples), broken=broken))
    process = subprocess.Popen([sys.executable, path, folder / "out"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True, start_new_session=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    try:
        said, _ = process.communicate(timeout=HARD_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        pytest.fail(f"two processes with {examples} examples were still waiting for each other after {HARD_S} s; they "
                    f"said: {process.communicate()[0][-2000:]}")
    with pytest.raises(ProcessLookupError):                              # the second one has ended, too
        for _ in range(100):
            os.killpg(process.pid, 0)
            time.sleep(.1)
    return process.returncode, said


@pytest.mark.slow
def test_uneven_data_end_cleanly(tmp_path):
    """Neither a number that two devices do not divide, nor another number on each, makes one device take a step that
    the other does not take: epochs are counted by each, steps by both."""
    code, said = run(tmp_path, (37, 90))
    assert code == 0, said
    assert "rank 0 ended after 23 steps" in said and "rank 1 ended after 23 steps" in said
    weights = load_file(tmp_path / "out" / "last" / "g.safetensors")["weight"].numpy()
    assert np.abs(weights - [[1, -1]]).max() < .2
    assert max(step for step, _, _ in read(tmp_path / "out" / "log.csv")) == 23


@pytest.mark.slow
@pytest.mark.parametrize("examples, broken, word", [((40, 7), None, "do not fill a batch"),
                                                    ((40, 40), (0, 2), "the disk of one machine is gone")])
def test_one_that_cannot_go_on_ends_the_other(tmp_path, examples, broken, word):
    code, said = run(tmp_path, examples, broken)
    assert code != 0 and word in said and "ended after" not in said
