"""Minimising: what is left of a finding, how many calls it takes, and what its attempts come to."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import jsonschema
import pytest
from msgspec.structs import replace

from campaign.campaign import Pace
from campaign.descent import Goal
from campaign.minimise import CHECKING, FINDINGS_WORTH, minimise
from campaign.session import Plan, Run, judge_recording, run
from conformance.clauses import CLAUSES
from conformance.complexity import complexity, steps
from conformance.judge import Finding, Judgement
from conformance.profile import Profile
from conformance.scenario import (
    ALegBridges,
    ALegRunsDialplan,
    Answer,
    BridgeToLoopback,
    BridgeToNull,
    Event,
    ExtensionTarget,
    Moment,
    PlayTone,
    RingReady,
    Scenario,
    SetVariable,
    Sleep,
    Stimulus,
    UuidKill,
    UuidSendDtmf,
    Variables,
    numbered,
)
from conformance.verdicts import RunResult, Verdict, Verdicts
from fixtures.embedded.faults import THREE_SECONDS, WRONG_CAUSE_IN_CDR
from fixtures.recording import Recording
from fixtures.switches import open_switch
from strategies import generate, sound
from strategies.simplify import simplifications
from tests.recorded_calls import ROOT
from tests.test_simplify import CHAIN, PLAIN, Given

ALL = frozenset(CLAUSES)
CLAUSE, OTHER = "bowout.after-both-legs-answered", "bowout.cause"
CLEAN = Judgement((), ALL)

LONG = Scenario(
    ALegRunsDialplan(context="public", afterwards=(Sleep(200),)),
    ExtensionTarget("k-Aq", "public", "XML"),
    (
        RingReady(),
        Sleep(400),
        Answer(),
        PlayTone(600),
        SetVariable("x_job", "a b,c"),
        BridgeToNull(answer_delay_ms=500, variables=(("x_b", "漢"),)),
    ),
    Variables(braces=(("x_one", "two  spaces"),), set=(("foo", "1"),)),
    stimuli=(Stimulus(Moment(Event.ANSWER, "b-leg", 700), UuidSendDtmf("loopback-a", "1#A")),),
    ending=Stimulus(Moment(Event.ANSWER, "b-leg", 2800), UuidKill("b-leg", "USER_BUSY")),
)
"""A call of 12 steps that bows out."""


def found(*clauses: str, leg: str = "loopback-a") -> Judgement:
    """Give a judgement that speaks against these clauses."""
    findings = tuple(Finding(name, leg, "It was so; expected otherwise") for name in clauses)
    return Judgement(findings, ALL)


Judge = Callable[[Scenario, int], Judgement]
"""What comes of the n-th attempt (from 1) at a scenario."""


class Bench:
    """A switch of which a function says what it does, and a clock that each round moves."""

    def __init__(self, judge: Judge, *starts: Scenario, round_seconds: float = 5.0) -> None:
        """Place each start twice, as a run does with what it finds."""
        self.verdicts = Verdicts()
        self.rounds: list[tuple[int, int]] = []
        self.placed: Counter[str] = Counter()
        self.now = 0.0
        self._judge = judge
        self._round_seconds = round_seconds
        for start in starts:
            for _ in range(2):
                self.placed[start.id] += 1
                self.verdicts.add(start, judge(start, self.placed[start.id]))

    def minimise(self, seconds: float = 60.0, models: Sequence[Scenario] = ()) -> RunResult:
        """Minimise, and give what the run then says."""

        async def place(scenarios: Sequence[Scenario], window: int, _: Scenario | None) -> None:
            assert len({one.id for one in scenarios}) == len(scenarios) > 0
            self.rounds.append((len(scenarios), window))
            self.now += self._round_seconds
            for one in scenarios:
                assert sound(one)
                self.placed[one.id] += 1
                self.verdicts.add_minimising(one, self._judge(one, self.placed[one.id]))

        asyncio.run(minimise(self.verdicts, place, seconds, lambda: self.now, models))
        return self.verdicts.result()


def bows_out(scenario: Scenario) -> bool:
    """Whether an answered a-leg is bridged to an answered b-leg through a pair."""
    bridges = scenario.null_bridges.values()
    return scenario.has_a_leg and any(one.answer_delay_ms is not None for one in bridges)


def of_bowouts(scenario: Scenario, attempt: int) -> Judgement:
    """A fault that every bowout shows."""
    return found(CLAUSE) if bows_out(scenario) else CLEAN


def of(judge: Judge, scenario: Scenario) -> list[str]:
    """The clauses that a scenario speaks against."""
    return [one.clause for one in judge(scenario, 1).findings]


# --- what is left --------------------------------------------------------------------------------


def test_a_long_call_is_reduced_to_what_shows_the_finding() -> None:
    assert steps(LONG) == 12
    assert sound(LONG)
    bench = Bench(of_bowouts, LONG)
    one = bench.minimise().clauses[CLAUSE]
    assert one.minimised is not None
    assert one.minimised == one.shown
    assert one.minimised.scenario == PLAIN
    assert one.verdict is Verdict.FAIL
    assert [case.scenario for case in one.failing] == [LONG]


def test_it_takes_few_rounds_side_by_side() -> None:
    """A round takes as long as a call: rounds are what a person waits for."""
    bench = Bench(of_bowouts, LONG)
    bench.minimise()
    assert len(bench.rounds) <= 5
    assert sum(count for count, _ in bench.rounds) < 100


def test_no_one_step_simplification_of_the_result_shows_it() -> None:
    def needs_a_value(scenario: Scenario, attempt: int) -> Judgement:
        return found(CLAUSE) if "," in repr(scenario.variables) * bows_out(scenario) else CLEAN

    starts = [one for one in generate(1, 60) if needs_a_value(one, 1).findings][:3]
    for start in starts:
        bench = Bench(needs_a_value, start)
        shown = bench.minimise(seconds=10_000).clauses[CLAUSE].shown
        assert shown is not None
        for simpler in simplifications(shown.scenario):
            assert not needs_a_value(simpler, 1).findings
            assert bench.placed[simpler.id] >= 1


@pytest.mark.parametrize("changed", ["clause", "leg"])
def test_another_finding_is_not_the_same(changed: str) -> None:
    """What is left shows the same clause on the same leg, not whatever goes wrong as well."""

    def judge(scenario: Scenario, attempt: int) -> Judgement:
        if scenario.variables.braces:
            return found(CLAUSE)
        return found(OTHER) if changed == "clause" else found(CLAUSE, leg="b-leg")

    shown = Bench(judge, LONG).minimise().clauses[CLAUSE].shown
    assert shown is not None
    assert len(shown.scenario.variables.braces) == 1
    assert [one.leg for one in shown.findings] == ["loopback-a"]


def test_a_finding_moves_out_with_its_leg() -> None:
    """A pair of a chain has a lower number where one before it is gone: it is the same leg."""
    veto = Variables(brackets=(("loopback_bowout", "false"),))
    start = replace(CHAIN, variables=veto)

    def judge(scenario: Scenario, attempt: int) -> Judgement:
        vetoed = scenario.variables.brackets == veto.brackets
        inner = len(scenario.pairs) if vetoed else 1
        shows = bows_out(scenario) and not (vetoed and inner == 1)
        return found(CLAUSE, leg=numbered("loopback-a", inner)) if shows else CLEAN

    shown = Bench(judge, start).minimise().clauses[CLAUSE].shown
    assert [one.leg for one in judge(start, 1).findings] == ["loopback-a3"]
    assert shown is not None
    assert shown.scenario == PLAIN
    assert [one.leg for one in shown.findings] == ["loopback-a"]


def test_with_as_many_pairs_the_leg_is_the_very_same() -> None:
    def judge(scenario: Scenario, attempt: int) -> Judgement:
        if len(scenario.pairs) < 3:
            return CLEAN
        return found(CLAUSE, leg="loopback-a3" if len(scenario.plan) > 1 else "loopback-a2")

    shown = Bench(judge, CHAIN).minimise().clauses[CLAUSE].shown
    assert shown is not None
    assert [one.leg for one in shown.findings] == ["loopback-a3"]
    assert len(shown.scenario.plan) > 1


def test_settings_that_matter_stay_and_others_go() -> None:
    profile = Profile(fire_bowout_on_bridge=True, early_set_loopback_id=True)

    def judge(scenario: Scenario, attempt: int) -> Judgement:
        return found(CLAUSE) if scenario.profile.fire_bowout_on_bridge else CLEAN

    shown = Bench(judge, replace(LONG, profile=profile)).minimise().clauses[CLAUSE].shown
    assert shown is not None
    assert shown.scenario.profile == Profile(fire_bowout_on_bridge=True)
    assert steps(shown.scenario) == 0


def test_a_chain_that_matters_stays() -> None:
    def judge(scenario: Scenario, attempt: int) -> Judgement:
        chained = len(scenario.pairs) > 1 and bows_out(scenario)
        return found(CLAUSE) if chained else CLEAN

    shown = Bench(judge, CHAIN).minimise().clauses[CLAUSE].shown
    assert shown is not None
    (bridge,) = shown.scenario.plan
    assert isinstance(bridge, BridgeToLoopback)
    assert bridge.plan == (BridgeToNull(),)
    assert bridge.target.text in ("n2x1", "n3x1")


def test_a_simple_call_of_the_suite_s_own_is_tried_in_its_place() -> None:
    """No step leads there from the call: those that are made for the clause come first."""
    other = replace(
        PLAIN, target=ExtensionTarget("k-Aq"), variables=Variables(braces=(("foo", "1"),))
    )

    def judge(scenario: Scenario, attempt: int) -> Judgement:
        return found(CLAUSE) if scenario in (LONG, other) else CLEAN

    without = Bench(judge, LONG).minimise().clauses[CLAUSE]
    assert without.minimised is None
    bench = Bench(judge, LONG)
    shown = bench.minimise(models=[other]).clauses[CLAUSE].shown
    assert shown is not None
    assert shown.scenario == other
    assert bench.placed[other.id] == 2


def test_a_call_that_takes_longer_is_not_tried_in_its_place() -> None:
    long = replace(LONG, plan=(Sleep(60_000), *LONG.plan[5:]), variables=Variables())
    bench = Bench(of_bowouts, LONG)
    bench.minimise(models=[long])
    assert bench.placed[long.id] == 0


# --- what is reduced, and for how long -----------------------------------------------------------


def test_only_what_is_confirmed_is_reduced() -> None:
    verdicts = Verdicts()
    verdicts.add(LONG, found(CLAUSE))
    verdicts.add(CHAIN, found(OTHER))
    verdicts.add(CHAIN, CLEAN)

    async def place(scenarios: Sequence[Scenario], window: int, _: Scenario | None) -> None:
        raise AssertionError(scenarios)

    asyncio.run(minimise(verdicts, place, 60.0))


def test_findings_with_one_cause_share_their_calls() -> None:
    clauses = sorted(CLAUSES)[:12]

    def judge(scenario: Scenario, attempt: int) -> Judgement:
        return found(*clauses) if bows_out(scenario) else CLEAN

    one, twelve = Bench(of_bowouts, LONG), Bench(judge, LONG)
    one.minimise()
    result = twelve.minimise()
    assert twelve.rounds == one.rounds
    assert {result.clauses[name].shown.scenario for name in clauses} == {PLAIN}  # type: ignore[union-attr]


def test_findings_of_one_call_are_reduced_side_by_side() -> None:
    """Though each ends elsewhere: a round takes as long as its longest call, not as its calls."""

    def judge(scenario: Scenario, attempt: int) -> Judgement:
        plays = any(isinstance(action, PlayTone) for action in scenario.plan)
        sends = any(isinstance(one.deed, UuidSendDtmf) for one in scenario.stimuli)
        return found(*[CLAUSE] * plays, *[OTHER] * sends)

    both = Bench(judge, LONG)
    result = both.minimise()
    first = Bench(lambda one, _: found(*(c for c in of(judge, one) if c == CLAUSE)), LONG)
    first.minimise()
    second = Bench(lambda one, _: found(*(c for c in of(judge, one) if c == OTHER)), LONG)
    second.minimise()
    assert result.clauses[CLAUSE].shown != result.clauses[OTHER].shown
    assert len(both.rounds) < len(first.rounds) + len(second.rounds)


def test_a_finding_takes_no_longer_than_it_may() -> None:
    """A round that would not end in time is not begun; what there is then is checked."""
    bench = Bench(of_bowouts, LONG, round_seconds=7.0)
    shown = bench.minimise(seconds=8.0).clauses[CLAUSE].shown
    assert [window == CHECKING for _, window in bench.rounds] == [False, True]
    assert shown is not None
    assert steps(shown.scenario) < steps(LONG)


def test_all_findings_together_take_no_longer_than_they_may() -> None:
    clauses = sorted(CLAUSES)[:30]
    starts = generate(2, 30)

    def judge(scenario: Scenario, attempt: int) -> Judgement:
        own = {one.id: name for one, name in zip(starts, clauses, strict=True)}
        return found(own[scenario.id]) if scenario.id in own else CLEAN

    bench = Bench(judge, *starts, round_seconds=4.0)
    bench.minimise(seconds=20.0)
    assert bench.now <= FINDINGS_WORTH * 20.0 + 4.0


# --- attempts that disagree ----------------------------------------------------------------------


def test_the_result_is_placed_once_more_from_scratch() -> None:
    bench = Bench(of_bowouts, LONG)
    bench.minimise()
    assert bench.placed[PLAIN.id] == 2
    assert bench.rounds[-1] == (1, CHECKING)


def test_what_the_host_could_not_decide_is_placed_again() -> None:
    """A check that decides nothing does not throw away what the finding was reduced to."""
    late = Judgement((), frozenset(), frozenset({CLAUSE}))

    def judge(scenario: Scenario, attempt: int) -> Judgement:
        stalled = scenario.id == PLAIN.id and attempt == 2
        return late if stalled else of_bowouts(scenario, attempt)

    bench = Bench(judge, LONG)
    one = bench.minimise().clauses[CLAUSE]
    assert one.minimised is not None
    assert one.minimised.scenario == PLAIN
    assert bench.placed[PLAIN.id] == 3
    assert bench.placed[LONG.id] == 2


def test_a_call_whose_attempts_disagree_is_not_what_a_finding_is_reduced_to() -> None:
    """The way to it is placed again, and the simplest call that shows it each time is shown."""

    def judge(scenario: Scenario, attempt: int) -> Judgement:
        unsteady = not scenario.variables.braces and attempt > 1
        return CLEAN if unsteady else of_bowouts(scenario, attempt)

    bench = Bench(judge, LONG)
    one = bench.minimise().clauses[CLAUSE]
    assert one.verdict is Verdict.FAIL
    assert one.shown is not None
    assert one.shown.scenario.id != PLAIN.id
    assert bench.placed[PLAIN.id] == 2
    assert bench.placed[LONG.id] == 3
    assert all(case.attempts > 1 for case in (*one.failing, one.shown))


def test_a_finding_that_does_not_come_back_at_all_is_flaky() -> None:
    def judge(scenario: Scenario, attempt: int) -> Judgement:
        times = 2 if scenario.id == LONG.id else 1
        return of_bowouts(scenario, attempt) if attempt <= times else CLEAN

    one = Bench(judge, LONG).minimise().clauses[CLAUSE]
    assert one.verdict is Verdict.FLAKY
    assert one.minimised is None
    assert [case.scenario for case in one.flaky] == [LONG]


def test_what_the_host_could_not_decide_is_no_finding() -> None:
    late = Judgement((), frozenset(), frozenset({CLAUSE}))
    goal = Goal(CLAUSE, "loopback-a", LONG)
    assert not goal.shown_by(LONG, [])
    assert not goal.shown_by(LONG, [late])
    assert goal.shown_by(LONG, [late, found(CLAUSE)])
    assert not goal.shown_by(LONG, [late, found(CLAUSE)], times=2)
    assert not goal.shown_by(LONG, [found(CLAUSE), CLEAN])


# --- what a run says of it -----------------------------------------------------------------------


def test_attempts_to_minimise_exercise_nothing() -> None:
    bench = Bench(of_bowouts, LONG)
    before = bench.verdicts.result()
    after = bench.minimise()
    assert (after.scenarios, after.attempts) == (before.scenarios, before.attempts) == (1, 2)
    assert after.minimising == sum(count for count, _ in bench.rounds)
    for name, one in after.clauses.items():
        assert (one.exercised, one.shapes) == (1, 1), name
        assert one.failing == before.clauses[name].failing


def test_what_only_a_reduced_call_showed_each_time_is_a_finding_too() -> None:
    """It is a call like any other, and the switch did wrong with it twice."""

    def judge(scenario: Scenario, attempt: int) -> Judgement:
        both = found(CLAUSE, OTHER) if scenario.id == PLAIN.id else found(CLAUSE)
        return both if bows_out(scenario) else CLEAN

    result = Bench(judge, LONG).minimise()
    assert result.clauses[OTHER].verdict is Verdict.FAIL
    assert result.clauses[OTHER].minimised is None
    assert [case.scenario for case in result.clauses[OTHER].failing] == [PLAIN]


# --- on a switch ---------------------------------------------------------------------------------


def reduced(fault: str, start: Scenario, path: Path) -> Run:
    """Give a run of one scenario on the embedded switch with a fault."""
    plan = Plan(pace=Pace(window=200), minimise=60.0, record=path)
    switch = open_switch(f"embedded:?fault={fault}")
    return asyncio.run(run(switch, plan, None, Given([start])))


def test_a_late_bowout_is_reduced_from_12_steps_to_at_most_3(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl.gz"
    done = reduced(THREE_SECONDS, LONG, path)
    shown = done.result.clauses[CLAUSE].shown
    assert shown is not None
    assert steps(LONG) == 12
    assert steps(shown.scenario) <= 3
    assert complexity(shown.scenario) <= complexity(PLAIN)
    assert shown.scenario.id in done.shown


def test_the_recording_holds_every_attempt_and_says_the_same(tmp_path: Path) -> None:
    """Judged again it is reduced to the same calls; what was only tried is marked."""
    path = tmp_path / "run.jsonl"
    done = reduced(WRONG_CAUSE_IN_CDR, LONG, path)
    recording = Recording(path)
    lines = list(recording)
    assert recording.complete
    marked = [one for one in lines if one.minimising]
    assert sum(len(one.attempts) for one in marked) == done.result.minimising > 0
    assert {one.id for one in lines if not one.minimising} == {LONG.id}
    again = judge_recording(path)
    assert again.result == done.result
    assert again.shown == done.shown
    schema = json.loads((ROOT / "fixtures" / "recording.schema.json").read_text())
    last = next(line for line in reversed(path.read_text().splitlines()) if "minimising" in line)
    jsonschema.validate(json.loads(last), schema)


def test_without_time_nothing_is_minimised() -> None:
    switch = open_switch(f"embedded:?fault={WRONG_CAUSE_IN_CDR}")
    done = asyncio.run(run(switch, Plan(), None, Given([PLAIN])))
    assert done.result.minimising == 0
    assert all(one.minimised is None for one in done.result.clauses.values())
    assert isinstance(PLAIN.origin, ALegBridges)
