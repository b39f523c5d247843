"""The campaign against a scripted fake of a switch: what it does with what it is told."""

from __future__ import annotations

import asyncio
import gc
import math
import time
import weakref
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest
from msgspec import structs

from campaign import campaign as campaign_module
from campaign import placer as placer_module
from campaign.attempt import Attempt, patience
from campaign.campaign import Campaign, Control, Pace, open_campaign
from campaign.session import CONFIRMED_BY, Plan, Run, run
from conformance.dialstring import token_of
from conformance.judge import Finding, Judgement, judge
from conformance.model.bowout import STALL
from conformance.model.predict import Applied, predict
from conformance.model.variables import ON_EXECUTE
from conformance.observation import Placement
from conformance.profile import Profile
from conformance.scenario import (
    Action,
    ALegBridges,
    Answer,
    Direct,
    Event,
    ExtensionTarget,
    Moment,
    Pairs,
    Park,
    Scenario,
    Sleep,
    Stimulus,
    Unloop,
    UuidKill,
    UuidSetvar,
    Variables,
)
from conformance.verdicts import Verdict
from fixtures.event_socket import CutOff
from fixtures.recording import Ending, Recording
from fixtures.switches import SwitchError
from fixtures.switches.interface import Manners
from tests.fake_switch import Fake, Line, hangup, hurry, scenario


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


def place(
    switch: Fake,
    *scenarios: Scenario,
    witness: bool = False,
    controls: list[Control] | None = None,
    waited: list[str] | None = None,
    meanwhile: Callable[[], Awaitable[None]] | None = None,
    seconds: float = 10,
) -> list[Placement]:
    """Place scenarios on the fake and give what came of them."""
    came: list[Placement] = []

    async def session() -> None:
        try:
            async with open_campaign(
                switch,
                ("json_cdr",),
                lambda _, placement: came.append(placement),
                lambda control: controls.append(control) if controls is not None else None,
                lambda reason: waited.append(reason) if waited is not None else None,
            ) as campaign:
                await run_beside(campaign)
        finally:
            await switch.stop()

    async def run_beside(campaign: Campaign) -> None:
        pace = Pace(window=10, rate=1000)
        if meanwhile is not None:
            switch.background(meanwhile())
        async with asyncio.timeout(seconds):
            await campaign.place_all(scenarios, pace, witness=witness)

    asyncio.run(session())
    return came


# --- one placement -------------------------------------------------------------------------------


def test_a_placement_holds_what_was_told() -> None:
    switch = Fake()
    call = scenario()
    (came,) = place(switch, call)
    assert came.token == token_of(call, 1)
    assert came.reply == f"+OK {came.a_leg_uuid}"
    assert [event["Event-Name"] for event in came.events] == ["CHANNEL_CREATE", "CHANNEL_DESTROY"]
    assert came.cdrs == {came.a_leg_uuid: {"json_cdr": {"variables.a": "1"}}}
    assert (came.swept, came.problem, came.applied) == ((), "", ())
    assert switch.kills() == []
    assert switch.dialplans == set()


def test_calls_are_over_before_the_profile_changes() -> None:
    """Settings act on running calls: those of one profile must not see the next one's."""
    switch = Fake()
    other = Profile(fire_bowout_on_bridge=True)
    calls = [scenario(number=number) for number in range(4)]
    place(switch, calls[0], calls[1], structs.replace(calls[2], profile=other), calls[3])
    assert switch.configured == [(Profile(), 0), (other, 0), (Profile(), 0)]


def test_stimuli_are_applied_after_their_event() -> None:
    switch = Fake()
    switch.script = switch.held_call
    set_first = Stimulus(
        Moment(Event.CREATE, "a-leg", 5), UuidSetvar("a-leg", name="a", value="b c")
    )
    (came,) = place(switch, scenario(set_first, ending=hangup(40)))
    uuid = came.a_leg_uuid
    deeds = [one for one in switch.commands if one.startswith("uuid_") and uuid in one]
    assert deeds == [f"uuid_setvar {uuid} a b c", f"uuid_kill {uuid} USER_BUSY"]
    assert [(one.index, one.reply) for one in came.applied] == [(0, "+OK"), (1, "+OK")]
    bridged = next(one for one in came.events if one["Event-Name"] == "CHANNEL_BRIDGE")
    assert came.applied[1].at is not None
    assert came.applied[1].at - int(str(bridged["Event-Date-Timestamp"])) >= 40_000
    assert came.swept == ()


