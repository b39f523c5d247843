"""A run as text: the verdict of each clause, and each finding with the call that shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from conformance.clauses import Area, Clause, Documentation, Level
from conformance.dialplan import extensions
from conformance.dialstring import originate_arguments, token_of
from conformance.observation import Observation
from conformance.scenario import Scenario
from conformance.verdicts import Case, ClauseResult, RunResult, Verdict
from reports.content import Report
from reports.diagram import diagram, printable

_STYLES = {
    Verdict.PASS: "green",
    Verdict.FAIL: "bold red",
    Verdict.FLAKY: "yellow",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.ERROR: "magenta",
    Verdict.NOT_VERIFIED: "dim",
    Verdict.NOT_IN_RELEASE: "dim",
}

_OUTCOMES = {
    0: ("green", "conforms"),
    1: (
        "bold red",
        "does not conform: the switch differs from released FreeSWITCH in the clauses that fail",
    ),
    3: ("yellow", "not decided"),
}


def print_areas(console: Console, result: RunResult) -> None:
    """One line an area: how many clauses have which verdict."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("area")
    for verdict in Verdict:
        table.add_column(verdict.value, justify="right")
    for area in Area:
        found = Counter(r.verdict for r in result.clauses.values() if r.clause.area is area)
        cells = (Text(str(found[v] or "-"), _STYLES[v] if found[v] else "dim") for v in Verdict)
        table.add_row(area.value, *cells)
    console.print(table)


def print_clauses(console: Console, result: RunResult) -> None:
    """One line a clause: verdict, level, how many scenarios of how many shapes exercised it."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("clause", "level", "verdict"):
        table.add_column(column, overflow="fold")
    table.add_column("exercised", justify="right")
    table.add_column("shapes", justify="right")
    table.add_column("note")
    for name, one in result.clauses.items():
        verdict = Text(one.verdict.value, _STYLES[one.verdict])
        count = len(one.failing) or len(one.flaky)
        note = f"{count} scenarios against it" if count else one.note
        counts = (str(one.exercised), str(one.shapes))
        table.add_row(name, one.clause.level.value, verdict, *counts, escape(note))
    console.print(table)


def print_documentation(console: Console, result: RunResult, *, names: bool) -> None:
    """Where the switch does what released FreeSWITCH does and the documentation says otherwise.

    That is no finding; `names` says whether to name the clauses.
    """
    found = [
        name
        for name, one in result.clauses.items()
        if one.verdict is Verdict.PASS and one.clause.documentation is Documentation.DIFFERS
    ]
    if found:
        console.print(
            "differs from the documentation, as released FreeSWITCH does "
            f"(passing clauses: {len(found)}; see docs/clauses.md)"
        )
    if found and names:
        console.print(f"    {', '.join(found)}", style="dim")


def print_corpus(console: Console, report: Report) -> None:
    """How many calls of the corpus there were, and which of them differ."""
    if not report.corpus:
        return
    differing = [kept for kept in report.corpus if kept.clauses]
    how_many = f"{len(differing)} differ" if differing else "none differs"
    console.print(f"corpus: {len(report.corpus)} examples, {how_many}")
    for kept in differing:
        console.print(f"    {printable(kept.name)}: {', '.join(kept.clauses)}", markup=False)


def print_replays(console: Console, report: Report) -> None:
    """The command that places each finding again."""
    replays = [example.replay for example in report.examples.values() if example.replay]
    if replays:
        console.print(f"to place the calls of the {len(replays)} findings again:")
    for command in replays:
        console.print(f"    {printable(command)}", markup=False)


def print_outcome(console: Console, result: RunResult) -> None:
    """The last lines: what was placed, and what it comes to."""
    for one in undecided(result):
        why = escape(one.note)
        console.print(f"[yellow]not decided[/] {one.clause.name}: {one.verdict.value}, {why}")
    if result.shortfall:
        console.print(f"[yellow]not whole[/] {escape(printable(result.shortfall))}")
    style, words = _OUTCOMES[result.exit_status]
    console.print(
        f"[{style}]{words}[/]: {result.scenarios} scenarios in {result.attempts} attempts, "
        f"{sum(r.verdict is Verdict.PASS for r in result.clauses.values())} of "
        f"{len(result.clauses)} clauses pass"
        + (f" ({result.minimising} further calls to minimise)" if result.minimising else "")
    )


def undecided(result: RunResult) -> Iterator[ClauseResult]:
    """The MUST clauses that keep a run from being decided."""
    for one in result.clauses.values():
        settled = one.verdict in (Verdict.PASS, Verdict.FAIL, Verdict.NOT_IN_RELEASE)
        if one.clause.level is Level.MUST and not settled:
            yield one


def finding_text(one: ClauseResult, case: Case, seen: Observation | None) -> str:
    """A finding in full: the clause, what differs, the call as a diagram, how to place it by hand.

    `seen` is the observation to draw, None where it is not at hand.
    """
    clause = one.clause
    reduced = case is one.minimised
    shown = "reduced on the switch it is" if reduced else "the one with the fewest parts is"
    lines = [
        f"{clause.name} ({clause.level}): {clause.statement}",
        f"  source: {clause.source}",
        *_background(clause),
        f"  {len(one.failing) or len(one.flaky)} of {one.exercised} scenarios speak against it; "
        f"{shown} {case.scenario.id}",
    ]
    lines += [f"  - {printable(finding.sentence)}" for finding in case.findings]
    if seen is not None:
        lines += ["", diagram(seen)]
    return "\n".join([*lines, "", by_hand(case.scenario)])


def _background(clause: Clause) -> Iterator[str]:
    """What else a reader of a finding wants to know: is the release too old, what do docs say."""
    if clause.since:
        yield f"  FreeSWITCH does so since {clause.since}"
    if clause.documentation is Documentation.DIFFERS:
        yield f"  the documentation says otherwise: {clause.documented}"


def by_hand(scenario: Scenario) -> str:
    """What to paste to place a scenario by hand: settings, dialplan extensions, originate line."""
    token = token_of(scenario, 1)
    uuid = "00000000-0000-4000-8000-000000000001"
    lines = [f"  in context {context}: {xml}" for context, xml in extensions(scenario)]
    if scenario.profile.changed():
        lines.insert(0, f"  with {printable(str(scenario.profile))}")
    lines.append(f"  fs_cli> originate {originate_arguments(scenario, token, uuid)}")
    for stimulus in scenario.all_stimuli():
        at, deed = stimulus.at, stimulus.deed
        lines.append(f"  {at.delay_ms} ms after {at.event} of {at.leg}: {deed.kind} {deed.leg}")
    return "\n".join(lines)
