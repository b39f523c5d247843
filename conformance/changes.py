"""What changed from one switch to another: both judged by one model, and set beside each other.

Of each scenario and clause it is told whether both conform, one differs from the model, or both do;
besides, what no clause reads (`conformance.raw`), and where the model allows several outcomes
whether they come as often as before. Only what attempts at the same scenario agree on is a change.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, StrEnum
from statistics import fmean
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from conformance.clauses import CLAUSES, Level
from conformance.complexity import Complexity, complexity
from conformance.divergences import NONE_KNOWN, Known
from conformance.expectation import Elapsed, Fact, OneOf, Outcome
from conformance.facts import Unobservable, describe, outcome
from conformance.judge import TOO_LATE, Finding, Judgement, applied_in, judge, spell
from conformance.model.predict import predict
from conformance.observation import Observation, Placement, observe
from conformance.raw import RawDifference, RawOutline, raw_differences, raw_outline
from conformance.scenario import Scenario
from conformance.statistics import holm, mann_whitney, mcnemar, separated

CHANCE = 1e-4
"""How probable (p-value) a raw difference may be by chance to be told of."""

SIGNIFICANT = 1e-3
"""How probable (p-value, of all tests together) a changed distribution may be by chance."""

TICK = 0.02
"""Seconds by which times must differ to be told of: the switch's clock ticks every 20 ms."""

SHARE = 0.1
"""Share of the calls in which an outcome must have become more or less frequent to be told of."""

FEWEST = 10
"""Calls on each side from which on distributions are compared."""

CONFIRMED_BY = 3
"""How many scenarios, simplest first, are placed again for a clause and a kind of change."""

MOST_AT_ONCE = 80
"""How many scenarios are placed again at most, in each round, for raw differences."""

FURTHER = 2
"""How often at least such a scenario is placed again in a round: each round waits for its calls."""

TOLERANCE = 0.25
"""Seconds by which times in two findings may differ that are still the same finding."""


class Side(Enum):
    """Which switch a placement is from."""

    OLD = 0
    NEW = 1


class Change(StrEnum):
    """What a clause's course in a scenario is from the old switch to the new one."""

    REGRESSION = "regression"
    DIFFERS_OTHERWISE = "differs otherwise"
    DIFFERS_ALIKE = "differs alike"
    KNOWN = "known"
    FLAKY = "flaky"
    IMPROVEMENT = "improvement"
    NOT_COMPARABLE = "not comparable"
    SAME = "same"


MEANINGS: Mapping[Change, str] = MappingProxyType(
    {
        Change.REGRESSION: "the old one conforms, the new one does not",
        Change.DIFFERS_OTHERWISE: "neither conforms, and they differ",
        Change.DIFFERS_ALIKE: "neither conforms, in the same way",
        Change.KNOWN: "the new one does not conform, as an accepted divergence says",
        Change.FLAKY: "attempts at the same call disagree",
        Change.IMPROVEMENT: "the old one does not conform, the new one does",
        Change.NOT_COMPARABLE: "only one of the two exercised it, or the host could not keep time",
        Change.SAME: "both conform",
    }
)
"""What each means, in words."""


@dataclass(frozen=True, slots=True)
class ChangedCase:
    """A scenario in which a clause changed, with the last findings on either side."""

    scenario: Scenario
    old: tuple[Finding, ...]
    new: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class ClauseChanges:
    """What changed of one clause: how many scenarios of each kind, and those that show it.

    `cases` are the simplest first, of each kind but `SAME` and `NOT_COMPARABLE`.
    """

    clause: str
    counts: Mapping[Change, int]
    cases: Mapping[Change, tuple[ChangedCase, ...]]

    @property
    def level(self) -> Level:
        """Level of the clause."""
        return CLAUSES[self.clause].level

    @property
    def compared(self) -> bool:
        """Whether any scenario tells what became of it."""
        return any(self.counts.get(change) for change in Change if change not in _SAYS_NOTHING)


_SAYS_NOTHING = (Change.NOT_COMPARABLE, Change.FLAKY)


@dataclass(frozen=True, slots=True)
class Shift:
    """A distribution that changed although each outcome is legal.

    `was`, `now` are texts; `test` names the test, `p` is its value, corrected for all tests made.
    """

    clause: str
    subject: str
    was: str
    now: str
    test: str
    p: float


