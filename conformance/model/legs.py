"""Legs: which there are, what crosses from loopback-b to loopback-a, and how each leg ends."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from conformance.dialplan import EMPTY_EXTENSION
from conformance.dialstring import target_text
from conformance.expectation import (
    SENT_SECONDS,
    Alive,
    Claim,
    Count,
    Destroyed,
    EventRef,
    Executed,
    Exists,
    Header,
    LegCount,
    Precedes,
    kept,
    one_of,
    only,
)
from conformance.model.course import NEVER, Course, Leg
from conformance.model.dialling import behind_losers, losers
from conformance.model.durations import NOTICED_AT_MOST
from conformance.model.variables import is_true
from conformance.scenario import (
    ApplicationTarget,
    ExtensionTarget,
    InlineTarget,
    Pair,
    Scenario,
    UuidKill,
    null_bridges,
    pairs,
)

_NAME_BYTES = 127
"""A loopback leg's name is written to a buffer of 128 bytes."""


def claims(scenario: Scenario, course: Course) -> list[Claim]:
    """The claims about legs."""
    told_of = sum(not leg.unborn for leg in course.legs.values())
    found = [Claim("legs.no-other-legs", "", LegCount(), only(told_of))]
    lost, phones = losers(course), behind_losers(scenario, course)
    told = lost.union(leg for one in course.leavings for leg in one.legs if leg not in one.staying)
    for pair in pairs(scenario):
        if pair.leg_a in course.legs:
            if pair.outer:
                found += _silent(scenario, course, pair)
            found += _pair(course, pair, told)
    for role, bridge in null_bridges(scenario).items():
        if bridge.refusal is not None:
            refused = "legs.refused-target-has-no-leg"
            found.append(Claim(refused, role, Exists(role), only(False)))
    for role, leg in course.legs.items():
        found += _there(role, leg.lost)
        if not (leg.lost or role.startswith("loopback") or role in lost):
            phone = "losers-phone-is-cancelled" if role in phones else "cause-of-real-legs"
            found.append(ended(f"legs.{phone}", role, leg.causes))
    found += _bridges(course)
    found += _digits(scenario, course)
    found += _afterwards(scenario, course)
    return found


@kept
def _there(role: str, lost: bool) -> Iterator[Claim]:
    """A leg is one of those that the call has, and goes once, unless it may never end by itself."""
    yield Claim("legs.no-other-legs", role, Exists(role), only(True))
    if not lost:
        yield Claim("legs.all-gone-after-call", role, Destroyed(role), only(True))
        for event in ("CHANNEL_HANGUP", "CHANNEL_HANGUP_COMPLETE"):
            yield Claim("legs.all-gone-after-call", role, Count(role, event), only(1))


@lru_cache(maxsize=1 << 10)
def ended(clause: str, role: str, causes: frozenset[str]) -> Claim:
    """Why a leg ends."""
    cause = Header(EventRef(role, "CHANNEL_HANGUP"), "Hangup-Cause")
    return Claim(clause, role, cause, one_of(*causes))


def _bridges(course: Course) -> list[Claim]:
    """How often a leg is bridged to one that it dialled, or that a bowout gives it.

    A bridge that is over at once may not have come about, and in a chain two pairs may both bring
    about the bridge of a bowout, or dispute the leg that it bridges to.
    """
    callers = [bridge.caller for bridge in course.bridges]
    lasting = [bridge.caller for bridge in course.bridges if bridge.until > bridge.since]
    again = [
        caller
        for leaving in course.leavings
        if leaving.how == "disputed" or (leaving.how == "bridge" and len(leaving.legs) > 2)
        for caller in leaving.acquired[:-1]
    ]
    return [
        _bridged(role, lasting.count(role), callers.count(role) + again.count(role))
        for role in dict.fromkeys(callers)
    ]


@lru_cache
def _bridged(role: str, least: int, most: int) -> Claim:
    times = one_of(*range(least, most + 1))
    return Claim("legs.bridged-to-whom-it-dials", role, Count(role, "CHANNEL_BRIDGE"), times)


