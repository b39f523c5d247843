"""A pool: the scenarios of one run on several switches, and what becomes of one that is lost."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import strategies as st
from msgspec import structs
from rich.console import Console

from campaign.blocks import FEW, Block, Blocks
from campaign.campaign import Pace
from campaign.command_line import main
from campaign.outputs import FORMS
from campaign.pool import open_pool
from campaign.report import report_of
from campaign.session import Plan, Run, judge_recording, run
from conformance.judge import Finding, Judgement
from conformance.observation import Placement
from conformance.profile import Profile
from conformance.scenario import Scenario
from conformance.verdicts import UNDECIDED, Verdict
from fixtures.recording import Ending, Recording
from fixtures.switches import SwitchIdentity, UsageError
from reports.terminal import print_run
from tests.command import Running, children, command_line
from tests.command import placed as how_many
from tests.command import run as command
from tests.fake_switch import Fake, hangup, hurry, scenario

CLAUSE = "cdr.duration"
OTHER = Profile(fire_bowout_on_bridge=True)
THIRD = Profile(early_set_loopback_id=True)


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


def perform(
    switches: list[Fake], path: Path, scenarios: int = 40, window: int = 4, minimise: float = 0.0
) -> Run:
    """Run a whole plan on a pool of fakes."""
    pace = Pace(window, rate=1000)
    plan = Plan(scenarios, seed=1, pace=pace, record=path, minimise=minimise)
    return asyncio.run(run(switches[0], plan, further=switches[1:]))


def placed(path: Path) -> dict[str, list[int]]:
    """Give the switches on which each scenario of a recording was placed, one an attempt."""
    found: dict[str, list[int]] = {}
    for one in Recording(path):
        found.setdefault(one.id, []).extend(attempt.switch for attempt in one.attempts)
    return found


def dying(switch: Fake, after: int) -> Callable[[str, str], Awaitable[str]]:
    """Give a script by which a switch is lost with its n-th call."""
    calls = 0

    async def call(token: str, uuid: str) -> str:
        nonlocal calls
        calls += 1
        if calls == after:
            for line in switch.lines:
                line.lose()
        return await switch.short_call(token, uuid)

    return call


# --- who places what -----------------------------------------------------------------------------


def test_each_scenario_is_placed_once_on_one_of_them_and_a_pool_changes_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("campaign.session.judge", lambda *_: Judgement((), frozenset({CLAUSE})))
    alone, pool = tmp_path / "alone.jsonl", tmp_path / "pool.jsonl"
    perform([Fake()], alone)
    done = perform([Fake(), Fake(), Fake()], pool)
    assert placed(pool).keys() == placed(alone).keys()
    assert {len(on) for on in placed(pool).values()} == {1}
    assert {number for (number,) in placed(pool).values()} == {0, 1, 2}
    assert len(Recording(pool).header.switches) == 3
    assert (done.result.scenarios, done.result.shortfall, done.result.lost) == (40, "", ())


def test_a_finding_is_confirmed_and_reduced_on_the_switch_that_showed_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one of them alone does would look flaky, or be reduced to nothing, on another."""

    def judge(_: Scenario, placement: Placement) -> Judgement:
        findings = (Finding(CLAUSE, "a-leg", "It was late."),) if placement.switch == 1 else ()
        return Judgement(findings, frozenset({CLAUSE}))

    monkeypatch.setattr("campaign.session.judge", judge)
    path = tmp_path / "run.jsonl"
    done = perform([Fake(), Fake()], path, minimise=0.2)
    one = done.result.clauses[CLAUSE]
    assert one.verdict is Verdict.FAIL
    assert done.result.minimising
    again = {identity: on for identity, on in placed(path).items() if len(on) > 1}
    assert again
    assert {tuple(set(on)) for on in again.values()} == {(1,)}
    assert judge_recording(path).result.clauses[CLAUSE].verdict is Verdict.FAIL


