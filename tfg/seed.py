"""One seed for every random number generator that a notebook touches."""
from __future__ import annotations

import sys


def seed(n: int = 0) -> None:
    """Seed Python, NumPy and, if it has been imported already, PyTorch.

    n: any non-negative integer below 2**32.  torch is not imported just to be seeded: its own default seed is fixed
    by `torch.manual_seed` the moment this runs after `import torch`.
    """
    import random

    import numpy as np

    random.seed(n)
    np.random.seed(n)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(n)
