"""Bowout: whether, when, in what order and with which events the loopback legs leave."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.expectation import (
    SENT_SECONDS,
    Alive,
    Apart,
    Claim,
    Count,
    Elapsed,
    EventRef,
    Executed,
    Header,
    LegNamed,
    OneOf,
    Precedes,
    SinceStimulus,
    Within,
    kept,
    one_of,
    only,
)
from conformance.model import after_bridge, legs
from conformance.model.course import NEVER, Course, Leaving
from conformance.model.variables import bowout_seconds, is_true
from conformance.profile import Profile
from conformance.scenario import ALegConsults, Pair, Scenario, UuidSetvar, pairs

STALL = Within(4.9, 8.0, 5.0)
"""5,000 turns of a loop that waits 1 ms, which a loaded host stretches: 5.1 to 6.2 s measured."""

HANDLING_SECONDS = 0.2
"""What a bowout takes: 0.06 s alone, up to 0.14 s among 100 calls in a container (measured).

The control calls, few beside the scenarios, do not see every stall of a hundred threads.
"""


def claims(scenario: Scenario, course: Course) -> Iterator[Claim]:
    """The claims about bowout."""
    for leaving in course.leavings:
        if leaving.how == "bridge":
            yield from _by_bridge(scenario, course, leaving)
            yield from _rejoined(scenario, course, leaving)
        elif leaving.how == "collided":
            yield from _by_bridge(scenario, course, leaving)
        elif leaving.how == "execute":
            yield from _on_execution(course, leaving)
        else:
            ran = Executed(leaving.acquired[0])
            expected = course.legs[leaving.acquired[0]].applications
            yield Claim("bowout.execute-hands-over", leaving.acquired[0], ran, only(expected))
    yield from _once(course)
    if not any(leaving.how in ("execute", "cancelled") for leaving in course.leavings):
        loopbacks = tuple(leg for leg in course.legs if leg.startswith("loopback"))
        yield from _no_events(loopbacks, scenario.profile.fire_bowout_on_bridge)
    if not course.leavings:
        yield from _none(scenario, course)


# --- by bridge ---


def _by_bridge(scenario: Scenario, course: Course, leaving: Leaving) -> Iterator[Claim]:
    """The pair leaves: when, together, with which cause, without an event of the module's."""
    pair = pairs(scenario)[leaving.pair - 1]
    yield from _due(scenario, course, leaving, pair)
    if leaving.staying:
        yield from after_bridge.kept(course, leaving)
        return
    first, *others = leaving.legs
    for leg in others:
        apart = Apart(EventRef(first, "CHANNEL_HANGUP"), EventRef(leg, "CHANNEL_HANGUP"))
        yield Claim("bowout.legs-leave-together", leg, apart, Within(0.0, SENT_SECONDS, 0.0))
    for leg in leaving.legs:
        ended = Header(EventRef(leg, "CHANNEL_HANGUP"), "Hangup-Cause")
        controlled = scenario.profile.bowout_controlled_hangup and leg in (pair.leg_a, pair.leg_b)
        clause = "bowout.controlled-cause" if controlled else "bowout.cause"
        yield Claim(clause, leg, ended, one_of(*course.legs[leg].causes))


