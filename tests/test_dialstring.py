"""FreeSWITCH's notations: the exact text for every origin, target and action, and each layer."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conformance.dialstring import (
    a_leg_actions,
    again,
    carries,
    count_null_bridges,
    originate_arguments,
    plan_actions,
    target_dial_string,
    target_text,
    token_of,
)
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
    HangUp,
    InlineTarget,
    Origin,
    Park,
    PlayTone,
    PreAnswer,
    RingReady,
    Scenario,
    SetVariable,
    Sleep,
    Target,
    Unloop,
    Variables,
)
from strategies import scenarios

few = settings(
    max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)

EXTENSION = ExtensionTarget("1000")


def line(
    origin: Origin,
    target: Target = EXTENSION,
    plan: tuple[Action, ...] = (Answer(),),
    variables: Variables | None = None,
) -> str:
    """Give what stands behind `originate`."""
    scenario = Scenario(origin, target, plan, variables or Variables())
    return originate_arguments(scenario, "TOKEN", "UUID")


# --- the originate line --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        (ALegBridges(), "{origination_uuid=UUID}null/TOKEN &bridge(loopback/1000)"),
        (
            ALegBridges(answers=False),
            "{origination_uuid=UUID,null_enable_auto_answer=false,null_pre_answer=true}null/TOKEN"
            " &bridge(loopback/1000)",
        ),
        (
            ALegRunsDialplan(context="public"),
            "{origination_uuid=UUID}null/TOKEN entry-TOKEN XML public",
        ),
        (
            ALegRunsDialplan(answers=False),
            "{origination_uuid=UUID,null_enable_auto_answer=false,null_pre_answer=true}null/TOKEN"
            " entry-TOKEN XML default",
        ),
        (Direct(), "{origination_caller_id_number=TOKEN}loopback/1000 &park()"),
        (
            Direct("sleep", "500"),
            "{origination_caller_id_number=TOKEN}loopback/1000 &sleep(500)",
        ),
        (Direct("unloop"), "{origination_caller_id_number=TOKEN}loopback/1000 &unloop()"),
    ],
)
def test_origins(origin: Origin, expected: str) -> None:
    """A person replays a finding with this line in fs_cli: it is the suite's promise."""
    assert line(origin) == expected


@pytest.mark.parametrize(
    ("target", "plan", "expected"),
    [
        (ExtensionTarget(""), (Answer(),), "loopback/"),
        (ExtensionTarget("1000", "public"), (Answer(),), "loopback/1000/public"),
        (ExtensionTarget("1000", "", "XML"), (Answer(),), "loopback/1000//XML"),
        (InlineTarget(), (Answer(),), "loopback/answer/default/inline"),
        (
            InlineTarget("public"),
            (Answer(), Sleep(200), SetVariable("a", "b")),
            r"loopback/answer\\\\,sleep:200\\\\,set:a=b/public/inline",
        ),
        (ApplicationTarget(), (Park(),), "loopback/app=park"),
        (ApplicationTarget(), (HangUp("USER_BUSY"),), "loopback/app=hangup:USER_BUSY"),
        (
            ApplicationTarget(),
            (PlayTone(300),),
            r"loopback/app=playback:tone_stream://%(300\\\\,0\\\\,440)",
        ),
    ],
)
def test_targets(target: Target, plan: tuple[Action, ...], expected: str) -> None:
    """Without an a-leg the dial string passes the command line, a comma and a bar: three layers."""
    written = line(Direct(), target, plan)
    assert written == f"{{origination_caller_id_number=TOKEN}}{expected} &park()"


def test_variables_stand_in_the_scope_in_which_they_are_given() -> None:
    given_all = Variables(
        originate=(("o", "1"),),
        braces=(("b", "2"), ("c", "")),
        brackets=(("k", "3"), ("l", "4")),
        export=(("e", "5"), ("f", "6")),
        set=(("never", "there"),),
    )
    assert line(ALegBridges(), variables=given_all) == (
        r"{origination_uuid=UUID,o=1,e=5,f=6,export_vars=e\\,f}null/TOKEN"
        " &bridge({b=2,c=}[k=3,l=4]loopback/1000)"
    )


def test_an_a_leg_with_a_dialplan_sets_exports_and_bridges_there() -> None:
    given_all = Variables(
        originate=(("o", "1"),),
        braces=(("b", "2"),),
        brackets=(("k", "3"),),
        export=(("e", "5"),),
        set=(("s", "6"),),
    )
    scenario = Scenario(ALegRunsDialplan(), EXTENSION, (Answer(),), given_all)
    assert originate_arguments(scenario, "TOKEN", "UUID") == (
        "{origination_uuid=UUID,o=1}null/TOKEN entry-TOKEN XML default"
    )
    assert a_leg_actions(scenario) == [
        ("set", "s=6"),
        ("export", "e=5"),
        ("bridge", "{b=2}[k=3]loopback/1000"),
    ]


def test_token_names_scenario_and_attempt() -> None:
    """A recording and the switch's own log are brought together by the token."""
    scenario = Scenario(Direct(), EXTENSION, (Answer(),))
    assert token_of(scenario, 2) == f"lc{scenario.id}x2"


