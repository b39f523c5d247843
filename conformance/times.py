"""The bowout's times over a whole run, counted in bins: a long run needs no more room for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from conformance.expectation import Within

BINS_A_SECOND = 100
"""Bins are 10 ms wide; bin n holds the times from n / 100 seconds on."""

FIRST_BIN, LAST_BIN = -1_000, 6_000
"""What is earlier or later is counted in the outermost bin: a switch's clock may say anything."""


class Time(NamedTuple):
    """How long a bowout took in one call.

    `seconds` is None where it never came; `early` and `late` are the bounds that held for it, with
    the host's lateness.
    """

    clause: str
    allowed: Within
    seconds: float | None
    early: float
    late: float


@dataclass(frozen=True, slots=True)
class Times:
    """All times of one clause that are due after the same number of seconds.

    `within` and `outside` count by bin those in and beyond the bounds that held for them, `never`
    those that did not come. Every one may lie in `always` (seconds), and none beyond `at_most`,
    which the host's lateness widens.
    """

    clause: str
    nominal: float
    always: tuple[float, float]
    at_most: tuple[float, float]
    within: Mapping[int, int]
    outside: Mapping[int, int]
    never: int = 0

    @property
    def total(self) -> int:
        """How many calls were measured."""
        return self.inside + self.beyond + self.never

    @property
    def inside(self) -> int:
        """How many were in time."""
        return sum(self.within.values())

    @property
    def beyond(self) -> int:
        """How many came, but too early or too late."""
        return sum(self.outside.values())

    def quantile(self, share: float) -> float | None:
        """The beginning (seconds) of the bin by which this share came, None where none did."""
        bins = Counter(self.within) + Counter(self.outside)
        least, sum_so_far = share * bins.total(), 0
        for number, count in sorted(bins.items()):
            sum_so_far += count
            if sum_so_far >= least:
                return number / BINS_A_SECOND
        return None


@dataclass(slots=True)
class _Group:
    early: tuple[float, float]
    late: tuple[float, float]
    within: Counter[int] = field(default_factory=Counter)
    outside: Counter[int] = field(default_factory=Counter)
    never: int = 0


class TimesCounter:
    """Counts times as they are judged."""

    def __init__(self) -> None:
        """Nothing was measured yet."""
        self._groups: dict[tuple[str, float], _Group] = {}

    def add(self, times: Iterable[Time]) -> None:
        """Count those of one call."""
        for clause, allowed, seconds, early, late in times:
            key = (clause, allowed.nominal)
            group = self._groups.get(key)
            if group is None:
                group = self._groups[key] = _Group((early, early), (late, late))
            group.early = min(group.early[0], early), max(group.early[1], early)
            group.late = min(group.late[0], late), max(group.late[1], late)
            if seconds is None:
                group.never += 1
            elif early <= seconds <= late:
                group.within[_bin(seconds)] += 1
            else:
                group.outside[_bin(seconds)] += 1

    def result(self) -> tuple[Times, ...]:
        """What was measured so far, by clause and by when it is due."""
        return tuple(
            Times(
                clause=clause,
                nominal=nominal,
                always=(group.early[1], group.late[0]),
                at_most=(group.early[0], group.late[1]),
                within=MappingProxyType(dict(group.within)),
                outside=MappingProxyType(dict(group.outside)),
                never=group.never,
            )
            for (clause, nominal), group in sorted(self._groups.items())
        )


def _bin(seconds: float) -> int:
    # Times are whole milliseconds, which a product with 100 may fall just short of.
    return min(max(round(seconds * 1000) // 10, FIRST_BIN), LAST_BIN)
