"""Confirming: a dialled leg executes an application before it is taken (facts, 2.2; measured).

`group_confirm_key=exec` with `group_confirm_file=<application> <argument>` lets the application
decide: the leg is taken when it is over, unless it hung the leg up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain

from conformance.expectation import (
    SENT_SECONDS,
    Claim,
    Elapsed,
    EventRef,
    Executed,
    Header,
    Within,
    one_of,
    only,
)
from conformance.model.course import NEVER, Course, Leg
from conformance.scenario import Action, HangUp, Scenario, SetVariable, Sleep, pairs

PREFIX = "group_confirm_"
"""Beginning of the names that make a leg confirm; loopback-a is rid of them as it is created."""

TAKEN_SECONDS = 0.2
"""How long it takes until a confirmed leg is bridged, among a hundred calls (measured)."""


def confirmation(variables: Mapping[str, str]) -> Action | None:
    """What a leg that is dialled with these variables executes to be confirmed, None if nothing.

    Known are `sleep`, `set` and `hangup`.
    """
    if variables.get(f"{PREFIX}key") != "exec":
        return None
    application, _, argument = variables.get(f"{PREFIX}file", "").partition(" ")
    match application:
        case "sleep":
            return Sleep(int(argument))
        case "hangup":
            return HangUp(argument)
        case "set":
            return SetVariable(*argument.split("=", 1))
        case _:
            return None


def confirming(variables: Mapping[str, str]) -> dict[str, str]:
    """Those of a channel's variables that make a leg confirm: no export is needed for them."""
    return {name: value for name, value in variables.items() if name.startswith(PREFIX)}


def confirms(scenario: Scenario) -> bool:
    """Whether a leg may have to be confirmed."""
    return PREFIX in scenario.text


def claims(scenario: Scenario, course: Course) -> Iterator[Claim]:
    """The claims about legs that are confirmed."""
    if not confirms(scenario):
        return
    for pair in pairs(scenario):
        leg_a, leg_b = course.legs.get(pair.leg_a), course.legs.get(pair.leg_b)
        if leg_a is None or leg_b is None or confirmation(leg_b.given) is None:
            continue
        clause = "legs.confirmed-on-loopback-a-too" if leg_a.confirmed else "legs.confirmed-once"
        ran = leg_a.applications
        # measured: once in 160 calls two threads begin it, 20 ms apart
        allowed = one_of(ran, (ran[0], *ran)) if leg_a.confirmed else only(ran)
        yield Claim(clause, leg_a.role, Executed(leg_a.role), allowed)
        alternatives = chain.from_iterable(step.dials for step in pair.steps)
        for dialled in chain.from_iterable(alternatives):
            if (b_leg := course.legs.get(dialled.b_leg)) and b_leg.confirmed:
                yield Claim(clause, b_leg.role, Executed(b_leg.role), only(b_leg.applications))
                yield from _taken(course, leg_b.role, b_leg)


def _taken(course: Course, caller: str, leg: Leg) -> Iterator[Claim]:
    """The b-leg is bridged when its application is over, or its bridge fails with that's cause."""
    action = leg.confirmed
    if isinstance(action, HangUp):
        ended = Header(EventRef(leg.role, "CHANNEL_HANGUP"), "Hangup-Cause")
        yield Claim("legs.confirmation-refuses", leg.role, ended, only(action.cause))
        return
    own = [bridge for bridge in course.bridges if bridge.caller == caller]
    numbers = [number for number, bridge in enumerate(own, 1) if bridge.peer == leg.role]
    if leg.answered == NEVER or not numbers:
        return
    seconds = action.milliseconds / 1000 if isinstance(action, Sleep) else 0.0
    begun = EventRef(leg.role, "CHANNEL_EXECUTE")
    taken = Elapsed((begun,), EventRef(caller, "CHANNEL_BRIDGE", numbers[0]))
    within = Within(seconds - SENT_SECONDS, seconds + TAKEN_SECONDS, seconds)
    yield Claim("legs.bridged-once-confirmed", leg.role, taken, within)
    at_end = Header(EventRef(leg.role, "CHANNEL_HANGUP_COMPLETE"), "variable_group_dial_status")
    yield Claim("legs.bridged-once-confirmed", leg.role, at_end, only("winner"))
