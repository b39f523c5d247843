"""Several targets in one dial string: at once, in turn, and the same one again.

Who is taken is certain, for whatever else happens comes long before or long after; in a loop each
pair pauses before it dials the next, so that even a switch that loses count stays slow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from conformance.model.variables import IGNORE_EARLY_MEDIA, MAX_FORWARDS
from conformance.scenario import (
    Action,
    Answer,
    BridgeAgain,
    BridgeToLoopback,
    BridgeToNull,
    BridgeToSeveral,
    HangUp,
    Pairs,
    Park,
    PlayTone,
    PreAnswer,
    RingReady,
    Sleep,
    Variables,
)
from strategies.basics import weighted
from strategies.targets import extension_targets, nested_extensions
from strategies.variables import variable_sets

Plan = tuple[Action, ...]

HOPS = 3
"""Pairs that run the plan of a loop, at most; one more finds no extension."""

WAITING: Pairs = ((IGNORE_EARLY_MEDIA, "true"),)
"""Whoever dials so takes nobody who is not answered."""

HANDING_ON: Pairs = (("loopback_export", MAX_FORWARDS),)
"""A target dialled so lets loopback-b know how many channels may still come."""

FAILURES = ("USER_BUSY", "CALL_REJECTED", "UNALLOCATED_NUMBER", "NORMAL_TEMPORARY_FAILURE")
"""Causes behind which no plan goes on."""

_REACHED = (300, 500)
_BEHIND = 500


@dataclass(frozen=True, slots=True)
class Targets:
    """What an a-leg's dial string names: the plan of its first target, further ones, its `{}`."""

    plan: Plan
    beside: tuple[BridgeToLoopback, ...]
    otherwise: tuple[BridgeToLoopback, ...]
    braces: Pairs


# --- what a-leg dials ----------------------------------------------------------------------------


@cache
def several_targets() -> SearchStrategy[Targets]:
    """Two or three targets of an a-leg: one is taken, or all fail, or none comes to anything."""
    return weighted((4, _race()), (2, _in_turn()), (1, _all_fail()), (1, _nobody()))


@cache
def _race() -> SearchStrategy[Targets]:
    """One is reached, the others later or never; sometimes a further one is not needed."""
    drawn = st.tuples(st.booleans(), st.sampled_from(_REACHED), st.booleans())

    def plans(made: tuple[bool, int, bool]) -> SearchStrategy[Targets]:
        waits, at, third = made
        racing = [reached(waits, at), missed(waits, at), *([missed(waits, at)] if third else [])]
        spare = st.just(()) if third else weighted((2, st.just(())), (1, _one(_any(at))))
        return st.tuples(st.tuples(*racing).flatmap(_shuffled), spare).flatmap(
            lambda both: _targets(both[0], both[1], waits)
        )

    return drawn.flatmap(plans)


@cache
def _in_turn() -> SearchStrategy[Targets]:
    """The first fails, sometimes beside another that does, and then one behind it is dialled."""
    drawn = st.tuples(st.booleans(), st.sampled_from(_REACHED), st.sampled_from((1, 1, 2)))

    def plans(made: tuple[bool, int, int]) -> SearchStrategy[Targets]:
        waits, at, failing = made
        first = st.tuples(*(fails(waits) for _ in range(failing)))
        behind = weighted((4, _one(reached(waits, at))), (1, _one(fails(waits))))
        two = st.tuples(fails(waits), reached(waits, at))
        if failing == 1:
            behind = weighted((3, behind), (1, two))
        return st.tuples(first, behind).flatmap(lambda both: _targets(both[0], both[1], waits))

    return drawn.flatmap(plans)


@cache
def _all_fail() -> SearchStrategy[Targets]:
    """Two or three dialled at once, of which each fails at a time of its own."""
    return st.booleans().flatmap(
        lambda waits: st.lists(fails(waits), min_size=2, max_size=3).flatmap(
            lambda plans: _targets(tuple(plans), (), waits)
        )
    )


@cache
def _nobody() -> SearchStrategy[Targets]:
    """Two that ring for ever."""
    return st.booleans().flatmap(
        lambda waits: st.tuples(rings(waits), rings(waits)).flatmap(
            lambda plans: _targets(plans, (), waits)
        )
    )


def _targets(
    at_once: Sequence[Plan], behind: Sequence[Plan], waits: bool
) -> SearchStrategy[Targets]:
    plan, *others = at_once
    numbers = range(2, 1 + len(at_once) + len(behind))
    named = st.tuples(*map(_loopback, (*others, *behind), numbers))
    return named.map(
        lambda bridges: Targets(
            plan,
            bridges[: len(others)],
            bridges[len(others) :],
            WAITING if waits else (),
        )
    )


