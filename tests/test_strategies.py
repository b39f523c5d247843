"""What the strategies make: legal, told apart, the same for a seed, and of every kind."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import islice, permutations
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from conformance.dialstring import carries, originate_arguments
from conformance.profile import Profile
from conformance.scenario import (
    Action,
    ALegBridges,
    ALegRunsDialplan,
    Answer,
    ApplicationTarget,
    BridgeAgain,
    BridgeToLoopback,
    BridgeToNull,
    BridgeToSeveral,
    Deed,
    Direct,
    Event,
    ExtensionTarget,
    InlineTarget,
    Pairs,
    Park,
    RingReady,
    Scenario,
    SetVariable,
    Sleep,
    Stimulus,
    Unloop,
    UuidKill,
    UuidSetvar,
    Variables,
    null_bridges,
    pairs,
)
from conformance.shape import shape_of
from strategies import (
    MOST_PAIRS,
    WEIGHTS,
    answered_bridges,
    application_plans,
    bowout_settings,
    bowout_waits_for_answer,
    chained_plans,
    clobbers,
    course,
    export_lists,
    extension_targets,
    extensions,
    generate,
    inline_plans,
    names,
    nested_extensions,
    origins,
    overwritten,
    pair_count,
    plans,
    reserved,
    samples,
    scenarios,
    several_targets,
    suits,
    targets,
    two_bridge_plans,
    unloopable_plans,
    unroutable_targets,
    values,
    variable_sets,
    variables_for,
)
from strategies.bridges import is_forked
from strategies.certainty import ends_by_itself, is_certain, quiet_moments, runs
from strategies.fairness import Fairness, clauses_of
from strategies.generation import openers
from strategies.targets import legal_extension, routes
from strategies.variables import LOOKALIKES, scopes_of, unique

SCOPES = ("originate", "braces", "brackets", "set")
ROOT = Path(__file__).parents[1]

few = settings(
    max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


@cache
def of_seed_1() -> tuple[Scenario, ...]:
    """The scenarios on which variety and legality are judged."""
    return tuple(generate(1, 500))


def walk(plan: tuple[Action, ...]) -> Iterator[Action]:
    """All actions of a plan, those of further pairs included."""
    for action in plan:
        yield action
        if isinstance(action, BridgeToLoopback):
            yield from walk(action.plan)
        elif isinstance(action, BridgeToSeveral):
            yield from walk(action.bridges)


def share(holds: Callable[[Scenario], bool]) -> float:
    """The share of the scenarios of which this is true."""
    return sum(map(holds, of_seed_1())) / len(of_seed_1())


# --- parts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", SCOPES)
def test_values_are_carried_by_their_scope(scope: str) -> None:
    made = list(islice(samples(values(scope), 1), 1000))
    assert all(carries(scope, value) for value in made)
    assert "" in made
    assert max(map(len, made)) == 1500
    assert sum(len(value) > 100 for value in made) < 100
    assert any(not value.isascii() for value in made)


@pytest.mark.parametrize(
    ("scope", "value"),
    [
        ("originate", "ARRAY::a|:b"),
        ("braces", "a:_:b"),
        ("braces", "it's"),
        ("brackets", "x\\"),
        ("set", "a\\'b"),
        ("set", " x"),
        ("set", "undef"),
    ],
)
def test_what_a_real_switch_changes_is_not_carries(scope: str, value: str) -> None:
    assert not carries(scope, value)


def test_names_are_legal_and_mean_nothing() -> None:
    made = list(islice(samples(names(), 1), 1000))
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) for name in made)
    assert not any(map(reserved, made))
    assert set(LOOKALIKES) <= set(made)
    assert len({name.lower() for name in made}) == len(set(made))


@pytest.mark.parametrize("name", ["loopback_bowout", "SIP_h_X", "process_cdr", "null_pre_answer"])
def test_names_that_act_are_reserved(name: str) -> None:
    assert reserved(name)


@pytest.mark.parametrize("scope", SCOPES)
@few
@given(data=st.data())
def test_variable_sets_have_different_names(scope: str, data: st.DataObject) -> None:
    made = data.draw(variable_sets(scope))
    assert unique(made) == made
    assert all(carries(scope, value) for _, value in made)


@few
@given(origin=origins(), data=st.data())
def test_variables_fill_only_the_scopes_of_their_origin(
    origin: object, data: st.DataObject
) -> None:
    assert isinstance(origin, ALegBridges | ALegRunsDialplan | Direct)
    made = data.draw(variables_for(origin))
    scopes = dict(scopes_of(origin))
    for scope in ("originate", "braces", "brackets", "export", "set"):
        assert scope in scopes or not getattr(made, scope)


def test_a_leg_without_a_dialplan_sets_nothing() -> None:
    assert all(not made.set for made in islice(samples(variables_for(ALegBridges()), 1), 100))


@few
@given(bowout_settings(("braces", "export")), export_lists(("braces", "set")), clobbers())
def test_meaningful_variables(bowout: Variables, listed: Variables, clobber: Variables) -> None:
    assert {name for name, _ in bowout.braces + bowout.export} == {"loopback_bowout"}
    assert "loopback_export" in dict(listed.braces)
    (name, one), *_ = clobber.braces
    assert dict(clobber.brackets)[name] != one


def test_overwritten_variables_are_those_of_the_endpoint() -> None:
    made = {name for found in islice(samples(overwritten(), 1), 50) for name, _ in found.braces}
    assert made == {"loopback_leg", "is_loopback"}


def test_extensions_are_legal_and_long_ones_occur() -> None:
    made = list(islice(samples(extensions(), 1), 500))
    assert all(name and legal_extension(name) for name in made)
    assert any(len(name) > 116 for name in made)
    assert any(not name.isascii() for name in made)


@few
@given(extensions(), nested_extensions())
def test_no_extension_is_the_beginning_of_a_nested_one(outer: str, nested: str) -> None:
    assert legal_extension(nested)
    assert not nested.startswith(outer)
    assert not outer.startswith(nested)


@few
@given(extension_targets(), unroutable_targets())
def test_targets_route_or_do_not(target: ExtensionTarget, unroutable: ExtensionTarget) -> None:
    assert routes(target)
    assert not routes(unroutable)


@few
@given(chained_plans(), two_bridge_plans(), unloopable_plans())
def test_plans_take_the_course_of_their_form(
    chained: tuple[Action, ...], two: tuple[Action, ...], unloopable: tuple[Action, ...]
) -> None:
    assert 2 <= pair_count(chained) <= MOST_PAIRS
    assert course(two).answered == ("b-leg", "b-leg2")
    assert suits(Direct("unloop"), ExtensionTarget("1"), unloopable)


@few
@given(inline_plans(), application_plans())
def test_plans_inside_a_target_are_short_and_plain(
    inline: tuple[Action, ...], application: tuple[Action, ...]
) -> None:
    assert not any(isinstance(action, BridgeToNull | Unloop) for action in inline)
    (only,) = application
    for action in (*inline, only):
        assert not isinstance(action, SetVariable) or action.value.isalnum()


@pytest.mark.parametrize(
    ("plan", "answered", "rings", "parks"),
    [
        ((BridgeToNull(),), ("b-leg",), None, None),
        ((BridgeToNull(refusal="NO_ANSWER"), BridgeToNull()), ("b-leg2",), None, None),
        ((BridgeToNull(refusal="USER_BUSY"), BridgeToNull()), (), None, None),
        ((BridgeToNull(answer_delay_ms=None), Park()), (), "b-leg", None),
        ((BridgeToNull(), Park()), ("b-leg",), None, None),
        ((Park(), BridgeToNull()), (), None, "loopback-b"),
        ((BridgeToLoopback(ExtensionTarget("n2x1"), (Park(),)),), (), None, "loopback-b2"),
        ((), (), None, None),
    ],
)
def test_course(
    plan: tuple[Action, ...], answered: tuple[str, ...], rings: str | None, parks: str | None
) -> None:
    known = course(plan)
    assert (known.answered, known.rings, known.parks) == (answered, rings, parks)
    assert known.ends_by_itself == (not answered and not rings and not parks)


@pytest.mark.parametrize(
    ("plan", "waits"),
    [
        ((Answer(), BridgeToNull()), True),
        ((BridgeToNull(early_media=True),), True),
        ((Answer(), BridgeToNull(answer_delay_ms=500, early_media=True)), False),
        ((Answer(), BridgeToLoopback(ExtensionTarget("n2x1"), (BridgeToNull(),))), True),
        ((BridgeToLoopback(ExtensionTarget("n2x1"), (Answer(), BridgeToNull())),), False),
    ],
)
def test_when_a_bowout_may_come_early(plan: tuple[Action, ...], waits: bool) -> None:
    assert bowout_waits_for_answer(plan) is waits


# --- whole scenarios -----------------------------------------------------------------------------


def test_all_are_legal() -> None:
    for scenario in of_seed_1():
        check(scenario)


@few
@given(scenarios())
def test_they_are_legal_in_a_test_of_hypothesis_too(scenario: Scenario) -> None:
    check(scenario)


def check(scenario: Scenario) -> None:
    """Assert everything that a scenario has to fulfil to be sent and observed."""
    assert Scenario.from_json(json.loads(json.dumps(scenario.to_json()))) == scenario
    assert Scenario.from_json(scenario.to_json()).id == scenario.id
    assert "\n" not in originate_arguments(scenario, "token", "uuid")
    assert suits(scenario.origin, scenario.target, scenario.plan)
    assert len(scenario.stimuli) <= 4
    for scope, carried in scopes_of(scenario.origin):
        check_pairs(carried, getattr(scenario.variables, scope))
    for action in walk((*scenario.plan, *scenario.beside, *scenario.otherwise)):
        check_action(action)
    check_several(scenario)
    check_extensions(scenario)
    check_moments(scenario)


def check_pairs(scope: str, variables: Pairs) -> None:
    """Assert that a scope carries these variables, each once."""
    assert unique(variables) == variables
    for name, value in variables:
        assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name)
        assert carries(scope, value)


def check_action(action: Action) -> None:
    """Assert that an action's variables are carried."""
    match action:
        case SetVariable(name, value):
            check_pairs("set", ((name, value),))
        case BridgeToNull(variables=variables):
            check_pairs("braces", variables)
        case BridgeToLoopback(braces=braces, brackets=brackets):
            check_pairs("braces", braces)
            check_pairs("brackets", brackets)
        case BridgeToSeveral(braces=braces):
            check_pairs("braces", braces)
            assert len(action.bridges) > 1
            assert not any(getattr(bridge, "timeout_s", None) for bridge in action.bridges)
            assert not any(getattr(bridge, "braces", ()) for bridge in action.bridges)


