"""A campaign: many scenarios placed on one switch, side by side, with control calls among them."""

from __future__ import annotations

import asyncio
import math
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Container, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from itertools import groupby

from campaign.admission import Admission, Pace
from campaign.blocks import Block
from campaign.errors import first_of, to_the_end
from campaign.gathered import Gathered
from campaign.placer import Placer
from conformance.dialstring import token_of
from conformance.observation import Placement, number_in
from conformance.profile import Profile
from conformance.scenario import Scenario
from fixtures.event_socket import EventSocketError
from fixtures.switches import Switch, SwitchError

CONTROLS = 4
"""Control calls kept going beside the scenarios."""

CONTROL = 2.0
"""Seconds of a control call. Each of the first is shorter by a part of it: from then on one tells
how late the switch is after each such part, and not all at once after the whole."""

HEARTBEAT = 0.25
"""Seconds from one question to the next that tells whether the switch answers at all."""

STALL = 0.25
"""Seconds an answer may take before the switch counts as having stood still as long."""

TICK = 0.05
"""Seconds from one look at the suite's own pauses to the next."""

IN_VAIN = 120.0
"""Seconds in vain after which a switch is lost for good: no control call was taken, or no scenario
placed whole while the connection was lost again and again."""

PARTING = 5.0
"""Seconds in which the suite tries at its end to reach a switch once more, to hang up its calls."""

RETRY = 1.0
"""Seconds between two attempts to connect again."""

RENUMBERED = 1000
"""Added to the number in tokens each time a lost connection is taken up again: calls of before may
still be on the switch."""


@dataclass(frozen=True, slots=True)
class Control:
    """A control call: when it began (microseconds, switch's clock), how late it was (seconds).

    One that the switch did not take is infinitely late. `switch` is the number of the switch in a
    pool, from 0.
    """

    began: int
    lateness: float
    switch: int = 0