# --- actions -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "application", "data"),
    [
        (Answer(), "answer", ""),
        (PreAnswer(), "pre_answer", ""),
        (RingReady(), "ring_ready", ""),
        (Sleep(20), "sleep", "20"),
        (SetVariable("a", "b c"), "set", "a=b c"),
        (PlayTone(30), "playback", "tone_stream://%(30,0,440)"),
        (Park(), "park", ""),
        (HangUp("USER_BUSY"), "hangup", "USER_BUSY"),
        (Unloop(), "unloop", ""),
        (BridgeToNull(), "bridge", "null/b1"),
        (BridgeToNull(250), "bridge", "{null_auto_answer_delay=250}null/b1"),
        (BridgeToNull(None), "bridge", "{null_enable_auto_answer=false}null/b1"),
        (BridgeToNull(0, early_media=True), "bridge", "{null_pre_answer=true}null/b1"),
        (BridgeToNull(refusal="NO_ANSWER"), "bridge", "{null_hangup_cause=NO_ANSWER}null/b1"),
        (BridgeToNull(variables=(("v", "1"),)), "bridge", "{v=1}null/b1"),
        (BridgeToLoopback(ExtensionTarget("2"), ()), "bridge", "loopback/2"),
        (
            BridgeToLoopback(ExtensionTarget("2", "x", "XML"), (), (("b", "1"),), (("k", "2"),)),
            "bridge",
            "{b=1}[k=2]loopback/2/x/XML",
        ),
        (
            BridgeToSeveral(
                (BridgeToNull(250), BridgeToNull(variables=(("v", "a,b|c"),))),
                (BridgeToLoopback(ExtensionTarget("2"), ()), BridgeToNull(refusal="USER_BUSY")),
                (("w", "1"),),
            ),
            "bridge",
            "{w=1}[null_auto_answer_delay=250]null/b1,[v=a\\\\,b\\\\|c]null/b2"
            "|loopback/2|[null_hangup_cause=USER_BUSY]null/b3",
        ),
    ],
)
def test_actions(action: Action, application: str, data: str) -> None:
    assert plan_actions((action,)) == [(application, data)]


def test_b_legs_are_dialled_by_the_numbers_of_their_roles() -> None:
    """The observation tells b-legs apart by this number alone."""
    inner = BridgeToLoopback(ExtensionTarget("2"), (BridgeToNull(), BridgeToNull()))
    plan = (BridgeToNull(), inner, BridgeToNull())
    dialled = [data for _, data in plan_actions(plan)]
    assert dialled == ["null/b1", "loopback/2", "null/b4"]
    assert [data for _, data in plan_actions(inner.plan, 2)] == ["null/b2", "null/b3"]
    assert count_null_bridges(plan) == 4


def test_several_targets_are_in_one_dial_string() -> None:
    """Those at once are parted by commas, those behind by bars; the braces come first of all."""
    several = Scenario(
        ALegBridges(),
        ExtensionTarget("1"),
        (BridgeToNull(),),
        Variables(braces=(("ignore_early_media", "true"),), brackets=(("x", "1"),)),
        beside=(BridgeToLoopback(ExtensionTarget("2", "public"), (), (), (("y", "2"),)),),
        otherwise=(
            BridgeToLoopback(ExtensionTarget("3"), ()),
            BridgeToLoopback(ExtensionTarget("4"), ()),
        ),
    )
    assert target_dial_string(several, "") == (
        "{ignore_early_media=true}[x=1]loopback/1,[y=2]loopback/2/public|loopback/3|loopback/4"
    )


def test_a_loop_dials_its_own_target_with_one_pair_fewer_to_come() -> None:
    plan = (Sleep(200), BridgeAgain(2, (("x", "1"),)))
    loop = Scenario(ALegBridges(), ExtensionTarget("1", "public"), plan)
    assert target_dial_string(loop, "") == "[lc_hops=2]loopback/1/public"
    endpoint = again(ExtensionTarget("1", "public"), 1)
    assert plan_actions(plan, again=endpoint) == [
        ("sleep", "200"),
        ("bridge", "{x=1}[lc_hops=1]loopback/1/public"),
    ]


def test_an_application_target_has_exactly_one_action() -> None:
    with pytest.raises(ValueError, match="too many values"):
        target_text(ApplicationTarget(), (Answer(), Park()))


