"""The XML extensions of a scenario: well-formed, exact, and free of what a value might inject."""

from __future__ import annotations

import re
from itertools import product
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings

from conformance.dialplan import extensions, inherited_context, routed_context
from conformance.dialstring import a_leg_actions, again, plan_actions, token_of
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
    Direct,
    ExtensionTarget,
    InlineTarget,
    Scenario,
    SetVariable,
    Sleep,
    Target,
    UuidDeflect,
    Variables,
)
from strategies import scenarios

few = settings(
    max_examples=80, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)

HOSTILE = (
    '"><action application="system" data="touch /tmp/x"/>',
    "</extension><extension name='x'>",
    "<!-- ]]> &amp; &#10; <![CDATA[",
    "^$.*[0-9]+|(a|b)\\d{2}",
    "'\"<>&",
)


def only(scenario: Scenario) -> tuple[str, str]:
    """Give the context and XML of the one extension there is."""
    (found,) = extensions(scenario)
    return found


def actions(xml: str) -> list[tuple[str, str]]:
    """Read application and data of each action back."""
    nodes = ElementTree.fromstring(xml).iter("action")
    return [(node.attrib["application"], node.attrib["data"]) for node in nodes]


# --- examples ------------------------------------------------------------------------------------


def test_an_extension_is_found_by_token_and_number() -> None:
    """Scenarios run side by side and may share a number: the token keeps them apart."""
    scenario = Scenario(ALegBridges(), ExtensionTarget("1000"), (Sleep(20), BridgeToNull()))
    assert extensions(scenario) == [
        (
            "default",
            '<extension name="scenario">'
            f'<condition field="caller_id_number" expression="^lc{scenario.id}x[0-9]+$" />'
            '<condition field="destination_number" expression="^1000$">'
            '<action application="sleep" data="20" />'
            '<action application="bridge" data="null/b1" />'
            "</condition></extension>",
        )
    ]


def test_an_a_leg_with_a_dialplan_has_its_own_entry() -> None:
    scenario = Scenario(
        ALegRunsDialplan(context="public"),
        ExtensionTarget("1000", "conformance"),
        (Answer(),),
        Variables(set=(("s", "1"),), export=(("e", "2"),)),
    )
    (entry_context, entry), (context, _) = extensions(scenario)
    assert (entry_context, context) == ("public", "conformance")
    assert f'field="destination_number" expression="^entry-lc{scenario.id}x[0-9]+$"' in entry
    assert actions(entry) == [
        ("set", "s=1"),
        ("export", "e=2"),
        ("bridge", "loopback/1000/conformance"),
    ]


def test_an_empty_target_is_the_extension_service() -> None:
    scenario = Scenario(ALegBridges(), ExtensionTarget(""), (Answer(),))
    assert 'expression="^service$"' in only(scenario)[1]


@pytest.mark.parametrize(
    ("target", "plan"),
    [
        (ExtensionTarget("1000"), ()),
        (InlineTarget(), (Answer(),)),
        (ApplicationTarget(), (Answer(),)),
    ],
)
def test_what_needs_no_extension_has_none(target: Target, plan: tuple[Action, ...]) -> None:
    """A target without a plan must not be routed; one that carries its plan needs no other."""
    assert extensions(Scenario(Direct(), target, plan)) == []


def test_further_pairs_inherit_the_context_and_go_on_counting_b_legs() -> None:
    inner = BridgeToLoopback(ExtensionTarget("2"), (BridgeToNull(),))
    elsewhere = BridgeToLoopback(ExtensionTarget("3", "conformance"), (BridgeToNull(), inner))
    plan = (BridgeToNull(), elsewhere, BridgeToNull())
    scenario = Scenario(ALegRunsDialplan(context="public"), ExtensionTarget("1"), plan)
    found = [(context, actions(xml)) for context, xml in extensions(scenario)[1:]]
    bridge = "bridge"
    assert found == [
        ("public", [(bridge, "null/b1"), (bridge, "loopback/3/conformance"), (bridge, "null/b4")]),
        ("conformance", [(bridge, "null/b2"), (bridge, "loopback/2")]),
        ("conformance", [(bridge, "null/b3")]),
    ]


def test_each_of_several_targets_has_its_extension_and_its_own_b_legs() -> None:
    inner = BridgeToLoopback(ExtensionTarget("n2"), (Answer(),))
    several = BridgeToSeveral((BridgeToNull(), inner))
    scenario = Scenario(
        ALegRunsDialplan(context="public"),
        ExtensionTarget("1"),
        (several, BridgeToNull()),
        beside=(BridgeToLoopback(ExtensionTarget("n3", "default"), (BridgeToNull(),)),),
        otherwise=(BridgeToLoopback(ExtensionTarget("n4"), (BridgeToNull(),)),),
    )
    _, *found = extensions(scenario)
    assert [(context, [data for _, data in actions(xml)]) for context, xml in found] == [
        ("public", ["null/b1,loopback/n2", "null/b2"]),
        ("public", [""]),
        ("default", ["null/b3"]),
        ("public", ["null/b4"]),
    ]