def test_a_bridge_counts_for_both_its_ends() -> None:
    switch = Fake()

    async def call(token: str, uuid: str) -> str:
        switch.create(uuid, f"null/{token}")
        switch.create("b", "null/b1", Caller_Caller_ID_Number=token)
        switch.send("CHANNEL_BRIDGE", uuid, Bridge_B_Unique_ID="b")
        for leg in (uuid, "b"):
            switch.background(switch.until_hung_up(leg))
        return "+OK"

    switch.script = call
    kill = Stimulus(Moment(Event.BRIDGE, "b-leg", 10), UuidKill("b-leg"))
    (came,) = place(switch, scenario(kill, ending=hangup()))
    assert "uuid_kill b NORMAL_CLEARING" in switch.commands
    assert [one.reply for one in came.applied] == ["+OK", "+OK"]


def test_a_stimulus_for_a_leg_that_never_came() -> None:
    switch = Fake()
    switch.script = switch.held_call
    nobody = Stimulus(Moment(Event.BRIDGE, "a-leg", 1), UuidKill("b-leg"))
    (came,) = place(switch, scenario(nobody, ending=hangup()))
    assert [(one.at, one.reply) for one in came.applied][:1] == [(None, "no such leg")]


def test_legs_that_stay_are_hung_up_by_uuid_and_named() -> None:
    switch = Fake()
    switch.script = switch.held_call
    (came,) = place(switch, scenario())
    assert came.swept == (came.a_leg_uuid,)
    assert came.problem == ""
    assert switch.kills() == [f"uuid_kill {came.a_leg_uuid} NORMAL_CLEARING"]


def test_legs_are_known_by_token_at_first_and_by_uuid_from_then_on() -> None:
    switch = Fake()

    async def call(token: str, uuid: str) -> str:
        switch.create("a", "loopback/1000-a", Caller_Caller_ID_Number=token)
        switch.create("b", "loopback/1000-b", Caller_Caller_ID_Number=token)
        switch.create("stranger", "loopback/1000-a", Caller_Caller_ID_Number="someone")
        switch.send("CHANNEL_ANSWER", "b")  # nothing here names the token
        switch.send("CUSTOM", "", Resigning_UUID="a", Event_Subclass="loopback::bowout")
        for leg in ("a", "b"):
            switch.send("CHANNEL_DESTROY", leg)
        return "+OK"

    switch.script = call
    direct = Scenario(Direct("park"), ExtensionTarget("1000"), (Park(),))
    (came,) = place(switch, direct)
    assert len(came.events) == 6
    assert {event["Unique-ID"] for event in came.events} == {"a", "b", ""}
    assert set(came.cdrs) == {"a", "b"}
    assert "stranger" not in str(switch.commands)


def test_an_originate_without_an_answer_is_no_finding() -> None:
    switch = Fake()

    async def silence(token: str, uuid: str) -> str:
        await asyncio.Event().wait()
        return ""

    switch.script = silence
    (came,) = place(switch, scenario())
    assert came.problem == "the switch did not answer the originate"


ODD = {
    "no number": {"Event_Date_Timestamp": "soon"},
    "far too long": {"Event_Date_Timestamp": 400 * "9"},
    "too long to read": {"Event_Sequence": 5000 * "9"},
    "empty": {"Event_Sequence": ""},
}


@pytest.mark.parametrize("headers", ODD.values(), ids=ODD)
def test_a_number_that_cannot_be_read_is_a_problem_of_its_call(headers: dict[str, str]) -> None:
    switch = Fake()
    switch.posts_cdrs = True
    switch.script = switch.held_call
    odd, other = scenario(ending=hangup(), number=1), scenario(ending=hangup(), number=2)

    async def call(token: str, uuid: str) -> str:
        said = await switch.held_call(token, uuid)
        if token == token_of(odd, 1):
            for event in ("CHANNEL_BRIDGE", "CHANNEL_HANGUP", "CHANNEL_HANGUP_COMPLETE"):
                switch.send(event, uuid, **headers)
        return said

    switch.script = call
    problems = {came.token: came.problem for came in place(switch, odd, other, witness=True)}
    (header,) = headers
    assert problems[token_of(odd, 1)].startswith(f"{header.replace('_', '-')} is no number: ")
    assert problems[token_of(other, 1)] == ""


def test_a_stimulus_whose_time_cannot_be_read_was_not_observed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    switch = Fake()
    switch.script = switch.held_call
    send = switch.send

    def odd(name: str, uuid: str, **headers: str) -> None:
        if name == "BACKGROUND_JOB":
            headers["Event_Date_Timestamp"] = "soon"
        send(name, uuid, **headers)

    monkeypatch.setattr(switch, "send", odd)
    (came,) = place(switch, scenario(ending=hangup()))
    assert [(one.at, one.reply) for one in came.applied] == [(None, "+OK")]


