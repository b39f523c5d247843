"""The command `loopback-conformance` and those of its commands that have no module of their own."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from rich.console import Console

from campaign import (
    accept_command,
    bisect,
    compare_command,
    divergences,
    doctor,
    guest,
    record,
    replay,
)
from campaign.admission import Pace
from campaign.ahead import AheadError
from campaign.bundles import folder_beside, require_folder, write_findings
from campaign.faults import Caught, chosen, run_faults
from campaign.memory import keep_memory_flat
from campaign.metamorphic import run_metamorphic
from campaign.options import (
    SWITCHES,
    add_finding_options,
    add_recording_options,
    add_run_options,
    add_switch_options,
    end_by_broken_pipe,
    kept_is_told,
    positive,
    switch_of,
    switches_of,
)
from campaign.outputs import Asked, add_report_options, asked_for, exit_status, write_reports
from campaign.placing import placed
from campaign.report import report_of
from campaign.session import Plan, Run, judge_recording, require_place, run, suite_version
from campaign.streams import OutputError, printing, without_need_of_stderr
from conformance.clauses import CLAUSES, Area, Level
from conformance.compact import NoRoomError
from conformance.verdicts import CONFORMS, FINDINGS, UNDECIDED, USAGE
from fixtures.corpus import CorpusError
from fixtures.embedded.faults import FAULTS, NEVER_ALONE
from fixtures.event_socket import EventSocketError
from fixtures.recording import RecordingError
from fixtures.switches import SwitchError, UsageError
from reports import catalogue
from reports.content import Report
from reports.diagram import printable
from reports.kill_matrix import markdown
from reports.metamorphic import print_contrasts, print_summary
from reports.terminal import Detail, print_run

_EXIT_STATUS = """\
exit status:
  0  the switch conforms
  1  findings: it differs from a clause, in every attempt; or a known divergence is stale: it has
     expired, or differs no more
  2  usage or configuration: the switch cannot be started or reached, a file cannot be read, or
     the switch conforms and a report of that cannot be written
  3  not decided: a MUST clause is inconclusive, flaky, in error or not verified, or the run was
     not completed
"""

_METAMORPHIC_EXIT_STATUS = """\
exit status:
  0  the switch conforms, and no variant makes a difference
  1  findings: it differs from a clause, or a variant makes a difference, in every attempt
  2  usage or configuration: the switch cannot be started or reached, a file not read or written
  3  not decided: a MUST clause is inconclusive, flaky, in error or not verified, or the run was
     not completed
"""

_RUN_EXAMPLE = """\
examples:
  loopback-conformance run --switch process:///usr/bin/freeswitch --scenarios 300 --seed 1 \\
      --record run.jsonl.gz
  loopback-conformance run --switch docker:// --quiet --html run.html --junit run.xml

a pool, several switches of one version, each scenario on one of them; N take about 1/N of the time:
  loopback-conformance run --switch esl://one:8021 --cdrs one.json \\
      --switch esl://two:8021 --cdrs two.json --scenarios 3000 --record run.jsonl.gz
"""

_JUDGE_EXAMPLE = """\
example:
  loopback-conformance judge run.jsonl.gz --verbose --json run.json --allure allure-results
"""

_LEVELS = """\
levels:
  MUST    the documentation promises it and releases do it, if with other figures or an exception
  SHOULD  releases do it, and the documentation leaves it open or denies it
  MAY     racy, or bound to a version
"""

_CLAUSES_EXAMPLE = """\
examples:
  loopback-conformance clauses --area bowout --level must
  loopback-conformance clauses --markdown docs/clauses.md
"""

_STANDARD_OUTPUT = Path("-")

REPORT_WIDTH = 120
"""Columns of a report that goes to no terminal: the widest row has them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    with without_need_of_stderr():
        try:
            with printing():
                return _main(arguments)
        except OutputError as error:
            if error.left:
                end_by_broken_pipe()
                signal.raise_signal(signal.SIGPIPE)
            print(f"loopback-conformance: {error}", file=sys.stderr)
            return USAGE


