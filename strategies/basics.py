"""What the strategies are made of: a choice with weights, texts over an alphabet."""

from __future__ import annotations

from bisect import bisect
from itertools import accumulate
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

T = TypeVar("T")


def weighted(*choices: tuple[int, SearchStrategy[T]]) -> SearchStrategy[T]:
    """One of the strategies, as often as its weight says; those of weight 0 never.

    Hypothesis shrinks towards the first, so put the simplest there. (`one_of` drops duplicates,
    and so cannot weigh.)
    """
    strategies = [strategy for _, strategy in choices]
    ends = list(accumulate(weight for weight, _ in choices))

    def pick(ticket: int) -> SearchStrategy[T]:
        return strategies[bisect(ends, ticket)]

    # A function, for its repr is short: Hypothesis writes out what a list of strategies holds.
    return st.integers(0, ends[-1] - 1).flatmap(pick)


def texts(alphabet: str, *, min_size: int = 0, max_size: int) -> SearchStrategy[str]:
    """Texts of characters of the alphabet; one that stands there twice comes twice as often.

    (`text` would do, but it writes a table of Unicode into a directory `.hypothesis`.)
    """
    return st.lists(st.sampled_from(alphabet), min_size=min_size, max_size=max_size).map("".join)
