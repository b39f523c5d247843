"""Minimising: what was found is reduced, on the switch that showed it, to the simplest call.

All one-step simplifications of a call are placed side by side, with some leaps of many steps; the
simplest that still shows the same finding (same clause, same leg) is reduced further, until none
does. What it ends with is placed once more, from scratch. What one finding's calls showed of others
is known, so that findings with one cause share their calls.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from conformance.clauses import CLAUSES, Level
from conformance.complexity import Complexity, complexity
from conformance.judge import Judgement
from conformance.scenario import Scenario
from conformance.verdicts import Verdicts
from strategies.simplify import Edit, Kind, edited, edits

SECONDS = 60.0
"""For how long a finding is reduced at most, if nobody says otherwise."""

FINDINGS_WORTH = 3
"""How many findings' time all of them together may take: most have a cause in common."""

TRYING = 40
"""Calls at once while simplifications are tried."""

CHECKING = 10
"""Calls at once while what was found is placed once more."""

_ANOTHER_CALL = frozenset({Kind.ACTION, Kind.LEG})

Place = Callable[[Sequence[Scenario], int, Scenario | None], Awaitable[None]]
"""Places scenarios, at most a number of them at once; what came of them is then in the verdicts.

Those that were not placed before are placed on the switch that showed the call given last.
"""


@dataclass(frozen=True, slots=True)
class Goal:
    """A finding to be reduced, and the simplest call of the run that showed it in every attempt."""

    clause: str
    leg: str
    start: Scenario

    def shown_by(self, judgements: Iterable[Judgement], times: int = 1) -> bool:
        """Whether each attempt that decided the clause, so many at least, shows the finding."""
        decided = [one for one in judgements if self.clause in one.exercised]
        return len(decided) >= times and all(
            any((found.clause, found.leg) == (self.clause, self.leg) for found in one.findings)
            for one in decided
        )


async def minimise(
    verdicts: Verdicts,
    place: Place,
    seconds: float,
    now: Callable[[], float] = time.monotonic,
) -> None:
    """Reduce every confirmed finding; what is placed for it goes into the verdicts.

    `seconds` is the time for one finding; all of them get `FINDINGS_WORTH` times that. A round that
    would take longer than what is left is not begun.
    """
    search = _Search(verdicts, place, now)
    end = now() + FINDINGS_WORTH * seconds
    found = []
    for goal in goals(verdicts):
        found.append((goal, await search.reduce(goal, min(end, now() + seconds))))
    await search.check(found)


def goals(verdicts: Verdicts) -> list[Goal]:
    """The confirmed findings, of the firmest level first."""
    found = []
    for name, one in verdicts.result().clauses.items():
        for case in one.failing[:1]:
            if case.attempts > 1:
                found.append(Goal(name, case.findings[0].leg, case.scenario))
    return sorted(found, key=_urgency)


def _urgency(goal: Goal) -> tuple[int, Complexity, str]:
    level = list(Level).index(CLAUSES[goal.clause].level)
    return level, complexity(goal.start), goal.clause


class _Search:
    def __init__(self, verdicts: Verdicts, place: Place, now: Callable[[], float]) -> None:
        self._verdicts = verdicts
        self._place = place
        self._now = now
        self._round_seconds = 0.0

    async def reduce(self, goal: Goal, end: float) -> list[Scenario]:
        """The calls that the finding was reduced to one after the other; the start comes first."""
        current = self._simplest_known(goal)
        chain = [goal.start] if current == goal.start else [goal.start, current]
        leaps = list(_leaps(current))
        while True:
            steps = {edit: made for edit in edits(current) if (made := edited(current, (edit,)))}
            here = [one for one in steps.values() if one.profile == current.profile]
            showing = await self._try(goal, [*here, *leaps], end)
            if not showing:
                # Settings last: calls of different profiles are placed one after the other.
                showing = await self._try(goal, list(steps.values()), end)
            if not showing:
                return chain
            shown = {one.id for one in showing}
            working = [edit for edit, made in steps.items() if made.id in shown]
            best = min(showing, key=_rank)
            leaps = [one for one in _together(current, working) if _rank(one) < _rank(best)]
            current = best
            chain.append(best)

    async def check(self, found: Sequence[tuple[Goal, list[Scenario]]]) -> None:
        """Place what each finding was reduced to once more.

        Where that does not show the finding again, attempts disagree: then whatever was on the way
        to it is placed again as well, back to the start.
        """
        once = (chain[-1] for _, chain in found if len(self._attempts(chain[-1])) == 1)
        await self._placed(once, CHECKING)
        again = [
            one
            for goal, chain in found
            if not goal.shown_by(self._attempts(chain[-1]), times=2)
            for one in chain
            if one is chain[0] or goal.shown_by(self._attempts(one))
        ]
        await self._placed(again, CHECKING)

    async def _try(self, goal: Goal, tried: Sequence[Scenario], end: float) -> list[Scenario]:
        """Those that show the finding; those that are not known are placed if time is left."""
        fresh = [one for one in tried if not self._attempts(one)]
        began = self._now()
        if fresh and began + self._round_seconds < end:
            await self._placed(fresh, TRYING, goal.start)
            self._round_seconds = self._now() - began
        return [one for one in tried if goal.shown_by(self._attempts(one))]

    async def _placed(
        self, scenarios: Iterable[Scenario], window: int, like: Scenario | None = None
    ) -> None:
        different = {one.id: one for one in scenarios}
        if different:
            await self._place(list(different.values()), window, like)

    def _attempts(self, scenario: Scenario) -> tuple[Judgement, ...]:
        return self._verdicts.judgements(scenario.id)

    def _simplest_known(self, goal: Goal) -> Scenario:
        known = (*self._verdicts.unsettled(), *self._verdicts.reduced())
        showing = (one.scenario for one in known if goal.shown_by(one.judgements))
        return min((goal.start, *showing), key=_rank)


def _rank(scenario: Scenario) -> tuple[Complexity, str]:
    return complexity(scenario), scenario.id


def _leaps(scenario: Scenario) -> Iterator[Scenario]:
    """Many steps at once: all that leave the call what it is, those of a kind, all but a kind."""
    known = edits(scenario)
    minor = [edit for edit in known if edit.kind not in _ANOTHER_CALL]
    kinds = list(dict.fromkeys(edit.kind for edit in minor))
    of_kind = ([edit for edit in minor if edit.kind is kind] for kind in kinds)
    all_but = ([edit for edit in minor if edit.kind is not kind] for kind in kinds)
    made = (edited(scenario, chosen) for chosen in (minor, *of_kind, *all_but))
    yield from {one.id: one for one in made if one}.values()


def _together(scenario: Scenario, working: Sequence[Edit]) -> Iterator[Scenario]:
    """What comes of all edits that work alone, and of half of them."""
    middle = len(working) // 2
    made = (edited(scenario, part) for part in (working, working[:middle], working[middle:]))
    yield from {one.id: one for one in made if one}.values()
