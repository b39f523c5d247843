"""Dialling several: of what is dialled at once who is taken, what the others are told, who is next.

Nothing is claimed of a dial string that names one leg alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from conformance.expectation import (
    Claim,
    EventRef,
    Exists,
    Header,
    LegNamed,
    OriginateCauses,
    only,
)
from conformance.model.course import Attempt, Course
from conformance.scenario import Dialled, Scenario, pairs


def claims(scenario: Scenario, course: Course) -> Iterator[Claim]:
    """The claims about dial strings that name several legs."""
    forks = course.forks
    for fork in forks:
        yield from _taken(course, fork)
    for caller in dict.fromkeys(fork.caller for fork in forks):
        yield from _in_turn(scenario, course, caller)
        yield from _told(course, caller)


def losers(course: Course) -> frozenset[str]:
    """The legs that end because another one was taken, and for nothing else."""
    if not course.forks:
        return frozenset()
    return frozenset(
        leg
        for fork in course.forks
        for leg in fork.legs
        if fork.taken and course.legs[leg].causes == {"LOSE_RACE"}
    )


def behind_losers(scenario: Scenario, course: Course) -> frozenset[str]:
    """The real legs that the loopback-b of a pair that lost had dialled, further in too."""
    lost = losers(course)
    if not lost:
        return lost
    found: set[str] = set()
    for pair in pairs(scenario):
        if pair.leg_a in lost:
            lost |= _dialled_by(scenario, pair.leg_b)
            found |= _dialled_by(scenario, pair.leg_b) & course.legs.keys()
    return frozenset(leg for leg in found if not leg.startswith("loopback"))


def _dialled_by(scenario: Scenario, caller: str) -> frozenset[str]:
    return frozenset(leg for leg, by in scenario.diallers.items() if by == caller)


def _taken(course: Course, fork: Attempt) -> Iterator[Claim]:
    """The first that is reached is bridged to the caller; the others lose the race."""
    if not fork.taken or len(fork.legs) < 2:
        return
    own = [bridge for bridge in course.bridges if bridge.caller == fork.caller]
    for number, bridge in enumerate(own, 1):
        if bridge.peer == fork.taken and bridge.until > bridge.since:
            peer = LegNamed(EventRef(fork.caller, "CHANNEL_BRIDGE", number), "Bridge-B-Unique-ID")
            yield Claim("legs.first-reached-is-taken", fork.taken, peer, only(fork.taken))
    lost = losers(course)
    for leg in (one for one in fork.legs if one in lost):
        ended = Header(EventRef(leg, "CHANNEL_HANGUP"), "Hangup-Cause")
        yield Claim("legs.others-lose-race", leg, ended, only("LOSE_RACE"))
        at_end = EventRef(leg, "CHANNEL_HANGUP_COMPLETE")
        told = Header(at_end, "variable_group_dial_status")
        yield Claim("legs.others-lose-race", leg, told, only("loser"))


def _in_turn(scenario: Scenario, course: Course, caller: str) -> Iterator[Claim]:
    """What stands behind is dialled where all before it failed, and only there."""
    for one in _named_behind(scenario, caller):
        role = one.b_leg or pairs(scenario)[one.pair - 1].leg_a
        if one.null is None or one.null.refusal is None:
            there = Exists(role)
            yield Claim("legs.alternatives-in-turn", role, there, only(role in course.legs))


def _named_behind(scenario: Scenario, caller: str) -> Iterator[Dialled]:
    """What a caller's dial strings name behind the first alternative."""
    if caller == "a-leg":
        dials = [scenario.dials]
    else:
        (pair,) = (pair for pair in pairs(scenario) if pair.leg_b == caller)
        dials = [step.dials for step in pair.steps]
    for alternatives in dials:
        for alternative in alternatives[1:]:
            yield from alternative


def _told(course: Course, caller: str) -> Iterator[Claim]:
    """The caller's variables tell what came of its dialling, if it did not give up."""
    own = [attempt for attempt in course.attempts if attempt.caller == caller]
    last = own[-1]
    at_end = EventRef(caller, "CHANNEL_HANGUP_COMPLETE")
    if last.taken or last.cause:
        disposition = "SUCCESS" if last.taken else last.cause
        told = Header(at_end, "variable_originate_disposition")
        yield Claim("legs.caller-is-told-outcome", caller, told, only(disposition))
    causes = [_cause(course, attempt, leg) for attempt in own for leg in attempt.legs]
    if all(attempt.taken or attempt.cause for attempt in own) and "" not in causes:
        legs = [leg for attempt in own for leg in attempt.legs]
        listed = tuple(f"{leg} {cause}" for leg, cause in zip(legs, causes, strict=True))
        fact = OriginateCauses(at_end)
        yield Claim("legs.caller-is-told-causes", caller, fact, only(listed))


def _cause(course: Course, attempt: Attempt, leg: str) -> str:
    """The cause with which a leg was gone when its dialling ended, NONE if it was not."""
    if leg == attempt.taken:
        return "NONE"
    causes = course.legs[leg].causes
    return next(iter(causes)) if len(causes) == 1 else ""