def _main(arguments: Sequence[str] | None) -> int:
    parsed = _parser().parse_args(arguments)
    keep_memory_flat()
    # In a file or a pipe nothing is cut: names of clauses are there to be searched for.
    width = None if sys.stdout.isatty() else REPORT_WIDTH
    console = Console(highlight=False, emoji=False, soft_wrap=True, width=width)
    try:
        status: int = parsed.command(parsed, console)
    except OutputError:  # of every command alike
        raise
    except (SwitchError, EventSocketError, RecordingError, CorpusError, UsageError) as error:
        print(f"loopback-conformance: {printable(str(error))}", file=sys.stderr)
        return USAGE
    except (AheadError, NoRoomError) as error:
        print(f"loopback-conformance: {error}; nothing is decided", file=sys.stderr)
        return UNDECIDED
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("loopback-conformance: interrupted; nothing is decided", file=sys.stderr)
        return UNDECIDED
    except Exception:  # a fault of the suite must not end with Python's status 1: "findings"
        traceback.print_exc()
        print("loopback-conformance: a fault of the suite; please report it", file=sys.stderr)
        return UNDECIDED
    return status


def _run(parsed: argparse.Namespace, console: Console) -> int:
    asked = asked_for(vars(parsed), parsed.record, read=[parsed.known])
    require_place(parsed.record, overwrite=parsed.overwrite)
    _require_folders(_bundles(parsed), parsed.save_example)
    switch, *further = switches_of(parsed)
    with kept_is_told((switch, *further)):
        done = placed(parsed, switch, partial(run, further=further))
    return _reported(parsed, console, done, asked, _bundles(parsed), parsed.record)


def _metamorphic(parsed: argparse.Namespace, console: Console) -> int:
    _require_folders(_bundles(parsed), parsed.save_example)
    switch = switch_of(parsed)
    with kept_is_told([switch]):
        done = placed(parsed, switch, run_metamorphic)
    report, kept, failures = _written(done.run, parsed, _bundles(parsed))
    print_run(console, report, _detail(parsed))
    if not parsed.quiet:
        console.print()
        print_contrasts(console, done.contrasts)
    print_summary(console, done.contrasts, done.compared)
    for path in kept:
        console.print(printable(f"example: {path}"), markup=False)
    if parsed.record:
        console.print(printable(f"recording: {parsed.record}"), markup=False)
    _print_failures(failures)
    return exit_status(done.exit_status, failures)


def _reported(
    parsed: argparse.Namespace,
    console: Console,
    done: Run,
    asked: Asked,
    bundles: Path | None,
    recording: Path | None = None,
) -> int:
    """Write what is asked for of a run, then print it, whatever becomes of that."""
    report, kept, failures = _written(done, parsed, bundles)
    written = []
    for form, path in asked.items():
        wrong = write_reports(report, {form: path})
        failures += wrong
        written += [] if wrong else [str(path)]
    try:
        print_run(console, report, _detail(parsed))
        if written:
            console.print(printable(f"reports: {', '.join(written)}"), markup=False)
        for path in kept:
            console.print(printable(f"example: {path}"), markup=False)
        if recording:
            console.print(printable(f"recording: {recording}"), markup=False)
    except OutputError as error:
        if error.left:
            raise
        failures.append(str(error))
    _print_failures(failures)
    return exit_status(report.result.exit_status, failures)


def _written(
    done: Run, parsed: argparse.Namespace, folder: Path | None
) -> tuple[Report, list[Path], list[str]]:
    """The report of a run with its bundles, the examples that are kept, what cannot be written."""
    bundles, kept, failures = write_findings(done, folder, parsed.save_example)
    return report_of(done, bundles), kept, failures


def _print_failures(failures: Sequence[str]) -> None:
    for failure in failures:
        print(f"loopback-conformance: {printable(failure)}", file=sys.stderr)


def _bundles(parsed: argparse.Namespace) -> Path | None:
    """The folder for the bundles of what is placed."""
    if parsed.no_bundles:
        return None
    folder: Path = parsed.bundles or folder_beside(parsed.record)
    return folder


def _require_folders(bundles: Path | None, examples: Path | None) -> None:
    for folder in filter(None, (bundles, examples)):
        require_folder(folder)


def _detail(parsed: argparse.Namespace) -> Detail:
    if parsed.quiet:
        return Detail.OUTCOME
    return Detail.FULL if parsed.verbose else Detail.SCREEN


