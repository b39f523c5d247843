"""Scenarios in blocks of one profile each, and how switches share them.

A block is begun by one switch, which then has its settings; who has these settings too takes from
it, and who has nothing else to do helps with it. A change of profile costs the length of a call, in
which all others wait: those of a profile that come near to each other are one block.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Container, Iterable, Sequence
from itertools import islice

from campaign.attempt import length
from conformance.profile import Profile
from conformance.scenario import Scenario

AHEAD = 600
"""Scenarios among which those of a profile are looked for, from the first one that is left."""

LONGEST = 0.1
"""Part of those taken at once that are the longest left."""

FEW = 5
"""Scenarios that are always taken at once: their plans are loaded together."""


class Block:
    """Scenarios of one profile that are still to be placed, each taken by whoever has room."""

    def __init__(
        self, scenarios: Iterable[Scenario], first: Container[str] = (), *, sharers: int = 1
    ) -> None:
        """Those with an id in `first` come first; `sharers` are how many switches may take some."""
        by_length = sorted(scenarios, key=length, reverse=True)
        self._first = [one for one in by_length if one.id in first]
        self._left = [one for one in by_length if one.id not in first]
        self._sharers = sharers
        self.profile = by_length[0].profile

    def __bool__(self) -> bool:
        """Whether any is left."""
        return bool(self._first or self._left)

    def take(self, most: int) -> list[Scenario]:
        """The next ones, so many at most; in a pool no more than leave others their share.

        Of those that need not come first the longest, so that the last ones, for which everything
        waits, are over soon; and with them some of every length: calls as long as each other would
        end together, and the next ones begin together, which is more than a host has room for.
        """
        if self._sharers > 1:
            most = min(most, max(FEW, math.ceil(len(self.rest()) / (2 * self._sharers))))
        taken, self._first = self._first[:most], self._first[most:]
        room = most - len(taken)
        longest = math.ceil(room * LONGEST)
        taken, others = taken + self._left[:longest], self._left[longest:]
        apart = max(1, math.ceil(len(self._left) / max(1, room)))
        some = range(0, len(others), apart)[: room - longest]
        self._left = [one for place, one in enumerate(others) if place not in some]
        return taken + [others[place] for place in some]

    def give_back(self, scenarios: Iterable[Scenario]) -> None:
        """Those that were taken and not placed; the shortest may be over before another loss."""
        given_back = list(scenarios)
        if given_back:
            self._first, self._left = sorted([*self.rest(), *given_back], key=length), []

    def rest(self) -> Sequence[Scenario]:
        """All that are left."""
        return (*self._first, *self._left)


async def at_once() -> None:
    """Wait for nobody."""


class Blocks:
    """The blocks of some scenarios, handed out one after the other.

    The first one that is left begins a block, with those of its profile among the next ones. Each
    is made when it is asked for: a long campaign holds no more of them than a short one.
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
        self._to_come = iter(scenarios)
        self._ahead: list[Scenario] = []
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
        for scenario in islice(self._to_come, AHEAD - len(self._ahead)):
            length(scenario)
            self._ahead.append(scenario)
            await asyncio.sleep(0)  # calls of other switches go on while these are made
        if not self._ahead:
            return None
        await self._ready()
        profile = self._ahead[0].profile
        alike = [one for one in self._ahead if one.profile == profile]
        self._ahead = [one for one in self._ahead if one.profile != profile]
        block = Block(alike, self._first, sharers=self._sharers)
        self._begun.append(block)
        return block
