"""The HTML report: one file that says what the run says, whatever the switch sent."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from campaign.report import report_of
from campaign.session import judge_recording
from conformance.clauses import CLAUSES, Level
from conformance.divergences import Divergence, Known
from conformance.judge import Finding, Judgement
from conformance.verdicts import JudgedScenario, RunResult, Verdict, Verdicts, decide
from reports.content import Example, Report, Subject
from reports.html import PAGE, WHOLE, page
from reports.visible import shortened, visible
from tests.recorded_calls import RECORDING, Call, keeping

CREATED = "exports.braces-reach-both-legs"
ENDED = "legs.cause-of-real-legs"
ALL = frozenset(CLAUSES)


SUBJECT = Subject("embedded:", "FreeSWITCH 1.10.12", ("mod_loopback",))


def report(result: RunResult, *shown: Call, subject: Subject = SUBJECT) -> Report:
    """Give a report in which clauses are shown by the calls whose scenarios they name."""
    placements = {call.scenario.id: call.placement for call in shown}
    examples = {
        name: Example(case.scenario, case.findings, placements.get(case.scenario.id))
        for name, one in result.clauses.items()
        for case in (one.failing or one.flaky)[:1]
    }
    return Report(
        subject=subject,
        suite_version="0.1.0",
        host="Linux",
        seed=1,
        started=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        seconds=75.0,
        result=result,
        examples=examples,
    )


def of_call(call: Call, subject: Subject = SUBJECT) -> Report:
    """Give the report of a run that placed one call, twice."""
    judgement = call.judged()
    return report(
        decide([JudgedScenario(call.scenario, (judgement, judgement))]), call, subject=subject
    )


# --- a reader of pages ---------------------------------------------------------------------------


@dataclass
class Element:
    """An element of a page: its attributes, and all text within it."""

    tag: str
    attributes: Mapping[str, str]
    parts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.parts)

    @property
    def classes(self) -> set[str]:
        return set(self.attributes.get("class", "").split())


_VOID = {"meta", "link", "input", "br"}


class Reader(HTMLParser):
    """What a browser makes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(text)
        self.close()
        assert not self._open or {one.tag for one in self._open} == {"td"}, "every element ends"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.elements.append(element)
        if tag not in _VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        while self._open.pop().tag != tag:
            pass

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.parts.append(data)

    def those(self, tag: str, class_: str = "") -> Iterator[Element]:
        for element in self.elements:
            if element.tag == tag and (not class_ or class_ in element.classes):
                yield element

    def only(self, tag: str, class_: str = "") -> Element:
        (element,) = self.those(tag, class_)
        return element


@pytest.fixture(scope="module")
def conforming() -> Report:
    return report_of(judge_recording(RECORDING))


# --- one file ------------------------------------------------------------------------------------


def check_stands_alone(reader: Reader) -> None:
    """Nothing of it comes from elsewhere, and nothing in it may do what its policy forbids."""
    for element in reader.elements:
        for name, value in element.attributes.items():
            assert not name.startswith("on"), "a handler that the policy forbids"
            assert name != "style", "a style that the policy forbids"
            if name in ("href", "src", "xlink:href", "action", "data", "srcset", "poster"):
                assert value.startswith(("#", "data:image/svg+xml,")), value
    assert {"iframe", "object", "embed", "base", "img"}.isdisjoint(
        one.tag for one in reader.elements
    )
    (policy,) = (
        one.attributes["content"]
        for one in reader.those("meta")
        if one.attributes.get("http-equiv") == "Content-Security-Policy"
    )
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    for tag in ("style", "script"):
        digest = hashlib.sha256(reader.only(tag).text.encode()).digest()
        assert rules[f"{tag}-src"] == f"'sha256-{base64.b64encode(digest).decode()}'"


def test_it_stands_alone(conforming: Report) -> None:
    check_stands_alone(Reader(page(conforming)))


def test_links_within_it_lead_somewhere() -> None:
    draft = keeping()[ENDED][0].draft()
    draft.put("a-leg", "CHANNEL_HANGUP", "Hangup-Cause", "OUTGOING_CALL_BARRED")
    reader = Reader(page(of_call(draft.call())))
    ids = [one.attributes["id"] for one in reader.elements if "id" in one.attributes]
    assert len(ids) == len(set(ids))
    targets = {one.attributes["href"] for one in reader.elements if "href" in one.attributes}
    assert {one.removeprefix("#") for one in targets if one.startswith("#")} <= set(ids)


