"""The kill matrix: which clause caught which seeded fault, as a table or as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Protocol

from conformance.clauses import CLAUSES


class Row(Protocol):
    """What came of one fault."""

    @property
    def name(self) -> str:
        """Name of the fault."""

    @property
    def wrong(self) -> str:
        """What goes wrong, in a sentence."""

    @property
    def by(self) -> tuple[str, ...]:
        """The clauses that caught it and that it names."""

    @property
    def also(self) -> tuple[str, ...]:
        """The other clauses that failed."""

    @property
    def after(self) -> int | None:
        """Scenarios placed until the first finding of one of `by`."""

    @property
    def right(self) -> bool:
        """Whether the suite did what it should."""


def markdown(rows: Sequence[Row], heading: str, reasons: Mapping[str, str]) -> str:
    """A page with a line a fault; `reasons` are why no fault can be a clause's own, by clause."""
    lines = [
        "# Kill matrix",
        "",
        "Which clause catches which seeded fault of the embedded switch. Made by "
        "`loopback-conformance faults --markdown docs/kill-matrix.md`; do not edit.",
        "",
        f"{heading} With Hypothesis {version('hypothesis')}: another one makes other scenarios of "
        "a seed, which changes what is in the columns *after* and *also failing*.",
        "",
        "| fault | what goes wrong | caught by | after | also failing |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        caught = ", ".join(row.by) or ("not held against the switch" if row.right else "**missed**")
        after = "" if row.after is None else str(row.after)
        also = ", ".join(row.also)
        lines.append(f"| {row.name} | {row.wrong} | {caught} | {after} | {also} |")
    return "\n".join([*lines, "", *_by_clause(rows, reasons), ""])


def _by_clause(rows: Sequence[Row], reasons: Mapping[str, str]) -> list[str]:
    """A line a clause: the faults that no other clause catches, and those that others see too."""
    lines = [
        "## By clause",
        "",
        "A fault is a clause's own where no other clause fails. Where there is none, what breaks "
        "the clause breaks others too.",
        "",
        "| clause | faults of its own | other faults that it catches | why none can be its own |",
        "|---|---|---|---|",
    ]
    for clause in CLAUSES:
        own = [row.name for row in rows if (*row.by, *row.also) == (clause,)]
        shared = [row.name for row in rows if clause in row.by and row.name not in own]
        why = reasons.get(clause, "")
        lines.append(f"| {clause} | {', '.join(own)} | {', '.join(shared)} | {why} |")
    return lines
