"""A run in which clauses have every kind of verdict, with a call that a real switch recorded."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType

from msgspec import structs

from campaign.session import Run
from conformance.clauses import CLAUSES, Clause, Level
from conformance.judge import Finding
from conformance.scenario import Scenario
from conformance.verdicts import Case, ClauseResult, RunResult, Verdict
from fixtures.recording import Header, SwitchFacts
from tests.recorded_calls import Call, keeping

MUST = [clause for clause in CLAUSES.values() if clause.level is Level.MUST]
SHOULD = [clause for clause in CLAUSES.values() if clause.level is Level.SHOULD]
NOTES = {
    Verdict.KNOWN: "the vendor backports it (voice platform)",
    Verdict.FLAKY: "attempts at the same scenario disagree",
    Verdict.INCONCLUSIVE: "the host could not keep time in 3 scenarios",
    Verdict.ERROR: "event 7 reached only one of two connections",
    Verdict.NOT_VERIFIED: "no scenario exercised it",
    Verdict.NOT_IN_RELEASE: "holds from 1.8.6 on",
}
AGAINST = (Verdict.FAIL, Verdict.KNOWN, Verdict.FLAKY)


def call() -> Call:
    """A call with a bowout, of few parts."""
    return keeping()["bowout.bridges-real-legs"][0]


def cases(clause: Clause, shown: Call) -> tuple[Case, ...]:
    """What speaks against a clause."""
    sentence = f"what {clause.name} asks was 'so'; expected 'otherwise'"
    return (Case(shown.scenario, (Finding(clause.name, "loopback-b", sentence),)),)


def of_clause(clause: Clause, verdict: Verdict, shown: Call) -> ClauseResult:
    """A result with a verdict, and what goes with it."""
    found = cases(clause, shown) if verdict in AGAINST else ()
    exercised = 3 if verdict is Verdict.PASS or found else 0
    return ClauseResult(
        clause=clause,
        verdict=verdict,
        exercised=exercised,
        shapes=min(exercised, 2),
        failing=found if verdict is Verdict.FAIL else (),
        flaky=found if verdict is Verdict.FLAKY else (),
        known=found if verdict is Verdict.KNOWN else (),
        note=NOTES.get(verdict, ""),
    )


def run_of(*given: tuple[Clause, Verdict], shortfall: str = "") -> Run:
    """A run in which these clauses have these verdicts, and all others pass."""
    shown = call()
    verdicts = {clause.name: Verdict.PASS for clause in CLAUSES.values()}
    verdicts |= {clause.name: verdict for clause, verdict in given}
    results = {name: of_clause(CLAUSES[name], one, shown) for name, one in verdicts.items()}
    header = Header(
        suite_version="0.1.0",
        seed=7,
        switch=SwitchFacts("process:///fs", "1.10.12", ("mod_loopback", "mod_json_cdr"), None, "c"),
        started=datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC),
        clauses_asked=len(CLAUSES),
        scenarios_asked=3,
    )
    result = RunResult(MappingProxyType(results), 3, 5, shortfall)
    return Run(header, result, 12.5, {shown.scenario.id: shown.placement}, {})


EVERY = tuple(zip(MUST, Verdict, strict=False)) + tuple(zip(SHOULD, Verdict, strict=False))
"""Each verdict of a MUST and of a SHOULD clause."""

FINDINGS_RUN = run_of(*EVERY)
"""Exit status 1."""

UNDECIDED_RUN = run_of(*(one for one in EVERY if one[1] is not Verdict.FAIL))
"""Exit status 3, as a MUST clause is flaky and others are worse."""

LOST_RUN = run_of(shortfall="the switch was lost: the connection was closed")
"""Exit status 3 although every clause passes."""

CONFORMING_RUN = run_of()
"""Exit status 0."""


def with_stale(done: Run) -> Run:
    """The same run, where a known divergence differs no more: exit status 1."""
    stale = (f"{MUST[0].name} (0f) no longer differs on its witness; take the entry out",)
    return replace(done, result=replace(done.result, stale=stale))


STALE_RUN = with_stale(CONFORMING_RUN)
"""Exit status 1 although the switch conforms."""


def with_value(done: Run, value: str) -> Run:
    """The same run of a switch that puts this value wherever it can."""
    switch = replace(done.header.switch, url=f"process:///{value}", version=value)
    (placement,) = done.shown.values()
    placement = replace(
        placement,
        reply=value,
        events=tuple({**event, "variable_x": value} for event in placement.events),
        cdrs={
            uuid: {module: {**cdr, "variables.x": value} for module, cdr in cdrs.items()}
            for uuid, cdrs in placement.cdrs.items()
        },
    )
    clauses = {name: _with_value(one, value) for name, one in done.result.clauses.items()}
    result = replace(done.result, clauses=MappingProxyType(clauses), shortfall=value)
    shown = {scenario_with(value).id: placement}
    return replace(done, header=replace(done.header, switch=switch), result=result, shown=shown)


def scenario_with(value: str) -> Scenario:
    """The scenario of the call, in which the a-leg has this value as a variable."""
    scenario = call().scenario
    hostile = structs.replace(scenario.variables, originate=(("x", value),))
    return structs.replace(scenario, variables=hostile)


def _with_value(one: ClauseResult, value: str) -> ClauseResult:
    finding = Finding(one.clause.name, "loopback-b", f"it was {value}; expected otherwise")
    spoilt = (Case(scenario_with(value), (finding,)),)
    return replace(
        one,
        failing=spoilt if one.failing else (),
        flaky=spoilt if one.flaky else (),
        known=spoilt if one.known else (),
        note=f"{one.note} {value}" if one.note else "",
    )
