"""One seed for all random number generators that a notebook uses."""
from __future__ import annotations

import sys


def seed(n: int = 0) -> None:
    """Seed the generators of Python, NumPy and, if it has been imported already, PyTorch.

    n: a non-negative integer below 2**32.  PyTorch is not imported by this function: call it after `import torch` to
    seed PyTorch too.
    """
    import random

    import numpy as np

    random.seed(n)
    np.random.seed(n)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(n)
