"""The standard streams, where they cannot be written: nobody who reads along decides a run."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from typing import Any, TextIO, cast

from campaign.options import end_by_broken_pipe
from fixtures.switches import UsageError


class _Lossy:
    """A stream of which what cannot be written is lost."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError:
            give_up(self._stream)
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError:
            give_up(self._stream)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def without_need_of_stderr() -> Iterator[None]:
    """Go on where the standard error cannot be written: progress is then not shown."""
    if sys.stderr is None:  # it was closed before
        yield
        return
    with redirect_stderr(cast(TextIO, _Lossy(sys.stderr))):
        yield


@contextmanager
def printing() -> Iterator[None]:
    """Print what a command has to say; raises UsageError where that cannot be written.

    Who reads along may leave at any line: this process then ends as any other does.
    """
    end_by_broken_pipe()
    try:
        yield
    except OSError as error:
        give_up(sys.stdout)
        cause = f"cannot write to the standard output: {error.strerror}"
        raise UsageError(f"{cause}; see where it goes") from error


def give_up(stream: TextIO) -> None:
    """Lose what is left of a stream: it would fail at the end, with a status of Python's own."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
