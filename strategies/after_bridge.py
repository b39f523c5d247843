"""Calls with legs that are told to park, to be transferred or to execute after a bridge.

Whatever parks is killed some time later, so that each call ends.
"""

from __future__ import annotations

from functools import cache

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from conformance.scenario import (
    BridgeToNull,
    Direct,
    Event,
    Origin,
    Pairs,
    Scenario,
    SetVariable,
    Stimulus,
    Target,
    Variables,
)
from strategies.basics import weighted
from strategies.bridges import HANGUP_CAUSES, Plan, pauses, preludes
from strategies.stimuli import at, kill_once_parked, kills

NOWHERE = "lc_nowhere"
"""An extension that no dialplan has."""

_EARLY = (500, 700, 1000, 1300)
_LATE = (3400, 3600)
_ONCE_PARKED = {"a-leg": 400, "b-leg": 400, "loopback-a": 600, "loopback-b": 1000}
"""Milliseconds: legs of a pair are killed one well after the other, and before a late ending."""


@cache
def parking() -> SearchStrategy[Pairs]:
    """Variables that have a leg park in one of three ways."""
    return st.sampled_from(
        (
            (("park_after_bridge", "true"),),
            (("transfer_after_bridge", "park:inline"),),
            (("exec_after_bridge_app", "park"),),
        )
    )


@cache
def leaving() -> SearchStrategy[Pairs]:
    """Variables that have a leg execute something else, or lead it nowhere."""
    executed = st.sampled_from(HANGUP_CAUSES).map(
        lambda cause: (("exec_after_bridge_app", "hangup"), ("exec_after_bridge_arg", cause))
    )
    return weighted(
        (2, executed),
        (1, st.just((("exec_after_bridge_app", "sleep"), ("exec_after_bridge_arg", "300")))),
        (1, st.just((("transfer_after_bridge", "hangup:inline"),))),
        (1, st.just((("transfer_after_bridge", NOWHERE),))),
    )


@st.composite
def after_bridge_calls(draw: DrawFn, origin: Origin, target: Target) -> Scenario:
    """A call of one pair that is bridged to a b-leg, with such variables somewhere."""
    own = ("originate",) if origin.kind == "a_leg_bridges" else ("set",)
    alone = () if isinstance(origin, Direct) else (*own, "export", "export")
    holder = draw(st.sampled_from((*alone, "braces", "brackets", "one leg", "plan", "b-leg")))
    told = draw(parking() if holder in ("export", "braces", "brackets") else _any())
    legs, given, before, on_b_leg = _held(holder, told, draw(st.booleans()))
    plan: Plan = (
        *draw(preludes(media=False)),
        *before,
        BridgeToNull(draw(st.sampled_from((0, 0, 200))), variables=on_b_leg),
        *draw(weighted((3, st.just(())), (1, pauses().map(lambda pause: (pause,))))),
    )
    stimuli = tuple(draw(kill_once_parked(leg, _ONCE_PARKED[leg])) for leg in legs)
    return Scenario(origin, target, plan, given, stimuli, draw(_ending()))


@cache
def _any() -> SearchStrategy[Pairs]:
    return weighted((3, parking()), (2, leaving()))


def _held(holder: str, told: Pairs, on_a: bool) -> tuple[tuple[str, ...], Variables, Plan, Pairs]:
    """The legs that hold the variables, and where they are given: scopes, plan, b-leg."""
    pair = ("loopback-a", "loopback-b")
    match holder:
        case "one leg":  # of a name in {} and [], loopback-a has the former, loopback-b the latter
            braces, brackets = ("true", "false") if on_a else ("false", "true")
            name = "park_after_bridge"
            return pair, Variables(braces=((name, braces),), brackets=((name, brackets),)), (), ()
        case "plan":
            return pair[1:], Variables(), tuple(SetVariable(*one) for one in told), ()
        case "b-leg":
            return ("b-leg",), Variables(), (), told
        case "braces" | "brackets":
            return pair, Variables(**{holder: told}), (), ()
        case "export":
            return ("a-leg", *pair, "b-leg"), Variables(export=told), (), ()
        case _:
            return ("a-leg",), Variables(**{holder: told}), (), ()


@cache
def _ending() -> SearchStrategy[Stimulus]:
    legs = kills(("a-leg", "b-leg"))
    return weighted(
        (1, at(Event.ANSWER, "b-leg", _EARLY, legs)), (2, at(Event.ANSWER, "b-leg", _LATE, legs))
    )
