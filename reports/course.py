"""What is drawn of a call, whether expected or observed: its legs, what happened to each, bridges.

Times are in seconds from the moment at which the target is dialled.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from itertools import chain

from conformance.facts import BOWOUT_APPLICATION
from conformance.model.course import NEVER, Bridge, Course, Leaving, Leg
from conformance.observation import LegEvent, Observation
from conformance.profile import Profile
from conformance.scenario import numbered


class Kind(Enum):
    """What may happen to a leg."""

    CREATED = auto()
    RINGING = auto()
    EARLY = auto()
    ANSWERED = auto()
    BRIDGED = auto()
    TOLD = auto()
    HUNG_UP = auto()


KIND_OF: Mapping[str, Kind] = {
    "CHANNEL_CREATE": Kind.CREATED,
    "CHANNEL_PROGRESS": Kind.RINGING,
    "CHANNEL_PROGRESS_MEDIA": Kind.EARLY,
    "CHANNEL_ANSWER": Kind.ANSWERED,
    "CHANNEL_BRIDGE": Kind.BRIDGED,
    "loopback::bowout": Kind.TOLD,
    "loopback::direct": Kind.TOLD,
    "CHANNEL_HANGUP": Kind.HUNG_UP,
}
"""By the event that tells of it; TOLD is an event of the endpoint's own."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened to a leg, as the `number`-th of its kind there, from 1.

    `text` is the cause of a hangup, the peer of a bridge, or the name of the endpoint's event.
    """

    leg: str
    kind: Kind
    number: int
    at: float
    text: str = ""


@dataclass(frozen=True, slots=True)
class Timeline:
    """A call over time: `legs` in the order of their creation, `marks` in that of their times.

    `bowouts` is when loopback legs left the call to others.
    """

    legs: tuple[str, ...]
    marks: tuple[Mark, ...]
    bridges: tuple[Bridge, ...]
    bowouts: tuple[float, ...]

    def of(self, leg: str, kind: Kind) -> list[Mark]:
        """What of a kind happened to a leg."""
        return [mark for mark in self.marks if (mark.leg, mark.kind) == (leg, kind)]


# --- expected ------------------------------------------------------------------------------------


def expected(course: Course, profile: Profile) -> Timeline:
    """The call as the model has it."""
    bridges = tuple(bridge for bridge in course.bridges if bridge.until > bridge.since)
    found = chain(
        chain.from_iterable(map(_of_leg, course.legs.values())),
        ((one.caller, Kind.BRIDGED, one.since, one.peer) for one in bridges),
        chain.from_iterable(_told(one, profile) for one in course.leavings),
    )
    return Timeline(
        legs=tuple(course.legs),
        marks=tuple(_numbered(found)),
        bridges=bridges,
        bowouts=tuple(one.at for one in course.leavings if one.how != "cancelled"),
    )


_Happened = tuple[str, Kind, float, str]


def _of_leg(leg: Leg) -> Iterator[_Happened]:
    cause = " or ".join(sorted(leg.causes))
    at_once = leg.role == "a-leg" and leg.answered == leg.created  # then no early media is told of
    for kind, at, text in (
        (Kind.CREATED, leg.created, ""),
        (Kind.RINGING, leg.ringing, ""),
        (Kind.EARLY, NEVER if at_once else leg.early, ""),
        (Kind.ANSWERED, leg.answered, ""),
        (Kind.HUNG_UP, leg.gone, cause),
    ):
        if at != NEVER:
            yield leg.role, kind, at, text


def _told(leaving: Leaving, profile: Profile) -> Iterator[_Happened]:
    if leaving.how == "execute":
        yield leaving.legs[-1], Kind.TOLD, leaving.at, "loopback::bowout"
    elif leaving.how == "bridge" and profile.fire_bowout_on_bridge:
        for letter in "ab":
            leg = numbered(f"loopback-{letter}", leaving.pair)
            yield leg, Kind.TOLD, leaving.at, "loopback::direct"


def _numbered(found: Iterable[_Happened]) -> Iterator[Mark]:
    counts: defaultdict[tuple[str, Kind], int] = defaultdict(int)
    for leg, kind, at, text in sorted(found, key=lambda one: one[2]):
        counts[leg, kind] += 1
        yield Mark(leg, kind, counts[leg, kind], at, text)


# --- observed ------------------------------------------------------------------------------------

STRANGERS = 8
EVENTS = 500


def observed(seen: Observation) -> Timeline:
    """The call as the switch told it; legs that fit no role are `stranger`, `stranger2`, ...

    Of no more than `STRANGERS` legs, and `EVENTS` events, for a switch may send any number.
    """
    strangers = {
        uuid: numbered("stranger", n) for n, uuid in enumerate(seen.strangers[:STRANGERS], 1)
    }
    began = dialled(seen)
    events = [
        (leg, event, (event.at - began) / 1e6)
        for event in seen.events
        if (leg := event.leg or strangers.get(event.get("Unique-ID") or "", ""))
    ][:EVENTS]
    roles = {**seen.roles, **strangers}
    found = [
        (leg, KIND_OF[event.name], at, _text(event, roles))
        for leg, event, at in events
        if event.name in KIND_OF
    ]
    return Timeline(
        legs=(*seen.uuids, *strangers.values()),
        marks=tuple(_numbered(found)),
        bridges=tuple(_bridges(events, roles)),
        bowouts=tuple(_bowouts(events)),
    )


def dialled(seen: Observation) -> int:
    """When the target was dialled (microseconds); the first event of all where nothing was."""
    target = seen.by_leg.get("loopback-a") or seen.events
    return min((event.at for event in target), default=0)


def _text(event: LegEvent, roles: Mapping[str, str]) -> str:
    if event.name == "CHANNEL_BRIDGE":
        return roles.get(event.get("Bridge-B-Unique-ID") or "", "?")
    if event.name == "CHANNEL_HANGUP":
        return event.get("Hangup-Cause") or ""
    return event.name if KIND_OF[event.name] is Kind.TOLD else ""


_Told = list[tuple[str, LegEvent, float]]


def _bridges(events: _Told, roles: Mapping[str, str]) -> Iterator[Bridge]:
    """Each bridge lasts until either leg is unbridged, bridged otherwise, or hung up."""
    ending = ("CHANNEL_UNBRIDGE", "CHANNEL_BRIDGE", "CHANNEL_HANGUP")
    for index, (caller, event, since) in enumerate(events):
        if event.name == "CHANNEL_BRIDGE":
            peer = _text(event, roles)
            ends = (
                at
                for leg, one, at in events[index + 1 :]
                if leg in (caller, peer) and one.name in ending
            )
            yield Bridge(caller, peer, since, next(ends, NEVER))


def _bowouts(events: _Told) -> Iterator[float]:
    """Once for each leg that a bowout begins with: the first of two that are told of it."""
    last = -NEVER
    for _, event, at in events:
        told = KIND_OF.get(event.name) is Kind.TOLD
        if told or (
            event.name == "CHANNEL_EXECUTE" and event.get("Application") == BOWOUT_APPLICATION
        ):
            if at - last > _SAME_BOWOUT:
                yield at
            last = at


_SAME_BOWOUT = 0.3
"""Within how many seconds all that is told of one bowout comes."""
