"""The model read as a specification: small calls, what becomes of them, and what it claims."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from msgspec.structs import replace

from conformance.causes import cause_of
from conformance.cdr_modules import MODULES
from conformance.clauses import CLAUSES
from conformance.expectation import (
    Alive,
    CdrCount,
    Claim,
    Count,
    Elapsed,
    EventRef,
    LegCount,
    Precedes,
    SinceStimulus,
    Within,
    one_of,
)
from conformance.model import bowout as bowouts
from conformance.model import cdr, exports, legs, linkage
from conformance.model import predict as prediction
from conformance.model.call import course
from conformance.model.course import NEVER, Course, Pace
from conformance.model.predict import LAGS, MOST, NOTICES, Applied, predict
from conformance.model.variables import allows, is_false, is_true, refuses
from conformance.profile import Profile
from conformance.scenario import (
    Action,
    ALegBridges,
    ALegConsults,
    ALegRunsDialplan,
    Answer,
    ApplicationTarget,
    BridgeToLoopback,
    BridgeToNull,
    BridgeToSeveral,
    Direct,
    Event,
    ExtensionTarget,
    HangUp,
    InlineTarget,
    Moment,
    Origin,
    Pairs,
    Park,
    PlayTone,
    PreAnswer,
    RingReady,
    Scenario,
    SetVariable,
    Sleep,
    Stimulus,
    Target,
    Unloop,
    UuidDeflect,
    UuidKill,
    UuidSendDtmf,
    UuidSetvar,
    Variables,
    null_bridges,
    pairs,
)
from strategies import scenarios

PROFILE = Profile()
CLEARED, CANCELLED, BUSY = "NORMAL_CLEARING", "ORIGINATOR_CANCEL", "USER_BUSY"
UNSPECIFIED = "NORMAL_UNSPECIFIED"
UNROUTED, OUT_OF_ORDER = "NO_ROUTE_DESTINATION", "DESTINATION_OUT_OF_ORDER"

few = settings(
    max_examples=25, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


def run(scenario: Scenario, notice: float = 0.0, *, collide: bool = False) -> Course:
    """Give the course on a host that keeps time; `notice` is how late who dials looks about."""
    notices = (notice,) * (1 + len(pairs(scenario)))
    pace = Pace(2.0, notices, drift=0.0, shift=0.0, stall=5.0, collide=collide)
    return course(scenario, {}, pace)


def expectations(scenario: Scenario) -> list[tuple[Claim, ...]]:
    """Give the claims of each alternative."""
    return [one.claims for one in predict(scenario, Applied({}))]


# --- making calls --------------------------------------------------------------------------------


def call(
    *plan: Action,
    origin: Origin | None = None,
    target: Target | None = None,
    variables: Variables | None = None,
    stimuli: tuple[Stimulus, ...] = (),
    ending: Stimulus | None = None,
) -> Scenario:
    """Make a scenario; without other words an a-leg bridges to extension 1."""
    return Scenario(
        origin or ALegBridges(),
        target or ExtensionTarget("1"),
        plan,
        variables or Variables(),
        stimuli,
        ending,
    )


def kill(leg: str, milliseconds: int, event: Event, of: str, cause: str = CLEARED) -> Stimulus:
    """Hang a leg up some time after an event."""
    return Stimulus(Moment(event, of, milliseconds), UuidKill(leg, cause))


def bowout(leg: str, value: str, milliseconds: int) -> Stimulus:
    """Set loopback_bowout on a leg some time after loopback-b is bridged."""
    moment = Moment(Event.BRIDGE, "loopback-b", milliseconds)
    return Stimulus(moment, UuidSetvar(leg, "loopback_bowout", value))


def further(*plan: Action, braces: Pairs = ()) -> BridgeToLoopback:
    """Bridge to a further pair."""
    return BridgeToLoopback(ExtensionTarget("2"), plan, braces)


REFUSE: Pairs = (("loopback_bowout", "false"),)
WAIT: Pairs = (("ignore_early_media", "true"),)
AFTER_4_S = kill("b-leg", 4000, Event.ANSWER, "b-leg")


# --- examples ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Example:
    """A call, when and with which causes its legs go, and which legs bow out, when and how.

    `claims` are the clauses about bowout that its likeliest course is a case of, of those that tell
    one reason from another.
    """

    scenario: Scenario
    ends: Mapping[str, tuple[float, str]]
    leaves: tuple[tuple[str, float, str], ...] = ()
    claims: frozenset[str] = field(default_factory=frozenset)


A, B, A2, B2 = "loopback-a", "loopback-b", "loopback-a2", "loopback-b2"


def ends(seconds: float, cause: str, *legs: str) -> dict[str, tuple[float, str]]:
    """Let these legs end at one time, with one cause."""
    return dict.fromkeys(legs, (seconds, cause))


def pair_leaves(seconds: float) -> tuple[tuple[str, float, str], ...]:
    """Let the only pair bow out by bridge."""
    return (("bridge", seconds, f"{A} {B}"),)


REASONS = frozenset(
    f"bowout.{name}"
    for name in (
        "after-both-legs-answered",
        "sums-over-bridges",
        "acts-when-refusal-is-lifted",
        "refused",
        "not-refused-by-a-leg",
        "not-while-application-runs",
        "not-before-answer",
        "not-without-audio",
        "not-early",
        "inner-refusal-keeps-inner-pair",
        "execute-hands-over",
    )
)
COUNTED = frozenset({"bowout.after-both-legs-answered"})
REFUSED = frozenset({"bowout.refused"})

EXAMPLES: Mapping[str, Example] = {
    "a plain bridge: bowout 2.0 s after both are bridged and answered": Example(
        call(BridgeToNull(), ending=AFTER_4_S),
        ends(2.0, CLEARED, A, B) | ends(4.0, CLEARED, "a-leg", "b-leg"),
        pair_leaves(2.0),
        COUNTED,
    ),
    "the b-leg answers late: counted from then": Example(
        call(BridgeToNull(500), ending=AFTER_4_S),
        ends(2.5, CLEARED, A, B) | ends(4.5, CLEARED, "a-leg", "b-leg"),
        pair_leaves(2.5),
        COUNTED,
    ),
    "loopback-b answers first: counted from its bridge": Example(
        call(Answer(), BridgeToNull(500), ending=AFTER_4_S),
        ends(2.5, CLEARED, A, B) | ends(4.5, CLEARED, "a-leg", "b-leg"),
        pair_leaves(2.5),
        COUNTED,
    ),
    "an a-leg in early media: the same": Example(
        call(BridgeToNull(), origin=ALegBridges(answers=False), ending=AFTER_4_S),
        ends(2.0, CLEARED, A, B) | ends(4.0, CLEARED, "b-leg") | ends(4.0, CLEARED, "a-leg"),
        pair_leaves(2.0),
        COUNTED,
    ),
    "ends before 2.0 s: no bowout": Example(
        call(BridgeToNull(), ending=kill("b-leg", 1500, Event.ANSWER, "b-leg")),
        ends(1.5, CLEARED, "a-leg", A, B, "b-leg"),
        (),
        frozenset({"bowout.not-early"}),
    ),
    "refused on both loopback legs": Example(
        call(BridgeToNull(), variables=Variables(braces=REFUSE), ending=AFTER_4_S),
        ends(4.0, CLEARED, "a-leg", A, B, "b-leg"),
        (),
        REFUSED,
    ),
    "refused by loopback-b's dialplan alone": Example(
        call(SetVariable("loopback_bowout", "no"), BridgeToNull(), ending=AFTER_4_S),
        ends(4.0, CLEARED, "a-leg", A, B, "b-leg"),
        (),
        REFUSED,
    ),
    "refused on loopback-a alone, while it counts": Example(
        call(BridgeToNull(), stimuli=(bowout(A, "false", 1000),), ending=AFTER_4_S),
        ends(4.0, CLEARED, "a-leg", A, B, "b-leg"),
        (),
        REFUSED,
    ),
    "what is not true refuses, if it is not false either": Example(
        call(
            BridgeToNull(),
            variables=Variables(brackets=(("loopback_bowout", "maybe"),)),
            ending=AFTER_4_S,
        ),
        ends(4.0, CLEARED, "a-leg", A, B, "b-leg"),
        (),
        REFUSED,
    ),
    "exported by the a-leg: refused": Example(
        call(BridgeToNull(), variables=Variables(export=REFUSE), ending=AFTER_4_S),
        ends(4.0, CLEARED, "a-leg", A, B, "b-leg"),
        (),
        REFUSED,
    ),
    "on the a-leg alone it refuses nothing": Example(
        call(BridgeToNull(), variables=Variables(originate=REFUSE), ending=AFTER_4_S),
        ends(2.0, CLEARED, A, B) | ends(4.0, CLEARED, "a-leg", "b-leg"),
        pair_leaves(2.0),
        COUNTED | {"bowout.not-refused-by-a-leg"},
    ),
    "a refusal that is lifted after 3 s: bowout at once": Example(
        call(
            BridgeToNull(),
            variables=Variables(braces=REFUSE),
            stimuli=(bowout(A, "true", 3000), bowout(B, "true", 3000)),
            ending=AFTER_4_S,
        ),
        ends(3.0, CLEARED, A, B) | ends(4.0, CLEARED, "a-leg", "b-leg"),
        pair_leaves(3.0),
        frozenset({"bowout.acts-when-refusal-is-lifted"}),
    ),
    "a refusal that is lifted on one leg of two: none": Example(
        call(
            BridgeToNull(),
            variables=Variables(braces=REFUSE),
            stimuli=(bowout(A, "true", 3000),),
            ending=AFTER_4_S,
        ),
        ends(4.0, CLEARED, "a-leg", A, B, "b-leg"),
        (),
        REFUSED,
    ),
    "early media only: no bowout": Example(
        call(
            BridgeToNull(None, early_media=True),
            ending=kill("a-leg", 4000, Event.BRIDGE, B),
        ),
        ends(4.0, CLEARED, "a-leg") | ends(4.0, CANCELLED, A, B, "b-leg"),
        (),
        frozenset({"bowout.not-before-answer"}),
    ),
    "loopback-b is parked: no bowout": Example(
        call(Answer(), Park(), ending=kill("a-leg", 3000, Event.PARK, B)),
        ends(3.0, CLEARED, "a-leg", A, B),
        (),
        frozenset({"bowout.not-while-application-runs"}),
    ),
    "two bridges of 1.0 s sum up": Example(
        call(
            BridgeToNull(),
            BridgeToNull(),
            stimuli=(kill("b-leg", 1000, Event.ANSWER, "b-leg"),),
            ending=kill("b-leg2", 2500, Event.ANSWER, "b-leg2"),
        ),
        ends(1.0, CLEARED, "b-leg")
        | ends(2.0, CLEARED, A, B)
        | ends(3.5, CLEARED, "a-leg", "b-leg2"),
        pair_leaves(2.0),
        frozenset({"bowout.sums-over-bridges"}),
    ),
    "a chain leaves as a whole": Example(
        call(further(BridgeToNull()), ending=AFTER_4_S),
        ends(2.0, CLEARED, A, B, A2, B2) | ends(4.0, CLEARED, "a-leg", "b-leg"),
        (("bridge", 2.0, f"{A} {A2} {B} {B2}"),),
        COUNTED,
    ),
    "a chain whose inner pair refuses: the outer pair leaves around it": Example(
        call(further(BridgeToNull(), braces=REFUSE), ending=AFTER_4_S),
        ends(2.0, CLEARED, A, B) | ends(4.0, CLEARED, "a-leg", A2, B2, "b-leg"),
        (("bridge", 2.0, f"{A} {B}"),),
        COUNTED | {"bowout.inner-refusal-keeps-inner-pair"},
    ),
    "a chain whose outer pair refuses: the inner pair leaves": Example(
        call(further(BridgeToNull()), variables=Variables(braces=REFUSE), ending=AFTER_4_S),
        ends(2.0, CLEARED, A2, B2) | ends(4.0, CLEARED, "a-leg", A, B, "b-leg"),
        (("bridge", 2.0, f"{A2} {B2}"),),
        COUNTED | {"bowout.inner-refusal-keeps-inner-pair"},
    ),
    "a chain without an a-leg, to which nobody sends audio": Example(
        call(Answer(), further(BridgeToNull()), origin=Direct("sleep", "4000")),
        ends(4.0, CLEARED, A, B, A2, B2, "b-leg"),
        (),
        frozenset({"bowout.not-without-audio"}),
    ),
    "no a-leg: no bowout": Example(
        call(Answer(), BridgeToNull(), origin=Direct("sleep", "2500")),
        ends(2.5, CLEARED, A, B, "b-leg"),
    ),
    "a target that refuses: its cause goes to all": Example(
        call(BridgeToNull(refusal=BUSY), Answer()),
        ends(0.0, BUSY, "a-leg", A, B),
    ),
    "a target that does not answer: the dialplan goes on": Example(
        call(BridgeToNull(refusal="NO_ANSWER"), Answer(), Sleep(300)),
        ends(0.3, CLEARED, "a-leg", A, B),
    ),
    "the b-leg is hung up while it is dialled": Example(
        call(BridgeToNull(None), ending=kill("b-leg", 500, Event.CREATE, "b-leg", BUSY)),
        ends(0.5, BUSY, "a-leg", A, B, "b-leg"),
    ),
    "the a-leg gives up while the b-leg is dialled": Example(
        call(BridgeToNull(None), ending=kill("a-leg", 500, Event.CREATE, "a-leg")),
        ends(0.5, CLEARED, "a-leg") | ends(0.5, CANCELLED, A, B, "b-leg"),
    ),
    "no extension": Example(call(), ends(0.0, UNROUTED, "a-leg", A, B)),
    "no such dialplan": Example(
        call(Answer(), target=ExtensionTarget("1", None, "nowhere")),
        ends(0.0, UNROUTED, "a-leg", A, B),
    ),
    "loopback-b hangs up, answered: the a-leg is cleared": Example(
        call(Answer(), HangUp("CALL_REJECTED")),
        ends(0.0, CLEARED, "a-leg") | ends(0.0, "CALL_REJECTED", A, B),
    ),
    "loopback-b hangs up, unanswered: the a-leg has its cause": Example(
        call(HangUp(BUSY), target=ApplicationTarget()), ends(0.0, BUSY, "a-leg", A, B)
    ),
    "the plan ends: the call is cleared": Example(
        call(RingReady(), Sleep(200), target=InlineTarget()),
        ends(0.2, CLEARED, "a-leg", A, B),
    ),
    "the extension runs unloop: the a-leg takes it over after 5 s": Example(
        call(Unloop(), Answer(), Sleep(200)),
        ends(5.0, CLEARED, A, B) | ends(5.2, CLEARED, "a-leg"),
        (("execute", 5.0, f"{A} {B}"),),
        frozenset({"bowout.execute-hands-over"}),
    ),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_course(name: str) -> None:
    """Legs, when each goes and why, and which of them bow out."""
    example = EXAMPLES[name]
    done = run(example.scenario)
    assert set(done.legs) == set(example.ends)
    for role, (seconds, cause) in example.ends.items():
        assert done.legs[role].gone == pytest.approx(seconds, abs=0.05), role
        assert cause in done.legs[role].causes, role
    assert [(leaving.how, " ".join(leaving.legs)) for leaving in done.leavings] == [
        (how, legs) for how, _, legs in example.leaves
    ]
    for leaving, (_, seconds, _) in zip(done.leavings, example.leaves, strict=True):
        assert leaving.at == pytest.approx(seconds, abs=0.05)


@pytest.mark.parametrize("name", EXAMPLES)
def test_reasons(name: str) -> None:
    """Each call speaks of the clauses that say why its pair leaves or stays, and of no others."""
    example = EXAMPLES[name]
    likeliest = expectations(example.scenario)[0]
    assert {claim.clause for claim in likeliest} & REASONS == example.claims


def test_every_reason_has_an_example() -> None:
    assert {clause for example in EXAMPLES.values() for clause in example.claims} == REASONS
    assert set(CLAUSES) >= REASONS


# --- single rules --------------------------------------------------------------------------------


def test_bowout_bridges_the_a_leg_as_caller_to_the_b_leg() -> None:
    done = run(call(BridgeToNull(), ending=AFTER_4_S))
    last = done.bridges[-1]
    assert (last.caller, last.peer) == ("a-leg", "b-leg")
    assert done.leavings[0].acquired == ("a-leg", "b-leg")


def test_who_stays_of_a_chain_is_bridged_to_the_refusing_pair() -> None:
    done = run(call(further(BridgeToNull(), braces=REFUSE), ending=AFTER_4_S))
    assert done.leavings[0].acquired == ("a-leg", A2)


def test_bowout_on_execution_takes_the_leg_that_is_bridged_to_loopback_b() -> None:
    done = run(call(BridgeToNull(), origin=Direct("unloop")), notice=0.06)
    (leaving,) = done.leavings
    assert (leaving.how, leaving.acquired) == ("execute", ("b-leg",))
    assert done.legs["b-leg"].applications == ("unloop",)


def test_acquired_leg_runs_the_extension() -> None:
    done = run(call(Unloop(), Answer(), Sleep(200)))
    assert done.legs["a-leg"].applications == ("bridge", "unloop", "answer", "sleep")
    assert done.legs[B].applications == ()


@pytest.mark.parametrize(
    ("plan", "rings", "early", "answered"),
    [
        ((RingReady(), Sleep(100)), True, False, False),
        ((PlayTone(100),), False, True, False),
        ((Answer(), Sleep(100)), False, False, True),
        ((RingReady(), Answer(), Sleep(100)), True, False, True),
        ((BridgeToNull(None), Sleep(100)), False, True, False),
        ((Sleep(100),), False, False, False),
    ],
)
def test_what_loopback_b_signals_crosses_to_loopback_a(
    plan: tuple[Action, ...], rings: bool, early: bool, answered: bool
) -> None:
    ending = kill("a-leg", 500, Event.CREATE, "a-leg")
    done = run(call(*plan, ending=ending))
    for leg in (done.legs[A], done.legs[B]):
        assert (leg.ringing < NEVER, leg.early < NEVER) == (rings, early)
        assert (leg.answered < NEVER) == answered


def test_a_refusing_target_makes_no_leg() -> None:
    done = run(call(BridgeToNull(refusal="NO_ANSWER"), BridgeToNull(refusal=BUSY)))
    assert set(done.legs) == {"a-leg", A, B}
    assert done.legs[B].applications == ("bridge", "bridge")


def test_a_stimulus_counts_from_when_the_switch_applied_it() -> None:
    """The client's own delay must never become a finding."""
    scenario = call(BridgeToNull(), ending=AFTER_4_S)
    pace = Pace(2.0, (0.0, 0.0), drift=0.0, shift=0.0, stall=5.0)
    late = course(scenario, {0: 5.5}, pace)
    assert late.legs["a-leg"].gone == pytest.approx(5.5, abs=0.05)