# --- layers of escaping --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "written", "expected"),
    [
        (
            "a blank of the a-leg: the value's, the comma's, the command line's",
            line(ALegBridges(), variables=Variables(originate=(("v", "a b"),))),
            r"{origination_uuid=UUID,v=a\\\\sb}null/TOKEN &bridge(loopback/1000)",
        ),
        (
            "a backslash of the a-leg, doubled three times",
            line(ALegBridges(), variables=Variables(originate=(("v", "\\"),))),
            r"{origination_uuid=UUID,v=\\\\\\\\}null/TOKEN &bridge(loopback/1000)",
        ),
        (
            "a comma between {}",
            line(Direct(), variables=Variables(braces=(("v", "a,b"),))),
            r"{origination_caller_id_number=TOKEN,v=a\\,b}loopback/1000 &park()",
        ),
        (
            "a comma between {} of a bridge: expanded once more",
            line(ALegBridges(), variables=Variables(braces=(("v", "a,b"),))),
            r"{origination_uuid=UUID}null/TOKEN &bridge({v=a\\\\,b}loopback/1000)",
        ),
        (
            "a comma and a bar between []",
            line(Direct(), variables=Variables(brackets=(("v", "a,b|c"),))),
            r"{origination_caller_id_number=TOKEN}[v=a\\,b\\|c]loopback/1000 &park()",
        ),
        (
            "quote, comma, bar and backslash of an extension",
            line(Direct(), ExtensionTarget("it's,a|b\\c")),
            r"{origination_caller_id_number=TOKEN}loopback/it\\\\\\\'s\\\\,a\\|b\\\\\\\\c &park()",
        ),
        (
            "set: expanded as every application's data, and once more by itself",
            str(dict(plan_actions((SetVariable("v", "a\\b"),)))["set"]),
            r"v=a\\\\b",
        ),
    ],
)
def test_each_layer_that_takes_a_text_apart_is_written(
    layer: str, written: str, expected: str
) -> None:
    """Which layers there are is measured: test_values_on_switch places such values."""
    assert written == expected, layer


def test_export_is_expanded_once() -> None:
    given_one = Variables(export=(("e", "a\\b"),))
    scenario = Scenario(ALegRunsDialplan(), EXTENSION, (Answer(),), given_one)
    assert a_leg_actions(scenario)[0] == ("export", r"e=a\\b")


def unescaped(text: str) -> str:
    """Take one layer off: a backslash shields what follows, `s` standing for a blank."""
    found, rest = "", iter(text)
    for character in rest:
        if character == "\\":
            shielded = next(rest)
            found += " " if shielded == "s" else shielded
        else:
            found += character
    return found


@few
@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=30))
def test_three_layers_taken_off_give_the_value(value: str) -> None:
    """Whatever the value, what the switch unescapes is what was meant."""
    written = line(Direct(), variables=Variables(braces=(("v", value),)))
    blanks = written.split(" ")
    assert len(blanks) == 2, "the command line is split at blanks"
    after_line = unescaped(blanks[0])
    inside = after_line.removeprefix("{origination_caller_id_number=TOKEN,v=")
    assert unescaped(unescaped(inside.removesuffix("}loopback/1000"))) == value


@few
@given(scenarios())
def test_a_line_is_one_line(scenario: Scenario) -> None:
    """An event socket command ends at its line's end: what follows would be another command."""
    token = token_of(scenario, 1)
    written = originate_arguments(scenario, token, "UUID")
    assert not set(written) & set("\n\r")
    assert token in written


# --- what no layer can carry ---------------------------------------------------------------------

SCOPES = ("originate", "braces", "brackets", "set")


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("a${b}", "it would be expanded"),
        ("a$${b}", "it would be expanded when the file is read"),
        ("price$", "with what follows it could begin an expansion"),
        ("ARRAY::a|:b", "it would become several values"),
        ("a\nb", "a command ends at its line's end"),
        ("a\tb", "no control character is sent"),
        ("a\x7f", "nor this one"),
    ],
)
def test_no_scope_carries(scope: str, value: str, why: str) -> None:
    assert not carries(scope, value), why


@pytest.mark.parametrize(
    ("scope", "value", "carried", "why"),
    [
        ("set", " a", False, "set strips blanks around a value"),
        ("set", "a ", False, "set strips blanks around a value"),
        ("braces", " a ", True, r"each blank is spelled \s"),
        ("set", "undef", False, "set takes it for a deletion"),
        ("braces", "undef", True, "in a dial string it means nothing"),
        ("set", "a\\'b", False, "with a quote and a backslash the application never runs"),
        ("set", "it's", True, "a quote alone is harmless"),
        ("set", "{a}[b](c)", True, "brackets mean nothing to set"),
        ("originate", "{a", False, "a bracket ends the variables"),
        ("braces", "a]", False, "a bracket ends the variables"),
        ("brackets", "(a", False, "a bracket ends the application's argument"),
        ("braces", "a:_:b", False, "it parts enterprise originates"),
        ("set", "a:_:b", True, "it means nothing to set"),
        ("originate", "it's", True, "the a-leg's string passes no application"),
        ("braces", "it's", False, "the application never runs"),
        ("brackets", "it's", False, "the application never runs"),
        ("brackets", "a\\", False, "it would hide the comma that follows"),
        ("braces", "a\\", True, "between {} it is escaped"),
        ("braces", "a,b|c=d;e", True, "each is escaped"),
        ("brackets", "a,b|c=d;e", True, "each is escaped"),
        ("set", "", True, "an empty value"),
        ("braces", "$1 $a", True, "no brace follows"),
        ("originate", "é漢🚀", True, "any letter"),
    ],
)
def test_what_a_scope_carries(scope: str, value: str, carried: bool, why: str) -> None:
    assert carries(scope, value) is carried, why