def _judge(parsed: argparse.Namespace, console: Console) -> int:
    asked = asked_for(vars(parsed), read=[parsed.recording, parsed.known])
    _require_folders(parsed.bundles, parsed.save_example)
    done = judge_recording(parsed.recording, divergences.load(parsed.known))
    return _reported(parsed, console, done, asked, parsed.bundles)


def _clauses(parsed: argparse.Namespace, console: Console) -> int:
    areas, levels = parsed.area or tuple(Area), parsed.level or tuple(Level)
    listed = [one for one in CLAUSES.values() if one.area in areas and one.level in levels]
    if parsed.json:
        print(catalogue.as_json(listed))
    elif parsed.markdown == _STANDARD_OUTPUT:
        print(catalogue.page(listed), end="")
    elif parsed.markdown:
        _write(parsed.markdown, catalogue.page(listed))
    else:
        catalogue.print_table(console, listed)
    return 0


def _faults(parsed: argparse.Namespace, console: Console) -> int:
    unknown = sorted(set(parsed.names) - set(FAULTS))
    if unknown:
        raise UsageError(f"no fault {unknown[0]!a}: see `loopback-conformance faults --list`")
    faults = chosen(parsed.names, *parsed.part)
    if parsed.list:
        for fault in faults:
            console.print(f"{fault.name}: {fault.wrong}", markup=False)
            console.print(
                f"    {fault.source}; {', '.join(fault.clauses) or fault.relation}",
                markup=False,
                style="dim",
            )
        return 0
    asked_for(vars(parsed))
    plan = Plan(scenarios=parsed.scenarios, seed=parsed.seed, pace=Pace(window=parsed.window))
    rows = []
    _interrupt_on_signals()
    with closing(run_faults(faults, plan, comparing=parsed.compare, jobs=parsed.jobs)) as run_each:
        for caught in run_each:
            rows.append(caught)
            console.print(_fault_line(caught), markup=False)
    missed = [caught.name for caught in rows if not caught.right]
    console.print(f"{len(rows) - len(missed)} of {len(rows)} faults are caught as they should be")
    if missed:
        console.print(f"missed: {', '.join(missed)}", markup=False)
    failures = []
    if parsed.markdown:
        heading = f"Seed {parsed.seed}, up to {parsed.scenarios} scenarios a fault."
        try:
            _write(parsed.markdown, markdown(rows, heading, NEVER_ALONE))
        except UsageError as error:
            failures.append(str(error))
    _print_failures(failures)
    return exit_status(FINDINGS if missed else CONFORMS, failures)


