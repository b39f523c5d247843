"""Places scenarios on a switch over two connections and gathers what it tells of each.

One connection carries commands, the other events: an api command holds back the events of its own
connection (Event Socket notes, traps).
"""

from __future__ import annotations

import asyncio
import math
import uuid as uuids
from collections.abc import Coroutine, Iterable, Mapping

from campaign.attempt import TOKEN, UUID, Attempt, Call, patience, sequence
from campaign.gathered import Gathered
from conformance.cdr_modules import CSV_MODULE
from conformance.dialstring import command_of, originate_arguments
from conformance.observation import AppliedStimulus, Headers, number_in
from conformance.scenario import Scenario, Stimulus
from fixtures.clock import in_time
from fixtures.event_socket import (
    CommandFailed,
    EventSocket,
    EventSocketError,
    EventSocketTimeout,
    ProtocolError,
    rows_of,
)
from fixtures.switches import Switch

EVENTS = (
    "CHANNEL_CREATE",
    "CHANNEL_OUTGOING",
    "CHANNEL_ORIGINATE",
    "CHANNEL_PROGRESS",
    "CHANNEL_PROGRESS_MEDIA",
    "CHANNEL_ANSWER",
    "CHANNEL_BRIDGE",
    "CHANNEL_UNBRIDGE",
    "CHANNEL_PARK",
    "CHANNEL_UNPARK",
    "CHANNEL_EXECUTE",
    "CHANNEL_EXECUTE_COMPLETE",
    "CHANNEL_HANGUP",
    "CHANNEL_HANGUP_COMPLETE",
    "CHANNEL_DESTROY",
    "DTMF",
    "BACKGROUND_JOB",
)
CUSTOM_EVENTS = ("loopback::bowout", "loopback::direct")

CONTROL_SECONDS = 30.0
"""How long a control call of some seconds may take."""
EARLY = 0.1
"""Seconds by which a control call may be early, as one is by up to two frames: where it is more the
clock of the switch was put back."""
QUIET_SECONDS = 0.06
"""How long a finished call is listened to for a straggler."""
UNREAD_SECONDS = 0.25
"""How much longer a call is listened to when its time is over: its end may lie there unread."""
SWEEP_SECONDS = 3.0
"""How long legs that were hung up by the suite may take to go."""
LIMIT_SECONDS = 120
"""How much longer than it should last a call may on a switch that is not ours: far beyond any
moment at which a hangup from outside would be part of what is tested."""
WITNESS_SECONDS = 1.0
"""How much later a second connection may be told than the first."""
TOLD_SECONDS = 1.0
"""How much later than a stimulus falls due its leg may be told of."""
SILENCE = 60.0
"""How long no event at all may come while control calls are made: the connection is then dead."""

UNANSWERED = "the switch did not answer the originate"
"""Problem of an attempt: hanging up every leg of a call makes a switch answer, unless it hangs."""


