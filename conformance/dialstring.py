"""How a scenario is written in FreeSWITCH's own notations: originate line, dial strings, actions.

FreeSWITCH takes a text apart level by level, and each level eats one layer of backslashes. `_level`
writes one such layer; a text that passes several is written innermost first. What no layer can
carry is refused by `carries`, and the strategies never make it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from conformance.scenario import (
    HOPS,
    Action,
    ALegBridges,
    ALegConsults,
    ALegRunsDialplan,
    Answer,
    ApplicationTarget,
    BridgeAgain,
    BridgeToLoopback,
    BridgeToNull,
    BridgeToSeveral,
    Deed,
    Direct,
    ExtensionTarget,
    HangUp,
    InlineTarget,
    Pairs,
    Park,
    PlayTone,
    PreAnswer,
    RingReady,
    Scenario,
    SetVariable,
    Sleep,
    Target,
    Unloop,
    UuidDeflect,
    UuidDisplay,
    UuidKill,
    UuidSendDtmf,
    UuidSetvar,
    brackets_of,
)

ENTRY = "entry"
"""Prefix of the extension at which an a-leg enters its own dialplan; the token follows."""

AWAY = "away"
"""Prefix of the extension to which a leg is deflected; the token follows."""


def token_of(scenario: Scenario, attempt: int) -> str:
    """The name of an attempt on the switch: all its legs show it as the caller's number."""
    return f"lc{scenario.id}x{attempt}"


def a_leg_dial_string(scenario: Scenario, token: str, uuid: str) -> str:
    """`{...}null/<token>` with the a-leg's variables."""
    variables = [("origination_uuid", uuid), *scenario.variables.originate]
    if not scenario.origin_answers:
        variables += [("null_enable_auto_answer", "false"), ("null_pre_answer", "true")]
    if isinstance(scenario.origin, ALegBridges) and scenario.variables.export:
        names = ",".join(name for name, _ in scenario.variables.export)
        variables += [*scenario.variables.export, ("export_vars", names)]
    return f"{_braces(variables)}null/{token}"


def target_dial_string(scenario: Scenario, token: str) -> str:
    """The scenario's outermost dial string; the token is a `Direct` origin's."""
    braces = scenario.variables.braces
    if isinstance(scenario.origin, Direct):
        braces = (("origination_caller_id_number", token), *braces)
    text = target_text(scenario.target, scenario.plan)
    first = _loopback(text, brackets_of(scenario.plan, scenario.variables.brackets))
    beside = [_loopback_of(bridge) for bridge in scenario.beside]
    otherwise = [_loopback_of(bridge) for bridge in scenario.otherwise]
    return _dial_string(braces, [first, *beside], otherwise)


def originate_arguments(scenario: Scenario, token: str, uuid: str) -> str:
    """What stands behind `originate` on the command line of fs_cli or in an api command.

    `token` is the scenario's name on the switch, `uuid` becomes the a-leg's.
    """
    target = target_dial_string(scenario, token)
    match scenario.origin:
        case Direct("bridge"):
            return f"{_blank_level(target)} &bridge(null/{token})"
        case Direct(application, argument):
            return f"{_blank_level(target)} &{application}({argument})"
        case ALegRunsDialplan(context=context):
            a_leg = a_leg_dial_string(scenario, token, uuid)
            return f"{_blank_level(a_leg)} {ENTRY}-{token} XML {context}"
        case ALegBridges():
            a_leg = a_leg_dial_string(scenario, token, uuid)
            application = a_leg_application(scenario.origin)
            return f"{_blank_level(a_leg)} &{application}({_blank_level(_expansion_level(target))})"


def a_leg_application(origin: ALegBridges) -> str:
    """The application with which the a-leg dials the target."""
    return "att_xfer" if isinstance(origin, ALegConsults) else "bridge"


