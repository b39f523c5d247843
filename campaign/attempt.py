"""One scenario in flight: which legs it has, what has come of them, what is due to be done."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from weakref import WeakKeyDictionary

from campaign.packing import Packed, event_of, sharing, text_of
from conformance.model.bowout import STALL
from conformance.model.durations import ORPHANED_AT_MOST
from conformance.model.predict import likeliest
from conformance.model.variables import ON_EXECUTE
from conformance.observation import AppliedStimulus, Headers, number_in, role_of, without_row
from conformance.scenario import (
    ALegConsults,
    BridgeAgain,
    BridgeToLoopback,
    BridgeToNull,
    BridgeToSeveral,
    Direct,
    Origin,
    PlayTone,
    Scenario,
    Sleep,
    Stimulus,
    Unloop,
)

NO_ROOM = "DESTINATION_OUT_OF_ORDER"
"""Why a leg ends that dialled one which was not made: the switch may have no session left."""

TOKEN = re.compile(r"lc[0-9a-f]{12}x[0-9]+")
"""Shape of a token: `lc`, the scenario's id (zeros for a control call), `x`, a number."""


UUID = re.compile(r"[\w.@:+-]{1,128}", re.ASCII)
"""Shape of a uuid that can be a word of a command, and part of the name of a file."""


class Call:
    """A call of the suite's in flight, fed with every event that carries its token or its uuids."""

    def __init__(self, token: str) -> None:
        """Begin with nothing known but the token."""
        self.token = token
        self.created: set[str] = set()
        self.live: set[str] = set()
        self.without_row: frozenset[str] = frozenset()
        """Legs (uuids) of which mod_cdr_csv writes no row that could be told."""
        self.reply = ""
        self.problem = ""
        """What of its events cannot be read, of the first of them."""
        self.let_go = False
        """Whether nobody waits for it any more, so that it is forgotten with its last leg."""
        self.changed = asyncio.Event()
        self.without_room = False
        """Whether a leg was hung up because another one was not made."""
        self.begun = asyncio.Event()
        """Whether the switch has told anything of it, or answered."""
        self._events = Packed()

    def events(self) -> tuple[Headers, ...]:
        """All that was told of it so far, in the order of Event-Sequence."""
        once: dict[str | list[str], str | list[str]] = {}
        told = (sharing(event_of(text), once) for text in self._events)
        return tuple(sorted(told, key=sequence))

    def take(self, headers: Headers) -> Iterator[tuple[int, Stimulus]]:
        """Note an event; yields the stimuli (with their index) whose moment counts from it."""
        self._events.add(text_of(headers))
        self.begun.set()
        name, uuid = str(headers.get("Event-Name")), str(headers.get("Unique-ID", ""))
        for header in ("Event-Date-Timestamp", "Event-Sequence"):
            if number_in(headers, header) is None:
                self._is_odd(f"{header} is no number", headers[header])
        if name == "CHANNEL_CREATE":
            if UUID.fullmatch(uuid):
                self.created.add(uuid)
                self.live.add(uuid)
            else:
                self._is_odd("a leg cannot be asked for by its uuid", uuid)
        elif name == "CHANNEL_DESTROY":
            self.live.discard(uuid)
        elif name == "CHANNEL_HANGUP":
            self.without_room |= headers.get("Hangup-Cause") == NO_ROOM
        elif name == "CHANNEL_HANGUP_COMPLETE":
            self.without_row |= without_row([headers])
        self.changed.set()
        yield from ()

    def _is_odd(self, why: str, value: object) -> None:
        self.problem = self.problem or f"{why}: {str(value)[:40]!a}"

    def answered(self, reply: str) -> None:
        """Note what the switch answered to the originate."""
        self.reply = reply
        self.begun.set()
        self.changed.set()

    @property
    def over(self) -> bool:
        """Whether the originate has its answer and every leg is gone."""
        return bool(self.reply) and not self.live

    @property
    def refused(self) -> bool:
        """Whether the switch did not make a leg, be it for want of room or as it should be."""
        return self.without_room or bool(self.reply and not self.created)

    async def until_over(self) -> None:
        """Wait until it is over."""
        while not self.over:
            self.changed.clear()
            await self.changed.wait()