CHAIN_THAT_GOES_ON = call(
    further(BridgeToNull(), BridgeToNull()), ending=kill("a-leg", 4000, Event.CREATE, "a-leg")
)
"""Both pairs are due at once, and the innermost leg bridges again where its bridge ends."""


def test_a_second_bowout_gives_the_caller_to_whom_the_innermost_leg_dialled_next() -> None:
    """Seen on 1.10.12: the second pair looks for its real leg a moment after the first did."""
    pace = Pace(2.0, (0.0,) * 3, drift=0.0, shift=0.0, stall=5.0, overtaken=True)
    done = course(CHAIN_THAT_GOES_ON, {}, pace)
    (left,) = done.leavings
    assert left.acquired == ("a-leg", "b-leg2")
    assert done.legs["b-leg"].lost
    assert [one.peer for one in done.bridges if one.caller == "loopback-b2"] == ["b-leg", "b-leg2"]
    assert {done.legs[leg].gone for leg in left.legs} == {left.at}


def test_of_three_pairs_whose_bowout_is_due_one_overtakes_another() -> None:
    """Seen on 1.10.12: the third brings about the same as the second."""
    plan = further(further(BridgeToNull(), BridgeToNull()))
    scenario = call(plan, ending=kill("a-leg", 4000, Event.CREATE, "a-leg"))
    pace = Pace(2.0, (0.0,) * 4, drift=0.0, shift=0.0, stall=5.0, overtaken=True)
    (left,) = course(scenario, {}, pace).leavings
    assert left.acquired == ("a-leg", "b-leg2")