def a_leg_actions(scenario: Scenario) -> list[tuple[str, str]]:
    """(application, data) of the extension that an `ALegRunsDialplan` a-leg runs."""
    actions = [("set", _assignment(*pair)) for pair in scenario.variables.set]
    actions += [("export", _exported(*pair)) for pair in scenario.variables.export]
    bridge = _expansion_level(target_dial_string(scenario, ""))
    afterwards = plan_actions(getattr(scenario.origin, "afterwards", ()))
    return [*actions, ("bridge", bridge), *afterwards]


def command_of(deed: Deed, uuid: str, token: str) -> str:
    """The api command of a stimulus's deed on the leg of this uuid."""
    match deed:
        case UuidSetvar(name=name, value=value):
            text = f"{name} {value}"
        case UuidKill(cause=cause):
            text = cause
        case UuidSendDtmf(digits=digits):
            text = digits
        case UuidDisplay(name=name, number=number):
            text = f"{name}|{number}"
        case UuidDeflect(dialplan=dialplan, context=context):
            text = " ".join([f"{AWAY}-{token}", *filter(None, (dialplan, context))])
    return f"{deed.kind} {uuid} {text}"


def plan_actions(
    plan: Sequence[Action], first_b_leg: int = 1, *, again: str = ""
) -> list[tuple[str, str]]:
    """(application, data) of each action of a plan; `first_b_leg` numbers its first b-leg.

    `again` is the endpoint that a loop dials.
    """
    actions = []
    for action in plan:
        actions.append(_application(action, first_b_leg, again))
        first_b_leg += count_null_bridges((action,))
    return actions


def again(target: ExtensionTarget, hops: int) -> str:
    """The endpoint that a loop's plan dials, for so many pairs to come."""
    return _loopback(target.text, ((HOPS, str(hops)),))


def count_null_bridges(plan: Iterable[Action]) -> int:
    """Number of `null/` bridges in a plan, further pairs included."""
    return sum(
        count_null_bridges(action.plan)
        if isinstance(action, BridgeToLoopback)
        else count_null_bridges(action.bridges)
        if isinstance(action, BridgeToSeveral)
        else isinstance(action, BridgeToNull)
        for action in plan
    )


def target_text(target: Target, plan: Sequence[Action]) -> str:
    """What stands behind `loopback/`, before the escaping of a dial string."""
    match target:
        case ExtensionTarget():
            return target.text
        case InlineTarget(context):
            return f"{','.join(_colon(*pair) for pair in plan_actions(plan))}/{context}/inline"
        case ApplicationTarget():
            (only,) = plan_actions(plan)
            return f"app={_colon(*only)}"


def carries(scope: str, value: str) -> bool:
    """Whether a scope can carry a value unharmed to the channel.

    `scope` is `originate`, `braces`, `brackets`, or `set` (`export` too).
    """
    if "${" in value or "$$" in value or value.endswith("$") or value.startswith("ARRAY::"):
        return False
    if any(ord(character) < 32 or character == "\x7f" for character in value):
        return False
    if scope == "set":
        quoted = "'" in value and "\\" in value  # such an application never runs
        return value == value.strip() and value != "undef" and not quoted
    if set(value) & set("{}[]()") or ":_:" in value:
        return False
    # An application never runs where a quote stands in its dial string's escaped variables.
    if scope != "originate" and "'" in value:
        return False
    # A backslash before the comma that parts two variables would hide it.
    return scope != "brackets" or not value.endswith("\\")


def _application(action: Action, b_leg: int, again: str) -> tuple[str, str]:
    match action:
        case Answer() | PreAnswer() | RingReady() | Park() | Unloop():
            return action.kind, ""
        case Sleep(milliseconds):
            return "sleep", str(milliseconds)
        case SetVariable(name, value):
            return "set", _assignment(name, value)
        case PlayTone(milliseconds):
            return "playback", f"tone_stream://%({milliseconds},0,440)"
        case HangUp(cause):
            return "hangup", cause
        case BridgeToNull():
            return "bridge", _expansion_level(f"{_braces(_null_variables(action))}null/b{b_leg}")
        case BridgeToLoopback(braces=braces):
            return "bridge", _expansion_level(_dial_string(braces, [_loopback_of(action)]))
        case BridgeToSeveral():
            return "bridge", _expansion_level(_several(action, b_leg))
        case BridgeAgain(braces=braces):
            return "bridge", _expansion_level(_dial_string(braces, [again]))


