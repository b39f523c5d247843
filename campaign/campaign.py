"""A campaign: many scenarios placed on one switch, side by side, with control calls among them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Container, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from itertools import groupby

from campaign.attempt import patience
from campaign.placer import Placer
from conformance.dialplan import extensions
from conformance.dialstring import token_of
from conformance.observation import Placement
from conformance.scenario import Scenario
from fixtures.event_socket import EventSocketError
from fixtures.switches import Switch

CONTROLS = 4
"""Control calls kept going beside the scenarios."""


@dataclass(frozen=True, slots=True)
class Control:
    """A control call: when it began (microseconds, switch's clock), how late it was (seconds)."""

    began: int
    lateness: float


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast scenarios are placed: calls at once, and calls begun a second."""

    window: int = 100
    rate: float = 60.0


class Campaign:
    """Places scenarios on a switch that is running; made by `open_campaign`.

    `on_placement` is called with each scenario and what came of it, `on_control` with each control
    call, in the order in which they end.
    """

    def __init__(
        self,
        switch: Switch,
        placer: Placer,
        on_placement: Callable[[Scenario, Placement], None],
        on_control: Callable[[Control], None],
    ) -> None:
        """Use `open_campaign`, which makes the connections too."""
        self._switch = switch
        self._placer = placer
        self._on_placement = on_placement
        self._on_control = on_control
        self._batches = 0
        self._controls = 0
        self._recent: deque[Control] = deque(maxlen=3 * CONTROLS)

    async def place_all(
        self,
        scenarios: Iterable[Scenario],
        pace: Pace,
        attempt: int = 1,
        *,
        witness: bool = False,
        first: Container[str] = (),
    ) -> None:
        """Place every scenario once; `attempt` numbers the tokens.

        Before the switch is configured for the next profile all calls of the last one are over.
        Of those of a profile the ones with an id in `first` are begun first.
        With a `witness` a second connection listens too, and an attempt of which the two were told
        differently has that as its problem.

        Raises EventSocketError or SwitchError when a connection or the switch is lost; the calls
        in flight are then given up.
        """
        for profile, group in groupby(scenarios, lambda scenario: scenario.profile):
            await self._switch.configure(profile)
            # The longest first: the last ones, for which everything waits, are then over soon.
            ordered = sorted(group, key=lambda one: (one.id not in first, -patience(one)))
            await self._place_group(ordered, pace, attempt, witness=witness)

    async def _place_group(
        self, scenarios: Sequence[Scenario], pace: Pace, attempt: int, *, witness: bool
    ) -> None:
        slots = asyncio.Semaphore(pace.window)
        try:
            async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
                beside = [group.create_task(self._placer.run())]
                if witness:
                    second = await self._switch.connect()
                    stack.push_async_callback(second.close)
                    beside.append(group.create_task(await self._placer.witness(second)))
                beside += [group.create_task(self._keep_control()) for _ in range(CONTROLS)]
                async with asyncio.TaskGroup() as batches:
                    for batch in _batches(scenarios, pace.window):
                        begun = asyncio.Event()
                        batches.create_task(self._place_batch(batch, attempt, slots, pace, begun))
                        await begun.wait()
                for task in beside:
                    task.cancel()
        except BaseExceptionGroup as group_of_errors:
            raise _first(group_of_errors) from None

    async def _place_batch(
        self,
        batch: Sequence[Scenario],
        attempt: int,
        slots: asyncio.Semaphore,
        pace: Pace,
        begun: asyncio.Event,
    ) -> None:
        """Load the dialplan of a batch, place it, unload it; `begun` when all of it was begun."""
        self._batches += 1
        name = f"batch{self._batches}"
        await self._switch.write_dialplan(name, _contexts(batch))
        await self._placer.reload()
        try:
            async with asyncio.TaskGroup() as group:
                for scenario in batch:
                    await slots.acquire()
                    task = group.create_task(self._place(scenario, token_of(scenario, attempt)))
                    task.add_done_callback(lambda _: slots.release())
                    await self._switch.clock.sleep(1 / pace.rate)
                begun.set()
        finally:
            begun.set()
        # The next batch's reload makes the switch forget it.
        await self._switch.remove_dialplan(name)

    async def _place(self, scenario: Scenario, token: str) -> None:
        placement = await self._placer.place(scenario, token)
        lateness = max((control.lateness for control in self._recent), default=0.0)
        self._on_placement(scenario, replace(placement, lateness=max(0.0, lateness)))

    async def _keep_control(self) -> None:
        while True:
            self._controls += 1
            control = Control(*await self._placer.control(self._controls))
            self._recent.append(control)
            self._on_control(control)


@asynccontextmanager
async def open_campaign(
    switch: Switch,
    cdr_modules: tuple[str, ...],
    on_placement: Callable[[Scenario, Placement], None],
    on_control: Callable[[Control], None],
) -> AsyncIterator[Campaign]:
    """A campaign on a switch that was started; its own calls are hung up at the end."""
    commands = await switch.connect()
    try:
        events = await switch.connect()
        try:
            placer = Placer(switch, commands, events)
            await placer.prepare(cdr_modules)
            try:
                yield Campaign(switch, placer, on_placement, on_control)
            finally:
                with suppress(EventSocketError):
                    await placer.hang_up_all()
        finally:
            await events.close()
    finally:
        await commands.close()


def _batches(scenarios: Sequence[Scenario], size: int) -> Iterator[Sequence[Scenario]]:
    for start in range(0, len(scenarios), size):
        yield scenarios[start : start + size]


def _contexts(batch: Sequence[Scenario]) -> dict[str, str]:
    contexts: dict[str, str] = {}
    for scenario in batch:
        for context, xml in extensions(scenario):
            contexts[context] = f"{contexts.get(context, '')}{xml}\n"
    return contexts


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
