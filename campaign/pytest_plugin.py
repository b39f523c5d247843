"""The pytest front: `pytest conformance --switch URL` places calls, one test a clause reads them.

The options take effect only where a clause test asks for the run; any other use of pytest in the
same environment does not notice the plugin.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from campaign import divergences
from campaign.ahead import AheadError
from campaign.bundles import require_folder, write_findings
from campaign.options import (
    add_finding_options,
    add_reaching_options,
    add_recording_options,
    add_release_option,
    add_run_options,
)
from campaign.outputs import FORMS, Asked, Form, asked_for, write_reports
from campaign.placing import plan_of
from campaign.progress import Bar
from campaign.pytest_allure import AllureResults, install
from campaign.report import report_of
from campaign.session import Run, judge_recording, run
from campaign.streams import without_need_of_stderr
from conformance.clauses import Level
from conformance.compact import NoRoomError
from conformance.verdicts import SETTLED, Verdict
from fixtures.corpus import CorpusError
from fixtures.event_socket import EventSocketError
from fixtures.recording import RecordingError
from fixtures.switches import SwitchError, UsageError, open_switch
from reports.content import Report
from reports.diagram import printable
from reports.files import ReportError
from reports.junit import properties
from reports.text import example_text

_ERRORS = (SwitchError, EventSocketError, RecordingError, CorpusError, UsageError)

_RUN = pytest.StashKey[Run]()
_REPORT = pytest.StashKey[Report]()
_ASKED = pytest.StashKey[Asked]()
_ALLURE = pytest.StashKey[AllureResults | None]()
_FAILURES = pytest.StashKey[list[str]]()
_PYTEST_HAS = ("junit", "allure")
"""Forms of report for which pytest has options of its own: --junit-xml and --alluredir."""


class _Group:
    """A group of pytest's options, which takes them as the parser of a command does."""

    def __init__(self, group: pytest.OptionGroup) -> None:
        self._group = group

    def add_argument(self, *names: str, **attributes: Any) -> None:
        self._group.addoption(*names, **attributes)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the command `run`, but for those that are of no use in a session."""
    group = _Group(parser.getgroup("loopback-conformance"))
    group.add_argument(
        "--switch",
        metavar="URL",
        help="what to test: embedded:, process:///PATH, docker://IMAGE[:TAG] or esl://HOST:PORT",
    )
    group.add_argument("--replay", type=Path, metavar="FILE", help="judge a recording instead")
    add_reaching_options(group)
    add_release_option(group)
    add_run_options(group)
    add_recording_options(group)
    add_finding_options(group)
    divergences.add_known_option(group)
    for form in FORMS:
        if form.name not in _PYTEST_HAS:
            help = f"report {form.help}"
            group.add_argument(_option(form), type=Path, metavar=form.takes, help=help)


def pytest_configure(config: pytest.Config) -> None:
    """Let Allure be told of clauses what the command tells it; one process places the run.

    Each worker of pytest-xdist would place the same calls, on one switch even with the same tokens.
    """
    asked = config.getoption("--switch") or config.getoption("--replay")
    if asked and config.getoption("numprocesses", None):
        why = "each worker of pytest-xdist would make the whole run anew"
        raise pytest.UsageError(f"loopback-conformance: {why}; use -n 0 with {asked}")
    config.stash[_ALLURE] = install(config)


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say what is going to be tested."""
    asked = config.getoption("--switch") or config.getoption("--replay")
    return f"loopback-conformance: {asked}" if asked else None


@pytest.fixture(scope="session")
def loopback_run(
    pytestconfig: pytest.Config, record_testsuite_property: Callable[[str, object], None]
) -> Run:
    """The run that the options ask for, placed once a session."""
    stash = pytestconfig.stash
    if _RUN not in stash:
        try:
            stash[_ASKED] = _asked_for(pytestconfig)
            stash[_RUN] = _perform(pytestconfig)
        except _ERRORS as error:
            pytest.exit(f"loopback-conformance: {error}", returncode=pytest.ExitCode.USAGE_ERROR)
        except (AheadError, NoRoomError) as error:
            said = f"loopback-conformance: {error}; nothing is decided"
            pytest.exit(said, returncode=pytest.ExitCode.INTERNAL_ERROR)
        report = stash[_REPORT] = _written(pytestconfig, stash[_RUN])
        for name, value in properties(report):
            record_testsuite_property(name, value)
        if told := stash[_ALLURE]:
            told.report = report
    return stash[_RUN]