@pytest.mark.parametrize("uuid", ["node1/0001", 300 * "u", "u\ud800", "u\nx", "u x", ""])
def test_a_leg_whose_uuid_names_nothing_is_asked_for_nowhere(uuid: str) -> None:
    """Neither in a command nor as a file: that it was there is a problem of its call."""
    switch = Fake()
    switch.manners = Manners(legs=1000, legs_a_second=1000.0)
    asked: list[str] = []
    read_cdrs = switch.read_cdrs

    async def read(uuids: Sequence[str]) -> dict[str, dict[str, bytes]]:
        asked.extend(uuids)
        return await read_cdrs(uuids)

    async def call(token: str, own: str) -> str:
        switch.create(own, f"null/{token}")
        switch.create(uuid, "null/b1", Caller_Caller_ID_Number=token)
        switch.send("CHANNEL_BRIDGE", own, Bridge_B_Unique_ID=uuid)
        await asyncio.sleep(0.05)
        switch.send("CHANNEL_DESTROY", own)
        return "+OK"

    switch.script, switch.read_cdrs = call, read  # type: ignore[method-assign]
    kill = Stimulus(Moment(Event.BRIDGE, "a-leg", 1), UuidKill("b-leg"))
    (came,) = place(switch, scenario(kill))
    assert came.problem == f"a leg cannot be asked for by its uuid: {uuid[:40]!a}"
    assert asked == [came.a_leg_uuid]
    assert switch.kills() == []
    assert len([one for one in switch.commands if one.startswith("sched_api")]) == 1
    assert [one.reply for one in came.applied] == ["no such leg"]


# --- many of them --------------------------------------------------------------------------------


def test_control_calls_tell_how_late_the_host_is() -> None:
    switch = Fake()
    switch.script = switch.held_call
    switch.control_lateness = 0.75
    controls: list[Control] = []
    (came,) = place(switch, scenario(ending=hangup(100)), controls=controls)
    assert len(controls) >= campaign_module.CONTROLS
    assert {round(one.lateness, 6) for one in controls} == {0.75}
    assert {one.began for one in controls} == {100_000_000}
    assert came.lateness == pytest.approx(0.75)


def full(switch: Fake) -> list[str]:
    """Let a switch refuse every control call; gives the tokens of those that it was asked for."""
    asked: list[str] = []

    async def refuse(token: str, seconds: float) -> str:
        asked.append(token)
        return "-ERR DESTINATION_OUT_OF_ORDER"

    switch.control_call = refuse  # type: ignore[method-assign]
    return asked


def test_a_control_call_that_is_refused_is_in_no_time() -> None:
    """A switch that has no session left is asked no more often for it, and nothing is judged."""
    switch = Fake()
    asked = full(switch)
    switch.script = switch.held_call
    controls: list[Control] = []
    (came,) = place(switch, scenario(ending=hangup(600)), controls=controls)
    assert came.lateness == math.inf
    assert {one.lateness for one in controls} == {math.inf}
    assert len(asked) <= campaign_module.CONTROLS + 1


def test_a_call_that_is_refused_beside_no_other_is_held_against_nobody() -> None:
    """The control calls that run are of before; whether there is room now one more tells."""
    switch = Fake()
    make, taken = switch.control_call, 0

    async def control(token: str, seconds: float) -> str:
        nonlocal taken
        taken += 1
        if taken > campaign_module.CONTROLS:
            return "-ERR DESTINATION_OUT_OF_ORDER"
        said = await make(token, seconds)
        await asyncio.sleep(0.5)  # so that the next ones come after
        return said

    async def refuse(token: str, uuid: str) -> str:
        return "-ERR DESTINATION_OUT_OF_ORDER"

    async def refuse_the_next_leg(token: str, uuid: str) -> str:
        switch.create(uuid, f"null/{token}")
        switch.send("CHANNEL_HANGUP", uuid, Hangup_Cause="DESTINATION_OUT_OF_ORDER")
        switch.send("CHANNEL_DESTROY", uuid)
        return f"+OK {uuid}"

    switch.control_call = control  # type: ignore[method-assign]
    for script in (refuse, refuse_the_next_leg):
        taken, switch.script = 0, script
        (came,) = place(switch, scenario())
        assert (came.lateness, came.problem) == (math.inf, "")


def test_a_control_call_whose_clock_was_put_back_is_late() -> None:
    """One that is early by a frame or two is not."""
    switch = Fake()
    for by, lateness in ((-5.0, 5.0), (-0.04, 0.0)):
        switch.control_lateness = by
        (came,) = place(switch, scenario())
        assert came.lateness == pytest.approx(lateness)


def test_a_control_call_without_an_end_is_hung_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placer_module, "CONTROL_SECONDS", 0.1)
    switch = Fake()

    async def endless(token: str, seconds: float) -> str:
        switch.create(token, f"null/{token}")
        switch.send("CHANNEL_EXECUTE", token)
        switch.background(switch.until_hung_up(token))
        return "+OK"

    switch.control_call = endless  # type: ignore[method-assign]
    (came,) = place(switch, scenario())
    assert came.lateness == math.inf
    hung_up = {one.split()[1] for one in switch.commands if one.startswith("uuid_kill")}
    assert len(hung_up) >= campaign_module.CONTROLS


