"""What is tried to reduce one finding, round by round; of a switch it knows only what came of it.

A round asks for calls. Of those that show the finding the simplest is where the next one begins.
First come simple calls that exercise the clause, and many steps at once, then one step each:
whatever makes the call less, simpler values, settings last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from msgspec.structs import replace

from campaign.attempt import patience
from conformance.complexity import Complexity, complexity
from conformance.judge import Finding, Judgement
from conformance.scenario import Scenario, same_leg
from conformance.verdicts import Verdicts
from strategies.fairness import clauses_of
from strategies.simplify import Edit, Kind, edited, edits

ROUND = 32
"""So many calls are tried in a round at most: more would take longer than their longest."""

MODELS = 4
"""How many calls that are known to exercise a clause are tried in place of its finding's call."""

_ANOTHER_CALL = frozenset({Kind.ACTION, Kind.LEG})


@dataclass(frozen=True, slots=True)
class Goal:
    """A finding to be reduced, and the simplest call of the run that showed it in every attempt."""

    clause: str
    leg: str
    start: Scenario

    def shown_by(self, scenario: Scenario, judgements: Iterable[Judgement], times: int = 1) -> bool:
        """Whether each attempt that decided the clause, so many at least, shows the finding."""
        decided = [one for one in judgements if self.clause in one.exercised]
        return len(decided) >= times and all(
            any(self._is(found, scenario) for found in one.findings) for one in decided
        )

    def _is(self, found: Finding, scenario: Scenario) -> bool:
        same = same_leg(self.leg, self.start, found.leg, scenario)
        return found.clause == self.clause and same


class Descent:
    """The way from the call of a goal to a simpler one; `chain` is the calls on it, in order.

    `models` are calls of the suite's own that are tried in its place, where they exercise the
    clause, are simpler and take no longer.
    """

    def __init__(self, goal: Goal, verdicts: Verdicts, models: Iterable[Scenario]) -> None:
        """Begin at the simplest call that is known to show the finding."""
        self.goal = goal
        self.chain = [goal.start]
        self._verdicts = verdicts
        self._models = models
        self._asked: Sequence[Scenario] = ()
        self._rounds = self._descend()

    def wanted(self) -> list[Scenario]:
        """What is to be placed next; asked again it is what of that is still not placed.

        Nothing when no simplification of the last call of the chain shows the finding.
        """
        while True:
            missing = [one for one in self._asked if not self._verdicts.judgements(one.id)]
            if missing:
                return missing
            asked = next(self._rounds, None)
            if asked is None:
                return []
            self._asked = asked

    def shows(self, scenario: Scenario) -> bool:
        """Whether a call is known to show the finding."""
        return self.goal.shown_by(scenario, self._verdicts.judgements(scenario.id))

    def _descend(self) -> Iterator[Sequence[Scenario]]:
        known = (one.scenario for one in self._verdicts.unsettled())
        current = self._arrived(self._simplest(known))
        leaps = self._made_for_it(current)
        while True:
            steps = {edit: made for edit in edits(current) if (made := edited(current, (edit,)))}
            best = current
            for tried in _in_rounds([*leaps, *_leaps(current)], steps):
                yield tried
                best = self._simplest(())
                if best != current:
                    break
            if best == current:
                return
            working = [edit for edit, made in steps.items() if self.shows(made)]
            leaps = [one for one in _together(current, working) if rank(one) < rank(best)]
            current = self._arrived(best)

    def _made_for_it(self, current: Scenario) -> list[Scenario]:
        """The simplest calls of the suite's own that exercise the clause and take no longer."""
        as_here = (replace(one, profile=current.profile) for one in self._models)
        made = [
            one
            for one in sorted(as_here, key=rank)
            if rank(one) < rank(current)
            and patience(one) <= patience(current)
            and self.goal.clause in clauses_of(one)
        ]
        return made[:MODELS]

    def _simplest(self, known: Iterable[Scenario]) -> Scenario:
        """The simplest call that shows the finding, of those known and all that were tried."""
        tried = (one.scenario for one in self._verdicts.reduced())
        showing = (one for one in (*known, *tried) if self.shows(one))
        return min((self.chain[-1], *showing), key=rank)

    def _arrived(self, at: Scenario) -> Scenario:
        if at != self.chain[-1]:
            self.chain.append(at)
        return at


def rank(scenario: Scenario) -> tuple[Complexity, str]:
    """What the simpler of two calls has less of."""
    return complexity(scenario), scenario.id


def _in_rounds(
    leaps: Iterable[Scenario], steps: Mapping[Edit, Scenario]
) -> Iterator[Sequence[Scenario]]:
    """What is tried until something of it shows the finding, the most promising first.

    Settings come last: calls of different profiles are placed one after the other.
    """
    last = (Kind.VALUE, Kind.SETTING)
    less = [one for edit, one in steps.items() if edit.kind not in last]
    values, settings = ([one for edit, one in steps.items() if edit.kind is k] for k in last)
    here = {one.id: one for one in (*leaps, *less, *values)}
    yield from _rounds(list(here.values()))
    yield from _rounds([one for one in settings if one.id not in here])


def _rounds(tried: Sequence[Scenario]) -> Iterator[Sequence[Scenario]]:
    for begin in range(0, len(tried), ROUND):
        yield tried[begin : begin + ROUND]


def _leaps(scenario: Scenario) -> Iterator[Scenario]:
    """Many steps at once: all that leave the call what it is, those of a kind, all but a kind.

    And parts of them, however they are mixed: the halves, the quarters, all but a quarter.
    """
    minor = [edit for edit in edits(scenario) if edit.kind not in _ANOTHER_CALL]
    kinds = list(dict.fromkeys(edit.kind for edit in minor))
    parts = [*_parts(minor, 2), *_parts(minor, 4)]
    yield from _different(
        scenario,
        (
            minor,
            *([edit for edit in minor if edit.kind is kind] for kind in kinds),
            *([edit for edit in minor if edit.kind is not kind] for kind in kinds),
            *parts,
            *([edit for edit in minor if edit not in part] for part in parts[2:]),
        ),
    )


def _together(scenario: Scenario, working: Sequence[Edit]) -> Iterator[Scenario]:
    """What comes of all edits that work alone, of half of them, and of all but one."""
    all_but_one = ([edit for edit in working if edit is not one] for one in working)
    yield from _different(scenario, (working, *_parts(working, 2), *all_but_one))


def _parts(chosen: Sequence[Edit], count: int) -> list[Sequence[Edit]]:
    ends = [len(chosen) * number // count for number in range(count + 1)]
    return [chosen[begin:end] for begin, end in pairwise(ends)]


def _different(scenario: Scenario, choices: Iterable[Sequence[Edit]]) -> Iterator[Scenario]:
    made = (edited(scenario, chosen) for chosen in choices)
    yield from {one.id: one for one in made if one}.values()