@dataclass(frozen=True, slots=True)
class RawChange:
    """A raw difference that attempts agree on.

    `places` are events and records where it shows ("" for the leg itself), `scenarios` those that
    show it in every attempt, the simplest first; `p` is how probable that is by chance.
    """

    difference: RawDifference
    places: tuple[str, ...]
    scenarios: tuple[Scenario, ...]
    p: float


@dataclass(frozen=True, slots=True)
class Changes:
    """All that changed.

    `undecided_raw` is how many raw differences were seen one way only, in too few attempts to tell
    them from a race; `tests` how many distributions were compared.
    """

    clauses: Mapping[str, ClauseChanges]
    shifts: tuple[Shift, ...]
    raw: tuple[RawChange, ...]
    undecided_raw: int
    tests: int
    scenarios: int
    attempts: int


# --- one placement -------------------------------------------------------------------------------

_Subject: TypeAlias = tuple[str, str]
"""A clause and what is told, in words."""


class Told(NamedTuple):
    """What is kept of one placement.

    `times` are seconds that the model bounds, `outcomes` what it lets be one of several, as far as
    they are legal.
    """

    judgement: Judgement
    times: Mapping[_Subject, float]
    outcomes: Mapping[_Subject, str]


class _Free(NamedTuple):
    """The facts of a scenario in which the model leaves the switch a choice."""

    times: Mapping[_Subject, Fact]
    outcomes: Mapping[_Subject, Fact]


def _free(scenario: Scenario, seen: Observation) -> _Free:
    """What the likelier legal courses leave open; of times those that count from an event.

    Not all of them: what is computed here delays the calls that are under way.
    """
    times: dict[_Subject, Fact] = {}
    outcomes: dict[_Subject, Fact] = {}
    allowed: defaultdict[_Subject, set[Outcome]] = defaultdict(set)
    courses = predict(scenario, applied_in(seen), most_astray=1)
    claims = {claim for alternative in courses for claim in alternative.claims}
    for clause, _, fact, legal in claims:
        if isinstance(legal, OneOf):
            subject = (clause, describe(fact))
            allowed[subject] |= legal.values
            outcomes[subject] = fact
        elif isinstance(fact, Elapsed):
            times[clause, f"times due after {legal.nominal:.2f} s"] = fact
    several = {subject: fact for subject, fact in outcomes.items() if len(allowed[subject]) > 1}
    return _Free(times, several)


def _told(free: _Free, seen: Observation, judgement: Judgement) -> Told:
    against = {finding.clause for finding in judgement.findings}
    times, outcomes = {}, {}
    for subject, fact in free.times.items():
        got = outcome(fact, seen) if subject[0] not in against else None
        if isinstance(got, float):
            times[subject] = got
    for subject, fact in free.outcomes.items():
        got = outcome(fact, seen)
        if subject[0] not in against and not isinstance(got, Unobservable):
            outcomes[subject] = spell(got)
    return Told(judgement, times, outcomes)


# --- all of them ---------------------------------------------------------------------------------


@dataclass(slots=True)
class _Case:
    """What came of a scenario on either side; `pairs` holds the raw differences of each pair."""

    scenario: Scenario
    told: tuple[list[Told], list[Told]] = field(default_factory=lambda: ([], []))
    outlines: tuple[list[RawOutline], list[RawOutline]] = field(default_factory=lambda: ([], []))
    pairs: list[Mapping[RawDifference, frozenset[str]]] = field(default_factory=list)
    free: _Free | None = None

    def judgements(self, side: Side) -> list[Judgement]:
        return [one.judgement for one in self.told[side.value]]