def test_two_bowouts_that_want_the_same_leg_leave_the_pairs_before_it_in_place() -> None:
    """Seen twice on 1.10.12: whoever does not get the b-leg waits for it until it ends."""
    refusing = further(
        PreAnswer(), SetVariable("loopback_bowout", "false"), further(BridgeToNull(500))
    )
    ending = kill("b-leg", 3400, Event.ANSWER, "b-leg", BUSY)
    scenario = call(refusing, origin=ALegConsults(True), ending=ending)
    pace = Pace(2.0, (0.0,) * 4, drift=0.0, shift=0.0, stall=5.0, disputed=2)
    done = course(scenario, {}, pace)
    (left,) = done.leavings
    assert left.legs == ("loopback-a3", "loopback-b3")
    assert left.acquired == ("a-leg", "loopback-b2", "b-leg")
    assert all(done.legs[leg].lost for leg in left.acquired)
    ended = done.legs["b-leg"].gone
    assert ended == pytest.approx(left.at + 1.4, abs=0.05)
    staying = {leg: done.legs[leg] for leg in (A, B, "loopback-a2", "loopback-b2")}
    assert {leg.gone for leg in staying.values()} == {ended}
    # loopback-b2 waited in vain, or got it.
    assert staying["loopback-a2"].causes == staying["loopback-b2"].causes == {CANCELLED, CLEARED}
    (waits,) = {
        leg.causes
        for role, leg in course(scenario, {}, pace._replace(disputed=1)).legs.items()
        if role in ("loopback-a2", "loopback-b2")
    }
    assert waits == {CANCELLED}
    assert staying[A].causes == staying[B].causes == {CLEARED}
    (bridged,) = [
        claim.allowed
        for claim in legs.claims(scenario, done)
        if (claim.clause, claim.leg) == ("legs.bridged-to-whom-it-dials", "a-leg")
    ]
    assert bridged == one_of(1, 2)


@pytest.mark.parametrize("who", [1, 2])
def test_two_bowouts_that_want_the_same_leg_end_with_the_caller_only_if_it_gets_that(
    who: int,
) -> None:
    """Seen on 1.10.12: else who was consulted stays parked for some seconds."""
    refusing = further(SetVariable("loopback_bowout", "false"), further(BridgeToNull(500)))
    ending = kill("a-leg", 2600, Event.ANSWER, "b-leg")
    scenario = call(refusing, origin=ALegConsults(True), ending=ending)
    pace = Pace(2.0, (0.0,) * 4, drift=0.0, shift=0.0, stall=5.0, disputed=who)
    done = course(scenario, {}, pace)
    (left,) = done.leavings
    parked_until = left.at + 2.9 if who == 2 else done.legs["a-leg"].gone
    assert done.legs[A].gone == pytest.approx(parked_until)


def test_two_bowouts_that_want_the_same_leg_let_all_pairs_go_where_nobody_consults() -> None:
    """Seen on 1.10.12 among calls that were made for it: who got the b-leg may be leaving."""
    refusing = further(SetVariable("loopback_bowout", "false"), further(BridgeToNull(500)))
    scenario = call(refusing, ending=AFTER_4_S)
    pace = Pace(2.0, (0.0,) * 4, drift=0.0, shift=0.0, stall=5.0, disputed=2)
    done = course(scenario, {}, pace)
    (left,) = done.leavings
    pairs_of_chain = [leg for role, leg in done.legs.items() if role.startswith("loopback")]
    assert {leg.gone for leg in pairs_of_chain} == {left.at}
    assert {one.role for one in done.legs.values() if one.lost} == {*left.acquired}


@pytest.mark.parametrize("who", [1, 2])
def test_two_controlled_bowouts_that_want_the_same_leg_let_all_pairs_go(who: int) -> None:
    """Seen on 1.10.12 among calls that were made for it: each hangs its own pair up."""
    refusing = further(SetVariable("loopback_bowout", "false"), further(BridgeToNull(500)))
    profile = Profile(bowout_controlled_hangup=True)
    scenario = replace(call(refusing, origin=ALegConsults(True), ending=AFTER_4_S), profile=profile)
    pace = Pace(2.0, (0.0,) * 4, drift=0.0, shift=0.0, stall=5.0, disputed=who)
    done = course(scenario, {}, pace)
    pairs_of_chain = {role: leg for role, leg in done.legs.items() if role.startswith("loopback")}
    (left,) = done.leavings
    assert {leg.gone for leg in pairs_of_chain.values()} == {left.at}
    assert pairs_of_chain[A].causes == pairs_of_chain[B].causes == {UNSPECIFIED}
    assert pairs_of_chain["loopback-a3"].causes == {CLEARED, UNSPECIFIED}
    assert {leg.role for leg in done.legs.values() if leg.lost} == (
        {"a-leg", "b-leg"} if who == 2 else set()
    )


def test_two_controlled_bowouts_at_once_may_each_hang_up_its_own_pair() -> None:
    """Seen on 1.10.12, with the real legs bridged: else the first picks the second pair off."""
    profile = Profile(bowout_controlled_hangup=True)
    scenario = replace(call(further(BridgeToNull(500)), ending=AFTER_4_S), profile=profile)
    bridging = [
        one.course
        for one in predict(scenario, Applied({}))
        if [leaving.how for leaving in one.course.leavings] == ["bridge"]
    ]
    ends = [done.legs[A2].causes for done in bridging if done.legs[A].causes == {UNSPECIFIED}]
    assert {"PICKED_OFF", CLEARED} in ends
    assert {"PICKED_OFF", CLEARED, UNSPECIFIED} in ends


def test_who_gets_the_leg_that_two_bowouts_want_is_open_however_late_a_hangup_comes() -> None:
    """Protects the cause that races for a leg from being lost when another reaches it later."""
    refusing = further(SetVariable("loopback_bowout", "false"), further(BridgeToNull(500)))
    ending = kill("b-leg", 3400, Event.ANSWER, "b-leg", BUSY)
    scenario = call(refusing, origin=ALegConsults(True), ending=ending)
    pace = Pace(2.0, (0.0,) * 4, drift=0.0, shift=0.0, stall=5.0, disputed=2, lag=0.02)
    done = course(scenario, {}, pace)
    assert done.legs["loopback-a2"].gone > done.legs["loopback-b2"].gone
    assert done.legs["loopback-a2"].causes == {CANCELLED, CLEARED}


def test_a_leg_that_two_bowouts_want_is_no_loopback_whoever_gets_it() -> None:
    """Only to whom it was bridged last is open."""
    refusing = further(SetVariable("loopback_bowout", "false"), further(BridgeToNull(500)))
    scenario = call(refusing, ending=AFTER_4_S)
    pace = Pace(2.0, (0.0,) * 4, drift=0.0, shift=0.0, stall=5.0, disputed=2)
    judged = {
        clause: [one.leg for one in claims if one.clause == clause]
        for claims in [exports.claims(scenario, course(scenario, {}, pace))]
        for clause in ("exports.is-loopback-not-on-real-legs", "exports.true-id")
    }
    assert judged["exports.is-loopback-not-on-real-legs"] == ["a-leg", "b-leg"]
    assert not {"a-leg", "b-leg"} & {*judged["exports.true-id"]}


def test_two_bowouts_that_want_the_same_leg_are_rare_and_need_a_leg_that_refuses() -> None:
    pace = Pace(2.0, (0.0,) * 4, drift=0.0, shift=0.0, stall=5.0)
    for refusal in ("false", "true"):
        plan = further(SetVariable("loopback_bowout", refusal), further(BridgeToNull(500)))
        scenario = call(plan, ending=AFTER_4_S)
        disputed = course(scenario, {}, pace._replace(disputed=2))
        assert (disputed != course(scenario, {}, pace)) == (refusal == "false")
        courses = [one for one in predict(scenario, Applied({})) if one.course == disputed]
        assert [one.rare for one in courses] == [refusal == "false"]


def test_whom_the_innermost_leg_dialled_last_may_go_after_the_real_legs_are_bridged() -> None:
    """Seen on 1.10.12: it goes with the leg that dialled it, to which the hangup comes last."""
    lagging = Pace(2.0, (0.0,) * 3, drift=0.0, shift=0.0, stall=5.0, lag=0.02)
    done = course(CHAIN_THAT_GOES_ON, {}, lagging)
    claims = bowouts.claims(CHAIN_THAT_GOES_ON, done)
    (after,) = [one.fact for one in claims if one.clause == "legs.real-legs-stay-after-bowout"]
    assert isinstance(after, Alive)
    assert "b-leg2" in after.leaving
    assert "b-leg" not in after.leaving


def test_an_a_leg_that_two_pairs_bow_out_of_in_turn_executes_two_bowouts() -> None:
    """Seen on 1.10.12: the outer pair leaves around one that refuses, then the others do."""
    refuses_for_the_outer = BridgeToLoopback(
        ExtensionTarget("2"),
        (further(Answer(), BridgeToNull(500)),),
        braces=REFUSE,
        brackets=(("loopback_bowout", "true"),),
    )
    refusing = Variables(set=REFUSE)
    scenario = call(
        refuses_for_the_outer,
        origin=ALegRunsDialplan(),
        variables=refusing,
        ending=AFTER_4_S,
    )
    done = run(scenario)
    assert [leaving.acquired for leaving in done.leavings] == [("a-leg", A2), ("a-leg", "b-leg")]
    twice = [
        claim
        for claim in bowouts.claims(scenario, done)
        if claim.clause == "bowout.not-refused-by-a-leg"
    ]
    # Of the two pairs that leave together in the end, either may bring it about, or both.
    assert {claim.allowed for claim in twice} == {one_of(2, 3)}


def test_a_bowout_of_legs_that_stay_is_timed_by_what_the_real_leg_executes() -> None:
    """Seen on 1.11.2: the thread of the old bridge may be caught in it until the call ends."""
    scenario = call(
        BridgeToNull(),
        origin=Direct("bridge"),
        variables=Variables(braces=(("park_after_bridge", "true"),)),
        ending=kill("a-leg", 4000, Event.ANSWER, "b-leg"),
    )
    done = run(scenario)
    (left,) = done.leavings
    assert left.staying == ("loopback-a", "loopback-b")
    (due,) = [
        claim.fact
        for claim in bowouts.claims(scenario, done)
        if claim.clause == "bowout.after-both-legs-answered"
    ]
    assert isinstance(due, Elapsed)
    assert due.until == EventRef("a-leg", "CHANNEL_EXECUTE", 1, "uuid_bridge")


