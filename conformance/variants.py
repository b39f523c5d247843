"""Variants: scenarios that a switch may not treat otherwise than the one they are made from.

Each comes of one relation: other extensions, other names of variables, lists in another order,
targets spelt otherwise, one variable more. Only what has no meaning is changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from string import ascii_lowercase, ascii_uppercase, digits
from types import MappingProxyType
from typing import TypeVar, cast

from msgspec.structs import replace

from conformance.dialplan import inherited_context, routed_context
from conformance.names import reserved
from conformance.scenario import (
    Action,
    BridgeAgain,
    BridgeToLoopback,
    BridgeToNull,
    BridgeToSeveral,
    ExtensionTarget,
    Pairs,
    Scenario,
    SetVariable,
    Target,
    Variables,
    pairs,
)

_A = TypeVar("_A", bound=Action)

UNRELATED = ("lc_unrelated", "1")
"""The variable more; no scenario has one of this name."""

_NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Variant:
    """A scenario made from the original by a relation, which a sentence names after "with".

    `names` and `extensions` give what was renamed its new name.
    """

    relation: str
    original: Scenario
    scenario: Scenario
    names: Mapping[str, str] = field(default_factory=lambda: _NONE)
    extensions: Mapping[str, str] = field(default_factory=lambda: _NONE)


def variants(scenario: Scenario) -> tuple[Variant, ...]:
    """The variants of a scenario; a relation that would change nothing is left out."""
    made = (
        _other_extensions(scenario),
        _other_names(scenario),
        Variant("lists in another order", scenario, _reordered(scenario)),
        Variant("targets spelt otherwise", scenario, _respelt(scenario)),
        Variant("one variable more", scenario, _with_one_more(scenario)),
    )
    return tuple(variant for variant in made if variant.scenario != scenario)


def itself(scenario: Scenario) -> Variant:
    """The scenario as a variant of its own."""
    return Variant("itself", scenario, scenario)


def scopes_in(scenario: Scenario) -> list[Pairs]:
    """The variables of each scope in which a scenario gives any; what a plan sets is one scope."""
    given = [*_scopes(scenario.variables)]
    given += [scope for one in scenario.dialled.values() for scope in (one.braces, one.brackets)]
    for pair in pairs(scenario):
        given += [pair.braces, pair.brackets]
        settings = (step.action for step in pair.steps if isinstance(step.action, SetVariable))
        given.append(tuple((action.name, action.value) for action in settings))
    return given


def names_of(scenario: Scenario) -> tuple[str, ...]:
    """The names without a meaning that a scenario gives variables or lists for export, sorted."""
    given = scopes_in(scenario)
    named = {name for scope in given for name, _ in scope}
    lists = (value for scope in given for name, value in scope if name == "loopback_export")
    named.update(name for value in lists for name in _LISTED.findall(value))
    return tuple(sorted(name for name in named if not reserved(name)))


# --- other names ---------------------------------------------------------------------------------

_LISTED = re.compile(r"[^,\s]+")

_NEXT = {
    ord(one): other
    for row in (digits, ascii_lowercase.replace("n", ""), ascii_uppercase)
    for one, other in zip(row, row[1:] + row[0], strict=True)
}
"""Each digit and ASCII letter becomes the next: none is lost, so who begins like whom stays.

