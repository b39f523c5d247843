"""Verdicts: what a run says of each clause, and of the switch as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from conformance.clauses import CLAUSES, Clause, Level
from conformance.complexity import complexity
from conformance.judge import Finding, Judgement
from conformance.profile import Profile
from conformance.scenario import Scenario
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
    """A scenario that speaks against a clause, with the findings of its last attempt that does.

    `attempts` is how many of its attempts decided the clause.
    """

    scenario: Scenario
    findings: tuple[Finding, ...]
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class ClauseResult:
    """What a run says of one clause.

    `exercised` counts scenarios, `shapes` their different shapes; `failing`, `flaky` are those that
    speak against the clause in every attempt, and in some, the simplest first; `note` says why it
    is not decided. `minimised` is the call to which the first of those that fail was reduced, None
    where it was not or where no simpler one shows the same in every attempt.
    """

    clause: Clause
    verdict: Verdict
    exercised: int
    shapes: int
    failing: tuple[Case, ...] = ()
    flaky: tuple[Case, ...] = ()
    note: str = ""
    minimised: Case | None = None

    @property
    def shown(self) -> Case | None:
        """The case to show a reader: the simplest; None where nothing speaks against the clause."""
        return self.minimised or next(iter(self.failing or self.flaky), None)


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run says of every clause; `shortfall` is why the run itself is not whole ("").

    `minimising` is how many calls were placed besides, to minimise what was found.
    """

    clauses: Mapping[str, ClauseResult]
    scenarios: int
    attempts: int
    shortfall: str = ""
    minimising: int = 0

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


class Verdicts:
    """Sums up scenarios attempt by attempt.

    Of a scenario that one clean attempt settles it keeps which clauses that exercised, as bits: a
    few bytes, so that a long run takes no more memory than a short one. Should it come again, that
    is all that has to be known of it.
    """

    def __init__(self) -> None:
        """Nothing was placed yet."""
        self.attempts = 0
        self.minimising = 0
        self._settled: dict[str, int] = {}
        self._open: dict[str, JudgedScenario] = {}
        self._reduced: dict[str, JudgedScenario] = {}
        self._shapes: dict[str, int] = {}
        self._profile: Profile | None = None

    @property
    def scenarios(self) -> int:
        """How many different scenarios were placed so far."""
        return len(self._settled) + len(self._open)

    def add(self, scenario: Scenario, judgement: Judgement) -> int:
        """Count an attempt; gives how many there are of this scenario now."""
        self.attempts += 1
        self._profile = self._profile or scenario.profile
        identity, bits = scenario.id, _packed(judgement.exercised)
        shape = shape_of(scenario)
        self._shapes[shape] = self._shapes.get(shape, 0) | bits
        before = self._attempts_at(identity)
        if not before and not (judgement.findings or judgement.undecided or judgement.problem):
            self._settled[identity] = bits
        else:
            self._open[identity] = JudgedScenario(scenario, (*before, judgement))
        return 1 + len(before)

    def add_minimising(self, scenario: Scenario, judgement: Judgement) -> int:
        """Count an attempt to minimise a finding; gives how many there are of this scenario now.

        It exercises nothing and makes no clause pass: its scenario was chosen by what came of
        another. Of a scenario that is not settled otherwise it is one attempt more.
        """
        self.minimising += 1
        identity = scenario.id
        judged = self._open if identity in self._open else self._reduced
        before = judged[identity].judgements if identity in judged else ()
        judged[identity] = JudgedScenario(scenario, (*before, judgement))
        return 1 + len(before)

    def unsettled(self) -> Iterable[JudgedScenario]:
        """The scenarios that are not settled by one clean attempt, in the order of placing."""
        return self._open.values()

    def reduced(self) -> Iterable[JudgedScenario]:
        """The scenarios that were placed only to minimise a finding, in the order of placing."""
        return self._reduced.values()

    def judgements(self, identity: str) -> tuple[Judgement, ...]:
        """What came of each attempt at the scenario of this id; nothing where there was none."""
        for judged in (self._open, self._reduced):
            if identity in judged:
                return judged[identity].judgements
        bits = self._settled.get(identity)
        return () if bits is None else (Judgement((), _unpacked(bits)),)

    def result(self, shortfall: str = "") -> RunResult:
        """What the run says so far, clause by clause; `shortfall` is why it is not whole."""
        return RunResult(
            clauses=MappingProxyType({name: self._of_clause(one) for name, one in CLAUSES.items()}),
            scenarios=self.scenarios,
            attempts=self.attempts,
            shortfall=shortfall,
            minimising=self.minimising,
        )

    def _attempts_at(self, identity: str) -> tuple[Judgement, ...]:
        """Attempts so far at a scenario of the run itself, which is settled no longer."""
        judgements = self.judgements(identity)
        self._settled.pop(identity, None)
        return judgements

    def _of_clause(self, clause: Clause) -> ClauseResult:
        bit = _BITS[clause.name]
        exercised = sum(bits & bit > 0 for bits in self._settled.values())
        shapes = sum(bits & bit > 0 for bits in self._shapes.values())
        lasts = [case.judgements[-1] for case in self._open.values()]
        problems = [last.problem for last in lasts if last.problem]
        undecided = 0
        confirmed: list[Case] = []
        single: list[Case] = []
        flaky: list[Case] = []
        for case in self._open.values():
            decided, found = _decided(case, clause.name)
            if decided:
                exercised += 1
            elif any(clause.name in j.undecided for j in case.judgements):
                undecided += 1
            if found:
                shown = Case(case.scenario, found[-1], decided)
                if len(case.judgements) == 1:
                    single.append(shown)
                elif len(found) == decided > 1:
                    confirmed.append(shown)
                else:
                    flaky.append(shown)
        # What was placed once only speaks with those that were placed again.
        if confirmed or not flaky:
            failing = confirmed + single
        else:
            failing, flaky = [], flaky + single
        reduced = self._confirmed_by_minimising(clause.name)
        failing, flaky = _simplest_first(failing), _simplest_first(flaky)
        minimised = _simpler(reduced, failing[0]) if failing else None
        # A call that was only made to minimise another finding has found this one.
        failing = failing or ([] if flaky else reduced)
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
        elif not exercised and not self._in_release(clause):
            verdict, note = Verdict.NOT_IN_RELEASE, f"holds from {clause.since} on"
        elif not exercised:
            verdict, note = Verdict.NOT_VERIFIED, "no scenario exercised it"
        return ClauseResult(
            clause=clause,
            verdict=verdict,
            exercised=exercised,
            shapes=shapes,
            failing=tuple(failing),
            flaky=tuple(flaky),
            note=note,
            minimised=minimised,
        )

    def _confirmed_by_minimising(self, clause: str) -> list[Case]:
        """Calls placed only to minimise that speak against a clause, each time of several."""
        cases = []
        for case in self._reduced.values():
            decided, found = _decided(case, clause)
            if len(found) == decided > 1:
                cases.append(Case(case.scenario, found[-1], decided))
        return _simplest_first(cases)

    def _in_release(self, clause: Clause) -> bool:
        return not (clause.since and self._profile) or self._profile.since(clause.since)