def test_a_pair_whose_loopback_a_dialled_may_be_caught_in_both_its_bridges() -> None:
    """Seen on 1.10.12, once in 200,000 calls: neither thread noticed the bowout, till the end."""
    ending = kill("a-leg", 2800, Event.BRIDGE, B, BUSY)
    scenario = call(BridgeToNull(0), Sleep(400), origin=Direct("bridge"), ending=ending)
    pace = Pace(2.0, (0.0,) * 2, drift=0.0, shift=0.0, stall=5.0, caught=True)
    done = course(scenario, {}, pace)
    (left,) = done.leavings
    assert left.staying == (A, B)
    assert {role: leg.causes for role, leg in done.legs.items()} == {
        "a-leg": {BUSY},
        **dict.fromkeys((A, B, "b-leg"), frozenset({CLEARED})),
    }
    assert len({leg.gone for leg in done.legs.values()}) == 1
    told = {claim.clause for claim in bowouts.claims(scenario, done)}
    assert not told & {"legs.real-legs-stay-after-bowout", "bowout.after-bridge-keeps-pair"}
    # The a-leg's own thread leaves the pair of any other call.
    ordinary = course(call(BridgeToNull(0), ending=ending), {}, pace)
    assert not ordinary.leavings[0].staying


def test_two_controlled_bowouts_at_once_hang_up_both_pairs() -> None:
    """Seen on 1.10.12: both pairs hung up for the bowout's cause, the real legs left apart."""
    profile = replace(PROFILE, bowout_controlled_hangup=True)
    chain = call(further(BridgeToNull()), ending=kill("a-leg", 4000, Event.CREATE, "a-leg"))
    done = run(replace(chain, profile=profile), collide=True)
    (left,) = done.leavings
    assert left.how == "collided"
    for leg in left.legs:
        assert profile.bowout_hangup_cause in done.legs[leg].causes
    refusing = call(
        further(BridgeToNull(), braces=REFUSE), ending=kill("a-leg", 4000, Event.CREATE, "a-leg")
    )
    done = run(replace(refusing, profile=profile), collide=True)
    assert profile.bowout_hangup_cause not in done.legs["loopback-a2"].causes


def test_a_leg_that_reads_nothing_may_dial_and_give_up_before_the_cause_comes() -> None:
    """Seen on 1.10.12: the next pair's loopback-b ran its plan until it was told."""
    again = (Answer(), Sleep(600))
    ending = kill(A, 400, Event.ANSWER, A)
    scenario = call(Answer(), Sleep(600), further(*again), ending=ending)
    pace = Pace(2.0, (0.0,) * 3, drift=0.0, shift=0.0, stall=5.0, cut=frozenset({1}), lag=0.02)
    gives_up = course(scenario, {}, pace)
    second = (gives_up.legs["loopback-a2"], gives_up.legs["loopback-b2"])
    assert {leg.causes for leg in second} == {frozenset({"NO_ANSWER"})}
    assert [leg.answered < math.inf for leg in second] == [False, True]
    halted = course(scenario, {}, pace._replace(halted=True))
    assert halted.legs["loopback-a2"].causes == {CLEARED}, "it was answered by then"


def test_a_leg_that_reads_nothing_is_bridged_to_whom_it_reaches_at_once() -> None:
    """Seen on 1.11.2: who is bridged finds nobody there a moment later."""
    early = BridgeToNull(500, early_media=True)
    ending = kill(A, 300, Event.CREATE, "b-leg")
    scenario = call(BridgeToNull(500), early, origin=Direct("park"), ending=ending)
    pace = Pace(2.0, (0.0,) * 2, drift=0.0, shift=0.0, stall=5.0, cut=frozenset({1}), lag=0.02)
    done = course(scenario, {}, pace)
    assert [bridge.peer for bridge in done.bridges] == ["b-leg2"]
    assert "DESTINATION_OUT_OF_ORDER" in done.legs["b-leg2"].causes
    facts = [claim.fact for claim in legs.claims(scenario, done)]
    (bridged,) = [one for one in facts if isinstance(one, Alive)]
    assert A in bridged.leaving, "it may be told of later than it went"


def test_the_bridge_of_a_leg_that_reads_nothing_ends_with_its_first_frame() -> None:
    """Seen on 1.11.2: its plan was over before the cause reached it, or the cause came first."""
    ending = kill(A, 300, Event.CREATE, "a-leg", BUSY)
    scenario = call(PlayTone(600), BridgeToNull(), ending=ending)
    pace = Pace(2.0, (0.0,) * 2, drift=0.0, shift=0.0, stall=5.0, cut=frozenset({1}))
    done = course(scenario, {}, pace._replace(lag=0.02))
    assert "b-leg" in [bridge.peer for bridge in done.bridges]
    assert CLEARED in done.legs["b-leg"].causes
    assert done.legs[B].causes == {CLEARED}
    halted = course(scenario, {}, pace._replace(lag=0.02, halted=True))
    assert halted.legs[B].causes == {BUSY}


def test_who_is_hung_up_just_after_a_bridge_may_be_gone_at_it() -> None:
    """Seen on 1.10.12: the cause crossed to loopback-b as the leg that it dialled was bridged."""
    ending = kill(A, 640, Event.CREATE, "a-leg", BUSY)
    scenario = call(Sleep(600), further(BridgeToNull()), ending=ending)
    done = run(scenario)
    facts = [one for one in legs.claims(scenario, done) if isinstance(one.fact, Alive)]
    (bridged,) = [one for one in facts if one.leg == B2]
    assert isinstance(bridged.fact, Alive)
    assert {A, B} <= set(bridged.fact.due)


def test_a_caller_whose_peer_goes_as_they_are_bridged_may_be_hung_up_by_its_thread() -> None:
    """Seen on 1.11.2, in a chain whose innermost target is nowhere."""
    nowhere = BridgeToLoopback(ExtensionTarget("3", "elsewhere"), (Answer(),))
    scenario = call(further(nowhere))
    causes = {leg.causes for leg in run(scenario, collide=True).legs.values()}
    assert causes == {frozenset({"DESTINATION_OUT_OF_ORDER"}), frozenset({UNROUTED})}
    assert {leg.causes for leg in run(scenario).legs.values()} == {frozenset({UNROUTED})}


def test_who_dials_may_notice_too_late_that_it_was_hung_up_to_cancel_anybody() -> None:
    """Seen on 1.10.12: loopback-b's plan failed in the 20 ms until then."""
    ending = kill("a-leg", 200, Event.CREATE, B, BUSY)
    failing = call(Sleep(200), HangUp("CALL_REJECTED"), ending=ending)
    in_time, late = run(failing), run(failing, 0.01)
    assert in_time.legs[A].causes == {CANCELLED}
    assert late.legs[A].causes == late.legs[B].causes == {"CALL_REJECTED"}
    assert late.legs["a-leg"].causes == {BUSY}


@pytest.mark.parametrize("release", ["1.10.2", "1.10.12"])
def test_what_confirms_the_b_leg_alone_has_no_effect_on_loopback_a(release: str) -> None:
    """Seen on 1.10.2, too, where loopback-a still has it: its core reads it of no single leg."""
    asked = (("group_confirm_key", "exec"), ("group_confirm_file", "hangup USER_BUSY"))
    refused = call(BridgeToNull(), variables=Variables(brackets=asked))
    done = run(replace(refused, profile=Profile(release=release)))
    assert ("group_confirm_key" in done.legs[A].given) == (release == "1.10.2")
    assert done.legs[A].confirmed is None
    assert done.legs["b-leg"].confirmed is not None


def test_a_leg_that_is_hung_up_as_the_real_legs_are_bridged_may_be_gone_by_then() -> None:
    """Seen on the embedded switch: the hangup came in the 20 ms that the bowout takes."""
    scenario = call(
        further(BridgeToNull(), BridgeToNull(), braces=REFUSE),
        stimuli=(kill("b-leg", 2005, Event.BRIDGE, B),),
        ending=kill("b-leg2", 2000, Event.ANSWER, "b-leg2"),
    )
    done = run(scenario)
    assert done.leavings[0].at < done.legs["b-leg"].gone < done.leavings[0].at + 0.02
    (after,) = [
        claim
        for claim in bowouts.claims(scenario, done)
        if claim.clause == "bowout.inner-refusal-keeps-inner-pair"
    ]
    assert isinstance(after.fact, Alive)
    assert "b-leg" in after.fact.leaving
    assert after.allowed == one_of(("a-leg", A2, B2))


def test_a_pair_behind_one_that_refuses_leaves_by_its_own_clock() -> None:
    """Seen on 1.10.12: its legs were there 0.1 s after the first pair's bowout, its own came."""
    third = further(BridgeToNull())
    scenario = call(further(third, braces=REFUSE), ending=AFTER_4_S)
    done = run(scenario)
    assert [one.pair for one in done.leavings] == [1, 3]
    (after,) = [
        claim
        for claim in bowouts.claims(scenario, done)
        if claim.clause == "bowout.inner-refusal-keeps-inner-pair" and claim.leg == "a-leg"
    ]
    assert isinstance(after.fact, Alive)
    assert after.fact.due == ("loopback-a3", "loopback-b3")
    assert after.allowed == one_of(("a-leg", "b-leg", A2, B2))


def test_a_leg_that_misses_its_media_parks_for_no_longer_than_it_sleeps() -> None:
    """Seen on 1.10.12: its plan was over before the cause reached it, or the cause came first."""
    ending = kill(A, 300, Event.ANSWER, A, BUSY)
    scenario = call(Answer(), Sleep(600), Park(), ending=ending)
    missing = Pace(2.0, (0.0,) * 2, drift=0.0, shift=0.0, stall=5.0, cut=frozenset({1}))
    over = course(scenario, {}, missing).legs[B]
    assert over.applications == ("answer", "sleep", "park")
    assert over.causes == {CLEARED, BUSY}
    assert course(scenario, {}, missing._replace(halted=True)).legs[B].causes == {BUSY}


