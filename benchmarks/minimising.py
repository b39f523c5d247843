"""Measure what reducing a finding takes, beside Hypothesis's own shrinker on the same finding.

Both begin with the same generated call, place it on the same switch, and are told of each call
whether it shows the same; a call that was placed is not placed again.
Seconds of the switch are what a real one would take: on the embedded one its clock runs ahead.
Ratios count. Run `python -m benchmarks.minimising [--fault NAME] [--steps N] [--seed N] [--json]`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from random import Random

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.database import InMemoryExampleDatabase

from campaign.campaign import Campaign, Pace, open_campaign
from campaign.descent import Goal
from campaign.minimise import SECONDS, minimise
from conformance.cdr_modules import MODULES
from conformance.complexity import steps
from conformance.judge import Judgement, judge
from conformance.observation import Placement
from conformance.profile import Profile
from conformance.scenario import Scenario
from conformance.verdicts import Verdicts
from fixtures.embedded.faults import FAULTS, THREE_SECONDS
from fixtures.switches import open_switch
from reports.text import by_hand
from strategies import scenarios
from strategies.generation import openers

_BYTES = 8192


@dataclass(frozen=True, slots=True)
class Figures:
    """What reducing took: calls, seconds, seconds of the switch; and how many steps are left."""

    calls: int
    seconds: float
    switch_seconds: float
    steps: int


class Bench:
    """A switch that is running, and everything that was placed on it since the last `forget`."""

    def __init__(self, runner: asyncio.Runner, url: str) -> None:
        """Start the switch."""
        self._runner = runner
        self._stack = AsyncExitStack()
        self.switch = open_switch(url)
        self.judgements: dict[str, Judgement] = {}
        self.calls = 0
        self._attempt = 0
        self._campaign = runner.run(self._open())

    async def _open(self) -> Campaign:
        await self.switch.start(Profile())
        self._stack.push_async_callback(self.switch.stop)
        session = open_campaign(self.switch, MODULES, self._placed, lambda _: None)
        return await self._stack.enter_async_context(session)

    def close(self) -> None:
        """Stop the switch."""
        self._runner.run(self._stack.aclose())

    def forget(self, but: Scenario) -> None:
        """Begin anew, as if nothing but one call had been placed."""
        self.judgements = {but.id: self.judgements[but.id]}
        self.calls = 0

    async def place(
        self, placing: Sequence[Scenario], window: int, like: Scenario | None = None
    ) -> None:
        """Place scenarios side by side, each under a token that no other attempt has."""
        self._attempt += 1
        by_profile = sorted(placing, key=lambda one: str(one.profile))
        await self._campaign.place_all(by_profile, Pace(window=window), self._attempt)

    def shows(self, scenario: Scenario, clause: str) -> bool:
        """Place a scenario alone, unless it was, and tell whether the clause fails in it."""
        if scenario.id not in self.judgements:
            self._runner.run(self.place([scenario], 1))
        return any(one.clause == clause for one in self.judgements[scenario.id].findings)

    def _placed(self, scenario: Scenario, placement: Placement) -> None:
        self.calls += 1
        self.judgements[scenario.id] = judge(scenario, placement)

    @contextmanager
    def measured(self, into: list[Figures], last: Callable[[], Scenario]) -> Iterator[None]:
        """Measure what is done within; `last` tells what it begins with, and what is left."""
        self.forget(last())
        began, clock = time.perf_counter(), self.switch.clock.now()
        yield
        seconds = time.perf_counter() - began
        switch_seconds = self.switch.clock.now() - clock
        into.append(Figures(self.calls, seconds, switch_seconds, steps(last())))


def compare(
    url: str, clause: str, wanted: int, seed: int
) -> tuple[tuple[Scenario, Scenario, Scenario], list[Figures]]:
    """The call that both begin with and what either leaves of it; the figures of either."""
    found: list[Figures] = []
    with asyncio.Runner() as runner:
        bench = Bench(runner, url)
        try:
            shrunk: list[Scenario] = []

            @settings(
                database=InMemoryExampleDatabase(),
                deadline=None,
                phases=(Phase.reuse, Phase.shrink),
                report_multiple_bugs=False,
                suppress_health_check=list(HealthCheck),
            )
            @given(scenarios())
            def shows(scenario: Scenario) -> None:
                if not shrunk and steps(scenario) != wanted:
                    return
                if bench.shows(scenario, clause):
                    shrunk.append(scenario)
                    raise AssertionError(scenario.id)

            start = _first(shows, shrunk, seed)
            leg = next(
                one.leg for one in bench.judgements[start.id].findings if one.clause == clause
            )
            goal = Goal(clause, leg, start)
            reduced: list[Scenario] = [start]
            with bench.measured(found, lambda: reduced[-1]):
                reduced.append(runner.run(_reduce(bench, goal)))
            with bench.measured(found, lambda: shrunk[-1]), suppress(AssertionError):
                shows()
        finally:
            bench.close()
    return (start, reduced[-1], shrunk[-1]), found


def _first(shows: Callable[[], None], shrunk: list[Scenario], seed: int) -> Scenario:
    """Find the first call of the seed that fails; Hypothesis keeps how it was made."""
    dice = Random(seed)
    while not shrunk:
        try:
            shows.hypothesis.fuzz_one_input(dice.randbytes(_BYTES))  # type: ignore[attr-defined]
        except AssertionError:
            break
    return shrunk[0]


async def _reduce(bench: Bench, goal: Goal) -> Scenario:
    """Minimise as a run does; the start has been confirmed before."""
    verdicts = Verdicts()
    for _ in range(2):
        verdicts.add(goal.start, bench.judgements[goal.start.id])

    async def place(placing: Sequence[Scenario], window: int, _: Scenario | None) -> None:
        await bench.place(placing, window)
        for one in placing:
            verdicts.add_minimising(one, bench.judgements[one.id])

    await minimise(verdicts, place, SECONDS, models=openers())
    shown = verdicts.result().clauses[goal.clause].shown
    assert shown is not None
    return shown.scenario


def main() -> None:
    """Print a table, or the same as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fault", choices=sorted(FAULTS), default=THREE_SECONDS)
    parser.add_argument("--switch", metavar="URL", help="a switch that has the fault")
    parser.add_argument("--clause", metavar="NAME", help="which it breaks (default: by the fault)")
    parser.add_argument("--steps", type=int, default=12, help="of the call that both begin with")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print JSON")
    asked = parser.parse_args()
    clause = asked.clause or FAULTS[asked.fault].clauses[0]
    url = asked.switch or f"embedded:?fault={asked.fault}"
    (start, ours, theirs), figures = compare(url, clause, asked.steps, asked.seed)
    if asked.json:
        named = zip(("suite", "hypothesis"), map(asdict, figures), strict=True)
        print(json.dumps(dict(named), indent=2))
        return
    for left in (start, ours, theirs):
        print(f"{steps(left)} steps:\n{by_hand(left)}\n")
    print(f"{url}, {clause}")
    print(f"{'':<24}{'suite':>10}{'hypothesis':>12}{'ratio':>8}")
    one, other = figures
    for name in ("calls", "seconds", "switch_seconds", "steps"):
        row = getattr(one, name), getattr(other, name)
        ratio = row[1] / max(row[0], 1e-9)
        print(f"{name.replace('_', ' '):<24}{row[0]:>10.1f}{row[1]:>12.1f}{ratio:>8.1f}")


if __name__ == "__main__":
    main()
