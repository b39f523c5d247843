"""The model's one entry: what a scenario may lead to on a conforming switch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, product

from conformance.expectation import Claim
from conformance.model import bowout as bowouts
from conformance.model import cdr, exports, legs, targets
from conformance.model.bowout import BOWOUT_SECONDS
from conformance.model.call import course
from conformance.model.course import NEVER, Course, Pace
from conformance.scenario import Direct, PlayTone, Scenario, Sleep, Unloop, pairs


@dataclass(frozen=True, slots=True)
class Applied:
    """When the switch carried out what is not the model's to say.

    `stimuli` holds, by index, the seconds from a stimulus's named event to its effect; `stall` the
    seconds that loopback-b waited on its execution, None where it was not seen.
    """

    stimuli: Mapping[int, float]
    stall: float | None = None


NOTICES = (0.0, 0.002, 0.01, 0.06)
DRIFTS = (0.0, 0.05)
SHIFTS = (0.0, 0.07, -0.07)
BOWOUTS = (BOWOUT_SECONDS, BOWOUT_SECONDS - 0.15, BOWOUT_SECONDS + 0.4)
LAG = 0.02
STALLS = (5.28, 5.0, 7.5)
"""How far (seconds) a loaded host may shift one thing against what happens beside it."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """The claims of one legal course; `rare` is one in which threads collided."""

    claims: tuple[Claim, ...]
    rare: bool


def predict(scenario: Scenario, applied: Applied) -> Iterator[Alternative]:
    """The courses that the scenario may legally take, the likeliest first, as claims.

    `applied` tells when the switch carried out what it times by itself. Where two things fall so
    near to each other that either may come first, each course is an alternative; an observation
    conforms if it meets one wholly.
    """
    shapes = set()
    for pace in _paces(scenario, applied):
        run = course(scenario, applied.stimuli, pace)
        shape = _shape(run)
        if shape not in shapes:
            shapes.add(shape)
            yield Alternative(tuple(_claims(scenario, run)), pace.collide)


def _paces(scenario: Scenario, applied: Applied) -> Iterator[Pace]:
    """What the host may decide that can matter to this scenario, the likeliest first."""
    numbers = [pair.number for pair in pairs(scenario)]
    actions = [step.action for pair in pairs(scenario) for step in pair.steps]
    waits = any(isinstance(action, Unloop) for action in actions)
    lasts = isinstance(scenario.origin, Direct) or any(
        isinstance(action, Sleep | PlayTone) for action in actions
    )
    drifts = DRIFTS if lasts else DRIFTS[:1]
    shifts = SHIFTS if scenario.all_stimuli() else SHIFTS[:1]
    firsts = (0, *numbers) if len(numbers) > 1 else (0,)
    stalls: tuple[float, ...] = STALLS if waits else STALLS[:1]
    if applied.stall is not None:
        stalls = (applied.stall,)
    for collide, lag in ((False, 0.0), (True, 0.0), (True, LAG)):
        for count in range(len(numbers) + 1):
            for cut in combinations(numbers, count):
                for first, stall, shift, drift, notice, bowout in product(
                    firsts, stalls, shifts, drifts, _notices(len(numbers) + 1), BOWOUTS
                ):
                    yield Pace(
                        bowout, notice, drift, shift, stall, frozenset(cut), first, lag, collide
                    )


def _notices(dialling: int) -> list[tuple[float, ...]]:
    """Each who dials notices at once or late, independently; the finer steps only all together."""
    together = [(notice,) * dialling for notice in NOTICES]
    apart = product((NOTICES[0], NOTICES[-1]), repeat=dialling)
    return list(dict.fromkeys([*together, *apart]))


def _claims(scenario: Scenario, run: Course) -> Iterator[Claim]:
    yield from legs.claims(scenario, run)
    yield from targets.claims(scenario, run)
    yield from bowouts.claims(scenario, run)
    yield from exports.claims(scenario, run)
    yield from cdr.claims(scenario, run)


def _shape(run: Course) -> object:
    """What tells one course from another, whatever its times."""
    legs = run.legs.values()
    return (
        tuple((leg.role, leg.causes, leg.applications, leg.lost) for leg in legs),
        tuple((leg.early < NEVER, leg.answered < NEVER, tuple(leg.given.items())) for leg in legs),
        tuple((bridge.caller, bridge.peer, run.there(bridge.since)) for bridge in run.bridges),
        tuple((one.how, one.pair, one.legs, one.clean) for one in run.leavings),
    )