def _rejoined(scenario: Scenario, course: Course, leaving: Leaving) -> Iterator[Claim]:
    """The real legs are bridged to each other, and are all that is left."""
    near, far = leaving.acquired
    pair = pairs(scenario)[leaving.pair - 1]
    number = sum(bridge.caller == near and bridge.since <= leaving.at for bridge in course.bridges)
    rejoined = EventRef(near, "CHANNEL_BRIDGE", number)
    own = sum(bridge.caller == near for bridge in course.bridges)
    bridged = one_of(*range(number, own + 1 + (len(leaving.legs) > 2)))
    yield Claim("bowout.bridges-real-legs", near, Count(near, "CHANNEL_BRIDGE"), bridged)
    peer = LegNamed(rejoined, "Bridge-B-Unique-ID")
    yield Claim("bowout.bridges-real-legs", near, peer, only(far))
    soon = [one.legs for one in course.leavings if abs(one.at - leaving.at) < SENT_SECONDS]
    going = tuple(leg for several in soon for leg in several if leg not in leaving.staying)
    going += legs.going(course, leaving.at)
    after = Alive(rejoined, going)
    left = only(tuple(leg for leg in course.there(leaving.at) if leg not in going))
    if leaving.staying:
        yield Claim("bowout.after-bridge-keeps-pair", near, after, left)
    elif not near.startswith("loopback") and not far.startswith("loopback"):
        yield Claim("legs.real-legs-stay-after-bowout", near, after, left)
    else:
        yield Claim("bowout.inner-refusal-keeps-inner-pair", near, after, left)
    yield from _marks(scenario.profile, leaving, pair)
    if scenario.profile.fire_bowout_on_bridge:
        yield from _told(leaving, pair)
    if near == "a-leg" and course.legs[near].given.get("loopback_bowout"):
        happened = Count("a-leg", "CHANNEL_EXECUTE", "uuid_bridge")
        yield Claim("bowout.not-refused-by-a-leg", "a-leg", happened, _times(course, near))


@kept
def _no_events(loopbacks: tuple[str, ...], fired: bool) -> Iterator[Claim]:
    """Only a bowout on execution sends an event of the module's, and one by bridge if told to."""
    for leg in loopbacks:
        for event in ("loopback::bowout",) if fired else ("loopback::bowout", "loopback::direct"):
            yield Claim("bowout.no-event-by-default", leg, Count(leg, event), only(0))


def _once(course: Course) -> Iterator[Claim]:
    """Each bowout by bridge executes uuid_bridge once on either leg that stays."""
    bridging = [leaving for leaving in course.leavings if leaving.how == "bridge"]
    for leg in sorted({role for leaving in bridging for role in leaving.acquired}):
        executed = Count(leg, "CHANNEL_EXECUTE", "uuid_bridge")
        yield Claim("bowout.uuid-bridge-once", leg, executed, _times(course, leg))


def _times(course: Course, leg: str) -> OneOf:
    """How many bowouts by bridge a leg that stays has.

    In a chain two pairs whose time has come may both bring the same one about.
    """
    own = [one for one in course.leavings if one.how == "bridge" and leg in one.acquired]
    twice = sum(len(leaving.legs) > 2 for leaving in own)
    return one_of(*range(len(own), len(own) + twice + 1))


def _due(scenario: Scenario, course: Course, leaving: Leaving, pair: Pair) -> Iterator[Claim]:
    """When the pair leaves: counted from the last condition, or from the lifted refusal."""
    until = EventRef(leaving.legs[0], "CHANNEL_HANGUP")
    if leaving.staying:
        # Not the end of the old bridge: the thread that runs it may be caught there.
        near = leaving.acquired[0]
        earlier = course.leavings[: course.leavings.index(leaving)]
        number = 1 + sum(one.how == "bridge" and near in one.acquired for one in earlier)
        until = EventRef(near, "CHANNEL_EXECUTE", number, "uuid_bridge")
    lifted = _lifted(scenario, pair)
    *before, last = _spans(course, leaving, pair, until)
    if leaving.counted:
        elapsed = Elapsed(last.since, until, tuple(before))
        clause = "sums-over-bridges" if before else "after-both-legs-answered"
        allowed = _after(bowout_seconds(scenario), pair, 1 + len(before))
        yield Claim(f"bowout.{clause}", until.leg, elapsed, allowed)
    elif lifted is not None and course.legs[pair.leg_b].created < leaving.at:
        elapsed_since = SinceStimulus(lifted, until)
        clause = "bowout.acts-when-refusal-is-lifted"
        yield Claim(clause, until.leg, elapsed_since, _after(0.0, pair))
    elif before:
        yield Claim("bowout.sums-over-bridges", until.leg, last, _after(0.0, pair))


def _lifted(scenario: Scenario, pair: Pair) -> int | None:
    """Index of the stimulus that lifts the pair's refusal: the later one where both legs refuse."""
    lifts = [
        (stimulus.at.delay_ms, index)
        for index, stimulus in enumerate(scenario.stimuli)
        if isinstance(stimulus.deed, UuidSetvar)
        and stimulus.deed.name == "loopback_bowout"
        and stimulus.deed.leg in (pair.leg_a, pair.leg_b)
        and (not stimulus.deed.value or is_true(stimulus.deed.value))
    ]
    return max(lifts)[1] if lifts else None


