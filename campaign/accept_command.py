"""The command `accept`: write what a vendor and a buyer sign, and verify what they signed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from campaign import divergences
from campaign.acceptance import Checked, Signed, acceptance_of, read_record, verify
from campaign.bundles import require_folder
from campaign.options import (
    SWITCHES,
    add_recording_options,
    add_run_options,
    add_switch_options,
    kept_is_told,
    switch_of,
)
from campaign.outputs import exit_status
from campaign.placing import placed
from campaign.session import run, suite_version
from conformance.verdicts import CONFORMS, FINDINGS
from fixtures.switches import UsageError
from reports import files
from reports.acceptance import Acceptance, render
from reports.acceptance_page import FILE, page
from reports.diagram import printable
from reports.files import ReportError
from reports.terminal import Detail, print_run

PAGE = "acceptance.html"
"""The name of the page to print and sign, beside the record."""

SHOWN = 20
"""How many differences of a section are told."""

_EXAMPLES = """\
examples:
  loopback-conformance accept run --switch process:///opt/vendor/bin/freeswitch \\
      --scenarios 2000 --record vendor.jsonl.gz --out acceptance
  loopback-conformance accept judge vendor.jsonl.gz --known known.toml --out acceptance
  loopback-conformance accept verify acceptance/acceptance.json vendor.jsonl.gz
"""

_WRITTEN = f"""\
In DIR there are then {FILE}, a statement of in-toto with every verdict, and {PAGE},
the same to be printed and signed. The recording belongs to them: keep all three.
"""

_EXIT_STATUS = """\
exit status of run and judge:
  0  the switch conforms
  1  findings, or a known divergence has expired or differs no more; the record says so
  2  usage or configuration: the switch cannot be started or reached, a file cannot be read, or
     the switch conforms and the record of that cannot be written
  3  not decided; the record says why
"""

_VERIFIED = """\
exit status:
  0  everything matches
  1  something does not match
  2  a file cannot be read, or is not what it should be
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = commands.add_parser(
        "accept",
        help="what a vendor and a buyer sign: write the record of an acceptance, verify it",
        description="The record of an acceptance: which switch it was, what was asked of it, the "
        "verdict of each clause,\nwhat was waived and by whom, what was not verified and why. "
        "Whoever has the record and the recording\nverifies it, without a switch.",
        epilog=f"{_EXAMPLES}\n{_EXIT_STATUS}",
        formatter_class=raw,
    )
    deeds = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    place = deeds.add_parser(
        "run",
        help="place calls on a switch, and write the record",
        description="Place generated calls on a switch, judge the recording, and write the "
        f"record.\n{_WRITTEN}",
        epilog=f"{SWITCHES}\n{_EXAMPLES}\n{_EXIT_STATUS}",
        formatter_class=raw,
    )
    add_switch_options(place)
    add_run_options(place)
    add_recording_options(place, required=True)
    place.set_defaults(command=_run)

    judged = deeds.add_parser(
        "judge",
        help="write the record of a recording, without a switch",
        description=f"Judge what an earlier run recorded, and write the record.\n{_WRITTEN}",
        epilog=f"{_EXAMPLES}\n{_EXIT_STATUS}",
        formatter_class=raw,
    )
    judged.add_argument("recording", type=Path, metavar="RECORDING")
    judged.add_argument("--overwrite", action="store_true", help="replace a record that is there")
    judged.set_defaults(command=_judge)
    for command in (place, judged):
        divergences.add_known_option(command)
        command.add_argument(
            "--out", type=Path, required=True, metavar="DIR", help="where the record is written"
        )

    verified = deeds.add_parser(
        "verify",
        help="compute a record anew from its recording: does everything match?",
        description="Compute everything that a record says anew, from the recording: digests, "
        "switch, settings, seed\nand counts, clause set, the verdict of each clause, what is "
        "waived; as of the day of the record.\nWho judged it, and the reasons and owners of what "
        "is waived, are what the signatures vouch for.",
        epilog=f"{_EXAMPLES}\n{_VERIFIED}",
        formatter_class=raw,
    )
    verified.add_argument("record", type=Path, metavar="RECORD", help=f"such as {FILE}")
    verified.add_argument("recording", type=Path, metavar="RECORDING")
    verified.add_argument(
        "--known",
        type=Path,
        metavar="FILE.toml",
        help="the record may waive what is in this file, and nothing else",
    )
    verified.set_defaults(command=_verify)
    for command in (place, judged, verified):
        command.add_argument("-q", "--quiet", action="store_true", help="print only the outcome")


def _run(parsed: argparse.Namespace, console: Console) -> int:
    _require_place(parsed.out, parsed.overwrite)
    switch = switch_of(parsed)
    with kept_is_told([switch]):
        placed(parsed, switch, run)
    return _recorded(parsed, console, parsed.record)


def _judge(parsed: argparse.Namespace, console: Console) -> int:
    _require_place(parsed.out, parsed.overwrite)
    return _recorded(parsed, console, parsed.recording)


def _recorded(parsed: argparse.Namespace, console: Console, recording: Path) -> int:
    """Make the record of a recording, write it, and say what it says."""
    known = divergences.load(parsed.known)
    made = acceptance_of(recording, known, datetime.now(UTC).date())
    failures = _write(made, parsed.out)
    print_run(console, made.report, Detail.OUTCOME if parsed.quiet else Detail.SCREEN)
    for failure in failures:
        print(f"loopback-conformance: {printable(failure)}", file=sys.stderr)
    if not failures:
        written = f"record: {parsed.out / FILE}, {parsed.out / PAGE}"
        console.print(printable(written), markup=False)
    return exit_status(made.report.result.exit_status, failures)


def _write(made: Acceptance, folder: Path) -> list[str]:
    """Write the record and its page; gives why that cannot be done, if so."""
    try:
        files.folder(folder)
        files.write(folder / FILE, render(made))
        files.write(folder / PAGE, page(made))
    except ReportError as error:
        return [str(error)]
    return []


def _require_place(folder: Path, overwrite: bool) -> None:
    """Refuse, before a call is placed, a folder that the record could not be written to."""
    require_folder(folder)
    there = [path for name in (FILE, PAGE) if (path := folder / name).exists()]
    if there and not overwrite:
        why = f"{there[0]} is already there, and may be signed"
        raise UsageError(f"{why}; name another folder, or replace it with --overwrite")


def _verify(parsed: argparse.Namespace, console: Console) -> int:
    signed = read_record(parsed.record)
    known = divergences.load(parsed.known) if parsed.known else None
    checked = verify(signed, parsed.recording, known)
    if not parsed.quiet:
        for line in _lines(parsed.record, signed, checked):
            console.print(printable(line), markup=False)
    wrong = [one.section for one in checked if one.differences]
    told = f"does not match: {', '.join(wrong)}" if wrong else "verified: everything matches"
    console.print(printable(told), markup=False)
    return FINDINGS if wrong else CONFORMS


def _lines(record: Path, signed: Signed, checked: Sequence[Checked]) -> Iterator[str]:
    yield f"{record}: SHA-256 {signed.sha256}"
    judged = f"judged on {signed.judged_on} by suite {signed.judged_by}"
    yield f"{judged}; this is suite {suite_version()}"
    for one in checked:
        yield f"{'DIFFERS' if one.differences else 'matches'}  {one.section}"
        yield from (f"    {difference}" for difference in one.differences[:SHOWN])
        if len(one.differences) > SHOWN:
            yield f"    and {len(one.differences) - SHOWN} more"
