"""Calls whose legs are confirmed by an application before they are taken (`group_confirm_*`)."""

from __future__ import annotations

from functools import cache

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from conformance.scenario import (
    Answer,
    BridgeToNull,
    Direct,
    Event,
    Origin,
    Park,
    Scenario,
    Stimulus,
    Target,
    Variables,
)
from strategies.basics import weighted
from strategies.bridges import HANGUP_CAUSES, Plan, pauses
from strategies.stimuli import at, kills

_EARLY = (700, 1000, 1300)
_LATE = (2800, 3000, 3400)


@cache
def accepting() -> SearchStrategy[str]:
    """Applications that leave the leg to be taken: at once, or after 100 or 200 ms."""
    return st.sampled_from(("sleep 100", "sleep 200", "sleep 200", "set lc_confirmed=yes"))


@cache
def refusing() -> SearchStrategy[str]:
    """`hangup` with a cause; after NO_ANSWER the plan of loopback-b goes on."""
    return st.sampled_from((*HANGUP_CAUSES, "NO_ANSWER")).map("hangup {}".format)


@st.composite
def confirmed_calls(draw: DrawFn, origin: Origin, target: Target) -> Scenario:
    """A call of one pair whose dial string, or the leg that dials, makes legs confirm.

    Where loopback-a confirms as well nothing refuses the b-leg: nobody could tell who comes first.
    """
    anywhere = ("braces", "braces", "brackets", "brackets", "brackets")
    more = ("export", "set") if origin.kind == "a_leg_runs_dialplan" else ()
    scope = draw(st.sampled_from((*anywhere, *more)))
    parks = draw(weighted((5, st.just(False)), (1, st.just(True))))
    may_refuse = scope == "brackets" or parks
    asked = draw(weighted((2, accepting()), (1 if may_refuse else 0, refusing())))
    given = Variables(**{scope: (("group_confirm_key", "exec"), ("group_confirm_file", asked))})
    plan: Plan = (Answer(), Park())
    if not parks:
        early = draw(st.sampled_from((False, False, True)))
        b_leg = BridgeToNull(draw(st.sampled_from((0, 0, 200))), early_media=early)
        plan = (b_leg, *draw(weighted((3, st.just(())), (1, st.tuples(pauses())))))
    refused = asked.startswith("hangup") and (scope != "brackets" or not parks)
    ending = None if refused else draw(_ending(origin, parks))
    return Scenario(origin, target, plan, given, ending=ending)


def _ending(origin: Origin, parks: bool) -> SearchStrategy[Stimulus]:
    first = "loopback-a" if isinstance(origin, Direct) else "a-leg"
    if parks:
        return at(Event.PARK, "loopback-b", _EARLY, kills((first, "loopback-b")))
    delays = _EARLY if isinstance(origin, Direct) else _EARLY + _LATE
    return at(Event.ANSWER, "b-leg", delays, kills((first, "b-leg")))
