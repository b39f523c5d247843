"""The reports that a run is asked for: their options, and writing them, whatever becomes of one."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from conformance.verdicts import CONFORMS, USAGE
from fixtures.switches import UsageError
from reports import allure, html, json_report, junit, markdown
from reports.content import Report
from reports.files import ReportError

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Form(Generic[R]):
    """A form of report: its option `--name`, what that takes, and what writes it."""

    name: str
    takes: str
    help: str
    write: Callable[[R, Path], None]


FORMS = (
    Form("html", "FILE", "as one HTML page that needs nothing else, for people", html.write),
    Form("json", "FILE", "as JSON, for programs", json_report.write),
    Form("junit", "FILE", "as JUnit XML, a test case a clause", junit.write),
    Form("markdown", "FILE", "as Markdown, for the summary of a CI job", markdown.write),
    Form("allure", "DIR", "as results for `allure generate`", allure.write),
)
"""Every form that a run can be asked for."""

Asked = Mapping[Form[Report], Path]
"""Where which forms of report are to be written."""


def add_report_options(parser: argparse.ArgumentParser) -> None:
    """The options that ask for reports."""
    group = parser.add_argument_group(
        "reports", "What is written besides; docs/reports.md says more."
    )
    for form in FORMS:
        group.add_argument(f"--{form.name}", type=Path, metavar=form.takes, help=form.help)


def asked_for(
    paths: Mapping[str, Path | None],
    recording: Path | None = None,
    read: Iterable[Path | None] = (),
) -> Asked:
    """The reports of a run that options ask for, as `places` has it."""
    return places(FORMS, paths, [recording], read)


def places(
    forms: Iterable[Form[R]],
    paths: Mapping[str, Path | None],
    recordings: Iterable[Path | None],
    read: Iterable[Path | None],
) -> dict[Form[R], Path]:
    """The reports that options ask for, by name of form; no file is written twice, or read too.

    Raises UsageError where that is so, or a report can be seen not to be writable, before a call is
    placed.
    """
    asked = {form: path for form in forms if (path := paths.get(form.name))}
    for form, path in asked.items():
        _require_place(form, path)
    taken = {os.path.realpath(path) for path in read if path}
    for path in (*filter(None, recordings), *asked.values()):
        real = os.path.realpath(path)
        if real in taken and (path.is_file() or not path.exists()):
            raise UsageError(f"cannot write {path}: it is asked for twice; name another file")
        taken.add(real)
    return asked


def write_reports(report: R, asked: Mapping[Form[R], Path]) -> list[str]:
    """Write each of them; gives a line for each that could not be, and writes the others."""
    failures = []
    for form, path in asked.items():
        try:
            form.write(report, path)
        except ReportError as error:
            failures.append(str(error))
        except Exception as error:  # a fault in one report must not take the others with it
            why = f"the {form.name} report fails: {error!a}"
            failures.append(f"cannot write {path}: {why}; a fault of the suite, please report it")
    return failures


def exit_status(of_run: int, failures: Sequence[str]) -> int:
    """That of the run, which a report that is missing must not hide; 2 if it has nothing to say."""
    return USAGE if of_run == CONFORMS and failures else of_run


def _require_place(form: Form[R], path: Path) -> None:
    is_folder = form.takes == "DIR"
    if path.exists() and path.is_dir() is not is_folder:
        what = "no folder" if is_folder else "a folder"
        raise UsageError(f"cannot write {path}: it is {what}; name another place")
    device = path.exists() and not path.is_file() and not is_folder
    place = path if is_folder or device else path.parent
    while is_folder and not place.exists():
        place = place.parent
    if not os.access(place, os.W_OK if device else os.W_OK | os.X_OK):
        raise UsageError(f"cannot write {path}: nothing can be made in {place}; name another place")
