"""A run on the terminal: one screen, the outcome alone, or everything."""

from __future__ import annotations

import math
from collections.abc import Iterable
from enum import StrEnum
from itertools import accumulate

from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.text import Text

from conformance.cdr_modules import MODULES
from conformance.clauses import Level
from conformance.verdicts import ClauseResult, Verdict
from reports.content import Example, Report
from reports.diagram import printable
from reports.text import (
    STYLES,
    example_text,
    headline,
    print_areas,
    print_clauses,
    print_documentation,
    print_outcome,
    print_undecided,
)

_SHOWN = 7
"""Clauses that do not pass and are told, if the screen has room for them."""

_ELSE = 17
"""Rows of the screen that all else takes; on the smallest terminals it has 24."""

_LINE = 500
"""Columns of a finding, of which a value of 10 kB would make a page."""


class Detail(StrEnum):
    """How much is printed of a run."""

    OUTCOME = "outcome"
    SCREEN = "screen"
    FULL = "full"


def print_run(console: Console, report: Report, detail: Detail = Detail.SCREEN) -> None:
    """Print a run; nothing of it can steer the terminal."""
    result = report.result
    if detail is Detail.FULL:
        print_clauses(console, result)
        console.print()
        for name, example in report.examples.items():
            console.print(example_text(result.clauses[name], example), markup=False)
            console.print()
    if detail is not Detail.OUTCOME:
        print_areas(console, result)
    if detail is Detail.SCREEN:
        _print_not_passing(console, report)
    _print_subject(console, report)
    print_documentation(console, result, names=detail is Detail.FULL)
    print_corpus(console, report)
    if detail is not Detail.SCREEN:
        print_undecided(console, result)
    print_outcome(console, result)
    failing = [name for name, one in result.clauses.items() if one.verdict is Verdict.FAIL]
    if failing:
        console.print(f"failing: {', '.join(failing)}", markup=False)
    if detail is Detail.OUTCOME:
        for line in (line for one in report.examples.values() for line in _replay(one)):
            console.print(line, markup=False)


def print_corpus(console: Console, report: Report) -> None:
    """How many calls of the corpus there were, and which of them differ."""
    if not report.corpus:
        return
    differing = [kept for kept in report.corpus if kept.clauses]
    how_many = f"{len(differing)} differ" if differing else "none differs"
    console.print(f"corpus: {len(report.corpus)} examples, {how_many}")
    for kept in differing:
        console.print(f"    {printable(kept.name)}: {', '.join(kept.clauses)}", markup=False)


def _print_not_passing(console: Console, report: Report) -> None:
    """A line a clause that does not pass, what decides first, with the command that replays it."""
    found = sorted(
        (one for one in report.result.clauses.values() if one.verdict is not Verdict.PASS),
        key=lambda one: (one.verdict is not Verdict.FAIL, one.clause.level is not Level.MUST),
    )
    if not found:
        return
    entries = [_entry(one, report.examples.get(one.clause.name)) for one in found[:_SHOWN]]
    rows = accumulate(_rows(entry, console.width) for entry in entries)
    # in a file nothing has to fit
    room = console.height - _ELSE if console.is_terminal else math.inf
    shown = max(1, sum(needed <= room for needed in rows))
    console.print()
    for entry in entries[:shown]:
        for line in entry:
            console.print(line)
    if len(found) > shown:
        console.print(f"and {len(found) - shown} more that do not pass: --verbose shows them")
    console.print()


def _entry(one: ClauseResult, example: Example | None) -> list[Text]:
    """The lines of a clause that does not pass."""
    what = f" {one.clause.name} ({one.clause.level}): "
    why = _fitted(headline(one, example), _LINE)
    line = Text.assemble((one.verdict.value, STYLES[one.verdict]), what, why)
    return [line, *map(Text, _replay(example))] if example else [line]


def _rows(lines: Iterable[Text], width: int) -> int:
    """How many rows of a terminal lines take, for it folds those that are too long."""
    return sum(max(1, math.ceil(line.cell_len / width)) for line in lines)


def _replay(example: Example) -> list[str]:
    """The line with the command that replays an example, where there is one."""
    return [f"    replay: {printable(example.replay)}"] if example.replay else []


def _fitted(text: str, columns: int) -> str:
    """Text in so many columns: of one that is too long the middle goes, for its end says most."""
    if cell_len(text) <= columns:
        return text
    half = max(columns - 3, 2) // 2
    head, tail = text[:half], text[-half:]
    while cell_len(head) > half:
        head = head[:-1]
    while cell_len(tail) > half:
        tail = tail[1:]
    return f"{head}...{tail}"


def _print_subject(console: Console, report: Report) -> None:
    """What was tested, with what, and how long it took."""
    subject = report.subject
    if not any(f"mod_{name}" in subject.modules for name in MODULES):
        modules = " or ".join(f"mod_{name}" for name in MODULES)
        why = f"the switch has no CDR module; load {modules}"
        console.print(f"clauses about CDRs are not verified: {why}")
    identity = subject.image_digest or subject.loopback_sha256
    what = printable(f"{subject.url}: {subject.version} {identity}".rstrip())
    console.print(escape(what))
    console.print(", ".join(filter(None, (f"seed {report.seed}", report.took))))
