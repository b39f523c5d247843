"""A scripted fake of a switch, for what a campaign does with what it is told."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import pytest

from campaign import placer as placer_module
from campaign.attempt import TOKEN
from conformance.profile import Profile
from conformance.scenario import (
    ALegBridges,
    BridgeToNull,
    Event,
    ExtensionTarget,
    Moment,
    Scenario,
    Stimulus,
    UuidKill,
)
from fixtures.clock import Clock, WallClock
from fixtures.event_socket import ConnectionLost, CutOff, EventSocket, EventSocketTimeout, Headers
from fixtures.switches import SwitchIdentity
from fixtures.switches.interface import Manners

CONTROL = "lc" + 12 * "0"
"""How the token of a control call begins."""


class Line:
    """One connection to the fake."""

    def __init__(self, switch: Fake) -> None:
        """Make it; the fake sends to all that have subscribed."""
        self.switch = switch
        self.subscribed = False
        self.lost: ConnectionLost | None = None
        self.deaf: Callable[[Headers], bool] = lambda _: False
        self._events: deque[Headers] = deque()
        self._changed = asyncio.Event()

    def tell(self, headers: Headers) -> None:
        """Put an event in line."""
        if self.subscribed and not self.deaf(headers):
            self._events.append(headers)
            self._changed.set()

    def lose(self) -> None:
        """End the connection from the switch's side."""
        self.lost = CutOff("the connection was closed without a goodbye")
        self._changed.set()

    async def api(self, command: str, *, timeout: float = 10.0) -> str:
        self._raise_if_lost()
        self.switch.commands.append(command)
        return await self.switch.do(command)

    async def bgapi(self, command: str, job_uuid: str, *, timeout: float = 10.0) -> None:
        self._raise_if_lost()
        self.switch.commands.append(command)
        self.switch.background(self.switch.job(command, job_uuid))

    async def subscribe(self, names: Iterable[str], custom: Iterable[str] = ()) -> None:
        self.subscribed = True

    async def filter(self, header: str, value: str) -> None:
        raise NotImplementedError

    async def unsubscribe_all(self) -> None:
        self.subscribed = False

    async def next_event(self, timeout: float | None) -> Headers:
        try:
            async with asyncio.timeout(timeout):
                while not self._events:
                    self._raise_if_lost()
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise EventSocketTimeout("no event") from None
        return self._events.popleft()

    def events_pending(self) -> int:
        return len(self._events)

    def take_events(self) -> list[Headers]:
        taken = list(self._events)
        self._events.clear()
        return taken

    async def close(self) -> None:
        self.lost = self.lost or ConnectionLost("the connection was closed by this client")

    def _raise_if_lost(self) -> None:
        if self.lost is not None:
            raise self.lost