def _spans(course: Course, leaving: Leaving, pair: Pair, until: EventRef) -> list[Elapsed]:
    """For how long both legs were bridged and answered, bridge by bridge of loopback-b."""
    caller_of_a = next(b.caller for b in course.bridges if pair.leg_a in (b.peer, b.caller))
    own = [b for b in course.bridges if b.caller == pair.leg_b and b.since < leaving.at]
    return [
        Elapsed(
            (
                EventRef(caller_of_a, "CHANNEL_BRIDGE"),
                EventRef(pair.leg_b, "CHANNEL_BRIDGE", number),
                EventRef(pair.leg_a, "CHANNEL_ANSWER"),
                EventRef(pair.leg_b, "CHANNEL_ANSWER"),
            ),
            until if bridge is own[-1] else EventRef(bridge.peer, "CHANNEL_HANGUP"),
        )
        for number, bridge in enumerate(own, 1)
    ]


def _after(seconds: float, pair: Pair, spans: int = 1) -> Within:
    """The frames pass a thread for each pair and the a-leg's, a control call's only one.

    The events from which it counts may have been sent that much later than what they tell of, and
    those to which it counts too, in each span.
    """
    low, high = seconds - SENT_SECONDS * spans, seconds + HANDLING_SECONDS * spans
    return Within(low, high, seconds, threads=1 + pair.depth)


def _told(leaving: Leaving, pair: Pair) -> Iterator[Claim]:
    """Each leg of the pair tells who is connected, its own side first."""
    near, far = leaving.acquired
    once = only(1) if len(leaving.legs) == 2 else one_of(0, 1)
    for leg, own, other in ((pair.leg_a, near, far), (pair.leg_b, far, near)):
        told = EventRef(leg, "loopback::direct")
        yield Claim("bowout.direct-names-ends", leg, Count(leg, told.event), once)
        for letter, role in (("A", own), ("B", other)):
            named = LegNamed(told, f"Connecting-Leg-{letter}-UUID")
            yield Claim("bowout.direct-names-ends", leg, named, only(role))


def _marks(profile: Profile, leaving: Leaving, pair: Pair) -> Iterator[Claim]:
    """Set after the legs were told to leave, so an event or CDR may be ahead of them.

    With controlled hangup they are told after it.
    """
    if len(leaving.legs) > 2:
        return  # in a chain either pair may be the one
    near, far = leaving.acquired
    late = () if profile.bowout_controlled_hangup else (None,)
    for leg, real in ((pair.leg_a, near), (pair.leg_b, far)):
        at_end = EventRef(leg, "CHANNEL_HANGUP_COMPLETE")
        marked = Header(at_end, "variable_loopback_hangup_cause")
        yield Claim("bowout.marks-legs", leg, marked, one_of("bridge", *late))
        named = LegNamed(at_end, "variable_loopback_bowout_other_uuid")
        yield Claim("bowout.names-real-legs", leg, named, one_of(real, *late))


# --- on execution ---


def _on_execution(course: Course, leaving: Leaving) -> Iterator[Claim]:
    peer, resigning = leaving.legs
    (real,) = leaving.acquired
    sent = EventRef(resigning, "loopback::bowout")
    yield Claim("bowout.execute-sends-event", resigning, Count(resigning, sent.event), only(1))
    for header, role in (
        ("Resigning-UUID", resigning),
        ("Resigning-Peer-UUID", peer),
        ("Acquired-UUID", real),
    ):
        named = LegNamed(sent, header)
        yield Claim("bowout.execute-sends-event", resigning, named, only(role))
    ran = Executed(real)
    expected = course.legs[real].applications
    handed = one_of(expected, leaving.plan) if not leaving.clean else only(expected)
    yield Claim("bowout.execute-hands-over", real, ran, handed)
    for leg in leaving.legs:
        ended = Header(EventRef(leg, "CHANNEL_HANGUP"), "Hangup-Cause")
        causes = one_of(*course.legs[leg].causes)
        yield Claim("bowout.execute-cause", leg, ended, causes)
    at_end = EventRef(real, "CHANNEL_HANGUP_COMPLETE")
    letter = "A" if resigning.startswith("loopback-a") else "B"
    for name, value in (("loopback_hangup_cause", "bowout"), ("loopback_leg", letter)):
        held = Header(at_end, f"variable_{name}")
        yield Claim("bowout.execute-marks-acquired", real, held, only(value))
    if letter == "B":
        waited = Elapsed((EventRef(resigning, "CHANNEL_CREATE"),), sent)
        yield Claim("bowout.execute-waits-for-media", resigning, waited, STALL)


