"""Report files: whole or not there at all, whatever happens while one is written."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

_HINT = "see that its folder exists, is writable and has free space"


class ReportError(Exception):
    """A report cannot be written; `str()` is "cause; hint" on one line."""

    def __init__(self, path: Path, error: OSError) -> None:
        """Keep what could not be written and why."""
        super().__init__(f"cannot write {path}: {error.strerror or error}; {_HINT}")


def write(path: Path, content: str | bytes) -> None:
    """Put a file in place: written beside it, brought to the disk, then renamed.

    A file of that name is replaced, a link leads to the file that is, and a device or a pipe is
    written to as it is. What UTF-8 cannot hold is escaped. Raises ReportError; what was there
    before is then still there.
    """
    data = content.encode(errors="backslashreplace") if isinstance(content, str) else content
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)
        else:
            _replace(Path(os.path.realpath(path)), data)
    except OSError as error:
        raise ReportError(path, error) from error


def folder(path: Path) -> None:
    """Make a folder and those above it, as far as they are not there; raises ReportError."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ReportError(path, error) from error


def remove(path: Path) -> None:
    """Take away a file that an earlier run may have left; raises ReportError."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise ReportError(path, error) from error


def _replace(path: Path, data: bytes) -> None:
    # a name that nobody can have laid a link under
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    try:
        with beside.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        with suppress(OSError):
            beside.unlink()
        raise