def _interrupt_on_signals() -> None:
    """Let a polite kill and a closed terminal interrupt this process, as Ctrl-C does."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # which nohup asks for
            signal.signal(number, signal.default_int_handler)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}; name another file") from error


def _fault_line(caught: Caught) -> str:
    if not caught.right:
        others = f" (others: {', '.join(caught.also)})" if caught.also else ""
        return f"MISSED  {caught.name}, in {caught.scenarios} scenarios{others}"
    if caught.fault.relation:
        return f"caught  {caught.name} by a metamorphic run: {', '.join(caught.by)}"
    if not caught.fault.clauses:
        return f"right   {caught.name}: not held against the switch"
    after = "" if caught.after is None else f" after {caught.after}"
    return f"caught  {caught.name}{after}: {', '.join(caught.by)}"


def _part(text: str) -> tuple[int, int]:
    part, _, parts = text.partition("/")
    if not (part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
        raise argparse.ArgumentTypeError(f"{text} is not a part such as 2/5")
    return int(part), int(parts)


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="loopback-conformance",
        description="Places calls through FreeSWITCH's loopback endpoint and judges what happens "
        "against a reference model.",
        epilog=_EXIT_STATUS,
        formatter_class=raw,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {suite_version()}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    place = commands.add_parser(
        "run",
        help="place calls on a switch and judge them",
        description="Place generated calls on a switch and judge them.",
        epilog=f"{SWITCHES}\n{_RUN_EXAMPLE}\n{_EXIT_STATUS}",
        formatter_class=raw,
    )
    place.set_defaults(command=_run)

    related = commands.add_parser(
        "metamorphic",
        help="place calls and variants of them, which must make no difference",
        description="Place generated calls and variants of each: other extensions, other names of "
        "variables, lists in another\norder, targets spelt otherwise, one variable more. Besides "
        "what `run` judges, what comes of a variant must be what\ncame of its original; what "
        "differs is placed again, and counts if it differs in every attempt.",
        epilog=f"{SWITCHES}\n{_METAMORPHIC_EXIT_STATUS}",
        formatter_class=raw,
    )
    related.set_defaults(command=_metamorphic)
    for command in (place, related):
        add_switch_options(command, several=command is place)
        add_run_options(command)
        add_recording_options(command)
        add_finding_options(command, "beside the recording, or loopback-bundles")
        command.add_argument("--no-bundles", action="store_true", help="write no bundles")

    replay.add(commands)

    judged = commands.add_parser(
        "judge",
        help="judge a recording, without a switch",
        description="Judge what an earlier run recorded; the same recording always gives the same.",
        epilog=f"{_JUDGE_EXAMPLE}\n{_EXIT_STATUS}",
        formatter_class=raw,
    )
    judged.add_argument("recording", type=Path, metavar="RECORDING")
    add_finding_options(judged)
    judged.set_defaults(command=_judge)

    listed = commands.add_parser(
        "clauses",
        help="list what is tested, and what is not",
        description="List the clauses: what each says, how firmly, since which release of "
        "FreeSWITCH,\nand whether the documentation (wiki) agrees, is silent or differs.",
        epilog=f"{_LEVELS}\n{_CLAUSES_EXAMPLE}",
        formatter_class=raw,
    )
    listed.add_argument(
        "--area",
        action="append",
        choices=[area.value for area in Area],
        help="only this area; may be repeated",
    )
    listed.add_argument(
        "--level",
        action="append",
        type=str.upper,
        choices=[level.value for level in Level],
        help="only this level; may be repeated",
    )
    form = listed.add_mutually_exclusive_group()
    form.add_argument(
        "--json", action="store_true", help="as JSON: all fields, and what is not observable"
    )
    form.add_argument(
        "--markdown",
        nargs="?",
        type=Path,
        const=_STANDARD_OUTPUT,
        metavar="FILE",
        help="as a page, all fields and what is not observable, written to FILE if given",
    )
    listed.set_defaults(command=_clauses)

    accept_command.add(commands)
    compare_command.add(commands)
    record.add(commands)
    divergences.add(commands)
    bisect.add(commands)
    seeded = commands.add_parser(
        "faults",
        help="show that the suite goes red: seeded faults of the embedded switch",
        description="Run the embedded switch with one seeded fault after the other, and print "
        "which clause caught it, after how many scenarios. A fault of the transport is right when "
        "it is not held against the switch.",
        epilog="exit status: 0 all as they should be, 1 a fault was missed, 2 usage",
        formatter_class=raw,
    )
    seeded.add_argument("names", nargs="*", metavar="NAME", help="only these faults")
    seeded.add_argument("--list", action="store_true", help="list the faults and run none")
    seeded.add_argument(
        "--part", type=_part, default=(1, 1), metavar="K/N", help="only every n-th, from the k-th"
    )
    seeded.add_argument(
        "--compare",
        action="store_true",
        help="compare each with the faultless switch: it must be a regression",
    )
    seeded.add_argument(
        "--scenarios",
        type=positive,
        default=500,
        metavar="N",
        help="how many for each fault at most (default %(default)s)",
    )
    seeded.add_argument(
        "--seed",
        type=int,
        default=1,
        metavar="N",
        help="same seed, same calls (default %(default)s)",
    )
    seeded.add_argument(
        "--window",
        type=positive,
        default=200,
        metavar="N",
        help="calls at once at most (default %(default)s)",
    )
    seeded.add_argument(
        "--jobs",
        type=positive,
        default=os.cpu_count() or 1,
        metavar="N",
        help="faults run at once (default: one a core)",
    )
    seeded.add_argument("--markdown", type=Path, metavar="FILE", help="write the matrix as a page")
    seeded.set_defaults(command=_faults)
    guest.add(commands)
    doctor.add(commands)
    for command in (place, related, judged):
        detail = command.add_mutually_exclusive_group()
        detail.add_argument("-q", "--quiet", action="store_true", help="print only the outcome")
        detail.add_argument(
            "-v", "--verbose", action="store_true", help="print every clause, findings in full"
        )
    for command in (place, judged):
        divergences.add_known_option(command)
        add_report_options(command)
    return parser
