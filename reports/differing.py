"""Where on a timeline the judge's findings are: which of a leg's marks, or the leg itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from conformance.comparison import Compared
from conformance.expectation import (
    Alive,
    Apart,
    CdrCount,
    CdrField,
    CdrLeg,
    CdrMicroseconds,
    CdrReadable,
    CdrsDiffer,
    CdrSeconds,
    Count,
    Destroyed,
    Elapsed,
    EventRef,
    Executed,
    Exists,
    Header,
    LegNamed,
    OneOf,
    Precedes,
    SinceStimulus,
)
from conformance.facts import BOWOUT_APPLICATION
from reports.course import KIND_OF, Kind


class Place(NamedTuple):
    """A mark of a leg (by its number from 1, -1 the last, 0 all), or all of the leg (no kind).

    `timed` tells that the finding is about its time.
    """

    leg: str
    kind: Kind | None = None
    number: int = 0
    timed: bool = False


_AT_END = ("CHANNEL_HANGUP_COMPLETE", "CHANNEL_DESTROY")


def places(compared: Iterable[Compared], clause: str) -> frozenset[Place]:
    """Where the findings of a clause are."""
    return frozenset(
        place
        for one in compared
        if not one.holds and one.claim.clause == clause
        for place in _of(one)
    )


def orders(compared: Iterable[Compared], clause: str) -> list[tuple[Place, Place]]:
    """The marks that the findings of a clause say to be in the wrong order, in the right one."""
    return [
        (first, second) if one.claim.allowed.values == {True} else (second, first)
        for one in compared
        if not one.holds and one.claim.clause == clause
        if isinstance(one.claim.fact, Precedes) and isinstance(one.claim.allowed, OneOf)
        for first, second in [(_event(one.claim.fact.first), _event(one.claim.fact.second))]
    ]


def _of(one: Compared) -> Iterator[Place]:
    match one.claim.fact:
        case Exists(leg) | Destroyed(leg) | Executed(leg):
            yield Place(leg)
        case CdrCount() | CdrReadable() | CdrField() | CdrLeg() | CdrSeconds() | CdrMicroseconds():
            yield Place(one.claim.leg)
        case CdrsDiffer(leg):
            yield Place(leg)
        case Count(leg, event, application):
            yield _event(EventRef(leg, event, 0, application))
        case Header(at, _) | LegNamed(at, _):
            yield _event(at)
        case Elapsed(_, until, _) | SinceStimulus(_, until):
            yield _event(until)._replace(timed=True)
        case Apart(first, second) | Precedes(first, second):
            yield _event(first)._replace(timed=True)
            yield _event(second)._replace(timed=True)
        case Alive(after):
            yield _event(after)
            yield from map(Place, _disputed(one))


def _disputed(one: Compared) -> list[str]:
    """The legs that are there and should not be, or the other way round."""
    got, allowed = one.got, one.claim.allowed
    if not isinstance(allowed, OneOf) or not isinstance(got, tuple):
        return []
    legs = {leg for value in allowed.values if isinstance(value, tuple) for leg in value}
    return sorted(legs ^ set(got))


def _event(ref: EventRef) -> Place:
    if ref.event in _AT_END:
        return Place(ref.leg, Kind.HUNG_UP, -1)
    if ref.application == BOWOUT_APPLICATION or ref.event not in KIND_OF:
        return Place(ref.leg)
    return Place(ref.leg, KIND_OF[ref.event], ref.number)