def check_several(scenario: Scenario) -> None:
    """Assert that who is taken is certain, and that a loop is bounded and slow."""
    further = (*scenario.beside, *scenario.otherwise)
    assert not any(bridge.braces for bridge in further)
    loops = [plan for plan in plans_of(scenario) if any(isinstance(a, BridgeAgain) for a in plan)]
    for plan in loops:
        *before, again = plan
        assert isinstance(again, BridgeAgain)
        assert sum(action.milliseconds for action in before if isinstance(action, Sleep)) >= 200
        assert not any(isinstance(action, BridgeToNull) for action in walk(plan))
    if further or is_forked(scenario.plan):
        assert scenario.has_a_leg or not loops
        assert is_certain(replace(scenario, ending=None))


def plans_of(scenario: Scenario) -> Iterator[tuple[Action, ...]]:
    """All plans of a scenario."""
    yield scenario.plan
    for action in walk((*scenario.plan, *scenario.beside, *scenario.otherwise)):
        if isinstance(action, BridgeToLoopback):
            yield action.plan


def check_extensions(scenario: Scenario) -> None:
    """Assert that extensions are legal and tell the pairs apart."""
    found = {pair.target: None for pair in pairs(scenario)}  # a loop's is one and the same
    assert len(found) <= MOST_PAIRS
    texts = [target.extension for target in found if isinstance(target, ExtensionTarget)]
    assert all(map(legal_extension, texts))
    assert not any(one.startswith(other) for one, other in permutations(filter(None, texts), 2))
    if isinstance(scenario.target, ExtensionTarget) and not routes(scenario.target):
        assert scenario.plan == ()