def test_a_control_call_without_an_answer_keeps_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Events of others tell that the connection is there, and the answer was dropped."""
    monkeypatch.setattr(placer_module, "CONTROL_SECONDS", 0.1)
    switch = Fake()
    carry_out = switch.job

    async def job(command: str, job_uuid: str) -> None:
        if "silence_stream" in command:
            await switch.do(command)
        else:
            await carry_out(command, job_uuid)

    monkeypatch.setattr(switch, "job", job)
    (came,) = place(switch, scenario())
    assert came.lateness == math.inf


def test_a_call_whose_stimulus_came_late_is_no_fault_of_the_switch() -> None:
    """The suite was told late of what it counts from, while control calls kept time."""
    switch = Fake()

    async def told_late(token: str, uuid: str) -> str:
        switch.create(uuid, f"null/{token}")
        bridged = str(switch.now() - 600_000)
        switch.send("CHANNEL_BRIDGE", uuid, Event_Date_Timestamp=bridged)
        switch.background(switch.until_hung_up(uuid))
        return f"+OK {uuid}"

    switch.script = told_late
    (came,) = place(switch, scenario(ending=hangup(30)))
    assert (came.swept, came.lateness) == ((), 0.0)
    late = Stimulus(Moment(Event.BRIDGE, "a-leg", 30), UuidSetvar("a-leg", "x", "1"))
    (came,) = place(switch, scenario(late))
    assert came.swept == (came.a_leg_uuid,)
    assert came.lateness >= 0.6


def test_a_call_whose_stimulus_never_came_is_no_fault_of_the_switch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The switch has not carried it out when the call should be over: that is late as well."""
    switch = Fake()
    switch.script = switch.held_call
    carry_out = switch.job

    async def job(command: str, job_uuid: str) -> None:
        if not command.startswith("uuid_kill"):
            await carry_out(command, job_uuid)

    monkeypatch.setattr(switch, "job", job)
    (came,) = place(switch, scenario(ending=hangup(30)))
    assert (came.swept, came.applied) == ((came.a_leg_uuid,), ())
    assert came.lateness >= 0.5


def test_the_patience_with_a_call_begins_as_it_does() -> None:
    """A switch that is busy may take as long before it makes the first leg."""
    switch = Fake()

    async def slow(token: str, uuid: str) -> str:
        await asyncio.sleep(0.4)
        switch.create(uuid, f"null/{token}")
        await asyncio.sleep(0.2)
        switch.send("CHANNEL_DESTROY", uuid)
        return f"+OK {uuid}"

    switch.script = slow
    (came,) = place(switch, scenario())
    assert came.swept == ()


@pytest.mark.parametrize(
    ("plan", "braces", "brackets"),
    [
        ((Unloop(), Answer(), Sleep(400)), (), ()),
        ((Answer(), Sleep(400)), ((ON_EXECUTE, "true"),), ()),
        ((Answer(), Sleep(400)), (), ((ON_EXECUTE, "true"),)),
    ],
)
def test_a_call_has_as_long_as_the_model_lets_loopback_b_wait(
    plan: tuple[Action, ...], braces: Pairs, brackets: Pairs
) -> None:
    """Among 400 calls it waited for nearly 10 s, and was hung up as if it stayed for ever."""
    variables = Variables(braces=braces, brackets=brackets)
    waiting = Scenario(ALegBridges(), ExtensionTarget("9999"), plan, variables)
    longest = next(iter(predict(waiting, Applied({}, stall=STALL.high)))).course
    assert longest.legs["loopback-b"].gone >= STALL.high
    assert all(leg.gone < patience(waiting) for leg in longest.legs.values())


def test_a_leg_that_is_not_there_any_more_was_not_hung_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """It went by itself, and the suite, which has too much to read, is told of it later."""
    switch = Fake()
    switch.script = switch.held_call
    carry_out = switch.do

    async def do(command: str) -> str:
        if not command.startswith("uuid_kill"):
            return await carry_out(command)
        switch.send("CHANNEL_DESTROY", command.split()[1])
        return "-ERR No such channel!\n"

    monkeypatch.setattr(switch, "do", do)
    (came,) = place(switch, scenario())
    assert (came.swept, came.problem) == ((), "")
    assert len(switch.kills()) == 1


