"""Reports as files: which are asked for, whether they can be written, and writing them whole."""

from __future__ import annotations

import argparse
import os
from contextlib import suppress
from pathlib import Path

from campaign.report import report_of
from campaign.session import Run
from conformance.verdicts import CONFORMS, USAGE
from fixtures.switches import UsageError
from reports.html import page

HTML_HELP = "write the report as one HTML file, which needs nothing else; replaces what is there"


def add_report_options(parser: argparse.ArgumentParser) -> None:
    """The options that ask for reports."""
    parser.add_argument("--html", type=Path, metavar="FILE", help=HTML_HELP)


def require_place(path: Path | None) -> None:
    """Refuse before anything is placed what could not be written after it; raises UsageError."""
    if path is None:
        return
    folder, why = path.absolute().parent, ""
    try:
        if path.exists() and not path.is_file():
            why = "it is a folder" if path.is_dir() else "it is no regular file"
        elif not os.access(folder, os.W_OK | os.X_OK):
            why = f"nothing can be made in {folder}"
    except OSError as error:  # a name that is too long, say
        why = error.strerror or str(error)
    if why:
        raise UsageError(f"cannot write {path}: {why}; name a file where one can be made")


def write_report(done: Run, path: Path) -> None:
    """Write a run as HTML; raises UsageError, and then what was there before is there still."""
    write_whole(path, page(report_of(done)))


def write_whole(path: Path, text: str) -> None:
    """Write a file beside its place and put it there when it is whole; raises UsageError."""
    beside = path.with_name(f".{path.name[:200]}.{os.getpid()}")
    try:
        with beside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        why = error.strerror or str(error)
        hint = "see that its folder exists, is writable and has free space"
        raise UsageError(f"cannot write {path}: {why}; {hint}") from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def status_without(report: UsageError | None, status: int) -> int:
    """The exit status of a run whose report could not be written: 2, unless it says worse."""
    return USAGE if report is not None and status == CONFORMS else status