# --- what it says --------------------------------------------------------------------------------


def rows(reader: Reader) -> dict[str, Element]:
    return {
        one.attributes["data-clause"]: one
        for one in reader.those("tr")
        if "data-clause" in one.attributes
    }


def test_every_clause_has_its_verdict_and_counts(conforming: Report) -> None:
    result = conforming.result
    found = rows(Reader(page(conforming)))
    assert set(found) == set(CLAUSES)
    for name, row in found.items():
        one, clause = result.clauses[name], CLAUSES[name]
        said = row.attributes
        assert said["data-verdict"] == one.verdict.name.lower()
        assert (said["data-area"], said["data-level"]) == (clause.area, clause.level)
        assert clause.statement in row.text
        assert clause.source in row.text
        assert row.text.split()[-2:] == [str(one.exercised), str(one.shapes)]
        assert clause.documented in row.text
        assert not clause.since or f"since {clause.since}" in row.text


def test_areas_are_counted(conforming: Report) -> None:
    reader = Reader(page(conforming))
    told = Counter[tuple[str, str]]()
    for link in reader.those("a"):
        if "data-verdict" in link.attributes:
            told[link.attributes["data-area"], link.attributes["data-verdict"]] = int(link.text)
    counted = Counter(
        (str(one.clause.area), one.verdict.name.lower())
        for one in conforming.result.clauses.values()
    )
    assert told == counted


def test_who_was_tested_with_what(conforming: Report) -> None:
    reader = Reader(page(conforming))
    told = reader.only("dl", "identity").text
    subject = conforming.subject
    for words in (
        subject.url,
        subject.version,
        subject.image_digest,
        subject.loopback_sha256,
        conforming.host,
        conforming.suite_version,
        str(conforming.seed),
        f"{conforming.started:%Y-%m-%d %H:%M:%S}",
    ):
        assert words in told
    settings_told = reader.only("details", "profiles").text
    assert "defaults" in settings_told
    assert all(str(profile) in settings_told for profile in conforming.result.profiles)


KINDS = {
    Verdict.FAIL: ("fail", "Does not conform"),
    Verdict.FLAKY: ("undecided", "Not decided"),
    Verdict.INCONCLUSIVE: ("undecided", "Not decided"),
    Verdict.ERROR: ("undecided", "Not decided"),
    Verdict.NOT_VERIFIED: ("undecided", "Not decided"),
    Verdict.PASS: ("pass", "Conforms"),
}


@pytest.mark.parametrize("verdict", KINDS)
def test_every_kind_of_verdict(verdict: Verdict) -> None:
    call = keeping()[ENDED][0]
    name = next(name for name, one in CLAUSES.items() if one.level is Level.MUST)
    clean = Judgement((), ALL)
    against = Judgement((Finding(name, "a-leg", "It was so; expected otherwise"),), ALL)
    judgements = {
        Verdict.FAIL: (against, against),
        Verdict.FLAKY: (against, clean),
        Verdict.INCONCLUSIVE: (Judgement((), ALL - {name}, frozenset({name})),),
        Verdict.ERROR: (Judgement((), frozenset(), problem="an event was lost"),),
        Verdict.NOT_VERIFIED: (Judgement((), ALL - {name}),),
        Verdict.PASS: (clean,),
    }[verdict]
    result = decide([JudgedScenario(call.scenario, judgements)])
    assert result.clauses[name].verdict is verdict
    reader = Reader(page(report(result, call)))
    class_, heading = KINDS[verdict]
    assert class_ in reader.only("header", "banner").classes
    assert reader.only("h1").text == heading
    assert verdict.value in rows(reader)[name].text
    assert result.clauses[name].note in rows(reader)[name].text
    shown = [one.attributes["data-clause"] for one in reader.those("article")]
    assert shown == ([name] if verdict in (Verdict.FAIL, Verdict.FLAKY) else [])


