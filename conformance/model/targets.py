"""Targets: where loopback-b is routed and what it runs (wiki, Usage and Examples; facts, 2.1)."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.dialplan import EMPTY_EXTENSION, inherited_context, routed_context
from conformance.expectation import (
    Allowed,
    Claim,
    EventRef,
    Executed,
    Exists,
    Header,
    OneOf,
    kept,
    only,
)
from conformance.model import after_bridge
from conformance.model.applications import INSTANT, application_name
from conformance.model.course import Course
from conformance.model.legs import application_of
from conformance.model.variables import MAX_FORWARDS, forwards
from conformance.scenario import (
    ALegRunsDialplan,
    ApplicationTarget,
    BridgeAgain,
    ExtensionTarget,
    InlineTarget,
    Pair,
    PlayTone,
    Scenario,
    Sleep,
    pairs,
)

_EXHAUSTED = "EXCHANGE_ROUTING_ERROR"
"""Cause of a call for which no `max_forwards` is left."""


def claims(scenario: Scenario, course: Course) -> list[Claim]:
    """The claims about targets."""
    found: list[Claim] = []
    dialplan = "XML" if isinstance(scenario.origin, ALegRunsDialplan) else "xml"
    routed = {0: (inherited_context(scenario), dialplan)}
    for pair in pairs(scenario):
        context, dialplan = routed[pair.outer]
        own = getattr(pair.target, "dialplan", None) or dialplan
        routed[pair.number] = (routed_context(pair.target, context), own)
        if pair.leg_b in course.legs:
            found += _routed(pair, context, dialplan)
            found += _run(scenario, course, pair)
            found += _again(scenario, course, pair)
    return found


def _header(clause: str, leg: str, name: str, value: str | None) -> Claim:
    """What a leg has as it is created."""
    created = Header(EventRef(leg, "CHANNEL_CREATE"), name)
    return Claim(f"targets.{clause}", leg, created, only(value))


def _routed(pair: Pair, context: str, dialplan: str) -> list[Claim]:
    """Where loopback-b is routed; `context` and `dialplan` are its caller's."""
    target, leg = pair.target, pair.leg_b
    if isinstance(target, ExtensionTarget):
        return [
            _dialled(leg, target),
            *_in_context(leg, target.context, context),
            *_in_dialplan(leg, target.dialplan, dialplan),
        ]
    if isinstance(target, InlineTarget):
        given = _header("context-given", leg, "Caller-Context", target.context)
        return [given, *_in_dialplan(leg, "inline", dialplan)]
    return []


def _dialled(leg: str, target: ExtensionTarget) -> Claim:
    name = "Caller-Destination-Number"
    if target.text:
        number = target.extension or None  # an empty header is left out
        return _header("extension", leg, name, number)
    return _header("empty-extension-is-service", leg, name, EMPTY_EXTENSION)


@kept
def _in_context(leg: str, given: str | None, inherited: str) -> Iterator[Claim]:
    if given:
        yield _header("context-given", leg, "Caller-Context", given)
    elif given == "":
        yield _header("empty-context-inherits", leg, "Caller-Context", inherited)
    else:
        yield _header("context-inherited", leg, "Caller-Context", inherited)


@kept
def _in_dialplan(leg: str, given: str | None, inherited: str) -> Iterator[Claim]:
    if given:
        yield _header("dialplan-given", leg, "Caller-Dialplan", given)
    else:
        yield _header("dialplan-inherited", leg, "Caller-Dialplan", inherited)


def _run(scenario: Scenario, course: Course, pair: Pair) -> Iterator[Claim]:
    leg = course.legs[pair.leg_b]
    if leg.causes == {"NO_ROUTE_DESTINATION"} and not leg.applications:
        for role, other in course.legs.items():
            if other.causes == leg.causes:
                ended = Header(EventRef(role, "CHANNEL_HANGUP"), "Hangup-Cause")
                yield Claim("targets.no-route", role, ended, only("NO_ROUTE_DESTINATION"))
        return
    run = _executed(course, pair)
    transferred = isinstance(scenario.origin, ALegRunsDialplan)
    match pair.target:
        case ExtensionTarget():
            yield Claim("targets.plan-runs-on-loopback-b", leg.role, Executed(leg.role), run)
        case InlineTarget():
            yield Claim("targets.inline-runs-on-loopback-b", leg.role, Executed(leg.role), run)
            if leg.applications and not transferred:
                first = EventRef(leg.role, "CHANNEL_EXECUTE")
                emptied = Header(first, "Caller-Destination-Number")
                yield Claim("targets.inline-empties-destination", leg.role, emptied, only(None))
        case ApplicationTarget():
            yield Claim("targets.application-runs-once", leg.role, Executed(leg.role), run)
            yield from _application(pair)


def _again(scenario: Scenario, course: Course, pair: Pair) -> Iterator[Claim]:
    """A loop ends where `max_forwards` does only if that comes to loopback-b."""
    for step in pair.steps:
        if not isinstance(step.action, BridgeAgain):
            continue
        given = course.legs["a-leg"].given if "a-leg" in course.legs else {}
        further = pairs(scenario)[step.dials[0][0].pair - 1].leg_a
        there = further in course.legs
        if there and MAX_FORWARDS in given and forwards(given) <= pair.depth:
            yield Claim("targets.loop-is-not-limited", further, Exists(further), only(True))
        if course.legs[pair.leg_b].causes == {_EXHAUSTED}:
            clause = "targets.exported-max-forwards-ends-loop"
            ended = Header(EventRef(pair.leg_b, "CHANNEL_HANGUP"), "Hangup-Cause")
            yield Claim(clause, pair.leg_b, ended, only(_EXHAUSTED))
            yield Claim(clause, further, Exists(further), only(there))


def _executed(course: Course, pair: Pair) -> Allowed:
    """What loopback-b ran; at a bowout it may begin what comes next before it is hung up.

    So it may when the end of the other leg interrupts a sleep or a tone.
    """
    ran = course.legs[pair.leg_b].applications
    last = pair.steps[len(ran) - 1].action if 0 < len(ran) <= len(pair.steps) else None
    left = any(pair.leg_b in leaving.legs for leaving in course.leavings)
    if not (left or isinstance(last, Sleep | PlayTone)):
        return only(ran)
    allowed = {ran}
    for step in pair.steps[len(ran) :]:
        ran = (*ran, application_name(step.action))
        allowed.add(ran)
        if not isinstance(step.action, INSTANT):
            break
    told = after_bridge.told(course.legs[pair.leg_b].variables, calls=True) if left else None
    if told is not None:
        begun = course.legs[pair.leg_b].applications
        allowed.add((*begun, *(application_name(action) for action in told.plan)))
    return OneOf(frozenset(allowed))


def _application(pair: Pair) -> Iterator[Claim]:
    application, argument = application_of(pair)
    second = EventRef(pair.leg_b, "CHANNEL_EXECUTE", 2)
    given = Header(second, "Application-Data")
    yield Claim("targets.application-argument", pair.leg_b, given, only(argument))
    for leg in (pair.leg_a, pair.leg_b):
        at_end = EventRef(leg, "CHANNEL_HANGUP_COMPLETE")
        for name, value in (("loopback_app", application), ("loopback_app_arg", argument)):
            held = Header(at_end, f"variable_{name}")
            yield Claim("targets.application-variables", leg, held, only(value))
