"""How often the interpreter looks for cycles in a process that places or judges calls for long."""

from __future__ import annotations

import gc


def collect_rarely() -> None:
    """Have it look for them once in 50,000 containers: reference counts free what calls leave."""
    gc.set_threshold(50_000, 20, 100)
