"""A run as JUnit XML, for a CI system: a test case a clause, its class the area.

Where a run is not decided there is one more case, which is in error and says why: a clause that
was not verified is only skipped, and a file without a failure or an error would be green. So it is
with known divergences that are stale: their case is a failure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from conformance.verdicts import ClauseResult
from reports import files
from reports.content import Example, Report
from reports.diagram import clipped
from reports.standing import OUTCOMES, Standing, counts, doubts, standing
from reports.text import example_text, headline

SUITE = "loopback-conformance"
RUN = "run"
DIVERGENCES = "known-divergences"
"""Names of the cases that are not clauses."""

_ELEMENTS = {
    Standing.FAILED: "failure",
    Standing.BROKEN: "error",
    Standing.SKIPPED: "skipped",
}

_MESSAGE = 1000
"""Characters of a message, which CI systems show on a line; the text has all of it."""


def write(report: Report, path: Path) -> None:
    """Write the report to a file; raises ReportError."""
    files.write(path, render(report))


def render(report: Report) -> bytes:
    """The report as an XML document in UTF-8; what XML cannot hold is escaped as in Python."""
    cases = [_case(one, report.examples.get(name)) for name, one in report.result.clauses.items()]
    cases += _beside(RUN, "error", "not decided", doubts(report.result))
    cases += _beside(DIVERGENCES, "failure", "stale", report.result.stale)
    found = [child.tag for case in cases for child in case]
    totals = {
        "name": SUITE,
        "tests": str(len(cases)),
        "failures": str(found.count("failure")),
        "errors": str(found.count("error")),
        **({"time": f"{report.seconds:.3f}"} if report.seconds else {}),
    }
    skipped, timestamp = str(found.count("skipped")), f"{report.started:%Y-%m-%dT%H:%M:%S}"
    suite = Element("testsuite", totals, skipped=skipped, timestamp=timestamp)
    facts = SubElement(suite, "properties")
    for name, value in properties(report):
        SubElement(facts, "property", name=name, value=_xml(value))
    suite.extend(cases)
    root = Element("testsuites", totals)
    root.append(suite)
    ElementTree.indent(root)
    document: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def properties(report: Report) -> Iterator[tuple[str, str]]:
    """What was tested with what, and what it comes to."""
    subject, result = report.subject, report.result
    yield "switch", subject.url
    yield "switch.version", subject.version
    yield "switch.image_digest", subject.image_digest
    yield "switch.loopback_sha256", subject.loopback_sha256
    yield "switch.modules", " ".join(subject.modules)
    yield "suite.version", report.suite_version
    yield "host", report.host
    yield "seed", "" if report.seed is None else str(report.seed)
    yield "scenarios", str(result.scenarios)
    yield "attempts", str(result.attempts)
    yield "outcome", OUTCOMES[result.outcome]
    yield "exit_status", str(result.exit_status)
    yield "shortfall", result.shortfall
    yield "lost", "; ".join(result.lost)
    for verdict, count in counts(result).items():
        yield f"clauses.{verdict}", str(count)


def _case(one: ClauseResult, example: Example | None) -> Element:
    clause = one.clause
    case = Element("testcase", name=clause.name, classname=f"{SUITE}.{clause.area}", time="0")
    tag = _ELEMENTS.get(standing(one))
    if tag:
        message = clipped(headline(one, example), _MESSAGE)
        element = SubElement(case, tag, type=one.verdict, message=_xml(message))
        element.text = _xml(example_text(one, example)) if example else None
    said = SubElement(case, "system-out")
    said.text = _xml(
        f"{one.verdict} ({clause.level}): {clause.statement} "
        f"Exercised by {one.exercised} scenarios of {one.shapes} shapes. {one.note}".rstrip()
    )
    return case


def _beside(name: str, tag: str, kind: str, why: Sequence[str]) -> Iterator[Element]:
    """A case that is no clause, where there is anything to say in it."""
    if why:
        case = Element("testcase", name=name, classname=f"{SUITE}.{RUN}", time="0")
        element = SubElement(case, tag, type=kind, message=_xml(why[0]))
        element.text = _xml("\n".join(why))
        yield case


def _xml(text: str) -> str:
    """Text without what XML 1.0 cannot hold, nor what could steer who shows it: as in Python."""
    return "".join(one if one.isprintable() or one == "\n" else ascii(one)[1:-1] for one in text)
