"""Scenarios that are made ahead are those of the seed, and the process that makes them ends."""

import os
import signal
from itertools import islice
from pathlib import Path

import pytest

from campaign.ahead import AheadError, made_ahead
from strategies import generate


def children() -> set[int]:
    """Processes of this one."""
    listed = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text()
    return set(map(int, listed.split()))


def test_they_are_those_of_the_seed() -> None:
    with made_ahead(7, 50) as made:
        assert list(islice(made, 60)) == generate(7, 60)


def test_more_than_were_wanted_can_be_had() -> None:
    with made_ahead(7, 3) as made:
        assert list(islice(made, 6)) == generate(7, 6)


def test_who_needs_no_more_leaves_no_process() -> None:
    before = children()
    with made_ahead(1, 50) as made:
        next(made)
        assert children() - before
    assert children() == before


def test_a_process_that_ends_is_not_taken_for_the_end_of_the_scenarios() -> None:
    before = children()
    with made_ahead(1, 50) as made:
        next(made)
        (maker,) = children() - before
        os.kill(maker, signal.SIGKILL)
        with pytest.raises(AheadError, match="the process that makes them ended"):
            list(islice(made, 5000))


def test_where_no_pipe_may_be_large_they_are_made_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As for a user who has many: then fewer are made ahead."""
    monkeypatch.setattr("campaign.ahead._PIPE", (1 << 31) - 1)
    with made_ahead(7, 50) as made:
        assert list(islice(made, 60)) == generate(7, 60)
