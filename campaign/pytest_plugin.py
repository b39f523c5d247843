"""The pytest front: `pytest conformance --switch URL` places calls, one test a clause reads them.

The options take effect only where a clause test asks for the run; any other use of pytest in the
same environment does not notice the plugin.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from campaign.ahead import AheadError
from campaign.bundles import require_folder, write_findings
from campaign.campaign import Pace
from campaign.corpus import load
from campaign.minimise import SECONDS
from campaign.options import positive
from campaign.outputs import FORMS, Asked, Form, asked_for, write_reports
from campaign.progress import Bar
from campaign.pytest_allure import AllureResults, install
from campaign.report import report_of
from campaign.session import Plan, Run, judge_recording, run
from campaign.streams import without_need_of_stderr
from conformance.clauses import Level
from conformance.compact import NoRoomError
from conformance.verdicts import SETTLED, Verdict
from fixtures.corpus import CorpusError
from fixtures.event_socket import EventSocketError
from fixtures.recording import RecordingError
from fixtures.switches import DEFAULT_IMAGE, SwitchError, UsageError, open_switch
from reports.content import Report
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


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of a run."""
    group = parser.getgroup("loopback-conformance")
    group.addoption(
        "--switch", metavar="URL", help="switch to test: process:///PATH, docker://IMAGE"
    )
    group.addoption("--replay", type=Path, metavar="FILE", help="judge a recording instead")
    group.addoption("--scenarios", type=positive, default=300, metavar="N", help="how many calls")
    group.addoption("--seed", type=int, default=1, metavar="N", help="same seed, same calls")
    group.addoption("--window", type=positive, default=100, metavar="N", help="calls at once")
    group.addoption("--record", type=Path, metavar="FILE", help="record all that the switch told")
    group.addoption("--overwrite", action="store_true", help="replace a recording that is there")
    group.addoption(
        "--corpus",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="place the examples of this folder first, after those of the suite",
    )
    group.addoption("--no-corpus", action="store_true", help="place no example at all")
    group.addoption(
        "--minimise",
        type=positive,
        default=round(SECONDS),
        metavar="SECONDS",
        help="how long a clause that fails is reduced to a simpler call",
    )
    group.addoption("--no-minimise", action="store_true", help="show what fails as it is")
    group.addoption(
        "--bundles", type=Path, metavar="DIR", help="write a bundle for each clause that fails"
    )
    group.addoption(
        "--save-example", type=Path, metavar="DIR", help="keep the call of each finding here"
    )
    group.addoption("--image", help=f"image of docker:// alone (default {DEFAULT_IMAGE})")
    group.addoption("--binary", default="freeswitch", help="FreeSWITCH in the image")
    group.addoption("--password-file", type=Path, help="the Event Socket password of esl://")
    group.addoption("--cdrs", help="where the CDRs of esl:// are")
    group.addoption(
        "--event-socket",
        choices=("asyncio", "python-esl"),
        default="asyncio",
        help="which Event Socket client to use",
    )
    for form in FORMS:
        if form.name not in _PYTEST_HAS:
            help = f"report {form.help}"
            group.addoption(_option(form), type=Path, metavar=form.takes, help=help)


def pytest_configure(config: pytest.Config) -> None:
    """Let Allure be told of clauses what the command tells it."""
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
    return asked_for(paths, config.getoption("--record") or config.getoption("--replay"))


def _perform(config: pytest.Config) -> Run:
    url, replay = config.getoption("--switch"), config.getoption("--replay")
    if bool(url) == bool(replay):
        raise UsageError("give either --switch URL or --replay FILE")
    for folder in filter(None, map(config.getoption, ("--bundles", "--save-example"))):
        require_folder(folder)
    if replay:
        return judge_recording(replay)
    switch = open_switch(
        url,
        event_socket=config.getoption("--event-socket"),
        image=config.getoption("--image"),
        binary=config.getoption("--binary"),
        password_file=config.getoption("--password-file"),
        cdrs=config.getoption("--cdrs"),
    )
    plan = Plan(
        scenarios=config.getoption("--scenarios"),
        seed=config.getoption("--seed"),
        pace=Pace(window=config.getoption("--window")),
        record=config.getoption("--record"),
        overwrite=config.getoption("--overwrite"),
        minimise=0.0 if config.getoption("--no-minimise") else config.getoption("--minimise"),
        corpus=() if config.getoption("--no-corpus") else load(config.getoption("--corpus")),
    )
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

    A finding fails; a `report` says how to place it again. A clause that is not decided fails where
    it is a MUST and is skipped otherwise, with the reason.
    """
    one = done.result.clauses[name]
    if done.result.shortfall:
        pytest.fail(f"{name}: the run is not whole: {done.result.shortfall}", pytrace=False)
    if one.verdict is Verdict.PASS:
        return
    if one.verdict is Verdict.FAIL:
        example = (report or report_of(done)).examples[name]
        pytest.fail(example_text(one, example), pytrace=False)
    reason = f"{name}: {one.verdict}, {one.note}"
    if one.clause.level is Level.MUST and one.verdict not in SETTLED:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


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
    terminalreporter.write_line(
        f"{done.result.scenarios} scenarios in {done.result.attempts} attempts exercised "
        f"{exercised} of {len(done.result.clauses)} clauses"
    )
