"""How often the interpreter looks for cycles in a process that places or judges calls for long."""

from __future__ import annotations

import gc


def collect_rarely() -> None:
    """Have it look for them once in 10,000 containers: counting references frees most.

    More seldom takes no less time, and what waits to be found adds to the peak of memory.
    """
    gc.set_threshold(10_000, 10, 20)