@lru_cache
def _name_of(role: str) -> Header:
    return Header(EventRef(role, "CHANNEL_CREATE"), "Channel-Name")


def _pair(course: Course, pair: Pair, told: frozenset[str]) -> list[Claim]:
    """What is said of both legs of a pair; of those that were `told` to go not the cause.

    The causes of a bowout are the bowout's, that of a leg that lost a race the dialling's.
    """
    leg_a, leg_b = course.legs[pair.leg_a], course.legs[pair.leg_b]
    # Both threads of loopback-b's bridge may find the b-leg answered, and answer either leg.
    twice = _bridged_before(course, leg_b)
    late = _goes_as_it_answers(course, leg_b)
    extension = _extension(pair)
    found: list[Claim] = []
    for leg, suffix in ((leg_a, "-a"), (leg_b, "-b")):
        name = only(_channel_name(extension + suffix))
        found.append(Claim("legs.named-after-target", leg.role, _name_of(leg.role), name))
        if not (leg.role in told or leg.lost):
            found.append(ended("legs.cause-crosses", leg.role, leg.causes))
        answered = leg.answered != NEVER
        answers = (1, 2) if twice else (0, 1) if late else (int(answered),)
        found += _crossed(leg.role, answers, leg.early != NEVER, leg.ringing != NEVER)
    found += _set_up(course, leg_b.role)
    return found


def _afterwards(scenario: Scenario, course: Course) -> Iterator[Claim]:
    """What the a-leg runs of its own dialplan, before the bridge and behind it."""
    if not getattr(scenario.origin, "afterwards", ()) or course.legs["a-leg"].lost:
        return
    if not any("a-leg" in one.acquired for one in course.leavings if one.how != "bridge"):
        ran = only(course.legs["a-leg"].applications)
        yield Claim("legs.caller-goes-on", "a-leg", Executed("a-leg"), ran)


def _silent(scenario: Scenario, course: Course, pair: Pair) -> Iterator[Claim]:
    """A loopback-b that is told not to pre-answer waits for the early media of whom it dials."""
    leg_a, caller = course.legs[pair.leg_a], course.legs[pairs(scenario)[pair.outer - 1].leg_b]
    told = is_true(caller.variables.get("loopback_no_pre_answer", ""))
    if not told or caller.early < leg_a.created:
        return
    if caller.early == NEVER:
        none = Count(caller.role, "CHANNEL_PROGRESS_MEDIA")
        yield Claim("legs.no-pre-answer", caller.role, none, only(0))
    elif leg_a.early <= caller.early:
        # Its own event may be behind: who dialled it takes its media before it has told of them.
        first = _brings_media(pair, course.legs[pair.leg_b])
        then = EventRef(caller.role, "CHANNEL_PROGRESS_MEDIA")
        yield Claim("legs.no-pre-answer", caller.role, Precedes(first, then), only(True))


def _brings_media(pair: Pair, leg_b: Leg) -> EventRef:
    """The last that loopback-b surely tells of before its early media.

    An application that needs media has them before it is told of.
    """
    number = sum(began < leg_b.early for began in leg_b.began)
    if isinstance(pair.target, ApplicationTarget) or not number:
        return EventRef(leg_b.role, "CHANNEL_CREATE")
    ended = leg_b.early in leg_b.began
    return EventRef(leg_b.role, "CHANNEL_EXECUTE" + "_COMPLETE" * ended, number)


@kept
def _crossed(role: str, answers: tuple[int, ...], early: bool, ringing: bool) -> Iterator[Claim]:
    """A leg of a pair is created, and what loopback-b signals reaches loopback-a."""
    yield Claim("legs.pair-is-created", role, Exists(role), only(True))
    yield Claim("legs.answer-crosses", role, Count(role, "CHANNEL_ANSWER"), one_of(*answers))
    for clause, event, came in (
        ("legs.early-media-crosses", "CHANNEL_PROGRESS_MEDIA", early),
        ("legs.ringing-crosses", "CHANNEL_PROGRESS", ringing),
    ):
        if came:
            yield Claim(clause, role, Count(role, event), only(1))