@pytest.fixture(scope="session")
def check_loopback_clause(loopback_run: Run, pytestconfig: pytest.Config) -> Callable[[str], None]:
    """A function that passes, fails or skips as the verdict of the clause of a name says."""

    def check(name: str) -> None:
        AllureResults.mark(name)
        check_clause(loopback_run, name, pytestconfig.stash[_REPORT])

    return check


def _option(form: Form[Report]) -> str:
    """What asks for a form of report; pytest-html calls its own option --html."""
    return "--html-report" if form.name == "html" else f"--{form.name}"


def _asked_for(config: pytest.Config) -> Asked:
    paths = {
        form.name: config.getoption(_option(form)) for form in FORMS if form.name not in _PYTEST_HAS
    }
    asked = config.option
    return asked_for(paths, asked.record or asked.replay, read=[asked.known])


def _perform(config: pytest.Config) -> Run:
    asked = config.option
    if bool(asked.switch) == bool(asked.replay):
        raise UsageError("give either --switch URL or --replay FILE")
    for folder in filter(None, (asked.bundles, asked.save_example)):
        require_folder(folder)
    if asked.replay:
        if asked.release:
            why = "a recording is of the release that its calls were placed as"
            raise UsageError(f"--release is of no use with --replay: {why}; leave it out")
        return judge_recording(asked.replay, divergences.load(asked.known))
    switch = open_switch(
        asked.switch,
        event_socket=asked.event_socket,
        image=asked.image,
        binary=asked.binary,
        password_file=asked.password_file,
        cdrs=asked.cdrs,
    )
    plan = plan_of(asked)
    capture = config.pluginmanager.getplugin("capturemanager")
    with (
        capture.global_and_fixture_disabled(),
        without_need_of_stderr(),
        Bar(Console(stderr=True)) as bar,
    ):
        return asyncio.run(run(switch, plan, bar))


def _written(config: pytest.Config, done: Run) -> Report:
    """What is to be said of a run, once its bundles and examples are written."""
    bundles, kept = config.getoption("--bundles"), config.getoption("--save-example")
    written, _, failures = write_findings(done, bundles, kept)
    for failure in failures:
        warnings.warn(pytest.PytestWarning(f"loopback-conformance: {failure}"), stacklevel=1)
    return report_of(done, written)


def check_clause(done: Run, name: str, report: Report | None = None) -> None:
    """Pass, fail or skip as the verdict of a clause says.

    A finding fails; a `report` says how to place it again. So does a known divergence of the clause
    that is stale. A clause that is not decided fails where it is a MUST and is skipped otherwise,
    with the reason.
    """
    one = done.result.clauses[name]
    if done.result.shortfall:
        pytest.fail(f"{name}: the run is not whole: {done.result.shortfall}", pytrace=False)
    against = [f"known divergence: {printable(text)}" for text in _stale(done, name)]
    if one.verdict is Verdict.FAIL:
        example = (report or report_of(done)).examples[name]
        against.insert(0, example_text(one, example))
    if against:
        pytest.fail("\n".join(against), pytrace=False)
    if one.verdict is Verdict.PASS:
        return
    reason = f"{name}: {one.verdict}, {one.note}"
    if one.clause.level is Level.MUST and one.verdict not in SETTLED:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def _stale(done: Run, clause: str) -> Iterator[str]:
    """What is stale of the known divergences of a clause: each sentence begins with its name."""
    return (text for text in done.result.stale if text.startswith(f"{clause} ("))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the reports of the run; one that is missing spoils a green session."""
    stash = session.config.stash
    if _RUN not in stash:
        return
    stash[_FAILURES] = write_reports(stash[_REPORT], stash[_ASKED])
    if told := stash[_ALLURE]:
        try:
            told.finish()
        except ReportError as error:
            stash[_FAILURES].append(str(error))
    if stash[_FAILURES] and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.USAGE_ERROR


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say how often the clauses were exercised."""
    done = config.stash.get(_RUN, None)
    if done is None:
        return
    exercised = sum(bool(one.exercised) for one in done.result.clauses.values())
    terminalreporter.write_sep("-", "loopback-conformance")
    for failure in config.stash.get(_FAILURES, ()):
        terminalreporter.write_line(f"loopback-conformance: {failure}", red=True)
    asked = config.stash.get(_ASKED, {})
    if asked:
        terminalreporter.write_line(f"reports: {', '.join(map(str, asked.values()))}")
    for text in (*done.result.stale, *done.result.idle):
        terminalreporter.write_line(f"known divergence: {printable(text)}", yellow=True)
    terminalreporter.write_line(
        f"{done.result.scenarios} scenarios in {done.result.attempts} attempts exercised "
        f"{exercised} of {len(done.result.clauses)} clauses"
    )
