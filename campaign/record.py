"""The command `record`: a baseline of a switch, to compare others with later."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterable, Iterator
from pathlib import Path

from rich.console import Console

from campaign.campaign import Pace
from campaign.options import (
    SWITCHES,
    add_pace_options,
    add_reaching_options,
    cancel_on_signals,
    positive,
    release,
)
from campaign.progress import Bar
from campaign.session import Plan, Run, Scenarios, run
from conformance.judge import Judgement
from conformance.observation import Placement
from conformance.scenario import Scenario
from conformance.verdicts import CONFORMS, UNDECIDED
from fixtures.switches import open_switch
from reports.diagram import printable

_EXAMPLE = """\
example:
  loopback-conformance record baseline.jsonl.gz --switch process:///usr/bin/freeswitch
  loopback-conformance compare --old baseline.jsonl.gz --new process:///opt/new/bin/freeswitch
"""

_EXIT_STATUS = """\
exit status:
  0  recorded, whether the switch conforms or not
  2  usage or configuration: the switch cannot be started or reached, the file not written
  3  the recording is not whole
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "record",
        help="record a switch as the baseline that others are compared with",
        description="Place calls on a switch and keep all that it tells, each call several times, "
        "so that a later\ncomparison can tell what changed from what always varied.",
        epilog=f"{SWITCHES}\n{_EXAMPLE}\n{_EXIT_STATUS}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("recording", type=Path, metavar="RECORDING")
    parser.add_argument("--switch", required=True, metavar="URL", help="see below")
    parser.add_argument(
        "--scenarios",
        type=positive,
        default=300,
        metavar="N",
        help="how many (default %(default)s)",
    )
    parser.add_argument(
        "--times",
        type=positive,
        default=2,
        metavar="N",
        help="each how often (default %(default)s)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=1,
        metavar="N",
        help="same seed, same calls (default %(default)s)",
    )
    add_pace_options(parser)
    parser.add_argument("--release", type=release, metavar="X.Y.Z", help="what the endpoint is")
    parser.add_argument("--overwrite", action="store_true", help="replace a recording there")
    add_reaching_options(parser)
    parser.add_argument("-q", "--quiet", action="store_true", help="show no progress")
    parser.set_defaults(command=_record)


class _AllAgain:
    """The watcher that has every scenario placed so many times."""

    def __init__(self, times: int) -> None:
        self._left = times - 1
        self._placed: dict[str, Scenario] = {}

    def scenarios(self, asked: int, generated: Iterator[Scenario]) -> Scenarios:
        return asked, generated

    def placed(self, scenario: Scenario, placement: Placement, judgement: Judgement) -> None:
        self._placed[scenario.id] = scenario

    def unsettled(self) -> Iterable[Scenario]:
        self._left -= 1
        return self._placed.values() if self._left >= 0 else ()


def _record(parsed: argparse.Namespace, console: Console) -> int:
    plan = Plan(
        scenarios=parsed.scenarios,
        seed=parsed.seed,
        pace=Pace(parsed.window, parsed.max_rate),
        release=parsed.release,
        confirming=parsed.window,
        record=parsed.recording,
        overwrite=parsed.overwrite,
    )
    switch = open_switch(
        parsed.switch,
        event_socket=parsed.event_socket,
        image=parsed.image,
        binary=parsed.binary,
        password_file=parsed.password_file,
        cdrs=parsed.cdrs,
    )

    async def place() -> Run:
        cancel_on_signals()
        with Bar(Console(stderr=True, quiet=parsed.quiet)) as bar:
            return await run(switch, plan, bar, _AllAgain(parsed.times))

    done = asyncio.run(place())
    result, facts = done.result, done.header.switch
    told = f"{result.scenarios} scenarios in {result.attempts} attempts: {parsed.recording}"
    console.print(printable(f"{facts.url}: {facts.version}"), markup=False)
    console.print(printable(told), markup=False)
    if result.shortfall:
        console.print(f"not whole: {printable(result.shortfall)}", markup=False)
    return UNDECIDED if result.shortfall else CONFORMS
