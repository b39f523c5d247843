"""pytest as the front: one test a clause, never green without calls, no trouble for others."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from campaign.report import report_of
from campaign.session import judge_recording
from conformance.clauses import CLAUSES
from conformance.verdicts import Verdict
from reports import html, json_report, markdown
from tests.conftest import Change

ROOT = Path(__file__).parents[1]


class Outcome:
    """What came of a pytest run, read from its JUnit file."""

    def __init__(self, status: int, said: str, junit: Path) -> None:
        """Read it; there is none where pytest did not come so far."""
        self.status = status
        self.said = said
        self.by_clause: dict[str, str] = {}
        self.texts: dict[str, str] = {}
        for case in ElementTree.parse(junit).iter("testcase") if junit.exists() else ():
            name = str(case.get("name")).partition("[")[2].removesuffix("]")
            results = [child for child in case if child.tag in ("failure", "error", "skipped")]
            assert name not in self.by_clause, "one test a clause"
            self.by_clause[name] = results[0].tag if results else "passed"
            self.texts[name] = "".join(str(child.text) for child in results)

    def those(self, result: str) -> set[str]:
        """The clauses whose tests ended so."""
        return {name for name, found in self.by_clause.items() if found == result}


@pytest.fixture
def front(tmp_path: Path) -> Callable[..., Outcome]:
    """A function that runs `pytest conformance` with more arguments."""

    def run(*arguments: str) -> Outcome:
        junit = tmp_path / "junit.xml"
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "conformance", f"--junit-xml={junit}", *arguments],
            cwd=ROOT,
            env={**os.environ, "PYTEST_ADDOPTS": "-p no:cacheprovider"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Outcome(done.returncode, done.stdout + done.stderr, junit)

    return run


def test_a_recording_that_conforms_is_green(front: Callable[..., Outcome], shipped: Path) -> None:
    outcome = front("--replay", str(shipped))
    assert outcome.status == 0, outcome.said
    assert set(outcome.by_clause) == set(CLAUSES)
    verdicts = judge_recording(shipped).result.clauses
    passing = {name for name, one in verdicts.items() if one.verdict is Verdict.PASS}
    assert outcome.those("passed") == passing
    assert outcome.those("skipped") == set(CLAUSES) - passing
    assert f" exercised {len(passing)} of {len(CLAUSES)} clauses" in outcome.said


def test_a_skipped_clause_says_why(front: Callable[..., Outcome], shipped: Path) -> None:
    outcome = front("--replay", str(shipped))
    for name in outcome.those("skipped"):
        assert f"{name}: not verified, no scenario exercised it" in outcome.texts[name]


def test_nothing_exercised_is_never_green(
    front: Callable[..., Outcome], changed: Callable[[Change | None], Path]
) -> None:
    outcome = front("--replay", str(changed(None)))
    assert outcome.status == 1
    assert outcome.those("passed") == set()
    must = {name for name, clause in CLAUSES.items() if clause.level == "MUST"}
    assert outcome.those("failure") == must
    assert "0 scenarios in 0 attempts exercised 0 of " in outcome.said


def test_a_recording_that_is_not_whole_is_never_green(
    front: Callable[..., Outcome], shipped: Path, tmp_path: Path
) -> None:
    path = tmp_path / "cut.jsonl.gz"
    path.write_bytes(shipped.read_bytes()[:-200])
    outcome = front("--replay", str(path))
    assert outcome.status == 1
    assert outcome.those("failure") == set(CLAUSES)
    for text in outcome.texts.values():
        assert "the run is not whole: the recording is not whole: " in text


def test_a_finding_fails_the_test_of_its_clause(
    front: Callable[..., Outcome], shipped: Path, with_a_finding: Path
) -> None:
    outcome = front("--replay", str(with_a_finding))
    assert outcome.status == 1
    assert outcome.those("failure") == {"cdr.duration"}
    text = outcome.texts["cdr.duration"]
    clause = CLAUSES["cdr.duration"]
    assert f"cdr.duration ({clause.level}): {clause.statement}" in text
    assert "\n  time s  " in text
    assert "created" in text
    assert "\n  fs_cli> originate {origination_uuid=" in text
    assert "Traceback" not in outcome.said


@pytest.mark.parametrize("given", [[], ["--switch", "docker://", "--replay", "run.jsonl"]])
def test_either_a_switch_or_a_recording(front: Callable[..., Outcome], given: list[str]) -> None:
    outcome = front(*given)
    assert outcome.status == pytest.ExitCode.USAGE_ERROR
    said = [line for line in outcome.said.splitlines() if "give either" in line]
    assert len(said) == 1
    assert "loopback-conformance: give either --switch URL or --replay FILE" in said[0]
    assert "Traceback" not in outcome.said


@pytest.mark.parametrize(
    ("given", "cause"),
    [
        (["--replay", "/nowhere/run.jsonl"], "cannot read /nowhere/run.jsonl: No such file"),
        (["--switch", "process:///bin/true"], "/bin/true is not FreeSWITCH: -version says ''"),
        (["--switch", "pigeon://"], "not the URL of a switch: 'pigeon://'; use "),
    ],
)
def test_what_cannot_be_had_is_a_usage_error(
    front: Callable[..., Outcome], given: list[str], cause: str
) -> None:
    outcome = front(*given)
    assert outcome.status == pytest.ExitCode.USAGE_ERROR
    assert f"loopback-conformance: {cause}" in outcome.said
    assert "Traceback" not in outcome.said


@pytest.mark.parametrize("given", [["--scenarios", "0"], ["--window", "none"]])
def test_numbers_are_checked(front: Callable[..., Outcome], given: list[str]) -> None:
    outcome = front("--switch", "docker://", *given)
    assert outcome.status == pytest.ExitCode.USAGE_ERROR
    assert f"argument {given[0]}: " in outcome.said


def test_no_room_for_temporary_files_is_told_in_a_line(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        full_disk="""
            from campaign import pytest_plugin
            from conformance.compact import NoRoomError

            def perform(config):
                raise NoRoomError(OSError("database or disk is full"))

            pytest_plugin._perform = perform
        """
    )
    pytester.syspathinsert()
    clauses = str(ROOT / "conformance" / "test_legs.py")
    asked = ("-p", "full_disk", "--switch", "embedded:", f"--rootdir={ROOT}")
    outcome = pytester.runpytest_subprocess(clauses, *asked)
    assert outcome.ret == pytest.ExitCode.INTERNAL_ERROR
    outcome.stdout.fnmatch_lines(["*loopback-conformance: a temporary file cannot be kept: *"])
    outcome.stdout.fnmatch_lines(["*; nothing is decided*"])
    outcome.stdout.no_fnmatch_line("*Traceback*")


def test_reports_are_those_of_the_command(
    front: Callable[..., Outcome], with_a_finding: Path, tmp_path: Path
) -> None:
    paths = {name: tmp_path / name for name in ("html-report", "json", "markdown")}
    asked = [text for name, path in paths.items() for text in (f"--{name}", str(path))]
    outcome = front("--replay", str(with_a_finding), *asked)
    assert outcome.status == 1
    assert f"reports: {', '.join(map(str, paths.values()))}" in outcome.said
    report = report_of(judge_recording(with_a_finding))
    assert paths["html-report"].read_text() == html.page(report)
    assert paths["json"].read_text() == json_report.render(report)
    assert paths["markdown"].read_text() == markdown.render(report)


def test_junit_of_pytest_says_what_was_tested(
    front: Callable[..., Outcome], shipped: Path, tmp_path: Path
) -> None:
    front("--replay", str(shipped))
    root = ElementTree.parse(tmp_path / "junit.xml").getroot()
    facts = {one.get("name"): one.get("value") for one in root.iter("property")}
    assert facts["seed"] == "1"
    assert "FreeSWITCH Version" in str(facts["switch.version"])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_report_that_cannot_be_written(front: Callable[..., Outcome], shipped: Path) -> None:
    """A session is not green without it."""
    outcome = front("--replay", str(shipped), "--json", "/dev/full")
    assert outcome.status == pytest.ExitCode.USAGE_ERROR
    assert "loopback-conformance: cannot write /dev/full: No space left" in outcome.said
    assert outcome.those("failure") == set()


def test_a_report_that_would_replace_the_recording(
    front: Callable[..., Outcome], shipped: Path
) -> None:
    outcome = front("--replay", str(shipped), "--json", str(shipped))
    assert outcome.status == pytest.ExitCode.USAGE_ERROR
    assert "it is asked for twice" in outcome.said


def test_other_tests_do_not_notice_the_plugin(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_one(): pass

        def test_nothing_is_said(request):
            assert request.config.pluginmanager.has_plugin("loopback_conformance")
        """
    )
    result = pytester.runpytest_subprocess("--strict-markers", "--strict-config")
    result.assert_outcomes(passed=2)
    result.stdout.no_fnmatch_line("*loopback-conformance:*")
    result.stdout.no_fnmatch_line("*clauses*")


def test_the_options_are_in_the_help(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("--help")
    for option in ("--switch", "--replay", "--scenarios", "--seed", "--window", "--record"):
        result.stdout.fnmatch_lines([f"*{option}=*"])
