"""Scenarios from a seed: the same on every run and every machine with the same Hypothesis.

Hypothesis's own engine is no help here: it starts with trivial examples, repeats parts of earlier
ones, and puts in constants that it finds in whatever modules are loaded. Its entry point for
fuzzers does none of that: each example comes from bytes of its own, drawn from the seed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count as numbers
from itertools import islice
from random import Random
from typing import Any, TypeVar

from hypothesis import given, settings
from hypothesis.strategies import SearchStrategy

from conformance.profile import Profile
from conformance.scenario import Scenario
from strategies.profiles import profiles
from strategies.scenarios import scenarios

T = TypeVar("T")

BLOCK = 100
"""Scenarios placed under one profile before the next."""

CERTAIN: tuple[Mapping[str, Any], ...] = (
    {"fire_bowout_on_bridge": True, "bowout_controlled_hangup": True, "global_variables": ()},
    {"early_set_loopback_id": True, "global_variables": ()},
)
"""What the first profiles of every seed have."""

BYTES = 8192
"""Bytes for an example: many times what a scenario takes."""


def generate(
    seed: int, count: int, strategy: SearchStrategy[Scenario] | None = None
) -> list[Scenario]:
    """`count` different scenarios of a seed; a smaller count gives the beginning of the same list.

    Without a `strategy` they are `scenarios()` in blocks of `BLOCK`, of which every third has a
    profile of its own. One that cannot make so many different scenarios makes this run
    for ever.
    """
    return list(islice(stream(seed, strategy), count))


def stream(seed: int, strategy: SearchStrategy[Scenario] | None = None) -> Iterator[Scenario]:
    """The scenarios of a seed, one after the other, each once, without end."""
    seen: set[str] = set()
    source = samples(strategy if strategy is not None else scenarios(), seed)
    drawn = samples(profiles(), f"{seed}/profiles")
    profile: Profile | None = None
    for scenario in source:
        placed = scenario if profile is None else replace(scenario, profile=profile)
        if placed.id not in seen:
            seen.add(placed.id)
            yield placed
            block, inside = divmod(len(seen), BLOCK)
            if strategy is None and not inside:
                profile = _profile(drawn, block // 3) if block % 3 == 2 else None


def _profile(drawn: Iterator[Profile], number: int) -> Profile:
    """The next profile; what most depends on the settings comes first, whatever the seed."""
    profile = next(drawn)
    return replace(profile, **CERTAIN[number]) if number < len(CERTAIN) else profile


def samples(strategy: SearchStrategy[T], seed: int | str) -> Iterator[T]:
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
