"""Options that several commands share, and the switch that they name."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from campaign.admission import Pace
from campaign.guest import add_guest_options
from campaign.minimise import FINDINGS_WORTH, SECONDS
from campaign.option_parser import OptionParser
from conformance.profile import numbers, release_of
from fixtures.switches import DEFAULT_IMAGE, Switch, UsageError, open_switch
from reports.diagram import printable

T = TypeVar("T")

PACE = Pace()
"""How fast calls are placed at most if nobody says otherwise."""

SWITCHES = """\
switches:
  embedded:                       a small switch of the suite's own, where nothing is installed
  'embedded:?fault=NAME&seed=N'   the same with a fault of `faults --list`, other uuids, or both
  process:///path/to/freeswitch   a private instance of a FreeSWITCH that is installed here
  docker://IMAGE[:TAG]            a container of its own; `docker://` alone is the default image
  esl://HOST:PORT                 a switch that already runs; see `export-config` and `doctor`
"""


def add_switch_options(parser: argparse.ArgumentParser, *, several: bool = False) -> None:
    """The options that say which switch is used, or `several` of them, and how it is reached."""
    more = "; may be repeated, for a pool of switches that are alike" if several else ""
    parser.add_argument(
        "--switch",
        required=True,
        action="append",  # of one, too: a second is refused, and not taken instead of the first
        metavar="URL",
        help=f"what to test, see below{more}",
    )
    add_reaching_options(parser, several=several)
    parser.add_argument(
        "--keep", action="store_true", help="leave the switch's files after the run"
    )
    add_release_option(parser)


def add_release_option(parser: OptionParser) -> None:
    """The option that says of which release the endpoint is."""
    parser.add_argument(
        "--release",
        type=release,
        metavar="X.Y.Z",
        help="what the endpoint is, where that is not the switch's own version",
    )


def add_reaching_options(parser: OptionParser, *, several: bool = False) -> None:
    """The options that say how a switch, or `several` of them, is started or reached."""
    parser.add_argument(
        "--image", metavar="IMAGE", help=f"image of docker:// alone (default {DEFAULT_IMAGE})"
    )
    add_binary_option(parser)
    add_guest_options(parser, several=several)
    parser.add_argument(
        "--event-socket",
        choices=("asyncio", "python-esl"),
        default="asyncio",
        help="which Event Socket client to use (default %(default)s)",
    )


def add_binary_option(parser: OptionParser) -> None:
    """The option that says where FreeSWITCH is in an image."""
    parser.add_argument(
        "--binary",
        default="freeswitch",
        metavar="PATH",
        help="FreeSWITCH in the image (default %(default)s)",
    )


def switch_of(parsed: argparse.Namespace) -> Switch:
    """The one switch that the options name; raises UsageError."""
    url, *further = parsed.switch
    if further:
        raise UsageError("this is done on one switch: several, a pool, are for `run`")
    return _opened(url, parsed, parsed.password_file, parsed.cdrs)


@contextmanager
def kept_is_told(switches: Iterable[Switch]) -> Iterator[None]:
    """Say at the end, however it comes, where the switches left what they were asked to keep."""
    try:
        yield
    finally:
        for switch in switches:
            if switch.kept:
                print(printable(f"kept of the switch: {switch.kept}"), file=sys.stderr)


def switches_of(parsed: argparse.Namespace) -> list[Switch]:
    """The switches that the options name, in that order; raises UsageError."""
    return [
        _opened(url, parsed, password_file, cdrs)
        for url, password_file, cdrs in reached(parsed.switch, parsed)
    ]


def _opened(
    url: str, parsed: argparse.Namespace, password_file: Path | None, cdrs: str | None
) -> Switch:
    return open_switch(
        url,
        event_socket=parsed.event_socket,
        keep=parsed.keep,
        image=parsed.image,
        binary=parsed.binary,
        password_file=password_file,
        cdrs=cdrs,
    )


def reached(
    urls: Sequence[str], parsed: argparse.Namespace
) -> Iterator[tuple[str, Path | None, str | None]]:
    """Each URL with the password file and the place of CDRs that are given; raises UsageError."""
    for url in urls:
        if url.startswith("esl://") and urls.count(url) > 1:
            raise UsageError(
                f"{url} is named twice; on one switch each would take the other's calls"
            )
    password_files = _of_each(parsed.password_file, len(urls), "--password-file")
    places = _of_each(parsed.cdrs, len(urls), "--cdrs")
    return zip(urls, password_files, places, strict=True)


def _of_each(given: list[T] | None, number: int, option: str) -> Sequence[T | None]:
    """What an option says of each switch: nothing, one thing for all, or one for each."""
    values: Sequence[T | None] = given or [None]
    if len(values) not in (1, number):
        raise UsageError(f"give {option} once for all switches, or once for each, in their order")
    return [*values] * number if len(values) == 1 else values


def add_recording_options(parser: OptionParser, *, required: bool = False) -> None:
    """The options that say where all that a switch tells is written."""
    parser.add_argument(
        "--record",
        type=Path,
        required=required,
        metavar="FILE",
        help="write all that the switch told to FILE[.gz]",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace a recording that is there"
    )


def add_pace_options(parser: OptionParser, *, more: str = "") -> None:
    """The options that say how fast calls are placed at most, and `more` that is so of both."""
    parser.add_argument(
        *("--window", "--max-calls"),
        type=positive,
        default=PACE.window,
        metavar="N",
        help=f"calls at once at most (default {PACE.window}, enough for 2 cores){more}; of a "
        "switch that is not ours no more than half of the sessions that it has left",
    )
    parser.add_argument(
        "--max-rate",
        type=positive,
        default=PACE.rate,
        metavar="N",
        help=f"calls begun a second at most (default {PACE.rate:g}){more}; of a switch that is "
        "not ours no more than half of the sessions a second that it allows",
    )


def add_run_options(parser: OptionParser) -> None:
    """The options that say which calls are placed, how fast, and what becomes of findings."""
    parser.add_argument(
        "--scenarios",
        type=positive,
        default=300,
        metavar="N",
        help="how many (default %(default)s), besides those of the corpus",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=1,
        metavar="N",
        help="same seed, same calls (default %(default)s)",
    )
    add_pace_options(parser)
    parser.add_argument(
        "--corpus",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="place the examples of this folder first, after those that come with the suite; "
        "may be repeated",
    )
    parser.add_argument("--no-corpus", action="store_true", help="place no example at all")
    parser.add_argument(
        "--minimise",
        type=positive,
        default=round(SECONDS),
        metavar="SECONDS",
        help="how long a clause that fails is reduced to a simpler call (default %(default)s; "
        f"all clauses together {FINDINGS_WORTH} times that)",
    )
    parser.add_argument("--no-minimise", action="store_true", help="show what fails as it is")


def add_finding_options(parser: OptionParser, default: str = "none") -> None:
    """The options that say where what was found is written; `default` is where bundles are."""
    parser.add_argument(
        "--bundles",
        type=Path,
        metavar="DIR",
        help=f"write a bundle for each clause that fails, to be replayed (default: {default})",
    )
    parser.add_argument(
        "--save-example",
        type=Path,
        metavar="DIR",
        help="keep the call of each finding in this folder, for --corpus",
    )


def cancel_on_signals() -> None:
    """Let Ctrl-C, a polite kill and a closed terminal cancel this task, so that it cleans up.

    As often as they come: a second Ctrl-C does not leave a switch behind.
    """
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # which nohup asks for
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)


def end_by_broken_pipe() -> None:
    """Let `| head` end this process as it does any other: rich would exit with 1, "findings"."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)


def positive(text: str) -> int:
    """A number from 1 on, as an option's type."""
    if not text.isascii() or not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!a} is not a number from 1 on")
    return int(text)


def release(text: str) -> str:
    """A release that is known, as an option's type."""
    try:
        numbers(text)
        release_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text
