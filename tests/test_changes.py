"""What changed between two switches: clauses, raw differences, distributions; the gate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from conformance.changes import Change, Changes, Comparing, Side
from conformance.clauses import CLAUSES, Level
from conformance.gate import FailOn, doubts, fail_on, failures
from conformance.judge import Finding, Judgement
from conformance.observation import UNREADABLE, Headers, Placement, observe
from conformance.raw import raw_differences, raw_outline
from conformance.scenario import Scenario
from tests.recorded_calls import Call, keeping

CLAUSE = "bowout.bridges-real-legs"
MUST = [name for name, one in CLAUSES.items() if one.level is Level.MUST]
HOLDS, BREAKS = "", "the number of CHANNEL_BRIDGE of a-leg was 1; expected 2"


def calls(count: int) -> Sequence[Call]:
    """Recorded calls with a bowout."""
    return keeping()[CLAUSE][:count]


def judged(said: str | None) -> Judgement:
    """A judgement: None where the clause was not exercised."""
    if said is None:
        return Judgement((), frozenset())
    found = (Finding(CLAUSE, "a-leg", said),) if said else ()
    return Judgement(found, frozenset({CLAUSE}))


def compared(old: Sequence[str | None], new: Sequence[str | None]) -> Changes:
    """A scenario whose attempts came out so on either side."""
    (call,) = calls(1)
    comparing = Comparing(Side)
    for side, attempts in ((Side.OLD, old), (Side.NEW, new)):
        for said in attempts:
            comparing.add(side, call.scenario, call.placement, judged(said))
    return comparing.result()


LATE, LATER, WORSE = (f"the time was {one} s; expected 2.00 s" for one in ("3.02", "3.06", "5.00"))


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        ([HOLDS], [HOLDS], Change.SAME),
        ([HOLDS] * 2, [BREAKS] * 2, Change.REGRESSION),
        ([BREAKS] * 2, [HOLDS] * 2, Change.IMPROVEMENT),
        ([BREAKS] * 2, [BREAKS] * 2, Change.DIFFERS_ALIKE),
        ([LATE] * 2, [LATER] * 2, Change.DIFFERS_ALIKE),
        ([LATE] * 2, [WORSE] * 2, Change.DIFFERS_OTHERWISE),
        ([BREAKS] * 2, [LATE] * 2, Change.DIFFERS_OTHERWISE),
        ([HOLDS] * 2, [BREAKS, HOLDS], Change.FLAKY),
        ([BREAKS, HOLDS], [HOLDS] * 2, Change.FLAKY),
        ([HOLDS], [None], Change.NOT_COMPARABLE),
        ([None], [BREAKS], Change.NOT_COMPARABLE),
    ],
)
def test_what_became_of_a_clause(
    old: list[str | None], new: list[str | None], change: Change
) -> None:
    assert compared(old, new).clauses[CLAUSE].counts == {change: 1}


def test_a_fixed_scenario_does_not_hide_a_new_finding() -> None:
    """Of one clause both are told, with the scenarios that show them."""
    comparing = Comparing(Side)
    broken, fixed = calls(2)
    for call, old, new in ((broken, HOLDS, BREAKS), (fixed, BREAKS, HOLDS)):
        for _ in range(2):
            comparing.add(Side.OLD, call.scenario, call.placement, judged(old))
            comparing.add(Side.NEW, call.scenario, call.placement, judged(new))
    one = comparing.result().clauses[CLAUSE]
    assert [case.scenario for case in one.cases[Change.REGRESSION]] == [broken.scenario]
    assert [case.scenario for case in one.cases[Change.IMPROVEMENT]] == [fixed.scenario]


def test_what_was_placed_once_speaks_with_what_was_placed_again() -> None:
    """A finding that never comes back makes those of other scenarios doubtful."""
    comparing = Comparing(Side)
    for number, call in enumerate(calls(2)):
        attempts = [BREAKS] if number else [BREAKS, HOLDS]
        for said in attempts:
            comparing.add(Side.OLD, call.scenario, call.placement, judged(HOLDS))
            comparing.add(Side.NEW, call.scenario, call.placement, judged(said))
    assert comparing.result().clauses[CLAUSE].counts == {Change.FLAKY: 2}


def test_what_differs_is_placed_again_and_no_more_than_needed() -> None:
    (call,) = calls(1)
    comparing = Comparing(Side)
    for _ in range(3):
        comparing.add(Side.OLD, call.scenario, call.placement, judged(HOLDS))
        comparing.add(Side.NEW, call.scenario, call.placement, judged(BREAKS))
        asked = comparing.unsettled(9)
        assert asked == ([call.scenario] if len(comparing.result().clauses) and _ < 2 else [])


# --- raw differences -----------------------------------------------------------------------------


def changed(placement: Placement, change: Callable[[Headers], Headers | None]) -> Placement:
    """The placement of a switch that tells its events otherwise; None leaves one out."""
    told = (change(event) for event in placement.events)
    return replace(placement, events=tuple(event for event in told if event is not None))


def raw(number: int, old: Placement, new: Placement, scenario: Scenario) -> list[str]:
    seen = [raw_outline(observe(scenario, one)) for one in (old, new)]
    return sorted(map(str, raw_differences(*seen)))


def test_an_event_a_variable_and_a_field_that_came_or_went() -> None:
    """What no clause reads is seen: each once, wherever in the call it shows."""
    (call,) = calls(1)

    def renamed(event: Headers) -> Headers | None:
        if event["Event-Name"] == "CHANNEL_ORIGINATE":
            return None
        return {("variable_rate" if k == "variable_read_rate" else k): v for k, v in event.items()}

    found = raw(1, call.placement, changed(call.placement, renamed), call.scenario)
    for leg in ("a-leg", "loopback-a"):
        assert f"variable read_rate of {leg} is gone" in found
        assert f"variable rate of {leg} is new" in found
    assert "event CHANNEL_ORIGINATE of loopback-a is gone: '1 times'" in found
    assert all("rate of" in one or "CHANNEL_ORIGINATE" in one for one in found), found
    cdrs = {
        uuid: {
            module: {name: value for name, value in cdr.items() if name != "variables.read_codec"}
            for module, cdr in modules.items()
        }
        for uuid, modules in call.placement.cdrs.items()
    }
    assert cdrs
    found = raw(1, call.placement, replace(call.placement, cdrs=cdrs), call.scenario)
    assert set(found) == {
        f"variable read_codec of {leg} is gone"
        for leg in ("a-leg", "b-leg", "loopback-a", "loopback-b")
    }


def test_what_differs_in_any_two_calls_is_no_difference() -> None:
    """Uuids, tokens, times, the host and lines of the source."""
    (call,) = calls(1)
    uuids = sorted(observe(call.scenario, call.placement).roles)
    fresh = {uuid: f"00000000-0000-4000-8000-{n:012d}" for n, uuid in enumerate(uuids)}
    shift = 7_000_000_000

    def other(text: str) -> str:
        for uuid, instead in fresh.items():
            text = text.replace(uuid, instead)
        text = text.replace(call.placement.token, call.placement.token[:-1] + "7")
        return str(int(text) + shift) if text.isdecimal() and len(text) > 12 else text

    def elsewhere(event: Headers) -> Headers:
        told = {name: other(str(value)) for name, value in event.items()}
        return told | {"FreeSWITCH-Hostname": "elsewhere", "Event-Calling-Line-Number": "1"}

    moved = replace(
        changed(call.placement, elsewhere), token=call.placement.token[:-1] + "7", cdrs={}
    )
    assert raw(1, replace(call.placement, cdrs={}), moved, call.scenario) == []


def test_where_a_record_cannot_be_read_is_no_difference() -> None:
    """A variable more in front of it moves the place; that one cannot be read at all is told."""
    (call,) = calls(1)

    def unreadable(*modules: str, line: int = 0) -> Placement:
        cdrs = {
            uuid: {
                module: {UNREADABLE: f"line {line}"} if module in modules else fields
                for module, fields in records.items()
            }
            for uuid, records in call.placement.cdrs.items()
        }
        return replace(call.placement, cdrs=cdrs)

    one, other = unreadable("xml_cdr", line=93), unreadable("xml_cdr", line=95)
    assert raw(1, one, other, call.scenario) == []
    assert "unreadable of a-leg is new" in raw(1, call.placement, other, call.scenario)


def lacking(name: str) -> Callable[[Headers], Headers]:
    return lambda event: {key: value for key, value in event.items() if key != name}


def test_a_raw_difference_counts_once_it_cannot_be_a_race() -> None:
    """Seen once it may be chance; in many scenarios, or in every attempt, it is a change."""
    comparing = Comparing(Side)
    lacks = lacking("variable_read_rate")
    some = calls(15)
    assert len(some) == 15
    for number, call in enumerate(some, 1):
        comparing.add(Side.OLD, call.scenario, call.placement)
        comparing.add(Side.NEW, call.scenario, changed(call.placement, lacks))
        found = comparing.result()
        if number == 1:
            assert found.raw == ()
            assert found.undecided_raw
            assert comparing.unsettled(9) == [call.scenario] * 2
    kinds = {str(one.difference) for one in comparing.result().raw}
    assert "variable read_rate of a-leg is gone" in kinds


def test_attempts_at_one_scenario_are_as_good_as_many() -> None:
    """In few rounds, each of which waits for its calls: a scenario comes several times in one."""
    (call,) = calls(1)
    comparing = Comparing(Side)
    rounds, asked = [], [call.scenario]
    while asked:
        rounds.append(len(asked))
        for scenario in asked:
            lacks = changed(call.placement, lacking("variable_read_rate"))
            comparing.add(Side.OLD, scenario, call.placement)
            comparing.add(Side.NEW, scenario, lacks)
        asked = comparing.unsettled(9)
    assert rounds == [1, 2, 3, 3]
    assert comparing.result().raw
    assert comparing.result().undecided_raw == 0


def test_what_turns_out_both_ways_is_a_race() -> None:
    comparing = Comparing(Side)
    for number, call in enumerate(calls(16)):
        lacks = changed(call.placement, lacking("variable_read_rate"))
        old, new = (call.placement, lacks) if number % 2 else (lacks, call.placement)
        comparing.add(Side.OLD, call.scenario, old)
        comparing.add(Side.NEW, call.scenario, new)
    found = comparing.result()
    assert (found.raw, found.undecided_raw) == ((), 0)


def test_the_last_attempt_of_a_recording_stands_for_those_it_lacks() -> None:
    (call,) = calls(1)
    comparing = Comparing([Side.NEW])
    comparing.add(Side.OLD, call.scenario, call.placement)
    for _ in range(9):
        lacks = changed(call.placement, lacking("variable_read_rate"))
        comparing.add(Side.NEW, call.scenario, lacks)
    assert comparing.result().undecided_raw


# --- distributions -------------------------------------------------------------------------------


def test_bowouts_that_take_longer_though_in_time_are_told() -> None:
    """60 ms later is legal, and no clause fails; the test is named with its p-value."""
    comparing = Comparing(Side)
    for call in calls(40):
        late = {
            uuid
            for uuid, role in observe(call.scenario, call.placement).roles.items()
            if role.startswith("loopback-a")
        }

        def later(event: Headers, late: set[str] = late) -> Headers:
            if event["Event-Name"] != "CHANNEL_HANGUP" or event["Unique-ID"] not in late:
                return event
            at = int(str(event["Event-Date-Timestamp"])) + 60_000
            return {**event, "Event-Date-Timestamp": str(at)}

        comparing.add(Side.OLD, call.scenario, call.placement)
        comparing.add(Side.NEW, call.scenario, changed(call.placement, later))
    found = comparing.result()
    assert not any(one.counts.get(Change.REGRESSION) for one in found.clauses.values())
    times = [one for one in found.shifts if one.test == "Mann-Whitney U"]
    assert any(one.clause == "bowout.after-both-legs-answered" for one in times)
    assert all(one.p < 0.001 for one in times)


def test_the_same_calls_twice_change_nothing() -> None:
    comparing = Comparing(Side)
    for call in calls(40):
        comparing.add(Side.OLD, call.scenario, call.placement)
        comparing.add(Side.NEW, call.scenario, call.placement)
    found = comparing.result()
    assert (found.shifts, found.raw, found.undecided_raw) == ((), (), 0)
    assert {change for one in found.clauses.values() for change in one.counts} == {Change.SAME}
    assert comparing.unsettled(9) == []


# --- the gate ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "fails"),
    [
        ("regression", True),
        ("regression,must", True),
        ("must", True),
        ("should", False),
        ("improvement", False),
        ("raw,distribution", False),
        ("Regression , MAY", False),
    ],
)
def test_what_fails_the_gate(words: str, fails: bool) -> None:
    changes = compared([HOLDS] * 2, [BREAKS] * 2)
    assert bool(list(failures(changes, fail_on(words)))) is fails


def test_words_that_nobody_knows_are_refused() -> None:
    with pytest.raises(ValueError, match="'anything' is none of"):
        fail_on("regression,anything")
    assert fail_on("") == FailOn()


def test_what_was_not_compared_is_not_decided() -> None:
    """A MUST clause that no scenario exercised, or only one side's, keeps the gate undecided."""
    found = list(doubts(compared([HOLDS], [HOLDS]), "1.10.6"))
    assert len(found) == len(MUST) - 1
    assert list(doubts(compared([HOLDS], [None]), "1.10.6")) == ["no clause was compared"]


def test_what_was_flaky_before_is_no_doubt_about_the_new_one() -> None:
    def flaky(old: Sequence[str], new: Sequence[str]) -> bool:
        comparing = Comparing(Side)
        calm, doubtful = calls(2)
        for call, sides in ((calm, ([HOLDS], [HOLDS])), (doubtful, (old, new))):
            for side, attempts in zip(Side, sides, strict=True):
                for said in attempts:
                    comparing.add(side, call.scenario, call.placement, judged(said))
        return any(CLAUSE in doubt for doubt in doubts(comparing.result(), "1.10.6"))

    assert flaky([HOLDS, HOLDS], [HOLDS, BREAKS])
    assert not flaky([HOLDS, BREAKS], [BREAKS, HOLDS])
    assert not flaky([HOLDS, BREAKS], [HOLDS, HOLDS])


def test_a_clause_that_is_only_flaky_was_not_compared() -> None:
    flaky = doubts(compared([HOLDS] * 2, [HOLDS, BREAKS]), "1.10.6")
    assert list(flaky) == ["no clause was compared"]
