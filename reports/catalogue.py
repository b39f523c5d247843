"""The catalogue of clauses: as a table, as JSON, and as the page docs/clauses.md."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from textwrap import wrap

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from conformance.clauses import Area, Clause, Documentation, Level
from conformance.not_observable import NOT_OBSERVABLE

_TITLES = {
    Area.LEGS: "Legs",
    Area.TARGETS: "Targets",
    Area.BOWOUT: "Bowout",
    Area.EXPORTS: "Exports",
    Area.CDR: "CDRs",
}

_INTRODUCTION = """\
# Clauses

What is tested, clause by clause. Made by `loopback-conformance clauses --markdown docs/clauses.md`;
do not edit.

A clause holds what released FreeSWITCH does. *Since* is the release from which on all of it holds;
without one, no older release is known that differs. **MUST** is what the documentation promises
and releases do, if with other figures or an exception, **SHOULD** what releases do and the
documentation leaves open or denies, **MAY** what is racy or bound to a version.

Sources: *wiki* is the documentation, FreeSWITCH's page on the [loopback
endpoint](https://developer.signalwire.com/freeswitch/FreeSWITCH-Explained/Dialplan/Loopback-Endpoint_6587541),
and the name of a section of it follows; *history* are FreeSWITCH's commits, *issue* is one that was
reported to it; names of C functions are of its mod_loopback.c and core. *measured* is what calls
on real switches of 1.10.12 and 1.11.2 showed. *facts* are the
project's notes from reading mod_loopback, which is the same in 1.10.12 and 1.11.2, and from
measuring these two. They are not part of the repository: what is tested of them is the clauses, and
recordings of both releases show it. The number says what a note is about: 0 (measured on real
switches), 2.1 (how targets are parsed), 2.2 (variables that legs are given), 2.3 (variables of the
endpoint), 2.4 (loopback.conf), 2.5 (events), 2.6 (when a bridge bows out), 2.7 (who is bridged
then), 2.8 (bowout on execute), 2.9 (messages, DTMF, deflection), 2.10 (null/ legs), 4 (CDRs), 5
(issues reported to FreeSWITCH), 6 (where the documentation and the code differ).
"""

_REPOSITORY = "https://github.com/signalwire/freeswitch"

_INDENT = "    "

_SAYS = {
    Documentation.AGREES: "the documentation promises it",
    Documentation.SILENT: "the documentation is silent",
    Documentation.DIFFERS: "**the documentation differs**",
}


_TABLE = 100
"""Columns from which on a table is readable; with fewer a statement has a paragraph of its own."""


def print_table(console: Console, clauses: Sequence[Clause]) -> None:
    """A row a clause, or an entry where a row would be too narrow."""
    if console.width < _TABLE:
        _print_entries(console, clauses)
    else:
        _print_rows(console, clauses)
    console.print(
        f"{len(clauses)} clauses; sources, and {len(NOT_OBSERVABLE)} statements that cannot be "
        "observed from outside: --markdown, --json"
    )


def _print_entries(console: Console, clauses: Iterable[Clause]) -> None:
    for one in clauses:
        words = (one.level.value, one.since, f"wiki {one.documentation.value}")
        console.print("  ".join([f"[bold]{one.name}[/]", *filter(None, words)]))
        for line in wrap(one.statement, console.width - len(_INDENT), break_on_hyphens=False):
            console.print(f"{_INDENT}{line}", markup=False)


def _print_rows(console: Console, clauses: Iterable[Clause]) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in ("clause", "level", "since", "wiki"):
        table.add_column(column, no_wrap=True)
    table.add_column("statement")
    for one in clauses:
        row = (one.name, one.level.value, one.since, one.documentation.value, escape(one.statement))
        table.add_row(*row)
    console.print(table)


def as_json(clauses: Iterable[Clause]) -> str:
    """All fields of the clauses, and what cannot be observed."""
    rows = [{"name": one.name, "area": one.area, **asdict(one)} for one in clauses]
    return json.dumps(
        {"clauses": rows, "not_observable": [asdict(one) for one in NOT_OBSERVABLE]}, indent=2
    )


def page(clauses: Sequence[Clause]) -> str:
    """The catalogue as Markdown, each clause with its name as an anchor."""
    lines = [_INTRODUCTION, *_counts(clauses)]
    for area in Area:
        own = [one for one in clauses if one.area is area]
        if own:
            lines += ["", f"## {_TITLES[area]}"]
        for one in own:
            lines += ["", *_entry(one)]
    lines += ["", *_differing(clauses), "", *_not_observable()]
    return "\n".join([*lines, ""])


def _counts(clauses: Sequence[Clause]) -> Iterator[str]:
    """How many clauses there are, by area and level."""
    yield f"| area | {' | '.join(Level)} | the documentation differs |"
    yield "|---|" + "--:|" * (len(Level) + 1)
    for area in Area:
        own = [one for one in clauses if one.area is area]
        if own:
            levels = Counter(one.level for one in own)
            differing = sum(one.documentation is Documentation.DIFFERS for one in own)
            cells = (*(levels[level] for level in Level), differing)
            title = _TITLES[area]
            yield f"| [{title}](#{title.lower()}) | {' | '.join(map(str, cells))} |"


def _entry(one: Clause) -> Iterator[str]:
    yield f'### <a id="{one.name}"></a>{one.name}'
    yield ""
    yield _escaped(one.statement)
    yield ""
    since = [f"since {one.since}"] if one.since else []
    says = _SAYS[one.documentation]
    if one.documented:
        says += f': "{_escaped(one.documented)}"'
    yield "; ".join([f"**{one.level}**", *since, says])
    yield ""
    yield f"Source: {_linked(one.source)}"


def _differing(clauses: Iterable[Clause]) -> Iterator[str]:
    yield "## Differs from the documentation"
    yield ""
    yield "| clause | released FreeSWITCH | documentation |"
    yield "|---|---|---|"
    for one in clauses:
        if one.documentation is Documentation.DIFFERS:
            statement, documented = _escaped(one.statement), _escaped(one.documented)
            yield f"| [{one.name}](#{one.name}) | {statement} | {documented} |"


def _not_observable() -> Iterator[str]:
    yield "## Not observable from outside"
    yield ""
    yield "What the Event Socket and the CDRs do not tell, with `null/` legs as the real ones."
    yield ""
    yield "| statement | why no clause holds it | source |"
    yield "|---|---|---|"
    for one in NOT_OBSERVABLE:
        yield f"| {_escaped(one.statement)} | {_escaped(one.reason)} | {_linked(one.source)} |"


def _linked(source: str) -> str:
    """A source, with links to the commits and issues of FreeSWITCH that it names."""
    commits = re.sub(r"\b[0-9a-f]{10}\b", rf"[\g<0>]({_REPOSITORY}/commit/\g<0>)", _escaped(source))
    return re.sub(r"signalwire/freeswitch#([0-9]+)", rf"[\g<0>]({_REPOSITORY}/issues/\1)", commits)


def _escaped(text: str) -> str:
    """What Markdown would take for markup, outside of `code`."""
    parts = text.split("`")
    parts[::2] = [re.sub(r"[\\<*\[\]|]", r"\\\g<0>", part) for part in parts[::2]]
    return "`".join(parts)