class Comparing:
    """Takes placements of either side as they come, and says what changed.

    `repeatable` are the sides on which a scenario can be placed again.
    """

    def __init__(self, repeatable: Iterable[Side] = ()) -> None:
        """Begin with nothing placed; what is `known` of the new switch may be told later."""
        self._cases: dict[str, _Case] = {}
        self._repeatable = frozenset(repeatable)
        self._wanted: dict[int, list[Scenario]] = {}
        self.known: Known = NONE_KNOWN

    def add(
        self,
        side: Side,
        scenario: Scenario,
        placement: Placement,
        judgement: Judgement | None = None,
    ) -> None:
        """Take a further attempt at a scenario on one side; it is judged unless that was done."""
        case = self._cases.setdefault(scenario.id, _Case(scenario))
        self._wanted.clear()
        judgement = judgement or judge(scenario, placement)
        if judgement.problem or placement.lateness > TOO_LATE:
            case.told[side.value].append(Told(judgement, {}, {}))
            return
        seen = observe(scenario, placement)
        case.outlines[side.value].append(raw_outline(seen))
        if case.told[side.value]:
            # Distributions are of first attempts: which scenarios come again is no accident.
            case.told[side.value].append(Told(judgement, {}, {}))
        else:
            case.free = case.free or _free(scenario, seen)
            case.told[side.value].append(_told(case.free, seen, judgement))
        self._pair(case)

    def _pair(self, case: _Case) -> None:
        """Compare attempts one by one; the last one of a recording stands for those it lacks."""
        while all(case.outlines):
            old, new = case.outlines
            case.pairs.append(raw_differences(old[0], new[0]))
            for side, outlines in zip(Side, case.outlines, strict=True):
                recorded = bool(self._repeatable) and side not in self._repeatable
                if not (recorded and len(outlines) == 1):
                    del outlines[0]

    # --- what is to be placed again

    def unsettled(self, most: int) -> list[Scenario]:
        """Those of which a further opinion is wanted, simplest first, each as often as it is.

        None comes to more than `most` attempts. Both sides ask, and get the same.
        """
        if most not in self._wanted:
            self._wanted[most] = list(self._unsettled(most))
        return self._wanted[most]

    def _unsettled(self, most: int) -> Iterator[Scenario]:
        times = {case.scenario.id: 1 for case in self._doubtful()}
        for case in self._suspects():  # one more attempt tells little of what is no race
            times[case.scenario.id] = max(FURTHER, _attempts(case))
        cases = (self._cases[identity] for identity in times)
        for case in sorted(cases, key=lambda one: _simplicity(one.scenario)):
            left = max(0, most - _attempts(case))
            yield from [case.scenario] * min(left, times[case.scenario.id])

    def _doubtful(self) -> Iterator[_Case]:
        """Those that show a change of a clause in one attempt, or in attempts that disagree."""
        asked: Counter[tuple[str, Change]] = Counter()
        for case in sorted(self._cases.values(), key=lambda one: _simplicity(one.scenario)):
            counts = [len(attempts) for attempts in case.told]
            if min(counts) == 0 or max(counts) > 2:
                continue
            changed = [
                (clause, change)
                for clause, change in self._changes_of(case)
                if change not in (Change.SAME, Change.NOT_COMPARABLE)
            ]
            if any(
                change is Change.FLAKY or asked[clause, change] < CONFIRMED_BY
                for clause, change in changed
            ):
                asked.update(changed)
                yield case

    def _suspects(self) -> list[_Case]:
        """Few scenarios that show many of the raw differences that are not decided."""
        suspected = {
            difference
            for difference, cases in self._one_way().items()
            if separated(self._evidence(cases)) > CHANCE
        }
        chosen: list[_Case] = []
        covered: Counter[RawDifference] = Counter()
        for case in sorted(self._cases.values(), key=lambda one: -len(_always(one) & suspected)):
            shown = _always(case) & suspected
            if any(covered[difference] < CONFIRMED_BY for difference in shown):
                covered.update(shown)
                chosen.append(case)
                if len(chosen) == MOST_AT_ONCE:
                    break
        return chosen

    # --- what it comes to

    def result(self) -> Changes:
        """What changed, as far as is known now."""
        tests, shifts = self._shifts()
        raw, undecided = self._raw()
        return Changes(
            clauses=self._clauses(),
            shifts=shifts,
            raw=raw,
            undecided_raw=undecided,
            tests=tests,
            scenarios=sum(all(case.told) for case in self._cases.values()),
            attempts=sum(len(side) for case in self._cases.values() for side in case.told),
        )

    def _changes_of(self, case: _Case) -> Iterator[tuple[str, Change]]:
        old, new = (case.judgements(side) for side in Side)
        touched = {
            name
            for judgement in (*old, *new)
            for name in (*judgement.exercised, *judgement.undecided)
        }
        for clause in sorted(touched):
            yield clause, self._change(case.scenario, clause, old, new)

    def _change(
        self, scenario: Scenario, clause: str, old: Sequence[Judgement], new: Sequence[Judgement]
    ) -> Change:
        ways = (_ways(old, clause), _ways(new, clause))
        if not all(ways):
            return Change.NOT_COMPARABLE
        before, after = ({bool(found) for found in side} for side in ways)
        if len(before) > 1 or len(after) > 1:
            return Change.FLAKY
        if after == {False}:
            return Change.SAME if before == {False} else Change.IMPROVEMENT
        if all(self.known.accepts(scenario, found) for found in ways[1]):
            return Change.KNOWN
        if before == {False}:
            return Change.REGRESSION
        alike = _alike(ways[0][-1], ways[1][-1])
        return Change.DIFFERS_ALIKE if alike else Change.DIFFERS_OTHERWISE

    def _clauses(self) -> Mapping[str, ClauseChanges]:
        found: defaultdict[str, defaultdict[Change, list[_Case]]] = defaultdict(
            lambda: defaultdict(list)
        )
        for case in self._cases.values():
            if all(case.told):
                for clause, change in self._changes_of(case):
                    found[clause][change].append(case)
        return MappingProxyType(
            {name: self._of_clause(name, found[name]) for name in CLAUSES if name in found}
        )

    def _of_clause(self, name: str, by_change: Mapping[Change, list[_Case]]) -> ClauseChanges:
        settled = {change: list(cases) for change, cases in by_change.items()}
        # What was placed once only speaks with those that were placed again.
        flaky = settled.get(Change.FLAKY, [])
        for change in (Change.REGRESSION, Change.IMPROVEMENT, Change.DIFFERS_OTHERWISE):
            cases = settled.get(change, [])
            if flaky and self._repeatable and not any(_attempts(case) > 1 for case in cases):
                flaky += settled.pop(change, [])
        if flaky:
            settled[Change.FLAKY] = flaky
        shown: dict[Change, tuple[ChangedCase, ...]] = {
            change: tuple(
                _changed_case(case, name)
                for case in sorted(some, key=lambda one: _simplicity(one.scenario))
            )
            for change, some in settled.items()
            if change not in (Change.SAME, Change.NOT_COMPARABLE)
        }
        counts = {change: len(some) for change, some in settled.items()}
        return ClauseChanges(name, MappingProxyType(counts), MappingProxyType(shown))

    # --- raw

    def _one_way(self) -> Mapping[RawDifference, list[_Case]]:
        """The scenarios that show a difference in every attempt, of those never seen reversed.

        One that any scenario shows in some attempts only is a race's.
        """
        ever: set[RawDifference] = set()
        wavering: set[RawDifference] = set()
        always: defaultdict[RawDifference, list[_Case]] = defaultdict(list)
        for case in self._cases.values():
            everywhere = _always(case)
            shown = set().union(*case.pairs)
            ever |= shown
            wavering |= shown - everywhere
            for difference in everywhere:
                always[difference].append(case)
        return {
            difference: cases
            for difference, cases in always.items()
            if difference.reverse not in ever and difference not in wavering
        }

    def _evidence(self, cases: Iterable[_Case]) -> Iterator[tuple[int, int]]:
        for case in cases:
            old, new = (min(len(attempts), len(case.pairs)) for attempts in case.told)
            yield old, new

    def _raw(self) -> tuple[tuple[RawChange, ...], int]:
        found, undecided = [], 0
        for difference, cases in self._one_way().items():
            p = separated(self._evidence(cases))
            if p > CHANCE:
                undecided += 1
                continue
            places = {place for case in cases for place in case.pairs[0][difference]}
            scenarios = sorted((case.scenario for case in cases), key=_simplicity)
            found.append(RawChange(difference, tuple(sorted(places)), tuple(scenarios), p))
        found.sort(key=lambda one: (-len(one.scenarios), one.difference))
        return tuple(found), undecided

    # --- distributions

    def _shifts(self) -> tuple[int, tuple[Shift, ...]]:
        """How many tests were made, and of each subject what changed most surely."""
        made = [*self._times(), *self._outcomes()]
        corrected = holm([shift.p for shift, _ in made])
        found: dict[_Subject, Shift] = {}
        for (one, large), p in sorted(zip(made, corrected, strict=True), key=lambda two: -two[1]):
            if large and p < SIGNIFICANT:
                found[one.clause, one.subject] = replace(one, p=p)
        return len(made), tuple(found[subject] for subject in sorted(found))

    def _times(self) -> Iterator[tuple[Shift, bool]]:
        """A test for each clause's times, and whether the difference is large enough."""
        samples: defaultdict[_Subject, tuple[list[float], list[float]]] = defaultdict(
            lambda: ([], [])
        )
        for case in self._cases.values():
            for side, attempts in enumerate(case.told):
                for subject, seconds in attempts[0].times.items() if attempts else ():
                    samples[subject][side].append(seconds)
        for (clause, what), (before, after) in sorted(samples.items()):
            if min(len(before), len(after)) >= FEWEST:
                old, new = _middle(before), _middle(after)
                shift = Shift(
                    clause,
                    what,
                    f"{old:.3f} s in {len(before)} calls",
                    f"{new:.3f} s in {len(after)}",
                    "Mann-Whitney U",
                    mann_whitney(before, after),
                )
                yield shift, abs(new - old) >= TICK

    def _outcomes(self) -> Iterator[tuple[Shift, bool]]:
        """A test for each outcome that the model leaves open, and whether enough calls changed."""
        together: defaultdict[_Subject, Counter[tuple[str, str]]] = defaultdict(Counter)
        for case in self._cases.values():
            if all(case.told):
                was, now = (attempts[0].outcomes for attempts in case.told)
                for subject in was.keys() & now.keys():
                    together[subject][was[subject], now[subject]] += 1
        for (clause, what), pairs in sorted(together.items()):
            calls = pairs.total()
            if calls < FEWEST:
                continue
            for value in sorted({one for pair in pairs for one in pair}):
                lost = sum(n for (one, other), n in pairs.items() if one == value != other)
                won = sum(n for (one, other), n in pairs.items() if other == value != one)
                before, after = (pairs[value, value] + moved for moved in (lost, won))
                shift = Shift(
                    clause,
                    what,
                    f"{value} in {before} of {calls} calls",
                    f"in {after} of them",
                    "McNemar, exact",
                    mcnemar(lost, won),
                )
                yield shift, abs(won - lost) >= SHARE * calls


