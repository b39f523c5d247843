"""The command `doctor`: what a switch that is not ours has, and what a test of it lacks.

It changes nothing, and places no call.
"""

from __future__ import annotations

import argparse
import asyncio
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from rich.console import Console
from rich.table import Table
from rich.text import Text

from campaign.guest import add_guest_options
from campaign.reach import out_of_reach
from conformance.cdr_modules import CSV_MODULE
from conformance.profile import release_of
from conformance.verdicts import CONFORMS, USAGE
from fixtures.configuration import CDR_FILES, CDR_MODULES, CSV_FILE, CSV_TEMPLATE
from fixtures.event_socket import EventSocketError
from fixtures.switches import UsageError, installed, open_switch
from fixtures.switches.remote import AFTER_ANOTHER, REQUIRED, SHARE, RemoteSwitch
from fixtures.switches.survey import HANDS_OVER, UNKNOWN_CONTEXT, ContextState, Survey, is_safe
from reports.diagram import printable

_EXAMPLE = """\
examples:
  LOOPBACK_CONFORMANCE_PASSWORD=... loopback-conformance doctor --switch esl://127.0.0.1:8021
  loopback-conformance doctor --switch esl://127.0.0.1:8021 \\
      --password-file install-there/password --cdrs install-there/collector.json

a switch on another host, for the exported Event Socket lets in 127.0.0.1 alone:
  ssh -N -L 8021:127.0.0.1:8021 pbx.example

exit status: 0 it can be tested, perhaps not in every clause; 2 it cannot
"""

_LEGS = 5
"""Legs of a call, about."""


class State(StrEnum):
    """How a row stands."""

    GOOD = "ok"
    GAP = "gap"
    STOP = "stop"


_STYLES = {State.GOOD: "green", State.GAP: "yellow", State.STOP: "red"}


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: what was looked at, what was found, what it costs, how to mend it."""

    what: str
    state: State
    found: str
    costs: str = ""
    mend: str = ""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command `doctor`."""
    parser = commands.add_parser(
        "doctor",
        help="look at a switch that already runs: what a test of it has, and what it lacks",
        description="Say of a switch that already runs what is there, what is missing, which "
        "clauses that costs, and how to mend it.\nNothing is changed, and no call is placed.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--switch", required=True, metavar="esl://HOST:PORT")
    add_guest_options(parser)
    parser.set_defaults(command=_doctor)


def _doctor(parsed: argparse.Namespace, console: Console) -> int:
    switch = open_switch(parsed.switch, password_file=parsed.password_file, cdrs=parsed.cdrs)
    if not isinstance(switch, RemoteSwitch):
        msg = f"{parsed.switch} is made for a run: doctor looks at esl://HOST:PORT"
        raise UsageError(msg)
    rows = asyncio.run(examine(switch))
    _print(console, rows)
    stops = [row for row in rows if row.state is State.STOP]
    if stops:
        console.print(f"it cannot be tested: {stops[0].what}", markup=False)
        return USAGE
    gaps = sum(row.state is State.GAP for row in rows)
    console.print(f"it can be tested{f', with {gaps} gaps' if gaps else ''}", markup=False)
    return CONFORMS


async def examine(switch: RemoteSwitch) -> list[Row]:
    """Look at a switch; a connection that cannot be made is a row like any other."""
    try:
        found = await switch.look()
    except EventSocketError as error:
        return [Row("Event Socket", State.STOP, error.cause, "no clause is verified", error.hint)]
    rows = [
        Row("Event Socket", State.GOOD, f"reached, answers in {found.reply_seconds * 1e3:.0f} ms"),
        Row("switch", State.GOOD, found.version),
        *_rights(found),
        *_modules(found),
        *_contexts(found),
        _endpoint(found),
        *_cdrs(found, switch),
        *_room(found),
    ]
    if not any(row.state is State.STOP for row in rows):
        rows += _clauses(found, switch)
    return rows


def _rights(found: Survey) -> Iterator[Row]:
    if found.denied:
        what = ", ".join(found.denied)
        mend = "load mod_commands and mod_hash, and let this user have them"
        yield Row("rights", State.STOP, f"not there: {what}", "no call can be placed", mend)
    else:
        yield Row("rights", State.GOOD, "every API command that the suite uses")
    if not found.expands_api:
        mend = 'set api-expansion to "true" in switch.conf.xml'
        costs = "the installed extension cannot read plans"
        yield Row("API in dialplans", State.STOP, "switched off", costs, mend)


def _modules(found: Survey) -> Iterator[Row]:
    missing = [name for name in REQUIRED if name not in found.modules]
    if missing:
        mend = "load them; modules.conf.xml for the next start"
        yield Row("modules", State.STOP, f"not loaded: {', '.join(missing)}", "no run", mend)
    else:
        yield Row("modules", State.GOOD, "all that calls need")


def _contexts(found: Survey) -> Iterator[Row]:
    mend = "install what `loopback-conformance export-config DIR` writes, and reloadxml"
    sound = [name for name in installed.CONTEXTS if found.contexts[name] is ContextState.SOUND]
    for name in installed.CONTEXTS:
        state = found.contexts[name]
        if state is ContextState.SOUND:
            yield Row(f"context {name}", State.GOOD, f"{state}")
        else:
            worst = State.GAP if sound else State.STOP
            yield Row(f"context {name}", worst, f"{state}", "calls in it are not placed", mend)
    if not is_safe(UNKNOWN_CONTEXT, found.contexts[UNKNOWN_CONTEXT]):
        costs = "calls to a context that is not there are not placed"
        yield Row(f"context {UNKNOWN_CONTEXT}", State.GAP, "is there", costs, "rename it")
    if "mod_xml_curl" in found.modules:
        costs = "what it answers for a context replaces what is installed"
        mend = "see that its dialplan binding leaves these contexts alone"
        yield Row("mod_xml_curl", State.GAP, "loaded", costs, mend)


