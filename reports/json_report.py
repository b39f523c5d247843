"""A run as JSON, for programs; `report.schema.json` beside this module describes it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeAlias

from conformance.verdicts import ClauseResult
from reports import files
from reports.content import Example, Report
from reports.standing import OUTCOMES, counts

FORMAT = "loopback-conformance report"
VERSION = 1
"""Grows with what a reader would have to know; fields may come without it."""

_Json: TypeAlias = dict[str, Any]


def write(report: Report, path: Path) -> None:
    """Write the report to a file; raises ReportError."""
    files.write(path, render(report))


def render(report: Report) -> str:
    """The report as one JSON object, in ASCII: nothing in it can steer whoever shows it."""
    return json.dumps(_as_json(report), indent=1) + "\n"


def _as_json(report: Report) -> _Json:
    result = report.result
    return {
        "format": FORMAT,
        "version": VERSION,
        "suite_version": report.suite_version,
        "switch": asdict(report.subject),
        "host": report.host,
        "seed": report.seed,
        "started": report.started.isoformat(),
        "seconds": round(report.seconds, 3) or None,
        "scenarios": result.scenarios,
        "attempts": result.attempts,
        "outcome": OUTCOMES[result.outcome],
        "exit_status": result.exit_status,
        "shortfall": result.shortfall,
        "lost": list(result.lost),
        "divergences": {"stale": list(result.stale), "idle": list(result.idle)},
        "counts": counts(result),
        "clauses": [
            _clause(one, report.examples.get(name)) for name, one in result.clauses.items()
        ],
    }


def _clause(one: ClauseResult, example: Example | None) -> _Json:
    return {
        "name": one.clause.name,
        "area": one.clause.area,
        **{name: value for name, value in asdict(one.clause).items() if name != "name"},
        "verdict": one.verdict,
        "exercised": one.exercised,
        "shapes": one.shapes,
        "note": one.note,
        "failing": [case.scenario.id for case in one.failing],
        "flaky": [case.scenario.id for case in one.flaky],
        "known": [case.scenario.id for case in one.known],
        "example": _example(example) if example else None,
    }


def _example(example: Example) -> _Json:
    return {
        "id": example.scenario.id,
        "scenario": example.scenario.to_json(),
        "findings": [asdict(finding) for finding in example.findings],
        "minimised": example.minimised,
        "bundle": example.bundle,
        "replay": example.replay,
        "switch": example.switch,
    }