def _loopback(plan: Plan, number: int) -> SearchStrategy[BridgeToLoopback]:
    brackets = weighted((3, st.just(())), (1, variable_sets("brackets", 2)))
    return st.builds(
        lambda target, given: BridgeToLoopback(target, plan, (), given),
        extension_targets(nested_extensions(number)),
        brackets,
    )


# --- what their plans do -------------------------------------------------------------------------


def reached(waits: bool, at: int) -> SearchStrategy[Plan]:
    """Plans of a target that is reached so many milliseconds after it is dialled.

    That is an answer for who `waits` for one, else early media will do.
    """
    later = st.sampled_from((0, 200, 500)).map(BridgeToNull)
    if not waits:
        return weighted(
            (4, later.map(lambda bridge: (Sleep(at), bridge))),
            (2, later.map(lambda bridge: (RingReady(), Sleep(at), bridge))),
            (1, st.just((Sleep(at), PreAnswer(), Sleep(300), Answer(), Park()))),
            (1, st.just((Sleep(at), Answer(), Park()))),
            (1, st.just((Sleep(at), PlayTone(400), Answer(), Sleep(600)))),
        )
    return weighted(
        (4, st.booleans().map(lambda early: (BridgeToNull(at, early),))),
        (2, later.map(lambda bridge: (Sleep(at), bridge))),
        (1, st.just((BridgeToSeveral((BridgeToNull(None), BridgeToNull(at))),))),
        (1, st.just((PreAnswer(), Sleep(at), Answer(), Park()))),
        (1, st.just((Sleep(at), Answer(), Sleep(600)))),
    )


def missed(waits: bool, at: int) -> SearchStrategy[Plan]:
    """Plans of a target that comes too late, or never, or fails before another is reached."""
    late = at + _BEHIND
    plans = weighted((3, rings(waits)), (1, fails(waits)), (1, _hung_up((Sleep(late),))))
    if not waits:
        too_late = st.sampled_from(((Sleep(late), BridgeToNull()), (Sleep(late), Answer(), Park())))
    else:
        too_late = st.sampled_from(
            ((BridgeToNull(late),), (BridgeToNull(late, True),), (Sleep(late), Answer(), Park()))
        )
    return weighted((3, too_late), (4, plans))


@cache
def rings(waits: bool) -> SearchStrategy[Plan]:
    """Plans of a target that is never reached, and does not end."""
    parked = ((Park(),), (RingReady(), Park()), (RingReady(), Sleep(200), Park()))
    if not waits:
        return st.sampled_from(parked)
    silent = BridgeToNull(None)
    dialling = ((silent,), (BridgeToNull(None, early_media=True),), (RingReady(), silent))
    return st.sampled_from((*dialling, *dialling, *parked, (PreAnswer(), Park())))


@cache
def fails(waits: bool) -> SearchStrategy[Plan]:
    """Plans of a target that fails before it is reached: without a route, or hung up."""
    plans = [
        (2, st.just(())),
        (2, _hung_up(())),
        (1, _hung_up((RingReady(),))),
        (1, _hung_up((Sleep(100),))),
    ]
    if waits:
        refused = st.sampled_from(FAILURES).map(lambda cause: (BridgeToNull(refusal=cause),))
        plans += [(2, refused), (1, _hung_up((PreAnswer(),)))]
    return weighted(*plans)


def _any(at: int) -> SearchStrategy[Plan]:
    return reached(True, at)


def _one(plans: SearchStrategy[Plan]) -> SearchStrategy[tuple[Plan, ...]]:
    return plans.map(lambda plan: (plan,))


def _hung_up(before: Plan) -> SearchStrategy[Plan]:
    return st.sampled_from(FAILURES).map(lambda cause: (*before, HangUp(cause)))


def _shuffled(plans: tuple[Plan, ...]) -> SearchStrategy[list[Plan]]:
    return st.permutations(plans)


# --- what loopback-b dials -----------------------------------------------------------------------


@cache
def bridges_to_several(pair: int = 2) -> SearchStrategy[BridgeToSeveral]:
    """`bridge` to several b-legs, now and then to pairs of this number and the next among them."""
    return weighted(
        (4, _forked_b_legs()), (3, _b_legs_in_turn()), (1, _forked_pairs(pair)), (1, _refused())
    )


@cache
def _forked_b_legs() -> SearchStrategy[BridgeToSeveral]:
    """One b-leg answers before the others do, if they do."""
    drawn = st.tuples(st.booleans(), st.sampled_from(_REACHED))

    def bridges(made: tuple[bool, int]) -> SearchStrategy[BridgeToSeveral]:
        waits, at = made
        early = st.booleans() if waits else st.just(False)
        slow = st.builds(BridgeToNull, st.sampled_from((None, at + _BEHIND)), early)
        others = st.lists(weighted((3, slow), (1, _refusing())), min_size=1, max_size=2)
        first = early.map(lambda has: BridgeToNull(at, has))
        at_once = st.builds(lambda one, more: (one, *more), first, others).flatmap(st.permutations)
        spare = weighted((3, st.just(())), (1, st.just((BridgeToNull(),))))
        braces = _given().map(lambda given: (*(WAITING if waits else ()), *given))
        several = st.builds(BridgeToSeveral, at_once.map(tuple), spare, braces)
        return several.flatmap(_with_variables)

    return drawn.flatmap(bridges)