def _ways(judgements: Sequence[Judgement], clause: str) -> list[tuple[Finding, ...]]:
    """The findings against a clause in each attempt that decided it."""
    return [
        tuple(found for found in one.findings if found.clause == clause)
        for one in judgements
        if clause in one.exercised
    ]


_SECONDS = re.compile(r"-?[0-9]+\.[0-9]{2,3}(?= s\b)|[+-][0-9]+\.[0-9]{2}")


def _alike(old: tuple[Finding, ...], new: tuple[Finding, ...]) -> bool:
    """Whether two switches differ from the model in the same way, but for how late they were."""
    if len(old) != len(new):
        return False
    return all(
        (one.leg, _SECONDS.sub("", one.sentence)) == (other.leg, _SECONDS.sub("", other.sentence))
        and all(
            abs(float(before) - float(after)) <= TOLERANCE
            for before, after in zip(
                _SECONDS.findall(one.sentence), _SECONDS.findall(other.sentence), strict=True
            )
        )
        for one, other in zip(old, new, strict=True)
    )


def _always(case: _Case) -> set[RawDifference]:
    """The raw differences that every pair of attempts shows."""
    return set.intersection(*(set(pair) for pair in case.pairs)) if case.pairs else set()


def _attempts(case: _Case) -> int:
    return max(map(len, case.told))


def _changed_case(case: _Case, clause: str) -> ChangedCase:
    last = []
    for side in Side:
        found = [ways for ways in _ways(case.judgements(side), clause) if ways]
        last.append(found[-1] if found else ())
    return ChangedCase(case.scenario, last[0], last[1])


def _middle(values: Sequence[float]) -> float:
    """Mean of the middle half, which neither an outlier nor the clock's tick decides."""
    ordered = sorted(values)
    quarter = len(ordered) // 4
    return fmean(ordered[quarter : len(ordered) - quarter])


def _simplicity(scenario: Scenario) -> tuple[Complexity, str]:
    return complexity(scenario), scenario.id