def test_a_pause_of_the_suite_is_held_against_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is a leg hung up of which it has not read yet that it went."""
    monkeypatch.setattr(campaign_module, "HEARTBEAT", 0.005)
    switch = Fake()
    switch.patience = 5.0

    async def paused(token: str, uuid: str) -> str:
        await switch.short_call(token, uuid)
        time.sleep(0.6)
        return f"+OK {uuid}"

    switch.script = paused
    (came,) = place(switch, scenario())
    assert came.lateness == 0.0
    assert came.swept == ()
    assert switch.kills() == []


def test_a_scenario_that_comes_several_times_is_placed_as_often() -> None:
    switch = Fake()
    one, other = scenario(number=1), scenario(number=2)
    came = place(switch, one, other, one, one)
    tokens = [token_of(one, number) for number in (1, 2, 3)]
    assert sorted(one.token for one in came) == sorted([*tokens, token_of(other, 1)])


def test_every_scenario_of_every_batch_is_placed_once() -> None:
    switch = Fake()
    calls = [scenario(number=number) for number in range(25)]
    came = place(switch, *calls)
    assert sorted(one.token for one in came) == sorted(token_of(call, 1) for call in calls)
    assert switch.commands.count("reloadxml") == 3
    assert switch.dialplans == set()


@pytest.mark.parametrize("deaf", ["witness", "first"])
def test_an_event_that_reached_only_one_connection_is_no_finding(deaf: str) -> None:
    switch = Fake()

    async def call(token: str, uuid: str) -> str:
        line = switch.lines[2 if deaf == "witness" else 1]
        line.deaf = lambda headers: headers["Event-Name"] == "CHANNEL_ANSWER"
        switch.create(uuid, f"null/{token}")
        switch.send("CHANNEL_ANSWER", uuid)
        switch.send("CHANNEL_DESTROY", uuid)
        return "+OK"

    switch.script = call
    (came,) = place(switch, scenario(), witness=True)
    assert came.problem.startswith("event ")
    assert came.problem.endswith(" reached only one of two connections")


def test_two_connections_that_agree_are_no_problem() -> None:
    (came,) = place(Fake(), scenario(), witness=True)
    assert came.problem == ""


def test_what_is_given_up_is_hung_up() -> None:
    switch = Fake()
    switch.script = switch.held_call
    with pytest.raises(TimeoutError):
        place(switch, scenario(), scenario(number=1), seconds=0.1)
    kills = {one.split()[1] for one in switch.kills()}
    made = {one.partition("origination_uuid=")[2][:36] for one in switch.commands}
    assert kills == made - {""}
    assert len(kills) == 2


def test_what_is_left_is_hung_up_however_often_it_is_interrupted() -> None:
    """A second Ctrl-C, while the calls are hung up one by one, leaves none on the switch."""
    switch = Fake()
    switch.script = switch.held_call
    do = switch.do

    async def far_away(command: str) -> str:
        if command.startswith("uuid_kill"):
            await asyncio.sleep(0.02)
        return await do(command)

    async def interrupted() -> int:
        async def session() -> None:
            async with open_campaign(switch, (), lambda *_: None, lambda _: None) as campaign:
                calls = [scenario(number=number) for number in range(5)]
                await campaign.place_all(calls, Pace(window=10, rate=1000))

        task = asyncio.ensure_future(session())
        await asyncio.sleep(0.1)
        times = 0
        while not task.done():
            task.cancel()
            times += 1
            await asyncio.sleep(0.01)
        assert task.cancelled()
        await switch.stop()
        return times

    switch.do = far_away  # type: ignore[method-assign]
    assert asyncio.run(interrupted()) > 2
    made = {one.partition("origination_uuid=")[2][:36] for one in switch.commands} - {""}
    assert {one.split()[1] for one in switch.kills()} == made
    assert len(made) == 5


def test_an_interruption_while_it_is_closed_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    switch = Fake()
    closing = asyncio.Event()
    close = Line.close

    async def slowly(line: Line) -> None:
        closing.set()
        await asyncio.sleep(0.05)
        await close(line)

    async def session() -> None:
        async with open_campaign(switch, (), lambda *_: None, lambda _: None):
            pass

    async def interrupted() -> None:
        async with asyncio.timeout(5):
            task = asyncio.ensure_future(session())
            await closing.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    monkeypatch.setattr(Line, "close", slowly)
    asyncio.run(interrupted())
    assert all(line.lost for line in switch.lines)


@pytest.mark.parametrize("rounds", range(6))
def test_an_interruption_as_the_connection_is_lost_is_not_lost(rounds: int) -> None:
    """Before 3.13 a task group tells only of the errors, and not that it was cancelled as well."""
    switch = Fake()
    switch.patience = 5.0
    switch.script = switch.held_call

    async def session() -> None:
        async with open_campaign(switch, (), lambda *_: None, lambda _: None) as campaign:
            await campaign.place_all([scenario(ending=hangup(100))], Pace(window=10, rate=1000))

    async def interrupted() -> None:
        async with asyncio.timeout(5):
            task = asyncio.ensure_future(session())
            await asyncio.sleep(0.05)
            switch.lines[0].lose()
            switch.lines[1].lose()
            for _ in range(rounds):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(interrupted())


def test_a_call_whose_legs_go_late_is_forgotten_as_they_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All that was told of it was kept to the end of the run."""
    kept: weakref.WeakSet[Attempt] = weakref.WeakSet()

    class Watched(Attempt):
        def __init__(self, scenario: Scenario, token: str, a_leg_uuid: str) -> None:
            super().__init__(scenario, token, a_leg_uuid)
            kept.add(self)

    monkeypatch.setattr(placer_module, "Attempt", Watched)
    monkeypatch.setattr(placer_module, "SWEEP_SECONDS", 0.05)
    switch = Fake()
    late, longer = scenario(number=1), scenario(ending=hangup(900), number=2)

    async def until_long_after_it_was_hung_up(uuid: str) -> None:
        await switch.hung_up[uuid].wait()
        await asyncio.sleep(0.2)
        switch.send("CHANNEL_DESTROY", uuid)

    async def call(token: str, uuid: str) -> str:
        if token != token_of(late, 1):
            return await switch.held_call(token, uuid)
        switch.create(uuid, f"null/{token}")
        switch.background(until_long_after_it_was_hung_up(uuid))
        return f"+OK {uuid}"

    async def session() -> int:
        came: list[Placement] = []
        placed = open_campaign(switch, (), lambda _, one: came.append(one), lambda _: None)
        async with placed as campaign:
            await campaign.place_all([late, longer], Pace(window=10, rate=1000))
            gc.collect()
            assert [len(one.swept) for one in came if one.token == token_of(late, 1)] == [1]
            return len(kept)

    switch.script = call
    monkeypatch.setattr(placer_module, "patience", lambda one: 0.1 if one == late else 3.0)
    assert asyncio.run(session()) == 0


