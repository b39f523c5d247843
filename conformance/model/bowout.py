"""Bowout: whether, when, in what order and with which events the loopback legs leave."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

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
    Precedes,
    SinceStimulus,
    Within,
    kept,
    one_of,
    only,
)
from conformance.model import after_bridge, legs
from conformance.model.course import NEVER, Course, Leaving
from conformance.model.variables import BOWOUT, allows, bowout_seconds, is_true
from conformance.scenario import ALegConsults, Pair, Scenario, UuidSetvar, pairs

STALL = Within(4.9, 15.0, 5.0)
"""5,000 turns of a loop that waits 1 ms, which a loaded host stretches.

To 6.2 s among 100 calls, to 9.1 s among 400 on two cores (measured).
"""

HANDLING_SECONDS = 0.2
"""What a bowout takes: 0.06 s alone, up to 0.14 s among 100 calls in a container (measured).

The control calls, few beside the scenarios, do not see every stall of a hundred threads.
"""


def claims(scenario: Scenario, course: Course) -> list[Claim]:
    """The claims about bowout."""
    found: list[Claim] = []
    for leaving in course.leavings:
        if leaving.how == "bridge":
            found += _by_bridge(scenario, course, leaving)
            found += _rejoined(scenario, course, leaving)
        elif leaving.how in ("collided", "disputed"):
            found += _by_bridge(scenario, course, leaving)
        elif leaving.how == "execute":
            found += _on_execution(course, leaving)
        else:
            ran = Executed(leaving.acquired[0])
            expected = course.legs[leaving.acquired[0]].applications
            clause = "bowout.execute-hands-over"
            found.append(Claim(clause, leaving.acquired[0], ran, only(expected)))
    found += _once(course)
    if not any(leaving.how in ("execute", "cancelled") for leaving in course.leavings):
        loopbacks = tuple([leg for leg in course.legs if leg.startswith("loopback")])
        found += _no_events(loopbacks, scenario.profile.fire_bowout_on_bridge)
    if not course.leavings:
        found += _none(scenario, course)
    return found


# --- by bridge ---


def _by_bridge(scenario: Scenario, course: Course, leaving: Leaving) -> list[Claim]:
    """The pair leaves: when, together, with which cause, without an event of the module's."""
    pair = pairs(scenario)[leaving.pair - 1]
    found = [*_due(scenario, course, leaving, pair)]
    if leaving.staying:
        return [*found, *after_bridge.kept(course, leaving)]
    found += _together(leaving.legs)
    for leg in leaving.legs:
        controlled = scenario.profile.bowout_controlled_hangup and leg in (pair.leg_a, pair.leg_b)
        clause = "bowout.controlled-cause" if controlled else "bowout.cause"
        found.append(legs.ended(clause, leg, course.legs[leg].causes))
    return found


@kept
def _together(leaving: tuple[str, ...]) -> Iterator[Claim]:
    """No leg leaves long before or behind another."""
    first, *others = leaving
    for leg in others:
        apart = Apart(EventRef(first, "CHANNEL_HANGUP"), EventRef(leg, "CHANNEL_HANGUP"))
        yield Claim("bowout.legs-leave-together", leg, apart, Within(0.0, SENT_SECONDS, 0.0))


def _rejoined(scenario: Scenario, course: Course, leaving: Leaving) -> list[Claim]:
    """The real legs are bridged to each other, and are all that is left."""
    near, far = leaving.acquired
    pair = pairs(scenario)[leaving.pair - 1]
    own = [bridge for bridge in course.bridges if bridge.caller == near]
    number = len([bridge for bridge in own if bridge.since <= leaving.at])
    found = [*_bridged(near, far, number, len(own) + (len(leaving.legs) > 2))]
    soon = [one.legs for one in course.leavings if abs(one.at - leaving.at) < SENT_SECONDS]
    going = tuple([leg for several in soon for leg in several if leg not in leaving.staying])
    going += legs.going(course, leaving.at)
    due = _due_about(course, leaving)
    after = Alive(EventRef(near, "CHANNEL_BRIDGE", number), going, due)
    left = only(tuple([leg for leg in course.there(leaving.at) if leg not in (*going, *due)]))
    if after_bridge.keeps(course, leaving):
        found.append(Claim("bowout.after-bridge-keeps-pair", near, after, left))
    elif near.startswith("loopback") or far.startswith("loopback"):
        found.append(Claim("bowout.inner-refusal-keeps-inner-pair", near, after, left))
    elif not leaving.staying:  # threads that are caught in their bridges keep the pair
        found.append(Claim("legs.real-legs-stay-after-bowout", near, after, left))
    if len(leaving.legs) == 2:  # in a chain either pair may be the one
        controlled = scenario.profile.bowout_controlled_hangup
        found += _marks(pair.leg_a, near, controlled)
        found += _marks(pair.leg_b, far, controlled)
    if scenario.profile.fire_bowout_on_bridge:
        found += _told(leaving, pair)
    if near == "a-leg" and course.legs[near].given.get(BOWOUT):
        found.append(_executes("bowout.not-refused-by-a-leg", near, *_times(course, near)))
    return found