def _endpoint(found: Survey) -> Row:
    if found.hands_all_over:
        costs = "each call hands itself over: nothing else can be tested"
        mend = f"unset the global variable {HANDS_OVER} for the time of the test"
        return Row("loopback.conf", State.STOP, f"{found.profile}", costs, mend)
    return Row("loopback.conf", State.GOOD, f"{found.profile}")


def _cdrs(found: Survey, switch: RemoteSwitch) -> Iterator[Row]:
    loaded = [name for name in CDR_MODULES if f"mod_{name}" in found.modules]
    if not loaded:
        mend = "load mod_json_cdr, mod_xml_cdr or mod_cdr_csv"
        yield Row("CDR modules", State.GAP, "none that is read", "area cdr is not verified", mend)
        return
    for name in (one for one in CDR_FILES if one in loaded):
        settings = found.cdr_settings.get(name, {})
        where = "posted to a URL" if settings.get("url") else settings.get("log-dir", "its log-dir")
        if found.is_complete(name):
            yield Row(f"mod_{name}", State.GOOD, where)
        else:
            said = "writes no b-legs, so its CDRs are not read"
            costs = "they are neither judged nor compared with those of another module"
            mend = f"set log-b-leg to true in {name}.conf.xml, and reload mod_{name}"
            yield Row(f"mod_{name}", State.GAP, said, costs, mend)
    yield _rows(found, switch)
    if not switch.has_cdrs:
        mend = "name a directory, or collector.json of export-config, by --cdrs"
        yield Row("CDRs", State.GAP, "no place named", "area cdr is not verified", mend)


def _rows(found: Survey, switch: RemoteSwitch) -> Row:
    """mod_cdr_csv: what is missing of it costs its own rows, and a comparison, but no other CDR."""
    what, settings = f"mod_{CSV_MODULE}", found.cdr_settings.get(CSV_MODULE, {})
    if CSV_MODULE in switch.cdr_modules():
        return Row(what, State.GOOD, f"rows in {CSV_FILE}")
    costs = "its rows are neither judged nor compared with the CDRs of another module"
    export = "install cdr_csv.conf.xml of `export-config DIR` without --collector, then reload it"
    if what not in found.modules:
        return Row(what, State.GAP, "not loaded", costs, f"load it; {export}")
    if settings.get("default-template") != CSV_TEMPLATE:
        return Row(what, State.GAP, "rows of another template, which are not read", costs, export)
    if not found.rows_are_ours:
        mend = "set legs to ab in cdr_csv.conf.xml, and reload it"
        return Row(what, State.GAP, "rows of some legs only, which are not read", costs, mend)
    mend = "name its log-base, a directory, by --cdrs; the file is there from the first call on"
    return Row(what, State.GAP, f"no {CSV_FILE} where CDRs are read", costs, mend)


def _room(found: Survey) -> Iterator[Row]:
    free = found.sessions_most - found.sessions
    calls = int(SHARE * free / _LEGS)
    rate = SHARE * found.sessions_a_second / _LEGS
    sessions = f"{found.sessions} of {found.sessions_most}; about {calls} calls of ours at once"
    yield Row(
        "sessions",
        State.GOOD if calls >= 10 else State.GAP if calls else State.STOP,
        sessions,
        "" if calls >= 10 else "a run takes long",
        "" if calls >= 10 else "raise max-sessions, or come back when there is less to do",
    )
    yield Row(
        "sessions a second",
        State.GOOD if rate >= 10 else State.GAP if rate else State.STOP,
        f"up to {found.sessions_a_second}; about {rate:.1f} calls of ours a second",
        "" if rate >= 10 else f"300 calls take {300 / max(rate, 0.1) / 60:.0f} minutes",
        "" if rate >= 10 else "raise sessions-per-second (fsctl sps N)",
    )
    yield Row("calls of others", State.GOOD, f"{found.others} legs; they are left alone")
    if found.ours:
        costs = "each run would take the calls of the other for its own"
        yield Row("calls of the suite", State.STOP, f"{found.ours} legs", costs, AFTER_ANOTHER)
    if abs(found.clock) > 5:
        costs = "none: times are the switch's own; its log is harder to read"
        yield Row("clock", State.GAP, f"{found.clock:+.0f} s from ours", costs, "set its clock")
    else:
        yield Row("clock", State.GOOD, "as ours")
    busy = found.idle < 50
    yield Row(
        "load",
        State.GAP if busy else State.GOOD,
        f"{found.idle:.0f} % idle",
        "times may be inconclusive" if busy else "",
        "come back when there is less to do" if busy else "",
    )


def _clauses(found: Survey, switch: RemoteSwitch) -> Iterator[Row]:
    gaps = out_of_reach(
        found.profile, switch.possible, switch.cdr_modules(), release_of(found.version)
    )
    grouped: defaultdict[str, list[str]] = defaultdict(list)
    for name, why in gaps.items():
        grouped[why].append(name)
    for why, names in grouped.items():
        yield Row("clauses", State.GAP, f"{len(names)} not verified: {why}", ", ".join(names))
    if not gaps:
        yield Row("clauses", State.GOOD, "all can be verified")


def _print(console: Console, rows: list[Row]) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in ("what", "", "found", "costs", "how to mend it"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        texts = (Text(printable(text)) for text in (row.found, row.costs, row.mend))
        table.add_row(Text(row.what), Text(row.state, style=_STYLES[row.state]), *texts)
    console.print(table, soft_wrap=False)
