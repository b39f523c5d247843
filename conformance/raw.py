"""Raw differences: what two placements of a scenario show differently, whatever clauses say.

A placement is reduced to its outline: which events each leg had and in which order, which headers
and variables each event had, with values, and the fields of each CDR. What differs from call to
call on any switch (uuids, times, ports, the host, lines of the source) is taken out. What races is
not: a race turns out both ways, so it shows in the number of calls, not in one of them
(`conformance.changes`).
"""

from __future__ import annotations

import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from conformance.observation import UNREADABLE, LegEvent, Observation

ABSENT = ""
"""How an event, a header, a variable or a field that is not there is told."""

PRESENT = "there"
"""How one is told that is there on one side alone: what it holds belongs to the scenario."""

Place: TypeAlias = tuple[str, str, int]
"""A leg's role; a label of an event, or a module's record; its number among those alike."""


class RawDifference(NamedTuple):
    """What one placement shows otherwise than another, wherever in the call it does.

    `leg` is a kind of leg ("" for the whole call), `what` an event, a header, a variable, a field;
    `old` and `new` are how it was, ABSENT, or PRESENT where the other is absent.
    """

    leg: str
    what: str
    old: str
    new: str

    @property
    def reverse(self) -> RawDifference:
        """The same with the sides changed."""
        return self._replace(old=self.new, new=self.old)

    def __str__(self) -> str:
        """The difference as a sentence, without a full stop."""
        what = f"{self.what} of {self.leg}" if self.leg else self.what
        if self.old == ABSENT:
            return f"{what} is new" if self.new == PRESENT else f"{what} is new: {self.new!a}"
        if self.new == ABSENT:
            return f"{what} is gone" if self.old == PRESENT else f"{what} is gone: {self.old!a}"
        return f"{what} was {self.old!a}, and is {self.new!a}"


@dataclass(frozen=True, slots=True)
class RawOutline:
    """What a placement shows, without what differs from call to call.

    `events` counts each leg's events by label, `orders` are pairs of labels of a leg of which the
    first event of one came before the first of the other, `fields` what each event and each record
    holds, by name. `modules` are those whose records were gathered at all.
    """

    events: Mapping[tuple[str, str], int]
    orders: frozenset[tuple[str, str, str]]
    fields: Mapping[Place, Mapping[str, str]]
    modules: frozenset[str]


def raw_outline(seen: Observation) -> RawOutline:
    """The outline of an observation."""
    neutral = _Neutral(seen)
    events: Counter[tuple[str, str]] = Counter()
    orders: list[tuple[str, str, str]] = []
    fields: dict[Place, Mapping[str, str]] = {}
    for leg, told in seen.by_leg.items():
        for event in told:
            label = _label(event)
            events[leg, label] += 1
            fields[leg, label, events[leg, label]] = neutral.headers(event)
        firsts = dict.fromkeys(map(_label, told))
        orders += ((leg, one, other) for one, other in combinations(firsts, 2))
    for (leg, module), cdr in seen.cdrs.items():
        if cdr is not None:
            fields[leg, module, 1] = neutral.fields(cdr)
    events["", "legs without a role"] = len(seen.strangers)
    modules = frozenset(seen.placement.modules_with_cdrs)
    return RawOutline(events, frozenset(orders), fields, modules)


def raw_differences(old: RawOutline, new: RawOutline) -> Mapping[RawDifference, frozenset[str]]:
    """What differs between two outlines, and at which events or in which records.

    Of an event that only one has, nothing but that.
    """
    found: defaultdict[RawDifference, set[str]] = defaultdict(set)
    for difference in (*_counts(old, new), *_orders(old, new)):
        found[difference].add("")
    for difference, where in _fields(old, new):
        found[difference].add(where)
    return {difference: frozenset(places) for difference, places in found.items()}


def _counts(old: RawOutline, new: RawOutline) -> Iterator[RawDifference]:
    for leg, label in {**old.events, **new.events}:
        one, other = old.events.get((leg, label), 0), new.events.get((leg, label), 0)
        if one != other:
            yield RawDifference(_kind(leg), f"event {label}", _number(one), _number(other))
    only_one_gathered = old.modules ^ new.modules
    for place in old.fields.keys() ^ new.fields.keys():
        leg, label, _ = place
        if label in only_one_gathered:
            continue
        if (leg, label) not in old.events and (leg, label) not in new.events:
            there = (PRESENT, ABSENT) if place in old.fields else (ABSENT, PRESENT)
            yield RawDifference(_kind(leg), f"record of {label}", *there)


def _orders(old: RawOutline, new: RawOutline) -> Iterator[RawDifference]:
    for leg, one, other in old.orders - new.orders:
        if (leg, other, one) in new.orders:
            what = f"order of {' and '.join(sorted((one, other)))}"
            yield RawDifference(_kind(leg), what, f"{one} first", f"{other} first")


