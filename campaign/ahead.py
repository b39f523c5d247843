"""The scenarios of a seed, made ahead by a process of their own: the campaign has no pauses for it.

Making one takes some milliseconds, in which nobody would read what the switch tells. As many as are
certainly wanted are made at once, each further one when it is asked for: what nobody takes would
cost the switch its processor.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import IO

from campaign.memory import keep_memory_flat
from conformance.compact import NoRoomError
from conformance.scenario import Scenario
from strategies import stream

_PACKAGE = Path(__file__).parents[1]

_PIPE = 1 << 20
"""Bytes of the pipe where its size can be set: some 800 scenarios."""


class AheadError(RuntimeError):
    """The process that makes the scenarios ended before it should."""


@contextmanager
def made_ahead(seed: int, wanted: int) -> Iterator[Iterator[Scenario]]:
    """The scenarios of `strategies.stream`, the first ones as far ahead as a pipe holds.

    `wanted` is how many those are; the others take their time. Taking one raises AheadError where
    the process that makes them has ended.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, str(seed), str(wanted)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=_PACKAGE,
        start_new_session=True,  # Ctrl-C is for the campaign, which then ends this
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(OSError):  # a user may have no more than so many pages in pipes
        fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, _PIPE)
    try:
        with process.stdin as asking, process.stdout as lines:
            yield _read(lines, asking, wanted)
    finally:
        process.kill()
        process.wait()


def _read(lines: IO[bytes], asking: IO[bytes], wanted: int) -> Iterator[Scenario]:
    for number in count(1):
        if number > wanted:
            with suppress(BrokenPipeError):  # it ended, which reading tells
                asking.write(b"\n")
                asking.flush()
        line = lines.readline()
        if not line.endswith(b"\n"):
            raise AheadError(f"scenario {number} was not made: the process that makes them ended")
        yield Scenario.from_json(json.loads(line))


def main() -> None:
    """Write scenarios, a line each: of which seed and how many unasked the command line says."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # nobody reads any more: there is no more to do
    keep_memory_flat()
    seed, wanted = map(int, sys.argv[1:])
    try:
        with os.fdopen(sys.stdout.fileno(), "wb", closefd=False) as out:
            for number, scenario in enumerate(stream(seed)):
                if number >= wanted and not sys.stdin.buffer.read(1):
                    return
                out.write(json.dumps(scenario.to_json()).encode() + b"\n")
                out.flush()
    except NoRoomError as error:
        sys.exit(f"loopback-conformance: {error}")


if __name__ == "__main__":
    main()
