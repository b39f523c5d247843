"""Verdicts: what a run says of each clause, and of the switch as a whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from conformance.clauses import CLAUSES, Clause, Level
from conformance.compact import Bits
from conformance.complexity import complexity
from conformance.divergences import NONE_KNOWN, Divergence, Known
from conformance.judge import Finding, Judgement
from conformance.profile import Profile
from conformance.scenario import Scenario, same_leg
from conformance.shape import shape_key
from conformance.times import Times, TimesCounter


class Verdict(StrEnum):
    """What a run says of a clause."""

    PASS = "pass"
    FAIL = "fail"
    KNOWN = "known"
    FLAKY = "flaky"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"
    NOT_VERIFIED = "not verified"
    NOT_IN_RELEASE = "not in release"


SETTLED = (Verdict.PASS, Verdict.FAIL, Verdict.KNOWN, Verdict.NOT_IN_RELEASE)
"""Verdicts that leave nothing to be decided."""

CONFORMS, FINDINGS, USAGE, UNDECIDED = 0, 1, 2, 3
"""Exit statuses: conforms, findings, usage or configuration, not decided."""


PROFILES = 50
"""How many settings of the switch are told apart: a long run has any number of them."""


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
    speak against the clause in every attempt, and in some, the simplest first; `known` do so as an
    accepted divergence says; `note` says why it is not decided, or what was accepted. `minimised`
    is the call to which the first of those that fail was reduced, None where it was not or where no
    simpler one shows the same in every attempt.
    """

    clause: Clause
    verdict: Verdict
    exercised: int
    shapes: int
    failing: tuple[Case, ...] = ()
    flaky: tuple[Case, ...] = ()
    known: tuple[Case, ...] = ()
    note: str = ""
    minimised: Case | None = None

    @property
    def shown(self) -> Case | None:
        """The case to show a reader: the simplest; None where nothing speaks against the clause."""
        return self.minimised or next(iter(self.failing or self.flaky or self.known), None)


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run says of every clause; `shortfall` is why the run itself is not whole ("").

    `times` are the bowout's, of all attempts; `profiles` counts the attempts at each of the first
    `PROFILES` settings. `stale` says which known divergences are to be gone over (they expired, or
    differ no more), `idle` which of them matched nothing, a sentence each. `minimising` is how many
    calls were placed besides, to minimise what was found. `lost` says which switches of a pool were
    lost, and why: others placed what those had not, so that the run may be whole.
    """

    clauses: Mapping[str, ClauseResult]
    scenarios: int
    attempts: int
    shortfall: str = ""
    times: tuple[Times, ...] = ()
    profiles: Mapping[Profile, int] = field(default_factory=lambda: MappingProxyType({}))
    stale: tuple[str, ...] = ()
    idle: tuple[str, ...] = ()
    minimising: int = 0
    lost: tuple[str, ...] = ()

    @property
    def exit_status(self) -> int:
        """As the outcome, but 1 with a stale divergence, which is to be gone over."""
        return FINDINGS if self.stale else self.outcome

    @property
    def outcome(self) -> int:
        """What is to be said of the switch: 1 with any finding, else 3 where a MUST is not decided.

        3 as well where the run is not whole, or exercised nothing, or where a switch was lost: one
        that cannot be reached any more may well have crashed. Else 0.
        """
        results = self.clauses.values()
        if any(result.verdict is Verdict.FAIL for result in results):
            return FINDINGS
        undecided = any(
            result.verdict not in SETTLED and result.clause.level is Level.MUST
            for result in results
        )
        exercised = any(result.exercised for result in results)
        whole = exercised and not (self.shortfall or self.lost)
        return CONFORMS if whole and not undecided else UNDECIDED


class Verdicts:
    """Sums up scenarios attempt by attempt.

    Of a scenario that one clean attempt settles it keeps which clauses that exercised, and not in
    memory, so that a long run takes no more of it than a short one. Should the scenario come again,
    that is all that has to be known of it. Adding an attempt raises NoRoomError where that cannot
    be kept.
    """

    def __init__(self, known: Known = NONE_KNOWN) -> None:
        """Nothing was placed yet; what is `known` is no finding."""
        self._known = known
        self.attempts = 0
        self.minimising = 0
        self._settled = Bits(len(CLAUSES))
        self._open: dict[str, JudgedScenario] = {}
        self._reduced: dict[str, JudgedScenario] = {}
        self._seen_in = Bits(len(CLAUSES))
        self._exercised: Counter[str] = Counter()
        self._shapes: Counter[str] = Counter()
        self._times = TimesCounter()
        self._profiles: dict[Profile, int] = {}

    @property
    def scenarios(self) -> int:
        """How many different scenarios were placed so far."""
        return len(self._settled) + len(self._open)

    def add(self, scenario: Scenario, judgement: Judgement) -> int:
        """Count an attempt; gives how many there are of this scenario now."""
        self.attempts += 1
        with_profile = self._profiles.get(scenario.profile, 0)
        if with_profile or len(self._profiles) < PROFILES:
            self._profiles[scenario.profile] = with_profile + 1
        self._times.add(judgement.times)
        identity, bits = scenario.id, _packed(judgement.exercised)
        self._count_shape(shape_key(scenario), judgement.exercised, bits)
        before = self._attempts_at(identity)
        if not before and not (judgement.findings or judgement.undecided or judgement.problem):
            self._settled.put(int(identity, 16), bits)
            self._exercised.update(judgement.exercised)
        else:
            self._open[identity] = JudgedScenario(scenario, (*before, judgement))
        return 1 + len(before)

    def _count_shape(self, shape: int, exercised: frozenset[str], bits: int) -> None:
        """Count a shape once for each clause that a scenario of it exercised."""
        before = self._seen_in.get(shape) or 0
        if bits & ~before:
            self._seen_in.put(shape, before | bits)
            self._shapes.update(name for name in exercised if not _BITS[name] & before)

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
        bits = self._settled.get(int(identity, 16))
        return () if bits is None else (Judgement((), _unpacked(bits)),)

    def result(
        self, shortfall: str = "", out_of_reach: Mapping[str, str] = MappingProxyType({})
    ) -> RunResult:
        """What the run says so far, clause by clause; `shortfall` is why it is not whole.

        `out_of_reach` says of clauses why no scenario could exercise them on this switch.
        """
        stale, idle = self._known.review(*self._reviewed())
        results = {
            name: self._of_clause(one, out_of_reach.get(name, "no scenario exercised it"))
            for name, one in CLAUSES.items()
        }
        return RunResult(
            clauses=MappingProxyType(results),
            scenarios=self.scenarios,
            attempts=self.attempts,
            shortfall=shortfall,
            times=self._times.result(),
            profiles=MappingProxyType(dict(self._profiles)),
            stale=stale,
            idle=idle,
            minimising=self.minimising,
        )

    def _reviewed(self) -> tuple[list[Divergence], list[Divergence]]:
        """The known divergences that covered a finding, and those whose witness shows none now."""
        matched = [
            divergence
            for case in self._open.values()
            for judgement in case.judgements
            for finding in judgement.findings
            for divergence in self._known.covering(case.scenario, finding)
        ]
        fixed = [one for one in self._known.divergences if self._is_fixed(one)]
        return matched, fixed

    def _is_fixed(self, divergence: Divergence) -> bool:
        """Whether the witness was placed, exercised the clause, and conformed in every attempt."""
        profile = self._any_profile()
        if profile is None:
            return False
        witness = divergence.witness.at_release(profile.release)
        if witness.id in self._open:
            decided = [
                one
                for one in self._open[witness.id].judgements
                if divergence.clause in one.exercised
            ]
            return bool(decided) and not any(_against(one, divergence.clause) for one in decided)
        bits = self._settled.get(int(witness.id, 16))
        return bits is not None and divergence.clause in _unpacked(bits)

    def _attempts_at(self, identity: str) -> tuple[Judgement, ...]:
        """Attempts so far at a scenario of the run itself, which is settled no longer."""
        judgements = self.judgements(identity)
        if judgements and (bits := self._settled.get(int(identity, 16))) is not None:
            self._settled.drop(int(identity, 16))
            self._exercised.subtract(_unpacked(bits))
        return judgements

    def _of_clause(self, clause: Clause, idle: str) -> ClauseResult:
        exercised = self._exercised[clause.name]
        lasts = [case.judgements[-1] for case in self._open.values()]
        problems = [last.problem for last in lasts if last.problem]
        undecided = 0
        confirmed: list[Case] = []
        single: list[Case] = []
        flaky: list[Case] = []
        known: list[Case] = []
        for case in self._open.values():
            decided, found = _decided(case, clause.name)
            if decided:
                exercised += 1
            elif clause.name in _last_observed(case).undecided:
                undecided += 1
            if found:
                shown = Case(case.scenario, found[-1], decided)
                if all(self._known.accepts(case.scenario, one) for one in found):
                    known.append(shown)
                elif len(case.judgements) == 1:
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
        elif known:
            verdict, note = Verdict.KNOWN, self._accepted(known)
        elif undecided:
            verdict = Verdict.INCONCLUSIVE
            note = f"the host could not keep time in {undecided} scenarios"
        elif not exercised and problems:
            verdict, note = Verdict.ERROR, problems[0]
        elif not exercised and not self._in_release(clause):
            verdict, note = Verdict.NOT_IN_RELEASE, f"holds from {clause.since} on"
        elif not exercised:
            verdict, note = Verdict.NOT_VERIFIED, idle
        return ClauseResult(
            clause=clause,
            verdict=verdict,
            exercised=exercised,
            shapes=self._shapes[clause.name],
            failing=tuple(failing),
            flaky=tuple(flaky),
            known=tuple(_simplest_first(known)),
            note=note,
            minimised=minimised,
        )

    def _accepted(self, cases: Iterable[Case]) -> str:
        """Why these cases are no findings: the reason and the owner of each divergence."""
        covering = (
            divergence
            for case in cases
            for finding in case.findings
            for divergence in self._known.covering(case.scenario, finding)
        )
        return "; ".join(dict.fromkeys(f"{one.reason} ({one.owner})" for one in covering))

    def _confirmed_by_minimising(self, clause: str) -> list[Case]:
        """Calls placed only to minimise that speak against a clause, each time of several."""
        cases = []
        for case in self._reduced.values():
            decided, found = _decided(case, clause)
            accepted = all(self._known.accepts(case.scenario, one) for one in found)
            if len(found) == decided > 1 and not accepted:
                cases.append(Case(case.scenario, found[-1], decided))
        return _simplest_first(cases)

    def _in_release(self, clause: Clause) -> bool:
        profile = self._any_profile()
        return not (clause.since and profile) or profile.since(clause.since)

    def _any_profile(self) -> Profile | None:
        """One of those that scenarios had: all of a run are of one release."""
        return next(iter(self._profiles), None)


_BITS: Mapping[str, int] = MappingProxyType(
    {name: 1 << number for number, name in enumerate(CLAUSES)}
)


def _packed(names: Iterable[str]) -> int:
    return sum(map(_BITS.__getitem__, names))


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


def _last_observed(case: JudgedScenario) -> Judgement:
    """The last attempt that the suite observed wholly, which settles what one before left open."""
    observed = [one for one in case.judgements if not one.problem]
    return (observed or case.judgements)[-1]


def _against(judgement: Judgement, clause: str) -> tuple[Finding, ...]:
    return tuple(finding for finding in judgement.findings if finding.clause == clause)


def _simpler(reduced: list[Case], start: Case) -> Case | None:
    """The simplest of those that show the same on the same leg, and more simply than `start`."""
    leg, most = start.findings[0].leg, complexity(start.scenario)
    for case in reduced:
        same = any(
            same_leg(leg, start.scenario, finding.leg, case.scenario) for finding in case.findings
        )
        if same and complexity(case.scenario) < most:
            return case
    return None


def _simplest_first(cases: list[Case]) -> list[Case]:
    return sorted(cases, key=lambda case: (complexity(case.scenario), case.scenario.id))