def _due_about(course: Course, leaving: Leaving) -> tuple[str, ...]:
    """The legs whose own counter brings their bowout about now, sooner or later than this one."""
    apart = SENT_SECONDS + HANDLING_SECONDS
    others = [one for one in course.leavings if one is not leaving and one.counted]
    soon = [one for one in others if abs(one.at - leaving.at) < apart]
    return tuple(
        [leg for one in soon for leg in one.legs if leg not in (*leaving.legs, *one.staying)]
    )


@kept
def _bridged(near: str, far: str, number: int, most: int) -> Iterator[Claim]:
    """The near leg's bridge of this number is that to the far leg; it has `most` at most."""
    bridged = one_of(*range(number, most + 1))
    yield Claim("bowout.bridges-real-legs", near, Count(near, "CHANNEL_BRIDGE"), bridged)
    peer = LegNamed(EventRef(near, "CHANNEL_BRIDGE", number), "Bridge-B-Unique-ID")
    yield Claim("bowout.bridges-real-legs", near, peer, only(far))


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
        yield _executes("bowout.uuid-bridge-once", leg, *_times(course, leg))


def _times(course: Course, leg: str) -> tuple[int, int]:
    """How many bowouts by bridge a leg that stays has, at least and at most.

    In a chain two pairs whose time has come may both bring the same one about.
    """
    own = [one for one in course.leavings if one.how == "bridge" and leg in one.acquired]
    return len(own), len(own) + len([one for one in own if len(one.legs) > 2])


@lru_cache
def _executes(clause: str, leg: str, least: int, most: int) -> Claim:
    """How often a leg executes uuid_bridge."""
    executed = Count(leg, "CHANNEL_EXECUTE", "uuid_bridge")
    return Claim(clause, leg, executed, one_of(*range(least, most + 1)))


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
        and stimulus.deed.name == BOWOUT
        and stimulus.deed.leg in (pair.leg_a, pair.leg_b)
        and (not stimulus.deed.value or is_true(stimulus.deed.value))
    ]
    return max(lifts)[1] if lifts else None


def _spans(course: Course, leaving: Leaving, pair: Pair, until: EventRef) -> list[Elapsed]:
    """For how long both legs were bridged and answered, bridge by bridge of loopback-b."""
    caller_of_a = next(b.caller for b in course.bridges if pair.leg_a in (b.peer, b.caller))
    own = [b for b in course.bridges if b.caller == pair.leg_b and b.since < leaving.at]
    return [
        _span(
            caller_of_a,
            pair.leg_a,
            pair.leg_b,
            number,
            until if bridge is own[-1] else EventRef(bridge.peer, "CHANNEL_HANGUP"),
        )
        for number, bridge in enumerate(own, 1)
    ]


@lru_cache
def _span(caller: str, leg_a: str, leg_b: str, number: int, until: EventRef) -> Elapsed:
    """From the last of the conditions, of which one is loopback-b's bridge of this number."""
    conditions = (
        EventRef(caller, "CHANNEL_BRIDGE"),
        EventRef(leg_b, "CHANNEL_BRIDGE", number),
        EventRef(leg_a, "CHANNEL_ANSWER"),
        EventRef(leg_b, "CHANNEL_ANSWER"),
    )
    return Elapsed(conditions, until)


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


@kept
def _marks(leg: str, real: str, controlled: bool) -> Iterator[Claim]:
    """Set after the legs were told to leave, so an event or CDR may be ahead of them.

    With controlled hangup they are told after it.
    """
    late = () if controlled else (None,)
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
        yield legs.ended("bowout.execute-cause", leg, course.legs[leg].causes)
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
    globally = scenario.profile.global_variable(BOWOUT)
    refusing = not all(allows(leg.given.get(BOWOUT, globally)) for leg in (leg_a, leg_b))
    return "refused" if refusing or _refused_later(scenario, pair) else None


def _refused_later(scenario: Scenario, pair: Pair) -> bool:
    plan = [step.action for step in pair.steps]
    deeds = [stimulus.deed for stimulus in scenario.stimuli]
    return any(getattr(item, "name", "") == BOWOUT for item in (*plan, *deeds))
