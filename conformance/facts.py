"""Reading facts out of an observation: the outcome of each fact, and how a sentence names it."""

from __future__ import annotations

from typing import Final

from conformance.expectation import (
    NEVER,
    SENT_SECONDS,
    Alive,
    Apart,
    CdrCount,
    CdrField,
    CdrLeg,
    CdrMicroseconds,
    CdrReadable,
    CdrSeconds,
    Count,
    Destroyed,
    Elapsed,
    EventRef,
    Executed,
    Exists,
    Fact,
    Header,
    LegCount,
    LegNamed,
    Outcome,
    Precedes,
    SinceStimulus,
)
from conformance.observation import UNREADABLE, LegEvent, Observation

BOWOUT_APPLICATION = "uuid_bridge"
"""What the bowout executes on the real legs; no plan of a scenario does."""

STAMP_SECONDS = 0.15
"""How far a stamp in a CDR may be from the event that tells of the same.

The stamp is set where a leg is created, answered or hung up, the event is sent by the leg's own
thread: 0.10 s later at most under 100 calls on 2 cores, measured.
"""


class Unobservable:
    """The outcome of a fact whose precondition the observation does not meet."""


UNOBSERVABLE: Final = Unobservable()


def outcome(fact: Fact, seen: Observation) -> Outcome | Unobservable:
    """What the observation says of a fact."""
    match fact:
        case LegCount():
            return len(seen.uuids) + len(seen.strangers)
        case Exists(leg):
            return leg in seen.uuids
        case Destroyed(leg):
            return _destroyed(seen, leg)
        case Alive(after, leaving):
            return _alive(seen, after, leaving)
        case Count(leg, event, application):
            return len(_events(seen, leg, event, application))
        case Header(at, name):
            found = _find(seen, at)
            return found.get(name) if found else UNOBSERVABLE
        case LegNamed(at, name):
            found = _find(seen, at)
            return _role(seen, found.get(name)) if found else UNOBSERVABLE
        case Elapsed():
            return _elapsed(seen, fact)
        case Apart(one, other):
            return _apart(seen, one, other)
        case SinceStimulus(index, until):
            return _since_stimulus(seen, index, until)
        case Precedes(first, second):
            return _precedes(seen, first, second)
        case Executed(leg):
            return _executed(seen, leg)
        case CdrCount() | CdrReadable() | CdrField() | CdrLeg() | CdrSeconds() | CdrMicroseconds():
            return _cdr(fact, seen)


def _destroyed(seen: Observation, leg: str) -> Outcome | Unobservable:
    uuid = seen.uuids.get(leg)
    if uuid is None:
        return UNOBSERVABLE
    return uuid not in seen.placement.swept and bool(seen.named(leg, "CHANNEL_DESTROY"))


def _alive(seen: Observation, after: EventRef, leaving: tuple[str, ...]) -> Outcome | Unobservable:
    event = _find(seen, after)
    if event is None:
        return UNOBSERVABLE
    alive = []
    for role in seen.uuids:
        # Not CHANNEL_CREATE: the leg's own thread sends it, which may be late.
        gone = seen.first(role, "CHANNEL_HANGUP")
        began = seen.by_leg[role][0].sequence < event.sequence
        grace = SENT_SECONDS * 1e6 if role in leaving else 0
        soon = gone is not None and grace and gone.at <= event.at + grace
        if began and not soon and (gone is None or gone.sequence > event.sequence):
            alive.append(role)
    return tuple(sorted(alive))


def _elapsed(seen: Observation, fact: Elapsed) -> Outcome | Unobservable:
    seconds = 0.0
    for span in (*fact.before, fact):
        begun = [_find(seen, ref) for ref in span.since]
        if any(event is None for event in begun):
            return UNOBSERVABLE
        ended = _find(seen, span.until)
        if ended is None:
            return NEVER
        length = ended.at - max(event.at for event in begun if event)
        seconds += (length if span is fact else max(0, length)) / 1e6
    return round(seconds, 3)


def _apart(seen: Observation, one: EventRef, other: EventRef) -> Outcome | Unobservable:
    first, second = _find(seen, one), _find(seen, other)
    if first is None and second is None:
        return UNOBSERVABLE
    if first is None or second is None:
        return NEVER
    return round(abs(first.at - second.at) / 1e6, 3)


def _since_stimulus(seen: Observation, index: int, until: EventRef) -> Outcome | Unobservable:
    at = next((a.at for a in seen.placement.applied if a.index == index), None)
    if at is None:
        return UNOBSERVABLE
    ended = _find(seen, until)
    return NEVER if ended is None else round((ended.at - at) / 1e6, 3)


def _precedes(seen: Observation, first: EventRef, second: EventRef) -> Outcome | Unobservable:
    one, other = _find(seen, first), _find(seen, second)
    if one is None:
        return UNOBSERVABLE
    return other is None or one.sequence < other.sequence


