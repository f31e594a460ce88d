"""Worker processes (tfg/workers.py)."""
import subprocess
import sys

LEFT_BEHIND = """
import os
from tfg.workers import executor
with executor(2) as pool:
    print(pool.submit(os.getpid).result() != os.getpid(), flush=True)
    os._exit(0)
"""


def test_semaphores_left_behind_are_removed_without_a_word():
    """A process that ends at once leaves loky's semaphores to its tracker, whose warning nobody can use."""
    done = subprocess.run([sys.executable, "-c", LEFT_BEHIND], capture_output=True, text=True, timeout=120)
    assert done.stdout == "True\n" and done.stderr == ""
