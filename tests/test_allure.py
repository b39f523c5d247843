"""Results for Allure: the same from the command and from pytest, with a history; they render."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from campaign.report import report_of
from conformance.clauses import CLAUSES
from conformance.verdicts import Verdict
from reports import allure
from tests.command import ROOT, run
from tests.every_verdict import CONFORMING_RUN, FINDINGS_RUN, LOST_RUN, MUST, run_of

ALLURE = os.environ.get("LOOPBACK_CONFORMANCE_ALLURE") or shutil.which("allure") or ""
needs_allure = pytest.mark.skipif(
    not ALLURE, reason="set LOOPBACK_CONFORMANCE_ALLURE to the path of Allure 2's command"
)

OF_THE_RUNNER = ("uuid", "start", "stop")
"""What is a runner's own: everything else is the same whoever runs the suite."""


def results_in(folder: Path) -> dict[str, dict[str, Any]]:
    """The results in a folder, by name."""
    read = [json.loads(path.read_text()) for path in folder.glob("*-result.json")]
    assert len(read) == len({one["name"] for one in read}), "one result a clause"
    return {one["name"]: one for one in read}


def labels(result: dict[str, Any]) -> dict[str, str]:
    """The labels of a result, each of which it has once."""
    found = {one["name"]: one["value"] for one in result["labels"]}
    assert len(found) == len(result["labels"])
    return found


def attached(folder: Path, result: dict[str, Any]) -> dict[str, str]:
    """What is attached to a result, by title."""
    found = result.get("attachments", ())
    return {one["name"]: (folder / one["source"]).read_text() for one in found}


def with_pytest(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the clause tests."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_result_is_what_its_clause_is(tmp_path: Path) -> None:
    allure.write(report_of(FINDINGS_RUN), tmp_path)
    results = results_in(tmp_path)
    assert set(results) == set(CLAUSES)
    severities = {"MUST": "critical", "SHOULD": "normal", "MAY": "minor"}
    for name, clause in CLAUSES.items():
        found = labels(results[name])
        assert found["severity"] == severities[clause.level]
        assert found["feature"] == clause.area
        assert clause.statement in re.sub(r"\\(.)", r"\1", results[name]["description"])


def test_only_what_speaks_against_a_clause_is_attached(tmp_path: Path) -> None:
    allure.write(report_of(FINDINGS_RUN), tmp_path)
    verdicts = {name: one.verdict for name, one in FINDINGS_RUN.result.clauses.items()}
    for name, result in results_in(tmp_path).items():
        found = attached(tmp_path, result)
        if verdicts[name] not in (Verdict.FAIL, Verdict.KNOWN, Verdict.FLAKY):
            assert not found
            continue
        assert ElementTree.fromstring(found["timelines"]).tag.endswith("}svg")
        assert found["events"].startswith("  time s  a-leg")
        assert "\nEvent-Name: CHANNEL_HANGUP\n" in found["Event Socket transcript"]
        assert json.loads(found["scenario"])["kind"] == "scenario"
        legs = json.loads(found["CDRs"])
        assert {"a-leg", "loopback-a", "loopback-b", "b-leg"} <= set(legs)


def test_what_one_call_shows_of_many_clauses_is_there_once(tmp_path: Path) -> None:
    """A switch that differs everywhere does not fill the disk with copies."""
    done = run_of(*((clause, Verdict.FAIL) for clause in CLAUSES.values()))
    allure.write(report_of(done), tmp_path)
    assert len(list(tmp_path.glob("*-attachment.*"))) == 5


def test_flaky_is_marked_as_such(tmp_path: Path) -> None:
    allure.write(report_of(FINDINGS_RUN), tmp_path)
    verdicts = FINDINGS_RUN.result.clauses
    for name, result in results_in(tmp_path).items():
        flaky = result.get("statusDetails", {}).get("flaky", False)
        assert flaky is (verdicts[name].verdict is Verdict.FLAKY)


def test_a_run_that_is_not_whole_has_a_result_of_its_own(tmp_path: Path) -> None:
    """All clauses pass as far as it went; nobody must take that for a pass."""
    allure.write(report_of(LOST_RUN), tmp_path)
    (result,) = [one for name, one in results_in(tmp_path).items() if name not in CLAUSES]
    assert result["status"] == "broken"
    assert "the switch was lost" in result["statusDetails"]["message"]
    allure.write(report_of(CONFORMING_RUN), tmp_path)
    assert set(results_in(tmp_path)) == set(CLAUSES), "of the run before"


def test_pytest_and_the_command_tell_the_same(with_a_finding: Path, tmp_path: Path) -> None:
    """One history, whichever way a CI job goes; what was not verified fails no test of Allure's."""
    ours, theirs = tmp_path / "command", tmp_path / "pytest"
    ended = run("judge", "--quiet", str(with_a_finding), "--allure", str(ours))
    assert ended.status == 1
    done = with_pytest("conformance", "--replay", str(with_a_finding), "--alluredir", str(theirs))
    assert done.returncode == 1, done.stdout + done.stderr
    first, second = results_in(ours), results_in(theirs)
    assert set(first) == set(second) == set(CLAUSES)
    for name, result in first.items():
        other = second[name]
        assert attached(ours, result) == attached(theirs, other)
        for field in OF_THE_RUNNER:
            result.pop(field), other.pop(field)
        assert result == other
    for name in ("environment.properties", "categories.json"):
        assert (ours / name).read_text() == (theirs / name).read_text()


def test_pytest_tells_of_a_run_that_is_not_decided(tmp_path: Path, shipped: Path) -> None:
    cut = tmp_path / "cut.jsonl.gz"
    cut.write_bytes(shipped.read_bytes()[:-200])
    folder = tmp_path / "allure"
    with_pytest("conformance", "--replay", str(cut), "--alluredir", str(folder))
    assert results_in(folder)[allure.RUN]["status"] == "broken"


def test_pytest_tells_allure_of_other_tests_as_ever(tmp_path: Path) -> None:
    path = tmp_path / "test_other.py"
    path.write_text("def test_one(): assert 0\n")
    folder = tmp_path / "allure"
    with_pytest(str(path), "--alluredir", str(folder))
    (result,) = results_in(folder).values()
    assert result["name"] == "test_one"
    assert result["status"] == "failed"
    assert not (folder / "environment.properties").exists()


@needs_allure
def test_allure_renders_it_and_two_runs_have_a_history(tmp_path: Path) -> None:
    first, second = run_of(), run_of((MUST[0], Verdict.FAIL))
    results, page = tmp_path / "results", tmp_path / "page"
    for number, done in enumerate((first, second)):
        allure.write(report_of(done), results)
        if number:
            shutil.copytree(page / "history", results / "history")
        generated = subprocess.run(
            [ALLURE, "generate", "--clean", "-o", str(page), str(results)],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert generated.returncode == 0, generated.stdout + generated.stderr
    trend = json.loads((page / "widgets" / "history-trend.json").read_text())
    assert [one["data"]["failed"] for one in trend] == [1, 0]
    cases = [json.loads(path.read_text()) for path in (page / "data" / "test-cases").glob("*.json")]
    assert {case["name"] for case in cases} == set(CLAUSES)
    (failed,) = [case for case in cases if case["status"] == "failed"]
    assert failed["newFailed"]
    (before,) = failed["extra"]["history"]["items"]
    assert before["status"] == "passed"
