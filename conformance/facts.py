"""Reading facts out of an observation: the outcome of each fact, and how a sentence names it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import repeat
from typing import Any, Final

from conformance.cdr_modules import CSV_COLUMNS, MODULES, RACING
from conformance.expectation import (
    NEVER,
    SENT_SECONDS,
    STAMP_SECONDS,
    Alive,
    Apart,
    CdrCount,
    CdrField,
    CdrLeg,
    CdrMicroseconds,
    CdrReadable,
    CdrsDiffer,
    CdrSeconds,
    CdrUncovered,
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
    OriginateCauses,
    Outcome,
    Precedes,
    SinceStimulus,
)
from conformance.observation import UNREADABLE, Observation, number_of

BOWOUT_APPLICATION = "uuid_bridge"
"""What the bowout executes on the real legs; no plan of a scenario does."""

_SECOND = 1_000_000
_TICK = round(STAMP_SECONDS * _SECOND)
"""In microseconds, as an event's time is."""

COMPARED = tuple(path for path in CSV_COLUMNS if path not in RACING)
"""Fields in which CDRs of one leg must agree, whichever module wrote them."""

_EXPANDED = frozenset("\\$\r\n")
"""Characters that a module may change in a value: expanded in a row, a line break in XML."""


class Unobservable:
    """The outcome of a fact whose precondition the observation does not meet."""


UNOBSERVABLE: Final = Unobservable()


def outcome(fact: Fact, seen: Observation) -> Outcome | Unobservable:
    """What the observation says of a fact."""
    return READERS[type(fact)](fact, seen)


def _leg_count(_: LegCount, seen: Observation) -> Outcome:
    return len(seen.uuids) + len(seen.strangers)


def _exists(fact: Exists, seen: Observation) -> Outcome:
    return fact.leg in seen.uuids


def _destroyed(fact: Destroyed, seen: Observation) -> Outcome | Unobservable:
    uuid = seen.uuids.get(fact.leg)
    if uuid is None:
        return UNOBSERVABLE
    return uuid not in seen.placement.swept and bool(seen.named(fact.leg, "CHANNEL_DESTROY"))


def _alive(fact: Alive, seen: Observation) -> Outcome | Unobservable:
    event = seen.found[fact.after]
    if event is None:
        return UNOBSERVABLE
    alive = []
    for role in seen.uuids:
        if role in fact.due:
            continue
        # Not CHANNEL_CREATE: the leg's own thread sends it, which may be late.
        gone = seen.first(role, "CHANNEL_HANGUP")
        began = seen.by_leg[role][0].sequence < event.sequence
        grace = SENT_SECONDS * 1e6 if role in fact.leaving else 0
        soon = gone is not None and grace and gone.at <= event.at + grace
        if began and not soon and (gone is None or gone.sequence > event.sequence):
            alive.append(role)
    return tuple(sorted(alive))


def _count(fact: Count, seen: Observation) -> Outcome:
    events = seen.by_name.get((fact.leg, fact.event), ())
    if fact.application is None:
        return len(events)
    return sum(event.get("Application") == fact.application for event in events)


def _header(fact: Header, seen: Observation) -> Outcome | Unobservable:
    found = seen.found[fact.at]
    return found.get(fact.name) if found else UNOBSERVABLE


def _leg_named(fact: LegNamed, seen: Observation) -> Outcome | Unobservable:
    found = seen.found[fact.at]
    return _role(seen, found.get(fact.name)) if found else UNOBSERVABLE


def _elapsed(fact: Elapsed, seen: Observation) -> Outcome | Unobservable:
    seconds = 0.0
    for span in (*fact.before, fact):
        begun = [seen.found[ref] for ref in span.since]
        if any(event is None for event in begun):
            return UNOBSERVABLE
        ended = seen.found[span.until]
        if ended is None:
            return NEVER
        length = ended.at - max(event.at for event in begun if event)
        seconds += (length if span is fact else max(0, length)) / 1e6
    return round(seconds, 3)


