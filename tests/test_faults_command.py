"""The command `faults` as processes: what it starts goes with it."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from fixtures.switches.embedded import place_of_files
from fixtures.switches.owner import FILE, PREFIX
from tests.command import Running, children, command_line, is_running, run

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


@pytest.mark.skipif(
    sys.platform != "linux", reason="processes are looked for in /proc, as in Linux"
)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("placing", [False, True])
def test_interrupted_faults_end_with_one_line(
    number: signal.Signals, placing: bool, tmp_path: Path
) -> None:
    """As workers import, and as switches run: those end, and leave no directory."""
    running = Running(
        "faults", "--jobs", "2", "legs-swapped", "three-seconds", TMPDIR=str(tmp_path)
    )
    part = b"fixtures.embedded" if placing else b"multiprocessing.spawn"

    def begun() -> list[int]:
        started = descendants(running.process.pid)
        return [pid for pid in started if part in command_line(pid)]

    running.until(lambda: len(begun()) == 2)
    ending = begun()
    # As a terminal does, but the one that ends the others last: they are still there to be sent it.
    for pid in [*descendants(running.process.pid), running.process.pid]:
        if number is signal.SIGINT or pid == running.process.pid:
            os.kill(pid, number)
    ended = running.end(ENDED_SECONDS)
    assert (ended.status, ended.one_line()) == (3, "interrupted; nothing is decided")
    assert not [pid for pid in ending if is_running(pid)]
    assert not list(tmp_path.glob("loopback*"))


@pytest.mark.skipif(
    sys.platform != "linux", reason="processes are looked for in /proc, as in Linux"
)
def test_interrupted_faults_leave_no_directory_where_switches_have_theirs() -> None:
    """In memory, mostly."""
    running = Running("faults", "three-seconds")

    def begun() -> list[Path]:
        owners = {str(pid) for pid in descendants(running.process.pid)}
        marks = place_of_files().glob(f"{PREFIX}*/{FILE}")
        return [mark.parent for mark in marks if owners & {*mark.read_text().split("/")}]

    running.until(lambda: bool(begun()))
    made = begun()
    os.kill(running.process.pid, signal.SIGTERM)
    running.end(ENDED_SECONDS)
    assert not any(directory.exists() for directory in made)


def test_a_page_that_cannot_be_written_is_refused_before_a_fault_is_run(tmp_path: Path) -> None:
    page = tmp_path / "none" / "page.md"
    ended = run("faults", "three-seconds", "--markdown", str(page))
    assert ended.status == 2
    assert ended.one_line().startswith(f"cannot write {page}: nothing can be made in ")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="it is a device of Linux")
def test_a_page_that_fails_takes_the_outcome_not_with_it() -> None:
    ended = run("faults", "legs-swapped", "--scenarios", "20", "--markdown", "/dev/full")
    assert ended.status == 2
    assert ended.out.splitlines()[-1] == "1 of 1 faults are caught as they should be"
    assert ended.err.startswith("loopback-conformance: cannot write /dev/full: No space left")
