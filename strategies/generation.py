"""Scenarios from a seed: the same on every run and every machine with the same Hypothesis.

Hypothesis's own engine is no help here: it starts with trivial examples, repeats parts of earlier
ones, and puts in constants that it finds in whatever modules are loaded. Its entry point for
fuzzers does none of that: each example comes from bytes of its own, drawn from the seed.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count as numbers
from itertools import islice
from random import Random
from typing import TypeVar

from hypothesis import given, settings
from hypothesis.strategies import SearchStrategy

from conformance.scenario import Scenario
from strategies.scenarios import scenarios

T = TypeVar("T")

BYTES = 8192
"""Bytes for an example: many times what a scenario takes."""


def generate(
    seed: int, count: int, strategy: SearchStrategy[Scenario] | None = None
) -> list[Scenario]:
    """`count` different scenarios of a seed; a smaller count gives the beginning of the same list.

    `strategy` is `scenarios()` where it is not given. One that cannot make so many different
    scenarios makes this run for ever.
    """
    return list(islice(stream(seed, strategy), count))


def stream(seed: int, strategy: SearchStrategy[Scenario] | None = None) -> Iterator[Scenario]:
    """The scenarios of a seed, one after the other, each once, without end."""
    seen: set[str] = set()
    for scenario in samples(strategy if strategy is not None else scenarios(), seed):
        if scenario.id not in seen:
            seen.add(scenario.id)
            yield scenario


def samples(strategy: SearchStrategy[T], seed: int) -> Iterator[T]:
    """Examples of any strategy, the same for the same seed, without end and without shrinking."""
    made: list[T] = []

    @settings(database=None)
    @given(strategy)
    def take(example: T) -> None:
        made.append(example)

    run = take.hypothesis.fuzz_one_input  # type: ignore[attr-defined]
    for number in numbers():
        made.clear()
        # A text as seed goes through SHA-512, alike in all versions of Python.
        run(Random(f"{seed}/{number}").randbytes(BYTES))
        yield from made
