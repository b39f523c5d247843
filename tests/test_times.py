"""How long bowouts took in a whole run: counted in bins, against the bounds that held for each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign.session import judge_recording
from conformance.expectation import Within
from conformance.times import FIRST_BIN, LAST_BIN, Time, Times, TimesCounter
from conformance.verdicts import JudgedScenario, decide
from reports.histogram import histogram
from tests.recorded_calls import RECORDING, keeping

AFTER = "bowout.after-both-legs-answered"
BAND = Within(1.9, 2.2, 2.0)


def counted(*seconds: float | None, lateness: Sequence[float] = (0.0,)) -> Times:
    """Give what is counted of these times, each with every lateness."""
    counter = TimesCounter()
    for late in lateness:
        bounds = BAND.bounds(late)
        counter.add([Time(AFTER, BAND, one, *bounds) for one in seconds])
    (times,) = counter.result()
    return times


def test_times_are_counted_in_bins_of_10_ms() -> None:
    times = counted(2.0, 2.009, 2.01, 2.2)
    assert dict(times.within) == {200: 2, 201: 1, 220: 1}
    assert (times.inside, times.beyond, times.never, times.total) == (4, 0, 0, 4)


def test_what_is_out_of_its_bounds_is_counted_apart() -> None:
    times = counted(1.89, 2.0, 2.201, None)
    assert dict(times.within) == {200: 1}
    assert dict(times.outside) == {189: 1, 220: 1}
    assert times.never == 1


def test_the_band_is_what_held_for_each_and_what_held_for_some() -> None:
    times = counted(2.0, lateness=(0.05, 0.3))
    assert times.always == pytest.approx((1.85, 2.25))
    assert times.at_most == pytest.approx((1.6, 2.5))


def test_what_is_due_at_another_time_is_counted_apart() -> None:
    counter = TimesCounter()
    for nominal in (2.0, 1.98, 2.0):
        counter.add([Time(AFTER, Within(1.0, 3.0, nominal), 2.0, 1.0, 3.0)])
    assert [(one.nominal, one.total) for one in counter.result()] == [(1.98, 1), (2.0, 2)]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e9, max_value=1e9)))
def test_whatever_a_clock_says_the_bins_are_bounded(seconds: list[float]) -> None:
    counter = TimesCounter()
    counter.add([Time(AFTER, BAND, one, *BAND.bounds(0.0)) for one in seconds])
    for times in counter.result():
        assert all(FIRST_BIN <= one <= LAST_BIN for one in (*times.within, *times.outside))
        assert times.total == len(seconds)


@pytest.mark.parametrize(("share", "seconds"), [(0.0, 2.0), (0.5, 2.02), (0.8, 2.08), (1.0, 2.5)])
def test_quantiles(share: float, seconds: float) -> None:
    times = counted(2.0, 2.01, 2.02, 2.08, 2.5)
    assert times.quantile(share) == seconds


def test_nothing_came() -> None:
    assert counted(None, None).quantile(0.5) is None


def test_the_judge_measures_each_bowout() -> None:
    for call in keeping()[AFTER][:20]:
        times = [one for one in call.judged().times if one.clause == AFTER]
        assert times
        assert all(
            one.seconds is not None and one.early <= one.seconds <= one.late for one in times
        )


def test_a_late_bowout_is_measured_where_it_was() -> None:
    call = keeping()[AFTER][0]
    draft = call.draft()
    for leg in draft.loopbacks:
        draft.shift(leg, "CHANNEL_HANGUP", 0.5)
    judgement = draft.call().judged()
    assert AFTER in {finding.clause for finding in judgement.findings}
    (late,) = [one for one in judgement.times if one.clause == AFTER]
    (before,) = [one for one in call.judged().times if one.clause == AFTER]
    assert late.seconds == pytest.approx((before.seconds or 0.0) + 0.5)
    (times,) = [
        one
        for one in decide([JudgedScenario(call.scenario, (judgement,))]).times
        if one.clause == AFTER
    ]
    assert (times.inside, times.beyond) == (0, 1)


def test_a_recording_gives_the_times_of_all_its_calls() -> None:
    result = judge_recording(RECORDING).result
    times = [one for one in result.times if one.clause == AFTER]
    assert sum(one.total for one in times) >= result.clauses[AFTER].exercised
    assert sum(one.beyond + one.never for one in times) == 0
    assert sum(result.profiles.values()) == result.attempts


@given(st.lists(st.floats(0, 60), min_size=1, max_size=40))
def test_crosses_above_what_is_late_do_not_cover_each_other(seconds: list[float]) -> None:
    times = counted(*seconds)
    crosses = re.findall(r'<path d="M([0-9.]+) [^"]+" class="cross"', histogram(times))
    places = sorted(map(float, crosses))
    assert all(right - left >= 8.9 for left, right in pairwise(places))
    assert bool(places) is (times.beyond > 0)
