"""Stimuli: a deed some time after an event, and the kill of a leg."""

from __future__ import annotations

from functools import cache

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from conformance.scenario import Deed, Event, Moment, Stimulus, UuidKill
from strategies.bridges import HANGUP_CAUSES


@cache
def at(
    event: Event, leg: str, delays: tuple[int, ...], deeds: SearchStrategy[Deed]
) -> SearchStrategy[Stimulus]:
    """One of the deeds, one of the delays (milliseconds) after the first such event of the leg."""
    moments = st.builds(Moment, st.just(event), st.just(leg), st.sampled_from(delays))
    return st.builds(Stimulus, moments, deeds)


@cache
def kills(legs: tuple[str, ...]) -> SearchStrategy[UuidKill]:
    """`uuid_kill` of one of the legs, with a cause."""
    return st.builds(UuidKill, st.sampled_from(legs), st.sampled_from(HANGUP_CAUSES))


def kill_once_parked(leg: str, delay_ms: int) -> SearchStrategy[Stimulus]:
    """`uuid_kill` of a leg, this long after it parks, if it does."""
    return at(Event.PARK, leg, (delay_ms,), kills((leg,)))
