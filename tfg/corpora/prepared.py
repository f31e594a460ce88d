"""prepare.json in a store: the options its clips were prepared with, for later runs (which must agree) and readers."""
from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from tfg.errors import InputError

OPTIONS = "prepare.json"


def options_of(store) -> dict:
    """The options that a store's clips were prepared with (`tfg.corpora.prepare`); empty where they are not recorded.

    store: `Store`.
    """
    try:
        return json.loads((Path(store.path) / OPTIONS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def check_margin(store, wanted: tuple[float, ...], whose: str) -> None:
    """Raises InputError if a store's crops were prepared with other margins than `wanted`, those of the crops `whose`
    (a system's name): faces would have another size in them. Stores that do not record their margins pass."""
    own = options_of(store).get("margin")
    if own is not None and not np.allclose(own, wanted, atol=.02):
        raise InputError(f"{store.path} was prepared with the margins {', '.join(map(str, own))}, but {whose} crops "
                         f"have {', '.join(map(str, wanted))}: prepare it into a new folder with --size 96 --margin "
                         f"{','.join(map(str, wanted))}")