@cache
def _b_legs_in_turn() -> SearchStrategy[BridgeToSeveral]:
    """One or two refuse, and the next is dialled."""
    answering = st.sampled_from((0, 200, 500)).map(BridgeToNull)
    behind = weighted(
        (3, answering.map(lambda one: (one,))),
        (1, st.tuples(_refusing(), answering)),
        (1, st.tuples(answering, _refusing())),
    )
    refusing = st.lists(_refusing(), min_size=1, max_size=2).map(tuple)
    made = st.builds(BridgeToSeveral, refusing, behind, _given())
    return made.flatmap(_with_variables)


@cache
def _refused() -> SearchStrategy[BridgeToSeveral]:
    """All refuse, at once or in turn."""
    behind = weighted((1, st.just(())), (1, st.tuples(_refusing())))
    several = st.lists(_refusing(), min_size=1, max_size=2).map(tuple)
    made = st.builds(BridgeToSeveral, several, behind)
    return made.filter(lambda bridge: len(bridge.bridges) > 1)


def _forked_pairs(pair: int) -> SearchStrategy[BridgeToSeveral]:
    """Two further pairs, or one beside a b-leg, at once or in turn."""
    at = _REACHED[0]
    b_leg = st.just(BridgeToNull(at + _BEHIND))

    def named(plans: SearchStrategy[Plan], number: int) -> SearchStrategy[BridgeToLoopback]:
        return plans.flatmap(lambda plan: _loopback(plan, number))

    first, second = named(reached(True, at), pair), named(missed(True, at), pair + 1)
    forked = st.tuples(first, weighted((2, second), (1, b_leg))).flatmap(st.permutations)
    failing = named(fails(True), pair)
    behind = weighted((1, named(reached(True, at), pair + 1)), (1, b_leg))
    return weighted(
        (2, st.builds(BridgeToSeveral, forked.map(tuple), braces=st.just(WAITING))),
        (1, st.builds(lambda one, two: BridgeToSeveral((one,), (two,), WAITING), failing, behind)),
    )


@cache
def _refusing() -> SearchStrategy[BridgeToNull]:
    return st.sampled_from(FAILURES).map(lambda cause: BridgeToNull(refusal=cause))


@cache
def _given() -> SearchStrategy[Pairs]:
    return weighted((4, st.just(())), (1, variable_sets("braces", 2)))


def _with_variables(bridge: BridgeToSeveral) -> SearchStrategy[BridgeToSeveral]:
    """The same, some b-leg of it with variables of its own."""
    names = {name.lower() for name, _ in bridge.braces}
    own = variable_sets("brackets", 2).filter(
        lambda given: not names & {name.lower() for name, _ in given}
    )
    return weighted((4, st.just(())), (1, own)).map(
        lambda given: BridgeToSeveral(
            tuple(_replaced(one, given) for one in bridge.at_once), bridge.otherwise, bridge.braces
        )
    )


def _replaced(
    bridge: BridgeToNull | BridgeToLoopback, given: Pairs
) -> BridgeToNull | BridgeToLoopback:
    if isinstance(bridge, BridgeToLoopback):
        return bridge
    return BridgeToNull(bridge.answer_delay_ms, bridge.early_media, bridge.refusal, given)


# --- loops ---------------------------------------------------------------------------------------


@cache
def looping_plans() -> SearchStrategy[Plan]:
    """A pause, then the plan's own target again."""
    before = weighted(
        (3, st.just(())),
        (1, st.just((RingReady(),))),
        (1, st.just((PreAnswer(),))),
        (1, st.just((Answer(),))),
    )
    pause = st.sampled_from((200, 400, 600)).map(Sleep)
    again = st.builds(
        BridgeAgain, st.integers(1, HOPS), st.sampled_from(((), HANDING_ON, HANDING_ON))
    )
    return st.builds(lambda first, then, last: (*first, then, last), before, pause, again)


@cache
def loop_variables(plan: Plan) -> SearchStrategy[Variables]:
    """How many channels the a-leg says may come, and whether the first target hands that on."""
    again = plan[-1]
    assert isinstance(again, BridgeAgain)
    some = st.sampled_from(("2", "3", "3", "4")).map(lambda number: ((MAX_FORWARDS, number),))
    given = weighted((1, st.just(())), (5, some))
    return given.map(lambda forwards: Variables(originate=forwards, braces=again.braces))