def _executed(seen: Observation, leg: str) -> Outcome | Unobservable:
    if leg not in seen.uuids:
        return UNOBSERVABLE
    names = (event.get("Application") for event in seen.named(leg, "CHANNEL_EXECUTE"))
    return tuple(name for name in names if name and name != BOWOUT_APPLICATION)


def _cdr(
    fact: CdrCount | CdrReadable | CdrField | CdrLeg | CdrSeconds | CdrMicroseconds,
    seen: Observation,
) -> Outcome | Unobservable:
    if fact.module not in seen.placement.modules_with_cdrs or fact.leg not in seen.uuids:
        return UNOBSERVABLE
    cdr = seen.cdr(fact.leg, fact.module)
    if isinstance(fact, CdrCount):
        return int(cdr is not None)
    if cdr is None:
        return UNOBSERVABLE
    if isinstance(fact, CdrReadable):
        return UNREADABLE not in cdr
    if UNREADABLE in cdr:
        return UNOBSERVABLE
    text = cdr.get(fact.path)
    if isinstance(fact, CdrField):
        return text
    if isinstance(fact, CdrLeg):
        return _role(seen, text)
    if isinstance(fact, CdrMicroseconds):
        return _microseconds_off(fact, seen, text)
    return _seconds_off(fact, seen, text)


def _seconds_off(fact: CdrSeconds, seen: Observation, text: str | None) -> Outcome | Unobservable:
    since, until = _find(seen, fact.since), _find(seen, fact.until)
    if since is None or until is None:
        return UNOBSERVABLE
    if text is None or not text.isdecimal():
        return text
    # The switch cuts both ends to whole seconds of the clock before it subtracts.
    second, tick = 1_000_000, round(STAMP_SECONDS * 1_000_000)
    least = (until.at - tick) // second - (since.at + tick) // second
    most = (until.at + tick) // second - (since.at - tick) // second
    number = int(text)
    return float(min(0, number - least) or max(0, number - most))


def _microseconds_off(
    fact: CdrMicroseconds, seen: Observation, text: str | None
) -> Outcome | Unobservable:
    since, until = _find(seen, fact.since), _find(seen, fact.until)
    if since is None or until is None:
        return UNOBSERVABLE
    if text is None or not text.isdecimal():
        return text
    return round((int(text) - (until.at - since.at)) / 1e6, 3)


def _find(seen: Observation, ref: EventRef) -> LegEvent | None:
    events = _events(seen, ref.leg, ref.event, ref.application)
    index = ref.number if ref.number < 0 else ref.number - 1
    return events[index] if -len(events) <= index < len(events) else None


def _events(
    seen: Observation, leg: str, event: str, application: str | None
) -> tuple[LegEvent, ...]:
    found = seen.named(leg, event)
    if application is None:
        return found
    return tuple(one for one in found if one.get("Application") == application)


def _role(seen: Observation, text: str | None) -> str | None:
    return seen.roles.get(text, text) if text else None


# --- in a sentence -------------------------------------------------------------------------------


def describe(fact: Fact) -> str:
    """A fact as the subject of a sentence."""
    match fact:
        case LegCount():
            return "the number of legs"
        case Exists(leg):
            return f"whether {leg} was created"
        case Destroyed(leg):
            return f"whether {leg} went by itself"
        case Alive(after, _):
            return f"the legs there at {_event(after)}"
        case Count(leg, event, application):
            return f"the number of {_event(EventRef(leg, event, 0, application))}"
        case Header(at, name) | LegNamed(at, name):
            return f"{_header(name)} at {_event(at)}"
        case Elapsed():
            spans = " and ".join(_span(span) for span in (*fact.before, fact))
            return f"the time {spans}"
        case Apart(one, other):
            return f"the time between {_event(one)} and {_event(other)}"
        case SinceStimulus(index, until):
            return f"the time from stimulus {index + 1} to {_event(until)}"
        case Precedes(first, second):
            return f"whether {_event(first)} came before {_event(second)}"
        case Executed(leg):
            return f"what {leg} executed"
        case CdrCount(leg, module):
            return f"the number of {module} records of {leg}"
        case CdrReadable(leg, module):
            return f"whether the {module} record of {leg} can be read"
        case CdrField(leg, module, path) | CdrLeg(leg, module, path):
            return f"{path} in the {module} record of {leg}"
        case CdrSeconds(leg, module, path) | CdrMicroseconds(leg, module, path):
            return f"{path} in the {module} record of {leg}, against its events,"


def _span(span: Elapsed) -> str:
    last = " and ".join(dict.fromkeys(_event(ref) for ref in span.since))
    return f"from {last} to {_event(span.until)}"


def _header(name: str) -> str:
    variable = name.removeprefix("variable_")
    return variable if variable == name else f"variable {variable}"


def _event(ref: EventRef) -> str:
    number = {0: "", 1: "", -1: "the last "}.get(ref.number, f"number {ref.number} of ")
    application = f" {ref.application}" if ref.application else ""
    return f"{number}{ref.event}{application} of {ref.leg}"