def test_the_cause_may_reach_a_leg_amid_what_it_still_begins() -> None:
    """Seen on the embedded switch; on 1.10.12 in 7 of 200 calls it came after all of it."""
    ending = kill(A, 400, Event.CREATE, "a-leg")
    scenario = call(PlayTone(600), Answer(), Sleep(100), HangUp(), ending=ending)
    ways = {
        (one.course.legs[B].applications, one.course.legs[B].answered < math.inf)
        for one in predict(scenario, Applied({}))
    }
    assert ways == {
        (("playback",), False),
        (("playback", "answer"), True),
        (("playback", "answer", "sleep"), True),
        (("playback", "answer", "sleep", "hangup"), True),
    }


def is_unborn(course: Course, role: str) -> bool:
    return role in course.legs and course.legs[role].unborn


def test_a_pair_that_is_given_up_as_it_is_dialled_may_tell_nothing_of_loopback_b() -> None:
    """Seen on 1.10.12: it was hung up before its thread began, and had no CHANNEL_CREATE."""
    ending = kill(A, 400, Event.CREATE, "a-leg", BUSY)
    scenario = call(Sleep(600), further(Answer(), Sleep(300)), ending=ending)
    found = [one for one in predict(scenario, Applied({})) if is_unborn(one.course, B2)]
    unborn = next(one for one in found if not is_unborn(one.course, A2))
    second = (unborn.course.legs[A2], unborn.course.legs[B2])
    assert {leg.causes for leg in second} == {frozenset({"NO_ANSWER"})}
    assert unborn.course.legs[B2].applications == ()
    assert BUSY in unborn.course.legs[B].causes
    (count,) = (one.allowed for one in unborn.claims if isinstance(one.fact, LegCount))
    assert count == one_of(4)
    assert not [one for one in unborn.claims if one.leg == B2 or one.allowed == one_of(B2)]


def test_a_pair_may_be_given_up_before_either_of_its_legs_has_a_thread() -> None:
    """Seen on 1.10.12: the cause came as loopback-b3 dialled, whose early media bridged A3."""
    pace = Pace(2.0, (0.0,) * 4, drift=0.0, shift=0.0, stall=5.0, lag=0.02, unrouted=3)
    ending = kill(A, 590, Event.CREATE, A, BUSY)
    scenario = call(further(Sleep(600), further(Answer(), Park())), ending=ending)
    given_up = course(scenario, {}, pace).legs
    third = given_up["loopback-a3"], given_up["loopback-b3"]
    assert [leg.unborn for leg in third] == [True, True]
    half = course(scenario, {}, pace._replace(threads=1)).legs
    assert [half[leg].unborn for leg in ("loopback-a3", "loopback-b3")] == [False, True]
    assert [leg.applications for leg in third] == [(), ()]
    routed = course(scenario, {}, pace._replace(unrouted=0)).legs
    assert routed["loopback-b3"].applications[0] == "answer"
    assert not routed["loopback-a3"].unborn
    with_a_thread = call(further(further(Answer(), Park())), ending=ending)
    assert not course(with_a_thread, {}, pace).legs["loopback-a3"].unborn, "0.6 s later"


def test_who_misses_its_media_may_give_up_a_pair_that_has_just_answered() -> None:
    """Seen on 1.10.12: loopback-b had not noticed the answer of whom it dialled."""
    ending = kill(A, 400, Event.CREATE, "a-leg", BUSY)
    scenario = call(Sleep(600), further(Answer(), Park()), ending=ending)
    pace = Pace(2.0, (0.0,) * 3, drift=0.0, shift=0.0, stall=5.0, cut=frozenset({1}), lag=0.02)
    late = course(scenario, {}, pace._replace(notice=(0.002,) * 3)).legs[A2]
    assert (late.answered < math.inf, late.causes) == (True, frozenset({"NO_ANSWER"}))
    assert course(scenario, {}, pace).legs[A2].answered == math.inf


def test_a_leg_that_reads_no_more_may_notice_first_that_all_it_dials_refuse() -> None:
    """Seen on 1.10.12: it was hung up amid its sleep, and ended with their cause."""
    ending = kill(A, 400, Event.ANSWER, "a-leg", BUSY)
    scenario = call(PreAnswer(), Sleep(600), further(), ending=ending)
    pace = Pace(2.0, (0.0,) * 3, drift=0.0, shift=0.0, stall=5.0, cut=frozenset({1}), lag=LAGS[0])
    notices = course(scenario, {}, pace._replace(notice=(NOTICES[0],) * 3)).legs[B]
    assert notices.applications == ("pre_answer", "sleep", "bridge")
    assert notices.causes == {UNROUTED}
    gives_up = course(scenario, {}, pace).legs[B]
    assert gives_up.causes == {CLEARED, BUSY}
    found = [one.course.legs[B].causes for one in predict(scenario, Applied({}))]
    assert {UNROUTED} in found


def test_loopback_b_whose_thread_finds_its_loopback_a_gone_is_out_of_order() -> None:
    """Seen on 1.10.12 and 1.11.2: it was created as its caller was hung up."""
    ending = kill(A, 400, Event.CREATE, "a-leg", BUSY)
    scenario = call(Sleep(600), further(Answer(), Sleep(300)), ending=ending)
    found = [one for one in predict(scenario, Applied({})) if B2 in one.course.legs]
    unlinked = [one for one in found if one.course.legs[B2].unlinked]
    assert {one.course.legs[B2].causes for one in unlinked} == {frozenset({OUT_OF_ORDER})}
    for one in unlinked:
        assert not one.course.legs[A2].unborn
        said = {claim.clause for claim in one.claims if claim.leg == B2}
        assert said == {"legs.cause-crosses", "legs.all-gone-after-call", "cdr.hangup-cause"}


def test_loopback_a_may_never_learn_that_it_is_bridged_as_it_is_created() -> None:
    """Seen on 1.10.12: its caller waits for it all the while, and hangs it up as it goes."""
    at_once = call(Answer(), BridgeToNull(), ending=kill("a-leg", 3000, Event.BRIDGE, B))
    pace = Pace(2.0, (0.0,) * 2, drift=0.0, shift=0.0, stall=5.0, unaware=1)
    unaware, aware = course(at_once, {}, pace), run(at_once)
    assert (len(unaware.leavings), len(aware.leavings)) == (0, 1), "no audio reaches loopback-a"
    assert {unaware.legs[leg].causes for leg in (A, B)} == {frozenset({OUT_OF_ORDER})}
    assert all(one.rare for one in predict(at_once, Applied({})) if not one.course.leavings)
    mended = replace(at_once, profile=Profile(release="1.11.0"))
    assert all(one.course.leavings for one in predict(mended, Applied({})))
    later = call(Sleep(200), Answer(), BridgeToNull(), ending=AFTER_4_S)
    assert course(later, {}, pace) == run(later), "it had waited for a while"


def test_loopback_a_whose_caller_goes_as_they_are_bridged_is_hung_up_by_it() -> None:
    """Seen on 1.10.12; its cause crosses to loopback-b."""
    scenario = call(Sleep(200), Answer(), Park(), ending=kill("a-leg", 10, Event.BRIDGE, A))
    pace = Pace(2.0, (0.0,) * 2, drift=0.0, shift=0.0, stall=5.0, unaware=1)
    done = course(scenario, {}, pace).legs
    assert done[A].causes == done[B].causes == {OUT_OF_ORDER}
    assert run(scenario).legs[A].causes == {CLEARED}


def test_a_bowout_that_is_missing_is_not_excused_by_a_leg_that_knows_of_no_bridge() -> None:
    """Unless a cause shows that it did not: a switch that forgets the bowout is to be found."""
    at_once = call(Answer(), BridgeToNull(), ending=kill("b-leg", 3000, Event.BRIDGE, B))
    assert all(one.course.leavings for one in predict(at_once, Applied({})))


def test_what_is_nearest_to_an_observation_is_varied_first() -> None:
    """A race of several things is found among a few hundred courses."""
    ending = kill(A2, 590, Event.CREATE, B2)
    scenario = call(further(Sleep(600), further(Answer(), Park())), ending=ending)
    courses = [one.course for one in predict(scenario, Applied({}))]
    wanted = courses[-1]
    looked_at: list[Course] = []

    def findings() -> int:
        return sum(leg != looked_at[-1].legs.get(role) for role, leg in wanted.legs.items())

    for one in predict(scenario, Applied({}), findings=findings):
        looked_at.append(one.course)
        if one.course == wanted:
            break
    assert len(looked_at) < len(courses)


def test_who_misses_its_media_gives_up_several_as_a_lost_race_whoever_refused() -> None:
    """Seen on 1.10.12: how many are named decides the cause, not how many legs there are."""
    refusal = BridgeToNull(refusal="CALL_REJECTED")
    several = BridgeToSeveral((refusal, BridgeToNull(500)))
    scenario = call(Answer(), several, ending=kill(A, 300, Event.CREATE, "b-leg2", BUSY))
    pace = Pace(2.0, (0.0,) * 2, drift=0.0, shift=0.0, stall=5.0, cut=frozenset({1}))
    assert course(scenario, {}, pace).legs["b-leg2"].causes == {"LOSE_RACE"}


@pytest.mark.parametrize(("after", "answers"), [(0.005, {0, 1}), (0.1, {0})])
def test_one_leg_alone_may_be_answered_as_the_pair_is_hung_up(
    after: float, answers: set[int]
) -> None:
    """Seen on 1.10.12: loopback-a, reported by then, or loopback-b, whose other leg was gone."""
    confirmed = (("group_confirm_key", "exec"), ("group_confirm_file", "sleep 1000"))
    scenario = call(
        BridgeToNull(200, variables=confirmed), ending=kill(A, 0, Event.ANSWER, "b-leg")
    )
    pace = Pace(2.0, (0.0,) * 2, drift=0.0, shift=0.0, stall=5.0)
    claimed = legs.claims(scenario, course(scenario, {0: after}, pace))
    counts = {
        one.leg: one.allowed
        for one in claimed
        if one.clause == "legs.answer-crosses" and isinstance(one.fact, Count)
    }
    assert counts == {A: one_of(*answers), B: one_of(*answers)}


def test_who_gives_up_as_it_dials_may_find_itself_hung_up() -> None:
    """Seen on 1.10.12 and 1.11.2: in its plan, amid a tone and behind a bridge."""
    ending = kill(A, 400, Event.CREATE, "a-leg", BUSY)
    scenario = call(Sleep(600), BridgeToNull(200), ending=ending)
    pace = Pace(2.0, (0.0,) * 2, drift=0.0, shift=0.0, stall=5.0, cut=frozenset({1}), lag=0.02)
    assert course(scenario, {}, pace).legs["b-leg"].causes == {"NO_ANSWER", CANCELLED}


