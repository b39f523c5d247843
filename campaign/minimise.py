"""Minimising: what was found is reduced, on the switch that showed it, to the simplest call.

What is tried for a finding (`campaign.descent`) is placed side by side, together with what is tried
for others that the same call showed: most have a cause in common, and a round takes as long as its
longest call. What one finding's calls showed of others is known. What each ends with is placed once
more, from scratch.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence

from campaign.descent import Descent, Goal
from conformance.clauses import CLAUSES, Level
from conformance.complexity import Complexity, complexity
from conformance.scenario import Scenario
from conformance.verdicts import Verdicts

SECONDS = 60.0
"""For how long a finding is reduced at most, if nobody says otherwise."""

FINDINGS_WORTH = 3
"""How many findings' time all of them together may take: most have a cause in common."""

OTHERS_WORTH = 0.4
"""Part of a finding's time in which others of the same call are reduced beside it: mostly they come
of the first, and where a race decides whether a call shows them that would go on for long."""

TRYING = 40
"""Calls at once while simplifications are tried."""

ROOM = 48
"""How many calls are tried in a round for several findings."""

CHECKING = 10
"""Calls at once while what was found is placed once more."""

CHECKS = 3
"""How often that is done at most, where the host could not keep time."""

Place = Callable[[Sequence[Scenario], int, Scenario | None], Awaitable[None]]
"""Places scenarios, at most a number of them at once; what came of them is then in the verdicts.

Those that were not placed before are placed on the switch that showed the call given last.
"""


async def minimise(
    verdicts: Verdicts,
    place: Place,
    seconds: float,
    now: Callable[[], float] = time.monotonic,
    models: Sequence[Scenario] = (),
) -> None:
    """Reduce every confirmed finding; what is placed for it goes into the verdicts.

    `seconds` is the time for one finding; all of them get `FINDINGS_WORTH` times that. A round that
    would take longer than what is left is not begun. `models` are calls that exercise clauses, to
    be tried in place of those that are more complex.
    """
    search = _Search(verdicts, place, now, models)
    end = now() + FINDINGS_WORTH * seconds
    found: list[Descent] = []
    for group in _by_start(goals(verdicts)):
        found += await search.reduce(group, min(seconds, end - now()))
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


def _by_start(found: Iterable[Goal]) -> Iterable[list[Goal]]:
    """Those of each call together, in the order of the first of each."""
    groups: dict[str, list[Goal]] = {}
    for goal in found:
        groups.setdefault(goal.start.id, []).append(goal)
    return groups.values()


class _Search:
    def __init__(
        self,
        verdicts: Verdicts,
        place: Place,
        now: Callable[[], float],
        models: Sequence[Scenario],
    ) -> None:
        self._verdicts = verdicts
        self._place = place
        self._now = now
        self._models = models
        self._round_seconds = 0.0

    async def reduce(self, found: Sequence[Goal], seconds: float) -> list[Descent]:
        """Reduce the findings of one call side by side, the others for a part of these seconds."""
        descents = [Descent(goal, self._verdicts, self._models) for goal in found]
        began = self._now()
        for part, some in ((OTHERS_WORTH, descents), (1.0, descents[:1])):
            end = began + part * seconds
            while (batch := _batch(some)) and self._now() + self._round_seconds < end:
                round_began = self._now()
                await self._placed(batch, TRYING, found[0].start)
                self._round_seconds = self._now() - round_began
        return descents

    async def check(self, found: Sequence[Descent]) -> None:
        """Place what each finding was reduced to once more, and again where that decides nothing.

        Where it does not show the finding again, attempts disagree: then whatever was on the way
        to it is placed again as well, back to the start.
        """
        for _ in range(CHECKS):
            ends = ((one.goal, one.chain[-1]) for one in found if one.shows(one.chain[-1]))
            await self._placed(
                (end for goal, end in ends if not self._settled(goal, end)),
                CHECKING,
            )
        again = [
            call
            for one in found
            if not self._settled(one.goal, one.chain[-1])
            for call in one.chain
            if call is one.chain[0] or one.shows(call)
        ]
        await self._placed(again, CHECKING)

    async def _placed(
        self, scenarios: Iterable[Scenario], window: int, like: Scenario | None = None
    ) -> None:
        different = {one.id: one for one in scenarios}
        if different:
            await self._place(list(different.values()), window, like)

    def _settled(self, goal: Goal, scenario: Scenario) -> bool:
        """Whether a call shows a finding in every attempt of several."""
        return goal.shown_by(scenario, self._verdicts.judgements(scenario.id), times=2)


def _batch(descents: Iterable[Descent]) -> list[Scenario]:
    """What the first that is not at its end wants, and what others want as far as there is room."""
    batch: dict[str, Scenario] = {}
    for one in descents:
        both = batch | {wanted.id: wanted for wanted in one.wanted()}
        if not batch or len(both) <= ROOM:
            batch = both
    return list(batch.values())
