"""CDRs: how many there are, and what each leg's says (wiki, CDR Handling; facts, section 4)."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.expectation import (
    CdrCount,
    CdrField,
    CdrLeg,
    CdrMicroseconds,
    CdrReadable,
    CdrSeconds,
    Claim,
    EventRef,
    Precedes,
    Within,
    kept,
    one_of,
    only,
)
from conformance.facts import STAMP_SECONDS
from conformance.model.after_bridge import TOO_LATE, TRANSFER
from conformance.model.course import NEVER, Course, Leg
from conformance.model.deflect import DEFLECT
from conformance.model.wanted import WANTED, Wanted, wanted
from conformance.scenario import ExtensionTarget, Scenario, numbered, pairs

MODULES = ("json_cdr", "xml_cdr")
"""The modules whose CDRs are judged."""

_EXACT = Within(0.0, 0.0, 0.0)
_EXACT_ENOUGH = Within(-STAMP_SECONDS, STAMP_SECONDS, 0.0)
"""A leg's thread, which sends the event, may run later than the leg got its stamp."""


def claims(scenario: Scenario, course: Course) -> Iterator[Claim]:
    """The claims about CDRs."""
    executed = {role for one in course.leavings if one.how == "execute" for role in one.acquired}
    for module in MODULES:
        marked = module == "xml_cdr" and _has_markup(scenario)
        for role, leg in course.legs.items():
            if leg.lost:
                continue
            asked = _wanted(scenario, course, leg)
            answered = leg.answered != NEVER
            yield from _own(role, module, marked, asked, leg.causes, answered, role in executed)
            yield from _bridged(course, leg, module)
            yield from _bowed_out(course, leg, module)
            yield from _dialled(scenario, course, leg, module)
        for pair in pairs(scenario):
            for role, other in ((pair.leg_a, pair.leg_b), (pair.leg_b, pair.leg_a)):
                if role in course.legs:
                    named = CdrLeg(role, module, "variables.other_loopback_leg_uuid")
                    yield Claim("cdr.other-loopback-leg", role, named, only(other))
                    if _transferred(course.legs[role]):
                        continue
                    if isinstance(pair.target, ExtensionTarget) and pair.target.text:
                        path = "callflow.0.caller_profile.destination_number"
                        dialled = CdrField(role, module, path)
                        extension = only(pair.target.extension)
                        yield Claim("cdr.destination", role, dialled, extension)


_ASKING = ("process_cdr", "skip_cdr_causes", "force_process_cdr")


def _wanted(scenario: Scenario, course: Course, leg: Leg) -> Wanted:
    """Whether a leg has CDRs."""
    profile = scenario.profile
    seen = {**dict(profile.global_variables), **leg.variables}
    if profile.log_b_leg and not any(name in seen for name in _ASKING):
        return WANTED
    dialled = not _transferred(leg) and any(one.caller == leg.role for one in course.bridges)
    return wanted(
        seen,
        leg.causes,
        log_b_leg=profile.log_b_leg,
        was_dialled=_was_dialled(scenario, course, leg),
        dialled=dialled,
    )


def _was_dialled(scenario: Scenario, course: Course, leg: Leg) -> bool:
    """Whether the leg's newest caller profile tells of a channel that dialled it."""
    if _transferred(leg):
        return False
    if leg.role == "a-leg":
        bowed_out = any(leg.role in leaving.acquired for leaving in course.leavings)
        return not scenario.has_a_leg and not bowed_out
    if any(leg.role in one.acquired for one in course.leavings if one.how == "execute"):
        return False
    dialled = leg.role.startswith(("loopback-a", "b-leg"))
    return dialled and (scenario.has_a_leg or leg.role != "loopback-a")


def _transferred(leg: Leg) -> bool:
    """Whether its newest caller profile is that of a transfer, which knows no other channel."""
    return not {TRANSFER, TOO_LATE, DEFLECT}.isdisjoint(leg.told)


def _dialled(scenario: Scenario, course: Course, leg: Leg, module: str) -> Iterator[Claim]:
    """Who dialled the leg and whom it dialled, by the newest segment of its CDR.

    A bowout by bridge makes the caller of the new bridge dial its peer.
    """
    if any(leaving.how != "bridge" or len(leaving.legs) > 2 for leaving in course.leavings):
        return  # in a chain two pairs may both bring about a bowout, one after the other
    dialler, dialled = dialler_of(scenario, leg.role), _reached(scenario, course, leg.role)
    for leaving in course.leavings:
        near, far = leaving.acquired
        if leg.role == near:
            dialler, dialled = None, {far}
        elif leg.role == far:
            dialler, dialled = near, {None}
    if _transferred(leg):
        dialler, dialled = None, {None}
    for clause, relation, roles in (
        ("cdr.dialled-by", "originator", {dialler}),
        ("cdr.dialled-whom", "originatee", dialled),
    ):
        path = f"callflow.0.caller_profile.{relation}.{relation}_caller_profiles.0.uuid"
        yield Claim(clause, leg.role, CdrLeg(leg.role, module, path), one_of(*roles))


