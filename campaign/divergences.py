"""Known divergences on disk, and the command `divergences`: accept a finding, list them."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from rich.console import Console

from campaign.corpus import require_sendable
from campaign.option_parser import OptionParser
from conformance.clauses import CLAUSES
from conformance.divergences import Divergence, DivergenceError, parse, render
from conformance.scenario import Scenario
from conformance.verdicts import CONFORMS, FINDINGS, Verdict
from fixtures.corpus import ZIP, read_example
from fixtures.switches import UsageError
from reports import files
from reports.diagram import printable
from reports.files import ReportError

_EXAMPLES = """\
examples:
  loopback-conformance run --switch process:///usr/bin/freeswitch --json run.json
  loopback-conformance divergences accept run.json bowout.direct-names-ends --file known.toml \\
      --reason "the vendor backports it" --owner "voice platform" --expires 2027-03-31 \\
      --link https://tracker.example/1234
  loopback-conformance run --switch process:///usr/bin/freeswitch --known known.toml
"""

_EXIT_STATUS = """\
exit status:
  0  done
  1  list: an entry has expired
  2  usage, or a file that cannot be read or written
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = commands.add_parser(
        "divergences",
        help="accept findings for a while, with reason and owner; list them",
        description="Known divergences: findings that somebody answers for. They are kept in a "
        "TOML file of yours;\n`run`, `judge`, `compare`, `accept` and pytest take it with --known "
        "and show such findings as\nknown. An entry that has expired, or whose witness differs no "
        "more, fails the gate.",
        epilog=f"{_EXAMPLES}\n{_EXIT_STATUS}",
        formatter_class=raw,
    )
    deeds = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    accept = deeds.add_parser(
        "accept",
        help="write an entry from a finding",
        description="Write an entry for what a clause's example shows, in a JSON report of `run`, "
        "`judge` or `compare`,\nor in a bundle, which is a folder or .zip that a run wrote.",
        epilog=_EXAMPLES,
        formatter_class=raw,
    )
    accept.add_argument("found", type=Path, metavar="REPORT.json|BUNDLE")
    accept.add_argument(
        "clause", nargs="?", type=clause_named, metavar="CLAUSE", help="left out of a bundle"
    )
    accept.add_argument("--file", type=Path, required=True, metavar="FILE.toml")
    accept.add_argument("--reason", required=True, metavar="TEXT")
    accept.add_argument("--owner", required=True, metavar="NAME")
    accept.add_argument("--expires", type=_day, required=True, metavar="YYYY-MM-DD")
    accept.add_argument("--link", default="", metavar="URL")
    accept.add_argument(
        "--versions", default="", metavar="BOUNDS", help='such as ">=1.8.0, <1.8.6"'
    )
    accept.add_argument(
        "--any-leg", action="store_true", help="cover every leg, not just that of the finding"
    )
    accept.set_defaults(command=_accept)
    listed = deeds.add_parser("list", help="list the entries of a file")
    listed.add_argument("file", type=Path, metavar="FILE.toml")
    listed.set_defaults(command=_list)


def clause_named(text: str) -> str:
    """The name of a clause, as an argument's type."""
    if text in CLAUSES:
        return text
    near = get_close_matches(text, CLAUSES, n=1)
    meant = f", did you mean {near[0]}?" if near else ";"
    why = f"there is no clause {text!a}{meant} `loopback-conformance clauses` lists them"
    raise argparse.ArgumentTypeError(why)


def add_known_option(parser: OptionParser) -> None:
    """The option that names a file of known divergences."""
    parser.add_argument(
        "--known",
        type=Path,
        metavar="FILE.toml",
        help="show these divergences as known (see `loopback-conformance divergences`)",
    )


def load(path: Path | None) -> tuple[Divergence, ...]:
    """The divergences of a file, none without one; raises UsageError.

    Raises CorpusError where a witness cannot be placed as it is.
    """
    if path is None:
        return ()
    try:
        found = parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}; name a TOML file") from error
    except ValueError as error:  # what is not UTF-8 is one as well
        raise UsageError(f"cannot read {path}: {error}") from error
    for one in found:
        require_sendable(one.witness, path)
    return found


def example_of(path: Path, clause: str | None) -> tuple[str, str, Scenario]:
    """Clause, leg and scenario of a finding in a JSON report, or in a bundle or its .zip.

    Raises UsageError, or CorpusError where a bundle cannot be read, or the call not be sent.
    """
    try:
        text = _text(path)
        found = _of_bundle(path, clause) if text is None else _of_json(json.loads(text), clause)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}; name a report") from error
    except _NoFindingError as error:
        why = f"{path} shows no such finding: {error}"
        raise UsageError(f"{why}; name a JSON report with one, and its clause") from error
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        why = f"{path} is neither a report nor a bundle that can be read"
        raise UsageError(f"{why}; name a JSON report with a finding, and its clause") from error
    _, _, scenario = found
    require_sendable(scenario, path)
    return found


