"""Exports: which variables arrive on which leg, and what the endpoint sets (facts, 2.2-2.3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

from conformance.expectation import Claim, EventRef, Header, LegNamed, kept, only
from conformance.model.confirm import PREFIX
from conformance.model.course import Course
from conformance.model.variables import IGNORE_EARLY_MEDIA, MAX_FORWARDS, is_true
from conformance.scenario import Pair, Scenario, SetVariable, UuidSetvar, null_bridges, pairs

_ENDPOINTS_OWN = frozenset({"loopback_leg", "is_loopback", "other_loopback_leg_uuid", MAX_FORWARDS})


def claims(scenario: Scenario, course: Course) -> list[Claim]:
    """The claims about exported variables and about those that the endpoint sets."""
    found: list[Claim] = []
    given = {role: leg.given for role, leg in course.legs.items()}
    acquired = _acquired(course, "execute", "cancelled")
    disputed = _acquired(course, "disputed")
    for pair in pairs(scenario):
        if pair.leg_a in course.legs:
            found += _transferred(scenario, pair, given)
            if MAX_FORWARDS in scenario.text:
                found += _forwards(pair, given)
            found += _identity(scenario, pair, given)
    found += _true_ids(scenario, course, acquired | disputed)
    for role in null_bridges(scenario):
        if role in course.legs:
            found += _on_b_leg(scenario, role, given[role])
    for role in course.legs:
        if not role.startswith("loopback") and role not in acquired:
            found += _real(role, given[role].get("is_loopback"))
    return found


@kept
def _real(role: str, value: str | None) -> Iterator[Claim]:
    """The endpoint marks no real leg; `value` is the variable that it was given by chance."""
    held = Header(EventRef(role, "CHANNEL_HANGUP_COMPLETE"), "variable_is_loopback")
    yield Claim("exports.is-loopback-not-on-real-legs", role, held, only(value))


@lru_cache(maxsize=1 << 10)
def _created_with(role: str, name: str) -> Header:
    """A variable that a leg has as it is created."""
    return Header(EventRef(role, "CHANNEL_CREATE"), f"variable_{name}")


def _transferred(
    scenario: Scenario, pair: Pair, given: Mapping[str, Mapping[str, str]]
) -> list[Claim]:
    """What loopback-a and loopback-b of a pair were given, as they are created."""
    braces, brackets = dict(pair.braces), dict(pair.brackets)
    caller = _caller_variables(scenario, pair, given)
    names = {*braces, *brackets, *caller} - _ENDPOINTS_OWN
    found: list[Claim] = []
    if not names:
        return found
    on_a, on_b = given[pair.leg_a], given[pair.leg_b]
    listed = [item.strip(" ") for item in on_a.get("loopback_export", "").split(",")]
    for name in sorted(names):
        clause = f"exports.{_clause(name, braces, brackets, caller, on_a, listed)}"
        for leg, variables in ((pair.leg_a, on_a), (pair.leg_b, on_b)):
            held = _created_with(leg, name)
            found.append(Claim(clause, leg, held, only(variables.get(name))))
    return found


def _clause(
    name: str,
    braces: Mapping[str, str],
    brackets: Mapping[str, str],
    caller: Mapping[str, str],
    leg_a: Mapping[str, str],
    listed: list[str],
) -> str:
    """The clause that a variable is a case of, by where it was given."""
    if name.startswith(PREFIX):
        return "confirmation-goes-to-loopback-b"
    otherwise = brackets.get(name) or leg_a.get(name)
    if name in listed and leg_a.get(name) != otherwise:
        return "loopback-export-hands-over"
    if name in braces and name in brackets:
        clobber = is_true(leg_a.get("local_var_clobber", ""))
        return "local-var-clobber" if clobber else "braces-against-brackets"
    if name in braces:
        return "braces-reach-both-legs"
    if name in brackets:
        return "brackets-reach-both-legs"
    if name == IGNORE_EARLY_MEDIA:
        return "ignore-early-media-goes-on"
    if name in leg_a:
        return "exported-reach-pair"
    wanted = caller.get("loopback_export", "").split(",")
    return "loopback-export-needs-loopback-a" if name in wanted else "set-stays-on-a-leg"


def _forwards(pair: Pair, given: Mapping[str, Mapping[str, str]]) -> Iterator[Claim]:
    """What is left of `max_forwards`."""
    on_a, on_b = (given[leg].get(MAX_FORWARDS) for leg in (pair.leg_a, pair.leg_b))
    if on_a is not None:
        clauses = ("max-forwards-on-loopback-a", "max-forwards-not-on-loopback-b")
        if on_b is not None:
            clauses = (clauses[0], "loopback-export-hands-over")
        for clause, leg, left in zip(clauses, (pair.leg_a, pair.leg_b), (on_a, on_b), strict=True):
            held = _created_with(leg, MAX_FORWARDS)
            yield Claim(f"exports.{clause}", leg, held, only(left))


def _caller_variables(
    scenario: Scenario, pair: Pair, given: Mapping[str, Mapping[str, str]]
) -> Mapping[str, str]:
    if not pair.outer:
        return given.get("a-leg", {})
    outer = pairs(scenario)[pair.outer - 1]
    return {name: value for name, value in given[outer.leg_b].items() if name != "loopback_export"}


def _on_b_leg(scenario: Scenario, role: str, given: Mapping[str, str]) -> Iterator[Claim]:
    dialled = scenario.dialled[role]
    own = {name for name, _ in (*dialled.braces, *dialled.brackets)}
    for name, value in given.items():
        if name not in own:
            held = _created_with(role, name)
            yield Claim(f"exports.{_copied(name)}", role, held, only(value))
    scopes = scenario.variables
    for name, _ in (*scopes.braces, *scopes.brackets):
        if name not in given and name not in _ENDPOINTS_OWN:
            held = _created_with(role, name)
            yield Claim("exports.dial-string-stays-on-pair", role, held, only(None))


def _copied(name: str) -> str:
    """The clause of a variable of a b-leg that its own dial string does not name."""
    if name == IGNORE_EARLY_MEDIA:
        return "ignore-early-media-goes-on"
    if name.startswith(PREFIX):
        return "confirmation-goes-to-loopback-b"
    return "exported-reach-b-leg"


def _identity(
    scenario: Scenario, pair: Pair, given: Mapping[str, Mapping[str, str]]
) -> list[Claim]:
    """Who is who in the pair: the variables that the endpoint sets by itself."""
    found = [*_related(pair.leg_a, pair.leg_b, _caller(scenario, pair))]
    settled = "is_loopback" not in scenario.text or "is_loopback" not in _set_later(scenario)
    early = scenario.profile.early_set_loopback_id and scenario.profile.since("1.8.6")
    for leg, letter in ((pair.leg_a, "A"), (pair.leg_b, "B")):
        # Before 1.10.3 both were set on loopback-a (history: ce019aa566).
        marked_early = early and (letter == "A" or scenario.profile.since("1.10.3"))
        at_first = given[leg].get("is_loopback", "1" if marked_early else None)
        found += _marks(leg, letter, settled, at_first)
    return found


@kept
def _related(leg_a: str, leg_b: str, caller: str | None) -> Iterator[Claim]:
    """Of whom the two legs know."""
    for clause, leg, variable, role in (
        ("other-loopback-leg", leg_a, "other_loopback_leg_uuid", leg_b),
        ("other-loopback-leg", leg_b, "other_loopback_leg_uuid", leg_a),
        ("from-uuid", leg_a, "loopback_from_uuid", caller),
        ("other-from-uuid", leg_b, "other_loopback_from_uuid", caller),
    ):
        held = LegNamed(EventRef(leg, "CHANNEL_CREATE"), f"variable_{variable}")
        yield Claim(f"exports.{clause}", leg, held, only(role))


@kept
def _marks(leg: str, letter: str, settled: bool, at_first: str | None) -> Iterator[Claim]:
    """What marks a loopback leg; `at_first` is its `is_loopback` before the endpoint sets that."""
    own = Header(EventRef(leg, "CHANNEL_CREATE"), "variable_loopback_leg")
    yield Claim("exports.loopback-leg", leg, own, only(letter))
    marked = Header(EventRef(leg, "CHANNEL_HANGUP_COMPLETE"), "variable_is_loopback")
    yield Claim("exports.is-loopback-at-the-end", leg, marked, only("1"))
    # Not at CHANNEL_HANGUP: the leg's own thread may have set it when that is written.
    for event in ("CHANNEL_CREATE", "CHANNEL_ANSWER") if settled else ():
        before = Header(EventRef(leg, event), "variable_is_loopback")
        yield Claim("exports.is-loopback-not-before", leg, before, only(at_first))


def _true_ids(scenario: Scenario, course: Course, acquired: frozenset[str]) -> Iterator[Claim]:
    """The last bridge with a loopback-b tells the other leg who dialled that one's pair."""
    if not course.bridges:
        return
    callers = {pair.leg_b: _caller(scenario, pair) for pair in pairs(scenario)}
    told: dict[str, str | None] = {}
    for bridge in course.bridges:
        if bridge.until > bridge.since:
            for leg_b, leg in ((bridge.caller, bridge.peer), (bridge.peer, bridge.caller)):
                if leg_b in callers:
                    told[leg] = callers[leg_b]
    for leg, caller in told.items():
        if leg not in acquired:
            yield from _true_id(leg, caller)


@kept
def _true_id(leg: str, caller: str | None) -> Iterator[Claim]:
    held = LegNamed(EventRef(leg, "CHANNEL_HANGUP_COMPLETE"), "variable_other_leg_true_id")
    yield Claim("exports.true-id", leg, held, only(caller))


def _set_later(scenario: Scenario) -> set[str]:
    stimuli = {s.deed.name for s in scenario.stimuli if isinstance(s.deed, UuidSetvar)}
    plans = {
        step.action.name
        for pair in pairs(scenario)
        for step in pair.steps
        if isinstance(step.action, SetVariable)
    }
    return stimuli | plans


def _caller(scenario: Scenario, pair: Pair) -> str | None:
    return scenario.diallers.get(pair.leg_a)


def _acquired(course: Course, *how: str) -> frozenset[str]:
    """The legs that are acquired by bowouts of these kinds.

    Who executes what a loopback leg did carries that one's variables, or was to; where it is
    disputed it is open to whom they were bridged last.
    """
    return frozenset(
        role for leaving in course.leavings if leaving.how in how for role in leaving.acquired
    )
