"""pytest as the front: one test a clause, never green without calls, no trouble for others."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import pytest

from campaign.command_line import main
from campaign.report import report_of
from campaign.session import judge_recording
from conformance.clauses import CLAUSES
from conformance.divergences import Divergence, render
from conformance.verdicts import Verdict
from reports import html, json_report, markdown
from tests.command import calls_in, least_gap
from tests.conftest import Change
from tests.recorded_calls import by_hand

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


def known(recording: Path, expires: date = date(2999, 1, 1)) -> Path:
    """Accept the finding of a recording in a file beside it, and one that it does not show."""
    shown = judge_recording(recording).result.clauses["cdr.duration"].shown
    assert shown is not None
    found = Divergence(
        clause="cdr.duration",
        reason="r",
        owner="voice platform",
        link="",
        expires=expires,
        witness=shown.scenario,
    )
    other = replace(found, clause="cdr.billsec", witness=by_hand()["parked"].scenario)
    path = recording.with_name("known.toml")
    path.write_text(render(found) + render(other))
    return path


def test_what_is_known_fails_no_test(front: Callable[..., Outcome], with_a_finding: Path) -> None:
    """A build whose finding somebody answers for is green; who does is told."""
    outcome = front("--replay", str(with_a_finding), "--known", str(known(with_a_finding)))
    assert outcome.status == 0, outcome.said
    assert "cdr.duration: known, r (voice platform)" in outcome.texts["cdr.duration"]
    assert re.search(r"\nknown divergence: cdr\.billsec \(\w+\) matched nothing\n", outcome.said)


def test_what_is_known_and_differs_no_more_fails_the_test_of_its_clause(
    front: Callable[..., Outcome], with_a_finding: Path, shipped: Path
) -> None:
    """As what is expected to fail does, strictly: the entry is to be taken out."""
    outcome = front("--replay", str(shipped), "--known", str(known(with_a_finding)))
    assert outcome.status == 1
    assert outcome.those("failure") == {"cdr.duration"}
    (line,) = re.findall("known divergence: .* witness.*", outcome.texts["cdr.duration"])
    assert line.endswith(" no longer differs on its witness; take the entry out")
    assert f"\n{line}\n" in outcome.said


def test_what_is_known_and_has_expired_fails_the_test_of_its_clause(
    front: Callable[..., Outcome], with_a_finding: Path
) -> None:
    expired = known(with_a_finding, expires=date(2020, 1, 1))
    outcome = front("--replay", str(with_a_finding), "--known", str(expired))
    assert outcome.status == 1
    assert outcome.those("failure") == {"cdr.duration", "cdr.billsec"}
    for name in outcome.those("failure"):
        assert "expired on 2020-01-01; its owner is voice platform" in outcome.texts[name]


def test_what_is_known_is_not_replaced_by_a_report(
    front: Callable[..., Outcome], with_a_finding: Path
) -> None:
    path = known(with_a_finding)
    before = path.read_text()
    outcome = front("--replay", str(with_a_finding), "--known", str(path), "--json", str(path))
    assert outcome.status == pytest.ExitCode.USAGE_ERROR
    assert "it is asked for twice" in outcome.said
    assert path.read_text() == before


def test_a_switch_is_taken_for_the_release_that_is_told(
    front: Callable[..., Outcome], tmp_path: Path
) -> None:
    """For a build whose version misleads. Nor are calls placed faster than is asked for."""
    record = tmp_path / "run.jsonl"
    asked = ("--scenarios", "5", "--no-corpus", "--max-rate", "1", "--record", str(record))
    outcome = front("--switch", "embedded:", "--release", "1.8.0", *asked)
    verdicts = judge_recording(record).result.clauses
    old = {name for name, one in verdicts.items() if one.verdict is Verdict.NOT_IN_RELEASE}
    assert old
    assert all(f"{name}: not in release, holds from " in outcome.texts[name] for name in old)
    assert least_gap(calls_in(record)) == pytest.approx(1.0, abs=0.26)


@pytest.mark.parametrize("given", [[], ["--switch", "docker://", "--replay", "run.jsonl"]])
def test_either_a_switch_or_a_recording(front: Callable[..., Outcome], given: list[str]) -> None:
    outcome = front(*given)
    assert outcome.status == pytest.ExitCode.USAGE_ERROR
    said = [line for line in outcome.said.splitlines() if "give either" in line]
    assert len(said) == 1
    assert "loopback-conformance: give either --switch URL or --replay FILE" in said[0]
    assert "Traceback" not in outcome.said


def test_workers_do_not_each_make_the_run_anew(
    front: Callable[..., Outcome], shipped: Path
) -> None:
    """On one switch their calls would have the same tokens, and be taken for each other's."""
    outcome = front("-n", "2", "--switch", "embedded:")
    assert outcome.status == pytest.ExitCode.USAGE_ERROR
    assert "would make the whole run anew; use -n 0 with embedded:" in outcome.said
    assert "Traceback" not in outcome.said
    assert front("-n", "0", "--replay", str(shipped)).status == 0


