"""Admission: gentle at first, more while the switch keeps time, never more than a guest may."""

import asyncio
import math

import pytest

from campaign.admission import FALL, GENTLE, GUEST, RISE, STEEP, Admission, Pace, legs_of
from conformance.scenario import ALegBridges, BridgeToNull, ExtensionTarget, Scenario
from fixtures.clock import WallClock
from fixtures.switches.interface import Manners

CALL = Scenario(ALegBridges(), ExtensionTarget("1"), (BridgeToNull(),))


def admitted(admission: Admission, pace: Pace) -> int:
    """How many calls are let in at once."""
    return asyncio.run(entering(admission, pace))


async def entering(admission: Admission, pace: Pace) -> int:
    entered = 0
    try:
        async with asyncio.timeout(0.05):
            while entered < pace.window + 1:
                await admission.enter(CALL, pace)
                entered += 1
    except TimeoutError:
        pass
    return entered


def told(admission: Admission, *lateness: float) -> None:
    async def tell() -> None:
        for one in lateness:
            admission.told(one)

    asyncio.run(tell())


def test_the_window_is_open_wholly_where_time_is_the_switchs_own() -> None:
    admission = Admission(WallClock(), None, by_time=False)
    told(admission, 1.0)
    assert admitted(admission, Pace(20)) == 20


def test_it_begins_gently_and_rises_to_the_window() -> None:
    admission = Admission(WallClock(), None, by_time=True)
    assert admission.level == GENTLE
    told(admission, *[0.0] * 50)
    assert admitted(admission, Pace(20)) == 20


def test_it_rises_steeply_until_a_first_control_call_was_late() -> None:
    admission = Admission(WallClock(), None, by_time=True)
    told(admission, 0.0)
    assert admission.level == pytest.approx(GENTLE + STEEP)
    told(admission, 0.3, 0.0)
    assert admission.level == pytest.approx((GENTLE + STEEP) * FALL + RISE)


def test_no_more_begin_than_what_is_over_can_be_judged() -> None:
    async def over() -> tuple[int, int]:
        admission = Admission(WallClock(), None, by_time=False)
        for _ in range(await entering(admission, Pace(5))):
            admission.leave(CALL)
        held = await entering(admission, Pace(5))
        admission.settle()
        return held, await entering(admission, Pace(5))

    assert asyncio.run(over()) == (0, 5)


def test_it_falls_once_for_control_calls_that_are_late_together() -> None:
    admission = Admission(WallClock(), None, by_time=True)
    told(admission, 0.3, 0.3, 0.3)
    assert admission.level == GENTLE * FALL


def test_nobody_is_let_in_while_control_calls_are_refused() -> None:
    async def entered() -> tuple[int, int]:
        admission = Admission(WallClock(), None, by_time=True)
        admission.controlled(math.inf)
        assert admission.level == GENTLE * FALL
        refused = await entering(admission, Pace(20))
        admission.controlled(0.3)  # late, and yet it was taken
        return refused, await entering(admission, Pace(20))

    assert asyncio.run(entered()) == (0, round(20 * GENTLE * FALL))


def test_a_guest_has_no_more_legs_than_it_may() -> None:
    manners = Manners(legs=3 * legs_of(CALL), legs_a_second=1000)
    admission = Admission(WallClock(), manners, by_time=True)
    assert admission.level == GUEST
    told(admission, *[0.0] * 100)
    assert admitted(admission, Pace(20)) == 3


def test_one_call_is_always_let_in() -> None:
    admission = Admission(WallClock(), Manners(legs=1, legs_a_second=1), by_time=True)
    assert admitted(admission, Pace(20)) == 1


def test_what_was_given_up_makes_room() -> None:
    async def twice() -> tuple[int, int]:
        admission = Admission(WallClock(), None, by_time=False)
        before = await entering(admission, Pace(5))
        admission.forget()
        return before, await entering(admission, Pace(5))

    assert asyncio.run(twice()) == (5, 5)
