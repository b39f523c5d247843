"""The campaign against a scripted fake of a switch: what it does with what it is told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from campaign import campaign as campaign_module
from campaign.campaign import Campaign, Control, Pace, open_campaign
from campaign.session import CONFIRMED_BY, Plan, Run, run
from conformance.dialstring import token_of
from conformance.judge import Finding, Judgement, judge
from conformance.observation import Placement
from conformance.profile import Profile
from conformance.scenario import (
    Direct,
    Event,
    ExtensionTarget,
    Moment,
    Park,
    Scenario,
    Stimulus,
    UuidKill,
    UuidSetvar,
)
from conformance.verdicts import Verdict
from fixtures.event_socket import CutOff
from fixtures.recording import Ending, Recording
from fixtures.switches import SwitchError
from fixtures.switches.interface import Manners
from tests.fake_switch import Fake, hangup, hurry, scenario


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


def place(
    switch: Fake,
    *scenarios: Scenario,
    witness: bool = False,
    controls: list[Control] | None = None,
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
    place(switch, calls[0], calls[1], replace(calls[2], profile=other), calls[3])
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
    came = place(switch, *calls, meanwhile=lose)
    assert sorted(one.token for one in came) == sorted(token_of(call, 1001) for call in calls)


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

    def begin(self, total: int, what: str) -> None:
        self.begun.append((total, what))

    def advance(self, findings: int) -> None:
        pass


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
