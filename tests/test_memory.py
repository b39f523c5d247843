"""How the memory of a long run is kept flat."""

from __future__ import annotations

import gc
import platform
import subprocess
import sys

import pytest

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


HELD_APART = """
import ctypes
from campaign.memory import keep_memory_flat

class Told(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in (
        "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks",
        "fordblks", "keepcost")]

mallinfo2 = ctypes.CDLL(None).mallinfo2
mallinfo2.restype = Told
keep_memory_flat()
large = bytearray(1 << 20)
del large  # after one of this size glibc keeps the next one in its heap
before = mallinfo2().hblks
held = [bytearray(1 << 17) for _ in range(16)]
print(mallinfo2().hblks - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has these parameters")
def test_a_large_block_is_no_part_of_the_heap() -> None:
    """What is kept of calls in flight would soon leave no room there for the next one.

    The first few may find room that the heap has at its end.
    """
    said = subprocess.run(
        [sys.executable, "-c", HELD_APART], capture_output=True, text=True, check=True
    )
    assert int(said.stdout) > 8
