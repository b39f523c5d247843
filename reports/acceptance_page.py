"""The acceptance record as one HTML page to print and sign: no server, no network, no script."""

from __future__ import annotations

from collections import Counter

from markupsafe import Markup

from conformance.clauses import Level
from conformance.verdicts import Verdict
from reports.acceptance import OWN, Acceptance, digest_of, not_verified, render, statement
from reports.standing import heading
from reports.template import policy, text_of
from reports.template import render as fill

FILE = "acceptance.json"
"""The name of the record that the page is of."""


def page(acceptance: Acceptance) -> str:
    """The record as the text of an HTML file, with the digest of its JSON, which it thus binds."""
    report = acceptance.report
    results = report.result.clauses.values()
    style = text_of("acceptance.css")
    record = statement(acceptance)["predicate"]
    return fill(
        "acceptance.html.j2",
        acceptance=acceptance,
        report=report,
        result=report.result,
        heading=heading(report.result).capitalize(),
        record=record,
        own=record[OWN],
        file=FILE,
        digest=digest_of(render(acceptance)),
        results=results,
        levels={
            level: Counter(one.verdict for one in results if one.clause.level is level)
            for level in Level
        },
        failing=[one for one in results if one.verdict is Verdict.FAIL],
        not_verified=not_verified(report.result),
        style=Markup(style),
        policy=policy(style),
        Verdict=Verdict,
    )
