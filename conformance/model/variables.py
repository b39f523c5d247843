"""Variables: what each leg is given, and what a leg says about leaving (facts, 2.2 and 2.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from conformance.profile import Profile
from conformance.scenario import (
    ALegBridges,
    BridgeToNull,
    Pair,
    Pairs,
    Scenario,
    SetVariable,
    pairs,
)

_TRUE = frozenset({"yes", "on", "true", "t", "enabled", "active", "allow"})
_FALSE = frozenset({"no", "off", "false", "f", "disabled", "inactive", "disallow"})


@dataclass(frozen=True, slots=True)
class Bowout:
    """What a leg says about leaving: its `loopback_bowout`, None where it has none."""

    value: str | None = None

    @property
    def allowed(self) -> bool:
        """Whether the leg's own pair may leave: unset, or true in the switch's sense."""
        return self.value is None or is_true(self.value)

    @property
    def refused(self) -> bool:
        """Whether a walk to the real end stops here: explicitly false, not merely untrue."""
        return self.value is not None and is_false(self.value)

    def with_variable(self, name: str, value: str) -> Bowout:
        """The same after a variable was set; an empty value deletes it."""
        return Bowout(value or None) if name == "loopback_bowout" else self


def is_true(text: str) -> bool:
    """What the switch takes for true: a word for it, or a number other than 0."""
    return text.lower() in _TRUE or (_is_number(text) and _leading_integer(text) != 0)


def is_false(text: str) -> bool:
    """What the switch takes for false: a word for it, or the number 0."""
    return text.lower() in _FALSE or (_is_number(text) and _leading_integer(text) == 0)


def _is_number(text: str) -> bool:
    digits = text.removeprefix("-").removeprefix("+")
    return bool(digits) and all(character in "0123456789." for character in digits)


def _leading_integer(text: str) -> int:
    whole = text.split(".")[0]
    return int(whole) if whole.strip("+-") else 0


def bowout_of(scenario: Scenario, profile: Profile, pair: Pair) -> tuple[Bowout, Bowout]:
    """What loopback-a and loopback-b of a pair say about leaving, at their creation."""
    fallback = dict(profile.global_variables).get("loopback_bowout")
    given = given_variables(scenario)
    leg_a, leg_b = given[pair.leg_a], given[pair.leg_b]
    return (
        Bowout(leg_a.get("loopback_bowout", fallback)),
        Bowout(leg_b.get("loopback_bowout", fallback)),
    )


def given_variables(scenario: Scenario) -> Mapping[str, Mapping[str, str]]:
    """The variables that a scenario gives to each leg at its creation, by role.

    On the a-leg those that its dialplan sets are included. A dial string carries no empty value.
    """
    found: dict[str, Mapping[str, str]] = {}
    scopes = scenario.variables
    if scenario.has_a_leg:
        found["a-leg"] = _a_leg(scenario)
    for pair in pairs(scenario):
        if pair.bridge is None:
            braces, brackets = scopes.braces, scopes.brackets
            caller = found.get("a-leg", {})
        else:
            braces, brackets = pair.bridge.braces, pair.bridge.brackets
            caller = {**found[f"{_leg_b(pair.outer)}"], **_set_before(scenario, pair)}
        found[pair.leg_a], found[pair.leg_b] = _of_pair(exported(caller), braces, brackets)
        for step in pair.steps:
            if isinstance(step.action, BridgeToNull):
                caller_then = {**found[pair.leg_b], **_set_until(pair, step.b_leg)}
                found[step.b_leg] = exported(caller_then) | _carried(step.action.variables)
    return MappingProxyType(found)


def exported(variables: Mapping[str, str]) -> dict[str, str]:
    """What a channel exports to the legs that it dials: `export_vars` and what that names."""
    names = variables.get("export_vars")
    if not names:
        return {}
    listed = {name: variables[name] for name in names.split(",") if variables.get(name)}
    return {"export_vars": names} | listed


def _a_leg(scenario: Scenario) -> dict[str, str]:
    scopes = scenario.variables
    own = _carried(scopes.originate)
    if not scopes.export:
        return own | dict(scopes.set)
    names = {"export_vars": ",".join(name for name, _ in scopes.export)}
    if isinstance(scenario.origin, ALegBridges):
        return own | _carried(scopes.export) | names
    # The application neither exports nor lists a variable without a value.
    listed = _carried(scopes.export)
    names = {"export_vars": ",".join(listed)} if listed else {}
    return own | dict(scopes.set) | listed | names


def _of_pair(
    inherited: dict[str, str], braces: Pairs, brackets: Pairs
) -> tuple[dict[str, str], dict[str, str]]:
    """Variables of loopback-a and loopback-b.

    On loopback-a `{}` wins over `[]`, with `local_var_clobber` the other way round; on loopback-b
    `[]` always wins; `loopback_export` hands over what loopback-a has.
    """
    shared = inherited | _carried(braces)
    single = _carried(brackets)
    clobber = is_true(shared.get("local_var_clobber", ""))
    leg_a = shared | single if clobber else single | shared
    leg_b = shared | single
    names = [name.strip(" ") for name in leg_a.get("loopback_export", "").split(",")]
    handed = {name: leg_a[name] for name in names if leg_a.get(name)}
    return leg_a, leg_b | handed


def _carried(variables: Pairs) -> dict[str, str]:
    return {name: value for name, value in variables if value}


def _set_before(scenario: Scenario, inner: Pair) -> dict[str, str]:
    outer = pairs(scenario)[inner.outer - 1]
    found: dict[str, str] = {}
    for step in outer.steps:
        if step.pair == inner.number:
            break
        if isinstance(step.action, SetVariable):
            found[step.action.name] = step.action.value
    return found


def _set_until(pair: Pair, b_leg: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for step in pair.steps:
        if step.b_leg == b_leg:
            break
        if isinstance(step.action, SetVariable):
            found[step.action.name] = step.action.value
    return found


def _leg_b(number: int) -> str:
    return "loopback-b" if number == 1 else f"loopback-b{number}"
