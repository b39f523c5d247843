"""The model's one entry: what a scenario may lead to on a conforming switch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from conformance.expectation import Claim, Expectation
from conformance.model import bowout, cdr, exports, legs, targets
from conformance.model.bowout import BOWOUT_SECONDS
from conformance.model.call import Course, course
from conformance.profile import Profile
from conformance.scenario import Scenario

EARLIEST = BOWOUT_SECONDS - 0.15
LATEST = BOWOUT_SECONDS + 0.4
"""How far (seconds) a loaded host may shift a bowout against what happens beside it."""


def predict(
    scenario: Scenario, profile: Profile, applied: Mapping[int, float]
) -> Expectation:
    """What the scenario may lead to.

    `applied` holds, by the stimulus's index, the seconds from its named event to the moment at
    which the switch carried it out. Where the bowout falls so near to something else that either
    may come first, each course is an alternative.
    """
    found: dict[object, tuple[Claim, ...]] = {}
    for seconds in (BOWOUT_SECONDS, EARLIEST, LATEST):
        run = course(scenario, profile, applied, seconds)
        found.setdefault(_shape(run), tuple(_claims(scenario, profile, run)))
    return Expectation(tuple(found.values()))


def _claims(scenario: Scenario, profile: Profile, run: Course) -> Iterator[Claim]:
    yield from legs.claims(scenario, run)
    yield from targets.claims(scenario, run)
    yield from bowout.claims(scenario, profile, run)
    yield from exports.claims(scenario, profile, run)
    yield from cdr.claims(scenario, run)


def _shape(run: Course) -> object:
    """What tells one course from another, whatever its times."""
    return (
        tuple((leg.role, leg.cause, leg.applications) for leg in run.legs.values()),
        tuple((bridge.caller, bridge.peer) for bridge in run.bridges),
        tuple((leaving.how, leaving.pair, leaving.legs) for leaving in run.leavings),
    )