def check_moments(scenario: Scenario) -> None:
    """Assert that stimuli are timed from what occurs and act on legs that are there."""
    legs = {leg for pair in pairs(scenario) for leg in (pair.leg_a, pair.leg_b)}
    legs |= {leg for leg, bridge in null_bridges(scenario).items() if bridge.refusal is None}
    legs |= {"a-leg"} if scenario.has_audio else set()
    for stimulus in scenario.all_stimuli():
        assert stimulus.deed.leg in legs
        assert stimulus.at.leg in legs
        assert stimulus.at.delay_ms >= 200
    known = course(scenario.plan)
    bare = replace(scenario, ending=None)
    if scenario.ending is None or is_quiet(bare, scenario.ending):
        assert scenario.ending or ends_by_itself(scenario)
        return
    for stimulus in scenario.all_stimuli():
        match stimulus.at.event:
            case Event.ANSWER:
                assert stimulus.at.leg in known.answered
            case Event.BRIDGE:
                assert known.answered
                assert stimulus.at.leg == "a-leg" or stimulus.at.leg.startswith("loopback-b")
            case Event.PARK:
                # A leg that is killed once it parks may be one that parks behind a bridge.
                assert stimulus.at.leg in {known.parks, stimulus.deed.leg}
            case Event.CREATE:
                assert stimulus.at.leg in {known.rings, "a-leg"}
    if scenario.has_a_leg and known.answered and not bowout_waits_for_answer(scenario.plan):
        deeds = (stimulus.deed for stimulus in scenario.stimuli)
        touched = {deed.leg for deed in deeds if isinstance(deed, UuidKill | UuidSetvar)}
        assert not any(leg.startswith("loopback") for leg in touched)
    if known.ends_by_itself or getattr(scenario.origin, "application", "") in ("sleep", "unloop"):
        assert scenario.all_stimuli() == ()