def _fields(old: RawOutline, new: RawOutline) -> Iterator[tuple[RawDifference, str]]:
    for place in old.fields.keys() & new.fields.keys():
        ones, others = old.fields[place], new.fields[place]
        if ones == others:
            continue
        leg, label, _ = place
        for name in ones.keys() | others.keys():
            one, other = ones.get(name), others.get(name)
            if one == other:
                continue
            what, racing = _what(name), races(name)
            if one is None or other is None:
                there = (ABSENT, PRESENT) if one is None else (PRESENT, ABSENT)
                yield RawDifference(_kind(leg), what, *there), label
            elif not racing:
                yield RawDifference(_kind(leg), what, one, other), label


@lru_cache(maxsize=1 << 14)
def _what(name: str) -> str:
    """A name without the numbers of segments and applications in a CDR."""
    if name.startswith(("variable_", "variables.")):
        return f"variable {name[9:].removeprefix('.')}"
    return re.sub(r"\.[0-9]+(?=\.|$)", ".N", name)


def _number(count: int) -> str:
    return f"{count} times" if count else ABSENT


@lru_cache
def _kind(leg: str) -> str:
    return leg.rstrip("0123456789")


def _label(event: LegEvent) -> str:
    application = event.get("Application")
    return f"{event.name} {application}" if application else event.name


# --- what races ---------------------------------------------------------------------------------

RACES: Mapping[str, str] = MappingProxyType(
    {
        r"Other-Leg-.*": "a look at another leg, whose own thread goes on meanwhile",
        r"Channel(-Call)?-State.*|channel_data\.(state|state_number|flags|caps)": (
            "where the leg's own thread is, while another one tells of it"
        ),
        r".*callee_id_(name|number)|Caller-Callee-ID-.*|variables?[._]last_sent_.*": (
            "who is shown is sent when the leg's thread next looks at its messages"
        ),
        r"variables?[._](last_)?bridge_hangup_cause": "set by the thread at the bridge's other end",
        r"variables?[._]last_bridge_role": (
            "set if the leg was hung up before its own thread left the bridge"
        ),
        r"variables?[._](transfer_(history|source)|pre_transfer_caller_id_name)": (
            "set where the leg was already sent to its dialplan"
        ),
        r"variables?[._]last_dtmf_duration": "set when a digit crosses, maybe after the last event",
    }
)
"""Patterns of names whose values are a race's to say, with the reason: only whether they are there
at all is compared."""

_RACING = re.compile("|".join(RACES))


@lru_cache(maxsize=1 << 14)
def races(name: str) -> bool:
    """Whether a race decides what is told under this name."""
    return _RACING.fullmatch(name) is not None


# --- what differs from call to call -------------------------------------------------------------

_IGNORED = re.compile(
    r"Event-(Date|Sequence|Calling)|FreeSWITCH-(Hostname|Switchname|IPv)|Core-UUID"
    r"|variable_(session_id|core_uuid)$|variables\.(session_id|core_uuid)$|core-uuid$|switchname$"
)
"""Names of what tells the moment, the host, or the line of the source that sent an event."""

_MEASURED = re.compile(r"(sec|time|stamp|epoch|duration|_us|_ms|uptime|port)s?$", re.IGNORECASE)
"""Names of what is measured: their values differ in any two calls, and clauses judge times."""

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_LONG_NUMBER = re.compile(r"[0-9]{9,}(\.[0-9]+)?")
_SHORTEST = 9
"""Characters of the shortest of what is taken out of values."""
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}")


class _Neutral:
    """Headers and fields of a call with its own names in place of what only it has."""

    def __init__(self, seen: Observation) -> None:
        self._roles = seen.roles
        self._token = seen.placement.token
        self._neutral: dict[str, str] = {}

    def headers(self, event: LegEvent) -> Mapping[str, str]:
        return self.fields({name: event.get(name) or "" for name in event.headers})

    def fields(self, values: Mapping[str, str]) -> Mapping[str, str]:
        return {name: self._value(name, value) for name, value in values.items() if _told(name)}

    def _value(self, name: str, value: str) -> str:
        if not value:
            return "empty"
        if name == UNREADABLE:
            return PRESENT  # where in the file it is so tells of all that stands before
        if _measured(name) and value.isdecimal():
            return "0" if value == "0" else "a number"
        if len(value) < _SHORTEST:
            return sys.intern(value)
        if value not in self._neutral:
            self._neutral[value] = sys.intern(self._without_own(value))
        return self._neutral[value]

    def _without_own(self, value: str) -> str:
        value = value.replace(self._token, "TOKEN")
        value = _UUID.sub(lambda found: self._roles.get(found.group(), "UUID"), value)
        value = _DATE.sub("DATE", value)
        return _LONG_NUMBER.sub("NUMBER", value)


@lru_cache(maxsize=1 << 14)
def _told(name: str) -> bool:
    return not _IGNORED.match(name)


@lru_cache(maxsize=1 << 14)
def _measured(name: str) -> bool:
    return bool(_MEASURED.search(name))
