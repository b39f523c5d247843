"""One call in full: what it was judged by, beside what the switch did."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from conformance.expectation import Claim, Outcome
from conformance.facts import Unobservable, outcome
from conformance.judge import hold, nearest
from conformance.model.course import Course
from conformance.observation import Observation, Placement, observe
from conformance.scenario import Scenario


class Compared(NamedTuple):
    """A claim with the outcome that was observed; without `holds` the judge has a finding."""

    claim: Claim
    got: Outcome
    holds: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """A placement beside the legal course that it is nearest to: the one that it is judged by.

    `compared` are the claims of that course whose facts can be read, in the order of the judge.
    """

    seen: Observation
    course: Course
    compared: tuple[Compared, ...]


def compare(scenario: Scenario, placement: Placement) -> Comparison:
    """Set a placement beside the course that `conformance.judge.judge` judges it by."""
    seen = observe(scenario, placement)
    alternative = nearest(seen)
    return Comparison(seen, alternative.course, tuple(_compared(alternative.claims, seen)))


def _compared(claims: tuple[Claim, ...], seen: Observation) -> Iterator[Compared]:
    for claim in claims:
        got = outcome(claim.fact, seen)
        if not isinstance(got, Unobservable):
            yield Compared(claim, got, not hold((claim,), seen).findings)