def test_lost_events_end_the_campaign() -> None:
    switch = Fake()
    switch.script = switch.held_call

    async def lose() -> None:
        await asyncio.sleep(0.05)
        switch.lines[1].lose()

    with pytest.raises(CutOff):
        place(switch, scenario(), meanwhile=lose)


def test_lost_commands_end_the_campaign() -> None:
    switch = Fake()
    switch.script = switch.held_call

    async def lose() -> None:
        await asyncio.sleep(0.05)
        switch.lines[0].lose()

    with pytest.raises(CutOff):
        place(switch, scenario(), scenario(number=1), meanwhile=lose)


def test_a_lost_connection_is_taken_up_again_and_its_calls_are_placed_anew() -> None:
    """Nothing is judged on half an observation; every scenario is placed whole, once."""
    switch = Fake()
    switch.patience = 5.0
    switch.script = switch.held_call

    async def lose() -> None:
        await asyncio.sleep(0.05)
        switch.lines[1].lose()

    calls = [scenario(ending=hangup(200), number=number) for number in range(3)]
    waited: list[str] = []
    came = place(switch, *calls, meanwhile=lose, waited=waited)
    assert sorted(one.token for one in came) == sorted(token_of(call, 1001) for call in calls)
    assert waited == ["is not reached, trying again", ""]


def test_what_is_left_of_lost_calls_is_hung_up_by_uuid_and_nothing_else() -> None:
    switch = Fake()
    switch.patience = 5.0
    switch.script = switch.held_call
    call = scenario(ending=hangup(200))
    lost = token_of(call, 1)

    async def lose() -> None:
        await asyncio.sleep(0.05)
        stray = {"uuid": "left-over", "name": "loopback/1000-b", "cid_num": lost}
        theirs = {"uuid": "theirs", "name": "sofia/x", "cid_num": "1000"}
        switch.channels = [stray, theirs]
        switch.lines[0].lose()
        switch.lines[1].lose()

    place(switch, call, meanwhile=lose)
    assert "left-over" in " ".join(switch.kills())
    assert "theirs" not in " ".join(switch.kills())


@pytest.mark.parametrize("name", ["caf\udce9", "caf\u00e9"])
def test_calls_beside_ours_with_any_name_do_not_hide_what_is_left(name: str) -> None:
    """A name in Latin-1 is no UTF-8; the table is that of somebody else's switch."""
    switch = Fake()
    switch.patience = 5.0
    switch.script = switch.held_call
    call = scenario(ending=hangup(200))
    do = switch.do

    async def answer(command: str) -> str:
        said = await do(command)
        return said.replace("CALLER", name)

    async def lose() -> None:
        await asyncio.sleep(0.05)
        stray = {"uuid": "left-over", "name": "loopback/1000-b", "cid_num": token_of(call, 1)}
        unfit = {"uuid": "u\nx", "name": "loopback/1000-b", "cid_num": token_of(call, 1)}
        switch.channels = [
            {"uuid": "theirs", "name": "sofia/x", "cid_name": "CALLER"},
            stray,
            unfit,
        ]
        switch.lines[0].lose()

    switch.do = answer  # type: ignore[method-assign]
    place(switch, call, meanwhile=lose)
    killed = " ".join(switch.kills())
    assert "left-over" in killed
    assert "theirs" not in killed
    assert "u\nx" not in killed


