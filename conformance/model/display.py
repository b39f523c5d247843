"""Display updates: who is at the other end, and how far a leg is told so (facts, 2.9)."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.cdr_modules import MODULES
from conformance.expectation import CdrField, Claim, EventRef, Header, only
from conformance.model.course import Course
from conformance.model.variables import is_true
from conformance.scenario import Scenario, UuidDisplay, pairs

UNSAID = "Outbound Call"
"""The name that legs show which nobody was told of."""


def claims(scenario: Scenario, course: Course) -> Iterator[Claim]:
    """The claims about display updates from outside."""
    deeds = [one.deed for one in scenario.stimuli if isinstance(one.deed, UuidDisplay)]
    if not deeds:
        return
    for role, leg in course.legs.items():
        if leg.lost:
            continue
        if leg.displays is not None:
            yield from _told(role, leg.displays)
        elif leg.shown is not None and not role.startswith("loopback"):
            yield from _shown(deeds, role, leg.shown)
    yield from _ignored(scenario, course, deeds)


def _told(role: str, who: tuple[str, str]) -> Iterator[Claim]:
    """loopback-a has a caller, loopback-b a callee of that name and number."""
    kind = "Caller" if role.startswith("loopback-a") else "Callee"
    at_end = EventRef(role, "CHANNEL_HANGUP_COMPLETE")
    for field, value in zip(("Name", "Number"), who, strict=True):
        told = Header(at_end, f"Caller-{kind}-ID-{field}")
        yield Claim("legs.display-crosses", role, told, only(value))
        if kind == "Caller":
            for module in MODULES:
                path = f"callflow.0.caller_profile.caller_id_{field.lower()}"
                recorded = CdrField(role, module, path)
                yield Claim("cdr.display-is-caller", role, recorded, only(value))


def _shown(deeds: list[UuidDisplay], role: str, who: tuple[str, str]) -> Iterator[Claim]:
    """A real leg was shown somebody, directly or by the loopback leg at the other end of a pair."""
    at_end = EventRef(role, "CHANNEL_HANGUP_COMPLETE")
    if any(deed.leg == role for deed in deeds):
        return
    for field, value in zip(("name", "number"), who, strict=True):
        shown = Header(at_end, f"variable_last_sent_callee_id_{field}")
        yield Claim("legs.display-reaches-real-leg", role, shown, only(value))


def _ignored(scenario: Scenario, course: Course, deeds: list[UuidDisplay]) -> Iterator[Claim]:
    """A loopback leg that ignores display updates lets none across."""
    if not scenario.has_a_leg or len(pairs(scenario)) > 1:
        return
    across = {"loopback-b": "loopback-a", "loopback-a": "loopback-b"}
    for deed in deeds:
        leg, other = course.legs.get(deed.leg), across.get(deed.leg, "")
        if leg is None or other not in course.legs or course.legs[other].displays:
            continue
        if is_true(leg.given.get("ignore_display_updates", "")):
            kind = "Caller" if other == "loopback-a" else "Callee"
            at_end = EventRef(other, "CHANNEL_HANGUP_COMPLETE")
            name = Header(at_end, f"Caller-{kind}-ID-Name")
            yield Claim("legs.display-ignored", other, name, only(UNSAID))