But for `n`, with which the extension of a further pair begins, and no other.
"""


def _other_extensions(scenario: Scenario) -> Variant:
    extensions: dict[str, str] = {}

    def renamed(target: Target) -> Target:
        if not isinstance(target, ExtensionTarget):
            return target
        extensions[target.extension] = target.extension.translate(_NEXT)
        return replace(target, extension=extensions[target.extension])

    def change(action: Action) -> Action:
        if not isinstance(action, BridgeToLoopback):
            return action
        target = renamed(action.target)
        assert isinstance(target, ExtensionTarget)
        return replace(action, target=target)

    made = _everywhere(replace(scenario, target=renamed(scenario.target)), change)
    return Variant("other extensions", scenario, made, extensions=MappingProxyType(extensions))


def _other_names(scenario: Scenario) -> Variant:
    names = MappingProxyType({name: f"lc_{name}" for name in names_of(scenario)})
    return Variant("other names of variables", scenario, renamed(scenario, names), names=names)


def renamed(scenario: Scenario, names: Mapping[str, str]) -> Scenario:
    """The scenario with other names of variables, wherever they are given or listed."""

    def named(name: str) -> str:
        return names.get(name, name)

    def changed(scope: Pairs) -> Pairs:
        return tuple(
            (
                named(name),
                _LISTED.sub(lambda found: named(found.group()), value)
                if name == "loopback_export"
                else value,
            )
            for name, value in scope
        )

    def change(action: Action) -> Action:
        match action:
            case SetVariable(name, value):
                ((name, value),) = changed(((name, value),))
                return SetVariable(name, value)
            case BridgeToNull(variables=variables):
                return replace(action, variables=changed(variables))
            case BridgeToLoopback(braces=braces, brackets=brackets):
                return replace(action, braces=changed(braces), brackets=changed(brackets))
            case BridgeToSeveral(braces=braces) | BridgeAgain(braces=braces):
                return replace(action, braces=changed(braces))
            case _:
                return action

    variables = Variables(*map(changed, _scopes(scenario.variables)))
    return _everywhere(replace(scenario, variables=variables), change)


# --- the same, written otherwise -----------------------------------------------------------------


def _reordered(scenario: Scenario) -> Scenario:
    """What is exported, and each list of `loopback_export`, the other way round."""
    scopes = dict(zip(_FIELDS, _scopes(scenario.variables), strict=True))
    turned = {
        scope: tuple(
            (name, _turned(value) if name == "loopback_export" else value) for name, value in held
        )
        for scope, held in scopes.items()
    }
    turned["export"] = turned["export"][::-1]
    return replace(scenario, variables=Variables(**turned))


def _turned(listed: str) -> str:
    names = [name.strip() for name in listed.split(",")]
    unique = len({name.lower() for name in names}) == len(names)
    return ",".join(reversed(names)) if unique and len(names) > 1 else listed


def _respelt(scenario: Scenario) -> Scenario:
    """Each target with its inherited context said or left out, its dialplan in the other case."""
    inherited = inherited_context(scenario)
    return replace(
        scenario,
        target=_otherwise(scenario.target, inherited),
        plan=_respelt_within(scenario.plan, routed_context(scenario.target, inherited)),
        beside=_respelt_within(scenario.beside, inherited),
        otherwise=_respelt_within(scenario.otherwise, inherited),
    )


def _respelt_within(plan: tuple[_A, ...], inherited: str) -> tuple[_A, ...]:
    return tuple(cast(_A, _respelt_action(action, inherited)) for action in plan)


def _respelt_action(action: Action, inherited: str) -> Action:
    match action:
        case BridgeToLoopback(target, plan):
            spelt = _otherwise(target, inherited)
            assert isinstance(spelt, ExtensionTarget)
            further = _respelt_within(plan, routed_context(target, inherited))
            return replace(action, target=spelt, plan=further)
        case BridgeToSeveral(at_once, otherwise):
            return replace(
                action,
                at_once=_respelt_within(at_once, inherited),
                otherwise=_respelt_within(otherwise, inherited),
            )
        case _:
            return action


def _otherwise(target: Target, inherited: str) -> Target:
    # A wholly empty target dials another extension than one with a context.
    if not isinstance(target, ExtensionTarget) or not target.extension:
        return target
    dialplan = {"XML": "xml", "xml": "XML"}.get(target.dialplan or "", target.dialplan)
    context = target.context
    if not context:
        context = inherited
    elif context == inherited:
        context = None if dialplan is None else ""
    return ExtensionTarget(target.extension, context, dialplan)


def _with_one_more(scenario: Scenario) -> Scenario:
    braces = (*scenario.variables.braces, UNRELATED)
    return replace(scenario, variables=replace(scenario.variables, braces=braces))


# --- walking -------------------------------------------------------------------------------------

_FIELDS = Variables.__struct_fields__


def _scopes(variables: Variables) -> Iterator[Pairs]:
    return (getattr(variables, name) for name in _FIELDS)


def _everywhere(scenario: Scenario, change: Callable[[Action], Action]) -> Scenario:
    """A scenario with every action of its plans changed, those of further targets too."""
    return replace(
        scenario,
        plan=_changed(scenario.plan, change),
        beside=_changed(scenario.beside, change),
        otherwise=_changed(scenario.otherwise, change),
    )


def _changed(plan: tuple[_A, ...], change: Callable[[Action], Action]) -> tuple[_A, ...]:
    return tuple(cast(_A, change(_within(action, change))) for action in plan)


def _within(action: Action, change: Callable[[Action], Action]) -> Action:
    match action:
        case BridgeToLoopback(plan=plan):
            return replace(action, plan=_changed(plan, change))
        case BridgeToSeveral(at_once, otherwise):
            return replace(
                action, at_once=_changed(at_once, change), otherwise=_changed(otherwise, change)
            )
        case _:
            return action
