"""The real XML extensions that a scenario needs on the switch, by context.

An extension is found by the token (the caller's number, any attempt's) and the dialled extension,
so scenarios may share extensions while they run side by side.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from conformance.dialstring import (
    ENTRY,
    a_leg_actions,
    count_null_bridges,
    plan_actions,
    token_of,
)
from conformance.scenario import (
    Action,
    ALegRunsDialplan,
    ApplicationTarget,
    BridgeToLoopback,
    ExtensionTarget,
    Scenario,
    Target,
)

EMPTY_EXTENSION = "service"
"""What the switch dials for an empty `loopback/` (facts, section 2.1)."""


@dataclass(frozen=True, slots=True)
class Extension:
    """What the switch runs for a leg that is routed in a context.

    `number` is what is dialled, None where the a-leg enters its own dialplan; `actions` are
    (application, data).
    """

    context: str
    number: str | None
    actions: tuple[tuple[str, str], ...]


def extensions(scenario: Scenario) -> list[tuple[str, str]]:
    """(context, XML of one `<extension>`) for each plan that the switch must know."""
    token = token_of(scenario, 0).removesuffix("0") + "[0-9]+"
    return [(one.context, _xml(one, token)) for one in planned(scenario)]


def planned(scenario: Scenario) -> list[Extension]:
    """Each extension that the switch must know."""
    context = inherited_context(scenario)
    found = []
    if isinstance(scenario.origin, ALegRunsDialplan):
        found.append(Extension(context, None, tuple(a_leg_actions(scenario))))
    return found + _of_plan(scenario.target, scenario.plan, context, 1)


def inherited_context(scenario: Scenario) -> str:
    """The context that a target without one takes from the channel that originates it."""
    if isinstance(scenario.origin, ALegRunsDialplan):
        return scenario.origin.context
    return "default"


def routed_context(target: Target, inherited: str) -> str:
    """The context in which loopback-b of a target is routed."""
    return getattr(target, "context", None) or inherited


def routed_contexts(scenario: Scenario) -> frozenset[str]:
    """The contexts in which legs of a scenario are routed, whether or not an extension is there."""
    inherited = inherited_context(scenario)
    return frozenset((inherited, *_routed(scenario.target, scenario.plan, inherited)))


def _routed(target: Target, plan: Sequence[Action], inherited: str) -> list[str]:
    context = routed_context(target, inherited)
    found = [] if isinstance(target, ApplicationTarget) else [context]
    for action in plan:
        if isinstance(action, BridgeToLoopback):
            found += _routed(action.target, action.plan, context)
    return found


def _of_plan(target: Target, plan: Sequence[Action], inherited: str, b_leg: int) -> list[Extension]:
    context = routed_context(target, inherited)
    found = []
    if isinstance(target, ExtensionTarget) and plan:
        number = target.extension if target.text else EMPTY_EXTENSION
        found.append(Extension(context, number, tuple(plan_actions(plan, b_leg))))
    for action in plan:
        if isinstance(action, BridgeToLoopback):
            found += _of_plan(action.target, action.plan, context, b_leg)
        b_leg += count_null_bridges((action,))
    return found


def _xml(one: Extension, token: str) -> str:
    if one.number is None:
        conditions = [("destination_number", f"{ENTRY}-{token}")]
    else:
        conditions = [("caller_id_number", token), ("destination_number", _literal(one.number))]
    extension = ElementTree.Element("extension", name="scenario")
    for field, text in conditions:
        node = ElementTree.SubElement(extension, "condition", field=field, expression=f"^{text}$")
    for application, data in one.actions:
        ElementTree.SubElement(node, "action", application=application, data=data)
    return ElementTree.tostring(extension, encoding="unicode")


def _literal(text: str) -> str:
    # A parenthesis in an expression would make the switch substitute $1 in the actions' data.
    return re.escape(text).replace("\\(", "\\x28").replace("\\)", "\\x29")
