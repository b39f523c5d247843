"""Generated values and extensions on a real switch: they have to come back byte for byte.

Runs where LOOPBACK_CONFORMANCE_FREESWITCH is the absolute path of a freeswitch binary.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from itertools import islice
from uuid import UUID

import pytest

from conformance import dialplan
from conformance.dialstring import originate_arguments, token_of
from conformance.observation import Headers, Observation, Placement, observe
from conformance.profile import Profile
from conformance.scenario import (
    ALegBridges,
    ALegRunsDialplan,
    BridgeToLoopback,
    BridgeToNull,
    ExtensionTarget,
    Pairs,
    Scenario,
    SetVariable,
    Variables,
)
from fixtures.event_socket import EventSocket, EventSocketTimeout
from fixtures.switches import Switch, open_switch
from fixtures.switches.private import PrivateSwitch
from strategies import extensions, samples, values

BINARY = os.environ.get("LOOPBACK_CONFORMANCE_FREESWITCH", "")

CONTEXT = "conformance"
SCOPES = ("originate", "braces", "brackets", "set")
CALLS = 30
AT_ONCE = 10
VALUES_A_PLACE = 4
"""Each call carries so many values in each of eight or nine places."""

_CALLER = "Caller-Caller-ID-Number"


@pytest.mark.skipif(not BINARY, reason="LOOPBACK_CONFORMANCE_FREESWITCH names no binary")
def test_values_come_back_byte_for_byte() -> None:
    scenarios = list(islice(make_scenarios(), CALLS))
    observations = asyncio.run(place(scenarios))
    sent = [item for scenario in scenarios for item in expected(scenario)]
    wrong = [text for observation in observations for text in differences(observation)]
    assert len(sent) >= 500
    assert not wrong, "\n".join([f"{len(wrong)} of {len(sent)} values", *wrong])


def make_scenarios() -> Iterator[Scenario]:
    """Calls through two pairs that carry values in all places, with and without a dialplan."""
    scopes = {scope: samples(values(scope), 1) for scope in SCOPES}
    outer = samples(extensions(), 1)

    def some(place: str, scope: str) -> Pairs:
        drawn = islice(scopes[scope], VALUES_A_PLACE)
        return tuple((f"x_{place}_{number}", value) for number, value in enumerate(drawn))

    for number in range(10**6):
        origin = ALegRunsDialplan(context=CONTEXT) if number % 2 else ALegBridges()
        inner = BridgeToLoopback(
            ExtensionTarget(f"n2x{number}", CONTEXT, "XML"),
            (BridgeToNull(variables=some("null", "braces")),),
            braces=some("inner_braces", "braces"),
            brackets=some("inner_brackets", "brackets"),
        )
        settings = tuple(SetVariable(*pair) for pair in some("plan", "set"))
        variables = Variables(
            originate=some("originate", "originate"),
            braces=some("braces", "braces"),
            brackets=some("brackets", "brackets"),
            export=some("export", "set" if number % 2 else "originate"),
            set=some("set", "set") if number % 2 else (),
        )
        target = ExtensionTarget(next(outer), CONTEXT, "XML")
        yield Scenario(origin, target, (*settings, inner), variables)


def expected(scenario: Scenario) -> list[tuple[str, str, str]]:
    """(leg, name, value) of everything sent."""
    variables = scenario.variables
    plan = scenario.plan
    inner = next(action for action in plan if isinstance(action, BridgeToLoopback))
    (bridge,) = (action for action in inner.plan if isinstance(action, BridgeToNull))
    in_plan = tuple(
        (action.name, action.value) for action in plan if isinstance(action, SetVariable)
    )
    places = [
        ("a-leg", variables.originate + variables.export + variables.set),
        ("loopback-a", variables.braces + variables.brackets + variables.export),
        ("loopback-b", variables.braces + variables.brackets + variables.export + in_plan),
        ("loopback-a2", inner.braces + inner.brackets),
        ("loopback-b2", inner.braces + inner.brackets),
        ("b-leg", bridge.variables),
    ]
    return [(leg, name, value) for leg, sent in places for name, value in sent]


def differences(observation: Observation) -> Iterator[str]:
    """What came back otherwise than sent; an empty value is a variable that is not there."""
    token = observation.placement.token
    for leg, name, value in expected(observation.scenario):
        last = observation.first(leg, "CHANNEL_HANGUP_COMPLETE")
        if last is None:
            yield f"{token}: no {leg}, which was to have {name} {value!a}"
        elif last.headers.get(f"variable_{name}", "") != value:
            yield f"{token}: {leg} {name}: {value!a} -> {last.headers.get(f'variable_{name}')!a}"
    created = observation.first("loopback-b", "CHANNEL_CREATE")
    extension = getattr(observation.scenario.target, "extension", "")
    if created is not None and created.get("Caller-Destination-Number") != extension:
        yield f"{token}: extension {extension!a} -> {created.get('Caller-Destination-Number')!a}"


async def place(scenarios: list[Scenario]) -> list[Observation]:
    """Place the calls on a switch of our own, hang each up, and observe them."""
    switch = open_switch(f"process://{BINARY}")
    await switch.start(Profile())
    try:
        return await _place(switch, scenarios)
    finally:
        await switch.stop()


async def _place(switch: Switch, scenarios: list[Scenario]) -> list[Observation]:
    commands, listener = await switch.connect(), await switch.connect()
    contexts: dict[str, list[str]] = {}
    for scenario in scenarios:
        for context, text in dialplan.extensions(scenario):
            contexts.setdefault(context, []).append(text)
    assert isinstance(switch, PrivateSwitch)
    await switch.write_dialplan("values", contexts)
    assert "OK" in await commands.api("reloadxml")
    await listener.subscribe(["CHANNEL_CREATE", "CHANNEL_HANGUP_COMPLETE"])
    for start in range(0, len(scenarios), AT_ONCE):
        await _place_and_hang_up(commands, scenarios[start : start + AT_ONCE])
    events = [event async for event in _until_quiet(listener)]
    await commands.close()
    await listener.close()
    return [_observation(scenario, events) for scenario in scenarios]


async def _place_and_hang_up(commands: EventSocket, scenarios: list[Scenario]) -> None:
    for scenario in scenarios:
        text = originate_arguments(scenario, token_of(scenario, 0), _uuid(scenario))
        # In the background: what the switch takes for something else may last for a minute.
        await commands.bgapi(f"originate {text}", _uuid(scenario))
        await asyncio.sleep(0.03)
    await asyncio.sleep(0.5)
    for scenario in scenarios:
        await commands.api(f"uuid_kill {_uuid(scenario)}")


def _observation(scenario: Scenario, events: list[Headers]) -> Observation:
    token, uuid = token_of(scenario, 0), _uuid(scenario)
    # Later on a loopback-a shows another number than the token, so its legs are found by uuid.
    legs = {event.get("Unique-ID") for event in events if event.get(_CALLER) == token} | {uuid}
    own = tuple(event for event in events if event.get("Unique-ID") in legs)
    return observe(scenario, Placement(token, uuid, "", own, {}))


def _uuid(scenario: Scenario) -> str:
    return str(UUID(int=int(scenario.id, 16)))


async def _until_quiet(listener: EventSocket) -> AsyncIterator[Headers]:
    while True:
        try:
            yield await listener.next_event(2)
        except EventSocketTimeout:
            return
