"""A run for Allure: a result a clause, in the files that `allure generate` reads.

The history of a clause is known by its name alone: it goes on over runs, seeds and releases of the
switch. File names are made from what they hold, so a run that is written twice is there once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from allure_commons.model2 import (
    ATTACHMENT_PATTERN,
    TEST_CASE_PATTERN,
    Attachment,
    Label,
    StatusDetails,
    TestResult,
)
from allure_commons.types import AttachmentType, LabelType, Severity
from attr import asdict

from conformance.clauses import Clause, Documentation, Level
from conformance.comparison import compare
from conformance.verdicts import ClauseResult, Verdict
from reports import files
from reports.content import Example, Report
from reports.diagram import clipped, diagram, printable
from reports.standing import OUTCOMES, Standing, doubts, standing
from reports.text import example_text, headline
from reports.timeline import timeline
from reports.transcript import cdrs, scenario_json, transcript

SUITE = "loopback-conformance"
RUN = "run"
DIVERGENCES = "known-divergences"
"""Names of the results that are not clauses: why a run is not decided, what is stale."""

_SEVERITIES = {
    Level.MUST: Severity.CRITICAL,
    Level.SHOULD: Severity.NORMAL,
    Level.MAY: Severity.MINOR,
}
_MESSAGE = 1000
"""Characters of a message, which Allure shows in lists; the trace has all of it."""

TOLD = (
    "name",
    "fullName",
    "historyId",
    "testCaseId",
    "titlePath",
    "status",
    "statusDetails",
    "description",
    "descriptionHtml",
    "labels",
    "parameters",
    "attachments",
)
"""Fields of a result that are the same whoever runs the suite: all but its times and its uuid."""

_CATEGORIES = [
    {"name": "Findings: the switch differs; stale divergences", "matchedStatuses": ["failed"]},
    {"name": "Not decided, or the suite's own fault", "matchedStatuses": ["broken"]},
    {"name": "Not judged", "matchedStatuses": ["skipped"]},
]


@dataclass(frozen=True, slots=True)
class Result:
    """What Allure is told of a clause, and the content of its attachments by file name."""

    result: TestResult
    attachments: Mapping[str, bytes] = field(default_factory=dict)


def write(report: Report, directory: Path) -> None:
    """Write the results into a folder, which is made if need be; raises ReportError.

    What else is there stays; results of the same clauses are replaced.
    """
    files.folder(directory)
    for name in (RUN, DIVERGENCES):
        files.remove(directory / _file_name(name))
    for one in results(report):
        for name, content in one.attachments.items():
            files.write(directory / name, content)
        files.write(directory / _file_name(one.result.name), _as_json(one.result))
    write_background(report, directory)


def write_background(report: Report, directory: Path) -> None:
    """Write what is said of the run as a whole into a folder of results; raises ReportError."""
    files.write(directory / "environment.properties", environment(report))
    files.write(directory / "categories.json", json.dumps(_CATEGORIES, indent=1))


def results(report: Report) -> Iterator[Result]:
    """A result a clause, and those of the run."""
    for name in report.result.clauses:
        yield result_of(report, name)
    yield from of_run(report)


def result_of(report: Report, name: str) -> Result:
    """What Allure is told of the clause of that name."""
    one, example = report.result.clauses[name], report.examples.get(name)
    result = _result(report, name, one.clause.area)
    result.status = standing(one).value
    result.description = _description(one)
    result.labels += [
        Label(LabelType.SEVERITY, _SEVERITIES[one.clause.level].value),
        Label(LabelType.TAG, one.verdict.value),
    ]
    if one.verdict is Verdict.PASS:
        return Result(result)
    result.statusDetails = StatusDetails(
        message=clipped(headline(one, example), _MESSAGE),
        trace=example_text(one, example) if example else None,
        flaky=one.verdict is Verdict.FLAKY,
    )
    attachments = {}
    for title, content, kind in _attached(name, example) if example else ():
        source = _attachment_name(content, kind)
        result.attachments.append(Attachment(title, source, kind.mime_type))
        attachments[source] = content
    return Result(result, attachments)


def of_run(report: Report) -> Iterator[Result]:
    """What Allure is told of a run as a whole: that it is not decided, what is stale."""
    if why := doubts(report.result):
        about = "Whether the run was completed, and every MUST clause decided."
        yield _beside(report, RUN, Standing.BROKEN, about, ("not decided", why))
    if stale := report.result.stale:
        about = "Whether known divergences still differ, and have not expired."
        yield _beside(report, DIVERGENCES, Standing.FAILED, about, ("stale", stale))


def _beside(
    report: Report, name: str, status: Standing, about: str, why: tuple[str, Sequence[str]]
) -> Result:
    """A result that is no clause; `why` is in a word, and a sentence each."""
    word, sentences = why
    result = _result(report, name, RUN)
    result.status = status.value
    result.description = about
    shown = [printable(one) for one in sentences]
    message = clipped(f"{word}: {shown[0]}", _MESSAGE)
    result.statusDetails = StatusDetails(message=message, trace="\n".join(shown))
    result.labels.append(Label(LabelType.SEVERITY, Severity.CRITICAL.value))
    return Result(result)


def environment(report: Report) -> str:
    """What was tested with what, as the Java properties that Allure shows as the environment."""
    subject, result = report.subject, report.result
    values = {
        "switch": subject.url,
        "version": subject.version,
        "image_digest": subject.image_digest,
        "loopback_sha256": subject.loopback_sha256,
        "suite": report.suite_version,
        "host": report.host,
        "seed": "" if report.seed is None else str(report.seed),
        "started": report.started.isoformat(timespec="seconds"),
        "scenarios": str(result.scenarios),
        "attempts": str(result.attempts),
        "outcome": OUTCOMES[result.outcome],
        "exit_status": str(result.exit_status),
        "lost": "; ".join(result.lost),
    }
    lines = (f"{name}={_property(value)}\n" for name, value in values.items() if value)
    return "".join(lines)


def _attached(clause: str, example: Example) -> Iterator[tuple[str, bytes, Any]]:
    """(title, content, kind) of what is attached to a clause that does not pass."""
    call = compare(example.scenario, example.placement) if example.placement else None
    for title, text, kind in (
        ("timelines", timeline(call, clause, alone=True) if call else "", AttachmentType.SVG),
        ("events", diagram(call.seen) if call else "", AttachmentType.TEXT),
        ("scenario", scenario_json(example.scenario), AttachmentType.JSON),
        ("Event Socket transcript", transcript(example), AttachmentType.TEXT),
        ("CDRs", cdrs(example), AttachmentType.JSON),
    ):
        if text:
            yield title, text.encode(errors="backslashreplace"), kind


def _result(report: Report, name: str, area: str) -> TestResult:
    began = round(report.started.timestamp() * 1000)
    identity = _identity(name)
    return TestResult(
        name=name,
        uuid=identity,
        fullName=f"{SUITE}.{name}",
        historyId=identity,
        testCaseId=identity,
        titlePath=[SUITE, area],
        start=began,
        stop=began,
        labels=[
            Label(LabelType.PARENT_SUITE, SUITE),
            Label(LabelType.SUITE, area),
            Label(LabelType.FEATURE, area),
            Label(LabelType.STORY, name),
            Label(LabelType.FRAMEWORK, SUITE),
            Label(LabelType.LANGUAGE, "python"),
        ],
    )


def _description(one: ClauseResult) -> str:
    """Of the suite's own words alone, for Allure takes it for Markdown."""
    lines = [one.clause.statement, *_background(one.clause)]
    lines.append(f"Exercised by {one.exercised} scenarios of {one.shapes} shapes.")
    return "\n\n".join(map(_escaped, lines))


