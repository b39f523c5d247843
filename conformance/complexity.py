"""How complex a scenario is: what ranks the calls that show the same, the simplest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from conformance.scenario import (
    Action,
    ALegBridges,
    ALegConsults,
    ALegRunsDialplan,
    BridgeToNull,
    BridgeToSeveral,
    Direct,
    ExtensionTarget,
    HangUp,
    Origin,
    Pairs,
    PlayTone,
    Scenario,
    SetVariable,
    Sleep,
    Stimulus,
    Target,
    UuidDeflect,
    UuidDisplay,
    UuidKill,
    UuidSendDtmf,
    pairs,
)
from conformance.variants import names_of

Complexity: TypeAlias = tuple[int, ...]
"""Compared from the left; its numbers are never negative, so that simplifying comes to an end."""

PLAIN_EXTENSION = "1000"
PLAIN_VALUE = "1"
PLAIN_NAMES = ("foo", "bar", "baz", "qux")
PLAIN_CAUSE = "NORMAL_CLEARING"


def complexity(scenario: Scenario) -> Complexity:
    """Parts; stimuli, without the ending; kinds; characters; milliseconds.

    Equal scenarios are equally complex, and of two with as many parts that one is the simpler which
    is nearest to `originate null/x &bridge(loopback/1000)` and its answer.
    """
    return (
        parts(scenario),
        len(scenario.stimuli),
        _kinds(scenario),
        sum(_texts(scenario)),
        sum(_milliseconds(scenario)),
    )


def steps(scenario: Scenario) -> int:
    """How many steps a scenario has: actions of all plans, stimuli with the ending, variables."""
    actions = sum(1 for _ in _actions(scenario))
    return actions + len(scenario.all_stimuli()) + sum(map(len, _variables(scenario)))


def parts(scenario: Scenario) -> int:
    """How many parts a scenario is made of: steps, pairs, and settings of the profile."""
    return steps(scenario) + len(pairs(scenario)) + len(scenario.profile.changed())


def _variables(scenario: Scenario) -> Iterator[Pairs]:
    """The variables of each scope; what a plan sets is an action."""
    given = scenario.variables
    yield from (given.originate, given.export, given.set)
    for pair in pairs(scenario):
        yield from (pair.braces, pair.brackets)
    for one in scenario.dialled.values():
        yield from (one.braces, one.brackets)


def _actions(scenario: Scenario) -> Iterator[Action]:
    """Those of all plans; each endpoint of a bridge to several is one besides."""
    for pair in pairs(scenario):
        for step in pair.steps:
            yield step.action
            if isinstance(step.action, BridgeToSeveral):
                yield from step.action.bridges
    if isinstance(scenario.origin, ALegRunsDialplan):
        yield from scenario.origin.afterwards
    for stimulus in scenario.stimuli:
        if isinstance(stimulus.deed, UuidDeflect):
            yield from stimulus.deed.plan


# --- kinds ---------------------------------------------------------------------------------------


def _kinds(scenario: Scenario) -> int:
    """How far the kinds of things are from the simplest of their kind."""
    return (
        _kind_of_origin(scenario.origin)
        + sum(_kind_of_target(pair.target) for pair in pairs(scenario))
        + sum(map(_kind_of_action, _actions(scenario)))
        + sum(map(_kind_of_stimulus, scenario.all_stimuli()))
        + (scenario.ending is not None and scenario.ending.deed.leg.startswith("b-leg"))
    )


def _kind_of_origin(origin: Origin) -> int:
    match origin:
        case Direct(application):
            return int(application != "park")
        case ALegConsults(answers):
            return 3 + (not answers)
        case ALegBridges(answers):
            return 2 + (not answers)
        case ALegRunsDialplan(answers, context):
            return 3 + (not answers) + (context != "default")


def _kind_of_target(target: Target) -> int:
    if isinstance(target, ExtensionTarget):
        return (target.context is not None) + (target.dialplan is not None)
    return 3 + (getattr(target, "context", "default") != "default")


def _kind_of_action(action: Action) -> int:
    match action:
        case HangUp(cause):
            return int(cause != PLAIN_CAUSE)
        case BridgeToNull():
            return action.early_media + (action.answer_delay_ms is None)
        case _:
            return 0


def _kind_of_stimulus(stimulus: Stimulus) -> int:
    match stimulus.deed:
        case UuidKill(cause=cause):
            return int(cause != PLAIN_CAUSE)
        case UuidDeflect(dialplan=dialplan, context=context):
            return (dialplan is not None) + (context is not None)
        case _:
            return 0


# --- texts and times -----------------------------------------------------------------------------


def is_plain_extension(text: str, number: int) -> bool:
    """Whether the extension of the pair of this number is as simple as can be."""
    return text == PLAIN_EXTENSION if number == 1 else text[:1] == "n" and text[2:] == "x1"


def _texts(scenario: Scenario) -> Iterator[int]:
    for pair in pairs(scenario):
        text = getattr(pair.target, "extension", PLAIN_EXTENSION)
        yield 0 if is_plain_extension(text, pair.number) else 1 + len(text)
    values = [value for scope in _variables(scenario) for _, value in scope]
    values += [one.value for one in _actions(scenario) if isinstance(one, SetVariable)]
    yield from (0 if value == PLAIN_VALUE else 1 + len(value) for value in values)
    yield from (1 + len(name) for name in names_of(scenario) if name not in PLAIN_NAMES)
    for stimulus in scenario.stimuli:
        match stimulus.deed:
            case UuidSendDtmf(digits=text) | UuidDisplay(number=text):
                yield len(text)
        if isinstance(stimulus.deed, UuidDisplay):
            yield len(stimulus.deed.name)


def _milliseconds(scenario: Scenario) -> Iterator[int]:
    yield from (stimulus.at.delay_ms for stimulus in scenario.all_stimuli())
    yield from _durations(_actions(scenario))
    if isinstance(scenario.origin, Direct) and scenario.origin.argument:
        yield int(scenario.origin.argument)


def _durations(actions: Iterable[Action]) -> Iterator[int]:
    for action in actions:
        match action:
            case Sleep(length) | PlayTone(length):
                yield length
            case BridgeToNull():
                yield (action.answer_delay_ms or 0) + 1000 * (action.timeout_s or 0)
