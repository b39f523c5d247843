"""The command `bisect`: the first of several switches that shows a finding.

The last one tells how often the finding shows; the others are then asked often enough that one
which shows it as often is missed once in a hundred times.
"""

from __future__ import annotations

import argparse
import asyncio
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from campaign.divergences import clause_named, example_of
from campaign.guest import add_guest_options
from campaign.options import SWITCHES, add_binary_option, cancel_on_signals, reached
from campaign.session import Plan, Scenarios, run
from conformance.judge import Judgement
from conformance.observation import Placement
from conformance.scenario import Scenario
from conformance.verdicts import CONFORMS, FINDINGS, UNDECIDED
from fixtures.switches import DEFAULT_IMAGE, Switch, SwitchError, UsageError, open_switch
from reports.diagram import printable

SURE = 3
"""Attempts after which a finding that all of them show is taken to show always."""

MOST = 30
"""Attempts at most on one switch; at first a third of them on the last one."""

MISSED = 0.01
"""How probable it may be that a switch which shows the finding is taken for one that does not."""

_EXAMPLES = """\
examples:
  loopback-conformance bisect loopback-bundles/bowout.refused-2b6f0a9c1d3e \\
      --images 1.10.6,1.10.7,1.10.9,1.10.12
  loopback-conformance bisect run.json bowout.refused \\
      --switches process:///opt/fs-a/bin/freeswitch,process:///opt/fs-b/bin/freeswitch
"""

_EXIT_STATUS = """\
exit status:
  0  the last switch does not show the finding
  1  found: the first switch that shows it is named
  2  usage or configuration: a switch cannot be started or reached, a file cannot be read
  3  not decided: a switch does not exercise the clause, or the host could not keep time
"""


@dataclass(frozen=True, slots=True)
class Probe:
    """What came of asking one switch: how many attempts decided the clause, how many showed it."""

    url: str
    decided: int
    shown: int
    problem: str = ""

    def __str__(self) -> str:
        """The probe on one line."""
        if not self.decided:
            return f"not decided: {self.problem or 'no attempt exercised the clause'}"
        return f"shows it in {self.shown} of {self.decided} attempts"


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "bisect",
        help="the first of several switches that shows a finding",
        description="Place the call of a finding on switches in the order of their age, as few of "
        "them as can be,\nand name the first that shows it. Named the newest first, they tell "
        "which was the last\nto show what was mended since. BUNDLE is a folder or .zip that a run "
        "wrote.",
        epilog=f"{SWITCHES}\n{_EXAMPLES}\n{_EXIT_STATUS}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("found", type=Path, metavar="BUNDLE|REPORT.json")
    parser.add_argument(
        "clause", nargs="?", type=clause_named, metavar="CLAUSE", help="left out of a bundle"
    )
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument(
        "--images", metavar="TAG,...", help="images, or tags of the one that --image names"
    )
    where.add_argument("--switches", metavar="URL,...", help="URLs of switches")
    parser.add_argument(
        "--image",
        default=DEFAULT_IMAGE.rpartition(":")[0],
        help="repository of --images (default %(default)s)",
    )
    add_binary_option(parser)
    add_guest_options(parser, several=True)
    parser.set_defaults(command=_bisect)