def _background(clause: Clause) -> Iterator[str]:
    yield f"{clause.level}; source: {clause.source}"
    if clause.since:
        yield f"FreeSWITCH does so since {clause.since}."
    if clause.documentation is Documentation.DIFFERS:
        yield f"The documentation says otherwise: {clause.documented}"


def _escaped(text: str) -> str:
    return re.sub(r"[\\`*_<>\[\]|#&]", r"\\\g<0>", text)


def _as_json(result: TestResult) -> str:
    """The fields that are given, as the file logger of allure-python-commons has them."""
    return json.dumps(asdict(result, filter=lambda _, value: value or value is False))


def _identity(name: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"{SUITE}/{name}"))


def _file_name(name: str) -> str:
    return TEST_CASE_PATTERN.format(prefix=_identity(name))


def _attachment_name(content: bytes, kind: Any) -> str:
    """Equal for equal content: clauses that one call speaks against share its files."""
    prefix = uuid5(NAMESPACE_URL, content.hex())
    return ATTACHMENT_PATTERN.format(prefix=prefix, ext=kind.extension)


def _property(text: str) -> str:
    """A value of a properties file: backslashes doubled, what is not ASCII as UTF-16 escapes."""
    units = printable(text).replace("\\", "\\\\").encode("utf-16-be")
    numbers = (int.from_bytes(units[at : at + 2]) for at in range(0, len(units), 2))
    return "".join(chr(one) if one < 128 else f"\\u{one:04x}" for one in numbers)