class Fake:
    """A switch whose calls are scripts: coroutines that send events until a leg is hung up."""

    def __init__(self) -> None:
        """Begin with control calls on time, and scenarios whose a-leg is created and goes."""
        self.url = "fake:"
        self.clock: Clock = WallClock()
        self.patience = 0.0
        self.channels: list[dict[str, str]] = []
        self.fixed: Profile | None = None
        self.manners: Manners | None = None
        self.posts_cdrs = False
        self.kept = ""
        self.cdr_delay = 0.1
        self.lines: list[Line] = []
        self.commands: list[str] = []
        self.dialplans: set[str] = set()
        self.hung_up: dict[str, asyncio.Event] = {}
        self.configured: list[tuple[Profile, int]] = []
        self.live = 0
        self.modules: tuple[str, ...] = ("mod_json_cdr", "mod_loopback")
        self.control_lateness = 0.0
        self.script: Callable[[str, str], Awaitable[str]] = self.short_call
        self._sequence = 0
        self._tasks: set[asyncio.Task[Any]] = set()

    # What a switch does

    def send(self, name: str, uuid: str, **headers: str) -> None:
        """Send an event to every connection that has subscribed."""
        self._sequence += 1
        event: Headers = {
            "Event-Name": name,
            "Event-Sequence": str(self._sequence),
            "Event-Date-Timestamp": str(self.now()),
            "Unique-ID": uuid,
            **{key.replace("_", "-"): value for key, value in headers.items()},
        }
        if CONTROL not in f"{uuid}{headers}":
            self.live += {"CHANNEL_CREATE": 1, "CHANNEL_DESTROY": -1}.get(name, 0)
        for line in self.lines:
            line.tell(event)

    def kills(self) -> list[str]:
        """Give the commands that hang up anything, but for what ended control calls."""
        found = (one for one in self.commands if one.startswith(("uuid_kill", "hupall")))
        return [one for one in found if CONTROL not in one]

    def now(self) -> int:
        """Microseconds of the switch's clock."""
        return int(asyncio.get_running_loop().time() * 1e6)

    async def do(self, command: str) -> str:
        """Carry out a command and give its answer."""
        verb, _, rest = command.partition(" ")
        if verb == "uuid_kill":
            self.hung_up.setdefault(rest.split()[0], asyncio.Event()).set()
        if command == "show channels as json":
            return json.dumps({"row_count": len(self.channels), "rows": self.channels})
        if verb == "uuid_kill":
            self.channels = [one for one in self.channels if one["uuid"] not in rest]
        if verb != "originate":
            return "+OK"
        found = TOKEN.search(rest)
        token = found.group() if found else ""
        if token.startswith(CONTROL):
            asked = int(rest.partition("silence_stream://")[2].partition(",")[0])
            return await self.control_call(token, asked / 1000)
        uuid = rest.partition("origination_uuid=")[2][:36] or "11111111-" + token
        return await self.script(token, uuid)

    async def job(self, command: str, job_uuid: str) -> None:
        """Carry out a command and send its answer as an event."""
        answer = await self.do(command)
        self.send("BACKGROUND_JOB", "", Job_UUID=job_uuid, _body="")
        for line in self.lines:
            if line._events and line._events[-1].get("Job-UUID") == job_uuid:
                line._events[-1] = {**line._events[-1], "_body": answer}

    def background(self, work: Awaitable[Any]) -> None:
        """Do something beside."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def create(self, uuid: str, name: str, **headers: str) -> None:
        """Create a leg."""
        self.hung_up.setdefault(uuid, asyncio.Event())
        self.send("CHANNEL_CREATE", uuid, Channel_Name=name, **headers)

    async def control_call(self, token: str, seconds: float) -> str:
        """Play for a while that takes no time here."""
        self.create(token, f"null/{token}")
        ended = 100_000_000 + int((seconds + self.control_lateness) * 1e6)
        self.send("CHANNEL_EXECUTE", token, Event_Date_Timestamp="100000000")
        self.send("CHANNEL_EXECUTE_COMPLETE", token, Event_Date_Timestamp=str(ended))
        await asyncio.sleep(0.01)
        self.send("CHANNEL_DESTROY", token)
        return "+OK"

    async def short_call(self, token: str, uuid: str) -> str:
        """Create the a-leg, which goes at once."""
        self.create(uuid, f"null/{token}")
        self.send("CHANNEL_DESTROY", uuid)
        return f"+OK {uuid}"

    async def held_call(self, token: str, uuid: str) -> str:
        """Create the a-leg and bridge it; it stays until it is hung up."""
        self.create(uuid, f"null/{token}")
        await asyncio.sleep(0.02)
        self.send("CHANNEL_BRIDGE", uuid)
        self.background(self.until_hung_up(uuid))
        return f"+OK {uuid}"

    async def until_hung_up(self, uuid: str) -> None:
        """Destroy a leg when it is hung up."""
        await self.hung_up[uuid].wait()
        self.send("CHANNEL_DESTROY", uuid)

    # What a driver does

    async def start(self, profile: Profile) -> None:
        self.commands.clear()

    async def configure(self, profile: Profile) -> None:
        self.configured.append((profile, self.live))

    async def connect(self) -> EventSocket:
        self.lines.append(Line(self))
        return self.lines[-1]

    def possible(self, scenario: Scenario) -> bool:
        return True

    async def load_plans(
        self, name: str, scenarios: Sequence[Scenario], commands: EventSocket
    ) -> None:
        self.dialplans.add(name)
        await commands.api("reloadxml")

    async def unload_plans(self, name: str, commands: EventSocket) -> None:
        self.dialplans.discard(name)

    def cdr_modules(self) -> tuple[str, ...]:
        return ("json_cdr",)

    async def read_cdrs(self, uuids: Sequence[str]) -> dict[str, dict[str, bytes]]:
        return {uuid: {"json_cdr": b'{"variables": {"a": "1"}}'} for uuid in uuids}

    async def identity(self) -> SwitchIdentity:
        return SwitchIdentity(self.url, "fake", self.modules, "", "")

    def alive(self) -> bool:
        return True

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()


def scenario(*stimuli: Stimulus, ending: Stimulus | None = None, number: int = 0) -> Scenario:
    """Give a call with these stimuli."""
    target = ExtensionTarget(f"100{number}")
    return Scenario(ALegBridges(), target, (BridgeToNull(),), stimuli=stimuli, ending=ending)


def hangup(delay_ms: int = 30) -> Stimulus:
    """Give a hangup of the a-leg, so long after its bridge."""
    return Stimulus(Moment(Event.BRIDGE, "a-leg", delay_ms), UuidKill("a-leg", "USER_BUSY"))


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait a tenth of the time that a real switch is given."""
    monkeypatch.setattr(placer_module, "patience", lambda _: 0.3)
    monkeypatch.setattr(placer_module, "TOLD_SECONDS", 0.02)
    monkeypatch.setattr(placer_module, "QUIET_SECONDS", 0.005)
    monkeypatch.setattr(placer_module, "SWEEP_SECONDS", 0.3)
    monkeypatch.setattr(placer_module, "WITNESS_SECONDS", 0.1)
