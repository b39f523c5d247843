"""What the model is certain of: when a call is quiet, so that a hangup then means one thing alone.

The model runs on a host that keeps time and on slower ones: what they agree on is certain.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from conformance.model.call import course
from conformance.model.course import NEVER, Course, Pace
from conformance.model.predict import BOWOUTS, ON_TIME, STALLS
from conformance.model.variables import bowout_seconds
from conformance.scenario import Event, Moment, Scenario, UuidKill, pairs

LATE = 0.15
"""How much later (seconds) a slow host may notice something, or end a sleep."""

QUIET = 0.15
"""For how long (seconds) before and after a moment nothing else may happen."""

CLEAR = (-0.3, 0.2)
"""By how much (seconds) a hangup and a bowout may come nearer to each other on a slow host."""

TICK = 0.98
"""How much (seconds) of a time for dialling the whole seconds of the clock may cut off."""

DELAYS = (200, 300, 400, 500, 700, 1000, 1300, 1500, 2600, 3000)
"""Milliseconds from an event to a moment."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """A moment at which nothing else happens, and the legs that are there then.

    `stage` counts what has happened by then, `last` is whether nothing more will by itself.
    """

    moment: Moment
    legs: tuple[str, ...]
    stage: int
    last: bool


def is_certain(scenario: Scenario) -> bool:
    """Whether a call has the same legs on a slow host, and the same ones are taken."""
    return len({_outcome(run) for run in runs(scenario)}) == 1


def is_clear_of_bowouts(scenario: Scenario) -> bool:
    """Whether no hangup comes about when a bowout does, so that either might be first."""
    if not any(isinstance(one.deed, UuidKill) for one in scenario.all_stimuli()):
        return True
    prompt = (0.0,) * (1 + len(pairs(scenario)))
    pace = ON_TIME._replace(bowout=bowout_seconds(scenario), notice=prompt)
    runs = (course(scenario, {}, pace._replace(shift=shift)) for shift in (*CLEAR, 0.0))
    return len({tuple((one.how, one.legs) for one in run.leavings) for run in runs}) == 1


def ends_by_itself(scenario: Scenario) -> bool:
    """Whether every leg of a call ends, whoever is late."""
    return all(leg.gone < NEVER for run in runs(scenario) for leg in run.legs.values())


def quiet_moments(scenario: Scenario) -> list[Quiet]:
    """The moments at which a call that nothing ends is quiet, on slow hosts too."""
    courses = runs(scenario)
    times = [sorted(time for time in _times(run) if time < NEVER) for run in courses]
    found = []
    for event, leg in _told(courses):
        begun = [_at(run, event, leg) for run in courses]
        for delay in DELAYS:
            at = [start + delay / 1000 for start in begun]
            if not all(map(_is_quiet, times, at)):
                continue
            there = {run.there(moment) for run, moment in zip(courses, at, strict=True)}
            stages = [bisect_left(own, moment) for own, moment in zip(times, at, strict=True)]
            if len(there) == 1 and (legs := there.pop()):
                last = all(stage == len(own) for stage, own in zip(stages, times, strict=True))
                found.append(Quiet(Moment(event, leg, delay), legs, stages[0], last))
    return found


def by_stage(moments: Sequence[Quiet]) -> list[list[Quiet]]:
    """The moments between the same two things that happen, for each such stage of a call."""
    stages: dict[int, list[Quiet]] = defaultdict(list)
    for one in moments:
        stages[one.stage].append(one)
    return list(stages.values())


def runs(scenario: Scenario) -> list[Course]:
    """The call on a host that keeps time, which is the first, and on slow ones."""
    return [course(scenario, {}, pace) for pace in _paces(scenario)]


def _paces(scenario: Scenario) -> Iterator[Pace]:
    prompt = (0.0,) * (1 + len(pairs(scenario)))
    due = bowout_seconds(scenario)
    on_time = ON_TIME._replace(bowout=due, notice=prompt)
    yield on_time
    yield on_time._replace(bowout=due + min(BOWOUTS), stall=min(STALLS))
    if any(bridge.timeout_s for bridge in scenario.null_bridges.values()):
        yield on_time._replace(tick=TICK)
    late = on_time._replace(notice=(LATE,) * len(prompt), drift=LATE)
    yield late._replace(bowout=due + max(BOWOUTS), stall=max(STALLS))
    for number in range(len(prompt)):
        notices = tuple(LATE if number == other else 0.0 for other in range(len(prompt)))
        yield on_time._replace(notice=notices)


def _outcome(run: Course) -> object:
    """What came of the legs and of those dialled at once, in whatever order."""
    legs = run.legs.values()
    return (
        frozenset((leg.role, leg.causes, leg.applications, leg.gone < NEVER) for leg in legs),
        frozenset((leg.role, leg.answered < NEVER) for leg in legs),
        frozenset((one.caller, one.legs, one.taken, one.cause) for one in run.forks),
    )


def _times(run: Course) -> Iterator[float]:
    """When something happens."""
    for leg in run.legs.values():
        yield from (leg.created, leg.ringing, leg.early, leg.answered, leg.gone)
        yield from leg.began
    yield from chain.from_iterable((bridge.since, bridge.until) for bridge in run.bridges)
    yield from (leaving.at for leaving in run.leavings)


def _told(runs: Sequence[Course]) -> Iterator[tuple[Event, str]]:
    """The events from which a moment may count: those that certainly come, and once."""
    for role in runs[0].legs:
        if all(role in run.legs for run in runs):
            yield Event.CREATE, role
            if all(run.legs[role].answered < NEVER for run in runs):
                yield Event.ANSWER, role


def _at(run: Course, event: Event, role: str) -> float:
    leg = run.legs[role]
    return leg.created if event is Event.CREATE else leg.answered


def _is_quiet(times: Sequence[float], at: float) -> bool:
    following = bisect_left(times, at - QUIET)
    return following == len(times) or times[following] > at + QUIET
