"""The expectation: what the model predicts for a scenario, as claims tied to clauses.

A claim says which outcomes a fact may have. Where a call may legally go several ways, the model
gives the claims of each; an observation conforms if it meets those of one way wholly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache, wraps
from typing import NamedTuple, ParamSpec, TypeAlias, cast

from msgspec import Struct

_P = ParamSpec("_P")

SENT_SECONDS = 0.1
"""How late an event may be sent on a busy host: 0.10 s measured under 100 calls on 2 cores."""

STAMP_SECONDS = 0.3
"""How far a stamp in a CDR may be from the event that tells of the same.

The stamp is set where a leg is created, answered or hung up, the event is sent by the leg's own
thread: up to 0.10 s later among 100 calls, 0.24 s among 400 on two cores, measured.
"""

NEVER = "never"
"""Outcome of a time that did not come."""

Outcome: TypeAlias = str | int | float | bool | tuple[str, ...] | None


class OneOf(Struct, frozen=True, gc=False):
    """The outcome is one of these values; more than one where the switch may choose."""

    values: frozenset[Outcome]


class Within(Struct, frozen=True, gc=False):
    """The outcome is a number of seconds from `low` to `high`.

    What the control calls show of the host's lateness is added to `high`, once for each of the
    `threads` through which the media passes, and taken from `low` once: an event from which a time
    counts may be as late as one to which it counts.
    """

    low: float
    high: float
    nominal: float
    threads: int = 1

    def bounds(self, lateness: float) -> tuple[float, float]:
        """The earliest and the latest outcome where the control calls were this late (seconds)."""
        return self.low - lateness, self.high + self.threads * lateness


Allowed: TypeAlias = OneOf | Within


@lru_cache(maxsize=1 << 10, typed=True)
def only(value: Outcome) -> OneOf:
    """The single legal outcome."""
    return OneOf(frozenset({value}))


@lru_cache(maxsize=1 << 10, typed=True)
def one_of(*values: Outcome) -> OneOf:
    """Several legal outcomes."""
    return OneOf(frozenset(values))


# --- facts: what can be read from an observation -------------------------------------------------


class EventRef(NamedTuple):
    """The n-th event (from 1; -1 is the last) of a name on a leg, or of one of its applications."""

    leg: str
    event: str
    number: int = 1
    application: str | None = None


class LegCount(Struct, frozen=True, gc=False):
    """Number of legs that the call ever had (int)."""


class Exists(Struct, frozen=True, gc=False):
    """Whether the leg was created (bool)."""

    leg: str


class Destroyed(Struct, frozen=True, gc=False):
    """Whether the leg went, without the suite's sweeping (bool)."""

    leg: str


class Alive(Struct, frozen=True, gc=False):
    """The legs between their creation and hangup right after an event (sorted roles).

    Those that are `leaving` may take `SENT_SECONDS` more to go. Of those that are `due` to go about
    then nothing is said: that is another claim's to tell.
    """

    after: EventRef
    leaving: tuple[str, ...] = ()
    due: tuple[str, ...] = ()


class Count(Struct, frozen=True, gc=False):
    """Number of events of a name on a leg, or with one application (int)."""

    leg: str
    event: str
    application: str | None = None


class Header(Struct, frozen=True, gc=False):
    """A header of an event (str, None where it is absent)."""

    at: EventRef
    name: str


class LegNamed(Struct, frozen=True, gc=False):
    """The role of the leg whose uuid a header holds (a role; else the text, None if absent)."""

    at: EventRef
    name: str


class Elapsed(Struct, frozen=True, gc=False):
    """Seconds from the last of some events to another (float, NEVER where it does not come).

    Those of `before` are added.
    """

    since: tuple[EventRef, ...]
    until: EventRef
    before: tuple[Elapsed, ...] = ()


class Apart(Struct, frozen=True, gc=False):
    """Seconds between two events, whichever comes first (float, NEVER where one is missing)."""

    one: EventRef
    other: EventRef


class SinceStimulus(Struct, frozen=True, gc=False):
    """Seconds from the moment at which a stimulus was applied to an event (float, or NEVER)."""

    index: int
    until: EventRef


class Precedes(Struct, frozen=True, gc=False):
    """Whether an event comes before another, by Event-Sequence (bool)."""

    first: EventRef
    second: EventRef


class Executed(Struct, frozen=True, gc=False):
    """The names of the applications that a leg ran, in order, without uuid_bridge (tuple)."""

    leg: str


class OriginateCauses(Struct, frozen=True, gc=False):
    """Whom a leg dialled, each role with its cause, by `originate_causes` at an event (tuple)."""

    at: EventRef


class CdrCount(Struct, frozen=True, gc=False):
    """Number of CDRs that a module wrote of a leg (int)."""

    leg: str
    module: str


class CdrReadable(Struct, frozen=True, gc=False):
    """Whether the CDR that a module wrote of a leg is well-formed (bool)."""

    leg: str
    module: str


class CdrField(Struct, frozen=True, gc=False):
    """A field of a leg's CDR (str, None where it is absent)."""

    leg: str
    module: str
    path: str


class CdrLeg(Struct, frozen=True, gc=False):
    """The role of the leg whose uuid a field of a CDR holds (a role; else the text, or None)."""

    leg: str
    module: str
    path: str


class CdrSeconds(Struct, frozen=True, gc=False):
    """How far a CDR's number of whole seconds is from what the leg's events make it (seconds).

    The switch cuts the time of either event to a whole second before it subtracts; 0 where that,
    with `STAMP_SECONDS` to either side, gives the field. A leg ends between `ending`, when it is
    told to, and `until`, when its CDR is written, which takes a while where it is posted.
    """

    leg: str
    module: str
    path: str
    since: EventRef
    until: EventRef
    ending: EventRef


class CdrMicroseconds(Struct, frozen=True, gc=False):
    """How far a CDR's number of microseconds is from the time between two events (seconds)."""

    leg: str
    module: str
    path: str
    since: EventRef
    until: EventRef


class CdrUncovered(Struct, frozen=True, gc=False):
    """How much of a leg's answered time is not in that of another leg, by their CDRs (seconds)."""

    leg: str
    by: str
    module: str


class CdrsDiffer(Struct, frozen=True, gc=False):
    """In what the CDRs of a leg differ from module to module (each field with its values).

    Of the fields (dotted paths) that are `unsettled` nothing is said.
    """

    leg: str
    unsettled: tuple[str, ...] = ()


Fact: TypeAlias = (
    LegCount
    | Exists
    | Destroyed
    | Alive
    | Count
    | Header
    | LegNamed
    | Elapsed
    | Apart
    | SinceStimulus
    | Precedes
    | Executed
    | OriginateCauses
    | CdrCount
    | CdrReadable
    | CdrField
    | CdrLeg
    | CdrSeconds
    | CdrMicroseconds
    | CdrUncovered
    | CdrsDiffer
)


class Claim(NamedTuple):
    """A clause applied to a scenario: the fact it speaks of, and the outcomes it allows."""

    clause: str
    leg: str
    fact: Fact
    allowed: Allowed


def kept(make: Callable[_P, Iterator[Claim]]) -> Callable[_P, tuple[Claim, ...]]:
    """Keep the claims that a function gives for hashable arguments: most calls are much alike."""

    @wraps(make)
    def claims(*args: _P.args, **kwargs: _P.kwargs) -> tuple[Claim, ...]:
        return tuple(make(*args, **kwargs))

    return cast(Callable[_P, tuple[Claim, ...]], lru_cache(maxsize=1 << 7)(claims))
