"""The scenario: a value with JSON in and out, an id that stays, and legs that are numbered."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from msgspec.structs import replace

from conformance.scenario import (
    DEEPEST,
    HOPS,
    MOST_HOPS,
    Action,
    ALegBridges,
    Answer,
    BridgeAgain,
    BridgeToLoopback,
    BridgeToNull,
    BridgeToSeveral,
    Direct,
    Event,
    ExtensionTarget,
    HangUp,
    Moment,
    Scenario,
    Sleep,
    Stimulus,
    UuidKill,
    UuidSetvar,
    Variables,
    null_bridges,
    numbered,
    pairs,
    same_leg,
)
from strategies import scenarios

ROOT = Path(__file__).parents[1]

few = settings(
    max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)

SIMPLE = Scenario(ALegBridges(), ExtensionTarget("1000"), (Sleep(200),))
NESTED = Scenario(
    ALegBridges(),
    ExtensionTarget("1"),
    (
        BridgeToNull(refusal="NO_ANSWER"),
        BridgeToLoopback(
            ExtensionTarget("2"),
            (
                BridgeToNull(refusal="USER_BUSY"),
                BridgeToLoopback(ExtensionTarget("3"), (BridgeToNull(early_media=True),)),
            ),
        ),
        BridgeToLoopback(ExtensionTarget("4"), (BridgeToNull(),)),
        BridgeToNull(answer_delay_ms=500),
    ),
)


FURTHER = BridgeToLoopback(ExtensionTarget("n2x"), (BridgeToNull(),))

SEVERAL = Scenario(
    ALegBridges(),
    ExtensionTarget("1"),
    (
        BridgeToSeveral(
            (BridgeToNull(variables=(("x_own", "1"),)), FURTHER),
            (BridgeToNull(200),),
            (("x_all", "2"),),
        ),
    ),
    Variables(braces=(("x_all", "3"),)),
    beside=(BridgeToLoopback(ExtensionTarget("n3x"), (BridgeToNull(300),)),),
    otherwise=(BridgeToLoopback(ExtensionTarget("n4x"), (), (), (("x_own", "4"),)),),
)
"""Two targets at once and one behind them; the first one's plan dials several as well."""


# --- JSON ----------------------------------------------------------------------------------------


@few
@given(scenarios())
def test_json_comes_back_as_the_same_scenario(scenario: Scenario) -> None:
    """A recording and a replay bundle hold scenarios only as JSON: nothing may be lost in it."""
    text = json.dumps(scenario.to_json())
    again = Scenario.from_json(json.loads(text))
    assert again == scenario
    assert again.id == scenario.id
    assert json.dumps(again.to_json()) == text


@few
@given(scenarios(), scenarios())
def test_ids_are_equal_for_equal_scenarios_only(one: Scenario, other: Scenario) -> None:
    """The id is a scenario's name on the switch: two calls must not share it."""
    assert (one.id == other.id) == (one == other)
    assert replace(one).id == one.id
    assert len(one.id) == 12
    assert set(one.id) <= set("0123456789abcdef")


@pytest.mark.parametrize(
    "changed",
    [
        replace(SIMPLE, origin=ALegBridges(answers=False)),
        replace(SIMPLE, origin=Direct()),
        replace(SIMPLE, target=ExtensionTarget("1000", "")),
        replace(SIMPLE, target=ExtensionTarget("1000", "", "")),
        replace(SIMPLE, plan=(Sleep(201),)),
        replace(SIMPLE, plan=(*SIMPLE.plan, *SIMPLE.plan)),
        replace(SIMPLE, beside=(FURTHER,)),
        replace(SIMPLE, otherwise=(FURTHER,)),
        replace(SIMPLE, variables=Variables(braces=(("a", "b"),))),
        replace(SIMPLE, variables=Variables(brackets=(("a", "b"),))),
        replace(SIMPLE, ending=Stimulus(Moment(Event.CREATE, "a-leg", 1), UuidKill("a-leg"))),
        replace(SIMPLE, stimuli=(Stimulus(Moment(Event.CREATE, "a-leg", 1), UuidKill("a-leg")),)),
    ],
)
def test_each_part_is_in_the_id(changed: Scenario) -> None:
    """Scenarios that differ in any part are different calls."""
    assert changed.id != SIMPLE.id


