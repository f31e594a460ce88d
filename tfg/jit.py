"""`jit`: numba's compiler for the loops of this package, with a cache that works without a writable installation.

Compiling takes seconds, so numba keeps compiled functions on the disk: beside the source, or in the user's cache. In a
container or a shared installation neither may be writable, and numba (0.61 and later) then raises an error where the
function is defined. So a private folder in the system's temporary one is tried next (`private_folder`); without that,
each process compiles for itself. $NUMBA_CACHE_DIR, numba's own setting, still comes first.
"""
from __future__ import annotations

import os
from collections.abc import Callable
from pickle import UnpicklingError  # the error alone: numba keeps its cache so
from typing import Any, TypeVar

import numba

from tfg.files import private_folder

F = TypeVar("F", bound=Callable[..., Any])
UNUSABLE = (OSError, EOFError, UnpicklingError)
"""Errors of a cache that is full, that another user wrote, or whose file is incomplete after a kill."""


def jit(function: F) -> F:
    """Decorator that compiles a function at its first call.

    The function may use no Python objects; arithmetic is fast rather than exact (fastmath), and the interpreter's lock
    is released.
    """
    compiled = numba.njit(fastmath=True, nogil=True)(function)
    if _caches(compiled) or (_use_temporary() and _caches(compiled)):
        compiled._cache = _Forgiving(compiled._cache)
    return compiled


def _caches(compiled: Any) -> bool:
    """Switch the cache of a compiled function on. Returns False if numba finds no folder for it."""
    try:
        compiled.enable_caching()
    except RuntimeError:                                  # "no locator available"
        return False
    return True


def _use_temporary() -> bool:
    """Set numba's cache to a temporary folder, for this process and its children. Returns False if there is none."""
    folder = private_folder("tfg-numba")
    if folder is None:
        return False
    os.environ["NUMBA_CACHE_DIR"] = numba.config.CACHE_DIR = str(folder)
    return True


class _Forgiving:
    """A wrapper of numba's cache: unreadable entries count as missing, and after a failed write it is switched off."""

    def __init__(self, cache: Any):
        self._cache = cache

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cache, name)

    def load_overload(self, signature: Any, context: Any) -> Any:
        """The compiled function for a signature, or None if it is not cached or not readable."""
        try:
            return self._cache.load_overload(signature, context)
        except UNUSABLE:
            return None

    def save_overload(self, signature: Any, compiled: Any) -> None:
        """Write a compiled function for the next process, if that is possible."""
        try:
            self._cache.save_overload(signature, compiled)
        except UNUSABLE:
            self._cache.disable()
