"""The command `compare`: what changed from one switch to another, and whether that may be."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console

from campaign.campaign import Pace
from campaign.compare import Compared, Source, baseline, compare, kept
from campaign.divergences import add_known_option, load
from campaign.options import (
    PACE,
    SWITCHES,
    add_pace_options,
    add_reaching_options,
    positive,
    reached,
    release,
)
from campaign.outputs import Form, exit_status, places, write_reports
from campaign.progress import Bar
from campaign.report import subject_of
from campaign.session import Plan, suite_version
from campaign.streams import OutputError, printing
from conformance.changes import MEANINGS, Change, Side
from conformance.gate import DISTRIBUTION, RAW, WORDS, FailOn, doubts, fail_on, failures
from fixtures.switches import UsageError, open_switch
from reports import files
from reports.changes import ChangesReport, as_json, markdown, print_changes
from reports.diagram import printable

_SOURCES = """\
old and new:
  the URL of a switch (below), a recording, or freeswitch:1.10.12 for a recording of that release
  that comes with the suite
"""

_FAIL_ON = f"""\
what fails the gate (--fail-on, between commas):
  {", ".join(WORDS)},
  {DISTRIBUTION}, {RAW}; must, should, may: only clauses of these levels (without any: all)
"""

_EXAMPLES = """\
examples:
  loopback-conformance compare --old docker://safarov/freeswitch:1.10.7 \\
      --new docker://safarov/freeswitch:1.10.12 --fail-on regression,must
  loopback-conformance compare --old freeswitch:1.10.12 --new process:///opt/vendor/bin/freeswitch
  loopback-conformance compare --old before.jsonl.gz --new after.jsonl.gz --json changes.json
"""

_EXIT_STATUS = """\
exit status:
  0  nothing that fails the gate
  1  the gate fails, or a known divergence has expired or differs no more
  2  usage or configuration: a switch cannot be started or reached, a file not read, or the gate
     is passed and a report of that cannot be written
  3  not decided: a MUST clause was not compared, or is flaky on the new one alone; or a side is
     not whole
