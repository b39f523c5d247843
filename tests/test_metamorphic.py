"""Variants of scenarios, and what may not change with them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from io import StringIO
from itertools import islice

import pytest
from msgspec import structs
from rich.console import Console

from campaign.metamorphic import run_metamorphic
from campaign.session import ATTEMPTS, Plan
from conformance.dialplan import inherited_context, routed_context
from conformance.expectation import Outcome
from conformance.metamorphic import Difference, differences, outline
from conformance.scenario import (
    ALegRunsDialplan,
    Answer,
    BridgeToLoopback,
    BridgeToNull,
    Direct,
    ExtensionTarget,
    InlineTarget,
    Park,
    Scenario,
    SetVariable,
    Variables,
    pairs,
)
from conformance.shape import shape_of
from conformance.variants import UNRELATED, Variant, itself, names_of, variants
from conformance.verdicts import FINDINGS
from fixtures.embedded.faults import X_NOT_IN_CDR
from fixtures.recording import Recording
from fixtures.switches import open_switch
from reports.metamorphic import print_contrasts, print_summary
from strategies import generate
from tests.recorded_calls import SHIPPED, Call

CALL = Scenario(
    ALegRunsDialplan(context="public"),
    ExtensionTarget("s9z"),
    (
        SetVariable("x_b", "1"),
        BridgeToLoopback(
            ExtensionTarget("n2x5", "", "XML"),
            (BridgeToNull(variables=(("x_y", "2"),)),),
            brackets=(("loopback_bowout", "false"),),
        ),
    ),
    Variables(
        braces=(("loopback_export", "foo, x_b"), ("foo", "3")),
        export=(("x_e", "4"), ("x_f", "5")),
    ),
)

RELATIONS = (
    "other extensions",
    "other names of variables",
    "lists in another order",
    "targets spelt otherwise",
    "one variable more",
)


def varied(relation: str, scenario: Scenario = CALL) -> Variant:
    """Give the variant by a relation."""
    return {variant.relation: variant for variant in variants(scenario)}[relation]


def extensions(scenario: Scenario) -> list[str]:
    """Give the extensions that a scenario dials."""
    return [getattr(pair.target, "extension", "") for pair in pairs(scenario)]


# --- variants ------------------------------------------------------------------------------------


def test_there_is_a_variant_of_each_relation() -> None:
    assert tuple(variant.relation for variant in variants(CALL)) == RELATIONS


def test_a_relation_that_changes_nothing_is_left_out() -> None:
    plain = Scenario(Direct("park"), InlineTarget(), (Answer(), Park()))
    assert [variant.relation for variant in variants(plain)] == ["one variable more"]


def test_other_extensions_tell_the_pairs_apart_as_before() -> None:
    """Legs of a further pair are known by how its extension begins."""
    assert extensions(varied("other extensions").scenario) == ["t0a", "n3y6"]


def test_other_names_leave_what_has_a_meaning() -> None:
    variant = varied("other names of variables")
    assert names_of(CALL) == ("foo", "x_b", "x_e", "x_f", "x_y")
    assert variant.scenario.variables.braces == (
        ("loopback_export", "lc_foo, lc_x_b"),
        ("lc_foo", "3"),
    )
    bridge = variant.scenario.plan[1]
    assert isinstance(bridge, BridgeToLoopback)
    assert bridge.brackets == (("loopback_bowout", "false"),)
    assert variant.scenario.plan[0] == SetVariable("lc_x_b", "1")


def test_lists_are_turned_round() -> None:
    variables = varied("lists in another order").scenario.variables
    assert variables.export == (("x_f", "5"), ("x_e", "4"))
    assert dict(variables.braces)["loopback_export"] == "x_b,foo"


def test_targets_spelt_otherwise_lead_to_the_same_place() -> None:
    scenario = varied("targets spelt otherwise").scenario
    assert scenario.target == ExtensionTarget("s9z", "public")
    assert pairs(scenario)[1].target == ExtensionTarget("n2x5", "public", "xml")
    for one in generate(1, 60):
        for variant in variants(one):
            inherited = inherited_context(one)
            assert routed_context(variant.scenario.target, inherited) == routed_context(
                one.target, inherited
            )


def test_an_empty_target_is_spelt_in_one_way_only() -> None:
    """`loopback/` dials the extension `service`, `loopback//default` an empty one."""
    empty = structs.replace(CALL, target=ExtensionTarget(""), plan=(Answer(), Park()))
    assert "targets spelt otherwise" not in {variant.relation for variant in variants(empty)}


def test_one_variable_more_is_one_that_nobody_has() -> None:
    assert varied("one variable more").scenario.variables.braces[-1] == UNRELATED
    assert UNRELATED[0] not in {name for one in generate(1, 60) for name in names_of(one)}


def test_variants_are_of_the_same_shape() -> None:
    for scenario in generate(1, 60):
        assert {shape_of(variant.scenario) for variant in variants(scenario)} == {
            shape_of(scenario)
        }


# --- comparing -----------------------------------------------------------------------------------


@cache
def recorded() -> tuple[Call, ...]:
    """Give some calls as a real switch told them."""
    first = islice(Recording(SHIPPED), 40)
    return tuple(Call(one.scenario, one.attempts[0]) for one in first)


def test_recorded_calls_have_an_outline_without_uuids_and_tokens() -> None:
    """What names an attempt differs from one to the next, and must not be compared."""
    outlined = 0
    for call in recorded():
        made = outline(itself(call.scenario), call.placement, call.judged())
        outlined += bool(made)
        text = " ".join(map(str, made.values()))
        assert call.placement.token not in text
        assert call.placement.a_leg_uuid not in text
    assert outlined > 20


@pytest.mark.parametrize("change", [{"problem": "an event was lost"}, {"lateness": 0.5}])
def test_what_nobody_can_judge_is_not_compared(change: Mapping[str, str | float]) -> None:
    call = recorded()[0]
    placement = replace(call.placement, **change)  # type: ignore[arg-type]
    assert not outline(itself(call.scenario), placement, call.judged())


@pytest.mark.parametrize(
    ("ones", "others", "differ"),
    [
        (["a"], ["a"], False),
        (["a"], ["b"], True),
        (["a", "a", "a"], ["b", "b", "b"], True),
        (["a", "b"], ["b", "b"], False),
        (["a", "a"], ["b", "a"], False),
        ([], ["b"], False),
        (["a"], [], False),
    ],
)
def test_only_what_attempts_agree_on_differs(
    ones: list[Outcome], others: list[Outcome], differ: bool
) -> None:
    """What two attempts at one scenario differ in is a race, and says nothing of the variant."""
    found = differences([{"it": one} for one in ones], [{"it": one} for one in others])
    assert found == ((Difference("it", "a", "b"),) if differ else ())


def test_what_one_attempt_does_not_tell_is_not_compared() -> None:
    assert differences([{"it": 1, "other": 1}, {"other": 1}], [{"it": 2, "other": 1}]) == ()


# --- runs ----------------------------------------------------------------------------------------


def test_a_healthy_switch_makes_no_difference() -> None:
    done = asyncio.run(run_metamorphic(open_switch("embedded:"), Plan(scenarios=12)))
    assert done.contrasts == ()
    assert done.compared >= 18
    assert done.run.header.scenarios_asked == done.run.result.scenarios == 12 + done.compared


def test_a_fault_that_no_clause_speaks_of_makes_one() -> None:
    """Every pair that is reported differs in every attempt; the report holds both calls."""
    switch = open_switch(f"embedded:?fault={X_NOT_IN_CDR}")
    done = asyncio.run(run_metamorphic(switch, Plan(scenarios=60)))
    assert {contrast.variant.relation for contrast in done.contrasts} == {
        "other names of variables"
    }
    assert done.exit_status == FINDINGS
    assert not any(one.failing for one in done.run.result.clauses.values())
    assert done.run.result.attempts >= done.run.result.scenarios + 2 * (ATTEMPTS - 1)
    console = Console(file=StringIO(), width=200)
    print_contrasts(console, done.contrasts)
    print_summary(console, done.contrasts, done.compared)
    assert isinstance(console.file, StringIO)
    text = console.file.getvalue()
    simplest = done.contrasts[0].variant
    assert f"({simplest.original.id}, variant {simplest.scenario.id})" in text
    assert "was absent, and" in text
    assert text.count("fs_cli> originate") == 2
    assert text.splitlines()[-1].startswith(f"differs with {len(done.contrasts)} of ")
