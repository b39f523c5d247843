"""The drawing of a call: its legs twice over, and where the switch differs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.comparison import compare
from conformance.model.course import NEVER, Bridge
from reports.axis import TOGETHER, Axis
from reports.course import Kind, Mark, Timeline, expected, observed
from reports.timeline import timeline
from tests.recorded_calls import Call, Draft, keeping

AFTER = "bowout.after-both-legs-answered"
SVG = "{http://www.w3.org/2000/svg}"


def plain(clause: str = AFTER) -> Call:
    """Give a call with four legs, each bridged, that bows out."""
    return next(
        call
        for call in keeping()[clause]
        if len(call.draft().uuids) == 4 and not call.scenario.profile.changed()
    )


def drawn(draft: Draft, clause: str) -> ElementTree.Element:
    call = draft.call()
    text = timeline(compare(call.scenario, call.placement), clause, alone=True)
    return ElementTree.fromstring(text)


def panels(drawing: ElementTree.Element) -> list[ElementTree.Element]:
    """The timelines, expected first."""
    return [one for one in drawing if one.get("class") == "panel"]


def texts(element: ElementTree.Element, class_: str = "") -> list[str]:
    return [
        one.text or ""
        for one in element.iter(f"{SVG}text")
        if not class_ or class_ in (one.get("class") or "").split()
    ]


def rings(element: ElementTree.Element, name: str) -> int:
    return sum(one.get("href") == f"#t-{name}" for one in element.iter(f"{SVG}use"))


@pytest.mark.parametrize("clause", sorted(keeping()))
def test_every_kind_of_call_can_be_drawn(clause: str) -> None:
    call = keeping()[clause][0]
    drawing = drawn(call.draft(), clause)
    upper, lower = panels(drawing)
    legs = [text.removeprefix("≠ ") for text in texts(upper, "leg")]
    assert sorted(legs) == sorted(call.draft().uuids)
    assert texts(lower, "leg") == texts(upper, "leg")
    assert rings(drawing, "differs") == 1, "a call that conforms has one in the legend"
    width = float((drawing.get("viewBox") or "").split()[2])
    page, *rects = drawing.iter(f"{SVG}rect")
    assert page.get("class") == "page", "what is written stands out whatever is behind it"
    for rect in rects:
        assert 0 <= float(rect.get("x") or -1) <= width
        assert float(rect.get("width") or 0) > 0


def test_both_timelines_tell_of_the_same_call() -> None:
    upper, lower = panels(drawn(plain().draft(), AFTER))
    assert texts(upper)[0] == "Expected"
    assert texts(lower)[0] == "Observed"
    for panel in (upper, lower):
        assert texts(panel, "bowout") == ["bowout"]
        assert {"↔ loopback-a", "↔ loopback-b", "↔ b-leg"} <= set(texts(panel, "peer"))
        assert "NORMAL_CLEARING" in texts(panel, "cause")


def test_a_late_bowout_is_shown_where_it_should_be_and_by_how_much() -> None:
    draft = plain().draft()
    for leg in draft.loopbacks:
        draft.shift(leg, "CHANNEL_HANGUP", 0.5)
    upper, lower = panels(drawn(draft, AFTER))
    assert rings(upper, "differs") == rings(lower, "differs") == rings(lower, "ghost") == 1
    (told,) = [text for text in texts(lower, "differs") if text.endswith(" s")]
    assert 0.4 < float(told.removesuffix(" s")) < 0.7


def test_what_does_not_come_is_missing_in_the_lower_one() -> None:
    draft = plain("legs.answer-crosses").draft()
    draft.drop("loopback-a", "CHANNEL_ANSWER")
    upper, lower = panels(drawn(draft, "legs.answer-crosses"))
    assert rings(upper, "differs") == 1
    assert (rings(lower, "differs"), rings(lower, "ghost")) == (0, 1)
    assert "missing" in texts(lower, "differs")


def test_another_cause_stands_out_in_both() -> None:
    draft = plain("legs.cause-of-real-legs").draft()
    draft.put("a-leg", "CHANNEL_HANGUP", "Hangup-Cause", "USER_BUSY")
    upper, lower = panels(drawn(draft, "legs.cause-of-real-legs"))
    (wanted,), (found,) = (texts(panel, "differs") for panel in (upper, lower))
    assert found == "USER_BUSY"
    assert wanted not in ("", "USER_BUSY")


def test_what_a_finding_says_nothing_of_is_not_said_to_be_late() -> None:
    """An event with a wrong header may be elsewhere too, by a course as legal."""
    draft = plain("legs.cause-of-real-legs").draft()
    draft.put("a-leg", "CHANNEL_HANGUP", "Hangup-Cause", "USER_BUSY")
    draft.shift("a-leg", "CHANNEL_HANGUP", 5.0)
    upper, lower = panels(drawn(draft, "legs.cause-of-real-legs"))
    assert rings(upper, "differs") == rings(lower, "differs") == 1
    assert rings(lower, "ghost") == 0


def ringed(panel: ElementTree.Element) -> list[tuple[float, float]]:
    """Where the rings are: from the left, from the top."""
    rings = (one for one in panel.iter(f"{SVG}use") if one.get("href") == "#t-differs")
    return sorted((float(one.get("x") or 0), float(one.get("y") or 0)) for one in rings)


def test_a_wrong_order_is_seen_though_it_is_of_one_moment() -> None:
    """The leg that dials has early media first: expected it comes behind, observed before."""
    draft = keeping()["legs.no-pre-answer"][0].draft()
    early = "CHANNEL_PROGRESS_MEDIA"
    begun = draft.find("loopback-b2", "CHANNEL_CREATE")[0]
    for event in draft.find("loopback-b", early):
        event["Event-Date-Timestamp"] = begun["Event-Date-Timestamp"]
    draft.move("loopback-b", early, begun)
    upper, lower = panels(drawn(draft, "legs.no-pre-answer"))
    (first, outer), (second, inner) = ringed(upper)
    assert first < second
    (then, above), (later, below) = ringed(lower)
    assert then < later
    assert (outer > inner) is not (above > below), "the legs have changed places"


def test_a_wrong_cdr_marks_its_leg() -> None:
    draft = plain("cdr.hangup-cause").draft()
    draft.record("b-leg", "variables.hangup_cause", "USER_BUSY")
    for panel in panels(drawn(draft, "cdr.hangup-cause")):
        assert texts(panel, "differs") == ["≠ b-leg"]


def test_a_leg_that_should_not_be_there_has_a_row_of_its_own() -> None:
    draft = plain("legs.no-other-legs").draft()
    (created,) = draft.find("loopback-b", "CHANNEL_CREATE")
    draft.add(created, Unique_ID="another")
    upper, lower = panels(drawn(draft, "legs.no-other-legs"))
    for panel in (upper, lower):
        assert "≠ stranger" in texts(panel, "leg")
    assert "no such leg" in texts(upper)
    assert "still there" in texts(lower)


def test_stimuli_stand_on_the_axis() -> None:
    drawing = drawn(plain().draft(), AFTER)
    stimuli = [one for one in drawing if one.get("class") == "stimulus"]
    assert len(stimuli) == len(plain().scenario.all_stimuli())


def test_a_hostile_cause_is_cut_and_named() -> None:
    draft = plain("legs.cause-of-real-legs").draft()
    hostile = "</text><script>alert(1)</script>\u202e\x00" + "x" * 10_000
    draft.put("a-leg", "CHANNEL_HANGUP", "Hangup-Cause", hostile)
    call = draft.call()
    text = timeline(compare(call.scenario, call.placement), "legs.cause-of-real-legs")
    assert "<script" not in text
    assert not {"\u202e", "\x00"} & set(text)
    assert len(text) < 20_000
    (lower,) = panels(drawn(draft, "legs.cause-of-real-legs"))[1:]
    (shown,) = texts(lower, "differs")
    assert shown.startswith("</text><script>alert(1)</script>⟨U+202E⟩⟨U+0000⟩xx")
    assert shown.endswith("… (10,034 characters)")


@given(st.data())
def test_a_call_of_which_anything_is_missing_or_misplaced_can_be_drawn(data: st.DataObject) -> None:
    draft = plain("bowout.bridges-real-legs").draft()
    whole = range(len(draft.events))
    for index in data.draw(st.sets(st.sampled_from(whole), max_size=5)):
        at = data.draw(st.integers(0, 10**18))
        draft.events[index]["Event-Date-Timestamp"] = str(at)
    dropped = data.draw(st.sets(st.sampled_from(whole), max_size=25))
    draft.events = [event for index, event in enumerate(draft.events) if index not in dropped]
    drawing = drawn(draft, "bowout.bridges-real-legs")
    assert len(panels(drawing)) == 2


# --- what is drawn -------------------------------------------------------------------------------


def test_expected_and_observed_are_near_each_other_where_a_switch_conforms() -> None:
    """Both count from the same moment, or nothing could be compared by looking."""
    for call in keeping()["bowout.bridges-real-legs"][:20]:
        found = compare(call.scenario, call.placement)
        wanted, seen = expected(found.course, call.scenario.profile), observed(found.seen)
        for leg in wanted.legs:
            for one, other in zip(
                wanted.of(leg, Kind.HUNG_UP), seen.of(leg, Kind.HUNG_UP), strict=True
            ):
                assert abs(one.at - other.at) < 0.3
                assert other.text in one.text.split(" or ")


def test_a_bridge_ends_with_the_next() -> None:
    call = plain()
    seen = observed(compare(call.scenario, call.placement).seen)
    own = [bridge for bridge in seen.bridges if bridge.caller == "a-leg"]
    assert [bridge.peer for bridge in own] == ["loopback-a", "b-leg"]
    assert own[0].until <= own[1].since < own[1].until < NEVER


# --- time ----------------------------------------------------------------------------------------

_TIMES = st.lists(st.floats(0, 100, allow_nan=False), min_size=1, max_size=12)


def line(times: list[float]) -> Timeline:
    """Give a leg that is answered again and again, and bridged all the while."""
    marks = tuple(
        Mark("a-leg", Kind.ANSWERED, number, at) for number, at in enumerate(sorted(times), 1)
    )
    return Timeline(("a-leg",), marks, (Bridge("a-leg", "b-leg", 0.0, NEVER),), ())


def places(axis: Axis, times: Timeline) -> Iterator[tuple[float, float]]:
    slots = axis.slots(times)
    for mark in times.marks:
        yield mark.at, slots[mark]


@given(_TIMES, _TIMES)
def test_what_comes_later_is_further_right(one: list[float], other: list[float]) -> None:
    axis = Axis([line(one), line(other)], [])
    own = list(places(axis, line(one)))
    assert [x for _, x in own] == sorted(x for _, x in own)
    assert len({x for _, x in own}) == len(own), "no two marks of a leg cover each other"
    for at, x in own:
        for at_other, x_other in places(axis, line(other)):
            if at + TOGETHER < at_other:
                assert x < x_other
    assert all(x <= axis.right for _, x in own)


@given(_TIMES)
def test_labels_of_times_do_not_cover_each_other(times: list[float]) -> None:
    ticks = [x for _, x in Axis([line(times)], []).ticks()]
    assert all(later - sooner >= 40 for sooner, later in pairwise(ticks))


def test_a_drawing_of_its_own_brings_its_style() -> None:
    call = plain()
    found = compare(call.scenario, call.placement)
    assert re.search(r"<style>.*\.timeline", timeline(found, AFTER, alone=True), re.DOTALL)
    assert "<style" not in timeline(found, AFTER)