def is_quiet(bare: Scenario, ending: Stimulus) -> bool:
    """Whether nothing else happens about the time of a hangup, of a leg that is there."""
    return any(
        one.moment == ending.at and ending.deed.leg in one.legs for one in quiet_moments(bare)
    )


def test_parts_can_be_fixed() -> None:
    strategy = scenarios(
        origins=st.just(ALegBridges()),
        targets=st.just(ExtensionTarget("1234")),
        plans=answered_bridges().map(lambda bridge: (bridge,)),
        variables=st.just(Variables(braces=(("a", "b"),), set=(("not", "here"),))),
    )
    for scenario in generate(1, 20, strategy):
        assert scenario.origin == ALegBridges()
        assert scenario.target == ExtensionTarget("1234")
        assert scenario.variables == Variables(braces=(("a", "b"),))
        assert len(scenario.plan) == 1


def test_weights_steer() -> None:
    weights = dict.fromkeys(WEIGHTS, 0) | {
        **{"plain": 1, "direct": 1, "extension": 1, "park": 1},
        **{"one_target": 1, "hangup_at_the_end": 1},
    }
    for scenario in generate(1, 30, scenarios(weights=weights)):
        assert isinstance(scenario.origin, Direct)
        assert course(scenario.plan).parks or scenario.origin.application == "unloop"