@pytest.mark.parametrize(
    ("given", "cause"),
    [
        (["--replay", "/nowhere/run.jsonl"], "cannot read /nowhere/run.jsonl: No such file"),
        (["--switch", "process:///bin/true"], "/bin/true is not FreeSWITCH: -version says ''"),
        (["--switch", "pigeon://"], "not the URL of a switch: 'pigeon://'; use "),
        (
            ["--switch", "embedded:", "--known", "/nowhere/k.toml"],
            "cannot read /nowhere/k.toml: No",
        ),
        (["--switch", "embedded:", "--known", __file__], f"cannot read {__file__}: it is not TOML"),
        (["--replay", "x", "--release", "1.10.2"], "--release is of no use with --replay: "),
    ],
)
def test_what_cannot_be_had_is_a_usage_error(
    front: Callable[..., Outcome], given: list[str], cause: str
) -> None:
    outcome = front(*given)
    assert outcome.status == pytest.ExitCode.USAGE_ERROR
    assert f"loopback-conformance: {cause}" in outcome.said
    assert "Traceback" not in outcome.said


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (["--scenarios", "0"], "argument --scenarios: '0' is not a number from 1 on"),
        (
            ["--max-calls", "none"],
            "argument --window/--max-calls: 'none' is not a number from 1 on",
        ),
        (["--release", "1.7"], "argument --release: "),
    ],
)
def test_values_are_checked_as_the_command_does(
    front: Callable[..., Outcome], given: list[str], why: str
) -> None:
    outcome = front("--switch", "docker://", *given)
    assert outcome.status == pytest.ExitCode.USAGE_ERROR
    assert why in outcome.said


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


OF_THE_COMMAND = {"--keep", "--no-bundles", "--html", "--junit", "--allure", "--quiet", "--verbose"}
"""What `run` has, and pytest does otherwise or not at all; docs/reports.md says how."""


def test_a_session_has_the_options_of_the_command(
    pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    """What helps with `run` helps in CI, too: an option that one of them gets is the other's."""
    with pytest.raises(SystemExit):
        main(["run", "--help"])
    theirs = capsys.readouterr().out.partition("\nswitches:\n")[0]
    said = pytester.runpytest_subprocess("--help").stdout.str()
    ours = said.partition("\nloopback-conformance:\n")[2].partition("\n\n")[0]
    mine, others = (set(re.findall(r"--[a-z][a-z-]+", text)) for text in (ours, theirs))
    assert others - mine == {*OF_THE_COMMAND, "--help"}
    assert mine - others == {"--replay", "--html-report"}


def test_the_help_names_every_kind_of_switch(pytester: pytest.Pytester) -> None:
    said = " ".join(pytester.runpytest_subprocess("--help").stdout.str().split())
    assert "embedded:, process:///PATH, docker://IMAGE[:TAG] or esl://HOST:PORT" in said