def test_who_gives_up_as_it_dials_may_be_hung_up_as_the_next_is_dialled() -> None:
    """Seen once in a soak of 1.10.12: the next had been reached, and was cancelled."""
    refusal = BridgeToNull(refusal="CALL_REJECTED")
    several = BridgeToSeveral((BridgeToNull(500), refusal), otherwise=(BridgeToNull(),))
    scenario = call(Sleep(100), several, ending=kill(A, 300, Event.CREATE, "b-leg", BUSY))
    courses = [one.course.legs for one in predict(scenario, Applied({}))]
    reached = [legs for legs in courses if "b-leg3" in legs and legs[B].causes == {BUSY}]
    assert any(CANCELLED in legs["b-leg3"].causes for legs in reached)


@pytest.mark.parametrize(
    "variables",
    [
        Variables(brackets=(("process_cdr", "no"),)),
        Variables(brackets=(("skip_cdr_causes", BUSY),)),
        Variables(originate=(("process_cdr", "no"),), brackets=(("process_cdr", "true"),)),
    ],
)
def test_who_gets_the_variables_of_its_loopback_b_as_it_ends_may_have_no_cdr(
    variables: Variables,
) -> None:
    """Seen in a soak of 1.10.12: hung up while loopback-b hands its plan over, it has them."""
    ending = kill("a-leg", 1500, Event.CREATE, A, BUSY)
    scenario = call(Unloop(), Answer(), Park(), variables=variables, ending=ending)
    (leaving,) = run(scenario).leavings
    assert leaving.how == "cancelled"
    claimed = [one for one in cdr.claims(scenario, run(scenario)) if one.leg == "a-leg"]
    written = [one.allowed for one in claimed if isinstance(one.fact, CdrCount)]
    assert written == [one_of(0, 1)] * len(MODULES)
    assert {"cdr.hangup-cause", "cdr.duration"} <= {one.clause for one in claimed}


def test_who_is_to_park_after_its_bridge_may_begin_to_as_a_bowout_takes_it() -> None:
    """Seen once in a soak of 1.10.12; only a stimulus that counts from there can tell."""
    told = BridgeToNull(variables=(("park_after_bridge", "true"),))
    rejected = kill("b-leg", 400, Event.PARK, "b-leg", "CALL_REJECTED")
    scenario = call(told, stimuli=(rejected,), ending=AFTER_4_S)
    courses = [*predict(scenario, Applied({}))]
    assert courses[0].course.legs["b-leg"].causes == {CLEARED}
    parking = [one for one in courses if one.course.legs["b-leg"].causes == {"CALL_REJECTED"}]
    assert parking
    assert all(one.rare for one in parking)


def test_who_parks_as_a_bowout_takes_it_parks_once_more_after_the_bridge() -> None:
    """Each is a CHANNEL_PARK of its own."""
    told = BridgeToNull(variables=(("park_after_bridge", "true"),))
    ending = kill("b-leg", 6000, Event.CREATE, "b-leg")
    scenario = call(told, stimuli=(kill("a-leg", 4000, Event.CREATE, "a-leg"),), ending=ending)
    courses = [*predict(scenario, Applied({}))]
    assert courses[0].course.legs["b-leg"].parks == 1
    twice = [one for one in courses if one.course.legs["b-leg"].parks == 2]
    assert twice
    assert all(one.rare for one in twice)


def test_who_dials_several_at_once_may_be_hung_up_before_all_are_made() -> None:
    """Seen on the embedded switch; FreeSWITCH looks for its caller before it makes each leg."""
    several = BridgeToSeveral((BridgeToNull(500), BridgeToNull(1000)))
    scenario = call(Sleep(600), several, ending=kill(A, 400, Event.CREATE, "a-leg"))
    made = [
        {role: leg.causes for role, leg in one.course.legs.items() if role.startswith("b-leg")}
        for one in predict(scenario, Applied({}))
    ]
    assert {} in made
    assert {"b-leg": {CANCELLED}} in made
    assert any(len(legs) == 2 for legs in made)
    two_pairs = BridgeToSeveral((further(Park()), further(Park())))
    scenario = call(Sleep(600), two_pairs, ending=kill(A, 400, Event.CREATE, "a-leg"))
    courses = [one.course.legs.keys() for one in predict(scenario, Applied({}))]
    assert {"a-leg", A, B, A2, B2} in courses


@pytest.mark.parametrize(("after", "causes"), [(30, {CLEARED, BUSY}), (60, {CLEARED})])
def test_a_caller_may_be_hung_up_before_it_sees_that_its_bridge_is_over(
    after: int, causes: set[str]
) -> None:
    """Seen on 1.10.12, where the stimulus was so late that the plan was over."""
    ending = kill("a-leg", 600 + after, Event.CREATE, "a-leg", BUSY)
    done = run(call(PreAnswer(), Sleep(600), ending=ending))
    assert done.legs["a-leg"].causes == causes
    assert done.legs[A].causes == {CLEARED}


def test_who_consults_may_be_hung_up_before_it_sees_that_it_is_alone() -> None:
    """Seen on 1.10.12 and 1.11.2: the kill came late, 80 ms after loopback-b had gone."""
    ending = kill("a-leg", 500, Event.CREATE, "a-leg", BUSY)
    scenario = call(PreAnswer(), Sleep(800), HangUp(), origin=ALegConsults(True), ending=ending)
    pace = Pace(2.0, (0.0,) * 2, drift=0.0, shift=0.0, stall=5.0)
    late, later = (course(scenario, {0: at}, pace) for at in (0.88, 1.0))
    assert late.legs["a-leg"].causes == {CLEARED, BUSY}
    assert later.legs["a-leg"].causes == {CLEARED}


def test_of_pairs_that_are_dialled_at_once_each_may_be_ahead() -> None:
    """Seen on 1.10.12: a hangup after 0.8 s, and an answer that ends the race then."""
    beside = BridgeToLoopback(ExtensionTarget("2"), (Sleep(800), HangUp(BUSY)))
    first = call(Sleep(300), BridgeToNull(500), variables=Variables(braces=WAIT))
    courses = [one.course for one in predict(replace(first, beside=(beside,)), Applied({}))]
    assert {("hangup" in one.legs[B2].applications) for one in courses} == {True, False}
    assert {BUSY} in [one.legs[B2].causes for one in courses]


def test_loopback_b_may_be_transferred_to_nowhere_before_its_pair_is_hung_up() -> None:
    """Seen on 1.10.12: its cause crosses the pair ahead of the bowout's."""
    nowhere = SetVariable("transfer_after_bridge", "lc_nowhere")
    ending = kill("b-leg", 4000, Event.ANSWER, "b-leg")
    done = run(call(nowhere, BridgeToNull(), origin=Direct("bridge"), ending=ending))
    assert done.leavings[0].legs == (A, B)
    assert done.legs[A].causes == {CLEARED, UNROUTED}


def test_a_cause_may_come_to_a_leg_that_is_bridged_once_more_before_it_reads() -> None:
    """Seen on 1.10.12: its other leg is gone, and it ends with that one's cause."""
    plan = (BridgeToNull(None, timeout_s=2), BridgeToNull(0, early_media=True))
    ending = kill(A, 400, Event.CREATE, "b-leg", BUSY)
    scenario = call(*plan, origin=Direct("sleep", "2550"), ending=ending)
    courses = [one.course for one in predict(scenario, Applied({}))]
    ends = [one.legs[B].causes for one in courses if one.bridges]
    assert {CLEARED} in ends
    assert {BUSY} in ends


def test_a_single_pair_is_not_overtaken() -> None:
    pace = Pace(2.0, (0.0,) * 2, drift=0.0, shift=0.0, stall=5.0, overtaken=True)
    scenario = call(BridgeToNull(), BridgeToNull(), ending=AFTER_4_S)
    on_time = pace._replace(overtaken=False)
    assert course(scenario, {}, pace) == course(scenario, {}, on_time)


def test_whom_a_leg_reached_as_it_was_hung_up_may_take_its_cause() -> None:
    """Its caller is gone by the time at which it is to be bridged."""
    ending = kill(B, 5, Event.CREATE, "b-leg", BUSY)
    done = run(call(BridgeToNull(0), ending=ending), 0.01)
    assert BUSY in done.legs["b-leg"].causes


def test_whose_caller_goes_as_they_are_bridged_may_find_nobody_there() -> None:
    ending = kill("a-leg", 10, Event.BRIDGE, B)
    done = run(call(BridgeToNull(0), ending=ending))
    assert done.legs["b-leg"].causes == {CLEARED, "DESTINATION_OUT_OF_ORDER"}


def test_who_is_left_may_be_marked_by_a_thread_that_is_caught_in_its_old_bridge() -> None:
    """Of a controlled bowout, that is: only its legs are taken for intercepted."""
    ending = kill("a-leg", 3600, Event.BRIDGE, B, BUSY)
    controlled = replace(PROFILE, bowout_controlled_hangup=True)
    left = replace(call(BridgeToNull(0), ending=ending), profile=controlled)
    assert run(left).legs["b-leg"].causes == {CLEARED}
    assert run(left, collide=True).legs["b-leg"].causes == {CLEARED, "PICKED_OFF"}
    assert run(replace(left, profile=PROFILE), collide=True).legs["b-leg"].causes == {CLEARED}


def test_legs_of_a_bowout_may_still_be_there_as_the_innermost_is_bridged_again() -> None:
    """The hangup comes to it through each pair of the chain."""
    lagging = Pace(2.0, (0.0,) * 3, drift=0.0, shift=0.0, stall=5.0, lag=0.02)
    done = course(CHAIN_THAT_GOES_ON, {}, lagging)
    facts = [claim.fact for claim in legs.claims(CHAIN_THAT_GOES_ON, done)]
    (again,) = [one for one in facts if isinstance(one, Alive) and one.after.number == 2]
    assert {A, B, "loopback-a2", "loopback-b2"} <= {*again.leaving, *again.due}


