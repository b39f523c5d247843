"""Measure scenarios a second of a campaign against a bare script that places the same calls.

The bare script checks nothing: it has the same dialplan, the same window and pace, two connections
of its own, applies the same stimuli after the same events, and waits until the legs are gone. It
records nothing, reads no CDRs, places no control calls and asks for six events alone. The two take
turns, each on a switch started afresh; its start does not count, nor does what makes the scenarios
or, for the bare script, loads their dialplan. Ratios count; absolute figures move with the host.

The bare script is measured twice. `bare` places the scenarios as they come, all under the default
settings, and so has no change of settings to wait for: but those of another profile are then other
calls. `bare, settings` places the very same calls: in the campaign's blocks and order, each under
its settings, which are changed when all calls are over, for they act on running calls. `ratio` is
to the former, which asks more; `ratio, same settings` to the latter.

Run ``python -m benchmarks.campaign --switch URL [--scenarios N] [--rounds N] [--json]``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

from campaign.attempt import TOKEN, patience
from campaign.blocks import Blocks
from campaign.campaign import Pace
from campaign.session import Plan, run
from conformance.dialstring import command_of, originate_arguments, token_of
from conformance.observation import Headers, role_of
from conformance.profile import Profile
from conformance.scenario import Scenario, Stimulus
from fixtures.event_socket import EventSocket
from fixtures.switches import Switch, open_switch
from strategies import generate

EVENTS = (
    "CHANNEL_CREATE",
    "CHANNEL_ANSWER",
    "CHANNEL_BRIDGE",
    "CHANNEL_PARK",
    "CHANNEL_DESTROY",
    "BACKGROUND_JOB",
)


class Call:
    """What the bare script has to know of a call to bring it to its end."""

    def __init__(self, scenario: Scenario) -> None:
        """Begin with no legs and all stimuli to come."""
        self.scenario = scenario
        self.token = token_of(scenario, 1)
        self.job = str(uuid.uuid4())
        self.legs: set[str] = set()
        self.roles: dict[str, str] = {}
        self.due = list(scenario.all_stimuli())
        self.answered = False
        self.over = asyncio.Event()


class Bare:
    """The bare script: places calls, ends them, checks nothing."""

    def __init__(self, commands: EventSocket, events: EventSocket) -> None:
        """Use two connections of a switch."""
        self._commands = commands
        self._events = events
        self._calls: dict[str, Call] = {}
        self._by_uuid: dict[str, Call] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.forced = 0

    async def listen(self) -> asyncio.Task[None]:
        """Ask for the events, and take them until the task is cancelled."""
        await self._events.subscribe(EVENTS)
        return asyncio.create_task(self._listen())

    async def place_all(self, scenarios: Sequence[Scenario], pace: Pace) -> None:
        """Place each scenario once, at the pace of a campaign."""
        slots = asyncio.Semaphore(pace.window)
        async with asyncio.TaskGroup() as group:
            for scenario in scenarios:
                await slots.acquire()
                task = group.create_task(self._place(Call(scenario)))
                task.add_done_callback(lambda _: slots.release())
                await asyncio.sleep(1 / pace.rate)

    async def _place(self, call: Call) -> None:
        self._calls[call.token] = self._calls[call.job] = call
        line = originate_arguments(call.scenario, call.token, str(uuid.uuid4()))
        await self._commands.bgapi(f"originate {line}", call.job)
        try:
            async with asyncio.timeout(patience(call.scenario)):
                await call.over.wait()
        except TimeoutError:
            self.forced += 1
            for leg in list(call.legs):
                await self._commands.api(f"uuid_kill {leg}")

    async def _listen(self) -> None:
        while True:
            self._take(await self._events.next_event(None))

    def _take(self, headers: Headers) -> None:
        name, leg = str(headers.get("Event-Name")), str(headers.get("Unique-ID", ""))
        if name == "BACKGROUND_JOB":
            call = self._calls.get(str(headers.get("Job-UUID")))
            if call is not None:
                call.answered = True
        else:
            call = self._by_uuid.get(leg) or self._find(headers)
            if call is not None:
                self._note(call, name, leg, headers)
        if call is not None and call.answered and not call.legs:
            call.over.set()

    def _find(self, headers: Headers) -> Call | None:
        for header in ("Caller-Caller-ID-Number", "Caller-Destination-Number", "Channel-Name"):
            found = TOKEN.search(str(headers.get(header, "")))
            if found:
                return self._calls.get(found.group())
        return None

    def _note(self, call: Call, name: str, leg: str, headers: Headers) -> None:
        if name == "CHANNEL_CREATE":
            self._by_uuid[leg] = call
            call.legs.add(leg)
            if call.due:
                role = role_of(call.scenario, call.token, headers, call.roles)
                if role is not None:
                    call.roles.setdefault(role, leg)
        elif name == "CHANNEL_DESTROY":
            call.legs.discard(leg)
        ends = {leg, str(headers.get("Bridge-B-Unique-ID", leg))}
        for stimulus in list(call.due):
            if stimulus.at.event == name and call.roles.get(stimulus.at.leg) in ends:
                call.due.remove(stimulus)
                task = asyncio.create_task(self._apply(call, stimulus))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _apply(self, call: Call, stimulus: Stimulus) -> None:
        await asyncio.sleep(stimulus.at.delay_ms / 1000)
        leg = call.roles.get(stimulus.deed.leg)
        if leg is not None:
            command = command_of(stimulus.deed, leg, call.token)
            await self._commands.bgapi(command, str(uuid.uuid4()))


async def in_blocks(scenarios: Sequence[Scenario], pace: Pace) -> list[Sequence[Scenario]]:
    """The scenarios as a campaign places them: those of a profile together, in its order."""
    blocks = Blocks(scenarios)
    found: list[Sequence[Scenario]] = []
    while block := await blocks.next(Profile()):
        placed: list[Scenario] = []
        while batch := block.take(pace.window):
            placed += batch
        found.append(placed)
    return found


async def bare(
    switch: Switch, scenarios: Sequence[Scenario], pace: Pace, *, settings: bool = False
) -> tuple[float, int]:
    """Give the seconds that the bare script takes, and how many calls it had to end by force.

    With `settings` it places each block of a campaign under its own, else all under the defaults.
    """
    groups = await in_blocks(scenarios, pace) if settings else [scenarios]
    await switch.start(Profile())
    try:
        commands, events = await switch.connect(), await switch.connect()
        await switch.load_plans("all", scenarios, commands)
        start = time.perf_counter()
        script = Bare(commands, events)
        listening = await script.listen()
        for group in groups:
            if settings:
                await switch.configure(group[0].profile)
            await script.place_all(group, pace)
        listening.cancel()
        took = time.perf_counter() - start
        await commands.close()
        await events.close()
        return took, script.forced
    finally:
        await switch.stop()


async def suite(switch: Switch, scenarios: int, seed: int, pace: Pace) -> tuple[float, int]:
    """Give the seconds that a campaign takes, recording included, and how many attempts it made."""
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder, "run.jsonl.gz")
        done = await run(switch, Plan(scenarios, seed, pace=pace, record=record))
    if done.result.shortfall:
        raise SystemExit(f"the campaign was cut short: {done.result.shortfall}")
    return done.seconds, done.result.attempts


def measure(url: str, scenarios: int, seed: int, window: int, rounds: int) -> dict[str, object]:
    """Give the scenarios a second of each, round by round, and the ratios of the medians."""
    calls, pace = generate(seed, scenarios), Pace(window=window)
    bares, alike, suites, attempts, forced = [], [], [], [], []
    for _ in range(rounds):
        seconds, ended = asyncio.run(bare(open_switch(url), calls, pace))
        bares.append(scenarios / seconds)
        forced.append(ended)
        seconds, _ = asyncio.run(bare(open_switch(url), calls, pace, settings=True))
        alike.append(scenarios / seconds)
        seconds, placed = asyncio.run(suite(open_switch(url), scenarios, seed, pace))
        suites.append(scenarios / seconds)
        attempts.append(placed)
    return {
        "scenarios": scenarios,
        "window": window,
        "bare": [round(rate, 1) for rate in bares],
        "bare, settings": [round(rate, 1) for rate in alike],
        "suite": [round(rate, 1) for rate in suites],
        "suite attempts": attempts,
        "bare forced": forced,
        "ratio": round(statistics.median(suites) / statistics.median(bares), 2),
        "ratio, same settings": round(statistics.median(suites) / statistics.median(alike), 2),
    }


def main() -> None:
    """Print a table, or the same as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--switch", required=True, metavar="URL")
    parser.add_argument("--scenarios", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--window", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print JSON")
    asked = parser.parse_args()
    found = measure(asked.switch, asked.scenarios, asked.seed, asked.window, asked.rounds)
    if asked.json:
        print(json.dumps(found, indent=2))
        return
    print(f"{asked.scenarios} scenarios, window {asked.window}, scenarios a second:")
    for name in ("bare", "bare, settings", "suite", "suite attempts", "bare forced"):
        print(f"{name:<22}" + "".join(f"{rate:>8}" for rate in found[name]))  # type: ignore[attr-defined]
    for name in ("ratio", "ratio, same settings"):
        print(f"{name:<22}{found[name]:>8}  (of the medians)")


if __name__ == "__main__":
    main()
