"""How a process that places or judges calls for long keeps its memory flat."""

from __future__ import annotations

import ctypes
import gc
from contextlib import suppress

_MMAP_THRESHOLD, _ARENA_MAX = -3, -8
"""Parameters of glibc's `mallopt`."""

_LARGE = 1 << 16
"""Bytes from which on a block is given back as soon as it is freed, and leaves no hole."""


def keep_memory_flat() -> None:
    """Have what is freed given back or used again; to be called before any thread is started.

    Cycles are looked for once in 3,000 containers, for counting references frees most. More seldom
    takes no less time, and what waits to be found adds to the peak of memory. What is there by now
    stays: it is not looked through again, nor is a quarter as much let wait.

    Where the C library is glibc, large blocks are kept out of its heap, in which the small ones of
    calls in flight would soon leave no room for them, and threads have no heap of their own.
    """
    gc.set_threshold(3_000, 5, 5)
    gc.freeze()
    gc.collect()
    with suppress(AttributeError, OSError, TypeError):  # another C library
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_MMAP_THRESHOLD, _LARGE)
        mallopt(_ARENA_MAX, 1)