@pytest.mark.parametrize("said", ["-ERR no", "[]", '{"rows": [1]}', '{"rows": 1}', 1000 * "["])
def test_a_table_of_calls_that_cannot_be_read_is_not_an_empty_one(said: str) -> None:
    """It is asked for until it can be, as long as a lost connection is tried again."""
    switch = Fake()
    switch.patience = 0.5
    switch.script = switch.held_call
    do = switch.do

    async def answer(command: str) -> str:
        return said if command.startswith("show channels") else await do(command)

    async def lose() -> None:
        await asyncio.sleep(0.05)
        switch.lines[0].lose()

    switch.do = answer  # type: ignore[method-assign]
    with pytest.raises(CutOff):
        place(switch, scenario(ending=hangup(200)), meanwhile=lose)


def test_on_a_switch_that_is_not_ours_calls_end_by_themselves() -> None:
    """Each leg's limit is set on the switch, the a-leg's before it is there; and is taken back."""
    switch = Fake()
    switch.manners = Manners(legs=1000, legs_a_second=1000.0)
    call = scenario()
    (came,) = place(switch, call)
    said = [one for one in switch.commands if came.token in one]
    limit, originate, taken_back = said
    assert limit.startswith("sched_api +")
    assert limit.endswith(f"{came.token} uuid_kill {came.a_leg_uuid}")
    assert originate.startswith("originate")
    assert taken_back == f"sched_del {came.token}"


def test_what_taking_cdrs_delays_is_not_held_against_the_switch() -> None:
    """A leg says that it is gone only when its CDRs were taken, which may be our own fault."""
    switch = Fake()
    switch.posts_cdrs = True

    async def late(token: str, uuid: str) -> str:
        switch.create(uuid, f"null/{token}")
        switch.send("CHANNEL_HANGUP", uuid, Event_Date_Timestamp="1000000")
        switch.send("CHANNEL_HANGUP_COMPLETE", uuid, Event_Date_Timestamp="1500000")
        switch.send("CHANNEL_DESTROY", uuid)
        return f"+OK {uuid}"

    switch.script = late
    (came,) = place(switch, scenario())
    assert came.lateness == pytest.approx(0.5)


def test_on_a_switch_of_our_own_no_limit_is_set() -> None:
    switch = Fake()
    place(switch, scenario())
    assert not [one for one in switch.commands if one.startswith("sched")]


# --- a whole run ---------------------------------------------------------------------------------


class Told:
    """Progress that remembers what it was told."""

    def __init__(self) -> None:
        self.begun: list[tuple[int, str]] = []
        self.waited: list[str] = []

    def begin(self, total: int, what: str) -> None:
        self.begun.append((total, what))

    def advance(self, findings: int) -> None:
        pass

    def waits(self, reason: str) -> None:
        self.waited.append(reason)


def perform(switch: Fake, path: Path, scenarios: int = 3) -> tuple[Run, Told]:
    """Run a whole plan on the fake."""
    told = Told()
    plan = Plan(scenarios, seed=1, pace=Pace(window=10, rate=1000), record=path)
    return asyncio.run(run(switch, plan, told)), told


CLAUSE = "cdr.duration"
HELD = Judgement((), frozenset({CLAUSE}))
BROKEN = Judgement((Finding(CLAUSE, "a-leg", "It was late."),), frozenset({CLAUSE}))
PROBLEM = Judgement((), frozenset(), problem="event 7 reached only one of two connections")