def test_an_unknown_weight_is_refused() -> None:
    with pytest.raises(ValueError, match="no such weights: bridges"):
        scenarios(weights={"bridges": 1})


def test_of_several_targets_one_is_taken_or_none() -> None:
    """What a slow host makes of a race may not be a finding; the few that race are not placed."""
    made = [
        Scenario(
            ALegBridges(),
            ExtensionTarget("1"),
            named.plan,
            Variables(braces=named.braces),
            beside=named.beside,
            otherwise=named.otherwise,
        )
        for named in islice(samples(several_targets(), 1), 300)
    ]
    assert sum(map(is_certain, made)) > 0.95 * len(made)
    assert all(len(pairs(one)) <= MOST_PAIRS for one in made)


@few
@given(scenarios(weights={"hangup_at_the_end": 0, "several_targets": 30, "loop": 20}))
def test_a_hangup_at_any_stage_ends_the_call(scenario: Scenario) -> None:
    check(scenario)
    assert ends_by_itself(scenario)


def test_hangups_come_at_every_stage_and_by_every_leg() -> None:
    """While it is set up, rings, has early media, is answered, after a bowout; by all legs."""
    weights = {"hangup_at_the_end": 0}
    ended = [one.ending for one in generate(1, 150, scenarios(weights=weights)) if one.ending]
    assert {ending.deed.leg for ending in ended} >= {"a-leg", "loopback-a", "loopback-b", "b-leg"}
    assert {ending.deed.leg for ending in ended} >= {"loopback-a2", "loopback-b2"}
    stages = Counter(stage_of(one) for one in generate(1, 150, scenarios(weights=weights)))
    assert set(stages) >= {"ringing", "early", "answered", "bridged", "bowed out"}


def stage_of(scenario: Scenario) -> str:
    """What of a call had come about as a leg of it was hung up, by the model."""
    run = next(iter(runs(scenario)))
    end = min(leg.gone for leg in run.legs.values())
    if run.leavings and run.leavings[0].at <= end:
        return "bowed out"
    if "loopback-a" not in run.legs:
        return "dialled"
    leg_a = run.legs["loopback-a"]
    if leg_a.answered < end:
        bridged = any(bridge.caller == "loopback-b" for bridge in run.bridges)
        return "bridged" if bridged else "answered"
    return "early" if leg_a.early < end else "ringing" if leg_a.ringing < end else "dialled"


@few
@given(targets(), plans(nested=False))
def test_plans_without_nesting(target: object, plan: tuple[Action, ...]) -> None:
    assert isinstance(target, ExtensionTarget | InlineTarget | ApplicationTarget)
    assert pair_count(plan) == 1


# --- from a seed ---------------------------------------------------------------------------------


