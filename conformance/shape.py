"""The shape of a scenario: what kind of call it is, whatever its values and names.

Two scenarios of one shape begin in the same way, dial the same kind of target, run the same kinds
of actions in the same order, further pairs included, and have the same kinds of stimuli and ending,
both with the default profile or both with another. Whatever counts shapes counts these.
"""

from __future__ import annotations

from collections.abc import Iterable

from conformance.compact import key_of
from conformance.profile import Profile
from conformance.scenario import Action, BridgeToLoopback, Scenario


def shape_of(scenario: Scenario) -> str:
    """The shape as a line, such as `a_leg_bridges extension [answer bridge_null] - uuid_kill`."""
    stimuli = " ".join(stimulus.deed.kind for stimulus in scenario.stimuli) or "-"
    ending = scenario.ending.deed.kind if scenario.ending else "-"
    profile = "" if scenario.profile == Profile() else " profile"
    begun = f"{scenario.origin.kind} {scenario.target.kind}"
    return f"{begun} [{_plan(scenario.plan)}] {stimuli} {ending}{profile}"


def shape_key(scenario: Scenario) -> int:
    """64 bits that tell the shape from any other."""
    return key_of(shape_of(scenario))


def _plan(plan: Iterable[Action]) -> str:
    return " ".join(
        f"{action.kind} [{_plan(action.plan)}]"
        if isinstance(action, BridgeToLoopback)
        else action.kind
        for action in plan
    )
