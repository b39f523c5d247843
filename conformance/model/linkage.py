"""Linkage: what the CDRs of a call say of each other (facts, section 4)."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.cdr_modules import MODULES
from conformance.expectation import (
    CdrField,
    CdrLeg,
    CdrUncovered,
    Claim,
    Within,
    kept,
    one_of,
    only,
)
from conformance.model.cdr import dialler_of
from conformance.model.course import Course, Leaving, Leg
from conformance.model.durations import NOTICED_AT_MOST
from conformance.scenario import Scenario, pairs

_AT_ONCE = 0.1
"""Within how long (seconds) after its partner a leg may end before it was told of the cause."""

_ALL_BUT_NOTICING = Within(0.0, NOTICED_AT_MOST, 0.0)
"""What may be uncovered (seconds), of both ends together: a real leg notices its answer late."""


def claims(
    scenario: Scenario, course: Course, every: tuple[str, ...] = MODULES, *, alike: bool = False
) -> list[Claim]:
    """The claims about CDRs of one call against each other, as `cdr.claims` has them."""
    modules = every[:1] if alike else every
    if any(leaving.how == "execute" for leaving in course.leavings):
        return []  # a leg that takes over an extension dials, and carries the variables of another
    found: list[Claim] = []
    for role, leg in course.legs.items():
        if leg.lost:
            continue
        heard = frozenset[str | None]()
        if leg.heard:
            heard = _heard(course, leg)
        found += _linked(modules, role, dialler_of(scenario, role), heard)
    for leaving in course.leavings:
        if leaving.how == "bridge" and not leaving.staying:
            found += _conserved(modules, scenario, course, leaving)
    return found


def _heard(course: Course, leg: Leg) -> frozenset[str | None]:
    """The causes that a leg may know of: of a partner that ended just now perhaps not yet.

    An empty set where it may then know that of any of several, of which nothing is claimed.
    """
    found: frozenset[str | None] = frozenset()
    for role in (leg.heard, leg.heard_before):
        if not role:
            break
        found |= course.legs[role].causes
        if leg.gone - course.legs[role].gone > _AT_ONCE:
            return found
    return frozenset() if leg.hearsay else found | {None}


@kept
def _linked(
    modules: tuple[str, ...], role: str, dialler: str | None, heard: frozenset[str | None]
) -> Iterator[Claim]:
    """Who dialled the leg, and with which cause the last leg ended that was bridged to it."""
    for module in modules:
        dialled = CdrLeg(role, module, "variables.originating_leg_uuid")
        yield Claim("cdr.originating-leg", role, dialled, only(dialler))
        if heard:
            cause = CdrField(role, module, "variables.last_bridge_hangup_cause")
            yield Claim("cdr.cause-of-partner", role, cause, one_of(*heard))


def _conserved(
    modules: tuple[str, ...], scenario: Scenario, course: Course, leaving: Leaving
) -> Iterator[Claim]:
    """The real legs are billed for all the time for which their loopback legs are, and after it."""
    pair = pairs(scenario)[leaving.pair - 1]
    for loopback, real in zip((pair.leg_a, pair.leg_b), leaving.acquired, strict=True):
        if course.legs[real].answered <= course.legs[loopback].answered:
            for module in modules:
                uncovered = CdrUncovered(loopback, real, module)
                yield Claim("cdr.billsec-conserved", real, uncovered, _ALL_BUT_NOTICING)