def test_a_seed_gives_the_same_list_in_another_process(tmp_path: Path) -> None:
    text = "from strategies import generate; print(*(s.id for s in generate(1, 60)))"
    done = subprocess.run(
        [sys.executable, "-c", text],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [scenario.id for scenario in of_seed_1()[:60]]
    assert list(tmp_path.iterdir()) == []


def test_ids_are_distinct_and_seeds_differ() -> None:
    ids = {scenario.id for scenario in of_seed_1()}
    assert len(ids) == 500
    others = {scenario.id for scenario in generate(2, 60)} - {one.id for one in openers()}
    assert len(ids & others) < 5


def test_every_kind_occurs() -> None:
    actions = Counter(
        action.kind
        for one in of_seed_1()
        for action in walk((*one.plan, *one.beside, *one.otherwise))
    )
    assert set(actions) == {kind.__struct_config__.tag for kind in Action.__args__}
    assert {one.target.kind for one in of_seed_1()} == {"extension", "inline", "application"}
    applications = {getattr(one.origin, "application", one.origin.kind) for one in of_seed_1()}
    assert applications == {
        "a_leg_bridges",
        "a_leg_consults",
        "a_leg_runs_dialplan",
        "bridge",
        "park",
        "sleep",
        "unloop",
    }
    deeds = {stimulus.deed.kind for one in of_seed_1() for stimulus in one.stimuli}
    assert deeds == {kind.__struct_config__.tag for kind in Deed.__args__}
    events = {one.ending.at.event for one in of_seed_1() if one.ending}
    assert events == set(Event)
    for scope in ("originate", "braces", "brackets", "export", "set"):
        assert any(getattr(one.variables, scope) for one in of_seed_1())


def test_no_form_dominates() -> None:
    assert 0.5 < share(lambda one: bool(course(one.plan).answered)) < 0.8
    assert 0.05 < share(lambda one: pair_count(one.plan) == 2) < 0.25
    assert 0.005 < share(lambda one: any(isinstance(a, Unloop) for a in one.plan)) < 0.08
    assert 0.01 < share(lambda one: not one.plan) < 0.1
    assert 0.2 < share(lambda one: isinstance(one.origin, ALegRunsDialplan)) < 0.6
    assert 0.05 < share(lambda one: isinstance(one.origin, Direct)) < 0.2
    assert 0.05 < share(lambda one: "loopback_bowout" in repr(one.variables)) < 0.35
    assert share(lambda one: bool(one.stimuli)) < 0.4


# --- fair shares ---------------------------------------------------------------------------------


@cache
def drawn_afresh() -> tuple[Scenario, ...]:
    """As many scenarios as `of_seed_1` has, without steering."""
    return tuple(islice(samples(scenarios(), 1), len(of_seed_1())))


def counts(made: Iterable[Scenario]) -> Counter[str]:
    """Give how many of the scenarios exercise each clause, as the model has it."""
    return Counter(clause for one in made for clause in clauses_of(one))


TOO_RARE = {
    "exports.max-forwards-not-on-loopback-b",
    "targets.loop-is-not-limited",
}
"""Clauses of which only the opener is sure to exercise them: known as made too seldom."""


def test_what_is_rare_gets_its_share() -> None:
    """The clauses that are rarest among scenarios drawn afresh are exercised more often."""
    steered, drawn = counts(of_seed_1()), counts(drawn_afresh())
    assert {name for name, times in steered.items() if times < 5} == TOO_RARE
    rare = sorted(drawn, key=drawn.__getitem__)[:5]
    assert sum(steered[name] for name in rare) > 1.5 * sum(drawn[name] for name in rare)


def test_fair_shares_do_not_make_all_calls_alike() -> None:
    """Variations cost little of the variety that scenarios have which are all drawn afresh."""
    assert len({*map(shape_of, of_seed_1())}) > 0.85 * len({*map(shape_of, drawn_afresh())})


def test_the_rarest_clause_is_next_and_its_shapes_take_turns() -> None:
    plain, ringing = parked(Answer()), parked(RingReady(), Answer())
    fairness = Fairness()
    assert fairness.parent(Profile()) is None
    for number, scenario in enumerate((plain, plain, ringing)):
        fairness.count(scenario, bytes([number]))
    assert fairness.parent(Profile()) == bytes([2])
    fairness.count(parked(RingReady(), Sleep(100), Answer()), bytes([3]))
    assert {fairness.parent(Profile()) for _ in range(2)} == {bytes([2]), bytes([3])}


def test_what_a_profile_may_rule_out_is_not_varied_under_it() -> None:
    fairness = Fairness()
    fairness.count(parked(Answer()), b"choices")
    assert fairness.parent(Profile(fire_bowout_on_bridge=True)) is None


def test_of_a_shape_that_is_known_another_is_preferred() -> None:
    fairness = Fairness()
    fairness.count(parked(Sleep(100)), b"choices")
    assert fairness.knows(parked(Sleep(300)))
    assert not fairness.knows(parked(Answer()))


def parked(*before: Action) -> Scenario:
    """A call that does some things and parks."""
    return Scenario(ALegBridges(), ExtensionTarget("1"), (*before, Park()))