@pytest.mark.parametrize(("seconds", "crosses"), [(1.0, True), (2.5, False)])
def test_a_digit_crosses_that_was_sent_while_the_pair_was_there(
    seconds: float, crosses: bool
) -> None:
    """A host that is busy may send it behind the bowout."""
    digit = Stimulus(Moment(Event.BRIDGE, B, 1000), UuidSendDtmf(B, "5"))
    scenario = call(BridgeToNull(), stimuli=(digit,), ending=AFTER_4_S)
    pace = Pace(2.0, (0.0,) * 2, drift=0.0, shift=0.0, stall=5.0)
    claims = legs.claims(scenario, course(scenario, {0: seconds}, pace))
    assert any(claim.clause == "legs.dtmf-crosses" for claim in claims) == crosses


def test_who_dials_may_be_hung_up_before_it_notices_that_whom_it_dials_is_gone() -> None:
    ending = kill(B, 5, Event.CREATE, B, "CALL_REJECTED")
    done = run(call(further(HangUp(BUSY)), ending=ending), 0.01)
    assert done.legs["loopback-a2"].causes == {BUSY}
    assert done.legs[B].causes == {"CALL_REJECTED"}


def test_an_application_that_needs_media_has_them_before_it_is_told_of() -> None:
    """So what dials without pre-answering is judged by what came before it."""
    silent = SetVariable("loopback_no_pre_answer", "true")
    scenario = call(silent, further(Sleep(100), PlayTone(400), BridgeToNull()))
    claims = legs.claims(scenario, run(scenario))
    (fact,) = [claim.fact for claim in claims if claim.clause == "legs.no-pre-answer"]
    assert isinstance(fact, Precedes)
    assert fact.first == EventRef("loopback-b2", "CHANNEL_EXECUTE_COMPLETE", 1)


def test_of_two_legs_that_are_hung_up_at_once_either_may_be_first() -> None:
    """A host that is busy carries out both at once: each keeps its cause, or one crosses."""
    plan = (Answer(), Sleep(2000))
    first = kill(A, 100, Event.ANSWER, A, BUSY)
    then = kill(B, 400, Event.ANSWER, A, "CALL_REJECTED")
    late = Applied({0: 0.5, 1: 0.5})
    ends = {
        (*one.course.legs[A].causes, *one.course.legs[B].causes)
        for one in predict(call(*plan, stimuli=(first, then)), late)
    }
    assert {(BUSY, BUSY), (BUSY, "CALL_REJECTED"), ("CALL_REJECTED",) * 2} <= ends


def test_loopback_b_may_go_on_with_its_plan_before_the_hangup_of_its_bowout_comes() -> None:
    """Seen on 1.10.12, once in some thousand calls: what it sets then counts for its CDR."""
    plan = (BridgeToNull(), SetVariable("process_cdr", "foo"), HangUp(BUSY))
    scenario = call(*plan, ending=AFTER_4_S)
    pace = Pace(2.0, (0.0,) * 2, drift=0.0, shift=0.0, stall=5.0, lag=0.02)
    done = course(scenario, {}, pace)
    assert done.legs[B].variables["process_cdr"] == "foo"
    assert BUSY in done.legs[B].causes & done.legs[A].causes
    assert "process_cdr" not in run(scenario).legs[B].variables
    assert [one.course for one in predict(scenario, Applied({}))].count(done) == 1


def test_a_leg_that_misses_its_media_hangs_up_after_its_bridge_where_it_is_told_to() -> None:
    """Seen on 1.10.12 and 1.11.2: of loopback-b's plan nothing more is executed then."""
    ending = kill(A, 300, Event.ANSWER, "b-leg", BUSY)
    told = Variables(braces=(("hangup_after_bridge", "true"),))
    scenario = call(BridgeToNull(0), HangUp(), variables=told, ending=ending)
    pace = Pace(2.0, (0.0,) * 2, drift=0.0, shift=0.0, stall=5.0, cut=frozenset({1}))
    done = course(scenario, {}, pace)
    assert done.legs[B].applications == ("bridge",)
    assert CLEARED in done.legs[B].causes


def test_a_pair_that_ends_as_it_is_answered_may_leave_the_one_before_it_unanswered() -> None:
    """Seen on 1.10.12: whoever is bridged to it looks every 20 ms whether it was answered."""
    refused = further(Answer(), BridgeToNull(refusal="NORMAL_TEMPORARY_FAILURE"))
    silent = SetVariable("loopback_no_pre_answer", "true")
    scenario = call(silent, further(refused), origin=ALegConsults(False))
    pace = Pace(2.0, (0.0,) * 4, drift=0.0, shift=0.0, stall=5.0)
    answered = {}
    for blind in (0, 1):
        done = course(scenario, {}, pace._replace(blind=blind))
        answered[blind] = {leg for leg, one in done.legs.items() if one.answered < math.inf}
    assert answered[1] == answered[0] - {A, B} == {A2, B2, "loopback-a3", "loopback-b3"}


def test_a_pair_that_stays_answers_the_one_before_it_a_look_later() -> None:
    scenario = call(further(Answer(), Park()), ending=AFTER_4_S)
    pace = Pace(2.0, (0.0,) * 3, drift=0.0, shift=0.0, stall=5.0, blind=1)
    early = call(further(PreAnswer(), Sleep(100), Answer(), Park()), ending=AFTER_4_S)
    assert course(scenario, {}, pace).legs[B].answered == 0  # not bridged yet
    legs_of_early = course(early, {}, pace).legs
    assert legs_of_early[B].answered == pytest.approx(legs_of_early[B2].answered + 0.02)


def test_who_ends_as_the_last_it_dialled_does_may_know_of_the_one_before_only() -> None:
    """Seen on 1.10.12: that leg ends just after its caller, whose cause is of the one before."""
    refusing = call(Sleep(100), HangUp(BUSY))
    scenario = replace(refusing, otherwise=(further(),))
    claims = linkage.claims(scenario, run(scenario), ("json_cdr",))
    (allowed,) = [
        claim.allowed
        for claim in claims
        if (claim.clause, claim.leg) == ("cdr.cause-of-partner", "a-leg")
    ]
    assert allowed == one_of(UNROUTED, BUSY, None)


def test_who_ends_as_the_last_it_dialled_does_may_know_of_any_of_several_before() -> None:
    """Seen once in a soak of 1.10.12: which of two that were dialled at once was told last."""
    refusing = call(Sleep(100), HangUp(BUSY))
    scenario = replace(refusing, beside=(further(),), otherwise=(further(),))
    claims = linkage.claims(scenario, run(scenario), ("json_cdr",))
    assert not [one for one in claims if (one.clause, one.leg) == ("cdr.cause-of-partner", "a-leg")]


def test_both_threads_of_a_bridge_may_answer_either_leg_of_the_pair() -> None:
    """Seen on 1.11.2: loopback-a was answered twice, loopback-b once."""
    scenario = call(BridgeToNull(500, early_media=True), ending=AFTER_4_S)
    claims = legs.claims(scenario, run(scenario))
    answers = {
        claim.leg: claim.allowed
        for claim in claims
        if claim.clause == "legs.answer-crosses" and isinstance(claim.fact, Count)
    }
    assert answers == {A: one_of(1, 2), B: one_of(1, 2)}


def test_a_dial_timeout_may_be_cut_by_the_whole_seconds_of_the_clock() -> None:
    """Seen on 1.11.2: of one second 0.34 were left, and the next leg was dialled before the end."""
    plan = (Sleep(100), BridgeToNull(None, timeout_s=1), BridgeToNull(200))
    scenario = call(*plan, origin=Direct("sleep", "1050"))
    answered = {
        one.course.legs["b-leg2"].answered < NEVER
        for one in predict(scenario, Applied({}))
        if "b-leg2" in one.course.legs
    }
    assert True in answered
    assert any("b-leg2" not in one.course.legs for one in predict(scenario, Applied({})))


def test_loopback_b_may_begin_with_what_follows_its_bridge_as_it_is_told_to_leave() -> None:
    """Seen on 1.10.12: a second b-leg was made, and was cancelled before it was noticed."""
    scenario = call(BridgeToNull(0), BridgeToNull(0), ending=AFTER_4_S)
    likeliest, *others = [one.course for one in predict(scenario, Applied({}))]
    assert "b-leg2" not in likeliest.legs
    second = [course.legs["b-leg2"] for course in others if "b-leg2" in course.legs]
    assert any("ORIGINATOR_CANCEL" in leg.causes for leg in second)
    assert all(leg.gone - leg.created <= LAGS[0] + NOTICES[-1] for leg in second)
    assert all(B in course.leavings[0].legs for course in others if course.leavings)


def test_a_global_variable_refuses_every_bowout() -> None:
    profile = Profile(global_variables=(("loopback_bowout", "false"),))
    pace = Pace(2.0, (0.0, 0.0), drift=0.0, shift=0.0, stall=5.0)
    scenario = replace(call(BridgeToNull(), ending=AFTER_4_S), profile=profile)
    assert course(scenario, {}, pace).leavings == ()


@pytest.mark.parametrize(
    ("text", "true", "false"),
    [
        ("true", True, False),
        ("TRUE", True, False),
        ("yes", True, False),
        ("allow", True, False),
        ("1", True, False),
        ("-1", True, False),
        ("2.5", True, False),
        ("false", False, True),
        ("No", False, True),
        ("0", False, True),
        ("0.9", False, True),
        ("maybe", False, False),
        ("1x", False, False),
        ("", False, False),
    ],
)
def test_what_the_switch_takes_for_true_and_false(text: str, true: bool, false: bool) -> None:
    assert (is_true(text), is_false(text)) == (true, false)


def test_only_what_is_set_and_not_true_keeps_a_pair_and_only_false_stops_a_walk() -> None:
    assert allows(None)
    assert not refuses(None)
    assert not allows("maybe")
    assert not refuses("maybe")
    assert not allows("false")
    assert refuses("false")


# --- alternatives --------------------------------------------------------------------------------


def clauses(claims: Iterable[Claim]) -> set[str]:
    """Give the clauses of claims."""
    return {claim.clause for claim in claims}


def test_what_cannot_go_otherwise_has_one_course() -> None:
    """An alternative that is not needed is a defect that is not found."""
    assert len(expectations(call())) == 1
    parked = call(Sleep(200), Answer(), Park(), ending=kill("a-leg", 3000, Event.PARK, B))
    assert len(expectations(parked)) == 1


def test_a_call_that_ends_as_its_bowout_falls_due_may_go_either_way() -> None:
    ending = kill("b-leg", 2000, Event.ANSWER, "b-leg")
    found = expectations(call(BridgeToNull(), ending=ending))
    bowed_out = {"bowout.bridges-real-legs" in clauses(claims) for claims in found}
    assert bowed_out == {True, False}


