"""The pytest front: `pytest conformance --switch URL` places calls, one test a clause reads them.

The options take effect only where a clause test asks for the run; any other use of pytest in the
same environment does not notice the plugin.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from campaign.campaign import Pace
from campaign.command_line import positive
from campaign.progress import Bar
from campaign.report_files import HTML_HELP, require_place, write_report
from campaign.session import Plan, Run, judge_recording, run
from conformance.clauses import Level
from conformance.observation import observe
from conformance.verdicts import ClauseResult, Verdict
from fixtures.event_socket import EventSocketError
from fixtures.recording import RecordingError
from fixtures.switches import DEFAULT_IMAGE, SwitchError, UsageError, open_switch
from reports.diagram import printable
from reports.text import finding_text

_RUN = pytest.StashKey[Run]()
_TOLD = pytest.StashKey[str]()


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
    # `--html` itself is what pytest-html calls its own option
    group.addoption("--html-report", type=Path, metavar="FILE", help=HTML_HELP)
    group.addoption("--image", help=f"image of docker:// alone (default {DEFAULT_IMAGE})")
    group.addoption("--binary", default="freeswitch", help="FreeSWITCH in the image")
    group.addoption(
        "--event-socket",
        choices=("asyncio", "python-esl"),
        default="asyncio",
        help="which Event Socket client to use",
    )


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say what is going to be tested."""
    asked = config.getoption("--switch") or config.getoption("--replay")
    return f"loopback-conformance: {asked}" if asked else None


@pytest.fixture(scope="session")
def loopback_run(pytestconfig: pytest.Config) -> Run:
    """The run that the options ask for, placed once a session."""
    if _RUN not in pytestconfig.stash:
        try:
            pytestconfig.stash[_RUN] = _perform(pytestconfig)
        except (SwitchError, EventSocketError, RecordingError, UsageError) as error:
            pytest.exit(f"loopback-conformance: {error}", returncode=pytest.ExitCode.USAGE_ERROR)
    return pytestconfig.stash[_RUN]


@pytest.fixture(scope="session")
def check_loopback_clause(loopback_run: Run) -> Callable[[str], None]:
    """A function that passes, fails or skips as the verdict of the clause of a name says."""
    return lambda name: check_clause(loopback_run, name)


def _perform(config: pytest.Config) -> Run:
    url, replay = config.getoption("--switch"), config.getoption("--replay")
    if bool(url) == bool(replay):
        raise UsageError("give either --switch URL or --replay FILE")
    require_place(config.getoption("--html-report"))
    if replay:
        return judge_recording(replay)
    switch = open_switch(
        url,
        event_socket=config.getoption("--event-socket"),
        image=config.getoption("--image"),
        binary=config.getoption("--binary"),
    )
    plan = Plan(
        scenarios=config.getoption("--scenarios"),
        seed=config.getoption("--seed"),
        pace=Pace(window=config.getoption("--window")),
        record=config.getoption("--record"),
        overwrite=config.getoption("--overwrite"),
    )
    capture = config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled(), Bar(Console(stderr=True)) as bar:
        return asyncio.run(run(switch, plan, bar))


def check_clause(done: Run, name: str) -> None:
    """Pass, fail or skip as the verdict of a clause says.

    A finding fails. A clause that is not decided fails where it is a MUST and is skipped otherwise,
    with the reason.
    """
    one = done.result.clauses[name]
    if done.result.shortfall:
        pytest.fail(f"{name}: the run is not whole: {done.result.shortfall}", pytrace=False)
    if one.verdict is Verdict.PASS:
        return
    if one.verdict is Verdict.FAIL:
        pytest.fail(_in_full(done, one), pytrace=False)
    reason = f"{name}: {one.verdict}, {one.note}"
    if one.clause.level is Level.MUST and one.verdict is not Verdict.NOT_IN_RELEASE:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def _in_full(done: Run, one: ClauseResult) -> str:
    case = one.failing[0]
    placement = done.shown.get(case.scenario.id)
    seen = observe(case.scenario, placement) if placement else None
    return finding_text(one, case, seen)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the report; a session that passed fails if it cannot be written."""
    done, path = session.config.stash.get(_RUN, None), session.config.getoption("--html-report")
    if done is None or path is None:
        return
    try:
        write_report(done, path)
    except UsageError as error:
        session.config.stash[_TOLD] = str(error)
        if session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.USAGE_ERROR
    else:
        session.config.stash[_TOLD] = f"report: {path}"


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say how often the clauses were exercised."""
    done = config.stash.get(_RUN, None)
    if done is None:
        return
    exercised = sum(bool(one.exercised) for one in done.result.clauses.values())
    terminalreporter.write_sep("-", "loopback-conformance")
    terminalreporter.write_line(
        f"{done.result.scenarios} scenarios in {done.result.attempts} attempts exercised "
        f"{exercised} of {len(done.result.clauses)} clauses"
    )
    if _TOLD in config.stash:
        terminalreporter.write_line(printable(config.stash[_TOLD]))
