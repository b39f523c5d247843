"""The report as text: differences from released FreeSWITCH, apart from its documentation's."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from conformance.clauses import CLAUSES, Clause, Documentation
from conformance.judge import Finding, Judgement
from conformance.scenario import ALegBridges, Answer, ExtensionTarget, Scenario
from conformance.verdicts import JudgedScenario, RunResult, decide
from reports.text import finding_text, print_documentation, print_outcome

ALL = frozenset(CLAUSES)
DIFFERING = [name for name, one in CLAUSES.items() if one.documentation is Documentation.DIFFERS]
SCENARIO = Scenario(ALegBridges(), ExtensionTarget("1"), (Answer(),))


def result(*against: str, exercised: frozenset[str] = ALL) -> RunResult:
    """Give the result of one scenario, with findings of these clauses."""
    findings = tuple(Finding(name, "a-leg", "It was so; expected otherwise") for name in against)
    return decide([JudgedScenario(SCENARIO, (Judgement(findings, exercised),))])


def documentation(found: RunResult, *, names: bool = True) -> str:
    """Give what the report says of the documentation."""
    out = StringIO()
    print_documentation(Console(file=out, soft_wrap=True, width=120), found, names=names)
    return out.getvalue()


def test_where_the_documentation_differs_is_said_and_is_no_finding() -> None:
    found = result()
    count, names = documentation(found).splitlines()
    assert f"(passing clauses: {len(DIFFERING)}; see docs/clauses.md)" in count
    assert names.strip() == ", ".join(DIFFERING)
    assert found.exit_status == 0


def test_quiet_gives_the_count_alone() -> None:
    (line,) = documentation(result(), names=False).splitlines()
    assert f"(passing clauses: {len(DIFFERING)};" in line


@pytest.mark.parametrize(
    "found",
    [result(DIFFERING[0]), result(exercised=ALL - {DIFFERING[0]})],
    ids=["fails", "not exercised"],
)
def test_only_what_passes_counts(found: RunResult) -> None:
    """Of a clause that fails or was not exercised nobody knows what the switch does."""
    assert DIFFERING[0] not in documentation(found)
    assert f"(passing clauses: {len(DIFFERING) - 1};" in documentation(found)


def test_nothing_is_said_where_nothing_differs() -> None:
    assert documentation(result(exercised=ALL - set(DIFFERING))) == ""


def test_findings_are_differences_from_released_freeswitch() -> None:
    out = StringIO()
    print_outcome(Console(file=out, soft_wrap=True, width=120), result("cdr.billsec"))
    assert "the switch differs from released FreeSWITCH in the clauses that fail" in out.getvalue()


def told(clause: Clause) -> str:
    """Give the text of a finding of the clause."""
    one = result(clause.name).clauses[clause.name]
    return finding_text(one, one.failing[0], None)


def test_a_finding_says_since_when_and_what_the_documentation_says() -> None:
    """A release that is older, or a reader of the documentation, is told why it is a finding."""
    clause = CLAUSES["bowout.after-both-legs-answered"]
    text = told(clause)
    assert f"\n  FreeSWITCH does so since {clause.since}\n" in text
    assert f"\n  the documentation says otherwise: {clause.documented}\n" in text


def test_a_finding_says_no_more_than_is_known() -> None:
    text = told(CLAUSES["cdr.billsec"])
    assert "since" not in text
    assert "documentation" not in text