_BITS: Mapping[str, int] = MappingProxyType(
    {name: 1 << number for number, name in enumerate(CLAUSES)}
)


def _packed(names: Iterable[str]) -> int:
    return sum(_BITS[name] for name in names)


def _unpacked(bits: int) -> frozenset[str]:
    return frozenset(name for name, bit in _BITS.items() if bits & bit)


def decide(judged: Iterable[JudgedScenario], shortfall: str = "") -> RunResult:
    """Sum up judged scenarios clause by clause."""
    verdicts = Verdicts()
    for case in judged:
        for judgement in case.judgements:
            verdicts.add(case.scenario, judgement)
    return verdicts.result(shortfall)


def _decided(case: JudgedScenario, clause: str) -> tuple[int, list[tuple[Finding, ...]]]:
    """How many attempts decided a clause, and the findings of those that speak against it."""
    decided = [one for one in case.judgements if clause in one.exercised]
    return len(decided), [found for one in decided if (found := _against(one, clause))]


def _against(judgement: Judgement, clause: str) -> tuple[Finding, ...]:
    return tuple(finding for finding in judgement.findings if finding.clause == clause)


def _simpler(reduced: list[Case], start: Case) -> Case | None:
    """The simplest of those that show the same on the same leg, and more simply than `start`."""
    leg, most = start.findings[0].leg, complexity(start.scenario)
    for case in reduced:
        same = any(finding.leg == leg for finding in case.findings)
        if same and complexity(case.scenario) < most:
            return case
    return None


def _simplest_first(cases: list[Case]) -> list[Case]:
    return sorted(cases, key=lambda case: (complexity(case.scenario), case.scenario.id))
