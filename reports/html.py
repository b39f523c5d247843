"""A run as one HTML file: no server, no network, nothing beside it.

Who was tested and the verdict on one page; each finding with the call that shows it, drawn and to
be placed by hand; how long bowouts took; every clause, to be filtered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from markupsafe import Markup, escape

from conformance.clauses import Area, Documentation, Level
from conformance.comparison import compare
from conformance.shape import shape_of
from conformance.times import Times
from conformance.verdicts import CONFORMS, FINDINGS, UNDECIDED, Case, ClauseResult, Verdict
from reports import files
from reports.by_hand import Recipe, indented, recipe
from reports.content import Example, Report
from reports.diagram import diagram
from reports.fields import Field, Value, fields
from reports.histogram import histogram, spread
from reports.standing import counts, heading, undecided
from reports.template import policy, render, text_of
from reports.timeline import shared, timeline
from reports.visible import visible

SENTENCES = 8
"""How many findings of a call are told; what they have in common is seen by then."""

OTHERS = 10
"""How many further calls are named that speak against a clause."""

AGREEING = 80
"""How many fields are shown that are as expected."""

EVENTS = 300
"""How many events of a call are told, one a line."""

SENTENCE = (180, 120)
"""Characters of a finding where it is long: how it begins, what it is about, and how it ends, what
was expected."""

NOTE = 2_000
"""Characters of what the suite, or who accepted a divergence, says of a clause or of the run."""

WHOLE = 10_000
"""Bytes of texts that are cut and given in full on demand, for a call; its bundle has the rest."""

WHOLES = 300_000
"""Bytes of such texts on a page."""

PAGE = 2_800_000
"""Bytes of a page at most. Findings for which there is no room are told and not shown."""

_SAID = {
    CONFORMS: ("pass", "The switch does as released FreeSWITCH does."),
    FINDINGS: ("fail", "The switch differs from released FreeSWITCH."),
    UNDECIDED: ("undecided", "What has to be known for a verdict is not."),
}


@dataclass(frozen=True, slots=True)
class Sentence:
    """A finding as it is shown, and in full where that is a part of it."""

    shown: str
    whole: str = ""


@dataclass(frozen=True, slots=True)
class FindingCard:
    """A clause that calls speak against, with the call that is shown."""

    result: ClauseResult
    example: Example
    against: int
    sentences: tuple[Sentence, ...]
    more: int
    others: tuple[Case, ...]
    further: int
    how: Recipe
    dialplan: tuple[tuple[str, list[str]], ...]
    drawing: Markup | None
    differing: tuple[Field, ...]
    agreeing: Mapping[str, Sequence[Field]]
    as_expected: int
    not_shown: int
    events: list[str]


@dataclass(frozen=True, slots=True)
class Plot:
    """The times of a clause: the drawing, and in a sentence."""

    times: Times
    drawing: Markup
    sentence: str


def write(report: Report, path: Path) -> None:
    """Write the report to a file; raises ReportError."""
    files.write(path, page(report))


def page(report: Report) -> str:
    """The report as the text of an HTML file."""
    result, texts = report.result, _Room(WHOLES)
    cards = [
        _card(one, report.examples.get(one.clause.name), texts)
        for one in _worst_first(result.clauses.values())
    ]
    room = PAGE - len(_rendered(report, cards, ["" for _ in cards]).encode())
    return _rendered(report, cards, _fitted(cards, room))


def _rendered(report: Report, cards: Sequence[FindingCard], findings: Sequence[str]) -> str:
    result = report.result
    outcome, said = _SAID[result.outcome]
    if result.stale and result.outcome != FINDINGS:
        outcome = _SAID[UNDECIDED][0]  # neither as good nor as bad as it may be
    results = list(result.clauses.values())
    style = text_of("report.css") + text_of("timeline.css")
    script = text_of("report.js")
    return render(
        "report.html.j2",
        report=report,
        outcome=outcome,
        heading=heading(result).capitalize(),
        said=said,
        counts=counts(result),
        areas={
            area: Counter(one.verdict for one in results if one.clause.area is area)
            for area in Area
        },
        undecided=[one for one in undecided(result) if not (one.failing or one.flaky)],
        exercised=any(one.exercised for one in results),
        documented=[one for one in results if _differs_from_documentation(one)],
        cards=cards,
        findings=[Markup(finding) for finding in findings],
        results=sorted(results, key=lambda one: _RANKS[one.verdict]),
        plots=[Plot(one, Markup(histogram(one)), spread(one)) for one in result.times],
        style=Markup(style),
        script=Markup(script),
        shared=Markup(shared()),
        policy=policy(style, script),
        NOTE=NOTE,
        Area=Area,
        Level=Level,
        Verdict=Verdict,
    )


def _fitted(cards: Sequence[FindingCard], room: int) -> list[str]:
    """The findings as HTML: in full, in their order, as far as there is room for all the others."""
    texts = [_finding(card, in_full=False) for card in cards]
    room -= sum(len(text.encode()) for text in texts)
    for number, card in enumerate(cards):
        text = _finding(card, in_full=True)
        more = len(text.encode()) - len(texts[number].encode())
        if more <= room:
            texts[number], room = text, room - more
    return texts


def _finding(card: FindingCard, *, in_full: bool) -> str:
    sentences = card.sentences if in_full else card.sentences[:1]
    more = card.more + len(card.sentences) - len(sentences)
    return render(
        "finding.html.j2",
        card=replace(card, sentences=sentences, more=more),
        in_full=in_full,
        shape_of=shape_of,
        NOTE=NOTE,
    )


_RANKS = {
    verdict: rank
    for rank, verdict in enumerate(
        (
            Verdict.FAIL,
            Verdict.KNOWN,
            Verdict.FLAKY,
            Verdict.ERROR,
            Verdict.INCONCLUSIVE,
            Verdict.NOT_VERIFIED,
            Verdict.PASS,
            Verdict.NOT_IN_RELEASE,
        )
    )
}


def _differs_from_documentation(one: ClauseResult) -> bool:
    return one.verdict is Verdict.PASS and one.clause.documentation is Documentation.DIFFERS


def _worst_first(results: Iterable[ClauseResult]) -> list[ClauseResult]:
    """What fails, then what is flaky; first what the largest part of its calls speaks against.

    A defect shows always in the clause that is about it, and now and then in others.
    """
    found = [one for one in results if one.failing or one.flaky]
    return sorted(found, key=lambda one: (not one.failing, -_against(one) / max(one.exercised, 1)))


def _against(one: ClauseResult) -> int:
    return len(one.failing) or len(one.flaky)


def _card(one: ClauseResult, example: Example | None, texts: _Room) -> FindingCard:
    cases = one.failing or one.flaky
    shown = example or Example(cases[0].scenario, cases[0].findings)
    scenario, placement = shown.scenario, shown.placement
    name = one.clause.name
    drawing: Markup | None = None
    found: list[Field] = []
    events: list[str] = []
    if placement is not None:
        comparison = compare(scenario, placement)
        drawing = Markup(timeline(comparison, name))
        found = fields(comparison.compared, name)
        events = diagram(comparison.seen).split("\n")[:EVENTS]
    how = recipe(scenario)
    room = _Room(WHOLE, texts)
    sentences = [_sentence(finding.sentence, room) for finding in shown.findings[:SENTENCES]]
    agreeing = [field for field in found if field.holds]
    others = [case for case in cases if case.scenario.id != scenario.id]
    return FindingCard(
        result=one,
        example=shown,
        against=len(cases),
        sentences=tuple(sentences),
        more=max(0, len(shown.findings) - SENTENCES),
        others=tuple(others[:OTHERS]),
        further=len(others),
        how=how,
        dialplan=tuple((context, indented(xml).split("\n")) for context, xml in how.extensions),
        drawing=drawing,
        differing=tuple(_in_full(field, room) for field in found if not field.holds),
        agreeing=_by_leg(agreeing[:AGREEING]),
        as_expected=len(agreeing),
        not_shown=max(0, len(agreeing) - AGREEING),
        events=events,
    )


def _by_leg(listed: Iterable[Field]) -> Mapping[str, Sequence[Field]]:
    legs: dict[str, list[Field]] = {}
    for field in listed:
        legs.setdefault(field.leg, []).append(field)
    return legs


class _Room:
    """What is left of the bytes in which texts are given in full, those of a call or of a page."""

    def __init__(self, left: int, within: _Room | None = None) -> None:
        self._left = left
        self._within = within

    def given(self, text: str) -> str:
        """The text where there is room for it, else nothing."""
        if len(text) > self._left:
            return ""  # shown, it is no shorter
        size = len(escape(visible(text)).encode())
        if size > self._left or (self._within and not self._within.given(text)):
            return ""
        self._left -= size
        return text


def _sentence(text: str, room: _Room) -> Sentence:
    begin, end = SENTENCE
    if len(text) <= begin + end:
        return Sentence(text)
    return Sentence(f"{text[:begin]} … {text[-end:]} ({len(text):,} characters)", room.given(text))


def _in_full(field: Field, room: _Room) -> Field:
    def given(value: Value) -> Value:
        return replace(value, whole=room.given(value.whole))

    return replace(
        field,
        expected=tuple(given(value) for value in field.expected),
        observed=given(field.observed),
    )
