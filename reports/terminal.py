"""A run on the terminal: one screen, the outcome alone, or everything."""

from __future__ import annotations

from enum import StrEnum

from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.text import Text

from conformance.cdr_modules import MODULES
from conformance.clauses import Level
from conformance.verdicts import Verdict
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
"""Clauses that do not pass and are on the screen: it has 24 lines on the smallest terminals."""

_LINE = 500
"""Columns of a line that goes to no terminal, of which a value of 10 kB would make a page."""


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
        for example in report.examples.values():
            _print_replay(console, example)


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
    # in a file nothing has to fit
    width = console.width if console.is_terminal else _LINE
    if found:
        console.print()
    for one in found[:_SHOWN]:
        name = one.clause.name
        example = report.examples.get(name)
        what = f" {name} ({one.clause.level}): "
        why = _fitted(headline(one, example), width - len(one.verdict + what))
        console.print(Text.assemble((one.verdict.value, STYLES[one.verdict]), what, why))
        if example:
            _print_replay(console, example)
    if len(found) > _SHOWN:
        console.print(f"and {len(found) - _SHOWN} more that do not pass: --verbose shows them")
    if found:
        console.print()


def _print_replay(console: Console, example: Example) -> None:
    if example.replay:
        console.print(f"    replay: {printable(example.replay)}", markup=False)


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
    subject, result = report.subject, report.result
    if not any(f"mod_{name}" in subject.modules for name in MODULES):
        modules = " or ".join(f"mod_{name}" for name in MODULES)
        why = f"the switch has no CDR module; load {modules}"
        console.print(f"clauses about CDRs are not verified: {why}")
    identity = subject.image_digest or subject.loopback_sha256
    what = printable(f"{subject.url}: {subject.version} {identity}".rstrip())
    console.print(escape(what))
    rate = result.attempts / report.seconds if report.seconds else 0.0
    console.print(f"seed {report.seed}, {report.seconds:.1f} s, {rate:.1f} scenarios a second")
