"""Verdicts: what a run says of each clause, and of the switch as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from conformance.clauses import CLAUSES, Clause, Level
from conformance.judge import Finding, Judgement
from conformance.scenario import Scenario, null_bridges, pairs
from conformance.shape import shape_of


class Verdict(StrEnum):
    """What a run says of a clause."""

    PASS = "pass"
    FAIL = "fail"
    FLAKY = "flaky"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"
    NOT_VERIFIED = "not verified"
    NOT_IN_RELEASE = "not in release"


CONFORMS, FINDINGS, USAGE, UNDECIDED = 0, 1, 2, 3
"""Exit statuses: conforms, findings, usage or configuration, not decided."""


@dataclass(frozen=True, slots=True)
class JudgedScenario:
    """A scenario with what came of each of its attempts, in the order of placing."""

    scenario: Scenario
    judgements: tuple[Judgement, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """A scenario that speaks against a clause, with the findings of its last attempt that does."""

    scenario: Scenario
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class ClauseResult:
    """What a run says of one clause.

    `exercised` counts scenarios, `shapes` their different shapes; `failing`, `flaky` are those that
    speak against the clause in every attempt, and in some, with the fewest parts first; `note` says
    why it is not decided.
    """

    clause: Clause
    verdict: Verdict
    exercised: int
    shapes: int
    failing: tuple[Case, ...] = ()
    flaky: tuple[Case, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run says of every clause; `shortfall` is why the run itself is not whole ("")."""

    clauses: Mapping[str, ClauseResult]
    scenarios: int
    attempts: int
    shortfall: str = ""

    @property
    def exit_status(self) -> int:
        """1 with any finding; else 3 where a MUST clause is undecided or the run is not whole."""
        results = self.clauses.values()
        if any(result.verdict is Verdict.FAIL for result in results):
            return FINDINGS
        undecided = any(
            result.verdict not in (Verdict.PASS, Verdict.NOT_IN_RELEASE)
            and result.clause.level is Level.MUST
            for result in results
        )
        exercised = any(result.exercised for result in results)
        return UNDECIDED if undecided or self.shortfall or not exercised else CONFORMS


def decide(judged: Iterable[JudgedScenario], shortfall: str = "") -> RunResult:
    """Sum up judged scenarios clause by clause."""
    cases = list(judged)
    problems = [case.judgements[-1].problem for case in cases if case.judgements[-1].problem]
    shapes = [shape_of(case.scenario) for case in cases]
    results = {
        name: _decide_clause(clause, cases, shapes, problems) for name, clause in CLAUSES.items()
    }
    return RunResult(
        clauses=MappingProxyType(results),
        scenarios=len(cases),
        attempts=sum(len(case.judgements) for case in cases),
        shortfall=shortfall,
    )


def _decide_clause(
    clause: Clause,
    cases: Sequence[JudgedScenario],
    shapes: Sequence[str],
    problems: Sequence[str],
) -> ClauseResult:
    exercised, undecided = 0, 0
    exercising: set[str] = set()
    confirmed: list[Case] = []
    single: list[Case] = []
    flaky: list[Case] = []
    for case, shape in zip(cases, shapes, strict=True):
        decided = [j for j in case.judgements if clause.name in j.exercised]
        against = [found for j in decided if (found := _against(j, clause.name))]
        if decided:
            exercised += 1
            exercising.add(shape)
        elif any(clause.name in j.undecided for j in case.judgements):
            undecided += 1
        if against:
            shown = Case(case.scenario, against[-1])
            if len(case.judgements) == 1:
                single.append(shown)
            elif len(against) == len(decided) > 1:
                confirmed.append(shown)
            else:
                flaky.append(shown)
    # What was placed once only speaks with those that were placed again.
    if confirmed or not flaky:
        failing = confirmed + single
    else:
        failing, flaky = [], flaky + single
    verdict, note = Verdict.PASS, ""
    if failing:
        verdict = Verdict.FAIL
    elif flaky:
        verdict, note = Verdict.FLAKY, "attempts at the same scenario disagree"
    elif undecided:
        verdict = Verdict.INCONCLUSIVE
        note = f"the host could not keep time in {undecided} scenarios"
    elif not exercised and problems:
        verdict, note = Verdict.ERROR, problems[0]
    elif not exercised and cases and not _in_release(clause, cases[0].scenario):
        verdict, note = Verdict.NOT_IN_RELEASE, f"holds from {clause.since} on"
    elif not exercised:
        verdict, note = Verdict.NOT_VERIFIED, "no scenario exercised it"
    return ClauseResult(
        clause=clause,
        verdict=verdict,
        exercised=exercised,
        shapes=len(exercising),
        failing=_simplest_first(failing),
        flaky=_simplest_first(flaky),
        note=note,
    )


def _in_release(clause: Clause, scenario: Scenario) -> bool:
    return not clause.since or scenario.profile.since(clause.since)


def _against(judgement: Judgement, clause: str) -> tuple[Finding, ...]:
    return tuple(finding for finding in judgement.findings if finding.clause == clause)


def _simplest_first(cases: list[Case]) -> tuple[Case, ...]:
    return tuple(sorted(cases, key=lambda case: (parts(case.scenario), case.scenario.id)))


def parts(scenario: Scenario) -> int:
    """How many parts a scenario is made of: the fewer, the easier to read."""
    found = len(scenario.all_stimuli()) + len(scenario.profile.changed())
    scopes = scenario.variables
    found += sum(map(len, (scopes.originate, scopes.export, scopes.set)))
    for pair in pairs(scenario):
        dialled = pair.bridge or scopes
        found += 1 + len(pair.steps) + len(dialled.braces) + len(dialled.brackets)
    return found + sum(len(bridge.variables) for bridge in null_bridges(scenario).values())
