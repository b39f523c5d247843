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
    AWAY,
    ENTRY,
    a_leg_actions,
    again,
    count_null_bridges,
    plan_actions,
    token_of,
)
from conformance.scenario import (
    HOPS,
    Action,
    ALegRunsDialplan,
    ApplicationTarget,
    BridgeToLoopback,
    BridgeToSeveral,
    ExtensionTarget,
    Scenario,
    Target,
    UuidDeflect,
    brackets_of,
)

EMPTY_EXTENSION = "service"
"""What the switch dials for an empty `loopback/` (facts, section 2.1)."""


@dataclass(frozen=True, slots=True)
class Extension:
    """What the switch runs for a leg that is routed in a context.

    `number` is what is dialled, None where a leg is sent to an extension of its own, of which
    `entry` is the name; `actions` are (application, data). An extension of a loop is for the leg
    that may take so many `hops` more.
    """

    context: str
    number: str | None
    actions: tuple[tuple[str, str], ...]
    entry: str = ENTRY
    hops: int | None = None


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
    for stimulus in scenario.stimuli:
        if isinstance(stimulus.deed, UuidDeflect):
            where = deflected_context(scenario, stimulus.deed)
            away = tuple(plan_actions(stimulus.deed.plan))
            found.append(Extension(where, None, away, entry=AWAY))
    found += _of_plan(scenario.target, scenario.plan, context, 1)
    b_leg = 1 + count_null_bridges(scenario.plan)
    for bridge in (*scenario.beside, *scenario.otherwise):
        found += _of_plan(bridge.target, bridge.plan, context, b_leg)
        b_leg += count_null_bridges((bridge,))
    return found


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


def routed_contexts(scenario: Scenario) -> frozenset[str]:
    """The contexts in which legs of a scenario are routed, whether or not an extension is there."""
    inherited = inherited_context(scenario)
    named = [(scenario.target, scenario.plan)]
    named += [(one.target, one.plan) for one in (*scenario.beside, *scenario.otherwise)]
    routed = (context for target, plan in named for context in _routed(target, plan, inherited))
    return frozenset((inherited, *routed))


def _routed(target: Target, plan: Sequence[Action], inherited: str) -> list[str]:
    context = routed_context(target, inherited)
    found = [] if isinstance(target, ApplicationTarget) else [context]
    for action in plan:
        bridges = action.bridges if isinstance(action, BridgeToSeveral) else (action,)
        for bridge in bridges:
            if isinstance(bridge, BridgeToLoopback):
                found += _routed(bridge.target, bridge.plan, context)
    return found


def _of_plan(target: Target, plan: Sequence[Action], inherited: str, b_leg: int) -> list[Extension]:
    context = routed_context(target, inherited)
    found = []
    if isinstance(target, ExtensionTarget) and plan:
        number = target.extension if target.text else EMPTY_EXTENSION
        most = int(dict(brackets_of(tuple(plan), ())).get(HOPS, 0))
        if not most:
            found.append(Extension(context, number, tuple(plan_actions(plan, b_leg))))
        for hops in range(1, most + 1):
            actions = tuple(plan_actions(plan, b_leg, again=again(target, hops - 1)))
            found.append(Extension(context, number, actions, hops=hops))
    for action in plan:
        bridges = action.bridges if isinstance(action, BridgeToSeveral) else (action,)
        for bridge in bridges:
            if isinstance(bridge, BridgeToLoopback):
                found += _of_plan(bridge.target, bridge.plan, context, b_leg)
            b_leg += count_null_bridges((bridge,))
    return found


def _xml(one: Extension, token: str) -> str:
    if one.number is None:
        conditions = [("destination_number", f"{one.entry}-{token}")]
    else:
        conditions = [("caller_id_number", token), ("destination_number", _literal(one.number))]
    if one.hops is not None:
        conditions.append((f"${{{HOPS}}}", str(one.hops)))
    extension = ElementTree.Element("extension", name="scenario")
    for field, text in conditions:
        node = ElementTree.SubElement(extension, "condition", field=field, expression=f"^{text}$")
    for application, data in one.actions:
        ElementTree.SubElement(node, "action", application=application, data=data)
    return ElementTree.tostring(extension, encoding="unicode")


def _literal(text: str) -> str:
    # A parenthesis in an expression would make the switch substitute $1 in the actions' data.
    return re.escape(text).replace("\\(", "\\x28").replace("\\)", "\\x29")
