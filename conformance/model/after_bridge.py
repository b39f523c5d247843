"""After a bridge: a leg that is told to park, to be transferred or to execute (facts, section 4).

Such a leg neither goes on with its plan nor leaves, and a pair of them stays behind a bowout.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from conformance.expectation import (
    Claim,
    Count,
    Executed,
    only,
)
from conformance.model.course import Course, Leaving
from conformance.model.variables import is_true
from conformance.scenario import Action, Answer, HangUp, Park, Scenario, Sleep

PARK, TRANSFER, EXECUTE = "park", "transfer", "execute"

PARK_VARIABLE = "park_after_bridge"
"""The variable that tells a leg to park."""

_TELLING = frozenset({PARK_VARIABLE, "transfer_after_bridge", "exec_after_bridge_app"})
"""The variables of which one tells a leg that it is to do something after its bridge."""

TOO_LATE = "transfer too late"
"""How a leg goes that is transferred as it is hung up: only its CDR shows that (measured)."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a leg is told to do after its bridge: `how`, and the actions that it then executes.

    A leg that is told to park executes nothing.
    """

    how: str
    plan: tuple[Action, ...] = ()


def told(variables: Mapping[str, str], *, calls: bool) -> Told | None:
    """What a leg's variables tell it to do when its bridge ends, None if nothing.

    `calls` is whether it dialled its peer. What is executed comes last on such a leg, first on one
    that was dialled.
    """
    if _TELLING.isdisjoint(variables):
        return None
    execute, *others = _executed(variables), _parked(variables), _transferred(variables)
    ways = (*others, execute) if calls else (execute, *others)
    return next(filter(None, ways), None)


def is_told(variables: Mapping[str, str], how: str, *, calls: bool) -> bool:
    """Whether that is what a leg is told to do."""
    one = told(variables, calls=calls)
    return one is not None and one.how == how


def _parked(variables: Mapping[str, str]) -> Told | None:
    return Told(PARK) if is_true(variables.get(PARK_VARIABLE, "")) else None


def _transferred(variables: Mapping[str, str]) -> Told | None:
    """`<extension>[:<dialplan>[:<context>]]`; an extension that is not inline is nowhere."""
    where = variables.get("transfer_after_bridge")
    if not where:
        return None
    extension, _, dialplan = where.partition(":")
    if dialplan.split(":")[0].lower() != "inline":
        return Told(TRANSFER)
    return Told(TRANSFER, tuple(_action(name, "") for name in extension.split(",")))


def _executed(variables: Mapping[str, str]) -> Told | None:
    application = variables.get("exec_after_bridge_app")
    if not application:
        return None
    argument = variables.get("exec_after_bridge_arg", "")
    return Told(EXECUTE, (_action(application, argument),))


def _action(application: str, argument: str) -> Action:
    match application:
        case "park":
            return Park()
        case "answer":
            return Answer()
        case "sleep":
            return Sleep(int(argument) if argument.isdecimal() else 0)
        case _:
            return HangUp(argument or "NORMAL_CLEARING")


# --- claims --------------------------------------------------------------------------------------

_CLAUSES = {
    PARK: "legs.parks-after-bridge",
    TRANSFER: "legs.transferred-after-bridge",
    EXECUTE: "legs.executes-after-bridge",
}


def claims(scenario: Scenario, course: Course) -> Iterator[Claim]:
    """The claims about legs that were told what to do after a bridge.

    Not of a pair that leaves with its bowout, whose other leg may be ahead.
    """
    bowed_out = {role for leaving in course.leavings for role in leaving.legs}
    for role, leg in course.legs.items():
        if leg.lost or role in bowed_out:
            continue
        for how in leg.told:
            if how in _CLAUSES:
                yield from _does(_CLAUSES[how], role, leg.parks, leg.applications)


def keeps(course: Course, leaving: Leaving) -> bool:
    """Whether legs of a pair stay at a bowout as they were told to, not by threads that collide."""
    return any(course.legs[role].told for role in leaving.staying)


def kept(course: Course, leaving: Leaving) -> Iterator[Claim]:
    """What each leg of a pair does that a bowout leaves behind."""
    if not keeps(course, leaving):
        return
    for role in leaving.staying:
        leg = course.legs[role]
        if not leg.lost:
            yield from _does("bowout.after-bridge-keeps-pair", role, leg.parks, leg.applications)


def _does(clause: str, role: str, parks: int, applications: tuple[str, ...]) -> Iterator[Claim]:
    yield Claim(clause, role, Count(role, "CHANNEL_PARK"), only(parks))
    yield Claim(clause, role, Executed(role), only(applications))
