"""The command `faults` as processes: what it starts goes with it."""

import os
import signal
import sys
import time

import pytest

from tests.command import Running, children, command_line, is_running

ENDED_SECONDS = 20.0
"""Within which all that it started is gone."""


def descendants(pid: int) -> list[int]:
    """All that a process started, and what those did."""
    return [one for child in children(pid) for one in (child, *descendants(child))]


@pytest.mark.skipif(
    sys.platform != "linux", reason="processes are looked for in /proc, as in Linux"
)
def test_what_runs_faults_side_by_side_ends_with_the_command() -> None:
    running = Running("faults", "--jobs", "2", "legs-swapped", "three-seconds")

    def switches() -> list[int]:
        started = descendants(running.process.pid)
        return [pid for pid in started if b"fixtures.embedded" in command_line(pid)]

    running.until(lambda: len(switches()) == 2)
    started = descendants(running.process.pid)
    running.process.terminate()
    deadline = time.monotonic() + ENDED_SECONDS
    while left := [pid for pid in started if is_running(pid)]:
        if time.monotonic() > deadline:
            for pid in left:
                os.kill(pid, signal.SIGKILL)
            pytest.fail(f"{len(left)} processes outlived the command")
        time.sleep(0.05)
    running.end(ENDED_SECONDS)