def _apart(fact: Apart, seen: Observation) -> Outcome | Unobservable:
    first, second = seen.found[fact.one], seen.found[fact.other]
    if first is None and second is None:
        return UNOBSERVABLE
    if first is None or second is None:
        return NEVER
    return round(abs(first.at - second.at) / 1e6, 3)


def _since_stimulus(fact: SinceStimulus, seen: Observation) -> Outcome | Unobservable:
    at = next((a.at for a in seen.placement.applied if a.index == fact.index), None)
    if at is None:
        return UNOBSERVABLE
    ended = seen.found[fact.until]
    return NEVER if ended is None else round((ended.at - at) / 1e6, 3)


def _precedes(fact: Precedes, seen: Observation) -> Outcome | Unobservable:
    one, other = seen.found[fact.first], seen.found[fact.second]
    if one is None:
        return UNOBSERVABLE
    return other is None or one.sequence < other.sequence


def _executed(fact: Executed, seen: Observation) -> Outcome | Unobservable:
    if fact.leg not in seen.uuids:
        return UNOBSERVABLE
    names = (event.get("Application") for event in seen.named(fact.leg, "CHANNEL_EXECUTE"))
    return tuple(name for name in names if name and name != BOWOUT_APPLICATION)


def _originate_causes(fact: OriginateCauses, seen: Observation) -> Outcome | Unobservable:
    found = seen.found[fact.at]
    if found is None:
        return UNOBSERVABLE
    listed = found.headers.get("variable_originate_causes", [])
    if isinstance(listed, str):  # as a client may give it that leaves lists as they are sent
        listed = listed.removeprefix("ARRAY::").split("|:")
    parts = (text.partition(";") for text in listed)
    return tuple(f"{_role(seen, uuid)} {cause}" for uuid, _, cause in parts)


def _cdr_count(fact: CdrCount, seen: Observation) -> Outcome | Unobservable:
    key = (fact.leg, fact.module)
    return int(seen.cdrs[key] is not None) if key in seen.cdrs else UNOBSERVABLE


def _cdr_readable(fact: CdrReadable, seen: Observation) -> Outcome | Unobservable:
    cdr = seen.cdrs.get((fact.leg, fact.module))
    return UNOBSERVABLE if cdr is None else UNREADABLE not in cdr


def _cdr_field(fact: CdrField, seen: Observation) -> Outcome | Unobservable:
    cdr = seen.readable_cdrs.get((fact.leg, fact.module))
    return UNOBSERVABLE if cdr is None else cdr.get(fact.path)


def _cdr_leg(fact: CdrLeg, seen: Observation) -> Outcome | Unobservable:
    cdr = seen.readable_cdrs.get((fact.leg, fact.module))
    return UNOBSERVABLE if cdr is None else _role(seen, cdr.get(fact.path))


def _cdr_seconds(fact: CdrSeconds, seen: Observation) -> Outcome | Unobservable:
    cdr, found = seen.readable_cdrs.get((fact.leg, fact.module)), seen.found
    since, until = found[fact.since], found[fact.until]
    if cdr is None or since is None or until is None:
        return UNOBSERVABLE
    text = cdr.get(fact.path)
    if text is None or (number := number_of(text)) is None:
        return text
    ending = found[fact.ending] or until
    # The switch cuts both ends to whole seconds of the clock before it subtracts.
    if number == until.at // _SECOND - since.at // _SECOND:
        return 0.0
    least = (ending.at - _TICK) // _SECOND - (since.at + _TICK) // _SECOND
    most = (until.at + _TICK) // _SECOND - (since.at - _TICK) // _SECOND
    return float(min(0, number - least) or max(0, number - most))


def _cdr_microseconds(fact: CdrMicroseconds, seen: Observation) -> Outcome | Unobservable:
    cdr, found = seen.readable_cdrs.get((fact.leg, fact.module)), seen.found
    since, until = found[fact.since], found[fact.until]
    if cdr is None or since is None or until is None:
        return UNOBSERVABLE
    text = cdr.get(fact.path)
    if text is None or (number := number_of(text)) is None:
        return text
    return round((number - (until.at - since.at)) / 1e6, 3)


