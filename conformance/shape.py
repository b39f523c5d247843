"""The shape of a scenario: what kind of call it is, whatever its values and names.

Two scenarios of one shape begin in the same way, dial the same kind of target, run the same kinds
of actions in the same order, further pairs included, and have the same kinds of stimuli and ending,
both with the default profile or both with another. Whatever counts shapes counts these.
"""

from __future__ import annotations

from collections.abc import Iterable

from conformance.compact import key_of
from conformance.profile import Profile
from conformance.scenario import Action, BridgeToLoopback, BridgeToSeveral, Scenario

_DEFAULTS = Profile()


def shape_of(scenario: Scenario) -> str:
    """The shape as a line, such as `a_leg_bridges extension [answer bridge_null] - uuid_kill`."""
    stimuli = " ".join(stimulus.deed.kind for stimulus in scenario.stimuli) or "-"
    ending = scenario.ending.deed.kind if scenario.ending else "-"
    profile = "" if scenario.profile == _DEFAULTS else " profile"
    begun = f"{scenario.origin.kind} {scenario.target.kind}"
    further = _dialled("beside", scenario.beside) + _dialled("otherwise", scenario.otherwise)
    return f"{begun} [{_plan(scenario.plan)}]{further} {stimuli} {ending}{profile}"


def shape_key(scenario: Scenario) -> int:
    """64 bits that tell the shape from any other."""
    return key_of(shape_of(scenario))


def _plan(plan: Iterable[Action]) -> str:
    return " ".join(map(_action, plan))


def _action(action: Action) -> str:
    match action:
        case BridgeToLoopback():
            return f"{action.kind} [{_plan(action.plan)}]"
        case BridgeToSeveral():
            otherwise = _dialled("otherwise", action.otherwise)
            return f"{action.kind} [{_plan(action.at_once)}]{otherwise}"
        case _:
            return action.kind


def _dialled(how: str, bridges: tuple[Action, ...]) -> str:
    return f" {how} [{_plan(bridges)}]" if bridges else ""