def test_a_loop_is_found_only_as_often_as_it_may_come() -> None:
    """The limit is the dialplan's own: without the count, or with none left, there is no route."""
    scenario = Scenario(ALegBridges(), ExtensionTarget("1"), (Sleep(200), BridgeAgain(2)))
    found = [ElementTree.fromstring(xml) for _, xml in extensions(scenario)]
    counts = [list(xml.iter("condition"))[-1].attrib for xml in found]
    assert counts == [
        {"field": "${lc_hops}", "expression": "^1$"},
        {"field": "${lc_hops}", "expression": "^2$"},
    ]
    assert [actions(xml)[-1] for _, xml in extensions(scenario)] == [
        ("bridge", "[lc_hops=0]loopback/1"),
        ("bridge", "[lc_hops=1]loopback/1"),
    ]


def test_further_pairs_of_an_inline_target_have_extensions() -> None:
    inner = BridgeToLoopback(ExtensionTarget("5"), (Answer(),))
    context, xml = only(Scenario(Direct(), InlineTarget("public"), (inner,)))
    assert context == "public"
    assert actions(xml) == [("answer", "")]


@pytest.mark.parametrize(
    ("target", "context"),
    [
        (ExtensionTarget("1"), "inherited"),
        (ExtensionTarget("1", ""), "inherited"),
        (ExtensionTarget("1", None, "XML"), "inherited"),
        (ExtensionTarget("1", "given"), "given"),
        (InlineTarget("given"), "given"),
        (ApplicationTarget(), "inherited"),
    ],
)
def test_context_in_which_a_target_is_routed(target: Target, context: str) -> None:
    assert routed_context(target, "inherited") == context


def test_context_that_is_inherited() -> None:
    target, plan = ExtensionTarget("1"), (Answer(),)
    assert inherited_context(Scenario(ALegBridges(), target, plan)) == "default"
    assert inherited_context(Scenario(Direct(), target, plan)) == "default"
    assert inherited_context(Scenario(ALegRunsDialplan(context="x"), target, plan)) == "x"


# --- hostile values ------------------------------------------------------------------------------


@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_cannot_leave_its_attribute(value: str) -> None:
    """A value is data to the switch, whatever it looks like: nothing else is ever executed."""
    plan = (SetVariable("v", value), Answer())
    scenario = Scenario(ALegBridges(), ExtensionTarget(value), plan)
    _, xml = only(scenario)
    root = ElementTree.fromstring(xml)
    assert [node.tag for node in root.iter()] == [
        "extension",
        "condition",
        "condition",
        "action",
        "action",
    ]
    assert actions(xml) == plan_actions(plan)


@pytest.mark.parametrize(("number", "dialled"), [*product(HOSTILE, HOSTILE)])
def test_an_extension_matches_its_own_number_only(number: str, dialled: str) -> None:
    """The number is a regular expression to the switch: each sign in it must stand for itself."""
    scenario = Scenario(ALegBridges(), ExtensionTarget(number), (Answer(),))
    *_, condition = ElementTree.fromstring(only(scenario)[1]).iter("condition")
    matched = re.search(condition.attrib["expression"], dialled)
    assert bool(matched) == (number == dialled)


def test_a_number_has_no_groups() -> None:
    """A parenthesis would make the switch put $1 into the data of every action."""
    _, xml = only(Scenario(ALegBridges(), ExtensionTarget("a(1)"), (Answer(),)))
    assert r"^a\x281\x29$" in xml


@few
@given(scenarios())
def test_xml_holds_exactly_the_plans(scenario: Scenario) -> None:
    """Whatever was generated, the switch reads from the XML what the scenario says."""
    read = [actions(xml) for _, xml in extensions(scenario)]
    expected = []
    if isinstance(scenario.origin, ALegRunsDialplan):
        expected.append(a_leg_actions(scenario))
    deeds = (stimulus.deed for stimulus in scenario.stimuli)
    expected += [plan_actions(deed.plan) for deed in deeds if isinstance(deed, UuidDeflect)]
    if isinstance(scenario.target, ExtensionTarget) and scenario.plan:
        hops = [again(scenario.target, left) for left in range(hops_of(scenario))]
        expected += [plan_actions(scenario.plan, again=endpoint) for endpoint in hops or [""]]
    assert read[: len(expected)] == expected
    assert all("\n" not in xml for _, xml in extensions(scenario))


def hops_of(scenario: Scenario) -> int:
    """Give how many pairs a loop in the plan of the target may have, 0 without one."""
    return max((one.most for one in scenario.plan if isinstance(one, BridgeAgain)), default=0)


@few
@given(scenarios())
def test_any_attempt_finds_its_extension(scenario: Scenario) -> None:
    """An attempt is placed under a token of its own, but with the same extensions."""
    for _, xml in extensions(scenario):
        first, *_ = ElementTree.fromstring(xml).iter("condition")
        for attempt in (1, 23):
            token = token_of(scenario, attempt)
            own = first.attrib["field"] == "destination_number"
            found = (f"entry-{token}", f"away-{token}") if own else (token,)
            assert any(re.search(first.attrib["expression"], name) for name in found)
        assert not re.search(first.attrib["expression"], "lc0123456789abx1")