def test_id_is_the_same_in_another_process() -> None:
    """An id stands in recordings and bug reports: it may not hang on Python's hash seed."""
    code = (
        "from conformance.scenario import *; "
        "print(Scenario(ALegBridges(), ExtensionTarget('1000'), (Sleep(200),)).id)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.strip() == SIMPLE.id == "e6432825f9ae"


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "nothing"},
        {"kind": "sleep"},
        {"kind": ["scenario"]},
        {"extra": 1},
        {"origin": {"kind": "a_leg_bridges", "answer": True}},
        {"origin": {"answers": True}},
        {"plan": [{"kind": "sleep"}]},
        {"plan": [{"kind": "two\nlines"}]},
        {"ending": {"kind": "moment", "event": "CHANNEL_NOTHING", "leg": "a-leg", "delay_ms": 1}},
    ],
)
def test_bad_json_is_refused_in_one_line(change: dict[str, Any]) -> None:
    """Whoever edits a scenario by hand is told what is wrong, not shown a traceback."""
    with pytest.raises(ValueError, match="not a") as raised:
        Scenario.from_json({**SIMPLE.to_json(), **change})
    assert len(str(raised.value).splitlines()) == 1


def test_a_part_is_no_scenario() -> None:
    said = r"^not a scenario: Invalid value 'sleep' - at `\$.kind`$"
    with pytest.raises(ValueError, match=said):
        Scenario.from_json({"kind": "sleep", "milliseconds": 20})


@pytest.mark.parametrize("missing", ["origin", "target", "plan"])
def test_json_that_lacks_a_part_is_refused(missing: str) -> None:
    value = SIMPLE.to_json()
    del value[missing]
    with pytest.raises(ValueError, match="not a scenario: ") as raised:
        Scenario.from_json(value)
    assert missing in str(raised.value)


@pytest.mark.parametrize("value", [[], None, "scenario", 3])
def test_json_that_is_no_object_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="not a scenario"):
        Scenario.from_json(value)


@pytest.mark.parametrize(
    "change",
    [
        {"plan": "abc"},
        {"plan": None},
        {"plan": ["answer"]},
        {"target": None},
        {"origin": {"kind": "sleep", "milliseconds": 1}},
        {"plan": [{"kind": "sleep", "milliseconds": "long"}]},
        {"ending": 5},
        {"variables": {"kind": "variables", "set": [["only a name"]]}},
    ],
)
def test_json_of_a_wrong_type_is_refused(change: dict[str, Any]) -> None:
    """Else it fails later, somewhere in the model or while the call is placed."""
    with pytest.raises(ValueError, match="not a scenario"):
        Scenario.from_json({**SIMPLE.to_json(), **change})


def test_half_a_character_is_refused() -> None:
    """No switch can be asked to dial it; a recording that was changed by hand may have one."""
    whole = SIMPLE.to_json() | {"target": {**SIMPLE.to_json()["target"], "extension": "\U0001f600"}}
    assert Scenario.from_json(whole).to_json() == whole
    byte = whole | {"target": {**whole["target"], "extension": "\udce9"}}  # one that is no UTF-8
    assert Scenario.from_json(byte).to_json() == byte
    half = whole | {"target": {**whole["target"], "extension": "\ud83d"}}
    with pytest.raises(ValueError, match="not a scenario: a text of it has half a character"):
        Scenario.from_json(half)


# --- legs ----------------------------------------------------------------------------------------