class _NoFindingError(Exception):
    """A report has no such finding; `str()` says why."""


def _text(path: Path) -> bytes | None:
    """What is in a file; None where it is a bundle: a folder or a .zip."""
    if path.is_dir():
        return None
    with path.open("rb") as file:
        begin = file.read(len(ZIP))
        return None if begin == ZIP else begin + file.read()


def _of_bundle(path: Path, clause: str | None) -> tuple[str, str, Scenario]:
    example = read_example(path)
    _require(clause, example.clause)
    return example.clause, example.leg, example.scenario


def _of_json(value: Mapping[str, Any], clause: str | None) -> tuple[str, str, Scenario]:
    found = _example(value, clause)
    return str(found["clause"]), str(found["leg"]), Scenario.from_json(found["scenario"])


def _require(clause: str | None, shown: str) -> None:
    """Refuse a clause that is asked for where another one is shown."""
    if clause not in (None, shown):
        raise _NoFindingError(f"it is of {shown!a}")


def _example(value: Mapping[str, Any], clause: str | None) -> Mapping[str, Any]:
    """Clause, leg and scenario as JSON, of an example or of a report's."""
    if "clauses" not in value:
        _require(clause, value["clause"])
        return value
    if clause is None:
        raise _NoFindingError("no clause is named")
    one = next((one for one in value["clauses"] if one["name"] == clause), None)
    if one is None:
        raise _NoFindingError(f"it does not tell of {clause}")
    if "cases" in one:  # a comparison: the new switch's findings are the ones to accept
        worst = next((c[0] for c in one["cases"].values() if c and c[0]["new"]), None)
        if worst is None:
            raise _NoFindingError("the new switch shows nothing against it")
        return {"clause": clause, "leg": worst["new"][0]["leg"], "scenario": worst["scenario"]}
    example = one["example"]
    if example is None:
        said = "passes" if one["verdict"] == Verdict.PASS else f"is {one['verdict']}"
        raise _NoFindingError(f"{clause} {said} there")
    leg = example["findings"][0]["leg"]
    return {"clause": clause, "leg": leg, "scenario": example["scenario"]}


def _accept(parsed: argparse.Namespace, console: Console) -> int:
    clause, leg, scenario = example_of(parsed.found, parsed.clause)
    entry = Divergence(
        clause=clause,
        leg="" if parsed.any_leg else leg,
        versions=parsed.versions,
        reason=parsed.reason,
        owner=parsed.owner,
        link=parsed.link,
        expires=parsed.expires,
        witness=scenario,
    )
    if entry.expires < datetime.now(UTC).date():
        raise UsageError(f"{entry.expires} has passed; name a day to come, until which it is known")
    before = ""
    if parsed.file.exists():
        _require_new(entry, load(parsed.file), parsed.file)
        before = parsed.file.read_text(encoding="utf-8").rstrip("\n") + "\n\n"
    text = before + render(entry)
    try:
        parse(text)
        files.write(parsed.file, text)
    except DivergenceError as error:
        raise UsageError(f"this cannot be accepted: {error}") from error
    except ReportError as error:
        raise UsageError(str(error)) from error
    told = f"accepted until {entry.expires}: {entry.name}, in {parsed.file}"
    console.print(printable(told), markup=False)
    return CONFORMS


def _require_new(entry: Divergence, known: Iterable[Divergence], path: Path) -> None:
    """Refuse what is covered as it is already: two entries would disagree on why and until when."""
    told = {name: getattr(entry, name) for name in ("reason", "owner", "link", "expires")}
    for one in known:
        if replace(one, **told) == entry:
            why = f"{entry.name} is accepted there until {one.expires}"
            raise UsageError(f"{why}; edit that entry in {path}, or take it out")


def _list(parsed: argparse.Namespace, console: Console) -> int:
    today = datetime.now(UTC).date()
    expired = False
    for one in load(parsed.file):
        over = one.expires < today
        expired |= over
        leg = f" on {one.leg}" if one.leg else ""
        versions = f", versions {one.versions}" if one.versions else ""
        until = f"{'EXPIRED ' if over else 'until '}{one.expires}"
        line = f"{one.clause}{leg}{versions}, {until}: {one.reason} ({one.owner}) {one.link}"
        console.print(printable(line.rstrip()), markup=False)
    return FINDINGS if expired else CONFORMS


def _day(text: str) -> date:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise argparse.ArgumentTypeError(f"{text!a} is no date such as 2027-03-31")
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
