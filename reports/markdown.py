"""A run as Markdown, for the summary of a CI job: at most 60 kB, whatever the run.

First the outcome and a line a clause that does not pass, then findings in full, as many as fit;
what is left out is said in words. What a switch sent is code, in which nothing is markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from conformance.clauses import Area
from conformance.verdicts import Verdict
from reports import files
from reports.content import Report
from reports.diagram import clipped, printable
from reports.standing import counts, heading
from reports.text import example_text, headline

LIMIT = 60_000
"""Bytes of UTF-8 that a summary has at most."""

_RESERVE = 300
"""Bytes kept for the words that say what is left out."""
_AMPLE = 400
"""Characters of a text on a line of its own."""
_SCANT = (120, 40)
"""The same where there are too many of them: as many as leave half of the room."""
_LINE = 500
"""Characters of a line of a finding: a dial string may be long."""


def write(report: Report, path: Path) -> None:
    """Write the report to a file; raises ReportError."""
    files.write(path, render(report))


def render(report: Report) -> str:
    """The report as GitHub's Markdown."""
    text = "\n".join([*_summary(report), *_areas(report), _not_passing(report)])
    blocks = [_in_full(report, name) for name in report.examples]
    left_out = 0
    for block in blocks:
        if len((text + block).encode()) <= LIMIT - _RESERVE:
            text += block
        else:
            left_out += 1
    if left_out:
        text += (
            f"\n**{left_out} of {len(blocks)} findings are not shown in full here**: a summary has "
            f"at most {LIMIT // 1000} kB. The other reports of this run have them.\n"
        )
    return text


def _summary(report: Report) -> Iterator[str]:
    result, subject = report.result, report.subject
    passing = counts(result)[Verdict.PASS]
    yield f"## loopback-conformance: {heading(result)}"
    yield ""
    placed = f"{result.scenarios} scenarios in {result.attempts} attempts"
    told = ", ".join(filter(None, (placed, report.took)))
    yield (
        f"{passing} of {len(result.clauses)} clauses pass: {told}. "
        f"Exit status {result.exit_status}."
    )
    yield ""
    if result.shortfall:
        yield f"- **the run is not whole**: {_code(result.shortfall)}"
    for one in result.lost:
        yield f"- **a switch of the pool was lost**: {_code(one)}"
    for one in (*result.stale, *result.idle):
        yield f"- **known divergence**: {_code(one)}"
    yield f"- switch {_code(subject.url)}: {_code(subject.version)}"
    if subject.image_digest:
        yield f"- image {_code(subject.image_digest)}"
    if subject.loopback_sha256:
        yield f"- SHA-256 of mod_loopback.so {_code(subject.loopback_sha256)}"
    seed = "unknown" if report.seed is None else report.seed
    yield f"- seed {seed}, suite {_code(report.suite_version)}, host {_code(report.host)}"
    yield ""


def _areas(report: Report) -> Iterator[str]:
    """A line an area and one for all: how many clauses have which verdict."""
    found = report.result.clauses.values()
    yield _row("area", *Verdict)
    yield "|---|" + "--:|" * len(Verdict)
    for area in Area:
        verdicts = [one.verdict for one in found if one.clause.area is area]
        yield _row(area, *(verdicts.count(verdict) or "-" for verdict in Verdict))
    yield _row("**all**", *(count or "-" for count in counts(report.result).values()))
    yield ""


def _row(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def _not_passing(report: Report) -> str:
    """A line a clause that does not pass, shorter ones where they would take half of the room."""
    lines = "\n".join(_lines(report, _AMPLE))
    for most in _SCANT:
        if len(lines.encode()) > LIMIT // 2:
            lines = "\n".join(_lines(report, most))
    return lines


def _lines(report: Report, most: int) -> Iterator[str]:
    """Findings first; no table, for a cell of one ends at any `|`."""
    for verdict in Verdict:
        for name, one in report.result.clauses.items():
            if one.verdict is verdict and verdict is not Verdict.PASS:
                why = _code(headline(one, report.examples.get(name)), most)
                how = f"{one.clause.level}, exercised by {one.exercised}"
                yield f"- **{verdict}** {name} ({how}): {why}"
    yield ""


def _in_full(report: Report, name: str) -> str:
    """A finding in full, folded, its long lines cut."""
    one = report.result.clauses[name]
    text = example_text(one, report.examples[name])
    body = "\n".join(clipped(line, _LINE) for line in text.split("\n"))
    cut = "" if body == text else "Long lines are cut; the other reports have them whole.\n\n"
    fence = "`" * (_longest_run(body, least=2) + 1)
    return (
        f"\n<details><summary>{name}: {one.verdict}</summary>\n\n{cut}"
        f"{fence}text\n{body}\n{fence}\n\n</details>\n"
    )


def _code(text: str, most: int = _AMPLE) -> str:
    """Text as code on a line: nothing in it is markup, a link or a name."""
    shown = clipped(printable(text), most) or " "
    fence = "`" * (_longest_run(shown, least=0) + 1)
    return f"{fence} {shown} {fence}" if "`" in shown else f"{fence}{shown}{fence}"


def _longest_run(text: str, least: int) -> int:
    return max([least, *map(len, re.findall("`+", text))])
