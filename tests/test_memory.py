"""How often the interpreter looks for cycles."""

from __future__ import annotations

import gc

from campaign.memory import keep_memory_flat


def test_cycles_are_looked_for_rarely_but_looked_for() -> None:
    before = gc.get_threshold()
    try:
        keep_memory_flat()
        youngest, older, oldest = gc.get_threshold()
        assert gc.get_freeze_count() > 0
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
    assert youngest > 700, "Python's own"
    assert min(older, oldest) > 0
    assert gc.isenabled()
