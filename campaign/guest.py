"""Options for a switch that is not ours, and the command `export-config`."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from campaign.option_parser import OptionParser
from fixtures.switches.cdr_collector import Posting
from fixtures.switches.export import export

_EXAMPLE = """\
examples:
  loopback-conformance export-config install-there
  loopback-conformance export-config install-there --collector 127.0.0.1:8055
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command `export-config`."""
    parser = commands.add_parser(
        "export-config",
        help="write what is to be installed on a switch that already runs",
        description="Write into DIR the few files to install on a switch that is not the suite's: "
        "extensions, Event Socket,\nCDR modules. DIR/README.txt says what goes where.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("directory", type=Path, metavar="DIR", help="a new or empty directory")
    parser.add_argument(
        "--port",
        type=_port,
        default=8021,
        metavar="PORT",
        help="the Event Socket's (default %(default)s)",
    )
    parser.add_argument(
        "--collector",
        type=_address,
        metavar="HOST:PORT",
        help="have CDRs posted to the suite, which will listen there: an address of its host, as "
        "the switch reaches it; without it they are files",
    )
    parser.set_defaults(command=_export)


def add_guest_options(parser: OptionParser, *, several: bool = False) -> None:
    """The options that say how a switch that is not ours is reached, or `several` of them."""
    action = "append" if several else "store"
    more = "; once for all switches, or once for each, in their order" if several else ""
    parser.add_argument(
        "--password-file",
        type=Path,
        action=action,
        metavar="FILE",
        help=f"the Event Socket password of esl:// (else from LOOPBACK_CONFORMANCE_PASSWORD){more}",
    )
    parser.add_argument(
        "--cdrs",
        action=action,
        metavar="PLACE",
        help="where the CDRs of esl:// are: the directory that holds json_cdr/, xml_cdr/ and "
        f"cdr-csv/, or the collector.json of export-config{more}",
    )


def _export(parsed: argparse.Namespace, console: Console) -> int:
    posting = Posting.new(*parsed.collector) if parsed.collector else None
    for path in export(parsed.directory, port=parsed.port, posting=posting):
        console.print(f"{parsed.directory / path}", markup=False)
    return 0


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < 1 << 16):
        raise argparse.ArgumentTypeError(f"{text!a} is not a port")
    return int(text)


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not (host and colon):
        raise argparse.ArgumentTypeError(f"{text!a} is not HOST:PORT")
    return host.removeprefix("[").removesuffix("]"), _port(port)