class Campaign:
    """Places scenarios on a switch that is running; made by `open_campaign`.

    `on_placement` is called with each scenario and what came of it, `on_control` with each control
    call, in the order in which they end; `on_wait` with what the switch does so that no call is
    placed for now, and with "" once they are again.
    """

    def __init__(
        self,
        switch: Switch,
        cdr_modules: tuple[str, ...],
        on_placement: Callable[[Scenario, Placement], None],
        on_control: Callable[[Control], None],
        on_wait: Callable[[str], None],
    ) -> None:
        """Use `open_campaign`, which makes the connections too."""
        self.taken_up = 0
        """How often a lost connection was taken up again."""
        self.profile = Profile()
        """The settings that the switch has."""
        self._switch = switch
        self._cdr_modules = cdr_modules
        self._on_placement = on_placement
        self._on_control = on_control
        self._on_wait = on_wait
        self._waits_for = ""
        self._batches = 0
        self._controls = 0
        self._recent: deque[Control] = deque(maxlen=3 * CONTROLS)
        self._stalls: deque[tuple[float, float]] = deque(maxlen=64)
        by_time = switch.patience > 0  # the embedded switch's time is not the host's
        self._admission = Admission(switch.clock, switch.manners, by_time=by_time)
        self._lines = AsyncExitStack()
        self._strays: set[str] = set()
        self._measured = asyncio.Event()
        self._taken_at = 0.0
        self._turn = asyncio.Lock()
        self._paused = 0.0

    async def open(self) -> None:
        """Connect; raises EventSocketError."""
        async with AsyncExitStack() as stack:
            self._commands = await self._switch.connect()
            stack.push_async_callback(self._commands.close)
            events = await self._switch.connect()
            stack.push_async_callback(events.close)
            self._placer = Placer(self._switch, self._commands, events)
            await self._placer.prepare(self._cdr_modules)
            self._lines = stack.pop_all()

    async def close(self) -> None:
        """Hang up what is left of our own calls, and disconnect.

        A switch that cannot be reached to be told so ends them by itself.
        """
        tokens, legs = self._placer.in_flight()
        strays = frozenset(self._strays | tokens)
        try:
            async with self._lines:
                await self._placer.hang_up_all()
                await self._placer.hang_up_strays(strays, legs)
        except EventSocketError:
            self._placer.give_up()
            if self._switch.patience and self._switch.alive():
                with suppress(EventSocketError, TimeoutError):
                    async with asyncio.timeout(PARTING):
                        await self.open()
                        async with self._lines:
                            await self._placer.hang_up_strays(strays, legs)

    async def place_all(
        self,
        scenarios: Iterable[Scenario],
        pace: Pace,
        attempt: int = 1,
        *,
        witness: bool = False,
        first: Container[str] = (),
    ) -> None:
        """Place every scenario as often as it comes, block by block; `attempt` numbers the tokens.

        Of those of a profile the ones with an id in `first` are begun first; for the rest see
        `place_block`.
        """
        for _, group in groupby(scenarios, lambda scenario: scenario.profile):
            await self.place_block(Block(group, first), pace, attempt, witness=witness)

    async def place_block(
        self, block: Block, pace: Pace, attempt: int = 1, *, witness: bool = False
    ) -> None:
        """Place what nobody else takes of a block, under its settings.

        It is over when all calls are: the next block may have other settings. With a `witness` a
        second connection listens too, and an attempt of which the two were told differently has
        that as its problem.

        A connection that is lost is taken up again, as long as the switch has patience and lives;
        the calls in flight are given up, and are placed anew by whoever takes them. Raises
        EventSocketError or SwitchError when the switch is lost for good, as is one that takes no
        calls any more.
        """
        since = asyncio.get_running_loop().time()
        while block:
            done: Counter[str] = Counter()
            try:
                self.profile = block.profile
                await self._switch.configure(block.profile)
                placing = self._place_from(block, pace, attempt, done, witness=witness)
                await asyncio.create_task(placing)
            except EventSocketError as error:
                if _is_cancelled():
                    raise asyncio.CancelledError from None
                self._admission.forget()
                if done:
                    since = asyncio.get_running_loop().time()
                elif asyncio.get_running_loop().time() - since > IN_VAIN:
                    raise
                await self._take_up(error)

    async def _take_up(self, lost: EventSocketError) -> None:
        """Connect again, and hang up what is left of the calls that were in flight.

        Raises the error by which the connection was lost when that does not come about.
        """
        tokens, legs = self._placer.in_flight()
        self._strays |= tokens
        self._placer.give_up()
        await self._lines.aclose()
        self._wait("is not reached, trying again")
        deadline = asyncio.get_running_loop().time() + self._switch.patience
        while True:
            if not self._switch.alive() or asyncio.get_running_loop().time() >= deadline:
                raise lost
            try:
                await self.open()
                await self._placer.hang_up_strays(frozenset(self._strays), legs)
                break
            except EventSocketError:
                await self._lines.aclose()
                await asyncio.sleep(RETRY)
        self._wait("")
        self.taken_up += 1
        self._recent.clear()
        self._measured.clear()

    async def _place_from(
        self, block: Block, pace: Pace, attempt: int, done: Counter[str], *, witness: bool
    ) -> None:
        taken: list[Scenario] = []
        begun_before: Counter[str] = Counter()
        self._taken_at = asyncio.get_running_loop().time()
        try:
            async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
                beside = [group.create_task(self._placer.run())]
                if self._switch.patience:
                    beside += [group.create_task(one) for one in (self._watch(), self._tick())]
                if witness:
                    second = await self._switch.connect()
                    stack.push_async_callback(second.close)
                    beside.append(group.create_task(await self._placer.witness(second)))
                firsts = [CONTROL * (number + 1) / CONTROLS for number in range(CONTROLS)]
                controls = [group.create_task(self._keep_control(first)) for first in firsts]
                async with asyncio.TaskGroup() as batches:
                    while batch := block.take(pace.window):
                        taken += batch
                        begun = asyncio.Event()
                        numbered = []
                        for scenario in batch:
                            numbered.append((scenario, attempt + begun_before[scenario.id]))
                            begun_before[scenario.id] += 1
                        batches.create_task(self._place_batch(numbered, pace, done, begun))
                        await begun.wait()
                for task in controls:
                    task.cancel()
                await self._placer.end_controls()  # settings may have to wait for every leg
                for task in beside:
                    task.cancel()
        except BaseExceptionGroup as errors:
            raise first_of(errors) from None
        finally:
            block.give_back(_without(done, taken))

    async def _place_batch(
        self,
        batch: Sequence[tuple[Scenario, int]],
        pace: Pace,
        done: Counter[str],
        begun: asyncio.Event,
    ) -> None:
        """Load the plans of a batch, place it, unload them; `begun` when all of it was begun."""
        self._batches += 1
        name = f"batch{self._batches}"
        renumbered = RENUMBERED * self.taken_up
        await self._switch.load_plans(name, [scenario for scenario, _ in batch], self._commands)
        try:
            async with asyncio.TaskGroup() as group:
                for scenario, attempt in batch:
                    await self._admission.enter(scenario, pace)
                    token = token_of(scenario, attempt + renumbered)
                    group.create_task(self._place(scenario, token, done))
                    await self._admission.pause(scenario, pace)
                begun.set()
        finally:
            begun.set()
        await self._switch.unload_plans(name, self._commands)

    async def _place(self, scenario: Scenario, token: str, done: Counter[str]) -> None:
        began = asyncio.get_running_loop().time()
        try:
            ended = await self._placer.place(scenario, token)
        finally:
            self._admission.leave(scenario)
        try:
            await self._tell(scenario, await self._placer.gather(ended), began, done)
        finally:
            self._admission.settle()

    async def _tell(
        self, scenario: Scenario, gathered: Gathered, began: float, done: Counter[str]
    ) -> None:
        await self._measured.wait()  # how late the host is, no control call has told before
        if gathered.attempt.refused:  # is there room for a call without the endpoint?
            await self._control(CONTROL / CONTROLS)
        lateness = [control.lateness for control in self._recent]
        lateness += [seconds for at, seconds in self._stalls if at >= began]
        async with self._turn:
            await self._switch.clock.lull()  # reading it takes some milliseconds
            placement = gathered.placement()
            lateness.append(placement.lateness)
            if self._switch.posts_cdrs:
                lateness.append(_reporting(placement))
            await self._switch.clock.lull()  # and so does recording and judging
            done[scenario.id] += 1
            self._on_placement(scenario, replace(placement, lateness=max(0.0, *lateness, 0.0)))

    async def _keep_control(self, seconds: float) -> None:
        while True:
            if math.isinf(await self._control(seconds)):
                await self._switch.clock.sleep(seconds)  # it took no time, or was given up
            seconds = CONTROL

    async def _control(self, seconds: float) -> float:
        """Make a control call and tell of it; gives its lateness."""
        self._controls += 1
        began, lateness, reply = await self._placer.control(self._controls, seconds)
        control = Control(began, lateness)
        self._recent.append(control)
        self._measured.set()
        self._admission.controlled(lateness)
        self._on_control(control)
        self._wait("takes no calls" if math.isinf(lateness) else "")
        now = asyncio.get_running_loop().time()
        if not math.isinf(lateness):
            self._taken_at = now
        elif now - self._taken_at > IN_VAIN:
            said = reply[:80] or "no answer"
            cause = f"{self._switch.url} took no control call for {IN_VAIN:.0f} s: {said}"
            raise SwitchError(cause, "see whether it has sessions left for the suite")
        return lateness

    def _wait(self, reason: str) -> None:
        if reason != self._waits_for:
            self._waits_for = reason
            self._on_wait(reason)

    async def _watch(self) -> None:
        """Ask the switch now and then: one that stands still makes no control call late at once."""
        loop = asyncio.get_running_loop()
        while True:
            asked, paused = loop.time(), self._paused
            await self._commands.api("strepoch")
            seconds = loop.time() - asked
            await asyncio.sleep(2 * TICK)  # until then a pause is in the sum
            if seconds > STALL:
                self._admission.told(seconds)
                own = self._paused - paused
                if seconds - own > STALL:
                    self._stalls.append((loop.time(), seconds - own))
            await asyncio.sleep(HEARTBEAT)

    async def _tick(self) -> None:
        """Add up the pauses of the suite itself, in which no switch was late."""
        loop = asyncio.get_running_loop()
        while True:
            since = loop.time()
            await asyncio.sleep(TICK)
            self._paused += loop.time() - since - TICK


