"""Fair shares: of which scenario to make a variation next, so that no clause is left behind.

Only the scenarios so far decide, never what a switch did with them: a scenario counts for the
clauses that the model speaks of in the likeliest course of its call.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from msgspec.structs import replace

from conformance.compact import Bits
from conformance.model.predict import Applied, predict
from conformance.profile import Profile
from conformance.scenario import Scenario
from conformance.shape import shape_key

REMEMBERED = 24
"""Shapes remembered of the scenarios that exercise a clause."""

_UNTOLD = Applied(stimuli={}, stall=None)


def clauses_of(scenario: Scenario) -> frozenset[str]:
    """The clauses that a scenario exercises if its call takes the likeliest course."""
    likeliest = next(predict(scenario, _UNTOLD))
    return frozenset(claim.clause for claim in likeliest.claims)


class Fairness:
    """How often the scenarios so far exercise each clause, and which of them do.

    A scenario is remembered as the choices that it was made of: the latest one of each shape, of
    the `REMEMBERED` shapes that came last. A profile other than the default is remembered until the
    next one comes, for it does not come again; what its scenarios would exercise under the default
    one is remembered there.
    """

    def __init__(self) -> None:
        """Nothing is exercised yet."""
        self._exercised: Counter[str] = Counter()
        self._turns: Counter[str] = Counter()
        self._shapes = Bits()
        self._parents: dict[Profile, dict[str, dict[int, bytes]]] = {}

    def count(self, scenario: Scenario, choices: bytes) -> None:
        """Count a scenario for each clause that it exercises.

        One that was not made of choices (b"") is never varied.
        """
        exercised = clauses_of(scenario)
        self._exercised.update(exercised)
        self._shapes.add(shape_key(scenario))
        if scenario.profile not in self._parents:
            self._parents = {p: kept for p, kept in self._parents.items() if p == Profile()}
        if not choices:
            return
        self._remember(scenario, exercised, choices)
        if scenario.profile != Profile():
            elsewhere = replace(scenario, profile=Profile())
            self._remember(elsewhere, clauses_of(elsewhere), choices)

    def _remember(self, scenario: Scenario, clauses: Iterable[str], choices: bytes) -> None:
        shape, parents = shape_key(scenario), self._parents.setdefault(scenario.profile, {})
        for clause in clauses:
            remembered = parents.setdefault(clause, {})
            remembered.pop(shape, None)
            remembered[shape] = choices
            if len(remembered) > REMEMBERED:
                del remembered[next(iter(remembered))]

    def knows(self, scenario: Scenario) -> bool:
        """Whether a scenario of this shape was counted."""
        return shape_key(scenario) in self._shapes

    def parent(self, profile: Profile) -> bytes | None:
        """Choices of a scenario that exercises the rarest clause, of each shape in turn.

        A clause that nothing exercised under this profile waits, for the profile may be why; None
        where that is so of all.
        """
        parents = self._parents.get(profile)
        if not parents:
            return None
        rarest = min(parents, key=lambda clause: (self._exercised[clause], clause))
        turn = self._turns[rarest] % len(parents[rarest])
        self._turns[rarest] += 1
        return list(parents[rarest].values())[turn]
