"""What a switch did with one scenario, normalised: legs by role, their events in order, their CDRs.

A `Placement` is the raw record of one attempt; `observe` gives it the roles of the scenario. Roles
come from the channel's name, its direction and the token, never from a variable whose transfer is
under test.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from msgspec import Struct

from conformance.cdr_modules import CSV_COLUMNS, CSV_MODULE
from conformance.expectation import EventRef
from conformance.scenario import Pair, Scenario, null_bridges, numbered, pairs

Headers: TypeAlias = Mapping[str, str | list[str]]
"""Headers of one event by name; a header that was pushed more than once is a list."""

Cdr: TypeAlias = Mapping[str, str]
"""Fields of one CDR by dotted path, such as `variables.billsec`."""

UNREADABLE = "unreadable"
"""The only field of a CDR that is no well-formed one; its value says why."""

DIGITS = 18
"""Most digits of a number: a longer one is nothing that a switch counts or measures."""

_ABSENT = [None if path.startswith("variables.") else "" for path in CSV_COLUMNS]
"""What stands for a field that is not there; a row has those of a profile always, maybe empty."""


@dataclass(frozen=True, slots=True)
class AppliedStimulus:
    """When the switch carried out a stimulus (microseconds, its clock), and what it answered.

    `at` is None where the stimulus was never sent or its result never came.
    """

    index: int
    at: int | None
    reply: str


@dataclass(frozen=True, slots=True)
class Placement:
    """One attempt at a scenario, as the switch told it.

    `events` are in the order of Event-Sequence. `swept` are uuids of legs that were still there at
    the end and were hung up by the suite. `cdrs` is by uuid and module, `modules_with_cdrs` tells
    for which CDR modules collecting was possible at all. `lateness` is the largest delay in seconds
    of the control calls beside it, and of its stimuli if it had to be ended; `problem` what kept
    the suite from observing it wholly ("" if nothing did). `switch` is the number, from 0, of the
    one in a pool that placed it.
    """

    token: str
    a_leg_uuid: str
    reply: str
    events: tuple[Headers, ...]
    cdrs: Mapping[str, Mapping[str, Cdr]]
    applied: tuple[AppliedStimulus, ...] = ()
    swept: tuple[str, ...] = ()
    modules_with_cdrs: tuple[str, ...] = ()
    lateness: float = 0.0
    problem: str = ""
    switch: int = 0


class LegEvent(Struct, frozen=True, gc=False):
    """One event of a leg: its name, time (microseconds, switch's clock), sequence, headers."""

    leg: str
    name: str
    at: int
    sequence: int
    headers: Headers

    def get(self, header: str) -> str | None:
        """A header's text; of one with several values the last, None if there is none."""
        value = self.headers.get(header)
        if isinstance(value, list):
            return value[-1] if value else None
        return value

    def variable(self, name: str) -> str | None:
        """A channel variable as it stood when the event was fired."""
        return self.get(f"variable_{name}")


class _Found(dict[EventRef, LegEvent | None]):
    """Each event is looked for once: most claims are about the same few."""

    def __init__(self, by_name: Mapping[tuple[str, str], tuple[LegEvent, ...]]) -> None:
        super().__init__()
        self._by_name = by_name

    def __missing__(self, ref: EventRef) -> LegEvent | None:
        leg, event, number, application = ref
        events = self._by_name.get((leg, event), ())
        if application is not None:
            events = tuple([one for one in events if one.get("Application") == application])
        index = number if number < 0 else number - 1
        there = -len(events) <= index < len(events)
        found = self[ref] = events[index] if there else None
        return found


@dataclass(frozen=True)
class Observation:
    """A placement with its legs named by role.

    `strangers` are legs that carry the token but fit no role of the scenario.
    """

    scenario: Scenario
    placement: Placement
    uuids: Mapping[str, str]
    events: tuple[LegEvent, ...]
    strangers: tuple[str, ...]

    @cached_property
    def by_leg(self) -> Mapping[str, tuple[LegEvent, ...]]:
        """Events of each leg, in order."""
        grouped: dict[str, list[LegEvent]] = {role: [] for role in self.uuids}
        for event in self.events:
            grouped.setdefault(event.leg, []).append(event)
        return {role: tuple(events) for role, events in grouped.items()}

    @cached_property
    def roles(self) -> Mapping[str, str]:
        """Role by uuid."""
        return {uuid: role for role, uuid in self.uuids.items()}

    @cached_property
    def by_name(self) -> Mapping[tuple[str, str], tuple[LegEvent, ...]]:
        """Events of each leg by (leg, name), in order."""
        grouped: dict[tuple[str, str], list[LegEvent]] = {}
        for event in self.events:
            grouped.setdefault((event.leg, event.name), []).append(event)
        return {key: tuple(events) for key, events in grouped.items()}

    @cached_property
    def found(self) -> Mapping[EventRef, LegEvent | None]:
        """The event that a reference names, None where there is none."""
        return _Found(self.by_name)

    @cached_property
    def cdrs(self) -> Mapping[tuple[str, str], Cdr | None]:
        """What each module that could write a CDR of a leg wrote, by (leg, module)."""
        placement = self.placement
        with_rows = CSV_MODULE in placement.modules_with_cdrs
        no_row = without_row(placement.events) if with_rows else ()
        return {
            (leg, module): placement.cdrs.get(uuid, {}).get(module)
            for leg, uuid in self.uuids.items()
            for module in placement.modules_with_cdrs
            if module != CSV_MODULE or uuid not in no_row
        }

    @cached_property
    def readable_cdrs(self) -> Mapping[tuple[str, str], Cdr]:
        """Those CDRs that are well-formed, by (leg, module)."""
        written = ((key, cdr) for key, cdr in self.cdrs.items() if cdr is not None)
        return {key: cdr for key, cdr in written if UNREADABLE not in cdr}

    @cached_property
    def alike(self) -> bool:
        """Whether the modules wrote the same of each leg, in every field that all of them write.

        What one of them says of a leg is then what each says.
        """
        first: dict[str, list[str | None] | None] = {}
        for (leg, _), cdr in self.cdrs.items():
            if cdr is None:
                said = None
            elif UNREADABLE in cdr:
                return False
            else:
                said = [*map(cdr.get, CSV_COLUMNS, _ABSENT)]
            if first.setdefault(leg, said) != said:
                return False
        return True

    def named(self, leg: str, name: str) -> tuple[LegEvent, ...]:
        """The events of that name on a leg, in order."""
        return self.by_name.get((leg, name), ())

    def first(self, leg: str, name: str) -> LegEvent | None:
        """The first event of that name on a leg."""
        return next(iter(self.named(leg, name)), None)


def number_in(headers: Headers, name: str) -> int | None:
    """The number in a header, 0 where there is no such header; None where it cannot be read."""
    return number_of(str(headers.get(name, "0")))


def number_of(text: str) -> int | None:
    """The number that a text is, None where it is none or is longer than any may be."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= DIGITS else None


def without_row(events: Iterable[Headers]) -> frozenset[str]:
    """Legs (uuids) of which no row of mod_cdr_csv can be told.

    A row says whose it is by the variable `uuid` alone, and a leg that takes over another one's
    extension ends with that one's.
    """
    found: set[str] = set()
    for headers in events:
        if headers.get("Event-Name") == "CHANNEL_HANGUP_COMPLETE":
            uuid, told = str(headers.get("Unique-ID")), str(headers.get("variable_uuid"))
            if told != uuid:
                found |= {uuid, told}
    return frozenset(found)


def observe(scenario: Scenario, placement: Placement) -> Observation:
    """Give the legs of a placement their roles."""
    uuids: dict[str, str] = {}
    strangers: list[str] = []
    for uuid, headers in _created(placement):
        role = role_of(scenario, placement.token, headers, uuids)
        if role is None or role in uuids:
            strangers.append(uuid)
        else:
            uuids[role] = uuid
    return Observation(
        scenario=scenario,
        placement=placement,
        uuids=uuids,
        events=tuple(_leg_events(placement, {uuid: role for role, uuid in uuids.items()})),
        strangers=tuple(strangers),
    )


def _created(placement: Placement) -> Iterator[tuple[str, Headers]]:
    """The legs that are created, in the order in which they are first told of.

    For a leg that is dialled that is the order of dialling, which CHANNEL_CREATE may not keep.
    """
    created: dict[str, Headers | None] = {}
    for headers in placement.events:
        uuid = str(headers.get("Unique-ID", ""))
        if not created.get(uuid):
            is_created = headers.get("Event-Name") == "CHANNEL_CREATE"
            created[uuid] = headers if is_created else None
    return ((uuid, headers) for uuid, headers in created.items() if headers is not None)


def _leg_events(placement: Placement, roles: Mapping[str, str]) -> Iterator[LegEvent]:
    times = _numbers(placement, "Event-Date-Timestamp")
    sequences = _numbers(placement, "Event-Sequence")
    for headers, at, sequence in zip(placement.events, times, sequences, strict=True):
        get = headers.get
        uuid = get("Unique-ID") or get("Resigning-UUID") or ""
        name = get("Event-Subclass") or get("Event-Name", "")
        yield LegEvent(roles.get(str(uuid), ""), str(name), at, sequence, headers)


def _numbers(placement: Placement, name: str) -> list[int]:
    """The number in this header of every event, 0 where it cannot be read."""
    try:
        found = [int(str(headers.get(name, "0"))) for headers in placement.events]
        if not found or -1 < min(found) <= max(found) < 10**DIGITS:
            return found
    except ValueError:
        pass
    return [number_in(headers, name) or 0 for headers in placement.events]


def role_of(
    scenario: Scenario, token: str, headers: Headers, taken: Mapping[str, str]
) -> str | None:
    """Role of a leg by an event of its; `taken` maps the roles given so far to their uuids.

    Legs of a loop, which all have one name, are given in the order in which they are dialled. None
    where the leg fits no role of the scenario.
    """
    name = str(headers.get("Channel-Name", ""))
    if name == f"null/{token}":
        return "a-leg"
    if name.startswith("null/b"):
        number = number_of(name.removeprefix("null/b"))
        role = "" if number is None else numbered("b-leg", number)
        return role if role in null_bridges(scenario) else None
    if not name.startswith("loopback/"):
        return None
    outbound = headers.get("Call-Direction") == "outbound"
    # Further in first: the outermost pair may be told of last, and takes what fits no other.
    for pair in reversed(pairs(scenario)):
        if _fits(pair, name):
            for like in pairs(scenario):
                role = like.leg_a if outbound else like.leg_b
                if role not in taken and (like is pair or like.target == pair.target):
                    return role
    return None


def _fits(pair: Pair, channel_name: str) -> bool:
    if pair.number == 1:
        return True
    extension = getattr(pair.target, "extension", "")
    return channel_name.removeprefix("loopback/").startswith(extension[:100])
