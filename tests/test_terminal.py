"""What a run prints: one screen, colours where they are wanted, paths and commands."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from dataclasses import replace
from io import StringIO
from pathlib import Path
from types import MappingProxyType

import pytest
from rich.console import Console

from campaign.progress import Bar
from campaign.report import report_of
from campaign.session import Run
from conformance.clauses import CLAUSES, Level
from conformance.verdicts import Verdict
from reports.content import Report
from reports.terminal import Detail, print_run
from tests.command import COMMAND, ROOT, run
from tests.every_verdict import CONFORMING_RUN, FINDINGS_RUN, UNDECIDED_RUN, run_of, with_value

SCREEN = 24
"""Lines of the smallest terminal."""
EVERYTHING_FAILS = run_of(*((clause, Verdict.FAIL) for clause in CLAUSES.values()))


def printed(
    report: Report, detail: Detail = Detail.SCREEN, columns: int = 80, height: int = SCREEN
) -> list[str]:
    """The lines of a report on a terminal of this size, without what makes them coloured."""
    out = StringIO()
    console = Console(
        file=out,
        highlight=False,
        emoji=False,
        soft_wrap=True,
        force_terminal=True,
        width=columns,
        height=height,
    )
    print_run(console, report, detail)
    return re.sub(r"\x1b\[[\d;]*m", "", out.getvalue()).splitlines()


def rows(lines: list[str], columns: int = 80) -> int:
    """How many rows of a terminal the lines take, for it folds those that are too long."""
    return sum(max(1, -(-len(line) // columns)) for line in lines)


@pytest.mark.parametrize(
    "done",
    [
        CONFORMING_RUN,
        FINDINGS_RUN,
        UNDECIDED_RUN,
        with_value(FINDINGS_RUN, "x" * 10_240),
    ],
    ids=["conforms", "findings", "undecided", "long values"],
)
def test_clauses_take_one_screen(done: Run) -> None:
    lines = printed(report_of(done))
    shown = [line for line in lines if "x" * 1000 not in line]
    assert rows(shown) <= SCREEN


def test_a_switch_that_differs_everywhere_takes_one_screen_but_for_the_list_of_names() -> None:
    *lines, failing = printed(report_of(EVERYTHING_FAILS))
    assert rows(lines) <= SCREEN
    assert failing == f"failing: {', '.join(CLAUSES)}"
    shown = [line for line in lines if line.startswith("fail ")]
    assert len(shown) > 1
    left = len(CLAUSES) - len(shown)
    assert f"and {left} more that do not pass: --verbose shows them" in lines


@pytest.mark.parametrize("height", [SCREEN, 30, 50])
def test_on_a_larger_terminal_more_of_what_fails_is_shown(height: int) -> None:
    *lines, _ = printed(report_of(EVERYTHING_FAILS), height=height)
    assert rows(lines) <= height
    shown = [line for line in lines if line.startswith("fail ")]
    assert len(shown) == 7 if height == 50 else 1 < len(shown) < 7


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_a_finding_is_told_whole(columns: int) -> None:
    """The terminal folds it: what would be cut is what differs."""
    lines = printed(report_of(FINDINGS_RUN), columns=columns)
    results = FINDINGS_RUN.result.clauses.values()
    one = next(one for one in results if one.verdict is Verdict.FAIL)
    (sentence,) = (finding.sentence for finding in one.failing[0].findings)
    assert f"fail {one.clause.name} ({one.clause.level}): {sentence}" in lines


def test_findings_come_first_then_what_keeps_the_run_undecided() -> None:
    """What decides must not be among those that are left out."""
    lines = printed(report_of(FINDINGS_RUN), height=60)
    words = [line.split(" ")[0] for line in lines if " (MUST): " in line or " (SHOULD): " in line]
    assert words[:2] == ["fail", "fail"]
    levels = [level for line in lines if (level := re.search(r"\((MUST|SHOULD)\): ", line))]
    assert [level[1] for level in levels[2:6]] == ["MUST"] * 4


@pytest.mark.parametrize("verdict", [one for one in Verdict if one is not Verdict.PASS])
def test_what_does_not_pass_has_a_line(verdict: Verdict) -> None:
    clause = next(one for one in CLAUSES.values() if one.level is Level.SHOULD)
    one = run_of((clause, verdict)).result.clauses[clause.name]
    (line,) = [
        line
        for line in printed(report_of(run_of((clause, verdict))), columns=200)
        if line.startswith(f"{verdict} {clause.name} (SHOULD): ")
    ]
    assert one.note in line


def test_a_run_that_conforms_lists_no_clause() -> None:
    lines = printed(report_of(CONFORMING_RUN))
    assert not [name for name in CLAUSES if name in "\n".join(lines)]
    assert lines[-1].startswith("conforms: 3 scenarios in 5 attempts, ")


def test_verbose_lists_every_clause_and_shows_findings_in_full() -> None:
    text = "\n".join(printed(report_of(FINDINGS_RUN), Detail.FULL, columns=120))
    for name in CLAUSES:
        assert f"\n{name} " in text
    assert "\n  time s  " in text
    assert "\n  fs_cli> originate " in text


def test_quiet_gives_the_outcome_and_why_it_is_not_decided() -> None:
    lines = printed(report_of(UNDECIDED_RUN), Detail.OUTCOME)
    assert not [line for line in lines if line.startswith("area ")]
    must = [line for line in lines if line.startswith("not decided ")]
    assert len(must) == 4
    assert lines[-1].startswith("not decided: ")


@pytest.mark.parametrize("detail", [Detail.SCREEN, Detail.FULL])
def test_a_finding_that_can_be_replayed_has_its_command(detail: Detail) -> None:
    report = report_of(FINDINGS_RUN)
    name, example = next(iter(report.examples.items()))
    command = "loopback-conformance replay findings/a --switch embedded:"
    examples = MappingProxyType({name: replace(example, replay=command)})
    lines = [line.strip() for line in printed(replace(report, examples=examples), detail)]
    assert f"replay: {command}" in lines


def test_the_paths_of_reports_are_printed(shipped: Path, tmp_path: Path) -> None:
    """Whoever reads the log of a CI job looks for them there."""
    paths = [str(tmp_path / "r.json"), str(tmp_path / "r.md")]
    ended = run("judge", "--quiet", str(shipped), "--json", paths[0], "--markdown", paths[1])
    assert f"reports: {', '.join(paths)}" in ended.out.splitlines()


# --- colours -------------------------------------------------------------------------------------


def on_a_terminal(*arguments: str, **environment: str) -> str:
    """What the command prints where its standard output is a terminal."""
    parent, child = pty.openpty()
    plain = {
        name: value
        for name, value in os.environ.items()
        if name not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES")
    }
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=ROOT,
        env={**plain, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", **environment},
        stdout=child,
        stderr=subprocess.PIPE,
    )
    os.close(child)
    said = b""
    try:
        while data := os.read(parent, 65536):
            said += data
    except OSError:
        pass  # Linux's way of saying that the other end is closed
    finally:
        os.close(parent)
    process.communicate(timeout=60)
    return said.decode()


@pytest.mark.skipif(sys.platform != "linux", reason="reads a terminal as Linux has it")
def test_colours_are_for_terminals_that_are_not_told_otherwise(shipped: Path) -> None:
    colour = re.compile(r"\x1b\[[\d;]*3\d")
    assert colour.search(on_a_terminal("judge", str(shipped)))
    assert not colour.search(on_a_terminal("judge", str(shipped), NO_COLOR="1"))
    assert "\x1b" not in run("judge", str(shipped)).out


def test_progress_says_why_nothing_is_placed() -> None:
    """A run that stands still for minutes does not look hung; no name is taken for markup."""

    def shown(*reasons: str) -> str:
        """The last line that is drawn."""
        out = StringIO()
        with Bar(Console(file=out, force_terminal=True, width=80, color_system=None)) as bar:
            bar.begin(2000, "placing")
            for reason in reasons:
                bar.waits(reason)
        return out.getvalue().rsplit("\x1b[2K", 1)[-1]

    full = "esl://[/::1]:8021 takes no calls"
    assert shown(full).startswith(f"{full} ")
    assert shown(full, "").startswith("placing ")
