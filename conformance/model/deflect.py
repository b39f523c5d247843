"""Deflecting: a loopback leg sends off whom the other leg is bridged to (facts, 2.9)."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.dialplan import deflected_context
from conformance.expectation import (
    SENT_SECONDS,
    Claim,
    EventRef,
    Executed,
    Header,
    SinceStimulus,
    Within,
    only,
)
from conformance.model.course import Course
from conformance.scenario import ALegRunsDialplan, Scenario, UuidDeflect

AT_ONCE = Within(-SENT_SECONDS, 0.2, 0.0)
"""The command waits for nothing; what it sends off begins 0.02 s later, or more on a busy host."""

DEFLECT = "deflect"


def claims(scenario: Scenario, course: Course) -> Iterator[Claim]:
    """The claims about legs that were deflected."""
    for index, stimulus in enumerate(scenario.stimuli):
        deed = stimulus.deed
        if not isinstance(deed, UuidDeflect):
            continue
        for role, leg in course.legs.items():
            if DEFLECT in leg.told and not leg.lost:
                yield Claim("legs.deflect-transfers", role, Executed(role), only(leg.applications))
                begun = EventRef(role, "CHANNEL_EXECUTE", leg.deflected + 1)
                at_once = SinceStimulus(index, begun)
                yield Claim("legs.deflect-transfers", role, at_once, AT_ONCE)
                ended = EventRef(role, "CHANNEL_HANGUP")
                dialplan = deed.dialplan or _own_dialplan(scenario, deed)
                routed = Header(ended, "Caller-Dialplan")
                yield Claim("legs.deflect-routes", role, routed, only(dialplan))
                context = Header(ended, "Caller-Context")
                allowed = only(deflected_context(scenario, deed))
                yield Claim("legs.deflect-routes", role, context, allowed)


def _own_dialplan(scenario: Scenario, deed: UuidDeflect) -> str:
    """That of the leg which is sent off; a transfer makes `XML` of none."""
    if deed.leg == "loopback-b":
        return "XML"
    inherited = "XML" if isinstance(scenario.origin, ALegRunsDialplan) else "xml"
    return getattr(scenario.target, "dialplan", None) or inherited