# --- none ---


def _none(scenario: Scenario, course: Course) -> Iterator[Claim]:
    """Why a pair that was bridged to a caller did not leave; the clause is that of the reason."""
    if "a-leg" not in course.legs:
        yield from _no_audio(scenario, course)
        return
    for pair in pairs(scenario):
        if pair.leg_a not in course.legs or pair.outer:
            continue
        clause = _reason(scenario, course, pair)
        if clause is None:
            continue
        happened = Count("a-leg", "CHANNEL_EXECUTE", "uuid_bridge")
        yield Claim(f"bowout.{clause}", pair.leg_a, happened, only(0))
        if clause == "refused" and scenario.ending is not None:
            ended = EventRef(scenario.ending.deed.leg, "CHANNEL_HANGUP")
            for leg in (pair.leg_a, pair.leg_b):
                if leg != ended.leg:
                    stays = Precedes(ended, EventRef(leg, "CHANNEL_HANGUP"))
                    yield Claim("legs.all-stay-without-bowout", leg, stays, only(True))


def _no_audio(scenario: Scenario, course: Course) -> Iterator[Claim]:
    """Without an a-leg nothing sends audio to the inner pair of a chain."""
    for bridge in course.bridges:
        if bridge.peer == "loopback-a2" and bridge.peer in course.legs:
            answered = max(bridge.since, course.legs[bridge.peer].answered)
            ended = min(bridge.until, course.legs[bridge.peer].gone)
            if ended - answered > bowout_seconds(scenario):
                happened = Count(bridge.caller, "CHANNEL_EXECUTE", "uuid_bridge")
                yield Claim("bowout.not-without-audio", bridge.peer, happened, only(0))


def _reason(scenario: Scenario, course: Course, pair: Pair) -> str | None:
    """Which condition was missing; None where the call is too short to tell."""
    due = bowout_seconds(scenario)
    leg_a, leg_b = course.legs[pair.leg_a], course.legs[pair.leg_b]
    consulted = isinstance(scenario.origin, ALegConsults) and pair.number == 1
    bridged_a = [b for b in course.bridges if leg_a.role in (b.peer, b.caller)]
    bridged_b = [b for b in course.bridges if b.caller == leg_b.role]
    if not bridged_a:
        return None
    both = min(b.until for b in bridged_a) - max(b.since for b in bridged_a)
    if both > due and not bridged_b and leg_a.answered != NEVER:
        return "not-while-application-runs"
    if not bridged_b:
        return None
    began = max(bridged_a[0].since, bridged_b[0].since)
    ended = min(leg_a.gone, bridged_b[0].until)
    if leg_a.answered == NEVER:
        return "not-before-answer" if ended - began > due else None
    held = ended - max(began, leg_a.answered)
    if held <= 0:
        return None
    if held < due:
        return "not-early"
    if consulted and scenario.profile.bowout_disable_on_inner_bridge:
        return "not-in-inner-bridge"
    refusing = [leg.given.get("loopback_bowout") for leg in (leg_a, leg_b)]
    return "refused" if any(refusing) or _refused_later(scenario, pair) else None


def _refused_later(scenario: Scenario, pair: Pair) -> bool:
    plan = [step.action for step in pair.steps]
    deeds = [stimulus.deed for stimulus in scenario.stimuli]
    return any(getattr(item, "name", "") == "loopback_bowout" for item in (*plan, *deeds))