def test_what_is_known_is_told_with_its_reason() -> None:
    """It is no finding; an entry that is to be gone over takes the page its green."""
    call = keeping()[ENDED][0]
    name = next(name for name, one in CLAUSES.items() if one.level is Level.MUST)
    entry = Divergence(name, "they <b>know</b>", "us", "", date(2027, 1, 1), call.scenario)
    against = Judgement((Finding(name, "a-leg", "It was so; expected otherwise"),), ALL)
    for today, class_ in ((date(2026, 1, 1), "pass"), (date(2028, 1, 1), "undecided")):
        verdicts = Verdicts(Known((entry,), "", today))
        for _ in range(2):
            verdicts.add(call.scenario, against)
        reader = Reader(page(report(verdicts.result(), call)))
        assert class_ in reader.only("header", "banner").classes
        assert "known" in rows(reader)[name].text
        assert "they <b>know</b> (us)" in rows(reader)[name].text
        assert not list(reader.those("article"))
        notes = [note.text for note in reader.those("p", "note")]
        assert any("expired on 2027-01-01" in note for note in notes) is (class_ != "pass")


def test_a_run_that_is_not_whole_says_so() -> None:
    call = keeping()[ENDED][0]
    result = decide([JudgedScenario(call.scenario, (Judgement((), ALL),))], "it was interrupted")
    reader = Reader(page(report(result)))
    assert reader.only("h1").text == "Not decided"
    assert "it was interrupted" in reader.only("p", "note").text


def test_a_finding_shows_the_call_and_how_to_place_it() -> None:
    draft = keeping()[ENDED][0].draft()
    draft.put("a-leg", "CHANNEL_HANGUP", "Hangup-Cause", "OUTGOING_CALL_BARRED")
    draft.record("a-leg", "variables.hangup_cause", "OUTGOING_CALL_BARRED")
    call = draft.call()
    made = of_call(call)
    example = replace(made.examples[ENDED], replay="loopback-conformance replay x.zip --switch ...")
    reader = Reader(page(replace(made, examples={**made.examples, ENDED: example})))
    (card,) = (one for one in reader.those("article") if one.attributes["id"] == ENDED)
    (finding,) = (one for one in call.judged().findings if one.clause == ENDED)
    for words in (
        finding.sentence,
        CLAUSES[ENDED].statement,
        CLAUSES[ENDED].source,
        "1 of 1 scenarios",
        call.scenario.id,
        "Expected",
        "Observed",
        "OUTGOING_CALL_BARRED",
        "originate {",
        example.replay,
    ):
        assert words in card.text, words


def test_fields_that_differ_come_first_and_tell_where() -> None:
    call = next(
        one for one in keeping()[CREATED] if all(dict(one.scenario.variables.braces).values())
    )
    draft = call.draft()
    (name, value), *_ = draft.scenario.variables.braces
    draft.put("loopback-a", "CHANNEL_CREATE", f"variable_{name}", f"{value}X")
    reader = Reader(page(of_call(draft.call())))
    first = next(one for one in reader.those("tr", "own"))
    for words in ("≠", "loopback-a", name, value, f"{value}X", "CHANNEL_CREATE"):
        assert words in first.text
    assert "X" in [one.text for one in reader.those("mark")]


def test_bowout_times_are_told(conforming: Report) -> None:
    reader = Reader(page(conforming))
    told = [one.attributes["aria-label"] for one in reader.those("svg", "times")]
    assert len(told) == len(conforming.result.times)
    for one, sentence in zip(conforming.result.times, told, strict=True):
        assert sentence.startswith(f"{one.total:,} measured")
        assert "none outside the band" in sentence


# --- what a switch sends is hostile --------------------------------------------------------------

MARKUP = "\"'></bdi></code><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7 * 7 }}&amp;"
HOSTILE = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=40),
    st.text("<>\"'&{}%/=-!\\`", max_size=40),
    st.text("\u202a\u202e\u2066\u2069\u200b\u0000\u0007\u001b\u2028\ufeffאב", max_size=40),
    st.builds("{}{}{}".format, st.text(max_size=5), st.just(MARKUP), st.text(max_size=5)),
    st.integers(1, 20_000).map("x".__mul__),
)


def spoilt(text: str) -> Call:
    """Give a call in which the text is wherever a switch could put it."""
    draft = keeping()[CREATED][0].draft()
    name = draft.scenario.variables.braces[0][0]
    for leg in draft.uuids:
        draft.put(leg, "CHANNEL_CREATE", f"variable_{name}", text)
        draft.put(leg, "CHANNEL_HANGUP", "Hangup-Cause", text)
        draft.put(leg, "CHANNEL_EXECUTE", "Application-Data", text)
        draft.put(leg, "CHANNEL_BRIDGE", "Bridge-B-Unique-ID", text)
        draft.put(leg, "CHANNEL_HANGUP_COMPLETE", "variable_loopback_leg", text)
        draft.record(leg, "variables.hangup_cause", text)
        draft.record(leg, "variables.bridge_uuid", text)
    return draft.call()


