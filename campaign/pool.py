"""A pool: the scenarios of one run on several switches at once, each on exactly one of them.

A pool of one is a run as it always was. Each switch has its own connections, control calls,
admission and settings; what they share is where the scenarios come from. What a switch that is
lost has not finished goes to the others.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Container,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial

from campaign.admission import Pace
from campaign.blocks import Blocks, at_once
from campaign.campaign import Campaign, Control, open_campaign
from campaign.errors import first_of
from conformance.compact import Bits
from conformance.observation import Placement
from conformance.scenario import Scenario
from fixtures.event_socket import EventSocketError
from fixtures.switches import Switch, SwitchError


class Pool:
    """Places scenarios on switches that are running; made by `open_pool`.

    A switch is known by its number, from 0, in the order in which they were named. `lost` says by
    what error which of them were lost, in the order in which that happened.
    """

    def __init__(
        self,
        on_placement: Callable[[Scenario, Placement], None],
        on_control: Callable[[Control], None],
        on_wait: Callable[[str], None],
    ) -> None:
        """Use `open_pool`, which adds the campaigns too."""
        self.lost: dict[int, EventSocketError | SwitchError] = {}
        self._on_placement = on_placement
        self._on_control = on_control
        self._on_wait = on_wait
        self._urls: list[str] = []
        self._reasons: dict[int, str] = {}
        self._campaigns: list[Campaign] = []
        self._homes = Bits(16)

    async def add(
        self, switch: Switch, cdr_modules: tuple[str, ...], stack: AsyncExitStack
    ) -> None:
        """Open a campaign on one more switch, which ends with the stack."""
        number = len(self._campaigns)
        told = [partial(one, number) for one in (self._placed, self._controlled, self._waits)]
        opened = open_campaign(switch, cdr_modules, *told)
        self._urls.append(switch.url)
        self._campaigns.append(await stack.enter_async_context(opened))

    async def place_all(
        self,
        scenarios: Iterable[Scenario],
        pace: Pace,
        *,
        first: Container[str] = (),
        ready: Callable[[], Awaitable[None]] = at_once,
    ) -> None:
        """Place every scenario once, on whichever switch has room; see `Blocks` for the rest.

        The pace is that of each switch. Raises the error by which the last switch was lost.
        """
        left = scenarios
        while left:
            there = self._there()
            blocks = Blocks(left, first, ready, sharers=len(there))
            left = await self._placed_from(dict.fromkeys(there, blocks), pace)

    async def place_again(
        self,
        scenarios: Iterable[Scenario],
        pace: Pace,
        attempt: int,
        like: Scenario | None = None,
    ) -> None:
        """Place scenarios with a witness, as often as they come, where they were placed before.

        One that was not placed before goes where `like` was; those of a switch that is lost go to
        another one. Raises the error by which the last switch was lost.
        """
        left = list(scenarios)
        while left:
            homes = defaultdict(list)
            for scenario in left:
                homes[self._home(scenario, like)].append(scenario)
            shares = {number: Blocks(those) for number, those in homes.items()}
            left = await self._placed_from(shares, pace, attempt, witness=True)

    async def _placed_from(
        self,
        shares: Mapping[int, Blocks],
        pace: Pace,
        attempt: int = 1,
        *,
        witness: bool = False,
    ) -> list[Scenario]:
        """Let each of these switches place from its blocks; gives what lost ones have left."""

        async def place(number: int, blocks: Blocks) -> None:
            campaign = self._campaigns[number]
            try:
                while block := await blocks.next(campaign.profile):
                    await campaign.place_block(block, pace, attempt, witness=witness)
            except (EventSocketError, SwitchError) as error:
                self.lost[number] = error
                self._waits(number, "")
                if not self._there():
                    raise

        try:
            async with asyncio.TaskGroup() as group:
                for number, blocks in shares.items():
                    group.create_task(place(number, blocks))
        except BaseExceptionGroup as errors:
            raise first_of(errors) from None
        return [one for blocks in dict.fromkeys(shares.values()) for one in blocks.rest()]

    def _there(self) -> list[int]:
        """The switches that are not lost."""
        return [number for number in range(len(self._campaigns)) if number not in self.lost]

    def _home(self, scenario: Scenario, like: Scenario | None) -> int:
        """The switch on which a scenario is placed again."""
        home = self._homes.get(int(scenario.id, 16))
        if home is None and like is not None:
            home = self._homes.get(int(like.id, 16))
        there = self._there()
        return home if home in there else there[0]

    def _placed(self, number: int, scenario: Scenario, placement: Placement) -> None:
        if len(self._campaigns) > 1:
            self._homes.put(int(scenario.id, 16), number)
        self._on_placement(scenario, replace(placement, switch=number))

    def _controlled(self, number: int, control: Control) -> None:
        self._on_control(replace(control, switch=number))

    def _waits(self, number: int, reason: str) -> None:
        self._reasons[number] = reason
        several = len(self._campaigns) > 1
        names = {one: self._urls[one] if several else "the switch" for one in self._reasons}
        waiting = [f"{names[one]} {why}" for one, why in self._reasons.items() if why]
        self._on_wait(", ".join(waiting))


@asynccontextmanager
async def open_pool(
    switches: Sequence[Switch],
    cdr_modules: tuple[str, ...],
    on_placement: Callable[[Scenario, Placement], None],
    on_control: Callable[[Control], None],
    on_wait: Callable[[str], None] = lambda _: None,
) -> AsyncIterator[Pool]:
    """A pool of switches that were started; its own calls are hung up at the end."""
    pool = Pool(on_placement, on_control, on_wait)
    async with AsyncExitStack() as stack:
        for switch in switches:
            await pool.add(switch, cdr_modules, stack)
        yield pool
