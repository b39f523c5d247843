"""Measure how much the model commits itself to: clause by clause, the share of single outcomes.

A prediction is a clause applied to one fact of one call. It is single where every legal course of
the call allows just one outcome, a band where that is a time or a number within limits, and open
where more than one outcome is legal. Run `python -m benchmarks.certainty [--scenarios N] [--seed N]
[--json]`; nothing is placed.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterable

from conformance.clauses import CLAUSES
from conformance.expectation import Allowed, Claim, OneOf
from conformance.model.predict import Alternative, Applied, predict
from conformance.scenario import Scenario
from strategies import generate

SINGLE, BAND, OPEN = "single", "band", "open"
KINDS = (SINGLE, BAND, OPEN)


def kinds(scenario: Scenario) -> dict[str, Counter[str]]:
    """How many predictions of each kind the model makes for a scenario, by clause."""
    courses = list(predict(scenario, Applied(stimuli={})))
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for claim in courses[0].claims:
        found[claim.clause][_kind(claim, courses)] += 1
    return found


def _kind(claim: Claim, courses: Iterable[Alternative]) -> str:
    """What all courses together allow for the fact of a claim; rare courses count too."""
    allowed = {
        other.allowed
        for course in courses
        for other in course.claims
        if (other.clause, other.fact) == (claim.clause, claim.fact)
    }
    return _kind_of(allowed)


def _kind_of(allowed: set[Allowed]) -> str:
    values = {value for one in allowed if isinstance(one, OneOf) for value in one.values}
    bands = [one for one in allowed if not isinstance(one, OneOf)]
    if bands:
        return BAND if len(bands) == 1 and not values else OPEN
    return SINGLE if len(values) == 1 else OPEN


def main() -> None:
    """Print the shares, or give them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenarios", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    total: dict[str, Counter[str]] = {name: Counter() for name in CLAUSES}
    for scenario in generate(asked.seed, asked.scenarios):
        for name, counted in kinds(scenario).items():
            total[name] += counted
    if asked.json:
        print(json.dumps(total, indent=2))
        return
    print(f"{'clause':40}{'predictions':>12}" + "".join(f"{kind:>9}" for kind in KINDS))
    for name, counted in (*total.items(), ("all", sum(total.values(), Counter[str]()))):
        number = counted.total()
        shares = (f"{counted[kind] / number:9.1%}" if number else f"{'-':>9}" for kind in KINDS)
        print(f"{name:40}{number:12}" + "".join(shares))


if __name__ == "__main__":
    main()
