"""The shape of a scenario: kinds and order count, values and names do not."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from conformance.profile import Profile
from conformance.scenario import (
    ALegBridges,
    ALegRunsDialplan,
    Answer,
    ApplicationTarget,
    BridgeToLoopback,
    BridgeToNull,
    BridgeToSeveral,
    Event,
    ExtensionTarget,
    Moment,
    Park,
    Scenario,
    SetVariable,
    Sleep,
    Stimulus,
    UuidKill,
    UuidSendDtmf,
    Variables,
)
from conformance.shape import shape_of

KILL = Stimulus(Moment(Event.ANSWER, "b-leg", 2600), UuidKill("a-leg"))
DIGITS = Stimulus(Moment(Event.ANSWER, "b-leg", 300), UuidSendDtmf("a-leg", "1"))
CALL = Scenario(
    ALegBridges(), ExtensionTarget("1"), (SetVariable("x", "1"), BridgeToNull()), ending=KILL
)

FURTHER = BridgeToLoopback(ExtensionTarget("n2x"), (Park(),))


def test_a_shape_can_be_read() -> None:
    chain = BridgeToLoopback(ExtensionTarget("n2x"), (Answer(), Park()))
    call = replace(CALL, plan=(Sleep(100), chain), stimuli=(DIGITS,), profile=Profile(True))
    assert shape_of(CALL) == "a_leg_bridges extension [set bridge_null] - uuid_kill"
    assert shape_of(call) == (
        "a_leg_bridges extension [sleep bridge_loopback [answer park]] "
        "uuid_send_dtmf uuid_kill profile"
    )


def test_the_shape_of_several_targets_can_be_read() -> None:
    several = BridgeToSeveral((BridgeToNull(), BridgeToNull()), (FURTHER,))
    call = replace(CALL, plan=(several,), beside=(FURTHER,), otherwise=(FURTHER, FURTHER))
    assert shape_of(call) == (
        "a_leg_bridges extension "
        "[bridge_several [bridge_null bridge_null] otherwise [bridge_loopback [park]]] "
        "beside [bridge_loopback [park]] "
        "otherwise [bridge_loopback [park] bridge_loopback [park]] - uuid_kill"
    )


@pytest.mark.parametrize(
    "other",
    [
        replace(CALL, origin=ALegBridges(answers=False)),
        replace(CALL, target=ExtensionTarget("2", "public", "XML")),
        replace(CALL, plan=(SetVariable("y", "2"), BridgeToNull(200, early_media=True))),
        replace(CALL, variables=Variables(braces=(("a", "b"),))),
        replace(CALL, ending=replace(KILL, at=Moment(Event.BRIDGE, "a-leg", 300))),
    ],
)
def test_values_and_names_make_no_other_shape(other: Scenario) -> None:
    assert shape_of(other) == shape_of(CALL)


@pytest.mark.parametrize(
    "other",
    [
        replace(CALL, origin=ALegRunsDialplan()),
        replace(CALL, target=ApplicationTarget()),
        replace(CALL, plan=tuple(reversed(CALL.plan))),
        replace(CALL, plan=(BridgeToLoopback(ExtensionTarget("n2x"), CALL.plan),)),
        replace(CALL, beside=(FURTHER,)),
        replace(CALL, otherwise=(FURTHER,)),
        replace(CALL, stimuli=(DIGITS,)),
        replace(CALL, ending=None),
        replace(CALL, profile=Profile(fire_bowout_on_bridge=True)),
    ],
)
def test_kinds_and_their_order_do(other: Scenario) -> None:
    assert shape_of(other) != shape_of(CALL)