def dialler_of(scenario: Scenario, role: str) -> str | None:
    """The leg that dials the leg of this role, None where none does."""
    if role == "a-leg":
        return None if scenario.has_a_leg else "loopback-a"
    for pair in pairs(scenario):
        if role == pair.leg_a and pair.outer:
            return numbered("loopback-b", pair.outer)
        if any(step.b_leg == role for step in pair.steps):
            return pair.leg_b
    return "a-leg" if role == "loopback-a" and scenario.has_a_leg else None


def _reached(scenario: Scenario, course: Course, role: str) -> set[str | None]:
    """The last leg that it dialled and was bridged to, or one that went as it was reached."""
    lasting: list[str | None] = [
        bridge.peer
        for bridge in course.bridges
        if bridge.caller == role and bridge.until > bridge.since
    ]
    brief = {
        other.role
        for other in course.legs.values()
        if dialler_of(scenario, other.role) == role
        and min(other.early, other.answered) < NEVER
        and other.role not in lasting
    }
    return {*brief, *(lasting[-1:] or [None])}


def _has_markup(scenario: Scenario) -> bool:
    """Whether a value could end up in the data of an application that a CDR lists."""
    return "<" in scenario.text or "&" in scenario.text


@kept
def _own(
    role: str,
    module: str,
    marked: bool,
    asked: Wanted,
    causes: frozenset[str],
    answered: bool,
    executed: bool,
) -> Iterator[Claim]:
    """The CDR of a leg is there, and what it says of the leg alone."""
    written = one_of(*map(int, asked.outcomes))
    yield Claim(f"cdr.{asked.clause}", role, CdrCount(role, module), written)
    readable = one_of(True, False) if marked else only(True)
    yield Claim("cdr.well-formed", role, CdrReadable(role, module), readable)

    def field(name: str) -> CdrField:
        return CdrField(role, module, f"variables.{name}")

    ended = EventRef(role, "CHANNEL_HANGUP_COMPLETE")
    yield Claim("cdr.hangup-cause", role, field("hangup_cause"), one_of(*causes))
    created = EventRef(role, "CHANNEL_CREATE")
    duration = CdrSeconds(role, module, "variables.duration", created, ended)
    yield Claim("cdr.duration", role, duration, _EXACT)
    exact = CdrMicroseconds(role, module, "variables.uduration", created, ended)
    yield Claim("cdr.exact-duration", role, exact, _EXACT_ENOUGH)
    if not answered:
        yield Claim("cdr.billsec", role, field("billsec"), only("0"))
    else:
        begun = EventRef(role, "CHANNEL_ANSWER")
        billed = CdrSeconds(role, module, "variables.billsec", begun, ended)
        yield Claim("cdr.billsec", role, billed, _EXACT)
        exact = CdrMicroseconds(role, module, "variables.billusec", begun, ended)
        yield Claim("cdr.exact-duration", role, exact, _EXACT_ENOUGH)
    loopback = role.startswith("loopback")
    if not executed:
        set_here = only("1" if loopback else None)
        yield Claim("cdr.is-loopback", role, field("is_loopback"), set_here)
    if loopback:
        letter = "A" if role.startswith("loopback-a") else "B"
        yield Claim("cdr.loopback-leg", role, field("loopback_leg"), only(letter))


def _bridged(course: Course, leg: Leg, module: str) -> Iterator[Claim]:
    """The last bridge of the leg; a bridge that was over at once may not have been one.

    A loopback leg of a chain may be bridged once more by one pair's bowout, and go by another's.
    """
    if any(leg.role in one.legs and len(one.legs) > 2 for one in course.leavings):
        return
    partners = []
    for bridge in course.bridges:
        if leg.role in (bridge.caller, bridge.peer):
            partner = bridge.peer if bridge.caller == leg.role else bridge.caller
            partners.append((partner, bridge.until > bridge.since))
    lasting = [partner for partner, lasted in partners if lasted]
    if lasting:
        last = CdrLeg(leg.role, module, "variables.bridge_uuid")
        yield Claim("cdr.bridge-uuid", leg.role, last, one_of(lasting[-1], partners[-1][0]))


def _bowed_out(course: Course, leg: Leg, module: str) -> Iterator[Claim]:
    """About 2 s: counted down to 1 where the tick of the clock cuts it, 3 with the handling.

    Where loopback-b's thread is caught in its bridge its CDR waits for the end of the b-leg.
    """
    for leaving in course.leavings:
        own = leg.role == numbered("loopback-b", leaving.pair) and not leaving.staying
        if not (own and leaving.how == "bridge" and leaving.counted):
            continue
        last = max((b.since for b in course.bridges if b.caller == leg.role), default=NEVER)
        if leg.answered < last - 0.01:
            continue
        if leaving.clean:
            billsec = CdrField(leg.role, module, "variables.billsec")
            yield Claim("cdr.billsec-after-bowout", leg.role, billsec, one_of("1", "2", "3"))
        else:
            near, far = leaving.acquired
            # A b-leg that is told to park after its bridge stays when the a-leg is gone.
            ended = EventRef(near if course.legs[far].told else far, "CHANNEL_HANGUP")
            caught = Precedes(ended, EventRef(leg.role, "CHANNEL_HANGUP_COMPLETE"))
            yield Claim("cdr.billsec-after-bowout", leg.role, caught, only(True))
