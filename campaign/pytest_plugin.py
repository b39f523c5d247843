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

from campaign.bundles import require_folder, save_examples, write_bundles
from campaign.campaign import Pace
from campaign.corpus import load
from campaign.minimise import SECONDS
from campaign.options import positive
from campaign.progress import Bar
from campaign.report import report_of
from campaign.session import Plan, Run, judge_recording, run
from conformance.clauses import Level
from conformance.observation import observe
from conformance.verdicts import ClauseResult, Verdict
from fixtures.corpus import CorpusError
from fixtures.event_socket import EventSocketError
from fixtures.recording import RecordingError
from fixtures.switches import DEFAULT_IMAGE, SwitchError, UsageError, open_switch
from reports.content import Report
from reports.text import finding_text

_ERRORS = (SwitchError, EventSocketError, RecordingError, CorpusError, UsageError)

_RUN = pytest.StashKey[Run]()
_REPORT = pytest.StashKey[Report]()


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
            done = _perform(pytestconfig)
            pytestconfig.stash[_REPORT] = _written(pytestconfig, done)
        except _ERRORS as error:
            pytest.exit(f"loopback-conformance: {error}", returncode=pytest.ExitCode.USAGE_ERROR)
        pytestconfig.stash[_RUN] = done
    return pytestconfig.stash[_RUN]


@pytest.fixture(scope="session")
def check_loopback_clause(loopback_run: Run, pytestconfig: pytest.Config) -> Callable[[str], None]:
    """A function that passes, fails or skips as the verdict of the clause of a name says."""
    report = pytestconfig.stash[_REPORT]
    return lambda name: check_clause(loopback_run, name, report)


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
    with capture.global_and_fixture_disabled(), Bar(Console(stderr=True)) as bar:
        return asyncio.run(run(switch, plan, bar))


def _written(config: pytest.Config, done: Run) -> Report:
    """What is to be said of a run, once what is to be written of it is there."""
    bundles, kept = config.getoption("--bundles"), config.getoption("--save-example")
    written: dict[str, Path] = {}
    try:
        written = write_bundles(done, bundles) if bundles else {}
        if kept:
            save_examples(done, kept)
    except (UsageError, CorpusError) as error:  # what was found is said none the less
        warnings.warn(pytest.PytestWarning(f"loopback-conformance: {error}"), stacklevel=1)
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
        example = report.examples.get(name) if report else None
        again = f"\n  place it again: {example.replay}" if example and example.replay else ""
        pytest.fail(_in_full(done, one) + again, pytrace=False)
    reason = f"{name}: {one.verdict}, {one.note}"
    if one.clause.level is Level.MUST and one.verdict is not Verdict.NOT_IN_RELEASE:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def _in_full(done: Run, one: ClauseResult) -> str:
    case = one.shown
    assert case is not None
    placement = done.shown.get(case.scenario.id)
    seen = observe(case.scenario, placement) if placement else None
    return finding_text(one, case, seen)


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
