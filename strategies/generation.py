"""Scenarios from a seed: the same on every run and every machine with the same Hypothesis.

Hypothesis's own engine is no help here: it starts with trivial examples, repeats parts of earlier
ones, and puts in constants that it finds in whatever modules are loaded. Its entry point for
fuzzers does none of that: each example comes from bytes of its own, drawn from the seed.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from itertools import count as numbers
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any, TypeAlias, TypeVar

from hypothesis import given, settings
from hypothesis.strategies import SearchStrategy
from msgspec.structs import replace

from conformance.compact import Bits
from conformance.profile import Profile
from conformance.scenario import Scenario
from strategies.fairness import Fairness
from strategies.profiles import profiles
from strategies.scenarios import scenarios

T = TypeVar("T")

Reader: TypeAlias = Callable[[bytes], tuple[T, bytes] | None]
"""Makes an example of bytes: the example and the bytes it took, None where they make none."""

BLOCK = 100
"""Scenarios placed under one profile before the next."""

CERTAIN: tuple[Mapping[str, Any], ...] = (
    {
        "fire_bowout_on_bridge": True,
        "bowout_controlled_hangup": True,
        "bowout_disable_on_inner_bridge": True,
        "log_b_leg": False,
        "global_variables": (),
    },
    {
        "early_set_loopback_id": True,
        "bowout_disable_on_inner_bridge": True,
        "global_variables": (),
    },
    {"bowout_disable_on_inner_bridge": True, "global_variables": ()},
)
"""What the first profiles of every seed have."""

BYTES = 8192
"""Bytes for an example: many times what a scenario takes."""


def generate(
    seed: int, count: int, strategy: SearchStrategy[Scenario] | None = None
) -> list[Scenario]:
    """`count` different scenarios of a seed; a smaller count gives the beginning of the same list.

    Without a `strategy` they are the `openers()`, then `scenarios()`, in blocks of `BLOCK`, of
    which every third has a profile of its own, steered so that each clause gets its share
    (`strategies.fairness`). A strategy that cannot make so many different scenarios makes this run
    for ever.
    """
    return list(islice(stream(seed, strategy), count))


def stream(seed: int, strategy: SearchStrategy[Scenario] | None = None) -> Iterator[Scenario]:
    """The scenarios of a seed, one after the other, each once, without end."""
    if strategy is None:
        yield from _steered(seed)
        return
    yield from each_once(samples(strategy, seed))


def each_once(scenarios: Iterable[Scenario]) -> Iterator[Scenario]:
    """The different ones of these scenarios, each where it comes first."""
    seen = Bits()
    for scenario in scenarios:
        if seen.add(int(scenario.id, 16)):
            yield scenario


def samples(strategy: SearchStrategy[T], seed: int | str) -> Iterator[T]:
    """Examples of any strategy, the same for the same seed, without end and without shrinking."""
    read = _reader(strategy)
    for fresh in _noise(seed):
        if made := read(fresh):
            yield made[0]


def _steered(seed: int) -> Iterator[Scenario]:
    """Every second scenario is a variation of one that exercised the rarest clause so far."""
    read = _reader(scenarios())
    drawn = samples(profiles(), f"{seed}/profiles")
    dice = Random(f"{seed}/variations")
    fairness, profile = Fairness(), Profile()
    seen, given = Bits(), 0
    patient = True
    opening = deque(_opening(profile))
    for fresh in _noise(seed):
        choices = b""
        if opening:
            scenario = opening.popleft()
        else:
            parent = fairness.parent(profile) if given % 2 else None
            made = read(fresh if parent is None else _varied(parent, fresh, dice))
            if made is None:
                continue
            scenario, choices = replace(made[0], profile=profile), made[1]
            # Variations tend to resemble each other: one of a known shape gives way once.
            if parent is not None and patient and fairness.knows(scenario):
                patient = False
                continue
        if not seen.add(int(scenario.id, 16)):
            continue
        patient = True
        given += 1
        fairness.count(scenario, choices)
        yield scenario
        block, inside = divmod(given, BLOCK)
        if not inside:
            profile = _profile(drawn, block // 3) if block % 3 == 2 else Profile()
            opening = deque(_opening(profile))


@cache
def openers() -> tuple[Scenario, ...]:
    """A few scenarios that exercise every clause, so that every run does which they begin."""
    file = Path(__file__).with_name("openers.jsonl")
    lines = file.read_text(encoding="utf-8").splitlines()
    return tuple(Scenario.from_json(json.loads(line)) for line in lines)


def _opening(profile: Profile) -> Iterator[Scenario]:
    """The openers for a switch that is set like this: those that need its settings, or none."""
    for one in openers():
        needed = one.profile.changed().items()
        if bool(needed) == bool(profile.changed()) and needed <= profile.changed().items():
            yield replace(one, profile=profile)


def _varied(parent: bytes, fresh: bytes, dice: Random) -> bytes:
    """The parent's bytes with up to half of them drawn afresh, in one stretch.

    What the stretch decides is then another thing; the rest, and so a rare clause, mostly stays.
    """
    start = dice.randrange(len(parent))
    end = start + dice.randint(1, 1 + len(parent) // 2)
    return parent[:start] + fresh[start:end] + parent[end:] + fresh[end:]


def _profile(drawn: Iterator[Profile], number: int) -> Profile:
    """The next profile; what most depends on the settings comes first, whatever the seed."""
    profile = next(drawn)
    return replace(profile, **CERTAIN[number]) if number < len(CERTAIN) else profile


def _noise(seed: int | str) -> Iterator[bytes]:
    # A text as seed goes through SHA-512, alike in all versions of Python.
    for number in numbers():
        yield Random(f"{seed}/{number}").randbytes(BYTES)


def _reader(strategy: SearchStrategy[T]) -> Reader[T]:
    made: list[T] = []

    @settings(database=None)
    @given(strategy)
    def take(example: T) -> None:
        made.append(example)

    run = take.hypothesis.fuzz_one_input  # type: ignore[attr-defined]

    def read(choices: bytes) -> tuple[T, bytes] | None:
        made.clear()
        taken = run(choices)
        return (made[0], taken) if made else None

    return read
