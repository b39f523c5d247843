"""Variables: what each leg is given, and what a leg says about leaving (facts, 2.2 and 2.3)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from conformance.model.confirm import PREFIX, confirming
from conformance.scenario import ALegBridges, ALegRunsDialplan, Pairs, Scenario

BOWOUT = "loopback_bowout"
"""Whether a pair may leave, by either of its legs."""

ON_EXECUTE = "loopback_bowout_on_execute"
"""Whether a loopback leg that enters its extension hands it over."""

MAX_FORWARDS = "max_forwards"
"""How many more channels a call may be forwarded through; the core counts it down."""

MOST_FORWARDS = 70

IGNORE_EARLY_MEDIA = "ignore_early_media"
"""Whoever has it waits for an answer; it comes to those that are dialled without an export."""

_TRUE = frozenset({"yes", "on", "true", "t", "enabled", "active", "allow"})
_FALSE = frozenset({"no", "off", "false", "f", "disabled", "inactive", "disallow"})


def bowout_seconds(scenario: Scenario) -> float:
    """For how long (seconds) a pair stays once it is bridged and answered: 2 s of whole frames.

    `loopback_initial_codec`, such as `L16@8000h@30i`, gives their length in milliseconds where the
    pair has no originating channel whose codec it could take (facts, 2.3 and 2.6).
    """
    codec = scenario.profile.global_variable("loopback_initial_codec")
    if codec is None or scenario.has_a_leg:
        return 2.0
    lengths = [int(part[:-1]) for part in codec.split("@") if part.endswith("i")]
    milliseconds = lengths[0] if lengths else 20
    return 2 * (1000 // milliseconds) * milliseconds / 1000


def allows(bowout: str | None) -> bool:
    """Whether a leg's `loopback_bowout` lets its own pair leave: unset, or true."""
    return bowout is None or is_true(bowout)


def refuses(bowout: str | None) -> bool:
    """Whether a walk to the real end stops at a leg: explicitly false, not merely untrue."""
    return bowout is not None and is_false(bowout)


@lru_cache
def is_true(text: str) -> bool:
    """What the switch takes for true: a word for it, or a number other than 0."""
    return text.lower() in _TRUE or (_is_number(text) and _leading_integer(text) != 0)


def is_false(text: str) -> bool:
    """What the switch takes for false: a word for it, or the number 0."""
    return text.lower() in _FALSE or (_is_number(text) and _leading_integer(text) == 0)


def _is_number(text: str) -> bool:
    digits = text[1:] if text.startswith(("-", "+")) else text
    return bool(digits) and all(character in "0123456789." for character in digits)


def _leading_integer(text: str) -> int:
    whole = text.split(".")[0]
    return int(whole) if whole.strip("+-") else 0


def exported(variables: Mapping[str, str]) -> dict[str, str]:
    """What a channel exports to the legs that it dials: `export_vars` and what that names."""
    names = variables.get("export_vars")
    if not names:
        return {}
    listed = {name: variables[name] for name in names.split(",") if variables.get(name)}
    return {"export_vars": names} | listed


def of_a_leg(scenario: Scenario) -> dict[str, str]:
    """Variables that the a-leg has when it dials, those that its dialplan sets included."""
    scopes = scenario.variables
    own = carried(scopes.originate)
    if isinstance(scenario.origin, ALegRunsDialplan):
        own[MAX_FORWARDS] = str(forwards(own))  # coming to its dialplan is a transfer
    if not scopes.export:
        return own | dict(scopes.set)
    names = {"export_vars": ",".join(name for name, _ in scopes.export)}
    if isinstance(scenario.origin, ALegBridges):
        return own | carried(scopes.export) | names
    # The application neither exports nor lists a variable without a value.
    listed = carried(scopes.export)
    names = {"export_vars": ",".join(listed)} if listed else {}
    return own | dict(scopes.set) | listed | names


def of_dialling(caller: Mapping[str, str], braces: Pairs) -> dict[str, str]:
    """Variables that hold for a whole dial string, by those of who dials."""
    return confirming(caller) | _handed_on(caller) | exported(caller) | carried(braces)


def of_pair(
    caller: Mapping[str, str],
    shared: dict[str, str],
    brackets: Pairs,
    *,
    switch: Mapping[str, str],
    confirms_once: bool = True,
) -> tuple[dict[str, str], dict[str, str]]:
    """Variables of loopback-a and loopback-b at their creation, by those of who dials them.

    `caller` holds those of the `switch` too, which are all where nobody dials. `shared` are those
    of the whole dial string (`of_dialling`), `brackets` those of the pair alone.
    The caller's `process_cdr` comes to loopback-a without being exported (facts, section 4); so
    does what is left of `max_forwards`, which is here where anybody asks for it. On loopback-a `{}`
    wins over `[]`, with `local_var_clobber` the other way round; on loopback-b `[]` always wins;
    `loopback_export` hands over what loopback-a has. What makes a leg confirm is taken from
    loopback-a if the pair `confirms_once`.
    """
    single = carried(brackets)
    clobber = is_true(shared.get("local_var_clobber", ""))
    leg_a = shared | single if clobber else single | shared
    leg_b = shared | single
    leg_a = _process_cdr(caller) | leg_a
    if confirms_once:
        leg_a = {name: value for name, value in leg_a.items() if not name.startswith(PREFIX)}
    export = leg_a.get("loopback_export", switch.get("loopback_export", ""))
    names = [name.strip(" ") for name in export.split(",")]
    if MAX_FORWARDS in caller or MAX_FORWARDS in names:
        leg_a = {MAX_FORWARDS: str(forwards(caller))} | leg_a
    seen = {**switch, **leg_a}
    handed = {name: seen[name] for name in names if seen.get(name)}
    return leg_a, leg_b | handed


def of_b_leg(caller: Mapping[str, str], braces: Pairs, brackets: Pairs) -> dict[str, str]:
    """Variables of a b-leg at its creation, by those of the loopback-b that dials it."""
    shared = of_dialling(caller, braces)
    return _process_cdr(caller) | carried(brackets) | shared


def forwards(caller: Mapping[str, str]) -> int:
    """How many channels may still be dialled, the next one included, if this one dials it."""
    own = caller.get(MAX_FORWARDS)
    if own is None:
        return MOST_FORWARDS
    return (_leading_integer(own) if _is_number(own) else 0) - 1


def waits_for_answer(caller: Mapping[str, str], braces: Pairs) -> bool:
    """Whether who dials does not take early media for an answer."""
    value = dict(braces).get(IGNORE_EARLY_MEDIA) or caller.get(IGNORE_EARLY_MEDIA, "")
    return is_true(value)


def _handed_on(caller: Mapping[str, str]) -> dict[str, str]:
    value = caller.get(IGNORE_EARLY_MEDIA)
    return {IGNORE_EARLY_MEDIA: value} if value else {}


def _process_cdr(caller: Mapping[str, str]) -> dict[str, str]:
    value = caller.get("process_cdr")
    return {"process_cdr": value} if value else {}


def carried(variables: Pairs) -> dict[str, str]:
    """What a dial string carries: no empty value."""
    return {name: value for name, value in variables if value}
