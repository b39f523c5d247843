"""Simplifications: sound, strictly less complex, and no finding where a switch conforms."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import islice
from random import Random

import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from campaign.campaign import Pace
from campaign.session import Nobody, Plan, Scenarios, run
from conformance.complexity import complexity, parts, steps
from conformance.profile import Profile
from conformance.scenario import (
    ALegBridges,
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
    Park,
    RingReady,
    Scenario,
    SetVariable,
    Sleep,
    Stimulus,
    Unloop,
    UuidDeflect,
    UuidKill,
    UuidSendDtmf,
    UuidSetvar,
    Variables,
)
from conformance.verdicts import Verdict
from fixtures.switches import open_switch
from strategies import generate, profiles, sendable, sound
from strategies.simplify import Kind, edited, edits, simplifications
from strategies.soundness import settled

NUMBER = ExtensionTarget("1000")
ARGUMENT = "exec_after_bridge_arg"


def hangup(leg: str, event: Event, of: str, delay_ms: int = 2600) -> Stimulus:
    """Hang a leg up some time after an event."""
    return Stimulus(Moment(event, of, delay_ms), UuidKill(leg))


PLAIN = Scenario(
    ALegBridges(), NUMBER, (BridgeToNull(),), ending=hangup("a-leg", Event.ANSWER, "b-leg")
)
TWO_BRIDGES = Scenario(
    ALegBridges(),
    NUMBER,
    (Answer(), BridgeToNull(), BridgeToNull()),
    stimuli=(hangup("b-leg", Event.ANSWER, "b-leg", 500),),
    ending=hangup("b-leg2", Event.ANSWER, "b-leg2", 2800),
)
CHAIN = Scenario(
    ALegBridges(),
    NUMBER,
    (
        SetVariable("x", "1"),
        BridgeToLoopback(
            ExtensionTarget("n2x5"),
            (Sleep(300), BridgeToLoopback(ExtensionTarget("n3x5"), (BridgeToNull(),))),
        ),
    ),
    ending=hangup("a-leg", Event.BRIDGE, "loopback-b3"),
)


@cache
def made() -> tuple[Scenario, ...]:
    """The scenarios on which simplifying is judged."""
    return tuple(generate(1, 300))


def only(scenario: Scenario, kind: Kind, number: int = 0) -> Scenario:
    """Give the scenario after its n-th edit of a kind."""
    chosen = [edit for edit in edits(scenario) if edit.kind is kind][number]
    result = edited(scenario, (chosen,))
    assert result is not None
    return result


# --- what is sound -------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None, database=None)
@given(profiles())
def test_every_profile_that_is_made_can_be_sent(profile: Profile) -> None:
    """Else what is found under it could be made no simpler."""
    assert sendable(Scenario(Direct(), NUMBER, (Park(),), profile=profile))


def test_whatever_the_strategies_make_is_sound() -> None:
    assert [one for one in made() if not sound(one)] == []


@pytest.mark.parametrize(
    "scenario",
    [
        Scenario(ALegBridges(), NUMBER, (BridgeToNull(),)),
        Scenario(ALegBridges(), NUMBER, (Park(),), ending=PLAIN.ending),
        Scenario(ALegBridges(), NUMBER, (Answer(),), ending=PLAIN.ending),
        Scenario(Direct("sleep", "550"), NUMBER, (Park(),)),
        Scenario(ALegBridges(), ApplicationTarget(), (Answer(), Park())),
        Scenario(ALegBridges(), NUMBER, (Unloop(), Answer())),
        Scenario(ALegBridges(), NUMBER, (Answer(),), Variables(set=(("a", "1"),))),
        Scenario(ALegBridges(), NUMBER, TWO_BRIDGES.plan, ending=TWO_BRIDGES.ending),
        Scenario(
            ALegBridges(),
            NUMBER,
            (SetVariable("loopback_no_pre_answer", "true"), BridgeToNull()),
            ending=PLAIN.ending,
        ),
    ],
    ids=[
        "never ends",
        "ends after what does not come",
        "is ended though it ends",
        "may ring for ever",
        "two actions in a target",
        "hands too little over",
        "sets without a dialplan",
        "nobody makes room for the second bridge",
        "is silent towards nobody",
    ],
)
def test_what_leads_nobody_knows_where_is_not_sound(scenario: Scenario) -> None:
    assert not sound(scenario)


def test_settling_mends_what_does_not_fit() -> None:
    """What a call waits for is put in, what ends nothing is left out, and it is ended."""
    bare = Scenario(ALegBridges(), NUMBER, TWO_BRIDGES.plan, ending=PLAIN.ending)
    mended = settled(bare)
    assert mended is not None
    assert [one.deed for one in mended.all_stimuli()] == [UuidKill("b-leg"), UuidKill("a-leg")]
    assert mended.ending == hangup("a-leg", Event.ANSWER, "b-leg2")
    assert settled(PLAIN) == PLAIN


BRACES = (("a", "${system(touch x)}"),)


@pytest.mark.parametrize(
    "scenario",
    [
        Scenario(Direct("system", "touch x"), NUMBER, ()),
        Scenario(Direct("park", "x"), NUMBER, ()),
        Scenario(Direct("sleep", "999999"), NUMBER, ()),
        Scenario(ALegRunsDialplan(context="a b"), NUMBER, ()),
        Scenario(ALegRunsDialplan(afterwards=(SetVariable("a", "1"),)), NUMBER, ()),
        Scenario(Direct(), ExtensionTarget("1'2"), ()),
        Scenario(Direct(), ExtensionTarget("1", "a/b"), ()),
        Scenario(Direct(), InlineTarget(), (SetVariable("a", "1,system:touch x"),)),
        Scenario(Direct(), NUMBER, (), Variables(braces=BRACES)),
        Scenario(Direct(), NUMBER, (), Variables(braces=(("api_hangup_hook", "system x"),))),
        Scenario(Direct(), NUMBER, (), Variables(braces=(("a b", "1"),))),
        Scenario(Direct(), NUMBER, (SetVariable("execute_on_answer", "system x"),)),
        Scenario(Direct(), NUMBER, (SetVariable("a", "x\ny"),)),
        Scenario(Direct(), NUMBER, (HangUp("X\nY"),)),
        Scenario(Direct(), NUMBER, (Sleep(10**9),)),
        Scenario(Direct(), NUMBER, (BridgeToNull(variables=BRACES),)),
        Scenario(Direct(), NUMBER, (BridgeToNull(refusal="a,b"),)),
        Scenario(Direct(), NUMBER, (BridgeToLoopback(NUMBER, ()),)),
        Scenario(Direct(), NUMBER, (), ending=Stimulus(Moment(Event.PARK, "x", 1), UuidKill("x"))),
        Scenario(
            Direct(),
            NUMBER,
            (Park(),),
            stimuli=(
                Stimulus(
                    Moment(Event.PARK, "loopback-b", 1),
                    UuidSetvar("loopback-b", "a", "1\n\napi system touch x"),
                ),
            ),
        ),
        Scenario(
            Direct(),
            NUMBER,
            (Park(),),
            stimuli=(
                Stimulus(Moment(Event.PARK, "loopback-b", 1), UuidSendDtmf("loopback-b", "1 2")),
            ),
        ),
        Scenario(Direct(), NUMBER, (), profile=Profile(bowout_hangup_cause="X Y")),
        Scenario(Direct(), NUMBER, (), profile=Profile(global_variables=(("a", "b"),))),
    ],
)
def test_what_would_do_more_than_be_a_call_is_not_sent(scenario: Scenario) -> None:
    """Scenarios come in bundles from others: none runs a command of theirs on a switch."""
    assert not sendable(scenario)
    assert not sound(scenario)


# --- one step ------------------------------------------------------------------------------------


def test_each_is_sound_and_strictly_less_complex() -> None:
    for scenario in made():
        found = simplifications(scenario)
        assert len({one.id for one in found}) == len(found)
        assert found == simplifications(scenario)
        for one in found:
            assert sound(one)
            assert complexity(one) < complexity(scenario)
            assert parts(one) <= parts(scenario)


def test_simplifying_comes_to_an_end_at_a_call_of_no_steps() -> None:
    for scenario in made()[:60]:
        for _ in range(200):
            further = simplifications(scenario)
            if not further:
                break
            scenario = further[0]
        assert steps(scenario) == 0
        assert scenario == Scenario(Direct(), NUMBER, ())


def test_every_kind_of_thing_can_be_simpler() -> None:
    found = {edit.kind for scenario in made() for edit in edits(scenario)}
    assert found == set(Kind)


def test_what_is_not_simplified_stays() -> None:
    given = Variables(braces=(("foo", "1"), ("bar", "1")), export=(("baz", "1"),))
    before = Scenario(ALegBridges(), NUMBER, (RingReady(), BridgeToNull()), given)
    before = settled(before) or before
    after = only(before, Kind.VARIABLE)
    assert after.variables == Variables(braces=(("bar", "1"),), export=(("baz", "1"),))
    assert (after.plan, after.ending, after.target) == (before.plan, before.ending, before.target)


def test_a_call_that_loses_a_leg_renames_the_others() -> None:
    """Without the first bridge the second b-leg is the first, for which nobody is killed."""
    without = only(TWO_BRIDGES, Kind.ACTION, 0)
    assert without.plan == (Answer(), BridgeToNull())
    assert without.stimuli == ()
    assert without.ending == hangup("b-leg", Event.ANSWER, "b-leg", 2800)


def test_a_call_that_loses_what_ends_it_ends_otherwise() -> None:
    """Without the second bridge the kill of the first b-leg ends the call."""
    without = only(TWO_BRIDGES, Kind.ACTION, 1)
    assert without.all_stimuli() == TWO_BRIDGES.stimuli


def test_a_pair_gives_way_to_what_its_plan_does() -> None:
    without_the_second = only(CHAIN, Kind.PAIR, 0)
    assert [pair.number for pair in without_the_second.pairs] == [1, 2]
    assert without_the_second.plan[:2] == (SetVariable("x", "1"), Sleep(300))
    assert without_the_second.ending == hangup("a-leg", Event.BRIDGE, "loopback-b2")
    without_the_third = only(CHAIN, Kind.PAIR, 1)
    assert without_the_third.pairs[1].steps[1].action == BridgeToNull()
    assert without_the_third.ending == hangup("a-leg", Event.ANSWER, "b-leg")


def test_several_edits_at_once() -> None:
    """All that leaves the call what it is: the plainest bowout remains."""
    kept = (Kind.ACTION, Kind.LEG)
    chosen = [edit for edit in edits(CHAIN) if edit.kind not in kept]
    assert edited(CHAIN, chosen) == PLAIN


def test_a_bridge_that_loses_every_endpoint_goes() -> None:
    """However many edits are chosen, what comes of them is a call or nothing."""
    several = [one for one in made() if any(isinstance(a, BridgeToSeveral) for a in one.plan)]
    assert several
    for scenario in several:
        named = (edit for edit in edits(scenario) if edit.kind is Kind.PAIR)
        without = edited(scenario, (edit for edit in named if len(edit.at) > 2))
        assert without is None or sound(without)


def test_a_leg_that_is_sent_off_keeps_something_to_execute() -> None:
    """FreeSWITCH has no route to an empty extension; the suite makes no such call."""
    scenario = replace(
        PLAIN,
        stimuli=(
            Stimulus(
                Moment(Event.ANSWER, "b-leg", 700),
                UuidDeflect("loopback-b", (SetVariable("foo", "1"),), "XML"),
            ),
        ),
        ending=None,
    )
    assert sound(scenario)
    for one in simplifications(scenario):
        assert all(
            stimulus.deed != UuidDeflect("loopback-b", (), "XML") for stimulus in one.stimuli
        )
    assert any(not one.stimuli for one in simplifications(scenario))


@pytest.mark.parametrize("name", ["exec_after_bridge_app", "exec_after_bridge_arg"])
def test_what_is_to_be_executed_keeps_its_argument(name: str) -> None:
    """Without its argument it is no call that the model speaks of."""
    settings = (SetVariable("exec_after_bridge_app", "sleep"), SetVariable(ARGUMENT, "300"))
    scenario = settled(
        Scenario(
            ALegRunsDialplan(),
            NUMBER,
            (*settings, BridgeToNull(), Sleep(400)),
            stimuli=(hangup("b-leg", Event.ANSWER, "b-leg", 700),),
        )
    )
    assert scenario is not None
    at = next(n for n, one in enumerate(scenario.plan) if getattr(one, "name", "") == name)
    made = edited(scenario, [one for one in edits(scenario) if one.at == ("plan", at)])
    assert (made is None) == (name == ARGUMENT)


def test_a_name_is_changed_wherever_it_stands() -> None:
    given = Variables(
        braces=(("loopback_export", "x_one"), ("x_one", "1")), brackets=(("foo", "1"),)
    )
    before = Scenario(ALegBridges(), NUMBER, (SetVariable("x_one", "1"),), given)
    after = only(before, Kind.VALUE)
    assert after.variables.braces == (("loopback_export", "bar"), ("bar", "1"))
    assert after.variables.brackets == (("foo", "1"),)
    assert after.plan == (SetVariable("bar", "1"),)


@pytest.mark.parametrize(
    ("simple", "complex_"),
    [
        (PLAIN, TWO_BRIDGES),
        (PLAIN, CHAIN),
        (Scenario(Direct(), NUMBER, ()), Scenario(ALegBridges(), NUMBER, ())),
        (Scenario(ALegBridges(), NUMBER, ()), Scenario(ALegRunsDialplan(), NUMBER, ())),
        (
            Scenario(ALegRunsDialplan(), NUMBER, ()),
            Scenario(ALegRunsDialplan(afterwards=(Sleep(100),)), NUMBER, ()),
        ),
        (
            Scenario(Direct(), NUMBER, (Sleep(100),)),
            Scenario(Direct(), NUMBER, (Sleep(200),)),
        ),
        (Scenario(Direct(), NUMBER, ()), Scenario(Direct(), ExtensionTarget("12345"), ())),
        (
            Scenario(Direct(), NUMBER, ()),
            Scenario(Direct(), NUMBER, (), profile=Profile(ignore_channel_ready=True)),
        ),
    ],
)
def test_what_is_simpler_is_less_complex(simple: Scenario, complex_: Scenario) -> None:
    assert complexity(simple) < complexity(complex_)


# --- on a switch ---------------------------------------------------------------------------------


class Given(Nobody):
    """A watcher who has these scenarios placed and no others."""

    def __init__(self, scenarios: Iterable[Scenario]) -> None:
        self._scenarios = sorted(scenarios, key=lambda one: str(one.profile))

    def scenarios(self, asked: int, generated: Iterator[Scenario]) -> Scenarios:
        return len(self._scenarios), iter(self._scenarios)


def test_on_a_switch_that_conforms_no_simplification_is_a_finding() -> None:
    """Else a finding would be reduced to a call of which the model is wrong."""
    dice = Random(1)
    chosen = {
        one.id: one
        for scenario in islice(made(), 200)
        for one in dice.sample(simplifications(scenario)[:40] or (scenario,), 1)
    }
    plan = Plan(pace=Pace(window=200))
    done = asyncio.run(run(open_switch("embedded:"), plan, None, Given(chosen.values())))
    assert done.result.scenarios == len(chosen) >= 190
    failing = {
        name: one.verdict
        for name, one in done.result.clauses.items()
        if one.verdict not in (Verdict.PASS, Verdict.NOT_VERIFIED)
    }
    assert failing == {}