def _several(action: BridgeToSeveral, b_leg: int) -> str:
    endpoints = []
    for bridge in action.bridges:
        if isinstance(bridge, BridgeToNull):
            endpoints.append(f"{_brackets(_null_variables(bridge))}null/b{b_leg}")
        else:
            endpoints.append(_loopback_of(bridge))
        b_leg += count_null_bridges((bridge,))
    at_once = len(action.at_once)
    return _dial_string(action.braces, endpoints[:at_once], endpoints[at_once:])


def _null_variables(action: BridgeToNull) -> list[tuple[str, str]]:
    variables = list(action.variables)
    if action.answer_delay_ms is None:
        variables.append(("null_enable_auto_answer", "false"))
    elif action.answer_delay_ms:
        variables.append(("null_auto_answer_delay", str(action.answer_delay_ms)))
    if action.early_media:
        variables.append(("null_pre_answer", "true"))
    if action.refusal is not None:
        variables.append(("null_hangup_cause", action.refusal))
    if action.timeout_s is not None:
        variables.append(("originate_timeout", str(action.timeout_s)))
    return variables


def _dial_string(braces: Pairs, at_once: Sequence[str], otherwise: Sequence[str] = ()) -> str:
    """Endpoints that are dialled side by side, and then those that are when they all failed."""
    return _braces(braces) + "|".join((",".join(at_once), *otherwise))


def _loopback_of(bridge: BridgeToLoopback) -> str:
    return _loopback(bridge.target.text, brackets_of(bridge.plan, bridge.brackets))


def _loopback(target: str, brackets: Pairs) -> str:
    return f"{_brackets(brackets)}loopback/{_level(_level(target, ','), '|')}"


def _brackets(variables: Pairs | list[tuple[str, str]]) -> str:
    pairs = ",".join(_bracket_pair(*pair) for pair in variables)
    return f"[{pairs}]" if pairs else ""


def _braces(variables: Pairs | list[tuple[str, str]]) -> str:
    pairs = ",".join(_level(f"{name}={_value(value)}", ",") for name, value in variables)
    return f"{{{pairs}}}" if pairs else ""


def _bracket_pair(name: str, value: str) -> str:
    # Split at `|`, at `,` (of which `\,` is exempt), at the marked commas, at `=`: one layer each.
    inner = _level(_level(_level(f"{name}={_value(value)}", "\x02"), ""), "")
    return inner.replace(",", "\\,").replace("|", "\\|")


def _assignment(name: str, value: str) -> str:
    # `set` expands the value once more, after its data was expanded as every application's is.
    return f"{name}={_expansion_level(_expansion_level(value))}"


def _exported(name: str, value: str) -> str:
    return f"{name}={_expansion_level(value)}"


def _colon(application: str, data: str) -> str:
    return f"{application}:{data}" if data else application


def _value(text: str) -> str:
    """Innermost layer, behind the `=`: it would strip outer spaces, so all are spelled `\\s`."""
    return _level(text, "").replace(" ", "\\s")


def _level(text: str, delimiter: str) -> str:
    for special in ("\\", "'", delimiter):
        if special:
            text = text.replace(special, "\\" + special)
    return text


def _blank_level(text: str) -> str:
    """The layer of a command line, which is split at blanks."""
    return _level(text, "").replace(" ", "\\s")


def _expansion_level(text: str) -> str:
    """The layer of variable expansion, which only unescapes backslashes."""
    return text.replace("\\", "\\\\")