@pytest.mark.parametrize(
    ("judged", "attempts", "verdict"),
    [
        ([HELD], 1, Verdict.PASS),
        ([BROKEN, BROKEN], 2, Verdict.FAIL),
        ([BROKEN, HELD, HELD], 3, Verdict.FLAKY),
        ([PROBLEM, HELD], 2, Verdict.PASS),
        ([PROBLEM, PROBLEM, PROBLEM], 3, Verdict.ERROR),
    ],
)
def test_unsettled_scenarios_are_placed_again_with_a_witness(
    judged: list[Judgement],
    attempts: int,
    verdict: Verdict,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def judge(_: Scenario, placement: Placement) -> Judgement:
        return judged[int(placement.token.rpartition("x")[2]) - 1]

    monkeypatch.setattr("campaign.session.judge", judge)
    switch, path = Fake(), tmp_path / "run.jsonl.gz"
    done, told = perform(switch, path, scenarios=2)
    again = [f"placing again, attempt {number}" for number in range(2, attempts + 1)]
    assert told.begun == [(2, what) for what in ("placing", *again)]
    assert len(switch.lines) == 2 + len(again), "a witness for each attempt but the first"
    assert (done.result.scenarios, done.result.attempts) == (2, 2 * attempts)
    assert done.result.clauses[CLAUSE].verdict is verdict
    recording = Recording(path)
    tokens = [placement.token for one in recording for placement in one.attempts]
    assert sorted(token[-2:] for token in tokens) == sorted(
        f"x{number}" for number in range(1, attempts + 1) for _ in range(2)
    )
    assert recording.complete


def test_no_more_scenarios_are_placed_again_than_confirm_a_clause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many rounds there are: what was confirmed counts."""
    monkeypatch.setattr("campaign.session.judge", lambda *_: BROKEN)
    done, told = perform(Fake(), tmp_path / "run.jsonl.gz", scenarios=8)
    assert told.begun == [(8, "placing"), (CONFIRMED_BY, "placing again, attempt 2")]
    assert len(done.result.clauses[CLAUSE].failing) == 8


def test_no_two_attempts_at_a_scenario_have_one_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is placed again only in the last round has no second attempt, and then more."""

    def judge(_: Scenario, placement: Placement) -> Judgement:
        return HELD if placement.token.endswith("x2") else BROKEN

    monkeypatch.setattr("campaign.session.judge", judge)
    path = tmp_path / "run.jsonl.gz"
    plan = Plan(2 * CONFIRMED_BY, seed=1, pace=Pace(rate=1000), record=path, minimise=60.0)
    done = asyncio.run(run(Fake(), plan, Told()))
    assert done.result.minimising > 0
    taken: dict[str, list[str]] = {}
    for one in Recording(path):
        numbers = (placement.token.rpartition("x")[2] for placement in one.attempts)
        taken.setdefault(one.id, []).extend(numbers)
    assert any(numbers[:2] == ["1", "3"] and len(numbers) > 2 for numbers in taken.values())
    assert all(len(set(numbers)) == len(numbers) for numbers in taken.values())


@pytest.mark.parametrize("lost", [0, 1])
def test_a_lost_connection_ends_the_run_with_its_cause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: int
) -> None:
    switch = Fake()
    judged: list[object] = []
    calls = 0

    def judging(scenario: Scenario, placement: Placement) -> Judgement:
        judged.append(placement)
        return judge(scenario, placement)

    async def call(token: str, uuid: str) -> str:
        nonlocal calls
        calls += 1
        if calls == 12:  # two more than are under way at once
            while not judged:
                await asyncio.sleep(0.001)
            switch.lines[lost].lose()
        return await switch.short_call(token, uuid)

    monkeypatch.setattr("campaign.session.judge", judging)
    switch.script = call
    path = tmp_path / "run.jsonl.gz"
    done, _ = perform(switch, path, scenarios=20)
    assert done.result.shortfall.startswith("the switch was lost: the connection was closed")
    recording = Recording(path)
    assert 0 < len(list(recording)) < 20
    assert recording.footer is not None
    assert recording.footer.ended is Ending.FAILED
    assert recording.incomplete == f"its campaign failed: {done.result.shortfall}"


def test_a_fault_of_ours_leaves_no_whole_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("campaign.session.judge", broken)
    path = tmp_path / "run.jsonl.gz"
    with pytest.raises(ZeroDivisionError):
        perform(Fake(), path)
    recording = Recording(path)
    assert list(recording)
    assert recording.incomplete == "its campaign failed: ZeroDivisionError"


def test_a_switch_that_takes_no_call_is_told_as_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has no session left for us conforms or not: that is not decided."""
    monkeypatch.setattr(campaign_module, "IN_VAIN", 1.0)
    switch = Fake()
    switch.patience = 5.0
    full(switch)

    async def refuse(token: str, uuid: str) -> str:
        return "-ERR DESTINATION_OUT_OF_ORDER"

    switch.script = refuse
    done, told = perform(switch, tmp_path / "run.jsonl.gz", scenarios=50)
    assert told.waited == ["the switch takes no calls", ""]
    assert "took no control call for 1 s: -ERR DESTINATION_OUT_OF_ORDER" in done.result.shortfall
    assert Verdict.FAIL not in {one.verdict for one in done.result.clauses.values()}
    assert done.result.exit_status == 3
    assert done.result.attempts < 20  # the others are not used up


def test_a_switch_that_cannot_be_stopped_takes_no_verdict_with_it(tmp_path: Path) -> None:
    """What was found is said, and that something is left."""

    class Busy(Fake):
        async def stop(self) -> None:
            await super().stop()
            raise OSError("its files are busy")

    done, _ = perform(Busy(), tmp_path / "run.jsonl.gz")
    assert done.result.scenarios == 3
    assert done.result.shortfall == "the switch cannot be stopped: its files are busy"
    lost = Busy()
    lost.modules = ("mod_json_cdr",)
    with pytest.raises(SwitchError, match="the switch has no mod_loopback; "):
        perform(lost, tmp_path / "other.jsonl.gz")


def test_a_switch_without_the_endpoint_is_refused(tmp_path: Path) -> None:
    switch = Fake()
    switch.modules = ("mod_json_cdr",)
    path = tmp_path / "run.jsonl.gz"
    with pytest.raises(SwitchError, match="the switch has no mod_loopback; "):
        perform(switch, path)
    assert not path.exists()
