"""The kill matrix: which clause caught which seeded fault, as a table or as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


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


def markdown(rows: Sequence[Row], heading: str) -> str:
    """A page with a line a fault."""
    lines = [
        "# Kill matrix",
        "",
        heading,
        "",
        "| fault | what goes wrong | caught by | after | also failing |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        caught = ", ".join(row.by) or ("not held against the switch" if row.right else "**missed**")
        after = "" if row.after is None else str(row.after)
        also = ", ".join(row.also)
        lines.append(f"| {row.name} | {row.wrong} | {caught} | {after} | {also} |")
    return "\n".join([*lines, ""])
