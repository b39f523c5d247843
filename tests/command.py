"""The suite's command as a process of its own, started, watched and interrupted."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from fixtures.recording import Recording, RecordingError
from fixtures.switches.process import _module_directory

COMMAND = (sys.executable, "-m", "campaign")
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Ended:
    """How a command ended and what it said."""

    status: int
    out: str
    err: str

    def one_line(self) -> str:
        """What it said, where that is one line on stderr and nothing else."""
        assert self.out == ""
        assert self.err.count("\n") == 1, self.err
        assert self.err.startswith("loopback-conformance: ")
        return self.err.removeprefix("loopback-conformance: ").rstrip()


class Running:
    """A command that runs."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        """Start it, with its temporary files where the environment says."""
        self.process = subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(self, seconds: float) -> Ended:
        """Wait until it has ended; it fails the test if it takes longer."""
        try:
            out, err = self.process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise
        return Ended(self.process.returncode, out, err)

    def until(self, true: Callable[[], bool], seconds: float = 90) -> None:
        """Wait until something is so, as long as it runs."""
        deadline = time.monotonic() + seconds
        while not true():
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def switch(self) -> int:
        """The pid of the FreeSWITCH that it started."""
        (pid,) = (pid for pid in children(self.process.pid) if b"freeswitch" in command_line(pid))
        return pid


def run(*arguments: str, seconds: float = 60, **environment: str) -> Ended:
    """Run the command to its end."""
    return Running(*arguments, **environment).end(seconds)


def placed(path: Path) -> int:
    """How many scenarios a recording holds by now."""
    try:
        return sum(1 for _ in Recording(path))
    except RecordingError:
        return 0  # its header is not there yet


def calls_in(path: Path) -> list[tuple[float, float]]:
    """Give when each call of a recording began and ended, in seconds, in that order."""
    times = [
        [int(str(event["Event-Date-Timestamp"])) / 1e6 for event in placement.events]
        for one in Recording(path)
        for placement in one.attempts
    ]
    return sorted((min(told), max(told)) for told in times)


def at_once(calls: list[tuple[float, float]]) -> int:
    """Give how many calls there were at once at most."""
    return max(sum(began <= moment < ended for began, ended in calls) for moment, _ in calls)


def least_gap(calls: list[tuple[float, float]]) -> float:
    """Give the seconds from one call's beginning to the next one's, at least."""
    return min(after[0] - before[0] for before, after in pairwise(calls))


def children(parent: int) -> list[int]:
    """Pids of the processes that a process started and that are there."""
    found = []
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            ppid = int(place.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # it has just ended
        if ppid == parent:
            found.append(int(place.parent.name))
    return found


def command_line(pid: int) -> bytes:
    """Arguments of a process, "" where it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def is_running(pid: int) -> bool:
    """Whether a process is there and not only waits to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def installation_without(binary: Path, root: Path, *missing: str) -> Path:
    """Install FreeSWITCH once more, without some modules; gives the path of its binary."""
    binary = binary.resolve()
    modules = _module_directory(binary)
    assert modules is not None, "the modules are not beside the binary"
    copy = root / "bin" / "freeswitch"
    copy.parent.mkdir(parents=True)
    shutil.copy2(binary, copy)
    libraries = binary.parent.parent / "lib"
    if libraries.is_dir():
        (root / "lib").symlink_to(libraries)
    (root / "mod").mkdir()
    for module in modules.glob("*.so"):
        if module.stem not in missing:
            (root / "mod" / module.name).symlink_to(module)
    return copy