def test_pairs_are_numbered_from_the_a_leg_outwards_in_the_order_of_the_plans() -> None:
    found = pairs(NESTED)
    assert [(pair.number, pair.outer, pair.leg_a, pair.leg_b) for pair in found] == [
        (1, 0, "loopback-a", "loopback-b"),
        (2, 1, "loopback-a2", "loopback-b2"),
        (3, 2, "loopback-a3", "loopback-b3"),
        (4, 1, "loopback-a4", "loopback-b4"),
    ]
    assert [getattr(pair.target, "extension", "") for pair in found] == ["1", "2", "3", "4"]
    assert [pair.depth for pair in found] == [1, 2, 3, 2]


def test_b_legs_are_numbered_as_a_reader_meets_them() -> None:
    """Further in first where the plan goes in: the number is in the name of the dialled leg."""
    bridges = null_bridges(NESTED)
    assert list(bridges) != []
    assert {role: bridges[role] for role in sorted(bridges)} == {
        "b-leg": BridgeToNull(refusal="NO_ANSWER"),
        "b-leg2": BridgeToNull(refusal="USER_BUSY"),
        "b-leg3": BridgeToNull(early_media=True),
        "b-leg4": BridgeToNull(),
        "b-leg5": BridgeToNull(answer_delay_ms=500),
    }


def test_steps_say_what_they_dial() -> None:
    outer = pairs(NESTED)[0]
    named = [[one for alternative in step.dials for one in alternative] for step in outer.steps]
    assert [[(one.b_leg, one.pair) for one in dialled] for dialled in named] == [
        [("b-leg", 0)],
        [("", 2)],
        [("", 4)],
        [("b-leg5", 0)],
    ]


def test_several_targets_are_numbered_in_the_order_of_the_dial_strings() -> None:
    """Plan by plan: the numbers stand in the names that are dialled, and tell the legs apart."""
    found = pairs(SEVERAL)
    assert [(pair.leg_a, pair.outer, pair.depth) for pair in found] == [
        ("loopback-a", 0, 1),
        ("loopback-a2", 1, 2),
        ("loopback-a3", 0, 1),
        ("loopback-a4", 0, 1),
    ]
    assert [[one.pair for one in alternative] for alternative in SEVERAL.dials] == [[1, 3], [4]]
    (step,) = found[0].steps
    named = [[one.b_leg or one.pair for one in alternative] for alternative in step.dials]
    assert named == [["b-leg", 2], ["b-leg3"]]
    assert {role: bridge.answer_delay_ms for role, bridge in null_bridges(SEVERAL).items()} == {
        "b-leg": 0,
        "b-leg2": 0,
        "b-leg3": 200,
        "b-leg4": 300,
    }


def test_several_targets_share_their_braces_and_have_brackets_of_their_own() -> None:
    assert [(pair.braces, pair.brackets) for pair in pairs(SEVERAL)] == [
        ((("x_all", "3"),), ()),
        ((("x_all", "2"),), ()),
        ((("x_all", "3"),), ()),
        ((("x_all", "3"),), (("x_own", "4"),)),
    ]
    b_leg = SEVERAL.dialled["b-leg"]
    assert (b_leg.braces, b_leg.brackets) == ((("x_all", "2"),), (("x_own", "1"),))


def test_who_dials_whom() -> None:
    assert SEVERAL.diallers == {
        "loopback-a": "a-leg",
        "loopback-a2": "loopback-b",
        "loopback-a3": "a-leg",
        "loopback-a4": "a-leg",
        "b-leg": "loopback-b",
        "b-leg2": "loopback-b2",
        "b-leg3": "loopback-b",
        "b-leg4": "loopback-b3",
    }
    assert "loopback-a" not in replace(SIMPLE, origin=Direct()).diallers