def _cdr_uncovered(fact: CdrUncovered, seen: Observation) -> Outcome | Unobservable:
    spans = []
    for leg in (fact.leg, fact.by):
        cdr = seen.readable_cdrs.get((leg, fact.module))
        if cdr is None:
            return UNOBSERVABLE
        for name in ("answer_uepoch", "end_uepoch"):
            text = cdr.get(f"variables.{name}")
            if text is None or (number := number_of(text)) is None:
                return text
            spans.append(number)
    begun, ended, by_begun, by_ended = spans
    return round((max(0, by_begun - begun) + max(0, ended - by_ended)) / 1e6, 3)


def _cdrs_differ(fact: CdrsDiffer, seen: Observation) -> Outcome | Unobservable:
    cdrs = {
        module: cdr
        for module in MODULES
        if (cdr := seen.readable_cdrs.get((fact.leg, module))) is not None
    }
    if len(cdrs) < 2:
        return UNOBSERVABLE
    if seen.alike:
        return ()
    rows = [[*map(cdr.get, COMPARED, repeat(""))] for cdr in cdrs.values()]
    differing = []
    for path, *values in zip(COMPARED, *rows, strict=True):
        told = set(values) if path not in fact.unsettled else ()
        if len(told) > 1 and not any(_EXPANDED & set(value) for value in told):
            each = zip(cdrs, values, strict=True)
            spelt = ", ".join(f"{value or 'none'} in {module}" for module, value in each)
            differing.append(f"{path}: {spelt}")
    return tuple(differing)


def _role(seen: Observation, text: str | None) -> str | None:
    return seen.roles.get(text, text) if text else None


READERS: Mapping[type[Fact], Callable[[Any, Observation], Outcome | Unobservable]] = {
    LegCount: _leg_count,
    Exists: _exists,
    Destroyed: _destroyed,
    Alive: _alive,
    Count: _count,
    Header: _header,
    LegNamed: _leg_named,
    Elapsed: _elapsed,
    Apart: _apart,
    SinceStimulus: _since_stimulus,
    Precedes: _precedes,
    Executed: _executed,
    OriginateCauses: _originate_causes,
    CdrCount: _cdr_count,
    CdrReadable: _cdr_readable,
    CdrField: _cdr_field,
    CdrLeg: _cdr_leg,
    CdrSeconds: _cdr_seconds,
    CdrMicroseconds: _cdr_microseconds,
    CdrUncovered: _cdr_uncovered,
    CdrsDiffer: _cdrs_differ,
}
"""How each kind of fact is read."""


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
            return f"{_name(name)} at {_event(at)}"
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
        case OriginateCauses(at):
            return f"whom {at.leg} dialled, with causes, by variable originate_causes"
        case CdrCount(leg, module):
            return f"the number of {module} records of {leg}"
        case CdrReadable(leg, module):
            return f"whether the {module} record of {leg} can be read"
        case CdrField(leg, module, path) | CdrLeg(leg, module, path):
            return f"{path} in the {module} record of {leg}"
        case CdrSeconds(leg, module, path) | CdrMicroseconds(leg, module, path):
            return f"{path} in the {module} record of {leg}, against its events,"
        case CdrUncovered(leg, by, module):
            return f"the answered time of {leg} that {by} lacks in the {module} records"
        case CdrsDiffer(leg):
            return f"what differs between the records of {leg}"


def _span(span: Elapsed) -> str:
    last = " and ".join(dict.fromkeys(_event(ref) for ref in span.since))
    return f"from {last} to {_event(span.until)}"


def _name(name: str) -> str:
    variable = name.removeprefix("variable_")
    return variable if variable == name else f"variable {variable}"


def _event(ref: EventRef) -> str:
    number = {0: "", 1: "", -1: "the last "}.get(ref.number, f"number {ref.number} of ")
    application = f" {ref.application}" if ref.application else ""
    return f"{number}{ref.event}{application} of {ref.leg}"
