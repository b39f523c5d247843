"""The standard streams, where they cannot be written: nobody who reads along decides a run."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, TextIO, cast


class OutputError(Exception):
    """The standard output cannot be written; `left` tells whether its reader is gone.

    No OSError: where a reader has left, rich would end with 1, "findings".
    """

    def __init__(self, error: OSError) -> None:
        """Say why, by what the system said."""
        super().__init__(f"cannot write to the standard output: {error.strerror}")
        self.left = error.errno == errno.EPIPE


class _Lossy:
    """A stream of which what cannot be written is lost."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError as error:
            self._lose(error)
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            self._lose(error)

    def _lose(self, error: OSError) -> None:
        """Lose what is left: it would fail at the end, with a status of Python's own."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _Needed(_Lossy):
    """A stream of which the first text that cannot be written raises OutputError."""

    def _lose(self, error: OSError) -> None:
        super()._lose(error)
        raise OutputError(error) from error


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
    """Print what a command has to say; raises OutputError where that cannot be written."""
    # where it was closed before, one that cannot be written takes its place, and its number
    stream = sys.stdout or os.fdopen(os.open(os.devnull, os.O_RDONLY), "w")
    with redirect_stdout(cast(TextIO, _Needed(stream))):
        try:
            yield
        finally:
            sys.stdout.flush()