def blocks_of(*profiles: Profile, each: int = 1) -> Blocks:
    """Give the blocks of scenarios with these profiles, one after the other."""
    made = (
        structs.replace(scenario(number=number), profile=profile)
        for profile in profiles
        for number in range(each)
    )
    return Blocks(made, sharers=2)


def test_a_switch_keeps_its_settings_while_there_is_something_to_do_with_them() -> None:
    """The default ones are shared from the start; each other block is one switch's."""

    async def ask() -> None:
        blocks = blocks_of(Profile(), OTHER, THIRD, each=4)
        first, shared = await blocks.next(Profile()), await blocks.next(Profile())
        assert first is not None
        assert shared is first
        first.take(4)
        other, third = await blocks.next(Profile()), await blocks.next(Profile())
        assert other is not None
        assert third is not None
        assert (other.profile, third.profile) == (OTHER, THIRD)
        assert await blocks.next(OTHER) is other
        third.take(4)
        assert await blocks.next(Profile()) is other, "who has nothing else to do helps"
        other.take(4)
        assert await blocks.next(Profile()) is None

    asyncio.run(ask())


def test_those_of_a_profile_that_come_near_to_each_other_are_one_block(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each change of profile costs the length of a call."""

    async def sizes() -> list[tuple[Profile, int]]:
        blocks = blocks_of(Profile(), OTHER, Profile(), THIRD, Profile(), each=2)
        found = []
        while block := await blocks.next(THIRD):
            found.append((block.profile, len(block.rest())))
            while block:
                block.take(1)
        return found

    monkeypatch.setattr("campaign.blocks.AHEAD", 6)
    assert asyncio.run(sizes()) == [(Profile(), 4), (OTHER, 2), (THIRD, 2), (Profile(), 2)]


def test_the_longest_are_taken_first_with_some_of_every_length() -> None:
    """Calls that are all as long as each other would end together."""
    calls = [scenario(ending=hangup(100 * number), number=number) for number in range(40)]
    wanted = calls[7]
    block = Block(calls, {wanted.id})
    first = block.take(20)
    others = [calls.index(one) for one in first[1:]]
    assert first[0] is wanted
    assert others[:2] == [39, 38]
    assert others == sorted(others, reverse=True)
    assert {number // 10 for number in others} == {0, 1, 2, 3}
    assert sorted(calls.index(one) for one in (*first, *block.rest())) == list(range(40))


def test_what_is_given_back_comes_next_and_the_shortest_first() -> None:
    """It may be over before the connection is lost once more."""
    calls = [scenario(ending=hangup(100 * number), number=number) for number in range(9)]
    block = Block(calls)
    block.give_back(block.take(5))
    assert block.take(9) == calls


def test_the_last_scenarios_are_taken_by_few() -> None:
    """Else one switch would hold what another one has room for."""
    block = Block((scenario(number=number) for number in range(40)), sharers=2)
    sizes = []
    while taken := block.take(100):
        sizes.append(len(taken))
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == 10
    assert FEW in sizes
    assert sum(sizes) == 40
    assert len(Block(scenario(number=number) for number in range(40)).take(100)) == 40


# --- a switch that is lost -----------------------------------------------------------------------


def test_what_a_lost_switch_has_not_finished_goes_to_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run is whole, but not decided, for one was lost; its recording says that, too."""
    monkeypatch.setattr("campaign.session.judge", lambda *_: Judgement((), frozenset({CLAUSE})))
    switches, path = [Fake(), Fake()], tmp_path / "run.jsonl"
    switches[1].script = dying(switches[1], 12)
    done = perform(switches, path)
    assert (done.result.scenarios, done.result.shortfall) == (40, "")
    assert done.result.exit_status == UNDECIDED
    (lost,) = done.result.lost
    assert lost.startswith("switch 2 of 2, fake:: the connection was closed")
    recording = Recording(path)
    assert {len(one.attempts) for one in recording} == {1}
    assert recording.complete
    assert judge_recording(path).result.lost == done.result.lost


def test_it_is_told_which_switch_of_a_pool_is_waited_for() -> None:
    """One that is lost is waited for no more."""
    told: list[str] = []

    async def wait() -> None:
        first, second = Fake(), Fake()
        second.url = "second:"
        second.script = dying(second, 3)
        one, other = (lambda *_: None), (lambda _: None)
        async with open_pool((first, second), (), one, other, told.append) as pool:
            calls = [scenario(number=number) for number in range(20)]
            await pool.place_all(calls, Pace(4, rate=1000))

    asyncio.run(wait())
    assert told == ["second: is not reached, trying again", ""]


def test_a_run_whose_switches_are_all_lost_is_not_whole(tmp_path: Path) -> None:
    switches, path = [Fake(), Fake()], tmp_path / "run.jsonl"
    for number, switch in enumerate(switches):
        switch.script = dying(switch, 8 + 4 * number)
    done = perform(switches, path)
    assert done.result.shortfall.startswith("the last of the switches was lost: the connection")
    assert len(done.result.lost) == 2
    recording = Recording(path)
    assert 0 < len(list(recording)) < 40
    assert recording.footer is not None
    assert recording.footer.ended is Ending.FAILED


def test_what_a_lost_switch_showed_is_placed_again_on_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is of the same version: what comes again there is confirmed."""
    switches, path = [Fake(), Fake()], tmp_path / "run.jsonl"

    shown = set[str]()

    def judge(scenario: Scenario, placement: Placement) -> Judgement:
        if placement.token.endswith("x2"):
            for line in switches[1].lines:
                line.lose()
        elif placement.switch == 1:
            shown.add(scenario.id)
        findings = (Finding(CLAUSE, "a-leg", "It was late."),) if scenario.id in shown else ()
        return Judgement(findings, frozenset({CLAUSE}))

    monkeypatch.setattr("campaign.session.judge", judge)
    done = perform(switches, path, scenarios=12)
    assert len(done.result.lost) == 1
    assert done.result.shortfall == ""
    assert done.result.clauses[CLAUSE].verdict is Verdict.FAIL


def test_all_reports_say_which_switch_was_lost(tmp_path: Path) -> None:
    switches = [Fake(), Fake()]
    switches[1].script = dying(switches[1], 12)
    report = report_of(perform(switches, tmp_path / "run.jsonl"))
    console = Console(record=True, width=200)
    print_run(console, report)
    texts = {"terminal": console.export_text()}
    for form in FORMS:
        form.write(report, place := tmp_path / form.name)
        texts[form.name] = (
            (place / "environment.properties" if place.is_dir() else place).read_text()
        ).replace("\\:", ":")
    for name, text in texts.items():
        assert "switch 2 of 2, fake:" in text, name
        assert "fake:, fake:" in text, name


# --- which switches make a pool ------------------------------------------------------------------


class Other(Fake):
    """A fake of another version."""

    async def identity(self) -> SwitchIdentity:
        return replace(await super().identity(), version="fake 2")


class WithoutCdrs(Fake):
    """A fake none of whose CDRs can be had."""

    def cdr_modules(self) -> tuple[str, ...]:
        return ()


def with_settings() -> Fake:
    """Give a fake whose settings are not ours to change."""
    switch = Fake()
    switch.fixed = OTHER
    return switch


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (Other(), "their version differs: fake on fake:, fake 2 on fake:, number 2"),
        (WithoutCdrs(), "modules whose CDRs can be had differs: json_cdr on fake:, none on fake:"),
        (with_settings(), "differs: any that a scenario asks for on fake:, fire-bowout-on-bridge"),
    ],
    ids=["version", "CDRs", "settings"],
)
def test_switches_that_are_not_alike_are_refused_before_a_call_is_placed(
    second: Fake, said: str, tmp_path: Path
) -> None:
    """A finding of a pool is one of its version; and each scenario could be placed on any."""
    path = tmp_path / "run.jsonl"
    with pytest.raises(UsageError, match="`loopback-conformance compare`") as caught:
        perform([Fake(), second], path)
    assert said in str(caught.value)
    assert not path.exists()


def test_calls_that_differ_by_settings_alone_are_one_on_a_guest(tmp_path: Path) -> None:
    """They are not ours to change; placed twice, a call's attempts would be numbered alike."""
    several = [
        structs.replace(scenario(hangup(), number=n), profile=p)
        for n in range(4)
        for p in (Profile(), OTHER)
    ]
    path = tmp_path / "run.jsonl"
    plan = Plan(4, strategy=st.sampled_from(several), pace=Pace(4, rate=1000), record=path)
    done = asyncio.run(run(with_settings(), plan))
    assert done.result.scenarios == len(placed(path)) == 4


@pytest.mark.parametrize("name", ["metamorphic", "accept run"])
def test_other_commands_take_one_switch(
    name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The last of several would otherwise be tested, and the others passed over in silence."""
    places = {"metamorphic": [], "accept run": ["--record", "run", "--out", str(tmp_path / "out")]}
    several = ["--switch", "embedded:", "--switch", "embedded:"]
    assert main([*name.split(), *several, *places[name]]) == 2
    assert "a pool, are for `run`" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command", ["run --switch {0} --switch {0}", "compare --old {0} --new {0}"]
)
def test_a_switch_that_runs_is_named_once(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It would be asked for the same calls twice at once."""
    assert main([*command.format("esl://there").split(), "--password-file", "/nowhere"]) == 2
    assert "esl://there is named twice; on one switch" in capsys.readouterr().err


def test_options_of_a_switch_are_given_once_or_for_each(capsys: pytest.CaptureFixture[str]) -> None:
    switches = ["--switch", "embedded:"] * 3
    assert main(["run", *switches, "--cdrs", "a", "--cdrs", "b"]) == 2
    assert "give --cdrs once for all switches, or once for each" in capsys.readouterr().err


# --- embedded switches ---------------------------------------------------------------------------


def test_embedded_switches_each_with_its_clock(tmp_path: Path) -> None:
    """One of them differs: the report names both, and says which showed it."""
    faulty, path, told = "embedded:?fault=legs-swapped", tmp_path / "run.jsonl", tmp_path / "r.json"
    asked = (
        "--switch",
        "embedded:",
        "--switch",
        faulty,
        "--record",
        str(path),
        "--json",
        str(told),
    )
    ended = command("run", *asked, "--scenarios", "30", "--no-corpus", "--no-minimise")
    assert ended.status == 1, ended.err
    read = json.loads(told.read_text())
    assert read["switch"]["url"] == f"embedded:, {faulty}"
    examples = [one["example"] for one in read["clauses"] if one["verdict"] == "fail"]
    assert {one["switch"] for one in examples} == {faulty}
    assert all(f"--switch '{faulty}'" in one["replay"] for one in examples)
    assert len(placed(path)) == 30
    assert {number for on in placed(path).values() for number in on} == {0, 1}


def test_an_embedded_switch_that_dies_leaves_its_scenarios_to_the_other(tmp_path: Path) -> None:
    """Its clock ends with it, and nobody waits for that time any more."""
    path = tmp_path / "run.jsonl"
    asked = ("--scenarios", "60", "--no-corpus", "--record", str(path))
    running = Running("run", "--switch", "embedded:", "--switch", "embedded:", *asked)
    running.until(lambda: how_many(path) > 4)
    victim = next(
        pid for pid in children(running.process.pid) if b"fixtures.embedded" in command_line(pid)
    )
    os.kill(victim, signal.SIGKILL)
    ended = running.end(60)
    assert ended.status == UNDECIDED, ended.out + ended.err
    assert "lost switch " in ended.out
    assert "not whole" not in ended.out
    assert len(placed(path)) == 60
