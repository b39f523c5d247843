"""The gate: which changes fail an upgrade, and whether they were decided at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from conformance.changes import Change, Changes
from conformance.clauses import CLAUSES, Level
from conformance.profile import numbers

DISTRIBUTION, RAW = "distribution", "raw"
"""Words for what is no change of a clause in a scenario."""

WORDS = {change.value.replace(" ", "-"): change for change in Change if change is not Change.SAME}
"""The words by which changes of clauses are asked for."""


@dataclass(frozen=True, slots=True)
class FailOn:
    """What fails the gate: changes of clauses of these levels, distributions, raw differences."""

    changes: frozenset[Change] = frozenset({Change.REGRESSION})
    levels: frozenset[Level] = frozenset(Level)
    distribution: bool = False
    raw: bool = False


def fail_on(text: str) -> FailOn:
    """What words between commas ask for, such as `regression,must`; raises ValueError.

    Without a level it is all of them, without a kind of change it is regressions.
    """
    words = [word.strip().lower() for word in text.split(",") if word.strip()]
    levels = {level.value.lower(): level for level in Level}
    for word in words:
        if word not in (*WORDS, *levels, DISTRIBUTION, RAW):
            known = ", ".join((*WORDS, DISTRIBUTION, RAW, *levels))
            raise ValueError(f"{word!a} is none of {known}")
    changes = frozenset(WORDS[word] for word in words if word in WORDS)
    others = {DISTRIBUTION, RAW} & set(words)
    return FailOn(
        changes=changes if changes or others else FailOn().changes,
        levels=frozenset(levels[word] for word in words if word in levels) or frozenset(Level),
        distribution=DISTRIBUTION in words,
        raw=RAW in words,
    )


def failures(changes: Changes, asked: FailOn) -> Iterator[str]:
    """What fails the gate, a line each."""
    for name, one in changes.clauses.items():
        for change, count in one.counts.items():
            if change in asked.changes and one.level in asked.levels:
                yield f"{change}: {name} ({one.level}), scenarios: {count}"
    for shift in changes.shifts if asked.distribution else ():
        if CLAUSES[shift.clause].level in asked.levels:
            yield f"{DISTRIBUTION}: {shift.clause}, {shift.subject}"
    for raw in changes.raw if asked.raw else ():
        yield f"{RAW}: {raw.difference}"


def doubts(changes: Changes, release: str) -> Iterator[str]:
    """Why the comparison is not decided, a line each; `release` is that of the model.

    What is flaky on the old switch already says nothing of the new one.
    """
    if not any(one.compared for one in changes.clauses.values()):
        yield "no clause was compared"
        return
    for name, clause in CLAUSES.items():
        if clause.level is not Level.MUST or _later(clause.since, release):
            continue
        found = changes.clauses.get(name)
        if found is None:
            yield f"{name} (MUST): no scenario exercised it"
        elif any(case.new and not case.old for case in found.cases.get(Change.FLAKY, ())):
            yield f"{name} (MUST): attempts on the new one disagree, those on the old one do not"
        elif not found.compared:
            yield f"{name} (MUST): not exercised on both"


def _later(since: str, release: str) -> bool:
    return bool(since) and numbers(since) > numbers(release)