class Placer:
    """Places scenarios and control calls; `run` must be running beside."""

    def __init__(self, switch: Switch, commands: EventSocket, events: EventSocket) -> None:
        """Use two connections of a switch, one for commands and one for events."""
        self._switch = switch
        self._commands = commands
        self._events = events
        self._by_token: dict[str, Call] = {}
        self._by_uuid: dict[str, Call] = {}
        self._jobs: dict[str, asyncio.Future[Headers]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._originating: set[asyncio.Task[Headers]] = set()
        self._cdr_modules: tuple[str, ...] = ()
        self._witnessed: dict[str, set[int]] | None = None
        self._lost: EventSocketError | None = None

    async def prepare(self, cdr_modules: tuple[str, ...]) -> None:
        """Subscribe to the events; `cdr_modules` are those whose CDRs can be had."""
        self._cdr_modules = cdr_modules
        clock = self._switch.clock
        await self._events.subscribe(EVENTS, (*CUSTOM_EVENTS, *filter(None, [clock.event])))

    async def witness(self, events: EventSocket) -> Coroutine[None, None, None]:
        """Subscribe a second connection; the coroutine given listens until it is cancelled."""
        await events.subscribe(EVENTS, CUSTOM_EVENTS)

        async def listen() -> None:
            told: dict[str, set[int]] = {}
            self._witnessed = told
            try:
                while True:
                    for headers in (await events.next_event(None), *events.take_events()):
                        told.setdefault(_uuid(headers), set()).add(sequence(headers))
            finally:
                self._witnessed = None

        return listen()

    async def run(self) -> None:
        """Route events until the connection ends; raises EventSocketError when it does."""
        silence = SILENCE if self._switch.patience else None
        while True:
            self._route(await self._events.next_event(silence))
            for event in self._events.take_events():
                self._route(event)

    async def place(self, scenario: Scenario, token: str) -> Attempt:
        """Place a scenario and wait until it is over; `gather` then says what came of it.

        Legs that do not go by themselves are hung up by uuid and named in `swept`. Raises
        EventSocketError when the connection is lost.
        """
        attempt = Attempt(scenario, token, str(uuids.uuid4()))
        if scenario.has_a_leg:
            await self._limit(attempt, attempt.a_leg_uuid)
        job = self._originate(attempt, originate_arguments(scenario, token, attempt.a_leg_uuid))
        # A busy switch takes its time to begin: the call's own counts from then on.
        await in_time(self._switch.clock, patience(scenario), attempt.begun.wait())
        gone = await in_time(self._switch.clock, patience(scenario), attempt.until_over())
        overdue = attempt.overdue(self._switch.clock.now())
        if not gone and not await self._gone(attempt, UNREAD_SECONDS + overdue):
            if job.done():
                job.result()  # raises what kept the originate from being sent
            await self._sweep(attempt)
        job.cancel()
        return attempt

    async def gather(self, attempt: Attempt) -> Gathered:
        """All that the switch told of an attempt that is over, its CDRs among it.

        Raises EventSocketError when the connection is lost.
        """
        await self._switch.clock.sleep(QUIET_SECONDS)
        if not attempt.swept and not await self._gone(attempt, patience(attempt.scenario)):
            await self._sweep(attempt)
        cdrs = await self._gather_cdrs(attempt)
        await self._unlimit(attempt)
        self._forget(attempt)
        if self._lost is not None:
            raise self._lost.with_traceback(None)  # what it was not told was judged otherwise
        missed = await self._missed(attempt) if attempt.reply else UNANSWERED
        return Gathered.of(attempt, cdrs, self._cdr_modules, attempt.problem or missed)

    async def control(self, number: int, seconds: float) -> tuple[int, float, str]:
        """A control call: noise for so long on a `null/` leg, without the loopback endpoint.

        Returns when it began (microseconds, switch's clock), its lateness in seconds, infinite
        where it did not come to its end, and what the switch answered.
        """
        call = Call(f"lc{0:012x}x{number}")
        noise = f"silence_stream://{round(seconds * 1000)},1400"
        # nobody reads its CDRs, which would pile up
        dialled = f"{{process_cdr=false}}null/{call.token}"
        job = self._originate(call, f"{dialled} &playback({noise})")
        await in_time(self._switch.clock, CONTROL_SECONDS, asyncio.wait([job]))
        if job.done():
            job.result()  # raises what kept it from being sent
        over = job.done() and await self._gone(call, CONTROL_SECONDS)
        if not over:
            job.cancel()
            await self._kill(call.live)
        self._forget(call)
        times = {
            str(headers.get("Event-Name")): number_in(headers, "Event-Date-Timestamp")
            for headers in call.events()
        }
        began, ended = times.get("CHANNEL_EXECUTE"), times.get("CHANNEL_EXECUTE_COMPLETE")
        if not over or began is None or ended is None:
            return began or 0, math.inf, call.reply
        lateness = (ended - began) / 1e6 - seconds
        return began, lateness if lateness > -EARLY else -lateness, call.reply

    async def end_controls(self) -> None:
        """Hang up the control calls that nobody waits for; `run` must be running beside."""
        calls = [one for one in self._by_token.values() if not isinstance(one, Attempt)]
        await self._kill([leg for call in calls for leg in call.live])
        await asyncio.gather(*(self._gone(call, CONTROL_SECONDS) for call in calls))
        for call in calls:
            self._forget(call)

    async def hang_up_all(self) -> None:
        """Hang up, by uuid, every leg that this placer made and that is still there.

        Those are of calls that were given up or would not go. `run` must have ended: the events of
        these calls are routed here, so that legs that are only now told of are hung up as well.
        """
        for task in list(self._tasks):
            task.cancel()
        killed: set[str] = set()
        deadline = asyncio.get_running_loop().time() + SWEEP_SECONDS
        while not all(call.over for call in self._by_token.values()):
            there = set[str]().union(*(call.live for call in self._by_token.values()))
            await self._kill(there - killed)
            killed |= there
            left = deadline - asyncio.get_running_loop().time()
            try:
                self._route(await self._events.next_event(left))
            except EventSocketTimeout:
                return

    def in_flight(self) -> tuple[frozenset[str], frozenset[str]]:
        """Tokens of the calls that are not over, and those of their legs that are known."""
        calls = [call for call in self._by_token.values() if not call.over]
        legs = set[str]().union(*(call.live for call in calls))
        return frozenset(call.token for call in calls), frozenset(legs)

    def give_up(self) -> None:
        """Do nothing more for the calls in flight."""
        for task in (*self._tasks, *self._originating):
            task.cancel()

    async def hang_up_strays(self, tokens: frozenset[str], legs: frozenset[str]) -> None:
        """Hang up, by uuid, what the switch still has of calls that were given up.

        They are known by these tokens or as these legs, and are asked for until none is left or
        `SWEEP_SECONDS` are over. Raises EventSocketError.
        """
        deadline = asyncio.get_running_loop().time() + SWEEP_SECONDS
        while tokens or legs:
            there = [
                uuid
                for uuid, token in await self._channels()
                if (uuid in legs or token in tokens) and UUID.fullmatch(uuid)
            ]
            await self._kill(there)
            if not there or asyncio.get_running_loop().time() > deadline:
                break
            await asyncio.sleep(0.2)

    async def _channels(self) -> list[tuple[str, str]]:
        """Every channel of the switch: its uuid, and the token of the call that it belongs to.

        Raises ProtocolError where they cannot be read: that is not none.
        """
        found = []
        for row in _rows(await self._commands.api("show channels as json")):
            words = (
                f"{row.get('cid_num', '')} {row.get('initial_cid_num', '')} {row.get('name', '')}"
            )
            token = TOKEN.search(words)
            found.append((str(row.get("uuid", "")), token.group() if token else ""))
        return found

    async def _missed(self, attempt: Attempt) -> str:
        """What only one of the two connections was told; "" if nothing, or without a witness."""
        told = self._witnessed
        if told is None:
            return ""
        own = {sequence(one) for one in attempt.events() if _uuid(one) in attempt.created}
        deadline = asyncio.get_running_loop().time() + WITNESS_SECONDS
        while True:
            others = set().union(*(told.get(uuid, set()) for uuid in attempt.created))
            missed = sorted(own ^ others)
            if not missed or asyncio.get_running_loop().time() > deadline:
                break
            await asyncio.sleep(QUIET_SECONDS)
        return f"event {missed[0]} reached only one of two connections" if missed else ""

    def _route(self, headers: Headers) -> None:
        if headers.get("Event-Name") == "BACKGROUND_JOB":
            future = self._jobs.pop(str(headers.get("Job-UUID")), None)
            if future and not future.done():
                future.set_result(headers)
            return
        if headers.get("Event-Subclass", "") == self._switch.clock.event != "":
            self._switch.clock.told(headers)
            return
        call = self._call_of(headers)
        if call is None:
            return
        for index, stimulus in call.take(headers):
            assert isinstance(call, Attempt)
            since = number_in(headers, "Event-Date-Timestamp") or 0
            self._spawn(self._apply(call, index, stimulus, since))
        if isinstance(call, Attempt) and headers.get("Event-Name") == "CHANNEL_CREATE":
            uuid = _uuid(headers)
            if self._switch.manners and uuid in call.live and uuid != call.a_leg_uuid:
                self._spawn(self._limit(call, uuid))
        if call.let_go:
            self._forget(call)

    def _call_of(self, headers: Headers) -> Call | None:
        uuid = _uuid(headers)
        call = self._by_uuid.get(uuid)
        if call is None:
            for header in ("Caller-Caller-ID-Number", "Caller-Destination-Number", "Channel-Name"):
                found = TOKEN.search(str(headers.get(header, "")))
                if found and found.group() in self._by_token:
                    call = self._by_token[found.group()]
                    self._by_uuid[uuid] = call
                    break
        return call

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _limit(self, attempt: Attempt, uuid: str) -> None:
        """Have a switch that is not ours hang a leg up by itself, should the suite be gone."""
        if self._switch.manners is None:
            return
        seconds = LIMIT_SECONDS + round(patience(attempt.scenario))
        await self._try(f"sched_api +{seconds} {attempt.token} uuid_kill {uuid}")

    async def _unlimit(self, attempt: Attempt) -> None:
        """Take back what `_limit` did, unless legs are left."""
        if self._switch.manners is not None and not attempt.live:
            await self._try(f"sched_del {attempt.token}")

    async def _try(self, command: str) -> None:
        try:
            await self._commands.api(command)
        except EventSocketError as error:
            self._lost = self._lost or error

    async def _apply(self, attempt: Attempt, index: int, stimulus: Stimulus, since: int) -> None:
        """Apply a stimulus that counts from an event of this time (microseconds)."""
        delay = stimulus.at.delay_ms / 1000
        attempt.due[index] = self._switch.clock.now() + delay
        try:
            await self._switch.clock.sleep(delay)
            uuid = await self._uuid_of(attempt, stimulus.deed.leg)
            if uuid is None:
                attempt.apply(AppliedStimulus(index, None, "no such leg"))
                return
            headers = await self._job(command_of(stimulus.deed, uuid, attempt.token))
        except EventSocketError as error:
            attempt.apply(AppliedStimulus(index, None, str(error)))
            if not isinstance(error, CommandFailed):
                self._lost = self._lost or error
            return
        at = number_in(headers, "Event-Date-Timestamp")
        late = 0.0 if at is None else (at - since) / 1e6 - delay
        attempt.apply(AppliedStimulus(index, at, _body(headers)), late)

    async def _uuid_of(self, attempt: Attempt, leg: str) -> str | None:
        """A leg's uuid, which a busy client may hear of late; None if there is no such leg."""
        clock = self._switch.clock
        deadline = clock.now() + TOLD_SECONDS
        while leg not in attempt.uuids and clock.now() < deadline:
            await clock.sleep(0.02)
        return attempt.uuids.get(leg)

    def _originate(self, call: Call, arguments: str) -> asyncio.Task[Headers]:
        """Begin a call, which is known by its token until it is forgotten."""
        self._by_token[call.token] = call
        job = asyncio.create_task(self._job(f"originate {arguments}"))
        job.add_done_callback(lambda done: _answer(call, done))
        self._originating.add(job)
        job.add_done_callback(self._originating.discard)
        return job

    async def _job(self, command: str) -> Headers:
        job_uuid = str(uuids.uuid4())
        future: asyncio.Future[Headers] = asyncio.get_running_loop().create_future()
        self._jobs[job_uuid] = future
        try:
            await self._commands.bgapi(command, job_uuid)
            return await future
        finally:
            self._jobs.pop(job_uuid, None)

    async def _gone(self, attempt: Call, seconds: float) -> bool:
        return attempt.over or await in_time(self._switch.clock, seconds, self._over(attempt))

    async def _over(self, attempt: Call) -> None:
        while not attempt.over:
            await attempt.until_over()
            await self._switch.clock.sleep(QUIET_SECONDS)

    async def _sweep(self, attempt: Attempt) -> None:
        attempt.lateness = attempt.overdue(self._switch.clock.now())
        attempt.swept = await self._kill(sorted(attempt.live))
        await self._gone(attempt, SWEEP_SECONDS)

    async def _kill(self, legs: Iterable[str]) -> tuple[str, ...]:
        """Hang up legs; gives those that were there: the end of another may lie unread."""
        found = []
        for uuid in legs:
            reply = await self._commands.api(f"uuid_kill {uuid} NORMAL_CLEARING")
            if not reply.startswith("-ERR No such channel"):
                found.append(uuid)
        return tuple(found)

    async def _gather_cdrs(self, attempt: Attempt) -> Mapping[str, Mapping[str, bytes]]:
        modules, clock = frozenset(self._cdr_modules), self._switch.clock
        wanted = {
            uuid: modules - {CSV_MODULE} if uuid in attempt.without_row else modules
            for uuid in sorted(attempt.created)
        }
        deadline = clock.now() + self._switch.cdr_delay
        raw: dict[str, dict[str, bytes]] = {}
        missing = list(wanted) if modules else []
        while missing:
            for uuid, found in (await self._switch.read_cdrs(missing)).items():
                raw.setdefault(uuid, {}).update(found)
            missing = [uuid for uuid in missing if not wanted[uuid] <= raw.get(uuid, {}).keys()]
            if clock.now() >= deadline:
                break
            if missing:
                await clock.sleep(0.1)
        return raw

    def _forget(self, attempt: Call) -> None:
        attempt.let_go = True
        if attempt.live:
            return  # it would not go yet: `hang_up_all` tries again
        self._by_token.pop(attempt.token, None)
        for uuid in [uuid for uuid, owner in self._by_uuid.items() if owner is attempt]:
            del self._by_uuid[uuid]


def _rows(text: str) -> list[dict[str, str]]:
    try:
        return rows_of(text)
    except ValueError:
        cause = f"a table of channels that cannot be read: {text[:40]!a}"
        raise ProtocolError(cause, "see what `show channels as json` says there") from None


def _answer(call: Call, job: asyncio.Task[Headers]) -> None:
    if not job.cancelled() and job.exception() is None:
        call.answered(_body(job.result()) or "no answer")


def _body(headers: Headers) -> str:
    return str(headers.get("_body", "")).strip()


def _uuid(headers: Headers) -> str:
    return str(headers.get("Unique-ID") or headers.get("Resigning-UUID") or "")