def bisect(urls: Sequence[str], ask: Callable[[str, int, bool], Probe]) -> Iterator[Probe]:
    """Ask the last, then the first, then ever between the two that enclose the change.

    `ask` takes a URL, how many attempts to make at most, and whether to go on once the finding was
    shown. Ends early where a switch says nothing, or where the ends leave nothing to look for.
    """
    last = ask(urls[-1], MOST // SURE, True)
    yield last
    if not last.shown:
        return
    attempts = enough(last.shown / last.decided)
    without, shows = -1, len(urls) - 1
    at = 0
    while shows - without > 1:
        probe = ask(urls[at], attempts, False)
        yield probe
        if not probe.decided:
            return
        without, shows = (without, at) if probe.shown else (at, shows)
        at = (without + shows) // 2


def enough(share: float) -> int:
    """How many attempts miss a finding with `MISSED` at most that shows in this share of them."""
    if share >= 1:
        return SURE
    return min(MOST, max(SURE, math.ceil(math.log(MISSED) / math.log(1 - share))))


class _Repeating:
    """The watcher that has one scenario placed again and again."""

    def __init__(self, scenario: Scenario, clause: str, leg: str, *, further: bool) -> None:
        self._scenario = scenario
        self._clause = clause
        self._leg = leg
        self._further = further
        self.decided = self.shown = 0
        self.problem = ""

    def scenarios(self, asked: int, generated: Iterator[Scenario]) -> Scenarios:
        return 1, iter([self._scenario])

    def placed(self, scenario: Scenario, placement: Placement, judgement: Judgement) -> None:
        self.problem = judgement.problem or self.problem
        self.decided += self._clause in judgement.exercised
        self.shown += any(
            (found.clause, found.leg) == (self._clause, self._leg) for found in judgement.findings
        )

    def unsettled(self) -> Iterable[Scenario]:
        always = self.decided >= SURE and self.shown == self.decided
        settled = always if self._further else bool(self.shown)
        return [] if settled else [self._scenario]


def _bisect(parsed: argparse.Namespace, console: Console) -> int:
    clause, leg, scenario = example_of(parsed.found, parsed.clause)
    urls = _urls(parsed)
    # all of them now: a name that is wrong is told before any is started
    switches = {
        url: open_switch(url, binary=parsed.binary, password_file=password_file, cdrs=cdrs)
        for url, password_file, cdrs in reached(urls, parsed)
    }

    def ask(url: str, attempts: int, further: bool) -> Probe:
        watcher = _Repeating(scenario, clause, leg, further=further)
        plan = Plan(scenarios=1, release=scenario.profile.release, attempts=attempts)
        asyncio.run(_place(switches[url], plan, watcher))
        probe = Probe(url, watcher.decided, watcher.shown, watcher.problem)
        console.print(f"{printable(url)}: {printable(str(probe))}", markup=False)
        return probe

    console.print(printable(f"{clause} on {leg}, scenario {scenario.id}"), markup=False)
    probes = {probe.url: probe for probe in bisect(urls, ask)}
    return _told(console, urls, probes)


def _told(console: Console, urls: Sequence[str], probes: dict[str, Probe]) -> int:
    if any(not probe.decided for probe in probes.values()):
        console.print("not decided")
        return UNDECIDED
    if not probes[urls[-1]].shown:
        console.print("the last switch does not show it")
        return CONFORMS
    first = next(url for url in urls if url in probes and probes[url].shown)
    before = urls[: urls.index(first)]
    since = f"; {printable(before[-1])} does not" if before else ", the oldest of them"
    runs = f"{len(probes)} of {len(urls)} switches asked"
    console.print(f"first: {printable(first)}{since} ({runs})", markup=False)
    return FINDINGS


async def _place(switch: Switch, plan: Plan, watcher: _Repeating) -> None:
    cancel_on_signals()
    done = await run(switch, plan, watcher=watcher)
    if done.result.shortfall:
        raise SwitchError(f"{switch.url} was not asked to the end: {done.result.shortfall}")


def _urls(parsed: argparse.Namespace) -> list[str]:
    names = [one.strip() for one in (parsed.images or parsed.switches).split(",") if one.strip()]
    if parsed.images:
        whole = (one if _is_image(one) else f"{parsed.image}:{one}" for one in names)
        names = [f"docker://{one}" for one in whole]
    if len(names) < 2 or len(set(names)) < len(names):
        raise UsageError("name at least two different switches, the oldest first")
    return names


def _is_image(name: str) -> bool:
    """Whether a name is that of an image, and no mere tag."""
    return "/" in name or ":" in name