class Attempt(Call):
    """One attempt at a scenario: a call whose legs have roles and whose stimuli fall due."""

    def __init__(self, scenario: Scenario, token: str, a_leg_uuid: str) -> None:
        """Begin with all stimuli still to come."""
        super().__init__(token)
        self.scenario = scenario
        self.a_leg_uuid = a_leg_uuid
        self.uuids: dict[str, str] = {}
        self.applied: dict[int, AppliedStimulus] = {}
        self.due: dict[int, float] = {}
        """When stimuli that are not applied yet fall due, by index, in seconds of the clock."""
        self.swept: tuple[str, ...] = ()
        """Legs (uuids) that did not go by themselves."""
        self.lateness = 0.0
        """How late the stimuli were, in seconds, when legs had to be swept."""
        self._late = 0.0
        self._waiting = list(enumerate(scenario.all_stimuli()))

    def apply(self, applied: AppliedStimulus, seconds: float = 0.0) -> None:
        """Note what came of a stimulus, so many seconds after it was due."""
        del self.due[applied.index]
        self.applied[applied.index] = applied
        self._late = max(self._late, seconds)

    def overdue(self, now: float) -> float:
        """Seconds by which the latest stimulus came after it was due, or did not come until now."""
        return max(self._late, *(now - due for due in self.due.values()), 0.0)

    def take(self, headers: Headers) -> Iterator[tuple[int, Stimulus]]:
        """Note an event; yields the stimuli (with their index) whose moment counts from it."""
        yield from super().take(headers)
        name, uuid = str(headers.get("Event-Name")), str(headers.get("Unique-ID", ""))
        if name in ("CHANNEL_OUTGOING", "CHANNEL_CREATE") and uuid not in self.uuids.values():
            role = role_of(self.scenario, self.token, headers, self.uuids)
            if role is not None and UUID.fullmatch(uuid):
                self.uuids.setdefault(role, uuid)
        # A bridge is told once, as its caller's: it is its peer's as well.
        ends = {uuid, str(headers.get("Bridge-B-Unique-ID", uuid))}
        for index, stimulus in list(self._waiting):
            if stimulus.at.event == name and self.uuids.get(stimulus.at.leg) in ends:
                self._waiting.remove((index, stimulus))
                yield index, stimulus


def patience(scenario: Scenario) -> float:
    """Seconds after which a call that behaves is certainly over."""
    delays = sum(stimulus.at.delay_ms for stimulus in scenario.all_stimuli()) / 1000
    afterwards = getattr(scenario.origin, "afterwards", ())
    parked = ORPHANED_AT_MOST if isinstance(scenario.origin, ALegConsults) else 0.0
    waits = STALL.high if ON_EXECUTE in scenario.text else 0.0
    further = _length((*scenario.beside, *scenario.otherwise))
    plans = _length(scenario.plan) + _length(afterwards) + _sleeps(scenario.origin)
    return 4.0 + delays + parked + waits + further + plans


def sequence(headers: Headers) -> int:
    """The number of an event among all of its switch, 0 where it cannot be read."""
    return number_in(headers, "Event-Sequence") or 0


def length(scenario: Scenario) -> float:
    """Seconds that a call most likely lasts, by the model; worked out once."""
    known = _lengths.get(scenario)
    if known is None:
        last = max((leg.gone for leg in likeliest(scenario).legs.values()), default=0.0)
        known = _lengths[scenario] = min(last, patience(scenario))
    return known


_lengths: WeakKeyDictionary[Scenario, float] = WeakKeyDictionary()


def _sleeps(origin: Origin) -> float:
    """Seconds for which loopback-a sleeps, where that is all that it does."""
    match origin:
        case Direct("sleep", argument) if argument.isdecimal():
            return int(argument) / 1000
    return 0.0


def _length(plan: tuple[object, ...]) -> float:
    seconds = 0.0
    for at, action in enumerate(plan):
        match action:
            case Sleep(milliseconds) | PlayTone(milliseconds):
                seconds += milliseconds / 1000
            case BridgeToNull():
                seconds += (action.answer_delay_ms or 0) / 1000 + (action.timeout_s or 0)
            case BridgeToLoopback():
                seconds += _length(action.plan)
            case BridgeToSeveral():
                seconds += _length(action.bridges)
            case BridgeAgain():
                seconds += action.most * _length(plan[:at])
            case Unloop():
                seconds += STALL.high
    return seconds