def test_a_loop_is_a_chain_of_as_many_pairs_and_one_that_is_not_found() -> None:
    """Each target is told how many may still come: the switch cannot be made to go on for ever."""
    plan = (Sleep(200), BridgeAgain(2, (("x", "1"),)))
    found = pairs(replace(SIMPLE, plan=plan))
    assert [(pair.outer, pair.depth, len(pair.steps)) for pair in found] == [
        (0, 1, 2),
        (1, 2, 2),
        (2, 3, 0),
    ]
    assert {pair.target for pair in found} == {SIMPLE.target}
    assert [dict(pair.brackets)[HOPS] for pair in found] == ["2", "1", "0"]
    assert [pair.braces for pair in found] == [(), (("x", "1"),), (("x", "1"),)]


@pytest.mark.parametrize("most", [0, -1, MOST_HOPS + 1, 10**9])
def test_a_loop_of_too_many_pairs_is_no_scenario(most: int) -> None:
    """A file that says so must not bring down a switch."""
    with pytest.raises(ValueError, match="a loop of"):
        BridgeAgain(most)
    value = replace(SIMPLE, plan=(BridgeAgain(1),)).to_json()
    value["plan"][0]["most"] = most
    with pytest.raises(ValueError, match="not a scenario: a loop of"):
        Scenario.from_json(value)
    with pytest.raises(ValueError, match="a loop of"):
        replace(BridgeAgain(1), most=most)


def test_pairs_that_are_nested_too_deep_are_no_scenario() -> None:
    """A file that has them is told of as it is read; whatever walks through them is recursive."""

    def nested(depth: int) -> Scenario:
        plan: tuple[Action, ...] = (Sleep(20),)
        for _ in range(depth - 1):
            plan = (BridgeToLoopback(ExtensionTarget("1000"), plan),)
        return replace(SIMPLE, plan=plan)

    assert Scenario.from_json(nested(DEEPEST).to_json()) == nested(DEEPEST)
    for depth in (DEEPEST + 1, 400):
        with pytest.raises(ValueError, match="not a scenario: "):
            Scenario.from_json(nested(depth).to_json())


def test_the_kind_may_be_left_out_where_there_is_one_only() -> None:
    value = SIMPLE.to_json()
    del value["kind"], value["variables"]["kind"]
    assert Scenario.from_json(value) == SIMPLE


def test_what_came_later_is_not_in_the_json_of_who_does_without() -> None:
    """Recordings of earlier versions keep the ids of their scenarios."""
    assert {"beside", "otherwise"} & SIMPLE.to_json().keys() == set()
    assert {"beside", "otherwise"} <= SEVERAL.to_json().keys()
    assert Scenario.from_json(SEVERAL.to_json()) == SEVERAL


def test_the_first_of_a_kind_has_no_number() -> None:
    assert [numbered("b-leg", number) for number in (1, 2, 10)] == ["b-leg", "b-leg2", "b-leg10"]


ONE_PAIR = replace(NESTED, plan=(BridgeToNull(), BridgeToNull()))


@pytest.mark.parametrize(
    ("leg", "simpler", "legs"),
    [
        ("loopback-a3", NESTED, ["loopback-a3"]),
        ("loopback-a3", ONE_PAIR, ["loopback-a"]),
        ("loopback-b", ONE_PAIR, ["loopback-b"]),
        ("b-leg4", ONE_PAIR, ["b-leg", "b-leg2"]),
        ("a-leg", ONE_PAIR, ["a-leg"]),
    ],
)
def test_a_leg_moves_up_by_as_many_as_are_gone(
    leg: str, simpler: Scenario, legs: list[str]
) -> None:
    """It stays of its kind, and where none is gone it is the very same."""
    loopbacks = (role for pair in simpler.pairs for role in (pair.leg_a, pair.leg_b))
    roles = ("a-leg", *loopbacks, *sorted(simpler.dialled))
    assert [one for one in roles if same_leg(leg, NESTED, one, simpler)] == legs