def _bridged_before(course: Course, leg_b: Leg) -> bool:
    """Whether loopback-b was bridged in early media, and answered then."""
    if leg_b.answered != NEVER:
        for bridge in course.bridges:
            if bridge.caller == leg_b.role and bridge.since < leg_b.answered:
                return True
    return False


def _goes_as_it_answers(course: Course, leg_b: Leg) -> bool:
    """Whether loopback-b goes as whom it dials or is bridged to is answered.

    Either leg of the pair may then be told answered, and the other be gone.
    """
    dialled = [leg for one in course.attempts if one.caller == leg_b.role for leg in one.legs]
    return leg_b.answered == NEVER and any(
        abs(leg_b.gone - course.legs[leg].answered) <= NOTICED_AT_MOST for leg in dialled
    )


def _set_up(course: Course, leg_b: str) -> Iterator[Claim]:
    """Who is there when loopback-b's own bridge to a real leg begins.

    Who has just gone may be told of a moment later; who goes soon may be there or not.
    """
    own = [bridge for bridge in course.bridges if bridge.caller == leg_b]
    bowouts = [leaving.at for leaving in course.leavings] if own else []
    for number, bridge in enumerate(own, 1):
        if not bridge.peer.startswith("loopback") and bridge.since not in bowouts:
            there, soon = course.there(bridge.since), going(course, bridge.since)
            due = tuple([leg for leg in soon if leg in there])
            gone = tuple([leg for leg in soon if leg not in there])
            staying = tuple([leg for leg in there if leg not in due])
            yield _together(leg_b, number, gone, due, staying)


@lru_cache(maxsize=1 << 9)
def _together(
    leg_b: str, number: int, gone: tuple[str, ...], due: tuple[str, ...], staying: tuple[str, ...]
) -> Claim:
    """At a bridge of loopback-b's all those are there that are not about to go."""
    bridged = Alive(EventRef(leg_b, "CHANNEL_BRIDGE", number), gone, due)
    return Claim("legs.bridged-call-has-all-legs", leg_b, bridged, only(staying))


def going(course: Course, at: float) -> tuple[str, ...]:
    """The legs that go at about this time."""
    return tuple(role for role, leg in course.legs.items() if abs(leg.gone - at) < SENT_SECONDS)


def _digits(scenario: Scenario, course: Course) -> Iterator[Claim]:
    """A digit that one loopback leg sends comes out of the other, to whom that is bridged."""
    deeds = [stimulus.deed for stimulus in scenario.stimuli]
    if not deeds or any(isinstance(deed, UuidKill) for deed in deeds):
        return
    if len(null_bridges(scenario)) != 1:
        return
    for sender, crossed in (("loopback-a", "b-leg"), ("loopback-b", "a-leg")):
        digits = course.legs[sender].digits if sender in course.legs else ""
        if digits and crossed in course.legs:
            at_end = EventRef(crossed, "CHANNEL_HANGUP_COMPLETE")
            queued = Header(at_end, "variable_null_channel_dtmf_queued")
            yield Claim("legs.dtmf-crosses", crossed, queued, only(digits))


def _extension(pair: Pair) -> str:
    """What a pair's legs are named after."""
    match pair.target:
        case ExtensionTarget():
            return pair.target.extension if pair.target.text else EMPTY_EXTENSION
        case InlineTarget():
            plan = tuple(step.action for step in pair.steps)
            return target_text(pair.target, plan).rsplit("/", 2)[0]
        case ApplicationTarget():
            return application_of(pair)[0]


def _channel_name(leg: str) -> str:
    """Name of a loopback leg, `leg` being the extension with -a or -b."""
    name = f"loopback/{leg}".encode(errors="surrogateescape")[:_NAME_BYTES]
    return name.decode(errors="surrogateescape")


def application_of(pair: Pair) -> tuple[str, str | None]:
    """Application and argument of an application target, None where it has no argument."""
    plan = tuple(step.action for step in pair.steps)
    text = target_text(pair.target, plan).removeprefix("app=")
    application, colon, argument = text.partition(":")
    return application, argument if colon else None
