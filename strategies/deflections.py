"""Calls in which a loopback leg is deflected: the real leg beyond the other one is sent off."""

from __future__ import annotations

from functools import cache

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from conformance.scenario import (
    Answer,
    BridgeToNull,
    Direct,
    Event,
    HangUp,
    Origin,
    Park,
    RingReady,
    Scenario,
    SetVariable,
    Stimulus,
    Target,
    UuidDeflect,
)
from strategies.basics import weighted
from strategies.bridges import HANGUP_CAUSES, Plan, pauses, preludes
from strategies.stimuli import at, kill_once_parked
from strategies.variables import names, words

_EARLY = (300, 500, 700, 1000, 1300)


@cache
def deflected_plans() -> SearchStrategy[Plan]:
    """What the leg that is sent off executes."""
    steps = weighted(
        (2, pauses().map(lambda pause: (pause,))),
        (1, st.just((RingReady(),))),
        (1, st.just((Answer(),))),
        (1, st.builds(SetVariable, names(), words()).map(lambda step: (step,))),
    )
    ends = weighted(
        (2, st.sampled_from(HANGUP_CAUSES).map(lambda cause: (HangUp(cause),))),
        (1, st.just((Park(),))),
        (1, st.just(())),
    )
    return st.builds(lambda first, end: (*first, *end), steps, ends)


@st.composite
def deflected_calls(draw: DrawFn, origin: Origin, target: Target) -> Scenario:
    """A call of one pair that is bridged to a b-leg, or parks, and is deflected before a bowout."""
    sent = "b-leg" if isinstance(origin, Direct) else draw(st.sampled_from(("a-leg", "b-leg")))
    deflected = {"a-leg": "loopback-b", "b-leg": "loopback-a"}[sent]
    parks = sent == "a-leg" and draw(weighted((4, st.just(False)), (1, st.just(True))))
    plan: Plan = (Answer(), Park())
    if not parks:
        b_leg = BridgeToNull(draw(st.sampled_from((0, 0, 200))))
        rest = draw(weighted((2, st.just(())), (1, st.tuples(pauses()))))
        plan = (*draw(preludes(media=False)), b_leg, *rest)
    where = draw(
        st.sampled_from(
            ((), (), ("XML",), ("XML", "public"), ("xml", "default"), ("XML", "conformance"))
        )
    )
    away = draw(deflected_plans())
    deed = UuidDeflect(deflected, away, *where)
    event, leg = (Event.PARK, "loopback-b") if parks else (Event.ANSWER, "b-leg")
    stimulus = draw(at(event, leg, _EARLY, st.just(deed)))
    ending: Stimulus | None = draw(kill_once_parked(sent, 400)) if Park() in away else None
    return Scenario(origin, target, plan, stimuli=(stimulus,), ending=ending)
