"""Parts of a run as text: verdicts by area and clause, findings with the call that shows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from conformance.clauses import Area, Clause, Documentation
from conformance.observation import Observation, observe
from conformance.scenario import Scenario
from conformance.verdicts import (
    CONFORMS,
    FINDINGS,
    UNDECIDED,
    Case,
    ClauseResult,
    RunResult,
    Verdict,
)
from reports.by_hand import recipe
from reports.content import Example
from reports.diagram import diagram, printable
from reports.standing import STALE, undecided

STYLES = {
    Verdict.PASS: "green",
    Verdict.FAIL: "bold red",
    Verdict.KNOWN: "cyan",
    Verdict.FLAKY: "yellow",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.ERROR: "magenta",
    Verdict.NOT_VERIFIED: "dim",
    Verdict.NOT_IN_RELEASE: "dim",
}
"""How a verdict looks on a terminal."""

_OUTCOMES = {
    CONFORMS: ("green", "conforms"),
    FINDINGS: (
        "bold red",
        "does not conform: the switch differs from released FreeSWITCH in the clauses that fail",
    ),
    UNDECIDED: ("yellow", "not decided"),
}


def print_areas(console: Console, result: RunResult) -> None:
    """One line an area: how many clauses have which verdict."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("area")
    for verdict in Verdict:
        table.add_column(verdict.value, justify="right")
    for area in Area:
        found = Counter(r.verdict for r in result.clauses.values() if r.clause.area is area)
        cells = (Text(str(found[v] or "-"), STYLES[v] if found[v] else "dim") for v in Verdict)
        table.add_row(area.value, *cells)
    console.print(table)


def print_clauses(console: Console, result: RunResult) -> None:
    """One line a clause: verdict, level, how many scenarios of how many shapes exercised it."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("clause", "level", "verdict"):
        table.add_column(column, no_wrap=True)  # names are searched for
    table.add_column("exercised", justify="right")
    table.add_column("shapes", justify="right")
    table.add_column("note")
    for name, one in result.clauses.items():
        verdict = Text(one.verdict.value, STYLES[one.verdict])
        count = len(one.failing) or len(one.flaky)
        note = f"{count} scenarios against it" if count else printable(one.note)
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


def print_undecided(console: Console, result: RunResult) -> None:
    """One line a MUST clause that keeps the run from being decided."""
    for one in undecided(result):
        why = escape(printable(one.note))
        console.print(f"[yellow]not decided[/] {one.clause.name}: {one.verdict.value}, {why}")


def print_outcome(console: Console, result: RunResult) -> None:
    """The last lines: what was placed, and what it comes to."""
    if result.shortfall:
        console.print(f"[yellow]not whole[/] {escape(printable(result.shortfall))}")
    for one in result.lost:
        console.print(f"[yellow]lost[/] {escape(printable(one))}")
    for one in result.stale:
        console.print(f"[bold red]known divergence[/] {escape(printable(one))}")
    for one in result.idle:
        console.print(f"[yellow]known divergence[/] {escape(printable(one))}")
    style, words = _OUTCOMES[result.outcome]
    if result.stale:
        style, words = _OUTCOMES[FINDINGS][0], f"{words}; {STALE}"
    console.print(
        f"[{style}]{words}[/]: {result.scenarios} scenarios in {result.attempts} attempts, "
        f"{sum(r.verdict is Verdict.PASS for r in result.clauses.values())} of "
        f"{len(result.clauses)} clauses pass"
        + (f" ({result.minimising} further calls to minimise)" if result.minimising else "")
    )


def headline(one: ClauseResult, example: Example | None) -> str:
    """Why a clause does not pass, on one line: what differs in its example, or what it lacks."""
    differs = [finding.sentence for finding in example.findings[:1]] if example else []
    note = [one.note] if one.note else []
    return printable(": ".join([*note, *differs]))


def example_text(one: ClauseResult, example: Example) -> str:
    """A finding in full, which switch of a pool showed it, and how to replay it."""
    placement, scenario = example.placement, example.scenario
    seen = observe(scenario, placement) if placement else None
    text = finding_text(one, Case(scenario, example.findings), seen)
    for what, value in (("on", example.switch), ("replay", example.replay)):
        text += f"\n  {what}: {printable(value)}" if value else ""
    return text


def finding_text(one: ClauseResult, case: Case, seen: Observation | None) -> str:
    """A finding in full: the clause, what differs, the call as a diagram, how to place it by hand.

    `seen` is the observation to draw, None where it is not at hand.
    """
    clause = one.clause
    reduced = one.minimised is not None and case.scenario == one.minimised.scenario
    shown = "reduced on the switch it is" if reduced else "the simplest is"
    lines = [
        f"{clause.name} ({clause.level}): {clause.statement}",
        f"  source: {clause.source}",
        *_background(clause),
        f"  {len(one.failing or one.flaky or one.known)} of {one.exercised} scenarios speak "
        f"against it; {shown} {case.scenario.id}",
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
    how = recipe(scenario)
    lines = [f"  with {how.settings}"] if how.settings else []
    lines += [f"  in context {context}: {xml}" for context, xml in how.extensions]
    lines.append(f"  fs_cli> {how.originate}")
    lines += [f"  {stimulus}" for stimulus in how.stimuli]
    shown = [printable(line) for line in lines]
    if shown != lines:
        shown.append("  (a ? stands for each character that cannot be shown)")
    return "\n".join(shown)