def test_a_leg_may_be_hung_up_between_its_transfer_and_what_it_is_transferred_to() -> None:
    """Seen once on a loaded 1.10.12: what it was to execute never began."""
    told = Variables(brackets=(("transfer_after_bridge", "park:inline"),))
    parked = call(Answer(), Park(), variables=told, ending=kill(B, 3000, Event.PARK, B))
    courses = [one.course.legs[A] for one in predict(parked, Applied({}))]
    assert {(leg.told, leg.applications) for leg in courses} == {
        ((), ()),
        (("transfer",), ("park",)),
        (("transfer too late",), ()),
    }


def test_claims_about_those_that_lose_a_race_come_as_the_dial_string_names_them() -> None:
    """Else one recording might give its findings in another order each time."""
    silent = BridgeToNull(None)
    several = BridgeToSeveral((silent,) * 4 + (BridgeToNull(100),) + (silent,) * 4)
    (claims, *_) = expectations(call(several))
    legs = [claim.leg for claim in claims if claim.clause == "legs.others-lose-race"]
    assert list(dict.fromkeys(legs)) == ["b-leg", *(f"b-leg{n}" for n in (2, 3, 4, 6, 7, 8, 9))]


@pytest.mark.parametrize("milliseconds", [1000, 4000])
def test_a_call_that_ends_well_before_or_after_goes_one_way(milliseconds: int) -> None:
    ending = kill("b-leg", milliseconds, Event.ANSWER, "b-leg")
    found = expectations(call(BridgeToNull(), ending=ending))
    assert len({"bowout.bridges-real-legs" in clauses(claims) for claims in found}) == 1


@pytest.mark.parametrize("first", [A, B])
def test_a_lifted_refusal_counts_from_the_later_of_two_lifts(first: str) -> None:
    """While one leg still refuses, the lift on the other does nothing."""
    later = B if first == A else A
    scenario = call(
        BridgeToNull(),
        variables=Variables(braces=REFUSE),
        stimuli=(bowout(later, "true", 2800), bowout(first, "true", 2600)),
        ending=AFTER_4_S,
    )
    (since,) = {
        claim.fact.index
        for claim in expectations(scenario)[0]
        if isinstance(claim.fact, SinceStimulus)
    }
    assert since == 0


def test_a_bowout_is_claimed_to_take_two_seconds() -> None:
    """The band is what was measured on busy hosts: more would let a late bowout pass."""
    (claim,) = [
        claim
        for claim in expectations(call(BridgeToNull(), ending=AFTER_4_S))[0]
        if claim.clause == "bowout.after-both-legs-answered"
    ]
    assert isinstance(claim.allowed, Within)
    assert claim.allowed.nominal == 2.0
    assert 1.5 < claim.allowed.low < 2.0 < claim.allowed.high < 2.5


# --- properties ----------------------------------------------------------------------------------


@few
@given(scenarios())
def test_prediction_is_the_same_each_time(scenario: Scenario) -> None:
    """A recording is judged again later: the model may hang on nothing but its arguments."""
    assert expectations(scenario) == expectations(scenario)


@few
@given(scenarios())
def test_claims_are_of_known_clauses_and_legs(scenario: Scenario) -> None:
    """A claim of an unknown clause would be in no verdict."""
    roles = {"", "a-leg", *null_bridges(scenario)}
    roles |= {role for pair in pairs(scenario) for role in (pair.leg_a, pair.leg_b)}
    for claims in expectations(scenario):
        assert claims
        assert clauses(claims) <= set(CLAUSES)
        assert {claim.leg for claim in claims} <= roles


@settings(few, max_examples=100)
@given(scenarios())
def test_every_leg_ends(scenario: Scenario) -> None:
    """A generated call never needs the suite to hang it up, or the suite would hide a leak."""
    for notice in (0.0, 0.06):
        for collide in (False, True):
            for leg in run(scenario, notice, collide=collide).legs.values():
                assert leg.gone < math.inf or (collide and leg.lost)
                assert leg.causes or leg.lost
                assert leg.created <= leg.gone


@settings(few, max_examples=100)
@given(scenarios())
def test_a_pair_comes_and_goes_together(scenario: Scenario) -> None:
    """But for a loopback-b that is hung up while it waits for media to bow out on execution."""
    done = run(scenario)
    waits = {leg for one in done.leavings if one.how == "execute" for leg in one.legs}
    for pair in pairs(scenario):
        assert (pair.leg_a in done.legs) == (pair.leg_b in done.legs)
        if pair.leg_a in done.legs:
            one, other = done.legs[pair.leg_a], done.legs[pair.leg_b]
            assert (one.created, one.answered) == (other.created, other.answered)
            assert abs(one.gone - other.gone) < 0.1 or pair.leg_b in waits


def test_a_call_that_may_take_thousands_of_courses_is_not_followed_through_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody reads what the switch says meanwhile: stimuli would come late, and legs be left."""
    followed = []

    def counted(*given: object) -> Course:
        followed.append(given)
        return course(*given)  # type: ignore[arg-type]

    inner = BridgeToLoopback(ExtensionTarget("n3x1"), (BridgeToNull(),))
    chain = Scenario(
        ALegBridges(),
        ExtensionTarget("1000"),
        (SetVariable("x", "1"), Sleep(300), BridgeToLoopback(ExtensionTarget("n2x1"), (inner,))),
        ending=Stimulus(Moment(Event.BRIDGE, "loopback-b3", 2600), UuidKill("a-leg")),
    )
    monkeypatch.setattr(prediction, "course", counted)
    assert len(list(predict(chain, Applied({0: 2.6})))) > 1
    assert len(followed) == MOST


# --- variables of the switch ---------------------------------------------------------------------


def globally(scenario: Scenario, name: str, value: str) -> Scenario:
    """Let a switch have a global variable."""
    return replace(scenario, profile=Profile(global_variables=((name, value),)))


def test_a_leg_has_the_global_variables_that_it_has_none_of() -> None:
    """Those that are there on a switch which is not ours (`switch_channel_get_variable`)."""
    ending = kill("b-leg", 500, Event.ANSWER, "b-leg", BUSY)
    bridge = call(BridgeToNull(), Sleep(300), ending=ending)
    hung_up = run(globally(bridge, "hangup_after_bridge", "true")).legs[B]
    assert (hung_up.applications, hung_up.causes) == (("bridge",), frozenset({BUSY}))
    assert run(bridge).legs[B].applications == ("bridge", "sleep")
    own = Variables(braces=(("hangup_after_bridge", "false"),))
    kept = run(globally(replace(bridge, variables=own), "hangup_after_bridge", "true")).legs[B]
    assert kept.applications == ("bridge", "sleep")
    executes = call(Answer(), Park(), ending=kill("a-leg", 7000, Event.CREATE, A))
    (leaving,) = run(globally(executes, "loopback_bowout_on_execute", "yes")).leavings
    assert leaving.how == "execute"
    one = call(Answer(), Park(), variables=Variables(braces=(("x_one", "1"),)))
    assert run(globally(one, "loopback_export", "x_one")).legs[B].given["x_one"] == "1"


def test_a_pair_that_a_global_variable_keeps_is_one_that_refuses() -> None:
    """And one that `loopback_bowout=true` is given does not."""
    refused = {"bowout.refused"}
    kept = globally(call(BridgeToNull(), ending=AFTER_4_S), "loopback_bowout", "false")
    assert refused <= {claim.clause for claim in bowouts.claims(kept, run(kept))}
    leaves = Variables(brackets=(("loopback_bowout", "true"),))
    late = Pace(2.4, (0.0,) * 2, drift=0.0, shift=0.0, stall=5.0)
    soon = kill("b-leg", 2300, Event.ANSWER, "b-leg")
    there = call(BridgeToNull(), variables=leaves, ending=soon)
    assert not refused & {claim.clause for claim in bowouts.claims(there, course(there, {}, late))}


# --- what others write ---------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["-+5", "+-1", "+", "-", "--"])
def test_what_is_no_number_is_not_true(text: str) -> None:
    """Somebody's corpus may have any value: it is no fault of ours."""
    assert not is_true(text)
    given = Variables(braces=(("loopback_bowout", text), ("max_forwards", text)))
    assert run(call(BridgeToNull(), variables=given, ending=AFTER_4_S)).legs


def test_a_sleep_without_a_time_is_none() -> None:
    told = (("exec_after_bridge_app", "sleep"), ("exec_after_bridge_arg", BUSY))
    ending = kill("b-leg", 500, Event.ANSWER, "b-leg")
    scenario = call(BridgeToNull(), variables=Variables(braces=told), ending=ending)
    assert run(scenario).legs[B].applications == ("bridge", "sleep")


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("lose_race", "LOSE_RACE"),
        ("16", CLEARED),
        ("USER_BUSY", BUSY),
        ("no_such_cause", CLEARED),
        ("4", ""),
        ("605", ""),
    ],
)
def test_a_cause_is_known_by_name_or_number(text: str, cause: str) -> None:
    """What is no name stands for NORMAL_CLEARING, what is no number for none."""
    assert cause_of(text) == cause


def test_who_is_deflected_begins_its_plan_where_it_was() -> None:
    """However much of that plan it gets through."""
    sent = Stimulus(Moment(Event.ANSWER, "b-leg", 500), UuidDeflect(B, (Sleep(2000), HangUp())))
    ending = kill("a-leg", 1000, Event.ANSWER, "b-leg")
    done = run(call(BridgeToNull(), stimuli=(sent,), ending=ending))
    assert done.legs["a-leg"].applications == ("bridge", "sleep")
    assert done.legs["a-leg"].deflected == 1


def test_each_pair_that_waits_on_its_execution_is_cancelled_with_the_leg_it_waits_for() -> None:
    variables = Variables(braces=(("loopback_bowout_on_execute", "true"),))
    ending = kill("a-leg", 1000, Event.CREATE, "loopback-b")
    scenario = call(Park(), variables=variables, ending=ending)
    both = replace(scenario, beside=(BridgeToLoopback(ExtensionTarget("2"), (Park(),)),))
    done = run(both)
    assert [(one.how, one.pair) for one in done.leavings] == [("cancelled", 1), ("cancelled", 2)]
    assert all(leg.gone < 1.2 for leg in done.legs.values())
