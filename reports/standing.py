"""A run in the four words that CI tools have, and why it is not decided.

Passed and failed are the verdicts of these names. Broken is what the suite owes an answer to: its
own fault, and of a MUST clause whatever else was placed and keeps the run from being decided. All
else is skipped, and the verdict is told beside it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from enum import StrEnum

from conformance.clauses import Level
from conformance.verdicts import (
    CONFORMS,
    FINDINGS,
    SETTLED,
    UNDECIDED,
    ClauseResult,
    RunResult,
    Verdict,
)

OUTCOMES: Mapping[int, str] = {
    CONFORMS: "conforms",
    FINDINGS: "does not conform",
    UNDECIDED: "not decided",
}
"""What is said of the switch, by the outcome of a run."""

STALE = "a known divergence is stale"
"""What is said beside the outcome where one expired, or differs no more."""


class Standing(StrEnum):
    """What a clause is to a CI tool."""

    PASSED = "passed"
    FAILED = "failed"
    BROKEN = "broken"
    SKIPPED = "skipped"


def standing(one: ClauseResult) -> Standing:
    """The word for a clause; nothing that keeps a run from being decided is passed."""
    match one.verdict:
        case Verdict.PASS:
            return Standing.PASSED
        case Verdict.FAIL:
            return Standing.FAILED
        case Verdict.ERROR:
            return Standing.BROKEN
        case Verdict.FLAKY | Verdict.INCONCLUSIVE if one.clause.level is Level.MUST:
            return Standing.BROKEN
    return Standing.SKIPPED


def counts(result: RunResult) -> dict[Verdict, int]:
    """How many clauses have each verdict, none left out."""
    found = Counter(one.verdict for one in result.clauses.values())
    return {verdict: found[verdict] for verdict in Verdict}


def undecided(result: RunResult) -> Iterator[ClauseResult]:
    """The MUST clauses that keep a run from being decided."""
    for one in result.clauses.values():
        if one.clause.level is Level.MUST and one.verdict not in SETTLED:
            yield one


def heading(result: RunResult) -> str:
    """The outcome in words, and what else there is that fails the gate."""
    words = OUTCOMES[result.outcome]
    return f"{words}; {STALE}" if result.stale else words


def doubts(result: RunResult) -> tuple[str, ...]:
    """Why a run is not decided, or not whole, a sentence each; nothing if it is both."""
    found = [f"the run is not whole: {result.shortfall}"] if result.shortfall else []
    found += [f"a switch was lost: {one}" for one in result.lost]
    if result.outcome == UNDECIDED:
        found += [f"{one.clause.name}: {one.verdict}, {one.note}" for one in undecided(result)]
        if not any(one.exercised for one in result.clauses.values()):
            found.append("no clause was exercised")
    return tuple(found)
