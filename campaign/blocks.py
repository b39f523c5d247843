"""Scenarios in blocks of one profile each, and how switches share them.

A block is begun by one switch, which then has its settings; who has these settings too takes from
it, and who has nothing else to do helps with it.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Container, Iterable, Sequence
from itertools import groupby

from campaign.attempt import patience
from conformance.profile import Profile
from conformance.scenario import Scenario

FEW = 5
"""Scenarios that are always taken at once: their plans are loaded together."""


class Block:
    """Scenarios of one profile that are still to be placed, each taken by whoever has room."""

    def __init__(
        self, scenarios: Iterable[Scenario], first: Container[str] = (), *, sharers: int = 1
    ) -> None:
        """Those with an id in `first` come first; `sharers` are how many switches may take some.

        Of the others the longest: the last ones, for which everything waits, are then over soon.
        """
        self._left = sorted(scenarios, key=lambda one: (one.id not in first, -patience(one)))
        self._sharers = sharers
        self.profile = self._left[0].profile

    def __bool__(self) -> bool:
        """Whether any is left."""
        return bool(self._left)

    def take(self, most: int) -> list[Scenario]:
        """The next ones, so many at most; in a pool no more than leave others their share."""
        if self._sharers > 1:
            most = min(most, max(FEW, math.ceil(len(self._left) / (2 * self._sharers))))
        taken, self._left = self._left[:most], self._left[most:]
        return taken

    def give_back(self, scenarios: Iterable[Scenario]) -> None:
        """Those that were taken and not placed; the shortest may be over before another loss."""
        given_back = list(scenarios)
        if given_back:
            self._left = sorted([*self._left, *given_back], key=patience)

    def rest(self) -> Sequence[Scenario]:
        """All that are left."""
        return tuple(self._left)


async def at_once() -> None:
    """Wait for nobody."""


class Blocks:
    """The blocks of some scenarios, handed out one after the other, in the order in which they are.

    Each is made when it is asked for: a long campaign holds no more of them than a short one.
    """

    def __init__(
        self,
        scenarios: Iterable[Scenario],
        first: Container[str] = (),
        ready: Callable[[], Awaitable[None]] = at_once,
        *,
        sharers: int = 1,
    ) -> None:
        """`ready` is waited for before each block that is begun; for the rest see `Block`."""
        self._to_come = groupby(scenarios, lambda scenario: scenario.profile)
        self._first = first
        self._ready = ready
        self._sharers = sharers
        self._begun: list[Block] = []
        self._asking = asyncio.Lock()

    async def next(self, profile: Profile) -> Block | None:
        """A block for a switch that has this profile; None where nothing is left to be begun.

        One with these settings, else the next one, else what others have not come to yet.
        """
        async with self._asking:
            begun = [block for block in self._begun if block]
            alike = (one for one in begun if one.profile.changed() == profile.changed())
            return next(alike, None) or await self._begin() or next(filter(None, begun), None)

    def rest(self) -> list[Scenario]:
        """What is left of those that were begun."""
        return [one for block in self._begun for one in block.rest()]

    async def _begin(self) -> Block | None:
        _, group = next(self._to_come, (None, None))
        if group is None:
            return None
        await self._ready()
        made = []
        for scenario in group:
            made.append(scenario)
            await asyncio.sleep(0)  # calls of other switches go on while these are made
        block = Block(made, self._first, sharers=self._sharers)
        self._begun.append(block)
        return block