"""

_PLACING = {"scenarios": 300, "seed": 1, "window": PACE.window, "max_rate": PACE.rate}
"""Numbers that say what is placed and how fast, where their options are not given."""

_WIDTH = max(map(len, Change))


def _written(render: Callable[[ChangesReport], str]) -> Callable[[ChangesReport, Path], None]:
    return lambda report, path: files.write(path, render(report))


_FORMS = (
    Form("json", "FILE", "all of it, for programs", _written(as_json)),
    Form("markdown", "FILE", "one screen, for a comment", _written(markdown)),
)


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    meanings = "\n".join(f"  {one:{_WIDTH}}  {text}" for one, text in MEANINGS.items())
    parser = commands.add_parser(
        "compare",
        help="two switches, the same calls: what changed",
        description="Place the same calls on two switches, side by side, or compare with a "
        "recording.\nBoth are judged by the model of the newer release; besides, what no clause "
        "reads is compared,\nand how often and when what is legal happens.",
        epilog=f"{_SOURCES}\n{SWITCHES}\nchanges of a clause in a scenario:\n{meanings}\n\n"
        f"{_FAIL_ON}\n{_EXAMPLES}\n{_EXIT_STATUS}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--old", required=True, metavar="SWITCH|RECORDING")
    parser.add_argument("--new", required=True, metavar="SWITCH|RECORDING")
    for side in ("old", "new"):
        parser.add_argument(
            f"--{side}-release",
            type=release,
            metavar="X.Y.Z",
            help=f"what the {side} endpoint is, where that is not the switch's own version",
        )
    parser.add_argument(
        "--scenarios",
        type=positive,
        metavar="N",
        help=f"how many (default {_PLACING['scenarios']}); beside a recording the first of its own",
    )
    parser.add_argument(
        "--seed",
        type=int,
        metavar="N",
        help=f"same seed, same calls (default {_PLACING['seed']})",
    )
    add_pace_options(parser, more=", of which two switches get three quarters each")
    parser.add_argument(
        "--record",
        type=Path,
        metavar="DIR",
        help="record what is placed, as old.jsonl.gz and new.jsonl.gz",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace recordings there")
    add_reaching_options(parser, several=True)
    parser.add_argument(
        "--fail-on",
        type=_fail_on,
        default=FailOn(),
        metavar="WORDS",
        help="what fails the gate (default regression)",
    )
    add_known_option(parser)
    for form in _FORMS:
        parser.add_argument(f"--{form.name}", type=Path, metavar=form.takes, help=form.help)
    detail = parser.add_mutually_exclusive_group()
    detail.add_argument("-q", "--quiet", action="store_true", help="print only the outcome")
    detail.add_argument("-v", "--verbose", action="store_true", help="print every change in full")
    parser.set_defaults(command=_compare, window=None, max_rate=None)


def _compare(parsed: argparse.Namespace, console: Console) -> int:
    old, new = _sources(parsed)
    sides = {Side.OLD: old, Side.NEW: new}
    recordings = {side: one for side, one in sides.items() if isinstance(one, Path)}
    _require_use(parsed, len(recordings))
    given = {name: getattr(parsed, name) for name in _PLACING}
    placing = _PLACING | {name: value for name, value in given.items() if value is not None}
    plan = Plan(
        scenarios=placing["scenarios"],
        seed=placing["seed"],
        pace=Pace(placing["window"], placing["max_rate"]),
        known=load(parsed.known),
        overwrite=parsed.overwrite,
    )
    written = []
    if parsed.record:
        _make(parsed.record)
        written = [kept(parsed.record, side) for side in Side if side not in recordings]
    asked = places(_FORMS, vars(parsed), written, [parsed.known, *recordings.values()])
    with Bar(Console(stderr=True, quiet=parsed.quiet)) as bar:
        done = compare(
            old,
            new,
            plan,
            releases=(parsed.old_release, parsed.new_release),
            record=parsed.record,
            progress=bar,
        )
    report = report_of(done, parsed.fail_on)
    unwritten = write_reports(report, asked)
    try:
        with printing():
            print_changes(console, report, full=parsed.verbose, quiet=parsed.quiet)
    except OutputError as error:
        if error.left:
            raise
        unwritten.append(str(error))
    for line in unwritten:
        print(f"loopback-conformance: {printable(line)}", file=sys.stderr)
    return exit_status(report.exit_status, unwritten)


def report_of(done: Compared, asked: FailOn) -> ChangesReport:
    """A comparison with what the gate makes of it."""
    stale = (f"known divergence: {one}" for one in done.stale)
    return ChangesReport(
        old=subject_of(done.old),
        new=subject_of(done.new),
        release=done.release,
        suite_version=suite_version(),
        changes=done.changes,
        failures=(*failures(done.changes, asked), *stale),
        doubts=(*done.shortfalls, *doubts(done.changes, done.release)),
        notes=done.idle,
        seconds=done.seconds,
    )


def _sources(parsed: argparse.Namespace) -> Iterator[Source]:
    for text, password_file, cdrs in reached((parsed.old, parsed.new), parsed):
        if "://" in text or text.startswith("embedded:"):
            yield open_switch(
                text,
                event_socket=parsed.event_socket,
                image=parsed.image,
                binary=parsed.binary,
                password_file=password_file,
                cdrs=cdrs,
            )
        else:
            yield baseline(text)


def _require_use(parsed: argparse.Namespace, recordings: int) -> None:
    """Refuse what would change nothing: of the two sides so many are recordings."""
    if recordings == len(Side):
        names, why = (*_PLACING, "record"), "nothing is placed where both sides are recordings"
    else:
        names, why = ("seed",) * recordings, "beside a recording its own calls are placed"
    for name in names:
        if getattr(parsed, name) is not None:
            option = f"--{name.replace('_', '-')}"
            raise UsageError(f"{option} is of no use: {why}; leave it out")


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot make {folder}: {error.strerror}; name another folder") from error


def _fail_on(text: str) -> FailOn:
    try:
        return fail_on(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
