"""A comparison of two switches: on the terminal, as Markdown of one screen, as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape

from conformance.changes import (
    MEANINGS,
    Change,
    ChangedCase,
    Changes,
    ClauseChanges,
    RawChange,
    Shift,
)
from conformance.clauses import CLAUSES, Level
from conformance.verdicts import CONFORMS, FINDINGS, UNDECIDED
from reports.content import Subject
from reports.diagram import clipped, printable
from reports.text import by_hand

FORMAT = "loopback-conformance comparison"
VERSION = 1
"""Grows with what a reader would have to know; fields may come without it."""

SCREEN = 32
"""Lines that the Markdown has at most: a comment is read at a glance or not at all."""

_COLUMNS = 160
_SHOWN = 8
_ORDER = (
    Change.REGRESSION,
    Change.DIFFERS_OTHERWISE,
    Change.FLAKY,
    Change.DIFFERS_ALIKE,
    Change.KNOWN,
    Change.IMPROVEMENT,
)
"""Changes that are told clause by clause, the worst first."""

_STYLES = {
    Change.REGRESSION: "bold red",
    Change.DIFFERS_OTHERWISE: "red",
    Change.FLAKY: "yellow",
    Change.DIFFERS_ALIKE: "yellow",
    Change.KNOWN: "cyan",
    Change.IMPROVEMENT: "green",
}
_OUTCOMES = {
    CONFORMS: ("green", "the gate is passed"),
    FINDINGS: ("bold red", "the gate fails"),
    UNDECIDED: ("yellow", "not decided"),
}


@dataclass(frozen=True, slots=True)
class ChangesReport:
    """A comparison with what the gate makes of it.

    `release` is that of the model. `failures` fail the gate, `doubts` keep it from being decided,
    `notes` are of known divergences that matched nothing; `seconds` is what placing took.
    """

    old: Subject
    new: Subject
    release: str
    suite_version: str
    changes: Changes
    failures: tuple[str, ...]
    doubts: tuple[str, ...]
    notes: tuple[str, ...]
    seconds: float

    @property
    def exit_status(self) -> int:
        """1 where anything fails the gate, else 3 with any doubt, else 0."""
        if self.failures:
            return FINDINGS
        return UNDECIDED if self.doubts else CONFORMS


# --- terminal ------------------------------------------------------------------------------------


def print_changes(console: Console, report: ChangesReport, *, full: bool, quiet: bool) -> None:
    """Print a comparison; with `full` all of it and how to place calls by hand."""
    for name, subject in (("old", report.old), ("new", report.new)):
        console.print(f"{name}  {_subject(subject)}", markup=False)
    if not quiet:
        _print_clauses(console, report.changes, full=full)
        most = len(report.changes.raw) if full else _SHOWN
        lines = [*_shift_lines(report.changes), *_raw_lines(report.changes, most)]
        for line in lines:
            console.print(printable(line), markup=False)
    for note in report.notes:
        console.print(f"[yellow]known divergence[/] {escape(printable(note))}")
    for kind, said in (("fails", report.failures), ("not decided", report.doubts)):
        shown = said if full else said[:_SHOWN]
        for line in shown:
            console.print(f"[{'bold red' if kind == 'fails' else 'yellow'}]{kind}[/] ", end="")
            console.print(printable(line), markup=False)
        if len(shown) < len(said):
            console.print(f"and {len(said) - len(shown)} more: --verbose shows them")
    style, words = _OUTCOMES[report.exit_status]
    console.print(f"[{style}]{words}[/]: {_summary(report)}")


def _print_clauses(console: Console, changes: Changes, *, full: bool) -> None:
    told = list(_told(changes))
    console.print()
    for change, one, cases in told if full else told[: 2 * _SHOWN]:
        line = f" {one.clause} ({one.level}): {_counted(one)}"
        console.print(f"[{_STYLES[change]}]{change}[/]{escape(line)}")
        for sentence in _sentences(cases[0]):
            console.print(f"    {printable(sentence)}", markup=False)
        if full:
            console.print(by_hand(cases[0].scenario), markup=False)
    if not told:
        console.print("no clause changed")
    elif not full and len(told) > 2 * _SHOWN:
        console.print(f"and {len(told) - 2 * _SHOWN} more: --verbose shows them")
    console.print()


def _told(
    changes: Changes,
) -> Iterator[tuple[Change, ClauseChanges, tuple[ChangedCase, ...]]]:
    """Every clause that changed, the worst first; one that changed in two ways comes twice."""
    for change in _ORDER:
        for level in Level:
            for one in changes.clauses.values():
                if one.level is level and one.cases.get(change):
                    yield change, one, one.cases[change]


def _counted(one: ClauseChanges) -> str:
    counts = ((change, one.counts.get(change, 0)) for change in (*_ORDER, *Change))
    return ", ".join(f"{count} {change}" for change, count in dict(counts).items() if count)


def _sentences(case: ChangedCase) -> Iterator[str]:
    for side, findings in (("old", case.old), ("new", case.new)):
        for finding in findings[:1]:
            yield f"{side}, {case.scenario.id}: {finding.sentence}"


def _shift_lines(changes: Changes) -> Iterator[str]:
    for one in changes.shifts:
        yield (
            f"distribution {one.clause}: {one.subject}: {one.was}, now {one.now} "
            f"({one.test}, p = {one.p:.1g} of {changes.tests} tests)"
        )


def _raw_lines(changes: Changes, most: int) -> Iterator[str]:
    for one in changes.raw[:most]:
        yield f"raw {one.difference}{_places(one)}; scenarios: {len(one.scenarios)}"
    if len(changes.raw) > most:
        yield f"and {len(changes.raw) - most} raw differences more"
    if changes.undecided_raw:
        yield (
            f"{changes.undecided_raw} raw differences were seen in too few attempts to tell them "
            "from a race"
        )


def _places(one: RawChange) -> str:
    places = [place for place in one.places if place]
    if not places:
        return ""
    more = f" and {len(places) - 2} more" if len(places) > 2 else ""
    return f", at {', '.join(places[:2])}{more}"


def _subject(subject: Subject) -> str:
    identity = subject.image_digest or subject.loopback_sha256
    return printable(f"{subject.url}: {subject.version} {identity}".rstrip())


def _summary(report: ChangesReport) -> str:
    changes = report.changes
    kinds = {
        change: sum(bool(one.counts.get(change)) for one in changes.clauses.values())
        for change in _ORDER
    }
    told = ", ".join(f"{count} with {change}" for change, count in kinds.items() if count)
    took = f", {report.seconds:.1f} s" if report.seconds else ""  # recordings took none
    return (
        f"{changes.scenarios} scenarios on both, {changes.attempts} attempts{took}; "
        f"{len(changes.clauses)} clauses, {told or 'all the same'}; "
        f"{len(changes.shifts)} distributions and {len(changes.raw)} raw differences"
    )


# --- Markdown ------------------------------------------------------------------------------------


def markdown(report: ChangesReport) -> str:
    """The comparison as Markdown of at most `SCREEN` lines; what is left out is counted."""
    head = [
        f"## loopback-conformance: {_OUTCOMES[report.exit_status][1]}",
        "",
        f"- old {_code(_subject(report.old))}",
        f"- new {_code(_subject(report.new))}",
        f"- {_summary(report)}",
    ]
    worst = "; ".join(report.failures)
    body = [f"- **fails** ({len(report.failures)}): {_code(worst)}"] if worst else []
    body += [f"- **not decided**: {_code(line)}" for line in report.doubts]
    body += [f"- **known divergence**: {_code(note)}" for note in report.notes]
    for change, one, cases in _told(report.changes):
        first = next(_sentences(cases[0]), "")
        body.append(f"- **{change}** {one.clause} ({one.level}, {_counted(one)}): {_code(first)}")
    body += [f"- {_code(line)}" for line in _shift_lines(report.changes)]
    body += [f"- {_code(line)}" for line in _raw_lines(report.changes, len(report.changes.raw))]
    room = SCREEN - len(head) - 2
    left = len(body) - room
    if left > 0:
        body = [*body[: room - 1], f"- and {left + 1} lines more, in the other reports"]
    return "\n".join([*head, "", *body]) + "\n"


def _code(text: str) -> str:
    """Text as code on one line; a backtick in it could end it."""
    return f"`{clipped(printable(text).replace('`', chr(39)), _COLUMNS) or ' '}`"


# --- JSON ----------------------------------------------------------------------------------------


def as_json(report: ChangesReport) -> str:
    """The comparison as one JSON object, in ASCII."""
    changes = report.changes
    value = {
        "format": FORMAT,
        "version": VERSION,
        "suite_version": report.suite_version,
        "old": asdict(report.old),
        "new": asdict(report.new),
        "release": report.release,
        "exit_status": report.exit_status,
        "failures": report.failures,
        "doubts": report.doubts,
        "notes": report.notes,
        "scenarios": changes.scenarios,
        "attempts": changes.attempts,
        "seconds": round(report.seconds, 3) or None,
        "meanings": {change.value: meaning for change, meaning in MEANINGS.items()},
        "clauses": [_clause(one) for one in changes.clauses.values()],
        "distributions": [_shift(one) for one in changes.shifts],
        "distributions_tested": changes.tests,
        "raw": [_raw(one) for one in changes.raw],
        "raw_undecided": changes.undecided_raw,
    }
    return json.dumps(value, indent=1) + "\n"


def _clause(one: ClauseChanges) -> Mapping[str, Any]:
    return {
        "name": one.clause,
        "level": one.level,
        "since": CLAUSES[one.clause].since,
        "counts": {change.value: one.counts.get(change, 0) for change in Change},
        "cases": {
            change.value: [_case(case, whole=number == 0) for number, case in enumerate(cases)]
            for change, cases in one.cases.items()
        },
    }


def _case(case: ChangedCase, *, whole: bool) -> Mapping[str, Any]:
    value = {
        "id": case.scenario.id,
        "old": [asdict(finding) for finding in case.old],
        "new": [asdict(finding) for finding in case.new],
    }
    return value | ({"scenario": case.scenario.to_json()} if whole else {})


def _shift(one: Shift) -> Mapping[str, Any]:
    return asdict(one)


def _raw(one: RawChange) -> Mapping[str, Any]:
    return {
        **one.difference._asdict(),
        "places": one.places,
        "scenarios": [scenario.id for scenario in one.scenarios],
        "p": one.p,
    }