def test_a_leg_never_moves_further_out() -> None:
    """Nor does it move where the other call has more legs."""
    assert not same_leg("loopback-a", NESTED, "loopback-a2", NESTED)
    assert same_leg("loopback-a", ONE_PAIR, "loopback-a", NESTED)
    assert not same_leg("loopback-a", ONE_PAIR, "loopback-a4", NESTED)


@few
@given(scenarios())
def test_each_bridge_of_a_scenario_has_a_role_of_its_own(scenario: Scenario) -> None:
    """Two legs of one role would be taken for one another when they are judged."""
    found = pairs(scenario)
    roles = [role for pair in found for role in (pair.leg_a, pair.leg_b)] + [
        *null_bridges(scenario)
    ]
    named = count_null((scenario.plan, scenario.beside, scenario.otherwise))
    assert len(set(roles)) == len(roles) == 2 * len(found) + named
    assert [pair.number for pair in found] == list(range(1, len(found) + 1))
    assert all(pair.outer < pair.number for pair in found)


def count_null(value: object) -> int:
    """Count the bridges to null/ endpoints, however deep."""
    match value:
        case BridgeToNull():
            return 1
        case BridgeToLoopback():
            return count_null(value.plan)
        case BridgeToSeveral():
            return count_null(value.bridges)
        case tuple():
            return sum(map(count_null, value))
        case _:
            return 0


# --- the value -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (SIMPLE, "plan"),
        (SIMPLE.target, "extension"),
        (SIMPLE.plan[0], "milliseconds"),
        (SIMPLE.variables, "set"),
        (HangUp(), "cause"),
        (UuidSetvar("a-leg", "a", "b"), "value"),
        (pairs(SIMPLE)[0], "number"),
    ],
)
def test_values_cannot_be_changed(value: object, field: str) -> None:
    """A scenario is placed, recorded and judged at different times: it must stay what it was."""
    with pytest.raises(AttributeError, match="immutable"):
        setattr(value, field, None)


@few
@given(scenarios())
def test_scenarios_can_be_members_of_a_set(scenario: Scenario) -> None:
    """Only what is immutable through and through has a hash."""
    assert scenario in {Scenario.from_json(scenario.to_json())}


@pytest.mark.parametrize(
    ("target", "text"),
    [
        (ExtensionTarget("1000"), "1000"),
        (ExtensionTarget("1000", "public"), "1000/public"),
        (ExtensionTarget("1000", "public", "XML"), "1000/public/XML"),
        (ExtensionTarget("1000", None, "XML"), "1000//XML"),
        (ExtensionTarget("1000", "", "XML"), "1000//XML"),
        (ExtensionTarget("1000", ""), "1000/"),
        (ExtensionTarget(""), ""),
    ],
)
def test_parts_of_a_target_that_are_left_out_take_their_slash_along(
    target: ExtensionTarget, text: str
) -> None:
    assert target.text == text


def test_the_ending_is_the_last_stimulus() -> None:
    """A stimulus is recorded by its index, so the order is part of the format."""
    setvar = Stimulus(Moment(Event.ANSWER, "b-leg", 1), UuidSetvar("b-leg", "a", "b"))
    ending = Stimulus(Moment(Event.CREATE, "a-leg", 2), UuidKill("a-leg"))
    assert replace(SIMPLE, stimuli=(setvar,), ending=ending).all_stimuli() == (setvar, ending)
    assert replace(SIMPLE, stimuli=(setvar,)).all_stimuli() == (setvar,)
    assert SIMPLE.all_stimuli() == ()


def test_who_originates() -> None:
    assert SIMPLE.has_a_leg
    assert SIMPLE.origin_answers
    early = replace(SIMPLE, origin=ALegBridges(answers=False))
    assert (early.has_a_leg, early.origin_answers) == (True, False)
    direct = Scenario(Direct(), ExtensionTarget("1"), (Answer(),))
    assert (direct.has_a_leg, direct.origin_answers) == (False, True)