@asynccontextmanager
async def open_campaign(
    switch: Switch,
    cdr_modules: tuple[str, ...],
    on_placement: Callable[[Scenario, Placement], None],
    on_control: Callable[[Control], None],
    on_wait: Callable[[str], None] = lambda _: None,
) -> AsyncIterator[Campaign]:
    """A campaign on a switch that was started; its own calls are hung up at the end."""
    campaign = Campaign(switch, cdr_modules, on_placement, on_control, on_wait)
    await campaign.open()
    try:
        yield campaign
    finally:
        await to_the_end(campaign.close())


def _is_cancelled() -> bool:
    """Whether this task was cancelled, even if an error came first.

    One with task groups of its own does not know before 3.13: they tell only of the error, and may
    leave the task marked as cancelled themselves.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _without(done: Counter[str], taken: Iterable[Scenario]) -> Iterator[Scenario]:
    """What was taken less what is done, which may hold a scenario several times."""
    over = Counter(done)
    for scenario in taken:
        if over[scenario.id]:
            over[scenario.id] -= 1
        else:
            yield scenario


def _reporting(placement: Placement) -> float:
    """The longest time, in seconds, that a leg took from its hangup to having reported it."""
    ended: dict[str, int] = {}
    longest = 0
    for headers in placement.events:
        uuid, at = str(headers.get("Unique-ID")), number_in(headers, "Event-Date-Timestamp") or 0
        if headers.get("Event-Name") == "CHANNEL_HANGUP":
            ended[uuid] = at
        elif headers.get("Event-Name") == "CHANNEL_HANGUP_COMPLETE":
            longest = max(longest, at - ended.get(uuid, at))
    return longest / 1e6


__all__ = ["Campaign", "Control", "Pace", "open_campaign"]