@given(HOSTILE)
@settings(max_examples=60)
def test_text_of_a_switch_is_text(text: str) -> None:
    """No element, no attribute, no invisible character comes of it, and it can be read."""
    subject = Subject(text, text, (text,), text, text)
    written = page(of_call(spoilt(text), subject))
    written.encode()
    assert all(one.isprintable() for one in written.replace("\n", ""))
    reader = Reader(written)
    check_stands_alone(reader)
    assert {one.tag for one in reader.elements} <= KNOWN
    assert visible(shortened(text)) in reader.only("p", "subject").text or not text
    cells = "".join(one.text for one in reader.those("td"))
    assert visible(text[:30]) in cells


KNOWN = {one.tag for one in Reader(page(of_call(spoilt("harmless")))).elements} | {
    "mark",
    "i",
    "h4",
}


def all_failing(text: str) -> Report:
    """Give the report of a run in which every clause fails, with a call that a text spoils."""
    call = spoilt(text)
    findings = tuple(
        Finding(name, "a-leg", f"It was {text!r}; expected otherwise") for name in CLAUSES
    )
    judgement = Judgement(findings, ALL)
    return report(decide([JudgedScenario(call.scenario, (judgement, judgement))]), call)


def test_a_page_is_small_with_every_clause_failing() -> None:
    """Each value has 10 kB; what is beyond a tenth of the room is for what is still to come."""
    written = page(all_failing("y" * 10_240))
    assert written.count("<article") == written.count('class="timeline"><path') == len(CLAUSES)
    assert "(10,240 characters)" in written
    assert "y" * 1_000 not in written
    assert len(written.encode()) < 0.9 * PAGE


@pytest.mark.parametrize("text", ["&" * 1_900, "\u202e" * 140, "\x07" * 10_240])
def test_a_page_is_small_whatever_is_sent(text: str) -> None:
    """What takes many times its room when it is shown: then the last findings are only told."""
    written = page(all_failing(text))
    reader = Reader(written)
    cards = list(reader.those("article"))
    drawn = ["Place it by hand" in one.text for one in cards]
    assert len(written.encode()) <= PAGE < 3_000_000
    assert len(cards) == len(CLAUSES)
    assert drawn == sorted(drawn, reverse=True)
    assert sum(drawn) >= len(CLAUSES) / 4
    for card, whole in zip(cards, drawn, strict=True):
        name = card.attributes["data-clause"]
        assert CLAUSES[name].statement in card.text
        assert "expected otherwise" in card.text
        assert ("its bundle has it" in card.text) is not whole


def test_what_is_cut_is_there_in_full_on_demand() -> None:
    """A difference may be anywhere in a long value; more than a call's share is in its bundle."""
    text = "".join(f"<{number}>" for number in range(300))
    call = spoilt(text)
    finding = Finding(CREATED, "a-leg", f"It was {text!r}; expected otherwise")
    judgement = Judgement((finding,), ALL)
    written = page(report(decide([JudgedScenario(call.scenario, (judgement, judgement))]), call))
    wholes = [one.text for one in Reader(written).those("details", "whole")]
    assert any(finding.sentence in one for one in wholes)
    assert any(one.removeprefix("in full") == text for one in wholes)
    assert sum(map(len, wholes)) <= WHOLE


def test_a_scenario_of_hostile_values_is_text_too() -> None:
    call = keeping()[CREATED][0]
    hostile = structs.replace(
        call.scenario.variables,
        originate=(("x", MARKUP), ("y", "\u202eabc"), *call.scenario.variables.originate),
    )
    scenario = structs.replace(call.scenario, variables=hostile)
    finding = Judgement((Finding(CREATED, "a-leg", "It was so"),), ALL)
    written = page(report(decide([JudgedScenario(scenario, (finding, finding))])))
    check_stands_alone(Reader(written))
    assert "\u202e" not in written
    assert re.search(r"was not kept", written)
