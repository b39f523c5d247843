"""The scenarios of a seed, made ahead by a process of their own: the campaign has no pauses for it.

Making one takes some milliseconds, in which nobody would read what the switch tells.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import IO

from conformance.scenario import Scenario
from strategies import stream

_PACKAGE = Path(__file__).parents[1]


class AheadError(RuntimeError):
    """The process that makes the scenarios ended before it should."""


@contextmanager
def made_ahead(seed: int) -> Iterator[Iterator[Scenario]]:
    """The scenarios of `strategies.stream`, as far ahead of who takes them as a pipe holds.

    Taking one raises AheadError where the process that makes them has ended.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, str(seed)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        cwd=_PACKAGE,
        start_new_session=True,  # Ctrl-C is for the campaign, which then ends this
    )
    assert process.stdout is not None
    try:
        with process.stdout as lines:
            yield _read(lines)
    finally:
        process.kill()
        process.wait()


def _read(lines: IO[bytes]) -> Iterator[Scenario]:
    for number in count(1):
        line = lines.readline()
        if not line.endswith(b"\n"):
            raise AheadError(f"scenario {number} was not made: the process that makes them ended")
        yield Scenario.from_json(json.loads(line))


def main() -> None:
    """Write the scenarios of the seed that the command line names, a line each, for ever."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # nobody reads any more: there is no more to do
    with os.fdopen(sys.stdout.fileno(), "wb", closefd=False) as out:
        for scenario in stream(int(sys.argv[1])):
            out.write(json.dumps(scenario.to_json()).encode() + b"\n")
            out.flush()


if __name__ == "__main__":
    main()
