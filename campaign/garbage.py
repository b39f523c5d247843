"""How often the interpreter looks for cycles in a process that places or judges calls for long."""

from __future__ import annotations

import gc


def collect_rarely() -> None:
    """Have it look for them once in 3,000 containers: counting references frees most.

    More seldom takes no less time, and what waits to be found adds to the peak of memory. What is
    there by now stays: it is not looked through again, nor is a quarter as much let wait.
    """
    gc.set_threshold(3_000, 5, 5)
    gc.freeze()
    gc.collect()
