"""The real XML extensions that a scenario needs on the switch, by context.

An extension is found by the token (the caller's number, any attempt's) and the dialled extension,
so scenarios may share extensions while they run side by side.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree

from conformance.dialstring import (
    AWAY,
    ENTRY,
    a_leg_actions,
    count_null_bridges,
    plan_actions,
    token_of,
)
from conformance.scenario import (
    Action,
    ALegRunsDialplan,
    BridgeToLoopback,
    ExtensionTarget,
    Scenario,
    Target,
    UuidDeflect,
)

EMPTY_EXTENSION = "service"
"""What the switch dials for an empty `loopback/` (facts, section 2.1)."""


def extensions(scenario: Scenario) -> list[tuple[str, str]]:
    """(context, XML of one `<extension>`) for each plan that the switch must know."""
    context = inherited_context(scenario)
    token = token_of(scenario, 0).removesuffix("0") + "[0-9]+"
    found = []
    if isinstance(scenario.origin, ALegRunsDialplan):
        entry = [("destination_number", f"{ENTRY}-{token}")]
        found.append((context, _extension(entry, a_leg_actions(scenario))))
    for stimulus in scenario.stimuli:
        if isinstance(stimulus.deed, UuidDeflect):
            away = [("destination_number", f"{AWAY}-{token}")]
            where = deflected_context(scenario, stimulus.deed)
            found.append((where, _extension(away, plan_actions(stimulus.deed.plan))))
    return found + _of_plan(scenario.target, scenario.plan, token, context, 1)


def inherited_context(scenario: Scenario) -> str:
    """The context that a target without one takes from the channel that originates it."""
    if isinstance(scenario.origin, ALegRunsDialplan):
        return scenario.origin.context
    return "default"


def deflected_context(scenario: Scenario, deed: UuidDeflect) -> str:
    """The context to which a leg of the outermost pair is deflected: given, or the leg's own.

    Deflecting loopback-b sends off who dialled the pair, deflecting loopback-a who was dialled.
    """
    inherited = inherited_context(scenario)
    if deed.context:
        return deed.context
    return inherited if deed.leg == "loopback-b" else routed_context(scenario.target, inherited)


def routed_context(target: Target, inherited: str) -> str:
    """The context in which loopback-b of a target is routed."""
    return getattr(target, "context", None) or inherited


def _of_plan(
    target: Target, plan: Sequence[Action], token: str, inherited: str, b_leg: int
) -> list[tuple[str, str]]:
    context = routed_context(target, inherited)
    found = []
    if isinstance(target, ExtensionTarget) and plan:
        number = target.extension if target.text else EMPTY_EXTENSION
        conditions = [("caller_id_number", token), ("destination_number", _literal(number))]
        found.append((context, _extension(conditions, plan_actions(plan, b_leg))))
    for action in plan:
        if isinstance(action, BridgeToLoopback):
            found += _of_plan(action.target, action.plan, token, context, b_leg)
        b_leg += count_null_bridges((action,))
    return found


def _extension(conditions: Sequence[tuple[str, str]], actions: Sequence[tuple[str, str]]) -> str:
    extension = ElementTree.Element("extension", name="scenario")
    for field, text in conditions:
        node = ElementTree.SubElement(extension, "condition", field=field, expression=f"^{text}$")
    for application, data in actions:
        ElementTree.SubElement(node, "action", application=application, data=data)
    return ElementTree.tostring(extension, encoding="unicode")


def _literal(text: str) -> str:
    # A parenthesis in an expression would make the switch substitute $1 in the actions' data.
    return re.escape(text).replace("\\(", "\\x28").replace("\\)", "\\x29")
